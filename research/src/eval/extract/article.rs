//! Articles of the shared test data as blocks. Pages are rendered from them, and extractions are
//! compared with them.

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use backissue_needs::shared_dir;
use dom_query::{Document, NodeRef};
use jiff::civil::Date;
use minijinja::{Value, context};
use serde::Deserialize;
use url::Url;

use super::code;
use crate::labels;

/// An article whose text is known exactly.
#[derive(Clone, Debug)]
pub struct Article {
    /// The article's address.
    pub url: Url,
    /// Its title.
    pub title: String,
    /// The author. Several names are separated by commas.
    pub author: String,
    /// The day of publication.
    pub published: Date,
    /// The name of the blog.
    pub site: String,
    /// The contents.
    pub blocks: Vec<Block>,
}

/// A block of an article.
#[derive(Clone, Debug)]
pub struct Block {
    /// The text without markup.
    pub text: String,
    /// The kind of block, with its markup.
    pub part: Part,
}

/// The kinds of blocks. Their HTML has inline markup only, except for quotations and list items,
/// which may contain blocks.
#[derive(Clone, Debug)]
pub enum Part {
    /// A paragraph.
    Paragraph { html: String },
    /// The heading of a section, from level 2.
    Heading { level: u8, html: String },
    /// A code block.
    Code { language: String },
    /// A list.
    List { ordered: bool, items: Vec<String> },
    /// A quotation.
    Quote { html: String },
    /// A table with a head.
    Table { head: Vec<String>, rows: Vec<Vec<String>> },
    /// An image with its caption.
    Figure { src: String, alt: String, caption: String },
}

impl Article {
    /// The text of the whole article.
    pub fn text(&self) -> String {
        self.blocks.iter().map(|block| block.text.as_str()).collect::<Vec<_>>().join("\n\n")
    }

    /// The texts of its blocks of one kind.
    pub fn texts(&self, is: fn(&Part) -> bool) -> Vec<&str> {
        self.blocks.iter().filter(|block| is(&block.part)).map(|block| block.text.as_str()).collect()
    }

    /// The first words of its first paragraph, as other pages show them.
    pub fn excerpt(&self) -> String {
        let first = self.texts(|part| matches!(part, Part::Paragraph { .. })).into_iter().next();
        let words: Vec<&str> = first.unwrap_or_default().split_whitespace().take(26).collect();
        words.join(" ")
    }
}

impl Block {
    /// The article as a value for templates.
    pub fn value(&self) -> Value {
        let safe = |html: &String| Value::from_safe_string(html.clone());
        let all = |pieces: &[String]| pieces.iter().map(safe).collect::<Vec<_>>();
        let text = self.text.as_str();
        match &self.part {
            Part::Paragraph { html } => context! { kind => "paragraph", html => safe(html), text },
            Part::Heading { level, html } => {
                context! { kind => "heading", level => *level, html => safe(html), text, id => slug(text) }
            }
            Part::Code { language } => {
                context! { kind => "code", language => language.as_str(), text, lines => code::lines(text) }
            }
            Part::List { ordered, items } => {
                context! { kind => "list", tag => if *ordered { "ol" } else { "ul" }, items => all(items) }
            }
            Part::Quote { html } => context! { kind => "quote", html => safe(html) },
            Part::Table { head, rows } => {
                let rows: Vec<Vec<Value>> = rows.iter().map(|row| all(row)).collect();
                context! { kind => "table", head => all(head), rows }
            }
            Part::Figure { src, alt, caption } => {
                context! { kind => "figure", src => src.as_str(), alt => alt.as_str(), caption => safe(caption) }
            }
        }
    }
}

