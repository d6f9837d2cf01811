//! The settings, from a TOML file, environment variables and flags, in increasing order of
//! precedence.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use backissue_annotate::asking::PromptVersion;
use backissue_fetch::Resolve;
use backissue_llm::{Key, Protocol};
use backissue_store::Location;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::recipients::{MailRow, RecipientRow};
use crate::{text, values};

/// Settings as flags and environment variables. Names in the file are those of the flags with `_`
/// for `-`.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Settings (also in the configuration file and as environment variables)")]
pub struct SettingFlags {
    /// The configuration file
    #[arg(long, global = true, env = "BACKISSUE_CONFIG", value_name = "FILE", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// The folder with everything that the archive stores
    #[arg(long, global = true, env = "BACKISSUE_DATA", value_name = "DIR", hide_env_values = true)]
    pub data: Option<PathBuf>,
    /// PostgreSQL instead of the SQLite file in the data folder, as postgres://user@host/database
    #[arg(long, global = true, env = "BACKISSUE_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<String>,
    /// The address on which `serve` listens [default: 127.0.0.1:7878]
    #[arg(long, global = true, env = "BACKISSUE_LISTEN", value_name = "ADDRESS", hide_env_values = true, value_parser = values::listen_address)]
    pub listen: Option<SocketAddr>,
    /// The address of the pages for people, if they are behind a proxy. If it is public, hubs that
    /// feeds name (WebSub) are requested to send notifications there
    #[arg(long, global = true, env = "BACKISSUE_BASE_URL", value_name = "URL", hide_env_values = true, value_parser = values::web_address)]
    pub base_url: Option<Url>,
    /// The time zone that decides a read's week [default: UTC]
    #[arg(long, global = true, env = "BACKISSUE_TIME_ZONE", value_name = "ZONE", hide_env_values = true)]
    pub time_zone: Option<Zone>,
    /// A starter list instead of the built-in one
    #[arg(long, global = true, env = "BACKISSUE_STARTER", value_name = "FILE", hide_env_values = true)]
    pub starter: Option<PathBuf>,
    /// How many things to do at the same time [default: 8]
    #[arg(long, global = true, env = "BACKISSUE_WORKERS", value_name = "N", hide_env_values = true, value_parser = values::whole::<u16>(1, 256))]
    pub workers: Option<u16>,
    /// The shortest pause between two polls of a source; the actual pause, up to a day, depends on
    /// how often it publishes [default: 1h]
    #[arg(long, global = true, env = "BACKISSUE_POLL_EVERY", value_name = "TIME", hide_env_values = true)]
    pub poll_every: Option<Pause>,
    /// The pause between two requests to one host [default: 1s]
    #[arg(long, global = true, env = "BACKISSUE_HOST_PAUSE", value_name = "TIME", hide_env_values = true)]
    pub host_pause: Option<Pause>,
    /// The longest pause that a publisher can demand in robots.txt (Crawl-delay) [default: 1m]
    #[arg(
        long,
        global = true,
        env = "BACKISSUE_LONGEST_CRAWL_DELAY",
        value_name = "TIME",
        hide_env_values = true
    )]
    pub longest_crawl_delay: Option<Pause>,
    /// Time limit for resolving and connecting to a host [default: 10s]
    #[arg(
        long,
        global = true,
        env = "BACKISSUE_CONNECT_TIMEOUT",
        value_name = "TIME",
        hide_env_values = true
    )]
    pub connect_timeout: Option<Pause>,
    /// Time limit until a host starts to respond, connecting included [default: 20s]
    #[arg(
        long,
        global = true,
        env = "BACKISSUE_FIRST_BYTE_TIMEOUT",
        value_name = "TIME",
        hide_env_values = true
    )]
    pub first_byte_timeout: Option<Pause>,
    /// Time limit for a document, redirects included [default: 1m]
    #[arg(long, global = true, env = "BACKISSUE_TOTAL_TIMEOUT", value_name = "TIME", hide_env_values = true)]
    pub total_timeout: Option<Pause>,
    /// An address or e-mail in our requests, by which publishers can contact you
    #[arg(long, global = true, env = "BACKISSUE_CONTACT", value_name = "TEXT", hide_env_values = true)]
    pub contact: Option<String>,
    /// Connect to ADDRESS for HOST:PORT, like curl's --resolve; ADDRESS may have its own port;
    /// repeatable
    #[arg(
        long,
        global = true,
        env = "BACKISSUE_RESOLVE",
        value_name = "HOST:PORT:ADDRESS",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    pub resolve: Vec<Resolve>,
    /// A file with certificate authorities to trust in addition to the system's (PEM); repeatable
    #[arg(
        long,
        global = true,
        env = "BACKISSUE_CA",
        value_name = "FILE",
        value_delimiter = ' ',
        hide_env_values = true
    )]
    pub ca: Vec<PathBuf>,
    /// Allow feeds and pages to lead into the private network
    #[arg(long, global = true, env = "BACKISSUE_ALLOW_PRIVATE_ADDRESSES", num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_env_values = true)]
    pub allow_private_addresses: Option<bool>,
    /// A port to allow in addition to 80 and 443; repeatable
    #[arg(
        long,
        global = true,
        env = "BACKISSUE_ALLOW_PORT",
        value_name = "PORT",
        value_delimiter = ' ',
        value_parser = values::whole::<u16>(1, 65535),
        hide_env_values = true
    )]
    pub allow_port: Vec<u16>,
    /// Images in articles: load (from their servers), click (the same, when you request it), cache
    /// (`serve` fetches and keeps them) [default: click]
    #[arg(long, global = true, env = "BACKISSUE_IMAGES", value_name = "HOW", hide_env_values = true)]
    pub images: Option<ImagesShown>,
    /// Maximum size of the folder of cached images [default: 500 MB]
    #[arg(
        long,
        global = true,
        env = "BACKISSUE_IMAGE_CACHE_LIMIT",
        value_name = "SIZE",
        hide_env_values = true
    )]
    pub image_cache_limit: Option<Size>,
    /// How much one source may put into the archive; it is asked for no more from then on [default:
    /// 1 GB]
    #[arg(long, global = true, env = "BACKISSUE_SOURCE_LIMIT", value_name = "SIZE", hide_env_values = true)]
    pub source_limit: Option<Size>,
    /// How large the archive may become; nothing is fetched from then on [default: 100 GB]
    #[arg(long, global = true, env = "BACKISSUE_ARCHIVE_LIMIT", value_name = "SIZE", hide_env_values = true)]
    pub archive_limit: Option<Size>,
    /// The model, by its name in the configuration file, that says what texts mean, instead of the
    /// built-in embedder; its server must have `/embeddings`
    #[arg(long, global = true, env = "BACKISSUE_EMBED_WITH", value_name = "MODEL", hide_env_values = true)]
    pub embed_with: Option<String>,
    /// The model, by its name in the configuration file, that annotates each new read after the
    /// built-in annotator
    #[arg(
        long,
        global = true,
        env = "BACKISSUE_ANNOTATE_WITH",
        value_name = "MODEL",
        hide_env_values = true
    )]
    pub annotate_with: Option<String>,
    /// The model, by its name in the configuration file, that checks the statements of the model
    /// that annotates [default: the same model]
    #[arg(long, global = true, env = "BACKISSUE_CHECK_WITH", value_name = "MODEL", hide_env_values = true)]
    pub check_with: Option<String>,
    /// Create a new archive if there is none; `serve`, `sync`, `follow` and `import` always do
    #[arg(long, global = true)]
    pub create: bool,
    /// What to log on standard error: error, warn, info, debug, or a filter such as
    /// backissue_ingest=debug
    #[arg(long, global = true, env = "BACKISSUE_LOG", value_name = "FILTER", hide_env_values = true)]
    pub log: Option<String>,
}

