//! A week or a read as Markdown: CommonMark, in which nothing from the web is markup.

use std::fmt::Write;

use backissue_model::markdown::{link, text};
use backissue_model::{Form, Statement};
use backissue_store::{ReadCard, ReadSummary};

use crate::compose::{shown, statements};
use crate::{Digest, Group, Pick, Site, words};

/// A week.
pub fn week(digest: &Digest, site: &Site) -> String {
    let mut out = format!("# {}\n\n{}\n", words::heading(digest.week), words::tally(digest.totals),);
    if let Some(address) = site.week(digest.week) {
        paragraph(&mut out, &link("The whole week", &address));
    }
    paragraphs(&mut out, &digest.remark);
    if !digest.picks.is_empty() {
        out.push_str("\n## First\n");
        for (number, pick) in (1..).zip(&digest.picks) {
            write_pick(&mut out, number, pick, site);
        }
    }
    for group in &digest.groups {
        write_group(&mut out, group, digest);
    }
    if !digest.announcements.is_empty() {
        out.push_str("\n## Announcements\n\n");
        for card in &digest.announcements {
            line(&mut out, card);
        }
    }
    out
}

/// A read: what the archive says of it, with the sentences that back it.
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
    let (card, precis) = (&pick.read.card, &pick.read.precis);
    let said = |statement: &Statement| text(&statement.form.said(&statement.text));
    let problem = shown(&precis.problem);
    let leads = problem.filter(|_| card.problem_leads);
    let heading = leads.map_or_else(|| text(&card.title), said);
    // A number alone would begin a list only at the start of a line; behind the heading's signs it
    // is text.
    let _ = write!(out, "\n### {number}. {heading}\n");
    let mut parts =
        vec![link(&card.title, &card.url), text(&card.company), words::minutes(card.minutes.into())];
    parts.extend(card.level().map(str::to_owned));
    if !card.concepts.is_empty() {
        parts.push(text(&words::concepts(&card.concepts)));
    }
    parts.extend(site.read(card).map(|address| link("in the archive", &address)));
    paragraph(out, &parts.join(" · "));
    if leads.is_none()
        && let Some(problem) = problem
    {
        paragraph(out, &said(problem));
    }
    let told: Vec<_> = statements(precis).skip(usize::from(problem.is_some())).collect();
    if !told.is_empty() {
        out.push('\n');
    }
    for (heading, statement) in told {
        let _ = writeln!(out, "- {heading}: {}", said(statement));
    }
    paragraphs(out, &pick.remark);
}

fn write_group(out: &mut String, group: &Group, digest: &Digest) {
    let heading = text(&group.heading(digest));
    let _ = write!(out, "\n## {heading}\n\n");
    for card in &group.reads {
        line(out, card);
    }
}

/// A read on one line.
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

/// One paragraph of ready Markdown.
fn paragraph(out: &mut String, markdown: &str) {
    let _ = write!(out, "\n{markdown}\n");
}

/// What a person typed, its paragraphs kept.
fn paragraphs(out: &mut String, typed: &str) {
    for part in words::paragraphs(typed) {
        paragraph(out, &text(part));
    }
}
