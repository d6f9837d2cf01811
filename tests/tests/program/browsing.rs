//! The pages in a real browser: narrow and wide, light and dark, with the keyboard, and without
//! errors.

use backissue_needs::needs;
use backissue_tests::browser::{Browser, Colours, looks};
use backissue_tests::program::{Archive, Served, client};
use fantoccini::Locator;
use fantoccini::actions::{InputSource, MouseActions, PointerAction};
use fantoccini::key::Key;

pub async fn demo() -> (Archive, Served) {
    let archive = Archive::new(Vec::new()).unwrap();
    let served = archive.serve(&["--demo"]).unwrap();
    served.until_idle(&client()).await.unwrap();
    (archive, served)
}

/// The address of one page of each kind.
pub async fn one_of_each(browser: &Browser, served: &Served) -> Vec<String> {
    browser.window.goto(&served.url("/")).await.unwrap();
    let mut pages = vec![
        "/".to_owned(),
        "/weeks".into(),
        "/sources".into(),
        "/concepts".into(),
        "/shelf".into(),
        "/notes".into(),
        "/searches".into(),
        "/practise".into(),
        "/practise/card".into(),
        "/correct/1".into(),
        "/settings".into(),
        "/settings/source/1".into(),
        "/no/such/page".into(),
    ];
    let searching = ["/search", "/search?q=cache+stampede", "/search?q=zzyzx", "/prior-art?q=cache+stampede"];
    pages.extend(searching.map(str::to_owned));
    for start in ["/week/", "/read/"] {
        let link = browser.window.find(Locator::Css(&format!("main a[href^='{start}']"))).await.unwrap();
        pages.push(link.attr("href").await.unwrap().unwrap());
    }
    for (page, start) in [("/sources", "/source/"), ("/concepts", "/concept/")] {
        browser.window.goto(&served.url(page)).await.unwrap();
        let link = browser.window.find(Locator::Css(&format!("main a[href^='{start}']"))).await.unwrap();
        pages.push(link.attr("href").await.unwrap().unwrap());
    }
    pages
}

#[tokio::test]
async fn printed_week_is_a_paper_of_two_columns() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(1000, 1400, Colours::Light).await.unwrap();
    browser.look_printed().await.unwrap();
    browser.window.goto(&served.url("/")).await.unwrap();
    let columns = "getComputedStyle(document.querySelector('.in-columns')).columnCount";
    assert_eq!(browser.evaluate(columns).await.unwrap(), "2");
    let shown = "['.marks', '.masthead nav', '.foot', '.shows'] \
         .filter(part => [...document.querySelectorAll(part)].some(one => one.getClientRects().length)).join()";
    assert_eq!(browser.evaluate(shown).await.unwrap(), "", "no buttons and no menus");
}

#[tokio::test]
async fn pages_fit_the_screen_without_errors() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    served.until_searchable(&client(), 42).await.unwrap();
    let pages = one_of_each(&browser, &served).await;
    browser.complaints().await.unwrap();
    for (width, height, colours) in looks() {
        browser.look_like(width, height, colours).await.unwrap();
        for page in &pages {
            browser.window.goto(&served.url(page)).await.unwrap();
            let wide = browser.evaluate("document.documentElement.scrollWidth").await.unwrap();
            assert!(
                wide.as_u64().unwrap() <= u64::from(width),
                "{page} is {wide} px wide on a screen of {width}"
            );
            let background =
                browser.evaluate("getComputedStyle(document.documentElement).backgroundColor").await.unwrap();
            let lightness: u32 = background
                .as_str()
                .unwrap()
                .split(|c: char| !c.is_ascii_digit())
                .filter_map(|n| n.parse::<u32>().ok())
                .take(3)
                .sum();
            assert_eq!(
                lightness > 382,
                colours == Colours::Light,
                "{page} in {}: {background}",
                colours.as_str()
            );
            let complaints = browser.complaints().await.unwrap();
            let own_404 = |c: &String| page == "/no/such/page" && c.contains("404");
            assert!(complaints.iter().all(own_404), "{page}: {complaints:?}");
            let elsewhere = "performance.getEntriesByType('resource').filter(r => !r.name.startsWith(location.origin)).length";
            assert_eq!(browser.evaluate(elsewhere).await.unwrap(), 0, "{page} loads from elsewhere");
        }
    }
}

