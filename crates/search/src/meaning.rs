//! What a text means, as a vector: texts that say the same in other words lie close together.
//!
//! An [`Embedder`] makes an [`Embedding`] of a text, [`Vectors`] finds those nearest to a given one. The built-in embedder
//! knows every word piece of a vocabulary by a vector of its own and adds them up: no model is run, nothing is fetched, and
//! a text takes microseconds. Its vectors were learnt from all-MiniLM-L6-v2, so that sums come near to what that model says
//! of whole sentences; docs/ARCHITECTURE.md tells how, docs/BENCHMARKS.md how near. Vectors of another embedder, of any
//! dimension, become an [`Embedding`] as well and are searched alike; those of two embedders are not comparable.
//!
//! This module must not know what a read is, open files or ask a server.

mod embedder;
mod embedding;
mod pieces;
mod vectors;

pub use embedder::{DamagedEmbedder, Distilled, Embedder};
pub use embedding::Embedding;
pub use pieces::Pieces;
pub use vectors::{Row, Vectors};
