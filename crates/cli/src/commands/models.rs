//! `backissue models`: the configured language models, a test of each, their cost, and what else
//! could be used.

use std::collections::BTreeMap;
use std::time::Instant;

use backissue_annotate::annotate;
use backissue_annotate::asking::{Asking, Question, Readings, drill};
use backissue_ingest::{Asker, spent_on};
use backissue_llm::{Model, Prompt};
use backissue_store::{Refused, RefusedRead, Spent, Store};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::args::ModelsArgs;
use crate::exit::Outcome;
use crate::output::{self, ALERT, GOOD, PLAIN, QUIET, STRONG, say};
use crate::prices::{self, PerRead, Price, money};
use crate::rows::ModelRow;
use crate::settings::Settings;
use crate::{noticed, open};

/// Maximum rows of days and models: three months of a few models.
pub const USAGE_ROWS: u32 = 400;
/// Maximum reads whose refusals are listed.
const REFUSED_READS: u32 = 100;

/// What it means that a model fails the drill.
pub const CANNOT_CHECK: &str = "it does not tell a true claim about the article of the test from two false ones, so it cannot \
check what it writes; such a model writes worse statements than the built-in annotator quotes. Take a larger model, or name one as `check_with`";

/// The result of a test.
pub struct Tested {
    /// How long the answer took.
    pub milliseconds: u128,
    /// The tokens of prompt and reply.
    pub tokens: u64,
    /// The fields that the gate refused.
    pub refused: Vec<&'static str>,
    /// Whether the model that does the second reading sees that false claims are false.
    pub can_check: bool,
}

/// Lists the models, their cost, or what was refused of their replies.
pub async fn run(args: ModelsArgs, settings: Settings) -> anyhow::Result<Outcome> {
    if args.usage {
        return usage(&open::store(&settings).await?, &settings, args.json).await;
    }
    if args.refusals {
        return refusals(&open::store(&settings).await?, args.json).await;
    }
    let rows = &settings.models.value;
    let noticed = noticed::look(&settings).await;
    if rows.is_empty() && !args.json {
        let how = match noticed.command() {
            Some(command) => format!("To use one that was noticed, for example {command}."),
            None => format!(
                "With Ollama on this machine, or a key of Anthropic, OpenAI, Gemini, OpenRouter or Mistral in the environment, \
                 `backissue models use NAME` sets one up; for others add a [[model]] to {}.",
                settings.config.value.display()
            ),
        };
        anstream::eprintln!("No language model is configured, and none is needed. {}", output::safe(&how));
        for line in noticed.lines() {
            say!("{line}")?;
        }
        return Ok(Outcome::NotThere);
    }
    let mut outcome = Outcome::Fine;
    let mut listed = Vec::new();
    for row in rows {
        let tested = if args.no_test { None } else { Some(test(&settings, row).await) };
        if matches!(tested, Some(Err(_))) {
            outcome = Outcome::Fault;
        }
        if args.json {
            listed.push(as_json(row, &settings, tested.as_ref()));
        } else {
            tell(row, &settings, tested.as_ref())?;
        }
    }
    if args.json {
        output::json(&json!({ "models": listed, "noticed": noticed.as_json() }))?;
    } else if !noticed.is_empty() {
        say!("\nNoticed on this machine; nothing of an article goes to a model that is not configured:")?;
        for line in noticed.lines() {
            say!("  {line}")?;
        }
    }
    Ok(outcome)
}

/// Sends one prompt, counts its cost, and checks the reply with the gate.
///
/// # Errors
/// If the model is not configured well, or does not answer in the requested form.
pub async fn test(settings: &Settings, row: &ModelRow) -> anyhow::Result<Tested> {
    let asker = open::asker(settings, &row.name)?;
    // A model can be tested before there is an archive; then its cost is not counted.
    let store = Store::look_at_existing(&settings.location()?).await?;
    let tested = ask(&asker, store.as_ref()).await;
    if let Some(store) = store {
        store.close().await;
    }
    tested
}

