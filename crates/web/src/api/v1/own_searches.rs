//! `/api/v1/searches`: a reader's saved searches.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backissue_model::{ReaderId, SavedQuestion, SearchName, number_in_address};
use backissue_search::Search;
use backissue_store::{OwnSearch, SavedSearch, SearchChange};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::api::answer::live;
use crate::api::v1::request::{Body, Nothing, Params};
use crate::fault::Fault;
use crate::pages::saved_id;
use crate::programs::Program;
use crate::question::href;
use crate::readers::Visitor;

/// A saved search.
#[derive(Serialize, ToSchema)]
#[schema(as = SavedSearch)]
struct Saved {
    id: i64,
    name: String,
    question: String,
    /// The recipient of new answers, if the configuration has one for it.
    recipient: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// New reads that answer it.
    answers: u64,
    /// Those that the reader has not seen.
    unseen: u64,
    /// The path of the search.
    search: String,
    /// What was not understood of the question, and how it is searched instead.
    notes: Vec<String>,
}

impl Saved {
    async fn of(saved: SavedSearch, search: &Search) -> Result<Self, Fault> {
        Ok(Self {
            notes: search.notes_on(saved.question.as_str()).await?,
            id: saved.id,
            search: href("/api/v1/search", saved.question.as_str(), 1),
            name: saved.name.to_string(),
            question: saved.question.to_string(),
            recipient: saved.recipient,
            since: saved.since,
            answers: saved.answers,
            unseen: saved.unseen,
        })
    }
}

/// All saved searches of a reader.
#[derive(Serialize, ToSchema)]
struct SavedSearches {
    items: Vec<Saved>,
}

async fn one(app: &App, reader: ReaderId, id: i64) -> Result<Saved, Fault> {
    let all = app.store.saved_searches(reader).await?;
    let saved = all.into_iter().find(|saved| saved.id == id).ok_or(Fault::NoSuchSearch)?;
    Saved::of(saved, &app.search).await
}

/// The reader's saved searches, by name.
#[utoipa::path(get, path = "/api/v1/searches", operation_id = "list_saved_searches", tag = "Saved searches", security((), ("token" = ["read"])),
    responses((status = 200, body = SavedSearches)))]
pub(super) async fn list(
    Params(Nothing {}): Params<Nothing>,
    visitor: Visitor,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let mut items = Vec::new();
    for saved in app.store.saved_searches(visitor.known()?).await? {
        items.push(Saved::of(saved, &app.search).await?);
    }
    live(&SavedSearches { items })
}

/// A search to save.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSearch {
    /// What the reader calls it; no two have the same name.
    #[schema(min_length = 1, max_length = 80)]
    name: String,
    /// The question, with filters as in `/api/v1/search`.
    #[schema(min_length = 1, max_length = 500)]
    question: String,
}

/// Saves a search.
#[utoipa::path(post, path = "/api/v1/searches", operation_id = "save_search", tag = "Saved searches", security(("token" = ["write"])),
    request_body = NewSearch, responses((status = 201, description = "It is saved.", body = Saved)))]
pub(super) async fn save(
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(app): State<App>,
    Body(new): Body<NewSearch>,
) -> Result<Response, Fault> {
    let invalid = |why: &dyn std::fmt::Display| Fault::BadForm(why.to_string());
    let own = OwnSearch {
        name: new.name.parse::<SearchName>().map_err(|why| invalid(&why))?,
        question: new.question.parse::<SavedQuestion>().map_err(|why| invalid(&why))?,
        recipient: None,
    };
    let saved = app.store.save_search(program.reader, &own, Timestamp::now()).await?;
    let id = saved_id(&own.name, saved)?;
    Ok((StatusCode::CREATED, live(&one(&app, program.reader, id).await?)?).into_response())
}

/// A saved search's new name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Renamed {
    #[schema(min_length = 1, max_length = 80)]
    name: String,
}

/// Renames a saved search.
#[utoipa::path(put, path = "/api/v1/searches/{id}", operation_id = "rename_search", tag = "Saved searches", security(("token" = ["write"])),
    params(("id" = i64, Path, description = "The saved search's number.", minimum = 1)), request_body = Renamed, responses((status = 200, body = Saved)))]
pub(super) async fn rename(
    Path(id): Path<String>,
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(app): State<App>,
    Body(new): Body<Renamed>,
) -> Result<Response, Fault> {
    let id = number_in_address(&id).ok_or(Fault::NoSuchSearch)?;
    let recipient = one(&app, program.reader, id).await?.recipient;
    let name = new.name.parse::<SearchName>().map_err(|why| Fault::BadForm(why.to_string()))?;
    let change = SearchChange { name, recipient };
    saved_id(&change.name, app.store.change_search(program.reader, id, &change).await?)?;
    live(&one(&app, program.reader, id).await?)
}

/// Removes a saved search.
#[utoipa::path(delete, path = "/api/v1/searches/{id}", operation_id = "remove_search", tag = "Saved searches", security(("token" = ["write"])),
    params(("id" = i64, Path, description = "The saved search's number.", minimum = 1)), responses((status = 204, description = "It is removed.")))]
pub(super) async fn remove(
    Path(id): Path<String>,
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(app): State<App>,
) -> Result<StatusCode, Fault> {
    let id = number_in_address(&id).ok_or(Fault::NoSuchSearch)?;
    match app.store.remove_search(program.reader, id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Fault::NoSuchSearch),
    }
}

/// The reader has seen the new answers to a saved search.
#[utoipa::path(put, path = "/api/v1/searches/{id}/seen", operation_id = "see_search", tag = "Saved searches", security(("token" = ["write"])),
    params(("id" = i64, Path, description = "The saved search's number.", minimum = 1)), responses((status = 200, body = Saved)))]
pub(super) async fn seen(
    Path(id): Path<String>,
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let id = number_in_address(&id).ok_or(Fault::NoSuchSearch)?;
    match app.store.see_answers(program.reader, id, Timestamp::now()).await? {
        true => live(&one(&app, program.reader, id).await?),
        false => Err(Fault::NoSuchSearch),
    }
}
