//! The settings of a client for a model.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use backissue_fetch::Secret;
use url::Url;

/// The protocol of a model's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Chat completions: OpenAI, LM Studio, vLLM, llama.cpp and many others.
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
    /// Gemini's generateContent.
    Gemini,
    /// Ollama's chat. Ollama also has chat completions, but there a request cannot choose the
    /// context.
    Ollama,
}

/// The text is not the name of a protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a protocol; protocols are openai (LM Studio, vLLM and llama.cpp too), anthropic, gemini, ollama"
)]
pub struct UnknownProtocol(String);

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(text: &str) -> Result<Self, UnknownProtocol> {
        let all = [Self::OpenAi, Self::Anthropic, Self::Gemini, Self::Ollama];
        all.into_iter().find(|p| p.to_string() == text).ok_or_else(|| UnknownProtocol(text.to_owned()))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        })
    }
}

impl Protocol {
    /// The address of the protocol's original server.
    pub fn usual_url(self) -> Url {
        let url = match self {
            Self::OpenAi => "https://api.openai.com/v1",
            Self::Anthropic => "https://api.anthropic.com/v1",
            Self::Gemini => "https://generativelanguage.googleapis.com/v1beta",
            Self::Ollama => "http://127.0.0.1:11434",
        };
        url.parse().expect("the constant is a valid URL")
    }
}

/// A model and its server.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// The operator's name for the model.
    pub name: String,
    /// The protocol of its server.
    pub protocol: Protocol,
    /// The server's address up to and including the version, e.g. `http://127.0.0.1:11434/v1`.
    pub url: Url,
    /// The server's name for the model.
    pub model: String,
    /// The key, if the server needs one.
    pub key: Option<Secret>,
    /// The time limit of one attempt, from its start to the end of the response. Default: 120 s,
    /// for models on a machine's own processor.
    pub timeout: Duration,
    /// Maximum concurrent requests. Default: 2.
    pub concurrency: usize,
    /// The first pause before a retry, if the server demands none. It doubles with each retry.
    /// Default: 2 s.
    pub pause: Duration,
}

impl ModelSettings {
    /// A model with this name at its protocol's default address, without a key.
    pub fn new(name: &str, protocol: Protocol, model: &str) -> Self {
        Self {
            name: name.to_owned(),
            protocol,
            url: protocol.usual_url(),
            model: model.to_owned(),
            key: None,
            timeout: Duration::from_secs(120),
            concurrency: 2,
            pause: Duration::from_secs(2),
        }
    }
}
