//! Why a model gave no answer, in words for people: what failed, on which model, what to do.

use std::time::Duration;

/// Why a model gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The settings make no client.
    #[error("model `{name}` cannot be set up: {reason}")]
    Setup {
        /// The model.
        name: String,
        /// What is wrong, and what to write instead.
        reason: String,
    },
    /// The key was refused, or there is none.
    #[error("model `{name}`: {host} refuses {} ({status}); {}", if *.has_key { "the key" } else { "to answer without a key" }, if *.has_key { "check `key` or `key_env` of the model, and that the key may use it" } else { "give one with `key_env`" })]
    Key {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// 401 or 403.
        status: u16,
        /// Whether one was sent.
        has_key: bool,
    },
    /// The server knows no such model, or there is no such interface at the address.
    #[error("model `{name}`: {host} has no model `{model}`, or does not speak this protocol at that address (404); check `model`, `url` and `protocol`{}", if *.is_local { format!("; with Ollama, `ollama pull {model}` fetches a model and `ollama list` lists them") } else { String::new() })]
    NotFound {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// What the server was asked for.
        model: String,
        /// Whether the server is this machine.
        is_local: bool,
    },
    /// No connection.
    #[error("model `{name}`: nothing answers at {url}: {reason}; {}", if *.is_local { "is the model server running? `ollama serve` starts Ollama" } else { "check `url` and this machine's network" })]
    Connect {
        /// The model.
        name: String,
        /// The address.
        url: String,
        /// What the system said.
        reason: String,
        /// Whether the address is this machine.
        is_local: bool,
    },
    /// No secure connection.
    #[error("model `{name}`: no secure connection to {host}: {reason}")]
    Tls {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// The answer did not come in time.
    #[error("model `{name}`: {host} did not finish its answer within {} s; raise the model's `timeout`, or take a smaller model", .limit.as_secs_f32())]
    Timeout {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// The limit.
        limit: Duration,
    },
    /// Asked too often (429), again and again or for longer than is worth waiting.
    #[error("model `{name}`: {host} was asked too often (429): {reason}{}", .retry_after.map_or_else(String::new, |wait| format!("; it asks to wait {} s", wait.as_secs())))]
    RateLimited {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// What it said.
        reason: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The server has trouble of its own (5xx), again and again.
    #[error("model `{name}`: {host} has trouble of its own ({status}): {reason}; try again later")]
    Server {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// The status.
        status: u16,
        /// What it said.
        reason: String,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// The request itself was refused.
    #[error(
        "model `{name}`: {host} refuses the request ({status}): {reason}; check `model`, `url` and `protocol`, and that the model's context holds the question"
    )]
    Refused {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// The status.
        status: u16,
        /// What it said.
        reason: String,
    },
    /// The answer is not of the protocol's form, broke off, or is larger than any answer.
    #[error("model `{name}`: the answer of {host} could not be read: {reason}; check `protocol` and `url`")]
    Unreadable {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The model said nothing: it declined, or a filter held the reply back.
    #[error("model `{name}` said nothing: {reason}")]
    Silent {
        /// The model.
        name: String,
        /// Why, as far as the server tells.
        reason: String,
    },
}

impl ModelError {
    /// Whether the same question may be answered later without anyone changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. } | Self::Timeout { .. } | Self::RateLimited { .. } | Self::Server { .. }
        )
    }

    /// Whether the trouble is the model's or its server's, and another article would fare no better.
    pub fn is_about_the_model(&self) -> bool {
        !matches!(
            self,
            Self::Silent { .. } | Self::Refused { .. } | Self::Unreadable { .. } | Self::Timeout { .. }
        )
    }

    /// How long the server asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Server { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
