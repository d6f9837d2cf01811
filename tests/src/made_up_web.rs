//! A web that a test defines: any document under any host name, byte for byte, over plain HTTP on
//! loopback.
//!
//! The binary reaches it by [`MadeUpWeb::arguments`], a browser by [`MadeUpWeb::browser_flags`].
//! Both are led here for all names, so that each request to any host is in [`MadeUpWeb::requests`].

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HOST, REFERER};
use axum::response::{IntoResponse, Response};

use crate::server_thread::ServerThread;

/// The document at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The status code of the response.
    pub status: u16,
    /// Headers beside the Content-Type.
    pub headers: Vec<(String, String)>,
    /// The Content-Type.
    pub media_type: String,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Document {
    /// A document of this type.
    pub fn new(media_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, headers: Vec::new(), media_type: media_type.to_owned(), bytes: bytes.into() }
    }

    /// A page in UTF-8.
    pub fn page(html: &str) -> Self {
        Self::new("text/html; charset=utf-8", html)
    }
}

/// Hosts of Chromium's maker, which it contacts independently of the page.
const MAKERS: [&str; 3] = [".google.com", ".googleapis.com", ".gvt1.com"];

/// Documents by their address without the scheme, `host/path`.
pub type Documents = HashMap<String, Document>;

#[derive(Debug)]
struct Site {
    documents: Mutex<Documents>,
    log: Mutex<Vec<(String, Option<String>)>>,
}

/// A running made-up web. Dropping it stops it.
#[derive(Debug)]
pub struct MadeUpWeb {
    /// Where it listens.
    pub address: SocketAddr,
    site: Arc<Site>,
    _server: ServerThread,
}

impl MadeUpWeb {
    /// Serves these documents on a free port, on a separate thread. All other addresses give 404.
    ///
    /// # Errors
    /// If no port is available.
    pub fn start(documents: Documents) -> anyhow::Result<Self> {
        let site = Arc::new(Site { documents: Mutex::new(documents), log: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&site));
        let server = ServerThread::start("made-up-web", router)?;
        Ok(Self { address: server.address, site, _server: server })
    }

    /// The flags that lead the binary here for all names on port 80, without pauses.
    pub fn arguments(&self) -> Vec<String> {
        let mut flags = vec!["--resolve".to_owned(), format!("*:80:{}", self.address)];
        flags.extend(["--allow-private-addresses", "--host-pause", "0s"].map(str::to_owned));
        flags
    }

    /// The flags that lead Chromium here for all names.
    pub fn browser_flags(&self) -> Vec<String> {
        vec![
            format!("--host-resolver-rules=MAP * {}, EXCLUDE 127.0.0.1", self.address),
            "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable".to_owned(),
        ]
    }

    /// Adds documents, and replaces those that have the same addresses.
    pub fn put(&self, documents: Documents) {
        self.site.documents.lock().unwrap_or_else(PoisonError::into_inner).extend(documents);
    }

    /// The address of each request so far, `host/path?query`, in the order of the answers. Leaves
    /// out requests to the browser's maker.
    pub fn requests(&self) -> Vec<String> {
        let log = self.site.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().map(|(address, _)| address.clone()).collect()
    }

    /// All `Referer` headers of these requests.
    pub fn referrers(&self) -> Vec<String> {
        let log = self.site.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.iter().filter_map(|(_, referrer)| referrer.clone()).collect()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.site.log.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let address = format!("{host}{path}");
    let found = {
        let documents = site.documents.lock().unwrap_or_else(PoisonError::into_inner);
        let without_query = address.split('?').next().unwrap_or(&address);
        documents.get(&address).or_else(|| documents.get(without_query)).cloned()
    };
    let answer = found.map_or_else(|| StatusCode::NOT_FOUND.into_response(), response);
    let referrer =
        request.headers().get(REFERER).map(|from| String::from_utf8_lossy(from.as_bytes()).into_owned());
    if !MAKERS.iter().any(|maker| host.ends_with(maker)) {
        site.log.lock().unwrap_or_else(PoisonError::into_inner).push((address, referrer));
    }
    answer
}

fn response(document: Document) -> Response {
    let mut response = Response::builder().status(document.status).header(CONTENT_TYPE, document.media_type);
    for (name, value) in document.headers {
        response = response.header(name, value);
    }
    let response = response.body(document.bytes.into());
    response.unwrap_or_else(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response())
}
