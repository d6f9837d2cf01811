//! Claims, leases, failures.

use backissue_model::{Entry, Kind, Stage};

use super::harness::*;
use crate::database::statements_of;
use crate::*;

on_both!(newest_due_read_is_claimed_once, |db| {
    let source = db.follow("Acme").await;
    let entries = vec![
        entry("https://acme.example/old", Some("2026-05-01")),
        entry("https://acme.example/new", Some("2026-05-12")),
    ];
    db.poll(&source, entries.clone()).await;
    let first = db.claim(Stage::Discovered).await.unwrap();
    assert_eq!(first.url.as_str(), "https://acme.example/new");
    assert_eq!((first.host.as_str(), first.company.as_str()), ("acme.example", "Acme"));
    assert_eq!((first.feed_language.as_deref(), &first.entry), (Some("en-GB"), &entries[1].entry));
    assert_eq!(first.article, None);
    assert_eq!(db.claim(Stage::Discovered).await.unwrap().url.as_str(), "https://acme.example/old");
    assert_eq!(db.claim(Stage::Discovered).await, None);
    assert_eq!(db.claim(Stage::Extracted).await, None);
});

on_both!(busy_hosts_matter_for_fetches_only, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None), entry("https://bolt.example/2", None)])
        .await;
    let busy = ["acme.example".to_owned()];
    let read = db.store.claim_read(Stage::Discovered, at(10), LEASE, &busy).await.unwrap().unwrap();
    assert_eq!(read.host, "bolt.example");
    assert_eq!(db.store.claim_read(Stage::Discovered, at(10), LEASE, &busy).await.unwrap(), None);
    let read = db.store.claim_read(Stage::Discovered, at(10), LEASE, &[]).await.unwrap().unwrap();
    db.store.finish_extract(&read, &article("Some text"), &read.url, at(11)).await.unwrap();
    assert!(db.store.claim_read(Stage::Extracted, at(12), LEASE, &busy).await.unwrap().is_some());
});

on_both!(pages_of_a_source_with_its_share_wait, |db| {
    let (acme, bolt) = (db.follow("Acme").await, db.follow("Bolt").await);
    let newest = (0..20).map(|n| entry(&format!("https://h{n}.example/x"), Some("2026-05-12"))).collect();
    db.poll(&acme, newest).await;
    db.poll(&bolt, vec![entry("https://bolt.example/real", Some("2026-05-11"))]).await;
    let hosts = ["h0.example".to_owned()];
    let claim = |sources: Vec<backissue_model::SourceId>| {
        let (store, hosts) = (&db.store, &hosts);
        async move { store.claim_read_except(Stage::Discovered, at(10), LEASE, hosts, &sources).await.unwrap() }
    };
    assert_eq!(claim(vec![]).await.unwrap().source, acme.id);
    assert_eq!(claim(vec![acme.id]).await.unwrap().source, bolt.id);
    assert_eq!(claim(vec![acme.id, bolt.id]).await, None);
});

on_both!(late_worker_changes_nothing, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    let late = db.claim(Stage::Discovered).await.unwrap();
    let after = at(1000) + LEASE;
    let read = db.store.claim_read(Stage::Discovered, after, LEASE, &[]).await.unwrap().unwrap();
    assert_eq!(read.id, late.id);
    let text = article("Some text");
    assert_eq!(db.store.finish_extract(&late, &text, &late.url, after).await.unwrap(), Extracted::LeaseLost);
    assert_eq!(db.store.fail(&late, "too slow", after, Retry::SetAside).await.unwrap(), Finished::LeaseLost);
    assert_eq!(db.store.finish_extract(&read, &text, &read.url, after).await.unwrap(), Extracted::Stored);
    assert_eq!(
        db.store.finish_extract(&read, &text, &read.url, after).await.unwrap(),
        Extracted::LeaseLost,
        "the same result twice"
    );
    let late = db.store.claim_read(Stage::Extracted, after, LEASE, &[]).await.unwrap().unwrap();
    db.store.release_leases().await.unwrap();
    let read = db.store.claim_read(Stage::Extracted, after, LEASE, &[]).await.unwrap().unwrap();
    let made = precis(&read, Kind::Other, false, &[]);
    assert_eq!(db.store.finish_annotate(&late, &made, after).await.unwrap(), Finished::LeaseLost);
    assert_eq!(db.store.finish_annotate(&read, &made, after).await.unwrap(), Finished::Done);
    assert_eq!(db.store.finish_annotate(&read, &made, after).await.unwrap(), Finished::LeaseLost);
});

on_both!(slow_worker_may_finish_if_alone, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    let read = db.claim(Stage::Discovered).await.unwrap();
    let after = at(1000) + LEASE + LEASE;
    let stored = db.store.finish_extract(&read, &article("Some text"), &read.url, after).await.unwrap();
    assert_eq!(stored, Extracted::Stored);
});

