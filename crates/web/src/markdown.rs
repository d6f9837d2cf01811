//! Renders notes: Markdown without raw HTML, through an allow-list.

use std::collections::HashSet;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use maud::{Markup, PreEscaped};
use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};
use url::Url;

/// Maximum nesting of quotations and lists. Deeper ones are shown without their own frame.
const DEEPEST: usize = 20;

/// The HTML that a note may have.
static ALLOWED: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut allowed = Builder::empty();
    allowed
        .tags(HashSet::from([
            "p", "br", "em", "strong", "del", "a", "ul", "ol", "li", "blockquote", "code", "pre", "hr",
        ]))
        .add_tag_attributes("a", ["href"])
        .add_tag_attributes("ol", ["start"])
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer"));
    allowed
});

/// The rendered text of a note. A relative link is text: a note has no address.
pub(crate) fn render(text: &str) -> Markup {
    let mut html = String::with_capacity(text.len() * 3 / 2);
    let events = Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH);
    let flatter = Flatter { events, opened: Vec::new(), depth: 0 };
    pulldown_cmark::html::push_html(&mut html, flatter.flatten());
    PreEscaped(ALLOWED.clean(&html).to_string())
}

/// Replaces raw HTML by text, headings by paragraphs (the page has its own), images by links and
/// relative links by text, and bounds the nesting.
struct Flatter<'t, I> {
    events: I,
    /// The links and images that are not closed yet, the innermost last.
    opened: Vec<Opened<'t>>,
    depth: usize,
}

/// A link or an image whose end has not been met.
struct Opened<'t> {
    address: CowStr<'t>,
    is_absolute: bool,
    /// Whether it becomes a link. An image in a link does not.
    is_link: bool,
    has_text: bool,
}

impl<'t, I> Flatter<'t, I> {
    fn open(&mut self, link_type: LinkType, dest_url: CowStr<'t>) -> Vec<Event<'t>> {
        let is_absolute = link_type == LinkType::Email || Url::parse(&dest_url).is_ok();
        let is_link = is_absolute && self.opened.is_empty();
        self.opened.push(Opened { address: dest_url.clone(), is_absolute, is_link, has_text: false });
        if !is_link {
            return Vec::new();
        }
        vec![Event::Start(Tag::Link { link_type, dest_url, title: "".into(), id: "".into() })]
    }

    fn close(&mut self) -> Vec<Event<'t>> {
        let Some(Opened { address, is_absolute, is_link, has_text }) = self.opened.pop() else {
            return Vec::new();
        };
        if let Some(outer) = self.opened.last_mut() {
            outer.has_text |= has_text || !address.is_empty();
        }
        let mut events = Vec::new();
        if !has_text {
            events.push(Event::Text(address));
        } else if !is_absolute {
            events.push(Event::Text(format!(" ({address})").into()));
        }
        if is_link {
            events.push(Event::End(TagEnd::Link));
        }
        events
    }
}

