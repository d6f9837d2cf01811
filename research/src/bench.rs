//! `cargo xtask bench`: the speed of the whole program, as tables.

mod compress;
mod ingest;
mod meaning;
mod peer;
mod publish;
mod search;
mod serve;
mod workers;

use std::path::PathBuf;

use crate::workspace::program;

/// The profile in which the program is measured. Published builds have the same one.
const PROFILE: &str = "dist";

/// The arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// zstd on the stored HTML of the small web: ratios and speeds, with and without a dictionary
    Compress(compress::Compress),
    /// A sync of the small web: reads per second, milliseconds per read and stage, peak memory, on
    /// both databases
    Ingest(ingest::Ingest),
    /// The nearest of many vectors: times, misses, memory
    Meaning(meaning::Meaning),
    /// A sync of the small web beside a pipeline of feedparser, trafilatura and SQLite (from PyPI)
    Peer(peer::Peer),
    /// A static site of 1,000 and 10,000 reads: times, sizes, what a search loads
    Publish(publish::Publish),
    /// Search in archives of three sizes: times by words, by meaning and by both, compared with
    /// FTS5; build, disk, memory
    Search(search::Search),
    /// The pages with 1,000 and 100,000 reads on both databases: requests per second, p50 and p99,
    /// start and memory, and finished pages beside nginx, which must be installed (Debian:
    /// nginx-light). With `--api` the JSON API under 200 clients
    Serve(serve::Serve),
    /// A sync of the small web by 1, 2 and 4 processes on one PostgreSQL database, and what keeps
    /// the processor busy
    Workers(workers::Workers),
}

/// The path of the program to measure: the one that the tests use, or an optimised build.
fn binary(as_tested: bool) -> anyhow::Result<PathBuf> {
    if as_tested { backissue_tests::program::binary() } else { program(PROFILE) }
}

impl Bench {
    /// Measures with an optimised build, and prints Markdown tables.
    pub fn run(self) -> anyhow::Result<()> {
        let runtime = || tokio::runtime::Runtime::new();
        match self.what {
            What::Compress(bench) => bench.run(),
            What::Ingest(bench) => runtime()?.block_on(bench.run(&program(PROFILE)?)),
            What::Meaning(bench) => bench.run(),
            What::Peer(bench) => {
                let binary = bench.program.clone().map_or_else(|| program(PROFILE), Ok)?;
                bench.run(&binary)
            }
            What::Publish(bench) => {
                let binary = binary(bench.as_tested)?;
                runtime()?.block_on(bench.run(&binary))
            }
            What::Search(bench) => bench.run(),
            What::Serve(bench) => {
                let binary = match &bench.program {
                    Some(program) => program.clone(),
                    None => binary(bench.as_tested)?,
                };
                runtime()?.block_on(bench.run(&binary))
            }
            What::Workers(bench) => {
                let binary = bench.program.clone().map_or_else(|| program(PROFILE), Ok)?;
                bench.run(&binary)
            }
        }
    }
}
