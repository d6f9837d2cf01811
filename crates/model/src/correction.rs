//! Corrections: what a person says about a field of a read instead of the program.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::bounds::{MAX_NAME, MAX_TITLE};
use crate::names::names;
use crate::signs::in_one_line;
use crate::{ConceptSlug, Form, Kind, Precis, Statement, UnknownKind, did_you_mean, misleads};

/// Maximum characters of a statement.
pub const STATEMENT_MAX: usize = 320;
/// Maximum concepts of a read.
pub const CONCEPTS_MAX: usize = 4;
/// The earliest date of a read: the first page of the web.
const EARLIEST: Date = jiff::civil::date(1991, 8, 6);

/// A field of a read that a person can correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReadField {
    /// The problem.
    Problem,
    /// How it was solved.
    Approach,
    /// What changed.
    Outcome,
    /// The kind of post.
    Kind,
    /// The concepts.
    Concepts,
    /// The title.
    Title,
    /// The publication date.
    Date,
    /// The company.
    Company,
}

names! {
    ReadField, UnknownField:
    Problem = "problem",
    Approach = "approach",
    Outcome = "outcome",
    Kind = "kind",
    Concepts = "concepts",
    Title = "title",
    Date = "date",
    Company = "company",
}

impl ReadField {
    /// Whether the field belongs to the précis.
    pub fn is_in_precis(self) -> bool {
        !matches!(self, Self::Title | Self::Date | Self::Company)
    }

    /// Whether the field is a statement: problem, approach or outcome.
    pub fn is_statement(self) -> bool {
        matches!(self, Self::Problem | Self::Approach | Self::Outcome)
    }
}

/// The text is not the name of a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a field that can be corrected; fields are {list}{hint}",
    list = ReadField::ALL.map(ReadField::as_str).join(", "),
    hint = did_you_mean(.0, ReadField::ALL.map(ReadField::as_str))
)]
pub struct UnknownField(String);

/// Why a text cannot be the value of a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorrectionError {
    /// The text is too long.
    #[error("the {field} has at most {most} characters; this one has {has}. Shorten it")]
    TooLong {
        /// The field.
        field: ReadField,
        /// The maximum.
        most: usize,
        /// The number of characters of the text.
        has: usize,
    },
    /// The field needs a value.
    #[error("the {0} cannot be empty; take the correction back to have what the program says")]
    Empty(ReadField),
    /// The text is not the name of a kind.
    #[error(transparent)]
    Kind(#[from] UnknownKind),
    /// The text names an unknown concept.
    #[error("`{name}` is not a concept; separate several by commas{hint}")]
    Concept {
        /// The name that was typed.
        name: String,
        /// A suggestion such as `; did you mean …?`, or an empty text.
        hint: String,
    },
    /// The text names this number of concepts, more than [`CONCEPTS_MAX`].
    #[error("a read has at most {CONCEPTS_MAX} concepts; these are {0}")]
    TooManyConcepts(usize),
    /// The text is not a date.
    #[error("`{0}` is not a date; write it as 2026-05-12")]
    Date(String),
    /// The date is before the web existed.
    #[error("{0} is before the first page of the web ({EARLIEST})")]
    TooEarly(Date),
    /// The date is in the future.
    #[error("{0} is in the future")]
    Ahead(Date),
}

/// A person's value for one field, as canonical text. The text is: one line for a statement, title
/// or company; the identifiers of the kind or of concepts, separated by spaces; a date as
/// `2026-05-12`. It is empty if the person says that there is no such statement, or no concepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Correction {
    field: ReadField,
    text: String,
}

/// A correction as it is written in an export, not yet checked.
#[derive(Deserialize)]
struct Raw {
    field: ReadField,
    text: String,
}

impl TryFrom<Raw> for Correction {
    type Error = CorrectionError;

    fn try_from(Raw { field, text }: Raw) -> Result<Self, CorrectionError> {
        Self::of(field, &text)
    }
}

impl Correction {
    /// Makes a correction from the text that a person typed.
    ///
    /// # Errors
    /// If the text is not a valid value of the field, with the reason.
    pub fn of(field: ReadField, typed: &str) -> Result<Self, CorrectionError> {
        let text = plain(typed);
        let text = match field {
            ReadField::Problem | ReadField::Approach | ReadField::Outcome => {
                bounded(field, text, STATEMENT_MAX)?
            }
            ReadField::Title => bounded(field, needed(field, text)?, MAX_TITLE)?,
            ReadField::Company => bounded(field, needed(field, text)?, MAX_NAME)?,
            ReadField::Kind => text.parse::<Kind>()?.to_string(),
            ReadField::Concepts => concepts_of(&text)?,
            ReadField::Date => date_of(&needed(field, text)?)?.to_string(),
        };
        Ok(Self { field, text })
    }

