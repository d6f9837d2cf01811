//! A sync of the small web compared with a pipeline that a person would write with feedparser,
//! trafilatura and SQLite (`peer.py`). Both run on the same machine in the same run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use backissue_needs::shared_dir;
use backissue_tests::web::{SmallWeb, SmallWebOptions};

use super::ingest::one_sync;
use crate::table::table;
use crate::workspace::{run, target_folder};

/// The Python packages of the pipeline.
const PACKAGES: [&str; 3] = ["feedparser==6.0.14", "trafilatura==2.3.1", "lxml_html_clean==0.4.4"];

/// The arguments of `cargo xtask bench peer`.
#[derive(Debug, clap::Args)]
pub struct Peer {
    /// Rounds of both; the medians count
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The program to measure, instead of building one
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
}

/// The number of reads and of seconds of a round.
type Round = (u64, f64);

impl Peer {
    /// Measures and prints the result.
    pub fn run(self, binary: &Path) -> anyhow::Result<()> {
        let python = python()?;
        let processes = std::thread::available_parallelism()?.get();
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds.max(1) {
            let sync = one_sync(binary, None)?;
            ours.push((sync.reads, sync.time.as_secs_f64()));
            theirs.push(one_round(&python, processes)?);
        }
        let name = format!("feedparser, trafilatura and SQLite, {processes} processes");
        let (ours, theirs) = (median(ours), median(theirs));
        let speed = |(reads, seconds): Round| reads as f64 / seconds;
        let row = |name: &str, round: Round| {
            vec![
                name.to_owned(),
                round.0.to_string(),
                format!("{:.2}", round.1),
                format!("{:.0}", speed(round)),
                format!("{:.1}", speed(round) / speed(theirs)),
            ]
        };
        println!(
            "A sync of the small web, politeness pauses off ({} rounds, the middle one):\n",
            self.rounds
        );
        let head = ["program", "reads", "seconds", "reads a second", "times the pipeline"];
        println!("{}", table(&head, &[row("backissue", ours), row(&name, theirs)]));
        Ok(())
    }
}

fn median(mut rounds: Vec<Round>) -> Round {
    rounds.sort_by(|one, other| one.1.total_cmp(&other.1));
    rounds[rounds.len() / 2]
}

/// The Python with the packages, in cargo's target folder.
fn python() -> anyhow::Result<PathBuf> {
    let folder = target_folder()?.join("python-with-peer");
    let python = folder.join("bin/python");
    let mut check = Command::new(&python);
    if !check.args(["-c", "import feedparser, trafilatura"]).status().is_ok_and(|status| status.success()) {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PACKAGES))?;
    }
    Ok(python)
}

fn one_round(python: &Path, processes: usize) -> anyhow::Result<Round> {
    let web = SmallWeb::start(&shared_dir()?, SmallWebOptions::default())?;
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("peer.py");
    fs::write(&script, include_str!("peer.py"))?;
    let output = Command::new(python)
        .arg(&script)
        .args([web.addr.ip().to_string(), web.addr.port().to_string()])
        .arg(&web.ca_file)
        .arg(folder.path().join("archive.sqlite"))
        .arg(processes.to_string())
        .args(web.feeds())
        .output()?;
    ensure!(output.status.success(), "the pipeline failed: {}", String::from_utf8_lossy(&output.stderr));
    let said: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    Ok((
        said["reads"].as_u64().context("it counts its reads")?,
        said["seconds"].as_f64().context("and seconds")?,
    ))
}