on_both!(failure_is_stored_retried_and_set_aside, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    let read = db.claim(Stage::Discovered).await.unwrap();
    db.store.fail(&read, "503", at(1000), Retry::At(at(2000))).await.unwrap();
    assert_eq!(db.store.claim_read(Stage::Discovered, at(1999), LEASE, &[]).await.unwrap(), None);
    let read = db.store.claim_read(Stage::Discovered, at(2000), LEASE, &[]).await.unwrap().unwrap();
    assert_eq!(read.attempts, 1);
    db.store.fail(&read, "404 \0 Not Found", at(2001), Retry::SetAside).await.unwrap();
    assert_eq!(db.store.claim_read(Stage::Discovered, at(999_999), LEASE, &[]).await.unwrap(), None);
    let aside = db.store.set_aside(10).await.unwrap();
    assert_eq!(aside.len(), 1);
    assert_eq!((aside[0].id, aside[0].error.as_str()), (read.id, "404  Not Found"));
    assert_eq!((aside[0].stage, aside[0].since), (Stage::Discovered, at(2001)));
    assert_eq!(aside[0].source, "Acme Engineering");
    assert_eq!(
        db.store.tally(at(3000)).await.unwrap(),
        Tally { set_aside: 1, sources_active: 1, ..Tally::default() }
    );
    assert_eq!(db.store.retry_set_aside().await.unwrap(), 1);
    assert_eq!(db.claim(Stage::Discovered).await.unwrap().attempts, 0);
});

on_both!(stored_article_round_trips, |db| {
    let source = db.follow("Acme").await;
    let admission = Admission {
        url: canonical("https://acme.example/1"),
        entry: Entry { updated: Some(at(-5)), ..entry("https://acme.example/1", None).entry },
    };
    db.poll(&source, vec![admission]).await;
    let read = db.claim(Stage::Discovered).await.unwrap();
    let mut stored = article(&"Words that describe it. ".repeat(40));
    stored.published = Some(at(-100));
    stored.title = Some("A title".into());
    stored.canonical_url = "https://acme.example/canonical".parse().ok();
    db.store.finish_extract(&read, &stored, &read.url, at(7)).await.unwrap();
    let read = db.claim(Stage::Extracted).await.unwrap();
    assert_eq!(read.article.as_ref(), Some(&stored));
    let made = precis(&read, Kind::Research, true, &["caching", "queues"]);
    db.store.finish_annotate(&read, &made, at(8)).await.unwrap();
    let page = db.store.read(read.id).await.unwrap().unwrap();
    assert_eq!((page.article, page.precis), (stored, made));
    assert_eq!((page.fetched_at, page.updated), (at(7), Some(at(-5))));
    let card = page.card;
    assert_eq!((card.title.as_str(), card.slug.as_str(), card.kind), ("A title", "a-title", Kind::Research));
    assert_eq!(card.problem.as_deref(), Some("The problem of https://acme.example/1"));
    let description = card.description.unwrap();
    assert!(description.ends_with("…") && description.chars().count() <= 300, "{description}");
    assert_eq!(card.concepts.iter().map(|c| c.as_str()).collect::<Vec<_>>(), ["caching", "queues"]);
});

on_both!(read_is_shown_only_after_annotation, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    let read = db.claim(Stage::Discovered).await.unwrap();
    assert_eq!(db.store.read(read.id).await.unwrap(), None);
    db.store.finish_extract(&read, &article("Some text"), &read.url, at(7)).await.unwrap();
    assert_eq!(db.store.read(read.id).await.unwrap(), None);
    assert_eq!(db.store.reads(&ReadFilter::default(), Order::Newest, None, 9).await.unwrap().items, []);
    assert_eq!(db.store.newest_week().await.unwrap(), None);
});

on_both!(read_that_crashes_the_program_is_set_aside, |db| {
    let source = db.follow("Acme").await;
    let entries = vec![
        entry("https://acme.example/deadly", Some("2026-05-12")),
        entry("https://acme.example/harmless", Some("2026-05-01")),
    ];
    db.poll(&source, entries).await;
    let mut now = at(1000);
    for attempt in 0..ATTEMPTS_MAX {
        let read = db.store.claim_read(Stage::Discovered, now, LEASE, &[]).await.unwrap().unwrap();
        assert_eq!((read.url.as_url().path(), read.attempts), ("/deadly", attempt));
        // Either the program is restarted immediately, or its lease runs out.
        if attempt % 2 == 0 {
            db.store.release_leases().await.unwrap();
        }
        now += LEASE;
    }
    let read = db.store.claim_read(Stage::Discovered, now, LEASE, &[]).await.unwrap().unwrap();
    assert_eq!((read.url.as_url().path(), read.attempts), ("/harmless", 0), "it does not stop the others");
    let aside = db.store.set_aside(9).await.unwrap();
    assert_eq!(aside.len(), 1);
    assert_eq!((aside[0].error.as_str(), aside[0].since), ("the program stopped while working on it", now));
    assert_eq!(db.store.retry_set_aside().await.unwrap(), 1);
    let read = db.store.claim_read(Stage::Discovered, now, LEASE, &[]).await.unwrap().unwrap();
    assert_eq!((read.url.as_url().path(), read.attempts), ("/deadly", 0));
    let stored = db.store.finish_extract(&read, &article("Tame now"), &read.url, now).await.unwrap();
    assert_eq!(stored, Extracted::Stored);
    db.store.release_leases().await.unwrap();
    assert_eq!(db.claim(Stage::Extracted).await, None, "not due before it was stored");
    let read = db.store.claim_read(Stage::Extracted, now, LEASE, &[]).await.unwrap().unwrap();
    assert_eq!(read.attempts, 0, "who finished has not failed");
});

