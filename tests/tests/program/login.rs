//! The login in a real browser, on a server that others can reach.

use backissue_needs::needs;
use backissue_tests::browser::{Browser, Colours};
use backissue_tests::program::{Archive, Served, client};
use fantoccini::Locator;

use crate::commands::run_with;
use crate::marking::{press, text};

const PASSWORD: &str = "tide pool ledger";

/// An empty archive with a password, served under a public name.
fn served(more: &[&str]) -> (Archive, Served) {
    let archive = Archive::new(Vec::new()).unwrap();
    archive.run(&["sources", "--create"]).unwrap();
    let (code, said) = run_with(&archive, &["reader", "password"], PASSWORD.as_bytes());
    assert_eq!(code, 0, "{said}");
    let public = ["--no-fetch", "--base-url", "https://reads.example.org/"];
    let served = archive.serve(&[&public, more].concat()).unwrap();
    (archive, served)
}

async fn log_in(browser: &Browser, password: &str) {
    browser.window.find(Locator::Css("#password")).await.unwrap().send_keys(password).await.unwrap();
    press(browser, "#login .row button").await;
}

#[tokio::test]
async fn reader_logs_in_and_out_and_strangers_see_nothing() {
    needs!(Browser);
    let (_archive, served) = served(&[]);
    let browser = Browser::start().await.unwrap();
    let path = async || browser.window.current_url().await.unwrap().path().to_owned();
    for (width, colours, scripts) in [(360, Colours::Dark, false), (1440, Colours::Light, true)] {
        browser.look_like(width, 800, colours).await.unwrap();
        browser.run_scripts(scripts).await.unwrap();
        browser.window.goto(&served.url("/shelf")).await.unwrap();
        assert_eq!(path().await, "/login");
        log_in(&browser, "a wrong password").await;
        browser.window.wait().for_element(Locator::Css("[role=alert]")).await.unwrap();
        assert_eq!(text(&browser, "[role=alert]").await, "The password is wrong.");
        log_in(&browser, PASSWORD).await;
        browser.window.wait().for_element(Locator::Css("#feed")).await.unwrap();
        assert_eq!(path().await, "/shelf", "back at the page that needed the login");
        browser.window.goto(&served.url("/sessions")).await.unwrap();
        assert_eq!(text(&browser, ".noted strong").await, "This browser.");
        press(&browser, ".log-out button").await;
        browser.window.wait().for_element(Locator::Css("#login")).await.unwrap();
        browser.window.goto(&served.url("/notes")).await.unwrap();
        assert_eq!(path().await, "/login");
    }
}

#[tokio::test]
async fn strangers_see_what_is_configured() {
    let (_archive, served) = served(&["--public", "statements"]);
    let answer = client().get(served.url("/weeks")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body = answer.text().await.unwrap();
    assert!(body.contains("href=\"/login?back=%2Fweeks\""), "{body}");
    let answer = client().get(served.url("/api/read/1")).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let (_, log) = served.stop().unwrap();
    assert!(!log.contains("read-only"), "{log}");
}
