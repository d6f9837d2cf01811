//! The host names to which the pages answer.
//!
//! A site that a person visits can point its own name at the person's machine and then read what
//! runs there (DNS rebinding). Such a request has the foreign name in `Host`. So pages answer only
//! to loopback names, to bare IP addresses (which nobody can repoint) and to the configured name.
//! Other names get an explanation.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::HOST;
use axum::middleware::Next;
use axum::response::Response;
use url::Url;

use crate::fault::Fault;

pub(crate) async fn answer_only_to_own_names(
    State(base_url): State<Option<Url>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path();
    if names_two_hosts(request.headers()) {
        return Fault::BadRequest("It names more than one host".to_owned()).without_frame(path);
    }
    match asked_host(&request) {
        Some(host) if !answers_to(base_url.as_ref(), &host) => Fault::ForeignName(host).without_frame(path),
        // Browsers always send `Host`, so this is no browser.
        _ => next.run(request).await,
    }
}

/// Whether the request has more than one `Host`. A proxy and this program could choose different
/// ones (RFC 9112, 3.2).
fn names_two_hosts(headers: &HeaderMap) -> bool {
    headers.get_all(HOST).iter().nth(1).is_some()
}

fn asked_host(request: &Request) -> Option<String> {
    let header = request.headers().get(HOST).map(|value| value.to_str().unwrap_or("?").to_owned());
    header.or_else(|| request.uri().authority().map(ToString::to_string))
}

/// Whether a site with this public address answers to `host`, the `Host` header with or without a
/// port.
fn answers_to(base_url: Option<&Url>, host: &str) -> bool {
    let name = without_port(host);
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    if bare.parse::<Ipv4Addr>().is_ok() || bare.parse::<Ipv6Addr>().is_ok() {
        return true;
    }
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let base = base_url.and_then(Url::host_str);
    name == "localhost"
        || name.ends_with(".localhost")
        || base.is_some_and(|base| base.eq_ignore_ascii_case(&name))
}

/// Whether the request is sent to a name or an address of this machine.
pub(crate) fn is_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|value| value.to_str().ok()) else { return false };
    let name = without_port(host).trim_end_matches('.').to_ascii_lowercase();
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<IpAddr>().map(|address| address.to_canonical());
    address
        .map_or_else(|_| name == "localhost" || name.ends_with(".localhost"), |address| address.is_loopback())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port))
            if port.bytes().all(|b| b.is_ascii_digit()) && (!name.contains(':') || name.ends_with(']')) =>
        {
            name
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_hosts_are_refused() {
        let mut headers = HeaderMap::new();
        headers.append(HOST, "localhost".parse().unwrap());
        assert!(!names_two_hosts(&headers));
        headers.append(HOST, "localhost".parse().unwrap());
        assert!(names_two_hosts(&headers));
    }

    #[test]
    fn loopback_names_are_recognised() {
        let is = |host: &str| is_loopback(&HeaderMap::from_iter([(HOST, host.parse().unwrap())]));
        for own in [
            "localhost", "LOCALHOST.:7878", "backissue.localhost:80", "127.0.0.1:7878", "[::1]:7878",
            "[::ffff:127.0.0.1]",
        ] {
            assert!(is(own), "{own}");
        }
        for other in [
            "reads.example.org", "192.168.1.5:7878", "[::2]:1", "localhost.example", "", "0.0.0.0",
            "127.0.0.1.example",
        ] {
            assert!(!is(other), "{other}");
        }
        assert!(!is_loopback(&HeaderMap::new()));
    }

    #[test]
    fn only_own_host_names_are_answered() {
        let site: Url = "https://reads.example.org/".parse().unwrap();
        for own in [
            "localhost", "localhost:7878", "LOCALHOST.", "backissue.localhost:80", "127.0.0.1:7878",
            "192.168.1.5", "[::1]:7878", "[::1]", "reads.example.org", "Reads.Example.org:443",
        ] {
            assert!(answers_to(Some(&site), own), "{own}");
        }
        for foreign in [
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example:7878",
            "reads.example.org.evil.example",
            "",
            "?",
        ] {
            assert!(!answers_to(Some(&site), foreign), "{foreign}");
        }
    }
}
