//! Finds the concepts of the vocabulary that an article is about.
//!
//! This module knows no concept by name: it searches for the phrases of [`Vocabulary`].

use std::collections::BTreeSet;
use std::sync::LazyLock;

use backissue_model::{ConceptSlug, Statement};

use crate::Text;
use crate::blocks::{Block, BlockKind};
use crate::features::yes;
use crate::phrases::Phrases;
use crate::vocabulary::{Strength, Vocabulary};
use crate::weights::{Weights, log_odds};

/// Maximum concepts of an article.
pub(crate) const MOST: usize = backissue_model::CONCEPTS_MAX;

/// An ambiguous word that occurs at least this often in the body probably means the concept.
const OFTEN: u32 = 5;

/// Bytes of text that count as its beginning.
const LEAD: usize = 600;

static PHRASES: LazyLock<Phrases<(usize, Strength)>> = LazyLock::new(|| {
    let phrases =
        Vocabulary::builtin().phrases().map(|(text, at, strength)| (text.to_owned(), (at, strength)));
    Phrases::new(phrases).expect("some thousand phrases fit the automaton")
});

/// How often a concept is mentioned in one place: by its name or an alias, and by ambiguous words.
#[derive(Clone, Copy, Default)]
struct Count {
    own: u32,
    weak: u32,
}

#[derive(Clone, Copy, Default)]
struct Found {
    title: Count,
    tags: Count,
    description: Count,
    headings: Count,
    lead: Count,
    body: Count,
    problem: Count,
    /// Number of blocks of the body that mention the concept.
    blocks: u32,
}

