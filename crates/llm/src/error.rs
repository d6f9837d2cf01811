//! Why a model did not answer, with messages that say what failed, on which model, and the remedy.

use std::time::Duration;

/// Why a model did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The settings are invalid.
    #[error("model `{name}` cannot be set up: {reason}")]
    Setup {
        /// The model.
        name: String,
        /// What is wrong, and how to fix it.
        reason: String,
    },
    /// The key is missing or was refused.
    #[error("model `{name}`: {host} refuses {} ({status}); {}", if *.has_key { "the key" } else { "to answer without a key" }, if *.has_key { "check `key` or `key_env` of the model, and that the key may use it" } else { "give one with `key_env`" })]
    Key {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// 401 or 403.
        status: u16,
        /// Whether a key was sent.
        has_key: bool,
    },
    /// The server has no such model, or the address has no such endpoint.
    #[error("model `{name}`: {host} has no model `{model}`, or does not speak this protocol at that address (404); check `model`, `url` and `protocol`{}", if *.is_local { format!("; with Ollama, `ollama pull {model}` fetches a model and `ollama list` lists them") } else { String::new() })]
    NotFound {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// The requested model.
        model: String,
        /// Whether the server is this machine.
        is_local: bool,
    },
    /// The connection failed.
    #[error("model `{name}`: nothing answers at {url}: {reason}; {}", if *.is_local { "is the model server running? `ollama serve` starts Ollama, `llama-server -m FILE.gguf` llama.cpp" } else { "check `url` and this machine's network" })]
    Connect {
        /// The model.
        name: String,
        /// The address.
        url: String,
        /// The system's message.
        reason: String,
        /// Whether the address is this machine.
        is_local: bool,
    },
    /// The TLS handshake failed.
    #[error("model `{name}`: no secure connection to {host}: {reason}")]
    Tls {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// What is wrong.
        reason: String,
    },
    /// The response did not arrive in time.
    #[error("model `{name}`: {host} did not finish its answer within {} s; raise the model's `timeout`, or take a smaller model", .limit.as_secs_f32())]
    Timeout {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// The limit.
        limit: Duration,
    },
    /// The server received too many requests (429), even after retries, or it demands a pause that
    /// is too long.
    #[error("model `{name}`: {host} got too many requests (429): {reason}{}", .retry_after.map_or_else(String::new, |wait| format!("; it demands a pause of {} s", wait.as_secs())))]
    RateLimited {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// The server's message.
        reason: String,
        /// The pause that the server demands.
        retry_after: Option<Duration>,
    },
    /// The account's quota or credit is used up. Further requests are refused until a person pays,
    /// or until the quota's day is over.
    #[error(
        "model `{name}`: the quota or credit at {host} is used up ({status}): {reason}; check the plan and the billing there, or \
         wait for the next day"
    )]
    QuotaUsedUp {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// The status.
        status: u16,
        /// The server's message.
        reason: String,
    },
    /// The server failed (5xx), even after retries.
    #[error("model `{name}`: {host} failed ({status}): {reason}; try again later")]
    Server {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// The status.
        status: u16,
        /// The server's message.
        reason: String,
        /// The pause that the server demands.
        retry_after: Option<Duration>,
    },
    /// The server refused the request.
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
        /// The server's message.
        reason: String,
    },
    /// The prompt is longer than the model's context.
    #[error(
        "model `{name}`: the context at {host} is too small for the prompt ({status}): {reason}; lower the model's `article_characters`, set `prompt = \"short\"`, or enlarge its context"
    )]
    TooLong {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// The status.
        status: u16,
        /// The server's message.
        reason: String,
    },
    /// The server dropped a part of the prompt and answered the rest.
    #[error(
        "model `{name}`: {host} read only {read} of about {sent} tokens of the prompt, so its answer was not used; give the \
         model a larger context (Ollama: `protocol = \"ollama\"` asks for it; LM Studio: Context Length; llama.cpp: \
         --ctx-size), or set `prompt = \"short\"`"
    )]
    PromptCut {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// The tokens that the server counted.
        read: u64,
        /// The tokens of the prompt, estimated.
        sent: u64,
    },
    /// The response does not follow the protocol, broke off, or is too large.
    #[error("model `{name}`: the answer of {host} could not be read: {reason}; check `protocol` and `url`")]
    Unreadable {
        /// The model.
        name: String,
        /// The server.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The reply is empty: the model declined, or a filter removed it.
    #[error("model `{name}` said nothing: {reason}")]
    Silent {
        /// The model.
        name: String,
        /// The reason, if the server names one.
        reason: String,
    },
}

impl ModelError {
    /// Whether the same request may succeed later without any change by a person.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Connect { .. } | Self::Timeout { .. } | Self::RateLimited { .. } | Self::Server { .. }
        )
    }

    /// Whether the error is about the model or its server, so that prompts for other articles would
    /// fail too.
    pub fn is_about_the_model(&self) -> bool {
        !matches!(
            self,
            Self::Silent { .. }
                | Self::Refused { .. }
                | Self::TooLong { .. }
                | Self::PromptCut { .. }
                | Self::Unreadable { .. }
                | Self::Timeout { .. }
        )
    }

    /// Whether the server may have accepted the request although no response arrived.
    pub fn may_have_arrived(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Unreadable { .. } | Self::Server { .. })
    }

    /// Whether a shorter prompt may succeed, because this one exceeds the model's context.
    pub fn is_about_the_context(&self) -> bool {
        matches!(self, Self::TooLong { .. } | Self::PromptCut { .. })
    }

    /// The pause that the server demands, if any.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Server { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
