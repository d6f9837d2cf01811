//! Chores that measure must run optimised, server and client alike; those that compute for minutes had better.

use std::path::PathBuf;
use std::process::{Command, exit};

use anyhow::Context;

use crate::test::{cargo, run};

/// Builds the program and this one optimised, goes on in the latter where this one is not, and says where the program is.
/// Always both: alone, either asks less of what both depend on, and that would be compiled anew each time.
///
/// # Errors
/// Where something does not build or start.
pub fn required() -> anyhow::Result<PathBuf> {
    run(cargo().args(["build", "--release", "--package", "backissue", "--package", "xtask"]))?;
    if cfg!(debug_assertions) {
        let optimised = target_folder()?.join("release/xtask");
        let status = Command::new(optimised).args(std::env::args_os().skip(1)).status()?;
        exit(status.code().unwrap_or(1));
    }
    Ok(std::env::current_exe()?.with_file_name("backissue"))
}

/// Where cargo puts what it builds.
///
/// # Errors
/// Where this program does not stand where cargo put it.
pub fn target_folder() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(|p| p.parent()).context("cargo puts programs two folders deep")?;
    Ok(folder.to_owned())
}
