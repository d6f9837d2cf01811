//! `backissue unfollow`: stops following a source, after saying what goes with it.

use std::io::IsTerminal;

use anyhow::bail;
use backissue_model::{CanonicalUrl, Source};
use backissue_store::{SourceFilter, Store, Unfollow};
use jiff::Timestamp;
use serde_json::json;

use crate::args::UnfollowArgs;
use crate::exit::Outcome;
use crate::output;
use crate::settings::Settings;
use crate::{open, say};

/// Stops following one source.
pub async fn run(args: UnfollowArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let Some(source) = named(&store, &args.source).await? else {
        anstream::eprintln!("No source is called `{}`; `backissue sources` lists them.", args.source);
        return Ok(Outcome::NotThere);
    };
    if !args.yes && !args.keep_reads && !confirmed(&source)? {
        say!("Nothing was changed.")?;
        return Ok(Outcome::Fine);
    }
    let what = if args.keep_reads { Unfollow::KeepReads } else { Unfollow::DropReads };
    let gone = store.unfollow(source.id, what, Timestamp::now()).await?;
    if args.json {
        output::json(
            &json!({ "source": source.slug, "reads_dropped": gone.reads_dropped, "reads_kept": gone.reads_kept }),
        )?;
    } else {
        say!(
            "{} is followed no more; {} left the archive, {} stayed.",
            source.title,
            output::count(gone.reads_dropped, "read"),
            gone.reads_kept
        )?;
    }
    Ok(Outcome::Fine)
}

/// The source of this name, or with this address.
pub async fn named(store: &Store, name: &str) -> anyhow::Result<Option<Source>> {
    if let Some(source) = store.source_by_slug(name).await? {
        return Ok(Some(source));
    }
    let Ok(address) = name.parse::<CanonicalUrl>() else { return Ok(None) };
    let key = address.key();
    let is_it = |s: &Source| {
        [&s.feed_url, &s.site_url]
            .into_iter()
            .flatten()
            .any(|u| CanonicalUrl::of(u).is_ok_and(|c| c.key() == key))
    };
    Ok(store.sources(&SourceFilter::default()).await?.into_iter().find(is_it))
}

fn confirmed(source: &Source) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "{} has {}; those that you neither keep nor noted would leave the archive with it. Say --yes to go on, or \
             --keep-reads to keep them",
            source.title,
            output::count(source.reads, "read")
        );
    }
    let question = format!(
        "Stop following {}? Of its {}, those leave the archive that you neither keep nor noted.",
        source.title,
        output::count(source.reads, "read")
    );
    Ok(dialoguer::Confirm::new().with_prompt(question).default(false).interact()?)
}
