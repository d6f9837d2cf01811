//! `/api/v1/token`: what a program may do with its token.

use axum::extract::State;
use axum::response::Response;
use backissue_model::{ReaderName, Role, Scope};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::App;
use crate::api::answer::live;
use crate::api::names::one_of;
use crate::api::v1::request::{Nothing, Params};
use crate::fault::Fault;
use crate::programs::Program;

/// What a program may do.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
struct Answer {
    /// The reader for whom it acts.
    #[schema(value_type = String)]
    reader: ReaderName,
    /// What the reader may do.
    #[schema(schema_with = roles)]
    role: Role,
    /// What the program may do, which is never more.
    #[schema(schema_with = scopes)]
    scope: Scope,
    requests_per_minute: u32,
}

fn roles() -> utoipa::openapi::schema::Object {
    one_of(Role::ALL.map(Role::as_str))
}

fn scopes() -> utoipa::openapi::schema::Object {
    one_of(Scope::ALL.map(Scope::as_str))
}

/// Whose the token is, and what it may do.
#[utoipa::path(get, path = "/api/v1/token", operation_id = "get_token", tag = "Token", security(("token" = ["read"])), responses((status = 200, body = Answer)))]
pub(super) async fn token(
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let reader = app.store.reader(program.reader, Timestamp::now()).await?.ok_or(Fault::NoSuchReader)?;
    live(&Answer {
        reader: reader.name,
        role: reader.role,
        scope: program.scope,
        requests_per_minute: app.site.requests_per_minute,
    })
}
