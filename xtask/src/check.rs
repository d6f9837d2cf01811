//! `cargo xtask check`: rules for text and structure that neither `rustfmt` nor clippy checks.
//!
//! It reads files and compiles nothing, so it takes seconds.

mod circles;
mod finding;
mod named;
mod rust;
mod words;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, ensure};

use self::finding::Finding;
use crate::workspace::workspace;

/// The arguments of `cargo xtask check`.
#[derive(Debug, Default, clap::Args)]
pub struct Check {
    /// Only files whose path begins with one of these, for example `crates/feed`
    paths: Vec<String>,
}

impl Check {
    /// Runs the checks: words in comments, texts and test names; circles of files in a crate; names
    /// of tests in documents.
    ///
    /// # Errors
    /// If a rule is violated. Prints all violations first.
    pub fn run(self) -> anyhow::Result<()> {
        let mut files = tracked_files()?;
        let mut findings = circles::check(&files)?;
        findings.extend(named::check(&files)?);
        files.retain(|path| self.paths.is_empty() || self.paths.iter().any(|p| path.starts_with(p)));
        findings.extend(words::check(&files)?);
        findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
        for Finding { path, line, message } in &findings {
            println!("{}:{line}: {message}", path.display());
        }
        ensure!(
            findings.is_empty(),
            "{} findings; xtask/words.txt and CONTRIBUTING.md say why",
            findings.len()
        );
        println!("Words and structure are fine in {} files.", files.len());
        Ok(())
    }
}

/// The files under version control, relative to the workspace.
fn tracked_files() -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(workspace())
        .output()
        .context("cannot run git")?;
    ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).context("a path is not UTF-8")?;
    let paths = listed.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from);
    Ok(paths.filter(|path| workspace().join(path).is_file()).collect())
}
