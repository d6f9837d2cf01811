//! A plain file server, which serves a folder below a path.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::server_thread::ServerThread;

/// A running file server. Dropping it stops it.
#[derive(Debug)]
pub struct FileServer {
    server: ServerThread,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    /// The path of the folder at the server, such as `/archive/`.
    base: String,
    sent: Mutex<Vec<(String, usize)>>,
}

impl FileServer {
    /// Serves a folder under `base`, which begins and ends with `/`, on a free port.
    ///
    /// # Errors
    /// If no port is available.
    pub fn start(folder: &Path, base: &str) -> anyhow::Result<Self> {
        let shared =
            Arc::new(Shared { folder: folder.to_owned(), base: base.to_owned(), sent: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        Ok(Self { server: ServerThread::start("file-server", router)?, shared })
    }

    /// The address of a file.
    pub fn url(&self, file: &str) -> String {
        format!("http://{}{}{file}", self.server.address, self.shared.base)
    }

    /// The files that were sent since the last call, with their sizes.
    pub fn sent(&self) -> Vec<(String, usize)> {
        std::mem::take(&mut self.shared.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let path = request.uri().path();
    let file = path.strip_prefix(&shared.base).map(|file| if file.is_empty() { "index.html" } else { file });
    let found = file.and_then(|file| std::fs::read(shared.folder.join(file)).ok().map(|bytes| (file, bytes)));
    let Some((file, bytes)) = found else {
        let page = std::fs::read(shared.folder.join("404.html")).unwrap_or_default();
        return (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/html")], page).into_response();
    };
    shared.sent.lock().unwrap_or_else(PoisonError::into_inner).push((file.to_owned(), bytes.len()));
    let media_type = match file.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html",
        "css" => "text/css",
        "js" => "text/javascript",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "xml" | "atom" => "application/xml",
        _ => "text/plain",
    };
    ([(header::CONTENT_TYPE, media_type)], bytes).into_response()
}
