//! Tests of the pages with a real store: all addresses answer, and the responses keep the
//! guarantees.

// Helpers of tests may unwrap.
#![allow(clippy::unwrap_used)]

mod access;
mod api;
mod archive;
mod caching;
mod correcting;
mod digesting;
mod documents;
mod html;
mod looking_out;
mod marking;
mod plans;
mod practising;
mod reader_apps;
mod searching;
mod settling;
mod specimens;
mod subscribing;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use backissue_model::{
    Because, CanonicalUrl, Entry, Form, Moving, Pace, Phase, Progress, ReaderId, SourceTrouble, Statement,
};
use backissue_search::{Embedders, Search};
use backissue_store::{
    Address, Admission, BackfillStep, Extent, FoundBy, Location, NextPoll, NextStep, PollOutcome, Scope,
    SourceFilter, Store,
};
use backissue_web::{
    FormKey, Image, ImageCache, Images, OwnDigests, Proxies, Public, Readers, SiteSettings, State,
    Subscriptions, router,
};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use tokio::sync::watch;
use tower::ServiceExt;

use specimens::{HOSTILE, blogs, now};

/// A router over a store in a temporary folder.
struct Site {
    router: Router,
    /// The same pages without the cache of finished pages.
    uncached: Router,
    store: Store,
    search: Search,
    progress: watch::Sender<Progress>,
    _folder: tempfile::TempDir,
}

/// The response to a request.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

async fn site(blogs: &[archive::Blog]) -> Site {
    site_with(blogs, Images::default()).await
}

async fn site_with(blogs: &[archive::Blog], images: Images) -> Site {
    site_of(blogs, images, Readers::one(FormKey::of("a secret of tests"), ReaderId::ONE)).await
}

async fn site_of(blogs: &[archive::Blog], images: Images, readers: Readers) -> Site {
    site_open_to(blogs, images, readers, Some(Public::Articles)).await
}

async fn site_open_to(
    blogs: &[archive::Blog],
    images: Images,
    readers: Readers,
    public: Option<Public>,
) -> Site {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::Sqlite(folder.path().join("archive.db"));
    site_at(&location, folder, blogs, images, readers, public).await
}

async fn site_at(
    location: &Location,
    folder: tempfile::TempDir,
    blogs: &[archive::Blog],
    images: Images,
    readers: Readers,
    public: Option<Public>,
) -> Site {
    let store = Store::open(location, &TimeZone::UTC).await.unwrap();
    archive::fill(&store, blogs, now()).await.unwrap();
    let search =
        Search::open(store.clone(), &folder.path().join("index"), Embedders::default()).await.unwrap();
    search.catch_up(|_| ()).await.unwrap();
    let (sender, progress) = watch::channel(Progress { phase: Phase::Idle, ..Progress::default() });
    let state = State {
        store: store.clone(),
        search: search.clone(),
        progress,
        site: SiteSettings::default(),
        images,
        readers,
        public,
        proxies: Proxies::default(),
        unsubscribe: HashMap::from([("token".to_owned(), "team".to_owned())]),
        subscriptions: Some(Subscriptions::new("each Monday at 08:00 (UTC)", Arc::default())),
        own_digests: Some(OwnDigests::new(Arc::default())),
        operator: settling::stand_in(),
        page_cache: 0,
    };
    let router = router(State { page_cache: 10_000_000, ..state.clone() });
    let uncached = backissue_web::router(state);
    Site { router, uncached, store, search, progress: sender, _folder: folder }
}

impl Site {
    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "localhost:7878");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(Body::empty()).unwrap()).await
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        Self::answer_of(&self.router, request).await
    }

    async fn answer_of(router: &Router, request: Request<Body>) -> Answer {
        let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, 10_000_000).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[]).await
    }
}

/// One address of each kind of page.
const PAGES: [&str; 15] = [
    "/",
    "/weeks",
    "/week/2026-W20",
    "/week/2026-W19",
    "/week/1999-W01",
    "/week/2026-W20?kind=incident",
    "/week/2026-W20?concept=caching&source=undergrowth",
    "/sources",
    "/source/undergrowth",
    "/source/ledger-lines?kind=event",
    "/concepts",
    "/concept/caching",
    "/concept/caching?kind=case-study",
    "/concept/fuzzing",
    "/api",
];

#[tokio::test]
async fn pages_are_well_formed_and_their_links_work() {
    let site = site(&blogs()).await;
    let mut to_visit: BTreeSet<String> = PAGES.iter().map(ToString::to_string).collect();
    let mut visited = BTreeSet::new();
    while let Some(path) = to_visit.pop_first() {
        let answer = site.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        if answer.headers["content-type"].to_str().unwrap().starts_with("text/html") {
            let page = html::Page::parse(&path, &answer.body);
            page.assert_well_formed();
            // Filters can be combined without end. One of them is enough.
            let links = if path.contains('?') { page.followed_links() } else { page.own_links() };
            to_visit.extend(links.into_iter().filter(|link| !visited.contains(link)));
        }
        visited.insert(path);
        assert!(visited.len() < 2_000, "links lead to ever new pages: {visited:#?}");
    }
    assert!(visited.len() > 40, "{} pages were reached", visited.len());
    assert!(visited.iter().any(|path| path.starts_with("/read/")));
}

