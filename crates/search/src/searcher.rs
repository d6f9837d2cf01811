//! A snapshot of the index: its segments, and facts about the reads in it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use backissue_model::ReadId;
use jiff::Timestamp;
use tantivy::collector::Collector;
use tantivy::columnar::Column;
use tantivy::index::SegmentId;
use tantivy::query::Query as Searchable;
use tantivy::{DocAddress, SegmentReader, TantivyError, Term};

use crate::SearchError;
use crate::index::Generation;
use crate::words::fields::{Fields, column, unpacked};

/// The index at the time of [`crate::Index::searcher`]. Clones are cheap.
#[derive(Clone)]
pub struct Searcher {
    searcher: tantivy::Searcher,
    generation: Arc<Generation>,
}

impl std::fmt::Debug for Searcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Searcher").field("reads", &self.len()).finish_non_exhaustive()
    }
}

/// The position of a read in a [`Searcher`]: the number of the segment in [`Searcher::segments`],
/// and the row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The segment, from 0.
    pub segment: u32,
    /// The row, from 0 to below [`Segment::rows`].
    pub row: u32,
}

impl From<DocAddress> for Place {
    fn from(at: DocAddress) -> Self {
        Self { segment: at.segment_ord, row: at.doc_id }
    }
}

/// Facts about a read that decide the order of equally good reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The read.
    pub id: ReadId,
    /// The time under which it is filed, in seconds.
    pub filed_at: Timestamp,
    /// Whether it has a problem.
    pub has_problem: bool,
    /// The précis's confidence in the problem, 0 to 1.
    pub confidence: f32,
    /// The fingerprint, equal for copies of an article. `None` if the text is too short.
    pub fingerprint: Option<u64>,
}

/// Identifies the rows of a segment and which of them are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SegmentKey {
    /// The segment. Its rows never change.
    pub id: SegmentId,
    /// The state of the removed rows. `None` if no row is removed.
    pub removals: Option<u64>,
}

/// A part of the index that never changes, except for removals.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    number: u32,
    reader: &'a SegmentReader,
    searcher: &'a Searcher,
}

impl std::fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment").field("number", &self.number).field("rows", &self.rows()).finish()
    }
}

impl<'a> Segment<'a> {
    /// Its number among the searcher's segments, from 0.
    pub fn number(self) -> u32 {
        self.number
    }

    /// A key for caching data about its rows.
    pub fn key(self) -> SegmentKey {
        SegmentKey { id: self.reader.segment_id(), removals: self.reader.delete_opstamp() }
    }

    /// Number of rows, including removed reads.
    pub fn rows(self) -> u32 {
        self.reader.max_doc()
    }

    /// Whether the read in this row still exists.
    pub fn is_alive(self, row: u32) -> bool {
        !self.reader.is_deleted(row)
    }

    /// The read in each row, including removed ones.
    ///
    /// # Errors
    /// [`SearchError`] if the index cannot be read.
    pub fn ids(self) -> Result<Vec<ReadId>, SearchError> {
        let ids = self.searcher.column(self.reader, column::ID)?;
        Ok((0..self.rows()).map(|row| ReadId(ids.first(row).unwrap_or_default())).collect())
    }

    /// Calls `each` with each row that has vectors and with the bytes of each vector, in any order,
    /// including removed reads. Reads the file once.
    ///
    /// # Errors
    /// [`SearchError`] if the index cannot be read.
    pub fn each_vector(self, mut each: impl FnMut(u32, &[u8])) -> Result<(), SearchError> {
        let column = self.reader.fast_fields().bytes(column::VECTORS);
        let Some(column) = column.map_err(|error| self.searcher.reading(&error))? else { return Ok(()) };
        // The column is a dictionary sorted by value. Reading it sequentially is fast, reading it
        // by row is not.
        let mut rows: Vec<(u64, u32)> =
            (0..self.rows()).flat_map(|row| column.term_ords(row).map(move |value| (value, row))).collect();
        rows.sort_unstable();
        let mut rows = rows.into_iter().peekable();
        let reading = |error: std::io::Error| self.searcher.reading(&error.into());
        let mut values = column.dictionary().stream().map_err(reading)?;
        while rows.peek().is_some() && values.advance() {
            while let Some((_, row)) = rows.next_if(|(value, _)| *value == values.term_ord()) {
                unpacked(values.key()).for_each(|vector| each(row, vector));
            }
        }
        Ok(())
    }

