//! Sites of which the program knows the feed: releases, accounts, searches, sitemaps. And hosts
//! whose pages are gone.

use std::collections::HashMap;

use backissue_tests::made_up_web::{Document, Documents, MadeUpWeb};
use backissue_tests::program::Archive;

/// An article's page.
fn article(title: &str) -> Document {
    let paragraph = "<p>The queue was full, and every worker waited for the one that held the lock. It took an hour until we \
        saw that the lock was never released, and by then every other service had stopped as well.</p>";
    let html = format!(
        "<!doctype html><html lang=en><head><title>{title}</title><meta property=\"og:type\" content=\"article\">\
         <meta property=\"article:published_time\" content=\"2026-04-02T08:00:00Z\"></head>\
         <body><article><h1>{title}</h1>{}</article></body></html>",
        paragraph.repeat(3)
    );
    Document::page(&html)
}

fn web(documents: &[(&str, Document)]) -> MadeUpWeb {
    let documents: Documents =
        documents.iter().map(|(address, document)| ((*address).to_owned(), document.clone())).collect();
    MadeUpWeb::start(documents).unwrap()
}

/// The reads of an archive, each with address, title and week.
fn read_at(archive: &Archive) -> Vec<[String; 3]> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let mut reads: Vec<_> = archive.all_reads().unwrap();
    let mut reads: Vec<[String; 3]> =
        reads.drain(..).map(|read| [text(&read["url"]), text(&read["title"]), text(&read["week"])]).collect();
    reads.sort();
    reads
}

fn followed(archive: &Archive, url: &str, field: &str) -> String {
    let followed = archive.json(&["follow", url]).unwrap();
    followed[0]["source"][field].as_str().unwrap_or_else(|| panic!("{followed}")).to_owned()
}

#[test]
fn releases_of_a_repository_are_followed() {
    let feed = r#"<?xml version="1.0" encoding="UTF-8"?>
        <feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/" xml:lang="en-US">
        <id>tag:github.com,2008:http://github.com/acme/queue/releases</id>
        <link type="text/html" rel="alternate" href="http://github.com/acme/queue/releases"/>
        <link type="application/atom+xml" rel="self" href="http://github.com/acme/queue/releases.atom"/>
        <title>Release notes from queue</title><updated>2026-05-12T08:00:00Z</updated>
        <entry><id>tag:github.com,2008:Repository/1/v2</id><updated>2026-05-12T08:00:00Z</updated>
        <link rel="alternate" type="text/html" href="http://github.com/acme/queue/releases/tag/v2"/>
        <title>v2: no more locks</title><content type="html">&lt;p&gt;The queue was full, and every worker waited for
        the one that held the lock, so this release has none. It took us a year to find all the places.&lt;/p&gt;</content>
        <author><name>jane</name></author></entry></feed>"#;
    let web = web(&[(
        "github.com/acme/queue/releases.atom",
        Document::new("application/atom+xml; charset=utf-8", feed),
    )]);
    let archive = Archive::new(web.arguments()).unwrap();
    let at = followed(&archive, "http://github.com/acme/queue", "feed_url");
    assert_eq!(at, "http://github.com/acme/queue/releases.atom");
    archive.json(&["sync"]).unwrap();
    let reads = read_at(&archive);
    let one = ["http://github.com/acme/queue/releases/tag/v2", "v2: no more locks", "2026-W20"];
    assert_eq!(reads, [one.map(str::to_owned)], "its page is gone, so the feed's text is the read");
}

