//! The numerical features of each sentence of an article, for the trained weights.
//!
//! A feature has a name, which `data/weights.toml` uses, and a value from 0 to about 1 (2 for a
//! repeated sign). Features do not depend on the part for which a sentence is considered. This
//! module does not know the weight of a feature.

use std::collections::{BTreeSet, HashMap, HashSet};

use backissue_model::cancel::checkpoint;

use crate::Text;
use crate::blocks::{Block, BlockKind};
use crate::cues::Cues;
use crate::leaning::{leans, needs_a_sentence, opening};
use crate::ngrams::ngrams;
use crate::sentences::Sentence;
use crate::stems::{hash, share, stems};
use crate::style::is_singular;
use crate::unfit::{self, Unfit};

/// Maximum sentences of an article that are examined, from the start.
pub(crate) const MOST: usize = 500;

/// A sentence that occurs more often than this in the article is not quoted.
const REPEATED: u32 = 3;

/// The features of a sentence that are not groups of signs. [`Surroundings::own`] returns their
/// values in this order.
const OWN: &[&str] = &[
    "first sentence", "second or third sentence", "fourth to sixth sentence", "first tenth", "second tenth",
    "third and fourth tenth", "last fifth", "last tenth", "before any heading", "first of its paragraph",
    "last of its paragraph", "alone in its paragraph", "first under its heading", "has a figure",
    "has two figures", "has a share or a duration", "title overlap", "title overlap, longest",
    "description overlap", "in the description", "heading overlap", "common words", "central",
    "most central", "one of the five most central", "length", "question", "before: question",
    "second person", "first person singular", "first person plural", "names the company", "generic we",
    "leans", "quoted", "list item", "under 60 characters", "under 30 characters", "60 to 110 characters",
    "over 180 characters", "over 240 characters", "code-like", "imperative", "future", "past", "unfinished",
    "colon inside", "names", "points elsewhere", "ends with a colon", "says a result", "says a change",
    "says a plan", "says a failed attempt", "says how it was before", "gives advice", "is a remark",
    "says it is no trouble", "begins with a goal",
];

/// The features of a passage, which describe its context: whether it has a sentence before the
/// anchor, a heading, a list, or a neighbour.
pub(crate) const PASSAGE: [&str; 4] =
    ["passage: sentence before", "passage: heading", "passage: list", "passage: neighbour"];

/// The names of all features of a sentence, in the order of [`Measures::features`].
pub(crate) fn names(cues: &Cues) -> Vec<String> {
    let signs = cues.sign_groups.iter().map(|group| format!("sign: {}", group.name));
    let before = cues.sign_groups.iter().map(|group| format!("before: {}", group.name));
    let after = cues.sign_groups.iter().map(|group| format!("after: {}", group.name));
    let headings = cues.heading_groups.iter().map(|name| format!("under: {name}"));
    OWN.iter()
        .map(|name| (*name).to_owned())
        .chain(signs)
        .chain(before)
        .chain(after)
        .chain(headings)
        .collect()
}

/// What the annotator measures about one sentence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Measures {
    /// The values of its features, in the order of [`names`].
    pub features: Vec<f32>,
    /// Hashes of its words and pairs of words, see [`crate::ngrams`].
    pub ngrams: Vec<u64>,
    /// Whether it cannot be understood without the sentence before it.
    pub leans: bool,
    /// Number of words at its start that connect it to the sentence before: 1 for "However,".
    pub joining: usize,
    /// Whether a heading is not enough to understand it: it needs the sentence before.
    pub needs_a_sentence: bool,
    /// Properties that make it unsuitable as a passage, or lower the confidence.
    pub unfit: Unfit,
    /// Whether it says that something is wrong, slow, hard, missing or called a problem, or how
    /// long something takes.
    pub has_trouble: bool,
    /// Whether it says that something changed.
    pub has_change: bool,
}

/// An article's sentences with their measures.
pub(crate) struct Measured {
    pub sentences: Vec<Sentence>,
    pub measures: Vec<Measures>,
    pub topic: Topic,
}

/// The subject of the article: which meaningful words it uses, and how often.
pub(crate) struct Topic {
    /// The stems of each sentence, as hashes.
    stems: Vec<Vec<u64>>,
    title: HashSet<u64>,
    /// For each stem the logarithm of how often it occurs. `length` is the Euclidean norm of this
    /// vector.
    often: HashMap<u64, f32>,
    length: f32,
}

