//! The statements about a read, with their evidence.

use std::collections::HashSet;

use backissue_annotate::Vocabulary;
use backissue_model::{Evidence, Form, Kind, MadeBy, ReadField, Statement, Sureness};
use backissue_store::{Corrected, ReadPage, Refused};
use jiff::tz::TimeZone;
use maud::{Markup, html};
use url::Url;

use crate::{evidence, words};

/// Where links to evidence lead.
pub(crate) enum Targets<'a> {
    /// To the article on this page, which has marks with these ids.
    Here(&'a HashSet<String>),
    /// To the article at its publisher.
    There(&'a Url),
}

/// The address of the `nth` piece of evidence, from 1, of a statement: its mark in the article. If
/// there is no such mark, an address with a text directive for the browser.
fn way_to(evidence: &Evidence, statement: &str, nth: usize, targets: &Targets<'_>) -> String {
    let mark = evidence::id(statement, nth);
    let directive = || text_directive(&evidence.quote);
    match targets {
        Targets::Here(marks) if marks.contains(&mark) => format!("#{mark}"),
        Targets::Here(_) => format!("#article:~:text={}", directive()),
        Targets::There(article) => {
            let mut page = (*article).clone();
            page.set_fragment(None);
            format!("{page}#:~:text={}", directive())
        }
    }
}

/// The text of a statement, `said`, with links to its evidence. While the pointer or the focus is
/// on it, its evidence is highlighted in the article.
pub(crate) fn stated(name: &str, statement: &Statement, said: Markup, targets: &Targets<'_>) -> Markup {
    html! {
        div.stated data-statement=(name) {
            (said)
            p.backing {
                (standing(statement)) " "
                @for (evidence, nth) in statement.evidence.iter().zip(1..) {
                    @if nth > 1 { ", " }
                    a href=(way_to(evidence, name, nth, targets)) {
                        @if nth == 1 { "Where it says so" } @else { "and here" }
                        span.unseen { ": evidence for “" (heading(name)) "”" }
                    }
                }
            }
        }
    }
}

/// Whose words a statement uses, and how sure it is.
pub(crate) fn standing(statement: &Statement) -> &'static str {
    match (statement.form, statement.sureness()) {
        (Form::Quoted, Sureness::Sure) => "In the authors’ words.",
        (Form::Quoted, _) => "In the authors’ words; perhaps not their most telling ones.",
        (Form::Written, Sureness::Sure) => "Written by a language model.",
        (Form::Written, _) => "Written by a language model; not sure.",
        (Form::Corrected, _) => "Corrected by a person.",
    }
}

/// What the confidence in a statement means.
pub(crate) fn odds(statement: &Statement) -> String {
    let percent = (statement.confidence * 100.0).round();
    match statement.form {
        Form::Quoted => format!(
            "About {percent} of 100 passages chosen with this confidence are ones a reader would choose."
        ),
        Form::Written => format!("The model's words are covered by its quotes to {percent} %."),
        Form::Corrected => "These are a person's words, so they have no quote.".to_owned(),
    }
}

/// A statement with its heading.
pub(crate) fn say(name: &str, statement: &Statement, targets: &Targets<'_>) -> Markup {
    let said = html! { h2 { (heading(name)) } p.said { (statement.form.said(&statement.text)) } };
    html! { section.say { (stated(name, statement, said, targets)) } }
}

/// The section "How do we know?": each statement with its quote, its confidence and its annotator.
/// Below them, the other corrections by a person, and the fields of a language model that the
/// checks refused.
pub(crate) fn how_do_we_know(page: &ReadPage, targets: &Targets<'_>, zone: &TimeZone) -> Markup {
    let (precis, refused) = (&page.precis, &page.refused);
    let correction =
        |name: &str| page.corrected.iter().find(|corrected| corrected.correction.field().as_str() == name);
    let is_told = |corrected: &&Corrected| {
        let field = corrected.correction.field();
        field.is_statement() && !corrected.correction.text().is_empty()
    };
    let others: Vec<&Corrected> = page.corrected.iter().filter(|corrected| !is_told(corrected)).collect();
    html! {
        details #how .grounds {
            summary { h2 { "How do we know?" } }
            div.inner {
                @for (name, statement) in precis.statements() {
                    section data-statement=(name) {
                        h3 { (heading(name)) }
                        @for (evidence, nth) in statement.evidence.iter().zip(1..) {
                            blockquote { (evidence.quote) }
                            p { a href=(way_to(evidence, name, nth, targets)) { "Find it in the article" } }
                        }
                        @if let Some(corrected) = correction(name) { p { (self::corrected(corrected, zone)) } }
                        p.quiet { (odds(statement)) }
                    }
                }
                @if !others.is_empty() {
                    section {
                        h3 { "Also corrected" }
                        ul { @for one in others { li { b { (name_of(one.correction.field())) } ": " (corrected(one, zone)) } } }
                    }
                }
                @if !refused.is_empty() {
                    section {
                        h3 { "Refused" }
                        p.quiet { "The language model also wrote this. The checks did not accept it, so it is not shown above." }
                        ul {
                            @for Refused { field, said, reason } in refused {
                                li { b { (field) } ": " q { (said) } " – " (reason) "." }
                            }
                        }
                    }
                }
                p.made { (made_by(&precis.made_by)) }
            }
        }
    }
}

