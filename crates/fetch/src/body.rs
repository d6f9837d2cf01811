//! Reads the body of a response as a stream. Counts the bytes on the wire, decompresses them, and
//! stops at the limits for both.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use async_compression::zstd::DParameter;
use futures::TryStreamExt;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio_util::io::StreamReader;

use crate::error::{FetchError, TimeoutStage, innermost_reason};

/// The value of `Accept-Encoding`: the encodings that [`decoders`] knows.
pub(crate) const ACCEPT_ENCODING: &str = "gzip, br, zstd";

/// Maximum number of encodings applied to one body. No server needs more than one.
const MOST_LAYERS: usize = 2;

/// The largest zstd window, as a power of two: the 8 MB that RFC 9659 allows on the web.
const ZSTD_WINDOW: u32 = 23;

/// The bytes on the wire that must arrive in each period of
/// [`slowest`](crate::FetchSettings::slowest).
pub const LEAST_BYTES: u64 = 4096;

/// Bytes per read. A body can exceed a limit by at most this many decompressed bytes.
const PIECE: usize = 32 * 1024;

/// A body that was read completely.
#[derive(Debug)]
pub(crate) struct ReadBody {
    pub(crate) bytes: Vec<u8>,
    pub(crate) wire_bytes: u64,
}

/// How much of a body to read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Extent {
    /// The whole body. A body with more bytes than this, on the wire or decompressed, is an error.
    Whole(usize),
    /// Only the start of the body: at most this many decompressed bytes.
    Start(usize),
}

impl Extent {
    /// The maximum number of bytes on the wire.
    ///
    /// Compression makes bodies smaller, so a body has at most about as many bytes on the wire as
    /// decompressed. If clearly more arrive, they decompress to nothing.
    fn on_wire(self) -> usize {
        match self {
            Self::Whole(limit) => limit,
            Self::Start(limit) => limit.saturating_mul(4),
        }
    }
}

/// The body has more bytes on the wire than allowed.
#[derive(Debug, thiserror::Error)]
#[error("more than {0} bytes on the wire")]
struct TooLargeOnWire(usize);

/// Reads and decompresses a body.
///
/// # Errors
/// - [`FetchError::TooLarge`] as soon as the declared length, the bytes on the wire or the
///   decompressed bytes exceed the limit.
/// - [`FetchError::Timeout`] if fewer than [`LEAST_BYTES`] arrive in a period of `slowest`.
/// - [`FetchError::Body`] if the body breaks off or cannot be decompressed.
/// - [`FetchError::Protocol`] if the encoding was not requested.
pub(crate) async fn read(
    answer: reqwest::Response,
    host: &str,
    extent: Extent,
    slowest: Duration,
) -> Result<ReadBody, FetchError> {
    let limit = extent.on_wire();
    let declared = answer.content_length().filter(|_| matches!(extent, Extent::Whole(_)));
    if declared.is_some_and(|declared| declared > limit as u64) {
        return Err(FetchError::TooLarge { host: host.to_owned(), limit });
    }
    let encodings = encodings(answer.headers(), host)?;
    let wire = Arc::new(AtomicU64::new(0));
    let source = counted(answer, Arc::clone(&wire), limit);
    let read = tokio::select! {
        read = unpack(source, &encodings, extent) => read,
        () = starves(&wire, slowest) => {
            return Err(FetchError::Timeout { host: host.to_owned(), stage: TimeoutStage::Slow, limit: slowest });
        }
    };
    let bytes = read.map_err(|error| match error {
        Broken::TooLarge => FetchError::TooLarge { host: host.to_owned(), limit },
        Broken::Read(error) if is_too_large(&error) => FetchError::TooLarge { host: host.to_owned(), limit },
        Broken::Read(error) => FetchError::Body { host: host.to_owned(), reason: innermost_reason(&error) },
    })?;
    Ok(ReadBody { bytes, wire_bytes: wire.load(Ordering::Relaxed) })
}

/// The body as a stream that counts bytes and stops at the limit.
fn counted(
    answer: reqwest::Response,
    wire: Arc<AtomicU64>,
    limit: usize,
) -> Pin<Box<dyn AsyncBufRead + Send>> {
    let pieces = answer.bytes_stream().map_err(io::Error::other).and_then(move |piece| {
        let so_far = wire.fetch_add(piece.len() as u64, Ordering::Relaxed) + piece.len() as u64;
        let within = so_far <= limit as u64;
        std::future::ready(if within { Ok(piece) } else { Err(io::Error::other(TooLargeOnWire(limit))) })
    });
    Box::pin(StreamReader::new(Box::pin(pieces)))
}