#[test]
fn links_of_accounts_and_searches_are_read() {
    let mastodon = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\"><channel><title>Jane</title>
        <link>http://hachyderm.example/@jane</link><generator>Mastodon v4.3.1</generator>
        <item><guid isPermaLink=\"true\">http://hachyderm.example/@jane/113</guid>
        <link>http://hachyderm.example/@jane/113</link><pubDate>Tue, 12 May 2026 08:00:00 +0000</pubDate>
        <description>&lt;p&gt;A good one by &lt;span class=\"h-card\"&gt;&lt;a href=\"http://mastodon.example/@bob\" class=\"u-url mention\"&gt;@bob&lt;/a&gt;&lt;/span&gt;:
        &lt;a href=\"http://acme.example/blog/locks\" rel=\"nofollow noopener\"&gt;acme.example&lt;/a&gt;&lt;/p&gt;</description></item>
        <item><guid isPermaLink=\"true\">http://hachyderm.example/@jane/112</guid><link>http://hachyderm.example/@jane/112</link>
        <pubDate>Mon, 11 May 2026 08:00:00 +0000</pubDate><description>&lt;p&gt;Good morning.&lt;/p&gt;</description></item>
        </channel></rss>";
    let bluesky = "<rss version=\"2.0\"><channel><description>Posts</description><link>http://bsky.app/profile/bob.example</link>
        <title>@bob.example - Bob</title><item><link>http://bsky.app/profile/bob.example/post/3lb</link>
        <description>We moved our queues: http://bolt.example/queues</description><pubDate>11 May 2026 19:49 +0000</pubDate>
        <guid isPermaLink=\"false\">at://did:plc:abc/app.bsky.feed.post/3lb</guid></item></channel></rss>";
    let search = r#"{"hits":[{"author":"a","created_at":"2026-05-12T08:00:00Z","objectID":"1","points":9,
        "title":"Stampedes (2019)","url":"http://cog.example/stampede"},{"author":"b","created_at":"2026-05-11T08:00:00Z",
        "objectID":"2","story_text":"Which cache?","title":"Ask HN: Caches?"},{"author":"c","created_at":"2026-05-10T08:00:00Z",
        "objectID":"3","title":"A shop","url":"http://shop.example/"}],"nbHits":3,"page":0,"query":"cache stampede"}"#;
    let rss = |text: &str| Document::new("application/rss+xml; charset=utf-8", text);
    let web = web(&[
        ("hachyderm.example/@jane.rss", rss(mastodon)),
        ("bsky.app/profile/bob.example/rss", rss(bluesky)),
        ("hn.algolia.com/api/v1/search_by_date", Document::new("application/json; charset=utf-8", search)),
        ("acme.example/blog/locks", article("No more locks")),
        ("bolt.example/queues", article("Moved queues")),
        ("cog.example/stampede", article("Stampedes")),
        ("shop.example/", Document::page("<title>A shop</title><p>Buy now.</p>")),
    ]);
    let archive = Archive::new(web.arguments()).unwrap();
    let at = followed(&archive, "http://hachyderm.example/@jane", "feed_url");
    assert_eq!(at, "http://hachyderm.example/@jane.rss");
    let at = followed(&archive, "http://bsky.app/profile/bob.example", "feed_url");
    assert_eq!(at, "http://bsky.app/profile/bob.example/rss");
    let at = followed(&archive, "http://hn.algolia.com/?q=cache%20stampede&type=story", "feed_url");
    assert_eq!(at, "http://hn.algolia.com/api/v1/search_by_date?query=cache+stampede&tags=story");
    archive.json(&["sync"]).unwrap();
    let read = |url: &str, title: &str| [url.to_owned(), title.to_owned(), "2026-W14".to_owned()];
    let expected = [
        read("http://acme.example/blog/locks", "No more locks"),
        read("http://bolt.example/queues", "Moved queues"),
        read("http://cog.example/stampede", "Stampedes"),
    ];
    assert_eq!(
        read_at(&archive),
        expected,
        "the linked articles with their own dates; no posts, and no shop"
    );
    // The site's own feed takes its article over.
    let feed = "<rss version=\"2.0\"><channel><title>Acme</title><link>http://acme.example/</link><item>
        <title>No more locks</title><link>http://acme.example/blog/locks</link></item></channel></rss>";
    web.put(HashMap::from([("acme.example/feed.xml".to_owned(), rss(feed))]));
    archive.json(&["follow", "http://acme.example/feed.xml"]).unwrap();
    archive.json(&["sync"]).unwrap();
    let owners: Vec<_> =
        archive.all_reads().unwrap().iter().map(|read| read["source_title"].clone()).collect();
    assert!(owners.contains(&"Acme".into()), "{owners:?}");
}

