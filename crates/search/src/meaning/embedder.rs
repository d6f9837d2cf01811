//! Embeds a text without running a model.

use std::sync::LazyLock;

use super::embedding::Embedding;
use super::pieces::Pieces;

/// The file of the built-in embedder, made by `cargo xtask distill`. Its head says how, from which
/// model, and under which licence.
static BUILT_IN: &[u8] = include_bytes!("../../data/embedder.bin");

/// The start of an embedder's file, with the version of the format.
const MAGIC: &[u8] = b"backissue embedder 1\n";

/// An embedder that adds up the vectors of a text's word pieces.
///
/// The length of a piece's vector is its weight, so the sum is a weighted mean. The length of the
/// sum has no meaning.
#[derive(Debug)]
pub struct Embedder {
    provenance: String,
    fingerprint: u64,
    pieces: Pieces,
    dimensions: usize,
    /// For each piece the factor of its bytes. 0 for a piece without a meaning.
    scales: Vec<f32>,
    /// The bytes of all pieces, one piece after another.
    rows: Vec<i8>,
}

/// Why the bytes are not an embedder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no embedder: {0}; make them again with `cargo xtask distill`")]
pub struct DamagedEmbedder(&'static str);

impl Embedder {
    /// The built-in embedder. It knows English words. For other languages its results mean little.
    pub fn built_in() -> &'static Self {
        static EMBEDDER: LazyLock<Embedder> = LazyLock::new(|| {
            Embedder::from_bytes(BUILT_IN).expect("the file in the program is whole, as a test sees")
        });
        &EMBEDDER
    }

    /// Reads an embedder that [`Distilled::to_bytes`] wrote.
    ///
    /// # Errors
    /// If the bytes are no embedder; says why.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DamagedEmbedder> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(DamagedEmbedder("they do not begin like one"))?;
        let (provenance, rest) = text(rest)?;
        let (vocabulary, rest) = text(rest)?;
        let (dimensions, rest) = number(rest)?;
        let pieces = Pieces::new(vocabulary).ok_or(DamagedEmbedder("its vocabulary is none"))?;
        let count = vocabulary.lines().count();
        let (scales, rows) =
            rest.split_at_checked(count * 4).ok_or(DamagedEmbedder("they end before the vectors"))?;
        let scales: Vec<f32> =
            scales.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if dimensions == 0 || !scales.iter().all(|scale| scale.is_finite() && *scale >= 0.0) {
            return Err(DamagedEmbedder("its numbers are none"));
        }
        let told = scales.iter().filter(|scale| **scale > 0.0).count();
        if rows.len() != told * dimensions {
            return Err(DamagedEmbedder("there are more or fewer vectors than pieces"));
        }
        let mut told = rows.chunks_exact(dimensions);
        let nothing = vec![0; dimensions];
        let mut rows = Vec::with_capacity(count * dimensions);
        for scale in &scales {
            let row = if *scale > 0.0 { told.next() } else { None };
            rows.extend(row.unwrap_or(&nothing).iter().map(|byte| *byte as i8));
        }
        let fingerprint = xxhash_rust::xxh3::xxh3_64(bytes);
        Ok(Self { provenance: provenance.to_owned(), fingerprint, pieces, dimensions, scales, rows })
    }

    /// A hash of the embedder. Embeddings are comparable only if their embedders have the same
    /// fingerprint.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The origin of the embedder, for people: model, licence, method, options.
    pub fn provenance(&self) -> &str {
        &self.provenance
    }

    /// The dimensions of its vectors.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Embeds a text. Returns `None` if the text has no known piece: it is empty, or consists of
    /// signs and scripts that the vocabulary lacks. The same text always gives the same bytes.
    pub fn embed(&self, text: &str) -> Option<Embedding> {
        Embedding::of(&self.sum(text))
    }

    fn sum(&self, text: &str) -> Vec<f32> {
        let mut sum = vec![0.0f32; self.dimensions];
        self.pieces.each(text, |piece| {
            let piece = piece as usize;
            let scale = self.scales[piece];
            if scale > 0.0 {
                let row = &self.rows[piece * self.dimensions..][..self.dimensions];
                for (sum, byte) in sum.iter_mut().zip(row) {
                    *sum += f32::from(*byte) * scale;
                }
            }
        });
        sum
    }
}

/// The result of a distillation.
#[derive(Clone, Debug, PartialEq)]
pub struct Distilled {
    /// Its origin, for people.
    pub provenance: String,
    /// The pieces, one per line, as for [`Pieces::new`].
    pub vocabulary: String,
    /// A vector per piece, whose length is the piece's weight. Empty for a piece without a meaning.
    pub vectors: Vec<Vec<f32>>,
}

