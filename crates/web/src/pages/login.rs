//! Login, logout and sessions: `/login`, `/logout`, `/sessions`, `/sessions/end`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::extract::{FromRequest, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use backissue_model::ReaderId;
use backissue_store::Session;
use jiff::Timestamp;
use maud::{Markup, html};

use crate::App;
use crate::access::{self, LogIn, Peer, Visitor};
use crate::fault::Fault;
use crate::forms::{Anybodys, Readers, Signed, back_of, random_text, sent_to};
use crate::frame::{Document, Frame};
use crate::words;

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
/// Maximum bytes of a password that is examined.
const PASSWORD_MAX: usize = backissue_model::PASSWORD_MAX;

/// `GET /login`
pub(crate) async fn ask(
    frame: Frame,
    State(app): State<App>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let back = back_of(&query);
    match &*app.readers {
        Readers::ReadOnly(why) => Err(Fault::ReadOnly(why.clone())),
        Readers::One(_) => Ok(sent_to(back)),
        Readers::LogIn(_) if frame.reader.is_some() => Ok(sent_to(back)),
        Readers::LogIn(log_in) => Ok(page(&frame, log_in, &headers, &back, None)),
    }
}

/// `POST /login`: begins a session.
pub(crate) async fn log_in(
    frame: Frame,
    State(app): State<App>,
    request: Request,
) -> Result<Response, Fault> {
    let headers = request.headers().clone();
    let peer = Peer::of(request.extensions(), &headers);
    let before = Visitor::of(request.extensions());
    let form = Anybodys::from_request(request, &app).await?;
    let Readers::LogIn(log_in) = &*app.readers else { return Ok(sent_to(form.back.as_str())) };
    if !log_in.is_safe_for(&headers) {
        return Ok(refused(page(&frame, log_in, &headers, &form.back, None), StatusCode::FORBIDDEN));
    }
    let password = form.fields.get("password").map(String::as_str).unwrap_or_default();
    if let Err(wait) = log_in.throttle.attempt(peer, Instant::now()) {
        tracing::warn!(%peer, "a login from {peer} was refused: too many attempts");
        return Ok(too_early(page(&frame, log_in, &headers, &form.back, Some(&later(wait))), wait));
    }
    let token = random_text();
    let session = if password.len() > PASSWORD_MAX {
        None
    } else {
        let _place =
            log_in.examining.acquire().await.map_err(|e| Fault::from_bug("nobody can log in", &e))?;
        let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
        app.store.log_in(ReaderId::ONE, password, &access::hash(&token), agent, Timestamp::now()).await?
    };
    let Some(session) = session else {
        tracing::warn!(%peer, "a login from {peer} failed: the password is wrong");
        let page = page(&frame, log_in, &headers, &form.back, Some("The password is wrong."));
        return Ok(refused(page, StatusCode::FORBIDDEN));
    };
    log_in.throttle.succeeded(peer);
    tracing::info!(%peer, session = session.id, "a login from {peer}");
    // A browser has one session.
    if let (Some(reader), Some(session)) = (before.reader, before.session) {
        app.store.end_session(reader, session).await?;
    }
    let mut answer = sent_to(form.back.as_str());
    answer.headers_mut().insert(SET_COOKIE, access::cookie(&headers, Some(&token)));
    Ok(answer)
}

fn later(wait: Duration) -> String {
    let seconds = seconds_of(wait);
    format!("There were too many attempts. Try again in {}.", words::count(seconds, "second"))
}

fn seconds_of(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn refused(mut page: Response, status: StatusCode) -> Response {
    *page.status_mut() = status;
    page
}

fn too_early(page: Response, wait: Duration) -> Response {
    let mut page = refused(page, StatusCode::TOO_MANY_REQUESTS);
    page.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds_of(wait)));
    page
}

