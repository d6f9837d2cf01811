//! A reader's own account: `/account`, `/account/password`, `/account/tokens`,
//! `/account/mine.json`.

use std::sync::atomic::Ordering;
use std::time::Instant;

use axum::extract::{FromRequest, Path, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use backissue_model::{PASSWORD_MAX, PASSWORD_MIN, Password, Role, Scope, TokenName};
use backissue_store::{NewToken, TOKENS_MAX, TokenAdded};
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use crate::access::client;
use crate::fault::Fault;
use crate::forms::{Signed, sent_to};
use crate::frame::{Document, Frame};
use crate::pages::login::{later, needs_https, not_stored, refused, too_early};
use crate::pages::{own_digest, tokens};
use crate::parts::openid;
use crate::readers::{LogIn, Readers, fever_key_hash, new_token, token_hash};
use crate::{App, hosts, words};

/// The result of the last form.
enum Said {
    Nothing,
    Changed,
    Wrong(String),
    /// About tokens.
    Token(tokens::Said),
}

/// `/account`
pub(crate) async fn account(frame: Frame, State(app): State<App>) -> Result<Response, Fault> {
    page(&frame, &app, &Said::Nothing).await
}

async fn page(frame: &Frame, app: &App, said: &Said) -> Result<Response, Fault> {
    let reader = app.store.reader(frame.required()?, frame.now).await?.ok_or(Fault::NoSuchReader)?;
    let tokens = app.store.tokens(reader.id).await?;
    let digest = app.store.own_digest(reader.id).await?;
    let has_password = frame.visitor().session.is_some() && reader.has_password;
    let document = Document {
        title: "Account".to_owned(),
        unlisted: true,
        main: html! {
            div.head {
                h1 { "Account" }
                @if frame.has_accounts() {
                    p.standfirst {
                        "You are " strong { (reader.name) } ", "
                        @match reader.role { Role::Operator => "an operator", Role::Reader => "a reader" }
                        " of this archive."
                    }
                }
            }
            @if let Readers::LogIn(LogIn { openid: Some(openid), .. }) = &*app.readers && reader.has_openid {
                section.own aria-labelledby="openid" {
                    h2 #openid { "How you log in" }
                    p { "You log in at " (openid.provider.name()) @if reader.has_password { ", or with your password" } "." }
                    (openid::about_logout(openid))
                }
            }
            @if has_password { (password_form(frame, reader.name.as_str(), said)) }
            @if frame.is_open() { (first_password_form(frame, said)) }
            (opening_form(frame, reader.opening_is_done))
            @if app.own_digests.is_some() || digest.is_some() { (own_digest::section(digest.as_ref())) }
            section.own aria-labelledby="browsers" {
                h2 #browsers { "Browsers that are logged in" }
                p { a href="/sessions" { "See and end your sessions" } }
            }
            (tokens::section(frame, &tokens, if let Said::Token(said) = said { Some(said) } else { None }))
            section.own aria-labelledby="yours" {
                h2 #yours { "What is yours" }
                p { "Your marks, notes, labels, highlights, answers and saved searches, as a file that " code { "backissue import" } " reads." }
                p { a href="/account/mine.json" download { "Download it" } }
            }
        },
        ..Document::default()
    };
    Ok(not_stored(frame.page(document)))
}

fn opening_form(frame: &Frame, is_done: bool) -> Markup {
    html! {
        section.own aria-labelledby="opening" {
            h2 #opening { "Opening a read" }
            form .settle method="post" action="/account/opening" {
                (frame.form_fields_to("/account"))
                p { label.choice { input type="checkbox" name="done" value="yes" checked[is_done]; " Mark a read done when I open its page, in browsers that run scripts" } }
                div.row { button { "Save" } }
            }
        }
    }
}

/// `POST /account/opening`: whether opening a read marks it done.
pub(crate) async fn change_opening(State(app): State<App>, form: Signed) -> Result<Response, Fault> {
    let is_done = form.field("done").is_ok_and(|done| done == "yes");
    app.store.set_opening_is_done(form.reader, is_done).await?;
    Ok(sent_to("/account"))
}

fn password_form(frame: &Frame, name: &str, said: &Said) -> Markup {
    let is_wrong = matches!(said, Said::Wrong(_));
    html! {
        section.own aria-labelledby="change" {
            h2 #change { "Change the password" }
            form #password-form .settle method="post" action="/account/password" {
                (frame.form_fields_to("/account"))
                // For password managers.
                input type="text" name="username" value=(name) autocomplete="username" hidden;
                @if let Said::Changed = said { p role="status" { "The password was changed. Your other sessions ended." } }
                @if let Said::Wrong(why) = said { p #said .lost role="alert" { (why) } }
                div.field {
                    label for="password" { "The present password" }
                    input #password type="password" name="password" autocomplete="current-password" required maxlength=(PASSWORD_MAX)
                        aria-describedby=[is_wrong.then_some("said")];
                }
                (new_password_field(is_wrong))
                div.row { button { "Change it" } }
            }
        }
    }
}

fn first_password_form(frame: &Frame, said: &Said) -> Markup {
    let is_wrong = matches!(said, Said::Wrong(_));
    html! {
        section.own aria-labelledby="first" {
            h2 #first { "A password" }
            p {
                "There is none, because only this machine can open these pages. With one, everybody logs in, on this machine too. "
                code { "backissue reader password --remove" } " removes it."
            }
            form #password-form .settle method="post" action="/account/password" {
                (frame.form_fields_to("/account"))
                // For password managers.
                input type="text" name="username" value="reader" autocomplete="username" hidden;
                @if let Said::Wrong(why) = said { p #said .lost role="alert" { (why) } }
                (first_password_fields(is_wrong))
                div.row { button { "Set it" } }
            }
        }
    }
}

/// The fields of a password that no present one vouches for, so that it is typed twice.
pub(crate) fn first_password_fields(is_wrong: bool) -> Markup {
    html! {
        (new_password_field(is_wrong))
        div.field {
            label for="again" { "The same again" }
            input #again type="password" name="again" autocomplete="new-password" required maxlength=(PASSWORD_MAX)
                aria-describedby=[is_wrong.then_some("said")];
        }
    }
}

/// The password in these fields, or why there is none.
pub(crate) fn typed_twice(new: &str, again: &str) -> Result<Password, String> {
    let password = new.parse::<Password>().map_err(|error| error.to_string())?;
    if new != again {
        return Err("The two passwords differ, and nothing was set. Type the same one twice.".to_owned());
    }
    Ok(password)
}

/// The field of a new password.
fn new_password_field(is_wrong: bool) -> Markup {
    html! {
        div.field {
            label for="new" { "A new password" }
            input #new type="password" name="new" autocomplete="new-password" required minlength=(PASSWORD_MIN) maxlength=(PASSWORD_MAX)
                aria-describedby=(if is_wrong { "new-hint said" } else { "new-hint" });
            p #new-hint .quiet { "At least " (words::number(PASSWORD_MIN as u64)) " characters. Take several words that do not belong together." }
        }
    }
}

/// `POST /account/password`: changes the password, and ends the reader's other sessions; or sets
/// the first one.
pub(crate) async fn change_password(
    frame: Frame,
    State(app): State<App>,
    request: Request,
) -> Result<Response, Fault> {
    let headers = request.headers().clone();
    let peer = client(&app, request.extensions(), &headers);
    let form = Signed::from_request(request, &app).await?;
    let Readers::LogIn(log_in) = &*app.readers else {
        return Err(Fault::BadForm("Nobody logs in with a password here".to_owned()));
    };
    let Some(session) = form.session else {
        return set_first_password(&frame, &app, log_in, &headers, &form).await;
    };
    if !log_in.is_safe_for(&headers) {
        return Ok(refused(not_stored(frame.page(without_https())), StatusCode::FORBIDDEN));
    }
    let new: Password = match form.field("new")?.parse() {
        Ok(new) => new,
        Err(error) => {
            return not_set(&frame, &app, &error.to_string(), StatusCode::UNPROCESSABLE_ENTITY).await;
        }
    };
    let throttled = format!("password of {}", form.reader);
    if let Err(wait) = log_in.throttle.attempt(peer, &throttled, Instant::now()) {
        let page = page(&frame, &app, &Said::Wrong(later(wait))).await?;
        return Ok(too_early(page, wait));
    }
    if !is_present(&app, log_in, &form).await? {
        tracing::warn!(%peer, "reader {} typed a wrong password to change it", form.reader);
        let why = "The present password is wrong; nothing was changed.";
        return not_set(&frame, &app, why, StatusCode::FORBIDDEN).await;
    }
    log_in.throttle.succeeded(peer, &throttled);
    let _place = log_in.place().await?;
    app.store.set_password(form.reader, Some(&new), Some(session)).await?;
    tracing::info!(%peer, "reader {} changed the password", form.reader);
    page(&frame, &app, &Said::Changed).await
}

/// Sets the password of the only reader, in a browser on this machine that needed no login so far.
/// Then one logs in with it.
async fn set_first_password(
    frame: &Frame,
    app: &App,
    log_in: &LogIn,
    headers: &HeaderMap,
    form: &Signed,
) -> Result<Response, Fault> {
    if !log_in.is_open() {
        return Err(Fault::BadForm("Nobody without a session sets a password here".to_owned()));
    }
    if !hosts::is_loopback(headers) {
        let why =
            "The first password can only be set in a browser on this machine, at a name such as localhost.";
        return not_set(frame, app, why, StatusCode::FORBIDDEN).await;
    }
    let new = match typed_twice(form.field("new")?, form.field("again")?) {
        Ok(new) => new,
        Err(why) => return not_set(frame, app, &why, StatusCode::UNPROCESSABLE_ENTITY).await,
    };
    let _place = log_in.place().await?;
    // Another browser may have set one meanwhile. Then that one is asked for.
    if app.store.set_first_password(form.reader, &new).await? {
        tracing::info!("reader {} set the first password in the browser", form.reader);
    }
    log_in.has_password.store(true, Ordering::Relaxed);
    Ok(sent_to("/login?back=/account"))
}

/// The page that says why no password was set.
async fn not_set(frame: &Frame, app: &App, why: &str, status: StatusCode) -> Result<Response, Fault> {
    Ok(refused(page(frame, app, &Said::Wrong(words::sentence(why))).await?, status))
}

async fn is_present(app: &App, log_in: &LogIn, form: &Signed) -> Result<bool, Fault> {
    let typed = form.field("password")?;
    if typed.len() > PASSWORD_MAX {
        return Ok(false);
    }
    let _place = log_in.place().await?;
    Ok(app.store.is_password(Some(form.reader), typed).await?)
}

/// The page for a browser that would send a password in the clear.
pub(crate) fn without_https() -> Document {
    Document {
        title: "Not over HTTP".to_owned(),
        unlisted: true,
        main: html! {
            div.head { h1 { "Not over HTTP" } }
            section.own { (needs_https()) }
        },
        ..Document::default()
    }
}

/// `/account/mine.json`: everything that the reader did and wrote, to keep or to take elsewhere.
pub(crate) async fn mine(frame: Frame, State(app): State<App>) -> Result<Response, Fault> {
    let own = app.store.own_file(frame.required()?).await?;
    let text = serde_json::to_string_pretty(&own).map_err(|e| Fault::from_bug("an export failed", &e))?;
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CONTENT_DISPOSITION, "attachment; filename=\"backissue-mine.json\""),
        (CACHE_CONTROL, "private, no-store"),
    ];
    Ok((headers, text).into_response())
}

