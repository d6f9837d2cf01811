//! `backissue week`: one week's reads, problem first.

use std::borrow::Cow;

use backissue_annotate::Vocabulary;
use backissue_digest::{Choice, WeekRead, compose, markdown};
use backissue_model::Week;
use backissue_store::{Order, ReadCard, ReadFilter, Store};
use serde_json::json;

use crate::args::WeekArgs;
use crate::commands::sources;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, PLAIN, QUIET, STRONG, say};
use crate::settings::Settings;
use crate::values::JsonFormat;

/// Rows per query.
const PAGE: u32 = 200;
/// Maximum reads of a week in Markdown.
const MARKDOWN: u32 = 1000;

/// Prints a week.
pub async fn run(args: WeekArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let Some(week) = (match args.week {
        Some(week) => Some(week),
        None => store.newest_week().await?,
    }) else {
        anstream::eprintln!("There are no reads yet. `backissue sync` fetches them.");
        return Ok(Outcome::NotThere);
    };
    let source = match &args.source {
        None => None,
        Some(name) => match sources::named(&store, name).await? {
            Some(source) => Some(source.id),
            None => return sources::tell_unknown(&store, name).await,
        },
    };
    let concept = match &args.concept {
        None => None,
        Some(name) => match Vocabulary::builtin().called(name) {
            Some(concept) => Some(concept.slug.clone()),
            None => {
                sources::tell_unknown_concept(name);
                return Ok(Outcome::NotThere);
            }
        },
    };
    let is_narrow = source.is_some() || concept.is_some() || args.kind.is_some() || args.form.is_some();
    let filter =
        ReadFilter { week: Some(week), source, concept, kind: args.kind, form: args.form, mine: None };
    let reads = all(&store, &filter).await?;
    if args.markdown && !reads.is_empty() {
        let reads = store.summaries(&filter, Order::ProblemsFirst, MARKDOWN).await?;
        let issue = store.published_issue(&filter).await?;
        let digest = compose(
            week,
            reads.into_iter().map(WeekRead::from).collect(),
            &Choice::default(),
            issue.as_ref(),
        );
        print!("{}", output::safe(&markdown::week(&digest, &open::site(&settings, &store))));
    } else if args.list.json() == Some(JsonFormat::Ndjson) {
        output::json_list(JsonFormat::Ndjson, &reads.iter().map(as_json).collect::<Vec<_>>())?;
    } else if args.list.json().is_some() {
        output::json(
            &json!({ "week": week, "from": week.monday(), "to": week.sunday(), "reads": reads.iter().map(as_json).collect::<Vec<_>>() }),
        )?;
    } else {
        say!(
            "{STRONG}{week}{PLAIN}  {QUIET}{} to {}, {}{PLAIN}\n",
            week.monday(),
            week.sunday(),
            output::count(reads.len() as u64, "read")
        )?;
        for read in &reads {
            tell(read)?;
        }
        if reads.is_empty() {
            tell_none(&store, week, is_narrow).await?;
        }
    }
    Ok(if reads.is_empty() { Outcome::NotThere } else { Outcome::Fine })
}

/// Prints why there are no reads, and which weeks have some.
async fn tell_none(store: &Store, week: Week, is_narrow: bool) -> anyhow::Result<()> {
    if is_narrow && store.week_count(week).await?.reads > 0 {
        say!("None of the week's reads matches.")?;
        return Ok(());
    }
    let weeks = store.weeks().await?;
    let (Some(newest), Some(oldest)) = (weeks.first(), weeks.last()) else {
        say!("There are no reads yet. `backissue sync` fetches them.")?;
        return Ok(());
    };
    say!("The archive has reads from {} to {}.", oldest.week, newest.week)?;
    Ok(())
}

async fn all(store: &Store, filter: &ReadFilter) -> anyhow::Result<Vec<ReadCard>> {
    let mut reads = Vec::new();
    let mut after = None;
    loop {
        let page = store.reads(filter, Order::ProblemsFirst, after.as_ref(), PAGE).await?;
        reads.extend(page.items);
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(reads),
        }
    }
}

fn tell(read: &ReadCard) -> anyhow::Result<()> {
    let (first, Some(second)) = head(read) else {
        say!(
            "{QUIET}{:>5}  {}: {PLAIN}{} {QUIET}· {}{PLAIN}",
            read.id,
            read.kind.name(),
            read.title,
            read.company
        )?;
        return Ok(());
    };
    let concepts: Vec<&str> = read.concepts.iter().map(|c| Vocabulary::builtin().name_of(c)).collect();
    say!("{:>5}  {STRONG}{first}{PLAIN}", read.id)?;
    say!(
        "       {second} {QUIET}· {} · {} min · {} · {}{PLAIN}\n",
        read.company,
        read.minutes,
        read.level().unwrap_or_default(),
        concepts.join(", ")
    )?;
    Ok(())
}

/// The first and second line of a card: a sure problem and the title, or else the title and a
/// likely problem.
pub fn head(card: &ReadCard) -> (Cow<'_, str>, Option<Cow<'_, str>>) {
    let title = Cow::Borrowed(card.title.as_str());
    match card.problem.as_ref().map(|problem| card.problem_form.said(problem)) {
        Some(problem) if card.problem_leads => (problem, Some(title)),
        problem => (title, problem),
    }
}

/// A read of a list as JSON.
pub fn as_json(read: &ReadCard) -> serde_json::Value {
    json!({
        "id": read.id, "title": read.title, "url": read.url, "source": read.source_slug, "company": read.company,
        "author": read.author, "published": read.published, "week": read.week, "kind": read.kind, "problem": read.problem,
        "problem_form": read.problem.as_ref().map(|_| read.problem_form), "problem_leads": read.problem_leads,
        "minutes": read.minutes, "concepts": read.concepts,
    })
}
