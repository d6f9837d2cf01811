//! Whole documents: real, broken, and made to grow.

#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod cases;
#[path = "../../../../tests/src/document_growth.rs"]
mod document_growth;
mod growing;
#[path = "../../../../tests/src/growth.rs"]
mod growth;
mod hostile;
mod whole;
