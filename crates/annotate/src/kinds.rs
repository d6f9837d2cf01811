//! Classifies the kind of a post by the signs in `data/cues.toml` and by patterns.
//!
//! This module does not decide whether the article has a problem; the score of the best problem
//! sentence is only one of its features.

use std::collections::HashSet;
use std::sync::LazyLock;

use backissue_model::Kind;
use backissue_model::bounds::first_chars;

use crate::Text;
use crate::blocks::{Block, BlockKind, marker};
use crate::cues::{Cues, Field, Place};
use crate::features::{self, Measured, Measures, yes};
use crate::rank::Scores;
use crate::weights::Weights;

/// Number of characters at the start that are searched for signs.
const LEAD: usize = 600;

/// Averages over an article's sentences, as features for its kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Voice {
    /// The best problem sentence's score.
    pub problem: f32,
    /// The frequency of each sentence feature in the article, 0 to about 1.
    pub all: Vec<f32>,
    /// The frequency of each sentence feature in the first [`LEAD_SENTENCES`] sentences.
    pub lead: Vec<f32>,
}

/// Number of sentences at the start in which a post usually says what it is about.
const LEAD_SENTENCES: usize = 6;

/// Names of the features of [`Voice::all`] and [`Voice::lead`].
static VOICE_NAMES: LazyLock<[Vec<String>; 2]> = LazyLock::new(|| {
    let names = features::names(Cues::builtin());
    ["all", "lead"].map(|part| names.iter().map(|name| format!("{part}: {name}")).collect())
});

impl Voice {
    pub(crate) fn of(measured: &Measured, scores: &Scores) -> Self {
        let lead = measured.measures.len().min(LEAD_SENTENCES);
        Self {
            problem: scores.best(Field::Problem).max(0.0),
            all: how_common(&measured.measures),
            lead: how_common(&measured.measures[..lead]),
        }
    }
}

/// The square root of each feature's mean over these sentences. The square root gives rare features
/// more influence.
fn how_common(measures: &[Measures]) -> Vec<f32> {
    let Some(first) = measures.first() else { return Vec::new() };
    let mut sums = vec![0.0f32; first.features.len()];
    for measures in measures {
        for (sum, value) in sums.iter_mut().zip(&measures.features) {
            *sum += value;
        }
    }
    sums.into_iter().map(|sum| (sum / measures.len() as f32).sqrt()).collect()
}

/// The probabilities of an article's kinds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KindOdds {
    /// In the order of [`Kind::ALL`]; they sum to 1.
    pub probabilities: [f32; Kind::ALL.len()],
}

impl KindOdds {
    /// The most likely kind.
    pub(crate) fn kind(&self) -> Kind {
        let best = Kind::ALL.into_iter().zip(self.probabilities);
        best.fold((Kind::Other, f32::MIN), |best, next| if next.1 > best.1 { next } else { best }).0
    }
}

/// The initial weights, before training: feature, kind and weight.
pub(crate) fn expected(cues: &Cues) -> impl Iterator<Item = (&str, Kind, f32)> {
    let patterns = [
        ("bias", Kind::CaseStudy, 1.3),
        ("bias", Kind::Other, 0.6),
        ("version in the title", Kind::Announcement, 2.0),
        ("title begins with a gerund", Kind::Tutorial, 0.5),
        ("title is a question", Kind::Opinion, 0.4),
        ("code", Kind::Tutorial, 2.5),
        ("under 220 words", Kind::Announcement, 0.9),
        ("under 220 words", Kind::CaseStudy, -0.8),
        ("under 220 words", Kind::Event, 0.5),
        ("under 220 words", Kind::Other, 0.6),
        ("under 220 words", Kind::Research, -0.8),
        ("clock times", Kind::Incident, 1.6),
        ("steps", Kind::Tutorial, 1.6),
    ];
    let groups = cues.kind_groups.iter().map(|group| (group.name.as_str(), group.kind, group.expected));
    patterns.into_iter().chain(groups)
}

