//! Issues: digests that a person edited.

use backissue_model::{Issue, IssueRead, ReadId, Week};

use super::harness::*;
use crate::*;

fn issue(remark: &str, first: &[i64], dropped: &[i64]) -> Issue {
    let chosen = |read: &i64| IssueRead { read: ReadId(*read), remark: format!("{remark} {read}") };
    Issue {
        remark: remark.to_owned(),
        first: first.iter().map(chosen).collect(),
        dropped: dropped.iter().copied().map(ReadId).collect(),
    }
}

fn week() -> Week {
    "2026-W20".parse().unwrap()
}

/// The new version, or `None` if another change came first.
async fn changed(store: &Store, change: IssueChange<'_>, seen: u64, now: i64) -> Option<u64> {
    match store.change_issue(week(), change, seen, at(now)).await.unwrap() {
        IssueChanged::Stored(version) => Some(version),
        IssueChanged::Outdated => None,
    }
}

on_both!(issue_is_stored_published_withdrawn_and_removed, |db| {
    let store = &db.store;
    assert_eq!(store.issue(week()).await.unwrap(), None);
    let change = async |change, seen, now| changed(store, change, seen, now).await.unwrap();
    let first = issue("Look", &[3, 1], &[2]);
    let version = change(IssueChange::Save(&first), 0, 1).await;
    let stored = store.issue(week()).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.changed_at, stored.published_at), (version, at(1), None));
    assert_eq!(stored.issue, first);
    let version = change(IssueChange::Publish, version, 2).await;
    let second = issue("Look again", &[1], &[]);
    let version = change(IssueChange::Save(&second), version, 3).await;
    let stored = store.issue(week()).await.unwrap().unwrap();
    assert_eq!((stored.version, stored.published_at), (version, Some(at(2))), "a change stays published");
    let version = change(IssueChange::Withdraw, version, 4).await;
    assert_eq!(store.issue(week()).await.unwrap().unwrap().published_at, None);
    change(IssueChange::Remove, version, 5).await;
    assert_eq!(store.issue(week()).await.unwrap(), None);
});

on_both!(issue_that_was_changed_meanwhile_is_left_as_it_is, |db| {
    let store = &db.store;
    let (mine, theirs) = (issue("Mine", &[1], &[]), issue("Theirs", &[2], &[]));
    let stored = changed(store, IssueChange::Save(&theirs), 0, 1).await.unwrap();
    let version = store.archive_version().await.unwrap();
    assert_eq!(changed(store, IssueChange::Save(&mine), 0, 1).await, None);
    assert_eq!(changed(store, IssueChange::Remove, stored + 1, 2).await, None);
    assert_eq!(store.issue(week()).await.unwrap().unwrap().issue, theirs);
    assert_eq!(store.archive_version().await.unwrap(), version, "pages that show it stay valid");
    changed(store, IssueChange::Save(&mine), stored, 1).await.unwrap();
    assert!(store.archive_version().await.unwrap() > version);
});

on_both!(version_of_a_removed_issue_is_never_used_again, |db| {
    let store = &db.store;
    let (mine, theirs) = (issue("Mine", &[1], &[]), issue("Theirs", &[2], &[]));
    let seen = changed(store, IssueChange::Save(&mine), 0, 1).await.unwrap();
    changed(store, IssueChange::Remove, seen, 2).await.unwrap();
    changed(store, IssueChange::Save(&theirs), 0, 3).await.unwrap();
    assert_eq!(changed(store, IssueChange::Save(&mine), seen, 4).await, None);
    assert_eq!(store.issue(week()).await.unwrap().unwrap().issue, theirs);
});

on_both!(issue_names_the_reads_that_its_own_were_merged_into, |db| {
    generate(&db.store, 3, 1).await.unwrap();
    db.run(&["INSERT INTO merged (id, into_id) VALUES (901, 1), (902, 2)"]).await;
    let issue = issue("Look", &[901, 3, 1], &[902]);
    changed(&db.store, IssueChange::Save(&issue), 0, 1).await.unwrap();
    let stored = db.store.issue(week()).await.unwrap().unwrap().issue;
    let reads: Vec<i64> = stored.first.iter().map(|chosen| chosen.read.0).collect();
    assert_eq!((reads, stored.dropped), (vec![1, 3], vec![ReadId(2)]), "each once");
    assert_eq!(stored.first[0].remark, "Look 901");
});

on_both!(reads_of_a_week_come_with_what_is_said_of_them, |db| {
    generate(&db.store, 30, 3).await.unwrap();
    let cards = db.store.reads(&ReadFilter::default(), Order::Newest, None, 20).await.unwrap().items;
    let found = db.store.summaries(&ReadFilter::default(), Order::Newest, 20).await.unwrap();
    assert_eq!(found.iter().map(|read| &read.card).collect::<Vec<_>>(), cards.iter().collect::<Vec<_>>());
    for read in found {
        let page = db.store.read(read.card.id).await.unwrap().unwrap();
        assert_eq!(read, ReadSummary::from(page));
    }
    let none = ReadFilter { week: "1999-W01".parse().ok(), ..ReadFilter::default() };
    assert_eq!(db.store.summaries(&none, Order::Newest, 20).await.unwrap(), []);
});
