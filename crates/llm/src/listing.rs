//! Parses the lists of models that servers return.
//!
//! This module sends nothing. Any field of a list may be missing.

use serde_json::Value;

use crate::settings::Protocol;

/// A model that a server lists.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// The server's name for it.
    pub id: String,
    /// The bytes of the model's weights, which must fit into memory.
    pub bytes: Option<u64>,
    /// Whether the server passes prompts on to another machine.
    pub is_remote: bool,
    /// Whether the model gives only embeddings.
    pub only_embeds: bool,
    /// The model's price, if the server states it.
    pub price: Option<PricePerToken>,
}

/// A price in dollars per token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PricePerToken {
    /// The price of a token of the prompt.
    pub input: f64,
    /// The price of a token of the reply.
    pub output: f64,
    /// The price of a token of the prompt that the server has in its cache.
    pub cached: Option<f64>,
}

/// Maximum models of one list.
const MODELS_MAX: usize = 5_000;
/// Maximum characters of a name. A longer one is no name.
const NAME_MAX: usize = 200;

impl Listed {
    /// Whether `name` means this model. Ollama's suffix `latest` and Gemini's folder may be missing
    /// in it.
    pub fn is_called(&self, name: &str) -> bool {
        self.id == name
            || self.id.strip_suffix(":latest") == Some(name)
            || self.id.strip_prefix("models/") == Some(name)
    }
}

/// The models of a list in a protocol's own form. Anthropic and Gemini describe one model.
pub(crate) fn of_protocol(protocol: Protocol, answer: &Value) -> Vec<Listed> {
    match protocol {
        Protocol::OpenAi => of_chat_completions(answer),
        Protocol::Ollama => of_ollama(answer).unwrap_or_default(),
        Protocol::Anthropic => named(answer, "id").into_iter().collect(),
        Protocol::Gemini => named(answer, "name").into_iter().collect(),
    }
}

/// The models of Ollama's `/api/tags`. Returns `None` if it is another document.
pub(crate) fn of_ollama(answer: &Value) -> Option<Vec<Listed>> {
    let models = answer["models"].as_array()?.iter().take(MODELS_MAX);
    let of_one = |model: &Value| {
        let family = model["details"]["family"].as_str().unwrap_or_default();
        let is_remote = model["remote_host"].is_string() || model["remote_model"].is_string();
        let listed = named(model, "name").or_else(|| named(model, "model"))?;
        Some(Listed {
            bytes: if is_remote { None } else { model["size"].as_u64() },
            is_remote,
            only_embeds: family.contains("bert"),
            ..listed
        })
    };
    Some(models.filter_map(of_one).collect())
}

/// The models of LM Studio's own list, of either version. Returns `None` if it is another document.
pub(crate) fn of_lm_studio(answer: &Value) -> Option<Vec<Listed>> {
    let newer = answer["models"].as_array();
    let (models, name) = match newer {
        Some(models) => (models, "key"),
        None => (answer["data"].as_array()?, "id"),
    };
    if models.iter().any(|model| !model["type"].is_string()) {
        return None;
    }
    let of_one = |model: &Value| {
        let is_for_embeddings = matches!(model["type"].as_str(), Some("embedding" | "embeddings"));
        let listed = named(model, name)?;
        Some(Listed { bytes: model["size_bytes"].as_u64(), only_embeds: is_for_embeddings, ..listed })
    };
    Some(models.iter().take(MODELS_MAX).filter_map(of_one).collect())
}

/// The models of llama.cpp's `/v1/models`. Returns `None` if another server gave it.
pub(crate) fn of_llama_cpp(answer: &Value) -> Option<Vec<Listed>> {
    let models = answer["data"].as_array()?;
    if models.is_empty() || models.iter().any(|model| model["owned_by"] != "llamacpp") {
        return None;
    }
    let of_one =
        |model: &Value| Some(Listed { bytes: model["meta"]["size"].as_u64(), ..named(model, "id")? });
    Some(models.iter().take(MODELS_MAX).filter_map(of_one).collect())
}

/// The models of a chat-completions server. OpenRouter states prices, as texts, and llama.cpp the
/// size.
fn of_chat_completions(answer: &Value) -> Vec<Listed> {
    let models = answer["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    let of_one = |model: &Value| {
        let price = |name: &str| {
            let value = &model["pricing"][name];
            let number: f64 = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
            (number.is_finite() && number >= 0.0).then_some(number)
        };
        let both = price("prompt").zip(price("completion"));
        let price =
            both.map(|(input, output)| PricePerToken { input, output, cached: price("input_cache_read") });
        Some(Listed { price, bytes: model["meta"]["size"].as_u64(), ..named(model, "id")? })
    };
    models.iter().take(MODELS_MAX).filter_map(of_one).collect()
}

