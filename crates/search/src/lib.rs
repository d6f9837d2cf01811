//! Search by problem: who else had this?
//!
//! An index of the archive's reads, by their words and by their meaning. It is disposable: everything in it comes from the
//! store, it remembers up to which change of the archive it has come, and whoever deletes it gets it back.
//!
//! It must not fetch anything, change the archive, or be the only place where something is known.

mod blend;
mod document;
mod embedders;
mod error;
mod follow;
mod index;
pub mod meaning;
mod prior_art;
pub mod query;
mod search;
mod searcher;
mod words;

pub use blend::{Blend, By, CANDIDATES, Ranked, Ranking};
pub use document::Document;
pub use embedders::{Embedders, EmbeddingFailure};
pub use error::SearchError;
pub use follow::{Caught, Progress, follow, meanings};
pub use index::{Index, Rebuild, Writer};
pub use prior_art::{PRIOR_ART_MAX, PriorArt, Way};
pub use query::{Filter, Query};
pub use search::{Answer, Asked, Coverage, Match, Search, SearchFailure};
pub use searcher::{Allowed, Facts, Place, Searcher, Segment, SegmentKey};
pub use words::compile::Correction;
pub use words::facets::{Count, Facets};
pub use words::fields::Weights;
pub use words::highlights::{Marks, Passage, highlights, passage};
pub use words::{Found, Hit, Typing};
