//! Authenticates requests and checks permissions.
//!
//! [`identify`] determines who sends a request, and [`admit`] refuses what this visitor may not
//! have. Both apply to all routes. A route that is not listed here is for operators only.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::Ordering;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{Extensions, HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use backissue_model::{ReaderName, Role, Scope};
use backissue_store::{SESSION_LASTS, StoreError};
use jiff::Timestamp;

use crate::App;
use crate::api;
use crate::api::v1;
use crate::fault::Fault;
use crate::hosts;
use crate::programs::{self, Program, READER_API, Secret};
use crate::proxies::{self, ProxyUser};
use crate::readers::{Accounts, Public, Readers, Visitor, hash};

/// The address from which a connection comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Peer {
    /// The address from which the connection of a request with these extensions comes.
    fn of(extensions: &Extensions) -> IpAddr {
        extensions.get().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer: &Self| peer.0)
    }
}

/// The address of the client that sent the request with these extensions and headers.
pub(crate) fn client(app: &App, extensions: &Extensions, headers: &HeaderMap) -> IpAddr {
    app.proxies.client(Peer::of(extensions), headers)
}

/// The reason why a token is not accepted, in the extensions of its request, for [`admit`].
#[derive(Clone, Debug)]
struct TokenRefused(Fault);

/// Determines who sends a request.
pub(crate) async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if programs::are_for(path) {
        if let Some(token) = programs::token_in(path, request.headers()) {
            let client = client(&app, request.extensions(), request.headers());
            let (visitor, rate) = app
                .programs
                .visitor(&app.readers, &app.store, client, request.headers(), Secret::Token(token))
                .await;
            match visitor {
                Ok(visitor) => {
                    request.extensions_mut().insert(visitor);
                }
                Err(fault) => {
                    request.extensions_mut().insert(TokenRefused(fault));
                }
            }
            let mut answer = next.run(request).await;
            if let Some(rate) = rate {
                rate.tell(&mut answer);
            }
            return answer;
        }
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return next.run(request).await;
        }
    }
    let peer = Peer::of(request.extensions());
    let (visitor, renewed) = match visitor(&app, peer, request.headers()).await {
        Ok(found) => found,
        Err(error) => return Fault::from(error).without_frame(request.uri().path()),
    };
    // Without a login, everybody whom a proxy lets in would be the operator.
    if app.readers.are_open() && proxies::is_from_elsewhere(request.headers()) {
        return Fault::BehindProxy.into_response();
    }
    request.extensions_mut().insert(visitor);
    let mut answer = next.run(request).await;
    // A response that logs in or out has its own cookie.
    if let Some(cookie) = renewed.filter(|_| !answer.headers().contains_key(SET_COOKIE)) {
        answer.headers_mut().insert(SET_COOKIE, cookie);
    }
    answer
}

/// Who sends a request with these headers over a connection from `peer`. Also returns the session's
/// cookie if the session was extended.
async fn visitor(
    app: &App,
    peer: IpAddr,
    headers: &HeaderMap,
) -> Result<(Visitor, Option<HeaderValue>), StoreError> {
    let log_in = match &*app.readers {
        Readers::ReadOnly(_) => return Ok((Visitor::default(), None)),
        Readers::LogIn(log_in) => log_in,
    };
    if let Accounts::Several { .. } = log_in.accounts {
        match app.proxies.user(peer, headers) {
            ProxyUser::Nobody => {}
            ProxyUser::Named(name) => return Ok((user(app, &name).await?, None)),
            ProxyUser::Unusable => return Ok((Visitor::UNKNOWN_USER, None)),
        }
    }
    if let Some(token) = token(headers)
        && let Some((session, extended)) = app.store.use_session(&hash(&token), Timestamp::now()).await?
    {
        let visitor = match log_in.accounts {
            Accounts::One(reader) if reader == session.reader => {
                Some(Visitor::operator(reader, Some(session.id)))
            }
            // A session from the time when there were several readers.
            Accounts::One(_) => None,
            Accounts::Several { .. } => Some(Visitor {
                reader: Some(session.reader),
                role: session.role,
                session: Some(session.id),
                ..Visitor::default()
            }),
        };
        if let Some(visitor) = visitor {
            log_in.has_password.store(true, Ordering::Relaxed);
            return Ok((visitor, extended.then(|| cookie(headers, Some(&token)))));
        }
    }
    // A password that is set or removed counts at once, or within 10 ms if another process did it.
    let has_password = match log_in.accounts {
        Accounts::One(reader) => app.store.has_password(reader).await,
        Accounts::Several { .. } => app.store.has_passwords().await,
    };
    match has_password {
        Ok(has_password) => {
            log_in.has_password.store(has_password, Ordering::Relaxed);
            if let Some(reader) = log_in.reader_without_password().filter(|_| !has_password) {
                return Ok((Visitor::operator(reader, None), None));
            }
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "nobody can log in: {error}");
        }
    }
    Ok((Visitor::default(), None))
}

