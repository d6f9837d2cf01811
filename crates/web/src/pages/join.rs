//! Invitations: `/join/{token}`, where an invited reader sets a password.

use axum::extract::{FromRequest, Path, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use backissue_model::{Reader, Role};
use jiff::Timestamp;
use maud::html;

use crate::App;
use crate::access::client;
use crate::fault::Fault;
use crate::forms::Anybodys;
use crate::frame::{Document, Frame};
use crate::pages::account::{first_password_fields, typed_twice, without_https};
use crate::pages::login::{agent_of, logged_in, not_stored, refused};
use crate::parts::openid;
use crate::readers::{self, LogIn, Readers, Visitor, random_text};
use crate::words;

/// `GET /join/{token}`
pub(crate) async fn ask(
    frame: Frame,
    State(app): State<App>,
    Path(token): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let (log_in, reader) = invited(&app, &token).await?;
    Ok(page(&frame, log_in, &headers, &token, &reader, None))
}

/// The reader whom an invitation is for.
pub(crate) async fn invited<'a>(app: &'a App, token: &str) -> Result<(&'a LogIn, Reader), Fault> {
    let Readers::LogIn(log_in) = &*app.readers else { return Err(Fault::NoSuchInvitation) };
    if !app.readers.have_accounts() {
        return Err(Fault::NoSuchInvitation);
    }
    let reader = app.store.invited(&readers::hash(token), Timestamp::now()).await?;
    Ok((log_in, reader.ok_or(Fault::NoSuchInvitation)?))
}

fn page(
    frame: &Frame,
    log_in: &LogIn,
    headers: &HeaderMap,
    token: &str,
    reader: &Reader,
    wrong: Option<&str>,
) -> Response {
    if !log_in.is_safe_for(headers) {
        return refused(not_stored(frame.page(without_https())), StatusCode::FORBIDDEN);
    }
    let document = Document {
        title: "Welcome".to_owned(),
        unlisted: true,
        main: html! {
            div.head {
                h1 { "Welcome, " (reader.name) }
                p.standfirst {
                    @match (reader.has_password, reader.role) {
                        (true, _) => "Set a new password for your account. Your sessions end.",
                        (false, Role::Operator) => "You are invited to operate this archive. Set a password, and remember your name: you log in with both.",
                        (false, Role::Reader) => "You are invited to read here. Set a password, and remember your name: you log in with both.",
                    }
                }
            }
            section.own {
                form #join .settle method="post" action={ "/join/" (token) } {
                    (frame.form_fields_to("/"))
                    // For password managers.
                    input type="text" name="username" value=(reader.name) autocomplete="username" hidden;
                    @if let Some(why) = wrong { p #said .lost role="alert" { (why) } }
                    (first_password_fields(wrong.is_some()))
                    div.row { button { "Set the password" } }
                }
            }
            @if let Some(openid) = &log_in.openid {
                section.own aria-labelledby="join-openid" {
                    h2 #join-openid { "Or without a password here" }
                    p { "Log in as yourself at " (openid.provider.name()) ". From then on you log in there." }
                    (openid::link(openid, &format!("/join/{token}/openid")))
                }
            }
        },
        ..Document::default()
    };
    not_stored(frame.page(document))
}

/// `POST /join/{token}`: sets the password and logs in.
pub(crate) async fn join(
    frame: Frame,
    State(app): State<App>,
    Path(token): Path<String>,
    request: Request,
) -> Result<Response, Fault> {
    let headers = request.headers().clone();
    let peer = client(&app, request.extensions(), &headers);
    let before = Visitor::of(request.extensions());
    let form = Anybodys::from_request(request, &app).await?;
    let (log_in, reader) = invited(&app, &token).await?;
    if !log_in.is_safe_for(&headers) {
        return Ok(page(&frame, log_in, &headers, &token, &reader, None));
    }
    let field = |name: &str| form.fields.get(name).map(String::as_str).unwrap_or_default();
    let password = match typed_twice(field("new"), field("again")) {
        Ok(password) => password,
        Err(why) => {
            let why = words::sentence(&why);
            let page = page(&frame, log_in, &headers, &token, &reader, Some(&why));
            return Ok(refused(page, StatusCode::UNPROCESSABLE_ENTITY));
        }
    };
    let session = random_text();
    let begun = {
        let _place = log_in.place().await?;
        let (invitation, hash) = (readers::hash(&token), readers::hash(&session));
        let now = Timestamp::now();
        app.store.accept_invitation(&invitation, &password, &hash, agent_of(&headers), now).await?
    };
    let begun = begun.ok_or(Fault::NoSuchInvitation)?;
    tracing::info!(%peer, session = begun.id, "reader {} accepted an invitation from {peer}", begun.reader);
    logged_in(&app, before, &headers, &session, "/").await
}
