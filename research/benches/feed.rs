//! Feed parsing speed in bytes per second, compared with `feed-rs` on the same documents.
//!
//! `cargo bench --bench feed` in the folder `research`. One run parses all feeds of the shared test
//! web.

use backissue_feed::{Hints, parse};
use backissue_needs::shared_dir;
use divan::counter::BytesCount;

fn main() {
    divan::main();
}

fn feeds() -> Vec<Vec<u8>> {
    let shared = shared_dir().expect("the feeds are shared test data");
    let manifest = shared.join("web/manifest.json");
    let text =
        std::fs::read_to_string(&manifest).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()));
    let hosts: serde_json::Value = serde_json::from_str(&text).expect("the manifest is JSON");
    let mut feeds = Vec::new();
    for host in hosts.as_array().into_iter().flatten() {
        let name = host["host"].as_str().unwrap_or_default();
        for feed in host["feeds"].as_array().into_iter().flatten().filter_map(|feed| feed.as_str()) {
            let path = shared.join("web").join(name).join(feed.trim_start_matches('/'));
            feeds.push(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())));
        }
    }
    feeds
}

fn measured(bencher: divan::Bencher<'_, '_>, read: impl Fn(&[u8]) -> usize + Sync) {
    let feeds = feeds();
    let bytes: usize = feeds.iter().map(Vec::len).sum();
    bencher
        .counter(BytesCount::new(bytes))
        .bench(|| feeds.iter().map(|feed| read(divan::black_box(feed))).sum::<usize>());
}

#[divan::bench]
fn ours(bencher: divan::Bencher<'_, '_>) {
    let hints = Hints::default();
    measured(bencher, |feed| parse(feed, &hints).map_or(0, |feed| feed.entries.len()));
}

#[divan::bench]
fn ours_leniently(bencher: divan::Bencher<'_, '_>) {
    let hints = Hints::default();
    let feeds: Vec<Vec<u8>> = feeds().into_iter().map(|feed| [&feed[..], b"<unclosed>"].concat()).collect();
    let bytes: usize = feeds.iter().map(Vec::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        let entries =
            |feed: &Vec<u8>| parse(divan::black_box(feed), &hints).map_or(0, |feed| feed.entries.len());
        feeds.iter().map(entries).sum::<usize>()
    });
}

#[divan::bench]
fn feed_rs(bencher: divan::Bencher<'_, '_>) {
    measured(bencher, |feed| feed_rs::parser::parse(feed).map_or(0, |feed| feed.entries.len()));
}
