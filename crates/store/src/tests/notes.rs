//! Notes and labels of readers, and that they survive merging and unfollowing.

use backissue_model::{Label, Mark, NoteText, ReadId, ReaderId, Stage, Standing};

use super::harness::*;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;

fn text(text: &str) -> NoteText {
    text.parse().unwrap()
}

fn label(name: &str) -> Label {
    name.parse().unwrap()
}

/// Annotated reads of one source, in the order of their addresses.
async fn reads(db: &TestDatabase, count: u32) -> Vec<ReadId> {
    let day = |n: u32| format!("2026-05-{:02}", 1 + n % 12);
    let entries = (1..=count).map(|n| entry(&format!("https://acme.example/{n:03}"), Some(&day(n))));
    db.annotated(entries).await
}

async fn save(db: &TestDatabase, read: ReadId, words: &str, seen: i64, seconds: i64) -> NoteSaved {
    db.store.save_note(ONE, read, &text(words), seen, at(seconds)).await.unwrap()
}

async fn words(db: &TestDatabase, read: ReadId) -> String {
    db.store.note(ONE, read).await.unwrap().text.to_string()
}

on_both!(note_is_changed_only_from_its_last_version, |db| {
    let read = reads(db, 1).await[0];
    assert_eq!(db.store.note(ONE, read).await.unwrap().version, 0);
    let NoteSaved::Saved(first) = save(db, read, "First", 0, 1).await else { panic!("nobody else wrote") };
    assert_eq!((first.version, first.made_at, first.changed_at), (1, Some(at(1)), Some(at(1))));
    let NoteSaved::Conflict(there) = save(db, read, "Another tab", 0, 2).await else {
        panic!("it was stale")
    };
    assert_eq!(there, first);
    assert_eq!(words(db, read).await, "First");
    assert_eq!(
        save(db, read, "First", 0, 2).await,
        NoteSaved::Saved(first),
        "the same words are no conflict"
    );
    let NoteSaved::Saved(second) = save(db, read, "Second", 1, 3).await else { panic!("it was seen") };
    assert_eq!((second.version, second.made_at, second.changed_at), (2, Some(at(1)), Some(at(3))));

    // A note that was removed and written again is not overwritten from an earlier version.
    assert!(db.store.marks(ONE, &[read]).await.unwrap()[&read].noted);
    save(db, read, "", 2, 4).await;
    assert!(!db.store.marks(ONE, &[read]).await.unwrap().contains_key(&read));
    assert!(matches!(save(db, read, "Stale", 1, 5).await, NoteSaved::Conflict(_)));
    assert!(matches!(save(db, read, "Third", 3, 5).await, NoteSaved::Saved(_)));
    for stale in [0, 1, 2, 3, 5, -1] {
        assert!(matches!(save(db, read, "Stale", stale, 6).await, NoteSaved::Conflict(_)), "{stale}");
    }
});

on_both!(concurrent_saves_give_one_note_and_conflicts, |db| {
    let read = reads(db, 1).await[0];
    let other = db.open_again().await;
    let mut saving = Vec::new();
    for n in 0..8 {
        let store = if n % 2 == 0 { db.store.clone() } else { other.clone() };
        saving.push(tokio::spawn(async move {
            store.save_note(ONE, read, &text(&format!("Words {n}")), 0, at(n)).await.unwrap()
        }));
    }
    let mut saved = Vec::new();
    for task in saving {
        if let NoteSaved::Saved(note) = task.await.unwrap() {
            saved.push(note.text.to_string());
        }
    }
    assert_eq!(saved, [words(db, read).await]);
    other.close().await;
});

