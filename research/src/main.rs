//! Measures Backissue and makes its data: `cargo xtask bench`, `eval`, `train`, `distill`.
//!
//! The crate has a separate workspace, so that builds of the program and of its tests do not
//! compile it. `cargo xtask` builds and calls it.

mod archive;
mod bench;
mod distill;
mod eval;
mod fit;
mod labels;
mod rouge;
mod table;
mod train;
mod workspace;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Measurements and training of Backissue", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

/// A chore. Its arguments are in its file, with a `run` function.
#[derive(Debug, Subcommand)]
enum Chore {
    /// Measure the whole program
    Bench(bench::Bench),
    /// Make the built-in embedder from all-MiniLM-L6-v2
    Distill(distill::Distill),
    /// Measure the quality of précis, search and backfill against people's judgements
    Eval(eval::Eval),
    /// Make the annotator's weights from the labelled reads
    Train(train::Train),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().chore {
        Chore::Bench(chore) => chore.run(),
        Chore::Distill(chore) => chore.run(),
        Chore::Eval(chore) => chore.run(),
        Chore::Train(chore) => chore.run(),
    }
}
