//! `/image/{read}/{name}`: an image of a stored article, from the cache.
//!
//! The name is looked up among the article's images, so that no other address can be fetched this
//! way.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::App;
use crate::fault::Fault;
use crate::images::{self, Images};
use crate::read_address::read_id;

/// An image on the web rarely changes; a year, as for assets.
const FOR_GOOD: &str = "private, max-age=31536000, immutable";

pub(crate) async fn image(
    Path((id, name)): Path<(String, String)>,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let Images::Cache(cache) = &app.images else { return Err(Fault::NoSuchPage) };
    let id = read_id(&id)?;
    let page = app.store.read(id).await?.ok_or(Fault::NoSuchRead)?;
    let (stored, address) = (page.article.html, page.card.url);
    let found = tokio::task::spawn_blocking(move || images::named_in(&stored, &address, &name)).await;
    let url = match found {
        Ok(url) => url.ok_or(Fault::NoSuchPage)?,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    };
    Ok(match cache.image(url).await {
        Ok(image) => {
            ([(CONTENT_TYPE, image.media_type), (CACHE_CONTROL, FOR_GOOD)], image.bytes).into_response()
        }
        Err(why) => {
            (StatusCode::BAD_GATEWAY, [(CACHE_CONTROL, "no-store")], format!("{why}\n")).into_response()
        }
    })
}
