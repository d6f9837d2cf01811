//! Model servers on this machine: which of them run, and what models they have.
//!
//! Only lists are requested, only from loopback addresses, and no prompt is sent.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;
use std::time::Duration;

use backissue_fetch::{Tls, client_tls, is_on_this_machine, operator_client};
use reqwest::Client;
use serde_json::Value;
use url::Url;

use crate::listing::{self, Listed};
use crate::settings::Protocol;

/// Time limit for one server, lists of models included.
const WITHIN: Duration = Duration::from_secs(2);
/// Time limit for a connection on this machine.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);
/// The TLS settings of all clients here. The requests use plain HTTP, but a client needs TLS
/// settings, and making them reads the system's certificates, so it is done once.
static TLS: LazyLock<Option<Tls>> = LazyLock::new(|| client_tls(&[]).ok());
/// Maximum bytes of a list.
const LARGEST_LIST: usize = 2 * 1024 * 1024;

/// A kind of model server that people run on their machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerKind {
    /// Ollama.
    Ollama,
    /// LM Studio.
    LmStudio,
    /// The server of llama.cpp.
    LlamaCpp,
}

impl ServerKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ollama, Self::LmStudio, Self::LlamaCpp];

    /// Its name in commands and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ollama => "ollama",
            Self::LmStudio => "lmstudio",
            Self::LlamaCpp => "llamacpp",
        }
    }

    /// Its name for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Ollama => "Ollama",
            Self::LmStudio => "LM Studio",
            Self::LlamaCpp => "llama.cpp",
        }
    }

    /// The protocol for its requests.
    pub fn protocol(self) -> Protocol {
        match self {
            Self::Ollama => Protocol::Ollama,
            Self::LmStudio | Self::LlamaCpp => Protocol::OpenAi,
        }
    }

    fn usual_port(self) -> u16 {
        match self {
            Self::Ollama => 11434,
            Self::LmStudio => 1234,
            Self::LlamaCpp => 8080,
        }
    }

    /// The paths of its lists of models, newest form first, each with its parser.
    fn lists(self) -> &'static [(&'static str, Reading)] {
        match self {
            Self::Ollama => &[("/api/tags", listing::of_ollama)],
            Self::LmStudio => {
                &[("/api/v1/models", listing::of_lm_studio), ("/api/v0/models", listing::of_lm_studio)]
            }
            Self::LlamaCpp => &[("/v1/models", listing::of_llama_cpp)],
        }
    }
}

type Reading = fn(&Value) -> Option<Vec<Listed>>;

/// A model server on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalServer {
    /// The kind of server.
    pub kind: ServerKind,
    /// Its root address.
    pub url: Url,
}

/// The text is not a model server on this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a model server on this machine; write for example ollama=http://127.0.0.1:11434, with ollama, lmstudio or \
     llamacpp before the sign; servers elsewhere need a [[model]] table"
)]
pub struct UnknownServer(String);

impl FromStr for LocalServer {
    type Err = UnknownServer;

    fn from_str(text: &str) -> Result<Self, UnknownServer> {
        let read = || {
            let (name, url) = text.split_once('=')?;
            let kind = ServerKind::ALL.into_iter().find(|kind| kind.as_str() == name.trim())?;
            let url: Url = url.trim().parse().ok()?;
            let is_bare = url.username().is_empty() && url.password().is_none();
            (url.scheme() == "http" && is_bare && is_on_this_machine(&url)).then_some(Self { kind, url })
        };
        read().ok_or_else(|| UnknownServer(text.to_owned()))
    }
}

impl fmt::Display for LocalServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.kind.as_str(), self.url.as_str().trim_end_matches('/'))
    }
}

impl LocalServer {
    /// All kinds of servers at their usual ports.
    pub fn usual() -> Vec<Self> {
        let at_its_port = |kind: ServerKind| {
            let url = format!("http://127.0.0.1:{}", kind.usual_port()).parse();
            Self { kind, url: url.expect("an address with a port is a valid URL") }
        };
        ServerKind::ALL.map(at_its_port).to_vec()
    }

    /// The address for the settings of a model.
    pub fn model_url(&self) -> Url {
        let mut url = self.url.clone();
        if self.kind.protocol() == Protocol::OpenAi {
            url.set_path("/v1");
        }
        url
    }

    /// The models of the server. Returns `None` if it does not run, or if something else listens
    /// there.
    pub async fn models(&self) -> Option<Vec<Listed>> {
        let client = operator_client(&self.url, TLS.as_ref()?, CONNECT_WITHIN).build().ok()?;
        let look = async {
            for (path, read) in self.kind.lists() {
                let mut url = self.url.clone();
                url.set_path(path);
                if let Some(models) = get(&client, url).await.as_ref().and_then(read) {
                    return Some(models);
                }
            }
            None
        };
        tokio::time::timeout(WITHIN, look).await.ok()?
    }
}

async fn get(client: &Client, url: Url) -> Option<Value> {
    let mut answer = client.get(url).send().await.ok()?;
    if !answer.status().is_success() {
        return None;
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.ok()? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST_LIST {
            return None;
        }
    }
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_servers_on_this_machine_are_looked_for() {
        for server in LocalServer::usual() {
            assert_eq!(server.to_string().parse(), Ok(server.clone()));
        }
        let moved: LocalServer = "ollama=http://[::1]:9999".parse().unwrap();
        assert_eq!((moved.kind, moved.model_url().as_str()), (ServerKind::Ollama, "http://[::1]:9999/"));
        let studio: LocalServer = "lmstudio=http://localhost:1234".parse().unwrap();
        assert_eq!(studio.model_url().as_str(), "http://localhost:1234/v1");
        for text in [
            "ollama=http://192.168.0.7:11434",
            "ollama=https://ollama.com",
            "ollama=http://me:secret@127.0.0.1:11434",
            "vllm=http://127.0.0.1:1",
            "ollama",
            "",
        ] {
            let error = text.parse::<LocalServer>().unwrap_err().to_string();
            assert!(error.contains("[[model]]"), "{error}");
        }
    }
}
