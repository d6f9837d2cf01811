//! Clients for language models: OpenAI-compatible chat completions (hosted ones, LM Studio, vLLM,
//! llama.cpp), Anthropic's messages, Gemini's generateContent, Ollama's chat.
//!
//! A [`Model`] takes a [`Prompt`] and returns the reply's text and its cost. A model for embeddings
//! [returns](Model::embed) the vectors of texts:
//!
//! ```no_run
//! # async fn ask() -> Result<(), backissue_llm::ModelError> {
//! use backissue_llm::{Model, ModelSettings, Prompt, Protocol};
//!
//! let model = Model::new(ModelSettings::new("local", Protocol::OpenAi, "qwen2.5:7b"), &[])?;
//! let schema = serde_json::json!({ "type": "object" });
//! let reply = model.ask(&Prompt { system: "Answer in JSON.", user: "Who are you?", schema: &schema }).await?;
//! println!("{} ({} tokens)", reply.text, reply.usage.output_tokens);
//! # Ok(())
//! # }
//! ```
//!
//! # Rules
//! - **One address.** Requests go only to the configured address, which may be on this machine or
//!   in its network. Redirects are not followed.
//! - **Bounded retries.** A temporary refusal (429, 5xx) is retried after its `Retry-After` or a
//!   growing pause, with three attempts in all. Each attempt has a time limit, each response a size
//!   limit.
//! - **Bounded concurrency.** All callers share one limit of concurrent requests.
//! - **Whole prompts.** If a server has read fewer tokens than the prompt can have, its reply is an
//!   error, not a reply.
//! - **Secret keys.** A key is never in an error, in the log or in `Debug` output.
//!
//! This crate must not know the subject of a prompt, judge a reply, store anything, or read
//! settings from files or the environment.

mod batch;
mod embeddings;
mod error;
mod listing;
mod local;
mod model;
mod prompt;
mod protocol;
mod settings;

pub use backissue_fetch::{Secret, is_on_this_machine};
pub use batch::{BATCH_BYTES_MAX, BATCH_PROMPTS_MAX, BatchPrompt, BatchState, LostBatch};
pub use error::ModelError;
pub use listing::{Listed, PricePerToken};
pub use local::{LocalServer, ServerKind, UnknownServer};
pub use model::Model;
pub use prompt::{Prompt, Reply, Usage};
pub use settings::{ModelSettings, Protocol, UnknownProtocol};
