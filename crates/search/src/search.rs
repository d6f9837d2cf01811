//! Searches the archive, for pages and commands.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use backissue_model::{Fingerprint, ReadId, ReaderId, Slug, Source, did_you_mean, meant, nearest};
use backissue_store::{Among, ReadText, SourceFilter, Store, StoreError};

use crate::document::meaning_of_problem;
use crate::embedders::{Embedders, EmbeddingFailure};
use crate::meaning::Embedding;
use crate::{
    Blend, By, CANDIDATES, Correction, Facets, Filter, Index, Marks, Passage, Query, Ranked, Ranker, Ranking,
    SearchError, Typing, passage,
};

/// Maximum characters of a passage.
const PASSAGE_MAX: usize = 260;
/// Minimum closeness of a read that has the same problem as another. `cargo xtask eval search
/// --floor` determines it.
const SAME_PROBLEM: f32 = 0.65;
/// The weight of the share of the problem in the other read's words, for the same problem.
/// Similarity has weight 1.
const PROBLEM_COVERAGE: f32 = 1.5;

/// Why a search or an update of the index failed.
#[derive(Debug, thiserror::Error)]
pub enum SearchFailure {
    /// The index.
    #[error(transparent)]
    Index(#[from] SearchError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] StoreError),
    /// The embedding server.
    #[error(transparent)]
    Embedding(#[from] EmbeddingFailure),
    /// The work was cancelled, for example because the program stops.
    #[error("the search was interrupted ({0}); try again")]
    BrokenOff(#[from] tokio::task::JoinError),
}

/// The archive with its index. Clones are cheap and share both.
#[derive(Clone, Debug)]
pub struct Search {
    pub(crate) store: Store,
    pub(crate) embedder: Embedders,
    pub(crate) ranker: Ranker,
    /// The number of the archive's last change at which the index was up to date, as of the last
    /// check.
    come_to: Arc<AtomicU64>,
}

/// How much of the archive is in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coverage {
    /// Reads in the index.
    pub indexed: u64,
    /// Reads in the archive.
    pub reads: u64,
}

/// A search request.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// The typed text.
    pub text: String,
    /// Whether it is still being typed.
    pub typing: Typing,
    /// The weights of words and meaning.
    pub blend: Blend,
    /// Reads to skip: those of earlier pages.
    pub skip: usize,
    /// Maximum reads to return.
    pub limit: usize,
    /// The reader to whom the filters `is:` and `label:` refer. If it is `None`, they are ignored,
    /// with a note.
    pub reader: Option<ReaderId>,
}

/// A read with the facts that decide whether another read has the same problem.
#[derive(Clone, Copy, Debug)]
pub struct ProblemOf<'a> {
    /// The read.
    pub id: ReadId,
    /// Its title.
    pub title: &'a str,
    /// Its problem, if it is sure enough to be shown.
    pub problem: Option<&'a str>,
    /// Its company.
    pub company: &'a str,
    /// The fingerprint of its text.
    pub fingerprint: Option<Fingerprint>,
}

impl<'a> From<&'a ReadText> for ProblemOf<'a> {
    fn from(read: &'a ReadText) -> Self {
        Self {
            id: read.card.id,
            title: &read.card.title,
            problem: read.precis.problem.as_ref().map(|problem| problem.text.as_str()),
            company: &read.card.company,
            fingerprint: read.fingerprint,
        }
    }
}

impl ProblemOf<'_> {
    /// Returns at most `limit` reads of `closest` that have this read's problem. Those of other
    /// companies come first. Leaves out copies of this read.
    pub fn others<'o>(self, closest: impl Iterator<Item = ProblemOf<'o>>, limit: usize) -> Vec<ReadId> {
        let is_other = |other: &ProblemOf<'_>| {
            other.problem.is_some() && (other.fingerprint.is_none() || other.fingerprint != self.fingerprint)
        };
        let mut others: Vec<_> = closest.filter(is_other).take(limit * 2).collect();
        others.sort_by_key(|other| other.company == self.company);
        others.truncate(limit);
        others.into_iter().map(|other| other.id).collect()
    }
}

