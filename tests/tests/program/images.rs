//! Images in articles, in a browser: none is requested before the reader wants it, and with the
//! cache each only once.

use backissue_needs::needs;
use backissue_tests::browser::{Browser, Colours};
use backissue_tests::made_up_web::{Document, Documents, MadeUpWeb};
use backissue_tests::program::{Archive, Served};
use base64::Engine;
use fantoccini::Locator;
use serde_json::json;

/// A GIF with one pixel.
fn gif() -> Document {
    let bytes = base64::engine::general_purpose::STANDARD
        .decode("R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw==")
        .unwrap();
    Document::new("image/gif", bytes)
}

const PROSE: &str = "The queue was full, and every worker waited for the one that held the lock, which waited for the queue. ";

/// A blog with one article that has images on three hosts: two raster images, a drawing, one
/// forbidden by robots.txt, and one that is no image.
fn blog() -> Documents {
    let paragraph = format!("<p>{}</p>", PROSE.repeat(3));
    let article = format!(
        "<!doctype html><title>Queues</title><article><h1>Queues</h1>{paragraph}\
         <figure><img src=/own.gif alt='Our queue' width=300 height=200><figcaption>The queue</figcaption></figure>{paragraph}\
         <p><img src=http://cdn.example/other.gif width=300 height=200></p>{paragraph}\
         <p><a href=http://blog.example/next><img src=http://cdn.example/drawing.svg alt='A drawing'></a></p>\
         <p><img src=http://closed.example/kept.gif alt=Kept width=300 height=200></p>\
         <p><img src=http://cdn.example/trick.png alt=Trick width=300 height=200></p>{paragraph}</article>"
    );
    let feed = json!({ "version": "https://jsonfeed.org/version/1.1", "title": "Blog", "items": [
        { "id": "1", "url": "http://blog.example/one/", "title": "Queues", "date_published": "2026-05-12T10:00:00Z" }
    ]});
    let drawing =
        "<svg xmlns='http://www.w3.org/2000/svg' width='30' height='20'><script>ran(1)</script></svg>";
    [
        ("blog.example/feed.json", Document::new("application/feed+json", feed.to_string())),
        ("blog.example/one/", Document::page(&article)),
        ("blog.example/own.gif", gif()),
        ("cdn.example/other.gif", gif()),
        ("cdn.example/drawing.svg", Document::new("image/svg+xml", drawing)),
        ("cdn.example/trick.png", Document::new("image/png", "<script>ran(1)</script>")),
        ("closed.example/kept.gif", gif()),
        ("closed.example/robots.txt", Document::new("text/plain", "User-agent: Backissue\nDisallow: /\n")),
    ]
    .map(|(address, document)| (address.to_owned(), document))
    .into()
}

fn archive_of(web: &MadeUpWeb) -> Archive {
    let archive = Archive::new(web.arguments()).unwrap();
    archive.done(&["follow", "http://blog.example/feed.json"]).unwrap();
    assert_eq!(archive.json(&["sync"]).unwrap()["reads_done"], 1);
    web.forget_requests();
    archive
}

/// Opens the article and waits for its images. Returns the addresses of those that could be shown,
/// and of the others.
async fn open(browser: &Browser, served: &Served, query: &str) -> (Vec<String>, Vec<String>) {
    browser.window.goto(&served.url(&format!("/read/1/queues{query}"))).await.unwrap();
    settled(browser).await
}

async fn settled(browser: &Browser) -> (Vec<String>, Vec<String>) {
    // Lazy images load once they are made eager.
    let all = "Promise.allSettled(Array.from(document.querySelectorAll('.body img'), i => { i.loading = 'eager'; return i.decode(); })) \
               .then(() => Array.from(document.querySelectorAll('.body img'), i => [i.src, i.naturalWidth > 0]))";
    let all = browser.evaluate(all).await.unwrap();
    let images = all.as_array().unwrap().iter().map(|i| (i[0].as_str().unwrap().to_owned(), i[1] == true));
    let (shown, not): (Vec<_>, Vec<_>) = images.partition(|(_, shown)| *shown);
    let sources = |images: Vec<(String, bool)>| images.into_iter().map(|(source, _)| source).collect();
    (sources(shown), sources(not))
}

async fn click(browser: &Browser, link: &str) {
    browser.evaluate(&format!("document.querySelector('{link}').click()")).await.unwrap();
}

