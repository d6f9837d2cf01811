//! Retention: which articles go, and what stays.

use backissue_model::{Days, Limit, Mark, Quote, ReadId, ReaderId};

use super::harness::*;
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

/// The reads whose HTML is gone.
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
    let version = db.store.archive_version().await.unwrap();
    let changed = async || {
        let changes = db.store.changes(ChangeMark::default(), 1_000).await.unwrap();
        changes.reads.iter().map(|read| read.text.clone()).collect::<Vec<_>>()
    };
    let indexed = changed().await;
    let would = prune(db, days(4), true).await;
    assert_eq!((would.reads, gone(db, &all).await), (6, Vec::new()));
    assert_eq!(db.store.archive_version().await.unwrap(), version);
    assert_eq!(prune(db, days(4), false).await, would);
    let wanted: Vec<ReadId> = [3, 4, 6, 9, 10, 11].map(|n| all[n]).into();
    assert_eq!(gone(db, &all).await, wanted);
    assert!(db.store.archive_version().await.unwrap() > version, "finished pages are made again");
    assert_eq!(changed().await, indexed, "the index keeps what it has");
    assert_eq!(prune(db, days(4), false).await, Pruned::default(), "a second pass finds nothing");
    assert!(db.store.marks(ONE, &all).await.unwrap()[&all[6]].done.is_some());
});

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
