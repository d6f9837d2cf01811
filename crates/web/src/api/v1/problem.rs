//! Problem details of errors (RFC 9457).

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::fault::Fault;

/// Why a request failed (RFC 9457).
#[derive(Serialize, ToSchema)]
pub(super) struct Problem {
    /// The kind of problem, as an address on the page `/api`.
    #[serde(rename = "type")]
    #[schema(format = "uri-reference")]
    kind: String,
    /// The kind of problem in words.
    title: &'static str,
    /// The status of the response.
    status: u16,
    /// What is wrong with this request.
    detail: String,
    /// What to do about it.
    remedy: &'static str,
    /// The path that was requested.
    #[schema(format = "uri-reference")]
    instance: String,
    /// The number under which the log has an error of the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}

/// The response for a fault at `path`.
pub(crate) fn problem(fault: &Fault, path: &str) -> Response {
    let status = match fault {
        // The body is well formed, but what it wants cannot be done.
        Fault::BadForm(_) => StatusCode::UNPROCESSABLE_ENTITY,
        fault => fault.status(),
    };
    let (code, remedy) = remedy(fault);
    let title = match fault {
        Fault::BadAddress(_) => "A parameter is not valid",
        Fault::BadForm(_) => "That cannot be done",
        fault => fault.title(),
    };
    let reference = if let Fault::Broken { reference } = fault { Some(reference.clone()) } else { None };
    let problem = Problem {
        kind: format!("/api#{code}"),
        title,
        status: status.as_u16(),
        detail: fault.detail(),
        remedy,
        instance: path.to_owned(),
        reference,
    };
    let json = serde_json::to_vec(&problem).unwrap_or_default();
    (status, [(CONTENT_TYPE, "application/problem+json")], json).into_response()
}

/// The kinds of problems and what to do about each, for the page `/api`.
pub(crate) const REMEDIES: [(&str, &str); 24] = [
    ("no-such-path", "See the paths in /api/openapi.json."),
    ("no-such-read", "Find the read's number with /api/v1/search or /api/v1/reads."),
    ("no-such-source", "See the slugs of sources in /api/v1/sources."),
    ("no-such-concept", "See the slugs of concepts in /api/v1/concepts."),
    ("no-such-week", "See the weeks in /api/v1/weeks; write one as 2026-W20."),
    ("invalid", "Correct the parameter, header or field that the detail names; /api describes them all."),
    (
        "foreign-cursor",
        "Ask for the list again without `cursor`, then pass its `next` with the same filters.",
    ),
    ("method", "Use one of the methods in the header `Allow`."),
    ("login", "Send the header `Authorization: Bearer TOKEN`, or log in at /login."),
    (
        "no-token",
        "Send the header `Authorization: Bearer TOKEN`. Make a token on /account, or with `backissue token add`.",
    ),
    ("wrong-token", "Make a new token on /account, or with `backissue token add`, and send it over HTTPS."),
    (
        "narrow-token",
        "Make a token with the scope that the detail names, on /account or with `backissue token add`.",
    ),
    ("too-often", "Wait for the seconds in the header `Retry-After`."),
    ("changed", "Get it again, and send its version."),
    ("key-used", "Use a new key for each new request."),
    ("key-in-use", "Send the same request again in a moment."),
    ("impossible", "Change what the detail names."),
    (
        "other-site",
        "Send it without the headers `Origin` and `Sec-Fetch-Site`: not from a page of another site, but from a program.",
    ),
    ("other-host", "Send it to localhost, to the bare address, or to the name in the setting `base_url`."),
    ("forbidden", "Ask an operator of this archive to do it, or to let you do it."),
    ("too-large", "Send less."),
    ("gone", "Ask for the list again; it may have been removed."),
    (
        "disk-full",
        "Ask the operator of this archive to free space on its disk, then send the same request again.",
    ),
    ("broken", "Try again. If it stays, look into the program's log for the reference."),
];

fn remedy(fault: &Fault) -> (&'static str, &'static str) {
    let code = match fault {
        Fault::NoSuchPage => "no-such-path",
        Fault::NoSuchRead => "no-such-read",
        Fault::NoSuchSource(..) => "no-such-source",
        Fault::NoSuchConcept(_) => "no-such-concept",
        Fault::NoSuchWeek(_) => "no-such-week",
        Fault::BadAddress(_) | Fault::BadRequest(_) | Fault::WrongMedia(..) => "invalid",
        Fault::BadForm(_) => "impossible",
        Fault::Changed | Fault::RemarkChanged => "changed",
        Fault::KeyUsed => "key-used",
        Fault::KeyInUse => "key-in-use",
        Fault::ForeignCursor => "foreign-cursor",
        Fault::NotThatWay | Fault::OnlyForms => "method",
        Fault::NotLoggedIn | Fault::NoReader => "login",
        Fault::NoToken => "no-token",
        Fault::FromElsewhere => "other-site",
        Fault::ForeignName(_) => "other-host",
        Fault::WrongToken | Fault::TokenInTheClear => "wrong-token",
        Fault::NarrowToken(_) => "narrow-token",
        Fault::TooManyRequests(_) => "too-often",
        Fault::TooLarge(_) => "too-large",
        Fault::DiskFull => "disk-full",
        Fault::Broken { .. } => "broken",
        fault if fault.status() == StatusCode::NOT_FOUND => "gone",
        _ => "forbidden",
    };
    REMEDIES.into_iter().find(|(known, _)| *known == code).unwrap_or(("about:blank", ""))
}
