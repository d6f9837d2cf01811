//! Decides which addresses belong to the public internet, by IANA's special-purpose address
//! registries (RFC 6890 and its updates).
//!
//! The functions do no input or output.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Why an address is not on the public internet, in a few words. Returns `None` if it is.
///
/// IPv6 addresses that contain an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo, ISATAP)
/// are always refused. No public server needs them, and each could bypass a check of the IPv4
/// address.
///
/// ```
/// use backissue_fetch::why_not_public;
/// assert_eq!(why_not_public("10.1.2.3".parse()?), Some("a private address"));
/// assert_eq!(why_not_public("1.1.1.1".parse()?), None);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
pub fn why_not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => v4_why_not_public(v4),
        IpAddr::V6(v6) => v6_why_not_public(v6),
    }
}

fn v4_why_not_public(address: Ipv4Addr) -> Option<&'static str> {
    let why = match address.octets() {
        [0, ..] => "an address of \"this network\"",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "a private address",
        [100, 64..=127, ..] => "an address of a carrier's own network",
        // In the public range, but served by the host of an Azure virtual machine, which returns
        // the machine's settings: Microsoft Learn, "What is IP address 168.63.129.16?".
        [168, 63, 129, 16] => "the address of a cloud's own platform",
        [127, ..] => "a loopback address",
        [169, 254, ..] => "a link-local address",
        [192, 0, 0, _] => "an address reserved for protocols",
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => "an address for documentation",
        [192, 31, 196, _] | [192, 52, 193, _] | [192, 175, 48, _] => "an address reserved for protocols",
        [192, 88, 99, _] => "a 6to4 relay's address",
        [198, 18..=19, ..] => "an address for benchmarks",
        [224..=239, ..] => "a multicast address",
        [255, 255, 255, 255] => "the broadcast address",
        [240..=255, ..] => "a reserved address",
        _ => return None,
    };
    Some(why)
}

fn v6_why_not_public(address: Ipv6Addr) -> Option<&'static str> {
    let why = match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => "the unspecified address",
        [0, 0, 0, 0, 0, 0, 0, 1] => "a loopback address",
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => "an IPv4 address written as IPv6",
        [0, 0, 0, 0, 0, 0, ..] => "an IPv4 address written as IPv6",
        [0x64, 0xff9b, ..] => "a NAT64 address, which contains an IPv4 one",
        [0x2001, 0, ..] => "a Teredo address, which contains an IPv4 one",
        [0x2002, ..] => "a 6to4 address, which contains an IPv4 one",
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => "an ISATAP address, which contains an IPv4 one",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => "an address for documentation",
        [0x2001, 2, 0, ..] => "an address for benchmarks",
        [0x2001, 0..=0x01ff, ..] => "an address reserved for protocols",
        [0x2620, 0x4f, 0x8000, ..] => "an address reserved for protocols",
        [0xfc00..=0xfdff, ..] => "a unique-local address",
        [0xfe80..=0xfebf, ..] => "a link-local address",
        [0xfec0..=0xfeff, ..] => "a site-local address",
        [0xff00..=0xffff, ..] => "a multicast address",
        [0x2000..=0x3fff, ..] => return None,
        _ => "an address outside the public range",
    };
    Some(why)
}

/// Why a URL cannot lead to a server on the public internet, judged by the URL alone. Returns
/// `None` if it can.
pub fn why_url_not_public(url: &Url) -> Option<&'static str> {
    match url.host()? {
        Host::Ipv4(address) => v4_why_not_public(address),
        Host::Ipv6(address) => v6_why_not_public(address),
        Host::Domain(name) => why_name_not_public(name),
    }
}

/// Why a name cannot belong to the public internet. Such a name is refused before it is resolved: a
/// proxy would hide its address, and without a proxy the query would go to the local network.
///
/// The names come from RFC 6761 section 6.3 (`localhost`), RFC 6762 section 3 (`local`) and its
/// appendix G (what private networks use instead), RFC 8375 (`home.arpa`), ICANN's board resolution
/// 2024.07.29.06 (`internal`), and clusters (`svc`). A name that ends in a number is a malformed
/// address (WHATWG URL, "ends in a number checker").
pub(crate) fn why_name_not_public(host: &str) -> Option<&'static str> {
    const LOCAL: [&str; 11] = [
        "localhost", "local", "internal", "localdomain", "intranet", "home.arpa", "private", "corp", "home",
        "lan", "svc",
    ];
    let host = host.trim_end_matches('.');
    let is_within =
        |suffix: &&str| host.strip_suffix(*suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if LOCAL.iter().any(is_within) {
        return Some("a name of this machine or its own network");
    }
    let Some((_, last)) = host.rsplit_once('.') else {
        return Some("a name without a domain, which only a local network knows");
    };
    let number = last.strip_prefix("0x").unwrap_or(last);
    let is_number = number.bytes().all(|b| b.is_ascii_digit())
        || (number.len() < last.len() && number.bytes().all(|b| b.is_ascii_hexdigit()));
    is_number.then_some("a malformed address")
}
