//! Decides what sort of post an article is, by the signs of `data/cues.toml`.
//!
//! This module must not decide whether the article has a problem; that its best problem sentence is strong is one sign
//! among others.

use std::collections::{BTreeMap, HashSet};

use backissue_model::Kind;

use crate::Text;
use crate::blocks::{Block, BlockKind, marker};
use crate::cues::{Cues, KindWeights, Place};

/// Characters of the beginning that are searched for signs.
const LEAD: usize = 600;

/// What the sentences of an article add to the question of its kind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Voice {
    /// The best problem sentence's score above the threshold.
    pub problem: f32,
    /// The share of sentences that address the reader.
    pub second_person: f32,
    /// The share of sentences in the first person singular.
    pub first_singular: f32,
}

/// The kind with the most signs.
pub(crate) fn kind_of(article: &Text<'_>, blocks: &[Block], voice: Voice, cues: &Cues) -> Kind {
    let mut scores: BTreeMap<Kind, f32> = cues.kind_base.clone();
    let mut add = |weights: &KindWeights, times: f32| {
        for (kind, weight) in weights {
            *scores.entry(*kind).or_default() += weight * times;
        }
    };
    let patterns = &cues.kind_patterns;
    let on = |is: bool| if is { 1.0 } else { 0.0 };
    add(&patterns.version_in_title, on(has_version(article.title)));
    add(&patterns.gerund_title, on(begins_with_gerund(article.title)));
    add(&patterns.question_title, on(article.title.trim_end().ends_with('?')));
    add(&patterns.code_share, code_share(blocks));
    add(&patterns.very_short_text, on(article.text.split_whitespace().take(220).count() < 220));
    add(&patterns.clock_times, on(clock_times(article.text) >= 3));
    add(&patterns.steps, on(steps(article.text, blocks) >= 2));
    add(&patterns.problem_found, voice.problem.clamp(0.0, 4.0));
    add(&patterns.second_person_share, voice.second_person);
    add(&patterns.first_singular_share, voice.first_singular);
    add_signs(article, blocks, cues, &mut scores);
    let best = Kind::ALL.into_iter().map(|kind| (kind, scores.get(&kind).copied().unwrap_or(0.0)));
    best.fold((Kind::Other, f32::MIN), |best, next| if next.1 > best.1 { next } else { best }).0
}

fn add_signs(article: &Text<'_>, blocks: &[Block], cues: &Cues, scores: &mut BTreeMap<Kind, f32>) {
    let mut seen: HashSet<(usize, usize)> = HashSet::new();
    let mut look = |place: Place, text: &str| {
        for hit in cues.kind_signs.find_all(text) {
            let group = &cues.kind_groups[*hit.meaning];
            let at_start =
                place == Place::Title && hit.start == 0 && group.places.contains(&Place::TitleStart);
            if !group.places.contains(&place) && !at_start {
                continue;
            }
            // In headings each phrase counts once, elsewhere the group counts once.
            let which =
                if place == Place::Heading { fold(&text[hit.start..hit.end]) } else { place as usize };
            if seen.insert((*hit.meaning, which)) {
                *scores.entry(group.kind).or_default() += group.weight;
            }
        }
    };
    look(Place::Title, &article.title.trim_start_matches(['“', '"', ' ']).replace('’', "'"));
    let lead_end = article.text.char_indices().nth(LEAD).map_or(article.text.len(), |(at, _)| at);
    let lead = format!("{} \n{}", article.description.unwrap_or_default(), &article.text[..lead_end]);
    look(Place::Lead, &lead.replace('’', "'"));
    look(Place::Tag, &article.tags.join(" , "));
    if let Some(url) = article.url {
        look(Place::Url, &url.path().replace(['_', '.'], "/"));
    }
    for block in blocks.iter().filter(|block| block.kind == BlockKind::Heading) {
        look(Place::Heading, &article.text[block.start..block.end]);
    }
}

/// A number for a phrase, apart from the numbers of places.
fn fold(phrase: &str) -> usize {
    let bytes = phrase.bytes().map(|b| usize::from(b.to_ascii_lowercase()));
    bytes.fold(1usize, |hash, b| hash.wrapping_mul(31).wrapping_add(b)) | (1 << 20)
}

/// "1.2.3", "v3", or "Flink 1.9" where it ends the title or is followed by a word of releases: a number with one point alone
/// is an amount.
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
                "released",
                "release",
                "is",
                "and",
                "beta",
                "alpha",
                "preview",
                "rc",
                "now",
                "has",
                "arrives",
                "available",
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

fn code_share(blocks: &[Block]) -> f32 {
    let code: usize = blocks.iter().filter(|b| b.kind == BlockKind::Code).map(|b| b.end - b.start).sum();
    let all: usize = blocks.iter().map(|b| b.end - b.start).sum();
    code as f32 / all.max(1) as f32
}

/// Lines that begin with a time of day, as in a timeline.
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

/// Headings "Step 1", "1. Install", "2) Run".
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

    #[test]
    fn titles_say_what_a_post_is() {
        for (title, expected) in [
            ("Rust 1.2 released", Kind::Announcement),
            ("Announcing the new API", Kind::Announcement),
            ("Notes from our spring meetup", Kind::Event),
            ("ICYMI: Flink Forward in Berlin", Kind::Event),
            ("Interview: a day in the life of an SRE", Kind::Profile),
            ("Post-mortem: the outage of Monday", Kind::Incident),
            ("How to configure timeouts", Kind::Tutorial),
            ("Four spatial indexes measured: a comparison", Kind::Research),
            ("How we moved our ledger to one database", Kind::CaseStudy),
        ] {
            assert_eq!(kind(title, "Here is the text of it. It has two sentences."), expected, "{title}");
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
            let found = kind(title, "Here is the text of it. It has two sentences.");
            assert!(
                !matches!(found, Kind::Event | Kind::Profile | Kind::Announcement | Kind::Opinion),
                "{title}: {found}"
            );
        }
        assert_eq!(kind("Recap of the data summit", "It was fun."), Kind::Event);
    }

    #[test]
    fn a_timeline_makes_an_incident() {
        let text = "For an hour nobody could log in.\n\n- 10:01 The disk fills up.\n- 10:07 Page.\n- 11:00 All is well.";
        assert_eq!(kind("One full disk", text), Kind::Incident);
    }

    #[test]
    fn versions_are_told_from_other_numbers() {
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
