//! Marks of readers, and that they survive merging and unfollowing.

use backissue_model::{Kind, Mark, Marks, ReadId, ReaderId, Stage};

use super::harness::*;
use crate::database::sql;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;

/// Three annotated reads of one source and one of another, in the order of their addresses.
async fn four_reads(db: &TestDatabase) -> Vec<ReadId> {
    let (acme, bolt) = (db.follow("Acme").await, db.follow("Bolt").await);
    let entries = (1..=3).map(|n| entry(&format!("https://acme.example/{n}"), Some("2026-05-11")));
    db.poll(&acme, entries.collect()).await;
    db.poll(&bolt, vec![entry("https://bolt.example/1", Some("2026-05-12"))]).await;
    let mut done = db.finish_all().await;
    done.sort();
    done
}

async fn marks_of(db: &TestDatabase, read: ReadId) -> Marks {
    db.store.marks(ONE, &[read]).await.unwrap().get(&read).copied().unwrap_or_default()
}

async fn mark(db: &TestDatabase, read: ReadId, mark: Mark, set: bool, seconds: i64) -> Action {
    db.store.mark(ONE, read, mark, set, at(seconds)).await.unwrap()
}

on_both!(marks_are_set_removed_and_undone, |db| {
    let reads = four_reads(db).await;
    let kept = mark(db, reads[0], Mark::Keep, true, 5).await;
    assert_eq!((kept.mark, kept.set, kept.reads.as_slice()), (Mark::Keep, true, &reads[..1]));
    mark(db, reads[0], Mark::Done, true, 6).await;
    let again = mark(db, reads[0], Mark::Keep, true, 7).await;
    assert_eq!(again.reads, [], "it was kept already");
    let wanted = Marks { kept: Some(at(5)), done: Some(at(6)), ..Marks::default() };
    assert_eq!(marks_of(db, reads[0]).await, wanted);
    let all = db.store.marks(ONE, &reads).await.unwrap();
    assert_eq!(all.into_iter().collect::<Vec<_>>(), [(reads[0], wanted)], "the others have none");

    let away = mark(db, reads[0], Mark::Keep, false, 8).await;
    assert_eq!(marks_of(db, reads[0]).await.kept, None);
    assert_eq!(db.store.action(ONE, away.id).await.unwrap().as_ref(), Some(&away));
    assert_eq!(db.store.undo(ONE, away.id).await.unwrap(), Some(away.clone()));
    assert_eq!(marks_of(db, reads[0]).await, wanted, "kept since the first time");
    assert_eq!(db.store.undo(ONE, away.id).await.unwrap(), None, "twice is once");
    assert_eq!(db.store.action(ONE, away.id).await.unwrap(), None);
});

on_both!(undo_keeps_later_changes, |db| {
    let reads = four_reads(db).await;
    let first = mark(db, reads[0], Mark::Hide, true, 5).await;
    mark(db, reads[0], Mark::Hide, false, 6).await;
    mark(db, reads[0], Mark::Keep, true, 7).await;
    db.store.undo(ONE, first.id).await.unwrap();
    let marks = Marks { kept: Some(at(7)), ..Marks::default() };
    assert_eq!(marks_of(db, reads[0]).await, marks);
});

