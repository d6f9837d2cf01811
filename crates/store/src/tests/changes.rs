//! A consumer that follows the archive's changes has the archive's state in the end.

use std::collections::BTreeMap;

use backissue_model::{Kind, Stage};

use super::harness::*;
use crate::*;

/// A consumer's copy of the archive.
#[derive(Default)]
struct Follower {
    kept: BTreeMap<i64, ReadText>,
    version: u64,
    told: usize,
}

impl Follower {
    /// Reads all changes in batches of `limit`, from the last complete version.
    async fn catch_up(&mut self, store: &Store, limit: u32) {
        let mut after = ChangeMark::after_version(self.version);
        loop {
            let changes = store.changes(after, limit).await.unwrap();
            self.told += changes.reads.len() + changes.gone.len();
            for read in changes.reads {
                self.kept.insert(read.card.id.0, read);
            }
            for id in changes.gone {
                self.kept.remove(&id.0);
            }
            assert!(changes.version >= self.version || changes.next.is_some());
            self.version = self.version.max(changes.version);
            match changes.next {
                Some(next) => after = next,
                None => return,
            }
        }
    }

    async fn assert_has_all_of(&self, store: &Store) {
        let cards = whole_list(store, &ReadFilter::default(), Order::Newest, 50).await;
        assert_eq!(self.kept.len(), cards.len());
        for card in cards {
            let page = store.read(card.id).await.unwrap().unwrap();
            let kept = &self.kept[&card.id.0];
            assert_eq!((&kept.card, &kept.precis, &kept.text), (&card, &page.precis, &page.article.text));
            let sources: Vec<_> = page.places.into_iter().map(|place| place.source_slug).collect();
            assert_eq!(kept.sources, sources);
        }
    }
}

on_both!(changes_reproduce_the_archive, |db| {
    let mut follower = Follower::default();
    follower.catch_up(&db.store, 3).await;
    assert!(follower.kept.is_empty());

    let acme = db.follow("Acme").await;
    db.poll(&acme, (0..8).map(|n| entry(&format!("https://acme.example/{n}"), None)).collect()).await;
    db.finish_all().await;
    follower.catch_up(&db.store, 3).await;
    follower.assert_has_all_of(&db.store).await;

    // Nothing has changed, so nothing is reported.
    let told = follower.told;
    follower.catch_up(&db.store, 3).await;
    assert_eq!(follower.told, told);

    // An article that is also on another source, and one that is only there.
    let globex = db.follow("Globex").await;
    let listed = vec![entry("https://acme.example/1", None), entry("https://globex.example/1", None)];
    db.poll(&globex, listed).await;
    db.finish_all().await;
    follower.catch_up(&db.store, 100).await;
    follower.assert_has_all_of(&db.store).await;
    assert_eq!(follower.told, told + 2);

    // Only reads without another source are dropped. The other read has one source less, and
    // another first one.
    db.store.unfollow(acme.id, Unfollow::DropReads, at(1000)).await.unwrap();
    follower.catch_up(&db.store, 2).await;
    follower.assert_has_all_of(&db.store).await;
    assert_eq!(follower.kept.len(), 2);
});

on_both!(precis_merges_and_time_zones_are_changes, |db| {
    let mut follower = Follower::default();
    let acme = db.follow("Acme").await;
    db.poll(&acme, vec![entry("https://acme.example/1", None)]).await;
    db.finish_all().await;
    follower.catch_up(&db.store, 10).await;

    db.store.ask_for(&Selection::All, "mine", at(0)).await.unwrap();
    let read = db.store.claim_again("mine", at(1000), LEASE).await.unwrap().unwrap();
    let again = precis(&read, Kind::Incident, true, &["queues"]);
    db.store.finish_again(&read, &again, &[], at(1001)).await.unwrap();
    follower.catch_up(&db.store, 10).await;
    follower.assert_has_all_of(&db.store).await;

    // An annotated read is merged into an older one whose page is at the same address.
    db.poll(&acme, vec![entry("https://acme.example/old", None), entry("https://acme.example/new", None)])
        .await;
    let (first, second) =
        (db.claim(Stage::Discovered).await.unwrap(), db.claim(Stage::Discovered).await.unwrap());
    let (older, newer) = if first.id < second.id { (first, second) } else { (second, first) };
    db.store.finish_extract(&newer, &article("One text"), &newer.url, at(1000)).await.unwrap();
    let read = db.claim(Stage::Extracted).await.unwrap();
    db.store.finish_annotate(&read, &precis(&read, Kind::Incident, true, &[]), at(1000)).await.unwrap();
    follower.catch_up(&db.store, 10).await;
    follower.assert_has_all_of(&db.store).await;
    db.store.finish_extract(&older, &article("One text"), &newer.url, at(1000)).await.unwrap();
    db.finish_all().await;
    follower.catch_up(&db.store, 10).await;
    follower.assert_has_all_of(&db.store).await;

    let before = follower.told;
    let mut late = entry("https://acme.example/late", None);
    late.entry.published = Some("2026-05-10T20:00:00Z".parse().unwrap());
    db.poll(&acme, vec![late]).await;
    db.finish_all().await;
    Store::open(&db.location, &jiff::tz::TimeZone::get("Asia/Tokyo").unwrap()).await.unwrap().close().await;
    let tokyo = Store::look_at(&db.location).await.unwrap();
    follower.catch_up(&tokyo, 10).await;
    follower.assert_has_all_of(&tokyo).await;
    assert_eq!(follower.told, before + 1);
    tokyo.close().await;
    db.open_again().await.close().await;
});

on_both!(texts_are_in_the_requested_order, |db| {
    let acme = db.follow("Acme").await;
    db.poll(&acme, (0..3).map(|n| entry(&format!("https://acme.example/{n}"), None)).collect()).await;
    let mut ids = db.finish_all().await;
    ids.rotate_left(1);
    ids.insert(1, backissue_model::ReadId(999));
    let texts = db.store.texts(&ids).await.unwrap();
    ids.remove(1);
    assert_eq!(texts.iter().map(|read| read.card.id).collect::<Vec<_>>(), ids);
    assert!(db.store.texts(&[]).await.unwrap().is_empty());
});
