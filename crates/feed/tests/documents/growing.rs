//! Time is linear in a document's size, whatever is repeated in it.

use backissue_feed::{Document, Hints, opml, parse};

use crate::growth::{MARKUP, TEXTS, assert_linear};

/// Repeated elements and pieces of feeds.
const ELEMENTS: &[&str] = &[
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
];

/// Calls all parsers, because each input may be slow for only one of them.
fn is_read(document: &String) {
    let (bytes, hints) = (document.as_bytes(), hints());
    let _ = parse(bytes, &hints);
    let _ = Document::open(bytes, &hints).map(|document| (document.polling_hints(), document.paging()));
    let _ = opml::parse(bytes);
}

fn hints() -> Hints {
    Hints { url: Some("https://a.example/feed".parse().unwrap()), media_type: None }
}

#[test]
fn feeds_of_one_repeated_element_take_linear_time() {
    assert_linear(
        ELEMENTS,
        |inside| format!("<rss><channel><title>a</title>{inside}</channel></rss>"),
        is_read,
    );
    assert_linear(ELEMENTS, |inside| format!("<feed xmlns='http://www.w3.org/2005/Atom'>{inside}"), is_read);
}

#[test]
fn items_of_one_repeated_piece_take_linear_time() {
    let item = |inside: &str| format!("<rss><channel><item><title>a</title>{inside}</item></channel></rss>");
    assert_linear(ELEMENTS, item, is_read);
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let field = |inside: &str| {
        let inside = escaped(inside);
        format!(
            "<rss><channel><item><title>{inside}</title><description>{inside}</description>\
             <link>{inside}</link><pubDate>{inside}</pubDate><author>{inside}</author></item></channel></rss>"
        )
    };
    assert_linear(TEXTS, field, is_read);
    assert_linear(MARKUP, field, is_read);
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
