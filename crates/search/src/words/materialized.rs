//! A query whose matching rows are computed in advance.
//!
//! Exclusions are checked for rows in any order, which tantivy 0.27's phrase queries forbid: with
//! debug assertions they panic if the first checked row is before their first match. Computed rows
//! can be checked in any order.

use std::sync::Arc;

use tantivy::query::{BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{BitSet, DocId, Score, SegmentReader};

/// `inner`, computed in advance.
#[derive(Clone, Debug)]
pub(super) struct Materialized(pub(super) Arc<dyn Query>);

impl Query for Materialized {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(MaterializedWeight(self.0.weight(scoring)?)))
    }
}

struct MaterializedWeight(Box<dyn Weight>);

impl Weight for MaterializedWeight {
    fn scorer(&self, segment: &SegmentReader, _: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let mut rows = BitSet::with_max_value(segment.max_doc());
        self.0.for_each_no_score(segment, &mut |found| {
            for row in found {
                rows.insert(*row);
            }
        })?;
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(rows), 0.0)))
    }

    fn explain(&self, segment: &SegmentReader, row: DocId) -> tantivy::Result<Explanation> {
        self.0.explain(segment, row)
    }
}
