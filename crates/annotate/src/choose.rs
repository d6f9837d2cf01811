//! Chooses the passage for each part of the précis: problem, approach and outcome.
//!
//! A passage is one to three sentences of one section, verbatim. Each sentence of the article is
//! tried, together with the sentences or the heading that a reader needs to understand it. This
//! module does not know the weight of a feature, and changes no word of the article.

use std::ops::Range;
use std::sync::LazyLock;

use backissue_model::cancel::checkpoint;
use backissue_model::{Evidence, Form, Kind, Statement};

use crate::blocks::{Block, BlockKind};
use crate::cues::{Cues, Field};
use crate::features::{self, Measured, PASSAGE, yes};
use crate::kinds::KindOdds;
use crate::rank::Scores;
use crate::unfit::Unfit;
use crate::weights::{ALMOST_LIKELY, ALMOST_SURE, Weights};

/// Maximum characters of a passage.
pub const PASSAGE_MAX: usize = backissue_model::STATEMENT_MAX;

/// Minimum characters of a passage.
const PASSAGE_MIN: usize = 40;

/// Maximum sentences of a passage. Items of a list do not count.
const SENTENCES_MAX: usize = 3;

/// Marks a gap in a passage.
const LEFT_OUT: &str = " […] ";

/// Stands before each item of a list in a passage.
const ITEM: &str = " • ";

/// Maximum sentences to try for one part of the précis.
const TRIES: usize = 40;

/// Number of best passages that are compared before one is chosen.
const CONSIDERED: usize = 3;

/// Passages count as near each other if their anchors are at most this many sentences apart.
const NEAR: usize = 5;

/// A neighbour joins the passage only if its score is at most this much below the anchor's score.
const NEIGHBOUR: f32 = 0.8;

/// One to three sentences of the article, possibly with a heading, and their features.
pub(crate) struct Passage {
    /// The numbers of its sentences, in order.
    pub sentences: Vec<usize>,
    /// The sentence with the score for which the passage was built. The others are its context.
    pub anchor: usize,
    /// The byte ranges of its parts in the article's text, in order: a heading if it needs one,
    /// then the sentences.
    pub spans: Vec<Range<usize>>,
    /// The index of the block of the heading at its start. `None` if it starts with a sentence.
    heading: Option<usize>,
    /// The index in `spans` of the first list item. `None` if the passage has no list.
    items_from: Option<usize>,
    /// Whether the passage leaves out words at its start, such as "However,".
    pub cut: bool,
    /// The values of the passage's features, in the order of [`PASSAGE`].
    pub features: [f32; PASSAGE.len()],
}

/// A passage with its score.
pub(crate) struct Candidate {
    pub score: f32,
    pub passage: Passage,
}

/// One part of the précis (problem, approach or outcome) and the article to search for it.
#[derive(Clone, Copy)]
pub(crate) struct Part<'a> {
    pub text: &'a str,
    pub blocks: &'a [Block],
    pub measured: &'a Measured,
    pub scores: &'a Scores,
    pub field: Field,
    /// Sentences that another part uses already.
    pub used: &'a [usize],
}

impl<'a> Part<'a> {
    /// The best passage as a statement, if it is probably correct.
    pub(crate) fn choose(self, kinds: &KindOdds, weights: &Weights) -> Option<(Statement, Vec<usize>)> {
        let rank = weights.rank(self.field);
        let candidates = self.candidates(kinds, weights).into_iter();
        let judged = candidates.map(|(candidate, features)| (rank.judge(&features), candidate));
        let ((_, confidence), best) = judged.max_by(|((a, _), _), ((b, _), _)| a.total_cmp(b))?;
        let confidence = confidence.min(self.ceiling(&best.passage));
        let statement = best.passage.statement(self.text, confidence)?;
        statement.sureness().is_shown().then_some((statement, best.passage.sentences))
    }

