//! Hostile input: nothing active survives, and nothing makes the crate panic, hang or overflow.

use std::time::{Duration, Instant};

use crate::inert::assert_is_inert;
use backissue_extract::{ExtractError, LARGEST_PAGE, Page, extract, from_entry, plain_text};
use backissue_model::Entry;
use proptest::prelude::*;
use url::Url;

fn url() -> Url {
    "https://blog.example.com/posts/queues".parse().unwrap()
}

const PROSE: &str = "The queue was full, and every worker waited for the one that held the lock, which waited for the queue. ";

/// A page whose article contains `inside` in the middle.
fn page_with(inside: &str) -> String {
    let paragraph = format!("<p>{}</p>", PROSE.repeat(3));
    format!("<html><body><article><h1>Queues</h1>{paragraph}{inside}{paragraph}</article></body></html>")
}

fn html_of(page: &str) -> String {
    extract(&Page { bytes: page.as_bytes(), media_type: None, url: Some(&url()) }, None).unwrap().html
}

/// Attempts to run code, each with its kind.
const VECTORS: &[(&str, &str)] = &[
    ("script element", "<script>alert(1)</script>"),
    ("script in capitals", "<ScRiPt>alert(1)</sCrIpT>"),
    ("script with a slash", "<script/x>alert(1)</script>"),
    ("script source", "<script src=//evil.example/x.js></script>"),
    ("script reassembled", "<scr<script>ipt>alert(1)</scr</script>ipt>"),
    ("script in a drawing", "<svg><script>alert(1)</script></svg>"),
    ("event on a drawing", "<svg onload=alert(1)>"),
    ("event on a drawing, slashes", "<svg/onload=alert(1)//"),
    ("event on an image", "<img src=x onerror=alert(1)>"),
    ("event on an image, no space", "<img src=\"x\"onerror=\"alert(1)\">"),
    ("event with a backtick", "<img src=`x` onerror=`alert(1)`>"),
    ("event on the body", "<body onload=alert(1)>"),
    ("event on a paragraph", "<p onmouseover=alert(1)>words that are long enough to stay</p>"),
    ("event on details", "<details open ontoggle=alert(1)><summary>more</summary>words</details>"),
    ("event on a link", "<a href=https://x.example onclick=alert(1)>go</a>"),
    ("script address", "<p>see <a href=\"javascript:alert(1)\">this</a></p>"),
    ("script address with a tab", "<p>see <a href=\"java\tscript:alert(1)\">this</a></p>"),
    ("script address in entities", "<p>see <a href=\"&#106;avascript:alert(1)\">this</a></p>"),
    ("script address after a control", "<p>see <a href=\"\x01javascript:alert(1)\">this</a></p>"),
    ("script address in an image", "<p><img src=\"javascript:alert(1)\" width=100></p>"),
    ("visual basic address", "<p>see <a href=\"vbscript:msgbox(1)\">this</a></p>"),
    ("data address in a link", "<p>see <a href=\"data:text/html,<script>alert(1)</script>\">this</a></p>"),
    ("data address in an image", "<p><img src=\"data:image/svg+xml;base64,PHN2Zz4=\"></p>"),
    ("frame", "<iframe src=https://evil.example></iframe>"),
    ("frame document", "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>"),
    ("object", "<object data=x.swf><param name=movie value=x></object>"),
    ("embed", "<embed src=x.swf>"),
    (
        "form",
        "<form action=https://evil.example><input name=p><button formaction=javascript:alert(1)>go</button></form>",
    ),
    ("style element", "<style>body{background:url(https://evil.example)}</style>"),
    (
        "style attribute",
        "<p style=\"background:url(javascript:alert(1))\">words that are long enough to stay</p>",
    ),
    ("meta refresh", "<meta http-equiv=refresh content=\"0;url=https://evil.example\">"),
    ("base", "<base href=\"javascript:alert(1)//\">"),
    ("link to a style", "<link rel=stylesheet href=https://evil.example/x.css>"),
    (
        "mathematics mutation",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    ),
    ("noscript mutation", "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>"),
    ("title mutation", "<svg></p><title><a id=\"</title><img src=x onerror=alert(1)>\"></title>"),
    ("comment mutation", "<!--><img src=x onerror=alert(1)>-->"),
    ("template", "<template><script>alert(1)</script></template>"),
    ("code class", "<pre><code class='language-x\" onload=\"alert(1)'>let a = 1;</code></pre>"),
    ("code text", "<pre><code>&lt;script&gt;alert(1)&lt;/script&gt;</code></pre>"),
    ("text area", "<textarea></p><script>alert(1)</script></textarea>"),
    ("plain text", "<plaintext><script>alert(1)</script>"),
    ("source set", "<p><img srcset=\"javascript:alert(1) 2x\"></p>"),
    ("lazy source", "<p><img data-src=\"javascript:alert(1)\"></p>"),
    ("window name", "<p>see <a href=https://x.example target=_blank rel=opener>this</a></p>"),
];