/// The reader whom a proxy names.
async fn user(app: &App, name: &ReaderName) -> Result<Visitor, StoreError> {
    let now = Timestamp::now();
    let mut reader = app.store.reader_named(name, now).await?;
    let makes_readers = app.proxies.users.as_ref().is_some_and(|users| users.make_readers);
    if reader.is_none() && makes_readers {
        if let Some(id) = app.store.add_reader(name, Role::Reader).await? {
            tracing::info!("the proxy's user {name} is reader {id} now");
        }
        reader = app.store.reader_named(name, now).await?;
    }
    let open = reader.filter(|reader| reader.closed.is_none());
    Ok(open.map_or(Visitor::UNKNOWN_USER, |reader| Visitor {
        reader: Some(reader.id),
        role: reader.role,
        ..Visitor::default()
    }))
}

/// Refuses requests that the visitor has no permission for.
pub(crate) async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    let visitor = Visitor::of(request.extensions());
    if let Some(TokenRefused(fault)) = request.extensions().get() {
        return fault.clone().into_response();
    }
    // Without a route, there is nothing to see.
    let Some(path) = request.extensions().get::<MatchedPath>() else { return next.run(request).await };
    let program = Program::of(visitor);
    let needed = needs(request.method(), path.as_str());
    let is_open = match needed {
        Needs::Nothing => true,
        Needs::Statements => visitor.reader.is_some() || app.public() != Public::Off,
        Needs::Articles => visitor.sees_articles(&app),
        Needs::Reader => visitor.reader.is_some(),
        Needs::Saving => visitor.may_save(&app),
        Needs::Operator => visitor.is_operator(),
        Needs::Token(scope) => program.is_some_and(|program| program.scope >= scope),
        Needs::Figures => {
            visitor.is_operator() || api::permits_figures(app.operator.as_ref(), request.headers())
        }
    };
    if is_open {
        return next.run(request).await;
    }
    let refusal = match (needed, program) {
        (Needs::Token(scope), Some(_)) => Fault::NarrowToken(scope),
        (Needs::Operator, Some(_)) => Fault::NarrowToken(Scope::Operate),
        (Needs::Saving, Some(program)) if program.scope < Scope::Write => Fault::NarrowToken(Scope::Write),
        (Needs::Token(_), None) if visitor.reader.is_some() => Fault::NoToken,
        _ if visitor.reader.is_some() => Fault::OnlyOperators,
        _ if visitor.is_unknown_user => Fault::NoAccount,
        _ => match app.readers.refusal() {
            Fault::NotLoggedIn if programs::are_for(path.as_str()) => match needed {
                Needs::Token(_) | Needs::Saving => Fault::NoToken,
                _ => Fault::NoReader,
            },
            refusal => refusal,
        },
    };
    refusal.into_response()
}

