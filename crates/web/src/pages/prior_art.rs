//! `/prior-art?q=…`: who had a problem, what each did, and the outcome, as a table for a design
//! document.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use backissue_model::{ReaderId, Statement};
use backissue_search::{Match, PRIOR_ART_MAX, PriorArt, Search, Way};
use maud::{Markup, html};

use crate::fault::Fault;
use crate::frame::{Document, Frame, Page, Section};
use crate::pages::search::{only_words, still_missing};
use crate::parts::marks::Marked;
use crate::parts::{reads, search_box};
use crate::question::{Question, href};
use crate::readers::Visitor;
use crate::{App, vocabulary, words};

/// Default number of reads in the table.
const ROWS: usize = 15;

/// `/prior-art`
pub(crate) async fn prior_art(
    frame: Frame,
    question: Question,
    State(app): State<App>,
) -> Result<Page, Fault> {
    let found =
        if question.is_empty() { None } else { Some(look_up(&app.search, &question, frame.reader).await?) };
    let listed = found.iter().flat_map(|found| &found.ways).flat_map(|way| &way.reads);
    let marked = Marked::on(&app.store, &frame, listed.map(|found| &found.read.card)).await?;
    Ok(frame.page(document(&frame, &question, found.as_ref(), &marked)))
}

/// `/prior-art.md`
pub(crate) async fn markdown(
    visitor: Visitor,
    question: Question,
    State(app): State<App>,
) -> Result<Response, Fault> {
    if question.is_empty() {
        return Err(Fault::BadAddress(
            "Say in “q” what is searched, as in /prior-art.md?q=slow+builds".to_owned(),
        ));
    }
    let found = look_up(&app.search, &question, visitor.reader).await?;
    let headers = [(CONTENT_TYPE, "text/markdown; charset=utf-8"), (CACHE_CONTROL, "private, no-cache")];
    Ok((headers, found.markdown(&app.site.time_zone, vocabulary::name)).into_response())
}

/// Finds the reads for a question. `reader` is the reader of its filters `is:` and `label:`.
pub(crate) async fn look_up(
    search: &Search,
    question: &Question,
    reader: Option<ReaderId>,
) -> Result<PriorArt, Fault> {
    let limit = question.limit.unwrap_or(ROWS).min(PRIOR_ART_MAX);
    Ok(search.prior_art(&question.text, limit, reader).await?)
}

fn document(frame: &Frame, question: &Question, found: Option<&PriorArt>, marked: &Marked) -> Document {
    Document {
        title: match found {
            Some(_) => format!("Prior art: {}", question.text.trim()),
            None => "Prior art".to_owned(),
        },
        description: Some("Who had a problem, what each did, and the outcome, as a table.".to_owned()),
        section: Some(Section::PriorArt),
        unlisted: found.is_some(),
        has_own_box: true,
        above: Some(search_box::large("/prior-art", &question.text, false)),
        main: html! {
            div.head.answered {
                h1 { "Prior art" }
                p.tally { (tally(found)) }
            }
            @if let Some(found) = found {
                @if found.words_only.is_some() || !found.query.notes().is_empty() {
                    div.notes { @for note in found.query.notes() { p { (note) } } (only_words(found.words_only.as_deref())) }
                }
                (still_missing(found.missing))
                @if found.is_empty() { (nothing(question, found)) } @else { (tables(frame, question, found, marked)) }
            }
        },
        ..Document::default()
    }
}

fn tally(found: Option<&PriorArt>) -> Markup {
    let Some(found) = found else {
        return html! { "Who had a problem, what each team did, and the outcome, as a table for a design document. Say the problem above." };
    };
    let reads: usize = found.ways.iter().map(|way| way.reads.len()).sum();
    html! {
        @if reads > 0 {
            (words::count(reads as u64, "read"))
            @if found.ways.len() > 1 { ", grouped by what they did" }
            ". Statements are taken from the articles; each read’s page shows what they rest on."
        } @else { "Nothing close enough." }
    }
}

fn nothing(question: &Question, found: &PriorArt) -> Markup {
    html! {
        div.empty {
            @if found.missing.is_some() { p { "Ask again in a moment." } }
            @else { p { "No read that says which problem it had or what was done about it is close enough." } }
            p { a href=(href("/search", &question.text, 1)) rel="nofollow" { "Search all reads" } }
        }
    }
}

fn tables(frame: &Frame, question: &Question, found: &PriorArt, marked: &Marked) -> Markup {
    let alone = found.ways.len() == 1;
    let text = found.markdown(frame.zone(), vocabulary::name);
    html! {
        p.actions {
            button.needs-script type="button" data-copies="markdown" { "Copy as Markdown" }
            a href=(href("/prior-art.md", &question.text, 1)) rel="nofollow" { "As a Markdown file" }
            a href=(href("/search", &question.text, 1)) rel="nofollow" { "As a list" }
            span.quiet #copied role="status" {}
        }
        @for way in &found.ways { (table(frame, way, alone, marked)) }
        details.grounds.as-text {
            summary { h2 { "The table as Markdown" } }
            textarea #markdown readonly rows="12" aria-label="The table as Markdown" spellcheck="false" { (text) }
        }
    }
}

fn table(frame: &Frame, way: &Way, alone: bool, marked: &Marked) -> Markup {
    html! {
        section {
            @match &way.concept {
                Some(slug) => h2.section { a href={ "/concept/" (slug) } { (vocabulary::name(slug)) } },
                None => h2.section { @if alone { "Who did what" } @else { "Other ways" } },
            }
            table.prior {
                thead { tr { th scope="col" { "Team" } th scope="col" { "Problem" } th scope="col" { "What they did" } th scope="col" { "What changed" } th scope="col" { "Read" } } }
                tbody { @for found in &way.reads { (row(frame, found, marked)) } }
            }
        }
    }
}

fn row(frame: &Frame, found: &Match, marked: &Marked) -> Markup {
    let (card, precis) = (&found.read.card, &found.read.precis);
    let said = |name: &str, statement: &Option<Statement>| {
        html! {
            td data-name=(name) {
                @match statement {
                    Some(statement) => {
                        (statement.form.said(&statement.text))
                        " " span.quiet { "(" (statement.level()) ")" }
                    }
                    None => span.quiet { span aria-hidden="true" { "–" } span.unseen { "not said" } },
                }
            }
        }
    };
    html! {
        tr {
            th.name scope="row" { a href={ "/source/" (card.source_slug) } { (card.company) } }
            (said("Problem", &precis.problem))
            (said("What they did", &precis.approach))
            (said("What changed", &precis.outcome))
            td.where data-name="Read" {
                a href=(reads::href(card)) data-read { (card.title) }
                time.figure datetime=(reads::dated(card)) { (words::date(reads::dated(card), frame.zone())) }
                (marked.buttons(card))
            }
        }
    }
}
