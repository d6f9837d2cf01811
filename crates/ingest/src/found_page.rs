//! Decides whether a page that was found by its address alone is an article.

use backissue_model::dates::UrlDate;
use backissue_model::{Article, CanonicalUrl};
use backissue_store::{ClaimedRead, FoundBy, StoreError};

use crate::context::Context;

/// Minimum words of an article whose address has the full date. Hardly any other page has such an
/// address.
const FEWEST_WORDS: u32 = 40;
const FEWEST_WITH_A_DAY: u32 = 15;

/// Minimum words of an article that has no date at all.
const FEWEST_UNDATED: u32 = 150;

/// Why a read's page is not an article. Returns `None` if it is one, or if a feed lists it.
pub(crate) async fn why_no_article(
    cx: &Context,
    read: &ClaimedRead,
    article: &Article,
    reached: &CanonicalUrl,
) -> Result<Option<String>, StoreError> {
    if read.found_by == FoundBy::Feed {
        return Ok(None);
    }
    if let Some(why) = unlike_an_article(read, article, reached) {
        return Ok(Some(why));
    }
    // A page's claim alone is no proof, because some sites claim wrongly. But if it claims the
    // address of another read in the archive, it is a copy of that read.
    let claimed = article.canonical_url.as_ref().and_then(|url| CanonicalUrl::of(url).ok());
    let Some(claimed) = claimed.filter(|claimed| claimed.key() != reached.key()) else { return Ok(None) };
    let other = cx.store.admitted_under(&claimed, read.id).await?;
    Ok(other.map(|_| format!("its page says that the article is at {claimed}, which the archive has")))
}

/// Why the contents of the page are not an article.
fn unlike_an_article(read: &ClaimedRead, article: &Article, reached: &CanonicalUrl) -> Option<String> {
    let path = |url: &CanonicalUrl| url.as_url().path().trim_end_matches('/').to_owned();
    let (asked, at) = (path(&read.url), path(reached));
    if asked != at && asked.starts_with(&at) {
        return Some(format!("its address leads to {reached}, a page above it"));
    }
    let date = UrlDate::of(reached.as_url());
    let fewest = if matches!(date, Some(UrlDate::Day(_))) { FEWEST_WITH_A_DAY } else { FEWEST_WORDS };
    if article.words < fewest {
        return Some(format!("its page has no more than {} words", article.words));
    }
    let dated = article.published.is_some() || date.is_some();
    if !dated && (article.words < FEWEST_UNDATED || read.entry.updated.is_none()) {
        return Some("neither its page nor its address has a date".to_owned());
    }
    None
}
