//! Finds language models that could be used: on servers on this machine, and by keys in the
//! environment.
//!
//! Servers are only asked for their lists. Of keys, only the names of the variables are used.
//! Nothing of an article is sent.

use backissue_llm::{Listed, LocalServer, Protocol, ServerKind};
use serde_json::{Value, json};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::output::safe;
use crate::settings::Settings;
use crate::values::{ModelServers, Size};

/// A provider of models. Its name comes before the slash in `models use`.
#[derive(Debug)]
pub struct Provider {
    /// Its name in commands.
    pub name: &'static str,
    /// Its protocol.
    pub protocol: Protocol,
    /// Its server's address, if that is not the protocol's usual one.
    pub url: Option<&'static str>,
    /// The usual environment variable for its key.
    pub key_env: &'static str,
    /// A model with good results and a low price.
    pub suggestion: &'static str,
}

impl Provider {
    /// The suggested model's name in `models use`.
    pub fn example(&self) -> String {
        format!("{}/{}", self.name, self.suggestion)
    }
}

/// Providers on the internet. Servers on this machine are [`ServerKind`]s.
pub const PROVIDERS: [Provider; 5] = [
    Provider {
        name: "anthropic",
        protocol: Protocol::Anthropic,
        url: None,
        key_env: "ANTHROPIC_API_KEY",
        suggestion: "claude-haiku-4-5",
    },
    Provider {
        name: "openai",
        protocol: Protocol::OpenAi,
        url: None,
        key_env: "OPENAI_API_KEY",
        suggestion: "gpt-5-mini",
    },
    Provider {
        name: "gemini",
        protocol: Protocol::Gemini,
        url: None,
        key_env: "GEMINI_API_KEY",
        suggestion: "gemini-2.5-flash",
    },
    Provider {
        name: "openrouter",
        protocol: Protocol::OpenAi,
        url: Some("https://openrouter.ai/api/v1"),
        key_env: "OPENROUTER_API_KEY",
        suggestion: "anthropic/claude-haiku-4.5",
    },
    Provider {
        name: "mistral",
        protocol: Protocol::OpenAi,
        url: Some("https://api.mistral.ai/v1"),
        key_env: "MISTRAL_API_KEY",
        suggestion: "mistral-small-latest",
    },
];

/// A running server on this machine.
#[derive(Debug)]
pub struct Running {
    /// The server.
    pub server: LocalServer,
    /// Its models that can write text.
    pub models: Vec<Listed>,
}

/// The models that could be used.
#[derive(Debug)]
pub struct Noticed {
    /// Servers on this machine.
    pub servers: Vec<Running>,
    /// Providers whose key is in the environment.
    pub keys: Vec<&'static Provider>,
    /// The machine's memory in bytes, if the system states it.
    pub memory: Option<u64>,
}

/// Whether a model fits into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The model fits.
    Fits,
    /// It is too large.
    TooLarge,
    /// The server does not state the size of the model, or the system not its memory.
    Unknown,
    /// The model runs on another machine.
    Elsewhere,
}

/// Memory that a model needs in addition to its weights, for its context. A share of the weights is
/// added.
const BESIDE_WEIGHTS: u64 = 1_500_000_000;

impl Fit {
    /// Whether a model fits into this much memory.
    pub fn of(model: &Listed, memory: Option<u64>) -> Self {
        let needed = |bytes: u64| bytes.saturating_add(bytes / 10).saturating_add(BESIDE_WEIGHTS);
        match model.bytes.map(needed).zip(memory) {
            _ if model.is_remote => Self::Elsewhere,
            None => Self::Unknown,
            Some((needed, memory)) if needed <= memory => Self::Fits,
            Some(_) => Self::TooLarge,
        }
    }
}

