//! Backups: SQLite's own copy of the database, made while other processes read and write, and the
//! check of a file before it is restored. PostgreSQL has its own tools. For them, this module only
//! provides facts about the server.

use std::path::{Path, PathBuf};

use crate::archive::{SUMS, newest};
use crate::copy::{Sums, sums};
use crate::database::{Database, Sql, Tried, sql};
use crate::error::Failure;
use crate::migrations::SQLITE;
use crate::rows::to_json;
use crate::{Location, Store, StoreError};

/// Facts about a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFacts {
    /// Reads.
    pub reads: u64,
    /// Sources that are followed.
    pub sources: u64,
    /// The version of its tables. An older one is migrated when the archive is opened.
    pub schema: i64,
    /// Whether it has checksums, so that changed rows are noticed.
    pub has_checksums: bool,
}

/// Facts about a server that `pg_dump` needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFacts {
    /// Its major version.
    pub version: i64,
    /// Tables of the archive that this account may not read, so that a dump would fail.
    pub unreadable: Vec<String>,
}

/// Why a file cannot be restored as a backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive is on PostgreSQL.
    #[error("{0} is no SQLite archive; back it up with pg_dump")]
    NotSqlite(Location),
    /// The file does not have the tables of an archive.
    #[error("{} is no archive of backissue; name a file that `backissue backup` wrote", .0.display())]
    NoArchive(PathBuf),
    /// The file is damaged.
    #[error("{} is damaged ({found}); use another backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        found: String,
    },
    /// A row has changed since the backup was written.
    #[error("{} is damaged: rows of the table `{table}` are not what was backed up; use another backup", path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// The table.
        table: String,
    },
    /// The file has a log with newer rows beside it.
    #[error(
        "{} is a copy of a database in use: its log {} has newer rows; open it with --data first, or use `backissue backup`",
        path.display(),
        log.display()
    )]
    HasLog {
        /// The file.
        path: PathBuf,
        /// Its log.
        log: PathBuf,
    },
    /// A newer program wrote the file.
    #[error("{} was written by a newer version of backissue (schema {schema}, this program knows {known}); install that version", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        schema: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
}

impl Store {
    /// Writes the current state of the archive into `file`, which is missing or empty. Others can
    /// read and write the archive meanwhile.
    ///
    /// # Errors
    /// [`BackupError::NotSqlite`]; [`BackupError::Store`] if a disk fails.
    pub async fn backup_to(&self, file: &Path) -> Result<(), BackupError> {
        let Database::Sqlite { .. } = self.database else {
            return Err(BackupError::NotSqlite(Location::clone(&self.location)));
        };
        let vacuum = sql("VACUUM INTO $1").bind(file.display().to_string());
        self.run("writing a backup", self.database.run_alone(vacuum)).await?;
        // Of what the file has, since the archive may have changed meanwhile.
        let location = Location::Sqlite(file.to_owned());
        let summed = async {
            let written = Database::open_sqlite_alone(file).await?;
            let sums = to_json(&sums(&written).await?)?;
            let mut tx = written.begin().await?;
            crate::archive::set(&mut tx, SUMS, &sums).await?;
            tx.commit().await?;
            written.close().await;
            Ok(())
        };
        summed.await.map_err(|f: Failure| f.at(&location, "adding checksums to a backup"))?;
        Ok(())
    }

    /// Checks a backup: its pages, its tables, and the version of its schema. Changes nothing.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub async fn look_at_backup(file: &Path) -> Result<BackupFacts, BackupError> {
        let location = Location::Sqlite(file.to_owned());
        let at = |failure: Failure| -> BackupError { failure.at(&location, "looking at a backup").into() };
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        let log = PathBuf::from(log);
        if std::fs::metadata(&log).is_ok_and(|log| log.len() > 0) {
            return Err(BackupError::HasLog { path: file.to_owned(), log });
        }
        let database = Database::open_sqlite_as_it_is(file).await.map_err(at)?;
        let facts = facts(&database, file).await;
        database.close().await;
        facts.map_err(at)?
    }

    /// Facts about this archive's server that a dump needs. Returns `None` on SQLite.
    pub async fn server_facts(&self) -> Result<Option<ServerFacts>, StoreError> {
        let Database::Postgres(_) = self.database else { return Ok(None) };
        let version = sql("SELECT CAST(current_setting('server_version_num') AS BIGINT) / 10000 AS version");
        let version = self.one("asking its version", version, |row| row.int("version")).await?;
        let unreadable = sql("SELECT CAST(c.relname AS TEXT) AS name FROM pg_class c
             JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
             WHERE c.relkind = 'r' AND NOT has_table_privilege(c.oid, 'SELECT') ORDER BY 1");
        let unreadable = self.list("asking for its tables", unreadable, |row| row.text("name")).await?;
        Ok(version.map(|version| ServerFacts { version, unreadable }))
    }
}

async fn facts(database: &Database, file: &Path) -> Tried<Result<BackupFacts, BackupError>> {
    const TABLES: &str = "SELECT count(*) AS tables FROM sqlite_master
        WHERE type = 'table' AND name IN ('archive', 'read', 'source', '_sqlx_migrations')";
    let number = async |query: Sql, column| -> Tried<i64> {
        database.row(query).await?.map_or(Ok(0), |row| Ok(row.opt_int(column)?.unwrap_or_default()))
    };
    let path = || file.to_owned();
    // A file that is no database at all fails here.
    if number(sql(TABLES), "tables").await? < 4 {
        return Ok(Err(BackupError::NoArchive(path())));
    }
    let lines = database.rows(sql("PRAGMA integrity_check(5)")).await?;
    let lines: Vec<String> = lines.iter().map(|row| row.text("integrity_check")).collect::<Tried<_>>()?;
    if lines != ["ok"] {
        return Ok(Err(BackupError::Damaged { path: path(), found: lines.join("; ") }));
    }
    let schema = number(sql("SELECT max(version) AS version FROM _sqlx_migrations"), "version").await?;
    let known = newest(&SQLITE);
    if schema > known {
        return Ok(Err(BackupError::Newer { path: path(), schema, known }));
    }
    if let Some(table) = changed_table(database).await? {
        return Ok(Err(BackupError::Changed { path: path(), table }));
    }
    let count = async |query| Ok::<u64, Failure>(number(sql(query), "n").await?.unsigned_abs());
    Ok(Ok(BackupFacts {
        reads: count("SELECT count(*) AS n FROM read WHERE stage = 'annotated'").await?,
        sources: count("SELECT count(*) AS n FROM source WHERE standing = 'active'").await?,
        schema,
        has_checksums: number(sql("SELECT count(*) AS n FROM setting WHERE name = 'backup_sums'"), "n")
            .await?
            > 0,
    }))
}

/// A table whose rows have changed since the backup was written. Returns `None` if there is none,
/// or if an older version wrote the backup without checksums.
async fn changed_table(database: &Database) -> Tried<Option<String>> {
    let query = sql("SELECT value FROM setting WHERE name = $1").bind(SUMS);
    let Some(row) = database.row(query).await? else { return Ok(None) };
    let (written, found): (Sums, Sums) = (row.json("value")?, sums(database).await?);
    let changed = written.iter().find(|(table, sum)| found.get(*table) != Some(*sum));
    Ok(changed.map(|(table, _)| table.clone()))
}
