//! Functions for text that may be markup: resolving references, removing tags, resolving addresses.

use std::borrow::Cow;

use backissue_model::collapsed;
use url::Url;

use crate::addresses::Allowance;

/// The character of a numeric reference: `169`, `xA9`. Numbers of C1 control codes give the
/// characters of Windows-1252, as in browsers.
pub fn character(reference: &str) -> Option<char> {
    let number = match reference.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => reference.parse(),
    };
    char::from_u32(number.ok()?).map(windows_character)
}

/// The Windows-1252 character for a C1 control code; any other character unchanged.
fn windows_character(c: char) -> char {
    const PLACES: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match c {
        '\u{80}'..='\u{9f}' => PLACES[c as usize - 0x80],
        _ => c,
    }
}

/// Escapes `&`, `<` and `>`.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

/// Reverts [`escape`] and resolves XML's predefined references. Keeps other references.
pub fn unescape_xml(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut pieces = text.split('&');
    out.push_str(pieces.next().unwrap_or(""));
    for piece in pieces {
        let known = [("lt;", '<'), ("gt;", '>'), ("amp;", '&'), ("quot;", '"'), ("apos;", '\'')]
            .iter()
            .find_map(|(name, meaning)| Some((piece.strip_prefix(name)?, *meaning)));
        match known {
            Some((after, meaning)) => {
                out.push(meaning);
                out.push_str(after);
            }
            None => {
                out.push('&');
                out.push_str(piece);
            }
        }
    }
    Cow::Owned(out)
}

/// Repairs text in UTF-8 that was decoded as Latin-1 and encoded again. Also replaces C1 control
/// codes by Windows characters.
pub fn repaired(text: String) -> String {
    if text.is_ascii() {
        return text;
    }
    let bytes: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect();
    let text = match bytes.map(String::from_utf8) {
        Some(Ok(original)) => original,
        _ => text,
    };
    if text.contains(|c: char| ('\u{80}'..='\u{9f}').contains(&c)) {
        return text.chars().map(windows_character).collect();
    }
    text
}

/// `text` without control characters, which a terminal would interpret. Each run of white space
/// becomes one space, and the ends are trimmed.
pub fn one_line(text: &str) -> String {
    let seen: String = text.chars().filter(|c| !c.is_control() || c.is_whitespace()).collect();
    collapsed(&seen)
}

/// Whether a text that should be plain is HTML: it has an end tag or a reference, and only tags and
/// references of HTML. In doubtful cases it is plain, because removing "tags" would lose text.
pub fn looks_like_html(text: &str) -> bool {
    let mut has_end_tag = false;
    for (at, _) in text.match_indices('<') {
        let after = &text[at + 1..];
        let (name, is_end) = match after.strip_prefix('/') {
            Some(after) => (after, true),
            None => (after, false),
        };
        let length = name.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if length == 0 {
            continue;
        }
        if !is_html_element(&name[..length]) {
            return false;
        }
        has_end_tag |= is_end && name[length..].starts_with('>');
    }
    let mut has_reference = false;
    for (at, _) in text.match_indices('&') {
        let after = &text[at + 1..];
        let numeric = after.starts_with('#');
        let name = after.strip_prefix('#').unwrap_or(after);
        let length = name.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
        if length == 0 || !name[length..].starts_with(';') {
            continue;
        }
        let reference = &text[at..at + 1 + usize::from(numeric) + length + 1];
        if !numeric && (reference == "&apos;" || htmlize::unescape(reference) == reference) {
            return false;
        }
        has_reference = true;
    }
    has_end_tag || has_reference
}

/// HTML elements that people use in feeds on purpose. Sorted.
const HTML_ELEMENTS: &[&str] = &[
    "a", "abbr", "acronym", "address", "area", "article", "aside", "audio", "b", "big", "blockquote", "br",
    "button", "canvas", "caption", "center", "cite", "code", "col", "colgroup", "command", "datagrid",
    "datalist", "dd", "del", "details", "dfn", "dialog", "dir", "div", "dl", "dt", "em", "event-source",
    "fieldset", "figcaption", "figure", "font", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6",
    "header", "hr", "i", "img", "input", "ins", "kbd", "keygen", "label", "legend", "li", "m", "map", "menu",
    "meter", "multicol", "nav", "nextid", "noscript", "ol", "optgroup", "option", "output", "p", "pre",
    "progress", "q", "s", "samp", "section", "select", "small", "sound", "source", "spacer", "span",
    "strike", "strong", "sub", "sup", "table", "tbody", "td", "textarea", "tfoot", "th", "thead", "time",
    "tr", "tt", "u", "ul", "var", "video",
];

fn is_html_element(name: &str) -> bool {
    HTML_ELEMENTS.binary_search(&name.to_ascii_lowercase().as_str()).is_ok()
}

