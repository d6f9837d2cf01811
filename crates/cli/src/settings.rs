//! The settings, from a TOML file, environment variables and flags, in increasing order of
//! precedence. One table declares them all: the call of `settings!`.

use std::borrow::Cow;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use axum::http::HeaderName;
use backissue_fetch::Resolve;
use backissue_ingest::BUILT_IN;
use backissue_llm::Secret;
use backissue_model::Days;
use backissue_model::did_you_mean;
use backissue_store::Location;
use backissue_web::{Network, Public};
use clap::builder::ValueParser;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, value_parser};
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::rows::{MailRow, ModelRow, RecipientRow};
use crate::text;
use crate::values::{self, HowMany, ImagesShown, LogFormat, ModelServers, Pause, Size, UnknownUsers, Zone};

/// Declares the settings. The table below gives the flags, the environment variables, the keys of
/// the file, the help, the defaults, [`Settings`] and what `backissue config` prints.
///
/// A row is `kind name: Type = default, placeholder, parser`, below its help. The kind `one` always
/// has a value, `maybe` can have none, and `many` has any number. Without a parser, the type's
/// `FromStr` parses the value.
macro_rules! settings {
    ($(
        $(#[doc = $help:literal])+
        $kind:ident $name:ident: $type:ident $(= $default:literal)?, $placeholder:literal $(, $parser:expr)?;
    )+) => {
        /// The settings in force.
        #[derive(Clone, Debug)]
        pub struct Settings {
            /// The configuration file.
            pub config: Setting<PathBuf>,
            $($(#[doc = $help])+ pub $name: Setting<settings!(@value $kind $type)>,)+
            /// Language models.
            pub models: Setting<Vec<ModelRow>>,
            /// The mail server.
            pub mail: Setting<Option<MailRow>>,
            /// Recipients of weeks.
            pub recipients: Setting<Vec<RecipientRow>>,
            /// Whether a command that only reads an archive creates a new one.
            pub create: bool,
        }

        /// The settings as flags and environment variables.
        pub fn flags() -> Vec<Arg> {
            let create = "Create a new archive if there is none; `serve`, `sync`, `follow` and `import` always do";
            vec![
                flag("config", "FILE", "The configuration file", "").value_parser(value_parser!(PathBuf)),
                $({
                    let help = concat!($($help),+);
                    let flag = flag(stringify!($name), $placeholder, help, concat!("" $(, $default)?));
                    let flag = flag.value_parser(settings!(@flag $type $(, $parser)?));
                    match (stringify!($kind), stringify!($type)) {
                        ("many", _) => flag.value_delimiter(' ').action(ArgAction::Append),
                        // The flag alone means true.
                        (_, "bool") => flag.num_args(0..=1).require_equals(true).default_missing_value("true"),
                        _ => flag,
                    }
                },)+
                Arg::new("create").long("create").global(true).action(ArgAction::SetTrue).help(create),
            ]
        }

        /// The settings in the file. A setting has its values, none if the file does not have it.
        #[derive(Debug, Default)]
        struct SettingsFile {
            $($name: Vec<$type>,)+
            model: Vec<ModelRow>,
            mail: Option<MailRow>,
            recipient: Vec<RecipientRow>,
        }

        /// The keys of the file.
        const KEYS: &[&str] = &[$(stringify!($name),)+ "model", "mail", "recipient"];

        impl SettingsFile {
            /// Reads the value of a key that is one of [`KEYS`].
            fn read<'de, A: MapAccess<'de>>(&mut self, key: &str, map: &mut A) -> Result<(), A::Error> {
                match key {
                    $(stringify!($name) => {
                        let parse = settings!(@parse $type $(, $parser)?);
                        let many = stringify!($kind) == "many";
                        self.$name = map.next_value_seed(Parsed { parse, many })?;
                    })+
                    "model" => self.model = map.next_value()?,
                    "mail" => self.mail = map.next_value()?,
                    _ => self.recipient = map.next_value()?,
                }
                Ok(())
            }
        }

        impl Settings {
            fn of(layers: &Layers<'_>, file: SettingsFile) -> Self {
                Self {
                    config: Setting { value: layers.file.to_owned(), origin: layers.origin("config") },
                    $($name: settings!(
                        @in_force $kind layers.in_force(stringify!($name), file.$name),
                        settings!(@parse $type $(, $parser)?)(concat!("" $(, $default)?))
                    ),)+
                    models: layers.filed(file.model),
                    mail: layers.filed(file.mail.into_iter().collect()).map(first),
                    recipients: layers.filed(file.recipient),
                    create: layers.matches.get_flag("create"),
                }
            }

            /// The rows of the table as `backissue config` prints them.
            fn rows(&self) -> Vec<(Cow<'static, str>, String, &Origin)> {
                vec![
                    ("config".into(), self.config.value.shown(), &self.config.origin),
                    $((stringify!($name).into(), self.$name.value.shown(), &self.$name.origin),)+
                ]
            }
        }
    };
    (@value one $type:ident) => { $type };
    (@value maybe $type:ident) => { Option<$type> };
    (@value many $type:ident) => { Vec<$type> };
    (@in_force one $values:expr, $default:expr) => {
        $values.map(|values| first(values).unwrap_or_else(|| $default.expect("a default in the table is valid")))
    };
    (@in_force maybe $values:expr, $default:expr) => { $values.map(first) };
    (@in_force many $values:expr, $default:expr) => { $values };
    (@flag $type:ident) => { value_parser!($type) };
    (@flag $type:ident, $parser:expr) => { ValueParser::new($parser) };
    (@parse $type:ident) => { |text: &str| text.parse::<$type>().map_err(|why| why.to_string()) };
    (@parse $type:ident, $parser:expr) => { $parser };
}

settings! {
    /// The folder with everything that the archive stores
    // The default is the system's folder for data: `Settings::resolve`.
    one data: PathBuf = "", "DIR";
    /// PostgreSQL instead of the SQLite file in the data folder, as postgres://user@host/database
    maybe database: String, "URL";
    /// The address on which `serve` listens
    one listen: SocketAddr = "127.0.0.1:7878", "ADDRESS", values::listen_address;
    /// The address of the pages for people, if they are behind a proxy. If it is public, hubs that
    /// feeds name (WebSub) are requested to send notifications there
    maybe base_url: Url, "URL", values::base_url;
    /// The time zone that decides a read's week
    one time_zone: Zone = "UTC", "ZONE";
    /// A starter list instead of the built-in one
    maybe starter: PathBuf, "FILE";
    /// How many things to do at the same time
    one workers: u16 = "8", "N", values::whole::<u16>(1, 256);
    /// The shortest pause between two polls of a source; the actual pause, up to a day, depends on
    /// how often it publishes
    one poll_every: Pause = "1h", "TIME";
    /// The pause between two requests to one host
    one host_pause: Pause = "1s", "TIME";
    /// The longest pause that a publisher can demand in robots.txt (Crawl-delay)
    one longest_crawl_delay: Pause = "1m", "TIME";
    /// Time limit for resolving and connecting to a host
    one connect_timeout: Pause = "10s", "TIME";
    /// Time limit until a host starts to respond, connecting included
    one first_byte_timeout: Pause = "20s", "TIME";
    /// Time limit for a document, redirects included
    one total_timeout: Pause = "1m", "TIME";
    /// How long the work of a process that died waits until others take it over, with PostgreSQL;
    /// at least eight times total_timeout unless it is set
    one lease: Pause = "10m", "TIME";
    /// An address or e-mail in our requests, by which publishers can contact you
    maybe contact: String, "TEXT";
    /// Connect to ADDRESS for HOST:PORT, like curl's --resolve; ADDRESS may have its own port;
    /// repeatable
    many resolve: Resolve, "HOST:PORT:ADDRESS";
    /// A file with certificate authorities to trust in addition to the system's (PEM); repeatable
    many ca: PathBuf, "FILE";
    /// Allow feeds and pages to lead into the private network
    one allow_private_addresses: bool = "false", "BOOL";
    /// A port to allow in addition to 80 and 443; repeatable
    many allow_port: u16, "PORT", values::whole::<u16>(1, 65535);
    /// Images in articles: load (from their servers), click (the same, when you request it), cache
    /// (`serve` fetches and keeps them)
    one images: ImagesShown = "click", "HOW";
    /// What strangers see if others can reach the pages: off (nothing), statements (problems,
    /// quotes and links, no articles), articles [default: off with a password, articles without]
    maybe public: Public, "WHAT";
    /// Who reads: one (without a login on this machine) or several, each with an account, made with
    /// `backissue reader add`
    one readers: HowMany = "one", "HOW-MANY";
    /// With several readers: whether those who are no operators can save pages
    one readers_save: bool = "true", "BOOL";
    /// How many requests per minute a program may send with a token
    one requests_per_minute: u32 = "600", "N", values::whole::<u32>(1, 1_000_000);
    /// The networks of reverse proxies that are believed about client addresses
    /// (X-Forwarded-For) and users; repeatable [default: this machine, about addresses only]
    many trusted_proxies: Network, "NETWORK";
    /// The header in which trusted proxies name the reader, such as Remote-User; needs readers =
    /// "several"
    maybe proxy_user_header: HeaderName, "HEADER", values::header_name;
    /// What happens to a proxy's user without an account: refuse, or reader (gets one)
    one proxy_unknown_users: UnknownUsers = "refuse", "WHAT";
    /// The OpenID Connect provider where readers can log in too: its issuer, letter by letter as it
    /// names itself; needs readers = "several" and base_url
    maybe openid_issuer: String, "URL", values::issuer;
    /// The client id that the provider gave this program
    maybe openid_client: String, "ID";
    /// The client secret that the provider gave this program; rather in the file or the variable
    maybe openid_secret: Secret, "SECRET", values::secret;
    /// A file with the client secret
    maybe openid_secret_file: PathBuf, "FILE";
    /// What the button of the login calls the provider [default: its host]
    maybe openid_name: String, "NAME";
    /// What happens to a person at the provider whom no reader is linked with: refuse, or reader
    /// (becomes one)
    one openid_unknown_users: UnknownUsers = "refuse", "WHAT";
    /// A domain of verified mail addresses whose owners become readers, with
    /// openid_unknown_users = "reader"; repeatable [default: all]
    many openid_domains: String, "DOMAIN", values::domain;
    /// Maximum size of the folder of cached images
    one image_cache_limit: Size = "500 MB", "SIZE";
    /// How much memory finished pages may take; 0 MB keeps none
    one page_cache: Size = "32 MB", "SIZE";
    /// How much one source may put into the archive; it is asked for no more from then on
    one source_limit: Size = "1 GB", "SIZE";
    /// How large the archive may become; nothing is fetched from then on
    one archive_limit: Size = "100 GB", "SIZE";
    /// How long after its publication an article stays, such as 90d, 26w or 2y; then its HTML goes,
    /// and everything else of the read stays [default: for ever]
    maybe keep_articles: Days, "AGE";
    /// How much articles may take together; then the HTML of the oldest goes [default: no limit]
    maybe keep_articles_size: Size, "SIZE";
    /// The model, by its name in the configuration file, that says what texts mean, instead of the
    /// built-in embedder; its server must have `/embeddings`
    maybe embed_with: String, "MODEL";
    /// The model, by its name in the configuration file, that annotates each new read after the
    /// built-in annotator; `built-in` for none
    maybe annotate_with: String, "MODEL";
    /// The model, by its name in the configuration file, that checks the statements of the model
    /// that annotates [default: the same model]
    maybe check_with: String, "MODEL";
    /// Where to look for model servers on this machine, or none
    one model_servers: ModelServers =
        "ollama=http://127.0.0.1:11434 lmstudio=http://127.0.0.1:1234 llamacpp=http://127.0.0.1:8080",
        "SERVERS";
    /// How long new answers to a saved search are gathered before they are sent as one message
    one gather_answers: Pause = "2m", "TIME";
    /// What to log on standard error: error, warn, info, debug, or a filter such as
    /// backissue_ingest=debug [default: $RUST_LOG]
    maybe log: String, "FILTER";
    /// The form of the log: text, or json (an object per line)
    one log_format: LogFormat = "text", "FORM";
    /// The token with which Prometheus requests `/metrics`; without it, only operators can
    maybe metrics_token: Secret, "TOKEN", values::token;
}

/// A flag with its environment variable. The name of the flag has `-` for `_`.
fn flag(name: &'static str, placeholder: &'static str, help: &str, default: &str) -> Arg {
    let default = if default.is_empty() { String::new() } else { format!(" [default: {default}]") };
    Arg::new(name)
        .long(name.replace('_', "-"))
        .env(variable(name))
        .hide_env_values(true)
        .global(true)
        .value_name(placeholder)
        .help(format!("{}{default}", help.trim()))
}

/// The environment variable of a setting.
fn variable(name: &str) -> String {
    format!("BACKISSUE_{}", name.to_uppercase())
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

impl<T> Setting<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Setting<U> {
        Setting { value: change(self.value), origin: self.origin }
    }
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
        /// Where, and why. It does not quote the line, which may have a password.
        why: String,
    },
    /// The system has no folder for our data.
    #[error("this system names no folder for a program's data; name one with --data DIR or $BACKISSUE_DATA")]
    NoHome,
}

/// Where values come from, except the file's.
struct Layers<'a> {
    matches: &'a ArgMatches,
    file: &'a Path,
}

impl Layers<'_> {
    /// The origin of a setting that the file does not have.
    fn origin(&self, name: &str) -> Origin {
        match self.matches.value_source(name) {
            Some(ValueSource::EnvVariable) => Origin::Environment(variable(name)),
            Some(_) => Origin::Flag(name.replace('_', "-")),
            None => Origin::Default,
        }
    }

    /// The values in the file.
    fn filed<T>(&self, value: Vec<T>) -> Setting<Vec<T>> {
        let origin = if value.is_empty() { Origin::Default } else { Origin::File(self.file.to_owned()) };
        Setting { value, origin }
    }

    /// The values that take precedence.
    fn in_force<T: Clone + Send + Sync + 'static>(&self, name: &str, filed: Vec<T>) -> Setting<Vec<T>> {
        match self.matches.get_many(name) {
            Some(given) => Setting { value: given.cloned().collect(), origin: self.origin(name) },
            None => self.filed(filed),
        }
    }
}