    /// Makes a correction as [`Correction::of`] does, and refuses a date after `today`.
    ///
    /// # Errors
    /// As [`Correction::of`], or if the date is in the future.
    pub fn today(field: ReadField, typed: &str, today: Date) -> Result<Self, CorrectionError> {
        let correction = Self::of(field, typed)?;
        match correction.date() {
            Some(date) if date > today => Err(CorrectionError::Ahead(date)),
            _ => Ok(correction),
        }
    }

    /// The field.
    pub fn field(&self) -> ReadField {
        self.field
    }

    /// The value as canonical text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The date. `None` for other fields.
    pub fn date(&self) -> Option<Date> {
        (self.field == ReadField::Date).then(|| self.text.parse().ok()).flatten()
    }

    /// The text as a statement. `None` if the person says that there is no such statement.
    fn statement(&self) -> Option<Statement> {
        (!self.text.is_empty()).then(|| Statement {
            text: self.text.clone(),
            evidence: Vec::new(),
            confidence: 1.0,
            form: Form::Corrected,
        })
    }
}

fn plain(text: &str) -> String {
    in_one_line(&text.chars().filter(|c| c.is_control() || !misleads(*c)).collect::<String>())
}

fn needed(field: ReadField, text: String) -> Result<String, CorrectionError> {
    if text.is_empty() { Err(CorrectionError::Empty(field)) } else { Ok(text) }
}

fn bounded(field: ReadField, text: String, most: usize) -> Result<String, CorrectionError> {
    let has = text.chars().count();
    if has > most { Err(CorrectionError::TooLong { field, most, has }) } else { Ok(text) }
}

/// The slugs in `text`, each once, in order, separated by spaces.
fn concepts_of(text: &str) -> Result<String, CorrectionError> {
    let mut slugs: Vec<&str> = Vec::new();
    for word in text.split([',', ' ']).filter(|word| !word.is_empty()) {
        let unknown = || CorrectionError::Concept { name: word.to_owned(), hint: String::new() };
        word.parse::<ConceptSlug>().map_err(|_| unknown())?;
        if !slugs.contains(&word) {
            slugs.push(word);
        }
    }
    if slugs.len() > CONCEPTS_MAX {
        return Err(CorrectionError::TooManyConcepts(slugs.len()));
    }
    Ok(slugs.join(" "))
}

fn date_of(text: &str) -> Result<Date, CorrectionError> {
    let date = text.parse::<Date>().ok().filter(|date| date.to_string() == text);
    let date = date.ok_or_else(|| CorrectionError::Date(text.to_owned()))?;
    if date < EARLIEST { Err(CorrectionError::TooEarly(date)) } else { Ok(date) }
}

impl Precis {
    /// The précis with these corrections applied. Fields that depend on a corrected one change too:
    /// if a person says that there is no problem, or chooses a kind that has none, the program's
    /// own approach and outcome are removed. With such a kind the program's own problem is removed
    /// as well. Statements of a person stay.
    #[must_use]
    pub fn corrected(&self, corrections: &[Correction]) -> Self {
        let mut precis = self.clone();
        for correction in corrections {
            match correction.field {
                ReadField::Problem => precis.problem = correction.statement(),
                ReadField::Approach => precis.approach = correction.statement(),
                ReadField::Outcome => precis.outcome = correction.statement(),
                // Both parse, because the text is canonical.
                ReadField::Kind => precis.kind = correction.text.parse().unwrap_or(precis.kind),
                ReadField::Concepts => {
                    precis.concepts =
                        correction.text.split(' ').filter_map(|slug| slug.parse().ok()).collect();
                }
                ReadField::Title | ReadField::Date | ReadField::Company => {}
            }
        }
        let is_by_program = |statement: &Statement| statement.form != Form::Corrected;
        let corrects = |field| corrections.iter().any(|correction| correction.field == field);
        if corrects(ReadField::Kind) && !precis.kind.may_have_problem() {
            precis.problem = precis.problem.filter(|problem| !is_by_program(problem));
        }
        if precis.problem.is_none() && self.problem.is_some() {
            precis.approach = precis.approach.filter(|approach| !is_by_program(approach));
            precis.outcome = precis.outcome.filter(|outcome| !is_by_program(outcome));
        }
        precis
    }

