//! An article is found again after the changes that site generators and page builders make to it.

use backissue_extract::{Page, extract};
use backissue_model::{Article, Entry};

const FIRST: &str = "<p>Last spring our billing workers began to fall behind every evening, and by nine the queue held \
                     more than two million jobs that nobody had wanted.</p><p>We first blamed the database, because \
                     its graphs were the only ones that moved. The slow query log was empty, though.</p>";
const SECOND: &str = "<p>What we had missed was a retry loop in the importer. A job that timed out was put back at the \
                      head of the queue, so the slowest customers were served again and again.</p><p>Nobody had looked \
                      at how long a job waits, since the number of jobs was what everybody looked at.</p>";
const THIRD: &str = "<p>The fix was small. A job that fails now waits twice as long as the last time before it may run \
                     again, and no customer may hold more than a tenth of the workers at once.</p><p>Since then the \
                     queue has been empty by half past seven, and the evening shift has stopped writing to us.</p>";

fn of(page: &str) -> Article {
    let url = "https://blog.example.com/queues".parse().unwrap();
    extract(&Page { bytes: page.as_bytes(), media_type: None, url: Some(&url) }, None).unwrap()
}

fn holds_all(article: &Article) -> bool {
    ["Last spring", "What we had missed", "The fix was small"]
        .iter()
        .all(|words| article.text.contains(words))
}

#[test]
fn articles_in_deep_boxes_are_complete() {
    let nested = |levels: usize, class: &str, inside: &str| {
        let open: String = (0..levels).map(|n| format!("<div class='{class}-{n} {class}'>")).collect();
        format!("{open}{inside}{}", "</div>".repeat(levels))
    };
    let picture = "<div class='row picture'><div><img src=/a.png></div></div>";
    for levels in 1..8 {
        for class in ["elementor-element", "row-fluid", "body__inner", "wp-block-column"] {
            let parts = [FIRST, SECOND, THIRD].map(|part| nested(levels, class, part));
            for body in [parts.concat(), parts.join(picture), parts.join("<div class='ad-slot'></div>")] {
                let page = format!(
                    "<!doctype html><title>Queues</title><nav><a href=/>Home</a></nav><main><h1>Queues</h1><div class=page>{body}</div></main>"
                );
                let article = of(&page);
                assert!(holds_all(&article), "{levels} {class}: {}", article.text);
            }
        }
    }
}

#[test]
fn articles_in_tables_lines_and_hashed_classes_are_complete() {
    let lines = |part: &str| part.replace("<p>", "").replace("</p>", "<br><br>");
    let mail = |part: &str| {
        format!(
            "<tr><td><table class=block><tbody><tr><td class=inner><table><tbody><tr><td class=text>{part}</td></tr>\
             </tbody></table></td></tr></tbody></table></td></tr>"
        )
    };
    let picture = "<img src=/a.png>";
    let in_tables: String = [FIRST, picture, SECOND, THIRD].map(mail).concat();
    let record = |part: &str| {
        format!(
            "<div class='r t-rec'><div class=t-container><div class=t-col><div class=t-text>{}</div></div></div></div>",
            lines(part)
        )
    };
    let in_lines: String = [FIRST, picture, SECOND, THIRD].map(record).concat();
    let bundled = |(at, part): (usize, &str)| {
        format!(
            "<div class='Block_root__x{at}Y'><div class='Block_inner__a{at}B'><div class='Text_rt__k{at}'>{part}</div></div></div>"
        )
    };
    let in_hashed: String = [FIRST, picture, SECOND, THIRD].into_iter().enumerate().map(bundled).collect();
    let in_shadow =
        format!("<blog-post><template shadowrootmode=open>{FIRST}{SECOND}{THIRD}</template></blog-post>");
    for body in [
        format!("<center><table><tr><td><table>{in_tables}</table></td></tr></table></center>"),
        format!("<div class=records>{in_lines}</div>"),
        format!("<div id=__next><div class=Layout_main__1>{in_hashed}</div></div>"),
        in_shadow,
    ] {
        let article = of(&format!("<!doctype html><title>Queues</title><nav><a href=/>Home</a></nav>{body}"));
        assert!(holds_all(&article), "{body}: {}", article.text);
    }
}

