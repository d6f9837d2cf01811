//! Retention: whose HTML is removed, and what stays.

use backissue_model::{Correction, Days, Limit, Mark, Quote, Rating, ReadField, ReadId, ReaderId};
use backissue_needs::needs;

use super::harness::*;
use crate::database::sql;
use crate::marks::existing;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;

/// Reads published 1, 2, … days before the day of the tests, in this order.
async fn reads(db: &TestDatabase, count: i64) -> Vec<ReadId> {
    let day = |n: i64| at(-n * 86_400).to_string()[..10].to_owned();
    let entries = (1..=count).map(|n| entry(&format!("https://acme.example/{n:03}"), Some(&day(n))));
    db.annotated(entries).await
}

async fn prune(db: &TestDatabase, archive: Retention, dry_run: bool) -> Pruned {
    let pass = db.store.begin_pruning(archive, dry_run, at(0)).await.unwrap();
    let Some(mut pass) = pass else { return Pruned::default() };
    loop {
        if let Some(pruned) = db.store.prune(&mut pass).await.unwrap() {
            return pruned;
        }
    }
}

/// The reads whose HTML was removed.
async fn gone(db: &TestDatabase, reads: &[ReadId]) -> Vec<ReadId> {
    let mut gone = Vec::new();
    for read in reads {
        let page = db.store.read(*read).await.unwrap().unwrap();
        assert_eq!(page.article.html.is_empty(), page.html_gone_at.is_some());
        assert!(page.article.text.starts_with("Text of") && page.precis.problem.is_some());
        if page.html_gone_at.is_some() {
            gone.push(*read);
        }
    }
    gone
}

fn days(days: u32) -> Retention {
    Retention { days: Some(Days(days)), bytes: None }
}

on_both!(old_articles_go_and_what_somebody_holds_stays, |db| {
    let all = reads(db, 12).await;
    assert_eq!(prune(db, Retention::default(), false).await, Pruned::default(), "without a limit");
    db.store.mark(ONE, all[5], Mark::Keep, true, at(0)).await.unwrap();
    db.store.mark(ONE, all[6], Mark::Done, true, at(0)).await.unwrap();
    db.store.save_note(ONE, all[7], &"Mine".parse().unwrap(), 0, at(0)).await.unwrap();
    let quote = Quote::new("Text", "", "").unwrap();
    let added = db.store.add_highlight(ONE, all[8], &quote, &"".parse().unwrap(), at(0)).await.unwrap();
    assert!(matches!(added, Highlighted::Added(_)));
    let turned_over = db.store.answer_card(ONE, all[10], &"".parse().unwrap(), at(0)).await.unwrap();
    let next: NextShowing = |rated, _| rated[0].at;
    db.store.rate_card(ONE, turned_over.id, Rating::Good, next).await.unwrap();
    let version = db.store.archive_version().await.unwrap();
    let changed = async || {
        let changes = db.store.changes(ChangeMark::default(), 1_000).await.unwrap();
        changes.reads.iter().map(|read| read.text.clone()).collect::<Vec<_>>()
    };
    let indexed = changed().await;
    let would = prune(db, days(4), true).await;
    assert_eq!((would.reads, gone(db, &all).await), (5, Vec::new()));
    assert_eq!(db.store.archive_version().await.unwrap(), version);
    assert_eq!(prune(db, days(4), false).await, would);
    let wanted: Vec<ReadId> = [3, 4, 6, 9, 11].map(|n| all[n]).into();
    assert_eq!(gone(db, &all).await, wanted);
    assert!(db.store.archive_version().await.unwrap() > version, "finished pages are made again");
    assert_eq!(changed().await, indexed, "the index keeps what it has");
    assert_eq!(prune(db, days(4), false).await, Pruned::default(), "a second pass finds nothing");
    assert!(db.store.marks(ONE, &all).await.unwrap()[&all[6]].done.is_some());
});

on_both!(read_that_is_held_after_it_was_chosen_stays, |db| {
    let all = reads(db, 8).await;
    let chosen: Vec<(i64, u64)> = all.iter().map(|read| (read.0, 1)).collect();
    db.store.mark(ONE, all[0], Mark::Keep, true, at(0)).await.unwrap();
    db.store.save_note(ONE, all[1], &"Mine".parse().unwrap(), 0, at(0)).await.unwrap();
    db.store.add_label(ONE, all[2], &"later".parse().unwrap(), at(0)).await.unwrap();
    let quote = Quote::new("Text", "", "").unwrap();
    db.store.add_highlight(ONE, all[3], &quote, &"".parse().unwrap(), at(0)).await.unwrap();
    db.store.answer_card(ONE, all[4], &"Shard it".parse().unwrap(), at(0)).await.unwrap();
    let title = Correction::of(ReadField::Title, "On queues").unwrap();
    db.store.correct(all[5], &[title], &[], at(0)).await.unwrap();
    let mut removed = db.store.remove_html(&chosen, at(0)).await.unwrap();
    removed.sort();
    assert_eq!(removed, [all[6].0, all[7].0]);
    assert_eq!(gone(db, &all).await, all[6..]);
});

