//! Clocks that jump forward and back, by minutes and by years.

use backissue_model::{Stage, Week};
use jiff::{SignedDuration, Timestamp};

use super::harness::*;
use crate::*;

const YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);

async fn claim_source(store: &Store, now: Timestamp, scope: Scope) -> Option<ClaimedSource> {
    store.claim_source(now, LEASE, &[], scope).await.unwrap()
}

on_both!(work_postponed_by_a_wrong_clock_is_due_again, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None), entry("https://acme.example/2", None)])
        .await;
    // The clock jumps ahead. One read fails and is postponed; another one and the source are
    // claimed when the program is killed.
    let ahead = at(10) + YEAR;
    let failed = db.store.claim_read(Stage::Discovered, ahead, LEASE, &[]).await.unwrap().unwrap();
    db.store.fail(&failed, "503", ahead, Retry::At(ahead + LEASE)).await.unwrap();
    let held = db.store.claim_read(Stage::Discovered, ahead, LEASE, &[]).await.unwrap().unwrap();
    let polled = claim_source(&db.store, ahead, Scope::Due).await.unwrap();
    db.store.record_poll(&polled, fetched(Vec::new()), ahead, |_| Some(ahead + LEASE).into()).await.unwrap();
    let late = claim_source(&db.store, ahead + LEASE, Scope::Due).await.unwrap();
    let week: Week = "2026-W20".parse().unwrap();
    let send = async |now| {
        db.store.claim_sending("team", Dispatch::Week(week), Resend::No, LEASE, now).await.unwrap()
    };
    assert!(matches!(send(ahead).await, SendingClaim::Claimed(_)));

    // The clock is correct again.
    let now = at(7200);
    let all = Scope::AllNow { since: at(7201) };
    assert_eq!(db.store.claim_read(Stage::Discovered, now, LEASE, &[]).await.unwrap(), None);
    assert!(claim_source(&db.store, at(7201), all).await.is_none(), "held, and asked in the future");
    db.store.forget_wrong_clock(now).await.unwrap();
    let mut again = Vec::new();
    while let Some(read) = db.store.claim_read(Stage::Discovered, now, LEASE, &[]).await.unwrap() {
        again.push(read);
    }
    assert_eq!(again.len(), 2);
    let source = claim_source(&db.store, at(7201), all).await.unwrap();
    assert_eq!(db.store.recipient("team", now).await.unwrap().since, now);
    assert!(matches!(send(now).await, SendingClaim::Claimed(_)));
    // The former holders of the leases change nothing any more, whatever their clock says.
    let text = article("Some text");
    let lost = db.store.finish_extract(&held, &text, &held.url, now).await.unwrap();
    assert_eq!(lost, Extracted::LeaseLost);
    db.store
        .record_poll(&late, PollOutcome::Failed { error: "late".into() }, now, |_| NextPoll::default())
        .await
        .unwrap();
    assert_eq!(db.store.source(source.source.id).await.unwrap().unwrap().health.last_error, None);
    for read in &again {
        let text = article(&format!("Text of {}", read.url));
        assert_eq!(db.store.finish_extract(read, &text, &read.url, now).await.unwrap(), Extracted::Stored);
    }
});

on_both!(correct_clock_changes_nothing, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    let read = db.claim(Stage::Discovered).await.unwrap();
    let polled = claim_source(&db.store, at(7200), Scope::Due).await.unwrap();
    db.store.forget_wrong_clock(at(7200)).await.unwrap();
    let stored = db.store.finish_extract(&read, &article("Some text"), &read.url, at(7200)).await.unwrap();
    assert_eq!(stored, Extracted::Stored);
    let two_days = at(7200) + SignedDuration::from_hours(48);
    db.store.record_poll(&polled, fetched(Vec::new()), at(7200), |_| Some(two_days).into()).await.unwrap();
    db.store.forget_wrong_clock(at(7201)).await.unwrap();
    assert!(
        claim_source(&db.store, at(7201), Scope::Due).await.is_none(),
        "a server's longest wish is obeyed"
    );
});

on_both!(clock_that_jumps_ahead_doubles_nothing, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    let before = db.claim(Stage::Discovered).await.unwrap();
    let ahead = at(1000) + YEAR;
    let after = db.store.claim_read(Stage::Discovered, ahead, LEASE, &[]).await.unwrap().unwrap();
    assert_eq!(before.id, after.id);
    let text = article("Some text");
    assert_eq!(db.store.finish_extract(&after, &text, &after.url, ahead).await.unwrap(), Extracted::Stored);
    assert_eq!(
        db.store.finish_extract(&before, &text, &before.url, ahead).await.unwrap(),
        Extracted::LeaseLost
    );
});

fn seconds(hours: i64) -> i64 {
    hours * 3600
}

