//! Markdown and feeds: what other programs get.

use backissue_feed::{Hints, parse};
use backissue_model::{Correction, Entry, Feed, FeedFormat, ReadField, ReadId};
use jiff::Timestamp;

use super::*;

/// A feed as our own parser reads it.
fn read_back(answer: &Answer, path: &str) -> Feed {
    let url = format!("http://localhost:7878{path}").parse().ok();
    let media_type = Some(answer.headers["content-type"].to_str().unwrap().to_owned());
    parse(answer.body.as_bytes(), &Hints { url, media_type }).unwrap()
}

const FEEDS: [&str; 7] = [
    "/feed.atom",
    "/feed.atom?kind=incident",
    "/weeks.atom",
    "/concept/caching.atom",
    "/source/undergrowth.atom",
    "/search.atom?q=noisy+tenants",
    "/search.atom?q=company%3AFernhost",
];

fn as_json(path: &str) -> String {
    path.replace(".atom", ".json")
}

#[tokio::test]
async fn every_feed_reads_back_the_same_in_both_formats() {
    let site = site(&blogs()).await;
    for path in FEEDS {
        let atom = site.get(path).await;
        let json = site.get(&as_json(path)).await;
        assert_eq!((atom.status, json.status), (StatusCode::OK, StatusCode::OK), "{path}");
        assert!(atom.headers["content-type"].to_str().unwrap().starts_with("application/atom+xml"), "{path}");
        assert!(
            json.headers["content-type"].to_str().unwrap().starts_with("application/feed+json"),
            "{path}"
        );
        let (atom, json) = (read_back(&atom, path), read_back(&json, &as_json(path)));
        assert_eq!((atom.format, json.format), (FeedFormat::Atom, FeedFormat::JsonFeed), "{path}");
        assert_eq!((&atom.title, &atom.site_url), (&json.title, &json.site_url), "{path}");
        assert!(!atom.entries.is_empty(), "{path}");
        let told = |entry: &Entry| {
            let Entry { id, title, published, updated, author, .. } = entry.clone();
            (id, title, published, updated, author)
        };
        let all = |feed: &Feed| feed.entries.iter().map(told).collect::<Vec<_>>();
        assert_eq!(all(&atom), all(&json), "{path}");
        for entry in &atom.entries {
            assert!(entry.id.as_ref().unwrap().starts_with("urn:uuid:"), "{path}: {entry:?}");
            assert!(entry.content.is_some() && entry.published.is_some(), "{path}: {entry:?}");
        }
    }
}

