//! Highlights of readers: where they are, their limits, and what they survive.

use backissue_model::{Highlight, Quote, ReadId, ReaderId, Stage};

use super::harness::*;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;

fn quote(exact: &str) -> Quote {
    Quote::new(exact, "", "").unwrap()
}

fn remark(text: &str) -> backissue_model::NoteText {
    text.parse().unwrap()
}

/// Annotated reads of one source, in the order of their addresses. Their texts are `Text of URL`.
async fn reads(db: &TestDatabase, count: u32) -> Vec<ReadId> {
    let entries = (1..=count).map(|n| entry(&format!("https://acme.example/{n:03}"), Some("2026-05-11")));
    db.annotated(entries).await
}

async fn add(db: &TestDatabase, read: ReadId, exact: &str, words: &str, seconds: i64) -> Highlight {
    let added = db.store.add_highlight(ONE, read, &quote(exact), &remark(words), at(seconds)).await.unwrap();
    let Highlighted::Added(highlight) = added else { panic!("{exact}: {added:?}") };
    highlight
}

async fn there(db: &TestDatabase, read: ReadId) -> Vec<(String, String)> {
    let highlights = db.store.highlights(ONE, read).await.unwrap();
    highlights.into_iter().map(|h| (h.quote.exact, h.remark.to_string())).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

on_both!(highlight_has_the_articles_words_and_their_context, |db| {
    let read = reads(db, 1).await[0];
    let made = add(db, read, " of\n\thttps://acme.example", "Ours", 1).await;
    assert_eq!(made.quote, Quote::new("of https://acme.example", "Text ", "/001").unwrap());
    assert_eq!((made.version, made.made_at, made.changed_at), (1, at(1), at(1)));
    assert_eq!(db.store.highlights(ONE, read).await.unwrap(), std::slice::from_ref(&made));
    assert_eq!(db.store.highlights(ReaderId(2), read).await.unwrap(), []);
    for (exact, result) in [("nowhere", Highlighted::NotInText), ("t", Highlighted::SeveralTimes)] {
        let added = db.store.add_highlight(ONE, read, &quote(exact), &remark(""), at(2)).await.unwrap();
        assert_eq!(added, result, "{exact}");
    }
    let unknown = db.store.add_highlight(ONE, ReadId(9999), &quote("Text"), &remark(""), at(2)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
    let unknown = db.store.add_highlight(ReaderId(2), read, &quote("Text"), &remark(""), at(2)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { .. })));

    let again = add(db, read, "of https://acme.example", "", 3).await;
    assert_eq!(again, made, "the same again changes nothing");
    let more = add(db, read, "of https://acme.example", "Theirs", 4).await;
    assert_eq!((more.id, more.remark.as_str(), more.changed_at), (made.id, "Ours\n\n---\n\nTheirs", at(4)));
    let long = remark(&"x".repeat(9_999));
    let too_long = db.store.add_highlight(ONE, read, &more.quote, &long, at(5)).await.unwrap();
    assert!(matches!(too_long, Highlighted::RemarkTooLong(_)), "{too_long:?}");
    assert_eq!(db.store.highlights(ONE, read).await.unwrap(), [more]);
});

on_both!(remark_is_changed_only_from_its_last_version, |db| {
    let read = reads(db, 1).await[0];
    let made = add(db, read, "Text", "First", 1).await;
    let save = async |words: &str, seen: i64| {
        db.store.save_remark(ONE, made.id, &remark(words), seen, at(2)).await.unwrap()
    };
    let RemarkSaved::Saved(second) = save("Second", 1).await else { panic!("it was seen") };
    assert_eq!((second.version, second.changed_at, second.made_at), (2, at(2), at(1)));
    assert_eq!(save("Stale", 1).await, RemarkSaved::Conflict(second.clone()));
    assert_eq!(save("Second", 1).await, RemarkSaved::Saved(second.clone()), "the same words are no conflict");
    assert_eq!(db.store.highlights(ONE, read).await.unwrap(), [second]);
    let others = db.store.save_remark(ReaderId(2), made.id, &remark("Theirs"), 2, at(3)).await;
    assert!(matches!(others, Err(StoreError::NotFound { .. })));
});

