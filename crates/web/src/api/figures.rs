//! `/metrics`: the metrics of this process and its archive, in the text format of Prometheus.
//!
//! All crates record metrics with the macros of the crate `metrics`. The program around the pages
//! collects and writes them ([`Operator::figures`](crate::Operator::figures)). Without such a
//! program, nothing is recorded.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::fault::Fault;
use crate::{App, Operator};

/// The text format of Prometheus, which all its versions read.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) async fn figures(State(app): State<App>) -> Result<Response, Fault> {
    let operator = app.operator.as_ref().ok_or(Fault::NoSuchPage)?;
    Ok(answer(operator.as_ref()).await)
}

async fn answer(operator: &dyn Operator) -> Response {
    let text = operator.figures().await;
    ([(CONTENT_TYPE, TEXT_FORMAT), (CACHE_CONTROL, "no-store")], text).into_response()
}

/// Whether a request with these headers has the token for metrics.
pub(crate) fn permits(operator: Option<&Arc<dyn Operator>>, headers: &HeaderMap) -> bool {
    let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = sent.and_then(|value| value.strip_prefix("Bearer "));
    operator.zip(token).is_some_and(|(operator, token)| operator.permits_figures(token.trim()))
}

/// The route of the metrics in a process without pages. If `open` is true, no token is needed.
pub(crate) fn worker_figures(operator: Arc<dyn Operator>, open: bool) -> Router {
    let handler = async move |headers: HeaderMap| {
        if open || permits(Some(&operator), &headers) {
            return answer(operator.as_ref()).await;
        }
        let why = "send the token of the setting `metrics_token`, as `Authorization: Bearer TOKEN`\n";
        (StatusCode::FORBIDDEN, why).into_response()
    };
    Router::new().route("/metrics", get(handler))
}

/// Measures how long a response takes, by its route and status. A 304 is a page that the browser
/// had already.
pub(crate) async fn measure(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let started = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_str().to_owned();
    metrics::histogram!("backissue_page_seconds", "route" => route, "status" => status)
        .record(started.elapsed());
    response
}
