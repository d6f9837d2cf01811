//! The command line's arguments.

use std::net::SocketAddr;
use std::path::PathBuf;

use backissue_model::{
    Days, Event, Form, Kind, Label, Limit, ReadField, ReadId, ReaderName, Role, Scope, SearchName, TokenName,
    Week,
};
use backissue_store::Location;
use clap::{Args, CommandFactory, Parser, Subcommand};
use url::Url;

use crate::values::{JsonFormat, Pause, Size};
use crate::{exit, settings, values};

/// Every engineering read, week by week, problem first.
#[derive(Debug, Parser)]
#[command(
    name = "backissue",
    version,
    about,
    long_about = "Backissue follows engineering blogs and keeps an archive of their articles, week by week: for each it says which \
                  problem it is about.\n\nBegin with `backissue serve`, or without a network with `backissue serve --demo`.",
    after_help = exit::HELP,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Arguments {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The remark about settings in the help of all commands.
const ON_SETTINGS: &str =
    "Settings such as --data DIR can follow every command: `backissue help settings` lists them.";

/// The command line. The help of a command lists its own flags; `backissue help settings` lists the
/// settings.
pub fn command_line() -> clap::Command {
    let mut line = Arguments::command().args(settings::flags().into_iter().map(|flag| flag.hide(true)));
    let names: Vec<String> = line.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    for name in names {
        line = line.mut_subcommand(name, with_note_on_settings);
    }
    with_note_on_settings(line)
}

fn with_note_on_settings(command: clap::Command) -> clap::Command {
    let after = command.get_after_help().map(|text| format!("{text}\n\n")).unwrap_or_default();
    command.after_help(format!("{after}{ON_SETTINGS}"))
}

/// The settings as a command, to print its help.
pub fn settings_help() -> clap::Command {
    clap::Command::new("backissue COMMAND")
        .next_help_heading("Settings (also in the configuration file and as environment variables)")
        .args(settings::flags())
        .about("Settings, which can follow every command")
        .after_help(
            "Each can also be set in the configuration file (names with _ for -) and as the environment variable in \
             brackets. A flag wins over a variable, and a variable over the file. `backissue config` prints those in force.",
        )
        .disable_help_flag(true)
        .max_term_width(100)
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the archive's pages and follow its sources
    #[command(after_help = "Example:\n  backissue serve --listen 127.0.0.1:7878\n  backissue serve --demo")]
    Serve(ServeArgs),
    /// Follow the sources without serving pages, beside any number of other processes
    #[command(
        after_help = "Example:\n  backissue work --database postgres://me@db/reads\n  backissue work --monitor 127.0.0.1:7879\n\nOn \
                      PostgreSQL any number of `work` and `serve` can run, on one machine or several. They share the pauses of \
                      hosts, and take over the work of one that dies. Pages come from `backissue serve --no-fetch`."
    )]
    Work(WorkArgs),
    /// Fetch now: poll every source, get every read, then print the result
    #[command(
        after_help = "Example:\n  backissue sync\n  backissue sync --json | jq .reads_new\n\nIf a `serve` works on the archive, it \
                      fetches now, and its progress is shown here."
    )]
    Sync(JsonArgs),
    /// Follow a blog, by the address of its feed or its site
    #[command(
        after_help = "Example:\n  backissue follow https://vitess.io/blog/\n  backissue follow --group databases-and-streaming"
    )]
    Follow(FollowArgs),
    /// Get what sources published before they were followed
    #[command(
        after_help = "Example:\n  backissue backfill --dry-run vitess-blog\n  backissue backfill --since 2024-01-01 vitess-blog\n\nWhat \
                      an article's address looks like is learned from the feed; --dry-run explains it. A running `serve` does the \
                      work in the background; without one this command does it, and whatever else is due."
    )]
    Backfill(BackfillArgs),
    /// Stop following a source
    #[command(
        after_help = "Example:\n  backissue unfollow vitess-blog\n  backissue unfollow --keep-reads vitess-blog"
    )]
    Unfollow(UnfollowArgs),
    /// Rename a followed source, put it in a group, pause or resume it
    #[command(
        after_help = "Example:\n  backissue source vitess-blog --title Vitess --company PlanetScale\n  backissue source vitess-blog \
                      --group Databases\n  backissue source vitess-blog --pause\n\nIts reads and its name in addresses \
                      stay. Without a change its health is shown."
    )]
    Source(SourceArgs),
    /// The starter list: groups of blogs to follow
    #[command(after_help = "Example:\n  backissue starter\n  backissue starter open-source-projects")]
    Starter(StarterArgs),
    /// The sources that are followed, and how they are doing
    #[command(
        after_help = "Example:\n  backissue sources --troubled\n  backissue sources --health\n  backissue sources --health --json | jq \
                      '.[].told.next'\n\nA source is polled again after a tenth of the usual time between two of its reads: not sooner \
                      than the setting `poll_every`, and later, up to a day, if its server or its feed demand it."
    )]
    Sources(SourcesArgs),
    /// Follow every feed of an OPML file, import your own data, or saved links from other programs
    #[command(
        after_help = "Example:\n  backissue import subscriptions.opml\n  backissue import mine.json\n  backissue import vault/reads\n  backissue import \
                      part_000000.csv\n\nThe form is recognised: OPML; what `export --mine` wrote, as JSON or a folder of Markdown; saved links from Pocket (CSV, HTML), \
                      Instapaper (CSV), Readwise Reader (CSV), Wallabag (JSON) and Omnivore (JSON). A saved link becomes a page of the source \"Saved\", which the next \
                      `sync` fetches: kept, or done if it was archived, with its labels and dates.\n\nWhat `export --mine` wrote is added to the reads of an \
                      archive: import its feeds and run `sync` first. Nothing is overwritten, and the same file twice changes nothing. Reads that the \
                      archive does not have are listed, and what exceeds a limit: 100,000 characters of a note, 20 labels of a read."
    )]
    Import(ImportArgs),
    /// Write the followed feeds as OPML, your own data as JSON, or corrected reads as labels
    #[command(
        after_help = "Example:\n  backissue export --opml > subscriptions.opml\n  backissue export --mine mine.json\n  backissue export --mine vault/reads --markdown\n  backissue export --corrections labels.jsonl\n\n`--mine` \
                      writes marks, notes, labels, highlights, answers and corrections; `backissue import` takes them in, in this archive or another one, on either \
                      database. `--corrections` writes a line per read with a corrected précis, in the form of eval/precis.jsonl."
    )]
    Export(ExportArgs),
    /// Every week with reads, and their number
    #[command(after_help = "Example:\n  backissue weeks --year 2026")]
    Weeks(WeeksArgs),
    /// The reads of one week, problem first; the newest week by default
    #[command(
        after_help = "Example:\n  backissue week 2026-W20\n  backissue week 2026-W20 --markdown > week.md\n  backissue week --kind incident --json"
    )]
    Week(WeekArgs),
    /// One read: its problem, the evidence, and the article
    #[command(
        after_help = "Example:\n  backissue show 42\n  backissue show 42 --json | jq .precis.problem.text"
    )]
    Show(ShowArgs),
    /// Save any page: it becomes a read of the source "Saved", on your shelf
    #[command(
        after_help = "Example:\n  backissue save https://blog.example.com/an-article\n\nA running `serve` or the next `sync` fetches it, by the \
                      same rules as every other page."
    )]
    Save(SaveArgs),
    /// Keep reads on your shelf
    #[command(after_help = "Example:\n  backissue keep 42 57\n  backissue keep --not 42")]
    Keep(MarkArgs),
    /// Mark reads as done
    #[command(after_help = "Example:\n  backissue done 42\n  backissue done --not 42")]
    Done(MarkArgs),
    /// Print your note on a read, or write it
    #[command(
        after_help = "Example:\n  backissue note 42\n  backissue note 42 'We had **this** too.'\n  backissue note 42 --replace - < note.md"
    )]
    Note(NoteArgs),
    /// Correct what the archive says about a read
    #[command(
        after_help = "Example:\n  backissue correct 42 --problem 'Deploys emptied the cache.' --kind incident\n  backissue correct 42 --outcome ''\n  \
                      backissue correct 42 --undo\n  backissue correct 42 --undo=problem,kind\n\nA correction is shown as a person's, counts as sure, and stays \
                      when the article is fetched or annotated again. Without a change the read's corrections are printed, with what the program says."
    )]
    Correct(CorrectArgs),
    /// Hide reads from everybody, or show them again; without reads, list the hidden ones
    #[command(
        after_help = "Example:\n  backissue withdraw 42\n  backissue withdraw --not 42\n  backissue withdraw\n\nA hidden read leaves all lists, feeds and \
                      the search, and its feed does not bring it back. What was written about it stays."
    )]
    Withdraw(WithdrawArgs),
    /// Merge two reads that are the same article
    #[command(
        after_help = "Example:\n  backissue merge 42 57\n\nThe read that the archive has had longer stays, with its text. It gets the addresses, sources, \
                      marks, notes, labels, answers and corrections of the other one. This cannot be undone."
    )]
    Merge(MergeArgs),
    /// The reads you keep, with notes, highlights and labels, last kept first
    #[command(
        after_help = "Example:\n  backissue shelf --label interview\n  backissue shelf --markdown > shelf.md\n  backissue shelf --json | jq '.[].note'"
    )]
    Shelf(ShelfArgs),
    /// Readers, their passwords and roles, for pages that others can reach
    #[command(
        after_help = "Example:\n  backissue reader password\n  pass show backissue | backissue reader password\n  backissue reader password --remove\n  \
                      backissue reader add anna\n  backissue reader list\n\nA new password ends all sessions of its reader. A running `serve` knows it at once. With \
                      the setting readers = \"several\" each reader logs in with a name."
    )]
    Reader(ReaderArgs),
    /// Tokens, with which programs, agents and reader apps act for a reader
    #[command(
        after_help = "Example:\n  backissue token add phone --scope write\n  backissue token add nightly-report --days 90\n  backissue token list\n  \
                      backissue token remove phone\n\nA program sends it as `Authorization: Bearer TOKEN`. A running `serve` knows a new or removed token at once."
    )]
    Token(TokenArgs),
    /// Webhooks: programs elsewhere that are told what happens
    #[command(
        after_help = "Example:\n  backissue webhook add https://hooks.example.com/backissue --event read.annotated --event source.failing\n  \
                      backissue webhook list\n\nMessages are signed as standardwebhooks.com says. A running `serve` or `work` \
                      delivers them. docs/API.md has their contents."
    )]
    Webhook(WebhookArgs),
    /// The reads that answer a question in your own words, best first
    #[command(
        after_help = "Example:\n  backissue find one customer slows everyone down\n  backissue find 'kind:incident after:2024 cache' --limit 5\n  \
                      backissue find '\"connection pool\" -mysql company:vitess' --json\n\nWords are optional; reads that say it in other words are found \
                      too. \"Phrases\" must be there, -words must not. Filters: company: concept: tech: kind: form: source: week: \
                      before: after: is: (unread, kept, done, noted, hidden) label:. Without words the newest reads come first. Put `--` before a question that begins with -."
    )]
    Find(FindArgs),
    /// Your saved searches, each with its new answers
    #[command(
        after_help = "Example:\n  backissue searches\n  backissue searches add 'retry storms' 'who had retry storms after:2026'\n  \
                      backissue searches add outages kind:incident --to team\n  backissue searches rename outages incidents\n  \
                      backissue searches remove incidents\n\nA read is a new answer if the archive saw it after the search was saved and it is \
                      close enough: docs/DIGESTS.md tells the rule. A running `serve` sends new answers at once to the recipient of --to."
    )]
    Searches(SearchesArgs),
    /// Who had a problem, what each did, and the outcome, grouped by approach
    #[command(
        after_help = "Example:\n  backissue prior-art one customer slows everyone down\n  backissue prior-art 'cache stampede' --markdown >> design.md"
    )]
    PriorArt(PriorArtArgs),
    /// Serve the archive to an agent by the Model Context Protocol, on standard input and output
    #[command(
        after_help = "Example:\n  claude mcp add backissue -- backissue mcp\n  backissue mcp --write\n\nThe agent starts the command; \
                      by hand it only waits for the protocol on standard input. docs/AGENTS.md has the configuration of the usual agents."
    )]
    Mcp(McpArgs),
    /// Rebuild the search index from the archive; the old one stays in use meanwhile
    #[command(
        after_help = "Example:\n  backissue reindex\n\nIt is hardly ever needed: the index follows the archive by itself, and a \
                      missing one is rebuilt."
    )]
    Reindex(JsonArgs),
    /// Print what the program reads in one document: a feed, a page, a précis
    #[command(
        after_help = "Example:\n  backissue inspect feed feed.xml --url https://example.com/feed.xml\n  backissue inspect page *.html"
    )]
    Inspect(InspectArgs),
    /// Annotate reads again, with the built-in annotator or a language model
    #[command(
        after_help = "Example:\n  backissue annotate --since 2026-W20 --model local\n  backissue annotate --all --batch --model anthropic/claude-haiku-4-5\n  \
                      backissue annotate 42 43\n\nWithout --model, it uses the \
                      model of the setting `annotate_with`, else the built-in annotator. A read's former précis stays until the new \
                      one is in; marks and notes are never changed.\n\n--batch waits for the model's server, up to a day. It can be stopped: the \
                      same command fetches the answers later."
    )]
    Annotate(AnnotateArgs),
    /// The configured language models, each tested with one question
    #[command(
        after_help = "Example:\n  backissue models\n  backissue models use ollama/qwen3:8b\n  backissue models use anthropic/claude-haiku-4-5\n  \
                      backissue models --usage\n  backissue models --refusals\n\nIt also tells which model servers run on this \
                      machine, and which keys are in the environment. Nothing of an article is sent to them before `models use`."
    )]
    Models(ModelsArgs),
    /// Send a week to a recipient by mail or chat; without one, list the recipients
    #[command(
        after_help = "Example:\n  backissue send\n  backissue send --to team --week 2026-W20 --dry-run\n  backissue send --to team\n\n\
                      Recipients are the [[recipient]] tables of the configuration file; docs/DIGESTS.md describes them. Subscribers and \
                      readers with a digest by mail are listed too, and --to takes one of them, as in `--to reader/2`. A running \
                      `serve` sends by itself to those with a `weekday`. A week is sent to a recipient once; --again sends it once more."
    )]
    Send(SendArgs),
    /// Publish the archive as a static site: files that any web server, GitHub Pages or an object
    /// store serves
    #[command(
        after_help = "Example:\n  backissue publish site --base-url https://example.github.io/archive/\n  backissue publish site --articles\n\n\
                      The folder is made, or is empty, or has a site of before: then only what changed is written, and what is gone is \
                      removed. Files of others are never touched. Without --base-url there are no feeds, no sitemap and no share \
                      pictures. Publish whole articles only if their publishers allow it. docs/PUBLISHING.md tells how to serve the folder."
    )]
    Publish(PublishArgs),
    /// Write the archive into one file, also while `serve` runs
    #[command(
        after_help = "Example:\n  backissue backup /mnt/backups/reads-2026-05-17.sqlite\n\nThe file has everything but the search index, \
                      cached images and the configuration. An archive on PostgreSQL is backed up with pg_dump; then this prints how, and \
                      whether it can work."
    )]
    Backup(BackupArgs),
    /// Remove old articles, as the limits say
    #[command(
        after_help = "Example:\n  backissue prune --dry-run --keep-articles 2y\n\nOnly the HTML of articles goes. What the archive says of \
                      them, their text for the search, marks, notes and links stay; so does each article that somebody keeps, noted, \
                      labelled, highlighted, answered, rated or corrected. `serve` and `work` do the same once a day. Limits are the settings \
                      keep_articles and keep_articles_size, and those of a source: `backissue source NAME --articles-for 90d`."
    )]
    Prune(PruneArgs),
    /// Make an archive of a backup
    #[command(
        after_help = "Example:\n  backissue restore /mnt/backups/reads-2026-05-17.sqlite --data /var/lib/backissue\n\nNothing is \
                      overwritten, and a damaged file is refused."
    )]
    Restore(RestoreArgs),
    /// Copy a whole archive into another database, such as from SQLite to PostgreSQL
    #[command(
        after_help = "Example:\n  backissue copy --from sqlite:/var/lib/backissue/archive.sqlite --to postgres://me@db/reads\n  backissue \
                      copy --from postgres://me@db/reads --to sqlite:reads.sqlite\n\nEach row is compared afterwards. After an interruption \
                      the same command goes on."
    )]
    Copy(CopyArgs),
    /// Ask a running process on this machine whether it is alive
    #[command(
        after_help = "Example:\n  backissue health\n  backissue health --ready 127.0.0.1:7879\n\nFor containers and scripts without an \
                      HTTP client: exit code 0 if it is. Without an address, the setting `listen` names it."
    )]
    Health(HealthArgs),
    /// Check the data folder, the database, the search index, the clock and the network
    #[command(
        after_help = "Example:\n  backissue doctor\n  backissue doctor --retry\n  backissue doctor --deep /mnt/backups/reads.sqlite"
    )]
    Doctor(DoctorArgs),
    /// What --json prints, as JSON Schema
    #[command(
        after_help = "Example:\n  backissue schema\n  backissue schema token list\n  backissue schema 'sources --health'\n\nThe number at the end of `$id` grows if a \
                      field goes or changes its meaning. New fields leave it."
    )]
    Schema(SchemaArgs),
    /// The settings in force and where each comes from
    #[command(after_help = "Example:\n  backissue config\n  backissue config --json")]
    Config(JsonArgs),
    /// Help on a command, or on the settings
    #[command(after_help = "Example:\n  backissue help follow\n  backissue help settings")]
    Help(HelpArgs),
}

