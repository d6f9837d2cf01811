//! The shared test data, which is too large for the repository and is next to it.

use std::path::{Path, PathBuf};

use anyhow::ensure;

/// The folder of the shared test data: `BACKISSUE_SHARED`, or `shared` next to the workspace.
///
/// # Errors
/// If it does not exist, with the path and the remedy.
pub fn shared_dir() -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("BACKISSUE_SHARED").filter(|value| !value.is_empty()).map(PathBuf::from);
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let dir = named.unwrap_or_else(beside);
    ensure!(
        dir.is_dir(),
        "the shared test data is not at {}; put it there, or name its folder in BACKISSUE_SHARED",
        dir.display()
    );
    Ok(dir.canonicalize()?)
}
