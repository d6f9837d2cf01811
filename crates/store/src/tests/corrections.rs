//! What a person corrects is shown, stays, and can be taken back.

use backissue_model::{Correction, Form, Kind, ReadField, ReadId, Stage, Sureness};
use jiff::tz::TimeZone;

use super::harness::*;
use crate::database::sql;
use crate::*;

fn corrections(fields: &[(ReadField, &str)]) -> Vec<Correction> {
    fields.iter().map(|(field, text)| Correction::of(*field, text).unwrap()).collect()
}

/// A shown read of the feed's date, 12 May 2026.
async fn one(db: &TestDatabase) -> ReadId {
    let acme = db.follow("Acme").await;
    db.poll(&acme, vec![entry("https://acme.example/1", Some("2026-05-12"))]).await;
    db.finish_all().await.remove(0)
}

async fn annotate_again(db: &TestDatabase, kind: Kind, has_problem: bool) {
    db.store.ask_for(&Selection::All, "mine", at(2000)).await.unwrap();
    while let Some(read) = db.store.claim_again("mine", at(2000), LEASE).await.unwrap() {
        let made = precis(&read, kind, has_problem, &["queues"]);
        db.store.finish_again(&read, &made, &[], at(2000)).await.unwrap();
    }
}

async fn ids(store: &Store, filter: ReadFilter) -> Vec<ReadId> {
    whole_list(store, &filter, Order::Newest, 9).await.into_iter().map(|card| card.id).collect()
}

on_both!(corrected_fields_are_shown_in_lists_and_on_the_page, |db| {
    let read = one(db).await;
    let before = db.store.read(read).await.unwrap().unwrap();
    let version = db.store.archive_version().await.unwrap();
    let all = corrections(&[
        (ReadField::Problem, "Queues grew."),
        (ReadField::Approach, "They were split."),
        (ReadField::Outcome, "They are short."),
        (ReadField::Kind, "incident"),
        (ReadField::Concepts, "queues scheduling"),
        (ReadField::Title, "On queues"),
        (ReadField::Date, "2026-01-06"),
        (ReadField::Company, "Bolt"),
    ]);
    let made = db.store.correct(read, &all, &[], at(3000)).await.unwrap();
    assert_eq!(made.len(), 8);
    assert_eq!((made[0].at, made[0].said.as_str()), (at(3000), "The problem of https://acme.example/1"));
    assert_eq!((made[5].said.as_str(), made[6].said.as_str()), ("About /1", "2026-05-12"));
    assert_eq!((made[3].said.as_str(), made[4].said.as_str()), ("case-study", "caching"));
    assert_eq!(made[7].said, "Acme");

    let page = db.store.read(read).await.unwrap().unwrap();
    assert_eq!(page.corrected, made);
    let (card, problem) = (&page.card, page.precis.problem.as_ref().unwrap());
    assert_eq!(
        (problem.text.as_str(), problem.form, problem.sureness()),
        ("Queues grew.", Form::Corrected, Sureness::Sure)
    );
    assert!(card.problem_leads && card.problem_form == Form::Corrected);
    assert_eq!(
        (card.title.as_str(), card.company.as_str(), card.kind, card.week.to_string().as_str()),
        ("On queues", "Bolt", Kind::Incident, "2026-W02")
    );
    let concept = |slug: &str| ReadFilter { concept: slug.parse().ok(), ..ReadFilter::default() };
    assert_eq!(ids(&db.store, concept("queues")).await, [read]);
    assert_eq!(ids(&db.store, concept("caching")).await, []);
    let form = |form| ReadFilter { form: Some(form), ..ReadFilter::default() };
    assert_eq!(ids(&db.store, form(Form::Corrected)).await, [read]);
    assert_eq!(ids(&db.store, form(Form::Quoted)).await, []);
    let facets = db.store.facets(&ReadFilter::default()).await.unwrap();
    assert_eq!(facets.forms, [(Form::Corrected, 1)]);
    let week = |week: &str| ReadFilter { week: week.parse().ok(), ..ReadFilter::default() };
    assert_eq!(ids(&db.store, week("2026-W02")).await, [read]);
    assert_eq!(ids(&db.store, week("2026-W20")).await, []);
    assert_eq!(db.store.start_with(&"queues".parse().unwrap(), 5).await.unwrap().len(), 1);
    let changes = db.store.changes(ChangeMark::after_version(version), 9).await.unwrap();
    assert_eq!(changes.reads[0].card, *card, "the index hears of it");
    db.assert_sound().await;

    let left = db.store.correct(read, &[], &ReadField::ALL, at(3001)).await.unwrap();
    assert_eq!(left, []);
    let after = db.store.read(read).await.unwrap().unwrap();
    assert_eq!((before.card.revised_at, card.revised_at), (None, Some(at(3000))));
    assert_eq!(after.card.revised_at, Some(at(3001)), "taking it back changes the read too");
    assert_eq!((ReadCard { revised_at: None, ..after.card }, after.precis), (before.card, before.precis));
    let missing = db.store.correct(ReadId(99), &all, &[], at(3002)).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })));
});

