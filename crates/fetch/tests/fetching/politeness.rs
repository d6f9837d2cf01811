//! One request at a time and a pause per host; holds that hosts demand.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use backissue_fetch::{FetchError, FetchSettings, Fetcher};

use crate::loopback::{Loopback, answer, get, linger, redirect};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn host_gets_one_request_at_a_time() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let server = Loopback::handling({
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        move |_, stream| {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            linger(stream);
            now.fetch_sub(1, Ordering::SeqCst);
            let _ = stream.write_all(&answer("200 OK", &[], b"ok"));
        }
    });
    let fetcher = server.fetcher();
    let mut all = tokio::task::JoinSet::new();
    for number in 0..30 {
        let (fetcher, host) =
            (fetcher.clone(), ["blog.example", "BLOG.example", "blog.example."][number % 3]);
        all.spawn(async move { get(&fetcher, &format!("http://{host}/{number}")).await.map(drop) });
    }
    while let Some(done) = all.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!((server.requests().len(), most.load(Ordering::SeqCst)), (30, 1));
}

#[tokio::test]
async fn different_hosts_get_requests_concurrently() {
    // Neither request is answered before both have arrived.
    let both = Arc::new(Barrier::new(2));
    let server = Loopback::answering(move |_| {
        both.wait();
        answer("200 OK", &[], b"ok")
    });
    let fetcher = server.fetcher();
    let (one, other) = tokio::join!(get(&fetcher, "http://a.example/"), get(&fetcher, "http://b.example/"));
    assert!(one.is_ok() && other.is_ok());
}

#[tokio::test]
async fn pause_separates_requests_and_hops() {
    const PAUSE: Duration = Duration::from_millis(60);
    let answered = Arc::new(Mutex::new(Vec::new()));
    let server = Loopback::handling({
        let answered = Arc::clone(&answered);
        move |request, stream| {
            let bytes =
                if request.path == "/old" { redirect(301, "/new") } else { answer("200 OK", &[], b"ok") };
            answered.lock().unwrap().push(Instant::now());
            let _ = stream.write_all(&bytes);
        }
    });
    let settings = FetchSettings { host_pause: PAUSE, ..server.settings() };
    let fetcher = Fetcher::new(settings).unwrap();
    get(&fetcher, "http://blog.example/old").await.unwrap();
    get(&fetcher, "http://blog.example/new").await.unwrap();
    assert_eq!(server.paths(), ["/old", "/new", "/new"]);
    let answered = answered.lock().unwrap();
    for (number, request) in server.requests().iter().enumerate().skip(1) {
        let pause = request.began.duration_since(answered[number - 1]);
        assert!(pause >= PAUSE, "only {pause:?} before request {number}");
    }
}

#[tokio::test]
async fn scheduler_sees_when_a_host_is_ready() {
    let server = Loopback::answering(|_| answer("200 OK", &[], b"ok"));
    let pause = Duration::from_secs(600);
    let fetcher = Fetcher::new(FetchSettings { host_pause: pause, ..server.settings() }).unwrap();
    assert_eq!(fetcher.host_ready_at("blog.example"), None);
    get(&fetcher, "http://blog.example/").await.unwrap();
    let ready_at = fetcher.clone().host_ready_at("Blog.Example").unwrap();
    assert!(ready_at > Instant::now() && ready_at <= Instant::now() + pause);
    assert_eq!(fetcher.host_ready_at("other.example"), None);
}

#[tokio::test]
async fn host_is_held_as_it_demands() {
    for (status, header, told, wait) in [
        ("429 Slow Down", "Retry-After: 120", Some(120), 120),
        ("503 Busy", "Retry-After: 30", Some(30), 30),
        ("503 Busy", "Retry-After: 999999", Some(999_999), 3600),
        ("429 Slow Down", "X-Nothing: 1", None, 60),
    ] {
        let server = Loopback::answering(move |_| answer(status, &[header], b""));
        let fetcher = server.fetcher();
        let error = get(&fetcher, "http://blog.example/a").await.unwrap_err();
        assert_eq!(error.retry_after(), told.map(Duration::from_secs), "{error}");
        let wait = Duration::from_secs(wait);
        let ready_in = fetcher.host_ready_at("blog.example").unwrap() - Instant::now();
        assert!(ready_in <= wait && ready_in > wait - Duration::from_secs(20), "{ready_in:?}");
        let held = get(&fetcher, "http://blog.example/b").await.unwrap_err();
        assert!(matches!(held, FetchError::Held { .. }) && held.is_transient(), "{held}");
        assert!(held.retry_after().unwrap() <= wait);
        assert_eq!(server.paths(), ["/a"], "the second request was not made");
        assert!(get(&fetcher, "http://other.example/c").await.is_err());
        assert_eq!(server.paths(), ["/a", "/c"], "another host was");
    }
}

#[tokio::test]
async fn a_503_without_retry_after_holds_no_host() {
    let server = Loopback::answering(|_| answer("503 Busy", &[], b""));
    let fetcher = server.fetcher();
    for _ in 0..2 {
        assert!(matches!(
            get(&fetcher, "http://blog.example/").await,
            Err(FetchError::Status { status: 503, .. })
        ));
    }
}
