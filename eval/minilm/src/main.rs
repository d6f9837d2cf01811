//! Sentence embeddings of all-MiniLM-L6-v2 (Reimers & Gurevych 2019, "Sentence-BERT"; Wang et al.
//! 2020, "MiniLM").
//!
//! Reads lines of JSON on standard input and answers each with a line on standard output. The
//! answer to a string is its vector, an array of 384 numbers of length 1, so that the cosine of two
//! texts is the product of their vectors. The answer to an array of strings is an array of vectors;
//! this is several times faster, and equal within 1e-5. The answer to `{"pieces": "a text"}` is the
//! numbers of its word pieces, without the model's two special tokens. The only argument is the
//! folder with `model.safetensors`, `config.json` and `tokenizer.json`.

use std::fs::read;
use std::io::{Write, stdin, stdout};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use serde::Deserialize;
use tokenizers::{Tokenizer, TruncationParams};

/// The rest is cut off, as in the model's own settings.
const TOKENS_MAX: usize = 256;

/// Tokens per batch: enough to keep the processor busy, few enough for its caches.
const BATCH_TOKENS: usize = 1024;

/// The request in a line.
#[derive(Deserialize)]
#[serde(untagged)]
enum Asked {
    One(String),
    Many(Vec<String>),
    Pieces { pieces: String },
}

struct MiniLm {
    tokenizer: Tokenizer,
    bert: BertModel,
}

impl MiniLm {
    fn load(folder: &Path) -> Result<Self> {
        let bytes = |name: &str| {
            let path = folder.join(name);
            read(&path).with_context(|| format!("{} cannot be read", path.display()))
        };
        let config: Config = serde_json::from_slice(&bytes("config.json")?)?;
        let weights =
            VarBuilder::from_buffered_safetensors(bytes("model.safetensors")?, DType::F32, &Device::Cpu)?;
        let mut tokenizer = Tokenizer::from_bytes(bytes("tokenizer.json")?).map_err(|e| anyhow!(e))?;
        let truncation = TruncationParams { max_length: TOKENS_MAX, ..Default::default() };
        // A single text needs no padding, and without padding all tokens count in the mean.
        tokenizer.with_padding(None).with_truncation(Some(truncation)).map_err(|e| anyhow!(e))?;
        Ok(Self { tokenizer, bert: BertModel::load(weights, &config)? })
    }

    /// The mean of the text's token vectors, of length 1.
    fn embed(&self, text: &str) -> Result<Vec<f32>> {
        let [vector] = self.embed_all(&[text])?.try_into().map_err(|_| anyhow!("one text has one vector"))?;
        Ok(vector)
    }

    /// The vectors of texts, in order. Texts with the same number of tokens are processed together,
    /// so that none is padded.
    fn embed_all<T: AsRef<str>>(&self, texts: &[T]) -> Result<Vec<Vec<f32>>> {
        let ids = |text: &T| -> Result<Vec<u32>> {
            let encoding = self.tokenizer.encode(text.as_ref(), true).map_err(|e| anyhow!(e))?;
            Ok(encoding.get_ids().to_vec())
        };
        let mut tokens: Vec<(usize, Vec<u32>)> =
            texts.iter().map(ids).enumerate().map(|(at, ids)| Ok((at, ids?))).collect::<Result<_>>()?;
        tokens.sort_by_key(|(_, ids)| ids.len());
        let mut vectors = vec![vec![]; texts.len()];
        for alike in tokens.chunk_by(|(_, one), (_, other)| one.len() == other.len()) {
            for batch in alike.chunks((BATCH_TOKENS / alike[0].1.len()).max(1)) {
                let ids: Vec<&[u32]> = batch.iter().map(|(_, ids)| ids.as_slice()).collect();
                let ids = Tensor::new(ids.concat(), &Device::Cpu)?.reshape((batch.len(), ids[0].len()))?;
                let means = self.bert.forward(&ids, &ids.zeros_like()?, None)?.mean(1)?;
                let lengths = means.sqr()?.sum_keepdim(1)?.sqrt()?;
                for ((at, _), vector) in batch.iter().zip(means.broadcast_div(&lengths)?.to_vec2()?) {
                    vectors[*at] = vector;
                }
            }
        }
        Ok(vectors)
    }

    /// The numbers of a text's word pieces, in any number.
    fn pieces(&self, text: &str) -> Result<Vec<u32>> {
        let mut whole = self.tokenizer.clone();
        whole.with_truncation(None).map_err(|e| anyhow!(e))?;
        Ok(whole.encode(text, false).map_err(|e| anyhow!(e))?.get_ids().to_vec())
    }
}

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).context("the argument is missing: the folder of the model")?;
    let model = MiniLm::load(Path::new(&folder))?;
    let mut out = stdout().lock();
    for (at, line) in stdin().lines().enumerate() {
        let asked = serde_json::from_str(&line?)
            .with_context(|| format!("line {} is no string, list of strings or question for pieces", at + 1))?;
        let answer = match asked {
            Asked::One(text) => serde_json::to_string(&model.embed(&text)?)?,
            Asked::Many(texts) => serde_json::to_string(&model.embed_all(&texts)?)?,
            Asked::Pieces { pieces } => serde_json::to_string(&model.pieces(&pieces)?)?,
        };
        // The client waits for the answer before its next request.
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model() -> MiniLm {
        let folder = std::env::var_os("MINILM_MODEL")
            .expect("MINILM_MODEL must name the folder of the model; eval/README.md says how to get it");
        MiniLm::load(Path::new(&folder)).unwrap()
    }

    /// The documentation of Sentence Transformers has these cosines for these sentences.
    #[test]
    fn vectors_are_those_of_sentence_transformers() {
        let model = model();
        let [weather, sunny, stadium] =
            ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
                .map(|text| model.embed(text).unwrap());
        let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
        for (a, b, published) in
            [(&weather, &sunny, 0.6660), (&weather, &stadium, 0.1046), (&sunny, &stadium, 0.1411)]
        {
            let ours = cosine(a, b);
            assert!((ours - published).abs() < 1e-4, "{ours} is not {published}");
        }
        assert!((cosine(&weather, &weather) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn many_texts_at_once_have_the_vectors_of_one_by_one() {
        let model = model();
        let texts = ["", "queue", "a queue", "the queue", "One slow consumer holds up everybody else.", "a lock"];
        for (text, vector) in texts.iter().zip(model.embed_all(&texts).unwrap()) {
            let alone = model.embed(text).unwrap();
            assert!(alone.iter().zip(&vector).all(|(a, b)| (a - b).abs() < 1e-5), "{text}");
        }
    }

    #[test]
    fn pieces_are_not_cut_and_stand_alone() {
        let model = model();
        assert_eq!(model.pieces("Hello, world").unwrap(), [7592, 1010, 2088]);
        assert_eq!(model.pieces(&"queue ".repeat(2 * TOKENS_MAX)).unwrap().len(), 2 * TOKENS_MAX);
    }

    #[test]
    fn long_texts_are_cut() {
        let model = model();
        let long = "queue ".repeat(TOKENS_MAX);
        let longer = "queue ".repeat(TOKENS_MAX * 2);
        assert_eq!(model.embed(&long).unwrap(), model.embed(&longer).unwrap());
        assert_eq!(model.embed("").unwrap().len(), 384);
    }
}
