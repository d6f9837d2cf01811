//! How commands print: colours only on a terminal, JSON on request, aligned columns.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
pub use backissue_model::collapsed as in_one_line;
use backissue_model::misleads;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use crate::values::JsonFormat;

/// Errors.
pub const ALERT: Style = AnsiColor::Red.on_default().bold();
/// Success.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// The most important text.
pub const STRONG: Style = Style::new().bold();
/// Less important text.
pub const QUIET: Style = Style::new().dimmed();
/// Resets the style.
pub const PLAIN: anstyle::Reset = anstyle::Reset;

/// Prints a JSON document and a line break.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    // As an error of the output, so that a closed pipe is known as one.
    serde_json::to_writer_pretty(&mut out, value).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(())
}

/// Prints a list as one JSON document, or as one line per item.
pub fn json_list(format: JsonFormat, items: &[impl Serialize]) -> anyhow::Result<()> {
    use std::io::Write;
    if format == JsonFormat::Json {
        return json(&items);
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for item in items {
        serde_json::to_writer(&mut out, item)?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(())
}

/// The text with its colours, but without other terminal sequences, because titles and messages
/// come from the web.
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

/// The length of the colour sequence (ECMA-48 SGR) at the start of `text`.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[end..].starts_with('m').then_some(end + 3)
}

/// Prints a line to standard output. Returns an error if the output is closed.
macro_rules! say {
    ($($arg:tt)*) => {{
        use std::io::Write;
        writeln!(anstream::stdout(), "{}", $crate::output::safe(&format!($($arg)*)))
    }};
}
pub(crate) use say;

/// Whether messages on standard error are lines of a JSON log.
static TELLS_JSON: AtomicBool = AtomicBool::new(false);

/// From now on, writes messages on standard error as lines of a JSON log.
pub fn tell_as_json() {
    TELLS_JSON.store(true, Ordering::Relaxed);
}

/// Prints a message on standard error about what the program does or why it fails. It is plain
/// text, or a line of the log if the log is JSON, so that a collector of logs can parse each line.
pub fn tell_line(level: tracing::Level, text: &str) {
    if !TELLS_JSON.load(Ordering::Relaxed) {
        anstream::eprintln!("{}", safe(text));
        return;
    }
    let message = anstream::adapter::strip_str(text).to_string();
    let line = serde_json::json!({
        "timestamp": Timestamp::now().to_string(),
        "level": level.as_str(),
        "message": message.trim(),
    });
    // A log that cannot be written stops nobody.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Prints a message about what the program does, as [`tell_line`] does.
macro_rules! tell {
    ($($arg:tt)*) => {
        $crate::output::tell_line(tracing::Level::INFO, &format!($($arg)*))
    };
}
pub(crate) use tell;

/// A date such as `2026-05-17`, or a dash.
pub fn day(at: Option<Timestamp>, zone: &TimeZone) -> String {
    at.map_or_else(|| "-".to_owned(), |at| at.to_zoned_datetime(zone.clone()).date().to_string())
}

/// A date and time such as `2026-05-17 09:40`, or a dash.
pub fn moment(at: Option<Timestamp>, zone: &TimeZone) -> String {
    at.map_or_else(
        || "-".to_owned(),
        |at| at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

/// A count with its noun: `1 read`, `2 reads`.
pub fn count(number: u64, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

/// Rows with aligned columns, as wide as their widest cell in characters. The last column is not
/// padded.
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
    fn web_texts_cannot_control_the_terminal() {
        let hostile = "a\u{1b}]52;c;\u{7}b\u{9b}31mc\u{1b}[2Jd\u{1b}[";
        assert_eq!(safe(hostile), "a\u{fffd}]52;c;\u{fffd}b\u{fffd}31mc\u{fffd}[2Jd\u{fffd}[");
        let ours = format!("{STRONG}title{PLAIN}\tand\nmore");
        assert_eq!(safe(&ours), ours);
    }

    #[test]
    fn columns_are_aligned_in_any_script() {
        let rows = [vec!["größe".to_owned(), "1".into()], vec!["a".into(), "22".into()]];
        assert_eq!(columns(&rows), ["größe  1", "a      22"]);
    }
}
