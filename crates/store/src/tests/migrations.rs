//! Migrations of a database with data.

use std::collections::BTreeMap;
use std::fs::{DirEntry, read_dir, read_to_string};
use std::path::Path;

use backissue_model::{Form, NewSource, ReaderId, Scope, Standing};
use jiff::tz::TimeZone;

use super::harness::*;
use crate::database::sql;
use crate::*;

on_both!(opening_again_keeps_everything, |db| {
    generate(&db.store, 40, 5).await.unwrap();
    let before = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 10).await;
    let version = db.store.archive_version().await.unwrap();
    let again = db.open_again().await;
    assert_eq!(whole_list(&again, &ReadFilter::default(), Order::Newest, 10).await, before);
    assert_eq!(again.archive_version().await.unwrap(), version);
    again.close().await;
});

on_both!(archive_without_models_is_migrated, |db| {
    generate(&db.store, 40, 5).await.unwrap();
    let before = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 10).await;
    let again = db
        .as_older(&[
            "DROP INDEX read_asked",
            "ALTER TABLE read DROP COLUMN ask",
            "DROP TABLE answer",
            "DROP TABLE model_usage",
            "DELETE FROM _sqlx_migrations WHERE version = 2",
        ])
        .await;
    assert_eq!(whole_list(&again, &ReadFilter::default(), Order::Newest, 10).await, before);
    assert_eq!(again.ask_for(&Selection::All, "mine", at(0)).await.unwrap(), 40);
    again.close().await;
});

on_both!(archive_without_numbered_changes_is_migrated, |db| {
    generate(&db.store, 40, 5).await.unwrap();
    let again = db
        .as_older(&[
            "DROP INDEX read_changed",
            "ALTER TABLE read DROP COLUMN changed",
            "DROP TABLE gone",
            "DELETE FROM _sqlx_migrations WHERE version = 3",
        ])
        .await;
    let changes = again.changes(ChangeMark::default(), 100).await.unwrap();
    assert_eq!((changes.reads.len(), changes.gone.len(), changes.next), (40, 0, None));
    again.close().await;
});

on_both!(archive_without_backfill_is_migrated, |db| {
    generate(&db.store, 40, 5).await.unwrap();
    let before = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 10).await;
    // SQLite cannot drop a column with a constraint, so the table is rebuilt as it was.
    let mut undo = match db.sqlite_path() {
        Some(_) => vec![
            "CREATE TABLE old (read_id INTEGER NOT NULL REFERENCES read (id) ON DELETE CASCADE,
                source_id INTEGER NOT NULL REFERENCES source (id), url TEXT NOT NULL, seen_at INTEGER NOT NULL,
                updated INTEGER, entry TEXT NOT NULL, PRIMARY KEY (read_id, source_id)) STRICT",
            "INSERT INTO old SELECT read_id, source_id, url, seen_at, updated, entry FROM place",
            "DROP TABLE place",
            "ALTER TABLE old RENAME TO place",
            "CREATE INDEX place_source ON place (source_id, read_id)",
        ],
        None => vec!["ALTER TABLE place DROP COLUMN found_by"],
    };
    undo.extend([
        "DROP INDEX read_on_its_way",
        "DROP TABLE backfill",
        "DELETE FROM _sqlx_migrations WHERE version = 4",
    ]);
    let again = db.as_older(&undo).await;
    assert_eq!(whole_list(&again, &ReadFilter::default(), Order::Newest, 10).await, before);
    let mut in_feeds = 0;
    for source in again.sources(&SourceFilter::default()).await.unwrap() {
        in_feeds += again.addresses_in_feed(source.id, 99).await.unwrap().len();
    }
    assert!(in_feeds >= 40, "what was there came from feeds: {in_feeds}");
    again.close().await;
});