impl Topic {
    fn of(title: &str, stems: Vec<Vec<u64>>, often: &HashMap<u64, u32>) -> Self {
        let often: HashMap<u64, f32> =
            often.iter().map(|(stem, times)| (*stem, (*times as f32).ln_1p())).collect();
        // Summed in a fixed order, so that the same article always gives the same number.
        let mut squares: Vec<f32> = often.values().map(|value| value * value).collect();
        squares.sort_by(f32::total_cmp);
        let length = squares.iter().sum::<f32>().sqrt();
        Self { stems, title: crate::stems::stems(title).collect(), often, length }
    }

    /// Features that measure how many words these sentences share with the title and with the whole
    /// article. Sentences about a side topic share few.
    pub(crate) fn features(&self, sentences: &[usize]) -> [(&'static str, f32); 3] {
        let words: BTreeSet<u64> = sentences.iter().flat_map(|at| &self.stems[*at]).copied().collect();
        if words.is_empty() {
            return [("title cosine", 0.0), ("title covered", 0.0), ("article cosine", 0.0)];
        }
        let root = (words.len() as f32).sqrt();
        let shared = words.iter().filter(|word| self.title.contains(word)).count() as f32;
        let title = (self.title.len() as f32).max(1.0);
        let often: f32 = words.iter().filter_map(|word| self.often.get(word)).sum();
        [
            ("title cosine", shared / (root * title.sqrt())),
            ("title covered", shared / title),
            ("article cosine", often / (self.length.max(f32::MIN_POSITIVE) * root)),
        ]
    }
}

/// What the words of one sentence show, without its position and its neighbours.
#[derive(Default)]
struct Words {
    signs: Vec<u8>,
    characters: usize,
    figures: usize,
    amount: bool,
    question: bool,
    second_person: bool,
    first_singular: bool,
    first_plural: bool,
    generic_we: bool,
    elsewhere: bool,
    leans: bool,
    joining: usize,
    needs_a_sentence: bool,
    names_company: bool,
    unfit: Unfit,
    quoted: bool,
    code_like: bool,
    imperative: bool,
    future: bool,
    past: bool,
    unfinished: bool,
    colon: bool,
    names: usize,
}

/// Measures the sentences of an article.
pub(crate) fn measure(
    article: &Text<'_>,
    blocks: &[Block],
    mut sentences: Vec<Sentence>,
    cues: &Cues,
) -> Measured {
    sentences.truncate(MOST);
    let mut all = All::of(article, &sentences, blocks, cues);
    let surroundings = Surroundings::of(article, blocks, cues);
    let measures = (0..sentences.len())
        .map(|at| {
            checkpoint();
            let placed = Placed::of(&sentences, blocks, at);
            let own = surroundings.own(&all, &placed, at);
            let none = Vec::new();
            let before = if placed.begins_section { &none } else { &all.words[at - 1].signs };
            let after = if placed.ends_section { &none } else { &all.words[at + 1].signs };
            let groups = cues.sign_groups.len();
            let heading =
                blocks[sentences[at].block].heading.map_or(0, |heading| surroundings.headings[heading]);
            let mut features = own;
            features.extend(all.words[at].signs.iter().map(|count| times(*count)));
            features.extend((0..groups).map(|group| yes(before.get(group).is_some_and(|count| *count > 0))));
            features.extend((0..groups).map(|group| yes(after.get(group).is_some_and(|count| *count > 0))));
            features.extend((0..cues.heading_groups.len()).map(|group| yes(heading >> group & 1 == 1)));
            let ngrams = std::mem::take(&mut all.ngrams[at]);
            let words = &all.words[at];
            Measures {
                features,
                ngrams,
                leans: words.leans,
                joining: words.joining,
                needs_a_sentence: words.needs_a_sentence,
                unfit: words.unfit,
                has_trouble: words.has(&cues.trouble) || words.amount && words.has(&cues.amounts),
                has_change: words.unfit.result || words.unfit.change || words.has(&cues.change),
            }
        })
        .collect();
    let topic = Topic::of(article.title, all.stems, &all.often);
    Measured { sentences, measures, topic }
}

/// The value of a yes-or-no feature: 1 or 0.
pub(crate) fn yes(is: bool) -> f32 {
    if is { 1.0 } else { 0.0 }
}

/// The value of a group of signs that occurs `count` times: 1, 1 + 1/2, 1 + 1/2 + 1/4 and so on.
/// Each further sign adds less. No sign gives 0.
fn times(count: u8) -> f32 {
    2.0 - 2.0 * 0.5f32.powi(i32::from(count).min(4))
}

/// Facts about all sentences, computed before each is measured.
struct All<'s> {
    sentences: &'s [Sentence],
    words: Vec<Words>,
    stems: Vec<Vec<u64>>,
    /// How often each stem occurs in the article.
    often: HashMap<u64, u32>,
    central: Vec<(f32, usize)>,
    ngrams: Vec<Vec<u64>>,
}

