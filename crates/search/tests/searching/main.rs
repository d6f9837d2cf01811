//! The index from outside: what lasts of it, and what queries find.

#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod growing;
#[path = "../../../../tests/src/growth.rs"]
mod growth;
mod index;
mod made;
mod queries;
mod real_articles;
