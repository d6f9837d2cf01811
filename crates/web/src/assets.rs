//! The stylesheet, the script, the icon and the fonts: embedded in the program, each with an
//! address that changes with its contents.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use crate::App;
use crate::fault::Fault;

pub(crate) const STYLESHEET: &str = include_str!("../assets/backissue.css");
const SCRIPT: &str = include_str!("../assets/backissue.js");
/// The script for the search of a published site.
const SEARCH: &str = include_str!("../assets/search.js");
const ICON: &str = include_str!("../assets/icon.svg");

/// All assets: name, media type, contents.
const ASSETS: [(&str, &str, &[u8]); 10] = [
    ("backissue.css", "text/css; charset=utf-8", STYLESHEET.as_bytes()),
    ("backissue.js", "text/javascript; charset=utf-8", SCRIPT.as_bytes()),
    ("search.js", "text/javascript; charset=utf-8", SEARCH.as_bytes()),
    ("icon.svg", "image/svg+xml", ICON.as_bytes()),
    ("icon-192.png", "image/png", include_bytes!("../assets/icon-192.png")),
    ("icon-512.png", "image/png", include_bytes!("../assets/icon-512.png")),
    ("icon-maskable-512.png", "image/png", include_bytes!("../assets/icon-maskable-512.png")),
    ("source-serif-4.woff2", "font/woff2", include_bytes!("../assets/source-serif-4.woff2")),
    ("source-sans-3.woff2", "font/woff2", include_bytes!("../assets/source-sans-3.woff2")),
    ("fonts-LICENSE.txt", "text/plain; charset=utf-8", include_bytes!("../assets/fonts-LICENSE.txt")),
];

/// The service worker. Its address never changes, because browsers look for newer versions at the
/// same address.
const WORKER: &str = include_str!("../assets/sw.js");

/// The fonts that each page preloads.
pub(crate) const FONTS: [&str; 2] = ["source-serif-4.woff2", "source-sans-3.woff2"];

/// The caching headers of a file that never changes. A year is the longest usual caching time (RFC
/// 9111 defines no limit).
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

/// A fingerprint of all assets. Part of their addresses and of each page's ETag.
pub(crate) static FINGERPRINT: LazyLock<String> = LazyLock::new(|| {
    let all: Vec<u8> = ASSETS.iter().flat_map(|(_, _, content)| *content).copied().collect();
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(&all))
});

/// The address of an asset.
pub(crate) fn address(name: &str) -> String {
    format!("/assets/{}/{name}", *FINGERPRINT)
}

/// The addresses of the stylesheet, the scripts, the icons and the fonts.
pub fn addresses() -> impl Iterator<Item = String> {
    ASSETS.iter().map(|(name, ..)| address(name))
}

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/assets/{fingerprint}/{name}", get(asset))
        .route("/sw.js", get(worker))
        .route("/manifest.webmanifest", get(manifest))
        .route("/favicon.ico", get(async || serve("icon.svg", "public, max-age=86400")))
}

async fn asset(Path((fingerprint, name)): Path<(String, String)>) -> Response {
    // An old page may request an old fingerprint: it gets the current asset, but must not cache it.
    serve(&name, if fingerprint == *FINGERPRINT { FOR_GOOD } else { "no-cache" })
}

async fn worker() -> Response {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, "no-cache")], WORKER).into_response()
}

/// The manifest that a browser needs to install the pages as an app, and to share addresses with
/// the app.
async fn manifest(State(app): State<App>) -> Response {
    let icon = |name: &str, size: &str, purpose: &str| json!({ "src": address(name), "sizes": size, "type": "image/png", "purpose": purpose });
    let manifest = json!({
        "name": app.site.title, "short_name": app.site.title, "id": "/", "start_url": "/", "scope": "/",
        "display": "standalone", "background_color": "#fbfaf7", "theme_color": "#14594a",
        "description": "Every engineering read, week by week, problem first.",
        "icons": [
            icon("icon-192.png", "192x192", "any"), icon("icon-512.png", "512x512", "any"),
            icon("icon-maskable-512.png", "512x512", "maskable"),
        ],
        // By GET, which changes nothing: the page has a form with the address filled in.
        "share_target": {
            "action": "/save", "method": "GET", "enctype": "application/x-www-form-urlencoded",
            "params": { "title": "title", "text": "text", "url": "url" },
        },
    });
    let headers = [(CONTENT_TYPE, "application/manifest+json"), (CACHE_CONTROL, "no-cache")];
    (headers, manifest.to_string()).into_response()
}

fn serve(name: &str, keep: &'static str) -> Response {
    match ASSETS.iter().find(|(known, _, _)| *known == name) {
        Some((_, media_type, content)) => {
            ([(CONTENT_TYPE, *media_type), (CACHE_CONTROL, keep)], *content).into_response()
        }
        None => Fault::NoSuchPage.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fonts_stay_small() {
        let is_font = |name: &str| FONTS.contains(&name);
        let sizes: Vec<usize> =
            ASSETS.iter().filter(|(name, ..)| is_font(name)).map(|(.., content)| content.len()).collect();
        assert_eq!(sizes.len(), FONTS.len());
        assert!(sizes.iter().sum::<usize>() < 120_000, "{sizes:?}");
        assert!(FONTS.iter().all(|name| STYLESHEET.contains(&format!("url({name})"))));
    }
}