impl<'s> All<'s> {
    fn of(article: &Text<'_>, sentences: &'s [Sentence], blocks: &[Block], cues: &Cues) -> Self {
        let stems: Vec<Vec<u64>> =
            sentences.iter().map(|s| stems(quote(article.text, s)).collect()).collect();
        let mut often: HashMap<u64, u32> = HashMap::new();
        for stem in stems.iter().flatten() {
            *often.entry(*stem).or_default() += 1;
        }
        let plain: Vec<String> = sentences.iter().map(|s| straight(quote(article.text, s))).collect();
        let mut words: Vec<Words> = plain.iter().map(|plain| of_words(plain, cues)).collect();
        let mut unfit: Vec<Unfit> = words.iter().map(|words| words.unfit).collect();
        for (unfit, sentence) in unfit.iter_mut().zip(sentences) {
            unfit.run_together = unfit::is_run_together(quote(article.text, sentence));
        }
        unfit::mark_surrounded(&mut unfit, sentences, blocks, &plain, cues);
        let mut times: HashMap<u64, u32> = HashMap::new();
        plain.iter().for_each(|plain| *times.entry(hash(plain)).or_default() += 1);
        let company = article.company.to_lowercase();
        for (words, plain) in words.iter_mut().zip(&plain) {
            words.names_company = !company.is_empty() && plain.to_lowercase().contains(&company);
        }
        for ((words, mut unfit), plain) in words.iter_mut().zip(unfit).zip(&plain) {
            unfit.repeated = times[&hash(plain)] > REPEATED;
            words.unfit = unfit;
        }
        let ngrams = plain.iter().map(|plain| ngrams(plain)).collect();
        Self { sentences, words, central: central(&stems), stems, often, ngrams }
    }
}

/// Whether a sentence is the first or last of its block, and of its section.
struct Placed {
    first_of_block: bool,
    last_of_block: bool,
    begins_section: bool,
    ends_section: bool,
}

impl Placed {
    fn of(sentences: &[Sentence], blocks: &[Block], at: usize) -> Self {
        let block = |at: usize| sentences.get(at).map(|s| s.block);
        let heading = |at: usize| block(at).map(|b| blocks[b].heading);
        let before = at.checked_sub(1);
        Self {
            first_of_block: before.and_then(block) != block(at),
            last_of_block: block(at + 1) != block(at),
            begins_section: before.and_then(heading) != heading(at),
            ends_section: heading(at + 1) != heading(at),
        }
    }
}

/// Facts about the article that the features of every sentence need.
struct Surroundings<'a> {
    text: &'a str,
    title: HashSet<u64>,
    description: HashSet<u64>,
    /// For each block, a bit set of the groups of heading signs that occur in it.
    headings: Vec<u32>,
    heading_stems: Vec<HashSet<u64>>,
    blocks: &'a [Block],
}

impl<'a> Surroundings<'a> {
    fn of(article: &Text<'a>, blocks: &'a [Block], cues: &Cues) -> Self {
        let heading_of = |block: &Block| match block.kind {
            BlockKind::Heading => &article.text[block.start..block.end],
            _ => "",
        };
        Self {
            text: article.text,
            title: stems(article.title).collect(),
            description: stems(article.description.unwrap_or_default()).collect(),
            headings: blocks
                .iter()
                .map(|block| {
                    cues.headings.find(heading_of(block)).iter().fold(0, |bits, hit| bits | 1 << *hit.meaning)
                })
                .collect(),
            heading_stems: blocks.iter().map(|block| stems(heading_of(block)).collect()).collect(),
            blocks,
        }
    }

