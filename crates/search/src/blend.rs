//! Combines the search by words and the search by meaning into one ranking.
//!
//! The scores of the two searches are not comparable, so their results are combined by rank
//! (reciprocal rank fusion, Cormack, Clarke & Büttcher 2009). A weighted sum of scores was no
//! better on the tuning half of the queries. Among equally good reads, those with a problem, with
//! higher confidence in it, or of a later date come first. An article that was found twice is shown
//! once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use backissue_model::ReadId;
use jiff::Timestamp;

use crate::join::join;
use crate::meaning::{Embedding, Vectors};
use crate::searcher::{Facts, Place, Searcher, SegmentKey};
use crate::words::compile::Correction;
use crate::words::coverage::coverage;
use crate::{Facets, Index, Query, SearchError, Typing, Weights};

/// Candidates per search, and so the maximum number of reads in an answer.
pub const CANDIDATES: usize = 200;

/// What the search compares with the question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// The words of the read.
    Words,
    /// The meaning of the read.
    Meaning,
    /// Both words and meaning.
    #[default]
    Both,
}

/// The weights of the combination. The defaults were chosen on the tuning half of
/// `eval/search.jsonl`.
#[derive(Clone, Debug, PartialEq)]
pub struct Blend {
    /// What to search by.
    pub by: By,
    /// The weights of fields in the search by words.
    pub weights: Weights,
    /// The weight of the rank by words; the rank by meaning has weight 1.
    pub words: f32,
    /// The constant of reciprocal rank fusion. The larger it is, the less the first ranks stand
    /// out.
    pub constant: f32,
    /// The minimum similarity, 0 to 1, of a read that is found by its meaning.
    pub least_similarity: f32,
    /// The weight of coverage (the share of the question in a read's words) in closeness;
    /// similarity has weight 1.
    pub coverage: f32,
    /// The minimum closeness of the best read. Below it, a question has no answer. `cargo xtask
    /// eval search --floor` determines it.
    pub least_closeness: f32,
    /// The bonus for a problem, as a share of the score.
    pub problem: f32,
    /// The bonus for full confidence in the problem, as a share of the score.
    pub confidence: f32,
    /// The bonus of the newest read over one that is ten years older, as a share of the score.
    pub recency: f32,
}

impl Default for Blend {
    fn default() -> Self {
        Self {
            by: By::Both,
            weights: Weights::default(),
            words: 2.0,
            constant: 3.0,
            least_similarity: 0.2,
            coverage: 1.0,
            least_closeness: 0.67,
            problem: 0.01,
            confidence: 0.005,
            recency: 0.005,
        }
    }
}

/// A read of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    /// The read.
    pub id: ReadId,
    /// The score. Comparable only within one answer.
    pub score: f32,
    /// The rank by words, from 1. `None` if the read has no word of the query.
    pub by_words: Option<u32>,
    /// The score by words. Comparable only within one answer. `None` if the read has no word of the
    /// query.
    pub words_score: Option<f32>,
    /// The similarity in meaning, -1 to 1. `None` if it is too low.
    pub similarity: Option<f32>,
    /// The share of the question in the read's words, 0 to 1, weighted by rarity. 1 if the question
    /// has only filters.
    pub coverage: f32,
}

impl Ranked {
    /// How close the read is to the question.
    pub fn closeness(&self, blend: &Blend) -> f32 {
        let similarity = self.similarity.unwrap_or_default().max(0.0);
        (similarity + blend.coverage * self.coverage).max(similarity * blend.least_closeness / CLOSE_ALONE)
    }

    /// How close the read is to the problem that was searched for. `coverage` is the weight of the
    /// share of the problem in the read's words.
    pub fn closeness_to_problem(&self, coverage: f32) -> f32 {
        self.similarity.unwrap_or_default().max(0.0) + coverage * self.coverage
    }
}

/// The minimum similarity at which a read is close enough, whatever its words. Questions without an
/// answer that share no word with any read reach 0.40.
const CLOSE_ALONE: f32 = 0.48;

