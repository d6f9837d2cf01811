//! The pages' data as JSON. The page `/api` documents it; see `pages/api.rs`.
//!
//! `v1` is the API for programs. The other addresses are older; they stay as they are.

mod answer;
mod figures;
mod health;
mod names;
mod prior_art;
mod progress;
mod read;
mod search;
pub(crate) mod v1;
mod week;
mod weeks;

use axum::Router;
use axum::routing::get;

use crate::App;

pub(crate) use figures::{measure, permits as permits_figures, worker_figures};
pub(crate) use health::probes;

/// Routes that depend only on the archive and may answer 304.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/weeks", get(weeks::weeks))
        .route("/api/week/{week}", get(week::week))
        .route("/api/read/{id}", get(read::read))
        .merge(v1::routes())
}

/// Routes that answer a question, computed for each request.
pub(crate) fn search_routes() -> Router<App> {
    Router::new().route("/api/search", get(search::search)).route("/api/prior-art", get(prior_art::prior_art))
}

/// Routes that change from second to second.
pub(crate) fn live_routes() -> Router<App> {
    Router::new()
        .route("/api/progress", get(progress::progress))
        .merge(v1::own_routes())
        .route("/health", get(health::health))
        .route("/metrics", get(figures::figures))
}
