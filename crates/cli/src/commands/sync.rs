//! `backissue sync`: fetch now.

use backissue_ingest::{Round, Summary};
use backissue_model::SourceTrouble;
use tokio_util::sync::CancellationToken;

use crate::args::JsonArgs;
use crate::commands::{follow, serve};
use crate::exit::Outcome;
use crate::output::{self, ALERT, PLAIN, STRONG};
use crate::progress::Bars;
use crate::settings::Settings;
use crate::{open, say};

/// Asks every source and moves every read as far as it goes, then says what came of it.
pub async fn run(args: JsonArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let _lock = open::WorkLock::take(&store).await?;
    let begun_with = follow::first_dozen(&store, &settings).await?;
    if begun_with > 0 {
        anstream::eprintln!(
            "Nothing was followed yet; beginning with {begun_with} blogs of the starter list."
        );
    }
    let ingest = open::ingest(store.clone(), open::fetcher(&settings)?, &settings);
    let stop = CancellationToken::new();
    let signals = serve::stop_on_signal(stop.clone());
    let bars = Bars::follow(ingest.progress());
    let summary = ingest.sync(Round::AllNow, &stop).await;
    drop(bars);
    signals.abort();
    let summary = summary?;
    if args.json {
        output::json(&summary)?;
    } else {
        tell(&summary, stop.is_cancelled())?;
    }
    store.close().await;
    Ok(if summary.troubles.is_empty() { Outcome::Fine } else { Outcome::Partly })
}

fn tell(summary: &Summary, stopped: bool) -> anyhow::Result<()> {
    if stopped {
        say!("Stopped; the next sync goes on from here.")?;
    }
    say!(
        "{STRONG}{}{PLAIN} asked: {} unchanged, {} out of reach.",
        output::count(summary.sources_polled, "source"),
        summary.sources_unchanged,
        summary.troubles.len()
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
    if summary.looks_offline() {
        say!(
            "\nThis machine seems to have no network. `backissue serve --demo` shows the program without one."
        )?;
    }
    Ok(())
}
