//! Backfills with a real store and real sockets: each kind of document, robots.txt, and continuing
//! after a stop.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::bench::Bench;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use backissue_ingest::ask_backfill;
use backissue_model::Source;
use backissue_store::{Extent, Reach};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

/// A site of documents by path and query, which records requests and answers 304 to conditional
/// ones.
#[derive(Clone, Default)]
struct Site {
    documents: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    asked: Arc<Mutex<Vec<(String, u16)>>>,
    /// A path, and the token that is cancelled when the path is requested.
    watched: Arc<Mutex<Option<(String, CancellationToken)>>>,
}

impl Site {
    fn with(self, path: &str, document: impl Into<Vec<u8>>) -> Self {
        self.documents.lock().unwrap().insert(path.to_owned(), document.into());
        self
    }

    /// Adds articles at `/{year}/{month}/a-title-{n}/`. The feed lists the `in_feed` newest ones.
    fn with_articles(self, articles: usize, in_feed: usize) -> Self {
        let mut site = self;
        for n in 0..articles {
            let html = article(n, "");
            site = site.with(&path(n), html);
        }
        let feed = feed(0..in_feed, "");
        site.with("/feed", feed)
    }

    fn router(&self) -> Router {
        let site = self.clone();
        Router::new().fallback(move |request: Request| {
            let site = site.clone();
            async move { site.answer(&request) }
        })
    }

    /// The routes of the site, with one path that always has this status.
    fn router_but(&self, path: &'static str, status: StatusCode) -> Router {
        self.router().layer(axum::middleware::from_fn(
            move |request: Request, next: axum::middleware::Next| async move {
                if request.uri().path() == path { status.into_response() } else { next.run(request).await }
            },
        ))
    }

    fn answer(&self, request: &Request) -> Response {
        let path = request.uri().path_and_query().unwrap().as_str().to_owned();
        if let Some((watched, stop)) = &*self.watched.lock().unwrap()
            && *watched == path
        {
            stop.cancel();
        }
        let known = request.headers().contains_key(header::IF_NONE_MATCH);
        let response = match self.documents.lock().unwrap().get(&path) {
            None => StatusCode::NOT_FOUND.into_response(),
            Some(_) if known => StatusCode::NOT_MODIFIED.into_response(),
            Some(document) => {
                let html = document.starts_with(b"<html");
                let media_type = if html { "text/html" } else { "application/octet-stream" };
                let headers = [(header::ETAG, "\"1\""), (header::CONTENT_TYPE, media_type)];
                (headers, Body::from(document.clone())).into_response()
            }
        };
        self.asked.lock().unwrap().push((path, response.status().as_u16()));
        response
    }

    /// The requests since the last call, except for robots.txt.
    fn asked(&self) -> Vec<(String, u16)> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.into_iter().filter(|(path, _)| path != "/robots.txt").collect()
    }

    fn asked_for(&self, part: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|(path, _)| path.contains(part)).count()
    }
}

fn path(n: usize) -> String {
    format!("/{}/{:02}/a-title-{n}/", 2025 - n / 12, 12 - n % 12)
}

fn url(n: usize) -> String {
    format!("http://blog.test{}", path(n))
}

/// The page of an article, with a day that its address does not have.
fn article(n: usize, head: &str) -> String {
    let date = format!("{}-{:02}-17T08:00:00Z", 2025 - n / 12, 12 - n % 12);
    let text: String = (0..30)
        .map(|line| format!("Retry {line} of queue {n} came back twice, and nobody had asked it to. "))
        .collect();
    format!(
        "<html><head><title>Title {n}</title><meta property='article:published_time' content='{date}'>{head}</head>\
         <body><article><h1>Title {n}</h1><p>{text}</p></article></body></html>"
    )
}

fn feed(articles: std::ops::Range<usize>, head: &str) -> String {
    let items: String =
        articles.map(|n| format!("<item><title>Title {n}</title><link>{}</link></item>", url(n))).collect();
    format!(
        "<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel><title>Blog</title>{head}{items}</channel></rss>"
    )
}

fn sitemap(urls: impl IntoIterator<Item = String>) -> String {
    let urls: String = urls.into_iter().map(|url| format!("<url><loc>{url}</loc></url>")).collect();
    format!("<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{urls}</urlset>")
}

