//! Changes of notes and labels: `POST /note/{id}`, `/labels/{id}`.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use backissue_model::{
    HIGHLIGHT_REMARK_MAX, Label, NOTE_MAX, Note, NoteText, QUOTE_MAX, ReadId, WritingError,
};
use backissue_store::{LABELS_MAX, Labelled, NoteSaved, ReadCard, Store};
use jiff::Timestamp;
use maud::{Markup, html};

use crate::fault::Fault;
use crate::forms::Signed;
use crate::frame::{Document, Frame};
use crate::markdown;
use crate::parts::{note, reads};
use crate::read_address::read_id;
use crate::words;

/// `POST /note/{id}`: saves the note, unless it was changed in the meantime.
pub(crate) async fn save(
    frame: Frame,
    State(store): State<Store>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let read = read_id(&id)?;
    let seen = form.version()?;
    let text: NoteText = form.field("text")?.parse().map_err(refused)?;
    let saved = store.save_note(form.reader, read, &text, seen, Timestamp::now()).await;
    match saved.map_err(Fault::or(Fault::NoSuchRead))? {
        NoteSaved::Saved(note) if form.wants_part => Ok(part(&note)),
        NoteSaved::Saved(_) => Ok(form.back(None, "note")),
        NoteSaved::Conflict(now) => {
            let card = store.card(read).await?.ok_or(Fault::NoSuchRead)?;
            Ok((StatusCode::CONFLICT, frame.page(conflict(&frame, &card, &now, &text))).into_response())
        }
    }
}

/// What the script shows after a note was saved.
fn part(note: &Note) -> Response {
    let part = html! {
        input #note-version type="hidden" name="version" value=(note.version);
        div #note-shown .written { (markdown::render(note.text.as_str())) }
    };
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "private, no-store")];
    (headers, part.into_string()).into_response()
}

/// The page with both texts of a note that was changed in two places.
fn conflict(frame: &Frame, card: &ReadCard, now: &Note, typed: &NoteText) -> Document {
    Document {
        title: "This note was changed meanwhile".to_owned(),
        unlisted: true,
        main: html! {
            div.head {
                p.eyebrow { a href=(reads::href(card)) { (card.title) } }
                h1 { "This note was changed meanwhile" }
                p.standfirst { "Somewhere else, such as in another tab, it was saved after you opened it. Nothing is lost: both texts are here." }
            }
            section.own {
                h2 { "What the archive has now" }
                @if now.text.is_empty() { p.quiet { "The note was removed." } }
                @else { pre.plain tabindex="0" { (now.text) } }
            }
            section.own data-conflict=(card.id) {
                h2 { "What you typed" }
                (take_over(frame, card.id, now, typed))
                p { a href={ (reads::href(card)) "#note" } { "Keep what the archive has" } }
            }
        },
        ..Document::default()
    }
}

fn take_over(frame: &Frame, read: ReadId, now: &Note, typed: &NoteText) -> Markup {
    html! {
        form #note-form method="post" action={ "/note/" (read) } {
            (frame.form_fields_to(&format!("/read/{read}")))
            input type="hidden" name="version" value=(now.version);
            (note::typed("note-text", typed.as_str()))
            div.row { button { "Save this in its place" } }
        }
    }
}

/// `POST /labels/{id}`: adds or removes a label.
pub(crate) async fn label(
    State(store): State<Store>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let read = read_id(&id)?;
    let parsed = |name: &str| name.parse::<Label>().map_err(refused);
    let changed = match form.field("remove") {
        Ok(name) => store.remove_label(form.reader, read, &parsed(name)?).await.map(|()| Labelled::Added),
        Err(_) => store.add_label(form.reader, read, &parsed(form.field("add")?)?, Timestamp::now()).await,
    };
    match changed.map_err(Fault::or(Fault::NoSuchRead))? {
        Labelled::TooMany => Err(too_many_labels()),
        Labelled::Added => Ok(form.back(None, "note")),
    }
}

pub(crate) fn refused(error: WritingError) -> Fault {
    match error {
        WritingError::NoteTooLong(characters) => too_long("A note or answer", NOTE_MAX, characters),
        WritingError::QuoteTooLong(characters) => too_long("A highlight", QUOTE_MAX, characters),
        WritingError::RemarkTooLong(characters) => too_long("A remark", HIGHLIGHT_REMARK_MAX, characters),
        error => Fault::BadForm(words::capital(&error.to_string())),
    }
}

pub(crate) fn too_many_labels() -> Fault {
    Fault::BadForm(format!("A read has at most {LABELS_MAX} labels. Remove one first"))
}

fn too_long(what: &str, most: usize, characters: usize) -> Fault {
    let (most, characters) = (words::number(most as u64), words::number(characters as u64));
    Fault::TooLarge(format!("{what} has at most {most} characters; this one has {characters}"))
}
