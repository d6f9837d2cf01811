//! A reader's own data out and in, for another archive or program: `backissue export --mine`, and
//! `import` of it, of a folder of Markdown, and of links that other programs saved.

use std::path::Path;

use anyhow::{Context, bail};
use backissue_feed::saved_links::{SavedLink, SavedLinks};
use backissue_model::{CanonicalUrl, NoteText, ReaderId};
use backissue_practise::next_showing;
use backissue_store::{OWN_FORM, OwnFile, OwnRead, Store, TakenIn};
use jiff::Timestamp;
use serde_json::json;

use crate::args::ImportArgs;
use crate::commands::searches::why_not;
use crate::exit::Outcome;
use crate::output::{self, say};
use crate::settings::Settings;
use crate::{open, own_markdown, text};

/// Pages that are admitted in one transaction.
const PAGES_AT_ONCE: usize = 200;

/// Writes all that the reader did and wrote: as JSON, or as a folder of Markdown.
pub async fn export(store: &Store, reader: ReaderId, file: &Path, markdown: bool) -> anyhow::Result<Outcome> {
    if markdown {
        return export_folder(file, &store.own_file(reader).await?);
    }
    let own = store.own_file(reader).await?;
    let (count, searches) = (own.reads.len() as u64, own.searches.len() as u64);
    let text = serde_json::to_string_pretty(&own)?;
    if file.as_os_str() == "-" {
        say!("{text}")?;
        return Ok(Outcome::Fine);
    }
    text::write_private(file, &(text + "\n"))
        .with_context(|| format!("{} cannot be written", file.display()))?;
    let searches = match searches {
        0 => String::new(),
        1 => " and one saved search".to_owned(),
        searches => format!(" and {searches} saved searches"),
    };
    let count = output::count(count, "read");
    anstream::eprintln!("Your data on {count}{searches} was written to {}", file.display());
    Ok(Outcome::Fine)
}

fn export_folder(folder: &Path, own: &OwnFile) -> anyhow::Result<Outcome> {
    let written = own_markdown::write(folder, &own.reads, &own.searches)?;
    let count = output::count(written.files, "file");
    anstream::eprintln!("Your data was written to {count} in {}", folder.display());
    for path in &written.changed {
        anstream::eprintln!("Changed since it was written, so it stays: {}", path.display());
    }
    if written.changed.is_empty() {
        return Ok(Outcome::Fine);
    }
    let folder = folder.display();
    anstream::eprintln!(
        "`backissue import {folder}` takes these in; delete them to have them written again."
    );
    Ok(Outcome::Partly)
}

/// Parses a file that `export --mine` wrote. Returns `None` if the bytes are no such file.
pub fn exported(bytes: &[u8]) -> Option<anyhow::Result<OwnFile>> {
    text::begins_with(b'{', bytes).then(|| {
        let text = text::decoded(bytes)?;
        let exported: OwnFile = serde_json::from_str(&text).context("`export --mine` did not write it")?;
        if exported.form != OWN_FORM {
            bail!("its format is `{}`; this program reads `{OWN_FORM}`", exported.form);
        }
        Ok(exported)
    })
}

/// Imports a folder of Markdown that `export --mine --markdown` wrote.
pub async fn import_folder(args: &ImportArgs, settings: &Settings) -> anyhow::Result<Outcome> {
    let found = own_markdown::read(&args.file, Timestamp::now())?;
    if found.reads.is_empty() && found.searches.is_empty() {
        bail!(
            "{} has no Markdown file with the address of a read (`url:`) in its front matter; `backissue export --mine DIR \
             --markdown` writes such files",
            args.file.display()
        );
    }
    if found.others > 0 && !args.json {
        let others = output::count(found.others, "other Markdown file");
        anstream::eprintln!("Left alone: {others} without the address of a read.");
    }
    let store = open::store(settings).await?;
    let skipped = found.skipped.iter().map(|(path, why)| format!("{}: {why}", path.display())).collect();
    let own = OwnFile { searches: found.searches, ..file_of(found.reads) };
    import(&store, args, settings, own, skipped).await
}

/// Imports links that another program saved. Each becomes a saved page.
pub async fn import_links(
    args: &ImportArgs,
    settings: &Settings,
    list: SavedLinks,
) -> anyhow::Result<Outcome> {
    let store = open::store_or_new(settings).await?;
    let now = Timestamp::now();
    let reads: Vec<OwnRead> = list.links.into_iter().map(|link| own_of(link, now)).collect();
    if !args.json {
        say!("{}: {}.", list.exporter, output::count(reads.len() as u64, "saved link"))?;
    }
    import(&store, args, settings, file_of(reads), list.skipped).await
}

