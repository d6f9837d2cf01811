//! `/health`: whether the program works, for supervisors that restart it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backissue_model::Phase;
use serde::Serialize;

use crate::App;
use crate::api::live;
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
