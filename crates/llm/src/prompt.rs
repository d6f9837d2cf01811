//! Prompts, replies and their cost.

use serde_json::Value;

/// A prompt: the instructions, the input, and the JSON schema of the reply.
#[derive(Clone, Copy, Debug)]
pub struct Prompt<'p> {
    /// The instructions.
    pub system: &'p str,
    /// The input.
    pub user: &'p str,
    /// The schema of the reply, for servers that enforce one. Other servers may reply in any form.
    pub schema: &'p Value,
}

/// The cost of a prompt in tokens. It is estimated from characters if the server does not count
/// them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Usage {
    /// Number of tokens of the prompt.
    pub input_tokens: u64,
    /// Number of tokens of the reply, including reasoning.
    pub output_tokens: u64,
    /// Number of tokens of the prompt that the server had in its cache, which cost less.
    pub cached_tokens: u64,
    /// Number of tokens of the prompt that the server wrote to its cache, which may cost more.
    pub cache_writes: u64,
}

/// A reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The text of the reply, in any form.
    pub text: String,
    /// Its cost.
    pub usage: Usage,
}