/// The permission that a route needs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Needs {
    /// None: the route shows nothing of the archive, or a secret in its address protects it.
    Nothing,
    /// To see statements about reads.
    Statements,
    /// To see articles, or parts of them.
    Articles,
    /// To be a reader.
    Reader,
    /// To be a reader who may save pages.
    Saving,
    /// To be an operator.
    Operator,
    /// To be a program with a reader's token of this scope.
    Token(Scope),
    /// To be an operator, or to send the token for metrics.
    Figures,
}

fn needs(method: &Method, path: &str) -> Needs {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match path {
        // The router answers that the path has no such method.
        _ if v1::lacks(method, path) => Needs::Nothing,
        "/login" | "/unsubscribe/{token}" | "/subscribe/{token}" | "/digest/{token}" | "/join/{token}" => {
            Needs::Nothing
        }
        "/login/openid" | "/login/openid/done" | "/join/{token}/openid" if reads => Needs::Nothing,
        "/subscribe" => Needs::Statements,
        "/health"
        | "/healthz"
        | "/readyz"
        | "/robots.txt"
        | "/favicon.ico"
        | "/opensearch.xml"
        | "/manifest.webmanifest"
        | "/sw.js"
        | "/assets/{fingerprint}/{name}"
        | "/shelf/{feed}"
            if reads =>
        {
            Needs::Nothing
        }
        "/"
        | "/weeks"
        | "/week/{week}"
        | "/read/{id}"
        | "/read/{id}/{slug}"
        | "/sources"
        | "/source/{slug}"
        | "/companies"
        | "/company/{slug}"
        | "/concepts"
        | "/concept/{slug}"
        | "/search"
        | "/prior-art"
        | "/prior-art.md"
        | "/feed.atom"
        | "/feed.json"
        | "/weeks.atom"
        | "/weeks.json"
        | "/search.atom"
        | "/search.json"
        | "/api"
        | "/api/weeks"
        | "/api/week/{week}"
        | "/api/search"
        | "/api/prior-art"
        | "/api/progress"
        | "/api/openapi.json"
        | "/api/v1/weeks"
        | "/api/v1/weeks/{week}"
        | "/api/v1/reads"
        | "/api/v1/facets"
        | "/api/v1/reads/{id}"
        | "/api/v1/reads/{id}/similar"
        | "/api/v1/search"
        | "/api/v1/prior-art"
        | "/api/v1/concepts"
        | "/api/v1/concepts/{slug}"
        | "/api/v1/sources"
        | "/api/v1/sources/{slug}"
        | "/api/v1/companies"
        | "/api/v1/digests"
        | "/api/v1/digests/{week}"
            if reads =>
        {
            Needs::Statements
        }
        "/api/v1/reads/{id}/mine" | "/api/v1/labels" | "/api/v1/cards/next" | "/api/v1/searches" if reads => {
            Needs::Reader
        }
        "/api/v1/models" | "/api/v1/webhooks" if reads => Needs::Operator,
        "/api/v1/reads/{id}/marks/{mark}"
        | "/api/v1/reads/{id}/note"
        | "/api/v1/reads/{id}/labels/{label}"
        | "/api/v1/reads/{id}/highlights"
        | "/api/v1/highlights/{id}"
        | "/api/v1/reads/{id}/answers"
        | "/api/v1/answers/{id}/rating"
        | "/api/v1/searches"
        | "/api/v1/searches/{id}"
        | "/api/v1/searches/{id}/seen" => Needs::Token(Scope::Write),
        "/api/v1/sources"
        | "/api/v1/sources/{slug}"
        | "/api/v1/webhooks"
        | "/api/v1/webhooks/{id}"
        | "/api/v1/webhooks/{id}/test" => Needs::Token(Scope::Operate),
        "/api/v1/token" if reads => Needs::Token(Scope::Read),
        "/api/greader.php/accounts/ClientLogin" | "/api/fever.php" => Needs::Nothing,
        "/api/greader.php/reader/api/0/edit-tag" | "/api/greader.php/reader/api/0/mark-all-as-read" => {
            Needs::Token(Scope::Write)
        }
        "/api/greader.php/reader/api/0/subscription/edit"
        | "/api/greader.php/reader/api/0/subscription/quickadd" => Needs::Token(Scope::Operate),
        "/mcp" => Needs::Token(Scope::Read),
        _ if path.starts_with(READER_API) => Needs::Token(Scope::Read),
        "/image/{read}/{name}" | "/api/read/{id}" | "/api/v1/reads/{id}/article" if reads => Needs::Articles,
        "/metrics" if reads => Needs::Figures,
        "/shelf"
        | "/notes"
        | "/searches"
        | "/practise"
        | "/practise/card"
        | "/practise/answer/{id}"
        | "/practise/cards.csv"
        | "/account"
        | "/account/mine.json"
        | "/offline.json"
        | "/sessions"
            if reads =>
        {
            Needs::Reader
        }
        "/marks"
        | "/undo"
        | "/week/{week}/done"
        | "/note/{id}"
        | "/labels/{id}"
        | "/highlights/{id}"
        | "/highlight/{id}/remark"
        | "/highlight/{id}/remove"
        | "/shelf/address"
        | "/searches/save"
        | "/searches/{id}/change"
        | "/searches/{id}/seen"
        | "/searches/{id}/remove"
        | "/practise/reveal/{id}"
        | "/practise/rate/{id}"
        | "/practise/remove/{id}"
        | "/account/digest"
        | "/account/digest/stop"
        | "/account/password"
        | "/account/opening"
        | "/account/tokens"
        | "/account/tokens/{id}/remove"
        | "/sessions/end"
        | "/logout" => Needs::Reader,
        "/save" | "/api/v1/reads" => Needs::Saving,
        _ => Needs::Operator,
    }
}

