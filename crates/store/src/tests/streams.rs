//! Lists of reads for reader apps.

use backissue_model::{Mark, ReadId, ReaderId};

use super::harness::*;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;

on_both!(stream_has_what_its_filter_lets_through, |db| {
    let (acme, globex) = (db.follow("Acme").await, db.follow("Globex").await);
    for n in 1..=3 {
        db.poll(&acme, vec![entry(&format!("https://acme.example/{n}"), None)]).await;
    }
    db.poll(&globex, vec![entry("https://globex.example/1", None)]).await;
    let mut reads = db.finish_all().await;
    reads.sort_unstable();
    let [first, second, third, fourth] = reads[..] else { panic!("four reads: {reads:?}") };
    let list = async |filter: &StreamFilter, after: Option<ReadId>, oldest_first, limit| {
        db.store.stream(ONE, filter, after, oldest_first, limit).await.unwrap()
    };
    let all = StreamFilter::all_of(Stream::All);
    assert_eq!(list(&all, None, false, 9).await, [fourth, third, second, first]);
    assert_eq!(list(&all, None, false, 2).await, [fourth, third]);
    assert_eq!(list(&all, Some(third), false, 9).await, [second, first]);
    assert_eq!(list(&all, Some(second), true, 9).await, [third, fourth]);

    let tag = async |reads: &[ReadId], tags: &[(Tag, bool)]| {
        db.store.tag_reads(ONE, reads, tags, at(9)).await.unwrap()
    };
    let (done, keep) = (Tag::Mark(Mark::Done), Tag::Mark(Mark::Keep));
    assert_eq!(tag(&[first], &[(done.clone(), true)]).await, Tagged::Done);
    assert_eq!(tag(&[first, second], &[(keep.clone(), true)]).await, Tagged::Done);
    db.store.mark(ONE, third, Mark::Hide, true, at(9)).await.unwrap();
    assert_eq!(tag(&[second], &[(Tag::Label("later".parse().unwrap()), true)]).await, Tagged::Done);
    let only = |mine: Mine| StreamFilter { only: vec![mine], ..all.clone() };
    let label = StreamFilter::all_of(Stream::Label("later".parse().unwrap()));
    let group = StreamFilter::all_of(Stream::Group("none".to_owned()));
    for (name, filter, expected) in [
        ("all", all.clone(), vec![fourth, second, first]),
        ("unread", only(Mine::Unread), vec![fourth, second]),
        ("kept", StreamFilter::all_of(Stream::Mine(Mine::Kept)), vec![second, first]),
        ("not kept", StreamFilter { not_kept: true, ..all.clone() }, vec![fourth]),
        ("kept and done", StreamFilter { only: vec![Mine::Kept, Mine::Done], ..all.clone() }, vec![first]),
        ("source", StreamFilter::all_of(Stream::Source(globex.id)), vec![fourth]),
        ("label", label, vec![second]),
        ("group", group, vec![]),
        ("since", StreamFilter { since: Some(jiff::Timestamp::MAX), ..all.clone() }, vec![]),
        ("until", StreamFilter { until: Some(jiff::Timestamp::MIN), ..all.clone() }, vec![]),
    ] {
        assert_eq!(list(&filter, None, false, 9).await, expected, "{name}");
    }
    let items = db.store.stream_items(ONE, &[second, ReadId(999), first]).await.unwrap();
    assert_eq!(items.iter().map(|item| item.read.card.id).collect::<Vec<_>>(), [second, first]);
    assert!(items[0].labels.len() == 1 && items[0].marks.kept.is_some() && !items[0].html.is_empty());
    assert!(items[1].labels.is_empty() && items[1].marks.done.is_some());

    // All or nothing.
    let label = |name: String| (Tag::Label(name.parse().unwrap()), true);
    let many: Vec<_> = (0..LABELS_MAX).map(|n| label(format!("label {n}"))).collect();
    let undone = [(done, false), (keep, false)];
    assert_eq!(tag(&[first, ReadId(999)], &undone).await, Tagged::NoSuchRead(ReadId(999)));
    let full = tag(&[first, second], &[&undone[..], &many].concat()).await;
    assert_eq!(full, Tagged::TooManyLabels(second), "it has one already");
    let after = db.store.stream_items(ONE, &[second, first]).await.unwrap();
    assert_eq!(
        after.iter().map(|item| item.marks).collect::<Vec<_>>(),
        items.iter().map(|item| item.marks).collect::<Vec<_>>()
    );
    assert_eq!(tag(&[first, first], &many).await, Tagged::Done);
    assert_eq!(db.store.labels(ONE, first).await.unwrap().len(), many.len());
    assert_eq!(tag(&[first, second], &[(Tag::Label("label 0".parse().unwrap()), false)]).await, Tagged::Done);
    assert_eq!(db.store.labels(ONE, first).await.unwrap().len(), many.len() - 1);

    let unread = db.store.unread_by_source(ONE).await.unwrap();
    assert_eq!(unread.iter().map(|of| (of.0, of.1)).collect::<Vec<_>>(), [(acme.id, 1), (globex.id, 1)]);
    let of_acme = StreamFilter::all_of(Stream::Source(acme.id));
    let action = db.store.mark_stream_done(ONE, &of_acme, at(10)).await.unwrap();
    assert_eq!(action.reads, [second], "what is hidden or done already stays as it is");
    let unread = db.store.unread_by_source(ONE).await.unwrap();
    assert_eq!(unread.iter().map(|of| (of.0, of.1)).collect::<Vec<_>>(), [(globex.id, 1)]);
    assert!(matches!(
        db.store.tag_reads(ReaderId(7), &[first], &[], at(9)).await,
        Err(StoreError::NotFound { .. })
    ));
});
