//! A reader's note and labels on the page of a read.

use backissue_model::{Label, Note, ReadId};
use backissue_store::ReadCard;
use maud::{Markup, html};

use crate::frame::Frame;
use crate::markdown;

/// The section of a read's page with the reader's note and labels.
pub(crate) fn section(
    frame: &Frame,
    card: &ReadCard,
    note: &Note,
    labels: &[Label],
    known: &[Label],
) -> Markup {
    let id = card.id;
    html! {
        section #note .own aria-labelledby="note-title" {
            h2 #note-title { "Your note" }
            div #note-shown .written { (markdown::render(note.text.as_str())) }
            details #note-edit {
                summary { @if note.text.is_empty() { "Write a note" } @else { "Change it" } }
                form #note-form method="post" action={ "/note/" (id) } data-note=(id) {
                    (frame.form_fields())
                    input #note-version type="hidden" name="version" value=(note.version);
                    (typed("note-text", note.text.as_str()))
                    div.row {
                        button { "Save" }
                        span.quiet { "Markdown. An empty note is removed." }
                        span #note-said role="status" {}
                    }
                }
            }
            (labels_of(frame, id, labels, known))
        }
    }
}

/// The text box of a note.
pub(crate) fn typed(id: &str, text: &str) -> Markup {
    html! {
        label.unseen for=(id) { "Note in Markdown" }
        // The first line break after the tag is not part of the text (HTML standard, section
        // 13.1.2.5).
        textarea id=(id) name="text" rows="8" maxlength=(backissue_model::NOTE_MAX) { "\n" (text) }
    }
}

fn labels_of(frame: &Frame, id: ReadId, labels: &[Label], known: &[Label]) -> Markup {
    html! {
        form.labels method="post" action={ "/labels/" (id) } {
            (frame.form_fields())
            // Before the labels, so that the Enter key adds one.
            label.unseen for="label" { "A label; adding one keeps the read" }
            input #label name="add" list="known-labels" placeholder="Add a label" autocomplete="off" maxlength=(backissue_model::LABEL_MAX);
            button { "Add" }
            @if !labels.is_empty() {
                ul aria-label="Labels" {
                    @for label in labels {
                        li {
                            a href=(shelf_href(label)) { (label) }
                            button name="remove" value=(label) aria-label={ "Remove the label " (label) } { (crate::parts::icons::AWAY) }
                        }
                    }
                }
            }
            datalist #known-labels { @for label in known { option value=(label) {} } }
        }
    }
}

/// The shelf with this label.
pub(crate) fn shelf_href(label: &Label) -> String {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("label", label.as_str()).finish();
    format!("/shelf?{query}")
}
