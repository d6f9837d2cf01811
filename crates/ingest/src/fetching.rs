//! The step from discovered to extracted: fetches the page and extracts the article.

use backissue_extract::Page;
use backissue_fetch::{Body, FetchError, Response, Validators, Want};
use backissue_model::{Article, CanonicalUrl, Entry};
use backissue_store::{ClaimedRead, Extracted, Retry};
use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::{debug, info};
use url::Url;

use crate::compute::compute;
use crate::robots::Permission;
use crate::schedule;
use crate::workers::{Ingest, IngestError};

/// Why there is no article, and whether a retry may help.
struct NoArticle {
    reason: String,
    again: RetryHint,
}

enum RetryHint {
    /// The error is temporary; with the server's demanded pause, if it gave one.
    Later(Option<std::time::Duration>),
    /// This machine is offline. The attempt does not count.
    Online,
    /// A retry would fail too.
    InVain,
}

impl Ingest {
    /// Fetches the read's page and stores its article. If the page cannot be fetched, stores the
    /// article in the feed.
    pub(crate) async fn fetch_read(&self, read: ClaimedRead) -> Result<(), IngestError> {
        match self.article_of(&read).await {
            Ok((article, url)) => {
                if let Some(why) = self.why_no_article(&read, &article, &url).await? {
                    let reason = format!("it is not kept: {why}");
                    return self.give_back(&read, &reason, RetryHint::InVain).await;
                }
                match self.store.finish_extract(&read, &article, &url, Timestamp::now()).await? {
                    Extracted::Stored => {
                        debug!(read = %read.id, url = %url, words = article.words, "extracted {url}");
                        self.meter.extracted();
                    }
                    Extracted::MergedInto(other) => {
                        debug!(read = %read.id, into = %other, url = %url, "{url} is the same article as read {other}");
                        self.meter.merged();
                    }
                    Extracted::LeaseLost => {
                        debug!(read = %read.id, "another worker has finished read {}", read.id)
                    }
                }
            }
            Err(failure) => self.give_back(&read, &failure.reason, failure.again).await?,
        }
        Ok(())
    }

    async fn article_of(&self, read: &ClaimedRead) -> Result<(Article, CanonicalUrl), NoArticle> {
        let failure = match self.page_of(read).await {
            Ok(response) => match self.extracted(read, response).await {
                Ok(found) => return Ok(found),
                Err(failure) => failure,
            },
            Err(failure) => failure,
        };
        if matches!(failure.again, RetryHint::Online) {
            return Err(failure);
        }
        let last = schedule::read_retry(Timestamp::now(), read.attempts + 1, None, read.id.0).is_none();
        let settled = last || matches!(failure.again, RetryHint::InVain);
        if settled && let Some(article) = from_feed(read).await {
            info!(read = %read.id, url = %read.url, "{} is stored as its feed has it: {}", read.url, failure.reason);
            return Ok((article, read.url.clone()));
        }
        Err(failure)
    }

    /// The read's page, if robots.txt allows it, at each address that it leads to.
    async fn page_of(&self, read: &ClaimedRead) -> Result<Response, NoArticle> {
        let mut url = read.url.as_url().clone();
        for _ in 0..=MOST_SENT_ON {
            self.with_leave(&url).await?;
            let asked = self.fetcher.get(&url, Want::Page, &Validators::default()).await;
            let response = asked.map_err(|error| self.no_page(&error))?;
            if response.url != url {
                self.with_leave(&response.url).await?;
            }
            match sent_on(&response) {
                Some(target) => url = target,
                None => return Ok(response),
            }
        }
        Err(NoArticle {
            reason: format!(
                "its page redirects more than {MOST_SENT_ON} times by itself; open it in a browser to see where it ends"
            ),
            again: RetryHint::InVain,
        })
    }

    async fn with_leave(&self, url: &Url) -> Result<(), NoArticle> {
        match self.permission_for(url).await {
            Permission::Granted => Ok(()),
            Permission::Refused(line) => Err(NoArticle {
                reason: format!(
                    "{} forbids programs to fetch this page (its robots.txt: `{line}`)",
                    host(url)
                ),
                again: RetryHint::InVain,
            }),
            Permission::Unknown { reason, offline } => {
                if offline {
                    self.lose_network();
                }
                let again = if offline { RetryHint::Online } else { RetryHint::Later(None) };
                Err(NoArticle { reason: format!("{}: {reason}", host(url)), again })
            }
        }
    }

