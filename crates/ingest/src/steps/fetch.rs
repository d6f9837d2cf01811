//! The step from discovered to extracted: fetches the page and extracts the article.

use backissue_extract::Page;
use backissue_fetch::{Body, FetchError, Response, Validators, Want};
use backissue_model::{Article, CanonicalUrl, Entry};
use backissue_store::{ClaimedRead, DeadPages, Extracted};
use jiff::Timestamp;
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::{debug, info, warn};
use url::Url;

use super::failed_read::{RetryHint, give_back};
use crate::compute::compute;
use crate::context::Context;
use crate::dead_pages;
use crate::error::IngestError;
use crate::found_page::why_no_article;
use crate::robots::Permission;
use crate::schedule;

/// Why a page gave no article, and whether a retry may succeed.
struct NoArticle {
    reason: String,
    again: RetryHint,
    /// Whether the host failed to send the page.
    no_answer: bool,
}

impl NoArticle {
    fn new(reason: String, again: RetryHint) -> Self {
        Self { reason, again, no_answer: false }
    }

    /// The error for a page that is not requested, because many pages of its host failed.
    fn left_out(read: &ClaimedRead, dead: &DeadPages) -> Self {
        let reason = format!(
            "its page was not requested, because the last {} on {} failed in a row: {}",
            dead.failures, read.host, dead.error
        );
        Self::new(reason, if dead.gone { RetryHint::InVain } else { RetryHint::Later(None) })
    }
}

/// Fetches the read's page and stores its article. If the page cannot be fetched, stores the
/// article in the feed.
pub(crate) async fn run(cx: &Context, read: ClaimedRead) -> Result<(), IngestError> {
    match article_of(cx, &read).await? {
        Ok((article, url)) => {
            if let Some(why) = why_no_article(cx, &read, &article, &url).await? {
                let reason = format!("it is not kept: {why}");
                return give_back(cx, &read, &reason, RetryHint::InVain).await;
            }
            match cx.store.finish_extract(&read, &article, &url, Timestamp::now()).await? {
                Extracted::Stored => {
                    debug!(read = %read.id, url = %url, words = article.words, "extracted {url}");
                    cx.meter.extracted();
                }
                Extracted::MergedInto(other) => {
                    debug!(read = %read.id, into = %other, url = %url, "{url} is the same article as read {other}");
                    cx.meter.merged();
                }
                Extracted::LeaseLost => {
                    debug!(read = %read.id, "another worker has finished read {}", read.id)
                }
            }
        }
        Err(failure) => give_back(cx, &read, &failure.reason, failure.again).await?,
    }
    Ok(())
}

async fn article_of(
    cx: &Context,
    read: &ClaimedRead,
) -> Result<Result<(Article, CanonicalUrl), NoArticle>, IngestError> {
    let page = match dead_pages::left_out(read, Timestamp::now()) {
        Some(dead) => Err(NoArticle::left_out(read, dead)),
        None => {
            let page = page_of(cx, read).await;
            note(cx, read, page.as_ref().err()).await?;
            page
        }
    };
    let failure = match page {
        Ok(response) => match extracted(read, response).await {
            Ok(found) => return Ok(Ok(found)),
            Err(failure) => failure,
        },
        Err(failure) => failure,
    };
    if matches!(failure.again, RetryHint::Online) {
        return Ok(Err(failure));
    }
    let last = schedule::read_retry(Timestamp::now(), read.attempts + 1, None, read.id.0).is_none();
    let settled = last || matches!(failure.again, RetryHint::InVain);
    if settled && let Some(article) = from_feed(read).await {
        info!(read = %read.id, url = %read.url, "{} is stored as its feed has it: {}", read.url, failure.reason);
        return Ok(Ok((article, read.url.clone())));
    }
    Ok(Err(failure))
}

