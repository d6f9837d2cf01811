//! `backissue searches`: saved searches, each with its new answers.

use anyhow::{bail, ensure};
use backissue_model::{ReaderId, Role, SavedQuestion, SearchName, did_you_mean};
use backissue_store::{OwnSearch, SEARCHES_MAX, SavedSearch, SearchChange, SearchSaved, Store};
use jiff::Timestamp;
use serde_json::json;

use crate::args::{SearchesAction, SearchesArgs};
use crate::commands::{find, week};
use crate::exit::Outcome;
use crate::output::{self, PLAIN, QUIET, STRONG, say};
use crate::settings::Settings;
use crate::{open, recipients};

/// Maximum new answers of each search that are listed.
const LISTED: u32 = 20;

/// Lists, saves, renames or removes saved searches.
pub async fn run(args: SearchesArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let action = args.action.unwrap_or(SearchesAction::List { who: args.who, json: args.json });
    match action {
        SearchesAction::List { who, json } => {
            let reader = open::reader(&store, who.reader.as_ref()).await?;
            list(&store, reader, &settings, json).await
        }
        SearchesAction::Add { who, name, question, to, json } => {
            let reader = open::reader(&store, who.reader.as_ref()).await?;
            let own = OwnSearch { name, question: asked(&question)?, recipient: to };
            add(&store, reader, &settings, own, json).await
        }
        SearchesAction::Rename { who, name, new } => {
            let reader = open::reader(&store, who.reader.as_ref()).await?;
            let Some(search) = find(&store, reader, &name).await? else { return Ok(Outcome::NotThere) };
            let change = SearchChange { name: new, recipient: search.recipient };
            match store.change_search(reader, search.id, &change).await? {
                SearchSaved::Saved(_) => Ok(Outcome::Fine),
                refused => bail!("{}", why_not(&change.name, refused)),
            }
        }
        SearchesAction::Remove { who, name } => {
            let reader = open::reader(&store, who.reader.as_ref()).await?;
            let Some(search) = find(&store, reader, &name).await? else { return Ok(Outcome::NotThere) };
            store.remove_search(reader, search.id).await?;
            Ok(Outcome::Fine)
        }
    }
}

fn asked(words: &[String]) -> anyhow::Result<SavedQuestion> {
    Ok(words.join(" ").parse()?)
}

async fn add(
    store: &Store,
    reader: ReaderId,
    settings: &Settings,
    own: OwnSearch,
    as_json: bool,
) -> anyhow::Result<Outcome> {
    if let Some(to) = &own.recipient {
        recipients::named(settings, to)?;
        let reader = store.reader(reader, Timestamp::now()).await?;
        ensure!(
            reader.is_some_and(|reader| reader.role == Role::Operator),
            "only operators choose who gets new answers; leave --to out, or make the reader an operator"
        );
    }
    let id = match store.save_search(reader, &own, Timestamp::now()).await? {
        SearchSaved::Saved(id) => id,
        refused => bail!("{}", why_not(&own.name, refused)),
    };
    let notes = open::search(settings, store).await?.notes_on(own.question.as_str()).await?;
    if as_json {
        output::json(&json!({
            "id": id, "name": own.name, "question": own.question, "to": own.recipient, "notes": notes,
        }))?;
    } else {
        find::tell_notes(&notes, None);
        say!("Saved {STRONG}{}{PLAIN}. Reads that the archive sees from now on are new to it.", own.name)?;
    }
    Ok(Outcome::Fine)
}

/// Why a search was not saved, and the remedy.
pub fn why_not(name: &SearchName, refused: SearchSaved) -> String {
    match refused {
        SearchSaved::NameTaken => format!("another saved search is called “{name}”; choose another name"),
        SearchSaved::TooMany => {
            format!("there are {SEARCHES_MAX} saved searches, the most that are kept; remove one first")
        }
        SearchSaved::Missing | SearchSaved::Saved(_) => format!("no saved search is called “{name}”"),
    }
}

/// The saved search with this name. Prints a message if there is none.
async fn find(store: &Store, reader: ReaderId, name: &SearchName) -> anyhow::Result<Option<SavedSearch>> {
    let found = store.saved_search(reader, name.as_str()).await?;
    if found.is_none() {
        let all = store.saved_searches(reader).await?;
        let names = all.iter().map(|search| search.name.as_str());
        let hint = did_you_mean(name.as_str(), names);
        let hint = if hint.is_empty() { "; `backissue searches` lists them" } else { &hint };
        anstream::eprintln!("no saved search is called “{name}”{hint}");
    }
    Ok(found)
}

async fn list(
    store: &Store,
    reader: ReaderId,
    settings: &Settings,
    as_json: bool,
) -> anyhow::Result<Outcome> {
    let there = store.saved_searches(reader).await?;
    if !there.is_empty() {
        let search = open::search_caught_up(settings, store).await?;
        backissue_send::compare(store, &search).await?;
    }
    let mut all = Vec::new();
    for saved in store.saved_searches(reader).await? {
        let unseen =
            if saved.unseen > 0 { store.unseen_answers(saved.id, LISTED).await? } else { Vec::new() };
        all.push((saved, unseen));
    }
    if as_json {
        let rows = all.iter().map(|(saved, unseen)| {
            json!({
                "id": saved.id, "name": saved.name, "question": saved.question, "to": saved.recipient,
                "since": saved.since, "answers": saved.answers, "unseen": saved.unseen,
                "reads": unseen.iter().map(week::as_json).collect::<Vec<_>>(),
            })
        });
        output::json(&rows.collect::<Vec<_>>())?;
        return Ok(Outcome::Fine);
    }
    if all.is_empty() {
        anstream::eprintln!("No search is saved. `backissue searches add NAME QUESTION` saves one.");
        return Ok(Outcome::NotThere);
    }
    for (saved, unseen) in all {
        let to = saved.recipient.map(|to| format!(" · goes to {to}")).unwrap_or_default();
        say!("{STRONG}{}{PLAIN}  {} {QUIET}· {} new{to}{PLAIN}", saved.name, saved.question, saved.unseen)?;
        for card in &unseen {
            say!("{:>5}  {} {QUIET}· {}{PLAIN}", card.id, card.title, card.company)?;
        }
    }
    Ok(Outcome::Fine)
}