on_both!(label_keeps_its_read_and_labels_are_limited, |db| {
    let reads = reads(db, 2).await;
    for n in 0..LABELS_MAX {
        let added = db.store.add_label(ONE, reads[0], &label(&format!("Label {n:02}")), at(1)).await.unwrap();
        assert_eq!(added, Labelled::Added);
    }
    let more = db.store.add_label(ONE, reads[0], &label("one more"), at(2)).await.unwrap();
    let again = db.store.add_label(ONE, reads[0], &label("label 00"), at(2)).await.unwrap();
    assert_eq!((more, again), (Labelled::TooMany, Labelled::Added));
    assert_eq!(db.store.labels(ONE, reads[0]).await.unwrap().len(), LABELS_MAX);
    assert_eq!(db.store.marks(ONE, &reads).await.unwrap()[&reads[0]].kept, Some(at(1)));
    db.store.remove_label(ONE, reads[0], &label("label 00")).await.unwrap();
    assert_eq!(db.store.all_labels(ONE).await.unwrap().len(), LABELS_MAX - 1);
    assert_eq!(db.store.all_labels(ReaderId(2)).await.unwrap(), []);
    assert_eq!(db.store.counted_labels(ReaderId(2)).await.unwrap(), []);
    let names = db.store.counted_labels(ONE).await.unwrap().into_iter().map(|(name, _)| name);
    assert_eq!(names.collect::<Vec<_>>(), db.store.all_labels(ONE).await.unwrap());
    let unknown = db.store.add_label(ONE, ReadId(9999), &label("a"), at(1)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
    let unknown = db.store.save_note(ONE, ReadId(9999), &text("a"), 0, at(1)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
});

on_both!(shelf_is_sorted_filtered_and_paged, |db| {
    let reads = reads(db, 30).await;
    for (n, read) in (0..).zip(&reads) {
        if n % 3 > 0 {
            // Two are kept at the same time, which paging must handle.
            db.store.mark(ONE, *read, Mark::Keep, true, at(n / 2)).await.unwrap();
        }
        if n % 5 == 0 {
            db.store.add_label(ONE, *read, &label("five"), at(100 + n)).await.unwrap();
            save(db, *read, &format!("Note {n}"), 0, n).await;
        }
    }
    let kept =
        db.store.marks(ONE, &reads).await.unwrap().values().filter(|marks| marks.kept.is_some()).count();
    let all = async |filter: &ShelfFilter, order| {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = db.store.shelf(ONE, filter, order, after.as_ref(), 4).await.unwrap();
            all.extend(page.items);
            match page.next {
                Some(next) => after = Some(next.to_string().parse::<OwnCursor>().unwrap()),
                None => return all,
            }
        }
    };
    let every = ShelfFilter::default();
    let by_kept = all(&every, ShelfOrder::Kept).await;
    assert_eq!(by_kept.len(), kept);
    assert!(by_kept.is_sorted_by_key(|own| (std::cmp::Reverse(own.kept), std::cmp::Reverse(own.card.id))));
    let published = all(&every, ShelfOrder::Published).await;
    assert!(
        published.len() == kept && published.is_sorted_by_key(|own| std::cmp::Reverse(own.card.filed_at))
    );
    let minutes = all(&every, ShelfOrder::Minutes).await;
    assert!(minutes.len() == kept && minutes.is_sorted_by_key(|own| own.card.minutes));
    let five = all(&ShelfFilter { label: Some(label("five")), ..every.clone() }, ShelfOrder::Kept).await;
    assert_eq!(five.len(), 6);
    assert!(
        five.iter().all(|own| own.labels == [label("five")] && own.note.text.as_str().starts_with("Note "))
    );
    let week = by_kept[0].card.week;
    let of_week = all(&ShelfFilter { week: Some(week), ..every.clone() }, ShelfOrder::Minutes).await;
    assert_eq!(of_week.len(), by_kept.iter().filter(|own| own.card.week == week).count());
    let source = Some(by_kept[0].card.source);
    assert_eq!(all(&ShelfFilter { source, ..every }, ShelfOrder::Kept).await.len(), kept);

    let groups = db.store.shelf_groups(ONE).await.unwrap();
    assert_eq!(groups.labels, [(label("five"), 6)]);
    assert_eq!(
        (groups.sources.len(), groups.sources[0].1.as_str(), groups.sources[0].2),
        (1, "Acme", kept as u64)
    );
    assert_eq!(groups.weeks.iter().map(|(_, count)| count).sum::<u64>(), kept as u64);
    assert!(groups.weeks.is_sorted_by_key(|(week, _)| std::cmp::Reverse(*week)));
    assert_eq!(
        db.store.shelf_groups(ReaderId(2)).await.unwrap(),
        ShelfGroups::default(),
        "it is another reader's"
    );

    let notes = db.store.notes(ONE, "", None, 4).await.unwrap();
    let rest = db.store.notes(ONE, " ", notes.next.as_ref(), 4).await.unwrap();
    assert_eq!((notes.items.len(), rest.items.len(), rest.next), (4, 2, None));
    let changed: Vec<_> = notes.items.iter().chain(&rest.items).map(|own| own.note.changed_at).collect();
    assert!(changed.is_sorted_by_key(|at| std::cmp::Reverse(*at)));
});

on_both!(notes_and_labels_of_merged_reads_are_joined, |db| {
    for (older_words, younger_words, both) in
        [("Old", "New", "Old\n\n---\n\nNew"), ("", "New", "New"), ("Old", "", "Old"), ("", "", "")]
    {
        let name = format!("Blog{}{}", older_words, younger_words);
        let source = db.follow(&name).await;
        let address = |n: u32| format!("https://{}.example/{n}", name.to_lowercase());
        db.poll(&source, vec![entry(&address(1), Some("2026-05-11"))]).await;
        let older = db.finish_all().await[0];
        db.poll(&source, vec![entry(&address(2), Some("2026-05-12"))]).await;
        let younger = db.claim(Stage::Discovered).await.unwrap();
        save(db, older, older_words, 0, 1).await;
        save(db, younger.id, younger_words, 0, 2).await;
        db.store.add_label(ONE, older, &label("both"), at(1)).await.unwrap();
        db.store.add_label(ONE, younger.id, &label("both"), at(1)).await.unwrap();
        db.store.add_label(ONE, younger.id, &label("younger"), at(1)).await.unwrap();
        let article = article(&format!("Text of the younger one of {name}"));
        let merged =
            db.store.finish_extract(&younger, &article, &canonical(&address(1)), at(1000)).await.unwrap();
        assert_eq!(merged, Extracted::MergedInto(older));
        assert_eq!(words(db, older).await, both);
        assert_eq!(db.store.labels(ONE, older).await.unwrap(), [label("both"), label("younger")]);
        if !older_words.is_empty() && !younger_words.is_empty() {
            assert!(
                matches!(save(db, older, "Stale", 1, 3).await, NoteSaved::Conflict(_)),
                "a tab from before"
            );
        }
        let version = db.store.note(ONE, older).await.unwrap().version;
        assert!(
            matches!(save(db, younger.id, "After", version, 9).await, NoteSaved::Saved(_)),
            "by its former number"
        );
        assert_eq!(words(db, older).await, "After");
    }
});

on_both!(noted_or_labelled_read_outlives_its_source, |db| {
    let reads = reads(db, 4).await;
    save(db, reads[0], "A thought", 0, 1).await;
    db.store.add_label(ONE, reads[1], &label("later"), at(1)).await.unwrap();
    db.store.mark(ONE, reads[1], Mark::Keep, false, at(2)).await.unwrap();
    save(db, reads[2], "Gone again", 0, 1).await;
    save(db, reads[2], "", 1, 2).await;
    let acme = db.store.source_by_slug("acme-engineering").await.unwrap().unwrap();
    let gone = db.store.unfollow(acme.id, Unfollow::DropReads, at(1000)).await.unwrap();
    assert_eq!(gone, Unfollowed { reads_kept: 2, reads_dropped: 2 });
    assert_eq!(words(db, reads[0]).await, "A thought");
    assert_eq!(db.store.labels(ONE, reads[1]).await.unwrap(), [label("later")]);
    db.assert_sound().await;
});

on_both!(notes_are_found_by_their_words_and_paged, |db| {
    let reads = reads(db, 30).await;
    for (n, read) in (0..).zip(&reads) {
        let text = if n % 3 == 0 { format!("Größe of the queue {n}") } else { format!("Nothing 100% {n}") };
        save(db, *read, &text, 0, n).await;
    }
    let found = async |words: &str| {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = db.store.notes(ONE, words, after.as_ref(), 4).await.unwrap();
            found.extend(page.items.into_iter().map(|own| own.card.id));
            match page.next {
                Some(next) => after = Some(next),
                None => return found,
            }
        }
    };
    let third: Vec<ReadId> = reads.iter().rev().copied().skip(2).step_by(3).collect();
    assert_eq!(found("GRÖSSE").await, [], "no letter is another");
    assert_eq!(found("QUEUE gröSSe").await, []);
    assert_eq!(found("QUEUE GRÖßE").await, third, "in any case and order, what was changed last first");
    assert_eq!(found("100%").await.len(), 20, "signs of SQL are letters");
    assert_eq!(found("_").await, []);
    assert_eq!(found("about /008 nothing").await.len(), 1, "words of the title count");
    assert_eq!(db.store.notes(ReaderId(2), "queue", None, 4).await.unwrap().items, []);
});

