//! Correcting a read: `/correct/{id}`. Also hiding a read from everybody, and merging two reads.

use std::collections::HashMap;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backissue_annotate::Vocabulary;
use backissue_model::bounds::{MAX_NAME, MAX_TITLE};
use backissue_model::{CONCEPTS_MAX, Kind, ReadField, ReadId, STATEMENT_MAX, typed_read};
use backissue_store::{ReadPage, Store, United, Withdrawn};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::App;
use crate::fault::Fault;
use crate::forms::{Signed, sent_to};
use crate::frame::{Document, Frame};
use crate::parts::{reads, statements};
use crate::read_address::read_id;
use crate::words;

/// A field of the form.
struct Input {
    /// The value that was shown when the form was opened.
    was: String,
    /// The present contents of the field.
    typed: String,
    /// Why the contents cannot be the field's value.
    wrong: Option<String>,
}

/// `/correct/{id}`: the form. For a hidden read the way back.
pub(crate) async fn correct(
    frame: Frame,
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    frame.required()?;
    let id = read_id(&id)?;
    if let Some(hidden) = app.store.withdrawn_read(id).await? {
        return Ok(frame.page(hidden_document(&frame, &hidden)).into_response());
    }
    let page = found(&app.store, id).await?;
    let inputs = inputs(&page, frame.zone());
    Ok(frame.page(document(&frame, &page, &inputs)).into_response())
}

/// `POST /correct/{id}/save`: corrects the fields that were changed in the form, or takes one
/// correction back.
pub(crate) async fn save(
    frame: Frame,
    State(app): State<App>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let page = found(&app.store, read_id(&id)?).await?;
    let (read, now) = (page.card.id, Timestamp::now());
    if let Ok(field) = form.field("take-back") {
        let field = field.parse().map_err(|error| Fault::BadForm(format!("{error}")))?;
        app.store.correct(read, &[], &[field], now).await?;
        return Ok(sent_to(format!("/correct/{read}#{field}")));
    }
    let today = now.to_zoned_datetime(frame.zone().clone()).date();
    let mut inputs = inputs(&page, frame.zone());
    let mut corrections = Vec::new();
    for field in ReadField::ALL {
        let (typed, was) = (form.field(field.as_str())?, form.field(&format!("was-{field}"))?);
        let input = inputs.entry(field).or_insert_with(|| Input::of(String::new()));
        (input.typed, input.was) = (typed.to_owned(), was.to_owned());
        if typed.split_whitespace().eq(was.split_whitespace()) {
            continue;
        }
        match Vocabulary::builtin().correction(field, typed, today) {
            Ok(correction) => corrections.push(correction),
            Err(error) => input.wrong = Some(error.to_string()),
        }
    }
    if inputs.values().any(|input| input.wrong.is_some()) {
        let page = frame.page(document(&frame, &page, &inputs));
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response());
    }
    app.store.correct(read, &corrections, &[], now).await?;
    Ok(sent_to(format!("/read/{read}#how")))
}

/// `POST /correct/{id}/hide`: hides a read from everybody.
pub(crate) async fn hide(
    State(store): State<Store>,
    Path(id): Path<String>,
    _form: Signed,
) -> Result<Response, Fault> {
    let read = read_id(&id)?;
    let hidden = store.withdraw(read, true, Timestamp::now()).await?;
    if hidden.is_none() && store.withdrawn_read(read).await?.is_none() {
        return Err(Fault::NoSuchRead);
    }
    Ok(sent_to(format!("/correct/{}", hidden.unwrap_or(read))))
}

/// `POST /correct/{id}/show`: shows a hidden read again.
pub(crate) async fn show(
    State(store): State<Store>,
    Path(id): Path<String>,
    _form: Signed,
) -> Result<Response, Fault> {
    let read = read_id(&id)?;
    store.withdraw(read, false, Timestamp::now()).await?;
    Ok(sent_to(format!("/read/{read}")))
}

