//! Readers who log in at an OpenID Connect provider.

use backissue_model::{ReaderId, ReaderName, Role};

use super::harness::*;
use crate::*;

const ISSUER: &str = "https://login.example/";
const ANNA: OpenIdLogin<'_> = OpenIdLogin { issuer: ISSUER, subject: "a-1" };

fn name(text: &str) -> ReaderName {
    text.parse().unwrap()
}

async fn log_in(db: &TestDatabase, login: OpenIdLogin<'_>, token: &str) -> OpenIdSession {
    db.store.log_in_by_openid(login, token, "A browser", at(1)).await.unwrap()
}

on_both!(reader_is_bound_to_issuer_and_subject, |db| {
    let anna = db.store.add_reader(&name("anna"), Role::Reader).await.unwrap().unwrap();
    let ben = db.store.add_reader(&name("ben"), Role::Reader).await.unwrap().unwrap();
    assert_eq!(log_in(db, ANNA, "s").await, OpenIdSession::Unknown);
    assert!(db.store.link_openid(anna, ANNA, at(0)).await.unwrap());
    let OpenIdSession::Begun(session) = log_in(db, ANNA, "s").await else { panic!("anna is linked") };
    assert_eq!((session.reader, session.role), (anna, Role::Reader));
    for other in [
        OpenIdLogin { issuer: "https://login.example", subject: "a-1" },
        OpenIdLogin { issuer: ISSUER, subject: "A-1" },
        OpenIdLogin { issuer: ISSUER, subject: "anna" },
    ] {
        assert_eq!(log_in(db, other, "t").await, OpenIdSession::Unknown, "{other:?}");
    }
    assert!(!db.store.link_openid(ben, ANNA, at(0)).await.unwrap(), "the person is anna");
    let reader = async |id| db.store.reader(id, at(0)).await.unwrap().unwrap();
    assert!(reader(anna).await.has_openid && !reader(ben).await.has_openid);

    // Another person of the same issuer takes the place of the first.
    let second = OpenIdLogin { issuer: ISSUER, subject: "a-2" };
    assert!(db.store.link_openid(anna, second, at(0)).await.unwrap());
    assert_eq!(log_in(db, ANNA, "u").await, OpenIdSession::Unknown);
    assert!(db.store.link_openid(anna, ANNA, at(0)).await.unwrap());

    // A closed account stays closed, and does not become a new one.
    db.store.remove_reader(anna, Leaving::KeepData, at(2)).await.unwrap();
    assert_eq!(log_in(db, ANNA, "v").await, OpenIdSession::Closed);
    let added = db.store.add_reader_by_openid(ANNA, &name("anna"), "w", "", at(3)).await.unwrap();
    assert_eq!(added, None);
    assert_eq!(db.store.readers(at(3)).await.unwrap().len(), 3, "one, anna and ben");
    let nobody = db.store.link_openid(ReaderId(77), ANNA, at(0)).await;
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })));
});

on_both!(unlinking_ends_sessions, |db| {
    let anna = db.store.add_reader(&name("anna"), Role::Reader).await.unwrap().unwrap();
    assert_eq!(db.store.unlink_openid(anna).await.unwrap(), OpenIdUnlinked::NotLinked);
    db.store.link_openid(anna, ANNA, at(0)).await.unwrap();
    assert!(matches!(log_in(db, ANNA, "s").await, OpenIdSession::Begun(_)));
    assert!(db.store.use_session("s", at(2)).await.unwrap().is_some());
    assert_eq!(db.store.unlink_openid(anna).await.unwrap(), OpenIdUnlinked::Done);
    assert_eq!(db.store.use_session("s", at(2)).await.unwrap(), None);
    assert_eq!(log_in(db, ANNA, "t").await, OpenIdSession::Unknown);
    // Deleting an account frees its person.
    db.store.link_openid(anna, ANNA, at(0)).await.unwrap();
    db.store.remove_reader(anna, Leaving::DropData, at(3)).await.unwrap();
    assert_eq!(log_in(db, ANNA, "u").await, OpenIdSession::Unknown);
});

on_both!(invitation_links_once, |db| {
    let anna = db.store.add_reader(&name("anna"), Role::Reader).await.unwrap().unwrap();
    let ben = db.store.add_reader(&name("ben"), Role::Reader).await.unwrap().unwrap();
    db.store.remove_reader(anna, Leaving::KeepData, at(0)).await.unwrap();
    db.store.invite(anna, "first", at(0)).await.unwrap();
    let accept = async |invitation: &str, token: &str| {
        db.store.accept_invitation_by_openid(invitation, ANNA, token, "A browser", at(1)).await.unwrap()
    };
    assert_eq!(accept("guessed", "s").await, OpenIdJoined::NotInvited);
    let OpenIdJoined::Begun(session) = accept("first", "s").await else { panic!("it is valid") };
    assert_eq!(session.reader, anna);
    assert_eq!(accept("first", "t").await, OpenIdJoined::NotInvited, "it works once");
    let reader = db.store.reader(anna, at(1)).await.unwrap().unwrap();
    assert!(reader.has_openid && !reader.has_password && reader.closed.is_none(), "{reader:?}");

    // An invitation that a linked person cannot use stays.
    db.store.invite(ben, "bens", at(1)).await.unwrap();
    assert_eq!(accept("bens", "u").await, OpenIdJoined::Taken);
    assert!(db.store.invited("bens", at(1)).await.unwrap().is_some());
    // A second invitation ends the sessions before.
    db.store.invite(anna, "second", at(2)).await.unwrap();
    assert!(matches!(accept("second", "v").await, OpenIdJoined::Begun(_)));
    assert_eq!(db.store.use_session("s", at(2)).await.unwrap(), None);
});

on_both!(new_readers_get_free_names, |db| {
    let wanted = name(&"a".repeat(64));
    let add = async |subject: &'static str| {
        let login = OpenIdLogin { issuer: ISSUER, subject };
        db.store.add_reader_by_openid(login, &wanted, subject, "", at(0)).await.unwrap().unwrap()
    };
    let (first, second) = (add("1").await, add("2").await);
    assert_ne!(first.reader, second.reader);
    let names: Vec<_> = db.store.readers(at(0)).await.unwrap().into_iter().map(|r| r.name).collect();
    assert_eq!(names[1..], [wanted.clone(), name(&format!("{}-2", "a".repeat(62)))]);
    // Two browsers of one person at the same time make one reader.
    let other = db.open_again().await;
    let (one, two) = tokio::join!(
        db.store.add_reader_by_openid(ANNA, &wanted, "s", "", at(0)),
        other.add_reader_by_openid(ANNA, &wanted, "t", "", at(0)),
    );
    assert_eq!(one.unwrap().is_some(), two.unwrap().is_none());
    assert_eq!(db.store.readers(at(0)).await.unwrap().len(), 4);
    other.close().await;
});