/// The page of the login; `said` says why the last attempt failed.
fn page(frame: &Frame, log_in: &LogIn, headers: &HeaderMap, back: &str, said: Option<&str>) -> Response {
    let document = Document {
        title: "Log in".to_owned(),
        unlisted: true,
        main: html! {
            div.head { h1 { "Log in" } }
            section.own {
                @if log_in.is_safe_for(headers) { (form(frame, back, said)) }
                @else {
                    p { "A login needs HTTPS, since the password would travel readable for everybody on the way. Put a proxy with TLS in front of "
                        "Backissue, and set " code { "base_url" } " to its address, which begins with https://." }
                }
            }
        },
        ..Document::default()
    };
    let mut answer = frame.page(document).into_response();
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    answer
}

fn form(frame: &Frame, back: &str, said: Option<&str>) -> Markup {
    html! {
        form #login method="post" action="/login" {
            (frame.form_fields_to(back))
            // For password managers.
            input type="text" name="username" value="reader" autocomplete="username" hidden;
            label for="password" { "Password of this archive" }
            input #password type="password" name="password" autocomplete="current-password" required maxlength=(PASSWORD_MAX)
                aria-describedby=[said.map(|_| "login-said")];
            @if let Some(said) = said { p #login-said .lost role="alert" { (said) } }
            div.row { button { "Log in" } }
        }
        p.quiet { "The operator of this archive sets the password with " code { "backissue reader password" } "." }
    }
}

/// `POST /logout`: ends the browser's session, and makes the browser forget its pages and drafts.
pub(crate) async fn log_out(
    State(app): State<App>,
    headers: HeaderMap,
    form: Signed,
) -> Result<Response, Fault> {
    if let Some(session) = form.session {
        app.store.end_session(form.reader, session).await?;
    }
    Ok(logged_out(&headers))
}

fn logged_out(headers: &HeaderMap) -> Response {
    let mut answer = sent_to("/");
    answer.headers_mut().insert(SET_COOKIE, access::cookie(headers, None));
    answer.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\", \"storage\""));
    answer
}

/// `GET /sessions`: the browsers that are logged in.
pub(crate) async fn sessions(frame: Frame, State(app): State<App>) -> Result<Response, Fault> {
    let reader = frame.required()?;
    let sessions = app.store.sessions(reader, frame.now).await?;
    let own = frame.visitor().session;
    let document = Document {
        title: "Sessions".to_owned(),
        unlisted: true,
        main: html! {
            div.head {
                h1 { "Sessions" }
                @if own.is_none() { p.tally { "Only this machine can open the pages, so nobody logs in." } }
                @else { p.tally { "Browsers that are logged in. Each is logged out 30 days after it was last used." } }
            }
            @for session in &sessions { (one(&frame, session, own == Some(session.id))) }
            @if own.is_some() && sessions.len() > 1 {
                form method="post" action="/sessions/end" {
                    (frame.form_fields())
                    p.acts { button name="session" value="others" { "End all others" } }
                }
            }
        },
        ..Document::default()
    };
    let mut answer = frame.page(document).into_response();
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(answer)
}

fn one(frame: &Frame, session: &Session, is_own: bool) -> Markup {
    let zone = frame.zone();
    let agent = if session.agent.is_empty() { "A browser without a name" } else { &session.agent };
    html! {
        article.noted {
            h2 { (agent) }
            p.under {
                @if is_own { strong { "This browser. " } }
                "Since " time datetime=(session.made_at) { (words::date(session.made_at, zone)) }
                ", last used " time datetime=(session.used_at) { (words::date(session.used_at, zone)) }
            }
            form method="post" action="/sessions/end" {
                (frame.form_fields())
                p.acts { button name="session" value=(session.id) { "End it" span.unseen { ": " (agent) } } }
            }
        }
    }
}

/// `POST /sessions/end`: ends one session, or all but the browser's own.
pub(crate) async fn end(State(app): State<App>, headers: HeaderMap, form: Signed) -> Result<Response, Fault> {
    match (form.field("session")?, form.session) {
        ("others", Some(own)) => app.store.end_other_sessions(form.reader, own).await?,
        (id, own) => {
            let id = id.parse().map_err(|_| Fault::BadForm("It names no session".to_owned()))?;
            app.store.end_session(form.reader, id).await?;
            if own == Some(id) {
                return Ok(logged_out(&headers));
            }
        }
    }
    Ok(form.back(None, ""))
}
