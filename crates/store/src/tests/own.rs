//! Export of a reader's data and import into another archive.

use backissue_model::{Mark, NOTE_MAX, Quote, Rated, Rating, ReaderId};
use backissue_needs::needs;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::harness::*;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;

/// A rule for tests: a day after the last answer.
fn tomorrow(history: &[Rated], _zone: &TimeZone) -> Timestamp {
    history.last().unwrap().at + SignedDuration::from_hours(24)
}

/// Marks, notes, labels, highlights and answers of all sorts on four of six reads.
async fn fill(db: &TestDatabase) -> Vec<OwnRead> {
    let reads = db.annotated_numbers(&[1, 2, 3, 4, 5, 6]).await;
    let note = |n: usize| format!("Note {n}\n\n- \"quoted\" \u{1f980}\n").parse().unwrap();
    for (n, read) in reads.iter().enumerate().take(4) {
        let mark = Mark::ALL[n % 3];
        db.store.mark(ONE, *read, mark, true, at(n as i64)).await.unwrap();
        if n > 0 {
            db.store.save_note(ONE, *read, &note(n), 0, at(100 + n as i64)).await.unwrap();
        }
        for label in 0..n {
            db.store.add_label(ONE, *read, &format!("label {label}").parse().unwrap(), at(50)).await.unwrap();
        }
    }
    for (n, rating) in [Some(Rating::Again), Some(Rating::Good), None].into_iter().enumerate() {
        let text = format!("Answer {n}").parse().unwrap();
        let answer = db.store.answer_card(ONE, reads[0], &text, at(200 + n as i64)).await.unwrap();
        if let Some(rating) = rating {
            db.store.rate_card(ONE, answer.id, rating, tomorrow).await.unwrap();
        }
    }
    let quote = Quote::new("of https", "", "").unwrap();
    db.store.add_highlight(ONE, reads[1], &quote, &"A *remark*".parse().unwrap(), at(300)).await.unwrap();
    db.store.mark(ONE, reads[4], Mark::Keep, true, at(7)).await.unwrap();
    db.store.mark(ONE, reads[4], Mark::Keep, false, at(8)).await.unwrap();
    db.store.own(ONE).await.unwrap()
}

