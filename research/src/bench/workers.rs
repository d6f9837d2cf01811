//! A sync of the small web by several processes that share one PostgreSQL database, and where the
//! processor's time goes. Linux only.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, ensure};
use backissue_needs::shared_dir;
use backissue_tests::database::Database;
use backissue_tests::postgres::Cluster;
use backissue_tests::program::Archive;
use backissue_tests::web::{SmallWeb, SmallWebOptions};

use crate::table::{head, line};

/// Ticks of `/proc` a second, on all of Linux's architectures.
const TICKS: f64 = 100.0;

/// The arguments of `cargo xtask bench workers`.
#[derive(Debug, clap::Args)]
pub struct Workers {
    /// Numbers of processes
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4])]
    processes: Vec<usize>,
    /// Rounds per number; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// The program to measure, instead of building one
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
}

/// One sync.
struct Round {
    reads: u64,
    seconds: f64,
    spent: Spent,
}

impl Round {
    fn speed(&self) -> f64 {
        self.reads as f64 / self.seconds
    }
}

/// Seconds of processor time.
#[derive(Clone, Copy)]
struct Spent {
    /// Of this process, which serves the small web.
    web: f64,
    /// Of processes that this one started and that have ended: the workers.
    workers: f64,
    /// Of all processes.
    all: f64,
}

impl Spent {
    /// Until now.
    fn now() -> anyhow::Result<Self> {
        let own = fs::read_to_string("/proc/self/stat").context("`bench workers` needs Linux")?;
        // The name, in parentheses, may contain spaces; the fields after it are numbered from 3.
        let (_, fields) = own.rsplit_once(')').context("/proc/self/stat has a name")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |number: usize| -> anyhow::Result<f64> {
            Ok(fields.get(number - 3).context("/proc/self/stat is short")?.parse::<f64>()? / TICKS)
        };
        let machine = fs::read_to_string("/proc/stat")?;
        let of_all = machine.lines().next().context("/proc/stat is empty")?.split_whitespace().skip(1);
        let of_all: Vec<f64> =
            of_all.map(|ticks| Ok(ticks.parse::<f64>()? / TICKS)).collect::<anyhow::Result<_>>()?;
        // user, nice, system; then idle and waiting; then interrupts.
        let all =
            of_all.iter().enumerate().filter(|(nth, _)| [0, 1, 2, 5, 6].contains(nth)).map(|(_, s)| s).sum();
        Ok(Self { web: field(14)? + field(15)?, workers: field(16)? + field(17)?, all })
    }

    fn since(self, before: Self) -> Self {
        Self {
            web: self.web - before.web,
            workers: self.workers - before.workers,
            all: self.all - before.all,
        }
    }
}

impl Workers {
    /// Measures, and prints each row as soon as it is known.
    pub fn run(self, binary: &Path) -> anyhow::Result<()> {
        let cluster = Cluster::start()?;
        println!(
            "A sync of the small web into one PostgreSQL database, politeness pauses off, {} cores ({} rounds, the \
             middle one). The last four columns are processor seconds a second.\n",
            std::thread::available_parallelism()?,
            self.rounds
        );
        let columns = [
            "processes", "reads", "seconds", "reads a second", "times the first", "busy in all", "workers",
            "the small web", "PostgreSQL and others",
        ];
        println!("{}", head(&columns));
        let mut first = None;
        for processes in &self.processes {
            let mut rounds = Vec::new();
            for _ in 0..self.rounds.max(1) {
                rounds.push(round(binary, &cluster, (*processes).max(1))?);
            }
            rounds.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
            let round = &rounds[rounds.len() / 2];
            let first = *first.get_or_insert(round.speed());
            let Spent { web, workers, all } = round.spent;
            let busy = |spent: f64| format!("{:.2}", spent / round.seconds);
            let row = [
                processes.to_string(),
                round.reads.to_string(),
                format!("{:.2}", round.seconds),
                format!("{:.0}", round.speed()),
                format!("{:.2}", round.speed() / first),
                busy(all),
                busy(workers),
                busy(web),
                busy(all - workers - web),
            ];
            println!("{}", line(&row));
        }
        Ok(())
    }
}

/// Syncs the small web into a new database by so many processes, each with a separate data
/// folder.
fn round(binary: &Path, cluster: &Cluster, processes: usize) -> anyhow::Result<Round> {
    let web = SmallWeb::start(&shared_dir()?, SmallWebOptions::default())?;
    let database = Database::create_on(cluster.url())?;
    let mut flags = web.arguments();
    flags.extend(SmallWeb::without_pauses());
    flags.extend(["--database".to_owned(), database.url()]);
    let archives: Vec<Archive> =
        (0..processes).map(|_| Archive::with_binary(binary, flags.clone())).collect::<anyhow::Result<_>>()?;
    archives[0].import_feeds(&web)?;
    let (before, began) = (Spent::now()?, Instant::now());
    let mut children = Vec::new();
    for archive in &archives {
        children.push(archive.command(&["sync", "--json"]).stdout(Stdio::piped()).spawn()?);
    }
    let mut reads = 0;
    for child in children {
        let output = child.wait_with_output()?;
        let summary: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        ensure!(output.status.success(), "a sync failed: {summary}");
        reads += summary["reads_done"].as_u64().context("a summary counts its reads")?;
    }
    let seconds = began.elapsed().as_secs_f64();
    Ok(Round { reads, seconds, spent: Spent::now()?.since(before) })
}