fn first<T>(values: Vec<T>) -> Option<T> {
    values.into_iter().next()
}

impl Settings {
    /// Resolves the settings: flags take precedence over environment variables, these over the
    /// file, and the file over defaults.
    ///
    /// # Errors
    /// If the configuration file is named but missing or malformed, or if there is no folder for
    /// data.
    pub fn resolve(matches: &ArgMatches) -> Result<Self, SettingsError> {
        let home = directories::ProjectDirs::from("", "", "backissue");
        let named: Option<&PathBuf> = matches.get_one("config");
        let usual = home.as_ref().map(|home| home.config_dir().join("config.toml"));
        let path = named.cloned().or(usual).unwrap_or_else(|| PathBuf::from("backissue.toml"));
        let file = read_file(&path, named.is_some())?;
        let mut settings = Self::of(&Layers { matches, file: &path }, file);
        if settings.data.origin == Origin::Default {
            settings.data.value = home.ok_or(SettingsError::NoHome)?.data_dir().to_owned();
        }
        // The annotator that needs no model can overrule a setting of lower precedence.
        settings.annotate_with.value.take_if(|name| name == BUILT_IN);
        Ok(settings)
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
        let mut listed = self.rows();
        for (_, value, _) in listed.iter_mut().filter(|(name, ..)| name == "database") {
            // Without the password that its address may have.
            *value = self.location().map_or_else(|why| why.to_string(), |location| location.to_string());
        }
        let models = self.models.value.iter();
        listed
            .extend(models.map(|m| (format!("model.{}", m.name).into(), m.to_string(), &self.models.origin)));
        let mail = self.mail.value.iter();
        listed.extend(mail.map(|mail| ("mail".into(), mail.to_string(), &self.mail.origin)));
        let recipients = self.recipients.value.iter();
        listed.extend(recipients.map(|recipient| {
            let name = format!("recipient.{}", recipient.name);
            (name.into(), recipient.to_string(), &self.recipients.origin)
        }));
        listed
    }
}

