//! The login in a real browser, on a server that others can reach.

use backissue_needs::needs;
use backissue_tests::browser::{Browser, Colours};
use backissue_tests::program::{Archive, Served, client};
use fantoccini::Locator;

use crate::browsing::once;
use crate::commands::run_with;
use crate::marking::{press, text};
use crate::synced_small_web;

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

/// Several readers join by their links, log in with their names, and do not see each other's data.
/// This works without script, too.
#[tokio::test]
async fn several_readers_join_and_each_has_the_own_account() {
    needs!(Browser);
    let (archive, served) = served(&["--readers", "several"]);
    let browser = Browser::start().await.unwrap();
    let goto = async |path: &str| browser.window.goto(&served.url(path)).await.unwrap();
    let wait = async |css: &str| {
        browser.window.wait().for_element(Locator::Css(css)).await.unwrap();
    };
    let fill = async |css: &str, text: &str| {
        browser.window.find(Locator::Css(css)).await.unwrap().send_keys(text).await.unwrap();
    };
    for (name, width, colours, scripts) in
        [("anna", 360, Colours::Dark, false), ("ben", 1440, Colours::Light, true)]
    {
        browser.look_like(width, 800, colours).await.unwrap();
        browser.run_scripts(scripts).await.unwrap();
        goto("/readers").await;
        fill("#username", "one").await;
        log_in(&browser, PASSWORD).await;
        wait("#name").await;
        fill("#name", name).await;
        press(&browser, "section.own .settle .row button").await;
        wait("p.address").await;
        let link = text(&browser, "p.address").await;
        let path = link.strip_prefix("https://reads.example.org").unwrap().to_owned();
        press(&browser, ".log-out button").await;
        wait("#login").await;
        goto(&path).await;
        assert_eq!(text(&browser, "h1").await, format!("Welcome, {name}"));
        fill("#new", "another pool ledger").await;
        fill("#again", "another pool ledger").await;
        press(&browser, "#join .row button").await;
        wait(".log-out").await;
        goto("/account").await;
        assert_eq!(text(&browser, ".standfirst").await, format!("You are {name}, a reader of this archive."));
        goto("/settings").await;
        assert_eq!(text(&browser, "h1").await, "Only operators may do that");
        press(&browser, ".log-out button").await;
        wait("#login").await;
        fill("#username", name).await;
        log_in(&browser, PASSWORD).await;
        wait("[role=alert]").await;
        assert_eq!(text(&browser, "[role=alert]").await, "The name or the password is wrong.");
        let complaints = browser.complaints().await.unwrap();
        let expected = |said: &String| said.contains("403") || said.contains("Clear-Site-Data");
        assert!(complaints.iter().all(expected), "{complaints:?}");
    }
    let readers = archive.json(&["reader", "list"]).unwrap();
    assert_eq!(readers.as_array().unwrap().len(), 3);
}

/// A draft that the server does not have, in a browser that two readers share.
#[tokio::test]
async fn draft_of_a_note_is_shown_to_its_reader_only() {
    needs!(SharedData, Browser);
    let (_web, archive) = synced_small_web();
    let found = archive.json(&["find", "after:2000", "--limit", "1"]).unwrap();
    let to_read = format!("/login?back=/read/{}", found["reads"][0]["id"]);
    let set_password = |name: &str| {
        let (code, said) = run_with(&archive, &["reader", "password", name], PASSWORD.as_bytes());
        assert_eq!(code, 0, "{said}");
    };
    for name in ["carla", "dora"] {
        archive.done(&["reader", "add", name]).unwrap();
        set_password(name);
    }
    let several = ["--no-fetch", "--base-url", "https://reads.example.org/", "--readers", "several"];
    let served = archive.serve(&several).unwrap();
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Light).await.unwrap();
    let window = &browser.window;
    let log_in_as = async |name: &str| {
        let box_ = window.wait().for_element(Locator::Css("#username")).await.unwrap();
        box_.send_keys(name).await.unwrap();
        log_in(&browser, PASSWORD).await;
        window.wait().for_element(Locator::Css(".scripted .log-out")).await.unwrap();
        window.wait().for_element(Locator::Css("#note-text")).await.unwrap();
    };
    let typed = "document.getElementById('note-text').value";
    window.goto(&served.url(&to_read)).await.unwrap();
    log_in_as("carla").await;
    // A new password ends all sessions.
    set_password("carla");
    window.find(Locator::Css("body")).await.unwrap().send_keys("n").await.unwrap();
    window.active_element().await.unwrap().send_keys("Only for Carla").await.unwrap();
    let said = once("document.getElementById('note-said').textContent.includes('stays in this browser')");
    assert_eq!(browser.evaluate(&said).await.unwrap(), true);
    press(&browser, "#note-form button").await;
    window.wait().for_element(Locator::Css(".empty a[href^='/login?back=%2Fread']")).await.unwrap();
    press(&browser, ".empty a[href^='/login?back=%2Fread']").await;
    log_in_as("carla").await;
    window.wait().for_element(Locator::Css("#note-edit[open]")).await.unwrap();
    assert_eq!(browser.evaluate(typed).await.unwrap(), "Only for Carla", "it is offered again");

    window.delete_all_cookies().await.unwrap();
    window.goto(&served.url(&to_read)).await.unwrap();
    log_in_as("dora").await;
    let complete = once("document.readyState === 'complete'");
    assert_eq!(browser.evaluate(&complete).await.unwrap(), true);
    assert_eq!(browser.evaluate(typed).await.unwrap(), "");
    let drafts = "Object.keys(localStorage).filter(name => name.startsWith('backissue note')).length";
    assert_eq!(browser.evaluate(drafts).await.unwrap(), 0, "and is not in the browser any more");
}

