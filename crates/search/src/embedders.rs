//! Who says what a text means: the built-in embedder, or a server of the operator's choice.

use crate::meaning::{Embedder, Embedding};

/// Who makes vectors.
#[derive(Clone, Debug, Default)]
pub enum Embedders {
    /// The embedder in the program: no network, microseconds a text.
    #[default]
    BuiltIn,
}

/// Why a server made no vectors.
#[derive(Debug, thiserror::Error)]
#[error("no vectors")]
pub struct EmbeddingFailure;

impl Embedders {
    /// What tells vectors of one maker from those of another, in letters and digits: they are not comparable.
    pub fn identity(&self) -> String {
        match self {
            Self::BuiltIn => format!("built-in-{:08x}", Embedder::built_in().fingerprint()),
        }
    }

    /// Of how many dimensions the vectors are; none where that is not known yet.
    pub fn dimensions(&self) -> Option<usize> {
        match self {
            Self::BuiltIn => Some(Embedder::built_in().dimensions()),
        }
    }

    /// A vector for each text; none where there is no text, or nothing in it that is known.
    ///
    /// # Errors
    /// Where a server does not answer.
    pub async fn embed(&self, texts: &[Option<String>]) -> Result<Vec<Option<Embedding>>, EmbeddingFailure> {
        match self {
            Self::BuiltIn => {
                let embedder = Embedder::built_in();
                Ok(texts.iter().map(|text| embedder.embed(text.as_deref()?)).collect())
            }
        }
    }
}
