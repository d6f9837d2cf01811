//! Logging in at the OpenID provider: `/login/openid`, `/login/openid/done`,
//! `/join/{token}/openid`.
//!
//! The data of a login are in a cookie of the browser that started it: a random secret, the time,
//! and the page to return to. State, nonce and the verifier of PKCE are computed from the cookie
//! and a secret of the archive. So nothing is stored, and only this browser can finish the login.
//!
//! The provider sends the browser back by GET, so a GET starts the session. The state protects it
//! in the same way as a form's token protects a form.

use std::collections::HashMap;
use std::time::Instant;

use axum::extract::{Path, Query, Request, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use backissue_model::ReaderName;
use backissue_openid::{Attempt, OpenIdError, Person};
use backissue_store::{OpenIdJoined, OpenIdLogin, OpenIdSession, Session};
use jiff::{SignedDuration, Timestamp};

use crate::App;
use crate::access::{client, cookie_called, new_cookie};
use crate::fault::{Fault, OpenIdFault, reference};
use crate::forms::{back_of, own_address, sent_to};
use crate::frame::Frame;
use crate::pages::login::{agent_of, logged_in, not_stored, refused};
use crate::pages::{account, join};
use crate::readers::{self, FormKey, LogIn, OpenId, Readers, Visitor, random_text};

/// The cookie of a login.
const COOKIE: &str = "backissue-openid";
/// How long a login may take.
const LOGIN_LASTS: SignedDuration = SignedDuration::from_mins(10);
/// Maximum bytes of the page that is returned to. Cookies have 4 KiB.
const BACK_MAX: usize = 2_000;
/// Maximum bytes of a code.
const CODE_MAX: usize = 8_192;

/// The data of a login while the browser is at the provider.
struct Pending<'c> {
    began: Timestamp,
    /// The token of the invitation that is accepted.
    invitation: Option<&'c str>,
    /// The page that is returned to.
    back: String,
}

impl<'c> Pending<'c> {
    /// The value of a new cookie.
    fn cookie(invitation: Option<&str>, back: &str, now: Timestamp) -> String {
        let back = if back.len() > BACK_MAX { "/" } else { back };
        let back: String = url::form_urlencoded::byte_serialize(back.as_bytes()).collect();
        let invitation = invitation.unwrap_or("-");
        format!("{}.{}.{invitation}.{back}", random_text(), now.as_second())
    }

    fn of_cookie(cookie: &'c str) -> Option<Self> {
        let mut parts = cookie.splitn(4, '.').skip(1);
        let (began, invitation, back) = (parts.next()?, parts.next()?, parts.next()?);
        let began = Timestamp::from_second(began.parse().ok()?).ok()?;
        let invitation = (invitation != "-").then_some(invitation);
        let back = url::form_urlencoded::parse(back.as_bytes()).next()?.0;
        Some(Self { began, invitation, back: own_address(&back) })
    }

    fn is_current(&self, now: Timestamp) -> bool {
        let age = now.duration_since(self.began);
        SignedDuration::ZERO <= age && age < LOGIN_LASTS
    }
}

/// The secrets of the login with this cookie.
fn attempt(key: &FormKey, cookie: &str) -> Attempt {
    let derived = |purpose| key.derived(purpose, cookie);
    Attempt { state: derived("state"), nonce: derived("nonce"), verifier: derived("verifier") }
}

/// The settings for logging in at the provider.
fn openid(app: &App) -> Result<(&LogIn, &OpenId), Fault> {
    match &*app.readers {
        Readers::LogIn(log_in) => {
            let openid = log_in.openid.as_ref().filter(|_| app.readers.have_accounts());
            openid.map(|openid| (log_in, openid)).ok_or(Fault::NoSuchPage)
        }
        _ => Err(Fault::NoSuchPage),
    }
}

/// `GET /login/openid`: sends the browser to the provider.
pub(crate) async fn begin(
    frame: Frame,
    State(app): State<App>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    send(&frame, &app, &headers, None, &back_of(&query)).await
}

/// `GET /join/{token}/openid`: sends an invited reader to the provider.
pub(crate) async fn begin_joining(
    frame: Frame,
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    openid(&app)?;
    join::invited(&app, &token).await?;
    send(&frame, &app, &headers, Some(&token), "/").await
}

