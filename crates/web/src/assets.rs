//! The stylesheet, the script and the icon: part of the program, each under an address that changes with its content.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::App;
use crate::fault::Fault;

pub(crate) const STYLESHEET: &str = include_str!("../assets/backissue.css");
const SCRIPT: &str = include_str!("../assets/backissue.js");
const ICON: &str = include_str!("../assets/icon.svg");

/// Everything that is served as it lies: name, media type, content.
const ASSETS: [(&str, &str, &str); 3] = [
    ("backissue.css", "text/css; charset=utf-8", STYLESHEET),
    ("backissue.js", "text/javascript; charset=utf-8", SCRIPT),
    ("icon.svg", "image/svg+xml", ICON),
];

/// A year, the longest that caches are asked to keep anything (RFC 9111 leaves the limit to custom).
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// A fingerprint of all assets together; part of their addresses and of every page's ETag.
pub(crate) static FINGERPRINT: LazyLock<String> = LazyLock::new(|| {
    let all: String = ASSETS.iter().map(|(_, _, content)| *content).collect();
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(all.as_bytes()))
});

/// The address of the asset called `name`.
pub(crate) fn address(name: &str) -> String {
    format!("/assets/{}/{name}", *FINGERPRINT)
}

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/assets/{fingerprint}/{name}", get(asset))
        .route("/favicon.ico", get(async || serve("icon.svg", "public, max-age=86400")))
}

async fn asset(Path((fingerprint, name)): Path<(String, String)>) -> Response {
    // An old page may still ask for an old fingerprint: it gets what there is now, but may not keep it.
    serve(&name, if fingerprint == *FINGERPRINT { FOR_GOOD } else { "no-cache" })
}

fn serve(name: &str, keep: &'static str) -> Response {
    match ASSETS.iter().find(|(known, _, _)| *known == name) {
        Some((_, media_type, content)) => {
            ([(CONTENT_TYPE, *media_type), (CACHE_CONTROL, keep)], *content).into_response()
        }
        None => Fault::NoSuchPage.into_response(),
    }
}