on_both!(the_shelf_is_grouped, |db| {
    let acme = reads(db, 12).await;
    let bolt = db.follow("Bolt").await;
    db.poll(&bolt, vec![entry("https://bolt.example/1", Some("2026-05-12"))]).await;
    let other = db.finish_all().await;
    for (n, read) in (0..).zip(acme.iter().chain(&other)) {
        db.store.mark(ONE, *read, Mark::Keep, true, at(n)).await.unwrap();
    }
    db.store.add_label(ONE, acme[0], &label("late"), at(99)).await.unwrap();
    db.store.add_label(ONE, acme[0], &label("early"), at(99)).await.unwrap();
    db.store.add_label(ONE, acme[1], &label("late"), at(99)).await.unwrap();
    let told = async |filter: &ShelfFilter, order, by| {
        let groups = db.store.shelf_by(ONE, filter, order, by).await.unwrap();
        let told = |group: ShelfGroup| {
            let items: Vec<ReadId> = group.items.iter().map(|own| own.card.id).collect();
            (group.name, group.reads, items)
        };
        groups.into_iter().map(told).collect::<Vec<_>>()
    };
    let every = ShelfFilter::default();
    let last_kept: Vec<ReadId> = [&other[..], &[acme[11], acme[10], acme[9], acme[8]]].concat();
    assert_eq!(
        told(&every, ShelfOrder::Kept, ShelfBy::Label).await,
        [
            (Some("early".into()), 1, vec![acme[0]]),
            (Some("late".into()), 2, vec![acme[1], acme[0]]),
            (None, 11, last_kept.clone()),
        ]
    );
    let companies = told(&every, ShelfOrder::Kept, ShelfBy::Company).await;
    assert_eq!(companies.iter().map(|(_, reads, _)| *reads).collect::<Vec<_>>(), [12, 1]);
    assert_eq!(companies[1], (Some("bolt-engineering".into()), 1, other.clone()));
    let concepts = told(&every, ShelfOrder::Kept, ShelfBy::Concept).await;
    assert_eq!(concepts, [(Some("caching".into()), 13, last_kept)]);
    let weeks = told(&every, ShelfOrder::Published, ShelfBy::Week).await;
    assert_eq!(weeks.iter().map(|(_, reads, _)| reads).sum::<u64>(), 13);
    assert!(weeks.is_sorted_by(|one, two| one.0 > two.0), "{weeks:?}");
    let late = ShelfFilter { label: Some(label("late")), ..ShelfFilter::default() };
    assert_eq!(told(&late, ShelfOrder::Kept, ShelfBy::Company).await[0].1, 2);
    let caching = ShelfFilter { concept: "caching".parse().ok(), ..ShelfFilter::default() };
    let sharding = ShelfFilter { concept: "sharding".parse().ok(), ..ShelfFilter::default() };
    for (filter, count) in [(&caching, 13), (&sharding, 0)] {
        assert_eq!(db.store.shelf(ONE, filter, ShelfOrder::Kept, None, 50).await.unwrap().items.len(), count);
    }
    assert_eq!(db.store.shelf_groups(ONE).await.unwrap().concepts, [("caching".parse().unwrap(), 13)]);
    assert_eq!(db.store.shelf_by(ReaderId(2), &every, ShelfOrder::Kept, ShelfBy::Label).await.unwrap(), []);
});

