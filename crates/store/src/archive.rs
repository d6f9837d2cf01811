//! The database as a whole: opening it, its schema, its settings (tables `setting` and `archive`).

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use backissue_model::{ReaderId, hex};
use jiff::fmt::temporal::{DateTimeParser, DateTimePrinter};
use jiff::tz::TimeZone;
use sqlx::migrate::Migrator;

use crate::database::{Boxed, Database, Row, Sql, Tried, Tx, retried, sql, sql_of};
use crate::error::{Failure, of_migration};
use crate::migrations::{POSTGRES, SQLITE, TABLES};
use crate::private::{make_private, make_private_folder};
use crate::recent::Recent;
use crate::{Location, StoreError};

/// The archive's database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) database: Database,
    pub(crate) location: Arc<Location>,
    pub(crate) zone: TimeZone,
    /// The device and inode of SQLite's file when it was opened.
    pub(crate) file: Option<(u64, u64)>,
    /// The number of bytes of a source in the archive above which nothing more is fetched from the
    /// source.
    pub(crate) source_limit: i64,
    /// The versions of the archive and of a reader.
    pub(crate) recent_versions: Recent<Option<ReaderId>, (u64, Option<u64>)>,
    /// Whether a reader, or anybody, has a password.
    pub(crate) recent_passwords: Recent<Option<ReaderId>, bool>,
}

impl Store {
    /// Opens the database. Creates the file, its folder and the tables if they are missing, and
    /// migrates older tables. If the time zone has changed, files all reads again.
    ///
    /// # Errors
    /// - [`StoreError::Folder`], [`StoreError::CannotOpen`], [`StoreError::Connection`] if it
    ///   cannot be reached.
    /// - [`StoreError::NewerThanProgram`], [`StoreError::Damaged`], [`StoreError::Migration`].
    pub async fn open(location: &Location, zone: &TimeZone) -> Result<Self, StoreError> {
        let store = Self { zone: zone.clone(), ..Self::connect(location).await? };
        store.settle_zone().await.map_err(|f| f.at(location, "filing reads in the archive's time zone"))?;
        Ok(store)
    }

    /// Opens the database like [`Store::open`], but in the archive's own time zone (UTC for a new
    /// archive), so that nothing is filed again. For processes that read the archive while another
    /// one works on it.
    ///
    /// # Errors
    /// As [`Store::open`]; [`StoreError::Unreadable`] if this system does not know the archive's
    /// time zone.
    pub async fn look_at(location: &Location) -> Result<Self, StoreError> {
        let store = Self::connect(location).await?;
        let zone =
            store.settled_zone().await.map_err(|f| f.at(location, "reading the archive's time zone"))?;
        Ok(Self { zone, ..store })
    }

    /// Opens the database like [`Store::look_at`], but creates nothing. Returns `None` if there is
    /// no archive.
    ///
    /// # Errors
    /// As [`Store::look_at`].
    pub async fn look_at_existing(location: &Location) -> Result<Option<Self>, StoreError> {
        if Self::is_archive(location).await? { Self::look_at(location).await.map(Some) } else { Ok(None) }
    }

    /// Opens an archive to copy it. A SQLite file is only read: neither migrated nor changed.
    /// Returns `None` if there is no archive.
    ///
    /// # Errors
    /// As [`Store::look_at`].
    pub async fn open_to_copy(location: &Location) -> Result<Option<Self>, StoreError> {
        let Location::Sqlite(path) = location else { return Self::look_at_existing(location).await };
        if !Self::is_archive(location).await? {
            return Ok(None);
        }
        let opened = Database::open_sqlite_to_read(path).await;
        let store = Self::of(opened.map_err(|failure| failure.at(location, "opening it"))?, location);
        store.run("looking for a copy", store.refuse_half_a_copy()).await?;
        Ok(Some(store))
    }

    /// Whether there is an archive at this location. Returns true if that is unknown, so that
    /// opening it reports the reason.
    ///
    /// # Errors
    /// If a database server cannot be reached.
    pub async fn is_archive(location: &Location) -> Result<bool, StoreError> {
        match location {
            Location::Sqlite(path) => {
                let found = std::fs::metadata(path);
                if found.as_ref().is_ok_and(|file| file.len() == 0) && stays_empty(path).await {
                    return Err(StoreError::Empty { path: path.clone() });
                }
                return Ok(!found.is_err_and(|why| why.kind() == std::io::ErrorKind::NotFound));
            }
            Location::Postgres(_) => {}
        }
        let has_tables = async {
            let database = Database::open(location).await?;
            let query = sql("SELECT CAST(count(to_regclass('archive')) AS BIGINT) AS tables");
            let row = database.row(query).await?;
            database.close().await;
            Ok(row.is_some_and(|row| row.int("tables").is_ok_and(|tables| tables > 0)))
        };
        has_tables.await.map_err(|f: Failure| f.at(location, "looking for an archive"))
    }

