//! The meaning of a text as a vector: texts that say the same in other words have similar vectors.
//!
//! An [`Embedder`] computes an [`Embedding`]; [`Vectors`] finds the nearest ones. The built-in
//! embedder has a vector for each word piece of a vocabulary and adds them up. No model is run and
//! nothing is fetched, so a text takes microseconds. Its vectors were distilled from
//! all-MiniLM-L6-v2, so that sums approximate that model's sentence embeddings.
//! docs/ARCHITECTURE.md says how, docs/BENCHMARKS.md how well. Vectors of other embedders, of any
//! dimension, become [`Embedding`]s too. Embeddings of different embedders are not comparable.
//!
//! This module does not know what a read is, opens no files and sends no requests.

mod embedder;
mod embedding;
mod pieces;
mod vectors;

pub use embedder::{DamagedEmbedder, Distilled, Embedder};
pub use embedding::Embedding;
pub use pieces::Pieces;
pub use vectors::{EXACT_MAX, Row, Vectors};
