//! A text that is never shown.

use std::fmt;

/// A password, a key, or the address of a webhook.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// This secret, without white space around it.
    pub fn new(secret: &str) -> Self {
        Self(secret.trim().to_owned())
    }

    /// The text, for the server that it belongs to.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// `text` without the secret, should it be in there.
    pub(crate) fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "(secret)") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Most characters of a server's answer that are stored and shown.
const ANSWER_MAX: usize = 200;

/// The beginning of a server's answer on one line, without control characters.
pub(crate) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(ANSWER_MAX).collect()
}
