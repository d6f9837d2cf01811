//! Backfills: nothing is lost, nothing is doubled, and a killed one continues.

use jiff::SignedDuration;

use super::harness::*;
use crate::*;

async fn ask(db: &TestDatabase, source: &backissue_model::Source, extent: Extent) {
    let again = |plan: &str| format!("again: {plan}");
    db.store.ask_backfill(source.id, "acme.example", extent, again, at(100)).await.unwrap();
}

async fn claim(db: &TestDatabase, seconds: i64) -> Option<ClaimedBackfill> {
    db.store.claim_backfill(at(seconds), LEASE, &[]).await.unwrap()
}

fn step(plan: &str, urls: &[&str], next: NextStep) -> BackfillStep {
    BackfillStep {
        plan: plan.to_owned(),
        host: "acme.example".into(),
        admissions: urls.iter().map(|url| entry(url, Some("2019-05-04"))).collect(),
        found_by: FoundBy::Backfill,
        document: true,
        error: None,
        next,
    }
}

on_both!(backfill_continues_where_it_stopped, |db| {
    let source = db.follow("Acme").await;
    ask(db, &source, Extent::default()).await;
    assert!(claim(db, 200).await.is_none(), "nothing can be learned before the feed was read");
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    assert!(db.store.claim_backfill(at(200), LEASE, &["acme.example".into()]).await.unwrap().is_none());
    let first = claim(db, 200).await.unwrap();
    assert_eq!((first.backfill.plan.as_str(), first.attempts), ("", 0));
    assert!(claim(db, 201).await.is_none(), "it is held");
    let urls = ["https://acme.example/1?utm_source=x", "https://acme.example/2", "https://acme.example/3"];
    let admitted = db.store.record_backfill(&first, step("a", &urls, NextStep::Now), at(202)).await.unwrap();
    assert_eq!((admitted.new, admitted.known), (2, 1));

    // Killed while reading the next document: the lease runs out, the attempt counts, the plan is
    // the committed one.
    let second = claim(db, 203).await.unwrap();
    assert_eq!(second.backfill.plan, "a");
    let third = claim(db, 203 + LEASE.as_secs() + 1).await.unwrap();
    assert_eq!((third.backfill.plan.as_str(), third.attempts), ("a", 1));
    // The late worker only admits its reads.
    let late = db.store.record_backfill(
        &second,
        step("late", &["https://acme.example/4"], NextStep::Finished),
        at(900),
    );
    assert_eq!(late.await.unwrap().new, 1);
    let done = db.store.record_backfill(&third, step("b", &urls, NextStep::Finished), at(901)).await.unwrap();
    assert_eq!((done.new, done.known), (0, 3));
    let reach = db.store.reach(source.id).await.unwrap();
    let backfill = reach.backfill.unwrap();
    assert_eq!(
        (backfill.plan.as_str(), backfill.admitted, backfill.found, backfill.documents),
        ("b", 2, 6, 2)
    );
    assert_eq!((backfill.due_at, backfill.finished_at, reach.on_their_way), (None, Some(at(901)), 4));
    assert!(claim(db, 5000).await.is_none());

    db.finish_all().await;
    let reach = db.store.reach(source.id).await.unwrap();
    assert_eq!(
        (reach.oldest.map(|at| at.to_string()).as_deref(), reach.on_their_way),
        (Some("2019-05-04T09:30:00Z"), 0)
    );
});

on_both!(smaller_backfill_keeps_its_plan_and_larger_starts_over, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    let year = |year: &str| Some(format!("{year}-01-01T00:00:00Z").parse().unwrap());
    let finish = async |plan: &str| {
        let claimed = claim(db, 1000).await.unwrap();
        db.store.record_backfill(&claimed, step(plan, &[], NextStep::Finished), at(1000)).await.unwrap();
        claimed.backfill.plan
    };
    for (extent, plan) in [
        (Extent { since: year("2020"), most: None }, ""),
        (Extent { since: year("2021"), most: Some(3) }, "again: read"),
        (Extent { since: year("2021"), most: Some(2) }, ""),
        (Extent { since: year("2019"), most: None }, ""),
        (Extent::default(), ""),
        (Extent::default(), "again: read"),
    ] {
        ask(db, &source, extent).await;
        assert_eq!(finish("read").await, plan, "{extent:?}");
    }
    ask(db, &source, Extent::default()).await;
    let claimed = claim(db, 1000).await.unwrap();
    db.store.record_backfill(&claimed, step("half", &[], NextStep::Now), at(1000)).await.unwrap();
    ask(db, &source, Extent::default()).await;
    assert_eq!(claim(db, 2000).await.unwrap().backfill.plan, "half", "what is under way goes on");
});

