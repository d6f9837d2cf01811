//! Tests on a small document for each kind of fault, and on the feeds of the shared test data.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use backissue_feed::{FeedError, Hints, MAX_ENTRIES, opml, parse};
use backissue_model::{Feed, FeedFormat};
use backissue_needs::{needs, shared_dir};
use serde_json::Value;
use url::Url;

pub fn shared(path: &str) -> PathBuf {
    shared_dir().unwrap().join(path)
}

pub fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn manifest() -> Vec<Value> {
    let manifest: Value = serde_json::from_slice(&read(&shared("web/manifest.json"))).unwrap();
    manifest.as_array().unwrap().clone()
}

/// The feeds in the shared test data: address, bytes, and the manifest's lines for its host.
fn shared_feeds() -> Vec<(Url, Vec<u8>, Value)> {
    let mut feeds = Vec::new();
    for host in manifest() {
        let name = host["host"].as_str().unwrap().to_owned();
        for path in host["feeds"].as_array().unwrap() {
            let path = path.as_str().unwrap();
            let url = Url::parse(&format!("https://{name}{path}")).unwrap();
            feeds.push((url, read(&shared("web").join(&name).join(&path[1..])), host.clone()));
        }
    }
    feeds
}

/// Each document in `testdata` has its expected result beside it. `UPDATE_EXPECTED=1` writes these
/// files again; read the difference before a commit.
#[test]
fn broken_documents_give_the_expected_feeds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let mut documents = 0;
    for file in std::fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".expected.json") {
            continue;
        }
        documents += 1;
        let feed = parse(&read(&path), &Hints::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let got = serde_json::to_value(feed).unwrap();
        let expected = folder.join(format!("{name}.expected.json"));
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            std::fs::write(&expected, serde_json::to_string_pretty(&got).unwrap() + "\n").unwrap();
        }
        let expected: Value = serde_json::from_slice(&read(&expected)).unwrap();
        assert_eq!(got, expected, "{name}");
    }
    assert!(documents >= 20, "only {documents} documents in {}", folder.display());
}

#[test]
fn shared_web_is_parsed_completely() {
    needs!(SharedData);
    let feeds = shared_feeds();
    assert!(feeds.len() >= 10, "only {} feeds in the manifest", feeds.len());
    for (url, bytes, host) in feeds {
        let feed = parse(&bytes, &Hints { url: Some(url.clone()), media_type: None })
            .unwrap_or_else(|error| panic!("{url}: {error}"));
        let counted = host["feed_entries"].as_u64();
        if let Some(counted) = counted {
            assert_eq!(feed.entries.len() as u64, counted, "{url}");
        }
        assert!(feed.entries.len() >= 10, "{url}");
        assert!(feed.title.is_some(), "{url}");
        let urls: HashSet<&Url> = feed.entries.iter().filter_map(|entry| entry.url.as_ref()).collect();
        assert_eq!(urls.len(), feed.entries.len(), "{url}: an entry without an address of its own");
        for entry in &feed.entries {
            assert!(entry.title.as_ref().is_some_and(|title| *title == title.trim()), "{url}: {entry:?}");
            assert!(entry.published.or(entry.updated).is_some(), "{url}: {:?} has no date", entry.url);
            assert!(entry.summary.is_some() || entry.content.is_some(), "{url}: {:?} has no text", entry.url);
            assert!(entry.url.as_ref().unwrap().has_host(), "{url}");
        }
    }
}

/// Compares the number of entries with the shared test data's README, for feeds that the manifest
/// does not count.
#[test]
fn feeds_of_the_shared_web_have_the_entries_of_their_blogs() {
    needs!(SharedData);
    let count = |address: &str| {
        let (_, bytes, host) = shared_feeds().into_iter().find(|(url, ..)| url.as_str() == address).unwrap();
        (parse(&bytes, &Hints::default()).unwrap().entries.len() as u64, host["pages"].as_u64().unwrap())
    };
    let (flink, pages) = count("https://flink.apache.org/posts/index.xml");
    assert_eq!(flink, pages);
    assert_eq!(count("https://blog.rust-lang.org/feed.xml").0, 10);
    let rss = count("https://datafusion.apache.org/blog/feed.xml").0;
    assert_eq!(count("https://datafusion.apache.org/blog/feeds/blog.atom.xml").0, rss);
}

