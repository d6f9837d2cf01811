//! Digests that readers chose for themselves.

use backissue_model::{DigestChoice, DigestPart, ReaderId, Role, SubscriberAddress};
use jiff::civil::Weekday;
use jiff::{SignedDuration, Timestamp};

use super::harness::*;
use crate::*;

fn address(text: &str) -> SubscriberAddress {
    text.parse().unwrap()
}

fn hours(hours: i64) -> Timestamp {
    at(hours * 3_600)
}

fn choice() -> DigestChoice {
    DigestChoice {
        part: DigestPart::Everything,
        search: None,
        most: 7,
        weekday: Weekday::Friday,
        hour: 17,
        time_zone: "Europe/Berlin".to_owned(),
    }
}

async fn set(store: &Store, reader: ReaderId, to: &str, token: &str, now: Timestamp) -> OwnDigestSaved {
    store.set_own_digest(reader, &address(to), &choice(), token, now).await.unwrap()
}

on_both!(own_digest_is_sent_once_its_address_is_confirmed, |db| {
    let (store, one) = (&db.store, ReaderId::ONE);
    assert_eq!(store.own_digest(one).await.unwrap(), None);
    assert_eq!(set(store, one, "ada@example.org", "link", at(0)).await, OwnDigestSaved::LinkDue);
    assert!(store.own_digests().await.unwrap().is_empty(), "nobody confirmed it");
    let due = store.take_own_digest_due(at(1)).await.unwrap().unwrap();
    assert_eq!((due.address.as_str(), due.token.as_str(), due.choice), ("ada@example.org", "link", choice()));
    assert!(store.take_own_digest_due(at(2)).await.unwrap().is_none(), "it is mailed once");
    let late = at(0) + LINK_LASTS + SignedDuration::from_secs(1);
    assert!(store.own_digest_of("link", late).await.unwrap().is_none());
    assert!(!store.confirm_own_digest("link", "stop", late).await.unwrap(), "it has ended");
    assert!(store.confirm_own_digest("link", "stop", hours(1)).await.unwrap());
    assert!(!store.confirm_own_digest("link", "other", hours(1)).await.unwrap(), "it works once");
    let all = store.own_digests().await.unwrap();
    assert_eq!((all.len(), all[0].token.as_str(), all[0].name().as_str()), (1, "stop", "reader/1"));
    assert_eq!(store.recipient("reader/1", hours(9)).await.unwrap().since, hours(1));

    // What is chosen changes without a new link; another address needs one.
    let fewer = DigestChoice { most: 3, ..choice() };
    let ada = address("ada@example.org");
    let saved = store.set_own_digest(one, &ada, &fewer, "unused", hours(2)).await.unwrap();
    assert_eq!(saved, OwnDigestSaved::Confirmed);
    let kept = store.own_digest(one).await.unwrap().unwrap();
    assert_eq!((kept.choice.most, kept.token.as_str(), kept.is_confirmed), (3, "stop", true));
    assert_eq!(set(store, one, "ada@example.com", "next", hours(3)).await, OwnDigestSaved::LinkDue);
    assert!(store.own_digests().await.unwrap().is_empty(), "the new address is not confirmed");
    assert!(store.was_stopped("stop").await.unwrap());

    assert!(store.confirm_own_digest("next", "stop 2", hours(4)).await.unwrap());
    let week = Dispatch::Week("2026-W19".parse().unwrap());
    store.claim_sending("reader/1", week, Resend::No, LEASE, hours(5)).await.unwrap();
    assert!(store.fail_own_digest("stop 2", "5.1.1 no such user").await.unwrap());
    assert!(store.sending("reader/1", None).await.unwrap().is_none(), "the week is due again");
    let failed = store.own_digest(one).await.unwrap().unwrap();
    assert_eq!((failed.is_confirmed, failed.trouble.as_deref()), (false, Some("5.1.1 no such user")));
    assert!(store.own_digests().await.unwrap().is_empty());
    assert_eq!(store.failed_own_digests().await.unwrap(), [failed]);
});