#[test]
fn nothing_active_survives() {
    for (class, vector) in VECTORS {
        for html in [
            html_of(&page_with(vector)),
            from_entry(&Entry { content: Some(page_with(vector)), ..Entry::default() }, Some(&url()))
                .unwrap()
                .html,
        ] {
            assert_is_inert(class, &html);
        }
    }
}

#[test]
fn hundred_thousand_nested_elements_do_not_overflow() {
    for tag in
        ["div", "span", "b", "ul><li", "blockquote", "table><tr><td", "p", "a", "font", "section", "q x"]
    {
        let page = format!("<body><p>{}</p>{}{}", PROSE.repeat(6), format!("<{tag}>").repeat(100_000), PROSE);
        let start = Instant::now();
        let text = extract(&Page { bytes: page.as_bytes(), media_type: None, url: None }, None).unwrap().text;
        assert!(text.contains("The queue was full"), "{tag}");
        assert!(start.elapsed() < Duration::from_secs(60), "{tag} took {:?}", start.elapsed());
    }
}

#[test]
fn long_base_is_not_copied_into_links() {
    let links = "<p>see <a href=x>this</a> and <a href=y>that</a></p>".repeat(400);
    for length in [1_000, 3_000, 50_000] {
        let base = format!("<base href=\"https://x.example/{}/\">", "a".repeat(length));
        let html = html_of(&format!("{base}{}", page_with(&links)));
        assert!(html.contains("see <a href="), "{length}");
        assert!(html.len() < 1_200_000, "{length}: {}", html.len());
    }
    let long = format!("<p>see <a href=\"https://x.example/{}\">this page</a></p>", "a".repeat(5_000));
    assert!(html_of(&page_with(&long)).contains("see this page"));
    // Each link is within bounds; all together are not.
    let base = format!("<base href=\"https://x.example/{}/\">", "a".repeat(2_000));
    let html = html_of(&format!("{base}{}", page_with(&links.repeat(10))));
    assert!(html.len() < 5 << 20, "{}", html.len());
}

#[test]
fn feed_with_an_empty_body_gives_its_summary() {
    let entry = Entry {
        content: Some("<p> </p>".to_owned()),
        summary: Some(format!("<p>{PROSE}</p>")),
        ..Entry::default()
    };
    assert_eq!(from_entry(&entry, None).unwrap().text, PROSE.trim());
}

#[test]
fn lines_that_start_like_calls_are_kept() {
    for line in [
        "<p>Share the lock between jobs</p>",
        "<p>In this post we show how the lock failed</p>",
        "<ul><li>Tags are how we find an image</li></ul>",
        "<h4>Share the lock between jobs</h4>",
    ] {
        let html = html_of(&page_with(line));
        let words = plain_text(line);
        assert!(plain_text(&html).contains(&words), "{words} in {html}");
    }
    let call = "<p>Share the <a href=/s>love</a></p>";
    assert!(!html_of(&page_with(call)).contains("love"));
}

#[test]
fn parts_of_an_article_with_any_name_are_kept() {
    let line = r#"<div class="line"><code>lock.release();</code></div>"#;
    for part in [
        r#"<section class="tools"><h2>Tools</h2><p>We wrote two small ones for it: one that counts who waits, one that says for whom.</p></section>"#,
        r#"<div class="rating"><h2>Rating</h2><p>Each lock got a number from one to five, by how long it was waited for, and by how many.</p></div>"#,
        r#"<aside class="note"><p>A lock that nobody holds can still be waited for, where the one who held it is gone.</p></aside>"#,
        r#"<aside role="note"><p>A lock that nobody holds can still be waited for, where the one who held it is gone.</p></aside>"#,
        &line.repeat(4),
    ] {
        let html = html_of(&page_with(part));
        let (found, all) = (plain_text(&html), plain_text(part));
        for words in all.lines().filter(|words| !words.is_empty()) {
            assert!(found.contains(words), "{words} in {html}");
        }
    }
    for frame in [
        r#"<div class="tools"><a href="/print">Print</a> <a href="/mail">E-mail</a></div>"#,
        r#"<div class="rating">Rated 4 of 5</div>"#,
        r#"<aside class="promo"><p>Our book on queues is out, with forty pictures of people who wait in them.</p></aside>"#,
        r#"<div class="share">Pass it on</div>"#,
    ] {
        let html = html_of(&page_with(frame));
        assert!(!plain_text(&html).contains(&plain_text(frame)), "{frame} in {html}");
    }
}

