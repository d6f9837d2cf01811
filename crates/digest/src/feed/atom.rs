//! Writes a channel as Atom (RFC 4287).

use backissue_model::ConceptSlug;
use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use super::{Channel, Item, State, concept_names, plain};

/// The media type of the document.
pub const MEDIA_TYPE: &str = "application/atom+xml; charset=utf-8";

/// The scheme of the categories for a reader's marks. Reader apps know them by this scheme.
const STATES: &str = "http://www.google.com/reader/";

#[derive(Serialize)]
struct Feed<'c> {
    #[serde(rename = "@xmlns")]
    xmlns: &'static str,
    id: &'c str,
    title: String,
    subtitle: String,
    updated: String,
    generator: Generator,
    link: Vec<Link<'c>>,
    entry: Vec<Entry<'c>>,
}

#[derive(Serialize)]
struct Generator {
    #[serde(rename = "@version")]
    version: &'static str,
    #[serde(rename = "$text")]
    name: &'static str,
}

#[derive(Serialize)]
struct Link<'c> {
    #[serde(rename = "@rel")]
    rel: &'static str,
    #[serde(rename = "@type", skip_serializing_if = "Option::is_none")]
    media_type: Option<&'static str>,
    #[serde(rename = "@href")]
    href: &'c str,
}

#[derive(Serialize)]
struct Entry<'c> {
    id: &'c str,
    title: String,
    published: String,
    updated: String,
    author: Person,
    link: Vec<Link<'c>>,
    category: Vec<Category<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'c>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Text>,
    content: Text,
}

#[derive(Serialize)]
struct Person {
    name: String,
}

#[derive(Serialize)]
struct Category<'c> {
    #[serde(rename = "@scheme", skip_serializing_if = "Option::is_none")]
    scheme: Option<&'static str>,
    #[serde(rename = "@term")]
    term: &'c str,
    #[serde(rename = "@label")]
    label: String,
}

#[derive(Serialize)]
struct Source<'c> {
    id: &'c str,
    title: String,
    updated: String,
    link: Vec<Link<'c>>,
}

#[derive(Serialize)]
struct Text {
    #[serde(rename = "@type")]
    kind: &'static str,
    #[serde(rename = "$text")]
    text: String,
}

/// The document. `now` is the date of a feed without entries.
pub fn document(channel: &Channel, now: Timestamp) -> String {
    let updated = channel.items.iter().map(|item| item.updated).max().unwrap_or(now);
    let feed = Feed {
        xmlns: "http://www.w3.org/2005/Atom",
        id: &channel.id,
        title: plain(&channel.title),
        subtitle: plain(&channel.about),
        updated: seconds(updated),
        generator: Generator { version: env!("CARGO_PKG_VERSION"), name: "Backissue" },
        link: vec![
            Link { rel: "self", media_type: Some("application/atom+xml"), href: channel.address.as_str() },
            Link { rel: "alternate", media_type: Some("text/html"), href: channel.page.as_str() },
        ],
        entry: channel.items.iter().map(entry).collect(),
    };
    let xml = quick_xml::se::to_string_with_root("feed", &feed);
    // Only maps and lists of lists cannot be written, and there are none.
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n{}\n", xml.expect("texts can be written as XML"))
}

fn entry(item: &Item) -> Entry<'_> {
    let page = item.page.as_ref().map(|page| page_link("alternate", page));
    let original = item.original.as_ref().map(|url| {
        // An entry has to have an alternate; without pages of ours it is the article.
        page_link(if page.is_some() { "via" } else { "alternate" }, url)
    });
    Entry {
        id: &item.id,
        title: plain(&item.title),
        published: seconds(item.published),
        updated: seconds(item.updated),
        author: Person { name: plain(&item.author) },
        link: page.into_iter().chain(original).collect(),
        category: concept_names(&item.concepts).map(category).chain(item.states.iter().map(state)).collect(),
        source: item.source.as_ref().map(|source| Source {
            id: &source.id,
            title: plain(&source.title),
            updated: seconds(item.updated),
            link: source.page.iter().map(|page| page_link("alternate", page)).collect(),
        }),
        summary: (!item.summary.is_empty()).then(|| Text { kind: "text", text: plain(&item.summary) }),
        content: Text { kind: "html", text: plain(&item.html) },
    }
}

fn page_link<'c>(rel: &'static str, url: &'c Url) -> Link<'c> {
    Link { rel, media_type: Some("text/html"), href: url.as_str() }
}

fn category((term, label): (&ConceptSlug, String)) -> Category<'_> {
    Category { scheme: None, term: term.as_str(), label }
}

fn state(state: &State) -> Category<'_> {
    Category { scheme: Some(STATES), term: state.term, label: state.label.to_owned() }
}

/// A time in whole seconds, because some feed readers understand nothing else.
fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
