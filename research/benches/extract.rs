//! Milliseconds per page over a sample of the shared web: this crate, and the library it builds on.
//!
//! `cargo bench --bench extract` in the folder `research`. The sample is every twelfth page of the
//! shared web.

use std::fs;
use std::path::{Path, PathBuf};

use backissue_extract::{Page, extract};
use backissue_needs::shared_dir;
use divan::{Bencher, counter::ItemsCount};

fn main() {
    divan::main();
}

fn sample() -> Vec<Vec<u8>> {
    let web = shared_dir().expect("the sample is shared test data").join("web");
    let mut pages = Vec::new();
    gather(&web, &mut pages);
    assert!(!pages.is_empty(), "no pages under {}", web.display());
    pages.sort();
    pages.iter().step_by(12).map(|page| fs::read(page).expect("a page that was listed can be read")).collect()
}

fn gather(folder: &Path, pages: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, pages);
        } else if path.extension().is_some_and(|e| e == "html") {
            pages.push(path);
        }
    }
}

#[divan::bench(sample_count = 5)]
fn ours(bencher: Bencher) {
    let pages = sample();
    bencher.counter(ItemsCount::new(pages.len())).bench_local(|| {
        pages
            .iter()
            .filter(|bytes| extract(&Page { bytes, media_type: None, url: None }, None).is_ok())
            .count()
    });
}

#[divan::bench(sample_count = 5)]
fn plain_dom_smoothie(bencher: Bencher) {
    let pages = sample();
    bencher.counter(ItemsCount::new(pages.len())).bench_local(|| {
        pages
            .iter()
            .filter(|bytes| {
                let config = dom_smoothie::Config {
                    text_mode: dom_smoothie::TextMode::Formatted,
                    ..dom_smoothie::Config::default()
                };
                let html = String::from_utf8_lossy(bytes).into_owned();
                dom_smoothie::Readability::new(html, None, Some(config))
                    .and_then(|mut page| page.parse())
                    .is_ok()
            })
            .count()
    });
}
