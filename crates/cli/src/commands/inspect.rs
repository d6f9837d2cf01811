//! `backissue inspect`: prints a parsed document as JSON. The format is stable.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use backissue_annotate::Text;
use backissue_extract::Page;
use backissue_feed::Hints;
use backissue_model::Article;
use serde_json::{Value, json};
use url::Url;

use crate::args::Inspect;
use crate::exit::Outcome;

/// Inspects each file. One file gives an object, or its error on standard error and exit code 1.
/// Several files give one object per line, with `error` for a refused document.
pub fn run(what: Inspect) -> anyhow::Result<Outcome> {
    match what {
        Inspect::Feed { files, url, media_type } => {
            let hints = Hints { url, media_type };
            each(&files, |bytes| feed(bytes, &hints))
        }
        Inspect::Page { files, url } => each(&files, |bytes| Ok(page_json(&article(bytes, url.as_ref())?))),
        Inspect::Precis { files, url, company } => {
            each(&files, |bytes| precis(bytes, url.as_ref(), company.as_deref()))
        }
    }
}

fn each(files: &[PathBuf], inspect: impl Fn(&[u8]) -> anyhow::Result<Value>) -> anyhow::Result<Outcome> {
    let read =
        |file: &Path| std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()));
    if let [only] = files {
        let value = inspect(&read(only)?).with_context(|| only.display().to_string())?;
        crate::output::json(&value)?;
        return Ok(Outcome::Fine);
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut outcome = Outcome::Fine;
    for file in files {
        let value = read(file).and_then(|bytes| inspect(&bytes)).unwrap_or_else(|refused| {
            outcome = Outcome::Fault;
            json!({ "error": format!("{refused:#}") })
        });
        let mut line = json!({ "file": file.display().to_string() });
        if let (Value::Object(line), Value::Object(fields)) = (&mut line, value) {
            line.extend(fields);
        }
        serde_json::to_writer(&mut out, &line).map_err(std::io::Error::from)?;
        writeln!(out)?;
    }
    out.flush()?;
    Ok(outcome)
}

fn feed(bytes: &[u8], hints: &Hints) -> anyhow::Result<Value> {
    let feed = backissue_feed::parse(bytes, hints)?;
    let entries: Vec<Value> = feed
        .entries
        .iter()
        .map(|e| {
            json!({ "id": e.id, "url": e.url, "title": e.title, "author": e.author, "published": e.published,
                    "updated": e.updated, "summary": e.summary, "content": e.content })
        })
        .collect();
    Ok(json!({ "format": feed.format, "title": feed.title, "site_url": feed.site_url, "entries": entries }))
}

fn article(bytes: &[u8], url: Option<&Url>) -> anyhow::Result<Article> {
    backissue_extract::extract(&Page { bytes, media_type: None, url }, None).map_err(|e| anyhow!(e))
}

fn page_json(article: &Article) -> Value {
    json!({
        "canonical_url": article.canonical_url, "title": article.title, "author": article.author,
        "published": article.published, "site_name": article.site_name, "language": article.language,
        "text": article.text, "html": article.html, "words": article.words, "minutes": article.minutes,
    })
}

fn precis(bytes: &[u8], url: Option<&Url>, company: Option<&str>) -> anyhow::Result<Value> {
    let article = article(bytes, url)?;
    let company = company.or(article.site_name.as_deref()).unwrap_or_default();
    let url = url.or(article.canonical_url.as_ref());
    let precis = backissue_annotate::annotate(&Text::of(&article, company, url));
    Ok(serde_json::to_value(precis)?)
}