/// A value as `backissue config` prints it.
trait Shown {
    fn shown(&self) -> String;
}

macro_rules! shown_by_display {
    ($($type:ty),+) => { $(impl Shown for $type {
        fn shown(&self) -> String {
            self.to_string()
        }
    })+ };
}

shown_by_display!(
    String, u16, u32, bool, SocketAddr, Url, Resolve, Zone, Pause, ImagesShown, HowMany, LogFormat,
    HeaderName, Network, Public, Days, UnknownUsers, Size, ModelServers
);

impl Shown for Secret {
    fn shown(&self) -> String {
        "(set)".to_owned()
    }
}

impl Shown for PathBuf {
    fn shown(&self) -> String {
        self.display().to_string()
    }
}

impl<T: Shown> Shown for Option<T> {
    fn shown(&self) -> String {
        self.as_ref().map_or_else(|| "-".to_owned(), T::shown)
    }
}

impl<T: Shown> Shown for Vec<T> {
    fn shown(&self) -> String {
        let all: Vec<String> = self.iter().map(T::shown).collect();
        if all.is_empty() { "-".to_owned() } else { all.join(" ") }
    }
}

/// Checks the text of a configuration file.
///
/// # Errors
/// Where it is malformed, without the line itself.
pub fn check_file(text: &str) -> Result<(), String> {
    parse_file(text).map(|_| ())
}

