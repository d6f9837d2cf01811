//! Readers, roles and invitations.

use backissue_model::{Mark, Password, Quote, ReadId, ReaderId, ReaderName, Role};

use super::harness::*;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;

fn name(text: &str) -> ReaderName {
    text.parse().unwrap()
}

fn password() -> Password {
    "tide pool ledger".parse().unwrap()
}

async fn add(db: &TestDatabase, text: &str, role: Role) -> ReaderId {
    db.store.add_reader(&name(text), role).await.unwrap().expect("the name is free")
}

on_both!(archive_begins_with_an_operator_and_gets_readers, |db| {
    let begun = db.store.readers(at(0)).await.unwrap();
    assert_eq!((begun.len(), begun[0].id, begun[0].role), (1, ONE, Role::Operator));
    assert_eq!(begun[0].name.as_str(), "one");
    let anna = add(db, "Anna", Role::Reader).await;
    assert_eq!(db.store.add_reader(&name("ANNA"), Role::Operator).await.unwrap(), None);
    let found = db.store.reader_named(&name("anna"), at(0)).await.unwrap().unwrap();
    assert_eq!((found.id, found.role, found.has_password), (anna, Role::Reader, false));
    assert_eq!(db.store.reader(anna, at(0)).await.unwrap(), Some(found));
    assert_eq!(db.store.reader_named(&name("ben"), at(0)).await.unwrap(), None);
    assert_eq!(db.store.first_operator().await.unwrap(), ONE);
    assert!(!db.store.has_passwords().await.unwrap());
});

on_both!(invitation_sets_a_password_once_within_a_week, |db| {
    let anna = add(db, "anna", Role::Reader).await;
    let until = db.store.invite(anna, "first", at(0)).await.unwrap();
    assert_eq!(until, at(7 * 24 * 3600));
    let reader = db.store.reader(anna, at(0)).await.unwrap().unwrap();
    assert_eq!(reader.invited_until, Some(until));
    assert_eq!(db.store.invited("first", at(1)).await.unwrap().map(|reader| reader.id), Some(anna));
    assert_eq!(db.store.invited("first", until).await.unwrap(), None, "it has ended");
    assert_eq!(db.store.reader(anna, until).await.unwrap().unwrap().invited_until, None);
    let accept = async |token: &str, session: &str, now| {
        db.store.accept_invitation(token, &password(), session, "A browser", now).await.unwrap()
    };
    assert_eq!(accept("first", "s", until).await, None);
    db.store.invite(anna, "second", at(5)).await.unwrap();
    assert_eq!(accept("first", "s", at(6)).await, None, "the second replaces it");
    let session = accept("second", "s", at(6)).await.unwrap();
    assert_eq!((session.reader, session.role), (anna, Role::Reader));
    assert_eq!(accept("second", "t", at(6)).await, None, "it works once");
    assert!(db.store.is_password(Some(anna), password().as_str()).await.unwrap());
    assert!(db.store.has_passwords().await.unwrap() && !db.store.has_password(ONE).await.unwrap());

    db.store.invite(anna, "third", at(7)).await.unwrap();
    db.store.revoke_invitation(anna).await.unwrap();
    assert_eq!(accept("third", "t", at(8)).await, None);
    assert!(db.store.use_session("s", at(9)).await.unwrap().is_some());
    db.store.invite(anna, "fourth", at(9)).await.unwrap();
    assert!(accept("fourth", "u", at(10)).await.is_some());
    assert_eq!(db.store.use_session("s", at(11)).await.unwrap(), None, "a new password ends sessions");
    let nobody = db.store.invite(ReaderId(77), "x", at(0)).await;
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })));
});

