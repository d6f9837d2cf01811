//! Schema, migrations, and all SQL.
//!
//! SQLite in one file by default, PostgreSQL when one machine is not enough; one set of statements
//! for both. What the tables mean stands in `migrations/sqlite`. Each file here is one family of
//! statements. Of what is fetched: `sources`, `polls` (the admission of entries), `backfills`
//! (sources' past), `read_jobs` (claims, results and failures of reads), `asking` (language
//! models), `merge`, `corrections` (what a person says instead), `withdrawn` (reads hidden from
//! everybody). Of what is shown: `counters`, `changes` (what an index catches up with), `pages`,
//! `left_out` (an archive without some sources). Of readers: `marks` (what they did with reads),
//! `notes` (what they wrote about them), `highlights` (passages that they marked), `saving` (pages
//! that they save by address), `practice` (cards and answers). Also of readers: `saved_searches`
//! (what they look out for), `alerts` (what is sent about that), `own` (all of it, to take
//! elsewhere), `accounts` (roles, invitations), `sessions` (passwords, who is logged in),
//! `own_digests` (what they get by mail). Of readers' programs: `tokens` (what they send),
//! `streams` (lists for reader apps). Of strangers: `subscribers` (who gets the week by mail). Of
//! both: `mailed_links` (by which they confirm an address). `check` is for `doctor`, `copy` moves
//! an archive to another database, `backup` writes a file to keep. `retention` removes old
//! articles. `turns` is for several processes that fetch, `webhooks` for programs elsewhere that
//! are told what happens.
//!
//! A small layer (`database`) over sqlx's two pools talks to both databases. sqlx's `Any` driver
//! does not fit, for three reasons. It opens a database by address only, so that SQLite's settings
//! and its single writer are not possible. It copies each column of each row into its own form
//! first, articles too. And its drivers must be installed for the whole process. The statements
//! would be the same, so only that layer depends on this choice.
//!
//! This crate does not know HTTP, does not parse HTML or feeds, does not decide about retries, and
//! does not read the clock: the caller passes each time.
//!
//! # Errors
//! Every function of [`Store`] fails if the database fails. A function that also fails for another
//! reason names it. [`StoreError`] says what the store was doing, and a remedy.
//!
//! # Invariants
//! - A read has one row, however many addresses and sources it has. `address` has a row for each
//!   address under which a read was admitted. A transaction that adds one is alone.
//! - A result and its stage commit together, and only for the holder of the lease.
//! - Counters change in the transaction that changes what they count. [`Store::check`] recounts and
//!   compares.
//! - The cost of a page is proportional to what it shows. A list, filtered by week, source,
//!   concept, kind or form of the problem, is read from one index, in order. If no index covers all
//!   filters, the rest is checked row by row, so that a page may skip rows. With a source and a
//!   concept, or a form and another filter, these are at most the reads of the smaller of the two;
//!   with a week and another filter, at most those of the week.

mod accounts;
mod alerts;
mod archive;
mod asking;
mod backfills;
mod backup;
mod batches;
mod budget;
mod cards;
mod changes;
mod check;
mod clock;
mod copy;
mod corrections;
mod counters;
mod database;
mod dead_pages;
mod due;
mod error;
mod facets;
mod filing;
#[cfg(feature = "generate")]
mod generate;
mod highlights;
mod hubs;
mod issues;
mod keys;
mod left_out;
mod location;
mod mailed_links;
mod marks;
mod merge;
mod migrations;
mod notes;
mod openid;
mod operators;
mod own;
mod own_counts;
mod own_digests;
mod page_facts;
mod pages;
#[cfg(feature = "generate")]
mod plans;
mod polls;
mod practice;
mod private;
mod read_jobs;
mod recent;
mod retention;
mod rows;
mod saved_searches;
mod saving;
mod sendings;
mod sessions;
mod shelf_address;
mod shown;
mod sources;
mod streams;
mod subscribers;
mod times;
mod titles;
mod tokens;
mod turns;
mod webhooks;
mod weeks;
mod withdrawn;

