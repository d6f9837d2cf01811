//! Ranks an article's sentences for each part of the précis.
//!
//! A sentence is measured once; each field weighs the measures in its own way (`data/cues.toml`). This module must not
//! change a sentence.

use std::collections::{HashMap, HashSet};

use crate::Text;
use crate::blocks::{Block, BlockKind};
use crate::cues::{Cues, Field};
use crate::person::is_singular;
use crate::sentences::Sentence;
use crate::statement::{leans, without_lead_ins};

/// Sentences that are measured; what an article has to say first, it has said by then.
const MOST: usize = 500;
/// A sentence speaks for a field where one strong sign does, or two weak ones of a group.
const SPEAKS: f32 = 0.85;

/// What can be said of a sentence before asking what for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measures {
    /// Signs by group, as often as found.
    signs: Vec<u8>,
    heading: [f32; 3],
    /// Stands among the first three blocks of text.
    pub first_paragraph: bool,
    /// 1 at the beginning of the article, 0 at its end.
    early: f32,
    characters: usize,
    figures: usize,
    title_overlap: f32,
    description_overlap: f32,
    centrality: f32,
    question: bool,
    second_person: bool,
    first_singular: bool,
    generic_we: bool,
    /// Begins with a word that stands for something in the sentence before.
    pub leans: bool,
    quoted: bool,
    list_item: bool,
    code_like: bool,
    imperative: bool,
    future: bool,
    unfinished: bool,
}

/// An article's sentences with their measures.
pub(crate) struct Measured {
    pub sentences: Vec<Sentence>,
    pub measures: Vec<Measures>,
}

/// Measures the sentences of an article.
pub(crate) fn measure(
    article: &Text<'_>,
    blocks: &[Block],
    sentences: Vec<Sentence>,
    cues: &Cues,
) -> Measured {
    let title = stems(article.title).collect::<HashSet<_>>();
    let description = stems(article.description.unwrap_or_default()).collect::<HashSet<_>>();
    let of_sentence: Vec<Vec<u64>> =
        sentences.iter().take(MOST).map(|s| stems(quote(article.text, s)).collect()).collect();
    let mut often: HashMap<u64, u32> = HashMap::new();
    for stem in of_sentence.iter().flatten() {
        *often.entry(*stem).or_default() += 1;
    }
    let headings: Vec<[f32; 3]> =
        blocks.iter().map(|block| heading_weights(article.text, block, cues)).collect();
    let paragraphs = first_paragraphs(blocks);
    let total = article.text.len().max(1) as f32;
    let measures: Vec<Measures> = sentences
        .iter()
        .zip(&of_sentence)
        .map(|(sentence, stems)| {
            let block = &blocks[sentence.block];
            let mut measures = of_words(quote(article.text, sentence), cues);
            measures.heading = block.heading.map_or([0.0; 3], |at| headings[at]);
            measures.first_paragraph = sentence.block <= paragraphs;
            measures.early = 1.0 - sentence.span.start as f32 / total;
            measures.quoted |= block.kind == BlockKind::Quote;
            measures.list_item = block.kind == BlockKind::ListItem;
            measures.title_overlap = share(&title, stems);
            measures.description_overlap = share(&description, stems);
            measures.centrality = centrality(stems, &often);
            measures
        })
        .collect();
    Measured { sentences, measures }
}

impl Measures {
    /// How well the sentence would serve as `field`; comparable within one field only.
    pub(crate) fn score(&self, field: Field, cues: &Cues) -> f32 {
        let w = cues.weights(field);
        let on = |is: bool, weight: f32| if is { weight } else { 0.0 };
        self.sign_score(field, cues)
            + self.heading[field as usize]
            + on(self.first_paragraph, w.first_paragraph)
            + self.early * w.early
            + on(self.early < 0.2, w.late)
            + on(self.figures > 0, w.figure)
            + on(self.figures > 1, w.figures)
            + self.title_overlap * w.title_overlap
            + self.description_overlap * w.description_overlap
            + self.centrality * w.centrality
            + on(self.question, w.question)
            + on(self.second_person, w.second_person)
            + on(self.first_singular, w.first_singular)
            + on(self.generic_we, w.generic_we)
            + on(self.quoted, w.quoted)
            + on(self.list_item, w.list_item)
            + on(self.characters < 60, w.short)
            + on(self.characters < 30, w.very_short)
            + on(self.characters > 200, w.long)
            + on(self.code_like, w.code_like)
            + on(self.imperative, w.imperative)
            + on(self.future, w.future)
            + on(self.unfinished, w.unfinished)
    }

