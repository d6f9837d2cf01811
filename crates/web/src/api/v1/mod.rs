//! The JSON API for programs, `/api/v1`.
//!
//! Each handler describes itself, so that the router and the OpenAPI document ([`document`]) come
//! from the same list. Errors are problem details ([`problem`]), made in [`crate::fault`].

mod article;
mod concepts;
mod digests;
mod document;
mod mine;
mod operate;
mod own_searches;
mod plain_words;
mod problem;
mod reads;
mod repeated;
mod request;
mod saving;
mod schemas;
mod search;
mod shapes;
mod sources;
mod token;
mod webhooks;
mod weeks;

use std::sync::LazyLock;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::App;
use crate::fault::Fault;
use crate::forms::FORM_MAX;
pub(crate) use problem::{REMEDIES, problem};
pub(crate) use repeated::{Repeated, answer_once};

/// Whether errors at `path` are problem details.
pub(crate) fn is_at(path: &str) -> bool {
    path.starts_with("/api/v1/") || path == "/api/v1" || path == "/mcp"
}

/// Refuses bodies that are too large, also where a request needs none.
pub(crate) async fn limit_body(request: Request, next: Next) -> Response {
    if !is_at(request.uri().path()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    match to_bytes(body, FORM_MAX).await {
        Ok(body) => next.run(Request::from_parts(parts, body.into())).await,
        Err(_) => Fault::TooLarge(format!("A request has at most {} KiB", FORM_MAX / 1024)).into_response(),
    }
}

/// Routes that depend only on the archive and its index, and may answer 304.
pub(super) fn routes() -> Router<App> {
    archive().split_for_parts().0.route("/api/openapi.json", get(openapi))
}

/// What a program does for its reader. These responses are not cached.
pub(super) fn own_routes() -> Router<App> {
    own().split_for_parts().0.layer(DefaultBodyLimit::max(FORM_MAX))
}

fn own() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(token::token))
        .routes(routes!(mine::mine))
        .routes(routes!(mine::set_mark, mine::remove_mark))
        .routes(routes!(mine::save_note, mine::remove_note))
        .routes(routes!(mine::add_label, mine::remove_label))
        .routes(routes!(mine::add_highlight))
        .routes(routes!(mine::save_remark, mine::remove_highlight))
        .routes(routes!(mine::answer))
        .routes(routes!(mine::rate))
        .routes(routes!(mine::next_card))
        .routes(routes!(saving::labels))
        .routes(routes!(own_searches::list, own_searches::save))
        .routes(routes!(own_searches::rename, own_searches::remove))
        .routes(routes!(own_searches::seen))
        .routes(routes!(operate::models))
        .routes(routes!(webhooks::list, webhooks::add))
        .routes(routes!(webhooks::remove))
        .routes(routes!(webhooks::test))
}

fn archive() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(weeks::list))
        .routes(routes!(weeks::one))
        .routes(routes!(reads::list, saving::save))
        .routes(routes!(reads::facets))
        .routes(routes!(reads::one))
        .routes(routes!(article::article))
        .routes(routes!(concepts::list))
        .routes(routes!(concepts::one))
        .routes(routes!(sources::list, operate::follow))
        .routes(routes!(sources::one, operate::unfollow))
        .routes(routes!(sources::companies))
        .routes(routes!(digests::list))
        .routes(routes!(digests::one))
        .routes(routes!(search::search))
        .routes(routes!(search::prior_art))
        .routes(routes!(search::similar))
}

/// The OpenAPI 3.1 document.
pub(crate) fn document() -> &'static Value {
    static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
        let tagged: Vec<String> = archive().into_openapi().paths.paths.into_keys().collect();
        document::document_of(archive().merge(own()), &tagged)
    });
    &DOCUMENT
}

/// Whether the API has `path`, but not with this method.
pub(crate) fn lacks(method: &Method, path: &str) -> bool {
    let item = &document()["paths"][path];
    let name = if *method == Method::HEAD { "get".to_owned() } else { method.as_str().to_lowercase() };
    item.is_object() && item.get(name).is_none()
}

/// `/api/openapi.json`
async fn openapi() -> Result<Response, Fault> {
    super::answer::kept(document())
}