#[test]
fn rss_and_atom_of_the_same_blog_agree() {
    needs!(SharedData);
    let of = |end: &str| -> Feed {
        let (url, bytes, _) = shared_feeds().into_iter().find(|(url, ..)| url.path().ends_with(end)).unwrap();
        parse(&bytes, &Hints { url: Some(url), media_type: None }).unwrap()
    };
    let (rss, atom) = (of("/blog/feed.xml"), of("blog.atom.xml"));
    assert_eq!((rss.format, atom.format), (FeedFormat::Rss2, FeedFormat::Atom));
    let titles = |feed: &Feed| feed.entries.iter().map(|entry| entry.title.clone()).collect::<Vec<_>>();
    assert_eq!(titles(&rss), titles(&atom));
    let days = |feed: &Feed| feed.entries.iter().map(|entry| entry.published).collect::<Vec<_>>();
    assert_eq!(days(&rss), days(&atom));
}

#[test]
fn shared_list_of_blogs_round_trips() {
    needs!(SharedData);
    let bytes = read(&shared("engineering_blogs.opml"));
    let list = opml::read(&bytes).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let listed = text.matches("xmlUrl=\"").count();
    assert_eq!(list.outlines.len() + list.skipped.len(), listed, "{:?}", list.skipped);
    assert!(list.outlines.len() >= 400, "{}", list.outlines.len());
    assert!(list.outlines.iter().all(|outline| outline.group.is_some() && !outline.title.is_empty()));
    assert_eq!(opml::parse(opml::write(&list.outlines).as_bytes()).unwrap(), list.outlines);
}

#[test]
fn documents_that_are_no_feeds_are_distinguished() {
    needs!(SharedData);
    let page = read(&shared("web/linkerd.io/index.html"));
    for (bytes, error) in [
        (&b" \n"[..], FeedError::Empty),
        (&page, FeedError::WebPage),
        (b"<!DOCTYPE html><html><head><title>x</title></head></html>", FeedError::WebPage),
        (b"<p>Not found", FeedError::WebPage),
        (b"not found", FeedError::NoMarkup),
        (b"\x89PNG\r\n\x1a\n\0\0", FeedError::NoMarkup),
        (b"{\"message\": \"not found\"}", FeedError::OtherJson),
        (b"[]", FeedError::OtherJson),
        (b"<opml version='2.0'><body/></opml>", FeedError::Opml),
        (b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'/>", FeedError::Sitemap),
        (b"<svg/>", FeedError::OtherXml { root: "svg".to_owned() }),
    ] {
        assert_eq!(parse(bytes, &Hints::default()), Err(error), "{}", String::from_utf8_lossy(bytes));
    }
    assert!(matches!(parse(b"{\"version\": ", &Hints::default()), Err(FeedError::BrokenJson(_))));
}

#[test]
fn feed_without_entries_is_a_feed() {
    for text in ["<rss version='2.0'><channel/></rss>", "<feed xmlns='http://www.w3.org/2005/Atom'/>"] {
        assert_eq!(parse(text.as_bytes(), &Hints::default()).map(|feed| feed.entries.len()), Ok(0), "{text}");
    }
}

#[test]
fn number_of_entries_is_bounded() {
    let text =
        format!("<rss><channel>{}</channel></rss>", "<item><title>x</title></item>".repeat(MAX_ENTRIES + 5));
    assert_eq!(parse(text.as_bytes(), &Hints::default()).unwrap().entries.len(), MAX_ENTRIES);
}

#[test]
fn relative_links_use_the_documents_address_or_feeds_link() {
    let text =
        b"<rss><channel><link>https://a.example/blog/</link><item><link>post</link></item></channel></rss>";
    let first = |hints: &Hints| parse(text, hints).unwrap().entries[0].url.clone().map(String::from);
    assert_eq!(first(&Hints::default()).as_deref(), Some("https://a.example/blog/post"));
    let hints = Hints { url: Url::parse("https://b.example/x/feed").ok(), media_type: None };
    assert_eq!(first(&hints).as_deref(), Some("https://b.example/x/post"));
}

#[test]
fn charset_of_the_media_type_outranks_the_declaration() {
    let text =
        b"<?xml version='1.0' encoding='utf-8'?><rss><channel><title>\xc1</title><item/></channel></rss>";
    let hints = Hints { url: None, media_type: Some("application/rss+xml; charset=koi8-r".to_owned()) };
    assert_eq!(parse(text, &hints).unwrap().title.as_deref(), Some("а"));
}
