//! Saved searches, the new reads that answer them, and alerts.

use backissue_model::{Mark, ReadId, ReaderId, Role};
use jiff::Timestamp;

use super::harness::*;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;

fn search(name: &str, question: &str, recipient: Option<&str>) -> OwnSearch {
    OwnSearch {
        name: name.parse().unwrap(),
        question: question.parse().unwrap(),
        recipient: recipient.map(str::to_owned),
    }
}

async fn save(store: &Store, own: &OwnSearch, now: Timestamp) -> i64 {
    match store.save_search(ONE, own, now).await.unwrap() {
        SearchSaved::Saved(id) => id,
        refused => panic!("{refused:?}"),
    }
}

/// Stores that of all new reads, `answers` answer a search.
async fn compare(store: &Store, id: i64, answers: &[ReadId], now: Timestamp) -> u64 {
    let version = store.archive_version().await.unwrap();
    let behind = store.searches_behind(version).await.unwrap();
    let behind = behind.iter().find(|search| search.id == id).expect("the search is behind");
    let new = store.new_reads(behind.compared, version, behind.since).await.unwrap();
    let others = new.iter().map(|read| read.id).filter(|id| !answers.contains(id)).collect();
    let compared = Compared { search: id, from: behind.compared, answers: answers.to_vec(), others };
    store.store_compared(ONE, &[compared], version, now).await.unwrap()
}

async fn counts(store: &Store) -> Vec<(String, u64, u64)> {
    let all = store.saved_searches(ONE).await.unwrap().into_iter();
    all.map(|search| (search.name.to_string(), search.answers, search.unseen)).collect()
}

on_both!(only_reads_that_come_after_a_search_was_saved_are_new_to_it, |db| {
    let store = &db.store;
    let old = db.annotated_numbers(&[1, 2]).await;
    let id = save(store, &search("storms", "retry storms", None), at(100)).await;
    // A read that is annotated again changes, and is not new.
    store.ask_for(&Selection::All, "mine", at(101)).await.unwrap();
    db.finish_all().await;
    let acme = db.follow("Acme").await;
    poll(store, &acme, vec![]).await;
    let version = store.archive_version().await.unwrap();
    assert_eq!(store.new_reads(0, version, at(100)).await.unwrap(), []);
    assert_eq!(store.new_reads(0, version, at(0)).await.unwrap().len(), old.len());
    assert_eq!(counts(store).await, [("storms".to_owned(), 0, 0)]);
    assert_eq!(store.searches_behind(version).await.unwrap()[0].id, id);
});

on_both!(answers_are_counted_once_until_they_are_seen, |db| {
    let store = &db.store;
    let id = save(store, &search("storms", "retry storms", None), at(0)).await;
    let new = db.annotated_numbers(&[1, 2, 3]).await;
    let (_, before) = store.versions(ONE).await.unwrap();
    assert_eq!(compare(store, id, &new[..2], at(50)).await, 2);
    assert_eq!(store.versions(ONE).await.unwrap().1, before + 1, "the reader's pages change");
    assert_eq!(counts(store).await, [("storms".to_owned(), 2, 2)]);
    let answered = store.answered_by(ONE, &new).await.unwrap();
    assert_eq!(answered.len(), 2);
    assert_eq!(answered[&new[0]][0].0.as_str(), "storms");
    assert_eq!(store.unseen_answers(id, 9).await.unwrap().len(), 2);
    assert!(store.see_answers(ONE, id, at(60)).await.unwrap());
    assert_eq!(counts(store).await, [("storms".to_owned(), 2, 0)]);
    assert_eq!(store.unseen_answers(id, 9).await.unwrap(), []);
    // Another process that compared from the same version stores nothing.
    let late = Compared { search: id, from: 0, answers: new.clone(), others: vec![] };
    assert_eq!(store.store_compared(ONE, &[late], 9999, at(70)).await.unwrap(), 0);
    assert_eq!(counts(store).await, [("storms".to_owned(), 2, 0)]);
    // A read that changes may answer no more, and then again; it is found once.
    store.withdraw(new[0], true, at(80)).await.unwrap();
    assert_eq!(counts(store).await, [("storms".to_owned(), 1, 0)]);
    store.withdraw(new[0], false, at(81)).await.unwrap();
    compare(store, id, &[], at(90)).await;
    assert_eq!(counts(store).await, [("storms".to_owned(), 1, 0)]);
    store.withdraw(new[0], true, at(91)).await.unwrap();
    store.withdraw(new[0], false, at(92)).await.unwrap();
    assert_eq!(compare(store, id, &new[..1], at(95)).await, 0);
    assert_eq!(counts(store).await, [("storms".to_owned(), 2, 0)]);
    assert!(store.remove_search(ONE, id).await.unwrap());
    assert!(!store.remove_search(ONE, id).await.unwrap());
    assert_eq!(store.answered_by(ONE, &new).await.unwrap().len(), 0);
});

