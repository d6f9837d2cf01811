//! The question of a search and the page number of its answer, which are both in the address.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Query as Pairs};
use axum::http::request::Parts;
use backissue_search::{CANDIDATES, Query, is_quote};
use url::form_urlencoded::Serializer;

use crate::App;
use crate::fault::Fault;
use crate::readers::Visitor;

/// Reads per page of an answer.
pub(crate) const PAGE: usize = 20;

/// Maximum bytes of a question; the rest is ignored.
const LONGEST: usize = 2000;

/// `?q=&page=&limit=&part=`, validated.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Question {
    /// The typed text, without misleading characters.
    pub(crate) text: String,
    /// The page of the answer, from 1.
    pub(crate) page: usize,
    /// The requested number of reads.
    pub(crate) limit: Option<usize>,
    /// Whether only the part of the page that depends on the question is requested, as by the
    /// script.
    pub(crate) is_part: bool,
}

impl Question {
    fn of(pairs: &HashMap<String, String>) -> Result<Self, Fault> {
        let number = |name: &str, most: usize| match pairs.get(name).map(|text| text.trim()) {
            None | Some("") => Ok(None),
            Some(text) => match text.parse() {
                Ok(number) if (1..=most).contains(&number) => Ok(Some(number)),
                _ => Err(Fault::BadAddress(format!("“{name}” is a number from 1 to {most}"))),
            },
        };
        Ok(Self {
            text: pairs.get("q").map(|typed| plain(typed)).unwrap_or_default(),
            page: number("page", CANDIDATES)?.unwrap_or(1),
            limit: number("limit", CANDIDATES)?,
            is_part: pairs.get("part").is_some_and(|part| part == "results"),
        })
    }

    /// Whether the question is empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// The text on one line, without misleading characters.
pub(crate) fn plain(typed: &str) -> String {
    let end = typed.floor_char_boundary(LONGEST);
    typed[..end].chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The question that a visitor may ask. Without permission for articles, its phrases become words,
/// because phrase by phrase a visitor could find out the text of an article.
pub(crate) fn allowed(typed: &str, shows_articles: bool) -> String {
    let text = plain(typed);
    if shows_articles { text } else { text.replace(is_quote, " ") }
}

/// The address of `path` with a question and a page of its answer.
pub(crate) fn href(path: &str, question: &str, page: usize) -> String {
    let mut pairs = Serializer::new(String::new());
    pairs.append_pair("q", question);
    if page > 1 {
        pairs.append_pair("page", &page.to_string());
    }
    format!("{path}?{}", pairs.finish())
}

/// The address of the search with a question, first page.
pub(crate) fn search(query: &Query) -> String {
    let text = query.to_string();
    if text.is_empty() { "/search".to_owned() } else { href("/search", &text, 1) }
}

impl FromRequestParts<App> for Question {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Fault> {
        let pairs = Pairs::<HashMap<String, String>>::from_request_parts(parts, app).await;
        let Pairs(pairs) = pairs.map_err(|e| Fault::BadAddress(e.body_text()))?;
        let question = Self::of(&pairs)?;
        let text = allowed(&question.text, Visitor::of(&parts.extensions).sees_articles(app));
        Ok(Self { text, ..question })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Question, Fault> {
        Question::of(&pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn question_loses_misleading_characters() {
        let question = of(&[("q", "slow\u{0}queue\r\n\"a b\""), ("page", "2")]).unwrap();
        assert_eq!((question.text.as_str(), question.page), ("slow queue  \"a b\"", 2));
        assert!(of(&[("q", "  ")]).unwrap().is_empty());
        assert!(of(&[("q", &"ü".repeat(5000))]).unwrap().text.len() <= LONGEST);
        assert_eq!(href("/search", "a&b \"c\"", 3), "/search?q=a%26b+%22c%22&page=3");
    }

    #[test]
    fn impossible_page_is_refused() {
        for page in ["0", "-1", "many", "99999999999999999999"] {
            let Err(Fault::BadAddress(why)) = of(&[("page", page)]) else { panic!("{page} is no page") };
            assert!(why.contains("page"), "{why}");
        }
        assert_eq!(of(&[("page", "")]).unwrap().page, 1);
    }
}
