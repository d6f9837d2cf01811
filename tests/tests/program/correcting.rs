//! Corrections in a real browser without script.

use backissue_needs::needs;
use backissue_tests::browser::{Browser, Colours};
use fantoccini::Locator;

use crate::browsing::demo;
use crate::marking::go;

/// Waits for an element and returns its text.
pub async fn wait(browser: &Browser, css: &str) -> String {
    browser.window.wait().for_element(Locator::Css(css)).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn read_is_corrected_and_restored_without_script() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(360, 780, Colours::Light).await.unwrap();
    browser.run_scripts(false).await.unwrap();
    browser.window.goto(&served.url("/")).await.unwrap();
    let first = browser.window.find(Locator::Css(".reads .problem:not(.titled) a")).await.unwrap();
    let read = served.url(&first.attr("href").await.unwrap().unwrap());
    browser.window.goto(&read).await.unwrap();
    let before = wait(&browser, "h1").await;
    go(&browser, ".correct a").await;
    wait(&browser, "#problem").await;
    let field = browser.window.find(Locator::Css("#problem")).await.unwrap();
    field.clear().await.unwrap();
    field.send_keys("Two jobs waited for one lock.").await.unwrap();
    go(&browser, ".settle > .row button").await;
    wait(&browser, "#how").await;
    assert_eq!(wait(&browser, "h1").await, "Two jobs waited for one lock.");
    assert_eq!(wait(&browser, "[data-statement=problem] .backing").await, "Corrected by a person.");
    go(&browser, ".correct a").await;
    wait(&browser, "button[name=take-back]").await;
    go(&browser, "button[name=take-back]").await;
    browser.window.wait().for_element(Locator::Css(".settle")).await.unwrap();
    browser.window.goto(&read).await.unwrap();
    assert_eq!(wait(&browser, "h1").await, before);
}
