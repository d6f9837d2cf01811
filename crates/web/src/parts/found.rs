//! Found reads: problem first, with the question's words marked and the passage that matches.

use std::collections::HashSet;
use std::ops::Range;

use backissue_model::Form;
use backissue_search::{Marks, Match, highlights};
use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::parts::marked::{at, marked};
use crate::parts::marks::Marked;
use crate::parts::reads;
use crate::words;

/// Found reads, numbered from `first` on.
pub(crate) fn list(
    matches: &[Match],
    marks: &Marks,
    first: usize,
    zone: &TimeZone,
    reader: &Marked,
) -> Markup {
    html! {
        ol.reads.found start=(first) {
            @for found in matches { li { (read(found, marks, zone, reader)) } }
        }
    }
}

fn read(found: &Match, marks: &Marks, zone: &TimeZone, reader: &Marked) -> Markup {
    let card = &found.read.card;
    let address = reads::href(card);
    html! {
        @if let Some(problem) = card.problem.as_ref().filter(|_| card.problem_leads) {
            h2.problem { a href=(address) data-read { (marked(&card.problem_form.said(problem), marks)) } }
            p.under {
                span.who { a href={ "/source/" (card.source_slug) } { (card.company) } } (reads::dot())
                cite { (marked(&card.title, marks)) }
            }
        } @else {
            h2.problem.titled { a href=(address) data-read { (marked(&card.title, marks)) } }
            p.under { span.who { a href={ "/source/" (card.source_slug) } { (card.company) } } }
            @if let Some(problem) = &card.problem {
                p.passage { (marked(&card.problem_form.said(problem), marks)) }
            }
        }
        (speaks_for(found, marks))
        (reader.answers(card))
        div.meta {
            p {
                span.figure { (card.minutes) " min" } (reads::dot())
                time.figure datetime=(reads::dated(card)) { (words::date(reads::dated(card), zone)) }
                @if card.kind != backissue_model::Kind::CaseStudy { (reads::dot()) (words::kind(card.kind)) }
                (reads::level(card))
            }
            (reads::concepts(&card.concepts))
            (reader.buttons(card))
        }
    }
}

/// The passage with the question's words, or else the evidence of the problem.
fn speaks_for(found: &Match, marks: &Marks) -> Markup {
    let evidence = found.read.precis.problem.as_ref().and_then(|problem| problem.evidence.first());
    let has_marks = |text: &str| !highlights(text, marks).is_empty();
    let shows_words = found.passage.is_some()
        || has_marks(&found.read.card.title)
        || found.read.card.problem.as_deref().is_some_and(has_marks);
    let in_other_words =
        found.ranked.similarity.is_some() && (found.ranked.by_words.is_none() || !shows_words);
    let said = found.read.card.problem.as_deref().unwrap_or_default();
    html! {
        @match (&found.passage, evidence) {
            (Some(passage), evidence)
                if (!in_other_words || evidence.is_none()) && !repeats(&passage.text, said) =>
            {
                p.passage {
                    (in_one_line(&passage.text, &passage.highlights))
                    @if passage.text.ends_with(char::is_alphanumeric) { " …" }
                }
            }
            (_, Some(evidence)) if in_other_words && !repeats(&evidence.quote, said) => {
                p.passage { (marked(&Form::Quoted.said(&evidence.quote), marks)) }
            }
            _ => {}
        }
        @if in_other_words { p.why { "Found by its meaning: it says it in other words." } }
    }
}

/// Whether a text says nearly the same as `said`, so that readers need not see it twice.
fn repeats(text: &str, said: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .map(str::to_lowercase)
            .collect()
    };
    let known: HashSet<String> = words(said).into_iter().collect();
    let words = words(text);
    let new = words.iter().filter(|word| !known.contains(*word)).count();
    new * 5 <= words.len()
}

/// A passage with separators between its blocks, such as a heading and its text.
fn in_one_line(text: &str, places: &[Range<usize>]) -> Markup {
    let (mut blocks, mut start) = (Vec::new(), 0);
    for block in text.split("\n\n") {
        let bounds = start..start + block.len();
        let inside = places.iter().filter(|place| bounds.start <= place.start && place.end <= bounds.end);
        let inside: Vec<_> = inside.map(|place| place.start - start..place.end - start).collect();
        blocks.push((block, inside));
        start = bounds.end + 2;
    }
    html! {
        @for (nth, (block, inside)) in blocks.iter().enumerate() {
            @if nth > 0 { (reads::dot()) }
            (at(block, inside))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passage_that_repeats_the_problem_is_recognised() {
        let problem = "The cache of Quillcast emptied at the second when most listeners asked.";
        assert!(repeats("Our cache emptied at the second when most listeners asked.", problem));
        assert!(!repeats("The cache emptied at midnight, and a fleet of workers filled it again.", problem));
    }

    #[test]
    fn heading_is_separated_from_its_text() {
        let html = in_one_line("Slow together\n\nThey were slow.", &[0..4, 25..29]).into_string();
        let dot = reads::dot().into_string();
        assert_eq!(html, format!("<mark>Slow</mark> together{dot}They were <mark>slow</mark>."));
    }
}
