//! Backfill: the search for articles that a source published before it was followed.
//!
//! The shapes of articles' addresses are learned from the source's feed (`crawl::Shapes`). Kinds of
//! documents are tried in the order of [`DocumentKind`]: sitemaps first, and others only if the
//! sitemaps lack articles of the feed. One step reads one document, which [`plan`] selects. The
//! result is committed together with the list of documents still to be read, so that an interrupted
//! backfill continues. A read that was found only by its address is kept only if its page is an
//! article ([`crate::found_page`]).

mod document;
mod explain;
mod plan;
mod step;

pub use document::Candidate;
pub(crate) use explain::explain;
pub use explain::{Explanation, ReadDocument};
pub use plan::{DocumentKind, Plan};
pub use step::ask_backfill;
pub(crate) use step::run;