fn gzipped(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Follows a site and runs a sync.
async fn followed(site: &Site) -> (Bench, Source) {
    let bench = Bench::over(site.router()).await;
    bench.follow("blog.test").await;
    bench.sync().await;
    let source = bench.store.source_by_slug("blog-test").await.unwrap().unwrap();
    site.asked();
    (bench, source)
}

async fn backfill(bench: &Bench, source: &Source, extent: Extent) -> Reach {
    ask_backfill(&bench.store, source, extent).await.unwrap();
    bench.sync().await;
    bench.store.reach(source.id).await.unwrap()
}

async fn titles(bench: &Bench) -> BTreeSet<String> {
    bench.reads().await.into_iter().map(|read| read.title).collect()
}

fn all_titles(articles: usize) -> BTreeSet<String> {
    (0..articles).map(|n| format!("Title {n}")).collect()
}

/// Checks that a backfill admits all articles of a site, with correct dates, and nothing else.
async fn comes_in(site: &Site, articles: usize, documents: u64) -> (Bench, Source) {
    let (bench, source) = followed(site).await;
    let reach = backfill(&bench, &source, Extent::default()).await;
    let search = reach.backfill.unwrap();
    assert_eq!(titles(&bench).await, all_titles(articles), "{search:?}");
    assert_eq!(search.error, None);
    assert!(search.finished_at.is_some());
    assert_eq!((search.documents, reach.on_their_way), (documents, 0), "{:?}", site.asked());
    for read in bench.reads().await {
        assert_eq!(
            read.published.unwrap().to_zoned_datetime(jiff::tz::TimeZone::UTC).day(),
            17,
            "{}",
            read.title
        );
    }
    (bench, source)
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_sitemaps_in_robots_txt_are_read() {
    let others = ["http://blog.test/about/".to_owned(), "http://blog.test/2025/12/".to_owned()];
    let site = Site::default()
        .with_articles(40, 5)
        .with("/robots.txt", "User-agent: *\nDisallow: /admin/\nSitemap: http://blog.test/maps.xml")
        .with(
            "/maps.xml",
            "<sitemapindex><sitemap><loc>http://blog.test/posts-1.xml.gz</loc></sitemap>\
            <sitemap><loc>http://blog.test/posts-2.xml.gz</loc></sitemap>\
            <sitemap><loc>http://blog.test/author-sitemap.xml</loc></sitemap></sitemapindex>",
        )
        .with("/posts-1.xml.gz", gzipped(&sitemap((0..20).map(url).chain(others))))
        .with("/posts-2.xml.gz", gzipped(&sitemap((20..40).map(url))))
        .with("/about/", article(99, ""));
    let (bench, source) = comes_in(&site, 40, 3).await;
    assert_eq!(site.asked_for("/about/") + site.asked_for("author") + site.asked_for("/sitemap.xml"), 0);
    site.asked();

    let reach = backfill(&bench, &source, Extent::default()).await;
    assert_eq!(reach.backfill.unwrap().admitted, 0);
    let asked = site.asked();
    assert_eq!(asked.len(), 4, "the feed and the sitemaps: {asked:?}");
    assert!(asked.iter().all(|(_, status)| *status == 304), "only whether they have changed: {asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn incomplete_sitemap_is_followed_by_other_documents() {
    let list =
        |n: std::ops::Range<usize>| n.map(|n| format!("<a href='{}'>x</a>", path(n))).collect::<String>();
    let site = Site::default()
        .with_articles(12, 4)
        .with("/sitemap.xml", sitemap((6..9).map(url)))
        .with("/", format!("<html><body>{}</body></html>", list(0..12)));
    comes_in(&site, 12, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listing_pages_are_followed() {
    let list = |n: std::ops::Range<usize>, next: &str| {
        let links: String = n.map(|n| format!("<h2><a href='{}'>Title {n}</a></h2>", path(n))).collect();
        format!("<html><body><a href='/about'>About</a>{links}{next}</body></html>")
    };
    let site = Site::default()
        .with_articles(30, 3)
        .with("/", list(0..10, "<a href='/page/2/'>Older posts</a>"))
        .with("/page/2/", list(10..20, "<a href='/'>Newer</a><a rel='next' href='/page/3/'>3</a>"))
        .with("/page/3/", list(20..30, "<a href='/page/2/'>Newer</a>"));
    let (bench, source) = comes_in(&site, 30, 6).await;
    assert_eq!(site.asked_for("/about"), 0);
    site.asked();
    let reach = backfill(&bench, &source, Extent::default()).await;
    assert_eq!(reach.backfill.unwrap().admitted, 0);
    let pages = site.asked().into_iter().filter(|(path, _)| path.contains("title")).count();
    assert_eq!(pages, 0, "no page is fetched twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn archived_feeds_are_followed() {
    let archive = |before: &str| format!("<atom:link rel='prev-archive' href='{before}'/>");
    let site = Site::default()
        .with_articles(30, 3)
        .with("/feed", feed(0..3, &archive("/archive-2")))
        .with("/archive-2", feed(3..17, &archive("/archive-1")))
        .with("/archive-1", feed(17..30, ""));
    comes_in(&site, 30, 5).await;
    assert_eq!(
        site.asked.lock().unwrap().iter().filter(|(path, _)| path == "/").count(),
        0,
        "nothing else is asked"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wordpress_posts_are_listed() {
    let posts = |numbers: std::ops::Range<usize>| {
        let posts: Vec<String> = numbers
            .map(|n| {
                let date = format!("{}-{:02}-17T08:00:00", 2025 - n / 12, 12 - n % 12);
                format!(r#"{{"link":"{}","date_gmt":"{date}","title":{{"rendered":"Title {n}"}}}}"#, url(n))
            })
            .collect();
        format!("[{}]", posts.join(","))
    };
    let at = |page: u32| {
        format!(
            "/wp-json/wp/v2/posts?per_page=100&page={page}&_fields=link%2Cdate_gmt%2Cmodified_gmt%2Ctitle"
        )
    };
    let generator = "<generator>https://wordpress.org/?v=6.5</generator>";
    let site = Site::default()
        .with_articles(130, 3)
        .with("/feed", feed(0..3, generator))
        .with(&at(1), posts(0..100))
        .with(&at(2), posts(100..130));
    let (bench, source) = followed(&site).await;
    let reach = backfill(&bench, &source, Extent::default()).await;
    let search = reach.backfill.unwrap();
    assert_eq!((search.admitted, search.error), (127, None));
    assert_eq!(reach.oldest.unwrap().to_string(), "2015-03-17T08:00:00Z");
    assert_eq!(site.asked_for("paged=2"), 0, "the list was enough");

    // If the list is forbidden, the feed's pages are used.
    let site = Site::default()
        .with_articles(9, 3)
        .with("/feed", feed(0..3, generator))
        .with("/feed?paged=2", feed(3..6, generator))
        .with("/feed?paged=3", feed(6..9, generator));
    let (bench, source) = followed(&site).await;
    backfill(&bench, &source, Extent::default()).await;
    assert_eq!(titles(&bench).await, all_titles(9));
}

#[tokio::test(flavor = "multi_thread")]
async fn backfill_respects_its_limits() {
    let site = Site::default().with_articles(40, 5).with("/sitemap.xml", sitemap((0..40).map(url)));
    let (bench, source) = followed(&site).await;
    let since: Timestamp = "2024-06-01T00:00:00Z".parse().unwrap();
    backfill(&bench, &source, Extent { since: Some(since), most: None }).await;
    assert_eq!(titles(&bench).await, all_titles(19), "December 2025 back to June 2024");
    let reach = backfill(&bench, &source, Extent { since: None, most: Some(3) }).await;
    assert_eq!((titles(&bench).await, reach.backfill.unwrap().admitted), (all_titles(22), 3));
    backfill(&bench, &source, Extent::default()).await;
    assert_eq!(titles(&bench).await, all_titles(40));
}

#[tokio::test(flavor = "multi_thread")]
async fn page_that_is_no_article_is_set_aside() {
    let site = Site::default()
        .with_articles(8, 3)
        .with(
            "/2020/01/short-one/",
            "<html><body><article><h1>Soon</h1><p>Come back later.</p></article></body></html>",
        )
        .with("/2020/01/another-spelling/", article(4, &format!("<link rel='canonical' href='{}'>", url(4))))
        .with(
            "/2020/01/claims-the-front-page/",
            article(50, "<link rel='canonical' href='http://blog.test/'>"),
        )
        .with(
            "/sitemap.xml",
            sitemap(
                (0..8).map(url).chain(
                    ["short-one", "another-spelling", "claims-the-front-page", "gone"]
                        .map(|slug| format!("http://blog.test/2020/01/{slug}/")),
                ),
            ),
        );
    let (bench, source) = followed(&site).await;
    backfill(&bench, &source, Extent::default()).await;
    let mut expected = all_titles(8);
    expected.insert("Title 50".to_owned());
    assert_eq!(titles(&bench).await, expected);
    let aside: BTreeMap<String, String> = bench
        .store
        .set_aside(10)
        .await
        .unwrap()
        .into_iter()
        .map(|read| (read.url.path().trim_matches('/').rsplit('/').next().unwrap().to_owned(), read.error))
        .collect();
    assert!(aside["short-one"].contains("words"), "{aside:?}");
    assert!(aside["another-spelling"].contains("which the archive has"), "{aside:?}");
    assert!(aside["gone"].contains("404"), "{aside:?}");
    assert_eq!(aside.len(), 3, "{aside:?}");
    site.asked();
    backfill(&bench, &source, Extent::default()).await;
    let again: Vec<_> = site.asked().into_iter().filter(|(path, _)| path.contains("/2020/")).collect();
    assert_eq!(again, [], "what was set aside is not fetched again");
}

#[tokio::test(flavor = "multi_thread")]
async fn forbidden_documents_are_not_requested() {
    let site = Site::default()
        .with_articles(10, 3)
        .with("/robots.txt", "User-agent: *\nDisallow: /\n\nUser-agent: Backissue\nDisallow: /*title-1/$\nDisallow: /*title-7/$")
        .with("/sitemap.xml", sitemap((0..10).map(url)));
    let (bench, source) = followed(&site).await;
    backfill(&bench, &source, Extent::default()).await;
    assert_eq!(bench.reads().await.len(), 8);
    let aside = bench.store.set_aside(10).await.unwrap();
    assert_eq!(aside.len(), 2);
    for read in aside {
        assert!(read.error.contains("blog.test forbids programs to fetch this page"), "{}", read.error);
        assert!(read.error.contains("Disallow: /*title-"), "{}", read.error);
    }
    assert_eq!(site.asked_for("title-1/") + site.asked_for("title-7/"), 0);
    assert_eq!(site.asked_for("/robots.txt"), 0, "it was kept from the first sync on");
}

#[tokio::test(flavor = "multi_thread")]
async fn site_without_reachable_robots_txt_is_paused() {
    let site = Site::default().with_articles(4, 2).with("/sitemap.xml", sitemap((0..4).map(url)));
    let bench = Bench::over(site.router_but("/robots.txt", StatusCode::SERVICE_UNAVAILABLE)).await;
    bench.follow("blog.test").await;
    bench.sync().await;
    let source = bench.store.source_by_slug("blog-test").await.unwrap().unwrap();
    let reach = backfill(&bench, &source, Extent::default()).await;
    assert_eq!(site.asked_for("title"), 0, "no page was asked for");
    assert_eq!(reach.on_their_way, 2, "they are tried later");
    let search = reach.backfill.unwrap();
    assert!(search.error.unwrap().contains("robots.txt cannot be fetched"));
    assert!(search.due_at.unwrap() > Timestamp::now(), "and so is the search");
    assert_eq!(search.finished_at, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_backfill_continues_later() {
    let list = |n: usize| {
        let links: String = (0..5).map(|k| format!("<a href='{}'>x</a>", path(n * 5 + k))).collect();
        format!("<html><body>{links}<a rel=next href='/page/{}/'>Next</a></body></html>", n + 2)
    };
    let mut site = Site::default().with_articles(50, 3).with("/", list(0));
    for n in 1..10 {
        site = site.with(&format!("/page/{}/", n + 1), list(n));
    }
    let (bench, source) = followed(&site).await;
    ask_backfill(&bench.store, &source, Extent::default()).await.unwrap();
    let stop = CancellationToken::new();
    *site.watched.lock().unwrap() = Some(("/page/4/".into(), stop.clone()));
    bench.ingest.sync(backissue_ingest::Round::Due, &stop).await.unwrap();
    assert_eq!(site.asked_for("/page/5/"), 0, "it stopped after the page in hand");
    let search = bench.store.backfill(source.id).await.unwrap().unwrap();
    assert_eq!((search.admitted, search.finished_at), (17, None), "what was read so far is kept: {search:?}");
    let before = site.asked();
    bench.sync().await;
    assert_eq!(titles(&bench).await, all_titles(50));
    let lists = |asked: &[(String, u16)]| asked.iter().filter(|(p, _)| p.contains("/page/")).count();
    assert_eq!(
        lists(&before) + lists(&site.asked()),
        10,
        "no list was read twice, and the one after the last is not there"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_document_is_retried_then_skipped() {
    let site = Site::default().with_articles(6, 2).with("/", {
        let links: String = (0..6).map(|n| format!("<a href='{}'>x</a>", path(n))).collect();
        format!("<html><body>{links}</body></html>")
    });
    let bench = Bench::over(site.router_but("/sitemap.xml", StatusCode::BAD_GATEWAY)).await;
    bench.follow("blog.test").await;
    bench.sync().await;
    let source = bench.store.source_by_slug("blog-test").await.unwrap().unwrap();
    let search = backfill(&bench, &source, Extent::default()).await.backfill.unwrap();
    assert!(search.error.unwrap().contains("502"));
    assert!(search.due_at.unwrap() > Timestamp::now());
    assert_eq!(search.documents, 0);
    // The store has the time of the next attempt; a worker with a later clock continues then.
    for attempt in 1..3 {
        let later = Timestamp::now() + jiff::SignedDuration::from_hours(48 * attempt);
        let claimed = bench
            .store
            .claim_backfill(later, jiff::SignedDuration::from_secs(1), &[])
            .await
            .unwrap()
            .unwrap();
        assert_eq!(claimed.attempts, u32::try_from(attempt).unwrap());
        bench.store.release_leases().await.unwrap();
    }
    let explained =
        bench.ingest.explain_backfill(&source, Extent::default(), &CancellationToken::new()).await.unwrap();
    assert!(explained.trouble.unwrap().contains("502"));
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_run_stores_nothing_and_explains() {
    let more = ["http://blog.test/about/", "http://blog.test/2020/01/x.png", "http://other.test/2020/01/a/"];
    let site = Site::default()
        .with_articles(10, 3)
        .with("/robots.txt", "User-agent: *\nCrawl-delay: 0.2")
        .with("/sitemap.xml", sitemap((0..10).map(url).chain(more.map(str::to_owned))));
    let bench = Bench::over(site.router()).await;
    bench.follow("blog.test").await;
    let source = bench.store.source_by_slug("blog-test").await.unwrap().unwrap();
    let found =
        bench.ingest.explain_backfill(&source, Extent::default(), &CancellationToken::new()).await.unwrap();
    assert_eq!(found.shapes, [("/{year}/{month}/{title}".to_owned(), 3)]);
    assert_eq!((found.taken.len(), found.in_feed, found.refused.len(), found.trouble), (7, 3, 3, None));
    assert_eq!(
        (found.pause, found.taken[0].date),
        (Duration::from_millis(200), "2025-09-01T00:00:00Z".parse().ok())
    );
    assert!(found.taken.is_sorted_by_key(|c| std::cmp::Reverse(c.date)), "newest first");
    let whys: Vec<String> = found.refused.iter().map(|c| c.verdict.why().to_string()).collect();
    assert!(whys.iter().any(|why| why.contains("unlike")), "{whys:?}");
    assert!(whys.iter().any(|why| why.contains("a file (png)")), "{whys:?}");
    assert!(whys.iter().any(|why| why.contains("another host, other.test")), "{whys:?}");
    assert_eq!(bench.store.backfill(source.id).await.unwrap(), None);
    assert_eq!(bench.reads().await.len(), 0);
    assert_eq!(site.asked_for("title"), 0);
}
