//! Collects the documents with the best scores of all segments.
//!
//! It is like [`tantivy::collector::TopDocs`], but all segments share the best scores so far. A
//! segment skips documents that cannot be among the best, so many small segments cost hardly more
//! than a large one.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicU32};

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::query::Weight;
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader};

/// The collector of the `limit` best documents, best first. Equal scores are in index order.
pub(super) struct SharedTopDocs {
    limit: usize,
    bar: Bar,
}

impl SharedTopDocs {
    pub fn of(limit: usize) -> Self {
        Self { limit, bar: Bar::default() }
    }
}

/// A score that enough documents are known to reach. It is stored as bits, which have the same
/// order as the numbers, because scores are not negative.
#[derive(Clone, Default)]
struct Bar(Arc<AtomicU32>);

impl Bar {
    fn raise(&self, score: Score) {
        self.0.fetch_max(score.max(0.0).to_bits(), atomic::Ordering::Relaxed);
    }

    /// The largest score that does not reach the bar.
    fn below(&self) -> Score {
        match self.0.load(atomic::Ordering::Relaxed) {
            0 => Score::MIN,
            bits => Score::from_bits(bits).next_down(),
        }
    }
}

/// A found document. The smallest value is the best document.
#[derive(Clone, Copy, PartialEq)]
struct Scored(Score, DocId);

impl Eq for Scored {}

impl Ord for Scored {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.total_cmp(&self.0).then(self.1.cmp(&other.1))
    }
}

impl PartialOrd for Scored {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The best documents of one segment.
pub(super) struct SegmentTopDocs {
    segment: SegmentOrdinal,
    limit: usize,
    /// A heap whose top is the worst of the best documents.
    best: BinaryHeap<Scored>,
    bar: Bar,
}

impl SegmentTopDocs {
    /// The worst of the best scores, once there are as many as the limit.
    fn worst(&self) -> Option<Score> {
        self.best.peek().filter(|_| self.best.len() == self.limit).map(|worst| worst.0)
    }

    /// The score that a document must exceed to be collected.
    fn threshold(&self) -> Score {
        self.worst().unwrap_or(Score::MIN).max(self.bar.below())
    }
}

impl SegmentCollector for SegmentTopDocs {
    type Fruit = Vec<(Score, DocAddress)>;

    fn collect(&mut self, doc: DocId, score: Score) {
        self.best.push(Scored(score, doc));
        if self.best.len() > self.limit {
            self.best.pop();
        }
        if let Some(worst) = self.worst() {
            self.bar.raise(worst);
        }
    }

    fn harvest(self) -> Self::Fruit {
        let scored = self.best.into_iter();
        scored.map(|Scored(score, doc)| (score, DocAddress::new(self.segment, doc))).collect()
    }
}

impl Collector for SharedTopDocs {
    type Fruit = Vec<(Score, DocAddress)>;
    type Child = SegmentTopDocs;

    fn for_segment(&self, segment: SegmentOrdinal, _: &SegmentReader) -> tantivy::Result<SegmentTopDocs> {
        let best = BinaryHeap::with_capacity(self.limit + 1);
        Ok(SegmentTopDocs { segment, limit: self.limit, best, bar: self.bar.clone() })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn collect_segment(
        &self,
        weight: &dyn Weight,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<Self::Fruit> {
        let mut best = self.for_segment(segment, reader)?;
        weight.for_each_pruning(best.threshold(), reader, &mut |doc, score| {
            if !reader.is_deleted(doc) {
                best.collect(doc, score);
            }
            best.threshold()
        })?;
        Ok(best.harvest())
    }

    fn merge_fruits(&self, segments: Vec<Self::Fruit>) -> tantivy::Result<Self::Fruit> {
        let mut all = segments.concat();
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        all.truncate(self.limit);
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use tantivy::collector::TopDocs;
    use tantivy::query::{BooleanQuery, Query, TermQuery};
    use tantivy::schema::{IndexRecordOption, STRING, Schema, TEXT};
    use tantivy::{Index, Term, doc};

    use super::*;

    #[test]
    fn results_equal_those_of_tantivy() {
        let mut schema = Schema::builder();
        let (text, number) = (schema.add_text_field("text", TEXT), schema.add_text_field("number", STRING));
        let mut index = Index::create_in_ram(schema.build());
        index.set_multithread_executor(3).unwrap();
        let mut writer = index.writer_with_num_threads(1, 20_000_000).unwrap();
        writer.set_merge_policy(Box::new(tantivy::merge_policy::NoMergePolicy));
        for reads in [400usize, 3, 900, 60, 1, 200] {
            for read in 0..reads {
                // Few different words, so that many documents have equal scores.
                let word = |place: usize| ["lock", "queue", "cache", "disk", "a", "b"][read * place % 97 % 6];
                let words: Vec<&str> = (1..4 + read % 8).map(word).collect();
                writer
                    .add_document(doc!(text => words.join(" "), number => (read % 50).to_string()))
                    .unwrap();
            }
            writer.commit().unwrap();
        }
        writer.delete_term(Term::from_field_text(number, "7"));
        writer.commit().unwrap();
        let searcher = index.reader().unwrap().searcher();
        assert_eq!(searcher.segment_readers().len(), 6);
        for words in [&["lock"][..], &["lock", "queue"], &["cache", "disk", "queue"], &["nothing"]] {
            let terms = words.iter().map(|word| -> Box<dyn Query> {
                Box::new(TermQuery::new(Term::from_field_text(text, word), IndexRecordOption::WithFreqs))
            });
            let query = BooleanQuery::union(terms.collect());
            for limit in [1, 10, 200, 5_000] {
                let best = searcher.search(&query, &SharedTopDocs::of(limit)).unwrap();
                let expected = searcher.search(&query, &TopDocs::with_limit(limit).order_by_score()).unwrap();
                assert_eq!(best, expected, "the {limit} best for {words:?}");
            }
        }
    }
}
