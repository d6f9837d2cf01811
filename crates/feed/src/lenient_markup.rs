//! Parses a document as tag soup.
//!
//! Parsing cannot fail. A `<` without a tag is text, an unknown reference is text, an end tag
//! without start is ignored, and an unclosed comment is text to the end. Names are in lower case. A
//! prefix may be bound anywhere in the document. Text stays escaped, because only the element tells
//! whether it is plain text or markup.

use url::Url;

use crate::assembly::{Assembly, Attribute, Reading};
use crate::markup_text::{character, escape};
use crate::prolog::{MAX_EXPANSION, Prolog};

/// Maximum bytes of a tag whose quoted attribute values may contain angle brackets.
const MAX_QUOTED_TAG: usize = 64 << 10;
/// Maximum attributes per tag; further ones are ignored.
const MAX_ATTRIBUTES: usize = 256;

/// Parses the whole document.
pub fn read(prolog: &Prolog<'_>, base: Option<&Url>) -> Assembly {
    let text: &str = &prolog.rest;
    let mut reader = Reader {
        text,
        at: 0,
        prolog,
        patience: text.len().saturating_mul(4),
        expansion: MAX_EXPANSION,
        assembly: Assembly::new(Reading::Lenient, base, prolog.netscape, text.len()),
    };
    while reader.at < text.len() {
        reader.step();
    }
    reader.assembly
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    prolog: &'a Prolog<'a>,
    /// How many bytes may still be scanned for ends of tags. This keeps the time linear.
    patience: usize,
    /// How many bytes entities may still add.
    expansion: usize,
    assembly: Assembly,
}

impl<'a> Reader<'a> {
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        let plain = memchr::memchr2(b'<', b'&', rest.as_bytes()).unwrap_or(rest.len());
        if plain > 0 {
            self.assembly.text(&rest[..plain]);
            self.at += plain;
            return;
        }
        let read = if rest.starts_with('&') { self.reference(rest) } else { self.markup(rest) };
        match read {
            Read::Through(length) => self.at += length,
            Read::Text => {
                self.assembly.escaped(if rest.starts_with('&') { "&amp;" } else { "&lt;" });
                self.at += 1;
            }
            Read::TextToTheEnd => {
                self.assembly.escaped(&escape(rest));
                self.at = self.text.len();
            }
        }
    }

    fn reference(&mut self, rest: &str) -> Read {
        if let Some(numeric) = rest.strip_prefix("&#") {
            let length = numeric.bytes().take(9).take_while(u8::is_ascii_alphanumeric).count();
            let ended = numeric[length..].starts_with(';');
            let Some(character) = character(&numeric[..length]).filter(|c| ended && *c != '\0') else {
                return Read::Text;
            };
            self.assembly.escaped(&escape(character.encode_utf8(&mut [0; 4])));
            return Read::Through(length + 3);
        }
        let name_length = rest[1..].bytes().take(40).take_while(u8::is_ascii_alphanumeric).count();
        let name = &rest[1..1 + name_length];
        if !rest[1 + name_length..].starts_with(';') {
            return Read::Text;
        }
        let reference = &rest[..name_length + 2];
        if matches!(name, "lt" | "gt" | "amp" | "quot" | "apos") {
            self.assembly.escaped(reference);
        } else if let Some(meaning) = self.prolog.entities.get(name) {
            let meaning = escape(meaning);
            let growth = meaning.len().saturating_sub(reference.len());
            match self.expansion.checked_sub(growth) {
                Some(left) => self.expansion = left,
                None => return Read::Text,
            }
            self.assembly.escaped(&meaning);
        } else {
            let meaning = htmlize::unescape(reference);
            // An unknown name stays as text that looks like a reference.
            self.assembly.escaped(if meaning == reference { reference } else { &meaning });
        }
        Read::Through(reference.len())
    }

    fn markup(&mut self, rest: &'a str) -> Read {
        let second = rest.as_bytes().get(1).copied().unwrap_or(b' ');
        match second {
            b'/' => self.end_tag(rest),
            b'?' => rest.find('>').map_or(Read::TextToTheEnd, |end| Read::Through(end + 1)),
            b'!' => self.declaration(rest),
            _ if second.is_ascii_alphabetic() => self.start_tag(rest),
            _ => Read::Text,
        }
    }

    fn declaration(&mut self, rest: &str) -> Read {
        if rest.starts_with("<!--") {
            return comment_end(rest).map_or(Read::TextToTheEnd, Read::Through);
        }
        if let Some(inside) = rest.strip_prefix("<![CDATA[") {
            let Some(length) = inside.find("]]>") else { return Read::Through(rest.len()) };
            self.assembly.escaped(&escape(&inside[..length]));
            return Read::Through(9 + length + 3);
        }
        let known = rest.starts_with("<![")
            || rest.get(2..9).is_some_and(|name| name.eq_ignore_ascii_case("DOCTYPE"));
        if !known {
            return Read::Text;
        }
        rest.find('>').map_or(Read::TextToTheEnd, |end| Read::Through(end + 1))
    }

    fn end_tag(&mut self, rest: &str) -> Read {
        let Some(length) = memchr::memchr2(b'<', b'>', &rest.as_bytes()[1..]).map(|at| at + 1) else {
            return Read::TextToTheEnd;
        };
        let name = rest[2..length].trim().to_lowercase();
        self.assembly.end(&name);
        Read::Through(if rest[length..].starts_with('>') { length + 1 } else { length })
    }

    fn start_tag(&mut self, rest: &'a str) -> Read {
        let Some(length) = self.tag_end(rest) else { return Read::TextToTheEnd };
        let inside = &rest[1..length];
        let closed = inside.ends_with('/');
        let inside = inside.strip_suffix('/').unwrap_or(inside);
        let name_length =
            inside.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b)).count();
        let tag = inside[..name_length].to_lowercase();
        let attributes = attributes(&inside[name_length..]);
        self.assembly.start(&tag, attributes);
        if closed {
            self.assembly.end(&tag);
        }
        Read::Through(if rest[length..].starts_with('>') { length + 1 } else { length })
    }

    /// The position of the tag's closing bracket, or of the next tag if it has none. Brackets in
    /// well-quoted values do not count.
    fn tag_end(&mut self, rest: &str) -> Option<usize> {
        let bytes = rest.as_bytes();
        let first = memchr::memchr2(b'<', b'>', &bytes[1..])? + 1;
        let has_quotes = memchr::memchr2(b'"', b'\'', &bytes[..first]).is_some();
        if has_quotes && let Some(end) = self.quoted_tag_end(bytes) {
            return Some(end);
        }
        Some(first)
    }

    fn quoted_tag_end(&mut self, bytes: &[u8]) -> Option<usize> {
        let window = &bytes[..bytes.len().min(MAX_QUOTED_TAG).min(self.patience)];
        let mut at = 1;
        let end = loop {
            let Some(step) = window.get(at..).and_then(|left| memchr::memchr3(b'"', b'\'', b'>', left))
            else {
                break None;
            };
            if let Some(bracket) = memchr::memchr(b'<', &window[at..at + step]) {
                break Some(at + bracket);
            }
            at += step;
            if window[at] == b'>' {
                break Some(at);
            }
            let Some(length) = memchr::memchr(window[at], &window[at + 1..]) else {
                at = window.len();
                break None;
            };
            at += length + 2;
            let follows = window.get(at).copied().unwrap_or(b'>');
            let well_ended = follows.is_ascii_whitespace()
                || matches!(follows, b'>' | b'/' | b'?')
                || follows.is_ascii_alphabetic();
            if !well_ended {
                break None;
            }
        };
        self.patience = self.patience.saturating_sub(at);
        end
    }
}

