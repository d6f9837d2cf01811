//! Headings of sections inside the boxes that site generators put around them.

use backissue_extract::{Page, extract};

const FIRST: &str = "<p>Last spring our billing workers began to fall behind every evening, and by nine the queue held \
                     more than two million jobs that nobody had wanted.</p><p>We first blamed the database, because \
                     its graphs were the only ones that moved. The slow query log was empty, though.</p>";
const SECOND: &str = "<p>What we had missed was a retry loop in the importer. A job that timed out was put back at the \
                      head of the queue, so the slowest customers were served again and again.</p>";
const THIRD: &str = "<p>The fix was small. A job that fails now waits twice as long as the last time before it may \
                     run again, and no customer may hold more than a tenth of the workers at once.</p>";

fn html_of(heading: &str) -> String {
    let page = format!(
        "<!doctype html><title>Queues</title><body><nav><a href=/>Home</a></nav><main><article><h1>Queues</h1>{FIRST}\
         {}{SECOND}{}{THIRD}</article></main></body>",
        heading.replace("NAME", "The cause"),
        heading.replace("NAME", "The cure"),
    );
    extract(&Page { bytes: page.as_bytes(), media_type: None, url: None }, None).unwrap().html
}

#[test]
fn headings_in_any_box_are_kept() {
    for heading in [
        "<div class='mw-heading'><h2>NAME</h2><span class='mw-editsection'>[<a href='/e'>edit</a>]</span></div>",
        "<div class='sl-heading-wrapper level-h2'><h2>NAME</h2><a class='sl-anchor-link' href='#a'><span \
         class='sr-only'>Section titled “NAME”</span></a></div>",
        "<div class='markdown-heading'><h2>NAME</h2><a class='anchor' href='#a'><svg></svg></a></div>",
        "<h2 class='anchor'>NAME<a class='hash-link' href='#a'>#</a></h2>",
        "<h2 class='toc-heading'>NAME</h2>",
        "<h3 class='menu-item'>NAME</h3>",
        "<div class='share-title'><h2>NAME</h2></div>",
        "<div class='elementor-widget'><div class='elementor-widget-container'><h2>NAME</h2></div></div>",
        "<div class='section-title'><span>01</span><h2>NAME</h2></div>",
        "<header><h2>NAME</h2></header>",
        "<h2><span class='mw-headline'>NAME</span><span class='mw-editsection'>[<a href='/e'>edit</a>]</span></h2>",
        "<div role=heading aria-level=3>NAME</div>",
        "<div class=accordion-header><h2><button type=button>NAME</button></h2></div>",
        "<h2>NAME<button>edit</button></h2>",
    ] {
        let html = html_of(heading);
        for name in ["The cause", "The cure"] {
            let kept = html.contains(&format!(">{name}</h")) || html.contains(&format!(">{name} </h"));
            assert!(kept, "{heading} lost {name}: {html}");
        }
        for beside in ["edit", "Section titled", ">#<"] {
            assert!(!html.contains(beside), "{heading} kept {beside}: {html}");
        }
    }
}

#[test]
fn headings_that_begin_like_a_call_are_kept() {
    for name in [
        "Tags and labels", "Recommended settings", "Register for signals", "Share the load",
        "Jump to the end",
    ] {
        let html = html_of(&format!("<h2>{name}</h2>"));
        assert!(html.contains(&format!("<h2>{name}</h2>")), "{name}: {html}");
    }
}

#[test]
fn headings_of_boilerplate_are_dropped() {
    let page = format!(
        "<!doctype html><title>Queues</title><body><main><article><h1>Queues</h1>{FIRST}{SECOND}{THIRD}\
         <div class='widget'><h2>Related posts</h2><ul><li><a href=/a>Another post</a></li></ul></div>\
         <div class='newsletter-widget'><h2>Subscribe to our newsletter</h2><form><input></form></div>\
         </article></main></body>"
    );
    let article = extract(&Page { bytes: page.as_bytes(), media_type: None, url: None }, None).unwrap();
    assert!(!article.html.contains("Related") && !article.html.contains("Subscribe"), "{}", article.html);
}
