//! The small web of real blogs: the shared test data, served on loopback under the blogs' own host
//! names.
//!
//! A client reaches it by resolving those names to its address and trusting its certificate
//! authority, which is created at each start: [`SmallWeb::fetch_settings`] for the fetcher,
//! [`SmallWeb::arguments`] for the binary. It behaves like the blogs' real servers. A folder is its
//! `index.html`; a folder without its slash and plain HTTP are redirected. Responses have `ETag`
//! and `Last-Modified`, conditional requests give 304, and bodies are compressed for clients that
//! accept gzip. It does not change the contents of files.

mod certificates;
mod documents;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{HOST, IF_MODIFIED_SINCE, IF_NONE_MATCH, LOCATION};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use backissue_fetch::FetchSettings;
use serde::Deserialize;

use self::certificates::Certificates;
use self::documents::Documents;

/// The pause between two checks of [`SmallWeb::wait_until`] if no request comes.
const CHECKED_EVERY: Duration = Duration::from_millis(100);

/// Options of a [`SmallWeb`]. The default is TLS on a free port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SmallWebOptions {
    /// The protocol.
    pub scheme: Scheme,
    /// The port to listen on; 0 selects a free one.
    pub port: u16,
}

/// The protocol of the small web.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Scheme {
    /// TLS with HTTP/2 and HTTP/1.1. A second listener redirects plain HTTP to it.
    #[default]
    Https,
    /// Plain HTTP/1.1.
    Http,
}

impl Scheme {
    fn name(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::Http => "http",
        }
    }
}

/// A blog of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Blog {
    /// The host name.
    pub host: String,
    /// The blog's title.
    pub title: String,
    /// Paths of its feeds.
    pub feeds: Vec<String>,
    /// Number of article pages.
    pub pages: usize,
    /// Number of entries of its feed, if the manifest has it.
    pub feed_entries: Option<usize>,
}

/// A request to the small web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedRequest {
    /// The host it was for.
    pub host: String,
    /// Path and query.
    pub path: String,
    /// The method.
    pub method: String,
    /// The status of the response.
    pub status: u16,
    /// Whether the request was conditional.
    pub conditional: bool,
}

/// A running small web. Dropping it stops it.
#[derive(Debug)]
pub struct SmallWeb {
    /// The address at which it listens.
    pub addr: SocketAddr,
    /// The PEM file of its certificate authority, removed when it stops.
    pub ca_file: PathBuf,
    /// The certificate authority as PEM.
    pub ca_pem: String,
    /// Its host names.
    pub hosts: Vec<String>,
    scheme: Scheme,
    blogs: Vec<Blog>,
    redirector: Option<SocketAddr>,
    site: Arc<Site>,
    servers: Vec<Handle<SocketAddr>>,
    thread: Option<JoinHandle<()>>,
    _ca_folder: tempfile::TempDir,
}

/// The shared state of handlers.
#[derive(Debug)]
struct Site {
    hosts: Vec<String>,
    documents: Documents,
    log: Mutex<Vec<LoggedRequest>>,
    logged: Condvar,
}