#[test]
fn boxes_next_to_an_article_are_dropped() {
    let others = "Our company builds tools for people who run queues, and has done so since a cold winter in 2009, with \
                  offices in three cities and a dog in each of them, who is walked by turns.";
    for beside in [
        format!("<div class='comments'><div class='comment'><p>{others}</p></div></div>"),
        format!("<div class='related-posts'><div><h3><a href=/b>Other</a></h3><p>{others}</p></div></div>"),
        format!(
            "<div class='grid'><div class='card'><h3><a href=/b>Other</a></h3><p>{others}</p></div></div>"
        ),
        format!("<div class='author-box'><p>{others}</p></div>"),
        format!("<aside><p>{others}</p></aside>"),
        format!("<div class='newsletter'><p>{others}</p><form><input></form></div>"),
        format!("<div class='cookie-banner'><p>We use cookies. {others}</p><button>OK</button></div>"),
    ] {
        let page = format!(
            "<!doctype html><title>Queues</title><main><article><h1>Queues</h1><div class=body>{FIRST}{SECOND}{THIRD}</div></article>{beside}</main>"
        );
        let article = of(&page);
        assert!(holds_all(&article), "{}", article.text);
        assert!(!article.text.contains("cold winter"), "{beside}: {}", article.text);
    }
}

#[test]
fn consent_notices_are_never_the_article() {
    let notice = "<p>We and our partners store and read cookies on your device to make our site work, to measure how it is \
                  used, and to show you advertisements that may be of use to you, now and later.</p>"
        .repeat(5);
    for open in [
        "<div id='cookie-consent' class='cookie__wrapper'>",
        "<div id='onetrust-consent-sdk'>",
        "<div class='gdpr-notice'>",
        "<div role='dialog' aria-label='Cookie settings'>",
        "<div class='CookieBanner fixed'>",
        "<div id='usercentrics-root'>",
        "<div id='tarteaucitronRoot'>",
        "<div id='sp_message_container_1'>",
        "<div aria-label='Cookie notice'>",
    ] {
        for page in [
            format!("{open}{notice}</div><main><h1>Queues</h1>{FIRST}</main>"),
            format!("<main><h1>Queues</h1>{FIRST}</main>{open}{notice}</div>"),
        ] {
            let article = of(&format!("<!doctype html><title>Queues</title>{page}"));
            assert!(article.text.contains("Last spring"), "{open}: {}", article.text);
            assert!(!article.text.contains("partners"), "{open}: {}", article.text);
        }
    }
    // A post about consent is a post.
    let post = format!(
        "<title>Consent</title><div class='post tag-cookies category-gdpr'><h2>Consent</h2>{notice}{FIRST}</div>"
    );
    assert!(of(&post).text.contains("partners"));
    let post = format!(
        "<title>Cookies</title><main><article class=tag-cookies><h1>How cookies work</h1><div class='cookies-deep-dive'>\
         {notice}{FIRST}</div></article></main>"
    );
    assert!(of(&post).text.contains("partners") && of(&post).text.contains("Last spring"));
}

#[test]
fn page_with_nothing_but_a_notice_has_no_article() {
    for open in ["<section class=privacy-popup>", "<aside>", "<div class=bar>"] {
        let page = format!(
            "<title>Queues</title>{open}<h2>Your privacy</h2><p>We use cookies and similar technologies to make this site \
             work, to measure how it is used and to show you offers.</p><p>You can accept all of them, or choose which \
             purposes you allow.</p></section></aside></div><div id=app></div>"
        );
        let page = Page { bytes: page.as_bytes(), media_type: None, url: None };
        assert!(extract(&page, None).is_err(), "{open}");
        let entry = Entry { content: Some(format!("{FIRST}{SECOND}{THIRD}")), ..Entry::default() };
        assert!(holds_all(&extract(&page, Some(&entry)).unwrap()), "{open}");
    }
}

#[test]
fn images_of_a_noscript_appear_once_in_place() {
    let src = "https://blog.example.com/evening.png";
    for image in [
        format!("<img class=lazy alt='' width=600><noscript><img src={src} alt=Evening></noscript>"),
        format!(
            "<span><img src='data:image/gif;base64,R0lGOD' decoding=async><noscript><img src='{src}'></noscript></span>"
        ),
        format!("<noscript><img src={src}></noscript>"),
        format!("<img data-src={src}><noscript><img src={src}></noscript>"),
        format!("<span><img data-src={src}></span><noscript><img src={src}></noscript>"),
        format!("<img src=/small-blurred.jpg><noscript><picture><img src={src}></picture></noscript>"),
    ] {
        let html =
            of(&format!("<title>Queues</title><article>{FIRST}<figure>{image}</figure>{SECOND}</article>"))
                .html;
        assert_eq!(html.matches("<img").count(), 1, "{image}: {html}");
        assert!(html.contains(src), "{image}: {html}");
    }
    let counter =
        "<noscript><img height=1 width=1 style='display:none' src='https://x.example/tr?id=1'></noscript>";
    let html = of(&format!("<title>Queues</title><article>{FIRST}{counter}{SECOND}</article>")).html;
    assert!(!html.contains("<img"), "{html}");
}

