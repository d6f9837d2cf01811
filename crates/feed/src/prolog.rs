//! What stands before a document's first element: the XML declaration, a document type, entity declarations.
//!
//! The declaration has done its work once the bytes are decoded, and a document type is never fetched or believed; both
//! are taken away. Entities count only where they stand for plain text or one character, so that none can explode.

use std::borrow::Cow;
use std::collections::HashMap;

/// A document without its declaration and document type.
pub struct Prolog<'a> {
    /// What remains of the document.
    pub rest: Cow<'a, str>,
    /// The entities it declares, with the text that each stands for.
    pub entities: HashMap<&'a str, String>,
    /// Whether its document type is Netscape's, which is how RSS 0.91 is told apart.
    pub netscape: bool,
}

/// The most entities that are kept.
const MAX_ENTITIES: usize = 1000;

/// Takes the prolog off `text`.
pub fn read(text: &str) -> Prolog<'_> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = without_declaration(text);
    let Some(start) = doctype_start(rest) else {
        return Prolog { rest: Cow::Borrowed(rest), entities: HashMap::new(), netscape: false };
    };
    let end = doctype_end(rest, start);
    let doctype = &rest[start..end];
    Prolog {
        rest: Cow::Owned([&rest[..start], &rest[end..]].concat()),
        entities: declared_entities(doctype),
        netscape: doctype.to_ascii_lowercase().contains("netscape"),
    }
}

fn without_declaration(text: &str) -> &str {
    if !text.starts_with("<?xml") {
        return text;
    }
    text.find('>').map_or(text, |end| &text[end + 1..])
}

/// Where the document type stands, if one stands before the first element.
fn doctype_start(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr(b'<', &text.as_bytes()[at..])?;
        let rest = &text[at..];
        if rest.starts_with("<!DOCTYPE") {
            return Some(at);
        }
        at += match rest.as_bytes().get(1)? {
            b'!' if rest.starts_with("<!--") => rest.find("-->")?,
            b'?' => rest.find('>')?,
            b if b.is_ascii_alphabetic() || *b == b'_' => return None,
            _ => 1,
        };
    }
}

/// Where the document type that begins at `start` ends: after the `>` that no bracket holds, or before the first element
/// where there is none.
fn doctype_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut in_subset = false;
    for (at, byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'[' => in_subset = true,
            b']' => in_subset = false,
            b'>' if !in_subset => return at + 1,
            b'<' if bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic) => return at,
            _ => {}
        }
    }
    text.len()
}

fn declared_entities(doctype: &str) -> HashMap<&str, String> {
    doctype.split("<!ENTITY").skip(1).take(MAX_ENTITIES).filter_map(declared_entity).collect()
}

/// The name and meaning in ` name "value">`; none where the value could hold further entities.
fn declared_entity(declaration: &str) -> Option<(&str, String)> {
    let (name, rest) = declaration.trim_start().split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let value = rest[1..].split(quote).next()?;
    if !value.contains('&') {
        return Some((name, value.to_owned()));
    }
    let reference = value.strip_prefix("&#")?.strip_suffix(';')?;
    Some((name, crate::markup_text::character(reference)?.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_type_goes_and_its_plain_entities_stay() {
        let read = read(
            "<?xml version='1.0'?>\n<!DOCTYPE rss [\n<!ENTITY copy \"&#169;\">\n<!ENTITY us \"Us\">\n\
             <!ENTITY bomb \"&us;&us;\">\n]>\n<rss/>",
        );
        assert_eq!(read.rest.trim(), "<rss/>");
        assert_eq!(read.entities.get("copy").map(String::as_str), Some("©"));
        assert_eq!(read.entities.get("us").map(String::as_str), Some("Us"));
        assert_eq!(read.entities.get("bomb"), None);
    }
}
