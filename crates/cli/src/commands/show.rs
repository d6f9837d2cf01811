//! `backissue show`: a read with its précis, the evidence, and the article.

use backissue_annotate::Vocabulary;
use backissue_model::{Form, Sureness};
use backissue_store::ReadPage;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::args::ShowArgs;
use crate::commands::week;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, PLAIN, QUIET, STRONG, say};
use crate::settings::Settings;

/// Prints a read.
pub async fn run(args: ShowArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let Some(read) = store.read(args.read).await? else {
        anstream::eprintln!(
            "There is no read {}; `backissue week` lists the newest ones with their numbers.",
            args.read.0
        );
        return Ok(Outcome::NotThere);
    };
    if args.json {
        let mut value = week::as_json(&read.card);
        value["precis"] = serde_json::to_value(&read.precis)?;
        value["corrections"] = serde_json::to_value(&read.corrected)?;
        value["article"] = serde_json::to_value(&read.article)?;
        value["places"] = read
            .places
            .iter()
            .map(|p| json!({ "source": p.source_slug, "title": p.source_title, "url": p.url }))
            .collect();
        output::json(&value)?;
    } else {
        tell(&read, store.zone())?;
    }
    Ok(Outcome::Fine)
}

fn tell(read: &ReadPage, zone: &TimeZone) -> anyhow::Result<()> {
    let card = &read.card;
    match &read.precis.problem {
        Some(problem) if problem.sureness() == Sureness::Sure => {
            say!("{STRONG}{}{PLAIN}\n\n{}", problem.form.said(&problem.text), card.title)?;
        }
        _ => say!("{STRONG}{}{PLAIN}", card.title)?,
    }
    say!("{}", card.kind.name())?;
    let concepts: Vec<&str> = card.concepts.iter().map(|c| Vocabulary::builtin().name_of(c)).collect();
    say!(
        "{QUIET}{} · {} · {}{} min · {}{PLAIN}",
        card.company,
        output::day(card.published.or(Some(card.first_seen)), zone),
        card.author.as_ref().map_or_else(String::new, |a| format!("{a} · ")),
        card.minutes,
        concepts.join(", ")
    )?;
    say!("{}\n", card.url)?;
    for (field, statement) in read.precis.statements() {
        let (said, form) = (statement.form.said(&statement.text), statement.form.as_str());
        say!("{STRONG}{field}{PLAIN}  {said} {QUIET}({form}, {}){PLAIN}", statement.sureness().as_str())?;
        // A quotation is its own evidence.
        for evidence in statement.evidence.iter().filter(|_| statement.form != Form::Quoted) {
            say!("  {QUIET}“{}”{PLAIN}", evidence.quote)?;
        }
    }
    say!("\n{}", read.article.text)?;
    Ok(())
}
