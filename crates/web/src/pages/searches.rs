//! Saved searches, `/searches`, each with its new answers.

use std::collections::HashSet;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backissue_model::{ReadId, SEARCH_NAME_MAX, SavedQuestion, SearchName};
use backissue_store::{OwnSearch, ReadCard, SEARCHES_MAX, SavedSearch, SearchChange, SearchSaved};
use jiff::Timestamp;
use maud::{Markup, html};

use crate::App;
use crate::fault::Fault;
use crate::feed_links::{Format, Offered};
use crate::forms::{Signed, sent_to};
use crate::frame::{Document, Frame, Page, Section};
use crate::operator::ConfiguredRecipient;
use crate::parts::marks::Marked;
use crate::parts::reads;
use crate::question::href;
use crate::readers::Visitor;
use crate::words;

/// Maximum new answers of each search that are listed.
const LISTED: u32 = 10;
/// Maximum bytes of a typed name that the page shows again.
const TYPED_MAX: usize = 500;

/// What is wrong with a form, and what was typed.
struct Wrong {
    /// The search to change. `None` for a new one.
    search: Option<i64>,
    why: String,
    name: String,
    question: String,
    recipient: Option<String>,
}

/// `/searches`
pub(crate) async fn searches(frame: Frame, State(app): State<App>) -> Result<Page, Fault> {
    page(&frame, &app, None).await
}

async fn page(frame: &Frame, app: &App, wrong: Option<&Wrong>) -> Result<Page, Fault> {
    let reader = frame.required()?;
    let mut all = Vec::new();
    for search in app.store.saved_searches(reader).await? {
        let unseen = match search.unseen {
            0 => Vec::new(),
            _ => app.store.unseen_answers(search.id, LISTED).await?,
        };
        all.push((search, unseen));
    }
    let recipients = recipients(app, frame.visitor());
    let recipients = recipients.as_deref();
    let marked = Marked::on(&app.store, frame, all.iter().flat_map(|(_, unseen)| unseen)).await?;
    let mut listed = Listed { marked, seen: HashSet::new() };
    Ok(frame.page(Document {
        title: "Saved searches".to_owned(),
        section: Some(Section::Shelf),
        unlisted: true,
        main: html! {
            div.head {
                p.eyebrow { a href="/shelf" { "Shelf" } }
                h1 { "Saved searches" }
                p.standfirst { "What you look out for. A read is new to a search if the archive saw it after you saved the search." }
            }
            @if let Some(wrong) = wrong.filter(|wrong| wrong.search.is_none()) {
                section.own.save-search { p { code { (wrong.question) } } (new_form(frame, wrong, recipients)) }
            } @else if all.is_empty() {
                div.empty {
                    p { "You have saved no search." }
                    p { a href="/search" { "Search for a problem" } ", then choose “Save this search” below the answers." }
                }
            }
            @for (search, unseen) in &all {
                @let wrong = wrong.filter(|wrong| wrong.search == Some(search.id));
                (one(frame, search, unseen, recipients, wrong, &mut listed))
            }
        },
        ..Document::default()
    }))
}

/// The marks on the new answers, of which several searches may list the same.
struct Listed {
    marked: Marked,
    seen: HashSet<ReadId>,
}

impl Listed {
    fn buttons(&mut self, card: &ReadCard) -> Markup {
        if self.seen.insert(card.id) { self.marked.buttons(card) } else { self.marked.more_buttons(card) }
    }
}

/// The recipients that this visitor can choose. Returns `None` if the visitor is no operator.
fn recipients(app: &App, visitor: Visitor) -> Option<Vec<ConfiguredRecipient>> {
    let all = || app.operator.as_ref().map(|operator| operator.recipients()).unwrap_or_default();
    visitor.is_operator().then(all)
}

