//! A plain file server: what is in a folder, under a path, and nothing else.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::Context;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::oneshot;

/// A running file server. Dropping it stops it.
#[derive(Debug)]
pub struct FileServer {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    /// Where the folder is, such as `/archive/`.
    base: String,
    sent: Mutex<Vec<(String, usize)>>,
}

impl FileServer {
    /// Serves a folder under `base`, which begins and ends with `/`, on a free port.
    ///
    /// # Errors
    /// If no port is available.
    pub fn start(folder: &Path, base: &str) -> anyhow::Result<Self> {
        let listener =
            std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port of loopback is free")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared =
            Arc::new(Shared { folder: folder.to_owned(), base: base.to_owned(), sent: Mutex::default() });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("file-server".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                // It ends with the test, which has its responses by then.
                tokio::select! {
                    _ = axum::serve(listener, router) => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// The address of a file.
    pub fn url(&self, file: &str) -> String {
        format!("http://{}{}{file}", self.address, self.shared.base)
    }

    /// The files that were sent since the last call, with their sizes.
    pub fn sent(&self) -> Vec<(String, usize)> {
        std::mem::take(&mut self.shared.sent.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for FileServer {
    fn drop(&mut self) {
        // It may have ended already; a panic has been printed.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
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
