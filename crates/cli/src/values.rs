//! Parsers of values on the command line and in the configuration file.
//!
//! Each function or type parses one kind of value. Its error says what is wrong and how to write
//! it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use axum::http::{HeaderName, header};
use backissue_llm::{LocalServer, Secret};
pub use backissue_model::Size;
use backissue_model::{ReadId, names};
use backissue_store::Location;
use jiff::SignedDuration;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use url::Url;

/// An address on the web. Adds `https://` if there is no scheme.
pub fn web_address(text: &str) -> Result<Url, String> {
    backissue_model::typed_address(text).map_err(|why| why.to_string())
}

/// The address of pages: on the web, without user and password, which feeds, mails and sites would
/// show.
pub fn base_url(text: &str) -> Result<Url, String> {
    let url = web_address(text)?;
    if url.username().is_empty() && url.password().is_none() {
        Ok(url)
    } else {
        Err("the address of pages has no user and no password, since feeds and mails show it; remove them"
            .to_owned())
    }
}

/// The issuer of an OpenID provider. It is compared exactly, so the text is not changed.
pub fn issuer(text: &str) -> Result<String, String> {
    let url =
        text.parse::<Url>().ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let is_issuer = url.is_some_and(|url| {
        let bare = url.username().is_empty() && url.password().is_none();
        bare && url.query().is_none() && url.fragment().is_none()
    });
    if is_issuer {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "`{text}` is not the address of an OpenID provider; write for example https://login.example.org/realms/team"
        ))
    }
}

/// A text of several words, which may begin with a hyphen. A word that looks like a flag is
/// refused, so that a flag with a typing error is not stored as a text.
pub fn words(text: &str) -> Result<String, String> {
    let rest = text.trim_start_matches('-');
    let is_flag = rest.len() < text.len()
        && rest.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.contains(char::is_whitespace);
    if is_flag {
        return Err(format!("`{text}` looks like a flag, and this command has no such flag here"));
    }
    Ok(text.to_owned())
}

/// A secret, which may have any characters.
pub fn secret(text: &str) -> Result<Secret, String> {
    if text.trim().is_empty() { Err("it is empty".to_owned()) } else { Ok(Secret::new(text)) }
}

/// The domain of mail addresses.
pub fn domain(text: &str) -> Result<String, String> {
    let is_domain = text.contains('.') && !text.starts_with('.') && !text.ends_with('.');
    let is_plain = text.chars().all(|c| c.is_alphanumeric() || ".-".contains(c));
    if is_domain && is_plain {
        Ok(text.to_lowercase())
    } else {
        Err(format!("`{text}` is not the domain of mail addresses; write for example example.org"))
    }
}

/// An address to listen on: `127.0.0.1:7878`, `localhost:7878`, `:7878` or `7878`.
pub fn listen_address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    let address = match host {
        "" | "localhost" => Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        "*" => Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        _ => None,
    };
    match (address, port.parse()) {
        (Some(address), Ok(port)) => Ok(SocketAddr::new(address, port)),
        _ => Err(format!(
            "`{text}` is not an address to listen at; write an IP address and a port, for example 127.0.0.1:7878, \
             or 0.0.0.0:7878 for all of this machine's addresses"
        )),
    }
}

/// A read's number, alone or in its page address.
pub fn read_number(text: &str) -> Result<ReadId, String> {
    backissue_model::typed_read(text).ok_or_else(|| {
        format!(
            "`{text}` is not a read's number; write for example 42, which `backissue week` and `backissue find` \
             print before each read"
        )
    })
}

/// The first day of a year, a month, a day or a week.
pub fn day(text: &str) -> Result<Date, String> {
    backissue_search::first_day(text).ok_or_else(|| {
        format!("`{text}` is not a day; write a year, a month, a day or a week, for example 2024, 2024-05, 2024-05-17 or 2024-W20")
    })
}

/// An integer in a range.
pub fn whole<T: TryFrom<u64>>(
    least: u64,
    most: u64,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse().ok().filter(|number| (least..=most).contains(number));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| {
            let upper = if most == u64::MAX { "on".to_owned() } else { format!("to {most}") };
            format!("`{text}` does not fit; write a whole number from {least} {upper}")
        })
    }
}

/// Whether the archive has one reader or several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HowMany {
    /// One, who needs no login on this machine.
    One,
    /// Several, each with an account.
    Several,
}

names! {
    HowMany, String,
    |text| format!("`{text}` is no number of readers; write one or several"),
    One = "one", Several = "several",
}

/// What happens to a proxy's user who has no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownUsers {
    /// The user is refused.
    Refuse,
    /// The user becomes a reader.
    Reader,
}

