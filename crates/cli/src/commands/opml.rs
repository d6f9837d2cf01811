//! `backissue import` and `backissue export`: subscriptions for other programs, and labels. `own`
//! has a reader's own data.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};
use backissue_feed::opml::{self, OpmlError, Outline};
use backissue_feed::saved_links;
use backissue_model::{NewSource, Source};
use backissue_store::SourceFilter;
use jiff::Timestamp;
use serde_json::json;

use crate::args::{ExportArgs, ImportArgs};
use crate::commands::{correct, own};
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, say};
use crate::settings::Settings;

/// Follows all feeds of an OPML file, or imports what `export --mine` wrote.
pub async fn import(args: ImportArgs, settings: Settings) -> anyhow::Result<Outcome> {
    if args.file.is_dir() {
        return own::import_folder(&args, &settings).await;
    }
    let bytes = read(&args.file)?;
    if let Some(links) = saved_links::read(&bytes) {
        let links = links.with_context(|| format!("{} cannot be imported", args.file.display()))?;
        return own::import_links(&args, &settings, links).await;
    }
    if let Some(own) = own::exported(&bytes) {
        let own = own.with_context(|| format!("{} cannot be imported", args.file.display()))?;
        let store = open::store(&settings).await;
        let store = store
            .context("marks, notes, labels and highlights can only be added to the reads of an archive")?;
        return own::import(&store, &args, &settings, own, Vec::new()).await;
    }
    let list = match opml::read(&bytes) {
        Err(OpmlError::NoOutlines) => bail!(
            "{} is nothing that can be imported: no list of feeds in OPML, no file or folder of `backissue export --mine`, \
             and no saved links from Pocket, Instapaper, Readwise Reader, Wallabag or Omnivore",
            args.file.display()
        ),
        list => list.with_context(|| format!("{} cannot be imported", args.file.display()))?,
    };
    let store = open::store_or_new(&settings).await?;
    let (mut new, mut known) = (0u64, 0u64);
    for outline in &list.outlines {
        let follow =
            store.follow_in_group(&source_of(outline), outline.group.as_deref(), Timestamp::now()).await?;
        *(if follow.is_new { &mut new } else { &mut known }) += 1;
    }
    if args.json {
        output::json(&json!({ "new": new, "known": known, "skipped": list.skipped }))?;
    } else {
        say!("Following {}; {known} were followed already.", output::count(new, "new source"))?;
        for skipped in &list.skipped {
            say!("Left out: {skipped}")?;
        }
    }
    Ok(Outcome::Fine)
}

/// The blog of a feed in a list.
pub fn source_of(outline: &Outline) -> NewSource {
    NewSource {
        title: outline.title.clone(),
        company: None,
        site_url: outline.site_url.clone(),
        feed_url: Some(outline.feed_url.clone()),
        sitemap_url: None,
        listing_url: None,
    }
}

/// Writes the followed feeds as OPML, the reader's own data, or corrected reads as labels.
pub async fn export(args: ExportArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    if let Some(file) = &args.mine {
        return own::export(
            &store,
            open::reader(&store, args.who.reader.as_ref()).await?,
            file,
            args.markdown,
        )
        .await;
    }
    if let Some(file) = &args.corrections {
        return correct::export(&store, file).await;
    }
    let sources = store.sources(&SourceFilter::default()).await?;
    let outlines = outlines(sources);
    let text = opml::write(&outlines);
    match &args.output {
        Some(path) => {
            std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
            anstream::eprintln!(
                "{} written to {}",
                output::count(outlines.len() as u64, "feed"),
                path.display()
            );
        }
        None => say!("{text}")?,
    }
    Ok(Outcome::Fine)
}

/// The feeds of these sources, for a list.
pub fn outlines(sources: Vec<Source>) -> Vec<Outline> {
    let outline = |s: Source| {
        Some(Outline { title: s.title, feed_url: s.feed_url?, site_url: s.site_url, group: s.group })
    };
    sources.into_iter().filter_map(outline).collect()
}

fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    if file.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).context("standard input cannot be read")?;
        return Ok(bytes);
    }
    std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))
}