#[tokio::test]
async fn errors_are_shown_in_the_frame_with_links() {
    let site = site(&blogs()).await;
    for (path, status) in [
        ("/nothing", 404),
        ("/read/999999/x", 404),
        ("/read/x", 404),
        ("/source/nobody", 404),
        ("/concept/no-such-thing", 404),
        ("/concept/Not A Concept", 404),
        ("/week/2026-W54", 400),
        ("/week/lately", 400),
        ("/week/2026-W20?kind=poem", 400),
        ("/week/2026-W20?form=poem", 400),
        ("/week/2026-W20?concept=%00", 404),
        ("/week/2026-W20?after=nonsense", 400),
        ("/week/2026-W20?source=nobody", 404),
        ("/assets/0/nothing.css", 404),
    ] {
        let answer = site.get(&path.replace(' ', "%20")).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        let page = html::Page::parse(path, &answer.body);
        page.assert_well_formed();
        assert!(page.own_links().contains("/weeks"), "{path} has no way out");
    }
    let answer = site.get("/api/read/999999").await;
    assert_eq!(
        (answer.status, &answer.headers["content-type"]),
        (StatusCode::NOT_FOUND, &"application/json".parse().unwrap())
    );
    let answer = site.ask(Method::POST, "/weeks", &[]).await;
    assert_eq!(
        (answer.status, &answer.headers["allow"]),
        (StatusCode::METHOD_NOT_ALLOWED, &"GET,HEAD".parse().unwrap())
    );
}

