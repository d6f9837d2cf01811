//! Weeks, reads and lists as documents for other programs: Markdown, Atom, JSON Feed.
//!
//! They are equal for all visitors and contain no data of readers.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use backissue_digest::{Choice, Digest, WeekRead, compose, markdown};
use backissue_model::Week;
use backissue_store::{Order, ReadFilter, Store};

use crate::App;
use crate::fault::Fault;
use crate::feed_links::Format;
use crate::narrowing::Narrowing;
use crate::read_address::read_id;

/// Maximum reads of a week in a document.
pub(crate) const WEEK: u32 = 1000;

pub(crate) const MARKDOWN: &str = "text/markdown; charset=utf-8";

/// Whether `path` is the address of such a document.
pub(crate) fn is_document(path: &str) -> bool {
    path.ends_with(".md") || Format::of(path).is_some()
}

/// `/week/2026-W20.md`
pub(crate) async fn week(app: &App, narrowing: &Narrowing, week: &str) -> Result<Response, Fault> {
    let week: Week = week.parse()?;
    let filter = ReadFilter { week: Some(week), ..narrowing.looked_up(&app.store).await?.0 };
    let digest = digest(&app.store, week, &filter).await?;
    Ok(document(MARKDOWN, markdown::week(&digest, &app.site.outside())))
}

/// `/read/42.md`
pub(crate) async fn read(app: &App, id: &str) -> Result<Response, Fault> {
    let id = read_id(id)?;
    let mut read = app.store.read(id).await?.ok_or(Fault::NoSuchRead)?;
    if !app.gives_articles() {
        read.card.description = None;
    }
    Ok(document(MARKDOWN, markdown::read(&read.into(), &app.site.outside())))
}

/// The digest of a week: its published issue, or else one that is composed by rules. A part of a
/// week has no issue.
pub(crate) async fn digest(store: &Store, week: Week, filter: &ReadFilter) -> Result<Digest, Fault> {
    let reads = store.summaries(filter, Order::ProblemsFirst, WEEK).await?;
    let issue = store.published_issue(filter).await?;
    let reads = reads.into_iter().map(WeekRead::from).collect();
    Ok(compose(week, reads, &Choice::default(), issue.as_ref()))
}

pub(crate) fn document(media_type: &'static str, text: String) -> Response {
    ([(CONTENT_TYPE, media_type), (CACHE_CONTROL, "private, no-cache")], text).into_response()
}
