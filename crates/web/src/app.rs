//! The inputs of the pages, and the state that all handlers share.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use backissue_digest::{Layout, Site};
use backissue_model::{Progress, Scope};
use backissue_search::Search;
use backissue_store::Store;
use jiff::tz::TimeZone;
use tokio::sync::watch;
use url::Url;

use crate::finished::Finished;
use crate::images::Images;
use crate::operator::Operator;
use crate::programs::Programs;
use crate::proxies::Proxies;
use crate::published::Published;
use crate::readers::{Accounts, LogIn, Public, Readers, Visitor};
use crate::subscriptions::{OwnDigests, Subscriptions};

/// The inputs of the pages.
#[derive(Clone)]
pub struct State {
    /// The archive.
    pub store: Store,
    /// Its index. The caller keeps it up to date with the archive.
    pub search: Search,
    /// The progress of the sync. If the sender was dropped, the last value stays.
    pub progress: watch::Receiver<Progress>,
    /// Facts about the site.
    pub site: SiteSettings,
    /// How images in articles are shown.
    pub images: Images,
    /// How readers are identified, who may keep, mark and note reads.
    pub readers: Readers,
    /// What visitors without a login see. By default nothing if readers log in, and everything if
    /// no login is possible, because otherwise nobody could read the archive.
    pub public: Option<Public>,
    /// The proxies in front of the pages.
    pub proxies: Proxies,
    /// The names of recipients of mails, by the secret part of the address at which they stop the
    /// mails.
    pub unsubscribe: HashMap<String, String>,
    /// How strangers can subscribe to the week by mail. `None` if they cannot.
    pub subscriptions: Option<Subscriptions>,
    /// Whether readers can choose a digest for themselves.
    pub own_digests: Option<OwnDigests>,
    /// The program around the pages. Without it there is no page of settings.
    pub operator: Option<Arc<dyn Operator>>,
    /// The maximum bytes of finished pages in memory. 0 means that none are kept.
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
    /// Whether this is the demo with invented companies. Each page says so.
    pub demo: bool,
    /// The maximum number of requests per minute with one token.
    pub requests_per_minute: u32,
    /// The program's version.
    pub version: String,
    /// The additional data of a published site. With it, pages are made for files: without forms,
    /// and without links that need a running program.
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
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) search: Search,
    pub(crate) progress: watch::Receiver<Progress>,
    pub(crate) site: Arc<SiteSettings>,
    pub(crate) images: Images,
    pub(crate) readers: Arc<Readers>,
    pub(crate) public: Option<Public>,
    pub(crate) proxies: Arc<Proxies>,
    pub(crate) programs: Arc<Programs>,
    pub(crate) unsubscribe: Arc<HashMap<String, String>>,
    pub(crate) subscriptions: Option<Subscriptions>,
    pub(crate) own_digests: Option<OwnDigests>,
    pub(crate) operator: Option<Arc<dyn Operator>>,
    pub(crate) finished: Finished,
}

impl App {
    /// What visitors without a login see at present.
    pub(crate) fn public(&self) -> Public {
        let usual = if self.readers.have_login() { Public::Off } else { Public::Articles };
        self.public.unwrap_or(usual)
    }

    /// Whether documents, which are equal for all visitors, may include the beginnings of articles.
    pub(crate) fn gives_articles(&self) -> bool {
        self.public() == Public::Articles || self.readers.are_open()
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

impl SiteSettings {
    /// Facts about the site for documents. Documents are used elsewhere, so they contain only a
    /// configured address.
    pub(crate) fn outside(&self) -> Site {
        Site {
            title: self.title.clone(),
            base_url: self.base_url.clone(),
            time_zone: self.time_zone.clone(),
            layout: if self.published.is_some() { Layout::Files } else { Layout::Served },
        }
    }
}

impl Visitor {
    /// Whether the visitor may save pages.
    pub(crate) fn may_save(self, app: &App) -> bool {
        let readers_may = match &*app.readers {
            Readers::LogIn(LogIn { accounts: Accounts::Several { save }, .. }) => *save,
            _ => true,
        };
        let program_may = self.scope.is_none_or(|scope| scope >= Scope::Write);
        self.is_operator() || (self.reader.is_some() && readers_may && program_may)
    }

    /// Whether the visitor may see articles.
    pub(crate) fn sees_articles(self, app: &App) -> bool {
        self.reader.is_some() || app.public() == Public::Articles
    }
}

impl FromRequestParts<App> for Visitor {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Self::Rejection> {
        Ok(Self::of(&parts.extensions))
    }
}
