//! What readers and operators do, each task in a real browser: narrow without script and wide with
//! script.
//!
//! Here: pause, resume, ask now, backfill, rename, unfollow and follow a source; lists of feeds in
//! and out; test a model and see its cost; save a page; retry what was set aside; label, shelf;
//! correct a read, hide it from everybody, merge two; the first password. Elsewhere:
//!
//! - `marking.rs`: keep, done, hide, undo, note, highlight
//! - `practising.rs`: answer, reveal, rate
//! - `login.rs`: invite readers, log in and out
//! - `accessible.rs`: the checks of axe-core on all pages

use backissue_needs::needs;
use backissue_tests::browser::{Browser, Colours};
use backissue_tests::program::{Archive, Served, client};
use backissue_tests::stand_in_model::StandInModel;
use fantoccini::Locator;

use crate::marking::{WITHIN, go, press, text};
use crate::modelling::honest;

const PASSWORD: &str = "tide pool ledger";

/// A browser on a server, in one look.
struct Tour<'t> {
    browser: &'t Browser,
    served: &'t Served,
    width: u32,
    /// Whose source is operated, and whose reads are corrected.
    sources: [&'static str; 2],
}

impl Tour<'_> {
    async fn goto(&self, path: &str) {
        self.browser.window.goto(&self.served.url(path)).await.unwrap();
        let wide = self.browser.evaluate("document.documentElement.scrollWidth").await.unwrap();
        assert!(wide.as_u64().unwrap() <= u64::from(self.width), "{path} is {wide} px wide");
    }

    async fn go(&self, css: &str) {
        go(self.browser, css).await;
    }

    async fn fill(&self, css: &str, typed: &str) {
        let field = self.browser.window.find(Locator::Css(css)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(typed).await.unwrap();
    }

    async fn text(&self, css: &str) -> String {
        self.browser.window.wait().for_element(Locator::Css(css)).await.unwrap();
        text(self.browser, css).await
    }

    async fn path(&self) -> String {
        self.browser.window.current_url().await.unwrap().path().to_owned()
    }

    async fn has(&self, css: &str) -> bool {
        !self.browser.window.find_all(Locator::Css(css)).await.unwrap().is_empty()
    }

    /// The address of the first link.
    async fn link(&self, css: &str) -> String {
        let link = self.browser.window.find(Locator::Css(css)).await.unwrap();
        link.attr("href").await.unwrap().unwrap()
    }

    /// Opens a page again and again, until a worker has brought the element there.
    async fn until(&self, path: &str, css: &str) {
        let comes = async {
            self.goto(path).await;
            while !self.has(css).await {
                self.goto(path).await;
            }
        };
        assert!(tokio::time::timeout(WITHIN, comes).await.is_ok(), "{path} never has {css}");
    }

    /// What a client gets at an address: its status and where it was led.
    async fn asked(&self, path: &str) -> (u16, String) {
        let answer = client().get(self.served.url(path)).send().await.unwrap();
        (answer.status().as_u16(), answer.url().path().to_owned())
    }
}

/// The address of a blog's server, from its feed's address.
fn blog_of(feed: &str) -> &str {
    feed.strip_suffix("/feed").unwrap()
}

async fn operate_a_source(tour: &Tour<'_>) -> String {
    let source = format!("/source/{}", tour.sources[0]);
    tour.goto(&source).await;
    let feed = tour.link(".tally a[href$='/feed']").await;
    tour.go(".tally a.change").await;
    let change = tour.path().await;
    tour.go("button[value=pause]").await;
    assert!(tour.text(".standfirst").await.contains("paused"));
    tour.go("button[value=resume]").await;
    tour.go("button[value=ask]").await;
    assert!(tour.text(".standfirst").await.contains("well"));

    tour.fill("#title", "Renamed here").await;
    tour.go("button[value=save]").await;
    assert!(tour.browser.window.title().await.unwrap().contains("“Renamed here”"));
    tour.go("button[value=backfill]").await;
    assert_eq!(tour.path().await, source);
    assert!(tour.text(".health").await.contains("What was published before"));

    tour.goto(&change).await;
    tour.go("form[action$='/unfollow'] button").await;
    let done = tour.text("#done").await;
    assert!(done.starts_with("Not followed any more.") && done.ends_with("0 left the archive."), "{done}");
    assert_eq!(tour.asked(&change).await.0, 404);
    tour.fill("#follow", &feed).await;
    tour.go("#follow ~ .row button").await;
    assert!(tour.text("#done").await.contains("ollowing "));
    tour.go("form[action='/settings/ask'] button").await;
    assert_eq!(tour.text("#done").await, "All sources are asked now.");
    feed
}

