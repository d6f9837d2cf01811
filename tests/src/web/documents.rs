//! Serves the files of the small web: paths, media types, versions, conditional requests.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH,
    LAST_MODIFIED, LOCATION, VARY,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use percent_encoding::percent_decode_str;
use xxhash_rust::xxh3::xxh3_64;

/// The files below a folder with one folder per host.
#[derive(Debug)]
pub(super) struct Documents {
    root: PathBuf,
    /// The documents that were read already. They are used again as long as their files do not
    /// change.
    read: Mutex<HashMap<PathBuf, Arc<Document>>>,
}

#[derive(Debug)]
struct Document {
    modified: SystemTime,
    length: u64,
    media_type: &'static str,
    /// The hash in the `ETag`.
    version: String,
    plain: Bytes,
    gzipped: OnceLock<Bytes>,
}

/// What a path refers to.
enum Found {
    File(PathBuf),
    /// A folder requested without its slash.
    Folder,
    Nothing,
}

impl Documents {
    pub(super) fn in_folder(root: PathBuf) -> Self {
        Self { root, read: Mutex::default() }
    }

    /// Answers a GET or HEAD.
    pub(super) fn answer(&self, host: &str, path: &str, method: &Method, headers: &HeaderMap) -> Response {
        match self.find(host, path) {
            Found::Nothing => (StatusCode::NOT_FOUND, "there is nothing here\n").into_response(),
            Found::Folder => {
                (StatusCode::MOVED_PERMANENTLY, [(LOCATION, format!("{path}/"))]).into_response()
            }
            Found::File(file) => match self.document(&file) {
                Ok(document) => document.answer(method, headers),
                Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
            },
        }
    }

    fn find(&self, host: &str, path: &str) -> Found {
        let Ok(decoded) = percent_decode_str(path).decode_utf8() else { return Found::Nothing };
        let relative = Path::new(decoded.trim_start_matches('/'));
        if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            return Found::Nothing;
        }
        let file = self.root.join(host).join(relative);
        match (file.is_dir(), path.ends_with('/')) {
            (true, true) if file.join("index.html").is_file() => Found::File(file.join("index.html")),
            (true, false) if file.join("index.html").is_file() => Found::Folder,
            (false, false) if file.is_file() => Found::File(file),
            _ => Found::Nothing,
        }
    }

    fn document(&self, file: &Path) -> std::io::Result<Arc<Document>> {
        let facts = file.metadata()?;
        let (modified, length) = (facts.modified()?, facts.len());
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) =
            read.get(file).filter(|known| known.modified == modified && known.length == length)
        {
            return Ok(Arc::clone(known));
        }
        let plain = Bytes::from(std::fs::read(file)?);
        let document = Arc::new(Document {
            modified,
            length,
            media_type: media_type(file, &plain),
            version: format!("{:016x}", xxh3_64(&plain)),
            plain,
            gzipped: OnceLock::new(),
        });
        read.insert(file.to_owned(), Arc::clone(&document));
        Ok(document)
    }
}

impl Document {
    fn answer(&self, method: &Method, headers: &HeaderMap) -> Response {
        let gzip = accepts_gzip(headers);
        let etag = if gzip { format!("\"{}-gzip\"", self.version) } else { format!("\"{}\"", self.version) };
        let versions = [
            (ETAG, etag),
            (LAST_MODIFIED, httpdate::fmt_http_date(self.modified)),
            (VARY, "Accept-Encoding".to_owned()),
            (CACHE_CONTROL, "max-age=600".to_owned()),
        ];
        if self.is_known_to(headers) {
            return (StatusCode::NOT_MODIFIED, versions).into_response();
        }
        let bytes = if gzip { self.gzipped() } else { self.plain.clone() };
        let mut response = (versions, [(CONTENT_TYPE, self.media_type)]).into_response();
        if gzip {
            response.headers_mut().insert(CONTENT_ENCODING, axum::http::HeaderValue::from_static("gzip"));
        }
        if method == Method::GET {
            *response.body_mut() = Body::from(bytes);
        }
        response
    }

    /// Whether the client has this version: by `If-None-Match`, or without one by date (RFC 9110
    /// section 13.2.2).
    fn is_known_to(&self, headers: &HeaderMap) -> bool {
        if let Some(etags) = headers.get(IF_NONE_MATCH) {
            return etags.to_str().is_ok_and(|etags| etags.trim() == "*" || etags.contains(&self.version));
        }
        let since = headers.get(IF_MODIFIED_SINCE).and_then(|since| since.to_str().ok());
        // Files have fractions of a second, the header does not.
        let seconds =
            |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_secs());
        since
            .and_then(|since| httpdate::parse_http_date(since).ok())
            .is_some_and(|since| seconds(since) >= seconds(self.modified))
    }

    fn gzipped(&self) -> Bytes {
        let compress = || {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            let written = encoder.write_all(&self.plain).and_then(|()| encoder.finish());
            Bytes::from(written.expect("writing to memory does not fail"))
        };
        self.gzipped.get_or_init(compress).clone()
    }
}

fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT_ENCODING)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("gzip"))
}

/// The media type by the file's name. For XML and JSON also by contents, because feeds have the
/// same names and different types.
fn media_type(file: &Path, bytes: &[u8]) -> &'static str {
    let opening = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]).into_owned();
    match file.extension().and_then(|extension| extension.to_str()).unwrap_or_default() {
        "html" | "htm" => "text/html; charset=utf-8",
        "xml" if opening.contains("<rss") => "application/rss+xml",
        "xml" if opening.contains("<feed") => "application/atom+xml",
        "xml" => "application/xml",
        "json" if opening.contains("jsonfeed.org/version") => "application/feed+json",
        "json" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        _ => "application/octet-stream",
    }
}
