//! `backissue backup` and `restore`: the archive in one file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use backissue_store::{BackupFacts, Location, ServerFacts, Store, make_private_folder};
use tempfile::NamedTempFile;

use crate::args::{BackupArgs, RestoreArgs};
use crate::exit::Outcome;
use crate::open;
use crate::output::{count, say};
use crate::settings::Settings;
use crate::values::Size;

/// Writes a backup, or explains how to write one on PostgreSQL.
pub async fn backup(args: BackupArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    if let Some(server) = store.server_facts().await? {
        return tell_dump(&store, &server, &args.file);
    }
    let file = &args.file;
    if let Location::Sqlite(archive) = store.location() {
        ensure!(
            !is_of_archive(file, archive),
            "{} belongs to the archive itself; name another file",
            file.display()
        );
    }
    ensure!(
        args.force || !file.exists(),
        "{} is there already; name another file, or add --force to replace it",
        file.display()
    );
    let written = write(&store, file).await?;
    let facts = Store::look_at_backup(written.path()).await?;
    let kept = if args.force {
        written.persist(file).map_err(|failed| failed.error)
    } else {
        written.persist_noclobber(file).map_err(|failed| failed.error)
    };
    kept.with_context(|| format!("the backup cannot be given the name {}", file.display()))?;
    say!("{}: {}", file.display(), told(&facts, file)?)?;
    Ok(Outcome::Fine)
}

/// Whether `file` is the archive's database or one of the files that SQLite keeps beside it.
fn is_of_archive(file: &Path, archive: &Path) -> bool {
    let place = |path: &Path| Some((fs::canonicalize(folder_of(path)).ok()?, path.file_name()?.to_owned()));
    let real = fs::canonicalize(archive).unwrap_or_else(|_| archive.to_owned());
    [archive, &real]
        .into_iter()
        .flat_map(|database| ["", "-wal", "-shm", "-journal"].map(|end| with_end(database, end)))
        .any(|kept| place(&kept) == place(file))
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes a backup beside `file`, under a temporary name.
async fn write(store: &Store, file: &Path) -> anyhow::Result<NamedTempFile> {
    let written = temporary_beside(file)?;
    store.backup_to(written.path()).await?;
    written.as_file().sync_all().with_context(|| format!("{} cannot be written", file.display()))?;
    Ok(written)
}

fn temporary_beside(file: &Path) -> anyhow::Result<NamedTempFile> {
    let folder = folder_of(file);
    let made = tempfile::Builder::new().prefix(".backissue-").tempfile_in(folder);
    made.with_context(|| format!("no file can be written in {}; check that it exists", folder.display()))
}

/// The message about backups of older versions, and about files that are not backups.
const WITHOUT_CHECKSUMS: &str = "it has no checksums, so changed rows are not noticed";

fn told(facts: &BackupFacts, file: &Path) -> anyhow::Result<String> {
    let BackupFacts { reads, sources, schema, has_checksums } = *facts;
    let checksums = if has_checksums { String::new() } else { format!("; {WITHOUT_CHECKSUMS}") };
    let size = Size(fs::metadata(file)?.len().div_ceil(1_000_000) * 1_000_000);
    Ok(format!(
        "{} of {}, {size}, schema {schema}{checksums}",
        count(reads, "read"),
        count(sources, "source")
    ))
}

/// Explains how to back up a PostgreSQL archive, and whether this can work. Nothing is backed up,
/// so the exit code is 1.
fn tell_dump(store: &Store, server: &ServerFacts, file: &Path) -> anyhow::Result<Outcome> {
    let (from, file) = (store.location(), file.display());
    say!("This archive is on PostgreSQL, whose own tool takes backups while it is in use:")?;
    say!("  pg_dump --format=custom --no-owner --file={file} {from}")?;
    say!("and restores them into an empty database:")?;
    say!("  pg_restore --no-owner --exit-on-error --dbname=postgres://USER@HOST/EMPTY {file}")?;
    say!("A copy in one SQLite file: backissue copy --from {from} --to sqlite:{file}")?;
    match dump_version() {
        Some(version) if version < server.version => say!(
            "Fault: the server has version {}, and pg_dump on this machine is of version {version}, which is too old.",
            server.version
        )?,
        Some(version) => {
            say!("pg_dump {version} is on this machine and fits the server, version {}.", server.version)?
        }
        None => say!("pg_dump is not on this machine; install version {} or newer.", server.version)?,
    }
    if server.unreadable.is_empty() {
        say!("This account may read every table.")?;
    } else {
        say!(
            "Fault: this account may not read {}; use the one that owns them.",
            server.unreadable.join(", ")
        )?;
    }
    Ok(Outcome::Fault)
}

/// The major version of `pg_dump`.
fn dump_version() -> Option<i64> {
    let said = Command::new("pg_dump").arg("--version").output().ok()?;
    let said = String::from_utf8(said.stdout).ok()?;
    let number = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split('.').next()?.parse().ok()
}

/// Makes an archive of a backup.
pub async fn restore(args: RestoreArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let file = &args.file;
    let archive = match settings.location()? {
        Location::Sqlite(archive) => archive,
        to @ Location::Postgres(_) => bail!(
            "the archive of these settings is on PostgreSQL: restore a dump with pg_restore, or use `backissue copy --from \
             sqlite:{} --to {to}`",
            file.display()
        ),
    };
    for there in [archive.clone(), with_end(&archive, "-wal"), with_end(&archive, "-journal")] {
        ensure!(
            !there.exists(),
            "{} is there already; restore into another folder with --data, or move it away first",
            there.display()
        );
    }
    let folder = archive.parent().unwrap_or(Path::new("."));
    make_private_folder(folder).with_context(|| {
        format!("the folder {} cannot be made; name another with --data", folder.display())
    })?;
    Store::look_at_backup(file).await.with_context(|| format!("{} was not restored", file.display()))?;
    let mut copied = temporary_beside(&archive)?;
    let mut from = fs::File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    io::copy(&mut from, copied.as_file_mut())
        .with_context(|| format!("{} cannot be written", archive.display()))?;
    copied.as_file().sync_all()?;
    // What was read may differ from what was looked at.
    let facts = Store::look_at_backup(copied.path()).await?;
    remove_index(&open::index_folder(&settings)?)?;
    copied
        .persist_noclobber(&archive)
        .with_context(|| format!("{} cannot be made; is it there already?", archive.display()))?;
    say!("{}: {}", archive.display(), told(&facts, &archive)?)?;
    say!("The search index is built by the next `backissue serve` or `find`.")?;
    Ok(Outcome::Fine)
}

/// Removes the search index of an earlier archive in the same folder.
fn remove_index(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error).with_context(|| {
            format!("the old search index {} cannot be removed; delete it", folder.display())
        }),
        _ => Ok(()),
    }
}

