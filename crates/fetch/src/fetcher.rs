//! One `get`: hop by hop along the redirects, each hop checked, in its host's turn, and within the limits.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LOCATION,
};
use reqwest::{Client, StatusCode};
use url::{Host, Url};

use crate::address::{why_name_not_public, why_not_public};
use crate::body;
use crate::error::{FetchError, TimeoutStage};
use crate::freshness;
use crate::names::{HOW_TO_ALLOW, NameTrouble, Names, has_route_out};
use crate::proxy::Proxies;
use crate::response::{Body, Response, Validators, Want};
use crate::settings::FetchSettings;
use crate::tls;
use crate::turns::{Turn, Turns};

/// How long a host is left alone after a 429 that does not say how long.
const HOLD_AFTER_429: Duration = Duration::from_secs(60);

/// The polite and safe HTTP client. Clones share connections, turns and holds; cloning is cheap.
#[derive(Debug, Clone)]
pub struct Fetcher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: FetchSettings,
    /// Connects by itself, to checked addresses alone.
    direct: Client,
    /// Goes through the environment's proxies, for the URLs that they cover.
    proxied: Client,
    proxies: Proxies,
    names: Names,
    turns: Turns,
    has_authorities: bool,
}

/// Where one hop goes.
#[derive(Debug)]
struct Target {
    host: String,
    port: u16,
    proxied: bool,
}

/// What one hop came back with.
enum Hop {
    Arrived(Box<Response>),
    Redirected { location: String, permanent: bool },
}

impl Fetcher {
    /// Sets up the client.
    ///
    /// # Errors
    /// [`FetchError::Ca`] when a CA file cannot be used, [`FetchError::Setup`] when the settings make no client. A machine
    /// without certificate authorities is no error yet: plain HTTP works, HTTPS says [`FetchError::NoAuthorities`].
    pub fn new(settings: FetchSettings) -> Result<Self, FetchError> {
        let tls = tls::client_tls(&settings.ca)?;
        let names = Names::new(settings.resolve.clone(), settings.allow_private_addresses);
        let direct = client(&settings, &tls)?.no_proxy().dns_resolver(names.clone());
        let proxied = client(&settings, &tls)?;
        let build = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| FetchError::Setup { reason: root_cause(&error) })
        };
        let shared = Shared {
            direct: build(direct)?,
            proxied: build(proxied)?,
            proxies: Proxies::from_environment(),
            names,
            turns: Turns::new(settings.host_pause),
            has_authorities: tls.has_authorities,
            settings,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The settings in force.
    pub fn settings(&self) -> &FetchSettings {
        &self.shared.settings
    }

    /// Fetches a URL: waits for the host's turn, asks conditionally where there are validators, follows redirects, reads
    /// the body.
    ///
    /// Redirects are followed to `http` and `https` alone and never from `https` down to `http`, which would let anyone on
    /// the way rewrite what a publisher protected. Credentials in `url` go to its own origin and nowhere else. Dropping the
    /// future ends the request and the turn.
    ///
    /// # Errors
    /// See [`FetchError`]; any status but 2xx and an asked-for 304 is [`FetchError::Status`].
    pub async fn get(&self, url: &Url, want: Want, validators: &Validators) -> Result<Response, FetchError> {
        let mut way = Way::from(url);
        let mut spent = Duration::ZERO;
        loop {
            let target = self.shared.check(&way.here)?;
            let turn = self.shared.turns.take(&target.host).await?;
            let started = Instant::now();
            let left = self.shared.settings.total_timeout.saturating_sub(spent);
            let hop = self.shared.hop(&way.here, &target, want, validators, left, &turn).await?;
            spent += started.elapsed();
            drop(turn);
            match hop {
                Hop::Arrived(response) => {
                    return Ok(Response {
                        url: bare(&way.here),
                        moved_to: way.moved_to,
                        elapsed: spent,
                        ..*response
                    });
                }
                Hop::Redirected { location, permanent } => {
                    way.follow(&target.host, &location, permanent, self.shared.settings.max_redirects)?;
                }
            }
        }
    }

    /// When the next request to a host may start, for a scheduler to pick other hosts meanwhile; `None` means now, unless
    /// the host [is busy](Self::is_busy). A host that asked to be left alone is ready when its hold ends.
    pub fn host_ready_at(&self, host: &str) -> Option<Instant> {
        self.shared.turns.ready_at(host)
    }

    /// Whether a request to the host is under way.
    pub fn is_busy(&self, host: &str) -> bool {
        self.shared.turns.is_busy(host)
    }
}

