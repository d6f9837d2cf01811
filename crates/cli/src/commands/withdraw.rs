//! `backissue withdraw` and `merge`: hides reads from everybody, and merges two that are the same
//! article.

use std::io::IsTerminal;

use anyhow::bail;
use backissue_model::ReadId;
use backissue_store::{ReadCard, Store, United, Withdrawn};
use jiff::Timestamp;
use serde_json::json;

use crate::args::{MergeArgs, WithdrawArgs};
use crate::commands::reader::not_there;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, PLAIN, QUIET, say};
use crate::settings::Settings;

/// Maximum hidden reads that are listed.
const LISTED: u32 = 1000;

/// Hides reads from everybody, shows them again, or lists the hidden ones.
pub async fn run(args: WithdrawArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let mut outcome = Outcome::Fine;
    for read in &args.reads {
        if store.withdraw(*read, !args.not, Timestamp::now()).await?.is_none() {
            outcome = unchanged(&store, *read).await?.unwrap_or(outcome);
        }
    }
    if args.reads.is_empty() || args.json {
        list(&store, args.json).await?;
    }
    Ok(outcome)
}

/// The outcome if there is no such read.
async fn unchanged(store: &Store, read: ReadId) -> anyhow::Result<Option<Outcome>> {
    let is_there = store.read(read).await?.is_some() || store.withdrawn_read(read).await?.is_some();
    Ok((!is_there).then(|| not_there(read)))
}

async fn list(store: &Store, as_json: bool) -> anyhow::Result<()> {
    let hidden = store.withdrawn(LISTED).await?;
    if as_json {
        let rows = hidden.iter().map(|read| {
            json!({ "read": read.id, "title": read.title, "source": read.source, "since": read.since })
        });
        output::json(&rows.collect::<Vec<_>>())?;
        return Ok(());
    }
    if hidden.is_empty() {
        say!("No read is hidden from everybody.")?;
    }
    for Withdrawn { id, title, source, since } in &hidden {
        let day = output::day(Some(*since), store.zone());
        say!("{id:>5}  {title} {QUIET}· {source} · hidden since {day}{PLAIN}")?;
    }
    Ok(())
}

/// Merges two reads, after a confirmation.
pub async fn merge(args: MergeArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let mut cards = Vec::new();
    for read in [args.read, args.other] {
        match store.read(read).await? {
            Some(page) => cards.push(page.card),
            None => return Ok(not_there(read)),
        }
    }
    if cards[0].id != cards[1].id && !args.yes && !confirmed(&cards)? {
        say!("Nothing was changed.")?;
        return Ok(Outcome::Fine);
    }
    let Some(united) = store.unite(args.read, args.other).await? else { return Ok(not_there(args.other)) };
    let (United::Into(read) | United::Already(read)) = united;
    if args.json {
        output::json(&json!({ "read": read, "merged": matches!(united, United::Into(_)) }))?;
    } else {
        match united {
            United::Into(_) => say!("They are one read now, {read}.")?,
            United::Already(_) => say!("They are one read already, {read}.")?,
        }
    }
    Ok(Outcome::Fine)
}

fn confirmed(cards: &[ReadCard]) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("two merged reads cannot be separated again; say --yes to merge them");
    }
    for card in cards {
        anstream::eprintln!("{:>5}  {}  {}", card.id, output::safe(&card.title), card.url);
    }
    let question = "Merge these two reads? This cannot be undone.";
    Ok(dialoguer::Confirm::new().with_prompt(question).default(false).interact()?)
}
