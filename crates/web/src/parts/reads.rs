//! Reads in a list. The problem is most visible; a post without one says its kind and takes one
//! line.

use backissue_store::{Cursor, ReadCard};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::narrowing::Narrowing;
use crate::parts::marks::Marked;
pub(crate) use crate::read_address::href;
use crate::{vocabulary, words};

/// Reads with a problem.
pub(crate) fn by_problem<'c>(
    cards: impl IntoIterator<Item = &'c ReadCard>,
    zone: &TimeZone,
    marked: &Marked,
) -> Markup {
    html! {
        ol.reads {
            @for card in cards { li { (with_problem(card, zone, marked)) } }
        }
    }
}

/// Posts without a problem, one line each.
pub(crate) fn by_title<'c>(
    cards: impl IntoIterator<Item = &'c ReadCard>,
    zone: &TimeZone,
    marked: &Marked,
) -> Markup {
    html! {
        ul.others {
            @for card in cards { li { (without_problem(card, zone, marked)) } }
        }
    }
}

/// A long list, newest first, with a heading per month.
pub(crate) fn by_month(cards: &[ReadCard], zone: &TimeZone, marked: &Marked) -> Markup {
    let month =
        |card: &ReadCard| dated(card).to_zoned_datetime(zone.clone()).date().strftime("%B %Y").to_string();
    html! {
        @for group in cards.chunk_by(|a, b| month(a) == month(b)) {
            section {
                h2.section { (month(&group[0])) }
                // Within a month, reads with and without a problem stay in order of time.
                @for run in group.chunk_by(|a, b| a.problem.is_some() == b.problem.is_some()) {
                    @if run[0].problem.is_some() { (by_problem(run, zone, marked)) } @else { (by_title(run, zone, marked)) }
                }
            }
        }
    }
}

/// One read of a list, problem first.
pub(crate) fn one(card: &ReadCard, zone: &TimeZone, marked: &Marked) -> Markup {
    with_problem(card, zone, marked)
}

/// Reads in brief: the problem, or the title if it leads, with company and year. `buttons` makes
/// the buttons of a read.
pub(crate) fn brief<'c>(
    cards: impl IntoIterator<Item = &'c ReadCard>,
    zone: &TimeZone,
    mut buttons: impl FnMut(&ReadCard) -> Markup,
) -> Markup {
    html! {
        ul.alike {
            @for card in cards {
                li {
                    a href=(href(card)) {
                        @match card.problem.as_ref().filter(|_| card.problem_leads) {
                            Some(problem) => (card.problem_form.said(problem)),
                            None => (card.title),
                        }
                    }
                    p {
                        (card.company) (dot()) (dated(card).to_zoned_datetime(zone.clone()).year())
                        @if card.problem_leads { (level(card)) }
                    }
                    (buttons(card))
                }
            }
        }
    }
}

fn with_problem(card: &ReadCard, zone: &TimeZone, marked: &Marked) -> Markup {
    html! {
        @match &card.problem {
            Some(problem) if card.problem_leads => {
                h3.problem { a href=(href(card)) data-read { (card.problem_form.said(problem)) } }
                p.under {
                    span.who { a href={ "/source/" (card.source_slug) } { (card.company) } } (dot())
                    cite { (card.title) }
                }
            }
            problem => {
                h3.problem.titled { a href=(href(card)) data-read { (card.title) } }
                p.under { span.who { a href={ "/source/" (card.source_slug) } { (card.company) } } }
                @if let Some(problem) = problem {
                    p.passage { (card.problem_form.said(problem)) }
                }
            }
        }
        (marked.answers(card))
        div.meta {
            p {
                (minutes(card)) (dot()) (when(card, zone))
                @if card.kind != backissue_model::Kind::CaseStudy { (dot()) (words::kind(card.kind)) }
                (level(card))
            }
            (concepts(&card.concepts))
            (marked.buttons(card))
        }
    }
}

fn without_problem(card: &ReadCard, zone: &TimeZone, marked: &Marked) -> Markup {
    html! {
        span.what { (words::kind(card.kind)) }
        span.title {
            a href=(href(card)) data-read { (card.title) }
            " "
            span.small { (card.company) (dot()) (minutes(card)) (dot()) (when(card, zone)) }
            (marked.answers(card))
            (marked.buttons(card))
        }
    }
}

/// How sure the shown problem is.
pub(crate) fn level(card: &ReadCard) -> Markup {
    html! { @if let Some(level) = card.level() { (dot()) (level) } }
}

fn minutes(card: &ReadCard) -> Markup {
    html! { span.figure { (card.minutes) " min" } }
}

/// Links to concepts, with their display names.
pub(crate) fn concepts(slugs: &[backissue_model::ConceptSlug]) -> Markup {
    html! {
        @if !slugs.is_empty() {
            ul.concepts aria-label="Concepts" {
                @for slug in slugs { li { a href={ "/concept/" (slug) } { (vocabulary::name(slug)) } } }
            }
        }
    }
}

/// The date of a read: its publication date, or when it was first seen.
pub(crate) fn dated(card: &ReadCard) -> Timestamp {
    card.published.unwrap_or(card.first_seen)
}

fn when(card: &ReadCard, zone: &TimeZone) -> Markup {
    let at = dated(card);
    html! { time.figure datetime=(at) { (words::day(at, zone)) } }
}

pub(crate) fn dot() -> Markup {
    html! { span.dot aria-hidden="true" { "·" } }
}

/// Links to the next page of a list and to its first one.
pub(crate) fn pager(path: &str, narrowing: &Narrowing, next: Option<&Cursor>, older: &str) -> Markup {
    let start = narrowing.after.is_some().then(|| Narrowing { after: None, ..narrowing.clone() }.href(path));
    html! {
        @if start.is_some() || next.is_some() {
            nav.turn.list-end aria-label="Pages of this list" {
                @if let Some(start) = start { a href=(start) { "Back to the beginning" } }
                @if let Some(next) = next { a rel="next" href=(narrowing.after(next).href(path)) { (older) } }
            }
        }
    }
}

/// Number of reads per page of a list.
pub(crate) const PAGE: u32 = 50;
