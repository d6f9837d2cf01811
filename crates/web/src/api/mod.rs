//! The pages' data as JSON. `/api` documents it; see `pages/api.rs`.

mod health;
mod prior_art;
mod progress;
mod read;
mod search;
mod week;
mod weeks;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Serialize;

use crate::App;
use crate::fault::Fault;

/// What depends on the archive and may be answered with 304.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/weeks", get(weeks::weeks))
        .route("/api/week/{week}", get(week::week))
        .route("/api/read/{id}", get(read::read))
}

/// What answers a question, made anew each time.
pub(crate) fn search_routes() -> Router<App> {
    Router::new().route("/api/search", get(search::search)).route("/api/prior-art", get(prior_art::prior_art))
}

/// What changes from second to second.
pub(crate) fn live_routes() -> Router<App> {
    Router::new().route("/api/progress", get(progress::progress)).route("/health", get(health::health))
}

/// An answer that browsers keep and ask about each time.
fn kept<T: Serialize>(value: &T) -> Result<Response, Fault> {
    answer(value, "private, no-cache")
}

/// An answer that nobody keeps.
fn live<T: Serialize>(value: &T) -> Result<Response, Fault> {
    answer(value, "no-store")
}

fn answer<T: Serialize>(value: &T, keep: &'static str) -> Result<Response, Fault> {
    // Only maps with keys that are no strings fail, and none of the answers has one; better a 500 than a panic all the same.
    let json = serde_json::to_vec(value)
        .map_err(|error| Fault::from_bug("an answer could not be written", &error))?;
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, keep)], json).into_response())
}