async fn send(
    frame: &Frame,
    app: &App,
    headers: &HeaderMap,
    invitation: Option<&str>,
    back: &str,
) -> Result<Response, Fault> {
    let (log_in, openid) = openid(app)?;
    if !log_in.is_safe_for(headers) {
        return Ok(refused(not_stored(frame.page(account::without_https())), StatusCode::FORBIDDEN));
    }
    let cookie = Pending::cookie(invitation, back, frame.now);
    let to = openid.provider.login_address(&attempt(&log_in.key, &cookie)).await;
    let mut answer = sent_to(to.map_err(|error| fault_of(openid, &error))?);
    let lasts = LOGIN_LASTS.as_secs().unsigned_abs();
    answer.headers_mut().insert(SET_COOKIE, new_cookie(headers, COOKIE, Some(&cookie), lasts));
    Ok(answer)
}

/// `GET /login/openid/done`: the provider sends the browser back, with a code or an error.
pub(crate) async fn done(
    State(app): State<App>,
    Query(query): Query<HashMap<String, String>>,
    request: Request,
) -> Result<Response, Fault> {
    let headers = &request.headers().clone();
    let peer = client(&app, request.extensions(), headers);
    let before = Visitor::of(request.extensions());
    let (log_in, openid) = openid(&app)?;
    let asked = |name: &str| query.get(name).map(String::as_str);
    let lost = || Fault::OpenId(OpenIdFault::Lost);
    let cookie = cookie_called(headers, COOKIE).ok_or_else(lost)?;
    let is_ours = asked("state").is_some_and(|state| log_in.key.is_derived("state", cookie, state));
    let pending =
        Pending::of_cookie(cookie).filter(|pending| is_ours && pending.is_current(Timestamp::now()));
    let pending = pending.ok_or_else(lost)?;
    // RFC 9207: the answer of another provider.
    if asked("iss").is_some_and(|issuer| issuer != openid.provider.issuer()) {
        return Err(lost());
    }
    let code = asked("code").filter(|code| !code.is_empty() && code.len() <= CODE_MAX);
    let Some(code) = code.filter(|_| asked("error").is_none()) else {
        return Err(Fault::OpenId(OpenIdFault::Denied(openid.provider.name().to_owned())));
    };
    // No account is guessed at here, so each login stands for itself.
    let account = format!("OpenID {cookie}");
    if let Err(wait) = log_in.throttle.attempt(peer, &account, Instant::now()) {
        tracing::warn!(%peer, "a login from {peer} was refused: too many attempts");
        return Err(Fault::TooManyRequests(wait));
    }
    let person = openid.provider.person(code, &attempt(&log_in.key, cookie)).await;
    let person = person.map_err(|error| fault_of(openid, &error))?;
    let token = random_text();
    let session = begin_session(&app, openid, &pending, &person, &token, agent_of(headers)).await?;
    log_in.throttle.succeeded(peer, &account);
    tracing::info!(%peer, session = session.id, "a login of reader {} from {peer}, by OpenID", session.reader);
    let mut answer = logged_in(&app, before, headers, &token, &pending.back).await?;
    answer.headers_mut().append(SET_COOKIE, new_cookie(headers, COOKIE, None, 0));
    Ok(answer)
}

/// Begins a session of the reader who is this person. `token` is the session's.
async fn begin_session(
    app: &App,
    openid: &OpenId,
    pending: &Pending<'_>,
    person: &Person,
    token: &str,
    agent: &str,
) -> Result<Session, Fault> {
    let (store, now, hash) = (&app.store, Timestamp::now(), readers::hash(token));
    let login = OpenIdLogin { issuer: openid.provider.issuer(), subject: &person.subject };
    let name = || openid.provider.name().to_owned();
    if let Some(invitation) = pending.invitation {
        let invitation = readers::hash(invitation);
        return match store.accept_invitation_by_openid(&invitation, login, &hash, agent, now).await? {
            OpenIdJoined::Begun(session) => Ok(session),
            OpenIdJoined::NotInvited => Err(Fault::NoSuchInvitation),
            OpenIdJoined::Taken => Err(Fault::OpenId(OpenIdFault::Taken(name()))),
        };
    }
    match store.log_in_by_openid(login, &hash, agent, now).await? {
        OpenIdSession::Begun(session) => return Ok(session),
        OpenIdSession::Closed => return Err(Fault::OpenId(OpenIdFault::Closed(name()))),
        OpenIdSession::Unknown => {}
    }
    let added = if openid.makes_reader_of(person) {
        store.add_reader_by_openid(login, &reader_name(person), &hash, agent, now).await?
    } else {
        tracing::warn!("a login by OpenID was refused: no reader is linked with {}", person.subject);
        None
    };
    if let Some(session) = &added {
        tracing::info!("a person at {} is reader {} now", openid.provider.name(), session.reader);
    }
    added.ok_or_else(|| Fault::OpenId(OpenIdFault::Unknown { name: name(), subject: person.subject.clone() }))
}

