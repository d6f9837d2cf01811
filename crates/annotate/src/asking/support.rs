//! Compares the words of a statement with its evidence.
//!
//! Names, figures, technical terms and enough of the other words must occur in the evidence. This
//! module must not choose the evidence.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

use crate::Vocabulary;
use crate::asking::figures::{is_unit, unbacked};
use crate::asking::forms::{COUNTRIES, DAYS, MONTHS, SHORT, humps, with_space};
use crate::asking::words::{carries, has, has_words, pieces, words};
use crate::phrases::Phrases;
use crate::technologies::Technologies;
use crate::vocabulary::Strength;

/// The texts that must contain the words of a statement. Names and terms may occur anywhere in the
/// article; figures and other words must occur near the cited sentences.
pub(super) struct Evidence<'t> {
    article: &'t str,
    near: String,
    near_words: HashSet<String>,
    all: String,
    words: HashSet<String>,
    /// The words that end with digits, without the digits: "symfony" for "Symfony2".
    numbered: HashSet<String>,
    systems: BTreeSet<&'static str>,
    concepts: HashSet<usize>,
}

/// Why the evidence does not support a statement.
#[derive(Debug)]
pub(super) enum Unbacked {
    /// These names, figures and terms are missing.
    Terms(Vec<String>),
    /// Too many words are missing; these are some of them.
    Words(Vec<String>),
}

/// Maximum missing words in a message.
const TOLD: usize = 6;

/// Minimum share of a statement's words that must occur near the cited sentences. It is low,
/// because a statement may use other words; the second reading decides whether the meaning is the
/// same.
const ENOUGH: f32 = 0.2;

/// The names and aliases of all concepts.
pub(super) static TERMS: LazyLock<Phrases<usize>> = LazyLock::new(|| {
    let own = Vocabulary::builtin().phrases().filter(|(_, _, strength)| *strength == Strength::Own);
    Phrases::new(own.map(|(phrase, at, _)| (phrase.to_owned(), at)))
        .expect("some thousand phrases fit the automaton")
});

impl<'t> Evidence<'t> {
    /// Prepares the article and the texts near the cited sentences.
    pub(super) fn of(article: &'t str, near: impl IntoIterator<Item = &'t str>) -> Self {
        let texts: Vec<&str> = near.into_iter().collect();
        let near = texts.join("\n");
        let all = format!("{near}\n{article}");
        let mut all_words = words(&all);
        all_words.extend(humps(&all));
        let without_number = |word: &String| {
            let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
            (name.len() < word.len() && name.chars().count() >= 3).then(|| name.to_owned())
        };
        Self {
            article,
            near_words: words(&near),
            numbered: all_words.iter().filter_map(without_number).collect(),
            words: all_words,
            // One by one: a capital letter means nothing at the start of a text.
            systems: texts
                .iter()
                .chain([&article])
                .flat_map(|text| Technologies::builtin().mentions(text))
                .map(|(_, name)| name)
                .collect(),
            concepts: TERMS.find_all(&all).map(|hit| *hit.meaning).collect(),
            near,
            all: all.to_lowercase(),
        }
    }

    /// Checks that the evidence has the statement's names, figures and terms, and enough of its
    /// words.
    pub(super) fn backs(&self, statement: &str) -> Result<(), Unbacked> {
        let mut missing = unbacked(statement, &self.near);
        // A capital letter at the start of a sentence means nothing, unless the statement has it
        // too.
        let named = Technologies::builtin().mentions(statement).filter(|(written, name)| {
            // "go" is not a language, but "rocksdb" is a database.
            let as_written = has_words(&self.near, written) || has_words(self.article, written);
            let in_any_case = written.len() > 3 && has_words(&self.all, &written.to_lowercase());
            !self.systems.contains(name) && !as_written && !in_any_case
        });
        missing.extend(named.map(|(written, _)| written.to_owned()));
        let words = statement.split_whitespace().enumerate();
        missing.extend(words.filter_map(|(at, word)| self.unbacked_name(word, at == 0)).map(str::to_owned));
        let terms = TERMS.find(statement).into_iter().filter(|hit| !self.concepts.contains(hit.meaning));
        let terms = terms.map(|hit| &statement[hit.start..hit.end]);
        missing.extend(terms.filter(|term| !self.has_term(term)).map(str::to_owned));
        if missing.is_empty() {
            return self.is_of_the_matter(statement);
        }
        let mut told = HashSet::new();
        missing.retain(|term| told.insert(term.to_lowercase()));
        missing.truncate(TOLD);
        Err(Unbacked::Terms(missing))
    }

