//! Practising: cards, answers, and what they survive.

use backissue_model::{
    CardAnswer, Deck, Evidence, Form, Kind, Mark, Rated, Rating, ReadId, ReaderId, Stage, Statement,
};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::harness::*;
use crate::database::sql;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;
const DAY: i64 = 86_400;

/// A rule for tests. The pause after the last answer has as many days as there are answers, and is
/// zero after the rating `again`.
fn days(history: &[Rated], _zone: &TimeZone) -> Timestamp {
    let last = history.iter().max_by_key(|rated| rated.at).unwrap();
    let days = if last.rating == Rating::Again { 0 } else { history.len() as i64 };
    last.at + SignedDuration::from_hours(24 * days)
}

/// Annotates the extracted reads. If a read has a problem, it gets an approach with this
/// confidence.
async fn annotate(db: &TestDatabase, kind: Kind, approach: Option<f32>) -> Vec<ReadId> {
    let mut done = Vec::new();
    while let Some(read) = db.claim(Stage::Discovered).await {
        let article = article(&format!("Text of {}", read.url));
        db.store.finish_extract(&read, &article, &read.url, at(1000)).await.unwrap();
    }
    while let Some(read) = db.claim(Stage::Extracted).await {
        let mut made = precis(&read, kind, true, &["caching"]);
        let text = &read.article.as_ref().unwrap().text;
        made.approach = approach.map(|confidence| Statement {
            text: "A limit for each tenant".into(),
            evidence: vec![Evidence::at(text, 0, 4).unwrap()],
            confidence,
            form: Form::Quoted,
        });
        db.store.finish_annotate(&read, &made, at(1000)).await.unwrap();
        done.push(read.id);
    }
    done.sort();
    done
}

/// Reads of one blog that can be practised with, the oldest first.
async fn cards(db: &TestDatabase, name: &str, count: u32) -> Vec<ReadId> {
    let source = db.follow(name).await;
    let entries =
        (1..=count).map(|n| entry(&format!("https://{name}.example/{n}"), Some(&format!("2026-04-{n:02}"))));
    db.poll(&source, entries.collect()).await;
    annotate(db, Kind::CaseStudy, Some(0.5)).await
}

async fn draw(db: &TestDatabase, deck: &Deck, seconds: i64) -> Option<ReadId> {
    db.store.draw(ONE, deck, &[], at(seconds)).await.unwrap()
}

async fn answer(db: &TestDatabase, read: ReadId, text: &str, rating: Rating, seconds: i64) -> CardAnswer {
    let given = db.store.answer_card(ONE, read, &text.parse().unwrap(), at(seconds)).await.unwrap();
    db.store.rate_card(ONE, given.id, rating, days).await.unwrap()
}

on_both!(only_reads_with_a_likely_problem_and_approach_are_drawn, |db| {
    let source = db.follow("Acme").await;
    for (n, approach, is_drawn) in
        [(1, None, false), (2, Some(0.3), false), (3, Some(0.35), true), (4, Some(0.9), true)]
    {
        db.poll(&source, vec![entry(&format!("https://acme.example/{n}"), Some("2026-05-01"))]).await;
        let read = annotate(db, Kind::CaseStudy, approach).await[0];
        let drawn = draw(db, &Deck::Everything, 0).await;
        assert_eq!(drawn == Some(read), is_drawn, "{approach:?}: {drawn:?}");
        if is_drawn {
            db.store.mark(ONE, read, Mark::Hide, true, at(1)).await.unwrap();
            assert_eq!(draw(db, &Deck::Everything, 0).await, None, "a hidden read is passed over");
        }
    }
});

on_both!(decks_without_cards_are_not_offered, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", Some("2026-05-01"))]).await;
    let without = annotate(db, Kind::CaseStudy, Some(0.1)).await[0];
    db.store.add_label(ONE, without, &"later".parse().unwrap(), at(1)).await.unwrap();
    assert_eq!(db.store.decks(ONE).await.unwrap(), []);
    let hidden = cards(db, "bolt", 1).await[0];
    assert_eq!(db.store.decks(ONE).await.unwrap().len(), 2, "everything and a concept");
    db.store.mark(ONE, hidden, Mark::Hide, true, at(1)).await.unwrap();
    assert_eq!(db.store.decks(ONE).await.unwrap(), []);
    assert!(!db.store.has_cards(ONE, &Deck::Concept("caching".parse().unwrap())).await.unwrap());
});

