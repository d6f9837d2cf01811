//! Errors that a person can act on.

use std::os::unix::fs::PermissionsExt;

use backissue_needs::needs;
use jiff::tz::TimeZone;
use sqlx::{AssertSqlSafe, Connection, Executor};
use tempfile::TempDir;

use super::harness::*;
use crate::database::sql;
use crate::*;

async fn refused(location: &Location) -> StoreError {
    Store::open(location, &TimeZone::UTC).await.expect_err("it cannot be opened")
}

#[tokio::test]
async fn folder_that_cannot_be_created_is_named() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("file"), "in the way").unwrap();
    let error = refused(&Location::Sqlite(folder.path().join("file/data/archive.sqlite"))).await;
    assert!(matches!(error, StoreError::Folder { .. }), "{error:?}");
    assert!(error.to_string().contains("file/data"), "{error}");
}

#[tokio::test]
async fn folder_in_place_of_the_file_cannot_be_opened() {
    let folder = TempDir::new().unwrap();
    let error = refused(&Location::Sqlite(folder.path().to_owned())).await;
    assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
}

#[tokio::test]
async fn file_that_is_no_database_is_damaged() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("archive.sqlite");
    std::fs::write(&path, "This is no database. ".repeat(500)).unwrap();
    let error = refused(&Location::Sqlite(path)).await;
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("archive.sqlite"), "{error}");
}

#[tokio::test]
async fn empty_file_is_no_new_archive() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("archive.sqlite");
    assert!(!Store::is_archive(&Location::Sqlite(path.clone())).await.unwrap());
    std::fs::write(&path, "").unwrap();
    let error = Store::is_archive(&Location::Sqlite(path)).await.unwrap_err();
    assert!(matches!(error, StoreError::Empty { .. }), "{error:?}");
    assert!(error.to_string().contains("restore a backup"), "{error}");
}