    /// The values of the features in [`OWN`] for the sentence at `at`.
    fn own(&self, all: &All<'_>, placed: &Placed, at: usize) -> Vec<f32> {
        let (sentence, words, stems) = (&all.sentences[at], &all.words[at], &all.stems[at]);
        let block = &self.blocks[sentence.block];
        let place = sentence.span.start as f32 / self.text.len().max(1) as f32;
        let said = quote(self.text, sentence);
        let no_words = HashSet::new();
        let over = block.heading.map_or(&no_words, |heading| &self.heading_stems[heading]);
        let described = share(&self.description, stems);
        let between = |from: f32, to: f32| yes(place >= from && place < to);
        let values = [
            yes(at == 0),
            yes((1..3).contains(&at)),
            yes((3..6).contains(&at)),
            between(0.0, 0.1),
            between(0.1, 0.2),
            between(0.2, 0.4),
            between(0.8, 0.9),
            between(0.9, 1.1),
            yes(block.heading.is_none()),
            yes(placed.first_of_block && !placed.last_of_block),
            yes(placed.last_of_block && !placed.first_of_block),
            yes(placed.first_of_block && placed.last_of_block),
            yes(placed.begins_section && block.heading.is_some()),
            yes(words.figures > 0),
            yes(words.figures > 1),
            yes(words.amount),
            share(&self.title, stems),
            yes(!self.title.is_empty() && share(&self.title, stems) >= 0.6),
            described,
            yes(!self.description.is_empty() && described >= 0.8),
            share(over, stems),
            common_words(stems, &all.often),
            all.central[at].0,
            yes(all.central[at].1 == 0),
            yes(all.central[at].1 < 5),
            (words.characters as f32 / 240.0).min(1.0),
            yes(words.question),
            yes(at > 0 && all.words[at - 1].question),
            yes(words.second_person),
            yes(words.first_singular),
            yes(words.first_plural),
            yes(words.names_company),
            yes(words.generic_we),
            yes(words.leans),
            yes(words.quoted || block.kind == BlockKind::Quote),
            yes(block.kind == BlockKind::ListItem),
            yes(words.characters < 60),
            yes(words.characters < 30),
            yes((60..110).contains(&words.characters)),
            yes(words.characters > 180),
            yes(words.characters > 240),
            yes(words.code_like),
            yes(words.imperative),
            yes(words.future),
            yes(words.past),
            yes(words.unfinished),
            yes(words.colon),
            (words.names as f32 / 3.0).min(1.0),
            yes(words.elsewhere),
            yes(said.ends_with(':')),
            yes(words.unfit.result),
            yes(words.unfit.change),
            yes(words.unfit.plan),
            yes(words.unfit.attempt),
            yes(words.unfit.before),
            yes(words.unfit.advice),
            yes(words.unfit.remark),
            yes(words.unfit.no_trouble),
            yes(words.unfit.goal),
        ];
        values.to_vec()
    }
}

pub(crate) fn quote<'t>(text: &'t str, sentence: &Sentence) -> &'t str {
    &text[sentence.span.start as usize..sentence.span.end as usize]
}

fn of_words(plain: &str, cues: &Cues) -> Words {
    let opening = opening(plain, cues);
    let mut words = Words {
        signs: vec![0u8; cues.sign_groups.len()],
        characters: plain.chars().count(),
        question: plain.ends_with('?'),
        elsewhere: !cues.elsewhere.find(plain).is_empty(),
        generic_we: !cues.generic_we.find(plain).is_empty(),
        quoted: plain.starts_with(['"', '“', '‘', '«']),
        unfinished: !plain.ends_with(['.', '!', '?', '"', ')', '”']) || plain.ends_with(".."),
        colon: plain.contains(": "),
        leans: leans(opening.rest, cues),
        joining: opening.joining,
        needs_a_sentence: needs_a_sentence(opening.rest, cues),
        unfit: unfit::of_words(plain, cues),
        ..Words::default()
    };
    for hit in cues.signs.find(plain) {
        words.signs[*hit.meaning] = words.signs[*hit.meaning].saturating_add(1);
    }
    for (at, word) in plain.split_whitespace().enumerate() {
        words.take(at, word, cues);
    }
    words
}

impl Words {
    /// Whether the sentence has a sign of one of these groups.
    fn has(&self, groups: &[usize]) -> bool {
        groups.iter().any(|group| self.signs[*group] > 0)
    }

    /// Adds one word of the sentence.
    fn take(&mut self, at: usize, word: &str, cues: &Cues) {
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let lower = bare.to_ascii_lowercase();
        let figure = bare.starts_with(|c: char| c.is_ascii_digit());
        self.figures += usize::from(figure);
        self.amount |= word.contains('%')
            || figure && bare.ends_with(['x', 's', 'B'])
            || matches!(
                lower.as_str(),
                "percent"
                    | "seconds"
                    | "minutes"
                    | "hours"
                    | "milliseconds"
                    | "times"
                    | "ms"
                    | "gb"
                    | "mb"
                    | "tb"
            );
        self.code_like |= word.contains("()")
            || word.contains("::")
            || word.contains("->")
            || word.contains("=>")
            || word.contains('_')
            || word.contains('{')
            || word.contains("://");
        self.second_person |=
            matches!(lower.as_str(), "you" | "your" | "you're" | "you've" | "you'll" | "you'd" | "yourself");
        self.first_singular |= is_singular(&lower);
        self.first_plural |=
            matches!(lower.as_str(), "we" | "our" | "us" | "we've" | "we're" | "we'd" | "ours");
        self.future |= matches!(lower.as_str(), "will" | "won't" | "shall") || lower.ends_with("'ll");
        self.past |=
            matches!(lower.as_str(), "was" | "were" | "had" | "did" | "wasn't" | "weren't" | "didn't")
                || lower.len() > 4 && lower.ends_with("ed");
        self.imperative |= at == 0 && cues.leaning.imperatives.contains(&lower);
        self.names += usize::from(at > 0 && bare.starts_with(char::is_uppercase));
    }
}

