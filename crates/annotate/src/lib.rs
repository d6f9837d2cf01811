//! Text to précis: what an article is about, which problem it solves, and the sentences that say so.
//!
//! ```
//! let text = "Our nightly import failed whenever two jobs took the same lock. We gave each job a lock of its own.";
//! let precis = backissue_annotate::annotate(&backissue_annotate::Text {
//!     title: "A lock for every job",
//!     text,
//!     html: None,
//!     description: None,
//!     company: "Acme",
//!     url: None,
//!     language: Some("en"),
//!     tags: &[],
//! });
//! let problem = precis.problem.as_ref().expect("the first sentence names one");
//! assert_eq!(problem.text, "Acme's nightly import failed whenever two jobs took the same lock.");
//! assert!(precis.is_backed_by(text));
//! ```
//!
//! The built-in annotator is deterministic and knows no world: it chooses sentences of the article by signs that are
//! listed in `data/cues.toml`, and words them in the third person. What it says is therefore always the article's own;
//! an instruction inside an article is a sentence like any other. Where no sentence is good enough it says nothing.
//!
//! This crate must not do input or output of any kind, nor read the clock.

mod blocks;
mod choose;
mod concepts;
mod cues;
mod kinds;
mod language;
mod outline;
mod person;
mod phrases;
mod rank;
mod sentences;
mod statement;
mod technologies;
mod verbs;
mod vocabulary;

use backissue_model::{MadeBy, Precis};
use url::Url;

use crate::choose::{Asked, best_problem_score, choose};
use crate::cues::{Cues, Field};
use crate::kinds::Voice;
use crate::outline::Outline;
use crate::rank::{Measured, measure};
use crate::technologies::Technologies;

pub use sentences::sentences;
pub use vocabulary::{Vocabulary, VocabularyError};

/// An article and what is known of it.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// Its title, without the site's name.
    pub title: &'a str,
    /// Its plain text, blocks separated by an empty line, lines of code and lists kept. Evidence points into this.
    pub text: &'a str,
    /// Its sanitised HTML, which tells headings, code and quotations apart better than the text alone.
    pub html: Option<&'a str>,
    /// The description that the feed or the page gives.
    pub description: Option<&'a str>,
    /// Whose blog it is, as named in statements; empty where not known, and then nothing is said in the first person.
    pub company: &'a str,
    /// Its address.
    pub url: Option<&'a Url>,
    /// Its language as a BCP 47 tag. Only a hint: the text itself decides where it is long enough.
    pub language: Option<&'a str>,
    /// The tags that its author gave it.
    pub tags: &'a [String],
}

/// The précis of an article, by the built-in annotator.
///
/// Every statement satisfies [`Precis::is_backed_by`] for `article.text` and has at most 240 characters. A text in another
/// language than English gets a kind, concepts and technologies as far as they can be told, and no statements.
pub fn annotate(article: &Text<'_>) -> Precis {
    let cues = Cues::builtin();
    let outline = article.html.map(Outline::of).unwrap_or_default();
    let blocks = blocks::blocks(article.text, &outline);
    let english = language::is_english(article.text, article.language);
    let sentences = if english { sentences::sentences_in(article.text, &blocks) } else { Vec::new() };
    let measured = measure(article, &blocks, sentences, cues);
    let kind = kinds::kind_of(article, &blocks, voice(&measured, cues), cues);
    let asked = cues
        .problem_bar
        .get(&kind)
        .map(|bar| Asked { bar: *bar, lead: cues.problem_lead.get(&kind).copied().unwrap_or_default() });
    let problem = asked.and_then(|asked| choose(article, &measured, Field::Problem, asked, &[], cues));
    let mut used: Vec<usize> = problem.iter().flat_map(|chosen| chosen.sentences.clone()).collect();
    let part = |field, used: &[usize]| {
        problem.as_ref().and_then(|_| choose(article, &measured, field, Asked::default(), used, cues))
    };
    let approach = part(Field::Approach, &used);
    used.extend(approach.iter().flat_map(|chosen| chosen.sentences.clone()));
    let outcome = part(Field::Outcome, &used);
    Precis {
        kind,
        problem: problem.map(|chosen| chosen.statement),
        approach: approach.map(|chosen| chosen.statement),
        outcome: outcome.map(|chosen| chosen.statement),
        concepts: concepts::concepts_of(article, &blocks),
        technologies: Technologies::builtin().named_in(article.title, article.text),
        made_by: made_by(cues),
    }
}

/// The program's version and that of the signs, so that a change of either shows.
fn made_by(cues: &Cues) -> MadeBy {
    MadeBy {
        annotator: "built-in".to_owned(),
        version: format!("{}+cues.{}", env!("CARGO_PKG_VERSION"), cues.version),
        model: None,
        prompt_version: None,
    }
}

fn voice(measured: &Measured, cues: &Cues) -> Voice {
    let all = measured.measures.len().max(1) as f32;
    let you = measured.measures.iter().filter(|m| m.says_you()).count() as f32;
    let singular = measured.measures.iter().filter(|m| m.says_i()).count() as f32;
    Voice {
        problem: best_problem_score(measured, cues),
        second_person: you / all,
        first_singular: singular / all,
    }
}

#[cfg(test)]
mod test_articles {
    use crate::Text;

    /// An article in English by Acme of which only title and text are known.
    pub(crate) fn article<'a>(title: &'a str, text: &'a str) -> Text<'a> {
        Text {
            title,
            text,
            html: None,
            description: None,
            company: "Acme",
            url: None,
            language: Some("en"),
            tags: &[],
        }
    }
}