    pub(crate) fn says_you(&self) -> bool {
        self.second_person
    }

    pub(crate) fn says_i(&self) -> bool {
        self.first_singular
    }

    fn sign_score(&self, field: Field, cues: &Cues) -> f32 {
        let mut sum = 0.0;
        let mut speaks = false;
        for (count, weight) in self.signs.iter().zip(&cues.sign_weights) {
            let weight = weight.of(field);
            // 1, 1 + 1/2, 1 + 1/2 + 1/4 …
            let times = 2.0 - 2.0 * 0.5f32.powi(i32::from(*count).min(4));
            sum += weight * times;
            speaks |= weight * times >= SPEAKS;
        }
        let cap = cues.weights(field).sign_cap;
        // Long sentences collect signs; the fourth says little that the third has not.
        let sum = if sum > 0.0 { cap * (1.0 - (-sum / cap).exp()) } else { sum };
        if speaks { sum } else { sum + cues.weights(field).no_sign }
    }
}

/// Whether the text has a sign that speaks for `field`.
pub(crate) fn has_sign(text: &str, field: Field, cues: &Cues) -> bool {
    cues.signs.find(&straight(text)).iter().any(|hit| cues.sign_weights[*hit.meaning].of(field) >= 0.5)
}

pub(crate) fn quote<'t>(text: &'t str, sentence: &Sentence) -> &'t str {
    &text[sentence.span.start as usize..sentence.span.end as usize]
}

fn of_words(sentence: &str, cues: &Cues) -> Measures {
    let plain = straight(sentence);
    let mut signs = vec![0u8; cues.sign_weights.len()];
    for hit in cues.signs.find(&plain) {
        signs[*hit.meaning] = signs[*hit.meaning].saturating_add(1);
    }
    let mut measures = Measures {
        signs,
        characters: plain.chars().count(),
        question: plain.ends_with('?'),
        generic_we: !cues.generic_we.find(&plain).is_empty(),
        quoted: plain.starts_with(['"', '“', '‘', '«']),
        unfinished: !plain.ends_with(['.', '!', '?', '"', ')', '”']) || plain.ends_with(".."),
        ..Measures::default()
    };
    let body = without_lead_ins(&plain, cues);
    measures.leans = leans(&body, cues);
    for (at, word) in plain.split_whitespace().enumerate() {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        measures.figures += usize::from(bare.starts_with(|c: char| c.is_ascii_digit()));
        let odd = word.contains("()")
            || word.contains("::")
            || word.contains("->")
            || word.contains("=>")
            || word.contains('_')
            || word.contains('{')
            || word.contains("://");
        measures.code_like |= odd;
        let lower = bare.to_ascii_lowercase();
        measures.second_person |=
            matches!(lower.as_str(), "you" | "your" | "you're" | "you've" | "you'll" | "you'd" | "yourself");
        measures.first_singular |= is_singular(&lower);
        measures.future |= lower == "will" || lower.ends_with("'ll");
        measures.imperative |= at == 0 && cues.imperatives.contains(&lower);
    }
    measures
}

fn straight(text: &str) -> String {
    text.replace('’', "'").replace('\n', " ")
}

fn heading_weights(text: &str, block: &Block, cues: &Cues) -> [f32; 3] {
    let mut weights = [0.0f32; 3];
    if block.kind != BlockKind::Heading {
        return weights;
    }
    for hit in cues.headings.find(&text[block.start..block.end]) {
        for (weight, field) in weights.iter_mut().zip([Field::Problem, Field::Approach, Field::Outcome]) {
            let more = hit.meaning.of(field);
            // One word says what a section is; a second one does not say it louder.
            *weight = if more < 0.0 { weight.min(more) } else { weight.max(more) };
        }
    }
    weights
}

