//! Sends a request and follows its redirects, one hop at a time. Each hop is checked, waits for the
//! host's turn, and stays within the limits.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use reqwest::Client;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LOCATION,
};
use url::Url;

use crate::body;
use crate::error::{FetchError, TimeoutStage, innermost_reason};
use crate::freshness;
use crate::links::{Link, links};
use crate::names::{AddressRule, NameTrouble, Names};
use crate::network::has_route_out;
use crate::proxy::Proxies;
use crate::redirects::{Way, bare};
use crate::response::{Body, Response, Validators, Want};
use crate::settings::FetchSettings;
use crate::target::Target;
use crate::tls;
use crate::turns::{SharedTurns, Turn, Turns};

/// How long a host is paused after a 429 that does not say how long.
const HOLD_AFTER_429: Duration = Duration::from_secs(60);

/// How long a shared turn is reserved beyond the longest possible request.
const TURN_ENDS_WITHIN: Duration = Duration::from_secs(1);

/// The media type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// How long an idle connection stays open. It is used again for the next page of the host, and
/// closed before the next poll.
const IDLE_CONNECTION: Duration = Duration::from_secs(30);

/// Maximum bytes of the headers over HTTP/2. Over HTTP/1.1 the client stops at 100 fields.
const LARGEST_HEAD: u32 = 64 * 1024;

/// The polite and safe HTTP client. Clones are cheap and share connections, turns and pauses.
#[derive(Debug, Clone)]
pub struct Fetcher {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: FetchSettings,
    /// Connects without a proxy, to checked addresses only.
    direct: Client,
    /// Connects through the environment's proxies, for the URLs that they cover.
    proxied: Client,
    proxies: Proxies,
    names: Names,
    turns: Turns,
    has_authorities: bool,
}

/// The result of one hop.
enum Hop {
    Arrived(Arrival),
    Redirected { location: String, permanent: bool },
}

/// The parameters of a request, equal for each of its hops.
#[derive(Clone, Copy)]
struct Asked<'a> {
    want: Want,
    validators: &'a Validators,
    /// The encoded form to send. `None` for a GET request.
    form: Option<&'a str>,
}

impl Fetcher {
    /// Sets up the client.
    ///
    /// # Errors
    /// [`FetchError::Ca`] if a CA file cannot be used; [`FetchError::Setup`] if the settings are
    /// invalid. A machine without certificate authorities is no error here: plain HTTP works, and
    /// HTTPS fails with [`FetchError::NoAuthorities`].
    pub fn new(settings: FetchSettings) -> Result<Self, FetchError> {
        let rule = if settings.allow_private_addresses { AddressRule::Any } else { AddressRule::Public };
        Self::with_rule(settings, rule)
    }

    pub(crate) fn with_rule(settings: FetchSettings, rule: AddressRule) -> Result<Self, FetchError> {
        let tls = tls::client_tls(&settings.ca)?;
        let names = Names::new(settings.resolve.clone(), rule, settings.connect_timeout);
        let direct = client(&settings, &tls)?.no_proxy().dns_resolver(names.clone());
        let proxied = client(&settings, &tls)?;
        let build = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| FetchError::Setup { reason: innermost_reason(&error) })
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

    /// Fetches a URL: waits for the host's turn, sends the validators if there are any, follows
    /// redirects, reads the body.
    ///
    /// Redirects lead to `http` and `https` only, and never from `https` to `http`, which would let
    /// others rewrite a protected document. Credentials in `url` are sent to its origin, and to the
    /// same host if a redirect upgrades it to https. No other host gets them. Dropping the future
    /// cancels the request and ends the turn.
    ///
    /// # Errors
    /// See [`FetchError`]. Any status but 2xx is [`FetchError::Status`], except a 304 after a
    /// conditional request.
    pub async fn get(&self, url: &Url, want: Want, validators: &Validators) -> Result<Response, FetchError> {
        self.send(url, Asked { want, validators, form: None }).await
    }

    /// Posts a form (`application/x-www-form-urlencoded`) under the same rules as
    /// [`get`](Self::get). Follows only redirects that keep method and body (307, 308).
    ///
    /// # Errors
    /// See [`FetchError`]. Any status but 2xx is [`FetchError::Status`].
    pub async fn post_form(&self, url: &Url, form: &[(&str, &str)]) -> Result<Response, FetchError> {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let validators = Validators::default();
        self.send(url, Asked { want: Want::Any, validators: &validators, form: Some(&form) }).await
    }

