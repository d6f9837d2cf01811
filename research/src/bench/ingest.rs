//! A sync of the small web, as a whole and by stage.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use backissue_annotate::Text;
use backissue_extract::Page;
use backissue_feed::Hints;
use backissue_model::{Article, Entry, NewSource, PollingHints, Precis, Stage};
use backissue_needs::shared_dir;
use backissue_store::{Address, Location, NextPoll, PollOutcome, Scope, Store};
use backissue_tests::database::Database;
use backissue_tests::postgres::Cluster;
use backissue_tests::program::Archive;
use backissue_tests::web::{SmallWeb, SmallWebOptions};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::table::table;

/// The arguments of `cargo xtask bench ingest`.
#[derive(Debug, clap::Args)]
pub struct Ingest {
    /// Number of syncs per database; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// The result of one sync.
pub(super) struct Sync {
    pub(super) reads: u64,
    pub(super) time: Duration,
    peak: u64,
}

impl Ingest {
    /// Measures and prints the result.
    pub async fn run(self, binary: &Path) -> anyhow::Result<()> {
        let cluster = Cluster::start()?;
        println!(
            "A sync of the small web, politeness pauses off ({} rounds, the middle one):\n",
            self.rounds
        );
        let mut rows = Vec::new();
        for (name, postgres) in [("SQLite", false), ("PostgreSQL", true)] {
            let mut syncs = Vec::new();
            for _ in 0..self.rounds.max(1) {
                let database = postgres.then(|| Database::create_on(cluster.url())).transpose()?;
                syncs.push(one_sync(binary, database.as_ref())?);
            }
            syncs.sort_by_key(|s| s.time);
            let Sync { reads, time, peak } = &syncs[syncs.len() / 2];
            rows.push(vec![
                name.to_owned(),
                reads.to_string(),
                format!("{:.2}", time.as_secs_f64()),
                format!("{:.0}", *reads as f64 / time.as_secs_f64()),
                format!("{:.0}", *peak as f64 / 1024.0),
            ]);
        }
        println!("{}", table(&["database", "reads", "seconds", "reads a second", "peak memory, MiB"], &rows));
        println!("By stage, on one core, milliseconds a read:\n");
        println!("{}", stages(&cluster).await?);
        Ok(())
    }
}

/// Syncs the small web into a new archive.
pub(super) fn one_sync(binary: &Path, database: Option<&Database>) -> anyhow::Result<Sync> {
    let web = SmallWeb::start(&shared_dir()?, SmallWebOptions::default())?;
    let mut flags = web.arguments();
    flags.extend(SmallWeb::without_pauses());
    if let Some(database) = database {
        flags.extend(["--database".to_owned(), database.url()]);
    }
    let archive = Archive::with_binary(binary, flags)?;
    archive.import_feeds(&web)?;

    let began = Instant::now();
    let mut child = archive.command(&["sync", "--json"]).stdout(Stdio::piped()).spawn()?;
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        peak = peak.max(peak_memory(child.id()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(20));
    }
    let time = began.elapsed();
    let output = child.wait_with_output()?;
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    ensure!(output.status.success(), "the sync failed: {summary}");
    Ok(Sync { reads: summary["reads_done"].as_u64().context("a summary counts its reads")?, time, peak })
}

/// The process's peak memory so far, in KiB, as Linux counts it.
fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// A blog's feed with the pages it links to.
pub(super) struct Blog {
    feed_url: Url,
    feed: Vec<u8>,
    pages: Vec<(Entry, Url, Vec<u8>)>,
}

/// The blogs of the small web.
pub(super) fn blogs() -> anyhow::Result<Vec<Blog>> {
    let web = SmallWeb::start(&shared_dir()?, SmallWebOptions::default())?;
    let root = shared_dir()?.join("web");
    let mut blogs = Vec::new();
    for feed_url in web.feeds() {
        let feed_url: Url = feed_url.parse()?;
        let feed = std::fs::read(root.join(feed_url.as_str().trim_start_matches("https://")))?;
        let parsed = backissue_feed::parse(&feed, &Hints { url: Some(feed_url.clone()), media_type: None })?;
        let page = |entry: Entry| {
            let url = entry.url.clone()?;
            let path = root.join(format!("{}{}", url.host_str()?, url.path()));
            let bytes = std::fs::read(&path).or_else(|_| std::fs::read(path.join("index.html"))).ok()?;
            Some((entry, url, bytes))
        };
        blogs.push(Blog { pages: parsed.entries.into_iter().filter_map(page).collect(), feed_url, feed });
    }
    Ok(blogs)
}

/// The articles of all pages. As in a sync: if a page has no article, the feed's is used, and if
/// that has none, nothing is stored.
pub(super) fn articles(blogs: &[Blog]) -> Vec<(&Entry, &Url, Article)> {
    let article = |(entry, url, bytes): &(Entry, Url, Vec<u8>)| {
        let page = Page { bytes, media_type: Some("text/html; charset=utf-8"), url: Some(url) };
        let article = backissue_extract::extract(&page, Some(entry));
        article.or_else(|_| backissue_extract::from_entry(entry, Some(url))).ok()
    };
    let pages = blogs.iter().flat_map(|blog| &blog.pages);
    pages.filter_map(|page| Some((&page.0, &page.1, article(page)?))).collect()
}

async fn stages(cluster: &Cluster) -> anyhow::Result<String> {
    let blogs = blogs()?;
    let reads: usize = blogs.iter().map(|b| b.pages.len()).sum();
    let each = |time: Duration| format!("{:.2}", time.as_secs_f64() * 1000.0 / reads as f64);

    let began = Instant::now();
    for blog in &blogs {
        backissue_feed::parse(&blog.feed, &Hints { url: Some(blog.feed_url.clone()), media_type: None })?;
    }
    let parsing = began.elapsed();

    let began = Instant::now();
    let articles = articles(&blogs);
    let extracting = began.elapsed();

    let began = Instant::now();
    let precis: Vec<Precis> =
        articles.iter().map(|(entry, url, article)| precis_of(entry, url, article)).collect();
    let annotating = began.elapsed();

    let mut rows = vec![
        vec!["parse the feed".to_owned(), each(parsing), each(parsing)],
        vec!["extract the article".to_owned(), each(extracting), each(extracting)],
        vec!["make the précis".to_owned(), each(annotating), each(annotating)],
    ];
    let folder = tempfile::tempdir()?;
    let sqlite =
        storing(&Location::Sqlite(folder.path().join("archive.sqlite")), &blogs, &articles, &precis).await?;
    let database = Database::create_on(cluster.url())?;
    let postgres = storing(&database.url().parse()?, &blogs, &articles, &precis).await?;
    for ((name, sqlite), (_, postgres)) in sqlite.into_iter().zip(postgres) {
        rows.push(vec![name.to_owned(), each(sqlite), each(postgres)]);
    }
    Ok(table(&[&format!("stage ({reads} reads)"), "with SQLite", "with PostgreSQL"], &rows))
}

fn precis_of(entry: &Entry, url: &Url, article: &Article) -> Precis {
    let company = url.host_str().unwrap_or_default();
    backissue_annotate::annotate(&Text { tags: &entry.tags, ..Text::of(article, company, Some(url)) })
}

/// The time of the store: admit, claim and store an article, claim and store a précis.
async fn storing(
    location: &Location,
    blogs: &[Blog],
    articles: &[(&Entry, &Url, Article)],
    precis: &[Precis],
) -> anyhow::Result<Vec<(&'static str, Duration)>> {
    let store = Store::open(location, &TimeZone::UTC).await?;
    let (now, lease) = (Timestamp::now(), SignedDuration::from_mins(10));
    for blog in blogs {
        let new = NewSource {
            title: blog.feed_url.to_string(),
            company: None,
            site_url: None,
            feed_url: Some(blog.feed_url.clone()),
            sitemap_url: None,
            listing_url: None,
        };
        store.follow(&new, now).await?;
    }
    let began = Instant::now();
    while let Some(claimed) = store.claim_source(now, lease, &[], Scope::AllNow { since: now }).await? {
        let url = claimed.source.feed_url.clone().context("every source has a feed")?;
        let blog = blogs.iter().find(|b| b.feed_url == url).context("every source is one of the blogs")?;
        let feed = backissue_feed::parse(&blog.feed, &Hints { url: Some(url), media_type: None })?;
        let (feed_title, site_url) = (feed.title.clone(), feed.site_url.clone());
        let named = backissue_ingest::named(feed);
        let outcome = PollOutcome::Fetched {
            feed_title,
            site_url,
            language: None,
            address: Address::Stays,
            polling_hints: PollingHints::default(),
            etag: None,
            last_modified: None,
            articles: named.articles,
            doubtful: named.doubtful,
        };
        store.record_poll(&claimed, outcome, now, |_| NextPoll::default()).await?;
    }
    let admitting = began.elapsed();

    let by_url: std::collections::HashMap<String, usize> = articles
        .iter()
        .enumerate()
        .filter_map(|(n, (_, url, _))| Some((backissue_model::CanonicalUrl::of(url).ok()?.key(), n)))
        .collect();
    let began = Instant::now();
    while let Some(read) = store.claim_read(Stage::Discovered, now, lease, &[]).await? {
        match by_url.get(&read.url.key()) {
            Some(n) => {
                let url = read.url.clone();
                store.finish_extract(&read, &articles[*n].2, &url, now).await?;
            }
            None => {
                store
                    .fail(&read, "its page is not in the small web", now, backissue_store::Retry::SetAside)
                    .await?;
            }
        }
    }
    let extracted = began.elapsed();

    let began = Instant::now();
    while let Some(read) = store.claim_read(Stage::Extracted, now, lease, &[]).await? {
        let n = by_url.get(&read.url.key()).context("only articles of the small web were stored")?;
        store.finish_annotate(&read, &precis[*n], now).await?;
    }
    let annotated = began.elapsed();
    store.close().await;
    Ok(vec![
        ("admit the entry", admitting),
        ("claim, store the article", extracted),
        ("claim, store the précis", annotated),
    ])
}
