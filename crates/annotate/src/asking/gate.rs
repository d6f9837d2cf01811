//! The gate: what of an answer may stand, field by field.
//!
//! A statement passes where the sentences that it names are there, where it is written as a statement must be, and where
//! its words are those of these sentences, of the title or the company's name. A kind, a concept or a name of a system has
//! no sentence; it must be one that there is, and must not contradict what the built-in annotator is sure of. This module
//! must not mend what a model says.

use std::collections::BTreeSet;

use backissue_model::{ConceptSlug, Evidence as Quote, Form, Kind, Precis, Statement};

use crate::asking::Refusal;
use crate::asking::answer::{Answer, Claim, Said};
use crate::asking::excerpt::Excerpt;
use crate::asking::figures::unbacked;
use crate::asking::screen::one_line;
use crate::asking::support::{Evidence, Unbacked, has_words};
use crate::concepts;
use crate::style;
use crate::technologies::Technologies;
use crate::{Text, Vocabulary};

/// Sentences that one statement may rest on; a statement that needs more sums up half the article.
pub(super) const SENTENCES_MAX: usize = 8;
/// How sure the built-in annotator must be of a problem for the model to need one too.
const SURE: f32 = 0.7;
/// Concepts and named systems that a précis has at the most.
pub(super) const CONCEPTS_MAX: usize = concepts::MOST;
pub(super) const TECHNOLOGIES_MAX: usize = 8;
/// Longest name of a system, in characters.
const NAME_MAX: usize = 40;
/// How much of what was refused is repeated, in characters.
const SAID_MAX: usize = 240;

/// What an answer is held against.
pub(super) struct Gate<'g> {
    pub article: &'g Text<'g>,
    pub excerpt: &'g Excerpt,
    pub built_in: &'g Precis,
}

/// The fields that may stand; for a statement, `Some(None)` is one that is rightly absent.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    pub kind: Option<Kind>,
    pub problem: Option<Option<Statement>>,
    pub approach: Option<Option<Statement>>,
    pub outcome: Option<Option<Statement>>,
    pub concepts: Option<Vec<ConceptSlug>>,
    pub technologies: Option<Vec<String>>,
    pub refusals: Vec<Refusal>,
}

/// Why a field was refused, with what it was.
struct Refused {
    said: String,
    reason: String,
}

