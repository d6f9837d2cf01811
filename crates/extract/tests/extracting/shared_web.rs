//! Tests on real pages: those of the eight blogs in the shared test data.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use backissue_extract::{Page, extract, plain_text};
use backissue_model::{Article, Entry};
use backissue_needs::{needs, shared_dir};
use url::Url;

fn web() -> PathBuf {
    shared_dir().unwrap().join("web")
}

/// Every `step`th article page of a host, with its address.
pub(crate) fn pages(host: &str, step: usize) -> Vec<(Url, String)> {
    let root = web().join(host);
    let mut files = Vec::new();
    gather(&root, &mut files);
    files.sort();
    assert!(!files.is_empty(), "no pages under {}", root.display());
    let address = |file: &PathBuf| {
        let path = file.strip_prefix(&root).unwrap().to_str().unwrap().trim_end_matches("index.html");
        format!("https://{host}/{path}").parse().unwrap()
    };
    files.iter().step_by(step).map(|f| (address(f), fs::read_to_string(f).unwrap())).collect()
}

fn gather(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, files);
        } else if path.extension().is_some_and(|e| e == "html") {
            files.push(path);
        }
    }
}

fn article(url: &Url, page: &str) -> Article {
    extract(
        &Page { bytes: page.as_bytes(), media_type: Some("text/html; charset=utf-8"), url: Some(url) },
        None,
    )
    .unwrap_or_else(|e| panic!("{url}: {e}"))
}

/// The F1 score of runs of four words that both texts have.
fn agreement(gold: &str, found: &str) -> f64 {
    let bag = |text: &str| {
        let words: Vec<String> =
            text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect();
        let mut bag: HashMap<Vec<String>, usize> = HashMap::new();
        for run in words.windows(4) {
            *bag.entry(run.to_vec()).or_default() += 1;
        }
        bag
    };
    let (gold, found) = (bag(gold), bag(found));
    let common: usize = gold.iter().map(|(run, n)| found.get(run).map_or(0, |m| *m.min(n))).sum();
    let total = gold.values().sum::<usize>() + found.values().sum::<usize>();
    if total == 0 { 1.0 } else { 2.0 * common as f64 / total as f64 }
}

#[test]
fn rendered_pages_give_only_their_body() {
    needs!(SharedData);
    const FRAME: &[&str] = &[
        "We use cookies to improve", "Subscribe to our newsletter", "Share this post:", "Related posts",
        "All rights reserved", "Privacy policy", "We are hiring! See open",
    ];
    let (mut sum, mut count) = (0.0, 0.0);
    for host in ["artsy.github.io", "linkerd.io", "vitess.io", "eng.d2iq.com"] {
        for (url, page) in pages(host, 3) {
            let Some((_, body)) = page.split_once("<div class=\"post-content\">") else { continue };
            let (body, _) = body.split_once("<footer class=\"post-footer\">").unwrap();
            let gold = plain_text(body);
            let found = article(&url, &page);
            for frame in FRAME.iter().filter(|f| !gold.contains(**f)) {
                assert!(!found.text.contains(frame), "{url}: {frame:?} in the text");
            }
            let agreed = agreement(&gold, &found.text);
            assert!(agreed > 0.9 || gold.split_whitespace().count() < 80, "{url}: {agreed:.3}");
            sum += agreed;
            count += 1.0;
        }
    }
    assert!(sum / count > 0.995, "mean agreement {:.4} over {count} pages", sum / count);
}

