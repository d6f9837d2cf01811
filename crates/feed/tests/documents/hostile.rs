//! The output stays in proportion to the input, even for documents that try to make it grow.

use backissue_feed::{Hints, parse};
use backissue_model::{Entry, Feed};
use url::Url;

fn read(text: &str) -> Feed {
    parse(text.as_bytes(), &Hints::default()).unwrap()
}

fn first(text: &str) -> Entry {
    read(text).entries[0].clone()
}

/// Number of bytes of a serialised feed.
fn size(feed: &Feed) -> usize {
    serde_json::to_string(feed).unwrap().len()
}

#[test]
fn overlong_base_is_not_copied_into_links() {
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
}

#[test]
fn valid_base_does_not_multiply_a_document() {
    let base = format!("https://a.example/{}/", "x".repeat(1900));
    let text = format!(
        "<feed xmlns='http://www.w3.org/2005/Atom' xml:base='{base}'><entry><content type='html'><![CDATA[{}]]></content></entry></feed>",
        "<a href='p'>".repeat(40_000)
    );
    let size = size(&read(&text));
    assert!(size < 8 * text.len(), "{size} bytes of {}", text.len());
}

#[test]
fn base_that_grows_per_element_is_bounded() {
    let content = |times: usize| {
        let text = format!(
            "<rss xml:base='https://a.example/'><channel><item><description>{}<a href='q'></description></item>",
            "<p xml:base='abcdefgh/'>".repeat(times)
        );
        first(&text).summary.unwrap_or_default()
    };
    let link = |summary: String| summary.rsplit("href=\"").next().unwrap_or_default().len();
    let (short, long) = (link(content(50)), link(content(2000)));
    assert!(short > 8 * 50, "{short}");
    assert!(long < 5000, "{long}");
}

#[test]
fn overlong_address_is_dropped() {
    let link = |length: usize| {
        let text = format!(
            "<rss><channel><item><title>t</title><link>https://a.example/{}</link></item></channel></rss>",
            "x".repeat(length)
        );
        first(&text).url
    };
    assert!(link(2000).is_some());
    assert_eq!(link(5000), None);
}

#[test]
fn entities_do_not_multiply_a_document() {
    for (value, references) in [(50_000, 2000), (100, 100_000)] {
        // First well formed, then as tag soup.
        for end in ["</title></item></channel></rss>", "</title></item>"] {
            let text = format!(
                "<!DOCTYPE rss [<!ENTITY a \"{}\">]><rss><channel><item><title>{}{end}",
                "x".repeat(value),
                "&a;".repeat(references)
            );
            let size = size(&read(&text));
            assert!(size < (2 << 20) + text.len(), "{size} bytes of {}", text.len());
        }
    }
    let text = "<!DOCTYPE rss [<!ENTITY a \"Ares &lt; \"><!ENTITY b \"Bee\">]><rss><channel><item><title>&b; &b;</title></item></channel></rss>";
    assert_eq!(first(text).title.as_deref(), Some("Bee Bee"));
}

#[test]
fn elements_without_content_get_no_end_tag() {
    let content = "<div xmlns='http://www.w3.org/1999/xhtml'>a<br/>b<img src='i.png'/><hr></hr><b/></div>";
    for end in ["</content></entry></feed>", "</content></entry>"] {
        let text =
            format!("<feed xmlns='http://www.w3.org/2005/Atom'><entry><content type='xhtml'>{content}{end}");
        let content = first(&text).content.unwrap();
        assert!(content.contains("a<br>b<img src=\"i.png\"><hr><b></b>"), "{content}");
    }
}

#[test]
fn only_addresses_on_the_web_are_returned() {
    for link in
        ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "vbscript:x", "mailto:a@b.example"]
    {
        for text in [
            format!(
                "<rss><channel><link>{link}</link><item><title>t</title><link>{link}</link></item></channel></rss>"
            ),
            format!(
                "<rss><channel><link>{link}</link><item><title>t</title><guid>{link}</guid></item></channel>"
            ),
            format!(
                "<feed xmlns='http://www.w3.org/2005/Atom'><link href='{link}'/><entry><link href='{link}'/></entry></feed>"
            ),
            format!(
                "{{\"version\": \"https://jsonfeed.org/version/1\", \"home_page_url\": \"{link}\", \"items\": [{{\"id\": \"{link}\", \"url\": \"{link}\"}}]}}"
            ),
        ] {
            let feed = read(&text);
            assert_eq!((feed.site_url, feed.entries[0].url.clone()), (None, None), "{text}");
        }
    }
}

#[test]
fn control_characters_do_not_reach_titles_and_authors() {
    for text in [
        "{\"version\": \"https://jsonfeed.org/version/1\", \"title\": \"A\\u001b[31m b\", \"items\": [{\"title\": \"A\\u001b[31m\\u009b b\", \"authors\": [{\"name\": \"A\\u001b[31m \\u0007 b\"}]}]}",
        "<rss><channel><title>A\u{1b}[31m b</title><item><title>A\u{1b}[31m b</title><dc:creator>A\u{1b}[31m b</dc:creator></item>",
        "<rss><channel><title>A&#27;[31m b</title><item><title><![CDATA[A&#27;[31m b]]></title><author>A&#x1b;[31m b</author></item>",
    ] {
        let feed = read(text);
        let entry = &feed.entries[0];
        for got in [&feed.title, &entry.title, &entry.author] {
            assert_eq!(got.as_deref(), Some("A[31m b"), "{text}");
        }
    }
}

#[test]
fn long_author_of_a_feed_is_cut_in_entries() {
    let text = format!(
        "<feed xmlns='http://www.w3.org/2005/Atom'><author><name>{}</name></author>{}</feed>",
        "x".repeat(50_000),
        "<entry><title>t</title></entry>".repeat(2000)
    );
    let size = size(&read(&text));
    assert!(size < 20 * text.len(), "{size} bytes of {}", text.len());
}

#[test]
fn address_behind_a_click_counter_is_returned() {
    let item = |name: &str, link: &str| {
        first(&format!(
            "<rss xmlns:feedburner='http://rssnamespace.org/feedburner/ext/1.0' xmlns:p='http://www.pheedo.com/namespace/pheedo'>\
             <channel><item><link>https://feedproxy.example/~r/1</link><{name}>{link}</{name}></item></channel></rss>"
        ))
    };
    for name in ["feedburner:origLink", "p:origLink", "pheedo:origLink"] {
        let entry = item(name, "https://a.example/post");
        assert_eq!(entry.url.as_ref().map(Url::as_str), Some("https://feedproxy.example/~r/1"), "{name}");
        assert_eq!(entry.original_url.as_ref().map(Url::as_str), Some("https://a.example/post"), "{name}");
    }
    assert_eq!(item("feedburner:origLink", "javascript:alert(1)").original_url, None);
    assert_eq!(item("link", "https://a.example/post").original_url, None);
}
