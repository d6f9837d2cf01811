//! Errors of the database, with a remedy for each.

use std::path::PathBuf;

use sqlx::migrate::MigrateError;

use crate::Location;

/// Why an operation of the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder of the SQLite file cannot be created.
    #[error("cannot create the folder {} for the database: {reason}; choose another with --data or change its permissions", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's message.
        reason: std::io::Error,
    },
    /// The database cannot be opened or created: no permission, a folder in its place, a wrong
    /// password, no such database.
    #[error(
        "cannot open the database {location}: {reason}; check that it exists and that this user may read and write it"
    )]
    CannotOpen {
        /// The database.
        location: Location,
        /// Its message.
        reason: String,
    },
    /// The SQLite file has no bytes: a copy that failed, or a disk that was full.
    #[error("the file {} is empty and no archive; restore a backup, or delete it to begin a new archive", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A copy of an archive was interrupted.
    #[error(
        "{location} is a copy of an archive that is not complete; run the same `backissue copy` again, which goes on, or delete it"
    )]
    HalfCopied {
        /// The database.
        location: Location,
    },
    /// A newer version of the program has changed the tables.
    #[error(
        "the database {location} was written by a newer version of backissue (schema {version}, this program knows {known}); install the newer version, or use another data folder"
    )]
    NewerThanProgram {
        /// The database.
        location: Location,
        /// The schema version of the database.
        version: i64,
        /// The newest schema version that this program knows.
        known: i64,
    },
    /// The tables could not be migrated.
    #[error(
        "cannot bring the tables of {location} up to date: {reason}; nothing was changed, restore a backup or report this"
    )]
    Migration {
        /// The database.
        location: Location,
        /// The cause.
        reason: String,
    },
    /// Another process locked the database for too long.
    #[error(
        "the database {location} is locked by another process and was not released while {doing}; stop the other process or try again"
    )]
    Busy {
        /// The database.
        location: Location,
        /// The operation.
        doing: &'static str,
    },
    /// The disk is full.
    #[error(
        "no space left on the disk of {location} while {doing}; free space and start again, no stored data is lost"
    )]
    DiskFull {
        /// The database.
        location: Location,
        /// The operation.
        doing: &'static str,
    },
    /// The system refused to read or write the file.
    #[error(
        "the disk of {location} failed while {doing}: {reason}; check its free space, its quota and its health, then start again: no stored data is lost"
    )]
    DiskFailed {
        /// The database.
        location: Location,
        /// The operation.
        doing: &'static str,
        /// Its message.
        reason: String,
    },
    /// The file is no database, or is damaged.
    #[error(
        "the database {location} is damaged or no database at all ({reason}, while {doing}); restore a backup, or move the file away to start with a new archive"
    )]
    Damaged {
        /// The database.
        location: Location,
        /// The operation.
        doing: &'static str,
        /// Its message.
        reason: String,
    },
    /// The server refused the connection, or it broke.
    #[error(
        "no connection to the database {location} while {doing}: {reason}; check that the server runs and can be reached"
    )]
    Connection {
        /// The database.
        location: Location,
        /// The operation.
        doing: &'static str,
        /// The cause.
        reason: String,
    },
    /// Notifications of new work could not be received.
    #[error("the database does not notify of new work: {reason}; workers look for it themselves")]
    Wakeups {
        /// The cause.
        reason: String,
    },
    /// The object does not exist.
    #[error("there is no {what} in the archive {location}")]
    NotFound {
        /// The database.
        location: Location,
        /// The object, e.g. `source 12`.
        what: String,
    },
    /// A stored value is not valid.
    #[error(
        "the database {location} holds something this program did not write: {what}; run `backissue doctor`"
    )]
    Unreadable {
        /// The database.
        location: Location,
        /// The value and its row.
        what: String,
    },
    /// Another failure of the database.
    #[error(
        "the database {location} failed while {doing}: {reason}; run `backissue doctor`, and report this if it finds nothing"
    )]
    Query {
        /// The database.
        location: Location,
        /// The operation.
        doing: &'static str,
        /// Its message.
        reason: String,
    },
}

/// An error of the database driver, without the database and the operation.
#[derive(Debug)]
pub(crate) enum Failure {
    Database(sqlx::Error),
    Unreadable(String),
    HalfCopied,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl Failure {
    /// Whether two transactions conflicted, so that a retry may succeed.
    pub(crate) fn may_pass(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        // PostgreSQL: serialization_failure, deadlock_detected.
        matches!(error.code().as_deref(), Some("40001" | "40P01"))
    }

    /// Whether the database was locked for too long, by other tasks of this program or by another
    /// process.
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

    /// Whether SQLite cannot write the file.
    pub(crate) fn is_read_only(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        // SQLITE_READONLY (<https://sqlite.org/rescode.html>).
        sqlite_code(&error.code().unwrap_or_default()) == 8
    }

    pub(crate) fn at(self, location: &Location, doing: &'static str) -> StoreError {
        let location = location.clone();
        match self {
            Self::Unreadable(what) => StoreError::Unreadable { location, what },
            Self::HalfCopied => StoreError::HalfCopied { location },
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

/// Maps SQLite's result codes (<https://www.sqlite.org/rescode.html>); the low byte is the primary
/// code.
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

/// Maps PostgreSQL's error codes (its manual, appendix A); the first two characters are the class.
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
