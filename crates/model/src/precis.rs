//! What the archive says about a read, and the evidence for it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::names::names;
use crate::{ConceptSlug, did_you_mean};

/// The kind of a post, in order: those with a problem first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// How a team solved one of its problems.
    CaseStudy,
    /// What broke, why, and what was done.
    Incident,
    /// A new method, measurement or finding.
    Research,
    /// How to do something.
    Tutorial,
    /// A release, a product, a price, a policy.
    Announcement,
    /// Somebody's view.
    Opinion,
    /// A person or a team.
    Profile,
    /// A conference, a meet-up, or a report of one.
    Event,
    /// None of these.
    Other,
}

/// The text is not the name of a kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a kind; kinds are {list}{hint}",
    list = Kind::ALL.map(Kind::as_str).join(", "),
    hint = did_you_mean(.0, Kind::ALL.map(Kind::as_str))
)]
pub struct UnknownKind(String);

impl Kind {
    /// Whether a post of this kind can have an engineering problem.
    pub fn may_have_problem(self) -> bool {
        !matches!(self, Self::Profile | Self::Event | Self::Other)
    }

    /// Its display name, e.g. `Case study`.
    pub fn name(self) -> &'static str {
        match self {
            Self::CaseStudy => "Case study",
            Self::Incident => "Incident",
            Self::Research => "Research",
            Self::Tutorial => "Tutorial",
            Self::Announcement => "Announcement",
            Self::Opinion => "Opinion",
            Self::Profile => "Profile",
            Self::Event => "Event",
            Self::Other => "Other",
        }
    }
}

names! {
    Kind, UnknownKind:
    CaseStudy = "case-study",
    Incident = "incident",
    Research = "research",
    Tutorial = "tutorial",
    Announcement = "announcement",
    Opinion = "opinion",
    Profile = "profile",
    Event = "event",
    Other = "other",
}

/// A byte range of an article's stored text, end excluded. Both ends are character boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// The first byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

impl Span {
    /// The bytes of `text` in this span. Returns an empty text if the span is out of bounds or
    /// splits a character.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// A span of the article's text that supports a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Its position.
    #[serde(flatten)]
    pub span: Span,
    /// The exact text of the span.
    pub quote: String,
}

impl Evidence {
    /// The evidence at `start..end` of `text`. Returns `None` if the range is empty, out of bounds
    /// or splits a character.
    pub fn at(text: &str, start: usize, end: usize) -> Option<Self> {
        let quote = text.get(start..end).filter(|q| !q.is_empty())?.to_owned();
        Some(Self { span: Span { start: u32::try_from(start).ok()?, end: u32::try_from(end).ok()? }, quote })
    }

    /// Whether `text` has exactly the quote at the span.
    pub fn holds_in(&self, text: &str) -> bool {
        !self.quote.is_empty() && self.span.of(text) == self.quote
    }
}

/// Whose words a statement uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// The article's own words.
    Quoted,
    /// A language model's words. Statements that were stored before forms existed also count as
    /// written.
    #[default]
    Written,
    /// A person's words.
    Corrected,
}

impl Form {
    /// `text` for display: in quotation marks if it is quoted. Its own double marks become single.
    pub fn said(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Quoted => Cow::Owned(format!("“{}”", with_single_marks(text))),
            Self::Written | Self::Corrected => Cow::Borrowed(text),
        }
    }
}

/// The text with single quotation marks in place of double ones. A straight mark opens a quotation
/// after a space, and closes an open one. Others stay: they may be inches or code.
fn with_single_marks(text: &str) -> String {
    let (mut before, mut is_open) = (' ', false);
    let single = |mark: char| {
        let shown = match mark {
            '“' => '‘',
            '”' => '’',
            '"' if is_open => '’',
            '"' if before.is_whitespace() => '‘',
            other => other,
        };
        is_open ^= mark == '"' && shown != mark;
        before = mark;
        shown
    };
    text.chars().map(single).collect()
}

/// The text is not the name of a form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not the form of a statement; forms are {list}{hint}",
    list = Form::ALL.map(Form::as_str).join(", "),
    hint = did_you_mean(.0, Form::ALL.map(Form::as_str))
)]
pub struct UnknownForm(String);

names! { Form, UnknownForm: Quoted = "quoted", Written = "written", Corrected = "corrected" }

/// How likely a statement is correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sureness {
    /// The statement is too doubtful and is not shown.
    Unsure,
    /// The statement is shown below the title.
    Likely,
    /// The statement comes first on the read's card.
    Sure,
}

