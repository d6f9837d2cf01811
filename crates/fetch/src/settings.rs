//! The figures and choices of a [`Fetcher`](crate::Fetcher), with their defaults.

use std::path::PathBuf;
use std::time::Duration;

use crate::resolve::Resolve;

/// How a [`Fetcher`](crate::Fetcher) behaves. `Default` is what the program uses on the open web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchSettings {
    /// Product and version for the `User-Agent` header. Default: `Backissue/<version>`.
    pub user_agent: String,
    /// Where a publisher can reach whoever runs this, added to `User-Agent` as `(+URL)`. Default: none.
    pub contact_url: Option<String>,
    /// Resolving the name, connecting and the TLS handshake together. Default: 10 s.
    pub connect_timeout: Duration,
    /// From the start of a request, connecting included, to the end of the answer's head. Default: 20 s.
    pub first_byte_timeout: Duration,
    /// Everything of one `get`, redirects included; waiting for a host's turn does not count. Default: 60 s.
    pub total_timeout: Duration,
    /// Largest feed in bytes, on the wire and after decompression. Default: 16 MiB (the largest feed of a real blog that
    /// the tests know has 1.6 MB).
    pub max_bytes_feed: usize,
    /// Largest page in bytes, on the wire and after decompression. Default: 8 MiB.
    pub max_bytes_page: usize,
    /// Largest image in bytes, on the wire and after decompression. Default: 10 MiB.
    pub max_bytes_image: usize,
    /// Largest document of any other sort in bytes, on the wire and after decompression. Default: 50 MiB, as large as the
    /// protocol of sitemaps lets one be.
    pub max_bytes_any: usize,
    /// How much is read of a text of which the start is enough, in bytes after decompression. Default: 500 KiB, the least that
    /// RFC 9309 section 2.5 wants read of a robots.txt.
    pub max_bytes_start: usize,
    /// Most redirects that one `get` follows. Default: 10, twice what RFC 9110 section 15.4 reports as an early limit.
    pub max_redirects: usize,
    /// Pause between the end of one request to a host and the start of the next. Default: 1 s.
    pub host_pause: Duration,
    /// Longest pause that a host can ask for with [`Fetcher::pause_at_least`](crate::Fetcher::pause_at_least): some ask for
    /// hours, which would be no fetching at all. Default: 60 s.
    pub longest_pause: Duration,
    /// Hosts whose addresses are fixed instead of looked up; the first entry that fits wins, exact names before `*`.
    /// The addresses are checked like any other unless [`allow_private_addresses`](Self::allow_private_addresses).
    pub resolve: Vec<Resolve>,
    /// PEM files with certificate authorities to trust in addition to the machine's own.
    pub ca: Vec<PathBuf>,
    /// Allow loopback, private and other addresses that are not public ([`why_not_public`](crate::why_not_public)).
    /// Default: false. Ports stay restricted to [`allowed_ports`](Self::allowed_ports).
    pub allow_private_addresses: bool,
    /// Ports that a URL may name. Default: 80 and 443.
    pub allowed_ports: Vec<u16>,
}

impl Default for FetchSettings {
    fn default() -> Self {
        Self {
            user_agent: concat!("Backissue/", env!("CARGO_PKG_VERSION")).to_owned(),
            contact_url: None,
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(20),
            total_timeout: Duration::from_secs(60),
            max_bytes_feed: 16 * 1024 * 1024,
            max_bytes_page: 8 * 1024 * 1024,
            max_bytes_image: 10 * 1024 * 1024,
            max_bytes_any: 50 * 1024 * 1024,
            max_bytes_start: 500 * 1024,
            max_redirects: 10,
            host_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            resolve: Vec::new(),
            ca: Vec::new(),
            allow_private_addresses: false,
            allowed_ports: vec![80, 443],
        }
    }
}

impl FetchSettings {
    /// The `User-Agent` header's value: product, version and where to reach us.
    pub(crate) fn user_agent_header(&self) -> String {
        match &self.contact_url {
            Some(contact) => format!("{} (+{contact})", self.user_agent),
            None => self.user_agent.clone(),
        }
    }
}
