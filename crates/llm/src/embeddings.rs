//! Requests for embeddings and their responses, in the form of OpenAI, which vLLM, llama.cpp and
//! others share, and in Ollama's.
//!
//! This module sends nothing: it makes bodies and parses responses.

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::settings::{ModelSettings, Protocol};

/// Texts per request. Few enough that a server on this machine's processor answers within the time
/// limit.
pub(crate) const BATCH: usize = 32;

/// Maximum dimensions of a vector. Current models have 256 to 4096.
const DIMENSIONS_MAX: usize = 8192;

/// Maximum bytes of a response: a full batch of the longest vectors, 32 bytes per number.
pub(crate) const LARGEST_ANSWER: usize = BATCH * DIMENSIONS_MAX * 32;

#[derive(Deserialize)]
struct Answer {
    data: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    index: usize,
    embedding: Vec<f32>,
}

/// The address of the embeddings endpoint.
pub(crate) fn endpoint(settings: &ModelSettings) -> Result<Url, String> {
    let endpoint = settings.protocol.embeddings_endpoint(&settings.url);
    endpoint.ok_or_else(|| {
        format!(
            "only the protocols openai (LM Studio, vLLM and llama.cpp speak it too) and ollama have embeddings, not \
             {}; change its `protocol` and `url`",
            settings.protocol
        )
    })
}

/// The request's body.
pub(crate) fn body(settings: &ModelSettings, texts: &[String]) -> Value {
    let model = settings.model.as_str();
    match settings.protocol {
        Protocol::Ollama => json!({ "model": model, "input": texts }),
        _ => json!({ "model": model, "input": texts, "encoding_format": "float" }),
    }
}

/// The vectors of `count` texts, in order.
///
/// # Errors
/// What is wrong with the response, in plain words.
pub(crate) fn vectors(mut answer: Value, count: usize) -> Result<Vec<Vec<f32>>, String> {
    if let Some(Value::Array(embeddings)) = answer.get_mut("embeddings").map(Value::take) {
        // Ollama's form: the vectors alone, in order.
        let data = embeddings.into_iter().enumerate();
        let data = data.map(|(index, embedding)| json!({ "index": index, "embedding": embedding }));
        answer = json!({ "data": data.collect::<Vec<_>>() });
    }
    let mut data = serde_json::from_value::<Answer>(answer).map_err(|error| error.to_string())?.data;
    data.sort_by_key(|vector| vector.index);
    if !data.iter().map(|vector| vector.index).eq(0..count) {
        return Err(format!("it has {} vectors, not one for each of {count} texts", data.len()));
    }
    let dimensions = data.first().map_or(0, |vector| vector.embedding.len());
    if data.iter().any(|vector| vector.embedding.len() != dimensions) {
        return Err("its vectors are of different dimensions".into());
    }
    if count > 0 && !(1..=DIMENSIONS_MAX).contains(&dimensions) {
        return Err(format!("its vectors have {dimensions} dimensions, not 1 to {DIMENSIONS_MAX}"));
    }
    // A number too large for the type is parsed as infinite.
    if data.iter().flat_map(|vector| &vector.embedding).any(|number| !number.is_finite()) {
        return Err("its vectors have values that are not numbers".into());
    }
    Ok(data.into_iter().map(|vector| vector.embedding).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_in_the_order_of_the_texts() {
        let answer = json!({ "object": "list", "data": [
            { "object": "embedding", "index": 1, "embedding": [0.5, -1] },
            { "object": "embedding", "index": 0, "embedding": [0.25, 2] },
        ]});
        assert_eq!(vectors(answer, 2).unwrap(), [[0.25, 2.0], [0.5, -1.0]]);
        let ollamas = json!({ "model": "m", "embeddings": [[0.25, 2], [0.5, -1]] });
        assert_eq!(vectors(ollamas, 2).unwrap(), [[0.25, 2.0], [0.5, -1.0]]);
    }

    #[test]
    fn malformed_vectors_are_explained() {
        let one = |index: usize, embedding: Value| json!({ "index": index, "embedding": embedding });
        for (data, words) in [
            (json!([]), "0 vectors, not one for each of 2"),
            (json!([one(0, json!([1])), one(0, json!([1]))]), "not one for each"),
            (json!([one(0, json!([1])), one(7, json!([1]))]), "not one for each"),
            (json!([one(0, json!([1])), one(1, json!([1, 2]))]), "different dimensions"),
            (json!([one(0, json!([])), one(1, json!([]))]), "0 dimensions"),
            (json!([one(0, json!([1e300])), one(1, json!([1]))]), "values that are not numbers"),
            (json!([one(0, json!("AAAA")), one(1, json!([1]))]), "invalid type"),
            (json!({}), "invalid type"),
        ] {
            let error = vectors(json!({ "data": data }), 2).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        assert!(vectors(json!({ "error": "no" }), 1).unwrap_err().contains("data"));
    }
}
