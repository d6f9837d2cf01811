//! A reader's marks in a real browser: with and without script, and with the keyboard alone.

use std::time::Duration;

use backissue_needs::needs;
use backissue_tests::browser::{Browser, Colours};
use backissue_tests::program::{Archive, Served, client};
use fantoccini::Locator;
use fantoccini::key::Key;

use crate::browsing::{demo, once};

/// Time limit for one page to follow another.
pub const WITHIN: Duration = Duration::from_secs(60);

/// Number of reads on the page with all of these marks.
async fn marked(browser: &Browser, marks: &str) -> usize {
    browser.window.find_all(Locator::Css(&format!("[data-marks='{marks}']"))).await.unwrap().len()
}

/// Presses a button or follows a link with the Enter key. With a pointer, the test would have to
/// wait for smooth scrolling.
pub async fn press(browser: &Browser, css: &str) {
    let enter = String::from(char::from(Key::Enter));
    browser.window.find(Locator::Css(css)).await.unwrap().send_keys(&enter).await.unwrap();
}

/// Presses a button or a link that leads to another page, and waits until the old page is gone.
/// Otherwise a test could take an element of the old page for one of the new.
pub async fn go(browser: &Browser, css: &str) {
    let page = browser.window.find(Locator::Css("html")).await.unwrap();
    press(browser, css).await;
    let left = async { while page.tag_name().await.is_ok() {} };
    assert!(tokio::time::timeout(WITHIN, left).await.is_ok(), "{css} leads nowhere");
}

pub async fn text(browser: &Browser, css: &str) -> String {
    browser.window.find(Locator::Css(css)).await.unwrap().text().await.unwrap()
}

/// Opens a week with many reads.
async fn open_a_week(browser: &Browser, served: &Served) -> String {
    browser.window.goto(&served.url("/")).await.unwrap();
    let link = browser.window.find(Locator::Css("main a[href^='/week/']:not([href$=digest])")).await.unwrap();
    let week = link.attr("href").await.unwrap().unwrap();
    browser.window.goto(&served.url(&week)).await.unwrap();
    week
}

#[tokio::test]
async fn marks_are_set_and_undone_without_script() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(360, 780, Colours::Light).await.unwrap();
    browser.run_scripts(false).await.unwrap();
    let week = open_a_week(&browser, &served).await;
    let unread = text(&browser, ".tally").await;
    assert!(unread.contains(" unread, ") && unread.ends_with(" to read"), "{unread}");

    press(&browser, "[data-mark=keep]").await;
    browser.window.wait().for_element(Locator::Css("[data-marks=keep]")).await.unwrap();
    let here = browser.window.current_url().await.unwrap();
    assert_eq!(here.path(), week);
    assert!(here.fragment().is_some_and(|at| at.starts_with('m')), "{here}: back at the read");
    assert_eq!(text(&browser, "#notice span").await, "Kept.");
    press(&browser, "[data-marks=keep] [data-mark=hide]").await;
    browser.window.wait().for_element(Locator::Css("[data-marks='keep hide']")).await.unwrap();
    press(&browser, "#notice button").await;
    browser.window.wait().for_element(Locator::Css("[data-marks=keep]")).await.unwrap();
    press(&browser, "[data-marks=keep] [data-mark=keep]").await;
    browser.window.wait().for_element(Locator::Css("#notice button")).await.unwrap();
    assert_eq!(marked(&browser, "keep").await, 0);

    press(&browser, ".shows button").await;
    browser.window.wait().for_element(Locator::Css("[data-marks=done]")).await.unwrap();
    assert!(text(&browser, ".tally").await.contains("none unread"));
    press(&browser, "#notice button").await;
    browser.window.wait().for_element(Locator::Css(".shows button")).await.unwrap();
    assert_eq!((marked(&browser, "done").await, text(&browser, ".tally").await), (0, unread));
}

#[tokio::test]
async fn opening_a_read_marks_it_done_if_the_reader_chose_that() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Light).await.unwrap();
    let week = open_a_week(&browser, &served).await;
    let link = browser.window.find(Locator::Css("a[data-read]")).await.unwrap();
    let read = served.url(&link.attr("href").await.unwrap().unwrap());
    browser.window.goto(&read).await.unwrap();
    browser.window.goto(&served.url("/account")).await.unwrap();
    let check = browser.window.find(Locator::Css("input[name=done]")).await.unwrap();
    check.click().await.unwrap();
    press(&browser, "section[aria-labelledby=opening] .row button").await;
    browser.window.wait().for_element(Locator::Css("input[name=done][checked]")).await.unwrap();
    browser.window.goto(&served.url(&week)).await.unwrap();
    assert_eq!(marked(&browser, "done").await, 0, "opening it before marked nothing");
    browser.window.goto(&read).await.unwrap();
    browser.window.wait().for_element(Locator::Css("[data-marks=done]")).await.unwrap();
    press(&browser, "#notice button").await;
    let not_done = Locator::Css(".read-head [data-marks='']");
    browser.window.wait().for_element(not_done).await.unwrap();
    browser.window.refresh().await.unwrap();
    browser.window.wait().for_element(not_done).await.unwrap();
    browser.window.goto(&served.url(&week)).await.unwrap();
    assert_eq!(marked(&browser, "done").await, 0, "it stays undone");
}

