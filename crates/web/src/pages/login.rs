//! Login, logout and sessions: `/login`, `/logout`, `/sessions`, `/sessions/end`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::extract::{FromRequest, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, RETRY_AFTER, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use backissue_model::{ReaderId, ReaderName};
use backissue_store::Session;
use jiff::Timestamp;
use maud::{Markup, html};

use crate::App;
use crate::access::{self, client};
use crate::fault::{Fault, seconds_of};
use crate::forms::{Anybodys, Signed, back_of, sent_to};
use crate::frame::{Document, Frame};
use crate::parts::openid;
use crate::readers::{self, Accounts, LogIn, Readers, Visitor, random_text};
use crate::words;

/// Maximum bytes of a name that is looked up.
const NAME_MAX: usize = 1_000;
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
        Readers::LogIn(_) if frame.reader.is_some() => Ok(sent_to(back)),
        readers if let Some(why) = readers.why_read_only() => Err(Fault::ReadOnly(why.to_owned())),
        Readers::LogIn(log_in) => Ok(page(&frame, log_in, &headers, &Typed::new(&back), None)),
        Readers::ReadOnly(_) => Ok(sent_to(back)),
    }
}

/// What was typed into the form before, without the password.
struct Typed<'f> {
    back: &'f str,
    name: &'f str,
}

impl<'f> Typed<'f> {
    fn new(back: &'f str) -> Self {
        Self { back, name: "" }
    }
}

/// The reader whose account is called `name`. `None` if there is none.
async fn account(app: &App, log_in: &LogIn, name: &str) -> Result<Option<ReaderId>, Fault> {
    match log_in.accounts {
        Accounts::One(reader) => Ok(Some(reader)),
        Accounts::Several { .. } => {
            let Ok(name) = name.parse::<ReaderName>() else { return Ok(None) };
            Ok(app.store.reader_named(&name, Timestamp::now()).await?.map(|reader| reader.id))
        }
    }
}

/// `POST /login`: begins a session.
pub(crate) async fn log_in(
    frame: Frame,
    State(app): State<App>,
    request: Request,
) -> Result<Response, Fault> {
    let headers = request.headers().clone();
    let peer = client(&app, request.extensions(), &headers);
    let before = Visitor::of(request.extensions());
    let form = Anybodys::from_request(request, &app).await?;
    let Readers::LogIn(log_in) = &*app.readers else { return Ok(sent_to(form.back.as_str())) };
    let field = |name: &str| form.fields.get(name).map(String::as_str).unwrap_or_default();
    let (name, password) = (field("username"), field("password"));
    let typed = Typed { back: &form.back, name: if name.len() > NAME_MAX { "" } else { name } };
    if !log_in.is_safe_for(&headers) {
        return Ok(refused(page(&frame, log_in, &headers, &typed, None), StatusCode::FORBIDDEN));
    }
    let throttled = account_of(log_in, typed.name);
    if let Err(wait) = log_in.throttle.attempt(peer, &throttled, Instant::now()) {
        tracing::warn!(%peer, "a login from {peer} was refused: too many attempts");
        return Ok(too_early(page(&frame, log_in, &headers, &typed, Some(&later(wait))), wait));
    }
    let token = random_text();
    let session = if password.len() > PASSWORD_MAX {
        None
    } else {
        let _place = log_in.place().await?;
        let reader = account(&app, log_in, typed.name).await?;
        let agent = agent_of(&headers);
        app.store.log_in(reader, password, &readers::hash(&token), agent, Timestamp::now()).await?
    };
    let Some(session) = session else {
        tracing::warn!(%peer, "a login from {peer} failed: the password is wrong");
        let why = match log_in.accounts {
            Accounts::One(_) => "The password is wrong.",
            Accounts::Several { .. } => "The name or the password is wrong.",
        };
        return Ok(refused(page(&frame, log_in, &headers, &typed, Some(why)), StatusCode::FORBIDDEN));
    };
    log_in.throttle.succeeded(peer, &throttled);
    tracing::info!(%peer, session = session.id, "a login of reader {} from {peer}", session.reader);
    logged_in(&app, before, &headers, &token, &form.back).await
}