#[tokio::test]
async fn internal_errors_show_only_a_number() {
    let site = site(&blogs()).await;
    site.store.close().await;
    let answer = site.get("/").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.body.contains("reference"), "{}", answer.body);
    assert!(
        !answer.body.contains("archive.db") && !answer.body.to_lowercase().contains("sqlite"),
        "{}",
        answer.body
    );
    html::Page::parse("/", &answer.body).assert_well_formed();
    let health = site.get("/health").await;
    assert_eq!(health.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(health.body.contains(r#""database":"failing""#), "{}", health.body);
}

#[tokio::test]
async fn every_response_has_the_policy() {
    let site = site(&blogs()).await;
    let stylesheet = asset(&site, "link[rel=stylesheet]", "href").await;
    for path in PAGES
        .iter()
        .copied()
        .chain(["/nothing", "/api/weeks", "/api/progress", "/health", "/robots.txt", "/read/1", &stylesheet])
    {
        let answer = site.get(path).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy
                .starts_with("default-src 'none'; style-src 'self'; font-src 'self'; script-src 'self'; img-src 'self' data:"),
            "{path}"
        );
        for unsafe_word in ["unsafe", "*", "http"] {
            assert!(!policy.contains(unsafe_word), "{path}: {policy}");
        }
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(answer.headers["referrer-policy"], "same-origin", "{path}");
        assert_eq!(answer.headers["cross-origin-opener-policy"], "same-origin", "{path}");
    }
}

#[tokio::test]
async fn unchanged_page_is_a_304() {
    let site = site(&blogs()).await;
    for path in ["/", "/weeks", "/week/2026-W20", "/concepts", "/api/weeks", "/source/undergrowth"] {
        let first = site.get(path).await;
        let tag = first.headers["etag"].to_str().unwrap().to_owned();
        let again = site.ask(Method::GET, path, &[("if-none-match", &tag)]).await;
        // A page with relative times is rendered again each minute, and the test may run at that
        // moment.
        if path.starts_with("/source/") && again.status == StatusCode::OK {
            continue;
        }
        assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{path}");
        assert_eq!(again.headers["etag"].to_str().unwrap(), tag);
        let head = site.ask(Method::HEAD, path, &[]).await;
        assert_eq!((head.status, head.body.as_str()), (StatusCode::OK, ""), "{path}");
        assert_eq!(head.headers["etag"].to_str().unwrap(), tag, "{path}");
    }
    let tag = site.get("/").await.headers["etag"].to_str().unwrap().to_owned();
    site.progress.send_modify(|progress| {
        progress.phase = Phase::Working;
        progress.began = Some(now());
        progress.reads_due = 3;
    });
    let told = site.ask(Method::GET, "/", &[("if-none-match", &tag)]).await;
    assert_eq!(told.status, StatusCode::OK, "the band has something to say");
    site.progress.send_replace(Progress { phase: Phase::Idle, ..Progress::default() });
    let mut more = blogs();
    more[0].posts = vec![specimens::late_post()];
    more.truncate(1);
    let due = now() + jiff::SignedDuration::from_hours(2);
    archive::fill(&site.store, &more, due).await.unwrap();
    let changed = site.ask(Method::GET, "/", &[("if-none-match", &tag)]).await;
    assert_eq!(changed.status, StatusCode::OK, "a new read came");
    assert!(changed.body.contains("One late post"), "{}", changed.body);
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let site = site(&blogs()).await;
    let week = site.get("/week/2026-W19").await.body;
    let page = html::Page::parse("/week/2026-W19", &week);
    page.assert_well_formed();
    assert!(page.text().contains(HOSTILE), "the title stands there to the letter: {}", page.text());
    let link = page.own_links().into_iter().find(|link| link.contains("alert")).expect("the read has a page");
    let read = site.get(&link).await;
    assert_eq!(read.status, StatusCode::OK);
    let page = html::Page::parse(&link, &read.body);
    page.assert_well_formed();
    assert!(page.text().contains(HOSTILE));
    page.assert_loads_nothing_from_elsewhere();
}

#[tokio::test]
async fn read_shows_problem_first_and_its_evidence() {
    let site = site(&blogs()).await;
    let short = site.get("/read/1").await;
    assert_eq!(short.status, StatusCode::PERMANENT_REDIRECT);
    let path = short.headers["location"].to_str().unwrap().to_owned();
    let wrong = site.get(&format!("{}-wrong", &path)).await;
    assert_eq!(
        (wrong.status, &wrong.headers["location"]),
        (StatusCode::PERMANENT_REDIRECT, &path.parse().unwrap())
    );
    let answer = site.get(&path).await;
    let page = html::Page::parse(&path, &answer.body);
    assert_eq!(page.one("h1"), specimens::PROBLEM);
    assert_eq!(page.one("blockquote"), specimens::QUOTE);
    assert!(page.one("details.grounds").contains("80 %"));
    assert!(page.one("article h2").contains("Good fences"));
    assert!(page.one("article").contains(specimens::QUOTE));
    page.assert_loads_nothing_from_elsewhere();
    let evidence = "#evidence-problem-1";
    assert_eq!(page.attributes("[data-statement=problem] a", "href"), [evidence, evidence]);
    assert!(specimens::QUOTE.starts_with(&page.one(&format!("mark{evidence}"))));
    assert_eq!(page.all("mark.evidence[data-for=problem]").concat(), specimens::QUOTE);
}

#[tokio::test]
async fn card_leads_with_the_problem_only_if_it_is_sure() {
    const TITLE: &str = "Good fences: living with noisy neighbours";
    let quoted = format!("“{}”", specimens::QUOTE);
    for (confidence, leads, below) in [(0.9, quoted.as_str(), None), (0.4, TITLE, Some(quoted.as_str()))] {
        let mut told = blogs();
        let problem = told[0].posts[0].precis.problem.as_mut().unwrap();
        specimens::QUOTE.clone_into(&mut problem.text);
        (problem.form, problem.confidence) = (Form::Quoted, confidence);
        let site = site(&told).await;
        let week = html::Page::parse("/week/2026-W20", &site.get("/week/2026-W20").await.body);
        let card = week.all(".reads > li").into_iter().find(|card| card.contains(TITLE)).unwrap();
        assert!(card.starts_with(leads), "{confidence}: {card}");
        let level = if below.is_some() { "problem: likely" } else { "problem: sure" };
        assert!(card.contains(level), "{confidence}: {card}");
        let markdown = site.get("/week/2026-W20.md").await.body;
        assert!(markdown.contains(&format!("1 min · {level}")), "{confidence}: {markdown}");
        assert_eq!(week.all(".reads .passage").first().map(String::as_str), below, "{confidence}");
        let path = site.get("/read/1").await.headers["location"].to_str().unwrap().to_owned();
        let read = html::Page::parse(&path, &site.get(&path).await.body);
        assert_eq!(read.one("h1"), leads, "{confidence}");
        let found = html::Page::parse("/search", &site.get("/search?q=noisy%20disk%20tenants").await.body);
        assert_eq!(found.all(".found .problem").first().map(String::as_str), Some(leads), "{confidence}");
        assert!(found.all(".found > li").first().is_some_and(|card| card.contains(level)), "{confidence}");
    }
}

/// The image sources that the page's policy allows, and the images that the page loads.
fn images_on(answer: &Answer, path: &str) -> (String, Vec<String>) {
    let policy = answer.headers["content-security-policy"].to_str().unwrap();
    let sources = policy.split("; ").find_map(|rule| rule.strip_prefix("img-src ")).unwrap().to_owned();
    (sources, html::Page::parse(path, &answer.body).attributes("img", "src"))
}

#[tokio::test]
async fn image_loads_only_if_requested() {
    let site = site(&blogs()).await;
    let path = site.get("/read/1").await.headers["location"].to_str().unwrap().to_owned();
    let unasked = site.get(&path).await;
    assert_eq!(images_on(&unasked, &path), ("'self' data:".to_owned(), Vec::new()));
    let page = html::Page::parse(&path, &unasked.body);
    let ways: Vec<String> =
        page.attributes("article a", "href").into_iter().filter(|href| href.contains("images=")).collect();
    assert_eq!(ways, [format!("{path}?images=1#image-1")]);
    let graph = ("'self' data: https: http:".to_owned(), vec!["https://cdn.example/graph.png".to_owned()]);
    for query in ["images=1", "images=all"] {
        let address = format!("{path}?{query}");
        let asked = site.get(&address).await;
        html::Page::parse(&address, &asked.body).assert_well_formed();
        assert_eq!(images_on(&asked, &address), graph, "{query}");
        // A browser with a cached page applies the policy of the 304.
        let tag = asked.headers["etag"].to_str().unwrap();
        let again = site.ask(Method::GET, &address, &[("if-none-match", tag)]).await;
        assert_eq!(again.status, StatusCode::NOT_MODIFIED);
        assert_eq!(again.headers["content-security-policy"], asked.headers["content-security-policy"]);
    }
    assert_eq!(images_on(&site.get(&format!("{path}?images=7,x")).await, &path).1, [""; 0]);
    assert_eq!(images_on(&site.get("/?images=all").await, "/").0, "'self' data:");

    let site = site_with(&blogs(), Images::Load).await;
    assert_eq!(images_on(&site.get(&path).await, &path), graph);
    assert_eq!(images_on(&site.get("/").await, "/").0, "'self' data:");
}

/// A cache with one image, which records requests.
#[derive(Debug, Default)]
struct OneImage {
    asked: std::sync::Mutex<Vec<String>>,
}

impl ImageCache for OneImage {
    fn image(&self, url: url::Url) -> Pin<Box<dyn Future<Output = Result<Image, String>> + Send + '_>> {
        self.asked.lock().unwrap().push(url.to_string());
        let known = url.path() == "/graph.png";
        let image = Image { media_type: "image/png", bytes: b"\x89PNG".to_vec() };
        Box::pin(async move { if known { Ok(image) } else { Err("it is not there".to_owned()) } })
    }
}

