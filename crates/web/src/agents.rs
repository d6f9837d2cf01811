//! The Model Context Protocol over HTTP (`/mcp`), for agents with a reader's token.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use backissue_mcp::Server;
use url::Url;

use crate::App;
use crate::fault::Fault;
use crate::forms::as_it_is;
use crate::programs::Program;
use crate::readers::Visitor;

/// `/mcp`: one request of the transport "Streamable HTTP". Without sessions, only POST has a
/// response. `forms` has checked the origin of the request (`Origin`), and `hosts` its `Host`.
pub(crate) async fn mcp(
    program: Program,
    visitor: Visitor,
    State(app): State<App>,
    request: Request,
) -> Result<Response, Fault> {
    as_it_is(request.headers())?;
    let may_save = visitor.may_save(&app);
    let operator = app.operator.clone();
    let why_not_saved = move |url: &Url| {
        if !may_save {
            return Some("only operators of this archive save pages".to_owned());
        }
        let why = operator.as_ref().and_then(|operator| operator.why_not_fetched(url));
        why.map(|why| format!("it is not public: {why}"))
    };
    let site = app.site.outside();
    let why_not_saved = Arc::new(why_not_saved);
    let server = Server::new(app.search, app.store, site, program.reader, program.scope, why_not_saved);
    let answer = server.answer(request).await.map(Body::new);
    // The transport has texts for these, which are no problem details.
    match answer.status() {
        status @ StatusCode::NOT_ACCEPTABLE => Err(Fault::WrongMedia(
            status,
            "It lacks the header `Accept: application/json, text/event-stream`",
        )),
        status @ StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            Err(Fault::WrongMedia(status, "It lacks the header `Content-Type: application/json`"))
        }
        StatusCode::BAD_REQUEST if !answer.headers().contains_key(CONTENT_TYPE) => Err(Fault::BadRequest(
            "The header `MCP-Protocol-Version` names a version that this server does not know".to_owned(),
        )),
        _ => Ok(answer),
    }
}
