//! Resolves host names: first by the table of fixed hosts, then by the system. Returns only
//! addresses to which connecting is allowed.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolving};

use crate::address::why_not_public;
use crate::error::FetchError;
use crate::network;
use crate::resolve::{Resolve, fixed_addresses};

/// The end of an error message: how to allow a refused address.
pub(crate) const HOW_TO_ALLOW: &str = "allow it with --allow-private-addresses if that is intended";

/// The resolver of the client that connects without a proxy.
///
/// The client resolves a name when it connects, and connects to the addresses that this resolver
/// returned. There is no second look-up, whose result could differ.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    table: Vec<Resolve>,
    rule: AddressRule,
    /// The time limit of a look-up.
    limit: Duration,
    /// The port of the running request to each host. The HTTP client passes only the name to its
    /// resolver. There is one request at a time per host, so the port is unambiguous.
    ports: Mutex<HashMap<String, u16>>,
    /// The answers of name servers in a test, one answer per look-up.
    #[cfg(test)]
    answers: Mutex<std::collections::VecDeque<Vec<SocketAddr>>>,
}

/// A rule for the addresses to which connecting is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AddressRule {
    /// Addresses of the public internet.
    Public,
    /// All addresses, because the operator allowed it.
    Any,
    /// Public addresses, and the one at which a test's server listens.
    #[cfg(test)]
    PublicAnd(IpAddr),
}

impl AddressRule {
    /// Why connecting to an address is not allowed. Returns `None` if it is allowed.
    pub(crate) fn why_not(self, address: IpAddr) -> Option<&'static str> {
        match self {
            Self::Public => why_not_public(address),
            Self::Any => None,
            #[cfg(test)]
            Self::PublicAnd(allowed) => why_not_public(address).filter(|_| address != allowed),
        }
    }
}

/// Registers the port of a request to a host, until this guard is dropped.
#[derive(Debug)]
pub(crate) struct Asking<'n> {
    names: &'n Names,
    host: String,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.names.ports().remove(&self.host);
    }
}

/// Why a name gave no address to connect to. The HTTP client wraps this error, and [`FetchError`]
/// unwraps it.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum NameTrouble {
    #[error("{name} leads to {address}, {why}")]
    NotPublic { name: String, address: IpAddr, why: &'static str },
    #[error("{reason}")]
    NotFound { reason: String, offline: bool },
}

impl NameTrouble {
    pub(crate) fn into_error(self, host: &str) -> FetchError {
        match self {
            Self::NotPublic { name, address, why } => FetchError::NotAllowed {
                address: name,
                why: format!("it leads to {address}, {why}; {HOW_TO_ALLOW}"),
            },
            Self::NotFound { reason, offline } => FetchError::Dns { host: host.to_owned(), reason, offline },
        }
    }
}

