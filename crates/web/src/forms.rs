//! Forms for changes, which are accepted only from our own pages.
//!
//! A form is accepted if the request comes from one of our pages (`Sec-Fetch-Site`, or `Origin`
//! from browsers that do not send it) and has the token that only our pages contain. A token is for
//! one reader and one session. Another site can meet neither condition: it cannot read our pages,
//! and browsers send the origin of a request. A GET never changes anything.

use std::collections::HashMap;

use axum::Form;
use axum::body::Bytes;
use axum::extract::multipart::{Multipart, MultipartError};
use axum::extract::{FromRequest, Request};
use axum::handler::Handler;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HOST, LOCATION, ORIGIN};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use backissue_model::ReaderId;
use url::{Position, Url};

use crate::App;
use crate::fault::Fault;
use crate::readers::Visitor;
use crate::words;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Maximum bytes of a form. A note of maximum length fits in any script of Unicode's basic plane.
pub(crate) const FORM_MAX: usize = 1 << 20;

/// Refuses a request whose body is compressed. Its size would need another limit.
pub(crate) fn as_it_is(headers: &HeaderMap) -> Result<(), Fault> {
    let coding = headers.get(CONTENT_ENCODING);
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Fault::WrongMedia(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "Its body is encoded (`Content-Encoding`); send it as it is",
        ));
    }
    Ok(())
}

/// Refuses changes that do not come from our own pages.
pub(crate) async fn only_from_own_pages(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) || is_own(request.headers()) {
        return next.run(request).await;
    }
    Fault::FromElsewhere.into_response()
}

/// Whether the headers say that the request comes from our own pages. A request without both
/// headers does not come from a browser; then its token decides.
fn is_own(headers: &HeaderMap) -> bool {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match (text(&SEC_FETCH_SITE), text(&ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let host = Url::parse(origin).ok();
            let host = host.as_ref().map(|url| &url[Position::BeforeHost..Position::AfterPort]);
            host.is_some_and(|host| text(&HOST).is_some_and(|own| own.eq_ignore_ascii_case(host)))
        }
        (None, None) => true,
    }
}

/// A route that only accepts forms.
pub(crate) fn form<H, T>(handler: H) -> MethodRouter<App>
where
    H: Handler<T, App>,
    T: 'static,
{
    post(handler).fallback(async || Fault::OnlyForms)
}

/// A form of one of our pages, sent by its reader.
pub(crate) struct Signed {
    pub(crate) reader: ReaderId,
    /// The session that identifies the reader.
    pub(crate) session: Option<i64>,
    /// Whether the script wants the changed parts of the page instead of a redirect.
    pub(crate) wants_part: bool,
    back: String,
    fields: HashMap<String, String>,
    file: Option<Bytes>,
}

impl Signed {
    /// The contents of the file that was chosen. `None` if none was, or if it is empty.
    pub(crate) fn file(&self) -> Option<&[u8]> {
        self.file.as_deref()
    }

    /// A required field of the form.
    pub(crate) fn field(&self, name: &str) -> Result<&str, Fault> {
        let missing = || Fault::BadForm(format!("It lacks the field “{name}”"));
        self.fields.get(name).map(String::as_str).ok_or_else(missing)
    }

    /// The version that the form's page showed.
    pub(crate) fn version(&self) -> Result<i64, Fault> {
        self.field("version")?.parse().map_err(|_| Fault::BadForm("Its version is no number".to_owned()))
    }

    /// Redirects to the form's page, at the element `at`. The page then reports `action`.
    pub(crate) fn back(&self, action: Option<String>, at: &str) -> Response {
        let mut back = without(&self.back, DID);
        if let Some(action) = action {
            back.push(if back.contains('?') { '&' } else { '?' });
            back.push_str(&format!("{DID}={action}"));
        }
        if !at.is_empty() {
            back.push_str(&format!("#{at}"));
        }
        (StatusCode::SEE_OTHER, [("location", back)]).into_response()
    }
}

impl FromRequest<App> for Signed {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &App) -> Result<Self, Fault> {
        let visitor = Visitor::of(request.extensions());
        let Some(reader) = visitor.reader else { return Err(app.readers.refusal()) };
        let Contents { fields, file } = contents_of(request, app, visitor).await?;
        let back = back_of(&fields);
        let wants_part = fields.get("part").is_some_and(|part| part == "marks");
        Ok(Self { reader, session: visitor.session, wants_part, back, fields, file })
    }
}

/// A form of one of our pages, sent by any visitor.
pub(crate) struct Anybodys {
    pub(crate) fields: HashMap<String, String>,
    /// The page to return to.
    pub(crate) back: String,
}

impl FromRequest<App> for Anybodys {
    type Rejection = Fault;

    async fn from_request(request: Request, app: &App) -> Result<Self, Fault> {
        let visitor = Visitor::of(request.extensions());
        let Contents { fields, .. } = contents_of(request, app, visitor).await?;
        Ok(Self { back: back_of(&fields), fields })
    }
}

