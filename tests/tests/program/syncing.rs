//! A sync of real blogs: no read is lost or duplicated.

use std::collections::BTreeSet;
use std::process::Stdio;

use backissue_feed::Hints;
use backissue_model::{CanonicalUrl, FIRST_PAGE};
use backissue_needs::{needs, shared_dir};
use backissue_tests::database::Database;
use backissue_tests::made_up_web::{Document, MadeUpWeb};
use backissue_tests::program::{Archive, client, terminate, wait};
use backissue_tests::web::{SmallWeb, SmallWebOptions};

use crate::{archive_of, small_web};

/// The keys of all articles in the small web's feeds.
fn listed(web: &SmallWeb) -> BTreeSet<String> {
    web.feeds().iter().flat_map(|feed| listed_in(feed)).collect()
}

/// The keys of the articles in one feed. Entries with a zero time are left out, because they are
/// other pages of the site.
pub fn listed_in(feed: &str) -> BTreeSet<String> {
    let path = shared_dir().unwrap().join("web").join(feed.trim_start_matches("https://"));
    let hints = Hints { url: feed.parse().ok(), media_type: None };
    let feed = backissue_feed::parse(&std::fs::read(path).unwrap(), &hints).unwrap();
    let articles = feed.entries.iter().filter(|e| e.published.is_none_or(|at| at >= FIRST_PAGE));
    articles.filter_map(|e| Some(CanonicalUrl::of(e.url.as_ref()?).ok()?.key())).collect()
}

fn kept(archive: &Archive) -> Vec<String> {
    let key = |read: &serde_json::Value| read["url"].as_str().unwrap().parse::<CanonicalUrl>().unwrap().key();
    archive.all_reads().unwrap().iter().map(key).collect()
}

/// Checks a sync: one read per article, a second sync that only sends conditional requests, and
/// weeks in several years.
fn a_sync_is_complete_and_a_second_one_changes_nothing(web: &SmallWeb, archive: &Archive) {
    let summary = archive.json(&["sync"]).unwrap();
    assert_eq!(summary["troubles"].as_array().unwrap().len(), 0, "{summary}");
    let reads = kept(archive);
    let once: BTreeSet<String> = reads.iter().cloned().collect();
    assert_eq!(reads.len(), once.len(), "a read stands in the archive twice");
    let listed = listed(web);
    let missing: Vec<_> = listed.difference(&once).collect();
    let unasked: Vec<_> = once.difference(&listed).collect();
    assert!(missing.is_empty() && unasked.is_empty(), "missing {missing:?}, not listed {unasked:?}");

    let weeks = archive.json(&["weeks"]).unwrap();
    let years: BTreeSet<&str> =
        weeks.as_array().unwrap().iter().map(|w| &w["week"].as_str().unwrap()[..4]).collect();
    assert!(years.contains("2015") && years.contains("2026") && years.len() >= 12, "{years:?}");

    web.forget_requests();
    let again = archive.json(&["sync"]).unwrap();
    assert_eq!((again["reads_new"].as_u64(), again["reads_due"].as_u64()), (Some(0), Some(0)), "{again}");
    let requests = web.requests();
    assert_eq!(requests.len(), web.feeds().len(), "only the feeds are asked: {requests:?}");
    assert!(requests.iter().all(|r| r.conditional && r.status == 304), "{requests:?}");
    assert_eq!(kept(archive), reads);
}

#[test]
fn with_sqlite_sync_is_complete_and_idempotent() {
    needs!(SharedData);
    let (web, archive) = small_web();
    a_sync_is_complete_and_a_second_one_changes_nothing(&web, &archive);
    let found = archive.json(&["doctor"]).unwrap();
    assert_eq!(found["ok"], true, "{found}");
    let listed = listed(&web);
    for aside in found["set_aside"].as_array().unwrap() {
        let url: CanonicalUrl = aside["url"].as_str().unwrap().parse().unwrap();
        assert!(!listed.contains(&url.key()), "an article is set aside: {aside}");
    }
}

#[test]
fn with_postgresql_sync_is_complete_and_idempotent() {
    needs!(SharedData, Postgres);
    let database = Database::create().unwrap();
    let web = SmallWeb::start(&shared_dir().unwrap(), SmallWebOptions::default()).unwrap();
    let archive = archive_of(&web, vec!["--database".into(), database.url()]);
    a_sync_is_complete_and_a_second_one_changes_nothing(&web, &archive);
}