fn one(
    frame: &Frame,
    search: &SavedSearch,
    unseen: &[ReadCard],
    recipients: Option<&[ConfiguredRecipient]>,
    wrong: Option<&Wrong>,
    listed: &mut Listed,
) -> Markup {
    let name = wrong.map_or(search.name.as_str(), |wrong| wrong.name.as_str());
    let recipient = wrong.map_or(&search.recipient, |wrong| &wrong.recipient).as_deref();
    let (id, question) = (search.id, search.question.as_str());
    let feed = Offered::of_question(question).map(|feed| feed.address(Format::Atom));
    html! {
        section.own id={ "s" (id) } aria-labelledby={ "name" (id) } {
            h2 id={ "name" (id) } { a href=(href("/search", question, 1)) rel="nofollow" { (search.name) } }
            p {
                code { (question) } " · "
                @match search.unseen {
                    0 => "nothing new",
                    n => strong { (words::number(n)) " new" },
                }
                @if search.answers > search.unseen { ", " (words::number(search.answers)) " since you saved it" }
                @if let Some(feed) = feed { " · " a href=(feed) rel="nofollow" { "Feed" span.unseen { ": " (search.name) } } }
            }
            @if !unseen.is_empty() {
                (reads::brief(unseen, frame.zone(), |card| listed.buttons(card)))
                @if search.unseen > unseen.len() as u64 { p.quiet { "The newest " (unseen.len()) " are listed." } }
                form.settle method="post" action={ "/searches/" (id) "/seen" } {
                    (frame.form_fields_to("/searches"))
                    div.row { button { "Seen" span.unseen { ": " (search.name) } } }
                }
            }
            details open[wrong.is_some()] {
                summary { "Rename, send or remove it" }
                form.settle method="post" action={ "/searches/" (id) "/change" } {
                    (frame.form_fields_to("/searches"))
                    (alert(wrong))
                    (fields(&format!("{id}"), name, recipient, recipients, wrong.is_some()))
                    div.row { button name="do" value="save" { "Save" } }
                }
                form.settle method="post" action={ "/searches/" (id) "/remove" } {
                    (frame.form_fields_to("/searches"))
                    div.row { button { "Remove" span.unseen { ": " (search.name) } } span.quiet { "Its new answers are forgotten; reads stay." } }
                }
            }
        }
    }
}

/// The form that saves a new search, after something was wrong with it.
fn new_form(frame: &Frame, wrong: &Wrong, recipients: Option<&[ConfiguredRecipient]>) -> Markup {
    html! {
        form.settle method="post" action="/searches/save" {
            (frame.form_fields_to("/searches"))
            input type="hidden" name="question" value=(wrong.question);
            (alert(Some(wrong)))
            (fields("-new", &wrong.name, wrong.recipient.as_deref(), recipients, true))
            div.row { button { "Save this search" } }
        }
    }
}

