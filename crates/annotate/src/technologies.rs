//! Finds the names of `data/technologies.toml` in an article.
//!
//! This module finds no other names.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::phrases::Phrases;

/// The listed technologies and the matcher for their names.
pub(crate) struct Technologies {
    names: Vec<String>,
    phrases: Phrases<Spelling>,
}

struct Spelling {
    technology: usize,
    /// The only accepted spelling, if case matters.
    exact: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TechnologiesFile {
    technology: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    case: Case,
    #[serde(default)]
    matched: Matched,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Case {
    #[default]
    Any,
    Exact,
}

#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Matched {
    #[default]
    All,
    Aliases,
}

static BUILTIN: LazyLock<Technologies> = LazyLock::new(|| {
    let file: TechnologiesFile = toml::from_str(include_str!("../data/technologies.toml"))
        .expect("the list in the program is the one its tests have parsed");
    let mut spellings = Vec::new();
    for (at, row) in file.technology.iter().enumerate() {
        let name = (row.matched == Matched::All).then_some(&row.name);
        for text in name.into_iter().chain(&row.aliases) {
            let exact = (row.case == Case::Exact).then(|| text.clone());
            spellings.push((text.clone(), Spelling { technology: at, exact }));
        }
    }
    Technologies {
        names: file.technology.into_iter().map(|row| row.name).collect(),
        phrases: Phrases::new(spellings).expect("a list of some hundred names fits the automaton"),
    }
});

/// The weight of a mention in the title.
const IN_TITLE: u32 = 8;
/// Maximum technologies of an article.
const MOST: usize = 8;
/// A technology that is mentioned only once is dropped if another is mentioned at least this often.
const OFTEN: u32 = 4;

impl Technologies {
    pub(crate) fn builtin() -> &'static Self {
        &BUILTIN
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The technologies that `title` and `body` mention, most mentioned first, at most 8. Drops one
    /// that is mentioned only once, outside the title, if others are mentioned more often.
    pub(crate) fn named_in(&self, title: &str, body: &str) -> Vec<String> {
        let mut mentions: Vec<(u32, usize)> = vec![(0, usize::MAX); self.names.len()];
        let mut in_title = vec![0u32; self.names.len()];
        for (text, weight, offset) in [(title, IN_TITLE, 0), (body, 1, title.len())] {
            for hit in self.phrases.find(text) {
                if !hit.meaning.is_meant(text, hit.start, hit.end) {
                    continue;
                }
                let (count, first) = &mut mentions[hit.meaning.technology];
                *count += weight;
                *first = (*first).min(offset + hit.start);
                if weight > 1 {
                    in_title[hit.meaning.technology] = *count;
                }
            }
        }
        let mut found: Vec<(u32, usize, usize)> = mentions
            .into_iter()
            .enumerate()
            .filter(|(_, (count, _))| *count > 0)
            .map(|(at, (count, first))| (count, first, at))
            .collect();
        found.sort_by_key(|&(count, first, _)| (u32::MAX - count, first));
        let passing = u32::from(found.iter().any(|&(count, _, at)| count - in_title[at] >= OFTEN));
        found.retain(|(count, ..)| *count > passing);
        found.into_iter().take(MOST).map(|(_, _, at)| self.names[at].clone()).collect()
    }

    /// All mentions of technologies in `text`: the words as written, and the technology's name.
    pub(crate) fn mentions<'t>(&self, text: &'t str) -> impl Iterator<Item = (&'t str, &str)> {
        let hits = self.phrases.find(text).into_iter();
        hits.filter(|hit| hit.meaning.is_meant(text, hit.start, hit.end))
            .map(|hit| (&text[hit.start..hit.end], self.names[hit.meaning.technology].as_str()))
    }
}

impl Spelling {
    /// Whether the name at `start..end` of `text` means this technology and not an ordinary word.
    /// If case distinguishes the two, the first word of a sentence or line is not significant,
    /// unless it is the first of the whole text.
    fn is_meant(&self, text: &str, start: usize, end: usize) -> bool {
        let Some(exact) = &self.exact else { return true };
        exact == &text[start..end] && (start == 0 || !opens_a_sentence(&text[..start]))
    }
}

/// Whether what follows `before` is the first word of a sentence or line.
pub(crate) fn opens_a_sentence(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '"', '“', '(', '*', '-', '•']);
    before.is_empty() || before.ends_with(['.', '!', '?', '\n', ':'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn technology_list_is_large_and_unique() {
        let names = &Technologies::builtin().names;
        let mut once = names.clone();
        once.sort();
        once.dedup();
        assert!(names.len() >= 150 && once.len() == names.len(), "{} {}", names.len(), once.len());
    }

    #[test]
    fn systems_are_found_by_name_alias_and_case() {
        for (body, expected) in [
            ("Postgres and redis", vec!["PostgreSQL", "Redis"]),
            ("We go where the rust is, with a spark of julia.", vec![]),
            ("We wrote it in Go and Rust.", vec!["Go", "Rust"]),
            ("A segment of a tower", vec![]),
            ("The guard rails, the iceberg, the airflow of the racks and a redshift.", vec![]),
            ("Yarn is not YARN", vec!["Yarn", "YARN"]),
            ("It works. Go on. Stripe by stripe we write Go.", vec!["Go"]),
        ] {
            assert_eq!(Technologies::builtin().named_in("", body), expected, "{body}");
        }
    }

    #[test]
    fn passing_mentions_are_dropped() {
        let body = "Kafka Kafka Kafka Kafka once beside MySQL";
        assert_eq!(Technologies::builtin().named_in("", body), ["Kafka"]);
    }
}
