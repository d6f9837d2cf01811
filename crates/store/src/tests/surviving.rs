//! What a reader wrote stays the same through everything that can happen to reads.

use std::collections::{BTreeMap, BTreeSet};

use backissue_model::{Correction, Kind, Mark, Quote, Rated, ReadField, ReadId, ReaderId, Source, Stage};
use backissue_needs::needs;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::harness::*;
use crate::marks::united;
use crate::*;

const ONE: ReaderId = ReaderId::ONE;

/// A change by the reader.
#[derive(Clone, Debug)]
enum Change {
    Mark(Mark, bool),
    /// An empty text removes the note.
    Note(&'static str),
    Label(&'static str, bool),
    /// Highlights this passage, with a remark; without one, removes the highlight.
    Highlight(&'static str, Option<&'static str>),
    /// Corrects a field, or takes its correction back.
    Correct(ReadField, Option<&'static str>),
}

/// Something that happens to reads. A number means one of the reads, modulo their number.
#[derive(Clone, Debug)]
enum Step {
    Change(usize, Change),
    /// A read arrives, and is changed before its page is fetched.
    Arrive(Vec<Change>),
    /// A read arrives, is changed, and turns out to be another one.
    Merge(usize, Vec<Change>),
    Annotate,
    /// The source is unfollowed with its reads kept, and followed again.
    Unfollow,
    /// The export is imported into the same archive.
    Import,
    /// The archive moves to the other database by export and import.
    Move,
}

fn change() -> impl Strategy<Value = Change> {
    let notes = prop::sample::select(vec!["", "a", "a\nb", "- \"ü\"\n\n\u{1f980}", "c"]);
    let labels = prop::sample::select(vec!["interview", "größe", "to read", "later"]);
    // Each text has the first three once.
    let passages = prop::sample::select(vec!["Text", "of", "acme.example", "no longer there"]);
    let remarks = prop::sample::select(vec![None, Some(""), Some("so"), Some("größe\n\nb")]);
    prop_oneof![
        (prop::sample::select(Mark::ALL.to_vec()), any::<bool>())
            .prop_map(|(mark, on)| Change::Mark(mark, on)),
        notes.prop_map(Change::Note),
        (labels, prop::bool::weighted(0.7)).prop_map(|(label, on)| Change::Label(label, on)),
        (passages, remarks).prop_map(|(passage, remark)| Change::Highlight(passage, remark)),
        correction(),
    ]
}

/// A correction whose text no program gives for a read in this test.
fn correction() -> impl Strategy<Value = Change> {
    let said = prop::sample::select(vec![
        (ReadField::Problem, "Queues grew."),
        (ReadField::Problem, "It was slow."),
        (ReadField::Outcome, "It is fast."),
        (ReadField::Kind, "research"),
        (ReadField::Concepts, "queues scheduling"),
        (ReadField::Title, "Größe \"1\""),
        (ReadField::Date, "2026-04-30"),
        (ReadField::Company, "Bolt"),
    ]);
    (said, prop::bool::weighted(0.8))
        .prop_map(|((field, text), on)| Change::Correct(field, on.then_some(text)))
}

fn step() -> impl Strategy<Value = Step> {
    let changes = || prop::collection::vec(change(), 0..4);
    prop_oneof![
        8 => (0..8usize, change()).prop_map(|(read, change)| Step::Change(read, change)),
        1 => changes().prop_map(Step::Arrive),
        2 => (0..8usize, changes()).prop_map(|(read, changes)| Step::Merge(read, changes)),
        1 => Just(Step::Annotate),
        1 => Just(Step::Unfollow),
        1 => Just(Step::Import),
        1 => Just(Step::Move),
    ]
}

/// A passage with its context: text, prefix, suffix.
type Passage = (String, String, String);

fn passage(quote: Quote) -> Passage {
    (quote.exact, quote.prefix, quote.suffix)
}

/// What a reader wrote about one read, as the test expects it.
#[derive(Clone, Debug, Default, PartialEq)]
struct Words {
    kept: Option<Timestamp>,
    done: Option<Timestamp>,
    hidden: Option<Timestamp>,
    note: String,
    labels: BTreeSet<String>,
    /// Remarks by passage with its context.
    highlights: BTreeMap<Passage, String>,
    corrections: BTreeMap<ReadField, (String, Timestamp)>,
    /// Whether it ever had a mark in this archive. Merging hides a read only if both are hidden.
    was_marked: bool,
}

impl Words {
    fn change(&mut self, change: &Change, now: Timestamp) {
        match change {
            Change::Mark(mark, on) => self.mark(*mark, *on, now),
            Change::Note(text) => self.note = (*text).to_owned(),
            Change::Label(label, true) => {
                self.labels.insert((*label).to_owned());
                self.mark(Mark::Keep, true, now);
            }
            Change::Label(label, false) => drop(self.labels.remove(*label)),
            Change::Correct(field, None) => drop(self.corrections.remove(field)),
            Change::Correct(field, Some(text)) => {
                let there = self.corrections.entry(*field).or_insert_with(|| ((*text).to_owned(), now));
                if there.0 != *text {
                    *there = ((*text).to_owned(), now);
                }
            }
            // The article decides which passage it is.
            Change::Highlight(..) => {}
        }
    }

    fn highlight(&mut self, at: Passage, remark: Option<&str>) {
        let Some(remark) = remark else { return drop(self.highlights.remove(&at)) };
        let there = self.highlights.entry(at).or_default();
        if !remark.is_empty() {
            *there = united(there, remark);
        }
    }

    fn mark(&mut self, mark: Mark, on: bool, now: Timestamp) {
        let since = match mark {
            Mark::Keep => &mut self.kept,
            Mark::Done => &mut self.done,
            Mark::Hide => &mut self.hidden,
        };
        *since = on.then(|| since.unwrap_or(now));
        self.was_marked |= on;
    }

    fn merge(&mut self, other: Self) {
        if other.was_marked {
            self.kept = self.kept.or(other.kept);
            self.done = self.done.or(other.done);
            let is_hidden = other.hidden.is_some() && (self.hidden.is_some() || !self.was_marked);
            self.hidden = self.hidden.or(other.hidden).filter(|_| is_hidden);
            self.was_marked = true;
        }
        if self.note.is_empty() {
            self.note = other.note;
        } else if !other.note.is_empty() && other.note != self.note {
            self.note = format!("{}\n\n---\n\n{}", self.note, other.note);
        }
        self.labels.extend(other.labels);
        for (at, remark) in other.highlights {
            let there = self.highlights.entry(at).or_default();
            if there.is_empty() {
                *there = remark;
            } else if !remark.is_empty() && remark != *there {
                *there = format!("{there}\n\n---\n\n{remark}");
            }
        }
        for (field, theirs) in other.corrections {
            let ours = self.corrections.entry(field).or_insert_with(|| theirs.clone());
            if theirs.1 > ours.1 {
                *ours = theirs;
            }
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self { was_marked: self.was_marked, ..Self::default() }
    }
}

fn tomorrow(history: &[Rated], _zone: &TimeZone) -> Timestamp {
    history.last().unwrap().at
}

struct World {
    db: TestDatabase,
    source: Source,
    /// Each read with its address and what it must have.
    reads: Vec<(ReadId, String, Words)>,
    /// Seconds, one more for each change.
    clock: i64,
    arrived: u32,
}

impl World {
    async fn new() -> Self {
        let db = TestDatabase::sqlite().await;
        let source = db.follow("Acme").await;
        let mut world = Self { db, source, reads: Vec::new(), clock: 0, arrived: 0 };
        for _ in 0..3 {
            world.arrive(&[], None).await;
        }
        world
    }

    async fn change(&mut self, read: ReadId, change: &Change) -> Timestamp {
        self.clock += 1;
        let (store, now) = (&self.db.store, at(self.clock));
        match change {
            Change::Mark(mark, on) => drop(store.mark(ONE, read, *mark, *on, now).await.unwrap()),
            Change::Note(text) => {
                let seen = store.note(ONE, read).await.unwrap().version;
                let saved = store.save_note(ONE, read, &text.parse().unwrap(), seen, now).await.unwrap();
                assert!(matches!(saved, NoteSaved::Saved(_)), "{saved:?}");
            }
            Change::Label(label, true) => {
                let added = store.add_label(ONE, read, &label.parse().unwrap(), now).await.unwrap();
                assert_eq!(added, Labelled::Added);
            }
            Change::Label(label, false) => {
                store.remove_label(ONE, read, &label.parse().unwrap()).await.unwrap();
            }
            Change::Highlight(..) => {}
            Change::Correct(field, text) => {
                let correction = text.map(|text| Correction::of(*field, text).unwrap());
                let undo = if text.is_none() { vec![*field] } else { Vec::new() };
                store.correct(read, correction.as_slice(), &undo, now).await.unwrap();
            }
        }
        now
    }

    /// Highlights a passage or removes the highlight, and notes what the read must have. What the
    /// article does not have comes by an import.
    async fn highlight(&self, read: ReadId, url: &str, change: &Change, words: &mut Words) {
        let Change::Highlight(exact, remark) = *change else { return };
        let (store, now) = (&self.db.store, at(self.clock));
        let wanted = Quote::new(exact, "", "").unwrap();
        let there = store.highlights(ONE, read).await.unwrap();
        let Some(text) = remark else {
            if let Some(found) = there.into_iter().find(|found| found.quote.exact == exact) {
                store.remove_highlight(ONE, found.id, now).await.unwrap();
                words.highlight(passage(found.quote), None);
            }
            return;
        };
        let quote = match store.add_highlight(ONE, read, &wanted, &text.parse().unwrap(), now).await.unwrap()
        {
            Highlighted::Added(highlight) => highlight.quote,
            Highlighted::NotInText => {
                let imported = OwnHighlight {
                    quote: wanted.clone(),
                    remark: text.parse().unwrap(),
                    made: Some(now),
                    changed: Some(now),
                };
                let own = OwnRead { url: url.to_owned(), highlights: vec![imported], ..OwnRead::default() };
                self.import(&[own]).await;
                wanted
            }
            other => panic!("{exact}: {other:?}"),
        };
        words.highlight(passage(quote), Some(text));
    }

    /// A read arrives and is changed. Its page turns out to be that of the read `into`, if any.
    async fn arrive(&mut self, changes: &[Change], into: Option<usize>) {
        self.arrived += 1;
        let url = format!("https://acme.example/{}", self.arrived);
        self.db.poll(&self.source, vec![entry(&url, Some("2026-05-11"))]).await;
        let read = self.db.claim(Stage::Discovered).await.unwrap();
        let mut words = Words::default();
        for change in changes {
            let now = self.change(read.id, change).await;
            words.change(change, now);
            self.highlight(read.id, &url, change, &mut words).await;
        }
        let article = article(&format!("Text of {url}"));
        let end = into.map_or(&url, |into| &self.reads[into].1);
        let done = self.db.store.finish_extract(&read, &article, &canonical(end), at(1000)).await.unwrap();
        match into {
            Some(into) => {
                assert_eq!(done, Extracted::MergedInto(self.reads[into].0));
                self.reads[into].2.merge(words);
            }
            None => self.reads.push((read.id, url, words)),
        }
        self.db.finish_all().await;
    }

    async fn annotate(&self) {
        let store = &self.db.store;
        store.ask_for(&Selection::All, "mine", at(1000)).await.unwrap();
        while let Some(read) = store.claim_again("mine", at(1000), LEASE).await.unwrap() {
            let made = precis(&read, Kind::Tutorial, false, &["rate-limiting"]);
            assert_eq!(store.finish_again(&read, &made, &[], at(1000)).await.unwrap(), Finished::Done);
        }
    }

    async fn unfollow(&mut self) {
        let store = &self.db.store;
        let gone = store.unfollow(self.source.id, Unfollow::KeepReads, at(1000)).await.unwrap();
        assert_eq!(gone.reads_dropped, 0);
        self.assert_kept("unfollowing").await;
        self.source = self.db.follow("Acme").await;
        self.poll_all().await;
    }

    /// The source names all reads.
    async fn poll_all(&self) -> Vec<ReadId> {
        let entries = self.reads.iter().map(|(_, url, _)| entry(url, Some("2026-05-11")));
        self.db.poll(&self.source, entries.collect()).await;
        self.db.finish_all().await
    }

    async fn import(&self, own: &[OwnRead]) {
        let taken = self.db.store.take_in(ONE, own, tomorrow, at(9000)).await.unwrap();
        assert_eq!(taken, TakenIn { reads: own.len() as u64, ..TakenIn::default() });
    }

    async fn move_to_the_other_database(&mut self) {
        let own = self.db.store.own(ONE).await.unwrap();
        let other = match self.db.made {
            Made::Folder(_) => TestDatabase::postgres().await,
            Made::Database { .. } => TestDatabase::sqlite().await,
        };
        std::mem::replace(&mut self.db, other).remove().await;
        self.source = self.db.follow("Acme").await;
        let arrived = self.poll_all().await;
        let cards = self.db.store.cards(&arrived).await.unwrap();
        for (id, url, words) in &mut self.reads {
            *id = cards.iter().find(|card| card.url.as_str() == url).unwrap().id;
            words.was_marked = words.kept.or(words.done).or(words.hidden).is_some();
        }
        self.import(&own).await;
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Change(read, change) => {
                let read = read % self.reads.len();
                let (id, url, mut words) = self.reads[read].clone();
                let now = self.change(id, change).await;
                words.change(change, now);
                self.highlight(id, &url, change, &mut words).await;
                self.reads[read].2 = words;
            }
            Step::Arrive(changes) => self.arrive(changes, None).await,
            Step::Merge(into, changes) => self.arrive(changes, Some(into % self.reads.len())).await,
            Step::Annotate => self.annotate().await,
            Step::Unfollow => self.unfollow().await,
            Step::Import => self.import(&self.db.store.own(ONE).await.unwrap()).await,
            Step::Move => self.move_to_the_other_database().await,
        }
        self.assert_kept(&format!("{step:?}")).await;
    }

    async fn assert_kept(&self, after: &str) {
        let own = self.db.store.own(ONE).await.unwrap();
        let there: BTreeMap<String, Words> = own
            .into_iter()
            .map(|own| {
                let labels = own.labels.iter().map(ToString::to_string).collect();
                let corrections = own.corrections.iter().map(|OwnCorrection { correction, at }| {
                    (correction.field(), (correction.text().to_owned(), *at))
                });
                let corrections = corrections.collect();
                let OwnRead { url, kept, done, hidden, note, highlights, .. } = own;
                let remark = |h: OwnHighlight| (passage(h.quote), h.remark.to_string());
                let highlights = highlights.into_iter().map(remark).collect();
                let note = note.to_string();
                (url, Words { kept, done, hidden, note, labels, highlights, corrections, was_marked: false })
            })
            .collect();
        let wanted = self.reads.iter().filter(|(.., words)| !words.is_empty());
        let wanted: BTreeMap<String, Words> = wanted
            .map(|(_, url, words)| (url.clone(), Words { was_marked: false, ..words.clone() }))
            .collect();
        assert_eq!(there, wanted, "after {after}");
        for (id, _, words) in &self.reads {
            let page = self.db.store.read(*id).await.unwrap().unwrap();
            for (field, (text, _)) in &words.corrections {
                let shown = match field {
                    ReadField::Title => page.card.title.clone(),
                    ReadField::Company => page.card.company.clone(),
                    ReadField::Date => page.card.filed_at.to_zoned_datetime(TimeZone::UTC).date().to_string(),
                    field => page.precis.text_of(*field),
                };
                assert_eq!(&shown, text, "the {field} after {after}");
            }
        }
    }
}

async fn run(steps: &[Step]) {
    let mut world = World::new().await;
    for step in steps.iter().chain(&[Step::Merge(0, Vec::new()), Step::Move, Step::Unfollow, Step::Move]) {
        world.step(step).await;
    }
    world.db.remove().await;
}

#[test]
fn readers_data_survives_everything() {
    needs!(Postgres);
    let config = ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() };
    let steps = prop::collection::vec(step(), 1..16);
    let survived = TestRunner::new(config).run(&steps, |steps| {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(run(&steps));
        Ok(())
    });
    survived.unwrap();
}
