//! The database as a whole: opening it, its schema, its settings (tables `setting` and `archive`).

use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use sqlx::migrate::Migrator;

use crate::database::{Database, Tried, Tx, sql};
use crate::error::{Failure, of_migration};
use crate::migrations::{POSTGRES, SQLITE};
use crate::{Location, StoreError};

/// The archive's database. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) database: Database,
    pub(crate) location: Arc<Location>,
    pub(crate) zone: TimeZone,
}

impl Store {
    /// Opens the database, creating the file, its folder and the tables where missing and bringing older tables up to
    /// date. Where the archive's time zone has changed, every read is filed anew.
    ///
    /// # Errors
    /// [`StoreError::Folder`], [`StoreError::CannotOpen`], [`StoreError::Connection`] where it cannot be reached;
    /// [`StoreError::NewerThanProgram`]; [`StoreError::Damaged`]; [`StoreError::Migration`].
    pub async fn open(location: &Location, zone: &TimeZone) -> Result<Self, StoreError> {
        let database = match location {
            Location::Sqlite(path) => {
                make_folder(path)?;
                Database::open_sqlite(path).await
            }
            Location::Postgres(url) => Database::open_postgres(url).await,
        }
        .map_err(|failure| failure.at(location, "opening it"))?;
        let store = Self { database, location: Arc::new(location.clone()), zone: zone.clone() };
        store.migrate().await?;
        store.settle_zone().await.map_err(|f| f.at(location, "filing reads in the archive's time zone"))?;
        Ok(store)
    }

    /// Where the database is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Closes its connections, those of clones too, after what they are doing.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// A number that changes with every commit that changes what pages show.
    ///
    /// # Errors
    /// Where the database fails.
    pub async fn archive_version(&self) -> Result<u64, StoreError> {
        let version = async {
            let row = self.database.row(sql("SELECT version FROM archive WHERE id = 1")).await?;
            row.ok_or_else(|| Failure::Unreadable("table `archive` is empty".into()))?.count("version")
        };
        version.await.map_err(|f: Failure| f.at(&self.location, "reading the archive's version"))
    }

    async fn migrate(&self) -> Result<(), StoreError> {
        let (result, known) = match &self.database {
            Database::Sqlite { writer, .. } => {
                // SQLite's migrations have no lock of their own: two programs that start at once take turns here.
                let migrated = async {
                    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await?;
                    SQLITE.run_direct(None, &mut *tx, false).await?;
                    tx.commit().await?;
                    Ok(())
                };
                (migrated.await, newest(&SQLITE))
            }
            Database::Postgres(pool) => (POSTGRES.run(pool).await, newest(&POSTGRES)),
        };
        result.map_err(|error| of_migration(error, &self.location, known))
    }

    /// Files every read anew where the time zone is not the one they were filed in.
    async fn settle_zone(&self) -> Tried<()> {
        let name = zone_name(&self.zone);
        let known = self.database.row(sql("SELECT value FROM setting WHERE name = 'time_zone'")).await?;
        if known.map(|row| row.text("value")).transpose()?.as_deref() == Some(name.as_str()) {
            return Ok(());
        }
        let mut tx = self.database.begin_admission().await?;
        crate::weeks::file_anew(&mut tx, &self.zone).await?;
        let set = "INSERT INTO setting (name, value) VALUES ('time_zone', $1)
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        tx.run(sql(set).bind(name)).await?;
        tx.commit().await
    }
}

/// Says that what pages show has changed, and holds the counters until the commit.
pub(crate) async fn touch(tx: &mut Tx) -> Tried<()> {
    tx.run(sql("UPDATE archive SET version = version + 1 WHERE id = 1")).await?;
    Ok(())
}

/// The newest schema this program knows.
pub(crate) fn newest(migrator: &Migrator) -> i64 {
    migrator.iter().map(|m| m.version).max().unwrap_or(0)
}

pub(crate) fn known_schema(database: &Database) -> i64 {
    newest(match database {
        Database::Sqlite { .. } => &SQLITE,
        Database::Postgres(_) => &POSTGRES,
    })
}

/// The zone's IANA name; a zone without one (a fixed offset, a POSIX rule) by how it prints.
fn zone_name(zone: &TimeZone) -> String {
    zone.iana_name().map_or_else(|| format!("{zone:?}"), str::to_owned)
}

fn make_folder(path: &Path) -> Result<(), StoreError> {
    let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) else { return Ok(()) };
    std::fs::create_dir_all(folder).map_err(|reason| StoreError::Folder { path: folder.to_owned(), reason })
}
