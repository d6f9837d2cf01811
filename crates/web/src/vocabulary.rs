//! Names of concepts on pages. The vocabulary is in `backissue-annotate`.

use backissue_annotate::Vocabulary;
use backissue_model::{Concept, ConceptSlug};

/// The concept `slug`, if the vocabulary still has it.
pub(crate) fn concept(slug: &ConceptSlug) -> Option<&'static Concept> {
    Vocabulary::builtin().get(slug)
}

/// A concept's display name. A concept that the vocabulary no longer has is shown by its slug.
pub(crate) fn name(slug: &ConceptSlug) -> String {
    concept(slug).map_or_else(|| slug.as_str().replace('-', " "), |concept| concept.name.clone())
}

/// All concepts, in the vocabulary's order.
pub(crate) fn all() -> &'static [Concept] {
    Vocabulary::builtin().concepts()
}
