//! Reverse proxies in front of the pages: which proxies are trusted about a client's address and
//! user.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName};
use backissue_model::ReaderName;
use ipnet::IpNet;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

const REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");

/// A network, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        let wrong =
            |_| format!("`{text}` is not a network; write for example 10.0.0.0/8, fd00::/8 or 127.0.0.1");
        network.map(|network| Self(network.trunc())).map_err(wrong)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_whole = self.0.prefix_len() == self.0.max_prefix_len();
        if is_whole { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

/// What a trusted proxy says about users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyUsers {
    /// The header with the user's name.
    pub header: HeaderName,
    /// Whether a user without an account becomes a reader. Otherwise such a user is refused.
    pub make_readers: bool,
}

/// The trusted proxies.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// The networks of trusted proxies. If there are none, a proxy on this machine is trusted about
    /// addresses.
    pub networks: Vec<Network>,
    /// How proxies identify users. Without networks, no proxy is trusted about them.
    pub users: Option<ProxyUsers>,
}

/// The user that a proxy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProxyUser {
    /// The proxy names no user, or is not trusted.
    Nobody,
    /// The user of this name.
    Named(ReaderName),
    /// A name that no account can have, or several names.
    Unusable,
}

impl Proxies {
    fn trusts(&self, address: IpAddr) -> bool {
        if self.networks.is_empty() {
            return address.to_canonical().is_loopback();
        }
        self.networks.iter().any(|network| network.contains(address))
    }

    /// The address of the client behind a connection from `peer`. Each trusted proxy appends the
    /// address from which it was called to `X-Forwarded-For`. So the client is the last address
    /// that is not a trusted proxy. Anything before it is claimed by the client itself.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        let lines: Vec<&str> =
            headers.get_all(FORWARDED_FOR).iter().map(|line| line.to_str().unwrap_or("?")).collect();
        let mut said = lines.iter().rev().flat_map(|line| line.rsplit(','));
        while self.trusts(client) {
            let Some(before) = said.next().and_then(|text| address(text.trim())) else { break };
            client = before;
            // One hop, as it always was without configured networks.
            if self.networks.is_empty() {
                break;
            }
        }
        client
    }

    /// The user that the proxy at `peer` names.
    pub(crate) fn user(&self, peer: IpAddr, headers: &HeaderMap) -> ProxyUser {
        let Some(users) = &self.users else { return ProxyUser::Nobody };
        if self.networks.is_empty() || !self.trusts(peer) {
            return ProxyUser::Nobody;
        }
        let mut lines = headers.get_all(&users.header).iter();
        let Some(line) = lines.next() else { return ProxyUser::Nobody };
        if lines.next().is_some() {
            return ProxyUser::Unusable;
        }
        match std::str::from_utf8(line.as_bytes()) {
            Ok(name) if name.trim().is_empty() => ProxyUser::Nobody,
            Ok(name) => name.parse().map_or(ProxyUser::Unusable, ProxyUser::Named),
            Err(_) => ProxyUser::Unusable,
        }
    }
}

/// Whether a proxy's headers say that the request comes from another machine. A text in place of an
/// address, such as `unknown`, counts as another machine.
pub(crate) fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let is_elsewhere = |said: &str| !address(said).is_some_and(|ip| ip.to_canonical().is_loopback());
    let lines = [FORWARDED_FOR, REAL_IP].into_iter().flat_map(|name| headers.get_all(name));
    let plain = lines.flat_map(|line| line.to_str().unwrap_or("?").split(','));
    // RFC 7239: `for=192.0.2.43;proto=https, for="[2001:db8::7]:4711"`.
    let pairs = headers.get_all(FORWARDED).iter();
    let pairs = pairs.flat_map(|line| line.to_str().unwrap_or("for=?").split([',', ';']));
    let named = pairs
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let named = named.map(|(_, value)| value.trim().trim_matches('"'));
    let mut clients = plain.chain(named).map(str::trim).peekable();
    match clients.peek() {
        Some(_) => clients.any(is_elsewhere),
        // It hides whom it passes on.
        None => PROXIED.iter().any(|name| headers.contains_key(*name)),
    }
}

/// Headers that a proxy adds to a request, in addition to the client's address.
const PROXIED: [&str; 6] =
    ["x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-forwarded-server", "forwarded", "via"];

