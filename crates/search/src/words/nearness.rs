//! Words that stand side by side in the query and in the read.
//!
//! Asking every read for that would cost more than all the rest, so only the best by their words are asked.

use tantivy::query::{EnableScoring, PhraseQuery, Query as Searchable, Weight};
use tantivy::{DocAddress, DocId, SeekDangerResult, SegmentReader, TERMINATED, TantivyError, Term};

use super::fields::Weights;
use crate::{Query, SearchError, Searcher};

/// How many of the best are asked.
pub(super) const ASKED: usize = 100;
/// Most pairs of words that are looked for.
const MOST_PAIRS: usize = 24;

/// Adds to the score of each of the `best` what its pairs of words are worth, and puts them in order again.
pub(super) fn add_nearness(
    searcher: &Searcher,
    query: &Query,
    weights: &Weights,
    best: &mut [(f32, DocAddress)],
) -> Result<(), SearchError> {
    if weights.nearness <= 0.0 || best.len() < 2 {
        return Ok(());
    }
    best.sort_by_key(|(_, at)| *at);
    let reading = |error: TantivyError| searcher.reading(&error);
    let pairs = query.neighbours();
    for (field, worth) in searcher.fields().near(weights) {
        for (first, distance, second) in pairs.iter().take(MOST_PAIRS) {
            let terms = [(0, first), (*distance, second)];
            let terms = terms.map(|(at, word)| (at, Term::from_field_text(field, word)));
            let pair = PhraseQuery::new_with_offset(terms.into());
            let weight =
                pair.weight(EnableScoring::enabled_from_searcher(searcher.inner())).map_err(reading)?;
            for of_segment in best.chunk_by_mut(|a, b| a.1.segment_ord == b.1.segment_ord) {
                let segment = searcher.inner().segment_reader(of_segment[0].1.segment_ord);
                add_pair(weight.as_ref(), segment, weights.nearness * worth, of_segment).map_err(reading)?;
            }
        }
    }
    best.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    Ok(())
}

/// Adds what one pair is worth to those of one segment, which are in order, that have it.
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
            // A row before the bound has no such pair, and may not be asked for.
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
