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
mod app;
mod article;
mod assets;
#[cfg(test)]
mod contrast;
mod cursors;
mod documents;
mod evidence;
mod fault;
mod fault_page;
mod feed_links;
mod feeds;
mod fever;
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
mod operating;
mod operator;
mod pages;
mod parts;
mod programs;
mod proxies;
mod published;
mod question;
mod read_address;
mod readers;
mod server;
mod subscriptions;
mod throttle;
mod vocabulary;
mod words;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use backissue_store::Store;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::{CompressionLayer, CompressionLevel};
use url::Url;

use app::App;
pub use app::{SiteSettings, State};
pub use assets::addresses as asset_addresses;
use fault::Fault;
pub use feeds::READS as FEED_READS;
use finished::Finished;
pub use hub::{HubCalls, HubQuery, HubReply, hub_router};
pub use images::{Image, ImageCache, Images};
pub use operator::{
    Backfilling, ConfiguredModel, ConfiguredRecipient, FeedList, Figures, Finding, FoundModel, FoundToFollow,
    Lacking, ModelsFound, OfferedGroup, Operator, SettingInForce, TriedModel,
};
pub use pages::OTHERS;
pub use parts::shelf::{STRIP, STRIP_AHEAD};
use programs::Programs;
pub use proxies::{Network, Proxies, ProxyUsers};
pub use published::{Company, Others, Published};
pub use readers::{
    Accounts, FormKey, LogIn, OpenId, Public, Readers, fever_key_hash, invitation_hash, new_invitation,
    new_token, token_hash,
};
pub use server::{Limits, serve};
pub use subscriptions::{OwnDigests, Subscriptions};

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
        own_digests: state.own_digests,
        operator: state.operator,
        finished: Finished::new(state.page_cache),
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
        .merge(fever::routes())
        .route("/mcp", post(agents::mcp))
        .merge(assets::routes())
        .route("/robots.txt", get(robots))
        .fallback(async || Fault::NoSuchPage)
        .method_not_allowed_fallback(async || Fault::NotThatWay)
        .layer(from_fn_with_state(api::v1::Repeated::default(), api::v1::answer_once))
        .layer(from_fn(api::v1::limit_body))
        .layer(from_fn_with_state(app.clone(), access::admit))
        .layer(from_fn(forms::only_from_own_pages))
        .layer(CatchPanicLayer::custom(fault::from_panic))
        .layer(from_fn_with_state(app.clone(), fault_page::show_in_frame))
        .layer(from_fn_with_state(app.clone(), access::identify))
        // Outside the frame: a request with a foreign name gets plain text, without any data of the
        // archive.
        .layer(from_fn_with_state(app.site.base_url.clone(), hosts::answer_only_to_own_names))
        .layer(from_fn_with_state(app.clone(), headers::protect))
        .layer(compression)
        .layer(from_fn(api::measure))
        .with_state(app)
        .merge(probes)
}

/// The router of a process that works without pages, for supervisors and Prometheus. `open` says
/// that metrics need no token, because only this machine can reach the process. Like pages, metrics
/// are sent only for requests to the process's own host names. Supervisors may use any host name.
pub fn worker_router(store: Store, operator: Arc<dyn Operator>, base_url: Option<Url>, open: bool) -> Router {
    let figures = api::worker_figures(operator, open)
        .layer(from_fn_with_state(base_url, hosts::answer_only_to_own_names));
    api::probes(store).merge(figures)
}

/// robots.txt of the pages. The operator of a public archive decides about indexing, so nothing is
/// excluded here.
async fn robots() -> impl IntoResponse {
    (StatusCode::OK, [("content-type", "text/plain; charset=utf-8")], "User-agent: *\nDisallow:\n")
}
