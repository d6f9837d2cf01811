//! A stand-in for a WebSub hub, with a blog whose feed names it: on loopback, speaking the Recommendation's protocol.
//!
//! It refuses what a real hub refuses (another method, a form that lacks what is required, a secret that is too long), asks the
//! subscriber back whether it means it, and signs what it sends. It must not know what a subscriber makes of that.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use reqwest::header::{CONTENT_TYPE, HOST, LINK};
use ring::hmac;
use tokio::sync::{oneshot, watch};
use url::Url;

use crate::program::client;

/// The longest that is waited for a subscriber.
const PATIENCE: Duration = Duration::from_secs(60);

/// The feed's address.
pub const FEED: &str = "http://blog.test/feed";
/// The hub's address.
pub const HUB: &str = "http://hub.test/";
/// For how long the hub tells of changes, in seconds.
const LEASE: u64 = 86_400;

/// A confirmed subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// Where the subscriber is called.
    pub callback: Url,
    /// What it wants signed with.
    pub secret: String,
    /// For how long it asked.
    pub lease_seconds: Option<String>,
}

/// Whether what the hub sends is signed as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// With the subscriber's secret.
    Rightly,
    /// With another one.
    Wrongly,
    /// Not at all.
    Not,
}

struct Stage {
    /// The blog's posts: last part of the address, title.
    posts: Mutex<Vec<(String, String)>>,
    /// What was asked for: the method, and the address without its scheme.
    asked: Mutex<Vec<String>>,
    /// Where the subscriber really is, once that is known.
    subscriber: watch::Sender<Option<SocketAddr>>,
    subscribed: watch::Sender<Option<Subscribed>>,
}

/// A running stand-in; gone when dropped.
pub struct StandInHub {
    /// Where blog and hub really are.
    pub address: SocketAddr,
    stage: Arc<Stage>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StandInHub {
    /// Starts one whose blog has a post.
    ///
    /// # Errors
    /// When it cannot listen.
    pub fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let stage = Arc::new(Stage {
            posts: Mutex::new(vec![("first".into(), "Why the first queue grew".into())]),
            asked: Mutex::default(),
            subscriber: watch::Sender::new(None),
            subscribed: watch::Sender::new(None),
        });
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let router = Router::new()
            .route("/", post(subscribe))
            .route("/feed", get(feed))
            .route("/posts/{post}", get(article))
            .with_state(stage.clone());
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    // It serves until the test ends; how it ends then does not matter.
                    _ = async { axum::serve(listener, router).await } => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self { address, stage, stop: Some(stop), thread: Some(thread) })
    }

    /// Flags with which the program reaches blog and hub.
    pub fn arguments(&self) -> Vec<String> {
        let resolve = format!("*:80:{}", self.address);
        ["--resolve", &resolve, "--allow-private-addresses", "--host-pause", "0s", "--poll-every", "0s"]
            .map(str::to_owned)
            .to_vec()
    }

    /// Says where the subscriber really is, whatever name it gave.
    pub fn subscriber_is_at(&self, address: SocketAddr) {
        self.stage.subscriber.send_replace(Some(address));
    }

    /// The blog has another post.
    pub fn publish(&self, slug: &str, title: &str) {
        lock(&self.stage.posts).insert(0, (slug.to_owned(), title.to_owned()));
    }

    /// What was asked for so far, such as `POST hub.test/`.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.stage.asked).clone()
    }

    /// Waits until a subscriber has confirmed that it means it.
    ///
    /// # Errors
    /// When none does.
    pub async fn subscribed(&self) -> anyhow::Result<Subscribed> {
        let mut subscribed = self.stage.subscribed.subscribe();
        let confirmed = tokio::time::timeout(PATIENCE, subscribed.wait_for(Option::is_some)).await;
        let confirmed = confirmed.context("nobody has confirmed a subscription")??;
        confirmed.clone().context("it was just there")
    }

    /// Tells the subscriber of the feed as it is now; what it answers.
    ///
    /// # Errors
    /// When there is none, or it does not answer.
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

impl Drop for StandInHub {
    fn drop(&mut self) {
        // Whoever is gone already needs no stopping.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Stage {
    /// An address of the subscriber as it can be reached from here, and the host that it is asked as.
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

    /// Asks the subscriber whether it means it (section 5.3), and remembers it if it does.
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

/// A request for a subscription (section 5.1).
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
    // A subscriber that cannot be asked back is none; the test then waits for it in vain and says so.
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
