//! Parses what precedes a document's root element: XML declaration, document type and entity
//! declarations.
//!
//! Both the declaration and the document type are removed: the former is not needed after decoding,
//! the latter is never fetched or trusted. Only entities for short texts are used, so that they
//! cannot be expanded to a huge document.

use std::borrow::Cow;
use std::collections::HashMap;

/// A document without XML declaration and document type.
pub struct Prolog<'a> {
    /// The rest of the document.
    pub rest: Cow<'a, str>,
    /// The declared entities and their texts.
    pub entities: HashMap<&'a str, String>,
    /// Whether the document type is Netscape's, which identifies RSS 0.91.
    pub netscape: bool,
}

/// Maximum bytes of an entity's text. Longer entities are ignored.
const MAX_ENTITY: usize = 100;

/// Maximum bytes that entities may add to a document, beyond the length of their references.
pub const MAX_EXPANSION: usize = 1 << 20;

/// Maximum entities.
const MAX_ENTITIES: usize = 1000;

/// Removes the prolog of `text`.
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

/// The position of the document type. Returns `None` if the root element comes first.
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

/// The end of the document type at `start`: after the `>` outside of brackets, or else before the
/// root element. Brackets in quoted values and comments of the internal subset do not count.
fn doctype_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut in_subset = false;
    let mut in_declaration = false;
    // A comment without end is searched for only once, which keeps the time linear.
    let mut comments_end = true;
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'[' => in_subset = true,
            b']' => in_subset = false,
            b'>' if !in_subset => return at + 1,
            b'>' => in_declaration = false,
            b'<' if comments_end && bytes[at..].starts_with(b"<!--") => match text[at + 4..].find("-->") {
                Some(length) => at += length + 6,
                None => comments_end = false,
            },
            b'<' if bytes.get(at + 1) == Some(&b'!') => in_declaration = true,
            b'<' if bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic) => return at,
            b'"' | b'\'' if in_subset && in_declaration => at += quoted_length(&bytes[at..]).unwrap_or(0),
            _ => {}
        }
        at += 1;
    }
    text.len()
}

/// The length of the quoted value at the start of `bytes`, without its closing quote. Returns
/// `None` if no value of a declaration ends there, so that the quote is a stray one.
fn quoted_length(bytes: &[u8]) -> Option<usize> {
    const LONGEST: usize = 64 << 10;
    let window = &bytes[1..bytes.len().min(LONGEST)];
    let length = memchr::memchr(bytes[0], window)?;
    let after = window[length + 1..].iter().find(|b| !b.is_ascii_whitespace());
    let ends_well = after.is_none_or(|b| matches!(b, b'>' | b'"' | b'\''));
    let is_plain = memchr::memchr2(b'<', b'>', &window[..length]).is_none();
    (ends_well || is_plain).then_some(length + 1)
}

fn declared_entities(doctype: &str) -> HashMap<&str, String> {
    doctype.split("<!ENTITY").skip(1).take(MAX_ENTITIES).filter_map(declared_entity).collect()
}

/// The name and text of an entity in ` name "value">`. Returns `None` if the value could contain
/// further entities.
fn declared_entity(declaration: &str) -> Option<(&str, String)> {
    let (name, rest) = declaration.trim_start().split_once(char::is_whitespace)?;
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let value = rest[1..].split(quote).next()?;
    if !value.contains('&') {
        return (value.len() <= MAX_ENTITY).then(|| (name, value.to_owned()));
    }
    let reference = value.strip_prefix("&#")?.strip_suffix(';')?;
    Some((name, crate::markup_text::character(reference)?.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn document_type_is_removed_and_its_entities_kept() {
        let read = read(
            "<?xml version='1.0'?>\n<!DOCTYPE rss [\n<!ENTITY copy \"&#169;\">\n<!ENTITY us \"Us\">\n\
             <!ENTITY bomb \"&us;&us;\">\n]>\n<rss/>",
        );
        assert_eq!(read.rest.trim(), "<rss/>");
        assert_eq!(read.entities.get("copy").map(String::as_str), Some("©"));
        assert_eq!(read.entities.get("us").map(String::as_str), Some("Us"));
        assert_eq!(read.entities.get("bomb"), None);
    }

    #[test]
    fn markup_in_an_entity_does_not_end_the_document_type() {
        for subset in [
            "<!ENTITY x \"<b>y</b>\">",
            "<!ENTITY x '<b>]></b>'>",
            "<!-- it's <b>]> --><!ENTITY x \"<b/>\">",
            "<!ENTITY % h PUBLIC \"-//W3C\" \"x.ent\"><!ENTITY x '<i>' >",
        ] {
            let text = format!("<!DOCTYPE rss [{subset}]><rss>it's</rss>");
            assert_eq!(read(&text).rest, "<rss>it's</rss>", "{subset}");
        }
        // An unclosed quote does not swallow the document.
        let torn = "<!DOCTYPE rss [<!ENTITY x \"y> ]><rss version=\"2.0\">a</rss>";
        assert_eq!(read(torn).rest, "<rss version=\"2.0\">a</rss>");
    }
}
