//! `cargo xtask bench`: how fast the whole program is, as tables.

mod ingest;
mod serve;

use std::fmt::Write;

use crate::release;

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
    /// The pages at 1,000 and 100,000 reads: requests a second, p50 and p99
    Serve(serve::Serve),
}

impl Bench {
    /// Measures, optimised, and prints Markdown tables.
    pub fn run(self) -> anyhow::Result<()> {
        let binary = release::required()?;
        let runtime = tokio::runtime::Runtime::new()?;
        match self.what {
            What::Ingest(bench) => runtime.block_on(bench.run(&binary)),
            What::Serve(bench) => runtime.block_on(bench.run(&binary)),
        }
    }
}

/// Rows under a head, as a Markdown table.
fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len()));
    for row in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}
