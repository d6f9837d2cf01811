//! The concept vocabulary: the subjects of engineering posts, parsed from `data/concepts.toml`.
//!
//! This module does not search articles for concepts; [`crate::annotate`] does.

use std::collections::HashMap;
use std::sync::LazyLock;

use backissue_model::{Concept, ConceptSlug, Correction, CorrectionError, ReadField, meant};
use jiff::civil::Date;
use serde::Deserialize;

/// Concepts with their names, definitions and parents.
#[derive(Debug)]
pub struct Vocabulary {
    concepts: Vec<Concept>,
    weak: Vec<Vec<String>>,
    by_slug: HashMap<ConceptSlug, usize>,
}

/// Why a text is not a valid vocabulary.
#[derive(Debug, thiserror::Error)]
pub enum VocabularyError {
    /// It is not TOML, or not of the expected form.
    #[error("the concept vocabulary cannot be read: {0}; see the head of concepts.toml for its form")]
    Form(#[from] toml::de::Error),
    /// Two concepts share a slug.
    #[error("two concepts are called `{0}`; give one of them another slug")]
    DoubleSlug(ConceptSlug),
    /// Two concepts have the same name or alias.
    #[error("`{phrase}` is claimed by `{first}` and by `{second}`; leave it to one of them")]
    DoubleAlias {
        /// The name or alias.
        phrase: String,
        /// The first concept that has it.
        first: ConceptSlug,
        /// The second concept that has it.
        second: ConceptSlug,
    },
    /// The name, an alias or the definition of this concept is empty.
    #[error("concept `{0}` has an empty name, alias or definition; write or delete it")]
    Empty(ConceptSlug),
    /// A concept names a parent that does not exist.
    #[error(
        "concept `{child}` belongs under `{parent}`, which is not in the vocabulary; add it or correct its name"
    )]
    UnknownParent {
        /// The concept.
        child: ConceptSlug,
        /// The slug of the missing parent.
        parent: ConceptSlug,
    },
    /// This concept is its own ancestor.
    #[error("concept `{0}` is its own ancestor; break the circle of parents")]
    Cycle(ConceptSlug),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VocabularyFile {
    concept: Vec<ConceptRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConceptRow {
    slug: ConceptSlug,
    name: String,
    #[serde(default)]
    aliases: Vec<String>,
    #[serde(default)]
    weak: Vec<String>,
    definition: String,
    #[serde(default)]
    parent: Option<ConceptSlug>,
}

static BUILTIN: LazyLock<Vocabulary> = LazyLock::new(|| {
    Vocabulary::parse(include_str!("../data/concepts.toml"))
        .expect("the vocabulary in the program is the one its tests have parsed")
});

impl Vocabulary {
    /// The built-in vocabulary.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// Parses a vocabulary in the form of `data/concepts.toml`.
    ///
    /// # Errors
    /// [`VocabularyError`], which names the faulty concept: a repeated slug or alias, a missing
    /// parent, a cycle of parents, an empty text.
    pub fn parse(toml: &str) -> Result<Self, VocabularyError> {
        let file: VocabularyFile = toml::from_str(toml)?;
        let mut vocabulary = Self { concepts: Vec::new(), weak: Vec::new(), by_slug: HashMap::new() };
        for row in file.concept {
            let texts = row.aliases.iter().chain(&row.weak).chain([&row.name, &row.definition]);
            if texts.into_iter().any(|text| text.trim().is_empty()) {
                return Err(VocabularyError::Empty(row.slug));
            }
            if vocabulary.by_slug.insert(row.slug.clone(), vocabulary.concepts.len()).is_some() {
                return Err(VocabularyError::DoubleSlug(row.slug));
            }
            vocabulary.weak.push(row.weak);
            vocabulary.concepts.push(Concept {
                slug: row.slug,
                name: row.name,
                aliases: row.aliases,
                definition: row.definition,
                parent: row.parent,
            });
        }
        vocabulary.check_aliases()?;
        vocabulary.check_parents()?;
        Ok(vocabulary)
    }

    /// All concepts, in file order.
    pub fn concepts(&self) -> &[Concept] {
        &self.concepts
    }

    /// The concept with this slug.
    pub fn get(&self, slug: &ConceptSlug) -> Option<&Concept> {
        self.by_slug.get(slug).map(|&at| &self.concepts[at])
    }

    /// The concept with this slug, name or alias, in any case.
    pub fn called(&self, name: &str) -> Option<&Concept> {
        let wanted = name.trim().to_lowercase();
        let by_slug = wanted.replace([' ', '_'], "-").parse().ok().and_then(|slug| self.get(&slug));
        let is_called = |name: &String| name.to_lowercase() == wanted;
        by_slug
            .or_else(|| self.concepts.iter().find(|c| is_called(&c.name) || c.aliases.iter().any(is_called)))
    }

    /// The concept whose name is most similar to a mistyped `name`. Returns `None` if no name is
    /// similar enough.
    pub fn nearest(&self, name: &str) -> Option<&Concept> {
        let names = self.concepts.iter().flat_map(|c| [c.slug.as_str(), &c.name]);
        backissue_model::nearest(
            name,
            names.chain(self.concepts.iter().flat_map(|c| c.aliases.iter().map(String::as_str))),
        )
        .and_then(|name| self.called(name))
    }

    /// The correction of a field by the text that a person typed. Concepts may be typed as slug,
    /// name or alias.
    ///
    /// # Errors
    /// As [`Correction::today`], or if the vocabulary does not have a concept.
    pub fn correction(
        &self,
        field: ReadField,
        typed: &str,
        today: Date,
    ) -> Result<Correction, CorrectionError> {
        if field != ReadField::Concepts {
            return Correction::today(field, typed, today);
        }
        let mut slugs: Vec<&str> = Vec::new();
        for name in typed.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let words: Vec<&str> = match self.called(name) {
                Some(_) => vec![name],
                None => name.split_whitespace().collect(),
            };
            for word in words {
                slugs.push(self.called(word).ok_or_else(|| self.unknown(word, name))?.slug.as_str());
            }
        }
        Correction::of(field, &slugs.join(" "))
    }

    fn unknown(&self, word: &str, name: &str) -> CorrectionError {
        let nearest = self.nearest(name).or_else(|| self.nearest(word));
        CorrectionError::Concept { name: name.to_owned(), hint: meant(nearest.map(|one| one.slug.as_str())) }
    }

    /// The concepts directly under `parent`, in file order.
    pub fn children<'v>(&'v self, parent: &'v ConceptSlug) -> impl Iterator<Item = &'v Concept> {
        self.concepts.iter().filter(move |c| c.parent.as_ref() == Some(parent))
    }

    /// The display name of the concept `slug`. Returns the slug if the vocabulary does not have it,
    /// for example because the concept was removed.
    pub fn name_of<'v>(&'v self, slug: &'v ConceptSlug) -> &'v str {
        self.get(slug).map_or(slug.as_str(), |concept| &concept.name)
    }

    /// All phrases, each with its concept's index in [`Self::concepts`] and its strength.
    pub(crate) fn phrases(&self) -> impl Iterator<Item = (&str, usize, Strength)> {
        self.concepts.iter().zip(&self.weak).enumerate().flat_map(|(at, (concept, weak))| {
            let is_weak = |phrase: &str| weak.iter().any(|w| w.eq_ignore_ascii_case(phrase));
            let name = (!is_weak(&concept.name)).then_some(concept.name.as_str());
            let strong = name.into_iter().chain(concept.aliases.iter().map(String::as_str));
            strong
                .map(move |phrase| (phrase, at, Strength::Own))
                .chain(weak.iter().map(move |phrase| (phrase.as_str(), at, Strength::Weak)))
        })
    }

    /// The index in [`Self::concepts`] of the parent of the concept at `at`. Returns `None` if it
    /// has no parent.
    pub(crate) fn parent_at(&self, at: usize) -> Option<usize> {
        self.by_slug.get(self.concepts[at].parent.as_ref()?).copied()
    }

    fn check_aliases(&self) -> Result<(), VocabularyError> {
        let mut owners: HashMap<String, usize> = HashMap::new();
        for (phrase, at, strength) in self.phrases() {
            if strength == Strength::Weak {
                continue;
            }
            let first = *owners.entry(phrase.to_lowercase()).or_insert(at);
            if first != at {
                return Err(VocabularyError::DoubleAlias {
                    phrase: phrase.to_owned(),
                    first: self.concepts[first].slug.clone(),
                    second: self.concepts[at].slug.clone(),
                });
            }
        }
        Ok(())
    }

    fn check_parents(&self) -> Result<(), VocabularyError> {
        for (at, concept) in self.concepts.iter().enumerate() {
            if let Some(parent) = concept.parent.as_ref().filter(|p| !self.by_slug.contains_key(*p)) {
                let (child, parent) = (concept.slug.clone(), parent.clone());
                return Err(VocabularyError::UnknownParent { child, parent });
            }
            let mut above = self.parent_at(at);
            for _ in 0..self.concepts.len() {
                let Some(here) = above else { break };
                if here == at {
                    return Err(VocabularyError::Cycle(concept.slug.clone()));
                }
                above = self.parent_at(here);
            }
        }
        Ok(())
    }
}

