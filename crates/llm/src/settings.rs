//! The settings of a client.

use std::fmt;
use std::time::Duration;

use url::Url;

use crate::Protocol;

/// A model and its server.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// The operator's name for it.
    pub name: String,
    /// The protocol of its server.
    pub protocol: Protocol,
    /// The server's address up to and including the version, e.g. `http://127.0.0.1:11434/v1`.
    pub url: Url,
    /// The server's name for it.
    pub model: String,
    /// The key, if the server needs one.
    pub key: Option<Key>,
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

/// A key. It can be read only as a request header.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// Makes a key, without white space around it.
    pub fn new(key: &str) -> Self {
        Self(key.trim().to_owned())
    }

    pub(crate) fn told(&self) -> &str {
        &self.0
    }

    /// `text` with the key removed.
    pub(crate) fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "(key)") }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}