/// The settings in the file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct SettingsFile {
    data: Option<PathBuf>,
    database: Option<String>,
    #[serde(deserialize_with = "listen_address")]
    listen: Option<SocketAddr>,
    #[serde(deserialize_with = "web_address")]
    base_url: Option<Url>,
    #[serde(deserialize_with = "parsed")]
    time_zone: Option<Zone>,
    starter: Option<PathBuf>,
    workers: Option<u16>,
    #[serde(deserialize_with = "parsed")]
    poll_every: Option<Pause>,
    #[serde(deserialize_with = "parsed")]
    host_pause: Option<Pause>,
    #[serde(deserialize_with = "parsed")]
    longest_crawl_delay: Option<Pause>,
    #[serde(deserialize_with = "parsed")]
    connect_timeout: Option<Pause>,
    #[serde(deserialize_with = "parsed")]
    first_byte_timeout: Option<Pause>,
    #[serde(deserialize_with = "parsed")]
    total_timeout: Option<Pause>,
    contact: Option<String>,
    #[serde(deserialize_with = "all_parsed")]
    resolve: Vec<Resolve>,
    ca: Vec<PathBuf>,
    allow_private_addresses: Option<bool>,
    allow_port: Vec<u16>,
    #[serde(deserialize_with = "parsed")]
    images: Option<ImagesShown>,
    #[serde(deserialize_with = "parsed")]
    image_cache_limit: Option<Size>,
    #[serde(deserialize_with = "parsed")]
    source_limit: Option<Size>,
    #[serde(deserialize_with = "parsed")]
    archive_limit: Option<Size>,
    embed_with: Option<String>,
    annotate_with: Option<String>,
    check_with: Option<String>,
    model: Vec<ModelRow>,
    mail: Option<MailRow>,
    recipient: Vec<RecipientRow>,
    log: Option<String>,
}