/// What is wrong with a form, as a sentence in it.
fn alert(wrong: Option<&Wrong>) -> Markup {
    html! { @if let Some(wrong) = wrong { p #said .lost role="alert" { (words::sentence(&wrong.why)) } } }
}

/// The fields for the name and the recipient. Without `recipients` the visitor can choose none.
fn fields(
    id: &str,
    name: &str,
    recipient: Option<&str>,
    recipients: Option<&[ConfiguredRecipient]>,
    is_wrong: bool,
) -> Markup {
    html! {
        div.field {
            label for={ "call" (id) } { "Name" }
            input id={ "call" (id) } name="name" value=(name) required autocomplete="off" maxlength=(SEARCH_NAME_MAX)
                aria-describedby=[is_wrong.then_some("said")];
        }
        @if let (None, Some(name)) = (recipients, recipient) {
            p.quiet { "New answers are not sent to “" (name) "” any more: only operators choose who gets them." }
        }
        @if let Some(recipients) = recipients.filter(|all| !all.is_empty() || recipient.is_some()) {
            div.field {
                label for={ "to" (id) } { "Send new answers at once to" }
                select id={ "to" (id) } name="to" {
                    option value="" { "nobody" }
                    @for known in recipients {
                        option value=(known.name) selected[recipient == Some(known.name.as_str())] { (known.name) }
                    }
                    @if let Some(gone) = recipient.filter(|name| !recipients.iter().any(|known| known.name == *name)) {
                        option value=(gone) selected { (gone) " (not in the configuration file)" }
                    }
                }
            }
        }
    }
}

/// The form below the answer to a question that saves the question, or a link to the saved search.
/// Empty without a reader.
pub(crate) async fn save_form(app: &App, frame: &Frame, question: &str) -> Result<Markup, Fault> {
    let (Some(reader), Ok(question)) = (frame.reader, question.parse::<SavedQuestion>()) else {
        return Ok(html! {});
    };
    let all = app.store.saved_searches(reader).await?;
    let saved = all.iter().find(|search| search.question == question);
    let name: String = question.as_str().chars().take(SEARCH_NAME_MAX).collect();
    Ok(html! {
        section.own.save-search {
            @match saved {
                Some(saved) => p { "Saved as " a href={ "/searches#s" (saved.id) } { (saved.name) } "." },
                None if all.len() >= SEARCHES_MAX => {
                    p { "You have " (SEARCHES_MAX) " " a href="/searches" { "saved searches" } ", the most that are kept." }
                }
                None => details {
                    summary { "Save this search" }
                    form.settle method="post" action="/searches/save" {
                        (frame.form_fields_to("/searches"))
                        input type="hidden" name="question" value=(question);
                        (fields("-new", &name, None, recipients(app, frame.visitor()).as_deref(), false))
                        p.quiet { "New reads that answer it are marked in their week and counted on " a href="/searches" { "Saved searches" } "." }
                        div.row { button { "Save this search" } }
                    }
                },
            }
        }
    })
}

/// `POST /searches/save`: saves a search.
pub(crate) async fn save(frame: Frame, State(app): State<App>, form: Signed) -> Result<Response, Fault> {
    let question: SavedQuestion = form.field("question")?.parse().map_err(|why| bad(&why))?;
    let recipient = recipient(&app, frame.visitor(), &form, None)?;
    let typed = form.field("name")?;
    let saved = match name(typed) {
        Ok(name) => {
            let own = OwnSearch { name, question: question.clone(), recipient: recipient.clone() };
            saved_id(&own.name, app.store.save_search(form.reader, &own, Timestamp::now()).await?)
        }
        Err(fault) => Err(fault),
    };
    let wrong = |why| Wrong {
        search: None,
        why,
        name: shown_again(typed),
        question: question.to_string(),
        recipient,
    };
    answer(&frame, &app, saved, wrong).await
}

/// `POST /searches/{id}/change`: renames a saved search, and sets its recipient.
pub(crate) async fn change(
    frame: Frame,
    State(app): State<App>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let id = number(&id)?;
    let all = app.store.saved_searches(form.reader).await?;
    let there = all.into_iter().find(|search| search.id == id).ok_or(Fault::NoSuchSearch)?;
    let recipient = recipient(&app, frame.visitor(), &form, there.recipient.as_deref())?;
    let typed = form.field("name")?;
    let saved = match name(typed) {
        Ok(name) => {
            let change = SearchChange { name, recipient: recipient.clone() };
            saved_id(&change.name, app.store.change_search(form.reader, id, &change).await?)
        }
        Err(fault) => Err(fault),
    };
    let wrong = |why| Wrong {
        search: Some(id),
        why,
        name: shown_again(typed),
        question: there.question.to_string(),
        recipient,
    };
    answer(&frame, &app, saved, wrong).await
}

/// The page after a form: with the search, or with the form again and what is wrong with it.
async fn answer(
    frame: &Frame,
    app: &App,
    saved: Result<i64, Fault>,
    wrong: impl FnOnce(String) -> Wrong,
) -> Result<Response, Fault> {
    match saved {
        Ok(id) => Ok(sent_to(format!("/searches#s{id}"))),
        Err(Fault::BadForm(why)) => {
            let page = page(frame, app, Some(&wrong(why))).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(fault) => Err(fault),
    }
}

/// What was typed, unless it is far too long.
fn shown_again(typed: &str) -> String {
    if typed.len() > TYPED_MAX { String::new() } else { typed.to_owned() }
}

/// `POST /searches/{id}/seen`: the reader has seen the new answers.
pub(crate) async fn seen(
    State(app): State<App>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let id = number(&id)?;
    match app.store.see_answers(form.reader, id, Timestamp::now()).await? {
        true => Ok(sent_to(format!("/searches#s{id}"))),
        false => Err(Fault::NoSuchSearch),
    }
}

/// `POST /searches/{id}/remove`: removes a saved search.
pub(crate) async fn remove(
    State(app): State<App>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    match app.store.remove_search(form.reader, number(&id)?).await? {
        true => Ok(sent_to("/searches").into_response()),
        false => Err(Fault::NoSuchSearch),
    }
}

fn number(id: &str) -> Result<i64, Fault> {
    id.parse().map_err(|_| Fault::NoSuchSearch)
}

fn bad(why: &dyn std::fmt::Display) -> Fault {
    Fault::BadForm(words::capital(&why.to_string()))
}

fn name(typed: &str) -> Result<SearchName, Fault> {
    typed.parse().map_err(|why| bad(&why))
}

/// The chosen recipient: one from the configuration, or the search's present one.
fn recipient(
    app: &App,
    visitor: Visitor,
    form: &Signed,
    there: Option<&str>,
) -> Result<Option<String>, Fault> {
    // Without a choice the form has no such field.
    let Ok(chosen) = form.field("to") else { return Ok(there.map(str::to_owned)) };
    if chosen.is_empty() {
        return Ok(None);
    }
    let Some(known) = recipients(app, visitor) else {
        return Err(Fault::BadForm("Only operators choose who gets new answers".to_owned()));
    };
    if there == Some(chosen) || known.iter().any(|known| known.name == chosen) {
        return Ok(Some(chosen.to_owned()));
    }
    Err(Fault::BadForm("The configuration file has no such recipient".to_owned()))
}

/// The number of a search that was saved.
pub(crate) fn saved_id(name: &SearchName, saved: SearchSaved) -> Result<i64, Fault> {
    match saved {
        SearchSaved::Saved(id) => Ok(id),
        SearchSaved::NameTaken => {
            Err(Fault::BadForm(format!("Another saved search is called “{name}”; choose another name")))
        }
        SearchSaved::TooMany => Err(Fault::BadForm(format!(
            "You have {SEARCHES_MAX} saved searches, the most that are kept; remove one first"
        ))),
        SearchSaved::Missing => Err(Fault::NoSuchSearch),
    }
}
