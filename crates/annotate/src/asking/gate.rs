//! The gate: accepts or refuses each field of a reply.
//!
//! A statement passes if the sentences that it cites exist, if `style` accepts it, and if its
//! names, figures and terms occur in these sentences or near them. The second reading, `check`,
//! decides whether the sentences say it. Kinds, concepts and technologies cite no sentences. They
//! must exist, and must not contradict a statement of which the built-in annotator is sure. This
//! module must not repair replies.

use std::collections::BTreeSet;

use backissue_model::{ConceptSlug, Evidence as Quote, Form, Kind, Precis, Statement, Sureness};

use crate::asking::answer::{Answer, Claim, Said};
use crate::asking::excerpt::Excerpt;
use crate::asking::forms::is_of_the_calendar;
use crate::asking::refusal::Refusal;
use crate::asking::screen::one_line;
use crate::asking::support::{Evidence, TERMS, Unbacked};
use crate::asking::words::{self, has, has_words, telling, words};
use crate::concepts;
use crate::style;
use crate::technologies::Technologies;
use crate::{Text, Vocabulary};

/// Maximum sentences that a statement cites. One that needs more is a summary of the article.
pub(super) const SENTENCES_MAX: usize = 8;
/// Names and figures of a statement may also occur in this many sentences before and after a cited
/// one.
const NEAR: usize = 3;
/// Names of a statement may also occur in this many sentences at the start of an article, which
/// introduce them.
const LEAD: usize = 4;
/// Maximum concepts and technologies of a précis.
pub(super) const CONCEPTS_MAX: usize = concepts::MOST;
pub(super) const TECHNOLOGIES_MAX: usize = 8;
/// Maximum characters of a technology's name.
const NAME_MAX: usize = 40;
/// The confidence of a statement that passed the gate and the second reading. docs/BENCHMARKS.md
/// has the shares of true and invented statements that pass.
const CHECKED: f32 = 0.9;
/// Maximum characters of a refused text in a message.
const SAID_MAX: usize = 240;

/// The article and the built-in précis, with which a reply is compared.
pub(super) struct Gate<'g> {
    pub article: &'g Text<'g>,
    pub excerpt: &'g Excerpt,
    pub built_in: &'g Precis,
}

/// The accepted fields. `Some(None)` is an accepted claim that there is no such statement.
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

impl Verdicts {
    /// The result for `problem`, `approach` or `outcome`.
    pub(super) fn part(&self, field: &str) -> &Option<Option<Statement>> {
        match field {
            "approach" => &self.approach,
            "outcome" => &self.outcome,
            _ => &self.problem,
        }
    }

    /// Refuses a statement that had passed so far.
    pub(super) fn refuse(&mut self, field: &'static str, reason: String) {
        let part = match field {
            "approach" => &mut self.approach,
            "outcome" => &mut self.outcome,
            _ => &mut self.problem,
        };
        let said = part.take().flatten().map_or_else(|| "null".to_owned(), |statement| statement.text);
        self.refusals.push(Refusal { field, said, reason, ..Refusal::default() });
    }
}

/// A refused text and the reason.
#[derive(Default)]
struct Refused {
    said: String,
    reason: String,
    missing: Vec<String>,
}

