//! Examines a page as a browser does: parsed, not as text.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write;

use dom_query::{Document, NodeRef};

/// A parsed page.
pub struct Page {
    path: String,
    document: Document,
    source: String,
}

impl Page {
    pub fn parse(path: &str, html: &str) -> Self {
        Self { path: path.to_owned(), document: Document::from(html), source: html.to_owned() }
    }

    /// Checks what all our pages have in common.
    pub fn assert_well_formed(&self) {
        let path = &self.path;
        assert!(self.document.errors.borrow().is_empty(), "{path}: {:?}", self.document.errors.borrow());
        assert!(self.source.starts_with("<!DOCTYPE html>"), "{path}");
        assert_eq!(self.document.select("h1").length(), 1, "{path} has one h1");
        assert_eq!(self.document.select("main").length(), 1, "{path} has one main");
        assert!(self.document.select("header.masthead, footer").length() == 2, "{path} has its landmarks");
        assert!(
            !self.document.select("[style], style, script:not([src]), [onclick], [onload]").exists(),
            "{path} has inline code"
        );
        assert!(!self.document.select("a a, a button").exists(), "{path} has a link in a link");
        self.assert_ids_are_unique_and_referred_to();
        self.assert_headings_skip_no_level();
        self.assert_links_have_names();
    }

    fn assert_ids_are_unique_and_referred_to(&self) {
        let mut ids = HashSet::new();
        for node in self.document.select("[id]").nodes() {
            let id = node.attr("id").unwrap().to_string();
            assert!(ids.insert(id.clone()), "{} has two elements called {id}", self.path);
        }
        let fragments = self.attributes("a[href^='#']", "href").into_iter().map(|href| href[1..].to_owned());
        let fragments = fragments.map(|fragment| fragment.split(":~:").next().unwrap_or_default().to_owned());
        for id in fragments.chain(self.attributes("[aria-labelledby]", "aria-labelledby")) {
            assert!(ids.contains(&id), "{} refers to #{id}, which is not there", self.path);
        }
    }

    fn assert_headings_skip_no_level(&self) {
        let mut last = 0;
        for heading in self.document.select("main h1, main h2, main h3, main h4, main h5, main h6").nodes() {
            let level: u8 = heading.node_name().unwrap()[1..].parse().unwrap();
            assert!(level <= last + 1, "{}: h{level} after h{last}: {}", self.path, heading.text());
            last = level;
        }
    }

    fn assert_links_have_names(&self) {
        for link in self.document.select("a[href], button").nodes() {
            let named = !link.text().trim().is_empty()
                || ["aria-label", "title"].iter().any(|name| link.has_attr(name));
            assert!(named, "{}: a link without a name: {}", self.path, link.html());
        }
    }

    /// Checks that showing the page loads only its own assets.
    pub fn assert_loads_nothing_from_elsewhere(&self) {
        for node in self.document.select("img, source, video, audio, iframe, object, embed, script, link[rel=stylesheet], link[rel=icon]").nodes() {
            let address = node.attr("src").or_else(|| node.attr("href")).unwrap_or_default();
            assert!(address.starts_with("/assets/") || address.starts_with("data:"), "{}: {}", self.path, node.html());
        }
    }

    /// Our own addresses that the page links to, without the part after `#`.
    pub fn own_links(&self) -> BTreeSet<String> {
        self.own_addresses("a[href], link[href]")
    }

    /// Those of `own_links` that a crawler of a search engine would follow.
    pub fn followed_links(&self) -> BTreeSet<String> {
        self.own_addresses("a[href]:not([rel~=nofollow]), link[href]")
    }

    fn own_addresses(&self, selector: &str) -> BTreeSet<String> {
        let hrefs = self.attributes(selector, "href");
        let own = hrefs.into_iter().filter(|href| href.starts_with('/'));
        own.map(|href| href.split('#').next().unwrap_or_default().to_owned()).collect()
    }

    pub fn attributes(&self, selector: &str, attribute: &str) -> Vec<String> {
        let nodes = self.document.select(selector);
        nodes.nodes().iter().filter_map(|node| Some(node.attr(attribute)?.to_string())).collect()
    }

    pub fn all(&self, selector: &str) -> Vec<String> {
        self.document.select(selector).nodes().iter().map(|node| squeezed(&node.text())).collect()
    }

    pub fn one(&self, selector: &str) -> String {
        let all = self.all(selector);
        assert_eq!(all.len(), 1, "{}: {selector}", self.path);
        all.into_iter().next().unwrap()
    }

    pub fn text(&self) -> String {
        squeezed(&self.document.select("body").text())
    }

    /// The page's main part as an indented outline of what a person sees, for snapshots that do not
    /// depend on classes.
    pub fn outline(&self) -> String {
        let mut outline = String::new();
        for node in self.document.select("body > .page").nodes() {
            write_outline(node, 0, &mut outline);
        }
        outline
    }
}

fn write_outline(node: &NodeRef, depth: usize, outline: &mut String) {
    const TOLD: &[&str] = &[
        "h1", "h2", "h3", "p", "a", "dt", "dd", "li", "summary", "blockquote", "time", "meter", "nav",
        "section", "aside", "article", "main", "table", "tr", "pre", "svg",
    ];
    for child in node.children() {
        let Some(name) = child.node_name().filter(|_| child.is_element()) else {
            let text = squeezed(&child.text());
            if !text.is_empty() {
                let _ = writeln!(outline, "{}{text}", "  ".repeat(depth));
            }
            continue;
        };
        if !TOLD.contains(&&*name) {
            write_outline(&child, depth, outline);
            continue;
        }
        let _ = write!(outline, "{}<{name}", "  ".repeat(depth));
        for attribute in ["href", "aria-label", "aria-current", "value"] {
            if let Some(value) = child.attr(attribute) {
                let _ = write!(outline, " {attribute}={value}");
            }
        }
        outline.push_str(">\n");
        write_outline(&child, depth + 1, outline);
    }
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
