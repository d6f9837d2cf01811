//! Tests of the login, and of what each route shows to readers and to visitors without a login.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use backissue_model::{Mark, ReadId, ReaderId, Role, Scope};
use backissue_store::{Leaving, NewToken, OpenIdLogin, OwnRead, OwnSearch, Session, TokenAdded};
use backissue_web::{
    Accounts, FormKey, Images, LogIn, Public, Readers, fever_key_hash, invitation_hash, new_invitation,
    new_token, token_hash,
};
use jiff::{SignedDuration, Timestamp};

use super::marking::OWN;
use super::settling::FIGURES_TOKEN;
use super::specimens::{QUOTE, blogs};
use super::{Answer, Site, html, site_of, site_open_to};

const PASSWORD: &str = "tide pool ledger";
/// Words near the beginning of an article that no statement quotes.
const ONLY_IN_ARTICLE: &str = "io.max";

/// A row of the access table in docs/SECURITY.md.
pub(super) struct Row {
    pub(super) method: String,
    pub(super) path: String,
    /// The expected results: for operators and readers; for visitors without a login with
    /// `articles`, `statements` and `off`; for a reader with ids of another reader.
    cells: Vec<String>,
}

/// The access table in docs/SECURITY.md.
pub(super) fn table() -> Vec<Row> {
    let text = include_str!("../../../../docs/SECURITY.md");
    let rows = text.lines().filter_map(|line| {
        let mut cells = line.split('|').map(str::trim).skip(1);
        let (method, path) = (cells.next()?, cells.next()?.trim_matches('`'));
        let cells: Vec<String> = cells.filter(|cell| !cell.is_empty()).map(str::to_owned).collect();
        let is_row = path.starts_with('/') && cells.len() > 2;
        is_row.then(|| Row { method: method.to_owned(), path: path.to_owned(), cells })
    });
    rows.collect()
}

/// The table of routes that only programs can use, in docs/SECURITY.md: method, path, scope.
pub(super) fn programs() -> Vec<(String, String, Scope)> {
    let text = include_str!("../../../../docs/SECURITY.md");
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, method, path, scope, _, _] = cells[..] else { return None };
        let path = path.trim_matches('`');
        path.starts_with('/').then(|| (method.to_owned(), path.to_owned(), scope.parse().unwrap()))
    });
    rows.collect()
}

const READ_ONLY: &str = "Nobody set a password yet.";

fn log_in_as(accounts: Accounts, https: bool) -> Readers {
    Readers::LogIn(LogIn::new(FormKey::of("a secret of tests"), accounts, https, READ_ONLY))
}

/// A site that others can reach, with a password.
async fn site_with_password(public: Public, https: bool) -> Site {
    let readers = log_in_as(Accounts::One(ReaderId::ONE), https);
    let site = site_open_to(&blogs(), Images::default(), readers, Some(public)).await;
    site.set_password(ReaderId::ONE).await;
    site
}

/// A site with the operator "one" and the readers "anna" and "ben", who all have the same password.
pub(super) async fn site_with_accounts(public: Public, save: bool) -> (Site, ReaderId, ReaderId) {
    let readers = log_in_as(Accounts::Several { save }, true);
    let site = site_open_to(&blogs(), Images::default(), readers, Some(public)).await;
    site.set_password(ReaderId::ONE).await;
    let add = async |name: &str| {
        let reader = site.store.add_reader(&name.parse().unwrap(), Role::Reader).await.unwrap().unwrap();
        site.set_password(reader).await;
        reader
    };
    let (anna, ben) = (add("anna").await, add("ben").await);
    (site, anna, ben)
}

fn token_in(path: &str, body: &str) -> String {
    html::Page::parse(path, body).attributes("input[name=token]", "value").remove(0)
}

impl Site {
    async fn set_password(&self, reader: ReaderId) {
        self.store.set_password(reader, Some(&PASSWORD.parse().unwrap()), None).await.unwrap();
    }

    async fn send_login(&self, password: &str, back: &str, host: &str) -> Answer {
        self.send_login_of("one", password, back, host).await
    }

    async fn send_login_of(&self, name: &str, password: &str, back: &str, host: &str) -> Answer {
        let page = self.ask(Method::GET, "/login", &[("host", host)]).await;
        let token = token_in("/login", &page.body);
        let fields = [("token", token.as_str()), ("back", back), ("username", name), ("password", password)];
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
        self.log_in_of("one").await
    }