/// A language model in the file: a `[[model]]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRow {
    /// The operator's name for it.
    pub name: String,
    /// The protocol of its server.
    #[serde(deserialize_with = "one_parsed")]
    pub protocol: Protocol,
    /// Its server's address with the version. By default the protocol's usual one.
    #[serde(default, deserialize_with = "parsed")]
    pub url: Option<Url>,
    /// The server's name for it.
    pub model: String,
    /// The key.
    #[serde(default, deserialize_with = "key")]
    pub key: Option<Key>,
    /// The environment variable with the key.
    pub key_env: Option<String>,
    /// Maximum reads per day (UTC).
    pub reads_per_day: Option<u64>,
    /// Maximum tokens per day (UTC), of prompts and replies together.
    pub tokens_per_day: Option<u64>,
    /// Maximum concurrent requests.
    pub concurrency: Option<u16>,
    /// Time limit for one response.
    #[serde(default, deserialize_with = "parsed")]
    pub timeout: Option<Pause>,
    /// Maximum characters of an article in a prompt.
    pub article_characters: Option<usize>,
    /// The prompt: `full` or `short`, or a version of it.
    #[serde(default, deserialize_with = "parsed")]
    pub prompt: Option<PromptVersion>,
}

impl ModelRow {
    /// The server's address.
    pub fn url(&self) -> Url {
        self.url.clone().unwrap_or_else(|| self.protocol.usual_url())
    }

    /// The address without a password that may be in it. Such an address is refused when the model
    /// is set up.
    pub fn shown_url(&self) -> Url {
        let mut url = self.url();
        // An address that cannot have a password has none.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        url
    }
}

impl fmt::Display for ModelRow {
    /// On one line, without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} at {}", self.protocol, self.model, self.shown_url())?;
        match (&self.key, &self.key_env) {
            (Some(_), _) => f.write_str(", key set")?,
            (None, Some(name)) => write!(f, ", key in ${name}")?,
            (None, None) => f.write_str(", no key")?,
        }
        for (what, limit) in [("reads", self.reads_per_day), ("tokens", self.tokens_per_day)] {
            if let Some(limit) = limit {
                write!(f, ", {limit} {what} a day")?;
            }
        }
        Ok(())
    }
}

/// The origin of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The default.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
    /// A flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Environment(name) => write!(f, "${name}"),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// A value with its origin.
#[derive(Clone, Debug)]
pub struct Setting<T> {
    /// The value in force.
    pub value: T,
    /// Its origin.
    pub origin: Origin,
}

