//! Reads as programs get them: the same in lists, answers and alone.

use backissue_model::{Evidence, Form, MadeBy, Span, Statement, Sureness};
use backissue_store::ReadSummary;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::names::{form, sureness};
use crate::api::week::ApiCard;
use crate::parts::statements::{heading, odds, standing};

/// A read with what the archive says about it.
#[derive(Serialize, ToSchema)]
pub(super) struct Read {
    #[serde(flatten)]
    card: ApiCard,
    /// The moment under which it is filed: its publication date, or when it was first seen.
    #[schema(value_type = String, format = DateTime)]
    filed_at: Timestamp,
    /// What is said about it, each with its evidence: the problem, the approach, the outcome.
    statements: Vec<Said>,
    /// Names of products and systems that it mentions.
    technologies: Vec<String>,
    made_by: Maker,
}

/// A statement about a read.
#[derive(Serialize, ToSchema)]
#[schema(as = Statement)]
struct Said {
    /// `problem`, `approach` or `outcome`.
    name: &'static str,
    /// Its heading on pages.
    heading: &'static str,
    text: String,
    /// Whose words it uses: the article's (`quoted`), a language model's (`written`) or a person's
    /// (`corrected`).
    #[schema(schema_with = form)]
    form: Form,
    #[schema(schema_with = sureness)]
    sureness: Sureness,
    /// The probability that it is correct.
    #[schema(minimum = 0, maximum = 1)]
    confidence: f32,
    /// Whose words it uses and how sure it is, in words.
    standing: &'static str,
    /// What the confidence means, in words.
    odds: String,
    /// What backs it. Empty for a person's words.
    evidence: Vec<Quote>,
}

/// A quote from an article.
#[derive(Serialize, ToSchema)]
struct Quote {
    /// Its first byte in the article's text.
    start: u32,
    /// The byte after its last one.
    end: u32,
    quote: String,
}

/// Who made the statements about a read.
#[derive(Serialize, ToSchema)]
struct Maker {
    /// The annotator, as `built-in`.
    annotator: String,
    /// Its version.
    version: String,
    /// The language model, if one was used.
    model: Option<String>,
    /// The version of the prompt for the language model.
    prompt_version: Option<String>,
}

impl Read {
    /// A read as a visitor sees it who sees articles or not.
    pub(super) fn of(read: ReadSummary, shows_articles: bool) -> Self {
        let ReadSummary { card, precis } = read;
        let MadeBy { annotator, version, model, prompt_version } = precis.made_by.clone();
        Self {
            filed_at: card.filed_at,
            card: ApiCard::from(card).shown(shows_articles),
            statements: precis.statements().map(|(name, statement)| Said::of(name, statement)).collect(),
            made_by: Maker { annotator, version, model, prompt_version },
            technologies: precis.technologies,
        }
    }
}

impl Said {
    fn of(name: &'static str, statement: &Statement) -> Self {
        let quote = |evidence: &Evidence| {
            let Span { start, end } = evidence.span;
            Quote { start, end, quote: evidence.quote.clone() }
        };
        Self {
            name,
            heading: heading(name),
            text: statement.text.clone(),
            form: statement.form,
            sureness: statement.sureness(),
            confidence: statement.confidence,
            standing: standing(statement),
            odds: odds(statement),
            evidence: statement.evidence.iter().map(quote).collect(),
        }
    }
}