    /// Returns the part of a word that is a name or code and is missing from the evidence.
    fn unbacked_name<'w>(&self, word: &'w str, first: bool) -> Option<&'w str> {
        let bare = bare(word);
        if is_code(bare) && !self.all.contains(&bare.trim_end_matches("()").to_lowercase()) {
            return Some(bare);
        }
        pieces(word).enumerate().find_map(|(at, piece)| {
            // Any word has a capital letter there. "Acme's" is a name.
            let opens = first && at == 0 && is_capitalised(piece) && !has_possessive(word);
            let is_name = piece.chars().any(char::is_uppercase) || has_digit_behind_letter(piece);
            (is_name && !opens && !is_unit(piece) && !self.has_name(piece)).then_some(piece)
        })
    }

    /// Whether the evidence has the name, in the singular or the plural, with a number appended
    /// ("Symfony2"), or as another name of the same technology ("K8s" for "Kubernetes").
    fn has_name(&self, name: &str) -> bool {
        let lower = name.to_lowercase();
        let singular = lower.trim_end_matches('s');
        self.words.contains(&lower)
            || self.words.contains(singular)
            || self.words.contains(&format!("{lower}s"))
            || self.numbered.contains(&lower)
            || self.has_in_full(name)
            || self.has_country(&lower)
            || self.has_day(&lower)
            || with_space(&lower).is_some_and(|spaced| has_words(&self.all, &spaced))
            || Technologies::builtin()
                .mentions(name)
                .any(|(written, system)| written == name && self.systems.contains(system))
    }

    /// Whether the evidence has a term: most of its words, or its initials. "Background job" may be
    /// a background task; the second reading decides.
    fn has_term(&self, term: &str) -> bool {
        let parts: Vec<&str> = term.split_whitespace().flat_map(pieces).collect();
        let known = parts.iter().filter(|part| has(&self.words, part)).count();
        let initials: String = parts.iter().filter_map(|part| part.chars().next()).collect();
        2 * known >= parts.len() || parts.len() > 1 && self.words.contains(&initials.to_lowercase())
    }

    /// Whether the evidence has the full form of the abbreviation. Any two letters are the initials
    /// of some two words in a long text, so abbreviations of two letters must be in a list. Small
    /// words do not count.
    fn has_in_full(&self, name: &str) -> bool {
        let letters = name.strip_suffix('s').unwrap_or(name).to_lowercase();
        if let Some((_, full)) = SHORT.iter().find(|(short, _)| *short == letters) {
            return full.iter().any(|full| self.all.contains(full));
        }
        let is_short = (3..=5).contains(&letters.len()) && letters.bytes().all(|b| b.is_ascii_lowercase());
        let is_capital = name.starts_with(|c: char| c.is_uppercase()) && !is_capitalised(name);
        is_short && is_capital && {
            let initial = |word: &str| if word.len() > 3 { word.as_bytes()[0] } else { b' ' };
            let all: Vec<u8> = self.all.split_whitespace().flat_map(pieces).map(initial).collect();
            all.windows(letters.len()).any(|initials| initials == letters.as_bytes())
        }
    }

    /// Whether the evidence has the country of an adjective, or the adjective of a country.
    fn has_country(&self, lower: &str) -> bool {
        let has = |name: &str| has_words(self.article, name) || has_words(&self.near, name);
        COUNTRIES.iter().any(|(adjective, names)| {
            let is_one = |name: &&str| name.eq_ignore_ascii_case(lower);
            (is_one(adjective) || names.iter().any(is_one))
                && (has(adjective) || names.iter().any(|name| has(name)))
        })
    }

    /// Whether the evidence has the month or the day of the week in another form.
    fn has_day(&self, lower: &str) -> bool {
        let month = MONTHS.iter().position(|month| *month == lower).map(|at| format!("-{:02}-", at + 1));
        (month.is_some() || DAYS.contains(&lower))
            && lower.get(..3).is_some_and(|short| self.words.contains(short))
            || month.is_some_and(|month| self.all.contains(&month))
    }

    /// Whether enough of the words that carry meaning occur near the cited sentences, in any form.
    fn is_of_the_matter(&self, statement: &str) -> Result<(), Unbacked> {
        let all: Vec<&str> =
            statement.split_whitespace().flat_map(pieces).filter(|word| carries(word)).collect();
        let missing: Vec<&str> = all.iter().copied().filter(|word| !has(&self.near_words, word)).collect();
        let share = 1.0 - missing.len() as f32 / all.len().max(1) as f32;
        if share >= ENOUGH {
            return Ok(());
        }
        Err(Unbacked::Words(missing.into_iter().take(TOLD).map(str::to_owned).collect()))
    }
}

/// A word without the punctuation around it.
fn bare(word: &str) -> &str {
    let word = word.trim_start_matches(['"', '“', '‘', '(', '[', '`', '\'']);
    word.trim_end_matches(['"', '”', '’', '`', ']', '.', ',', ';', ':', '!', '?', '\''])
        .trim_end_matches("'s")
        .trim_end_matches("’s")
        .trim_end_matches('`')
}

/// Whether a word is code, a path, a version, a file or a host.
fn is_code(bare: &str) -> bool {
    let inner_point = bare.char_indices().any(|(at, c)| {
        c == '.'
            && bare[..at].ends_with(char::is_alphanumeric)
            && bare[at + 1..].starts_with(char::is_alphabetic)
    });
    let abbreviation = matches!(bare.to_lowercase().as_str(), "e.g" | "i.e" | "a.k.a" | "w.r.t");
    bare.contains('_') || bare.contains("::") || bare.ends_with("()") || (inner_point && !abbreviation)
}

