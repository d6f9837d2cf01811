//! Developer chores: `cargo xtask …`. One file per chore; the program does not need any of them to run.

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
    /// Serve the small web of real blogs on loopback
    Web(web::Web),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().chore {
        Chore::Web(chore) => chore.run(),
    }
}
