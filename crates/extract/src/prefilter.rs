//! Removes from a page's source what a reader never sees.
//!
//! This is one pass over the source before it is parsed, for two purposes. Scripts, styles,
//! comments and drawings are often most of a page, and without them all later steps are faster. And
//! the nesting is limited, as in browsers, because later steps may recurse. It is not a sanitiser:
//! contrived markup can deceive it, and the output is sanitised at the end.

use std::borrow::Cow;

use crate::open_elements::OpenElements;

/// A prefiltered source.
pub(crate) struct Prefiltered {
    /// The remaining source.
    pub(crate) html: String,
    /// The contents of `<script type="application/ld+json">`.
    pub(crate) json_ld: Vec<String>,
    /// Bytes scanned without finding the end of a skippable element.
    wasted: usize,
    /// Number of kept start tags.
    elements: usize,
    /// Whether the page's body has content already.
    in_body: bool,
}

/// Elements that are removed with their contents.
const LEFT_OUT: &[&str] =
    &["script", "style", "iframe", "noembed", "noframes", "svg", "math", "object", "applet"];
/// Elements that never contain an article's text. They are removed if their end is found and their
/// size is plausible.
const PASSED_OVER: &[&str] = &["nav", "select", "button"];
/// Maximum bytes of such an element.
const LARGEST_SKIPPABLE: usize = 100_000;
/// Maximum bytes per page that are scanned without finding the end of such an element. Each scan
/// may read the same bytes again.
const MOST_WASTED: usize = 4 * LARGEST_SKIPPABLE;
/// Maximum start tags. After that, only text is kept. Real pages stay far below.
const MOST_ELEMENTS: usize = 250_000;
/// Elements whose content is text up to their end tag; kept as they are.
const RAW: &[&str] = &["title", "textarea", "xmp"];
/// Prefilters `source`.
pub(crate) fn prefilter(source: &str) -> Prefiltered {
    let bytes = source.as_bytes();
    let html = String::with_capacity(source.len());
    let mut lean = Prefiltered { html, json_ld: Vec::new(), wasted: 0, elements: 0, in_body: false };
    let mut open = OpenElements::default();
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'<', &bytes[at..]) {
        let tag = at + found;
        lean.html.push_str(&source[at..tag]);
        at = match bytes.get(tag + 1) {
            Some(b'!') if bytes[tag..].starts_with(b"<!--") => past_comment(bytes, tag),
            // A bogus comment, hidden up to the first `>`.
            Some(b'!' | b'?') => {
                let end = past_sign(bytes, tag + 2);
                if bytes[tag + 2..end].get(..7).is_some_and(|word| word.eq_ignore_ascii_case(b"doctype")) {
                    lean.html.push_str(&source[tag..end]);
                }
                end
            }
            Some(b'/') if bytes.get(tag + 2).is_some_and(u8::is_ascii_alphabetic) => {
                let name = name_at(source, tag + 2);
                let end = past_tag(bytes, tag + 2 + name.len());
                // XHTML's `<br></br>` is one line break.
                let ends =
                    if name == "br" { !after_break(source, tag) } else { open.end(&name, &mut lean.html) };
                if ends {
                    lean.html.push_str("</");
                    lean.html.push_str(&name);
                    lean.html.push('>');
                }
                end
            }
            Some(b'/') if bytes.get(tag + 2).is_some() => past_sign(bytes, tag + 2),
            Some(c) if c.is_ascii_alphabetic() => {
                let name = name_at(source, tag + 1);
                let end = past_tag(bytes, tag + 1 + name.len());
                element(source, name, tag, end, &mut open, &mut lean)
            }
            _ => {
                lean.html.push('<');
                tag + 1
            }
        };
    }
    lean.html.push_str(&source[at..]);
    lean
}

