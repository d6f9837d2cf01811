//! Optimised builds for chores that measure the program or compute for minutes.

use std::path::PathBuf;
use std::process::{Command, exit};

use anyhow::Context;

use crate::test::{cargo, run};

/// The profile of builds that compute.
pub const QUICK: &str = "release";
/// The profile of what is published, for builds that are measured.
pub const PUBLISHED: &str = "dist";

/// Builds the program and this one with an optimised profile, continues in the optimised one, and
/// returns the program's path.
///
/// Builds both together, because a build of only one uses other features of common dependencies and
/// compiles them again.
///
/// # Errors
/// If something does not build or start.
pub fn required(profile: &str) -> anyhow::Result<PathBuf> {
    run(cargo().args(["build", "--profile", profile, "--package", "backissue", "--package", "xtask"]))?;
    if cfg!(debug_assertions) {
        let optimised = target_folder()?.join(profile).join("xtask");
        let status = Command::new(optimised).args(std::env::args_os().skip(1)).status()?;
        exit(status.code().unwrap_or(1));
    }
    Ok(std::env::current_exe()?.with_file_name("backissue"))
}

/// Cargo's target folder.
///
/// # Errors
/// If this program is not where cargo put it.
pub fn target_folder() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(|p| p.parent()).context("cargo puts programs two folders deep")?;
    Ok(folder.to_owned())
}
