//! `backissue models use`: tests a model, tells its price, and writes it into the configuration
//! file.

use std::io::IsTerminal;

use anyhow::{Context, bail, ensure};
use backissue_annotate::asking::PromptVersion;
use backissue_ingest::BUILT_IN;
use backissue_llm::{Listed, LocalServer, ModelError, ServerKind};
use backissue_store::Store;
use jiff::{SignedDuration, Timestamp};
use toml_edit::Value;

use crate::args::UseArgs;
use crate::commands::models::{self, Tested};
use crate::exit::Outcome;
use crate::noticed::{self, Fit, PROVIDERS, Provider};
use crate::output::say;
use crate::prices::{self, PerRead, Price, money};
use crate::rows::ModelRow;
use crate::settings::{Origin, Settings};
use crate::values::{ModelServers, Pause};
use crate::{open, settings_file};

/// Time limit of the test. A server on this machine may have to load the model first.
const TEST_WITHIN: SignedDuration = SignedDuration::from_mins(10);

/// The maximum factor by which a real article takes longer than the article of the test.
const LONGER_THAN_THE_TEST: u128 = 5;

/// A model with fewer bytes of weights than this gets the short prompt.
const SMALL: u64 = 2_500_000_000;

/// A model to use.
struct Choice {
    row: ModelRow,
    /// Whether its table is in the configuration file already.
    is_configured: bool,
}

/// Uses a model, or none, and prints what that means.
pub async fn run(args: UseArgs, settings: Settings) -> anyhow::Result<Outcome> {
    for line in used(&args, &settings).await? {
        say!("{line}")?;
    }
    Ok(Outcome::Fine)
}

/// Uses a model, or none: tests it and writes the configuration file. Returns the lines to print.
pub async fn used(args: &UseArgs, settings: &Settings) -> anyhow::Result<Vec<String>> {
    let path = &settings.config.value;
    let file = settings_file::read(path)?;
    if args.name == BUILT_IN {
        if settings.annotate_with.value.is_none() {
            return Ok(vec!["New reads are annotated without a language model already.".to_owned()]);
        }
        let text = settings_file::with_annotator(&file, BUILT_IN)
            .with_context(|| format!("in {}", path.display()))?;
        if !args.dry_run {
            settings_file::write(path, &text)?;
        }
        let done = "New reads are annotated without a language model. What one wrote stays; `backissue annotate --all` \
                    replaces it.";
        return Ok(vec![done.to_owned(), rest_told(settings, args.dry_run)]);
    }
    let mut choice = choose(args, settings)?;
    // A file that cannot be changed is reported before anything is sent.
    changed(settings, &file, &choice)?;
    let (listed, tested) = try_out(settings, &mut choice).await?;
    ensure!(
        tested.can_check || args.anyway,
        "the test failed, and nothing was written: {}; or add --anyway",
        models::CANNOT_CHECK
    );
    let mut told = vec![test_told(&choice.row, &tested)];
    let price = of_listed(&mut choice.row, listed.as_ref());
    told.push(Costs::of(settings).await?.told(price.as_ref()));
    let goes_to = match listed {
        Some(Listed { is_remote: true, .. }) => {
            "Its server passes the text of each read on to another machine.".to_owned()
        }
        _ if choice.row.is_on_this_machine() => "Nothing leaves this machine.".to_owned(),
        _ => format!("The text of each read goes to {}.", choice.row.url().host_str().unwrap_or_default()),
    };
    let name = choice.row.name.as_str();
    let text = changed(settings, &file, &choice)?;
    if args.dry_run {
        told.push(format!(
            "{goes_to} Nothing was written. Without --dry-run this would be in {}:\n\nannotate_with = {}",
            path.display(),
            Value::from(name)
        ));
        if !choice.is_configured {
            told.push(format!("\n{}", settings_file::table(name, &values(&choice)).trim_end()));
        }
        return Ok(told);
    }
    settings_file::write(path, &text)
        .map_err(|failure| anyhow::anyhow!("{failure:#}; {}", by_hand(&choice)))?;
    told.push(format!("Model `{name}` annotates new reads from now on. {goes_to}"));
    told.push(rest_told(settings, false));
    let former = settings.annotate_with.value.as_deref().filter(|former| *former != name);
    told.push(format!("Undo: {}", noticed::command(former.unwrap_or(BUILT_IN))));
    told.push(format!("Reads that are there already: `backissue annotate --all --model {name}`"));
    Ok(told)
}

