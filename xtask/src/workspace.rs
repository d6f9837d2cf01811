//! The workspace: its folder, and running cargo in it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

/// The cargo program that runs this chore, to be run in the workspace's folder.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace());
    command
}

/// The workspace's folder.
pub fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Runs a command that must succeed.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.status().with_context(|| format!("{command:?} does not start"))?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

/// The text of a file of the workspace.
pub fn read(path: &Path) -> anyhow::Result<String> {
    let file = workspace().join(path);
    std::fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
}