#[tokio::test]
async fn marks_are_set_and_undone_with_the_keyboard() {
    needs!(Browser);
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

    // A pressed button keeps the focus although it was replaced.
    press(&browser, "[data-marks='keep done'] [data-mark=done]").await;
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
async fn reachable_server_is_read_only_and_explains() {
    let archive = Archive::new(Vec::new()).unwrap();
    let served = archive.serve(&["--demo", "--base-url", "https://reads.example.org/"]).unwrap();
    served.until_idle(&client()).await.unwrap();
    let body = client().get(served.url("/")).send().await.unwrap().text().await.unwrap();
    assert!(
        body.contains("These pages are read-only: others can reach them at https://reads.example.org/"),
        "{body}"
    );
    assert!(body.contains("run `backissue reader password`"), "{body}");
    assert!(!body.contains("data-mark"));
    let answer = client().post(served.url("/marks")).body("do=keep+1").send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let (_, log) = served.stop().unwrap();
    assert!(log.contains("listen on 127.0.0.1"), "{log}");
}

#[tokio::test]
async fn note_and_label_are_written_without_script() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(360, 780, Colours::Dark).await.unwrap();
    browser.run_scripts(false).await.unwrap();
    open_a_week(&browser, &served).await;
    press(&browser, "[data-mark=note]").await;
    browser.window.wait().for_element(Locator::Css("#note-edit summary")).await.unwrap();
    press(&browser, "#note-edit summary").await;
    let box_ = browser.window.find(Locator::Css("#note-text")).await.unwrap();
    box_.send_keys("We had *this* too.").await.unwrap();
    press(&browser, "#note-form button").await;
    browser.window.wait().for_element(Locator::Css("#note-shown em")).await.unwrap();
    assert_eq!(text(&browser, "#note-shown").await, "We had this too.");
    browser.window.find(Locator::Css("#label")).await.unwrap().send_keys("Interview").await.unwrap();
    press(&browser, ".labels button").await;
    browser.window.wait().for_element(Locator::Css(".labels li a")).await.unwrap();
    press(&browser, ".labels li a").await;
    browser.window.wait().for_element(Locator::Css(".kept")).await.unwrap();
    assert_eq!(browser.window.current_url().await.unwrap().query(), Some("label=interview"));
    assert_eq!(
        (text(&browser, ".written").await, marked(&browser, "keep").await),
        ("We had this too.".to_owned(), 1)
    );
    browser.window.goto(&served.url("/notes")).await.unwrap();
    assert_eq!(text(&browser, ".written em").await, "this");
}

#[tokio::test]
async fn note_that_a_list_leads_to_is_typed_at_once() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Light).await.unwrap();
    open_a_week(&browser, &served).await;
    browser.window.find(Locator::Css("body")).await.unwrap().send_keys("j").await.unwrap();
    browser.window.active_element().await.unwrap().send_keys("n").await.unwrap();
    browser.window.wait().for_element(Locator::Css("#note-edit[open]")).await.unwrap();
    let focused = once("document.readyState === 'complete' && document.activeElement.id");
    assert_eq!(browser.evaluate(&focused).await.unwrap(), "note-text");
    let typed = "xxx: the sea keeps us; so he? 1/2";
    browser.window.active_element().await.unwrap().send_keys(typed).await.unwrap();
    let shown = once(&format!("document.getElementById('note-shown').textContent.trim() === '{typed}'"));
    assert_eq!(browser.evaluate(&shown).await.unwrap(), true, "the letters are no keys here");
    assert_eq!(browser.window.find_all(Locator::Css(".read-head [data-marks='']")).await.unwrap().len(), 1);

    // Back at the note by a form, the next key is a key again.
    browser.window.find(Locator::Css("#label")).await.unwrap().send_keys("later").await.unwrap();
    press(&browser, ".labels button").await;
    browser.window.wait().for_element(Locator::Css(".labels li a")).await.unwrap();
    assert_eq!(browser.evaluate(&once("document.readyState === 'complete'")).await.unwrap(), true);
    assert_eq!(browser.evaluate("document.activeElement.id").await.unwrap(), "", "nothing has the focus");
}

