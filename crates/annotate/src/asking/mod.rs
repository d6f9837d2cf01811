//! Prompts a language model for a précis, and checks the reply.
//!
//! An [`Asking`] is one article. It makes the [`Question`], with the article as numbered sentences,
//! and reads the reply. Each statement is checked twice. The gate compares its words: names,
//! figures and terms must occur in the sentences that the reply names, or near them. Then a second,
//! small prompt asks whether these sentences say it. The model gets one retry for refused fields,
//! with the reasons. A field that is refused again is the built-in annotator's:
//!
//! ```
//! use backissue_annotate::asking::{Asking, PromptSettings, Readings};
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
//! let asking = Asking::about(article, annotate(&article), PromptSettings::default()).expect("it has sentences");
//! assert!(asking.question().user.contains("[1] The nightly import failed"));
//! // Whatever sends the question comes back with a reply:
//! let reply = r#"{"kind": "case-study", "concepts": [], "technologies": [],
//!     "problem": {"text": "Acme's nightly import failed whenever two jobs took the same lock.", "sentences": [1]},
//!     "approach": {"text": "Acme gave each job a lock of its own.", "sentences": [2]},
//!     "outcome": {"text": "The import has not failed for 40 days.", "sentences": [2]}}"#;
//! let mut readings = Readings::default();
//! asking.read(&mut readings, reply);
//! assert_eq!(readings.refusals().next().unwrap().field, "outcome", "nobody but the model speaks of 40 days");
//! // The second question asks whether the article says what is left.
//! assert!(asking.next_question(&readings).unwrap().user.contains("claim approach: Acme gave each job"));
//! let finding = r#"{"problem": {"beyond": "", "said": "yes"}, "approach": {"beyond": "", "said": "yes"}}"#;
//! asking.read(&mut readings, finding);
//! assert!(asking.next_question(&readings).is_some(), "the outcome is asked for once more");
//! let precis = asking.settle(&readings, "some-model").precis;
//! assert_eq!(precis.approach.unwrap().text, "Acme gave each job a lock of its own.");
//! assert!(precis.outcome.is_none());
//! ```
//!
//! An article is data. Paragraphs that address a model are not part of the prompt, and a model that
//! obeys others has the same checks to pass.
//!
//! This module does not send anything. It accepts a statement only for its evidence.

mod answer;
mod check;
pub mod drill;
mod excerpt;
mod figures;
mod forms;
mod gate;
mod near_json;
mod question;
mod refusal;
pub(crate) mod screen;
mod settings;
mod support;
mod words;

use backissue_model::{MadeBy, Precis, Statement};

use crate::Text;
use crate::asking::answer::Answer;
use crate::asking::check::{Claimed, Findings, Found, NO_PROBLEM, field_of};
use crate::asking::excerpt::Excerpt;
use crate::asking::gate::{Gate, Verdicts};
use crate::blocks::blocks;
use crate::cues::Field;
use crate::language::{is_english, is_not_english};

pub use answer::FIELDS;
pub use question::{AsksFor, Question};
pub use refusal::Refusal;
pub use settings::{ARTICLE_CHARACTERS, PromptSettings, PromptVersion};

/// The value of [`MadeBy::annotator`] if all fields of the model's replies were accepted.
pub const ANNOTATOR: &str = "language-model";

/// The prompts about one article, and the built-in précis, whose fields replace refused ones.
#[derive(Debug)]
pub struct Asking<'a> {
    article: Text<'a>,
    excerpt: Excerpt,
    built_in: Precis,
    version: PromptVersion,
}

/// The replies so far, with the results of the checks.
#[derive(Debug, Default)]
pub struct Readings {
    rounds: Vec<Round>,
    usable: bool,
}

/// A reply, with the results of the gate and of the second reading.
#[derive(Debug)]
struct Round {
    verdicts: Verdicts,
    /// The claims that still need a second reading.
    unchecked: Vec<&'static str>,
    has_answer: bool,
}