on_both!(saved_searches_have_limits_and_one_name_each, |db| {
    let store = &db.store;
    let first = save(store, &search("storms", "retry storms", Some("team")), at(1)).await;
    let second = save(store, &search("queues", "slow queues", None), at(2)).await;
    let taken = store.save_search(ONE, &search("storms", "else", None), at(3)).await.unwrap();
    assert_eq!(taken, SearchSaved::NameTaken);
    let change = |name: &str| SearchChange { name: name.parse().unwrap(), recipient: None };
    assert_eq!(store.change_search(ONE, second, &change("storms")).await.unwrap(), SearchSaved::NameTaken);
    assert_eq!(store.change_search(ONE, 999, &change("x")).await.unwrap(), SearchSaved::Missing);
    assert_eq!(store.change_search(ONE, first, &change("storm")).await.unwrap(), SearchSaved::Saved(first));
    let names: Vec<String> =
        store.saved_searches(ONE).await.unwrap().iter().map(|search| search.name.to_string()).collect();
    assert_eq!(names, ["queues", "storm"]);
    for n in 2..SEARCHES_MAX {
        save(store, &search(&format!("search {n}"), "anything", None), at(4)).await;
    }
    let more = store.save_search(ONE, &search("more", "x", None), at(5)).await.unwrap();
    assert_eq!(more, SearchSaved::TooMany);
    let nobody = store.save_search(ReaderId(99), &search("more", "x", None), at(5)).await;
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })), "{nobody:?}");
});

on_both!(saved_searches_move_to_another_archive, |db| {
    let store = &db.store;
    save(store, &search("storms", "retry storms", Some("team")), at(1)).await;
    save(store, &search("queues", "slow queues", None), at(1)).await;
    let own = store.own_searches(ONE).await.unwrap();
    let written = serde_json::to_string(&own).unwrap();
    let read: Vec<OwnSearch> = serde_json::from_str(&written).unwrap();
    assert_eq!(store.take_in_searches(ONE, &read, at(5)).await.unwrap(), [], "they are here");
    for search in store.saved_searches(ONE).await.unwrap() {
        store.remove_search(ONE, search.id).await.unwrap();
    }
    save(store, &search("queues", "another question", None), at(1)).await;
    let refused = store.take_in_searches(ONE, &read, at(5)).await.unwrap();
    assert_eq!(refused, [("queues".parse().unwrap(), SearchSaved::NameTaken)]);
    let there = store.own_searches(ONE).await.unwrap();
    assert_eq!(there, [search("queues", "another question", None), own[1].clone()]);
});

on_both!(waiting_answers_of_a_recipient_make_one_alert, |db| {
    let store = &db.store;
    let storms = save(store, &search("storms", "retry storms", Some("team")), at(0)).await;
    let queues = save(store, &search("queues", "slow queues", Some("team")), at(0)).await;
    let silent = save(store, &search("silent", "silence", None), at(0)).await;
    let new = db.annotated_numbers(&[1, 2, 3]).await;
    compare(store, storms, &new[..2], at(50)).await;
    compare(store, queues, &new[1..], at(60)).await;
    compare(store, silent, &new, at(60)).await;
    assert_eq!(store.make_alert("team", at(40), at(70)).await.unwrap(), None, "more may come");
    assert_eq!(store.make_alert("ops", at(99), at(100)).await.unwrap(), None);
    let other = db.open_again().await;
    let (one, two) =
        tokio::join!(store.make_alert("team", at(50), at(70)), other.make_alert("team", at(50), at(70)));
    let made: Vec<i64> = [one, two].into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(made.len(), 1, "one of two processes makes it");
    assert_eq!(store.open_alerts("team").await.unwrap(), made);
    let hits = store.alert_hits(made[0]).await.unwrap();
    let of = |id: ReadId| hits.iter().find(|hit| hit.read.card.id == id).unwrap().searches.clone();
    assert_eq!((hits.len(), of(new[1])), (3, vec!["queues".to_owned(), "storms".to_owned()]));
    store.mark(ONE, new[0], Mark::Hide, true, at(80)).await.unwrap();
    assert_eq!(store.alert_hits(made[0]).await.unwrap().len(), 2, "a hidden read is not sent");
    let claim =
        store.claim_sending("team", Dispatch::Alert(made[0]), Resend::No, LEASE, at(80)).await.unwrap();
    let SendingClaim::Claimed(sending) = claim else { panic!("{claim:?}") };
    store.finish_sending(&sending, &SendingResult::GivenUp("gone".into()), at(81)).await.unwrap();
    store.end_alert(made[0]).await.unwrap();
    assert!(store.open_alerts("team").await.unwrap().is_empty());
    let last = store.last_alert("team").await.unwrap().unwrap();
    assert_eq!((last.alert, last.sent_at, last.error.as_deref()), (made[0], None, Some("gone")));
    assert_eq!(store.sending("team", None).await.unwrap(), None, "an alert is no week");
    other.close().await;
});

