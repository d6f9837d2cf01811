//! Checks whether this machine has a network. This is done after a failure, to distinguish a local
//! problem from one at the host.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};
use std::time::Duration;

/// A name of a DNS root server, which resolves wherever public names can be resolved.
const CERTAIN_NAME: &str = "a.root-servers.net";

/// Whether the network is down: no route, or a name that certainly exists does not resolve within
/// the limit.
pub(crate) async fn is_down(limit: Duration) -> bool {
    if !has_route_out() {
        return true;
    }
    let certain = tokio::time::timeout(limit, tokio::net::lookup_host((CERTAIN_NAME, 0))).await;
    !matches!(certain, Ok(Ok(_)))
}

/// Whether the system has a route to the internet. Connecting a UDP socket sends nothing; it only
/// selects a route. The addresses are for documentation (RFC 5737, RFC 3849).
pub(crate) fn has_route_out() -> bool {
    let to = |from: IpAddr, far: IpAddr| {
        UdpSocket::bind((from, 0)).and_then(|socket| socket.connect((far, 443))).is_ok()
    };
    to(Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into())
        || to(Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into())
}