/// Arguments of `help`.
#[derive(Debug, Args)]
pub struct HelpArgs {
    /// A command, or `settings`
    pub topic: Vec<String>,
}

/// Arguments of commands that only choose their output format.
#[derive(Debug, Args)]
pub struct JsonArgs {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// How commands print a list that can be long.
#[derive(Debug, Args)]
pub struct ListFormat {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Print `json`, or `ndjson`: a line of JSON per item
    #[arg(long, value_name = "FORMAT", conflicts_with = "json")]
    pub format: Option<JsonFormat>,
}

impl ListFormat {
    /// The form of JSON to print. `None` for text.
    pub fn json(&self) -> Option<JsonFormat> {
        self.format.or_else(|| self.json.then_some(JsonFormat::Json))
    }
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// The command with its flags in quotation marks, such as 'sources --health'
    pub command: Vec<String>,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Follow blogs of six invented companies inside this process, in a temporary data folder;
    /// needs no network
    #[arg(long)]
    pub demo: bool,
    /// Serve the archive without fetching anything
    #[arg(long, conflicts_with = "demo")]
    pub no_fetch: bool,
}

/// Arguments of `backup`.
#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The file to write
    pub file: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `prune`.
#[derive(Debug, Args)]
pub struct PruneArgs {
    /// Only say what would go
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `restore`.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// A file that `backup` wrote
    pub file: PathBuf,
}

/// Arguments of `copy`.
#[derive(Debug, Args)]
pub struct CopyArgs {
    /// The archive to copy, as sqlite:FILE or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "URL", value_parser = values::database)]
    pub from: Location,
    /// An empty database, or a file that does not exist
    #[arg(long, value_name = "URL", value_parser = values::database)]
    pub to: Location,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `health`.
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// The address of the process
    pub address: Option<SocketAddr>,
    /// Ask whether it is ready: whether its database answers and has all tables
    #[arg(long)]
    pub ready: bool,
}

/// Arguments of `work`.
#[derive(Debug, Args)]
pub struct WorkArgs {
    /// Where to serve `/healthz`, `/readyz` and `/metrics`; nowhere by default
    #[arg(long, value_name = "ADDRESS", value_parser = values::listen_address)]
    pub monitor: Option<SocketAddr>,
}

/// Arguments of `follow`.
#[derive(Debug, Args)]
pub struct FollowArgs {
    /// The address of the feed or the site
    #[arg(required_unless_present = "group", conflicts_with = "group", value_parser = values::web_address)]
    pub url: Option<Url>,
    /// The blog's title, instead of the feed's own
    #[arg(long, requires = "url")]
    pub title: Option<String>,
    /// The company behind the blog, as statements name it; the title by default
    #[arg(long, requires = "url")]
    pub company: Option<String>,
    /// The number of the feed to follow, if the site has several
    #[arg(long, requires = "url", value_name = "NUMBER", value_parser = values::whole::<usize>(1, 999))]
    pub pick: Option<usize>,
    /// Also get what was published before, at the next sync or by a running `serve`
    #[arg(long)]
    pub backfill: bool,
    /// Follow every blog of this group of the starter list
    #[arg(long, value_name = "GROUP")]
    pub group: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `backfill`.
#[derive(Debug, Args)]
pub struct BackfillArgs {
    /// The sources' names as listed by `backissue sources`, or their feeds' addresses; all by
    /// default
    #[arg(value_name = "SOURCE")]
    pub sources: Vec<String>,
    /// Skip what is certainly older than this day
    #[arg(long, value_name = "DAY", value_parser = values::day)]
    pub since: Option<jiff::civil::Date>,
    /// Maximum new reads per source, the newest of each list
    #[arg(long, value_name = "N", value_parser = values::whole::<u64>(1, u64::MAX))]
    pub limit: Option<u64>,
    /// Only print what would be fetched, and why; requests sitemaps and lists, stores nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `unfollow`.
#[derive(Debug, Args)]
pub struct UnfollowArgs {
    /// The source's name as listed by `backissue sources`, or its feed's address
    pub source: String,
    /// Keep all of its reads; by default only those stay that somebody keeps, noted, labelled,
    /// highlighted, answered, rated or corrected, or that have another source
    #[arg(long)]
    pub keep_reads: bool,
    /// Do not ask for confirmation
    #[arg(long, short)]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `source`.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// The source's name as listed by `backissue sources`, or its feed's address
    pub source: String,
    /// Its title; empty for the feed's own title
    #[arg(long)]
    pub title: Option<String>,
    /// The company behind it; empty for the one in the title
    #[arg(long)]
    pub company: Option<String>,
    /// Its group in lists and in OPML; empty for none
    #[arg(long)]
    pub group: Option<String>,
    /// How long after publication its articles stay, such as 90d, 26w or 2y; unlimited; or default
    /// for the archive's own limit
    #[arg(long = "articles-for", value_name = "AGE")]
    pub keep: Option<Limit<Days>>,
    /// How much its articles may take, such as 500 MB, before the oldest go; unlimited; or default
    #[arg(long = "articles-up-to", value_name = "SIZE")]
    pub keep_size: Option<Limit<Size>>,
    /// Keep its reads, but do not poll it
    #[arg(long, conflicts_with = "resume")]
    pub pause: bool,
    /// Poll it again
    #[arg(long)]
    pub resume: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `starter`.
#[derive(Debug, Args)]
pub struct StarterArgs {
    /// List the blogs of this group
    pub group: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `sources`.
#[derive(Debug, Args)]
pub struct SourcesArgs {
    /// Only those whose last poll failed
    #[arg(long)]
    pub troubled: bool,
    /// For each, the last poll and its result, the next poll and its reason, since when it fails,
    /// and changes of address
    #[arg(long)]
    pub health: bool,
    /// JSON.
    #[command(flatten)]
    pub list: ListFormat,
}

/// Arguments of `import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// For whom.
    #[command(flatten)]
    pub who: ForReader,
    /// OPML, a file or folder from `export --mine`, or saved links from Pocket, Instapaper,
    /// Readwise Reader, Wallabag or Omnivore; `-` for standard input
    pub file: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["opml", "mine", "corrections"]))]
pub struct ExportArgs {
    /// For whom.
    #[command(flatten)]
    pub who: ForReader,
    /// As OPML, which other readers can import
    #[arg(long)]
    pub opml: bool,
    /// Your marks, notes, labels, highlights, answers, corrections and saved searches, into
    /// this file; `-` for standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["opml", "output"])]
    pub mine: Option<PathBuf>,
    /// With --mine: a folder of Markdown files, one per read, that Obsidian opens
    #[arg(long, requires = "mine")]
    pub markdown: bool,
    /// The reads whose précis is corrected, as labels for training and evaluating annotators, into
    /// this file; `-` for standard output
    #[arg(long, value_name = "FILE", conflicts_with_all = ["opml", "mine", "output"])]
    pub corrections: Option<PathBuf>,
    /// The output file; standard output by default
    #[arg(long, short)]
    pub output: Option<PathBuf>,
}

/// Arguments of `save`.
#[derive(Debug, Args)]
pub struct SaveArgs {
    /// For whom.
    #[command(flatten)]
    pub who: ForReader,
    /// The page's address
    #[arg(value_parser = values::web_address)]
    pub url: Url,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The reader for whom a command acts.
#[derive(Debug, Args)]
pub struct ForReader {
    /// The reader for whom this is done, if the archive has several [default: the first operator]
    #[arg(long, value_name = "NAME")]
    pub reader: Option<ReaderName>,
}

/// Arguments of `keep` and `done`.
#[derive(Debug, Args)]
pub struct MarkArgs {
    /// For whom.
    #[command(flatten)]
    pub who: ForReader,
    /// The reads' numbers as listed by `backissue week`, or their page addresses
    #[arg(required = true, value_name = "READ", value_parser = values::read_number)]
    pub reads: Vec<ReadId>,
    /// Remove the mark
    #[arg(long)]
    pub not: bool,
}

/// Arguments of `note`.
#[derive(Debug, Args)]
pub struct NoteArgs {
    /// For whom.
    #[command(flatten)]
    pub who: ForReader,
    /// The read's number or page address
    #[arg(value_parser = values::read_number)]
    pub read: ReadId,
    /// The note in Markdown; `-` for standard input; '' with --replace removes the note; without it
    /// the note is printed
    #[arg(allow_hyphen_values = true, value_parser = values::words)]
    pub text: Option<String>,
    /// Replace an existing note by TEXT
    #[arg(long, requires = "text")]
    pub replace: bool,
}

/// Arguments of `reader`.
#[derive(Debug, Args)]
pub struct ReaderArgs {
    /// What to do
    #[command(subcommand)]
    pub what: ReaderWhat,
}

/// What to do with a reader.
#[derive(Debug, Subcommand)]
pub enum ReaderWhat {
    /// List the readers
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a reader, and print a link with which the reader sets a password or logs in by OpenID
    #[command(
        after_help = "Example:\n  backissue reader add anna\n  backissue reader add ben --operator\n\nThe link works once, for seven days. For a reader who is \
                      there already, such as one who forgot the password, this makes another link. Accounts count with the setting \
                      readers = \"several\"."
    )]
    Add {
        /// The name to log in with: letters, digits and . - _ @ +
        name: ReaderName,
        /// Make the reader an operator, who also follows, corrects, hides and sees the settings
        #[arg(long)]
        operator: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Set the password, at least 12 characters: asked for twice, or one line of standard input
    Password {
        /// The reader; by default the first operator
        name: Option<ReaderName>,
        /// Remove the password
        #[arg(long)]
        remove: bool,
    },
    /// Let a reader log in as this person at the OpenID provider
    #[command(
        after_help = "Example:\n  backissue reader link anna 248289761001\n\nSUBJECT is the provider's name for the person. The page that refuses an unknown \
                      person shows it. An invitation (`reader add`) links a reader too, by the person. The setting openid_issuer names the provider."
    )]
    Link {
        /// The reader
        name: ReaderName,
        /// The provider's name for the person, not a mail address
        subject: String,
    },
    /// End a reader's login at the OpenID provider, and the reader's sessions
    Unlink {
        /// The reader
        name: ReaderName,
    },
    /// Change what a reader may do
    Role {
        /// The reader
        name: ReaderName,
        /// operator or reader
        role: Role,
    },
    /// Remove a reader, with everything that the reader did and wrote
    #[command(
        after_help = "Example:\n  backissue export --mine anna.json --reader anna\n  backissue reader remove anna\n  backissue reader remove anna --keep-data\n\n\
                      It tells first how many marks, notes, highlights and other things the reader has. With --keep-data the account is closed and \
                      the data stays: `reader add` or `reader password` opens it again. The last operator who can log in cannot be removed."
    )]
    Remove {
        /// The reader
        name: ReaderName,
        /// Close the account, and keep the marks, notes, labels, highlights and answers
        #[arg(long)]
        keep_data: bool,
        /// Do not ask for confirmation
        #[arg(long, short)]
        yes: bool,
    },
}