on_both!(only_searches_of_operators_send_anything, |db| {
    let store = &db.store;
    let name = "anna".parse().unwrap();
    let anna = store.add_reader(&name, Role::Operator).await.unwrap().unwrap();
    let own = search("storms", "retry storms", Some("team"));
    let SearchSaved::Saved(id) = store.save_search(anna, &own, at(0)).await.unwrap() else { panic!() };
    let new = db.annotated_numbers(&[1, 2, 3]).await;
    let found = async |read: ReadId, up_to: u64, now| {
        let from = store.saved_searches(anna).await.unwrap()[0].compared;
        let compared = Compared { search: id, from, answers: vec![read], others: vec![] };
        store.store_compared(anna, &[compared], up_to, now).await.unwrap()
    };
    assert_eq!(found(new[0], 100, at(50)).await, 1);
    let alert = store.make_alert("team", at(50), at(51)).await.unwrap().unwrap();
    assert_eq!(store.alert_hits(alert).await.unwrap().len(), 1);
    assert_eq!(found(new[1], 101, at(60)).await, 1);
    store.set_role(anna, Role::Reader).await.unwrap();
    assert_eq!(store.alert_hits(alert).await.unwrap(), [], "nor what was not sent yet");
    assert_eq!(store.make_alert("team", at(99), at(99)).await.unwrap(), None);
    assert_eq!(found(new[2], 102, at(70)).await, 1, "it is marked");
    store.set_role(anna, Role::Operator).await.unwrap();
    let alert = store.make_alert("team", at(99), at(99)).await.unwrap().unwrap();
    let hits = store.alert_hits(alert).await.unwrap();
    assert_eq!(hits.iter().map(|hit| hit.read.card.id).collect::<Vec<_>>(), [new[1]], "what waited");
    store.remove_reader(anna, Leaving::KeepData, at(100)).await.unwrap();
    assert_eq!(store.alert_hits(alert).await.unwrap(), [], "a closed account sends nothing");
});

on_both!(answer_of_a_merged_read_stays_and_is_sent_once, |db| {
    let store = &db.store;
    let id = save(store, &search("storms", "retry storms", Some("team")), at(0)).await;
    let new = db.annotated_numbers(&[1, 2]).await;
    compare(store, id, &new, at(50)).await;
    store.make_alert("team", at(50), at(60)).await.unwrap().unwrap();
    assert_eq!(store.unite(new[0], new[1]).await.unwrap(), Some(United::Into(new[0])));
    assert_eq!(counts(store).await, [("storms".to_owned(), 1, 1)]);
    assert_eq!(store.make_alert("team", at(99), at(99)).await.unwrap(), None);
});

on_both!(archive_without_saved_searches_is_migrated, |db| {
    let week = "2026-W20".parse().unwrap();
    db.store.claim_sending("team", Dispatch::Week(week), Resend::No, LEASE, at(1)).await.unwrap();
    let again = db
        .as_older(&[
            "DROP TABLE own_digest",
            "DROP TABLE stopped_link",
            "ALTER TABLE sending DROP COLUMN round",
            "ALTER TABLE read DROP COLUMN revised_at",
            "DELETE FROM _sqlx_migrations WHERE description = 'own_digests'",
            "DROP TABLE search_hit",
            "DROP TABLE saved_search",
            "DROP TABLE alert",
            "ALTER TABLE sending RENAME COLUMN dispatch TO week",
            "DELETE FROM _sqlx_migrations WHERE description = 'saved_searches'",
        ])
        .await;
    assert_eq!(again.sending("team", None).await.unwrap().unwrap().week, week);
    save(&again, &search("storms", "retry storms", None), at(2)).await;
    again.close().await;
});
