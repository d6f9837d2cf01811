//! Following, listing, unfollowing; claims and health.

use backissue_model::{NewSource, SourceId, Standing};
use jiff::SignedDuration;

use super::harness::*;
use crate::*;

on_both!(one_feed_under_many_spellings_is_one_source, |db| {
    let first = db.store.follow(&blog("Acme"), at(0)).await.unwrap();
    assert!(first.is_new);
    for spelling in ["http://www.acme.example/feed.xml", "https://acme.example/feed.xml?utm_source=x"] {
        let again = NewSource { feed_url: spelling.parse().ok(), ..blog("Other name") };
        let again = db.store.follow(&again, at(5)).await.unwrap();
        assert_eq!((again.source, again.is_new), (first.source.clone(), false), "{spelling}");
    }
});

on_both!(slugs_are_unique_and_come_from_the_title, |db| {
    let mut slugs = Vec::new();
    for n in 0..3 {
        let new = NewSource { feed_url: format!("https://{n}.example/feed").parse().ok(), ..blog("Acme") };
        slugs.push(db.store.follow(&new, at(0)).await.unwrap().source.slug.to_string());
    }
    assert_eq!(slugs, ["acme-engineering", "acme-engineering-2", "acme-engineering-3"]);
    let found = db.store.source_by_slug("acme-engineering-2").await.unwrap().unwrap();
    assert_eq!(found.feed_url.unwrap().as_str(), "https://1.example/feed");
    assert_eq!(db.store.source_by_slug("nobody").await.unwrap(), None);
    assert_eq!(db.store.source(SourceId(99)).await.unwrap(), None);
});

on_both!(a_source_without_a_title_takes_its_feeds, |db| {
    let new = NewSource { title: String::new(), company: None, ..blog("Acme") };
    let source = db.store.follow(&new, at(0)).await.unwrap().source;
    assert_eq!((source.title.as_str(), source.slug.as_str()), ("acme.example", "acme-example"));
    db.poll(&source, vec![]).await;
    let source = db.store.source(source.id).await.unwrap().unwrap();
    assert_eq!(source.title, "A feed's own title");
    assert_eq!(source.company, "A feed's own title");
    let named = db.follow("Named").await;
    db.poll(&named, vec![]).await;
    assert_eq!(db.store.source(named.id).await.unwrap().unwrap().title, "Named Engineering");
});

on_both!(a_source_without_a_feed_waits, |db| {
    let new = NewSource {
        feed_url: None,
        sitemap_url: "https://acme.example/map.xml".parse().ok(),
        ..blog("Acme")
    };
    let source = db.store.follow(&new, at(0)).await.unwrap().source;
    assert_eq!(source.health.standing, Standing::Waiting);
    assert_eq!(source.health.next_poll, None);
    let scope = Scope::AllNow { since: at(100) };
    assert_eq!(db.store.claim_source(at(100), LEASE, &[], scope).await.unwrap(), None);
    let waiting = SourceFilter { standing: Some(Standing::Waiting), troubled_only: false };
    assert_eq!(db.store.sources(&waiting).await.unwrap().len(), 1);
    let active = SourceFilter { standing: Some(Standing::Active), troubled_only: false };
    assert_eq!(db.store.sources(&active).await.unwrap().len(), 0);
});

on_both!(a_source_is_claimed_once_until_its_lease_ends, |db| {
    db.follow("Acme").await;
    let claimed = db.store.claim_source(at(1), LEASE, &[], Scope::Due).await.unwrap().unwrap();
    assert_eq!(claimed.host, "acme.example");
    assert_eq!(db.store.claim_source(at(2), LEASE, &[], Scope::Due).await.unwrap(), None);
    let later = at(1) + LEASE;
    let again = db.store.claim_source(later, LEASE, &[], Scope::Due).await.unwrap().unwrap();
    // The first worker comes back late: what it found is admitted, but the state is the second one's.
    let late = db
        .store
        .record_poll(&claimed, fetched(vec![entry("https://acme.example/1", None)]), later, Some(at(90_000)))
        .await
        .unwrap();
    assert_eq!(late, Admitted { new: 1, known: 0 });
    assert_eq!(db.store.source(again.source.id).await.unwrap().unwrap().health.last_poll, None);
    db.store.release_leases().await.unwrap();
    assert!(db.store.claim_source(later, LEASE, &[], Scope::Due).await.unwrap().is_some());
});

on_both!(a_busy_host_is_passed_over, |db| {
    db.follow("Acme").await;
    let other = db.follow("Bolt").await;
    let busy = ["acme.example".to_owned()];
    let claimed = db.store.claim_source(at(1), LEASE, &busy, Scope::Due).await.unwrap().unwrap();
    assert_eq!(claimed.source.id, other.id);
    assert_eq!(db.store.claim_source(at(1), LEASE, &busy, Scope::Due).await.unwrap(), None);
});