on_both!(week_is_marked_done_in_one_action, |db| {
    assert_eq!(db.store.reader_newest_week(ONE).await.unwrap(), None, "an archive without reads");
    let reads = four_reads(db).await;
    let week = db.store.newest_week().await.unwrap().unwrap();
    mark(db, reads[0], Mark::Done, true, 1).await;
    mark(db, reads[1], Mark::Hide, true, 2).await;
    mark(db, reads[2], Mark::Keep, true, 3).await;
    let count = db.store.reader_week(ONE, week).await.unwrap();
    assert_eq!((count.reads, count.unread, count.kept, count.noted), (4, 2, 1, 0));
    assert_eq!((count.minutes, count.sources), (2, 2), "a minute for each unread one");
    assert_eq!(db.store.reader_newest_week(ONE).await.unwrap(), Some((week, count)));
    let unread = ReadFilter { week: Some(week), mine: Some((ONE, Mine::Unread)), ..ReadFilter::default() };
    let listed = whole_list(&db.store, &unread, Order::ProblemsFirst, 1).await;
    assert_eq!(listed.iter().map(|card| card.id).collect::<Vec<_>>(), [reads[3], reads[2]]);
    let kept = ReadFilter { mine: Some((ONE, Mine::Kept)), ..unread.clone() };
    assert_eq!(whole_list(&db.store, &kept, Order::Newest, 9).await.len(), 1);

    let action = db.store.mark_week_done(ONE, week, at(9)).await.unwrap();
    assert_eq!(action.reads, [reads[2], reads[3]]);
    assert_eq!(db.store.reader_week(ONE, week).await.unwrap().unread, 0);
    assert_eq!(whole_list(&db.store, &unread, Order::Newest, 9).await, []);
    db.store.undo(ONE, action.id).await.unwrap();
    assert_eq!(db.store.reader_week(ONE, week).await.unwrap(), count);
});

on_both!(lists_are_filtered_by_what_a_reader_did, |db| {
    let reads = four_reads(db).await;
    let acme = db.store.source_by_slug("acme-engineering").await.unwrap().unwrap().id;
    for read in &reads {
        mark(db, *read, Mark::Keep, true, 1).await;
    }
    mark(db, reads[1], Mark::Done, true, 2).await;
    db.store.save_note(ONE, reads[2], &"Mine".parse().unwrap(), 0, at(3)).await.unwrap();
    let listed = async |source, reader, mine| {
        let filter = ReadFilter { source, mine: Some((reader, mine)), ..ReadFilter::default() };
        let mut lists = Vec::new();
        for order in [Order::Newest, Order::ProblemsFirst] {
            let cards = whole_list(&db.store, &filter, order, 1).await;
            lists.push(cards.iter().map(|card| card.id).collect::<Vec<_>>());
        }
        assert_eq!(lists[0], lists[1], "the reads are alike");
        lists.remove(0)
    };
    assert_eq!(listed(Some(acme), ONE, Mine::Kept).await, [reads[2], reads[1], reads[0]]);
    assert_eq!(listed(None, ONE, Mine::Kept).await, [reads[3], reads[2], reads[1], reads[0]]);
    assert_eq!(listed(Some(acme), ONE, Mine::Unread).await, [reads[2], reads[0]]);
    assert_eq!(listed(Some(acme), ONE, Mine::Done).await, [reads[1]]);
    assert_eq!(listed(Some(acme), ONE, Mine::Noted).await, [reads[2]]);
    assert_eq!(listed(Some(acme), ReaderId(7), Mine::Kept).await, []);
    mark(db, reads[1], Mark::Hide, true, 4).await;
    assert_eq!(listed(None, ONE, Mine::Hidden).await, [reads[1]]);
    assert_eq!(db.store.reads_of(ONE, Mine::Hidden).await.unwrap(), Among::These(vec![reads[1]]));
});

on_both!(changes_increment_only_the_readers_version, |db| {
    let reads = four_reads(db).await;
    let (archive, mut last) = db.store.versions(ONE).await.unwrap();
    let action = mark(db, reads[0], Mark::Keep, true, 5).await;
    for nth in 0..2 {
        let (same, now) = db.store.versions(ONE).await.unwrap();
        assert!(same == archive && now > last, "{nth}");
        last = now;
        db.store.undo(ONE, action.id).await.unwrap();
    }
});

