//! Following, listing, unfollowing; claims and health.

use backissue_model::{Because, Moved, Moving, NewSource, Pace, PollingHints, SourceId, Standing};
use backissue_needs::needs;
use jiff::{SignedDuration, Timestamp};

use super::harness::*;
use crate::*;

on_both!(feed_with_many_spellings_is_one_source, |db| {
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
    for other in ["nobody", "acme\0engineering"] {
        assert_eq!(db.store.source_by_slug(other).await.unwrap(), None);
    }
    assert_eq!(db.store.source(SourceId(99)).await.unwrap(), None);
});

on_both!(source_without_a_title_takes_its_feeds, |db| {
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

on_both!(source_without_a_feed_waits, |db| {
    let new = NewSource { feed_url: None, ..blog("Acme") };
    let source = db.store.follow(&new, at(0)).await.unwrap().source;
    assert_eq!(source.health.standing, Standing::Waiting);
    assert_eq!(source.health.next_poll, None);
    let scope = Scope::AllNow { since: at(100) };
    assert_eq!(db.store.claim_source(at(100), LEASE, &[], scope).await.unwrap(), None);
    let waiting = SourceFilter { standing: Some(Standing::Waiting), troubled_only: false };
    assert_eq!(db.store.sources(&waiting).await.unwrap().len(), 1);
    let active = SourceFilter { standing: Some(Standing::Active), troubled_only: false };
    assert_eq!(db.store.sources(&active).await.unwrap().len(), 0);

    let listed = "https://listed.example/posts".parse().ok();
    let new = NewSource { feed_url: None, listing_url: listed, ..blog("Listed") };
    let source = db.store.follow(&new, at(0)).await.unwrap().source;
    assert_eq!((source.health.standing, source.health.next_poll), (Standing::Active, Some(at(0))));
    let claimed = db.store.claim_source(at(100), LEASE, &[], Scope::Due).await.unwrap().unwrap();
    assert_eq!((claimed.source.id, claimed.host.as_str()), (source.id, "listed.example"));
});

on_both!(source_is_claimed_once_until_its_lease_ends, |db| {
    db.follow("Acme").await;
    let claimed = db.store.claim_source(at(1), LEASE, &[], Scope::Due).await.unwrap().unwrap();
    assert_eq!(claimed.host, "acme.example");
    assert_eq!(db.store.claim_source(at(2), LEASE, &[], Scope::Due).await.unwrap(), None);
    let later = at(1) + LEASE;
    let again = db.store.claim_source(later, LEASE, &[], Scope::Due).await.unwrap().unwrap();
    // The first worker is late: its entries are admitted, but the state is the second one's.
    let late = db
        .store
        .record_poll(&claimed, fetched(vec![entry("https://acme.example/1", None)]), later, |_| {
            Some(at(90_000)).into()
        })
        .await
        .unwrap();
    assert_eq!(late, Admitted { new: 1, known: 0, left: 0 });
    assert_eq!(db.store.source(again.source.id).await.unwrap().unwrap().health.last_poll, None);
    db.store.release_leases().await.unwrap();
    assert!(db.store.claim_source(later, LEASE, &[], Scope::Due).await.unwrap().is_some());
});

on_both!(busy_host_is_skipped, |db| {
    db.follow("Acme").await;
    let other = db.follow("Bolt").await;
    let busy = ["acme.example".to_owned()];
    let claimed = db.store.claim_source(at(1), LEASE, &busy, Scope::Due).await.unwrap().unwrap();
    assert_eq!(claimed.source.id, other.id);
    assert_eq!(db.store.claim_source(at(1), LEASE, &busy, Scope::Due).await.unwrap(), None);
});

on_both!(site_is_passed_over_with_all_its_hosts, |db| {
    for name in ["Acme", "Eng.Acme", "NotAcme"] {
        db.follow(name).await;
    }
    let busy = ["*.acme.example".to_owned()];
    let claimed = db.store.claim_source(at(1), LEASE, &busy, Scope::Due).await.unwrap().unwrap();
    assert_eq!(claimed.host, "notacme.example");
    assert_eq!(db.store.claim_source(at(1), LEASE, &busy, Scope::Due).await.unwrap(), None);
    assert!(db.store.claim_source(at(1), LEASE, &[], Scope::Due).await.unwrap().is_some());
});

on_both!(all_now_asks_each_once_whatever_the_schedule, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![]).await;
    assert_eq!(db.store.claim_source(at(10), LEASE, &[], Scope::Due).await.unwrap(), None, "not due yet");
    let scope = Scope::AllNow { since: at(10) };
    let claimed = db.store.claim_source(at(10), LEASE, &[], scope).await.unwrap().unwrap();
    db.store.record_poll(&claimed, fetched(vec![]), at(11), |_| Some(at(4000)).into()).await.unwrap();
    assert_eq!(db.store.claim_source(at(12), LEASE, &[], scope).await.unwrap(), None, "asked in this round");
});

