//! `backissue help`: help on a command or on the settings.

use crate::args::{HelpArgs, command_line, settings_help};
use crate::exit::Outcome;
use crate::output::say;

/// Prints the help.
pub fn run(args: &HelpArgs) -> anyhow::Result<Outcome> {
    if args.topic.first().is_some_and(|topic| matches!(topic.as_str(), "settings" | "setting")) {
        say!("{}", settings_help().render_long_help().ansi().to_string().trim_end())?;
        return Ok(Outcome::Fine);
    }
    let line = command_line();
    let mut found = &line;
    for word in &args.topic {
        let names: Vec<String> = found.get_subcommands().map(|c| c.get_name().to_owned()).collect();
        let Some(next) = names.iter().position(|name| name == word) else {
            let hint =
                backissue_model::did_you_mean(word, names.iter().map(String::as_str).chain(["settings"]));
            let end = if hint.is_empty() { "; `backissue --help` lists the commands." } else { "" };
            anstream::eprintln!("There is no command `{word}`{hint}{end}");
            return Ok(Outcome::NotThere);
        };
        found = found.find_subcommand(&names[next]).expect("the command has a subcommand of this name");
    }
    // Equivalent to `--help` after the command.
    let words = ["backissue"].into_iter().chain(args.topic.iter().map(String::as_str)).chain(["--help"]);
    if let Err(help) = command_line().try_get_matches_from(words) {
        help.print()?;
    }
    Ok(Outcome::Fine)
}
