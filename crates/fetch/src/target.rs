//! Where a request goes, and whether it may, as far as its URL tells: scheme, port, addresses written into it.
//!
//! What a name leads to is checked when it is resolved ([`crate::names`]).

use url::{Host, Url};

use crate::address::why_name_not_public;
use crate::error::FetchError;
use crate::names::{AddressRule, HOW_TO_ALLOW, Names};
use crate::proxy::Proxies;

/// Where one request goes.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether it goes through a proxy, which then resolves the name.
    pub(crate) proxied: bool,
}

impl Target {
    /// Checks where a URL leads.
    ///
    /// # Errors
    /// [`FetchError::NotAllowed`] with the rule that refuses it and what lifts it.
    pub(crate) fn of(
        url: &Url,
        allowed_ports: &[u16],
        names: &Names,
        proxies: &Proxies,
    ) -> Result<Self, FetchError> {
        let refuse = |why: String| FetchError::NotAllowed { address: place(url), why };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse(format!("only http and https are fetched, not {}", url.scheme())));
        }
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Err(refuse("it names no host".to_owned()));
        };
        if !allowed_ports.contains(&port) {
            return Err(refuse(format!(
                "port {port} is not among the allowed ones; allow it with --allow-port {port} if it is meant"
            )));
        }
        let name = host.to_string();
        let fixed = names.fixes(&name, port);
        let proxied = !fixed && proxies.cover(url);
        let why_not = match host {
            Host::Ipv4(ip) => names.rule().why_not(ip.into()),
            Host::Ipv6(ip) => names.rule().why_not(ip.into()),
            // Whoever fixes a name knows what it means; the address it is given is checked like any other.
            Host::Domain(name) if !fixed && names.rule() != AddressRule::Any => why_name_not_public(name),
            Host::Domain(_) => None,
        };
        match why_not {
            Some(why) => Err(refuse(format!("it is {why}; {HOW_TO_ALLOW}"))),
            None => Ok(Self { host: name, port, proxied }),
        }
    }
}

/// Scheme, host and port, for messages; never credentials.
fn place(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{}://{host}:{port}", url.scheme()),
        (Some(host), None) => format!("{}://{host}", url.scheme()),
        (None, _) => format!("{}:", url.scheme()),
    }
}