/// Finds the models that could be used.
pub async fn look(settings: &Settings) -> Noticed {
    let ModelServers(servers) = settings.model_servers.value.clone();
    let looks = servers.into_iter().map(|server| {
        tokio::spawn(async move {
            let mut models = server.models().await?;
            models.retain(|model| !model.only_embeds);
            Some(Running { server, models })
        })
    });
    let mut running = Vec::new();
    for look in looks.collect::<Vec<_>>() {
        running.extend(look.await.ok().flatten());
    }
    let keys = PROVIDERS.iter().filter(|provider| is_set(provider.key_env)).collect();
    Noticed { servers: running, keys, memory: memory() }
}

/// Whether an environment variable has a value. The value itself is not kept.
pub fn is_set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty())
}

/// The memory that this machine, or this container, has. Returns `None` if the system does not tell
/// it.
pub fn memory() -> Option<u64> {
    let what = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(what).ok()?;
    let limit = system.cgroup_limits().map_or(u64::MAX, |limits| limits.total_memory);
    Some(system.total_memory().min(limit)).filter(|memory| *memory > 0)
}

impl Running {
    /// The name of a model in `models use`.
    pub fn name_of(&self, model: &Listed) -> String {
        format!("{}/{}", self.server.kind.as_str(), model.id)
    }

    /// The largest model that fits, which usually writes best.
    pub fn best(&self, memory: Option<u64>) -> Option<&Listed> {
        let fits = self.models.iter().filter(|model| Fit::of(model, memory) == Fit::Fits);
        let first_unknown = || self.models.iter().find(|model| Fit::of(model, memory) == Fit::Unknown);
        fits.max_by_key(|model| model.bytes).or_else(first_unknown)
    }
}

impl Noticed {
    /// Whether there is no server and no key.
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty() && self.keys.is_empty()
    }

    /// The command to suggest: for a model on this machine if there is one, otherwise for a
    /// provider's.
    pub fn command(&self) -> Option<String> {
        let local = self.servers.iter().find_map(|running| Some(running.name_of(running.best(self.memory)?)));
        let hosted = || self.keys.first().map(|provider| provider.example());
        local.or_else(hosted).map(|name| command(&name))
    }

    /// A short text about the servers and keys.
    pub fn told(&self) -> String {
        let servers = self.servers.iter().map(|running| {
            let title = running.server.kind.title();
            match (running.best(self.memory), running.models.len()) {
                (_, 0) => format!("{title} without models"),
                (Some(best), many) => format!("{title} with {} of {many}", safe(&best.id)),
                (None, many) => format!("{title} with {many} that do not fit into memory"),
            }
        });
        let keys = self.keys.iter().map(|provider| format!("${}", provider.key_env));
        servers.chain(keys).collect::<Vec<_>>().join(", ")
    }

    /// The lines of `backissue models`.
    pub fn lines(&self) -> Vec<String> {
        let memory = self.memory.map(gigabytes).unwrap_or_default();
        let mut lines = Vec::new();
        for running in &self.servers {
            let server = &running.server;
            lines.push(format!("{} runs at {}", server.kind.title(), server.url));
            if running.models.is_empty() {
                let how = match server.kind {
                    ServerKind::Ollama => "; `ollama pull qwen3:8b` fetches one",
                    ServerKind::LmStudio | ServerKind::LlamaCpp => "",
                };
                lines.push(format!("  it has no models{how}"));
            }
            for model in &running.models {
                let size = model.bytes.map_or_else(|| "size not told".to_owned(), gigabytes);
                let fit = match Fit::of(model, self.memory) {
                    Fit::Fits => {
                        format!("{size}, fits into {memory} of memory: {}", command(&running.name_of(model)))
                    }
                    Fit::TooLarge => format!("{size}, too large for {memory} of memory"),
                    Fit::Unknown => format!("{size}: {}", command(&running.name_of(model))),
                    Fit::Elsewhere => {
                        format!(
                            "runs elsewhere, so it would get the articles: {}",
                            command(&running.name_of(model))
                        )
                    }
                };
                lines.push(format!("  {}  {fit}", model.id));
            }
        }
        for provider in &self.keys {
            let example = command(&provider.example());
            lines.push(format!("${} is set: for example {example}", provider.key_env));
        }
        lines
    }

    /// The servers and keys as JSON, for scripts.
    pub fn as_json(&self) -> Value {
        let of_model = |running: &Running, model: &Listed| {
            let fits = match Fit::of(model, self.memory) {
                Fit::Fits => Some(true),
                Fit::TooLarge => Some(false),
                Fit::Unknown | Fit::Elsewhere => None,
            };
            json!({
                "name": running.name_of(model), "model": model.id, "bytes": model.bytes, "fits": fits,
                "runs_elsewhere": model.is_remote,
            })
        };
        let servers: Vec<Value> = self
            .servers
            .iter()
            .map(|running| {
                let models: Vec<Value> =
                    running.models.iter().map(|model| of_model(running, model)).collect();
                json!({ "server": running.server.kind.as_str(), "url": running.server.url, "models": models })
            })
            .collect();
        let keys: Vec<Value> = self
            .keys
            .iter()
            .map(|provider| json!({ "variable": provider.key_env, "provider": provider.name, "suggestion": provider.suggestion }))
            .collect();
        json!({ "memory_bytes": self.memory, "servers": servers, "keys": keys })
    }
}

