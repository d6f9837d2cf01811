//! Programs that act for a reader with a token: `Authorization: Bearer TOKEN`.
//!
//! A token is accepted only on addresses for programs ([`are_for`]). There it identifies the
//! visitor and limits what the visitor may do: what its scope allows, and at most what its reader
//! may. A change on these addresses needs a token and not a cookie, so that no other site can cause
//! one.
//!
//! A client that sends unknown tokens must wait as after wrong passwords. Each token has a maximum
//! number of requests per minute, which responses report (`RateLimit`, `RateLimit-Policy`).

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use backissue_model::{ReaderId, Role, Scope};
use backissue_store::Store;
use jiff::Timestamp;

use crate::fault::Fault;
use crate::readers::{Accounts, Readers, Visitor, hash};
use crate::throttle::Throttle;

/// The prefix of the addresses of the Google Reader API.
pub(crate) const READER_API: &str = "/api/greader.php";

/// The time for which requests of a token are counted.
const WINDOW: Duration = Duration::from_secs(60);
/// Maximum tokens whose requests are counted. Tokens that are not used are dropped for new ones.
const COUNTED_MAX: usize = 10_000;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What a program sends to be known.
#[derive(Clone, Copy)]
pub(crate) enum Secret<'s> {
    /// A token.
    Token(&'s str),
    /// The key that an app with the Fever API makes of a token.
    FeverKey(&'s str),
}

/// Whether the address `path` is for programs: it accepts tokens, and no change by a cookie.
pub(crate) fn are_for(path: &str) -> bool {
    path.starts_with("/api/") || path == "/mcp"
}

/// State about programs that the server keeps in memory.
#[derive(Debug)]
pub(crate) struct Programs {
    per_minute: u32,
    guesses: Throttle,
    /// Requests of accepted tokens, by the token's hash.
    counts: Mutex<HashMap<String, Count>>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    begun: Instant,
    requests: u32,
}

/// The number of requests that a token has left, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    limit: u32,
    remaining: u32,
    reset: Duration,
}

impl Rate {
    /// Adds the rate to a response, in the fields of draft-ietf-httpapi-ratelimit-headers-10.
    pub(crate) fn tell(self, answer: &mut Response) {
        let policy = format!("\"token\";q={};w={}", self.limit, WINDOW.as_secs());
        let rate = format!("\"token\";r={};t={}", self.remaining, self.reset.as_secs());
        for (name, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, rate)] {
            let value = HeaderValue::from_str(&text).expect("numbers are ASCII");
            answer.headers_mut().insert(name, value);
        }
    }
}

impl Programs {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { per_minute, guesses: Throttle::default(), counts: Mutex::default() }
    }

    /// Counts a request with a token that was accepted before. Returns `None` if the token is not
    /// known.
    fn count_known(&self, hash: &str, now: Instant) -> Option<(Rate, bool)> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get_mut(hash).map(|count| count.add(self.per_minute, now))
    }

    /// Counts the first request with a token that was just accepted.
    fn count_new(&self, hash: &str, now: Instant) -> (Rate, bool) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= COUNTED_MAX {
            counts.retain(|_, count| now.duration_since(count.begun) < WINDOW);
        }
        let count = counts.entry(hash.to_owned()).or_insert(Count { begun: now, requests: 0 });
        count.add(self.per_minute, now)
    }

    fn forget(&self, hash: &str) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).remove(hash);
    }
}

impl Count {
    /// Counts a request. The second value says whether it is within the limit.
    fn add(&mut self, limit: u32, now: Instant) -> (Rate, bool) {
        if now.duration_since(self.begun) >= WINDOW {
            *self = Self { begun: now, requests: 0 };
        }
        let is_within = self.requests < limit;
        self.requests = self.requests.saturating_add(1);
        let reset = WINDOW.saturating_sub(now.duration_since(self.begun));
        (Rate { limit, remaining: limit.saturating_sub(self.requests), reset }, is_within)
    }
}

/// The token in the headers of a request to `path`. Reader apps send it in a different form.
/// Ignores other kinds of authorization, such as a proxy's passwords.
pub(crate) fn token_in<'h>(path: &str, headers: &'h HeaderMap) -> Option<&'h str> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = text.split_once(' ')?;
    let rest = rest.trim();
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(rest);
    }
    let is_app = scheme.eq_ignore_ascii_case("googlelogin") && path.starts_with(READER_API);
    rest.strip_prefix("auth=").filter(|_| is_app)
}

