//! The input of the annotator: an article with its metadata.

use backissue_model::Article;
use url::Url;

/// An article and its metadata.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// Its title, without the site's name.
    pub title: &'a str,
    /// Its plain text: empty lines between blocks, line breaks in code and lists. Evidence points
    /// into this text.
    pub text: &'a str,
    /// The blocks of the text by its HTML. If empty, the annotator recognises blocks by their text.
    pub blocks: &'a [backissue_model::Block],
    /// The description from the feed or the page.
    pub description: Option<&'a str>,
    /// The company behind the blog, which sentences may name. May be empty.
    pub company: &'a str,
    /// Its address.
    pub url: Option<&'a Url>,
    /// Its language as a BCP 47 tag. Only a hint: for long texts, the text decides.
    pub language: Option<&'a str>,
    /// The tags that its author gave it.
    pub tags: &'a [String],
}

impl<'a> Text<'a> {
    /// An article in English with only title, text and company.
    pub const fn plain(title: &'a str, text: &'a str, company: &'a str) -> Self {
        Self {
            title,
            text,
            blocks: &[],
            description: None,
            company,
            url: None,
            language: Some("en"),
            tags: &[],
        }
    }

    /// An article of `company`'s blog, published at `url`.
    pub fn of(article: &'a Article, company: &'a str, url: Option<&'a Url>) -> Self {
        Self {
            title: article.title.as_deref().unwrap_or_default(),
            text: &article.text,
            blocks: &article.blocks,
            description: article.description.as_deref(),
            company,
            url,
            language: article.language.as_deref(),
            tags: &[],
        }
    }
}