fn with_end(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Proves that a backup can be restored: restores it into a temporary folder, and checks the result
/// down to each article. Without a file, the backup is made now, and compared with the archive row
/// by row.
pub async fn prove(store: Option<&Store>, file: Option<&Path>) -> anyhow::Result<String> {
    let folder = tempfile::Builder::new().prefix("backissue-doctor-").tempdir()?;
    let copy = Location::Sqlite(folder.path().join("archive.sqlite"));
    let Location::Sqlite(path) = &copy else { bail!("a SQLite archive is a file") };
    let compared = match (file, store) {
        (Some(file), _) => {
            let facts = Store::look_at_backup(file).await?;
            fs::copy(file, path).with_context(|| format!("{} cannot be copied", file.display()))?;
            if facts.has_checksums { String::new() } else { format!("{WITHOUT_CHECKSUMS}; ") }
        }
        (None, Some(store)) => {
            let copied = store.copy_to(&copy, |_| ()).await?;
            format!("{} are equal; ", count(copied.rows, "row"))
        }
        (None, None) => bail!("there is no archive to back up; name a backup with --deep FILE"),
    };
    let restored = Store::look_at(&copy).await?;
    let mut found = restored.check().await;
    found.push(restored.check_rows().await);
    let faults: Vec<String> = found.into_iter().filter(|found| !found.ok).map(|found| found.detail).collect();
    let reads = count(restored.shown().await?, "read");
    restored.close().await;
    ensure!(faults.is_empty(), "the restored archive has faults: {}", faults.join("; "));
    Ok(match store {
        Some(store) => {
            format!("{compared}it restores to {reads}; the archive has {}", store.shown().await?)
        }
        None => format!("it restores to {reads}"),
    })
}
