//! The requests of reader apps, and the forms of responses.

use axum::extract::{FromRequest, Request};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use backissue_model::Source;
use backissue_store::{SourceFilter, Stream};
use serde_json::Value;
use url::form_urlencoded;

use crate::App;
use crate::fault::Fault;
use crate::forms::FORM_MAX;
use crate::greader::ids::stream_of;
use crate::programs::Program;

/// The parameters of a request, from its address and its form, in this order. A name can be there
/// several times.
pub(crate) struct Asked(Vec<(String, String)>);

impl Asked {
    /// The first value of a parameter, unless it is empty.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.all(name).find(|value| !value.is_empty())
    }

    /// Whether a parameter is there, with or without a value.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A required parameter.
    pub(crate) fn required(&self, name: &str) -> Result<&str, Fault> {
        self.one(name).ok_or_else(|| Fault::BadForm(format!("It lacks the parameter “{name}”")))
    }
}

impl FromRequest<App> for Asked {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &App) -> Result<Self, Fault> {
        let parsed = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect::<Vec<_>>();
        let mut asked = parsed(request.uri().query().unwrap_or_default().as_bytes());
        if request.method() == Method::POST {
            let body = String::from_request(request, app).await;
            let body = body.map_err(|refused| match refused.status() {
                StatusCode::PAYLOAD_TOO_LARGE => {
                    Fault::TooLarge(format!("A request has at most {} KiB", FORM_MAX / 1024))
                }
                _ => Fault::BadForm("Its body is not text in UTF-8".to_owned()),
            })?;
            asked.extend(parsed(body.as_bytes()));
        }
        Ok(Self(asked))
    }
}

/// A response that nobody stores.
pub(crate) fn data(value: &Value) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "private, no-store")];
    (headers, value.to_string()).into_response()
}

pub(super) fn text(text: impl Into<String>) -> Response {
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "private, no-store")];
    (headers, text.into()).into_response()
}

/// The response to a successful change.
pub(super) fn done() -> Response {
    text("OK")
}

/// The sources that are feeds for apps: those that are followed, and the one of saved pages.
pub(crate) async fn sources(app: &App) -> Result<Vec<Source>, Fault> {
    Ok(app.store.sources(&SourceFilter::default()).await?)
}

/// The stream of this id.
pub(super) async fn stream(app: &App, program: Program, id: &str) -> Result<Stream, Fault> {
    stream_of(id, &sources(app).await?, &app.store.all_labels(program.reader).await?).ok_or_else(|| {
        Fault::BadAddress(format!("There is no stream “{}”", id.chars().take(200).collect::<String>()))
    })
}