    async fn send(&self, url: &Url, asked: Asked<'_>) -> Result<Response, FetchError> {
        let mut way = Way::from(url);
        let mut spent = Duration::ZERO;
        loop {
            let target = self.shared.target(&way.here)?;
            let turn = self.shared.turns.take(&target.host).await?;
            let started = Instant::now();
            let left = self.shared.settings.total_timeout.saturating_sub(spent);
            let hop = self.shared.hop(&way.here, &target, asked, left, &turn).await;
            measure(&hop, started.elapsed());
            let hop = hop?;
            spent += started.elapsed();
            drop(turn);
            match hop {
                Hop::Arrived(arrival) => return Ok(arrival.into_response(way, spent)),
                Hop::Redirected { location, permanent } => {
                    way.follow(&target.host, &location, permanent, self.shared.settings.max_redirects)?;
                }
            }
        }
    }

    /// Shares the turns of hosts with other processes. Call it before the first request.
    pub fn share_turns(&self, turns: Arc<dyn SharedTurns>) {
        self.shared.turns.share(turns, self.longest_turn());
    }

    /// The longest time that a request may take, and so hold its host's turn.
    pub fn longest_turn(&self) -> Duration {
        self.shared.settings.total_timeout + TURN_ENDS_WITHIN
    }

    /// When the next request to a host may start, so that a scheduler can pick other hosts
    /// meanwhile. `None` means now, or as soon as the running request ends. A host that demanded a
    /// pause is ready when the pause ends.
    pub fn host_ready_at(&self, host: &str) -> Option<Instant> {
        self.shared.turns.ready_at(host)
    }

    /// Sets a longer pause between requests to a host, as its publisher demands (`Crawl-delay`).
    ///
    /// The pause has at most [`FetchSettings::longest_pause`] and at least
    /// [`FetchSettings::host_pause`]. It is forgotten after requests to thousands of other hosts,
    /// so set it before each request.
    pub fn pause_at_least(&self, host: &str, pause: Duration) {
        self.shared.turns.pause_at_least(host, pause.min(self.shared.settings.longest_pause));
    }

    /// The resolver. Tests use it to answer in place of name servers.
    #[cfg(test)]
    pub(crate) fn names(&self) -> &Names {
        &self.shared.names
    }

    /// The pause between two requests to the same host.
    pub fn host_pause(&self) -> Duration {
        self.shared.settings.host_pause
    }

    /// The longest pause that a host can demand.
    pub fn longest_pause(&self) -> Duration {
        self.shared.settings.longest_pause
    }
}

impl Shared {
    fn target(&self, url: &Url) -> Result<Target, FetchError> {
        let target = Target::of(url, &self.settings.allowed_ports, &self.names, &self.proxies)?;
        if url.scheme() == "https" && !self.has_authorities {
            return Err(FetchError::NoAuthorities { host: target.host });
        }
        Ok(target)
    }

    /// Sends one request, for one hop. Reads the body if the response is not a redirect.
    async fn hop(
        &self,
        url: &Url,
        target: &Target,
        asked: Asked<'_>,
        left: Duration,
        turn: &Turn,
    ) -> Result<Hop, FetchError> {
        let all = async {
            let answer = self.ask(url, target, asked).await?;
            self.take_in(answer, &target.host, asked, turn).await
        };
        let late = |_| FetchError::Timeout {
            host: target.host.clone(),
            stage: TimeoutStage::Total,
            limit: self.settings.total_timeout,
        };
        tokio::time::timeout(left, all).await.map_err(late)?
    }

    /// Sends the request and returns when the response's headers have arrived.
    async fn ask(
        &self,
        url: &Url,
        target: &Target,
        asked: Asked<'_>,
    ) -> Result<reqwest::Response, FetchError> {
        let client = if target.proxied { &self.proxied } else { &self.direct };
        let request = match asked.form {
            None => client.get(url.clone()),
            Some(form) => client.post(url.clone()).header(CONTENT_TYPE, FORM).body(form.to_owned()),
        };
        let request = request.headers(asked.headers());
        let asking = self.names.asking(&target.host, target.port);
        let limit = self.settings.first_byte_timeout;
        let answer = tokio::time::timeout(limit, request.send()).await;
        drop(asking);
        let stage = TimeoutStage::FirstByte;
        let late = |_| FetchError::Timeout { host: target.host.clone(), stage, limit };
        let answer = answer.map_err(late)?.map_err(|error| self.explain(error, target))?;
        self.check_peer(&answer, target)?;
        Ok(answer)
    }