/// The letters and digits of a text, with hyphens between words, as generators use them in
/// addresses and anchors.
pub fn slug(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

#[derive(Deserialize)]
struct Read {
    url: Url,
    title: String,
    author: Option<String>,
    published: Date,
    html: String,
}

#[derive(Deserialize)]
struct Blog {
    host: String,
    title: String,
}

/// The articles of the shared test data with these addresses, by address. Leaves out articles with
/// contents other than the known kinds of blocks.
///
/// # Errors
/// If the test data is missing or damaged.
pub fn articles(wanted: &HashSet<Url>) -> anyhow::Result<HashMap<Url, Article>> {
    let shared = shared_dir()?;
    let titles = |part: &str| -> anyhow::Result<HashMap<String, String>> {
        let manifest = std::fs::read(shared.join(part).join("manifest.json"))?;
        let blogs: Vec<Blog> = serde_json::from_slice(&manifest)?;
        Ok(blogs.into_iter().map(|blog| (blog.host, blog.title)).collect())
    };
    let mut articles = HashMap::new();
    let sites = titles("reads")?;
    for host in sites.keys() {
        let path = shared.join("reads").join(format!("{host}.jsonl"));
        let lines = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        for line in lines.lines() {
            let read: Read = serde_json::from_str(line).with_context(|| path.display().to_string())?;
            if !wanted.contains(&read.url) {
                continue;
            }
            let document = Document::from(read.html.as_str());
            let body = document.body().context("a parsed document has a body")?;
            let Some(blocks) = blocks(&body, &read.title) else { continue };
            let article = Article {
                url: read.url.clone(),
                title: read.title,
                author: read.author.unwrap_or_default(),
                published: read.published,
                site: sites[host].clone(),
                blocks,
            };
            articles.insert(read.url, article);
        }
    }
    let sites = titles("web")?;
    for url in wanted {
        let Some(site) = url.host_str().and_then(|host| sites.get(host)) else { continue };
        let file = labels::page_file(&shared.join("web"), url);
        let page = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        if let Some(article) = rendered(url, &page, site) {
            articles.insert(url.clone(), article);
        }
    }
    Ok(articles)
}

/// The article of a page of the small web that was rendered from the blog's own Markdown.
fn rendered(url: &Url, page: &str, site: &str) -> Option<Article> {
    let document = Document::from(page);
    let body = document.select_single("div.post-content").nodes().first().copied()?;
    let title = document.select_single("article h1").text().trim().to_owned();
    let author = document.select_single("p.byline a").text().trim().to_owned();
    let published = document.select_single("p.byline time").attr("datetime")?.parse().ok()?;
    let blocks = blocks(&body, &title)?;
    Some(Article { url: url.clone(), title, author, published, site: site.to_owned(), blocks })
}

/// The blocks of a body. Returns `None` if it has other contents.
fn blocks(body: &NodeRef<'_>, title: &str) -> Option<Vec<Block>> {
    let mut blocks = Vec::new();
    gather(body, &mut blocks)?;
    let levels = blocks.iter().filter_map(|block| match block.part {
        Part::Heading { level, .. } => Some(level),
        _ => None,
    });
    let highest = levels.min().unwrap_or(2);
    // Whether a title that the text says once more is the article's is a matter of taste.
    if blocks.iter().any(|block| slug(&block.text) == slug(title)) {
        return None;
    }
    for block in &mut blocks {
        if let Part::Heading { level, .. } = &mut block.part {
            *level = (*level + 2 - highest).min(6);
        }
    }
    Some(blocks)
}

fn gather(node: &NodeRef<'_>, blocks: &mut Vec<Block>) -> Option<()> {
    for child in node.children_it(false) {
        let Some(name) = child.node_name() else {
            if child.is_text() && !child.text().trim().is_empty() {
                return None;
            }
            continue;
        };
        let html = || child.inner_html().trim().to_owned();
        let part = match &*name {
            "div" | "section" | "article" | "header" | "main" => {
                gather(&child, blocks)?;
                continue;
            }
            "p" if child.find(&["img"]).is_empty() => Part::Paragraph { html: html() },
            "p" if child.text().trim().is_empty() => {
                blocks.extend(child.find(&["img"]).iter().map(|image| figure(image, "", "")));
                continue;
            }
            "img" => {
                blocks.push(figure(&child, "", ""));
                continue;
            }
            "figure" => {
                let images = child.find(&["img"]);
                let captions = child.find(&["figcaption"]);
                let caption = captions.first();
                let (html, text) = caption.map_or_else(Default::default, |c| (c.inner_html(), words_of(c)));
                // What is in it beside the image and its caption would be lost.
                if images.len() != 1 || letters(&words_of(&child)) != letters(&text) {
                    return None;
                }
                blocks.push(figure(&images[0], html.trim(), &text));
                continue;
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" if child.find(&["img"]).is_empty() => {
                Part::Heading { level: name.as_bytes()[1] - b'0', html: html() }
            }
            "pre" => {
                let language = child.find(&["code"]).first().and_then(|code| code.attr("class"));
                let language = language.unwrap_or_default();
                let language = language.split_whitespace().find_map(|class| class.strip_prefix("language-"));
                let text = child.text().trim_matches('\n').trim_end().to_owned();
                let language = language.unwrap_or("text").to_owned();
                blocks.push(Block { text, part: Part::Code { language } });
                continue;
            }
            "ul" | "ol" if only_words(&child) => {
                let items = child.element_children();
                let items = items.iter().map(|item| item.inner_html().trim().to_owned()).collect();
                Part::List { ordered: &*name == "ol", items }
            }
            "blockquote" if only_words(&child) => Part::Quote { html: html() },
            "table" => table(&child)?,
            "hr" | "br" | "script" | "style" => continue,
            _ => return None,
        };
        let text = words_of(&child);
        if !text.trim().is_empty() {
            blocks.push(Block { text, part });
        }
    }
    Some(())
}

fn only_words(node: &NodeRef<'_>) -> bool {
    ["img", "table", "pre", "iframe"].iter().all(|name| node.find(&[name]).is_empty())
}

fn figure(image: &NodeRef<'_>, caption: &str, text: &str) -> Block {
    let attribute = |name| image.attr(name).unwrap_or_default().to_string();
    let part = Part::Figure { src: attribute("src"), alt: attribute("alt"), caption: caption.to_owned() };
    Block { text: text.to_owned(), part }
}

/// A table. Returns `None` if a cell spans several rows or columns.
fn table(node: &NodeRef<'_>) -> Option<Part> {
    let mut rows: Vec<(bool, Vec<String>)> = Vec::new();
    for row in node.descendants_it().filter(|n| n.node_name().is_some_and(|name| &*name == "tr")) {
        let cells = row.element_children();
        if cells.iter().any(|cell| cell.has_attr("colspan") || cell.has_attr("rowspan")) {
            return None;
        }
        let head = cells.iter().all(|cell| cell.node_name().is_some_and(|name| &*name == "th"));
        rows.push((head, cells.iter().map(|cell| cell.inner_html().trim().to_owned()).collect()));
    }
    let plain = only_words(node) || node.find(&["table"]).is_empty() && node.find(&["img"]).is_empty();
    (plain && rows.len() > 1 && rows[0].0 && rows[1..].iter().all(|row| !row.0)).then(|| {
        let mut rows = rows.into_iter().map(|row| row.1);
        Part::Table { head: rows.next().unwrap_or_default(), rows: rows.collect() }
    })
}

/// The text of a node as a browser shows it. Blocks and line breaks end a line.
pub fn words_of(node: &NodeRef<'_>) -> String {
    let mut text = String::new();
    write_words(node, &mut text);
    text.trim().to_owned()
}

fn write_words(node: &NodeRef<'_>, text: &mut String) {
    const INLINE: &[&str] = &[
        "a", "abbr", "acronym", "b", "cite", "code", "del", "em", "font", "i", "img", "ins", "kbd", "mark",
        "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr",
    ];
    for child in node.children_it(false) {
        match child.node_name() {
            None if child.is_text() => text.push_str(&child.text()),
            None => {}
            Some(name) if matches!(&*name, "script" | "style" | "noscript" | "template") => {}
            Some(name) => {
                let inline = INLINE.contains(&&*name);
                if !inline {
                    text.push('\n');
                }
                write_words(&child, text);
                if !inline {
                    text.push('\n');
                }
            }
        }
    }
}

/// The letters and digits of a text, in lower case.
pub fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a page contains a name, possibly with the character references that templates write.
pub fn told(page: &str, name: &str) -> bool {
    let name = name.replace('&', "&amp;").replace('\'', "&#x27;");
    name.split(", ").all(|one| page.contains(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(html: &str) -> Option<Vec<Block>> {
        let document = Document::from(html);
        blocks(&document.body()?, "Queues")
    }

    #[test]
    fn a_body_becomes_blocks_with_all_its_words() {
        let blocks = of("<div><h1>Why <em>they</em> wait</h1><p>A <code>job</code>list,<br>full.</p></div>\
            <pre><code class='language-sh'>\nls -l\n  pwd\n</code></pre><ul><li>one<p>two</p></li></ul>\
            <figure><img src=a.png alt=A><figcaption>The queue</figcaption></figure>\
            <table><tr><th>a</th></tr><tr><td>1</td></tr></table>")
        .unwrap();
        let texts: Vec<String> =
            blocks.iter().map(|b| b.text.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert_eq!(texts, ["Why they wait", "A joblist, full.", "ls -l pwd", "one two", "The queue", "a 1"]);
        assert!(matches!(&blocks[0].part, Part::Heading { level: 2, .. }));
        assert!(matches!(&blocks[2].part, Part::Code { language } if language == "sh"));
        assert_eq!(blocks[2].text, "ls -l\n  pwd");
        assert!(matches!(&blocks[4].part, Part::Figure { caption, .. } if caption == "The queue"));
    }

    #[test]
    fn a_body_with_other_things_is_refused() {
        for other in
            ["loose", "<p>a</p><dl><dt>b</dt></dl>", "<h2>Queues</h2><p>a</p>", "<p>a <img src=b.png></p>"]
        {
            assert!(of(other).is_none(), "{other}");
        }
    }
}
