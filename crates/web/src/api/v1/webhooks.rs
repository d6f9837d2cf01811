//! `/api/v1/webhooks`: programs elsewhere that are told what happens.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backissue_model::{Event, number_in_address};
use backissue_store::{NewWebhook, Store, WEBHOOKS_MAX, Webhook, WebhookAdded};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::App;
use crate::api::answer::live;
use crate::api::names::one_of;
use crate::api::v1::request::{Body, Named, Nothing, Params};
use crate::fault::Fault;
use crate::operating::operator;
use crate::programs::Program;

/// A webhook, without its address and its key, which are secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Webhook)]
struct Known {
    id: i64,
    /// The scheme, host and port of its address.
    server: String,
    /// What it is told.
    #[schema(schema_with = events)]
    events: Vec<Event>,
    #[schema(value_type = String, format = DateTime)]
    made_at: Timestamp,
    /// Messages that are not delivered yet.
    waiting: u64,
    /// The last answer. Null if there was none yet.
    last: Option<Last>,
}

/// What a webhook answered.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookAnswer)]
struct Last {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The answer, or why there was none.
    answer: String,
    /// Whether the message was accepted.
    accepted: bool,
}

fn events() -> utoipa::openapi::schema::Array {
    utoipa::openapi::schema::ArrayBuilder::new().items(one_of(Event::ALL.map(Event::as_str))).build()
}

/// Some events, at least one.
fn some_events() -> utoipa::openapi::schema::Array {
    let mut some = events();
    some.min_items = Some(1);
    some
}

impl From<Webhook> for Known {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.id,
            server: webhook.server(),
            events: webhook.events,
            made_at: webhook.made_at,
            waiting: webhook.waiting,
            last: webhook.last.map(|last| Last { at: last.at, answer: last.text, accepted: last.accepted }),
        }
    }
}

/// All webhooks.
#[derive(Serialize, ToSchema)]
struct Webhooks {
    items: Vec<Known>,
}

/// The webhooks with their last answers, the oldest first.
#[utoipa::path(get, path = "/api/v1/webhooks", operation_id = "list_webhooks", tag = "Webhooks", security((), ("token" = ["operate"])),
    responses((status = 200, body = Webhooks)))]
pub(super) async fn list(
    Params(Nothing {}): Params<Nothing>,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    live(&Webhooks { items: store.webhooks().await?.into_iter().map(Known::from).collect() })
}

/// A webhook to add.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewHook {
    /// Where messages are sent by POST: `https://`, or `http://` on this machine.
    #[schema(example = "https://hooks.example.com/backissue", max_length = 2_048)]
    url: String,
    /// What it is told.
    #[schema(schema_with = some_events)]
    events: Vec<Named<Event>>,
}

/// A webhook that was added.
#[derive(Serialize, ToSchema)]
#[schema(as = AddedWebhook)]
struct Added {
    #[serde(flatten)]
    webhook: Known,
    /// The key that signs messages (Standard Webhooks). It is not shown again.
    key: String,
}

/// Adds a webhook, which is told what happens from now on.
#[utoipa::path(post, path = "/api/v1/webhooks", operation_id = "add_webhook", tag = "Webhooks", security(("token" = ["operate"])),
    request_body = NewHook, responses((status = 201, description = "It is added.", body = Added)))]
pub(super) async fn add(
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(app): State<App>,
    Body(new): Body<NewHook>,
) -> Result<Response, Fault> {
    let operator = operator(&app)?;
    if new.events.is_empty() {
        let all = Event::ALL.map(Event::as_str).join(", ");
        return Err(Fault::BadForm(format!("“events” is empty; name at least one of {all}")));
    }
    if let Some(why) = operator.why_no_webhook(&new.url) {
        return Err(Fault::BadForm(why));
    }
    let key = operator.new_signing_key();
    let events: Vec<Event> = new.events.into_iter().map(|Named(event)| event).collect();
    let new = NewWebhook { url: &new.url, key: &key, events: &events };
    let why = match app.store.add_webhook(program.reader, new, Timestamp::now()).await? {
        WebhookAdded::Added(id) => {
            let webhook = one(&app.store, id).await?.into();
            return Ok((StatusCode::CREATED, live(&Added { webhook, key })?).into_response());
        }
        WebhookAdded::AddressTaken(id) => {
            format!("Webhook {id} has this address already; remove it first")
        }
        WebhookAdded::TooMany => format!("An archive has at most {WEBHOOKS_MAX} webhooks; remove one"),
    };
    Err(Fault::BadForm(why))
}

async fn one(store: &Store, id: i64) -> Result<Webhook, Fault> {
    store.webhook(id).await?.ok_or(Fault::NoSuchWebhook)
}

/// Removes a webhook, with what it is still to be told.
#[utoipa::path(delete, path = "/api/v1/webhooks/{id}", operation_id = "remove_webhook", tag = "Webhooks", security(("token" = ["operate"])),
    params(("id" = i64, Path, description = "The webhook's number.", minimum = 1)), responses((status = 204, description = "It is removed.")))]
pub(super) async fn remove(
    Path(id): Path<String>,
    Params(Nothing {}): Params<Nothing>,
    State(store): State<Store>,
) -> Result<StatusCode, Fault> {
    let id = number_in_address(&id).ok_or(Fault::NoSuchWebhook)?;
    match store.remove_webhook(id).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Fault::NoSuchWebhook),
    }
}

/// Has a message sent to a webhook that tests it. Its answer is in `last` a moment later.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}/test", operation_id = "test_webhook", tag = "Webhooks", security(("token" = ["operate"])),
    params(("id" = i64, Path, description = "The webhook's number.", minimum = 1)), responses((status = 202, description = "The message is sent.", body = Known)))]
pub(super) async fn test(
    Path(id): Path<String>,
    Params(Nothing {}): Params<Nothing>,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let id = one(&store, number_in_address(&id).ok_or(Fault::NoSuchWebhook)?).await?.id;
    store.test_webhook(id, Timestamp::now()).await?;
    Ok((StatusCode::ACCEPTED, live(&Known::from(one(&store, id).await?))?).into_response())
}
