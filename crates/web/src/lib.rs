//! The pages people come for: weeks of reads, problem first, rendered on the server.
//!
//! [`router`] answers every address of the archive from the store and from the progress of a sync that may be running.
//! This crate writes no SQL, decides nothing about reads and fetches nothing; it binds no listener either. Pages are
//! complete without script, and nothing on them loads from anywhere else, but an article's images where their reader or
//! the operator wants them ([`Images`]).
//!
//! A file a page in `pages`, the parts that pages share in `parts`, the same data as JSON in `api`.

mod api;
mod article;
mod assets;
#[cfg(test)]
mod contrast;
mod documents;
mod evidence;
mod fault;
mod feeds;
mod forms;
mod frame;
mod freshness;
mod headers;
mod hosts;
mod hub;
mod images;
mod markdown;
mod narrowing;
mod pages;
mod parts;
mod question;
mod server;
mod vocabulary;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use backissue_model::Progress;
use backissue_search::Search;
use backissue_store::Store;
use jiff::tz::TimeZone;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::{CompressionLayer, CompressionLevel};
use url::Url;

use fault::Fault;
pub use forms::{FormKey, Readers};
pub use hub::{HubCalls, HubQuery, HubReply, hub_router};
pub use images::{Image, ImageCache, Images};
pub use server::{Limits, serve};

/// What the pages are made from.
#[derive(Clone)]
pub struct State {
    /// The archive.
    pub store: Store,
    /// Its index. Whoever runs the pages keeps it at the archive's last change.
    pub search: Search,
    /// How the sync is coming along; a receiver whose sender is gone shows its last value.
    pub progress: watch::Receiver<Progress>,
    /// What is said about the site itself.
    pub site: SiteSettings,
    /// How images in articles are shown.
    pub images: Images,
    /// Who may keep, mark and note reads.
    pub readers: Readers,
}

/// What is said about the site itself.
#[derive(Clone, Debug)]
pub struct SiteSettings {
    /// The name in the masthead and in titles.
    pub title: String,
    /// Where the site is reached from outside, where that is known. The pages answer to its host beside loopback names and
    /// bare addresses.
    pub base_url: Option<Url>,
    /// The calendar that dates are written in; the same as the archive's weeks.
    pub time_zone: TimeZone,
    /// Whether this is the demo, whose companies are invented; every page says so.
    pub demo: bool,
    /// The program's version.
    pub version: String,
}

impl Default for SiteSettings {
    fn default() -> Self {
        Self {
            title: "Backissue".to_owned(),
            base_url: None,
            time_zone: TimeZone::UTC,
            demo: false,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// What handlers share.
#[derive(Clone)]
struct App {
    store: Store,
    search: Search,
    progress: watch::Receiver<Progress>,
    site: Arc<SiteSettings>,
    images: Images,
    readers: Arc<Readers>,
}

impl FromRef<App> for Store {
    fn from_ref(app: &App) -> Self {
        app.store.clone()
    }
}

impl FromRef<App> for Search {
    fn from_ref(app: &App) -> Self {
        app.search.clone()
    }
}

/// Every page, the JSON API and the assets, ready to be served.
pub fn router(state: State) -> Router {
    let app = App {
        store: state.store,
        search: state.search,
        progress: state.progress,
        site: Arc::new(state.site),
        images: state.images,
        readers: Arc::new(state.readers),
    };
    // What depends on the archive alone and can be answered with 304 before anything is rendered.
    let archive = pages::routes()
        .merge(api::routes())
        .layer(from_fn_with_state(app.clone(), freshness::answer_unchanged));
    Router::new()
        .merge(archive)
        .merge(pages::search_routes())
        .merge(pages::image_routes())
        .merge(pages::form_routes())
        .merge(api::search_routes())
        .merge(api::live_routes())
        .merge(assets::routes())
        .route("/robots.txt", get(robots))
        .fallback(async || Fault::NoSuchPage)
        .method_not_allowed_fallback(async || Fault::NotThatWay)
        .layer(from_fn(forms::only_from_own_pages))
        .layer(CatchPanicLayer::custom(fault::from_panic))
        .layer(from_fn_with_state(app.clone(), fault::show_in_frame))
        // Outside the frame: whoever asks under a foreign name is told why in bare words, and nothing of the archive.
        .layer(from_fn_with_state(app.clone(), hosts::answer_only_to_own_names))
        .layer(from_fn_with_state(app.clone(), headers::protect))
        // Pages are compressed as they are made: a middle level, as the highest of brotli takes many times as long.
        .layer(CompressionLayer::new().quality(CompressionLevel::Precise(4)))
        .with_state(app)
}

/// Whoever runs an archive in public decides who may index it; nothing here is hidden from anyone who may read it.
async fn robots() -> impl IntoResponse {
    (StatusCode::OK, [("content-type", "text/plain; charset=utf-8")], "User-agent: *\nDisallow:\n")
}
