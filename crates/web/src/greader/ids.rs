//! The ids of the Google Reader API: of items, feeds, tags and streams.

use backissue_annotate::Vocabulary;
use backissue_model::{Concept, Label, ReadId, Source, SourceId, without_credentials};
use backissue_store::{Mine, Stream};
use url::Url;

/// The id of the stream that every app shows as all reads.
pub(super) const READING_LIST: &str = "user/-/state/com.google/reading-list";
pub(super) const STARRED: &str = "user/-/state/com.google/starred";
pub(super) const READ: &str = "user/-/state/com.google/read";

const ITEM: &str = "tag:google.com,2005:reader/item/";

/// The long id of a read: a prefix and 16 hexadecimal digits.
pub(super) fn item(read: ReadId) -> String {
    format!("{ITEM}{:016x}", read.0)
}

/// The read with this id: the long one, its 16 digits alone, or the short one, which is decimal.
pub(super) fn read_of(id: &str) -> Option<ReadId> {
    let number = match id.strip_prefix(ITEM) {
        Some(hex) => hexadecimal(hex)?,
        None if id.len() == 16 => hexadecimal(id)?,
        None if id.bytes().all(|byte| byte.is_ascii_digit()) => id.parse().ok()?,
        None => return None,
    };
    (number > 0).then_some(ReadId(number))
}

fn hexadecimal(text: &str) -> Option<i64> {
    let is_hex = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    i64::from_str_radix(text, 16).ok().filter(|_| is_hex)
}

/// The id of a source's feed.
pub(super) fn feed(source: SourceId) -> String {
    format!("feed/{}", source.0)
}

/// The id of a folder or tag.
pub(super) fn tag(name: &str) -> String {
    format!("user/-/label/{name}")
}

/// The name of a folder or tag, of any user: apps write `-` or the user's number.
pub(super) fn name_of(tag: &str) -> Option<&str> {
    let name = tag.strip_prefix("user/")?.split_once("/label/")?.1;
    (!name.is_empty()).then_some(name)
}

/// The source of a feed's id, which has its number or its address. Credentials in the address do
/// not matter, because lists show it without them.
pub(super) fn source_of<'s>(id: &str, sources: &'s [Source]) -> Option<&'s Source> {
    let text = id.strip_prefix("feed/")?;
    let address = Url::parse(text).ok().map(|url| without_credentials(&url));
    let is_it = |source: &&Source| {
        let own = source.feed_url.as_ref().map(without_credentials);
        source.id.0.to_string() == text || (own.is_some() && own == address)
    };
    sources.iter().find(is_it)
}

/// The stream with this id. A name may be ambiguous. Then a reader's label with exactly this name
/// comes first, then a group of sources, then a concept. Labels ignore case, and concepts have
/// aliases.
pub(super) fn stream_of(id: &str, sources: &[Source], labels: &[Label]) -> Option<Stream> {
    if let Some(mine) = state_of(id) {
        return Some(Stream::Mine(mine));
    }
    if id.starts_with("feed/") {
        return source_of(id, sources).map(|source| Stream::Source(source.id));
    }
    let Some(name) = name_of(id) else {
        let is_all = id.starts_with("user/") && id.ends_with("/state/com.google/reading-list");
        return is_all.then_some(Stream::All);
    };
    let label = |name: &str| {
        labels.iter().find(|label| label.as_str() == name).map(|label| Stream::Label(label.clone()))
    };
    let is_group = sources.iter().any(|source| source.group.as_deref() == Some(name));
    let concept = Vocabulary::builtin().called(name);
    let of_concept = |concept: &Concept| Stream::Concept(concept.slug.clone());
    label(name)
        .or_else(|| is_group.then(|| Stream::Group(name.to_owned())))
        .or_else(|| concept.filter(|concept| concept.name == name).map(of_concept))
        .or_else(|| name.parse::<Label>().ok().and_then(|typed| label(typed.as_str())))
        .or_else(|| concept.map(of_concept))
}

/// The mark for a state of the API. Returns `None` for other tags.
pub(super) fn state_of(tag: &str) -> Option<Mine> {
    match tag.strip_prefix("user/")?.split_once("/state/com.google/")?.1 {
        "read" => Some(Mine::Done),
        "starred" => Some(Mine::Kept),
        "kept-unread" | "unread" => Some(Mine::Unread),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_has_a_long_and_a_short_id() {
        let long = item(ReadId(42));
        assert_eq!(long, "tag:google.com,2005:reader/item/000000000000002a");
        for id in [long.as_str(), "000000000000002a", "42"] {
            assert_eq!(read_of(id), Some(ReadId(42)), "{id}");
        }
        for wrong in [
            "",
            "0",
            "-1",
            "+5",
            "x",
            "99999999999999999999",
            "ffffffffffffffff",
            "+00000000000002a",
            "tag:google.com,2005:reader/item/",
            "tag:google.com,2005:reader/item/+2a",
            "tag:google.com,2005:reader/item/0",
        ] {
            assert_eq!(read_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn streams_are_states_feeds_labels_and_concepts() {
        let concept = &Vocabulary::builtin().concepts()[0];
        let labels: [Label; 2] = ["For later".parse().unwrap(), "a/b".parse().unwrap()];
        let stream = |id: &str| stream_of(id, &[], &labels);
        assert_eq!(stream("user/-/state/com.google/reading-list"), Some(Stream::All));
        assert_eq!(stream("user/7/state/com.google/starred"), Some(Stream::Mine(Mine::Kept)));
        assert_eq!(stream("user/-/label/For Later"), Some(Stream::Label(labels[0].clone())), "in any case");
        assert_eq!(stream("user/-/label/a/b"), Some(Stream::Label(labels[1].clone())));
        for name in [concept.name.as_str(), concept.slug.as_str()] {
            assert_eq!(stream(&tag(name)), Some(Stream::Concept(concept.slug.clone())), "{name}");
        }
        for wrong in ["", "feed/1", "feed/", "user/-/label/", "user/-/state/com.google/nothing", "x", "user/"]
        {
            assert_eq!(stream(wrong), None, "{wrong}");
        }
    }
}
