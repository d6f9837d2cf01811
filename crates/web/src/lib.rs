//! The pages: weeks of reads, problem first, rendered on the server.
//!
//! [`router`] serves all addresses, from the store and the progress of a sync. This crate has no
//! SQL, decides nothing about reads, fetches nothing, and binds no listener. Pages are complete
//! without script. They load nothing from other sites, except an article's images if the reader or
//! the operator wants that ([`Images`]).
//!
//! Each page has a file in `pages`. `parts` has what pages share, `api` has the same data as JSON.

mod access;
mod agents;
mod api;
mod article;
mod assets;
#[cfg(test)]
mod contrast;
mod documents;
mod evidence;
mod fault;
mod feeds;
mod finished;
mod forms;
mod frame;
mod freshness;
mod greader;
mod headers;
mod hosts;
mod hub;
mod images;
mod markdown;
mod narrowing;
mod operator;
mod pages;
mod parts;
mod programs;
mod proxies;
mod published;
mod question;
mod server;
mod subscriptions;
mod throttle;
mod vocabulary;
mod words;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use backissue_model::Progress;
use backissue_search::Search;
use backissue_store::Store;
use jiff::tz::TimeZone;
use tokio::sync::watch;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::{CompressionLayer, CompressionLevel};
use url::Url;

pub use access::{Accounts, LogIn, Public};
use fault::Fault;
use finished::Finished;
pub use forms::{FormKey, Readers};
pub use hub::{HubCalls, HubQuery, HubReply, hub_router};
pub use images::{Image, ImageCache, Images};
pub use operator::{
    ChosenModel, ConfiguredModel, ConfiguredRecipient, FeedList, Figures, Finding, FoundModel, FoundToFollow,
    ModelsFound, Operator, SettingInForce,
};
use programs::Programs;
pub use proxies::{Network, Proxies, ProxyUsers};
pub use published::{Company, Published, asset_addresses};
pub use server::{Limits, serve};
pub use subscriptions::Subscriptions;

/// The inputs of the pages.
#[derive(Clone)]
pub struct State {
    /// The archive.
    pub store: Store,
    /// Its index. The caller keeps it up to date with the archive.
    pub search: Search,
    /// The progress of the sync. If the sender is gone, the last value stays.
    pub progress: watch::Receiver<Progress>,
    /// Facts about the site.
    pub site: SiteSettings,
    /// How images in articles are shown.
    pub images: Images,
    /// Who may keep, mark and note reads.
    pub readers: Readers,
    /// What strangers see. By default nothing if readers log in, and everything if nobody can,
    /// since nobody could read the archive otherwise.
    pub public: Option<Public>,
    /// The proxies in front of the pages.
    pub proxies: Proxies,
    /// Recipients of mails, by the secret part of the address where they stop them.
    pub unsubscribe: HashMap<String, String>,
    /// Whether strangers can subscribe to the week by mail.
    pub subscriptions: Option<Subscriptions>,
    /// The program around the pages. Without it there is no page of settings.
    pub operator: Option<Arc<dyn Operator>>,
    /// The most bytes of finished pages that are kept in memory. 0 keeps none.
    pub page_cache: u64,
}

/// Facts about the site.
#[derive(Clone, Debug)]
pub struct SiteSettings {
    /// The name in the masthead and in titles.
    pub title: String,
    /// The site's public address, if there is one. The pages answer to its host in addition to
    /// loopback names and bare IP addresses.
    pub base_url: Option<Url>,
    /// The time zone of dates, the same as for the archive's weeks.
    pub time_zone: TimeZone,
    /// Whether this is the demo with invented companies; each page says so.
    pub demo: bool,
    /// How many requests a token may send per minute.
    pub requests_per_minute: u32,
    /// The program's version.
    pub version: String,
    /// What a published site has in addition. With it, pages are made for files: without forms,
    /// and without anything that only a running program can answer.
    pub published: Option<Arc<Published>>,
}

impl Default for SiteSettings {
    fn default() -> Self {
        Self {
            title: "Backissue".to_owned(),
            base_url: None,
            time_zone: TimeZone::UTC,
            demo: false,
            requests_per_minute: 600,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            published: None,
        }
    }
}

