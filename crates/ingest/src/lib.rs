//! Processes sources and reads: polls feeds, admits entries, fetches and extracts pages, and
//! annotates articles.
//!
//! The built-in annotator annotates each article; a configured language model does it again later.
//! The crate also runs backfills, and caches images if the operator wants that.
//!
//! The row is the job. A worker claims a due source or read and takes one step, and the store
//! commits the result and the new stage together. [`Ingest`] is the workers: it claims, and runs
//! `steps`, which share a `context`. [`schedule`] decides
//! when to poll, when to retry and when to give up, as pure functions.
//!
//! This crate must not parse bytes (`feed` and `extract` do), write SQL (`store`) or open sockets
//! (`fetch`, `llm`).

mod asking;
mod batch;
mod built_in;
pub mod clock;
mod compute;
mod context;
mod dead_pages;
mod error;
mod feed_address;
mod feed_response;
mod find_feed;
mod found_page;
mod hosts;
mod hubs;
mod images;
mod listed;
mod meter;
mod robots;
pub mod schedule;
mod shared_turns;
mod starter;
mod steps;
mod workers;

pub use asking::{Asker, Told, spent_on};
pub use batch::{BatchEnd, BatchError, BatchStep, Batches};
pub use context::IngestSettings;
pub use error::IngestError;
pub use feed_response::{Named, named};
pub use find_feed::{FeedAt, FindError, Found, fetch_feed, find, listed_source};
pub use hubs::{HubAnswer, HubQuestion};
pub use images::{Image, ImageCache, ImageError};
pub use robots::PRODUCT;
pub use shared_turns::TurnsInStore;
pub use starter::{Starter, StarterError, StarterGroup, StarterSource};
pub use steps::backfill::{Candidate, DocumentKind, Explanation, Plan, ReadDocument, ask_backfill};
pub use steps::reannotate::{BUILT_IN, By, Pass, Reannotator, Step};
pub use workers::{Ingest, Round, Summary};
