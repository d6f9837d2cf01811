//! Webhooks: of what they are notified, and by which process.

use backissue_model::{Event, ReadId, ReaderId, Role};
use jiff::{SignedDuration, Timestamp};

use super::harness::*;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;

async fn add(store: &Store, events: &[Event], now: Timestamp) -> i64 {
    let url = format!("https://hooks.example/secret-path/{}", events.len());
    let new = NewWebhook { url: &url, key: "whsec_x", events };
    let WebhookAdded::Added(id) = store.add_webhook(ONE, new, now).await.unwrap() else {
        panic!("it is new")
    };
    id
}

/// Delivers all due messages of a webhook, and returns their events.
async fn told(store: &Store, webhook: i64, now: Timestamp) -> Vec<Subject> {
    let mut all = Vec::new();
    while let Some(call) = store.claim_call(webhook, LEASE, now).await.unwrap() {
        assert!(store.finish_call(&call, &CallResult::Accepted("200 OK".into()), now).await.unwrap());
        all.push(call.subject);
    }
    all
}

on_both!(webhook_is_told_what_it_wants_once, |db| {
    let store = &db.store;
    let old = db.annotated_numbers(&[1]).await;
    let all = add(store, &Event::ALL, at(100)).await;
    let weeks = add(store, &[Event::WeekClosed], at(100)).await;
    let acme = db.follow("Acme").await;
    db.poll(&acme, vec![entry("https://acme.example/1", None), entry("https://acme.example/2", None)]).await;
    let new = db.finish_all().await;
    assert!(!new.contains(&old[0]));
    assert_eq!(told(store, all, at(2000)).await, [Subject::Read(new[0])], "what was there is not told");
    assert_eq!(told(store, weeks, at(2000)).await, []);

    // Annotated again, a read is not new.
    store.ask_for(&Selection::All, "mine", at(2001)).await.unwrap();
    db.finish_all().await;
    let week = "2026-W20".parse().unwrap();
    store.close_week(week, at(99), at(3000)).await.unwrap();
    assert_eq!(told(store, weeks, at(3000)).await, [], "it ended before the webhook was added");
    for _ in 0..2 {
        store.close_week(week, at(5 * 86_400), at(6 * 86_400)).await.unwrap();
    }
    let now = at(6 * 86_400);
    assert_eq!(told(store, all, now).await, [Subject::Week(week)]);
    assert_eq!(told(store, weeks, now).await, [Subject::Week(week)]);
    store.close_week(week, at(5 * 86_400), now).await.unwrap();
    assert_eq!(told(store, weeks, now).await, []);
    let known = store.webhooks().await.unwrap();
    assert_eq!(
        known.iter().map(|webhook| (webhook.id, webhook.waiting)).collect::<Vec<_>>(),
        [(all, 0), (weeks, 0)]
    );
    let last = known[1].last.as_ref().unwrap();
    assert_eq!((last.at, last.text.as_str(), last.accepted), (now, "200 OK", true));
    assert!(!format!("{known:?}").contains("secret"), "{known:?}");
    assert!(store.remove_webhook(all).await.unwrap() && !store.remove_webhook(all).await.unwrap());
});

on_both!(failing_source_is_told_once_until_it_works, |db| {
    let store = &db.store;
    let webhook = add(store, &[Event::SourceFailing], at(0)).await;
    let acme = db.follow("Acme").await;
    let mut now = 100;
    let mut fail = async |times: u32, outcome: fn() -> PollOutcome| {
        for _ in 0..times {
            now += 10;
            let claimed = claim_only(store, &acme, at(now)).await;
            store.record_poll(&claimed, outcome(), at(now), |_| Some(at(now + 5)).into()).await.unwrap();
        }
    };
    let failed = || PollOutcome::Failed { error: "no answer".into() };
    fail(FAILING_AFTER - 1, failed).await;
    assert_eq!(told(store, webhook, at(9000)).await, []);
    fail(3, failed).await;
    assert_eq!(told(store, webhook, at(9000)).await, [Subject::Source(acme.id)]);
    fail(1, || fetched(Vec::new())).await;
    fail(1, || PollOutcome::Gone { error: "410 Gone".into() }).await;
    assert_eq!(told(store, webhook, at(9000)).await, [Subject::Source(acme.id)], "it is gone for good");
});

