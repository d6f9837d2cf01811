//! `Idempotency-Key`: a repeated POST, sent because the response was lost, changes nothing a second
//! time (draft-ietf-httpapi-idempotency-key-header).
//!
//! The responses are kept in memory for a day, so a restart loses them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use xxhash_rust::xxh3::xxh3_128;

use crate::fault::Fault;
use crate::forms::FORM_MAX;
use crate::readers::Visitor;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Maximum characters of a key.
pub(super) const KEY_MAX: usize = 255;
/// How long a response is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// Maximum responses that are kept, of all readers.
const MOST: usize = 1_000;

/// The responses to requests with a key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repeated(Arc<Mutex<HashMap<u128, Known>>>);

#[derive(Debug)]
struct Known {
    at: Instant,
    /// The hash of the request's body.
    request: u128,
    /// `None` while the request is worked on.
    answer: Option<Answer>,
}

#[derive(Clone, Debug)]
struct Answer {
    status: StatusCode,
    /// The headers that tell of the body and of what was made.
    headers: HeaderMap,
    body: Bytes,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        response.headers_mut().remove(CONTENT_TYPE);
        response.headers_mut().extend(self.headers);
        response
    }
}

impl Repeated {
    fn lock(&self) -> MutexGuard<'_, HashMap<u128, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The response to an earlier request with this key, or `None` if this is the first one.
    fn earlier(&self, key: u128, request: u128, now: Instant) -> Result<Option<Answer>, Fault> {
        let mut known = self.lock();
        known.retain(|_, known| now.duration_since(known.at) < KEPT);
        match known.get(&key) {
            Some(known) if known.request != request => Err(Fault::KeyUsed),
            Some(Known { answer: Some(answer), .. }) => Ok(Some(answer.clone())),
            Some(_) => Err(Fault::KeyInUse),
            None => {
                if known.len() >= MOST
                    && let Some(oldest) = known.iter().min_by_key(|(_, known)| known.at).map(|(key, _)| *key)
                {
                    known.remove(&oldest);
                }
                known.insert(key, Known { at: now, request, answer: None });
                Ok(None)
            }
        }
    }
}

/// A guard that removes the entry of a request if it ends without a response to keep.
struct Working<'r> {
    repeated: &'r Repeated,
    key: u128,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        let mut known = self.repeated.lock();
        if known.get(&self.key).is_some_and(|known| known.answer.is_none()) {
            known.remove(&self.key);
        }
    }
}

/// Answers a request with a known key by the stored response.
pub(crate) async fn answer_once(State(repeated): State<Repeated>, request: Request, next: Next) -> Response {
    let Some(key) = request.headers().get(KEY).filter(|_| *request.method() == Method::POST) else {
        return next.run(request).await;
    };
    let is_visible = key.as_bytes().iter().all(u8::is_ascii_graphic);
    if key.is_empty() || key.len() > KEY_MAX || !is_visible {
        let why = format!("“Idempotency-Key” has 1 to {KEY_MAX} visible characters of ASCII");
        return Fault::BadRequest(why).into_response();
    }
    let reader = Visitor::of(request.extensions()).reader;
    let key = xxh3_128(&[format!("{reader:?} {} ", request.uri()).as_bytes(), key.as_bytes()].concat());
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, FORM_MAX).await else {
        return Fault::TooLarge(format!("A request has at most {FORM_MAX} bytes")).into_response();
    };
    match repeated.earlier(key, xxh3_128(&body), Instant::now()) {
        Err(fault) => return fault.into_response(),
        Ok(Some(answer)) => {
            let mut response = answer.into_response();
            response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
            return response;
        }
        Ok(None) => {}
    }
    let working = Working { repeated: &repeated, key };
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
    let named = |name: HeaderName| parts.headers.get(&name).cloned().map(|value| (name, value));
    let headers = [CONTENT_TYPE, LOCATION].into_iter().filter_map(named).collect();
    if let Some(known) = repeated.lock().get_mut(&key) {
        known.answer = Some(Answer { status: parts.status, headers, body: body.clone() });
    }
    drop(working);
    Response::from_parts(parts, Body::from(body))
}