/// The name of a session's cookie.
const SESSION: &str = "backissue-session";

/// The prefix of a cookie's name. Browsers accept a cookie with this prefix only over HTTPS and for
/// the whole site (RFC 6265bis, section 4.1.3.2). It is empty for a request to this machine, which
/// does not use HTTPS.
fn prefix(headers: &HeaderMap) -> &'static str {
    if hosts::is_loopback(headers) { "" } else { "__Host-" }
}

/// The value of a request's cookie.
pub(crate) fn cookie_called<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let prefix = prefix(headers);
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(own, _)| own.strip_prefix(prefix) == Some(name)).map(|(_, value)| value)
}

/// A cookie that lasts for some seconds, or one that removes it. The name and the value have only
/// visible ASCII characters.
pub(crate) fn new_cookie(headers: &HeaderMap, name: &str, value: Option<&str>, lasts: u64) -> HeaderValue {
    let prefix = prefix(headers);
    let secure = if prefix.is_empty() { "" } else { "; Secure" };
    let age = if value.is_some() { lasts } else { 0 };
    let value = value.unwrap_or_default();
    let cookie = format!("{prefix}{name}={value}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::from_str(&cookie).expect("names and values are ASCII")
}

/// The token in a request's cookie.
pub(crate) fn token(headers: &HeaderMap) -> Option<String> {
    let token = cookie_called(headers, SESSION)?;
    let is_token = token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_token.then(|| token.to_owned())
}

/// A cookie with this token, or one that removes it.
pub(crate) fn cookie(headers: &HeaderMap, token: Option<&str>) -> HeaderValue {
    new_cookie(headers, SESSION, token, SESSION_LASTS.as_secs().unsigned_abs())
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
    fn unknown_routes_and_changes_are_for_operators() {
        assert_eq!(needs(&Method::GET, "/new"), Needs::Operator);
        assert_eq!(needs(&Method::POST, "/"), Needs::Operator);
        assert_eq!(needs(&Method::DELETE, "/weeks"), Needs::Operator);
        assert_eq!(needs(&Method::HEAD, "/weeks"), Needs::Statements);
    }
}
