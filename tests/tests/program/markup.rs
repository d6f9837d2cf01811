//! Hostile markup, stored and opened in a browser: nothing runs, and nothing sends a request.
//!
//! The vectors are those of `tests/data/xss.jsonl`. Each calls `ran(NUMBER)`, which exists on all
//! pages of this browser and writes to its console, or requests something from `ran.example`. A
//! first test checks that most of them work without sanitising; vectors that never work would prove
//! nothing.

use std::collections::BTreeSet;

use backissue_needs::needs;
use backissue_tests::browser::Browser;
use backissue_tests::made_up_web::{Document, Documents, MadeUpWeb};
use backissue_tests::program::{Archive, Served};
use serde::Deserialize;
use serde_json::json;

/// A line of the table.
#[derive(Clone, Debug, Deserialize)]
struct Vector {
    name: String,
    html: String,
    media_type: Option<String>,
}

fn vectors() -> Vec<Vector> {
    include_str!("../../data/xss.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

impl Vector {
    /// The vector's markup. It calls `ran` with `number`.
    fn html(&self, number: usize) -> String {
        self.html.replace("{n}", &number.to_string())
    }

    /// A page with the vector between `before` and `after`.
    fn page(&self, number: usize, before: &str, after: &str) -> Document {
        let Some(media_type) = &self.media_type else {
            return Document::page(&format!("{before}{}{after}", self.html(number)));
        };
        // Each character stands for a byte.
        let bytes: Vec<u8> = self.html(number).chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        if bytes.starts_with(b"\xff\xfe") {
            let after = after.encode_utf16().flat_map(u16::to_le_bytes);
            return Document::new(media_type, bytes.into_iter().chain(after).collect::<Vec<_>>());
        }
        Document::new(media_type, [before.as_bytes(), &bytes, after.as_bytes()].concat())
    }
}

/// The script that defines `ran` at the start of all pages.
pub const RAN: &str = "window.ran = number => console.log('RAN ' + number);";

/// A script that does what a reader can do with each element, and waits until the effects have
/// started.
const TOUCH: &str = r"
    const touch = within => {
        const types = ['mouseover', 'mouseenter', 'pointerover', 'mousedown', 'click', 'copy', 'wheel', 'keydown', 'input', 'scroll',
            'toggle', 'animationstart', 'transitionend'];
        for (const element of within.querySelectorAll('*')) {
            const leadsOn = element.closest('a[href], area[href], button, input, form');
            for (const type of types) {
                if (type === 'click' && leadsOn) continue;
                element.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true }));
            }
            element.focus?.({ preventScroll: true });
        }
    };
    const drawn = () => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))));
";

fn numbers_that_ran(complaints: &[String]) -> BTreeSet<i64> {
    let number = |line: &String| {
        let rest = line.split_once("\"RAN ")?.1;
        rest.split_once('"')?.0.parse().ok()
    };
    complaints.iter().filter_map(number).collect()
}

#[tokio::test]
async fn most_vectors_run_without_sanitising() {
    needs!(Browser);
    let vectors = vectors();
    let page = |(number, vector): (usize, &Vector)| {
        let before = if vector.media_type.is_some() { "" } else { "<!doctype html><meta charset=utf-8>" };
        (format!("raw.example/{number}"), vector.page(number, before, ""))
    };
    let web = MadeUpWeb::start(vectors.iter().enumerate().map(page).collect()).unwrap();
    let browser = Browser::start_with(&web.browser_flags()).await.unwrap();
    browser.begin_every_page_with(RAN).await.unwrap();
    let click = format!(
        "(async () => {{ {TOUCH} touch(document);
            for (const link of document.querySelectorAll('a, area, button, input')) {{
                if (!/^https?:/.test(link.href?.baseVal ?? link.href ?? '')) link.dispatchEvent(new MouseEvent('click', {{ bubbles: true, cancelable: true, view: window }}));
            }}
            location.hash = 'x';
            await drawn(); }})()"
    );
    for number in 0..vectors.len() {
        browser.window.goto(&format!("http://raw.example/{number}")).await.unwrap();
        // A page may navigate away during the script; its effects until then count.
        let _ = browser.evaluate(&click).await;
    }
    let mut ran = numbers_that_ran(&browser.complaints().await.unwrap());
    ran.remove(&-1);
    let asked: BTreeSet<String> =
        web.requests().into_iter().filter(|r| r.starts_with("ran.example")).collect();
    let idle = |(number, _): &(usize, &Vector)| !ran.contains(&i64::try_from(*number).unwrap());
    let did_not: Vec<&str> = vectors.iter().enumerate().filter(idle).map(|(_, v)| v.name.as_str()).collect();
    assert!(ran.len() >= 130, "only {} of {} ran; the others: {did_not:?}", ran.len(), vectors.len());
    assert!(asked.len() >= 12, "{asked:?}");
}

