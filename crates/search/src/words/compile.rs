//! Compiles a query for tantivy.

use std::collections::BTreeMap;
use std::ops::Bound;

use backissue_model::ReadId;
use backissue_store::Among;
use tantivy::Term;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, EmptyQuery, Occur, PhraseQuery, Query as Searchable,
    RangeQuery, TermQuery, TermSetQuery,
};
use tantivy::schema::{Field, IndexRecordOption};

use super::fields::{Fields, Weights, company_keys, form_number, kind_number, week_number};
use super::materialized::Materialized;
use super::tokens::{STEM, stem};
use super::typos::{Dictionary, beginning_with, similar};
use super::units::{Unit, units};
use crate::query::filter_begins as begins;
use crate::query::{Filter, Query, Sense};
use crate::{SearchError, Searcher};

/// A rare or unknown word, and the words that were searched as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    /// The word as typed, in lower case.
    pub typed: String,
    /// Words of the archive within an edit distance of one or two, best first.
    pub instead: Vec<String>,
}

/// A query in the form that `tantivy` runs.
pub(crate) struct Compiled {
    /// Finds reads, and computes most of their score.
    pub query: Box<dyn Searchable>,
    /// Terms that are too frequent for finding reads. They only change the scores of the reads
    /// found.
    pub frequent: Weighted,
    /// Further terms with weights by field. They only change the scores of the best reads.
    pub beside: Weighted,
    pub corrections: Vec<Correction>,
}

type Clause = (Occur, Box<dyn Searchable>);
/// Terms and their weights.
type Weighted = Vec<(Term, f32)>;

/// Maximum number of postings to read for finding reads. The rarest terms are used first, and at
/// least [`FINDING`] of them. The remaining terms, which are in almost all reads, only change the
/// scores of the reads found.
const WALKED: u64 = 100_000;
/// Number of rarest terms that are used for finding reads, however frequent they are.
const FINDING: usize = 4;

/// Translates `query` into searches of the index that `searcher` reads.
pub(crate) fn compile(
    searcher: &Searcher,
    query: &Query,
    weights: &Weights,
    typing: Typing,
) -> Result<Compiled, SearchError> {
    let mut welcome = Welcome { searcher, weights, worths: BTreeMap::new(), corrections: Vec::new() };
    let unfinished = query.unfinished().filter(|_| typing == Typing::Going);
    for word in query.wanted() {
        for unit in units(word) {
            welcome.add_unit(unit, unfinished == Some(word))?;
        }
    }
    if let Some(word) = unfinished {
        welcome.add_beginnings(word)?;
    }
    let Finished { finding: words, frequent, beside } = welcome.finish()?;
    let corrections = welcome.corrections;
    let mut demanded = demands(searcher, query)?;
    let phrases: Vec<Clause> =
        query.phrases().map(|phrase| (Occur::Must, weighed_phrase(searcher, weights, phrase))).collect();
    // If there are required phrases, words only score.
    let query: Box<dyn Searchable> = match (words.is_empty(), phrases.is_empty(), demanded.is_empty()) {
        (true, true, _) if query.has_words() => Box::new(EmptyQuery),
        (true, true, _) => all_of(demanded),
        (false, true, true) => Box::new(BooleanQuery::new(words)),
        (false, true, false) => {
            demanded.push((Occur::Must, Box::new(BooleanQuery::new(words))));
            Box::new(BooleanQuery::new(demanded))
        }
        (_, false, _) => {
            demanded.extend(phrases);
            demanded.extend(words);
            Box::new(BooleanQuery::new(demanded))
        }
    };
    Ok(Compiled { query, frequent, beside, corrections })
}

/// The conditions that every result must meet, in either search: filters, phrases and exclusions.
/// Returns `None` if there are none.
pub(crate) fn compile_demands(
    searcher: &Searcher,
    query: &Query,
) -> Result<Option<Box<dyn Searchable>>, SearchError> {
    let mut demanded = demands(searcher, query)?;
    let weights = Weights::default();
    demanded.extend(query.phrases().map(|phrase| (Occur::Must, weighed_phrase(searcher, &weights, phrase))));
    Ok(if demanded.is_empty() { None } else { Some(all_of(demanded)) })
}

fn all_of(mut demanded: Vec<Clause>) -> Box<dyn Searchable> {
    if demanded.iter().all(|(occur, _)| *occur == Occur::MustNot) {
        demanded.push((Occur::Must, Box::new(AllQuery)));
    }
    Box::new(BooleanQuery::new(demanded))
}

/// The conditions from filters and exclusions.
fn demands(searcher: &Searcher, query: &Query) -> Result<Vec<Clause>, SearchError> {
    let mut clauses: Vec<Clause> = Vec::new();
    let mut by_group: BTreeMap<&str, Vec<Box<dyn Searchable>>> = BTreeMap::new();
    for (filter, sense) in query.filters() {
        let fits = filtered(searcher, query, filter)?;
        match sense {
            Sense::Only => by_group.entry(filter.group()).or_default().push(fits),
            Sense::Without => clauses.push((Occur::MustNot, Box::new(Materialized(fits.into())))),
        }
    }
    for (_, any) in by_group {
        clauses.push((Occur::Must, unscored(Box::new(BooleanQuery::union(any)))));
    }
    if let Some(reads) = query.only() {
        clauses.push((Occur::Must, unscored(these(searcher.fields(), reads))));
    }
    for words in query.excluded() {
        if let Some(there) = anywhere(searcher, words) {
            clauses.push((Occur::MustNot, Box::new(Materialized(there.into()))));
        }
    }
    Ok(clauses)
}

