//! Texts that indexes are made of: bounded, so that no hostile address outgrows an index page.

use backissue_model::{CanonicalUrl, ConceptSlug, SourceId};
use url::Url;
use xxhash_rust::xxh3::xxh3_128;

/// Longest part of a key that is kept as it is. PostgreSQL's B-tree takes entries of up to 2,704 bytes.
const KEY_MAX: usize = 600;

/// What two spellings of an address have in common, bounded: a long key keeps its beginning and a hash of the whole.
pub(crate) fn address_key(url: &CanonicalUrl) -> String {
    bounded(url.key())
}

/// The same for an address that may not be on the web.
pub(crate) fn url_key(url: &Url) -> String {
    CanonicalUrl::of(url).map_or_else(|_| bounded(url.to_string()), |url| address_key(&url))
}

fn bounded(key: String) -> String {
    if key.len() <= KEY_MAX {
        return key;
    }
    let mut end = KEY_MAX;
    while !key.is_char_boundary(end) {
        end -= 1;
    }
    format!("{} {:032x}", &key[..end], xxh3_128(key.as_bytes()))
}

/// The list of all annotated reads.
pub(crate) const ALL: &str = "all";

pub(crate) fn source_list(id: SourceId) -> String {
    format!("source/{}", id.0)
}

pub(crate) fn concept_list(concept: &ConceptSlug) -> String {
    format!("concept/{concept}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_addresses_have_bounded_keys_that_still_differ() {
        let url = |end: &str| -> CanonicalUrl {
            format!("https://example.com/{}{end}", "a".repeat(5000)).parse().unwrap()
        };
        let (one, two) = (address_key(&url("1")), address_key(&url("2")));
        assert!(one.len() < 700 && one != two);
        assert_eq!(one, address_key(&url("1/")));
    }
}