impl Sureness {
    /// The minimum confidence of a likely statement.
    pub const LIKELY: f32 = 0.32;
    /// The minimum confidence of a sure statement.
    pub const SURE: f32 = 0.46;

    /// The sureness for a calibrated confidence from 0 to 1.
    pub fn of(confidence: f32) -> Self {
        match confidence {
            c if c >= Self::SURE => Self::Sure,
            c if c >= Self::LIKELY => Self::Likely,
            _ => Self::Unsure,
        }
    }

    /// Its identifier in data and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsure => "unsure",
            Self::Likely => "likely",
            Self::Sure => "sure",
        }
    }

    /// Whether a statement of this level may be shown.
    pub fn is_shown(self) -> bool {
        self > Self::Unsure
    }
}

/// A statement about a read with its evidence: a quoted passage, a written sentence, or the words
/// of a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// Plain text in one line, at most 320 characters.
    pub text: String,
    /// The spans of the stored text that support it, at least one. Empty for a person's statement.
    pub evidence: Vec<Evidence>,
    /// The probability that it is correct, 0 to 1. A person's statement has 1.
    pub confidence: f32,
    /// Whose words it uses.
    #[serde(default)]
    pub form: Form,
}

impl Statement {
    /// The sureness for its confidence.
    pub fn sureness(&self) -> Sureness {
        Sureness::of(self.confidence)
    }

    /// The sureness in words for people: "sure", "likely", "corrected by a person".
    pub fn level(&self) -> &'static str {
        match self.form {
            Form::Corrected => "corrected by a person",
            Form::Quoted | Form::Written => self.sureness().as_str(),
        }
    }
}

/// Who made a précis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeBy {
    /// The annotator's name, e.g. `built-in`.
    pub annotator: String,
    /// The annotator's version.
    pub version: String,
    /// The language model, if one was used.
    pub model: Option<String>,
    /// The version of the prompt for the language model.
    pub prompt_version: Option<String>,
}

/// What the archive says about a read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Precis {
    /// The kind of post.
    pub kind: Kind,
    /// The problem it is about. `None` if it has none.
    pub problem: Option<Statement>,
    /// How the problem was solved.
    pub approach: Option<Statement>,
    /// What the solution changed.
    pub outcome: Option<Statement>,
    /// Concepts of the vocabulary, best match first, at most 4.
    pub concepts: Vec<ConceptSlug>,
    /// Products and systems it names, e.g. `Cassandra`.
    pub technologies: Vec<String>,
    /// Who made the précis.
    pub made_by: MadeBy,
}

impl Precis {
    /// Its statements, each with the name of its field.
    pub fn statements(&self) -> impl Iterator<Item = (&'static str, &Statement)> {
        [("problem", &self.problem), ("approach", &self.approach), ("outcome", &self.outcome)]
            .into_iter()
            .filter_map(|(name, field)| Some((name, field.as_ref()?)))
    }

    /// Whether `text` supports the précis: each statement of the program has evidence, and each
    /// quote is in `text` at its span.
    pub fn is_backed_by(&self, text: &str) -> bool {
        let is_backed = |s: &Statement| !s.evidence.is_empty() && s.evidence.iter().all(|e| e.holds_in(text));
        self.statements().all(|(_, s)| s.form == Form::Corrected || is_backed(s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_must_match_the_text() {
        let text = "Wörter zählen";
        let found = Evidence::at(text, 0, 7).unwrap();
        assert_eq!(found.quote, "Wörter");
        assert!(found.holds_in(text) && !found.holds_in("Worte zählen"));
        assert_eq!(Evidence::at(text, 2, 5), None, "inside a character");
        assert_eq!(Evidence::at(text, 0, 99), None);
        assert_eq!(Evidence::at(text, 3, 3), None);
    }

    #[test]
    fn quotations_in_a_quotation_have_single_marks() {
        for (text, shown) in [
            ("\"It is slow,\" one told us, \"on Monday.\"", "“‘It is slow,’ one told us, ‘on Monday.’”"),
            ("The “cold” cache", "“The ‘cold’ cache”"),
            ("A 19\" rack runs print(\"x\")", "“A 19\" rack runs print(\"x\")”"),
            ("The tenants’ pool", "“The tenants’ pool”"),
        ] {
            assert_eq!(Form::Quoted.said(text), shown);
            assert_eq!(Form::Written.said(text), text);
        }
    }

    #[test]
    fn kind_names_are_stable() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
    }

    #[test]
    fn unknown_form_is_told_with_the_nearest() {
        assert_eq!(
            "quotd".parse::<Form>().unwrap_err().to_string(),
            "`quotd` is not the form of a statement; forms are quoted, written, corrected; did you mean “quoted”?"
        );
    }
}
