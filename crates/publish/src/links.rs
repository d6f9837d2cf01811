//! Rewrites the links of a page for files.
//!
//! `serve` uses paths such as `/week/2026-W20` in links. A published site may be at any address, so
//! links between its pages are relative. A link to a page without a file is removed, so that no
//! link is dead.

use std::cell::RefCell;
use std::collections::HashSet;

use backissue_digest::file_of;
use lol_html::{RewriteStrSettings, element, rewrite_str};

use crate::PublishError;

/// The facts that are needed to rewrite the links of one page.
pub struct Links<'a> {
    /// All files of the site.
    pub files: &'a HashSet<String>,
    /// The relative path from the page to the site's root, such as `../`.
    pub to_root: String,
    /// The page's list. `None` for a page that is not part of a list.
    pub list: Option<List<'a>>,
}

/// A page of a list. A list may have several pages.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    /// The path of the list's first page.
    pub path: &'a str,
    /// The number of this page, from 1.
    pub number: usize,
}

/// A page with rewritten links.
#[derive(Debug)]
pub struct Rewritten {
    /// The HTML of the page.
    pub html: String,
    /// The address of the next page of the list. `None` on the last page.
    pub next: Option<String>,
}

/// The relative path from a file to the site's root.
pub fn to_root(file: &str) -> String {
    "../".repeat(file.matches('/').count())
}

/// The file for a page of a list.
pub fn file_of_page(list: List<'_>) -> String {
    let first = file_of(list.path);
    match list.number {
        0 | 1 => first,
        number => format!("{}/{number}.html", first.trim_end_matches(".html")),
    }
}

impl Links<'_> {
    /// Rewrites the links of the page at `path`.
    pub fn rewrite(&self, path: &str, html: &str) -> Result<Rewritten, PublishError> {
        let next = RefCell::new(None);
        let handler = element!("a[href], link[href], script[src], img[src], form[action]", |element| {
            let name = match element.tag_name().as_str() {
                "script" | "img" => "src",
                "form" => "action",
                _ => "href",
            };
            let Some(address) = element.get_attribute(name).filter(|address| is_own(address)) else {
                return Ok(());
            };
            match self.target(&address, &next) {
                Some(target) => element.set_attribute(name, &target)?,
                None if element.tag_name() == "link" || is_feed(&address) => element.remove(),
                None => element.remove_attribute(name),
            }
            Ok(())
        });
        let html =
            rewrite_str(html, RewriteStrSettings::new().append_element_content_handler(handler)).map_err(
                |error| PublishError::Make { what: format!("the page {path}"), cause: error.to_string() },
            )?;
        Ok(Rewritten { html, next: next.into_inner() })
    }

    /// The target of a link to `address` in the site. Returns `None` if there is no file for it.
    fn target(&self, address: &str, next: &RefCell<Option<String>>) -> Option<String> {
        let (address, fragment) = match address.split_once('#') {
            Some((address, fragment)) => (address, format!("#{fragment}")),
            None => (address, String::new()),
        };
        let file = match address.split_once('?') {
            None => Some(file_of(address)).filter(|file| self.files.contains(file)),
            Some((path, query)) => {
                let list = self.list.filter(|list| list.path == path && query.starts_with("after="))?;
                *next.borrow_mut() = Some(address.to_owned());
                Some(file_of_page(List { number: list.number + 1, ..list }))
            }
        };
        file.map(|file| format!("{}{file}{fragment}", self.to_root))
    }
}

/// Whether an address is a path of the archive.
fn is_own(address: &str) -> bool {
    address.starts_with('/') && !address.starts_with("//")
}

/// Whether an address is that of a feed. Without the feed, the text of a link to it says nothing.
fn is_feed(address: &str) -> bool {
    [".atom", ".json"].iter().any(|ending| address.ends_with(ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(html: &str) -> Rewritten {
        let files =
            ["index.html", "week/2026-W20.html", "read/42.html", "assets/1/a.css", "concept/caching.html"];
        let files = files.into_iter().map(str::to_owned).collect();
        let list = List { path: "/concept/caching", number: 2 };
        let links = Links { files: &files, to_root: to_root("concept/caching/2.html"), list: Some(list) };
        links.rewrite("/concept/caching", html).unwrap()
    }

    #[test]
    fn links_lead_to_files_or_nowhere() {
        for (html, expected) in [
            (r#"<a href="/week/2026-W20">a</a>"#, r#"<a href="../../week/2026-W20.html">a</a>"#),
            (r##"<a href="/read/42/slow#how">a</a>"##, r##"<a href="../../read/42.html#how">a</a>"##),
            (r#"<a class="x" href="/">a</a>"#, r#"<a class="x" href="../../index.html">a</a>"#),
            (r#"<a href="/read/43/gone">a</a>"#, "<a>a</a>"),
            (r#"<a href="/?concept=caching">a</a>"#, "<a>a</a>"),
            (r#"<p><a href="/concept/caching.atom">Feed</a></p>"#, "<p></p>"),
            (r#"<link rel="next" href="/week/2026-W21"><p>"#, "<p>"),
            (
                r#"<link rel="stylesheet" href="/assets/1/a.css">"#,
                r#"<link rel="stylesheet" href="../../assets/1/a.css">"#,
            ),
            (
                r#"<a href="https://blog.example/x?y#z">a</a>"#,
                r#"<a href="https://blog.example/x?y#z">a</a>"#,
            ),
            (r##"<a href="#main">a</a>"##, r##"<a href="#main">a</a>"##),
            // Text that looks like an attribute is text.
            (
                r#"<p title='href="/weeks"'>&lt;a href="/weeks"></p>"#,
                r#"<p title='href="/weeks"'>&lt;a href="/weeks"></p>"#,
            ),
        ] {
            assert_eq!(rewritten(html).html, expected);
        }
    }

    #[test]
    fn pages_of_a_list_follow_each_other() {
        let page = rewritten(
            r#"<a href="/concept/caching">first</a><a rel="next" href="/concept/caching?after=p1-2">more</a>"#,
        );
        let expected = r#"<a href="../../concept/caching.html">first</a><a rel="next" href="../../concept/caching/3.html">more</a>"#;
        assert_eq!(page.html, expected);
        assert_eq!(page.next.as_deref(), Some("/concept/caching?after=p1-2"));
        assert_eq!(file_of_page(List { path: "/", number: 2 }), "index/2.html");
    }
}