fn sorted(mut requests: Vec<String>) -> Vec<String> {
    requests.sort_unstable();
    requests
}

async fn browser_led_to(web: &MadeUpWeb) -> Browser {
    let browser = Browser::start_with(&web.browser_flags()).await.unwrap();
    browser.look_like(1440, 900, Colours::Light).await.unwrap();
    browser
}

#[tokio::test]
async fn image_is_requested_only_after_a_click() {
    needs!(Browser);
    let web = MadeUpWeb::start(blog()).unwrap();
    let archive = archive_of(&web);
    let served = archive.serve(&["--no-fetch"]).unwrap();
    let browser = browser_led_to(&web).await;
    assert_eq!(open(&browser, &served, "").await, (vec![], vec![]));
    let words = browser.evaluate("document.querySelector('.body').innerText").await.unwrap();
    let words = words.as_str().unwrap();
    assert!(words.contains("Image on blog.example: Our queue — Load image"), "{words}");
    assert_eq!(web.requests(), [""; 0]);

    click(&browser, "#image-2 a").await;
    browser.window.wait().for_element(Locator::Css("img#image-2")).await.unwrap();
    assert_eq!(settled(&browser).await, (vec!["http://cdn.example/other.gif".to_owned()], vec![]));
    assert_eq!(web.requests(), ["cdn.example/other.gif"]);
    let at = browser.evaluate("location.hash").await.unwrap();
    assert_eq!(at, "#image-2", "one stays where one was");
    assert!(browser.complaints().await.unwrap().is_empty());

    click(&browser, ".images-left a").await;
    browser.window.wait().for_element(Locator::Css(".body > figure > img")).await.unwrap();
    let (shown, not) = settled(&browser).await;
    assert_eq!((shown.len(), not), (4, vec!["http://cdn.example/trick.png".to_owned()]), "{shown:?}");
    assert_eq!(web.referrers(), [""; 0], "nobody is told where their image is looked at");
    let complaints = browser.complaints().await.unwrap();
    assert!(complaints.is_empty(), "a drawing's script does not even try: {complaints:?}");
}

#[tokio::test]
async fn images_load_immediately_if_configured() {
    needs!(Browser);
    let web = MadeUpWeb::start(blog()).unwrap();
    let archive = archive_of(&web);
    let served = archive.serve(&["--no-fetch", "--images", "load"]).unwrap();
    let browser = browser_led_to(&web).await;
    let (shown, _) = open(&browser, &served, "").await;
    assert_eq!(shown.len(), 4, "{shown:?}");
    assert_eq!(web.referrers(), [""; 0]);
    assert!(browser.evaluate("document.querySelector('.elsewhere, .images-left')").await.unwrap().is_null());
}

#[tokio::test]
async fn cached_image_is_fetched_once_and_if_permitted() {
    needs!(Browser);
    let web = MadeUpWeb::start(blog()).unwrap();
    let archive = archive_of(&web);
    let served = archive.serve(&["--images", "cache"]).unwrap();
    // This browser cannot reach the blog, so all images come from the cache.
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Light).await.unwrap();
    let (shown, not) = open(&browser, &served, "").await;
    assert_eq!((shown.len(), not.len()), (2, 2), "{shown:?} {not:?}");
    assert!(shown.iter().chain(&not).all(|source| source.starts_with(&served.url("/image/1/"))), "{shown:?}");
    let words = browser.evaluate("document.querySelector('.body').innerText").await.unwrap();
    assert!(words.as_str().unwrap().contains("Image on cdn.example: A drawing"), "{words}");
    let images = |requests: Vec<String>| {
        sorted(
            requests.into_iter().filter(|r| !r.ends_with("/robots.txt") && !r.ends_with(".json")).collect(),
        )
    };
    let fetched = ["blog.example/own.gif", "cdn.example/other.gif", "cdn.example/trick.png"];
    assert_eq!(images(web.requests()), fetched, "neither a drawing nor what robots.txt keeps");
    drop(served);

    web.forget_requests();
    let served = archive.serve(&["--no-fetch", "--images", "cache"]).unwrap();
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Light).await.unwrap();
    let (shown, _) = open(&browser, &served, "").await;
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert_eq!(web.requests(), [""; 0], "what is kept is not asked for");
}
