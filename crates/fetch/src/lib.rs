//! The polite and safe HTTP client. Only this crate, `llm`, `send` and `openid` use the network.
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
//! Guarantees:
//!
//! - **Polite.** One request at a time per host, with a pause between the end of one request and
//!   the start of the next, redirects included. `Retry-After` pauses the host. Requests are
//!   conditional if the caller has validators.
//! - **Safe.** Only `http` and `https`, only the allowed ports. Names of this machine or its
//!   network (`localhost`, `*.local`, `*.internal`, `*.home.arpa`, …) are not resolved. Each
//!   resolved address is checked, and connections go only to addresses that passed. Redirects are
//!   followed here, with the same checks per hop. No cookies, no referrer, no forwarded
//!   credentials.
//! - **Bounded.** [`FetchSettings`] limits the time to connect, the time to the first byte, the
//!   total time, the bytes on the wire, the bytes after decompression and the number of redirects.
//! - **Plain.** A [`FetchError`] says what failed, on which host, and the remedy.
//!
//! This crate does not know what it fetches (a body is bytes), keeps nothing on disk, and does not
//! decide about retries.
//!
//! # Proxies
//!
//! Proxies come from the environment (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`). A
//! proxy resolves names itself, so resolved addresses cannot be checked here. Scheme, port and IP
//! addresses in URLs are still checked at each hop, and so are names of this machine or its
//! network. A host that [`FetchSettings::resolve`] fixes is reached directly, never through a
//! proxy.

mod address;
mod body;
mod error;
mod fetcher;
mod freshness;
mod links;
mod names;
mod network;
mod operator;
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
pub use body::{LEAST_BYTES, gunzip};
pub use error::{FetchError, TimeoutStage, innermost_reason};
pub use fetcher::{Fetcher, tls_reason};
pub use freshness::retry_after;
pub use links::Link;
pub use operator::{Secret, is_on_this_machine, operator_client};
pub use resolve::{Resolve, ResolveError};
pub use response::{Body, Response, Validators, Want};
pub use settings::FetchSettings;
pub use tls::{Tls, client_tls};
pub use turns::{NoTurn, SharedTurns};