/// Counts failures of pages in a row per host, or resets the count after a success.
async fn note(cx: &Context, read: &ClaimedRead, failure: Option<&NoArticle>) -> Result<(), IngestError> {
    let Some(failure) = failure else {
        cx.failing.forget(read);
        if read.dead_pages.is_some() {
            cx.store.forget_dead_pages(read.source, &read.host).await?;
            info!(host = read.host, "pages of {} answer again", read.host);
        }
        return Ok(());
    };
    if !failure.no_answer {
        return Ok(());
    }
    let gone = matches!(failure.again, RetryHint::InVain);
    if let Some(dead) = cx.failing.count(read, &failure.reason, gone, Timestamp::now()) {
        cx.store.record_dead_pages(read.source, &read.host, &dead).await?;
        if read.dead_pages.is_none() {
            warn!(
                host = read.host,
                "{} pages of {} failed in a row, so others are not requested: {}",
                dead.failures,
                read.host,
                dead.error
            );
        }
    }
    Ok(())
}

/// Requests the read's page, and follows redirects. Asks robots.txt before each request.
async fn page_of(cx: &Context, read: &ClaimedRead) -> Result<Response, NoArticle> {
    let mut url = read.url.as_url().clone();
    for _ in 0..=MOST_SENT_ON {
        check_permission(cx, &url).await?;
        let asked = cx.get(&url, Want::Page, &Validators::default()).await;
        let response = asked.map_err(|error| no_page(&error))?;
        if response.url != url {
            check_permission(cx, &response.url).await?;
        }
        match sent_on(&response) {
            Some(target) => url = target,
            None => return Ok(response),
        }
    }
    Err(NoArticle::new(
        format!(
            "its page redirects more than {MOST_SENT_ON} times by itself; open it in a browser to see where it ends"
        ),
        RetryHint::InVain,
    ))
}

async fn check_permission(cx: &Context, url: &Url) -> Result<(), NoArticle> {
    match cx.permission_for(url).await {
        Permission::Granted => Ok(()),
        Permission::Refused(line) => Err(NoArticle::new(
            format!("{} forbids programs to fetch this page (its robots.txt: `{line}`)", host(url)),
            RetryHint::InVain,
        )),
        Permission::Unknown { reason, offline } => {
            if offline {
                cx.lose_network();
            }
            let again = if offline { RetryHint::Online } else { RetryHint::Later(None) };
            Err(NoArticle { reason: format!("{}: {reason}", host(url)), again, no_answer: !offline })
        }
    }
}

async fn extracted(read: &ClaimedRead, response: Response) -> Result<(Article, CanonicalUrl), NoArticle> {
    let in_vain = |reason: String| NoArticle::new(reason, RetryHint::InVain);
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

fn no_page(error: &FetchError) -> NoArticle {
    let again = if error.is_offline() {
        RetryHint::Online
    } else if error.is_transient() {
        RetryHint::Later(error.retry_after())
    } else {
        RetryHint::InVain
    };
    let no_answer = !matches!(again, RetryHint::Online);
    NoArticle { reason: error.to_string(), again, no_answer }
}

/// Maximum redirects in pages (`<meta http-equiv=refresh>` or a script), in addition to redirects
/// by the server.
const MOST_SENT_ON: usize = 3;

/// The target of a page that only redirects.
fn sent_on(response: &Response) -> Option<Url> {
    let Body::Bytes(bytes) = &response.body else { return None };
    let (media_type, url) = (response.media_type.as_deref(), Some(&response.url));
    let target = backissue_extract::sends_on(&Page { bytes, media_type, url })?;
    // As for other redirects: never from https to http.
    (target.scheme() == "https" || response.url.scheme() == "http").then_some(target)
}

/// The size of pages, in KiB, that are parsed at the same time: that of the largest page. Parsing
/// takes up to thirty times the memory of the page, and eight workers may each have such a page.
const PARSED_AT_ONCE: usize = backissue_extract::LARGEST_PAGE / 1024;

static FREE: Semaphore = Semaphore::const_new(PARSED_AT_ONCE);

/// Waits until this number of bytes may be parsed, and reserves them until the permit is dropped.
/// Pages of usual size do not wait.
async fn memory_for(bytes: usize) -> Option<SemaphorePermit<'static>> {
    let kibibytes = u32::try_from((bytes / 1024 + 1).min(PARSED_AT_ONCE)).unwrap_or(u32::MAX);
    // The semaphore is never closed.
    FREE.acquire_many(kibibytes).await.ok()
}

/// Number of bytes of the article in an entry.
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

/// The part of the feed's entry that may complete a page. An entry of another site's feed only
/// supplies missing metadata, never the text.
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
