//! Documents that are made to grow: what comes out stays in proportion to what went in.
#![allow(clippy::unwrap_used)]

use backissue_feed::{Hints, discover, parse};
use backissue_model::{Entry, Feed};
use url::Url;

fn read(text: &str) -> Feed {
    parse(text.as_bytes(), &Hints::default()).unwrap()
}

fn first(text: &str) -> Entry {
    read(text).entries[0].clone()
}

/// The bytes that a feed takes when it is written down.
fn size(feed: &Feed) -> usize {
    serde_json::to_string(feed).unwrap().len()
}

#[test]
fn an_overlong_base_is_not_copied_into_every_link() {
    let base = format!("https://a.example/{}/", "x".repeat(50_000));
    let links = "<a href=\"p\">q</a>".repeat(4000);
    for text in [
        format!(
            "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='{base}'><entry><content type='html'><![CDATA[{links}]]></content></entry></feed>"
        ),
        format!(
            "<rss xml:base='{base}'><channel><item><description><![CDATA[{links}]]></description></item></channel>"
        ),
        format!(
            "<rss><channel><link>{base}</link>{}</channel></rss>",
            "<item><link>p</link></item>".repeat(4000)
        ),
        format!(
            "{{\"version\": \"https://jsonfeed.org/version/1\", \"home_page_url\": \"{base}\", \"items\": [{}{{}}]}}",
            "{\"url\": \"p\"},".repeat(4000)
        ),
    ] {
        let feed = read(&text);
        assert!(size(&feed) < 10 * text.len(), "{} bytes of {}: {:.80}", size(&feed), text.len(), text);
    }
    let page = format!("<base href='{base}'>{}", "<a href='feed.xml'>f</a>".repeat(100));
    assert!(discover(page.as_bytes(), &Hints::default()).is_empty());
}

#[test]
fn a_base_of_bearable_length_does_not_multiply_a_document_either() {
    let base = format!("https://a.example/{}/", "x".repeat(1900));
    let text = format!(
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='{base}'><entry><content type='html'><![CDATA[{}]]></content></entry></feed>",
        "<a href='p'>".repeat(40_000)
    );
    let size = size(&read(&text));
    assert!(size < 8 * text.len(), "{size} bytes of {}", text.len());
}

#[test]
fn a_base_that_every_element_lengthens_stops_growing() {
    let content = |times: usize| {
        let text = format!(
            "<rss xml:base='https://a.example/'><channel><item><description>{}<a href='q'></description></item>",
            "<p xml:base='abcdefgh/'>".repeat(times)
        );
        first(&text).summary.unwrap_or_default()
    };
    let link = |summary: String| summary.rsplit("href=\"").next().unwrap_or_default().len();
    let (short, long) = (link(content(50)), link(content(5000)));
    assert!(short > 8 * 50, "{short}");
    assert!(long < 5000, "{long}");
}

#[test]
fn an_address_longer_than_any_real_one_is_none() {
    let link = |length: usize| {
        let text = format!(
            "<rss><channel><item><title>t</title><link>https://a.example/{}</link></item></channel></rss>",
            "x".repeat(length)
        );
        first(&text).url
    };
    assert!(link(2000).is_some());
    assert_eq!(link(5000), None);
    let hints = Hints { url: Url::parse("https://a.example/").ok(), media_type: None };
    let page = format!("<a href='/{}/feed.xml'>f</a>", "x".repeat(5000));
    assert!(discover(page.as_bytes(), &hints).is_empty());
}
