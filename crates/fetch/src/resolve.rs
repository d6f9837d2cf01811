//! `HOST:PORT:ADDRESS`: a host with a fixed address, written as for curl's `--resolve`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// A host and port with fixed addresses, which are not looked up.
///
/// The form is curl's: `HOST:PORT:ADDRESS`, with commas between addresses, `*` for any host, and
/// IPv6 addresses in brackets. Unlike in curl, an address may have a port
/// (`blog.example.org:443:127.0.0.1:8443`), so that a test server need not listen on 443. This
/// works for the ports 80 and 443 only, because only those are omitted in a URL.
///
/// ```
/// use backissue_fetch::Resolve;
/// let fixed: Resolve = "blog.example.org:443:127.0.0.1:8443,[::1]:8443".parse()?;
/// assert_eq!(fixed.to_string(), "blog.example.org:443:127.0.0.1:8443,[::1]:8443");
/// # Ok::<(), backissue_fetch::ResolveError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolve {
    /// The host name in lower case, or `*`.
    host: String,
    port: u16,
    /// Port 0 means that the address has no port.
    addresses: Vec<SocketAddr>,
}

/// The text is not a valid `HOST:PORT:ADDRESS`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{given:?} is not a host with its address: {why}; write HOST:PORT:ADDRESS, for example example.org:443:127.0.0.1 or \
     example.org:443:[::1]:8443, several addresses by comma, * for any host"
)]
pub struct ResolveError {
    given: String,
    why: String,
}

impl Resolve {
    /// Whether this entry names exactly this host and port.
    pub(crate) fn names(&self, host: &str, port: u16) -> bool {
        self.port == port && self.host == host
    }

    /// Whether this entry fixes all hosts on this port.
    pub(crate) fn is_any_host(&self, port: u16) -> bool {
        self.port == port && self.host == "*"
    }

    /// The addresses. Port 0 stands for the URL's port.
    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

/// The addresses that a table fixes for a host and port. An exact name takes precedence over `*`,
/// an earlier entry over a later one.
pub(crate) fn fixed_addresses<'t>(table: &'t [Resolve], host: &str, port: u16) -> Option<&'t [SocketAddr]> {
    let exact = table.iter().find(|entry| entry.names(host, port));
    exact.or_else(|| table.iter().find(|entry| entry.is_any_host(port))).map(Resolve::addresses)
}

impl FromStr for Resolve {
    type Err = ResolveError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        parse(given).map_err(|why| ResolveError { given: given.to_owned(), why })
    }
}

fn parse(given: &str) -> Result<Resolve, String> {
    let mut parts = given.trim().splitn(3, ':');
    let (Some(host), Some(port), Some(addresses)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("it has fewer than three parts".to_owned());
    };
    let port = match port.parse::<u16>() {
        Ok(port) if port > 0 => port,
        _ => return Err(format!("{port:?} is not a port between 1 and 65535")),
    };
    let addresses =
        addresses.split(',').map(|one| parse_address(one.trim())).collect::<Result<Vec<_>, _>>()?;
    if ![80, 443].contains(&port) && addresses.iter().any(|address| address.port() != 0) {
        return Err(format!(
            "an address can have a port of its own for the ports 80 and 443 only, not for {port}"
        ));
    }
    Ok(Resolve { host: parse_host(host)?, port, addresses })
}

fn parse_host(host: &str) -> Result<String, String> {
    if host == "*" {
        return Ok(host.to_owned());
    }
    match url::Host::parse(host) {
        Ok(url::Host::Domain(domain)) => Ok(domain),
        Ok(_) => Err(format!("{host:?} is an address already, not a host name")),
        Err(_) => Err(format!("{host:?} is not a host name")),
    }
}

fn parse_address(address: &str) -> Result<SocketAddr, String> {
    let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(inner) = bare
        && let Ok(v6) = inner.parse::<Ipv6Addr>()
    {
        return Ok(SocketAddr::new(IpAddr::V6(v6), 0));
    }
    if let Ok(ip) = address.parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, 0));
    }
    match address.parse::<SocketAddr>() {
        Ok(socket) if socket.port() > 0 => Ok(socket),
        _ => Err(format!("{address:?} is not an address")),
    }
}

impl fmt::Display for Resolve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.host, self.port)?;
        for (position, address) in self.addresses.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            match (address.port(), address.ip()) {
                (0, IpAddr::V4(ip)) => write!(f, "{ip}")?,
                (0, IpAddr::V6(ip)) => write!(f, "[{ip}]")?,
                _ => write!(f, "{address}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolve_entry_round_trips_in_curls_form() {
        for form in [
            "example.org:443:127.0.0.1",
            "example.org:80:127.0.0.1:8080",
            "example.org:443:[::1]",
            "example.org:443:[::1]:8443",
            "example.org:443:192.0.2.1,[2001:db8::1]",
            "*:443:127.0.0.1:8443",
            "example.org:8443:127.0.0.1",
        ] {
            let fixed: Resolve = form.parse().unwrap();
            assert_eq!(fixed.to_string(), form);
        }
        assert_eq!("Example.ORG:443:::1".parse::<Resolve>().unwrap().to_string(), "example.org:443:[::1]");
    }

    #[test]
    fn malformed_resolve_entry_names_the_form() {
        for (form, why) in [
            ("example.org", "fewer than three parts"),
            ("example.org:443", "fewer than three parts"),
            ("example.org:0:127.0.0.1", "not a port"),
            ("example.org:https:127.0.0.1", "not a port"),
            ("example.org:443:", "not an address"),
            ("example.org:443:localhost", "not an address"),
            ("example.org:443:127.0.0.1:0", "not an address"),
            ("example.org:443:127.0.0.1,", "not an address"),
            ("127.0.0.1:443:127.0.0.1", "an address already"),
            ("exa mple:443:127.0.0.1", "not a host name"),
            ("example.org:8000:127.0.0.1:8001", "80 and 443 only"),
        ] {
            let error = form.parse::<Resolve>().unwrap_err().to_string();
            assert!(error.contains(why), "{form}: {error}");
            assert!(error.contains("HOST:PORT:ADDRESS"), "{form}: {error}");
        }
    }

    #[test]
    fn exact_name_takes_precedence_over_any_host() {
        let table: Vec<Resolve> =
            ["*:443:192.0.2.1", "a.example:443:192.0.2.2"].iter().map(|form| form.parse().unwrap()).collect();
        let ip = |host, port| fixed_addresses(&table, host, port).map(|found| found[0].ip().to_string());
        assert_eq!(ip("a.example", 443).as_deref(), Some("192.0.2.2"));
        assert_eq!(ip("b.example", 443).as_deref(), Some("192.0.2.1"));
        assert_eq!(ip("a.example", 80), None);
    }
}
