//! Counts all reads that match a query, by company, concept, kind, form and year.

use std::collections::{BTreeMap, HashMap};

use backissue_model::{ConceptSlug, Form, Kind};
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{Column, StrColumn};
use tantivy::{DocId, Score, SegmentOrdinal, SegmentReader};

use super::compile::{Typing, compile};
use super::fields::{Weights, column, form_number, kind_number};
use crate::searcher::{Place, Searcher};
use crate::{Query, SearchError};

/// The number of reads with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count<T> {
    /// The value.
    pub value: T,
    /// The number of reads with it.
    pub reads: u64,
}

/// Counts over all matching reads. Most frequent values first, but latest years first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facets {
    /// Number of matching reads.
    pub total: u64,
    /// By company.
    pub companies: Vec<Count<String>>,
    /// By concept. A read counts for each of its concepts.
    pub concepts: Vec<Count<ConceptSlug>>,
    /// By kind.
    pub kinds: Vec<Count<Kind>>,
    /// By the form of the problem. Reads without a problem do not count.
    pub forms: Vec<Count<Form>>,
    /// By the year under which it is filed, in UTC.
    pub years: Vec<Count<i16>>,
}

impl Searcher {
    /// Counts over all reads that have a word of `query` and meet its phrases, filters and
    /// exclusions. The cost is proportional to the number of matches, not to the page.
    ///
    /// # Errors
    /// [`SearchError`] if the index cannot be read.
    pub fn facets(&self, query: &Query, typing: Typing) -> Result<Facets, SearchError> {
        if query.is_empty() {
            return Ok(Facets::default());
        }
        let compiled = compile(self, query, &Weights::default(), typing)?;
        Ok(self.search(&compiled.query, &Counting)?.listed())
    }

    /// Counts over the reads at these places.
    ///
    /// # Errors
    /// [`SearchError`] if the index cannot be read.
    pub fn facets_of(&self, places: &[Place]) -> Result<Facets, SearchError> {
        let mut by_segment: BTreeMap<u32, Vec<DocId>> = BTreeMap::new();
        for place in places {
            by_segment.entry(place.segment).or_default().push(place.row);
        }
        let counted = by_segment.into_iter().map(|(segment, rows)| {
            let reader = self.inner().segment_reader(segment);
            let mut counting = Counting.for_segment(segment, reader)?;
            rows.into_iter().for_each(|row| counting.collect(row, 0.0));
            Ok(counting.harvest())
        });
        let counted: Vec<Tallies> =
            counted.collect::<tantivy::Result<_>>().map_err(|error| self.reading(&error))?;
        let all = Counting.merge_fruits(counted).map_err(|error| self.reading(&error))?;
        Ok(all.listed())
    }
}

/// Counts by value.
#[derive(Default)]
struct Tallies {
    total: u64,
    companies: HashMap<String, u64>,
    concepts: HashMap<String, u64>,
    kinds: HashMap<u64, u64>,
    forms: HashMap<u64, u64>,
    years: HashMap<i64, u64>,
}

impl Tallies {
    fn add(&mut self, other: Self) {
        fn merge<K: std::hash::Hash + Eq>(into: &mut HashMap<K, u64>, from: HashMap<K, u64>) {
            for (key, count) in from {
                *into.entry(key).or_default() += count;
            }
        }
        self.total += other.total;
        merge(&mut self.companies, other.companies);
        merge(&mut self.concepts, other.concepts);
        merge(&mut self.kinds, other.kinds);
        merge(&mut self.forms, other.forms);
        merge(&mut self.years, other.years);
    }

    fn listed(self) -> Facets {
        let kind = |number: u64| Kind::ALL.into_iter().find(|kind| kind_number(*kind) == number);
        let form = |number: u64| Form::ALL.into_iter().find(|form| form_number(*form) == number);
        let mut years = most_first(self.years, |year| i16::try_from(year).ok());
        years.sort_by_key(|year| std::cmp::Reverse(year.value));
        Facets {
            total: self.total,
            companies: most_first(self.companies, Some),
            concepts: most_first(self.concepts, |slug| slug.parse().ok()),
            kinds: most_first(self.kinds, kind),
            forms: most_first(self.forms, form),
            years,
        }
    }
}