on_both!(backfill_admits_at_most_the_requested_reads, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    ask(db, &source, Extent { since: None, most: Some(2) }).await;
    let claimed = claim(db, 1000).await.unwrap();
    let urls: Vec<String> = (1..=5).map(|n| format!("https://acme.example/{n}")).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let admitted =
        db.store.record_backfill(&claimed, step("a", &urls, NextStep::Now), at(1000)).await.unwrap();
    assert_eq!((admitted.new, admitted.known), (2, 1));
    assert!(db.store.backfill(source.id).await.unwrap().unwrap().finished_at.is_some());
});

on_both!(failed_document_is_retried_after_a_restart, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    ask(db, &source, Extent::default()).await;
    let claimed = claim(db, 1000).await.unwrap();
    let failed =
        BackfillStep { error: Some("it is down".into()), ..step("a", &[], NextStep::Retry(at(2000))) };
    db.store.record_backfill(&claimed, failed, at(1000)).await.unwrap();
    assert!(claim(db, 1999).await.is_none());
    assert_eq!(db.store.next_due(at(1999)).await.unwrap(), Some(at(2000)));
    let again = claim(db, 2000).await.unwrap();
    assert_eq!((again.attempts, again.backfill.error.as_deref()), (1, Some("it is down")));
    db.store.release_leases().await.unwrap();
    assert_eq!(claim(db, 2001).await.unwrap().attempts, 2);
    db.store.unfollow(source.id, Unfollow::DropReads, at(1000)).await.unwrap();
    assert_eq!(db.store.backfill(source.id).await.unwrap(), None);
    let late =
        db.store.record_backfill(&again, step("b", &["https://acme.example/9"], NextStep::Now), at(2002));
    assert_eq!(late.await.unwrap(), Admitted::default());
});

on_both!(read_set_aside_is_retried_when_a_feed_names_it, |db| {
    let (acme, bolt) = (db.follow("Acme").await, db.follow("Bolt").await);
    db.poll(&acme, vec![entry("https://acme.example/1", None)]).await;
    ask(db, &acme, Extent::default()).await;
    let claimed = claim(db, 1000).await.unwrap();
    let url = "https://acme.example/2";
    db.store.record_backfill(&claimed, step("a", &[url], NextStep::Finished), at(900)).await.unwrap();
    while let Some(read) = db.claim(backissue_model::Stage::Discovered).await {
        let by = if read.url.as_str() == url { FoundBy::Backfill } else { FoundBy::Feed };
        assert_eq!(read.found_by, by);
        db.store.fail(&read, "no article", at(1000), Retry::SetAside).await.unwrap();
    }
    assert_eq!(db.store.set_aside(9).await.unwrap().len(), 2);
    db.poll(&bolt, vec![entry(url, None)]).await;
    let read =
        db.store.claim_read(backissue_model::Stage::Discovered, at(5000), LEASE, &[]).await.unwrap().unwrap();
    assert_eq!((read.url.as_str(), read.found_by, read.attempts), (url, FoundBy::Feed, 0));
    db.store.fail(&read, "404", at(5000), Retry::SetAside).await.unwrap();
    db.poll(&bolt, vec![entry(url, None)]).await;
    let later = at(5000).checked_add(SignedDuration::from_hours(1)).unwrap();
    let none = db.store.claim_read(backissue_model::Stage::Discovered, later, LEASE, &[]).await.unwrap();
    assert_eq!(none, None, "a feed's word counts once");
    assert_eq!(db.store.addresses_in_feed(acme.id, 9).await.unwrap().len(), 1);
    assert_eq!(db.store.addresses_in_feed(bolt.id, 9).await.unwrap().len(), 1);
});