/// The settings in force.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration file.
    pub config: Setting<PathBuf>,
    /// The folder with everything that the archive stores.
    pub data: Setting<PathBuf>,
    /// PostgreSQL's address, if it is used.
    pub database: Setting<Option<String>>,
    /// The address on which `serve` listens.
    pub listen: Setting<SocketAddr>,
    /// The address of the pages for people.
    pub base_url: Setting<Option<Url>>,
    /// The time zone that decides a read's week.
    pub time_zone: Setting<Zone>,
    /// A starter list instead of the built-in one.
    pub starter: Setting<Option<PathBuf>>,
    /// Number of workers.
    pub workers: Setting<u16>,
    /// The shortest pause between two polls of a source.
    pub poll_every: Setting<Pause>,
    /// The pause between two requests to a host.
    pub host_pause: Setting<Pause>,
    /// The longest pause that a robots.txt can demand.
    pub longest_crawl_delay: Setting<Pause>,
    /// Time limit for connecting.
    pub connect_timeout: Setting<Pause>,
    /// Time limit until a host starts to respond.
    pub first_byte_timeout: Setting<Pause>,
    /// Time limit for a document.
    pub total_timeout: Setting<Pause>,
    /// How publishers can contact the operator.
    pub contact: Setting<Option<String>>,
    /// Hosts with fixed addresses.
    pub resolve: Setting<Vec<Resolve>>,
    /// Certificate authorities in addition to the system's.
    pub ca: Setting<Vec<PathBuf>>,
    /// Whether requests to private addresses are allowed.
    pub allow_private_addresses: Setting<bool>,
    /// Ports in addition to 80 and 443.
    pub allow_port: Setting<Vec<u16>>,
    /// How images in articles are shown.
    pub images: Setting<ImagesShown>,
    /// Maximum size of the folder of cached images.
    pub image_cache_limit: Setting<Size>,
    /// How much one source may put into the archive.
    pub source_limit: Setting<Size>,
    /// How large the archive may become.
    pub archive_limit: Setting<Size>,
    /// The model that says what texts mean.
    pub embed_with: Setting<Option<String>>,
    /// The model that annotates each new read.
    pub annotate_with: Setting<Option<String>>,
    /// The model that checks what another model wrote.
    pub check_with: Setting<Option<String>>,
    /// Language models.
    pub models: Setting<Vec<ModelRow>>,
    /// The mail server.
    pub mail: Setting<Option<MailRow>>,
    /// Recipients of weeks.
    pub recipients: Setting<Vec<RecipientRow>>,
    /// Whether a command that only reads an archive creates a new one.
    pub create: bool,
    /// The log filter.
    pub log: Setting<Option<String>>,
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file that was named explicitly does not exist or cannot be read.
    #[error("the configuration file {} cannot be read: {why}; check the path, or leave --config out", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's message.
        why: std::io::Error,
    },
    /// The file is malformed.
    #[error("the configuration file {} is malformed: {why}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// Where, and why.
        why: Box<toml::de::Error>,
    },
    /// The system has no folder for our data.
    #[error("this system names no folder for a program's data; name one with --data DIR or $BACKISSUE_DATA")]
    NoHome,
}

/// Selects the value of a setting from flag, file and default.
struct Layers<'a> {
    matches: &'a ArgMatches,
    file: &'a Path,
}

impl Layers<'_> {
    fn one<T>(
        &self,
        name: &str,
        given: Option<T>,
        filed: Option<T>,
        default: impl FnOnce() -> T,
    ) -> Setting<T> {
        if let Some(value) = given {
            return Setting { value, origin: self.origin_of_given(name) };
        }
        match filed {
            Some(value) => Setting { value, origin: Origin::File(self.file.to_owned()) },
            None => Setting { value: default(), origin: Origin::Default },
        }
    }

    fn many<T>(&self, name: &str, given: Vec<T>, filed: Vec<T>) -> Setting<Vec<T>> {
        let some = |values: Vec<T>| (!values.is_empty()).then_some(values);
        self.one(name, some(given), some(filed), Vec::new)
    }

    fn maybe<T>(&self, name: &str, given: Option<T>, filed: Option<T>) -> Setting<Option<T>> {
        self.one(name, given.map(Some), filed.map(Some), || None)
    }

    fn origin_of_given(&self, name: &str) -> Origin {
        match self.matches.value_source(name) {
            Some(ValueSource::EnvVariable) => {
                Origin::Environment(format!("BACKISSUE_{}", name.to_uppercase()))
            }
            _ => Origin::Flag(name.replace('_', "-")),
        }
    }
}

