//! `/api/progress`: the progress of a sync, for the pages' script and for other programs.

use axum::extract::State;
use axum::response::Response;
use backissue_model::Progress;
use serde::Serialize;

use crate::App;
use crate::api::answer::live;
use crate::fault::Fault;
use crate::parts::band::{self, Words};

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    progress: Progress,
    looks_offline: bool,
    /// Changes whenever the pages change. A string, because it may exceed the exact integers of
    /// scripts.
    archive_version: String,
    /// The text of the pages' band; null while it is hidden.
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