/// `POST /account/tokens`: makes a token, and shows it once.
pub(crate) async fn make_token(
    frame: Frame,
    State(app): State<App>,
    form: Signed,
) -> Result<Response, Fault> {
    let typed = form.field("name")?;
    let scope: Scope =
        form.field("scope")?.parse().map_err(|_| Fault::BadForm("It names no scope".to_owned()))?;
    let days = form.field("days")?;
    let days = tokens::DAYS.iter().map(|(days, _)| *days).find(|known| known.to_string() == days);
    let days = days.ok_or_else(|| Fault::BadForm("It says no time that a token lasts".to_owned()))?;
    if scope == Scope::Operate && !frame.visitor().is_operator() {
        return Err(Fault::OnlyOperators);
    }
    let wrong = async |why: String| {
        let said = Said::Token(tokens::Said::Wrong { typed: typed.to_owned(), why });
        Ok(refused(page(&frame, &app, &said).await?, StatusCode::UNPROCESSABLE_ENTITY))
    };
    let name: TokenName = match typed.parse() {
        Ok(name) => name,
        Err(error) => return wrong(words::sentence(&error.to_string())).await,
    };
    let now = Timestamp::now();
    let ends_at = (days > 0).then(|| now + SignedDuration::from_hours(24 * i64::from(days)));
    let token = new_token();
    let reader = app.store.reader(form.reader, now).await?.ok_or(Fault::NoSuchReader)?;
    let (hash, fever_key) = (token_hash(&token), fever_key_hash(&reader.name, &token));
    let new = NewToken { name: &name, scope, hash: &hash, fever_key: &fever_key, ends_at };
    match app.store.add_token(form.reader, new, now).await? {
        TokenAdded::Added(added) => {
            tracing::info!("reader {} made token {} with the scope {scope}", form.reader, added.id);
            let said = Said::Token(tokens::Said::New { name, token });
            page(&frame, &app, &said).await
        }
        TokenAdded::NameTaken => wrong("Another token has this name. Choose another name.".to_owned()).await,
        TokenAdded::TooMany => {
            wrong(format!("You have {TOKENS_MAX} tokens, the most that are kept. Remove one first.")).await
        }
    }
}

/// `POST /account/tokens/{id}/remove`
pub(crate) async fn remove_token(
    State(app): State<App>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let id = id.parse().map_err(|_| Fault::NoSuchToken)?;
    if !app.store.remove_token(form.reader, id).await? {
        return Err(Fault::NoSuchToken);
    }
    tracing::info!("reader {} removed token {id}", form.reader);
    Ok(sent_to("/account"))
}
