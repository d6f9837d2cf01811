//! Who asks, and what strangers get.
//!
//! [`identify`] finds out who sends a request, [`admit`] refuses strangers what is not for them.
//! Both are around all routes. A route that is not listed here is closed to strangers.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use backissue_model::{ReaderId, hex};
use backissue_store::SESSION_LASTS;
use jiff::Timestamp;
use ring::digest;
use tokio::sync::Semaphore;

use crate::App;
use crate::fault::Fault;
use crate::forms::{FormKey, Readers};
use crate::hosts;
use crate::throttle::Throttle;

/// Passwords that are examined at the same time. Each takes 19 MiB.
const EXAMINED_AT_ONCE: usize = 2;

/// What strangers see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Public {
    /// Nothing.
    Off,
    /// What the archive says of its reads, with quotes as evidence and links to the publishers, but
    /// no article.
    Statements,
    /// Articles too.
    Articles,
}

impl Public {
    /// Its name in settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Statements => "statements",
            Self::Articles => "articles",
        }
    }
}

impl fmt::Display for Public {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Public {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = [Self::Off, Self::Statements, Self::Articles].into_iter().find(|p| p.as_str() == text);
        known.ok_or_else(|| {
            format!("`{text}` is nothing that strangers see; write off, statements or articles")
        })
    }
}

/// How the reader logs in.
#[derive(Clone, Debug)]
pub struct LogIn {
    pub(crate) key: FormKey,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) examining: Arc<Semaphore>,
    /// Whether the site is reached over HTTPS.
    https: bool,
}

impl LogIn {
    /// `https` says whether browsers reach the site over HTTPS. Without it, only browsers on this
    /// machine can log in, because a password and a session's token would travel in the clear.
    pub fn new(key: FormKey, https: bool) -> Self {
        let examining = Arc::new(Semaphore::new(EXAMINED_AT_ONCE));
        Self { key, throttle: Arc::default(), examining, https }
    }

    /// Whether the browser with these headers can log in.
    pub(crate) fn is_safe_for(&self, headers: &HeaderMap) -> bool {
        self.https || hosts::is_loopback(headers)
    }
}

/// Who sends a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// The reader. `None` for a stranger.
    pub(crate) reader: Option<ReaderId>,
    /// The session by which the reader is known.
    pub(crate) session: Option<i64>,
}

impl Visitor {
    /// Who sends the request with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or_default()
    }

    /// Whether the visitor may see articles.
    pub(crate) fn sees_articles(self, app: &App) -> bool {
        self.reader.is_some() || app.public == Public::Articles
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.extensions))
    }
}

/// The address that a connection comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Peer {
    /// The address of the client that sends the request with these extensions and headers. A proxy
    /// on this machine adds its client's address to `X-Forwarded-For`, at the end.
    pub(crate) fn of(extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
        let peer = extensions.get().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer: &Self| peer.0);
        let forwarded = || {
            let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
            last.rsplit(',').next()?.trim().parse().ok()
        };
        if peer.is_loopback() { forwarded().unwrap_or(peer) } else { peer }
    }
}

/// Finds out who sends a request.
pub(crate) async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let (visitor, renewed) = match (&*app.readers, token(request.headers())) {
        (Readers::One(_), _) => (Visitor { reader: Some(ReaderId::ONE), session: None }, None),
        (Readers::LogIn(_), Some(token)) => {
            match app.store.use_session(&hash(&token), Timestamp::now()).await {
                Ok(Some((session, extended))) => {
                    let visitor = Visitor { reader: Some(session.reader), session: Some(session.id) };
                    (visitor, extended.then(|| cookie(request.headers(), Some(&token))))
                }
                Ok(None) => (Visitor::default(), None),
                Err(error) => return Fault::from(error).into_response(),
            }
        }
        (Readers::LogIn(_) | Readers::ReadOnly(_), _) => (Visitor::default(), None),
    };
    request.extensions_mut().insert(visitor);
    let mut answer = next.run(request).await;
    // A response that logs in or out has its own cookie.
    if let Some(cookie) = renewed.filter(|_| !answer.headers().contains_key(SET_COOKIE)) {
        answer.headers_mut().insert(SET_COOKIE, cookie);
    }
    answer
}

/// Refuses strangers what they may not see.
pub(crate) async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    let visitor = Visitor::of(request.extensions());
    // Without a route, there is nothing to see.
    let Some(path) = request.extensions().get::<MatchedPath>() else { return next.run(request).await };
    if visitor.reader.is_some() || to_strangers(request.method(), path.as_str()).is_open(app.public) {
        return next.run(request).await;
    }
    app.readers.refusal().into_response()
}

/// What a route is to strangers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum ToStrangers {
    /// Open to everybody; it has nothing of the archive, or is protected by a secret.
    Open,
    /// What the archive says of reads.
    Statements,
    /// Articles, or parts of them.
    Articles,
    /// Of the reader only.
    Closed,
}

impl ToStrangers {
    fn is_open(self, public: Public) -> bool {
        match self {
            Self::Open => true,
            Self::Statements => public != Public::Off,
            Self::Articles => public == Public::Articles,
            Self::Closed => false,
        }
    }
}

