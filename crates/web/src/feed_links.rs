//! The formats of feeds, and the links to feeds.

use backissue_search::Query;

use crate::question::href;

/// The format of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Atom,
    Json,
}

impl Format {
    pub(crate) const ALL: [Self; 2] = [Self::Atom, Self::Json];

    /// The ending of a feed's address.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Atom => ".atom",
            Self::Json => ".json",
        }
    }

    /// The media type in links.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Atom => "application/atom+xml",
            Self::Json => "application/feed+json",
        }
    }

    /// The format by the ending of `name`, and the name without the ending.
    pub(crate) fn of(name: &str) -> Option<(&str, Self)> {
        Self::ALL.into_iter().find_map(|format| Some((name.strip_suffix(format.ending())?, format)))
    }
}

/// The feed that a page offers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Offered {
    pub(crate) title: String,
    /// Its path without the ending.
    pub(crate) path: String,
    /// Its query, empty or with `?`.
    pub(crate) query: String,
}

impl Offered {
    pub(crate) fn new(title: impl Into<String>, path: impl Into<String>) -> Self {
        Self { title: title.into(), path: path.into(), query: String::new() }
    }

    /// The feed of the reads that answer a question. `None` for an empty question, and for one with
    /// a reader's own data, which a feed for everybody does not have.
    pub(crate) fn of_question(text: &str) -> Option<Self> {
        let title = text.trim();
        if title.is_empty() || is_personal(text) {
            return None;
        }
        let address = href("/search", text, 1);
        let (path, query) = address.split_once('?').unwrap_or((&address, ""));
        Some(Self { title: format!("Search: {title}"), path: path.to_owned(), query: format!("?{query}") })
    }

    pub(crate) fn address(&self, format: Format) -> String {
        format!("{}{}{}", self.path, format.ending(), self.query)
    }
}

/// Whether a question has a filter on a reader's own data, such as `is:kept`.
pub(crate) fn is_personal(question: &str) -> bool {
    Query::parse(question).filters().any(|(filter, _)| filter.is_own())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_end_with_their_format() {
        assert_eq!(Format::of("caching.atom"), Some(("caching", Format::Atom)));
        assert_eq!(Format::of("/feed.json"), Some(("/feed", Format::Json)));
        assert_eq!(Format::of("caching"), None);
        let offered = Offered::of_question("a&b \"c\"").unwrap();
        assert_eq!(offered.address(Format::Atom), "/search.atom?q=a%26b+%22c%22");
        for personal in ["", "cache is:kept", "-is:done", "label:later"] {
            assert_eq!(Offered::of_question(personal), None, "{personal}");
        }
    }
}
