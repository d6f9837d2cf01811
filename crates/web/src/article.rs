//! Prepares a stored article for its page.
//!
//! The stored HTML is sanitised already; this module changes its presentation. [`crate::images`]
//! replaces images. Headings get levels below the page's own. Wide tables and code get scroll bars.
//! Ids get names that do not collide with the page's. The allow-list is applied again here. So an
//! article that an older version stored, or a bug in the sanitiser, cannot bring classes or event
//! handlers. All steps work on a parsed tree, never on text.

use std::collections::HashSet;

use dom_query::{Document, NodeRef};
use maud::{Markup, PreEscaped, html};
use url::Url;

use crate::evidence::{self, Passage};
use crate::images::{self, Left, Showing};

/// Elements that are removed with their contents.
const GONE: &str = "script, style, template, iframe, object, embed, applet, frame, frameset, form, input, button, \
                    select, textarea, link, meta, base, title, source, track, area, map, svg, math, noscript, dialog, slot, portal";

/// Attributes that stay. `id`, `href` and `src` are checked separately.
const KEPT: &[&str] = &[
    "id", "href", "src", "alt", "title", "datetime", "cite", "lang", "dir", "colspan", "rowspan", "scope",
    "start", "reversed", "value", "abbr", "width", "height", "open", "align",
];

/// The highest level of a heading inside an article. The page's title has level 1, the article's
/// title level 2.
const FIRST_HEADING: u8 = 3;

/// An article prepared for its page.
pub(crate) struct Shown {
    /// Its HTML.
    pub(crate) html: Markup,
    /// The ids of the marks around evidence.
    pub(crate) marks: HashSet<String>,
    /// The images that the page does not load.
    pub(crate) left: Left,
}

/// The article's HTML for its page, with `passages` marked. `address` is the article's address.
pub(crate) fn for_display(stored: &str, address: &Url, passages: &[Passage], images: &Showing) -> Shown {
    let document = Document::fragment(stored);
    document.select(GONE).remove();
    clean_attributes(&document);
    rename_ids(&document, address);
    // Before images are replaced by links, whose text is not in the article's text.
    let marks = evidence::mark(&document, passages);
    lower_headings(&document);
    let left = images::show(&document, address, images);
    show_media_as_links(&document);
    let_wide_things_scroll(&document);
    unname_empty_headers(&document);
    let body = document.root().first_child();
    Shown {
        html: PreEscaped(body.map_or_else(String::new, |body| body.inner_html().to_string())),
        marks,
        left,
    }
}

/// Turns an empty header cell of a table into a plain cell: screen readers announce headers.
fn unname_empty_headers(document: &Document) {
    for cell in document.select("th").nodes() {
        let has_picture = cell.descendants().iter().any(|node| node.has_name("img"));
        if !has_picture && cell.text().trim().is_empty() {
            cell.rename("td");
            cell.remove_attr("scope");
        }
    }
}

fn clean_attributes(document: &Document) {
    for node in document.root().descendants().iter().filter(|node| node.is_element()) {
        node.retain_attrs(KEPT);
        if let Some(href) = node.attr("href") {
            let is_web = Url::parse(&href).is_ok_and(|u| matches!(u.scheme(), "http" | "https" | "mailto"));
            if !is_web && !href.starts_with('#') {
                node.remove_attr("href");
            } else if is_web {
                node.set_attr("rel", "noopener noreferrer");
            }
        }
    }
}

/// Gives the article's link targets unique ids that the page does not use, and updates its links.
fn rename_ids(document: &Document, address: &Url) {
    let mut seen = HashSet::new();
    for node in document.select("[id]").nodes() {
        let id = node.attr("id").unwrap_or_default().to_string();
        if !id.is_empty() && !id.contains(char::is_whitespace) && seen.insert(id.clone()) {
            node.set_attr("id", &format!("in-{id}"));
        } else {
            node.remove_attr("id");
        }
    }
    for link in document.select("a[href]").nodes() {
        let href = link.attr("href").unwrap_or_default();
        let Some(target) = own_fragment(&href, address) else { continue };
        if seen.contains(&target) {
            link.set_attr("href", &format!("#in-{target}"));
        } else if href.starts_with('#') {
            link.remove_attr("href");
        }
    }
}

/// The target of `href` inside the article. Returns `None` if it leads elsewhere.
fn own_fragment(href: &str, address: &Url) -> Option<String> {
    if let Some(fragment) = href.strip_prefix('#') {
        return Some(fragment.to_owned());
    }
    let mut url = Url::parse(href).ok()?;
    let fragment = url.fragment()?.to_owned();
    url.set_fragment(None);
    let mut own = address.clone();
    own.set_fragment(None);
    (url == own).then_some(fragment)
}

/// Moves all headings down so that the highest has level [`FIRST_HEADING`], and keeps their order.
fn lower_headings(document: &Document) {
    let level = |node: &NodeRef| node.node_name().and_then(|name| name.get(1..)?.parse::<u8>().ok());
    let headings = document.select("h1, h2, h3, h4, h5, h6");
    let Some(highest) = headings.nodes().iter().filter_map(level).min() else { return };
    let mut last = FIRST_HEADING - 1;
    for heading in headings.nodes() {
        let Some(own) = level(heading) else { continue };
        // A heading never skips a level, even if the article does.
        let lowered = (own - highest + FIRST_HEADING).min(last + 1).min(6);
        last = lowered;
        heading.rename(&format!("h{lowered}"));
    }
}