pub use accounts::{INVITATION_LASTS, Leaving};
pub use alerts::{AlertHit, AlertState};
pub use archive::Store;
pub use asking::{
    Answered, DayUsage, Limits, MonthUsage, OWNER_CHANGED, Refused, RefusedRead, Selection, Spent,
};
pub use backfills::{Backfill, BackfillStep, ClaimedBackfill, Extent, NextStep, Reach};
pub use backup::{BackupError, BackupFacts, ServerFacts};
pub use batches::NotedBatch;
pub use budget::OverLimit;
pub use cards::{
    Corrected, Cursor, CursorError, Facets, Mine, Order, Page, Place, ReadCard, ReadFilter, ReadPage,
    ReadSummary, UnknownMine, WeekCount,
};
pub use changes::{ChangeMark, Changes, ReadText};
pub use check::Finding;
pub use copy::{Copied, CopyError, CopyProgress, CopyStep};
pub use dead_pages::{DeadHost, DeadPages};
pub use error::StoreError;
#[cfg(feature = "generate")]
pub use generate::{Articles, generate, generate_with};
pub use highlights::{HIGHLIGHTS_MAX, Highlighted, RemarkSaved};
pub use hubs::{ClaimedSubscription, HubNames, Subscription};
pub use issues::{IssueChange, IssueChanged, StoredIssue};
pub use location::{Location, LocationError};
pub use mailed_links::LINK_LASTS;
pub use marks::{Action, Among, ReaderCount};
pub use notes::{
    GROUP_SHOWN, LABELS_MAX, Labelled, NoteSaved, Own, OwnCursor, OwnPage, ShelfBy, ShelfFilter, ShelfGroup,
    ShelfGroups, ShelfOrder,
};
pub use openid::{OpenIdJoined, OpenIdLogin, OpenIdSession, OpenIdUnlinked};
pub use operators::{ReaderChange, last_operator};
pub use own::{OWN_FORM, OwnAnswer, OwnCorrection, OwnFile, OwnHighlight, OwnRead, Refusal, TakenIn};
pub use own_counts::OwnCounts;
pub use own_digests::{OwnDigest, OwnDigestSaved};
pub use page_facts::PageFacts;
#[cfg(feature = "generate")]
pub use plans::{Plan, plans};
pub use polls::{APPEARED, Address, Admission, Admitted, FoundBy, NextPoll, PollOutcome};
pub use practice::{DeckCard, NextShowing};
pub use private::make_private_folder;
pub use read_jobs::{ATTEMPTS_MAX, ClaimedRead, Extracted, Finished, Queue, Retry, SetAside, Tally};
pub use retention::{Pruned, Pruning, Retention};
pub use saved_searches::{
    Compared, NewRead, OwnSearch, SEARCHES_MAX, SavedSearch, SearchChange, SearchSaved,
};
pub use saving::{PageSaved, SAVED, SavedWaiting};
pub use sendings::{Dispatch, RecipientState, Resend, Sending, SendingClaim, SendingResult, SendingState};
pub use sessions::{SESSION_LASTS, Session};
pub use sources::{ClaimedSource, Follow, Scope, SourceChange, SourceFilter, Unfollow, Unfollowed};
pub use streams::{Stream, StreamFilter, StreamItem, Tag, Tagged};
pub use subscribers::Subscriber;
pub use tokens::{NewToken, TOKENS_MAX, Token, TokenAdded};
pub use turns::{BusyHost, HostTurn, RobotsTurn, SharedRobots, Wakeups};
pub use webhooks::{
    Call, CallResult, FAILING_AFTER, LastAnswer, NewWebhook, Subject, WEBHOOKS_MAX, Webhook, WebhookAdded,
};
pub use withdrawn::{United, Withdrawn};

#[cfg(test)]
mod tests;