impl Gate<'_> {
    /// Checks each field of a reply. Without an answer, every field is refused.
    pub(super) fn judge(&self, answer: Result<Answer, &str>) -> Verdicts {
        let mut verdicts = Verdicts::default();
        let answer = match answer {
            Ok(answer) => answer,
            Err(reason) => {
                let reason = reason.to_owned();
                verdicts.refusals.push(Refusal { field: "answer", reason, ..Refusal::default() });
                return verdicts;
            }
        };
        let mut refusals = Vec::new();
        let mut refuse = |field, refused: Refused| {
            let said = one_line(&refused.said).chars().take(SAID_MAX).collect();
            refusals.push(Refusal { field, said, reason: refused.reason, missing: refused.missing });
        };
        verdicts.kind = self.kind(answer.kind).map_err(|refused| refuse("kind", refused)).ok();
        let kind = verdicts.kind.unwrap_or(self.built_in.kind);
        verdicts.problem =
            self.problem(answer.problem, kind).map_err(|refused| refuse("problem", refused)).ok();
        verdicts.approach = self.part(answer.approach).map_err(|refused| refuse("approach", refused)).ok();
        verdicts.outcome = self.part(answer.outcome).map_err(|refused| refuse("outcome", refused)).ok();
        // Small models write one sentence into several fields. It is an approach, if anything.
        for (field, part) in [("problem", &mut verdicts.problem), ("outcome", &mut verdicts.outcome)] {
            let (Some(Some(own)), Some(Some(approach))) = (&part, &verdicts.approach) else { continue };
            if are_alike(&own.text, &approach.text) {
                let reason = "it says the same as the approach; say something else, or null";
                refuse(field, Refused { said: own.text.clone(), ..Refused::because(reason) });
                *part = None;
            }
        }
        verdicts.concepts =
            self.concepts(answer.concepts).map_err(|refused| refuse("concepts", refused)).ok();
        verdicts.technologies =
            self.technologies(answer.technologies).map_err(|refused| refuse("technologies", refused)).ok();
        verdicts.refusals = refusals;
        verdicts
    }

    fn kind(&self, said: Said<String>) -> Result<Kind, Refused> {
        let name = given(said)?.ok_or_else(|| Refused {
            said: "null".into(),
            reason: kinds(),
            ..Refused::default()
        })?;
        let kind: Kind = name.trim().parse().map_err(|_| Refused {
            said: name.clone(),
            reason: kinds(),
            ..Refused::default()
        })?;
        if !kind.may_have_problem() && self.is_sure_of_a_problem() {
            let reason =
                "the article has an engineering problem, so it is of a kind that may have one".to_owned();
            return Err(Refused { said: name, reason, ..Refused::default() });
        }
        Ok(kind)
    }

    fn problem(&self, said: Said<Claim>, kind: Kind) -> Result<Option<Statement>, Refused> {
        let problem = self.part(said)?;
        let needs = matches!(kind, Kind::CaseStudy | Kind::Incident);
        if problem.is_none() && needs && kind.may_have_problem() {
            let reason =
                format!("it must not be null here: a post of kind {kind} with this text has a problem");
            return Err(Refused { said: "null".into(), reason, ..Refused::default() });
        }
        Ok(problem)
    }

    fn is_sure_of_a_problem(&self) -> bool {
        self.built_in.problem.as_ref().is_some_and(|problem| problem.sureness() == Sureness::Sure)
    }

    fn part(&self, said: Said<Claim>) -> Result<Option<Statement>, Refused> {
        let Some(claim) = given(said)? else { return Ok(None) };
        self.statement(&claim).map(Some).map_err(|refused| Refused { said: claim.text, ..refused })
    }

    fn statement(&self, claim: &Claim) -> Result<Statement, Refused> {
        let numbers: BTreeSet<usize> = claim.sentences.iter().copied().collect();
        if numbers.is_empty() {
            return Err(Refused::because("it names no sentence that it rests on"));
        }
        if numbers.len() > SENTENCES_MAX {
            let reason = format!("it names {} sentences; name the few that it rests on", numbers.len());
            return Err(Refused::because(reason));
        }
        let mut quotes = Vec::new();
        for number in &numbers {
            let shown = self
                .excerpt
                .get(*number)
                .ok_or_else(|| Refused::because(format!("there is no sentence [{number}]")))?;
            let (start, end) = (shown.span.start as usize, shown.span.end as usize);
            let quote = Quote::at(self.article.text, start, end);
            quotes.push(quote.ok_or_else(|| Refused::because("its evidence cannot be quoted"))?);
        }
        let text = style::statement(&claim.text).map_err(Refused::because)?;
        if self.repeats_the_title(&text) {
            return Err(Refused::because("it only repeats the title; say in a sentence what the text says"));
        }
        Evidence::of(self.article.text, self.near(&quotes)).backs(&text).map_err(unbacked)?;
        Ok(Statement { text, evidence: quotes, confidence: CHECKED, form: Form::Written })
    }

    /// Whether all telling words of a statement stand in the title or in the company's name. Small
    /// models answer with the title, and confirm it in the second reading.
    fn repeats_the_title(&self, text: &str) -> bool {
        let known = words(&format!("{} {}", self.article.title, self.article.company));
        telling(text).all(|word| has(&known, word))
    }

    /// The texts in which the names, figures and terms of a statement that cites these quotes may
    /// occur.
    fn near(&self, quotes: &[Quote]) -> Vec<&str> {
        let all = &self.excerpt.all;
        let lead = 0..all.len().min(LEAD);
        let sentences = lead.chain(self.excerpt.around(quotes, NEAR)).map(|at| all[at].span);
        let headings = self.excerpt.around(quotes, 0).into_iter().filter_map(|at| all[at].heading);
        let of_article = sentences.chain(headings).map(|span| span.of(self.article.text));
        let host = self.article.url.and_then(|url| url.host_str()).unwrap_or_default();
        let description = self.article.description.unwrap_or_default();
        let about = [self.article.title, self.article.company, description, host];
        of_article.chain(about).collect()
    }

    /// Concepts of the vocabulary for which the article has a word.
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
            return Err(Refused { said: names.join(", "), reason, ..Refused::default() });
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
        // "Flink" for "Apache Flink" where the article has Flink, and names that the list lacks as
        // the article spells them.
        let standing = |name: &'_ str| {
            if let Some((written, listed)) = known.mentions(name).find(|(_, listed)| in_text.contains(listed))
            {
                let is_spelled = written == name && texts.iter().any(|text| has_words(text, name));
                return Some(if is_spelled { name } else { listed }.to_owned());
            }
            let is_term = TERMS.find(name).iter().any(|term| term.end - term.start == name.len());
            // Headings and titles may have capital letters in all words.
            let mut sentences = self.excerpt.all.iter().map(|whole| whole.span.of(self.article.text));
            let is_name = sentences.any(|sentence| words::names(sentence, self.article.title, name));
            (is_name && !is_term && !is_of_the_calendar(name)).then(|| name.to_owned())
        };
        let mut kept: Vec<String> = Vec::new();
        let names_said = names.iter().map(|name| name.trim()).filter(|name| is_name(name));
        for name in names_said.filter_map(standing) {
            if !kept.iter().any(|other| other.eq_ignore_ascii_case(&name)) {
                kept.push(name);
            }
        }
        if kept.is_empty() && !names.is_empty() {
            let reason = "none of these is the name of a system that stands in the article".to_owned();
            return Err(Refused { said: names.join(", "), reason, ..Refused::default() });
        }
        kept.truncate(TECHNOLOGIES_MAX);
        Ok(kept)
    }
}