    /// The best passages, best first, each with its named features. From these features,
    /// [`crate::weights`] computes the probability that the passage is correct.
    pub(crate) fn candidates(
        self,
        kinds: &KindOdds,
        weights: &Weights,
    ) -> Vec<(Candidate, Vec<(&'static str, f32)>)> {
        let order = self.scores.best_first(self.field);
        let common = presence(&order, kinds);
        let top = self.top_of(&order, CONSIDERED, weights);
        let features: Vec<Vec<(&'static str, f32)>> = (0..top.len())
            .map(|at| {
                let passage = &top[at].passage;
                let mut features = common.clone();
                features.push(("bias", 1.0));
                features.push(("best passage", yes(at == 0)));
                features.push(("chosen", top[at].score));
                features.push(("second", order.get(1).map_or(0.0, |(_, score)| *score)));
                features.extend(self.beside(&top, at));
                features.extend(self.as_other_parts(passage));
                features.extend(self.measured.topic.features(&passage.sentences));
                features.push(("sentences of the passage", passage.sentences.len() as f32 / 3.0));
                features.extend(PASSAGE.into_iter().zip(passage.features));
                if self.field == Field::Problem {
                    features.push(("tells trouble", yes(self.tells_trouble(passage))));
                }
                features.extend(self.said(passage));
                features.retain(|(_, value)| *value != 0.0);
                features
            })
            .collect();
        top.into_iter().zip(features).collect()
    }

    /// Compares the candidate at `at` with the others of `top`: its lead in score, and how many are
    /// near it.
    fn beside(self, top: &[Candidate], at: usize) -> [(&'static str, f32); 2] {
        let own = &top[at];
        let others = || top.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
        let best_other = others().map(|other| other.score).fold(f32::MIN, f32::max);
        let lead = if top.len() > 1 { (own.score - best_other).clamp(-3.0, 3.0) } else { 3.0 };
        let near = |other: &&Candidate| other.passage.anchor.abs_diff(own.passage.anchor) <= NEAR;
        [("lead over the others", lead), ("others near", others().filter(near).count() as f32 / 2.0)]
    }

    /// How much the passage scores below the best sentence for each other part: 0 if it has the
    /// best sentence itself. A problem that scores well as an approach may be a property of the
    /// solution.
    fn as_other_parts(self, passage: &Passage) -> impl Iterator<Item = (&'static str, f32)> {
        let others = Field::ALL.into_iter().filter(move |field| *field != self.field);
        others.map(move |field| {
            let scores = self.scores.of_part(field);
            let most = passage.sentences.iter().map(|at| scores[*at]).fold(f32::MIN, f32::max);
            let name = match field {
                Field::Problem => "as problem",
                Field::Approach => "as approach",
                Field::Outcome => "as outcome",
            };
            (name, (most - self.scores.best(field)).max(-6.0))
        })
    }

    /// The highest confidence that the passage may have. An outcome without a change is not shown:
    /// such a sentence is mostly a figure from before the change, or a part of the approach.
    fn ceiling(self, passage: &Passage) -> f32 {
        let changes = passage.sentences.iter().any(|at| self.measured.measures[*at].has_change);
        if self.field == Field::Outcome && !changes {
            ALMOST_LIKELY
        } else if self.may_be_sure(passage) {
            1.0
        } else {
            ALMOST_SURE
        }
    }

    /// Whether the passage may be shown as sure, whatever its score. An outcome must say what
    /// became better.
    fn may_be_sure(self, passage: &Passage) -> bool {
        let any = |is: fn(&Unfit) -> bool| self.any(passage, is);
        match self.field {
            Field::Problem => true,
            Field::Approach => !any(|unfit| unfit.advice || unfit.remark),
            Field::Outcome => {
                any(|unfit| unfit.result || unfit.change) && !any(|unfit| unfit.advice || unfit.remark)
            }
        }
    }

    /// Whether the passage says that something is wrong, and is neither a question nor a goal nor a
    /// result.
    fn tells_trouble(self, passage: &Passage) -> bool {
        let anchor = passage.anchor;
        passage.sentences.iter().any(|at| self.measured.measures[*at].has_trouble)
            && !self.any(passage, |unfit| unfit.no_trouble || unfit.result)
            && !self.measured.measures[anchor].unfit.goal
            && !self.quote(anchor).ends_with('?')
    }

    /// Whether `is` is true for any sentence of the passage.
    fn any(self, passage: &Passage, is: fn(&Unfit) -> bool) -> bool {
        passage.sentences.iter().any(|at| is(&self.measured.measures[*at].unfit))
    }

    /// At most `most` passages, best first. No two of them share a sentence.
    pub(crate) fn top(self, most: usize, weights: &Weights) -> Vec<Candidate> {
        self.top_of(&self.scores.best_first(self.field), most, weights)
    }

    /// Like [`Self::top`]. `order` has the sentences with their scores, best first.
    fn top_of(self, order: &[(usize, f32)], most: usize, weights: &Weights) -> Vec<Candidate> {
        let rank = weights.rank(self.field);
        let candidate = |&(at, score): &(usize, f32)| {
            checkpoint();
            let passage = self.passage(at).filter(|passage| !self.serves_already(passage))?;
            let added = passage.features.iter().zip(rank.passage).map(|(value, weight)| value * weight);
            Some(Candidate { score: score + added.sum::<f32>(), passage })
        };
        let mut all: Vec<Candidate> = order.iter().take(TRIES).filter_map(candidate).collect();
        all.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut top: Vec<Candidate> = Vec::new();
        for Candidate { score, passage } in all {
            let candidate = Candidate { score, passage: self.with_neighbours(passage) };
            let shares = |other: &Candidate| {
                other.passage.sentences.iter().any(|at| candidate.passage.sentences.contains(at))
            };
            if !top.iter().any(shares) {
                top.push(candidate);
            }
            if top.len() == most {
                break;
            }
        }
        top
    }

    /// Whether another part of the précis uses a sentence of this passage already.
    fn serves_already(self, passage: &Passage) -> bool {
        passage.sentences.iter().any(|at| self.used.contains(at))
    }

    /// The passage for the sentence at `at`, with the sentences before it that it needs. Returns
    /// `None` if the sentence cannot be understood even with them, if it is a quotation, or if the
    /// passage would be too long or too short.
    pub(crate) fn passage(self, at: usize) -> Option<Passage> {
        if self.blocks[self.measured.sentences[at].block].kind == BlockKind::Quote || !self.suits(at) {
            return None;
        }
        let opens_list = self.quote(at).ends_with(':');
        let last = if opens_list { self.end_of_list(at)? } else { at };
        // "However," needs the sentence before it.
        let joins = self.measured.measures[at].joining > 0;
        let joined = at.checked_sub(1).filter(|before| joins && self.are_neighbours(*before, at));
        let with = joined.and_then(|before| self.from(self.beginning(before, at)?, at, last));
        with.or_else(|| self.from(self.beginning(at, at)?, at, last))
    }

    /// Extends a problem by neighbouring sentences of its paragraph that also describe the problem.
    /// For example, "We need X" alone says little; the sentence before or after often says what
    /// went wrong without X.
    fn with_neighbours(self, mut passage: Passage) -> Passage {
        let scores = self.scores.of_part(self.field);
        if self.field != Field::Problem || passage.items_from.is_some() {
            return passage;
        }
        let enough = scores[passage.anchor] - NEIGHBOUR;
        while passage.sentences.len() < SENTENCES_MAX {
            let (first, last) = (passage.sentences[0], passage.sentences[passage.sentences.len() - 1]);
            let has_trouble = passage.sentences.iter().any(|at| self.measured.measures[*at].has_trouble);
            let helps =
                |at: &usize| scores[*at] >= enough || !has_trouble && self.measured.measures[*at].has_trouble;
            let after = Some(last + 1).filter(|at| self.continues(last, *at) && helps(at));
            let before = first.checked_sub(1).filter(|at| self.continues(*at, first) && helps(at));
            let mut sides =
                [after.map(|at| (scores[at], first, at)), before.map(|at| (scores[at], at, last))];
            sides.sort_by(|a, b| {
                b.map_or(f32::MIN, |side| side.0).total_cmp(&a.map_or(f32::MIN, |side| side.0))
            });
            let wider = sides.into_iter().flatten().find_map(|(_, from, to)| {
                // The context that the passage has already stays; a new start must stand alone.
                let start = if from == first { (first, passage.heading) } else { self.beginning(from, to)? };
                (to - start.0 < SENTENCES_MAX).then_some(())?;
                self.of_sentences(start, passage.anchor, to, None)
            });
            let Some(mut wider) = wider else { break };
            wider.features = passage.features;
            wider.features[PASSAGE.len() - 1] = 1.0;
            passage = wider;
        }
        passage
    }

    /// Whether the sentence `after` directly continues the paragraph of `before` and may be part of
    /// a passage.
    fn continues(self, before: usize, after: usize) -> bool {
        let sentences = &self.measured.sentences;
        after < sentences.len()
            && sentences[before].block == sentences[after].block
            && [before, after].into_iter().all(|at| self.suits(at) && !self.quote(at).ends_with(':'))
    }

    /// The features of the passage's sentences as features of the passage. Each has the highest
    /// value that it has in any of the sentences.
    fn said(self, passage: &Passage) -> impl Iterator<Item = (&'static str, f32)> {
        let values = |at: usize| {
            let of = |sentence: &usize| self.measured.measures[*sentence].features[at];
            passage.sentences.iter().map(of).fold(0.0, f32::max)
        };
        // Judged problems are too few to learn from the signs again. The ranking has learned them.
        let tells = move |name: &str| self.field != Field::Problem || !name.starts_with("passage: sign: ");
        TELLING
            .iter()
            .filter(move |(_, name)| tells(name))
            .map(move |(at, name)| (name.as_str(), values(*at)))
            .filter(|(_, value)| *value != 0.0)
    }

    /// Whether the sentence may state this part of the précis. A result is not a problem, unless it
    /// has signs of trouble and no figure of an improvement. A plan, a failed attempt or an earlier
    /// state is not an outcome.
    fn suits(self, at: usize) -> bool {
        let measures = &self.measured.measures[at];
        let unfit = measures.unfit;
        let says_result = unfit.result || unfit.change;
        match self.field {
            Field::Problem => !unfit.gain && (measures.has_trouble || !unfit.result),
            Field::Approach => true,
            Field::Outcome => !unfit.attempt && (says_result || !(unfit.plan || unfit.before)),
        }
    }

    /// Where the passage must start so that the sentences from `first` to `at` can be understood:
    /// at `first`, or earlier if that sentence refers to a previous one. Also returns the block of
    /// the heading that the passage needs, if any. Returns `None` if the passage would stay unclear
    /// or become too long.
    fn beginning(self, mut first: usize, at: usize) -> Option<(usize, Option<usize>)> {
        while self.measured.measures[first].leans {
            match first.checked_sub(1).filter(|before| self.are_neighbours(*before, first)) {
                Some(before) if at - before < SENTENCES_MAX => first = before,
                Some(_) => return None,
                None if self.measured.measures[first].needs_a_sentence => return None,
                None => {
                    return Some((first, Some(self.blocks[self.measured.sentences[first].block].heading?)));
                }
            }
        }
        Some((first, None))
    }

    /// The passage from `start` to the sentence `last`, with the anchor `at`. Sentences after the
    /// anchor are list items. Returns `None` if the length is not allowed or a sentence must not be
    /// quoted.
    fn from(self, start: (usize, Option<usize>), at: usize, last: usize) -> Option<Passage> {
        self.of_sentences(start, at, last, (last > at).then_some(last - at))
    }

    /// Builds a passage as [`Self::from`] does. `items` is the number of list items at the end.
    fn of_sentences(
        self,
        (first, heading): (usize, Option<usize>),
        at: usize,
        last: usize,
        items: Option<usize>,
    ) -> Option<Passage> {
        let mut spans: Vec<Range<usize>> =
            heading.map(|at| self.blocks[at].start..self.blocks[at].end).into_iter().collect();
        spans.extend((first..=last).map(|at| self.span(at)));
        let joining = self.measured.measures[first].joining;
        if joining > 0 {
            let opening = &mut spans[usize::from(heading.is_some())];
            opening.start += behind_words(&self.text[opening.clone()], joining);
        }
        if (first..=last).any(|at| self.measured.measures[at].unfit.is_never_quoted()) {
            return None;
        }
        let features = [yes(first < at), yes(heading.is_some()), yes(items.is_some()), 0.0];
        let passage = Passage {
            sentences: (first..=last).collect(),
            anchor: at,
            heading,
            items_from: items.map(|items| spans.len() - items),
            spans,
            cut: joining > 0 && heading.is_none(),
            features,
        };
        let length = passage.text(self.text).chars().count();
        (PASSAGE_MIN..=PASSAGE_MAX).contains(&length).then_some(passage)
    }

    /// Whether two sentences are in one section with no code, table or quotation between them.
    fn are_neighbours(self, before: usize, after: usize) -> bool {
        let (before, after) = (self.measured.sentences[before].block, self.measured.sentences[after].block);
        self.blocks[before].heading == self.blocks[after].heading
            && self.blocks[before..=after]
                .iter()
                .all(|block| matches!(block.kind, BlockKind::Paragraph | BlockKind::ListItem))
    }

    /// The last item of the list after the sentence at `at` that still fits into a passage. Returns
    /// `None` if no list follows.
    fn end_of_list(self, at: usize) -> Option<usize> {
        let is_item = |next: usize| {
            let sentence = self.measured.sentences.get(next);
            sentence.is_some_and(|sentence| self.blocks[sentence.block].kind == BlockKind::ListItem)
                && self.are_neighbours(next - 1, next)
        };
        let fits = |next: usize| self.span(next).end - self.span(at).start <= PASSAGE_MAX;
        (at + 1..).take_while(|next| is_item(*next) && fits(*next)).last()
    }

    fn span(self, at: usize) -> Range<usize> {
        let span = self.measured.sentences[at].span;
        span.start as usize..span.end as usize
    }

    fn quote(self, at: usize) -> &'a str {
        &self.text[self.span(at)]
    }
}

impl Passage {
    /// The passage as text: the article's words with single spaces, and […] for each gap.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut said = if self.cut { LEFT_OUT.trim_start().to_owned() } else { String::new() };
        for (number, span) in self.spans.iter().enumerate() {
            if let Some(before) = number.checked_sub(1).map(|before| &self.spans[before]) {
                let between = &text[before.end..span.start];
                said.push_str(if between.chars().any(char::is_alphanumeric) {
                    LEFT_OUT
                } else if self.items_from.is_some_and(|items| number >= items) {
                    ITEM
                } else {
                    " "
                });
            }
            said.extend(text[span.clone()].split_whitespace().flat_map(|word| [word, " "]));
            said.truncate(said.trim_end().len());
        }
        said
    }

    /// The passage as a statement that is correct with probability `confidence`.
    pub(crate) fn statement(&self, text: &str, confidence: f32) -> Option<Statement> {
        let evidence: Vec<Evidence> =
            self.spans.iter().map(|span| Evidence::at(text, span.start, span.end)).collect::<Option<_>>()?;
        let confidence = (confidence.clamp(0.01, 0.99) * 100.0).round() / 100.0;
        Some(Statement { text: self.text(text), evidence, confidence, form: Form::Quoted })
    }
}

/// The features of sentences from which the confidence of a passage is computed: index in
/// [`features::names`] and name.
static TELLING: LazyLock<Vec<(usize, String)>> = LazyLock::new(|| {
    let names = features::names(Cues::builtin());
    let tells = |name: &str| {
        name.starts_with("sign: ")
            || name.starts_with("says ")
            || name.starts_with("under: ")
            || TELLING_OWN.contains(&name)
    };
    names
        .into_iter()
        .enumerate()
        .filter(|(_, name)| tells(name))
        .map(|(at, name)| (at, format!("passage: {name}")))
        .collect()
});

/// The members of [`TELLING`] that are not groups of signs.
const TELLING_OWN: [&str; 31] = [
    "first sentence", "second or third sentence", "fourth to sixth sentence", "before any heading",
    "third and fourth tenth", "title overlap, longest", "heading overlap", "common words",
    "names the company", "list item", "code-like", "names", "begins with a goal", "first tenth",
    "second tenth", "last fifth", "last tenth", "has a figure", "has a share or a duration", "title overlap",
    "description overlap", "central", "question", "second person", "first person singular",
    "first person plural", "generic we", "past", "future", "gives advice", "is a remark",
];

/// The byte position after the first `count` words of `text` and their white space.
fn behind_words(text: &str, count: usize) -> usize {
    let mut rest = text.trim_start();
    for _ in 0..count {
        rest = rest.trim_start_matches(|c: char| !c.is_whitespace()).trim_start();
    }
    text.len() - rest.len()
}

/// Features of the whole article that indicate whether it states this part at all. `order` has its
/// sentences with their scores, best first.
fn presence(order: &[(usize, f32)], kinds: &KindOdds) -> Vec<(&'static str, f32)> {
    let score = |at: usize| order.get(at).map_or(0.0, |(_, score)| *score);
    let mut features: Vec<(&'static str, f32)> =
        Kind::ALL.iter().zip(kinds.probabilities).map(|(kind, p)| (kind.as_str(), p)).collect();
    features.push(("best", score(0)));
    features.push(("third", score(2)));
    features.push(("gap", score(0) - median(order)));
    features.push(("sentences", (order.len() as f32).max(1.0).ln() / 5.0));
    features
}

fn median(order: &[(usize, f32)]) -> f32 {
    order.get(order.len() / 2).map_or(0.0, |(_, score)| *score)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Opened;
    use crate::test_articles::article;
    use crate::weights::{RankFile, WeightsFile};

    /// The text of the problem that is chosen if only the feature "first sentence" has a weight.
    fn first(text: &str) -> String {
        let sentence = [("first sentence".to_owned(), 5.0)].into();
        let problem = RankFile { sentence, ..RankFile::default() };
        let weights = Weights::of(&WeightsFile { problem, ..WeightsFile::default() }, Cues::builtin());
        let opened = Opened::of(&article("Orders", text));
        let scores = opened.scores(&weights);
        opened.part(Field::Problem, &[], &scores).top(1, &weights).remove(0).passage.text(text)
    }

    #[test]
    fn need_takes_the_trouble_beside_it() {
        let need = "Every order has to reach the warehouse on the same day.";
        let trouble = "The queue was slow and lost one order in fifty.";
        let calm = "The warehouse has four gates and a yard.";
        assert_eq!(first(&format!("{need} {trouble}")), format!("{need} {trouble}"));
        assert_eq!(first(&format!("{need} {calm}")), need);
        assert_eq!(first(&format!("{trouble} {calm}")), trouble);
        assert_eq!(first(&format!("{need}\n\n{trouble}")), need, "it is another paragraph");
    }
}