on_both!(answer_to_a_saved_search_is_told_to_its_readers_webhooks, |db| {
    let store = &db.store;
    let webhook = add(store, &[Event::SearchHit, Event::SearchHit], at(0)).await;
    assert_eq!(store.webhook(webhook).await.unwrap().unwrap().events, [Event::SearchHit], "once");
    let anna = store.add_reader(&"anna".parse().unwrap(), Role::Operator).await.unwrap().unwrap();
    let mut ids = Vec::new();
    for reader in [ONE, anna] {
        let own =
            OwnSearch { name: "all".parse().unwrap(), question: "queue".parse().unwrap(), recipient: None };
        let SearchSaved::Saved(id) = store.save_search(reader, &own, at(1)).await.unwrap() else { panic!() };
        ids.push((reader, id));
    }
    let new = db.annotated_numbers(&[1, 2]).await;
    let url = "https://else.example/page".parse().unwrap();
    let PageSaved::New(saved) = store.save_page(anna, &url, at(2)).await.unwrap() else { panic!() };
    assert_eq!(db.finish_all().await, [saved]);
    for now in [at(50), at(60)] {
        let version = store.archive_version().await.unwrap();
        for (reader, search) in &ids {
            let from = store.saved_searches(*reader).await.unwrap()[0].compared;
            let compared =
                Compared { search: *search, from, answers: vec![new[0], saved], others: vec![new[1]] };
            store.store_compared(*reader, &[compared], version, now).await.unwrap();
        }
    }
    // No webhook gets a page that a reader saved.
    assert_eq!(told(store, webhook, at(2000)).await, [Subject::Hit(ids[0].1, new[0])]);
    let (read, name, question) = store.hit(ids[0].1, new[0]).await.unwrap().unwrap();
    assert_eq!((read.card.id, name.as_str(), question.as_str()), (new[0], "all", "queue"));
    assert!(store.hit(ids[0].1, new[1]).await.unwrap().is_none());
});

on_both!(one_process_tells_and_another_after_it_died, |db| {
    let (store, other) = (&db.store, db.open_again().await);
    let webhook = add(store, &[Event::ReadAnnotated], at(0)).await;
    let numbers: Vec<u32> = (1..=20).collect();
    let new = db.annotated_numbers(&numbers).await;
    let take = async |store: &Store| {
        let mut taken = Vec::new();
        while let Some(call) = store.claim_call(webhook, LEASE, at(2000)).await.unwrap() {
            taken.push(call);
        }
        taken
    };
    let (mine, theirs) = tokio::join!(take(store), take(&other));
    let mut reads: Vec<ReadId> = mine
        .iter()
        .chain(&theirs)
        .map(|call| match call.subject {
            Subject::Read(read) => read,
            other => panic!("{other:?}"),
        })
        .collect();
    reads.sort_unstable();
    assert_eq!(reads, new, "each message is claimed once");
    assert_eq!(store.webhooks_due(at(2000)).await.unwrap(), []);

    // The lease of a process that died ends.
    let later = at(2000) + LEASE;
    assert_eq!(store.webhooks_due(later).await.unwrap().len(), 1);
    let again = other.claim_call(webhook, LEASE, later).await.unwrap().unwrap();
    assert_eq!(again.attempts, 2);
    let before = mine.iter().chain(&theirs).find(|call| call.id == again.id).unwrap();
    let accepted = CallResult::Accepted("200 OK".into());
    assert!(!store.finish_call(before, &accepted, later).await.unwrap(), "it was not dead");
    let failed = CallResult::Again(later + SignedDuration::from_mins(5), "503".into());
    assert!(other.finish_call(&again, &failed, later).await.unwrap());
    let known = store.webhook(webhook).await.unwrap().unwrap();
    assert_eq!((known.waiting, known.last.map(|last| last.accepted)), (20, Some(false)));
    other.close().await;
});

