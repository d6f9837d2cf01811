//! Practising in a real browser: with script and without, and with the keyboard alone.

use backissue_needs::needs;
use backissue_tests::browser::{Browser, Colours};
use fantoccini::Locator;
use fantoccini::key::Key;

use crate::browsing::{demo, once};
use crate::marking::{go, text};

async fn wait_for(browser: &Browser, css: &str) {
    browser.window.wait().for_element(Locator::Css(css)).await.unwrap();
}

async fn assert_fits(browser: &Browser, width: u64) {
    let wide = browser.evaluate("document.documentElement.scrollWidth").await.unwrap();
    assert!(wide.as_u64().unwrap() <= width, "{wide} px wide on a screen of {width}");
}

#[tokio::test]
async fn problem_is_answered_and_rated_without_script() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(360, 780, Colours::Light).await.unwrap();
    browser.run_scripts(false).await.unwrap();
    browser.window.goto(&served.url("/shelf")).await.unwrap();
    go(&browser, "main a[href='/practise']").await;
    wait_for(&browser, ".decks").await;
    assert_fits(&browser, 360).await;
    go(&browser, ".decks a[href='/practise/card']").await;
    wait_for(&browser, "#answer").await;
    assert_fits(&browser, 360).await;
    let problem = text(&browser, "h1").await;
    browser
        .window
        .find(Locator::Css("#answer"))
        .await
        .unwrap()
        .send_keys("I would *measure* it.")
        .await
        .unwrap();
    go(&browser, "#answer-form button").await;
    wait_for(&browser, "form.rate").await;
    assert_fits(&browser, 360).await;
    assert_eq!(text(&browser, "h1").await, problem);
    assert_eq!(text(&browser, ".written").await, "I would measure it.");
    assert!(!text(&browser, ".said").await.is_empty());
    let read =
        browser.window.find(Locator::Css(".byline a")).await.unwrap().attr("href").await.unwrap().unwrap();
    go(&browser, "form.rate [value=good]").await;
    wait_for(&browser, "#answer").await;
    assert!(text(&browser, ".eyebrow").await.contains("2 of 10"));
    assert_ne!(text(&browser, "h1").await, problem);
    browser.window.goto(&served.url(&read)).await.unwrap();
    assert_eq!(text(&browser, "#answers .written em").await, "measure");
}

#[tokio::test]
async fn problem_is_answered_and_rated_with_the_keyboard_alone() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Dark).await.unwrap();
    browser.window.goto(&served.url("/practise/card")).await.unwrap();
    let problem = text(&browser, "h1").await;
    let keys = async |keys: &str| {
        browser.window.active_element().await.unwrap().send_keys(keys).await.unwrap();
    };
    assert_eq!(
        browser.evaluate("document.activeElement.id").await.unwrap(),
        "answer",
        "one can type at once"
    );
    keys("A limit").await;
    let tab_and_enter = format!("{}{}", char::from(Key::Tab), char::from(Key::Enter));
    keys(&tab_and_enter).await;
    wait_for(&browser, "form.rate").await;
    assert_eq!(text(&browser, ".written").await, "A limit");
    let seen = once("document.querySelectorAll('form.rate button').length === 4");
    assert_eq!(browser.evaluate(&seen).await.unwrap(), true);
    browser.window.find(Locator::Css("body")).await.unwrap().send_keys("1").await.unwrap();
    wait_for(&browser, "#answer").await;
    assert_ne!(text(&browser, "h1").await, problem, "it comes again later");
    assert!(browser.complaints().await.unwrap().is_empty());
}
