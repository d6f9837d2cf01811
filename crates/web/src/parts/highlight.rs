//! A reader's highlights on the page of a read, and the form that makes one.

use std::collections::HashSet;

use backissue_model::bounds::cut;
use backissue_model::{HIGHLIGHT_REMARK_MAX, Highlight, QUOTE_MAX, QuotePlace, QuotedText, ReadId};
use backissue_store::Own;
use maud::{Markup, html};

use crate::evidence::{self, Passage};
use crate::frame::Frame;
use crate::parts::reads;
use crate::{markdown, words};

/// Characters of a passage in lists of several reads.
const SHORT: usize = 300;
/// Characters of a passage in the name of a button.
const NAME: usize = 40;

/// A highlight, and whether the article has its passage.
pub(crate) struct Located {
    highlight: Highlight,
    is_in_text: bool,
}

/// Finds highlights in the article's text. Returns those that it has, in their order in the text,
/// then the others. Also returns the passages to be marked.
pub(crate) fn locate(text: &str, highlights: Vec<Highlight>) -> (Vec<Located>, Vec<Passage>) {
    if highlights.is_empty() {
        return Default::default();
    }
    let mut text = QuotedText::of(text);
    let mut passages = Vec::new();
    let mut located: Vec<(usize, Located)> = Vec::new();
    for highlight in highlights {
        match text.find(&highlight.quote) {
            QuotePlace::At { start, solid, .. } => {
                passages.push(evidence::highlighted(highlight.id, start, solid));
                located.push((start, Located { highlight, is_in_text: true }));
            }
            QuotePlace::Several | QuotePlace::Nowhere => {
                located.push((usize::MAX, Located { highlight, is_in_text: false }));
            }
        }
    }
    located.sort_by_key(|(start, _)| *start);
    (located.into_iter().map(|(_, located)| located).collect(), passages)
}

/// The section of a read's page with the reader's highlights; nothing if there are none.
pub(crate) fn section(frame: &Frame, located: &[Located], marks: &HashSet<String>) -> Markup {
    html! {
        @if !located.is_empty() {
            section #highlights .own aria-labelledby="highlights-title" {
                h2 #highlights-title { "Your highlights" }
                ol.highlights { @for located in located { li { (one(frame, located, marks)) } } }
            }
        }
    }
}

fn one(frame: &Frame, located: &Located, marks: &HashSet<String>) -> Markup {
    let Highlight { id, quote, remark, version, made_at, .. } = &located.highlight;
    let (mark, field) = (evidence::id_of_highlight(*id), format!("remark-{id}"));
    let name = cut(&quote.exact, NAME);
    html! {
        blockquote id={ "h" (id) } { (quote.exact) }
        p.under {
            time datetime=(made_at) { (words::date(*made_at, frame.zone())) } (reads::dot())
            @if marks.contains(&mark) { a href={ "#" (mark) } { "In the article" span.unseen { ": " (name) } } }
            @else if located.is_in_text { a href="#article" { "In the article" } }
            @else { span.lost { "No longer in the text" } }
        }
        @if !remark.is_empty() { div.written { (markdown::render(remark.as_str())) } }
        details {
            summary { @if remark.is_empty() { "Remark or remove" } @else { "Change or remove" } span.unseen { ": " (name) } }
            form method="post" action={ "/highlight/" (id) "/remark" } {
                (frame.form_fields())
                input type="hidden" name="version" value=(version);
                (remark_box(&field, remark.as_str()))
                div.row { button { "Save the remark" } }
            }
            form method="post" action={ "/highlight/" (id) "/remove" } {
                (frame.form_fields())
                div.row { button { "Remove the highlight" } }
            }
        }
    }
}

fn remark_box(id: &str, text: &str) -> Markup {
    html! {
        label for=(id) { "Remark" span.quiet { " in Markdown, may be empty" } }
        // The first line break after the tag is not part of the text.
        textarea id=(id) name="remark" rows="3" maxlength=(HIGHLIGHT_REMARK_MAX) { "\n" (text) }
    }
}

/// The form that highlights a passage, below the article. The script fills it from the selected
/// text.
pub(crate) fn form(frame: &Frame, read: ReadId) -> Markup {
    html! {
        section #highlight .own aria-labelledby="highlight-title" {
            h2 #highlight-title { "Highlight a passage" }
            p.quiet.needs-script { "Select text in the article, then press " kbd { "h" } ", or " kbd { "H" } " to add a remark." }
            details #highlight-edit {
                summary { "Paste a passage" }
                form #highlight-form method="post" action={ "/highlights/" (read) } {
                    (frame.form_fields())
                    input #highlight-prefix type="hidden" name="prefix" value="";
                    input #highlight-suffix type="hidden" name="suffix" value="";
                    label for="highlight-quote" { "Passage" span.quiet { " as the article has it" } }
                    textarea #highlight-quote name="quote" rows="4" required maxlength=(QUOTE_MAX) {}
                    (remark_box("highlight-remark", ""))
                    div.row { button { "Highlight" } }
                }
            }
        }
    }
}

/// Moves highlights with more of the searched words to the front, because a list shows only the
/// first ones.
pub(crate) fn matching_first(highlights: &mut [Highlight], words: &str) {
    let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    highlights.sort_by_cached_key(|highlight| {
        let texts = [highlight.quote.exact.as_str(), highlight.remark.as_str()].map(str::to_lowercase);
        let found = words.iter().filter(|word| texts.iter().any(|text| text.contains(*word))).count();
        std::cmp::Reverse(found)
    });
}

/// The first highlights of a read in a list of reads.
pub(crate) fn listed(own: &Own, most: usize) -> Markup {
    let (all, read) = (&own.highlights, reads::href(&own.card));
    html! {
        @if !all.is_empty() {
            ul.highlights aria-label="Highlights" {
                @for highlight in all.iter().take(most) {
                    li {
                        blockquote { a href={ (read) "#h" (highlight.id) } { (cut(&highlight.quote.exact, SHORT)) } }
                        @if !highlight.remark.is_empty() {
                            div.written { (markdown::render(highlight.remark.as_str())) }
                        }
                    }
                }
                @if all.len() > most {
                    li { a href={ (read) "#highlights" } { (words::count((all.len() - most) as u64, "more highlight")) } }
                }
            }
        }
    }
}