on_both!(due_cards_come_first_and_unseen_ones_newest_first, |db| {
    let reads = cards(db, "acme", 4).await;
    assert_eq!(draw(db, &Deck::Everything, 0).await, Some(reads[3]));
    let skipping =
        async |skipped: &[ReadId]| db.store.draw(ONE, &Deck::Everything, skipped, at(0)).await.unwrap();
    assert_eq!(skipping(&[reads[3], reads[2]]).await, Some(reads[1]));
    assert_eq!(skipping(&reads).await, None);

    answer(db, reads[1], "First", Rating::Good, 0).await;
    answer(db, reads[0], "", Rating::Good, 10).await;
    assert_eq!(draw(db, &Deck::Everything, 20).await, Some(reads[3]), "neither is due yet");
    assert_eq!(db.store.due_cards(ONE, at(20)).await.unwrap(), 0);
    assert_eq!(db.store.due_cards(ONE, at(DAY + 20)).await.unwrap(), 2);
    assert_eq!(draw(db, &Deck::Everything, DAY + 20).await, Some(reads[1]), "due since longest");
    answer(db, reads[1], "Second", Rating::Good, DAY + 20).await;
    assert_eq!(draw(db, &Deck::Everything, DAY + 30).await, Some(reads[0]));
    assert_eq!(draw(db, &Deck::Everything, 3 * DAY + 20).await, Some(reads[0]));
    answer(db, reads[0], "", Rating::Again, 3 * DAY + 25).await;
    assert_eq!(draw(db, &Deck::Everything, 3 * DAY + 30).await, Some(reads[1]), "two answers, two days");
    assert_eq!(db.store.draw(ReaderId(2), &Deck::Everything, &[], at(0)).await.unwrap(), Some(reads[3]));
});

on_both!(decks_hold_the_shelf_a_label_a_concept_or_everything, |db| {
    let reads = cards(db, "acme", 5).await;
    let label: backissue_model::Label = "interview".parse().unwrap();
    db.store.mark(ONE, reads[1], Mark::Keep, true, at(5)).await.unwrap();
    db.store.add_label(ONE, reads[0], &label, at(9)).await.unwrap();
    let (labelled, caching) = (Deck::Label(label.clone()), Deck::Concept("caching".parse().unwrap()));
    assert_eq!(draw(db, &Deck::Shelf, 0).await, Some(reads[0]), "kept last");
    assert_eq!(draw(db, &labelled, 0).await, Some(reads[0]));
    assert_eq!(draw(db, &caching, 0).await, Some(reads[4]));
    assert_eq!(draw(db, &Deck::Concept("sharding".parse().unwrap()), 0).await, None);
    let all = [Deck::Shelf, Deck::Everything, labelled.clone(), caching.clone()];
    assert_eq!(db.store.decks(ONE).await.unwrap(), all);
    assert_eq!(db.store.decks(ReaderId(2)).await.unwrap(), [Deck::Everything, caching.clone()]);
    for deck in &all {
        assert!(db.store.has_cards(ONE, deck).await.unwrap(), "{deck:?}");
    }

    answer(db, reads[0], "Mine", Rating::Good, 0).await;
    answer(db, reads[4], "", Rating::Good, 1).await;
    assert_eq!(draw(db, &Deck::Shelf, 20).await, Some(reads[1]));
    assert_eq!(draw(db, &labelled, 20).await, None);
    for (deck, due) in [(&Deck::Shelf, 0), (&labelled, 0), (&caching, 0), (&Deck::Everything, 0)] {
        assert_eq!(draw(db, deck, 2 * DAY).await, Some(reads[due]), "{deck:?}");
    }
    answer(db, reads[0], "Mine again", Rating::Good, 2 * DAY).await;
    assert_eq!(draw(db, &caching, 2 * DAY).await, Some(reads[4]));
    assert_eq!(draw(db, &Deck::Shelf, 2 * DAY).await, Some(reads[1]), "what is due is not on the shelf");

    let deck = db.store.deck(ONE, &Deck::Shelf, 9).await.unwrap();
    let listed: Vec<_> =
        deck.iter().map(|one| (one.card.id, one.answer.as_str(), one.labels.len())).collect();
    assert_eq!(listed, [(reads[0], "Mine again", 1), (reads[1], "", 0)]);
    assert!(deck[0].precis.approach.is_some());
    assert_eq!(db.store.deck(ONE, &labelled, 9).await.unwrap().len(), 1);
    assert_eq!(db.store.deck(ONE, &caching, 3).await.unwrap().len(), 3);
    assert_eq!(db.store.deck(ReaderId(2), &Deck::Shelf, 9).await.unwrap(), []);
});