const PROSE: &str = "The queue was full, and every worker waited for the one that held the lock, which waited for the queue. ";

/// Number of vectors per entry of the second feed.
const TOGETHER: usize = 6;

/// Two blogs. The first one has pages with a vector each, and a feed with vectors in all fields.
/// The pages of the second one are gone, so that the bodies in its feed are stored.
fn blogs(vectors: &[Vector]) -> Documents {
    let mut documents = Documents::new();
    let mut items = Vec::new();
    for (number, vector) in vectors.iter().enumerate() {
        let markup = vector.html(number);
        let escaped = markup.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        // If the page has no title, the feed's is shown.
        let title =
            if number % 2 == 0 { format!("<title>{escaped} {number}</title>") } else { String::new() };
        let head = format!(
            "<!doctype html>{title}<meta name=author content=\"{escaped}\"><meta name=description content=\"{escaped}\">"
        );
        let paragraph = format!("<p>Article number {number}. {}</p>", PROSE.repeat(3));
        let (before, after) = (format!("{head}<article>{paragraph}"), format!("{paragraph}</article>"));
        documents.insert(format!("pages.example/{number}/"), vector.page(number, &before, &after));
        items.push(json!({
            "id": number.to_string(), "url": format!("http://pages.example/{number}/"), "title": format!("{markup} {number}"),
            "summary": markup, "content_html": markup, "authors": [{ "name": markup }], "tags": [markup],
            "date_published": format!("2026-05-{:02}T{:02}:00:00Z", 11 + number % 7, number / 7 % 24),
        }));
    }
    let feed =
        json!({ "version": "https://jsonfeed.org/version/1.1", "title": vectors[0].html(0), "items": items });
    documents.insert(
        "pages.example/feed.json".to_owned(),
        Document::new("application/feed+json", feed.to_string()),
    );
    let mut entries = String::new();
    for (nth, together) in vectors.chunks(TOGETHER).enumerate() {
        let markup: Vec<String> =
            together.iter().enumerate().map(|(at, vector)| vector.html(nth * TOGETHER + at)).collect();
        let content = format!(
            "<p>Entry number {nth}. {}</p><div>{}</div>",
            PROSE.repeat(3),
            markup.join("</div><div>")
        );
        // XML has no control characters.
        let escaped = |html: &str| {
            let fitting = html.replace(
                |c: char| c.is_control() && !c.is_whitespace() || c == '\u{c}' || c == '\u{b}',
                "\u{fffd}",
            );
            fitting.replace('&', "&amp;").replace('<', "&lt;").replace(']', "&#93;")
        };
        entries.push_str(&format!(
            "<entry><id>{nth}</id><link href=\"http://feed.example/{nth}/\"/><title type=\"html\">{} {nth}</title>\
             <author><name>{}</name></author><summary type=\"html\">{}</summary><content type=\"html\">{}</content>\
             <updated>2026-05-0{}T10:00:00Z</updated></entry>",
            escaped(&markup[0]),
            escaped(&markup[0]),
            escaped(&markup[0]),
            escaped(&content),
            4 + nth % 6,
        ));
    }
    let feed = format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\"><id>x</id><title type=\"html\">&lt;script>ran(0)&lt;/script></title>\
         <updated>2026-05-04T10:00:00Z</updated>{entries}</feed>"
    );
    documents.insert("feed.example/feed.xml".to_owned(), Document::new("application/atom+xml", feed));
    documents
}