#[tokio::test]
async fn keyboard_moves_through_a_week_and_opens_a_read() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Light).await.unwrap();
    browser.window.goto(&served.url("/")).await.unwrap();
    let focused = "(document.activeElement.getAttribute('href') || '')";
    let body = browser.window.find(Locator::Css("body")).await.unwrap();
    body.send_keys("j").await.unwrap();
    let first = browser.evaluate(focused).await.unwrap();
    assert!(first.as_str().unwrap().starts_with("/read/"), "{first}");
    browser.window.active_element().await.unwrap().send_keys("j").await.unwrap();
    let second = browser.evaluate(focused).await.unwrap();
    assert!(second.as_str().unwrap().starts_with("/read/") && second != first, "{second}");
    browser.window.active_element().await.unwrap().send_keys("k").await.unwrap();
    assert_eq!(browser.evaluate(focused).await.unwrap(), first);
    browser.window.active_element().await.unwrap().send_keys("o").await.unwrap();
    browser.window.wait().for_element(Locator::Css("article")).await.unwrap();
    let here = browser.window.current_url().await.unwrap();
    assert_eq!(here.path(), first.as_str().unwrap());

    // From there the keys go on through the list, and stop at its beginning.
    let is_at = async |path: &str| {
        let address = served.url(path).parse().unwrap();
        browser.window.wait().for_url(&address).await.unwrap();
    };
    let press = async |key: &str| {
        browser.window.find(Locator::Css("body")).await.unwrap().send_keys(key).await.unwrap();
    };
    press("k").await;
    press("j").await;
    is_at(second.as_str().unwrap()).await;
    press("k").await;
    is_at(first.as_str().unwrap()).await;

    // A read that no list led to goes on through its week.
    browser.window.goto(&served.url("/")).await.unwrap();
    let listed = "Array.from(document.querySelectorAll('a[data-read]'), link => link.getAttribute('href'))";
    let listed = browser.evaluate(listed).await.unwrap();
    let mut turned = false;
    for read in listed.as_array().unwrap() {
        browser.window.goto(&served.url(read.as_str().unwrap())).await.unwrap();
        browser.evaluate("sessionStorage.clear()").await.unwrap();
        let next = "document.querySelector('link[rel=next]')?.getAttribute('href') ?? null";
        if let Some(next) = browser.evaluate(next).await.unwrap().as_str() {
            press("j").await;
            is_at(next).await;
            turned = true;
            break;
        }
    }
    assert!(turned, "no read of the front page has a next one in its week");
}

#[tokio::test]
async fn first_tab_is_a_skip_link() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Light).await.unwrap();
    browser.window.goto(&served.url("/")).await.unwrap();
    let body = browser.window.find(Locator::Css("body")).await.unwrap();
    body.send_keys(&String::from(char::from(Key::Tab))).await.unwrap();
    let target = browser.evaluate("document.activeElement.getAttribute('href')").await.unwrap();
    let target = target.as_str().unwrap();
    assert!(target.starts_with('#'), "{target}");
    let there = browser.evaluate(&format!("document.querySelector('{target}') !== null")).await.unwrap();
    assert_eq!(there, true);
    // It slides in; the animation's promise resolves at its end.
    let arrived = "Promise.all(document.activeElement.getAnimations().map(a => a.finished)) \
                   .then(() => document.activeElement.getBoundingClientRect().top)";
    let top = browser.evaluate(arrived).await.unwrap();
    assert!(top.as_f64().unwrap() >= 0.0, "the skip link shows itself when it has the focus: {top}");
}

/// The background of the first evidence of the problem.
async fn behind_the_evidence(browser: &Browser) -> String {
    let background = browser
        .evaluate("getComputedStyle(document.querySelector('mark[data-for=problem]')).backgroundColor")
        .await
        .unwrap();
    background.as_str().unwrap().to_owned()
}

const NO_COLOUR: &str = "rgba(0, 0, 0, 0)";

#[tokio::test]
async fn statement_highlights_its_evidence_and_links_to_it() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Light).await.unwrap();
    browser.window.goto(&served.url("/")).await.unwrap();
    let read = browser
        .window
        .find(Locator::Css(".problem:not(.titled) a"))
        .await
        .unwrap()
        .attr("href")
        .await
        .unwrap();
    for colours in [Colours::Light, Colours::Dark] {
        browser.look_like(1440, 900, colours).await.unwrap();
        browser.window.goto(&served.url(read.as_deref().unwrap())).await.unwrap();
        assert_eq!(behind_the_evidence(&browser).await, NO_COLOUR, "{colours:?}");

        let statement = browser.window.find(Locator::Css("[data-statement=problem] h1")).await.unwrap();
        let onto = PointerAction::MoveToElement { element: statement, duration: None, x: 0.0, y: 0.0 };
        browser.window.perform_actions(MouseActions::new("mouse".into()).then(onto)).await.unwrap();
        let lit = behind_the_evidence(&browser).await;
        assert_ne!(lit, NO_COLOUR, "{colours:?}: the pointer is on the statement");
        let away = PointerAction::MoveTo { duration: None, x: 1.0, y: 1.0 };
        browser.window.perform_actions(MouseActions::new("mouse".into()).then(away)).await.unwrap();
        assert_eq!(behind_the_evidence(&browser).await, NO_COLOUR, "{colours:?}");

        browser.evaluate("document.querySelector('.eyebrow a:last-of-type').focus()").await.unwrap();
        let tab = String::from(char::from(Key::Tab));
        browser.window.active_element().await.unwrap().send_keys(&tab).await.unwrap();
        let link = browser.window.active_element().await.unwrap();
        assert_eq!(link.attr("href").await.unwrap().as_deref(), Some("#evidence-problem-1"));
        let outline =
            browser.evaluate("getComputedStyle(document.activeElement).outlineStyle").await.unwrap();
        assert_eq!(outline, "solid", "{colours:?}: the focus can be seen");
        assert_eq!(behind_the_evidence(&browser).await, lit, "{colours:?}: the focus is on the statement");

        link.click().await.unwrap();
        browser.evaluate("document.activeElement.blur()").await.unwrap();
        assert_eq!(browser.window.current_url().await.unwrap().fragment(), Some("evidence-problem-1"));
        assert_eq!(behind_the_evidence(&browser).await, lit, "{colours:?}: the link led to it");
        // The page scrolls smoothly; this waits until the element is visible, or the driver's time
        // limit.
        let seen = "new Promise(seen => { const look = () => { \
                    const box = document.getElementById('evidence-problem-1').getBoundingClientRect(); \
                    if (box.top >= 0 && box.bottom <= innerHeight) seen(true); else requestAnimationFrame(look); }; look(); })";
        assert_eq!(browser.evaluate(seen).await.unwrap(), true);
    }
    assert!(browser.complaints().await.unwrap().is_empty());
}

