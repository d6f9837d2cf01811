//! What a client has to be told.

use std::fmt;
use std::time::Duration;

use url::Url;

use crate::Protocol;

/// A model and how it is asked.
#[derive(Clone, Debug)]
pub struct ModelSettings {
    /// What the operator calls it.
    pub name: String,
    /// How its server is spoken to.
    pub protocol: Protocol,
    /// The server's address up to and including the version, e.g. `http://127.0.0.1:11434/v1`.
    pub url: Url,
    /// What the server calls it.
    pub model: String,
    /// The key, where the server asks for one.
    pub key: Option<Key>,
    /// From the beginning of one attempt to the end of its answer. Default: 120 s, for models on a machine's own processor.
    pub timeout: Duration,
    /// Requests at once. Default: 2.
    pub concurrency: usize,
    /// The first pause before another attempt where the server asks for none; it doubles. Default: 2 s.
    pub pause: Duration,
}

impl ModelSettings {
    /// A model of this name at its protocol's usual address, without a key.
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

/// A key. It can be given away in a request's head alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// This key, without white space around it.
    pub fn new(key: &str) -> Self {
        Self(key.trim().to_owned())
    }

    pub(crate) fn told(&self) -> &str {
        &self.0
    }

    /// `text` without the key, should it be in there.
    pub(crate) fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "(key)") }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}