/// The way from the address asked for to the one that answers.
struct Way {
    asked: Url,
    here: Url,
    visited: Vec<Url>,
    /// The last address reached over permanent redirects alone.
    moved_to: Option<Url>,
    all_permanent: bool,
}

impl Way {
    fn from(url: &Url) -> Self {
        let mut here = url.clone();
        here.set_fragment(None);
        Self { asked: here.clone(), here, visited: Vec::new(), moved_to: None, all_permanent: true }
    }

    fn follow(
        &mut self,
        host: &str,
        location: &str,
        permanent: bool,
        limit: usize,
    ) -> Result<(), FetchError> {
        let bad = |why: String| FetchError::BadRedirect { host: host.to_owned(), why };
        let mut next =
            self.here.join(location).map_err(|error| bad(format!("its address is wrong: {error}")))?;
        next.set_fragment(None);
        if self.here.scheme() == "https" && next.scheme() == "http" {
            let next = bare(&next);
            return Err(bad(format!(
                "it leads from https down to {next}; use that address if plain http is meant"
            )));
        }
        self.set_credentials(&mut next);
        if next == self.here || self.visited.contains(&next) {
            return Err(bad("it leads back to where it came from".to_owned()));
        }
        if self.visited.len() >= limit {
            return Err(FetchError::TooManyRedirects { host: host.to_owned(), limit });
        }
        self.all_permanent &= permanent;
        if self.all_permanent {
            self.moved_to = Some(bare(&next));
        }
        self.visited.push(std::mem::replace(&mut self.here, next));
        Ok(())
    }

    /// The caller's credentials for the caller's origin, none for any other, and never a redirect's own.
    fn set_credentials(&self, next: &mut Url) {
        let (name, password) = if next.origin() == self.asked.origin() {
            (self.asked.username(), self.asked.password())
        } else {
            ("", None)
        };
        // Only a URL without a host refuses credentials, and such a one is refused before it is asked.
        let _ = next.set_username(name);
        let _ = next.set_password(password);
    }
}

