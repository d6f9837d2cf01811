//! Tests with digests of made-up weeks: order, documents, mails and messages.

#![allow(clippy::unwrap_used)]

mod composing;
mod made_up;
mod messages;
