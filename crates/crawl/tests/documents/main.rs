//! Tests on whole documents: real ones, and ones that try to make the output grow.

#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

#[path = "../../../../tests/src/document_growth.rs"]
mod document_growth;
mod growing;
#[path = "../../../../tests/src/growth.rs"]
mod growth;
mod hostile;
mod whole;
