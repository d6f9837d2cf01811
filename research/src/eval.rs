//! `cargo xtask eval`: the quality of précis, search and backfill, compared with people's
//! judgements, as tables.

mod agreement;
mod asker;
mod backfill;
mod extract;
mod gate;
mod hostile;
pub mod minilm;
mod passages;
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
    /// What the built-in annotator shows of each article, as JSON, for people to judge
    Passages(passages::Passages),
    /// Search compared with judged queries: ours, two databases, and the embeddings from which ours
    /// were distilled
    Search(search::Evaluation),
    /// The agreement of the two readers of the labelled set
    Agreement(agreement::Agreement),
    /// How much of an article is extracted from its page, and how much else, by generator
    Extract(extract::Evaluation),
    /// The gate for written statements on true statements and inventions
    Gate(gate::Gate),
    /// How much of the small web's past a backfill finds, with which dates, and how much of it is
    /// no article
    Backfill(backfill::Backfill),
}

impl Eval {
    /// Evaluates and prints Markdown tables.
    pub fn run(self) -> anyhow::Result<()> {
        match self.what {
            What::Precis(eval) => eval.run(),
            What::Passages(eval) => eval.run(),
            What::Search(eval) => eval.run(),
            What::Agreement(eval) => eval.run(),
            What::Extract(eval) => eval.run(),
            What::Gate(eval) => eval.run(),
            What::Backfill(eval) => eval.run(),
        }
    }
}
