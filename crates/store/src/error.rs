//! What can go wrong with a database, told so that a person can act on it.

use std::path::PathBuf;

use sqlx::migrate::MigrateError;

use crate::Location;

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder of the SQLite file cannot be made.
    #[error("cannot create the folder {} for the database: {reason}; choose another with --data or change its permissions", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
    },
    /// The database cannot be opened or created: permission, a folder in its place, a wrong password, no such database.
    #[error(
        "cannot open the database {location}: {reason}; check that it exists and that this user may read and write it"
    )]
    CannotOpen {
        /// The database.
        location: Location,
        /// What it said.
        reason: String,
    },
    /// The SQLite file has no bytes: a copy that failed, or a disk that was full.
    #[error("the file {} is empty and no archive; restore a backup, or delete it to begin a new archive", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A newer version of the program has changed the tables.
    #[error(
        "the database {location} was written by a newer version of backissue (schema {version}, this program knows {known}); install the newer version, or use another data folder"
    )]
    NewerThanProgram {
        /// The database.
        location: Location,
        /// The schema version found.
        version: i64,
        /// The newest schema version this program knows.
        known: i64,
    },
    /// The tables could not be brought up to date.
    #[error(
        "cannot bring the tables of {location} up to date: {reason}; nothing was changed, restore a backup or report this"
    )]
    Migration {
        /// The database.
        location: Location,
        /// What went wrong.
        reason: String,
    },
    /// Another process held the database for too long.
    #[error(
        "the database {location} is held by another process and did not become free while {doing}; stop the other process or try again"
    )]
    Busy {
        /// The database.
        location: Location,
        /// What was being done.
        doing: &'static str,
    },
    /// No room left.
    #[error(
        "no room left on the disk of {location} while {doing}; make room and start again, nothing that was stored is lost"
    )]
    DiskFull {
        /// The database.
        location: Location,
        /// What was being done.
        doing: &'static str,
    },
    /// The system refused to read or write the file.
    #[error(
        "the disk of {location} failed while {doing}: {reason}; see whether there is room and quota left and whether the disk is well, then start again: nothing that was stored is lost"
    )]
    DiskFailed {
        /// The database.
        location: Location,
        /// What was being done.
        doing: &'static str,
        /// What it said.
        reason: String,
    },
    /// The file is no database, or a damaged one.
    #[error(
        "the database {location} is damaged or no database at all ({reason}, while {doing}); restore a backup, or move the file away to begin anew"
    )]
    Damaged {
        /// The database.
        location: Location,
        /// What was being done.
        doing: &'static str,
        /// What it said.
        reason: String,
    },
    /// The server refused the connection, or it broke.
    #[error(
        "no connection to the database {location} while {doing}: {reason}; check that the server runs and can be reached"
    )]
    Connection {
        /// The database.
        location: Location,
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        reason: String,
    },
    /// The thing asked for is not there.
    #[error("there is no {what} in the archive {location}")]
    NotFound {
        /// The database.
        location: Location,
        /// What was asked for, e.g. `source 12`.
        what: String,
    },
    /// A stored value is not what the program writes.
    #[error(
        "the database {location} holds something this program did not write: {what}; run `backissue doctor`"
    )]
    Unreadable {
        /// The database.
        location: Location,
        /// Which value of which row.
        what: String,
    },
    /// Anything else the database refuses.
    #[error(
        "the database {location} failed while {doing}: {reason}; run `backissue doctor`, and report this if it finds nothing"
    )]
    Query {
        /// The database.
        location: Location,
        /// What was being done.
        doing: &'static str,
        /// What it said.
        reason: String,
    },
}

