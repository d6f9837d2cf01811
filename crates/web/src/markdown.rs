//! Renders notes: Markdown without raw HTML, through an allow-list.

use std::collections::HashSet;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};
use maud::{Markup, PreEscaped};
use pulldown_cmark::{CowStr, Event, LinkType, Options, Parser, Tag, TagEnd};
use url::{ParseError, Url};

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

/// The rendered text of a note. Relative links are resolved against `article`, the address from
/// which such text was copied.
pub(crate) fn render(text: &str, article: &Url) -> Markup {
    let mut html = String::with_capacity(text.len() * 3 / 2);
    let events = Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH);
    pulldown_cmark::html::push_html(&mut html, Flatter { events, article, depth: 0 }.flatten());
    PreEscaped(ALLOWED.clean(&html).to_string())
}

/// Replaces raw HTML by text, headings by paragraphs (the page has its own), images by links, and
/// bounds the nesting.
struct Flatter<'a, I> {
    events: I,
    article: &'a Url,
    depth: usize,
}

impl<I> Flatter<'_, I> {
    fn resolved<'t>(&self, address: CowStr<'t>) -> CowStr<'t> {
        match Url::parse(&address) {
            Err(ParseError::RelativeUrlWithoutBase) => {
                self.article.join(&address).map_or(address, |url| String::from(url).into())
            }
            _ => address,
        }
    }
}

impl<'t, I: Iterator<Item = Event<'t>>> Iterator for Flatter<'_, I> {
    type Item = Vec<Event<'t>>;

    fn next(&mut self) -> Option<Vec<Event<'t>>> {
        Some(match self.events.next()? {
            Event::Html(text) | Event::InlineHtml(text) => vec![Event::Text(text)],
            Event::Start(Tag::HtmlBlock) => vec![Event::Start(Tag::Paragraph)],
            Event::End(TagEnd::HtmlBlock) => vec![Event::End(TagEnd::Paragraph)],
            Event::Start(Tag::Heading { .. }) => {
                vec![Event::Start(Tag::Paragraph), Event::Start(Tag::Strong)]
            }
            Event::End(TagEnd::Heading(_)) => vec![Event::End(TagEnd::Strong), Event::End(TagEnd::Paragraph)],
            Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
                let dest_url = self.resolved(dest_url);
                vec![Event::Start(Tag::Link { link_type, dest_url, title, id })]
            }
            Event::End(TagEnd::Image) => vec![Event::End(TagEnd::Link)],
            Event::Start(mut tag) => {
                if let Tag::Link { link_type, dest_url, .. } = &mut tag
                    && *link_type != LinkType::Email
                {
                    *dest_url = self.resolved(dest_url.clone());
                }
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
        let article = Url::parse("https://blog.example/posts/one?page=2").unwrap();
        render(text, &article).into_string().trim().replace('\n', "")
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
    fn relative_link_leads_to_the_articles_site() {
        for (address, href) in [
            ("/docs", "https://blog.example/docs"),
            ("two", "https://blog.example/posts/two"),
            ("#cause", "https://blog.example/posts/one?page=2#cause"),
            ("//other.example/x", "https://other.example/x"),
            ("https://other.example/", "https://other.example/"),
        ] {
            for sign in ["", "!"] {
                let rendered = html(&format!("{sign}[a]({address})"));
                assert!(rendered.contains(&format!("<a href=\"{href}\"")), "{address}: {rendered}");
            }
        }
        assert!(html("<me@mail.example>").contains("href=\"mailto:me@mail.example\""));
        assert_eq!(html("[a](foo:bar)"), r#"<p><a rel="noopener noreferrer">a</a></p>"#);
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