/// Arguments of `token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// What to do
    #[command(subcommand)]
    pub what: TokenWhat,
}

/// What to do with a token.
#[derive(Debug, Subcommand)]
pub enum TokenWhat {
    /// Make a token, and print it this once
    #[command(after_help = "Example:\n  backissue token add phone --scope write\n  \
                            backissue token add nightly-report --days 90")]
    Add {
        /// What you call it, such as the program that gets it
        name: TokenName,
        /// read: see what its reader sees; write: also mark, note, label and save; operate: also
        /// what operators do
        #[arg(long, default_value = "read")]
        scope: Scope,
        /// It works for so many days [default: until it is removed]
        #[arg(long, value_name = "N", value_parser = values::whole::<u16>(1, 3650))]
        days: Option<u16>,
        /// For whom.
        #[command(flatten)]
        who: ForReader,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List a reader's tokens, the newest first
    #[command(after_help = "Example:\n  backissue token list --json")]
    List {
        /// For whom.
        #[command(flatten)]
        who: ForReader,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Remove a token; nothing accepts it any more
    #[command(after_help = "Example:\n  backissue token remove phone")]
    Remove {
        /// What you call it
        name: TokenName,
        /// For whom.
        #[command(flatten)]
        who: ForReader,
    },
}

/// Arguments of `webhook`.
#[derive(Debug, Args)]
pub struct WebhookArgs {
    /// What to do
    #[command(subcommand)]
    pub what: WebhookWhat,
}

/// What to do with a webhook.
#[derive(Debug, Subcommand)]
pub enum WebhookWhat {
    /// Add a webhook, and print the key that signs its messages this once
    #[command(
        after_help = "Example:\n  backissue webhook add https://hooks.example.com/backissue --event week.closed"
    )]
    Add {
        /// Where messages are sent by POST: https://, or http:// on this machine
        url: String,
        /// What it is told: read.annotated, week.closed, search.hit or source.failing; several
        /// times for several
        #[arg(long = "event", value_name = "EVENT", required = true)]
        events: Vec<Event>,
        /// For whom, which must be an operator.
        #[command(flatten)]
        who: ForReader,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// List the webhooks with their last answers
    #[command(after_help = "Example:\n  backissue webhook list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Send a webhook a message that tests it, and what else is due
    #[command(after_help = "Example:\n  backissue webhook test 1")]
    Test {
        /// Its number
        id: i64,
    },
    /// Remove a webhook; it is told nothing more
    #[command(after_help = "Example:\n  backissue webhook remove 1")]
    Remove {
        /// Its number
        id: i64,
    },
}

/// Arguments of `correct`.
#[derive(Debug, Args)]
pub struct CorrectArgs {
    /// The read's number or page address
    #[arg(value_parser = values::read_number)]
    pub read: ReadId,
    /// The problem it is about, at most 320 characters; '' for none
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, value_parser = values::words)]
    pub problem: Option<String>,
    /// How it was solved, at most 320 characters; '' for none
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, value_parser = values::words)]
    pub approach: Option<String>,
    /// What changed, at most 320 characters; '' for none
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, value_parser = values::words)]
    pub outcome: Option<String>,
    /// The kind: case-study, incident, research, tutorial, announcement, opinion, profile, event or
    /// other
    #[arg(long)]
    pub kind: Option<String>,
    /// At most 4 concepts by name, separated by commas; '' for none
    #[arg(long, value_name = "NAMES")]
    pub concepts: Option<String>,
    /// The title
    #[arg(long, allow_hyphen_values = true, value_parser = values::words)]
    pub title: Option<String>,
    /// The day of publication, e.g. 2026-05-12; it decides the week
    #[arg(long, value_name = "DAY")]
    pub date: Option<String>,
    /// The company, for this read only
    #[arg(long, allow_hyphen_values = true, value_parser = values::words)]
    pub company: Option<String>,
    /// Take all corrections back, or those of these fields: --undo=problem,kind
    #[arg(long, value_name = "FIELDS", num_args = 0.., require_equals = true, value_delimiter = ',')]
    pub undo: Option<Vec<ReadField>>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `withdraw`.