fn unscored(query: Box<dyn Searchable>) -> Box<dyn Searchable> {
    Box::new(ConstScoreQuery::new(query, 0.0))
}

fn term(term: Term) -> Box<dyn Searchable> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

fn filtered(searcher: &Searcher, query: &Query, filter: &Filter) -> Result<Box<dyn Searchable>, SearchError> {
    let fields = searcher.fields();
    let moment = |day| Term::from_field_i64(fields.filed_at, begins(day));
    Ok(match filter {
        Filter::Company(name) => return company(searcher, name),
        Filter::Concept(slug) => term(Term::from_field_text(fields.concept_slugs, slug.as_str())),
        Filter::Technology(name) => term(Term::from_field_text(fields.technology_names, name)),
        Filter::Kind(kind) => term(Term::from_field_u64(fields.kind, kind_number(*kind))),
        Filter::Form(form) => term(Term::from_field_u64(fields.form, form_number(*form))),
        Filter::Source(slug) => term(Term::from_field_text(fields.sources, slug.as_str())),
        Filter::Week(week) => term(Term::from_field_u64(fields.week, week_number(*week))),
        Filter::Before(day) => Box::new(RangeQuery::new(Bound::Unbounded, Bound::Excluded(moment(*day)))),
        Filter::After(day) => Box::new(RangeQuery::new(Bound::Included(moment(*day)), Bound::Unbounded)),
        Filter::Is(_) | Filter::Label(_) => match query.resolved(filter) {
            Some(Among::These(reads)) => these(fields, reads),
            Some(Among::AllBut(reads)) => Box::new(BooleanQuery::new(vec![
                (Occur::Must, Box::new(AllQuery)),
                (Occur::MustNot, these(fields, reads)),
            ])),
            None => Box::new(EmptyQuery),
        },
    })
}

fn these(fields: &Fields, reads: &[ReadId]) -> Box<dyn Searchable> {
    Box::new(TermSetQuery::new(reads.iter().map(|read| fields.id_term(*read))))
}

/// Finds reads of the company `name`. If there are none, finds reads of companies with these words
/// in their names.
fn company(searcher: &Searcher, name: &str) -> Result<Box<dyn Searchable>, SearchError> {
    let fields = searcher.fields();
    for key in company_keys(name) {
        let key = Term::from_field_text(fields.company_keys, &key);
        if searcher.frequency(&key)? > 0 {
            return Ok(term(key));
        }
    }
    Ok(phrase(fields.company, &exact_terms(name)).unwrap_or_else(|| Box::new(EmptyQuery)))
}

/// Finds reads with this phrase. A single word matches in any form.
fn anywhere(searcher: &Searcher, words: &str) -> Option<Box<dyn Searchable>> {
    let terms = exact_terms(words);
    let forms = match terms.as_slice() {
        [] => return None,
        [(_, word)] => forms(word),
        _ => Vec::new(),
    };
    let field = searcher.fields().anywhere;
    let forms = forms.iter().map(|form| term(Term::from_field_text(field, form)));
    Some(Box::new(BooleanQuery::union(forms.chain(phrase(field, &terms)).collect())))
}

/// Finds a phrase in any field, with the weights of the fields.
fn weighed_phrase(searcher: &Searcher, weights: &Weights, text: &str) -> Box<dyn Searchable> {
    match phrase(searcher.fields().anywhere, &exact_terms(text)) {
        Some(phrase) => Box::new(BoostQuery::new(phrase, weights.anywhere)),
        None => Box::new(EmptyQuery),
    }
}

fn phrase(field: Field, terms: &[(usize, String)]) -> Option<Box<dyn Searchable>> {
    let at = |(position, text): &(usize, String)| (*position, Term::from_field_text(field, text));
    match terms {
        [] => None,
        [one] => Some(Box::new(TermQuery::new(at(one).1, IndexRecordOption::WithFreqs))),
        several => Some(Box::new(PhraseQuery::new_with_offset(several.iter().map(at).collect()))),
    }
}

/// The exact terms of a text with their positions. For a text that is one name from code, such as
/// `C++`, the term for the whole name.
fn exact_terms(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let all: Vec<Unit<'_>> = units(text).collect();
    if let [unit] = all.as_slice()
        && let Some(whole) = unit.whole()
        && unit.parts().nth(1).is_none()
    {
        return vec![(0, whole)];
    }
    for unit in all {
        for (_, part) in unit.parts().take(crate::query::MOST_TERMS) {
            found.push((found.len(), part.to_lowercase()));
        }
    }
    found.truncate(crate::query::MOST_TERMS);
    found
}