/// The result of a search.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The query as it was parsed.
    pub query: Query,
    /// The reads of this page, best first.
    pub matches: Vec<Match>,
    /// Number of reads on all pages. For a question in words, at most [`crate::CANDIDATES`].
    pub total: u64,
    /// Counts over these reads.
    pub facets: Facets,
    /// Words that are not in the archive, and their replacements.
    pub corrections: Vec<Correction>,
    /// Finds the words of the question in a text.
    pub marks: Marks,
    /// The failure of the embedding server, if only words were searched because of it.
    pub words_only: Option<String>,
    /// How much of the archive is in the index. `None` if it is complete.
    pub missing: Option<Coverage>,
}

impl Answer {
    /// Whether the whole archive was searched, by words and by meaning. The same question may find
    /// more in a moment if not.
    pub fn is_whole(&self) -> bool {
        self.words_only.is_none() && self.missing.is_none()
    }
}

/// A found read.
#[derive(Clone, Debug)]
pub struct Match {
    /// The read.
    pub read: ReadText,
    /// Its scores.
    pub ranked: Ranked,
    /// The passage of the article with the most words of the question. `None` if it has none of
    /// them.
    pub passage: Option<Passage>,
}

impl Search {
    /// Opens or creates the index of this archive below `folder`. There is one index for each
    /// archive and each source of embeddings.
    ///
    /// # Errors
    /// If the archive or the folder cannot be read or written.
    pub async fn open(store: Store, folder: &Path, embedder: Embedders) -> Result<Self, SearchFailure> {
        // The name keeps indexes of different archives apart.
        let name = store.name().await?;
        let folder = folder.join(format!("{name}-{}", embedder.identity()));
        let index = tokio::task::spawn_blocking(move || Index::open(&folder)).await??;
        Ok(Self { store, embedder, ranker: Ranker::new(index), come_to: Arc::new(AtomicU64::new(0)) })
    }

    /// The same search with reads from `store`, which is the same archive without some of its
    /// reads. Results that it does not have are left out.
    pub fn within(&self, store: &Store) -> Self {
        Self { store: store.clone(), ..self.clone() }
    }

    /// The index.
    pub fn index(&self) -> &Index {
        self.ranker.index()
    }

    /// Whether the index was up to date with this number of a change at the last check.
    pub(crate) fn has_come_to(&self, version: u64) -> bool {
        // Another process may have replaced the index by one that is not as far.
        version > 0 && self.come_to.load(Ordering::Relaxed) == version && self.index().position() >= version
    }

    pub(crate) fn come_to(&self, version: u64) {
        self.come_to.store(version, Ordering::Relaxed);
    }