/// The configuration file's text with the choice in it.
fn changed(settings: &Settings, file: &str, choice: &Choice) -> anyhow::Result<String> {
    let path = &settings.config.value;
    let text = settings_file::may_be_changed(path)
        .and_then(|()| settings_file::with_model(file, &choice.row.name, &values(choice)));
    text.map_err(|failure| anyhow::anyhow!("{}: {failure:#}; {}", path.display(), by_hand(choice)))
}

/// The lines that a person can write into the configuration file instead.
fn by_hand(choice: &Choice) -> String {
    let name = choice.row.name.as_str();
    let table =
        if choice.is_configured { String::new() } else { settings_file::table(name, &values(choice)) };
    format!(
        "nothing was changed; repair that, or write this by hand:\n\nannotate_with = {}\n\n{table}",
        Value::from(name)
    )
}

/// Finds out which model a name means.
fn choose(args: &UseArgs, settings: &Settings) -> anyhow::Result<Choice> {
    if let Some(variable) = &args.key_env {
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        // A key that was pasted here is not repeated.
        ensure!(
            !variable.is_empty() && variable.len() <= 100 && variable.chars().all(is_name),
            "--key-env takes the name of an environment variable in capitals, for example MODEL_KEY, and not the key itself"
        );
    }
    let configured = settings.models.value.iter().find(|row| row.name == args.name);
    let mut choice = match configured {
        Some(row) => Choice { row: row.clone(), is_configured: true },
        None => Choice { row: named(&args.name, settings)?, is_configured: false },
    };
    let row = &mut choice.row;
    if let Some(url) = &args.url {
        ensure!(
            url.username().is_empty() && url.password().is_none(),
            "--url holds a password; leave it out, and name the variable with the key with --key-env"
        );
        row.url.clone_from(&args.url);
        choice.is_configured = false;
    }
    if let Some(variable) = &args.key_env {
        ensure!(
            row.key.is_none(),
            "model `{}` has its key in the configuration file; take `key` out there first",
            row.name
        );
        row.key_env = Some(variable.clone());
        choice.is_configured = false;
    }
    if args.timeout.is_some() {
        row.timeout = args.timeout;
        choice.is_configured = false;
    }
    if let Some(variable) = row.key_env.as_ref().filter(|variable| !noticed::is_set(variable)) {
        if args.url.is_some() && args.key_env.is_none() && configured.is_none() {
            // Another server need not have keys.
            row.key_env = None;
        } else {
            bail!(
                "the environment variable {variable} is not set, and the key for `{}` is expected there; set it (in a shell: `export \
                 {variable}=…`) and run the command again, or name another with --key-env. `serve` needs it too",
                args.name
            );
        }
    }
    Ok(choice)
}

/// A new row for a name such as `ollama/qwen3:8b`.
pub fn named(name: &str, settings: &Settings) -> anyhow::Result<ModelRow> {
    let (server, model) = name.split_once('/').unwrap_or((name, ""));
    let model = model.trim();
    let ModelServers(servers) = &settings.model_servers.value;
    if let Some(kind) = ServerKind::ALL.into_iter().find(|kind| kind.as_str() == server) {
        ensure!(
            !model.is_empty(),
            "`{server}` needs a model, for example {server}/qwen3:8b; `backissue models` lists those of this machine"
        );
        let usual = LocalServer::usual();
        let at = servers.iter().chain(&usual).find(|server| server.kind == kind);
        let url = at.map(LocalServer::model_url);
        let url = url.filter(|url| *url != kind.protocol().usual_url());
        return Ok(ModelRow { url, ..ModelRow::new(name, kind.protocol(), model) });
    }
    if let Some(Provider { protocol, url, key_env, suggestion, .. }) =
        PROVIDERS.iter().find(|provider| provider.name == server)
    {
        ensure!(!model.is_empty(), "`{server}` needs a model, for example {server}/{suggestion}");
        let url = url.map(|url| url.parse()).transpose()?;
        return Ok(ModelRow {
            url,
            key_env: Some((*key_env).to_owned()),
            ..ModelRow::new(name, *protocol, model)
        });
    }
    let servers = ServerKind::ALL.iter().map(|kind| kind.as_str());
    let known: Vec<&str> = servers.chain(PROVIDERS.iter().map(|provider| provider.name)).collect();
    let configured: Vec<&str> = settings.models.value.iter().map(|row| row.name.as_str()).collect();
    let configured = if configured.is_empty() { "no [[model]]".to_owned() } else { configured.join(", ") };
    bail!(
        "`{name}` is no model; write a server and its model, such as ollama/qwen3:8b or anthropic/claude-haiku-4-5. Servers: {}. \
         The configuration file {} has {configured}. `{BUILT_IN}` is the annotator without a model",
        known.join(", "),
        settings.config.value.display()
    );
}

