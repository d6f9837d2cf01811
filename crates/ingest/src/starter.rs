//! The starter list: blogs that a new archive can follow.

use backissue_model::{NewSource, Slug};
use serde::Deserialize;
use url::Url;

/// Groups of blogs. A new archive follows the first one.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Starter {
    /// The groups, in file order.
    #[serde(rename = "group")]
    pub groups: Vec<StarterGroup>,
}

/// A group of the starter list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StarterGroup {
    /// Its name in commands.
    pub slug: Slug,
    /// Its heading.
    pub title: String,
    /// Its description, in one line.
    pub about: String,
    /// Its blogs.
    #[serde(rename = "source")]
    pub sources: Vec<StarterSource>,
}

/// A blog of the starter list.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StarterSource {
    /// The blog's title.
    pub title: String,
    /// The company behind it.
    pub company: String,
    /// Its front page.
    pub site: Url,
    /// Its feed.
    pub feed: Option<Url>,
    /// A sitemap that lists its articles.
    pub sitemap: Option<Url>,
    /// A page that lists its articles.
    pub listing: Option<Url>,
    /// A remark for people.
    pub note: Option<String>,
}

/// Why a starter list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StarterError {
    /// The text is not TOML, or not of the form that the file's comment describes.
    #[error("the starter list is malformed: {0}")]
    Form(#[from] toml::de::Error),
    /// A group has no blogs, or there is no group.
    #[error(
        "the starter list has no blogs to begin with; its first [[group]] needs at least one [[group.source]]"
    )]
    Empty,
    /// This blog has no feed, no sitemap and no listing page.
    #[error("the starter list names {0} without a feed, a sitemap or a listing page; give it one of them")]
    NoWayIn(String),
}

impl Starter {
    /// The built-in list.
    pub fn builtin() -> Self {
        Self::parse(include_str!("../data/starter.toml")).expect("the list in the binary is tested")
    }

    /// Parses a list in the form of the built-in one.
    ///
    /// # Errors
    /// If it is not TOML of that form, or a blog in it cannot be followed.
    pub fn parse(toml: &str) -> Result<Self, StarterError> {
        let list: Self = toml::from_str(toml)?;
        if list.groups.first().is_none_or(|g| g.sources.is_empty()) {
            return Err(StarterError::Empty);
        }
        let stuck = |s: &&StarterSource| s.feed.is_none() && s.sitemap.is_none() && s.listing.is_none();
        match list.groups.iter().flat_map(|g| &g.sources).find(stuck) {
            Some(source) => Err(StarterError::NoWayIn(source.title.clone())),
            None => Ok(list),
        }
    }

    /// The blogs that a new archive follows.
    pub fn first(&self) -> &[StarterSource] {
        self.groups.first().map_or(&[], |g| &g.sources)
    }
}

impl From<&StarterSource> for NewSource {
    fn from(source: &StarterSource) -> Self {
        Self {
            title: source.title.clone(),
            company: Some(source.company.clone()),
            site_url: Some(source.site.clone()),
            feed_url: source.feed.clone(),
            sitemap_url: source.sitemap.clone(),
            listing_url: source.listing.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn builtin_list_starts_with_a_dozen_of_many() {
        let list = Starter::builtin();
        assert_eq!(list.first().len(), 12);
        assert!(list.first().iter().all(|s| s.feed.is_some()), "the first dozen can be polled");
        assert!(list.groups.iter().map(|g| g.sources.len()).sum::<usize>() >= 100);
    }

    #[test]
    fn blogs_in_the_list_are_unique() {
        let list = Starter::builtin();
        let mut seen = HashSet::new();
        for source in list.groups.iter().flat_map(|g| &g.sources) {
            let name = source.feed.as_ref().or(source.listing.as_ref()).unwrap_or(&source.site);
            let key = backissue_model::CanonicalUrl::of(name).unwrap().key();
            assert!(seen.insert(key.clone()), "{key}");
            assert!(
                source.feed.is_some() || source.note.is_some(),
                "{} has no feed and does not say so",
                source.title
            );
        }
    }

    #[test]
    fn list_without_blogs_is_refused() {
        assert!(matches!(Starter::parse("group = []"), Err(StarterError::Empty)));
        let stuck = "[[group]]\nslug='a'\ntitle='A'\nabout=''\n[[group.source]]\ntitle='B'\ncompany='B'\nsite='https://b.example/'";
        assert!(matches!(Starter::parse(stuck), Err(StarterError::NoWayIn(_))));
        assert!(Starter::parse("[[group]]\nnonsense = 1").is_err());
    }
}