on_both!(all_now_asks_each_once_whatever_the_schedule, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![]).await;
    assert_eq!(db.store.claim_source(at(10), LEASE, &[], Scope::Due).await.unwrap(), None, "not due yet");
    let scope = Scope::AllNow { since: at(10) };
    let claimed = db.store.claim_source(at(10), LEASE, &[], scope).await.unwrap().unwrap();
    db.store.record_poll(&claimed, fetched(vec![]), at(11), Some(at(4000))).await.unwrap();
    assert_eq!(db.store.claim_source(at(12), LEASE, &[], scope).await.unwrap(), None, "asked in this round");
});

on_both!(health_tells_how_polls_went, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![]).await;
    let fail = async |seconds: i64, outcome: PollOutcome, next: Option<i64>| {
        let scope = Scope::AllNow { since: at(seconds) };
        let claimed = db.store.claim_source(at(seconds), LEASE, &[], scope).await.unwrap().unwrap();
        db.store.record_poll(&claimed, outcome, at(seconds), next.map(at)).await.unwrap();
        db.store.source(source.id).await.unwrap().unwrap().health
    };
    let failed = || PollOutcome::Failed { error: "the server hung up".into() };
    fail(100, failed(), Some(200)).await;
    let health = fail(200, failed(), Some(500)).await;
    assert_eq!((health.failures, health.last_error.as_deref()), (2, Some("the server hung up")));
    assert_eq!(
        (health.last_poll, health.last_success, health.next_poll),
        (Some(at(200)), Some(at(1)), Some(at(500)))
    );
    let troubled = SourceFilter { standing: None, troubled_only: true };
    assert_eq!(db.store.sources(&troubled).await.unwrap().len(), 1);
    let moved = PollOutcome::NotModified {
        etag: None,
        last_modified: Some("yesterday".into()),
        moved_to: "https://acme.example/new.xml".parse().ok(),
    };
    let health = fail(500, moved, Some(900)).await;
    assert_eq!((health.failures, health.last_error), (0, None));
    assert_eq!((health.etag.as_deref(), health.last_modified.as_deref()), (Some("\"1\""), Some("yesterday")));
    let feed = db.store.source(source.id).await.unwrap().unwrap().feed_url.unwrap();
    assert_eq!(feed.as_str(), "https://acme.example/new.xml");
    let old = db.store.follow(&NewSource { feed_url: Some(feed), ..blog("Acme") }, at(0)).await.unwrap();
    assert_eq!((old.source.id, old.is_new), (source.id, false), "it is known by its new address");
    let health = fail(900, PollOutcome::Gone { error: "410 Gone".into() }, None).await;
    assert_eq!((health.standing, health.next_poll), (Standing::Retired, None));
    let scope = Scope::AllNow { since: at(2000) };
    assert_eq!(db.store.claim_source(at(2000), LEASE, &[], scope).await.unwrap(), None);
});

on_both!(unfollowing_drops_what_turned_up_nowhere_else, |db| {
    let (acme, bolt) = (db.follow("Acme").await, db.follow("Bolt").await);
    let shared = "https://acme.example/shared";
    db.poll(
        &acme,
        vec![entry("https://acme.example/own", Some("2026-05-11")), entry(shared, Some("2026-05-12"))],
    )
    .await;
    db.poll(&bolt, vec![entry(shared, None), entry("https://bolt.example/own", Some("2026-05-13"))]).await;
    assert_eq!(db.finish_all().await.len(), 3);
    db.poll(&acme, vec![entry("https://acme.example/on-its-way", None)]).await;
    let gone = db.store.unfollow(acme.id).await.unwrap();
    assert_eq!(gone, Unfollowed { reads_kept: 1, reads_dropped: 2 });
    db.assert_sound().await;
    let left = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 10).await;
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|card| card.source == bolt.id), "the shared one is Bolt's now");
    assert_eq!(db.store.source(bolt.id).await.unwrap().unwrap().reads, 2);
    assert!(matches!(db.store.unfollow(acme.id).await, Err(StoreError::NotFound { .. })));
    // Followed anew, its reads come back as new ones.
    let acme = db.follow("Acme").await;
    let again = vec![entry("https://acme.example/own", None), entry(shared, None)];
    assert_eq!(db.poll(&acme, again).await, Admitted { new: 1, known: 1 });
});

on_both!(a_poll_of_a_source_unfollowed_meanwhile_changes_nothing, |db| {
    let source = db.follow("Acme").await;
    let claimed = claim_only(&db.store, &source, at(1)).await;
    db.store.unfollow(source.id).await.unwrap();
    let outcome = fetched(vec![entry("https://acme.example/1", None)]);
    let admitted = db.store.record_poll(&claimed, outcome, at(2), Some(at(3))).await.unwrap();
    assert_eq!(admitted, Admitted::default());
});