on_both!(last_operator_stays, |db| {
    let anna = add(db, "anna", Role::Reader).await;
    let last = ReaderChange::LastOperator;
    assert_eq!(db.store.set_role(ONE, Role::Reader).await.unwrap(), last);
    for leaving in [Leaving::KeepData, Leaving::DropData] {
        assert_eq!(db.store.remove_reader(ONE, leaving, at(0)).await.unwrap(), last);
    }
    assert_eq!(db.store.set_role(ONE, Role::Operator).await.unwrap(), ReaderChange::Done);
    assert_eq!(db.store.set_role(anna, Role::Operator).await.unwrap(), ReaderChange::Done);
    // Each removes the other at the same time; one of them stays.
    let other = db.open_again().await;
    let (one, two) = tokio::join!(
        db.store.remove_reader(ONE, Leaving::KeepData, at(1)),
        other.remove_reader(anna, Leaving::KeepData, at(1)),
    );
    let mut changes = [one.unwrap(), two.unwrap()];
    changes.sort_by_key(|change| *change == last);
    assert_eq!(changes, [ReaderChange::Done, last]);
    let first = other.first_operator().await.unwrap();
    assert!([ONE, anna].contains(&first));
    let unknown = db.store.set_role(ReaderId(77), Role::Operator).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
    other.close().await;
});

