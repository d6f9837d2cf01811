//! Subscriptions at hubs: created by a poll, claimed, confirmed, notified.

use backissue_model::{PollingHints, Source, SourceId};

use super::harness::*;
use crate::*;

fn names(n: u32) -> HubNames {
    HubNames { token: format!("token-{n}"), secret: format!("secret-{n}") }
}

/// A poll of a feed with this hub.
async fn poll_naming(db: &TestDatabase, source: &Source, seconds: i64, hub: Option<&str>) {
    let mut outcome = fetched(vec![]);
    let PollOutcome::Fetched { polling_hints, .. } = &mut outcome else { unreachable!() };
    let topic = source.feed_url.clone();
    *polling_hints =
        PollingHints { hub: hub.map(|hub| hub.parse().unwrap()), topic, ..PollingHints::default() };
    let claimed = claim_only(&db.store, source, at(seconds)).await;
    db.store.record_poll(&claimed, outcome, at(seconds), |_| Some(at(90_000)).into()).await.unwrap();
}

async fn claim(db: &TestDatabase, seconds: i64, n: u32) -> Option<ClaimedSubscription> {
    db.store.claim_subscription(at(seconds), LEASE, &[], &names(n)).await.unwrap()
}

async fn hub(db: &TestDatabase, id: SourceId) -> Option<backissue_model::Hub> {
    db.store.source(id).await.unwrap().unwrap().health.hub
}

on_both!(subscription_follows_the_hub_in_the_feed, |db| {
    let source = db.follow("Acme").await;
    poll_naming(db, &source, 1, None).await;
    assert_eq!((claim(db, 2, 0).await, hub(db, source.id).await), (None, None));
    poll_naming(db, &source, 3, Some("https://hub.example/")).await;
    let claimed = claim(db, 4, 1).await.unwrap();
    assert_eq!((claimed.source, claimed.names.clone(), claimed.attempts), (source.id, names(1), 0));
    assert_eq!((claimed.hub.as_str(), claimed.host.as_str()), ("https://hub.example/", "hub.example"));
    assert_eq!(Some(&claimed.topic), source.feed_url.as_ref());
    assert_eq!(claim(db, 5, 2).await, None, "it is held");
    db.store.record_subscription(&claimed, Some("no answer"), at(100)).await.unwrap();
    assert_eq!(hub(db, source.id).await.unwrap().error.as_deref(), Some("no answer"));
    assert_eq!(claim(db, 99, 3).await, None, "it is not due");

    // The same hub again changes nothing. Another hub starts a new subscription with another token.
    poll_naming(db, &source, 50, Some("https://hub.example/")).await;
    assert_eq!(claim(db, 99, 3).await, None);
    let again = claim(db, 100, 4).await.unwrap();
    assert_eq!((again.names, again.attempts), (names(1), 1), "it keeps its name");
    poll_naming(db, &source, 101, Some("https://other.example/")).await;
    let other = claim(db, 102, 5).await.unwrap();
    assert_eq!((other.names, other.attempts, other.host.as_str()), (names(5), 0, "other.example"));
    assert_eq!(db.store.subscription("token-1").await.unwrap(), None);
    poll_naming(db, &source, 103, None).await;
    assert_eq!((db.store.subscription("token-5").await.unwrap(), hub(db, source.id).await), (None, None));
});

on_both!(hub_may_confirm_before_it_responds, |db| {
    let source = db.follow("Acme").await;
    poll_naming(db, &source, 1, Some("https://hub.example/")).await;
    let claimed = claim(db, 2, 1).await.unwrap();
    let known = db.store.subscription("token-1").await.unwrap().unwrap();
    let expected =
        Subscription { source: source.id, topic: claimed.topic.clone(), secret: "secret-1".into() };
    assert_eq!(known, expected);
    db.store.confirm_subscription("token-1", at(3), at(5000), at(4000)).await.unwrap();
    db.store.record_subscription(&claimed, None, at(10)).await.unwrap();
    let told = hub(db, source.id).await.unwrap();
    assert_eq!((told.ends_at, told.error), (Some(at(5000)), None));
    assert_eq!(claim(db, 3999, 2).await, None, "it is asked again when its lease comes to its end");
    let again = claim(db, 4000, 2).await.unwrap();
    assert_eq!((again.names.clone(), again.attempts), (names(1), 0));
    db.store.record_subscription(&again, None, at(4100)).await.unwrap();
    assert_eq!(claim(db, 4100, 2).await.unwrap().attempts, 1, "it has not confirmed again");
    db.store.refuse_subscription("token-1", "the hub refuses", at(9000)).await.unwrap();
    let told = hub(db, source.id).await.unwrap();
    assert_eq!((told.ends_at, told.error.as_deref()), (None, Some("the hub refuses")));
});

on_both!(notification_never_delays_the_next_poll, |db| {
    let source = db.follow("Acme").await;
    poll_naming(db, &source, 1, Some("https://hub.example/")).await;
    let next = async || db.store.source(source.id).await.unwrap().unwrap().health.next_poll;
    assert_eq!(next().await, Some(at(90_000)));
    db.store.told_by_hub(source.id, at(50), at(60)).await.unwrap();
    assert_eq!((next().await, hub(db, source.id).await.unwrap().told_at), (Some(at(60)), Some(at(50))));
    db.store.told_by_hub(source.id, at(55), at(70)).await.unwrap();
    assert_eq!(next().await, Some(at(60)));
    let claimed = claim_only(&db.store, &source, at(80)).await;
    let gone = PollOutcome::Gone { error: "410".into() };
    db.store.record_poll(&claimed, gone, at(80), |_| NextPoll::default()).await.unwrap();
    db.store.told_by_hub(source.id, at(90), at(90)).await.unwrap();
    assert_eq!(next().await, None, "it stays retired");
    assert_eq!(claim(db, 99_000, 1).await, None, "and no hub is asked about it");
});

on_both!(lost_lease_frees_a_subscription, |db| {
    let source = db.follow("Acme").await;
    poll_naming(db, &source, 1, Some("https://hub.example/")).await;
    let lost = claim(db, 2, 1).await.unwrap();
    let later = LEASE.as_secs() + 3;
    let busy = ["hub.example".to_owned()];
    assert_eq!(db.store.claim_subscription(at(later), LEASE, &busy, &names(2)).await.unwrap(), None);
    let held = claim(db, later, 2).await.unwrap();
    db.store.record_subscription(&lost, Some("late"), at(99_000)).await.unwrap();
    assert_eq!(hub(db, source.id).await.unwrap().error, None);
    db.store.release_leases().await.unwrap();
    assert_eq!(claim(db, later + 1, 3).await.unwrap().names, held.names);
    db.store.unfollow(source.id, Unfollow::DropReads, at(1000)).await.unwrap();
    assert_eq!(db.store.subscription("token-1").await.unwrap(), None, "it goes with its source");
});