#[derive(Debug, Args)]
pub struct WithdrawArgs {
    /// The reads' numbers or page addresses
    #[arg(value_name = "READ", value_parser = values::read_number)]
    pub reads: Vec<ReadId>,
    /// Show them again
    #[arg(long, requires = "reads")]
    pub not: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// A read's number or page address
    #[arg(value_parser = values::read_number)]
    pub read: ReadId,
    /// Another read's number or page address
    #[arg(value_parser = values::read_number)]
    pub other: ReadId,
    /// Do not ask for confirmation
    #[arg(long, short)]
    pub yes: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `shelf`.
#[derive(Debug, Args)]
pub struct ShelfArgs {
    /// For whom.
    #[command(flatten)]
    pub who: ForReader,
    /// Only reads with this label
    #[arg(long)]
    pub label: Option<Label>,
    /// Print Markdown: a list of links, with notes as quotations
    #[arg(long, conflicts_with_all = ["json", "format"])]
    pub markdown: bool,
    /// JSON.
    #[command(flatten)]
    pub list: ListFormat,
}

/// Arguments of `weeks`.
#[derive(Debug, Args)]
pub struct WeeksArgs {
    /// Only this year's
    #[arg(long, value_parser = values::whole::<i16>(1000, 9999))]
    pub year: Option<i16>,
    /// JSON.
    #[command(flatten)]
    pub list: ListFormat,
}

/// Arguments of `week`.
#[derive(Debug, Args)]
pub struct WeekArgs {
    /// The ISO week, e.g. 2026-W20
    pub week: Option<Week>,
    /// Only this source's, by its name as listed by `backissue sources`
    #[arg(long)]
    pub source: Option<String>,
    /// Only those with this concept, by its name
    #[arg(long)]
    pub concept: Option<String>,
    /// Only this kind: case-study, incident, research, tutorial, announcement, opinion, profile,
    /// event or other
    #[arg(long)]
    pub kind: Option<Kind>,
    /// Only those whose problem is in these words: quoted (the authors'), written (a language
    /// model's) or corrected (a person's)
    #[arg(long)]
    pub form: Option<Form>,
    /// Print Markdown: the best reads first, the rest by concept
    #[arg(long, conflicts_with_all = ["json", "format"])]
    pub markdown: bool,
    /// JSON.
    #[command(flatten)]
    pub list: ListFormat,
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The read's number or page address
    #[arg(value_parser = values::read_number)]
    pub read: ReadId,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `find`.
#[derive(Debug, Args)]
pub struct FindArgs {
    /// For whom.
    #[command(flatten)]
    pub who: ForReader,
    /// The question: words, "phrases", -words to exclude, filters such as company:vitess
    #[arg(required = true)]
    pub question: Vec<String>,
    /// Maximum reads to print
    #[arg(long, default_value_t = 10, value_parser = values::whole::<u8>(1, 200))]
    pub limit: u8,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `prior-art`.
#[derive(Debug, Args)]
pub struct PriorArtArgs {
    /// For whom.
    #[command(flatten)]
    pub who: ForReader,
    /// The problem, in your own words
    #[arg(required = true)]
    pub question: Vec<String>,
    /// Maximum reads to print
    #[arg(long, default_value_t = 12, value_parser = values::whole::<u8>(1, 30))]
    pub limit: u8,
    /// Print Markdown, for a design document
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `mcp`.
#[derive(Debug, Args)]
pub struct McpArgs {
    /// For whom.
    #[command(flatten)]
    pub who: ForReader,
    /// Also let the agent keep reads, add to notes and save pages
    #[arg(long)]
    pub write: bool,
}

/// Arguments of `annotate`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub struct AnnotateArgs {
    /// The reads' numbers, as in their addresses /read/42/…
    #[arg(group = "which", value_name = "READ", value_parser = values::read_number)]
    pub reads: Vec<ReadId>,
    /// All reads
    #[arg(long, group = "which")]
    pub all: bool,
    /// The reads of this week and of all later ones, e.g. 2026-W20
    #[arg(long, group = "which", value_name = "WEEK")]
    pub since: Option<Week>,
    /// The language model's name in the configuration file; `built-in` for none
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Forget the model's stored answers about these reads, and ask it again
    #[arg(long, conflicts_with = "batch")]
    pub again: bool,
    /// Ask the model in batches, for half the price: OpenAI and Anthropic, answered within a day
    #[arg(long)]
    pub batch: bool,
    /// How often to look whether a batch is done [default: 1m]
    #[arg(long, requires = "batch", value_name = "TIME")]
    pub batch_pause: Option<Pause>,
    /// Most bytes of questions in a batch, at most 100 MB [default: 100 MB]
    #[arg(long, requires = "batch", value_name = "SIZE")]
    pub batch_size: Option<Size>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `models`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ModelsArgs {
    /// What to do instead of listing them
    #[command(subcommand)]
    pub action: Option<ModelsAction>,
    /// Only list them
    #[arg(long)]
    pub no_test: bool,
    /// The cost of each model, by day (UTC)
    #[arg(long, conflicts_with = "no_test")]
    pub usage: bool,
    /// What the models wrote and the checks refused, of the newest reads
    #[arg(long, conflicts_with_all = ["no_test", "usage"])]
    pub refusals: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `searches`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SearchesArgs {
    /// For whom.
    #[command(flatten)]
    pub who: ForReader,
    /// What to do instead of listing them
    #[command(subcommand)]
    pub action: Option<SearchesAction>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What `searches` does with saved searches.
#[derive(Debug, Subcommand)]
pub enum SearchesAction {
    /// List them
    #[command(after_help = "Example:\n  backissue searches list --json")]
    List {
        /// For whom.
        #[command(flatten)]
        who: ForReader,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Save a search
    #[command(
        after_help = "Example:\n  backissue searches add 'retry storms' 'who had retry storms after:2026'\n  \
                      backissue searches add outages kind:incident --to team"
    )]
    Add {
        /// For whom.
        #[command(flatten)]
        who: ForReader,
        /// What you call it
        name: SearchName,
        /// The question, as for `find`
        #[arg(required = true)]
        question: Vec<String>,
        /// Send new answers at once to this recipient of the configuration file
        #[arg(long, value_name = "NAME")]
        to: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Rename a saved search
    #[command(after_help = "Example:\n  backissue searches rename outages incidents")]
    Rename {
        /// For whom.
        #[command(flatten)]
        who: ForReader,
        /// What you call it
        name: SearchName,
        /// What you will call it
        new: SearchName,
    },
    /// Remove a saved search
    #[command(after_help = "Example:\n  backissue searches remove incidents")]
    Remove {
        /// For whom.
        #[command(flatten)]
        who: ForReader,
        /// What you call it
        name: SearchName,
    },
}

/// What `models` does with a model.
#[derive(Debug, Subcommand)]
pub enum ModelsAction {
    /// Let a model annotate new reads: tests it, then writes it into the configuration file
    #[command(
        after_help = "Example:\n  backissue models use ollama/qwen3:8b\n  backissue models use anthropic/claude-haiku-4-5\n  \
                      backissue models use openai/my-model --url https://models.example/v1 --key-env MY_KEY\n  \
                      backissue models use built-in\n\nNAME is a server and its model: ollama, lmstudio or llamacpp on this machine; anthropic, \
                      openai, gemini, openrouter or mistral elsewhere. Or it is the name of a [[model]] in the configuration file, or \
                      built-in for no model. The test sends one short article that we invented. The file keeps its comments and its order; \
                      a key stays in its environment variable."
    )]
    Use(UseArgs),
}

/// Arguments of `models use`.
#[derive(Debug, Args)]
pub struct UseArgs {
    /// The server and its model, e.g. ollama/qwen3:8b; or a model of the configuration file; or
    /// built-in
    pub name: String,
    /// The server's address with the version, if it is not the usual one
    #[arg(long, value_name = "URL", value_parser = values::web_address)]
    pub url: Option<Url>,
    /// The environment variable with the key, if it is not the usual one
    #[arg(long, value_name = "VARIABLE")]
    pub key_env: Option<String>,
    /// The time limit for one answer, e.g. 30m; by default two minutes, or ten for a model that is
    /// slow in the test
    #[arg(long, value_name = "DURATION")]
    pub timeout: Option<Pause>,
    /// Use it although it cannot check what it writes
    #[arg(long)]
    pub anyway: bool,
    /// Test it and tell its price, but write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `send`.
#[derive(Debug, Args)]
pub struct SendArgs {
    /// The recipient's name in the configuration file, or that of a subscriber or a reader
    #[arg(long, value_name = "NAME")]
    pub to: Option<String>,
    /// The ISO week, e.g. 2026-W20; the last one that has ended where not given
    #[arg(long, requires = "to")]
    pub week: Option<Week>,
    /// Print what would be sent, and send nothing
    #[arg(long, requires = "to")]
    pub dry_run: bool,
    /// Send it once more, also after it was given up
    #[arg(long, requires = "to", conflicts_with = "dry_run")]
    pub again: bool,
    /// Send again to a recipient that unsubscribed
    #[arg(long, requires = "to", conflicts_with_all = ["week", "dry_run", "again"])]
    pub resume: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "dry_run")]
    pub json: bool,
}

/// Arguments of `publish`.
#[derive(Debug, Args)]
pub struct PublishArgs {
    /// The folder of the site
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Publish whole articles; otherwise statements, with quotes and links to the publishers
    #[arg(long)]
    pub articles: bool,
    /// Publish what may be private too: pages that readers saved by address, and blogs that only
    /// a private network or a password reaches
    #[arg(long)]
    pub saved: bool,
    /// Draw a share picture for each read; otherwise a read has its week's
    #[arg(long)]
    pub pictures: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Retry reads that were set aside
    #[arg(long)]
    pub retry: bool,
    /// Prove a backup, by its checksums and by restoring it into a temporary folder; without FILE,
    /// one is made now and compared with the archive row by row
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    pub deep: Option<Option<PathBuf>>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// The kind of document.
    #[command(subcommand)]
    pub what: Inspect,
}

/// The kinds of documents to inspect. One file gives one JSON object; several give one per line,
/// each with its `file`.
#[derive(Debug, Subcommand)]
pub enum Inspect {
    /// A feed, as {format, title, site_url, entries}
    #[command(after_help = "Example:\n  backissue inspect feed feed.xml --url https://example.com/feed.xml")]
    Feed {
        /// The documents
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The document's address, for relative links
        #[arg(long, value_parser = values::web_address)]
        url: Option<Url>,
        /// The media type it was served with, e.g. `application/rss+xml; charset=utf-8`
        #[arg(long)]
        media_type: Option<String>,
    },
    /// A page, as {canonical_url, title, author, published, site_name, language, text, html, words,
    /// minutes}
    #[command(after_help = "Example:\n  backissue inspect page post.html --url https://example.com/post")]
    Page {
        /// The documents
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The page's address
        #[arg(long, value_parser = values::web_address)]
        url: Option<Url>,
    },
    /// A page's précis
    #[command(after_help = "Example:\n  backissue inspect precis post.html --company Vitess")]
    Precis {
        /// The documents
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The page's address
        #[arg(long, value_parser = values::web_address)]
        url: Option<Url>,
        /// The company behind the blog; the page's site name by default
        #[arg(long)]
        company: Option<String>,
    },
}
