//! `/subscribe`: strangers subscribe to the week by mail, after they confirmed that the address is
//! theirs.
//!
//! The page answers the same whether an address is known or not. The mailed link opens a page with
//! a button that confirms, because some programs open every link in a mail. The button works once.

use std::time::Instant;

use axum::extract::{FromRequest, Path, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use backissue_model::SubscriberAddress;
use jiff::Timestamp;
use maud::{Markup, html};

use crate::App;
use crate::access::client;
use crate::fault::Fault;
use crate::forms::Anybodys;
use crate::frame::{Document, Frame};
use crate::pages::login::{later, not_stored, refused, too_early};
use crate::readers::random_text;
use crate::subscriptions::Subscriptions;
use crate::words;

/// Maximum bytes of the typed text that the page shows again.
const TYPED_MAX: usize = 300;

fn subscriptions(app: &App) -> Result<&Subscriptions, Fault> {
    app.subscriptions.as_ref().ok_or(Fault::NoSuchPage)
}

/// `GET /subscribe`
pub(crate) async fn ask(frame: Frame, State(app): State<App>) -> Result<Response, Fault> {
    Ok(form(&frame, subscriptions(&app)?, "", None))
}

/// `POST /subscribe`
pub(crate) async fn subscribe(
    frame: Frame,
    State(app): State<App>,
    request: Request,
) -> Result<Response, Fault> {
    let subscriptions = subscriptions(&app)?;
    let peer = client(&app, request.extensions(), request.headers());
    let fields = Anybodys::from_request(request, &app).await?.fields;
    let typed = fields.get("mail").map(String::as_str).unwrap_or_default();
    let address = match typed.parse::<SubscriberAddress>() {
        Ok(address) => address,
        Err(error) => {
            let page = form(&frame, subscriptions, typed, Some(&words::sentence(&error.to_string())));
            return Ok(refused(page, StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    if let Err(wait) = subscriptions.throttle.attempt(peer, address.as_str(), Instant::now()) {
        return Ok(too_early(form(&frame, subscriptions, typed, Some(&later(wait))), wait));
    }
    if app.store.ask_subscriber(&address, &random_text(), Timestamp::now()).await? {
        subscriptions.asked.notify_one();
    }
    let main = html! {
        div.head { h1 { "Look into your mailbox" } }
        section.own {
            p { "A mail with a link is on its way to " strong { (address) } ". Open the link and confirm; it works once, for two days." }
            p { "No mail comes to an address that gets the week already, nor to one that had such a link within the last hour." }
        }
    };
    Ok(page(&frame, main))
}

/// `GET /subscribe/{token}`
pub(crate) async fn ask_again(
    frame: Frame,
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    let subscriptions = subscriptions(&app)?;
    let found = app.store.subscriber(&token, Timestamp::now()).await?;
    let found = found.filter(|found| !found.is_confirmed).ok_or(Fault::NoSuchLink)?;
    let main = html! {
        div.head { h1 { "The week by mail" } }
        form.settle method="post" action={ "/subscribe/" (token) } {
            p { "A week of reads goes to " strong { (found.address) } " " (subscriptions.when) "." }
            p.acts { button { "Confirm" } }
        }
    };
    Ok(page(&frame, main))
}

/// `POST /subscribe/{token}`
pub(crate) async fn confirm(
    frame: Frame,
    State(app): State<App>,
    Path(token): Path<String>,
) -> Result<Response, Fault> {
    let subscriptions = subscriptions(&app)?;
    if !app.store.confirm_subscriber(&token, &random_text(), Timestamp::now()).await? {
        return Err(Fault::NoSuchLink);
    }
    let main = html! {
        div.head { h1 { "Subscribed" } }
        section.own { p { "A week of reads comes " (subscriptions.when) ". Each mail has a link that stops them." } }
    };
    Ok(page(&frame, main))
}

fn form(frame: &Frame, subscriptions: &Subscriptions, typed: &str, wrong: Option<&str>) -> Response {
    let typed = if typed.len() > TYPED_MAX { "" } else { typed };
    let main = html! {
        div.head {
            h1 { "The week by mail" }
            p.standfirst { "A week of reads, problem first, " (subscriptions.when) "." }
        }
        section.own {
            form #subscribe .settle method="post" action="/subscribe" {
                (frame.form_fields_to("/"))
                @if let Some(why) = wrong { p #said .lost role="alert" { (why) } }
                div.field {
                    label for="mail" { "Your mail address" }
                    input #mail type="email" name="mail" value=(typed) required maxlength="254" autocomplete="email"
                        aria-invalid=[wrong.map(|_| "true")] aria-describedby=[wrong.map(|_| "said")];
                }
                div.row { button { "Send me a link" } }
                p.quiet { "The address is used for these mails alone, and deleted when you unsubscribe." }
            }
        }
    };
    page(frame, main)
}

fn page(frame: &Frame, main: Markup) -> Response {
    let document =
        Document { title: "The week by mail".to_owned(), unlisted: true, main, ..Document::default() };
    not_stored(frame.page(document))
}
