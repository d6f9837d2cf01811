//! Computes more exact scores of the best reads: by field, by exact form, and by words that are
//! adjacent as in the query.
//!
//! For all reads this would cost many times more than all other steps together.

use std::cmp::Ordering;

use tantivy::postings::Postings;
use tantivy::query::{
    Bm25StatisticsProvider, Bm25Weight, EnableScoring, PhraseQuery, Query as Searchable, Weight,
};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocAddress, DocId, DocSet, SeekDangerResult, SegmentReader, TERMINATED, Term};

use super::fields::Weights;
use crate::join::join;
use crate::{Query, SearchError, Searcher};

/// Number of reads whose exact scores are computed.
pub(super) const ASKED: usize = 200;
/// Number of reads to find if the most frequent terms are still needed to select the best of them.
pub(super) const FOUND: usize = 800;
/// Maximum pairs of words.
const MOST_PAIRS: usize = 24;

/// Adds the exact scores of each of the `best`, and sorts them again.
pub(super) fn rerank(
    searcher: &Searcher,
    query: &Query,
    weights: &Weights,
    beside: &[(Term, f32)],
    best: &mut [(f32, DocAddress)],
) -> Result<(), SearchError> {
    if best.len() < 2 {
        return Ok(());
    }
    best.sort_by_key(|(_, at)| *at);
    let pairs = |best: &mut [_]| match weights.nearness > 0.0 {
        true => add_pairs(searcher, query, weights, best),
        false => Ok(()),
    };
    let added = add_both(best, pairs, |best| add_terms(searcher, beside, best));
    added.map_err(|error| searcher.reading(&error))?;
    best.sort_by(best_first);
    Ok(())
}

/// Adds the scores of `terms` to each of `found`, and sorts them again.
pub(super) fn add(
    searcher: &Searcher,
    terms: &[(Term, f32)],
    found: &mut [(f32, DocAddress)],
) -> Result<(), SearchError> {
    if terms.is_empty() {
        return Ok(());
    }
    found.sort_by_key(|(_, at)| *at);
    let (some, others) = terms.split_at(terms.len() / 2);
    let added =
        add_both(found, |found| add_terms(searcher, some, found), |found| add_terms(searcher, others, found));
    added.map_err(|error| searcher.reading(&error))?;
    found.sort_by(best_first);
    Ok(())
}

/// Adds the scores that two functions compute. They run in parallel.
fn add_both(
    best: &mut [(f32, DocAddress)],
    one: impl FnOnce(&mut [(f32, DocAddress)]) -> tantivy::Result<()> + Send,
    other: impl FnOnce(&mut [(f32, DocAddress)]) -> tantivy::Result<()>,
) -> tantivy::Result<()> {
    let mut added: Vec<(f32, DocAddress)> = best.iter().map(|(_, at)| (0.0, *at)).collect();
    let (first, second) = join(|| one(&mut added), || other(best));
    first.and(second)?;
    for ((score, _), (added, _)) in best.iter_mut().zip(added) {
        *score += added;
    }
    Ok(())
}

fn best_first(one: &(f32, DocAddress), other: &(f32, DocAddress)) -> Ordering {
    other.0.total_cmp(&one.0).then(one.1.cmp(&other.1))
}

/// Adds the score of each term to the reads with it. Reads are sorted by address.
fn add_terms(
    searcher: &Searcher,
    terms: &[(Term, f32)],
    best: &mut [(f32, DocAddress)],
) -> tantivy::Result<()> {
    let searcher = searcher.inner();
    let all = searcher.total_num_docs()?;
    for (term, worth) in terms {
        let field = term.field();
        // Looked up once per segment, for both frequency and postings.
        let mut postings = Vec::new();
        let mut frequency = 0;
        for segment in searcher.segment_readers() {
            let inverted = segment.inverted_index(field)?;
            let info = inverted.get_term_info(term)?;
            frequency += info.as_ref().map_or(0, |info| u64::from(info.doc_freq));
            postings.push(info.map(|info| (inverted, info)));
        }
        if frequency == 0 {
            continue;
        }
        let average = searcher.total_num_tokens(field)? as f32 / all as f32;
        let weight = Bm25Weight::for_one_term_without_explain(frequency, all, average).boost_by(*worth);
        for of_segment in best.chunk_by_mut(|a, b| a.1.segment_ord == b.1.segment_ord) {
            let segment = of_segment[0].1.segment_ord;
            let Some((inverted, info)) = &postings[segment as usize] else { continue };
            let mut postings = inverted.read_postings_from_terminfo(info, IndexRecordOption::WithFreqs)?;
            let lengths = searcher.segment_reader(segment).get_fieldnorms_reader(field)?;
            for (score, at) in of_segment {
                if postings.doc() < at.doc_id {
                    postings.seek(at.doc_id);
                }
                if postings.doc() == at.doc_id {
                    *score += weight.score(lengths.fieldnorm_id(at.doc_id), postings.term_freq());
                }
            }
        }
    }
    Ok(())
}

/// Adds the scores of pairs of words to the reads with them. Reads are sorted by address.
fn add_pairs(
    searcher: &Searcher,
    query: &Query,
    weights: &Weights,
    best: &mut [(f32, DocAddress)],
) -> tantivy::Result<()> {
    let pairs = query.neighbours();
    for (field, worth) in searcher.fields().near(weights) {
        for (first, distance, second) in pairs.iter().take(MOST_PAIRS) {
            let terms = [(0, first), (*distance, second)];
            let terms = terms.map(|(at, word)| (at, Term::from_field_text(field, word)));
            let pair = PhraseQuery::new_with_offset(terms.into());
            let weight = pair.weight(EnableScoring::enabled_from_searcher(searcher.inner()))?;
            for of_segment in best.chunk_by_mut(|a, b| a.1.segment_ord == b.1.segment_ord) {
                let segment = searcher.inner().segment_reader(of_segment[0].1.segment_ord);
                add_pair(weight.as_ref(), segment, weights.nearness * worth, of_segment)?;
            }
        }
    }
    Ok(())
}

/// Adds the score of one pair to the reads of one segment with it. Reads are sorted.
fn add_pair(
    pair: &dyn Weight,
    segment: &SegmentReader,
    worth: f32,
    best: &mut [(f32, DocAddress)],
) -> tantivy::Result<()> {
    let (mut standing, mut scorer) = pair.scorer_danger(segment, best[0].1.doc_id, worth)?;
    for (at, (score, address)) in best.iter_mut().enumerate() {
        let row: DocId = address.doc_id;
        if at > 0 {
            // A row before this bound has no such pair and must not be checked.
            if matches!(standing, SeekDangerResult::SeekLowerBound(bound) if bound > row) {
                continue;
            }
            standing = scorer.seek_danger(row);
        }
        match standing {
            SeekDangerResult::Found => *score += scorer.score(),
            SeekDangerResult::SeekLowerBound(TERMINATED) => break,
            SeekDangerResult::SeekLowerBound(_) => {}
        }
    }
    Ok(())
}
