//! Practising with problems: when a card is shown next, and cards as a file for Anki.
//!
//! Pure: no input or output, no clock. The store keeps cards and answers; `web` shows them.

mod csv;
mod schedule;

pub use csv::{CSV_MAX, CsvCard, csv};
pub use schedule::{SESSION, next_showing};