impl Programs {
    /// Who sends a request with this secret from `client`, and how many more requests it has.
    pub(crate) async fn visitor(
        &self,
        readers: &Readers,
        store: &Store,
        client: IpAddr,
        headers: &HeaderMap,
        secret: Secret<'_>,
    ) -> (Result<Visitor, Fault>, Option<Rate>) {
        match readers {
            Readers::ReadOnly(why) => return (Err(Fault::ReadOnly(why.clone())), None),
            Readers::LogIn(log_in) if !log_in.is_open() && !log_in.is_safe_for(headers) => {
                return (Err(Fault::TokenInTheClear), None);
            }
            Readers::LogIn(_) => {}
        }
        let (Secret::Token(text) | Secret::FeverKey(text)) = secret;
        let (hash, now, time) = (hash(text), Instant::now(), Timestamp::now());
        let known = self.count_known(&hash, now);
        if let Some((rate, false)) = known {
            return (Err(Fault::TooManyRequests(rate.reset)), Some(rate));
        }
        let found = match secret {
            Secret::Token(_) => store.use_token(&hash, time).await,
            Secret::FeverKey(_) => store.use_fever_key(&hash, time).await,
        };
        let found = match found {
            Ok(found) => found,
            Err(error) => return (Err(error.into()), None),
        };
        // A token from the time when there were several readers does not count for the only one.
        let Some(found) = found.filter(|found| readers.only().is_none_or(|only| only == found.reader)) else {
            self.forget(&hash);
            tracing::warn!(%client, "a request from {client} has an unknown token");
            // Only an unknown token can be a guess. A new one may be in many requests at once.
            let waits = self.guesses.attempt(client, &hash, now);
            return (Err(waits.map_or_else(Fault::TooManyRequests, |()| Fault::WrongToken)), None);
        };
        let (rate, is_within) = known.unwrap_or_else(|| self.count_new(&hash, now));
        let visitor = Visitor {
            reader: Some(found.reader),
            role: if found.scope == Scope::Operate { found.role } else { Role::Reader },
            scope: Some(found.scope),
            ..Visitor::default()
        };
        let visitor = if is_within { Ok(visitor) } else { Err(Fault::TooManyRequests(rate.reset)) };
        (visitor, Some(rate))
    }
}

impl Readers {
    /// The only reader, if there are no accounts.
    fn only(&self) -> Option<ReaderId> {
        match self {
            Self::LogIn(log_in) => match log_in.accounts {
                Accounts::One(reader) => Some(reader),
                Accounts::Several { .. } => None,
            },
            Self::ReadOnly(_) => None,
        }
    }
}

/// A program with a token that was accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    /// The reader for whom it acts.
    pub(crate) reader: ReaderId,
    /// What it may do. The scope to operate is not effective if the reader is not an operator any
    /// more.
    pub(crate) scope: Scope,
}

impl Program {
    /// The program that the visitor is.
    pub(crate) fn of(visitor: Visitor) -> Option<Self> {
        let (reader, scope) = (visitor.reader?, visitor.scope?);
        let scope = if visitor.is_operator() { scope } else { scope.min(Scope::Write) };
        Some(Self { reader, scope })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Program {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        Self::of(Visitor::of(&parts.extensions)).ok_or(Fault::NoToken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_a_token_are_counted_per_minute() {
        let (programs, start) = (Programs::new(2), Instant::now());
        assert_eq!(programs.count_known("a", start), None, "it was not accepted before");
        let rate = |remaining, reset| Rate { limit: 2, remaining, reset: Duration::from_secs(reset) };
        assert_eq!(programs.count_new("a", start), (rate(1, 60), true));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(programs.count_known("a", at(10)), Some((rate(0, 50), true)));
        assert_eq!(programs.count_known("a", at(20)), Some((rate(0, 40), false)));
        assert_eq!(programs.count_new("b", at(20)), (rate(1, 60), true), "each token has its own");
        assert_eq!(programs.count_known("a", at(60)), Some((rate(1, 60), true)));
        programs.forget("a");
        assert_eq!(programs.count_known("a", at(61)), None);
        for n in 0..2 * COUNTED_MAX {
            programs.count_new(&n.to_string(), start + WINDOW * u32::try_from(n).unwrap());
        }
        assert!(programs.counts.lock().unwrap().len() <= COUNTED_MAX);
    }

    #[test]
    fn token_is_found_in_the_headers_of_both_ways() {
        let token = |path: &str, text: &str| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, text.parse().unwrap())]);
            token_in(path, &headers).map(str::to_owned)
        };
        let app = "/api/greader.php/reader/api/0/token";
        for (path, text, found) in [
            ("/mcp", "Bearer abc", Some("abc")),
            ("/api/v1/reads", "bearer  abc ", Some("abc")),
            (app, "Bearer abc", Some("abc")),
            (app, "GoogleLogin auth=abc", Some("abc")),
            ("/mcp", "GoogleLogin auth=abc", None),
            (app, "GoogleLogin abc", None),
            ("/mcp", "Basic YTpi", None),
            ("/mcp", "abc", None),
            ("/mcp", "Bearer ", Some("")),
        ] {
            assert_eq!(token(path, text).as_deref(), found, "{path} {text}");
        }
    }
}