/// The position after an element of [`PASSED_OVER`]. Returns `None` if it does not end properly, or
/// contains a sign of an article.
fn past_skippable(source: &str, name: &str, from: usize, wasted: &mut usize) -> Option<usize> {
    let within = source.as_bytes().get(from..)?;
    let within = &within[..within.len().min(LARGEST_SKIPPABLE).min(MOST_WASTED.saturating_sub(*wasted))];
    let mut depth = 1_u32;
    for tag in memchr::memchr_iter(b'<', within) {
        if is_tag(within, tag + 1, b"/", name) {
            depth -= 1;
            if depth == 0 {
                return Some(past_tag(source.as_bytes(), from + tag + 2 + name.len()));
            }
        } else if is_tag(within, tag + 1, b"", name) {
            depth += 1;
        } else if ["article", "main", "h1", "script", "pre"].iter().any(|n| is_tag(within, tag + 1, b"", n))
            || within[tag..].starts_with(b"<!--")
        {
            *wasted += tag;
            return None;
        }
    }
    *wasted += within.len();
    None
}

/// Copies or removes the element whose start tag is at `tag..end`. Returns where to continue.
fn element<'a>(
    source: &'a str,
    name: Cow<'a, str>,
    tag: usize,
    end: usize,
    open: &mut OpenElements<'a>,
    lean: &mut Prefiltered,
) -> usize {
    let name_text: &str = &name;
    if name_text == "svg" && source[..end].ends_with("/>") {
        return end;
    }
    if LEFT_OUT.contains(&name_text) {
        let (inside, after) = past_element(source, name_text, end);
        if name_text == "script" && source[tag..end].contains("ld+json") {
            lean.json_ld.push(source[end..inside].to_owned());
        }
        // The words on both sides must stay separate.
        lean.html.push(' ');
        return after;
    }
    if PASSED_OVER.contains(&name_text)
        && let Some(after) = past_skippable(source, name_text, end, &mut lean.wasted)
    {
        if name_text == "button"
            && opens_a_heading(&lean.html)
            && source[after..].trim_start().starts_with("</h")
        {
            return end;
        }
        lean.html.push(' ');
        return after;
    }
    // The contents of a shadow root are shown.
    let is_shadow = name_text == "template" && source[tag..end].contains("shadowrootmode");
    if name_text == "plaintext" || is_shadow {
        return end;
    }
    if name_text == "noscript" && lean.in_body {
        let (inside, after) = past_element(source, name_text, end);
        lean.html.push(' ');
        unwrap_images(&source[end..inside], lean);
        return after;
    }
    if RAW.contains(&name_text) {
        let (inside, after) = past_element(source, name_text, end);
        // Its content has no tags. A parser that does not know this element must not see any
        // either.
        let words = source[end..inside].replace('<', "&lt;");
        let shown = if name_text == "xmp" { "pre" } else { name_text };
        let words =
            if name_text == "xmp" { words.replace('&', "&amp;").replace("&amp;lt;", "&lt;") } else { words };
        lean.html.push_str(&format!("<{shown}>{words}</{shown}>"));
        return after;
    }
    if lean.elements >= MOST_ELEMENTS || !open.start(name.clone(), &mut lean.html) {
        return end;
    }
    lean.elements += 1;
    lean.in_body |= matches!(
        name_text,
        "article" | "body" | "div" | "figure" | "h1" | "h2" | "header" | "img" | "main" | "p" | "section"
    );
    if name_text == "link" && !source[tag..end].contains("canonical") {
        return end;
    }
    copy_tag(source, tag, tag + 1 + name.len(), end, &mut lean.html);
    end
}

/// Whether the last tag starts the heading of a section. A section that the reader can close has a
/// button there.
fn opens_a_heading(html: &str) -> bool {
    // Removed elements leave spaces, which must not be passed again for each of them.
    let before = html[html.floor_char_boundary(html.len().saturating_sub(1024))..].trim_end();
    before.rfind('<').is_some_and(|tag| {
        ["h2", "h3", "h4", "h5", "h6"].iter().any(|name| is_tag(before.as_bytes(), tag + 1, b"", name))
            && past_tag(before.as_bytes(), tag + "<h2".len()) == before.len()
    })
}

/// Maximum images that are copied from one `<noscript>`.
const MOST_UNWRAPPED: usize = 16;

