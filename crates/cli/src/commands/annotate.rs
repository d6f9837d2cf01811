//! `backissue annotate`: annotates reads again.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::bail;
use backissue_ingest::{BUILT_IN, BatchEnd, BatchStep, Batches, By, Pass, Reannotator, Step};
use backissue_llm::BATCH_BYTES_MAX;
use backissue_store::{Selection, Store};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

use crate::args::AnnotateArgs;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, ALERT, PLAIN, STRONG, say};
use crate::settings::Settings;
use crate::signals::Signals;

/// The pause between two requests for the state of a batch.
const BATCH_PAUSE: Duration = Duration::from_secs(60);

/// The counts of a run.
#[derive(Default)]
struct Counts {
    done: u64,
    changed: u64,
    failed: u64,
    questions: u64,
    refused: BTreeMap<&'static str, u64>,
    fell_back: BTreeMap<&'static str, u64>,
}

/// Annotates the selected reads, and prints the result.
pub async fn run(args: AnnotateArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let by = match args.model.as_ref().or(settings.annotate_with.value.as_ref()) {
        Some(name) if name != BUILT_IN => By::Model(open::asker(&settings, name)?),
        _ => By::BuiltIn,
    };
    let store = open::store(&settings).await?;
    let stop = CancellationToken::new();
    let signals = Signals::listen(stop.clone());
    if args.again {
        let By::Model(asker) = &by else {
            bail!("--again needs a language model; name one with --model");
        };
        asker.forget_replies(&store, &selection(&args)).await?;
    }
    if args.batch {
        let fetching = fetch_in_batches(&args, &store, &by, &stop);
        if signals.unless_hurried(fetching).await? == BatchEnd::Stopped {
            anstream::eprintln!("The server goes on with its batch. The same command fetches the answers.");
            return Ok(Outcome::Partly);
        }
    }
    let asked = store.ask_for(&selection(&args), by.name(), Timestamp::now()).await?;
    if asked == 0 {
        anstream::eprintln!(
            "There are no such reads; `backissue week` lists the newest ones with their numbers."
        );
        return Ok(Outcome::NotThere);
    }
    let reannotator = Reannotator::new(store.clone(), by.clone());
    let (steps, told) = unbounded_channel();
    let work = async { tokio::join!(reannotator.pass(&stop, Some(steps)), follow(told, asked)) };
    let ended = signals.unless_hurried(async { Ok(work.await) }).await;
    if ended.is_err() {
        reannotator.give_back_quota().await?;
    }
    let (pass, counts) = ended?;
    let pass = pass?;
    let left = left_over(&store, &by, &settings).await?;
    store.close().await;
    let report = Report { by: &by, asked, counts: &counts, pass: &pass, left, stopped: stop.is_cancelled() };
    if args.json {
        output::json(&report.as_json())?;
    } else {
        report.tell()?;
    }
    Ok(match pass {
        Pass::Down(..) => Outcome::Fault,
        _ if left > 0 || counts.failed > 0 => Outcome::Partly,
        _ => Outcome::Fine,
    })
}

/// Fetches the model's replies in batches. The pass that follows finds them stored.
async fn fetch_in_batches(
    args: &AnnotateArgs,
    store: &Store,
    by: &By,
    stop: &CancellationToken,
) -> anyhow::Result<BatchEnd> {
    let By::Model(asker) = by else {
        bail!("--batch needs a language model: add --model NAME, or choose one with `backissue models use`");
    };
    let pause = args.batch_pause.map_or(Ok(BATCH_PAUSE), |pause| Duration::try_from(pause.0))?;
    let most = args.batch_size.map_or(u64::MAX, |size| size.0);
    let max_bytes = usize::try_from(most).unwrap_or(usize::MAX).min(BATCH_BYTES_MAX);
    let batches = Batches { store, asker, pause, max_bytes, stop };
    let tell = |step: BatchStep| {
        let line = match step {
            BatchStep::Sent(batch, prompts) => {
                format!(
                    "Batch {batch}: {} sent; answers take up to a day.",
                    output::count(prompts as u64, "question")
                )
            }
            BatchStep::Waiting(batch, done, all) => format!("Batch {batch}: {done} of {all} are answered."),
            BatchStep::Stored(batch, usable, 0) => {
                format!("Batch {batch}: {} stored.", output::count(usable as u64, "answer"))
            }
            BatchStep::Stored(batch, usable, others) => format!(
                "Batch {batch}: {} stored; {others} without a usable answer, which are asked alone now.",
                output::count(usable as u64, "answer")
            ),
        };
        anstream::eprintln!("{}", output::safe(&line));
    };
    Ok(batches.run(&selection(args), tell).await?)
}