impl SmallWeb {
    /// Serves the `web` folder of the shared test data until it is dropped, on a separate thread,
    /// so that tests with and without an asynchronous runtime can use it. It is ready when this
    /// returns.
    ///
    /// # Errors
    /// If the data is missing, the manifest cannot be read, or the port is taken.
    pub fn start(shared: &Path, options: SmallWebOptions) -> anyhow::Result<Self> {
        let root = shared.join("web");
        let blogs = read_manifest(&root)?;
        let hosts: Vec<String> = blogs.iter().map(|blog| blog.host.clone()).collect();
        let certificates = Certificates::for_hosts(&hosts)?;
        let ca_folder = tempfile::tempdir().context("no folder for the certificate authority")?;
        let ca_file = ca_folder.path().join("ca.pem");
        std::fs::write(&ca_file, &certificates.ca_pem)?;
        let site = Arc::new(Site {
            hosts: hosts.clone(),
            documents: Documents::in_folder(root),
            log: Mutex::default(),
            logged: Condvar::new(),
        });

        let (main, addr) = listen(options.port)?;
        let mut listeners =
            vec![(main, options.scheme, Router::new().fallback(answer).with_state(Arc::clone(&site)))];
        let mut redirector = None;
        if options.scheme == Scheme::Https {
            let (plain, plain_addr) = listen(0)?;
            redirector = Some(plain_addr);
            listeners.push((
                plain,
                Scheme::Http,
                Router::new().fallback(to_https).with_state(Arc::clone(&site)),
            ));
        }
        let (servers, thread) = serve(listeners, certificates.server)?;
        Ok(Self {
            addr,
            ca_file,
            ca_pem: certificates.ca_pem,
            hosts,
            scheme: options.scheme,
            blogs,
            redirector,
            site,
            servers,
            thread: Some(thread),
            _ca_folder: ca_folder,
        })
    }

    /// The blogs of the manifest.
    pub fn blogs(&self) -> &[Blog] {
        &self.blogs
    }

    /// The URL of every feed in the manifest.
    pub fn feeds(&self) -> Vec<String> {
        let scheme = self.scheme.name();
        let of_blog = |blog: &Blog| {
            blog.feeds.iter().map(|path| format!("{scheme}://{}{path}", blog.host)).collect::<Vec<_>>()
        };
        self.blogs.iter().flat_map(of_blog).collect()
    }

    /// The values of `--resolve` that lead all hosts here, `HOST:PORT:ADDRESS`.
    pub fn resolve_args(&self) -> Vec<String> {
        let main_port = match self.scheme {
            Scheme::Https => 443,
            Scheme::Http => 80,
        };
        let mut values = Vec::new();
        for host in &self.hosts {
            values.push(format!("{host}:{main_port}:{}", self.addr));
            if let Some(plain) = self.redirector {
                values.push(format!("{host}:80:{plain}"));
            }
        }
        values
    }

    /// The flags with which the binary reaches this web: `--resolve` for each host, `--ca`,
    /// `--allow-private-addresses`.
    pub fn arguments(&self) -> Vec<String> {
        let mut flags = Vec::new();
        for value in self.resolve_args() {
            flags.extend(["--resolve".to_owned(), value]);
        }
        flags.extend([
            "--ca".to_owned(),
            self.ca_file.display().to_string(),
            "--allow-private-addresses".to_owned(),
        ]);
        flags
    }

    /// Flags that remove all pauses, including those of robots.txt, because no real server is
    /// affected.
    pub fn without_pauses() -> [String; 4] {
        ["--host-pause", "0s", "--longest-crawl-delay", "0s"].map(str::to_owned)
    }

    /// Settings with which a fetcher reaches this web, without pauses.
    pub fn fetch_settings(&self) -> FetchSettings {
        FetchSettings {
            resolve: self
                .resolve_args()
                .iter()
                .map(|value| value.parse().expect("made of a host, a port and a socket address"))
                .collect(),
            ca: vec![self.ca_file.clone()],
            allow_private_addresses: true,
            host_pause: Duration::ZERO,
            longest_pause: Duration::ZERO,
            ..FetchSettings::default()
        }
    }

