//! Why a fetch failed, with messages that say what failed, on which host, and the remedy.

use std::path::PathBuf;
use std::time::Duration;

/// Which time limit was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeoutStage {
    /// `connect_timeout`: resolving, connecting, TLS.
    Connect,
    /// `first_byte_timeout`: the response's headers did not arrive.
    FirstByte,
    /// `total_timeout`: the body did not end.
    Total,
    /// `slowest`: too few bytes of the body arrived.
    Slow,
}

impl TimeoutStage {
    fn words(self) -> &'static str {
        match self {
            Self::Connect => "could not be connected to",
            Self::FirstByte => "did not begin to answer",
            Self::Total => "did not finish its answer",
            Self::Slow => "sent next to nothing of its answer",
        }
    }
}

/// Why a fetch failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The address may not be fetched because of its scheme, its port or a non-public IP address.
    #[error("{address} was not fetched: {why}")]
    NotAllowed {
        /// What was refused: a URL's scheme, host and port, or a name and its address.
        address: String,
        /// The rule that refused it, and how to allow it.
        why: String,
    },
    /// The name could not be resolved.
    #[error("the name {host} could not be resolved: {reason}; {}", if *.offline { "check this machine's network" } else { "check the address" })]
    Dns {
        /// The host.
        host: String,
        /// The system's message.
        reason: String,
        /// Whether this machine seems to have no network at all.
        offline: bool,
    },
    /// The connection failed.
    #[error("{host} could not be connected to: {reason}; {}", if *.offline { "check this machine's network" } else { "try again later" })]
    Connect {
        /// The host.
        host: String,
        /// The system's message.
        reason: String,
        /// Whether this machine seems to have no network at all.
        offline: bool,
    },
    /// The TLS handshake failed.
    #[error("no secure connection to {host}: {reason}")]
    Tls {
        /// The host.
        host: String,
        /// What is wrong with the certificate or the handshake.
        reason: String,
    },
    /// This machine has no certificate authorities, so no server can be verified.
    #[error(
        "no secure connection to {host}: this machine has no list of certificate authorities; install the system's \
         ca-certificates package, or name a PEM file in SSL_CERT_FILE"
    )]
    NoAuthorities {
        /// The host.
        host: String,
    },
    /// A file of certificate authorities could not be used.
    #[error("the certificate authorities in {} cannot be used: {reason}; give a PEM file with at least one certificate", .path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The HTTP client could not be set up.
    #[error("the HTTP client cannot be set up: {reason}")]
    Setup {
        /// What is wrong with the settings.
        reason: String,
    },
    /// A time limit was exceeded.
    #[error("{host} {} within {} seconds; try again later", .stage.words(), .limit.as_secs_f32())]
    Timeout {
        /// The host.
        host: String,
        /// Which limit.
        stage: TimeoutStage,
        /// The limit.
        limit: Duration,
    },
    /// The body is larger than allowed, on the wire or after decompression.
    #[error(
        "the answer of {host} is larger than the limit of {limit} bytes; look for a smaller document there"
    )]
    TooLarge {
        /// The host.
        host: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// More redirects than allowed.
    #[error("{host} redirected more than {limit} times; open the address in a browser to see where it leads")]
    TooManyRedirects {
        /// The host that sent the last redirect.
        host: String,
        /// The limit.
        limit: usize,
    },
    /// A redirect that cannot be followed.
    #[error("{host} sent a redirect that cannot be followed: {why}")]
    BadRedirect {
        /// The host that sent it.
        host: String,
        /// What is wrong with it.
        why: String,
    },
    /// A response without success.
    #[error("{host} answered {}", status_words(*.status, *.retry_after))]
    Status {
        /// The host.
        host: String,
        /// The status code.
        status: u16,
        /// The pause that the server demands.
        retry_after: Option<Duration>,
    },
    /// The request was not sent, because the host demanded a pause earlier (`Retry-After`).
    #[error("{host} demanded a pause of another {} seconds; it is retried after that", .wait.as_secs().max(1))]
    Held {
        /// The host.
        host: String,
        /// The rest of the pause.
        wait: Duration,
    },
    /// The turn of the host, which several processes share, could not be taken.
    #[error("{host} was not asked, because its turn among all workers is not known: {reason}")]
    NoTurn {
        /// The host.
        host: String,
        /// Why the turn could not be taken.
        reason: String,
    },
    /// The body broke off or could not be decompressed.
    #[error("the answer of {host} could not be read: {reason}; try again later")]
    Body {
        /// The host.
        host: String,
        /// What went wrong.
        reason: String,
    },
    /// The server violates HTTP.
    #[error("{host} did not answer in proper HTTP: {reason}")]
    Protocol {
        /// The host.
        host: String,
        /// What went wrong.
        reason: String,
    },
}

fn status_words(status: u16, retry_after: Option<Duration>) -> String {
    let words = match status {
        401 | 403 => format!("{status}: it denies access"),
        404 => "404: there is nothing at this address; check it".to_owned(),
        410 => "410: this is gone for good; stop following it".to_owned(),
        429 => "429: it got too many requests; it is retried later".to_owned(),
        500..=599 => format!("{status}: the server failed; try again later"),
        _ => format!("{status}, which is not a document"),
    };
    match retry_after {
        Some(wait) => format!("{words} (it demands a pause of {} seconds)", wait.as_secs()),
        None => words,
    }
}

impl FetchError {
    /// Whether the failure is in this machine's network, and not at the host: there is no route, or
    /// no name can be resolved.
    pub fn is_offline(&self) -> bool {
        matches!(self, Self::Dns { offline: true, .. } | Self::Connect { offline: true, .. })
    }

    /// Whether the same request may succeed later without any change by a person.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Dns { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Held { .. }
            | Self::NoTurn { .. }
            | Self::Body { .. }
            | Self::Protocol { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 421 | 425 | 429 | 500..=599),
            Self::NotAllowed { .. }
            | Self::Tls { .. }
            | Self::NoAuthorities { .. }
            | Self::Ca { .. }
            | Self::Setup { .. }
            | Self::TooLarge { .. }
            | Self::TooManyRedirects { .. }
            | Self::BadRedirect { .. } => false,
        }
    }

    /// The pause that the host demands, if any.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::Held { wait, .. } => Some(*wait),
            _ => None,
        }
    }

    /// Whether the document is gone permanently (410).
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Status { status: 410, .. })
    }
}

/// The innermost cause of an error, which is the most informative one: "Connection refused".
pub fn innermost_reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let text = cause.to_string();
    text.split_once(" (os error").map_or(text.as_str(), |(words, _)| words).to_owned()
}