on_both!(archive_without_rhythm_is_migrated, |db| {
    let (well, ill) = (db.follow("Well").await, db.follow("Ill").await);
    db.poll(&well, vec![entry("https://well.example/1", None)]).await;
    db.poll(&ill, vec![]).await;
    let claimed = claim_only(&db.store, &ill, at(50)).await;
    let failed = PollOutcome::Failed { error: "no answer".into() };
    db.store.record_poll(&claimed, failed, at(50), |_| Some(at(99)).into()).await.unwrap();
    let again = db
        .as_older(&[
            "ALTER TABLE source DROP COLUMN failing_since",
            "ALTER TABLE source DROP COLUMN last_new",
            "ALTER TABLE source DROP COLUMN pace",
            "ALTER TABLE source DROP COLUMN wishes",
            "ALTER TABLE source DROP COLUMN moving_to",
            "ALTER TABLE source DROP COLUMN moving_since",
            "ALTER TABLE source DROP COLUMN moved_from",
            "ALTER TABLE source DROP COLUMN moved_at",
            "DROP INDEX read_appeared",
            "CREATE INDEX read_source ON read (source_id)",
            "DROP TABLE subscription",
            "DELETE FROM _sqlx_migrations WHERE version IN (5, 6)",
        ])
        .await;
    let health = async |id| again.source(id).await.unwrap().unwrap().health;
    assert_eq!((health(well.id).await.failing_since, health(well.id).await.etag), (None, None));
    assert_eq!(health(ill.id).await.failing_since, Some(at(1)), "since it last answered well");
    assert_eq!(poll(&again, &well, vec![entry("https://well.example/2", None)]).await.new, 1);
    again.close().await;
});

on_both!(waiting_source_with_a_list_is_polled_after_an_upgrade, |db| {
    let feedless = |title, listing: Option<&str>| {
        let listing_url = listing.map(|url| url.parse().unwrap());
        NewSource { feed_url: None, listing_url, ..blog(title) }
    };
    let listed = feedless("Listed", Some("https://listed.example/posts"));
    let listed = db.store.follow(&listed, at(0)).await.unwrap().source.id;
    let bare = db.store.follow(&feedless("Bare", None), at(0)).await.unwrap().source.id;
    let again = db
        .as_older(&[
            "UPDATE source SET standing = 'waiting', next_poll = NULL",
            "DELETE FROM _sqlx_migrations WHERE description = 'listed'",
        ])
        .await;
    let health = async |id| again.source(id).await.unwrap().unwrap().health;
    assert_eq!(health(listed).await.standing, Standing::Active);
    assert!(health(listed).await.next_poll.is_some());
    assert_eq!(health(bare).await.standing, Standing::Waiting);
    again.close().await;
});

on_both!(archive_without_logins_by_openid_is_migrated, |db| {
    generate(&db.store, 5, 5).await.unwrap();
    let before = db.store.readers(at(0)).await.unwrap();
    let again = db
        .as_older(&[
            "DROP TABLE openid_login",
            "ALTER TABLE reader DROP COLUMN opening_is_done",
            "DELETE FROM _sqlx_migrations WHERE description = 'openid'",
        ])
        .await;
    assert_eq!(again.readers(at(0)).await.unwrap(), before);
    again.close().await;
});

on_both!(archive_without_own_digests_is_migrated, |db| {
    generate(&db.store, 5, 5).await.unwrap();
    let before = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 10).await;
    let week = Dispatch::Week("2026-W20".parse().unwrap());
    db.store.claim_sending("team", week, Resend::No, LEASE, at(10)).await.unwrap();
    let again = db
        .as_older(&[
            "DROP TABLE own_digest",
            "DROP TABLE stopped_link",
            "ALTER TABLE sending DROP COLUMN round",
            "ALTER TABLE read DROP COLUMN revised_at",
            "DELETE FROM _sqlx_migrations WHERE description = 'own_digests'",
        ])
        .await;
    assert_eq!(whole_list(&again, &ReadFilter::default(), Order::Newest, 10).await, before);
    let claim = again.claim_sending("team", week, Resend::No, LEASE, at(9_999)).await.unwrap();
    assert!(matches!(claim, SendingClaim::Claimed(Sending { round: 0, .. })), "{claim:?}");
    again.close().await;
});

