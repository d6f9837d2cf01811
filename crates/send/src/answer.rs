//! Shortens the answers of servers, which are stored and shown.

use backissue_model::in_one_line;

/// Maximum characters of a server's answer that are stored and shown.
const ANSWER_MAX: usize = 200;

/// The start of a server's answer on one line, without control characters.
pub(crate) fn one_line(text: &str) -> String {
    in_one_line(text).chars().take(ANSWER_MAX).collect()
}