    /// Whether the archive has changes that are not in the index.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub async fn is_behind(&self) -> Result<bool, SearchFailure> {
        Ok(self.store.archive_version().await? > self.index().position())
    }

    /// How much of the archive is in the index.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub async fn coverage(&self) -> Result<Coverage, SearchFailure> {
        let reads = self.store.reads_annotated().await?;
        Ok(Coverage { indexed: self.index().len(), reads })
    }

    /// How much of the archive is in the index. Returns `None` if it is complete.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub async fn missing(&self) -> Result<Option<Coverage>, SearchFailure> {
        let coverage = self.coverage().await?;
        Ok((coverage.indexed < coverage.reads && self.is_behind().await?).then_some(coverage))
    }

    /// Loads the vectors of new segments in advance.
    pub(crate) async fn warm(&self) -> Result<(), SearchFailure> {
        let Some(dimensions) = self.embedder.dimensions() else { return Ok(()) };
        let ranker = self.ranker.clone();
        tokio::task::spawn_blocking(move || ranker.warm(dimensions)).await??;
        Ok(())
    }

    /// Finds the reads that answer a question, best first.
    ///
    /// # Errors
    /// If the archive or the index cannot be read. If an embedding server does not answer, only
    /// words are searched.
    pub async fn find(&self, asked: &Asked) -> Result<Answer, SearchFailure> {
        let started = Instant::now();
        let answer = self.try_find(asked).await;
        let result = if answer.is_ok() { "ok" } else { "failed" };
        metrics::histogram!("backissue_search_seconds", "result" => result).record(started.elapsed());
        answer
    }

    async fn try_find(&self, asked: &Asked) -> Result<Answer, SearchFailure> {
        let query = self.understood(&asked.text).await?;
        let query = self.with_own(query, asked.reader).await?;
        let (meaning, words_only) = match self.meaning_of(&query, &asked.blend).await {
            Ok(meaning) => (meaning, None),
            Err(failure) => (None, Some(failure.to_string())),
        };
        let (ranking, facets) = {
            let (query, blend, typing) = (query.clone(), asked.blend.clone(), asked.typing);
            let rank = move |ranker: &Ranker| ranker.rank_and_count(&query, meaning.as_ref(), &blend, typing);
            self.blocking(rank).await?
        };
        let total = if query.has_words() { ranking.reads.len() as u64 } else { facets.total };
        let page: Vec<Ranked> = ranking.reads.into_iter().skip(asked.skip).take(asked.limit).collect();
        let marks = Marks::of(&query, &ranking.corrections);
        let matches = self.matched(page, &marks).await?;
        let missing = self.missing().await?;
        let corrections = ranking.corrections;
        Ok(Answer { query, matches, total, facets, corrections, marks, words_only, missing })
    }

    /// Selects the reads that answer a question well enough to notify its reader. They meet its
    /// filters and required phrases. If the question has words, each read must be as close as the
    /// best read of an answer ([`Blend::least_closeness`]).
    ///
    /// # Errors
    /// If the archive or the index cannot be read, or if an embedding server does not answer,
    /// because words alone are too little evidence.
    pub async fn answering(
        &self,
        text: &str,
        reader: ReaderId,
        reads: &[ReadId],
    ) -> Result<Vec<ReadId>, SearchFailure> {
        let query = self.with_own(Query::parse(text), Some(reader)).await?;
        let blend = Blend::default();
        let meaning = self.meaning_of(&query, &blend).await?;
        let mut answering = Vec::new();
        // An answer has so many reads at most.
        for some in reads.chunks(CANDIDATES) {
            let query = query.clone().among(some.to_vec());
            let ranking = self.ranked(query, meaning.clone(), blend.clone()).await?;
            let close = ranking.reads.iter().filter(|read| read.closeness(&blend) >= blend.least_closeness);
            answering.extend(close.map(|read| read.id));
        }
        Ok(answering)
    }

    /// Computes only the ranking, without the texts of reads, for measurements.
    ///
    /// # Errors
    /// As [`Search::find`].
    pub async fn ranking(&self, text: &str, blend: &Blend) -> Result<Ranking, SearchFailure> {
        let query = Query::parse(text);
        let meaning = self.meaning_of(&query, blend).await?;
        self.ranked(query, meaning, blend.clone()).await
    }

    /// Finds reads that have the problem of this one, those of other companies first. Leaves out
    /// reads whose own problem is not sure enough to be shown. Returns an empty list if the read
    /// has no problem, is not in the archive, or no other read has the problem.
    ///
    /// # Errors
    /// If the archive or the index cannot be read, or an embedding server does not answer.
    pub async fn others_with(&self, id: ReadId, limit: usize) -> Result<Vec<Match>, SearchFailure> {
        let Some(read) = self.store.texts(&[id]).await?.pop() else { return Ok(Vec::new()) };
        let of = ProblemOf::from(&read);
        let mut matches = self.matched(self.closest(of, limit).await?, &Marks::default()).await?;
        let others = of.others(matches.iter().map(|other| ProblemOf::from(&other.read)), limit);
        let place: HashMap<ReadId, usize> = others.into_iter().zip(0..).collect();
        matches.retain(|other| place.contains_key(&other.read.card.id));
        matches.sort_by_key(|other| place.get(&other.read.card.id).copied());
        Ok(matches)
    }

    /// Finds the reads closest to a read's problem, best first, as input of [`ProblemOf::others`]
    /// with the same limit. For a caller that has all reads already.
    ///
    /// # Errors
    /// As [`Search::others_with`].
    pub async fn closest_to(&self, of: ProblemOf<'_>, limit: usize) -> Result<Vec<ReadId>, SearchFailure> {
        Ok(self.closest(of, limit).await?.into_iter().map(|ranked| ranked.id).collect())
    }

    async fn closest(&self, of: ProblemOf<'_>, limit: usize) -> Result<Vec<Ranked>, SearchFailure> {
        let alike = self.ranked_alike(of).await?.into_iter();
        let alike = alike.filter(|other| other.closeness_to_problem(PROBLEM_COVERAGE) >= SAME_PROBLEM);
        Ok(alike.take(limit * 4).collect())
    }

    /// Finds the reads whose problem may be this one's, without a minimum closeness, for
    /// measurements.
    ///
    /// # Errors
    /// As [`Search::others_with`].
    pub async fn alike(&self, id: ReadId) -> Result<Vec<Ranked>, SearchFailure> {
        let Some(read) = self.store.texts(&[id]).await?.pop() else { return Ok(Vec::new()) };
        self.ranked_alike(ProblemOf::from(&read)).await
    }

    /// The reads that may have the same problem, best first.
    async fn ranked_alike(&self, of: ProblemOf<'_>) -> Result<Vec<Ranked>, SearchFailure> {
        let Some(problem) = of.problem else { return Ok(Vec::new()) };
        let query = Query::of_words(&format!("{problem} {}", of.title));
        let meaning = meaning_of_problem(of.title, problem);
        let Some(meaning) = self.embedder.embed(&[Some(meaning)]).await?.pop().flatten() else {
            return Ok(Vec::new());
        };
        let mut reads = self.blocking(move |ranker| ranker.alike(&query, &meaning, PROBLEM_COVERAGE)).await?;
        reads.retain(|other| other.id != of.id);
        Ok(reads)
    }

    /// Notes on the parts of a question that were not understood, and how they are searched
    /// instead. One sentence each.
    ///
    /// # Errors
    /// If the archive cannot be read.
    pub async fn notes_on(&self, text: &str) -> Result<Vec<String>, SearchFailure> {
        Ok(self.understood(text).await?.notes().to_vec())
    }

    /// Parses a question. Adds a note for each company, source and technology that the archive does
    /// not have, with the most similar one that it has.
    pub(crate) async fn understood(&self, text: &str) -> Result<Query, SearchFailure> {
        let mut query = Query::parse(text);
        let is_name = |filter: &Filter| {
            matches!(filter, Filter::Company(_) | Filter::Source(_) | Filter::Technology(_))
        };
        if query.filters().any(|(filter, _)| is_name(filter)) {
            let sources = self.store.sources(&SourceFilter::default()).await?;
            let notes: Vec<String> =
                query.filters().filter_map(|(filter, _)| unknown_name(filter, &sources)).collect();
            notes.into_iter().for_each(|note| query.note(note));
        }
        Ok(query)
    }

    /// Looks up the reads that match the filters `is:` and `label:`. Without a reader, removes
    /// these filters.
    async fn with_own(&self, mut query: Query, reader: Option<ReaderId>) -> Result<Query, SearchFailure> {
        let own: Vec<Filter> =
            query.filters().map(|(filter, _)| filter.clone()).filter(Filter::is_own).collect();
        if own.is_empty() {
            return Ok(query);
        }
        let Some(reader) = reader else {
            query.note(
                "“is:” and “label:” were left out: nobody's marks and labels are shown here.".to_owned(),
            );
            return Ok(query.without(|filter, _| filter.is_own()));
        };
        for filter in own {
            let reads = match &filter {
                Filter::Is(mine) => self.store.reads_of(reader, *mine).await?,
                Filter::Label(label) => Among::These(self.store.reads_labelled(reader, label).await?),
                _ => continue,
            };
            query.resolve(filter, reads);
        }
        Ok(query)
    }

    async fn meaning_of(&self, query: &Query, blend: &Blend) -> Result<Option<Embedding>, SearchFailure> {
        if !query.has_words() || blend.by == By::Words {
            return Ok(None);
        }
        Ok(self.embedder.embed(&[Some(query.words())]).await?.pop().flatten())
    }

    async fn ranked(
        &self,
        query: Query,
        meaning: Option<Embedding>,
        blend: Blend,
    ) -> Result<Ranking, SearchFailure> {
        self.blocking(move |ranker| ranker.rank(&query, meaning.as_ref(), &blend, Typing::Done)).await
    }

    /// Runs `rank` on a blocking thread.
    async fn blocking<T: Send + 'static>(
        &self,
        rank: impl FnOnce(&Ranker) -> Result<T, SearchError> + Send + 'static,
    ) -> Result<T, SearchFailure> {
        let ranker = self.ranker.clone();
        Ok(tokio::task::spawn_blocking(move || rank(&ranker)).await??)
    }

    /// The ranked reads with their texts. Leaves out reads that are no longer in the archive.
    async fn matched(&self, page: Vec<Ranked>, marks: &Marks) -> Result<Vec<Match>, SearchFailure> {
        let ids: Vec<ReadId> = page.iter().map(|ranked| ranked.id).collect();
        let ranked: HashMap<ReadId, Ranked> = page.into_iter().map(|ranked| (ranked.id, ranked)).collect();
        let texts = self.store.texts(&ids).await?;
        let matched = texts.into_iter().filter_map(|read| {
            let ranked = *ranked.get(&read.card.id)?;
            let passage = passage(&read.text, marks, PASSAGE_MAX);
            Some(Match { read, ranked, passage })
        });
        Ok(matched.collect())
    }
}

