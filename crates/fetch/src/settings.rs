//! The settings of a [`Fetcher`](crate::Fetcher), with their defaults.

use std::path::PathBuf;
use std::time::Duration;

use crate::resolve::Resolve;

/// The settings of a [`Fetcher`](crate::Fetcher). `Default` is for the open web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchSettings {
    /// Product and version for the `User-Agent` header. Default: `Backissue/<version>`.
    pub user_agent: String,
    /// A URL at which publishers can contact the operator, added to `User-Agent` as `(+URL)`.
    /// Default: none.
    pub contact_url: Option<String>,
    /// Resolving the name, connecting and the TLS handshake together. Default: 10 s.
    pub connect_timeout: Duration,
    /// From the start of a request, connecting included, to the end of the response's headers.
    /// Default: 20 s.
    pub first_byte_timeout: Duration,
    /// The whole `get`, redirects included. Waiting for a host's turn does not count. Default: 60
    /// s.
    pub total_timeout: Duration,
    /// The period in which at least [`LEAST_BYTES`](crate::LEAST_BYTES) of a body must arrive, so
    /// that a host that sends a byte now and then does not hold a worker. Default: 10 s.
    pub slowest: Duration,
    /// Maximum bytes of a feed, on the wire and after decompression. Default: 16 MiB (the largest
    /// real feed in the tests has 1.6 MB).
    pub max_bytes_feed: usize,
    /// Maximum bytes of a page, on the wire and after decompression. Default: 8 MiB.
    pub max_bytes_page: usize,
    /// Maximum bytes of an image, on the wire and after decompression. Default: 10 MiB.
    pub max_bytes_image: usize,
    /// Maximum bytes of any other document, on the wire and after decompression. Default: 50 MiB,
    /// the maximum of the sitemap protocol.
    pub max_bytes_any: usize,
    /// Maximum bytes, after decompression, of a text of which only the start is read. Default: 500
    /// KiB, the minimum that RFC 9309 section 2.5 requires for robots.txt.
    pub max_bytes_start: usize,
    /// Maximum redirects per `get`. Default: 10, twice the early limit that RFC 9110 section 15.4
    /// reports.
    pub max_redirects: usize,
    /// Pause between the end of one request to a host and the start of the next. Default: 1 s.
    pub host_pause: Duration,
    /// The longest pause that a host can set with
    /// [`Fetcher::pause_at_least`](crate::Fetcher::pause_at_least). Some hosts demand hours, which
    /// would stop all fetching. Default: 60 s.
    pub longest_pause: Duration,
    /// Hosts with fixed addresses, which are not looked up. The first matching entry wins, exact
    /// names before `*`. The addresses are checked unless
    /// [`allow_private_addresses`](Self::allow_private_addresses) is set.
    pub resolve: Vec<Resolve>,
    /// PEM files with certificate authorities to trust in addition to the machine's own.
    pub ca: Vec<PathBuf>,
    /// Allows loopback, private and other non-public addresses
    /// ([`why_not_public`](crate::why_not_public)). Default: false. Ports stay restricted to
    /// [`allowed_ports`](Self::allowed_ports).
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
            slowest: Duration::from_secs(10),
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
    /// The value of the `User-Agent` header: product, version and contact URL.
    pub(crate) fn user_agent_header(&self) -> String {
        match &self.contact_url {
            Some(contact) => format!("{} (+{contact})", self.user_agent),
            None => self.user_agent.clone(),
        }
    }
}
