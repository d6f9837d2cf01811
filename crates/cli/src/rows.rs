//! The tables of the configuration file for language models, the mail server and recipients.

use std::fmt;
use std::str::FromStr;

use backissue_annotate::asking::PromptVersion;
use backissue_digest::chat::Service;
use backissue_llm::{Protocol, Secret};
use backissue_model::{ReaderName, without_credentials};
use jiff::civil::{Time, Weekday};
use jiff::fmt::strtime;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::values::{Pause, Zone};

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
    #[serde(default, deserialize_with = "secret")]
    pub key: Option<Secret>,
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
    /// Dollars per million tokens of prompts.
    #[serde(default, deserialize_with = "price")]
    pub input_price: Option<f64>,
    /// Dollars per million tokens of replies.
    #[serde(default, deserialize_with = "price")]
    pub output_price: Option<f64>,
    /// Dollars per million tokens of prompts that the server had in its cache.
    #[serde(default, deserialize_with = "price")]
    pub cached_price: Option<f64>,
}

impl ModelRow {
    /// A row with these values and no others.
    pub fn new(name: &str, protocol: Protocol, model: &str) -> Self {
        Self {
            name: name.to_owned(),
            protocol,
            url: None,
            model: model.to_owned(),
            key: None,
            key_env: None,
            reads_per_day: None,
            tokens_per_day: None,
            concurrency: None,
            timeout: None,
            article_characters: None,
            prompt: None,
            input_price: None,
            output_price: None,
            cached_price: None,
        }
    }

    /// Whether the model runs on this machine: its server does, and does not pass prompts on, as
    /// Ollama does for models whose names end in `cloud`.
    pub fn is_on_this_machine(&self) -> bool {
        let is_passed_on = self.protocol == Protocol::Ollama && self.model.ends_with("cloud");
        !is_passed_on && backissue_llm::is_on_this_machine(&self.url())
    }

    /// The server's address.
    pub fn url(&self) -> Url {
        self.url.clone().unwrap_or_else(|| self.protocol.usual_url())
    }

    /// The address without a password or key. (A password in it is refused when the model is set
    /// up.)
    pub fn shown_url(&self) -> Url {
        let mut url = without_credentials(&self.url());
        url.set_query(None);
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
        if let (Some(input), Some(output)) = (self.input_price, self.output_price) {
            write!(f, ", ${input} and ${output} per million tokens")?;
        }
        Ok(())
    }
}

fn parsed<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    one_parsed(deserializer).map(Some)
}

fn one_parsed<'de, D: Deserializer<'de>, T: FromStr<Err: fmt::Display>>(
    deserializer: D,
) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

fn price<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let price = f64::deserialize(deserializer)?;
    if price.is_finite() && price >= 0.0 {
        return Ok(Some(price));
    }
    Err(D::Error::custom(format!("{price} is no price; write dollars per million tokens, for example 0.25")))
}

/// The mail server: the table `[mail]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailRow {
    /// The server, as `smtps://mail.example.org` or `sendmail:/usr/sbin/sendmail`.
    #[serde(deserialize_with = "one_parsed")]
    pub server: Url,
    /// The user name, if the server wants one.
    pub user: Option<String>,
    /// The password itself.
    #[serde(default, deserialize_with = "secret")]
    pub password: Option<Secret>,
    /// The environment variable that holds the password.
    pub password_env: Option<String>,
    /// The sender of mails.
    pub from: String,
}

/// A recipient of weeks: a table `[[recipient]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecipientRow {
    /// Its name.
    pub name: String,
    /// A mail address.
    pub mail: Option<String>,
    /// Whether the row stands for everybody who subscribes on `/subscribe`.
    #[serde(default)]
    pub subscribers: bool,
    /// A chat service.
    #[serde(default, deserialize_with = "parsed")]
    pub chat: Option<Service>,
    /// The secret address of the service's webhook.
    #[serde(default, deserialize_with = "secret")]
    pub url: Option<Secret>,
    /// The environment variable that holds the address.
    pub url_env: Option<String>,
    /// The key that signs messages to a webhook, or the access token of Matrix.
    #[serde(default, deserialize_with = "secret")]
    pub key: Option<Secret>,
    /// The environment variable that holds the key.
    pub key_env: Option<String>,
    /// The Matrix room.
    pub room: Option<String>,
    /// Only reads with one of these concepts.
    #[serde(default)]
    pub concepts: Vec<String>,
    /// Only reads that answer the saved search of this name.
    pub search: Option<String>,
    /// Whether the reader's marks, labels and concepts affect the digest.
    #[serde(default)]
    pub mine: bool,
    /// Only reads with one of the reader's concepts.
    #[serde(default)]
    pub my_concepts: bool,
    /// The reader whose marks, concepts and saved searches are used. By default the first operator.
    #[serde(default, deserialize_with = "parsed")]
    pub reader: Option<ReaderName>,
    /// Maximum number of reads that come first.
    #[serde(default, deserialize_with = "most")]
    pub most: Option<usize>,
    /// The day on which `serve` sends the week before.
    #[serde(default, deserialize_with = "weekday")]
    pub weekday: Option<Weekday>,
    /// The time on that day.
    #[serde(default, deserialize_with = "time")]
    pub at: Option<Time>,
    /// The time zone of `at`; default: the setting `time_zone`.
    #[serde(default, deserialize_with = "parsed")]
    pub time_zone: Option<Zone>,
}

impl fmt::Display for MailRow {
    /// On one line, without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.server.host_str() {
            Some(host) => write!(f, "{}://{host} from {}", self.server.scheme(), self.from)?,
            None => write!(f, "{} from {}", self.server, self.from)?,
        }
        match (&self.password, &self.password_env) {
            (Some(_), _) => f.write_str(", password set"),
            (None, Some(name)) => write!(f, ", password in ${name}"),
            (None, None) => f.write_str(", no password"),
        }
    }
}

impl fmt::Display for RecipientRow {
    /// On one line, without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.mail, self.chat) {
            _ if self.subscribers => f.write_str("mail to subscribers")?,
            (Some(mail), _) => write!(f, "mail to {mail}")?,
            (None, Some(service)) => f.write_str(service.as_str())?,
            (None, None) => f.write_str("neither mail, chat nor subscribers")?,
        }
        if !self.concepts.is_empty() {
            write!(f, ", only {}", self.concepts.join(", "))?;
        }
        if let Some(search) = &self.search {
            write!(f, ", only answers to “{search}”")?;
        }
        let reader = self.reader.as_ref().map_or("the reader", ReaderName::as_str);
        if self.my_concepts {
            write!(f, ", only concepts of {reader}")?;
        }
        if self.mine {
            write!(f, ", by marks of {reader}")?;
        }
        if let (Some(weekday), Some(at)) = (self.weekday, self.at) {
            write!(f, ", on {weekday:?} at {}", at.strftime("%H:%M"))?;
        }
        Ok(())
    }
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Some(Secret::new(&String::deserialize(deserializer)?)))
}

fn most<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let number = i64::deserialize(deserializer)?;
    let wrong = |_| D::Error::custom(format!("{number} is no number of reads; write for example 7"));
    usize::try_from(number).map(Some).map_err(wrong)
}

fn weekday<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Weekday>, D::Error> {
    let name = String::deserialize(deserializer)?;
    let day = strtime::parse("%A", name.trim()).ok().and_then(|day| day.weekday());
    day.map(Some).ok_or_else(|| D::Error::custom(format!("`{name}` is no day; write for example monday")))
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = |_| D::Error::custom(format!("`{text}` is no time of day; write for example 08:00"));
    text.trim().parse().map(Some).map_err(wrong)
}
