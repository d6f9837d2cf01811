//! Failures of storage: a full disk, a read-only folder, a locked file, a damaged file, a database
//! server that restarts. Each is reported with its remedy, and existing data is not changed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use backissue_needs::{needs, shared_dir};
use backissue_tests::contents::Contents;
use backissue_tests::postgres::Cluster;
use backissue_tests::program::{Archive, Served, client, wait};
use backissue_tests::web::{SmallWeb, SmallWebOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Executor};

use crate::{archive_of, small_web, synced_small_web};

/// The limit of file sizes: half of the archive's final size, in the shell's blocks of 512 bytes.
const ROOM: &str = "8000";

/// A command that writes to the archive and sends no requests.
const UNFOLLOW: [&str; 3] = ["unfollow", "https://vitess.io/blog/feed.json", "--yes"];

/// Runs `sync` with a limit of [`ROOM`] on file sizes. The system refuses to write, as on a full
/// disk.
fn sync_on_a_full_disk(archive: &Archive) -> std::process::Output {
    let limited = format!("trap '' XFSZ; ulimit -f {ROOM}; exec \"$@\"");
    through(&["sh", "-c", &limited, "sh"], &archive.command(&["sync", "--log", "off"])).output().unwrap()
}

/// The command, started by another program whose arguments come first.
fn through(by: &[&str], command: &Command) -> Command {
    let mut whole = Command::new(by[0]);
    whole.args(&by[1..]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => whole.env(name, value),
            None => whole.env_remove(name),
        };
    }
    whole.stdin(Stdio::null());
    whole
}

#[test]
fn full_disk_ends_the_sync_and_the_next_completes_it() {
    needs!(SharedData);
    let (_web, archive) = small_web();
    let file = archive.folder().join("archive.sqlite");
    let mut before = Contents::of_sqlite(&file).unwrap();
    // Twice: the second time there is no space from the start.
    for _ in 0..2 {
        let ended = sync_on_a_full_disk(&archive);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{said}");
        assert!(said.contains("archive.sqlite") && said.contains("free space"), "{said}");
        assert!(said.contains("no stored data is lost"), "{said}");
        let now = Contents::of_sqlite(&file).unwrap();
        assert!(now.reads() >= before.reads(), "{} reads of {}", now.reads(), before.reads());
        before = now;
        let found = archive.json(&["doctor"]).unwrap();
        assert_eq!(found["ok"], true, "{found}");
    }
    assert!(before.reads() > 0);
    archive.done(&["sync"]).unwrap();
    let (_web, undisturbed) = synced_small_web();
    let whole = Contents::of_sqlite(&undisturbed.folder().join("archive.sqlite")).unwrap();
    let differences = Contents::of_sqlite(&file).unwrap().differences(&whole);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn pages_stay_up_on_a_full_disk() {
    needs!(SharedData);
    let (_web, archive) = small_web();
    let limited = format!("trap '' XFSZ; ulimit -f {ROOM}; exec \"$@\"");
    let serve = archive.command(&["serve", "--listen", "127.0.0.1:0"]);
    let served = Served::start(through(&["sh", "-c", &limited, "sh"], &serve)).unwrap();
    let client = client();
    let told = served.hears("nothing is fetched until it works again").unwrap();
    assert!(told.contains("archive.sqlite"), "{told}");
    for path in ["/", "/weeks", "/sources"] {
        match client.get(served.url(path)).send().await {
            Ok(page) => assert_eq!(page.status(), 200, "{path}"),
            Err(error) => panic!("{path}: {error}: {:?}", served.ended()),
        }
    }
    served.stop().unwrap();
    let found = archive.json(&["doctor"]).unwrap();
    assert_eq!(found["ok"], true, "{found}");
}

#[test]
fn file_that_is_deleted_under_serve_stops_it() {
    needs!(SharedData);
    let (_web, archive) = small_web();
    let served = archive.serve(&["--no-fetch"]).unwrap();
    std::fs::remove_file(archive.folder().join("archive.sqlite")).unwrap();
    let (status, said) = served.ended().unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("was deleted or replaced"), "{said}");
}

#[tokio::test]
async fn reads_that_a_killed_annotate_left_are_reported() {
    needs!(SharedData);
    let (_web, archive) = synced_small_web();
    let options = SqliteConnectOptions::new().filename(archive.folder().join("archive.sqlite"));
    let mut killed = options.connect().await.unwrap();
    killed.execute("UPDATE read SET ask = 'built-in', due_at = 1 WHERE id IN (1, 2, 3)").await.unwrap();
    killed.close().await.unwrap();
    let found = archive.run(&["doctor"]).unwrap();
    assert_eq!(found.code, 1, "{}", found.out);
    assert!(found.out.contains("3 reads for `built-in`"), "{}", found.out);
    assert!(found.out.contains("backissue annotate READ"), "{}", found.out);
    archive.done(&["annotate", "1"]).unwrap();
    archive.done(&["doctor"]).unwrap();
}