on_both!(correction_survives_a_newer_precis_and_is_taken_back, |db| {
    let read = one(db).await;
    let none = corrections(&[(ReadField::Problem, ""), (ReadField::Kind, "event")]);
    db.store.correct(read, &none, &[], at(3000)).await.unwrap();
    assert_eq!(db.store.week_count("2026-W20".parse().unwrap()).await.unwrap().problems, 0);
    annotate_again(db, Kind::Tutorial, true).await;
    let page = db.store.read(read).await.unwrap().unwrap();
    assert_eq!((page.precis.problem, page.precis.kind), (None, Kind::Event));
    assert_eq!((page.corrected[1].said.as_str(), page.corrected[1].at), ("tutorial", at(3000)));
    let left = db.store.correct(read, &[], &[ReadField::Problem], at(4000)).await.unwrap();
    assert_eq!(left.len(), 1);
    let page = db.store.read(read).await.unwrap().unwrap();
    assert_eq!(page.precis.problem, None, "an event has none");
    let same = corrections(&[(ReadField::Kind, "tutorial")]);
    assert_eq!(
        db.store.correct(read, &same, &[], at(4001)).await.unwrap(),
        [],
        "that is what the program says"
    );
    let page = db.store.read(read).await.unwrap().unwrap();
    assert!(page.precis.problem.is_some_and(|problem| problem.form == Form::Quoted), "what it says now");

    let version = db.store.archive_version().await.unwrap();
    db.store.correct(read, &same, &[ReadField::Title], at(4002)).await.unwrap();
    assert_eq!(db.store.archive_version().await.unwrap(), version, "nothing changed");
});

on_both!(corrected_date_and_title_survive_the_article, |db| {
    let acme = db.follow("Acme").await;
    db.poll(&acme, vec![entry("https://acme.example/1", Some("2026-05-12"))]).await;
    let claimed = db.claim(Stage::Discovered).await.unwrap();
    let fields = corrections(&[
        (ReadField::Date, "2026-03-01"),
        (ReadField::Title, "Mine"),
        (ReadField::Problem, "It broke."),
    ]);
    db.store.correct(claimed.id, &fields, &[], at(500)).await.unwrap();
    let mut text = article("Text of one");
    text.title = Some("The page's title".into());
    db.store.finish_extract(&claimed, &text, &claimed.url, at(1000)).await.unwrap();
    db.finish_all().await;
    let page = db.store.read(claimed.id).await.unwrap().unwrap();
    assert_eq!((page.card.title.as_str(), page.card.week.to_string().as_str()), ("Mine", "2026-W09"));
    assert_eq!(page.card.problem.as_deref(), Some("It broke."));
    let said: Vec<&str> = page.corrected.iter().map(|one| one.said.as_str()).collect();
    assert_eq!(said, ["The problem of https://acme.example/1", "The page's title", "2026-05-12"]);
    db.store.correct(claimed.id, &[], &[ReadField::Date], at(1001)).await.unwrap();
    assert_eq!(db.store.read(claimed.id).await.unwrap().unwrap().card.week.to_string(), "2026-W20");
});

