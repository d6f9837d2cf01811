//! A week or a read made ready for somewhere else: one composition, and its renderings.
//!
//! [`compose`] decides which reads of a week come first and how the rest is grouped, and
//! [`compose_answers`] does the same for new answers to saved searches. Each rendering
//! writes the same [`Digest`] in another form: [`markdown`] for documents, [`html`] for what shows
//! HTML, [`feed`] for feed readers,
//! [`mail`] for mail programs, [`chat`] for chat servers.
//!
//! This crate does no input or output, reads no clock and sends nothing.

mod answers;
pub mod chat;
mod compose;
pub mod feed;
pub mod html;
pub mod mail;
pub mod markdown;
mod site;
mod told;
pub mod words;

pub use answers::compose_answers;
pub use compose::{About, Choice, Digest, Group, MOST, Pick, Totals, WeekRead, compose, score};
pub use site::{Layout, Site, concept_name, file_of};
