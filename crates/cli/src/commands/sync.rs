//! `backissue sync`: fetch now.

use std::time::{Duration, Instant};

use anyhow::bail;
use backissue_ingest::{Round, Summary};
use backissue_model::{Phase, Progress, Source, SourceTrouble, Standing};
use backissue_store::{SourceFilter, Store};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::args::JsonArgs;
use crate::commands::follow;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, ALERT, PLAIN, STRONG, say};
use crate::progress::{self, Bars};
use crate::settings::Settings;
use crate::signals::Signals;

/// Polls all sources and processes all reads, then prints the result.
pub async fn run(args: JsonArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let Some((store, _lock)) = open::store_to_work_on_if_free(&settings).await? else {
        return by_another(args, settings).await;
    };
    let begun_with = follow::first_dozen(&store, &settings).await?;
    if begun_with > 0 {
        anstream::eprintln!(
            "Nothing was followed yet; starting with {begun_with} blogs of the starter list."
        );
    }
    let ingest = open::ingest(store.clone(), open::fetcher_of_workers(&settings, &store)?, &settings)?;
    let stop = CancellationToken::new();
    let signals = Signals::listen(stop.clone());
    let bars = Bars::follow(ingest.progress());
    let summary = signals.unless_hurried(async { Ok(ingest.sync(Round::AllNow, &stop).await?) }).await;
    drop(bars);
    let summary = summary?;
    if args.json {
        output::json(&summary)?;
    } else {
        tell(&summary, stop.is_cancelled())?;
        tell_waiting(&store, &settings).await?;
    }
    store.close().await;
    Ok(if summary.sources_troubled == 0 { Outcome::Fine } else { Outcome::Partly })
}

/// How often to check the progress of another process.
const LOOK_EVERY: Duration = Duration::from_millis(300);
/// If nothing changes for this time, the remaining reads count as postponed.
const STEADY: Duration = Duration::from_secs(10);

/// Lets the process that already works on this archive fetch now, and shows its progress.
async fn by_another(args: JsonArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let began = Timestamp::now();
    store.poll_all_at(began).await?;
    anstream::eprintln!("The backissue that is running here fetches now.");
    let stop = CancellationToken::new();
    let signals = Signals::listen(stop.clone());
    let (progress, follower) = watch::channel(Progress::default());
    let bars = Bars::follow(follower);
    let watched = signals.unless_hurried(watch_another(&store, &settings, began, &progress, &stop)).await;
    drop(bars);
    let left = watched?;
    let summary = progress.borrow().clone();
    if args.json {
        output::json(&summary)?;
    } else {
        tell(&summary, false)?;
        if left > 0 {
            say!("{} in progress; the running backissue continues with them.", output::count(left, "read"))?;
        }
    }
    store.close().await;
    Ok(if summary.sources_troubled == 0 { Outcome::Fine } else { Outcome::Partly })
}

/// Follows another process's work until it is done. Returns the number of reads still in progress.
async fn watch_another(
    store: &Store,
    settings: &Settings,
    began: Timestamp,
    progress: &watch::Sender<Progress>,
    stop: &CancellationToken,
) -> anyhow::Result<u64> {
    let before = store.reads_annotated().await?;
    let (mut last, mut changed_at) = (None, Instant::now());
    loop {
        let sources = store
            .sources(&SourceFilter { standing: Some(Standing::Active), ..SourceFilter::default() })
            .await?;
        let tally = store.tally(Timestamp::now()).await?;
        let left = tally.discovered + tally.extracted;
        let done = store.reads_annotated().await?.saturating_sub(before);
        let now = seen(&sources, began, done, left);
        if last.as_ref() != Some(&now) {
            changed_at = Instant::now();
            last = Some(now.clone());
        }
        let all_polled = now.sources_polled == now.sources_due;
        progress.send_replace(now);
        if all_polled && (left == 0 || changed_at.elapsed() > STEADY) || stop.is_cancelled() {
            return Ok(left);
        }
        if open::is_free(settings)? {
            bail!("the backissue that was running here has ended; run `backissue sync` again");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Another process's work since `began`, as far as the archive shows it.
fn seen(sources: &[Source], began: Timestamp, done: u64, left: u64) -> Progress {
    let polled: Vec<&Source> =
        sources.iter().filter(|source| source.health.last_poll.is_some_and(|at| at >= began)).collect();
    let troubles: Vec<SourceTrouble> = polled
        .iter()
        .filter_map(|source| {
            let reason = source.health.last_error.clone()?;
            Some(SourceTrouble { source: source.title.clone(), reason, offline: false })
        })
        .collect();
    let well = || polled.iter().filter(|source| source.health.last_error.is_none());
    Progress {
        phase: Phase::Working,
        began: Some(began),
        sources_due: sources.len() as u64,
        sources_polled: polled.len() as u64,
        sources_unchanged: well().filter(|source| source.health.last_new.is_none()).count() as u64,
        sources_troubled: troubles.len() as u64,
        troubles,
        reads_due: done + left,
        reads_new: well().filter_map(|source| source.health.last_new).sum(),
        reads_done: done,
        ..Progress::default()
    }
}

/// Prints how many reads a language model still has to annotate.
async fn tell_waiting(store: &Store, settings: &Settings) -> anyhow::Result<()> {
    let Some(model) = &settings.annotate_with.value else { return Ok(()) };
    let waiting = store.asked_for(model).await?;
    if waiting > 0 {
        say!(
            "{} still to be annotated by the model `{model}`; `backissue models` says how it is doing.",
            output::count(waiting, "read")
        )?;
    }
    Ok(())
}

fn tell(summary: &Summary, stopped: bool) -> anyhow::Result<()> {
    if stopped {
        say!("Stopped; the next sync continues from here.")?;
    }
    say!(
        "{STRONG}{}{PLAIN} polled: {} unchanged, {} out of reach.",
        output::count(summary.sources_polled, "source"),
        summary.sources_unchanged,
        summary.sources_troubled
    )?;
    say!(
        "{STRONG}{}{PLAIN} new, {} ready to read.",
        output::count(summary.reads_new, "read"),
        summary.reads_done
    )?;
    if summary.reads_failed > 0 {
        say!(
            "{} failed; `backissue doctor` lists what was set aside.",
            output::count(summary.reads_failed, "attempt")
        )?;
    }
    for SourceTrouble { source, reason, .. } in &summary.troubles {
        say!("{ALERT}{source}{PLAIN}: {reason}")?;
    }
    let left = summary.sources_due - summary.sources_polled;
    if left > 0 && !stopped {
        say!("{} left for later: their hosts demanded a longer pause.", output::count(left, "source"))?;
    }
    if let Some(words) = progress::nobody_answered(summary) {
        say!(
            "
{words}"
        )?;
    }
    Ok(())
}
