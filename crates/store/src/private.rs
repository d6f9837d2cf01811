//! Files that only their owner can open: an archive has hashes of passwords and of sessions.
//!
//! On systems without Unix permissions the folder's own rules decide.

use std::path::Path;
use std::{fs, io};

/// Makes a folder, with those above it, that only its owner can open. A folder that is there stays
/// as it is.
///
/// # Errors
/// If the folder cannot be made.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Lets only the owner open a new database's file and those of its log. SQLite gives later ones the
/// permissions of the first. A file system without permissions is no failure.
pub(crate) fn make_private(database: &Path) {
    #[cfg(unix)]
    for end in ["", "-wal", "-shm"] {
        use std::os::unix::fs::PermissionsExt;
        let mut file = database.as_os_str().to_owned();
        file.push(end);
        let _ = fs::set_permissions(file, fs::Permissions::from_mode(0o600));
    }
    #[cfg(not(unix))]
    let _ = database;
}
