//! A file for each page that a person can open.

mod api;
mod concept;
mod concepts;
mod empty;
mod read;
mod source;
mod sources;
mod week;
mod weeks;

use axum::Router;
use axum::routing::get;

use crate::App;

/// How many reads a page lists before it says "older reads".
const PAGE: u32 = 50;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(week::newest))
        .route("/weeks", get(weeks::weeks))
        .route("/week/{week}", get(week::week))
        .route("/read/{id}", get(read::without_slug))
        .route("/read/{id}/{slug}", get(read::read))
        .route("/sources", get(sources::sources))
        .route("/source/{slug}", get(source::source))
        .route("/concepts", get(concepts::concepts))
        .route("/concept/{slug}", get(concept::concept))
        .route("/api", get(api::api))
}