/// The shared state of handlers.
#[derive(Clone)]
struct App {
    store: Store,
    search: Search,
    progress: watch::Receiver<Progress>,
    site: Arc<SiteSettings>,
    images: Images,
    readers: Arc<Readers>,
    public: Option<Public>,
    proxies: Arc<Proxies>,
    programs: Arc<Programs>,
    unsubscribe: Arc<HashMap<String, String>>,
    subscriptions: Option<Subscriptions>,
    operator: Option<Arc<dyn Operator>>,
    finished: Finished,
    repeated: api::v1::Repeated,
}

impl App {
    /// What strangers see at present.
    fn public(&self) -> Public {
        let usual = if self.readers.have_login() { Public::Off } else { Public::Articles };
        self.public.unwrap_or(usual)
    }

    /// Whether documents, which are the same for everybody, may have the beginnings of articles.
    fn gives_articles(&self) -> bool {
        self.public() == Public::Articles || matches!(*self.readers, Readers::One(..))
    }
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

/// The token of a new invitation, for the address `/join/TOKEN`.
pub fn new_invitation() -> String {
    forms::random_text()
}

/// The hash of an invitation's token, which is all that is stored of it.
pub fn invitation_hash(token: &str) -> String {
    access::hash(token)
}

/// A new token for a program.
pub fn new_token() -> String {
    format!("backissue_{}", forms::random_text())
}

/// The hash of a program's token, which is all that is stored of it.
pub fn token_hash(token: &str) -> String {
    access::hash(token)
}

/// The router of all pages, the JSON API and the assets.
pub fn router(state: State) -> Router {
    let probes = api::probes(state.store.clone());
    let app = App {
        store: state.store,
        search: state.search,
        progress: state.progress,
        programs: Arc::new(Programs::new(state.site.requests_per_minute)),
        site: Arc::new(state.site),
        images: state.images,
        readers: Arc::new(state.readers),
        public: state.public,
        proxies: Arc::new(state.proxies),
        unsubscribe: Arc::new(state.unsubscribe),
        subscriptions: state.subscriptions,
        operator: state.operator,
        finished: Finished::new(state.page_cache),
        repeated: api::v1::Repeated::default(),
    };
    // Pages are compressed once each, or per request where they are not kept, at a medium level:
    // the highest level of brotli takes many times as long.
    let compression = CompressionLayer::new().quality(CompressionLevel::Precise(4));
    // Routes that depend only on the archive and may answer before rendering: with a 304, or with a
    // finished page.
    let archive = pages::routes()
        .merge(api::routes())
        .layer(compression.clone())
        .layer(from_fn_with_state(app.clone(), freshness::answer_unchanged));
    Router::new()
        .merge(archive)
        .merge(pages::search_routes())
        .merge(pages::image_routes())
        .merge(pages::operator_routes())
        .merge(pages::form_routes())
        .merge(pages::secret_routes())
        .merge(pages::login_routes())
        .merge(api::search_routes())
        .merge(api::live_routes())
        .merge(greader::routes())
        .route("/mcp", post(agents::mcp).get(agents::mcp))
        .merge(assets::routes())
        .route("/robots.txt", get(robots))
        .fallback(async || Fault::NoSuchPage)
        .method_not_allowed_fallback(async || Fault::NotThatWay)
        .layer(from_fn_with_state(app.clone(), api::v1::answer_once))
        .layer(from_fn_with_state(app.clone(), access::admit))
        .layer(from_fn(forms::only_from_own_pages))
        .layer(CatchPanicLayer::custom(fault::from_panic))
        .layer(from_fn_with_state(app.clone(), fault::show_in_frame))
        .layer(from_fn_with_state(app.clone(), access::identify))
        // Outside the frame: a request with a foreign name gets plain text, without any data of the
        // archive.
        .layer(from_fn_with_state(app.clone(), hosts::answer_only_to_own_names))
        .layer(from_fn_with_state(app.clone(), headers::protect))
        .layer(compression)
        .layer(from_fn(api::measure))
        .with_state(app)
        .merge(probes)
}

/// The router of a process that works without pages: for supervisors and Prometheus. `open` says
/// whether the figures need no token, because only this machine can reach the process.
pub fn worker_router(store: Store, operator: Arc<dyn Operator>, open: bool) -> Router {
    api::probes(store).merge(api::worker_figures(operator, open))
}

/// The operator of a public archive decides about indexing; nothing here is hidden from readers.
async fn robots() -> impl IntoResponse {
    (StatusCode::OK, [("content-type", "text/plain; charset=utf-8")], "User-agent: *\nDisallow:\n")
}
