//! Sentence embeddings of all-MiniLM-L6-v2 (Reimers & Gurevych 2019, "Sentence-BERT"; Wang et al. 2020, "MiniLM").
//!
//! Reads lines of JSON strings on standard input and answers each with its vector on a line of standard output, a JSON
//! array of 384 numbers of length 1, so that the cosine of two texts is the product of their vectors. The one argument
//! is the folder that holds `model.safetensors`, `config.json` and `tokenizer.json`.

use std::fs::read;
use std::io::{Write, stdin, stdout};
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use tokenizers::{Tokenizer, TruncationParams};

/// What follows is left out, as the model's own settings say.
const TOKENS_MAX: usize = 256;

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
        // One text at a time needs no padding, and without padding every token counts in the mean.
        tokenizer.with_padding(None).with_truncation(Some(truncation)).map_err(|e| anyhow!(e))?;
        Ok(Self { tokenizer, bert: BertModel::load(weights, &config)? })
    }

    /// The mean of the text's token vectors, of length 1.
    fn embed(&self, text: &str) -> Result<Vec<f32>> {
        let encoding = self.tokenizer.encode(text, true).map_err(|e| anyhow!(e))?;
        let tokens = Tensor::new(encoding.get_ids(), &Device::Cpu)?.unsqueeze(0)?;
        let mean = self.bert.forward(&tokens, &tokens.zeros_like()?, None)?.mean(1)?.squeeze(0)?;
        let length = mean.sqr()?.sum_all()?.sqrt()?;
        Ok(mean.broadcast_div(&length)?.to_vec1()?)
    }
}

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).context("the argument is missing: the folder of the model")?;
    let model = MiniLm::load(Path::new(&folder))?;
    let mut out = stdout().lock();
    for (at, line) in stdin().lines().enumerate() {
        let text: String =
            serde_json::from_str(&line?).with_context(|| format!("line {} is no JSON string", at + 1))?;
        // Who asks waits for the answer before asking again.
        writeln!(out, "{}", serde_json::to_string(&model.embed(&text)?)?)?;
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

    /// The documentation of Sentence Transformers gives these cosines of this model for these sentences.
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
    fn long_texts_are_cut() {
        let model = model();
        let long = "queue ".repeat(TOKENS_MAX);
        let longer = "queue ".repeat(TOKENS_MAX * 2);
        assert_eq!(model.embed(&long).unwrap(), model.embed(&longer).unwrap());
        assert_eq!(model.embed("").unwrap().len(), 384);
    }
}
