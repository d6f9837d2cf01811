//! The login, and what readers and strangers get of each route.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use backissue_model::{Mark, ReadId, ReaderId};
use backissue_web::{FormKey, Images, LogIn, Public, Readers};
use jiff::Timestamp;

use super::marking::OWN;
use super::specimens::{QUOTE, blogs};
use super::{Answer, Site, html, site_of, site_open_to};

const PASSWORD: &str = "tide pool ledger";
/// Words of an article, near its beginning, that no statement quotes.
const ONLY_IN_ARTICLE: &str = "io.max";

/// A row of the access table in docs/SECURITY.md.
pub(super) struct Row {
    pub(super) method: String,
    pub(super) path: String,
    /// What the reader gets, then strangers with `articles`, `statements` and `off`.
    cells: Vec<String>,
}

/// The access table in docs/SECURITY.md.
pub(super) fn table() -> Vec<Row> {
    let text = include_str!("../../../../docs/SECURITY.md");
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (method, path) = (cells.next()?, cells.next()?.trim_matches('`'));
        let cells: Vec<String> = cells.filter(|cell| !cell.is_empty()).map(str::to_owned).collect();
        path.starts_with('/').then(|| Row { method: method.to_owned(), path: path.to_owned(), cells })
    });
    rows.collect()
}

/// A site that others can reach, with a password.
async fn site_with_password(public: Public, https: bool) -> Site {
    let readers = Readers::LogIn(LogIn::new(FormKey::of("a secret of tests"), https));
    let site = site_open_to(&blogs(), Images::default(), readers, public).await;
    site.store.set_password(ReaderId::ONE, Some(&PASSWORD.parse().unwrap())).await.unwrap();
    site
}

fn token_in(path: &str, body: &str) -> String {
    html::Page::parse(path, body).attributes("input[name=token]", "value").remove(0)
}

