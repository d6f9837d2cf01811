//! Why publishing a site failed.

use std::io;
use std::path::PathBuf;

use backissue_search::SearchFailure;
use backissue_store::StoreError;

/// Why publishing a site failed. The site that was in the folder stays unchanged, unless the error
/// says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The folder has files that `backissue publish` did not write.
    #[error(
        "the folder {} has files that `backissue publish` did not write, such as {name}; name an empty or a new folder, or \
         empty this one first", folder.display()
    )]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// The name of one of these files.
        name: String,
    },
    /// The site needs a file at a path where another program has written one.
    #[error(
        "{} was not written by `backissue publish`, and a file of the site has to stand there; move it elsewhere, then \
         publish again. The site that was there is unchanged", path.display()
    )]
    InTheWay {
        /// The file.
        path: PathBuf,
    },
    /// The list of the site's files cannot be parsed.
    #[error(
        "{} is not a list of files that this version of `backissue publish` wrote; publish into a new folder", path.display()
    )]
    Manifest {
        /// The list.
        path: PathBuf,
    },
    /// Another process is publishing into the folder.
    #[error("another `backissue publish` is writing into {}; try again when it has ended", folder.display())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// A file cannot be read or written. No file of the site was changed yet.
    #[error(
        "{} cannot be {what}: {cause}. The site that was there is unchanged. {}", path.display(), remedy(cause)
    )]
    Prepare {
        /// The operation that failed, such as `written`.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error. It is part of the message, so it is not a source of the error.
        cause: io::Error,
    },
    /// A new file cannot be moved to its place, after other files were.
    #[error(
        "{} cannot be put in its place: {cause}. Some files of the new site are in place, each of them whole. {} Then publish \
         again: it goes on where it stopped", path.display(), remedy(cause)
    )]
    Swap {
        /// The file.
        path: PathBuf,
        /// The system's error. It is part of the message, so it is not a source of the error.
        cause: io::Error,
    },
    /// A page of the archive cannot be rendered.
    #[error("the page {path} could not be made: it answers {status}; `backissue doctor` looks for faults")]
    Page {
        /// The page's path in the archive.
        path: String,
        /// The status of the response.
        status: u16,
    },
    /// The archive kept changing during every attempt.
    #[error("reads left the archive while it was published, several times; publish again when it is quieter")]
    Restless,
    /// A part of the site cannot be made, because of a bug in this program.
    #[error("{what} could not be made: {cause}")]
    Make {
        /// The part that cannot be made.
        what: String,
        /// The reason.
        cause: String,
    },
    /// The archive cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The search index cannot be read.
    #[error(transparent)]
    Search(#[from] SearchFailure),
}

/// The remedy for a failure of the file system, as a sentence.
fn remedy(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Make room on its disk.",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "Allow this user to write there, or name another folder."
        }
        io::ErrorKind::NotADirectory => "Name a folder.",
        _ => "Check the folder and its disk.",
    }
}
