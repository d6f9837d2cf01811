//! Why a site is not published.

use std::io;
use std::path::PathBuf;

use backissue_search::SearchFailure;
use backissue_store::StoreError;

/// Why a site is not published. The site that was in the folder before stays as it was, unless the
/// error says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The folder has files of others.
    #[error(
        "the folder {} has files that `backissue publish` did not write, such as {name}; name an empty or a new folder, or \
         empty this one first", folder.display()
    )]
    NotOurs {
        /// The folder.
        folder: PathBuf,
        /// One of the files.
        name: String,
    },
    /// A file of another program stands where one of the site's has to stand.
    #[error(
        "{} was not written by `backissue publish`, and a file of the site has to stand there; move it elsewhere, then \
         publish again. The site that was there is unchanged", path.display()
    )]
    InTheWay {
        /// The file.
        path: PathBuf,
    },
    /// The list of the site's files cannot be understood.
    #[error(
        "{} is not a list of files that this version of `backissue publish` wrote; publish into a new folder", path.display()
    )]
    Manifest {
        /// The list.
        path: PathBuf,
    },
    /// Another process publishes into the folder.
    #[error("another `backissue publish` is writing into {}; try again when it has ended", folder.display())]
    Busy {
        /// The folder.
        folder: PathBuf,
    },
    /// A file cannot be read or written, before anything of the site was changed.
    #[error(
        "{} cannot be {what}: {cause}. The site that was there is unchanged. {}", path.display(), remedy(cause)
    )]
    Prepare {
        /// What was tried: `written`, for example.
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's error. The message has it, so it is no source.
        cause: io::Error,
    },
    /// A file cannot be put in its place, after others were.
    #[error(
        "{} cannot be put in its place: {cause}. Some files of the new site are in place, each of them whole. {} Then publish \
         again: it goes on where it stopped", path.display(), remedy(cause)
    )]
    Swap {
        /// The file.
        path: PathBuf,
        /// The system's error. The message has it, so it is no source.
        cause: io::Error,
    },
    /// The archive's pages cannot be made.
    #[error("the page {path} could not be made: it answers {status}; `backissue doctor` looks for faults")]
    Page {
        /// Its path in the archive.
        path: String,
        /// The status of the response.
        status: u16,
    },
    /// The archive does not stop changing.
    #[error("reads left the archive while it was published, several times; publish again when it is quieter")]
    Restless,
    /// A part of the site cannot be made, which is a fault of this program.
    #[error("{what} could not be made: {cause}")]
    Make {
        /// The part.
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

/// What helps against a failure of the file system.
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
