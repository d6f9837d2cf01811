//! Narrow screens with hostile texts: no page scrolls sideways, however long a word, an address or
//! a line of code is.

use backissue_needs::needs;
use backissue_tests::browser::{Browser, Colours};
use backissue_tests::made_up_web::{Document, Documents, MadeUpWeb};
use backissue_tests::program::{Archive, client};
use serde_json::json;

const PROSE: &str = "The queue was full, and every worker waited for the one that held the lock, which waited for the queue. ";

/// Texts without the usual places for line breaks.
fn long_texts() -> Vec<String> {
    vec![
        "Donaudampfschifffahrtsgesellschaftskapitän".repeat(4),
        format!("https://very.long.example/{}?{}", "path-without-end/".repeat(14), "key=value&".repeat(14)),
        "com.example.platform.storage.internal.replication.AbstractSnapshotCoordinatorFactoryBean".repeat(2),
        "snake_case_identifiers_that_go_on_and_on_".repeat(5),
        "W".repeat(300),
        "\u{65e5}\u{672c}\u{8a9e}".repeat(80),
        "a\u{a0}b".repeat(120),
        "0123456789abcdef".repeat(20),
        "\u{627}\u{644}\u{639}\u{631}\u{628}\u{64a}\u{629}".repeat(30),
        "🦀".repeat(120),
    ]
}

fn article(long: &str) -> String {
    let nested = format!("{}<p>{long}</p>{}", "<blockquote>".repeat(12), "</blockquote>".repeat(12));
    let lists = format!("{}<li>{long}</li>{}", "<ul><li>x".repeat(12), "</ul>".repeat(12));
    let row = format!("<tr>{}</tr>", format!("<td>{long}</td>").repeat(8));
    let paragraph = format!("<p>{}</p>", PROSE.repeat(3));
    format!(
        "<!doctype html><title>{long}</title><meta name=author content=\"{long}\">\
         <meta name=description content=\"{long}\"><article><h1>{long}</h1>{paragraph}\
         <h2>{long}</h2><p>The outage began because {long} had failed, and every worker waited for {long}.</p>{paragraph}\
         <h3><code>{long}</code></h3><p><a href=\"http://blog.example/{long}\">{long}</a> <code>{long}</code> <kbd>{long}</kbd></p>\
         <pre><code>{long}\n{long}</code></pre>{nested}{lists}<table>{row}{row}</table>\
         <dl><dt>{long}</dt><dd>{long}</dd></dl><figure><img src=/{long}.png alt=\"{long}\" width=4000 height=20>\
         <figcaption>{long}</figcaption></figure>{paragraph}<p><sup><a href=#f>{long}</a></sup></p>{paragraph}</article>"
    )
}

