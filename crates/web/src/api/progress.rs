//! `/api/progress`: how a sync is coming along, for the script on the pages and for whoever waits.

use axum::extract::State;
use axum::response::Response;
use backissue_model::Progress;
use serde::Serialize;

use crate::App;
use crate::api::live;
use crate::fault::Fault;
use crate::parts::band::{self, Words};

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    progress: Progress,
    looks_offline: bool,
    /// Differs whenever what the pages show has changed; text, as it may be larger than what scripts count exactly.
    archive_version: String,
    /// What the band on the pages says; null while it says nothing.
    band: Option<Words>,
}

pub(super) async fn progress(State(app): State<App>) -> Result<Response, Fault> {
    let progress = app.progress.borrow().clone();
    let archive_version = app.store.archive_version().await?.to_string();
    live(&Answer {
        looks_offline: progress.looks_offline(),
        band: band::words(&progress),
        archive_version,
        progress,
    })
}
