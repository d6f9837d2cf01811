//! `backissue backfill`: gets what sources published before they were followed.

use std::time::Duration;

use anyhow::bail;
use backissue_ingest::{Candidate, Explanation, Ingest, Summary, ask_backfill};
use backissue_model::{Source, Standing};
use backissue_store::{Extent, Reach, SourceFilter, Store};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::args::BackfillArgs;
use crate::commands::sources;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, ALERT, PLAIN, QUIET, STRONG, say};
use crate::progress::Bars;
use crate::settings::Settings;
use crate::signals::Signals;

/// Maximum addresses of each kind in an explanation.
const EXAMPLES: usize = 8;

/// Requests backfills of the named sources, or of all.
pub async fn run(args: BackfillArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let Some(sources) = chosen(&store, &args.sources, args.dry_run).await? else {
        return Ok(Outcome::NotThere);
    };
    let extent =
        Extent { since: args.since.map(|day| begins(day, store.zone())).transpose()?, most: args.limit };
    if args.dry_run {
        return explain(&store, &sources, extent, args.json, &settings).await;
    }
    for source in &sources {
        ask_backfill(&store, source, extent).await?;
    }
    let Some((store, _lock)) = open::store_to_work_on_if_free(&settings).await? else {
        let asked = output::count(sources.len() as u64, "source");
        if args.json {
            output::json(&json!({ "summary": null, "sources": states(&store, &sources).await? }))?;
        } else {
            say!(
                "Requested what {asked} published before; the backissue that is running here fetches it in the background."
            )?;
            say!("Each source's page shows the progress.")?;
        }
        return Ok(Outcome::Fine);
    };
    let summary = work(&store, &settings).await?;
    if args.json {
        output::json(&json!({ "summary": summary, "sources": states(&store, &sources).await? }))?;
    } else {
        tell(&store, &sources).await?;
    }
    store.close().await;
    Ok(if summary.sources_troubled == 0 { Outcome::Fine } else { Outcome::Partly })
}

/// Runs the due work: the backfills, and the pages that they find.
async fn work(store: &Store, settings: &Settings) -> anyhow::Result<Summary> {
    let ingest = open::ingest(store.clone(), open::fetcher_of_workers(settings, store)?, settings)?;
    let stop = CancellationToken::new();
    let signals = Signals::listen(stop.clone());
    let bars = Bars::follow(ingest.progress());
    let summary =
        signals.unless_hurried(async { Ok(ingest.sync(backissue_ingest::Round::Due, &stop).await?) }).await;
    drop(bars);
    if stop.is_cancelled() {
        anstream::eprintln!("Stopped; `backissue backfill`, `sync` or `serve` continues from here.");
    }
    summary
}

/// The selected sources. Returns `None` and prints the reason if one of them does not exist.
async fn chosen(store: &Store, names: &[String], dry_run: bool) -> anyhow::Result<Option<Vec<Source>>> {
    let mut chosen = Vec::new();
    for name in names {
        let Some(source) = sources::named(store, name).await? else {
            sources::tell_unknown(store, name).await?;
            return Ok(None);
        };
        if source.feed_url.is_none() && !dry_run {
            bail!(
                "{} has no feed from which the addresses of articles could be learned; its list is polled, which \
                 --dry-run explains",
                source.title
            );
        }
        if source.health.standing == Standing::Paused {
            bail!("{0} is paused; `backissue source {1} --resume` polls it again", source.title, source.slug);
        }
        chosen.push(source);
    }
    if names.is_empty() {
        chosen = store
            .sources(&SourceFilter { standing: Some(Standing::Active), ..SourceFilter::default() })
            .await?;
        chosen.retain(|source| dry_run || source.feed_url.is_some());
    }
    if chosen.is_empty() {
        anstream::eprintln!("Nothing is followed yet. Try `backissue starter`, or `backissue follow URL`.");
        return Ok(None);
    }
    Ok(Some(chosen))
}

/// The start of a day.
fn begins(day: Date, zone: &TimeZone) -> anyhow::Result<jiff::Timestamp> {
    Ok(zone.to_timestamp(day.at(0, 0, 0, 0))?)
}

async fn states(store: &Store, sources: &[Source]) -> anyhow::Result<Vec<Value>> {
    let mut states = Vec::new();
    for source in sources {
        let Reach { oldest, on_their_way, backfill } = store.reach(source.id).await?;
        states.push(json!({
            "source": source.slug,
            "documents": backfill.as_ref().map(|b| b.documents),
            "found": backfill.as_ref().map(|b| b.found),
            "admitted": backfill.as_ref().map(|b| b.admitted),
            "finished_at": backfill.as_ref().and_then(|b| b.finished_at),
            "error": backfill.as_ref().and_then(|b| b.error.clone()),
            "oldest": oldest,
            "on_their_way": on_their_way,
        }));
    }
    Ok(states)
}