/// When a person corrected a field, and what the program says.
pub(crate) fn corrected(corrected: &Corrected, zone: &TimeZone) -> Markup {
    let field = corrected.correction.field();
    html! {
        @if field.is_statement() && corrected.correction.text().is_empty() { "There is none; corrected" }
        @else { "Corrected" }
        " by a person on " (words::date(corrected.at, zone))
        @match said(field, &corrected.said) {
            Some(said) => { "; the program said: " q { (said) } "." },
            None => "; the program said nothing.",
        }
    }
}

/// A field's value for display.
fn said(field: ReadField, text: &str) -> Option<String> {
    let name = |slug: &str| {
        let known = slug.parse().ok().map(|slug| Vocabulary::builtin().name_of(&slug).to_owned());
        known.unwrap_or_else(|| slug.to_owned())
    };
    let said = match field {
        ReadField::Kind => text.parse().map_or_else(|_| text.to_owned(), |kind: Kind| kind.name().to_owned()),
        ReadField::Concepts => text.split_whitespace().map(name).collect::<Vec<_>>().join(", "),
        _ => text.to_owned(),
    };
    Some(said).filter(|said| !said.is_empty())
}

/// A field's display name.
pub(crate) fn name_of(field: ReadField) -> &'static str {
    match field {
        ReadField::Problem | ReadField::Approach | ReadField::Outcome => heading(field.as_str()),
        ReadField::Kind => "Kind",
        ReadField::Concepts => "Concepts",
        ReadField::Title => "Title",
        ReadField::Date => "Date of publication",
        ReadField::Company => "Company",
    }
}

/// A statement's display name.
pub(crate) fn heading(name: &str) -> &'static str {
    match name {
        "problem" => "The problem",
        "approach" => "What they did",
        "outcome" => "What changed",
        _ => "Also said",
    }
}

fn made_by(made_by: &MadeBy) -> Markup {
    html! {
        "Annotated by the "
        @if let Some(model) = &made_by.model {
            "language model " (model)
            @if let Some(prompt) = &made_by.prompt_version { ", with prompt version " (prompt) "," }
            " through the "
        }
        (made_by.annotator) " annotator, version " (made_by.version)
        ". A statement of the program without a quote from the article is not shown."
    }
}

/// `quote` as a text directive, by which browsers find and highlight it (WICG
/// scroll-to-text-fragment). Quotes over several blocks are given by their first and last words.
fn text_directive(quote: &str) -> String {
    let encode = |text: &str| {
        let mut encoded = String::with_capacity(text.len());
        for byte in text.bytes() {
            // Dash and comma are special in a directive.
            if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'~') {
                encoded.push(char::from(byte));
            } else {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
        encoded
    };
    let words: Vec<&str> = quote.split_whitespace().collect();
    if quote.contains('\n') && words.len() > 8 {
        format!("{},{}", encode(&words[..4].join(" ")), encode(&words[words.len() - 4..].join(" ")))
    } else {
        encode(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotator_is_named_with_model_and_versions() {
        let mut maker =
            MadeBy { annotator: "built-in".into(), version: "3".into(), model: None, prompt_version: None };
        assert!(made_by(&maker).into_string().starts_with("Annotated by the built-in annotator, version 3."));
        (maker.model, maker.prompt_version) = (Some("some-model:8b".into()), Some("2".into()));
        maker.annotator = "model".into();
        let told = made_by(&maker).into_string();
        assert!(
            told.starts_with(
                "Annotated by the language model some-model:8b, with prompt version 2, through the model annotator, version 3."
            ),
            "{told}"
        );
    }

    #[test]
    fn evidence_without_a_mark_uses_a_text_directive() {
        let evidence = Evidence::at("It failed.", 0, 10).unwrap();
        let marks = HashSet::from(["evidence-problem-1".to_owned()]);
        let here = Targets::Here(&marks);
        assert_eq!(way_to(&evidence, "problem", 1, &here), "#evidence-problem-1");
        assert_eq!(way_to(&evidence, "outcome", 1, &here), "#article:~:text=It%20failed.");
        let article = "https://blog.example/one#part".parse().unwrap();
        let there = Targets::There(&article);
        assert_eq!(way_to(&evidence, "problem", 1, &there), "https://blog.example/one#:~:text=It%20failed.");
    }

    #[test]
    fn text_directive_escapes_special_signs() {
        assert_eq!(text_directive("well-known, 58 %"), "well%2Dknown%2C%2058%20%25");
        assert_eq!(
            text_directive("one two three four\n\nfive six seven eight nine"),
            "one%20two%20three%20four,six%20seven%20eight%20nine"
        );
    }
}