    /// All requests so far, in order of the responses.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.site.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until `enough` is true of the requests so far. `check` is called meanwhile, and panics
    /// if no more requests will come.
    pub fn wait_until(&self, enough: impl Fn(&[LoggedRequest]) -> bool, mut check: impl FnMut()) {
        let mut log = self.site.log.lock().unwrap_or_else(PoisonError::into_inner);
        while !enough(&log) {
            let waited = self.site.logged.wait_timeout(log, CHECKED_EVERY);
            log = waited.unwrap_or_else(PoisonError::into_inner).0;
            check();
        }
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.site.log.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Drop for SmallWeb {
    fn drop(&mut self) {
        for server in &self.servers {
            server.shutdown();
        }
        if let Some(thread) = self.thread.take() {
            // A panic has been printed already.
            let _ = thread.join();
        }
    }
}

fn read_manifest(root: &Path) -> anyhow::Result<Vec<Blog>> {
    let path = root.join("manifest.json");
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!("the small web has no manifest at {}; is the shared data complete?", path.display())
    })?;
    serde_json::from_str(&text).with_context(|| format!("{} is not a manifest", path.display()))
}

fn listen(port: u16) -> anyhow::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("port {port} of loopback cannot be listened on; choose another"))?;
    listener.set_nonblocking(true)?;
    let addr = listener.local_addr()?;
    Ok((listener, addr))
}

type Listeners = Vec<(TcpListener, Scheme, Router)>;

/// Starts the servers on a separate runtime. The sockets listen already, so no client needs to
/// wait.
fn serve(
    listeners: Listeners,
    tls: Arc<rustls::ServerConfig>,
) -> anyhow::Result<(Vec<Handle<SocketAddr>>, JoinHandle<()>)> {
    let handles: Vec<Handle<SocketAddr>> = listeners.iter().map(|_| Handle::new()).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let guard = runtime.enter();
    let mut servers = tokio::task::JoinSet::new();
    for ((listener, scheme, router), handle) in listeners.into_iter().zip(&handles) {
        let (service, handle) = (router.into_make_service(), handle.clone());
        match scheme {
            Scheme::Https => {
                let tls = RustlsConfig::from_config(Arc::clone(&tls));
                let server = axum_server::from_tcp_rustls(listener, tls)?.handle(handle);
                servers.spawn(server.serve(service));
            }
            Scheme::Http => {
                let server = axum_server::from_tcp(listener)?.handle(handle);
                servers.spawn(server.serve(service));
            }
        }
    }
    drop(guard);
    let thread = std::thread::Builder::new().name("small-web".to_owned()).spawn(move || {
        runtime.block_on(async { while servers.join_next().await.is_some() {} });
    })?;
    Ok((handles, thread))
}

async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response {
    let host = host_of(request.uri(), request.headers());
    let response = match (site.hosts.contains(&host), request.method()) {
        (false, _) => (StatusCode::MISDIRECTED_REQUEST, "no such host here\n").into_response(),
        (true, &Method::GET | &Method::HEAD) => {
            site.documents.answer(&host, request.uri().path(), request.method(), request.headers())
        }
        (true, _) => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    };
    site.note(host, &request, response.status());
    response
}

async fn to_https(State(site): State<Arc<Site>>, request: Request) -> Response {
    let host = host_of(request.uri(), request.headers());
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let location = format!("https://{host}{path}");
    let response = (StatusCode::MOVED_PERMANENTLY, [(LOCATION, location)]).into_response();
    site.note(host, &request, response.status());
    response
}

impl Site {
    fn note(&self, host: String, request: &Request, status: StatusCode) {
        let headers = request.headers();
        let noted = LoggedRequest {
            host,
            path: request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned(),
            method: request.method().to_string(),
            status: status.as_u16(),
            conditional: headers.contains_key(IF_NONE_MATCH) || headers.contains_key(IF_MODIFIED_SINCE),
        };
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push(noted);
        self.logged.notify_all();
    }
}

/// The host of a request, without its port: HTTP/2 has it in the URI, HTTP/1.1 in a header.
fn host_of(uri: &Uri, headers: &HeaderMap) -> String {
    let named = uri.authority().map(|authority| authority.as_str());
    let named = named.or_else(|| headers.get(HOST)?.to_str().ok()).unwrap_or_default();
    named.rsplit_once(':').map_or(named, |(host, _)| host).to_ascii_lowercase()
}
