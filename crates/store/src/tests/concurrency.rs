//! Several workers and several processes at once.

use std::collections::BTreeSet;

use backissue_model::{Kind, Stage};
use backissue_needs::needs;
use tokio::task::JoinSet;

use super::harness::*;
use crate::database::sql;
use crate::*;

on_both!(concurrent_admission_doubles_nothing, |db| {
    let other = db.open_again().await;
    let entries = || (0..150).map(|n| entry(&format!("https://acme.example/{n}"), None)).collect::<Vec<_>>();
    let mut tasks = JoinSet::new();
    for n in 0..8 {
        let store = if n % 2 == 0 { db.store.clone() } else { other.clone() };
        let source = db.follow(&format!("Blog{n}")).await;
        let claimed = claim_only(&db.store, &source, at(1)).await;
        let mut entries = entries();
        if n % 3 == 0 {
            entries.reverse();
        }
        tasks.spawn(async move {
            store.record_poll(&claimed, fetched(entries), at(2), |_| NextPoll::default()).await.unwrap()
        });
    }
    let mut sum = Admitted::default();
    while let Some(admitted) = tasks.join_next().await {
        let admitted = admitted.unwrap();
        sum = Admitted { new: sum.new + admitted.new, known: sum.known + admitted.known, left: 0 };
    }
    assert_eq!(sum, Admitted { new: 150, known: 7 * 150, left: 0 });
    assert_eq!(db.store.tally(at(9)).await.unwrap().discovered, 150);
    other.close().await;
});

on_both!(no_read_is_processed_twice_by_many_workers, |db| {
    let other = db.open_again().await;
    let sources = [db.follow("Acme").await, db.follow("Bolt").await];
    for source in &sources {
        let host = source.feed_url.as_ref().unwrap().host_str().unwrap();
        let entries = (0..60).map(|n| entry(&format!("https://{host}/{n}"), Some("2026-05-12"))).collect();
        db.poll(source, entries).await;
    }
    let mut workers = JoinSet::new();
    for n in 0..8 {
        let store = if n % 2 == 0 { db.store.clone() } else { other.clone() };
        workers.spawn(async move { work(&store).await });
    }
    // At the same time, pages are read and sources polled.
    for _ in 0..20 {
        db.store.reads(&ReadFilter::default(), Order::ProblemsFirst, None, 20).await.unwrap();
        let again = (0..60).map(|n| entry(&format!("https://acme.example/{n}"), None)).collect();
        poll(&other, &sources[1], again).await;
    }
    let mut done = Vec::new();
    while let Some(finished) = workers.join_next().await {
        done.extend(finished.unwrap());
    }
    // Thirty texts are on both blogs, thirty on only one each.
    let distinct: BTreeSet<_> = done.iter().copied().collect();
    assert!(distinct.len() >= 90, "{}", distinct.len());
    assert_eq!(db.claim(Stage::Discovered).await, None, "nothing is left over");
    assert_eq!(whole_list(&db.store, &ReadFilter::default(), Order::Newest, 50).await.len(), 90);
    other.close().await;
});

/// Processes reads until none is left. Returns the annotated ones.
async fn work(store: &Store) -> Vec<backissue_model::ReadId> {
    let mut done = Vec::new();
    loop {
        if let Some(read) = store.claim_read(Stage::Extracted, at(1000), LEASE, &[]).await.unwrap() {
            let made = precis(&read, Kind::Incident, true, &["caching", "queues"]);
            if store.finish_annotate(&read, &made, at(1000)).await.unwrap() == Finished::Done {
                done.push(read.id);
            }
        } else if let Some(read) = store.claim_read(Stage::Discovered, at(1000), LEASE, &[]).await.unwrap() {
            let path = read.url.as_url().path().trim_start_matches('/').to_owned();
            let shared = path.parse::<u32>().is_ok_and(|n| n < 30);
            let text = if shared { format!("Text {path} on both") } else { format!("Text of {}", read.url) };
            store.finish_extract(&read, &article(&text), &read.url, at(1000)).await.unwrap();
        } else {
            return done;
        }
    }
}

on_both!(two_processes_can_open_a_new_database_at_once, |db| {
    let (one, two) = tokio::join!(db.open_again(), db.open_again());
    assert_eq!(one.archive_version().await.unwrap(), two.archive_version().await.unwrap());
    one.close().await;
    two.close().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_can_create_a_sqlite_file_at_once() {
    let folder = tempfile::TempDir::new().unwrap();
    // It is a matter of luck which step collides with the other, so there are many rounds.
    for round in 0..40 {
        let location = Location::Sqlite(folder.path().join(format!("{round}.sqlite")));
        let open = || {
            let location = location.clone();
            tokio::spawn(async move { Store::open(&location, &jiff::tz::TimeZone::UTC).await })
        };
        for store in [open(), open()] {
            store.await.unwrap().unwrap().close().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_read_while_a_writer_holds_the_file() {
    let db = TestDatabase::sqlite().await;
    generate(&db.store, 30, 1).await.unwrap();
    let writing = db.store.database.begin().await.unwrap();
    let page = db.store.reads(&ReadFilter::default(), Order::Newest, None, 50).await.unwrap();
    assert_eq!(page.items.len(), 30);
    drop(writing);
    db.remove().await;
}

/// A claim skips locked rows, but if nothing else is left it waits for them. A worker stops if
/// nothing is due, although the row would be free a moment later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claim_waits_for_the_last_locked_row() {
    needs!(Postgres);
    let db = TestDatabase::postgres().await;
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    let mut holder = db.store.database.begin().await.unwrap();
    holder.rows(sql("SELECT id FROM read FOR UPDATE")).await.unwrap();
    let store = db.store.clone();
    let claim =
        tokio::spawn(async move { store.claim_read(Stage::Discovered, at(9), LEASE, &[]).await.unwrap() });
    let waiting = "SELECT count(*) AS n FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while db.store.database.row(sql(waiting)).await.unwrap().unwrap().int("n").unwrap() == 0 {
        assert!(!claim.is_finished(), "it gave up instead of waiting");
        tokio::task::yield_now().await;
    }
    holder.abandon().await.unwrap();
    assert!(claim.await.unwrap().is_some());
    db.remove().await;
}