/// Copies the images of a `<noscript>`. Pages that load images by script have the real ones there.
/// Removes a placeholder directly before them.
fn unwrap_images(inside: &str, lean: &mut Prefiltered) {
    let bytes = inside.as_bytes();
    let mut images = Vec::new();
    for tag in memchr::memchr_iter(b'<', bytes) {
        if is_tag(bytes, tag + 1, b"", "img") {
            images.push((tag, past_tag(bytes, tag + "<img".len())));
            if images.len() == MOST_UNWRAPPED {
                break;
            }
        }
    }
    if let [_] = images[..] {
        let before = lean.html.trim_end();
        let window = before.floor_char_boundary(before.len().saturating_sub(4096));
        if let Some(tag) = before[window..].rfind('<').map(|at| window + at)
            && is_tag(before.as_bytes(), tag + 1, b"", "img")
            && past_tag(before.as_bytes(), tag + "<img".len()) == before.len()
        {
            lean.html.truncate(tag);
        }
    }
    for (tag, end) in images {
        if lean.elements < MOST_ELEMENTS {
            lean.elements += 1;
            copy_tag(inside, tag, tag + "<img".len(), end, &mut lean.html);
        }
    }
}

/// Maximum attributes of an element. A parser compares each attribute with all earlier ones.
const MOST_ATTRIBUTES: usize = 64;

/// Maximum bytes of an attribute. A longer one is an image in a `data:` address, which this crate
/// does not use.
const LONGEST_ATTRIBUTE: usize = 8 << 10;

/// Copies a start tag, from `tag` to `end`, without the attributes that this crate does not read.
/// They are a large part of many pages. `at` is the position after the name.
fn copy_tag(source: &str, tag: usize, mut at: usize, end: usize, html: &mut String) {
    let bytes = source.as_bytes();
    let mut copied = tag;
    let mut count = 0;
    while let Some(attribute) = attribute(bytes, at) {
        at = attribute.end;
        let whole = &bytes[attribute.start..at];
        count += 1;
        let unread =
            whole.len() > LONGEST_ATTRIBUTE || is_unread(&bytes[attribute.start..attribute.name_end], whole);
        if unread || count > MOST_ATTRIBUTES {
            html.push_str(&source[copied..attribute.start]);
            copied = at;
        } else if memchr::memchr(b'<', whole).is_some() {
            // Other parsers must not see a tag inside the value.
            html.push_str(&source[copied..attribute.start]);
            html.push_str(&source[attribute.start..at].replace('<', "&lt;"));
            copied = at;
        }
    }
    html.push_str(&source[copied..end]);
}

/// The byte positions of an attribute.
struct Attribute {
    start: usize,
    name_end: usize,
    end: usize,
}

/// The next attribute of a tag, by the standard's rules (13.2.5.32 and following). Returns `None`
/// at the end of the tag.
fn attribute(bytes: &[u8], mut at: usize) -> Option<Attribute> {
    while bytes.get(at).is_some_and(|b| b.is_ascii_whitespace() || *b == b'/') {
        at += 1;
    }
    let start = at;
    if bytes.get(at).is_none_or(|b| *b == b'>') {
        return None;
    }
    at += 1;
    while bytes.get(at).is_some_and(|b| !(b.is_ascii_whitespace() || matches!(b, b'=' | b'>' | b'/'))) {
        at += 1;
    }
    let name_end = at;
    let mut sign = at;
    while bytes.get(sign).is_some_and(u8::is_ascii_whitespace) {
        sign += 1;
    }
    if bytes.get(sign) == Some(&b'=') {
        at = past_value(bytes, sign + 1);
    }
    Some(Attribute { start, name_end, end: at })
}

fn past_value(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    match bytes.get(at) {
        Some(&quote @ (b'"' | b'\'')) => {
            memchr::memchr(quote, &bytes[at + 1..]).map_or(bytes.len(), |e| at + 1 + e + 1)
        }
        _ => {
            while bytes.get(at).is_some_and(|b| !(b.is_ascii_whitespace() || *b == b'>')) {
                at += 1;
            }
            at
        }
    }
}