on_both!(saved_page_is_kept_and_goes_to_its_site_later, |db| {
    let url = canonical("https://acme.example/1?utm_source=mail");
    let PageSaved::New(read) = db.store.save_page(ONE, &url, at(1)).await.unwrap() else { panic!("not new") };
    assert_eq!(db.store.save_page(ONE, &url, at(2)).await.unwrap(), PageSaved::Known(read));
    db.finish_all().await;
    let card = db.store.cards(&[read]).await.unwrap().remove(0);
    assert_eq!((card.company.as_str(), card.source_title.as_str()), ("Saved", "Saved"));
    let kept = db.store.shelf(ONE, &ShelfFilter::default(), ShelfOrder::Kept, None, 5).await.unwrap();
    assert_eq!(
        kept.items.iter().map(|own| (own.card.id, own.kept)).collect::<Vec<_>>(),
        [(read, Some(at(1)))]
    );
    let saved = db.store.source_by_slug("saved").await.unwrap().unwrap();
    assert_eq!((saved.health.standing, saved.health.next_poll, saved.reads), (Standing::Waiting, None, 1));

    // A followed site takes its page over. The page stays among the saved ones, too.
    let acme = db.follow("Acme").await;
    db.poll(&acme, vec![entry("https://acme.example/1", Some("2026-05-11"))]).await;
    assert_eq!(db.store.cards(&[read]).await.unwrap()[0].company, "Acme");
    db.store.unfollow(acme.id, Unfollow::DropReads, at(1000)).await.unwrap();
    assert_eq!(db.store.cards(&[read]).await.unwrap()[0].company, "Saved");
    let missing = db.store.save_page(ReaderId(9), &url, at(3)).await;
    assert!(matches!(missing, Err(StoreError::NotFound { .. })), "{missing:?}");
});