pub(crate) fn straight(text: &str) -> String {
    text.replace('’', "'").replace('\n', " ")
}

/// The share of words that the article repeats, 0 to 1.
fn common_words(stems: &[u64], often: &HashMap<u64, u32>) -> f32 {
    if stems.len() < 3 {
        return 0.0;
    }
    let sum: f32 = stems.iter().map(|s| often.get(s).map_or(0.0, |n| (*n as f32).ln().min(3.0) / 3.0)).sum();
    sum / stems.len() as f32
}

/// The centrality of each sentence, 0 to 1, and its rank by it, from 0: the cosine of its words
/// with those of the whole article, weighted by rarity (the centroid of Radev et al. 2004,
/// "Centroid-based summarization of multiple documents").
fn central(stems: &[Vec<u64>]) -> Vec<(f32, usize)> {
    let mut sentences_with: HashMap<u64, f32> = HashMap::new();
    for sentence in stems {
        for stem in sentence.iter().collect::<HashSet<_>>() {
            *sentences_with.entry(*stem).or_default() += 1.0;
        }
    }
    let all = stems.len() as f32;
    let rarity = |stem: &u64| (1.0 + all / sentences_with[stem]).ln();
    let length = |sentence: &[u64]| sentence.iter().map(|s| rarity(s).powi(2)).sum::<f32>().sqrt().max(1.0);
    let mut middle: HashMap<u64, f32> = HashMap::new();
    for sentence in stems {
        let length = length(sentence);
        for stem in sentence {
            *middle.entry(*stem).or_default() += rarity(stem) / length;
        }
    }
    let near = |sentence: &Vec<u64>| {
        sentence.iter().map(|stem| middle[stem] * rarity(stem)).sum::<f32>() / length(sentence)
    };
    let near: Vec<f32> = stems.iter().map(near).collect();
    let most = near.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let mut order: Vec<usize> = (0..near.len()).collect();
    order.sort_by(|&a, &b| near[b].total_cmp(&near[a]).then(a.cmp(&b)));
    let mut central = vec![(0.0, 0); near.len()];
    for (place, at) in order.into_iter().enumerate() {
        central[at] = (near[at] / most, place);
    }
    central
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blocks::blocks;
    use crate::sentences::sentences_in;
    use crate::test_articles::article;

    #[test]
    fn all_features_have_names_and_values() {
        let cues = Cues::builtin();
        let text = "The queue failed.\n\nWhat we did\n\nWe gave the queue 5 % more room. It was \"enough\".";
        let article = article("The queue", text);
        let blocks = blocks(text, &[]);
        let measured = measure(&article, &blocks, sentences_in(text, &blocks), cues);
        let names = names(cues);
        assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        assert!(measured.measures.iter().all(|m| m.features.len() == names.len()));
        let of = |at: usize, name: &str| {
            measured.measures[at].features
                [names.iter().position(|n| n == name).expect("a feature of that name")]
        };
        assert_eq!(of(0, "sign: something went wrong"), 1.0);
        assert_eq!(of(2, "before: it is put on offer"), 0.0);
        assert_eq!((of(0, "before any heading"), of(1, "before any heading")), (1.0, 0.0));
        assert_eq!((of(1, "has a share or a duration"), of(1, "first under its heading")), (1.0, 1.0));
        assert_eq!((of(2, "leans"), of(1, "leans")), (1.0, 0.0));
        assert_eq!(of(0, "after: something was done"), 0.0, "it stands in another section");
    }

    #[test]
    fn sentence_about_the_title_is_nearer_to_it_than_a_side_matter() {
        let text = "The queue lost orders. The queue was slow. A queue of orders fails. A lift was broken.";
        let blocks = blocks(text, &[]);
        let measured = measure(
            &article("Why our queue lost orders", text),
            &blocks,
            sentences_in(text, &blocks),
            Cues::builtin(),
        );
        let (main, side) = (measured.topic.features(&[0]), measured.topic.features(&[3]));
        for ((name, main), (_, side)) in main.iter().zip(side) {
            assert!(*main > side, "{name}: {main} and {side}");
        }
    }
}
