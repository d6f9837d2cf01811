//! Annotating again: the former précis stays until the new one is stored, and costs are counted
//! once.

use backissue_model::{Kind, ReadId, Stage, Week};

use super::harness::*;
use crate::*;

const MODEL: &str = "mine";

/// An archive with three annotated reads on three days.
async fn three(db: &TestDatabase) -> Vec<ReadId> {
    let source = db.follow("Acme").await;
    let days = ["2026-05-03", "2026-05-11", "2026-05-12"];
    let entries = days.iter().map(|day| entry(&format!("https://acme.example/{day}"), Some(day))).collect();
    db.poll(&source, entries).await;
    let mut ids = db.finish_all().await;
    ids.sort();
    ids
}

async fn again(db: &TestDatabase, now: i64) -> Option<ClaimedRead> {
    db.store.claim_again(MODEL, at(now), LEASE).await.unwrap()
}

on_both!(new_precis_replaces_the_former_everywhere, |db| {
    let ids = three(db).await;
    assert_eq!(again(db, 2000).await, None, "nobody has asked");
    assert_eq!(db.store.ask_for(&Selection::These(vec![ids[1]]), MODEL, at(2000)).await.unwrap(), 1);
    assert_eq!(db.store.claim_again("another", at(2000), LEASE).await.unwrap(), None);
    let before = db.store.read(ids[1]).await.unwrap().unwrap();
    let version = db.store.archive_version().await.unwrap();
    let read = again(db, 2000).await.unwrap();
    assert_eq!((read.id, read.stage, read.company.as_str()), (ids[1], Stage::Annotated, "Acme"));
    assert_eq!(db.store.read(ids[1]).await.unwrap().unwrap(), before, "the former stays meanwhile");
    assert_eq!(again(db, 2000).await, None, "it is in hand");
    let made = precis(&read, Kind::Incident, false, &["queues", "sharding"]);
    assert_eq!(db.store.finish_again(&read, &made, &[], at(2001)).await.unwrap(), Finished::Done);
    assert_eq!(db.store.finish_again(&read, &made, &[], at(2002)).await.unwrap(), Finished::LeaseLost);
    let after = db.store.read(ids[1]).await.unwrap().unwrap();
    assert_eq!((before.card.revised_at, after.card.revised_at), (None, Some(at(2001))));
    assert_eq!((after.precis, after.card.kind, after.card.problem), (made, Kind::Incident, None));
    assert!(db.store.archive_version().await.unwrap() > version);
    for (concept, reads) in [("caching", 2), ("queues", 1), ("sharding", 1)] {
        let filter = ReadFilter { concept: concept.parse().ok(), ..ReadFilter::default() };
        assert_eq!(whole_list(&db.store, &filter, Order::Newest, 10).await.len(), reads, "{concept}");
    }
    assert_eq!(db.store.asked_for(MODEL).await.unwrap(), 0);
});

on_both!(reads_with_a_problem_in_the_newest_week_come_first, |db| {
    let ids = three(db).await;
    db.store.ask_for(&Selection::These(vec![ids[2]]), MODEL, at(2000)).await.unwrap();
    let read = again(db, 2000).await.unwrap();
    let made = precis(&read, Kind::Announcement, false, &[]);
    db.store.finish_again(&read, &made, &[], at(2001)).await.unwrap();
    db.store.ask_for(&Selection::All, MODEL, at(2002)).await.unwrap();
    let mut order = Vec::new();
    while let Some(read) = again(db, 2003).await {
        order.push(read.id);
    }
    // The newest read has no problem; the oldest is of an earlier week.
    assert_eq!(order, [ids[1], ids[2], ids[0]]);
});

on_both!(refusals_stay_until_the_read_is_annotated_again, |db| {
    let ids = three(db).await;
    let refused = |field: &str| Refused {
        field: field.to_owned(),
        said: "Hooli lost 4711 orders.".to_owned(),
        reason: "nobody says so".to_owned(),
    };
    let annotate_again = async |id: ReadId, refused: &[Refused]| {
        db.store.ask_for(&Selection::These(vec![id]), MODEL, at(2000)).await.unwrap();
        let read = again(db, 2000).await.unwrap();
        let made = precis(&read, Kind::Incident, false, &["queues"]);
        assert_eq!(db.store.finish_again(&read, &made, refused, at(2001)).await.unwrap(), Finished::Done);
    };
    annotate_again(ids[0], &[refused("problem"), refused("approach")]).await;
    annotate_again(ids[2], &[refused("outcome")]).await;
    let listed = db.store.refusals(10).await.unwrap();
    let fields = |read: &RefusedRead| read.refused.iter().map(|r| r.field.clone()).collect::<Vec<_>>();
    let all: Vec<_> = listed.iter().map(|read| (read.id, fields(read))).collect();
    assert_eq!(
        all,
        [(ids[2], vec!["outcome".to_owned()]), (ids[0], vec!["problem".into(), "approach".into()])]
    );
    assert_eq!(db.store.refusals(1).await.unwrap(), listed[..1]);
    assert_eq!(db.store.read(ids[0]).await.unwrap().unwrap().refused, listed[1].refused);
    annotate_again(ids[0], &[]).await;
    assert_eq!(db.store.read(ids[0]).await.unwrap().unwrap().refused, []);
    assert_eq!(db.store.refusals(10).await.unwrap().len(), 1);
    db.assert_sound().await;
});

