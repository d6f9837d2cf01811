//! Composes digests of reads, and writes them as Markdown, HTML, feeds, mails and messages.
//!
//! [`compose`] decides which reads of a week come first and how the others are grouped.
//! [`compose_answers`] does the same for new answers to saved searches. Each other module writes
//! the same [`Digest`] in one form: [`markdown`] for documents, [`html`] for programs that show
//! HTML, [`feed`] for feed readers, [`mail`] for mail programs, [`chat`] for chat servers.
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
