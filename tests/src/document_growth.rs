//! Elements of feeds, sitemaps and lists that are repeated in documents to measure parsing.
//!
//! The tests of `feed` and `crawl` include the file by its path, beside `growth.rs`.

use crate::growth::{MARKUP, TEXTS, assert_linear};

/// Repeated elements and pieces of feeds, sitemaps and pages.
pub const ELEMENTS: &[&str] = &[
    "<script type='application/json'/>",
    "<script type='application/json'>{}</script>",
    "<item>",
    "<item></item>",
    "<item><title>a</title><link>https://a.example/b</link></item>",
    "<item><link>x</link></item>",
    "<item><guid>a</guid></item>",
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
    "<description>a</description>",
    "<description>&lt;p>a</description>",
    "<description><![CDATA[<p>a]]></description>",
    "<description><p>a</p></description>",
    "<content:encoded>a</content:encoded>",
    "<content type='xhtml'><div>a</div></content>",
    "<summary>a</summary>",
    "<media:group><media:description>a</media:description></media:group>",
    "<enclosure url='x'/>",
    "<category>a</category>",
    "<category term='a'/>",
    "<author>a</author>",
    "<author><name>a</name></author>",
    "<dc:creator>a</dc:creator>",
    "<dc:date>2020-08-21</dc:date>",
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
    "<outline text='a' xmlUrl='https://a.example/b'/>",
    "<outline>",
    "<outline text='a'>",
    "<url><loc>https://a.example/b</loc></url>",
    "<url><loc>",
    "<sitemap><loc>https://a.example/b.xml</loc></sitemap>",
    "<a href='x'>",
    "<a href='x' rel='next'>a</a>",
    "<base href='b/'>",
    "<link rel='alternate' type='application/rss+xml' href='x'>",
    "<image:loc>x</image:loc>",
];

/// Fails if the time of `step` grows faster than linearly with a page, a text or a JSON Feed.
pub fn assert_documents_take_linear_time(step: impl Fn(&String)) {
    assert_linear(MARKUP, |markup| format!("<!doctype html><title>a</title>{markup}"), &step);
    assert_linear(TEXTS, |text| text.to_owned(), &step);
    let json = |text: &str| {
        let text = serde_json::to_string(text).unwrap();
        format!(
            "{{\"version\": \"https://jsonfeed.org/version/1\", \"items\": [{{\"title\": {text}, \"content_html\": {text}}}]}}"
        )
    };
    assert_linear(TEXTS, json, &step);
    assert_linear(MARKUP, json, &step);
}
