//! Asking a language model for a précis without having to believe it.
//!
//! An [`Asking`] is one article that is to be asked about. It makes the [`Question`] (the article as numbered sentences),
//! reads the model's reply, and lets through only what the gate finds backed by the sentences that the reply itself names.
//! What is refused is asked for once more with the reason, and what is refused again is the built-in annotator's:
//!
//! ```
//! use backissue_annotate::asking::{ARTICLE_CHARACTERS, Asking};
//! use backissue_annotate::{Text, annotate};
//!
//! let article = Text {
//!     title: "A lock for every job",
//!     text: "The nightly import failed whenever two jobs took the same lock. We gave each job a lock of its own.",
//!     blocks: &[],
//!     description: None,
//!     company: "Acme",
//!     url: None,
//!     language: Some("en"),
//!     tags: &[],
//! };
//! let asking = Asking::about(article, annotate(&article), ARTICLE_CHARACTERS).expect("it has sentences");
//! assert!(asking.question().user.contains("[1] The nightly import failed"));
//! // Whatever sends the question comes back with a reply:
//! let reply = r#"{"kind": "case-study", "concepts": [], "technologies": [],
//!     "problem": {"text": "Acme's nightly import failed whenever two jobs took the same lock.", "sentences": [1]},
//!     "approach": {"text": "Acme gave each job a lock of its own.", "sentences": [2]},
//!     "outcome": {"text": "The import has not failed for 40 days.", "sentences": [2]}}"#;
//! let reading = asking.read(reply);
//! assert_eq!(reading.refusals()[0].field, "outcome", "nobody but the model speaks of 40 days");
//! let readings = [reading];
//! assert!(asking.next_question(&readings).is_some(), "it is asked for once more");
//! let precis = asking.settle(&readings, "some-model").precis;
//! assert_eq!(precis.approach.unwrap().text, "Acme gave each job a lock of its own.");
//! assert!(precis.outcome.is_none_or(|outcome| !outcome.text.contains("40")));
//! ```
//!
//! An article is data. A model that does what a sentence of an article tells it has the same gate to pass, and paragraphs
//! that speak to a model are not shown to it in the first place.
//!
//! This module must not send anything, and must not let a statement through for any other reason than its evidence.

mod answer;
mod excerpt;
mod figures;
mod gate;
mod near_json;
mod question;
mod screen;
mod support;

use backissue_model::{MadeBy, Precis, Statement};

use crate::Text;
use crate::asking::answer::Answer;
use crate::asking::excerpt::Excerpt;
use crate::asking::gate::{Gate, Verdicts};

pub use answer::FIELDS;
pub use question::Question;

/// The version of the question. A reply to another version is no reply to this one.
pub const PROMPT_VERSION: &str = "1";

/// Characters of an article that a question holds unless somebody says otherwise: about 4,000 tokens, which leaves room
/// for instructions and answer in the 8,192 that small models have.
pub const ARTICLE_CHARACTERS: usize = 16_000;

/// The name in [`MadeBy::annotator`] where every field that was asked for is the model's.
pub const ANNOTATOR: &str = "language-model";

/// One article that a model is asked about, with the précis that stands where the model's is refused.
#[derive(Debug)]
pub struct Asking<'a> {
    article: Text<'a>,
    excerpt: Excerpt,
    built_in: Precis,
}

/// A field of an answer that the gate did not let through.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// `kind`, `problem`, `approach`, `outcome`, `concepts` or `technologies`; `answer` where there was none to speak of.
    pub field: &'static str,
    /// What the model said, shortened to one line of at most 240 characters.
    pub said: String,
    /// Why it may not stand, in words that help to say it better.
    pub reason: String,
}

/// What the gate made of one reply.
#[derive(Debug)]
pub struct Reading {
    verdicts: Verdicts,
}

impl Reading {
    /// What was refused.
    pub fn refusals(&self) -> &[Refusal] {
        &self.verdicts.refusals
    }
}

/// The précis in the end.
#[derive(Clone, Debug)]
pub struct Settled {
    /// It satisfies [`Precis::is_backed_by`] for the article's text.
    pub precis: Precis,
    /// Fields that are the built-in annotator's, because the model's were refused.
    pub fell_back: Vec<&'static str>,
}

