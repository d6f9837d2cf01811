//! Images of articles, which are fetched when a reader first sees them, and cached in a folder.
//!
//! The caller must ensure that the address is that of an article's image, so that this is not an
//! open proxy. Requests for images are as polite as those for pages: robots.txt, one request at a
//! time per host, a pause.

mod files;
mod kinds;

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use backissue_fetch::{Body, FetchError, Validators, Want};
use tracing::{debug, warn};
use url::Url;

use crate::context::Context;
use crate::robots::Permission;
use crate::workers::Ingest;
use files::Files;

/// How long an image is not requested again after it failed.
const LEFT_ALONE: Duration = Duration::from_secs(15 * 60);

/// Maximum number of failed images to remember. Beyond it, those that may be requested again are
/// forgotten.
const MOST_REMEMBERED: usize = 4096;

/// Maximum time that a request waits for an image, including the waits for the host's turn, which
/// requests for pages use too.
const WAITS_AT_MOST: Duration = Duration::from_secs(60);

/// An image that a browser can show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The media type, by the image's bytes: of PNG, JPEG, GIF, WebP or AVIF.
    pub media_type: &'static str,
    /// The image.
    pub bytes: Vec<u8>,
}

/// Why an image cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The image is not cached, and this process does not fetch images.
    #[error("the image is not kept here, and this process fetches nothing")]
    NotKept,
    /// robots.txt forbids the request, or cannot be fetched now.
    #[error("{host} forbids programs to fetch the image: {reason}")]
    NotPermitted {
        /// The publisher's host.
        host: String,
        /// The line of robots.txt, or why it cannot be fetched.
        reason: String,
    },
    /// The image cannot be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The document is not an image, or has a format that can contain active content.
    #[error("what {host} sent is no PNG, JPEG, GIF, WebP or AVIF image")]
    NoImage {
        /// Its host.
        host: String,
    },
    /// The image failed recently and is not requested now.
    #[error("the image could not be fetched a short time ago: {reason}")]
    AskedLately {
        /// The error.
        reason: String,
    },
    /// The image did not arrive in time.
    #[error("{host} is busy with other requests of ours; try again later")]
    Late {
        /// Its host.
        host: String,
    },
}

/// The image cache.
pub struct ImageCache {
    files: Arc<Files>,
    /// What is needed to fetch images. `None` if only cached images are available.
    context: Option<Arc<Context>>,
    /// The images that are being fetched, so that none is fetched twice.
    fetching: Mutex<HashMap<Url, Weak<tokio::sync::Mutex<()>>>>,
    failed: Mutex<HashMap<Url, (Instant, String)>>,
}

impl std::fmt::Debug for ImageCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImageCache").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ImageCache {
    /// A cache in `folder`, which need not exist yet, of at most `limit` bytes. Without `ingest`,
    /// only cached images are available.
    pub fn new(folder: &Path, limit: u64, ingest: Option<Arc<Ingest>>) -> Self {
        let files = Arc::new(Files::in_folder(folder, limit));
        let context = ingest.map(|ingest| ingest.context());
        Self { files, context, fetching: Mutex::default(), failed: Mutex::default() }
    }

    /// The image at `url`, cached or fetched now. If the folder fails, this is logged, and the
    /// image is returned anyway.
    ///
    /// # Errors
    /// See [`ImageError`].
    pub async fn image(&self, url: &Url) -> Result<Image, ImageError> {
        let kept = self.kept(url).await;
        let result = if kept.is_some() { "hit" } else { "miss" };
        metrics::counter!("backissue_image_cache_total", "result" => result).increment(1);
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let Some(cx) = &self.context else { return Err(ImageError::NotKept) };
        self.not_asked_lately(url)?;
        let host = || url.host_str().unwrap_or_default().to_owned();
        let fetched = tokio::time::timeout(WAITS_AT_MOST, async {
            let turn = self.turn(url);
            let _turn = turn.lock().await;
            // An earlier request may have cached it by now.
            if let Some(kept) = self.kept(url).await {
                return Ok(kept);
            }
            self.not_asked_lately(url)?;
            let fetched = fetch_image(cx, url).await;
            match &fetched {
                Ok(image) => self.keep(url, image).await,
                Err(error) => self.remember_failure(url, error),
            }
            fetched
        });
        fetched.await.unwrap_or_else(|_| Err(ImageError::Late { host: host() }))
    }

    async fn kept(&self, url: &Url) -> Option<Image> {
        let (files, wanted) = (Arc::clone(&self.files), url.clone());
        let read = tokio::task::spawn_blocking(move || files.get(&wanted, SystemTime::now())).await.ok()?;
        let bytes = read.unwrap_or_else(|error| {
            warn!(%url, %error, "the folder with images cannot be read: {error}");
            None
        })?;
        Some(Image { media_type: kinds::raster_type(&bytes)?, bytes })
    }

    async fn keep(&self, url: &Url, image: &Image) {
        let (files, url, bytes) = (Arc::clone(&self.files), url.clone(), image.bytes.clone());
        let written = tokio::task::spawn_blocking(move || files.put(&url, &bytes, SystemTime::now())).await;
        if let Ok(Err(error)) = written {
            warn!(%error, "an image cannot be kept: {error}");
        }
    }

    fn turn(&self, url: &Url) -> Arc<tokio::sync::Mutex<()>> {
        let mut fetching = self.fetching.lock().unwrap_or_else(PoisonError::into_inner);
        fetching.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = fetching.get(url).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(tokio::sync::Mutex::new(()));
        fetching.insert(url.clone(), Arc::downgrade(&turn));
        turn
    }

    fn not_asked_lately(&self, url: &Url) -> Result<(), ImageError> {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        match failed.get(url) {
            Some((at, reason)) if at.elapsed() < LEFT_ALONE => {
                Err(ImageError::AskedLately { reason: reason.clone() })
            }
            _ => Ok(()),
        }
    }

    fn remember_failure(&self, url: &Url, error: &ImageError) {
        debug!(%url, %error, "no image: {error}");
        // If this machine is offline, nothing was learned about the image.
        if matches!(error, ImageError::Fetch(error) if error.is_offline()) {
            return;
        }
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if failed.len() >= MOST_REMEMBERED {
            failed.retain(|_, (at, _)| at.elapsed() < LEFT_ALONE);
        }
        if failed.len() < MOST_REMEMBERED {
            failed.insert(url.clone(), (Instant::now(), error.to_string()));
        }
    }
}

async fn fetch_image(cx: &Context, url: &Url) -> Result<Image, ImageError> {
    leave_for_image(cx, url).await?;
    let response = cx.fetcher.get(url, Want::Image, &Validators::default()).await?;
    if response.url != *url {
        leave_for_image(cx, &response.url).await?;
    }
    let bytes = match response.body {
        Body::Bytes(bytes) => bytes,
        Body::NotModified => Vec::new(),
    };
    let host = || response.url.host_str().unwrap_or_default().to_owned();
    let media_type = kinds::raster_type(&bytes).ok_or_else(|| ImageError::NoImage { host: host() })?;
    Ok(Image { media_type, bytes })
}

async fn leave_for_image(cx: &Context, url: &Url) -> Result<(), ImageError> {
    let host = || url.host_str().unwrap_or_default().to_owned();
    match cx.permission_for(url).await {
        Permission::Granted => Ok(()),
        Permission::Refused(line) => {
            Err(ImageError::NotPermitted { host: host(), reason: format!("its robots.txt says `{line}`") })
        }
        Permission::Unknown { reason, .. } => Err(ImageError::NotPermitted { host: host(), reason }),
    }
}