    /// Connects to a database with current tables.
    pub(crate) async fn connect(location: &Location) -> Result<Self, StoreError> {
        let store = Self::connect_only(location).await?;
        if !store.is_up_to_date().await {
            store.migrate(None).await?;
        }
        // Where nothing can be written, nothing changes.
        let _ = store.forget_sums().await;
        Ok(store)
    }

    /// Connects to a database as it is.
    pub(crate) async fn connect_only(location: &Location) -> Result<Self, StoreError> {
        let database = match location {
            Location::Sqlite(path) => {
                make_folder(path)?;
                let is_new = !path.exists();
                let database = Database::open(location).await;
                if is_new {
                    make_private(path);
                }
                database
            }
            Location::Postgres(_) => Database::open(location).await,
        }
        .map_err(|failure| failure.at(location, "opening it"))?;
        Ok(Self::of(database, location))
    }

    fn of(database: Database, location: &Location) -> Self {
        Self {
            database,
            location: Arc::new(location.clone()),
            zone: TimeZone::UTC,
            file: identity(location),
            source_limit: i64::MAX,
            recent_versions: Recent::default(),
            recent_passwords: Recent::default(),
        }
    }

    /// The same archive, with this limit of bytes per source. Nothing more is fetched from a source
    /// that reached the limit.
    pub fn with_source_limit(self, bytes: u64) -> Self {
        Self { source_limit: i64::try_from(bytes).unwrap_or(i64::MAX), ..self }
    }

    /// Whether the database's file is still the one that was opened. If the file was deleted or
    /// replaced, everything that is written is lost.
    pub fn is_in_place(&self) -> bool {
        self.file.is_none() || self.file == identity(&self.location)
    }

