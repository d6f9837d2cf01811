//! Tests the index through its public interface: durability, and the results of queries.

#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod growing;
#[path = "../../../../tests/src/growth.rs"]
mod growth;
mod index;
mod made;
mod queries;
mod real_articles;
