//! The four protocols: endpoints, request bodies, and responses.
//!
//! This module sends nothing: it makes bodies and parses responses. The forms follow the servers'
//! references: OpenAI's chat completions with `response_format`, Anthropic's messages with
//! `output_config`, Gemini's generateContent with `responseJsonSchema`, Ollama's chat with `format`
//! and `num_ctx`.

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, InvalidHeaderValue};
use serde_json::{Map, Value, json};
use url::Url;

use crate::prompt::{Prompt, Reply, Usage};
use crate::settings::{ModelSettings, Protocol};

/// Which optional features a request uses. Some servers do not know schemas, and some models refuse
/// a temperature or a limit of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Form {
    /// A schema, temperature 0, and a limit of tokens.
    Full,
    /// Only the schema.
    Schema,
    /// All features of [`Form::Full`], but with the schema at the place that chat completions used
    /// before OpenAI defined one. llama-cpp-python knows only this place.
    Object,
    /// No optional features: only the two texts.
    Bare,
}

/// Maximum tokens of a reply, including reasoning.
pub(crate) const OUTPUT_TOKENS: u32 = 4096;

/// Maximum tokens of a reply in the second attempt, after the first reply was cut off.
pub(crate) const MORE_TOKENS: u32 = 4 * OUTPUT_TOKENS;

/// Limits of tokens in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Maximum tokens of the reply.
    pub answer: u32,
    /// The context for prompt and reply together, for servers at which a request chooses it.
    pub context: u32,
}

/// The context that Ollama is asked for is a multiple of this. Ollama loads a model again for each
/// other context, so few different values are better than exact ones.
const CONTEXT_STEP: u32 = 4096;

/// A prompt with fewer characters is never considered cut, because short prompts vary too much in
/// characters per token.
const CUT_FROM: usize = 2_000;

/// Maximum characters per token for any real text and tokenizer, with a wide margin. English has 4
/// to 4.8. Our prompts, with their numbers and names of concepts, have about 3.
const PER_TOKEN_MOST: f64 = 6.0;

/// The maximum characters per token if the server counted exactly as many tokens as a common
/// context has.
const PER_TOKEN_MOST_IN_A_FULL_CONTEXT: f64 = 3.6;
/// The size of a context is usually a multiple of this.
const USUAL_CONTEXTS: u64 = 2048;

/// Why a response has no usable reply.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NoReply {
    /// The server read only this many tokens of the prompt, and dropped the rest.
    PromptCut(u64),
    /// The response has no text. Holds the reason that the server gives, if any.
    Silent(String),
    /// The reply was cut off at the limit of tokens.
    CutOff,
}

