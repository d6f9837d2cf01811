//! Schema, migrations, every line of SQL.
//!
//! SQLite in one file by default, PostgreSQL when one machine is not enough; one set of statements for both. What the
//! tables mean stands in `migrations/sqlite`. Each file here is one family of statements: `sources`, `polls` (the admission
//! of entries), `backfills` (sources' past), `way` (claims and results), `annotating`, `asking` (language models), `merge`,
//! `counters`, `changes` (what an index catches up with), `pages`, `marks` (what readers did with reads), `notes` (what they wrote about them), `practice` (cards and answers), `own` (all of it, to take elsewhere), `check`.
//!
//! Both databases are spoken to through one small layer (`database`) over sqlx's two pools and not through sqlx's `Any` driver:
//! that one opens a database by its address alone, so SQLite's settings and the one writer beside several readers would not
//! fit; it copies every column of every row into a form of its own before the row is read, articles too; and its drivers
//! must be installed for the whole process. The statements would be the same, so nothing but that layer depends on it.
//!
//! It must not know HTTP, parse HTML or feeds, decide what to retry, or read the clock: every moment is told by the caller.
//!
//! # What holds
//! - A read has one row under however many spellings and on however many sources: `address` has one row for each spelling
//!   that a read was admitted under, and whoever adds one is alone while doing it.
//! - A result and the stage it leads to commit together, and only for the holder of the lease.
//! - Counters are changed in the transaction that changes what they count; [`Store::check`] counts anew and compares.
//! - What a page costs follows what is on it: a list, whole or narrowed by week, source, concept or kind, is read from one
//!   index in its order, no further than what it shows. Where no one index has all that a list is narrowed by, the rest is
//!   looked up row by row, so such a page may pass over rows that it does not show: with a source and a concept at most as
//!   many as the smaller of the two has; with a week and anything else at most those of the week.

mod annotating;
mod archive;
mod asking;
mod backfills;
mod budget;
mod cards;
mod changes;
mod check;
mod clock;
mod counters;
mod database;
mod error;
mod facets;
#[cfg(feature = "generate")]
mod generate;
mod hubs;
mod keys;
mod location;
mod marks;
mod merge;
mod migrations;
mod notes;
mod own;
mod pages;
mod polls;
mod practice;
mod read_jobs;
mod rows;
mod sources;
mod times;
mod titles;
mod weeks;

pub use archive::Store;
pub use asking::{Answered, DayUsage, Limits, OWNER_CHANGED, Selection, Spent};
pub use backfills::{Backfill, BackfillStep, ClaimedBackfill, Extent, NextStep, Reach};
pub use budget::OverLimit;
pub use cards::{
    Cursor, CursorError, Facets, Order, Page, Place, ReadCard, ReadFilter, ReadPage, ReadSummary, WeekCount,
};
pub use changes::{ChangeMark, Changes, ReadText};
pub use check::Finding;
pub use error::StoreError;
#[cfg(feature = "generate")]
pub use generate::generate;
pub use hubs::{ClaimedSubscription, HubNames, Subscription};
pub use location::{Location, LocationError};
pub use marks::{Action, Mine, ReaderCount};
pub use notes::{
    LABELS_MAX, Labelled, NoteSaved, Own, OwnCursor, OwnPage, ShelfFilter, ShelfGroups, ShelfOrder,
};
pub use own::{OwnAnswer, OwnRead, TakenIn};
pub use polls::{APPEARED, Address, Admission, Admitted, FoundBy, NextPoll, PollOutcome};
pub use practice::{DeckCard, NextShowing};
pub use read_jobs::{ATTEMPTS_MAX, ClaimedRead, Extracted, Finished, Retry, SetAside, Tally};
pub use sources::{ClaimedSource, Follow, Scope, SourceChange, SourceFilter, Unfollow, Unfollowed};

#[cfg(test)]
mod tests;