impl OpenId {
    /// Whether a person who is not linked with a reader becomes a new reader.
    fn makes_reader_of(&self, person: &Person) -> bool {
        let domain = person.verified_email.as_deref().and_then(|email| email.rsplit_once('@'));
        let is_in =
            |(_, domain): (&str, &str)| self.domains.iter().any(|own| own.eq_ignore_ascii_case(domain));
        self.make_readers && (self.domains.is_empty() || domain.is_some_and(is_in))
    }
}

/// The name for a new reader: the name that the person prefers, or the mail address up to the `@`.
fn reader_name(person: &Person) -> ReaderName {
    let local =
        person.verified_email.as_deref().and_then(|email| email.split_once('@')).map(|(local, _)| local);
    let wanted = person.name.as_deref().into_iter().chain(local).filter_map(|name| name.parse().ok());
    let mut wanted = wanted.chain("reader".parse::<ReaderName>());
    wanted.next().expect("`reader` is a name")
}

fn fault_of(openid: &OpenId, error: &OpenIdError) -> Fault {
    let (name, reference) = (openid.provider.name().to_owned(), reference());
    tracing::error!(%reference, error = error as &dyn std::error::Error, "a login failed (reference {reference}): {error}");
    Fault::OpenId(match error {
        OpenIdError::Setup(_) | OpenIdError::Down { .. } => OpenIdFault::Down { name, reference },
        OpenIdError::Refused { .. } | OpenIdError::Untrusted { .. } => {
            OpenIdFault::Refused { name, reference }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: Option<&str>, email: Option<&str>) -> Person {
        let text = |text: Option<&str>| text.map(str::to_owned);
        Person { subject: "1".to_owned(), name: text(name), verified_email: text(email) }
    }

    #[test]
    fn cookie_keeps_what_belongs_to_a_login() {
        let now = Timestamp::from_second(1_000_000).unwrap();
        let back = "/shelf?label=a.b&sort=ü";
        let cookie = Pending::cookie(None, back, now);
        assert!(cookie.bytes().all(|byte| byte.is_ascii_graphic() && !b";,\"\\".contains(&byte)), "{cookie}");
        let pending = Pending::of_cookie(&cookie).unwrap();
        assert_eq!((pending.began, pending.invitation), (now, None));
        assert_eq!(pending.back, own_address(back));
        assert!(pending.is_current(now) && !pending.is_current(now + LOGIN_LASTS));
        assert!(!pending.is_current(now - SignedDuration::from_secs(1)));
        let cookie = Pending::cookie(Some("abc"), "/", now);
        assert_eq!(Pending::of_cookie(&cookie).unwrap().invitation, Some("abc"));
        let far = Pending::cookie(None, &"/x".repeat(4_000), now);
        assert_eq!(Pending::of_cookie(&far).unwrap().back, "/");
        for elsewhere in ["//evil.example/", "https://evil.example/"] {
            assert_eq!(Pending::of_cookie(&Pending::cookie(None, elsewhere, now)).unwrap().back, "/");
        }
        for wrong in ["", "a", "a.b.c.d", "a.1.-", "a.99999999999999999999.-.%2F"] {
            assert!(Pending::of_cookie(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn secrets_of_two_logins_differ() {
        let key = FormKey::of("a secret");
        let one = attempt(&key, "cookie");
        assert!(key.is_derived("state", "cookie", &one.state));
        assert!(!key.is_derived("state", "cookie", &one.nonce), "each has its purpose");
        for other in [attempt(&key, "cookie2"), attempt(&FormKey::of("another"), "cookie")] {
            assert_ne!((&one.state, &one.nonce), (&other.state, &other.nonce));
            assert_ne!(one.verifier, other.verifier);
        }
        assert_eq!(one.verifier.len(), 64, "RFC 7636, section 4.1");
    }

    #[test]
    fn new_reader_gets_a_name_that_is_possible() {
        for (name, email, expected) in [
            (Some("Anna"), Some("a@x.example"), "anna"),
            (Some("Anna Smith"), Some("anna.smith@x.example"), "anna.smith"),
            (Some("<b>"), None, "reader"),
            (None, Some("ben@x.example"), "ben"),
            (None, None, "reader"),
        ] {
            assert_eq!(reader_name(&person(name, email)).as_str(), expected);
        }
    }
}
