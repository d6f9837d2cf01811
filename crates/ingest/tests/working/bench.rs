//! A bench for tests: a store in a temporary folder, workers, and a small web.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use backissue_fetch::{FetchSettings, Fetcher};
use backissue_ingest::{Ingest, IngestSettings, Round, Summary};
use backissue_model::NewSource;
use backissue_store::{Location, Order, ReadCard, ReadFilter, Store};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A store in a temporary folder, with workers for which `*.test` is on loopback.
pub struct Bench {
    pub store: Store,
    pub ingest: Arc<Ingest>,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub async fn over(app: Router) -> Self {
        Self::with_settings(app, IngestSettings::default()).await
    }

    pub async fn with_settings(app: Router, settings: IngestSettings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, app).await });
        let folder = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(folder.path().join("archive.sqlite"));
        let store = Store::open(&location, &TimeZone::UTC).await.unwrap();
        let fetcher = Fetcher::new(FetchSettings {
            resolve: vec![format!("*:80:{address}").parse().unwrap()],
            allow_private_addresses: true,
            host_pause: Duration::ZERO,
            ..FetchSettings::default()
        })
        .unwrap();
        let ingest = Ingest::new(store.clone(), fetcher, settings);
        Self { store, ingest, _folder: folder }
    }

    pub async fn follow(&self, host: &str) {
        self.follow_as(host, host).await;
    }

    /// Follows a host's feed without a title, so that the feed's own title is used.
    pub async fn follow_untitled(&self, host: &str) {
        self.follow_as(host, "").await;
    }

    async fn follow_as(&self, host: &str, title: &str) {
        let new = NewSource {
            title: title.to_owned(),
            company: None,
            site_url: None,
            feed_url: format!("http://{host}/feed").parse().ok(),
            sitemap_url: None,
            listing_url: None,
        };
        self.store.follow(&new, Timestamp::now()).await.unwrap();
    }

    pub async fn sync(&self) -> Summary {
        self.ingest.sync(Round::AllNow, &CancellationToken::new()).await.unwrap()
    }

    pub async fn reads(&self) -> Vec<ReadCard> {
        self.store.reads(&ReadFilter::default(), Order::Newest, None, 100).await.unwrap().items
    }
}

pub fn feed(host: &str, posts: &[(&str, &str)]) -> String {
    let items: String = posts
        .iter()
        .map(|(slug, title)| {
            format!(
                "<item><title>{title}</title><link>http://{host}/{slug}</link><pubDate>Mon, 11 May 2026 08:00:00 GMT</pubDate></item>"
            )
        })
        .collect();
    format!("<rss version='2.0'><channel><title>{host}</title>{items}</channel></rss>")
}

/// A page long enough to be an article. Its words depend on `topic`.
pub fn page(title: &str, topic: &str) -> impl IntoResponse + use<> {
    let paragraph: String = (0..12)
        .map(|n| {
            format!("The {topic} queue grew for {n} hours because every {topic} retry came back twice. ")
        })
        .collect();
    let body = format!("<p>{paragraph}</p>").repeat(3);
    let html = format!(
        "<html><head><title>{title}</title></head><body><article><h1>{title}</h1>{body}</article></body></html>"
    );
    ([(header::CONTENT_TYPE, "text/html")], html)
}
