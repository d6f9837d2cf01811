//! What `--json` prints, as JSON Schema: for `backissue schema`.
//!
//! The types only make the schemas. A test compares them with what the commands print. If a field
//! goes or changes its meaning, the command's version grows; a new field leaves it.

#![expect(dead_code, reason = "only their schemas are used")]

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

/// The output of a command.
pub struct Output {
    /// The command with its flags.
    pub command: &'static str,
    /// Grows if a field goes or changes its meaning.
    version: u32,
    schema: fn(&mut SchemaGenerator) -> schemars::Schema,
}

/// The outputs of all commands that list something.
pub const OUTPUTS: [Output; 21] = [
    output::<Vec<BackfillPlan>>("backfill --dry-run"),
    output::<BTreeMap<String, Setting>>("config"),
    output::<Checks>("doctor"),
    output::<FoundReads>("find"),
    output::<Models>("models"),
    output::<Refusals>("models --refusals"),
    output::<Usage>("models --usage"),
    output::<PriorArt>("prior-art"),
    output::<Vec<Reader>>("reader list"),
    output::<Vec<SavedSearch>>("searches"),
    output::<Vec<Recipient>>("send"),
    output::<Vec<KeptRead>>("shelf"),
    output::<Vec<Source>>("sources"),
    output::<Vec<SourceHealth>>("sources --health"),
    output::<Vec<StarterGroup>>("starter"),
    output::<Vec<StarterBlog>>("starter GROUP"),
    output::<Vec<Token>>("token list"),
    output::<Vec<Webhook>>("webhook list"),
    output::<WeekReads>("week"),
    output::<Vec<WeekCount>>("weeks"),
    output::<Vec<HiddenRead>>("withdraw"),
];

const fn output<T: JsonSchema>(command: &'static str) -> Output {
    Output { command, version: 1, schema: |generator| generator.root_schema_for::<T>() }
}

impl Output {
    /// The schema as JSON.
    pub fn schema(&self) -> Value {
        let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        let mut schema = (self.schema)(&mut generator).to_value();
        let name = self.command.replace(" --", "-").replace(' ', "-").to_lowercase();
        schema["$id"] = json!(format!("urn:backissue:{name}:{}", self.version));
        schema["title"] = json!(format!("backissue {} --json", self.command));
        schema
    }
}

/// A moment in UTC (RFC 3339).
#[derive(JsonSchema)]
#[schemars(inline, extend("format" = "date-time"))]
struct Moment(String);

/// A span of time (ISO 8601), such as `PT1H`.
#[derive(JsonSchema)]
#[schemars(inline)]
struct Span(String);

/// An ISO week, such as `2026-W20`.
#[derive(JsonSchema)]
#[schemars(inline, extend("pattern" = "^[0-9]{4}-W[0-9]{2}$"))]
struct Week(String);