on_both!(answers_are_kept_rated_again_and_removed, |db| {
    let read = cards(db, "acme", 1).await[0];
    let (_, before) = db.store.versions(ONE).await.unwrap();
    let left = db.store.answer_card(ONE, read, &"".parse().unwrap(), at(0)).await.unwrap();
    assert_eq!(db.store.card_answers(ONE, read).await.unwrap(), [], "turned over, nothing said");
    let first = db.store.answer_card(ONE, read, &"Shard it".parse().unwrap(), at(5)).await.unwrap();
    assert_eq!(db.store.card_answer(ONE, left.id).await.unwrap(), None, "an empty card was tidied up");
    assert_eq!(db.store.card_answers(ONE, read).await.unwrap().as_slice(), std::slice::from_ref(&first));
    assert_eq!(draw(db, &Deck::Everything, 9).await, Some(read), "it is not rated yet");
    assert_eq!(db.store.answers_after(ONE, left.id).await.unwrap(), []);

    db.store.rate_card(ONE, first.id, Rating::Again, days).await.unwrap();
    assert_eq!(draw(db, &Deck::Everything, 9).await, Some(read));
    let rated = db.store.rate_card(ONE, first.id, Rating::Good, days).await.unwrap();
    assert_eq!(rated, CardAnswer { rating: Some(Rating::Good), ..first.clone() });
    assert_eq!(draw(db, &Deck::Everything, 9).await, None, "the last word counts");
    assert_eq!(draw(db, &Deck::Everything, DAY + 5).await, Some(read), "and counts once");
    assert_eq!(db.store.answers_after(ONE, left.id).await.unwrap(), [rated]);
    assert_eq!(db.store.last_answer(ONE).await.unwrap(), first.id);
    assert!(db.store.versions(ONE).await.unwrap().1 > before);

    for (reader, id) in [(ReaderId(2), first.id), (ONE, first.id + 1), (ONE, i64::MAX)] {
        let refused = db.store.rate_card(reader, id, Rating::Easy, days).await;
        assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
        let refused = db.store.remove_answer(reader, id, days).await;
        assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
        assert_eq!(db.store.card_answer(reader, id).await.unwrap(), None);
    }
    let refused = db.store.answer_card(ONE, ReadId(9999), &"a".parse().unwrap(), at(1)).await;
    assert!(matches!(refused, Err(StoreError::NotFound { .. })));
    db.store.remove_answer(ONE, first.id, days).await.unwrap();
    assert_eq!(draw(db, &Deck::Everything, 9).await, Some(read), "it is unseen again");
    assert_eq!(db.store.database.rows(sql("SELECT read_id FROM card")).await.unwrap().len(), 0);
});

on_both!(answers_survive_a_new_precis, |db| {
    let read = cards(db, "acme", 1).await[0];
    answer(db, read, "Mine", Rating::Good, 0).await;
    for (again, is_drawn) in [(false, false), (true, true)] {
        db.store.ask_for(&Selection::All, "mine", at(1000)).await.unwrap();
        let claimed = db.store.claim_again("mine", at(1000), LEASE).await.unwrap().unwrap();
        let mut made = precis(&claimed, Kind::CaseStudy, true, &[]);
        made.approach = made.problem.clone().filter(|_| again);
        assert_eq!(db.store.finish_again(&claimed, &made, &[], at(1000)).await.unwrap(), Finished::Done);
        assert_eq!(draw(db, &Deck::Everything, 9 * DAY).await.is_some(), is_drawn);
        assert_eq!(db.store.card_answers(ONE, read).await.unwrap().len(), 1);
    }
});