impl Readings {
    /// All refusals, in the order of the replies.
    pub fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.rounds.iter().flat_map(|round| &round.verdicts.refusals)
    }

    /// The refusals of each reply.
    pub fn rounds(&self) -> impl Iterator<Item = &[Refusal]> {
        self.rounds.iter().map(|round| round.verdicts.refusals.as_slice())
    }

    /// Whether the last reply had the requested form. A reply of another form must not be stored.
    pub fn last_was_usable(&self) -> bool {
        self.usable
    }

    /// Whether any reply contained a usable JSON object.
    pub fn have_an_answer(&self) -> bool {
        self.rounds.iter().any(|round| round.has_answer)
    }

    /// The value of `field` in the first reply in which the field passed all checks.
    fn passed<T>(&self, field: &str, verdict: impl Fn(&Verdicts) -> Option<T>) -> Option<T> {
        let is_open = |round: &Round| round.unchecked.iter().any(|claim| field_of(claim) == field);
        self.rounds.iter().filter(|round| !is_open(round)).find_map(|round| verdict(&round.verdicts))
    }
}

/// The précis that results from all replies.
#[derive(Clone, Debug)]
pub struct Settled {
    /// The précis. It satisfies [`Precis::is_backed_by`] for the article's text.
    pub precis: Precis,
    /// Names of the fields that are from the built-in annotator, because the model's were refused.
    pub fell_back: Vec<&'static str>,
}

impl<'a> Asking<'a> {
    /// Prepares the prompts about an article. `built_in` is the built-in annotator's précis of the
    /// same text. Returns `None` if the article has no sentence that a statement could cite.
    pub fn about(article: Text<'a>, built_in: Precis, settings: PromptSettings) -> Option<Self> {
        let excerpt = Excerpt::of(&article, &built_in, settings);
        let version = settings.version;
        (!excerpt.sentences.is_empty()).then_some(Self { article, excerpt, built_in, version })
    }

    /// The first prompt.
    pub fn question(&self) -> Question {
        Question::about(&self.article, &self.excerpt, &self.built_in.concepts, self.version)
    }

    /// Reads the reply to the prompt that [`Asking::next_question`] returned for `readings`. The
    /// reply may be any text.
    pub fn read(&self, readings: &mut Readings, reply: &str) {
        if readings.rounds.last().is_some_and(|round| !round.unchecked.is_empty()) {
            self.read_findings(readings, reply);
            return;
        }
        let gate = Gate { article: &self.article, excerpt: &self.excerpt, built_in: &self.built_in };
        let answer = self.answer(reply);
        let has_answer = answer.is_ok();
        let verdicts = gate.judge(answer);
        let unchecked = self.claims(readings, &verdicts);
        readings.usable = has_answer;
        readings.rounds.push(Round { verdicts, unchecked, has_answer });
    }