on_both!(the_next_due_moment_is_the_earliest_that_is_still_to_come, |db| {
    assert_eq!(db.store.next_due(at(0)).await.unwrap(), None);
    let source = db.follow("Acme").await;
    assert_eq!(db.store.next_due(at(-1)).await.unwrap(), Some(at(0)));
    assert_eq!(db.store.next_due(at(0)).await.unwrap(), None, "it is due already");
    db.poll(&source, vec![]).await;
    assert_eq!(db.store.next_due(at(2)).await.unwrap(), Some(at(1) + SignedDuration::from_hours(1)));
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    assert_eq!(db.store.next_due(at(1)).await.unwrap(), Some(at(2)), "its read is due");
    let poll = at(2) + SignedDuration::from_hours(1);
    assert_eq!(db.store.next_due(at(3)).await.unwrap(), Some(poll), "which is no news later");
    db.store.claim_read(backissue_model::Stage::Discovered, at(5), LEASE, &[]).await.unwrap().unwrap();
    assert_eq!(db.store.next_due(at(6)).await.unwrap(), Some(at(5) + LEASE), "a lease ends");
    assert_eq!(db.store.next_due(poll).await.unwrap(), None);
});

on_both!(a_site_that_is_not_on_the_web_is_not_kept, |db| {
    let script = || "javascript:alert(1)".parse().ok();
    let new = NewSource { site_url: script(), ..blog("Acme") };
    let source = db.store.follow(&new, at(0)).await.unwrap().source;
    assert_eq!(source.site_url, None);
    for (said, kept) in [
        (script(), None),
        ("data:text/html,x".parse().ok(), None),
        ("http://acme.example/".parse().ok(), Some("http://acme.example/")),
    ] {
        let now = at(10) + SignedDuration::from_secs(kept.map_or(0, |_| 1));
        let claimed = claim_only(&db.store, &source, now).await;
        let mut outcome = fetched(vec![]);
        let PollOutcome::Fetched { site_url, .. } = &mut outcome else { unreachable!() };
        *site_url = said;
        let before = now - SignedDuration::from_secs(5);
        db.store.record_poll(&claimed, outcome, before, Some(now)).await.unwrap();
        let site = db.store.source(source.id).await.unwrap().unwrap().site_url;
        assert_eq!(site.as_ref().map(url::Url::as_str), kept);
    }
});

/// A poll in which the server says that the feed has moved for good.
async fn move_to(db: &TestDatabase, id: SourceId, seconds: i64, to: &str) -> backissue_model::Source {
    let source = db.store.source(id).await.unwrap().unwrap();
    let claimed = claim_only(&db.store, &source, at(seconds)).await;
    let moved = PollOutcome::NotModified { etag: None, last_modified: None, moved_to: to.parse().ok() };
    db.store.record_poll(&claimed, moved, at(seconds), Some(at(seconds + 9))).await.unwrap();
    db.store.source(id).await.unwrap().unwrap()
}

on_both!(a_feed_that_moved_is_found_under_its_old_addresses, |db| {
    let id = db.follow("Acme").await.id;
    let followed = async |url: &str| {
        let new = NewSource { feed_url: url.parse().ok(), ..blog("Acme") };
        let follow = db.store.follow(&new, at(0)).await.unwrap();
        (follow.source.id, follow.is_new)
    };
    move_to(db, id, 10, "https://acme.example/second.xml").await;
    move_to(db, id, 20, "https://acme.example/third.xml").await;
    for old in ["feed.xml", "second.xml?utm_source=x", "third.xml"] {
        assert_eq!(followed(&format!("http://www.acme.example/{old}")).await, (id, false), "{old}");
    }
    // There and back again.
    move_to(db, id, 30, "https://acme.example/feed.xml").await;
    assert_eq!(followed("https://acme.example/feed.xml").await, (id, false));
    assert_eq!(followed("https://acme.example/third.xml").await, (id, false));
    db.store.unfollow(id).await.unwrap();
    assert!(followed("https://acme.example/third.xml").await.1, "it is forgotten with its source");
});

on_both!(a_feed_that_moves_onto_another_sources_retires, |db| {
    let (acme, bolt) = (db.follow("Acme").await, db.follow("Bolt").await);
    db.poll(&acme, vec![entry("https://acme.example/1", None)]).await;
    let moved = move_to(db, acme.id, 10, "http://bolt.example/feed.xml").await;
    assert_eq!((moved.health.standing, moved.health.next_poll), (Standing::Retired, None));
    let why = moved.health.last_error.unwrap();
    assert!(why.contains("Bolt Engineering (bolt-engineering)"), "{why}");
    assert_eq!(moved.feed_url, acme.feed_url);
    assert_eq!(db.store.source(bolt.id).await.unwrap().unwrap().health.standing, Standing::Active);
    assert_eq!(db.finish_all().await.len(), 1, "its reads stay");
    assert!(!db.store.follow(&blog("Acme"), at(20)).await.unwrap().is_new);
});