/// Whether a phrase alone shows that its concept is meant, or only together with other signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    Own,
    Weak,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(slug: &str, rest: &str) -> String {
        format!("[[concept]]\nslug = \"{slug}\"\nname = \"{slug} name\"\ndefinition = \"what\"\n{rest}\n")
    }

    #[test]
    fn concepts_of_corrections_go_by_any_name() {
        let vocabulary = Vocabulary::builtin();
        let correction = |typed: &str| {
            let made = vocabulary.correction(ReadField::Concepts, typed, jiff::civil::date(2026, 5, 12));
            made.map(|correction| correction.text().to_owned()).map_err(|error| error.to_string())
        };
        assert_eq!(correction("Rate limiting, caching").unwrap(), "rate-limiting caching");
        assert_eq!(correction("rate-limiting caching").unwrap(), "rate-limiting caching");
        assert_eq!(correction(" , ").unwrap(), "");
        let wrong = correction("caching, rate-limitin").unwrap_err();
        assert!(
            wrong.contains("`rate-limitin` is not a concept") && wrong.contains("rate-limiting"),
            "{wrong}"
        );
    }

    #[test]
    fn builtin_vocabulary_is_valid_and_large() {
        let vocabulary = Vocabulary::parse(include_str!("../data/concepts.toml")).unwrap();
        assert!(vocabulary.concepts().len() >= 110, "{}", vocabulary.concepts().len());
        for concept in vocabulary.concepts() {
            assert!(concept.definition.ends_with('.') && concept.definition.len() <= 140, "{}", concept.slug);
        }
    }

    #[test]
    fn faulty_vocabulary_is_refused_with_its_concept() {
        for (toml, message) in [
            (row("aa", "") + &row("aa", ""), "two concepts are called `aa`"),
            (
                row("aa", "aliases = ['X']") + &row("bb", "aliases = ['x']"),
                "`x` is claimed by `aa` and by `bb`",
            ),
            (row("aa", "aliases = ['bb NAME']") + &row("bb", ""), "claimed by `aa` and by `bb`"),
            (row("aa", "parent = 'cc'"), "`aa` belongs under `cc`"),
            (row("aa", "parent = 'bb'") + &row("bb", "parent = 'aa'"), "its own ancestor"),
            (row("aa", "parent = 'aa'"), "its own ancestor"),
            (row("aa", "aliases = [' ']"), "empty"),
            (row("aa", "colour = 'red'"), "cannot be read"),
            (row("A A", ""), "cannot be read"),
        ] {
            let error = Vocabulary::parse(&toml).unwrap_err().to_string();
            assert!(error.contains(message), "{error} / {message}");
        }
    }

    #[test]
    fn concepts_know_their_children_and_names() {
        let vocabulary = Vocabulary::parse(&(row("aa", "") + &row("bb", "parent = 'aa'"))).unwrap();
        let (aa, gone): (ConceptSlug, ConceptSlug) = ("aa".parse().unwrap(), "gone".parse().unwrap());
        assert_eq!(vocabulary.children(&aa).map(|c| c.slug.as_str()).collect::<Vec<_>>(), ["bb"]);
        assert_eq!((vocabulary.name_of(&aa), vocabulary.name_of(&gone)), ("aa name", "gone"));
        assert!(vocabulary.get(&gone).is_none());
    }
}
