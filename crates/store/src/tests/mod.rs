//! The store's guarantees, on both databases.

mod accounts;
mod admission;
mod asking;
mod backfills;
mod changes;
mod clock;
mod concurrency;
mod corrections;
mod harness;
mod highlights;
mod hubs;
mod issues;
mod lists;
mod marks;
mod migrations;
mod notes;
mod own;
mod plans;
mod practice;
mod read_jobs;
mod sendings;
mod sessions;
mod shelf_address;
mod sources;
mod surviving;
mod trouble;