/// The probabilities of the article's kinds.
pub(crate) fn kind_odds(
    article: &Text<'_>,
    blocks: &[Block],
    voice: &Voice,
    cues: &Cues,
    weights: &Weights,
) -> KindOdds {
    let mut scores = [0.0f32; Kind::ALL.len()];
    features(article, blocks, voice, cues, &mut |name, value| {
        if let Some(weights) = weights.kind.get(name) {
            for (score, weight) in scores.iter_mut().zip(weights) {
                *score += weight * value;
            }
        }
    });
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    let powers = scores.map(|score| (score - most).exp());
    let all: f32 = powers.iter().sum();
    KindOdds { probabilities: powers.map(|power| power / all) }
}

/// Calls `tell` with the name and value of each feature of the article.
pub(crate) fn features(
    article: &Text<'_>,
    blocks: &[Block],
    voice: &Voice,
    cues: &Cues,
    tell: &mut impl FnMut(&str, f32),
) {
    tell("bias", 1.0);
    patterns(article, blocks, voice, tell);
    signs(article, blocks, cues, tell);
}

fn patterns(article: &Text<'_>, blocks: &[Block], voice: &Voice, tell: &mut impl FnMut(&str, f32)) {
    let words = article.text.split_whitespace().count();
    let share = |kind: BlockKind| {
        let of_kind: usize = blocks.iter().filter(|b| b.kind == kind).map(|b| b.end - b.start).sum();
        of_kind as f32 / article.text.len().max(1) as f32
    };
    let headings = blocks.iter().filter(|b| b.kind == BlockKind::Heading).count();
    tell("version in the title", yes(has_version(article.title)));
    tell("title begins with a gerund", yes(begins_with_gerund(article.title)));
    tell("title is a question", yes(article.title.trim_end().ends_with('?')));
    tell("title has a colon", yes(article.title.contains(": ")));
    tell("code", share(BlockKind::Code));
    tell("any code", yes(share(BlockKind::Code) > 0.02));
    tell("lists", share(BlockKind::ListItem));
    tell("under 220 words", yes(words < 220));
    tell("220 to 600 words", yes((220..600).contains(&words)));
    tell("over 2000 words", yes(words > 2000));
    tell("no headings", yes(headings == 0));
    tell("clock times", yes(clock_times(article.text) >= 3));
    tell("steps", yes(steps(article.text, blocks) >= 2));
    tell("names of people", (at_signs(article.text) as f32 / 10.0).min(1.0));
    tell("best problem sentence", voice.problem);
    for (names, values) in VOICE_NAMES.iter().zip([&voice.all, &voice.lead]) {
        for (name, value) in names.iter().zip(values).filter(|(_, value)| **value > 0.0) {
            tell(name, *value);
        }
    }
}

/// Number of words such as `@somebody`.
fn at_signs(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.len() > 2 && word.starts_with('@')).count()
}

fn signs(article: &Text<'_>, blocks: &[Block], cues: &Cues, tell: &mut impl FnMut(&str, f32)) {
    let mut seen: HashSet<(usize, usize)> = HashSet::new();
    let mut look = |place: Place, text: &str| {
        for hit in cues.kind_signs.find_all(text) {
            let group = &cues.kind_groups[*hit.meaning];
            let at_start =
                place == Place::Title && hit.start == 0 && group.places.contains(&Place::TitleStart);
            if !group.places.contains(&place) && !at_start {
                continue;
            }
            // In headings each phrase counts once; elsewhere the group counts once.
            let which =
                if place == Place::Heading { fold(&text[hit.start..hit.end]) } else { place as usize };
            if seen.insert((*hit.meaning, which)) {
                tell(&group.name, 1.0);
            }
        }
    };
    look(Place::Title, &article.title.trim_start_matches(['“', '"', ' ']).replace('’', "'"));
    let beginning =
        format!("{} \n{}", article.description.unwrap_or_default(), first_chars(article.text, LEAD));
    look(Place::Lead, &beginning.replace('’', "'"));
    look(Place::Tag, &article.tags.join(" , "));
    if let Some(url) = article.url {
        look(Place::Url, &url.path().replace(['_', '.'], "/"));
    }
    for block in blocks.iter().filter(|block| block.kind == BlockKind::Heading) {
        look(Place::Heading, &article.text[block.start..block.end]);
    }
}