/// A struct with the fields of a read in lists before its own.
macro_rules! read {
    ($(#[$meta:meta])* struct $name:ident { $($rest:tt)* }) => {
        $(#[$meta])*
        #[derive(JsonSchema)]
        struct $name {
            /// The read's number.
            id: i64,
            title: String,
            /// The article's address.
            url: String,
            /// The slug of the source that named it first.
            source: String,
            company: String,
            author: Option<String>,
            published: Option<Moment>,
            week: Week,
            /// The kind of post, such as `case-study`.
            kind: String,
            problem: Option<String>,
            /// Whose words the problem uses: `quoted`, `written` or `corrected`.
            problem_form: Option<String>,
            /// Whether the problem is sure enough to stand above the title.
            problem_leads: bool,
            /// Minutes to read it.
            minutes: u32,
            /// The slugs of its concepts, best first.
            concepts: Vec<String>,
            $($rest)*
        }
    };
}

read! {
    /// A read of a list.
    struct Read {}
}

read! {
    /// A read on the shelf.
    struct KeptRead {
        /// When it was kept.
        kept: Moment,
        labels: Vec<String>,
        /// The note in Markdown; empty if there is none.
        note: String,
        highlights: Vec<Highlight>,
    }
}

read! {
    /// A read that answers a question.
    struct FoundRead {
        approach: Option<String>,
        outcome: Option<String>,
        /// Quotes that show the problem.
        evidence: Vec<String>,
        score: f64,
        /// The rank by words, from 1. Null if the read has no word of the question.
        by_words: Option<u32>,
        /// The closeness of the meaning, up to 1.
        similarity: Option<f64>,
        /// The passage of the article that answers best.
        passage: Option<String>,
    }
}

/// A highlighted passage.
#[derive(JsonSchema)]
struct Highlight {
    exact: String,
    /// What stands before it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    prefix: String,
    /// What stands after it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    suffix: String,
    /// The remark in Markdown; may be empty.
    remark: String,
}

/// A week's numbers.
#[derive(JsonSchema)]
struct WeekCount {
    week: Week,
    reads: u64,
    /// Reads with a problem.
    problems: u64,
}

/// The reads of a week.
#[derive(JsonSchema)]
struct WeekReads {
    week: Week,
    /// Its Monday.
    from: String,
    /// Its Sunday.
    to: String,
    reads: Vec<Read>,
}

/// The answer to a question.
#[derive(JsonSchema)]
struct FoundReads {
    /// The question as it was understood.
    query: String,
    /// All reads that answer it.
    total: u64,
    corrections: Vec<Typo>,
    /// What was not understood, and how it was searched instead.
    notes: Vec<String>,
    /// Why only words were compared. Null if meaning was too.
    words_only: Option<String>,
    /// How far the index is, if it is behind the archive.
    indexing: Option<Indexing>,
    reads: Vec<FoundRead>,
}

/// A word that was taken for another one.
#[derive(JsonSchema)]
struct Typo {
    typed: String,
    instead: String,
}

/// How far the index is.
#[derive(JsonSchema)]
struct Indexing {
    indexed: u64,
    reads: u64,
}

/// Who had a problem, grouped by what they did.
#[derive(JsonSchema)]
struct PriorArt {
    query: String,
    notes: Vec<String>,
    words_only: Option<String>,
    ways: Vec<Way>,
}

/// Reads with the same approach.
#[derive(JsonSchema)]
struct Way {
    /// The slug of the concept that they have in common.
    concept: Option<String>,
    reads: Vec<FoundRead>,
}

/// A saved search.
#[derive(JsonSchema)]
struct SavedSearch {
    id: i64,
    name: String,
    question: String,
    /// The recipient of new answers.
    to: Option<String>,
    since: Moment,
    answers: u64,
    /// Answers that the reader has not seen.
    unseen: u64,
    /// The newest of these.
    reads: Vec<Read>,
}

/// A followed blog.
#[derive(JsonSchema)]
struct Source {
    id: i64,
    slug: String,
    title: String,
    company: String,
    site_url: Option<String>,
    feed_url: Option<String>,
    sitemap_url: Option<String>,
    listing_url: Option<String>,
    group: Option<String>,
    /// How long its articles stay: `default`, `unlimited`, or days.
    keep_articles: String,
    /// How much its articles may take: `default`, `unlimited`, or a size.
    keep_articles_size: String,
    followed_at: Moment,
    unfollowed_at: Option<Moment>,
    reads: u64,
    /// The publication date of its newest read.
    newest: Option<Moment>,
    health: Health,
}

/// How a source is doing, in words and numbers.
#[derive(JsonSchema)]
struct SourceHealth {
    slug: String,
    title: String,
    /// What a person is told, by the name of the line.
    told: BTreeMap<String, String>,
    health: Health,
}

/// The state of a source's polls.
#[derive(JsonSchema)]
struct Health {
    standing: Standing,
    last_poll: Option<Moment>,
    last_success: Option<Moment>,
    next_poll: Option<Moment>,
    /// The error of the last poll. Null if it succeeded.
    last_error: Option<String>,
    /// Failed polls since the last success.
    failures: u32,
    failing_since: Option<Moment>,
    /// New reads in the last successful poll. Null if the feed had not changed.
    last_new: Option<u64>,
    pace: Option<Pace>,
    /// The feed's hints about polling.
    wishes: Hints,
    moving: Option<Moving>,
    moved: Option<Moved>,
    hub: Option<Hub>,
    etag: Option<String>,
    last_modified: Option<String>,
}

/// Whether a source is polled.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
enum Standing {
    Active,
    Retired,
    Waiting,
    Paused,
}

/// When a source is polled next, and why then.
#[derive(JsonSchema)]
struct Pace {
    gap: Option<Span>,
    pause: Span,
    because: String,
}

/// A feed's hints about polling.
#[derive(JsonSchema)]
struct Hints {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pause: Option<Span>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    skip_hours: Vec<i8>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    skip_days: Vec<i8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hub: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
}

/// The address that a feed may be moving to.
#[derive(JsonSchema)]
struct Moving {
    to: String,
    since: Moment,
}

/// A feed's last change of address.
#[derive(JsonSchema)]
struct Moved {
    from: String,
    at: Moment,
}

/// The hub of a feed.
#[derive(JsonSchema)]
struct Hub {
    url: String,
    ends_at: Option<Moment>,
    told_at: Option<Moment>,
    error: Option<String>,
}

/// What a backfill of a source would fetch.
#[derive(JsonSchema)]
struct BackfillPlan {
    /// The source's slug.
    source: String,
    /// The number of articles from whose addresses the shapes were learned.
    learned_from: u64,
    shapes: Vec<AddressShape>,
    /// The documents that were requested, in order.
    documents: Vec<PlanDocument>,
    /// The number of found addresses that the feed has too.
    in_feed: u64,
    /// The addresses that would be fetched, newest first, with those that the archive has.
    taken: Vec<FoundAddress>,
    /// The addresses that would not be fetched.
    refused: Vec<FoundAddress>,
    /// The seconds that fetching takes at least.
    seconds: f64,
    /// Why it could not go on, if so.
    trouble: Option<String>,
}

/// A shape of articles' addresses.
#[derive(JsonSchema)]
struct AddressShape {
    shape: String,
    /// The number of articles that have it.
    examples: u64,
}

/// A document that lists addresses.
#[derive(JsonSchema)]
struct PlanDocument {
    /// Its kind: `sitemap`, `wordpress`, `feed` or `listing`.
    way: String,
    url: String,
    /// What it had, in words.
    said: String,
}

/// An address that a document has.
#[derive(JsonSchema)]
struct FoundAddress {
    url: String,
    /// The best guess of when the article was published.
    date: Option<Moment>,
    /// Why it is taken or refused.
    why: String,
}

/// A group of the starter list.
#[derive(JsonSchema)]
struct StarterGroup {
    slug: String,
    title: String,
    about: String,
    /// Its number of blogs.
    sources: u64,
}

/// A blog of the starter list.
#[derive(JsonSchema)]
struct StarterBlog {
    title: String,
    company: String,
    site: String,
    feed: Option<String>,
    sitemap: Option<String>,
    listing: Option<String>,
    note: Option<String>,
}

/// A program's token, without the secret itself.
#[derive(JsonSchema)]
struct Token {
    name: String,
    /// `read`, `write` or `operate`.
    scope: String,
    made_at: Moment,
    used_at: Option<Moment>,
    ends_at: Option<Moment>,
}

/// A reader.
#[derive(JsonSchema)]
struct Reader {
    name: String,
    /// `reader` or `operator`.
    role: String,
    /// Whether there is a password.
    password: bool,
    /// Whether the reader logs in by OpenID Connect.
    openid: bool,
    /// Since when the account is closed.
    closed: Option<Moment>,
    /// Until when there is a link that sets a password.
    invited_until: Option<Moment>,
}

/// A webhook, without its secrets.
#[derive(JsonSchema)]
struct Webhook {
    id: i64,
    /// The scheme, host and port of its address.
    server: String,
    events: Vec<String>,
    made_at: Moment,
    /// Messages that are not delivered yet.
    waiting: u64,
    last: Option<WebhookAnswer>,
}

/// What a webhook answered.
#[derive(JsonSchema)]
struct WebhookAnswer {
    at: Moment,
    answer: String,
    accepted: bool,
}

/// A recipient of weeks and alerts.
#[derive(JsonSchema)]
struct Recipient {
    name: String,
    how: String,
    /// The last week that was sent or attempted.
    week: Option<Week>,
    sent: Option<Moment>,
    next: Option<Moment>,
    error: Option<String>,
    alert_sent: Option<Moment>,
    alert_error: Option<String>,
    /// Since when it wants no more mails.
    unsubscribed: Option<Moment>,
}

/// A read that is hidden from everybody.
#[derive(JsonSchema)]
struct HiddenRead {
    read: i64,
    title: String,
    source: String,
    since: Moment,
}

/// A setting in force.
#[derive(JsonSchema)]
struct Setting {
    value: String,
    /// The file, variable or flag that it comes from.
    origin: String,
}

/// What `doctor` found.
#[derive(JsonSchema)]
struct Checks {
    ok: bool,
    checks: Vec<Check>,
    set_aside: Vec<SetAside>,
    /// Reads that are tried again.
    retried: u64,
}

/// One check.
#[derive(JsonSchema)]
struct Check {
    name: String,
    ok: bool,
    detail: String,
}

/// A read that was given up.
#[derive(JsonSchema)]
struct SetAside {
    id: i64,
    url: String,
    title: String,
    source: String,
    stage: String,
    error: String,
    since: Moment,
}

/// The language models: those of the configuration, and what else could be used.
#[derive(JsonSchema)]
struct Models {
    models: Vec<Model>,
    noticed: Noticed,
}

/// A language model of the configuration.
#[derive(JsonSchema)]
struct Model {
    name: String,
    protocol: String,
    /// The address of its server, without secrets.
    url: String,
    /// What the server calls it.
    model: String,
    /// Whether it annotates each new read.
    annotates_new_reads: bool,
    /// At most so many reads a day (UTC). Null: no limit.
    reads_per_day: Option<u64>,
    /// At most so many tokens a day (UTC). Null: no limit.
    tokens_per_day: Option<u64>,
    /// Null with `--no-test`.
    test: Option<ModelTest>,
}

/// The test of a model: the error, or what its answer took.
#[derive(JsonSchema)]
struct ModelTest {
    ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    milliseconds: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tokens: Option<u64>,
    /// The fields of its answer that the checks refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<Vec<String>>,
    /// Whether the model that checks its statements sees that false claims are false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    can_check: Option<bool>,
}

/// What else could be used on this machine.
#[derive(JsonSchema)]
struct Noticed {
    /// The machine's memory.
    memory_bytes: Option<u64>,
    /// Servers of models that run here.
    servers: Vec<ModelServer>,
    /// Variables of the environment that have a provider's key.
    keys: Vec<ProviderKey>,
}

/// A server of models.
#[derive(JsonSchema)]
struct ModelServer {
    /// Its kind, such as `ollama`.
    server: String,
    url: String,
    models: Vec<ServedModel>,
}

/// A model of a server.
#[derive(JsonSchema)]
struct ServedModel {
    /// Its name in `backissue models use`.
    name: String,
    /// What the server calls it.
    model: String,
    bytes: Option<u64>,
    /// Whether it fits into memory, if that is known.
    fits: Option<bool>,
    /// Whether the server passes it on to another machine.
    runs_elsewhere: bool,
}

/// A provider whose key is in the environment.
#[derive(JsonSchema)]
struct ProviderKey {
    variable: String,
    provider: String,
    /// The model that `backissue models use` suggests.
    suggestion: String,
}

/// What models were asked.
#[derive(JsonSchema)]
struct Usage {
    /// What each model was asked per day, the newest day first.
    usage: Vec<UsageOfDay>,
    models: Vec<ModelCost>,
    /// How many reads the archive gets a week, if that is known.
    reads_per_week: Option<f64>,
}

/// What a model was asked on one day.
#[derive(JsonSchema)]
struct UsageOfDay {
    /// The day in UTC.
    day: String,
    model: String,
    /// Reads for which it was used.
    reads: u64,
    /// Prompts with a reply.
    questions: u64,
    input_tokens: u64,
    output_tokens: u64,
    cached_tokens: u64,
    cache_writes: u64,
    batch_input_tokens: u64,
    batch_output_tokens: u64,
    /// Prompts without a reply.
    failures: u64,
}

/// What a model costs.
#[derive(JsonSchema)]
struct ModelCost {
    model: String,
    /// The number of reads over which the means are taken.
    mean_of_reads: u64,
    input_tokens_per_read: f64,
    output_tokens_per_read: f64,
    cached_tokens_per_read: f64,
    /// Null if its price is not known.
    dollars_per_read: Option<f64>,
    dollars_per_month: Option<f64>,
}

/// What models wrote and the checks refused, of the newest reads.
#[derive(JsonSchema)]
struct Refusals {
    refusals: Vec<RefusedRead>,
}

/// What was refused of one read.
#[derive(JsonSchema)]
struct RefusedRead {
    /// The read's number.
    read: i64,
    title: String,
    refused: Vec<RefusedField>,
}

/// A refused field of a model's reply.
#[derive(JsonSchema)]
struct RefusedField {
    field: String,
    /// What the model wrote.
    said: String,
    /// Why it was refused.
    reason: String,
}