impl Shared {
    /// Checks where a URL leads, as far as the URL itself tells.
    fn check(&self, url: &Url) -> Result<Target, FetchError> {
        let refuse = |why: String| FetchError::NotAllowed { address: place(url), why };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse(format!("only http and https are fetched, not {}", url.scheme())));
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(refuse("it names no host".to_owned()));
        };
        if !self.settings.allowed_ports.contains(&port) {
            return Err(refuse(format!(
                "port {port} is not among the allowed ones; allow it if it is meant"
            )));
        }
        let why_not = match host {
            Host::Domain(_) => None,
            Host::Ipv4(ip) => why_not_public(ip.into()),
            Host::Ipv6(ip) => why_not_public(ip.into()),
        };
        let name = url.host_str().unwrap_or_default();
        let proxied = !self.names.fixes(name, port) && self.proxies.cover(url);
        let why_not = why_not.or_else(|| match host {
            Host::Domain(name) if proxied => why_name_not_public(name),
            _ => None,
        });
        match why_not {
            Some(why) if !self.settings.allow_private_addresses => {
                Err(refuse(format!("it is {why}; {HOW_TO_ALLOW}")))
            }
            _ => Ok(Target { host: name.to_owned(), port, proxied }),
        }
    }

    /// One request and its answer, the body included when it is the last.
    async fn hop(
        &self,
        url: &Url,
        target: &Target,
        want: Want,
        validators: &Validators,
        left: Duration,
        turn: &Turn,
    ) -> Result<Hop, FetchError> {
        let host = target.host.as_str();
        if url.scheme() == "https" && !self.has_authorities {
            return Err(FetchError::NoAuthorities { host: host.to_owned() });
        }
        let all = async {
            let answer = self.ask(url, target, want, validators).await?;
            self.take_in(answer, host, want, validators, turn).await
        };
        let timeout = |_| FetchError::Timeout {
            host: host.to_owned(),
            stage: TimeoutStage::Total,
            limit: self.settings.total_timeout,
        };
        tokio::time::timeout(left, all).await.map_err(timeout)?
    }

    /// Sends the request and waits for the answer's head.
    async fn ask(
        &self,
        url: &Url,
        target: &Target,
        want: Want,
        validators: &Validators,
    ) -> Result<reqwest::Response, FetchError> {
        let client = if target.proxied { &self.proxied } else { &self.direct };
        let request = client.get(url.clone()).headers(request_headers(want, validators));
        let asking = self.names.asking(&target.host, target.port);
        let limit = self.settings.first_byte_timeout;
        let answer = tokio::time::timeout(limit, request.send()).await;
        drop(asking);
        let stage = TimeoutStage::FirstByte;
        let late = |_| FetchError::Timeout { host: target.host.clone(), stage, limit };
        let answer = answer.map_err(late)?.map_err(|error| self.explain(error, &target.host))?;
        self.check_peer(&answer, target)?;
        Ok(answer)
    }

    /// The last look: the address that really answered.
    fn check_peer(&self, answer: &reqwest::Response, target: &Target) -> Result<(), FetchError> {
        match answer.remote_addr() {
            Some(peer) if !target.proxied && !self.names.allows(peer.ip()) => {
                let why = why_not_public(peer.ip()).unwrap_or("not a public address");
                let trouble = NameTrouble::NotPublic { name: target.host.clone(), address: peer.ip(), why };
                Err(trouble.into_error(&target.host))
            }
            _ => Ok(()),
        }
    }

    /// Makes of an answer what its status says.
    async fn take_in(
        &self,
        answer: reqwest::Response,
        host: &str,
        want: Want,
        validators: &Validators,
        turn: &Turn,
    ) -> Result<Hop, FetchError> {
        let status = answer.status();
        match status.as_u16() {
            206 => {
                let reason = "it sent a part where the whole was asked for".to_owned();
                Err(FetchError::Protocol { host: host.to_owned(), reason })
            }
            200..=299 => {
                let head = Head::of(&answer);
                let read = body::read(answer, host, self.limit(want)).await?;
                Ok(head.into_hop(status, Body::Bytes(read.bytes), read.wire_bytes))
            }
            304 if !validators.is_empty() => {
                let head = Head::of(&answer).or_validators(validators);
                Ok(head.into_hop(status, Body::NotModified, 0))
            }
            301 | 302 | 303 | 307 | 308 => {
                let location =
                    answer.headers().get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
                let Some(location) = location else {
                    let why = format!("its {} has no Location", status.as_u16());
                    return Err(FetchError::BadRedirect { host: host.to_owned(), why });
                };
                let permanent = matches!(status.as_u16(), 301 | 308);
                Ok(Hop::Redirected { location: location.into_owned(), permanent })
            }
            _ => Err(refusal(&answer, host, turn)),
        }
    }

    fn limit(&self, want: Want) -> usize {
        let FetchSettings { max_bytes_feed, max_bytes_page, .. } = self.settings;
        match want {
            Want::Feed => max_bytes_feed,
            Want::Page => max_bytes_page,
            Want::Any => max_bytes_feed.max(max_bytes_page),
        }
    }

    /// A failure of the HTTP client in our words.
    fn explain(&self, error: reqwest::Error, host: &str) -> FetchError {
        let host = host.to_owned();
        if let Some(trouble) = cause::<NameTrouble>(&error) {
            return trouble.clone().into_error(&host);
        }
        if let Some(tls) = cause::<rustls::Error>(&error) {
            return FetchError::Tls { host, reason: tls::plain_reason(tls) };
        }
        if error.is_connect() && error.is_timeout() {
            let limit = self.settings.connect_timeout;
            return FetchError::Timeout { host, stage: TimeoutStage::Connect, limit };
        }
        let reason = root_cause(&error);
        if error.is_connect() {
            let unreachable = cause::<io::Error>(&error).is_some_and(|error| {
                matches!(error.kind(), io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown)
            });
            return FetchError::Connect { host, reason, offline: unreachable && !has_route_out() };
        }
        FetchError::Protocol { host, reason }
    }
}

