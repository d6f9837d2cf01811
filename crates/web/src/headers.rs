//! Security headers of all responses, which restrict what browsers do.

use axum::extract::{Request, State};
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Uri};
use axum::middleware::Next;
use axum::response::Response;

use crate::App;
use crate::images::{self, Images};

/// The content security policy of pages. Only files from this program may run, load or connect. No
/// site may show the pages in a frame.
const POLICY: &str = "default-src 'none'; style-src 'self'; font-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The policy inside a page of a published site, whose server may not send headers.
/// `frame-ancestors` has no effect there, and browsers complain about it.
pub(crate) const POLICY_IN_PAGE: &str = "default-src 'none'; style-src 'self'; font-src 'self'; script-src 'self'; img-src 'self' data:; \
                                         connect-src 'self'; form-action 'self'; manifest-src 'self'; base-uri 'none'";

/// The policy of an article whose reader wants to see images: images may load from anywhere.
const WITH_IMAGES: &str = "default-src 'none'; style-src 'self'; font-src 'self'; script-src 'self'; img-src 'self' data: https: http:; \
                           connect-src 'self'; form-action 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The policy of an image that is opened directly: nothing is allowed.
const IMAGE: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// The policy for the page at an address. It depends only on the address and the settings. So a
/// 304, which changes the headers of a cached page, has the same policy.
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

/// Adds headers to a response that is not a page.
pub(crate) async fn protect_call(answer: Response) -> Response {
    under(POLICY, answer)
}

fn under(policy: &'static str, mut answer: Response) -> Response {
    let fixed = [
        (CONTENT_SECURITY_POLICY, policy),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Other sites get no referrer; our own forms keep their `Origin`.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_in_a_page_is_as_strict_as_the_servers() {
        assert_eq!(format!("{POLICY_IN_PAGE}; frame-ancestors 'none'"), POLICY);
    }
}
