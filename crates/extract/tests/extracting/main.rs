//! Tests for the extraction of pages and entries: real ones, hostile ones, and all scripting
//! vectors.

#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod blocks;
mod found_again;
mod generators;
mod growing;
#[path = "../../../../tests/src/growth.rs"]
mod growth;
mod headings;
mod hostile;
mod inert;
mod shared_web;
mod xss;
