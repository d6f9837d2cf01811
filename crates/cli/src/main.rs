//! The binary `backissue`: commands, configuration, wiring, progress bars.
//!
//! Each command is a file in `commands/`. This crate has no SQL, sends no HTTP requests, and
//! decides nothing about reads. It parses the command line, opens the other crates with the
//! settings in force, and prints.

mod args;
mod commands;
mod exit;
mod figures;
mod noticed;
mod open;
mod operator;
mod output;
mod own_markdown;
mod prices;
mod progress;
mod recipients;
mod rows;
mod schemas;
mod settings;
mod settings_file;
mod signals;
mod supervisor;
mod text;
mod values;

use std::process::ExitCode;

use backissue_model::Mark;
use clap::FromArgMatches;

use args::{Arguments, Command, ModelsAction, ModelsArgs, command_line};
use settings::Settings;
use values::LogFormat;

fn main() -> ExitCode {
    let matches = command_line().get_matches();
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(wrong_use) => wrong_use.exit(),
    };
    let outcome = Settings::resolve(&matches).map_err(anyhow::Error::from).and_then(|settings| {
        start_log(&settings, &arguments.command);
        let runtime = tokio::runtime::Runtime::new()?;
        let outcome = runtime.block_on(run(arguments.command, settings));
        // Abandoned blocking work must not delay the exit.
        runtime.shutdown_background();
        outcome
    });
    exit::code(outcome)
}

async fn run(command: Command, settings: Settings) -> anyhow::Result<exit::Outcome> {
    match command {
        Command::Serve(args) => commands::serve::run(args, settings).await,
        Command::Work(args) => commands::work::run(args, settings).await,
        Command::Sync(args) => commands::sync::run(args, settings).await,
        Command::Follow(args) => commands::follow::run(args, settings).await,
        Command::Backfill(args) => commands::backfill::run(args, settings).await,
        Command::Source(args) => commands::source::run(args, settings).await,
        Command::Unfollow(args) => commands::unfollow::run(args, settings).await,
        Command::Starter(args) => commands::starter::run(&args, &settings),
        Command::Sources(args) => commands::sources::run(args, settings).await,
        Command::Import(args) => commands::opml::import(args, settings).await,
        Command::Export(args) => commands::opml::export(args, settings).await,
        Command::Weeks(args) => commands::weeks::run(args, settings).await,
        Command::Week(args) => commands::week::run(args, settings).await,
        Command::Show(args) => commands::show::run(args, settings).await,
        Command::Save(args) => commands::reader::save(args, settings).await,
        Command::Keep(args) => commands::reader::mark(args, Mark::Keep, settings).await,
        Command::Done(args) => commands::reader::mark(args, Mark::Done, settings).await,
        Command::Note(args) => commands::reader::note(args, settings).await,
        Command::Reader(args) => commands::login::run(args, settings).await,
        Command::Token(args) => commands::token::run(args, settings).await,
        Command::Webhook(args) => commands::webhook::run(args, settings).await,
        Command::Correct(args) => commands::correct::run(args, settings).await,
        Command::Withdraw(args) => commands::withdraw::run(args, settings).await,
        Command::Merge(args) => commands::withdraw::merge(args, settings).await,
        Command::Shelf(args) => commands::reader::shelf(args, settings).await,
        Command::Find(args) => commands::find::run(args, settings).await,
        Command::Schema(args) => commands::schema::run(&args),
        Command::Searches(args) => commands::searches::run(args, settings).await,
        Command::PriorArt(args) => commands::prior_art::run(args, settings).await,
        Command::Reindex(args) => commands::reindex::run(args, settings).await,
        Command::Inspect(args) => commands::inspect::run(args.what),
        Command::Annotate(args) => commands::annotate::run(args, settings).await,
        Command::Models(ModelsArgs { action: Some(ModelsAction::Use(args)), .. }) => {
            commands::use_model::run(args, settings).await
        }
        Command::Models(args) => commands::models::run(args, settings).await,
        Command::Mcp(args) => commands::mcp::run(args, settings).await,
        Command::Send(args) => commands::send::run(args, settings).await,
        Command::Publish(args) => commands::publish::run(args, settings).await,
        Command::Backup(args) => commands::backup::backup(args, settings).await,
        Command::Prune(args) => commands::prune::run(args, settings).await,
        Command::Restore(args) => commands::backup::restore(args, settings).await,
        Command::Copy(args) => commands::copy::run(args).await,
        Command::Health(args) => commands::health::run(args, &settings).await,
        Command::Doctor(args) => commands::doctor::run(args, settings).await,
        Command::Config(args) => commands::config::run(&args, &settings),
        Command::Help(args) => commands::help::run(&args),
    }
}

fn start_log(settings: &Settings, command: &Command) {
    use std::io::IsTerminal;
    use tracing_subscriber::EnvFilter;

    // Commands with a progress display do not log by default. A server without a terminal does, for
    // the system's journal.
    let quiet = if matches!(command, Command::Serve(_) | Command::Work(_)) && !std::io::stderr().is_terminal()
    {
        "info"
    } else {
        "error"
    };
    let usual = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|filter| !filter.is_empty());
    let wanted = settings.log.value.clone().or(usual);
    let filter = EnvFilter::try_new(wanted.as_deref().unwrap_or(quiet));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter.unwrap_or_else(|_| EnvFilter::new(quiet)))
        .with_writer(std::io::stderr)
        .with_target(false);
    match settings.log_format.value {
        LogFormat::Json => {
            output::tell_as_json();
            log.json().flatten_event(true).with_span_list(false).init();
        }
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
    }
}