on_both!(readers_data_survives_export_and_import, |db| {
    let own = fill(db).await;
    assert_eq!((own.len(), own[0].answers.len(), own[1].highlights.len()), (4, 3, 1));
    let written = serde_json::to_string(&own).unwrap();
    let read: Vec<OwnRead> = serde_json::from_str(&written).unwrap();
    assert_eq!(read, own);
    let taken = db.store.take_in(ONE, &read, tomorrow, at(9000)).await.unwrap();
    assert_eq!(taken, TakenIn { reads: 4, ..TakenIn::default() });
    assert_eq!(db.store.own(ONE).await.unwrap(), own, "the same again changes nothing");
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_data_moves_between_the_databases() {
    needs!(Postgres);
    let (one, two) = (TestDatabase::sqlite().await, TestDatabase::postgres().await);
    for (from, to) in [(&one, &two), (&two, &one)] {
        let own = match from.store.own(ONE).await.unwrap() {
            own if own.is_empty() => fill(from).await,
            own => own,
        };
        if to.store.own(ONE).await.unwrap().is_empty() {
            // Other ids, and one read less.
            to.annotated_numbers(&[6, 4, 2, 1]).await;
        }
        let taken = to.store.take_in(ONE, &own, tomorrow, at(9000)).await.unwrap();
        let by_address = |mut own: Vec<OwnRead>| {
            own.sort_by(|a, b| a.url.cmp(&b.url));
            own
        };
        let there = by_address(to.store.own(ONE).await.unwrap());
        let wanted = by_address(own).into_iter().filter(|own| !taken.missing.contains(&own.url));
        assert!(wanted.clone().all(|own| there.contains(&own)), "{there:?}");
        assert_eq!(wanted.count() as u64, taken.reads);
    }
    one.remove().await;
    two.remove().await;
}

on_both!(import_overwrites_nothing, |db| {
    let reads = db.annotated_numbers(&[1]).await;
    db.store.mark(ONE, reads[0], Mark::Keep, true, at(5)).await.unwrap();
    db.store.save_note(ONE, reads[0], &"Mine".parse().unwrap(), 0, at(5)).await.unwrap();
    let own = |url: &str, note: &str| OwnRead {
        url: url.into(),
        kept: Some(at(1)),
        done: Some(at(2)),
        note: note.to_owned().into(),
        labels: vec!["theirs".to_owned(), "a, b".to_owned(), " Theirs ".to_owned()],
        answers: vec![
            OwnAnswer { at: at(3), text: "Twice".to_owned().into(), rating: None },
            OwnAnswer { at: at(3), text: "Twice".to_owned().into(), rating: Some(Rating::Hard) },
        ],
        ..OwnRead::default()
    };
    let theirs = [
        own("https://ACME.example/1?utm_source=x", "Theirs"),
        own("https://acme.example/1", "Mine"),
        own("https://nobody.example/1", "Lost"),
        own("no address", "Lost"),
    ];
    let taken = db.store.take_in(ONE, &theirs, tomorrow, at(9)).await.unwrap();
    assert_eq!((taken.reads, taken.missing.len()), (2, 2));
    let there = db.store.own(ONE).await.unwrap().remove(0);
    assert_eq!(
        (there.kept, there.done, there.note.as_str()),
        (Some(at(5)), Some(at(2)), "Mine\n\n---\n\nTheirs")
    );
    assert_eq!(there.answers, theirs[0].answers[1..], "once, with its rating");
    assert_eq!(db.store.due_cards(ONE, at(86_400 + 2)).await.unwrap(), 0);
    assert!(matches!(
        db.store.take_in(ReaderId(7), &theirs, tomorrow, at(9)).await,
        Err(StoreError::NotFound { .. })
    ));
});

on_both!(import_reports_what_exceeds_a_limit, |db| {
    let reads = db.annotated_numbers(&[1, 2]).await;
    let labels =
        |from: usize, to: usize| -> Vec<String> { (from..to).map(|n| format!("label {n:02}")).collect() };
    for label in labels(0, 15) {
        db.store.add_label(ONE, reads[0], &label.parse().unwrap(), at(1)).await.unwrap();
    }
    db.store.save_note(ONE, reads[0], &"Mine".parse().unwrap(), 0, at(5)).await.unwrap();
    let answer = |length| OwnAnswer { at: at(3), text: "é".repeat(length).into(), rating: None };
    let theirs = [
        OwnRead {
            url: "https://acme.example/1".into(),
            done: Some(at(2)),
            note: "é".repeat(NOTE_MAX).into(),
            labels: labels(10, 22),
            answers: vec![answer(NOTE_MAX + 1), answer(1)],
            ..OwnRead::default()
        },
        OwnRead {
            url: "https://acme.example/2".into(),
            note: "é".repeat(NOTE_MAX).into(),
            labels: labels(0, 20),
            ..OwnRead::default()
        },
    ];
    let taken = db.store.take_in(ONE, &theirs, tomorrow, at(9)).await.unwrap();
    let joined = "Mine\n\n---\n\n".len() + NOTE_MAX;
    let refused = [Refusal::Note(joined), Refusal::Labels(labels(20, 22)), Refusal::Answer(NOTE_MAX + 1)];
    let refused: Vec<_> = refused.into_iter().map(|what| (theirs[0].url.clone(), what)).collect();
    assert_eq!(taken, TakenIn { reads: 2, missing: vec![], refused: refused.clone() });
    assert!(refused[0].1.to_string().contains("100011 characters, at most 100000"), "{}", refused[0].1);
    assert!(refused[1].1.to_string().ends_with("at most 20 labels, so it did not get: label 20, label 21"));
    let there = db.store.own(ONE).await.unwrap();
    assert_eq!((there[0].note.as_str(), there[0].done), ("Mine", Some(at(2))), "the rest is imported");
    assert_eq!((&there[0].labels, &there[0].answers[..]), (&labels(0, 20), &[answer(1)][..]));
    assert_eq!((&there[1].note, &there[1].labels), (&theirs[1].note, &theirs[1].labels), "exactly the limit");
    let again = db.store.take_in(ONE, &there, tomorrow, at(10)).await.unwrap();
    assert_eq!(again.refused, [], "what is there already is not refused");
});

on_both!(one_bad_label_is_refused_alone, |db| {
    let read = db.annotated_numbers(&[1]).await[0];
    let file = r#"{"form": "backissue-reader-1", "reads": [{"url": "https://acme.example/1",
        "labels": ["good", "a, b", "", "fine"]}]}"#;
    let file: OwnFile = serde_json::from_str(file).unwrap();
    let taken = db.store.take_in(ONE, &file.reads, tomorrow, at(9)).await.unwrap();
    let labels = db.store.labels(ONE, read).await.unwrap();
    assert_eq!(labels.iter().map(backissue_model::Label::as_str).collect::<Vec<_>>(), ["fine", "good"]);
    let refused: Vec<String> = taken.refused.iter().map(|(_, what)| what.to_string()).collect();
    assert!(
        refused.len() == 2 && refused[0].starts_with("“a, b”: a label cannot have a comma"),
        "{refused:?}"
    );
});

on_both!(saved_pages_are_admitted_from_any_number_of_hosts, |db| {
    let known = db.annotated_numbers(&[1]).await[0];
    let page =
        |host: usize| (format!("https://host{host}.example/page").parse().unwrap(), format!("Page {host}"));
    let mut pages: Vec<(backissue_model::CanonicalUrl, String)> = (0..250).map(page).collect();
    pages.push(("https://acme.example/1".parse().unwrap(), String::new()));
    assert_eq!(db.store.admit_saved(&pages, at(5)).await.unwrap(), 250);
    assert_eq!(db.store.admit_saved(&pages, at(6)).await.unwrap(), 0, "once");
    let own = |url: &str| OwnRead { url: url.to_owned(), kept: Some(at(3)), ..OwnRead::default() };
    let theirs = [own("https://host7.example/page"), own("https://acme.example/1")];
    let taken = db.store.take_in(ONE, &theirs, tomorrow, at(9)).await.unwrap();
    assert_eq!(taken.reads, 2);
    let mine = db.store.own(ONE).await.unwrap();
    let saved: Vec<_> = mine.iter().map(|read| (read.title.as_str(), read.saved)).collect();
    assert_eq!(saved, [("About /1", false), ("Page 7", true)]);
    assert_eq!(db.store.cards(&[known]).await.unwrap()[0].source_title, "Acme Engineering", "it stays there");
});
