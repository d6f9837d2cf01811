//! What training needs from an article: its features, and the passages that the annotator would
//! choose with other weights.
//!
//! Only `cargo xtask train` needs this. Features have the names in `data/weights.toml`, so that
//! weights can be stored without knowing the annotator's internals. This module does not train
//! weights.

use backissue_model::{ConceptSlug, Kind, Span, Statement};

use crate::cues::{Cues, Field};
use crate::features::{self, PASSAGE, straight};
use crate::kinds;
use crate::ngrams::ngram_names;
use crate::rank::Scores;
use crate::vocabulary::Vocabulary;
use crate::weights::Weights;
use crate::{Opened, Text, concepts};

pub use crate::weights::{Bars, RankFile, WeightsFile, quality};

/// Weights that training tries on an article.
pub struct Trial(Weights);

impl Trial {
    /// The weights in a file.
    pub fn of(file: &WeightsFile) -> Self {
        Self(Weights::of(file, Cues::builtin()))
    }
}

/// An article split into sentences with their features.
pub struct Seen<'a>(Opened<'a>);

/// A feature's name and value.
pub type Named = (String, f32);

/// A passage and its features.
pub struct Quoted {
    /// The passage's text.
    pub text: String,
    /// The indices of its sentences in [`Seen::sentences`].
    pub sentences: Vec<usize>,
    /// The features of the passage itself, such as whether it has a heading.
    pub features: Vec<Named>,
}

/// A passage that the annotator considers for one part of the précis.
pub struct Choice {
    /// The passage as a statement with evidence.
    pub statement: Statement,
    /// The indices of its sentences in [`Seen::sentences`].
    pub sentences: Vec<usize>,
    /// Features for the probability that the article states this part and that this passage is it.
    pub features: Vec<Named>,
}

/// The initial weights before training: feature, kind and weight.
pub fn expected_kinds() -> impl Iterator<Item = (&'static str, Kind, f32)> {
    kinds::expected(Cues::builtin())
}

impl<'a> Seen<'a> {
    /// Splits the article into sentences and computes their features.
    pub fn of(article: &Text<'a>) -> Self {
        Self(Opened::of(article))
    }

    /// The sentences that the annotator examines. Other methods refer to them by index.
    pub fn sentences(&self) -> Vec<Span> {
        self.0.measured.sentences.iter().map(|sentence| sentence.span).collect()
    }

    /// The non-zero features of the sentence at `at`.
    pub fn sentence(&self, at: usize) -> Vec<Named> {
        let names = features::names(Cues::builtin());
        let values = &self.0.measured.measures[at].features;
        names.into_iter().zip(values.iter().copied()).filter(|(_, value)| *value != 0.0).collect()
    }

    /// The passage of the sentence at `at` for `field`. Returns `None` if there is none.
    pub fn passage(&self, field: Field, at: usize) -> Option<Quoted> {
        let passage = self.0.part(field, &[], &Scores::default()).passage(at)?;
        let features = PASSAGE.into_iter().zip(passage.features).filter(|(_, value)| *value != 0.0);
        let features = features.map(|(name, value)| (name.to_owned(), value)).collect();
        Some(Quoted { text: passage.text(self.0.article.text), sentences: passage.sentences, features })
    }

    /// The words and pairs of words of the sentence at `at`, as `data/weights.toml` names them.
    pub fn words(&self, at: usize) -> Vec<String> {
        let span = self.0.measured.sentences[at].span;
        ngram_names(&straight(span.of(self.0.article.text)))
    }

    /// The features for the article's kind.
    pub fn kind(&self, trial: &Trial) -> Vec<Named> {
        let voice = kinds::Voice::of(&self.0.measured, &self.0.scores(&trial.0));
        let mut found = Vec::new();
        kinds::features(&self.0.article, &self.0.blocks, &voice, Cues::builtin(), &mut |name, value| {
            found.push((name.to_owned(), value));
        });
        found
    }

    /// The passages among which the annotator chooses for `field`, best first, even if the article
    /// probably does not state that part. Leaves out passages with a sentence of `used`.
    pub fn choices(&self, field: Field, used: &[usize], trial: &Trial) -> Vec<Choice> {
        let scores = self.0.scores(&trial.0);
        let kinds = self.0.kind_odds(&scores, &trial.0);
        let part = self.0.part(field, used, &scores);
        let candidates = part.candidates(&kinds, &trial.0).into_iter();
        candidates
            .filter_map(|(candidate, features)| {
                let statement = candidate.passage.statement(self.0.article.text, 0.5)?;
                let sentences = candidate.passage.sentences;
                Some(Choice { statement, sentences, features: owned(features) })
            })
            .collect()
    }

    /// The indices of the sentences of the `most` best passages for `field`, best first.
    pub fn top(&self, field: Field, most: usize) -> Vec<Vec<usize>> {
        let weights = Weights::builtin();
        let top = self.0.part(field, &[], &self.0.scores(weights)).top(most, weights);
        top.into_iter().map(|candidate| candidate.passage.sentences).collect()
    }

    /// The concepts that the article mentions, with the features of each.
    pub fn concepts(&self, problem: Option<&Statement>) -> Vec<(ConceptSlug, Vec<Named>)> {
        let vocabulary = Vocabulary::builtin().concepts();
        let found = concepts::candidates(&self.0.article, &self.0.blocks, problem);
        found.into_iter().map(|c| (vocabulary[c.at].slug.clone(), owned(c.features))).collect()
    }
}

fn owned(features: Vec<(&'static str, f32)>) -> Vec<Named> {
    features.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
