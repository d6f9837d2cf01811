//! `backissue config`: the settings in force and their origins.

use serde_json::json;

use crate::args::JsonArgs;
use crate::exit::Outcome;
use crate::output::{self, PLAIN, QUIET, say};
use crate::settings::Settings;

/// Prints every setting.
pub fn run(args: &JsonArgs, settings: &Settings) -> anyhow::Result<Outcome> {
    let listed = settings.listed();
    if args.json {
        let all: serde_json::Map<_, _> = listed
            .into_iter()
            .map(|(name, value, origin)| {
                (name.into_owned(), json!({ "value": value, "origin": origin.to_string() }))
            })
            .collect();
        output::json(&all)?;
        return Ok(Outcome::Fine);
    }
    let is_long = |value: &str| value.chars().count() > WIDEST;
    let rows: Vec<Vec<String>> = listed
        .iter()
        .map(|(name, value, origin)| {
            let shown: &str = if is_long(value) { "(below)" } else { value };
            vec![name.to_string(), shown.to_owned(), format!("{QUIET}{origin}{PLAIN}")]
        })
        .collect();
    for (line, (_, value, _)) in output::columns(&rows).iter().zip(&listed) {
        say!("{line}")?;
        if is_long(value) {
            say!("  {value}")?;
        }
    }
    Ok(Outcome::Fine)
}

/// Maximum characters of a value in its column, so that the column of origins fits a terminal.
const WIDEST: usize = 48;
