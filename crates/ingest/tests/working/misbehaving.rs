//! Tests for the workers with servers that misbehave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::bench::{Bench, feed, page};
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use backissue_ingest::{IngestError, IngestSettings, Round};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn host_with_a_long_pause_does_not_block_a_sync() {
    let app = Router::new().route(
        "/feed",
        get(|headers: axum::http::HeaderMap| async move {
            if headers[header::HOST] == "patient.test" {
                return (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "3600")], String::new())
                    .into_response();
            }
            feed("quick.test", &[("a", "A queue that grew")]).into_response()
        }),
    );
    let app = app.route("/a", get(|| async { page("A queue that grew", "billing") }));
    let bench = Bench::over(app).await;
    bench.follow("patient.test").await;
    bench.follow("quick.test").await;
    let began = Instant::now();
    let summary = bench.sync().await;
    assert!(began.elapsed() < Duration::from_secs(60), "the sync waited for the patient host");
    assert_eq!(summary.sources_troubled, 1);
    assert!(summary.troubles[0].reason.contains("429"), "{}", summary.troubles[0].reason);
    assert_eq!(bench.reads().await.len(), 1);
    let patient = bench.store.source_by_slug("patient-test").await.unwrap().unwrap();
    let pause = patient.health.next_poll.unwrap().duration_since(Timestamp::now());
    assert!(pause.as_mins() >= 59, "it is asked again when it said: {pause}");
}

#[tokio::test(flavor = "multi_thread")]
async fn stop_is_answered_while_a_host_keeps_a_worker_waiting() {
    let asked = Arc::new(Notify::new());
    let tell = asked.clone();
    let app = Router::new()
        .route("/feed", get(|| async { feed("silent.test", &[("a", "A queue that grew")]) }))
        .route(
            "/a",
            get(move || async move {
                tell.notify_one();
                std::future::pending::<StatusCode>().await
            }),
        );
    let settings = IngestSettings { grace: Duration::from_millis(50), ..IngestSettings::default() };
    let bench = Bench::with_settings(app, settings).await;
    bench.follow("silent.test").await;
    let stop = CancellationToken::new();
    let (ingest, stopping) = (bench.ingest.clone(), stop.clone());
    let work = tokio::spawn(async move { ingest.sync(Round::AllNow, &stopping).await });
    asked.notified().await;
    let began = Instant::now();
    stop.cancel();
    work.await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10), "it took {:?}", began.elapsed());
    // The next start takes it up.
    bench.store.release_leases().await.unwrap();
    assert_eq!(bench.store.tally(Timestamp::now()).await.unwrap().discovered, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn full_archive_is_read_and_fetches_nothing() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let app = Router::new().fallback(|| async {
        ASKED.fetch_add(1, Ordering::SeqCst);
        StatusCode::NOT_FOUND
    });
    let settings = IngestSettings { archive_limit: 1, ..IngestSettings::default() };
    let bench = Bench::with_settings(app, settings).await;
    bench.follow("blog.test").await;
    let full = bench.ingest.sync(Round::AllNow, &CancellationToken::new()).await.unwrap_err();
    assert!(matches!(full, IngestError::Full { limit: 1, .. }), "{full}");
    assert!(full.to_string().contains("archive_limit"), "{full}");
    assert_eq!(ASKED.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn read_of_a_new_owner_gets_a_new_precis() {
    let app = Router::new()
        .route(
            "/feed",
            get(|headers: axum::http::HeaderMap| async move {
                // Both name one article, the aggregator first.
                let host = headers[header::HOST].to_str().unwrap().to_owned();
                feed(if host == "early.test" { "blog.test" } else { &host }, &[("a", "A queue that grew")])
            }),
        )
        .route("/a", get(|| async { page("A queue that grew", "billing") }));
    let bench = Bench::over(app).await;
    bench.follow("early.test").await;
    bench.sync().await;
    assert_eq!(bench.reads().await[0].company, "early.test");
    bench.follow("blog.test").await;
    bench.sync().await;
    assert_eq!(bench.reads().await[0].company, "blog.test");
    assert_eq!(bench.store.asked().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_page_is_tried_later_and_a_gone_one_set_aside() {
    let app = Router::new()
        .route(
            "/feed",
            get(|| async { feed("blog.test", &[("well", "Well"), ("ill", "Ill"), ("gone", "Gone")]) }),
        )
        .route("/well", get(|| async { page("Well", "mail") }))
        .route("/ill", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/gone", get(|| async { StatusCode::GONE }));
    let bench = Bench::over(app).await;
    bench.follow("blog.test").await;
    let summary = bench.sync().await;
    assert_eq!((summary.reads_new, summary.reads_done, summary.reads_failed), (3, 1, 2));
    let aside = bench.store.set_aside(10).await.unwrap();
    assert_eq!(aside.iter().map(|r| r.title.as_str()).collect::<Vec<_>>(), ["Gone"]);
    assert!(aside[0].error.contains("410"), "{}", aside[0].error);
    let tally = bench.store.tally(Timestamp::now()).await.unwrap();
    assert_eq!((tally.discovered, tally.set_aside), (1, 1), "the other one is still due");
    assert_eq!(bench.store.retry_set_aside().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn host_gets_one_request_at_a_time_from_many_workers() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let posts: Vec<(String, String)> = (0..20).map(|n| (format!("p{n}"), format!("Post {n}"))).collect();
    let listed = posts.clone();
    let app = Router::new()
        .route(
            "/feed",
            get(move || {
                let posts: Vec<(&str, &str)> = listed.iter().map(|(s, t)| (s.as_str(), t.as_str())).collect();
                let feed = feed("busy.test", &posts);
                async move { feed }
            }),
        )
        .route(
            "/{post}",
            get(|axum::extract::Path(post): axum::extract::Path<String>| async move {
                MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::task::yield_now().await;
                NOW.fetch_sub(1, Ordering::SeqCst);
                page(&format!("Post {}", &post[1..]), &post)
            }),
        );
    let bench = Bench::over(app).await;
    bench.follow("busy.test").await;
    let summary = bench.sync().await;
    assert_eq!(summary.reads_done, 20, "{summary:?}");
    assert_eq!(MOST.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn same_article_on_two_blogs_is_one_read() {
    let app = Router::new()
        .route(
            "/feed",
            get(|headers: axum::http::HeaderMap| async move {
                feed(headers[header::HOST].to_str().unwrap(), &[("post", "The shared story")])
            }),
        )
        .route("/post", get(|| async { page("The shared story", "ledger") }));
    let bench = Bench::over(app).await;
    bench.follow("one.test").await;
    bench.follow("two.test").await;
    bench.sync().await;
    let reads = bench.reads().await;
    assert_eq!(reads.len(), 1, "{reads:?}");
    let read = bench.store.read(reads[0].id).await.unwrap().unwrap();
    assert_eq!(read.places.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_wall_does_not_merge_all_reads() {
    let app = Router::new()
        .route(
            "/feed",
            get(|| async { feed("walled.test", &[("a", "Why queues grow"), ("b", "Why caches melt")]) }),
        )
        .route("/{post}", get(|| async { page("Please accept", "cookie") }));
    let bench = Bench::over(app).await;
    bench.follow("walled.test").await;
    bench.sync().await;
    assert_eq!(bench.reads().await.len(), 2);
}
