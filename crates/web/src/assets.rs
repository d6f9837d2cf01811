//! The stylesheet, the script, the icon and the fonts: embedded in the program, each with an
//! address that changes with its contents.

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
/// The search of a published site.
const SEARCH: &str = include_str!("../assets/search.js");
const ICON: &str = include_str!("../assets/icon.svg");

/// All assets: name, media type, contents.
const ASSETS: [(&str, &str, &[u8]); 7] = [
    ("backissue.css", "text/css; charset=utf-8", STYLESHEET.as_bytes()),
    ("backissue.js", "text/javascript; charset=utf-8", SCRIPT.as_bytes()),
    ("search.js", "text/javascript; charset=utf-8", SEARCH.as_bytes()),
    ("icon.svg", "image/svg+xml", ICON.as_bytes()),
    ("source-serif-4.woff2", "font/woff2", include_bytes!("../assets/source-serif-4.woff2")),
    ("source-sans-3.woff2", "font/woff2", include_bytes!("../assets/source-sans-3.woff2")),
    ("fonts-LICENSE.txt", "text/plain; charset=utf-8", include_bytes!("../assets/fonts-LICENSE.txt")),
];

/// The fonts that each page preloads.
pub(crate) const FONTS: [&str; 2] = ["source-serif-4.woff2", "source-sans-3.woff2"];

/// A year, the longest usual caching time (RFC 9111 defines no limit).
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

/// The addresses of all assets.
pub(crate) fn addresses() -> impl Iterator<Item = String> {
    ASSETS.iter().map(|(name, ..)| address(name))
}

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/assets/{fingerprint}/{name}", get(asset))
        .route("/favicon.ico", get(async || serve("icon.svg", "public, max-age=86400")))
}

async fn asset(Path((fingerprint, name)): Path<(String, String)>) -> Response {
    // An old page may request an old fingerprint: it gets the current asset, but must not cache it.
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