impl Distilled {
    /// The embedder's file, with one byte per dimension of each piece.
    ///
    /// # Panics
    /// If the vectors have different dimensions.
    pub fn to_bytes(&self) -> Vec<u8> {
        let dimensions = self.vectors.iter().map(Vec::len).max().unwrap_or(0);
        let mut bytes = MAGIC.to_vec();
        for text in [&self.provenance, &self.vocabulary] {
            bytes.extend((text.len() as u32).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
        bytes.extend((dimensions as u32).to_le_bytes());
        let (mut scales, mut rows) = (vec![], vec![]);
        for vector in &self.vectors {
            let largest = vector.iter().fold(0.0f32, |largest, number| largest.max(number.abs()));
            scales.extend((largest / 127.0).to_le_bytes());
            if let Some(row) = Embedding::of(vector) {
                assert_eq!(vector.len(), dimensions, "all vectors are of one dimension");
                rows.extend(row.as_bytes().iter().map(|byte| *byte as u8));
            }
        }
        bytes.extend(scales);
        bytes.extend(rows);
        bytes
    }
}

fn number(bytes: &[u8]) -> Result<(usize, &[u8]), DamagedEmbedder> {
    let (number, rest) = bytes.split_first_chunk::<4>().ok_or(DamagedEmbedder("they break off"))?;
    Ok((u32::from_le_bytes(*number) as usize, rest))
}

fn text(bytes: &[u8]) -> Result<(&str, &[u8]), DamagedEmbedder> {
    let (length, rest) = number(bytes)?;
    let (text, rest) = rest.split_at_checked(length).ok_or(DamagedEmbedder("they break off"))?;
    Ok((std::str::from_utf8(text).map_err(|_| DamagedEmbedder("a text in them is none"))?, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn small() -> Distilled {
        Distilled {
            provenance: "Made for a test.".into(),
            vocabulary: "[UNK]\nslow\nlate\nred\n##dish\n".into(),
            vectors: vec![vec![], vec![1.0, 0.0], vec![2.0, 0.5], vec![0.0, -1.0], vec![]],
        }
    }

    #[test]
    fn text_is_the_sum_of_its_pieces() {
        let embedder = Embedder::from_bytes(&small().to_bytes()).unwrap();
        assert_eq!((embedder.provenance(), embedder.dimensions()), ("Made for a test.", 2));
        let expected = Embedding::of(&[3.0, -0.5]).unwrap();
        let embedding = embedder.embed("Slow, reddish: LATE!").unwrap();
        assert!(embedding.similarity(&expected) > 0.9999, "{embedding:?} is not {expected:?}");
        for text in ["", "?!", "unheard of", "\u{0}"] {
            assert_eq!(embedder.embed(text), None, "{text:?}");
        }
    }

    /// `tests/pieces.jsonl` has the output of the model's own tokenizer for statements of the
    /// labelled set and for unusual texts.
    #[test]
    fn pieces_equal_those_of_the_models_tokenizer() {
        let mut lines = 0;
        for line in include_str!("../../tests/pieces.jsonl").lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let text = line["text"].as_str().unwrap();
            let expected: Vec<u64> =
                line["pieces"].as_array().unwrap().iter().map(|piece| piece.as_u64().unwrap()).collect();
            let pieces: Vec<u64> = Embedder::built_in().pieces.of(text).into_iter().map(u64::from).collect();
            assert_eq!(pieces, expected, "{text:?}");
            lines += 1;
        }
        assert!(lines > 150);
    }

    #[test]
    fn damaged_embedder_is_reported() {
        let whole = small().to_bytes();
        for end in 0..whole.len() {
            assert!(Embedder::from_bytes(&whole[..end]).is_err(), "{end}");
        }
        let longer: Vec<u8> = whole.iter().copied().chain([0]).collect();
        let error = Embedder::from_bytes(&longer).unwrap_err().to_string();
        assert!(error.contains("more or fewer") && error.contains("cargo xtask distill"), "{error}");
    }

    #[test]
    fn paraphrases_are_more_similar() {
        let embedder = Embedder::built_in();
        let of = |text| embedder.embed(text).unwrap();
        for (text, near, far) in [
            (
                "one customer's burst slows everyone down",
                "A noisy tenant degrades the performance of all other users.",
                "We are hiring engineers for our office in Berlin.",
            ),
            (
                "how do we change a big table without downtime",
                "Online schema migrations of a large database.",
                "Rendering images on mobile devices.",
            ),
            (
                "compiling takes forever",
                "Build times had become too long.",
                "The conference takes place in October.",
            ),
        ] {
            let (near, far) = (of(text).similarity(&of(near)), of(text).similarity(&of(far)));
            assert!(near > far + 0.1, "{text}: {near} and {far}");
        }
    }

    #[test]
    fn file_contains_its_provenance() {
        let provenance = Embedder::built_in().provenance();
        for word in ["all-MiniLM-L6-v2", "Apache-2.0", "53aa51172d14", "cargo xtask distill"] {
            assert!(provenance.contains(word), "{word} is not in {provenance}");
        }
        assert!(BUILT_IN.len() <= 10_000_000);
    }

    proptest! {
        #[test]
        fn embedding_is_deterministic_for_any_text(text in any::<String>()) {
            let embedder = Embedder::built_in();
            let embedding = embedder.embed(&text);
            prop_assert_eq!(&embedding, &embedder.embed(&text));
            prop_assert!(embedding.is_none_or(|it| it.dimensions() == embedder.dimensions()));
        }
    }
}