/// Looks the model up at its server, and tests it. A model whose context is too small for the full
/// prompt is tested with the short one.
async fn try_out(settings: &Settings, choice: &mut Choice) -> anyhow::Result<(Option<Listed>, Tested)> {
    let row = &mut choice.row;
    let patient =
        |row: &ModelRow| ModelRow { timeout: Some(row.timeout.unwrap_or(Pause(TEST_WITHIN))), ..row.clone() };
    let asker = open::asker_of(settings, &patient(row))?;
    let listed = match asker.model.find().await {
        Ok(listed) => listed,
        Err(error) => {
            let others = if matches!(error, ModelError::NotFound { .. }) {
                others(settings, row).await
            } else {
                String::new()
            };
            bail!("{error}{others}; nothing was written");
        }
    };
    if let Some(listed) = &listed {
        ensure!(
            !listed.only_embeds,
            "`{}` only gives embeddings and cannot write; nothing was written",
            row.model
        );
        let (memory, bytes) = (noticed::memory(), listed.bytes.unwrap_or(0));
        if Fit::of(listed, memory) == Fit::TooLarge {
            anstream::eprintln!(
                "The model has {}, and this machine {} of memory. It will be slow, or fail.",
                noticed::gigabytes(bytes),
                memory.map(noticed::gigabytes).unwrap_or_default()
            );
        }
        if !choice.is_configured && row.prompt.is_none() && (1..SMALL).contains(&bytes) {
            row.prompt = Some(PromptVersion::ThreeShort);
        }
    }
    if std::io::stderr().is_terminal() {
        anstream::eprintln!("Testing `{}` with a short invented article …", row.name);
    }
    // A model can be tested before there is an archive; then its cost is not counted.
    let store = Store::look_at_existing(&settings.location()?).await?;
    let mut tested = models::ask(&*open::asker_of(settings, &patient(row))?, store.as_ref()).await;
    let is_too_long =
        |error: &anyhow::Error| error.downcast_ref().is_some_and(ModelError::is_about_the_context);
    if row.prompt.is_none() && tested.as_ref().is_err_and(is_too_long) {
        row.prompt = Some(PromptVersion::ThreeShort);
        choice.is_configured = false;
        tested = models::ask(&*open::asker_of(settings, &patient(row))?, store.as_ref()).await;
    }
    if let Some(store) = store {
        store.close().await;
    }
    let is_slow = |error: &anyhow::Error| matches!(error.downcast_ref(), Some(ModelError::Timeout { .. }));
    let tested = tested.map_err(|error| {
        let longer = if is_slow(&error) { "; `--timeout 30m` gives it longer" } else { "" };
        error.context(format!("the test failed, and nothing was written{longer}"))
    })?;
    ensure!(
        !["problem", "approach", "outcome"].iter().all(|field| tested.refused.contains(field)),
        "the test failed, and nothing was written: no statement of its answer passes the checks; try a larger model"
    );
    let usual = backissue_llm::ModelSettings::new("", row.protocol, "").timeout;
    if row.timeout.is_none() && tested.milliseconds * LONGER_THAN_THE_TEST > usual.as_millis() {
        row.timeout = Some(Pause(TEST_WITHIN));
        choice.is_configured = false;
    }
    Ok((listed, tested))
}

/// The other models of a server on this machine.
async fn others(settings: &Settings, row: &ModelRow) -> String {
    let noticed = noticed::look(settings).await;
    let its = noticed.servers.iter().filter(|running| {
        let url = running.server.model_url();
        url == row.url()
    });
    let names: Vec<String> =
        its.flat_map(|running| running.models.iter().map(|model| running.name_of(model))).collect();
    if names.is_empty() { String::new() } else { format!("; it has {}", names.join(", ")) }
}

