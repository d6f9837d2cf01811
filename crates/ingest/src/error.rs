//! Why the work stops.

use backissue_store::StoreError;
use jiff::Timestamp;

/// Why the work cannot continue. Errors of single sources and reads do not stop the others and are
/// not here.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The clock cannot be right.
    #[error(
        "this machine's clock says {0:.0}, which is before this program was made, so nothing is fetched; set the clock"
    )]
    Clock(Timestamp),
    /// The archive has reached its limit.
    #[error(
        "the archive has {} MB, and with `archive_limit` at {} MB nothing more is fetched; raise that setting, or unfollow \
         sources that put much into it (`backissue doctor` names them)",
        .bytes / 1_000_000, .limit / 1_000_000
    )]
    Full {
        /// Its size in bytes.
        bytes: u64,
        /// The limit in bytes.
        limit: u64,
    },
}

impl IngestError {
    /// Whether the error is temporary: the database is busy or restarting.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Store(StoreError::Busy { .. } | StoreError::Connection { .. }))
    }

    /// Whether nothing can be written until there is space on the disk; what is there can be read.
    pub(crate) fn is_about_the_disk(&self) -> bool {
        matches!(self, Self::Store(StoreError::DiskFull { .. } | StoreError::DiskFailed { .. }))
    }
}
