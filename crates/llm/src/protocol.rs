//! The three protocols: endpoints, request bodies, and responses.
//!
//! Pure: values in, values out. The forms follow the servers' references: OpenAI's chat completions
//! with `response_format`, Anthropic's messages with `output_config`, Gemini's generateContent with
//! `responseJsonSchema`.

use std::fmt;
use std::str::FromStr;

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use serde_json::{Map, Value, json};
use url::Url;

use crate::model::{Prompt, Reply, Usage};
use crate::settings::ModelSettings;

/// The protocol of a model's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Chat completions: OpenAI, Ollama, vLLM, llama.cpp and many others.
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
    /// Gemini's generateContent.
    Gemini,
}

/// The text names no protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a protocol; protocols are openai (Ollama, vLLM and llama.cpp too), anthropic, gemini")]
pub struct UnknownProtocol(String);

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(text: &str) -> Result<Self, UnknownProtocol> {
        let all = [Self::OpenAi, Self::Anthropic, Self::Gemini];
        all.into_iter().find(|p| p.to_string() == text).ok_or_else(|| UnknownProtocol(text.to_owned()))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        })
    }
}

/// How many features a request uses. Not all servers know schemas, and some models refuse a
/// temperature or a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// A schema, temperature 0, and a limit of tokens.
    Full,
    /// The schema only.
    Schema,
    /// Like [`Form::Full`], with the schema where chat completions had it before OpenAI defined a
    /// place. llama-cpp-python knows no other.
    Object,
    /// The two texts only.
    Bare,
}

/// Maximum tokens of a reply, including reasoning.
pub(crate) const OUTPUT_TOKENS: u32 = 4096;

/// The same for the second attempt, if the first reply was cut off.
pub(crate) const MORE_TOKENS: u32 = 4 * OUTPUT_TOKENS;

/// Why a response has no usable reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoReply {
    /// It has no text; why, as far as the server says.
    Silent(String),
    /// The reply ended where the tokens did.
    CutOff,
}

