//! Effects of the environment: proxies and the machine's certificate authorities. Each test runs
//! itself again in a process with its own environment.

use std::process::Command;

use backissue_fetch::{FetchError, FetchSettings, Fetcher};

use crate::loopback::{Loopback, answer, get, redirect};

/// Runs one ignored test of this binary with these variables and no other proxy settings.
fn in_environment(test: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([&format!("environment::{test}"), "--exact", "--ignored"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(name).env_remove(name.to_lowercase());
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Addresses in the local network to which a redirect may try to send the proxy.
const LED_INSIDE: [&str; 16] = [
    "http://169.254.169.254/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://[::1]/",
    "http://[::ffff:10.0.0.1]/",
    "http://blog.example@10.0.0.1/",
    "//192.168.0.1/",
    "http://localhost/",
    "http://LocalHost./",
    "http://admin.localhost/",
    "http://metadata.google.internal/",
    "http://kubernetes.default.svc/",
    "http://printer.local/",
    "http://nas.lan/",
    "http://wiki/",
    "http://blog.example:22/",
];

#[test]
fn proxy_is_used_and_cannot_be_led_inside() {
    let proxy = Loopback::answering(|request| match request.path.split_once('?') {
        None => answer("200 OK", &[], b"by proxy"),
        Some((_, location)) => redirect(302, location),
    });
    let address = format!("http://{}", proxy.addr);
    in_environment("behind_a_proxy", &[("http_proxy", &address), ("no_proxy", "direct.example")]);
    let asked: Vec<String> = proxy.paths();
    assert_eq!(asked.len(), 1 + LED_INSIDE.len(), "{asked:?}");
    assert!(asked.iter().all(|path| path.starts_with("http://blog.example/")), "{asked:?}");
}

#[tokio::test]
#[ignore = "runs in an environment of its own"]
async fn behind_a_proxy() {
    let here = Loopback::answering(|_| answer("200 OK", &[], b"direct"));
    let fixed = format!("fixed.example:80:{}", here.addr).parse().unwrap();
    let settings = FetchSettings { host_pause: std::time::Duration::ZERO, ..FetchSettings::default() };
    let fetcher = Fetcher::new(settings.clone()).unwrap();
    let page = get(&fetcher, "http://blog.example/").await.unwrap();
    assert_eq!(page.body.bytes(), Some(&b"by proxy"[..]), "though the proxy's own address is private");
    for inside in LED_INSIDE {
        let error = get(&fetcher, &format!("http://blog.example/?{inside}")).await.unwrap_err();
        assert!(matches!(error, FetchError::NotAllowed { .. }), "{inside}: {error}");
    }
    let open = FetchSettings { resolve: vec![fixed], allow_private_addresses: true, ..settings };
    let page = get(&Fetcher::new(open).unwrap(), "http://fixed.example/").await.unwrap();
    assert_eq!(page.body.bytes(), Some(&b"direct"[..]), "a fixed host is reached directly");
}

#[test]
fn missing_certificate_authorities_are_reported() {
    let empty = tempfile::tempdir().unwrap();
    let file = empty.path().join("none.pem");
    std::fs::write(&file, "").unwrap();
    let folder = empty.path().join("none");
    std::fs::create_dir(&folder).unwrap();
    let variables = [("SSL_CERT_FILE", file.to_str().unwrap()), ("SSL_CERT_DIR", folder.to_str().unwrap())];
    in_environment("without_authorities", &variables);
}

#[tokio::test]
#[ignore = "runs in an environment of its own"]
async fn without_authorities() {
    let server = Loopback::answering(|_| answer("200 OK", &[], b"plain"));
    let fetcher = server.fetcher();
    let page = get(&fetcher, "http://blog.example/").await.unwrap();
    assert_eq!(page.body.bytes(), Some(&b"plain"[..]));
    let error = get(&fetcher, "https://blog.example/").await.unwrap_err();
    assert_eq!(error, FetchError::NoAuthorities { host: "blog.example".to_owned() });
    assert!(error.to_string().contains("ca-certificates"), "{error}");
}
