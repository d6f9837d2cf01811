//! The one polite and safe HTTP client; the only crate that talks to the network.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use backissue_fetch::{Body, FetchSettings, Fetcher, Validators, Want};
//!
//! let fetcher = Fetcher::new(FetchSettings::default())?;
//! let feed = "https://blog.example.org/feed.xml".parse()?;
//! let first = fetcher.get(&feed, Want::Feed, &Validators::default()).await?;
//! let again = fetcher.get(&feed, Want::Feed, &first.validators).await?;
//! if let Body::NotModified = again.body {
//!     println!("nothing new on {}", again.url);
//! }
//! # Ok(()) }
//! ```
//!
//! What it promises:
//!
//! - **Polite.** One request at a time per host, and a pause between the end of one and the start of the next, across
//!   redirects too. `Retry-After` holds the host. Requests are conditional where the caller has validators.
//! - **Safe.** Only `http` and `https`, only the allowed ports. Names that mean this machine or its network (`localhost`,
//!   `*.local`, `*.internal`, `*.home.arpa`, …) are not looked up. Every address is checked after the name is resolved, and
//!   the connection can only go to an address that passed; redirects are followed here, with the same checks at every hop.
//!   No cookies, no referrer, no credentials handed on.
//! - **Bounded.** Time to connect, time to the first byte, time in all, bytes on the wire, bytes after decompression and
//!   the number of redirects each have a limit ([`FetchSettings`]).
//! - **Plain.** A [`FetchError`] says what failed, on which host, and what to do.
//!
//! What it must not do: know what it fetches (a body is bytes), keep anything on disk, decide when to try again.
//!
//! # Proxies
//!
//! Proxies are taken from the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`). Behind one, names are
//! resolved by the proxy, so the addresses they lead to cannot be checked here: scheme, port and addresses written into a
//! URL are still checked at every hop, and so are names that mean this machine or its network. A host that
//! [`FetchSettings::resolve`] fixes is reached directly, never through a proxy.

mod address;
mod body;
mod error;
mod fetcher;
mod freshness;
mod links;
mod names;
mod network;
mod proxy;
mod redirects;
mod resolve;
mod response;
mod settings;
mod target;
mod tls;
mod turns;

#[cfg(test)]
mod tests;

pub use address::{why_not_public, why_url_not_public};
pub use body::gunzip;
pub use error::{FetchError, TimeoutStage, innermost_reason};
pub use fetcher::{Fetcher, tls_reason};
pub use freshness::retry_after;
pub use links::Link;
pub use resolve::{Resolve, ResolveError};
pub use response::{Body, Response, Validators, Want};
pub use settings::FetchSettings;
pub use tls::{Tls, client_tls};
