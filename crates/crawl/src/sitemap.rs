//! Sitemaps: a site's list of its pages, as XML, plain text or a feed (sitemaps.org, protocol 0.9).
//!
//! Sitemaps are as broken as feeds, so parsing is as lenient: it ignores everything except tags and
//! the text in them. It also ignores extensions (images, videos, news, language variants). The
//! result has only pages and further sitemaps.

use backissue_feed::Hints;
use backissue_feed::markup::{
    Allowance, TagKind, can_be_base, decode, is_on_the_web, tags, unescape_xml, without_prolog,
};
use backissue_model::dates;
use jiff::Timestamp;
use url::Url;

/// Maximum addresses of a sitemap: the protocol's limit.
pub const MAX_URLS: usize = 50_000;

/// Maximum bytes of an uncompressed sitemap: the protocol's limit, 50 MiB.
pub const MAX_BYTES: usize = 50 << 20;

/// An address in a sitemap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    /// The address.
    pub url: Url,
    /// The date of the page's last change, according to the sitemap. In many sitemaps it is the
    /// date of the site's last build.
    pub lastmod: Option<Timestamp>,
}

/// A parsed sitemap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sitemap {
    /// Pages, in document order.
    pub pages: Vec<Located>,
    /// Further sitemaps, in document order.
    pub sitemaps: Vec<Located>,
    /// Whether the sitemap had more than [`MAX_URLS`] addresses. The rest is dropped.
    pub cut: bool,
}

/// Why a document is not a sitemap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SitemapError {
    /// The document has no bytes, or only white space.
    #[error("the sitemap is empty")]
    Empty,
    /// The document has more than [`MAX_BYTES`].
    #[error("the sitemap has {bytes} bytes, more than the {MAX_BYTES} that the protocol allows")]
    TooLarge {
        /// The document's size.
        bytes: usize,
    },
    /// The document is something else, mostly a web page.
    #[error("the document lists no addresses, so it is no sitemap")]
    NoSitemap,
}

/// Parses an uncompressed sitemap or an index of sitemaps.
///
/// # Errors
/// [`SitemapError`] if the bytes are no sitemap.
pub fn parse(bytes: &[u8], hints: &Hints) -> Result<Sitemap, SitemapError> {
    if bytes.len() > MAX_BYTES {
        return Err(SitemapError::TooLarge { bytes: bytes.len() });
    }
    let text = decode(bytes, hints.media_type.as_deref());
    let content = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if content.trim().is_empty() {
        return Err(SitemapError::Empty);
    }
    let base = hints.url.as_ref().filter(|url| can_be_base(url));
    if !content.starts_with('<') {
        return in_lines(content);
    }
    let reader = Reader::of(&without_prolog(content), base);
    if reader.is_sitemap {
        return Ok(reader.sitemap);
    }
    // The protocol allows feeds as sitemaps. An entry's address may be a name (`tag:…`), which is
    // no page.
    let feed = backissue_feed::parse(bytes, hints).map_err(|_| SitemapError::NoSitemap)?;
    let located = |entry: backissue_model::Entry| {
        Some(Located { url: entry.url.filter(is_on_the_web)?, lastmod: entry.updated.or(entry.published) })
    };
    Ok(Sitemap { pages: feed.entries.into_iter().filter_map(located).collect(), ..Sitemap::default() })
}

/// Parses a sitemap with one address per line.
fn in_lines(text: &str) -> Result<Sitemap, SitemapError> {
    let mut sitemap = Sitemap::default();
    let mut allowance = Allowance::of(text.len());
    let urls = text.lines().filter_map(|line| allowance.web_address(line, None));
    for url in urls {
        if sitemap.pages.len() == MAX_URLS {
            sitemap.cut = true;
            break;
        }
        sitemap.pages.push(Located { url, lastmod: None });
    }
    if sitemap.pages.is_empty() { Err(SitemapError::NoSitemap) } else { Ok(sitemap) }
}

/// The element whose text comes next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Element {
    Page,
    Sitemap,
}

struct Reader {
    sitemap: Sitemap,
    is_sitemap: bool,
    open: Option<Element>,
    url: Option<Url>,
    lastmod: Option<Timestamp>,
}

impl Reader {
    fn of(text: &str, base: Option<&Url>) -> Self {
        let mut reader =
            Self { sitemap: Sitemap::default(), is_sitemap: false, open: None, url: None, lastmod: None };
        let mut allowance = Allowance::of(text.len());
        // A section without end is searched for only once, which keeps the time linear.
        let mut sections_end = true;
        for tag in tags(text) {
            let starts = tag.kind == TagKind::Start;
            match local_name(&tag.name) {
                Some("urlset" | "sitemapindex") => reader.is_sitemap = true,
                Some("url") => reader.turn(starts.then_some(Element::Page)),
                Some("sitemap") => reader.turn(starts.then_some(Element::Sitemap)),
                Some("loc") if starts && reader.url.is_none() => {
                    let content = content(&text[tag.end..], &mut sections_end);
                    reader.url = allowance.web_address(&content, base);
                }
                Some("lastmod") if starts => {
                    reader.lastmod = dates::parse(&content(&text[tag.end..], &mut sections_end));
                }
                _ => {}
            }
            if reader.sitemap.cut {
                break;
            }
        }
        reader.turn(None);
        reader
    }

    /// Stores the open part and starts `next`, so that an end tag may be missing.
    fn turn(&mut self, next: Option<Element>) {
        let (url, lastmod) = (self.url.take(), self.lastmod.take());
        if let (Some(part), Some(url)) = (self.open, url) {
            let list = match part {
                Element::Page => &mut self.sitemap.pages,
                Element::Sitemap => &mut self.sitemap.sitemaps,
            };
            if list.len() == MAX_URLS {
                self.sitemap.cut = true;
            } else {
                list.push(Located { url, lastmod });
            }
        }
        self.open = next;
    }
}

