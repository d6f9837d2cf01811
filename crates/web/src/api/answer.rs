//! Responses in JSON.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::fault::Fault;

/// A JSON response that browsers cache and revalidate.
pub(crate) fn kept<T: Serialize>(value: &T) -> Result<Response, Fault> {
    answer(value, "private, no-cache")
}

/// A JSON response that is never cached.
pub(crate) fn live<T: Serialize>(value: &T) -> Result<Response, Fault> {
    answer(value, "no-store")
}

fn answer<T: Serialize>(value: &T, keep: &'static str) -> Result<Response, Fault> {
    // Only maps whose keys are not strings fail, and no response has one. If it happens, a 500 is
    // better than a panic.
    let json = serde_json::to_vec(value)
        .map_err(|error| Fault::from_bug("an answer could not be written", &error))?;
    Ok(([(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, keep)], json).into_response())
}
