//! Posted forms, and links in response headers.

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use backissue_fetch::{FetchError, FetchSettings, Fetcher};

use crate::loopback::{Loopback, answer, get_from, redirect};

/// The received forms: path and body.
type Taken = Arc<Mutex<Vec<(String, String)>>>;

/// A server that redirects `/307/there` with the status of its first part to the rest, and records
/// what it receives.
fn taking_forms() -> (Loopback, Taken) {
    let taken = Taken::default();
    let log = taken.clone();
    let server = Loopback::handling(move |request, stream| {
        let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        log.lock().unwrap().push((request.path.clone(), String::from_utf8(body).unwrap()));
        let mut parts = request.path[1..].splitn(2, '/');
        let reply = match (parts.next().and_then(|part| part.parse().ok()), parts.next()) {
            (Some(status), Some(rest)) => redirect(status, &format!("/{rest}")),
            _ => answer("202 Accepted", &[], b""),
        };
        let _ = stream.write_all(&reply);
    });
    (server, taken)
}

const FORM: [(&str, &str); 2] = [("hub.mode", "subscribe"), ("hub.topic", "http://a.example/?b=c&d=\u{e9}")];
const SENT: &str = "hub.mode=subscribe&hub.topic=http%3A%2F%2Fa.example%2F%3Fb%3Dc%26d%3D%C3%A9";

#[tokio::test]
async fn form_is_sent_and_kept_by_307_and_308() {
    for (path, requests) in [("/hub", 1), ("/307/hub", 2), ("/308/307/hub", 3)] {
        let (server, taken) = taking_forms();
        let url = format!("http://hub.example{path}").parse().unwrap();
        let response = server.fetcher().post_form(&url, &FORM).await.unwrap();
        assert_eq!((response.status, response.url.path()), (202, "/hub"), "{path}");
        let taken = taken.lock().unwrap();
        assert_eq!(taken.len(), requests, "{path}");
        assert!(taken.iter().all(|(_, body)| body == SENT), "{taken:?}");
        let first = &server.requests()[0];
        assert_eq!(first.header("content-type"), Some("application/x-www-form-urlencoded"));
    }
}

#[tokio::test]
async fn form_is_not_sent_to_changed_or_private_targets() {
    for status in [301, 302, 303] {
        let (server, taken) = taking_forms();
        let url = format!("http://hub.example/{status}/hub").parse().unwrap();
        let error = server.fetcher().post_form(&url, &FORM).await.unwrap_err();
        assert!(matches!(error, FetchError::BadRedirect { .. }), "{error}");
        assert_eq!(taken.lock().unwrap().len(), 1);
    }
    let fetcher = Fetcher::new(FetchSettings::default()).unwrap();
    for inside in
        ["http://127.0.0.1/hub", "http://[::1]/hub", "http://169.254.169.254/", "ftp://hub.example/"]
    {
        let error = fetcher.post_form(&inside.parse().unwrap(), &FORM).await.unwrap_err();
        assert!(matches!(error, FetchError::NotAllowed { .. }), "{inside}: {error}");
    }
}

#[tokio::test]
async fn response_has_the_links_of_its_headers() {
    let headers = [
        "Link: <https://hub.example/>; rel=hub",
        "Link: </feed>; rel=\"self\", <javascript:alert(1)>; rel=hub",
    ];
    let response = get_from(answer("200 OK", &headers, b"")).await.unwrap();
    let links: Vec<String> =
        response.links.iter().map(|link| format!("{} {}", link.relation, link.url)).collect();
    assert_eq!(links, ["hub https://hub.example/", "self http://blog.example/feed"]);
}
