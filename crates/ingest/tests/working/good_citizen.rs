//! Tests for the schedule of polls and for changes of feeds' addresses, with a real store and real
//! sockets.

use std::sync::{Arc, Mutex};

use crate::bench::{Bench, feed, page};
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use backissue_ingest::IngestSettings;
use backissue_model::{Because, Source, Standing};
use backissue_store::Unfollow;
use jiff::{SignedDuration, Timestamp};

/// The responses of a small web, by host and path. All other paths are articles.
#[derive(Clone, Default)]
struct Web {
    answers: Arc<Mutex<Vec<(String, Kind)>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

#[derive(Clone)]
enum Kind {
    Document { body: String, headers: HeaderMap },
    Redirect(StatusCode, &'static str),
    Status(StatusCode),
}

impl Web {
    fn set(&self, place: &str, kind: Kind) {
        let mut answers = self.answers.lock().unwrap();
        answers.retain(|(known, _)| known != place);
        answers.push((place.to_owned(), kind));
    }

    fn serve(&self, place: &str, body: impl Into<String>) {
        self.set(place, Kind::Document { body: body.into(), headers: HeaderMap::new() });
    }

    fn serve_with(
        &self,
        place: &str,
        body: impl Into<String>,
        name: header::HeaderName,
        value: &'static str,
    ) {
        let headers = HeaderMap::from_iter([(name, HeaderValue::from_static(value))]);
        self.set(place, Kind::Document { body: body.into(), headers });
    }

    fn router(&self) -> Router {
        let web = self.clone();
        Router::new().fallback(move |request: Request| {
            let web = web.clone();
            async move { web.answer(&request) }
        })
    }

    fn answer(&self, request: &Request) -> Response {
        let host = request.headers()[header::HOST].to_str().unwrap();
        let place = format!("{host}{}", request.uri().path());
        self.asked.lock().unwrap().push(place.clone());
        let answers = self.answers.lock().unwrap();
        let known = answers.iter().find(|(known, _)| *known == place).map(|(_, kind)| kind.clone());
        match known {
            Some(Kind::Document { headers, .. })
                if headers.contains_key(header::ETAG)
                    && request.headers().get(header::IF_NONE_MATCH) == headers.get(header::ETAG) =>
            {
                (StatusCode::NOT_MODIFIED, headers).into_response()
            }
            Some(Kind::Document { body, headers }) => (headers, body).into_response(),
            Some(Kind::Redirect(status, to)) => (status, [(header::LOCATION, to)]).into_response(),
            Some(Kind::Status(status)) => status.into_response(),
            None if place.ends_with("/robots.txt") => StatusCode::NOT_FOUND.into_response(),
            None => page(&place, &place).into_response(),
        }
    }

    /// The requests for feeds and other pages since the last call, except for articles and
    /// robots.txt.
    fn asked(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        asked.into_iter().filter(|place| place.contains("feed") || place.contains("rss")).collect()
    }