on_both!(removed_highlight_is_restored_and_forgotten_in_the_end, |db| {
    let read = reads(db, 1).await[0];
    let made = add(db, read, "Text", "Ours", 1).await;
    let version = db.store.versions(ONE).await.unwrap().1;
    db.store.remove_highlight(ONE, made.id, at(2)).await.unwrap();
    assert_eq!(db.store.versions(ONE).await.unwrap().1, version + 1);
    assert_eq!(there(db, read).await, []);
    assert!(db.store.own(ONE).await.unwrap().is_empty());
    assert!(db.store.notes(ONE, "", None, 10).await.unwrap().items.is_empty());
    assert!(db.store.is_removed_highlight(ONE, made.id).await.unwrap());
    assert!(matches!(db.store.remove_highlight(ONE, made.id, at(3)).await, Err(StoreError::NotFound { .. })));
    assert_eq!(db.store.restore_highlight(ONE, made.id).await.unwrap(), Some(made.clone()));
    assert_eq!(db.store.restore_highlight(ONE, made.id).await.unwrap(), None, "once is enough");
    assert_eq!(there(db, read).await, pairs(&[("Text", "Ours")]));

    db.store.remove_highlight(ONE, made.id, at(4)).await.unwrap();
    let again = add(db, read, "Text", "", 5).await;
    assert_eq!((again.id, again.remark.as_str()), (made.id, ""), "made again, it does not say what it said");
    assert_eq!(db.store.restore_highlight(ONE, made.id).await.unwrap(), None);
    db.store.remove_highlight(ONE, made.id, at(6)).await.unwrap();
    import(db, 100).await;
    for (n, other) in (10..).zip(db.store.highlights(ONE, read).await.unwrap()) {
        assert!(db.store.is_removed_highlight(ONE, made.id).await.unwrap(), "{n}");
        db.store.remove_highlight(ONE, other.id, at(n)).await.unwrap();
    }
    assert!(!db.store.is_removed_highlight(ONE, made.id).await.unwrap(), "a hundred others were removed");
});

/// Imports this many highlights of the first read.
async fn import(db: &TestDatabase, count: usize) -> TakenIn {
    let imported = |n: usize| OwnHighlight {
        quote: quote(&format!("Passage {n}")),
        remark: remark(""),
        made: None,
        changed: None,
    };
    let own = OwnRead {
        url: "https://acme.example/001".into(),
        highlights: (0..count).map(imported).collect(),
        ..OwnRead::default()
    };
    db.store.take_in(ONE, &[own], |_, _| at(0), at(1)).await.unwrap()
}

on_both!(highlights_of_a_read_are_limited, |db| {
    let read = reads(db, 1).await[0];
    let taken = import(db, HIGHLIGHTS_MAX + 2).await;
    assert_eq!(taken.refused, [("https://acme.example/001".to_owned(), Refusal::Highlights(2))]);
    assert!(taken.refused[0].1.to_string().contains("at most 500 highlights"), "{}", taken.refused[0].1);
    let full = db.store.add_highlight(ONE, read, &quote("Text"), &remark(""), at(2)).await.unwrap();
    assert_eq!(full, Highlighted::TooMany);
    let first = db.store.highlights(ONE, read).await.unwrap().remove(0);
    db.store.remove_highlight(ONE, first.id, at(3)).await.unwrap();
    add(db, read, "Text", "", 4).await;
    assert_eq!(db.store.restore_highlight(ONE, first.id).await.unwrap(), None, "it is full again");
    assert_eq!(there(db, read).await.len(), HIGHLIGHTS_MAX);
});

on_both!(import_refuses_highlights_beyond_the_limits, |db| {
    reads(db, 1).await;
    let imported = |exact: String, words: String| OwnHighlight {
        quote: Quote { exact, prefix: "\0p".repeat(99), suffix: String::new() },
        remark: words.into(),
        made: Some(at(1)),
        changed: Some(at(2)),
    };
    let own = OwnRead {
        url: "https://acme.example/001".into(),
        highlights: vec![
            imported("é".repeat(2_001), String::new()),
            imported(String::new(), String::new()),
            imported("a".into(), "é".repeat(10_001)),
            imported("b\0".into(), "Kept".into()),
        ],
        ..OwnRead::default()
    };
    let taken = db.store.take_in(ONE, &[own], |_, _| at(0), at(9)).await.unwrap();
    let refused: Vec<String> = taken.refused.iter().map(|(_, why)| why.to_string()).collect();
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(
        refused[0].contains("this one has 2001") && refused[2].contains("this one has 10001"),
        "{refused:?}"
    );
    let there = db.store.own(ONE).await.unwrap().remove(0).highlights;
    let [kept] = &there[..] else { panic!("{there:?}") };
    assert_eq!((kept.quote.exact.as_str(), kept.quote.prefix.as_str()), ("b", "p".repeat(32).as_str()));
    assert_eq!((kept.remark.as_str(), kept.made, kept.changed), ("Kept", Some(at(1)), Some(at(2))));
});

