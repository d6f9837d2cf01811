//! What the archive says of a read, and what that rests on.

use backissue_model::{MadeBy, Precis, Statement};
use maud::{Markup, html};

use crate::words;

/// A statement under its name.
pub(crate) fn say(name: &str, statement: &Statement) -> Markup {
    html! {
        section.say {
            h2 { (name) }
            p { (statement.text) }
        }
    }
}

/// "How do we know?": for each statement the quote it rests on, how sure its maker is, and who made it.
pub(crate) fn how_do_we_know(precis: &Precis) -> Markup {
    html! {
        details.evidence {
            summary { h2 { "How do we know?" } }
            div.inner {
                @if precis.problem.is_none() { p { (words::without_problem(precis.kind)) } }
                @for (name, statement) in precis.statements() {
                    section {
                        h3 { (heading(name)) }
                        @for evidence in &statement.evidence {
                            blockquote { (evidence.quote) }
                            p { a href={ "#article:~:text=" (text_directive(&evidence.quote)) } { "Find it in the article" } }
                        }
                        p {
                            "Confidence: " (words::confidence(statement.confidence))
                            meter min="0" max="1" value=(format!("{:.2}", statement.confidence)) aria-label="Confidence" {}
                            span.quiet.figure { (format!("{:.0} %", statement.confidence * 100.0)) }
                        }
                    }
                }
                p.made { (made_by(&precis.made_by)) }
            }
        }
    }
}

/// A statement's name for people.
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
        "Read by the "
        @match &made_by.model {
            Some(model) => { "language model " (model) " through the annotator " (made_by.annotator) }
            None => { (made_by.annotator) " annotator" }
        }
        ", version " (made_by.version) ". A statement without a quote from the article is not shown."
    }
}

/// `quote` as the value of a text directive, by which browsers find and mark it (WICG scroll-to-text-fragment). Quotes
/// that reach over several blocks are given by their first and last words.
fn text_directive(quote: &str) -> String {
    let encode = |text: &str| {
        let mut encoded = String::with_capacity(text.len());
        for byte in text.bytes() {
            // The dash and the comma mean something in the directive.
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
    fn a_directive_keeps_its_own_signs_apart_from_the_quotes() {
        assert_eq!(text_directive("well-known, 58 %"), "well%2Dknown%2C%2058%20%25");
        assert_eq!(
            text_directive("one two three four\n\nfive six seven eight nine"),
            "one%20two%20three%20four,six%20seven%20eight%20nine"
        );
    }
}