#[tokio::test]
async fn transaction_that_sqlite_ended_itself_does_not_stop_the_next() {
    let db = TestDatabase::sqlite().await;
    // Several at once, as the workers are.
    let writers = (0..8).map(|_| {
        let database = db.store.database.clone();
        tokio::spawn(async move {
            for _ in 0..5 {
                let mut tx = database.begin().await.unwrap();
                // As SQLite does on a disk that fails.
                tx.run(sql("ROLLBACK")).await.unwrap();
                assert!(tx.commit().await.is_err());
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    db.follow("Acme").await;
    db.remove().await;
}

#[tokio::test]
async fn deleted_and_replaced_files_are_noticed() {
    let db = TestDatabase::sqlite().await;
    assert!(db.store.is_in_place());
    let path = db.sqlite_path().unwrap();
    let moved = path.with_extension("old");
    std::fs::rename(&path, &moved).unwrap();
    assert!(!db.store.is_in_place());
    std::fs::copy(&moved, &path).unwrap();
    assert!(!db.store.is_in_place());
    std::fs::rename(&moved, &path).unwrap();
    assert!(db.store.is_in_place());
    db.remove().await;
}

#[tokio::test]
async fn a_file_that_may_not_be_written_cannot_be_opened() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("archive.sqlite");
    Store::open(&Location::Sqlite(path.clone()), &TimeZone::UTC).await.unwrap().close().await;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    if std::fs::OpenOptions::new().write(true).open(&path).is_ok() {
        // Root may write everywhere; the next test covers SQLite's refusal.
        Store::open(&Location::Sqlite(path), &TimeZone::UTC).await.unwrap().close().await;
        return;
    }
    let error = refused(&Location::Sqlite(path)).await;
    assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
}

/// SQLite refuses root too if the connection is read-only.
#[tokio::test]
async fn read_only_connection_is_reported() {
    let db = TestDatabase::sqlite().await;
    generate(&db.store, 20, 1).await.unwrap();
    let before = everything(&db.store).await;
    on_writer(&db, "PRAGMA query_only = on").await;
    let error = db.store.follow(&blog("Acme"), at(0)).await.unwrap_err();
    assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
    assert!(
        error.to_string().contains("check that it exists and that this user may read and write it"),
        "{error}"
    );
    assert_eq!(everything(&db.store).await, before);
    on_writer(&db, "PRAGMA query_only = off").await;
    assert!(db.store.follow(&blog("Acme"), at(0)).await.unwrap().is_new);
    db.remove().await;
}

/// Runs a statement on the writing connection.
async fn on_writer(db: &TestDatabase, statement: &str) {
    let crate::database::Database::Sqlite { writer, .. } = &db.store.database else { unreachable!() };
    writer.acquire().await.unwrap().execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
}

/// All shown reads.
async fn everything(store: &Store) -> Vec<ReadCard> {
    whole_list(store, &ReadFilter::default(), Order::Newest, 100).await
}

#[tokio::test]
async fn full_disk_leaves_nothing_half_done() {
    let db = TestDatabase::sqlite().await;
    let source = db.follow("Acme").await;
    db.poll(&source, (0..20).map(|n| entry(&format!("https://acme.example/{n}"), None)).collect()).await;
    db.finish_all().await;
    let before = everything(&db.store).await;
    assert_eq!(before.len(), 20);
    let claimed = claim_only(&db.store, &source, at(50)).await;
    let entries =
        || (20..2000).map(|n| entry(&format!("https://acme.example/{n}"), None)).collect::<Vec<_>>();
    let crate::database::Database::Sqlite { writer, .. } = &db.store.database else { unreachable!() };
    let pages: i64 = sqlx::query_scalar("PRAGMA page_count").fetch_one(writer).await.unwrap();
    // SQLite gives the same error for a file that may not grow as for a full disk. There is space
    // to begin, but not to finish.
    on_writer(&db, &format!("PRAGMA max_page_count = {}", pages + 40)).await;
    let error = db
        .store
        .record_poll(&claimed, fetched(entries()), at(51), |_| NextPoll::default())
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::DiskFull { doing: "recording a poll", .. }), "{error:?}");
    let told = error.to_string();
    assert!(told.contains("free space and start again, no stored data is lost"), "{told}");
    assert_eq!(everything(&db.store).await, before);
    assert_eq!(db.store.tally(at(60)).await.unwrap().discovered, 0, "nothing is half there");
    db.assert_sound().await;
    on_writer(&db, "PRAGMA max_page_count = 1073741823").await;
    let admitted =
        db.store.record_poll(&claimed, fetched(entries()), at(52), |_| NextPoll::default()).await.unwrap();
    assert_eq!(admitted, Admitted { new: 1980, known: 0, left: 0 }, "the same poll goes in");
    db.remove().await;
}

/// Pages of noise, a file cut in half, and a file with only its header.
#[tokio::test]
async fn damaged_file_is_reported_and_not_changed() {
    let db = TestDatabase::sqlite().await;
    generate(&db.store, 200, 1).await.unwrap();
    db.store.close().await;
    let path = db.sqlite_path().unwrap();
    let sound = std::fs::read(&path).unwrap();
    let noise = |from: usize, to: usize| {
        let mut bytes = sound.clone();
        bytes[from..to].iter_mut().enumerate().for_each(|(n, byte)| *byte = (n % 251) as u8);
        bytes
    };
    let third = sound.len() / 3;
    for damaged in [noise(third, 2 * third), sound[..sound.len() / 2].to_vec(), noise(4096, sound.len())] {
        std::fs::write(&path, &damaged).unwrap();
        let mut told = Vec::new();
        match Store::look_at(&db.location).await {
            Err(error) => {
                assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
                told.push(error.to_string());
            }
            Ok(store) => {
                let bad = store.check().await.into_iter().filter(|finding| !finding.ok);
                told.extend(bad.map(|finding| finding.detail));
                store.close().await;
            }
        }
        let told = told.join("\n");
        assert!(told.contains("damaged") && told.contains("restore a backup"), "{told}");
        assert!(std::fs::read(&path).unwrap() == damaged, "it was changed");
    }
    std::fs::write(&path, &sound).unwrap();
    let store = db.open_again().await;
    assert_eq!(everything(&store).await.len(), 200, "a backup that is put back serves");
    store.close().await;
}

#[tokio::test]
async fn file_locked_by_another_process_is_busy() {
    let db = TestDatabase::sqlite().await;
    let path = db.sqlite_path().unwrap();
    let mut other = sqlx::SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let crate::database::Database::Sqlite { writer, .. } = &db.store.database else { unreachable!() };
    let mut connection = writer.acquire().await.unwrap();
    connection.execute("PRAGMA busy_timeout = 1").await.unwrap();
    drop(connection);
    let error = db.store.follow(&blog("Acme"), at(0)).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy { doing: "following a blog", .. }), "{error:?}");
    assert!(error.to_string().contains("stop the other process or try again"), "{error}");
    other.execute("ROLLBACK").await.unwrap();
    assert!(db.store.follow(&blog("Acme"), at(0)).await.is_ok());
    db.remove().await;
}

