//! The data of one object while it is parsed: the feed, an entry, an image.

use backissue_model::Entry;
use jiff::Timestamp;
use url::Url;

use crate::addresses::{Allowance, can_be_base};
use crate::markup_text::plain_text;

/// An author.
#[derive(Clone, Default)]
pub struct Person {
    pub name: Option<String>,
    pub email: Option<String>,
}

/// The data of one object.
#[derive(Default)]
pub struct Record {
    pub title: Option<String>,
    pub title_depth: usize,
    pub link: Option<String>,
    /// The article's own address, if the link leads through a click counter.
    pub original_link: Option<String>,
    pub id: Option<String>,
    pub id_depth: usize,
    pub summary: Option<String>,
    pub summary_depth: usize,
    pub summary_is_content: bool,
    /// The caption of an image. It replaces a missing summary.
    pub caption: Option<String>,
    pub contents: Vec<String>,
    pub authors: Vec<Person>,
    pub author: Option<String>,
    /// The texts of `dc:creator`.
    pub creators: Vec<String>,
    pub published: Option<Timestamp>,
    pub updated: Option<Timestamp>,
    pub tags: Vec<String>,
    pub language: Option<String>,
}

/// The link as an address, if it can be the base of other links.
pub fn absolute(link: Option<&str>) -> Option<Url> {
    Url::parse(link?.trim()).ok().filter(|url| url.has_host() && can_be_base(url))
}

/// An author's name, cut to its maximum length. The feed's author is copied into each entry without
/// one.
pub fn author_name(name: &str) -> String {
    const LONGEST: usize = 500;
    name.chars().take(LONGEST).collect()
}

impl Record {
    /// The authors' names on one line. For an author without a name, the mail or web address.
    pub fn author_line(&self) -> Option<String> {
        let mut names: Vec<String> = Vec::new();
        for person in &self.authors {
            let Some(name) = person.name.as_deref().or(person.email.as_deref()) else { continue };
            let name = plain_text(name);
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
        if !names.is_empty() {
            return Some(author_name(&names.join(", ")));
        }
        let author = plain_text(self.author.as_deref()?);
        let name = match author.split_once('(') {
            Some((email, name)) if email.contains('@') && !email.trim().contains(' ') => {
                name.trim_end_matches(')').trim().to_owned()
            }
            _ => author,
        };
        (!name.is_empty()).then(|| author_name(&name))
    }

    /// The entry. Relative links are resolved against `base`.
    pub fn entry(self, base: Option<&Url>, allowance: &mut Allowance, feed_author: Option<&str>) -> Entry {
        let author = self.author_line().or_else(|| feed_author.map(str::to_owned));
        let url = self.link.as_deref().and_then(|link| allowance.entry_address(link, base));
        let original_url = self.original_link.as_deref().and_then(|link| allowance.web_address(link, base));
        let not_empty = |text: Option<String>| text.filter(|text| !text.is_empty());
        Entry {
            id: not_empty(self.id).or_else(|| url.as_ref().map(|url| url.to_string())),
            url,
            original_url,
            title: not_empty(self.title),
            author,
            published: self.published,
            updated: self.updated,
            summary: not_empty(self.summary).filter(|_| !self.summary_is_content).or(self.caption),
            content: not_empty(self.contents.into_iter().max_by_key(String::len)),
            tags: self.tags,
        }
    }
}
