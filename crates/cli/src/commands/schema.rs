//! `backissue schema`: what `--json` prints, as JSON Schema.

use backissue_model::did_you_mean;

use crate::args::SchemaArgs;
use crate::exit::Outcome;
use crate::output::{self, say};
use crate::schemas::OUTPUTS;

/// Prints the schema of a command's output, or the commands that have one.
pub fn run(args: &SchemaArgs) -> anyhow::Result<Outcome> {
    let wanted = args.command.join(" ");
    if wanted.is_empty() {
        for output in &OUTPUTS {
            say!("{}", output.command)?;
        }
        return Ok(Outcome::Fine);
    }
    let Some(found) = OUTPUTS.iter().find(|output| output.command == wanted) else {
        let hint = did_you_mean(&wanted, OUTPUTS.iter().map(|output| output.command));
        let hint = if hint.is_empty() { "; `backissue schema` lists the commands" } else { &hint };
        anstream::eprintln!("{}", output::safe(&format!("no schema is for the output of “{wanted}”{hint}")));
        return Ok(Outcome::NotThere);
    };
    output::json(&found.schema())?;
    Ok(Outcome::Fine)
}