/// Parses an address, which some proxies write with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(networks: &[&str], header: Option<&'static str>) -> Proxies {
        let users =
            header.map(|header| ProxyUsers { header: HeaderName::from_static(header), make_readers: false });
        Proxies { networks: networks.iter().map(|text| text.parse().unwrap()).collect(), users }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn networks_are_parsed_and_shown() {
        for (text, shown) in [
            ("10.1.2.3/8", "10.0.0.0/8"),
            ("127.0.0.1", "127.0.0.1"),
            ("fd00::/8", "fd00::/8"),
            ("::1", "::1"),
        ] {
            assert_eq!(text.parse::<Network>().unwrap().to_string(), shown);
        }
        for wrong in ["", "10.0.0.0/33", "proxy", "10.0.0", "*"] {
            assert!(wrong.parse::<Network>().unwrap_err().contains("10.0.0.0/8"), "{wrong}");
        }
        assert!("10.0.0.0/8".parse::<Network>().unwrap().contains(ip("::ffff:10.1.1.1")));
    }

    #[test]
    fn client_is_the_last_address_that_is_no_trusted_proxy() {
        let one = of(&["10.0.0.0/8"], None);
        for (peer, forwarded, client) in [
            ("10.0.0.1", &["203.0.113.9"][..], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.1, 203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.1", "203.0.113.9,10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("10.0.0.1", &["unknown"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["10.0.0.3"], "10.0.0.3"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("203.0.113.1", &["198.51.100.1"], "203.0.113.1"),
            ("127.0.0.1", &["198.51.100.1"], "127.0.0.1"),
        ] {
            let pairs: Vec<_> = forwarded.iter().map(|line| ("x-forwarded-for", *line)).collect();
            assert_eq!(one.client(ip(peer), &headers(&pairs)), ip(client), "{peer} {forwarded:?}");
        }
    }

    #[test]
    fn without_networks_only_a_local_proxy_names_its_client() {
        for (peer, forwarded, client) in [
            ("127.0.0.1", None, "127.0.0.1"),
            ("127.0.0.1", Some("203.0.113.9"), "203.0.113.9"),
            ("127.0.0.1", Some("203.0.113.9, 127.0.0.1"), "127.0.0.1"),
            ("::1", Some("10.0.0.1, 2001:db8::7"), "2001:db8::7"),
            ("127.0.0.1", Some("unknown"), "127.0.0.1"),
            ("198.51.100.7", Some("203.0.113.9"), "198.51.100.7"),
        ] {
            let pairs: Vec<_> = forwarded.iter().map(|line| ("x-forwarded-for", *line)).collect();
            assert_eq!(Proxies::default().client(ip(peer), &headers(&pairs)), ip(client), "{peer}");
        }
    }

    #[test]
    fn forwarded_request_of_another_machine_is_recognised() {
        for (name, said) in [
            ("x-forwarded-for", "203.0.113.9"),
            ("x-forwarded-for", "203.0.113.9, 127.0.0.1"),
            ("x-forwarded-for", "127.0.0.1, 10.0.0.7"),
            ("x-forwarded-for", "[2001:db8::7]:4711"),
            ("x-forwarded-for", "unknown"),
            ("x-forwarded-for", ""),
            ("x-real-ip", "192.168.1.20"),
            ("forwarded", "for=192.0.2.43;proto=https"),
            ("forwarded", "proto=https;For=\"[2001:db8::7]:4711\""),
            ("forwarded", "for=127.0.0.1, for=_hidden"),
            ("forwarded", "proto=https"),
            ("x-forwarded-host", "reads.example.org"),
            ("x-forwarded-proto", "https"),
            ("via", "1.1 proxy"),
        ] {
            assert!(is_from_elsewhere(&headers(&[(name, said)])), "{name}: {said}");
        }
        for (name, said) in [
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-for", "::1, 127.0.0.2:4711"),
            ("x-real-ip", "::ffff:127.0.0.1"),
            ("forwarded", "for=\"[::1]\";host=localhost"),
            ("accept", "203.0.113.9"),
        ] {
            assert!(!is_from_elsewhere(&headers(&[(name, said)])), "{name}: {said}");
        }
    }

    #[test]
    fn only_trusted_proxies_name_users() {
        let proxies = of(&["10.0.0.0/8"], Some("x-user"));
        let user = |peer: &str, names: &[&str]| {
            let pairs: Vec<_> = names.iter().map(|name| ("x-user", *name)).collect();
            proxies.user(ip(peer), &headers(&pairs))
        };
        assert_eq!(user("10.0.0.1", &["Anna"]), ProxyUser::Named("anna".parse().unwrap()));
        assert_eq!(user("10.0.0.1", &["jürgen"]), ProxyUser::Named("jürgen".parse().unwrap()));
        assert_eq!(user("127.0.0.1", &["anna"]), ProxyUser::Nobody, "this machine is no proxy here");
        assert_eq!(user("203.0.113.1", &["anna"]), ProxyUser::Nobody);
        for nobody in [&[][..], &[""], &["  "]] {
            assert_eq!(user("10.0.0.1", nobody), ProxyUser::Nobody);
        }
        for unusable in [&["anna", "one"][..], &["anna one"], &["anna,one"], &["<b>"]] {
            assert_eq!(user("10.0.0.1", unusable), ProxyUser::Unusable, "{unusable:?}");
        }
        let unasked = of(&["10.0.0.0/8"], None);
        assert_eq!(unasked.user(ip("10.0.0.1"), &headers(&[("x-user", "anna")])), ProxyUser::Nobody);
        let nowhere = of(&[], Some("x-user"));
        assert_eq!(nowhere.user(ip("127.0.0.1"), &headers(&[("x-user", "anna")])), ProxyUser::Nobody);
    }
}