/// An element's name without the prefix of the sitemap namespace. Returns `None` for elements of
/// extensions.
fn local_name(name: &str) -> Option<&str> {
    match name.split_once(':') {
        None => Some(name),
        Some(("image" | "video" | "news" | "xhtml" | "mobile" | "pagemap" | "geo", _)) => None,
        Some((_, local)) => Some(local),
    }
}

/// The text up to the next tag. `sections_end` is false if no further CDATA section has an end.
fn content(rest: &str, sections_end: &mut bool) -> String {
    /// More bytes than any address has.
    const MOST: usize = 8 << 10;
    let rest = rest.trim_start();
    if let Some(section) = rest.strip_prefix("<![CDATA[") {
        let end = if *sections_end { within(section, "]]>", MOST) } else { None };
        *sections_end = end.is_some();
        return section[..end.unwrap_or(0)].trim().to_owned();
    }
    let text = &rest[..within(rest, "<", MOST).unwrap_or(0)];
    unescape_xml(text.trim()).into_owned()
}

/// The position of `end` in the first `most` bytes of `text`.
fn within(text: &str, end: &str, most: usize) -> Option<usize> {
    text[..text.floor_char_boundary(most)].find(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(located: &[Located]) -> Vec<&str> {
        located.iter().map(|l| l.url.as_str()).collect()
    }

    #[test]
    fn sitemap_extensions_are_skipped() {
        let sitemap = parse(
            br#"<?xml version="1.0" encoding="UTF-8"?>
            <urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:image="http://www.google.com/schemas/sitemap-image/1.1">
              <url><loc> https://a.example/one?x=1&amp;y=2 </loc><lastmod>2019-05-04</lastmod>
                <image:image><image:loc>https://a.example/one.png</image:loc></image:image>
                <news:news><news:publication_date>2011-01-01</news:publication_date></news:news>
                <xhtml:link rel="alternate" hreflang="de" href="https://a.example/de/one"/></url>
              <url><loc><![CDATA[https://a.example/two]]></loc><changefreq>daily</changefreq></url>
            </urlset>"#,
            &Hints::default(),
        )
        .unwrap();
        assert_eq!(urls(&sitemap.pages), ["https://a.example/one?x=1&y=2", "https://a.example/two"]);
        assert_eq!(sitemap.pages[0].lastmod, "2019-05-04T00:00:00Z".parse().ok());
        assert_eq!((sitemap.pages[1].lastmod, sitemap.sitemaps.len()), (None, 0));
    }

    #[test]
    fn feed_as_sitemap_gives_only_pages() {
        let feed = br#"<feed xmlns="http://www.w3.org/2005/Atom"><title>Notes</title>
            <entry><id>tag:a.example,2024:1</id><title>One</title></entry>
            <entry><id>2</id><title>Two</title><link href="https://a.example/two"/></entry></feed>"#;
        let entries = backissue_feed::parse(feed, &Hints::default()).unwrap().entries;
        assert_eq!(entries[0].url.as_ref().map(Url::scheme), Some("tag"));
        assert_eq!(urls(&parse(feed, &Hints::default()).unwrap().pages), ["https://a.example/two"]);
    }

    #[test]
    fn sitemap_index_gives_further_sitemaps() {
        let index =
            b"<sm:sitemapindex xmlns:sm='x'><sm:sitemap><sm:loc>https://a.example/posts.xml.gz</sm:loc>\
            <sm:lastmod>2024-09-05T08:00:00+00:00</sm:lastmod></sm:sitemap></sm:sitemapindex>";
        let sitemap = parse(index, &Hints::default()).unwrap();
        assert_eq!(urls(&sitemap.sitemaps), ["https://a.example/posts.xml.gz"]);
        assert!(sitemap.pages.is_empty());
    }

    #[test]
    fn plain_text_and_feeds_are_sitemaps() {
        let lines =
            parse(b"https://a.example/1\nhttps://a.example/2\r\nnothing\n", &Hints::default()).unwrap();
        assert_eq!(urls(&lines.pages), ["https://a.example/1", "https://a.example/2"]);
        let feed = b"<rss><channel><item><link>https://a.example/3</link></item></channel></rss>";
        assert_eq!(urls(&parse(feed, &Hints::default()).unwrap().pages), ["https://a.example/3"]);
    }

    #[test]
    fn broken_sitemaps_are_parsed() {
        let broken = b"<urlset><url><loc>https://a.example/1<url><loc>/2</loc><lastmod>soon</lastmod></url><url><loc>https://a.example/3</loc>";
        let hints = Hints { url: "https://a.example/sitemap.xml".parse().ok(), media_type: None };
        let sitemap = parse(broken, &hints).unwrap();
        assert_eq!(
            urls(&sitemap.pages),
            ["https://a.example/1", "https://a.example/2", "https://a.example/3"]
        );
    }

    #[test]
    fn web_page_is_no_sitemap() {
        let page = b"<!doctype html><html><body><p>Not found</p></body></html>";
        assert_eq!(parse(page, &Hints::default()), Err(SitemapError::NoSitemap));
        assert_eq!(parse(b" \n", &Hints::default()), Err(SitemapError::Empty));
    }

    #[test]
    fn addresses_beyond_the_maximum_are_cut_and_reported() {
        let mut text = String::from("<urlset>");
        for n in 0..=MAX_URLS {
            text.push_str(&format!("<url><loc>https://a.example/{n}</loc></url>"));
        }
        let sitemap = parse(text.as_bytes(), &Hints::default()).unwrap();
        assert!(sitemap.cut && sitemap.pages.len() == MAX_URLS);
    }
}
