//! Makes the précis of an article: what it is about, which problem it solves, and the sentences
//! that say so.
//!
//! ```
//! let text = "For six minutes after each deploy, every request missed our cache and overloaded the database.\n\n\
//!             The key now holds a hash of the structure. We split the cache in two, and the errors went away.";
//! let precis = backissue_annotate::annotate(&backissue_annotate::Text {
//!     title: "How we ended the nine o'clock stampede",
//!     text,
//!     blocks: &[],
//!     description: None,
//!     company: "Acme",
//!     url: None,
//!     language: Some("en"),
//!     tags: &[],
//! });
//! let problem = precis.problem.as_ref().expect("the first sentence names one");
//! assert_eq!(problem.text, "For six minutes after each deploy, every request missed our cache and overloaded the database.");
//! assert!(precis.is_backed_by(text));
//! ```
//!
//! The built-in annotator is deterministic and has no knowledge of the world. It chooses sentences
//! by the signs in `data/cues.toml` and their weights in `data/weights.toml`, and quotes them. So a
//! statement is always the article's own words, and an instruction in an article is a sentence like
//! any other. If no passage is probably correct, there is no statement.
//!
//! This crate does no input or output and reads no clock.

pub mod asking;
mod blocks;
mod choose;
mod concepts;
mod cues;
mod features;
mod kinds;
mod language;
mod leaning;
mod ngrams;
mod phrases;
mod rank;
mod sentences;
mod stems;
mod style;
mod technologies;
mod text;
pub mod training;
mod unfit;
mod vocabulary;
mod weights;

use std::collections::HashSet;

use backissue_model::bounds::{MAX_DESCRIPTION, MAX_TITLE, first_chars};
use backissue_model::{Kind, MadeBy, Precis};

use crate::blocks::Block;
use crate::choose::Part;
use crate::cues::Cues;
use crate::features::{Measured, measure};
use crate::kinds::{KindOdds, Voice, kind_odds};
use crate::rank::Scores;
use crate::technologies::Technologies;
use crate::weights::Weights;

pub use choose::PASSAGE_MAX;
pub use cues::Field;
pub use sentences::sentences;
pub use text::Text;
pub use vocabulary::{Vocabulary, VocabularyError};

/// The names of the technologies to find in articles.
pub fn technology_names() -> impl Iterator<Item = &'static str> {
    technologies::Technologies::builtin().names().iter().map(String::as_str)
}

/// The précis of an article by the built-in annotator.
///
/// All statements satisfy [`Precis::is_backed_by`] for `article.text` and have at most 320
/// characters. If the text is not English or repeats itself, the précis has the kind "other" and no
/// statements, concepts or technologies.
pub fn annotate(article: &Text<'_>) -> Precis {
    precis(&Opened::of(article), Weights::builtin())
}

/// An article split into blocks and sentences, with their features but without weights.
pub(crate) struct Opened<'a> {
    pub article: Text<'a>,
    pub blocks: Vec<Block>,
    pub measured: Measured,
    /// Whether the annotator can judge the text: it is English and does not repeat itself.
    pub is_understood: bool,
}

impl<'a> Opened<'a> {
    fn of(article: &Text<'a>) -> Self {
        // The cost of comparing sentences with the title depends on its length, so the length is
        // bounded.
        let article = &Text {
            title: first_chars(article.title, MAX_TITLE),
            description: article.description.map(|description| first_chars(description, MAX_DESCRIPTION)),
            ..*article
        };
        let blocks = blocks::blocks(article.text, article.blocks);
        let english = language::is_english(article.title, article.text, &blocks, article.language);
        let sentences = if english { sentences::sentences_in(article.text, &blocks) } else { Vec::new() };
        let measured = measure(article, &blocks, sentences, Cues::builtin());
        let is_understood = english && !repeats_itself(article.text, &measured);
        Self { article: *article, blocks, measured, is_understood }
    }

    fn scores(&self, weights: &Weights) -> Scores {
        Scores::of(&self.measured, weights)
    }

    fn kind_odds(&self, scores: &Scores, weights: &Weights) -> KindOdds {
        kind_odds(&self.article, &self.blocks, &Voice::of(&self.measured, scores), Cues::builtin(), weights)
    }

    fn part<'p>(&'p self, field: Field, used: &'p [usize], scores: &'p Scores) -> Part<'p> {
        Part { text: self.article.text, blocks: &self.blocks, measured: &self.measured, scores, field, used }
    }
}

/// Maximum different sentences among the repeated ones of a text that repeats itself.
const SAME_FEW: usize = 5;

/// Whether more than four fifths of the sentences are repetitions of at most [`SAME_FEW`]
/// sentences.
fn repeats_itself(text: &str, measured: &Measured) -> bool {
    let all = measured.sentences.iter().zip(&measured.measures);
    let repeated: Vec<&str> = all
        .filter(|(_, measures)| measures.unfit.repeated)
        .map(|(sentence, _)| sentence.span.of(text))
        .collect();
    let different: HashSet<&str> = repeated.iter().copied().collect();
    repeated.len() * 5 > measured.measures.len() * 4 && different.len() <= SAME_FEW
}

fn precis(opened: &Opened<'_>, weights: &Weights) -> Precis {
    if !opened.is_understood {
        return Precis {
            kind: Kind::Other,
            problem: None,
            approach: None,
            outcome: None,
            concepts: Vec::new(),
            technologies: Vec::new(),
            made_by: made_by(Cues::builtin(), weights),
        };
    }
    let scores = opened.scores(weights);
    let kinds = opened.kind_odds(&scores, weights);
    // One sentence is an announcement of a text, not a text.
    let may = kinds.kind().may_have_problem() && opened.measured.sentences.len() > 1;
    let mut used: Vec<usize> = Vec::new();
    let mut choose = |field| {
        let (statement, sentences) = opened.part(field, &used, &scores).choose(&kinds, weights)?;
        used.extend(sentences);
        Some(statement)
    };
    let problem = may.then(|| choose(Field::Problem)).flatten();
    // An approach says nothing without its problem.
    let (approach, outcome) = match problem {
        Some(_) => (choose(Field::Approach), choose(Field::Outcome)),
        None => (None, None),
    };
    Precis {
        kind: kinds.kind(),
        concepts: concepts::concepts_of(&opened.article, &opened.blocks, problem.as_ref(), weights),
        problem,
        approach,
        outcome,
        technologies: Technologies::builtin().named_in(opened.article.title, opened.article.text),
        made_by: made_by(Cues::builtin(), weights),
    }
}

/// The name of the annotator with the versions of the program, the signs and the weights, so that a
/// change of any of them is visible.
fn made_by(cues: &Cues, weights: &Weights) -> MadeBy {
    MadeBy {
        annotator: "built-in".to_owned(),
        version: format!(
            "{}+cues.{}.weights.{:08x}",
            env!("CARGO_PKG_VERSION"),
            cues.version,
            weights.fingerprint
        ),
        model: None,
        prompt_version: None,
    }
}

#[cfg(test)]
mod test_articles {
    use crate::Text;

    /// An article in English by Acme, with only title and text.
    pub(crate) fn article<'a>(title: &'a str, text: &'a str) -> Text<'a> {
        Text::plain(title, text, "Acme")
    }
}
