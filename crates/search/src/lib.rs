//! Search by problem: who else had this?
//!
//! An index of the archive's reads, by words and by meaning. It can be deleted at any time:
//! everything in it comes from the store, it knows the last change of the archive in it, and it is
//! rebuilt if it is missing.
//!
//! ```
//! use backissue_model::{Form, Kind, ReadId, Slug};
//! use backissue_search::{Document, Index, Marks, Query, Typing, Weights, passage};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let index = Index::open(folder)?;
//! let mut writer = index.writer()?.expect("no other process writes to this folder");
//! let text = "Work waits in one queue. One tenant filled it and starved all others.";
//! writer.put(&Document {
//!     id: ReadId(7),
//!     title: "Fair queues".into(),
//!     company: "Acme".into(),
//!     sources: vec![Slug::of("acme-blog")],
//!     kind: Kind::CaseStudy,
//!     week: "2026-W20".parse()?,
//!     filed_at: "2026-05-15T09:00:00Z".parse()?,
//!     problem: Some("One tenant filled the shared queue.".into()),
//!     form: Some(Form::Written),
//!     approach: None,
//!     outcome: None,
//!     description: None,
//!     concepts: vec!["rate-limiting".parse()?],
//!     technologies: vec![],
//!     text: text.into(),
//!     fingerprint: None,
//!     confidence: 0.8,
//!     vectors: vec![],
//! })?;
//! writer.commit(1)?; // the last change of the archive in the index is 1
//!
//! let query = Query::parse("tenants starving each other company:acme after:2026");
//! let found = index.searcher().words(&query, &Weights::default(), Typing::Done, 10)?;
//! assert_eq!(found.hits[0].id, ReadId(7));
//!
//! let passage = passage(text, &Marks::of(&query, &found.corrections), 160).expect("the text has words of the query");
//! assert_eq!(passage.text, "One tenant filled it and starved all others.");
//! # Ok(())
//! # }
//! ```
//!
//! This crate must not fetch anything, change the archive, or hold data that is nowhere else.

mod blend;
mod document;
mod embedders;
mod error;
mod follow;
mod index;
mod join;
pub mod meaning;
mod prior_art;
pub mod query;
mod search;
mod searcher;
mod words;

pub use blend::{Blend, By, CANDIDATES, Ranked, Ranker, Ranking};
pub use document::{Document, meanings};
pub use embedders::{Embedders, EmbeddingFailure, EmbeddingServer};
pub use error::SearchError;
pub use follow::{Caught, Progress, follow};
pub use index::{Index, Rebuild, Writer};
pub use prior_art::{PRIOR_ART_MAX, PriorArt, Way};
pub use query::{Filter, Query, first_day, is_quote};
pub use search::{Answer, Asked, Coverage, Match, ProblemOf, Search, SearchFailure};
pub use searcher::{Facts, Place, Searcher, Segment, SegmentKey};
pub use words::allowed::Allowed;
pub use words::compile::{Correction, Typing};
pub use words::facets::{Count, Facets};
pub use words::fields::Weights;
pub use words::highlights::{Marks, Passage, highlights, passage};
pub use words::{Found, Hit};