/// The price of a model, possibly from the server's list. A price from the list is written into the
/// settings.
fn of_listed(row: &mut ModelRow, listed: Option<&Listed>) -> Option<Price> {
    if let Some(price) = listed.and_then(|listed| listed.price)
        && row.input_price.is_none()
    {
        let per_million = |price: f64| (price * 1e12).round() / 1e6;
        row.input_price = Some(per_million(price.input));
        row.output_price = Some(per_million(price.output));
        row.cached_price = price.cached.map(per_million);
        let mut price = Price::of(row)?;
        price.origin = "as its server lists it".to_owned();
        return Some(price);
    }
    Price::of(row)
}

/// The result of a test, for people.
pub fn test_told(row: &ModelRow, tested: &Tested) -> String {
    let Tested { milliseconds, tokens, refused, can_check } = tested;
    let stands = if refused.is_empty() {
        String::new()
    } else {
        format!(" The checks refused its {}; a larger model does better.", refused.join(", "))
    };
    let prompt =
        if row.prompt == Some(PromptVersion::ThreeShort) { " It gets the short prompt." } else { "" };
    let weak = if *can_check { String::new() } else { format!(" But {}.", models::CANNOT_CHECK) };
    format!("The test is passed: an answer in {milliseconds} ms with {tokens} tokens.{stands}{prompt}{weak}")
}

/// Facts about an archive that decide the cost of a model.
pub struct Costs {
    tokens: PerRead,
    /// Reads per week, if there is an archive.
    weekly: Option<f64>,
}

impl Default for Costs {
    fn default() -> Self {
        Self { tokens: PerRead::of_any(&[]), weekly: None }
    }
}

impl Costs {
    /// The facts for the archive, or an estimate without an archive.
    pub async fn of(settings: &Settings) -> anyhow::Result<Self> {
        let Some(store) = Store::look_at_existing(&settings.location()?).await? else {
            return Ok(Self::default());
        };
        let tokens = PerRead::of_any(&store.model_usage(models::USAGE_ROWS).await?);
        let weekly = prices::rhythm(&store, Timestamp::now()).await?;
        store.close().await;
        Ok(Self { tokens, weekly })
    }

    /// The price per read, and per month at the archive's rhythm.
    pub fn told(&self, price: Option<&Price>) -> String {
        let Some(price) = price else {
            return "Its price is not known. With `input_price` and `output_price` (dollars per million tokens) in its \
                    table, costs are told."
                .to_owned();
        };
        let per_read = price.per_read(&self.tokens);
        if per_read == 0.0 {
            return format!("It costs nothing: {}.", price.origin);
        }
        let month = self.weekly.map_or_else(String::new, |weekly| {
            let month = money(prices::per_month(per_read, weekly));
            format!(" and {month} per month at {weekly:.0} reads a week")
        });
        let (price, tokens) = (price.told(), self.tokens.told());
        format!("It costs about {} per read{month} ({price}; {tokens}).", money(per_read))
    }
}

/// The values for the model's table. Empty if the table exists and needs no change.
fn values(choice: &Choice) -> Vec<(&'static str, Value)> {
    let row = &choice.row;
    if choice.is_configured {
        return Vec::new();
    }
    let mut values: Vec<(&'static str, Value)> =
        vec![("protocol", row.protocol.to_string().into()), ("model", row.model.as_str().into())];
    let texts = [
        ("url", row.url.as_ref().map(ToString::to_string)),
        ("key_env", row.key_env.clone()),
        ("prompt", (row.prompt == Some(PromptVersion::ThreeShort)).then(|| "short".to_owned())),
        ("timeout", row.timeout.map(|timeout| timeout.to_string())),
    ];
    values.extend(texts.into_iter().filter_map(|(key, value)| Some((key, value?.into()))));
    let prices = [
        ("input_price", row.input_price),
        ("output_price", row.output_price),
        ("cached_price", row.cached_price),
    ];
    values.extend(prices.into_iter().filter_map(|(key, price)| Some((key, price?.into()))));
    values
}

/// A message about where the setting is, and whether another setting overrides it.
fn rest_told(settings: &Settings, is_dry: bool) -> String {
    let path = settings.config.value.display();
    if is_dry {
        format!("Nothing was written to {path}, because of --dry-run.")
    } else if matches!(settings.annotate_with.origin, Origin::Environment(_) | Origin::Flag(_)) {
        format!("{path} was changed, but {} overrules it.", settings.annotate_with.origin)
    } else {
        format!("{path} was changed. A running `serve` follows it from its next start.")
    }
}
