//! Where the shared test data is: it is too large for the repository and lies beside it.

use std::path::{Path, PathBuf};

use anyhow::ensure;

/// The folder of the shared test data: `BACKISSUE_SHARED`, or `shared` beside the workspace.
///
/// # Errors
/// When it is not there, saying where it was looked for and how to name it.
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