on_both!(health_records_the_results_of_polls, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![]).await;
    let fail = async |seconds: i64, outcome: PollOutcome, next: Option<i64>| {
        let scope = Scope::AllNow { since: at(seconds) };
        let claimed = db.store.claim_source(at(seconds), LEASE, &[], scope).await.unwrap().unwrap();
        db.store.record_poll(&claimed, outcome, at(seconds), |_| next.map(at).into()).await.unwrap();
        db.store.source(source.id).await.unwrap().unwrap().health
    };
    let failed = || PollOutcome::Failed { error: "the server hung up".into() };
    fail(100, failed(), Some(200)).await;
    let health = fail(200, failed(), Some(500)).await;
    assert_eq!((health.failures, health.last_error.as_deref()), (2, Some("the server hung up")));
    assert_eq!(health.failing_since, Some(at(100)), "since the first of them");
    assert_eq!(
        (health.last_poll, health.last_success, health.next_poll),
        (Some(at(200)), Some(at(1)), Some(at(500)))
    );
    let troubled = SourceFilter { standing: None, troubled_only: true };
    assert_eq!(db.store.sources(&troubled).await.unwrap().len(), 1);
    let moved = PollOutcome::NotModified {
        etag: None,
        last_modified: Some("yesterday".into()),
        address: Address::Moved("https://acme.example/new.xml".parse().unwrap()),
    };
    let health = fail(500, moved, Some(900)).await;
    assert_eq!((health.failures, health.last_error, health.failing_since), (0, None, None));
    let moved = Moved { from: "https://acme.example/feed.xml".parse().unwrap(), at: at(500) };
    assert_eq!(health.moved, Some(moved));
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

on_both!(next_poll_depends_on_the_newest_reads, |db| {
    let (acme, bolt) = (db.follow("Acme").await, db.follow("Bolt").await);
    db.poll(&bolt, vec![entry("https://bolt.example/1", Some("2026-05-12"))]).await;
    let asked = async |seconds: i64, outcome: PollOutcome| {
        let claimed = claim_only(&db.store, &acme, at(seconds)).await;
        let seen = std::sync::Mutex::new(Vec::new());
        let next = |appeared: &[Timestamp]| {
            *seen.lock().unwrap() = appeared.to_vec();
            let pace = Pace { gap: None, pause: SignedDuration::from_hours(3), because: Because::Server };
            NextPoll { at: Some(at(9000)), pace: Some(pace) }
        };
        db.store.record_poll(&claimed, outcome, at(seconds), next).await.unwrap();
        seen.into_inner().unwrap()
    };
    let day = |day: u32| format!("2026-05-{day:02}");
    let old = (1..=11).map(|n| entry(&format!("https://acme.example/{n}"), Some(&day(n)))).collect();
    let appeared = asked(10, fetched(old)).await;
    let dates: Vec<String> = appeared.iter().map(|at| at.to_string()[..10].to_owned()).collect();
    assert_eq!(dates, (2..=11).rev().map(day).collect::<Vec<_>>(), "the ten newest, newest first");
    let dateless = vec![entry("https://acme.example/new", None), entry("https://acme.example/1", None)];
    assert_eq!(asked(20, fetched(dateless)).await[0], at(20), "what has no date appears when it is seen");
    let failed = PollOutcome::Failed { error: "the server hung up".into() };
    assert_eq!(asked(30, failed).await.len(), 10);
    let health = db.store.source(acme.id).await.unwrap().unwrap().health;
    assert_eq!(health.next_poll, Some(at(9000)));
    assert_eq!(health.pace.unwrap().because, Because::Server);
});

