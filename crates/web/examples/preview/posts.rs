//! The demo's posts as articles, without a network. One post of each blog has everything that an
//! article may have.

use std::fs;
use std::path::Path;

use backissue_annotate::{Text, annotate};
use backissue_model::{Article, Blocks, Fingerprint, minutes_to_read};
use jiff::{SignedDuration, Timestamp};
use pulldown_cmark::{Event, Options, Parser, TagEnd, html};
use serde::Deserialize;
use url::Url;

use crate::archive::{Blog, Post};

#[derive(Deserialize)]
struct BlogHead {
    title: String,
    company: String,
}

#[derive(Deserialize)]
struct PostHead {
    title: String,
    author: Option<String>,
    days_ago: i64,
    #[serde(default)]
    tags: Vec<String>,
    summary: Option<String>,
}

/// All blogs under `folder`, dated relative to `now`.
pub fn load(folder: &Path, now: Timestamp) -> Result<Vec<Blog>, Box<dyn std::error::Error>> {
    let mut folders: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    folders.sort_by_key(fs::DirEntry::file_name);
    folders.iter().map(|folder| blog(&folder.path(), now)).collect()
}

fn blog(folder: &Path, now: Timestamp) -> Result<Blog, Box<dyn std::error::Error>> {
    let head: BlogHead = toml::from_str(&fs::read_to_string(folder.join("blog.toml"))?)?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let site: Url = format!("https://{name}.example/").parse()?;
    let mut posts = Vec::new();
    for file in fs::read_dir(folder)? {
        let path = file?.path();
        if path.extension().is_some_and(|e| e == "md") {
            posts.push(post(&path, &site, &head.company, now)?);
        }
    }
    if let Some(post) = posts.first_mut() {
        post.article.html.push_str(include_str!("everything.html"));
    }
    Ok(Blog { title: head.title, company: head.company, site, posts })
}

fn post(path: &Path, site: &Url, company: &str, now: Timestamp) -> Result<Post, Box<dyn std::error::Error>> {
    let file = fs::read_to_string(path)?;
    let (head, body) =
        file.trim_start_matches("+++").split_once("\n+++\n").ok_or("a post begins with its head")?;
    let head: PostHead = toml::from_str(head)?;
    let url = site.join(&path.file_stem().unwrap_or_default().to_string_lossy())?;
    let (html, text) = render(body);
    let words = text.split_whitespace().count() as u32;
    let precis = annotate(&Text {
        title: &head.title,
        text: &text,
        blocks: &[],
        description: head.summary.as_deref(),
        company,
        url: Some(&url),
        language: Some("en"),
        tags: &head.tags,
    });
    let article = Article {
        canonical_url: Some(url.clone()),
        title: Some(head.title),
        author: head.author,
        published: Some(now - SignedDuration::from_hours(24 * head.days_ago)),
        site_name: None,
        description: head.summary,
        language: Some("en".to_owned()),
        html,
        words,
        minutes: minutes_to_read(words),
        fingerprint: Some(Fingerprint(u128::from(xxhash_rust::xxh3::xxh3_64(text.as_bytes())))),
        text,
        blocks: Blocks::default(),
    };
    Ok(Post { url, article, precis })
}

fn render(markdown: &str) -> (String, String) {
    let events: Vec<Event> = Parser::new_ext(markdown, Options::ENABLE_TABLES).collect();
    let mut text = String::new();
    for event in &events {
        match event {
            Event::Text(t) | Event::Code(t) => text.push_str(t),
            Event::SoftBreak => text.push(' '),
            Event::End(
                TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item | TagEnd::TableRow | TagEnd::CodeBlock,
            ) => {
                text.push_str("\n\n");
            }
            Event::End(TagEnd::TableCell) => text.push('\t'),
            _ => {}
        }
    }
    let mut rendered = String::new();
    html::push_html(&mut rendered, events.into_iter());
    (rendered, text.trim().to_owned())
}