on_both!(failed_saved_page_is_shown_and_tried_when_saved_again, |db| {
    let url = "https://else.example/page".parse().unwrap();
    let PageSaved::New(read) = db.store.save_page(ONE, &url, at(1)).await.unwrap() else { panic!("not new") };
    let waiting = async || db.store.saved_waiting(ONE, 20).await.unwrap();
    let page = |error: Option<&str>, is_given_up| SavedWaiting {
        url: url.to_string(),
        error: error.map(str::to_owned),
        is_given_up,
    };
    assert_eq!(waiting().await, [page(None, false)]);
    let claimed = db.claim(Stage::Discovered).await.unwrap();
    db.store.fail(&claimed, "404 Not Found", at(1000), Retry::SetAside).await.unwrap();
    assert_eq!(waiting().await, [page(Some("404 Not Found"), true)]);
    assert!(db.claim(Stage::Discovered).await.is_none());
    assert_eq!(db.store.save_page(ONE, &url, at(1001)).await.unwrap(), PageSaved::Known(read));
    assert_eq!(db.claim(Stage::Discovered).await.map(|claimed| claimed.id), Some(read));
    db.store.add_reader(&"anna".parse().unwrap(), backissue_model::Role::Reader).await.unwrap();
    assert_eq!(db.store.saved_waiting(ReaderId(2), 20).await.unwrap(), [], "another reader’s is not told");
});