on_both!(unknown_reads_and_readers_are_refused, |db| {
    let reads = four_reads(db).await;
    for (reader, read) in
        [(ONE, ReadId(9999)), (ONE, ReadId(-1)), (ONE, ReadId(i64::MAX)), (ReaderId(7), reads[0])]
    {
        let refused = db.store.mark(reader, read, Mark::Keep, true, at(1)).await;
        assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
    }
    assert!(matches!(db.store.versions(ReaderId(7)).await, Err(StoreError::NotFound { .. })));
    let action = mark(db, reads[0], Mark::Keep, true, 5).await;
    assert_eq!(db.store.action(ReaderId(7), action.id).await.unwrap(), None, "it is another reader's");
    assert_eq!(db.store.undo(ReaderId(7), action.id).await.unwrap(), None);
    let rows = db.store.database.rows(sql("SELECT read_id FROM mark")).await.unwrap();
    assert_eq!(rows.len(), 1);
});

on_both!(only_the_last_hundred_actions_can_be_undone, |db| {
    let reads = four_reads(db).await;
    let mut first = None;
    for n in 0..102 {
        let action = mark(db, reads[0], Mark::Keep, n % 2 == 0, n).await;
        first.get_or_insert(action.id);
    }
    assert_eq!(db.store.action(ONE, first.unwrap()).await.unwrap(), None);
    assert_eq!(db.store.database.rows(sql("SELECT id FROM action")).await.unwrap().len(), 100);
});

on_both!(marks_survive_a_new_precis, |db| {
    let reads = four_reads(db).await;
    mark(db, reads[0], Mark::Keep, true, 5).await;
    mark(db, reads[0], Mark::Done, true, 6).await;
    let before = marks_of(db, reads[0]).await;
    db.store.ask_for(&Selection::All, "mine", at(1000)).await.unwrap();
    let mut again = 0;
    while let Some(read) = db.store.claim_again("mine", at(1000), LEASE).await.unwrap() {
        let made = precis(&read, Kind::Tutorial, false, &["rate-limiting"]);
        assert_eq!(db.store.finish_again(&read, &made, &[], at(1000)).await.unwrap(), Finished::Done);
        again += 1;
    }
    assert_eq!(again, 4);
    assert_eq!(marks_of(db, reads[0]).await, before);
});

on_both!(marks_of_merged_reads_move_to_the_older_one, |db| {
    let source = db.follow("Acme").await;
    let addresses = ["https://acme.example/old", "https://acme.example/new"];
    db.poll(&source, vec![entry(addresses[0], Some("2026-05-11"))]).await;
    let older = db.finish_all().await[0];
    db.poll(&source, vec![entry(addresses[1], Some("2026-05-12"))]).await;
    let younger = db.claim(Stage::Discovered).await.unwrap();
    // The younger one is not shown yet. A mark that another process set on it must still not be
    // lost.
    mark(db, older, Mark::Keep, true, 5).await;
    mark(db, older, Mark::Hide, true, 5).await;
    let done = mark(db, younger.id, Mark::Done, true, 6).await;
    mark(db, younger.id, Mark::Keep, true, 7).await;
    let text = article("Text of the younger one");
    let merged = db.store.finish_extract(&younger, &text, &canonical(addresses[0]), at(1000)).await.unwrap();
    assert_eq!(merged, Extracted::MergedInto(older));
    let united = Marks { kept: Some(at(5)), done: Some(at(6)), hidden: None, noted: false };
    assert_eq!(marks_of(db, older).await, united, "in sight, because one of the two was");
    mark(db, younger.id, Mark::Hide, true, 8).await;
    assert_eq!(marks_of(db, older).await.hidden, Some(at(8)), "the former number means the older read");
    db.store.undo(ONE, done.id).await.unwrap();
    assert_eq!(marks_of(db, older).await.done, None, "so it does for what was done before");
});

