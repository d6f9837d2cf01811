//! Responses that are kept for requests that are sent again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::fault::Fault;

/// How long a response is kept.
pub(super) const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Maximum responses that are kept, of all readers.
pub(super) const MOST: usize = 1_000;

/// The responses to requests with a key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Repeated(Arc<Mutex<HashMap<u128, Known>>>);

#[derive(Debug)]
pub(super) struct Known {
    pub(super) at: Instant,
    /// The hash of the request's body.
    pub(super) request: u128,
    /// `None` while the request is worked on.
    pub(super) answer: Option<Answer>,
}

#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) media_type: Option<HeaderValue>,
    pub(super) body: Bytes,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body).into_response();
        response.headers_mut().remove(CONTENT_TYPE);
        response.headers_mut().extend(self.media_type.map(|media_type| (CONTENT_TYPE, media_type)));
        response
    }
}

impl Repeated {
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<u128, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The response to an earlier request with this key, or `None` if this is the first one.
    pub(super) fn earlier(&self, key: u128, request: u128, now: Instant) -> Result<Option<Answer>, Fault> {
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

/// Forgets a request that ended without a response that is kept.
pub(super) struct Working<'r> {
    pub(super) repeated: &'r Repeated,
    pub(super) key: u128,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        let mut known = self.repeated.lock();
        if known.get(&self.key).is_some_and(|known| known.answer.is_none()) {
            known.remove(&self.key);
        }
    }
}