fn parse_file(text: &str) -> Result<SettingsFile, String> {
    toml::from_str(text).map_err(|why| {
        let line = why.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        let message = unknown_key(why.message()).unwrap_or_else(|| why.message().to_owned());
        line.map_or_else(|| message.clone(), |line| format!("line {line}: {message}"))
    })
}

/// What to say of a key that the parser does not know, instead of naming all known ones.
fn unknown_key(message: &str) -> Option<String> {
    let (key, known) = message.strip_prefix("unknown field `")?.split_once("`, expected ")?;
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    let meant = did_you_mean(key, known);
    Some(format!(
        "there is no setting `{key}` here{meant}; README.md lists them, `backissue config` those in force"
    ))
}

fn read_file(path: &Path, named: bool) -> Result<SettingsFile, SettingsError> {
    let text = match text::of_file(path) {
        Ok(text) => text,
        Err(why) if why.kind() == std::io::ErrorKind::NotFound && !named => {
            return Ok(SettingsFile::default());
        }
        Err(why) => return Err(SettingsError::Unreadable { path: path.to_owned(), why }),
    };
    parse_file(&text).map_err(|why| SettingsError::Form { path: path.to_owned(), why })
}

impl<'de> Deserialize<'de> for SettingsFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;

        impl<'de> Visitor<'de> for Rows {
            type Value = SettingsFile;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("settings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SettingsFile, A::Error> {
                let mut file = SettingsFile::default();
                while let Some(KnownKey(key)) = map.next_key()? {
                    file.read(&key, &mut map)?;
                }
                Ok(file)
            }
        }
        deserializer.deserialize_map(Rows)
    }
}

