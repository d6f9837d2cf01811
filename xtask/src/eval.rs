//! `cargo xtask eval`: how good the précis and the search are, against what people said of the same reads, and how much of the
//! past a backfill brings in, as tables.

mod agreement;
mod asker;
mod backfill;
mod extract;
mod gate;
pub mod minilm;
mod precis;
pub mod search;
pub mod statistics;

/// The arguments of `cargo xtask eval`.
#[derive(Debug, clap::Args)]
pub struct Eval {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// The précis against the labels: similarity, kinds, concepts, evidence, time
    Precis(Box<precis::Evaluation>),
    /// Search against judged queries: ours, two databases, and the embeddings ours were distilled from
    Search(search::Evaluation),
    /// The two readers of the labelled set against each other
    Agreement(agreement::Agreement),
    /// How much of an article is found on its page, and how much beside it, by generator
    Extract(extract::Evaluation),
    /// The gate for written statements against true statements and inventions
    Gate(gate::Gate),
    /// How much of the small web's past a backfill brings in, on which days, and how much of it is no article
    Backfill(backfill::Backfill),
}

impl Eval {
    /// Evaluates and prints Markdown tables.
    pub fn run(self) -> anyhow::Result<()> {
        match self.what {
            What::Precis(eval) => eval.run(),
            What::Search(eval) => eval.run(),
            What::Agreement(eval) => eval.run(),
            What::Extract(eval) => eval.run(),
            What::Gate(eval) => eval.run(),
            What::Backfill(eval) => eval.run(),
        }
    }
}
