//! Every page passes the checks of axe-core, at two widths and in two colour schemes.

use backissue_needs::needs;
use backissue_tests::browser::{Browser, looks};
use backissue_tests::program::{Archive, Served, client};
use fantoccini::Locator;

use crate::browsing::{demo, one_of_each};
use crate::commands::run_with;
use crate::marking::press;

const AXE: &str = include_str!("../../assets/axe-core/axe.min.js");

/// A script that runs all rules, including those for best practice, and describes each violation.
const CHECK: &str = "const done = arguments[arguments.length - 1];
    const told = (violation) => violation.id + ' at ' + violation.nodes.map((node) => node.target.join(' ')).join(', ');
    axe.run(document, { resultTypes: ['violations'] }).then((result) => done(result.violations.map(told)), (error) => done([String(error)]));";

/// The violations on the page in the browser.
async fn violations(browser: &Browser) -> Vec<String> {
    let found = browser.window.execute_async(CHECK, Vec::new()).await.unwrap();
    found.as_array().unwrap().iter().map(|told| told.as_str().unwrap_or_default().to_owned()).collect()
}

/// Checks these pages in all looks.
async fn check(browser: &Browser, served: &Served, pages: &[String]) {
    let mut wrong = Vec::new();
    for (width, height, colours) in looks() {
        browser.look_like(width, height, colours).await.unwrap();
        for page in pages {
            browser.window.goto(&served.url(page)).await.unwrap();
            for violation in violations(browser).await {
                wrong.push(format!("{page} at {width} px, {}: {violation}", colours.as_str()));
            }
        }
    }
    assert!(wrong.is_empty(), "{} violations:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn pages_have_no_violation() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    served.until_searchable(&client(), 42).await.unwrap();
    let mut pages = one_of_each(&browser, &served).await;
    pages.extend(["/api", "/account", "/account/digest", "/sessions", "/settings/models"].map(str::to_owned));
    pages.push("/save?url=https://blog.example/a".to_owned());
    let week = pages.iter().find(|page| page.starts_with("/week/")).unwrap();
    pages.push(format!("{week}/digest"));
    browser.begin_every_page_with(AXE).await.unwrap();
    check(&browser, &served, &pages).await;
}

#[tokio::test]
async fn pages_of_accounts_have_no_violation() {
    needs!(Browser);
    let archive = Archive::new(Vec::new()).unwrap();
    archive.run(&["sources", "--create"]).unwrap();
    let (code, said) = run_with(&archive, &["reader", "password"], b"tide pool ledger");
    assert_eq!(code, 0, "{said}");
    let link = archive.json(&["reader", "add", "anna"]).unwrap();
    let link: url::Url = link["link"].as_str().unwrap().parse().unwrap();
    let openid = ["--openid-issuer", "http://127.0.0.1:1/team", "--openid-client", "backissue"];
    let several = ["--no-fetch", "--readers", "several", "--base-url", "http://127.0.0.1/"];
    let served = archive.serve(&[&several[..], &openid].concat()).unwrap();
    let browser = Browser::start().await.unwrap();
    browser.begin_every_page_with(AXE).await.unwrap();
    check(&browser, &served, &["/login".to_owned(), link.path().to_owned(), "/login/openid/done".to_owned()])
        .await;
    browser.window.goto(&served.url("/login?back=/readers")).await.unwrap();
    for (css, text) in [("#username", "one"), ("#password", "tide pool ledger")] {
        browser.window.find(Locator::Css(css)).await.unwrap().send_keys(text).await.unwrap();
    }
    press(&browser, "#login .row button").await;
    browser.window.wait().for_element(Locator::Css("#invite")).await.unwrap();
    let own = ["/readers", "/account", "/sessions", "/", "/shelf", "/notes", "/sources"];
    check(&browser, &served, &own.map(str::to_owned)).await;
}
