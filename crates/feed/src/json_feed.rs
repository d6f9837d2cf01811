//! Parses JSON Feed 1.0 and 1.1 (jsonfeed.org) as leniently as XML.

use backissue_model::{Entry, Feed, FeedFormat};
use serde_json::{Map, Value};
use url::Url;

use crate::addresses::{Allowance, can_be_base, is_on_the_web};
use crate::known_sites::hacker_news;
use crate::markup_text::{escape, one_line, plain_text};
use crate::record::author_name;
use crate::{FeedError, MAX_ENTRIES, dates};

/// Parses a JSON Feed of `length` bytes.
pub fn parse(value: &Value, length: usize, base: Option<&Url>) -> Result<Feed, FeedError> {
    let Value::Object(feed) = value else { return Err(FeedError::OtherJson) };
    if let Some(results) = hacker_news(feed) {
        return Ok(results);
    }
    let version = string(feed, "version").unwrap_or_default();
    let items = feed.get("items").and_then(Value::as_array);
    if items.is_none() && !version.contains("jsonfeed.org") {
        return Err(FeedError::OtherJson);
    }
    let mut allowance = Allowance::of(length);
    let base = base.filter(|url| can_be_base(url));
    let site_url = string(feed, "home_page_url").and_then(|link| allowance.web_address(&link, base));
    let base = base.or(site_url.as_ref().filter(|url| can_be_base(url)));
    let language = string(feed, "language").map(|language| one_line(&language));
    let author = authors(feed);
    let items = items.map_or(&[][..], Vec::as_slice);
    let entries = items.iter().filter_map(Value::as_object).take(MAX_ENTRIES);
    let entries = entries.map(|item| entry(item, base, &mut allowance, author.as_deref())).collect();
    Ok(Feed {
        format: FeedFormat::JsonFeed,
        title: string(feed, "title").map(|title| one_line(&title)).filter(|title| !title.is_empty()),
        site_url,
        language,
        entries,
    })
}

fn entry(
    item: &Map<String, Value>,
    base: Option<&Url>,
    allowance: &mut Allowance,
    feed_author: Option<&str>,
) -> Entry {
    let id = string(item, "id");
    let link = string(item, "url").or_else(|| string(item, "external_url"));
    let as_address = |text: &String| Url::parse(text).ok().filter(is_on_the_web);
    let url = link
        .and_then(|link| allowance.entry_address(&link, base))
        .or_else(|| id.as_ref().and_then(as_address));
    let date = |name| string(item, name).and_then(|date| dates::parse(&date));
    let text = string(item, "content_text").map(|text| paragraphs(&text));
    Entry {
        id: id.or_else(|| url.as_ref().map(Url::to_string)),
        url,
        original_url: None,
        title: string(item, "title").map(|title| plain_title(&title)).filter(|title| !title.is_empty()),
        author: authors(item).or_else(|| feed_author.map(str::to_owned)),
        published: date("date_published"),
        updated: date("date_modified"),
        summary: string(item, "summary").map(|summary| escape(&summary).into_owned()),
        content: string(item, "content_html").or(text),
        tags: tags(item),
    }
}

/// The title with references resolved. The format says that titles are plain text, but publishers
/// write references anyway.
fn plain_title(title: &str) -> String {
    if crate::markup_text::looks_like_html(title) { plain_text(title) } else { one_line(title) }
}

/// The value of the member `name` as text. Returns `None` if it is neither a non-empty text nor a
/// number.
fn string(object: &Map<String, Value>, name: &str) -> Option<String> {
    let text = match object.get(name)? {
        Value::String(text) => text.replace('\0', "").trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// The names of the authors, from `authors` (1.1) or `author` (1.0). Both may be a list or a single
/// author.
fn authors(object: &Map<String, Value>) -> Option<String> {
    let either = [object.get("authors"), object.get("author")].into_iter().flatten();
    let names: Vec<String> = either
        .flat_map(|told| told.as_array().map_or(std::slice::from_ref(told), Vec::as_slice))
        .filter_map(|author| match author {
            Value::Object(author) => string(author, "name").map(|name| one_line(&name)),
            Value::String(name) => Some(one_line(name)),
            _ => None,
        })
        .collect();
    let mut unique: Vec<String> = Vec::new();
    for name in names {
        if !name.is_empty() && !unique.contains(&name) && unique.len() < 50 {
            unique.push(name);
        }
    }
    (!unique.is_empty()).then(|| author_name(&unique.join(", ")))
}

fn tags(item: &Map<String, Value>) -> Vec<String> {
    let tags = item.get("tags").and_then(Value::as_array).into_iter().flatten();
    tags.filter_map(Value::as_str).map(one_line).filter(|tag| !tag.is_empty()).take(200).collect()
}

/// Converts plain text to HTML, with one paragraph per block of lines.
fn paragraphs(text: &str) -> String {
    let text = text.replace("\r\n", "\n");
    text.split("\n\n")
        .map(str::trim)
        .filter(|block| !block.is_empty())
        .map(|block| format!("<p>{}</p>", escape(block).replace('\n', "<br>")))
        .collect()
}
