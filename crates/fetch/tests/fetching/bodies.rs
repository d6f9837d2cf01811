//! Bodies that are compressed, cut, larger than declared, or larger than allowed.

use std::io::Write;

use async_compression::Level;
use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use backissue_fetch::{Body, FetchError, FetchSettings, Fetcher, Validators, Want, gunzip};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::loopback::{Loopback, answer, get, get_from, until_hung_up};

const TEXT: &[u8] =
    b"One tenant starves the others. One tenant starves the others. One tenant starves the others.";
const LIMIT: usize = 256 * 1024;

async fn pressed<E: AsyncWrite + Unpin>(mut encoder: E, bytes: &[u8]) -> E {
    encoder.write_all(bytes).await.unwrap();
    encoder.shutdown().await.unwrap();
    encoder
}

async fn encoded(encoding: &str, bytes: &[u8]) -> Vec<u8> {
    match encoding {
        "gzip" | "x-gzip" => pressed(GzipEncoder::new(Vec::new()), bytes).await.into_inner(),
        "deflate" => pressed(ZlibEncoder::new(Vec::new()), bytes).await.into_inner(),
        "br" => pressed(BrotliEncoder::with_quality(Vec::new(), Level::Fastest), bytes).await.into_inner(),
        "zstd" => pressed(ZstdEncoder::new(Vec::new()), bytes).await.into_inner(),
        other => panic!("{other}"),
    }
}

async fn get_limited(bytes: Vec<u8>) -> Result<usize, FetchError> {
    let server = Loopback::answering(move |_| bytes.clone());
    let mut settings = server.settings();
    settings.max_bytes_page = LIMIT;
    let response = get(&Fetcher::new(settings).unwrap(), "http://blog.example/").await?;
    Ok(response.body.bytes().unwrap().len())
}

#[tokio::test]
async fn compressed_bodies_are_decoded_and_counted_on_the_wire() {
    for encoding in ["gzip", "x-gzip", "deflate", "br", "zstd"] {
        let body = encoded(encoding, TEXT).await;
        let header = format!("Content-Encoding: {encoding}");
        let response = get_from(answer("200 OK", &[&header], &body)).await.unwrap();
        assert_eq!(response.body, Body::Bytes(TEXT.to_vec()), "{encoding}");
        assert_eq!(response.wire_bytes, body.len() as u64);
    }
    let twice = encoded("br", &encoded("gzip", TEXT).await).await;
    let response = get_from(answer("200 OK", &["Content-Encoding: gzip, br"], &twice)).await.unwrap();
    assert_eq!(response.body.bytes(), Some(TEXT));
}

#[tokio::test]
async fn gzip_file_is_decompressed_within_its_limit() {
    let file = encoded("gzip", TEXT).await;
    assert_eq!(gunzip(file.clone(), TEXT.len()).await.unwrap(), TEXT);
    assert_eq!(gunzip(TEXT.to_vec(), 0).await.unwrap(), TEXT, "what is no gzip stays as it is");
    let cut = gunzip(file[..file.len() / 2].to_vec(), LIMIT).await.unwrap_err();
    assert!(cut.contains("broken"), "{cut}");
    let bomb = encoded("gzip", &vec![0; 3 * LIMIT]).await;
    assert!(bomb.len() < LIMIT / 100);
    let large = gunzip(bomb, LIMIT).await.unwrap_err();
    assert!(large.contains("larger than 262144 bytes"), "{large}");
}

#[tokio::test]
async fn gzip_of_several_members_is_read_completely() {
    let body = [encoded("gzip", TEXT).await, encoded("gzip", TEXT).await].concat();
    let response = get_from(answer("200 OK", &["Content-Encoding: gzip"], &body)).await.unwrap();
    assert_eq!(response.body, Body::Bytes([TEXT, TEXT].concat()));
}

#[tokio::test]
async fn decompression_bombs_are_cut_at_the_limit() {
    let zeros = vec![0; 64 * LIMIT];
    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let bomb = encoded(encoding, &zeros).await;
        assert!(bomb.len() < LIMIT / 4, "{encoding}: {} bytes", bomb.len());
        let header = format!("Content-Encoding: {encoding}");
        let error = get_limited(answer("200 OK", &[&header], &bomb)).await.unwrap_err();
        assert_eq!(
            error,
            FetchError::TooLarge { host: "blog.example".to_owned(), limit: LIMIT },
            "{encoding}"
        );
    }
}

#[tokio::test]
async fn nested_bombs_are_cut_and_a_third_layer_is_refused() {
    let inner = encoded("gzip", &vec![0; 64 * LIMIT]).await;
    let bomb = encoded("gzip", &inner).await;
    let error = get_limited(answer("200 OK", &["Content-Encoding: gzip, gzip"], &bomb)).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
    let error =
        get_limited(answer("200 OK", &["Content-Encoding: gzip, gzip, gzip"], &bomb)).await.unwrap_err();
    assert!(error.to_string().contains("encoded 3 times"), "{error}");
}

