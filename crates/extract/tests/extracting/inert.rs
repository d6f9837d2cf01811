//! What an article's HTML may be made of, checked by parsers that did not make it.
//!
//! The list is written out again here, apart from the one in `sanitise`, so that a slip in that one is noticed: an independent
//! check, not a copy to be shared. It is held against the HTML twice: against the tree that `html5ever` builds, and against
//! the tags that `html5gum` reads, a tokenizer of other people's that shares no line with the parser which the gate uses.

use html5gum::{Error, Token, Tokenizer};

const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "blockquote",
    "br",
    "caption",
    "code",
    "dd",
    "del",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "samp",
    "small",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

/// Parses the HTML anew and looks at every element and attribute; `class` says what was tried.
pub fn assert_is_inert(class: &str, html: &str) {
    let document = dom_query::Document::from(html);
    for node in document.select("*").nodes() {
        let name = node.node_name().unwrap().to_string();
        // The parser's own three around what it was given.
        let around = ["html", "head", "body"].contains(&name.as_str()) && node.attrs().is_empty();
        assert!(around || ELEMENTS.contains(&name.as_str()), "{class}: <{name}> in {html}");
        for attribute in node.attrs() {
            assert_attribute_is_inert(class, &name, &attribute.name.local, &attribute.value, html);
        }
    }
    for token in Tokenizer::new(html) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => {
                let name = text(&tag.name);
                assert!(ELEMENTS.contains(&name.as_str()), "{class}: <{name}> in {html}");
                for (key, value) in &tag.attributes {
                    assert_attribute_is_inert(class, &name, &text(key), &text(value), html);
                }
            }
            Token::EndTag(tag) => {
                assert!(ELEMENTS.contains(&text(&tag.name).as_str()), "{class}: {tag:?} in {html}");
            }
            Token::String(_) => {}
            // A sign that no text should have, but which means nothing to markup.
            Token::Error(told)
                if matches!(
                    *told,
                    Error::ControlCharacterInInputStream | Error::NoncharacterInInputStream
                ) => {}
            // No two parsers agree on broken markup, so there is none, nor anything between tags but text.
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {
                panic!("{class}: {token:?} in {html}")
            }
        }
    }
}

fn assert_attribute_is_inert(class: &str, element: &str, key: &str, value: &str, html: &str) {
    let leads = |schemes: &[&str]| {
        let url = url::Url::parse(value).ok();
        url.is_some_and(|url| schemes.contains(&url.scheme()) && value.starts_with(url.scheme()))
    };
    let sound = match (element, key) {
        ("a", "href") => leads(&["http", "https", "mailto"]),
        ("a", "rel") => value == "noopener nofollow",
        ("img", "src") => leads(&["http", "https"]),
        ("img", "loading") => value == "lazy",
        ("img", "alt") => true,
        ("img", "width" | "height") | ("td" | "th", "colspan" | "rowspan") | ("ol", "start") => {
            value.parse::<i32>().is_ok()
        }
        ("code", "class") => value.starts_with("language-") && !value.contains([' ', '"', '\'', '<']),
        _ => false,
    };
    assert!(sound, "{class}: {element} {key}={value:?} in {html}");
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
