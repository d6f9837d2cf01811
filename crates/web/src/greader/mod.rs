//! The Google Reader API for reader apps, at the addresses at which FreshRSS has it:
//! `/api/greader.php/…`.
//!
//! An app logs in with a reader's name and a token as the password, and sends the token with each
//! request. A source is a feed, its group the feed's folder, a concept or a label a tag. "Read" is
//! done, "starred" is kept. `ids` has the numbers and streams of the API, `items` the reads as
//! entries, `lists` the rest that can be read, `edits` what changes something.
//!
//! <https://freshrss.github.io/FreshRSS/en/developers/06_GoogleReader_API.html>

mod asked;
mod edits;
mod ids;
mod items;
mod lists;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

use crate::App;
use crate::forms::FORM_MAX;
pub(crate) use asked::{Asked, data, sources};
pub(crate) use items::{IDS_MAX, content, site};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/api/greader.php/accounts/ClientLogin", post(lists::log_in))
        .route("/api/greader.php/reader/api/0/token", get(lists::token).post(lists::token))
        .route("/api/greader.php/reader/api/0/user-info", get(lists::user_info))
        .route("/api/greader.php/reader/api/0/subscription/list", get(lists::subscriptions))
        .route("/api/greader.php/reader/api/0/subscription/edit", post(edits::subscription))
        .route("/api/greader.php/reader/api/0/subscription/quickadd", post(edits::quickadd))
        .route("/api/greader.php/reader/api/0/tag/list", get(lists::tags))
        .route("/api/greader.php/reader/api/0/unread-count", get(lists::unread))
        .route("/api/greader.php/reader/api/0/stream/contents", get(items::contents_asked))
        .route("/api/greader.php/reader/api/0/stream/contents/{*stream}", get(items::contents))
        .route("/api/greader.php/reader/api/0/stream/items/ids", get(items::ids))
        .route("/api/greader.php/reader/api/0/stream/items/contents", get(items::these).post(items::these))
        .route("/api/greader.php/reader/atom/{*stream}", get(items::atom))
        .route("/api/greader.php/reader/api/0/edit-tag", post(edits::tag))
        .route("/api/greader.php/reader/api/0/mark-all-as-read", post(edits::all_read))
        .layer(DefaultBodyLimit::max(FORM_MAX))
}
