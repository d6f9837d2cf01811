//! Feeds in several documents: paged and archived feeds (RFC 5005), and JSON Feed's `next_url`.

use url::Url;

use crate::addresses::{Allowance, can_be_base};
use crate::{Hints, decoding, tags};

/// Where a feed continues.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paging {
    /// The document with older entries (RFC 5005 section 4, `prev-archive`).
    pub previous_archive: Option<Url>,
    /// The next page of a paged feed (RFC 5005 section 3, `next`; JSON Feed, `next_url`).
    pub next: Option<Url>,
    /// Whether WordPress made it. Its feeds have pages (`?paged=2`) without links to them.
    pub is_wordpress: bool,
}

/// Finds where a feed continues. Links inside entries are ignored.
pub fn paging(bytes: &[u8], hints: &Hints) -> Paging {
    let text = decoding::decode(bytes, hints.media_type.as_deref());
    let base = hints.url.as_ref().filter(|url| can_be_base(url));
    let mut allowance = Allowance::of(text.len());
    if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') {
        let next = crate::json::read(text.trim_start_matches('\u{feff}'))
            .ok()
            .and_then(|feed| allowance.web_address(feed.get("next_url")?.as_str()?, base));
        return Paging { next, ..Paging::default() };
    }
    let mut paging = Paging::default();
    let mut inside = 0usize;
    for tag in tags::tags(&text) {
        let (prefix, name) = tag.name.split_once(':').unwrap_or(("", &tag.name));
        match name {
            "entry" | "item" if tag.kind == tags::TagKind::Start => inside += 1,
            "entry" | "item" if tag.kind == tags::TagKind::End => inside = inside.saturating_sub(1),
            "generator" if inside == 0 && tag.kind == tags::TagKind::Start => {
                let rest = &text[tag.end..];
                let end = rest.char_indices().take(200).find(|(_, c)| *c == '<').map_or(0, |(at, _)| at);
                paging.is_wordpress |= rest[..end].to_ascii_lowercase().contains("wordpress");
            }
            "link" if inside == 0 && matches!(prefix, "" | "atom" | "atom10" | "a10") => {
                let attributes = tag.attributes();
                let value = |name: &str| attributes.iter().find(|a| a.name == name).map(|a| a.value.trim());
                let Some(url) = value("href").and_then(|href| allowance.web_address(href, base)) else {
                    continue;
                };
                let relation = value("rel").unwrap_or("").to_ascii_lowercase();
                let relation = relation.rsplit(['/', '#']).next().unwrap_or("");
                match relation {
                    "prev-archive" => paging.previous_archive.get_or_insert(url),
                    "next" => paging.next.get_or_insert(url),
                    _ => continue,
                };
            }
            _ => {}
        }
    }
    paging
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints() -> Hints {
        Hints { url: Url::parse("https://a.example/feed.xml").ok(), media_type: None }
    }

    #[test]
    fn archived_and_paged_feeds_link_to_their_continuation() {
        let atom = br#"<feed xmlns="http://www.w3.org/2005/Atom" xmlns:fh="http://purl.org/syndication/history/1.0"><fh:archive/>
            <link rel="self" href="/feed.xml"/><link rel="prev-archive" href="/2019.atom"/>
            <entry><link rel="next" href="/wrong"/></entry></feed>"#;
        let found = paging(atom, &hints());
        assert_eq!(found.previous_archive.map(String::from).as_deref(), Some("https://a.example/2019.atom"));
        assert_eq!(found.next, None);
        let rss =
            br#"<rss xmlns:atom="x"><channel><atom:link rel="next" href="https://a.example/feed?page=2"/>
            <generator>https://wordpress.org/?v=6.5</generator><item/></channel></rss>"#;
        let found = paging(rss, &hints());
        assert_eq!(found.next.map(String::from).as_deref(), Some("https://a.example/feed?page=2"));
        assert!(found.is_wordpress);
        let json =
            br#"{"version": "https://jsonfeed.org/version/1.1", "next_url": "/feed2.json", "items": []}"#;
        assert_eq!(
            paging(json, &hints()).next.map(String::from).as_deref(),
            Some("https://a.example/feed2.json")
        );
    }
}