on_both!(read_can_be_requested_as_soon_as_it_is_annotated, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", Some("2026-05-13"))]).await;
    let read = db.claim(Stage::Discovered).await.unwrap();
    db.store.finish_extract(&read, &article("Some text"), &read.url, at(1000)).await.unwrap();
    let read = db.claim(Stage::Extracted).await.unwrap();
    let made = precis(&read, Kind::CaseStudy, true, &["caching"]);
    let finished = db.store.finish_annotate_and_ask(&read, &made, MODEL, at(1001)).await.unwrap();
    assert_eq!(finished, Finished::Done);
    assert!(db.store.read(read.id).await.unwrap().is_some(), "it is shown meanwhile");
    db.assert_sound().await;
    let again = again(db, 1001).await.unwrap();
    assert!(again.id == read.id && again.article.is_some());
});

on_both!(failed_and_set_aside_reads_keep_their_precis, |db| {
    let ids = three(db).await;
    assert_eq!(db.store.ask_for(&Selection::All, MODEL, at(2000)).await.unwrap(), 3);
    let read = again(db, 2000).await.unwrap();
    assert_eq!(read.id, ids[2], "the newest first");
    db.store.fail(&read, "out of breath", at(2001), Retry::At(at(3000))).await.unwrap();
    assert_ne!(again(db, 2002).await.unwrap().id, ids[2]);
    let read = again(db, 3000).await.unwrap();
    assert_eq!((read.id, read.attempts), (ids[2], 1));
    db.store.fail(&read, "no breath left", at(3001), Retry::SetAside).await.unwrap();
    db.assert_sound().await;
    assert!(db.store.read(ids[2]).await.unwrap().is_some());
    assert_eq!(db.store.set_aside(9).await.unwrap(), [], "it is no read that cannot be shown");
    assert_eq!(db.store.asked_for(MODEL).await.unwrap(), 2);
    assert_eq!(db.store.ask_no_more(MODEL).await.unwrap(), 1, "one is in hand");
});

on_both!(reads_are_requested_by_week_and_only_once, |db| {
    let ids = three(db).await;
    let week: Week = "2026-W20".parse().unwrap();
    assert_eq!(db.store.ask_for(&Selection::Since(week), MODEL, at(2000)).await.unwrap(), 2);
    let in_hand = again(db, 2000).await.unwrap();
    assert_eq!(db.store.ask_for(&Selection::All, MODEL, at(2001)).await.unwrap(), 2);
    let mut others = vec![again(db, 2001).await.unwrap().id, again(db, 2001).await.unwrap().id];
    others.sort();
    assert_eq!((in_hand.id, others), (ids[2], vec![ids[0], ids[1]]));
    assert_eq!(db.store.ask_for(&Selection::These(vec![]), MODEL, at(9000)).await.unwrap(), 0);
});

on_both!(replies_are_stored_and_costs_counted, |db| {
    let cost = Spent {
        questions: 1,
        input_tokens: 100,
        output_tokens: 10,
        cached_tokens: 60,
        cache_writes: 5,
        ..Spent::default()
    };
    let answered =
        Answered { question: 7, prompt_version: "1", model: "m:7b", named: MODEL, reply: "{\u{0}}" };
    assert_eq!(db.store.answer(7, "1", "m:7b").await.unwrap(), None);
    db.store.keep_answer(answered, cost, at(0)).await.unwrap();
    db.store.keep_answer(Answered { reply: "{}", ..answered }, cost, at(1)).await.unwrap();
    assert_eq!(db.store.answer(7, "1", "m:7b").await.unwrap().as_deref(), Some("{}"));
    assert_eq!(db.store.answer(7, "2", "m:7b").await.unwrap(), None);
    db.store.record_spent(MODEL, Spent { failures: 2, ..Spent::default() }, at(86_400)).await.unwrap();
    let usage = db.store.model_usage(10).await.unwrap();
    let days: Vec<(&str, u64, u64)> =
        usage.iter().map(|u| (u.day.as_str(), u.spent.input_tokens, u.spent.failures)).collect();
    assert_eq!(days, [("2026-05-14", 0, 2), ("2026-05-13", 200, 0)]);
    assert_eq!((usage[1].spent.cached_tokens, usage[1].spent.cache_writes), (120, 10));
    db.store.record_spent(MODEL, cost, at(30 * 86_400)).await.unwrap();
    let months = db.store.spent_by_month(10).await.unwrap();
    let months: Vec<(&str, &str, u64, u64)> = months
        .iter()
        .map(|m| (m.month.as_str(), m.model.as_str(), m.spent.input_tokens, m.spent.failures))
        .collect();
    assert_eq!(months, [("2026-06", MODEL, 100, 0), ("2026-05", MODEL, 200, 2)]);
    assert_eq!(db.store.spent_by_month(1).await.unwrap().len(), 1);
});

