//! `backissue models`: the configured language models, a test of each, and their cost.

use std::time::Instant;

use backissue_annotate::asking::{Asking, Readings};
use backissue_annotate::{Text, annotate};
use backissue_ingest::Asker;
use backissue_llm::Prompt;
use backissue_store::{Refused, RefusedRead, Spent, Store};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::args::ModelsArgs;
use crate::exit::Outcome;
use crate::output::{self, ALERT, GOOD, PLAIN, QUIET, STRONG};
use crate::settings::{ModelRow, Settings};
use crate::{open, say};

/// Maximum rows of days and models: three months of a few models.
const USAGE_ROWS: u32 = 400;
/// Maximum reads whose refusals are listed.
const REFUSED_READS: u32 = 100;

/// A short invented article for the test, with a problem, an approach and an outcome.
const TITLE: &str = "A lock for every job";
const TEXT: &str = "Acme's nightly import failed whenever two jobs waited for the same lock. The team gave each job \
a separate lock. Since then the import has not failed once, and it takes 12 minutes instead of 40.";

/// The result of a test.
struct Tested {
    milliseconds: u128,
    tokens: u64,
    refused: Vec<&'static str>,
}

/// Lists the models, their cost, or what was refused of their replies.
pub async fn run(args: ModelsArgs, settings: Settings) -> anyhow::Result<Outcome> {
    if args.usage {
        return usage(&open::store(&settings).await?, args.json).await;
    }
    if args.refusals {
        return refusals(&open::store(&settings).await?, args.json).await;
    }
    let rows = &settings.models.value;
    if rows.is_empty() && !args.json {
        anstream::eprintln!(
            "No language model is configured, and none is needed. To use one, add a [[model]] to {}: name, protocol \
             (openai, anthropic, gemini), model, and url or key_env.",
            settings.config.value.display()
        );
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
        output::json(&json!({ "models": listed }))?;
    }
    Ok(outcome)
}

/// Sends one prompt, counts its cost, and checks the reply with the gate.
async fn test(settings: &Settings, row: &ModelRow) -> anyhow::Result<Tested> {
    let asker = open::asker(settings, &row.name)?;
    // A model can be tested before there is an archive; then its cost is not counted.
    let store = Store::look_at_existing(&settings.location()?).await?;
    let tested = ask(&asker, store.as_ref()).await;
    if let Some(store) = store {
        store.close().await;
    }
    tested
}

async fn ask(asker: &Asker, store: Option<&Store>) -> anyhow::Result<Tested> {
    let text = Text::plain(TITLE, TEXT, "Acme");
    let asking = Asking::about(text, annotate(&text), asker.prompt);
    let asking = asking.ok_or_else(|| {
        anyhow::anyhow!(
            "its `article_characters` are too few for a single sentence; the usual number is 16000"
        )
    })?;
    let question = asking.question();
    let prompt = Prompt { system: &question.system, user: &question.user, schema: &question.schema };
    let began = Instant::now();
    let answered = asker.model.ask(&prompt).await;
    let spent = match &answered {
        Ok(reply) => Spent {
            questions: 1,
            input_tokens: reply.usage.input_tokens,
            output_tokens: reply.usage.output_tokens,
            ..Spent::default()
        },
        Err(_) => Spent { failures: 1, ..Spent::default() },
    };
    if let Some(store) = store {
        store.record_spent(asker.name(), spent, Timestamp::now()).await?;
    }
    let mut readings = Readings::default();
    asking.read(&mut readings, &answered?.text);
    if !readings.have_an_answer() {
        anyhow::bail!(
            "its reply is not of the form that was asked for; choose a larger model, or one that follows a schema"
        );
    }
    Ok(Tested {
        milliseconds: began.elapsed().as_millis(),
        tokens: spent.input_tokens + spent.output_tokens,
        refused: readings.refusals().map(|refusal| refusal.field).collect(),
    })
}

fn annotates(row: &ModelRow, settings: &Settings) -> bool {
    settings.annotate_with.value.as_deref() == Some(row.name.as_str())
}

fn as_json(row: &ModelRow, settings: &Settings, tested: Option<&anyhow::Result<Tested>>) -> Value {
    let test = tested.map(|tested| match tested {
        Ok(Tested { milliseconds, tokens, refused }) => {
            json!({ "ok": true, "milliseconds": milliseconds, "tokens": tokens, "refused": refused })
        }
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
        Some(Ok(Tested { milliseconds, tokens, refused })) => {
            let stands = match refused.as_slice() {
                [] => "its answer is accepted".to_owned(),
                ["answer"] => "but its answer does not have the requested form".to_owned(),
                some => format!("the gate refuses {}", some.join(", ")),
            };
            say!("  {GOOD}ok{PLAIN}  answered in {milliseconds} ms with {tokens} tokens; {stands}")?;
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

async fn usage(store: &Store, as_json: bool) -> anyhow::Result<Outcome> {
    let days = store.model_usage(USAGE_ROWS).await?;
    if as_json {
        let rows: Vec<Value> = days
            .iter()
            .map(|row| {
                let Spent { reads, questions, input_tokens, output_tokens, failures } = row.spent;
                json!({
                    "day": row.day, "model": row.model, "reads": reads, "questions": questions, "input_tokens": input_tokens,
                    "output_tokens": output_tokens, "failures": failures,
                })
            })
            .collect();
        output::json(&json!({ "usage": rows }))?;
        return Ok(Outcome::Fine);
    }
    if days.is_empty() {
        say!("No language model has been used yet.")?;
        return Ok(Outcome::Fine);
    }
    let head = ["day (UTC)", "model", "reads", "questions", "tokens in", "tokens out", "failures"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(days.into_iter().map(|row| {
        let Spent { reads, questions, input_tokens, output_tokens, failures } = row.spent;
        let counts = [reads, questions, input_tokens, output_tokens, failures].map(|count| count.to_string());
        [vec![row.day, row.model], counts.to_vec()].concat()
    }));
    for line in output::columns(&rows) {
        say!("{line}")?;
    }
    Ok(Outcome::Fine)
}
