//! Moving an archive: copies between the databases, backups, and the check of a backup.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::{Seek, SeekFrom, Write};

use backissue_model::{Mark, ReadId, ReaderId, Stage};
use backissue_needs::needs;
use jiff::tz::TimeZone;
use tokio::sync::Notify;

use super::harness::*;
use crate::archive::known_schema;
use crate::copy::{Table, tables};
use crate::database::{Value, insertion, sql, sql_of, sql_once};
use crate::*;

/// Number of rows per table in an archive that is filled from the schema.
const ROWS: i64 = 3;

/// A valid value for a column of any table. Columns that accept only some values are named here.
fn value(table: &Table, column: &str, is_text: bool, row: i64) -> Value {
    let text = |text: &str| Value::Text(Some(text.to_owned()));
    match (table.name.as_str(), column) {
        ("source", "standing") => text(["active", "retired", "waiting"][row as usize - 1]),
        ("read", "stage") => text(["discovered", "extracted", "annotated"][row as usize - 1]),
        ("address", "how") => text(["admitted", "reached", "claimed"][row as usize - 1]),
        ("place", "found_by") => text(["feed", "backfill", "feed"][row as usize - 1]),
        ("token", "scope") => text(["read", "write", "operate"][row as usize - 1]),
        // Parents have the ids 1 to 3.
        (_, "id") => Value::Int(Some(row)),
        (_, column) if column.ends_with("_id") && !is_text => Value::Int(Some(row)),
        _ if is_text => Value::Text(Some(format!("{} {column} {row} \u{1f980} ’\"\\' \n€", table.name))),
        _ => Value::Int(Some(i64::MAX - row)),
    }
}

/// Fills every table of the schema, including tables that are added later.
async fn fill_every_table(db: &TestDatabase) -> usize {
    let tables = tables(&db.store.database).await.unwrap();
    let mut tx = db.store.database.begin().await.unwrap();
    for Table { name, .. } in tables.iter().rev() {
        tx.run(sql_of(format!("DELETE FROM \"{name}\""))).await.unwrap();
    }
    for table in &tables {
        let columns: Vec<String> =
            table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let into = format!("\"{}\" ({})", table.name, columns.join(", "));
        let rows = if table.name == "archive" { 1 } else { ROWS };
        for row in 1..=rows {
            let values = table.columns.iter().map(|column| value(table, &column.name, column.is_text, row));
            tx.run(sql_once(insertion(&into, 1)).bind_all(values)).await.unwrap_or_else(|why| {
                panic!("table {} is new or changed: give its columns valid values here: {why:?}", table.name)
            });
        }
    }
    tx.commit().await.unwrap();
    tables.len()
}

async fn all_rows(store: &Store) -> Vec<(String, Vec<Vec<Value>>)> {
    let mut all = Vec::new();
    for table in tables(&store.database).await.unwrap() {
        let rows = table.read_from(&store.database, table.next(None, 100_000)).await.unwrap();
        all.push((table.name, rows));
    }
    all
}