/// A list that is none, then a file with a new feed, a known one and none.
async fn bring_a_list(tour: &Tour<'_>, archive: &Archive, feed: &str) {
    let list = archive.folder().join("list.opml");
    let outlines = format!(
        "<outline text='A copy' xmlUrl='{feed}?copy={}'/><outline text='It' xmlUrl='{feed}'/><outline text='None'/>",
        tour.width
    );
    std::fs::write(&list, format!("<opml version='2.0'><body>{outlines}</body></opml>")).unwrap();
    tour.goto("/settings").await;
    press(tour.browser, "details:has(#opml) > summary").await;
    tour.fill("#opml", "nothing of the kind").await;
    tour.go("form[action='/settings/opml'] button").await;
    let wrong = tour.text("#opml-wrong").await;
    assert!(wrong.starts_with("This is no OPML") && wrong.contains("export the list"), "{wrong}");
    let file = tour.browser.window.find(Locator::Css("#opml-file")).await.unwrap();
    file.send_keys(&list.display().to_string()).await.unwrap();
    tour.go("form[action='/settings/opml'] button").await;
    let done = tour.text("#done").await;
    assert!(done.starts_with("Following 1 new source; 1 were followed already, 1 left out."), "{done}");
    assert_eq!(tour.text("section[aria-labelledby=new] li").await, "A copy");
    assert!(tour.text("section[aria-labelledby=left-out] li").await.contains("«None» has no feed address"));

    tour.goto("/settings").await;
    let out = tour.served.url(&tour.link("a[href$='.opml']").await);
    let out = client().get(out).send().await.unwrap().text().await.unwrap();
    assert!(out.contains(&format!("{feed}?copy={}", tour.width)), "{out}");
}

async fn test_a_model(tour: &Tour<'_>) {
    tour.goto("/settings/models").await;
    tour.go("button[formaction='/settings/models/test']").await;
    let tested = async {
        while tour.text("#done").await.contains("is being tested") {
            tour.goto("/settings/models").await;
        }
    };
    assert!(tokio::time::timeout(WITHIN, tested).await.is_ok(), "the test does not end");
    let done = tour.text("#done").await;
    assert!(done.contains("“mine”:") && done.contains("The test is passed"), "{done}");
    let cost = tour.text("section[aria-labelledby=costs] dd").await;
    assert!(cost.starts_with("In all $"), "{cost}");
}

/// A page that is not there is set aside, and tried again.
async fn save_pages(tour: &Tour<'_>, blog: &str, read: &str) {
    tour.goto("/sources").await;
    tour.fill("#save-url", &format!("{blog}/posts/none-{}/", tour.width)).await;
    tour.go("#save button").await;
    assert!(tour.text("#waiting").await.contains(&format!("/posts/none-{}/", tour.width)));
    tour.until("/settings", "form[action='/settings/retry'] button").await;
    tour.go("form[action='/settings/retry'] button").await;
    assert!(tour.text("#done").await.ends_with("tried again."));

    tour.goto(read).await;
    let there = tour.link("a[data-open]").await;
    tour.goto("/sources").await;
    tour.fill("#save-url", &there).await;
    tour.go("#save button").await;
    assert_eq!(tour.path().await, read, "a page that the archive has is shown at once");
    assert!(tour.has("[data-marks~=keep]").await);
    tour.fill("#label", "Interview").await;
    tour.go(".labels button").await;
    tour.go(".labels li a").await;
    assert_eq!(tour.path().await, "/shelf");
    assert!(tour.has(&format!(".kept a[href^='{read}']")).await, "it is on the shelf");
}