impl Settings {
    /// Resolves the settings: flags take precedence over environment variables, these over the
    /// file, and the file over defaults.
    ///
    /// # Errors
    /// If the configuration file is named but missing or malformed, or if there is no folder for
    /// data.
    pub fn resolve(flags: &SettingFlags, matches: &ArgMatches) -> Result<Self, SettingsError> {
        let home = directories::ProjectDirs::from("", "", "backissue");
        let usual = home.as_ref().map(|h| h.config_dir().join("config.toml"));
        let path = flags.config.clone().or(usual).unwrap_or_else(|| PathBuf::from("backissue.toml"));
        let file = read_file(&path, flags.config.is_some())?;
        let layers = Layers { matches, file: &path };
        let default_data = home.map(|h| h.data_dir().to_owned());
        if flags.data.is_none() && file.data.is_none() && default_data.is_none() {
            return Err(SettingsError::NoHome);
        }
        Ok(Self {
            config: layers.one("config", flags.config.clone(), None, || path.clone()),
            data: layers.one("data", flags.data.clone(), file.data, || default_data.unwrap_or_default()),
            database: layers.maybe("database", flags.database.clone(), file.database),
            listen: layers
                .one("listen", flags.listen, file.listen, || SocketAddr::from(([127, 0, 0, 1], 7878))),
            base_url: layers.maybe("base_url", flags.base_url.clone(), file.base_url),
            time_zone: layers
                .one("time_zone", flags.time_zone.clone(), file.time_zone, || Zone(TimeZone::UTC)),
            starter: layers.maybe("starter", flags.starter.clone(), file.starter),
            workers: layers.one("workers", flags.workers, file.workers, || 8),
            poll_every: layers.one("poll_every", flags.poll_every, file.poll_every, || {
                Pause(SignedDuration::from_hours(1))
            }),
            host_pause: layers
                .one("host_pause", flags.host_pause, file.host_pause, || Pause(SignedDuration::from_secs(1))),
            longest_crawl_delay: layers.one(
                "longest_crawl_delay",
                flags.longest_crawl_delay,
                file.longest_crawl_delay,
                || Pause(SignedDuration::from_mins(1)),
            ),
            connect_timeout: layers.one(
                "connect_timeout",
                flags.connect_timeout,
                file.connect_timeout,
                || Pause(SignedDuration::from_secs(10)),
            ),
            first_byte_timeout: layers.one(
                "first_byte_timeout",
                flags.first_byte_timeout,
                file.first_byte_timeout,
                || Pause(SignedDuration::from_secs(20)),
            ),
            total_timeout: layers.one("total_timeout", flags.total_timeout, file.total_timeout, || {
                Pause(SignedDuration::from_mins(1))
            }),
            contact: layers.maybe("contact", flags.contact.clone(), file.contact),
            resolve: layers.many("resolve", flags.resolve.clone(), file.resolve),
            ca: layers.many("ca", flags.ca.clone(), file.ca),
            allow_private_addresses: layers.one(
                "allow_private_addresses",
                flags.allow_private_addresses,
                file.allow_private_addresses,
                || false,
            ),
            allow_port: layers.many("allow_port", flags.allow_port.clone(), file.allow_port),
            images: layers.one("images", flags.images, file.images, || ImagesShown::Click),
            image_cache_limit: layers.one(
                "image_cache_limit",
                flags.image_cache_limit,
                file.image_cache_limit,
                || Size(500_000_000),
            ),
            source_limit: layers
                .one("source_limit", flags.source_limit, file.source_limit, || Size(1_000_000_000)),
            archive_limit: layers
                .one("archive_limit", flags.archive_limit, file.archive_limit, || Size(100_000_000_000)),
            embed_with: layers.maybe("embed_with", flags.embed_with.clone(), file.embed_with),
            annotate_with: layers.maybe("annotate_with", flags.annotate_with.clone(), file.annotate_with),
            check_with: layers.maybe("check_with", flags.check_with.clone(), file.check_with),
            models: layers.many("model", Vec::new(), file.model),
            mail: layers.maybe("mail", None, file.mail),
            recipients: layers.many("recipient", Vec::new(), file.recipient),
            create: flags.create,
            log: layers.maybe("log", flags.log.clone(), file.log),
        })
    }

