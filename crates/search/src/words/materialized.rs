//! A query whose rows are known before anything is asked of it.
//!
//! What a query leaves out is asked in any order of rows, which tantivy 0.27's phrases forbid (they stop a program with debug
//! assertions when the first row asked for lies before their first match). Rows that are known can be asked in any order.

use std::sync::Arc;

use tantivy::query::{BitSetDocSet, ConstScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{BitSet, DocId, Score, SegmentReader};

/// `inner`, answered before it is asked.
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
