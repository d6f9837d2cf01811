//! `Idempotency-Key`: a POST that is sent again, because its response was lost, changes nothing
//! twice (draft-ietf-httpapi-idempotency-key-header).
//!
//! The responses are kept in memory for a day, so a restart forgets them.

use std::time::Instant;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use xxhash_rust::xxh3::xxh3_128;

use super::kept_answers::{Answer, Working};
use crate::App;
use crate::fault::Fault;
use crate::forms::FORM_MAX;
use crate::readers::Visitor;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Maximum characters of a key.
const LONGEST: usize = 255;
/// Answers a request whose key is known as it was answered before.
pub(crate) async fn answer_once(State(app): State<App>, request: Request, next: Next) -> Response {
    let Some(key) = request.headers().get(KEY).filter(|_| *request.method() == Method::POST) else {
        return next.run(request).await;
    };
    if key.is_empty() || key.len() > LONGEST {
        let why = format!("“Idempotency-Key” has 1 to {LONGEST} characters");
        return Fault::BadAddress(why).into_response();
    }
    let reader = Visitor::of(request.extensions()).reader;
    let key = xxh3_128(&[format!("{reader:?} {} ", request.uri()).as_bytes(), key.as_bytes()].concat());
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, FORM_MAX).await else {
        return Fault::TooLarge(format!("A request has at most {FORM_MAX} bytes")).into_response();
    };
    match app.repeated.earlier(key, xxh3_128(&body), Instant::now()) {
        Err(fault) => return fault.into_response(),
        Ok(Some(answer)) => {
            let mut response = answer.into_response();
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            return response;
        }
        Ok(None) => {}
    }
    let working = Working { repeated: &app.repeated, key };
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    // A refusal changed nothing, so the request may be corrected and sent again.
    if !response.status().is_success() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = match to_bytes(body, FORM_MAX).await {
        Ok(body) => body,
        Err(error) => return Fault::from_bug("an answer could not be kept", &error).into_response(),
    };
    let media_type = parts.headers.get(CONTENT_TYPE).cloned();
    if let Some(known) = app.repeated.lock().get_mut(&key) {
        known.answer = Some(Answer { status: parts.status, media_type, body: body.clone() });
    }
    drop(working);
    Response::from_parts(parts, Body::from(body))
}