    /// The time zone in which reads are filed under their weeks.
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// Runs statements. `doing` names them in the error, for example "listing weeks".
    ///
    /// The future is boxed: otherwise each caller's future, up to a handler of `web`, contains all
    /// statements, and the compiler proves again for each that it can be sent to another thread.
    pub(crate) fn run<'s, T: Send + 's>(
        &'s self,
        doing: &'static str,
        statements: impl Future<Output = Tried<T>> + Send + 's,
    ) -> Boxed<'s, Result<T, StoreError>> {
        Box::pin(async move { statements.await.map_err(|failure| failure.at(&self.location, doing)) })
    }

    /// Runs a query and converts its rows by `of_row`.
    pub(crate) fn list<'s, T: Send + 's>(
        &'s self,
        doing: &'static str,
        query: Sql,
        of_row: impl Fn(&Row) -> Tried<T> + Send + 's,
    ) -> Boxed<'s, Result<Vec<T>, StoreError>> {
        self.run(doing, async move { self.database.rows(query).await?.iter().map(of_row).collect() })
    }

    /// Runs a query and converts its first row by `of_row`. Returns `None` if there is no row.
    pub(crate) fn one<'s, T: Send + 's>(
        &'s self,
        doing: &'static str,
        query: Sql,
        of_row: impl Fn(&Row) -> Tried<T> + Send + 's,
    ) -> Boxed<'s, Result<Option<T>, StoreError>> {
        self.run(doing, async move { self.database.row(query).await?.as_ref().map(of_row).transpose() })
    }

    /// Runs a transaction. Retries it if it failed only because of other transactions.
    pub(crate) fn retry<'s, T: Send + 's, F: Future<Output = Tried<T>> + Send + 's>(
        &'s self,
        doing: &'static str,
        transaction: impl Fn() -> F + Send + 's,
    ) -> Boxed<'s, Result<T, StoreError>> {
        self.run(doing, retried(transaction))
    }

    /// Runs one statement, like [`Self::retry`]. Returns the number of changed rows.
    pub(crate) async fn change(&self, doing: &'static str, statement: Sql) -> Result<u64, StoreError> {
        self.retry(doing, || self.database.run_alone(statement.clone())).await
    }

    /// The value of a flag ([`Store::set_flag`]).
    pub async fn flag(&self, name: &str) -> Result<Option<String>, StoreError> {
        self.run("reading a flag", self.setting(&flag_name(name))).await
    }

    /// Stores a value under a name permanently. For facts that a program needs at its next start,
    /// such as that an offer was made once.
    pub async fn set_flag(&self, name: &str, value: &str) -> Result<(), StoreError> {
        self.run("remembering something", async {
            let mut tx = self.database.begin().await?;
            set(&mut tx, &flag_name(name), value).await?;
            tx.commit().await
        })
        .await
    }

    /// The value of a flag. If it has none, sets it to `value`.
    pub async fn flag_or(&self, name: &str, value: &str) -> Result<String, StoreError> {
        let name = flag_name(name);
        self.run("remembering something", async {
            if let Some(known) = self.setting(&name).await? {
                return Ok(known);
            }
            let mut tx = self.database.begin().await?;
            let insert =
                sql("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING");
            tx.run(insert.bind(name.as_str()).bind(value)).await?;
            tx.commit().await?;
            let known = self.setting(&name).await?;
            known.ok_or_else(|| Failure::Unreadable(format!("flag `{name}` was not stored")))
        })
        .await
    }

    /// The archive's unique name. It is created when it is first needed.
    pub async fn name(&self) -> Result<String, StoreError> {
        // The keys of this hash are random.
        let new = RandomState::new().hash_one(format!("{:?}", self.location));
        self.flag_or("archive name", &format!("{new:016x}")).await
    }

    /// The database's location.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Closes all connections, also of clones, after their current work.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// A number that changes with each commit that changes pages.
    pub async fn archive_version(&self) -> Result<u64, StoreError> {
        self.run("reading the archive's version", async {
            let row = self.database.row(sql("SELECT version FROM archive WHERE id = 1")).await?;
            row.ok_or_else(|| Failure::Unreadable("table `archive` is empty".into()))?.count("version")
        })
        .await
    }

    /// Whether the tables are exactly those of this program. Does not lock, so that a reader does
    /// not wait for a writer.
    pub async fn is_up_to_date(&self) -> bool {
        let (steps, checksum) = match &self.database {
            Database::Sqlite { .. } => (&SQLITE, "lower(hex(checksum))"),
            Database::Postgres(_) => (&POSTGRES, "encode(checksum, 'hex')"),
        };
        let query = format!(
            "SELECT version, CASE WHEN success THEN {checksum} ELSE '' END AS checksum FROM _sqlx_migrations
             ORDER BY version"
        );
        let Ok(rows) = self.database.rows(sql_of(query)).await else { return false };
        let there = rows.iter().map(|row| Some((row.int("version").ok()?, row.text("checksum").ok()?)));
        let known = steps.iter().map(|step| Some((step.version, hex(&step.checksum))));
        there.eq(known)
    }

    /// The part of the schema that this program needs and the database lacks: migrations, or a
    /// table. Returns `None` if nothing is missing. The database may have more, if a newer program
    /// has migrated it meanwhile.
    pub async fn lacks(&self) -> Result<Option<String>, StoreError> {
        let query = sql("SELECT CAST(max(version) AS BIGINT) AS version FROM _sqlx_migrations WHERE success");
        let newest = self.one("looking at the tables", query, |row| row.opt_int("version")).await?;
        if newest.flatten() < Some(known_schema(&self.database)) {
            return Ok(Some("migrations of this program".to_owned()));
        }
        let query = sql(match self.database {
            Database::Sqlite { .. } => "SELECT name FROM sqlite_master WHERE type = 'table'",
            Database::Postgres(_) => {
                "SELECT CAST(c.relname AS TEXT) AS name FROM pg_class c
                 JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
                 WHERE c.relkind = 'r'"
            }
        });
        let there = self.list("looking at the tables", query, |row| row.text("name")).await?;
        let missing = TABLES.iter().find(|table| !there.contains(*table));
        Ok(missing.map(|table| format!("the table `{table}`")))
    }

    /// Brings the tables up to date, in one transaction. With `copying`, new tables are marked from
    /// their first moment as a copy that is not complete.
    pub(crate) async fn migrate(&self, copying: Option<&str>) -> Result<(), StoreError> {
        let (result, known) = match &self.database {
            Database::Sqlite { writer, .. } => {
                // SQLite's migrations do not lock, so this lock serialises two processes.
                let migrated = async {
                    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
                    SQLITE.run_direct(None, &mut *tx, false).await?;
                    if let Some(from) = copying {
                        sqlx::query(MARK).bind(COPYING).bind(from).execute(&mut *tx).await?;
                    }
                    tx.commit().await?;
                    Ok(())
                };
                (migrated.await, newest(&SQLITE))
            }
            Database::Postgres(pool) => {
                let migrated = async {
                    let Some(from) = copying else { return POSTGRES.run(pool).await };
                    let mut tx = pool.begin().await?;
                    POSTGRES.run_direct(None, &mut *tx, false).await?;
                    sqlx::query(MARK).bind(COPYING).bind(from).execute(&mut *tx).await?;
                    tx.commit().await?;
                    Ok(())
                };
                (migrated.await, newest(&POSTGRES))
            }
        };
        result.map_err(|error| of_migration(error, &self.location, known))
    }

    /// Removes the checksums of a backup, if this archive was one: it changes from now on.
    async fn forget_sums(&self) -> Tried<()> {
        if matches!(self.database, Database::Sqlite { .. }) && self.setting(SUMS).await?.is_some() {
            let mut tx = self.database.begin().await?;
            tx.run(sql("DELETE FROM setting WHERE name = $1").bind(SUMS)).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    /// Files all reads again if the time zone has changed.
    async fn settle_zone(&self) -> Tried<()> {
        self.refuse_half_a_copy().await?;
        let name = zone_name(&self.zone);
        if self.setting(TIME_ZONE).await?.as_ref() == Some(&name) {
            return Ok(());
        }
        let mut tx = self.database.begin_admission().await?;
        touch(&mut tx).await?;
        crate::filing::file_anew(&mut tx, &self.zone).await?;
        set(&mut tx, TIME_ZONE, &name).await?;
        tx.commit().await
    }

    /// The time zone in which reads are filed.
    async fn settled_zone(&self) -> Tried<TimeZone> {
        self.refuse_half_a_copy().await?;
        let Some(name) = self.setting(TIME_ZONE).await? else { return Ok(TimeZone::UTC) };
        let unknown =
            || Failure::Unreadable(format!("the time zone `{name}`, which this system does not know"));
        DateTimeParser::new().parse_time_zone(&name).map_err(|_| unknown())
    }

    /// Fails if the archive is an incomplete copy.
    async fn refuse_half_a_copy(&self) -> Tried<()> {
        if self.setting(COPYING).await?.is_some() { Err(Failure::HalfCopied) } else { Ok(()) }
    }

    pub(crate) async fn setting(&self, name: &str) -> Tried<Option<String>> {
        let row = self.database.row(sql("SELECT value FROM setting WHERE name = $1").bind(name)).await?;
        row.map(|row| row.text("value")).transpose()
    }
}

/// The setting with the archive's time zone.
const TIME_ZONE: &str = "time_zone";

/// The prefix separates flags from the archive's own settings.
fn flag_name(name: &str) -> String {
    format!("flag/{name}")
}

pub(crate) async fn set(tx: &mut Tx, name: &str, value: &str) -> Tried<()> {
    let set = sql("INSERT INTO setting (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    tx.run(set.bind(name).bind(value)).await?;
    Ok(())
}

/// Increments the archive's version, which also locks the counters until the commit.
pub(crate) async fn touch(tx: &mut Tx) -> Tried<()> {
    tx.run(touching()).await?;
    Ok(())
}

/// The statement of [`touch`].
pub(crate) fn touching() -> Sql {
    sql("UPDATE archive SET version = version + 1 WHERE id = 1")
}

/// The newest schema that this program knows.
pub(crate) fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|m| m.version).max().unwrap_or(0)
}