/// A number for a phrase, distinct from the numbers of the places.
fn fold(phrase: &str) -> usize {
    let bytes = phrase.bytes().map(|b| usize::from(b.to_ascii_lowercase()));
    bytes.fold(1usize, |hash, b| hash.wrapping_mul(31).wrapping_add(b)) | (1 << 20)
}

/// Whether the title has a version: "1.2.3", "v3", or "Flink 1.9" at the end or before a word for
/// releases. Other numbers with one point are amounts.
fn has_version(title: &str) -> bool {
    let words: Vec<&str> =
        title.split_whitespace().map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())).collect();
    let parts_of = |number: &str| {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let mut parts = number.split('.');
        let first = parts.next().is_some_and(digits);
        let more = parts.clone().all(|part| part.starts_with(|c: char| c.is_ascii_digit()));
        if first && more { 1 + parts.count() } else { 0 }
    };
    words.iter().enumerate().any(|(at, word)| {
        if let Some(number) = word.strip_prefix(['v', 'V']) {
            return parts_of(number) > 0;
        }
        let named = at.checked_sub(1).is_some_and(|before| {
            words[before].starts_with(char::is_uppercase) || words[before].eq_ignore_ascii_case("version")
        });
        let released = words.get(at + 1).is_none_or(|next| {
            let next = next.to_lowercase();
            [
                "released", "release", "is", "and", "beta", "alpha", "preview", "rc", "now", "has",
                "arrives", "available",
            ]
            .contains(&next.as_str())
        });
        let ends = title.split_whitespace().nth(at).is_some_and(|whole| whole.ends_with(':'));
        match parts_of(word) {
            0 | 1 => false,
            2 => named && (released || ends),
            _ => true,
        }
    })
}

fn begins_with_gerund(title: &str) -> bool {
    title.split_whitespace().next().is_some_and(|word| word.len() > 5 && word.ends_with("ing"))
}

/// Number of lines that start with a time of day, as in a timeline.
fn clock_times(text: &str) -> usize {
    let is_time = |line: &str| {
        let bare = line[marker(line)..].trim_start_matches(|c: char| !c.is_alphanumeric());
        let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
        (1..=2).contains(&digits)
            && bare[digits..].starts_with(':')
            && bare[digits + 1..].bytes().take_while(u8::is_ascii_digit).count() == 2
    };
    text.lines().filter(|line| is_time(line)).count()
}

