//! `cargo xtask bench`: the speed of the whole program, as tables.

mod ingest;
mod meaning;
mod publish;
mod search;
mod serve;

use crate::workspace::program;

/// The profile of the program to measure: that of what is published.
const PROFILE: &str = "dist";

/// The arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// A sync of the small web: reads per second, milliseconds per read and stage, peak memory, on
    /// both databases
    Ingest(ingest::Ingest),
    /// The nearest of many vectors: times, misses, memory
    Meaning(meaning::Meaning),
    /// A static site of 1,000 and 10,000 reads: times, sizes, what a search loads
    Publish(publish::Publish),
    /// Search in archives of three sizes: times by words, by meaning and by both, compared with
    /// FTS5; build, disk, memory
    Search(search::Search),
    /// The pages with 1,000 and 100,000 reads: requests per second, p50 and p99
    Serve(serve::Serve),
}

impl Bench {
    /// Measures with an optimised build, and prints Markdown tables.
    pub fn run(self) -> anyhow::Result<()> {
        let runtime = || tokio::runtime::Runtime::new();
        match self.what {
            What::Ingest(bench) => runtime()?.block_on(bench.run(&program(PROFILE)?)),
            What::Meaning(bench) => bench.run(),
            What::Publish(bench) => {
                let binary =
                    if bench.as_tested { backissue_tests::program::binary()? } else { program(PROFILE)? };
                runtime()?.block_on(bench.run(&binary))
            }
            What::Search(bench) => bench.run(),
            What::Serve(bench) => runtime()?.block_on(bench.run(&program(PROFILE)?)),
        }
    }
}