/// What a form brings.
#[derive(Default)]
struct Contents {
    fields: HashMap<String, String>,
    file: Option<Bytes>,
}

/// The contents of a form that has the token of this visitor.
async fn contents_of(request: Request, app: &App, visitor: Visitor) -> Result<Contents, Fault> {
    let key = app.readers.key()?;
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let contents = if media_type.is_some_and(|text| text.starts_with("multipart/")) {
        let form =
            Multipart::from_request(request, app).await.map_err(|refused| not_a_form(refused.status()))?;
        parts_of(form).await.map_err(|error| not_a_form(error.status()))?
    } else {
        let form = Form::<HashMap<String, String>>::from_request(request, app).await;
        let Form(fields) = form.map_err(|refused| not_a_form(refused.status()))?;
        Contents { fields, file: None }
    };
    if !contents.fields.get("token").is_some_and(|token| key.accepts(visitor, token)) {
        return Err(Fault::StaleForm);
    }
    Ok(contents)
}

/// The contents of a form with a field for a file.
async fn parts_of(mut form: Multipart) -> Result<Contents, MultipartError> {
    let mut contents = Contents::default();
    while let Some(part) = form.next_field().await? {
        let Some(name) = part.name().map(str::to_owned) else { continue };
        if part.file_name().is_some() {
            // Browsers send an empty part if no file was chosen.
            contents.file = Some(part.bytes().await?).filter(|bytes| !bytes.is_empty());
        } else {
            contents.fields.insert(name, part.text().await?);
        }
    }
    Ok(contents)
}

/// Why what was sent with this status is no form.
fn not_a_form(status: StatusCode) -> Fault {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => {
            Fault::TooLarge(format!("A form has at most {} KiB", words::number(FORM_MAX as u64 / 1024)))
        }
        _ => Fault::BadForm("It is not sent as forms are".to_owned()),
    }
}

/// Sends the browser to another page of this site.
pub(crate) fn sent_to(address: impl Into<String>) -> Response {
    let headers = [(LOCATION, address.into()), (CACHE_CONTROL, "private, no-store".to_owned())];
    (StatusCode::SEE_OTHER, headers).into_response()
}

/// The page to which a form or a login returns.
pub(crate) fn back_of(fields: &HashMap<String, String>) -> String {
    fields.get("back").map_or_else(|| "/".to_owned(), |back| own_address(back))
}

/// The query parameter with the name of the action that a page reports and offers to undo.
pub(crate) const DID: &str = "did";

/// The path and query of an address on this site. Returns `/` for addresses elsewhere.
pub(crate) fn own_address(address: &str) -> String {
    let own = address.starts_with('/') && !address.starts_with("//") && !address.contains(['\\', '#']);
    match address.parse::<Uri>() {
        Ok(uri) if own && uri.authority().is_none() => {
            uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
        }
        _ => "/".to_owned(),
    }
}

/// An address without a parameter.
pub(crate) fn without(address: &str, parameter: &str) -> String {
    let Some((path, query)) = address.split_once('?') else { return address.to_owned() };
    let is_it = |pair: &&str| pair.split('=').next() == Some(parameter);
    let rest: Vec<&str> = query.split('&').filter(|pair| !is_it(pair)).collect();
    if rest.is_empty() { path.to_owned() } else { format!("{path}?{}", rest.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn only_requests_from_own_pages_are_own() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let pairs = pairs
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
            HeaderMap::from_iter(pairs.chain([(HOST, HeaderValue::from_static("127.0.0.1:7878"))]))
        };
        for own in [
            &[][..],
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-origin"), ("origin", "null")],
            &[("origin", "http://127.0.0.1:7878")],
        ] {
            assert!(is_own(&headers(own)), "{own:?}");
        }
        for foreign in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "none")],
            &[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:7878")],
            &[("origin", "null")],
            &[("origin", "http://127.0.0.1:7879")],
            &[("origin", "http://127.0.0.1")],
            &[("origin", "https://evil.example")],
            &[("origin", "http://127.0.0.1:7878.evil.example")],
            &[("origin", "")],
        ] {
            assert!(!is_own(&headers(foreign)), "{foreign:?}");
        }
    }

    #[test]
    fn form_returns_only_to_our_own_pages() {
        for (given, back) in [
            ("/week/2026-W20?kind=incident", "/week/2026-W20?kind=incident"),
            ("/", "/"),
            ("//evil.example/", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example/", "/"),
            ("javascript:alert(1)", "/"),
            ("/x\r\nset-cookie: a=b", "/"),
            ("/x y", "/"),
            ("", "/"),
        ] {
            assert_eq!(own_address(given), back, "{given}");
        }
        assert_eq!(without("/week/x?did=3&kind=event&did=4", DID), "/week/x?kind=event");
        assert_eq!(without("/?did=3", DID), "/");
        assert_eq!(without("/?didnt=3", DID), "/?didnt=3");
    }
}