/// A piece of HTML.
enum Piece<'a> {
    /// Text with unresolved references.
    Text(&'a str),
    /// A tag with its brackets.
    Tag(&'a str),
    /// A comment, a declaration or a processing instruction.
    Other,
}

/// Splits HTML into pieces. A `<` that starts no piece is text.
fn pieces(html: &str) -> impl Iterator<Item = Piece<'_>> {
    let mut rest = html;
    let mut ends = TagEnds::of(html);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (length, piece) = next_piece(rest, &mut ends);
        rest = &rest[length..];
        Some(piece)
    })
}

fn next_piece<'a>(rest: &'a str, ends: &mut TagEnds) -> (usize, Piece<'a>) {
    let from = usize::from(rest.starts_with('<'));
    let text_ends = rest[from..].find('<').map_or(rest.len(), |at| at + from);
    let text = (text_ends, Piece::Text(&rest[..text_ends]));
    let Some(inside) = rest.strip_prefix('<') else { return text };
    if inside.starts_with("!--") {
        return match rest.find("-->") {
            Some(end) => (end + 3, Piece::Other),
            None => (rest.len(), Piece::Other),
        };
    }
    let begins_tag = inside.trim_start_matches('/').starts_with(|c: char| c.is_ascii_alphabetic());
    let begins_other = inside.starts_with(['!', '?']);
    if !begins_tag && !begins_other {
        return text;
    }
    let Some(end) = ends.tag_length(rest) else { return text };
    (end, if begins_tag { Piece::Tag(&rest[..end]) } else { Piece::Other })
}

/// Finds the ends of tags in one text in linear time.
pub struct TagEnds {
    /// How many bytes may still be scanned without a result.
    patience: usize,
    /// Number of steps so far, for the tests.
    #[cfg(test)]
    steps: usize,
}

impl TagEnds {
    /// For finding the ends of the tags in `text`.
    pub fn of(text: &str) -> Self {
        Self {
            patience: 4 * text.len(),
            #[cfg(test)]
            steps: 0,
        }
    }

    /// The length of the tag at the start of `html`, including its brackets.
    ///
    /// Brackets in quoted values do not end it, unless the quotes are too far apart. If another `<`
    /// follows outside of quotes, it is not a tag. After too many bytes were scanned without a
    /// result, quotes are ignored.
    pub fn tag_length(&mut self, html: &str) -> Option<usize> {
        const LONGEST_VALUE: usize = 16 << 10;
        let bytes = html.as_bytes();
        let mut at = 1;
        let mut stop = 0;
        loop {
            if stop < at {
                let next = memchr::memchr2(b'<', b'>', &bytes[at..]);
                #[cfg(test)]
                {
                    self.steps += next.unwrap_or(bytes.len() - at);
                }
                let Some(next) = next else {
                    self.patience = self.patience.saturating_sub(at);
                    return None;
                };
                stop = at + next;
            }
            let quote = memchr::memchr2(b'"', b'\'', &bytes[at..stop]).map(|quote| at + quote);
            let Some(quote) = quote.filter(|_| self.patience > 0) else {
                let ends = bytes[stop] == b'>';
                self.patience = self.patience.saturating_sub(if ends { 0 } else { at });
                return ends.then_some(stop + 1);
            };
            let window = &bytes[quote + 1..bytes.len().min(quote + 1 + LONGEST_VALUE)];
            let opens_value = bytes[at..quote].trim_ascii_end().ends_with(b"=");
            let closing = if opens_value { memchr::memchr(bytes[quote], window) } else { None };
            at = closing.map_or(quote + 1, |length| quote + length + 2);
        }
    }
}

fn tag_name(tag: &str) -> &str {
    let name = tag.trim_start_matches(['<', '/']);
    let length = name.bytes().take_while(|b| b.is_ascii_alphanumeric() || b":-_".contains(b)).count();
    &name[..length]
}

