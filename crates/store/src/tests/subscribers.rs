//! Subscribing by mail: links, limits, removal.

use backissue_model::SubscriberAddress;
use jiff::{SignedDuration, Timestamp};

use super::harness::*;
use crate::*;

fn address(text: &str) -> SubscriberAddress {
    text.parse().unwrap()
}

fn hours(hours: i64) -> Timestamp {
    at(hours * 3_600)
}

on_both!(link_confirms_once_and_until_it_ends, |db| {
    let store = &db.store;
    assert!(store.ask_subscriber(&address("ada@example.org"), "link", at(0)).await.unwrap());
    assert!(store.subscribers().await.unwrap().is_empty(), "nobody confirmed it");
    let due = store.take_subscriber_due(at(1)).await.unwrap().unwrap();
    assert_eq!((due.address.as_str(), due.token.as_str()), ("ada@example.org", "link"));
    assert!(store.take_subscriber_due(at(2)).await.unwrap().is_none(), "it is mailed once");

    assert!(!store.remove_subscriber("link", hours(1)).await.unwrap(), "the link does not unsubscribe");
    assert!(!store.confirm_subscriber("other", "stop", hours(1)).await.unwrap());
    let late = at(0) + LINK_LASTS + SignedDuration::from_secs(1);
    assert!(!store.confirm_subscriber("link", "stop", late).await.unwrap(), "it has ended");
    assert!(store.subscriber("link", late).await.unwrap().is_none());
    assert!(store.confirm_subscriber("link", "stop", hours(1)).await.unwrap());
    assert!(!store.confirm_subscriber("link", "again", hours(1)).await.unwrap(), "it works once");
    assert!(!store.ask_subscriber(&address("ada@example.org"), "more", hours(9)).await.unwrap());
    let all = store.subscribers().await.unwrap();
    assert_eq!((all.len(), all[0].token.as_str(), all[0].is_confirmed), (1, "stop", true));

    let name = all[0].name();
    store.recipient(&name, hours(2)).await.unwrap();
    let week = "2026-W19".parse().unwrap();
    store.claim_sending(&name, Dispatch::Week(week), Resend::No, LEASE, hours(2)).await.unwrap();
    assert!(!store.was_stopped("stop").await.unwrap());
    let removed = async || store.remove_subscriber("stop", hours(2)).await.unwrap();
    assert!(removed().await && !removed().await);
    assert!(store.was_stopped("stop").await.unwrap() && !store.was_stopped("link").await.unwrap());
    assert!(store.sending(&name, None).await.unwrap().is_none(), "only the token stays");
    assert!(store.subscriber("stop", hours(3)).await.unwrap().is_none());
    // The address can subscribe again, by a new link.
    assert!(store.ask_subscriber(&address("ada@example.org"), "new", hours(3)).await.unwrap());
});

on_both!(address_gets_few_links_and_few_addresses_wait, |db| {
    let store = &db.store;
    let ada = address("ada@example.org");
    let mut mails = 0;
    // Asked each ten minutes for a day.
    for turn in 0..144 {
        store.ask_subscriber(&ada, &format!("link {turn}"), at(turn * 600)).await.unwrap();
        while let Some(due) = store.take_subscriber_due(at(turn * 600)).await.unwrap() {
            assert_eq!(due.token, "link 0", "it stays the same link");
            mails += 1;
            // The server is down: each attempt counts.
            store.retry_subscriber(&due.token, at(turn * 600)).await.unwrap();
        }
    }
    assert_eq!(mails, 3);
    for number in 0..999 {
        let other = address(&format!("reader{number}@example.org"));
        assert!(store.ask_subscriber(&other, &format!("token {number}"), hours(24)).await.unwrap());
    }
    let one_more = address("eve@example.org");
    assert!(!store.ask_subscriber(&one_more, "one more", hours(24)).await.unwrap(), "too many wait");
    // Links that have ended count no more.
    assert!(store.ask_subscriber(&one_more, "one more", hours(24 + 49)).await.unwrap());
});
