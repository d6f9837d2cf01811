//! Articles in the markup of site generators, with the boilerplate that these add.

use backissue_extract::{Page, extract};
use backissue_model::Article;

const FIRST: &str = "<p>Last spring our billing workers began to fall behind every evening, and by nine the queue held \
                     more than two million jobs that nobody had wanted.</p><p>We first blamed the database, because \
                     its graphs were the only ones that moved. The slow query log was empty, though.</p>";
const LAST: &str = "<p>What we had missed was a retry loop in the importer. A job that timed out was put back at the \
                    head of the queue, so the slowest customers were served again and again.</p><p>The fix was \
                    small. A job that fails now waits twice as long as the last time before it may run again, and \
                    no customer may hold more than a tenth of the workers at once.</p>";

fn read(page: &str) -> Article {
    extract(&Page { bytes: page.as_bytes(), media_type: None, url: None }, None).unwrap()
}

/// An article with `part` between its paragraphs.
fn around(part: &str) -> Article {
    read(&format!(
        "<!doctype html><title>Queues</title><body><nav><a href=/>Home</a></nav><main><article><h1>Queues</h1>{FIRST}\
         {part}{LAST}</article></main></body>"
    ))
}

#[test]
fn line_numbers_of_code_are_removed() {
    for code in [
        "<pre><code><table><tr><td>1</td><td>let a = 1;\n</td></tr><tr><td>2</td><td>let b = 22;\n</td></tr></table></code></pre>",
        "<pre><code class=language-rust><span class='linenumber react-syntax-highlighter-line-number'>1</span><span>let</span> \
         a = 1;\n<span class='linenumber react-syntax-highlighter-line-number'>2</span>let b = <span>22</span>;</code></pre>",
        "<figure class=highlight><table><tr><td class=gutter><pre><span class=line>1</span><br><span class=line>2</span><br>\
         </pre></td><td class=code><pre><span class=line>let a = 1;</span><br><span class=line>let b = 22;</span><br></pre>\
         </td></tr></table></figure>",
        "<div class='crayon-syntax print-yes'><div class=crayon-main><table class=crayon-table><tr><td class=crayon-nums>\
         <div class=crayon-num>1</div><div class=crayon-num>2</div></td><td class=crayon-code><div class=crayon-pre><div \
         class=crayon-line><span>let</span> a = 1;</div><div class=crayon-line>let b = 22;</div></div></td></tr></table></div></div>",
    ] {
        let article = around(code);
        assert!(article.text.contains("\n\nlet a = 1;\nlet b = 22;\n\n"), "{code}: {}", article.text);
        assert!(article.html.contains(">let a = 1;\nlet b = 22;</code></pre>"), "{code}: {}", article.html);
        assert!(!article.html.contains("<table"), "{code}: {}", article.html);
    }
}

#[test]
fn numbers_that_are_code_stay() {
    for (code, wanted) in [
        ("<pre><code>[<span>1</span>, <span>2</span>, <span>3</span>]</code></pre>", "[1, 2, 3]"),
        ("<pre><code><span class=mi>42</span></code></pre>", "42"),
        ("<pre><code><span>1</span>\n<span>3</span>\n</code></pre>", "1\n3"),
    ] {
        assert!(around(code).text.contains(wanted), "{code}: {}", around(code).text);
    }
}

#[test]
fn labels_of_code_are_removed_and_file_names_stay() {
    let article = around(
        "<div class=box><span class=lang>rust</span><button>Copy</button><pre><code class=language-rust>let a = 1;</code></pre></div>\
         <div class=box><span>src/main.rs</span><pre><code class=language-rust>let b = 2;</code></pre></div>",
    );
    assert!(!article.text.contains("\nrust\n") && article.text.contains("src/main.rs"), "{}", article.text);
}

#[test]
fn buttons_and_forms_are_removed() {
    for part in [
        "<p class=button-wrapper><a class='button primary' href=/share><span>Pass it on</span></a></p>",
        "<div class=kg-card><a class=kg-btn href=/jobs>Pass it on</a></div>",
        "<div class=x1><h3>Pass it on</h3><p>Stories from the workshop, straight to your inbox.</p><div><form><input \
         type=email><button>Go</button></form></div></div>",
    ] {
        let article = around(part);
        let is_whole = article.text.contains("empty, though.\n\nWhat we had missed");
        assert!(is_whole, "{part}: {}", article.text);
    }
    let in_form = format!("<title>Queues</title><body><form id=aspnet><h1>Queues</h1>{FIRST}{LAST}</form>");
    assert!(read(&in_form).text.contains("What we had missed"));
}

#[test]
fn table_of_contents_is_removed_with_its_heading() {
    let article = read(&format!(
        "<title>Queues</title><body><article><h1>Queues</h1><h2>Table of contents</h2><details><summary>Open</summary><ul>\
         <li><a href='#cause'>The cause</a></li><li><a href='#cure'>The cure</a></li></ul></details>{FIRST}<h2 id=cause>The \
         cause</h2>{LAST}<ul><li><a href='https://example.com/a'>The paper</a></li><li><a \
         href='https://example.com/b'>The talk</a></li></ul></article>"
    ));
    assert!(article.text.starts_with("Last spring"), "{}", article.text);
    assert!(article.text.contains("The cause") && article.text.contains("The talk"), "{}", article.text);
}

