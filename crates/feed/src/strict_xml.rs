//! Parses a document as namespace-aware XML, up to the first error.
//!
//! Most feeds are well formed, and for them this parser is exact: it looks up namespaces and
//! resolves references. At the first error it stops, and the caller parses the document leniently.
//! It checks what XML 1.0 requires of a processor without validation, except details of names. In
//! doubtful cases it reports an error.

use std::collections::HashSet;

use url::Url;

use crate::assembly::{Assembly, Attribute, Reading};
use crate::markup_text::character;
use crate::namespaces::vocabulary;
use crate::prolog::{MAX_EXPANSION, Prolog};

/// The document is not well-formed XML.
#[derive(Debug)]
pub struct NotWellFormed;

type Outcome<T> = Result<T, NotWellFormed>;

/// Maximum namespaces in scope; documents with more are parsed leniently.
const MAX_BINDINGS: usize = 256;
/// Maximum attributes of an element.
const MAX_ATTRIBUTES: usize = 256;
/// Maximum depth of nested elements.
const MAX_DEPTH: usize = 1024;

/// Parses a document. Fails at the first error; the caller then parses leniently
/// ([`crate::lenient_markup`]).
pub fn read(prolog: &Prolog<'_>, base: Option<&Url>) -> Outcome<Assembly> {
    let mut reader = Reader {
        text: &prolog.rest,
        at: 0,
        prolog,
        open: Vec::new(),
        bindings: Vec::new(),
        expansion: MAX_EXPANSION,
        seen_root: false,
        assembly: Assembly::new(Reading::Strict, base, prolog.netscape, prolog.rest.len()),
    };
    while reader.at < reader.text.len() {
        reader.step()?;
    }
    let whole = reader.seen_root && reader.open.is_empty();
    if whole { Ok(reader.assembly) } else { Err(NotWellFormed) }
}

struct Open<'a> {
    /// The element's name as the document writes it.
    name: &'a str,
    /// The name with its vocabulary's usual prefix.
    tag: String,
    /// Number of namespace bindings that were in scope before the element.
    bindings: usize,
}