/// The note for a filter with a name that is not in the archive.
fn unknown_name(filter: &Filter, sources: &[Source]) -> Option<String> {
    let (what, typed, known): (_, _, Vec<&str>) = match filter {
        Filter::Company(name) => {
            let wanted: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
            let is_called = |company: &str| {
                let words: Vec<String> = company.split_whitespace().map(str::to_lowercase).collect();
                Slug::of(company) == Slug::of(name) || wanted.iter().all(|word| words.contains(word))
            };
            if sources.iter().any(|source| is_called(&source.company)) {
                return None;
            }
            ("company", name.clone(), sources.iter().map(|source| source.company.as_str()).collect())
        }
        Filter::Source(slug) => {
            if sources.iter().any(|source| source.slug == *slug) {
                return None;
            }
            let names = sources.iter().flat_map(|source| [source.slug.as_str(), &source.title]);
            let nearest = nearest(slug.as_str(), names);
            let known =
                sources.iter().find(|s| nearest.is_some_and(|n| s.slug.as_str() == n || s.title == n));
            ("source", slug.to_string(), known.map(|source| source.slug.as_str()).into_iter().collect())
        }
        Filter::Technology(name) => {
            let mut known = backissue_annotate::technology_names();
            if known.any(|known| known.to_lowercase() == *name) {
                return None;
            }
            ("technology", name.clone(), backissue_annotate::technology_names().collect())
        }
        _ => return None,
    };
    let hint = match known.as_slice() {
        [one] if what == "source" => meant(Some(one)),
        _ => did_you_mean(&typed, known),
    };
    let end = if hint.is_empty() { "." } else { "" };
    Some(format!("The archive has no {what} called “{typed}”{hint}{end}"))
}