/// The nesting depth of an article's markup, including the parser's own three levels.
fn depth(html: &str) -> usize {
    let document = dom_query::Document::from(html);
    document.select("*").nodes().iter().map(|n| n.ancestors(None).len()).max().unwrap_or(0)
}

#[test]
fn end_tags_without_effect_do_not_add_depth() {
    for unit in [
        "<optgroup>",
        "<option>",
        "<ruby><rt><rp>",
        "<rt>",
        "<li><dd>",
        "<span><div></span>",
        "<span><li></span><span><dd></span>",
        "<div><!x </div>",
        "<div><? </div>",
        "<div></ </div>",
        "<div></p x='</div>'>",
        "<div><marquee></div>",
        "<div><table></div>",
        "<form><div></form>",
        "<b><div></b>",
        "<a><div><a>",
        "<math><tr>",
        "<svg><g><tr>",
        "<select><title></select><svg><tr></title>",
        "<p =\"><svg><tr>\">",
        "<p b==\"><math><tr><td>\">",
        "<table><tr><td>",
        "<table><td><caption>",
        "<template><td><div></td>",
        "<blockquote></blockquote x='>'><blockquote>",
    ] {
        let page = format!("<body><p>{}</p>{}<p>{PROSE}</p>", PROSE.repeat(6), unit.repeat(20_000));
        let page = page.as_bytes();
        let html = extract(&Page { bytes: page, media_type: None, url: None }, None).unwrap().html;
        assert!(html.contains("The queue was full"), "{unit}");
        assert!(depth(&html) < 1000, "{unit}: {}", depth(&html));
    }
}

#[test]
fn too_large_and_non_html_pages_are_refused() {
    let large = vec![b' '; LARGEST_PAGE + 1];
    let page = |bytes, media_type| extract(&Page { bytes, media_type, url: None }, None);
    assert_eq!(page(&large, None), Err(ExtractError::TooLarge(LARGEST_PAGE + 1)));
    assert_eq!(
        page(b"{}", Some("application/json")),
        Err(ExtractError::NotHtml("application/json".to_owned()))
    );
    assert_eq!(page(b"%PDF-1.7", None), Err(ExtractError::NotHtml("a PDF document".to_owned())));
    assert_eq!(page(b"", None), Err(ExtractError::NoArticle));
    assert_eq!(page(b"<body><script>render()</script></body>", None), Err(ExtractError::NoArticle));
    assert_eq!(from_entry(&Entry::default(), None), Err(ExtractError::NoContent));
}

#[test]
fn text_and_html_are_cut_at_a_mebibyte() {
    let page = format!("<article>{}</article>", format!("<p>{PROSE}</p>").repeat(12_000));
    let article = extract(&Page { bytes: page.as_bytes(), media_type: None, url: None }, None).unwrap();
    assert!(article.text.len() <= 1 << 20 && article.text.len() > 1_000_000, "{}", article.text.len());
    assert_eq!(plain_text(&article.html), article.text);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = extract(&Page { bytes: &bytes, media_type: None, url: Some(&url()) }, None);
        let _ = extract(&Page { bytes: &bytes, media_type: Some("text/html; charset=utf-16"), url: None }, None);
    }

    #[test]
    fn no_markup_makes_it_panic_or_its_forms_differ(parts in proptest::collection::vec(part(), 0..40)) {
        let page = page_with(&parts.concat());
        if let Ok(article) = extract(&Page { bytes: page.as_bytes(), media_type: None, url: Some(&url()) }, None) {
            assert_is_inert("generated", &article.html);
            let words = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(words(&plain_text(&article.html)), words(&article.text), "{}", article.html);
        }
        let _ = plain_text(&parts.concat());
    }
}

/// A piece of markup: tags that open or close anything, attributes that are cut, words.
fn part() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "p", "div", "ul", "li", "table", "tr", "td", "pre", "code", "a", "b", "span", "h2", "figure",
        "figcaption", "blockquote", "dl", "dt", "br", "img", "section", "aside", "footer", "nav", "script",
        "style", "svg", "noscript", "template", "form", "ruby", "rt", "th", "ol", "hr",
    ]);
    prop_oneof![
        name.clone().prop_map(|n| format!("<{n}>")),
        name.clone().prop_map(|n| format!("</{n}>")),
        name.prop_map(|n| format!("<{n} class=\"share toc\" href='x' src=/y.png style='display:none'")),
        "[a-z .,<>&\"'=/\u{e9}\u{4e2d}\n-]{0,30}",
        Just(format!("<p>{PROSE}</p>")),
        Just("<!-- ".to_owned()),
        Just("<![CDATA[ x ]]>".to_owned()),
    ]
}
