//! Tests of marks through the pages' forms, and of who may change anything.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use backissue_model::{Mark, ReadId, ReaderId};
use backissue_web::{FormKey, Images, Readers};

use super::specimens::{blogs, busy_blog};
use super::{Answer, Site, html, site, site_of};

pub(super) const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
const WEEK: &str = "/week/2026-W20";

impl Site {
    /// Sends a form as a browser would, with these headers.
    pub(super) async fn post(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Answer {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.post_body(path, body, headers).await
    }

    async fn post_body(&self, path: &str, body: String, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(Method::POST).uri(path).header("host", "localhost:7878");
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(Body::from(body)).unwrap()).await
    }

    /// The token that a page shows.
    pub(super) async fn token(&self, path: &str) -> String {
        let page = html::Page::parse(path, &self.get(path).await.body);
        page.attributes("form#marks input[name=token]", "value").remove(0)
    }

    /// The values of the buttons of a page, as `keep 3`.
    async fn buttons(&self, path: &str) -> Vec<String> {
        let page = html::Page::parse(path, &self.get(path).await.body);
        page.assert_well_formed();
        page.attributes("button[name=do]", "value")
    }

    pub(super) async fn version(&self) -> u64 {
        self.store.versions(ReaderId::ONE).await.unwrap().1
    }
}

#[tokio::test]
async fn lists_and_reads_have_buttons_with_their_marks() {
    let site = site(&blogs()).await;
    let (one, at) = (ReaderId::ONE, super::now());
    site.store.mark(one, ReadId(1), Mark::Keep, true, at).await.unwrap();
    site.store.save_note(one, ReadId(1), &"Ours too".parse().unwrap(), 0, at).await.unwrap();
    let read = site.get("/read/1").await.headers["location"].to_str().unwrap().to_owned();
    for path in [
        WEEK, "/", "/source/undergrowth", "/concept/noisy-neighbours", "/search?q=tenant",
        "/prior-art?q=tenant", "/shelf", "/notes", &read,
    ] {
        let buttons = site.buttons(path).await;
        assert!(buttons.contains(&"not-keep 1".to_owned()), "{path}: {buttons:?}");
        assert!(buttons.contains(&"done 1".to_owned()), "{path}: {buttons:?}");
    }
}

#[tokio::test]
async fn read_that_a_page_lists_twice_has_one_place_to_return_to() {
    let mut busy = busy_blog(12);
    for post in &mut busy.posts {
        post.precis.outcome = post.precis.problem.clone();
    }
    let site = site(&[busy]).await;
    let path = "/concept/noisy-neighbours";
    let page = html::Page::parse(path, &site.get(path).await.body);
    page.assert_well_formed();
    let starts = page.attributes(".starts .marks", "data-of");
    assert_eq!((starts.len(), page.attributes(".starts .marks", "id").len()), (5, 0));
    for read in starts {
        assert_eq!(page.attributes(&format!("[data-of='{read}'][id]"), "id"), [format!("m{read}")]);
        assert_eq!(page.attributes(&format!("button[value='keep {read}']"), "form"), ["marks", "marks"]);
    }
}