#[test]
fn pages_agree_with_the_bodies_in_their_feed() {
    needs!(SharedData);
    let (mut sum, mut count) = (0.0, 0.0);
    let mut worst = (1.0, String::new());
    let feed = fs::read_to_string(web().join("datafusion.apache.org/blog/feeds/blog.atom.xml")).unwrap();
    let mut carried = HashMap::new();
    for entry in feed.split("<entry>").skip(1) {
        let (_, link) = entry.split_once("<link href=\"").unwrap();
        let (_, content) = entry.split_once("<content type=\"html\">").unwrap();
        let (link, content) = (link.split('"').next().unwrap(), content.split("</content>").next().unwrap());
        // The feed escapes the body once more.
        let html =
            content.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&");
        carried.insert(link.trim_end_matches('/').to_owned(), html);
    }
    for (url, page) in pages("datafusion.apache.org", 1) {
        let Some(html) = carried.get(url.as_str().trim_end_matches('/')) else { continue };
        let agreed = agreement(&plain_text(html), &article(&url, &page).text);
        sum += agreed;
        count += 1.0;
        if agreed < worst.0 {
            worst = (agreed, url.to_string());
        }
    }
    assert!(count >= 20.0, "only {count} pages met their entry");
    assert!(sum / count > 0.97, "mean agreement {:.4} over {count} pages, worst {worst:?}", sum / count);
}

#[test]
fn text_of_the_html_is_the_text() {
    needs!(SharedData);
    for host in [
        "flink.apache.org", "blog.rust-lang.org", "datafusion.apache.org", "julialang.org",
        "artsy.github.io", "linkerd.io",
    ] {
        for (url, page) in pages(host, 25) {
            let found = article(&url, &page);
            assert_eq!(plain_text(&found.html), found.text, "{url}");
        }
    }
}

#[test]
fn pages_give_author_date_and_title() {
    needs!(SharedData);
    for (host, path) in [
        ("artsy.github.io", "blog/2020/08/21/review-apps-post/index.html"),
        ("blog.rust-lang.org", "2023/03/28/Rust-1.68.2.html"),
        ("datafusion.apache.org", "blog/2024/08/28/datafusion-comet-0.2.0/index.html"),
        (
            "flink.apache.org",
            "2023/08/15/apache-flink-kubernetes-operator-1.6.0-release-announcement/index.html",
        ),
        ("julialang.org", "blog/2020/05/jsoc-gsoc2020/index.html"),
        ("linkerd.io", "blog/2023/09/30/0930-linkerd-hero/index.html"),
    ] {
        let page = fs::read_to_string(web().join(host).join(path)).unwrap();
        let url = format!("https://{host}/{}", path.trim_end_matches("index.html")).parse().unwrap();
        let found = article(&url, &page);
        let shown = serde_json::json!({
            "canonical_url": found.canonical_url,
            "title": found.title,
            "author": found.author,
            "published": found.published,
            "site_name": found.site_name,
            "language": found.language,
            "words": found.words,
            "minutes": found.minutes,
            "begins": found.text.chars().take(120).collect::<String>(),
            "ends": found.text.chars().rev().take(120).collect::<Vec<_>>().into_iter().rev().collect::<String>(),
        });
        insta::assert_json_snapshot!(format!("{host}"), shown);
    }
}

#[test]
fn feeds_body_replaces_only_short_pages() {
    needs!(SharedData);
    let (url, page) = pages("artsy.github.io", 40).swap_remove(3);
    let full = article(&url, &page);
    let entry = Entry {
        content: Some(full.html.clone()),
        title: Some("From the feed".to_owned()),
        ..Entry::default()
    };
    let teaser = "<title>A post</title><article><h1>A post</h1><p>We had a queue that was always full. Subscribe to read on.</p></article>";
    let page_of = |page: &'static str| {
        extract(&Page { bytes: page.as_bytes(), media_type: None, url: None }, Some(&entry)).unwrap()
    };
    assert_eq!(page_of(teaser).text, full.text);
    let scripted = page_of("<title>A post</title><div id=root></div><script src=app.js></script>");
    assert_eq!((scripted.text.as_str(), scripted.title.as_deref()), (full.text.as_str(), Some("A post")));
    let summary = Entry { content: Some("<p>Only a few words of it.</p>".to_owned()), ..Entry::default() };
    let kept =
        extract(&Page { bytes: page.as_bytes(), media_type: None, url: Some(&url) }, Some(&summary)).unwrap();
    assert_eq!(kept.text, full.text);
}
