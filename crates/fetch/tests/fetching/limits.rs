//! Time limits: servers that start late, stall, or never answer.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use backissue_fetch::{FetchError, FetchSettings, Fetcher, TimeoutStage};

use crate::loopback::{Loopback, answer, get, linger, until_hung_up};

/// A time far above the limits in the tests, and far below the time of a hanging server.
const SOON: Duration = Duration::from_secs(10);

async fn timed_out(settings: FetchSettings) -> TimeoutStage {
    let fetcher = Fetcher::new(settings).unwrap();
    let mut stages = Vec::new();
    // The second request gets its turn only if the first has ended its own.
    for _ in 0..2 {
        let began = Instant::now();
        let error = get(&fetcher, "http://blog.example/").await.unwrap_err();
        assert!(began.elapsed() < SOON, "it took {:?}", began.elapsed());
        assert!(error.is_transient() && !error.is_offline(), "{error}");
        match error {
            FetchError::Timeout { stage, .. } => stages.push(stage),
            other => panic!("{other}"),
        }
    }
    assert_eq!(stages[0], stages[1]);
    stages[0]
}

#[tokio::test]
async fn server_without_response_times_out() {
    let server = Loopback::handling(|_, stream| until_hung_up(stream));
    let settings = FetchSettings { first_byte_timeout: Duration::from_millis(200), ..server.settings() };
    assert_eq!(timed_out(settings).await, TimeoutStage::FirstByte);
}

#[tokio::test]
async fn dripping_headers_time_out() {
    let server = Loopback::handling(|_, stream| {
        let mut going = stream.write_all(b"HTTP/1.1 200 OK\r\n");
        while going.is_ok() && !linger(stream) {
            going = stream.write_all(b"x");
        }
    });
    let settings = FetchSettings { first_byte_timeout: Duration::from_millis(200), ..server.settings() };
    assert_eq!(timed_out(settings).await, TimeoutStage::FirstByte);
}

#[tokio::test]
async fn dripping_body_times_out() {
    let server = Loopback::handling(|_, stream| {
        let mut going = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        while going.is_ok() && !linger(stream) {
            going = stream.write_all(b"x");
        }
    });
    let settings = FetchSettings { total_timeout: Duration::from_millis(300), ..server.settings() };
    assert_eq!(timed_out(settings).await, TimeoutStage::Total);
}

#[tokio::test]
async fn body_slower_than_the_least_rate_is_given_up() {
    let server = Loopback::handling(|_, stream| {
        let mut going = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
        while going.is_ok() && !linger(stream) {
            going = stream.write_all(b"x");
        }
    });
    let settings = FetchSettings { slowest: Duration::from_millis(200), ..server.settings() };
    assert_eq!(timed_out(settings).await, TimeoutStage::Slow);
}

#[tokio::test]
async fn body_that_comes_fast_enough_is_read_to_its_end() {
    let server = Loopback::handling(|_, stream| {
        let piece = [b'x'; backissue_fetch::LEAST_BYTES as usize];
        let mut going = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 122880\r\n\r\n");
        for _ in 0..30 {
            going = going.and_then(|()| stream.write_all(&piece));
            linger(stream);
        }
    });
    let fetcher =
        Fetcher::new(FetchSettings { slowest: Duration::from_millis(200), ..server.settings() }).unwrap();
    let response = get(&fetcher, "http://blog.example/").await.unwrap();
    assert_eq!(response.wire_bytes, 122_880);
}

#[tokio::test]
async fn redirects_share_one_time_limit() {
    let server = Loopback::handling(|request, stream| {
        // A single hop stays within the limit; all of them together exceed it.
        for _ in 0..20 {
            linger(stream);
        }
        let next = format!("{}x", request.path);
        let _ = stream.write_all(&crate::loopback::redirect(302, &next));
    });
    let limits =
        FetchSettings { total_timeout: Duration::from_millis(300), max_redirects: 100, ..server.settings() };
    assert_eq!(timed_out(limits).await, TimeoutStage::Total);
    assert!(server.requests().len() < 40, "{} hops", server.requests().len());
}

#[tokio::test]
async fn endless_handshake_times_out() {
    let server = Loopback::handling(|_, _| ());
    let resolve = vec![format!("*:443:{}", server.addr).parse().unwrap()];
    let settings =
        FetchSettings { resolve, connect_timeout: Duration::from_millis(200), ..server.settings() };
    let error = get(&Fetcher::new(settings).unwrap(), "https://blog.example/").await.unwrap_err();
    assert!(matches!(error, FetchError::Timeout { stage: TimeoutStage::Connect, .. }), "{error}");
    assert_eq!(
        error.to_string(),
        "blog.example could not be connected to within 0.2 seconds; try again later"
    );
}

#[tokio::test]
async fn closed_port_is_not_reported_as_offline() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    drop(listener);
    let settings = FetchSettings {
        resolve: vec![format!("*:80:{addr}").parse().unwrap()],
        allow_private_addresses: true,
        ..FetchSettings::default()
    };
    let error = get(&Fetcher::new(settings).unwrap(), "http://blog.example/").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "blog.example could not be connected to: Connection refused; try again later"
    );
    assert!(error.is_transient() && !error.is_offline());
}

#[tokio::test]
async fn cancelled_fetch_ends_its_turn() {
    let server = Loopback::handling(|request, stream| {
        if request.path == "/hangs" {
            until_hung_up(stream);
        } else {
            let _ = stream.write_all(&answer("200 OK", &[], b"ok"));
        }
    });
    let fetcher = server.fetcher();
    let hanging = tokio::spawn({
        let fetcher = fetcher.clone();
        async move { get(&fetcher, "http://blog.example/hangs").await.map(drop) }
    });
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    hanging.abort();
    assert!(hanging.await.unwrap_err().is_cancelled());
    let next = tokio::time::timeout(SOON, get(&fetcher, "http://blog.example/next")).await;
    assert!(next.expect("the turn is free again").is_ok());
}
