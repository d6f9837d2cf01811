//! Whether a page that was found by its address alone is an article.

use backissue_model::dates::UrlDate;
use backissue_model::{Article, CanonicalUrl};
use backissue_store::{ClaimedRead, FoundBy, StoreError};

use crate::workers::Ingest;

/// Words under which nothing is an article, and where its address has the day on which it was published, which hardly
/// anything but an article has.
const FEWEST_WORDS: u32 = 40;
const FEWEST_WITH_A_DAY: u32 = 15;

/// Words under which a page without any date of its own is not taken for one.
const FEWEST_UNDATED: u32 = 150;

impl Ingest {
    /// Why the page of a read is not kept, if it is not. What a feed named is always kept.
    pub(crate) async fn why_no_article(
        &self,
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
        // A page's own claim alone proves nothing, as whole sites claim wrongly; but a claim to be another article that the
        // archive has is to be a second spelling of it.
        let claimed = article.canonical_url.as_ref().and_then(|url| CanonicalUrl::of(url).ok());
        let Some(claimed) = claimed.filter(|claimed| claimed.key() != reached.key()) else { return Ok(None) };
        let other = self.store.admitted_under(&claimed, read.id).await?;
        Ok(other.map(|_| format!("its page says that the article is at {claimed}, which the archive has")))
    }
}

/// What the page alone tells.
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
