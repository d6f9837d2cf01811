//! Answers requests before anything is rendered: with a 304, or with the finished page.
//!
//! A page depends on the archive, its reader and the reader's marks, the address, the day, the
//! program, and the way of showing images. Pages with search results also depend on the index, and
//! during a sync on its progress. Reading the archive's version is cheap. A hash of all this is the
//! page's ETag. It is weak, because compression may change the bytes (RFC 9110, section 8.8.1).

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH, VARY};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use xxhash_rust::xxh3::xxh3_128;

use crate::fault::Fault;
use crate::finished::settle_compression;
use crate::frame::ArchiveVersion;
use crate::parts::band;
use crate::readers::Visitor;
use crate::{App, assets, documents, finished};

/// Marks a response that is temporarily incomplete, so that it must not be cached for this version
/// of the archive.
#[derive(Clone, Copy, Debug)]
struct Incomplete;

/// The response, marked as [`Incomplete`] if it does not have everything.
pub(crate) fn kept_if(is_whole: bool, mut response: Response) -> Response {
    if !is_whole {
        response.extensions_mut().insert(Incomplete);
    }
    response
}

/// The request headers on which the bytes of a page depend.
const VARIES_BY: &str = "accept-encoding";

/// Number of seconds after which a page that shows times is rendered again. Pages show times in
/// minutes at the finest.
const TOLD_ANEW_EVERY: i64 = 60;

pub(crate) async fn answer_unchanged(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let visitor = Visitor::of(request.extensions());
    let reader = visitor.reader;
    let (version, own) = match app.store.recent_versions(reader).await {
        Ok(versions) => versions,
        Err(error) => return Fault::from(error).into_response(),
    };
    let tag = tag(&app, &request, version, own.map(|own| (visitor, own)));
    if has(request.headers(), &tag) {
        return not_modified(&tag);
    }
    let is_any = names_any(request.headers());
    settle_compression(request.headers_mut());
    let key = (request.method() == Method::GET).then(|| finished::key(&tag, visitor, request.headers()));
    if let Some(finished) = key.and_then(|key| app.finished.get(key)) {
        return if is_any { not_modified(&tag) } else { finished };
    }
    request.extensions_mut().insert(ArchiveVersion(version));
    let mut answer = next.run(request).await;
    if answer.status() == StatusCode::OK
        && answer.extensions().get::<Incomplete>().is_none()
        && let Ok(value) = HeaderValue::from_str(&tag)
    {
        if is_any {
            return not_modified(&tag);
        }
        answer.headers_mut().insert(ETAG, value);
        answer.headers_mut().insert(VARY, HeaderValue::from_static(VARIES_BY));
        if let Some(key) = key {
            return app.finished.keep(key, answer).await;
        }
    }
    answer
}

/// The ETag of a page for a reader with this version, or for visitors without a login. Forms have a
/// token of the session, so each session has different ETags.
fn tag(app: &App, request: &Request, version: u64, reader: Option<(Visitor, u64)>) -> String {
    let path = request.uri().path();
    let now = Timestamp::now();
    let minute = tells_time(path).then(|| now.as_second() / TOLD_ANEW_EVERY);
    let position = searches(path).then(|| app.search.index().position());
    let today = now.to_zoned_datetime(app.site.time_zone.clone()).date();
    // What other programs get has neither a reader's marks nor the sync's progress in it.
    let is_document = documents::is_document(path);
    let reader = reader.filter(|_| !is_document);
    let words = if is_document { None } else { band::words(&app.progress.borrow()) };
    let address = request.uri().path_and_query().map_or(path, |whole| whole.as_str());
    let all = format!(
        "{}\n{}\n{}\n{version}\n{reader:?}\n{position:?}\n{today}\n{minute:?}\n{words:?}\n{}\n{:?}\n{address}",
        *assets::FINGERPRINT,
        app.site.version,
        app.public().as_str(),
        app.images.word(),
        app.readers.why_read_only(),
    );
    tag_of(&all)
}

/// The ETag of a document that depends on these facts.
pub(crate) fn tag_of(facts: &str) -> String {
    format!("W/\"{:032x}\"", xxh3_128(facts.as_bytes()))
}

/// The response for a client that has the document with this tag.
pub(crate) fn not_modified(tag: &str) -> Response {
    let headers = [(ETAG, tag), (CACHE_CONTROL, "private, no-cache"), (VARY, VARIES_BY)];
    (StatusCode::NOT_MODIFIED, headers).into_response()
}

/// Whether the page at `path` shows relative times, or what is due.
fn tells_time(path: &str) -> bool {
    let pages = ["/source/", "/practise", "/api/v1/sources"];
    path == "/sources" || pages.iter().any(|start| path.starts_with(start))
}

/// Whether the page at `path` has search results.
fn searches(path: &str) -> bool {
    let pages = ["/read/", "/search.", "/api/v1/search", "/api/v1/prior-art"];
    pages.iter().any(|start| path.starts_with(start)) || path.ends_with("/similar")
}

/// Whether `If-None-Match` is `*`: any page that exists matches (RFC 9110, section 13.1.2).
fn names_any(headers: &HeaderMap) -> bool {
    headers.get(IF_NONE_MATCH).is_some_and(|value| value.as_bytes().trim_ascii() == b"*")
}

/// Whether `If-None-Match` contains `tag`, compared weakly (RFC 9110, section 13.1.2).
pub(crate) fn has(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let own = opaque(tag);
    headers
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|theirs| opaque(theirs) == own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly_and_in_lists() {
        let with =
            |value: &'static str| HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(value))]);
        assert!(has(&with("W/\"a\""), "W/\"a\""));
        assert!(has(&with("\"b\", \"a\""), "W/\"a\""));
        assert!(!has(&with("\"ab\""), "W/\"a\""));
        assert!(!has(&HeaderMap::new(), "W/\"a\""));
    }
}
