//! `backissue sync`: fetch now.

use backissue_ingest::{Round, Summary};
use backissue_model::SourceTrouble;
use backissue_store::Store;
use tokio_util::sync::CancellationToken;

use crate::args::JsonArgs;
use crate::commands::follow;
use crate::exit::Outcome;
use crate::output::{self, ALERT, PLAIN, STRONG};
use crate::progress::{self, Bars};
use crate::settings::Settings;
use crate::signals::Signals;
use crate::{open, say};

/// Asks every source and moves every read as far as it goes, then says what came of it.
pub async fn run(args: JsonArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let (store, _lock) = open::store_to_work_on(&settings).await?;
    let begun_with = follow::first_dozen(&store, &settings).await?;
    if begun_with > 0 {
        anstream::eprintln!(
            "Nothing was followed yet; beginning with {begun_with} blogs of the starter list."
        );
    }
    let ingest = open::ingest(store.clone(), open::fetcher(&settings)?, &settings)?;
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

/// Says what a language model has left for later.
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
        say!("Stopped; the next sync goes on from here.")?;
    }
    say!(
        "{STRONG}{}{PLAIN} asked: {} unchanged, {} out of reach.",
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
        say!("{} left for later: their hosts asked for a longer pause.", output::count(left, "source"))?;
    }
    if let Some(words) = progress::nobody_answered(summary) {
        say!(
            "
{words}"
        )?;
    }
    Ok(())
}