#[test]
fn empty_file_is_refused_by_every_command() {
    let archive = Archive::new(Vec::new()).unwrap();
    let file = archive.folder().join("archive.sqlite");
    fs::write(&file, "").unwrap();
    for words in [&["sync"][..], &["weeks"], &["serve", "--no-fetch"], &["doctor"]] {
        let said = archive.run(words).unwrap();
        assert_eq!(said.code, 1, "{words:?}: {}{}", said.out, said.err);
        let told = format!("{}{}", said.out, said.err);
        assert!(told.contains("is empty and no archive"), "{words:?}: {told}");
    }
    assert_eq!(fs::metadata(&file).unwrap().len(), 0);
}

#[test]
fn damaged_file_is_reported_and_not_changed() {
    let archive = Archive::new(Vec::new()).unwrap();
    archive.done(&["sources", "--create"]).unwrap();
    let file = archive.folder().join("archive.sqlite");
    // The last connection to close merges the log.
    assert_eq!(Contents::of_sqlite(&file).unwrap().reads(), 0);
    let sound = std::fs::read(&file).unwrap();
    let mut damaged = sound.clone();
    // The header stays, so that it looks like a database; all other pages are noise.
    damaged.iter_mut().skip(4096).enumerate().for_each(|(n, byte)| *byte = (n % 251) as u8);
    std::fs::write(&file, &damaged).unwrap();
    for words in
        [&["sync"][..], &["weeks"], &["sources"], &["find", "x"], &["serve", "--no-fetch"], &["doctor"]]
    {
        let said = archive.run(words).unwrap();
        assert_eq!(said.code, 1, "{words:?}: {}{}", said.out, said.err);
        let told = format!("{}{}", said.out, said.err);
        assert!(told.contains("archive.sqlite is damaged"), "{words:?}: {told}");
        assert!(told.contains("restore a backup"), "{words:?}: {told}");
    }
    assert!(std::fs::read(&file).unwrap() == damaged, "the file was changed");
}

#[test]
fn impossible_data_folder_is_reported_with_a_remedy() {
    // Not even root can create folders there.
    let mut command = Command::new(backissue_tests::program::binary().unwrap());
    let ended = command.args(["sync", "--data", "/proc/backissue"]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("/proc/backissue cannot be made") && said.contains("--data"), "{said}");
}

/// The files of a folder that is read-only, even for its owner. Dropping this makes it writable
/// again.
struct ReadOnly<'a>(&'a Path);

impl<'a> ReadOnly<'a> {
    fn make(folder: &'a Path) -> Self {
        for file in fs::read_dir(folder).unwrap() {
            fs::set_permissions(file.unwrap().path(), Permissions::from_mode(0o444)).unwrap();
        }
        fs::set_permissions(folder, Permissions::from_mode(0o555)).unwrap();
        Self(folder)
    }

    /// The names and bytes of its files.
    fn files(&self) -> Vec<(std::ffi::OsString, Vec<u8>)> {
        let mut files: Vec<_> = fs::read_dir(self.0)
            .unwrap()
            .map(|file| file.unwrap())
            .filter(|file| file.file_type().unwrap().is_file())
            .map(|file| (file.file_name(), fs::read(file.path()).unwrap()))
            .collect();
        files.sort();
        files
    }
}

impl Drop for ReadOnly<'_> {
    fn drop(&mut self) {
        fs::set_permissions(self.0, Permissions::from_mode(0o755)).unwrap();
    }
}

/// A command for which the permissions of files matter. For root this means dropping capabilities.
fn without_privileges(archive: &Archive, words: &[&str]) -> Command {
    let plain = archive.command(words);
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        return plain;
    }
    through(&["setpriv", "--bounding-set=-all", "--inh-caps=-all"], &plain)
}

#[tokio::test]
async fn read_only_folder_is_reported_and_readable() {
    needs!(SharedData);
    let (_web, archive) = small_web();
    let followed = archive.done(&["sources"]).unwrap();
    let file = archive.folder().join("archive.sqlite");
    let log = archive.folder().join("archive.sqlite-wal");
    // SQLite removes its log when the last connection closes, so one stays open.
    let mut other = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
    other.execute("SELECT count(*) FROM source").await.unwrap();
    assert!(log.exists());
    is_told_and_read(&archive, &followed);
    other.close().await.unwrap();
    assert!(!log.exists());
    is_told_and_read(&archive, &followed);
}

