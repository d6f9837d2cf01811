//! An archive whose processes are killed at random moments ends up equal to that of an undisturbed
//! run, row by row.

use std::process::Stdio;
use std::time::{Duration, SystemTime};

use backissue_needs::{needs, shared_dir};
use backissue_tests::chance::Random;
use backissue_tests::contents::Contents;
use backissue_tests::database::Database;
use backissue_tests::program::{Archive, kill_after};
use backissue_tests::web::{SmallWeb, SmallWebOptions};

use crate::{archive_of, synced_small_web};

/// Maximum time from the start of a process to its kill.
const LATEST: Duration = Duration::from_millis(600);

/// An archive on one of the databases.
pub(crate) struct Kept {
    pub(crate) archive: Archive,
    /// `None` for SQLite.
    database: Option<Database>,
}

impl Kept {
    pub(crate) fn on_sqlite(web: &SmallWeb) -> Self {
        Self { archive: archive_of(web, Vec::new()), database: None }
    }

    pub(crate) fn on_postgresql(web: &SmallWeb) -> Self {
        let database = Database::create().unwrap();
        Self { archive: archive_of(web, vec!["--database".into(), database.url()]), database: Some(database) }
    }

    fn contents(&self) -> Contents {
        match &self.database {
            None => Contents::of_sqlite(&self.archive.folder().join("archive.sqlite")).unwrap(),
            Some(database) => Contents::of_postgres(&database.url()).unwrap(),
        }
    }

    /// Ends the leases of killed processes, as if time had passed. On SQLite the next start of the
    /// program does this. On PostgreSQL other processes may be working, so there only time ends
    /// leases.
    pub(crate) fn ten_minutes_pass(&self) {
        let Some(database) = &self.database else { return };
        // Statements of killed processes may still be running there, and may claim a read.
        let others = "datname = current_database() AND pid <> pg_backend_pid()";
        let end = format!("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE {others}");
        database.run(&end).unwrap();
        database.run("UPDATE read SET due_at = due_at - 600000 WHERE held = 1").unwrap();
        database.run("UPDATE source SET leased_until = leased_until - 600000").unwrap();
    }

    /// Starts a command and kills it after a time. Returns false if it ended before.
    fn kill(&self, words: &[&str], moment: Duration) -> bool {
        let mut command = self.archive.command(words);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let killed = kill_after(&mut child, moment).unwrap();
        if !killed {
            let ended = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&ended.stderr);
            // 3: there is nothing to find yet.
            let good = matches!(ended.status.code(), Some(0 | 3));
            assert!(good, "{words:?} ended by itself with {}: {said}", ended.status);
        }
        self.ten_minutes_pass();
        killed
    }
}

/// A random time between the start of a process and its kill.
fn moment(random: &mut Random) -> Duration {
    LATEST.mul_f64(random.below(1000) as f64 / 1000.0)
}

/// The seed: `BACKISSUE_TEST_SEED`, or else from the clock.
pub(crate) fn seed() -> u64 {
    let named = std::env::var("BACKISSUE_TEST_SEED").ok().and_then(|text| text.parse().ok());
    let clock = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().subsec_nanos().into();
    named.unwrap_or_else(clock)
}

/// Number of kills per database: `BACKISSUE_TEST_KILLS`, or ten.
pub(crate) fn kills() -> usize {
    std::env::var("BACKISSUE_TEST_KILLS").map_or(10, |number| number.parse().unwrap())
}

fn assert_same(disturbed: &Contents, undisturbed: &Contents, seed: u64) {
    let differences = disturbed.differences(undisturbed);
    assert!(
        differences.is_empty(),
        "BACKISSUE_TEST_SEED={seed}: {} rows differ:\n{}",
        differences.len(),
        differences.iter().take(20).cloned().collect::<Vec<_>>().join("\n")
    );
}

fn kills_change_nothing(make: impl Fn(&SmallWeb) -> Kept) {
    let web = SmallWeb::start(&shared_dir().unwrap(), SmallWebOptions::default()).unwrap();
    let (seed, wanted) = (seed(), self::kills());
    println!("BACKISSUE_TEST_SEED={seed}");
    let mut random = Random(seed);
    let (_web, undisturbed) = synced_small_web();
    let undisturbed = Contents::of_sqlite(&undisturbed.folder().join("archive.sqlite")).unwrap();
    assert!(undisturbed.reads() > 500);

    let (mut kept, mut kills, mut finished) = (make(&web), 0, 0);
    while kills < wanted {
        if kept.kill(&["sync"], moment(&mut random)) {
            kills += 1;
            if kills % 5 == 0 {
                // At the same time, the search index takes in reads, and is killed too.
                kept.kill(&["find", "before:2100"], moment(&mut random));
            }
        } else {
            // The sync finished between two kills: the archive must be complete. The next kills get
            // a new archive.
            assert_same(&kept.contents(), &undisturbed, seed);
            finished += 1;
            kept = make(&web);
        }
    }
    println!("{kills} kills, {finished} archives finished between them");
    kept.archive.done(&["sync"]).unwrap();
    assert_same(&kept.contents(), &undisturbed, seed);
    let reads = undisturbed.ways().values().filter(|(stage, _)| *stage == "annotated").count();
    let found = kept.archive.json(&["find", "before:2100", "--limit", "1"]).unwrap();
    assert_eq!(found["total"], reads, "the search index has caught up");
    let found = kept.archive.json(&["doctor"]).unwrap();
    assert_eq!(found["ok"], true, "{found}");
}

#[test]
fn with_sqlite_kills_change_nothing() {
    needs!(SharedData);
    kills_change_nothing(Kept::on_sqlite);
}

#[test]
fn with_postgresql_kills_change_nothing() {
    needs!(SharedData, Postgres);
    kills_change_nothing(Kept::on_postgresql);
}