on_both!(kept_read_outlives_its_source, |db| {
    let reads = four_reads(db).await;
    let acme = db.store.source_by_slug("acme-engineering").await.unwrap().unwrap();
    mark(db, reads[0], Mark::Keep, true, 5).await;
    mark(db, reads[1], Mark::Done, true, 5).await;
    let gone = db.store.unfollow(acme.id, Unfollow::DropReads, at(1000)).await.unwrap();
    assert_eq!(gone, Unfollowed { reads_kept: 1, reads_dropped: 2 });
    db.assert_sound().await;
    assert!(marks_of(db, reads[0]).await.kept.is_some());
    let page = db.store.read(reads[0]).await.unwrap().unwrap();
    assert_eq!((page.card.source, page.places.len()), (acme.id, 1), "its page says where it comes from");
    assert_eq!(
        db.store.sources(&SourceFilter::default()).await.unwrap().len(),
        1,
        "it is no longer followed"
    );
    let left = db.store.source(acme.id).await.unwrap().unwrap();
    assert_eq!((left.unfollowed_at, left.reads), (Some(at(1000)), 1));
    let everybody = Scope::AllNow { since: at(2000) };
    while let Some(claimed) = db.store.claim_source(at(2000), LEASE, &[], everybody).await.unwrap() {
        assert_ne!(claimed.source.id, acme.id, "it is asked no more");
    }

    // Followed again, it is polled again. Dropped reads come back, kept ones are recognised.
    let follow = db.store.follow(&blog("Acme"), at(3000)).await.unwrap();
    assert!(follow.is_new && follow.source.id == acme.id && follow.source.unfollowed_at.is_none());
    let entries = (1..=3).map(|n| entry(&format!("https://acme.example/{n}"), Some("2026-05-11")));
    assert_eq!(db.poll(&acme, entries.collect()).await, Admitted { new: 2, known: 1, left: 0 });
    db.finish_all().await;
    assert_eq!(db.store.source(acme.id).await.unwrap().unwrap().reads, 3);

    // A read that is not kept any more is dropped with its source.
    mark(db, reads[0], Mark::Keep, false, 6).await;
    let gone = db.store.unfollow(acme.id, Unfollow::DropReads, at(4000)).await.unwrap();
    assert_eq!(gone, Unfollowed { reads_kept: 0, reads_dropped: 3 });
    assert_eq!(db.store.source(acme.id).await.unwrap(), None);
});

on_both!(source_can_be_unfollowed_without_its_reads, |db| {
    let reads = four_reads(db).await;
    let bolt = db.store.source_by_slug("bolt-engineering").await.unwrap().unwrap();
    db.poll(&bolt, vec![entry("https://acme.example/1", None), entry("https://bolt.example/2", None)]).await;
    mark(db, reads[3], Mark::Done, true, 5).await;
    let gone = db.store.unfollow(bolt.id, Unfollow::KeepReads, at(1000)).await.unwrap();
    assert_eq!(gone, Unfollowed { reads_kept: 3, reads_dropped: 0 });
    db.assert_sound().await;
    assert!(marks_of(db, reads[3]).await.done.is_some());
    let of_bolt = ReadFilter { source: Some(bolt.id), ..ReadFilter::default() };
    assert_eq!(whole_list(&db.store, &of_bolt, Order::Newest, 9).await.len(), 1, "the shared one is Acme's");
    assert_eq!(db.finish_all().await.len(), 1, "what was on its way still arrives");
    let gone = db.store.unfollow(bolt.id, Unfollow::DropReads, at(1000)).await.unwrap();
    assert_eq!(gone, Unfollowed { reads_kept: 0, reads_dropped: 2 });
});

on_both!(marks_of_a_page_take_one_query_and_use_an_index, |db| {
    let reads = four_reads(db).await;
    for read in &reads {
        mark(db, *read, Mark::Keep, true, 5).await;
    }
    let hundred: Vec<ReadId> = (0..100).map(|n| ReadId(reads[0].0 + n)).collect();
    assert_eq!(db.store.marks(ONE, &hundred).await.unwrap().len(), 4);
    assert_eq!(db.store.marks(ReaderId(2), &hundred).await.unwrap().len(), 0, "another reader has none");
    assert_eq!(db.store.marks(ONE, &[]).await.unwrap().len(), 0);
});
