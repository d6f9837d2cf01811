//! The workspace of the program: its folder, its cargo, and what cargo builds there.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

/// The workspace's folder.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The cargo program that runs this chore, to be run in the program's workspace.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    command
}

/// Runs a command that must succeed.
///
/// # Errors
/// If it does not start, or fails.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{command:?} does not start"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

/// The target folder of the chores, in which they also store downloads.
///
/// # Errors
/// If this program is not where cargo put it.
pub fn target_folder() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(|p| p.parent()).context("cargo puts programs two folders deep")?;
    Ok(folder.to_owned())
}

/// Builds Backissue with a profile, and returns the program's path.
///
/// # Errors
/// If it does not build.
pub fn program(profile: &str) -> anyhow::Result<PathBuf> {
    let own = target_folder()?;
    // `cargo xtask` puts the target folder of the chores into that of the program.
    let folder = own.parent().context("the target folder is not at the root")?;
    let mut build = cargo();
    build.args(["build", "--package", "backissue", "--profile", profile, "--target-dir"]).arg(folder);
    run(&mut build)?;
    Ok(folder.join(profile).join("backissue"))
}