impl<'a> Asking<'a> {
    /// Prepares to ask about an article with at most `characters` characters of it; `built_in` is the built-in annotator's
    /// précis of the same text. None where the article has no sentence that a statement could rest on.
    pub fn about(article: Text<'a>, built_in: Precis, characters: usize) -> Option<Self> {
        let excerpt = Excerpt::of(&article, &built_in, characters);
        (!excerpt.sentences.is_empty()).then_some(Self { article, excerpt, built_in })
    }

    /// The question.
    pub fn question(&self) -> Question {
        Question::about(&self.article, &self.excerpt)
    }

    /// What of a reply may stand. A reply can be anything at all.
    pub fn read(&self, reply: &str) -> Reading {
        let gate = Gate { article: &self.article, excerpt: &self.excerpt, built_in: &self.built_in };
        Reading { verdicts: gate.judge(Answer::read(reply)) }
    }

    /// What is to be asked after these readings: the question, then once more with what was refused and why, if anything
    /// was, then nothing.
    pub fn next_question(&self, readings: &[Reading]) -> Option<Question> {
        match readings {
            [] => Some(self.question()),
            [first] if !first.refusals().is_empty() => Some(self.question().with_refusals(first.refusals())),
            _ => None,
        }
    }

    /// The précis of all replies: for each field the first that the gate let through, else the built-in annotator's.
    /// `model` is the name that [`MadeBy`] gives the model.
    pub fn settle(self, readings: &[Reading], model: &str) -> Settled {
        let mut choice = Choice { readings, fell_back: Vec::new(), taken: 0 };
        let kind = choice.of("kind", |v| v.kind, self.built_in.kind);
        let problem = choice.of("problem", |v| v.problem.clone(), self.built_in.problem.clone());
        let approach = choice.of("approach", |v| v.approach.clone(), self.built_in.approach.clone());
        let outcome = choice.of("outcome", |v| v.outcome.clone(), self.built_in.outcome.clone());
        let concepts = choice.of("concepts", |v| v.concepts.clone(), self.built_in.concepts.clone());
        let technologies =
            choice.of("technologies", |v| v.technologies.clone(), self.built_in.technologies.clone());
        let Choice { mut fell_back, taken, .. } = choice;
        let problem = problem.filter(|_| kind.may_have_problem());
        // What was done about no problem, and what came of it, says nothing.
        let because = |part: Option<Statement>| part.filter(|_| problem.is_some());
        let (approach, outcome) = (because(approach), because(outcome));
        // A field that is absent either way did not come from anybody.
        let absent = |field: &str| match field {
            "problem" => problem.is_none(),
            "approach" => approach.is_none(),
            "outcome" => outcome.is_none(),
            _ => false,
        };
        fell_back.retain(|field| !absent(field));
        let made_by = match (taken, fell_back.is_empty()) {
            (0, _) => self.built_in.made_by,
            (_, whole) => made_by(model, whole),
        };
        let precis = Precis { kind, problem, approach, outcome, concepts, technologies, made_by };
        Settled { precis, fell_back }
    }
}

/// Goes through the fields and keeps count of whose they are.
struct Choice<'r> {
    readings: &'r [Reading],
    fell_back: Vec<&'static str>,
    taken: usize,
}

impl Choice<'_> {
    fn of<T>(&mut self, field: &'static str, verdict: impl Fn(&Verdicts) -> Option<T>, built_in: T) -> T {
        match self.readings.iter().find_map(|reading| verdict(&reading.verdicts)) {
            Some(value) => {
                self.taken += 1;
                value
            }
            None => {
                self.fell_back.push(field);
                built_in
            }
        }
    }
}

fn made_by(model: &str, whole: bool) -> MadeBy {
    MadeBy {
        annotator: if whole { ANNOTATOR.to_owned() } else { format!("{ANNOTATOR}, in part built-in") },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        model: Some(model.to_owned()),
        prompt_version: Some(PROMPT_VERSION.to_owned()),
    }
}

#[cfg(test)]
mod tests;