on_both!(poll_records_polling_hints_and_new_reads, |db| {
    let source = db.follow("Acme").await;
    let health = async || db.store.source(source.id).await.unwrap().unwrap().health;
    assert_eq!((health().await.polling_hints, health().await.last_new), (PollingHints::default(), None));
    let said = PollingHints {
        pause: Some(SignedDuration::from_mins(90)),
        skip_hours: [0, 23].into(),
        hub: "https://hub.example/".parse().ok(),
        ..PollingHints::default()
    };
    let mut outcome =
        fetched(vec![entry("https://acme.example/1", None), entry("https://acme.example/2", None)]);
    let PollOutcome::Fetched { polling_hints, .. } = &mut outcome else { unreachable!() };
    polling_hints.clone_from(&said);
    let claimed = claim_only(&db.store, &source, at(5)).await;
    db.store.record_poll(&claimed, outcome, at(5), |_| NextPoll::default()).await.unwrap();
    assert_eq!((health().await.polling_hints, health().await.last_new), (said.clone(), Some(2)));
    let unchanged = PollOutcome::NotModified { etag: None, last_modified: None, address: Address::Stays };
    let claimed = claim_only(&db.store, &source, at(6)).await;
    db.store.record_poll(&claimed, unchanged, at(6), |_| NextPoll::default()).await.unwrap();
    assert_eq!((health().await.polling_hints, health().await.last_new), (said, None));
});

on_both!(entries_match_by_address_or_distinctive_title, |db| {
    let (acme, bolt) = (db.follow("Acme").await, db.follow("Bolt").await);
    let titled = |url: &str, title: &str| {
        let mut admission = entry(url, None);
        admission.entry.title = Some(title.to_owned());
        admission
    };
    let long = "Why our queue grew for nine hours";
    db.poll(&acme, vec![titled("https://acme.example/1", long), titled("https://acme.example/2", "Hello")])
        .await;
    for (url, title, known) in [
        ("http://www.acme.example/1/?utm_source=x", "Whatever", true),
        ("https://acme.example/2024/queue", "Why our QUEUE grew – for nine hours!", true),
        ("https://acme.example/hello-again", "Hello", false),
        ("https://acme.example/3", "Another one that is long enough", false),
    ] {
        let entries = [entry("https://elsewhere.example/", None), titled(url, title)];
        assert_eq!(db.store.has_any_of(acme.id, &entries).await.unwrap(), known, "{url} {title}");
        assert!(!db.store.has_any_of(bolt.id, &entries).await.unwrap(), "another source's: {url}");
    }
    assert!(!db.store.has_any_of(acme.id, &[]).await.unwrap());
});

on_both!(unfollowing_drops_reads_without_another_source, |db| {
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
    let gone = db.store.unfollow(acme.id, Unfollow::DropReads, at(1000)).await.unwrap();
    assert_eq!(gone, Unfollowed { reads_kept: 1, reads_dropped: 2 });
    db.assert_sound().await;
    let left = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 10).await;
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|card| card.source == bolt.id), "the shared one is Bolt's now");
    assert_eq!(db.store.source(bolt.id).await.unwrap().unwrap().reads, 2);
    assert!(matches!(
        db.store.unfollow(acme.id, Unfollow::DropReads, at(1000)).await,
        Err(StoreError::NotFound { .. })
    ));
    // Followed again, its reads come back as new ones.
    let acme = db.follow("Acme").await;
    let again = vec![entry("https://acme.example/own", None), entry(shared, None)];
    assert_eq!(db.poll(&acme, again).await, Admitted { new: 1, known: 1, left: 0 });
});