    /// The location of the archive.
    ///
    /// # Errors
    /// If the database's address is invalid.
    pub fn location(&self) -> anyhow::Result<Location> {
        match &self.database.value {
            Some(url) => Ok(url.parse()?),
            None => Ok(Location::Sqlite(self.data.value.join("archive.sqlite"))),
        }
    }

    /// All settings as name, value and origin, as `backissue config` prints them.
    pub fn listed(&self) -> Vec<(Cow<'static, str>, String, &Origin)> {
        fn text<T: ToString>(value: &Option<T>) -> String {
            value.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string)
        }
        fn list<T: ToString>(values: &[T]) -> String {
            if values.is_empty() {
                "-".to_owned()
            } else {
                values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
            }
        }
        let path = |p: &Path| p.display().to_string();
        let database = match self.location() {
            Ok(location) => location.to_string(),
            Err(why) => why.to_string(),
        };
        let mut listed: Vec<(Cow<'static, str>, String, &Origin)> = [
            ("config", path(&self.config.value), &self.config.origin),
            ("data", path(&self.data.value), &self.data.origin),
            ("database", database, &self.database.origin),
            ("listen", self.listen.value.to_string(), &self.listen.origin),
            ("base_url", text(&self.base_url.value), &self.base_url.origin),
            ("time_zone", self.time_zone.value.to_string(), &self.time_zone.origin),
            ("starter", text(&self.starter.value.as_deref().map(path)), &self.starter.origin),
            ("workers", self.workers.value.to_string(), &self.workers.origin),
            ("poll_every", self.poll_every.value.to_string(), &self.poll_every.origin),
            ("host_pause", self.host_pause.value.to_string(), &self.host_pause.origin),
            (
                "longest_crawl_delay",
                self.longest_crawl_delay.value.to_string(),
                &self.longest_crawl_delay.origin,
            ),
            ("connect_timeout", self.connect_timeout.value.to_string(), &self.connect_timeout.origin),
            (
                "first_byte_timeout",
                self.first_byte_timeout.value.to_string(),
                &self.first_byte_timeout.origin,
            ),
            ("total_timeout", self.total_timeout.value.to_string(), &self.total_timeout.origin),
            ("contact", text(&self.contact.value), &self.contact.origin),
            ("resolve", list(&self.resolve.value), &self.resolve.origin),
            ("ca", list(&self.ca.value.iter().map(|p| path(p)).collect::<Vec<_>>()), &self.ca.origin),
            (
                "allow_private_addresses",
                self.allow_private_addresses.value.to_string(),
                &self.allow_private_addresses.origin,
            ),
            ("allow_port", list(&self.allow_port.value), &self.allow_port.origin),
            ("images", self.images.value.to_string(), &self.images.origin),
            ("image_cache_limit", self.image_cache_limit.value.to_string(), &self.image_cache_limit.origin),
            ("source_limit", self.source_limit.value.to_string(), &self.source_limit.origin),
            ("archive_limit", self.archive_limit.value.to_string(), &self.archive_limit.origin),
            ("embed_with", text(&self.embed_with.value), &self.embed_with.origin),
            ("annotate_with", text(&self.annotate_with.value), &self.annotate_with.origin),
            ("check_with", text(&self.check_with.value), &self.check_with.origin),
            ("log", text(&self.log.value), &self.log.origin),
        ]
        .into_iter()
        .map(|(name, value, origin)| (Cow::Borrowed(name), value, origin))
        .collect();
        let models = self.models.value.iter();
        listed.extend(
            models.map(|m| (Cow::Owned(format!("model.{}", m.name)), m.to_string(), &self.models.origin)),
        );
        let mail = self.mail.value.iter();
        listed.extend(mail.map(|mail| (Cow::Borrowed("mail"), mail.to_string(), &self.mail.origin)));
        let recipients = self.recipients.value.iter();
        listed.extend(recipients.map(|recipient| {
            let name = Cow::Owned(format!("recipient.{}", recipient.name));
            (name, recipient.to_string(), &self.recipients.origin)
        }));
        listed
    }
}

