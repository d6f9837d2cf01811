//! The readers of an archive with accounts, for operators: `/readers`.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use backissue_model::{READER_NAME_MAX, Reader, ReaderId, ReaderName, Role};
use backissue_store::{INVITATION_LASTS, Leaving, OpenIdUnlinked, ReaderChange, Store, last_operator};
use jiff::Timestamp;
use maud::{Markup, html};

use crate::App;
use crate::fault::Fault;
use crate::feeds::origin;
use crate::forms::{Signed, sent_to};
use crate::frame::{Document, Frame};
use crate::pages::login::{not_stored, refused};
use crate::parts::reads;
use crate::readers::{self, random_text};
use crate::words;

/// The result of the last form.
#[derive(Default)]
struct Said {
    /// A new link, with the name of its reader.
    link: Option<(String, String)>,
    /// The typed name, and why it is wrong.
    wrong: Option<(String, String)>,
    /// The reader to delete after a confirmation, and what the reader made, in words.
    leaving: Option<(Reader, Option<String>)>,
}

/// `/readers`
pub(crate) async fn readers(frame: Frame, State(app): State<App>) -> Result<Response, Fault> {
    page(&frame, &app, &Said::default()).await
}

async fn page(frame: &Frame, app: &App, said: &Said) -> Result<Response, Fault> {
    let me = frame.required()?;
    if !frame.has_accounts() {
        return Err(Fault::NoSuchPage);
    }
    let readers = app.store.readers(frame.now).await?;
    let last = last_operator(&readers);
    let document = Document {
        title: "Readers".to_owned(),
        unlisted: true,
        main: html! {
            div.head {
                h1 { "Readers" }
                p.standfirst {
                    "Readers keep, note, highlight and practise, each for themselves. Operators also follow blogs, correct and hide reads, edit "
                    "digests and see the settings. Nobody sees here what another reader wrote."
                }
            }
            @if let Some((name, link)) = &said.link { (new_link(name, link)) }
            @if let Some((reader, made)) = &said.leaving { (delete_form(frame, reader, made.as_deref())) }
            (invite_form(frame, said.wrong.as_ref()))
            @for reader in &readers { (one(frame, reader, reader.id == me, last == Some(reader.id))) }
        },
        ..Document::default()
    };
    Ok(not_stored(frame.page(document)))
}

/// A new link. It is shown only once, because only its hash is stored.
fn new_link(name: &str, link: &str) -> Markup {
    let days = INVITATION_LASTS.as_hours() / 24;
    html! {
        section.own aria-labelledby="new-link" role="status" {
            h2 #new-link { "The link for " (name) }
            p.address { (link) }
            p { "Give it to " (name) " over a channel that others do not read. It works once, for " (words::number(days.unsigned_abs()))
                " days, and is not shown again." }
        }
    }
}

fn invite_form(frame: &Frame, wrong: Option<&(String, String)>) -> Markup {
    let (typed, why) = wrong.map_or(("", None), |(typed, why)| (typed.as_str(), Some(why)));
    html! {
        section.own aria-labelledby="invite" {
            h2 #invite { "Invite a reader" }
            form .settle method="post" action="/readers/invite" {
                (frame.form_fields_to("/readers"))
                div.field {
                    label for="name" { "The name to log in with" }
                    input #name name="name" value=(typed) autocomplete="off" autocapitalize="none" spellcheck="false" required
                        maxlength=(READER_NAME_MAX) aria-invalid=[why.map(|_| "true")] aria-describedby=[why.map(|_| "name-wrong")];
                    @if let Some(why) = why { p #name-wrong .lost role="alert" { (why) } }
                }
                div.field {
                    label for="role" { "Role" }
                    select #role name="role" {
                        option value="reader" { "Reader" }
                        option value="operator" { "Operator" }
                    }
                }
                div.row { button { "Make a link" } }
            }
        }
    }
}

/// A form that changes this reader's account.
fn change_form(frame: &Frame, reader: &Reader, inside: Markup) -> Markup {
    html! {
        form method="post" action="/readers/change" {
            (frame.form_fields_to("/readers"))
            input type="hidden" name="reader" value=(reader.id);
            (inside)
        }
    }
}

/// The confirmation before an account is deleted. It says what goes with the account.
fn delete_form(frame: &Frame, reader: &Reader, made: Option<&str>) -> Markup {
    let name = &reader.name;
    html! {
        section.own aria-labelledby="delete" {
            h2 #delete { "Delete the account of " (name) "?" }
            (change_form(frame, reader, html! {
                @if let Some(made) = made {
                    p #made { (name) " has " (made) ". All of this goes with the account, and cannot be restored. “Close the account” keeps it for later." }
                    p { "First offer the data: " (name) " finds it under “Account”, and "
                        code { "backissue export --mine FILE --reader " (name) } " writes it." }
                } @else {
                    p #made { (name) " has nothing here that would be lost." }
                }
                p { label { input type="checkbox" name="sure" value="yes" required; " Delete the account and all that " (name) " made" } }
                p.acts { button name="do" value="delete" { "Delete for good" } }
            }))
        }
    }
}