/// How many bytes one step of parsing consumed.
enum Read {
    /// This many bytes are parsed.
    Through(usize),
    /// Only the first character, which is text.
    Text,
    /// The rest of the document, which is text.
    TextToTheEnd,
}

/// The length of a comment including its `-->`. White space before the `>` is allowed.
pub fn comment_end(rest: &str) -> Option<usize> {
    let mut at = 4;
    loop {
        at += rest.get(at..)?.find("--")? + 2;
        let after = rest[at..].trim_start();
        if after.starts_with('>') {
            return Some(rest.len() - after.len() + 1);
        }
        at -= 1;
    }
}

/// The attributes after a tag's name, until something cannot be parsed.
pub fn attributes(mut rest: &str) -> Vec<Attribute> {
    let mut attributes = Vec::new();
    while attributes.len() < MAX_ATTRIBUTES {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '/' | ','));
        let length = rest.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"-:._$".contains(b)).count();
        if length == 0 {
            break;
        }
        let (name, after) = rest.split_at(length);
        let (value, after) = match after.trim_start().strip_prefix('=') {
            Some(after) => value(after.trim_start()),
            None => (name, after),
        };
        attributes.push(Attribute { name: name.to_lowercase(), value: unescaped(value) });
        rest = after;
    }
    attributes
}

fn value(text: &str) -> (&str, &str) {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\''))
        && let Some((value, after)) = text[1..].split_once(quote)
    {
        return (value, after);
    }
    let end = text.find(|c: char| c.is_whitespace()).unwrap_or(text.len());
    let (value, after) = text.split_at(end);
    (value.trim_matches(['"', '\'']), after)
}

fn unescaped(value: &str) -> String {
    htmlize::unescape_attribute(value).into_owned()
}