/// Replaces `node` by `markup`, or removes it if `markup` is empty.
fn replace(node: &NodeRef, markup: Markup) {
    if markup.0.is_empty() {
        node.remove_from_parent();
    } else {
        node.replace_with_html(markup.into_string());
    }
}

fn show_media_as_links(document: &Document) {
    for media in document.select("video, audio").nodes() {
        let what = if media.has_name("video") { "Video" } else { "Sound" };
        let source = media
            .attr("src")
            .and_then(|src| Url::parse(&src).ok())
            .filter(|u| matches!(u.scheme(), "http" | "https"));
        let link = html! {
            @if let Some(source) = source {
                span.elsewhere { span { (what) " — " a href=(source) rel="noopener noreferrer" { "open at source" } } }
            }
        };
        replace(media, link);
    }
}

fn let_wide_things_scroll(document: &Document) {
    for block in document.select("pre").nodes() {
        block.set_attr("tabindex", "0");
    }
    for table in document.select("table").nodes() {
        let inside_another = table.ancestors_it(None).any(|node| node.has_name("table"));
        if !inside_another {
            table.wrap_html(r#"<div class="scrolls" tabindex="0"></div>"#);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_without_a_name_is_a_plain_cell() {
        let table =
            "<table><tr><th scope=\"col\"> </th><th>Name</th><th><img src=\"a.png\"></th></tr></table>";
        let document = Document::fragment(table);
        unname_empty_headers(&document);
        let html = document.html().to_string();
        assert!(html.contains("<td> </td><th>Name</th><th><img"), "{html}");
    }

    fn shown(stored: &str) -> String {
        let address = "https://blog.example/posts/one".parse().unwrap();
        for_display(stored, &address, &[], &Showing::none()).html.into_string()
    }

    #[test]
    fn nothing_loads_from_other_sites() {
        let html = shown(
            r#"<p><img src="https://cdn.example/a.png" alt="A <b>graph</b>" srcset="x 2x"></p>
               <figure><picture><source srcset="https://cdn.example/a.webp"><img src="/b.png"></picture><figcaption>B</figcaption></figure>
               <video src="https://cdn.example/v.mp4" poster="https://cdn.example/p.jpg"><track src="x"></video>
               <img src="https://cdn.example/pixel.gif" width="1" height="1">"#,
        );
        let tree = Document::fragment(html.as_str());
        assert!(
            !tree.select("img, picture, source, video, audio, iframe, [srcset], [poster], [src]").exists(),
            "{html}"
        );
        assert!(tree.select("a[href='https://cdn.example/v.mp4']").exists(), "{html}");
        assert!(html.contains("A &lt;b&gt;graph&lt;/b&gt;"), "{html}");
        assert!(html.contains("<figcaption>B</figcaption>"));
        assert!(!html.contains("pixel.gif"));
    }

    #[test]
    fn headings_are_below_the_pages_own_and_skip_no_level() {
        let html = shown("<h1>A</h1><h4>B</h4><h2>C</h2><h3>D</h3><h6>E</h6>");
        assert_eq!(html, "<h3>A</h3><h4>B</h4><h4>C</h4><h5>D</h5><h6>E</h6>");
    }

    #[test]
    fn hostile_article_brings_no_handlers_classes_or_schemes() {
        let html = shown(
            r#"<p class="masthead" onclick="x()" style="position:fixed">a</p><script>x()</script><a href="javascript:x()">b</a>
               <svg onload=x()></svg><form action="https://evil.example"><input name=a></form><a href="data:text/html,x">c</a>"#,
        );
        for bad in ["class=\"masthead\"", "onclick", "onload", "style", "script", "form", "input", "data:"] {
            assert!(!html.contains(bad), "{bad} in {html}");
        }
    }

    #[test]
    fn article_cannot_mark_evidence_itself() {
        let html =
            shown(r#"<p>a <mark id="evidence-problem-1" class="evidence" data-for="problem">b</mark></p>"#);
        assert_eq!(html, r#"<p>a <mark id="in-evidence-problem-1">b</mark></p>"#);
    }

    #[test]
    fn footnotes_still_link_to_their_notes() {
        let html = shown(
            r##"<p>a<a href="https://blog.example/posts/one#fn1">1</a> <a href="#gone">x</a></p><p id="fn1">note</p><p id="fn1">twice</p>"##,
        );
        assert!(html.contains(r##"href="#in-fn1""##) && html.contains(r#"id="in-fn1""#), "{html}");
        assert_eq!(html.matches("id=").count(), 1);
        assert!(!html.contains("gone"));
    }

    #[test]
    fn code_keeps_its_lines_and_tables_scroll() {
        let html = shown("<pre><code>a\n  b &lt; c\n</code></pre><table><tr><td>1</td></tr></table>");
        assert!(html.contains("<pre tabindex=\"0\"><code>a\n  b &lt; c\n</code></pre>"), "{html}");
        assert!(html.contains(r#"<div class="scrolls" tabindex="0"><table>"#), "{html}");
    }

    #[test]
    fn endlessly_nested_article_is_still_shown() {
        for open in [
            "<div>",
            "<b>",
            "<blockquote>",
            "<ul><li>",
            "<table><tr><td>",
            "<a href='https://x.example/'><img src=x>",
        ] {
            let html = shown(&format!("{}deep down", open.repeat(1_000)));
            assert!(html.contains("deep down"), "{open}");
        }
    }

    #[test]
    fn empty_article_is_an_empty_page() {
        assert_eq!(shown(""), "");
        assert_eq!(shown("just words"), "just words");
    }
}
