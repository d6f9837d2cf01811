//! Checks a request by its URL alone: scheme, port, IP address.
//!
//! [`crate::names`] checks the addresses of a name when it is resolved.

use url::{Host, Url};

use crate::address::why_name_not_public;
use crate::error::FetchError;
use crate::names::{AddressRule, HOW_TO_ALLOW, Names};
use crate::proxy::Proxies;

/// The target of a request, after the checks.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Whether the request goes through a proxy, which resolves the name.
    pub(crate) proxied: bool,
}

impl Target {
    /// Checks the target of a URL.
    ///
    /// # Errors
    /// [`FetchError::NotAllowed`] with the rule that refuses it and how to allow it.
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
                "port {port} is not among the allowed ones; allow it with --allow-port {port} if that is intended"
            )));
        }
        let name = host.to_string();
        let fixed = names.fixes(&name, port);
        let proxied = !fixed && proxies.cover(url);
        let why_not = match host {
            Host::Ipv4(ip) => names.rule().why_not(ip.into()),
            Host::Ipv6(ip) => names.rule().why_not(ip.into()),
            // An operator may fix any name. Its address is checked like any other.
            Host::Domain(name) if !fixed && names.rule() != AddressRule::Any => why_name_not_public(name),
            Host::Domain(_) => None,
        };
        match why_not {
            Some(why) => Err(refuse(format!("it is {why}; {HOW_TO_ALLOW}"))),
            None => Ok(Self { host: name, port, proxied }),
        }
    }
}

/// Scheme, host and port, for messages. Without credentials.
fn place(url: &Url) -> String {
    match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{}://{host}:{port}", url.scheme()),
        (Some(host), None) => format!("{}://{host}", url.scheme()),
        (None, _) => format!("{}:", url.scheme()),
    }
}