/// Completes when fewer than [`LEAST_BYTES`] arrived in a period of `slowest`.
async fn starves(wire: &AtomicU64, slowest: Duration) {
    let mut before = 0;
    loop {
        tokio::time::sleep(slowest).await;
        let now = wire.load(Ordering::Relaxed);
        if now - before < LEAST_BYTES {
            return;
        }
        before = now;
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

/// The encodings, in the order in which they were applied.
fn encodings(headers: &HeaderMap, host: &str) -> Result<Vec<Encoding>, FetchError> {
    let refuse = |reason: String| FetchError::Protocol { host: host.to_owned(), reason };
    let mut found = Vec::new();
    let lines =
        headers.get_all(CONTENT_ENCODING).into_iter().map(|value| value.to_str().unwrap_or("unreadable"));
    for name in lines.flat_map(|line| line.split(',')).map(str::trim) {
        found.push(match name.to_ascii_lowercase().as_str() {
            "" | "identity" | "none" => continue,
            "gzip" | "x-gzip" => Encoding::Gzip,
            "deflate" => Encoding::Deflate,
            "br" => Encoding::Brotli,
            "zstd" => Encoding::Zstd,
            _ => return Err(refuse(format!("its answer is encoded as {name:?}, which was not requested"))),
        });
    }
    if found.len() > MOST_LAYERS {
        return Err(refuse(format!("its answer is encoded {} times", found.len())));
    }
    Ok(found)
}

fn decoders(
    source: Pin<Box<dyn AsyncBufRead + Send>>,
    encodings: &[Encoding],
) -> Pin<Box<dyn AsyncRead + Send>> {
    let mut layer = source;
    for encoding in encodings.iter().rev() {
        let decoded: Pin<Box<dyn AsyncRead + Send>> = match encoding {
            Encoding::Gzip => {
                let mut decoder = GzipDecoder::new(layer);
                decoder.multiple_members(true);
                Box::pin(decoder)
            }
            Encoding::Deflate => Box::pin(ZlibDecoder::new(layer)),
            Encoding::Brotli => Box::pin(BrotliDecoder::new(layer)),
            Encoding::Zstd => {
                Box::pin(ZstdDecoder::with_params(layer, &[DParameter::window_log_max(ZSTD_WINDOW)]))
            }
        };
        layer = Box::pin(BufReader::new(decoded));
    }
    layer
}

enum Broken {
    TooLarge,
    Read(io::Error),
}

/// Decompresses a body. An empty body is an empty document in any encoding, because servers send it
/// without a trailer.
async fn unpack(
    mut source: Pin<Box<dyn AsyncBufRead + Send>>,
    encodings: &[Encoding],
    extent: Extent,
) -> Result<Vec<u8>, Broken> {
    if source.fill_buf().await.map_err(Broken::Read)?.is_empty() {
        return Ok(Vec::new());
    }
    collect(decoders(source, encodings), extent).await
}

/// Reads to the end, or stops within one piece after the limit.
async fn collect(mut source: Pin<Box<dyn AsyncRead + Send>>, extent: Extent) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::new();
    loop {
        bytes.reserve(PIECE);
        let read = (&mut source).take(PIECE as u64).read_buf(&mut bytes).await.map_err(Broken::Read)?;
        match extent {
            Extent::Whole(limit) if bytes.len() > limit => return Err(Broken::TooLarge),
            Extent::Start(limit) if bytes.len() >= limit => {
                bytes.truncate(limit);
                return Ok(bytes);
            }
            _ => {}
        }
        if read == 0 {
            return Ok(bytes);
        }
        // A highly compressed body always has more output ready. Without this, its task would block
        // the thread for the whole body, and requests to other hosts would time out.
        tokio::task::yield_now().await;
    }
}

/// Decompresses a document that is itself a gzip file, as sitemaps often are. This is independent
/// of the response's `Content-Encoding`, which [`Fetcher::get`](crate::Fetcher::get) has removed
/// already. Returns other bytes unchanged.
///
/// # Errors
/// If the file is broken, or larger than `limit` when decompressed. The text is in plain words.
pub async fn gunzip(bytes: Vec<u8>, limit: usize) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let source: Pin<Box<dyn AsyncBufRead + Send>> = Box::pin(io::Cursor::new(bytes));
    collect(decoders(source, &[Encoding::Gzip]), Extent::Whole(limit)).await.map_err(|broken| match broken {
        Broken::TooLarge => format!("it is larger than {limit} bytes when decompressed"),
        Broken::Read(error) => format!("its compression is broken: {}", innermost_reason(&error)),
    })
}

fn is_too_large(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<TooLargeOnWire>())
}