    /// The last check of the address: that of the server to which the connection was made.
    fn check_peer(&self, answer: &reqwest::Response, target: &Target) -> Result<(), FetchError> {
        let peer = answer.remote_addr().filter(|_| !target.proxied).map(|peer| peer.ip());
        match peer.and_then(|peer| Some((peer, self.names.rule().why_not(peer)?))) {
            Some((address, why)) => {
                let trouble = NameTrouble::NotPublic { name: target.host.clone(), address, why };
                Err(trouble.into_error(&target.host))
            }
            None => Ok(()),
        }
    }

    /// Converts a response to the result for its status.
    async fn take_in(
        &self,
        answer: reqwest::Response,
        host: &str,
        asked: Asked<'_>,
        turn: &Turn,
    ) -> Result<Hop, FetchError> {
        match answer.status().as_u16() {
            206 => {
                let reason = "it sent a part of the document instead of the whole".to_owned();
                Err(FetchError::Protocol { host: host.to_owned(), reason })
            }
            200..=299 => {
                let head = Arrival::of(&answer);
                let read = body::read(answer, host, self.extent(asked.want), self.settings.slowest).await?;
                Ok(Hop::Arrived(head.with_body(read)))
            }
            304 if !asked.validators.is_empty() => {
                Ok(Hop::Arrived(Arrival::of(&answer).or_validators(asked.validators)))
            }
            status @ (301..=303) if asked.form.is_some() => {
                let why = format!("its {status} does not allow the form to be sent again");
                Err(FetchError::BadRedirect { host: host.to_owned(), why })
            }
            301 | 302 | 303 | 307 | 308 => redirection(&answer, host),
            _ => Err(refusal(&answer, host, turn)),
        }
    }

    fn extent(&self, want: Want) -> body::Extent {
        let settings = &self.settings;
        match want {
            Want::Feed => body::Extent::Whole(settings.max_bytes_feed),
            Want::Page => body::Extent::Whole(settings.max_bytes_page),
            Want::Image => body::Extent::Whole(settings.max_bytes_image),
            Want::Any => body::Extent::Whole(settings.max_bytes_any),
            Want::Start => body::Extent::Start(settings.max_bytes_start),
        }
    }

    /// Converts an error of the HTTP client to a [`FetchError`].
    fn explain(&self, error: reqwest::Error, target: &Target) -> FetchError {
        let host = target.host.clone();
        if let Some(trouble) = cause::<NameTrouble>(&error) {
            return trouble.clone().into_error(&host);
        }
        if let Some(reason) = tls_reason(&error) {
            return FetchError::Tls { host, reason };
        }
        if error.is_connect() && error.is_timeout() {
            let limit = self.settings.connect_timeout;
            return FetchError::Timeout { host, stage: TimeoutStage::Connect, limit };
        }
        let reason = innermost_reason(&error);
        if !error.is_connect() {
            return FetchError::Protocol { host, reason };
        }
        let by_proxy = if target.proxied { " (through the proxy that the environment names)" } else { "" };
        let unreachable = cause::<io::Error>(&error).is_some_and(|error| is_unreachable(error.kind()));
        FetchError::Connect { host, reason: reason + by_proxy, offline: unreachable && !has_route_out() }
    }
}

impl Asked<'_> {
    fn headers(self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(self.want.accept()));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(body::ACCEPT_ENCODING));
        let Validators { etag, last_modified } = self.validators;
        for (name, validator) in [(IF_NONE_MATCH, etag), (IF_MODIFIED_SINCE, last_modified)] {
            // A validator that is not a valid header value did not come from a header. The request
            // goes without it.
            if let Some(value) = validator.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
                headers.insert(name, value);
            }
        }
        headers
    }
}

/// A response that is not a redirect.
struct Arrival {
    status: u16,
    media_type: Option<String>,
    validators: Validators,
    cache_max_age: Option<Duration>,
    links: Vec<Link>,
    body: Body,
    wire_bytes: u64,
}

