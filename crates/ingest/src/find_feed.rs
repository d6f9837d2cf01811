//! Finds the feed to follow for an address that a person gives.

use backissue_crawl::{FoundFeed, discover, guesses, of_posts, sitemap};
use backissue_feed::{FeedError, Hints};
use backissue_fetch::{Body, FetchError, Fetcher, Response, Validators, Want, gunzip};
use backissue_model::{Feed, NewSource, without_credentials};
use url::Url;

use crate::listed;

/// Minimum links to articles of a page that counts as a listing page.
const FEWEST_LISTED: usize = 3;

/// Maximum usual addresses of feeds that are requested if the given address does not exist.
const MOST_GUESSES: usize = 8;

/// Maximum sitemaps that an error message about an index of sitemaps names.
const NAMED_SITEMAPS: usize = 8;

/// The result of searching for something to follow at an address.
#[derive(Debug)]
pub enum Found {
    /// One feed: at the address itself, the only one on its page, or at a usual address.
    One(Box<FeedAt>),
    /// A page with several feeds, best first.
    Several(Vec<FoundFeed>),
    /// A page without a feed, which lists articles.
    List {
        /// The page's address.
        url: Url,
        /// Number of links that probably lead to articles.
        articles: usize,
    },
}

/// A fetched and parsed feed.
#[derive(Debug)]
pub struct FeedAt {
    /// The feed's address.
    pub url: Url,
    /// The parsed feed.
    pub feed: Feed,
    /// The page that links to the feed, if it was found on one.
    pub site: Option<Url>,
    /// Other feeds on the page: of comments, tags or authors.
    pub beside: Vec<FoundFeed>,
}

impl FeedAt {
    /// A new source with this feed.
    pub fn into_source(self) -> NewSource {
        NewSource {
            title: self.feed.title.unwrap_or_default(),
            company: None,
            site_url: self.feed.site_url.or(self.site),
            feed_url: Some(self.url),
            sitemap_url: None,
            listing_url: None,
        }
    }
}

/// A new source without a feed, for the page that lists its articles.
pub fn listed_source(url: Url) -> NewSource {
    NewSource {
        title: String::new(),
        company: None,
        // A sitemap is no page to read.
        site_url: if is_document(&url) { url.join("/").ok() } else { Some(url.clone()) },
        feed_url: None,
        sitemap_url: None,
        listing_url: Some(url),
    }
}

/// Whether an address is that of a sitemap rather than of a page.
fn is_document(url: &Url) -> bool {
    [".xml", ".xml.gz", ".txt"].iter().any(|end| url.path().ends_with(end))
}

/// Why nothing at an address can be followed.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The address could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The address is a page without a feed or a list of articles.
    #[error(
        "{} names no feed, none is at the usual places, and it lists no articles; follow the feed by its own address, or the \
         page that lists the articles",
        without_credentials(.url)
    )]
    NoFeed {
        /// The page.
        url: Url,
    },
    /// It is an index of sitemaps, or an empty sitemap.
    #[error("{} is a sitemap without pages{}", without_credentials(.url), if named.is_empty() { String::new() } else { format!("; follow one of the sitemaps that it names: {named}") })]
    NoPages {
        /// The sitemap.
        url: Url,
        /// Some of the sitemaps in it.
        named: String,
    },
    /// It is a sitemap without articles.
    #[error("{} {why}", without_credentials(.url))]
    NothingListed {
        /// The sitemap.
        url: Url,
        /// Why nothing was found.
        why: String,
    },
    /// A page names a feed that is none.
    #[error("{} is not a feed: {why}", without_credentials(.url))]
    NotAFeed {
        /// The address of the supposed feed.
        url: Url,
        /// Why the document is not a feed.
        why: FeedError,
    },
}

