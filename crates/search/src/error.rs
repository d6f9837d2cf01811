//! What can go wrong with an index, told so that a person can act on it.

use std::io;
use std::path::{Path, PathBuf};

use tantivy::TantivyError;
use tantivy::directory::error::{LockError, OpenDirectoryError, OpenReadError, OpenWriteError};

/// Why the index could not do something. Nothing of the archive is lost by any of these: the index comes from the store.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// No room left.
    #[error(
        "no room left for the search index in {}; make room on that disk and start again, the index catches up by itself", folder.display()
    )]
    DiskFull {
        /// The index.
        folder: PathBuf,
    },
    /// The folder, or something in it, may not be read or written.
    #[error(
        "the search index in {} may not be written: {reason}; give this user the right to write there, or choose another data folder with --data", folder.display()
    )]
    Forbidden {
        /// The index.
        folder: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// A part of the index is gone or is not what was written.
    #[error(
        "the search index in {} is damaged ({reason}); run `backissue reindex`, which makes it anew from the archive", folder.display()
    )]
    Damaged {
        /// The index.
        folder: PathBuf,
        /// What was found.
        reason: String,
    },
    /// Writing failed otherwise.
    #[error(
        "cannot write the search index in {}: {reason}; see that its disk has room and works, then start again, the index catches up by itself", folder.display()
    )]
    Write {
        /// The index.
        folder: PathBuf,
        /// What went wrong.
        reason: String,
    },
    /// The system refused otherwise, for example another open file.
    #[error("the search index in {} cannot be used: {reason}; try again, and report this if it stays", folder.display())]
    System {
        /// The index.
        folder: PathBuf,
        /// What the system said.
        reason: String,
    },
}

impl SearchError {
    /// What the system said of something in `folder`.
    pub(crate) fn io(folder: &Path, error: &io::Error) -> Self {
        Self::of_io(folder, error, error.to_string())
    }

    /// What went wrong while reading the index in `folder`.
    pub(crate) fn reading(folder: &Path, error: &TantivyError) -> Self {
        match io_behind(error) {
            Some(io) if !is_damage(io) => Self::of_io(folder, io, error.to_string()),
            _ => Self::Damaged { folder: folder.to_owned(), reason: error.to_string() },
        }
    }

    /// What went wrong while writing the index in `folder`.
    pub(crate) fn writing(folder: &Path, error: &TantivyError) -> Self {
        match io_behind(error) {
            Some(io) => Self::of_io(folder, io, error.to_string()),
            None => Self::Write { folder: folder.to_owned(), reason: error.to_string() },
        }
    }

    /// Whether beginning anew is the answer.
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

/// Whether what the system says means that a file is not what was written, rather than that it cannot be had now.
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

/// What the system said, where it was the system.
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
    fn a_full_disk_is_told_with_the_remedy() {
        let error = told(std::fs::write("/dev/full", "x").unwrap_err());
        assert!(matches!(error, SearchError::DiskFull { .. }), "{error:?}");
        assert!(error.to_string().contains("data/search; make room"), "{error}");
    }

    #[test]
    fn a_folder_that_may_not_be_written_is_told_with_the_remedy() {
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
            let error = told(kind.into());
            assert!(matches!(error, SearchError::Forbidden { .. }), "{error:?}");
            assert!(error.to_string().contains("data/search may not be written"), "{error}");
        }
    }

    #[test]
    fn only_what_is_not_as_it_was_written_is_begun_anew() {
        let folder = Path::new("data/search");
        for (kind, is_damage) in [
            (io::ErrorKind::NotFound, true),
            (io::ErrorKind::UnexpectedEof, true),
            (io::ErrorKind::InvalidData, true),
            (io::ErrorKind::PermissionDenied, false),
            (io::ErrorKind::StorageFull, false),
            // Too many open files: the index is as good as it was.
            (io::Error::from_raw_os_error(24).kind(), false),
        ] {
            let error = SearchError::reading(folder, &TantivyError::IoError(Arc::new(kind.into())));
            assert_eq!(error.is_damage(), is_damage, "{kind:?}");
        }
        assert!(SearchError::reading(folder, &TantivyError::SchemaError("odd".into())).is_damage());
    }
}