/// Opens a page, interacts like a reader, and fails if a vector ran or a request was sent.
async fn open(browser: &Browser, served: &Served, path: &str) {
    browser.window.goto(&served.url(path)).await.unwrap();
    let wrong = browser
        .evaluate(&format!(
            r#"(async () => {{ {TOUCH}
                touch(document.querySelector('main'));
                const wrong = [];
                for (const element of document.querySelectorAll('main *, aside *')) {{
                    const name = element.localName, inArticle = element.closest('.body');
                    if (!element.namespaceURI.endsWith('xhtml') && !element.closest('svg.icon, svg[aria-hidden]')) wrong.push(name);
                    if (/^(script|style|iframe|object|embed|base|meta|link|template)$/.test(name)) wrong.push(name);
                    if (inArticle && element !== inArticle && /^(form|input|button|svg|math|dialog)$/.test(name)) wrong.push(name);
                    // Our bookmarklet, which runs where a person puts it.
                    const ours = "javascript:location.href='" + location.origin + "/save?url=%27+encodeURIComponent(location.href)";
                    if (element.href && element.href !== ours && !/^(https?|mailto):/.test(element.href)) wrong.push(element.href);
                    for (const {{ name: key, value }} of element.attributes) {{
                        if (/^(on.*|style|srcdoc|formaction|action|ping|target|xlink:href|srcset)$/.test(key) && !element.matches('form[action^="/"], form[method=dialog], button[formaction^="/"]')) wrong.push(key);
                        if (inArticle && element !== inArticle && /^(name|class|role|accesskey)$/.test(key) && !/^(elsewhere|image|load|unseen|evidence|scrolls|language-.*)$/.test(value)) wrong.push(key + ' ' + value);
                        if (inArticle && key === 'id' && !/^(in-|evidence-|image-\d+$)/.test(value)) wrong.push(key + ' ' + value);
                    }}
                }}
                await drawn();
                return wrong; }})()"#
        ))
        .await
        .unwrap();
    assert_eq!(wrong, json!([]), "{path}");
}

/// Opens all lists of the archive, page by page.
async fn open_lists(browser: &Browser, served: &Served) {
    let mut ahead: Vec<String> =
        ["/", "/weeks", "/sources", "/concepts", "/search?q=script", "/prior-art?q=queue"]
            .map(str::to_owned)
            .into();
    let mut seen = BTreeSet::new();
    while let Some(path) = ahead.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        open(browser, served, &path).await;
        let links = browser
            .evaluate("Array.from(document.querySelectorAll('main a[href^=\"/week/\"], main a[href^=\"/source/\"]'), a => a.getAttribute('href'))")
            .await
            .unwrap();
        let links = links.as_array().unwrap().iter().filter_map(|link| link.as_str());
        ahead.extend(links.filter(|link| !link.contains('?') || link.contains("after=")).map(str::to_owned));
    }
    assert!(seen.len() > 12, "the archive has more lists than {seen:?}");
}

/// An archive whose reads have vectors in all fields, and their number.
pub fn hostile_archive() -> (MadeUpWeb, Archive, usize) {
    let vectors = vectors();
    let web = MadeUpWeb::start(blogs(&vectors)).unwrap();
    let archive = Archive::new(web.arguments()).unwrap();
    for feed in ["http://pages.example/feed.json", "http://feed.example/feed.xml"] {
        archive.done(&["follow", feed]).unwrap();
    }
    let summary = archive.json(&["sync"]).unwrap();
    let reads = vectors.len() + vectors.len().div_ceil(TOGETHER);
    assert_eq!(summary["reads_done"].as_u64(), Some(reads as u64), "{summary}");
    (web, archive, reads)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_stored_vector_runs() {
    needs!(Browser);
    let (web, archive, reads) = hostile_archive();
    let hosts: BTreeSet<String> =
        web.requests().iter().map(|r| r.split('/').next().unwrap().to_owned()).collect();
    assert_eq!(hosts, BTreeSet::from(["feed.example", "pages.example"].map(str::to_owned)));
    web.forget_requests();

    let all = std::thread::scope(|scope| scope.spawn(|| archive.all_reads()).join()).unwrap().unwrap();
    assert_eq!(all.len(), reads);
    let served = archive.serve(&["--no-fetch"]).unwrap();
    let browser = Browser::start_with(&web.browser_flags()).await.unwrap();
    browser.begin_every_page_with(RAN).await.unwrap();
    for read in &all {
        open(&browser, &served, read["path"].as_str().unwrap()).await;
    }
    open_lists(&browser, &served).await;
    assert_eq!(browser.complaints().await.unwrap(), [""; 0], "nothing ran, nothing was even refused");
    assert_eq!(web.requests(), [""; 0], "nobody was asked for anything");

    // A reader who requests images gets a policy that allows images, and still nothing that runs.
    let of_feed = all.iter().filter(|read| read["url"].as_str().unwrap().starts_with("http://feed.example/"));
    for read in of_feed {
        open(&browser, &served, &format!("{}?images=all", read["path"].as_str().unwrap())).await;
    }
    assert!(web.requests().iter().any(|request| request == "blog.example/a.png"), "{:?}", web.requests());
    let complaints = browser.complaints().await.unwrap();
    assert!(complaints.iter().all(|said| said.contains("404 (Not Found)")), "{complaints:?}");
}
