//! Finished pages: a cache of compressed responses.
//!
//! The key of a response has its ETag (module `freshness`) and everything else on which it depends:
//! the visitor, the host name in the address, and the compression. So a page of one reader is never
//! sent to another one. All visitors without a login share their pages. After a change of the
//! archive or of the reader's data, ETags differ. Old pages are removed when they are the least
//! recently used.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{ACCEPT_ENCODING, HOST};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use xxhash_rust::xxh3::xxh3_128;

use crate::fault::Fault;
use crate::readers::Visitor;

/// A page is removed after this time without a request.
const IDLE: Duration = Duration::from_secs(600);
/// Bytes that a page needs in addition to its contents: for its key, its headers and its entry in
/// the cache.
const OVERHEAD: u64 = 1 << 10;

/// The finished pages. Clones share them.
#[derive(Clone)]
pub(crate) struct Finished(Option<Cache<u128, Kept>>);

#[derive(Clone)]
struct Kept {
    headers: HeaderMap,
    body: Bytes,
}

impl Finished {
    /// A cache for this many bytes in total. With 0 it stores nothing.
    pub(crate) fn new(limit: u64) -> Self {
        let size =
            |_: &u128, kept: &Kept| u32::try_from(kept.body.len() as u64 + OVERHEAD).unwrap_or(u32::MAX);
        let cache = || {
            Cache::builder()
                .max_capacity(limit)
                .weigher(size)
                .time_to_idle(IDLE)
                // What counts is the newest state of the archive, not how popular an older one was.
                .eviction_policy(EvictionPolicy::lru())
                .build()
        };
        Self((limit > 0).then(cache))
    }

    /// The stored response with this key.
    pub(crate) fn get(&self, key: u128) -> Option<Response> {
        let kept = self.0.as_ref()?.get(&key);
        let result = if kept.is_some() { "hit" } else { "miss" };
        metrics::counter!("backissue_page_cache_total", "result" => result).increment(1);
        let Kept { headers, body } = kept?;
        let mut answer = Body::from(body).into_response();
        *answer.headers_mut() = headers;
        Some(answer)
    }

    /// Stores a response under this key, and returns it.
    pub(crate) async fn keep(&self, key: u128, answer: Response) -> Response {
        let Some(cache) = &self.0 else { return answer };
        let (parts, body) = answer.into_parts();
        match to_bytes(body, usize::MAX).await {
            Ok(body) => {
                cache.insert(key, Kept { headers: parts.headers.clone(), body: body.clone() });
                Response::from_parts(parts, Body::from(body))
            }
            Err(error) => Fault::from_bug("a page was not finished", &error).into_response(),
        }
    }
}

/// The key of the response with this ETag for this visitor.
pub(crate) fn key(tag: &str, visitor: Visitor, headers: &HeaderMap) -> u128 {
    let host = headers.get(HOST).map(HeaderValue::as_bytes);
    let coding = headers.get(ACCEPT_ENCODING).map(HeaderValue::as_bytes);
    xxh3_128(format!("{tag}\n{visitor:?}\n{host:?}\n{coding:?}").as_bytes())
}

/// Leaves one compression in a request's headers: the best that the client accepts and the program
/// supports. So browsers with different lists share a page.
pub(crate) fn settle_compression(headers: &mut HeaderMap) {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let weights = accepted.flat_map(|list| list.split(',')).filter_map(|coding| {
        let (name, weight) = match coding.split_once(';') {
            Some((name, parameter)) => (name, parameter.trim().strip_prefix("q=")?.trim().parse().ok()?),
            None => (coding, 1.0),
        };
        let known = ["gzip", "br"].into_iter().position(|known| name.trim().eq_ignore_ascii_case(known))?;
        (weight > 0.0).then_some((weight, known))
    });
    let best = weights
        .max_by(|(one, first): &(f32, usize), (other, second)| one.total_cmp(other).then(first.cmp(second)));
    match best {
        Some((_, known)) => {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(["gzip", "br"][known]));
        }
        None => {
            headers.remove(ACCEPT_ENCODING);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_compression_is_chosen_for_all_browsers() {
        for (accepted, chosen) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("br;q=0.5, gzip", Some("gzip")),
            ("GZIP", Some("gzip")),
            ("br;q=0, gzip;q=0.1", Some("gzip")),
            ("br;q=high", None),
            ("identity, zstd", None),
            ("gzip;q=0", None),
        ] {
            let mut headers = HeaderMap::from_iter([(ACCEPT_ENCODING, accepted.parse().unwrap())]);
            settle_compression(&mut headers);
            assert_eq!(headers.get(ACCEPT_ENCODING).map(HeaderValue::as_bytes), chosen.map(str::as_bytes));
        }
    }

    #[tokio::test]
    async fn pages_take_no_more_than_the_limit_and_the_newest_stay() {
        let finished = Finished::new(100_000);
        for key in 0..50 {
            finished.keep(key, vec![b'x'; 9_000].into_response()).await;
            // The work on sizes is otherwise done now and then.
            finished.0.as_ref().unwrap().run_pending_tasks();
        }
        let cache = finished.0.as_ref().unwrap();
        assert!(cache.weighted_size() <= 100_000 && cache.entry_count() == 9, "{}", cache.entry_count());
        assert!(finished.get(49).is_some() && finished.get(0).is_none());
        let none = Finished::new(0);
        none.keep(1, "page".into_response()).await;
        assert!(none.get(1).is_none());
    }
}
