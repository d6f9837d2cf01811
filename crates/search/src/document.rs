//! The input of the index for a read.

use backissue_model::{ConceptSlug, Fingerprint, Kind, ReadId, Slug, Week};
use jiff::Timestamp;

/// A read as input of the index.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its row in the archive.
    pub id: ReadId,
    /// Its title.
    pub title: String,
    /// The company behind its blog.
    pub company: String,
    /// The slugs of its sources, the first one first.
    pub sources: Vec<Slug>,
    /// The kind of post.
    pub kind: Kind,
    /// The week under which it is filed.
    pub week: Week,
    /// Its publication date, or the time when it was first seen.
    pub filed_at: Timestamp,
    /// The problem.
    pub problem: Option<String>,
    /// How the problem was solved.
    pub approach: Option<String>,
    /// What changed.
    pub outcome: Option<String>,
    /// The page's own description.
    pub description: Option<String>,
    /// Its concepts, best first.
    pub concepts: Vec<ConceptSlug>,
    /// The technologies it names.
    pub technologies: Vec<String>,
    /// The article as plain text, with empty lines between blocks.
    pub text: String,
    /// The fingerprint of its text, so that an answer has the same article once. `None` if the text
    /// is too short.
    pub fingerprint: Option<Fingerprint>,
    /// The précis's confidence in the problem, 0 to 1; 0 without a problem.
    pub confidence: f32,
    /// Its embeddings, at most two, all from one embedder (see [`crate::meanings`]). Empty if
    /// nothing could be embedded.
    pub vectors: Vec<Vec<i8>>,
}