fn file_of(reads: Vec<OwnRead>) -> OwnFile {
    OwnFile { form: OWN_FORM.to_owned(), reads, searches: Vec::new() }
}

/// Converts a saved link. An archived link is marked as done. Others are kept, and so are
/// favourites.
fn own_of(link: SavedLink, now: Timestamp) -> OwnRead {
    let saved = link.saved.unwrap_or(now);
    OwnRead {
        url: link.url.to_string(),
        title: link.title,
        saved: true,
        kept: (!link.done || link.starred).then_some(saved),
        done: link.done.then(|| link.done_at.unwrap_or(saved)),
        note: NoteText::from(link.note),
        note_made: link.saved,
        note_changed: link.saved,
        labels: link.labels,
        ..OwnRead::default()
    }
}

/// Admits those of these reads that were saved by their address. Returns the number of new reads,
/// and why others cannot be fetched.
async fn admit(store: &Store, settings: &Settings, reads: &[OwnRead]) -> anyhow::Result<(u64, Vec<String>)> {
    let (mut pages, mut refused) = (Vec::new(), Vec::new());
    for read in reads.iter().filter(|read| read.saved) {
        match read.url.parse::<CanonicalUrl>() {
            Ok(url) => match open::why_not_fetched(settings, url.as_url()) {
                None => pages.push((url, read.title.clone())),
                Some(why) => refused.push(format!("{url} is not public: {why}")),
            },
            Err(why) => refused.push(format!("“{}”: {why}", read.url)),
        }
    }
    let mut new = 0;
    for some in pages.chunks(PAGES_AT_ONCE) {
        new += store.admit_saved(some, Timestamp::now()).await?;
    }
    Ok((new, refused))
}

/// Adds exported data to the archive's data, and prints the result. `skipped` has what was left out
/// already.
pub async fn import(
    store: &Store,
    args: &ImportArgs,
    settings: &Settings,
    own: OwnFile,
    mut skipped: Vec<String>,
) -> anyhow::Result<Outcome> {
    let (reader, now) = (open::reader(store, args.who.reader.as_ref()).await?, Timestamp::now());
    let (new, not_saved) = admit(store, settings, &own.reads).await?;
    skipped.extend(not_saved);
    let TakenIn { reads, missing, refused } = store.take_in(reader, &own.reads, next_showing, now).await?;
    let searches = store.take_in_searches(reader, &own.searches, now).await?;
    let searches: Vec<_> =
        searches.iter().map(|(name, why)| (name.to_string(), why_not(name, *why))).collect();
    // What cannot be fetched is named once.
    let is_named = |url: &String| skipped.iter().any(|why| why.contains(url.as_str()));
    let missing: Vec<String> = missing.into_iter().filter(|url| !is_named(url)).collect();
    if args.json {
        let refused = refused.iter().map(|(url, what)| json!({ "url": url, "why": what.to_string() }));
        let refused: Vec<_> = refused.collect();
        let searches = searches.iter().map(|(name, why)| json!({ "search": name, "why": why }));
        let searches: Vec<_> = searches.collect();
        output::json(&json!({
            "reads": reads, "new": new, "missing": missing, "refused": refused, "skipped": skipped,
            "refused_searches": searches,
        }))?;
    } else {
        tell(reads, new, &missing, &skipped)?;
        for (url, what) in &refused {
            say!("Not imported for {url}: {what}.")?;
        }
        for (name, why) in &searches {
            say!("The saved search “{name}” was not imported: {why}.")?;
        }
        if !refused.is_empty() {
            say!("Change these in the file, and import it again; existing data stays.")?;
        }
    }
    let is_whole = missing.is_empty() && refused.is_empty() && skipped.is_empty() && searches.is_empty();
    Ok(if is_whole { Outcome::Fine } else { Outcome::Partly })
}

fn tell(reads: u64, new: u64, missing: &[String], skipped: &[String]) -> anyhow::Result<()> {
    say!("Imported what was done with {}.", output::count(reads, "read"))?;
    if new > 0 {
        let pages = output::count(new, "page");
        say!("{pages} will be fetched by a running `backissue serve` or the next `backissue sync`.")?;
    }
    for why in skipped {
        say!("Left out: {why}.")?;
    }
    for url in missing {
        say!("Not in the archive, so not imported: {url}")?;
    }
    if !missing.is_empty() {
        say!("Follow their blogs, fetch them, and import the file again; existing data stays.")?;
    }
    Ok(())
}