/// Time is paused, because connections are tried again for a while.
#[tokio::test(start_paused = true)]
async fn missing_server_is_no_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let location: Location = format!("postgres://ann:s3cret@127.0.0.1:{port}/db").parse().unwrap();
    let error = refused(&location).await;
    assert!(matches!(error, StoreError::Connection { .. }), "{error:?}");
    assert!(!error.to_string().contains("s3cret"), "{error}");
}

#[tokio::test]
async fn missing_database_cannot_be_opened() {
    needs!(Postgres);
    let mut url = url::Url::parse(&server()).unwrap();
    url.set_path("backissue_no_such_database");
    let error = refused(&url.as_str().parse().unwrap()).await;
    assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
}

#[tokio::test]
async fn broken_connection_is_reported_and_replaced() {
    needs!(Postgres);
    let db = TestDatabase::postgres().await;
    db.follow("Acme").await;
    let mut admin = sqlx::PgConnection::connect(&server()).await.unwrap();
    let name = db.location.to_string().rsplit('/').next().unwrap().to_owned();
    sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
        .bind(name)
        .execute(&mut admin)
        .await
        .unwrap();
    // Connections are tested before use, so a broken one is replaced.
    assert!(db.store.sources(&SourceFilter::default()).await.is_ok());
    db.remove().await;
}

/// The server ends the connection of a transaction with uncommitted changes.
#[tokio::test]
async fn lost_connection_leaves_nothing_half_done() {
    needs!(Postgres);
    let db = TestDatabase::postgres().await;
    let source = db.follow("Acme").await;
    let entries = || (0..50).map(|n| entry(&format!("https://acme.example/{n}"), None)).collect::<Vec<_>>();
    let claimed = claim_only(&db.store, &source, at(1)).await;
    // The poll writes its reads and then waits here for the archive's row, which it changes last.
    let mut holder = db.store.database.begin().await.unwrap();
    holder.run(crate::database::sql("UPDATE archive SET version = version WHERE id = 1")).await.unwrap();
    let (store, poll) = (db.store.clone(), claimed.clone());
    let polling = tokio::spawn(async move {
        store.record_poll(&poll, fetched(entries()), at(2), |_| NextPoll::default()).await
    });
    let end = "SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
               WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while db.store.database.rows(crate::database::sql(end)).await.unwrap().is_empty() {
        assert!(!polling.is_finished(), "it did not wait");
        tokio::task::yield_now().await;
    }
    let error = polling.await.unwrap().unwrap_err();
    assert!(matches!(error, StoreError::Connection { doing: "recording a poll", .. }), "{error:?}");
    assert!(error.to_string().contains("check that the server runs and can be reached"), "{error}");
    holder.abandon().await.unwrap();
    assert_eq!(db.store.tally(at(3)).await.unwrap().discovered, 0);
    let admitted =
        db.store.record_poll(&claimed, fetched(entries()), at(4), |_| NextPoll::default()).await.unwrap();
    assert_eq!(admitted, Admitted { new: 50, known: 0, left: 0 });
    db.remove().await;
}

#[tokio::test]
async fn lock_of_another_process_makes_server_busy() {
    needs!(Postgres);
    let db = TestDatabase::postgres().await;
    let patience = db.store.database.row(crate::database::sql("SHOW lock_timeout")).await.unwrap().unwrap();
    assert_eq!(patience.text("lock_timeout").unwrap(), "20s");
    let Location::Postgres(url) = &db.location else { unreachable!() };
    let hurried: Location = format!("{url}?options[lock_timeout]=20ms").parse().unwrap();
    let hurried = Store::open(&hurried, &TimeZone::UTC).await.unwrap();
    let holder = db.store.database.begin_admission().await.unwrap();
    let error = hurried.follow(&blog("Acme"), at(0)).await.unwrap_err();
    assert!(matches!(error, StoreError::Busy { doing: "following a blog", .. }), "{error:?}");
    holder.abandon().await.unwrap();
    assert!(hurried.follow(&blog("Acme"), at(0)).await.unwrap().is_new);
    hurried.close().await;
    db.remove().await;
}