impl Protocol {
    /// The forms that servers of this protocol may accept, in the order in which they are tried.
    pub(crate) fn forms(self) -> &'static [Form] {
        match self {
            Self::OpenAi => &[Form::Full, Form::Schema, Form::Object, Form::Bare],
            Self::Anthropic | Self::Gemini | Self::Ollama => &[Form::Full, Form::Schema, Form::Bare],
        }
    }

    /// The address of the endpoint. Returns `None` if the server's URL cannot have a path.
    pub(crate) fn endpoint(self, settings: &ModelSettings) -> Option<Url> {
        let model = settings.model.as_str();
        match self {
            Self::OpenAi => self.below(&settings.url, &["chat", "completions"]),
            Self::Anthropic => self.below(&settings.url, &["messages"]),
            Self::Gemini => self.below(&settings.url, &["models", &format!("{model}:generateContent")]),
            Self::Ollama => self.below(&settings.url, &["api", "chat"]),
        }
    }

    /// The address of the server's list of models, or of the description of this model.
    pub(crate) fn list_endpoint(self, settings: &ModelSettings) -> Option<Url> {
        match self {
            Self::OpenAi => self.below(&settings.url, &["models"]),
            Self::Anthropic | Self::Gemini => self.below(&settings.url, &["models", &settings.model]),
            Self::Ollama => self.below(&settings.url, &["api", "tags"]),
        }
    }

    /// The address of the embeddings endpoint. Returns `None` if the protocol has none.
    pub(crate) fn embeddings_endpoint(self, url: &Url) -> Option<Url> {
        match self {
            Self::OpenAi => self.below(url, &["embeddings"]),
            Self::Ollama => self.below(url, &["api", "embed"]),
            Self::Anthropic | Self::Gemini => None,
        }
    }

    /// The address of a path at a server. Returns `None` if the server's URL cannot have a path.
    pub(crate) fn below(self, url: &Url, path: &[&str]) -> Option<Url> {
        let mut url = url.clone();
        // The address of Ollama's chat completions ends in `v1`. Both are one server.
        let is_of_chat_completions = self == Self::Ollama && url.path().trim_end_matches('/') == "/v1";
        {
            let mut segments = url.path_segments_mut().ok()?;
            segments.pop_if_empty();
            if is_of_chat_completions {
                segments.pop();
            }
            segments.extend(path);
        }
        Some(url)
    }

    /// The context that a prompt and its reply need, with a wide margin.
    pub(crate) fn context(prompt: &Prompt<'_>, answer: u32) -> u32 {
        let Prompt { system, user, schema } = prompt;
        let tokens = |text: &str| {
            let other = text.chars().filter(|c| !c.is_ascii()).count();
            // Three characters per token; signs outside of ASCII often are a token or more each.
            text.chars().count() / 3 + other
        };
        let needed = tokens(system) + tokens(user) + tokens(&schema.to_string());
        let needed = u32::try_from(needed).unwrap_or(u32::MAX).saturating_add(answer);
        needed.checked_next_multiple_of(CONTEXT_STEP).unwrap_or(needed)
    }

    /// The headers of a request, with the key and the protocol's version.
    pub(crate) fn headers(self, settings: &ModelSettings) -> Result<HeaderMap, InvalidHeaderValue> {
        let mut headers = HeaderMap::new();
        if self == Self::Anthropic {
            headers
                .insert(HeaderName::from_static("anthropic-version"), HeaderValue::from_static("2023-06-01"));
        }
        if let Some(key) = &settings.key {
            let (name, value) = match self {
                Self::OpenAi => (AUTHORIZATION, format!("Bearer {}", key.reveal())),
                Self::Anthropic => (HeaderName::from_static("x-api-key"), key.reveal().to_owned()),
                Self::Gemini => (HeaderName::from_static("x-goog-api-key"), key.reveal().to_owned()),
                // Ollama itself has no keys, but a proxy before it may.
                Self::Ollama => (AUTHORIZATION, format!("Bearer {}", key.reveal())),
            };
            let mut value = HeaderValue::from_str(&value)?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        Ok(headers)
    }

    /// The body of a request.
    ///
    /// The system text is the same for every article and comes first, so that a server can cache
    /// its processing. Anthropic's servers do so only if the request marks the end of the text.
    pub(crate) fn body(self, model: &str, prompt: &Prompt<'_>, form: Form, room: Room) -> Value {
        let mut body = match self {
            Self::OpenAi => json!({
                "model": model,
                "messages": [
                    { "role": "system", "content": prompt.system },
                    { "role": "user", "content": prompt.user },
                ],
            }),
            Self::Anthropic => {
                let kept = json!({
                    "type": "text", "text": prompt.system, "cache_control": { "type": "ephemeral" },
                });
                json!({
                    "model": model,
                    "max_tokens": room.answer,
                    "system": if form == Form::Bare { json!(prompt.system) } else { json!([kept]) },
                    "messages": [{ "role": "user", "content": prompt.user }],
                })
            }
            // Without streaming, in one response. A statement that is backed by the text needs no
            // long reasoning, which takes minutes on a machine's own processor. Ollama reports a
            // prompt that is too long if it is asked not to cut it (from 0.12.6 on).
            Self::Ollama => json!({
                "model": model,
                "messages": [
                    { "role": "system", "content": prompt.system },
                    { "role": "user", "content": prompt.user },
                ],
                "stream": false,
                "think": false,
                "truncate": false,
                "shift": false,
            }),
            Self::Gemini => json!({
                "systemInstruction": { "parts": [{ "text": prompt.system }] },
                "contents": [{ "role": "user", "parts": [{ "text": prompt.user }] }],
            }),
        };
        let more = self.more(prompt.schema, form, room);
        if let Value::Object(body) = &mut body {
            body.extend(more);
        }
        body
    }

    /// The fields that a form adds to the two texts.
    fn more(self, schema: &Value, form: Form, room: Room) -> Map<String, Value> {
        let tokens = room.answer;
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
            Self::Ollama => {
                if with_schema {
                    more.insert("format".into(), schema.clone());
                }
                let mut options = json!({ "num_ctx": room.context, "num_predict": tokens });
                if full {
                    options["temperature"] = json!(0);
                }
                more.insert("options".into(), options);
            }
        }
        more
    }

    /// The reply in a response.
    pub(crate) fn reply(self, answer: &Value, prompt: &Prompt<'_>) -> Result<Reply, NoReply> {
        let (text, ended) = match self {
            Self::OpenAi => {
                let choice = &answer["choices"][0];
                let content = &choice["message"]["content"];
                let text = content.as_str().map_or_else(|| texts(content, "text"), str::to_owned);
                (text, &choice["finish_reason"])
            }
            Self::Anthropic => (texts(&answer["content"], "text"), &answer["stop_reason"]),
            Self::Gemini => {
                let candidate = &answer["candidates"][0];
                (texts(&candidate["content"]["parts"], "text"), &candidate["finishReason"])
            }
            Self::Ollama => {
                let content = answer["message"]["content"].as_str().unwrap_or_default();
                (content.to_owned(), &answer["done_reason"])
            }
        };
        let counted = self.counted(answer);
        if let Some(read) = counted.input.filter(|read| self.is_cut(prompt, *read)) {
            return Err(NoReply::PromptCut(read));
        }
        // OpenAI and its like, Ollama, Anthropic, Gemini.
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
        let input_tokens = counted.input.unwrap_or_else(|| about(&[prompt.system, prompt.user]));
        let usage = Usage {
            input_tokens,
            output_tokens: counted.output.unwrap_or_else(|| about(&[&text])),
            cached_tokens: counted.cached.min(input_tokens),
            cache_writes: counted.written.min(input_tokens.saturating_sub(counted.cached)),
        };
        Ok(Reply { text, usage })
    }

    /// The tokens that a response counts.
    fn counted(self, answer: &Value) -> Counted {
        let number = |value: &Value| value.as_u64();
        match self {
            Self::OpenAi => {
                let usage = &answer["usage"];
                let details = &usage["prompt_tokens_details"];
                // DeepSeek has another name for it.
                let cached = number(&details["cached_tokens"]).or(number(&usage["prompt_cache_hit_tokens"]));
                Counted {
                    input: number(&usage["prompt_tokens"]),
                    output: number(&usage["completion_tokens"]),
                    cached: cached.unwrap_or(0),
                    written: number(&details["cache_write_tokens"]).unwrap_or(0),
                }
            }
            Self::Anthropic => {
                let usage = &answer["usage"];
                let cached = number(&usage["cache_read_input_tokens"]).unwrap_or(0);
                let written = number(&usage["cache_creation_input_tokens"]).unwrap_or(0);
                Counted {
                    // Only this protocol counts cached tokens apart.
                    input: number(&usage["input_tokens"]).map(|input| input + cached + written),
                    output: number(&usage["output_tokens"]),
                    cached,
                    written,
                }
            }
            Self::Gemini => {
                let usage = &answer["usageMetadata"];
                let thoughts = number(&usage["thoughtsTokenCount"]).unwrap_or(0);
                Counted {
                    input: number(&usage["promptTokenCount"]),
                    output: number(&usage["candidatesTokenCount"]).map(|output| output + thoughts),
                    cached: number(&usage["cachedContentTokenCount"]).unwrap_or(0),
                    written: 0,
                }
            }
            Self::Ollama => Counted {
                input: number(&answer["prompt_eval_count"]),
                output: number(&answer["eval_count"]),
                cached: 0,
                written: 0,
            },
        }
    }

    /// Whether a server that read only `read` tokens must have cut the prompt.
    ///
    /// Some servers cut a prompt that exceeds the context, and answer without saying so: Ollama
    /// over chat completions, LM Studio, older versions of llama.cpp. The number of tokens is then
    /// often exactly that of the context. Anthropic's and Gemini's servers do not cut prompts.
    fn is_cut(self, prompt: &Prompt<'_>, read: u64) -> bool {
        let characters = prompt.system.chars().count() + prompt.user.chars().count();
        let may_be_full = matches!(self, Self::OpenAi | Self::Ollama) && read > 0;
        let is_full = may_be_full && read.is_multiple_of(USUAL_CONTEXTS);
        let most = if is_full { PER_TOKEN_MOST_IN_A_FULL_CONTEXT } else { PER_TOKEN_MOST };
        // Both numbers are far below the limit of exact values.
        characters >= CUT_FROM && characters as f64 > read as f64 * most
    }
}