#[tokio::test]
async fn form_marks_a_read_and_returns_to_it() {
    let site = site(&blogs()).await;
    let token = site.token(WEEK).await;
    let before = site.get(WEEK).await;
    let tag = before.headers["etag"].to_str().unwrap();
    let fields = [("token", token.as_str()), ("back", "/week/2026-W20?kind=incident"), ("do", "keep 2")];
    let answer = site.post("/marks", &fields, &[OWN]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let back = answer.headers["location"].to_str().unwrap();
    assert!(back.starts_with("/week/2026-W20?kind=incident&did=") && back.ends_with("#m2"), "{back}");
    let told = html::Page::parse(back, &site.get(back.split('#').next().unwrap()).await.body);
    told.assert_well_formed();
    assert_eq!(told.one("#notice"), "Kept. Undo");
    assert_eq!(told.attributes("form#marks input[name=back]", "value"), ["/week/2026-W20?kind=incident"]);

    let again = site.ask(Method::GET, WEEK, &[("if-none-match", tag)]).await;
    assert_eq!(again.status, StatusCode::OK, "the page differs by the reader's marks");
    let page = html::Page::parse(WEEK, &again.body);
    assert_eq!(page.attributes("[data-marks=keep]", "id"), ["m2"]);
    assert_eq!(page.one(".tally"), "4 reads, 2 with a problem, 4 unread, 1 kept, 2 sources, 4 min to read");

    let undo = told.attributes("#notice button", "value").remove(0);
    let fields = [("token", token.as_str()), ("back", WEEK), ("undo", &undo)];
    let answer = site.post("/undo", &fields, &[OWN]).await;
    assert_eq!(answer.headers["location"], "/week/2026-W20#m2");
    assert!(site.buttons(WEEK).await.contains(&"keep 2".to_owned()));
    assert_eq!(site.post("/undo", &fields, &[OWN]).await.status, StatusCode::NOT_FOUND, "once is enough");
}

#[tokio::test]
async fn script_gets_the_changed_parts() {
    let site = site(&blogs()).await;
    let token = site.token(WEEK).await;
    let fields = [("token", token.as_str()), ("back", WEEK), ("do", "hide 2"), ("part", "marks")];
    let answer = site.post("/marks", &fields, &[OWN]).await;
    assert_eq!(
        (answer.status, &answer.headers["cache-control"]),
        (StatusCode::OK, &"private, no-store".parse().unwrap())
    );
    let part = html::Page::parse("/marks", &answer.body);
    assert_eq!(part.one("#notice"), "Hidden. Undo");
    assert_eq!(part.attributes(".marks", "data-marks"), ["hide"]);
}

#[tokio::test]
async fn head_of_pages_tells_what_the_newest_week_has() {
    let site = site(&blogs()).await;
    site.store.mark(ReaderId::ONE, ReadId(1), Mark::Keep, true, super::now()).await.unwrap();
    for path in ["/", "/weeks", "/week/2026-W19", "/concept/caching", "/search?q=tenant", "/shelf"] {
        let page = html::Page::parse(path, &site.get(path).await.body);
        page.assert_well_formed();
        let said = "Week 20: 4 new, 4 unread, 1 kept, 2 sources, 4 min to read";
        assert_eq!(page.one(".masthead #newest"), said, "{path}");
        assert_eq!(page.attributes("#newest a", "href"), [WEEK], "{path}");
    }
    let token = site.token("/weeks").await;
    let fields = [("token", token.as_str()), ("back", "/weeks"), ("do", "done 2"), ("part", "marks")];
    let part = html::Page::parse("/marks", &site.post("/marks", &fields, &[OWN]).await.body);
    let left = "Week 20: 4 new, 3 unread, 1 kept, 2 sources, 3 min to read";
    assert_eq!(part.one("#newest"), left, "the script gets it with the buttons");
    let page = html::Page::parse("/weeks", &site.get("/weeks").await.body);
    assert_eq!(page.one("#newest"), left, "no finished page of before is shown");
}

#[tokio::test]
async fn week_is_filtered_by_marks_and_marked_done() {
    let site = site(&blogs()).await;
    site.store.mark(ReaderId::ONE, ReadId(1), Mark::Done, true, super::now()).await.unwrap();
    site.store.mark(ReaderId::ONE, ReadId(2), Mark::Keep, true, super::now()).await.unwrap();
    let shown = async |show: &str| {
        let path = format!("{WEEK}?show={show}");
        let page = html::Page::parse(&path, &site.get(&path).await.body);
        page.assert_well_formed();
        page.attributes(".marks", "id")
    };
    assert_eq!(shown("unread").await.len(), 3);
    assert_eq!(shown("kept").await, ["m2"]);
    assert!(shown("hidden").await.is_empty());
    site.store.mark(ReaderId::ONE, ReadId(2), Mark::Hide, true, super::now()).await.unwrap();
    assert_eq!(shown("hidden").await, ["m2"], "where it can be shown again");
    site.store.mark(ReaderId::ONE, ReadId(2), Mark::Hide, false, super::now()).await.unwrap();
    assert_eq!(site.get("/week/2026-W20?show=everything").await.status, StatusCode::BAD_REQUEST);
    let token = site.token(WEEK).await;
    let answer = site.post("/week/2026-W20/done", &[("token", &token), ("back", WEEK)], &[OWN]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(shown("unread").await.is_empty());
    let page = html::Page::parse("", &site.get(answer.headers["location"].to_str().unwrap()).await.body);
    assert_eq!(page.one("#notice span"), "3 reads marked as done.");
    let again = site.post("/week/2026-W20/done", &[("token", &token), ("back", WEEK)], &[OWN]).await;
    let none = html::Page::parse("", &site.get(again.headers["location"].to_str().unwrap()).await.body);
    assert_eq!(none.one("#notice"), "0 reads marked as done.", "without a button");
    let undo = page.attributes("#notice button", "value").remove(0);
    site.post("/undo", &[("token", &token), ("back", WEEK), ("undo", &undo)], &[OWN]).await;
    assert_eq!(shown("unread").await.len(), 3, "the one that was done before stays done");
}

#[tokio::test]
async fn sources_and_concepts_are_filtered_by_marks() {
    let site = site(&blogs()).await;
    let (one, at) = (ReaderId::ONE, super::now());
    site.store.mark(one, ReadId(2), Mark::Keep, true, at).await.unwrap();
    site.store.mark(one, ReadId(4), Mark::Done, true, at).await.unwrap();
    site.store.save_note(one, ReadId(1), &"Ours too".parse().unwrap(), 0, at).await.unwrap();
    let page = async |path: &str| {
        let page = html::Page::parse(path, &site.get(path).await.body);
        page.assert_well_formed();
        page
    };
    for (path, unread, kept, noted) in
        [("/source/undergrowth", "m3 m2 m1", "m2", "m1"), ("/concept/caching", "m2 m6", "m2", "")]
    {
        for (show, name, reads) in
            [("unread", "Unread", unread), ("kept", "Kept", kept), ("noted", "Noted", noted)]
        {
            let shown = page(&format!("{path}?show={show}")).await;
            assert_eq!(shown.attributes(".marks", "id").join(" "), reads, "{path} {show}");
            assert_eq!(shown.all(".shows [aria-current]"), [name]);
            assert_eq!(shown.attributes(".shows a:first-child", "href"), [path]);
        }
        let narrowed = page(&format!("{path}?kind=incident")).await;
        assert_eq!(narrowed.attributes(".shows a", "href")[2], format!("{path}?kind=incident&show=kept"));
        let wrong = site.get(&format!("{path}?show=everything")).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(site.get("/concept/no-such-thing?show=kept").await.status, StatusCode::NOT_FOUND);
    let read_only = site_of(&blogs(), Images::default(), Readers::ReadOnly("No.".into())).await;
    read_only.store.mark(one, ReadId(2), Mark::Keep, true, at).await.unwrap();
    let open = html::Page::parse("/", &read_only.get("/concept/caching?show=kept").await.body);
    assert!(open.all(".shows").is_empty() && open.all("a[data-read]").len() == 3, "{}", open.text());
}

#[tokio::test]
async fn opening_a_read_marks_nothing() {
    let site = site(&blogs()).await;
    let before = site.version().await;
    let read = site.get("/read/1").await.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(site.get(&read).await.status, StatusCode::OK);
    assert_eq!(site.version().await, before);
}

#[tokio::test]
async fn requests_from_other_pages_change_nothing() {
    let site = site(&blogs()).await;
    let token = site.token(WEEK).await;
    let before = site.version().await;
    let fields = [("token", token.as_str()), ("back", WEEK), ("do", "keep 1")];
    for foreign in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
    ] {
        let answer = site.post("/marks", &fields, foreign).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{foreign:?}");
        html::Page::parse("/marks", &answer.body).assert_well_formed();
    }
    for wrong in ["", "0", &token[1..], &"0".repeat(128), "\0"] {
        let fields = [("token", wrong), ("back", WEEK), ("do", "keep 1")];
        assert_eq!(site.post("/marks", &fields, &[OWN]).await.status, StatusCode::FORBIDDEN, "{wrong:?}");
    }
    let without = site.post("/marks", &[("do", "keep 1")], &[OWN]).await;
    assert_eq!(without.status, StatusCode::FORBIDDEN, "no token");
    assert_eq!(site.version().await, before);
}

#[tokio::test]
async fn hostile_forms_are_refused_and_change_nothing() {
    let site = site(&blogs()).await;
    let token = site.token(WEEK).await;
    let before = site.version().await;
    for (what, status) in [
        ("keep 9999", 404),
        ("keep -1", 404),
        ("keep 9223372036854775808", 400),
        ("keep 1\0", 400),
        ("eat 1", 400),
        ("", 400),
    ] {
        let answer = site.post("/marks", &[("token", &token), ("do", what)], &[OWN]).await;
        assert_eq!(answer.status.as_u16(), status, "{what:?}");
        assert!(!answer.body.contains('\0'));
    }
    let large = "x".repeat(1 << 20);
    let answer = site.post("/marks", &[("token", &token), ("do", &large)], &[OWN]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let json = [OWN, ("content-type", "application/json")];
    let answer = site.post_body("/marks", format!(r#"{{"token":"{token}"}}"#), &json).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    let elsewhere = [("token", token.as_str()), ("back", "//evil.example/"), ("do", "keep 1")];
    let answer = site.post("/marks", &elsewhere, &[OWN]).await;
    assert!(answer.headers["location"].to_str().unwrap().starts_with("/?did="));
    assert_eq!(site.version().await, before + 1, "only the last one was a form of ours");
}

#[tokio::test]
async fn read_only_site_shows_no_marks_and_explains() {
    let why = "These pages are read-only: nobody set a password.";
    let site = site_of(&blogs(), Images::default(), Readers::ReadOnly(why.into())).await;
    site.store.mark(ReaderId::ONE, ReadId(1), Mark::Hide, true, super::now()).await.unwrap();
    for path in [WEEK, "/", "/search?q=tenant", "/week/2026-W20?show=kept&did=1"] {
        let body = site.get(path).await.body;
        let page = html::Page::parse(path, &body);
        page.assert_well_formed();
        assert!(page.text().contains(why), "{path}");
        assert!(!body.contains("data-marks") && !body.contains("Undo") && !body.contains("unread"), "{path}");
    }
    let tag = site.get(WEEK).await.headers["etag"].clone();
    site.store.mark(ReaderId::ONE, ReadId(1), Mark::Keep, true, super::now()).await.unwrap();
    assert_eq!(site.get(WEEK).await.headers["etag"], tag, "nor does its tag tell that anything changed");
}

/// Rows of the access table in docs/SECURITY.md: method, path.
fn access_table() -> BTreeSet<(String, String)> {
    let of_programs = super::access::programs().into_iter().map(|row| (row.0, row.1));
    super::access::table().into_iter().map(|row| (row.method, row.path)).chain(of_programs).collect()
}

/// Routes in the sources.
fn routes() -> BTreeSet<(String, String)> {
    fn sources(folder: &std::path::Path, all: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, all);
            } else {
                all.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }
    let mut all = String::new();
    sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    let mut routes = BTreeSet::new();
    for call in all.split(".route(").skip(1) {
        let path = call.split('"').nth(1).unwrap().to_owned();
        let handlers = call.split('"').nth(2).unwrap();
        let handlers = &handlers[..handlers.find('\n').unwrap_or(handlers.len())];
        let form = handlers.contains("form(");
        let methods = [("GET", handlers.contains("get(")), ("POST", form || handlers.contains("post("))];
        assert!(methods.iter().any(|(_, has)| *has), "{path}: a route takes GET, POST or a form");
        routes.extend(methods.into_iter().filter(|(_, has)| *has).map(|(m, _)| (m.to_owned(), path.clone())));
    }
    // Routes of the API describe themselves.
    for route in all.split("#[utoipa::path(").skip(1) {
        let (method, path) = (route.split(',').next().unwrap(), route.split('"').nth(1).unwrap());
        routes.insert((method.trim().to_uppercase(), path.to_owned()));
    }
    routes
}

#[tokio::test]
async fn routes_are_in_the_access_table_and_changes_guarded() {
    let (table, routes) = (access_table(), routes());
    assert_eq!(
        routes.difference(&table).collect::<Vec<_>>(),
        Vec::<&(String, String)>::new(),
        "not in docs/SECURITY.md"
    );
    assert_eq!(
        table.difference(&routes).collect::<Vec<_>>(),
        Vec::<&(String, String)>::new(),
        "no such route"
    );

    let open = site(&blogs()).await;
    let read_only = site_of(&blogs(), Images::default(), Readers::ReadOnly("No.".into())).await;
    let token = open.token("/").await;
    let before = open.version().await;
    let forms: Vec<_> = table
        .iter()
        .filter(|(method, path)| {
            let by_others = ["/hub/", "/unsubscribe/", "/subscribe/", "/digest/", "/login", "/join/"];
            let is_form =
                !by_others.iter().any(|start| path.starts_with(start)) && !path.starts_with("/api/");
            method == "POST" && is_form && path != "/mcp"
        })
        .collect();
    assert!(forms.len() >= 3);
    for (_, path) in forms {
        let path = &path.replace("{week}", "2026-W20").replace("{id}", "1");
        let status = async |site: &Site, token: &str, from: &str| {
            site.post(path, &[("token", token), ("do", "keep 1"), ("undo", "1")], &[("sec-fetch-site", from)])
                .await
                .status
        };
        assert_eq!(status(&open, "", "same-origin").await, StatusCode::FORBIDDEN, "{path} without a token");
        assert_eq!(status(&open, &token, "cross-site").await, StatusCode::FORBIDDEN, "{path} from elsewhere");
        assert_eq!(
            status(&read_only, &token, "same-origin").await,
            StatusCode::FORBIDDEN,
            "{path} read-only"
        );
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let answer = open.ask(method.clone(), path, &[OWN]).await;
            let only_post =
                answer.status == StatusCode::METHOD_NOT_ALLOWED && answer.headers["allow"] == "POST";
            assert!(
                only_post
                    || path.starts_with("/read/")
                    || ["/save", "/subscribe", "/account/digest"].contains(&path.as_str()),
                "{method} {path}: {}",
                answer.status
            );
        }
    }
    assert_eq!(open.version().await, before, "nothing was changed");
}

#[test]
fn form_secrets_differ() {
    assert_ne!(FormKey::new_secret(), FormKey::new_secret());
}

impl Site {
    pub(super) async fn read_page(&self, id: i64) -> html::Page {
        let path = self.get(&format!("/read/{id}")).await.headers["location"].to_str().unwrap().to_owned();
        let page = html::Page::parse(&path, &self.get(&path).await.body);
        page.assert_well_formed();
        page
    }

    async fn save_note(&self, id: i64, text: &str, version: &str) -> Answer {
        let token = self.token("/").await;
        let back = format!("/read/{id}");
        let fields = [("token", token.as_str()), ("back", &back), ("version", version), ("text", text)];
        self.post(&format!("/note/{id}"), &fields, &[OWN]).await
    }
}

#[tokio::test]
async fn note_is_saved_shown_and_never_overwritten() {
    let site = site(&blogs()).await;
    let empty = site.read_page(1).await;
    assert_eq!(empty.attributes("#note-version", "value"), ["0"]);
    let hostile = "**Ours** too <script>alert(1)</script>\r\n\r\n</textarea><h1>x";
    let answer = site.save_note(1, hostile, "0").await;
    assert_eq!(
        (answer.status, &answer.headers["location"]),
        (StatusCode::SEE_OTHER, &"/read/1#note".parse().unwrap())
    );
    let page = site.read_page(1).await;
    assert_eq!(page.one("#note-shown strong"), "Ours");
    assert!(page.all("#note-shown script, #note-shown h1").is_empty());
    assert_eq!(page.attributes("#note-version", "value"), ["1"]);
    assert_eq!(page.attributes("[data-mark=note]", "class"), ["noted"]);
    let notes = site.get("/notes").await.body;
    let notes = html::Page::parse("/notes", &notes);
    notes.assert_well_formed();
    assert_eq!(notes.one(".written strong"), "Ours");
    let noted = html::Page::parse(WEEK, &site.get("/week/2026-W20?show=noted").await.body);
    assert_eq!(noted.attributes(".marks", "id"), ["m1"]);

    let conflict = site.save_note(1, "From the other tab", "0").await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    let both = html::Page::parse("/note/1", &conflict.body);
    both.assert_well_formed();
    assert!(both.one("pre.plain").contains("</textarea><h1>x"));
    assert_eq!(both.one("textarea"), "From the other tab");
    assert_eq!(both.attributes("#note-form input[name=version]", "value"), ["1"]);
    assert_eq!(site.save_note(1, "From the other tab", "1").await.status, StatusCode::SEE_OTHER);
    assert_eq!(site.read_page(1).await.one("#note-shown"), "From the other tab");
}

#[tokio::test]
async fn labels_keep_reads_and_filter_the_shelf() {
    let site = site(&blogs()).await;
    let token = site.token("/").await;
    let send = async |id: i64, name: &str, value: &str| {
        let fields = [("token", token.as_str()), ("back", "/read/1"), (name, value)];
        site.post(&format!("/labels/{id}"), &fields, &[OWN]).await.status
    };
    let empty = html::Page::parse("/shelf", &site.get("/shelf").await.body);
    empty.assert_well_formed();
    assert_eq!(send(1, "add", " To  Read\0").await, StatusCode::SEE_OTHER);
    assert_eq!(send(1, "add", "<b>").await, StatusCode::SEE_OTHER);
    assert_eq!(send(2, "add", "interview").await, StatusCode::SEE_OTHER);
    let shelf = async |query: &str| {
        let path = format!("/shelf{query}");
        let page = html::Page::parse(&path, &site.get(&path).await.body);
        page.assert_well_formed();
        page.attributes(".marks", "id")
    };
    assert_eq!(shelf("").await, ["m2", "m1"]);
    assert_eq!(shelf("?label=to+read").await, ["m1"]);
    assert_eq!(shelf("?label=nobody").await, Vec::<String>::new());
    assert_eq!(shelf("?source=undergrowth&week=2026-W20&sort=published").await, ["m2", "m1"]);
    let page = html::Page::parse("/shelf", &site.get("/shelf").await.body);
    assert_eq!(page.all(".own-labels li"), ["interview", "<b>", "to read"]);
    let concepts = ["Caching", "Multi-tenancy", "noisy neighbours", "Scheduling"];
    let groups = [&["<b>", "interview", "to read"], &concepts[..], &["Fernhost", "Week 20 of 2026"]].concat();
    assert_eq!(page.all(".facet .name"), groups);
    assert_eq!(send(1, "remove", "to read").await, StatusCode::SEE_OTHER);
    assert_eq!(site.read_page(1).await.all(".labels li a"), ["<b>"]);
}

#[tokio::test]
async fn hostile_notes_and_labels_are_refused_and_change_nothing() {
    let site = site(&blogs()).await;
    let before = site.version().await;
    for (id, text, version, status) in [
        (1, "x".repeat(1 << 20).as_str(), "0", 413),
        (1, "é".repeat(100_001).as_str(), "0", 413),
        (1, "a", "", 400),
        (1, "a", "1\0", 400),
        (9999, "a", "0", 404),
        (-1, "a", "0", 404),
    ] {
        assert_eq!(site.save_note(id, text, version).await.status.as_u16(), status, "{id} {version:?}");
    }
    let long = html::Page::parse("/note/1", &site.save_note(1, &"é".repeat(100_001), "0").await.body);
    let limit = "at most 100,000 characters; this one has 100,001";
    assert!(long.text().contains(limit), "{}", long.text());
    let longer = html::Page::parse("/note/1", &site.save_note(1, &"x".repeat(1 << 20), "0").await.body);
    assert!(longer.text().contains("A form has at most 1,024 KiB"), "{}", longer.text());
    let token = site.token("/").await;
    let ten_thousand = (0..10_000).map(|n| format!("label {n}")).collect::<Vec<_>>().join(",");
    for label in ["", " ", "--", &"x".repeat(61), &ten_thousand, "\u{1b}"] {
        let answer = site.post("/labels/1", &[("token", &token), ("add", label)], &[OWN]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{:.20}", label);
        html::Page::parse("/labels/1", &answer.body).assert_well_formed();
    }
    let from_read = [OWN, ("referer", "http://localhost:7878/read/1/slug?did=3")];
    let comma = site.post("/labels/1", &[("token", &token), ("add", "a, b")], &from_read).await;
    let page = html::Page::parse("/labels/1", &comma.body);
    assert_eq!((comma.status, page.one("h1")), (StatusCode::BAD_REQUEST, "Nothing was changed".to_owned()));
    assert!(page.text().contains("A label cannot have a comma, because commas separate labels."));
    assert_eq!(page.attributes(".empty a:not([href='/']):not([href='/weeks'])", "href"), ["/read/1/slug"]);
    let answer = site.post("/labels/9999", &[("token", &token), ("add", "a")], &[OWN]).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(site.version().await, before);
    for n in 0..20 {
        site.post("/labels/1", &[("token", &token), ("add", &format!("label {n}"))], &[OWN]).await;
    }
    let answer = site.post("/labels/1", &[("token", &token), ("add", "one more")], &[OWN]).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "there is an end to labels");
    let longest = "語".repeat(100_000);
    assert_eq!(site.save_note(1, &longest, "0").await.status, StatusCode::SEE_OTHER, "it fits into a form");
    let notes = html::Page::parse("/notes", &site.get("/notes").await.body);
    assert_eq!(notes.one(".written").chars().count(), 2_000, "a list shows its beginning");
    assert!(notes.attributes("article.noted .under a", "href").iter().any(|to| to.ends_with("#note")));
    assert_eq!(site.read_page(1).await.one("#note-shown").chars().count(), 100_000);
}

#[tokio::test]
async fn shelf_has_a_feed_under_a_secret_address_that_can_be_renewed() {
    let site = site(&blogs()).await;
    let one = ReaderId::ONE;
    site.store.mark(one, ReadId(1), Mark::Keep, true, super::now()).await.unwrap();
    site.store.save_note(one, ReadId(1), &"Secret thought".parse().unwrap(), 0, super::now()).await.unwrap();
    let change = async |act: &str| {
        let token = site.token("/").await;
        let fields = [("token", token.as_str()), ("back", "/shelf"), ("do", act)];
        let answer = site.post("/shelf/address", &fields, &[OWN]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
        let page = html::Page::parse("/shelf", &site.get("/shelf").await.body);
        page.assert_well_formed();
        let paths = page.attributes("a.address", "href");
        paths.iter().map(|url| url[url.find("/shelf/").unwrap()..].to_owned()).collect::<Vec<_>>()
    };
    let [atom, json] = change("new").await.try_into().unwrap();
    let feed = site.get(&atom).await;
    assert_eq!(feed.status, StatusCode::OK);
    assert!(feed.body.contains("Good fences") && feed.body.matches("<entry>").count() == 1, "{}", feed.body);
    assert!(!feed.body.contains("Secret thought"));
    let parsed: serde_json::Value = serde_json::from_str(&site.get(&json).await.body).unwrap();
    assert_eq!(parsed["items"].as_array().unwrap().len(), 1);
    let tag = feed.headers["etag"].to_str().unwrap().to_owned();
    let again = site.ask(Method::GET, &atom, &[("if-none-match", &tag)]).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    site.store.mark(one, ReadId(2), Mark::Keep, true, super::now()).await.unwrap();
    let newer = site.ask(Method::GET, &atom, &[("if-none-match", &tag)]).await;
    assert_eq!((newer.status, newer.body.matches("<entry>").count()), (StatusCode::OK, 2));

    let renewed = change("new").await;
    assert_ne!(renewed[0], atom);
    assert_eq!(site.ask(Method::GET, &atom, &[("if-none-match", &tag)]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get(&renewed[0]).await.status, StatusCode::OK);
    assert!(change("remove").await.is_empty());
    assert_eq!(site.get(&renewed[0]).await.status, StatusCode::NOT_FOUND);
    for path in ["/shelf/.atom", "/shelf/x", "/shelf/x.json"] {
        assert_eq!(site.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn feed_of_a_shelf_works_on_a_read_only_site() {
    let site = site_of(&blogs(), Images::default(), Readers::ReadOnly("No password.".into())).await;
    site.store.mark(ReaderId::ONE, ReadId(1), Mark::Keep, true, super::now()).await.unwrap();
    site.store.set_shelf_secret(ReaderId::ONE, Some("feed0"), super::now()).await.unwrap();
    let feed = site.get("/shelf/feed0.atom").await;
    assert_eq!((feed.status, feed.body.matches("<entry>").count()), (StatusCode::OK, 1));
}

#[tokio::test]
async fn read_only_site_shows_no_notes_and_no_shelf() {
    let site = site_of(&blogs(), Images::default(), Readers::ReadOnly("No password.".into())).await;
    let (one, read) = (ReaderId::ONE, ReadId(1));
    site.store.save_note(one, read, &"Secret thought".parse().unwrap(), 0, super::now()).await.unwrap();
    site.store.add_label(one, read, &"secret label".parse().unwrap(), super::now()).await.unwrap();
    let page = site.read_page(1).await;
    assert!(!page.text().contains("Secret") && !page.text().contains("secret"), "{}", page.text());
    for path in ["/shelf", "/notes", "/shelf?label=secret+label"] {
        let answer = site.get(path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(
            answer.body.contains("No password.") && !answer.body.to_lowercase().contains("secret thought")
        );
    }
}

#[tokio::test]
async fn the_shelf_is_grouped_and_narrowed_by_concept() {
    let site = site(&blogs()).await;
    let (one, at) = (ReaderId::ONE, super::now());
    for read in [1, 2, 3, 4] {
        site.store.mark(one, ReadId(read), Mark::Keep, true, at).await.unwrap();
    }
    site.store.add_label(one, ReadId(1), &"to read".parse().unwrap(), at).await.unwrap();
    let page = async |query: &str| {
        let path = format!("/shelf{query}");
        let page = html::Page::parse(&path, &site.get(&path).await.body);
        page.assert_well_formed();
        page
    };
    let groups = async |by: &str| page(&format!("?by={by}")).await.all("h2.section");
    assert_eq!(groups("label").await, ["to read 1 read", "Without a label 3 reads"]);
    assert_eq!(groups("week").await, ["Week 20 of 2026 3 reads", "Week 19 of 2026 1 read"]);
    assert_eq!(groups("company").await, ["Fernhost 4 reads"]);
    let concepts = groups("concept").await;
    assert_eq!(concepts[0], "Caching 2 reads");
    assert_eq!(concepts.last().unwrap(), "Without a concept 1 read");
    let by_concept = page("?by=concept").await;
    let buttons = by_concept.attributes(".marks", "id");
    assert_eq!(buttons.len(), 4, "a read of several groups has its buttons once: {buttons:?}");
    let narrowed = page("?concept=caching&sort=minutes").await;
    assert_eq!(narrowed.attributes(".marks", "id").len(), 2);
    assert_eq!(narrowed.all(".chips .chip"), ["Caching"]);
    assert_eq!(page("?by=label&concept=fuzzing").await.all("h2.section"), Vec::<String>::new());
    assert_eq!(site.get("/shelf?by=mood").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn page_is_saved_by_its_address() {
    let site = site(&blogs()).await;
    let save = async |url: &str| {
        let page = html::Page::parse("/sources", &site.get("/sources").await.body);
        page.assert_well_formed();
        let token = page.attributes("#save [name=token]", "value").remove(0);
        site.post("/save", &[("token", &token), ("back", "/sources"), ("url", url)], &[OWN]).await
    };
    let card = site.store.cards(&[ReadId(1)]).await.unwrap().remove(0);
    let known = save(card.url.as_str()).await;
    assert_eq!(
        (known.status, &known.headers["location"]),
        (StatusCode::SEE_OTHER, &"/read/1".parse().unwrap())
    );
    let shelf = html::Page::parse("/shelf", &site.get("/shelf").await.body);
    assert_eq!(shelf.attributes(".marks", "id"), ["m1"]);
    let new = save("blog.example/an-article").await;
    assert_eq!(new.headers["location"], "/sources?saved=1#save");
    let page = html::Page::parse("/sources", &site.get("/sources?saved=1").await.body);
    page.assert_well_formed();
    assert!(page.one("#save [role=status]").starts_with("Saved and kept."));
    let before = site.version().await;
    for wrong in ["", "blog", "javascript:alert(1)", "ftp://blog.example/x", "<script>", "http://10.0.0.1/x"]
    {
        let answer = save(wrong).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        html::Page::parse("/save", &answer.body).assert_well_formed();
    }
    assert_eq!(site.version().await, before);
    let read_only = site_of(&blogs(), Images::default(), Readers::ReadOnly("No.".into())).await;
    assert!(!read_only.get("/sources").await.body.contains("/save"));
}

impl Site {
    async fn highlight(&self, quote: &str, context: (&str, &str), remark: &str) -> Answer {
        let token = self.token("/").await;
        let (prefix, suffix) = context;
        let fields = [
            ("token", token.as_str()),
            ("back", "/read/1/x"),
            ("quote", quote),
            ("prefix", prefix),
            ("suffix", suffix),
            ("remark", remark),
        ];
        self.post("/highlights/1", &fields, &[OWN]).await
    }

    async fn change_highlight(&self, id: i64, what: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token("/").await;
        let own = [("token", token.as_str()), ("back", "/read/1/x")];
        self.post(&format!("/highlight/{id}/{what}"), &[&own, fields].concat(), &[OWN]).await
    }

    /// The first words of the article of read 1.
    async fn first_words(&self, count: usize) -> String {
        let text = self.store.read(ReadId(1)).await.unwrap().unwrap().article.text;
        text.split_whitespace().take(count).collect::<Vec<_>>().join("\r\n  ")
    }
}

#[tokio::test]
async fn highlight_is_marked_listed_found_changed_and_removed() {
    let site = site(&blogs()).await;
    let quote = site.first_words(4).await;
    let solid = |text: &str| text.split_whitespace().collect::<String>();
    let plain = solid(&quote);
    let remark = "**Ours** too <script>alert(1)</script>";
    let answer = site.highlight(&quote, ("", ""), remark).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let to = answer.headers["location"].to_str().unwrap();
    let (did, id) = to.strip_prefix("/read/1/x?did=a").unwrap().split_once("#highlight-").unwrap();
    assert_eq!(did, id);
    let id: i64 = id.parse().unwrap();
    let page = site.read_page(1).await;
    assert_eq!(page.attributes("mark.highlight[id]", "id"), [format!("highlight-{id}")]);
    assert_eq!(solid(&page.all(".body mark.highlight").join(" ")), plain);
    assert_eq!(solid(&page.one("#highlights blockquote")), plain);
    assert_eq!(
        (page.one("#highlights strong"), page.all("#highlights script").len()),
        ("Ours".to_owned(), 0)
    );
    assert_eq!(page.attributes("#highlights .under a", "href"), [format!("#highlight-{id}")]);

    site.store.mark(ReaderId::ONE, ReadId(1), Mark::Keep, true, super::now()).await.unwrap();
    for path in ["/shelf", "/notes", "/notes?q=OURS", "/shelf?by=week"] {
        let page = html::Page::parse(path, &site.get(path).await.body);
        page.assert_well_formed();
        assert_eq!(page.all("ul.highlights strong"), ["Ours"], "{path}");
        assert!(
            page.attributes("ul.highlights blockquote a", "href")[0].ends_with(&format!("#h{id}")),
            "{path}"
        );
    }
    let none = html::Page::parse("/notes", &site.get("/notes?q=elsewhere").await.body);
    assert!(none.text().contains("No note or highlight has all of these words."));

    let saved = site.change_highlight(id, "remark", &[("version", "1"), ("remark", "Theirs")]).await;
    assert_eq!(
        (saved.status, &saved.headers["location"]),
        (StatusCode::SEE_OTHER, &format!("/read/1/x#h{id}").parse().unwrap())
    );
    let stale = site.change_highlight(id, "remark", &[("version", "1"), ("remark", "Stale")]).await;
    assert_eq!(stale.status, StatusCode::CONFLICT);
    html::Page::parse("/highlight/1/remark", &stale.body).assert_well_formed();
    assert_eq!(site.read_page(1).await.one("#highlights .written"), "Theirs");

    let removed = site.change_highlight(id, "remove", &[]).await;
    let did = format!("/read/1/x?did=h{id}");
    assert_eq!(removed.headers["location"], did.as_str());
    let after = site.get(&format!("/shelf?did=h{id}")).await.body;
    let told = html::Page::parse("/shelf", &after);
    told.assert_well_formed();
    assert_eq!(told.one("#notice"), "The highlight was removed. Undo");
    assert!(told.all("ul.highlights").is_empty());
    assert!(site.read_page(1).await.all("mark.highlight, #highlights").is_empty());
    let token = site.token("/").await;
    let number = format!("h{id}");
    let undo = [("token", token.as_str()), ("back", did.as_str()), ("undo", number.as_str())];
    let undone = site.post("/undo", &undo, &[OWN]).await;
    assert_eq!(undone.headers["location"], format!("/read/1/x#h{id}").as_str());
    assert_eq!(site.read_page(1).await.one("#highlights .written"), "Theirs");
    assert_eq!(site.post("/undo", &undo, &[OWN]).await.status, StatusCode::NOT_FOUND, "once is enough");
    assert!(!site.get(&format!("/shelf?did=h{id}")).await.body.contains("Undo"));
}

#[tokio::test]
async fn added_highlight_can_be_undone_if_it_is_new() {
    let site = site(&blogs()).await;
    let quote = site.first_words(4).await;
    let to = site.highlight(&quote, ("", ""), "Ours").await.headers["location"].clone();
    let (did, _) = to.to_str().unwrap().split_once('#').unwrap();
    let name = did.strip_prefix("/read/1/x?did=").unwrap();
    let shelf = format!("/shelf?did={name}");
    let told = html::Page::parse("/shelf", &site.get(&shelf).await.body);
    assert_eq!(told.one("#notice"), "Highlighted. Undo");
    let token = site.token("/").await;
    let undo = [("token", token.as_str()), ("back", did), ("undo", name)];
    let undone = site.post("/undo", &undo, &[OWN]).await;
    assert_eq!(undone.headers["location"], format!("/read/1/x?did=h{}", &name[1..]).as_str());
    assert!(site.read_page(1).await.all("mark.highlight, #highlights").is_empty());
    assert_eq!(site.post("/undo", &undo, &[OWN]).await.status, StatusCode::NOT_FOUND);
    assert!(!site.get(&shelf).await.body.contains("Undo"));

    site.store.restore_highlight(ReaderId::ONE, name[1..].parse().unwrap()).await.unwrap().unwrap();
    let to = site.highlight(&quote, ("", ""), "Again").await.headers["location"].clone();
    assert!(!to.to_str().unwrap().contains("did="), "{to:?}: it was there before, with a remark");
}

#[tokio::test]
async fn highlight_that_left_the_text_is_kept_and_says_so() {
    let site = site(&blogs()).await;
    let lost = backissue_store::OwnHighlight {
        quote: backissue_model::Quote::new("What the article said <b>before</b>", "", "").unwrap(),
        remark: "Remember".parse().unwrap(),
        made: None,
        changed: None,
    };
    let url = site.store.cards(&[ReadId(1)]).await.unwrap().remove(0).url.to_string();
    let own = backissue_store::OwnRead { url, highlights: vec![lost], ..Default::default() };
    let next = |_: &[_], _: &_| super::now();
    site.store.take_in(ReaderId::ONE, &[own], next, super::now()).await.unwrap();
    let to = site.highlight(&site.first_words(3).await, ("", ""), "").await.headers["location"].clone();
    let page = site.read_page(1).await;
    assert_eq!(page.all("#highlights .lost"), ["No longer in the text"]);
    assert!(page.all("#highlights blockquote")[1].contains("<b>before</b>"), "after those that the text has");
    let marked = page.attributes("mark.highlight[id]", "id");
    let (_, at) = to.to_str().unwrap().split_once('#').unwrap();
    assert_eq!(at, marked[0], "the one that the text has");
}

#[tokio::test]
async fn hostile_highlights_are_refused_and_change_nothing() {
    let site = site(&blogs()).await;
    let before = site.version().await;
    let long = "é".repeat(10_001);
    for (quote, remark, status, says) in [
        ("", "", 400, "needs a passage"),
        (" \0 ", "", 400, "needs a passage"),
        ("nowhere in any article", "", 400, "does not have this passage"),
        ("e", "", 400, "several times"),
        (long.as_str(), "", 413, "at most 2,000 characters; this one has 10,001"),
        ("e", long.as_str(), 413, "at most 10,000 characters; this one has 10,001"),
    ] {
        let answer = site.highlight(quote, ("", ""), remark).await;
        assert_eq!(answer.status.as_u16(), status, "{quote:.20}");
        let page = html::Page::parse("/highlights/1", &answer.body);
        page.assert_well_formed();
        assert!(page.text().contains(says), "{quote:.20}: {}", page.text());
    }
    for (id, what) in [(1, "remark"), (1, "remove"), (-1, "remove"), (i64::MAX, "remove")] {
        let answer = site.change_highlight(id, what, &[("version", "0"), ("remark", "")]).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id} {what}");
    }
    let token = site.token("/").await;
    for wrong in ["h", "hh1", "h9223372036854775808"] {
        let answer = site.post("/undo", &[("token", &token), ("undo", wrong)], &[OWN]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert_eq!(site.get(&format!("/?did={wrong}")).await.status, StatusCode::OK);
    }
    assert_eq!(site.version().await, before);
    let read_only = site_of(&blogs(), Images::default(), Readers::ReadOnly("No.".into())).await;
    let wanted = backissue_model::Quote::new(&read_only.first_words(4).await, "", "").unwrap();
    let (one, secret) = (ReaderId::ONE, "Secret thought".parse().unwrap());
    let added = read_only.store.add_highlight(one, ReadId(1), &wanted, &secret, super::now()).await.unwrap();
    assert!(matches!(added, backissue_store::Highlighted::Added(_)));
    let page = read_only.read_page(1).await;
    assert!(
        page.all("mark.highlight, #highlights, #highlight").is_empty() && !page.text().contains("Secret")
    );
}