/// The text of HTML on one line, with references resolved. Drops tags, comments, scripts and
/// styles.
pub fn plain_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut inside: Option<&str> = None;
    for piece in pieces(html) {
        match piece {
            Piece::Text(run) if inside.is_none() => text.push_str(&htmlize::unescape(run)),
            Piece::Tag(tag) => {
                let name = tag_name(tag);
                let ends = tag.starts_with("</");
                match inside {
                    Some(open) if ends && name.eq_ignore_ascii_case(open) => inside = None,
                    None if !ends
                        && ["script", "style", "applet"].iter().any(|n| name.eq_ignore_ascii_case(n)) =>
                    {
                        inside = Some(name);
                    }
                    None if ["br", "p", "div", "li"].iter().any(|n| name.eq_ignore_ascii_case(n)) => {
                        text.push(' ');
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    one_line(&text)
}

/// Attributes whose value is one address.
const ADDRESSES: &[&str] = &["href", "src", "cite", "poster", "data", "action", "background", "longdesc"];

/// Resolves relative addresses in the tags of HTML against `base`, within `allowance`.
pub fn with_absolute_links(html: &str, base: &Url, allowance: &mut Allowance) -> String {
    let mut out = String::with_capacity(html.len() + html.len() / 8);
    let mut rest = html;
    let mut ends = TagEnds::of(html);
    while !rest.is_empty() {
        let (length, piece) = next_piece(rest, &mut ends);
        match piece {
            Piece::Tag(tag) if !tag.starts_with("</") => absolute_tag(tag, base, allowance, &mut out),
            _ => out.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    out
}

fn absolute_tag(tag: &str, base: &Url, allowance: &mut Allowance, out: &mut String) {
    let mut rest = tag;
    while let Some(at) = rest.find('=') {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        rest = after;
        let name = before[..before.len() - 1].trim_end();
        let name_starts =
            name.rfind(|c: char| c.is_ascii_whitespace() || c == '"' || c == '\'').map_or(0, |at| at + 1);
        let is_address = ADDRESSES.iter().any(|known| name[name_starts..].eq_ignore_ascii_case(known));
        let value = rest.trim_start();
        let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
        let Some(length) = value[1..].find(quote) else { continue };
        let inside = &value[1..=length];
        out.push(quote);
        match is_address.then(|| absolute(inside, base, allowance)).flatten() {
            Some(url) => out.push_str(&url),
            None => out.push_str(inside),
        }
        out.push(quote);
        rest = &value[length + 2..];
    }
    out.push_str(rest);
}

/// Resolves a relative address and escapes it for an attribute. Returns `None` if it is absolute or
/// only a fragment.
fn absolute(value: &str, base: &Url, allowance: &mut Allowance) -> Option<String> {
    let value = htmlize::unescape_attribute(value.trim());
    if value.is_empty() || value.starts_with('#') || Url::parse(&value).is_ok() {
        return None;
    }
    let url = allowance.join(base, &value)?;
    Some(url.as_str().replace('&', "&amp;").replace('\'', "&#39;"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_has_no_tags_scripts_or_references() {
        for (html, text) in [
            ("<b>Bold</b> &amp; <i>brave</i>", "Bold & brave"),
            ("a < b and c > d", "a < b and c > d"),
            ("x<script>alert('<b>')</script>y<!-- <p> -->z", "xyz"),
            ("<a title=\"a > b\">link</a>", "link"),
            ("one<br/>two\n\n three", "one two three"),
            ("&#8217;&nbsp;&hellip;", "’ …"),
            ("<", "<"),
            ("<a", "<a"),
        ] {
            assert_eq!(plain_text(html), text, "{html}");
        }
    }

    #[test]
    fn html_is_distinguished_from_text_with_brackets() {
        for html in ["a <b>c</b>", "AT&amp;T", "&#8217;s", "<p>a</p>"] {
            assert!(looks_like_html(html), "{html}");
        }
        for text in ["a < b", "Vec<String>", "<foo>bar</foo>", "R&D; now", "plain", "<br>"] {
            assert!(!looks_like_html(text), "{text}");
        }
    }

    #[test]
    fn doubly_encoded_text_is_repaired() {
        assert_eq!(repaired("CafÃ©".to_owned()), "Café");
        assert_eq!(repaired("Café".to_owned()), "Café");
        assert_eq!(repaired("\u{93}x\u{94}".to_owned()), "“x”");
    }

    #[test]
    fn only_relative_links_are_resolved() {
        let base = Url::parse("https://example.org/blog/post").unwrap();
        assert_eq!(
            with_absolute_links(
                "<a href=\"a?b=1&amp;c=2\" title='x=y'>t</a><img src='/i.png'><a href=\"#f\">",
                &base,
                &mut Allowance::of(100)
            ),
            "<a href=\"https://example.org/blog/a?b=1&amp;c=2\" title='x=y'>t</a>\
             <img src='https://example.org/i.png'><a href=\"#f\">"
        );
    }

    #[test]
    fn unclosed_quotes_take_bounded_time() {
        for unit in ["''''='", "<a\" =\"", "<a ='<a\" =\"", "<a b=\"<"] {
            let steps = |times: usize| {
                let html = format!("<a{}", unit.repeat(times));
                let mut ends = TagEnds::of(&html);
                for (at, _) in html.match_indices('<') {
                    let _ = ends.tag_length(&html[at..]);
                }
                ends.steps
            };
            assert!(steps(4000) <= 5 * steps(1000).max(1), "{unit}: {} and {}", steps(1000), steps(4000));
        }
    }

    #[test]
    fn html_elements_are_sorted() {
        assert!(HTML_ELEMENTS.is_sorted());
    }
}
