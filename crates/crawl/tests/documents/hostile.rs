//! The output stays in proportion to the input, even for pages that try to make it grow.

use backissue_crawl::discover;
use backissue_feed::Hints;
use url::Url;

#[test]
fn overlong_base_is_not_copied_into_links() {
    let base = format!("https://a.example/{}/", "x".repeat(50_000));
    let page = format!("<base href='{base}'>{}", "<a href='feed.xml'>f</a>".repeat(100));
    assert!(discover(page.as_bytes(), &Hints::default()).is_empty());
}

#[test]
fn overlong_address_is_dropped() {
    let hints = Hints { url: Url::parse("https://a.example/").ok(), media_type: None };
    let page = format!("<a href='/{}/feed.xml'>f</a>", "x".repeat(5000));
    assert!(discover(page.as_bytes(), &hints).is_empty());
}
