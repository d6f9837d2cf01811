//! Passwords and sessions of readers.

use backissue_model::{Password, ReaderId, Role};
use jiff::{SignedDuration, Timestamp};

use super::harness::*;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;
const WORDS: &str = "tide pool ledger";

fn password(text: &str) -> Password {
    text.parse().unwrap()
}

async fn begin(db: &TestDatabase, token: &str, seconds: i64) -> Session {
    let session = db.store.log_in(Some(ONE), WORDS, token, "A\0 browser", at(seconds)).await.unwrap();
    session.expect("it is the password")
}

fn later(days: i64) -> Timestamp {
    at(0) + SignedDuration::from_hours(24 * days)
}

on_both!(only_the_password_begins_a_session, |db| {
    assert!(!db.store.has_password(ONE).await.unwrap());
    for guess in [WORDS, "", "\0"] {
        assert_eq!(db.store.log_in(Some(ONE), guess, "t", "", at(0)).await.unwrap(), None, "there is none");
    }
    assert_eq!(db.store.set_password(ONE, Some(&password(WORDS)), None).await.unwrap(), 0);
    assert!(db.store.has_password(ONE).await.unwrap());
    for guess in ["", "tide pool ledge", "Tide pool ledger", "tide pool ledger ", "\0"] {
        assert_eq!(db.store.log_in(Some(ONE), guess, "t", "", at(0)).await.unwrap(), None, "{guess:?}");
    }
    let session = begin(db, "token", 1).await;
    assert_eq!((session.reader, session.role, session.agent.as_str()), (ONE, Role::Operator, "A browser"));
    assert_eq!(db.store.use_session("token", at(2)).await.unwrap(), Some((session.clone(), false)));
    for wrong in ["", "toke", "token ", "%"] {
        assert_eq!(db.store.use_session(wrong, at(2)).await.unwrap(), None, "{wrong:?}");
    }
    assert_eq!(db.store.log_in(None, WORDS, "x", "", at(0)).await.unwrap(), None, "of nobody");
    let unknown = db.store.set_password(ReaderId(7), Some(&password(WORDS)), None).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
    assert_eq!(db.store.log_in(Some(ReaderId(7)), WORDS, "x", "", at(0)).await.unwrap(), None);

    assert_eq!(db.store.set_password(ONE, Some(&password("another one, longer")), None).await.unwrap(), 1);
    assert_eq!(db.store.use_session("token", at(2)).await.unwrap(), None, "a new password ends sessions");
    assert_eq!(db.store.log_in(Some(ONE), WORDS, "t", "", at(3)).await.unwrap(), None);
    assert!(!db.store.set_first_password(ONE, &password(WORDS)).await.unwrap(), "there is one");
    assert!(!db.store.is_password(Some(ONE), WORDS).await.unwrap());
    db.store.set_password(ONE, None, None).await.unwrap();
    assert!(db.store.set_first_password(ONE, &password(WORDS)).await.unwrap());
    assert!(db.store.is_password(Some(ONE), WORDS).await.unwrap());
    db.store.set_password(ONE, None, None).await.unwrap();
    assert!(!db.store.has_password(ONE).await.unwrap());
});

on_both!(session_ends_thirty_days_after_its_last_use, |db| {
    db.store.set_password(ONE, Some(&password(WORDS)), None).await.unwrap();
    let session = begin(db, "token", 0).await;
    assert_eq!(session.ends_at, later(30));
    let (used, extended) = db.store.use_session("token", later(29)).await.unwrap().unwrap();
    assert_eq!((used.ends_at, extended), (later(59), true));
    let (again, extended) = db.store.use_session("token", later(29)).await.unwrap().unwrap();
    assert_eq!((again, extended), (used, false));
    assert!(db.store.use_session("token", later(58)).await.unwrap().is_some());
    assert_eq!(db.store.use_session("token", later(89)).await.unwrap(), None);
    assert_eq!(db.store.sessions(ONE, later(89)).await.unwrap(), []);
});

on_both!(sessions_are_listed_limited_and_ended, |db| {
    db.store.set_password(ONE, Some(&password(WORDS)), None).await.unwrap();
    let first = begin(db, "1", 1).await;
    let second = begin(db, "2", 2).await;
    let third = begin(db, "3", 3).await;
    let ids = async || db.store.sessions(ONE, at(9)).await.unwrap().iter().map(|s| s.id).collect::<Vec<_>>();
    assert_eq!(ids().await, [third.id, second.id, first.id]);
    db.store.end_session(ReaderId(2), second.id).await.unwrap();
    assert_eq!(ids().await.len(), 3, "another reader cannot end it");
    db.store.end_session(ONE, second.id).await.unwrap();
    assert_eq!(ids().await, [third.id, first.id]);
    db.store.end_other_sessions(ONE, first.id).await.unwrap();
    assert_eq!(ids().await, [first.id]);
    assert_eq!(db.store.use_session("3", at(9)).await.unwrap(), None);

    let hash = db.store.password_of(ONE).await.unwrap().unwrap();
    for n in 10..60 {
        db.store.try_begin_session(ONE, &hash, &n.to_string(), "", at(n)).await.unwrap().unwrap();
    }
    assert_eq!(db.store.sessions(ONE, at(99)).await.unwrap().len(), 50);
    assert_eq!(db.store.use_session("1", at(99)).await.unwrap(), None, "not used for longest");
    let stale = db.store.try_begin_session(ONE, "another hash", "x", "", at(70)).await.unwrap();
    assert_eq!(stale, None, "the password was changed meanwhile");
});

on_both!(old_hash_of_a_decomposed_password_still_counts, |db| {
    let decomposed = "zwo\u{308}lf alte Worte";
    let hash = password_auth::generate_hash(decomposed);
    let mut tx = db.store.database.begin().await.unwrap();
    tx.run(crate::database::sql("UPDATE reader SET password = $1 WHERE id = 1").bind(hash)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(db.store.is_password(Some(ONE), decomposed).await.unwrap());
    assert!(!db.store.is_password(Some(ONE), "zwölf alte Worte").await.unwrap(), "as it was hashed then");
    db.store.set_password(ONE, Some(&password(decomposed)), None).await.unwrap();
    for typed in [decomposed, "zwölf alte Worte"] {
        assert!(db.store.is_password(Some(ONE), typed).await.unwrap(), "{typed:?}");
    }
});

on_both!(new_password_keeps_one_session_if_asked, |db| {
    db.store.set_password(ONE, Some(&password(WORDS)), None).await.unwrap();
    let (here, _) = (begin(db, "1", 1).await, begin(db, "2", 2).await);
    let ended = db.store.set_password(ONE, Some(&password("another one, longer")), Some(here.id)).await;
    assert_eq!(ended.unwrap(), 1);
    assert!(db.store.use_session("1", at(3)).await.unwrap().is_some());
    assert_eq!(db.store.use_session("2", at(3)).await.unwrap(), None);
});
