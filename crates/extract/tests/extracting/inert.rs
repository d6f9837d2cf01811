//! Checks the elements and attributes of an article's HTML with independent parsers.
//!
//! The allow-list is written again here, independently of the one in `sanitise`, so that a mistake
//! there is noticed. It is applied twice: to the tree of `html5ever`, and to the tags of
//! `html5gum`, a tokenizer that shares no code with the filter's parser.

use html5gum::{Error, Token, Tokenizer};

const ELEMENTS: &[&str] = &[
    "a", "abbr", "blockquote", "br", "caption", "code", "dd", "del", "dl", "dt", "em", "figcaption",
    "figure", "h2", "h3", "h4", "h5", "h6", "hr", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q",
    "s", "samp", "small", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u",
    "ul",
];

/// Parses the HTML again and checks all elements and attributes; `class` says what was attempted.
pub fn assert_is_inert(class: &str, html: &str) {
    let document = dom_query::Document::from(html);
    for node in document.select("*").nodes() {
        let name = node.node_name().unwrap().to_string();
        // The parser's own three elements around the input.
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
            // A control character, which has no meaning in markup.
            Token::Error(told)
                if matches!(
                    *told,
                    Error::ControlCharacterInInputStream | Error::NoncharacterInInputStream
                ) => {}
            // Parsers disagree on broken markup, so there must be none, and only text between tags.
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
