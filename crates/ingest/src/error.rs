//! Errors that stop all workers.

use backissue_store::StoreError;
use jiff::Timestamp;

/// Why the workers cannot continue. An error of a single source or read does not stop the others
/// and is not here.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The clock is certainly wrong.
    #[error(
        "this machine's clock says {0:.0}, which is before this program was made, so nothing is fetched; set the clock"
    )]
    Clock(Timestamp),
    /// The archive has reached its size limit.
    #[error(
        "the archive has {} MB, and with `archive_limit` at {} MB nothing more is fetched; raise that setting, or unfollow \
         sources that put much into it (`backissue doctor` names them)",
        .bytes / 1_000_000, .limit / 1_000_000
    )]
    Full {
        /// The size of the archive in bytes.
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

    /// Whether the disk is full, so that nothing can be written. Reading still works.
    pub(crate) fn is_about_the_disk(&self) -> bool {
        matches!(self, Self::Store(StoreError::DiskFull { .. } | StoreError::DiskFailed { .. }))
    }
}