async fn tell(store: &Store, sources: &[Source]) -> anyhow::Result<()> {
    let head =
        ["SOURCE", "NEW READS", "REACHES BACK TO", "ON THEIR WAY", "STATE"].map(str::to_owned).to_vec();
    let mut rows = vec![head];
    for source in sources {
        let Reach { oldest, on_their_way, backfill } = store.reach(source.id).await?;
        let state = match &backfill {
            None => "not requested".to_owned(),
            Some(b) if b.finished_at.is_none() => {
                b.error.clone().unwrap_or_else(|| "not finished".to_owned())
            }
            Some(b) => b.error.as_ref().map_or("finished".to_owned(), |error| format!("finished; {error}")),
        };
        rows.push(vec![
            source.slug.to_string(),
            backfill.as_ref().map_or(0, |b| b.admitted).to_string(),
            output::day(oldest, store.zone()),
            on_their_way.to_string(),
            state,
        ]);
    }
    for line in output::columns(&rows) {
        say!("{line}")?;
    }
    Ok(())
}

async fn explain(
    store: &Store,
    sources: &[Source],
    extent: Extent,
    as_json: bool,
    settings: &Settings,
) -> anyhow::Result<Outcome> {
    let ingest = open::ingest(store.clone(), open::fetcher_of_workers(settings, store)?, settings)?;
    let stop = CancellationToken::new();
    let signals = Signals::listen(stop.clone());
    let mut explained = Vec::new();
    for source in sources {
        let explanation = signals.unless_hurried(explained_by(&ingest, source, extent, &stop)).await?;
        if !as_json {
            tell_explanation(source, &explanation, store.zone())?;
        }
        explained.push((source, explanation));
        if stop.is_cancelled() {
            break;
        }
    }
    if as_json {
        output::json(&explained.iter().map(|(source, found)| in_json(source, found)).collect::<Vec<_>>())?;
    }
    let all_well = explained.iter().all(|(_, found)| found.trouble.is_none());
    Ok(if all_well { Outcome::Fine } else { Outcome::Partly })
}

async fn explained_by(
    ingest: &Ingest,
    source: &Source,
    extent: Extent,
    stop: &CancellationToken,
) -> anyhow::Result<Explanation> {
    Ok(ingest.explain_backfill(source, extent, stop).await?)
}

fn tell_explanation(source: &Source, found: &Explanation, zone: &TimeZone) -> anyhow::Result<()> {
    say!("{STRONG}{}{PLAIN} ({})", source.title, source.slug)?;
    say!("  Learned from {}:", output::count(found.examples as u64, "article"))?;
    for (shape, examples) in &found.shapes {
        say!("    {shape}  {QUIET}({examples}){PLAIN}")?;
    }
    say!("  Read:")?;
    for document in &found.documents {
        say!("    {} {}: {}", document.way, document.url, document.said)?;
    }
    if let Some(trouble) = &found.trouble {
        say!("  {ALERT}{trouble}{PLAIN}")?;
    }
    say!(
        "  Would fetch {STRONG}{}{PLAIN} in addition to those in the feed; {} at one every {}.",
        output::count(found.taken.len() as u64, "page"),
        in_words(found.estimate()),
        in_words(found.pause)
    )?;
    say!("  Reads that the archive has are not fetched again.")?;
    listed("Taken", &found.taken, zone)?;
    listed("Refused", &found.refused, zone)?;
    say!("")?;
    Ok(())
}

fn listed(word: &str, candidates: &[Candidate], zone: &TimeZone) -> anyhow::Result<()> {
    if candidates.is_empty() {
        return Ok(());
    }
    say!("  {word}, {} in all:", candidates.len())?;
    for candidate in spread(candidates) {
        say!(
            "    {}  {}  {QUIET}{}{PLAIN}",
            output::day(candidate.date, zone),
            candidate.url,
            why(candidate)
        )?;
    }
    Ok(())
}

/// At most [`EXAMPLES`] candidates, evenly distributed from the first to the last.
fn spread(candidates: &[Candidate]) -> impl Iterator<Item = &Candidate> {
    let step = candidates.len().div_ceil(EXAMPLES).max(1);
    candidates.iter().step_by(step)
}

fn why(candidate: &Candidate) -> String {
    if candidate.too_old {
        return "older than requested".to_owned();
    }
    candidate.verdict.why().to_string()
}

fn in_words(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds => indicatif::HumanDuration(Duration::from_secs(seconds)).to_string(),
    }
}

fn in_json(source: &Source, found: &Explanation) -> Value {
    let candidates = |list: &[Candidate]| -> Vec<Value> {
        list.iter().map(|c| json!({ "url": c.url, "date": c.date, "why": why(c) })).collect()
    };
    json!({
        "source": source.slug,
        "learned_from": found.examples,
        "shapes": found.shapes.iter().map(|(shape, n)| json!({ "shape": shape, "examples": n })).collect::<Vec<_>>(),
        "documents": found.documents.iter()
            .map(|d| json!({ "way": d.way, "url": d.url, "said": d.said })).collect::<Vec<_>>(),
        "in_feed": found.in_feed,
        "taken": candidates(&found.taken),
        "refused": candidates(&found.refused),
        "seconds": found.estimate().as_secs_f64(),
        "trouble": found.trouble,
    })
}
