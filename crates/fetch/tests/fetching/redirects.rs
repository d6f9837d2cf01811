//! Redirects over real connections: followed, bounded, and never with credentials for another host.

use backissue_fetch::{FetchError, FetchSettings, Fetcher};

use crate::loopback::{Loopback, answer, get, redirect};

/// A server that redirects `/301/302/end` with the status of its first part to the rest.
fn by_path() -> Loopback {
    Loopback::answering(|request| {
        let mut parts = request.path[1..].splitn(2, '/');
        match (parts.next().and_then(|part| part.parse().ok()), parts.next()) {
            (Some(status), Some(rest)) => redirect(status, &format!("/{rest}")),
            _ => answer("200 OK", &[], b"arrived"),
        }
    })
}

#[tokio::test]
async fn permanent_part_of_a_chain_gives_the_new_address() {
    let server = by_path();
    let fetcher = server.fetcher();
    for (path, moved_to) in [
        ("/301/end", Some("/end")),
        ("/308/301/end", Some("/end")),
        ("/301/302/end", Some("/302/end")),
        ("/302/301/end", None),
        ("/303/end", None),
        ("/307/end", None),
        ("/end", None),
    ] {
        let response = get(&fetcher, &format!("http://blog.example{path}")).await.unwrap();
        assert_eq!(response.url.path(), "/end", "{path}");
        assert_eq!(response.moved_to.as_ref().map(|url| url.path()), moved_to, "{path}");
        assert_eq!(response.body.bytes(), Some(&b"arrived"[..]));
    }
}

#[tokio::test]
async fn redirect_loops_and_long_chains_are_errors() {
    let server = Loopback::answering(|request| match request.path.as_str() {
        "/a" => redirect(301, "/b"),
        "/b" => redirect(302, "http://blog.example/a"),
        "/self" => redirect(301, "#part"),
        longer => redirect(302, &format!("{longer}x")),
    });
    let fetcher = server.fetcher();
    for (path, requests) in [("/a", 2), ("/self", 1)] {
        let before = server.requests().len();
        let error = get(&fetcher, &format!("http://blog.example{path}")).await.unwrap_err();
        assert!(error.to_string().contains("leads back"), "{error}");
        assert_eq!(server.requests().len() - before, requests);
    }
    let before = server.requests().len();
    let error = get(&fetcher, "http://blog.example/x").await.unwrap_err();
    assert_eq!(error, FetchError::TooManyRedirects { host: "blog.example".to_owned(), limit: 10 });
    assert_eq!(server.requests().len() - before, 11);
    let none = Fetcher::new(FetchSettings { max_redirects: 0, ..server.settings() }).unwrap();
    assert!(matches!(
        get(&none, "http://blog.example/x").await,
        Err(FetchError::TooManyRedirects { limit: 0, .. })
    ));
}

#[tokio::test]
async fn redirects_to_nowhere_are_errors() {
    for (bytes, why) in [
        (answer("301 Moved", &[], b""), "its 301 has no address"),
        (redirect(301, "http://"), "its address is wrong"),
        (redirect(302, "http://[::1"), "its address is wrong"),
    ] {
        let server = Loopback::answering(move |_| bytes.clone());
        let error = get(&server.fetcher(), "http://blog.example/").await.unwrap_err();
        assert!(
            matches!(error, FetchError::BadRedirect { .. }) && error.to_string().contains(why),
            "{error}"
        );
    }
}

#[tokio::test]
async fn redirects_to_other_schemes_and_ports_are_refused() {
    for location in [
        "file:///etc/passwd", "ftp://blog.example/feed", "gopher://blog.example/", "data:text/html,<p>hello",
        "javascript:alert(1)", "ws://blog.example/", "http://blog.example:22/", "//blog.example:6379/",
        "https://blog.example:8443/",
    ] {
        let server = Loopback::answering(move |_| redirect(302, location));
        let error = get(&server.fetcher(), "http://blog.example/").await.unwrap_err();
        assert!(matches!(error, FetchError::NotAllowed { .. }), "{location}: {error}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn credentials_stay_with_their_host_and_out_of_messages() {
    let server = Loopback::answering(|request| match request.path.as_str() {
        "/private" => redirect(302, "http://you:other@elsewhere.example/there"),
        _ => answer("404 Not Found", &[], b""),
    });
    let error = get(&server.fetcher(), "http://me:secret@blog.example/private").await.unwrap_err();
    let requests = server.requests();
    assert!(requests[0].header("authorization").unwrap().starts_with("Basic "));
    assert_eq!(requests[1].header("host"), Some("elsewhere.example"));
    assert_eq!((requests[1].header("authorization"), requests[1].header("referer")), (None, None));
    let refused = get(&server.fetcher(), "http://me:secret@blog.example:99/").await.unwrap_err();
    for told in [format!("{error} {error:?}"), format!("{refused} {refused:?}")] {
        assert!(!told.contains("secret") && !told.contains("other"), "{told}");
    }
}