on_both!(batches_are_noted_until_their_replies_are_stored, |db| {
    let ids = ["x".to_owned(), "y".to_owned()];
    for (model, marker, made) in [(MODEL, "m2", 1), (MODEL, "m1", 2), ("another", "m3", 1)] {
        db.store.plan_batch(model, marker, &ids, at(made)).await.unwrap();
    }
    let noted = async |model| {
        let batches = db.store.batches(model).await.unwrap();
        batches.into_iter().map(|batch| (batch.id, batch.is_sent)).collect::<Vec<_>>()
    };
    let is = |id: &str, is_sent| (id.to_owned(), is_sent);
    assert_eq!(noted(MODEL).await, [is("m2", false), is("m1", false)], "oldest first");
    db.store.note_batch(MODEL, "m1", "b1").await.unwrap();
    assert_eq!(noted(MODEL).await, [is("m2", false), is("b1", true)]);
    assert_eq!(db.store.batches(MODEL).await.unwrap()[1].prompts.as_deref(), Some(&ids[..]));
    db.store.forget_batch(MODEL, "m2").await.unwrap();
    db.store.forget_batch(MODEL, "m3").await.unwrap();
    assert_eq!(noted(MODEL).await, [is("b1", true)]);
    assert_eq!(noted("another").await, [is("m3", false)]);
    let spent = Spent { batch_input_tokens: 7, batch_output_tokens: 3, ..Spent::default() };
    db.store.record_spent(MODEL, spent, at(0)).await.unwrap();
    db.store.record_spent(MODEL, spent, at(0)).await.unwrap();
    let day = db.store.model_usage(10).await.unwrap()[0].spent;
    assert_eq!((day.batch_input_tokens, day.batch_output_tokens), (14, 6));
});

on_both!(annotated_reads_are_listed_without_a_claim, |db| {
    let ids = three(db).await;
    let source = db.follow("Other").await;
    db.poll(&source, vec![entry("https://other.example/1", Some("2026-05-13"))]).await;
    let listed = async |selection: &Selection, after: ReadId, limit: u32| -> Vec<ReadId> {
        let reads = db.store.annotated(selection, after, limit).await.unwrap();
        assert!(reads.iter().all(|read| read.article.is_some() && read.stage == Stage::Annotated));
        reads.iter().map(|read| read.id).collect()
    };
    assert_eq!(listed(&Selection::All, ReadId(0), 10).await, ids);
    assert_eq!(listed(&Selection::All, ids[0], 1).await, [ids[1]]);
    let since = Selection::Since("2026-W20".parse().unwrap());
    assert_eq!(listed(&since, ReadId(0), 10).await, ids[1..]);
    let these = Selection::These(vec![ids[2], ReadId(99), ids[0]]);
    assert_eq!(listed(&these, ReadId(0), 10).await, [ids[0], ids[2]]);
    assert_eq!(listed(&Selection::These(Vec::new()), ReadId(0), 10).await, []);
    db.assert_sound().await;
});

on_both!(quota_holds_under_concurrency, |db| {
    let limits = Limits { reads: Some(5), tokens: None };
    let taken = async || {
        let mut asks = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let store = db.store.clone();
            asks.spawn(async move { store.reserve_quota(MODEL, limits, at(0)).await.unwrap() });
        }
        asks.join_all().await.into_iter().filter(|taken| *taken).count()
    };
    assert_eq!((taken().await, taken().await), (5, 0));
    assert!(db.store.reserve_quota(MODEL, limits, at(86_400)).await.unwrap(), "the next day is a new one");
    let few = Limits { reads: None, tokens: Some(100) };
    assert!(db.store.reserve_quota("other", few, at(0)).await.unwrap());
    let spent = Spent { input_tokens: 90, output_tokens: 10, ..Spent::default() };
    db.store.record_spent("other", spent, at(0)).await.unwrap();
    assert!(!db.store.reserve_quota("other", few, at(0)).await.unwrap());
    assert!(!db.store.reserve_quota("none", Limits { reads: Some(0), tokens: None }, at(0)).await.unwrap());
});
