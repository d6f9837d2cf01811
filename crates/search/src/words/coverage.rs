//! Computes the share of a question in a read's words. With the similarity in meaning, it decides
//! whether a read is close enough.

use std::collections::BTreeSet;

use tantivy::schema::IndexRecordOption;
use tantivy::{DocSet, Term};

use super::compile::{Correction, forms};
use super::units::units;
use crate::searcher::Place;
use crate::{Query, SearchError, Searcher};

/// The weight of a replacement for a mistyped word, as a share of the word's weight.
const INSTEAD: f32 = 0.8;

/// A word of a question: its terms and its weight.
struct Wanted {
    terms: Vec<(Term, f32)>,
    rarity: f32,
}

/// The share of a question in each of the reads at `places`, 0 to 1: the weight of its words in the
/// read, divided by the weight of all its words. The weight is a word's rarity; unknown words count
/// as the rarest. `unfinished` is not counted.
pub(crate) fn coverage(
    searcher: &Searcher,
    query: &Query,
    corrections: &[Correction],
    unfinished: Option<&str>,
    places: &[Place],
) -> Result<Vec<f32>, SearchError> {
    let words = wanted(searcher, query, corrections, unfinished)?;
    let all: f32 = words.iter().map(|word| word.rarity).sum();
    if all <= 0.0 {
        return Ok(vec![1.0; places.len()]);
    }
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|at| places[*at]);
    let mut covered = vec![0.0; places.len()];
    for word in &words {
        let mut has = vec![0.0f32; places.len()];
        for (term, worth) in &word.terms {
            mark(searcher, term, *worth, places, &order, &mut has)
                .map_err(|error| searcher.reading(&error))?;
        }
        for (covered, has) in covered.iter_mut().zip(has) {
            *covered += has * word.rarity / all;
        }
    }
    Ok(covered)
}

fn wanted(
    searcher: &Searcher,
    query: &Query,
    corrections: &[Correction],
    unfinished: Option<&str>,
) -> Result<Vec<Wanted>, SearchError> {
    let field = searcher.fields().anywhere;
    let reads = searcher.len() as f32;
    let mut seen = BTreeSet::new();
    let mut wanted = Vec::new();
    let words = query.wanted().into_iter().filter(|word| Some(*word) != unfinished);
    for unit in words.chain(query.phrases()).flat_map(units) {
        let parts = unit.parts().map(|(_, part)| part.to_lowercase()).take(crate::query::MOST_TERMS);
        let names: Vec<String> = unit.whole().map_or_else(|| parts.collect(), |whole| vec![whole]);
        for name in names {
            if !seen.insert(name.clone()) {
                continue;
            }
            let instead = corrections.iter().filter(|c| c.typed == name).flat_map(|c| &c.instead);
            let terms = forms(&name).into_iter().map(|form| (form, 1.0));
            let terms = terms.chain(instead.flat_map(|other| forms(other)).map(|form| (form, INSTEAD)));
            let terms: Vec<(Term, f32)> =
                terms.map(|(form, worth)| (Term::from_field_text(field, &form), worth)).collect();
            let mut frequency = 0;
            for (term, _) in terms.iter().filter(|(_, worth)| *worth >= 1.0) {
                frequency = frequency.max(searcher.frequency(term)?);
            }
            let rarity = (1.0 + (reads - frequency as f32 + 0.5).max(0.0) / (frequency as f32 + 0.5)).ln();
            wanted.push(Wanted { terms, rarity });
        }
    }
    Ok(wanted)
}

/// Raises `has` to `worth` for each place whose read has the term. `order` has the indices of the
/// places in sorted order.
fn mark(
    searcher: &Searcher,
    term: &Term,
    worth: f32,
    places: &[Place],
    order: &[usize],
    has: &mut [f32],
) -> tantivy::Result<()> {
    for of_segment in order.chunk_by(|a, b| places[*a].segment == places[*b].segment) {
        let segment = searcher.inner().segment_reader(places[of_segment[0]].segment);
        let inverted = segment.inverted_index(term.field())?;
        let Some(mut postings) = inverted.read_postings(term, IndexRecordOption::Basic)? else { continue };
        for at in of_segment {
            let row = places[*at].row;
            if postings.doc() < row {
                postings.seek(row);
            }
            if postings.doc() == row {
                has[*at] = has[*at].max(worth);
            }
        }
    }
    Ok(())
}
