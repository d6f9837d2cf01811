//! `/api/v1/token`: what a program may do with its token.

use axum::extract::State;
use axum::response::Response;
use backissue_model::{ReaderName, Role, Scope};
use jiff::Timestamp;
use serde::Serialize;

use crate::App;
use crate::api::live;
use crate::fault::Fault;
use crate::programs::Program;

#[derive(Serialize)]
struct Answer {
    reader: ReaderName,
    role: Role,
    scope: Scope,
    requests_per_minute: u32,
}

pub(super) async fn token(program: Program, State(app): State<App>) -> Result<Response, Fault> {
    let reader = app.store.reader(program.reader, Timestamp::now()).await?.ok_or(Fault::NoSuchReader)?;
    live(&Answer {
        reader: reader.name,
        role: reader.role,
        scope: program.scope,
        requests_per_minute: app.site.requests_per_minute,
    })
}