names! {
    UnknownUsers, String,
    |text| format!("`{text}` is nothing that happens to unknown users; write refuse or reader"),
    Refuse = "refuse", Reader = "reader",
}

/// The form of JSON that a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonFormat {
    /// One document.
    Json,
    /// A line per item.
    Ndjson,
}

names! {
    JsonFormat, String,
    |text| format!("`{text}` is no form of JSON; write json or ndjson"),
    Json = "json", Ndjson = "ndjson",
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object per line.
    Json,
}

names! {
    LogFormat, String,
    |text| format!("`{text}` is no form of the log; write text or json"),
    Text = "text", Json = "json",
}

/// Minimum characters of the token for `/metrics`.
const TOKEN_MIN: usize = 16;

/// A token that cannot be guessed and is valid in a header.
pub fn token(text: &str) -> Result<Secret, String> {
    let is_token = text.len() >= TOKEN_MIN && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_token {
        // The text is a secret, so the error does not quote it.
        return Err(format!(
            "a token has at least {TOKEN_MIN} visible ASCII characters and no spaces; `openssl rand -hex 32` makes one"
        ));
    }
    Ok(Secret::new(text))
}

/// The name of a header. Headers that every client sends are refused.
pub fn header_name(text: &str) -> Result<HeaderName, String> {
    let usual = [header::HOST, header::COOKIE, header::ORIGIN, header::USER_AGENT, header::REFERER];
    let name = text.parse().ok().filter(|name| !usual.contains(name));
    name.ok_or_else(|| format!("`{text}` is not a header for users; write for example Remote-User"))
}

/// A database: `sqlite:FILE`, including the file in a data folder, or a `postgres://` address.
pub fn database(text: &str) -> Result<Location, String> {
    let Some(file) = text.strip_prefix("sqlite:") else {
        // The address may have a password, so the error does not quote it.
        return text.parse().map_err(|_| "write sqlite:FILE or postgres://USER@HOST/DATABASE".to_owned());
    };
    let file = PathBuf::from(file.strip_prefix("//").unwrap_or(file));
    if file.as_os_str().is_empty() {
        return Err("`sqlite:` names no file; write for example sqlite:archive.sqlite".to_owned());
    }
    Ok(Location::Sqlite(if file.is_dir() { file.join("archive.sqlite") } else { file }))
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

names! {
    ImagesShown, String,
    |text| format!("`{text}` is no way to show images; write load, click or cache"),
    Load = "load", Click = "click", Cache = "cache",
}

/// Where to look for model servers on this machine, as `ollama=http://127.0.0.1:11434` and others,
/// separated by spaces; `none` for nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelServers(pub Vec<LocalServer>);

impl FromStr for ModelServers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == "none" {
            return Ok(Self(Vec::new()));
        }
        let servers = text.split_whitespace().map(str::parse).collect::<Result<Vec<LocalServer>, _>>();
        let servers = servers.map_err(|error| error.to_string())?;
        if servers.is_empty() {
            return Err("no model server is named; write none to look nowhere".to_owned());
        }
        Ok(Self(servers))
    }
}

impl fmt::Display for ModelServers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(if told.is_empty() { "none" } else { "" })?;
        f.write_str(&told.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_addresses_and_numbers_have_errors_with_examples() {
        assert!(
            web_address(" vitess ").is_err_and(|why| why.contains("“vitess”") && why.contains("for example"))
        );
        assert!(read_number("abc").is_err_and(|why| why.contains("backissue week")));
    }

    #[test]
    fn text_may_begin_with_a_hyphen_but_is_no_flag() {
        for text in ["", "-", "- first item", "-2 % of errors", "-verbose is gone", "--- a line", "a-b"] {
            assert_eq!(words(text).as_deref(), Ok(text));
        }
        for flag in ["--json", "-y", "--replce", "--outcome=x"] {
            assert!(words(flag).is_err_and(|why| why.contains("looks like a flag")), "{flag}");
        }
    }

    #[test]
    fn listen_addresses_have_short_forms() {
        for (text, address) in [
            ("127.0.0.1:7878", "127.0.0.1:7878"),
            ("[::1]:80", "[::1]:80"),
            ("localhost:7999", "127.0.0.1:7999"),
            (":7999", "127.0.0.1:7999"),
            ("7999", "127.0.0.1:7999"),
            ("*:7999", "0.0.0.0:7999"),
        ] {
            assert_eq!(listen_address(text).map(|a| a.to_string()).as_deref(), Ok(address), "{text}");
        }
        for text in ["", "localhost", "blog.example:80", "127.0.0.1", "localhost:99999", "::1"] {
            assert!(listen_address(text).is_err_and(|why| why.contains("127.0.0.1:7878")), "{text}");
        }
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
}
