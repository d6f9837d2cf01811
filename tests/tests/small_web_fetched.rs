//! The fetcher gets all feeds of the small web. The second time, it gets nothing new.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use backissue_fetch::{Body, Fetcher, Validators, Want};
use backissue_needs::{needs, shared_dir};
use backissue_tests::web::{Scheme, SmallWeb, SmallWebOptions};

fn small_web(scheme: Scheme) -> SmallWeb {
    SmallWeb::start(&shared_dir().unwrap(), SmallWebOptions { scheme, port: 0 }).unwrap()
}

async fn every_feed_comes_in_once(scheme: Scheme) {
    let web = small_web(scheme);
    let fetcher = Fetcher::new(web.fetch_settings()).unwrap();
    let feeds = web.feeds();
    assert_eq!(feeds.len(), 11, "the manifest lists eleven feeds");
    let mut known = Vec::new();
    for feed in &feeds {
        let url = feed.parse().unwrap();
        let response = fetcher.get(&url, Want::Feed, &Validators::default()).await.unwrap();
        let path = url.path().trim_start_matches('/');
        let file = shared_dir().unwrap().join("web").join(url.host_str().unwrap()).join(path);
        assert_eq!(response.body.bytes().unwrap(), std::fs::read(file).unwrap(), "{feed}");
        assert!(
            response.wire_bytes < response.body.bytes().unwrap().len() as u64,
            "{feed} was not compressed"
        );
        let media_type = response.media_type.unwrap();
        assert!(
            ["rss+xml", "atom+xml", "feed+json"].iter().any(|kind| media_type.contains(kind)),
            "{media_type}"
        );
        assert_eq!(response.cache_max_age.unwrap().as_secs(), 600);
        known.push((url, response.validators));
    }
    web.forget_requests();
    for (url, validators) in &known {
        let again = fetcher.get(url, Want::Feed, validators).await.unwrap();
        assert_eq!((again.status, again.body), (304, Body::NotModified), "{url}");
        assert_eq!(&again.validators, validators);
    }
    let requests = web.requests();
    assert_eq!(requests.len(), feeds.len());
    assert!(requests.iter().all(|request| request.conditional && request.status == 304), "{requests:?}");
}

#[tokio::test]
async fn every_feed_is_fetched_once_over_tls() {
    needs!(SharedData);
    every_feed_comes_in_once(Scheme::Https).await;
}

#[tokio::test]
async fn every_feed_is_fetched_once_over_plain_http() {
    needs!(SharedData);
    every_feed_comes_in_once(Scheme::Http).await;
}

#[tokio::test]
async fn folders_and_http_are_redirected() {
    needs!(SharedData);
    let web = small_web(Scheme::Https);
    let fetcher = Fetcher::new(web.fetch_settings()).unwrap();
    let url = "http://vitess.io/blog/2024-09-06-lfx-mentorship-journey".parse().unwrap();
    let page = fetcher.get(&url, Want::Page, &Validators::default()).await.unwrap();
    assert_eq!(page.url.as_str(), "https://vitess.io/blog/2024-09-06-lfx-mentorship-journey/");
    assert_eq!(page.moved_to.as_ref(), Some(&page.url));
    let nothing = "https://vitess.io/blog/..%2f..%2fmanifest.json".parse().unwrap();
    let error = fetcher.get(&nothing, Want::Page, &Validators::default()).await.unwrap_err();
    assert!(error.to_string().contains("404"), "{error}");
    let statuses: Vec<u16> = web.requests().iter().map(|request| request.status).collect();
    assert_eq!(statuses, [301, 301, 200, 404]);
}

#[tokio::test]
async fn last_modified_alone_makes_a_request_conditional() {
    needs!(SharedData);
    let web = small_web(Scheme::Https);
    let fetcher = Fetcher::new(web.fetch_settings()).unwrap();
    let url = web.feeds()[0].parse().unwrap();
    let first = fetcher.get(&url, Want::Feed, &Validators::default()).await.unwrap();
    let by_date = Validators { etag: None, last_modified: first.validators.last_modified };
    assert_eq!(fetcher.get(&url, Want::Feed, &by_date).await.unwrap().status, 304);
    let older =
        Validators { last_modified: Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()), ..by_date.clone() };
    assert_eq!(fetcher.get(&url, Want::Feed, &older).await.unwrap().status, 200);
    let other = Validators { etag: Some("\"another\"".to_owned()), ..by_date };
    assert_eq!(
        fetcher.get(&url, Want::Feed, &other).await.unwrap().status,
        200,
        "the etag goes before the date"
    );
}

#[tokio::test]
async fn untrusted_and_private_servers_are_refused() {
    needs!(SharedData);
    let web = small_web(Scheme::Https);
    let feed = web.feeds()[0].parse().unwrap();
    let mut settings = web.fetch_settings();
    settings.ca.clear();
    let error =
        Fetcher::new(settings).unwrap().get(&feed, Want::Feed, &Validators::default()).await.unwrap_err();
    assert!(error.to_string().contains("is not signed by an authority"), "{error}");
    let mut settings = web.fetch_settings();
    settings.allow_private_addresses = false;
    let error =
        Fetcher::new(settings).unwrap().get(&feed, Want::Feed, &Validators::default()).await.unwrap_err();
    assert!(error.to_string().contains("127.0.0.1, a loopback address"), "{error}");
    assert!(web.requests().is_empty());
}