impl Gate<'_> {
    /// What of an answer may stand; nothing where there is none.
    pub(super) fn judge(&self, answer: Option<Answer>) -> Verdicts {
        let mut verdicts = Verdicts::default();
        let Some(answer) = answer else {
            let reason = "there is no JSON object of the form that was asked for".to_owned();
            verdicts.refusals.push(Refusal { field: "answer", said: String::new(), reason });
            return verdicts;
        };
        let mut refusals = Vec::new();
        let mut refuse = |field, refused: Refused| {
            let said = one_line(&refused.said).chars().take(SAID_MAX).collect();
            refusals.push(Refusal { field, said, reason: refused.reason });
        };
        verdicts.kind = self.kind(answer.kind).map_err(|refused| refuse("kind", refused)).ok();
        let kind = verdicts.kind.unwrap_or(self.built_in.kind);
        verdicts.problem =
            self.problem(answer.problem, kind).map_err(|refused| refuse("problem", refused)).ok();
        verdicts.approach = self.part(answer.approach).map_err(|refused| refuse("approach", refused)).ok();
        verdicts.outcome = self.part(answer.outcome).map_err(|refused| refuse("outcome", refused)).ok();
        verdicts.concepts =
            self.concepts(answer.concepts).map_err(|refused| refuse("concepts", refused)).ok();
        verdicts.technologies =
            self.technologies(answer.technologies).map_err(|refused| refuse("technologies", refused)).ok();
        verdicts.refusals = refusals;
        verdicts
    }

    fn kind(&self, said: Said<String>) -> Result<Kind, Refused> {
        let name = given(said)?.ok_or_else(|| Refused { said: "null".into(), reason: kinds() })?;
        let kind: Kind = name.trim().parse().map_err(|_| Refused { said: name.clone(), reason: kinds() })?;
        if !kind.may_have_problem() && self.is_sure_of_a_problem() {
            let reason =
                "the article has an engineering problem, so it is of a kind that may have one".to_owned();
            return Err(Refused { said: name, reason });
        }
        Ok(kind)
    }

    fn problem(&self, said: Said<Claim>, kind: Kind) -> Result<Option<Statement>, Refused> {
        let problem = self.part(said)?;
        let needs = matches!(kind, Kind::CaseStudy | Kind::Incident) || self.is_sure_of_a_problem();
        if problem.is_none() && needs && kind.may_have_problem() {
            let reason =
                format!("it must not be null here: a post of kind {kind} with this text has a problem");
            return Err(Refused { said: "null".into(), reason });
        }
        Ok(problem)
    }

    fn is_sure_of_a_problem(&self) -> bool {
        self.built_in.problem.as_ref().is_some_and(|problem| problem.confidence >= SURE)
    }

    fn part(&self, said: Said<Claim>) -> Result<Option<Statement>, Refused> {
        let Some(claim) = given(said)? else { return Ok(None) };
        self.statement(&claim).map(Some).map_err(|reason| Refused { said: claim.text, reason })
    }

    fn statement(&self, claim: &Claim) -> Result<Statement, String> {
        let numbers: BTreeSet<usize> = claim.sentences.iter().copied().collect();
        if numbers.is_empty() {
            return Err("it names no sentence that it rests on".into());
        }
        if numbers.len() > SENTENCES_MAX {
            return Err(format!("it names {} sentences; name the few that it rests on", numbers.len()));
        }
        let mut quotes = Vec::new();
        for number in &numbers {
            let shown =
                self.excerpt.get(*number).ok_or_else(|| format!("there is no sentence [{number}]"))?;
            let (start, end) = (shown.span.start as usize, shown.span.end as usize);
            quotes.push(Quote::at(self.article.text, start, end).ok_or("its evidence cannot be quoted")?);
        }
        let text = style::statement(&claim.text)?;
        let cited = quotes.iter().map(|quote| quote.quote.as_str());
        let texts = cited.chain([self.article.title, self.article.company]);
        let backed = Evidence::of(self.article.text, texts).backs(&text);
        let share = backed.map_err(|why| self.reason(&why))?;
        Ok(Statement { text, evidence: quotes, confidence: confidence(share), form: Form::Written })
    }

    /// Why a statement is not backed, and which sentences would back it.
    fn reason(&self, why: &Unbacked) -> String {
        let terms = match why {
            Unbacked::Words(words) => {
                return format!("the cited sentences say nothing of “{}”", words.join("”, “"));
            }
            Unbacked::Terms(terms) => terms,
        };
        let is_figure = |term: &str| term.starts_with(|c: char| c.is_ascii_digit());
        let holds = |line: &str, term: &str| {
            has_words(line, term) || is_figure(term) && unbacked(term, line).is_empty()
        };
        let told = terms.iter().map(|term| {
            match self.excerpt.sentences.iter().position(|shown| holds(&shown.line, term)) {
                Some(at) => format!("“{term}” (which [{}] has)", at + 1),
                None => format!("“{term}”"),
            }
        });
        let told = told.collect::<Vec<_>>().join(", ");
        format!(
            "the cited sentences do not have {told}; name the sentences that do, if it rests on them, or leave it out"
        )
    }

    /// Concepts of the vocabulary, where the article has a word for them.
    fn concepts(&self, said: Said<Vec<String>>) -> Result<Vec<ConceptSlug>, Refused> {
        let names = given(said)?.unwrap_or_default();
        let vocabulary = Vocabulary::builtin().concepts();
        let named = concepts::with_a_word_in(self.article);
        let mut kept: Vec<ConceptSlug> = Vec::new();
        for slug in names.iter().filter_map(|name| name.trim().parse::<ConceptSlug>().ok()) {
            if named.iter().any(|&at| vocabulary[at].slug == slug) && !kept.contains(&slug) {
                kept.push(slug);
            }
        }
        if kept.is_empty() && !names.is_empty() {
            let reason = "none of these is a concept of the list for which the article has a word".to_owned();
            return Err(Refused { said: names.join(", "), reason });
        }
        kept.truncate(CONCEPTS_MAX);
        Ok(kept)
    }

    fn technologies(&self, said: Said<Vec<String>>) -> Result<Vec<String>, Refused> {
        let names = given(said)?.unwrap_or_default();
        let known = Technologies::builtin();
        let texts = [self.article.text, self.article.title];
        let in_text: BTreeSet<&str> =
            texts.into_iter().flat_map(|text| known.mentions(text)).map(|(_, name)| name).collect();
        // As the article spells it, or "Flink" for "Apache Flink" where the article has Flink.
        let standing = |name: &'_ str| {
            let spelled = has_words(self.article.text, name) || has_words(self.article.title, name);
            let listed =
                || known.mentions(name).map(|(_, listed)| listed).find(|listed| in_text.contains(listed));
            if spelled { Some(name.to_owned()) } else { listed().map(str::to_owned) }
        };
        let mut kept: Vec<String> = Vec::new();
        let names_said = names.iter().map(|name| name.trim()).filter(|name| is_name(name));
        for name in names_said.filter_map(standing) {
            if !kept.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
                kept.push(name);
            }
        }
        if kept.is_empty() && !names.is_empty() {
            let reason = "none of these names stands in the article".to_owned();
            return Err(Refused { said: names.join(", "), reason });
        }
        kept.truncate(TECHNOLOGIES_MAX);
        Ok(kept)
    }
}

fn given<T>(said: Said<T>) -> Result<Option<T>, Refused> {
    match said {
        Said::Value(value) => Ok(Some(value)),
        Said::Null => Ok(None),
        Said::Nothing(said) => {
            Err(Refused { said, reason: "it is missing or not of the form that was asked for".into() })
        }
    }
}

fn kinds() -> String {
    format!("it must be one of {}", Kind::ALL.map(Kind::as_str).join(", "))
}

/// Half for passing, the rest by how many of its words are the evidence's; nobody is surer than 0.95.
fn confidence(share: f32) -> f32 {
    ((0.5 + 0.45 * share) * 100.0).round() / 100.0
}

/// Whether a text may be the name of a system: short, with a letter, and no clause.
fn is_name(name: &str) -> bool {
    let short = name.chars().count() <= NAME_MAX && name.split_whitespace().count() <= 4;
    short && name.contains(char::is_alphabetic) && name.starts_with(char::is_alphanumeric)
}
