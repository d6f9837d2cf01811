//! Chores that measure must run optimised, server and client alike.

use std::path::PathBuf;
use std::process::{Command, exit};

use anyhow::Context;

use crate::test::{cargo, run};

/// Builds the binary and this program optimised, and goes on in the latter where this one is not.
pub fn required() -> anyhow::Result<PathBuf> {
    run(cargo().args(["build", "--release", "--package", "backissue", "--package", "xtask"]))?;
    let own = std::env::current_exe()?;
    if cfg!(debug_assertions) {
        let folder = own.parent().and_then(|p| p.parent()).context("cargo puts programs two folders deep")?;
        let status = Command::new(folder.join("release/xtask")).args(std::env::args_os().skip(1)).status()?;
        exit(status.code().unwrap_or(1));
    }
    Ok(own.with_file_name("backissue"))
}
