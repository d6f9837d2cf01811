//! Writes a digest or a read as a piece of HTML: the content of a feed's entry, or the body of a
//! mail.
//!
//! `maud` escapes all text from the web. The HTML has no images, no scripts, and no addresses
//! except links.

use backissue_model::{Form, Statement};
use backissue_store::{ReadCard, ReadSummary};
use maud::{Markup, html};

use crate::compose::{shown, statements};
use crate::{Digest, Pick, Site, words};

/// The styles in a piece of HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// No styles; the program that shows the HTML decides.
    Plain,
    /// A style on each element, as mail programs need it.
    Mail,
}

/// An element that has a style.
#[derive(Clone, Copy)]
enum Part {
    First,
    Heading,
    Paragraph,
    About,
    Remark,
    List,
    Item,
}

impl Look {
    fn of(self, part: Part) -> Option<&'static str> {
        if self == Self::Plain {
            return None;
        }
        Some(match part {
            Part::First => "font-size:19px;line-height:1.3;margin:28px 0 4px",
            Part::Heading => {
                "font-size:16px;line-height:1.3;margin:28px 0 4px;border-top:1px solid #8a909c;padding-top:12px"
            }
            Part::Paragraph => "margin:0 0 8px",
            Part::About => "margin:0 0 8px;font-size:14px",
            Part::Remark => "margin:0 0 8px;border-left:3px solid #8a909c;padding-left:10px",
            Part::List => "margin:0;padding-left:20px",
            Part::Item => "margin:0 0 6px",
        })
    }
}

/// A read: its statements with the sentences that support them, and a link to the publisher.
pub fn read(read: &ReadSummary, site: &Site) -> String {
    let (card, precis) = (&read.card, &read.precis);
    html! {
        @for (heading, statement) in statements(precis) { (said(&heading, statement)) }
        @if shown(&precis.problem).is_none() && let Some(description) = &card.description { p { (description) } }
        p {
            (words::kind(card.kind)) " · " (card.company) " · " (words::minutes(card.minutes.into()))
            @if !card.concepts.is_empty() { " · " (words::concepts(&card.concepts)) }
        }
        p { (links(card, site)) }
    }
    .into_string()
}

fn said(heading: &str, statement: &Statement) -> Markup {
    html! {
        p { strong { (heading) ":" } " " (statement.form.said(&statement.text)) }
        // A quotation is its own evidence.
        @if statement.form == Form::Written {
            @for evidence in &statement.evidence { blockquote { p { (evidence.quote) } } }
        }
    }
}

fn links(card: &ReadCard, site: &Site) -> Markup {
    let host = card.url.host_str().unwrap_or("the source").trim_start_matches("www.");
    html! {
        a href=(card.url) { "Read it on " (host) }
        @if let Some(page) = site.read(card) { " · " a href=(page) { "In the archive" } }
    }
}

/// A digest.
pub fn week(digest: &Digest, site: &Site, look: Look) -> String {
    html! {
        p style=[look.of(Part::Paragraph)] {
            (words::tally(digest.totals))
            @if let Some((page, name)) = digest.page(site) { " " a href=(page) { (name) } "." }
        }
        (remark(&digest.remark, look))
        @for pick in &digest.picks { (first(pick, site, look)) }
        @for (heading, reads) in digest.lists() { (list(&heading, reads, look)) }
    }
    .into_string()
}

fn first(pick: &Pick, site: &Site, look: Look) -> Markup {
    let card = &pick.read.card;
    let paragraph = look.of(Part::Paragraph);
    html! {
        h2 style=[look.of(Part::First)] {
            @match pick.leading() {
                Some(problem) => (problem.form.said(&problem.text)),
                None => a href=(card.url) { (card.title) },
            }
        }
        p style=[look.of(Part::About)] {
            @if pick.leading().is_some() { a href=(card.url) { (card.title) } " · " }
            (card.company) " · " (words::minutes(card.minutes.into()))
            @if let Some(level) = card.level() { " · " (level) }
            @if !card.concepts.is_empty() { " · " (words::concepts(&card.concepts)) }
            @if let Some(page) = site.read(card) { " · " a href=(page) { "in the archive" } }
        }
        @if let Some(problem) = pick.following() {
            p style=[paragraph] { (problem.form.said(&problem.text)) }
        }
        @for (heading, statement) in pick.more() {
            p style=[paragraph] { strong { (heading) ":" } " " (statement.form.said(&statement.text)) }
        }
        (remark(&pick.remark, look))
    }
}

fn list(heading: &str, cards: &[ReadCard], look: Look) -> Markup {
    html! {
        h2 style=[look.of(Part::Heading)] { (heading) }
        ul style=[look.of(Part::List)] {
            @for card in cards {
                li style=[look.of(Part::Item)] {
                    a href=(card.url) { (card.title) }
                    ", " (card.company) ", " (words::minutes(card.minutes.into()))
                    @if let (Some(problem), Some(level)) = (&card.problem, card.level()) {
                        ", " (level) ": " (card.problem_form.said(problem))
                    }
                }
            }
        }
    }
}

/// The sender's remark, with its paragraphs and lines.
fn remark(typed: &str, look: Look) -> Markup {
    html! {
        @for lines in words::paragraphs(typed) {
            p style=[look.of(Part::Remark)] {
                @for (nth, line) in lines.into_iter().enumerate() {
                    @if nth > 0 { br; }
                    (line)
                }
            }
        }
    }
}
