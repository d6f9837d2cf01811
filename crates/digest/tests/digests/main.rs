//! Digests of made-up weeks: what comes first, what documents, mails and messages hold.

#![allow(clippy::unwrap_used)]

mod composing;
mod made_up;
mod messages;