    /// The parsed answer in a reply, or the reason why it is not usable.
    fn answer(&self, reply: &str) -> Result<Answer, &'static str> {
        let no_object = "there is no JSON object of the form that was asked for";
        let answer = Answer::read(reply).ok_or(no_object)?;
        let Text { title, text, language, .. } = self.article;
        let is_english = || is_english(title, text, &blocks(text, self.article.blocks), language);
        if is_not_english(&answer.statements()) && is_english() {
            return Err("it is in another language than the article; write it in English");
        }
        Ok(answer)
    }

    /// The claims that need a second reading: statements that passed the gate and were not accepted
    /// before. Also the claim that there is no problem, if the built-in annotator found one.
    fn claims(&self, before: &Readings, verdicts: &Verdicts) -> Vec<&'static str> {
        let kind = verdicts.kind.unwrap_or(self.built_in.kind);
        let seen = self.built_in.problem.as_ref().is_some_and(|problem| problem.sureness().is_shown());
        let claim = |field: &'static str| match verdicts.part(field) {
            _ if before.passed(field, |verdicts| verdicts.part(field).as_ref().map(drop)).is_some() => None,
            Some(Some(_)) => Some(field),
            Some(None) if field == "problem" && seen && kind.may_have_problem() => Some(NO_PROBLEM),
            _ => None,
        };
        Field::ALL.into_iter().map(Field::as_str).filter_map(claim).collect()
    }

    fn read_findings(&self, readings: &mut Readings, reply: &str) {
        let Some(round) = readings.rounds.last_mut() else { return };
        let claims = std::mem::take(&mut round.unchecked);
        let findings = Findings::read(reply, &claimed(&claims, &round.verdicts));
        readings.usable = claims.iter().all(|claim| findings.of(claim).is_some());
        for claim in claims {
            let reason = match findings.of(claim) {
                Some(Found::Said) => continue,
                Some(Found::Beyond(what)) if claim == NO_PROBLEM => {
                    format!("a second reader of the article found a problem in it: {what}")
                }
                Some(Found::Unclear(what)) => {
                    format!("a second reader agreed, but did not find this: {what}")
                }
                Some(Found::Beyond(what)) => {
                    format!("a second reader did not find all of it in the sentences that it names: {what}")
                }
                None => "a second reader did not say whether the article says so".to_owned(),
            };
            round.verdicts.refuse(field_of(claim), reason);
        }
    }

    /// The next prompt. The first asks for the précis, the second for the second reading. If
    /// anything was refused, two more prompts repeat this with the reasons. Returns `None` when no
    /// prompt is left.
    pub fn next_question(&self, readings: &Readings) -> Option<Question> {
        let Some(last) = readings.rounds.last() else { return Some(self.question()) };
        if !last.unchecked.is_empty() {
            let claims = claimed(&last.unchecked, &last.verdicts);
            return Some(check::question(&self.article, &self.excerpt, &claims));
        }
        let is_first = readings.rounds.len() == 1;
        let refusals = &last.verdicts.refusals;
        (is_first && !refusals.is_empty()).then(|| self.question().with_refusals(refusals))
    }

    /// The précis after all replies. Each field is from the first reply in which it passed. If it
    /// passed in none, it is from the built-in annotator; a statement only if it may be shown.
    /// `model` is the model's name for [`MadeBy`].
    pub fn settle(self, readings: &Readings, model: &str) -> Settled {
        let mut choice = Choice { readings, fell_back: Vec::new(), taken: 0 };
        let kind = choice.of("kind", |v| v.kind, self.built_in.kind);
        let shown = |part: &Option<Statement>| part.clone().filter(|part| part.sureness().is_shown());
        let problem = choice.of("problem", |v| v.problem.clone(), shown(&self.built_in.problem));
        let approach = choice.of("approach", |v| v.approach.clone(), shown(&self.built_in.approach));
        let outcome = choice.of("outcome", |v| v.outcome.clone(), shown(&self.built_in.outcome));
        let concepts = choice.of("concepts", |v| v.concepts.clone(), self.built_in.concepts.clone());
        let technologies =
            choice.of("technologies", |v| v.technologies.clone(), self.built_in.technologies.clone());
        let Choice { mut fell_back, taken, .. } = choice;
        let problem = problem.filter(|_| kind.may_have_problem());
        // Without a problem, approach and outcome have no meaning.
        let because = |part: Option<Statement>| part.filter(|_| problem.is_some());
        let (approach, outcome) = (because(approach), because(outcome));
        // An absent field did not fall back.
        let absent = |field: &str| match field {
            "problem" => problem.is_none(),
            "approach" => approach.is_none(),
            "outcome" => outcome.is_none(),
            _ => false,
        };
        let made_by = match (taken, fell_back.is_empty()) {
            (0, _) => self.built_in.made_by,
            (_, whole) => made_by(model, self.version, whole),
        };
        fell_back.retain(|field| !absent(field));
        let precis = Precis { kind, problem, approach, outcome, concepts, technologies, made_by };
        Settled { precis, fell_back }
    }
}

/// The claims with these names, with their statements.
fn claimed<'v>(claims: &[&'static str], verdicts: &'v Verdicts) -> Vec<Claimed<'v>> {
    let claimed = |claim: &&'static str| match *claim {
        NO_PROBLEM => Some(Claimed::NoProblem),
        field => Some(Claimed::Statement(field, verdicts.part(field).as_ref()?.as_ref()?)),
    };
    claims.iter().filter_map(claimed).collect()
}

/// Chooses the value of each field, and counts those from the model.
struct Choice<'r> {
    readings: &'r Readings,
    fell_back: Vec<&'static str>,
    taken: usize,
}

impl Choice<'_> {
    fn of<T>(&mut self, field: &'static str, verdict: impl Fn(&Verdicts) -> Option<T>, built_in: T) -> T {
        match self.readings.passed(field, verdict) {
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

fn made_by(model: &str, version: PromptVersion, whole: bool) -> MadeBy {
    MadeBy {
        annotator: if whole { ANNOTATOR.to_owned() } else { format!("{ANNOTATOR}, in part built-in") },
        version: env!("CARGO_PKG_VERSION").to_owned(),
        model: Some(model.to_owned()),
        prompt_version: Some(version.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests;
