//! Whole documents: real ones, broken ones, and ones made to grow.

#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod cases;
mod hostile;
mod whole;
