//! Developer chores: `cargo xtask …`. One file per chore. The program runs without them.

mod archive;
mod bench;
mod check;
mod distill;
mod eval;
mod fit;
mod labels;
mod optimised;
mod rouge;
mod screenshots;
mod table;
mod test;
mod timed;
mod train;
mod web;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Developer chores of Backissue", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

/// A chore. Its arguments are in its file, with a `run` function.
#[derive(Debug, Subcommand)]
enum Chore {
    /// Check everything that a change must pass: format, words, dependencies, clippy, all tests
    Test(test::Test),
    /// Measure the whole program
    Bench(bench::Bench),
    /// Check the words of comments and texts, and that no crate has a circle of files
    Check(check::Check),
    /// Make the built-in embedder from all-MiniLM-L6-v2
    Distill(distill::Distill),
    /// Measure the quality of précis, search and backfill against people's judgements
    Eval(eval::Eval),
    /// Take pictures of the pages
    Screenshots(screenshots::Screenshots),
    /// Make the annotator's weights from the labelled reads
    Train(train::Train),
    /// Serve the small web of real blogs on loopback
    Web(web::Web),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().chore {
        Chore::Test(chore) => chore.run(),
        Chore::Bench(chore) => chore.run(),
        Chore::Check(chore) => chore.run(),
        Chore::Distill(chore) => chore.run(),
        Chore::Eval(chore) => chore.run(),
        Chore::Screenshots(chore) => chore.run(),
        Chore::Train(chore) => chore.run(),
        Chore::Web(chore) => chore.run(),
    }
}
