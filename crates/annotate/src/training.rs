//! What training sees of an article: the features the weights are for, and what the annotator would say with other weights.
//!
//! Only `cargo xtask train` needs this. Features are named as in `data/weights.toml`, so that weights can be kept and read
//! without knowing how the annotator holds them. This module must not learn anything itself.

use backissue_model::{ConceptSlug, Kind, Span, Statement};

use crate::choose::taken;
use crate::cues::{Cues, Field};
use crate::features::{self, WORDING};
use crate::kinds;
use crate::vocabulary::Vocabulary;
use crate::weights::Weights;
use crate::{Opened, Text, concepts};

pub use crate::weights::{RankFile, WeightsFile};

/// Weights that can be tried on an article.
pub struct Trial(Weights);

impl Trial {
    /// The weights as in the file.
    pub fn of(file: &WeightsFile) -> Self {
        Self(Weights::of(file, Cues::builtin()))
    }
}

/// An article as training sees it.
pub struct Seen<'a>(Opened<'a>);

/// A feature by its name, and its value.
pub type Named = (String, f32);

/// A sentence in the words the annotator would give it.
pub struct Worded {
    /// The statement.
    pub text: String,
    /// The numbers of the sentences it is made of.
    pub sentences: Vec<usize>,
    /// What the wording took, as features of the sentence.
    pub features: Vec<Named>,
}

/// What the annotator would say for one part of the précis.
pub struct Choice {
    /// The statement with its evidence.
    pub statement: Statement,
    /// The numbers of the sentences it is made of.
    pub sentences: Vec<usize>,
    /// What speaks for the article having this part, and for this being it.
    pub features: Vec<Named>,
}

/// What features are expected to weigh for a kind before anything was learnt.
pub fn expected_kinds() -> impl Iterator<Item = (&'static str, Kind, f32)> {
    kinds::expected(Cues::builtin())
}

impl<'a> Seen<'a> {
    /// Takes the article apart.
    pub fn of(article: &Text<'a>) -> Self {
        Self(Opened::of(article))
    }

    /// The sentences that are looked at; all others are named by their place in this list.
    pub fn sentences(&self) -> Vec<Span> {
        self.0.measured.sentences.iter().map(|sentence| sentence.span).collect()
    }

    /// The features of the sentence at `at` that are not 0.
    pub fn sentence(&self, at: usize) -> Vec<Named> {
        let names = features::names(Cues::builtin());
        let values = &self.0.measured.measures[at].features;
        names.into_iter().zip(values.iter().copied()).filter(|(_, value)| *value != 0.0).collect()
    }

    /// The sentence at `at` as a statement for `field`; none where it cannot be one.
    pub fn worded(&self, field: Field, at: usize) -> Option<Worded> {
        let (wording, sentences) = self.0.part(field, &[]).worded(at)?;
        let took = WORDING.into_iter().zip(taken(&wording, &sentences)).filter(|(_, value)| *value != 0.0);
        let features = took.map(|(name, value)| (name.to_owned(), value)).collect();
        Some(Worded { text: wording.text, sentences, features })
    }

    /// The features that tell its kind.
    pub fn kind(&self, trial: &Trial) -> Vec<Named> {
        let voice = kinds::Voice::of(&self.0.measured, &trial.0);
        let mut found = Vec::new();
        kinds::features(&self.0.article, &self.0.blocks, voice, Cues::builtin(), &mut |name, value| {
            found.push((name.to_owned(), value));
        });
        found
    }

    /// What the annotator would say for `field`, however doubtful it is that the article has it.
    pub fn choice(&self, field: Field, used: &[usize], trial: &Trial) -> Option<Choice> {
        let kinds = self.0.kind_odds(&trial.0);
        let (best, features) = self.0.part(field, used).best_and_signs(&kinds, &trial.0)?;
        let chosen = best.chosen(self.0.article.text, &self.0.measured, 0.5)?;
        Some(Choice { statement: chosen.statement, sentences: chosen.sentences, features: owned(features) })
    }

    /// The concepts it names, with what speaks for each.
    pub fn concepts(&self, problem: Option<&Statement>) -> Vec<(ConceptSlug, Vec<Named>)> {
        let vocabulary = Vocabulary::builtin().concepts();
        let found = concepts::candidates(&self.0.article, &self.0.blocks, problem);
        found.into_iter().map(|c| (vocabulary[c.at].slug.clone(), owned(c.features))).collect()
    }
}

fn owned(features: Vec<(&'static str, f32)>) -> Vec<Named> {
    features.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