on_both!(later_correction_wins_when_reads_are_merged, |db| {
    let read = one(db).await;
    let acme = db.follow("Acme").await;
    db.poll(&acme, vec![entry("https://acme.example/2", Some("2026-05-12"))]).await;
    let younger = db.claim(Stage::Discovered).await.unwrap();
    let theirs = corrections(&[
        (ReadField::Problem, "Theirs"),
        (ReadField::Date, "2026-04-01"),
        (ReadField::Kind, "opinion"),
    ]);
    db.store.correct(younger.id, &theirs, &[], at(100)).await.unwrap();
    let ours = corrections(&[(ReadField::Problem, "Ours"), (ReadField::Title, "Our title")]);
    db.store.correct(read, &ours, &[], at(200)).await.unwrap();
    let same = article("Text of one");
    let merged =
        db.store.finish_extract(&younger, &same, &canonical("https://acme.example/1"), at(1000)).await;
    assert_eq!(merged.unwrap(), Extracted::MergedInto(read));
    let card = db.store.cards(&[read]).await.unwrap().remove(0);
    assert_eq!(
        (card.problem.as_deref(), card.title.as_str(), card.kind),
        (Some("Ours"), "Our title", Kind::Opinion)
    );
    assert_eq!(card.week.to_string(), "2026-W14");
    assert_eq!(db.store.correct(younger.id, &[], &[ReadField::Kind], at(300)).await.unwrap().len(), 3);
});

on_both!(corrected_read_stays_when_its_blog_is_unfollowed, |db| {
    let acme = db.follow("Acme").await;
    db.poll(&acme, (1..3).map(|n| entry(&format!("https://acme.example/{n}"), None)).collect()).await;
    let reads = db.finish_all().await;
    db.store.correct(reads[0], &corrections(&[(ReadField::Kind, "opinion")]), &[], at(5)).await.unwrap();
    assert_eq!(db.store.corrected_reads(ReadId(0), 9).await.unwrap(), [reads[0]]);
    let gone = db.store.unfollow(acme.id, Unfollow::DropReads, at(3000)).await.unwrap();
    assert_eq!((gone.reads_kept, gone.reads_dropped), (1, 1));
});