/// Sends the test's prompt to a model. A store counts the cost.
///
/// # Errors
/// If the model does not answer in the requested form.
pub async fn ask(asker: &Asker, store: Option<&Store>) -> anyhow::Result<Tested> {
    let text = drill::article();
    let asking = Asking::about(text, annotate(&text), asker.prompt);
    let asking = asking.ok_or_else(|| {
        anyhow::anyhow!(
            "its `article_characters` are too few for a single sentence; the usual number is 16000"
        )
    })?;
    let began = Instant::now();
    let (reply, spent) = answered(&asker.model, &asking.question(), store).await?;
    let milliseconds = began.elapsed().as_millis();
    let mut readings = Readings::default();
    asking.read(&mut readings, &reply);
    if !readings.have_an_answer() {
        anyhow::bail!(
            "its reply is not of the form that was asked for; choose a larger model, or one that follows a schema"
        );
    }
    let checker = asker.checker.as_ref().unwrap_or(&asker.model);
    let (findings, _) = answered(checker, &drill::question(), store).await?;
    Ok(Tested {
        milliseconds,
        tokens: spent.input_tokens + spent.output_tokens,
        refused: readings.refusals().map(|refusal| refusal.field).collect(),
        can_check: drill::is_passed(&findings),
    })
}

/// The reply to one prompt, with its cost, which is counted.
async fn answered(
    model: &Model,
    question: &Question,
    store: Option<&Store>,
) -> anyhow::Result<(String, Spent)> {
    let prompt = Prompt { system: &question.system, user: &question.user, schema: &question.schema };
    let replied = model.ask(&prompt).await;
    let spent = match &replied {
        Ok(reply) => spent_on(reply.usage),
        Err(_) => Spent { failures: 1, ..Spent::default() },
    };
    if let Some(store) = store {
        store.record_spent(model.name(), spent, Timestamp::now()).await?;
    }
    Ok((replied?.text, spent))
}

fn annotates(row: &ModelRow, settings: &Settings) -> bool {
    settings.annotate_with.value.as_deref() == Some(row.name.as_str())
}

fn as_json(row: &ModelRow, settings: &Settings, tested: Option<&anyhow::Result<Tested>>) -> Value {
    let test = tested.map(|tested| match tested {
        Ok(Tested { milliseconds, tokens, refused, can_check }) => json!({
            "ok": true, "milliseconds": milliseconds, "tokens": tokens, "refused": refused, "can_check": can_check,
        }),
        Err(failure) => json!({ "ok": false, "error": format!("{failure:#}") }),
    });
    json!({
        "name": row.name, "protocol": row.protocol.to_string(), "url": row.shown_url(), "model": row.model,
        "annotates_new_reads": annotates(row, settings), "reads_per_day": row.reads_per_day,
        "tokens_per_day": row.tokens_per_day, "test": test,
    })
}

fn tell(row: &ModelRow, settings: &Settings, tested: Option<&anyhow::Result<Tested>>) -> anyhow::Result<()> {
    let role = if annotates(row, settings) { " (annotates new reads)" } else { "" };
    say!("{STRONG}{}{PLAIN}{role}  {QUIET}{row}{PLAIN}", row.name)?;
    match tested {
        None => {}
        Some(Err(failure)) => say!("  {ALERT}bad{PLAIN} {failure:#}")?,
        Some(Ok(Tested { milliseconds, tokens, refused, can_check })) => {
            let stands = match refused.as_slice() {
                [] => "its answer is accepted".to_owned(),
                ["answer"] => "but its answer does not have the requested form".to_owned(),
                some => format!("the gate refuses {}", some.join(", ")),
            };
            say!("  {GOOD}ok{PLAIN}  answered in {milliseconds} ms with {tokens} tokens; {stands}")?;
            if !can_check {
                say!("  {ALERT}weak{PLAIN}  {CANNOT_CHECK}")?;
            }
        }
    }
    Ok(())
}

async fn refusals(store: &Store, as_json: bool) -> anyhow::Result<Outcome> {
    let reads = store.refusals(REFUSED_READS).await?;
    if as_json {
        let fields = |read: &RefusedRead| -> Vec<Value> {
            let fields = read.refused.iter();
            fields.map(|r| json!({ "field": r.field, "said": r.said, "reason": r.reason })).collect()
        };
        let rows: Vec<Value> = reads
            .iter()
            .map(|read| json!({ "read": read.id.0, "title": read.title, "refused": fields(read) }))
            .collect();
        output::json(&json!({ "refusals": rows }))?;
        return Ok(Outcome::Fine);
    }
    if reads.is_empty() {
        say!("Nothing that a language model wrote was refused.")?;
    }
    for RefusedRead { id, title, refused } in &reads {
        say!("{STRONG}{id}{PLAIN} {}", output::safe(title))?;
        for Refused { field, said, reason } in refused {
            say!("  {field}: “{}”\n    {QUIET}{}{PLAIN}", output::safe(said), output::safe(reason))?;
        }
    }
    Ok(Outcome::Fine)
}