on_both!(own_digest_leaves_nothing_but_its_token, |db| {
    let (store, one) = (&db.store, ReaderId::ONE);
    set(store, one, "ada@example.org", "link", at(0)).await;
    assert!(store.remove_own_digest(one, at(1)).await.unwrap());
    assert!(!store.was_stopped("link").await.unwrap(), "nobody got a mail");
    set(store, one, "ada@example.org", "link", at(2)).await;
    assert!(store.confirm_own_digest("link", "stop", at(3)).await.unwrap());
    let week = Dispatch::Week("2026-W19".parse().unwrap());
    store.claim_sending("reader/1", week, Resend::No, LEASE, at(4)).await.unwrap();
    assert!(store.remove_own_digest(one, at(5)).await.unwrap());
    assert!(!store.remove_own_digest(one, at(6)).await.unwrap());
    assert!(store.sending("reader/1", None).await.unwrap().is_none());
    assert_eq!(store.own_digest(one).await.unwrap(), None);
    assert!(store.was_stopped("stop").await.unwrap());

    // A reader who leaves gets no more mails.
    let anna = store.add_reader(&"anna".parse().unwrap(), Role::Reader).await.unwrap().unwrap();
    set(store, anna, "anna@example.org", "annas", at(7)).await;
    assert!(store.confirm_own_digest("annas", "annas stop", at(8)).await.unwrap());
    store.remove_reader(anna, Leaving::KeepData, at(9)).await.unwrap();
    assert!(store.own_digests().await.unwrap().is_empty());
    assert_eq!(store.own_digest(anna).await.unwrap(), None);
});

on_both!(reader_causes_few_mails_with_links_within_a_day, |db| {
    let (store, one) = (&db.store, ReaderId::ONE);
    let mut mails = 0;
    for turn in 0..20 {
        let (to, token) = (format!("reader{turn}@example.org"), format!("link {turn}"));
        set(store, one, &to, &token, hours(turn)).await;
        while store.take_own_digest_due(hours(turn)).await.unwrap().is_some() {
            mails += 1;
        }
    }
    assert_eq!(mails, 3);
    assert_eq!(set(store, one, "more@example.org", "more", hours(20)).await, OwnDigestSaved::TooManyLinks);
    let kept = store.own_digest(one).await.unwrap().unwrap();
    assert_eq!(kept.address, "reader2@example.org", "nothing was stored");
    assert_eq!(set(store, one, "more@example.org", "more", hours(24)).await, OwnDigestSaved::LinkDue);
    // The server is down: each attempt counts.
    for turn in 0..9 {
        if let Some(due) = store.take_own_digest_due(hours(25 + turn)).await.unwrap() {
            mails += 1;
            store.retry_own_digest(&due.token, hours(25 + turn)).await.unwrap();
        }
    }
    assert_eq!(mails, 6);
});

on_both!(own_digest_names_only_the_readers_saved_search, |db| {
    let (store, one) = (&db.store, ReaderId::ONE);
    let anna = store.add_reader(&"anna".parse().unwrap(), Role::Reader).await.unwrap().unwrap();
    let search = OwnSearch {
        name: "storms".parse().unwrap(),
        question: "retry storms".parse().unwrap(),
        recipient: None,
    };
    let SearchSaved::Saved(id) = store.save_search(one, &search, at(0)).await.unwrap() else { panic!() };
    let choice = DigestChoice { part: DigestPart::Search, search: Some(id), ..choice() };
    for (reader, to, found) in [(one, "one@example.org", Some(id)), (anna, "anna@example.org", None)] {
        store.set_own_digest(reader, &address(to), &choice, to, at(1)).await.unwrap();
        let own = store.own_digest(reader).await.unwrap().unwrap();
        assert_eq!((own.choice.search, own.search.is_some()), (found, found.is_some()), "{to}");
    }
    store.remove_search(one, id).await.unwrap();
    let own = store.own_digest(one).await.unwrap().unwrap();
    assert_eq!((own.choice.part, own.choice.search, own.search), (DigestPart::Search, None, None));
});