fn one(frame: &Frame, reader: &Reader, is_me: bool, is_last_operator: bool) -> Markup {
    let zone = frame.zone();
    let name = &reader.name;
    let button = |what: &str, label: Markup| {
        html! { button name="do" value=(what) { (label) span.unseen { ": " (name) } } }
    };
    html! {
        article.noted {
            h2 { (name) }
            p.under {
                @if is_me { strong { "You. " } }
                @match reader.role { Role::Operator => "Operator", Role::Reader => "Reader" }
                @if let Some(closed) = reader.closed { (reads::dot()) "closed since " time datetime=(closed) { (words::date(closed, zone)) } }
                @if let Some(until) = reader.invited_until { (reads::dot()) "has a link until " time datetime=(until) { (words::date(until, zone)) } }
                @if let Some(how) = words::logs_in_with(reader) { (reads::dot()) (how) }
                @else if reader.invited_until.is_none() && reader.closed.is_none() { (reads::dot()) "has neither password nor link" }
            }
            (change_form(frame, reader, html! {
                p.acts {
                    (button("invite", html! { @if reader.has_password { "Link for a new password" } @else { "New link" } }))
                    @if reader.has_openid { (button("unlink", html! { "End the login by OpenID" })) }
                    @if reader.invited_until.is_some() { (button("revoke", html! { "Revoke the link" })) }
                    @if !is_last_operator {
                        @match reader.role {
                            Role::Operator => (button("reader", html! { "Make a reader" })),
                            Role::Reader => (button("operator", html! { "Make an operator" })),
                        }
                        @if reader.closed.is_none() { (button("close", html! { "Close the account" })) }
                        (button("delete", html! { "Delete the account" }))
                    }
                }
                @if is_last_operator {
                    p.quiet { "The only operator who can log in. To close or delete this account, first make another operator." }
                }
            }))
        }
    }
}

/// `POST /readers/invite`: adds a reader, and shows the link with which the reader sets a password.
pub(crate) async fn invite(
    frame: Frame,
    State(app): State<App>,
    headers: HeaderMap,
    form: Signed,
) -> Result<Response, Fault> {
    if !frame.has_accounts() {
        return Err(Fault::NoSuchPage);
    }
    let typed = form.field("name")?;
    let role: Role =
        form.field("role")?.parse().map_err(|_| Fault::BadForm("It names no role".to_owned()))?;
    let wrong = async |why: String| {
        let said = Said { wrong: Some((typed.to_owned(), why)), ..Said::default() };
        Ok(refused(page(&frame, &app, &said).await?, StatusCode::UNPROCESSABLE_ENTITY))
    };
    let name: ReaderName = match typed.parse() {
        Ok(name) => name,
        Err(error) => return wrong(words::sentence(&error.to_string())).await,
    };
    let Some(reader) = app.store.add_reader(&name, role).await? else {
        return wrong(format!("There is a reader called {name} already. Make a new link below.")).await;
    };
    let link = link(&app, &headers, reader).await?;
    page(&frame, &app, &Said { link: Some((name.to_string(), link)), ..Said::default() }).await
}

/// A new link for a reader. Only its hash is stored.
async fn link(app: &App, headers: &HeaderMap, reader: ReaderId) -> Result<String, Fault> {
    let token = random_text();
    let mut link = origin(app, headers)?;
    app.store.invite(reader, &readers::hash(&token), Timestamp::now()).await.map_err(gone())?;
    link.set_path(&format!("/join/{token}"));
    Ok(link.to_string())
}

fn gone() -> impl FnOnce(backissue_store::StoreError) -> Fault {
    Fault::or(Fault::NoSuchReader)
}

/// `POST /readers/change`: what an operator does with an account. An account is only deleted after
/// a confirmation.
pub(crate) async fn change(
    frame: Frame,
    State(app): State<App>,
    headers: HeaderMap,
    form: Signed,
) -> Result<Response, Fault> {
    if !frame.has_accounts() {
        return Err(Fault::NoSuchPage);
    }
    let number =
        form.field("reader")?.parse().map_err(|_| Fault::BadForm("It names no reader".to_owned()))?;
    let (reader, store, now) = (ReaderId(number), &app.store, Timestamp::now());
    let change = match form.field("do")? {
        "invite" => {
            let name = store.reader(reader, now).await?.ok_or(Fault::NoSuchReader)?.name.to_string();
            let link = link(&app, &headers, reader).await?;
            return page(&frame, &app, &Said { link: Some((name, link)), ..Said::default() }).await;
        }
        "revoke" => {
            store.revoke_invitation(reader).await?;
            ReaderChange::Done
        }
        "unlink" => match store.unlink_openid(reader).await.map_err(gone())? {
            OpenIdUnlinked::Done | OpenIdUnlinked::NotLinked => ReaderChange::Done,
            OpenIdUnlinked::LastOperator => ReaderChange::LastOperator,
        },
        "operator" => store.set_role(reader, Role::Operator).await.map_err(gone())?,
        "reader" => store.set_role(reader, Role::Reader).await.map_err(gone())?,
        "close" => leave(store, reader, Leaving::KeepData, now).await?,
        "delete" if form.field("sure").is_ok_and(|sure| sure == "yes") => {
            leave(store, reader, Leaving::DropData, now).await?
        }
        "delete" => {
            let found = store.reader(reader, now).await?.ok_or(Fault::NoSuchReader)?;
            let made = store.own_counts(reader).await?.in_words();
            return page(&frame, &app, &Said { leaving: Some((found, made)), ..Said::default() }).await;
        }
        other => return Err(Fault::BadForm(format!("“{other}” is nothing that can be done here"))),
    };
    match change {
        ReaderChange::Done => Ok(sent_to("/readers")),
        ReaderChange::LastOperator => Err(Fault::LastOperator),
    }
}

async fn leave(store: &Store, reader: ReaderId, how: Leaving, now: Timestamp) -> Result<ReaderChange, Fault> {
    store.remove_reader(reader, how, now).await.map_err(gone())
}
