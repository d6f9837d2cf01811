//! Feeds in several documents: paged and archived feeds (RFC 5005), JSON Feed's `next_url`, and
//! WordPress's lists of posts.

use jiff::Timestamp;
use serde_json::Value;
use url::Url;

use crate::addresses::{Allowance, can_be_base, is_on_the_web};
use crate::markup_text::plain_text;
use crate::{Hints, dates, decoding, tags};

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

/// A post in WordPress's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Its address.
    pub url: Url,
    /// Its title as plain text.
    pub title: Option<String>,
    /// When it was published.
    pub published: Option<Timestamp>,
    /// When it was last changed.
    pub modified: Option<Timestamp>,
}

/// Posts per page of WordPress's list: the maximum that WordPress allows.
pub const POSTS_PER_PAGE: usize = 100;

/// The address of page `number` (from 1) of WordPress's list of posts, newest first. `interface` is
/// the address that a page declares, or `/wp-json/` at the site's root.
pub fn posts_page(interface: &Url, number: u32) -> Option<Url> {
    let mut url = interface.clone();
    // A site without pretty URLs has the interface behind a parameter.
    let route = url.query_pairs().find(|(name, _)| name == "rest_route").map(|(_, route)| route.into_owned());
    url.set_fragment(None);
    url.set_query(None);
    match route {
        Some(route) => {
            url.query_pairs_mut()
                .append_pair("rest_route", &format!("{}/wp/v2/posts", route.trim_end_matches('/')));
        }
        None => {
            let path = format!("{}/wp/v2/posts", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
    }
    url.query_pairs_mut()
        .append_pair("per_page", &POSTS_PER_PAGE.to_string())
        .append_pair("page", &number.to_string())
        .append_pair("_fields", "link,date_gmt,modified_gmt,title");
    Some(url).filter(is_on_the_web)
}

/// Parses a page of WordPress's list of posts. Returns `None` if the bytes are no such list.
pub fn posts(bytes: &[u8]) -> Option<Vec<Post>> {
    let list = crate::json::read(std::str::from_utf8(bytes).ok()?).ok()?;
    let list = list.as_array()?;
    let post = |post: &Value| {
        let text = |name: &str| post.get(name).and_then(Value::as_str);
        let title = post.get("title").and_then(|title| title.get("rendered").or(Some(title)));
        Some(Post {
            url: Url::parse(text("link")?).ok().filter(is_on_the_web)?,
            title: title.and_then(Value::as_str).map(plain_text).filter(|title| !title.is_empty()),
            published: text("date_gmt").and_then(dates::parse),
            modified: text("modified_gmt").and_then(dates::parse),
        })
    };
    Some(list.iter().take(10 * POSTS_PER_PAGE).filter_map(post).collect())
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

    #[test]
    fn wordpress_lists_are_requested_and_parsed() {
        let page = |interface: &str| posts_page(&interface.parse().unwrap(), 3).unwrap().to_string();
        assert_eq!(
            page("https://a.example/blog/wp-json/"),
            "https://a.example/blog/wp-json/wp/v2/posts?per_page=100&page=3&_fields=link%2Cdate_gmt%2Cmodified_gmt%2Ctitle"
        );
        assert!(
            page("https://a.example/index.php?rest_route=/")
                .contains("rest_route=%2Fwp%2Fv2%2Fposts&per_page")
        );
        let list = br#"[{"link":"https://a.example/one/","date_gmt":"2019-05-04T03:02:01","modified_gmt":"2020-01-01T00:00:00",
            "title":{"rendered":"One &#8211; <em>two</em>"}},{"link":"javascript:x"},{"id":3}]"#;
        let found = posts(list).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].title.as_deref(), Some("One \u{2013} two"));
        assert_eq!(found[0].published, "2019-05-04T03:02:01Z".parse().ok());
        assert_eq!(posts(br#"{"code":"rest_post_invalid_page_number"}"#), None);
    }
}