/// A ranking.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranking {
    /// The best reads, best first, at most [`CANDIDATES`].
    pub reads: Vec<Ranked>,
    /// Words that are not in the archive, and their replacements.
    pub corrections: Vec<Correction>,
}

/// The vectors of the index, one set per segment. A set is kept as long as its segment exists.
#[derive(Debug, Default)]
struct Matrices {
    kept: Mutex<HashMap<SegmentKey, Arc<Vectors>>>,
}

impl Matrices {
    /// The vectors of each segment, in the searcher's order. Loads new ones and drops old ones.
    fn of(&self, searcher: &Searcher, dimensions: usize) -> Result<Vec<Arc<Vectors>>, SearchError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut current = HashMap::new();
        let mut all = Vec::new();
        for segment in searcher.segments() {
            let vectors = match kept.get(&segment.key()) {
                Some(vectors) => Arc::clone(vectors),
                None => Arc::new(vectors_of(segment, dimensions)?),
            };
            current.insert(segment.key(), Arc::clone(&vectors));
            all.push(vectors);
        }
        *kept = current;
        Ok(all)
    }
}

fn vectors_of(segment: crate::Segment<'_>, dimensions: usize) -> Result<Vectors, SearchError> {
    let (mut rows, mut values): (Vec<u32>, Vec<i8>) = (Vec::new(), Vec::new());
    segment.each_vector(|row, bytes| {
        if bytes.len() == dimensions && segment.is_alive(row) {
            rows.push(row);
            values.extend(bytes.iter().map(|byte| byte.cast_signed()));
        }
    })?;
    Ok(Vectors::new(dimensions, rows.into_iter().zip(values.chunks_exact(dimensions.max(1)))))
}

/// The index with its vectors in memory. Ranks reads without their texts.
#[derive(Clone, Debug)]
pub struct Ranker {
    index: Index,
    matrices: Arc<Matrices>,
}

impl Ranker {
    /// A ranker for this index. The first ranking, or [`Ranker::warm`], loads the vectors.
    pub fn new(index: Index) -> Self {
        Self { index, matrices: Arc::default() }
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Loads the vectors of new segments in advance.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn warm(&self, dimensions: usize) -> Result<(), SearchError> {
        self.matrices.of(&self.index.searcher(), dimensions).map(|_| ())
    }

    /// Ranks the reads that match `query`, whose embedding is `meaning`.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn rank(
        &self,
        query: &Query,
        meaning: Option<&Embedding>,
        blend: &Blend,
        typing: Typing,
    ) -> Result<Ranking, SearchError> {
        self.placed(&self.index.searcher(), query, meaning, blend, typing).map(|placed| placed.ranking)
    }

    /// Ranks as [`Ranker::rank`] does, and counts facets.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn rank_and_count(
        &self,
        query: &Query,
        meaning: Option<&Embedding>,
        blend: &Blend,
        typing: Typing,
    ) -> Result<(Ranking, Facets), SearchError> {
        let searcher = self.index.searcher();
        let Placed { ranking, places } = self.placed(&searcher, query, meaning, blend, typing)?;
        let facets =
            if query.has_words() { searcher.facets_of(&places)? } else { searcher.facets(query, typing)? };
        Ok((ranking, facets))
    }

    /// Finds reads that may have the problem `query`, whose embedding is `meaning`: those nearest
    /// in meaning, at most [`CANDIDATES`]. They are in order of [`Ranked::closeness_to_problem`]
    /// with the weight `coverage`. A search by words would cost several times as much and find no
    /// better ones.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn alike(
        &self,
        query: &Query,
        meaning: &Embedding,
        coverage: f32,
    ) -> Result<Vec<Ranked>, SearchError> {
        let (searcher, blend) = (self.index.searcher(), Blend::default());
        let vectors = self.matrices.of(&searcher, meaning.dimensions())?;
        let near = near(&searcher, &vectors, query, meaning, &blend)?;
        let candidates = near.into_iter().zip(1..).map(|((place, similarity), rank)| Candidate {
            place,
            similarity: Some(similarity),
            by_meaning: Some(rank),
            ..Candidate::default()
        });
        let mut reads = joined(&searcher, candidates.collect(), &blend)?;
        cover(&searcher, query, &[], None, &mut reads)?;
        let mut reads: Vec<Ranked> = reads.into_iter().map(|(_, ranked)| ranked).collect();
        let closeness = |read: &Ranked| read.closeness_to_problem(coverage);
        reads.sort_by(|a, b| closeness(b).total_cmp(&closeness(a)));
        Ok(reads)
    }

    fn placed(
        &self,
        searcher: &Searcher,
        query: &Query,
        meaning: Option<&Embedding>,
        blend: &Blend,
        typing: Typing,
    ) -> Result<Placed, SearchError> {
        let vectors = match meaning {
            Some(meaning) => self.matrices.of(searcher, meaning.dimensions())?,
            None => Vec::new(),
        };
        rank(searcher, &vectors, query, meaning, blend, typing)
    }
}