impl Names {
    /// A look-up may take at most three quarters of `connect_timeout`, so that its error is
    /// reported in time.
    pub(crate) fn new(table: Vec<Resolve>, rule: AddressRule, connect_timeout: Duration) -> Self {
        let limit = connect_timeout.mul_f32(0.75);
        let inner = Inner {
            table,
            rule,
            limit,
            ports: Mutex::default(),
            #[cfg(test)]
            answers: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Whether the table has a fixed address for this host and port.
    pub(crate) fn fixes(&self, host: &str, port: u16) -> bool {
        fixed_addresses(&self.inner.table, host, port).is_some()
    }

    /// The rule for the addresses to which connecting is allowed.
    pub(crate) fn rule(&self) -> AddressRule {
        self.inner.rule
    }

    /// Registers the port of a request to a host.
    pub(crate) fn asking(&self, host: &str, port: u16) -> Asking<'_> {
        self.ports().insert(host.to_owned(), port);
        Asking { names: self, host: host.to_owned() }
    }

    fn ports(&self) -> MutexGuard<'_, HashMap<String, u16>> {
        self.inner.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn addresses(&self, name: &str) -> Result<Vec<SocketAddr>, NameTrouble> {
        let port = self.ports().get(name).copied();
        let fixed = port.and_then(|port| fixed_addresses(&self.inner.table, name, port));
        let found = match fixed {
            Some(addresses) => addresses.to_vec(),
            None => self.look_up(name).await?,
        };
        self.keep_allowed(name, found)
    }

    async fn look_up(&self, name: &str) -> Result<Vec<SocketAddr>, NameTrouble> {
        #[cfg(test)]
        if let Some(answer) = self.answers().pop_front() {
            return Ok(answer);
        }
        look_up(name, self.inner.limit).await
    }

    /// The prepared answers to the next look-ups, in this order.
    #[cfg(test)]
    pub(crate) fn answers(&self) -> MutexGuard<'_, std::collections::VecDeque<Vec<SocketAddr>>> {
        self.inner.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes addresses to which connecting is not allowed. Refuses a name if no address is left.
    fn keep_allowed(&self, name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, NameTrouble> {
        let why_not = |address: &SocketAddr| self.inner.rule.why_not(address.ip());
        let refused = found.iter().find_map(|address| Some((address.ip(), why_not(address)?)));
        let allowed: Vec<_> = found.into_iter().filter(|address| why_not(address).is_none()).collect();
        match refused {
            Some((address, why)) if allowed.is_empty() => {
                Err(NameTrouble::NotPublic { name: name.to_owned(), address, why })
            }
            _ => Ok(allowed),
        }
    }
}

impl reqwest::dns::Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let addresses = names.addresses(name.as_str()).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

async fn look_up(name: &str, limit: Duration) -> Result<Vec<SocketAddr>, NameTrouble> {
    let reason = match tokio::time::timeout(limit, tokio::net::lookup_host((name, 0))).await {
        Ok(Ok(found)) => {
            let found: Vec<_> = found.collect();
            if !found.is_empty() {
                return Ok(found);
            }
            "it has no address".to_owned()
        }
        Ok(Err(error)) => plain_reason(&error),
        Err(_) => format!("no name server answers within {} seconds", limit.as_secs_f32()),
    };
    let offline = network::is_down(limit / 4).await;
    let reason = if offline { "no name resolves on this machine at present".to_owned() } else { reason };
    Err(NameTrouble::NotFound { reason, offline })
}

/// The system's message in plainer words. The standard library returns `getaddrinfo`'s errors as
/// text only.
fn plain_reason(error: &io::Error) -> String {
    let text = error.to_string();
    let reason = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text);
    match reason {
        "Name or service not known" | "nodename nor servname provided, or not known" => {
            "there is no such name".to_owned()
        }
        "Temporary failure in name resolution" | "Try again" => "no name server answers".to_owned(),
        "No address associated with hostname" => "it has no address".to_owned(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sockets(addresses: &[&str]) -> Vec<SocketAddr> {
        addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect()
    }

    #[test]
    fn private_addresses_are_dropped_or_refused_if_alone() {
        let names = Names::new(Vec::new(), AddressRule::Public, Duration::from_secs(10));
        let mixed = sockets(&["10.0.0.1", "1.1.1.1", "::1"]);
        assert_eq!(names.keep_allowed("a.example", mixed).unwrap(), sockets(&["1.1.1.1"]));
        let error =
            names.keep_allowed("a.example", sockets(&["10.0.0.1"])).unwrap_err().into_error("a.example");
        assert_eq!(
            error.to_string(),
            "a.example was not fetched: it leads to 10.0.0.1, a private address; allow it with --allow-private-addresses if that is intended"
        );
    }

    #[tokio::test]
    async fn table_applies_to_the_requested_port() {
        let table = vec!["a.example:443:1.1.1.1:8443".parse().unwrap()];
        let names = Names::new(table, AddressRule::Public, Duration::from_secs(10));
        let asking = names.asking("a.example", 443);
        assert_eq!(names.addresses("a.example").await.unwrap(), vec!["1.1.1.1:8443".parse().unwrap()]);
        drop(asking);
        assert!(names.ports().is_empty());
        assert!(names.fixes("a.example", 443) && !names.fixes("a.example", 80));
    }
}
