//! What the index is told of a read.

use backissue_model::{ConceptSlug, Fingerprint, Kind, ReadId, Slug, Week};
use jiff::Timestamp;

/// A read as the index takes it in.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its row in the archive.
    pub id: ReadId,
    /// Its title.
    pub title: String,
    /// Whose blog it is on.
    pub company: String,
    /// The sources on which it turned up, by their names in addresses, the first one first.
    pub sources: Vec<Slug>,
    /// What sort of post it is.
    pub kind: Kind,
    /// The week it is filed under.
    pub week: Week,
    /// The moment it is filed at: its publication, or when it was first seen.
    pub filed_at: Timestamp,
    /// Which problem it is about.
    pub problem: Option<String>,
    /// How the problem was solved.
    pub approach: Option<String>,
    /// What changed.
    pub outcome: Option<String>,
    /// How the page describes itself.
    pub description: Option<String>,
    /// Its concepts, best first.
    pub concepts: Vec<ConceptSlug>,
    /// Named systems.
    pub technologies: Vec<String>,
    /// The article, plain text, blocks apart by empty lines.
    pub text: String,
    /// What tells its text from others; the same article shows up once in an answer. None where it is too short for one.
    pub fingerprint: Option<Fingerprint>,
    /// How sure the précis is of its problem, 0 to 1; 0 where it has none.
    pub confidence: f32,
    /// What it means, as the bytes of at most two vectors of one embedder (see [`crate::meanings`]). Empty where nothing could
    /// be embedded.
    pub vectors: Vec<Vec<i8>>,
}
