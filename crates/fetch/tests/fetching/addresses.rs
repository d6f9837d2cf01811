//! Which addresses are public. `src/tests/ssrf.rs` tests attempts to reach the local network.

use std::time::Duration;

use backissue_fetch::{FetchError, FetchSettings, Fetcher, why_not_public};

use crate::loopback::get;

#[tokio::test]
async fn unknown_name_is_reported() {
    // RFC 6761 reserves `.invalid`, so it never resolves, with or without a network.
    let settings = FetchSettings { host_pause: Duration::ZERO, ..FetchSettings::default() };
    let error = get(&Fetcher::new(settings).unwrap(), "http://blog.invalid/").await.unwrap_err();
    assert!(matches!(error, FetchError::Dns { .. }) && error.is_transient(), "{error}");
    assert!(error.to_string().starts_with("the name blog.invalid could not be resolved: "), "{error}");
}

#[test]
fn neighbours_of_special_ranges_are_public() {
    for address in [
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "168.63.129.15",
        "168.63.129.17", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255",
        "172.32.0.0", "192.0.1.0", "192.0.3.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
        "198.20.0.0", "223.255.255.255", "2001:200::1", "2001:4860:4860::8888", "2003::1",
        "2606:4700:4700::1111", "2a00:1450:4001:80b::200e", "3ffe::1", "3fff:1000::1",
    ] {
        assert_eq!(why_not_public(address.parse().unwrap()), None, "{address}");
    }
}
