//! One interface for statements on both databases.
//!
//! A statement is a text with `$1` placeholders, which both databases accept, and its values. Only
//! the types inside the enums differ. This module does not know what statements mean.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backissue_model::bounds::cut;
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgConnectOptions, PgPool, PgRow};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteRow, SqliteSynchronous};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, Postgres, Row as _, Sqlite, Transaction};
use xxhash_rust::xxh3::Xxh3Default;

use crate::Location;
use crate::error::Failure;

pub(crate) type Tried<T> = Result<T, Failure>;

/// How long a writer waits for another process, and any task for a connection.
const PATIENCE: Duration = Duration::from_secs(20);
/// Connections for reading in addition to SQLite's single writer. On PostgreSQL, all connections.
const READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 10;
/// The PostgreSQL lock of transactions that admit, merge or drop reads: `backissu` as a number.
const ADMISSION_LOCK: i64 = 0x6261_636b_6973_7375;

/// How often a transaction is retried after a conflict or a timeout of a lock. Each timeout has
/// waited for [`PATIENCE`] before.
const CONFLICTS: u32 = 4;
const BUSY: u32 = 2;

/// A future whose type does not contain what it waits for.
pub(crate) type Boxed<'s, T> = Pin<Box<dyn Future<Output = T> + Send + 's>>;

/// Retries a whole transaction if it failed only because of other transactions.
pub(crate) async fn retried<T, F: Future<Output = Tried<T>>>(transaction: impl Fn() -> F) -> Tried<T> {
    let (mut conflicts, mut busy) = (0, 0);
    loop {
        match transaction().await {
            Err(failure) if failure.may_pass() && conflicts < CONFLICTS => conflicts += 1,
            Err(failure) if failure.is_busy() && busy < BUSY => busy += 1,
            result => return result,
        }
    }
}

/// Opens SQLite's file, and retries while another process has it. If two processes switch a new
/// file to WAL mode at once, one is refused without any waiting
/// (<https://sqlite.org/c3ref/busy_handler.html>: the busy handler is not called if there could be
/// a deadlock).
async fn patiently<T, F: Future<Output = sqlx::Result<T>>>(open: impl Fn() -> F) -> Tried<T> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        match open().await.map_err(Failure::from) {
            Err(failure) if failure.is_busy() && Instant::now() < give_up => {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            result => return result,
        }
    }
}

/// A statement with its values.
#[derive(Clone)]
pub(crate) struct Sql {
    text: Cow<'static, str>,
    values: Vec<Value>,
    prepared: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
}

impl Value {
    /// The approximate size of the value in memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Text(Some(text)) => text.len(),
            _ => size_of::<i64>(),
        }
    }

    /// Adds the value to a checksum, with its type and length, so that different rows have
    /// different checksums.
    pub(crate) fn hash_into(&self, hash: &mut Xxh3Default) {
        match self {
            Self::Int(None) | Self::Text(None) => hash.update(b"n"),
            Self::Int(Some(number)) => {
                hash.update(b"i");
                hash.update(&number.to_le_bytes());
            }
            Self::Text(Some(text)) => {
                hash.update(b"t");
                hash.update(&(text.len() as u64).to_le_bytes());
                hash.update(text.as_bytes());
            }
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(Some(number)) => number.fmt(f),
            Self::Text(Some(text)) => write!(f, "“{}”", cut(text, 100)),
            Self::Int(None) | Self::Text(None) => f.write_str("NULL"),
        }
    }
}

/// A constant statement, which is prepared once.
pub(crate) fn sql(text: &'static str) -> Sql {
    Sql { text: Cow::Borrowed(text), values: Vec::new(), prepared: true }
}

/// A statement composed of parts, of which there are few variants. It is prepared once, too.
pub(crate) fn sql_of(text: String) -> Sql {
    Sql { text: Cow::Owned(text), values: Vec::new(), prepared: true }
}

/// A statement for one use, such as one with a list of any length.
pub(crate) fn sql_once(text: String) -> Sql {
    Sql { text: Cow::Owned(text), values: Vec::new(), prepared: false }
}