/// A read that one of the searches found.
#[derive(Clone, Copy, Default)]
struct Candidate {
    place: Place,
    by_words: Option<u32>,
    words_score: Option<f32>,
    similarity: Option<f32>,
    by_meaning: Option<u32>,
}

/// A ranking, with the places of its reads in the index.
struct Placed {
    ranking: Ranking,
    places: Vec<Place>,
}

impl Placed {
    fn of(reads: impl IntoIterator<Item = (Place, Ranked)>, corrections: Vec<Correction>) -> Self {
        let (places, reads) = reads.into_iter().unzip();
        Self { ranking: Ranking { reads, corrections }, places }
    }
}

/// Ranks the reads that match `query`, whose embedding is `meaning`, and reports replaced words.
fn rank(
    searcher: &Searcher,
    matrices: &[Arc<Vectors>],
    query: &Query,
    meaning: Option<&Embedding>,
    blend: &Blend,
    typing: Typing,
) -> Result<Placed, SearchError> {
    let by_words = blend.by != By::Meaning || !query.has_words();
    let meaning = meaning.filter(|_| blend.by != By::Words && query.has_words());
    let found = || match by_words {
        true => searcher.words(query, &blend.weights, typing, CANDIDATES),
        false => Ok(crate::Found::default()),
    };
    let (near, found) = match meaning {
        Some(meaning) => join(|| near(searcher, matrices, query, meaning, blend), found),
        None => (Ok(Vec::new()), found()),
    };
    let (near, found) = (near?, found?);
    if !query.has_words() {
        let reads = found.hits.iter().zip(1..).map(|(hit, rank)| {
            let ranked = Ranked {
                id: hit.id,
                score: 0.0,
                by_words: Some(rank),
                words_score: None,
                similarity: None,
                coverage: 1.0,
            };
            (hit.place, ranked)
        });
        return Ok(Placed::of(reads, found.corrections));
    }
    let mut candidates: HashMap<Place, Candidate> = HashMap::new();
    for (hit, rank) in found.hits.iter().zip(1..) {
        let candidate = candidates.entry(hit.place).or_default();
        candidate.by_words = Some(rank);
        candidate.words_score = Some(hit.score);
    }
    for ((place, similarity), rank) in near.into_iter().zip(1..) {
        let candidate = candidates.entry(place).or_default();
        candidate.similarity = Some(similarity);
        candidate.by_meaning = Some(rank);
    }
    let candidates =
        candidates.into_iter().map(|(place, candidate)| Candidate { place, ..candidate }).collect();
    let mut reads = joined(searcher, candidates, blend)?;
    let unfinished = query.unfinished().filter(|_| typing == Typing::Going);
    cover(searcher, query, &found.corrections, unfinished, &mut reads)?;
    // Without the meaning, as when an embedding server does not answer, words are too little
    // evidence to refuse an answer.
    if meaning.is_some() && reads.iter().all(|(_, ranked)| ranked.closeness(blend) < blend.least_closeness) {
        reads.clear();
    }
    Ok(Placed::of(reads, found.corrections))
}

