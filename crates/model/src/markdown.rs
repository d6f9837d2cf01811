//! Escapes texts from the web for the Markdown that the program writes, so that nothing in them
//! becomes markup.
//!
//! All code that writes Markdown uses it: prior art, exports, digests. The result is for CommonMark
//! with the tables of GitHub.

use url::Url;

use crate::signs::misleads;

/// Escapes `text` to one line without markup, for a paragraph, a heading, a list item or a table
/// cell.
pub fn text(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + text.len() / 8);
    for word in text.split_whitespace() {
        if !safe.is_empty() {
            safe.push(' ');
        }
        let at_start = safe.is_empty();
        let number = word.trim_start_matches(|c: char| c.is_ascii_digit());
        let mut is_first = true;
        for (at, c) in word.char_indices().filter(|(_, c)| !misleads(*c)) {
            let is_markup = matches!(
                c,
                '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '!' | '$' | '@' | '{'
            );
            // What starts a heading, a list, a quotation or a rule at the start of a line.
            let opens = at_start
                && (is_first && matches!(c, '#' | '+' | '-' | '=')
                    || matches!(c, '.' | ')')
                        && word.len() - at == number.len()
                        && number.len() < word.len());
            // Number signs alone can close a heading.
            let closes = is_first && c == '#' && word.bytes().all(|b| b == b'#');
            // What some parsers turn into links by themselves.
            let links = c == ':' && word[at..].starts_with("://")
                || c == '.' && word[..at].to_ascii_lowercase().ends_with("www");
            if is_markup || opens || closes || links {
                safe.push('\\');
            }
            safe.push(c);
            is_first = false;
        }
    }
    safe
}

/// A link with the text `words`. Returns only the escaped text if the address is not on the web.
pub fn link(words: &str, address: &Url) -> String {
    if !matches!(address.scheme(), "http" | "https") {
        return text(words);
    }
    let mut target = String::new();
    for c in address.as_str().chars() {
        match c {
            '(' => target.push_str("%28"),
            ')' => target.push_str("%29"),
            '<' => target.push_str("%3C"),
            '>' => target.push_str("%3E"),
            '|' => target.push_str("%7C"),
            '\\' => target.push_str("%5C"),
            '`' => target.push_str("%60"),
            '&' => target.push_str("&amp;"),
            c if c.is_whitespace() || misleads(c) => {}
            c => target.push(c),
        }
    }
    format!("[{}]({target})", text(words))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use pulldown_cmark::{Event, Options, Parser, Tag};

    use super::*;
    use crate::collapsed;

    /// Asserts that a Markdown parser sees `words` unchanged in table cells and as the text of a
    /// link.
    fn assert_is_text(words: &str) {
        let address: Url = "https://a.example/b_c*d?e=(f)&copy=1".parse().unwrap();
        let (safe, link) = (text(words), link(words, &address));
        let plain: String = collapsed(words);
        let plain: String = plain.chars().filter(|c| !misleads(*c)).collect();
        for (document, wanted) in [
            (safe.clone(), plain.clone()),
            (format!("# {safe}\n"), plain.clone()),
            (format!("- {safe}\n"), plain.clone()),
            (format!("| a | b |\n| --- | --- |\n| {safe} | {link} |\n"), format!("ab{plain}{plain}")),
        ] {
            let mut shown = String::new();
            // Attributes of headings are nobody's but the parser's, and take their signs although
            // they are escaped.
            let options =
                Options::all() - Options::ENABLE_SMART_PUNCTUATION - Options::ENABLE_HEADING_ATTRIBUTES;
            for event in Parser::new_ext(&document, options) {
                match event {
                    Event::Text(text) => shown.push_str(&text),
                    Event::Start(Tag::Link { dest_url, .. }) => {
                        assert_eq!(&*dest_url, "https://a.example/b_c*d?e=%28f%29&copy=1", "{document}");
                    }
                    Event::Start(
                        Tag::Table(_)
                        | Tag::TableHead
                        | Tag::TableRow
                        | Tag::TableCell
                        | Tag::Paragraph
                        | Tag::List(None)
                        | Tag::Item
                        | Tag::Heading { .. },
                    )
                    | Event::End(_) => {}
                    other => panic!("{other:?} in {document:?}"),
                }
            }
            assert_eq!(collapsed(&shown), collapsed(&wanted), "{document:?}");
        }
    }

    #[test]
    fn address_off_the_web_is_no_link() {
        let address: Url = "javascript:alert(1)".parse().unwrap();
        assert_eq!(link("a", &address), "a");
    }

    #[test]
    fn no_vector_is_markup() {
        let rows = include_str!("../../../tests/data/xss.jsonl").lines();
        for row in rows {
            let row: serde_json::Value = serde_json::from_str(row).unwrap();
            assert_is_text(row["html"].as_str().unwrap());
        }
        for words in [
            "![x](https://evil.example/p.png)",
            "[a](javascript:alert(1))",
            "[a]: https://evil.example",
            "](https://evil.example) [",
            "<https://evil.example>",
            "https://evil.example www.evil.example ann@evil.example",
            "a | b \\| c \\\\| d",
            "\\",
            "`a`` b",
            "# a",
            "1. a",
            "12) a",
            "- a",
            "+ a",
            "> a",
            "=== a",
            "--- a",
            "***",
            "___",
            "&lt;script&gt; &#60; &copy",
            "**a** __b__ ~~c~~ $d$",
            "a\n\nb\n# c",
            "\u{202e}gpj.exe",
            "$$x$$ [^1] [x] - [ ] :smile: {#id .class}",
        ] {
            assert_is_text(words);
        }
    }

    proptest! {
        #[test]
        fn no_text_is_markup(words in "[a-c1 \\\\`*_\\[\\]()<>|~&!$@#+=.:/\n-]{0,40}") {
            assert_is_text(&words);
        }
    }
}
