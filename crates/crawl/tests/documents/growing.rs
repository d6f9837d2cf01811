//! Parsing takes time linear in the size of a document, whatever is repeated in it.

use backissue_crawl::robots::Robots;
use backissue_crawl::{discover, listing, sitemap, wordpress};
use backissue_feed::Hints;

use crate::document_growth::{ELEMENTS, assert_documents_take_linear_time};
use crate::growth::{TEXTS, assert_linear};

/// Calls all parsers, because a document may be slow in only one of them.
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
    assert_documents_take_linear_time(is_read);
}

#[test]
fn rules_for_robots_take_linear_time() {
    let url = format!("https://a.example/{}", "a".repeat(1000)).parse().unwrap();
    let file = |text: &str| format!("User-agent: *\n{}", text.replace(' ', "\nDisallow: /*"));
    assert_linear(TEXTS, file, |file| {
        let _ = Robots::parse(file.as_bytes(), "Backissue").refuses(&url);
    });
}