struct Binding<'a> {
    prefix: &'a str,
    uri: String,
    vocabulary: Option<&'static str>,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    prolog: &'a Prolog<'a>,
    open: Vec<Open<'a>>,
    bindings: Vec<Binding<'a>>,
    /// Number of bytes that the texts of entities may still add, so that nested entities cannot
    /// fill memory.
    expansion: usize,
    seen_root: bool,
    assembly: Assembly,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Parses the next piece: text, a tag, a comment, a section.
    fn step(&mut self) -> Outcome<()> {
        let rest = self.rest();
        if !rest.starts_with('<') {
            return self.character_data(rest);
        }
        if rest.starts_with("</") {
            return self.end_tag();
        }
        if let Some(inside) = rest.strip_prefix("<!--") {
            let length = inside.find("--").ok_or(NotWellFormed)?;
            check_characters(&inside[..length])?;
            if !inside[length..].starts_with("-->") {
                return Err(NotWellFormed);
            }
            self.at += 4 + length + 3;
            return Ok(());
        }
        if let Some(inside) = rest.strip_prefix("<![CDATA[") {
            let length = inside.find("]]>").ok_or(NotWellFormed)?;
            if self.open.is_empty() {
                return Err(NotWellFormed);
            }
            check_characters(&inside[..length])?;
            self.assembly.text(&inside[..length]);
            self.at += 9 + length + 3;
            return Ok(());
        }
        if let Some(inside) = rest.strip_prefix("<?") {
            let length = inside.find("?>").ok_or(NotWellFormed)?;
            let target = &inside[..name_length(inside)];
            if target.is_empty() || target.eq_ignore_ascii_case("xml") {
                return Err(NotWellFormed);
            }
            check_characters(&inside[..length])?;
            self.at += 2 + length + 2;
            return Ok(());
        }
        self.start_tag()
    }

    fn character_data(&mut self, rest: &'a str) -> Outcome<()> {
        let length = memchr::memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
        let run = &rest[..length];
        self.at += length;
        if self.open.is_empty() {
            let blank = run.bytes().all(is_space);
            return if blank { Ok(()) } else { Err(NotWellFormed) };
        }
        if run.contains("]]>") {
            return Err(NotWellFormed);
        }
        check_characters(run)?;
        let mut pieces = run.split('&');
        if let Some(first) = pieces.next() {
            self.assembly.text(first);
        }
        for piece in pieces {
            let (name, after) = piece.split_once(';').ok_or(NotWellFormed)?;
            let mut meaning = String::new();
            self.reference(name, &mut meaning)?;
            self.assembly.text(&meaning);
            self.assembly.text(after);
        }
        Ok(())
    }

    /// Appends the text of the reference `&name;`.
    fn reference(&mut self, name: &str, to: &mut String) -> Outcome<()> {
        let single = match name {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => match name.strip_prefix('#') {
                Some(reference) => {
                    character(reference).filter(|c| is_xml_character(*c)).ok_or(NotWellFormed)?
                }
                None => {
                    let meaning = self.prolog.entities.get(name).ok_or(NotWellFormed)?;
                    let growth = meaning.len().saturating_sub(name.len() + 2);
                    self.expansion = self.expansion.checked_sub(growth).ok_or(NotWellFormed)?;
                    to.push_str(meaning);
                    return Ok(());
                }
            },
        };
        to.push(single);
        Ok(())
    }

    fn end_tag(&mut self) -> Outcome<()> {
        let rest = self.rest();
        let length = memchr::memchr(b'>', rest.as_bytes()).ok_or(NotWellFormed)?;
        let name = rest[2..length].trim_end_matches(|c: char| c.is_ascii() && is_space(c as u8));
        let open = self.open.pop().filter(|open| open.name == name).ok_or(NotWellFormed)?;
        self.assembly.end(&open.tag);
        self.bindings.truncate(open.bindings);
        self.at += length + 1;
        Ok(())
    }

    fn start_tag(&mut self) -> Outcome<()> {
        if self.open.len() >= MAX_DEPTH || (self.open.is_empty() && self.seen_root) {
            return Err(NotWellFormed);
        }
        self.seen_root = true;
        let rest = self.rest();
        let length = name_length(&rest[1..]);
        let name = &rest[1..1 + length];
        if name.is_empty() {
            return Err(NotWellFormed);
        }
        self.at += 1 + length;
        let bindings = self.bindings.len();
        let (attributes, empty) = self.attributes()?;
        let attributes = self.named(attributes)?;
        let tag = self.tag(name)?;
        self.assembly.start(&tag, attributes);
        if empty {
            self.assembly.end(&tag);
            self.bindings.truncate(bindings);
        } else {
            self.open.push(Open { name, tag, bindings });
        }
        Ok(())
    }

    /// The attributes up to the tag's end, and whether the element is empty. Binds namespaces.
    fn attributes(&mut self) -> Outcome<(Vec<(&'a str, String)>, bool)> {
        let mut attributes = Vec::new();
        let mut names = HashSet::new();
        loop {
            let before = self.at;
            self.skip_space();
            let rest = self.rest();
            if rest.starts_with('>') {
                self.at += 1;
                return Ok((attributes, false));
            }
            if rest.starts_with("/>") {
                self.at += 2;
                return Ok((attributes, true));
            }
            let name = &rest[..name_length(rest)];
            if name.is_empty() || self.at == before || !names.insert(name) || names.len() > MAX_ATTRIBUTES {
                return Err(NotWellFormed);
            }
            self.at += name.len();
            let value = self.attribute_value()?;
            if name == "xmlns" {
                self.bind("", value)?;
            } else if let Some(prefix) = name.strip_prefix("xmlns:") {
                self.bind(prefix, value)?;
            } else {
                attributes.push((name, value));
            }
        }
    }

    fn skip_space(&mut self) {
        self.at += self.rest().bytes().take_while(|b| is_space(*b)).count();
    }

    fn attribute_value(&mut self) -> Outcome<String> {
        self.skip_space();
        if !self.rest().starts_with('=') {
            return Err(NotWellFormed);
        }
        self.at += 1;
        self.skip_space();
        let rest = self.rest();
        let quote = rest.bytes().next().filter(|b| matches!(b, b'"' | b'\'')).ok_or(NotWellFormed)?;
        let length = memchr::memchr(quote, &rest.as_bytes()[1..]).ok_or(NotWellFormed)?;
        let raw = &rest[1..=length];
        if raw.contains('<') {
            return Err(NotWellFormed);
        }
        check_characters(raw)?;
        self.at += length + 2;
        let mut pieces = raw.split('&');
        let mut value = pieces.next().unwrap_or("").replace(['\t', '\n', '\r'], " ");
        for piece in pieces {
            let (name, after) = piece.split_once(';').ok_or(NotWellFormed)?;
            self.reference(name, &mut value)?;
            value.push_str(&after.replace(['\t', '\n', '\r'], " "));
        }
        Ok(value)
    }

    fn bind(&mut self, prefix: &'a str, uri: String) -> Outcome<()> {
        if self.bindings.len() >= MAX_BINDINGS || (uri.is_empty() && !prefix.is_empty()) || prefix == "xmlns"
        {
            return Err(NotWellFormed);
        }
        if !uri.is_empty() {
            self.assembly.declare(prefix, &uri);
        }
        self.bindings.push(Binding { prefix, vocabulary: vocabulary(&uri), uri });
        Ok(())
    }

    fn binding(&self, prefix: &str) -> Option<&Binding<'a>> {
        self.bindings.iter().rev().find(|binding| binding.prefix == prefix)
    }

    /// The element's name in lower case with its vocabulary's usual prefix.
    fn tag(&self, name: &str) -> Outcome<String> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let prefix = match self.binding(prefix) {
            Some(Binding { vocabulary: Some(vocabulary), .. }) => vocabulary,
            Some(binding) if prefix.is_empty() => self.other_prefix(&binding.uri),
            Some(_) => prefix,
            None if prefix.is_empty() || prefix == "xml" => prefix,
            None => return Err(NotWellFormed),
        };
        Ok(if prefix.is_empty() { local.to_lowercase() } else { format!("{prefix}:{local}").to_lowercase() })
    }

    /// Another prefix that the document binds to `uri`, which is also its default namespace.
    fn other_prefix(&self, uri: &str) -> &str {
        let named = |binding: &&Binding<'_>| !binding.prefix.is_empty() && binding.uri == uri;
        self.bindings.iter().find(named).map_or("", |binding| binding.prefix)
    }

    fn named(&self, attributes: Vec<(&'a str, String)>) -> Outcome<Vec<Attribute>> {
        let mut named = Vec::with_capacity(attributes.len());
        for (name, value) in attributes {
            if let Some((prefix, local)) = name.split_once(':')
                && prefix != "xml"
            {
                let binding = self.binding(prefix).ok_or(NotWellFormed)?;
                if let Some(vocabulary) = binding.vocabulary
                    && !vocabulary.is_empty()
                    && vocabulary != prefix
                {
                    let name = format!("{vocabulary}:{local}").to_lowercase();
                    named.push(Attribute { name, value: value.clone() });
                }
            }
            named.push(Attribute { name: name.to_lowercase(), value });
        }
        Ok(named)
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether XML 1.0 allows the character (production 2).
fn is_xml_character(c: char) -> bool {
    !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

fn check_characters(text: &str) -> Outcome<()> {
    let suspicious = |b: &u8| *b < 0x20 && !is_space(*b) || *b == 0xef;
    if !text.as_bytes().iter().any(suspicious) || text.chars().all(is_xml_character) {
        return Ok(());
    }
    Err(NotWellFormed)
}

/// The length of the name at the start of `text`; 0 if there is none.
fn name_length(text: &str) -> usize {
    let begins = |b: u8| b.is_ascii_alphabetic() || b == b'_' || b == b':' || b >= 0x80;
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(|b| begins(*b)) {
        return 0;
    }
    bytes.iter().take_while(|b| begins(**b) || b.is_ascii_digit() || matches!(**b, b'-' | b'.')).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn well_formed(text: &str) -> bool {
        read(&crate::prolog::read(text), None).is_ok()
    }

    #[test]
    fn well_formed_documents_are_parsed() {
        for text in [
            "<a/>",
            "<?xml version='1.0'?><!-- c --><a b='1' c=\"2\">x &lt; &#65; <![CDATA[<b>]]></a>\n",
            "<a xmlns:p='urn:x'><p:b p:c='d'/></a>",
            "<!DOCTYPE a [\n<!ENTITY e \"E\">\n]><a>&e;</a>",
            "<\u{e9}l\u{e8}ve/>",
        ] {
            assert!(well_formed(text), "{text}");
        }
    }

    #[test]
    fn all_kinds_of_errors_are_noticed() {
        for text in [
            "", "text", "<a>", "<a></b>", "<a/><b/>", "<a/>text", "<a>&nbsp;</a>", "<a>& </a>",
            "<a>&#0;</a>", "<a>\u{1}</a>", "<a>]]></a>", "<a b=c/>", "<a b='1' b='2'/>", "<a b='1'c='2'/>",
            "<a b='<'/>", "<p:a/>", "<a p:b=''/>", "<a xmlns:p=''/>", "<a><!-- -- --></a>",
            "<a><![CDATA[</a>", " <?xml version='1.0'?><a/>", "<1/>", "<a", "<a b", "<a b='",
        ] {
            assert!(!well_formed(text), "{text}");
        }
    }
}
