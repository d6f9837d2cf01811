//! The gold set: articles of the shared test data, rendered as pages of generators and themes.
//!
//! `eval/pages/NAME.html` is a template for each generator, with the markup that the generator
//! really writes. `articles.jsonl` says which articles are rendered with it. `frame.toml` has the
//! texts around the articles.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use anyhow::{Context, ensure};
use jiff::civil::Date;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use serde::{Deserialize, Serialize};
use url::Url;

use super::article::{Article, Part, articles, slug};
use crate::workspace::workspace;

/// A half of the set, to which a generator belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Half {
    /// The half for tuning: faults on these pages may be corrected.
    Tuning,
    /// The half for reporting only.
    Reporting,
}

/// A page, and its right extraction.
#[derive(Clone, Debug)]
pub struct Page {
    /// The generator that makes such pages.
    pub generator: String,
    /// Its half.
    pub half: Half,
    /// The article on it.
    pub article: Article,
    /// The texts on the page that are not part of the article: newsletter box, consent notice,
    /// comments, teasers.
    pub beside: Vec<String>,
    /// Its source.
    pub html: String,
}

/// A line of `articles.jsonl`: a generator with its articles.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    generator: String,
    urls: Vec<Url>,
}

/// The texts around articles. Each page has some of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Frame {
    tags: Vec<String>,
    menu: Vec<String>,
    newsletter: Vec<Notice>,
    consent: Vec<Notice>,
    hiring: Vec<Notice>,
    bio: Vec<String>,
    comment: Vec<Comment>,
}

/// A heading with a text and a button.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Notice {
    title: String,
    text: String,
    button: String,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Comment {
    name: String,
    text: String,
}

/// All pages of the set, in the order of the generators' names.
///
/// # Errors
/// If a file is missing or damaged, a template cannot be rendered, or an article is not in the
/// shared test data.
pub fn load() -> anyhow::Result<Vec<Page>> {
    let folder = workspace().join("eval/pages");
    let lines = std::fs::read_to_string(folder.join("articles.jsonl"))?;
    let lines: Vec<Line> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    ensure!(lines.is_sorted_by(|a, b| a.generator < b.generator), "articles.jsonl is not in order");
    let frame: Frame = toml::from_str(&std::fs::read_to_string(folder.join("frame.toml"))?)?;
    let sources = templates(&folder)?;
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    for (name, source) in &sources {
        environment.add_template(name, source)?;
    }
    let wanted: HashSet<Url> = lines.iter().flat_map(|line| line.urls.clone()).collect();
    let articles = articles(&wanted)?;
    // The order in which articles are each other's related posts.
    let order: Vec<&Url> = lines.iter().flat_map(|line| &line.urls).collect();
    let found = |url: &Url| {
        articles.get(url).with_context(|| format!("{url} is not in the shared test data, or has odd parts"))
    };
    let mut pages = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let template = environment.get_template(&format!("{}.html", line.generator))?;
        for url in &line.urls {
            let number = pages.len();
            let article = found(url)?;
            let others = (1..=4).map(|step| found(order[(number + step * 7) % order.len()]));
            let others: Vec<&Article> = others.collect::<anyhow::Result<_>>()?;
            let (values, beside) = frame.around(number, article, &others);
            pages.push(Page {
                generator: line.generator.clone(),
                half: if place % 2 == 0 { Half::Tuning } else { Half::Reporting },
                article: article.clone(),
                beside,
                html: template.render(values).with_context(|| format!("{} {url}", line.generator))?,
            });
        }
    }
    Ok(pages)
}

fn templates(folder: &PathBuf) -> anyhow::Result<HashMap<String, String>> {
    let mut sources = HashMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "html") {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            sources.insert(name, std::fs::read_to_string(&path)?);
        }
    }
    Ok(sources)
}

impl Frame {
    /// The values for the template of page `number`, and those of its texts that are not part of
    /// the article.
    fn around(&self, number: usize, article: &Article, others: &[&Article]) -> (Value, Vec<String>) {
        fn nth<T>(all: &[T], number: usize) -> &T {
            &all[number % all.len()]
        }
        let newsletter = nth(&self.newsletter, number);
        let consent = nth(&self.consent, number);
        let comments: Vec<&Comment> = (0..3).map(|step| nth(&self.comment, number * 2 + step)).collect();
        let tags: Vec<&String> = (0..3).map(|step| nth(&self.tags, number * 3 + step)).collect();
        let excerpts = others.iter().map(|other| other.excerpt());
        let beside = [newsletter.text.clone(), consent.text.clone()].into_iter();
        let beside = beside.chain(comments.iter().map(|comment| comment.text.clone())).chain(excerpts);
        let words = article.text().split_whitespace().count();
        let values = context! {
            article => context! {
                words,
                minutes => words.div_ceil(220),
                tags => seen(&tags),
                blocks => article.blocks.iter().map(super::article::Block::value).collect::<Vec<_>>(),
                sections => sections(article),
                ..about(article)
            },
            related => others.iter().map(|other| about(other)).collect::<Vec<_>>(),
            site => context! {
                name => article.site.as_str(),
                host => article.url.host_str().unwrap_or_default(),
                url => article.url.join("/").map(String::from).unwrap_or_default(),
                menu => seen(&self.menu),
            },
            newsletter => seen(newsletter),
            consent => seen(consent),
            comments => seen(&comments),
            hiring => seen(nth(&self.hiring, number)),
            bio => nth(&self.bio, number).as_str(),
            number,
        };
        (values, beside.collect())
    }
}

/// The values about an article, for its own page and for teasers.
fn about(article: &Article) -> Value {
    let authors: Vec<&str> = article.author.split(", ").filter(|name| !name.is_empty()).collect();
    context! {
        title => article.title.as_str(),
        slug => slug(&article.title),
        url => article.url.as_str(),
        author => article.author.as_str(),
        authors => seen(authors),
        date => date(article.published),
        excerpt => article.excerpt(),
    }
}

/// The blocks of an article, cut before each heading of the highest level.
fn sections(article: &Article) -> Vec<Vec<Value>> {
    let mut sections: Vec<Vec<Value>> = Vec::new();
    for block in &article.blocks {
        let opens = matches!(block.part, Part::Heading { level: 2, .. });
        match sections.last_mut().filter(|_| !opens) {
            Some(section) => section.push(block.value()),
            None => sections.push(vec![block.value()]),
        }
    }
    sections
}

/// A day in the forms in which pages write it.
fn date(day: Date) -> Value {
    let form = |form: &str| day.strftime(form).to_string();
    context! {
        iso => form("%Y-%m-%dT09:30:00+00:00"),
        day => form("%Y-%m-%d"),
        long => form("%B %-d, %Y"),
        short => form("%b %-d, %Y"),
        british => form("%-d %B %Y"),
        year => form("%Y"),
    }
}

/// A value for templates.
fn seen(value: impl Serialize) -> Value {
    Value::from(minijinja::value::Serde(value))
}