    fn columns(self) -> Result<Columns, SearchError> {
        let columns = self.reader.fast_fields();
        let reading = |error: TantivyError| self.searcher.reading(&error);
        Ok(Columns {
            id: self.searcher.column(self.reader, column::ID)?,
            filed_at: self.searcher.column(self.reader, column::FILED_AT)?,
            has_problem: columns.bool(column::HAS_PROBLEM).map_err(reading)?,
            confidence: columns.f64(column::CONFIDENCE).map_err(reading)?,
            fingerprint: columns.column_opt(column::FINGERPRINT).map_err(reading)?,
        })
    }
}

/// The columns of a segment that [`Facts`] need. Opening them costs far more than reading a row.
struct Columns {
    id: Column<i64>,
    filed_at: Column<i64>,
    has_problem: Column<bool>,
    confidence: Column<f64>,
    fingerprint: Option<Column<u64>>,
}

impl Columns {
    fn facts(&self, row: u32) -> Facts {
        let seconds = self.filed_at.first(row).unwrap_or_default();
        Facts {
            id: ReadId(self.id.first(row).unwrap_or_default()),
            filed_at: Timestamp::from_second(seconds).unwrap_or_default(),
            has_problem: self.has_problem.first(row).unwrap_or_default(),
            confidence: self.confidence.first(row).unwrap_or_default() as f32,
            fingerprint: self.fingerprint.as_ref().and_then(|prints| prints.first(row)),
        }
    }
}

impl Searcher {
    pub(crate) fn new(generation: Arc<Generation>) -> Self {
        Self { searcher: generation.reader.searcher(), generation }
    }

    /// Number of reads.
    pub fn len(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its segments, in order.
    pub fn segments(&self) -> impl ExactSizeIterator<Item = Segment<'_>> {
        let readers = self.searcher.segment_readers().iter().enumerate();
        readers.map(|(number, reader)| Segment {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            reader,
            searcher: self,
        })
    }

    /// The place of a read. Returns `None` if it is not in the index.
    ///
    /// # Errors
    /// [`SearchError`] if the index cannot be read.
    pub fn place(&self, id: ReadId) -> Result<Option<Place>, SearchError> {
        let term = self.fields().id_term(id);
        let found = tantivy::query::TermQuery::new(term, tantivy::schema::IndexRecordOption::Basic);
        let first = tantivy::collector::TopDocs::with_limit(1).order_by_score();
        Ok(self.search(&found, &first)?.first().map(|(_, at)| (*at).into()))
    }

    /// The facts about the reads at `places`, in order.
    ///
    /// # Errors
    /// [`SearchError`] if the index cannot be read.
    ///
    /// # Panics
    /// If a place does not belong to this searcher.
    pub fn facts(&self, places: &[Place]) -> Result<Vec<Facts>, SearchError> {
        let segments: Vec<Segment<'_>> = self.segments().collect();
        let mut opened: HashMap<u32, Columns> = HashMap::new();
        let facts = places.iter().map(|place| {
            let columns = match opened.entry(place.segment) {
                Entry::Occupied(columns) => columns.into_mut(),
                Entry::Vacant(none) => none.insert(segments[place.segment as usize].columns()?),
            };
            Ok(columns.facts(place.row))
        });
        facts.collect()
    }

    /// The reads at these places.
    pub(crate) fn ids(&self, places: &[Place]) -> Result<Vec<ReadId>, SearchError> {
        let columns = self.searcher.segment_readers().iter().map(|reader| self.column(reader, column::ID));
        let columns: Vec<Column<i64>> = columns.collect::<Result<_, _>>()?;
        let id =
            |place: &Place| columns.get(place.segment as usize).and_then(|column| column.first(place.row));
        Ok(places.iter().map(|place| ReadId(id(place).unwrap_or_default())).collect())
    }

    pub(crate) fn search<C: Collector>(
        &self,
        query: &dyn Searchable,
        collector: &C,
    ) -> Result<C::Fruit, SearchError> {
        self.searcher.search(query, collector).map_err(|error| self.reading(&error))
    }

    pub(crate) fn fields(&self) -> &Fields {
        &self.generation.fields
    }

    pub(crate) fn inner(&self) -> &tantivy::Searcher {
        &self.searcher
    }

    /// Number of reads with a term, including some removed ones.
    pub(crate) fn frequency(&self, term: &Term) -> Result<u64, SearchError> {
        self.searcher.doc_freq(term).map_err(|error| self.reading(&error))
    }

    pub(crate) fn reading(&self, error: &TantivyError) -> SearchError {
        SearchError::reading(self.generation.folder(), error)
    }

    fn column(&self, reader: &SegmentReader, name: &str) -> Result<Column<i64>, SearchError> {
        reader.fast_fields().i64(name).map_err(|error| self.reading(&error))
    }
}