#[tokio::test]
async fn note_is_saved_while_typing_in_two_tabs() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Light).await.unwrap();
    open_a_week(&browser, &served).await;
    let read = browser.window.find(Locator::Css("a[data-read]")).await.unwrap();
    let read = served.url(&read.attr("href").await.unwrap().unwrap());
    browser.window.goto(&read).await.unwrap();
    let said = async |words: &str| {
        let seen = once(&format!("document.getElementById('note-said').textContent.includes('{words}')"));
        assert_eq!(browser.evaluate(&seen).await.unwrap(), true, "{words}");
    };
    let first = browser.window.window().await.unwrap();
    browser.window.find(Locator::Css("body")).await.unwrap().send_keys("n").await.unwrap();
    browser.window.active_element().await.unwrap().send_keys("One").await.unwrap();
    said("Saved.").await;
    assert_eq!(
        browser.evaluate("document.activeElement.id").await.unwrap(),
        "note-text",
        "one can go on typing"
    );
    browser.window.active_element().await.unwrap().send_keys(" and two").await.unwrap();
    let shown = once("document.getElementById('note-shown').textContent.includes('One and two')");
    assert_eq!(browser.evaluate(&shown).await.unwrap(), true);

    let second = browser.window.new_window(true).await.unwrap().handle;
    browser.window.switch_to_window(second).await.unwrap();
    browser.window.goto(&read).await.unwrap();
    browser.window.find(Locator::Css("body")).await.unwrap().send_keys("n").await.unwrap();
    browser.window.active_element().await.unwrap().send_keys(" of the second tab").await.unwrap();
    said("Saved.").await;

    browser.window.switch_to_window(first).await.unwrap();
    browser
        .window
        .find(Locator::Css("#note-text"))
        .await
        .unwrap()
        .send_keys(" of the first tab")
        .await
        .unwrap();
    said("changed elsewhere in the meantime").await;
    // The browser keeps typed text, even after a reload.
    browser.window.refresh().await.unwrap();
    let typed = "document.getElementById('note-text').value";
    assert_eq!(browser.evaluate(typed).await.unwrap(), "One and two of the first tab");
    press(&browser, "#note-form button").await;
    browser.window.wait().for_element(Locator::Css("pre.plain")).await.unwrap();
    assert_eq!(text(&browser, "pre.plain").await, "One and two of the second tab");
    assert_eq!(browser.evaluate(typed).await.unwrap(), "One and two of the first tab");
    let box_ = browser.window.find(Locator::Css("#note-text")).await.unwrap();
    box_.send_keys(" and more ").await.unwrap();
    press(&browser, "#note-form button").await;
    browser.window.wait().for_element(Locator::Css("#note-shown")).await.unwrap();
    let saved = "One and two of the first tab and more";
    assert_eq!(text(&browser, "#note-shown").await, saved);
    assert_eq!(browser.evaluate(typed).await.unwrap(), saved, "no older draft stands in its place");
    let said = browser.evaluate("document.getElementById('note-said').textContent").await.unwrap();
    assert_eq!(said, "", "it was saved, though the server took the space at its end away");
}

/// Opens a read with evidence, and returns its address.
async fn open_a_read(browser: &Browser, served: &Served) -> String {
    open_a_week(browser, served).await;
    let read = browser.window.find(Locator::Css("a[data-read]")).await.unwrap();
    let read = served.url(&read.attr("href").await.unwrap().unwrap());
    browser.window.goto(&read).await.unwrap();
    read
}

/// A script that selects from the first words of the article's second paragraph to the middle of
/// the third one.
const SELECT: &str = "(() => { const all = document.querySelectorAll('.article .body p'); \
    const range = document.createRange(); range.setStart(all[1], 0); range.setEnd(all[2].firstChild, 20); \
    const selection = getSelection(); selection.removeAllRanges(); selection.addRange(range); \
    return selection.toString().replace(/\\s+/g, ' ').trim(); })()";

/// A script that returns the text of all highlights, without white space.
const MARKED: &str = "Array.from(document.querySelectorAll('.body mark.highlight'), m => m.textContent).join('').replace(/\\s/g, '')";