/// `/correct/{id}/same?as=`: compares two reads before they are merged.
pub(crate) async fn same(
    frame: Frame,
    State(app): State<App>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, Fault> {
    frame.required()?;
    let read = found(&app.store, read_id(&id)?).await?;
    let typed = query.get("as").map(String::as_str).unwrap_or_default();
    let other = found(&app.store, number_of(typed)?).await?;
    Ok(frame.page(comparison(&frame, &read, &other)).into_response())
}

/// `POST /correct/{id}/merge`: merges two reads.
pub(crate) async fn merge(
    State(store): State<Store>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let other = number_of(form.field("as")?)?;
    let united = store.unite(read_id(&id)?, other).await?.ok_or(Fault::NoSuchRead)?;
    let (United::Into(read) | United::Already(read)) = united;
    Ok(sent_to(format!("/read/{read}")))
}

/// The number of a read that a person typed, alone or in the address of its page.
fn number_of(typed: &str) -> Result<ReadId, Fault> {
    let wrong = || {
        Fault::BadForm(format!(
            "“{typed}” is not a read’s number; it is in the address of its page, for example 42 in /read/42"
        ))
    };
    typed_read(typed).ok_or_else(wrong)
}

async fn found(store: &Store, id: ReadId) -> Result<ReadPage, Fault> {
    store.read(id).await?.ok_or(Fault::NoSuchRead)
}

impl Input {
    fn of(shown: String) -> Self {
        Self { was: shown.clone(), typed: shown, wrong: None }
    }
}

fn inputs(page: &ReadPage, zone: &TimeZone) -> HashMap<ReadField, Input> {
    let shown = |field| match field {
        ReadField::Title => page.card.title.clone(),
        ReadField::Company => page.card.company.clone(),
        ReadField::Date => {
            let day = |at: Timestamp| at.to_zoned_datetime(zone.clone()).date().to_string();
            page.card.published.map(day).unwrap_or_default()
        }
        ReadField::Concepts => page.precis.text_of(field).replace(' ', ", "),
        field => page.precis.text_of(field),
    };
    ReadField::ALL.into_iter().map(|field| (field, Input::of(shown(field)))).collect()
}

fn document(frame: &Frame, page: &ReadPage, inputs: &HashMap<ReadField, Input>) -> Document {
    let card = &page.card;
    let wrong = inputs.values().filter(|input| input.wrong.is_some()).count();
    Document {
        title: format!("Correct “{}”", card.title),
        unlisted: true,
        main: html! {
            div.head {
                p.eyebrow { a href=(reads::href(card)) { (card.title) } }
                h1 { "Correct this read" }
                p.standfirst {
                    "What you say here is shown as a person’s correction. It stays when the article is fetched or annotated again, and can be "
                    "taken back. Fields that you do not change stay the program’s."
                }
                @if wrong > 0 {
                    p.wrong role="alert" { "Nothing is saved yet: " (words::count(wrong as u64, "field")) " below cannot be saved as it is." }
                }
            }
            // Its own form, so that the Enter key in a field never takes a correction back.
            form #take-back method="post" action={ "/correct/" (card.id) "/save" } { (frame.form_fields_to(&reads::href(card))) }
            form.settle method="post" action={ "/correct/" (card.id) "/save" } {
                (frame.form_fields_to(&reads::href(card)))
                @for field in ReadField::ALL {
                    @if let Some(input) = inputs.get(&field) {
                        div.field {
                            (labelled(field, input))
                            @if let Some(corrected) = page.corrected.iter().find(|one| one.correction.field() == field) {
                                p.quiet {
                                    (statements::corrected(corrected, frame.zone())) " "
                                    button form="take-back" name="take-back" value=(field) { "Take it back" }
                                }
                            }
                        }
                    }
                }
                div.row {
                    button { "Save" }
                    a href=(reads::href(card)) { "Change nothing" }
                }
            }
            (not_for_anybody(frame, page))
            (twice(page))
        },
        ..Document::default()
    }
}

/// The form that hides a read.
fn not_for_anybody(frame: &Frame, page: &ReadPage) -> Markup {
    html! {
        section.own {
            h2 { "Hide it from everybody" }
            p {
                "It leaves all lists, feeds and the search, and its feed does not bring it back. What was written about it stays. It can be "
                "shown again."
            }
            form method="post" action={ "/correct/" (page.card.id) "/hide" } {
                (frame.form_fields_to("/"))
                div.row { button { "Hide it from everybody" } }
            }
        }
    }
}

/// The form for the number of a read that is the same article.
fn twice(page: &ReadPage) -> Markup {
    html! {
        section.own {
            h2 { "It is the same article as another read" }
            form.settle action={ "/correct/" (page.card.id) "/same" } {
                label for="as" { "The other read’s number or page address" }
                input #as type="text" name="as" autocomplete="off" required;
                div.row { button { "Compare them" } span.quiet { "Nothing is changed yet." } }
            }
        }
    }
}

fn hidden_document(frame: &Frame, hidden: &Withdrawn) -> Document {
    Document {
        title: "Hidden from everybody".to_owned(),
        unlisted: true,
        main: html! {
            div.head {
                p.eyebrow { (hidden.source) }
                h1 { (hidden.title) }
                p.standfirst {
                    "It is hidden from everybody since " (words::date(hidden.since, frame.zone())) ". Its article, and what was written "
                    "about it, are still there."
                }
            }
            form.settle method="post" action={ "/correct/" (hidden.id) "/show" } {
                (frame.form_fields_to("/"))
                div.row { button { "Show it again" } }
            }
        },
        ..Document::default()
    }
}

/// Two reads beside each other, and the button that merges them.
fn comparison(frame: &Frame, read: &ReadPage, other: &ReadPage) -> Document {
    let is_one = read.card.id == other.card.id;
    let stays = read.card.id.min(other.card.id);
    Document {
        title: "Are they one article?".to_owned(),
        unlisted: true,
        main: html! {
            div.head {
                p.eyebrow { a href={ "/correct/" (read.card.id) } { "Correct this read" } }
                h1 { "Are they one article?" }
                p.standfirst {
                    @if is_one { "They are one read already." } @else {
                        "The one that the archive has had longer stays, with its text. It gets the other one’s addresses, sources, marks, "
                        "notes, labels, answers and corrections. " strong { "This cannot be undone." }
                    }
                }
            }
            ul.reads {
                @for page in [read, other] {
                    li {
                        h2.problem.titled { a href=(reads::href(&page.card)) { (page.card.title) } }
                        p.under {
                            (page.card.company) (reads::dot()) (words::date(reads::dated(&page.card), frame.zone())) (reads::dot())
                            (words::count(page.article.words.into(), "word"))
                            @if page.card.id == stays && !is_one { (reads::dot()) "stays" }
                        }
                        p.under { (page.card.url) }
                    }
                }
            }
            @if !is_one {
                form.settle method="post" action={ "/correct/" (read.card.id) "/merge" } {
                    (frame.form_fields_to("/"))
                    input type="hidden" name="as" value=(other.card.id);
                    div.row {
                        button { "Merge them" }
                        a href={ "/correct/" (read.card.id) } { "Change nothing" }
                    }
                }
            }
        },
        ..Document::default()
    }
}

fn labelled(field: ReadField, input: &Input) -> Markup {
    let hint = hint(field);
    let described = input
        .wrong
        .as_ref()
        .map_or_else(|| format!("{field}-hint"), |_| format!("{field}-wrong {field}-hint"));
    let invalid = input.wrong.as_ref().map(|_| "true");
    html! {
        label for=(field) { (statements::name_of(field)) }
        input type="hidden" name={ "was-" (field) } value=(input.was);
        @match field {
            ReadField::Kind => {
                select id=(field) name=(field) aria-describedby=(described) aria-invalid=[invalid] {
                    @for kind in Kind::ALL {
                        option value=(kind) selected[kind.as_str() == input.typed] { (kind.name()) }
                    }
                }
            }
            ReadField::Problem | ReadField::Approach | ReadField::Outcome => {
                // No `maxlength`: a text that is too long is not cut, but can be shortened.
                textarea id=(field) name=(field) rows="3" aria-describedby=(described) aria-invalid=[invalid] { "\n" (input.typed) }
            }
            _ => {
                input id=(field) name=(field) type=(if field == ReadField::Date { "date" } else { "text" }) value=(input.typed)
                    autocomplete="off" aria-describedby=(described) aria-invalid=[invalid];
            }
        }
        @if let Some(wrong) = &input.wrong { p.wrong id={ (field) "-wrong" } { (wrong) "." } }
        p.quiet id={ (field) "-hint" } { (hint) }
    }
}

fn hint(field: ReadField) -> String {
    match field {
        ReadField::Problem | ReadField::Approach | ReadField::Outcome => {
            format!("At most {STATEMENT_MAX} characters. Empty says that there is none.")
        }
        ReadField::Kind => "A profile, an event and “other” have no problem.".to_owned(),
        ReadField::Concepts => {
            format!(
                "At most {CONCEPTS_MAX}, separated by commas, for example rate-limiting, caching. Empty for none."
            )
        }
        ReadField::Title => format!("At most {MAX_TITLE} characters."),
        ReadField::Company => format!("Of this read only. At most {MAX_NAME} characters."),
        ReadField::Date => "It decides the week.".to_owned(),
    }
}
