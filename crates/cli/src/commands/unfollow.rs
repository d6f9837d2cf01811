//! `backissue unfollow`: stops following a source, after saying which reads it removes.

use std::io::IsTerminal;

use anyhow::bail;
use backissue_model::Source;
use backissue_store::Unfollow;
use jiff::Timestamp;
use serde_json::json;

use crate::args::UnfollowArgs;
use crate::commands::sources;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, say};
use crate::settings::Settings;

/// The reads that leave the archive with their source.
const GOING: &str = "those that nobody keeps, noted, labelled, highlighted, answered, rated or corrected";

/// Stops following one source.
pub async fn run(args: UnfollowArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let Some(source) = sources::named(&store, &args.source).await? else {
        return sources::tell_unknown(&store, &args.source).await;
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
            "{} is not followed any more; {} left the archive, {} stayed.",
            source.title,
            output::count(gone.reads_dropped, "read"),
            gone.reads_kept
        )?;
    }
    Ok(Outcome::Fine)
}

fn confirmed(source: &Source) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!(
            "{} has {}; {GOING} would leave the archive with it. Say --yes to go on, or --keep-reads to keep them",
            source.title,
            output::count(source.reads, "read")
        );
    }
    let question = format!(
        "Stop following {}? Of its {}, {GOING} leave the archive.",
        source.title,
        output::count(source.reads, "read")
    );
    Ok(dialoguer::Confirm::new().with_prompt(question).default(false).interact()?)
}
