//! Builds the workspace `research` and runs its chores.

use std::ffi::OsString;

use anyhow::Context;

use crate::workspace::{cargo, run, workspace};

/// The argument for an unoptimised build, for a quick look.
const UNOPTIMISED: &str = "--unoptimised";

/// What follows the chore's name. The chore parses it and has the `--help`.
#[derive(Debug, clap::Args)]
#[command(disable_help_flag = true)]
pub struct Arguments {
    /// Arguments of the chore; `--unoptimised` skips the optimised build, for a quick look
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Arguments {
    /// The arguments of the chore.
    #[cfg(test)]
    pub fn all(&self) -> &[OsString] {
        &self.arguments
    }

    /// Runs a chore in an optimised build. Measurements have the same profile as published builds.
    pub fn run(mut self, chore: &str) -> anyhow::Result<()> {
        let all = self.arguments.len();
        self.arguments.retain(|argument| argument != UNOPTIMISED);
        let profile = match chore {
            _ if self.arguments.len() < all => "dev",
            "bench" => "dist",
            _ => "release",
        };
        let own = std::env::current_exe()?;
        let target = own.parent().and_then(|p| p.parent()).context("cargo puts programs two folders deep")?;
        let mut program = cargo();
        program.args(["run", "--quiet", "--profile", profile, "--manifest-path"]);
        program.arg(workspace().join("research/Cargo.toml"));
        program.arg("--target-dir").arg(target.join("research"));
        run(program.arg("--").arg(chore).args(self.arguments))
    }
}
