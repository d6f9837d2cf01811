//! `/health`, `/healthz` and `/readyz`: whether the program works, for supervisors.
//!
//! `/healthz` does not ask the database: restarting this process repairs no database.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use backissue_model::Phase;
use backissue_store::Store;
use serde::Serialize;

use crate::App;
use crate::api::answer::live;
use crate::fault::Fault;

#[derive(Serialize)]
struct Answer {
    status: &'static str,
    /// Whether the database answers.
    database: &'static str,
    /// What the workers are doing.
    phase: Phase,
    version: String,
}

pub(super) async fn health(State(app): State<App>) -> Result<Response, Fault> {
    let answers = app.store.archive_version().await;
    if let Err(error) = &answers {
        tracing::error!(error = error as &dyn std::error::Error, "the database does not answer: {error}");
    }
    let phase = app.progress.borrow().phase;
    let [status, database] = if answers.is_ok() { ["ok", "ok"] } else { ["failing", "failing"] };
    let body = live(&Answer { status, database, phase, version: app.site.version.clone() })?;
    let code = if answers.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Ok((code, body).into_response())
}

/// How long the database has to answer before the process is not ready.
const DATABASE_WITHIN: Duration = Duration::from_secs(5);

/// The routes of supervisors. They need nothing but the database, so that they answer although the
/// rest of the program cannot.
pub(crate) fn probes(store: Store) -> Router {
    Router::new()
        .route("/healthz", get(async || plain(StatusCode::OK, "alive\n".to_owned())))
        .route("/readyz", get(readyz))
        .with_state(store)
}

async fn readyz(State(store): State<Store>) -> Response {
    let unready = match tokio::time::timeout(DATABASE_WITHIN, store.lacks()).await {
        Ok(Ok(None)) => return plain(StatusCode::OK, "ready\n".to_owned()),
        Ok(Ok(Some(what))) => format!("the database lacks {what}"),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("the database does not answer within {} s", DATABASE_WITHIN.as_secs()),
    };
    tracing::error!("not ready: {unready}");
    // The reason may have the database's address, so it is only in the log.
    plain(StatusCode::SERVICE_UNAVAILABLE, "not ready; the log says why\n".to_owned())
}

fn plain(status: StatusCode, text: String) -> Response {
    (status, [(CACHE_CONTROL, "no-store")], text).into_response()
}
