//! `cargo xtask bench`: how fast the whole program is, as tables.

mod ingest;
mod meaning;
mod search;
mod serve;

use crate::optimised;

/// The arguments of `cargo xtask bench`.
#[derive(Debug, clap::Args)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// A sync of the small web: reads a second, milliseconds a read by stage, peak memory, on both databases
    Ingest(ingest::Ingest),
    /// The nearest of many vectors: times, what is missed, memory
    Meaning(meaning::Meaning),
    /// Search at three sizes of the archive: times by words, by meaning and by both, against FTS5; build, disk, memory
    Search(search::Search),
    /// The pages at 1,000 and 100,000 reads: requests a second, p50 and p99
    Serve(serve::Serve),
}

impl Bench {
    /// Measures, optimised, and prints Markdown tables.
    pub fn run(self) -> anyhow::Result<()> {
        let runtime = || tokio::runtime::Runtime::new();
        match self.what {
            What::Ingest(bench) => runtime()?.block_on(bench.run(&optimised::required()?)),
            What::Meaning(bench) => bench.run(),
            What::Search(bench) => bench.run(),
            What::Serve(bench) => runtime()?.block_on(bench.run(&optimised::required()?)),
        }
    }
}