on_both!(poll_of_an_unfollowed_source_changes_nothing, |db| {
    let source = db.follow("Acme").await;
    let claimed = claim_only(&db.store, &source, at(1)).await;
    db.store.unfollow(source.id, Unfollow::DropReads, at(1000)).await.unwrap();
    let outcome = fetched(vec![entry("https://acme.example/1", None)]);
    let admitted = db.store.record_poll(&claimed, outcome, at(2), |_| Some(at(3)).into()).await.unwrap();
    assert_eq!(admitted, Admitted::default());
});

on_both!(next_due_time_is_the_earliest_future_one, |db| {
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

on_both!(site_that_is_not_on_the_web_is_not_stored, |db| {
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
        db.store.record_poll(&claimed, outcome, before, |_| Some(now).into()).await.unwrap();
        let site = db.store.source(source.id).await.unwrap().unwrap().site_url;
        assert_eq!(site.as_ref().map(url::Url::as_str), kept);
    }
});

/// A poll with a permanent redirect of the feed.
async fn move_to(db: &TestDatabase, id: SourceId, seconds: i64, to: &str) -> backissue_model::Source {
    let source = db.store.source(id).await.unwrap().unwrap();
    let claimed = claim_only(&db.store, &source, at(seconds)).await;
    let address = Address::Moved(to.parse().unwrap());
    let moved = PollOutcome::NotModified { etag: None, last_modified: None, address };
    db.store.record_poll(&claimed, moved, at(seconds), |_| Some(at(seconds + 9)).into()).await.unwrap();
    db.store.source(id).await.unwrap().unwrap()
}

on_both!(unconfirmed_move_is_stored_until_contradicted, |db| {
    let feed_url = "https://me:secret@acme.example/feed.xml".parse().ok();
    let new = NewSource { feed_url, ..blog("Acme") };
    let source = db.store.follow(&new, at(0)).await.unwrap().source;
    let moving = Moving { to: "https://acme.example/new.xml".parse().unwrap(), since: at(10) };
    let mut seconds = 10;
    let mut told = async |outcome: PollOutcome| {
        seconds += 1;
        let claimed = claim_only(&db.store, &source, at(seconds)).await;
        db.store.record_poll(&claimed, outcome, at(seconds), |_| NextPoll::default()).await.unwrap();
        let source = db.store.source(source.id).await.unwrap().unwrap();
        (source.feed_url, source.health.moving, source.health.moved)
    };
    let unchanged = |address| PollOutcome::NotModified { etag: None, last_modified: None, address };
    let moves = || unchanged(Address::Moves(moving.clone()));
    let waits = (source.feed_url.clone(), Some(moving.clone()), None);
    assert_eq!(told(moves()).await, waits);
    assert_eq!(
        told(PollOutcome::Failed { error: "no answer".into() }).await,
        waits,
        "which says nothing of it"
    );
    assert_eq!(told(unchanged(Address::Stays)).await, (source.feed_url.clone(), None, None));
    told(moves()).await;
    let to: url::Url = "https://me:secret@acme.example/new.xml".parse().unwrap();
    let (feed_url, moving, moved) = told(unchanged(Address::Moved(to.clone()))).await;
    assert_eq!((feed_url, moving), (Some(to), None));
    assert_eq!(moved.unwrap().from.as_str(), "https://acme.example/feed.xml", "shown to anybody");
});

on_both!(moved_feed_is_found_by_its_old_addresses, |db| {
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
    // There and back.
    move_to(db, id, 30, "https://acme.example/feed.xml").await;
    assert_eq!(followed("https://acme.example/feed.xml").await, (id, false));
    assert_eq!(followed("https://acme.example/third.xml").await, (id, false));
    db.store.unfollow(id, Unfollow::DropReads, at(1000)).await.unwrap();
    assert!(followed("https://acme.example/third.xml").await.1, "it is forgotten with its source");
});

on_both!(feed_that_moves_to_another_sources_address_retires, |db| {
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

on_both!(source_can_be_renamed_grouped_and_paused, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    db.finish_all().await;
    let before = db.store.archive_version().await.unwrap();
    let change = SourceChange {
        title: Some(" The Acme blog ".into()),
        company: Some("Acme Inc".into()),
        group: Some("Databases".into()),
        paused: Some(true),
        ..SourceChange::default()
    };
    let changed = db.store.change_source(source.id, &change, at(50)).await.unwrap().unwrap();
    assert_eq!((changed.title.as_str(), changed.company.as_str()), ("The Acme blog", "Acme Inc"));
    assert_eq!((changed.group.as_deref(), changed.slug), (Some("Databases"), source.slug.clone()));
    assert_eq!(changed.health.standing, Standing::Paused);
    let changes = db.store.changes(ChangeMark::after_version(before), 10).await.unwrap();
    assert_eq!(changes.reads.len(), 1, "its reads are indexed again");
    assert_eq!(changes.reads[0].card.company, "Acme Inc");

    let all = Scope::AllNow { since: at(9_000) };
    assert_eq!(db.store.claim_source(at(9_000), LEASE, &[], all).await.unwrap(), None);
    assert_eq!(db.store.tally(at(9_000)).await.unwrap().sources_active, 0);
    assert_eq!(db.store.next_due(at(0)).await.unwrap(), None);
    let of = |standing| SourceFilter { standing: Some(standing), troubled_only: false };
    assert_eq!(db.store.sources(&of(Standing::Active)).await.unwrap().len(), 0);
    assert_eq!(db.store.sources(&of(Standing::Paused)).await.unwrap().len(), 1);

    let resume = SourceChange { paused: Some(false), group: Some(String::new()), ..SourceChange::default() };
    let resumed = db.store.change_source(source.id, &resume, at(60)).await.unwrap().unwrap();
    assert_eq!((resumed.health.standing, resumed.health.next_poll), (Standing::Active, Some(at(60))));
    assert_eq!((resumed.group, resumed.title.as_str()), (None, "The Acme blog"));
    assert!(db.store.claim_source(at(60), LEASE, &[], Scope::Due).await.unwrap().is_some());
    assert_eq!(db.store.change_source(SourceId(99), &change, at(0)).await.unwrap(), None);
});

#[tokio::test]
async fn looking_for_an_archive_creates_none() {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("typo").join("archive.sqlite"));
    assert!(Store::look_at_existing(&location).await.unwrap().is_none());
    assert!(!folder.path().join("typo").exists());
    Store::look_at(&location).await.unwrap().close().await;
    assert!(Store::look_at_existing(&location).await.unwrap().is_some());

    needs!(Postgres);
    let (location, made) = TestDatabase::postgres_empty().await;
    assert!(Store::look_at_existing(&location).await.unwrap().is_none());
    let store = Store::look_at(&location).await.unwrap();
    assert!(Store::look_at_existing(&location).await.unwrap().is_some());
    TestDatabase { location, store, made }.remove().await;
}

on_both!(one_source_is_polled_at_once_unless_it_is_paused, |db| {
    let (acme, bolt) = (db.follow("Acme").await, db.follow("Bolt").await);
    db.poll(&acme, vec![]).await;
    db.poll(&bolt, vec![]).await;
    let next = async |source: &backissue_model::Source| {
        db.store.source(source.id).await.unwrap().unwrap().health.next_poll
    };
    assert!(next(&acme).await > Some(at(60)));
    assert!(db.store.poll_at(acme.id, at(60)).await.unwrap());
    assert_eq!(next(&acme).await, Some(at(60)));
    assert!(db.store.poll_at(acme.id, at(90)).await.unwrap());
    assert_eq!(next(&acme).await, Some(at(60)), "it was due before");
    assert!(next(&bolt).await > Some(at(60)));
    let paused = SourceChange { paused: Some(true), ..SourceChange::default() };
    db.store.change_source(bolt.id, &paused, at(61)).await.unwrap();
    assert!(!db.store.poll_at(bolt.id, at(62)).await.unwrap());
});
