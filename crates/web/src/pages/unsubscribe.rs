//! `/unsubscribe/{token}`: a recipient stops the mails.
//!
//! The token in the address is the permission. It is only in the recipient's mails. Mail programs
//! send a `POST` after one click (RFC 8058), so no form token is needed. A person gets a page with
//! a button, because some programs open every link in a mail.

use axum::extract::{Path, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use backissue_store::OwnDigest;
use jiff::Timestamp;
use maud::{Markup, html};

use crate::App;
use crate::fault::Fault;
use crate::frame::{Document, Frame};

/// `/unsubscribe/{token}`
pub(crate) async fn ask(
    frame: Frame,
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    let Ok(name) = recipient(&app, &token) else {
        let now = Timestamp::now();
        let subscriber = app.store.subscriber(&token, now).await?.filter(|found| found.is_confirmed);
        let address = match subscriber {
            Some(found) => Some(found.address),
            None => own_digest(&app, &token, now).await?.map(|own| own.address),
        };
        return match address {
            Some(address) => Ok(page(&frame, question(&token, &address))),
            None => already(&frame, &app, &token).await,
        };
    };
    let is_stopped = app.store.recipient(name, Timestamp::now()).await?.unsubscribed_at.is_some();
    if is_stopped {
        return Ok(page(&frame, html! { div.head { h1 { "Unsubscribed" } } (stopped(name)) }));
    }
    Ok(page(&frame, question(&token, name)))
}

fn question(token: &str, name: &str) -> Markup {
    html! {
        div.head { h1 { "Stop these mails?" } }
        form method="post" action={ "/unsubscribe/" (token) } {
            p { "“" (name) "” gets a week of reads as a mail." }
            p.acts { button { "Stop the mails" } }
        }
    }
}

/// `POST /unsubscribe/{token}`
pub(crate) async fn stop(
    frame: Frame,
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    let Ok(name) = recipient(&app, &token) else {
        let now = Timestamp::now();
        let is_removed = app.store.remove_subscriber(&token, now).await?
            || match own_digest(&app, &token, now).await? {
                Some(own) => app.store.remove_own_digest(own.reader, now).await?,
                None => false,
            };
        if !is_removed {
            return already(&frame, &app, &token).await;
        }
        let deleted = html! {
            div.head { h1 { "Unsubscribed" } }
            p { "You get no more mails, and your address is deleted." }
        };
        return Ok(page(&frame, deleted));
    };
    app.store.set_unsubscribed(name, true, Timestamp::now()).await?;
    Ok(page(&frame, html! { div.head { h1 { "Unsubscribed" } } (stopped(name)) }))
}

/// The reader's digest whose mails have this token.
async fn own_digest(app: &App, token: &str, now: Timestamp) -> Result<Option<OwnDigest>, Fault> {
    Ok(app.store.own_digest_of(token, now).await?.filter(|own| own.is_confirmed))
}

/// The page for a link that was used. It says nothing about the address, which is deleted.
async fn already(frame: &Frame, app: &App, token: &str) -> Result<Response, Fault> {
    if !app.store.was_stopped(token).await? {
        return Err(Fault::NoSuchPage);
    }
    let main = html! {
        div.head { h1 { "Already unsubscribed" } }
        p { "This link has stopped the mails before. Nothing more is sent." }
    };
    Ok(page(frame, main))
}

fn stopped(name: &str) -> Markup {
    html! {
        p { "“" (name) "” gets no more mails. The operator of this archive can undo it with " code { "backissue send --to " (name) " --resume" } "." }
    }
}

fn page(frame: &Frame, main: Markup) -> Response {
    let document = Document { title: "Mails".to_owned(), unlisted: true, main, ..Document::default() };
    let mut response = frame.page(document).into_response();
    response.headers_mut().insert(CACHE_CONTROL, axum::http::HeaderValue::from_static("private, no-store"));
    response
}

/// The recipient whose mails have this token.
fn recipient<'a>(app: &'a App, token: &str) -> Result<&'a str, Fault> {
    app.unsubscribe.get(token).map(String::as_str).ok_or(Fault::NoSuchPage)
}
