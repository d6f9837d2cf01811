//! `backissue prior-art`: who had a problem, what each did, and the outcome.

use backissue_annotate::Vocabulary;
use backissue_model::ConceptSlug;
use backissue_search::PriorArt;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::args::PriorArtArgs;
use crate::commands::find;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, PLAIN, QUIET, STRONG, say};
use crate::settings::Settings;

/// Prints the table.
pub async fn run(args: PriorArtArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let search = open::search_caught_up(&settings, &store).await?;
    let reader = open::reader(&store, args.who.reader.as_ref()).await?;
    let found = search.prior_art(&args.question.join(" "), args.limit.into(), Some(reader)).await?;
    let name = |slug: &ConceptSlug| Vocabulary::builtin().name_of(slug).to_owned();
    if args.json {
        output::json(&as_json(&found))?;
    } else {
        find::tell_notes(found.query.notes(), found.words_only.as_deref());
        if args.markdown {
            say!("{}", found.markdown(store.zone(), name).trim_end())?;
        } else {
            tell(&found, store.zone(), name)?;
        }
    }
    store.close().await;
    Ok(if found.is_empty() { Outcome::NotThere } else { Outcome::Fine })
}

fn tell(found: &PriorArt, zone: &TimeZone, name: impl Fn(&ConceptSlug) -> String) -> anyhow::Result<()> {
    if found.is_empty() {
        say!(
            "Nothing close enough that says which problem it had or what was done. `backissue find` searches all reads."
        )?;
        return Ok(());
    }
    for way in &found.ways {
        match &way.concept {
            Some(slug) => say!("{STRONG}{}{PLAIN}\n", name(slug))?,
            None if found.ways.len() > 1 => say!("{STRONG}Other ways{PLAIN}\n")?,
            None => {}
        }
        for matched in &way.reads {
            let (card, precis) = (&matched.read.card, &matched.read.precis);
            let day = output::day(card.published.or(Some(card.first_seen)), zone);
            say!("{:>5}  {STRONG}{}{PLAIN} {QUIET}· {day} · {}{PLAIN}", card.id, card.company, card.title)?;
            let statements =
                [("problem", &precis.problem), ("approach", &precis.approach), ("outcome", &precis.outcome)];
            for (field, statement) in statements {
                if let Some(statement) = statement {
                    say!("       {QUIET}{field:<8}{PLAIN}  {}", statement.form.said(&statement.text))?;
                }
            }
            say!("       {QUIET}{}{PLAIN}\n", card.url)?;
        }
    }
    Ok(())
}

fn as_json(found: &PriorArt) -> serde_json::Value {
    let ways: Vec<_> = found
        .ways
        .iter()
        .map(|way| {
            let reads: Vec<_> = way.reads.iter().map(find::match_as_json).collect();
            json!({ "concept": way.concept, "reads": reads })
        })
        .collect();
    json!({
        "query": found.query.to_string(), "notes": found.query.notes(), "words_only": found.words_only, "ways": ways,
    })
}
