//! Converts stored values that are more than a number or a text: JSON, articles.

use backissue_model::{Article, Fingerprint};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::database::{Row, Tried};
use crate::error::Failure;

pub(crate) fn to_json<T: Serialize>(value: &T) -> Tried<String> {
    serde_json::to_string(value)
        .map_err(|e| Failure::Unreadable(format!("a value that cannot be kept as JSON: {e}")))
}

impl Row {
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Tried<T> {
        serde_json::from_str(&self.text(column)?).map_err(|e| Failure::Unreadable(format!("`{column}`: {e}")))
    }

    pub(crate) fn opt_json<T: DeserializeOwned>(&self, column: &str) -> Tried<Option<T>> {
        self.opt_text(column)?.map(|_| self.json(column)).transpose()
    }
}

/// The columns of table `article`, with aliases that do not collide with columns of table `read`.
pub(crate) const ARTICLE: &str = "a.canonical_url AS a_canonical_url, a.title AS a_title, a.author AS a_author,
    a.published AS a_published, a.site_name AS a_site_name, a.description AS a_description, a.language AS a_language,
    a.words AS a_words, a.minutes AS a_minutes, a.fetched_at AS a_fetched_at, a.html AS a_html, a.text AS a_text,
    a.blocks AS a_blocks";

pub(crate) fn article_of(row: &Row) -> Tried<Article> {
    Ok(Article {
        canonical_url: row.opt_parsed("a_canonical_url")?,
        title: row.opt_text("a_title")?,
        author: row.opt_text("a_author")?,
        published: row.opt_moment("a_published")?,
        site_name: row.opt_text("a_site_name")?,
        description: row.opt_text("a_description")?,
        language: row.opt_text("a_language")?,
        html: row.text("a_html")?,
        text: row.text("a_text")?,
        blocks: row.opt_parsed("a_blocks")?.unwrap_or_default(),
        words: row.small("a_words")?,
        minutes: row.small("a_minutes")?,
        fingerprint: row.opt_parsed::<Fingerprint>("fingerprint")?,
    })
}
