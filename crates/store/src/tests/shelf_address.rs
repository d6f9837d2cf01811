//! Secret addresses of shelves.

use backissue_model::{Mark, ReaderId};

use super::harness::*;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;

on_both!(shelf_address_is_renewed_and_removed, |db| {
    let store = &db.store;
    assert_eq!(store.shelf_secret(ONE).await.unwrap(), None);
    let (_, before) = store.versions(ONE).await.unwrap();
    store.set_shelf_secret(ONE, Some("first"), at(1)).await.unwrap();
    assert_eq!(store.reader_of_shelf("first").await.unwrap(), Some(ONE));
    store.set_shelf_secret(ONE, Some("second"), at(2)).await.unwrap();
    assert_eq!(store.shelf_secret(ONE).await.unwrap().as_deref(), Some("second"));
    assert_eq!(store.reader_of_shelf("first").await.unwrap(), None, "the old address is invalid");
    store.set_shelf_secret(ONE, None, at(3)).await.unwrap();
    assert_eq!(store.reader_of_shelf("second").await.unwrap(), None);
    assert_eq!(store.reader_of_shelf("").await.unwrap(), None);
    let (_, after) = store.versions(ONE).await.unwrap();
    assert_eq!(after, before + 3, "the page that shows the address is new");
    let nobody = store.set_shelf_secret(ReaderId(99), Some("third"), at(4)).await;
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })), "{nobody:?}");
});

on_both!(reads_that_were_kept_last_come_first, |db| {
    generate(&db.store, 12, 3).await.unwrap();
    let cards = db.store.reads(&ReadFilter::default(), Order::Newest, None, 5).await.unwrap().items;
    for (seconds, card) in (1..).zip(&cards) {
        db.store.mark(ONE, card.id, Mark::Keep, true, at(seconds)).await.unwrap();
    }
    let kept = db.store.kept_last(ONE, None, 3).await.unwrap();
    let expected: Vec<_> = cards.iter().rev().take(3).map(|card| card.id).collect();
    assert_eq!(kept.iter().map(|read| read.card.id).collect::<Vec<_>>(), expected);
    let label = "interview".parse().unwrap();
    db.store.add_label(ONE, cards[0].id, &label, at(9)).await.unwrap();
    let labelled = db.store.kept_last(ONE, Some(&label), 3).await.unwrap();
    assert_eq!(labelled.iter().map(|read| read.card.id).collect::<Vec<_>>(), [cards[0].id]);
});