#[test]
fn date_and_author_are_found_near_the_headline() {
    let comments = "<section id=comments class=comments><div class=comment><span class=author>Heron</span> <time \
                    datetime='2019-01-03T10:09:00Z'>8 hours ago</time><p>Mine does not.</p></div></section>";
    let related =
        "<div class=related><time datetime='2024-03-03'>3 March 2024</time> <a href=/b>Other</a></div>";
    let event = "<aside class=events><time datetime='2030-01-01'>1 January 2030</time> Our meeting</aside>";
    for (byline, author) in [
        (
            "<div class=byline>Monday August 27, 2018 10:05 am PDT by <a href=/a>Ann Lee</a></div>",
            Some("Ann Lee"),
        ),
        ("<p class=meta>Aug 27, 2018 · Ann Lee</p>", Some("Ann Lee")),
        ("<p class=meta>By Ann Lee — August 27, 2018</p>", Some("Ann Lee")),
        (
            "<p class=byline>Ann Lee, Senior Engineer</p><p><time datetime=2018-08-27>27 August</time></p>",
            Some("Ann Lee"),
        ),
        ("<div>27 August 2018</div>", None),
        ("<div>Ann Lee<br>August 27, 2018</div>", Some("Ann Lee")),
        (
            "<p>Posted by Ann Lee, Software Engineer, Acme Search</p><time datetime=2018-08-27></time>",
            Some("Ann Lee"),
        ),
        (
            "<p><em>By Ann Lee, Bo Chen, and Cy Doe</em></p><p>27 August 2018</p>",
            Some("Ann Lee, Bo Chen, Cy Doe"),
        ),
        (
            "<div class=authors><a href=/a>Ann Lee</a><a href=/b>Bo Chen</a></div>27 August 2018",
            Some("Ann Lee, Bo Chen"),
        ),
        (
            "<a class=author href=/a><span>Ann Lee</span><span>Engineering</span></a><p>27 August 2018</p>",
            Some("Ann Lee"),
        ),
        (
            "<time datetime=2018-08-27>August 27</time><div class='avatar__intro authorDetails_lV9A'><div class=avatar__name>\
             <span class=authorName_yefp>Ann Lee</span></div><small class=authorTitle_nd0D>Engineer</small></div>",
            Some("Ann Lee"),
        ),
        (
            "<time datetime=2020-01-01>Updated January 1, 2020</time> <time datetime=2018-08-27>August 27, 2018</time>",
            None,
        ),
        (
            "<p>Updated: <time datetime=2020-01-01>January 1</time>, published <time datetime=2018-08-27>then</time></p>",
            None,
        ),
        ("<p>Updated: January 1, 2020. Published: August 27, 2018.</p>", None),
        ("<relative-time datetime='2018-08-27T10:00:00Z'>on Aug 27</relative-time>", None),
        ("<abbr class=published title='2018-08-27T10:00:00Z'>27 Aug</abbr>", None),
    ] {
        for around in [[event, comments], [related, comments], ["", related]] {
            let page = format!(
                "<title>Queues</title>{}<main><article><h1>Queues</h1>{byline}<div>{FIRST}{SECOND}</div></article>{}</main>",
                around[0], around[1]
            );
            let article = of(&page);
            let day = article.published.map(|moment| moment.to_string()[..10].to_owned());
            assert_eq!(day.as_deref(), Some("2018-08-27"), "{byline} {around:?}");
            assert_eq!(article.author.as_deref(), author, "{byline} {around:?}");
        }
    }
    let site = "<title>Queues</title><meta property=og:site_name content='Acme Blog'><meta name=author \
                content='Acme Blog'><meta property=og:title content='Acme Blog'>";
    let article =
        of(&format!("{site}<article><h1>Queues</h1><p class=byline>By Ann Lee</p>{FIRST}</article>"));
    assert_eq!(article.author.as_deref(), Some("Ann Lee"));
    assert_eq!(article.title.as_deref(), Some("Queues"));
}

#[test]
fn feeds_body_is_used_if_the_page_has_none() {
    let body = format!("{FIRST}{SECOND}{THIRD}");
    let wall = "<title>Queues</title><div id=root><p>Loading. Your browser may not run scripts, which our pages need.</p></div>";
    let page = Page { bytes: wall.as_bytes(), media_type: None, url: None };
    for entry in [
        Entry { summary: Some(body.clone()), ..Entry::default() },
        Entry { content: Some(body.clone()), ..Entry::default() },
        Entry { content: Some("<p>Short.</p>".into()), summary: Some(body.clone()), ..Entry::default() },
    ] {
        assert!(holds_all(&extract(&page, Some(&entry)).unwrap()));
    }
    let full = format!("<title>Queues</title><article>{FIRST}{SECOND}{THIRD}</article>");
    let page = Page { bytes: full.as_bytes(), media_type: None, url: None };
    let entry = Entry { summary: Some("A short word on our queue.".into()), ..Entry::default() };
    assert!(holds_all(&extract(&page, Some(&entry)).unwrap()));
}