/// Sets the coverage of each read.
fn cover(
    searcher: &Searcher,
    query: &Query,
    corrections: &[Correction],
    unfinished: Option<&str>,
    reads: &mut [(Place, Ranked)],
) -> Result<(), SearchError> {
    let places: Vec<Place> = reads.iter().map(|(place, _)| *place).collect();
    let covered = coverage(searcher, query, corrections, unfinished, &places)?;
    for ((_, ranked), covered) in reads.iter_mut().zip(covered) {
        ranked.coverage = covered;
    }
    Ok(())
}

/// The places of all segments whose vectors are nearest to `meaning`, nearest first, among those
/// that `query` allows.
fn near(
    searcher: &Searcher,
    matrices: &[Arc<Vectors>],
    query: &Query,
    meaning: &Embedding,
    blend: &Blend,
) -> Result<Vec<(Place, f32)>, SearchError> {
    let allowed = searcher.allowed(query)?;
    let count = matrices.iter().map(|vectors| vectors.len()).sum();
    let mut all = Vec::new();
    for (segment, vectors) in (0..).zip(matrices) {
        let passes = |row| allowed.as_ref().is_none_or(|allowed| allowed.contains(Place { segment, row }));
        let passes: Option<&dyn Fn(u32) -> bool> = if allowed.is_some() { Some(&passes) } else { None };
        let rows = vectors.nearest_among(count, meaning, CANDIDATES, passes);
        all.extend(
            rows.into_iter()
                .filter(|row| row.similarity >= blend.least_similarity)
                .map(|row| (Place { segment, row: row.row }, row.similarity)),
        );
    }
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.truncate(CANDIDATES);
    Ok(all)
}

/// Combines the candidates of both searches.
fn joined(
    searcher: &Searcher,
    candidates: Vec<Candidate>,
    blend: &Blend,
) -> Result<Vec<(Place, Ranked)>, SearchError> {
    let share = |rank: Option<u32>| rank.map_or(0.0, |rank| 1.0 / (blend.constant + rank as f32));
    let score = |candidate: &Candidate| blend.words * share(candidate.by_words) + share(candidate.by_meaning);
    let mut scored: Vec<(f32, Candidate)> =
        candidates.into_iter().map(|candidate| (score(&candidate), candidate)).collect();
    scored.sort_by(|(a, one), (b, other)| b.total_cmp(a).then(one.place.cmp(&other.place)));
    scored.truncate(CANDIDATES);
    let places: Vec<Place> = scored.iter().map(|(_, candidate)| candidate.place).collect();
    let facts = searcher.facts(&places)?;
    let newest = facts.iter().map(|facts| facts.filed_at).max().unwrap_or_default();
    let mut reads: Vec<(f32, Candidate, Facts)> = scored
        .into_iter()
        .zip(facts)
        .map(|((score, candidate), facts)| (score * (1.0 + bonus(&facts, newest, blend)), candidate, facts))
        .collect();
    reads.sort_by(|(a, _, one), (b, _, other)| b.total_cmp(a).then(other.id.cmp(&one.id)));
    let mut seen = HashSet::new();
    reads.retain(|(_, _, facts)| facts.fingerprint.is_none_or(|print| seen.insert(print)));
    let ranked = reads.into_iter().map(|(score, candidate, facts)| {
        let ranked = Ranked {
            id: facts.id,
            score,
            by_words: candidate.by_words,
            words_score: candidate.words_score,
            similarity: candidate.similarity,
            coverage: 0.0,
        };
        (candidate.place, ranked)
    });
    Ok(ranked.collect())
}

/// The bonus that orders equally good reads.
fn bonus(facts: &Facts, newest: Timestamp, blend: &Blend) -> f32 {
    const TEN_YEARS: f32 = 10.0 * 365.25 * 86_400.0;
    let age = (newest.as_second() - facts.filed_at.as_second()) as f32 / TEN_YEARS;
    let problem = if facts.has_problem { blend.problem } else { 0.0 };
    problem + blend.confidence * facts.confidence + blend.recency * (1.0 - age.clamp(0.0, 1.0))
}