fn is_capitalised(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_uppercase) && chars.all(|c| !c.is_uppercase())
}

/// Whether a word is of the form "Acme's".
fn has_possessive(word: &str) -> bool {
    word.ends_with("'s") || word.ends_with("’s")
}

fn has_digit_behind_letter(word: &str) -> bool {
    word.starts_with(char::is_alphabetic) && word.contains(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIDENCE: &str = "We run Kafka and Envoy. Mounting layers took 40ms because `mount_setattr` in fs/namespace.c held \
                            one global lock, so rate limiters with APIs on p99 timed out.";

    fn backs(statement: &str) -> Result<(), Unbacked> {
        Evidence::of("A container.", [EVIDENCE, "Starting containers", "Netflix"]).backs(statement)
    }

    #[test]
    fn what_the_evidence_says_is_backed_in_other_words_too() {
        for statement in [
            "Netflix mounted layers for containers, but mount_setattr held one global lock for 40 ms.",
            "When starting containers, Netflix's Kafka-based API waited on a global lock.",
            "Mounted layers held a global lock in fs/namespace.c.",
            "Rate limiting timed out at p99.",
            "Containers held one global lock.",
        ] {
            assert!(backs(statement).is_ok(), "{statement}: {:?}", backs(statement));
        }
    }

    #[test]
    fn what_the_evidence_does_not_say_is_named() {
        for (statement, wrong) in [
            ("Mounting layers of Cassandra held one global lock.", "Cassandra"),
            ("Oracle held one global lock while mounting layers.", "Oracle"),
            ("Uber's mounting of layers held one global lock.", "Uber"),
            ("Mounting layers held one Frobnicator lock.", "Frobnicator"),
            ("Mounting layers in umount_all held one global lock.", "umount_all"),
            ("Mounting layers held one global lock in fs/super.rs.", "super"),
            ("Mounting layers held one global lock for 50 ms.", "50"),
            ("Mounting layers held one global lock at P95.", "P95"),
            ("Mounting layers held one global lock during a cache stampede.", "cache stampede"),
            ("The company leaks passwords of every customer.", "leaks"),
            ("Hooli's mounting of layers held one global lock.", "Hooli"),
        ] {
            let refused = match backs(statement).unwrap_err() {
                Unbacked::Terms(missing) | Unbacked::Words(missing) => missing.join(" "),
            };
            assert!(refused.contains(wrong), "{statement}: {refused}");
        }
    }

    #[test]
    fn names_are_known_by_other_names_and_with_numbers() {
        let evidence =
            Evidence::of("The probe of k8s was slow.", ["It ran on Symfony2 and PHP7.", "", "Acme"]);
        for statement in ["Acme ran Symfony with PHP there.", "The probe of Kubernetes was slow at Acme."] {
            assert!(evidence.backs(statement).is_ok(), "{statement}: {:?}", evidence.backs(statement));
        }
        for statement in ["Acme ran Laravel with PHP there.", "The probe of Nomad was slow at Acme."] {
            assert!(evidence.backs(statement).is_err(), "{statement}");
        }
    }

    #[test]
    fn names_are_known_in_full_in_short_and_in_other_forms() {
        let evidence = Evidence::of(
            "We had a service level objective on our way to a better place.",
            [
                "The certificate authority ran in the UK office. GC jitter was seen on 2024-03-07 in the \
                 Ignition+TurboFan architecture of LiveData, over mTLS.",
                "Continuous integration ran a background task on Tue.",
                "Acme",
            ],
        );
        for statement in [
            "At Acme the CA issued certificates.",
            "Acme's British office saw jitter of garbage collection in March.",
            "Acme ran CI with a background job on Tuesday.",
            "The SLO of Live Data over TLS was missed with TurboFan.",
        ] {
            assert!(evidence.backs(statement).is_ok(), "{statement}: {:?}", evidence.backs(statement));
        }
        for (statement, wrong) in [
            ("At Acme the QA saw certificates.", "QA"),
            ("Acme's French office saw jitter.", "French"),
            ("At Acme jitter was seen in April.", "April"),
            ("At Acme it ran a task on Friday.", "Friday"),
            ("Acme ran integration over TCP.", "TCP"),
            ("Acme ran integration on OWT.", "OWT"),
            ("At Acme a cache stampede was seen in the office.", "cache stampede"),
        ] {
            let refused = evidence.backs(statement).unwrap_err();
            assert!(
                matches!(&refused, Unbacked::Terms(missing) if missing.iter().any(|m| m == wrong)),
                "{statement}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_verb_is_no_language() {
        let evidence = Evidence::of("", ["We go there with rust on the gates.", "", "Acme"]);
        let refused = evidence.backs("Acme wrote the gates there in Go.").unwrap_err();
        assert!(matches!(&refused, Unbacked::Terms(missing) if missing == &["Go"]), "{refused:?}");
    }
}
