//! A stand-in for a WebSub hub, with a blog whose feed names it, on loopback.
//!
//! It implements the protocol of the Recommendation: it refuses what a real hub refuses (another
//! method, a form without required fields, a secret that is too long), verifies subscriptions, and
//! signs notifications. It does not depend on what a subscriber does with them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use reqwest::header::{CONTENT_TYPE, HOST, LINK};
use ring::hmac;
use tokio::sync::watch;
use url::Url;

use crate::program::client;
use crate::server_thread::ServerThread;

/// The maximum time to wait for a subscriber.
const PATIENCE: Duration = Duration::from_secs(60);

/// The feed's address.
pub const FEED: &str = "http://blog.test/feed";
/// The hub's address.
pub const HUB: &str = "http://hub.test/";
/// The granted lease, in seconds.
const LEASE: u64 = 86_400;

/// A confirmed subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// The subscriber's callback.
    pub callback: Url,
    /// The key of signatures.
    pub secret: String,
    /// The requested lease.
    pub lease_seconds: Option<String>,
}

/// The signature of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// It is made with the subscriber's secret.
    Rightly,
    /// It is made with another secret.
    Wrongly,
    /// There is no signature.
    Not,
}

struct Stage {
    /// The blog's posts: last part of the address, and title.
    posts: Mutex<Vec<(String, String)>>,
    /// The requests: the method, and the address without its scheme.
    asked: Mutex<Vec<String>>,
    /// The subscriber's real address, when the test has set it.
    subscriber: watch::Sender<Option<SocketAddr>>,
    subscribed: watch::Sender<Option<Subscribed>>,
}

/// A running stand-in. Dropping it stops it.
pub struct StandInHub {
    /// The real address of blog and hub.
    pub address: SocketAddr,
    stage: Arc<Stage>,
    _server: ServerThread,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StandInHub {
    /// Starts one whose blog has a post.
    ///
    /// # Errors
    /// If it cannot listen.
    pub fn start() -> anyhow::Result<Self> {
        let stage = Arc::new(Stage {
            posts: Mutex::new(vec![("first".into(), "Why the first queue grew".into())]),
            asked: Mutex::default(),
            subscriber: watch::Sender::new(None),
            subscribed: watch::Sender::new(None),
        });
        let router = Router::new()
            .route("/", post(subscribe))
            .route("/feed", get(feed))
            .route("/posts/{post}", get(article))
            .with_state(stage.clone());
        let server = ServerThread::start("stand-in-hub", router)?;
        Ok(Self { address: server.address, stage, _server: server })
    }

    /// The flags with which the program reaches blog and hub.
    pub fn arguments(&self) -> Vec<String> {
        let resolve = format!("*:80:{}", self.address);
        ["--resolve", &resolve, "--allow-private-addresses", "--host-pause", "0s", "--poll-every", "0s"]
            .map(str::to_owned)
            .to_vec()
    }

    /// Sets the subscriber's real address. It is used whatever name the subscriber gave.
    pub fn subscriber_is_at(&self, address: SocketAddr) {
        self.stage.subscriber.send_replace(Some(address));
    }

    /// Adds a post to the blog.
    pub fn publish(&self, slug: &str, title: &str) {
        lock(&self.stage.posts).insert(0, (slug.to_owned(), title.to_owned()));
    }

    /// The requests so far, such as `POST hub.test/`.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.stage.asked).clone()
    }

    /// Waits until a subscription is confirmed.
    ///
    /// # Errors
    /// If none is confirmed in time.
    pub async fn subscribed(&self) -> anyhow::Result<Subscribed> {
        let mut subscribed = self.stage.subscribed.subscribe();
        let confirmed = tokio::time::timeout(PATIENCE, subscribed.wait_for(Option::is_some)).await;
        let confirmed = confirmed.context("nobody has confirmed a subscription")??;
        confirmed.clone().context("it was just there")
    }

    /// Sends the subscriber the current feed. Returns the status of its response.
    ///
    /// # Errors
    /// If there is no subscriber, or it does not respond.
    pub async fn tell(&self, signed: Signed) -> anyhow::Result<u16> {
        let Subscribed { callback, secret, .. } = self.subscribed().await?;
        let body = document(&lock(&self.stage.posts));
        let secret = if signed == Signed::Wrongly { "guessed".to_owned() } else { secret };
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let (url, host) = self.stage.really(&callback).await?;
        let mut request = client()
            .post(url)
            .header(HOST, host)
            .header(CONTENT_TYPE, "application/rss+xml")
            .header(LINK, format!("<{HUB}>; rel=\"hub\", <{FEED}>; rel=\"self\""))
            .body(body);
        if signed != Signed::Not {
            request = request.header("X-Hub-Signature", format!("sha256={hex}"));
        }
        Ok(request.send().await?.status().as_u16())
    }
}

