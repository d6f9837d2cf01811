//! Backfill of the small web: complete, with correct dates, without duplicates, and continued after
//! a kill.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;

use backissue_model::CanonicalUrl;
use backissue_needs::{needs, shared_dir};
use backissue_tests::database::Database;
use backissue_tests::program::{Archive, client, wait};
use backissue_tests::small_past::{Article, articles};
use backissue_tests::web::{LoggedRequest, SmallWeb, SmallWebOptions};

use crate::{archive_of, synced_small_web};

/// The archive's reads by key, with their day. Fails on duplicates.
fn kept(archive: &Archive) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    for read in archive.all_reads().unwrap() {
        let key = read["url"].as_str().unwrap().parse::<CanonicalUrl>().unwrap().key();
        let day = read["published"].as_str().unwrap_or_default().chars().take(10).collect();
        assert_eq!(kept.insert(key.clone(), day), None, "{key} stands in the archive twice");
    }
    kept
}

fn past() -> Vec<Article> {
    articles(&shared_dir().unwrap()).unwrap()
}

/// Checks a backfill: 98 % of the articles that feeds lack are in the archive, all with the correct
/// date, and less than 1 % of the new reads are not articles.
fn the_past_is_in(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) {
    let rest: BTreeMap<String, Option<String>> = past()
        .into_iter()
        .map(|a| (a.url.key(), a.day))
        .filter(|(key, _)| !before.contains_key(key))
        .collect();
    assert!(rest.len() > 750, "the feeds list too much for this to say anything: {}", rest.len());
    let missing: Vec<_> = rest.keys().filter(|key| !after.contains_key(*key)).collect();
    assert!(missing.len() * 100 <= rest.len() * 2, "missing: {missing:?}");
    let on_another_day: Vec<_> = rest
        .iter()
        .filter_map(|(key, day)| Some((key, day.as_ref()?, after.get(key)?)))
        .filter(|(_, day, kept)| day != kept)
        .collect();
    assert!(on_another_day.is_empty(), "on another day: {on_another_day:?}");
    let new: BTreeSet<&String> = after.keys().filter(|key| !before.contains_key(*key)).collect();
    let no_articles: Vec<_> = new.iter().filter(|key| !rest.contains_key(**key)).collect();
    assert!(no_articles.len() * 100 < new.len(), "no articles: {no_articles:?}");
    assert!(before.keys().all(|key| after.contains_key(key)), "what was there is lost");
}

#[test]
fn backfill_is_complete_and_idempotent() {
    needs!(SharedData);
    let (web, archive) = synced_small_web();
    let before = kept(&archive);

    let explained = archive.json(&["backfill", "--dry-run", "https://artsy.github.io/feed.xml"]).unwrap();
    let artsy = &explained[0];
    assert_eq!(artsy["shapes"][0]["shape"], "/blog/{year}/{month}/{day}/{title}", "{artsy}");
    assert_eq!(artsy["taken"].as_array().unwrap().len(), 252, "{artsy}");
    assert_eq!(kept(&archive), before, "a dry run keeps nothing");

    let said = archive.done(&["backfill"]).unwrap();
    assert!(said.contains("artsy-github-io") && said.contains("2012-01-05"), "{said}");
    let after = kept(&archive);
    the_past_is_in(&before, &after);
    let found = archive.json(&["doctor"]).unwrap();
    assert_eq!(found["ok"], true, "{found}");

    web.forget_requests();
    let again = archive.json(&["backfill"]).unwrap();
    assert_eq!(again["summary"]["reads_new"], 0, "{again}");
    let articles: BTreeSet<String> = past().into_iter().map(|a| a.url.key()).collect();
    for request in web.requests() {
        let url: CanonicalUrl = format!("https://{}{}", request.host, request.path).parse().unwrap();
        assert!(!articles.contains(&url.key()), "{url} was fetched again");
        let is_fresh = request.path == "/robots.txt" || request.conditional || request.status == 404;
        assert!(is_fresh, "{url} was asked for though it was known");
    }
    assert_eq!(kept(&archive), after);
}