impl Protocol {
    /// The forms that servers of this protocol may accept, fullest first.
    pub(crate) fn forms(self) -> &'static [Form] {
        match self {
            Self::OpenAi => &[Form::Full, Form::Schema, Form::Object, Form::Bare],
            Self::Anthropic | Self::Gemini => &[Form::Full, Form::Schema, Form::Bare],
        }
    }

    /// The address of the protocol's original server.
    pub fn usual_url(self) -> Url {
        let url = match self {
            Self::OpenAi => "https://api.openai.com/v1",
            Self::Anthropic => "https://api.anthropic.com/v1",
            Self::Gemini => "https://generativelanguage.googleapis.com/v1beta",
        };
        url.parse().expect("the constant is a valid URL")
    }

    /// The address of the endpoint. Returns `None` if the server's URL cannot have a path.
    pub(crate) fn endpoint(self, settings: &ModelSettings) -> Option<Url> {
        let mut url = settings.url.clone();
        let model = settings.model.as_str();
        {
            let mut path = url.path_segments_mut().ok()?;
            path.pop_if_empty();
            match self {
                Self::OpenAi => path.extend(["chat", "completions"]),
                Self::Anthropic => path.push("messages"),
                Self::Gemini => path.extend(["models", &format!("{model}:generateContent")]),
            };
        }
        Some(url)
    }

    /// The headers with key and version.
    pub(crate) fn headers(self, settings: &ModelSettings) -> Result<HeaderMap, InvalidHeaderValue> {
        let mut headers = HeaderMap::new();
        if self == Self::Anthropic {
            headers
                .insert(HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"));
        }
        if let Some(key) = &settings.key {
            let (name, value) = match self {
                Self::OpenAi => (AUTHORIZATION, format!("Bearer {}", key.told())),
                Self::Anthropic => (HeaderName::from_static("x-api-key"), key.told().to_owned()),
                Self::Gemini => (HeaderName::from_static("x-goog-api-key"), key.told().to_owned()),
            };
            let mut value = HeaderValue::from_str(&value)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    /// The request's body; the reply may have `tokens` tokens.
    pub(crate) fn body(self, model: &str, prompt: &Prompt<'_>, form: Form, tokens: u32) -> Value {
        let mut body = match self {
            Self::OpenAi => json!({
                "model": model,
                "messages": [
                    { "role": "system", "content": prompt.system },
                    { "role": "user", "content": prompt.user },
                ],
            }),
            Self::Anthropic => json!({
                "model": model,
                "max_tokens": tokens,
                "system": prompt.system,
                "messages": [{ "role": "user", "content": prompt.user }],
            }),
            Self::Gemini => json!({
                "systemInstruction": { "parts": [{ "text": prompt.system }] },
                "contents": [{ "role": "user", "parts": [{ "text": prompt.user }] }],
            }),
        };
        let more = self.more(prompt.schema, form, tokens);
        if let Value::Object(body) = &mut body {
            body.extend(more);
        }
        body
    }

    /// The fields that a form adds to the two texts.
    fn more(self, schema: &Value, form: Form, tokens: u32) -> Map<String, Value> {
        let full = matches!(form, Form::Full | Form::Object);
        let with_schema = form != Form::Bare;
        let mut more = Map::new();
        match self {
            Self::OpenAi => {
                let format = match form {
                    Form::Full | Form::Schema => Some(json!({
                        "type": "json_schema",
                        "json_schema": { "name": "answer", "strict": true, "schema": schema },
                    })),
                    Form::Object => Some(json!({ "type": "json_object", "schema": schema })),
                    Form::Bare => None,
                };
                more.extend(format.map(|format| ("response_format".to_owned(), format)));
                if full {
                    more.insert("temperature".into(), json!(0));
                    more.insert("max_tokens".into(), json!(tokens));
                }
            }
            Self::Anthropic => {
                if with_schema {
                    let format = json!({ "type": "json_schema", "schema": without_bounds(schema) });
                    more.insert("output_config".into(), json!({ "format": format }));
                }
                if full {
                    more.insert("temperature".into(), json!(0));
                }
            }
            Self::Gemini => {
                let mut config = Map::new();
                if with_schema {
                    config.insert("responseMimeType".into(), json!("application/json"));
                    config.insert("responseJsonSchema".into(), schema.clone());
                }
                if full {
                    config.insert("temperature".into(), json!(0));
                    config.insert("maxOutputTokens".into(), json!(tokens));
                }
                if !config.is_empty() {
                    more.insert("generationConfig".into(), Value::Object(config));
                }
            }
        }
        more
    }

    /// The reply in a response.
    pub(crate) fn reply(self, answer: &Value, prompt: &Prompt<'_>) -> Result<Reply, NoReply> {
        let (text, ended, usage) = match self {
            Self::OpenAi => {
                let choice = &answer["choices"][0];
                let content = &choice["message"]["content"];
                let text = content.as_str().map_or_else(|| texts(content, "text"), str::to_owned);
                (
                    text,
                    &choice["finish_reason"],
                    [&answer["usage"]["prompt_tokens"], &answer["usage"]["completion_tokens"]],
                )
            }
            Self::Anthropic => {
                let usage = &answer["usage"];
                (
                    texts(&answer["content"], "text"),
                    &answer["stop_reason"],
                    [&usage["input_tokens"], &usage["output_tokens"]],
                )
            }
            Self::Gemini => {
                let candidate = &answer["candidates"][0];
                let usage = &answer["usageMetadata"];
                (
                    texts(&candidate["content"]["parts"], "text"),
                    &candidate["finishReason"],
                    [&usage["promptTokenCount"], &usage["candidatesTokenCount"]],
                )
            }
        };
        // OpenAI and its like, Anthropic, Gemini.
        if matches!(ended.as_str(), Some("length" | "max_tokens" | "MAX_TOKENS")) {
            return Err(NoReply::CutOff);
        }
        if text.trim().is_empty() {
            let reason = [
                ended,
                &answer["promptFeedback"]["blockReason"],
                &answer["choices"][0]["message"]["refusal"],
            ];
            let told: Vec<&str> = reason.iter().filter_map(|value| value.as_str()).collect();
            let told = if told.is_empty() { "the server does not say why".into() } else { told.join(", ") };
            return Err(NoReply::Silent(told));
        }
        let thoughts = answer["usageMetadata"]["thoughtsTokenCount"].as_u64().unwrap_or(0);
        let usage = Usage {
            input_tokens: usage[0].as_u64().unwrap_or_else(|| about(&[prompt.system, prompt.user])),
            output_tokens: usage[1].as_u64().unwrap_or_else(|| about(&[&text])) + thoughts,
        };
        Ok(Reply { text, usage })
    }
}

/// Removes the bounds of lists from a schema, because Anthropic refuses them.
fn without_bounds(schema: &Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, value)| *name != "maxItems" || !value.is_number());
            kept.map(|(name, value)| (name.clone(), without_bounds(value))).collect()
        }
        Value::Array(items) => items.iter().map(without_bounds).collect(),
        other => other.clone(),
    }
}