impl Stage {
    /// The address at which a subscriber can be reached, and the `Host` header for it.
    async fn really(&self, callback: &Url) -> anyhow::Result<(Url, String)> {
        let mut known = self.subscriber.subscribe();
        let address = *tokio::time::timeout(PATIENCE, known.wait_for(Option::is_some)).await??;
        let address = address.context("it was just there")?;
        let mut url = callback.clone();
        url.set_ip_host(address.ip()).map_err(|()| anyhow::anyhow!("{callback} has no host"))?;
        url.set_port(Some(address.port())).map_err(|()| anyhow::anyhow!("{callback} has no port"))?;
        Ok((url, callback.host_str().unwrap_or_default().to_owned()))
    }

    fn note(&self, method: &str, headers: &HeaderMap, path: &str) {
        let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        lock(&self.asked).push(format!("{method} {host}{path}"));
    }

    /// Verifies a subscription (section 5.3), and stores it if it is confirmed.
    async fn verify(self: Arc<Self>, topic: String, subscribed: Subscribed) -> anyhow::Result<()> {
        let challenge = format!("challenge-{}", subscribed.secret.len());
        let (mut url, host) = self.really(&subscribed.callback).await?;
        url.query_pairs_mut()
            .append_pair("hub.mode", "subscribe")
            .append_pair("hub.topic", &topic)
            .append_pair("hub.challenge", &challenge)
            .append_pair("hub.lease_seconds", &LEASE.to_string());
        let answer = client().get(url).header(HOST, host).send().await?.error_for_status()?;
        if answer.text().await? == challenge {
            self.subscribed.send_replace(Some(subscribed));
        }
        Ok(())
    }
}

/// Handles a request for a subscription (section 5.1).
async fn subscribe(
    State(stage): State<Arc<Stage>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    stage.note("POST", &headers, "/");
    let field = |name: &str| form.get(name).cloned();
    let callback = field("hub.callback").and_then(|callback| callback.parse::<Url>().ok());
    let (Some(callback), Some("subscribe"), Some(topic)) =
        (callback, form.get("hub.mode").map(String::as_str), field("hub.topic"))
    else {
        return (StatusCode::BAD_REQUEST, "hub.callback, hub.mode and hub.topic are required")
            .into_response();
    };
    let secret = field("hub.secret").unwrap_or_default();
    if topic != FEED || secret.len() >= 200 {
        return (StatusCode::BAD_REQUEST, "no such topic, or too long a secret").into_response();
    }
    let subscribed = Subscribed { callback, secret, lease_seconds: field("hub.lease_seconds") };
    // If the verification fails, there is no subscription, and the test that waits for it fails.
    tokio::spawn(async move { stage.verify(topic, subscribed).await });
    StatusCode::ACCEPTED.into_response()
}

fn document(posts: &[(String, String)]) -> String {
    let item = |(slug, title): &(String, String)| {
        format!(
            "<item><title>{title}</title><link>http://blog.test/posts/{slug}</link><pubDate>Mon, 11 May 2026 08:00:00 GMT</pubDate></item>"
        )
    };
    let items: String = posts.iter().map(item).collect();
    format!(
        "<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel><title>A blog with a hub</title>\
         <atom:link rel='hub' href='{HUB}'/><atom:link rel='self' href='{FEED}'/>{items}</channel></rss>"
    )
}

async fn feed(State(stage): State<Arc<Stage>>, headers: HeaderMap) -> Response {
    stage.note("GET", &headers, "/feed");
    ([(CONTENT_TYPE, "application/rss+xml")], document(&lock(&stage.posts))).into_response()
}

async fn article(
    State(stage): State<Arc<Stage>>,
    axum::extract::Path(slug): axum::extract::Path<String>,
) -> Response {
    let posts = lock(&stage.posts);
    let Some((_, title)) = posts.iter().find(|(known, _)| *known == slug) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let text: String = (0..30)
        .map(|line| format!("Retry {line} of the {slug} queue came back twice, and nobody had asked it to. "))
        .collect();
    let html = format!(
        "<html><head><title>{title}</title></head><body><article><h1>{title}</h1><p>{text}</p></article></body></html>"
    );
    ([(CONTENT_TYPE, "text/html")], html).into_response()
}
