//! A reader's own answers to a read's problem, on the page of that read.

use backissue_model::CardAnswer;
use maud::{Markup, html};

use crate::frame::Frame;
use crate::parts::reads;
use crate::{markdown, words};

/// The section of a read's page with the reader's answers; nothing if there are none.
pub(crate) fn answers(frame: &Frame, answers: &[CardAnswer]) -> Markup {
    html! {
        @if !answers.is_empty() {
            section #answers .own aria-labelledby="answers-title" {
                h2 #answers-title { "What you would have done" }
                form #forget method="post" hidden { (frame.form_fields()) }
                @for answer in answers { (one(frame, answer)) }
            }
        }
    }
}

fn one(frame: &Frame, answer: &CardAnswer) -> Markup {
    let day = words::date(answer.at, frame.zone());
    html! {
        div.given {
            @if answer.text.is_empty() { p.quiet { "No answer." } }
            @else { div.written { (markdown::render(answer.text.as_str())) } }
            p.under {
                time datetime=(answer.at) { (day) }
                (reads::dot())
                @match answer.rating { Some(rating) => (rating.name()), None => "not rated" }
            }
            details {
                summary { "Remove it" span.unseen { ", the answer of " (day) } }
                button form="forget" formaction={ "/practise/remove/" (answer.id) } { "Remove for good" }
            }
        }
    }
}
