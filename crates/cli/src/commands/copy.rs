//! `backissue copy`: a whole archive into another database.

use std::path::Path;

use anyhow::{bail, ensure};
use backissue_store::{Copied, CopyStep, Location, Store};
use serde_json::json;

use crate::args::CopyArgs;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, count, say};
use crate::progress::Making;

/// Copies, compares, and prints the result.
pub async fn run(args: CopyArgs) -> anyhow::Result<Outcome> {
    let CopyArgs { from, to, json } = args;
    ensure!(from != to, "{from} cannot be copied to itself; name another database with --to");
    let Some(store) = Store::open_to_copy(&from).await? else {
        bail!(
            "there is no archive in {from}; name one as sqlite:FILE or postgres://USER@HOST/DATABASE with --from"
        );
    };
    let Some(_target) = open::work_lock(&to)? else {
        bail!("another backissue works on {to}; stop it first");
    };
    ensure!(
        store.is_up_to_date().await,
        "{from} was written by another version of backissue; open it with this one first (`backissue doctor --data FOLDER`), or make an \
         archive of it if it is a backup (`backissue restore FILE --data FOLDER`)"
    );
    // Nothing is written beside a backup, on which no program works.
    let is_archive = matches!(&from, Location::Sqlite(file) if file.ends_with("archive.sqlite"));
    let source = if is_archive { Some(open::work_lock(&from)?) } else { None };
    if matches!(source, Some(None)) || matches!(from, Location::Postgres(_)) {
        anstream::eprintln!(
            "What is written into {from} from now on is not copied; stop its programs to miss nothing."
        );
    }
    let mut bar = Making::default();
    let copied = store
        .copy_to(&to, |progress| {
            let what = if progress.step == CopyStep::Copying { "Copying" } else { "Comparing" };
            bar.tell_of(what, progress.done, progress.rows);
        })
        .await;
    drop(bar);
    store.close().await;
    let Copied { tables, rows, found } = copied?;
    if json {
        output::json(&json!({ "tables": tables, "rows": rows, "found": found }))?;
        return Ok(Outcome::Fine);
    }
    let before = if found > 0 {
        format!(", of which {found} were there from a copy that was interrupted")
    } else {
        String::new()
    };
    say!(
        "Copied {} of {} to {to}{before}; each is equal on both sides.",
        count(rows, "row"),
        count(tables, "table")
    )?;
    match &to {
        Location::Sqlite(file) => say!("{}", use_of(file)?)?,
        Location::Postgres(_) => say!("Use it with `database` in the settings.")?,
    }
    say!("The search index is built there by the next `backissue serve` or `find`.")?;
    Ok(Outcome::Fine)
}

/// The setting with which commands use an archive, from any folder.
fn use_of(file: &Path) -> anyhow::Result<String> {
    let file = std::path::absolute(file)?;
    let how = if file.ends_with("archive.sqlite") { "Use" } else { "Rename it to archive.sqlite and use" };
    Ok(format!("{how} it with --data {}.", file.parent().unwrap_or(&file).display()))
}