#[test]
fn heading_may_begin_the_article() {
    let article = read(&format!(
        "<title>Queues</title><body><main><article><header><h1>Queues</h1></header><div class=body><h2>What we saw</h2>{FIRST}\
         <h2>What it was</h2>{LAST}</div></article></main>"
    ));
    assert!(article.html.starts_with("<h2>What we saw</h2>"), "{}", article.html);
}

#[test]
fn boxed_paragraph_full_of_links_stays() {
    let article = around(
        "<div type=paragraph><p><span>A full example can be seen in the <a href=/a>MyHandler class</a> of the \
         sample application, and in <a href=/b>its unit test</a>.</span></p></div>",
    );
    assert!(article.text.contains("A full example can be seen"), "{}", article.text);
}

#[test]
fn author_is_found_in_templates() {
    for head in [
        "<div class=blog-header><h1>Our Blog</h1></div><div class='widget Blog'><h3>Queues</h3>BODY<span class=fn>Posted by <a \
         rel=author href=/p>Ann Lee</a></span></div>",
        "<h1>Queues</h1><div class=node__author><span>By <span>Ann Lee</span></span>, <time \
         datetime=2020-08-21>21 August 2020</time></div>BODY",
        "<script type='application/ld+json'>{\"@type\":\"Blog\",\"blogPost\":[{\"@type\":\"BlogPosting\",\"author\":{\"name\":\"Ann \
         Lee\"}}]}</script><h1>Queues</h1>BODY",
    ] {
        let page = format!(
            "<title>Queues</title><body>{}",
            head.replace("BODY", &format!("<div>{FIRST}{LAST}</div>"))
        );
        assert_eq!(read(&page).author.as_deref(), Some("Ann Lee"), "{head}");
    }
    let timed =
        format!("<title>Queues</title><body><h1>Queues</h1><p>July 5, 2021 • 4 min read</p>{FIRST}{LAST}");
    assert_eq!(read(&timed).author, None);
}

#[test]
fn author_above_the_text_is_removed() {
    let article = read(&format!(
        "<title>Queues</title><meta name=author content='Ann Lee'><body><div><h1>Queues</h1><div><div>Ann Lee</div></div>{FIRST}\
         {LAST}</div>"
    ));
    assert!(article.text.starts_with("Last spring"), "{}", article.text);
}

#[test]
fn zero_width_anchor_is_not_part_of_the_title() {
    let article = read(&format!(
        "<title>Queues | Docs</title><body><main><h1>Queues <a class=header-anchor href='#queues'>&#8203;</a></h1>{FIRST}{LAST}</main>"
    ));
    assert_eq!(article.title.as_deref(), Some("Queues"));
}

#[test]
fn class_of_most_of_the_article_is_no_sign_of_boilerplate() {
    let part = |text: &str| {
        format!(
            "<div class=builder-row><div class='builder-widget builder-text-widget'><div class=inner>{text}</div></div></div>"
        )
    };
    let code = format!("<pre>{}</pre>", "let job = queue.pop().unwrap_or_default();\n".repeat(12));
    let page = format!(
        "<title>Queues</title><body><div class=builder><h1>Queues</h1>{}{}{}</div><div class='sidebar widget'><h3>Recent</h3><p>{}</p></div>",
        part(FIRST),
        part(&format!(
            "<p>This is the loop that took the jobs out of the queue, one at a time, for every worker.</p>{code}"
        )),
        part(&LAST.repeat(3)),
        "Another post of ours is about disks that are full and what happens then. ".repeat(3),
    );
    let article = read(&page);
    for words in ["Last spring", "This is the loop", "let job", "The fix was small"] {
        assert!(article.text.contains(words), "{words}: {}", article.text);
    }
    assert!(!article.text.contains("disks"), "{}", article.text);
}

#[test]
fn tags_and_share_links_are_removed() {
    for part in [
        "<ul><li><a href=/tags/rust/>rust</a></li><li><a href=/tags/queues/>queues</a></li></ul>",
        "<p><a href='https://twitter.com/share' data-via=x>Tweet</a></p>",
        "<div class='not-prose x'><p>Try it</p><p>Your first queue in five minutes.</p><a href=/x>Go</a></div>",
    ] {
        let article = around(part);
        assert!(article.text.contains("empty, though.\n\nWhat we had missed"), "{part}: {}", article.text);
    }
}

#[test]
fn comment_at_the_start_of_code_stays() {
    let code = "<figure class=highlight><table><tr><td class=gutter><pre><span class=line>1</span><br></pre></td><td \
                class=code><pre><span class=line><span class=hljs-comment># how jobs wait</span></span><br><span \
                class=line>wait()</span><br></pre></td></tr></table></figure>";
    assert!(around(code).text.contains("# how jobs wait\nwait()"), "{}", around(code).text);
}

#[test]
fn heading_that_ends_an_article_can_end_the_page() {
    for end in ["<h2>Comments</h2>", "<h2>Comments</h2><div></div>", "<h3>Share this</h3><p></p><p></p>"] {
        let page = format!("<body><article><h1>Queues</h1>{FIRST}{LAST}{end}</article></body></html>");
        let text = read(&page).text;
        assert!(text.contains("Last spring") && text.contains("a tenth of the workers"), "{end}: {text}");
    }
}