/// The place of the third block with text in the list of blocks.
fn first_paragraphs(blocks: &[Block]) -> usize {
    let with_text = blocks.iter().enumerate().filter(|(_, block)| block.kind != BlockKind::Heading);
    with_text.map(|(at, _)| at).nth(2).unwrap_or(usize::MAX)
}

fn share(wanted: &HashSet<u64>, stems: &[u64]) -> f32 {
    if wanted.is_empty() || stems.is_empty() {
        return 0.0;
    }
    let found = stems.iter().filter(|s| wanted.contains(s)).collect::<HashSet<_>>().len();
    // A title of twenty words need not be repeated whole.
    (found as f32 / wanted.len().clamp(3, 8) as f32).min(1.0)
}

/// How much the words of a sentence are those the article uses again and again, 0 to 1.
fn centrality(stems: &[u64], often: &HashMap<u64, u32>) -> f32 {
    if stems.len() < 3 {
        return 0.0;
    }
    let sum: f32 = stems.iter().map(|s| often.get(s).map_or(0.0, |n| (*n as f32).ln().min(3.0) / 3.0)).sum();
    sum / stems.len() as f32
}

/// Words of a text that carry meaning, each as a hash of its stem.
fn stems(text: &str) -> impl Iterator<Item = u64> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’')
        .filter(|word| word.len() > 2 && !STOPWORDS.iter().any(|s| s.eq_ignore_ascii_case(word)))
        .map(stem)
}

/// FNV-1a over the word in lower case without its ending.
fn stem(word: &str) -> u64 {
    let bare = word.trim_end_matches("'s").trim_end_matches("’s");
    let cut = ["ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "s", "ly", "y", "e"]
        .iter()
        .find_map(|end| bare.strip_suffix(end).filter(|rest| rest.len() >= 3))
        .unwrap_or(bare);
    cut.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, b| {
        (hash ^ u64::from(b.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    })
}

const STOPWORDS: &[&str] = &[
    "the", "and", "for", "are", "was", "were", "that", "this", "with", "from", "have", "has", "had", "not",
    "but", "you", "your", "our", "its", "it's", "they", "their", "them", "there", "these", "those", "which",
    "what", "when", "where", "who", "why", "how", "can", "could", "will", "would", "should", "may", "might",
    "must", "into", "onto", "than", "then", "also", "just", "only", "more", "most", "some", "any", "all",
    "each", "every", "other", "such", "very", "much", "many", "about", "over", "under", "after", "before",
    "while", "because", "been", "being", "does", "did", "don't", "one", "two", "use", "used", "using",
    "like", "make", "made", "way", "get", "got", "new", "now", "let",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_and_its_forms_share_a_stem() {
        for (a, b) in
            [("Caching", "cached"), ("failures", "failure"), ("queries", "query"), ("isolation", "Isolated")]
        {
            let same = stem(a) == stem(b);
            // "isolation" and "isolated" are where so plain a rule ends.
            assert_eq!(same, a != "isolation", "{a} {b}");
        }
    }

    #[test]
    fn the_problem_outranks_the_announcement_of_the_post() {
        let cues = Cues::builtin();
        let of = |text: &str| of_words(text, cues).score(Field::Problem, cues);
        let problem = of(
            "Starting hundreds of containers was slow, because mounting their layers contended on one kernel lock.",
        );
        for worse in [
            "In this post, we describe how we start hundreds of containers in a few seconds.",
            "We are excited to announce that container start-up is now much faster than it was.",
            "Have you ever wondered why containers fail to start as quickly as you want them to?",
            "Thanks to everyone who helped to find out why starting the containers was slow for us!",
        ] {
            assert!(problem > of(worse) + 1.0, "{worse}");
        }
    }
}