/// Whether this crate does not read the attribute. `whole` is the attribute with its value.
fn is_unread(name: &[u8], whole: &[u8]) -> bool {
    const READ_DATA: &[&[u8]] =
        &[b"data-src", b"data-srcset", b"data-lazy-src", b"data-original", b"data-lang", b"data-language"];
    const READ_ARIA: &[&[u8]] = &[b"aria-hidden", b"aria-label", b"aria-level", b"aria-modal"];
    let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
    let starts = |prefix: &[u8]| name.get(..prefix.len()).is_some_and(|n| n.eq_ignore_ascii_case(prefix));
    if starts(b"data-") {
        return !READ_DATA.iter().any(|read| is(read));
    }
    if starts(b"aria-") {
        return !READ_ARIA.iter().any(|read| is(read));
    }
    if is(b"style") {
        let lower = whole.to_ascii_lowercase();
        return !["none", "hidden"].iter().any(|w| memchr::memmem::find(&lower, w.as_bytes()).is_some());
    }
    starts(b"on")
        || ["target", "sizes", "tabindex", "jsaction", "jsname", "itemscope", "itemtype", "crossorigin"]
            .iter()
            .any(|n| is(n.as_bytes()))
}

/// Whether a `<br>` is directly before a position.
fn after_break(source: &str, at: usize) -> bool {
    let before = source.as_bytes()[at.saturating_sub(200)..at].trim_ascii_end();
    let tag = memchr::memrchr(b'<', before).map_or(&before[..0], |start| &before[start + 1..]);
    tag.ends_with(b">") && is_tag(tag, 0, b"", "br")
}

/// The position after the next `>`.
fn past_sign(bytes: &[u8], at: usize) -> usize {
    memchr::memchr(b'>', &bytes[at..]).map_or(bytes.len(), |e| at + e + 1)
}

fn name_at(source: &str, start: usize) -> Cow<'_, str> {
    let rest = &source[start..];
    let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/').unwrap_or(rest.len());
    let name = &rest[..end];
    if name.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// The position after a tag's `>`; `at` is the position after its name.
fn past_tag(bytes: &[u8], mut at: usize) -> usize {
    while let Some(attribute) = attribute(bytes, at) {
        at = attribute.end;
    }
    past_sign(bytes, at)
}

fn past_comment(bytes: &[u8], tag: usize) -> usize {
    let rest = &bytes[tag + 4..];
    if rest.starts_with(b">") {
        return tag + 5;
    }
    if rest.starts_with(b"->") {
        return tag + 6;
    }
    // Searches the common prefix of both ends. Two searches would scan the rest twice for each
    // malformed comment.
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&rest[at..], b"--") {
        let end = at + found + 2;
        match &rest[end..] {
            [b'>', ..] => return tag + 4 + end + 1,
            [b'!', b'>', ..] => return tag + 4 + end + 2,
            _ => at = end - 1,
        }
    }
    bytes.len()
}

/// The end of the content of the element `name` that starts at `from`, and the position after its
/// end tag. Drawings may be nested.
fn past_element(source: &str, name: &str, from: usize) -> (usize, usize) {
    let bytes = source.as_bytes();
    let nests = matches!(name, "svg" | "object");
    let (mut at, mut depth) = (from, 1_u32);
    while let Some(found) = memchr::memchr(b'<', &bytes[at..]) {
        let tag = at + found;
        at = tag + 1;
        if is_tag(bytes, tag + 1, b"/", name) {
            depth -= 1;
            if depth == 0 {
                return (tag, past_tag(bytes, tag + 2 + name.len()));
            }
        } else if nests && is_tag(bytes, tag + 1, b"", name) {
            let end = past_tag(bytes, tag + 1 + name.len());
            if !bytes[..end].ends_with(b"/>") {
                depth += 1;
            }
            at = end;
        }
    }
    (source.len(), source.len())
}