fn given<T>(said: Said<T>) -> Result<Option<T>, Refused> {
    match said {
        Said::Value(value) => Ok(Some(value)),
        Said::Null => Ok(None),
        Said::Nothing(said) => Err(Refused {
            said,
            reason: "it is missing or not of the form that was asked for".into(),
            ..Refused::default()
        }),
    }
}

fn kinds() -> String {
    format!("it must be one of {}", Kind::ALL.map(Kind::as_str).join(", "))
}

/// The reason why a statement is refused, for the model. It does not name the missing word: the
/// model would remove the word and keep the claim.
fn unbacked(why: Unbacked) -> Refused {
    let (what, missing) = match why {
        Unbacked::Terms(missing) => {
            ("a name, a figure or a term of it does not stand in the cited sentences or near them", missing)
        }
        Unbacked::Words(missing) => ("it is about something else than the cited sentences", missing),
    };
    let reason = format!("{what}; name the sentences that it rests on, and say what they say");
    Refused { said: String::new(), reason, missing }
}

/// Whether each of two statements has nearly all telling words of the other.
fn are_alike(one: &str, other: &str) -> bool {
    words::shared(one, other) >= 0.9 && words::shared(other, one) >= 0.9
}

impl Refused {
    fn because(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..Self::default() }
    }
}

/// Whether a text may be a technology's name: short, with a letter, and not a clause.
fn is_name(name: &str) -> bool {
    let short = name.chars().count() <= NAME_MAX && name.split_whitespace().count() <= 4;
    short && name.contains(char::is_alphabetic) && name.starts_with(char::is_alphanumeric)
}
