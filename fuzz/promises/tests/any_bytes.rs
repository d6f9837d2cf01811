//! Any bytes give a result without a panic, and in time.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use backissue_promises::TARGETS;
use proptest::prelude::*;

fn read_every_way(bytes: &[u8]) {
    TARGETS.iter().for_each(|(_, promises)| promises(bytes));
}

fn documents() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../crates/feed/testdata");
    files(&folder).iter().map(|path| std::fs::read(path).unwrap()).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths
}

/// The fuzzer keeps inputs that reach different code, and inputs that once broke the program.
#[test]
fn what_the_fuzzer_kept_is_read() {
    for (name, promises) in TARGETS {
        let corpus = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(name));
        assert!(corpus.len() > 10, "the corpus of {name} is missing");
        for path in corpus {
            let bytes = std::fs::read(&path).unwrap();
            if let Err(panic) = std::panic::catch_unwind(|| promises(&bytes)) {
                eprintln!("{} breaks a promise", path.display());
                std::panic::resume_unwind(panic);
            }
        }
    }
}

const FRAGMENTS: &[&str] = &[
    "<item>",
    "</item>",
    "<urlset><url><loc>",
    "https://example.org/2019/05/04/a",
    "</loc><lastmod>2019-05-04",
    "<sitemapindex><sitemap><loc>",
    "<a href='/page/2'>Older",
    "<a href=",
    "<link rel='next' href='x'>",
    "User-agent: *\nDisallow: /*a*$\n",
    "Sitemap: https://example.org/s\n",
    "<skipHours><hour>7</hour>",
    "</skipHours><skipDays><day>Monday",
    "<ttl>60",
    "<sy:updatePeriod>daily<",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "&amp;",
    "&#x1F600;",
    "&nbsp;",
    "<",
    ">",
    "\"",
    "'",
    "&",
    "<title type='xhtml'>",
    "</title>",
    "<div>",
    "</div>",
    "<link href='",
    "/>",
    "<svg>",
    "<source>",
    "xmlns:a='urn:b' ",
    "<!DOCTYPE rss [",
    "<!ENTITY a '&a;'>",
    "<?xml version='1.0' encoding='utf-16'?>",
    "{\"items\":[",
    "\u{0}",
    "é",
    "<content type='image/png'>",
    "xml:base='http://[::",
    "<pubDate>2004-13-45T99:99:99+99:99",
    "<outline text='",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        read_every_way(&bytes);
    }

    #[test]
    fn random_markup_is_read(pieces in proptest::collection::vec(0..FRAGMENTS.len(), 0..60)) {
        let text: String = pieces.iter().map(|piece| FRAGMENTS[*piece]).collect();
        read_every_way(text.as_bytes());
        read_every_way(format!("<rss><channel><item>{text}").as_bytes());
    }

    #[test]
    fn damaged_feeds_are_read(
        which in any::<prop::sample::Index>(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0usize..12, 0..FRAGMENTS.len()), 1..8),
    ) {
        let documents = documents();
        let mut bytes = documents[which.index(documents.len())].clone();
        for (place, byte, cut, fragment) in damage {
            let at = place.index(bytes.len() + 1);
            match cut % 3 {
                0 => bytes.splice(at..(at + cut).min(bytes.len()), [byte]).for_each(drop),
                1 => bytes.splice(at..at, FRAGMENTS[fragment].bytes()).for_each(drop),
                _ => bytes.truncate(at.max(1)),
            }
        }
        read_every_way(&bytes);
    }
}

/// Parsing takes milliseconds. If the time were quadratic in the length, it would take minutes.
#[test]
fn no_pattern_takes_more_than_linear_time() {
    let patterns = [
        "<a ",
        "<a '",
        "<a =\"",
        "<a b=\"<",
        "''''='",
        "<a\" =\"",
        "<!DOCTYPE a [<!ENTITY b '",
        "<a b='\"' ",
        "<!--",
        "<!-- --",
        "<![",
        "<!DOCTYPE [",
        "<![CDATA[",
        "<?",
        "</",
        "&",
        "&#",
        "&a;",
        "<item>",
        "<title>",
        "<title>x",
        "<div><title type='html'><b>",
        "<author>",
        "<category>x",
        "<a xmlns:b='c'>",
        "<content type='xhtml'>",
        "<link/>",
        "<br>",
        "<script>",
        "<outline>",
        "<a href='feed.xml'>",
        "[",
        "{\"a\":",
        "\u{e9}",
        "<p xml:base='a/'>",
        "<entry><author><name>a</name></author>",
        "-- ",
        "<title>&lt;a=\"",
    ];
    for pattern in patterns {
        let body = pattern.repeat((128 << 10) / pattern.len());
        for text in [body.clone(), format!("<rss><channel><item><description>{body}")] {
            let start = Instant::now();
            read_every_way(text.as_bytes());
            let taken = start.elapsed();
            assert!(taken < Duration::from_secs(15), "{pattern}: {taken:?}");
        }
    }
}