fn read_file(path: &Path, named: bool) -> Result<SettingsFile, SettingsError> {
    let text = match text::of_file(path) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound && !named => {
            return Ok(SettingsFile::default());
        }
        Err(why) => return Err(SettingsError::Unreadable { path: path.to_owned(), why }),
    };
    toml::from_str(&text).map_err(|why| SettingsError::Form { path: path.to_owned(), why: Box::new(why) })
}

pub(crate) fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

fn listen_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    values::listen_address(&String::deserialize(deserializer)?).map(Some).map_err(serde::de::Error::custom)
}

fn web_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    values::web_address(&String::deserialize(deserializer)?).map(Some).map_err(serde::de::Error::custom)
}

pub(crate) fn one_parsed<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

fn key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Key>, D::Error> {
    Ok(Some(Key::new(&String::deserialize(deserializer)?)))
}

fn all_parsed<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|t| t.parse().map_err(serde::de::Error::custom)).collect()
}

/// A time zone by its IANA name.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(pub TimeZone);

impl FromStr for Zone {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        TimeZone::get(name).map(Self).map_err(|_| {
            format!("`{name}` is not a time zone; write an IANA name such as UTC or Europe/Berlin")
        })
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

/// A duration such as `90s`, `15m`, `1h 30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause(pub SignedDuration);

impl FromStr for Pause {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pause: Result<SignedDuration, _> = text.parse();
        pause
            .ok()
            .filter(|p| !p.is_negative())
            .map(Self)
            .ok_or_else(|| format!("`{text}` is not a length of time; write for example 90s, 15m or 1h 30m"))
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.0)
    }
}

/// How images in articles are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImagesShown {
    /// They load from their servers.
    Load,
    /// They load from their servers if a reader requests it.
    Click,
    /// The program fetches, keeps and serves them.
    Cache,
}

impl FromStr for ImagesShown {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "load" => Ok(Self::Load),
            "click" => Ok(Self::Click),
            "cache" => Ok(Self::Cache),
            _ => Err(format!("`{text}` is no way to show images; write load, click or cache")),
        }
    }
}

impl fmt::Display for ImagesShown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Load => "load",
            Self::Click => "click",
            Self::Cache => "cache",
        })
    }
}