/// What is kept of an answer's head.
struct Head {
    media_type: Option<String>,
    validators: Validators,
    cache_max_age: Option<Duration>,
    url: Url,
}

impl Head {
    fn of(answer: &reqwest::Response) -> Self {
        let headers = answer.headers();
        Self {
            media_type: headers
                .get(CONTENT_TYPE)
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            validators: freshness::validators(headers),
            cache_max_age: freshness::cache_max_age(headers, SystemTime::now()),
            url: answer.url().clone(),
        }
    }

    /// A 304 need not repeat the validators; those that were sent still hold.
    fn or_validators(mut self, sent: &Validators) -> Self {
        self.validators.etag = self.validators.etag.or_else(|| sent.etag.clone());
        self.validators.last_modified = self.validators.last_modified.or_else(|| sent.last_modified.clone());
        self
    }

    fn into_hop(self, status: StatusCode, body: Body, wire_bytes: u64) -> Hop {
        Hop::Arrived(Box::new(Response {
            url: self.url,
            moved_to: None,
            status: status.as_u16(),
            body,
            media_type: self.media_type,
            validators: self.validators,
            cache_max_age: self.cache_max_age,
            wire_bytes,
            elapsed: Duration::ZERO,
        }))
    }
}

/// The error for a status that is no success; a host that asks for it is left alone.
fn refusal(answer: &reqwest::Response, host: &str, turn: &Turn) -> FetchError {
    let status = answer.status().as_u16();
    let retry_after = freshness::retry_after(answer.headers(), SystemTime::now());
    match (status, retry_after) {
        (429 | 503, Some(wait)) => turn.hold(wait),
        (429, None) => turn.hold(HOLD_AFTER_429),
        _ => {}
    }
    FetchError::Status { host: host.to_owned(), status, retry_after, gone: status == 410 }
}

fn client(settings: &FetchSettings, tls: &tls::Tls) -> Result<reqwest::ClientBuilder, FetchError> {
    let agent = HeaderValue::from_str(&settings.user_agent_header()).map_err(|_| FetchError::Setup {
        reason: format!("{:?} cannot be a User-Agent header; use plain ASCII", settings.user_agent_header()),
    })?;
    Ok(Client::builder()
        .tls_backend_preconfigured(tls.config.clone())
        .user_agent(agent)
        .connect_timeout(settings.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // Decompression is ours, to count and bound what comes over the wire.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .pool_max_idle_per_host(1))
}

fn request_headers(want: Want, validators: &Validators) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static(want.accept()));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(body::ACCEPT_ENCODING));
    let conditions = [(IF_NONE_MATCH, &validators.etag), (IF_MODIFIED_SINCE, &validators.last_modified)];
    for (name, validator) in conditions {
        // A validator that cannot be a header did not come from one; the request is made without it.
        if let Some(value) = validator.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
            headers.insert(name, value);
        }
    }
    headers
}

/// A URL as it may be shown and kept: without credentials.
fn bare(url: &Url) -> Url {
    let mut bare = url.clone();
    // Refused only for URLs without a host, which have no credentials.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare
}

/// Scheme, host and port, for messages.
fn place(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{}://{host}:{port}", url.scheme()),
        (Some(host), None) => format!("{}://{host}", url.scheme()),
        (None, _) => format!("{}:", url.scheme()),
    }
}

/// The first error of a type among the causes, also inside an `io::Error`, which hides what it carries.
fn cause<'e, E: StdError + 'static>(error: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        let carried = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = carried.and_then(|inner| cause::<E>(inner)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The innermost reason, which is the one that says something ("Connection refused").
fn root_cause(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
