//! `backissue find`: the reads that answer a question, best first.

use backissue_annotate::Vocabulary;
use backissue_model::Form;
use backissue_search::{Answer, Asked, Coverage, Match};
use jiff::tz::TimeZone;
use serde_json::json;

use crate::args::FindArgs;
use crate::commands::week;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, PLAIN, QUIET, STRONG, say};
use crate::settings::Settings;

/// Prints the found reads.
pub async fn run(args: FindArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let search = open::search_caught_up(&settings, &store).await?;
    let asked = Asked {
        text: args.question.join(" "),
        limit: args.limit.into(),
        reader: Some(open::reader(&store, args.who.reader.as_ref()).await?),
        ..Asked::default()
    };
    let answer = search.find(&asked).await?;
    if args.json {
        output::json(&as_json(&answer))?;
    } else {
        tell(&answer, store.zone())?;
    }
    store.close().await;
    Ok(if answer.matches.is_empty() { Outcome::NotThere } else { Outcome::Fine })
}

fn tell(answer: &Answer, zone: &TimeZone) -> anyhow::Result<()> {
    tell_notes(answer.query.notes(), answer.words_only.as_deref());
    for correction in &answer.corrections {
        anstream::eprintln!(
            "Searched for {} too: “{}” is hardly in the archive, or not at all.",
            correction.instead.join(", "),
            output::safe(&correction.typed)
        );
    }
    if answer.matches.is_empty() {
        if let Some(Coverage { indexed, reads }) = answer.missing {
            say!("Nothing found yet: only {indexed} of {reads} reads are in the search index so far.")?;
            return Ok(());
        }
        let what = if answer.query.has_words() { "Nothing close enough" } else { "Nothing found" };
        say!("{what}. Say the problem in a sentence, or leave filters out.")?;
        return Ok(());
    }
    for found in &answer.matches {
        tell_one(found, zone)?;
    }
    let shown = answer.matches.len() as u64;
    if answer.total > shown {
        say!("{QUIET}{shown} of {}; --limit shows more.{PLAIN}", output::count(answer.total, "read"))?;
    }
    Ok(())
}

/// Prints notes about a question on standard error, so that a pipe only gets reads.
pub fn tell_notes(notes: &[String], words_only: Option<&str>) {
    for note in notes {
        anstream::eprintln!("{}", output::safe(note));
    }
    if let Some(why) = words_only {
        anstream::eprintln!("Only words were searched: {}", output::safe(why));
    }
}

fn tell_one(found: &Match, zone: &TimeZone) -> anyhow::Result<()> {
    let card = &found.read.card;
    let (first, second) = week::head(card);
    let second = second.unwrap_or(card.kind.name().into());
    say!("{:>5}  {STRONG}{first}{PLAIN}", card.id)?;
    let concepts: Vec<&str> = card.concepts.iter().map(|c| Vocabulary::builtin().name_of(c)).collect();
    say!(
        "       {second} {QUIET}· {} · {} · {} min · {}{PLAIN}",
        card.company,
        output::day(card.published.or(Some(card.first_seen)), zone),
        card.minutes,
        concepts.join(", ")
    )?;
    let evidence = found.read.precis.problem.as_ref().and_then(|problem| problem.evidence.first());
    match (&found.passage, evidence) {
        (Some(passage), _) if found.ranked.by_words.is_some() => {
            say!("       {QUIET}{}{PLAIN}", output::in_one_line(&passage.text))?;
        }
        (_, Some(evidence)) if found.ranked.by_words.is_none() && card.problem_form != Form::Quoted => {
            say!("       {QUIET}in other words: “{}”{PLAIN}", output::in_one_line(&evidence.quote))?;
        }
        _ => {}
    }
    say!("")?;
    Ok(())
}

fn as_json(answer: &Answer) -> serde_json::Value {
    let corrections: Vec<_> = answer
        .corrections
        .iter()
        .map(|correction| json!({ "typed": correction.typed, "instead": correction.instead }))
        .collect();
    json!({
        "query": answer.query.to_string(), "total": answer.total, "corrections": corrections, "notes": answer.query.notes(),
        "words_only": answer.words_only,
        "indexing": answer.missing.map(|m| json!({ "indexed": m.indexed, "reads": m.reads })), "reads": answer.matches.iter().map(match_as_json).collect::<Vec<_>>(),
    })
}

/// A found read as JSON, with its approach and outcome and its scores.
pub fn match_as_json(found: &Match) -> serde_json::Value {
    let precis = &found.read.precis;
    let mut value = week::as_json(&found.read.card);
    value["approach"] = json!(precis.approach.as_ref().map(|statement| &statement.text));
    value["outcome"] = json!(precis.outcome.as_ref().map(|statement| &statement.text));
    let evidence =
        precis.problem.iter().flat_map(|problem| &problem.evidence).map(|evidence| &evidence.quote);
    value["evidence"] = json!(evidence.collect::<Vec<_>>());
    value["score"] = json!(found.ranked.score);
    value["by_words"] = json!(found.ranked.by_words);
    value["similarity"] = json!(found.ranked.similarity);
    value["passage"] = json!(found.passage.as_ref().map(|passage| &passage.text));
    value
}
