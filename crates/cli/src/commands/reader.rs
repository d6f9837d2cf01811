//! `backissue save`, `keep`, `done`, `note`, `shelf`: saved pages, marks, notes, highlights and
//! labels in the terminal.

use std::io::{IsTerminal, Read};

use anyhow::{Context, bail};
use backissue_model::{
    CanonicalUrl, Highlight, Label, Mark, NoteText, ReadId, ReaderId, did_you_mean, markdown,
};
use backissue_store::{NoteSaved, Own, PageSaved, ShelfFilter, ShelfOrder, Store, StoreError};
use jiff::Timestamp;
use serde_json::json;

use crate::args::{MarkArgs, NoteArgs, SaveArgs, ShelfArgs};
use crate::commands::week;
use crate::exit::Outcome;
use crate::output::{self, PLAIN, QUIET, STRONG, say};
use crate::settings::Settings;
use crate::{open, text};

/// Reads per query of the store.
const PAGE: u32 = 200;

/// Sets or removes a mark on reads.
pub async fn mark(args: MarkArgs, mark: Mark, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let reader = open::reader(&store, args.who.reader.as_ref()).await?;
    let mut outcome = Outcome::Fine;
    for read in args.reads {
        match store.mark(reader, read, mark, !args.not, Timestamp::now()).await {
            Err(StoreError::NotFound { .. }) => outcome = not_there(read),
            action => drop(action?),
        }
    }
    Ok(outcome)
}

/// Saves a page and keeps it.
pub async fn save(args: SaveArgs, settings: Settings) -> anyhow::Result<Outcome> {
    if let Some(why) = open::why_not_fetched(&settings, &args.url) {
        bail!("{} is not public, so it cannot be saved: {why}", args.url);
    }
    let url = CanonicalUrl::of(&args.url)?;
    let store = open::store_or_new(&settings).await?;
    let reader = open::reader(&store, args.who.reader.as_ref()).await?;
    let (read, is_new) = match store.save_page(reader, &url, Timestamp::now()).await? {
        PageSaved::New(read) => (read, true),
        PageSaved::Known(read) => (read, false),
        PageSaved::TooManyWaiting => {
            bail!("saved pages of 200 sites wait to be fetched; run `backissue sync`, then save this one")
        }
    };
    if args.json {
        output::json(&json!({ "read": read, "new": is_new }))?;
    } else if is_new {
        say!("Saved as read {read}. A running `backissue serve` or the next `backissue sync` fetches it.")?;
    } else {
        say!("The archive has it as read {read}, which is kept now.")?;
    }
    Ok(Outcome::Fine)
}

/// Prints or saves the note on a read.
pub async fn note(args: NoteArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let read = args.read;
    if store.cards(&[read]).await?.is_empty() {
        return Ok(not_there(read));
    }
    let reader = open::reader(&store, args.who.reader.as_ref()).await?;
    let there = store.note(reader, read).await?;
    let Some(text) = args.text else {
        say!("{}", there.text)?;
        return Ok(Outcome::Fine);
    };
    let text = if text == "-" { standard_input(read)? } else { text };
    let text: NoteText = text.parse()?;
    if !there.text.is_empty() && !args.replace && there.text != text {
        bail!("read {read} has a note already; print it without a text, or say --replace to replace it");
    }
    match store.save_note(reader, read, &text, there.version, Timestamp::now()).await? {
        NoteSaved::Saved(_) => {
            if text.is_empty() && !there.text.is_empty() {
                anstream::eprintln!("The note on read {read} was removed.");
            }
            Ok(Outcome::Fine)
        }
        NoteSaved::Conflict(_) => {
            bail!("the note on read {read} was changed meanwhile; look at it and try again")
        }
    }
}

/// Reads standard input, which must not be empty, because a failed command before a pipe must not
/// remove a note.
fn standard_input(read: ReadId) -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        anstream::eprintln!("Type the note; Ctrl-D ends it.");
    }
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes).context("standard input cannot be read")?;
    let text = text::decoded(&bytes).context("in standard input")?;
    if text.trim().is_empty() {
        bail!(
            "standard input is empty; nothing was changed. To remove a note, use `backissue note {read} '' --replace`"
        );
    }
    Ok(text)
}

