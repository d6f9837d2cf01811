//! Clients for language models: OpenAI-compatible chat completions (hosted ones, Ollama, vLLM, llama.cpp), Anthropic's
//! messages, Gemini's generateContent.
//!
//! A [`Model`] takes a [`Prompt`] and gives the text of the reply with what it cost; a model for embeddings
//! [gives](Model::embed) the vectors of texts:
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
//! - **One address.** Only the address that the operator configured is asked, which may lie on this machine or in its
//!   network; redirects are not followed.
//! - **Patience with an end.** What a server refuses for now (429, 5xx) is asked again after its `Retry-After` or a growing
//!   pause, three times in all; every attempt has its time-out, every answer its size.
//! - **No more at once than allowed**, however many ask.
//! - **Keys are not told**: not in errors, not in the log, not by `Debug`.
//!
//! This room must not know what is asked, judge a reply, keep anything, or read settings from files or the environment.

mod embeddings;
mod error;
mod model;
mod protocol;
mod settings;

pub use error::ModelError;
pub use model::{Model, Prompt, Reply, Usage};
pub use protocol::{Protocol, UnknownProtocol};
pub use settings::{Key, ModelSettings};
