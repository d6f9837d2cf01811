//! Practising with problems: computes when a card is shown next, and writes cards as a file for
//! Anki.
//!
//! This crate does no input or output and reads no clock. The store keeps cards and answers; `web`
//! shows them.

mod csv;
mod schedule;

pub use csv::{CSV_MAX, CsvCard, csv};
pub use schedule::{SESSION, next_showing};
