//! Creates files and folders that only their owner can open, because an archive has hashes of
//! passwords and sessions.
//!
//! On systems without Unix permissions, the rules of the parent folder apply.

use std::path::Path;
use std::{fs, io};

/// Creates a folder and its parents so that only their owner can open them. An existing folder is
/// not changed.
///
/// # Errors
/// If the folder cannot be created.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Restricts the file of a new database and its log files to their owner. SQLite gives files that
/// it creates later the same permissions. On a file system without permissions, nothing happens.
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
