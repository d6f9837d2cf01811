//! The source of embeddings: the built-in embedder, or a configured server.

use std::sync::{Arc, OnceLock};

use backissue_llm::{Model, ModelError};

use crate::meaning::{Embedder, Embedding};

/// The source of embeddings.
#[derive(Clone, Debug, Default)]
pub enum Embedders {
    /// The built-in embedder: no network, microseconds per text.
    #[default]
    BuiltIn,
    /// A server with OpenAI's embeddings protocol.
    Server(Arc<EmbeddingServer>),
}

/// An embedding server, and the dimensions of its vectors once they are known.
#[derive(Debug)]
pub struct EmbeddingServer {
    model: Model,
    dimensions: OnceLock<usize>,
}

/// Why a server returned no usable embeddings.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddingFailure {
    /// The server did not answer, or not with vectors.
    #[error(transparent)]
    Server(#[from] ModelError),
    /// The vectors of the server have another number of dimensions than before, for example because
    /// another model has the same name now.
    #[error(
        "the embedding server `{server}` answers with vectors of {now} dimensions where it had {before}; if its model has \
         changed, give it another name in the settings, which begins a new index"
    )]
    OtherVectors {
        /// The name of the server in the settings.
        server: String,
        /// The dimensions of its first vectors.
        before: usize,
        /// The dimensions of its present vectors.
        now: usize,
    },
}

impl EmbeddingServer {
    /// The server of `model`.
    pub fn new(model: Model) -> Self {
        Self { model, dimensions: OnceLock::new() }
    }
}

impl Embedders {
    /// An identifier of letters and digits. Embeddings with different identifiers are not
    /// comparable.
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

    /// The dimensions of its vectors. Returns `None` if they are not known yet.
    pub fn dimensions(&self) -> Option<usize> {
        match self {
            Self::BuiltIn => Some(Embedder::built_in().dimensions()),
            Self::Server(server) => server.dimensions.get().copied(),
        }
    }

    /// Embeds each text. The result is `None` for a missing text, or one without any known word.
    ///
    /// # Errors
    /// If a server does not answer.
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
