//! The page of an error.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::{LOCATION, REFERER, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use percent_encoding::percent_decode_str;
use serde_json::json;
use url::{Position, Url};

use crate::api::v1;
use crate::fault::{Fault, nearest_concept, seconds_of};
use crate::forms::{DID, own_address, without};
use crate::frame::{Document, Frame, log_in_at};
use crate::readers::Visitor;
use crate::{App, documents, programs};

/// Shows errors of handlers as pages in the usual frame.
pub(crate) async fn show_in_frame(State(app): State<App>, request: Request, next: Next) -> Response {
    let for_programs = programs::are_for(request.uri().path());
    let uri = request.uri().clone();
    let visitor = Visitor::of(request.extensions());
    let is_page = request.method() == Method::GET && !for_programs && !documents::is_document(uri.path());
    let form = if request.method() == Method::POST { page_of_form(request.headers()) } else { None };
    let answer = if is_utf8(uri.path()) && uri.query().is_none_or(is_utf8) {
        next.run(request).await
    } else {
        Fault::BadAddress("It has bytes that are no text in UTF-8".to_owned()).into_response()
    };
    let Some(fault) = answer.extensions().get::<Fault>().cloned() else { return answer };
    if fault == Fault::NotLoggedIn && is_page {
        let back = uri.path_and_query().map_or("/", |back| back.as_str());
        return (StatusCode::SEE_OTHER, [(LOCATION, log_in_at(back))]).into_response();
    }
    if for_programs {
        return fault.without_frame(uri.path());
    }
    // A form's own address has no page to which a login could return.
    let here = form.as_ref().and_then(|form| form.parse::<Uri>().ok()).unwrap_or(uri);
    let frame = Frame::new(&app, &here, None, visitor);
    let mut shown = frame.page(document(&fault, form.as_deref())).into_response();
    *shown.status_mut() = fault.status();
    fault.tell(shown.headers_mut());
    shown
}

/// The path and query of the page with the form that was sent, as the browser says.
fn page_of_form(headers: &HeaderMap) -> Option<String> {
    let page = Url::parse(headers.get(REFERER)?.to_str().ok()?).ok()?;
    Some(without(&own_address(&page[Position::BeforePath..Position::AfterQuery]), DID))
}

/// Whether a part of an address is UTF-8 after percent-decoding.
fn is_utf8(part: &str) -> bool {
    percent_decode_str(part).decode_utf8().is_ok()
}

fn challenge(said: &str) -> HeaderValue {
    HeaderValue::from_str(&format!("Bearer realm=\"backissue\"{said}")).expect("scopes are ASCII")
}

/// The page of an error, after a form of the page `form`.
fn document(fault: &Fault, form: Option<&str>) -> Document {
    Document {
        title: fault.title().to_owned(),
        main: body(fault, form),
        unlisted: true,
        ..Document::default()
    }
}

fn body(fault: &Fault, form: Option<&str>) -> Markup {
    let log_in = match form {
        Some(form) if *fault == Fault::NotLoggedIn => log_in_at(form),
        _ => "/login".to_owned(),
    };
    html! {
        div.head {
            p.eyebrow { (fault.status().as_u16()) }
            h1 { (fault.title()) }
        }
        div.empty {
            p { (fault.explanation()) }
            ul {
                @if matches!(fault, Fault::NotLoggedIn | Fault::OpenId(_)) { li { a href=(log_in) { "Log in" } } }
                @if let Some(form) = form { li { a href=(form) { "Back to the page with the form" } } }
                li { a href="/" { "The newest week" } }
                li { a href="/weeks" { "All weeks" } }
                @if let Fault::NoSuchSource(_, Some(nearest)) = fault { li { a href={ "/source/" (nearest) } { (nearest) } } }
                @if let Fault::NoSuchConcept(name) = fault && let Some(concept) = nearest_concept(name) {
                    li { a href={ "/concept/" (concept.slug) } { (concept.name) } }
                }
                @if let Fault::NoSuchSource(..) = fault { li { a href="/sources" { "All sources" } } }
                @if let Fault::NoSuchConcept(_) = fault { li { a href="/concepts" { "All concepts" } } }
            }
        }
    }
}

impl Fault {
    /// The response without a page's frame, which shows nothing of the archive: problem details at
    /// `/api/v1`, other JSON at the other addresses for programs, otherwise plain text.
    pub(crate) fn without_frame(self, path: &str) -> Response {
        if !programs::are_for(path) {
            return self.into_response();
        }
        let mut answer = if v1::is_at(path) {
            v1::problem(&self, path)
        } else {
            let reference = if let Self::Broken { reference } = &self { Some(reference) } else { None };
            let said = json!({ "error": self.title(), "detail": self.detail(), "reference": reference });
            (self.status(), Json(said)).into_response()
        };
        self.tell(answer.headers_mut());
        answer
    }

    /// Adds the headers that the status requires. The router adds the allowed methods to a 405 (RFC
    /// 9110, section 15.5.6).
    fn tell(&self, headers: &mut HeaderMap) {
        let (name, value) = match self {
            // RFC 6750, section 3.
            Self::NoReader | Self::NoToken => (WWW_AUTHENTICATE, challenge("")),
            Self::WrongToken => (WWW_AUTHENTICATE, challenge(", error=\"invalid_token\"")),
            Self::NarrowToken(scope) => {
                let said = format!(", error=\"insufficient_scope\", scope=\"{scope}\"");
                (WWW_AUTHENTICATE, challenge(&said))
            }
            Self::TooManyRequests(wait) => (RETRY_AFTER, seconds_of(*wait).into()),
            _ => return,
        };
        headers.insert(name, value);
    }
}