/// The terms for all forms of a word: the word, its marked stem, and the stem as a word.
pub(super) fn forms(word: &str) -> Vec<String> {
    match stem(word) {
        Some(stem) => vec![word.to_owned(), format!("{STEM}{stem}"), stem],
        None => vec![word.to_owned(), format!("{STEM}{word}")],
    }
}

/// Collects the optional words of a query with their weights.
struct Welcome<'a> {
    searcher: &'a Searcher,
    weights: &'a Weights,
    worths: BTreeMap<String, Worth>,
    corrections: Vec<Correction>,
}

/// The words of a query, in the form that `tantivy` runs.
struct Finished {
    finding: Vec<Clause>,
    /// See [`Compiled::frequent`].
    frequent: Weighted,
    /// See [`Compiled::beside`].
    beside: Weighted,
}

/// The weight of a term.
#[derive(Clone, Copy, Default)]
struct Worth {
    /// The weight of a match in any form of the word.
    form: f32,
    /// What a match of the exact word adds.
    exact: f32,
}

impl Welcome<'_> {
    fn add_unit(&mut self, unit: Unit<'_>, is_unfinished: bool) -> Result<(), SearchError> {
        let whole = unit.whole();
        let worth = if whole.is_some() && unit.is_code() { self.weights.part } else { 1.0 };
        for (_, part) in unit.parts().take(crate::query::MOST_TERMS) {
            // Single letters of a name are in almost all reads.
            if whole.is_some() && part.chars().nth(1).is_none() {
                continue;
            }
            let part = part.to_lowercase();
            self.add_word(&part, worth);
            if !is_unfinished && whole.is_none() {
                self.correct(&part)?;
            }
        }
        if let Some(whole) = whole {
            self.add_word(&whole, 1.0);
        }
        Ok(())
    }

    /// Adds all forms of a word. The exact form has a larger weight.
    fn add_word(&mut self, word: &str, worth: f32) {
        // A word with a stem is indexed under the stem too.
        let skipped = usize::from(stem(word).is_some());
        for form in forms(word).into_iter().skip(skipped) {
            self.add_term(form, worth);
        }
        let known = self.worths.entry(word.to_owned()).or_default();
        known.exact = known.exact.max(worth * self.weights.exact);
    }

    fn add_term(&mut self, text: String, worth: f32) {
        let known = self.worths.entry(text).or_default();
        known.form = known.form.max(worth);
    }

    /// If a word is rare or unknown, adds words within an edit distance of one or two.
    fn correct(&mut self, word: &str) -> Result<(), SearchError> {
        let instead = similar(&Dictionary(self.searcher), word, &forms(word))?;
        if instead.is_empty() {
            return Ok(());
        }
        for other in &instead {
            self.add_word(other, self.weights.typo);
        }
        let correction = Correction { typed: word.to_owned(), instead };
        if !self.corrections.contains(&correction) {
            self.corrections.push(correction);
        }
        Ok(())
    }

    /// Adds words that start with the word being typed.
    fn add_beginnings(&mut self, word: &str) -> Result<(), SearchError> {
        let Some((_, last)) = units(word).last().and_then(|unit| unit.parts().last()) else { return Ok(()) };
        let last = last.to_lowercase();
        let longer = beginning_with(&Dictionary(self.searcher), &last)?;
        if longer.is_empty() {
            let is_whole = units(word).all(|unit| unit.whole().is_none());
            return if is_whole { self.correct(&last) } else { Ok(()) };
        }
        for other in longer {
            self.add_term(other, self.weights.beginning);
        }
        Ok(())
    }

    fn finish(&self) -> Result<Finished, SearchError> {
        let fields = self.searcher.fields();
        let (mut finding, mut frequent, mut beside) = (Vec::new(), Vec::new(), Vec::new());
        for (text, Worth { form, exact }) in &self.worths {
            let there = Term::from_field_text(fields.anywhere, text);
            let times = self.searcher.frequency(&there)?;
            if times == 0 {
                continue;
            }
            if *form > 0.0 {
                finding.push((times, there.clone(), self.weights.anywhere * form));
            }
            beside.push((there, self.weights.anywhere * exact));
            let fields = fields.weighed(self.weights);
            beside.extend(
                fields.map(|(field, weight)| (Term::from_field_text(field, text), weight * (form + exact))),
            );
        }
        finding.sort_by_key(|(times, ..)| *times);
        let mut walked = 0;
        let mut clauses: Vec<Clause> = Vec::new();
        for (times, term, worth) in finding {
            walked += times;
            if walked > WALKED && clauses.len() >= FINDING {
                frequent.push((term, worth));
                continue;
            }
            let found = TermQuery::new(term, IndexRecordOption::WithFreqs);
            clauses.push((Occur::Should, Box::new(BoostQuery::new(Box::new(found), worth))));
        }
        beside.retain(|(_, worth)| *worth > 0.0);
        Ok(Finished { finding: clauses, frequent, beside })
    }
}

/// Whether the query is finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Typing {
    /// The query is finished.
    #[default]
    Done,
    /// A person is typing it: the last word also matches words that start with it.
    Going,
}