/// A script that waits until an expression is truthy and returns its value. It is evaluated in each
/// frame.
pub fn once(expression: &str) -> String {
    format!(
        "new Promise(seen => {{ const look = () => {{ const value = {expression}; \
         if (value) seen(value); else requestAnimationFrame(look); }}; look(); }})"
    )
}

#[tokio::test]
async fn slash_focuses_the_search_box_with_live_answers() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    served.until_searchable(&client(), 42).await.unwrap();
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Light).await.unwrap();
    browser.window.goto(&served.url("/weeks")).await.unwrap();
    browser.window.find(Locator::Css("body")).await.unwrap().send_keys("/").await.unwrap();
    let focused = "document.activeElement.id + ' ' + (document.activeElement.value || '')";
    assert_eq!(browser.evaluate(focused).await.unwrap(), "q ", "the key moves there and is not typed");
    let box_ = browser.window.active_element().await.unwrap();
    box_.send_keys("a/b").await.unwrap();
    assert_eq!(browser.evaluate(focused).await.unwrap(), "q a/b", "while one types a slash is a slash");
    box_.send_keys(&String::from(char::from(Key::Enter))).await.unwrap();
    browser.window.wait().for_element(Locator::Css("form.ask")).await.unwrap();
    assert_eq!(browser.window.current_url().await.unwrap().query(), Some("q=a%2Fb"));

    browser.window.goto(&served.url("/search")).await.unwrap();
    assert_eq!(browser.evaluate(focused).await.unwrap(), "q ");
    let box_ = browser.window.active_element().await.unwrap();
    box_.send_keys("cach").await.unwrap();
    let first = browser.evaluate(&once("document.querySelectorAll('.found a[data-read]').length")).await;
    assert!(first.unwrap().as_u64().unwrap() > 0);
    box_.send_keys("e kind:incident").await.unwrap();
    let narrowed = once("document.querySelector('.chip') && document.querySelector('#answered').textContent");
    let said = browser.evaluate(&narrowed).await.unwrap();
    assert!(said.as_str().unwrap().contains("read"), "{said} is said to who cannot see it");
    assert_eq!(browser.evaluate(focused).await.unwrap(), "q cache kind:incident", "one can go on typing");
    let here = browser.window.current_url().await.unwrap();
    assert_eq!(
        here.query_pairs().next().map(|(_, q)| q.into_owned()).as_deref(),
        Some("cache kind:incident")
    );
    let title = browser.evaluate("document.title").await.unwrap();
    assert!(title.as_str().unwrap().starts_with("Search: cache kind:incident · "), "{title}");
    assert!(browser.complaints().await.unwrap().is_empty());
}

#[tokio::test]
async fn prior_art_is_copied_with_one_click() {
    needs!(Browser);
    let (_archive, served) = demo().await;
    served.until_searchable(&client(), 42).await.unwrap();
    let browser = Browser::start().await.unwrap();
    browser.look_like(1440, 900, Colours::Light).await.unwrap();
    browser.window.goto(&served.url("/prior-art?q=cache+stampede")).await.unwrap();
    browser.window.find(Locator::Css("button[data-copies]")).await.unwrap().click().await.unwrap();
    let told = browser.evaluate(&once("document.getElementById('copied').textContent")).await.unwrap();
    assert_eq!(told, "Copied.");
    let box_ = browser.window.find(Locator::Css("#q")).await.unwrap();
    box_.clear().await.unwrap();
    box_.send_keys(&format!("{}v", char::from(Key::Control))).await.unwrap();
    let pasted = browser.evaluate("document.getElementById('q').value").await.unwrap();
    let pasted = pasted.as_str().unwrap();
    assert!(pasted.starts_with("## Prior art: cache stampede") && pasted.contains("](http"), "{pasted}");
    assert!(browser.complaints().await.unwrap().is_empty());
}
