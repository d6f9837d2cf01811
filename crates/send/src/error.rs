//! Why sending failed, and the remedy.

use std::time::Duration;

/// Why sending failed. Every message says what failed, on what, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The settings cannot be used.
    #[error("{what} cannot be used: {why}")]
    Setup {
        /// The part that is set up, such as `the mail server`.
        what: String,
        /// What is wrong, and the remedy.
        why: String,
    },
    /// The server refuses the login. That says nothing about the recipient, so it is tried again.
    #[error(
        "{server} refused the user name or the password ({said}); check `user` and `password` in [mail]; it is tried again"
    )]
    Login {
        /// The server.
        server: String,
        /// The server's message.
        said: String,
    },
    /// The server refuses the message permanently.
    #[error("{server} refused what was sent to {to}: {said}; {remedy}")]
    Refused {
        /// The server or the service.
        server: String,
        /// The recipient.
        to: String,
        /// The server's message.
        said: String,
        /// What to do.
        remedy: String,
        /// Whether the server wants no further messages: status 410 of HTTP (RFC 9110, section
        /// 15.5.11).
        gone: bool,
    },
    /// The mailbox does not exist, so nothing more is sent there.
    #[error("{server} knows no mailbox {to} ({said}); {remedy}")]
    NoMailbox {
        /// The server.
        server: String,
        /// The mail address, or the name of a subscriber or a reader.
        to: String,
        /// The server's message.
        said: String,
        /// What to do.
        remedy: String,
    },
    /// Sending failed temporarily. Another attempt may succeed.
    #[error("{server} did not take what was sent to {to}: {why}; it is tried again")]
    ForNow {
        /// The server or the service.
        server: String,
        /// The recipient.
        to: String,
        /// The reason for the failure.
        why: String,
        /// The pause that the server demands.
        retry_after: Option<Duration>,
        /// Whether the message may have arrived although no response came.
        may_have_arrived: bool,
    },
    /// Several attempts had no response, and each may have arrived.
    #[error("no answer came to two attempts, so {to} may have got it; look there before you send it again")]
    Unanswered {
        /// The recipient.
        to: String,
    },
}

impl SendError {
    /// Whether another attempt can help: the recipient was not refused.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::ForNow { .. } | Self::Login { .. })
    }

    /// Whether the message may have arrived although no response came.
    pub fn may_have_arrived(&self) -> bool {
        matches!(self, Self::ForNow { may_have_arrived: true, .. })
    }

    /// The pause that the server demands, if any.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::ForNow { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