/// The command that uses a model, quoted if a shell would divide it.
pub fn command(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/:._-@+".contains(c);
    if name.chars().all(is_plain) {
        format!("`backissue models use {name}`")
    } else {
        format!("`backissue models use '{}'`", name.replace('\'', "'\\''"))
    }
}

/// A size in tenths of gigabytes.
pub fn gigabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000_000;
    if tenths == 0 {
        Size(bytes / 1_000_000 * 1_000_000).to_string()
    } else {
        format!("{}.{} GB", tenths / 10, tenths % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(id: &str, bytes: Option<u64>) -> Listed {
        Listed { id: id.to_owned(), bytes, ..Listed::default() }
    }

    fn noticed(models: Vec<Listed>) -> Noticed {
        let server = "ollama=http://127.0.0.1:11434".parse().unwrap();
        Noticed {
            servers: vec![Running { server, models }],
            keys: vec![&PROVIDERS[0]],
            memory: Some(16_000_000_000),
        }
    }

    #[test]
    fn largest_model_that_fits_is_suggested() {
        let models = vec![
            model("qwen3:8b", Some(5_200_000_000)),
            model("llama3.3:70b", Some(42_000_000_000)),
            model("qwen3:1.7b", Some(1_400_000_000)),
            Listed { is_remote: true, ..model("gpt-oss:120b-cloud", None) },
        ];
        let noticed = noticed(models);
        assert_eq!(noticed.command().as_deref(), Some("`backissue models use ollama/qwen3:8b`"));
        assert_eq!(noticed.told(), "Ollama with qwen3:8b of 4, $ANTHROPIC_API_KEY");
        let lines = noticed.lines().join("\n");
        assert!(
            lines.contains("qwen3:8b  5.2 GB, fits into 16.0 GB of memory: `backissue models use"),
            "{lines}"
        );
        assert!(lines.contains("llama3.3:70b  42.0 GB, too large for 16.0 GB of memory"), "{lines}");
        assert!(
            lines.contains("gpt-oss:120b-cloud  runs elsewhere, so it would get the articles"),
            "{lines}"
        );
        assert!(lines.contains("$ANTHROPIC_API_KEY is set"), "{lines}");
    }

    #[test]
    fn provider_is_suggested_if_no_model_on_this_machine_fits() {
        let too_large = noticed(vec![model("llama3.3:70b", Some(42_000_000_000))]);
        assert_eq!(too_large.command().as_deref(), Some("`backissue models use anthropic/claude-haiku-4-5`"));
        assert!(too_large.told().contains("1 that do not fit into memory"));
        assert!(noticed(Vec::new()).lines().join("\n").contains("`ollama pull qwen3:8b` fetches one"));
    }

    #[test]
    fn names_are_quoted_for_the_shell() {
        assert_eq!(command("lmstudio/a b"), "`backissue models use 'lmstudio/a b'`");
        assert_eq!(command("ollama/hf.co/x/y:Q4_K_M"), "`backissue models use ollama/hf.co/x/y:Q4_K_M`");
    }
}