#[tokio::test]
async fn only_images_of_stored_articles_are_cached() {
    let cache = Arc::new(OneImage::default());
    let site = site_with(&blogs(), Images::Cache(cache.clone())).await;
    let path = site.get("/read/1").await.headers["location"].to_str().unwrap().to_owned();
    let (sources, images) = images_on(&site.get(&path).await, &path);
    assert_eq!(sources, "'self' data:");
    let [image] = images.as_slice() else { panic!("{images:?}") };
    assert!(image.starts_with("/image/1/"), "{image}");
    assert!(cache.asked.lock().unwrap().is_empty(), "the page alone asks for nothing");
    let answer = site.get(image).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "image/png");
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert!(answer.headers["content-security-policy"].to_str().unwrap().contains("sandbox"));
    assert!(answer.headers["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!(*cache.asked.lock().unwrap(), ["https://cdn.example/graph.png"]);

    let name = image.rsplit('/').next().unwrap();
    let others = [
        format!("/image/2/{name}"),
        format!("/image/999/{name}"),
        format!("/image/x/{name}"),
        format!("/image/1/{}", name.replace(|c| c != '0', "0")),
        "/image/1/https%3A%2F%2Fcdn.example%2Fgraph.png".to_owned(),
    ];
    for other in &others {
        assert_eq!(site.get(other).await.status, StatusCode::NOT_FOUND, "{other}");
    }
    assert_eq!(cache.asked.lock().unwrap().len(), 1, "nobody was asked for what no article has");
    let without = site_with(&blogs(), Images::Click).await;
    assert_eq!(without.get(image).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn unavailable_image_is_explained_and_retried() {
    let site = site_with(&blogs(), Images::Cache(Arc::new(OneImage::default()))).await;
    let hostile = "/week/2026-W19";
    let links = html::Page::parse(hostile, &site.get(hostile).await.body).own_links();
    let path = links.into_iter().find(|link| link.contains("alert")).unwrap();
    let (_, images) = images_on(&site.get(&path).await, &path);
    let answer = site.get(&images[0]).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.body, "it is not there\n");
}

#[tokio::test]
async fn read_without_a_problem_says_its_kind() {
    let site = site(&blogs()).await;
    let week = site.get("/week/2026-W20").await;
    let links = html::Page::parse("/week/2026-W20", &week.body).own_links();
    let path = links.into_iter().find(|link| link.contains("prices")).expect("the read is listed");
    let answer = site.get(&path).await;
    let page = html::Page::parse(&path, &answer.body);
    page.assert_well_formed();
    assert_eq!(page.one("h1"), "Prices from next month");
    assert_eq!(page.one("main").matches("Prices from next month").count(), 1, "{}", page.one("main"));
    assert!(page.one("main").contains("An announcement"), "{}", page.one("main"));
    assert!(page.all("[data-statement], mark").is_empty());
}

#[tokio::test]
async fn list_is_filtered_by_address_and_chips_undo_it() {
    let site = site(&blogs()).await;
    let all = site.get("/concept/caching").await;
    let path = "/concept/caching?kind=incident";
    let narrow = site.get(path).await;
    let titles = |answer: &Answer| html::Page::parse(path, &answer.body).all("a[data-read]").len();
    assert!(titles(&narrow) > 0 && titles(&narrow) < titles(&all));
    let page = html::Page::parse(path, &narrow.body);
    assert_eq!(page.attributes("a.chip", "href"), ["/concept/caching"]);
    assert!(
        site.get("/week/2026-W19?kind=profile").await.body.contains("Nothing in this week is that narrow")
    );
    let written = html::Page::parse(path, &site.get("/concept/caching?form=written").await.body);
    assert_eq!(written.all("a[data-read]").len(), titles(&all), "all their problems are a model's words");
    assert_eq!(written.attributes("a.chip", "href"), ["/concept/caching"]);
    let quoted = html::Page::parse(path, &site.get("/concept/caching?form=quoted").await.body);
    assert!(quoted.all("a[data-read]").is_empty(), "{}", quoted.text());
    for list in ["/week/2026-W20", "/source/undergrowth", "/concept/caching"] {
        let path = format!("{list}?kind=incident");
        let answer = site.get(&path).await;
        let page = html::Page::parse(&path, &answer.body);
        let links = page.attributes("a[data-read]", "href");
        assert!(
            matches!(links.as_slice(), [only] if only.ends_with("when-a-show-goes-live")),
            "{path}: {links:?}"
        );
    }
}

#[tokio::test]
async fn paging_shows_every_read_once() {
    let site = site(&[specimens::busy_blog(230)]).await;
    for (start, older) in [("/source/busy", "Older reads"), ("/week/2026-W18", "More of this week")] {
        let (mut path, mut met) = (start.to_owned(), Vec::new());
        loop {
            let answer = site.get(&path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            let page = html::Page::parse(&path, &answer.body);
            page.assert_well_formed();
            met.extend(page.attributes("a[data-read]", "href"));
            let Some(next) = page.attributes(".list-end a[rel=next]", "href").pop() else { break };
            assert!(page.text().contains(older), "{path}");
            path = next;
        }
        let once: BTreeSet<_> = met.iter().collect();
        assert_eq!((met.len(), once.len()), (230, 230), "{start}");
    }
}

#[tokio::test]
async fn weeks_link_to_their_neighbours_with_reads() {
    let site = site(&blogs()).await;
    let answer = site.get("/week/2026-W19").await;
    let page = html::Page::parse("/", &answer.body);
    assert_eq!(page.attributes("head link[rel=prev]", "href"), ["/week/2025-W52"]);
    assert_eq!(page.attributes("head link[rel=next]", "href"), ["/week/2026-W20"]);
    let answer = site.get("/week/1999-W01").await;
    assert!(answer.body.contains("No read of this week"), "{}", answer.body);
    let newest = site.get("/").await;
    let page = html::Page::parse("/", &newest.body);
    assert_eq!(page.one("h1"), "Week 20");
    assert!(
        page.text().contains("The best of the weeks before"),
        "a newest week with few reads is not all there is"
    );
}

#[tokio::test]
async fn front_page_with_little_shows_the_best_of_the_last_weeks() {
    let site = site(&blogs()).await;
    let front = page_of(&site, "/").await;
    let weeks = site.store.weeks().await.unwrap();
    assert!(weeks.len() >= 3, "{weeks:?}");
    let mut expected = Vec::new();
    for week in weeks.iter().skip(1).take(4) {
        let page = page_of(&site, &format!("/week/{}", week.week)).await;
        expected.extend(page.all("[aria-labelledby=problems] .problem"));
    }
    assert!(expected.len() >= 2);
    assert_eq!(front.all("[aria-labelledby=before] .problem"), expected);
    let marks = front.attributes("[aria-labelledby=before] .marks", "data-of");
    let hidden = backissue_model::ReadId(marks[0].parse().unwrap());
    site.store.mark(ReaderId::ONE, hidden, backissue_model::Mark::Hide, true, now()).await.unwrap();
    let front = page_of(&site, "/").await;
    assert_eq!(front.all("[aria-labelledby=before] .problem"), expected[1..], "without the hidden one");
    assert!(page_of(&site, "/week/2026-W20").await.all("[aria-labelledby=before]").is_empty());
}

#[tokio::test]
async fn reads_link_to_their_neighbours_in_the_week() {
    let site = site(&blogs()).await;
    for week in site.store.weeks().await.unwrap() {
        let listed = page_of(&site, &format!("/week/{}", week.week)).await;
        let reads: Vec<String> = listed
            .attributes("main .reads a[href^='/read/'], main .others .title a", "href")
            .into_iter()
            .fold(Vec::new(), |mut all, href| {
                if !href.contains('#') && !all.contains(&href) {
                    all.push(href);
                }
                all
            });
        assert_eq!(reads.len() as u64, week.reads, "{reads:?}");
        for (at, read) in reads.iter().enumerate() {
            let page = page_of(&site, read).await;
            let before = at.checked_sub(1).map(|before| reads[before].clone());
            assert_eq!(page.attributes("main nav a[rel=prev]", "href"), Vec::from_iter(before), "{read}");
            let after = reads.get(at + 1).cloned();
            assert_eq!(page.attributes("main nav a[rel=next]", "href"), Vec::from_iter(after), "{read}");
        }
    }
}

#[tokio::test]
async fn unknown_names_in_filters_get_suggestions() {
    let site = site(&blogs()).await;
    for (path, meant) in [
        ("/source/undergrwth", "undergrowth"),
        ("/source/fernhost", "undergrowth"),
        ("/week/2026-W20?source=undergrwth", "undergrowth"),
        ("/concept/cachng", "caching"),
        ("/week/2026-W20?concept=cachng", "caching"),
        ("/concepts?concept=x&kind=x", ""),
        ("/week/2026-W20?kind=incidnt", "incident"),
        ("/search?q=kind:incidnt", "incident"),
        ("/week/2026-W20?form=quotd", "quoted"),
        ("/search?q=form:quotd", "quoted"),
        ("/search?q=concept:cachng", "caching"),
        ("/search?q=company:fernhst", "Fernhost"),
        ("/search?q=source:undergrwth", "undergrowth"),
        ("/prior-art?q=tenant+company:fernhst", "Fernhost"),
    ] {
        let answer = site.get(path).await;
        let told = html::Page::parse(path, &answer.body).text();
        let hint = format!("did you mean “{meant}”?");
        assert_eq!(told.contains(&hint), !meant.is_empty(), "{path}: {told}");
    }
    let by_name = site.get("/week/2026-W20?concept=Caching").await;
    assert_eq!(by_name.status, StatusCode::OK, "a concept goes by its name, too");
}

#[tokio::test]
async fn api_page_documents_exactly_the_api() {
    fn keys(value: &serde_json::Value, all: &mut BTreeSet<String>) {
        match value {
            serde_json::Value::Object(object) => {
                for (key, value) in object {
                    all.insert(key.clone());
                    keys(value, all);
                }
            }
            serde_json::Value::Array(values) => values.iter().for_each(|value| keys(value, all)),
            _ => {}
        }
    }
    let site = site(&blogs()).await;
    let page = site.get("/api").await.body.replace("&quot;", "\"");
    let sections: Vec<&str> = page.split("<h3 class=\"older\">").skip(1).collect();
    assert_eq!(sections.len(), 7, "{page}");
    for section in sections {
        let path = section.split("</h3>").next().unwrap();
        let path = path.trim_start_matches("<code>GET ").trim_end_matches("</code>");
        let path = path
            .replace("{week}", "2026-W20")
            .replace("{id}", "1")
            .replace("q=…", "q=tennant+%22evening+peak%22");
        let path = if path.starts_with("/api/prior-art") {
            "/api/prior-art?q=requests+go+past+the+cache".to_owned()
        } else {
            path
        };
        let answer = site.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        if path == "/health" {
            continue;
        }
        let mut there = BTreeSet::new();
        keys(&serde_json::from_str(&answer.body).unwrap(), &mut there);
        // Only present if there is something to report.
        there.extend(["indexed", "typed", "instead"].map(str::to_owned));
        let is_key =
            |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let mut promised = Vec::new();
        for code in section.split("<code>").skip(1).filter_map(|code| code.split("</code>").next()) {
            let pieces: Vec<&str> = code.split('"').collect();
            // A word after a colon or at the start of a list is a value.
            let keys = pieces.windows(2).step_by(2).filter(|pair| {
                code.starts_with('{')
                    && is_key(pair[1])
                    && !pair[0].ends_with(": ")
                    && !pair[0].ends_with('[')
            });
            promised.extend(keys.map(|pair| pair[1]));
        }
        let codes = section.split("<code>").skip(1).filter_map(|code| code.split("</code>").next());
        let codes = codes
            .filter(|code| code.contains('_') && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        for promise in promised.into_iter().chain(codes) {
            assert!(there.contains(promise), "{path} has no `{promise}`: {there:?}");
        }
    }
}

#[tokio::test]
async fn only_own_names_are_answered() {
    let site = site(&blogs()).await;
    for (host, status) in [
        ("localhost:7878", 200),
        ("127.0.0.1:7878", 200),
        ("[::1]:7878", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
    ] {
        let answer = site.ask(Method::GET, "/api/weeks", &[("host", host)]).await;
        assert_eq!(answer.status.as_u16(), status, "{host}");
    }
}

#[tokio::test]
async fn pages_are_compressed_and_assets_cached() {
    let site = site(&blogs()).await;
    for coding in ["gzip", "br"] {
        let answer = site.ask(Method::GET, "/concepts", &[("accept-encoding", coding)]).await;
        assert_eq!(answer.headers["content-encoding"], coding);
    }
    for (selector, attribute) in [
        ("link[rel=stylesheet]", "href"),
        ("script", "src"),
        ("link[rel=icon]", "href"),
        ("link[as=font]", "href"),
    ] {
        let path = asset(&site, selector, attribute).await;
        let answer = site.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert!(answer.headers["cache-control"].to_str().unwrap().contains("immutable"), "{path}");
    }
}

async fn page_of(site: &Site, path: &str) -> html::Page {
    let answer = site.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
    html::Page::parse(path, &answer.body)
}

async fn asset(site: &Site, selector: &str, attribute: &str) -> String {
    let front = site.get("/").await;
    html::Page::parse("/", &front.body).attributes(selector, attribute).remove(0)
}

#[tokio::test]
async fn first_run_shows_its_progress() {
    let mut empty = blogs();
    empty.iter_mut().for_each(|blog| blog.posts.clear());
    let site = site(&empty).await;
    site.progress.send_replace(Progress {
        phase: Phase::Working,
        began: Some(now()),
        sources_due: 3,
        sources_polled: 1,
        ..Progress::default()
    });
    let fetching = site.get("/").await;
    assert!(fetching.body.contains("Fetching the first reads"), "{}", fetching.body);
    html::Page::parse("/", &fetching.body).assert_well_formed();
    let trouble = |source: &str| SourceTrouble {
        source: source.into(),
        reason: "no route to it".into(),
        offline: true,
    };
    site.progress.send_replace(Progress {
        phase: Phase::Idle,
        sources_polled: 2,
        sources_troubled: 2,
        troubles: vec![trouble("Undergrowth"), trouble("Ledger Lines")],
        ..Progress::default()
    });
    let offline = site.get("/").await;
    for said in ["backissue serve --demo", "Undergrowth", "Ledger Lines", "no route to it"] {
        assert!(offline.body.contains(said), "{said} is missing: {}", offline.body);
    }
    html::Page::parse("/", &offline.body).assert_well_formed();
    let weeks = site.get("/weeks").await;
    assert_eq!(weeks.status, StatusCode::OK);
}

#[tokio::test]
async fn source_page_shows_reach_and_backfill() {
    let site = site(&blogs()).await;
    let path = "/source/undergrowth";
    let said = |page: &Answer| html::Page::parse(path, &page.body).outline();
    let before = site.get(path).await;
    assert!(before.body.contains("<code>backissue backfill undergrowth</code>"), "{}", said(&before));
    assert!(before.body.contains("The archive reaches back to "), "{}", said(&before));
    let source = site.store.source_by_slug("undergrowth").await.unwrap().unwrap();
    let some = Extent { since: None, most: Some(1) };
    site.store.ask_backfill(source.id, "u.example", some, str::to_owned, now()).await.unwrap();
    let asked = site.get(path).await;
    assert!(asked.body.contains("is being looked for: 0 documents read"), "{}", said(&asked));
    let claimed = site.store.claim_backfill(now(), SignedDuration::from_mins(1), &[]).await.unwrap().unwrap();
    let url: CanonicalUrl = "https://undergrowth.example/2019/before".parse().unwrap();
    let step = BackfillStep {
        plan: "{}".into(),
        host: "u.example".into(),
        admissions: vec![Admission { url, entry: Entry::default() }],
        found_by: FoundBy::Backfill,
        document: true,
        error: Some("<b>one</b> sitemap was broken".into()),
        next: NextStep::Finished,
    };
    site.store.record_backfill(&claimed, step, now()).await.unwrap();
    let after = site.get(path).await;
    for words in ["1 new read", "1 read is on the way", "&lt;b&gt;one&lt;/b&gt; sitemap was broken"] {
        assert!(after.body.contains(words), "{words} is missing: {}", said(&after));
    }
    html::Page::parse(path, &after.body).assert_well_formed();
}

#[tokio::test]
async fn source_page_shows_schedule_failures_and_moves() {
    let site = site(&blogs()).await;
    let path = "/source/undergrowth";
    let source = site.store.source_by_slug("undergrowth").await.unwrap().unwrap();
    let poll = async |hours: i64, outcome: PollOutcome, pace: Pace| {
        let at = now() + SignedDuration::from_hours(hours);
        let others: Vec<String> = site
            .store
            .sources(&SourceFilter::default())
            .await
            .unwrap()
            .iter()
            .filter(|other| other.id != source.id)
            .filter_map(|other| other.feed_url.as_ref()?.host_str().map(str::to_owned))
            .collect();
        let (lease, scope) = (SignedDuration::from_mins(1), Scope::AllNow { since: at });
        let claimed = site.store.claim_source(at, lease, &others, scope).await.unwrap().unwrap();
        let next = NextPoll { at: Some(at + pace.pause), pace: Some(pace) };
        site.store.record_poll(&claimed, outcome, at, |_| next.clone()).await.unwrap();
        let page = site.get(path).await;
        html::Page::parse(path, &page.body).assert_well_formed();
        page.body
    };
    let hours = SignedDuration::from_hours;
    let in_rhythm = Pace { gap: Some(hours(84)), pause: hours(8), because: Because::Rhythm };
    let to: url::Url = "https://new.example/<b>feed".parse().unwrap();
    let moving = Moving { to: to.clone(), since: now() };
    let unchanged = |address| PollOutcome::NotModified { etag: None, last_modified: None, address };
    let failed = || PollOutcome::Failed { error: "the server hung up".into() };
    let again = Pace { gap: Some(hours(84)), pause: hours(2), because: Because::Failure };

    let said = poll(1, unchanged(Address::Moves(moving)), in_rhythm.clone()).await;
    assert!(said.contains("(publishes about twice a week; polled about every 8 hours)"), "{said}");
    assert!(said.contains("At its last response, nothing had changed."), "{said}");
    assert!(
        said.contains(", its server redirects the feed permanently to <code>https://new.example/"),
        "{said}"
    );
    let said = poll(2, unchanged(Address::Moved(to)), in_rhythm).await;
    assert!(said.contains("Its feed moved on") && said.contains(", from <code>https://"), "{said}");
    poll(3, failed(), again.clone()).await;
    let said = poll(4, failed(), again).await;
    for words in [
        "failed 2 times running, since",
        "It has failed since",
        "2 polls in a row. Its last successful poll was",
        "(its last poll failed; retried after 2 hours)",
    ] {
        assert!(said.contains(words), "{words} is missing: {said}");
    }
}

#[tokio::test]
async fn api_and_pages_agree() {
    let site = site(&blogs()).await;
    let json = |answer: Answer| serde_json::from_str::<serde_json::Value>(&answer.body).unwrap();
    insta::assert_json_snapshot!("api_weeks", json(site.get("/api/weeks").await));
    insta::assert_json_snapshot!("api_week", json(site.get("/api/week/2026-W20?kind=incident").await));
    insta::assert_json_snapshot!("api_read", json(site.get("/api/read/1").await));
    let progress = json(site.get("/api/progress").await);
    assert_eq!(progress["band"], serde_json::Value::Null);
    assert_eq!(progress["phase"], "idle");
    assert!(progress["archive_version"].is_string());
}

#[tokio::test]
async fn pages_match_their_snapshots() {
    let site = site(&blogs()).await;
    for (name, path) in [
        ("week", "/week/2026-W20"),
        ("weeks", "/weeks"),
        ("narrowed", "/concept/caching?kind=incident"),
        ("not_found", "/nothing"),
    ] {
        let answer = site.get(path).await;
        insta::assert_snapshot!(name, html::Page::parse(path, &answer.body).outline());
    }
    let path = site.get("/read/1").await.headers["location"].to_str().unwrap().to_owned();
    insta::assert_snapshot!("read", html::Page::parse(&path, &site.get(&path).await.body).outline());
}

#[tokio::test]
async fn a_long_concept_says_where_to_start() {
    let mut busy = specimens::busy_blog(12);
    for (nth, post) in busy.posts.iter_mut().enumerate() {
        let sure = 0.4 + nth as f32 / 30.0;
        post.precis.outcome =
            post.precis.problem.clone().map(|problem| Statement { confidence: sure, ..problem });
    }
    let site = site(&[busy]).await;
    let path = "/concept/noisy-neighbours";
    let page = html::Page::parse(path, &site.get(path).await.body);
    page.assert_well_formed();
    assert_eq!(page.one(".starts h2"), "Start here");
    assert_eq!(page.all(".starts li").len(), 5);
    let narrowed = html::Page::parse(path, &site.get(&format!("{path}?kind=case-study")).await.body);
    assert!(narrowed.all(".starts").is_empty());
    let short = self::site(&blogs()).await;
    let page = html::Page::parse(path, &short.get(path).await.body);
    assert!(page.all(".starts").is_empty(), "a short list needs no way into it");
}
