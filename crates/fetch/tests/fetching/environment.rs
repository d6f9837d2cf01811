//! What depends on the environment: proxies and the machine's certificate authorities. Each test runs itself again in a
//! process whose environment it sets.

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

#[test]
fn a_proxy_is_used_and_cannot_be_led_inside() {
    let proxy = Loopback::answering(|request| match request.path.as_str() {
        "http://blog.example/" => answer("200 OK", &[], b"by proxy"),
        "http://blog.example/metadata" => redirect(302, "http://169.254.169.254/"),
        "http://blog.example/localhost" => redirect(302, "http://localhost/"),
        "http://blog.example/intranet" => redirect(302, "http://wiki/"),
        other => answer("404 Not Found", &[], other.as_bytes()),
    });
    let address = format!("http://{}", proxy.addr);
    in_environment("behind_a_proxy", &[("http_proxy", &address), ("no_proxy", "direct.example")]);
    let asked: Vec<String> = proxy.paths();
    assert_eq!(asked.len(), 4, "{asked:?}");
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
    for path in ["metadata", "localhost", "intranet"] {
        let error = get(&fetcher, &format!("http://blog.example/{path}")).await.unwrap_err();
        assert!(matches!(error, FetchError::NotAllowed { .. }), "{path}: {error}");
    }
    let open = FetchSettings { resolve: vec![fixed], allow_private_addresses: true, ..settings };
    let page = get(&Fetcher::new(open).unwrap(), "http://fixed.example/").await.unwrap();
    assert_eq!(page.body.bytes(), Some(&b"direct"[..]), "a fixed host is reached directly");
}

#[test]
fn without_certificate_authorities_https_says_so_and_http_works() {
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
