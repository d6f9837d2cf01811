//! The pages' data as JSON. The page `/api` documents it; see `pages/api.rs`.
//!
//! `v1` is the API for programs. The other addresses are older; they stay as they are.

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
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

use crate::App;
use crate::fault::Fault;

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
    Router::new()
        .route("/api/search", get(search::search))
        .route("/api/prior-art", get(prior_art::prior_art))
        .merge(v1::search_routes())
}

/// Routes that change from second to second.
pub(crate) fn live_routes() -> Router<App> {
    Router::new()
        .route("/api/progress", get(progress::progress))
        .merge(v1::own_routes())
        .route("/health", get(health::health))
        .route("/metrics", get(figures::figures))
}

/// A response that browsers cache and revalidate.
fn kept<T: Serialize>(value: &T) -> Result<Response, Fault> {
    answer(value, "private, no-cache")
}

/// A response that is never cached.
fn live<T: Serialize>(value: &T) -> Result<Response, Fault> {
    answer(value, "no-store")
}

fn answer<T: Serialize>(value: &T, keep: &'static str) -> Result<Response, Fault> {
    // Only maps whose keys are not strings fail, and no response has one. If it happens, a 500 is
    // better than a panic.
    let json = serde_json::to_vec(value)
        .map_err(|error| Fault::from_bug("an answer could not be written", &error))?;
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, keep)], json).into_response())
}
