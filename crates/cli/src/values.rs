//! Parsers of values on the command line and in the configuration file.
//!
//! Each function parses one kind of value. Its error says what is wrong and how to write it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use backissue_model::ReadId;
use jiff::civil::Date;
use url::Url;

/// An address on the web. Adds `https://` if there is no scheme.
pub fn web_address(text: &str) -> Result<Url, String> {
    let text = text.trim();
    let feed = |text: &str| text.strip_prefix("feed:").map(|rest| rest.trim_start_matches('/').to_owned());
    let bare = feed(text).unwrap_or_else(|| text.to_owned());
    let has_scheme =
        bare.contains("://") || ["mailto:", "javascript:", "data:"].iter().any(|s| bare.starts_with(s));
    let whole = if has_scheme { bare } else { format!("https://{bare}") };
    let url = Url::parse(&whole).ok().filter(|url| url.host_str().is_some_and(is_host_of_the_web));
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| {
        format!("`{text}` is not an address on the web; write for example https://vitess.io/blog or vitess.io/blog")
    })
}

/// Whether the text can be a host: a word without a dot is rather a mistyped command.
fn is_host_of_the_web(host: &str) -> bool {
    host == "localhost" || host.contains('.') || host.starts_with('[')
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
    let after_path = text.rsplit_once("/read/").map_or(text, |(_, rest)| rest);
    let number = after_path.split(['/', '?', '#']).find(|part| !part.is_empty()).unwrap_or_default();
    number.parse().ok().filter(|id| *id > 0).map(ReadId).ok_or_else(|| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_without_scheme_is_https() {
        for (text, url) in [
            ("vitess.io/blog", "https://vitess.io/blog"),
            ("localhost:8080/feed", "https://localhost:8080/feed"),
            ("example.com:8443", "https://example.com:8443/"),
            ("http://vitess.io", "http://vitess.io/"),
            ("feed:https://vitess.io/feed", "https://vitess.io/feed"),
            ("feed://vitess.io/feed", "https://vitess.io/feed"),
            (" [::1]:80/x", "https://[::1]:80/x"),
        ] {
            assert_eq!(web_address(text).map(String::from).as_deref(), Ok(url), "{text}");
        }
        for text in
            ["", "vitess", "mailto:a@b.example", "ftp://a.example/", "javascript:alert(1)", "a b.example"]
        {
            assert!(web_address(text).is_err_and(|why| why.contains("for example")), "{text}");
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
    fn reads_are_named_by_number_or_address() {
        for text in ["42", "/read/42/a-title", "http://127.0.0.1:7878/read/42/a-title?images=all#x", "#42"] {
            assert_eq!(read_number(text), Ok(ReadId(42)), "{text}");
        }
        for text in ["abc", "", "0", "-1", "/read/", "99999999999999999999"] {
            assert!(read_number(text).is_err_and(|why| why.contains("backissue week")), "{text}");
        }
    }
}