    async fn followed(&self, poll_every: SignedDuration) -> Bench {
        let settings = IngestSettings { poll_every, ..IngestSettings::default() };
        let bench = Bench::with_settings(self.router(), settings).await;
        bench.follow("blog.test").await;
        bench
    }
}

async fn source(bench: &Bench) -> Source {
    bench.store.source_by_slug("blog-test").await.unwrap().unwrap()
}

fn feed_url(source: &Source) -> &str {
    source.feed_url.as_ref().unwrap().as_str()
}

/// A feed of posts that appeared these numbers of hours ago, with `head` in its channel.
fn feed_of(hours_ago: &[i64], head: &str) -> String {
    let items: String = hours_ago
        .iter()
        .map(|hours| {
            let at = Timestamp::now() - SignedDuration::from_hours(*hours);
            let date = at.strftime("%a, %d %b %Y %H:%M:%S GMT");
            format!(
                "<item><title>Post of hour {hours}</title><link>http://blog.test/post-{hours}</link><pubDate>{date}</pubDate></item>"
            )
        })
        .collect();
    format!("<rss version='2.0'><channel><title>The blog of tests</title>{head}{items}</channel></rss>")
}

const HOUR: SignedDuration = SignedDuration::from_hours(1);
const AT_ONCE: SignedDuration = SignedDuration::ZERO;

#[tokio::test(flavor = "multi_thread")]
async fn page_that_only_redirects_is_its_target() {
    let refresh = |to: &str| format!("<title>Moved</title><meta http-equiv=refresh content='0; url={to}'>");
    let web = Web::default();
    web.serve(
        "blog.test/feed",
        feed("blog.test", &[("old", "Moved"), ("script", "Scripted"), ("loop-a", "Round")]),
    );
    web.serve("blog.test/old", refresh("/older"));
    web.serve("blog.test/older", refresh("http://blog.test/new"));
    web.serve("blog.test/script", "<script>window.location.replace('/scripted')</script>");
    web.serve("blog.test/loop-a", refresh("/loop-b"));
    web.serve("blog.test/loop-b", refresh("/loop-a"));
    let bench = web.followed(HOUR).await;
    bench.sync().await;
    let mut titles: Vec<String> = bench.reads().await.into_iter().map(|read| read.title).collect();
    titles.sort_unstable();
    assert_eq!(titles, ["blog.test/new", "blog.test/scripted"]);
    let aside = bench.store.set_aside(9).await.unwrap();
    assert_eq!(aside.len(), 1);
    assert!(aside[0].error.contains("redirects more than"), "{}", aside[0].error);
}

#[tokio::test(flavor = "multi_thread")]
async fn source_is_polled_in_its_rhythm() {
    let often: Vec<i64> = (0..10).map(|n| n * 5).collect();
    let seldom: Vec<i64> = (0..10).map(|n| n * 720).collect();
    let twice_a_week: Vec<i64> = (0..10).map(|n| n * 84 + 42).collect();
    for (hours_ago, asked_every) in [(often, 1), (twice_a_week, 7), (seldom, 24)] {
        let web = Web::default();
        web.serve("blog.test/feed", feed_of(&hours_ago, ""));
        let bench = web.followed(HOUR).await;
        bench.sync().await;
        let health = source(&bench).await.health;
        let pace = health.pace.unwrap();
        assert_eq!((pace.pause.as_hours(), pace.because), (asked_every, Because::Rhythm), "{hours_ago:?}");
        let pause = health.next_poll.unwrap().duration_since(health.last_poll.unwrap());
        assert!(pause >= pace.pause && pause <= pace.pause * 11 / 10, "{pause}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn polling_hints_and_server_demands_both_apply() {
    let web = Web::default();
    let often: Vec<i64> = (0..10).map(|n| n * 5).collect();
    let body = feed_of(&often, "<ttl>300</ttl>");
    web.serve_with("blog.test/feed", body.clone(), header::ETAG, "\"1\"");
    let bench = web.followed(HOUR).await;
    for round in ["read", "unchanged"] {
        bench.sync().await;
        let pace = source(&bench).await.health.pace.unwrap();
        assert_eq!((pace.pause, pace.because), (HOUR * 5, Because::Feed), "{round}");
    }
    assert_eq!(source(&bench).await.health.last_new, None, "it was unchanged");
    web.serve_with("blog.test/feed", body, header::CACHE_CONTROL, "max-age=28800");
    bench.sync().await;
    let pace = source(&bench).await.health.pace.unwrap();
    assert_eq!((pace.pause, pace.because), (HOUR * 8, Because::Server));
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_source_has_a_date_and_recovers() {
    let web = Web::default();
    web.serve("blog.test/feed", feed("blog.test", &[("a", "A queue that grew")]));
    let bench = web.followed(HOUR).await;
    bench.sync().await;
    let well = source(&bench).await.health;
    web.set("blog.test/feed", Kind::Status(StatusCode::INTERNAL_SERVER_ERROR));
    bench.sync().await;
    let first = source(&bench).await.health;
    bench.sync().await;
    let second = source(&bench).await.health;
    assert_eq!((first.failing_since, second.failing_since), (first.last_poll, first.last_poll));
    assert_eq!((second.failures, second.last_success), (2, well.last_success));
    let pace = second.pace.unwrap();
    assert_eq!(pace.because, Because::Failure);
    // Times are stored in milliseconds.
    let off = second.next_poll.unwrap().duration_since(second.last_poll.unwrap() + pace.pause);
    assert!(off.abs() < SignedDuration::from_millis(2), "{off}");
    assert!(pace.pause >= SignedDuration::from_mins(29) && pace.gap.is_some(), "{:?}", pace.pause);
    web.serve("blog.test/feed", feed("blog.test", &[("a", "A queue that grew")]));
    bench.sync().await;
    let health = source(&bench).await.health;
    assert_eq!((health.failing_since, health.failures, health.last_error), (None, 0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn permanent_redirect_seen_twice_moves_the_feed() {
    for status in [StatusCode::MOVED_PERMANENTLY, StatusCode::PERMANENT_REDIRECT] {
        let web = Web::default();
        web.set("blog.test/feed", Kind::Redirect(status, "http://new.test/feed"));
        web.serve_with(
            "new.test/feed",
            feed("blog.test", &[("a", "A queue that grew")]),
            header::ETAG,
            "\"1\"",
        );
        let bench = web.followed(AT_ONCE).await;
        bench.sync().await;
        let moving = source(&bench).await;
        assert_eq!(feed_url(&moving), "http://blog.test/feed");
        assert_eq!(moving.health.moving.unwrap().to.as_str(), "http://new.test/feed");
        web.asked();
        bench.sync().await;
        assert_eq!(web.asked(), ["blog.test/feed", "new.test/feed"], "the old address goes on being asked");
        let moved = source(&bench).await;
        assert_eq!((feed_url(&moved), &moved.health.moving), ("http://new.test/feed", &None));
        assert_eq!(moved.health.moved.unwrap().from.as_str(), "http://blog.test/feed");
        bench.sync().await;
        assert_eq!(web.asked(), ["new.test/feed"], "and then no more");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_redirects_do_not_move_the_feed() {
    let web = Web::default();
    web.serve("new.test/feed", feed("blog.test", &[("a", "A queue that grew")]));
    let bench = web.followed(HOUR).await;
    for (status, moves) in [(StatusCode::FOUND, false), (StatusCode::MOVED_PERMANENTLY, true)] {
        web.set("blog.test/feed", Kind::Redirect(status, "http://new.test/feed"));
        for _ in 0..3 {
            bench.sync().await;
            let source = source(&bench).await;
            assert_eq!(feed_url(&source), "http://blog.test/feed");
            assert_eq!(source.health.moving.is_some(), moves, "{status}");
        }
    }
    web.set("blog.test/feed", Kind::Redirect(StatusCode::MOVED_PERMANENTLY, "http://blog.test/gone"));
    web.set("blog.test/gone", Kind::Status(StatusCode::GONE));
    bench.sync().await;
    let source = source(&bench).await;
    assert_eq!((feed_url(&source), source.health.standing), ("http://blog.test/feed", Standing::Retired));
}

/// A page that links to these feeds.
fn offering(feeds: &[&str]) -> String {
    let links: String = feeds
        .iter()
        .map(|at| format!("<link rel='alternate' type='application/rss+xml' href='{at}'>"))
        .collect();
    format!(
        "<!DOCTYPE html><html><head><title>The blog</title>{links}</head><body><p>Hello</p></body></html>"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn page_in_place_of_a_feed_leads_to_the_new_one() {
    let posts = [("a", "A queue that grew"), ("b", "Why caches melt")];
    for (what, new_feed) in [
        ("an entry of the same address", feed("blog.test", &[("c", "Another"), ("b", "Renamed")])),
        (
            "an entry of the same title",
            feed("blog.test", &[("2026/a", "A queue that GREW and grew, part one")]),
        ),
        (
            "the same title",
            "<rss version='2.0'><channel><title>Of queues and caches</title></channel></rss>".into(),
        ),
    ] {
        let web = Web::default();
        let mut old =
            feed("blog.test", &posts).replace("A queue that grew", "A queue that grew and grew, part one");
        old = old.replace("<title>blog.test</title>", "<title>Of queues and caches</title>");
        web.serve("blog.test/feed", old);
        let bench = web.followed(HOUR).await;
        // The feed's own title, because the source was followed by address.
        let titled = source(&bench).await;
        bench.store.unfollow(titled.id, Unfollow::DropReads, jiff::Timestamp::now()).await.unwrap();
        bench.follow_untitled("blog.test").await;
        bench.sync().await;
        let before = bench.reads().await.len();
        web.serve("blog.test/feed", offering(&["http://parking.test/rss", "/new.rss", "/other.rss"]));
        web.serve("blog.test/new.rss", new_feed);
        web.asked();
        let summary = bench.sync().await;
        assert_eq!((summary.sources_troubled, summary.troubles.len()), (0, 0), "{what}: {summary:?}");
        assert_eq!(web.asked(), ["blog.test/feed", "blog.test/new.rss"], "{what}");
        let moved = source(&bench).await;
        assert_eq!(feed_url(&moved), "http://blog.test/new.rss", "{what}");
        assert_eq!(moved.health.moved.unwrap().from.as_str(), "http://blog.test/feed");
        assert!(bench.reads().await.len() >= before, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_domain_does_not_take_over_a_feed() {
    for (page, words) in [
        (offering(&["/rss"]), "has nothing in common with what is known of this blog"),
        (offering(&["http://parking.test/rss"]), "names no other feed of this site"),
        (offering(&[]), "names no other feed of this site"),
        (offering(&["/rss", "/feed"]), "still names this address"),
        (offering(&["/away-rss"]), "it leads away to http://parking.test/rss"),
        (offering(&["/page-rss"]), "this is a web page, not a feed"),
    ] {
        let web = Web::default();
        web.serve("blog.test/feed", feed("blog.test", &[("a", "A queue that grew")]));
        let bench = web.followed(HOUR).await;
        bench.sync().await;
        web.serve("blog.test/feed", page);
        let parked = feed("blog.test", &[("casino", "Win a queue"), ("loans", "Cheap caches")]);
        web.serve("blog.test/rss", parked.clone());
        web.serve("parking.test/rss", parked);
        web.set("blog.test/away-rss", Kind::Redirect(StatusCode::FOUND, "http://parking.test/rss"));
        web.serve("blog.test/page-rss", offering(&[]));
        let summary = bench.sync().await;
        assert_eq!(summary.sources_troubled, 1, "{words}");
        let source = source(&bench).await;
        let error = source.health.last_error.as_ref().unwrap();
        assert!(error.contains(words), "{words}: {error}");
        assert_eq!((feed_url(&source), bench.reads().await.len()), ("http://blog.test/feed", 1), "{words}");
    }
}
