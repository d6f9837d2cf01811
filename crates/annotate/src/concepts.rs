//! Finds the concepts of the vocabulary that an article is about.
//!
//! This module must not decide what a concept is called; the vocabulary does.

use std::sync::LazyLock;

use backissue_model::ConceptSlug;

use crate::Text;
use crate::blocks::{Block, BlockKind};
use crate::phrases::Phrases;
use crate::vocabulary::{Strength, Vocabulary};

/// Most concepts of one article.
const MOST: usize = 4;
/// What a mention weighs by where it stands.
const IN_TITLE: f32 = 5.0;
const IN_TAG: f32 = 4.0;
const IN_DESCRIPTION: f32 = 2.0;
const IN_HEADING: f32 = 1.2;
/// Mentions in the body count by their square root: the tenth says less than the second.
const IN_BODY: f32 = 1.0;
/// A weak word counts this much of a strong one, and only with support.
const WEAK: f32 = 0.35;
/// A concept below this is a passing mention, unless nothing else was found.
const BAR: f32 = 2.2;
/// A concept must reach this share of the best one's score.
const BESIDE_BEST: f32 = 0.3;
/// What a broader concept keeps of its score beside one of its own children.
const BROADER: f32 = 0.55;

static PHRASES: LazyLock<Phrases<(usize, Strength)>> = LazyLock::new(|| {
    let phrases =
        Vocabulary::builtin().phrases().map(|(text, at, strength)| (text.to_owned(), (at, strength)));
    Phrases::new(phrases).expect("some thousand phrases fit the automaton")
});

#[derive(Clone, Copy, Default)]
struct Found {
    strong: f32,
    weak: f32,
    strong_in_body: f32,
    weak_in_body: f32,
    /// Has a name or alias anywhere, or a weak word where it cannot be meant otherwise.
    supported: bool,
}

/// The concepts of `article`, best first, at most 4.
pub(crate) fn concepts_of(article: &Text<'_>, blocks: &[Block]) -> Vec<ConceptSlug> {
    let vocabulary = Vocabulary::builtin();
    let mut found = vec![Found::default(); vocabulary.concepts().len()];
    let places = [
        (article.title, IN_TITLE, true),
        (&article.tags.join(" , "), IN_TAG, true),
        (article.description.unwrap_or_default(), IN_DESCRIPTION, false),
    ];
    for (text, weight, supports) in places {
        note(&mut found, &text.replace(['-', '_'], " "), weight, supports);
        note(&mut found, text, weight, supports);
    }
    for block in blocks {
        let text = &article.text[block.start..block.end];
        match block.kind {
            BlockKind::Heading => note(&mut found, text, IN_HEADING, false),
            BlockKind::Code => {}
            _ => count(&mut found, text),
        }
    }
    best(vocabulary, &found)
}

/// Notes each concept once in a short text.
fn note(found: &mut [Found], text: &str, weight: f32, supports: bool) {
    for hit in PHRASES.find(text) {
        let (at, strength) = *hit.meaning;
        let here = &mut found[at];
        match strength {
            Strength::Own => {
                here.strong = here.strong.max(weight) + if here.strong > 0.0 { weight * 0.2 } else { 0.0 };
                here.supported = true;
            }
            Strength::Weak => {
                here.weak = here.weak.max(weight);
                here.supported |= supports;
            }
        }
    }
}

fn count(found: &mut [Found], text: &str) {
    for hit in PHRASES.find(text) {
        let (at, strength) = *hit.meaning;
        match strength {
            Strength::Own => {
                found[at].strong_in_body += 1.0;
                found[at].supported = true;
            }
            Strength::Weak => found[at].weak_in_body += 1.0,
        }
    }
}

impl Found {
    fn score(&self) -> f32 {
        if !self.supported {
            return 0.0;
        }
        let body = (self.strong_in_body + self.weak_in_body * WEAK * 0.6).sqrt() * IN_BODY;
        self.strong + self.weak * WEAK + body
    }
}

fn best(vocabulary: &Vocabulary, found: &[Found]) -> Vec<ConceptSlug> {
    let mut scores: Vec<f32> = found.iter().map(Found::score).collect();
    let plain = scores.clone();
    for (at, score) in plain.iter().enumerate() {
        if let Some(parent) = vocabulary.parent_at(at).filter(|&p| *score >= BAR && plain[p] < 2.0 * score) {
            scores[parent] = scores[parent].min(plain[parent] * BROADER);
        }
    }
    let mut order: Vec<usize> = (0..scores.len()).filter(|&at| scores[at] > 0.0).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    let top = order.first().map_or(0.0, |&at| scores[at]);
    let bar = BAR.max(top * BESIDE_BEST);
    let enough = order.iter().filter(|&&at| scores[at] >= bar).count();
    // One weak find is better than none, two are a guess.
    let take = if enough == 0 && top >= BAR * 0.6 { 1 } else { enough.min(MOST) };
    order.into_iter().take(take).map(|at| vocabulary.concepts()[at].slug.clone()).collect()
}

#[cfg(test)]
mod tests {
    use crate::test_articles::article;

    fn concepts(title: &str, text: &str) -> Vec<String> {
        crate::annotate(&article(title, text)).concepts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_the_title_says_comes_first() {
        let found = concepts(
            "The nine o'clock cache stampede",
            "A cold cache. Cache misses hit the database. We cache again.",
        );
        assert_eq!(found.first().map(String::as_str), Some("cache-stampede"));
    }

    #[test]
    fn common_words_alone_are_no_concept() {
        let text = "The edge of the page is a topic. The agents sign the bill, and the images trace a thread through the batch.";
        assert_eq!(concepts("A walk in the park", text), Vec::<String>::new());
        for text in [
            "How people react. They react, and react again. A swift answer spans weeks; it spans months, and spans years.",
            "The backbone of the control group. The backbone holds. At the checkout the settlement paid the bill, the bill.",
            "We exploit the capacity of the provisioning. We exploit capacity. Hydration and translations. Hydration again.",
            "Page through the book, page through it, for the first time; time to first light. A state machine, a state machine.",
        ] {
            assert_eq!(concepts("A walk in the park", text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn concepts_are_found_as_whole_words_in_any_case() {
        let text = "Our RATE LIMITER uses a token bucket. The rate limit is per tenant. Rate limiting helps.";
        assert_eq!(concepts("Fair shares", text), ["rate-limiting"]);
        assert_eq!(concepts("Draft", "Drafts, aircraft and craftsmanship, paxosoid."), Vec::<String>::new());
    }
}
