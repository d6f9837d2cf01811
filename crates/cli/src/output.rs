//! How commands print: colours only on a terminal, JSON where asked, columns that line up.

use anstyle::{AnsiColor, Style};
use backissue_model::misleads;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

/// What went wrong.
pub const ALERT: Style = AnsiColor::Red.on_default().bold();
/// What is all right.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What the eye should meet.
pub const STRONG: Style = Style::new().bold();
/// What stands behind.
pub const QUIET: Style = Style::new().dimmed();
/// Back to nothing.
pub const PLAIN: anstyle::Reset = anstyle::Reset;

/// Prints one JSON document with a final line break.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// The text with colours, but without any other way of speaking to a terminal: titles and messages come from the web.
pub fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| misleads(c) || c.is_control() && c != '\n' && c != '\t') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = colour(rest).unwrap_or_else(|| {
            out.push('\u{fffd}');
            rest.chars().next().map_or(0, char::len_utf8)
        });
        if rest.starts_with('\u{1b}') && length > 1 {
            out.push_str(&rest[..length]);
        }
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// The length of the colour sequence (ECMA-48 SGR) that `text` begins with.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[end..].starts_with('m').then_some(end + 3)
}

/// Prints a line to standard output; an error where nobody listens any more.
#[macro_export]
macro_rules! say {
    ($($arg:tt)*) => {{
        use std::io::Write;
        writeln!(anstream::stdout(), "{}", $crate::output::safe(&format!($($arg)*)))
    }};
}

/// A day as `2026-05-17`, or a dash.
pub fn day(at: Option<Timestamp>, zone: &TimeZone) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_zoned_datetime(zone.clone()).date().to_string())
}

/// A moment as `2026-05-17 09:40`, or a dash.
pub fn moment(at: Option<Timestamp>, zone: &TimeZone) -> String {
    at.map_or_else(
        || "-".to_owned(),
        |at| at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

/// `1 read`, `2 reads`.
pub fn count(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Rows in columns as wide as their widest cell (in characters); the last column runs free.
pub fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let wide = |column: usize| {
        rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max().unwrap_or(0)
    };
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(wide).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let padding = if column + 1 == row.len() { 0 } else { widths[column] - cell.chars().count() };
            format!("{cell}{}", " ".repeat(padding))
        });
        cells.collect::<Vec<_>>().join("  ")
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_the_web_cannot_speak_to_a_terminal() {
        let hostile = "a\u{1b}]52;c;\u{7}b\u{9b}31mc\u{1b}[2Jd\u{1b}[";
        assert_eq!(safe(hostile), "a\u{fffd}]52;c;\u{fffd}b\u{fffd}31mc\u{fffd}[2Jd\u{fffd}[");
        let ours = format!("{STRONG}title{PLAIN}\tand\nmore");
        assert_eq!(safe(&ours), ours);
    }

    #[test]
    fn columns_line_up_whatever_the_script() {
        let rows = [vec!["größe".to_owned(), "1".into()], vec!["a".into(), "22".into()]];
        assert_eq!(columns(&rows), ["größe  1", "a      22"]);
    }
}
