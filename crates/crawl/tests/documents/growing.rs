//! Time is linear in a document's size, whatever is repeated in it.

use backissue_crawl::robots::Robots;
use backissue_crawl::{discover, listing, sitemap, wordpress};
use backissue_feed::Hints;

use crate::growth::{MARKUP, TEXTS, assert_linear};

/// Repeated elements and pieces of sitemaps, feeds and pages.
const ELEMENTS: &[&str] = &[
    "<item>",
    "<item></item>",
    "<item><title>a</title><link>https://a.example/b</link></item>",
    "<item><link>x</link></item>",
    "<item><pubDate>Fri, 21 Aug 2020 09:00:00 CEST</pubDate></item>",
    "<entry>",
    "<entry><id>a</id></entry>",
    "<entry><link href='x'/></entry>",
    "<title>a</title>",
    "<title>",
    "<title type='html'>&lt;b>a</title>",
    "<link>x</link>",
    "<link>",
    "<link rel='self' href='x'/>",
    "<link rel='hub' href='https://a.example/'/>",
    "<link rel='next' href='x'/>",
    "<pubDate>1</pubDate>",
    "<a:b xmlns:a='x'>",
    "<a:b xmlns:a='x'/>",
    "<a xml:base='b/'>",
    "<a>",
    "<a/>",
    "</a>",
    "<a b='c' d='e'>",
    "<a b='",
    "<a b",
    "<",
    "&",
    "&amp;",
    "&nbsp;",
    "&#38;#38;",
    "<![CDATA[",
    "<![CDATA[a]]>",
    "]]>",
    "<!--",
    "<!-- a -->",
    "<!DOCTYPE a>",
    "<!ENTITY a 'b'>",
    "<?a?>",
    "<?a",
    "<url><loc>https://a.example/b</loc></url>",
    "<url><loc>",
    "<sitemap><loc>https://a.example/b.xml</loc></sitemap>",
    "<a href='x'>",
    "<a href='x' rel='next'>a</a>",
    "<base href='b/'>",
    "<link rel='alternate' type='application/rss+xml' href='x'>",
    "<image:loc>x</image:loc>",
];

/// Calls all parsers, because each input may be slow for only one of them.
fn is_read(document: &String) {
    let bytes = document.as_bytes();
    let hints = Hints { url: Some("https://a.example/feed".parse().unwrap()), media_type: None };
    let _ = discover(bytes, &hints);
    let _ = wordpress::posts(bytes);
    let _ = sitemap::parse(bytes, &hints);
    let _ = listing::read(bytes, &hints);
}

#[test]
fn lists_of_one_repeated_element_take_linear_time() {
    assert_linear(
        ELEMENTS,
        |inside| format!("<rss><channel><title>a</title>{inside}</channel></rss>"),
        is_read,
    );
    assert_linear(ELEMENTS, |inside| format!("<urlset>{inside}</urlset>"), is_read);
    assert_linear(ELEMENTS, |inside| format!("<!doctype html><title>a</title>{inside}"), is_read);
}

#[test]
fn pages_and_other_documents_take_linear_time() {
    assert_linear(MARKUP, |markup| format!("<!doctype html><title>a</title>{markup}"), is_read);
    assert_linear(TEXTS, |text| text.to_owned(), is_read);
    let json = |text: &str| {
        let text = serde_json::to_string(text).unwrap();
        format!(
            "{{\"version\": \"https://jsonfeed.org/version/1\", \"items\": [{{\"title\": {text}, \"content_html\": {text}}}]}}"
        )
    };
    assert_linear(TEXTS, json, is_read);
    assert_linear(MARKUP, json, is_read);
}

#[test]
fn rules_for_robots_take_linear_time() {
    let url = format!("https://a.example/{}", "a".repeat(1000)).parse().unwrap();
    let file = |text: &str| format!("User-agent: *\n{}", text.replace(' ', "\nDisallow: /*"));
    assert_linear(TEXTS, file, |file| {
        let _ = Robots::parse(file.as_bytes(), "Backissue").refuses(&url);
    });
}
