//! Tests of finished pages: each equals the page that would be made for the visitor now.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use backissue_model::{Mark, ReadId, ReaderId};
use backissue_store::plans;
use backissue_web::Public;
use jiff::Timestamp;

use super::access::{example, site_with_accounts, table};
use super::specimens::blogs;
use super::{Answer, Site, site};

fn request(path: &str, cookie: &str) -> Request<Body> {
    let request = Request::builder().uri(path).header("host", "localhost:7878").header("cookie", cookie);
    request.body(Body::empty()).unwrap()
}

/// A page without the tokens of its forms, which differ on each page that is made.
fn without_tokens(answer: &Answer) -> String {
    let is_token = |part: &&str| part.len() == 128 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    answer.body.split('"').filter(|part| !is_token(part)).collect::<Vec<_>>().join("\"")
}

#[tokio::test]
async fn nobody_gets_the_finished_page_of_another() {
    let (site, anna, ben) = site_with_accounts(Public::Articles, true).await;
    let now = Timestamp::now();
    for (reader, thought, read) in [(anna, "Anna's thought", 1), (ben, "Ben's thought", 2)] {
        let (note, read) = (thought.parse().unwrap(), ReadId(read));
        site.store.save_note(reader, ReadId(1), &note, 0, now).await.unwrap();
        site.store.mark(reader, read, Mark::Keep, true, now).await.unwrap();
    }
    let visitors = [
        site.log_in_of("one").await,
        site.log_in_of("anna").await,
        site.log_in_of("ben").await,
        String::new(),
    ];
    let slug = site.get("/read/1").await.headers["location"].to_str().unwrap().to_owned();
    let rows = table();
    let mut kept = 0;
    for row in rows.iter().filter(|row| row.method == "GET" && !row.path.starts_with("/hub/")) {
        let path = example(&row.path, &slug);
        let mut made = Vec::new();
        for cookie in &visitors {
            made.push(Site::answer_of(&site.uncached, request(&path, cookie)).await);
        }
        for round in ["first", "second"] {
            for (cookie, made) in visitors.iter().zip(&made) {
                let answer = Site::answer_of(&site.router, request(&path, cookie)).await;
                let name = format!("{path}, {round} time, with {cookie}");
                assert_eq!(answer.status, made.status, "{name}");
                assert_eq!(answer.headers.get("etag"), made.headers.get("etag"), "{name}");
                // Without a tag an answer is made for each request, and may tell the time.
                if answer.headers.contains_key("etag") {
                    assert_eq!(without_tokens(&answer), without_tokens(made), "{name}");
                    kept += 1;
                }
            }
        }
    }
    assert!(kept > 100, "only {kept} answers could be kept");
}

/// Whether a request loads any read from the store.
async fn is_made(site: &Site, path: &str) -> bool {
    let asked = plans(&site.store, async {
        assert_eq!(site.get(path).await.status, StatusCode::OK);
    });
    asked.await.unwrap().iter().any(|plan| plan.statement.contains("FROM read r"))
}

#[tokio::test]
async fn unchanged_page_is_made_once() {
    let site = site(&blogs()).await;
    assert!(is_made(&site, "/week/2026-W20").await);
    assert!(!is_made(&site, "/week/2026-W20").await);
    assert!(is_made(&site, "/week/2026-W20?kind=incident").await, "another address is another page");
    site.store.mark(ReaderId::ONE, ReadId(1), Mark::Keep, true, Timestamp::now()).await.unwrap();
    assert!(is_made(&site, "/week/2026-W20").await, "the reader's marks have changed");
    site.store.poll_all_at(Timestamp::now()).await.unwrap();
    assert!(is_made(&site, "/week/2026-W20").await, "the archive has changed");
}

#[tokio::test]
async fn finished_page_comes_as_the_client_wants_it() {
    let site = site(&blogs()).await;
    for _ in 0..2 {
        for (accepted, coding) in [("gzip, deflate, br", Some("br")), ("gzip", Some("gzip")), ("", None)] {
            let answer = site.ask(Method::GET, "/weeks", &[("accept-encoding", accepted)]).await;
            let got = answer.headers.get("content-encoding").map(|coding| coding.to_str().unwrap());
            assert_eq!((answer.status, got), (StatusCode::OK, coding), "{accepted}");
            assert_eq!(answer.headers["vary"], "accept-encoding");
            assert_eq!(answer.body.contains("<!DOCTYPE html>"), coding.is_none(), "{accepted}");
        }
        let head = site.ask(Method::HEAD, "/weeks", &[]).await;
        assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""));
    }
}