on_both!(last_operator_who_can_log_in_stays_and_can_log_in, |db| {
    let (done, last) = (ReaderChange::Done, ReaderChange::LastOperator);
    let anna = add(db, "anna", Role::Operator).await;
    let login = OpenIdLogin { issuer: "https://login.example/", subject: "a-1" };
    // The first operator, who cannot log in, is no help.
    db.store.set_password(anna, Some(&password()), None).await.unwrap();
    assert_eq!(db.store.remove_password(anna).await.unwrap(), None);
    assert_eq!(db.store.set_role(anna, Role::Reader).await.unwrap(), last);
    for leaving in [Leaving::KeepData, Leaving::DropData] {
        assert_eq!(db.store.remove_reader(anna, leaving, at(1)).await.unwrap(), last);
    }
    assert!(db.store.is_password(Some(anna), password().as_str()).await.unwrap());

    // One of two ways can go, the other one stays.
    assert!(db.store.link_openid(anna, login, at(1)).await.unwrap());
    db.store.log_in(Some(anna), password().as_str(), "s", "", at(1)).await.unwrap().unwrap();
    assert_eq!(db.store.remove_password(anna).await.unwrap(), Some(1), "a session ended");
    assert_eq!(db.store.unlink_openid(anna).await.unwrap(), OpenIdUnlinked::LastOperator);
    assert_eq!(db.store.set_role(anna, Role::Reader).await.unwrap(), last);
    assert!(db.store.reader(anna, at(2)).await.unwrap().unwrap().has_openid);

    // A second operator who can log in lets the first one go; a closed account is no such one.
    db.store.set_password(ONE, Some(&password()), None).await.unwrap();
    assert_eq!(db.store.unlink_openid(anna).await.unwrap(), OpenIdUnlinked::Done);
    assert_eq!(db.store.remove_password(ONE).await.unwrap(), None, "now it is this one");
    db.store.set_password(anna, Some(&password()), None).await.unwrap();
    assert_eq!(db.store.remove_reader(anna, Leaving::KeepData, at(3)).await.unwrap(), done);
    assert_eq!(db.store.remove_password(ONE).await.unwrap(), None);
    let ben = add(db, "ben", Role::Reader).await;
    db.store.set_password(ben, Some(&password()), None).await.unwrap();
    assert_eq!(db.store.remove_password(ben).await.unwrap(), Some(0), "readers are free");
    let unknown = db.store.remove_password(ReaderId(77)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
});

on_both!(everything_that_a_reader_made_is_counted, |db| {
    let reads = db.annotated_numbers(&[1, 2]).await;
    let (anna, ben) = (add(db, "anna", Role::Operator).await, add(db, "ben", Role::Reader).await);
    assert_eq!(db.store.own_counts(anna).await.unwrap(), OwnCounts::default());
    busy(&db.store, anna, reads[0], 0).await;
    db.store.save_note(anna, reads[0], &"Mine".parse().unwrap(), 0, at(1)).await.unwrap();
    db.store.save_note(anna, reads[1], &"".parse().unwrap(), 0, at(1)).await.unwrap();
    for name in ["interview", "later"] {
        db.store.add_label(anna, reads[0], &name.parse().unwrap(), at(2)).await.unwrap();
    }
    db.store.mark(anna, reads[1], Mark::Hide, true, at(3)).await.unwrap();
    let made = OwnCounts {
        marks: 2,
        notes: 1,
        highlights: 1,
        labels: 2,
        answers: 1,
        searches: 1,
        ..OwnCounts::default()
    };
    assert_eq!(db.store.own_counts(anna).await.unwrap(), made);
    let words = "2 marks, 1 note, 1 highlight, 2 labels, 1 answer and 1 saved search";
    assert_eq!(made.in_words().as_deref(), Some(words));
    assert_eq!(OwnCounts::default().in_words(), None);
    assert_eq!(db.store.own_counts(ben).await.unwrap(), OwnCounts::default());
    db.store.remove_reader(anna, Leaving::DropData, at(4)).await.unwrap();
    assert_eq!(db.store.own_counts(anna).await.unwrap(), OwnCounts::default());
});

on_both!(closed_account_keeps_its_data_and_deleted_one_does_not, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    let read = db.finish_all().await[0];
    let mut readers = Vec::new();
    for text in ["anna", "ben"] {
        let reader = add(db, text, Role::Reader).await;
        db.store.set_password(reader, Some(&password()), None).await.unwrap();
        db.store.log_in(Some(reader), password().as_str(), text, "", at(1)).await.unwrap().unwrap();
        db.store.save_note(reader, read, &"Mine".parse().unwrap(), 0, at(1)).await.unwrap();
        db.store.set_shelf_secret(reader, Some(text), at(1)).await.unwrap();
        db.store.invite(reader, &format!("to {text}"), at(1)).await.unwrap();
        readers.push(reader);
    }
    let [anna, ben] = readers[..] else { panic!("two readers") };
    let done = ReaderChange::Done;
    assert_eq!(db.store.remove_reader(anna, Leaving::KeepData, at(2)).await.unwrap(), done);
    assert_eq!(db.store.remove_reader(ben, Leaving::DropData, at(2)).await.unwrap(), done);
    for text in ["anna", "ben"] {
        assert_eq!(db.store.use_session(text, at(3)).await.unwrap(), None);
        assert_eq!(db.store.reader_of_shelf(text).await.unwrap(), None);
        assert_eq!(db.store.invited(&format!("to {text}"), at(3)).await.unwrap(), None);
    }
    assert_eq!(db.store.log_in(Some(anna), password().as_str(), "t", "", at(3)).await.unwrap(), None);
    let closed = db.store.reader(anna, at(3)).await.unwrap().unwrap();
    assert_eq!((closed.closed, closed.has_password), (Some(at(2)), false));
    assert_eq!(db.store.own(anna).await.unwrap()[0].note.as_str(), "Mine");
    assert_eq!(db.store.reader(ben, at(3)).await.unwrap(), None);
    assert!(db.store.own(ben).await.unwrap().is_empty());

    db.store.invite(anna, "back", at(4)).await.unwrap();
    let opened = db.store.reader(anna, at(4)).await.unwrap().unwrap();
    assert_eq!(
        (opened.closed, opened.has_password),
        (None, false),
        "a link opens it, for a proxy's user too"
    );
    let back = db.store.accept_invitation("back", &password(), "again", "", at(5)).await.unwrap();
    assert_eq!(back.map(|session| session.reader), Some(anna));
    assert_eq!(db.store.reader(anna, at(6)).await.unwrap().unwrap().closed, None);
    let again = add(db, "ben", Role::Reader).await;
    assert!(again != ben && db.store.own(again).await.unwrap().is_empty(), "a new ben has no old data");
});

