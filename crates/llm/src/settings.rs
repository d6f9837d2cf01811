//! The settings of a client.

use std::time::Duration;

use backissue_fetch::Secret;
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