on_both!(stopped_webhook_is_told_nothing_more, |db| {
    let store = &db.store;
    let webhook = add(store, &Event::ALL, at(0)).await;
    db.annotated_numbers(&[1]).await;
    let later = at(2000) + LEASE;
    let lost = store.claim_call(webhook, LEASE, at(2000)).await.unwrap().unwrap();
    let call = store.claim_call(webhook, LEASE, later).await.unwrap().unwrap();
    store.test_webhook(webhook, later).await.unwrap();
    assert_eq!((lost.id, lost.webhook), (call.id, webhook));
    let gone = CallResult::Gone("410 Gone".into());
    assert!(!store.finish_call(&lost, &gone, later).await.unwrap(), "its lease was lost");
    assert_eq!(store.webhook(webhook).await.unwrap().unwrap().waiting, 2);
    assert!(store.finish_call(&call, &gone, later).await.unwrap());
    assert_eq!(told(store, webhook, later).await, [], "nor is it told of the test");
    let acme = db.follow("Acme").await;
    db.poll(&acme, vec![entry("https://acme.example/2", None)]).await;
    db.finish_all().await;
    assert_eq!(told(store, webhook, at(2000)).await, []);
    let known = store.webhook(webhook).await.unwrap().unwrap();
    assert_eq!((known.waiting, known.events), (0, Vec::new()));
});

on_both!(webhook_of_a_former_operator_is_told_nothing, |db| {
    let store = &db.store;
    let anna = store.add_reader(&"anna".parse().unwrap(), Role::Operator).await.unwrap().unwrap();
    let add = async |url: &str| {
        store.add_webhook(anna, NewWebhook { url, key: "whsec_x", events: &Event::ALL }, at(0)).await.unwrap()
    };
    let WebhookAdded::Added(webhook) = add("https://hooks.example/").await else { panic!("it is new") };
    store.test_webhook(webhook, at(1)).await.unwrap();
    store.set_role(anna, Role::Reader).await.unwrap();
    db.annotated_numbers(&[1]).await;
    assert_eq!(store.webhooks_due(at(2000)).await.unwrap(), []);
    store.set_role(anna, Role::Operator).await.unwrap();
    assert_eq!(told(store, webhook, at(2000)).await, [Subject::Test]);
    for n in 1..WEBHOOKS_MAX {
        assert!(matches!(add(&format!("https://hooks.example/{n}")).await, WebhookAdded::Added(_)));
    }
    assert_eq!(add("https://hooks.example/new").await, WebhookAdded::TooMany);
    store.remove_reader(anna, Leaving::DropData, at(3000)).await.unwrap();
    assert_eq!(store.webhooks().await.unwrap(), []);
});

on_both!(address_of_a_webhook_cannot_be_added_twice, |db| {
    let (store, other) = (&db.store, db.open_again().await);
    let anna = store.add_reader(&"anna".parse().unwrap(), Role::Operator).await.unwrap().unwrap();
    let add = async |store: &Store, reader, url: &str| {
        let new = NewWebhook { url, key: "whsec_x", events: &Event::ALL };
        store.add_webhook(reader, new, at(0)).await.unwrap()
    };
    for n in 0..5 {
        let url = format!("https://hooks.example/{n}");
        let added = tokio::join!(add(store, ONE, &url), add(&other, anna, &url));
        let (added, refused) = match added {
            (WebhookAdded::Added(id), refused) => (id, refused),
            (refused, WebhookAdded::Added(id)) => (id, refused),
            neither => panic!("{neither:?}"),
        };
        assert_eq!(refused, WebhookAdded::AddressTaken(added));
    }
    let WebhookAdded::Added(bare) = add(store, ONE, "https://hooks.example").await else {
        panic!("it is new")
    };
    let same = add(store, ONE, "https://HOOKS.example:443/").await;
    assert_eq!(same, WebhookAdded::AddressTaken(bare), "another spelling");
    let nobody = NewWebhook { url: "https://hooks.example/x", key: "whsec_x", events: &Event::ALL };
    let nobody = store.add_webhook(ReaderId(99), nobody, at(0)).await;
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })));
    other.close().await;
});