#[tokio::test]
async fn strangers_see_what_is_configured() {
    let (_archive, served) = served(&["--public", "statements"]);
    let answer = client().get(served.url("/weeks")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let body = answer.text().await.unwrap();
    assert!(body.contains("href=\"/login?back=%2Fweeks\""), "{body}");
    let answer = client().get(served.url("/api/read/1")).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()["www-authenticate"].to_str().unwrap().split(' ').next(), Some("Bearer"));
    let (_, log) = served.stop().unwrap();
    assert!(!log.contains("read-only"), "{log}");
}

#[tokio::test]
async fn only_a_trusted_proxy_says_who_its_users_are() {
    let several = ["--readers", "several", "--proxy-user-header", "Remote-User"];
    let trusted = ["--trusted-proxies", "127.0.0.1 10.0.0.0/8"];
    let (archive, served) = served(&[&several[..], &trusted].concat());
    archive.done(&["reader", "add", "anna"]).unwrap();
    let get = async |served: &Served, path: &str, user: &str| {
        client().get(served.url(path)).header("remote-user", user).send().await.unwrap()
    };
    let account = get(&served, "/account", "ANNA").await;
    assert_eq!(account.status(), 200);
    let page = account.text().await.unwrap();
    assert!(page.contains("<strong>anna</strong>, a reader") && !page.contains("Log out"), "{page}");
    assert_eq!(get(&served, "/settings", "anna").await.status(), 403);
    assert_eq!(get(&served, "/settings", "one").await.status(), 200, "the operator's name is an operator's");
    for unknown in ["ben", "a b"] {
        let answer = get(&served, "/", unknown).await;
        assert_eq!(answer.status(), 403, "{unknown}");
        assert!(answer.text().await.unwrap().contains("You have no account here"));
    }
    assert_eq!(get(&served, "/shelf", "").await.url().path(), "/login", "nobody, who can log in");
    let token = page.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let keep = async |user: &str| {
        let form = client().post(served.url("/sessions/end")).header("remote-user", user);
        let form = form.header("content-type", "application/x-www-form-urlencoded");
        form.body(format!("token={token}&session=1")).send().await.unwrap().status()
    };
    assert_eq!(keep("one").await, 403, "the form of another user");
    assert_eq!(keep("anna").await, 200);
    archive.done(&["reader", "remove", "anna", "--keep-data"]).unwrap();
    assert_eq!(get(&served, "/account", "anna").await.status(), 403, "a closed account is none");
    served.stop().unwrap();

    let makes = ["--proxy-unknown-users", "reader"];
    let served = archive.serve(&[&["--no-fetch"][..], &several, &trusted, &makes].concat()).unwrap();
    assert_eq!(get(&served, "/account", "clara").await.status(), 200);
    assert_eq!(get(&served, "/settings", "clara").await.status(), 403, "as a reader");
    assert_eq!(get(&served, "/account", "anna").await.status(), 403, "closed stays closed");
    served.stop().unwrap();
    let elsewhere = ["--trusted-proxies", "10.0.0.0/8"];
    let served = archive.serve(&[&["--no-fetch"][..], &several, &elsewhere].concat()).unwrap();
    assert_eq!(get(&served, "/account", "one").await.url().path(), "/login", "this machine is no proxy here");
    served.stop().unwrap();

    let refused = archive.run(&[&["serve"], &several[..]].concat()).unwrap();
    assert!(refused.code == 1 && refused.err.contains("needs `trusted_proxies`"), "{}", refused.err);
    let refused = archive.run(&[&["serve"], &several[2..], &trusted].concat()).unwrap();
    assert!(refused.code == 1 && refused.err.contains("readers = \"several\""), "{}", refused.err);
}