async fn correct_reads(tour: &Tour<'_>, reads: &[String]) {
    let title = format!("A better title of {}", tour.width);
    tour.goto(&reads[0]).await;
    tour.go(".correct a").await;
    tour.fill("#title", &title).await;
    tour.go(".settle > .row button").await;
    assert!(tour.text("main").await.contains(&title));

    tour.go(".correct a").await;
    tour.go("form[action$='/hide'] button").await;
    assert!(tour.has("form[action$='/show'] button").await);
    assert_eq!(tour.asked(&reads[0]).await.0, 404);
    tour.go("form[action$='/show'] button").await;
    assert!(tour.text("main").await.contains(&title), "it is back");

    let number = |read: &str| read.split('/').nth(2).unwrap().parse::<i64>().unwrap();
    let (one, other) = (number(&reads[1]), number(&reads[2]));
    tour.goto(&format!("/correct/{one}")).await;
    tour.fill("#as", &other.to_string()).await;
    tour.go("form[action$='/same'] button").await;
    assert_eq!(tour.text("h1").await, "Are they one article?");
    tour.go("form[action$='/merge'] button").await;
    let stays = format!("/read/{}/", one.min(other));
    assert!(tour.path().await.starts_with(&stays), "{}", tour.path().await);
    let (status, led) = tour.asked(&format!("/read/{}", one.max(other))).await;
    assert!(status == 200 && led.starts_with(&stays), "{status} {led}");
}

async fn set_the_first_password(tour: &Tour<'_>) {
    tour.goto("/settings").await;
    tour.go("a[href='/account#first']").await;
    tour.fill("#new", PASSWORD).await;
    tour.fill("#again", "tide pool").await;
    tour.go("#password-form button").await;
    assert!(tour.text("[role=alert]").await.starts_with("The two passwords differ"));
    tour.fill("#new", PASSWORD).await;
    tour.fill("#again", PASSWORD).await;
    tour.go("#password-form button").await;
    assert_eq!(tour.path().await, "/login");
    assert_eq!(tour.asked("/shelf").await.1, "/login", "it is asked for from now on");
    tour.fill("#password", PASSWORD).await;
    tour.go("#login .row button").await;
    assert_eq!(tour.path().await, "/account");
    assert!(!tour.has("#again").await, "there is one");
}

#[tokio::test]
async fn tasks_are_done_in_a_browser_with_and_without_script() {
    needs!(Browser);
    let archive = Archive::new(Vec::new()).unwrap();
    let model = StandInModel::start(honest).unwrap();
    let config = archive.folder().join("config.toml");
    let table = "[[model]]\nname = 'mine'\nprotocol = 'openai'\nmodel = 'm'\nkey = 'k'\ninput_price = 1000\noutput_price = 5000\n";
    std::fs::write(&config, format!("{table}url = '{}'\n", model.url("openai"))).unwrap();
    let served = archive.serve(&["--demo", "--config", &config.display().to_string()]).unwrap();
    served.until_idle(&client()).await.unwrap();
    let browser = Browser::start().await.unwrap();
    for (width, colours, scripts, sources) in [
        (360, Colours::Light, false, ["undergrowth", "ledger-lines"]),
        (1440, Colours::Dark, true, ["contour-lines", "tidewater-engineering"]),
    ] {
        browser.look_like(width, 800, colours).await.unwrap();
        browser.run_scripts(scripts).await.unwrap();
        let tour = Tour { browser: &browser, served: &served, width, sources };
        tour.goto(&format!("/source/{}", sources[1])).await;
        let mut reads = Vec::new();
        for read in browser.window.find_all(Locator::Css("main a[data-read]")).await.unwrap() {
            reads.push(read.attr("href").await.unwrap().unwrap());
        }
        let feed = operate_a_source(&tour).await;
        bring_a_list(&tour, &archive, &feed).await;
        test_a_model(&tour).await;
        save_pages(&tour, blog_of(&feed), &reads[3]).await;
        correct_reads(&tour, &reads).await;
        let complaints = browser.complaints().await.unwrap();
        assert!(complaints.iter().all(|said| said.contains("422")), "{complaints:?}");
    }
    served.stop().unwrap();
}

#[tokio::test]
async fn first_password_is_set_in_a_browser() {
    needs!(Browser);
    let archive = Archive::new(Vec::new()).unwrap();
    let served = archive.serve(&["--no-fetch"]).unwrap();
    let browser = Browser::start().await.unwrap();
    for (width, colours, scripts) in [(360, Colours::Dark, false), (1440, Colours::Light, true)] {
        browser.look_like(width, 800, colours).await.unwrap();
        browser.run_scripts(scripts).await.unwrap();
        let tour = Tour { browser: &browser, served: &served, width, sources: ["", ""] };
        set_the_first_password(&tour).await;
        archive.done(&["reader", "password", "--remove"]).unwrap();
        assert_eq!(tour.asked("/shelf").await.1, "/shelf", "without one, nobody logs in");
        let complaints = browser.complaints().await.unwrap();
        assert!(complaints.iter().all(|said| said.contains("422")), "{complaints:?}");
    }
    served.stop().unwrap();
}