pub(crate) fn known_schema(database: &Database) -> i64 {
    newest(match database {
        Database::Sqlite { .. } => &SQLITE,
        Database::Postgres(_) => &POSTGRES,
    })
}

/// A name from which the zone can be found again: its IANA name, its fixed offset, or its POSIX
/// rule. A system zone without any of them is identified by its debug output.
fn zone_name(zone: &TimeZone) -> String {
    DateTimePrinter::new().time_zone_to_string(zone).unwrap_or_else(|_| format!("{zone:?}"))
}

/// Numbers that identify SQLite's file, on systems that have such numbers.
fn identity(location: &Location) -> Option<(u64, u64)> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let Location::Sqlite(path) = location else { return None };
        std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = location;
        None
    }
}

/// Whether a file has no bytes and stays empty for a moment. A process that is creating an archive
/// writes to its file immediately.
async fn stays_empty(path: &Path) -> bool {
    for _ in 0..20 {
        if std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    true
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) else { return Ok(()) };
    make_private_folder(folder).map_err(|reason| StoreError::Folder { path: folder.to_owned(), reason })
}

/// The setting that marks a copy which is not complete.
pub(crate) const COPYING: &str = "copying";

/// The setting with the checksums of a backup's tables.
pub(crate) const SUMS: &str = "backup_sums";

/// Marks new tables as a copy, if no other process uses them already.
const MARK: &str = "INSERT INTO setting (name, value) SELECT $1, $2 WHERE NOT EXISTS (SELECT 1 FROM setting)";