/// A statement with a list of `count` values. It is prepared once if the list is short or has the
/// reads of a full page, 50 or 100. These are most frequent.
pub(crate) fn sql_listing(text: String, count: usize) -> Sql {
    if count <= 8 || count.is_multiple_of(50) { sql_of(text) } else { sql_once(text) }
}

impl Sql {
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(crate) fn bind_all<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        self.values.extend(values.into_iter().map(Into::into));
        self
    }

    /// The statement with a prefix.
    #[cfg(any(test, feature = "generate"))]
    pub(crate) fn with_prefix(mut self, words: &str) -> Self {
        self.text = format!("{words}{}", self.text).into();
        self
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(Some(value.into()))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(Some(value.into()))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(without_nul(value)))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        value.to_owned().into()
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value.map(without_nul))
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        value.map(str::to_owned).into()
    }
}

/// The text without NUL characters. PostgreSQL refuses them, and SQLite's functions stop at them.
fn without_nul(mut text: String) -> String {
    if text.as_bytes().contains(&0) {
        text.retain(|c| c != '\0');
    }
    text
}

/// `$from, $from+1, …`, in total `count`. `NULL` if `count` is 0, so that `IN (…)` stays valid and
/// matches nothing.
pub(crate) fn placeholders(from: usize, count: usize) -> String {
    if count == 0 {
        return "NULL".to_owned();
    }
    (from..from + count).map(|n| format!("${n}")).collect::<Vec<_>>().join(", ")
}

/// `INSERT INTO address (key, url) VALUES ($1, $2), ($3, $4), …` with so many rows. `into` is a
/// table with its columns, `address (key, url)`.
pub(crate) fn insertion(into: &str, rows: usize) -> String {
    let columns = into.matches(',').count() + 1;
    let row = |row: usize| format!("({})", placeholders(row * columns + 1, columns));
    format!("INSERT INTO {into} VALUES {}", (0..rows).map(row).collect::<Vec<_>>().join(", "))
}

/// One statement of PostgreSQL that does what these do.
fn united(statements: Vec<Sql>) -> Sql {
    let (mut parts, mut values, mut is_prepared) = (Vec::new(), Vec::new(), true);
    for (nth, sql) in statements.into_iter().enumerate() {
        parts.push(format!("s{nth} AS ({})", renumbered(&sql.text, values.len())));
        values.extend(sql.values);
        is_prepared &= sql.prepared;
    }
    let text = format!("WITH {} SELECT 1", parts.join(", "));
    Sql { text: text.into(), values, prepared: is_prepared }
}

/// A statement whose placeholders `$1, $2, …` are numbered after those of `before` other values.
fn renumbered(text: &str, before: usize) -> String {
    let mut parts = text.split('$');
    let mut renumbered = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = &part[..part.len() - rest.len()];
        renumbered.push('$');
        match digits.parse::<usize>() {
            Ok(number) => renumbered.push_str(&(number + before).to_string()),
            Err(_) => renumbered.push_str(digits),
        }
        renumbered.push_str(rest);
    }
    renumbered
}

#[cfg(feature = "generate")]
tokio::task_local! {
    /// The statements by which a task has read.
    static READ_BY: std::cell::RefCell<std::collections::BTreeMap<String, Sql>>;
}

#[cfg(feature = "generate")]
fn note(sql: &Sql) {
    // Without `read_by` there is nobody to tell.
    let _ = READ_BY.try_with(|seen| seen.borrow_mut().insert(sql.text.to_string(), sql.clone()));
}

/// The different statements by which some work reads, each with the values of the last time.
#[cfg(feature = "generate")]
pub(crate) async fn read_by(work: impl Future<Output = ()>) -> std::collections::BTreeMap<String, Sql> {
    let noted = async {
        work.await;
        READ_BY.with(std::cell::RefCell::take)
    };
    READ_BY.scope(std::cell::RefCell::default(), noted).await
}

#[cfg(test)]
tokio::task_local! {
    /// How many statements a task has sent.
    static SENT: std::cell::Cell<u32>;
}

