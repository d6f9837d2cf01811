//! `backissue prune`: removes the HTML of old articles. `serve` and `work` do the same once a day.

use std::time::Duration;

use backissue_store::{Pruned, Retention, Store, StoreError};
use jiff::Timestamp;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::args::PruneArgs;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, count, say};
use crate::settings::Settings;
use crate::values::Size;

/// How often `serve` and `work` remove old articles.
const EVERY: Duration = Duration::from_hours(24);

/// The pause between two steps, so that others can write.
const PAUSE: Duration = Duration::from_millis(50);

/// Removes what is old, and prints how much.
pub async fn run(args: PruneArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let pruned = pass(&store, &settings, args.dry_run, &CancellationToken::new()).await?;
    let is_limited = pruned.is_some();
    let Pruned { reads, bytes } = pruned.unwrap_or_default();
    if args.json {
        output::json(
            &json!({ "limited": is_limited, "dry_run": args.dry_run, "reads": reads, "bytes": bytes }),
        )?;
    } else if !is_limited {
        say!(
            "No limit is set, so articles stay for ever. Set keep_articles or keep_articles_size, or a limit of a source."
        )?;
    } else {
        let (what, size) = (count(reads, "article"), Size(bytes.div_ceil(1000) * 1000));
        let done = if args.dry_run { "would go" } else { "went" };
        say!("The HTML of {what} {done}: {size}.")?;
    }
    Ok(Outcome::Fine)
}

fn limits(settings: &Settings) -> Retention {
    Retention {
        days: settings.keep_articles.value,
        bytes: settings.keep_articles_size.value.map(|size| size.0),
    }
}

/// Takes all steps of a pass, unless it is stopped. Returns `None` if there are no limits.
async fn pass(
    store: &Store,
    settings: &Settings,
    dry_run: bool,
    stop: &CancellationToken,
) -> Result<Option<Pruned>, StoreError> {
    let Some(mut pass) = store.begin_pruning(limits(settings), dry_run, Timestamp::now()).await? else {
        return Ok(None);
    };
    loop {
        if let Some(pruned) = store.prune(&mut pass).await? {
            return Ok(Some(pruned));
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = stop.cancelled() => return Ok(Some(Pruned::default())),
        }
    }
}

/// Removes old articles, now and once a day until `stop` is cancelled. A failure is logged, and the
/// next attempt is a day later.
pub async fn daily(store: Store, settings: Settings, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match pass(&store, &settings, false, &stop).await {
            Ok(None | Some(Pruned { reads: 0, .. })) => {}
            Ok(Some(Pruned { reads, bytes })) => {
                tracing::info!(reads, bytes, "the HTML of {reads} old articles was removed");
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "old articles stay: {error}");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}