#[tokio::test]
async fn selected_text_is_highlighted_with_the_keyboard() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Light).await.unwrap();
    open_a_read(&browser, &served).await;
    let text_there = browser.evaluate("document.querySelector('.body').textContent").await.unwrap();
    let selected = browser.evaluate(SELECT).await.unwrap();
    let selected = selected.as_str().unwrap();
    browser.window.find(Locator::Css("body")).await.unwrap().send_keys("h").await.unwrap();
    browser.window.wait().for_element(Locator::Css("mark.highlight[id]:target")).await.unwrap();
    assert_eq!(browser.evaluate(MARKED).await.unwrap(), selected.replace(' ', ""), "{selected}");
    let text_now = browser.evaluate("document.querySelector('.body').textContent").await.unwrap();
    assert_eq!(text_now, text_there, "the words are the same");
    assert_eq!(text(&browser, "#notice span").await, "Highlighted.");
    for then in ["#notice [value^=h]", "mark.highlight[id]"] {
        browser.window.find(Locator::Css("body")).await.unwrap().send_keys("u").await.unwrap();
        browser.window.wait().for_element(Locator::Css(then)).await.unwrap();
    }

    // With a remark, the keyboard leads to its field.
    let other = "(() => { const p = document.querySelector('.article .body p'); getSelection().selectAllChildren(p); })()";
    browser.evaluate(other).await.unwrap();
    browser.window.find(Locator::Css("body")).await.unwrap().send_keys("H").await.unwrap();
    assert_eq!(browser.evaluate("document.activeElement.id").await.unwrap(), "highlight-remark");
    browser.window.active_element().await.unwrap().send_keys("We had *this* too.").await.unwrap();
    press(&browser, "#highlight-form button").await;
    browser.window.wait().for_element(Locator::Css("#highlights .written em")).await.unwrap();
    browser.window.wait().for_element(Locator::Css("mark.highlight[id]:target")).await.unwrap();
    assert_eq!(text(&browser, "#highlights .written em").await, "this");

    press(&browser, "#highlights summary").await;
    press(&browser, "#highlights form[action$=remove] button").await;
    browser.window.wait().for_element(Locator::Css("#notice [value^=h]")).await.unwrap();
    assert_eq!(browser.window.find_all(Locator::Css("#highlights blockquote")).await.unwrap().len(), 1);
    browser.window.find(Locator::Css("body")).await.unwrap().send_keys("u").await.unwrap();
    browser.window.wait().for_element(Locator::Css("#highlights li:nth-child(2)")).await.unwrap();
    assert!(browser.complaints().await.unwrap().is_empty());
}

#[tokio::test]
async fn selected_text_is_highlighted_by_the_button_beside_it() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    for (nth, width, colours) in [(1, 360, Colours::Dark), (2, 1440, Colours::Light)] {
        browser.look_like(width, 800, colours).await.unwrap();
        open_a_read(&browser, &served).await;
        // A long text, in which the second passage is not the first one.
        let script = format!(
            "(() => {{ const texts = Array.from(document.querySelectorAll('.article .body p'), p => p.firstChild); \
             const t = texts.find(t => t?.nodeType === Node.TEXT_NODE && t.data.length > 60); \
             t.parentElement.scrollIntoView({{ block: 'center', behavior: 'instant' }}); \
             getSelection().setBaseAndExtent(t, {0}, t, {0} + 10); }})()",
            nth * 12
        );
        browser.evaluate(&script).await.unwrap();
        let offered = once("!document.getElementById('highlight-bar').hidden");
        assert_eq!(browser.evaluate(&offered).await.unwrap(), true);
        let fits = "document.documentElement.scrollWidth <= innerWidth";
        assert_eq!(browser.evaluate(fits).await.unwrap(), true, "{width}");
        browser.window.find(Locator::Css("#highlight-bar button")).await.unwrap().click().await.unwrap();
        browser.window.wait().for_element(Locator::Css("mark.highlight[id]:target")).await.unwrap();
        let highlights = browser.window.find_all(Locator::Css("#highlights blockquote")).await.unwrap();
        assert_eq!(highlights.len(), nth);
    }
    assert!(browser.complaints().await.unwrap().is_empty());
}

#[tokio::test]
async fn passage_is_highlighted_without_script() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(360, 780, Colours::Light).await.unwrap();
    let read = open_a_read(&browser, &served).await;
    let passage = browser.evaluate("document.querySelector('.article .body p').textContent").await.unwrap();
    browser.run_scripts(false).await.unwrap();
    browser.window.goto(&read).await.unwrap();
    press(&browser, "#highlight-edit summary").await;
    let passage = passage.as_str().unwrap();
    browser.window.find(Locator::Css("#highlight-quote")).await.unwrap().send_keys(passage).await.unwrap();
    browser
        .window
        .find(Locator::Css("#highlight-remark"))
        .await
        .unwrap()
        .send_keys("So *true*")
        .await
        .unwrap();
    press(&browser, "#highlight-form button").await;
    browser.window.wait().for_element(Locator::Css("mark.highlight[id]")).await.unwrap();
    assert_eq!(text(&browser, "#highlights .written em").await, "true");
    press(&browser, "#highlights summary").await;
    press(&browser, "#highlights form[action$=remove] button").await;
    browser.window.wait().for_element(Locator::Css("#notice [value^=h]")).await.unwrap();
    assert!(browser.window.find_all(Locator::Css("mark.highlight")).await.unwrap().is_empty());
    press(&browser, "#notice button").await;
    browser.window.wait().for_element(Locator::Css("mark.highlight[id]")).await.unwrap();
}
