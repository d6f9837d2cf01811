//! The headers that every answer carries: what a browser may do with it.

use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::Response;

use crate::App;
use crate::images::{self, Images};

/// Nothing runs, loads or connects but what this program serves itself; nobody frames it.
const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The same, but that images load from wherever they lie: for an article whose reader wants to see them.
const WITH_IMAGES: &str = "default-src 'none'; style-src 'self'; font-src 'self'; script-src 'self'; img-src 'self' data: https: http:; \
                           connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// An image that is opened by itself does nothing at all.
const IMAGE: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// What the page under an address may load. It follows from the address and the settings alone, so that a 304, which changes
/// the headers of what a browser has kept, says the same as the page did.
fn policy(images: &Images, address: &Uri) -> &'static str {
    let wanted = match images {
        Images::Load => true,
        Images::Click => images::asks(address.query()),
        Images::Cache(_) => false,
    };
    if wanted && address.path().starts_with("/read/") {
        WITH_IMAGES
    } else if address.path().starts_with("/image/") {
        IMAGE
    } else {
        POLICY
    }
}

pub(crate) async fn protect(State(app): State<App>, request: Request, next: Next) -> Response {
    let policy = policy(&app.images, request.uri());
    under(policy, next.run(request).await)
}

/// The same for an answer that is no page.
pub(crate) async fn protect_call(answer: Response) -> Response {
    under(POLICY, answer)
}

fn under(policy: &'static str, mut answer: Response) -> Response {
    let fixed = [
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Other sites are not told; our own forms keep their `Origin`.
        (REFERRER_POLICY, "same-origin"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ];
    for (name, value) in fixed {
        answer.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    answer
}