/// One of [`KEYS`].
struct KnownKey(String);

impl<'de> Deserialize<'de> for KnownKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        if KEYS.contains(&key.as_str()) { Ok(Self(key)) } else { Err(D::Error::unknown_field(&key, KEYS)) }
    }
}

/// Parses a setting's values in the file as those of its flag are parsed.
struct Parsed<F> {
    parse: F,
    /// Whether the file has a list of them.
    many: bool,
}

impl<'de, T, F: Fn(&str) -> Result<T, String>> DeserializeSeed<'de> for Parsed<F> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        let values = match Filed::deserialize(deserializer)? {
            Filed::List(values) if self.many => values,
            Filed::One(value) if !self.many => vec![value],
            _ => {
                return Err(D::Error::custom(if self.many {
                    "this must be a list"
                } else {
                    "this must be no list"
                }));
            }
        };
        let parse = |value: &FiledValue| (self.parse)(&value.text()).map_err(D::Error::custom);
        values.iter().map(parse).collect()
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a text, a number, true, false, or a list of them")]
enum Filed {
    One(FiledValue),
    List(Vec<FiledValue>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FiledValue {
    Text(String),
    Number(i64),
    Flag(bool),
}

impl FiledValue {
    fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => text.into(),
            Self::Number(number) => number.to_string().into(),
            Self::Flag(flag) => flag.to_string().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::args::command_line;

    fn settings(arguments: &[&str]) -> Result<Settings, SettingsError> {
        let words = ["backissue", "config"].iter().chain(arguments);
        let matches = command_line().try_get_matches_from(words).unwrap();
        Settings::resolve(&matches)
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
        let (_folder, path) = file(
            "listen = '127.0.0.1:1000'\npoll_every = '2h'\nresolve = ['a.example:443:127.0.0.1:8443']\nallow_port = [81]",
        );
        let settings = settings(&["--config", &path, "--listen", "127.0.0.1:2000"]).unwrap();
        assert_eq!(settings.listen.value.port(), 2000);
        assert_eq!(settings.listen.origin, Origin::Flag("listen".into()));
        assert_eq!(settings.poll_every.value, Pause(SignedDuration::from_hours(2)));
        assert_eq!(settings.poll_every.origin, Origin::File(path.into()));
        assert_eq!(
            (settings.resolve.value.len(), settings.allow_port.value.as_slice()),
            (1, [81].as_slice())
        );
        assert_eq!(settings.workers.origin, Origin::Default);
    }

    #[test]
    fn wrong_line_in_the_file_is_named() {
        for (text, word) in [
            ("lisen = 'x'", "lisen"),
            ("time_zone = 'Mars/Olympus'", "Mars/Olympus"),
            ("poll_every = '-1h'", "-1h"),
            ("images = 'never'", "never"),
            ("workers = 0", "from 1 to 256"),
            ("workers = 1.5", "a number"),
            ("listen = ['7878']", "no list"),
            ("allow_port = 8443", "a list"),
            ("image_cache_limit = '500'", "500"),
            ("[[model]]\nname = 'a'\nprotocol = 'smoke'\nmodel = 'm'", "smoke"),
            ("[[model]]\nname = 'a'\nprotocol = 'openai'\nmodel = 'm'\nkeys = 'x'", "keys"),
            (
                "[[model]]\nname = 'a'\nprotocol = 'openai'\nmodel = 'm'\ninput_price = -1",
                "per million tokens",
            ),
            ("model_servers = 'ollama=http://192.168.0.7:11434'", "[[model]]"),
            ("[mail]\nserver = 'smtps://a'\nfrom = 'a@b'\nport = 1", "port"),
            ("[[recipient]]\nname = 'a'\nchat = 'fax'", "mattermost"),
            ("[[recipient]]\nname = 'a'\nweekday = 'someday'", "monday"),
            ("[[recipient]]\nname = 'a'\nat = 'noon'", "08:00"),
            ("[[recipient]]\nname = 'a'\nmost = -1", "no number of reads"),
        ] {
            let (_folder, path) = file(text);
            let error = settings(&["--config", &path]).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains(&path), "{error}");
        }
    }

    #[test]
    fn secret_on_a_wrong_line_is_not_quoted() {
        for line in ["password = 'hunter2' oops", "pasword = 'hunter2'", "password = 'hunter2"] {
            let (_folder, path) = file(&format!("[mail]\nserver = 'smtps://a'\nfrom = 'a@b'\n{line}"));
            let error = settings(&["--config", &path]).unwrap_err();
            assert!(!format!("{error:?} {error}").contains("hunter2"), "{error}");
            assert!(error.to_string().contains("line "), "{error}");
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
    fn built_in_annotator_overrules_the_file() {
        let (_folder, path) = file("annotate_with = 'a'\nmodel_servers = 'none'");
        assert_eq!(settings(&["--config", &path]).unwrap().annotate_with.value.as_deref(), Some("a"));
        let overruled = settings(&["--config", &path, "--annotate-with", "built-in"]).unwrap();
        assert_eq!(overruled.annotate_with.value, None);
        assert_eq!(overruled.annotate_with.origin, Origin::Flag("annotate-with".into()));
        assert_eq!(overruled.model_servers.value.to_string(), "none");
    }

    #[test]
    fn model_servers_are_looked_for_at_their_usual_ports() {
        let (_folder, path) = file("");
        let usual = settings(&["--config", &path]).unwrap().model_servers.value;
        assert_eq!(usual, ModelServers(backissue_llm::LocalServer::usual()));
        assert_eq!(usual.to_string().parse(), Ok(usual));
    }

    #[test]
    fn command_line_is_consistent() {
        command_line().debug_assert();
    }
}
