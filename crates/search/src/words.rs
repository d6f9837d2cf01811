//! Search by words: what the index stores about a text, and which reads match a query.

pub(crate) mod allowed;
pub(crate) mod compile;
pub(crate) mod coverage;
pub(crate) mod facets;
pub(crate) mod fields;
pub(crate) mod highlights;
mod materialized;
mod rerank;
pub(crate) mod tokens;
mod top_docs;
mod typos;
pub(crate) mod units;

use backissue_model::ReadId;
use tantivy::Order;

use crate::searcher::{Place, Searcher};
use crate::{Query, SearchError, Weights};
use compile::{Correction, Typing, compile};
use fields::column;
use rerank::{ASKED, FOUND, rerank};
use top_docs::SharedTopDocs;

/// A found read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The read.
    pub id: ReadId,
    /// Its place in the searched index.
    pub place: Place,
    /// The score, at least 0. Comparable only within one answer. 0 for all reads if the query has
    /// only filters.
    pub score: f32,
}

/// The result of a search by words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The best reads, best first. If the query has only filters, the newest first.
    pub hits: Vec<Hit>,
    /// Words that are not in the archive, and their replacements.
    pub corrections: Vec<Correction>,
}

impl Searcher {
    /// The `limit` best reads by the words of `query`.
    ///
    /// Words are optional: reads with more words, rarer words and words in better fields come
    /// first. Phrases, filters and exclusions are strict.
    ///
    /// # Errors
    /// [`SearchError`] if the index cannot be read.
    pub fn words(
        &self,
        query: &Query,
        weights: &Weights,
        typing: Typing,
        limit: usize,
    ) -> Result<Found, SearchError> {
        if limit == 0 || query.is_empty() {
            return Ok(Found::default());
        }
        let compiled = compile(self, query, weights, typing)?;
        // The collector allocates memory for the whole limit.
        let there = usize::try_from(self.len()).unwrap_or(usize::MAX).max(1);
        let scored: Vec<(f32, tantivy::DocAddress)> = if query.has_words() {
            let found = if compiled.frequent.is_empty() { ASKED } else { FOUND };
            let mut best = self.search(&compiled.query, &SharedTopDocs::of(limit.max(found).min(there)))?;
            rerank::add(self, &compiled.frequent, &mut best)?;
            let asked = best.len().min(ASKED);
            rerank(self, query, weights, &compiled.beside, &mut best[..asked])?;
            best.truncate(limit);
            best
        } else {
            let newest = tantivy::collector::TopDocs::with_limit(limit.min(there));
            let newest = newest.order_by_fast_field::<i64>(column::FILED_AT, Order::Desc);
            self.search(&compiled.query, &newest)?.into_iter().map(|(_, at)| (0.0, at)).collect()
        };
        let places: Vec<Place> = scored.iter().map(|(_, at)| (*at).into()).collect();
        let ids = self.ids(&places)?;
        let hits = scored.iter().zip(places).zip(ids);
        let hits = hits.map(|(((score, _), place), id)| Hit { id, place, score: *score }).collect();
        Ok(Found { hits, corrections: compiled.corrections })
    }
}
