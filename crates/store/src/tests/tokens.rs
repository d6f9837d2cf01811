//! Tokens of programs.

use backissue_model::{ReaderId, Role, Scope, TokenName};
use jiff::Timestamp;

use super::harness::*;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;

fn name(text: &str) -> TokenName {
    text.parse().unwrap()
}

async fn add(
    db: &TestDatabase,
    reader: ReaderId,
    text: &str,
    scope: Scope,
    end: Option<Timestamp>,
) -> TokenAdded {
    let (hash, key) = (format!("hash of {text}"), format!("key of {text}"));
    let new = NewToken { name: &name(text), scope, hash: &hash, fever_key: &key, ends_at: end };
    db.store.add_token(reader, new, at(0)).await.unwrap()
}

on_both!(token_works_until_it_is_removed_or_ends, |db| {
    assert_eq!(db.store.use_token("hash of phone", at(0)).await.unwrap(), None);
    let TokenAdded::Added(phone) = add(db, ONE, "phone", Scope::Write, None).await else {
        panic!("it is new")
    };
    assert_eq!((phone.reader, phone.role, phone.scope), (ONE, Role::Operator, Scope::Write));
    assert_eq!((phone.made_at, phone.used_at, phone.ends_at), (at(0), None, None));
    assert_eq!(add(db, ONE, "phone", Scope::Read, None).await, TokenAdded::NameTaken);
    add(db, ONE, "script", Scope::Read, Some(at(100))).await;

    let used = |hash: &'static str, now| {
        let store = db.store.clone();
        async move { store.use_token(hash, at(now)).await.unwrap().map(|token| token.used_at) }
    };
    assert_eq!(used("hash of phone", 10).await, Some(Some(at(10))));
    assert_eq!(used("hash of phone", 20).await, Some(Some(at(10))), "written once an hour");
    assert_eq!(used("hash of phone", 3_610).await, Some(Some(at(3_610))));
    assert!(used("hash of script", 99).await.is_some());
    let by_key = async |key: &str, now| db.store.use_fever_key(key, at(now)).await.unwrap();
    assert_eq!(by_key("key of script", 99).await.unwrap().name, name("script"));
    assert_eq!(by_key("key of script", 100).await, None, "it has ended too");
    assert_eq!(by_key("hash of phone", 10).await, None, "a token is no key");
    assert_eq!(used("key of phone", 10).await, None, "a key is no token");
    assert_eq!(used("hash of script", 100).await, None, "it has ended");
    let all = db.store.tokens(ONE).await.unwrap();
    assert_eq!(all.iter().map(|token| token.name.as_str()).collect::<Vec<_>>(), ["script", "phone"]);
    assert!(all[0].has_ended(at(100)) && !all[0].has_ended(at(99)));

    assert!(!db.store.remove_token(ReaderId(7), phone.id).await.unwrap(), "another reader's");
    assert!(db.store.remove_token(ONE, phone.id).await.unwrap());
    assert!(!db.store.remove_token(ONE, phone.id).await.unwrap());
    assert_eq!(used("hash of phone", 3_620).await, None);
    let new = NewToken { name: &name("x"), scope: Scope::Read, hash: "x", fever_key: "y", ends_at: None };
    let nobody = db.store.add_token(ReaderId(7), new, at(0)).await;
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })));
});

on_both!(token_ends_with_its_readers_account, |db| {
    let mut readers = Vec::new();
    for text in ["anna", "ben"] {
        let reader = db.store.add_reader(&text.parse().unwrap(), Role::Operator).await.unwrap().unwrap();
        add(db, reader, text, Scope::Operate, None).await;
        readers.push(reader);
    }
    db.store.set_role(readers[0], Role::Reader).await.unwrap();
    let annas = db.store.use_token("hash of anna", at(1)).await.unwrap().unwrap();
    assert_eq!((annas.role, annas.scope), (Role::Reader, Scope::Operate), "the caller compares both");
    db.store.remove_reader(readers[0], Leaving::KeepData, at(2)).await.unwrap();
    db.store.remove_reader(readers[1], Leaving::DropData, at(2)).await.unwrap();
    for hash in ["hash of anna", "hash of ben"] {
        assert_eq!(db.store.use_token(hash, at(3)).await.unwrap(), None);
    }
    db.store.invite(readers[0], "back", at(4)).await.unwrap();
    assert_eq!(db.store.use_token("hash of anna", at(5)).await.unwrap(), None, "an opened account has none");
});

on_both!(reader_has_fifty_tokens_at_most, |db| {
    for n in 0..TOKENS_MAX {
        assert!(matches!(add(db, ONE, &n.to_string(), Scope::Read, None).await, TokenAdded::Added(_)));
    }
    assert_eq!(add(db, ONE, "one more", Scope::Read, None).await, TokenAdded::TooMany);
});
