//! What concepts are called on pages. The words themselves are `backissue-annotate`'s.

use backissue_annotate::Vocabulary;
use backissue_model::{Concept, ConceptSlug};

/// The concept behind `slug`, where the vocabulary still has it.
pub(crate) fn concept(slug: &ConceptSlug) -> Option<&'static Concept> {
    Vocabulary::builtin().get(slug)
}

/// A concept's name for people; a concept that has left the vocabulary goes by its slug.
pub(crate) fn name(slug: &ConceptSlug) -> String {
    concept(slug).map_or_else(|| slug.as_str().replace('-', " "), |concept| concept.name.clone())
}

/// Every concept, in the vocabulary's order.
pub(crate) fn all() -> &'static [Concept] {
    Vocabulary::builtin().concepts()
}
