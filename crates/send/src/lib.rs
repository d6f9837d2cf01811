//! Sends weeks and new answers to saved searches to recipients: by mail over SMTP, or as messages
//! to the webhooks of chat servers.
//!
//! [`Sender::send`] composes a week, claims its sending, sends it and stores the result. [`Caller`]
//! notifies webhooks of events. [`Schedule`] says when a week is due. [`compare`] finds new reads
//! that answer saved searches. Addresses of webhooks, passwords and keys are secrets: no error and
//! no log shows them.
//!
//! This crate has no SQL, decides nothing about reads, and sends requests only to servers that the
//! operator configured.

mod answer;
mod calling;
mod chat;
mod comparing;
mod error;
mod letter;
mod mail;
mod outage;
mod recipient;
mod sender;
mod sendmail;
mod unsubscribe;

pub use backissue_fetch::Secret;
pub use calling::{Caller, check_webhook, keep_calling, new_signing_key};
pub use chat::{Chat, ChatSettings};
pub use comparing::{compare, keep_comparing};
pub use error::SendError;
pub use lettre::Address as MailAddress;
pub use mail::{MailSettings, Mailer};
pub use recipient::{Recipient, Schedule, Way};
pub use sender::{Lack, Sender, Sent, chosen_by, keep_sending};
