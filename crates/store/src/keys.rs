//! Index keys, bounded so that no hostile address exceeds an index page.

use backissue_model::{CanonicalUrl, ConceptSlug, SourceId, Week};
use url::Url;
use xxhash_rust::xxh3::xxh3_128;

/// Maximum length of a key that is stored unchanged. PostgreSQL's B-tree accepts entries of up to
/// 2,704 bytes.
const KEY_MAX: usize = 600;

/// A bounded key that is equal for two spellings of an address. A long key consists of its
/// beginning and a hash.
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
    let start = &key[..key.floor_char_boundary(KEY_MAX)];
    format!("{start} {:032x}", xxh3_128(key.as_bytes()))
}

/// The list of all annotated reads.
pub(crate) const ALL: &str = "all";

pub(crate) fn source_list(id: SourceId) -> String {
    format!("source/{}", id.0)
}

pub(crate) fn week_list(week: Week) -> String {
    format!("week/{week}")
}

pub(crate) fn concept_list(concept: &ConceptSlug) -> String {
    format!("concept/{concept}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_addresses_have_bounded_distinct_keys() {
        let url = |end: &str| -> CanonicalUrl {
            format!("https://example.com/{}{end}", "a".repeat(5000)).parse().unwrap()
        };
        let (one, two) = (address_key(&url("1")), address_key(&url("2")));
        assert!(one.len() < 700 && one != two);
        assert_eq!(one, address_key(&url("1/")));
    }
}
