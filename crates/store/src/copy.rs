//! Copies a whole archive into another database, which may be of the other kind.
//!
//! The list of tables, their keys and their order come from the databases, so a new table needs no
//! change here. Rows are copied in the order of their keys, all from one snapshot, and are compared
//! afterwards. The copied rows are always a prefix, so an interrupted copy continues where it
//! ended. Until the copy is complete, a row of `setting` marks the target, and nothing else opens
//! it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sqlx::{Connection as _, PgConnection};

use xxhash_rust::xxh3::Xxh3Default;

use crate::archive::{COPYING, SUMS};
use crate::database::{Database, Row, Sql, Tried, Tx, Value, insertion, placeholders, sql, sql_of, sql_once};
use crate::error::Failure;
use crate::{Location, Store, StoreError};

/// Maximum values in one statement. SQLite accepts 32,766, PostgreSQL 65,535.
const VALUES_MAX: usize = 16_000;

/// Rows that are read at once, and bytes of a batch from which on fewer are.
const ROWS: (usize, usize) = (50, 2_000);
const BATCH_BYTES: usize = 4 << 20;

/// The present step of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyStep {
    /// It writes rows.
    Copying,
    /// It compares rows.
    Comparing,
}

/// The progress of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress<'t> {
    /// The present step.
    pub step: CopyStep,
    /// The table.
    pub table: &'t str,
    /// Number of rows in all tables for which this step is done.
    pub done: u64,
    /// All rows.
    pub rows: u64,
}

/// A complete copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Number of tables.
    pub tables: u64,
    /// Number of rows, all equal on both sides.
    pub rows: u64,
    /// Number of rows that an interrupted copy had written before.
    pub found: u64,
}

/// Why copying an archive failed.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Source and target are the same database.
    #[error("{0} cannot be copied to itself; name another database with --to")]
    Itself(Location),
    /// The target already has an archive.
    #[error(
        "{location} has an archive already ({table} has rows); name an empty database or a new file with --to"
    )]
    NotEmpty {
        /// The target.
        location: Location,
        /// A table with rows.
        table: String,
    },
    /// Another process is copying into the same database.
    #[error("another `backissue copy` writes into {0}; wait for its end, then run this again")]
    Busy(Location),
    /// The tables of both databases differ, so that they are not of the same version.
    #[error("{from} and {to} have different tables ({table}); run `backissue doctor` on both")]
    Tables {
        /// The source.
        from: Location,
        /// The target.
        to: Location,
        /// The first table that differs.
        table: String,
    },
    /// A copied row is not equal to the original.
    #[error(
        "the copy in {to} is not equal to {from}: table {table}, {row}; see that nothing else writes there, then copy again"
    )]
    Differs {
        /// The source.
        from: Location,
        /// The target.
        to: Location,
        /// The table.
        table: String,
        /// The row's key.
        row: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) is_text: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// The columns in the order of their names.
    pub(crate) columns: Vec<Column>,
    /// Indices of the key's columns in `columns`, in the order of the key.
    key: Vec<usize>,
}

/// The checksum of each table's rows, by the table's name.
pub(crate) type Sums = BTreeMap<String, String>;

/// The values of a row, in the order of the table's columns.
type Values = Vec<Value>;

/// A copied row is not equal to its original any more.
struct Changed;

/// The lock of copies into one PostgreSQL database: `backcopy` as a number.
const COPY_LOCK: i64 = 0x6261_636b_636f_7079;

/// How long a copy waits for the end of another one, which may have just been killed.
const COPY_LOCK_WITHIN: &str = "3s";

/// The permission to copy into a database. It ends with its connection, and so with the process.
/// For a file, the lock of the program that works on it is used instead.
struct CopyLock(Option<PgConnection>);