impl<'t, I: Iterator<Item = Event<'t>>> Iterator for Flatter<'t, I> {
    type Item = Vec<Event<'t>>;

    fn next(&mut self) -> Option<Vec<Event<'t>>> {
        let event = self.events.next()?;
        if let Event::Text(text) | Event::Code(text) | Event::InlineHtml(text) = &event
            && !text.trim().is_empty()
            && let Some(innermost) = self.opened.last_mut()
        {
            innermost.has_text = true;
        }
        Some(match event {
            Event::Html(text) | Event::InlineHtml(text) => vec![Event::Text(text)],
            Event::Start(Tag::HtmlBlock) => vec![Event::Start(Tag::Paragraph)],
            Event::End(TagEnd::HtmlBlock) => vec![Event::End(TagEnd::Paragraph)],
            Event::Start(Tag::Heading { .. }) => {
                vec![Event::Start(Tag::Paragraph), Event::Start(Tag::Strong)]
            }
            Event::End(TagEnd::Heading(_)) => vec![Event::End(TagEnd::Strong), Event::End(TagEnd::Paragraph)],
            Event::Start(Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. }) => {
                self.open(link_type, dest_url)
            }
            Event::End(TagEnd::Link | TagEnd::Image) => self.close(),
            Event::Start(tag) => {
                self.depth += 1;
                if self.depth > DEEPEST { Vec::new() } else { vec![Event::Start(tag)] }
            }
            Event::End(tag) => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth >= DEEPEST { Vec::new() } else { vec![Event::End(tag)] }
            }
            other => vec![other],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(text: &str) -> String {
        render(text).into_string().trim().replace('\n', "")
    }

    #[test]
    fn markdown_is_rendered() {
        assert_eq!(
            html("# One\n\ntwo *three* ~~four~~\n\n- a\n- b"),
            "<p><strong>One</strong></p><p>two <em>three</em> <del>four</del></p><ul><li>a</li><li>b</li></ul>"
        );
        assert_eq!(
            html("[a](https://a.example/)"),
            r#"<p><a href="https://a.example/" rel="noopener noreferrer">a</a></p>"#
        );
        assert_eq!(html("`a < b`"), "<p><code>a &lt; b</code></p>");
    }

    #[test]
    fn relative_link_is_text() {
        for address in ["/docs", "two", "#cause", "//other.example/x", "?page=2"] {
            for sign in ["", "!"] {
                assert_eq!(html(&format!("{sign}[a]({address})")), format!("<p>a ({address})</p>"));
                assert_eq!(html(&format!("{sign}[]({address})")), format!("<p>{address}</p>"));
            }
        }
        assert!(html("<me@mail.example>").contains("href=\"mailto:me@mail.example\""));
        assert_eq!(html("[a](foo:bar)"), r#"<p><a rel="noopener noreferrer">a</a></p>"#);
    }

    #[test]
    fn each_link_has_a_text() {
        let link = |address: &str, text: &str| {
            format!("<p><a href=\"https://a.example/{address}\" rel=\"noopener noreferrer\">{text}</a></p>")
        };
        for sign in ["", "!"] {
            assert_eq!(html(&format!("{sign}[](https://a.example/1)")), link("1", "https://a.example/1"));
            assert_eq!(html(&format!("{sign}[a](https://a.example/1)")), link("1", "a"));
        }
        let image_in_link = "[![](https://a.example/2.png)](https://a.example/1)";
        assert_eq!(html(image_in_link), link("1", "https://a.example/2.png"), "one link, not two");
        assert_eq!(html("[![b](https://a.example/2.png)](https://a.example/1)"), link("1", "b"));
        assert_eq!(html("[`c`](https://a.example/1)"), link("1", "<code>c</code>"));
    }

    #[test]
    fn nothing_in_a_note_runs_or_loads() {
        for hostile in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "<iframe src=https://evil.example></iframe>",
            "[a](javascript:alert(1))",
            "[a](JaVaScRiPt:alert(1))",
            "[a](data:text/html,<script>alert(1)</script>)",
            "<javascript:alert(1)>",
            "![a](https://evil.example/pixel.gif)",
            "![a](x\" onerror=\"alert(1))",
            "<a href=\"x\" style=\"position:fixed\">y</a>",
            "```\" onload=\"alert(1)\n<b>\n```",
            "<!-- --><style>*{display:none}</style>",
        ] {
            let html = html(hostile);
            let document = dom_query::Document::from(html.as_str());
            let bad = "script, img, iframe, style, [onerror], [onload], [style], [class], a[href^='j' i], a[href^='d' i]";
            assert!(!document.select(bad).exists(), "{hostile}: {html}");
        }
        assert_eq!(html("<b>bold</b>"), "<p>&lt;b&gt;bold&lt;/b&gt;</p>");
    }

    #[test]
    fn endlessly_nested_note_is_flat_and_fast() {
        let before = std::time::Instant::now();
        for deep in [
            ">".repeat(50_000),
            "- ".repeat(30_000),
            "[".repeat(90_000),
            "*a ".repeat(30_000),
            "`".repeat(99_999),
        ] {
            let html = html(&format!("{deep}x"));
            assert!(
                html.matches("<blockquote>").count() <= DEEPEST && html.matches("<ul>").count() <= DEEPEST
            );
        }
        assert!(before.elapsed() < std::time::Duration::from_secs(20), "{:?}", before.elapsed());
    }
}
