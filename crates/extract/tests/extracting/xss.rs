//! No cross-site scripting vector of `tests/data/xss.jsonl` in the repository's root survives this
//! crate.
//!
//! The tests of the whole program open the same vectors in a browser, and show there that most of
//! them would run.

use std::collections::HashSet;

use crate::inert::assert_is_inert;
use backissue_extract::{Page, extract, from_entry, plain_text};
use backissue_model::{Article, Entry};
use serde::Deserialize;
use url::Url;

/// A line of the table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    /// What the vector attempts.
    name: String,
    /// Where the vector is from: a collection and its section, an advisory, a rule of a standard,
    /// or a paper.
    source: String,
    /// The markup; `{n}` stands for the vector's number. If there is a media type, each character
    /// is a byte.
    html: String,
    /// The Content-Type with which the bytes have their effect.
    media_type: Option<String>,
}

fn vectors() -> Vec<Vector> {
    let lines = include_str!("../../../../tests/data/xss.jsonl").lines();
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|why| panic!("{why} in {line}"))).collect()
}

impl Vector {
    fn html(&self) -> String {
        self.html.replace("{n}", "1")
    }

    /// A page with the vector between two paragraphs. The vector is before both if these would
    /// prevent its effect.
    fn page(&self) -> Vec<u8> {
        let prose = format!("<p>{}</p>", PROSE.repeat(3));
        match self.media_type {
            Some(_) => {
                let bytes =
                    self.html().chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<u8>>();
                if bytes.starts_with(b"\xff\xfe") {
                    return bytes
                        .into_iter()
                        .chain(prose.encode_utf16().flat_map(u16::to_le_bytes))
                        .collect();
                }
                [b"<article>", prose.as_bytes(), &bytes, prose.as_bytes()].concat()
            }
            None => format!("<article><h1>Queues</h1>{prose}{}{prose}</article>", self.html()).into_bytes(),
        }
    }
}

const PROSE: &str = "The queue was full, and every worker waited for the one that held the lock, which waited for the queue. ";

fn url() -> Url {
    "https://blog.example/posts/queues".parse().unwrap()
}

fn carried(content: &str) -> Article {
    let entry = Entry { content: Some(content.to_owned()), ..Entry::default() };
    from_entry(&entry, Some(&url())).unwrap()
}

#[test]
fn vector_table_is_large_and_has_sources() {
    let vectors = vectors();
    assert!(vectors.len() >= 150, "{}", vectors.len());
    let names: HashSet<&str> = vectors.iter().map(|vector| vector.name.as_str()).collect();
    assert_eq!(names.len(), vectors.len(), "each vector has a name of its own");
    let markup: HashSet<&str> = vectors.iter().map(|vector| vector.html.as_str()).collect();
    assert_eq!(markup.len(), vectors.len(), "each vector is another one");
    assert!(vectors.iter().all(|vector| vector.source.len() > 5));
}

#[test]
fn no_vector_survives_on_a_page() {
    for vector in vectors() {
        let page =
            Page { bytes: &vector.page(), media_type: vector.media_type.as_deref(), url: Some(&url()) };
        let article = extract(&page, None).unwrap_or_else(|why| panic!("{}: {why}", vector.name));
        assert_is_inert(&vector.name, &article.html);
        assert!(article.text.contains("The queue was full"), "{} took the words along", vector.name);
    }
}

#[test]
fn no_vector_survives_in_a_feed() {
    for vector in vectors() {
        let article = carried(&format!("<p>{}</p>{}", PROSE.repeat(3), vector.html()));
        assert_is_inert(&vector.name, &article.html);
        let escaped = vector.html().replace('&', "&amp;").replace('<', "&lt;");
        let article = carried(&format!("<p>{}</p><p>{escaped}</p>", PROSE.repeat(3)));
        assert_is_inert(&vector.name, &article.html);
    }
}

#[test]
fn sanitising_is_idempotent() {
    for vector in vectors() {
        let once = carried(&format!("<p>{}</p>{}<p>{}</p>", PROSE.repeat(3), vector.html(), PROSE.repeat(2)));
        let twice = carried(&once.html);
        assert_eq!(twice.html, once.html, "{}", vector.name);
        assert_eq!(plain_text(&once.html), once.text, "{}", vector.name);
    }
}