impl CopyLock {
    async fn take(target: &Location) -> Result<Self, CopyError> {
        let Location::Postgres(url) = target else { return Ok(Self(None)) };
        let locked = async {
            let mut connection = PgConnection::connect(url).await?;
            let wait = sqlx::query("SELECT set_config('lock_timeout', $1, false)").bind(COPY_LOCK_WITHIN);
            wait.execute(&mut connection).await?;
            sqlx::query("SELECT pg_advisory_lock($1)").bind(COPY_LOCK).execute(&mut connection).await?;
            Ok::<_, Failure>(connection)
        };
        match locked.await {
            Ok(connection) => Ok(Self(Some(connection))),
            Err(failure) if failure.is_busy() => Err(CopyError::Busy(target.clone())),
            Err(failure) => Err(failure.at(target, "locking it for a copy").into()),
        }
    }

    async fn release(self) {
        if let Some(connection) = self.0 {
            // The server ends the lock with the connection, however that ends.
            let _ = connection.close().await;
        }
    }
}

impl Store {
    /// Copies this archive to `target`, an empty database or a file that does not exist, or
    /// continues an interrupted copy. If the archive has changed since then, the copy starts again.
    /// Rows that are written meanwhile are not copied.
    ///
    /// # Errors
    /// See [`CopyError`].
    pub async fn copy_to(
        &self,
        target: &Location,
        mut tell: impl FnMut(CopyProgress<'_>),
    ) -> Result<Copied, CopyError> {
        if *self.location == *target {
            return Err(CopyError::Itself(target.clone()));
        }
        // A file that is only read may have no name yet.
        let from = match self.name().await {
            Err(_) if matches!(*self.location, Location::Sqlite(_)) => self.location.to_string(),
            name => name?,
        };
        let lock = CopyLock::take(target).await?;
        let (to, is_new) = Self::connect_to_copy(target, &from).await?;
        let copied = self.copy_into(&to, is_new, &from, &mut tell).await;
        to.close().await;
        lock.release().await;
        copied
    }

    /// Connects to the target of a copy. New tables are marked as a copy before anybody can see
    /// them, so that an interrupted copy is never mistaken for an empty archive. Returns whether
    /// the tables are new.
    async fn connect_to_copy(target: &Location, from: &str) -> Result<(Self, bool), StoreError> {
        if Self::is_archive(target).await? {
            return Ok((Self::connect(target).await?, false));
        }
        let Location::Sqlite(path) = target else {
            let store = Self::connect_only(target).await?;
            store.migrate(Some(from)).await?;
            return Ok((store, true));
        };
        // A file is made under another name, since it has no tables in its first moments.
        let mut beside = path.as_os_str().to_owned();
        beside.push(".begun");
        let beside = PathBuf::from(beside);
        // They are there if a copy was killed in those moments.
        for end in ["", "-wal", "-shm"] {
            let mut left = beside.as_os_str().to_owned();
            left.push(end);
            let _ = std::fs::remove_file(PathBuf::from(left));
        }
        let store = Self::connect_only(&Location::Sqlite(beside.clone())).await?;
        store.migrate(Some(from)).await?;
        store.close().await;
        std::fs::rename(&beside, path).map_err(|reason| StoreError::CannotOpen {
            location: target.clone(),
            reason: reason.to_string(),
        })?;
        Ok((Self::connect(target).await?, true))
    }

    async fn copy_into(
        &self,
        to: &Self,
        is_new: bool,
        from: &str,
        tell: &mut impl FnMut(CopyProgress<'_>),
    ) -> Result<Copied, CopyError> {
        let tables = self.run("reading its tables", tables(&self.database)).await?;
        let others = to.run("reading its tables", crate::copy::tables(&to.database)).await?;
        if let Some(table) = different(&tables, &others) {
            let (from, to) = (Location::clone(&self.location), Location::clone(&to.location));
            return Err(CopyError::Tables { from, to, table });
        }
        let mut begun =
            !is_new && to.run("looking for a copy", to.setting(COPYING)).await?.as_deref() == Some(from);
        if !begun {
            if let Some(table) = to.run("looking for an archive", to.first_filled(&tables)).await? {
                return Err(CopyError::NotEmpty { location: Location::clone(&to.location), table });
            }
            to.run("beginning a copy", to.empty(&tables, from)).await?;
        }
        let mut snapshot = self.run("taking a snapshot", self.database.begin_snapshot()).await?;
        let rows = self.run("counting rows", count(&mut snapshot, &tables)).await?;
        let copied = loop {
            let mut progress = Progress { tell: &mut *tell, step: CopyStep::Copying, done: 0, rows };
            match self.copy_tables(&mut snapshot, to, &tables, begun, &mut progress).await? {
                Ok(found) => break Copied { tables: tables.len() as u64, rows, found },
                Err(Changed) => {
                    // The interrupted copy is of an earlier state.
                    to.run("beginning a copy again", to.empty(&tables, from)).await?;
                    begun = false;
                }
            }
        };
        let mut progress = Progress { tell, step: CopyStep::Comparing, done: 0, rows };
        for table in &tables {
            if let Some(row) = self.first_difference(&mut snapshot, to, table, &mut progress).await? {
                let (from, to) = (Location::clone(&self.location), Location::clone(&to.location));
                return Err(CopyError::Differs { from, to, table: table.name.clone(), row });
            }
        }
        let numbers = self.run("reading its counters", last_numbers(&self.database, &mut snapshot)).await?;
        to.run("completing the copy", to.complete(&numbers)).await?;
        self.run("ending the snapshot", snapshot.abandon()).await?;
        Ok(copied)
    }

    /// Copies the rows that the target does not have. Returns the number of rows that it had.
    async fn copy_tables(
        &self,
        snapshot: &mut Tx,
        to: &Self,
        tables: &[Table],
        begun: bool,
        progress: &mut Progress<'_, impl FnMut(CopyProgress<'_>)>,
    ) -> Result<Result<u64, Changed>, StoreError> {
        let mut found = 0;
        for table in tables {
            let (mut after, mut size) = (None, Size::default());
            // Until the first missing row, the target may have rows.
            let mut has_rows = begun;
            loop {
                let next = table.next(after.as_ref(), size.rows);
                let batch = self.run("reading rows to copy", table.read(snapshot, next.clone())).await?;
                let there = match has_rows {
                    true => to.run("reading copied rows", table.read_from(&to.database, next)).await?,
                    false => Vec::new(),
                };
                if !batch.starts_with(&there) {
                    return Ok(Err(Changed));
                }
                let Some(last) = batch.last() else { break };
                after = Some(table.key_of(last));
                found += there.len() as u64;
                has_rows &= there.len() == batch.len();
                to.run("writing copied rows", table.write(&to.database, &batch[there.len()..])).await?;
                progress.advance(table, batch.len());
                size.fit(&batch);
            }
        }
        Ok(Ok(found))
    }

    /// The first row that differs between source and target.
    async fn first_difference(
        &self,
        snapshot: &mut Tx,
        to: &Self,
        table: &Table,
        progress: &mut Progress<'_, impl FnMut(CopyProgress<'_>)>,
    ) -> Result<Option<String>, StoreError> {
        let (mut after, mut size) = (None, Size::default());
        loop {
            let next = table.next(after.as_ref(), size.rows);
            let ours = self.run("reading rows to compare", table.read(snapshot, next.clone())).await?;
            let theirs = to.run("reading rows to compare", table.read_from(&to.database, next)).await?;
            if ours != theirs {
                let rows = ours.iter().zip(&theirs).find(|(a, b)| a != b).map(|(row, _)| row);
                let surplus = || ours.get(theirs.len()).or_else(|| theirs.get(ours.len()));
                return Ok(rows.or_else(surplus).map(|row| table.shown_key(row)));
            }
            let Some(last) = ours.last() else { return Ok(None) };
            after = Some(table.key_of(last));
            progress.advance(table, ours.len());
            size.fit(&ours);
        }
    }

