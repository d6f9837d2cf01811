//! Extraction takes time linear in a page's size, whatever is repeated on it.

use backissue_extract::{Page, extract, from_entry, plain_text};
use backissue_model::Entry;

use crate::growth::{MARKUP, TEXTS, assert_linear};

const PROSE: &str =
    "<p>The queue was full, and every worker waited for the one that held the lock, which waited.</p>";

fn page_around(inside: &str) -> String {
    format!("<title>Queues</title><article><h1>Queues</h1>{PROSE}{PROSE}{inside}{PROSE}{PROSE}</article>")
}

fn is_extracted(page: &String) {
    let page = Page { bytes: page.as_bytes(), media_type: None, url: None };
    // Some patterns hide everything else, so there may be no article.
    let _ = extract(&page, None);
}

#[test]
fn pages_of_one_repeated_element_take_linear_time() {
    assert_linear(MARKUP, |inside| page_around(&format!("<div>{inside}</div>")), is_extracted);
}

#[test]
fn pages_of_one_repeated_sign_take_linear_time() {
    assert_linear(TEXTS, |text| page_around(&format!("<p>{text}</p>")), is_extracted);
}

#[test]
fn repeated_signs_in_code_and_attributes_take_linear_time() {
    assert_linear(TEXTS, |text| page_around(&format!("<pre>{text}</pre>")), is_extracted);
    let in_attribute = |text: &str| {
        let value = text.replace('"', "&quot;");
        page_around(&format!(
            "<p class=\"{value}\">a</p><img src=x alt=\"{value}\"><meta name=author content=\"{value}\">"
        ))
    };
    assert_linear(TEXTS, in_attribute, is_extracted);
    assert_linear(TEXTS, |text| format!("<title>{text}</title><h1>{text}</h1>{PROSE}"), is_extracted);
}

#[test]
fn bodies_in_feeds_take_linear_time() {
    let entry = |inside: &str| Entry {
        title: Some("Queues".to_owned()),
        content: Some(format!("{PROSE}{inside}{PROSE}")),
        ..Entry::default()
    };
    assert_linear(MARKUP, entry, |entry| {
        let _ = from_entry(entry, None);
    });
    assert_linear(
        MARKUP,
        |markup| markup.to_owned(),
        |markup| {
            let _ = plain_text(markup);
        },
    );
}

#[test]
fn two_mebibytes_of_ampersands_take_seconds() {
    let page = page_around(&format!("<p>{}</p>", "& ".repeat(1 << 20)));
    let start = std::time::Instant::now();
    let article = extract(&Page { bytes: page.as_bytes(), media_type: None, url: None }, None).unwrap();
    assert!(article.html.contains("&amp; &amp; &amp;") && !article.html.contains("<!--"));
    assert_eq!(plain_text(&article.html), article.text);
    // It once took a minute. A second would do; the rest is for a busy machine.
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