/// After a kill while pages are fetched, the backfill continues: the result is complete, and only
/// pages in progress are fetched twice.
#[test]
fn with_sqlite_a_kill_loses_nothing() {
    needs!(SharedData);
    let (web, archive) = synced_small_web();
    let before = kept(&archive);
    let is_page = |r: &LoggedRequest| r.status == 200 && r.path.contains("/20");
    let fetched = |log: &[LoggedRequest]| log.iter().filter(|r| is_page(r)).count();
    for pages in [1, 60, 150] {
        let mut child =
            archive.command(&["backfill"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let goal = fetched(&web.requests()) + pages;
        web.wait_until(
            |log| fetched(log) >= goal,
            || assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed"),
        );
        child.kill().unwrap();
        wait(&mut child).unwrap();
    }
    archive.done(&["backfill"]).unwrap();
    the_past_is_in(&before, &kept(&archive));
    let mut times: BTreeMap<(String, String), usize> = BTreeMap::new();
    for request in web.requests().into_iter().filter(is_page) {
        *times.entry((request.host, request.path)).or_default() += 1;
    }
    let twice = times.values().filter(|times| **times > 1).count();
    // Each of the eight workers may have had a page in progress at each of the three kills.
    assert!(twice <= 24, "{twice} pages were fetched more than once");
}

#[test]
fn with_postgresql_backfill_is_complete() {
    needs!(SharedData, Postgres);
    let database = Database::create().unwrap();
    let web = SmallWeb::start(&shared_dir().unwrap(), SmallWebOptions::default()).unwrap();
    let archive = archive_of(&web, vec!["--database".into(), database.url()]);
    archive.json(&["sync"]).unwrap();
    let before = kept(&archive);
    archive.done(&["backfill"]).unwrap();
    the_past_is_in(&before, &kept(&archive));
}

#[tokio::test]
async fn running_serve_backfills_in_the_background() {
    needs!(SharedData);
    let web = SmallWeb::start(&shared_dir().unwrap(), SmallWebOptions::default()).unwrap();
    let mut flags = web.arguments();
    flags.extend(SmallWeb::without_pauses());
    let archive = Archive::new(flags).unwrap();
    let followed = archive.done(&["follow", "https://linkerd.io/blog/index.xml"]).unwrap();
    assert!(
        followed.contains("`backissue backfill linkerd-blog`") || followed.contains("`backissue backfill "),
        "{followed}"
    );
    archive.done(&["follow", "--backfill", "https://artsy.github.io/feed.xml"]).unwrap();
    let served = archive.serve(&[]).unwrap();
    let client = client();
    served.until_idle(&client).await.unwrap();
    let sources = archive.json(&["sources"]).unwrap();
    let reads = |slug: &str| {
        sources.as_array().unwrap().iter().find(|s| s["slug"] == slug).unwrap()["reads"].as_u64()
    };
    assert_eq!(reads("artsy-engineering"), Some(272), "{sources}");
    let page =
        client.get(served.url("/source/artsy-engineering")).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("reaches back to 5 January 2012"), "{page}");
    let slug = sources
        .as_array()
        .unwrap()
        .iter()
        .find(|s| s["feed_url"].as_str().unwrap().contains("linkerd"))
        .unwrap()["slug"]
        .clone();
    let said = archive.done(&["backfill", "--since", "2024-01-01", slug.as_str().unwrap()]).unwrap();
    assert!(said.contains("the backissue that is running here"), "{said}");
    let (status, _) = served.stop().unwrap();
    assert!(status.success());
    archive.done(&["sync"]).unwrap();
    let sources = archive.json(&["sources"]).unwrap();
    let linkerd = sources.as_array().unwrap().iter().find(|s| s["slug"] == slug).unwrap()["reads"].clone();
    let since =
        past().into_iter().filter(|a| a.host == "linkerd.io" && a.day.as_deref() >= Some("2024-01-01"));
    // The feed has the newest 30, however old they are.
    assert_eq!(linkerd, since.count().max(30));
}