/// The week of each read, by its path.
async fn weeks_of(db: &TestDatabase) -> Vec<(String, String)> {
    let cards = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 10).await;
    let mut weeks: Vec<_> =
        cards.iter().map(|card| (card.url.path().to_owned(), card.week.to_string())).collect();
    weeks.sort();
    weeks
}

async fn poll_at(db: &TestDatabase, now: Timestamp, entries: Vec<Admission>) {
    let scope = Scope::AllNow { since: now };
    let claimed = db.store.claim_source(now, LEASE, &[], scope).await.unwrap().unwrap();
    db.store.record_poll(&claimed, fetched(entries), now, |_| NextPoll::default()).await.unwrap();
}

fn filed(weeks: &[(&str, &str)]) -> Vec<(String, String)> {
    weeks.iter().map(|(path, week)| ((*path).to_owned(), (*week).to_owned())).collect()
}

on_both!(reads_of_a_clock_that_was_behind_are_filed_again, |db| {
    db.follow("Acme").await;
    poll_at(db, at(0), vec![entry("https://acme.example/before", None)]).await;
    // The clock falls back by a year, which nothing but the archive can know.
    let behind = at(0) - YEAR;
    db.run(&["UPDATE source SET last_poll = NULL, leased_until = NULL"]).await;
    let late = vec![
        entry("https://acme.example/undated", None),
        entry("https://acme.example/dated", Some("2024-02-01")),
        entry("https://acme.example/new", Some("2026-05-12")),
    ];
    poll_at(db, behind, late).await;
    db.finish_all().await;
    let wrong =
        [("/before", "2026-W20"), ("/dated", "2024-W05"), ("/new", "2025-W20"), ("/undated", "2025-W20")];
    assert_eq!(weeks_of(db).await, filed(&wrong));
    // It is right again at the next poll.
    poll_at(db, at(seconds(2)), Vec::new()).await;
    let right =
        [("/before", "2026-W20"), ("/dated", "2024-W05"), ("/new", "2026-W20"), ("/undated", "2026-W20")];
    assert_eq!(weeks_of(db).await, filed(&right));
    poll_at(db, at(seconds(24 * 30)), vec![]).await;
    assert_eq!(weeks_of(db).await, filed(&right), "once");
});

on_both!(clock_that_stays_behind_is_believed, |db| {
    db.follow("Acme").await;
    poll_at(db, at(0) + YEAR, Vec::new()).await;
    // The last poll was under a clock that was ahead. A week later the right one is believed.
    db.run(&["UPDATE source SET last_poll = NULL, leased_until = NULL"]).await;
    poll_at(db, at(0), vec![entry("https://acme.example/1", None)]).await;
    poll_at(db, at(seconds(24 * 8)), Vec::new()).await;
    db.finish_all().await;
    poll_at(db, at(seconds(24)) + YEAR, Vec::new()).await;
    assert_eq!(weeks_of(db).await, filed(&[("/1", "2026-W20")]));
});

on_both!(clock_that_was_put_back_in_time_is_believed, |db| {
    db.follow("Acme").await;
    poll_at(db, at(0) + YEAR, vec![entry("https://acme.example/ahead", None)]).await;
    db.store.believe_clock(at(0)).await.unwrap();
    db.store.forget_wrong_clock(at(0)).await.unwrap();
    poll_at(db, at(1), vec![entry("https://acme.example/1", None)]).await;
    db.finish_all().await;
    poll_at(db, at(seconds(24)) + YEAR, Vec::new()).await;
    assert_eq!(weeks_of(db).await, filed(&[("/1", "2026-W20"), ("/ahead", "2026-W20")]));
});

on_both!(reads_older_than_the_program_are_filed_again, |db| {
    let source = db.follow("Acme").await;
    db.poll(
        &source,
        vec![entry("https://acme.example/1", None), entry("https://acme.example/2", Some("2024-02-01"))],
    )
    .await;
    db.finish_all().await;
    // As an earlier version did under a clock of 1986.
    db.run(&[
        "UPDATE read SET first_seen = 504921600000",
        "UPDATE listing SET filed_at = 504921600000 WHERE filed_at > 1772000000000",
        "UPDATE read SET filed_at = 504921600000, week = '1986-W01' WHERE published IS NULL",
        "DELETE FROM setting WHERE name = 'clock/early reads'",
    ])
    .await;
    let mut tx = db.store.database.begin().await.unwrap();
    crate::filing::count_anew(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(weeks_of(db).await, filed(&[("/1", "1986-W01"), ("/2", "2024-W05")]));
    db.store.forget_wrong_clock(at(5)).await.unwrap();
    assert_eq!(weeks_of(db).await, filed(&[("/1", "2026-W20"), ("/2", "2024-W05")]));
});
