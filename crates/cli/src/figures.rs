//! The metrics of this process, for Prometheus: what the crates record with the macros of the crate
//! `metrics`, and numbers from the database.

use std::sync::OnceLock;
use std::time::Duration;

use backissue_store::{Queue, Spent, Store, StoreError};
use jiff::Timestamp;
use metrics::{describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::prices::{Price, dollars};
use crate::settings::Settings;

/// The upper bounds of histogram buckets, in seconds. A page takes milliseconds, a model minutes.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0, 60.0, 300.0];

/// How often recorded values are sorted into buckets if nobody requests the metrics.
const TIDY_EVERY: Duration = Duration::from_secs(30);

/// Maximum rows of models' usage. A day has one row per model.
const USAGE_ROWS: u32 = 50;

static COLLECTED: OnceLock<PrometheusHandle> = OnceLock::new();

/// Starts recording metrics. Before, the macros do nothing.
pub fn collect() -> anyhow::Result<()> {
    let handle = PrometheusBuilder::new().set_buckets(&SECONDS)?.install_recorder()?;
    describe();
    gauge!("backissue_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1);
    gauge!("backissue_started_seconds").set(Timestamp::now().as_second() as f64);
    let tidied = handle.clone();
    tokio::spawn(async move {
        let mut tidy = tokio::time::interval(TIDY_EVERY);
        loop {
            tidy.tick().await;
            tidied.run_upkeep();
        }
    });
    let _ = COLLECTED.set(handle);
    Ok(())
}

fn describe() {
    describe_gauge!("backissue_build_info", "The program's version.");
    describe_gauge!("backissue_started_seconds", "When the process started, in seconds since 1970.");
    describe_gauge!("backissue_database_up", "1 if the database answered this request.");
    describe_gauge!("backissue_archive_reads", "Reads with a precis, which are shown.");
    describe_gauge!("backissue_archive_bytes", "Size of the database.");
    describe_gauge!("backissue_queue_length", "What waits for a step, now or later.");
    describe_gauge!(
        "backissue_queue_age_seconds",
        "How long what waits longest for a step could have been done."
    );
    describe_gauge!("backissue_model_tokens_today", "Tokens of a model since midnight UTC, by kind.");
    describe_gauge!(
        "backissue_model_dollars_today",
        "Cost of a model since midnight UTC, if its price is known."
    );
    describe_counter!("backissue_polls_total", "Polls of sources, by result.");
    describe_counter!("backissue_reads_total", "Reads that a worker has moved, by result.");
    describe_counter!("backissue_refusals_total", "What was refused, by what refused it.");
    describe_counter!("backissue_fetched_bytes_total", "Bytes of responses of publishers' servers.");
    describe_counter!("backissue_page_cache_total", "Requests for finished pages, by result.");
    describe_counter!("backissue_image_cache_total", "Requests for cached images, by result.");
    describe_histogram!("backissue_step_seconds", "Time of the workers' steps, with waiting for a host.");
    describe_histogram!("backissue_fetch_seconds", "Time of requests to publishers' servers, by result.");
    describe_histogram!("backissue_page_seconds", "Time until a response begins, by route and status.");
    describe_histogram!("backissue_search_seconds", "Time of searches.");
    describe_histogram!("backissue_model_seconds", "Time of requests to language models.");
}

/// All metrics in the text format of Prometheus. If the database does not answer, a metric says so,
/// and only the process's own metrics follow.
pub async fn text(store: &Store, settings: &Settings) -> String {
    let known = of_database(store, settings, Timestamp::now()).await;
    gauge!("backissue_database_up").set(if known.is_ok() { 1 } else { 0 });
    if let Err(error) = known {
        tracing::warn!(%error, "figures of the database are missing: {error}");
    }
    COLLECTED.get().map(PrometheusHandle::render).unwrap_or_default()
}

async fn of_database(store: &Store, settings: &Settings, now: Timestamp) -> Result<(), StoreError> {
    for Queue { step, waiting, due_since } in store.queues(now).await? {
        let age = due_since.map_or(0.0, |since| now.duration_since(since).as_secs_f64().max(0.0));
        gauge!("backissue_queue_length", "step" => step.clone()).set(waiting as f64);
        gauge!("backissue_queue_age_seconds", "step" => step).set(age);
    }
    gauge!("backissue_archive_reads").set(store.shown().await? as f64);
    gauge!("backissue_archive_bytes").set(store.bytes().await? as f64);
    let today = now.to_string();
    let usage = store.model_usage(USAGE_ROWS).await?;
    for row in &settings.models.value {
        let is_it = |day: &&backissue_store::DayUsage| day.model == row.name && today.starts_with(&day.day);
        let spent = usage.iter().find(is_it).map_or_else(Spent::default, |day| day.spent);
        let kinds =
            [("input", spent.input_tokens), ("output", spent.output_tokens), ("cached", spent.cached_tokens)];
        for (kind, tokens) in kinds {
            gauge!("backissue_model_tokens_today", "model" => row.name.clone(), "kind" => kind)
                .set(tokens as f64);
        }
        if let Some(price) = Price::of(row) {
            gauge!("backissue_model_dollars_today", "model" => row.name.clone()).set(dollars(&price, &spent));
        }
    }
    Ok(())
}
