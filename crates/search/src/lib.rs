//! Search by problem: who else had this?
//!
//! An index of the archive's reads, by their words and by their meaning. It is disposable: everything in it comes from the
//! store, it remembers up to which change of the archive it has come, and whoever deletes it gets it back.
//!
//! It must not fetch anything, change the archive, or be the only place where something is known.

mod document;
mod error;
mod index;
pub mod query;
mod searcher;
mod words;

pub use document::Document;
pub use error::SearchError;
pub use index::{Index, Rebuild, Writer};
pub use query::{Filter, Query};
pub use searcher::{Allowed, Facts, Place, Searcher, Segment, SegmentKey};
pub use words::compile::Correction;
pub use words::facets::{Count, Facets};
pub use words::fields::Weights;
pub use words::highlights::{Marks, Passage, highlights, passage};
pub use words::{Found, Hit, Typing};
