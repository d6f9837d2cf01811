//! What servers answer, as it is stored and shown.

/// Most characters of a server's answer that are stored and shown.
const ANSWER_MAX: usize = 200;

/// The beginning of a server's answer on one line, without control characters.
pub(crate) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ").chars().take(ANSWER_MAX).collect()
}
