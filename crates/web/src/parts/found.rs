//! Reads that were found: problem first as in every list, with the words of the question marked and the place that speaks for
//! each.

use backissue_search::{Marks, Match, highlights};
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::parts::marked::{at, marked};
use crate::parts::reads;
use crate::words;

/// Reads in the order in which they were found, from number `first` on.
pub(crate) fn list(matches: &[Match], marks: &Marks, first: usize, zone: &TimeZone) -> Markup {
    html! {
        ol.reads.found start=(first) {
            @for found in matches { li { (read(found, marks, zone)) } }
        }
    }
}

fn read(found: &Match, marks: &Marks, zone: &TimeZone) -> Markup {
    let card = &found.read.card;
    let address = reads::href(card);
    html! {
        @if let Some(problem) = &card.problem {
            h2.problem { a href=(address) data-read { (marked(problem, marks)) } }
            p.under {
                span.who { a href={ "/source/" (card.source_slug) } { (card.company) } } (reads::dot())
                cite { (marked(&card.title, marks)) }
            }
        } @else {
            h2.problem.untold { a href=(address) data-read { (marked(&card.title, marks)) } }
            p.under { span.who { a href={ "/source/" (card.source_slug) } { (card.company) } } }
        }
        (speaks_for(found, marks))
        div.meta {
            p {
                span.figure { (card.minutes) " min" } (reads::dot())
                time.figure datetime=(reads::dated(card)) { (words::date(reads::dated(card), zone)) }
                @if card.kind != backissue_model::Kind::CaseStudy { (reads::dot()) (words::kind(card.kind)) }
            }
            (reads::concepts(&card.concepts))
        }
    }
}

/// The place of the article that shows why it was found: where it has the words of the question, or else what its problem
/// rests on.
fn speaks_for(found: &Match, marks: &Marks) -> Markup {
    let evidence = found.read.precis.problem.as_ref().and_then(|problem| problem.evidence.first());
    let has_marks = |text: &str| !highlights(text, marks).is_empty();
    let shows_words = found.passage.is_some()
        || has_marks(&found.read.card.title)
        || found.read.card.problem.as_deref().is_some_and(has_marks);
    let in_other_words =
        found.ranked.similarity.is_some() && (found.ranked.by_words.is_none() || !shows_words);
    html! {
        @match (&found.passage, evidence) {
            (Some(passage), evidence) if !in_other_words || evidence.is_none() => {
                p.passage { (at(&passage.text, &passage.highlights)) }
            }
            (_, Some(evidence)) if in_other_words => p.passage { "“" (marked(&evidence.quote, marks)) "”" },
            _ => {}
        }
        @if in_other_words { p.why { "Found by its meaning: it says it in other words." } }
    }
}

/// Reads with the problem of another one, in few words.
pub(crate) fn others(matches: &[Match], zone: &TimeZone) -> Markup {
    html! {
        ul.alike {
            @for found in matches {
                @let card = &found.read.card;
                li {
                    a href=(reads::href(card)) { (card.problem.as_deref().unwrap_or(&card.title)) }
                    p { (card.company) (reads::dot()) (reads::dated(card).to_zoned_datetime(zone.clone()).year()) }
                }
            }
        }
    }
}