fn most_first<K, T: Ord>(counts: HashMap<K, u64>, value: impl Fn(K) -> Option<T>) -> Vec<Count<T>> {
    let counts = counts.into_iter().filter_map(|(key, reads)| value(key).map(|value| Count { value, reads }));
    let mut counts: Vec<Count<T>> = counts.collect();
    counts.sort_by(|a, b| b.reads.cmp(&a.reads).then_with(|| a.value.cmp(&b.value)));
    counts
}

struct Counting;

/// Counts of one segment, by ordinals of its dictionaries.
struct CountingSegment {
    total: u64,
    companies: Words,
    concepts: Words,
    kind: Column<u64>,
    kinds: HashMap<u64, u64>,
    /// `None` if no read of the segment has a problem.
    form: Option<Column<u64>>,
    forms: HashMap<u64, u64>,
    year: Column<i64>,
    years: HashMap<i64, u64>,
}

/// Counts by the values of a text column.
struct Words {
    column: Option<StrColumn>,
    counts: Vec<u64>,
}

impl Words {
    fn of(segment: &SegmentReader, name: &str) -> tantivy::Result<Self> {
        let column = segment.fast_fields().str(name)?;
        let words = column.as_ref().map_or(0, |column| column.num_terms());
        Ok(Self { column, counts: vec![0; words] })
    }

    fn count(&mut self, doc: DocId) {
        let Some(column) = &self.column else { return };
        for word in column.term_ords(doc) {
            if let Some(count) = usize::try_from(word).ok().and_then(|at| self.counts.get_mut(at)) {
                *count += 1;
            }
        }
    }

    fn named(self) -> HashMap<String, u64> {
        let Some(column) = &self.column else { return HashMap::new() };
        let (words, counts): (Vec<u64>, Vec<u64>) =
            (0..).zip(self.counts).filter(|(_, count)| *count > 0).unzip();
        let (mut named, mut counts) = (HashMap::with_capacity(words.len()), counts.into_iter());
        // Values that cannot be read are skipped.
        let _ = column.dictionary().sorted_ords_to_term_cb(&words, |word| {
            named.extend(std::str::from_utf8(word).map(str::to_owned).ok().zip(counts.next()));
        });
        named
    }
}

impl Collector for Counting {
    type Fruit = Tallies;
    type Child = CountingSegment;

    fn for_segment(&self, _: SegmentOrdinal, segment: &SegmentReader) -> tantivy::Result<CountingSegment> {
        Ok(CountingSegment {
            total: 0,
            companies: Words::of(segment, column::COMPANY)?,
            concepts: Words::of(segment, column::CONCEPTS)?,
            kind: segment.fast_fields().u64(column::KIND)?,
            kinds: HashMap::new(),
            form: segment.fast_fields().column_opt(column::FORM)?,
            forms: HashMap::new(),
            year: segment.fast_fields().i64(column::YEAR)?,
            years: HashMap::new(),
        })
    }

    fn requires_scoring(&self) -> bool {
        false
    }

    fn merge_fruits(&self, segments: Vec<Tallies>) -> tantivy::Result<Tallies> {
        let mut all = Tallies::default();
        segments.into_iter().for_each(|segment| all.add(segment));
        Ok(all)
    }
}

impl SegmentCollector for CountingSegment {
    type Fruit = Tallies;

    fn collect(&mut self, doc: DocId, _: Score) {
        self.total += 1;
        self.companies.count(doc);
        self.concepts.count(doc);
        if let Some(kind) = self.kind.first(doc) {
            *self.kinds.entry(kind).or_default() += 1;
        }
        if let Some(form) = self.form.as_ref().and_then(|form| form.first(doc)) {
            *self.forms.entry(form).or_default() += 1;
        }
        if let Some(year) = self.year.first(doc) {
            *self.years.entry(year).or_default() += 1;
        }
    }

    fn harvest(self) -> Tallies {
        Tallies {
            total: self.total,
            companies: self.companies.named(),
            concepts: self.concepts.named(),
            kinds: self.kinds,
            forms: self.forms,
            years: self.years,
        }
    }
}