fn is_tag(bytes: &[u8], at: usize, slash: &[u8], name: &str) -> bool {
    let Some(rest) = bytes[at..].strip_prefix(slash) else { return false };
    rest.len() >= name.len()
        && rest[..name.len()].eq_ignore_ascii_case(name.as_bytes())
        && rest.get(name.len()).is_none_or(|b| b.is_ascii_whitespace() || matches!(b, b'>' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_styles_and_comments_are_removed() {
        for (source, html) in [
            ("a<!-- <p>b -->c", "ac"),
            ("a<!-->b", "ab"),
            ("a<!--b--!>c", "ac"),
            ("a<!--b--!>c-->d", "ac-->d"),
            ("a<!--b---->c", "ac"),
            ("a<!--b--", "a"),
            ("a<script>if (1 < 2) '<p>'</script >b", "a b"),
            ("a<SCRIPT>x</Script>b", "a b"),
            ("a<svg><g/><svg><title>x</title></svg></svg>b", "a b"),
            ("a<svg viewBox='0'/>b", "ab"),
            ("<a title='1 > 0' href=x>b</a>", "<a title='1 > 0' href=x>b</a>"),
            ("<title>a <b> c</title>d", "<title>a &lt;b> c</title>d"),
            ("<xmp>a <b> &amp; c</xmp>d", "<pre>a &lt;b> &amp;amp; c</pre>d"),
            ("a<!x </p>b<?y </p>c</ z>d", "abcd"),
            ("<!DOCTYPE html>a", "<!DOCTYPE html>a"),
            ("a<br></br>b<br class=x />\n</br>c</br>", "a<br>b<br class=x />\nc</br>"),
            ("<p =\"></i>\">a", "<p =\">\">a"),
            ("<p title='<i>'>a", "<p title='&lt;i>'>a"),
            ("1 < 2 <3 <", "1 < 2 <3 <"),
            ("a</b>c</p>", "ac</p>"),
            ("<style>x", " "),
            ("a<nav><ul><li><nav>x</nav></ul></nav>b", "a b"),
            ("a<nav><h1>b</h1></nav>", "a<nav><h1>b</h1></nav>"),
            ("a<nav>b", "a<nav>b"),
            (
                "<p onclick='a > b' class=c data-x=1 data-src=y style='color: red'>a",
                "<p  class=c  data-src=y >a",
            ),
            ("<p style='display: none' hidden/>a", "<p style='display: none' hidden/>a"),
            ("<a = b='\"' data-é=\"x>", "<a = b='\"' "),
            ("<p><b>a<p>c</b>", "<p><b>a</b><p>c"),
            ("<a href=1>a<div><a href=2>b</a></div>", "<a href=1>a<div></a><a href=2>b</a></div>"),
            ("<span><div>a</span>b</div>", "<span><div>ab</div>"),
        ] {
            assert_eq!(prefilter(source).html, html, "{source}");
        }
    }

    #[test]
    fn linked_data_is_collected() {
        let page = prefilter(r#"<script type="application/ld+json">{"a":1}</script><script>x</script>"#);
        assert_eq!(page.json_ld, [r#"{"a":1}"#]);
    }

    #[test]
    fn nesting_is_bounded_and_words_stay() {
        let source = format!("{}x{}y", "<div>".repeat(100_000), "</div>".repeat(100_000));
        let page = prefilter(&source).html;
        assert_eq!(page.matches("<div>").count(), crate::open_elements::DEEPEST);
        assert!(page.contains('x') && page.ends_with('y'));
    }
    #[test]
    fn skippable_elements_without_end_take_bounded_time() {
        for unit in ["<nav>", "<select>", "<button>", "<nav><button><select>"] {
            let searched = |n: usize| prefilter(&unit.repeat(n)).wasted;
            assert!(searched(10_000) <= MOST_WASTED, "{unit}");
            assert_eq!(searched(40_000), searched(10_000), "{unit}");
        }
    }

    #[test]
    fn interrupted_formatting_is_not_reopened() {
        let nodes = |n: usize| {
            let fonts: String = (0..190).map(|i| format!("<font class=c{i}>")).collect();
            let page = prefilter(&format!("<p>{fonts}{}", "<p>x".repeat(n)));
            dom_query::Document::from(page.html).tree.len()
        };
        assert!(nodes(1000) < 2 * 1000 + 100, "{}", nodes(1000));
    }

    #[test]
    fn number_of_elements_is_bounded_and_words_stay() {
        let page = prefilter(&"<p a>x".repeat(MOST_ELEMENTS + 10)).html;
        assert_eq!(page.matches("<p").count(), MOST_ELEMENTS);
        assert_eq!(page.matches('x').count(), MOST_ELEMENTS + 10);
        let attributes: String = (0..1000).map(|i| format!(" a{i}=1")).collect();
        assert_eq!(prefilter(&format!("<p{attributes}>")).html.matches('=').count(), MOST_ATTRIBUTES);
    }
}
