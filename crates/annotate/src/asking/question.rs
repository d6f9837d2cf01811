//! The prompt: instructions, the article, and the schema of the reply.
//!
//! This module must not choose sentences or judge replies.

use std::fmt::Write;

use backissue_model::Kind;
use backissue_model::bounds::first_chars;
use serde_json::{Map, Value, json};

use crate::asking::answer::FIELDS;
use crate::asking::excerpt::Excerpt;
use crate::asking::gate::{CONCEPTS_MAX, SENTENCES_MAX, TECHNOLOGIES_MAX};
use crate::asking::refusal::Refusal;
use crate::asking::screen::one_line;
use crate::asking::settings::PromptVersion;
use crate::style::STATEMENT_MAX;
use crate::{Text, Vocabulary, concepts};

/// A prompt for a language model: two texts and the JSON schema of the reply.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What it asks for.
    pub asks_for: AsksFor,
    /// The instructions: the same for every article.
    pub system: String,
    /// The article.
    pub user: String,
    /// The JSON schema of the reply. Every property is required. A model that is held to it writes
    /// the properties in the schema's order: the kind and the problem first.
    pub schema: Value,
}

/// What a [`Question`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsksFor {
    /// A précis.
    Precis,
    /// Whether the article says what a précis says. A second model may answer this.
    Check,
}

/// Maximum characters of a description.
const DESCRIPTION_MAX: usize = 600;
/// Maximum sentences that a statement may cite, in the short prompt's schema.
const SHORT_SENTENCES: usize = 4;
/// Maximum concepts that the short prompt lists.
const SHORT_CONCEPTS: usize = 12;

impl PromptVersion {
    fn template(self) -> &'static str {
        match self {
            Self::Two => include_str!("../../data/prompts/2.txt"),
            Self::Three => include_str!("../../data/prompts/3.txt"),
            Self::ThreeShort => include_str!("../../data/prompts/3-short.txt"),
        }
    }

    fn system(self) -> String {
        let kinds = Kind::ALL.map(|kind| format!("{kind} ({})", means(kind))).join(", ");
        let concepts: Vec<&str> = Vocabulary::builtin().concepts().iter().map(|c| c.slug.as_str()).collect();
        self.template()
            .trim_end()
            .replace("{kinds}", &kinds)
            .replace("{names}", &Kind::ALL.map(Kind::as_str).join(", "))
            .replace("{most}", &STATEMENT_MAX.to_string())
            .replace("{concepts}", &concepts.join(", "))
    }
}

impl Question {
    pub(super) fn about(
        article: &Text<'_>,
        excerpt: &Excerpt,
        first: &[backissue_model::ConceptSlug],
        version: PromptVersion,
    ) -> Self {
        let mut user = user(article, excerpt);
        if version == PromptVersion::ThreeShort {
            // Writing to a text cannot fail.
            let _ = writeln!(user, "concepts to choose from: {}", mentioned(article, first));
        }
        user.push_str("Answer with the JSON object only.\n");
        Self { asks_for: AsksFor::Precis, system: version.system(), user, schema: schema(version) }
    }

    /// The same prompt with the refusals of the previous reply.
    pub(super) fn with_refusals(mut self, refusals: &[Refusal]) -> Self {
        self.user.push_str(
            "\nYou have answered this before, and these fields were refused. Answer again with the whole object, and \
             correct these fields or set them to null:\n",
        );
        for Refusal { field, said, reason, .. } in refusals {
            // Writing to a text cannot fail.
            let _ = writeln!(self.user, "- {field}: {reason}. You had written: {said}");
        }
        self
    }
}

/// The concepts that the article mentions. Those in `first` come first.
fn mentioned(article: &Text<'_>, first: &[backissue_model::ConceptSlug]) -> String {
    let vocabulary = Vocabulary::builtin().concepts();
    let others = concepts::with_a_word_in(article).into_iter().map(|at| &vocabulary[at].slug);
    let others = others.filter(|slug| !first.contains(slug));
    let slugs: Vec<&str> =
        first.iter().chain(others).take(SHORT_CONCEPTS).map(|slug| slug.as_str()).collect();
    if slugs.is_empty() { "none".to_owned() } else { slugs.join(", ") }
}

fn user(article: &Text<'_>, excerpt: &Excerpt) -> String {
    let mut text = String::from("<article>\n");
    let mut line = |words: std::fmt::Arguments<'_>| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{words}");
    };
    line(format_args!("company: {}", one_line(article.company)));
    line(format_args!("title: {}", one_line(article.title)));
    if let Some(description) = article.description.map(one_line).filter(|d| !d.is_empty()) {
        line(format_args!("description: {}", first_chars(&description, DESCRIPTION_MAX)));
    }
    for (at, shown) in excerpt.sentences.iter().enumerate() {
        if shown.after_gap {
            line(format_args!("[…]"));
        }
        if let Some(heading) = &shown.heading {
            line(format_args!("# {heading}"));
        }
        line(format_args!("[{}] {}", at + 1, shown.line));
    }
    text.push_str("</article>\n");
    text
}

fn means(kind: Kind) -> &'static str {
    match kind {
        Kind::CaseStudy => "how a team solved a problem of its own",
        Kind::Incident => "what broke, why, and what was done",
        Kind::Research => "a new method, measurement or finding",
        Kind::Tutorial => "how to do something",
        Kind::Announcement => "a release, a product, a price, a policy",
        Kind::Opinion => "what somebody thinks",
        Kind::Profile => "a person or a team",
        Kind::Event => "a conference or meet-up",
        Kind::Other => "none of these",
    }
}

/// The schema of the reply. Lists have a maximum length, because a weak model may otherwise add
/// items until the time limit.
fn schema(version: PromptVersion) -> Value {
    let list = |items: Value, most: usize| json!({ "type": "array", "items": items, "maxItems": most });
    let is_short = version == PromptVersion::ThreeShort;
    let mut text = json!({ "type": "string" });
    if is_short {
        // Small models copy sentence after sentence, which takes minutes on a machine without a
        // graphics card. A statement that is cut there is too long, so it is refused.
        text["maxLength"] = json!(2 * STATEMENT_MAX);
    }
    let cited = if is_short { SHORT_SENTENCES } else { SENTENCES_MAX };
    let (text, sentences) = (("text", text), ("sentences", list(json!({ "type": "integer" }), cited)));
    // A model that chooses its sentences first writes what they say.
    let parts = if version == PromptVersion::Two { [text, sentences] } else { [sentences, text] };
    let statement = json!({ "anyOf": [object(parts), { "type": "null" }] });
    let values: [Value; FIELDS.len()] = [
        json!({ "type": "string", "enum": Kind::ALL.map(Kind::as_str) }),
        statement.clone(),
        statement.clone(),
        statement,
        list(json!({ "type": "string" }), CONCEPTS_MAX),
        list(json!({ "type": "string" }), TECHNOLOGIES_MAX),
    ];
    object(FIELDS.into_iter().zip(values))
}

/// The schema of an object with these properties, all required, in this order.
pub(super) fn object<'n>(properties: impl IntoIterator<Item = (&'n str, Value)>) -> Value {
    let properties: Map<String, Value> =
        properties.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    json!({
        "type": "object",
        "required": properties.keys().collect::<Vec<_>>(),
        "properties": properties,
        "additionalProperties": false,
    })
}
