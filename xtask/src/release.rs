//! Chores that measure must run optimised, server and client alike.

use std::path::PathBuf;
use std::process::{Command, exit};

use anyhow::Context;

use crate::test::{cargo, run};

/// Builds the program and this one optimised, goes on in the latter where this one is not, and says where the program is.
///
/// # Errors
/// Where something does not build or start.
pub fn required() -> anyhow::Result<PathBuf> {
    go_on_optimised(&["backissue", "xtask"])?;
    Ok(std::env::current_exe()?.with_file_name("backissue"))
}

/// Builds these packages optimised, this program among them, and goes on in that one where this one is not optimised.
///
/// # Errors
/// Where something does not build or start.
pub fn go_on_optimised(packages: &[&str]) -> anyhow::Result<()> {
    let packages = packages.iter().flat_map(|name| ["--package", name]);
    run(cargo().args(["build", "--release"]).args(packages))?;
    if cfg!(debug_assertions) {
        let optimised = target_folder()?.join("release/xtask");
        let status = Command::new(optimised).args(std::env::args_os().skip(1)).status()?;
        exit(status.code().unwrap_or(1));
    }
    Ok(())
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
