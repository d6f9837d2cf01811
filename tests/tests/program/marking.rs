//! A reader's marks in a real browser: with script and without, and with the keyboard alone.

use backissue_tests::browser::{Browser, Colours};
use backissue_tests::program::{Archive, Served, client};
use fantoccini::Locator;

use crate::browsing::{demo, once};

/// How many reads of the page have all of these marks.
async fn marked(browser: &Browser, marks: &str) -> usize {
    browser.window.find_all(Locator::Css(&format!("[data-marks='{marks}']"))).await.unwrap().len()
}

async fn click(browser: &Browser, css: &str) {
    browser.window.find(Locator::Css(css)).await.unwrap().click().await.unwrap();
}

async fn text(browser: &Browser, css: &str) -> String {
    browser.window.find(Locator::Css(css)).await.unwrap().text().await.unwrap()
}

/// Opens a week with many reads.
async fn open_a_week(browser: &Browser, served: &Served) -> String {
    browser.window.goto(&served.url("/")).await.unwrap();
    let link = browser.window.find(Locator::Css("main a[href^='/week/']")).await.unwrap();
    let week = link.attr("href").await.unwrap().unwrap();
    browser.window.goto(&served.url(&week)).await.unwrap();
    week
}

#[tokio::test]
async fn marks_are_set_and_undone_without_script() {
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(360, 780, Colours::Light).await.unwrap();
    browser.run_scripts(false).await.unwrap();
    let week = open_a_week(&browser, &served).await;
    let unread = text(&browser, ".tally").await;
    assert!(unread.contains(" unread: "), "{unread}");

    click(&browser, "[data-mark=keep]").await;
    browser.window.wait().for_element(Locator::Css("[data-marks=keep]")).await.unwrap();
    let here = browser.window.current_url().await.unwrap();
    assert_eq!(here.path(), week);
    assert!(here.fragment().is_some_and(|at| at.starts_with('m')), "{here}: back at the read");
    assert_eq!(text(&browser, "#notice span").await, "Kept.");
    click(&browser, "[data-marks=keep] [data-mark=hide]").await;
    browser.window.wait().for_element(Locator::Css("[data-marks='keep hide']")).await.unwrap();
    click(&browser, "#notice button").await;
    browser.window.wait().for_element(Locator::Css("[data-marks=keep]")).await.unwrap();
    click(&browser, "[data-marks=keep] [data-mark=keep]").await;
    browser.window.wait().for_element(Locator::Css("#notice button")).await.unwrap();
    assert_eq!(marked(&browser, "keep").await, 0);

    click(&browser, ".shows button").await;
    browser.window.wait().for_element(Locator::Css("[data-marks=done]")).await.unwrap();
    assert!(text(&browser, ".tally").await.contains("none unread"));
    click(&browser, "#notice button").await;
    browser.window.wait().for_element(Locator::Css(".shows button")).await.unwrap();
    assert_eq!((marked(&browser, "done").await, text(&browser, ".tally").await), (0, unread));
}

#[tokio::test]
async fn marks_are_set_and_undone_with_the_keyboard_alone() {
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Dark).await.unwrap();
    let week = open_a_week(&browser, &served).await;
    let keys = async |keys: &str| {
        browser.window.active_element().await.unwrap().send_keys(keys).await.unwrap();
    };
    let told = async |words: &str| {
        let seen = once(&format!("document.querySelector('#notice').textContent.includes('{words}')"));
        assert_eq!(browser.evaluate(&seen).await.unwrap(), true, "{words}");
    };
    let focused = "document.activeElement.getAttribute('href')";
    keys("j").await;
    let read = browser.evaluate(focused).await.unwrap();
    let counted = text(&browser, "#counted").await;
    for (key, words, marks) in
        [("s", "Kept.", "keep"), ("e", "Done.", "keep done"), ("x", "Hidden.", "keep done hide")]
    {
        keys(key).await;
        told(words).await;
        assert_eq!(marked(&browser, marks).await, 1, "{key}");
        assert_eq!(browser.evaluate(focused).await.unwrap(), read, "{key}: the focus stays on the read");
    }
    let recounted =
        once(&format!("document.querySelector('#counted').innerText !== {}", serde_json::json!(counted)));
    assert_eq!(browser.evaluate(&recounted).await.unwrap(), true);
    keys("u").await;
    told("in sight again").await;
    assert_eq!(marked(&browser, "keep done").await, 1);
    assert_eq!(browser.window.current_url().await.unwrap().path(), week, "all of it in place");

    // A button that was pressed keeps the focus though it was replaced.
    click(&browser, "[data-marks='keep done'] [data-mark=done]").await;
    told("Unread again").await;
    assert_eq!(browser.evaluate("document.activeElement.dataset.mark").await.unwrap(), "done");

    browser.window.goto(&served.url(read.as_str().unwrap())).await.unwrap();
    assert_eq!(marked(&browser, "keep").await, 1, "opening it did not mark it");
    browser.window.find(Locator::Css("body")).await.unwrap().send_keys("e").await.unwrap();
    told("Done.").await;
    assert_eq!(marked(&browser, "keep done").await, 1);
    assert!(browser.complaints().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_others_reach_is_read_only_and_says_so() {
    let archive = Archive::new(Vec::new()).unwrap();
    let served = archive.serve(&["--demo", "--base-url", "https://reads.example.org/"]).unwrap();
    served.until_idle(&client()).await.unwrap();
    let body = client().get(served.url("/")).send().await.unwrap().text().await.unwrap();
    assert!(
        body.contains("These pages are read-only: others can reach them at https://reads.example.org/"),
        "{body}"
    );
    assert!(!body.contains("data-mark"));
    let answer = client().post(served.url("/marks")).body("do=keep+1").send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let (_, log) = served.stop().unwrap();
    assert!(log.contains("listen on 127.0.0.1"), "{log}");
}
