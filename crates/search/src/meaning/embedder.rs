//! Text to vector, without running a model.

use std::sync::LazyLock;

use super::embedding::Embedding;
use super::pieces::Pieces;

/// Made by `cargo xtask distill`. The head of the file tells how, from what, and under which licence.
static BUILT_IN: &[u8] = include_bytes!("../../data/embedder.bin");

/// What a file of an embedder begins with; the number is the form's.
const MAGIC: &[u8] = b"backissue embedder 1\n";

/// Adds up the vectors of a text's word pieces.
///
/// The vectors are as long as their pieces are telling, so that a sum is a weighted mean; its length says nothing.
#[derive(Debug)]
pub struct Embedder {
    provenance: String,
    fingerprint: u64,
    pieces: Pieces,
    dimensions: usize,
    /// What one step of a piece's bytes is worth; 0 for a piece without a meaning.
    scales: Vec<f32>,
    /// A piece's bytes one after another.
    rows: Vec<i8>,
}

/// Why bytes are no embedder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no embedder: {0}; make them anew with `cargo xtask distill`")]
pub struct DamagedEmbedder(&'static str);

impl Embedder {
    /// The one in the program. Its vectors are of every text's English words; other languages mean little to it.
    pub fn built_in() -> &'static Self {
        static EMBEDDER: LazyLock<Embedder> = LazyLock::new(|| {
            Embedder::from_bytes(BUILT_IN).expect("the file in the program is whole, as a test sees")
        });
        &EMBEDDER
    }

    /// The embedder that [`Distilled::to_bytes`] wrote.
    ///
    /// # Errors
    /// Where it did not, with what is wrong.
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

    /// What tells its vectors from those of another embedder.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// How it came about: the model, its licence, the method, the options, for people.
    pub fn provenance(&self) -> &str {
        &self.provenance
    }

    /// Of how many dimensions its vectors are.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// What a text means; none where no piece of it means anything: it is empty, or of signs and scripts that the
    /// vocabulary lacks. The same text always gives the same bytes.
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

/// What a distillation yields, to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Distilled {
    /// How it came about, for people.
    pub provenance: String,
    /// A piece a line, as [`Pieces::new`] takes it.
    pub vocabulary: String,
    /// A vector a piece, as long as the piece is telling; an empty one for a piece that means nothing.
    pub vectors: Vec<Vec<f32>>,
}

impl Distilled {
    /// The file of an embedder, a byte a dimension of each piece that means something.
    ///
    /// # Panics
    /// Where vectors are not of one dimension.
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
    fn a_text_is_the_sum_of_its_pieces() {
        let embedder = Embedder::from_bytes(&small().to_bytes()).unwrap();
        assert_eq!((embedder.provenance(), embedder.dimensions()), ("Made for a test.", 2));
        let expected = Embedding::of(&[3.0, -0.5]).unwrap();
        let embedding = embedder.embed("Slow, reddish: LATE!").unwrap();
        assert!(embedding.similarity(&expected) > 0.9999, "{embedding:?} is not {expected:?}");
        for text in ["", "?!", "unheard of", "\u{0}"] {
            assert_eq!(embedder.embed(text), None, "{text:?}");
        }
    }

    #[test]
    fn damage_is_told_and_does_no_harm() {
        let whole = small().to_bytes();
        for end in 0..whole.len() {
            assert!(Embedder::from_bytes(&whole[..end]).is_err(), "{end}");
        }
        let longer: Vec<u8> = whole.iter().copied().chain([0]).collect();
        let error = Embedder::from_bytes(&longer).unwrap_err().to_string();
        assert!(error.contains("more or fewer") && error.contains("cargo xtask distill"), "{error}");
    }

    #[test]
    fn the_same_meaning_in_other_words_is_nearer() {
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
    fn the_file_tells_where_it_is_from() {
        let provenance = Embedder::built_in().provenance();
        for word in ["all-MiniLM-L6-v2", "Apache-2.0", "53aa51172d14", "cargo xtask distill"] {
            assert!(provenance.contains(word), "{word} is not in {provenance}");
        }
        assert!(BUILT_IN.len() <= 10_000_000);
    }

    proptest! {
        #[test]
        fn any_text_is_embedded_and_always_the_same(text in any::<String>()) {
            let embedder = Embedder::built_in();
            let embedding = embedder.embed(&text);
            prop_assert_eq!(&embedding, &embedder.embed(&text));
            prop_assert!(embedding.is_none_or(|it| it.dimensions() == embedder.dimensions()));
        }
    }
}