/// Without its lock, the statement that removes would not see what is not committed yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pruning_waits_for_a_reader_who_keeps_a_read() {
    needs!(Postgres);
    let db = TestDatabase::postgres().await;
    let all = reads(&db, 3).await;
    let mut keeping = db.store.database.begin().await.unwrap();
    assert_eq!(existing(&mut keeping, all[1]).await.unwrap(), Some(all[1]));
    let keep = sql("INSERT INTO mark (reader_id, read_id, kept_at) VALUES ($1, $2, 1)");
    keeping.run(keep.bind(ONE.0).bind(all[1].0)).await.unwrap();
    let store = db.store.clone();
    let pruning = tokio::spawn(async move {
        let mut pass = store.begin_pruning(days(1), false, at(86_400)).await.unwrap().unwrap();
        store.prune(&mut pass).await.unwrap().unwrap()
    });
    let waiting = "SELECT count(*) AS n FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while db.store.database.row(sql(waiting)).await.unwrap().unwrap().int("n").unwrap() == 0 {
        assert!(!pruning.is_finished(), "it did not wait");
        tokio::task::yield_now().await;
    }
    keeping.commit().await.unwrap();
    assert_eq!(pruning.await.unwrap().reads, 2);
    assert_eq!(gone(&db, &all).await, [all[0], all[2]]);
    db.remove().await;
}

on_both!(oldest_articles_go_where_a_size_is_the_limit, |db| {
    let all = reads(db, 600).await;
    let one = "<p>Text of https://acme.example/001</p>".len() as u64;
    let limit = Retention { days: None, bytes: Some(10 * one + 1) };
    assert_eq!(prune(db, limit, false).await, Pruned { reads: 590, bytes: 590 * one });
    assert_eq!(gone(db, &all).await, all[10..]);
    assert_eq!(prune(db, limit, false).await, Pruned::default());
});

on_both!(limits_of_a_source_go_before_those_of_the_archive, |db| {
    let all = reads(db, 8).await;
    let source = db.store.sources(&SourceFilter::default()).await.unwrap().remove(0);
    let change = async |age: Limit<Days>, size: Limit<u64>| {
        let change = SourceChange {
            keep_articles: Some(age),
            keep_articles_size: Some(size),
            ..SourceChange::default()
        };
        let after = db.store.change_source(source.id, &change, at(0)).await.unwrap().unwrap();
        assert_eq!((after.keep_articles, after.keep_articles_size), (age, size));
    };
    change(Limit::Unlimited, Limit::Unlimited).await;
    let both = Retention { days: Some(Days(2)), bytes: Some(1) };
    assert_eq!(prune(db, both, false).await, Pruned::default());
    change(Limit::At(Days(6)), Limit::Unlimited).await;
    assert_eq!(prune(db, both, false).await.reads, 3);
    assert_eq!(gone(db, &all).await, all[5..]);
    change(Limit::AsArchive, Limit::At(100)).await;
    assert_eq!(prune(db, Retention::default(), false).await.reads, 3, "two of them take 78 bytes");
    change(Limit::AsArchive, Limit::AsArchive).await;
    assert_eq!(prune(db, days(1), false).await.reads, 2);
});

on_both!(versions_of_readers_are_as_new_as_the_last_commit, |db| {
    let reads = reads(db, 2).await;
    let recent = async || db.store.recent_versions(Some(ONE)).await.unwrap();
    let strangers = async || db.store.recent_versions(None).await.unwrap();
    for _ in 0..50 {
        let (before, stranger) = (recent().await, strangers().await);
        assert_eq!((before.0, None), stranger);
        let (archive, own) = db.store.versions(ONE).await.unwrap();
        assert_eq!(before, (archive, Some(own)));
        db.store.mark(ONE, reads[0], Mark::Keep, true, at(1)).await.unwrap();
        db.store.mark(ONE, reads[0], Mark::Keep, false, at(1)).await.unwrap();
        assert!(recent().await.1 > before.1, "at once");
    }
    assert!(db.store.recent_versions(Some(ReaderId(99))).await.is_err());
});
