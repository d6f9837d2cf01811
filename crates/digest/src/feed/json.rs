//! Writes a channel as JSON Feed 1.1.

use jiff::Timestamp;
use serde::Serialize;

use super::{Channel, Item, concept_names};

/// The media type of the document.
pub const MEDIA_TYPE: &str = "application/feed+json; charset=utf-8";

#[derive(Serialize)]
struct Feed<'c> {
    version: &'static str,
    title: &'c str,
    description: &'c str,
    home_page_url: &'c str,
    feed_url: &'c str,
    language: &'static str,
    items: Vec<FeedItem<'c>>,
}

#[derive(Serialize)]
struct FeedItem<'c> {
    id: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_url: Option<&'c str>,
    title: &'c str,
    content_html: &'c str,
    #[serde(skip_serializing_if = "str::is_empty")]
    summary: &'c str,
    date_published: Timestamp,
    date_modified: Timestamp,
    authors: [Author<'c>; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
}

#[derive(Serialize)]
struct Author<'c> {
    name: &'c str,
}

/// The document.
pub fn document(channel: &Channel) -> String {
    let feed = Feed {
        version: "https://jsonfeed.org/version/1.1",
        title: &channel.title,
        description: &channel.about,
        home_page_url: channel.page.as_str(),
        feed_url: channel.address.as_str(),
        language: "en",
        items: channel.items.iter().map(item).collect(),
    };
    serde_json::to_string(&feed).expect("texts and moments can be written as JSON")
}

fn item(item: &Item) -> FeedItem<'_> {
    FeedItem {
        id: &item.id,
        url: item.page.as_ref().map(|page| page.as_str()),
        external_url: item.original.as_ref().map(|url| url.as_str()),
        title: &item.title,
        content_html: &item.html,
        summary: &item.summary,
        date_published: item.published,
        date_modified: item.updated,
        authors: [Author { name: &item.author }],
        tags: concept_names(&item.concepts).map(|(_, name)| name).collect(),
    }
}