/// Counts a statement for [`statements_of`].
fn sent() {
    #[cfg(test)]
    let _ = SENT.try_with(|sent| sent.set(sent.get() + 1));
}

/// The number of statements that some work sends, with those that begin and end transactions: on
/// PostgreSQL, one round trip each.
#[cfg(test)]
pub(crate) async fn statements_of(work: impl Future<Output = ()>) -> u32 {
    let counted = async {
        work.await;
        SENT.with(std::cell::Cell::get)
    };
    SENT.scope(std::cell::Cell::default(), counted).await
}

/// A row of a result.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub(crate) fn opt_int(&self, column: &str) -> Tried<Option<i64>> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(crate) fn opt_text(&self, column: &str) -> Tried<Option<String>> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(crate) fn int(&self, column: &str) -> Tried<i64> {
        self.opt_int(column)?.ok_or_else(|| missing(column))
    }

    pub(crate) fn text(&self, column: &str) -> Tried<String> {
        self.opt_text(column)?.ok_or_else(|| missing(column))
    }

    /// A text for lists, cut to `most` characters, because an older version may have stored a
    /// longer one.
    pub(crate) fn short(&self, column: &str, most: usize) -> Tried<String> {
        Ok(cut(&self.text(column)?, most).into_owned())
    }

    pub(crate) fn count(&self, column: &str) -> Tried<u64> {
        u64::try_from(self.int(column)?).map_err(|_| Failure::Unreadable(format!("`{column}` under zero")))
    }

    pub(crate) fn small(&self, column: &str) -> Tried<u32> {
        u32::try_from(self.int(column)?).map_err(|_| Failure::Unreadable(format!("`{column}` out of range")))
    }

    pub(crate) fn yes(&self, column: &str) -> Tried<bool> {
        Ok(self.int(column)? != 0)
    }

    /// A text that is parsed into a type of the model.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, column: &str) -> Tried<T> {
        let text = self.text(column)?;
        text.parse().map_err(|_| Failure::Unreadable(format!("`{column}` is `{text}`")))
    }

    pub(crate) fn opt_parsed<T: std::str::FromStr>(&self, column: &str) -> Tried<Option<T>> {
        let Some(text) = self.opt_text(column)? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Failure::Unreadable(format!("`{column}` is `{text}`")))
    }
}

fn missing(column: &str) -> Failure {
    Failure::Unreadable(format!("`{column}` is missing"))
}

macro_rules! query {
    ($db:ty, $sql:expr) => {{
        let Sql { text, values, prepared } = $sql;
        let mut query = match text {
            Cow::Borrowed(text) => sqlx::query::<$db>(text),
            // Composed of constant parts of this crate. Values from outside are bound, never
            // spliced.
            Cow::Owned(text) => sqlx::query::<$db>(AssertSqlSafe(text)).persistent(prepared),
        };
        for value in values {
            query = match value {
                Value::Int(value) => query.bind(value),
                Value::Text(value) => query.bind(value),
            };
        }
        query
    }};
}

/// The connections to the database.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    /// One connection for writing, so that writers of this process wait here and not at the file's
    /// lock. Several connections for reading, which never wait for the writer in WAL mode.
    Sqlite {
        writer: SqlitePool,
        readers: SqlitePool,
    },
    Postgres(PgPool),
}

/// The options of a pool. When the disk fails, SQLite ends a transaction by itself, but the
/// connection still counts it and can begin no other, so it is replaced.
fn pool<DB: sqlx::Database>() -> PoolOptions<DB> {
    PoolOptions::new().acquire_timeout(PATIENCE).before_acquire(|connection: &mut DB::Connection, _| {
        Box::pin(async move { Ok(!connection.is_in_transaction()) })
    })
}

/// The options of a pool of SQLite. A file does not hang up, so its connections are not tested.
fn sqlite_pool() -> PoolOptions<Sqlite> {
    pool().test_before_acquire(false)
}

/// Whether SQLite's write-ahead log exists.
fn has_log(path: &std::path::Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::path::Path::new(&log).exists()
}