on_both!(uncounted_attempt_does_not_count, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    for (retry, attempts) in
        [(Retry::Uncounted(at(2000)), 0), (Retry::At(at(2000)), 1), (Retry::Uncounted(at(2000)), 1)]
    {
        let read = db.store.claim_read(Stage::Discovered, at(2000), LEASE, &[]).await.unwrap().unwrap();
        db.store.fail(&read, "no network", at(1000), retry).await.unwrap();
        assert_eq!(db.store.claim_read(Stage::Discovered, at(1999), LEASE, &[]).await.unwrap(), None);
        let read = db.store.claim_read(Stage::Discovered, at(2000), LEASE, &[]).await.unwrap().unwrap();
        assert_eq!(read.attempts, attempts, "{retry:?}");
        db.store.fail(&read, "no network", at(1000), Retry::Uncounted(at(2000))).await.unwrap();
    }
});

on_both!(dead_pages_are_kept_by_source_and_host, |db| {
    let (acme, bolt) = (db.follow("Acme").await, db.follow("Bolt").await);
    db.poll(&acme, vec![entry("https://pages.example/1", None), entry("https://other.example/1", None)])
        .await;
    db.poll(&bolt, vec![entry("https://pages.example/2", None)]).await;
    let claims = async || {
        let mut reads = Vec::new();
        while let Some(read) = db.claim(Stage::Discovered).await {
            db.store.fail(&read, "404", at(1000), Retry::SetAside).await.unwrap();
            reads.push(read);
        }
        reads.sort_by_key(|read| read.id);
        reads
    };
    let first = claims().await;
    assert!(first.iter().all(|read| read.dead_pages.is_none()));
    let read = first.iter().find(|read| read.host == "pages.example" && read.source == acme.id).unwrap();
    let dead = |failures| DeadPages { failures, failed_at: at(9), error: "404".into(), gone: true };
    db.store.record_dead_pages(read.source, &read.host, &dead(20)).await.unwrap();
    db.store.record_dead_pages(read.source, &read.host, &dead(21)).await.unwrap();
    let hosts = db.store.dead_hosts().await.unwrap();
    assert_eq!(hosts.len(), 1);
    assert_eq!(
        (hosts[0].host.as_str(), &hosts[0].source, &hosts[0].pages),
        ("pages.example", &acme.slug, &dead(21))
    );
    db.run(&["UPDATE read SET due_at = 0"]).await;
    let again = claims().await;
    let known: Vec<_> = again.iter().filter(|read| read.dead_pages == Some(dead(21))).collect();
    assert_eq!(known.iter().map(|read| read.id).collect::<Vec<_>>(), [read.id]);
    db.store.forget_dead_pages(bolt.id, "pages.example").await.unwrap();
    assert_eq!(db.store.dead_hosts().await.unwrap().len(), 1);
    assert_eq!(db.store.retry_set_aside().await.unwrap(), 3);
    assert_eq!(db.store.dead_hosts().await.unwrap(), []);
});

on_both!(read_takes_few_statements, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    let statements = statements_of(async {
        let read = db.claim(Stage::Discovered).await.unwrap();
        let mut page = article("Some text");
        page.canonical_url = "https://acme.example/canonical".parse().ok();
        let stored = db.store.finish_extract(&read, &page, &read.url, at(1000)).await.unwrap();
        assert_eq!(stored, Extracted::Stored);
        let read = db.claim(Stage::Extracted).await.unwrap();
        let made = precis(&read, Kind::CaseStudy, true, &["caching", "queues", "sharding"]);
        assert_eq!(db.store.finish_annotate(&read, &made, at(1000)).await.unwrap(), Finished::Done);
    });
    // Each is a round trip on PostgreSQL.
    let most = if db.sqlite_path().is_some() { 27 } else { 17 };
    let statements = statements.await;
    assert!((10..=most).contains(&statements), "{statements}");
});

on_both!(read_without_its_place_is_an_error, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    db.run(&["DELETE FROM place"]).await;
    let claimed = db.store.claim_read(Stage::Discovered, at(1000), LEASE, &[]).await;
    assert!(claimed.is_err(), "{claimed:?}");
    db.run(&["DELETE FROM read"]).await;
});