/// An error of the database driver before it is told which database, and what was being done.
#[derive(Debug)]
pub(crate) enum Failure {
    Database(sqlx::Error),
    Unreadable(String),
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl Failure {
    /// Two transactions stood in each other's way; the same one may succeed when run again.
    pub(crate) fn may_pass(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        // PostgreSQL: serialization_failure, deadlock_detected.
        matches!(error.code().as_deref(), Some("40001" | "40P01"))
    }

    /// Somebody else held the database for too long: this program's other tasks, or another process.
    pub(crate) fn is_busy(&self) -> bool {
        let error = match self {
            Self::Database(sqlx::Error::PoolTimedOut) => return true,
            Self::Database(sqlx::Error::Database(error)) => error,
            _ => return false,
        };
        // PostgreSQL: lock_not_available. SQLite: SQLITE_BUSY or SQLITE_LOCKED.
        let code = error.code().unwrap_or_default();
        code == "55P03" || matches!(sqlite_code(&code), 5 | 6)
    }

    /// SQLite cannot write the file.
    pub(crate) fn is_read_only(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        // SQLITE_READONLY (<https://sqlite.org/rescode.html>).
        sqlite_code(&error.code().unwrap_or_default()) == 8
    }

    pub(crate) fn at(self, location: &Location, doing: &'static str) -> StoreError {
        let location = location.clone();
        match self {
            Self::Unreadable(what) => StoreError::Unreadable { location, what },
            Self::Database(error) => of_database(error, location, doing),
        }
    }
}

/// The primary result code in SQLite's extended code: its low byte. Returns 0 for a code of
/// PostgreSQL, which has five characters.
fn sqlite_code(code: &str) -> u32 {
    if code.len() < 5 { code.parse::<u32>().map_or(0, |code| code & 0xff) } else { 0 }
}

fn of_database(error: sqlx::Error, location: Location, doing: &'static str) -> StoreError {
    let reason = error.to_string();
    match &error {
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            StoreError::Connection { location, doing, reason }
        }
        sqlx::Error::PoolTimedOut => match location {
            Location::Sqlite(_) => StoreError::Busy { location, doing },
            Location::Postgres(_) => StoreError::Connection { location, doing, reason },
        },
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
            StoreError::Unreadable { location, what: reason }
        }
        sqlx::Error::Database(inner) => {
            let code = inner.code().unwrap_or_default().into_owned();
            let reason = inner.message().to_owned();
            match location {
                Location::Sqlite(_) => of_sqlite(&code, reason, location, doing),
                Location::Postgres(_) => of_postgres(&code, reason, location, doing),
            }
        }
        _ => StoreError::Query { location, doing, reason },
    }
}

/// By SQLite's result codes (<https://www.sqlite.org/rescode.html>); the low byte is the primary one.
pub(crate) fn of_sqlite(code: &str, reason: String, location: Location, doing: &'static str) -> StoreError {
    match code.parse::<i32>().map(|c| c & 0xff) {
        Ok(5 | 6) => StoreError::Busy { location, doing },
        Ok(10) => StoreError::DiskFailed { location, doing, reason },
        Ok(13) => StoreError::DiskFull { location, doing },
        Ok(11 | 26) => StoreError::Damaged { location, doing, reason },
        Ok(3 | 8 | 14 | 23) => StoreError::CannotOpen { location, reason },
        _ => StoreError::Query { location, doing, reason },
    }
}

/// By PostgreSQL's error codes (its manual, appendix A); the first two characters are the class.
fn of_postgres(code: &str, reason: String, location: Location, doing: &'static str) -> StoreError {
    match code {
        "53100" => StoreError::DiskFull { location, doing },
        "58030" => StoreError::DiskFailed { location, doing, reason },
        "55P03" | "40P01" | "40001" => StoreError::Busy { location, doing },
        "XX001" | "XX002" => StoreError::Damaged { location, doing, reason },
        "3D000" | "42501" => StoreError::CannotOpen { location, reason },
        _ => match code.get(..2) {
            Some("28") => StoreError::CannotOpen { location, reason },
            Some("08" | "57" | "53") => StoreError::Connection { location, doing, reason },
            _ => StoreError::Query { location, doing, reason },
        },
    }
}

pub(crate) fn of_migration(error: MigrateError, location: &Location, known: i64) -> StoreError {
    let doing = "bringing its tables up to date";
    match error {
        MigrateError::VersionMissing(version) | MigrateError::VersionTooNew(version, _)
            if version > known =>
        {
            StoreError::NewerThanProgram { location: location.clone(), version, known }
        }
        MigrateError::Execute(error) => Failure::from(error).at(location, doing),
        other => StoreError::Migration { location: location.clone(), reason: other.to_string() },
    }
}