#[tokio::test]
async fn compressed_bytes_without_output_count_too() {
    let empty = encoded("gzip", b"").await;
    let body = empty.repeat(2 * LIMIT / empty.len());
    let error = get_limited(answer("200 OK", &["Content-Encoding: gzip"], &body)).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { limit: LIMIT, .. }), "{error}");
}

#[tokio::test]
async fn body_may_have_exactly_the_limit() {
    assert_eq!(get_limited(answer("200 OK", &[], &vec![b'x'; LIMIT])).await.unwrap(), LIMIT);
    let without_length = |bytes: usize| {
        [b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".as_slice(), &vec![b'x'; bytes]].concat()
    };
    assert_eq!(get_limited(without_length(LIMIT)).await.unwrap(), LIMIT);
    let error = get_limited(without_length(LIMIT + 1)).await.unwrap_err();
    assert!(error.to_string().contains("the limit of 262144 bytes"), "{error}");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn declared_length_over_the_limit_is_refused_early() {
    let server = Loopback::handling(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n").unwrap();
        until_hung_up(stream);
    });
    let error = get(&server.fetcher(), "http://blog.example/").await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn endless_stream_is_cut() {
    let server = Loopback::handling(|_, stream| {
        let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let chunk = [b"4000\r\n".as_slice(), &[b'x'; 0x4000], b"\r\n"].concat();
        let mut going = stream.write_all(head);
        while going.is_ok() {
            going = stream.write_all(&chunk);
        }
    });
    let error = get(&server.fetcher(), "http://blog.example/").await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn start_of_a_text_is_read_without_the_rest() {
    let endless = Loopback::handling(|request, stream| {
        let length = if request.path == "/declared" { "Content-Length: 99999999999" } else { "X: y" };
        let mut going = stream.write_all(format!("HTTP/1.1 200 OK\r\n{length}\r\n\r\n").as_bytes());
        while going.is_ok() {
            going = stream.write_all(&[b'x'; 0x4000]);
        }
    });
    let start = async |server: &Loopback, path: &str| {
        let fetcher = Fetcher::new(FetchSettings { max_bytes_start: LIMIT, ..server.settings() }).unwrap();
        let url = format!("http://blog.example/{path}").parse().unwrap();
        fetcher.get(&url, Want::Start, &Validators::default()).await
    };
    for path in ["declared", "not-declared"] {
        let response = start(&endless, path).await.unwrap();
        assert_eq!(response.body.bytes().unwrap(), vec![b'x'; LIMIT], "{path}");
    }
    for encoding in ["gzip", "br", "zstd"] {
        let bomb = encoded(encoding, &vec![b'x'; 4 * LIMIT]).await;
        let header = format!("Content-Encoding: {encoding}");
        let server = Loopback::answering(move |_| answer("200 OK", &[&header], &bomb));
        assert_eq!(start(&server, "").await.unwrap().body.bytes().unwrap(), vec![b'x'; LIMIT], "{encoding}");
    }
    let empty = encoded("gzip", b"").await;
    let body = empty.repeat(5 * LIMIT / empty.len());
    let server = Loopback::answering(move |_| answer("200 OK", &["Content-Encoding: gzip"], &body));
    assert!(matches!(start(&server, "").await, Err(FetchError::TooLarge { .. })), "it unpacks to nothing");
    let short = Loopback::answering(|_| answer("200 OK", &[], b"all of it"));
    assert_eq!(start(&short, "").await.unwrap().body.bytes(), Some(&b"all of it"[..]));
}

#[tokio::test]
async fn broken_bodies_are_transient_errors() {
    let gzip = encoded("gzip", TEXT).await;
    let mut flipped = gzip.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 0xff;
    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this".to_vec();
    let half_chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nonly this".to_vec();
    for bytes in [
        short,
        half_chunk,
        answer("200 OK", &["Content-Encoding: gzip"], &gzip[..gzip.len() / 2]),
        answer("200 OK", &["Content-Encoding: gzip"], &flipped),
        answer("200 OK", &["Content-Encoding: gzip"], TEXT),
        answer("200 OK", &["Content-Encoding: br"], b"\xff\xff\xff\xff"),
        answer("200 OK", &["Content-Encoding: zstd"], TEXT),
    ] {
        let error = get_from(bytes.clone()).await.unwrap_err();
        assert!(matches!(error, FetchError::Body { .. }), "{error} for {}", String::from_utf8_lossy(&bytes));
        assert!(error.is_transient());
    }
}

#[tokio::test]
async fn unrequested_encoding_is_named() {
    let error = get_from(answer("200 OK", &["Content-Encoding: compress"], TEXT)).await.unwrap_err();
    assert!(error.to_string().contains("\"compress\", which was not requested"), "{error}");
}

#[tokio::test]
async fn empty_compressed_body_is_empty() {
    let response = get_from(answer("200 OK", &["Content-Encoding: gzip"], b"")).await.unwrap();
    assert_eq!(response.body, Body::Bytes(Vec::new()));
}