impl Arrival {
    /// Reads the headers of the response. The document is still empty.
    fn of(answer: &reqwest::Response) -> Self {
        let headers = answer.headers();
        Self {
            status: answer.status().as_u16(),
            media_type: headers
                .get(CONTENT_TYPE)
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            validators: freshness::validators(headers),
            cache_max_age: freshness::cache_max_age(headers, SystemTime::now()),
            links: links(headers, answer.url()),
            body: Body::NotModified,
            wire_bytes: 0,
        }
    }

    fn with_body(self, read: body::ReadBody) -> Self {
        Self { body: Body::Bytes(read.bytes), wire_bytes: read.wire_bytes, ..self }
    }

    /// Uses the validators of the request if a 304 response has none.
    fn or_validators(mut self, sent: &Validators) -> Self {
        self.validators.etag = self.validators.etag.or_else(|| sent.etag.clone());
        self.validators.last_modified = self.validators.last_modified.or_else(|| sent.last_modified.clone());
        self
    }

    fn into_response(self, way: Way, elapsed: Duration) -> Response {
        Response {
            url: bare(&way.here),
            moved_to: way.moved_to,
            status: self.status,
            body: self.body,
            media_type: self.media_type,
            validators: self.validators,
            cache_max_age: self.cache_max_age,
            links: self.links,
            wire_bytes: self.wire_bytes,
            elapsed,
        }
    }
}

/// Records metrics: the request, its time without waiting for the turn, and its bytes.
fn measure(hop: &Result<Hop, FetchError>, took: Duration) {
    let result = match hop {
        Ok(Hop::Arrived(Arrival { status: 304, .. })) => "unchanged",
        Ok(Hop::Arrived(_)) => "ok",
        Ok(Hop::Redirected { .. }) => "redirect",
        Err(FetchError::Status { status: 429 | 503, .. }) => "asked to wait",
        Err(FetchError::Status { status: 400..=499, .. }) => "4xx",
        Err(FetchError::Status { .. }) => "5xx",
        Err(FetchError::Timeout { .. }) => "timeout",
        Err(FetchError::Dns { .. } | FetchError::Connect { .. }) => "not connected",
        Err(FetchError::Tls { .. } | FetchError::NoAuthorities { .. }) => "not secure",
        Err(_) => "unusable",
    };
    metrics::histogram!("backissue_fetch_seconds", "result" => result).record(took);
    if let Ok(Hop::Arrived(arrival)) = hop {
        metrics::counter!("backissue_fetched_bytes_total").increment(arrival.wire_bytes);
    }
}

fn redirection(answer: &reqwest::Response, host: &str) -> Result<Hop, FetchError> {
    let status = answer.status().as_u16();
    match answer.headers().get(LOCATION) {
        Some(location) => {
            let location = String::from_utf8_lossy(location.as_bytes()).into_owned();
            Ok(Hop::Redirected { location, permanent: matches!(status, 301 | 308) })
        }
        None => {
            let why = format!("its {status} has no address");
            Err(FetchError::BadRedirect { host: host.to_owned(), why })
        }
    }
}

/// The error for an unsuccessful status. Also pauses the host if it demands that.
fn refusal(answer: &reqwest::Response, host: &str, turn: &Turn) -> FetchError {
    let status = answer.status().as_u16();
    let retry_after = freshness::retry_after(answer.headers(), SystemTime::now());
    match (status, retry_after) {
        (429 | 503, Some(wait)) => turn.hold(wait),
        (429, None) => turn.hold(HOLD_AFTER_429),
        _ => {}
    }
    FetchError::Status { host: host.to_owned(), status, retry_after }
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
        // We decompress, to count and limit the bytes on the wire.
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .http1_ignore_invalid_headers_in_responses(true)
        .http1_allow_spaces_after_header_name_in_responses(true)
        .http2_max_header_list_size(LARGEST_HEAD)
        .pool_idle_timeout(IDLE_CONNECTION)
        .pool_max_idle_per_host(1))
}

/// Whether the system found no route to an address.
fn is_unreachable(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{AddrNotAvailable, HostUnreachable, NetworkDown, NetworkUnreachable};
    matches!(kind, AddrNotAvailable | HostUnreachable | NetworkDown | NetworkUnreachable)
}

/// Why a certificate or a handshake failed, in plain words. Returns `None` for other errors.
pub fn tls_reason(error: &(dyn StdError + 'static)) -> Option<String> {
    cause::<rustls::Error>(error).map(tls::plain_reason)
}

/// The first error of type `E` among the causes. Also looks inside `io::Error`, which hides the
/// error that it carries.
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
