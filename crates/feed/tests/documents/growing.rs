//! Parsing takes time linear in the size of a document, whatever is repeated in it.

use backissue_feed::{Document, Hints, opml, parse};

use crate::document_growth::{ELEMENTS, assert_documents_take_linear_time};
use crate::growth::{MARKUP, TEXTS, assert_linear};

/// Calls all parsers, because a document may be slow in only one of them.
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
    assert_documents_take_linear_time(is_read);
}