    pub(super) async fn log_in_of(&self, name: &str) -> String {
        let answer = self.send_login_of(name, PASSWORD, "/", "localhost:7878").await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let cookie = answer.headers["set-cookie"].to_str().unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// A new token of this reader.
    pub(super) async fn add_token(&self, reader: ReaderId, name: &str, scope: Scope) -> String {
        let (token, name, now) = (new_token(), name.parse().unwrap(), Timestamp::now());
        let known = self.store.reader(reader, now).await.unwrap().unwrap();
        let (hash, fever_key) = (token_hash(&token), fever_key_hash(&known.name, &token));
        let new = NewToken { name: &name, scope, hash: &hash, fever_key: &fever_key, ends_at: None };
        let added = self.store.add_token(reader, new, now).await.unwrap();
        assert!(matches!(added, TokenAdded::Added(_)), "{added:?}");
        token
    }

    async fn ask_with_token(&self, method: &str, path: &str, token: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.ask(method.parse().unwrap(), path, &[("authorization", &bearer)]).await
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
    let is_refused = matches!(answer.status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED);
    (answer.status == StatusCode::SEE_OTHER && to_login) || is_refused
}

/// An address of a route.
pub(super) fn example(path: &str, slug: &str) -> String {
    path.replace("/read/{id}/{slug}", slug)
        .replace("/source/{slug}", "/source/undergrowth")
        .replace("/concept/{slug}", "/concept/caching")
        .replace("/sources/{slug}", "/sources/undergrowth")
        .replace("/concepts/{slug}", "/concepts/caching")
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
    assert!(table.len() > 60 && table.iter().all(|row| row.cells.len() == 6), "{}", table.len());
    for (column, public) in [(2, Public::Articles), (3, Public::Statements), (4, Public::Off)] {
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
            // Only archives with several readers have these.
            if row.path == "/readers" || row.path.starts_with("/join/") {
                continue;
            }
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
    for (column, public) in [(2, Public::Articles), (3, Public::Statements), (4, Public::Off)] {
        let readers = Readers::ReadOnly("Nobody set a password.".into());
        let site = site_open_to(&blogs(), Images::default(), readers, Some(public)).await;
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
async fn statements_come_with_quotes_and_links_but_no_article() {
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
async fn login_after_a_sessions_end_leads_back_to_the_form() {
    let site = site_with_password(Public::Off, true).await;
    let shown = [("referer", "https://reads.example.org/read/1/slug?did=3"), OWN];
    let refused = site.post("/note/1", &[("token", "0"), ("text", "Mine")], &shown).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let page = html::Page::parse("/note/1", &refused.body);
    assert_eq!(page.one("h1"), "This needs a login");
    assert_eq!(page.attributes(".empty a[href^='/login']", "href"), ["/login?back=%2Fread%2F1%2Fslug"]);
    let forged = [("referer", "https://reads.example.org//evil.example/"), OWN];
    let refused = site.post("/note/1", &[("token", "0")], &forged).await;
    assert!(refused.body.contains("/login?back=%2F\"") && !refused.body.contains("evil"), "{}", refused.body);
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
async fn reader_chooses_that_opening_a_read_marks_it_done() {
    let (site, anna, ben) = site_with_accounts(Public::Off, true).await;
    let (annas, bens) = (site.log_in_of("anna").await, site.log_in_of("ben").await);
    let slug = site.get_with("/read/1", &annas).await.headers["location"].to_str().unwrap().to_owned();
    let asks =
        async |cookie: &str| site.get_with(&slug, cookie).await.body.contains("id=\"opening-is-done\"");
    assert!(!asks(&annas).await);
    let chosen = site.post_with("/account/opening", &annas, &[("done", "yes")]).await;
    assert_eq!(chosen.headers["location"], "/account");
    assert!(asks(&annas).await && !asks(&bens).await, "each for oneself");
    let marks = async |reader| site.store.marks(reader, &[ReadId(1)]).await.unwrap();
    assert!(marks(anna).await.is_empty() && marks(ben).await.is_empty(), "a GET changes nothing");
    let page = html::Page::parse("/account", &site.get_with("/account", &annas).await.body);
    assert_eq!(page.all("input[name=done][checked]").len(), 1);
    site.post_with("/account/opening", &annas, &[]).await;
    assert!(!asks(&annas).await);
}

#[tokio::test]
async fn operator_sees_in_the_settings_how_each_reader_logs_in() {
    let (site, anna, _) = site_with_accounts(Public::Off, true).await;
    let login = OpenIdLogin { issuer: "https://login.example", subject: "a-1" };
    assert!(site.store.link_openid(anna, login, Timestamp::now()).await.unwrap());
    let cookie = site.log_in_of("one").await;
    for path in ["/settings", "/readers"] {
        let page = site.get_with(path, &cookie).await.body;
        assert!(page.contains("logs in with a password or by OpenID"), "{path}: {page}");
        assert!(!page.contains("a-1"), "{path}");
    }
    let number = anna.0.to_string();
    let change = [("reader", number.as_str()), ("do", "unlink")];
    assert_eq!(site.post_with("/readers/change", &cookie, &change).await.status, StatusCode::SEE_OTHER);
    assert!(!site.store.reader(anna, Timestamp::now()).await.unwrap().unwrap().has_openid);
}

#[tokio::test]
async fn new_password_ends_all_sessions() {
    let site = site_with_password(Public::Statements, true).await;
    let cookie = site.log_in().await;
    site.store.mark(ReaderId::ONE, ReadId(1), Mark::Keep, true, Timestamp::now()).await.unwrap();
    assert!(site.get_with("/week/2026-W20", &cookie).await.body.contains("data-marks=\"keep\""));
    site.store
        .set_password(ReaderId::ONE, Some(&"another one, longer".parse().unwrap()), None)
        .await
        .unwrap();
    let after = site.get_with("/week/2026-W20", &cookie).await;
    assert!(after.status == StatusCode::OK && !after.body.contains("data-marks"));
    let known = site_of(&blogs(), Images::default(), Readers::one(FormKey::of("x"), ReaderId::ONE)).await;
    let page = known.get("/sessions").await;
    assert!(page.body.contains("nobody logs in"), "{}", page.body);
    assert_eq!(known.get("/login").await.headers["location"], "/");
}

#[tokio::test]
async fn first_password_is_set_on_this_machine_and_then_asked_for() {
    let site = site_of(&blogs(), Images::default(), Readers::one(FormKey::of("x"), ReaderId::ONE)).await;
    assert!(site.get("/settings").await.body.contains("href=\"/account#first\""));
    let page = html::Page::parse("/account", &site.get("/account").await.body);
    page.assert_well_formed();
    let token = page.attributes("#password-form input[name=token]", "value").remove(0);
    let set = async |new: &str, again: &str, host: &str| {
        let fields = [("token", token.as_str()), ("new", new), ("again", again)];
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post("/account/password")
            .header("host", host)
            .header(OWN.0, OWN.1)
            .header("content-type", "application/x-www-form-urlencoded");
        site.answer(request.body(Body::from(body)).unwrap()).await
    };
    for (new, again, host, status, why) in [
        ("short", "short", "localhost", StatusCode::UNPROCESSABLE_ENTITY, "at least 12 characters"),
        (PASSWORD, "tide pool", "localhost", StatusCode::UNPROCESSABLE_ENTITY, "The two passwords differ"),
        (PASSWORD, PASSWORD, "192.168.1.5", StatusCode::FORBIDDEN, "in a browser on this machine"),
    ] {
        let answer = set(new, again, host).await;
        assert_eq!(answer.status, status, "{why}: {}", answer.body);
        let page = html::Page::parse("/account/password", &answer.body);
        page.assert_well_formed();
        assert!(page.one("[role=alert]").contains(why), "{why}: {}", page.one("[role=alert]"));
        assert!(!site.store.has_password(ReaderId::ONE).await.unwrap(), "{why}");
    }
    let answer = set(PASSWORD, PASSWORD, "localhost:7878").await;
    let to = &answer.headers["location"];
    assert_eq!((answer.status, to.to_str().unwrap()), (StatusCode::SEE_OTHER, "/login?back=/account"));
    assert_eq!(site.get("/shelf").await.headers["location"], "/login?back=%2Fshelf");
    let late = set("another pool ledger", "another pool ledger", "localhost").await;
    assert!(is_refusal(&late), "a stranger sets none: {}", late.status);
    let cookie = site.log_in().await;
    assert_eq!(site.get_with("/shelf", &cookie).await.status, StatusCode::OK);
    let account = site.get_with("/account", &cookie).await.body;
    assert!(account.contains("The present password") && !account.contains("The same again"), "{account}");
    site.store.set_password(ReaderId::ONE, None, None).await.unwrap();
    assert_eq!(site.get("/shelf").await.status, StatusCode::OK, "without one, nobody logs in again");
}

#[tokio::test]
async fn first_password_of_a_reachable_server_needs_the_command() {
    let readers = log_in_as(Accounts::One(ReaderId::ONE), true);
    let site = site_open_to(&blogs(), Images::default(), readers, Some(Public::Articles)).await;
    assert_eq!(site.get("/account").await.status, StatusCode::FORBIDDEN);
    let fields = [("token", ""), ("new", PASSWORD), ("again", PASSWORD)];
    let answer = site.post("/account/password", &fields, &[OWN]).await;
    assert!(answer.status == StatusCode::FORBIDDEN && answer.body.contains(READ_ONLY), "{}", answer.body);
    assert!(!site.store.has_password(ReaderId::ONE).await.unwrap());
}

/// What nobody but ben may see.
const BENS: [&str; 4] = ["Secret thought", "Secret remark", "Secret answer", "secretlabel"];

/// Lets ben do and write everything that a reader can.
async fn let_ben_write(site: &Site, ben: ReaderId) -> (i64, Session) {
    let url = site.store.cards(&[ReadId(1)]).await.unwrap().remove(0).url.to_string();
    let own = serde_json::json!({
        "url": url, "kept": "2026-05-20T10:00:00Z", "note": BENS[0], "labels": [BENS[3]],
        "highlights": [{ "exact": QUOTE, "prefix": "", "suffix": "", "remark": BENS[1] }],
        "answers": [{ "at": "2026-05-21T10:00:00Z", "text": BENS[2], "rating": "good" }],
    });
    let own: OwnRead = serde_json::from_value(own).unwrap();
    site.store.take_in(ben, &[own], |_: &[_], _: &_| Timestamp::UNIX_EPOCH, Timestamp::now()).await.unwrap();
    site.store.set_shelf_secret(ben, Some("bens-secret-shelf"), Timestamp::now()).await.unwrap();
    let search = OwnSearch {
        name: "bens-secret-shelf".parse().unwrap(),
        question: "tenant".parse().unwrap(),
        recipient: None,
    };
    site.store.save_search(ben, &search, Timestamp::now()).await.unwrap();
    site.add_token(ben, "bens-secret-shelf", Scope::Write).await;
    let action = site.store.mark(ben, ReadId(1), Mark::Done, true, Timestamp::now()).await.unwrap();
    site.log_in_of("ben").await;
    (action.id, site.store.sessions(ben, Timestamp::now()).await.unwrap().remove(0))
}

/// A page without the tokens of its forms, which differ each time.
fn without_tokens(body: &str) -> String {
    let is_token = |text: &str| text.len() == 128 && text.bytes().all(|b| b.is_ascii_hexdigit());
    body.split('"').filter(|part| !is_token(part)).collect::<Vec<_>>().join("\"")
}

#[tokio::test]
async fn each_role_gets_what_the_table_says() {
    let (site, ..) = site_with_accounts(Public::Off, true).await;
    let slug = {
        let cookie = site.log_in().await;
        site.get_with("/read/1", &cookie).await.headers["location"].to_str().unwrap().to_owned()
    };
    for (column, name) in [(0, "one"), (1, "anna")] {
        let mut cookie = site.log_in_of(name).await;
        for row in table().iter().filter(|row| !row.path.starts_with("/hub/")) {
            let (path, what) = (example(&row.path, &slug), format!("{} {} for {name}", row.method, row.path));
            let answer = if row.method == "POST" {
                let fields = [("do", "keep 1"), ("session", "others"), ("undo", "1")];
                site.post_with(&path, &cookie, &fields).await
            } else {
                site.get_with(&path, &cookie).await
            };
            let allowed = !row.cells[column].starts_with("refused");
            let is_refused = is_refusal(&answer) && answer.headers.get("location").is_none();
            // A wrong password is refused too.
            if row.method == "POST" && row.path == "/login" {
                continue;
            }
            assert_eq!(is_refused, !allowed, "{what}: {} {}", answer.status, row.cells[column]);
            assert!(!answer.status.is_server_error(), "{what}: {}", answer.status);
            if !allowed {
                assert!(answer.body.contains("Only operators may do that"), "{what}: {}", answer.body);
            }
            if row.path == "/logout" {
                cookie = site.log_in_of(name).await;
            }
        }
        let page = html::Page::parse("/sources", &site.get_with("/sources", &cookie).await.body);
        let links = page.own_links();
        let leads = |to: &str| links.iter().any(|link| link.starts_with(to));
        assert_eq!(
            [leads("/settings"), leads("/readers"), leads("/account")],
            [column == 0, column == 0, true]
        );
        let page = html::Page::parse(&slug, &site.get_with(&slug, &cookie).await.body);
        assert_eq!(page.all("p.correct").len(), 1 - column, "{name}");
        let week = html::Page::parse("/", &site.get_with("/week/2026-W20", &cookie).await.body);
        assert_eq!(week.all("nav.shows a[href$=digest]").len(), 1 - column, "{name}");
    }
    let (site, ..) = site_with_accounts(Public::Off, false).await;
    let (anna, one) = (site.log_in_of("anna").await, site.log_in().await);
    let save = [("url", "https://blog.example/a")];
    assert_eq!(site.post_with("/save", &anna, &save).await.status, StatusCode::FORBIDDEN);
    assert!(!site.get_with("/sources", &anna).await.body.contains("id=\"save\""));
    assert_eq!(site.post_with("/save", &one, &save).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn nobody_gets_anything_of_another_reader() {
    let (site, _, ben) = site_with_accounts(Public::Articles, true).await;
    let cookies = [("one", site.log_in().await), ("anna", site.log_in_of("anna").await)];
    let slug = site.get("/read/1").await.headers["location"].to_str().unwrap().to_owned();
    let questions = [
        "/search?q=is:kept",
        "/search?q=is:noted",
        "/search?q=is:unread",
        "/search?q=label:secretlabel",
        "/search?q=Secret+thought",
        "/notes?q=Secret",
        "/shelf?label=secretlabel",
        "/shelf?by=label",
        "/api/search?q=label:secretlabel",
        "/api/search?q=Secret+remark",
        "/week/2026-W20?show=kept",
        "/week/2026-W20?show=noted",
        "/practise/card?label=secretlabel",
        "/practise/answer/1",
        "/?did=1",
    ];
    let table = table();
    let paths: Vec<String> = table
        .iter()
        .filter(|row| row.method == "GET" && !row.path.starts_with("/hub/") && row.path != "/sessions")
        .map(|row| example(&row.path, &slug))
        .chain(questions.map(str::to_owned))
        .collect();
    let seen = async || {
        let mut seen = Vec::new();
        for path in &paths {
            seen.push((format!("{path} of a stranger"), site.get(path).await));
            for (name, cookie) in &cookies {
                seen.push((format!("{path} of {name}"), site.get_with(path, cookie).await));
            }
        }
        seen
    };
    let before = seen().await;
    let (action, session) = let_ben_write(&site, ben).await;
    for ((what, before), (_, after)) in before.iter().zip(seen().await) {
        for secret in BENS.iter().chain(&["bens-secret-shelf"]) {
            // A question is repeated on its page.
            let asked = what.to_lowercase().contains(&secret[..6].to_lowercase());
            assert!(asked || !after.body.contains(secret), "{what} shows {secret}");
        }
        assert_eq!(before.status, after.status, "{what}");
        if !what.starts_with("/health") {
            assert_eq!(without_tokens(&before.body), without_tokens(&after.body), "{what} tells ben’s doing");
        }
        let tags = [before, &after].map(|answer| answer.headers.get("etag").cloned());
        // Their tags also depend on the minute, which may have passed.
        let tells_time = ["/source", "/practise", "/api/v1/sources"];
        if !tells_time.iter().any(|start| what.starts_with(start)) {
            assert_eq!(tags[0], tags[1], "the tag of {what} tells ben’s doing");
        }
    }

    let own = async || {
        let sessions = site.store.sessions(ben, Timestamp::now()).await.unwrap().len();
        let sessions = sessions + site.store.tokens(ben).await.unwrap().len();
        (site.store.own_file(ben).await.unwrap(), sessions, site.store.shelf_secret(ben).await.unwrap())
    };
    let his = own().await;
    assert_eq!((his.0.reads.len(), his.0.searches.len(), his.1), (1, 1, 2));
    let (action, session) = (action.to_string(), session.id.to_string());
    for (name, cookie) in &cookies {
        for row in table.iter().filter(|row| row.method == "POST" && !row.path.starts_with("/hub/")) {
            if ["/logout", "/readers/change", "/unsubscribe/{token}"].contains(&row.path.as_str()) {
                continue;
            }
            let fields = [
                ("do", "unkeep 1"),
                ("undo", action.as_str()),
                ("session", session.as_str()),
                ("note", "Mine"),
                ("version", "1"),
                ("rating", "again"),
                ("answer", "1"),
                ("remark", "Mine"),
                ("name", "mine"),
            ];
            let answer = site.post_with(&example(&row.path, &slug), cookie, &fields).await;
            let what = format!("POST {} of {name}: {}", row.path, answer.status);
            if row.cells[5] == "not found" {
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{what}");
            }
            assert!(BENS.iter().all(|secret| !answer.body.contains(secret)), "{what}");
            assert!(own().await == his, "{what} changed what is ben’s");
        }
    }
    let bens = site.log_in_of("ben").await;
    let read = site.get_with(&slug, &bens).await;
    assert!(BENS.iter().all(|secret| read.body.contains(secret)), "ben sees it");
    let tag = read.headers["etag"].to_str().unwrap();
    for (name, cookie) in &cookies {
        let headers = [("if-none-match", tag), ("cookie", cookie.as_str())];
        let cached = site.ask(Method::GET, &slug, &headers).await;
        assert_eq!(cached.status, StatusCode::OK, "{name} has other pages");
        // The form of another reader's page does nothing.
        let token = token_in(&slug, &read.body);
        let fields = [("token", token.as_str()), ("do", "keep 1")];
        let answer = site.post("/marks", &fields, &[OWN, ("cookie", cookie)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn password_counts_at_once_and_its_removal_too() {
    let readers = log_in_as(Accounts::One(ReaderId::ONE), true);
    let site = site_open_to(&blogs(), Images::default(), readers, None).await;
    let page = site.get("/").await;
    assert!(
        page.status == StatusCode::OK && page.body.contains(READ_ONLY),
        "everybody can read, nobody write"
    );
    assert!(site.get("/login").await.body.contains(READ_ONLY));
    site.set_password(ReaderId::ONE).await;
    assert_eq!(site.get("/").await.headers["location"], "/login?back=%2F", "strangers see nothing now");
    let cookie = site.log_in().await;
    assert_eq!(site.post_with("/marks", &cookie, &[("do", "keep 1")]).await.status, StatusCode::SEE_OTHER);
    site.store.set_password(ReaderId::ONE, None, None).await.unwrap();
    let page = site.get_with("/", &cookie).await;
    assert!(page.body.contains(READ_ONLY) && !page.body.contains("data-marks"), "{}", page.body);
}

#[tokio::test]
async fn unknown_name_and_wrong_password_get_the_same_answer() {
    let (site, ..) = site_with_accounts(Public::Off, true).await;
    site.store.add_reader(&"invited".parse().unwrap(), Role::Reader).await.unwrap();
    let said = async |name: &str, password: &str| {
        let answer = site.send_login_of(name, password, "/", "localhost").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}");
        let page = html::Page::parse("/login", &answer.body);
        page.assert_well_formed();
        assert_eq!(page.attributes("#username", "value"), [name], "what was typed is still there");
        without_tokens(&answer.body).replace(name, "NAME")
    };
    let wrong = said("anna", "another pool ledger").await;
    assert!(wrong.contains("The name or the password is wrong."));
    for (name, password) in [("nobody", PASSWORD), ("invited", PASSWORD), ("no such name", PASSWORD)] {
        assert_eq!(said(name, password).await, wrong, "{name}");
    }
    site.log_in_of(" ANNA ").await;
}

#[tokio::test]
async fn invitation_works_once_and_can_be_revoked() {
    let (site, ..) = site_with_accounts(Public::Off, true).await;
    let cookie = site.log_in().await;
    let page = async |fields: &[(&str, &str)], path: &str| {
        let answer = site.post_with(path, &cookie, fields).await;
        let page = html::Page::parse(path, &answer.body);
        if answer.status != StatusCode::SEE_OTHER {
            page.assert_well_formed();
        }
        (answer.status, page)
    };
    for (name, why) in [
        ("anna", "There is a reader called anna already."),
        ("a b", "without spaces"),
        ("<b>", "only letters"),
    ] {
        let (status, page) = page(&[("name", name), ("role", "reader")], "/readers/invite").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(page.one("#name-wrong").contains(why), "{}", page.text());
    }
    let (_, made) = page(&[("name", "Clara"), ("role", "reader")], "/readers/invite").await;
    let link = made.one("p.address");
    let path = link.strip_prefix("http://localhost:7878").unwrap().to_owned();
    assert!(path.len() > 64 && !site.get_with("/readers", &cookie).await.body.contains(&path), "shown once");
    let join_with = async |path: &str, password: &str, again: &str| {
        let token = token_in(path, &site.get(path).await.body);
        let fields = [("token", token.as_str()), ("new", password), ("again", again)];
        site.post(path, &fields, &[OWN]).await
    };
    let join = async |path: &str, password: &str| join_with(path, password, password).await;
    let differs = join_with(&path, "claras own password", "claras own pasword").await;
    assert_eq!(differs.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(html::Page::parse("/join", &differs.body).one("#said").contains("The two passwords differ"));
    let short = join(&path, "short").await;
    assert_eq!(short.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(html::Page::parse("/join", &short.body).one("#said").contains("at least 12 characters"));
    let joined = join(&path, "claras own password").await;
    assert_eq!((joined.status, &joined.headers["location"]), (StatusCode::SEE_OTHER, &"/".parse().unwrap()));
    let claras = joined.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(site.get_with("/shelf", &claras).await.status, StatusCode::OK);
    assert_eq!(site.get(&path).await.status, StatusCode::NOT_FOUND, "it works once");

    // A link for a new password ends sessions; a revoked one does nothing.
    let clara = site.store.reader_named(&"clara".parse().unwrap(), Timestamp::now()).await.unwrap().unwrap();
    let id = clara.id.to_string();
    let (_, renewed) = page(&[("reader", &id), ("do", "invite")], "/readers/change").await;
    let link = renewed.one("p.address");
    let path = link.strip_prefix("http://localhost:7878").unwrap().to_owned();
    assert_eq!(page(&[("reader", &id), ("do", "revoke")], "/readers/change").await.0, StatusCode::SEE_OTHER);
    assert_eq!(site.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get_with("/shelf", &claras).await.status, StatusCode::OK, "nothing happened");
    let token = new_invitation();
    site.store.invite(clara.id, &invitation_hash(&token), Timestamp::now()).await.unwrap();
    assert_eq!(join(&format!("/join/{token}"), "claras next password").await.status, StatusCode::SEE_OTHER);
    assert!(is_refusal(&site.get_with("/shelf", &claras).await), "her former sessions ended");

    // Accounts are closed, deleted and given roles; the last operator stays.
    let done = async |fields: &[(&str, &str)]| site.post_with("/readers/change", &cookie, fields).await;
    for fields in [
        [("do", "close"), ("sure", "yes")],
        [("do", "delete"), ("sure", "yes")],
        [("do", "reader"), ("sure", "")],
    ] {
        let answer = done(&[&fields[..], &[("reader", "1")]].concat()).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{fields:?}");
        assert!(answer.body.contains("is the only operator"));
    }
    const LAST: &str = "The only operator who can log in.";
    let all = site.get_with("/readers", &cookie).await.body;
    assert_eq!(
        (all.matches(LAST).count(), all.matches("value=\"delete\"").count()),
        (1, 3),
        "the others may go"
    );
    let (unsure, asked) = page(&[("reader", &id), ("do", "delete")], "/readers/change").await;
    assert_eq!(
        (unsure, asked.one("#made").as_str()),
        (StatusCode::OK, "clara has nothing here that would be lost.")
    );
    site.store.mark(clara.id, ReadId(1), Mark::Keep, true, Timestamp::now()).await.unwrap();
    site.store.save_note(clara.id, ReadId(1), &"Hers".parse().unwrap(), 0, Timestamp::now()).await.unwrap();
    let (_, asked) = page(&[("reader", &id), ("do", "delete")], "/readers/change").await;
    assert!(
        asked.one("#made").starts_with("clara has 1 mark and 1 note. All of this goes"),
        "{}",
        asked.text()
    );
    assert_eq!(done(&[("reader", "99"), ("do", "close")]).await.status, StatusCode::NOT_FOUND);
    let login = site.send_login_of("clara", "claras next password", "/", "localhost:7878").await;
    let claras = login.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    assert_eq!(site.get_with("/settings", &claras).await.status, StatusCode::FORBIDDEN);
    assert_eq!(done(&[("reader", &id), ("do", "operator")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.get_with("/settings", &claras).await.status, StatusCode::OK, "at once");
    assert!(!site.get_with("/readers", &cookie).await.body.contains(LAST), "there are two");
    assert_eq!(done(&[("reader", &id), ("do", "close")]).await.status, StatusCode::SEE_OTHER);
    assert!(is_refusal(&site.get_with("/shelf", &claras).await));
    let login = site.send_login_of("clara", "claras next password", "/", "localhost:7878").await;
    assert_eq!(login.status, StatusCode::FORBIDDEN, "the account is closed");
}

#[tokio::test]
async fn last_operator_who_can_log_in_stays() {
    let (site, anna, _) = site_with_accounts(Public::Off, true).await;
    site.store.set_role(anna, Role::Operator).await.unwrap();
    let (cookie, id) = (site.log_in_of("anna").await, anna.to_string());
    site.store.set_password(ReaderId::ONE, None, None).await.unwrap();
    let change = async |what: &str| {
        let fields = [("reader", id.as_str()), ("do", what), ("sure", "yes")];
        site.post_with("/readers/change", &cookie, &fields).await
    };
    for what in ["close", "delete", "reader"] {
        let refused = change(what).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{what}");
        assert!(refused.body.contains("the only one who can log in"), "{what}");
    }
    site.set_password(ReaderId::ONE).await;
    assert_eq!(change("close").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn reader_changes_the_own_password_with_the_present_one() {
    let (site, _, ben) = site_with_accounts(Public::Off, true).await;
    let (here, there) = (site.log_in_of("ben").await, site.log_in_of("ben").await);
    let change = async |password: &str, new: &str| {
        let fields = [("password", password), ("new", new)];
        let answer = site.post_with("/account/password", &here, &fields).await;
        html::Page::parse("/account", &answer.body).assert_well_formed();
        answer
    };
    let wrong = change("another pool ledger", "a quite new password").await;
    assert!(wrong.status == StatusCode::FORBIDDEN && wrong.body.contains("The present password is wrong"));
    let weak = change(PASSWORD, "aaaaaaaaaaaaaaaa").await;
    assert!(weak.status == StatusCode::UNPROCESSABLE_ENTITY && weak.body.contains("guessed first"));
    assert!(site.store.is_password(Some(ben), PASSWORD).await.unwrap());
    let changed = change(PASSWORD, "zwo\u{308}lf neue Worte").await;
    assert!(changed.status == StatusCode::OK && changed.body.contains("The password was changed."));
    assert_eq!(site.get_with("/account", &here).await.status, StatusCode::OK, "this session goes on");
    assert!(is_refusal(&site.get_with("/account", &there).await), "the others end");
    let login = site.send_login_of("ben", "zwölf neue Worte", "/", "localhost").await;
    assert_eq!(login.status, StatusCode::SEE_OTHER, "however the accent is typed");
    let mine = site.get_with("/account/mine.json", &here).await;
    assert_eq!(mine.headers["cache-control"], "private, no-store");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&mine.body).unwrap()["form"], "backissue-reader-1");
}

fn challenge(answer: &Answer) -> &str {
    answer.headers.get("www-authenticate").map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn programs_get_what_their_tokens_scope_allows() {
    let (site, anna, _) = site_with_accounts(Public::Off, true).await;
    let cookie = site.log_in().await;
    let mut tokens = Vec::new();
    for scope in [Scope::Read, Scope::Write, Scope::Operate] {
        tokens.push((scope, site.add_token(ReaderId::ONE, scope.as_str(), scope).await));
    }
    for (method, path, scope) in programs() {
        let path = example(&path, "/read/1/x");
        let what = format!("{method} {path}");
        let without = site.ask(method.parse().unwrap(), &path, &[("cookie", &cookie)]).await;
        assert_eq!(without.status, StatusCode::UNAUTHORIZED, "{what} with a cookie alone");
        assert_eq!(challenge(&without), "Bearer realm=\"backissue\"");
        for (other, token) in &tokens {
            let other = *other;
            let answer = site.ask_with_token(&method, &path, token).await;
            let is_refused = is_refusal(&answer);
            assert_eq!(is_refused, other < scope, "{what} with {other}: {} {}", answer.status, answer.body);
            assert!(!answer.status.is_server_error(), "{what}: {}", answer.status);
            if is_refused {
                let said = challenge(&answer);
                assert!(
                    said.ends_with(&format!("error=\"insufficient_scope\", scope=\"{scope}\"")),
                    "{said}"
                );
            }
        }
    }
    // A cookie and a token: the token decides.
    let token = site.add_token(anna, "script", Scope::Operate).await;
    let bearer = format!("Bearer {token}");
    let both = [("cookie", cookie.as_str()), ("authorization", bearer.as_str())];
    let whose = site.ask(Method::GET, "/api/v1/token", &both).await;
    let whose: serde_json::Value = serde_json::from_str(&whose.body).unwrap();
    assert_eq!((&whose["reader"], &whose["role"]), (&"anna".into(), &"reader".into()));
    assert_eq!(whose["scope"], "write", "she is no operator");
    assert_eq!(site.ask_with_token("GET", "/api/weeks", &token).await.status, StatusCode::OK);
    assert!(is_refusal(&site.ask_with_token("GET", "/weeks", &token).await), "pages take no tokens");
    site.store.set_role(anna, Role::Operator).await.unwrap();
    let scope = async || {
        let whose = site.ask_with_token("GET", "/api/v1/token", &token).await;
        serde_json::from_str::<serde_json::Value>(&whose.body).unwrap()["scope"].clone()
    };
    assert_eq!(scope().await, "operate");
    site.store.set_role(anna, Role::Reader).await.unwrap();
    assert_eq!(scope().await, "write", "at once");
    site.store.remove_reader(anna, Leaving::KeepData, Timestamp::now()).await.unwrap();
    let gone = site.ask_with_token("GET", "/api/v1/token", &token).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
    assert_eq!(challenge(&gone), "Bearer realm=\"backissue\", error=\"invalid_token\"");
}

#[tokio::test]
async fn tokens_need_https_and_the_only_reader() {
    let site = site_with_password(Public::Off, false).await;
    let token = site.add_token(ReaderId::ONE, "script", Scope::Read).await;
    let bearer = format!("Bearer {token}");
    let from = async |host: &str| {
        site.ask(Method::GET, "/api/v1/token", &[("host", host), ("authorization", &bearer)]).await
    };
    let clear = from("192.168.1.5").await;
    assert_eq!((clear.status, clear.body.contains("needs HTTPS")), (StatusCode::FORBIDDEN, true));
    assert_eq!(from("localhost").await.status, StatusCode::OK);
    let former = site.store.add_reader(&"anna".parse().unwrap(), Role::Reader).await.unwrap().unwrap();
    let token = site.add_token(former, "script", Scope::Read).await;
    let answer = site.ask_with_token("GET", "/api/v1/token", &token).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "a token from the time of several readers");

    // Where nobody logs in, a program still needs a token.
    let open = site_of(&blogs(), Images::default(), Readers::one(FormKey::of("x"), ReaderId::ONE)).await;
    assert_eq!(open.get("/api/v1/token").await.status, StatusCode::UNAUTHORIZED);
    let token = open.add_token(ReaderId::ONE, "script", Scope::Operate).await;
    let whose = open.ask_with_token("GET", "/api/v1/token", &token).await;
    assert!(whose.body.contains("\"scope\":\"operate\""), "{}", whose.body);
    assert!(open.get("/settings").await.body.contains("/account#tokens"));
    assert!(open.get("/account").await.body.contains("script"), "they are listed where nobody logs in");
}

#[tokio::test]
async fn guessed_tokens_wait_and_accepted_ones_do_not() {
    let site = site_with_password(Public::Off, true).await;
    let token = site.add_token(ReaderId::ONE, "script", Scope::Read).await;
    assert_eq!(site.ask_with_token("GET", "/api/v1/token", &token).await.status, StatusCode::OK);
    let mut refused = None;
    for _ in 0..30 {
        let guess = site.ask_with_token("GET", "/api/v1/token", &new_token()).await;
        if guess.status == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(guess);
            break;
        }
        assert_eq!(guess.status, StatusCode::UNAUTHORIZED);
    }
    let refused = refused.expect("guesses wait");
    assert!(refused.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
    let answer = site.ask_with_token("GET", "/api/v1/token", &token).await;
    assert_eq!(answer.status, StatusCode::OK, "others' guesses do not matter");
    assert_eq!(answer.headers["ratelimit-policy"], "\"token\";q=600;w=60");
    assert!(answer.headers["ratelimit"].to_str().unwrap().starts_with("\"token\";r=598;t="));
    for wrong in ["", "x".repeat(100_000).as_str()] {
        let answer = site.ask_with_token("GET", "/api/v1/token", wrong).await;
        assert!(answer.status.is_client_error(), "{wrong:.10}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_token_in_many_requests_at_once_is_accepted() {
    let site = site_with_password(Public::Off, true).await;
    for n in 0..3 {
        let token = site.add_token(ReaderId::ONE, &format!("script {n}"), Scope::Read).await;
        let all = (0..60).map(|_| site.ask_with_token("GET", "/api/v1/token", &token));
        for answer in futures::future::join_all(all).await {
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn cookie_reads_under_the_api_and_changes_nothing() {
    let (site, ..) = site_with_accounts(Public::Off, true).await;
    let anna = site.log_in_of("anna").await;
    for path in ["/api/v1/searches", "/api/v1/reads/1/mine", "/api/v1/cards/next", "/api/v1/weeks"] {
        assert_eq!(site.get_with(path, &anna).await.status, StatusCode::OK, "{path}");
        let stranger = site.get(path).await;
        assert_eq!(stranger.status, StatusCode::UNAUTHORIZED, "{path}");
        let problem: serde_json::Value = serde_json::from_str(&stranger.body).unwrap();
        let remedy = problem["remedy"].as_str().unwrap();
        assert!(remedy.contains("Authorization: Bearer") && remedy.contains("/login"), "{path}: {problem}");
    }
    // What a login does not help with does not speak of it.
    for (method, path) in
        [("GET", "/api/v1/token"), ("PUT", "/api/v1/reads/1/marks/keep"), ("POST", "/api/v1/searches")]
    {
        let answer = site.ask(method.parse().unwrap(), path, &[("cookie", &anna)]).await;
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(
            (answer.status, &problem["type"]),
            (StatusCode::UNAUTHORIZED, &"/api#no-token".into()),
            "{path}"
        );
        assert!(!answer.body.contains("log in"), "{path}: {}", answer.body);
    }
    let narrow = site.get_with("/api/v1/models", &anna).await;
    assert!(
        narrow.status == StatusCode::FORBIDDEN && narrow.body.contains("Only operators"),
        "{}",
        narrow.body
    );
    let operator = site.log_in().await;
    assert!(!is_refusal(&site.get_with("/api/v1/models", &operator).await));
    let token = site.add_token(ReaderId::ONE, "script", Scope::Write).await;
    let narrow = site.ask_with_token("GET", "/api/v1/models", &token).await;
    assert!(
        narrow.status == StatusCode::FORBIDDEN && narrow.body.contains("scope operate"),
        "{}",
        narrow.body
    );
}

#[tokio::test]
async fn token_above_its_requests_per_minute_waits() {
    let site = site_with_password(Public::Off, true).await;
    let token = site.add_token(ReaderId::ONE, "script", Scope::Read).await;
    // The minute may end meanwhile, so that there is one more of each.
    for n in 0.. {
        assert!(n < 1_500, "nothing had to wait");
        let answer = site.ask_with_token("GET", "/api/v1/token", &token).await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(n >= 600 && answer.headers.contains_key("retry-after"));
            assert!(answer.headers["ratelimit"].to_str().unwrap().starts_with("\"token\";r=0;t="));
            break;
        }
    }
    let other = site.add_token(ReaderId::ONE, "other", Scope::Read).await;
    assert_eq!(site.ask_with_token("GET", "/api/v1/token", &other).await.status, StatusCode::OK);
}

#[tokio::test]
async fn tokens_are_made_shown_once_and_removed() {
    let (site, anna, _) = site_with_accounts(Public::Off, true).await;
    let cookie = site.log_in_of("anna").await;
    let make = async |fields: &[(&str, &str)]| site.post_with("/account/tokens", &cookie, fields).await;
    let made = make(&[("name", "My <b>phone"), ("scope", "write"), ("days", "30")]).await;
    let page = html::Page::parse("/account", &made.body);
    page.assert_well_formed();
    let token = page.one("p.address");
    assert!(token.len() > 64 && made.headers["cache-control"] == "private, no-store", "{token}");
    let whose = site.ask_with_token("GET", "/api/v1/token", &token).await;
    assert!(whose.body.contains("\"scope\":\"write\""), "{}", whose.body);
    let listed = site.get_with("/account", &cookie).await;
    let page = html::Page::parse("/account", &listed.body);
    page.assert_well_formed();
    assert!(!listed.body.contains(&token), "shown once");
    assert_eq!(page.all("article h3"), ["My <b>phone"]);
    assert!(page.one("article p.under").contains("last used"), "{}", page.text());
    let known = site.store.tokens(anna).await.unwrap().remove(0);
    assert_eq!(
        known.ends_at.map(|end| end.duration_since(known.made_at)),
        Some(SignedDuration::from_hours(30 * 24))
    );

    for (fields, status, says) in [
        ([("name", "My <b>phone"), ("scope", "read"), ("days", "0")], 422, "Another token has this name"),
        ([("name", " - "), ("scope", "read"), ("days", "0")], 422, "at least one letter"),
        ([("name", "x"), ("scope", "all"), ("days", "0")], 400, "names no scope"),
        ([("name", "x"), ("scope", "read"), ("days", "-1")], 400, "no time"),
        ([("name", "x"), ("scope", "operate"), ("days", "0")], 403, "Only operators"),
    ] {
        let refused = make(&fields).await;
        assert_eq!(refused.status.as_u16(), status, "{fields:?}");
        assert!(refused.body.contains(says), "{fields:?}: {}", refused.body);
    }
    let remove = format!("/account/tokens/{}/remove", known.id);
    assert_eq!(site.post_with(&remove, &cookie, &[]).await.headers["location"], "/account");
    assert_eq!(site.post_with(&remove, &cookie, &[]).await.status, StatusCode::NOT_FOUND);
    let gone = site.ask_with_token("GET", "/api/v1/token", &token).await;
    assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn figures_are_for_operators_and_for_who_has_the_token() {
    let (site, ..) = site_with_accounts(Public::Articles, true).await;
    let operator = site.log_in_of("one").await;
    let figures = site.get_with("/metrics", &operator).await;
    assert_eq!(figures.status, StatusCode::OK);
    assert!(figures.body.contains("backissue_up 1"), "{}", figures.body);
    assert!(figures.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    let with = async |value: &str| site.ask(Method::GET, "/metrics", &[("authorization", value)]).await;
    assert_eq!(with(&format!("Bearer {FIGURES_TOKEN}")).await.status, StatusCode::OK);
    for wrong in ["Bearer ", "Bearer another", &format!("Basic {FIGURES_TOKEN}"), FIGURES_TOKEN] {
        assert!(is_refusal(&with(wrong).await), "{wrong}");
    }
    let reader = site.log_in_of("anna").await;
    assert!(is_refusal(&site.get_with("/metrics", &reader).await));
    let settings =
        site.ask(Method::GET, "/settings", &[("authorization", &format!("Bearer {FIGURES_TOKEN}"))]).await;
    assert!(is_refusal(&settings), "the token is for figures alone");
}