/// Searches for a feed at `url`: the feed of a known kind of site, the document itself, the feeds
/// on its page, or the usual addresses. If there is none, searches for a list of articles on the
/// page. A sitemap is also such a list.
///
/// # Errors
/// If nothing there can be followed, with the reason.
pub async fn find(fetcher: &Fetcher, url: &Url) -> Result<Found, FindError> {
    if let Some(known) = backissue_feed::known_feed(url)
        && let Ok(feed) = fetch_feed(fetcher, &known, Some(url.clone())).await
    {
        return Ok(Found::One(Box::new(feed)));
    }
    let response = match fetcher.get(url, Want::Any, &Validators::default()).await {
        // The folder of a blog may have no page but a feed.
        Err(missing @ FetchError::Status { status: 404, .. }) => {
            return usual_place(fetcher, url, MOST_GUESSES).await.map_err(|_| missing.into());
        }
        response => response?,
    };
    let (bytes, hints, at) = taken_apart(url, response);
    match backissue_feed::parse(&bytes, &hints) {
        Ok(feed) => {
            return Ok(Found::One(Box::new(FeedAt { url: at, feed, site: None, beside: Vec::new() })));
        }
        Err(FeedError::WebPage) => {}
        Err(_) => {
            if let Some(found) = sitemap_at(bytes.clone(), hints.clone(), &at).await {
                return found;
            }
        }
    }
    let (named, beside) = of_posts(discover(&bytes, &hints), &at);
    match named.as_slice() {
        [] => match usual_place(fetcher, &at, usize::MAX).await {
            Err(none @ FindError::NoFeed { .. }) => {
                let list = listed::read(bytes, hints, Vec::new()).await.unwrap_or_default();
                let articles = list.taken.len();
                if articles >= FEWEST_LISTED { Ok(Found::List { url: at, articles }) } else { Err(none) }
            }
            found => found,
        },
        [only] => {
            let feed = fetch_feed(fetcher, &only.url, Some(at)).await?;
            Ok(Found::One(Box::new(FeedAt { beside, ..feed })))
        }
        _ => Ok(Found::Several(named)),
    }
}

/// What a sitemap at `at` offers to follow. A person who enters the address of a sitemap means the
/// sitemap, so the site's feeds are ignored. Returns `None` if the bytes are not a sitemap.
async fn sitemap_at(bytes: Vec<u8>, hints: Hints, at: &Url) -> Option<Result<Found, FindError>> {
    let bytes = gunzip(bytes, sitemap::MAX_BYTES).await.ok()?;
    let map = sitemap::parse(&bytes, &hints).ok()?;
    if map.pages.is_empty() {
        let named: Vec<&str> = map.sitemaps.iter().take(NAMED_SITEMAPS).map(|map| map.url.as_str()).collect();
        return Some(Err(FindError::NoPages { url: at.clone(), named: named.join(", ") }));
    }
    Some(match listed::read(bytes, hints, Vec::new()).await {
        Ok(list) => Ok(Found::List { url: at.clone(), articles: list.taken.len() }),
        Err(why) => Err(FindError::NothingListed { url: at.clone(), why }),
    })
}

/// Fetches and parses the feed at `url`.
///
/// # Errors
/// If it cannot be fetched or is not a feed.
pub async fn fetch_feed(fetcher: &Fetcher, url: &Url, site: Option<Url>) -> Result<FeedAt, FindError> {
    let (bytes, hints, at) = taken_apart(url, fetcher.get(url, Want::Feed, &Validators::default()).await?);
    let feed =
        backissue_feed::parse(&bytes, &hints).map_err(|why| FindError::NotAFeed { url: at.clone(), why })?;
    Ok(FeedAt { url: at, feed, site, beside: Vec::new() })
}

async fn usual_place(fetcher: &Fetcher, site: &Url, most: usize) -> Result<Found, FindError> {
    for guess in guesses(site).into_iter().take(most) {
        if let Ok(feed) = fetch_feed(fetcher, &guess, Some(site.clone())).await {
            return Ok(Found::One(Box::new(feed)));
        }
    }
    Err(FindError::NoFeed { url: site.clone() })
}

/// Splits a response into its body, the hints for parsing it, and the address to store. That is the
/// requested address, or the target of its permanent redirect.
fn taken_apart(asked: &Url, response: Response) -> (Vec<u8>, Hints, Url) {
    let bytes = match response.body {
        Body::Bytes(bytes) => bytes,
        Body::NotModified => Vec::new(),
    };
    let hints = Hints { url: Some(response.url), media_type: response.media_type };
    (bytes, hints, response.moved_to.unwrap_or_else(|| asked.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_addresses_without_passwords() {
        let url = || Url::parse("https://ann:s3cret@acme.example/blog").unwrap();
        let why = "lists nothing".to_owned();
        for error in [
            FindError::NoFeed { url: url() },
            FindError::NoPages { url: url(), named: String::new() },
            FindError::NothingListed { url: url(), why },
            FindError::NotAFeed { url: url(), why: FeedError::WebPage },
        ] {
            let said = error.to_string();
            assert!(said.starts_with("https://acme.example/blog ") && !said.contains("s3cret"), "{said}");
        }
    }
}