on_both!(token_from_before_the_fever_api_is_kept, |db| {
    let name = "phone".parse().unwrap();
    let new = NewToken { name: &name, scope: Scope::Read, hash: "hash", fever_key: "key", ends_at: None };
    db.store.add_token(ReaderId::ONE, new, at(0)).await.unwrap();
    let again = db
        .as_older(&[
            "DROP INDEX token_fever_key",
            "ALTER TABLE token DROP COLUMN fever_key",
            "DELETE FROM _sqlx_migrations WHERE description = 'fever'",
        ])
        .await;
    assert_eq!(again.use_token("hash", at(1)).await.unwrap().unwrap().name, name);
    assert_eq!(again.use_fever_key("key", at(1)).await.unwrap(), None);
    again.close().await;
});

on_both!(database_of_a_newer_program_is_not_changed, |db| {
    generate(&db.store, 5, 5).await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 SELECT 9999, 'later', success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1";
    db.run(&[newer]).await;
    let refused = Store::open(&db.location, &TimeZone::UTC).await.unwrap_err();
    assert!(matches!(refused, StoreError::NewerThanProgram { version: 9999, .. }), "{refused:?}");
    assert!(refused.to_string().contains("install the newer version"), "{refused}");
    let schema = db.store.check().await.into_iter().find(|finding| finding.name == "schema").unwrap();
    assert!(!schema.ok, "{}", schema.detail);
    db.run(&["DELETE FROM _sqlx_migrations WHERE version = 9999"]).await;
});

on_both!(reading_process_uses_the_archives_time_zone, |db| {
    let source = db.follow("Acme").await;
    // Sunday evening in UTC is Monday morning in Tokyo.
    let mut late = entry("https://acme.example/1", None);
    late.entry.published = Some("2026-05-10T20:00:00Z".parse().unwrap());
    db.poll(&source, vec![late]).await;
    db.finish_all().await;
    let week = async |store: &Store| store.newest_week().await.unwrap().unwrap().to_string();
    assert_eq!(week(&db.store).await, "2026-W19");
    for (zone, shown) in [
        (TimeZone::get("Asia/Tokyo").unwrap(), "2026-W20"),
        (TimeZone::fixed(jiff::tz::offset(-3)), "2026-W19"),
        (TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap(), "2026-W19"),
        (TimeZone::UTC, "2026-W19"),
    ] {
        Store::open(&db.location, &zone).await.unwrap().close().await;
        let version = db.store.archive_version().await.unwrap();
        let looking = Store::look_at(&db.location).await.unwrap();
        assert_eq!((looking.zone(), week(&looking).await.as_str()), (&zone, shown));
        assert_eq!(looking.archive_version().await.unwrap(), version, "nothing is filed anew");
        looking.close().await;
    }
});

#[tokio::test]
async fn new_archive_of_a_reading_process_is_in_utc() {
    let folder = tempfile::TempDir::new().unwrap();
    let location = Location::Sqlite(folder.path().join("data/new.sqlite"));
    let looking = Store::look_at(&location).await.unwrap();
    assert_eq!(looking.zone(), &TimeZone::UTC);
    assert!(looking.follow(&blog("Acme"), at(0)).await.unwrap().is_new);
    looking.close().await;
}

on_both!(flag_is_stored_until_it_is_set_again, |db| {
    assert_eq!(db.store.flag("time_zone").await.unwrap(), None, "settings are no flags");
    db.store.set_flag("starter list", "offered").await.unwrap();
    db.store.set_flag("time_zone", "Mars/Olympus").await.unwrap();
    let looking = Store::look_at(&db.location).await.unwrap();
    assert_eq!(looking.flag("starter list").await.unwrap().as_deref(), Some("offered"));
    assert_eq!(looking.zone(), &TimeZone::UTC, "nor are flags settings");
    looking.set_flag("starter list", "taken").await.unwrap();
    assert_eq!(db.store.flag("starter list").await.unwrap().as_deref(), Some("taken"));
    looking.close().await;
});

on_both!(archive_without_planned_batches_is_migrated, |db| {
    generate(&db.store, 40, 5).await.unwrap();
    let before = whole_list(&db.store, &ReadFilter::default(), Order::Newest, 10).await;
    let again = db
        .as_older(&[
            "DROP TABLE dead_pages",
            "ALTER TABLE batch DROP COLUMN is_sent",
            "ALTER TABLE batch DROP COLUMN prompts",
            "INSERT INTO batch (model, server_id, made_at) VALUES ('mine', 'b1', 1)",
            "DELETE FROM _sqlx_migrations WHERE description IN ('dead_pages', 'planned_batches')",
        ])
        .await;
    assert_eq!(whole_list(&again, &ReadFilter::default(), Order::Newest, 10).await, before);
    assert_eq!(again.dead_hosts().await.unwrap(), []);
    let batches = again.batches("mine").await.unwrap();
    assert!(batches[0].is_sent && batches[0].prompts.is_none(), "{batches:?}");
    again.close().await;
});

