//! Whether strangers can subscribe to the week by mail, and readers choose their own digest.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::throttle::Throttle;

/// How strangers subscribe to the week by mail.
#[derive(Clone, Debug)]
pub struct Subscriptions {
    /// When the week is sent, in words such as "each Monday at 08:00 (Europe/Berlin)".
    pub(crate) when: Arc<str>,
    /// Wakes the program that mails links.
    pub(crate) asked: Arc<Notify>,
    /// Limits how many addresses a client can enter.
    pub(crate) throttle: Arc<Throttle>,
}

impl Subscriptions {
    /// `when` says when the week is sent. `asked` is notified when a link must be mailed.
    pub fn new(when: &str, asked: Arc<Notify>) -> Self {
        Self { when: when.into(), asked, throttle: Arc::default() }
    }
}

/// How readers get the digests that they chose by mail.
#[derive(Clone, Debug)]
pub struct OwnDigests {
    /// Wakes the program that mails links.
    pub(crate) asked: Arc<Notify>,
    /// Slows down a reader who types many addresses.
    pub(crate) throttle: Arc<Throttle>,
}

impl OwnDigests {
    /// `asked` is notified when a link has to be mailed.
    pub fn new(asked: Arc<Notify>) -> Self {
        Self { asked, throttle: Arc::default() }
    }
}