on_both!(answers_of_merged_reads_are_united, |db| {
    let older = cards(db, "acme", 1).await[0];
    let source = db.store.source_by_slug("acme-engineering").await.unwrap().unwrap();
    db.poll(&source, vec![entry("https://acme.example/new", Some("2026-05-12"))]).await;
    let younger = db.claim(Stage::Discovered).await.unwrap();
    answer(db, older, "Older", Rating::Easy, 0).await;
    answer(db, older, "Older again", Rating::Easy, 1).await;
    let moved = answer(db, younger.id, "Younger", Rating::Good, 2).await;
    let text = article("Text of the younger one");
    let url = canonical("https://acme.example/1");
    let merged = db.store.finish_extract(&younger, &text, &url, at(1000)).await.unwrap();
    assert_eq!(merged, Extracted::MergedInto(older));
    let answers = db.store.card_answers(ONE, older).await.unwrap();
    let texts: Vec<_> = answers.iter().map(|answer| answer.text.as_str()).collect();
    assert_eq!(texts, ["Younger", "Older again", "Older"]);
    assert_eq!(draw(db, &Deck::Everything, DAY + 2).await, Some(older), "shown at the earlier moment");
    let rated = db.store.rate_card(ONE, moved.id, Rating::Good, days).await.unwrap();
    assert_eq!(rated.read, older, "an open tab rates the read that is left");
    assert_eq!(draw(db, &Deck::Everything, DAY + 2).await, None, "all three answers count now");
    db.assert_sound().await;
});

on_both!(an_answered_read_outlives_its_source, |db| {
    let reads = cards(db, "acme", 3).await;
    answer(db, reads[0], "Mine", Rating::Good, 0).await;
    answer(db, reads[1], "", Rating::Good, 0).await;
    db.store.answer_card(ONE, reads[2], &"".parse().unwrap(), at(0)).await.unwrap();
    let acme = db.store.source_by_slug("acme-engineering").await.unwrap().unwrap();
    let gone = db.store.unfollow(acme.id, Unfollow::DropReads, at(1000)).await.unwrap();
    assert_eq!(gone, Unfollowed { reads_kept: 2, reads_dropped: 1 });
    for read in &reads[..2] {
        assert_eq!(db.store.card_answers(ONE, *read).await.unwrap().len(), 1, "a rating is an answer");
    }
    assert!(draw(db, &Deck::Everything, 2 * DAY).await.is_some_and(|read| reads[..2].contains(&read)));
    assert_eq!(draw(db, &Deck::Everything, 0).await, None);
    db.assert_sound().await;
});

on_both!(an_archive_from_before_there_were_cards_knows_its_cards, |db| {
    let likely = cards(db, "acme", 2).await;
    let source = db.follow("Bolt").await;
    for (n, approach) in [(1, None), (2, Some(0.3))] {
        db.poll(&source, vec![entry(&format!("https://bolt.example/{n}"), Some("2026-05-01"))]).await;
        annotate(db, Kind::CaseStudy, approach).await;
    }
    let again = db
        .as_older(&[
            "DROP TABLE card",
            "DROP TABLE card_answer",
            "DROP INDEX read_practisable",
            "ALTER TABLE read DROP COLUMN practisable",
            "DELETE FROM _sqlx_migrations WHERE description = 'cards'",
        ])
        .await;
    let drawn = again.deck(ONE, &Deck::Everything, 9).await.unwrap();
    assert_eq!(drawn.iter().map(|one| one.card.id).collect::<Vec<_>>(), [likely[1], likely[0]]);
    again.close().await;
});

on_both!(archive_without_cards_in_lists_knows_those_of_a_concept, |db| {
    let likely = cards(db, "acme", 2).await;
    let source = db.follow("Bolt").await;
    db.poll(&source, vec![entry("https://bolt.example/1", Some("2026-05-01"))]).await;
    annotate(db, Kind::CaseStudy, Some(0.1)).await;
    let again = db
        .as_older(&[
            "DROP INDEX listing_practisable",
            "ALTER TABLE listing DROP COLUMN practisable",
            "DELETE FROM _sqlx_migrations WHERE description = 'cards_in_lists'",
        ])
        .await;
    let caching = Deck::Concept("caching".parse().unwrap());
    let drawn = again.deck(ONE, &caching, 9).await.unwrap();
    assert_eq!(drawn.iter().map(|one| one.card.id).collect::<Vec<_>>(), [likely[1], likely[0]]);
    assert_eq!(again.decks(ONE).await.unwrap(), [Deck::Everything, caching]);
    again.close().await;
});
