//! `backissue reader password`: the password before the archive.

use std::io::{IsTerminal, Read};

use anyhow::{Context, bail};
use backissue_model::{PASSWORD_MAX, PASSWORD_MIN, Password, ReaderId};

use crate::args::{ReaderArgs, ReaderWhat};
use crate::exit::Outcome;
use crate::output;
use crate::settings::Settings;
use crate::{open, say};

/// Sets or removes the password.
pub async fn run(args: ReaderArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let ReaderWhat::Password { remove } = args.what;
    let store = open::store(&settings).await?;
    let had_one = store.has_password(ReaderId::ONE).await?;
    let password = if remove { None } else { Some(asked()?) };
    let ended = store.set_password(ReaderId::ONE, password.as_ref()).await?;
    match (password.is_some(), had_one) {
        (true, true) => say!("The password was changed; {} ended.", output::count(ended, "session"))?,
        (true, false) => say!(
            "The password is set. It is asked for if others can reach the pages; start `backissue serve` again for that."
        )?,
        (false, true) => say!(
            "The password was removed; {} ended. Start `backissue serve` again: if others can reach the pages, they are \
             read-only then.",
            output::count(ended, "session")
        )?,
        (false, false) => say!("There was no password.")?,
    }
    Ok(Outcome::Fine)
}

/// The new password, from the terminal or one line of standard input.
fn asked() -> anyhow::Result<Password> {
    if std::io::stdin().is_terminal() {
        let valid = |text: &String| text.parse::<Password>().map(drop).map_err(|why| why.to_string());
        let prompt = format!("New password, at least {PASSWORD_MIN} characters");
        let typed = dialoguer::Password::new()
            .with_prompt(prompt)
            .with_confirmation("The same again", "The two differ; nothing was set")
            .validate_with(valid)
            .interact()?;
        return Ok(typed.parse()?);
    }
    let mut bytes = Vec::new();
    let most = PASSWORD_MAX as u64 + 3;
    std::io::stdin().take(most).read_to_end(&mut bytes).context("standard input cannot be read")?;
    let text = String::from_utf8(bytes).context("the password in standard input is not UTF-8")?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        bail!("standard input is empty; nothing was changed. To remove the password, use --remove");
    }
    Ok(line.parse()?)
}