on_both!(opening_a_current_archive_does_not_wait_for_a_writer, |db| {
    db.follow("Acme").await;
    let mut writing = db.store.database.begin_admission().await.unwrap();
    writing.run(sql("UPDATE archive SET version = version + 1")).await.unwrap();
    for looking in [Store::look_at(&db.location).await, Store::open(&db.location, &TimeZone::UTC).await] {
        let looking = looking.unwrap();
        assert_eq!(looking.sources(&SourceFilter::default()).await.unwrap().len(), 1);
        looking.close().await;
    }
    writing.abandon().await.unwrap();
});

#[tokio::test]
async fn changed_migration_is_refused() {
    let db = TestDatabase::sqlite().await;
    db.run(&["UPDATE _sqlx_migrations SET checksum = x'00'"]).await;
    let refused = Store::open(&db.location, &TimeZone::UTC).await.unwrap_err();
    assert!(matches!(refused, StoreError::Migration { .. }), "{refused:?}");
    db.remove().await;
}

on_both!(archive_without_counts_of_forms_is_migrated, |db| {
    generate(&db.store, 60, 7).await.unwrap();
    let counts = async |store: &Store| -> Vec<(String, i64)> {
        let query = sql("SELECT list || ' ' || facet AS what, reads FROM tally
             WHERE facet LIKE 'form/%' ORDER BY list, facet");
        let rows = store.database.rows(query).await.unwrap();
        rows.iter().map(|row| (row.text("what").unwrap(), row.int("reads").unwrap())).collect()
    };
    let before = counts(&db.store).await;
    for list in ["all ", "week/", "source/", "concept/"] {
        for form in [" form/quoted", " form/written"] {
            let is_counted = before.iter().any(|(what, _)| what.starts_with(list) && what.ends_with(form));
            assert!(is_counted, "{list}{form}: {before:?}");
        }
    }
    let again = db
        .as_older(&[
            "DROP INDEX read_form",
            "DELETE FROM tally WHERE facet LIKE 'form/%'",
            "DELETE FROM _sqlx_migrations WHERE description = 'forms'",
        ])
        .await;
    assert_eq!(counts(&again).await, before);
    let written = ReadFilter { form: Some(Form::Written), ..ReadFilter::default() };
    let listed = whole_list(&again, &written, Order::Newest, 10).await.len();
    assert!(before.contains(&("all form/written".to_owned(), listed.try_into().unwrap())), "{listed}");
    again.close().await;
});

#[test]
fn both_databases_have_the_same_tables() {
    let plain = |text: &str| -> Vec<String> {
        text.lines()
            .map(|line| line.split("--").next().unwrap_or_default())
            .map(|line| {
                line.replace(" COLLATE \"C\"", "")
                    .replace(
                        "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
                        "INTEGER PRIMARY KEY AUTOINCREMENT",
                    )
                    .replace("BIGINT", "INTEGER")
                    .replace(" STRICT, WITHOUT ROWID", "")
                    .replace(" WITHOUT ROWID", "")
                    .replace(" STRICT", "")
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .filter(|line| !line.is_empty())
            .collect()
    };
    // These compute values from JSON, which the databases write differently.
    const DIFFERENT: [&str; 2] = ["0014_cards.sql", "0017_start.sql"];
    let migrations = |database: &str| -> BTreeMap<String, Vec<String>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(database);
        let file = |file: DirEntry| {
            let text = if DIFFERENT.iter().any(|name| file.file_name() == *name) {
                String::new()
            } else {
                read_to_string(file.path()).unwrap()
            };
            (file.file_name().into_string().unwrap(), plain(&text))
        };
        read_dir(folder).unwrap().map(|entry| file(entry.unwrap())).collect()
    };
    assert_eq!(migrations("sqlite"), migrations("postgres"));
}
