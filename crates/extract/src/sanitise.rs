//! Sanitises an article's HTML as the last step of this crate.
//!
//! [`crate::render`] writes only what is allowed, but this step does not rely on that. It removes
//! scripts, styles, forms, frames, event attributes, all addresses except http, https and mailto,
//! and all other attributes that are not in the list.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use crate::locate::is_sign;

const TAGS: &[&str] = &[
    "a", "abbr", "blockquote", "br", "caption", "code", "dd", "del", "dl", "dt", "em", "figcaption",
    "figure", "h2", "h3", "h4", "h5", "h6", "hr", "img", "ins", "kbd", "li", "mark", "ol", "p", "pre", "q",
    "s", "samp", "small", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u",
    "ul",
];

static GATE: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut gate = Builder::empty();
    // `empty` allows no tags, but it would allow `lang` and `title` on any tag.
    gate.tags(TAGS.iter().copied().collect())
        .generic_attributes(HashSet::new())
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("code", HashSet::from(["class"])),
            ("img", HashSet::from(["src", "alt", "width", "height"])),
            ("ol", HashSet::from(["start"])),
            ("td", HashSet::from(["colspan", "rowspan"])),
            ("th", HashSet::from(["colspan", "rowspan"])),
        ]))
        .clean_content_tags(HashSet::from([
            "script", "style", "noscript", "template", "svg", "math", "iframe", "object",
        ]))
        .set_tag_attribute_value("img", "loading", "lazy")
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener nofollow"))
        .attribute_filter(|element, attribute, value| match (element, attribute) {
            ("code", "class") => is_language(value).then(|| value.into()),
            ("img", "width" | "height") | ("td" | "th", "colspan" | "rowspan") | ("ol", "start") => {
                value.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit()).then(|| value.into())
            }
            ("img", "src") => value.starts_with("http").then(|| value.into()),
            _ => Some(value.into()),
        });
    gate
});

fn is_language(class: &str) -> bool {
    class.strip_prefix("language-").is_some_and(|language| {
        !language.is_empty()
            && language.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'#' | b'-' | b'_'))
    })
}

/// `html` with only the allowed elements, attributes and addresses.
pub(crate) fn sanitise(html: &str) -> String {
    GATE.clean(&in_short_texts(html)).to_string()
}

/// Maximum characters per text node that must be escaped (see [`is_sign`]).
const MOST_SIGNS: usize = 128;

/// Inserts an empty comment after every [`MOST_SIGNS`] characters that must be escaped. The
/// comments split text nodes, and the filter drops them. Without them, `html5ever` 0.40 takes
/// quadratic time, because it scans the rest of a text node again for each such character.
fn in_short_texts(html: &str) -> Cow<'_, str> {
    let mut parts = String::new();
    let (mut signs, mut copied, mut in_tag) = (0, 0, false);
    for (at, byte) in html.bytes().enumerate() {
        if matches!(byte, b'<' | b'>') {
            (signs, in_tag) = (0, byte == b'<');
        } else if !in_tag && is_sign(byte) {
            signs += 1;
            if signs > MOST_SIGNS {
                parts.push_str(&html[copied..at]);
                parts.push_str("<!---->");
                (signs, copied) = (0, at);
            }
        }
    }
    if copied == 0 {
        return Cow::Borrowed(html);
    }
    parts.push_str(&html[copied..]);
    Cow::Owned(parts)
}

#[cfg(test)]
#[path = "../tests/extracting/inert.rs"]
mod inert;

#[cfg(test)]
mod tests {
    use html5gum::{Token, Tokenizer};

    use super::*;

    /// The vectors in the repository's `tests/data`, by name.
    fn vectors() -> Vec<(String, String)> {
        let lines = include_str!("../../../tests/data/xss.jsonl").lines();
        let rows = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        rows.map(|row| (text(&row["name"]), text(&row["html"]))).collect()
    }

    #[test]
    fn filter_stops_all_vectors_and_is_idempotent() {
        for (name, html) in vectors() {
            let clean = sanitise(&html);
            inert::assert_is_inert(&name, &clean);
            // Attributes may change their order, which does not matter.
            let tags = |html: &str| Tokenizer::new(html).flatten().collect::<Vec<Token>>();
            assert_eq!(tags(&sanitise(&clean)), tags(&clean), "{name}");
        }
    }
}
