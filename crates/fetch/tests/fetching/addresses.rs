//! Ways into the reader's own network, each refused before a connection is made.

use std::time::Duration;

use backissue_fetch::{FetchError, FetchSettings, Fetcher, why_not_public};
use url::Url;

use crate::loopback::get;

/// What the open web is met with, but without pauses.
fn strict() -> FetchSettings {
    FetchSettings { host_pause: Duration::ZERO, ..FetchSettings::default() }
}

/// Spellings of addresses that are not public, as URLs may have them.
const SPELLINGS: &[&str] = &[
    // Loopback: dotted, short, decimal, hexadecimal, octal, mixed, with dots and escapes.
    "http://127.0.0.1/",
    "http://127.0.0.1./",
    "http://127.1/",
    "http://127.0.1/",
    "http://127.255.255.254/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7F.0x0.0x0.0x1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://0177.0.0.01/",
    "http://017700000001/",
    "http://%31%32%37.0.0.1/",
    "http://127%2e0%2e0%2e1/",
    "http://１２７.０.０.１/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://localhost/",
    "http://LOCALHOST/",
    // The host is not where it seems to be.
    "http://example.org@127.0.0.1/",
    "http://example.org:80@127.0.0.1/",
    "http://127.0.0.1#@example.org/",
    "http://127.0.0.1\\@example.org/",
    "http:127.0.0.1/",
    "http:///127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "http:/\t/127.0.\n0.1/",
    // This network, private, shared, link-local with the clouds' metadata, and reserved ranges.
    "http://0.0.0.0/",
    "http://0/",
    "http://0.1.2.3/",
    "http://10.0.0.1/",
    "http://10.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://0xc0a80101/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xA9FEA9FE/",
    "http://0251.0376.0251.0376/",
    "http://100.64.0.1/",
    "http://100.100.100.200/",
    "http://192.0.0.192/",
    "http://192.0.2.1/",
    "http://198.18.0.1/",
    "http://198.51.100.1/",
    "http://203.0.113.1/",
    "http://224.0.0.1/",
    "http://239.255.255.250/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    // IPv6: loopback, unspecified, and IPv4 inside.
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[0000::0001]/",
    "http://[::]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::FFFF:10.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fe80::5efe:a00:1]/",
    "http://[2a00:1450::200:5efe:a00:1]/",
    // IPv6: link-local, site-local, unique-local (the clouds' metadata among them), multicast, reserved.
    "http://[fe80::1]/",
    "http://[febf::1]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[2001:2::1]/",
    "http://[100::1]/",
    "http://[5f00::1]/",
    "http://[4000::1]/",
];

#[tokio::test]
async fn no_spelling_of_an_inner_address_is_fetched() {
    let fetcher = Fetcher::new(strict()).unwrap();
    for spelling in SPELLINGS {
        let error = get(&fetcher, spelling).await.unwrap_err();
        assert!(matches!(error, FetchError::NotAllowed { .. }), "{spelling}: {error}");
        assert!(error.to_string().contains("allow private addresses"), "{spelling}: {error}");
        assert!(!error.is_transient() && !error.is_offline());
    }
}

#[test]
fn hosts_that_are_no_hosts_are_no_urls() {
    for spelling in [
        "http://[::1%25lo]/",
        "http://[fe80::1%eth0]/",
        "http://127.0.0.256/",
        "http://0x100000000/",
        "http://1.2.3.4.5/",
        "http://[127.0.0.1]/",
        "http://exa mple/",
        "http://",
    ] {
        assert!(spelling.parse::<Url>().is_err(), "{spelling}");
    }
}

#[tokio::test]
async fn no_name_that_leads_inside_is_fetched() {
    for address in [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "172.20.0.1",
        "192.168.0.1",
        "169.254.169.254",
        "100.64.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::a00:1]",
        "[fd00::1]",
        "[fe80::1]",
        "127.0.0.1,10.0.0.1,[::1]",
    ] {
        let resolve =
            ["80", "443"].map(|port| format!("inner.example:{port}:{address}").parse().unwrap()).to_vec();
        let fetcher = Fetcher::new(FetchSettings { resolve, ..strict() }).unwrap();
        for scheme in ["http", "https"] {
            let error = get(&fetcher, &format!("{scheme}://inner.example/")).await.unwrap_err();
            assert!(matches!(error, FetchError::NotAllowed { .. }), "{address}: {error}");
            assert!(error.to_string().starts_with("inner.example was not fetched: it leads to "), "{error}");
        }
    }
}

#[tokio::test]
async fn a_name_that_does_not_exist_says_so() {
    // RFC 6761 keeps `.invalid` from ever existing, with a network and without.
    let error = get(&Fetcher::new(strict()).unwrap(), "http://blog.invalid/").await.unwrap_err();
    assert!(matches!(error, FetchError::Dns { .. }) && error.is_transient(), "{error}");
    assert!(error.to_string().starts_with("the name blog.invalid could not be resolved: "), "{error}");
}

#[tokio::test]
async fn other_ports_and_schemes_are_refused() {
    let settings = FetchSettings { allow_private_addresses: true, ..strict() };
    for fetcher in [Fetcher::new(strict()).unwrap(), Fetcher::new(settings).unwrap()] {
        for (url, why) in [
            ("http://1.1.1.1:22/", "port 22 is not among"),
            ("http://blog.example:6379/", "port 6379 is not among"),
            ("https://blog.example:8443/", "port 8443 is not among"),
            ("http://blog.example:0/", "port 0 is not among"),
            ("ftp://blog.example/", "only http and https"),
            ("file:///etc/passwd", "only http and https"),
            ("gopher://blog.example:80/", "only http and https"),
            ("ws://blog.example/", "only http and https"),
            ("data:text/html,hello", "only http and https"),
            ("javascript:alert(1)", "only http and https"),
            ("unix:/var/run/docker.sock", "only http and https"),
        ] {
            let error = get(&fetcher, url).await.unwrap_err();
            assert!(
                matches!(error, FetchError::NotAllowed { .. }) && error.to_string().contains(why),
                "{error}"
            );
        }
    }
}

#[test]
fn the_neighbours_of_special_ranges_are_public() {
    for address in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.0.3.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2003::1",
        "2606:4700:4700::1111",
        "2a00:1450:4001:80b::200e",
        "3ffe::1",
        "3fff:1000::1",
    ] {
        assert_eq!(why_not_public(address.parse().unwrap()), None, "{address}");
    }
}