/// Makes the folder of `archive` read-only and checks the commands' output.
fn is_told_and_read(archive: &Archive, followed: &str) {
    let folder = ReadOnly::make(archive.folder());
    let before = folder.files();
    let run = |words: &[&str]| {
        let ended = without_privileges(archive, words).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (ended.status.code(), text(ended.stdout), text(ended.stderr))
    };
    for words in [&["sync"][..], &UNFOLLOW, &["serve", "--no-fetch"], &["reindex"]] {
        let (code, _, said) = run(words);
        assert_eq!(code, Some(1), "{words:?}: {said}");
        let path = archive.folder().display().to_string();
        assert!(said.contains(&path) && said.contains("check that"), "{words:?}: {said}");
    }
    let (code, said, _) = run(&["doctor"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot be written") && said.contains("change its owner"), "{said}");
    let (code, said, _) = run(&["sources"]);
    assert_eq!((code, said), (Some(0), followed.to_owned()));
    assert!(folder.files() == before, "a file was changed");
}

#[test]
fn find_works_in_a_read_only_folder() {
    needs!(SharedData);
    let (_web, archive) = synced_small_web();
    let question = ["find", "one customer slows everyone down", "--json"];
    let found = archive.done(&question).unwrap();
    let index = archive.folder().join("index");
    let run = |words: &[&str]| {
        let ended = without_privileges(&archive, words).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (ended.status.code(), text(ended.stdout), text(ended.stderr))
    };
    let read_only = |path: &Path| {
        let mode = if path.is_dir() { 0o555 } else { 0o444 };
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    let folders = files_below(&index);
    folders.iter().for_each(|path| read_only(path));
    let (code, out, err) = run(&question);
    assert_eq!((code, out, err.as_str()), (Some(0), found, ""));
    let (code, ..) = run(&["prior-art", "one customer slows everyone down"]);
    assert_eq!(code, Some(0));

    // Later changes are not in the index, which is searched as it is.
    let sources = archive.json(&["sources"]).unwrap();
    archive.done(&["source", sources[0]["slug"].as_str().unwrap(), "--company", "Renamed"]).unwrap();
    let (code, _, err) = run(&question);
    assert_eq!(code, Some(0), "{err}");
    for path in folders {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
}

/// The folder itself and everything below it.
fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = vec![folder.to_owned()];
    let mut at = 0;
    while at < found.len() {
        if found[at].is_dir() {
            found.extend(fs::read_dir(&found[at]).unwrap().map(|entry| entry.unwrap().path()));
        }
        at += 1;
    }
    found
}

#[tokio::test]
async fn locked_file_is_reported_and_readable() {
    needs!(SharedData);
    let (_web, archive) = small_web();
    let followed = archive.done(&["sources"]).unwrap();
    let options = SqliteConnectOptions::new().filename(archive.folder().join("archive.sqlite"));
    let mut holder: SqliteConnection = options.connect().await.unwrap();
    holder.execute("BEGIN EXCLUSIVE").await.unwrap();
    let refused = archive.run(&UNFOLLOW).unwrap();
    assert_eq!(refused.code, 1, "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("locked by another process"), "{}", refused.err);
    assert!(refused.err.contains("stop the other process or try again"), "{}", refused.err);
    assert_eq!(archive.done(&["sources"]).unwrap(), followed);
    holder.execute("ROLLBACK").await.unwrap();
    holder.close().await.unwrap();
    archive.done(&UNFOLLOW).unwrap();
    assert_ne!(archive.done(&["sources"]).unwrap(), followed);
}

/// A server restarts during a sync. The program waits for it, and interrupted work is due again
/// when its leases have ended.
#[test]
fn restart_of_the_database_server_loses_nothing() {
    needs!(SharedData, PostgresPrograms);
    let mut cluster = Cluster::start().unwrap();
    let web = SmallWeb::start(&shared_dir().unwrap(), SmallWebOptions::default()).unwrap();
    let archive = archive_of(&web, vec!["--database".into(), cluster.url().to_owned()]);
    let mut sync = archive.command(&["sync", "--log", "off"]);
    let mut sync = sync.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    for pages in [50, 200, 350] {
        web.wait_until(
            |log| log.len() >= pages,
            || assert!(sync.try_wait().unwrap().is_none(), "the sync ended before the server was stopped"),
        );
        cluster.restart().unwrap();
    }
    let status = wait(&mut sync).unwrap();
    let said = std::io::read_to_string(sync.stderr.take().unwrap()).unwrap();
    assert_eq!(status.code(), Some(0), "{said}");
    // Leases end, and what could not be asked while the server was away is due again.
    for lapse in [
        "UPDATE read SET due_at = due_at - 600000 WHERE due_at IS NOT NULL",
        "UPDATE source SET leased_until = leased_until - 600000",
    ] {
        cluster.run(lapse).unwrap();
    }
    archive.done(&["sync"]).unwrap();
    let (_web, undisturbed) = synced_small_web();
    let whole = undisturbed.all_reads().unwrap().len();
    assert_eq!(archive.all_reads().unwrap().len(), whole);
    let found = archive.json(&["doctor"]).unwrap();
    assert_eq!(found["ok"], true, "{found}");
}