fn selection(args: &AnnotateArgs) -> Selection {
    match args.since {
        Some(week) => Selection::Since(week),
        None if args.all => Selection::All,
        None => Selection::These(args.reads.clone()),
    }
}

/// Counts and draws the steps until the pass ends.
async fn follow(mut steps: UnboundedReceiver<Step>, asked: u64) -> Counts {
    let style = ProgressStyle::with_template("{prefix:>8} {bar:30} {pos}/{len} {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(asked).with_style(style.progress_chars("━╸─")).with_prefix("Reads");
    let mut counts = Counts::default();
    while let Some(step) = steps.recv().await {
        bar.inc(1);
        match step {
            Step::Done { changed, told, .. } => {
                counts.done += 1;
                counts.changed += u64::from(changed);
                counts.questions += u64::from(told.questions);
                for refusal in &told.refusals {
                    *counts.refused.entry(refusal.field).or_default() += 1;
                }
                for field in &told.fell_back {
                    *counts.fell_back.entry(field).or_default() += 1;
                }
            }
            Step::Failed { read, reason } => {
                counts.failed += 1;
                bar.suspend(|| anstream::eprintln!("read {read}: {}", output::safe(&reason)));
            }
        }
    }
    bar.finish_and_clear();
    counts
}

/// The number of requested reads that were not annotated. A sync continues with them only if it
/// uses the same model; otherwise the requests are cancelled.
async fn left_over(store: &Store, by: &By, settings: &Settings) -> anyhow::Result<u64> {
    if settings.annotate_with.value.as_deref() == Some(by.name()) {
        return Ok(store.asked_for(by.name()).await?);
    }
    Ok(store.ask_no_more(by.name()).await?)
}

/// The final report.
struct Report<'a> {
    by: &'a By,
    asked: u64,
    counts: &'a Counts,
    pass: &'a Pass,
    left: u64,
    stopped: bool,
}

impl Report<'_> {
    fn as_json(&self) -> Value {
        let Counts { done, changed, failed, questions, refused, fell_back } = self.counts;
        let (ended, reason) = match self.pass {
            Pass::Over if self.stopped => ("stopped", None),
            Pass::Over => ("over", None),
            Pass::OverBudget(_) => ("over-budget", None),
            Pass::Down(reason, _) => ("down", Some(reason)),
        };
        json!({
            "annotator": self.by.name(), "reads": self.asked, "done": done, "changed": changed, "failed": failed,
            "left": self.left, "questions": questions, "refused": refused, "fell_back": fell_back, "ended": ended,
            "reason": reason,
        })
    }

    fn tell(&self) -> anyhow::Result<()> {
        let Counts { done, changed, failed, questions, refused, fell_back } = self.counts;
        say!(
            "{STRONG}{}{PLAIN} annotated by {}, {changed} changed{}.",
            output::count(*done, "read"),
            self.by.name(),
            if matches!(self.by, By::Model(_)) {
                format!(", {} asked", output::count(*questions, "question"))
            } else {
                String::new()
            }
        )?;
        let listed = |counts: &BTreeMap<&str, u64>| {
            counts.iter().map(|(field, count)| format!("{field} {count}")).collect::<Vec<_>>().join(", ")
        };
        if !refused.is_empty() {
            say!("Refused by the gate, first and second answers together: {}.", listed(refused))?;
        }
        if !fell_back.is_empty() {
            say!("Left to the built-in annotator: {}.", listed(fell_back))?;
        }
        if *failed > 0 {
            say!("{} failed and keep their précis.", output::count(*failed, "read"))?;
        }
        match self.pass {
            Pass::OverBudget(until) => say!("The day's limits of the model are reached, until {until:.0}.")?,
            Pass::Down(reason, _) => anstream::eprintln!("{ALERT}stopped:{PLAIN} {}", output::safe(reason)),
            Pass::Over if self.stopped => say!("Stopped.")?,
            Pass::Over => {}
        }
        if self.left > 0 {
            say!("{} left; the same command continues with them.", output::count(self.left, "read"))?;
        }
        Ok(())
    }
}
