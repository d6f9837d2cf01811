//! Saving a page by its address, and the reader's labels.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backissue_search::Filter;
use backissue_store::Store;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::api::answer::live;
use crate::api::v1::request::{Body, List, Nothing, Page, Paged, Params};
use crate::fault::Fault;
use crate::pages::{SavedPage, save_page};
use crate::programs::Program;
use crate::question::href;
use crate::readers::Visitor;

/// A page to save.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPage {
    /// The address of the page.
    #[schema(example = "https://blog.example.com/a-post", max_length = 2_048)]
    url: String,
}

/// A page that was saved.
#[derive(Serialize, ToSchema)]
#[schema(as = SavedPage)]
struct Saved {
    /// The read's number.
    id: i64,
    /// The address of the page, without what others added to it.
    url: String,
    /// Whether it is shown already. If not, it is fetched and read first.
    shown: bool,
    /// The path of its page.
    path: String,
}

/// Saves a page by its address: it becomes a read of the source “Saved”, and the reader keeps it. A
/// page that the archive has is only kept.
#[utoipa::path(post, path = "/api/v1/reads", operation_id = "save_page", tag = "Mine", security(("token" = ["write"])),
    request_body = NewPage, responses((status = 200, description = "The archive had it already.", body = Saved), (status = 201, description = "It is a new read.", body = Saved)))]
pub(super) async fn save(
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(app): State<App>,
    Body(new): Body<NewPage>,
) -> Result<Response, Fault> {
    let SavedPage { read, url, is_new, is_shown } = save_page(&app, program.reader, &new.url).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let path = format!("/read/{read}");
    let saved = Saved { id: read.0, url: url.as_str().to_owned(), shown: is_shown, path };
    Ok((status, live(&saved)?).into_response())
}

/// A label of a reader.
#[derive(Serialize, ToSchema)]
#[schema(as = Label)]
struct OwnLabel {
    name: String,
    /// Shown reads that have it.
    reads: u64,
    /// The path of a search that lists them.
    search: String,
}

/// The reader's labels, in alphabetical order.
#[utoipa::path(get, path = "/api/v1/labels", operation_id = "list_labels", tag = "Mine", security((), ("token" = ["read"])),
    params(Paged), responses((status = 200, body = List<OwnLabel>)))]
pub(super) async fn labels(
    Params(given): Params<Paged>,
    visitor: Visitor,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let page = Page::of::<OwnLabel>("labels", &given)?;
    let labels = store.counted_labels(visitor.known()?).await?.into_iter().map(|(label, reads)| OwnLabel {
        name: label.as_str().to_owned(),
        reads,
        search: href("/api/v1/search", &Filter::Label(label).to_string(), 1),
    });
    live(&page.cut(labels.collect(), |label: &OwnLabel| label.name.clone())?)
}
