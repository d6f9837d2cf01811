//! The shelf without a network, in a real browser: it is stored for its reader, and deleted after
//! the logout.

use backissue_needs::needs;
use backissue_tests::browser::{Browser, Colours};
use fantoccini::Locator;

use crate::commands::run_with;
use crate::marking::{press, text};
use crate::synced_small_web;

/// A script that waits until the browser has stored the page at a path.
const KEPT: &str = "const [path, done] = arguments;
    const look = async () => {
      const page = await (await caches.open('backissue-shelf')).match(path);
      if (page) done(true); else setTimeout(look, 50);
    };
    look();";

/// A script that waits until the browser has deleted everything.
const GONE: &str = "const [done] = arguments;
    const look = async () => { if ((await caches.keys()).length === 0) done(true); else setTimeout(look, 50); };
    look();";

#[tokio::test]
async fn shelf_is_read_without_a_network_until_the_logout() {
    needs!(SharedData, Browser);
    let (_web, archive) = synced_small_web();
    let found = archive.json(&["find", "after:2000", "--limit", "1"]).unwrap();
    let (number, title) = (found["reads"][0]["id"].to_string(), found["reads"][0]["title"].as_str().unwrap());
    archive.done(&["keep", &number]).unwrap();
    let (code, said) = run_with(&archive, &["reader", "password"], b"tide pool ledger");
    assert_eq!(code, 0, "{said}");
    let public = ["--no-fetch", "--base-url", "https://reads.example.org/"];
    for logs_out in [false, true] {
        let served = archive.serve(&public).unwrap();
        let browser = Browser::start().await.unwrap();
        browser.look_like(360, 780, Colours::Light).await.unwrap();
        let window = &browser.window;
        window.goto(&served.url("/login?back=/shelf")).await.unwrap();
        window.find(Locator::Css("#password")).await.unwrap().send_keys("tide pool ledger").await.unwrap();
        press(&browser, "#login .row button").await;
        let link = format!("main a[href^='/read/{number}/']");
        let read = window.wait().for_element(Locator::Css(&link)).await.unwrap();
        let path = read.attr("href").await.unwrap().unwrap();
        window.execute_async(KEPT, vec![path.clone().into()]).await.unwrap();
        if logs_out {
            press(&browser, ".log-out button").await;
            window.wait().for_element(Locator::Css("#login")).await.unwrap();
            window.execute_async(GONE, Vec::new()).await.unwrap();
        }
        let address = served.url(&path);
        served.stop().unwrap();
        let shown = window.goto(&address).await;
        if logs_out {
            let body = text(&browser, "body").await;
            assert!(!body.contains(title), "{body}");
        } else {
            shown.unwrap();
            assert!(text(&browser, "main").await.contains(title), "the article is there without a network");
        }
    }
}