/// A concept that the article may be about.
pub(crate) struct MentionedConcept {
    /// Its index in the vocabulary.
    pub at: usize,
    pub features: Vec<(&'static str, f32)>,
}

/// The concepts of `article`, best first, at most 4.
pub(crate) fn concepts_of(
    article: &Text<'_>,
    blocks: &[Block],
    problem: Option<&Statement>,
    weights: &Weights,
) -> Vec<ConceptSlug> {
    let mut likely: Vec<(usize, f32)> = candidates(article, blocks, problem)
        .into_iter()
        .map(|candidate| (candidate.at, log_odds(&weights.concept, &candidate.features)))
        .filter(|(_, odds)| *odds >= weights.concept_bar)
        .collect();
    likely.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let concepts = Vocabulary::builtin().concepts();
    likely.into_iter().take(MOST).map(|(at, _)| concepts[at].slug.clone()).collect()
}

/// The indices of all concepts that the article mentions by any phrase, even an ambiguous one.
pub(crate) fn with_a_word_in(article: &Text<'_>) -> BTreeSet<usize> {
    let title = spaced(article.title);
    let texts = [title.as_str(), article.description.unwrap_or_default(), article.text];
    texts.into_iter().flat_map(|text| PHRASES.find(text)).map(|hit| hit.meaning.0).collect()
}

/// The concepts that the article mentions with enough support, with their features.
pub(crate) fn candidates(
    article: &Text<'_>,
    blocks: &[Block],
    problem: Option<&Statement>,
) -> Vec<MentionedConcept> {
    let found = find(article, blocks, problem);
    let most = found.iter().map(|f| f.body.own).max().unwrap_or_default().max(1) as f32;
    let prose = blocks.iter().filter(|block| is_prose(block)).count().max(1) as f32;
    let families = Families::of(&found);
    let named = found.iter().enumerate().filter(|(_, found)| found.is_supported());
    named
        .map(|(at, found)| {
            let mut features = found.features();
            features.push(("share of blocks", found.blocks as f32 / prose));
            features.push(("beside the most named", found.body.own as f32 / most));
            features.push(("child named", yes(families.child_named[at])));
            features.push(("child in title", yes(families.child_in_title[at])));
            features.push(("parent named", yes(families.parent_named[at])));
            features.retain(|(_, value)| *value != 0.0);
            MentionedConcept { at, features }
        })
        .collect()
}

/// For each concept, whether its parent or children in the vocabulary are mentioned too.
struct Families {
    child_named: Vec<bool>,
    child_in_title: Vec<bool>,
    parent_named: Vec<bool>,
}

impl Families {
    fn of(found: &[Found]) -> Self {
        let none = vec![false; found.len()];
        let mut families =
            Self { child_named: none.clone(), child_in_title: none.clone(), parent_named: none };
        for (at, child) in found.iter().enumerate() {
            let Some(parent) = Vocabulary::builtin().parent_at(at) else { continue };
            families.child_named[parent] |= child.is_supported();
            families.child_in_title[parent] |= child.title.own > 0;
            families.parent_named[at] = found[parent].is_supported();
        }
        families
    }
}

fn find(article: &Text<'_>, blocks: &[Block], problem: Option<&Statement>) -> Vec<Found> {
    let mut found = vec![Found::default(); Vocabulary::builtin().concepts().len()];
    count(&mut found, &spaced(article.title), |found| &mut found.title);
    count(&mut found, &spaced(&article.tags.join(" , ")), |found| &mut found.tags);
    count(&mut found, article.description.unwrap_or_default(), |found| &mut found.description);
    for evidence in problem.iter().flat_map(|problem| &problem.evidence) {
        count(&mut found, &evidence.quote, |found| &mut found.problem);
    }
    for block in blocks {
        let text = &article.text[block.start..block.end];
        if block.kind == BlockKind::Heading {
            count(&mut found, text, |found| &mut found.headings);
        } else if is_prose(block) {
            count_block(&mut found, text, block.start < LEAD);
        }
    }
    found
}

fn is_prose(block: &Block) -> bool {
    !matches!(block.kind, BlockKind::Heading | BlockKind::Code)
}

/// A short text twice: unchanged, and with words split at hyphens and underscores.
fn spaced(text: &str) -> String {
    if text.contains(['-', '_']) {
        format!("{text} , {}", text.replace(['-', '_'], " "))
    } else {
        text.to_owned()
    }
}

fn count(found: &mut [Found], text: &str, place: impl Fn(&mut Found) -> &mut Count) {
    for hit in PHRASES.find(text) {
        let (at, strength) = *hit.meaning;
        place(&mut found[at]).add(strength);
    }
}

fn count_block(found: &mut [Found], text: &str, is_lead: bool) {
    let mut here: Vec<usize> = Vec::new();
    for hit in PHRASES.find(text) {
        let (at, strength) = *hit.meaning;
        found[at].body.add(strength);
        if is_lead {
            found[at].lead.add(strength);
        }
        here.push(at);
    }
    here.sort_unstable();
    here.dedup();
    for at in here {
        found[at].blocks += 1;
    }
}

impl Count {
    fn add(&mut self, strength: Strength) {
        match strength {
            Strength::Own => self.own += 1,
            Strength::Weak => self.weak += 1,
        }
    }
}

impl Found {
    /// Whether the article mentions the concept by name or alias, or by an ambiguous word that
    /// probably means it.
    fn is_supported(&self) -> bool {
        let own = [self.title, self.tags, self.description, self.headings, self.body];
        let weak = self.title.weak > 0 || self.tags.weak > 0 || self.body.weak >= OFTEN;
        weak || own.iter().any(|count| count.own > 0)
    }

    fn features(&self) -> Vec<(&'static str, f32)> {
        // The tenth mention adds less than the second.
        let often = |count: u32| (1.0 + count as f32).ln() / 2.0;
        let only_weak = |count: Count| yes(count.own == 0 && count.weak > 0);
        vec![
            ("bias", 1.0),
            ("title", yes(self.title.own > 0)),
            ("title, weak", only_weak(self.title)),
            ("tag", yes(self.tags.own > 0)),
            ("tag, weak", only_weak(self.tags)),
            ("description", yes(self.description.own > 0)),
            ("description, weak", only_weak(self.description)),
            ("headings", often(self.headings.own)),
            ("headings, weak", often(self.headings.weak)),
            ("lead", often(self.lead.own)),
            ("lead, weak", often(self.lead.weak)),
            ("body", often(self.body.own)),
            ("body, weak", often(self.body.weak)),
            ("once", yes(self.body.own == 1)),
            ("problem", yes(self.problem.own > 0)),
            ("problem, weak", only_weak(self.problem)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use crate::test_articles::article;

    fn concepts(title: &str, text: &str) -> Vec<String> {
        crate::annotate(&article(title, text)).concepts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn concepts_in_the_title_come_first() {
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
