//! `backissue week`: one week's reads, problem first.

use backissue_annotate::Vocabulary;
use backissue_model::Kind;
use backissue_store::{Order, ReadCard, ReadFilter, Store};
use serde_json::json;

use crate::args::WeekArgs;
use crate::exit::Outcome;
use crate::output::{self, PLAIN, QUIET, STRONG};
use crate::settings::Settings;
use crate::{open, say};

/// Rows fetched at a time.
const PAGE: u32 = 200;

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
        Some(slug) => match store.source_by_slug(slug.as_str()).await? {
            Some(source) => Some(source.id),
            None => {
                anstream::eprintln!("No source is called `{slug}`; `backissue sources` lists them.");
                return Ok(Outcome::NotThere);
            }
        },
    };
    let kind = args.kind.as_deref().map(str::parse::<Kind>).transpose()?;
    let filter = ReadFilter { week: Some(week), source, concept: args.concept, kind, mine: None };
    let reads = all(&store, &filter).await?;
    if args.json {
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
    }
    Ok(if reads.is_empty() { Outcome::NotThere } else { Outcome::Fine })
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
    let Some(problem) = &read.problem else {
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
    let problem = read.problem_form.said(problem);
    let (first, second) = if read.problem_leads {
        (problem.as_ref(), read.title.as_str())
    } else {
        (read.title.as_str(), problem.as_ref())
    };
    say!("{:>5}  {STRONG}{first}{PLAIN}", read.id)?;
    say!(
        "       {second} {QUIET}· {} · {} min · {}{PLAIN}\n",
        read.company,
        read.minutes,
        concepts.join(", ")
    )?;
    Ok(())
}

/// A read as it stands in lists.
pub fn as_json(read: &ReadCard) -> serde_json::Value {
    json!({
        "id": read.id, "title": read.title, "url": read.url, "source": read.source_slug, "company": read.company,
        "author": read.author, "published": read.published, "week": read.week, "kind": read.kind, "problem": read.problem,
        "problem_form": read.problem.as_ref().map(|_| read.problem_form), "problem_leads": read.problem_leads,
        "minutes": read.minutes, "concepts": read.concepts,
    })
}