on_both!(archive_with_one_reader_becomes_one_with_several, |db| {
    let source = db.follow("Acme").await;
    db.poll(&source, vec![entry("https://acme.example/1", None)]).await;
    let read = db.finish_all().await[0];
    db.store.save_note(ONE, read, &"Mine".parse().unwrap(), 0, at(1)).await.unwrap();
    db.store.set_password(ONE, Some(&password()), None).await.unwrap();
    let again = db
        .as_older(&[
            "DROP TABLE invitation",
            "ALTER TABLE reader DROP COLUMN role",
            "ALTER TABLE reader DROP COLUMN closed_at",
            "DELETE FROM _sqlx_migrations WHERE description = 'accounts'",
        ])
        .await;
    let reader = again.reader(again.first_operator().await.unwrap(), at(2)).await.unwrap().unwrap();
    assert_eq!((reader.id, reader.role, reader.has_password), (ONE, Role::Operator, true));
    assert_eq!(again.own(ONE).await.unwrap()[0].note.as_str(), "Mine");
    again.close().await;
});

#[cfg(unix)]
#[tokio::test]
async fn new_archive_can_be_opened_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let db = TestDatabase::sqlite().await;
    let path = db.sqlite_path().unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    db.follow("Acme").await;
    for end in ["-wal", "-shm"] {
        let file = format!("{}{end}", path.display());
        assert_eq!(mode(std::path::Path::new(&file)), 0o600, "{file}");
    }
    db.remove().await;
}

/// What a reader does, and the numbers that pages show of it.
async fn busy(store: &Store, reader: ReaderId, read: ReadId, turn: i64) -> [i64; 4] {
    let now = at(turn);
    let action = store.mark(reader, read, Mark::Keep, turn % 2 == 0, now).await.unwrap().id;
    let quote = Quote::new(["Text", "acme.example"][(turn % 2) as usize], "", "").unwrap();
    let highlight = match store.add_highlight(reader, read, &quote, &"".parse().unwrap(), now).await.unwrap()
    {
        Highlighted::Added(highlight) => highlight.id,
        other => panic!("{other:?}"),
    };
    let search = OwnSearch {
        name: format!("search {turn}").parse().unwrap(),
        question: "queues".parse().unwrap(),
        recipient: None,
    };
    let search = match store.save_search(reader, &search, now).await.unwrap() {
        SearchSaved::Saved(search) => search,
        other => panic!("{other:?}"),
    };
    let answer = store.answer_card(reader, read, &"An answer".parse().unwrap(), now).await.unwrap().id;
    [action, highlight, search, answer]
}

on_both!(numbers_of_one_reader_tell_nothing_about_another, |db| {
    let read = db.annotated_numbers(&[1]).await[0];
    let (anna, ben) = (add(db, "anna", Role::Reader).await, add(db, "ben", Role::Reader).await);
    // An older version counted over all readers.
    db.run(&["INSERT INTO action (id, reader_id, mark, value, earlier) VALUES (1, 2, 'keep', 1, '[]')"])
        .await;
    let first = busy(&db.store, anna, read, 0).await;
    for turn in 0..40 {
        busy(&db.store, ben, read, turn).await;
    }
    let second = busy(&db.store, anna, read, 1).await;
    let mut between = Vec::new();
    for (first, second) in first.iter().zip(second) {
        between.push(second - first);
    }
    assert_eq!(between, [4; 4], "as many as anna's own changes, not ben's 160");
    for turn in 40..150 {
        db.store.mark(ben, read, Mark::Done, turn % 2 == 0, at(turn)).await.unwrap();
    }
    assert!(db.store.action(anna, first[0]).await.unwrap().is_some(), "ben's marks push none of anna's out");
    db.assert_sound().await;
});