    /// The value of a field as [`Correction::text`] would have it. Empty for fields outside the
    /// précis.
    pub fn text_of(&self, field: ReadField) -> String {
        let said = |statement: &Option<Statement>| statement.as_ref().map(|s| s.text.clone());
        match field {
            ReadField::Problem => said(&self.problem).unwrap_or_default(),
            ReadField::Approach => said(&self.approach).unwrap_or_default(),
            ReadField::Outcome => said(&self.outcome).unwrap_or_default(),
            ReadField::Kind => self.kind.to_string(),
            ReadField::Concepts => {
                self.concepts.iter().map(ConceptSlug::as_str).collect::<Vec<_>>().join(" ")
            }
            ReadField::Title | ReadField::Date | ReadField::Company => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Evidence, MadeBy};

    #[test]
    fn corrections_are_in_one_line_and_bounded() {
        let of = |field, typed: &str| Correction::of(field, typed).map(|correction| correction.text);
        for field in [ReadField::Problem, ReadField::Approach, ReadField::Outcome] {
            assert_eq!(of(field, " It\r\n was \u{0}slow.\u{202e} ").unwrap(), "It was slow.");
            assert_eq!(of(field, " \n").unwrap(), "", "there is none");
            assert_eq!(of(field, &"é".repeat(STATEMENT_MAX)).unwrap(), "é".repeat(STATEMENT_MAX));
            let has = STATEMENT_MAX + 1;
            let too_long = CorrectionError::TooLong { field, most: STATEMENT_MAX, has };
            assert_eq!(of(field, &"é".repeat(has)), Err(too_long));
        }
        assert_eq!(of(ReadField::Title, " "), Err(CorrectionError::Empty(ReadField::Title)));
        assert_eq!(of(ReadField::Company, ""), Err(CorrectionError::Empty(ReadField::Company)));
        assert!(of(ReadField::Title, &"a".repeat(MAX_TITLE + 1)).is_err());
        assert_eq!(of(ReadField::Kind, "incident").unwrap(), "incident");
        assert!(of(ReadField::Kind, "incidents").unwrap_err().to_string().contains("did you mean"));
        assert_eq!(
            of(ReadField::Concepts, "caching, rate-limiting  caching").unwrap(),
            "caching rate-limiting"
        );
        assert_eq!(of(ReadField::Concepts, "").unwrap(), "");
        assert_eq!(of(ReadField::Concepts, "a1 b2 c3 d4 e5"), Err(CorrectionError::TooManyConcepts(5)));
        assert!(of(ReadField::Concepts, "Caching").is_err());
        assert_eq!(of(ReadField::Date, " 2026-05-12 ").unwrap(), "2026-05-12");
        for wrong in ["2026-5-12", "12.5.2026", "2026-02-30", "1991-08-05", "2026-05-12T00:00", ""] {
            assert!(of(ReadField::Date, wrong).is_err(), "{wrong}");
        }
        let today = jiff::civil::date(2026, 5, 12);
        assert!(Correction::today(ReadField::Date, "2026-05-12", today).is_ok());
        let ahead = Correction::today(ReadField::Date, "2026-05-13", today);
        assert_eq!(ahead, Err(CorrectionError::Ahead(jiff::civil::date(2026, 5, 13))));
    }

    #[test]
    fn corrected_precis_has_a_persons_words() {
        let quoted = |text: &str| {
            Some(Statement {
                text: text.into(),
                evidence: vec![Evidence::at(text, 0, 2).unwrap()],
                confidence: 0.4,
                form: Form::Quoted,
            })
        };
        let precis = Precis {
            kind: Kind::CaseStudy,
            problem: quoted("It was slow."),
            approach: quoted("They cached it."),
            outcome: quoted("It is fast."),
            concepts: vec!["caching".parse().unwrap()],
            technologies: Vec::new(),
            made_by: MadeBy {
                annotator: "built-in".into(),
                version: "1".into(),
                model: None,
                prompt_version: None,
            },
        };
        let of = |field, text| Correction::of(field, text).unwrap();
        let better = precis.corrected(&[of(ReadField::Problem, "Queues grew."), of(ReadField::Concepts, "")]);
        let problem = better.problem.as_ref().unwrap();
        assert_eq!((problem.form, problem.sureness()), (Form::Corrected, crate::Sureness::Sure));
        assert_eq!((better.approach.as_ref(), better.concepts.len()), (precis.approach.as_ref(), 0));
        let alone = Precis { approach: None, outcome: None, ..better };
        assert!(alone.is_backed_by("anything"), "a person's word needs no evidence");

        let none = precis.corrected(&[of(ReadField::Problem, ""), of(ReadField::Outcome, "Still slow.")]);
        assert_eq!((none.problem, none.approach), (None, None));
        assert_eq!(none.outcome.unwrap().text, "Still slow.", "a person's word stays");
        let event = precis.corrected(&[of(ReadField::Kind, "event")]);
        assert_eq!((event.kind, event.problem, event.outcome), (Kind::Event, None, None));
        assert_eq!(precis.corrected(&[]), precis);
    }
}
