//! Tests of the whole program as people use it: the binary, the small web of real blogs, both
//! databases, a browser.

#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

mod accessible;
mod agents;
mod alerting;
mod backfilling;
mod browsing;
mod cases;
mod choosing;
mod commands;
mod conforming;
mod correcting;
mod demo;
mod enduring;
mod faults;
mod feeding;
mod hubs;
mod images;
mod installing;
mod killing;
mod known_sites;
mod login;
mod marking;
mod markup;
mod modelling;
mod moving;
mod narrow;
mod noting;
mod openid;
mod operating;
mod practising;
mod publishing;
mod reader_apps;
mod schemas;
mod searching;
mod sending;
mod serving;
mod settling;
mod several;
mod syncing;
mod tasks;
mod webhooks;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use backissue_needs::shared_dir;
use backissue_tests::program::Archive;
use backissue_tests::web::{SmallWeb, SmallWebOptions};

/// The small web, with an archive that follows all its feeds without pauses.
fn small_web() -> (SmallWeb, Archive) {
    let web = SmallWeb::start(&shared_dir().unwrap(), SmallWebOptions::default()).unwrap();
    let archive = archive_of(&web, Vec::new());
    (web, archive)
}

/// The small web, with a synced archive. The first caller runs the sync, and each caller gets a
/// copy of that archive.
fn synced_small_web() -> (SmallWeb, Archive) {
    static SYNCED: OnceLock<PathBuf> = OnceLock::new();
    let web = SmallWeb::start(&shared_dir().unwrap(), SmallWebOptions::default()).unwrap();
    let synced = SYNCED.get_or_init(|| {
        let archive = archive_of(&web, Vec::new());
        archive.done(&["sync"]).unwrap();
        web.forget_requests();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("synced");
        // It is there if an earlier run has made it.
        let _ = std::fs::remove_dir_all(&folder);
        copy(archive.folder(), &folder);
        folder
    });
    let archive = empty_archive(&web, Vec::new());
    copy(synced, archive.folder());
    (web, archive)
}

/// Copies the files of a folder, and its folders.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// An archive that follows all feeds of the small web.
fn archive_of(web: &SmallWeb, more: Vec<String>) -> Archive {
    let archive = empty_archive(web, more);
    archive.import_feeds(web).unwrap();
    archive
}

/// A folder for an archive of the small web, without pauses.
fn empty_archive(web: &SmallWeb, more: Vec<String>) -> Archive {
    let mut flags = web.arguments();
    flags.extend(SmallWeb::without_pauses());
    flags.extend(more);
    Archive::new(flags).unwrap()
}