impl Site {
    async fn send_login(&self, password: &str, back: &str, host: &str) -> Answer {
        let page = self.ask(Method::GET, "/login", &[("host", host)]).await;
        let token = token_in("/login", &page.body);
        let fields = [("token", token.as_str()), ("back", back), ("password", password)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::builder()
            .method(Method::POST)
            .uri("/login")
            .header("host", host)
            .header(OWN.0, OWN.1)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("user-agent", "A browser of tests");
        self.answer(request.body(Body::from(body)).unwrap()).await
    }

    /// Logs in. Returns the cookie.
    async fn log_in(&self) -> String {
        let answer = self.send_login(PASSWORD, "/", "localhost:7878").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    async fn get_with(&self, path: &str, cookie: &str) -> Answer {
        self.ask(Method::GET, path, &[("cookie", cookie)]).await
    }

    async fn post_with(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
        let token = token_in("/", &self.get_with("/", cookie).await.body);
        let fields = [&[("token", token.as_str())], fields].concat();
        self.post(path, &fields, &[OWN, ("cookie", cookie)]).await
    }
}

/// Whether a response refuses a stranger.
fn is_refusal(answer: &Answer) -> bool {
    let to_login =
        answer.headers.get("location").is_some_and(|to| to.to_str().unwrap().starts_with("/login"));
    (answer.status == StatusCode::SEE_OTHER && to_login) || answer.status == StatusCode::FORBIDDEN
}

/// An address of a route.
fn example(path: &str, slug: &str) -> String {
    path.replace("/read/{id}/{slug}", slug)
        .replace("/source/{slug}", "/source/undergrowth")
        .replace("/concept/{slug}", "/concept/caching")
        .replace("{week}", "2026-W20")
        .replace("{id}", "1")
        .replace("{read}", "1")
        .replace("{fingerprint}/{name}", "0/backissue.css")
        .replace(['{', '}'], "")
        + if path.contains("search") || path.contains("prior-art") { "?q=tenant" } else { "" }
}

#[tokio::test]
async fn each_route_gives_reader_and_strangers_what_the_table_says() {
    let table = table();
    assert!(table.len() > 60, "{}", table.len());
    for (column, public) in [(1, Public::Articles), (2, Public::Statements), (3, Public::Off)] {
        let site = site_with_password(public, true).await;
        site.store
            .save_note(ReaderId::ONE, ReadId(1), &"Secret thought".parse().unwrap(), 0, Timestamp::now())
            .await
            .unwrap();
        let slug = {
            let cookie = site.log_in().await;
            let answer = site.get_with("/read/1", &cookie).await;
            answer.headers["location"].to_str().unwrap().to_owned()
        };
        for row in table.iter().filter(|row| !row.path.starts_with("/hub/")) {
            let (name, path) =
                (format!("{} {} with {}", row.method, row.path, public.as_str()), example(&row.path, &slug));
            let is_post = row.method == "POST";
            let cookie = if is_post || row.path == "/" { site.log_in().await } else { String::new() };
            let stranger = if is_post {
                let token = token_in("/login", &site.get("/login").await.body);
                let fields =
                    [("token", token.as_str()), ("do", "keep 1"), ("session", "others"), ("undo", "1")];
                site.post(&path, &fields, &[OWN]).await
            } else {
                site.get(&path).await
            };
            let allowed = !row.cells[column].starts_with("refused");
            // A wrong password is refused too.
            let refused = is_refusal(&stranger) && row.path != "/login";
            assert_eq!(refused, !allowed, "{name} for strangers: {} {}", stranger.status, row.cells[column]);
            assert!(!stranger.status.is_server_error(), "{name}: {}", stranger.status);
            assert!(!stranger.body.contains("Secret thought"), "{name}");
            if public != Public::Articles {
                assert!(!stranger.body.contains(ONLY_IN_ARTICLE), "{name} shows the article");
            }
            if public == Public::Off && !refused && row.path != "/health" {
                assert!(!stranger.body.contains("tenant"), "{name} says something of a read");
            }
            assert!(!row.cells[0].starts_with("refused"), "{name}");
            if is_post {
                let own = site.post_with(&path, &cookie, &[("do", "keep 1")]).await;
                assert!(!is_refusal(&own) || row.path == "/login", "{name} for the reader: {}", own.status);
            }
        }
        let cookie = site.log_in().await;
        for row in table.iter().filter(|row| row.method == "GET" && !row.path.starts_with("/hub/")) {
            let answer = site.get_with(&example(&row.path, &slug), &cookie).await;
            assert!(
                !is_refusal(&answer) && !answer.status.is_server_error(),
                "{}: {}",
                row.path,
                answer.status
            );
        }
        let read = site.get_with(&slug, &cookie).await;
        assert!(read.body.contains("Secret thought") && read.body.contains(ONLY_IN_ARTICLE));
        let tag = read.headers["etag"].to_str().unwrap();
        let cached = site.ask(Method::GET, &slug, &[("if-none-match", tag)]).await;
        assert_ne!(cached.status, StatusCode::NOT_MODIFIED, "strangers have other pages");
    }
}

#[tokio::test]
async fn server_without_password_gives_strangers_what_public_allows() {
    for (column, public) in [(1, Public::Articles), (2, Public::Statements), (3, Public::Off)] {
        let readers = Readers::ReadOnly("Nobody set a password.".into());
        let site = site_open_to(&blogs(), Images::default(), readers, public).await;
        for row in table().iter().filter(|row| row.method == "GET" && !row.path.starts_with("/hub/")) {
            let answer = site.get(&example(&row.path, "/read/1/x")).await;
            let allowed = !row.cells[column].starts_with("refused") && row.path != "/login";
            assert_eq!(
                answer.status != StatusCode::FORBIDDEN,
                allowed,
                "{} with {}",
                row.path,
                public.as_str()
            );
            assert!(allowed || answer.body.contains("Nobody set a password."), "{}", row.path);
        }
    }
}

#[tokio::test]
async fn statements_come_with_quotes_and_links_to_the_publisher_but_no_article() {
    let site = site_with_password(Public::Statements, true).await;
    let page = site.read_page(1).await;
    let url = site.store.cards(&[ReadId(1)]).await.unwrap().remove(0).url.to_string();
    assert!(page.text().contains(QUOTE), "{}", page.text());
    assert!(page.all("#article, .body, #note, #highlight, #marks").is_empty());
    let evidence = page.attributes(".backing a", "href");
    assert!(
        evidence.iter().all(|to| to.starts_with(&format!("{url}#:~:text="))) && !evidence.is_empty(),
        "{evidence:?}"
    );
    assert_eq!(page.attributes("a[data-open]", "href"), [url.as_str(), url.as_str()]);
    let found = site.get("/api/search?q=tenant").await.body;
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    assert!(found["items"][0]["passage"].is_null(), "{found}");
    // A stranger cannot find out an article phrase by phrase.
    for phrase in ["\"tenant the of\"", "“tenant the of”"] {
        let found = site.get(&format!("/api/search?q={}", percent_encoded(phrase))).await.body;
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        assert_ne!(found["total"], 0, "{phrase} is searched as words: {found}");
    }
}

fn percent_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn only_the_password_logs_in_and_its_cookie_is_protected() {
    let site = site_with_password(Public::Off, true).await;
    let first = site.get("/shelf?label=a").await;
    assert_eq!(first.headers["location"], "/login?back=%2Fshelf%3Flabel%3Da");
    let page = html::Page::parse("/login", &site.get("/login?back=%2Fshelf").await.body);
    page.assert_well_formed();
    assert_eq!(page.attributes("#login input[name=back]", "value"), ["/shelf"]);
    assert_eq!(page.attributes("#login input[type=password]", "autocomplete"), ["current-password"]);
    for wrong in ["", "tide pool ledge", "x".repeat(2_000).as_str()] {
        let answer = site.send_login(wrong, "/", "192.168.1.5").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{wrong:.20}");
        assert!(!answer.headers.contains_key("set-cookie"));
        let page = html::Page::parse("/login", &answer.body);
        page.assert_well_formed();
        assert_eq!(page.one("[role=alert]"), "The password is wrong.");
    }
    let answer = site.send_login(PASSWORD, "//evil.example/", "192.168.1.5").await;
    assert_eq!((answer.status, &answer.headers["location"]), (StatusCode::SEE_OTHER, &"/".parse().unwrap()));
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.starts_with("__Host-backissue-session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let shelf = site.ask(Method::GET, "/shelf", &[("host", "192.168.1.5"), ("cookie", cookie)]).await;
    assert_eq!(shelf.status, StatusCode::OK);
    let guessed = format!("__Host-backissue-session={}", "0".repeat(64));
    let shelf = site.ask(Method::GET, "/shelf", &[("host", "192.168.1.5"), ("cookie", &guessed)]).await;
    assert!(is_refusal(&shelf));
}

#[tokio::test]
async fn login_needs_https_except_on_this_machine() {
    let site = site_with_password(Public::Off, false).await;
    let page = site.ask(Method::GET, "/login", &[("host", "192.168.1.5")]).await;
    assert!(page.body.contains("A login needs HTTPS") && !page.body.contains("type=\"password\""));
    let local = site.log_in().await;
    assert!(local.starts_with("backissue-session="), "{local}");
    assert_eq!(site.get_with("/shelf", &local).await.status, StatusCode::OK);
}

#[tokio::test]
async fn many_wrong_passwords_have_to_wait() {
    let site = site_with_password(Public::Off, true).await;
    // Each wait is longer than the one before, so one is long enough on any machine.
    for attempt in 0..30 {
        let answer = site.send_login(&"x".repeat(2_000), "/", "localhost").await;
        if attempt >= 5 && answer.status == StatusCode::TOO_MANY_REQUESTS {
            let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!(wait >= 1 && answer.body.contains("There were too many attempts."), "{}", answer.body);
            return;
        }
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{attempt}");
    }
    panic!("nothing had to wait");
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let site = site_with_password(Public::Off, true).await;
    let (one, two) = (site.log_in().await, site.log_in().await);
    let listed = async |cookie: &str| {
        let page = html::Page::parse("/sessions", &site.get_with("/sessions", cookie).await.body);
        page.assert_well_formed();
        page.attributes("article button", "value")
    };
    let page = html::Page::parse("/sessions", &site.get_with("/sessions", &one).await.body);
    assert_eq!(page.all("article h2"), ["A browser of tests", "A browser of tests"]);
    assert!(page.text().contains("This browser."));
    let ids = listed(&one).await;
    assert_eq!(ids.len(), 2);

    // The other session's token is no token here.
    let token = token_in("/", &site.get_with("/", &two).await.body);
    let fields = [("token", token.as_str()), ("session", "others")];
    let foreign = site.post("/sessions/end", &fields, &[OWN, ("cookie", &one)]).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(
        site.post_with("/sessions/end", &one, &[("session", "x")]).await.status,
        StatusCode::BAD_REQUEST
    );
    let ended = site.post_with("/sessions/end", &one, &[("session", "others"), ("back", "/sessions")]).await;
    assert_eq!(ended.headers["location"], "/sessions");
    assert_eq!(listed(&one).await.len(), 1);
    assert!(is_refusal(&site.get_with("/shelf", &two).await), "it was ended");

    let out = site.post_with("/logout", &one, &[]).await;
    assert_eq!((out.status, &out.headers["location"]), (StatusCode::SEE_OTHER, &"/".parse().unwrap()));
    assert!(out.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(out.headers["clear-site-data"], "\"cache\", \"storage\"");
    assert!(is_refusal(&site.get_with("/shelf", &one).await), "its token is invalid now");
}

#[tokio::test]
async fn new_password_ends_all_sessions() {
    let site = site_with_password(Public::Statements, true).await;
    let cookie = site.log_in().await;
    site.store.mark(ReaderId::ONE, ReadId(1), Mark::Keep, true, Timestamp::now()).await.unwrap();
    assert!(site.get_with("/week/2026-W20", &cookie).await.body.contains("data-marks=\"keep\""));
    site.store.set_password(ReaderId::ONE, Some(&"another one, longer".parse().unwrap())).await.unwrap();
    let after = site.get_with("/week/2026-W20", &cookie).await;
    assert!(after.status == StatusCode::OK && !after.body.contains("data-marks"));
    let known = site_of(&blogs(), Images::default(), Readers::One(FormKey::of("x"))).await;
    let page = known.get("/sessions").await;
    assert!(page.body.contains("nobody logs in"), "{}", page.body);
    assert_eq!(known.get("/login").await.headers["location"], "/");
}
