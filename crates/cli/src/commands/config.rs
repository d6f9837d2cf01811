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
    let rows: Vec<Vec<String>> = listed
        .into_iter()
        .map(|(name, value, origin)| vec![name.into_owned(), value, format!("{QUIET}{origin}{PLAIN}")])
        .collect();
    for line in output::columns(&rows) {
        say!("{line}")?;
    }
    Ok(Outcome::Fine)
}
