//! `backissue reindex`: rebuilds the search index from the archive, while the old one stays in use.

use std::time::Instant;

use serde_json::json;

use crate::args::JsonArgs;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, PLAIN, STRONG, say};
use crate::progress::TakingIn;
use crate::settings::Settings;

/// Rebuilds the index and prints its size.
pub async fn run(args: JsonArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let search = open::search(&settings, &store).await?;
    let begun = Instant::now();
    let mut bar = TakingIn::default();
    let made = search.rebuild(|progress| bar.tell(progress)).await?;
    drop(bar);
    let folder = search.index().folder().display().to_string();
    store.close().await;
    let Some(reads) = made else {
        anstream::eprintln!("Another backissue is rebuilding the index in {folder}; let it do the work.");
        return Ok(Outcome::Fault);
    };
    let seconds = begun.elapsed().as_secs_f64();
    if args.json {
        output::json(&json!({ "reads": reads, "seconds": seconds, "folder": folder }))?;
    } else {
        say!(
            "{STRONG}{}{PLAIN} indexed again in {seconds:.1} s, in {folder}.",
            output::count(reads, "read")
        )?;
    }
    Ok(Outcome::Fine)
}
