//! Developer chores: `cargo xtask …`. One file per chore. The program runs without them.

mod check;
mod research;
mod screenshots;
mod test;
mod timed;
mod web;
mod workspace;

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
    Bench(research::Arguments),
    /// Check the words of comments and texts, and that no crate has a circle of files
    Check(check::Check),
    /// Make the built-in embedder from all-MiniLM-L6-v2
    Distill(research::Arguments),
    /// Measure the quality of précis, search and backfill against people's judgements
    Eval(research::Arguments),
    /// Take pictures of the pages
    Screenshots(screenshots::Screenshots),
    /// Make the annotator's weights from the labelled reads
    Train(research::Arguments),
    /// Serve the small web of real blogs on loopback
    Web(web::Web),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().chore {
        Chore::Test(chore) => chore.run(),
        Chore::Bench(chore) => chore.run("bench"),
        Chore::Check(chore) => chore.run(),
        Chore::Distill(chore) => chore.run("distill"),
        Chore::Eval(chore) => chore.run("eval"),
        Chore::Screenshots(chore) => chore.run(),
        Chore::Train(chore) => chore.run("train"),
        Chore::Web(chore) => chore.run(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn chores_of_research_get_all_their_arguments() {
        Arguments::command().debug_assert();
        let words = ["xtask", "eval", "precis", "--reads", "20", "--help"];
        let parsed = Arguments::try_parse_from(words).unwrap();
        let Chore::Eval(passed_on) = parsed.chore else { panic!("{parsed:?}") };
        assert_eq!(passed_on.all(), ["precis", "--reads", "20", "--help"]);
    }
}
