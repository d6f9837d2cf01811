//! An article without the rest of its page, from a page or a feed.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Blocks;

/// Words that an adult reads per minute, silently, in English non-fiction.
///
/// 238 is the mean of 190 studies (Brysbaert 2019, "How many words do we read per minute?", Journal
/// of Memory and Language 109).
pub const WORDS_PER_MINUTE: u32 = 238;

/// Minutes to read `words` words, rounded up, at least 1.
pub fn minutes_to_read(words: u32) -> u32 {
    words.div_ceil(WORDS_PER_MINUTE).max(1)
}

/// An article without the rest of its page.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Article {
    /// The address that the page declares (`rel=canonical`, `og:url`), if it is on the same site.
    pub canonical_url: Option<Url>,
    /// The article's title, without the site's name.
    pub title: Option<String>,
    /// The author; several names are joined with commas.
    pub author: Option<String>,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// The site's name.
    pub site_name: Option<String>,
    /// The page's own short description, plain text.
    pub description: Option<String>,
    /// The language as a BCP 47 tag: the declared one, else the detected one.
    pub language: Option<String>,
    /// The body as sanitised HTML with absolute addresses.
    pub html: String,
    /// The body as plain text. An empty line separates blocks; code keeps its line breaks. Evidence
    /// points into this text.
    pub text: String,
    /// The blocks of `text`. Empty for an article that was stored before blocks were kept.
    pub blocks: Blocks,
    /// Number of words in `text`.
    pub words: u32,
    /// Minutes to read it, at [`WORDS_PER_MINUTE`].
    pub minutes: u32,
    /// The fingerprint of `text`, equal for the same article on two sites. `None` if the text is
    /// too short to be distinctive.
    pub fingerprint: Option<Fingerprint>,
}

/// A 128-bit hash of an article's words. Ignores case, punctuation and white space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub u128);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Fingerprint {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Self)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_time_is_rounded_up_to_whole_minutes() {
        assert_eq!([0, 1, 238, 239, 4760].map(minutes_to_read), [1, 1, 1, 2, 20]);
    }

    #[test]
    fn fingerprint_round_trips_through_text() {
        let print = Fingerprint(0x0123_4567_89ab_cdef);
        assert_eq!(print.to_string().parse(), Ok(print));
        assert_eq!(print.to_string().len(), 32);
    }
}
