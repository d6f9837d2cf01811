//! Makes an archive of all articles of the shared test data, in the same way as the program, for
//! chores that need one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use backissue_annotate::{Text, annotate};
use backissue_extract::{Page, extract};
use backissue_model::{CanonicalUrl, Entry, NewSource, PollingHints, Stage};
use backissue_needs::shared_dir;
use backissue_store::{Address, Admission, ChangeMark, NextPoll, PollOutcome, ReadText, Retry, Scope, Store};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use url::Url;

use crate::labels;

const LEASE: SignedDuration = SignedDuration::from_hours(1);

#[derive(Deserialize)]
struct Blog {
    host: String,
    title: String,
    feeds: Vec<String>,
}

/// Adds all articles of the shared test data to the archive, and waits until all have their précis.
/// Skips articles that cannot be extracted.
///
/// # Errors
/// If the test data is missing, or the store fails.
pub async fn fill(store: &Store) -> anyhow::Result<()> {
    let web = shared_dir()?.join("web");
    let manifest = web.join("manifest.json");
    let text = std::fs::read_to_string(&manifest)
        .with_context(|| format!("{} cannot be read", manifest.display()))?;
    let companies: BTreeMap<String, String> =
        labels::labels()?.into_iter().map(|label| (label.blog().to_owned(), label.company)).collect();
    for blog in serde_json::from_str::<Vec<Blog>>(&text)? {
        follow(store, &web, &blog, companies.get(&blog.host)).await?;
    }
    let now = Timestamp::now();
    while let Some(read) = store.claim_read(Stage::Discovered, now, LEASE, &[]).await? {
        let bytes = std::fs::read(labels::page_file(&web, read.url.as_url()))?;
        let page = Page {
            bytes: &bytes,
            media_type: Some("text/html; charset=utf-8"),
            url: Some(read.url.as_url()),
        };
        match extract(&page, None) {
            Ok(article) => {
                store.finish_extract(&read, &article, &read.url, now).await?;
            }
            Err(error) => {
                store.fail(&read, &error.to_string(), now, Retry::SetAside).await?;
            }
        }
    }
    while let Some(read) = store.claim_read(Stage::Extracted, now, LEASE, &[]).await? {
        let article = read.article.as_ref().context("an extracted read without its article")?;
        let precis = annotate(&Text::of(article, &read.company, Some(read.url.as_url())));
        store.finish_annotate(&read, &precis, now).await?;
    }
    Ok(())
}

/// All annotated reads of an archive.
///
/// # Errors
/// If the store fails.
pub async fn reads(store: &Store) -> anyhow::Result<Vec<ReadText>> {
    let (mut reads, mut after) = (Vec::new(), ChangeMark::default());
    loop {
        let changes = store.changes(after, 500).await?;
        reads.extend(changes.reads);
        match changes.next {
            Some(next) => after = next,
            None => return Ok(reads),
        }
    }
}

async fn follow(store: &Store, web: &Path, blog: &Blog, company: Option<&String>) -> anyhow::Result<()> {
    let now = Timestamp::now();
    let site: Url = format!("https://{}/", blog.host).parse()?;
    let new = NewSource {
        title: blog.title.clone(),
        company: company.cloned(),
        feed_url: blog.feeds.first().map(|feed| site.join(feed)).transpose()?,
        site_url: Some(site.clone()),
        sitemap_url: None,
        listing_url: None,
    };
    store.follow(&new, now).await?;
    let claimed = store.claim_source(now, LEASE, &[], Scope::AllNow { since: now }).await?;
    let claimed = claimed.context("the new source is not due")?;
    let mut files = pages(&web.join(&blog.host))?;
    files.sort();
    let admissions = files.iter().map(|file| admission(&site, &web.join(&blog.host), file));
    let outcome = PollOutcome::Fetched {
        feed_title: None,
        site_url: None,
        language: None,
        address: Address::Stays,
        polling_hints: PollingHints::default(),
        etag: None,
        last_modified: None,
        articles: admissions.collect::<anyhow::Result<_>>()?,
        doubtful: Vec::new(),
    };
    store.record_poll(&claimed, outcome, now, |_| NextPoll::default()).await?;
    Ok(())
}

/// The files of articles: all pages except pages that list articles.
fn pages(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(&at).with_context(|| format!("{} cannot be read", at.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "html") {
                found.push(path);
            }
        }
    }
    let lists = [folder.join("index.html"), folder.join("inside-rust/index.html")];
    found.retain(|path| !lists.contains(path));
    ensure!(!found.is_empty(), "{} has no articles", folder.display());
    Ok(found)
}

fn admission(site: &Url, folder: &Path, file: &Path) -> anyhow::Result<Admission> {
    let path = file.strip_prefix(folder)?.to_string_lossy().into_owned();
    let url: CanonicalUrl = site.join(path.strip_suffix("index.html").unwrap_or(&path))?.as_str().parse()?;
    Ok(Admission { url, entry: Entry::default() })
}