fn named(model: &Value, field: &str) -> Option<Listed> {
    let id = model[field].as_str().filter(|id| !id.trim().is_empty() && id.chars().count() <= NAME_MAX)?;
    Some(Listed { id: id.to_owned(), ..Listed::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn models_of_all_local_servers_are_listed_with_their_sizes() {
        let ollamas = of_ollama(&json!({ "models": [
            { "name": "qwen3:8b", "model": "qwen3:8b", "size": 5_225_388_164_u64,
              "details": { "family": "qwen3", "parameter_size": "8.2B" } },
            { "name": "nomic-embed-text:latest", "size": 274_302_450, "details": { "family": "nomic-bert" } },
            { "name": "gpt-oss:120b-cloud", "size": 384, "remote_host": "https://ollama.com:443", "details": {} },
        ]}))
        .unwrap();
        let told: Vec<_> =
            ollamas.iter().map(|m| (m.id.as_str(), m.bytes, m.is_remote, m.only_embeds)).collect();
        assert_eq!(
            told,
            [
                ("qwen3:8b", Some(5_225_388_164), false, false),
                ("nomic-embed-text:latest", Some(274_302_450), false, true),
                ("gpt-oss:120b-cloud", None, true, false),
            ]
        );
        assert!(ollamas[1].is_called("nomic-embed-text") && !ollamas[0].is_called("qwen3"));

        let newer = of_lm_studio(&json!({ "models": [
            { "type": "llm", "key": "google/gemma-3-12b", "size_bytes": 8_074_000_000_u64, "loaded_instances": [] },
            { "type": "embedding", "key": "text-embedding-nomic", "size_bytes": 84_000_000 },
        ]}))
        .unwrap();
        assert_eq!((newer[0].id.as_str(), newer[0].bytes), ("google/gemma-3-12b", Some(8_074_000_000)));
        assert!(newer[1].only_embeds);
        let older = json!({ "object": "list", "data": [{ "id": "gemma-3-12b", "type": "llm", "state": "not-loaded" }] });
        assert_eq!(of_lm_studio(&older).unwrap()[0].bytes, None);

        let llamas = json!({ "object": "list", "data": [{ "id": "models/gemma.gguf", "object": "model",
            "owned_by": "llamacpp", "meta": { "n_ctx_train": 262_144, "size": 12_653_822_144_u64 } }] });
        let llamas = of_llama_cpp(&llamas).unwrap();
        assert_eq!((llamas[0].id.as_str(), llamas[0].bytes), ("models/gemma.gguf", Some(12_653_822_144)));
    }

    #[test]
    fn documents_of_other_servers_are_no_lists() {
        for other in [
            json!({}),
            json!([]),
            json!("hello"),
            json!({ "models": 3, "data": {} }),
            json!({ "data": [{ "id": "x", "owned_by": "somebody" }] }),
            json!({ "data": [] }),
        ] {
            assert_eq!(of_llama_cpp(&other), None, "{other}");
            assert_eq!(of_ollama(&other), None, "{other}");
            assert!(of_lm_studio(&other).is_none_or(|models| models.is_empty()), "{other}");
            assert!(of_chat_completions(&other).iter().all(|model| model.price.is_none()), "{other}");
        }
    }

    #[test]
    fn prices_are_read_where_the_server_tells_them() {
        let answer = json!({ "data": [
            { "id": "a/b", "pricing": { "prompt": "0.00000125", "completion": "0.00001", "input_cache_read": "0.000000125" } },
            { "id": "a/router", "pricing": { "prompt": "-1", "completion": "-1" } },
            { "id": "a/free", "pricing": { "prompt": "0", "completion": "0" } },
            { "id": "a/silent", "meta": { "size": 986_000_000 } },
        ]});
        let listed = of_protocol(Protocol::OpenAi, &answer);
        let price = PricePerToken { input: 0.000_001_25, output: 0.000_01, cached: Some(0.000_000_125) };
        assert_eq!(listed[0].price, Some(price));
        assert_eq!((listed[1].price, listed[3].price), (None, None));
        assert_eq!(listed[2].price.map(|price| price.input), Some(0.0));
        assert_eq!((listed[2].bytes, listed[3].bytes), (None, Some(986_000_000)));
    }
}
