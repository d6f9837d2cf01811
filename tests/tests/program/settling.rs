//! The page of settings in a real browser without script.

use backissue_needs::needs;
use backissue_tests::browser::{Browser, Colours};
use fantoccini::Locator;

use crate::browsing::demo;
use crate::correcting::wait;
use crate::marking::go;

#[tokio::test]
async fn source_is_renamed_and_a_wrong_address_explained() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Dark).await.unwrap();
    browser.run_scripts(false).await.unwrap();
    browser.window.goto(&served.url("/sources")).await.unwrap();
    go(&browser, "a.change").await;
    wait(&browser, "#title").await;
    let title = browser.window.find(Locator::Css("#title")).await.unwrap();
    title.clear().await.unwrap();
    title.send_keys("Renamed here").await.unwrap();
    go(&browser, "button[value=save]").await;
    wait(&browser, ".head .eyebrow").await;
    browser.window.goto(&served.url("/sources")).await.unwrap();
    assert!(wait(&browser, ".ledger").await.contains("Renamed here"));

    browser.window.goto(&served.url("/settings")).await.unwrap();
    let address = browser.window.find(Locator::Css("#follow")).await.unwrap();
    address.send_keys("nowhere.invalid").await.unwrap();
    go(&browser, "#follow ~ .row button").await;
    let wrong = wait(&browser, "#follow-wrong").await;
    assert!(wrong.contains("nowhere.invalid"), "{wrong}");
    let typed = browser.window.find(Locator::Css("#follow")).await.unwrap().prop("value").await.unwrap();
    assert_eq!(typed.as_deref(), Some("nowhere.invalid"));
}