on_both!(highlighted_reads_are_listed_and_found_with_the_notes, |db| {
    let reads = reads(db, 4).await;
    db.store.save_note(ONE, reads[0], &remark("A note"), 0, at(10)).await.unwrap();
    add(db, reads[0], "Text", "", 5).await;
    add(db, reads[1], "Text", "Tail latency", 20).await;
    add(db, reads[1], "of", "", 21).await;
    db.store.save_note(ONE, reads[2], &remark("Another"), 0, at(15)).await.unwrap();
    add(db, reads[2], "acme.example", "", 30).await;
    let list = async |words: &str| {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = db.store.notes(ONE, words, after.as_ref(), 1).await.unwrap();
            all.extend(page.items.iter().map(|own| (own.card.id, own.highlights.len())));
            match page.next {
                Some(next) => after = Some(next.to_string().parse::<OwnCursor>().unwrap()),
                None => return all,
            }
        }
    };
    let all = [(reads[2], 1), (reads[1], 2), (reads[0], 1)];
    assert_eq!(list("").await, all, "last changed first, each once");
    assert_eq!(list("LATENCY tail").await, [all[1]]);
    assert_eq!(list("acme.EXAMPLE").await, [all[0]]);
    assert_eq!(list("text note").await, [all[2]], "words of the note and of a passage");
    assert_eq!(list("nowhere").await, []);
    db.store.mark(ONE, reads[1], backissue_model::Mark::Keep, true, at(40)).await.unwrap();
    let shelf = db.store.shelf(ONE, &ShelfFilter::default(), ShelfOrder::Kept, None, 10).await.unwrap();
    assert_eq!(shelf.items[0].highlights.len(), 2);
});

on_both!(highlights_stay_when_their_read_is_merged_into_an_older_one, |db| {
    let acme = db.follow("Acme").await;
    let (old, new) = ("https://acme.example/old", "https://acme.example/new");
    db.poll(&acme, vec![entry(old, None), entry(new, None)]).await;
    let mut claimed =
        [db.claim(Stage::Discovered).await.unwrap(), db.claim(Stage::Discovered).await.unwrap()];
    claimed.sort_by_key(|read| read.id);
    let [older, younger] = claimed;
    let url = |read: &ClaimedRead| read.url.clone();
    let text = article("The same text, at another address");
    db.store.finish_extract(&younger, &text, &url(&younger), at(1000)).await.unwrap();
    let both = add(db, younger.id, "same text", "Of the younger one", 1).await;
    add(db, younger.id, "another address", "", 2).await;
    let removed = add(db, younger.id, "The", "", 3).await;
    db.store.remove_highlight(ONE, removed.id, at(4)).await.unwrap();
    // The older read has the same passage, by an import before its page was fetched.
    let own = OwnRead {
        url: url(&older).to_string(),
        highlights: vec![OwnHighlight {
            quote: both.quote.clone(),
            remark: remark("Of the older one"),
            made: Some(at(0)),
            changed: Some(at(0)),
        }],
        ..OwnRead::default()
    };
    db.store.take_in(ONE, &[own], |_, _| at(0), at(5)).await.unwrap();
    let changed = article("The same text is at another place now");
    let done = db.store.finish_extract(&older, &changed, &url(&younger), at(1000)).await.unwrap();
    assert_eq!(done, Extracted::Stored, "the older one stays");
    let expected = [("same text", "Of the older one\n\n---\n\nOf the younger one"), ("another address", "")];
    assert_eq!(there(db, older.id).await, pairs(&expected));
    assert_eq!(there(db, younger.id).await, [], "they are those of the older read now");
    assert!(db.store.restore_highlight(ONE, removed.id).await.unwrap().is_some_and(|h| h.read == older.id));
    db.finish_all().await;
});

on_both!(highlighted_read_stays_when_its_source_is_unfollowed, |db| {
    let reads = reads(db, 3).await;
    add(db, reads[0], "Text", "", 1).await;
    let removed = add(db, reads[1], "Text", "", 2).await;
    db.store.remove_highlight(ONE, removed.id, at(3)).await.unwrap();
    let source = db.store.sources(&SourceFilter::default()).await.unwrap().remove(0);
    let gone = db.store.unfollow(source.id, Unfollow::DropReads, at(1000)).await.unwrap();
    assert_eq!(gone.reads_dropped, 2);
    assert_eq!(there(db, reads[0]).await, pairs(&[("Text", "")]));
    assert!(!db.store.is_removed_highlight(ONE, removed.id).await.unwrap());
});