/// A number of bytes such as `800 kB`, `500 MB`, `2 GB`, in powers of a thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// Units of size, longest and largest first.
const UNITS: [(&str, u64); 4] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000), ("B", 1)];

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = |(unit, bytes): &(&str, u64)| {
            let (number, end) = text.split_at_checked(text.len().checked_sub(unit.len())?)?;
            let number: u64 = number.trim().parse().ok().filter(|_| end.eq_ignore_ascii_case(unit))?;
            number.checked_mul(*bytes)
        };
        let size = UNITS.iter().find_map(read);
        size.map(Self).ok_or_else(|| format!("`{text}` is no size; write for example 500 MB or 2 GB"))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = |(_, bytes): &&(&str, u64)| self.0.is_multiple_of(*bytes);
        let (unit, bytes) = UNITS.iter().find(whole).unwrap_or(&UNITS[3]);
        write!(f, "{} {unit}", self.0 / bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, command_line};
    use clap::FromArgMatches;

    fn settings(arguments: &[&str]) -> Result<Settings, SettingsError> {
        let words = ["backissue", "config"].iter().chain(arguments);
        let matches = command_line().try_get_matches_from(words).unwrap();
        let parsed = Arguments::from_arg_matches(&matches).unwrap();
        Settings::resolve(&parsed.settings, &matches)
    }

    fn file(text: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let path = path.display().to_string();
        (folder, path)
    }

    #[test]
    fn flag_precedes_file_and_file_precedes_default() {
        let (_folder, path) =
            file("listen = '127.0.0.1:1000'\npoll_every = '2h'\nresolve = ['a.example:443:127.0.0.1:8443']");
        let settings = settings(&["--config", &path, "--listen", "127.0.0.1:2000"]).unwrap();
        assert_eq!(settings.listen.value.port(), 2000);
        assert_eq!(settings.listen.origin, Origin::Flag("listen".into()));
        assert_eq!(settings.poll_every.value, Pause(SignedDuration::from_hours(2)));
        assert_eq!(settings.poll_every.origin, Origin::File(path.into()));
        assert_eq!(settings.resolve.value.len(), 1);
        assert_eq!(settings.workers.origin, Origin::Default);
    }

    #[test]
    fn wrong_line_in_the_file_is_named() {
        for (text, word) in [
            ("lisen = 'x'", "lisen"),
            ("time_zone = 'Mars/Olympus'", "Mars/Olympus"),
            ("poll_every = '-1h'", "-1h"),
            ("images = 'never'", "never"),
            ("image_cache_limit = '500'", "500"),
            ("[[model]]\nname = 'a'\nprotocol = 'smoke'\nmodel = 'm'", "smoke"),
            ("[[model]]\nname = 'a'\nprotocol = 'openai'\nmodel = 'm'\nkeys = 'x'", "keys"),
            ("[mail]\nserver = 'smtps://a'\nfrom = 'a@b'\nport = 1", "port"),
            ("[[recipient]]\nname = 'a'\nchat = 'fax'", "mattermost"),
            ("[[recipient]]\nname = 'a'\nweekday = 'someday'", "monday"),
            ("[[recipient]]\nname = 'a'\nat = 'noon'", "08:00"),
        ] {
            let (_folder, path) = file(text);
            let error = settings(&["--config", &path]).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains(&path), "{error}");
        }
    }

    #[test]
    fn explicitly_named_file_must_exist() {
        assert!(matches!(
            settings(&["--config", "/nowhere/at/all.toml"]),
            Err(SettingsError::Unreadable { .. })
        ));
    }

    #[test]
    fn every_setting_is_listed() {
        let listed = settings(&["--data", "/d"]).unwrap();
        let names: Vec<_> = listed.listed().into_iter().map(|(name, ..)| name).collect();
        let flags = command_line();
        for flag in flags.get_arguments().filter(|a| a.is_global_set() && a.get_id() != "create") {
            assert!(names.iter().any(|n| n == flag.get_id().as_str()), "{} is not listed", flag.get_id());
        }
    }

    #[test]
    fn models_are_listed_without_their_keys() {
        let (_folder, path) = file(
            "annotate_with = 'a'\n[[model]]\nname = 'a'\nprotocol = 'openai'\nurl = 'http://me:secret@127.0.0.1:11434/v1'\n\
             model = 'm:7b'\nkey = 'secret'\nreads_per_day = 20\ntimeout = '3m'\n\
             [[model]]\nname = 'b'\nprotocol = 'gemini'\nmodel = 'g'\nkey_env = 'KEY'",
        );
        let settings = settings(&["--config", &path]).unwrap();
        let listed = settings.listed();
        let value = |name: &str| listed.iter().find(|(n, ..)| n == name).unwrap().1.clone();
        assert_eq!(value("annotate_with"), "a");
        assert_eq!(value("model.a"), "openai m:7b at http://127.0.0.1:11434/v1, key set, 20 reads a day");
        assert!(value("model.b").ends_with(", key in $KEY"), "{}", value("model.b"));
        assert!(!format!("{:?}", settings.models.value[0].key).contains("secret"));
    }

    #[test]
    fn sizes_round_trip_with_their_unit() {
        for (text, bytes, back) in [
            ("500 MB", 500_000_000, "500 MB"),
            ("2gb", 2_000_000_000, "2 GB"),
            ("1500kB", 1_500_000, "1500 kB"),
            ("12 B", 12, "12 B"),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!((size.0, size.to_string().as_str()), (bytes, back));
        }
        for text in ["", "500", "MB", "-1 MB", "1.5 GB", "99999999999999 GB", "5 Mé", "é"] {
            assert!(text.parse::<Size>().is_err(), "{text}");
        }
    }

    #[test]
    fn command_line_is_consistent() {
        command_line().debug_assert();
    }
}