/// Joins the texts of a list of parts. Skips reasoning.
fn texts(parts: &Value, field: &str) -> String {
    let parts = parts.as_array().map(Vec::as_slice).unwrap_or_default();
    parts.iter().filter(|part| part["thought"] != true).filter_map(|part| part[field].as_str()).collect()
}

/// Estimates tokens if the server does not count them: one per four characters.
fn about(texts: &[&str]) -> u64 {
    texts.iter().map(|text| text.chars().count() as u64).sum::<u64>().div_ceil(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;

    fn settings(protocol: Protocol) -> ModelSettings {
        ModelSettings { key: Some(Key::new(" secret\n")), ..ModelSettings::new("m", protocol, "org/model") }
    }

    #[test]
    fn protocols_have_their_endpoints_and_key_headers() {
        for (protocol, url, header, value) in [
            (
                Protocol::OpenAi,
                "https://api.openai.com/v1/chat/completions",
                "authorization",
                "Bearer secret",
            ),
            (Protocol::Anthropic, "https://api.anthropic.com/v1/messages", "x-api-key", "secret"),
            (
                Protocol::Gemini,
                "https://generativelanguage.googleapis.com/v1beta/models/org%2Fmodel:generateContent",
                "x-goog-api-key",
                "secret",
            ),
        ] {
            let settings = settings(protocol);
            assert_eq!(protocol.endpoint(&settings).unwrap().as_str(), url);
            let headers = protocol.headers(&settings).unwrap();
            assert_eq!(headers[header], value);
            assert!(headers[header].is_sensitive() && !format!("{settings:?}{headers:?}").contains("secret"));
            assert_eq!(protocol.to_string().parse(), Ok(protocol));
        }
        let mut slashed = settings(Protocol::OpenAi);
        slashed.url = "http://127.0.0.1:11434/v1/".parse().unwrap();
        assert_eq!(Protocol::OpenAi.endpoint(&slashed).unwrap().path(), "/v1/chat/completions");
        assert!("cohere".parse::<Protocol>().unwrap_err().to_string().contains("openai"));
    }

    #[test]
    fn simpler_forms_have_fewer_fields() {
        let schema = json!({ "type": "object" });
        let prompt = Prompt { system: "s", user: "u", schema: &schema };
        for protocol in [Protocol::OpenAi, Protocol::Anthropic, Protocol::Gemini] {
            let [full, with_schema, bare] = [Form::Full, Form::Schema, Form::Bare]
                .map(|form| protocol.body("m", &prompt, form, OUTPUT_TOKENS).to_string());
            let asks = |body: &str, what: &str| body.contains(what);
            assert!(asks(&full, "temperature") && asks(&full, "{\"type\":\"object\"}"), "{full}");
            assert!(
                !asks(&with_schema, "temperature") && asks(&with_schema, "{\"type\":\"object\"}"),
                "{with_schema}"
            );
            assert!(!asks(&bare, "temperature") && !asks(&bare, "{\"type\":\"object\"}"), "{bare}");
            assert!(asks(&bare, "\"s\"") && asks(&bare, "\"u\""), "{bare}");
        }
    }

    #[test]
    fn object_form_puts_the_schema_where_old_servers_read_it() {
        let schema = json!({ "type": "object" });
        let prompt = Prompt { system: "s", user: "u", schema: &schema };
        let body = Protocol::OpenAi.body("m", &prompt, Form::Object, OUTPUT_TOKENS);
        assert_eq!(body["response_format"], json!({ "type": "json_object", "schema": { "type": "object" } }));
        assert!(body["temperature"].is_number() && body["max_tokens"].is_number(), "{body}");
    }

    #[test]
    fn bounds_of_lists_are_removed_for_anthropic_only() {
        let list = json!({ "type": "array", "maxItems": 4 });
        let schema = json!({ "anyOf": [{ "properties": { "a": list } }] });
        let prompt = Prompt { system: "s", user: "u", schema: &schema };
        for protocol in [Protocol::OpenAi, Protocol::Anthropic, Protocol::Gemini] {
            let body = protocol.body("m", &prompt, Form::Full, OUTPUT_TOKENS).to_string();
            assert!(body.contains(r#""type":"array""#), "{body}");
            assert_eq!(body.contains("maxItems"), protocol != Protocol::Anthropic, "{body}");
        }
    }

    #[test]
    fn replies_of_all_protocols_are_parsed() {
        let prompt = Prompt { system: "12345678", user: "", schema: &Value::Null };
        for (protocol, answer, text, tokens) in [
            (
                Protocol::OpenAi,
                json!({ "choices": [{ "message": { "content": "hi" } }], "usage": { "prompt_tokens": 5, "completion_tokens": 7 } }),
                "hi",
                (5, 7),
            ),
            (
                Protocol::OpenAi,
                json!({ "choices": [{ "message": { "content": "hello" } }] }),
                "hello",
                (2, 2),
            ),
            (
                Protocol::Anthropic,
                json!({ "content": [{ "type": "text", "text": "h" }, { "type": "text", "text": "i" }],
                        "usage": { "input_tokens": 5, "output_tokens": 7 } }),
                "hi",
                (5, 7),
            ),
            (
                Protocol::Gemini,
                json!({ "candidates": [{ "content": { "parts": [{ "text": "hm", "thought": true }, { "text": "hi" }] } }],
                        "usageMetadata": { "promptTokenCount": 5, "candidatesTokenCount": 7, "thoughtsTokenCount": 3 } }),
                "hi",
                (5, 10),
            ),
        ] {
            let reply = protocol.reply(&answer, &prompt).unwrap();
            assert_eq!(reply.text, text);
            assert_eq!((reply.usage.input_tokens, reply.usage.output_tokens), tokens);
        }
    }

    #[test]
    fn cut_off_reply_is_no_reply() {
        let prompt = Prompt { system: "", user: "", schema: &Value::Null };
        for (protocol, answer) in [
            (
                Protocol::OpenAi,
                json!({ "choices": [{ "message": { "content": "{\"kind\":" }, "finish_reason": "length" }] }),
            ),
            (
                Protocol::Anthropic,
                json!({ "content": [{ "type": "text", "text": "{" }], "stop_reason": "max_tokens" }),
            ),
            (
                Protocol::Gemini,
                json!({ "candidates": [{ "content": { "parts": [] }, "finishReason": "MAX_TOKENS" }] }),
            ),
        ] {
            assert_eq!(protocol.reply(&answer, &prompt), Err(NoReply::CutOff));
        }
    }

    #[test]
    fn empty_reply_has_the_servers_reason() {
        let prompt = Prompt { system: "", user: "", schema: &Value::Null };
        let blocked = json!({ "promptFeedback": { "blockReason": "SAFETY" } });
        assert_eq!(Protocol::Gemini.reply(&blocked, &prompt), Err(NoReply::Silent("SAFETY".into())));
        for protocol in [Protocol::OpenAi, Protocol::Anthropic, Protocol::Gemini] {
            for answer in [
                json!({}),
                json!([]),
                json!("hello"),
                json!({ "choices": 3, "content": {}, "candidates": [] }),
            ] {
                assert!(protocol.reply(&answer, &prompt).is_err());
            }
        }
    }
}
