//! Who says what a text means: the built-in embedder, or a server of the operator's choice.

use std::sync::{Arc, OnceLock};

use backissue_llm::{Model, ModelError};

use crate::meaning::{Embedder, Embedding};

/// Who makes vectors.
#[derive(Clone, Debug, Default)]
pub enum Embedders {
    /// The embedder in the program: no network, microseconds a text.
    #[default]
    BuiltIn,
    /// A server that speaks OpenAI's embeddings protocol.
    Server(Arc<EmbeddingServer>),
}

/// A server that makes vectors, and of how many dimensions they are, once it has made one.
#[derive(Debug)]
pub struct EmbeddingServer {
    model: Model,
    dimensions: OnceLock<usize>,
}

/// Why a server made no vectors.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingFailure {
    /// It did not answer, or not with vectors.
    #[error(transparent)]
    Server(#[from] ModelError),
    /// Its vectors changed, as when another model was loaded under the same name.
    #[error(
        "the embedding server `{server}` answers with vectors of {now} dimensions where it had {before}; if its model has \
         changed, give it another name in the settings, which begins a new index"
    )]
    OtherVectors {
        /// What the settings call it.
        server: String,
        /// Dimensions of its first vectors.
        before: usize,
        /// Dimensions of these.
        now: usize,
    },
}

impl EmbeddingServer {
    /// The server behind `model`.
    pub fn new(model: Model) -> Self {
        Self { model, dimensions: OnceLock::new() }
    }
}

impl Embedders {
    /// What tells vectors of one maker from those of another, in letters and digits: they are not comparable.
    pub fn identity(&self) -> String {
        match self {
            Self::BuiltIn => format!("built-in-{:08x}", Embedder::built_in().fingerprint()),
            Self::Server(server) => {
                let settings = server.model.settings();
                let mut hasher = std::hash::DefaultHasher::new();
                std::hash::Hash::hash(
                    &(server.model.name(), settings.model.as_str(), settings.url.as_str()),
                    &mut hasher,
                );
                format!("server-{:016x}", std::hash::Hasher::finish(&hasher))
            }
        }
    }

    /// Of how many dimensions the vectors are; none where that is not known yet.
    pub fn dimensions(&self) -> Option<usize> {
        match self {
            Self::BuiltIn => Some(Embedder::built_in().dimensions()),
            Self::Server(server) => server.dimensions.get().copied(),
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
            Self::Server(server) => server.embed(texts).await,
        }
    }
}

impl EmbeddingServer {
    async fn embed(&self, texts: &[Option<String>]) -> Result<Vec<Option<Embedding>>, EmbeddingFailure> {
        let there: Vec<String> =
            texts.iter().flatten().filter(|text| !text.trim().is_empty()).cloned().collect();
        let mut vectors = self.model.embed(&there).await?.into_iter();
        let mut all = Vec::with_capacity(texts.len());
        for text in texts {
            let has_words = text.as_ref().is_some_and(|text| !text.trim().is_empty());
            let vector = if has_words { vectors.next() } else { None };
            let embedding = vector.and_then(|vector| Embedding::of(&vector));
            if let Some(embedding) = &embedding {
                let before = *self.dimensions.get_or_init(|| embedding.dimensions());
                if before != embedding.dimensions() {
                    let server = self.model.name().to_owned();
                    return Err(EmbeddingFailure::OtherVectors {
                        server,
                        before,
                        now: embedding.dimensions(),
                    });
                }
            }
            all.push(embedding);
        }
        Ok(all)
    }
}