    /// A table with rows that no migration has inserted.
    async fn first_filled(&self, tables: &[Table]) -> Tried<Option<String>> {
        for Table { name, .. } in tables {
            let own = match name.as_str() {
                "setting" | "archive" => continue,
                "reader" => "WHERE id > 1",
                _ => "",
            };
            let table = quoted(name);
            let query = format!("SELECT count(*) AS n FROM (SELECT 1 FROM {table} {own} LIMIT 1) AS one");
            if self.database.row(sql_of(query)).await?.is_some_and(|row| row.int("n").unwrap_or(1) > 0) {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }

    /// Removes all rows, and marks the archive as a copy that is not complete.
    async fn empty(&self, tables: &[Table], from: &str) -> Tried<()> {
        let mut tx = self.database.begin().await?;
        for Table { name, .. } in tables.iter().rev() {
            tx.run(sql_of(format!("DELETE FROM {}", quoted(name)))).await?;
        }
        crate::archive::set(&mut tx, COPYING, from).await?;
        tx.commit().await
    }

    /// Sets the counters of ids, so that no id is used a second time, and removes the mark.
    async fn complete(&self, numbers: &[(String, i64)]) -> Tried<()> {
        let mut tx = self.database.begin().await?;
        // SQLite counts from 0 where nothing was stored yet; PostgreSQL's sequences begin with 1.
        for (table, last) in numbers.iter().filter(|(_, last)| *last > 0) {
            match tx {
                Tx::Sqlite(_) => {
                    tx.run(sql("DELETE FROM sqlite_sequence WHERE name = $1").bind(table.as_str())).await?;
                    let insert = sql("INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)");
                    tx.run(insert.bind(table.as_str()).bind(*last)).await?;
                }
                Tx::Postgres(_) => {
                    let set =
                        sql("SELECT CAST(setval(pg_get_serial_sequence($1, 'id'), $2) AS BIGINT) AS last");
                    tx.row(set.bind(table.as_str()).bind(*last)).await?;
                }
            }
        }
        tx.run(sql("DELETE FROM setting WHERE name = $1").bind(COPYING)).await?;
        tx.commit().await
    }
}

/// Reports the progress of a copy.
struct Progress<'f, F> {
    tell: &'f mut F,
    step: CopyStep,
    done: u64,
    rows: u64,
}

impl<F: FnMut(CopyProgress<'_>)> Progress<'_, F> {
    fn advance(&mut self, table: &Table, rows: usize) {
        self.done += rows as u64;
        let Self { step, done, rows, .. } = *self;
        (self.tell)(CopyProgress { step, table: &table.name, done, rows });
    }
}

/// The number of rows that are read at once: few for articles, many for counters.
struct Size {
    rows: usize,
}

impl Default for Size {
    fn default() -> Self {
        Self { rows: ROWS.0 }
    }
}

impl Size {
    fn fit(&mut self, batch: &[Values]) {
        let bytes: usize = batch.iter().flatten().map(Value::bytes).sum();
        self.rows =
            if bytes > BATCH_BYTES { self.rows / 2 } else { self.rows * 2 }.clamp(ROWS.0 / 10, ROWS.1);
    }
}

/// The checksums of all tables: xxh3-128 over the values of all rows, in the order of their keys.
pub(crate) async fn sums(database: &Database) -> Tried<Sums> {
    let mut sums = Sums::new();
    for table in tables(database).await? {
        let (mut after, mut size, mut hash) = (None, Size::default(), Xxh3Default::new());
        loop {
            let batch = table.read_from(database, table.next(after.as_ref(), size.rows)).await?;
            let Some(last) = batch.last() else { break };
            after = Some(table.key_of(last));
            batch.iter().flatten().for_each(|value| value.hash_into(&mut hash));
            size.fit(&batch);
        }
        sums.insert(table.name, format!("{:032x}", hash.digest128()));
    }
    Ok(sums)
}

impl Table {
    /// The next rows after a key.
    pub(crate) fn next(&self, after: Option<&Values>, rows: usize) -> Sql {
        let columns: Vec<String> = self.columns.iter().map(|column| quoted(&column.name)).collect();
        let key: Vec<String> = self.key.iter().map(|place| columns[*place].clone()).collect();
        let key = key.join(", ");
        // What is said of a copy or a backup is no part of the archive.
        let mut conditions = match self.name.as_str() {
            "setting" => vec![format!("name NOT IN ('{COPYING}', '{SUMS}')")],
            _ => Vec::new(),
        };
        if let Some(after) = after {
            conditions.push(format!("({key}) > ({})", placeholders(1, after.len())));
        }
        let of =
            if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        let query = format!(
            "SELECT {} FROM {} {of} ORDER BY {key} LIMIT {rows}",
            columns.join(", "),
            quoted(&self.name)
        );
        match after {
            Some(after) => sql_once(query).bind_all(after.iter().cloned()),
            None => sql_once(query),
        }
    }

    async fn read(&self, tx: &mut Tx, query: Sql) -> Tried<Vec<Values>> {
        tx.rows(query).await?.iter().map(|row| self.values(row)).collect()
    }

    pub(crate) async fn read_from(&self, database: &Database, query: Sql) -> Tried<Vec<Values>> {
        database.rows(query).await?.iter().map(|row| self.values(row)).collect()
    }

    fn values(&self, row: &Row) -> Tried<Values> {
        let value = |column: &Column| {
            Ok(match column.is_text {
                true => Value::Text(row.opt_text(&column.name)?),
                false => Value::Int(row.opt_int(&column.name)?),
            })
        };
        self.columns.iter().map(value).collect()
    }

    async fn write(&self, database: &Database, rows: &[Values]) -> Tried<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let columns: Vec<String> = self.columns.iter().map(|column| quoted(&column.name)).collect();
        let into = format!("{} ({})", quoted(&self.name), columns.join(", "));
        let mut tx = database.begin().await?;
        for some in rows.chunks((VALUES_MAX / columns.len()).max(1)) {
            let insert = sql_once(insertion(&into, some.len()));
            tx.run(insert.bind_all(some.iter().flatten().cloned())).await?;
        }
        tx.commit().await
    }

    fn key_of(&self, row: &Values) -> Values {
        self.key.iter().map(|place| row[*place].clone()).collect()
    }

    fn shown_key(&self, row: &Values) -> String {
        let shown = self.key.iter().map(|place| format!("{} {}", self.columns[*place].name, row[*place]));
        shown.collect::<Vec<_>>().join(", ")
    }
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

/// The first table that differs between the two archives.
fn different(ours: &[Table], theirs: &[Table]) -> Option<String> {
    let by_name = |tables: &[Table]| -> BTreeMap<String, Table> {
        tables.iter().map(|table| (table.name.clone(), table.clone())).collect()
    };
    let (ours, theirs) = (by_name(ours), by_name(theirs));
    let names = ours.keys().chain(theirs.keys());
    names.into_iter().find(|name| ours.get(*name) != theirs.get(*name)).cloned()
}

/// The number of rows in all tables.
async fn count(tx: &mut Tx, tables: &[Table]) -> Tried<u64> {
    let mut rows = 0;
    for table in tables {
        let query = format!("SELECT count(*) AS n FROM {}", quoted(&table.name));
        rows += tx.row(sql_of(query)).await?.map_or(Ok(0), |row| row.count("n"))?;
    }
    Ok(rows)
}

/// The highest id that each table has assigned to a row.
async fn last_numbers(database: &Database, tx: &mut Tx) -> Tried<Vec<(String, i64)>> {
    let query = match database {
        Database::Sqlite { .. } => "SELECT name, seq AS last FROM sqlite_sequence ORDER BY name",
        Database::Postgres(_) => {
            "SELECT CAST(t.relname AS TEXT) AS name, q.last_value AS last
             FROM pg_class t
             JOIN pg_depend d ON d.refobjid = t.oid AND d.deptype IN ('a', 'i')
             JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
             JOIN pg_sequences q ON q.schemaname = current_schema() AND q.sequencename = s.relname
             WHERE q.last_value IS NOT NULL AND t.relname NOT LIKE '\\_%' ORDER BY t.relname"
        }
    };
    let rows = tx.rows(sql(query)).await?;
    rows.iter().map(|row| Ok((row.text("name")?, row.int("last")?))).collect()
}

/// All tables of the archive. Each table comes after the tables to which it refers.
pub(crate) async fn tables(database: &Database) -> Tried<Vec<Table>> {
    let (columns, references) = match database {
        Database::Sqlite { .. } => (
            "SELECT m.name AS table_name, c.name AS column_name, lower(c.type) AS kind, c.pk AS place
             FROM sqlite_master m JOIN pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' AND m.name <> '_sqlx_migrations'
             ORDER BY m.name, c.name",
            "SELECT m.name AS child, f.\"table\" AS parent
             FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
        ),
        Database::Postgres(_) => (
            "SELECT CAST(r.relname AS TEXT) AS table_name, CAST(a.attname AS TEXT) AS column_name,
                format_type(a.atttypid, NULL) AS kind,
                CAST(coalesce(array_position(k.conkey, a.attnum), 0) AS BIGINT) AS place
             FROM pg_class r
             JOIN pg_namespace n ON n.oid = r.relnamespace AND n.nspname = current_schema()
             JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
             LEFT JOIN pg_constraint k ON k.conrelid = r.oid AND k.contype = 'p'
             WHERE r.relkind = 'r' AND r.relname <> '_sqlx_migrations'
             ORDER BY CAST(r.relname AS TEXT) COLLATE \"C\", CAST(a.attname AS TEXT) COLLATE \"C\"",
            "SELECT CAST(c.relname AS TEXT) AS child, CAST(p.relname AS TEXT) AS parent
             FROM pg_constraint k
             JOIN pg_class c ON c.oid = k.conrelid
             JOIN pg_class p ON p.oid = k.confrelid
             JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema()
             WHERE k.contype = 'f'",
        ),
    };
    let mut tables: Vec<(Table, BTreeMap<i64, usize>)> = Vec::new();
    for row in database.rows(sql(columns)).await? {
        let (name, kind) = (row.text("table_name")?, row.text("kind")?);
        if tables.last().is_none_or(|(last, _)| last.name != name) {
            tables.push((Table { name, columns: Vec::new(), key: Vec::new() }, BTreeMap::new()));
        }
        let Some((table, key)) = tables.last_mut() else { continue };
        let column = row.text("column_name")?;
        let is_text = match kind.as_str() {
            "text" => true,
            "integer" | "bigint" => false,
            _ => {
                let what = format!("column `{column}` of table `{}` is of type {kind}", table.name);
                return Err(Failure::Unreadable(what));
            }
        };
        let place = row.int("place")?;
        if place > 0 {
            key.insert(place, table.columns.len());
        }
        table.columns.push(Column { name: column, is_text });
    }
    let mut parents: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in database.rows(sql(references)).await? {
        parents.entry(row.text("child")?).or_default().push(row.text("parent")?);
    }
    let tables = tables.into_iter().map(|(table, key)| Table { key: key.into_values().collect(), ..table });
    in_order(tables.collect(), &parents)
}

/// Puts each table after its parents.
fn in_order(mut left: Vec<Table>, parents: &BTreeMap<String, Vec<String>>) -> Tried<Vec<Table>> {
    let mut ordered: Vec<Table> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let is_ready = |table: &Table| {
            let of = parents.get(&table.name).map_or(&[][..], Vec::as_slice);
            of.iter().all(|parent| *parent == table.name || ordered.iter().any(|done| done.name == *parent))
        };
        let (ready, rest): (Vec<Table>, Vec<Table>) = left.into_iter().partition(is_ready);
        if ready.is_empty() {
            return Err(Failure::Unreadable("tables that refer to each other in a circle".into()));
        }
        if let Some(table) = ready.iter().find(|table| table.key.is_empty()) {
            return Err(Failure::Unreadable(format!("table `{}` without a primary key", table.name)));
        }
        ordered.extend(ready);
        left = rest;
    }
    Ok(ordered)
}
