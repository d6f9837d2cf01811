//! Developer chores: `cargo xtask …`. One file per chore; the program does not need any of them to run.

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
mod train;
mod web;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", about = "Developer chores of Backissue", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

/// A chore: its arguments live in its own file, with a `run` that does it.
#[derive(Debug, Subcommand)]
enum Chore {
    /// Check everything a change must pass: format, dependencies, clippy, all tests
    Test(test::Test),
    /// Measure the whole program
    Bench(bench::Bench),
    /// Check the words of comments and texts, and that no crate has a circle of files
    Check(check::Check),
    /// Make the built-in embedder of all-MiniLM-L6-v2
    Distill(distill::Distill),
    /// Say how good the précis and the search are, against what people said, and how much of the past a backfill brings in
    Eval(eval::Eval),
    /// Take pictures of the pages
    Screenshots(screenshots::Screenshots),
    /// Make the annotator's weights of the labelled reads
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
