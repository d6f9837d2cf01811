//! Moves reads along their way: asks sources for their feeds, admits entries, fetches and extracts pages, has each
//! article annotated, by the built-in annotator and, where one is configured, by a language model after it. And looks for what a
//! source published before it was followed. It also keeps images of articles, where the operator wants them to come from here.
//!
//! The row is the job: a worker claims a source or a read that is due, does one arrow of the way, and the store commits the
//! result together with the new stage. [`Ingest`] strings the steps together; what each step decides (when to ask again,
//! when to give up) is in [`schedule`] as pure functions.
//!
//! This room must not parse bytes (that is `feed` and `extract`), write SQL (`store`) or open sockets of its own (`fetch`,
//! `llm`).

mod annotating;
mod asking;
mod backfill;
pub mod clock;
mod compute;
mod feed_address;
mod fetching;
mod find_feed;
mod hosts;
mod hubs;
mod images;
mod listed;
mod meter;
mod polling;
mod reannotate;
mod robots;
pub mod schedule;
mod starter;
mod workers;

pub use asking::{Asker, Told};
pub use backfill::{Candidate, Explanation, Plan, ReadDocument, Way, ask_backfill};
pub use find_feed::{FeedAt, FindError, Found, fetch_feed, find};
pub use hubs::{HubAnswer, HubQuestion};
pub use images::{Image, ImageCache, ImageError};
pub use polling::{Named, named};
pub use reannotate::{BUILT_IN, By, Pass, Reannotator, Step};
pub use robots::PRODUCT;
pub use starter::{Starter, StarterError, StarterGroup, StarterSource};
pub use workers::{Ingest, IngestError, IngestSettings, Round, Summary};
