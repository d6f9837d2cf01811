//! Errors of the index, with a remedy for each.

use std::io;
use std::path::{Path, PathBuf};

use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError, OpenWriteError};

/// Why an operation on the index failed. The archive loses no data, because the index is built from
/// the store.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The disk is full.
    #[error(
        "no space left for the search index in {}; free space on that disk and start again, the index catches up by itself", folder.display()
    )]
    DiskFull {
        /// The index.
        folder: PathBuf,
    },
    /// The folder, or something in it, cannot be read or written.
    #[error(
        "the search index in {} may not be written: {reason}; give this user the right to write there, or choose another data folder with --data", folder.display()
    )]
    Forbidden {
        /// The index.
        folder: PathBuf,
        /// The system's message.
        reason: String,
    },
    /// A part of the index is missing or has changed.
    #[error(
        "the search index in {} is damaged ({reason}); run `backissue reindex`, which rebuilds it from the archive", folder.display()
    )]
    Damaged {
        /// The index.
        folder: PathBuf,
        /// What was found.
        reason: String,
    },
    /// Another failure to write.
    #[error(
        "cannot write the search index in {}: {reason}; check that its disk has space and works, then start again, the index catches up by itself", folder.display()
    )]
    Write {
        /// The index.
        folder: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The system refused something else, for example because too many files are open.
    #[error("the search index in {} cannot be used: {reason}; try again, and report this if it stays", folder.display())]
    System {
        /// The index.
        folder: PathBuf,
        /// The system's message.
        reason: String,
    },
}

impl SearchError {
    /// An error of the system about something in `folder`.
    pub(crate) fn io(folder: &Path, error: &io::Error) -> Self {
        Self::of_io(folder, error, error.to_string())
    }

    /// An error while reading the index in `folder`.
    pub(crate) fn reading(folder: &Path, error: &TantivyError) -> Self {
        match io_behind(error) {
            Some(io) if !is_damage(io) => Self::of_io(folder, io, error.to_string()),
            _ => Self::Damaged { folder: folder.to_owned(), reason: error.to_string() },
        }
    }

    /// An error while writing the index in `folder`.
    pub(crate) fn writing(folder: &Path, error: &TantivyError) -> Self {
        match io_behind(error) {
            Some(io) => Self::of_io(folder, io, error.to_string()),
            None => Self::Write { folder: folder.to_owned(), reason: error.to_string() },
        }
    }

    /// Whether the remedy is to build the index again.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(self, Self::Damaged { .. })
    }

    fn of_io(folder: &Path, error: &io::Error, reason: String) -> Self {
        let folder = folder.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { folder },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Forbidden { folder, reason }
            }
            _ => Self::System { folder, reason },
        }
    }
}

/// Whether the error means that a file has changed, and not that it is temporarily unavailable.
fn is_damage(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::InvalidData
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::IsADirectory
            | io::ErrorKind::NotADirectory
    )
}

/// The system's error, if it is the cause.
fn io_behind(error: &TantivyError) -> Option<&io::Error> {
    match error {
        TantivyError::IoError(io)
        | TantivyError::LockFailure(LockError::IoError(io), _)
        | TantivyError::OpenDirectoryError(OpenDirectoryError::IoError { io_error: io, .. })
        | TantivyError::OpenReadError(OpenReadError::IoError { io_error: io, .. })
        | TantivyError::OpenWriteError(OpenWriteError::IoError { io_error: io, .. }) => Some(io),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn told(error: io::Error) -> SearchError {
        SearchError::writing(Path::new("data/search"), &TantivyError::IoError(Arc::new(error)))
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn full_disk_is_reported_with_a_remedy() {
        let error = told(std::fs::write("/dev/full", "x").unwrap_err());
        assert!(matches!(error, SearchError::DiskFull { .. }), "{error:?}");
        assert!(error.to_string().contains("data/search; free space"), "{error}");
    }

    #[test]
    fn read_only_folder_is_reported_with_a_remedy() {
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
            let error = told(kind.into());
            assert!(matches!(error, SearchError::Forbidden { .. }), "{error:?}");
            assert!(error.to_string().contains("data/search may not be written"), "{error}");
        }
    }

    #[test]
    fn only_damage_replaces_the_index() {
        let folder = Path::new("data/search");
        for (kind, is_damage) in [
            (io::ErrorKind::NotFound, true),
            (io::ErrorKind::UnexpectedEof, true),
            (io::ErrorKind::InvalidData, true),
            (io::ErrorKind::PermissionDenied, false),
            (io::ErrorKind::StorageFull, false),
            // Too many open files: the index is not damaged.
            (io::Error::from_raw_os_error(24).kind(), false),
        ] {
            let error = SearchError::reading(folder, &TantivyError::IoError(Arc::new(kind.into())));
            assert_eq!(error.is_damage(), is_damage, "{kind:?}");
        }
        assert!(SearchError::reading(folder, &TantivyError::SchemaError("odd".into())).is_damage());
    }
}