fn to_strangers(method: &Method, path: &str) -> ToStrangers {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match path {
        "/login" | "/unsubscribe/{token}" => ToStrangers::Open,
        _ if !reads => ToStrangers::Closed,
        "/health"
        | "/robots.txt"
        | "/favicon.ico"
        | "/opensearch.xml"
        | "/assets/{fingerprint}/{name}"
        | "/shelf/{feed}" => ToStrangers::Open,
        "/" | "/weeks" | "/week/{week}" | "/read/{id}" | "/read/{id}/{slug}" | "/sources"
        | "/source/{slug}" | "/concepts" | "/concept/{slug}" | "/search" | "/prior-art" | "/prior-art.md"
        | "/feed.atom" | "/feed.json" | "/weeks.atom" | "/weeks.json" | "/search.atom" | "/search.json"
        | "/api" | "/api/weeks" | "/api/week/{week}" | "/api/search" | "/api/prior-art" | "/api/progress" => {
            ToStrangers::Statements
        }
        "/image/{read}/{name}" | "/api/read/{id}" => ToStrangers::Articles,
        _ => ToStrangers::Closed,
    }
}

/// The hash of a session's token, which is all that is stored of it.
pub(crate) fn hash(token: &str) -> String {
    hex(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
}

/// Browsers accept a cookie with this prefix only over HTTPS and for the whole site (RFC 6265bis,
/// section 4.1.3.2). On this machine there is no HTTPS.
fn cookie_name(headers: &HeaderMap) -> &'static str {
    if hosts::is_loopback(headers) { "backissue-session" } else { "__Host-backissue-session" }
}

/// The token in a request's cookie.
pub(crate) fn token(headers: &HeaderMap) -> Option<String> {
    let name = cookie_name(headers);
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let token = pairs.find(|(own, _)| *own == name)?.1;
    let is_token = token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_token.then(|| token.to_owned())
}

/// A cookie with this token, or one that removes it.
pub(crate) fn cookie(headers: &HeaderMap, token: Option<&str>) -> HeaderValue {
    let name = cookie_name(headers);
    let secure = if hosts::is_loopback(headers) { "" } else { "; Secure" };
    let age = if token.is_some() { SESSION_LASTS.as_secs() } else { 0 };
    let token = token.unwrap_or_default();
    let cookie = format!("{name}={token}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&cookie).expect("names and tokens are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(host: &str, cookies: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("host", host.parse().unwrap());
        for cookie in cookies {
            headers.append("cookie", cookie.parse().unwrap());
        }
        headers
    }

    #[test]
    fn cookie_is_secure_except_on_loopback() {
        let token = "a".repeat(64);
        let set = cookie(&headers("reads.example.org", &[]), Some(&token));
        let rest = "Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax";
        assert_eq!(set, format!("__Host-backissue-session={token}; {rest}; Secure"));
        assert_eq!(
            cookie(&headers("[::1]:7878", &[]), Some(&token)),
            format!("backissue-session={token}; {rest}")
        );
        let gone = cookie(&headers("reads.example.org", &[]), None);
        assert!(gone.to_str().unwrap().contains("session=; Path=/; Max-Age=0;"));
    }

    #[test]
    fn only_the_cookie_of_this_kind_of_host_counts() {
        let (one, two) = ("a".repeat(64), "b".repeat(64));
        let (secure, plain) =
            (format!("x=1; __Host-backissue-session={one}"), format!("backissue-session={two}"));
        let both = [secure.as_str(), plain.as_str()];
        assert_eq!(token(&headers("reads.example.org", &both)), Some(one));
        assert_eq!(token(&headers("localhost:7878", &both)), Some(two));
        assert_eq!(token(&headers("reads.example.org", &both[1..])), None);
        for wrong in
            ["", "__Host-backissue-session", "__Host-backissue-session=", "__Host-backissue-session=é"]
        {
            let mut headers = headers("reads.example.org", &[]);
            headers.append("cookie", HeaderValue::from_bytes(wrong.as_bytes()).unwrap());
            assert_eq!(token(&headers), None, "{wrong}");
        }
    }

    #[test]
    fn unknown_routes_and_changes_are_closed_to_strangers() {
        assert_eq!(to_strangers(&Method::GET, "/new"), ToStrangers::Closed);
        assert_eq!(to_strangers(&Method::POST, "/"), ToStrangers::Closed);
        assert_eq!(to_strangers(&Method::DELETE, "/weeks"), ToStrangers::Closed);
        assert_eq!(to_strangers(&Method::HEAD, "/weeks"), ToStrangers::Statements);
    }

    #[test]
    fn only_a_proxy_on_this_machine_names_its_client() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        for (peer, forwarded, client) in [
            ("127.0.0.1", None, "127.0.0.1"),
            ("127.0.0.1", Some("203.0.113.9"), "203.0.113.9"),
            ("::1", Some("10.0.0.1, 2001:db8::7"), "2001:db8::7"),
            ("127.0.0.1", Some("unknown"), "127.0.0.1"),
            ("198.51.100.7", Some("203.0.113.9"), "198.51.100.7"),
        ] {
            let (mut extensions, mut headers) = (Extensions::new(), HeaderMap::new());
            extensions.insert(Peer(address(peer)));
            headers.extend(
                forwarded.map(|text| {
                    (axum::http::HeaderName::from_static("x-forwarded-for"), text.parse().unwrap())
                }),
            );
            assert_eq!(Peer::of(&extensions, &headers), address(client), "{peer} {forwarded:?}");
        }
    }
}
