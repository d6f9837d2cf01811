//! HTTP clients for servers that the operator configured: of language models, chats and mail.
//!
//! These servers may be on this machine. [`crate::Fetcher`] forbids that, because its addresses
//! come from feeds.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Client, ClientBuilder};
use url::{Host, Url};

use crate::Tls;

/// A password, a key, or an address that grants access to everybody who knows it. It never
/// appears in errors or logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Makes a secret, trimmed.
    pub fn new(secret: &str) -> Self {
        Self(secret.trim().to_owned())
    }

    /// The secret's text, to be sent to its server.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Replaces the secret in `text`, if `text` contains it.
    pub fn scrub(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, "(secret)") }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A client for the server at `url`. It follows no redirects, because the operator decides who gets
/// the request. It uses no proxy for a server on this machine.
pub fn operator_client(url: &Url, tls: &Tls, connect_within: Duration) -> ClientBuilder {
    let client = Client::builder()
        .tls_backend_preconfigured(tls.config.clone())
        .user_agent(concat!("Backissue/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect_within)
        .redirect(reqwest::redirect::Policy::none());
    if is_on_this_machine(url) { client.no_proxy() } else { client }
}

/// Whether an address is on this machine.
pub fn is_on_this_machine(url: &Url) -> bool {
    match url.host() {
        // The host of an address whose scheme is not of the web is a name, whatever it looks like.
        Some(Host::Domain(name)) => {
            name == "localhost"
                || name.ends_with(".localhost")
                || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let secret = Secret::new(" s3cret\n");
        assert_eq!((secret.reveal(), format!("{secret:?}").as_str()), ("s3cret", "Secret(…)"));
        assert_eq!(secret.scrub("key s3cret is wrong"), "key (secret) is wrong");
        assert_eq!(Secret::new("").scrub("nothing"), "nothing");
    }

    #[test]
    fn this_machine_is_recognised_by_name_and_address() {
        for (url, is_here) in [
            ("http://localhost:11434", true),
            ("http://a.localhost", true),
            ("http://127.0.0.2/", true),
            ("smtp://127.0.0.1:25", true),
            ("http://[::1]:8080", true),
            ("https://localhost.example", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_on_this_machine(&url.parse().unwrap()), is_here, "{url}");
        }
    }
}
