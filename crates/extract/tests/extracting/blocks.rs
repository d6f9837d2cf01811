//! Tests for the blocks of an article's text.

use backissue_extract::{Page, blocks, extract, plain_text};
use backissue_model::{Article, BlockKind};
use backissue_needs::needs;

use crate::shared_web;

const HOSTS: [&str; 8] = [
    "artsy.github.io", "blog.rust-lang.org", "datafusion.apache.org", "eng.d2iq.com", "flink.apache.org",
    "julialang.org", "linkerd.io", "vitess.io",
];

/// The kind and the words of each block.
fn of(article: &Article) -> Vec<(BlockKind, &str)> {
    let words =
        |block: &backissue_model::Block| &article.text[block.span.start as usize..block.span.end as usize];
    article.blocks.iter().map(|block| (block.kind, words(block))).collect()
}

/// Checks that blocks are in order, are not empty, and cover all words of the text. The blocks from
/// the stored HTML must be equal. `of` names the article in messages.
fn check(article: &Article, of: &str) {
    let mut end = 0;
    for block in article.blocks.iter() {
        let (from, to) = (block.span.start as usize, block.span.end as usize);
        assert!(
            article.text[end..from].trim().is_empty(),
            "{of}: {:?} is in no block",
            &article.text[end..from]
        );
        assert!(!article.text[from..to].trim().is_empty(), "{of}: a block at {from} is empty");
        end = to;
    }
    assert!(article.text[end..].trim().is_empty(), "{of}: {:?} is in no block", &article.text[end..]);
    assert_eq!(blocks(&article.html), article.blocks, "{of}: the stored HTML gives other blocks");
    assert_eq!(article.blocks.to_string().parse(), Ok(article.blocks.clone()), "{of}");
}

#[test]
fn markup_gives_the_kinds_of_blocks() {
    let page = "<!doctype html><title>Queues</title><main><article><h1>Queues</h1>\
        <p>Last spring our queue was full every evening, and every worker waited for the one that held the lock.</p>\
        <h3>What we had missed</h3>\
        loose <em>words</em> in the flow of it<br>on two lines<p>A paragraph.</p>more loose words\
        <ul><li>one<li><p>two</p><p>and more of it</p><ol><li>nested</ol>after the nested</ul>\
        <dl><dt>term<dd>what it means</dl>\
        <blockquote><p>It broke.</p><p>Twice.</p><ul><li>listed</ul></blockquote>\
        <pre><code>a();\n\nb();</code></pre>\
        <figure><img src=/a.png><figcaption>A queue in the evening</figcaption></figure>\
        <table><caption>Waits</caption><tr><th>day<th>wait<tr><td>Monday<td><p>9 s</p><p>at most</p></table>\
        <p>The fix was small, and it took us three weeks to find it in all of the code that we had.</p></article></main>";
    let url = "https://blog.example.com/queues".parse().unwrap();
    let page = Page { bytes: page.as_bytes(), media_type: None, url: Some(&url) };
    let article = extract(&page, None).unwrap();
    check(&article, "the page");
    use BlockKind::*;
    let expected = [
        (
            Paragraph,
            "Last spring our queue was full every evening, and every worker waited for the one that held the lock.",
        ),
        (Heading, "What we had missed"),
        (Paragraph, "loose words in the flow of it\non two lines"),
        (Paragraph, "A paragraph."),
        (Paragraph, "more loose words"),
        (ListItem, "one"),
        (ListItem, "two\nand more of it"),
        (ListItem, "nested"),
        (ListItem, "after the nested"),
        (ListItem, "term"),
        (ListItem, "what it means"),
        (Quote, "It broke."),
        (Quote, "Twice."),
        (ListItem, "listed"),
        (Code, "a();\n\nb();"),
        (Caption, "A queue in the evening"),
        (Caption, "Waits"),
        (Table, "day\twait\nMonday\t9 s at most"),
        (
            Paragraph,
            "The fix was small, and it took us three weeks to find it in all of the code that we had.",
        ),
    ];
    assert_eq!(of(&article), expected);
}

/// If a block is written without its tags, the HTML still has the same lines as the text.
#[test]
fn blocks_without_tags_stay_on_separate_lines() {
    let words = "Last spring our queue was full every evening, and every worker waited for the one that held the lock. ";
    for (inside, expected) in [
        (
            "<figure><img src=/a.png><figcaption><h4>Table A</h4><p>One hour.</p></figcaption></figure>",
            "Table A\n\nOne hour.",
        ),
        (
            "<figure><img src=/a.png><figcaption>Table <b>A</b><div>One hour.</div></figcaption></figure>",
            "Table A\n\nOne hour.",
        ),
        ("<ul><li>one<div>two</div><div><b>three</b></div></ul>", "one\ntwo\nthree"),
        ("<ul><li><div>one</div>two</ul>", "one\ntwo"),
    ] {
        let page = format!(
            "<title>Q</title><article><h1>Q</h1><p>{}</p>{inside}<p>{words}</p></article>",
            words.repeat(4)
        );
        let page = Page {
            bytes: page.as_bytes(),
            media_type: None,
            url: Some(&"https://a.example/q".parse().unwrap()),
        };
        let article = extract(&page, None).unwrap();
        assert!(article.text.contains(expected), "{inside}: {}", article.text);
        assert_eq!(plain_text(&article.html), article.text, "{}", article.html);
        check(&article, inside);
    }
}

#[test]
fn real_articles_consist_of_their_blocks() {
    needs!(SharedData);
    let mut kinds = Vec::new();
    for host in HOSTS {
        for (url, page) in shared_web::pages(host, 9) {
            let page = Page { bytes: page.as_bytes(), media_type: None, url: Some(&url) };
            // A list of posts is no article.
            let Ok(article) = extract(&page, None) else { continue };
            check(&article, url.as_str());
            kinds.extend(article.blocks.iter().map(|block| block.kind));
        }
    }
    for kind in [BlockKind::Heading, BlockKind::ListItem, BlockKind::Quote, BlockKind::Code, BlockKind::Table]
    {
        assert!(
            kinds.iter().filter(|of| **of == kind).count() > 10,
            "hardly any {kind:?} among {}",
            kinds.len()
        );
    }
}