    async fn extracted(
        &self,
        read: &ClaimedRead,
        response: Response,
    ) -> Result<(Article, CanonicalUrl), NoArticle> {
        let in_vain = |reason: String| NoArticle { reason, again: RetryHint::InVain };
        let Body::Bytes(bytes) = response.body else {
            return Err(in_vain(
                "the server answered that its page has not changed, though the request was not conditional"
                    .into(),
            ));
        };
        let url = CanonicalUrl::of(&response.url).map_err(|e| in_vain(e.to_string()))?;
        let entry = told_by(read);
        let (media_type, page_url) = (response.media_type, response.url);
        let memory = memory_for(bytes.len() + carried(&entry)).await;
        let step = move || {
            let _memory = memory;
            article_in(&bytes, media_type.as_deref(), &page_url, &entry)
        };
        let article = compute(step).await.map_err(|why| in_vain(format!("its page was not read: {why}")))?;
        Ok((article.map_err(in_vain)?, url))
    }

    fn no_page(&self, error: &FetchError) -> NoArticle {
        let again = if error.is_offline() {
            self.lose_network();
            RetryHint::Online
        } else if error.is_transient() {
            RetryHint::Later(error.retry_after())
        } else {
            RetryHint::InVain
        };
        NoArticle { reason: error.to_string(), again }
    }

    /// Stores the error and sets the read aside.
    pub(crate) async fn give_back_for_good(
        &self,
        read: &ClaimedRead,
        reason: &str,
    ) -> Result<(), IngestError> {
        self.give_back(read, reason, RetryHint::InVain).await
    }

    async fn give_back(&self, read: &ClaimedRead, reason: &str, again: RetryHint) -> Result<(), IngestError> {
        let now = Timestamp::now();
        let retry = match again {
            RetryHint::InVain => Retry::SetAside,
            RetryHint::Online => Retry::Uncounted(schedule::offline_retry(now)),
            RetryHint::Later(wish) => schedule::read_retry(now, read.attempts + 1, wish, read.id.0)
                .map_or(Retry::SetAside, Retry::At),
        };
        info!(read = %read.id, url = %read.url, reason, ?retry, "{} failed: {reason}", read.url);
        self.store.fail(read, reason, now, retry).await?;
        self.meter.failed();
        Ok(())
    }
}

/// Maximum redirects within pages (`<meta http-equiv=refresh>` or a script), in addition to the
/// server's redirects.
const MOST_SENT_ON: usize = 3;

/// The target of a page that only redirects.
fn sent_on(response: &Response) -> Option<Url> {
    let Body::Bytes(bytes) = &response.body else { return None };
    let (media_type, url) = (response.media_type.as_deref(), Some(&response.url));
    let target = backissue_extract::sends_on(&Page { bytes, media_type, url })?;
    // As for other redirects: never from https to http.
    (target.scheme() == "https" || response.url.scheme() == "http").then_some(target)
}

/// KiB of pages that are parsed at the same time: as much as the largest page has. Parsing takes up
/// to thirty times the memory of the page, and eight workers may each have such a page.
const PARSED_AT_ONCE: usize = backissue_extract::LARGEST_PAGE / 1024;

static FREE: Semaphore = Semaphore::const_new(PARSED_AT_ONCE);

/// Waits until so many bytes may be parsed, and reserves them until the permit is dropped. Pages of
/// usual size do not wait.
async fn memory_for(bytes: usize) -> Option<SemaphorePermit<'static>> {
    let kibibytes = u32::try_from((bytes / 1024 + 1).min(PARSED_AT_ONCE)).unwrap_or(u32::MAX);
    // The semaphore is never closed.
    FREE.acquire_many(kibibytes).await.ok()
}

/// Bytes of an article in an entry.
fn carried(entry: &Entry) -> usize {
    entry.content.as_ref().map_or(0, String::len) + entry.summary.as_ref().map_or(0, String::len)
}

fn host(url: &Url) -> &str {
    url.host_str().unwrap_or_default()
}

fn article_in(bytes: &[u8], media_type: Option<&str>, url: &Url, entry: &Entry) -> Result<Article, String> {
    let page = Page { bytes, media_type, url: Some(url) };
    backissue_extract::extract(&page, Some(entry)).map_err(|e| e.to_string())
}

/// The part of an entry that may complete a page. Another site's entry only supplies missing
/// metadata, never the text.
fn told_by(read: &ClaimedRead) -> Entry {
    let mut entry = read.entry.clone();
    if !read.is_own {
        (entry.content, entry.summary) = (None, None);
    }
    entry
}

async fn from_feed(read: &ClaimedRead) -> Option<Article> {
    let (entry, base) = (told_by(read), read.url.as_url().clone());
    let memory = memory_for(carried(&entry)).await;
    let step = move || {
        let _memory = memory;
        backissue_extract::from_entry(&entry, Some(&base)).ok()
    };
    compute(step).await.ok().flatten()
}
