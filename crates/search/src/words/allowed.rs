//! The reads that a query allows, by its filters, phrases and exclusions.

use tantivy::query::EnableScoring;
use tantivy::{BitSet, TantivyError};

use super::compile::compile_demands;
use crate::searcher::{Place, Searcher};
use crate::{Query, SearchError};

/// The allowed rows of each segment.
#[derive(Clone, Debug)]
pub struct Allowed(Vec<BitSet>);

impl Allowed {
    /// Whether the read at `place` is allowed. Removed reads never are.
    pub fn contains(&self, place: Place) -> bool {
        let segment = self.0.get(place.segment as usize);
        segment.is_some_and(|rows| place.row < rows.max_value() && rows.contains(place.row))
    }

    /// The allowed rows of a segment, in the order of [`Searcher::segments`].
    ///
    /// # Panics
    /// If the index has no such segment.
    pub fn segment(&self, segment: u32) -> &BitSet {
        &self.0[segment as usize]
    }

    /// Number of allowed reads.
    pub fn len(&self) -> usize {
        self.0.iter().map(BitSet::len).sum()
    }

    /// Whether no read is allowed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Searcher {
    /// The reads that the filters, phrases and exclusions of `query` allow. Returns `None` if it
    /// allows all.
    ///
    /// # Errors
    /// [`SearchError`] if the index cannot be read.
    pub fn allowed(&self, query: &Query) -> Result<Option<Allowed>, SearchError> {
        let Some(demands) = compile_demands(self, query)? else { return Ok(None) };
        let reading = |error: TantivyError| self.reading(&error);
        let scoring = EnableScoring::disabled_from_searcher(self.inner());
        let weight = demands.weight(scoring).map_err(reading)?;
        let rows = self.inner().segment_readers().iter().map(|segment| {
            let mut rows = BitSet::with_max_value(segment.max_doc());
            let mut allow = |found: &[u32]| {
                for row in found.iter().filter(|row| !segment.is_deleted(**row)) {
                    rows.insert(*row);
                }
            };
            weight.for_each_no_score(segment, &mut allow).map_err(reading)?;
            Ok(rows)
        });
        Ok(Some(Allowed(rows.collect::<Result<_, SearchError>>()?)))
    }
}