/// The cost of a model per read and per month, as far as it is known.
struct Cost {
    model: String,
    tokens: PerRead,
    /// Dollars per read, if the price is known.
    per_read: Option<f64>,
    /// Dollars per month, if the price and the archive's rhythm are known.
    per_month: Option<f64>,
    price: Option<Price>,
}

async fn usage(store: &Store, settings: &Settings, as_json: bool) -> anyhow::Result<Outcome> {
    let days = store.model_usage(USAGE_ROWS).await?;
    let rhythm = prices::rhythm(store, Timestamp::now()).await?;
    let mut by_model: BTreeMap<&str, Spent> = BTreeMap::new();
    for day in &days {
        let spent = by_model.entry(&day.model).or_default();
        *spent = prices::sum(*spent, day.spent);
    }
    let cost = |(model, spent): (&&str, &Spent)| {
        let row = settings.models.value.iter().find(|row| row.name == *model);
        let price = row.and_then(Price::of);
        let tokens = PerRead::of(spent);
        let per_read = price.as_ref().map(|price| price.per_read(&tokens));
        let per_month = per_read.zip(rhythm).map(|(dollars, weekly)| prices::per_month(dollars, weekly));
        Cost { model: (*model).to_owned(), tokens, per_read, per_month, price }
    };
    let costs: Vec<Cost> = by_model.iter().map(cost).collect();
    if as_json {
        let rows: Vec<Value> = days
            .iter()
            .map(|row| {
                let spent = row.spent;
                json!({
                    "day": row.day, "model": row.model, "reads": spent.reads, "questions": spent.questions,
                    "input_tokens": spent.input_tokens, "output_tokens": spent.output_tokens,
                    "cached_tokens": spent.cached_tokens, "cache_writes": spent.cache_writes,
                    "batch_input_tokens": spent.batch_input_tokens, "batch_output_tokens": spent.batch_output_tokens,
                    "failures": spent.failures,
                })
            })
            .collect();
        let models: Vec<Value> = costs
            .iter()
            .map(|cost| {
                let PerRead { input, output, cached, reads, .. } = cost.tokens;
                json!({
                    "model": cost.model, "mean_of_reads": reads, "input_tokens_per_read": input, "output_tokens_per_read": output,
                    "cached_tokens_per_read": cached, "dollars_per_read": cost.per_read, "dollars_per_month": cost.per_month,
                })
            })
            .collect();
        output::json(&json!({ "usage": rows, "models": models, "reads_per_week": rhythm }))?;
        return Ok(Outcome::Fine);
    }
    if days.is_empty() {
        say!("No language model has been used yet.")?;
        return Ok(Outcome::Fine);
    }
    let head = [
        "day (UTC)", "model", "reads", "questions", "tokens in", "cached", "tokens out", "in batches",
        "failures",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(days.into_iter().map(|row| {
        let Spent { reads, questions, input_tokens, output_tokens, cached_tokens, failures, .. } = row.spent;
        let batched = row.spent.batch_input_tokens + row.spent.batch_output_tokens;
        let counts = [reads, questions, input_tokens, cached_tokens, output_tokens, batched, failures];
        [vec![row.day, row.model], counts.map(|count| count.to_string()).to_vec()].concat()
    }));
    for line in output::columns(&rows) {
        say!("{line}")?;
    }
    for cost in &costs {
        tell_cost(cost, rhythm)?;
    }
    Ok(Outcome::Fine)
}

fn tell_cost(cost: &Cost, rhythm: Option<f64>) -> anyhow::Result<()> {
    let Cost { model, tokens, per_read, per_month, price } = cost;
    let dollars = match (per_read, price) {
        (Some(0.0), Some(price)) => format!("costs nothing ({})", price.origin),
        (Some(per_read), Some(price)) => {
            let month = per_month.zip(rhythm).map_or_else(String::new, |(dollars, weekly)| {
                format!(", {} per month at {weekly:.0} reads a week", money(dollars))
            });
            format!("about {} per read{month} ({})", money(*per_read), price.told())
        }
        _ => "its price is not known; `input_price` and `output_price` in its [[model]] tell it".to_owned(),
    };
    say!("\n{STRONG}{model}{PLAIN}: {dollars}\n  {QUIET}{}{PLAIN}", tokens.told())?;
    Ok(())
}
