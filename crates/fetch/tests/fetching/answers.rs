//! Requests and responses: headers, validators, statuses.

use std::time::Duration;

use backissue_fetch::{Body, FetchError, Fetcher, Validators, Want};

use crate::loopback::{Loopback, answer, get, get_from};

#[tokio::test]
async fn response_has_the_contents_of_its_headers() {
    let headers = [
        "Content-Type: text/html; charset=utf-8",
        "ETag: W/\"v1\"",
        "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT",
        "Cache-Control: public, max-age=300",
        "Age: 100",
    ];
    let response = get_from(answer("200 OK", &headers, b"<p>Hello")).await.unwrap();
    assert_eq!(response.url.as_str(), "http://blog.example/");
    assert_eq!((response.status, response.moved_to), (200, None));
    assert_eq!(response.body, Body::Bytes(b"<p>Hello".to_vec()));
    assert_eq!(response.media_type.as_deref(), Some("text/html; charset=utf-8"));
    assert_eq!(response.validators.etag.as_deref(), Some("W/\"v1\""));
    assert_eq!(response.validators.last_modified.as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
    assert_eq!(response.cache_max_age, Some(Duration::from_secs(200)));
    assert_eq!(response.wire_bytes, 8);
}

#[tokio::test]
async fn request_has_only_the_necessary_headers() {
    let server = Loopback::answering(|_| answer("200 OK", &["Set-Cookie: id=1; Path=/"], b""));
    let mut settings = server.settings();
    settings.contact_url = Some("https://reader.example/bot".to_owned());
    let fetcher = Fetcher::new(settings).unwrap();
    let url = "http://blog.example/feed?a=b#part".parse().unwrap();
    for want in [Want::Feed, Want::Page, Want::Any] {
        fetcher.get(&url, want, &Validators::default()).await.unwrap();
    }
    let requests = server.requests();
    assert!(requests[0].header("accept").unwrap().starts_with("application/atom+xml"));
    assert!(requests[1].header("accept").unwrap().starts_with("text/html"));
    assert_eq!(requests[2].header("accept"), Some("*/*"));
    for request in &requests {
        assert_eq!(request.path, "/feed?a=b");
        let agent = concat!("Backissue/", env!("CARGO_PKG_VERSION"), " (+https://reader.example/bot)");
        assert_eq!(request.header("user-agent"), Some(agent));
        let mut names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "accept-encoding", "host", "user-agent"]);
    }
}

#[tokio::test]
async fn conditional_request_recognises_304() {
    let server = Loopback::answering(|_| answer("304 Not Modified", &["ETag: \"v2\""], b""));
    let known = Validators {
        etag: Some("\"v1\"".to_owned()),
        last_modified: Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
    };
    let url = "http://blog.example/".parse().unwrap();
    let response = server.fetcher().get(&url, Want::Feed, &known).await.unwrap();
    assert_eq!((response.status, response.body, response.wire_bytes), (304, Body::NotModified, 0));
    let etag = Some("\"v2\"".to_owned());
    assert_eq!(response.validators, Validators { etag, ..known.clone() });
    let request = &server.requests()[0];
    assert_eq!(request.header("if-none-match"), known.etag.as_deref());
    assert_eq!(request.header("if-modified-since"), known.last_modified.as_deref());
    let error = get(&server.fetcher(), "http://blog.example/").await.unwrap_err();
    assert!(
        matches!(error, FetchError::Status { status: 304, .. }),
        "304 to an unconditional request: {error}"
    );
}

#[tokio::test]
async fn invalid_validators_are_not_sent() {
    let server = Loopback::answering(|_| answer("200 OK", &[], b"new"));
    let broken = Validators { etag: Some("\"a\"\r\nX-Evil: 1".to_owned()), last_modified: None };
    let url = "http://blog.example/".parse().unwrap();
    server.fetcher().get(&url, Want::Feed, &broken).await.unwrap();
    let request = &server.requests()[0];
    assert_eq!((request.header("if-none-match"), request.header("x-evil")), (None, None));
}

#[tokio::test]
async fn refusals_name_remedy_and_whether_to_retry() {
    for (status, words, transient, gone) in [
        ("400 Bad", "400", false, false),
        ("403 Forbidden", "it denies access", false, false),
        ("404 Not Found", "nothing at this address", false, false),
        ("410 Gone", "stop following", false, true),
        ("429 Slow Down", "too many requests", true, false),
        ("500 Oops", "try again later", true, false),
        ("503 Busy", "try again later", true, false),
        ("300 Choices", "not a document", false, false),
    ] {
        let error = get_from(answer(status, &[], b"<h1>no</h1>")).await.unwrap_err();
        let told = error.to_string();
        assert!(told.starts_with("blog.example answered") && told.contains(words), "{told}");
        assert_eq!((error.is_transient(), error.is_gone()), (transient, gone), "{told}");
        assert!(!error.is_offline());
    }
    let error = get_from(answer("206 Partial", &[], b"half")).await.unwrap_err();
    assert!(matches!(error, FetchError::Protocol { .. }), "{error}");
}

#[tokio::test]
async fn violations_of_http_are_distinguished() {
    let many_fields: String = (0..100_000).map(|number| format!("X-{number}: y\r\n")).collect();
    for bytes in [
        b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(),
        b"".to_vec(),
        b"HTTP/1.1 200".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: minus one\r\n\r\n".to_vec(),
        format!("HTTP/1.1 200 OK\r\n{many_fields}\r\n").into_bytes(),
        format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(5_000_000)).into_bytes(),
    ] {
        let error = get_from(bytes).await.unwrap_err();
        assert!(matches!(error, FetchError::Protocol { .. }), "{error}");
        assert!(error.to_string().starts_with("blog.example did not answer in proper HTTP: "), "{error}");
    }
}
