//! The JSON API for programs, `/api/v1`.
//!
//! Each handler describes itself, so that the router and the OpenAPI document ([`document`]) come
//! from the same list. Errors are problem details ([`problem`]), made in [`crate::fault`].

mod article;
mod concepts;
mod digests;
mod document;
mod problem;
mod reads;
mod request;
mod schemas;
mod search;
mod shapes;
mod sources;
mod weeks;

use std::sync::LazyLock;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::fault::Fault;
pub(crate) use problem::{REMEDIES, problem};

/// Whether errors at `path` are problem details.
pub(crate) fn is_at(path: &str) -> bool {
    path.starts_with("/api/v1/") || path == "/api/v1"
}

/// Routes that depend only on the archive and may answer 304.
pub(super) fn routes() -> Router<App> {
    archive().split_for_parts().0.route("/api/openapi.json", get(openapi))
}

/// Routes that depend on the index and maybe on an embedding server.
pub(super) fn search_routes() -> Router<App> {
    searching().split_for_parts().0
}

fn archive() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(weeks::list))
        .routes(routes!(weeks::one))
        .routes(routes!(reads::list))
        .routes(routes!(reads::facets))
        .routes(routes!(reads::one))
        .routes(routes!(article::article))
        .routes(routes!(concepts::list))
        .routes(routes!(concepts::one))
        .routes(routes!(sources::list))
        .routes(routes!(sources::one))
        .routes(routes!(sources::companies))
        .routes(routes!(digests::list))
        .routes(routes!(digests::one))
}

fn searching() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(search::search))
        .routes(routes!(search::prior_art))
        .routes(routes!(search::similar))
}

/// The OpenAPI 3.1 document.
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| document::document_of(archive().merge(searching())));
    &DOCUMENT
}

/// `/api/openapi.json`
async fn openapi() -> Result<Response, Fault> {
    super::kept(document())
}
