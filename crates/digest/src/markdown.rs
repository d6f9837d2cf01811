//! Writes a digest or a read as Markdown (CommonMark). Text from the web is escaped.

use std::fmt::Write;

use backissue_model::Form;
use backissue_model::markdown::{link, text};
use backissue_store::{ReadCard, ReadSummary};

use crate::compose::{shown, statements};
use crate::told::{Syntax, Told};
use crate::{Digest, Pick, Site, words};

/// Two spaces at the end of a line break it.
const MARKDOWN: Syntax = Syntax { text, link, line_break: "  \n" };

/// A digest.
pub fn week(digest: &Digest, site: &Site) -> String {
    let mut out = format!("# {}\n\n{}\n", words::heading(digest.week), words::tally(digest.totals),);
    if let Some(address) = site.week(digest.week) {
        paragraph(&mut out, &link("The whole week", &address));
    }
    MARKDOWN.paragraphs(&digest.remark).iter().for_each(|part| paragraph(&mut out, part));
    if !digest.picks.is_empty() {
        out.push_str("\n## First\n");
        for (number, pick) in (1..).zip(&digest.picks) {
            write_pick(&mut out, number, pick, site);
        }
    }
    for (heading, reads) in digest.lists() {
        let _ = write!(out, "\n## {}\n\n", text(&heading));
        reads.iter().for_each(|card| line(&mut out, card));
    }
    out
}

/// A read: its statements with the sentences that support them.
pub fn read(read: &ReadSummary, site: &Site) -> String {
    let (card, precis) = (&read.card, &read.precis);
    let mut out = format!("# {}\n\n{}\n", text(&card.title), byline(card, site));
    for (heading, statement) in statements(precis) {
        let _ = write!(out, "\n## {heading}\n");
        match statement.form {
            // A quotation is its own evidence.
            Form::Quoted => paragraph(&mut out, &format!("> {}", text(&statement.text))),
            Form::Written | Form::Corrected => {
                paragraph(&mut out, &text(&statement.text));
                for evidence in &statement.evidence {
                    paragraph(&mut out, &format!("> {}", text(&evidence.quote)));
                }
            }
        }
    }
    if shown(&precis.problem).is_none()
        && let Some(description) = &card.description
    {
        paragraph(&mut out, &text(description));
    }
    if !precis.concepts.is_empty() {
        paragraph(&mut out, &format!("Concepts: {}", text(&words::concepts(&precis.concepts))));
    }
    let host = card.url.host_str().unwrap_or("the source").trim_start_matches("www.");
    paragraph(&mut out, &link(&format!("Read it on {host}"), &card.url));
    if let Some(address) = site.read(card) {
        paragraph(&mut out, &link("Its page in the archive", &address));
    }
    out
}

fn byline(card: &ReadCard, site: &Site) -> String {
    let mut parts = vec![words::kind(card.kind).to_owned(), text(&card.company)];
    parts.extend(card.author.as_deref().map(text));
    parts.push(words::date(card.filed_at, &site.time_zone));
    parts.push(words::minutes(card.minutes.into()));
    parts.join(" · ")
}

fn write_pick(out: &mut String, number: usize, pick: &Pick, site: &Site) {
    let Told { heading, about, problem, statements, remark } = Told::of(pick, site, MARKDOWN);
    // A number alone would begin a list only at the start of a line; behind the heading's signs it
    // is text.
    let _ = write!(out, "\n### {number}. {heading}\n");
    paragraph(out, &about);
    problem.iter().for_each(|problem| paragraph(out, problem));
    if !statements.is_empty() {
        out.push('\n');
    }
    for statement in statements {
        let _ = writeln!(out, "- {statement}");
    }
    remark.iter().for_each(|part| paragraph(out, part));
}

/// Appends a read on one line.
fn line(out: &mut String, card: &ReadCard) {
    let problem = match &card.problem {
        Some(problem) => {
            format!(", {}: {}", card.level().unwrap_or_default(), text(&card.problem_form.said(problem)))
        }
        None => String::new(),
    };
    let _ = writeln!(
        out,
        "- {}, {}, {}{problem}",
        link(&card.title, &card.url),
        text(&card.company),
        words::minutes(card.minutes.into()),
    );
}

/// Appends a paragraph of Markdown.
fn paragraph(out: &mut String, markdown: &str) {
    let _ = write!(out, "\n{markdown}\n");
}