pub fn not_there(read: ReadId) -> Outcome {
    anstream::eprintln!(
        "There is no read {read}; `backissue week` lists the newest ones with their numbers."
    );
    Outcome::NotThere
}

/// Prints the kept reads.
pub async fn shelf(args: ShelfArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let reader = open::reader(&store, args.who.reader.as_ref()).await?;
    let filter = ShelfFilter { label: args.label, ..ShelfFilter::default() };
    let kept = all_kept(&store, reader, &filter).await?;
    if let Some(format) = args.list.json() {
        output::json_list(format, &kept.iter().map(as_json).collect::<Vec<_>>())?;
    } else {
        for own in &kept {
            if args.markdown { say!("{}", as_markdown(own))? } else { tell(own)? }
        }
    }
    if kept.is_empty() {
        let labels = store.all_labels(reader).await?;
        match filter.label.filter(|label| !labels.contains(label)) {
            Some(label) => {
                let near = did_you_mean(label.as_str(), labels.iter().map(Label::as_str));
                anstream::eprintln!("There is no label “{}”{near}", label.as_str());
            }
            None => anstream::eprintln!("Nothing is kept here. `backissue keep READ` keeps a read."),
        }
        return Ok(Outcome::NotThere);
    }
    Ok(Outcome::Fine)
}

async fn all_kept(store: &Store, reader: ReaderId, filter: &ShelfFilter) -> anyhow::Result<Vec<Own>> {
    let (mut kept, mut after) = (Vec::new(), None);
    loop {
        let page = store.shelf(reader, filter, ShelfOrder::Kept, after.as_ref(), PAGE).await?;
        kept.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(kept),
        }
    }
}

fn labels(own: &Own) -> String {
    own.labels.iter().map(|label| label.as_str()).collect::<Vec<_>>().join(", ")
}

fn tell(own: &Own) -> anyhow::Result<()> {
    let card = &own.card;
    say!(
        "{:>5}  {STRONG}{}{PLAIN} {QUIET}· {} · {} min{PLAIN}",
        card.id,
        card.title,
        card.company,
        card.minutes
    )?;
    if !own.labels.is_empty() {
        say!("       {QUIET}{}{PLAIN}", labels(own))?;
    }
    for line in own.note.text.as_str().lines() {
        say!("       {line}")?;
    }
    for highlight in &own.highlights {
        say!("       {QUIET}“{}”{PLAIN}", output::in_one_line(&highlight.quote.exact))?;
        for line in highlight.remark.as_str().lines() {
            say!("         {line}")?;
        }
    }
    Ok(())
}

fn as_json(own: &Own) -> serde_json::Value {
    let mut value = week::as_json(&own.card);
    value["kept"] = json!(own.kept);
    value["labels"] = json!(own.labels);
    value["note"] = json!(own.note.text);
    value["highlights"] = own.highlights.iter().map(highlight_as_json).collect();
    value
}

/// A passage with its context (TextQuoteSelector), and the remark.
fn highlight_as_json(highlight: &Highlight) -> serde_json::Value {
    let mut value = json!(highlight.quote);
    value["remark"] = json!(highlight.remark);
    value
}

/// A line with the link, then the labels, then the note as a quotation, then the highlights as a
/// list with their remarks as quotations.
fn as_markdown(own: &Own) -> String {
    let card = &own.card;
    let (link, company) = (markdown::link(&card.title, &card.url), markdown::text(&card.company));
    let mut text = format!("- {link}, {company}, {} min", card.minutes);
    if !own.labels.is_empty() {
        text.push_str(&format!(" · {}", markdown::text(&labels(own))));
    }
    quote(&mut text, "  ", own.note.text.as_str());
    for highlight in &own.highlights {
        text.push_str(&format!("\n  - “{}”", markdown::text(&output::in_one_line(&highlight.quote.exact))));
        quote(&mut text, "    ", highlight.remark.as_str());
    }
    text
}

/// Adds these lines as a quotation.
fn quote(text: &mut String, indent: &str, lines: &str) {
    for line in lines.lines() {
        text.push_str(&format!("\n{indent}>"));
        if !line.is_empty() {
            text.push_str(&format!(" {line}"));
        }
    }
}