/// Sends the browser on with its new session, which replaces the one before.
pub(crate) async fn logged_in(
    app: &App,
    before: Visitor,
    headers: &HeaderMap,
    token: &str,
    to: &str,
) -> Result<Response, Fault> {
    if let (Some(reader), Some(session)) = (before.reader, before.session) {
        app.store.end_session(reader, session).await?;
    }
    let mut answer = sent_to(to);
    answer.headers_mut().insert(SET_COOKIE, access::cookie(headers, Some(token)));
    Ok(answer)
}

/// The name under which guesses for an account are counted.
fn account_of(log_in: &LogIn, name: &str) -> String {
    match log_in.accounts {
        Accounts::One(reader) => reader.to_string(),
        Accounts::Several { .. } => {
            name.parse::<ReaderName>().map_or_else(|_| name.to_owned(), |name| name.to_string())
        }
    }
}

/// The browser's `User-Agent`.
pub(crate) fn agent_of(headers: &HeaderMap) -> &str {
    headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default()
}

pub(crate) fn later(wait: Duration) -> String {
    let seconds = seconds_of(wait);
    format!("There were too many attempts. Try again in {}.", words::count(seconds, "second"))
}

pub(crate) fn refused(mut page: Response, status: StatusCode) -> Response {
    *page.status_mut() = status;
    page
}

pub(crate) fn too_early(page: Response, wait: Duration) -> Response {
    let mut page = refused(page, StatusCode::TOO_MANY_REQUESTS);
    page.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds_of(wait)));
    page
}

/// The page of the login; `said` says why the last attempt failed.
fn page(
    frame: &Frame,
    log_in: &LogIn,
    headers: &HeaderMap,
    typed: &Typed<'_>,
    said: Option<&str>,
) -> Response {
    let document = Document {
        title: "Log in".to_owned(),
        unlisted: true,
        main: html! {
            div.head { h1 { "Log in" } }
            section.own {
                @if log_in.is_safe_for(headers) { (form(frame, log_in, typed, said)) } @else { (needs_https()) }
            }
            @if let Some(openid) = log_in.openid.as_ref().filter(|_| log_in.is_safe_for(headers)) {
                section.own #openid {
                    (openid::link(openid, &openid::begins_at(typed.back)))
                    (openid::about_logout(openid))
                }
            }
        },
        ..Document::default()
    };
    not_stored(frame.page(document))
}

/// A page that browsers and proxies do not store.
pub(crate) fn not_stored(page: impl IntoResponse) -> Response {
    let mut answer = page.into_response();
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    answer
}

/// A message about why there is no field for a password.
pub(crate) fn needs_https() -> Markup {
    html! {
        p { "A login needs HTTPS, since the password would travel readable for everybody on the way. Put a proxy with TLS in front of "
            "Backissue, and set " code { "base_url" } " to its address, which begins with https://." }
    }
}

fn form(frame: &Frame, log_in: &LogIn, typed: &Typed<'_>, said: Option<&str>) -> Markup {
    let is_one = matches!(log_in.accounts, Accounts::One(_));
    html! {
        form #login method="post" action="/login" {
            (frame.form_fields_to(typed.back))
            @if is_one {
                // For password managers.
                input type="text" name="username" value="reader" autocomplete="username" hidden;
                label for="password" { "Password of this archive" }
            } @else {
                label for="username" { "Your name" }
                input #username type="text" name="username" value=(typed.name) autocomplete="username" autocapitalize="none"
                    spellcheck="false" required maxlength=(NAME_MAX) aria-describedby=[said.map(|_| "login-said")];
                label for="password" { "Password" }
            }
            input #password type="password" name="password" autocomplete="current-password" required maxlength=(PASSWORD_MAX)
                aria-describedby=[said.map(|_| "login-said")];
            @if let Some(said) = said { p #login-said .lost role="alert" { (said) } }
            div.row { button { "Log in" } }
        }
        @if is_one { p.quiet { "The operator of this archive sets the password with " code { "backissue reader password" } "." } }
        @else { p.quiet { "Accounts are made by the operator of this archive. If you forgot your password, ask there for a new link." } }
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
                @if own.is_none() && frame.has_accounts() { p.tally { "A proxy says who you are. These browsers logged in without it." } }
                @else if own.is_none() { p.tally { "Only this machine can open the pages, so nobody logs in." } }
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
    Ok(not_stored(frame.page(document)))
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
