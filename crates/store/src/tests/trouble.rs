//! Errors that a person can act on.

use std::os::unix::fs::PermissionsExt;

use jiff::tz::TimeZone;
use sqlx::{Connection, Executor};
use tempfile::TempDir;

use super::harness::*;
use crate::*;

async fn refused(location: &Location) -> StoreError {
    Store::open(location, &TimeZone::UTC).await.expect_err("it cannot be opened")
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("file"), "in the way").unwrap();
    let error = refused(&Location::Sqlite(folder.path().join("file/data/archive.sqlite"))).await;
    assert!(matches!(error, StoreError::Folder { .. }), "{error:?}");
    assert!(error.to_string().contains("file/data"), "{error}");
}

#[tokio::test]
async fn a_folder_in_the_place_of_the_file_cannot_be_opened() {
    let folder = TempDir::new().unwrap();
    let error = refused(&Location::Sqlite(folder.path().to_owned())).await;
    assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_damaged() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("archive.sqlite");
    std::fs::write(&path, "This is no database. ".repeat(500)).unwrap();
    let error = refused(&Location::Sqlite(path)).await;
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("archive.sqlite"), "{error}");
}

#[tokio::test]
async fn a_file_that_may_not_be_written_cannot_be_opened() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("archive.sqlite");
    Store::open(&Location::Sqlite(path.clone()), &TimeZone::UTC).await.unwrap().close().await;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o444)).unwrap();
    if std::fs::OpenOptions::new().write(true).open(&path).is_ok() {
        // Root may write everywhere; what SQLite answers to others is told to it in the same words.
        let message = "attempt to write a readonly database";
        let error = crate::error::of_sqlite("8", message.into(), Location::Sqlite(path), "writing");
        assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
        return;
    }
    let error = refused(&Location::Sqlite(path)).await;
    assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
}

#[tokio::test]
async fn a_full_disk_is_told_as_one() {
    let db = TestDatabase::sqlite().await;
    let crate::database::Database::Sqlite { writer, .. } = &db.store.database else { unreachable!() };
    let mut connection = writer.acquire().await.unwrap();
    // SQLite answers the same when the file may not grow as when the disk is full.
    connection.execute("PRAGMA max_page_count = 1").await.unwrap();
    drop(connection);
    let error = generate(&db.store, 500, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error:?}");
    let mut connection = writer.acquire().await.unwrap();
    connection.execute("PRAGMA max_page_count = 1073741823").await.unwrap();
    drop(connection);
    db.remove().await;
}

#[tokio::test]
async fn a_file_that_another_process_holds_is_busy() {
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
    other.execute("ROLLBACK").await.unwrap();
    assert!(db.store.follow(&blog("Acme"), at(0)).await.is_ok());
    db.remove().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_no_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let location: Location = format!("postgres://ann:s3cret@127.0.0.1:{port}/db").parse().unwrap();
    let error = refused(&location).await;
    assert!(matches!(error, StoreError::Connection { .. }), "{error:?}");
    assert!(!error.to_string().contains("s3cret"), "{error}");
}

#[tokio::test]
async fn a_database_that_is_not_on_the_server_cannot_be_opened() {
    let mut url = url::Url::parse(&server()).unwrap();
    url.set_path("backissue_no_such_database");
    let error = refused(&url.as_str().parse().unwrap()).await;
    assert!(matches!(error, StoreError::CannotOpen { .. }), "{error:?}");
}

#[tokio::test]
async fn a_connection_that_breaks_is_told_and_the_next_one_serves() {
    let db = TestDatabase::postgres().await;
    db.follow("Acme").await;
    let mut admin = sqlx::PgConnection::connect(&server()).await.unwrap();
    let name = db.location.to_string().rsplit('/').next().unwrap().to_owned();
    sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1")
        .bind(name)
        .execute(&mut admin)
        .await
        .unwrap();
    // Connections are looked at before they are lent, so a broken one is replaced.
    assert!(db.store.sources(&SourceFilter::default()).await.is_ok());
    db.remove().await;
}

#[tokio::test]
async fn a_server_on_which_another_process_holds_a_lock_is_busy() {
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