/// Removes all rows, because their counters are not consistent.
async fn remove_made_up(db: TestDatabase) {
    for Table { name, .. } in tables(&db.store.database).await.unwrap().iter().rev() {
        let mut tx = db.store.database.begin().await.unwrap();
        tx.run(sql_of(format!("DELETE FROM \"{name}\""))).await.unwrap();
        tx.commit().await.unwrap();
    }
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_copied_there_and_back() {
    needs!(Postgres);
    let (one, two, three) =
        (TestDatabase::sqlite().await, TestDatabase::postgres().await, TestDatabase::sqlite().await);
    let made = fill_every_table(&one).await;
    assert!(made > 30, "{made}");
    let there = one.store.copy_to(&two.location, |_| ()).await.unwrap();
    // One row of the archive, and one more of settings: its name.
    let rows = made as u64 * 3 - 2 + 1;
    assert_eq!((there.tables, there.rows, there.found), (made as u64, rows, 0));
    let back = two.store.copy_to(&three.location, |_| ()).await.unwrap();
    assert_eq!((back.tables, back.rows), (there.tables, there.rows));
    let before = all_rows(&one.store).await;
    assert!(before.iter().all(|(_, rows)| !rows.is_empty()), "an empty table proves nothing");
    let by_name = |rows: Vec<(String, Vec<Vec<Value>>)>| {
        rows.into_iter().map(|(name, _)| name).collect::<BTreeSet<_>>()
    };
    let after = all_rows(&three.store).await;
    assert_eq!(by_name(before.clone()), by_name(after.clone()));
    for (name, rows) in before {
        assert_eq!(after.iter().find(|(other, _)| *other == name).unwrap().1, rows, "{name}");
    }
    for db in [one, two, three] {
        remove_made_up(db).await;
    }
}

/// Copies a real archive from one to the other, and uses the copy.
async fn real_archive_lives_on(from: &TestDatabase, to: &TestDatabase) {
    let reads = from.annotated_numbers(&[1, 2, 3]).await;
    from.store.mark(ReaderId::ONE, reads[0], Mark::Keep, true, at(1)).await.unwrap();
    from.store.save_note(ReaderId::ONE, reads[1], &"Mine".parse().unwrap(), 0, at(2)).await.unwrap();
    // The last read is gone; its number must not be given to another one.
    let gone = from.follow("Gone").await;
    from.poll(&gone, vec![entry("https://gone.example/1", None)]).await;
    let last = from.claim(Stage::Discovered).await.unwrap().id;
    from.store.unfollow(gone.id, Unfollow::DropReads, at(3)).await.unwrap();
    let copied = from.store.copy_to(&to.location, |_| ()).await.unwrap();
    assert!(copied.rows > 20, "{copied:?}");
    let copy = to.open_again().await;
    assert_eq!(copy.own(ReaderId::ONE).await.unwrap(), from.store.own(ReaderId::ONE).await.unwrap());
    let filter = ReadFilter::default();
    let list = async |store| whole_list(store, &filter, Order::default(), 10).await;
    assert_eq!(list(&copy).await, list(&from.store).await);
    assert_eq!(copy.name().await.unwrap(), from.store.name().await.unwrap());
    let new = copy.follow(&blog("New"), at(4)).await.unwrap().source;
    poll(&copy, &new, vec![entry("https://new.example/1", None)]).await;
    let read = copy.claim_read(Stage::Discovered, at(1000), LEASE, &[]).await.unwrap().unwrap();
    assert!(read.id.0 > last.0 && new.id.0 > gone.id.0, "{} {}", read.id, new.id.0);
    copy.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copied_archive_lives_on_and_gives_no_id_twice() {
    needs!(Postgres);
    let (one, two) = (TestDatabase::sqlite().await, TestDatabase::postgres().await);
    real_archive_lives_on(&one, &two).await;
    let (three, four) = (TestDatabase::postgres().await, TestDatabase::sqlite().await);
    real_archive_lives_on(&three, &four).await;
    for db in [one, two, three, four] {
        db.remove().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn interrupted_copy_goes_on_and_is_no_archive_until_then() {
    needs!(Postgres);
    let (one, two) = (TestDatabase::sqlite().await, TestDatabase::postgres().await);
    one.annotated_numbers(&(1..=120).collect::<Vec<_>>()).await;
    let interrupt = async || {
        let (enough, done) = (Notify::new(), Cell::new(0));
        let copying = one.store.copy_to(&two.location, |progress| {
            done.set(progress.done);
            if progress.done >= 200 {
                enough.notify_one();
            }
        });
        tokio::select! {
            biased;
            () = enough.notified() => {}
            ended = copying => panic!("the copy was not interrupted: {ended:?}"),
        }
        done.get()
    };
    let done = interrupt().await;
    let refused = Store::look_at(&two.location).await.unwrap_err();
    assert!(matches!(refused, StoreError::HalfCopied { .. }), "{refused}");
    assert!(refused.to_string().contains("backissue copy"), "{refused}");
    let copied = one.store.copy_to(&two.location, |_| ()).await.unwrap();
    assert!(copied.found >= done && copied.found < copied.rows, "{done} {copied:?}");
    two.assert_sound().await;

    // A source that changes meanwhile is copied from the beginning.
    let (three, four) = (TestDatabase::sqlite().await, TestDatabase::postgres().await);
    three.annotated_numbers(&(1..=60).collect::<Vec<_>>()).await;
    let enough = Notify::new();
    let copying = three.store.copy_to(&four.location, |progress| {
        if progress.done >= 100 {
            enough.notify_one();
        }
    });
    tokio::select! {
        biased;
        () = enough.notified() => {}
        ended = copying => panic!("the copy was not interrupted: {ended:?}"),
    }
    three.run(&["UPDATE source SET title = 'Renamed'"]).await;
    let copied = three.store.copy_to(&four.location, |_| ()).await.unwrap();
    assert_eq!(copied.found, 0);
    let copy = four.open_again().await;
    assert_eq!(copy.sources(&SourceFilter::default()).await.unwrap()[0].title, "Renamed");
    copy.close().await;
    for db in [one, two, three, four] {
        db.remove().await;
    }
}

on_both!(archive_with_reads_is_no_target, |db| {
    db.annotated_numbers(&[1]).await;
    let other = TestDatabase::sqlite().await;
    other.annotated_numbers(&[2]).await;
    let before = all_rows(&db.store).await;
    let refused = other.store.copy_to(&db.location, |_| ()).await.unwrap_err();
    assert!(matches!(refused, CopyError::NotEmpty { .. }), "{refused}");
    assert_eq!(all_rows(&db.store).await, before);
    let itself = db.store.copy_to(&db.location, |_| ()).await.unwrap_err();
    assert!(matches!(itself, CopyError::Itself(_)), "{itself}");
    other.remove().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backup_is_taken_while_others_write_and_damage_is_seen() {
    let db = TestDatabase::sqlite().await;
    db.annotated_numbers(&(1..=40).collect::<Vec<_>>()).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.sqlite");
    let writer = db.open_again().await;
    let writing = async {
        for n in 0..20 {
            writer.set_flag("a test", &n.to_string()).await.unwrap();
        }
    };
    let (written, ()) = tokio::join!(db.store.backup_to(&file), writing);
    written.unwrap();
    writer.close().await;
    let facts = Store::look_at_backup(&file).await.unwrap();
    assert_eq!((facts.reads, facts.sources, facts.schema), (40, 1, known_schema(&db.store.database)));
    assert!(!folder.path().join("backup.sqlite-wal").exists(), "looking changes nothing");

    let text = folder.path().join("text.sqlite");
    std::fs::write(&text, "no database at all, only a text that is long enough to be looked at").unwrap();
    assert!(Store::look_at_backup(&text).await.is_err());
    let empty = folder.path().join("empty.sqlite");
    std::fs::write(&empty, "").unwrap();
    assert!(matches!(Store::look_at_backup(&empty).await, Err(BackupError::NoArchive(_))));

    std::fs::write(folder.path().join("backup.sqlite-wal"), "newer rows").unwrap();
    assert!(matches!(Store::look_at_backup(&file).await, Err(BackupError::HasLog { .. })));
    std::fs::remove_file(folder.path().join("backup.sqlite-wal")).unwrap();

    let newer = folder.path().join("newer.sqlite");
    db.run(&["INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (9999, 'x', 1, x'00', 0)"])
        .await;
    db.store.backup_to(&newer).await.unwrap();
    db.run(&["DELETE FROM _sqlx_migrations WHERE version = 9999"]).await;
    assert!(matches!(Store::look_at_backup(&newer).await, Err(BackupError::Newer { schema: 9999, .. })));

    let length = std::fs::metadata(&file).unwrap().len();
    let mut damaged = std::fs::File::options().write(true).open(&file).unwrap();
    damaged.seek(SeekFrom::Start(length / 2)).unwrap();
    damaged.write_all(&[0xa5; 20_000]).unwrap();
    assert!(Store::look_at_backup(&file).await.is_err(), "a damaged page is seen");
    db.remove().await;
}

on_both!(queues_tell_what_waits_and_since_when, |db| {
    let acme = db.follow("Acme").await;
    db.poll(&acme, vec![entry("https://acme.example/1", None), entry("https://acme.example/2", None)]).await;
    let queue = async |step: &str| {
        let queues = db.store.queues(at(600)).await.unwrap();
        queues.into_iter().find(|queue| queue.step == step).unwrap()
    };
    let fetch = queue("fetch").await;
    assert_eq!(fetch.waiting, 2);
    assert!(fetch.due_since.is_some_and(|since| since <= at(10)), "{fetch:?}");
    assert_eq!(queue("annotate").await, Queue { step: "annotate".into(), waiting: 0, due_since: None });
    // The next poll is in an hour.
    assert_eq!(queue("poll").await, Queue { step: "poll".into(), waiting: 1, due_since: None });
    db.finish_all().await;
    assert_eq!((queue("fetch").await.waiting, db.store.shown().await.unwrap()), (0, 2));
    assert_eq!(db.store.lacks().await.unwrap(), None);
    let query = sql("SELECT version FROM _sqlx_migrations ORDER BY version DESC LIMIT 1");
    let newest = db.store.database.row(query).await.unwrap().unwrap().int("version").unwrap();
    db.run(&["UPDATE _sqlx_migrations SET version = version + 1000 WHERE version = (SELECT max(version) FROM _sqlx_migrations)"])
        .await;
    assert_eq!(db.store.lacks().await.unwrap(), None, "a newer program has migrated it");
    db.run(&["UPDATE _sqlx_migrations SET version = version - 2000 WHERE version > 1000"]).await;
    assert!(db.store.lacks().await.unwrap().unwrap().contains("migrations"));
    let mut tx = db.store.database.begin().await.unwrap();
    tx.run(sql("UPDATE _sqlx_migrations SET version = $1 WHERE version < 0").bind(newest)).await.unwrap();
    tx.commit().await.unwrap();
});

on_both!(database_without_a_table_lacks_it, |db| {
    let of_database: BTreeSet<String> =
        tables(&db.store.database).await.unwrap().into_iter().map(|table| table.name).collect();
    assert_eq!(*crate::migrations::TABLES, of_database, "as the migrations say");
    for table in &of_database {
        let rename = |from: &str, to: &str| sql_of(format!("ALTER TABLE \"{from}\" RENAME TO \"{to}\""));
        let mut tx = db.store.database.begin().await.unwrap();
        tx.run(rename(table, "elsewhere")).await.unwrap();
        tx.commit().await.unwrap();
        let lacks = db.store.lacks().await.unwrap();
        assert_eq!(lacks, Some(format!("the table `{table}`")));
        let mut tx = db.store.database.begin().await.unwrap();
        tx.run(rename("elsewhere", table)).await.unwrap();
        tx.commit().await.unwrap();
    }
    assert_eq!(db.store.lacks().await.unwrap(), None);
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_copy_into_one_database_is_refused_first_goes_on() {
    needs!(Postgres);
    let one = TestDatabase::sqlite().await;
    one.annotated_numbers(&(1..=60).collect::<Vec<_>>()).await;
    let (target, made) = TestDatabase::postgres_empty().await;
    let (begun, is_begun) = tokio::sync::oneshot::channel();
    let (ended, has_ended) = std::sync::mpsc::channel();
    let second = tokio::spawn({
        let (store, target) = (one.open_again().await, target.clone());
        async move {
            is_begun.await.unwrap();
            let refused = store.copy_to(&target, |_| ()).await.unwrap_err();
            store.close().await;
            ended.send(()).unwrap();
            refused
        }
    });
    let mut begun = Some(begun);
    let first = one.store.copy_to(&target, |_| {
        if let Some(begun) = begun.take() {
            begun.send(()).unwrap();
            has_ended.recv().unwrap();
        }
    });
    assert!(first.await.unwrap().rows > 60);
    let refused = second.await.unwrap();
    assert!(matches!(refused, CopyError::Busy(_)), "{refused}");
    let store = Store::open(&target, &TimeZone::UTC).await.unwrap();
    assert_eq!(store.shown().await.unwrap(), 60);
    TestDatabase { location: target, store, made }.remove().await;
    one.remove().await;
}

/// Drops copies after more and more of their steps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copy_that_ends_early_is_never_an_empty_archive() {
    needs!(Postgres);
    let one = TestDatabase::sqlite().await;
    one.annotated_numbers(&[1, 2, 3]).await;
    let folder = tempfile::tempdir().unwrap();
    let (postgres, made) = TestDatabase::postgres_empty().await;
    for in_file in [true, false] {
        let (mut was_refused, mut steps) = (false, 1_u32);
        let mut target = postgres.clone();
        loop {
            if in_file && !was_refused {
                // A connection that was dropped may still write into the last file.
                target = Location::Sqlite(folder.path().join(format!("{steps}.sqlite")));
            }
            let mut copying = std::pin::pin!(one.store.copy_to(&target, |_| ()));
            let mut left = steps;
            let dropped = std::future::poll_fn(|cx| {
                left = left.saturating_sub(1);
                if left == 0 { std::task::Poll::Ready(None) } else { copying.as_mut().poll(cx).map(Some) }
            });
            if let Some(copied) = dropped.await {
                assert!(copied.unwrap().rows > 20);
                break;
            }
            if Store::is_archive(&target).await.unwrap() {
                match Store::look_at(&target).await {
                    Err(refused) => assert!(matches!(refused, StoreError::HalfCopied { .. }), "{refused}"),
                    // It was dropped after its last row.
                    Ok(complete) => {
                        assert_eq!(complete.shown().await.unwrap(), 3);
                        complete.close().await;
                        break;
                    }
                }
                was_refused = true;
            }
            steps += 1 + steps / 10;
        }
        assert!(was_refused);
    }
    let store = Store::open(&postgres, &TimeZone::UTC).await.unwrap();
    TestDatabase { location: postgres, store, made }.remove().await;
    one.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn byte_changed_inside_a_row_of_a_backup_is_seen() {
    let db = TestDatabase::sqlite().await;
    db.annotated_numbers(&(1..=20).collect::<Vec<_>>()).await;
    db.store.save_note(ReaderId::ONE, ReadId(1), &"A zebra’s note".parse().unwrap(), 0, at(2)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.sqlite");
    db.store.backup_to(&file).await.unwrap();
    Store::look_at_backup(&file).await.unwrap();
    let whole = std::fs::read(&file).unwrap();
    let change = |old: &str, new: &str| {
        let mut bytes = whole.clone();
        let at: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(old.as_bytes())).collect();
        assert!(!at.is_empty(), "{old}");
        for at in at {
            bytes[at..at + new.len()].copy_from_slice(new.as_bytes());
        }
        std::fs::write(&file, bytes).unwrap();
    };
    change("zebra", "cobra");
    let seen = Store::look_at_backup(&file).await.unwrap_err();
    assert!(matches!(&seen, BackupError::Changed { table, .. } if table == "note"), "{seen}");
    std::fs::write(&file, &whole).unwrap();
    Store::look_at_backup(&file).await.unwrap();
    // An archive made of a backup changes, and that is no damage.
    let location = Location::Sqlite(file.clone());
    let store = Store::open(&location, &TimeZone::UTC).await.unwrap();
    store.mark(ReaderId::ONE, ReadId(2), Mark::Keep, true, at(3)).await.unwrap();
    store.close().await;
    Store::look_at_backup(&file).await.unwrap();
    db.remove().await;
}

on_both!(row_that_cannot_be_read_is_found, |db| {
    let reads = db.annotated_numbers(&[1, 2]).await;
    let found = db.store.check_rows().await;
    assert!(found.ok && found.detail.contains("2 articles"), "{}", found.detail);
    for (damage, table) in [
        ("UPDATE article SET text = 'x' || text", "article"),
        ("UPDATE article SET blocks = 'p0-9999999'", "article"),
        ("UPDATE article SET blocks = 'p0'", "article"),
        ("UPDATE precis SET body = '{' || body", "precis"),
        ("UPDATE place SET entry = 'x' || entry", "place"),
    ] {
        let saved = all_rows(&db.store).await;
        let mut tx = db.store.database.begin().await.unwrap();
        tx.run(sql_of(format!("{damage} WHERE read_id = {}", reads[1].0))).await.unwrap();
        tx.commit().await.unwrap();
        let found = db.store.check_rows().await;
        assert!(
            !found.ok && found.detail.contains(&format!("read {}", reads[1])),
            "{damage}: {}",
            found.detail
        );
        let (_, rows) = saved.iter().find(|(name, _)| name == table).unwrap();
        restore(&db.store, table, rows).await;
    }
    assert!(db.store.check_rows().await.ok);
});

/// Writes the rows of a table again, in place.
async fn restore(store: &Store, name: &str, rows: &[Vec<Value>]) {
    let tables = tables(&store.database).await.unwrap();
    let table = tables.iter().find(|table| table.name == name).unwrap();
    let columns: Vec<String> = table.columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
    let mut tx = store.database.begin().await.unwrap();
    tx.run(sql_of(format!("DELETE FROM \"{name}\""))).await.unwrap();
    let insert = sql_once(insertion(&format!("\"{name}\" ({})", columns.join(", ")), rows.len()));
    tx.run(insert.bind_all(rows.iter().flatten().cloned())).await.unwrap();
    tx.commit().await.unwrap();
}