#[test]
fn sitemap_is_followed_by_its_address() {
    let map = "<?xml version=\"1.0\"?><urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">
        <url><loc>http://acme.example/blog/no-more-locks-here</loc><lastmod>2026-04-02</lastmod></url>
        <url><loc>http://acme.example/blog/why-the-queue-was-full</loc><lastmod>2026-04-01</lastmod></url>
        <url><loc>http://acme.example/pricing</loc></url></urlset>";
    let index = "<?xml version=\"1.0\"?><sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">
        <sitemap><loc>http://acme.example/blog.xml</loc></sitemap></sitemapindex>";
    let xml = |text: &str| Document::new("application/xml", text);
    let web = web(&[
        ("acme.example/sitemap.xml", xml(index)),
        ("acme.example/blog.xml", xml(map)),
        (
            "acme.example/feed",
            Document::new(
                "application/rss+xml",
                "<rss version=\"2.0\"><channel><title>Other</title></channel></rss>",
            ),
        ),
        ("acme.example/blog/no-more-locks-here", article("No more locks")),
        ("acme.example/blog/why-the-queue-was-full", article("Full")),
    ]);
    let archive = Archive::new(web.arguments()).unwrap();
    let index = archive.run(&["follow", "http://acme.example/sitemap.xml"]).unwrap();
    assert_eq!(index.code, 1, "{index:?}");
    assert!(
        index.err.contains("follow one of the sitemaps that it names: http://acme.example/blog.xml"),
        "{index:?}"
    );
    let at = followed(&archive, "http://acme.example/blog.xml", "listing_url");
    assert_eq!(at, "http://acme.example/blog.xml");
    archive.json(&["sync"]).unwrap();
    let titles: Vec<String> = read_at(&archive).into_iter().map(|[_, title, _]| title).collect();
    assert_eq!(titles, ["No more locks", "Full"]);
}

/// A feed whose articles have no pages any more. The feed has the text of each.
fn feed_of(posts: std::ops::Range<u32>) -> Document {
    let item = |n: u32| {
        format!(
            "<item><title>Post {n}</title><link>http://acme.example/old/{n}</link><content:encoded>&lt;p&gt;Post {n}: the queue \
             number {n} was full, and worker {n} waited for the one that held the lock {n} for an hour.&lt;/p&gt;</content:encoded></item>"
        )
    };
    let items: String = posts.rev().map(item).collect();
    let head = "<rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"><channel><title>Acme</title>\
        <link>http://acme.example/</link>";
    Document::new("application/rss+xml", format!("{head}{items}</channel></rss>"))
}

#[test]
fn pages_of_a_gone_section_are_not_all_requested() {
    let web = web(&[("acme.example/feed.xml", feed_of(0..200))]);
    let archive = Archive::new(web.arguments()).unwrap();
    archive.json(&["follow", "http://acme.example/feed.xml"]).unwrap();
    let summary = archive.json(&["sync"]).unwrap();
    let pages = || web.requests().iter().filter(|address| address.contains("/old/")).count();
    assert_eq!(pages(), 20, "{summary}");
    assert_eq!(archive.all_reads().unwrap().len(), 200, "the feed has the text of each");
    let doctor = archive.run(&["doctor"]).unwrap();
    assert!(
        doctor.out.contains("the last 20 pages on acme.example that Acme (acme) names failed in a row"),
        "{doctor:?}"
    );
    // A new post is requested, and its answer ends it.
    web.put(HashMap::from([
        ("acme.example/feed.xml".to_owned(), feed_of(200..201)),
        ("acme.example/old/200".to_owned(), article("Post 200")),
    ]));
    web.forget_requests();
    archive.json(&["sync"]).unwrap();
    assert_eq!(pages(), 1);
    let doctor = archive.run(&["doctor"]).unwrap();
    assert!(!doctor.out.contains("failed in a row"), "{doctor:?}");
}