/// Runs statements on each new connection of a pool.
macro_rules! run_first {
    ($statements:expr) => {{
        let statements: String = $statements;
        move |connection, _| {
            let statements = statements.clone();
            Box::pin(async move {
                if !statements.is_empty() {
                    connection.execute(AssertSqlSafe(statements)).await?;
                }
                Ok(())
            })
        }
    }};
}

impl Database {
    pub(crate) async fn open(location: &Location) -> Tried<Self> {
        Self::open_with(location, String::new()).await
    }

    /// Opens the database. Each connection that reads runs `first` before anything else.
    pub(crate) async fn open_with(location: &Location, first: String) -> Tried<Self> {
        match location {
            Location::Sqlite(path) => Self::open_sqlite(path, first).await,
            Location::Postgres(url) => Self::open_postgres(url, first).await,
        }
    }

    async fn open_sqlite(path: &std::path::Path, first: String) -> Tried<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(PATIENCE)
            .pragma("temp_store", "memory")
            .pragma("cache_size", "-16000")
            // The rows of a page, so that neither thread waits for the other one in between.
            .row_buffer_size(128);
        let pool = || sqlite_pool().idle_timeout(None).max_lifetime(None);
        let opened = |options: SqliteConnectOptions| {
            patiently(move || pool().max_connections(1).connect_with(options.clone()))
        };
        let (options, writer) = match opened(options.clone()).await {
            Err(failure) if failure.is_read_only() && !has_log(path) => {
                // Reading requires the log's files, which SQLite cannot create in this folder.
                // Without a log no process is writing, so the file can be read as it is.
                let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
                (options.clone(), opened(options).await?)
            }
            writer => (options, writer?),
        };
        let first = format!("{first} PRAGMA query_only = on;");
        let readers =
            pool().max_connections(READERS).after_connect(run_first!(first)).connect_lazy_with(options);
        Ok(Self::Sqlite { writer, readers })
    }

    /// Opens SQLite's file for reading, without its log, so that nothing is created beside it.
    pub(crate) async fn open_sqlite_as_it_is(path: &std::path::Path) -> Tried<Self> {
        let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
        let pool = || sqlite_pool().max_connections(1);
        let writer = pool().connect_with(options.clone()).await?;
        Ok(Self::Sqlite { writer, readers: pool().connect_lazy_with(options) })
    }

    /// Opens SQLite's file only for reading. Where no process has it open, nothing is created
    /// beside it.
    pub(crate) async fn open_sqlite_to_read(path: &std::path::Path) -> Tried<Self> {
        if !has_log(path) {
            return Self::open_sqlite_as_it_is(path).await;
        }
        let options = SqliteConnectOptions::new().filename(path).read_only(true).busy_timeout(PATIENCE);
        let pool = || sqlite_pool().max_connections(1);
        let writer = pool().connect_with(options.clone()).await?;
        Ok(Self::Sqlite { writer, readers: pool().max_connections(READERS).connect_lazy_with(options) })
    }

    /// Opens a backup for writing, with nothing beside it.
    pub(crate) async fn open_sqlite_alone(path: &std::path::Path) -> Tried<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Delete);
        let pool = || sqlite_pool().max_connections(1);
        let writer = pool().connect_with(options.clone()).await?;
        Ok(Self::Sqlite { writer, readers: pool().connect_lazy_with(options) })
    }

    async fn open_postgres(url: &str, first: String) -> Tried<Self> {
        let options: PgConnectOptions = url.parse()?;
        let mut options = options.application_name("backissue");
        // A lock timeout in the address takes precedence.
        if options.get_options().is_none_or(|set| !set.contains("lock_timeout")) {
            options = options.options([("lock_timeout", format!("{}s", PATIENCE.as_secs()))]);
        }
        let pool = pool::<Postgres>()
            .max_connections(POSTGRES_CONNECTIONS)
            .after_connect(run_first!(first))
            .connect_with(options)
            .await?;
        Ok(Self::Postgres(pool))
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }

    pub(crate) async fn rows(&self, sql: Sql) -> Tried<Vec<Row>> {
        sent();
        #[cfg(feature = "generate")]
        note(&sql);
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                query!(Sqlite, sql).fetch_all(readers).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                query!(Postgres, sql).fetch_all(pool).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub(crate) async fn row(&self, sql: Sql) -> Tried<Option<Row>> {
        sent();
        #[cfg(feature = "generate")]
        note(&sql);
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                query!(Sqlite, sql).fetch_optional(readers).await?.map(Row::Sqlite)
            }
            Self::Postgres(pool) => query!(Postgres, sql).fetch_optional(pool).await?.map(Row::Postgres),
        })
    }

    /// The database's own time in milliseconds, as an expression.
    pub(crate) fn clock(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
            Self::Postgres(_) => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }

    /// Runs one statement, which the database commits by itself, and returns the number of changed
    /// rows. On PostgreSQL a transaction would take two round trips more.
    pub(crate) async fn run_alone(&self, sql: Sql) -> Tried<u64> {
        sent();
        let changed = match self {
            Self::Sqlite { writer, .. } => {
                query!(Sqlite, sql).execute(writer).await.map(|done| done.rows_affected())
            }
            Self::Postgres(pool) => {
                query!(Postgres, sql).execute(pool).await.map(|done| done.rows_affected())
            }
        };
        // A statement whose answer was lost may have changed rows too.
        COMMITS.fetch_add(1, Ordering::Release);
        Ok(changed?)
    }

    /// Starts a transaction that writes. On SQLite it locks the file from the start, so that it
    /// cannot fail later because another process has written.
    pub(crate) async fn begin(&self) -> Tried<Tx> {
        sent();
        Ok(match self {
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    /// Starts a transaction that only reads. It sees the current state of the archive until it
    /// ends.
    pub(crate) async fn begin_snapshot(&self) -> Tried<Tx> {
        Ok(match self {
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Self::Postgres(pool) => {
                Tx::Postgres(pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY").await?)
            }
        })
    }

    /// Starts a transaction that admits, merges or drops reads. There is one at a time, so that its
    /// look-ups stay true until it commits. The order of locks is: this one, reads by id, the
    /// archive's row, counters.
    pub(crate) async fn begin_admission(&self) -> Tried<Tx> {
        let mut tx = self.begin().await?;
        if let Tx::Postgres(_) = tx {
            tx.row(sql("SELECT CAST(pg_advisory_xact_lock($1) AS TEXT) AS locked").bind(ADMISSION_LOCK))
                .await?;
        }
        Ok(tx)
    }

    /// Starts a transaction and claims one row with `claim`, if `look` finds any. `claim` gets the
    /// locking clause.
    ///
    /// Usually nothing is due, and `look` is cheap and does not wait for writers. On PostgreSQL,
    /// the first attempt skips locked rows. If only locked rows are left, a second attempt waits
    /// for them, so that a due row is never missed.
    pub(crate) async fn begin_claim(
        &self,
        look: Sql,
        claim: impl Fn(&str) -> Sql,
    ) -> Tried<Option<(Tx, Row)>> {
        if self.row(look).await?.is_none() {
            return Ok(None);
        }
        let locks: &[&str] = match self {
            Self::Sqlite { .. } => &[""],
            Self::Postgres(_) => &["FOR UPDATE SKIP LOCKED", "FOR UPDATE"],
        };
        for lock in locks {
            let mut tx = self.begin().await?;
            if let Some(row) = tx.row(claim(lock)).await? {
                return Ok(Some((tx, row)));
            }
            tx.abandon().await?;
        }
        Ok(None)
    }
}

/// Number of transactions that this process has committed.
static COMMITS: AtomicU64 = AtomicU64::new(0);

/// A number that grows with each transaction that this process commits.
pub(crate) fn commits() -> u64 {
    COMMITS.load(Ordering::Acquire)
}

/// A transaction that writes. It is rolled back unless it is committed. A caller that gives it up
/// calls [`Tx::abandon`]. If it is only dropped, it is rolled back a moment later, and locks its
/// rows until then.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Runs a statement and returns the number of changed rows.
    pub(crate) async fn run(&mut self, sql: Sql) -> Tried<u64> {
        sent();
        Ok(match self {
            Self::Sqlite(tx) => query!(Sqlite, sql).execute(&mut **tx).await?.rows_affected(),
            Self::Postgres(tx) => query!(Postgres, sql).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// Runs statements of which none needs what another one writes, and no two change the same
    /// row. On PostgreSQL they are one statement, so they take one round trip; all see the rows as
    /// they were before, and their order is not settled.
    pub(crate) async fn together(&mut self, statements: Vec<Sql>) -> Tried<()> {
        match self {
            Self::Sqlite(_) => {
                for statement in statements {
                    self.run(statement).await?;
                }
            }
            Self::Postgres(_) => {
                self.run(united(statements)).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn rows(&mut self, sql: Sql) -> Tried<Vec<Row>> {
        sent();
        Ok(match self {
            Self::Sqlite(tx) => {
                query!(Sqlite, sql).fetch_all(&mut **tx).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(tx) => {
                query!(Postgres, sql).fetch_all(&mut **tx).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    pub(crate) async fn row(&mut self, sql: Sql) -> Tried<Option<Row>> {
        sent();
        Ok(match self {
            Self::Sqlite(tx) => query!(Sqlite, sql).fetch_optional(&mut **tx).await?.map(Row::Sqlite),
            Self::Postgres(tx) => query!(Postgres, sql).fetch_optional(&mut **tx).await?.map(Row::Postgres),
        })
    }

    pub(crate) async fn commit(self) -> Tried<()> {
        sent();
        let committed = match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        };
        // A commit whose answer was lost may have changed rows too.
        COMMITS.fetch_add(1, Ordering::Release);
        Ok(committed?)
    }

    /// Rolls back and releases all locks before it returns.
    pub(crate) async fn abandon(self) -> Tried<()> {
        sent();
        match self {
            Self::Sqlite(tx) => tx.rollback().await?,
            Self::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }

    /// `FOR UPDATE` if rows are locked individually. SQLite's transaction locks the whole file.
    pub(crate) fn for_update(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR UPDATE",
        }
    }

    /// The same for a row that keeps its id, so that others may still reference it. PostgreSQL
    /// checks a row's references when a transaction changes it for the second time, and would
    /// deadlock here.
    pub(crate) fn for_update_but_its_key(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR NO KEY UPDATE",
        }
    }

    /// Locks a row against deletion only.
    pub(crate) fn for_key_share(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => "FOR KEY SHARE",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn united_statements_keep_their_values() {
        let one = sql("UPDATE read SET due_at = $2 WHERE id = $1").bind(7i64).bind(8i64);
        let two = sql_once("DELETE FROM note WHERE text = '$' AND read_id IN ($1, $11)".into()).bind("x");
        let both = united(vec![one, two]);
        assert_eq!(
            both.text,
            "WITH s0 AS (UPDATE read SET due_at = $2 WHERE id = $1), \
             s1 AS (DELETE FROM note WHERE text = '$' AND read_id IN ($3, $13)) SELECT 1"
        );
        assert_eq!(both.values, [7i64.into(), 8i64.into(), Value::from("x")]);
        assert!(!both.prepared);
    }

    #[tokio::test]
    async fn conflicts_are_retried_and_errors_are_not() {
        let tried = Cell::new(0);
        let failing = |times: u32, error: fn() -> sqlx::Error| {
            let tried = &tried;
            tried.set(0);
            move || {
                tried.set(tried.get() + 1);
                std::future::ready(if tried.get() > times { Ok(tried.get()) } else { Err(error().into()) })
            }
        };
        assert_eq!(retried(failing(2, || sqlx::Error::PoolTimedOut)).await.unwrap(), 3);
        assert!(retried(failing(3, || sqlx::Error::PoolTimedOut)).await.is_err());
        assert!(retried(failing(1, || sqlx::Error::RowNotFound)).await.is_err());
        assert_eq!(tried.get(), 1);
    }
}
