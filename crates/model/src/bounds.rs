//! Maximum lengths of texts from feeds and pages.
//!
//! They keep a list of a hundred reads small, whatever a feed contains. Texts are cut when they are
//! parsed, and again when they are stored. Texts that an older version stored are cut when they are
//! shown.

use std::borrow::Cow;

use crate::{Article, Entry, Feed};

/// Maximum characters of a title: of a read, a source, a site.
pub const MAX_TITLE: usize = 300;

/// Maximum characters of a name: of an author or several, a company, a tag.
pub const MAX_NAME: usize = 200;

/// Maximum characters of a page's own description.
pub const MAX_DESCRIPTION: usize = 2000;

/// Maximum characters of a stored error.
pub const MAX_ERROR: usize = 2000;

/// Maximum bytes of a language tag. RFC 5646 recommends 35. A longer tag is dropped and not cut,
/// because a part of a tag would name another language.
pub const MAX_LANGUAGE: usize = 35;

/// Maximum bytes of an address or of a feed's identifier. Longer ones are dropped.
pub const MAX_ADDRESS: usize = 4096;

/// Maximum tags per entry.
pub const MAX_TAGS: usize = 50;

/// Maximum bytes of HTML in an entry's summary.
pub const MAX_SUMMARY: usize = 64 << 10;
/// Maximum bytes of HTML in an entry's content.
pub const MAX_CONTENT: usize = 2 << 20;

/// Cuts `text` to at most `most` characters, after a whole word, and marks the cut with `…`.
pub fn cut(text: &str, most: usize) -> Cow<'_, str> {
    // A character has at most four bytes, so most texts need no counting.
    if text.len() <= most || text.char_indices().nth(most).is_none() {
        return Cow::Borrowed(text);
    }
    let end = text.char_indices().nth(most.saturating_sub(1)).map_or(0, |(at, _)| at);
    let start = &text[..end];
    // Drops the word that is cut, unless it is most of the text.
    let next_is_space = text[end..].starts_with(char::is_whitespace);
    let word = start.rfind(char::is_whitespace).filter(|at| !next_is_space && *at * 2 > end);
    let kept = start[..word.unwrap_or(end)].trim_end_matches([',', ';', ':', '.', ' ', '\n', '\t']);
    Cow::Owned(format!("{kept}…"))
}

/// The first `most` characters of `text`.
pub fn first_chars(text: &str, most: usize) -> &str {
    text.char_indices().nth(most).map_or(text, |(end, _)| &text[..end])
}

/// Cuts `text` to at most `most` bytes, between characters.
fn start(text: &mut String, most: usize) {
    text.truncate(text.floor_char_boundary(most));
}

fn cut_in_place(text: &mut Option<String>, most: usize) {
    if let Some(text) = text
        && let Cow::Owned(shorter) = cut(text, most)
    {
        *text = shorter;
    }
}

fn language(tag: &mut Option<String>) {
    *tag = tag.take().filter(|tag| tag.len() <= MAX_LANGUAGE);
}

impl Feed {
    /// Returns the feed with all texts within bounds.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        cut_in_place(&mut self.title, MAX_TITLE);
        language(&mut self.language);
        self.site_url = self.site_url.filter(|url| url.as_str().len() <= MAX_ADDRESS);
        self.entries = self.entries.into_iter().map(Entry::bounded).collect();
        self
    }
}

impl Entry {
    /// Returns the entry with all texts within bounds.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        cut_in_place(&mut self.title, MAX_TITLE);
        cut_in_place(&mut self.author, MAX_NAME);
        self.id = self.id.filter(|id| id.len() <= MAX_ADDRESS);
        self.url = self.url.filter(|url| url.as_str().len() <= MAX_ADDRESS);
        self.original_url = self.original_url.filter(|url| url.as_str().len() <= MAX_ADDRESS);
        self.tags.truncate(MAX_TAGS);
        for tag in &mut self.tags {
            if let Cow::Owned(shorter) = cut(tag, MAX_NAME) {
                *tag = shorter;
            }
        }
        if let Some(summary) = &mut self.summary {
            start(summary, MAX_SUMMARY);
        }
        if let Some(content) = &mut self.content {
            start(content, MAX_CONTENT);
        }
        self
    }
}

impl Article {
    /// Returns the article with all texts within bounds. The extractor bounds the body.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        cut_in_place(&mut self.title, MAX_TITLE);
        cut_in_place(&mut self.author, MAX_NAME);
        cut_in_place(&mut self.site_name, MAX_NAME);
        cut_in_place(&mut self.description, MAX_DESCRIPTION);
        language(&mut self.language);
        self.canonical_url = self.canonical_url.filter(|url| url.as_str().len() <= MAX_ADDRESS);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FeedFormat;

    #[test]
    fn texts_are_cut_after_a_word_with_an_ellipsis() {
        for (text, most, expected) in [
            ("a short title", 13, "a short title"),
            ("a short title", 12, "a short…"),
            ("a short title", 9, "a short…"),
            ("one, two, three", 10, "one, two…"),
            ("unbreakable", 5, "unbr…"),
            ("a unbreakable", 10, "a unbreak…"),
            ("日本語の長い題", 5, "日本語の…"),
            ("äöü äöü äöü", 8, "äöü äöü…"),
            ("", 5, ""),
        ] {
            assert_eq!(cut(text, most), expected, "{text} {most}");
            assert!(cut(text, most).chars().count() <= most);
        }
    }

    #[test]
    fn all_texts_of_entries_and_feeds_are_bounded() {
        let long = "word ".repeat(100_000);
        let address: url::Url = format!("https://a.example/{}", "x".repeat(10_000)).parse().unwrap();
        let entry = Entry {
            id: Some(long.clone()),
            url: Some(address.clone()),
            original_url: Some(address.clone()),
            title: Some(long.clone()),
            author: Some(long.clone()),
            summary: Some("é".repeat(100_000)),
            content: Some("é".repeat(2 << 20)),
            tags: vec![long.clone(); 1000],
            ..Entry::default()
        };
        let feed = Feed {
            title: Some(long.clone()),
            site_url: Some(address),
            language: Some(long),
            entries: vec![entry],
            format: FeedFormat::Atom,
        };
        let bounded = feed.bounded();
        assert_eq!((&bounded.site_url, &bounded.language), (&None, &None));
        assert!(bounded.title.as_ref().is_some_and(|title| title.ends_with("word…")));
        let entry = &bounded.entries[0];
        assert_eq!((&entry.id, &entry.url, &entry.original_url), (&None, &None, &None));
        assert!(entry.title.as_ref().is_some_and(|title| title.chars().count() <= MAX_TITLE));
        assert!(entry.author.as_ref().is_some_and(|author| author.chars().count() <= MAX_NAME));
        assert!(entry.tags.len() == MAX_TAGS && entry.tags[0].len() <= MAX_NAME + 2);
        assert_eq!(entry.summary.as_ref().map(String::len), Some(MAX_SUMMARY));
        assert_eq!(entry.content.as_ref().map(String::len), Some(MAX_CONTENT));
        assert_eq!(bounded.clone().bounded(), bounded);
    }
}