#[test]
fn stopped_sync_continues_where_it_stopped() {
    needs!(SharedData);
    let (web, archive) = small_web();
    let mut command = archive.command(&["sync", "--json", "--workers", "2"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // Some pages have been fetched, so the sync is in the middle of its work.
    web.wait_until(
        |log| log.iter().filter(|r| r.path.contains("/blog/")).count() >= 20,
        || assert!(child.try_wait().unwrap().is_none(), "the sync ended before it could be stopped"),
    );
    terminate(&child).unwrap();
    let status = wait(&mut child).unwrap();
    assert_eq!(status.code(), Some(0), "told to stop, it ends well");
    let asked_before = web.requests().iter().filter(|r| r.status == 200).count();
    archive.json(&["sync"]).unwrap();
    let reads = kept(&archive);
    assert_eq!(reads.iter().cloned().collect::<BTreeSet<_>>(), listed(&web));
    let mut pages: Vec<_> = web
        .requests()
        .into_iter()
        .filter(|r| {
            r.status == 200 && !web.feeds().iter().any(|f| f.ends_with(&r.path)) && r.path != "/robots.txt"
        })
        .map(|r| (r.host, r.path))
        .collect();
    assert!(asked_before < pages.len());
    pages.sort();
    let fetched = pages.len();
    pages.dedup();
    assert_eq!(pages.len(), fetched, "no page was fetched twice");
}

#[test]
fn unreachable_source_is_named_and_others_continue() {
    needs!(SharedData);
    let web = SmallWeb::start(&shared_dir().unwrap(), SmallWebOptions::default()).unwrap();
    let archive = archive_of(&web, Vec::new());
    let stray = archive.folder().join("stray.opml");
    let outline = "<outline type='rss' text='Stray' xmlUrl='https://vitess.io/no-such-feed.xml'/>";
    std::fs::write(&stray, format!("<opml version='2.0'><body>{outline}</body></opml>")).unwrap();
    archive.done(&["import", &stray.display().to_string()]).unwrap();
    let said = archive.run(&["sync"]).unwrap();
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(said.out.contains("Stray") && said.out.contains("404"), "{}", said.out);
    let troubled = archive.json(&["sources", "--troubled"]).unwrap();
    assert_eq!(troubled.as_array().unwrap().len(), 1);
    let health = archive.json(&["sources", "--health"]).unwrap();
    for source in health.as_array().unwrap() {
        let told = |about: &str| source["told"][about].as_str().unwrap_or_default();
        if source["title"] == "Stray" {
            assert!(
                told("failing").contains("404") && told("failing").contains("no poll has ever succeeded"),
                "{source}"
            );
            assert!(told("next").contains("its last poll failed; retried after"), "{source}");
        } else {
            assert!(
                told("asked").ends_with(" new reads") || told("asked").ends_with(" new read"),
                "{source}"
            );
            assert!(told("next").contains("; polled about "), "{source}");
        }
    }
    let said = archive.done(&["sources", "--health", "--troubled"]).unwrap();
    assert!(said.starts_with("Stray (stray)\n  feed     https://vitess.io/no-such-feed.xml\n"), "{said}");
    assert!(archive.json(&["weeks"]).unwrap().as_array().unwrap().len() > 100);
}

#[test]
fn missing_network_is_reported_and_the_demo_offered() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let flags = ["--resolve".to_owned(), format!("*:443:{nobody}"), "--allow-private-addresses".to_owned()];
    let archive = Archive::new(flags.into()).unwrap();
    let said = archive.run(&["sync", "--host-pause", "0s"]).unwrap();
    assert_eq!(said.code, 4, "{}{}", said.out, said.err);
    assert!(said.err.contains("starting with 12 blogs"), "{}", said.err);
    let named = archive.json(&["sources"]).unwrap();
    for source in named.as_array().unwrap() {
        let title = source["title"].as_str().unwrap();
        assert!(said.out.contains(title), "{title} is not named in:\n{}", said.out);
        assert!(source["health"]["last_error"].is_string(), "{source}");
    }
    assert!(said.out.contains("serve --demo"), "{}", said.out);
}

#[tokio::test]
async fn sync_makes_a_running_serve_fetch_now() {
    needs!(SharedData);
    let (web, archive) = small_web();
    let served = archive.serve(&[]).unwrap();
    served.until_idle(&client()).await.unwrap();
    web.forget_requests();
    let said = archive.run(&["sync", "--json"]).unwrap();
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    assert!(said.err.contains("running here"), "{}", said.err);
    let summary: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let feeds = web.feeds().len();
    assert_eq!(summary["sources_polled"].as_u64(), Some(feeds as u64), "{summary}");
    assert_eq!(summary["sources_unchanged"].as_u64(), Some(feeds as u64), "{summary}");
    let requests = web.requests();
    assert_eq!(requests.len(), feeds, "the running process asked each feed once: {requests:?}");
}

#[test]
fn trouble_of_a_source_is_logged_once() {
    needs!(SharedData);
    let web = SmallWeb::start(&shared_dir().unwrap(), SmallWebOptions::default()).unwrap();
    let mut flags = web.arguments();
    flags.extend(SmallWeb::without_pauses());
    let archive = Archive::new(flags).unwrap();
    let opml = archive.folder().join("gone.opml");
    let outline = "<outline type=\"rss\" text=\"Vanished\" xmlUrl=\"https://vitess.io/no/such/feed\"/>";
    std::fs::write(&opml, format!("<opml version=\"2.0\"><head/><body>{outline}</body></opml>")).unwrap();
    archive.done(&["import", &opml.display().to_string()]).unwrap();
    let logged = |said: &str| said.lines().filter(|line| line.contains("could not be polled")).count();
    let first = archive.run(&["sync", "--log", "warn"]).unwrap();
    assert_eq!(logged(&first.err), 1, "{}", first.err);
    let second = archive.run(&["sync", "--log", "warn"]).unwrap();
    assert_eq!(logged(&second.err), 0, "the same trouble again is no news: {}", second.err);
    assert!(second.out.contains("Vanished"), "the summary names it each time: {}", second.out);
}

const PROSE: &str = "The queue was full, and every worker waited for the one that held the lock, which waited for the queue. ";

#[test]
fn blog_without_a_feed_is_polled_by_its_list() {
    let article = |title: &str| {
        let paragraph = format!("<p>{}</p>", PROSE.repeat(4));
        let html = format!(
            "<!doctype html><title>{title}</title><article><h1>{title}</h1><time datetime=2026-05-12>12 May 2026</time>{}</article>",
            paragraph.repeat(3)
        );
        Document::page(&html.replace("The queue", title))
    };
    let list = "<!doctype html><title>Acme engineering</title><a href=/about/the-people-here>About</a>\
        <a href=/engineering/how-the-queue-filled-up>How the queue filled up</a>\
        <a href=/engineering/why-we-left-the-lock>Why we left the lock</a>\
        <a href=/engineering/a-worker-too-many>A worker too many</a>\
        <a href=/engineering/empty-page-about-nothing>Empty</a><a href=/engineering/tag/queues-and-more-of-them>Queues</a>";
    let documents = [
        ("acme.example/engineering", Document::page(list)),
        ("acme.example/engineering/how-the-queue-filled-up", article("How the queue filled up")),
        ("acme.example/engineering/why-we-left-the-lock", article("Why we left the lock")),
        ("acme.example/engineering/a-worker-too-many", article("A worker too many")),
        (
            "acme.example/engineering/empty-page-about-nothing",
            Document::page("<title>Nothing</title><p>Nothing.</p>"),
        ),
    ];
    let web =
        MadeUpWeb::start(documents.map(|(address, document)| (address.to_owned(), document)).into()).unwrap();
    let archive = Archive::new(web.arguments()).unwrap();
    let followed = archive.json(&["follow", "http://acme.example/engineering", "--title", "Acme"]).unwrap();
    assert_eq!(followed[0]["source"]["listing_url"], "http://acme.example/engineering", "{followed}");
    assert_eq!(followed[0]["source"]["health"]["standing"], "active", "{followed}");
    let explained = archive.json(&["backfill", "--dry-run", "acme"]).unwrap();
    assert_eq!(explained[0]["taken"].as_array().unwrap().len(), 4, "{explained}");
    archive.json(&["sync"]).unwrap();
    let mut titles: Vec<String> =
        archive.all_reads().unwrap().iter().map(|read| read["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    assert_eq!(titles, ["A worker too many", "How the queue filled up", "Why we left the lock"]);
    web.forget_requests();
    let again = archive.json(&["sync"]).unwrap();
    assert_eq!(again["reads_new"], 0, "{again}");
    let asked: Vec<String> = web.requests().into_iter().filter(|r| !r.ends_with("robots.txt")).collect();
    assert_eq!(asked, ["acme.example/engineering"], "only the list is asked again");
}