on_both!(archive_without_corrections_is_migrated, |db| {
    let read = one(db).await;
    let before = db.store.read(read).await.unwrap();
    let mut tx = db.store.database.begin().await.unwrap();
    for undo in [
        "DROP TABLE correction",
        "ALTER TABLE read DROP COLUMN corrected_title",
        "ALTER TABLE read DROP COLUMN corrected_company",
        "ALTER TABLE read DROP COLUMN corrected_published",
        "ALTER TABLE precis DROP COLUMN said",
        "DROP INDEX read_withdrawn",
        "ALTER TABLE read DROP COLUMN withdrawn_at",
        "DELETE FROM _sqlx_migrations WHERE description = 'corrections'",
    ] {
        tx.run(sql(undo)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let again = db.open_again().await;
    assert_eq!(again.read(read).await.unwrap(), before);
    again.correct(read, &corrections(&[(ReadField::Company, "Bolt")]), &[], at(1)).await.unwrap();
    assert_eq!(again.cards(&[read]).await.unwrap()[0].company, "Bolt");
    again.close().await;
});

on_both!(corrected_date_stays_in_another_time_zone, |db| {
    let read = one(db).await;
    db.store.correct(read, &corrections(&[(ReadField::Date, "2026-01-05")]), &[], at(5)).await.unwrap();
    for zone in ["Pacific/Honolulu", "Asia/Tokyo"] {
        let moved = Store::open(&db.location, &TimeZone::get(zone).unwrap()).await.unwrap();
        assert_eq!(moved.cards(&[read]).await.unwrap()[0].week.to_string(), "2026-W02", "{zone}");
        moved.close().await;
    }
    db.open_again().await.close().await;
});

on_both!(hidden_read_is_nowhere_until_it_is_shown_again, |db| {
    let read = one(db).await;
    let before = db.store.read(read).await.unwrap();
    let kept =
        db.store.mark(backissue_model::ReaderId::ONE, read, backissue_model::Mark::Keep, true, at(1)).await;
    kept.unwrap();
    let version = db.store.archive_version().await.unwrap();
    assert_eq!(db.store.withdraw(read, true, at(3000)).await.unwrap(), Some(read));
    assert_eq!(db.store.withdraw(read, true, at(3001)).await.unwrap(), None, "once is enough");
    assert_eq!(db.store.read(read).await.unwrap(), None);
    assert_eq!(ids(&db.store, ReadFilter::default()).await, []);
    assert_eq!(db.store.newest_week().await.unwrap(), None);
    let changes = db.store.changes(ChangeMark::after_version(version), 9).await.unwrap();
    assert_eq!((changes.reads.len(), changes.gone), (0, vec![read]));
    let hidden = db.store.withdrawn(9).await.unwrap();
    assert_eq!((hidden.len(), hidden[0].id, hidden[0].since), (1, read, at(3000)));
    assert_eq!(
        (db.store.set_aside(9).await.unwrap(), db.store.retry_set_aside().await.unwrap()),
        (vec![], 0)
    );
    db.assert_sound().await;

    // Neither its feed, nor another one, nor an annotator brings it back.
    let acme = db.follow("Acme").await;
    db.poll(&acme, vec![entry("https://acme.example/1", Some("2026-05-12"))]).await;
    let bolt = db.follow("Bolt").await;
    db.poll(&bolt, vec![entry("https://acme.example/1", Some("2026-05-12"))]).await;
    annotate_again(db, Kind::Tutorial, true).await;
    assert_eq!(db.finish_all().await, []);
    assert_eq!(db.store.read(read).await.unwrap(), None);

    let version = db.store.archive_version().await.unwrap();
    assert_eq!(db.store.withdraw(read, false, at(4000)).await.unwrap(), Some(read));
    assert_eq!(db.store.withdraw(read, false, at(4001)).await.unwrap(), None);
    let after = db.store.read(read).await.unwrap().unwrap();
    assert_eq!((&after.card, &after.precis), before.as_ref().map(|page| (&page.card, &page.precis)).unwrap());
    let changes = db.store.changes(ChangeMark::after_version(version), 9).await.unwrap();
    assert_eq!((changes.reads.len(), changes.gone.len()), (1, 0));
    assert!(db.store.marks(backissue_model::ReaderId::ONE, &[read]).await.unwrap()[&read].kept.is_some());
});

on_both!(two_reads_that_a_person_says_are_one_are_merged, |db| {
    let acme = db.follow("Acme").await;
    let bolt = db.follow("Bolt").await;
    db.poll(&acme, vec![entry("https://acme.example/1", Some("2026-05-12"))]).await;
    db.poll(&bolt, vec![entry("https://bolt.example/copy", Some("2026-05-13"))]).await;
    let mut reads = db.finish_all().await;
    reads.sort();
    let fields = corrections(&[(ReadField::Title, "One title")]);
    db.store.correct(reads[1], &fields, &[], at(2000)).await.unwrap();
    assert_eq!(db.store.unite(reads[1], reads[0]).await.unwrap(), Some(United::Into(reads[0])));
    assert_eq!(db.store.unite(reads[1], reads[0]).await.unwrap(), Some(United::Already(reads[0])));
    assert_eq!(db.store.unite(reads[0], ReadId(99)).await.unwrap(), None);
    let page = db.store.read(reads[1]).await.unwrap().unwrap();
    assert_eq!((page.card.id, page.card.title.as_str(), page.places.len()), (reads[0], "One title", 2));
    assert_eq!(ids(&db.store, ReadFilter::default()).await, [reads[0]]);
    db.poll(&bolt, vec![entry("https://bolt.example/copy", Some("2026-05-13"))]).await;
    assert_eq!(db.finish_all().await, [], "both addresses are known");
    db.store.withdraw(reads[0], true, at(3000)).await.unwrap();
    assert_eq!(db.store.unite(reads[0], reads[0]).await.unwrap(), None, "it is not shown");
});