/// Numbers of tokens as a server counts them.
struct Counted {
    /// Tokens of the prompt, including cached ones.
    input: Option<u64>,
    output: Option<u64>,
    /// Tokens of the prompt that were read from the server's cache.
    cached: u64,
    /// Tokens of the prompt that were written to the server's cache.
    written: u64,
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
pub(crate) fn about(texts: &[&str]) -> u64 {
    texts.iter().map(|text| text.chars().count() as u64).sum::<u64>().div_ceil(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use backissue_fetch::Secret;

    const ROOM: Room = Room { answer: OUTPUT_TOKENS, context: 8192 };
    const ALL: [Protocol; 4] = [Protocol::OpenAi, Protocol::Anthropic, Protocol::Gemini, Protocol::Ollama];

    fn settings(protocol: Protocol) -> ModelSettings {
        ModelSettings {
            key: Some(Secret::new(" secret\n")),
            ..ModelSettings::new("m", protocol, "org/model")
        }
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
            (Protocol::Ollama, "http://127.0.0.1:11434/api/chat", "authorization", "Bearer secret"),
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
        assert_eq!(Protocol::Ollama.endpoint(&slashed).unwrap().path(), "/api/chat");
        assert!("cohere".parse::<Protocol>().unwrap_err().to_string().contains("openai"));
    }

    #[test]
    fn simpler_forms_have_fewer_fields() {
        let schema = json!({ "type": "object" });
        let prompt = Prompt { system: "s", user: "u", schema: &schema };
        for protocol in ALL {
            let [full, with_schema, bare] = [Form::Full, Form::Schema, Form::Bare]
                .map(|form| protocol.body("m", &prompt, form, ROOM).to_string());
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
        let body = Protocol::OpenAi.body("m", &prompt, Form::Object, ROOM);
        assert_eq!(body["response_format"], json!({ "type": "json_object", "schema": { "type": "object" } }));
        assert!(body["temperature"].is_number() && body["max_tokens"].is_number(), "{body}");
    }

    #[test]
    fn bounds_of_lists_are_removed_for_anthropic_only() {
        let list = json!({ "type": "array", "maxItems": 4 });
        let schema = json!({ "anyOf": [{ "properties": { "a": list } }] });
        let prompt = Prompt { system: "s", user: "u", schema: &schema };
        for protocol in ALL {
            let body = protocol.body("m", &prompt, Form::Full, ROOM).to_string();
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
            (
                Protocol::Ollama,
                json!({ "message": { "role": "assistant", "content": "hi", "thinking": "hm" }, "done": true,
                        "done_reason": "stop", "prompt_eval_count": 5, "eval_count": 7 }),
                "hi",
                (5, 7),
            ),
        ] {
            let reply = protocol.reply(&answer, &prompt).unwrap();
            assert_eq!(reply.text, text);
            assert_eq!((reply.usage.input_tokens, reply.usage.output_tokens), tokens);
        }
    }

    #[test]
    fn cached_tokens_are_part_of_the_prompt() {
        let prompt = Prompt { system: "", user: "", schema: &Value::Null };
        let choices = json!([{ "message": { "content": "hi" } }]);
        for (protocol, answer, expected) in [
            (
                Protocol::OpenAi,
                json!({ "choices": choices, "usage": { "prompt_tokens": 50, "completion_tokens": 7,
                        "prompt_tokens_details": { "cached_tokens": 30 } } }),
                (50, 30, 0),
            ),
            (
                Protocol::OpenAi,
                json!({ "choices": choices, "usage": { "prompt_tokens": 50, "completion_tokens": 7,
                        "prompt_cache_hit_tokens": 30 } }),
                (50, 30, 0),
            ),
            (
                Protocol::Anthropic,
                json!({ "content": [{ "type": "text", "text": "hi" }], "usage": { "input_tokens": 10,
                        "cache_read_input_tokens": 30, "cache_creation_input_tokens": 10, "output_tokens": 7 } }),
                (50, 30, 10),
            ),
            (
                Protocol::Gemini,
                json!({ "candidates": [{ "content": { "parts": [{ "text": "hi" }] } }],
                        "usageMetadata": { "promptTokenCount": 50, "candidatesTokenCount": 7, "cachedContentTokenCount": 30 } }),
                (50, 30, 0),
            ),
        ] {
            let usage = protocol.reply(&answer, &prompt).unwrap().usage;
            assert_eq!((usage.input_tokens, usage.cached_tokens, usage.cache_writes), expected);
            assert_eq!(usage.output_tokens, 7);
        }
    }

    #[test]
    fn system_text_is_marked_for_anthropics_cache() {
        let prompt = Prompt { system: "s", user: "u", schema: &json!({}) };
        let body = |form| Protocol::Anthropic.body("m", &prompt, form, ROOM)["system"].clone();
        let marked = json!([{ "type": "text", "text": "s", "cache_control": { "type": "ephemeral" } }]);
        assert_eq!(body(Form::Full), marked);
        assert_eq!(body(Form::Bare), json!("s"));
    }

    #[test]
    fn cut_prompt_is_noticed_with_a_wide_margin() {
        let user = "word ".repeat(4_480);
        let prompt = Prompt { system: "", user: &user, schema: &Value::Null };
        // 22,400 characters are about 5,000 to 5,600 tokens.
        for (read, cut) in [
            (7_000, false),
            (5_600, false),
            (4_100, false),
            (4_096, true),
            (3_000, true),
            (2_048, true),
            (0, true),
        ] {
            assert_eq!(Protocol::OpenAi.is_cut(&prompt, read), cut, "{read}");
        }
        assert!(!Protocol::Anthropic.is_cut(&prompt, 4_096), "its server does not cut");
        let answer =
            json!({ "message": { "content": "{" }, "done_reason": "length", "prompt_eval_count": 4096 });
        assert_eq!(Protocol::Ollama.reply(&answer, &prompt), Err(NoReply::PromptCut(4096)));
        let short = Prompt { user: "word ", ..prompt };
        assert!(!Protocol::OpenAi.is_cut(&short, 0), "a short prompt may be of any density");
    }

    #[test]
    fn ollamas_context_holds_prompt_and_reply() {
        let context = |user: &str| {
            let prompt = Prompt { system: "", user, schema: &Value::Null };
            Protocol::context(&prompt, OUTPUT_TOKENS)
        };
        assert_eq!(context("short"), 8192);
        assert_eq!(context(&"word ".repeat(4_480)), 12_288);
        assert!(context(&"\u{8a9e}".repeat(16_000)) > 16_000 + OUTPUT_TOKENS);
        let prompt = Prompt { system: "", user: "u", schema: &json!({ "type": "object" }) };
        let body = Protocol::Ollama.body("m", &prompt, Form::Full, ROOM);
        assert_eq!(
            body["options"],
            json!({ "num_ctx": 8192, "num_predict": OUTPUT_TOKENS, "temperature": 0 })
        );
        assert_eq!((&body["stream"], &body["truncate"]), (&json!(false), &json!(false)));
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
            (
                Protocol::Ollama,
                json!({ "message": { "content": "{" }, "done": true, "done_reason": "length" }),
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
        for protocol in ALL {
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