/// Number of headings such as "Step 1", "1. Install", "2) Run".
fn steps(text: &str, blocks: &[Block]) -> usize {
    let is_step = |block: &&Block| {
        let heading = &text[block.start..block.end];
        let step = heading.get(..5).is_some_and(|head| head.eq_ignore_ascii_case("step "));
        block.kind == BlockKind::Heading && (step || marker(heading) > 0)
    };
    blocks.iter().filter(is_step).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_articles::article;

    fn kind(title: &str, text: &str) -> Kind {
        crate::annotate(&article(title, text)).kind
    }

    /// A text as long as a post, without signs of a kind.
    fn plain_text() -> String {
        let paragraphs = [
            "The service keeps one table for each customer. Requests pass through a proxy before they reach it, and the proxy \
             adds the customer's number to every one of them.",
            "A row has a key, a value and the time of its last change. Keys are at most 64 bytes long. Values are stored as \
             they come, and a small header says how they were compressed.",
            "Reads go to the nearest replica. Writes go to the leader of the partition, which sends them on to two others \
             and answers after one of these has stored the row.",
            "Every night a job reads all partitions in turn and writes them to the object store. It takes about two hours, \
             and the files are kept for a month.",
            "The team has six people in two countries. Two of them take turns with the pager, and everyone reviews code.",
        ];
        ["Tables", "Requests", "Storage"]
            .map(|part| format!("{part}\n\n{}", paragraphs.join("\n\n")))
            .join("\n\n")
    }

    #[test]
    fn titles_decide_the_kind() {
        for (title, expected) in [
            ("Rust 1.2 released", Kind::Announcement),
            ("Announcing the new API", Kind::Announcement),
            ("Notes from our spring meetup", Kind::Event),
            ("ICYMI: Flink Forward in Berlin", Kind::Event),
            ("Interview: a day in the life of an SRE", Kind::Profile),
            ("Post-mortem: the outage of Monday", Kind::Incident),
            ("How we moved our ledger to one database", Kind::CaseStudy),
        ] {
            assert_eq!(kind(title, &plain_text()), expected, "{title}");
        }
    }

    #[test]
    fn common_words_in_a_title_do_not_make_a_kind() {
        for title in [
            "Processing a million events per second",
            "Profile-guided optimisation of our query planner",
            "Distributed joins without a coordinator",
            "The price of a cold cache",
            "Moving the archive to cold storage",
            "Checking ten million links a night",
            "Computer vision on a small board",
            "Device registration behind a queue",
        ] {
            let found = kind(title, &plain_text());
            assert!(!matches!(found, Kind::Event | Kind::Profile | Kind::Opinion), "{title}: {found}");
        }
        assert_eq!(kind("Recap of the data summit", "It was fun."), Kind::Event);
    }

    #[test]
    fn headings_mark_research() {
        let text =
            ["Method", "Results", "Limitations"].map(|heading| format!("{heading}\n\n{}", plain_text()));
        assert_eq!(
            kind(
                "An empirical study: benchmarks of four indexes",
                &format!("We measured four indexes and compare the experiments.\n\n{}", text.join("\n\n"))
            ),
            Kind::Research
        );
    }

    #[test]
    fn timeline_marks_an_incident() {
        let text = "For an hour on Monday nobody could log in. We are sorry for the trouble.\n\nTimeline\n\n\
            - 10:01 The disk of the session store fills up, and logins begin to fail.\n\
            - 10:07 The engineer on call is paged.\n- 10:40 The old sessions are deleted, and the store is restarted.\n\
            - 11:00 All is well.\n\nRoot cause\n\nThe job that deletes old sessions had failed for nine days. Nobody noticed, \
            because its errors went to a log that nobody reads.\n\nWhat we will do\n\nWe now alert when the disk is 80 % full.";
        assert_eq!(kind("One full disk", text), Kind::Incident);
    }

    #[test]
    fn imperatives_steps_and_code_mark_a_tutorial() {
        let step = |number: u32, order: &str| {
            format!(
                "Step {number}: {order} the proxy\n\n{order} the proxy with this command. Then check that it answers.\n\n\
                     $ proxyctl run --timeout=30s;\n$ curl localhost:8080;\n\nIf you see an error, open the file and set the port.\n\n"
            )
        };
        let text = format!(
            "In this tutorial you will learn how to configure timeouts.\n\n{}{}{}",
            step(1, "Install"),
            step(2, "Configure"),
            step(3, "Start")
        );
        assert_eq!(kind("How to configure timeouts", &text), Kind::Tutorial);
    }

    #[test]
    fn versions_are_distinguished_from_other_numbers() {
        for (title, version) in [
            ("Flink 1.8.2", true),
            ("v3 is here", true),
            ("In 38 minutes", false),
            ("3D maps", false),
            ("2.", false),
            ("Serving 1.5 million requests", false),
            ("A join in 0.4 seconds", false),
            ("We grew by 2.5", false),
            ("Apache Flink 1.9", true),
            ("Rust 1.2 released", true),
            ("Linkerd 2.9: TLS for everybody", true),
            ("Waking up: from 8.4 seconds to 0.9", false),
        ] {
            assert_eq!(has_version(title), version, "{title}");
        }
    }
}