#[tokio::test]
async fn entry_tells_problem_evidence_source_and_publisher() {
    let site = site(&blogs()).await;
    let feed = site.get("/source/undergrowth.atom").await;
    for part in [
        "<title>Good fences: living with noisy neighbours</title>",
        specimens::PROBLEM,
        specimens::QUOTE,
        r#"<category term="noisy-neighbours" label="#,
        r#"<link rel="via" type="text/html" href="https://fernhost.example/good-fences"/>"#,
        r#"<link rel="alternate" type="text/html" href="http://localhost:7878/read/1/"#,
        "&lt;a href=\"https://fernhost.example/good-fences\"&gt;Read it on fernhost.example&lt;/a&gt;",
        r#"<link rel="self" type="application/atom+xml" href="http://localhost:7878/source/undergrowth.atom"/>"#,
        "<source><id>urn:uuid:",
        "<title>Undergrowth</title>",
    ] {
        let escaped = part.replace('’', "&#8217;");
        assert!(feed.body.contains(part) || feed.body.contains(&escaped), "{part} is missing: {}", feed.body);
    }
    let json: serde_json::Value =
        serde_json::from_str(&site.get("/source/undergrowth.json").await.body).unwrap();
    let items = json["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["external_url"] == "https://fernhost.example/good-fences");
    let item = item.unwrap();
    assert_eq!(json["version"], "https://jsonfeed.org/version/1.1");
    assert!(item["url"].as_str().unwrap().starts_with("http://localhost:7878/read/1/"), "{item}");
    assert!(item["tags"].as_array().unwrap().len() >= 2 && item["authors"][0]["name"].is_string(), "{item}");
}

#[tokio::test]
async fn ids_stay_whatever_the_address_and_differ_between_archives() {
    let (one, other) = (site(&blogs()).await, site(&blogs()).await);
    let ids = |answer: Answer, path: &str| {
        let entries = read_back(&answer, path).entries;
        entries.into_iter().map(|entry| entry.id.unwrap()).collect::<BTreeSet<_>>()
    };
    let here = ids(one.get("/feed.atom").await, "/feed.atom");
    let asked_as = one.ask(Method::GET, "/feed.atom", &[("host", "127.0.0.1:9")]).await;
    assert!(asked_as.body.contains("http://127.0.0.1:9/read/"), "{}", asked_as.body);
    assert_eq!(ids(asked_as, "/feed.atom"), here);
    assert!(ids(other.get("/feed.atom").await, "/feed.atom").is_disjoint(&here));
}

#[tokio::test]
async fn entry_is_updated_when_its_read_is_corrected() {
    let site = site(&blogs()).await;
    let updated = async |path: &str, title: &str| {
        let feed = read_back(&site.get(path).await, path);
        let named = |entry: &Entry| entry.title.as_deref().is_some_and(|own| own.starts_with(title));
        feed.entries.into_iter().find(named).and_then(|entry| entry.updated)
    };
    let entries = [("/feed.atom", "Good fences"), ("/feed.json", "Good fences"), ("/weeks.atom", "Week 20")];
    let at: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    for (path, title) in entries {
        assert!(updated(path, title).await.unwrap() < at, "{path}");
    }
    let outcome = Correction::of(ReadField::Outcome, "The fences hold.").unwrap();
    site.store.correct(ReadId(1), &[outcome], &[], at).await.unwrap();
    for (path, title) in entries {
        assert_eq!(updated(path, title).await, Some(at), "{path}");
    }
}

#[tokio::test]
async fn weeks_have_one_entry_each_once_they_have_ended() {
    let site = site(&blogs()).await;
    let feed = read_back(&site.get("/weeks.atom").await, "/weeks.atom");
    let titles: Vec<&str> = feed.entries.iter().map(|entry| entry.title.as_deref().unwrap()).collect();
    assert!(titles[0].starts_with("Week 20 of 2026: "), "{titles:?}");
    assert!(titles[1].starts_with("Week 19 of 2026: "), "{titles:?}");
    assert_eq!(feed.entries[0].published, "2026-05-18T00:00:00Z".parse().ok());
    let content = feed.entries[0].content.as_deref().unwrap();
    assert!(content.contains("Good fences") && content.contains("min to read"), "{content}");
    let before = feed.entries[1].content.as_deref().unwrap();
    assert!(!before.contains("Good fences"), "each read is in its own week: {before}");
}

#[tokio::test]
async fn hostile_titles_are_text_in_every_document() {
    let site = site(&blogs()).await;
    let atom = read_back(&site.get("/feed.atom").await, "/feed.atom");
    let hostile = |entry: &&Entry| entry.title.as_deref().is_some_and(|title| title.contains("alert"));
    let entry = atom.entries.iter().find(hostile).expect("the hostile read is listed");
    let content = entry.content.as_deref().unwrap_or_default();
    assert!(!content.contains("<script") && !content.contains("<img"), "{content}");
    let week = read_back(&site.get("/weeks.atom").await, "/weeks.atom");
    let content = week.entries[1].content.as_deref().unwrap();
    assert!(!content.contains("<script") && !content.contains("<img"), "{content}");
    let markdown = site.get("/week/2026-W19.md").await.body;
    assert!(markdown.contains("\\<script\\>") && !markdown.contains(" <script"), "{markdown}");
}

#[tokio::test]
async fn signs_that_xml_cannot_have_are_left_out_of_feeds() {
    let mut told = blogs();
    told[0].posts[0].article.title = Some("Bell \u{7} and \u{fffe} noise\u{1b}[31m".to_owned());
    let site = site(&told).await;
    let body = site.get("/feed.atom").await.body;
    assert!(!body.contains(['\u{7}', '\u{fffe}', '\u{1b}']), "{body}");
    assert!(body.contains("Bell"), "{body}");
    read_back(&site.get("/feed.atom").await, "/feed.atom");
}

#[tokio::test]
async fn document_costs_a_304_until_the_archive_changes() {
    let site = site(&blogs()).await;
    let markdown = ["/week/2026-W20.md", "/read/1.md"];
    for path in FEEDS.iter().copied().chain(markdown) {
        let first = site.get(path).await;
        assert_eq!(first.status, StatusCode::OK, "{path}: {}", first.body);
        let tag = first.headers["etag"].to_str().unwrap().to_owned();
        let again = async || site.ask(Method::GET, path, &[("if-none-match", &tag)]).await;
        assert_eq!(again().await.status, StatusCode::NOT_MODIFIED, "{path}");
        site.progress.send_modify(|progress| {
            progress.phase = Phase::Working;
            progress.began = Some(now());
            progress.reads_due += 1;
        });
        assert_eq!(again().await.status, StatusCode::NOT_MODIFIED, "{path} does not tell of a sync");
    }
    let tag = site.get("/feed.atom").await.headers["etag"].to_str().unwrap().to_owned();
    let mut more = blogs();
    more[0].posts = vec![specimens::late_post()];
    more.truncate(1);
    archive::fill(&site.store, &more, now() + SignedDuration::from_hours(2)).await.unwrap();
    let changed = site.ask(Method::GET, "/feed.atom", &[("if-none-match", &tag)]).await;
    assert_eq!(changed.status, StatusCode::OK);
    assert!(changed.body.contains("One late post"), "{}", changed.body);
}

#[tokio::test]
async fn pages_name_their_feeds_and_their_markdown() {
    let site = site(&blogs()).await;
    for (path, feed, markdown) in [
        ("/", "/weeks.atom", Some("/week/2026-W20.md")),
        ("/week/2026-W20?kind=incident", "/weeks.atom", Some("/week/2026-W20.md?kind=incident")),
        ("/concept/caching", "/concept/caching.atom", None),
        ("/source/undergrowth", "/source/undergrowth.atom", None),
        ("/search?q=noisy%20tenants", "/search.atom?q=noisy+tenants", None),
        ("/search?q=cache%20is%3Akept", "/feed.atom", None),
        ("/sources", "/feed.atom", None),
    ] {
        let page = html::Page::parse(path, &site.get(path).await.body);
        let offered = page.attributes("link[rel=alternate]", "href");
        assert!(
            offered.contains(&feed.to_owned()) && offered.contains(&as_json(feed)),
            "{path}: {offered:?}"
        );
        assert!(offered.contains(&"/feed.atom".to_owned()), "{path}: {offered:?}");
        let documents: Vec<_> = offered.iter().filter(|address| address.contains(".md")).collect();
        assert_eq!(documents, markdown.iter().collect::<Vec<_>>(), "{path}");
    }
    let personal = site.get("/search?q=is%3Akept").await.body;
    assert!(!personal.contains("/search.atom"), "such a feed has no reader");
}

#[tokio::test]
async fn mistaken_addresses_of_documents_are_told() {
    let site = site(&blogs()).await;
    for (path, status) in [
        ("/week/2026-W54.md", 400),
        ("/week/2026-W20.md?source=nobody", 404),
        ("/read/999999.md", 404),
        ("/read/x.md", 404),
        ("/concept/no-such-thing.atom", 404),
        ("/source/nobody.json", 404),
        ("/search.atom", 400),
        ("/search.atom?q=cache+is%3Akept", 400),
        ("/search.json?q=-label%3Alater", 400),
        ("/feed.atom?kind=poem", 400),
    ] {
        assert_eq!(site.get(path).await.status.as_u16(), status, "{path}");
    }
}

#[tokio::test]
async fn week_and_read_as_markdown() {
    let site = site(&blogs()).await;
    insta::assert_snapshot!("week_markdown", site.get("/week/2026-W20.md").await.body);
    insta::assert_snapshot!("read_markdown", site.get("/read/1.md").await.body);
    let narrowed = site.get("/week/2026-W20.md?kind=incident").await.body;
    assert!(narrowed.starts_with("# Week 20 of 2026") && !narrowed.contains("Good fences"), "{narrowed}");
    let empty = site.get("/week/1999-W01.md").await;
    assert!(empty.status == StatusCode::OK && empty.body.contains("No reads."), "{}", empty.body);
}
