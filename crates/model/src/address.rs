//! Displays and compares addresses. The address of a feed may contain a user name and a password,
//! which must not be displayed.

use std::net::Ipv4Addr;

use serde::{Serialize, Serializer};
use url::Url;

/// The address without user name and password.
pub fn without_credentials(url: &Url) -> Url {
    let mut bare = url.clone();
    // Fails only for addresses without a host, which have no credentials.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare
}

/// The site that a host belongs to: its registered domain by the Public Suffix List. Returns the
/// host itself if it is an IP address or a public suffix.
///
/// Call this function instead of `psl`: each crate that calls `psl` compiles the whole list again.
pub fn site_of(host: &str) -> &str {
    let host = host.trim_end_matches('.');
    let is_address = host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok();
    psl::domain_str(host).filter(|_| !is_address).unwrap_or(host)
}

/// Whether two hosts belong to one site.
pub fn same_site(one: &str, other: &str) -> bool {
    site_of(one).eq_ignore_ascii_case(site_of(other))
}

/// Services that publish feeds on their own hosts for blogs elsewhere.
const FEED_SERVICES: &[&str] =
    &["feedburner.com", "feedpress.me", "feedpress.it", "feedblitz.com", "rapidfeeds.com"];

/// Whether a source whose feed is on `feed_host` belongs to the site of a read on `read_host`.
/// `site_url` is the site that the feed names. It counts only if the feed is on a host of
/// `FEED_SERVICES`, because any feed could name any site.
pub fn owns(feed_host: &str, site_url: Option<&Url>, read_host: &str) -> bool {
    let by_service = FEED_SERVICES.iter().any(|service| same_site(service, feed_host));
    let site = site_url.and_then(Url::host_str).filter(|_| by_service);
    same_site(site.unwrap_or(feed_host), read_host)
}

/// Serializes an address without credentials.
pub(crate) fn serialize_bare<S: Serializer>(url: &Option<Url>, serializer: S) -> Result<S::Ok, S::Error> {
    url.as_ref().map(without_credentials).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_owns_reads_on_its_feeds_domain() {
        let site: Url = "https://blog.acme.example/".parse().unwrap();
        for (feed, read, owned) in [
            ("acme.example", "acme.example", true),
            ("feeds.acme.example", "blog.acme.example", true),
            ("acme.co.uk", "blog.acme.co.uk", true),
            ("evil.co.uk", "acme.co.uk", false),
            ("a.github.io", "b.github.io", false),
            ("feeds.feedburner.com", "blog.acme.example", true),
            ("feeds.feedburner.com", "bolt.example", false),
            ("evil.example", "blog.acme.example", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "10.0.0.1", false),
            ("[::1]", "[::2]", false),
            ("localhost", "localhost", true),
        ] {
            assert_eq!(owns(feed, Some(&site), read), owned, "{feed} {read}");
        }
    }

    #[test]
    fn address_of_a_source_is_serialized_without_password() {
        #[derive(Serialize)]
        struct Told {
            #[serde(serialize_with = "serialize_bare")]
            url: Option<Url>,
        }
        let told = Told { url: Some("https://ann:s3cret@acme.example/feed?a=1".parse().unwrap()) };
        let json = serde_json::to_string(&told).unwrap();
        assert_eq!(json, r#"{"url":"https://acme.example/feed?a=1"}"#);
        assert_eq!(serde_json::to_string(&Told { url: None }).unwrap(), r#"{"url":null}"#);
    }
}