fn blogs() -> Documents {
    let mut documents = Documents::new();
    for (blog, long) in long_texts().iter().enumerate() {
        let short: String = long.chars().take(200).collect();
        let items: Vec<_> = long_texts()
            .iter()
            .enumerate()
            .map(|(number, long)| {
                json!({
                    "id": number.to_string(), "url": format!("http://blog{blog}.example/{number}/"), "title": long,
                    "authors": [{ "name": long }], "tags": [long],
                    "date_published": format!("2026-05-{:02}T{blog:02}:00:00Z", 11 + number % 7),
                })
            })
            .collect();
        let feed = json!({ "version": "https://jsonfeed.org/version/1.1", "title": short, "items": items });
        let feed = Document::new("application/feed+json", feed.to_string());
        documents.insert(format!("blog{blog}.example/feed.json"), feed);
        for (number, text) in long_texts().iter().enumerate() {
            let html = article(&format!("{text}{blog}"));
            documents.insert(format!("blog{blog}.example/{number}/"), Document::page(&html));
        }
    }
    documents
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_scrolls_sideways() {
    needs!(Browser);
    let web = MadeUpWeb::start(blogs()).unwrap();
    let archive = Archive::new(web.arguments()).unwrap();
    for blog in 0..long_texts().len() {
        archive.done(&["follow", &format!("http://blog{blog}.example/feed.json")]).unwrap();
    }
    // An unreachable blog, so that its error is shown.
    let far = "http://nowhere-with-a-long-name-that-has-no-end-at-all-and-then-some.example/feed";
    let opml = archive.folder().join("far.opml");
    let outline = format!("<outline type=\"rss\" text=\"{}\" xmlUrl=\"{far}\"/>", "Unreachable".repeat(20));
    std::fs::write(&opml, format!("<opml version=\"2.0\"><head/><body>{outline}</body></opml>")).unwrap();
    archive.done(&["import", &opml.display().to_string()]).unwrap();
    let summary = archive.run(&["sync", "--json"]).unwrap();
    assert_eq!(summary.code, 4, "{}{}", summary.out, summary.err);
    let reads = long_texts().len() * long_texts().len();
    let all = std::thread::scope(|scope| scope.spawn(|| archive.all_reads()).join()).unwrap().unwrap();
    assert_eq!(all.len(), reads);
    let sources = archive.json(&["sources"]).unwrap();
    let deep = format!("{}{PROSE}\n\n{}{}", "> ".repeat(25), "- ".repeat(25), "Snapshot".repeat(30));
    archive.done(&["note", &all[0]["id"].to_string(), &deep]).unwrap();

    let served = archive.serve(&["--no-fetch"]).unwrap();
    served.until_searchable(&client(), reads as u64).await.unwrap();
    let mut pages: Vec<String> =
        ["/", "/weeks", "/sources", "/concepts", "/api", "/notes", "/concept/queues"]
            .map(str::to_owned)
            .into();
    for long in long_texts() {
        let query: String = url::form_urlencoded::byte_serialize(long.as_bytes()).collect();
        for path in [
            "/search?q=", "/prior-art?q=", "/search?q=company:", "/search?q=queue+",
            "/week/2026-W20?source=", "/source/",
        ] {
            pages.push(format!("{path}{query}"));
        }
    }
    for source in sources.as_array().unwrap() {
        let slug = source["slug"].as_str().unwrap();
        pages.push(format!("/source/{slug}"));
        pages.push(format!("/week/2026-W20?source={slug}&kind=incident"));
        pages.push(format!("/search?q=queue+source%3A{slug}"));
    }
    // Each text as a title, next to each blog's name.
    pages.extend(
        all.iter().step_by(long_texts().len() + 1).map(|read| read["path"].as_str().unwrap().to_owned()),
    );
    let browser = Browser::start_with(&web.browser_flags()).await.unwrap();
    let mut wide = Vec::new();
    for page in &pages {
        browser.window.goto(&served.url(page)).await.unwrap();
        for width in [320, 360, 700] {
            browser.look_like(width, 700, Colours::Light).await.unwrap();
            let measured = browser.evaluate(WIDEST).await.unwrap();
            assert_eq!(measured["screen"], width, "the window has its new width");
            if measured["width"].as_u64().unwrap() > u64::from(width) {
                let page: String = page.chars().take(70).collect();
                wide.push(format!("{page} is {} px wide on {width}: {}", measured["width"], measured["why"]));
            }
        }
    }
    assert!(wide.is_empty(), "{} pages scroll sideways:\n{}", wide.len(), wide.join("\n"));
}

/// A script that returns the width of the page, and the elements that extend beyond the screen.
const WIDEST: &str = "(() => {
    const most = document.documentElement.clientWidth;
    const scrolls = e => e && (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
    const beyond = Array.from(document.querySelectorAll('body *'))
        .filter(e => e.getBoundingClientRect().right > most + 1 && !scrolls(e.parentElement))
        .map(e => e.localName + '.' + e.className).slice(0, 6);
    return { screen: most, width: document.documentElement.scrollWidth, why: beyond.join(' ') };
})()";
