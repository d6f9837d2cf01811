//! Markdown tables for the results of chores.

use std::fmt::Write;

/// A Markdown table.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len()));
    for row in rows {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}
