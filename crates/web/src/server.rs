//! Serves HTTP/1.1 with limits for the time of a request, the number of connections, and the time
//! to stop.
//!
//! `axum::serve` has none of these limits. Without them, a client that sends half a request would
//! hold its connection for ever. Many such clients would use up the process's descriptors, and a
//! single one would prevent the process from stopping.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tower_http::timeout::TimeoutLayer;

use crate::access::Peer;

/// Limits per client and in total.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time limit for the head of a request, and for idle connections.
    pub header: Duration,
    /// Time limit for a request's body and the response.
    pub request: Duration,
    /// Maximum age of a connection. It is closed after its current request.
    pub age: Duration,
    /// Maximum number of connections. Further ones get a 503.
    pub connections: usize,
    /// How long stopping waits for running requests.
    pub stop: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header: Duration::from_secs(20),
            request: Duration::from_secs(60),
            age: Duration::from_secs(600),
            connections: 512,
            stop: Duration::from_secs(8),
        }
    }
}

/// Maximum bytes of a request's head.
const LARGEST_HEAD: usize = 64 << 10;

/// The response to a connection above the maximum.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 5\r\n\
    Connection: close\r\nContent-Length: 48\r\n\r\nToo many connections; try again in a few seconds";

/// Serves `router` until `stop` is cancelled, then waits for running requests up to
/// [`Limits::stop`].
///
/// # Errors
/// None at present: a connection that cannot be accepted is logged, and the next one is awaited.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    stop: CancellationToken,
) -> io::Result<()> {
    let router = router.layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, limits.request));
    let free = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            () = stop.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted: {error}");
                // Probably out of descriptors; some will be free soon.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        match Arc::clone(&free).try_acquire_owned() {
            Ok(place) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    connection(stream, Peer(peer.ip()), router, limits, stop).await;
                    drop(place);
                });
            }
            Err(_) => refuse(stream),
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.stop, ended).await.is_err() {
        tracing::info!("connections that were still half done are closed");
    }
    Ok(())
}

/// Refuses a connection without waiting. Data that do not fit into the socket's buffer are not
/// sent.
fn refuse(stream: TcpStream) {
    if let Ok(mut stream) = stream.into_std() {
        let _ = io::Write::write(&mut stream, FULL);
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }
}

async fn connection(stream: TcpStream, peer: Peer, router: Router, limits: Limits, stop: CancellationToken) {
    let _ = stream.set_nodelay(true);
    // The time limit of a head starts with its first byte.
    match tokio::time::timeout(limits.header, stream.peek(&mut [0])).await {
        Ok(Ok(1)) => {}
        _ => return,
    }
    let mut builder = Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(limits.header).max_buf_size(LARGEST_HEAD);
    let service = TowerToHyperService::new(router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request
    }));
    let mut served = pin!(builder.serve_connection(TokioIo::new(stream), service));
    // A running request may finish; an idle connection is closed immediately.
    let result = tokio::select! {
        result = served.as_mut() => Some(result),
        () = stop.cancelled() => None,
        () = tokio::time::sleep(limits.age) => None,
    };
    let result = match result {
        Some(result) => result,
        None => {
            served.as_mut().graceful_shutdown();
            match tokio::time::timeout(limits.request, served).await {
                Ok(result) => result,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection broke off: {error}");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    const SHORT: Duration = Duration::from_millis(200);
    const LONG: Duration = Duration::from_secs(60);

    struct Server {
        address: std::net::SocketAddr,
        stop: CancellationToken,
        served: tokio::task::JoinHandle<io::Result<()>>,
    }

    async fn server(limits: Limits) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = |body: String| async move { if body.is_empty() { "here".to_owned() } else { body } };
        let router = Router::new().fallback(answer);
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, router, limits, stop.clone()));
        Server { address, stop, served }
    }

    impl Server {
        async fn send(&self, text: &str) -> TcpStream {
            let mut stream = TcpStream::connect(self.address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            stream
        }
    }

    /// Reads until the other side closes.
    async fn rest(mut stream: TcpStream) -> String {
        let mut text = Vec::new();
        let read = tokio::time::timeout(LONG, stream.read_to_end(&mut text)).await.expect("it stayed open");
        // A reset ends the connection too.
        let _ = read;
        String::from_utf8_lossy(&text).into_owned()
    }

    fn limits() -> Limits {
        Limits { header: LONG, request: LONG, age: LONG, connections: 100, stop: LONG }
    }

    #[tokio::test]
    async fn half_a_head_and_idle_connections_are_closed() {
        let server = server(Limits { header: SHORT, ..limits() }).await;
        for text in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] {
            let answer = rest(server.send(text).await).await;
            assert!(!answer.contains("200"), "{text}: {answer}");
        }
        let answer = rest(server.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await).await;
        assert!(answer.contains("200 OK") && answer.ends_with("here"), "{answer}");
    }

    #[tokio::test]
    async fn half_a_body_times_out() {
        let server = server(Limits { request: SHORT, ..limits() }).await;
        let head =
            "POST /form HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 100\r\n\r\nabc";
        let answer = rest(server.send(head).await).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    }

    #[tokio::test]
    async fn excess_connection_is_refused_and_the_next_served() {
        let server = server(Limits { connections: 2, ..limits() }).await;
        let (first, second) = (server.send("GET / HT").await, server.send("GET / HT").await);
        let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        // Both are accepted before the third, in order of connecting.
        let mut third = TcpStream::connect(server.address).await.unwrap();
        let mut answer = Vec::new();
        let _ = third.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        drop((first, second));
        let deadline = Instant::now() + LONG;
        loop {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            let _ = stream.write_all(request.as_bytes()).await;
            if rest(stream).await.contains("200 OK") {
                break;
            }
            assert!(Instant::now() < deadline, "no place became free");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn stopping_does_not_wait_for_half_a_request() {
        let server = server(Limits { stop: SHORT, ..limits() }).await;
        let half = [
            server.send("").await,
            server.send("GET / HT").await,
            server.send("POST /form HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc").await,
        ];
        // A response shows that the others were accepted too.
        let request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        assert!(rest(server.send(request).await).await.contains("200 OK"));
        server.stop.cancel();
        tokio::time::timeout(LONG / 4, server.served).await.expect("it did not stop").unwrap().unwrap();
        drop(half);
    }
}
