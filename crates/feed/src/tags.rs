//! Iterates over the tags of a document, whatever is between them.
//!
//! It is for documents of which only tags and attributes matter: OPML and the head of a web page.
//! Skips comments, CDATA sections and the contents of scripts and styles.

use crate::assembly::Attribute;
use crate::lenient_markup::{attributes, comment_end};
use crate::markup_text::TagEnds;

/// The kind of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKind {
    /// A start tag.
    Start,
    /// A tag that opens and closes an element, such as `<br/>`.
    Empty,
    /// An end tag.
    End,
}

/// A tag.
pub struct Tag<'a> {
    /// Its kind.
    pub kind: TagKind,
    /// Its name in lower case.
    pub name: String,
    /// The position after the tag.
    pub end: usize,
    inside: &'a str,
}

impl Tag<'_> {
    /// The tag's attributes: names in lower case, references in values resolved.
    pub fn attributes(&self) -> Vec<Attribute> {
        attributes(self.inside)
    }
}

/// The value of the first attribute with this name, trimmed.
pub fn value<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    attributes.iter().find(|attribute| attribute.name == name).map(|attribute| attribute.value.trim())
}

/// The tags of `text`.
pub fn tags(text: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut at = 0;
    // An end that was not found is searched for only once, which keeps the time linear.
    let mut comments_end = true;
    let mut raw_ends = [true; RAW.len()];
    let mut ends = TagEnds::of(text);
    std::iter::from_fn(move || {
        loop {
            at += memchr::memchr(b'<', text.as_bytes().get(at..)?)?;
            let rest = &text[at..];
            if rest.starts_with("<!--") && comments_end {
                match comment_end(rest) {
                    Some(length) => at += length,
                    None => {
                        comments_end = false;
                        at += 4;
                    }
                }
                continue;
            }
            let Some(tag) = tag(rest, at, &mut ends) else {
                at += 1;
                continue;
            };
            at = tag.end;
            let raw = RAW.iter().position(|name| *name == tag.name).filter(|_| tag.kind == TagKind::Start);
            if let Some(which) = raw.filter(|which| raw_ends[*which]) {
                match raw_length(&text[at..], RAW[which]) {
                    Some(length) => at += length,
                    None => raw_ends[which] = false,
                }
            }
            return Some(tag);
        }
    })
}

/// Elements whose contents are not markup.
const RAW: [&str; 2] = ["script", "style"];

/// The length of a script's or style's contents. Returns `None` if the end tag is missing.
fn raw_length(text: &str, name: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(b'<', bytes).find(|at| {
        bytes.get(at + 1) == Some(&b'/')
            && bytes
                .get(at + 2..at + 2 + name.len())
                .is_some_and(|end| end.eq_ignore_ascii_case(name.as_bytes()))
    })
}

fn tag<'a>(rest: &'a str, start: usize, ends: &mut TagEnds) -> Option<Tag<'a>> {
    let is_end = rest.starts_with("</");
    let inside = &rest[if is_end { 2 } else { 1 }..];
    if !inside.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    }
    let length = ends.tag_length(rest)?;
    let end = start + length;
    let inside = &inside[..length - (rest.len() - inside.len()) - 1];
    let kind = match (is_end, inside.ends_with('/')) {
        (true, _) => TagKind::End,
        (false, true) => TagKind::Empty,
        (false, false) => TagKind::Start,
    };
    let name_length = inside.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b)).count();
    Some(Tag { kind, name: inside[..name_length].to_lowercase(), end, inside: &inside[name_length..] })
}
