//! The interfaces for supervisors and Prometheus: health, metrics, the log as JSON, and systemd's
//! protocol.

use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use backissue_tests::program::{Archive, Served, client};
use reqwest::StatusCode;
use serde_json::Value;

/// The series of a metric, with their values.
fn series<'t>(text: &'t str, name: &str) -> Vec<(&'t str, f64)> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.rsplit_once(' '));
    let own = pairs.filter(|(series, _)| series.split('{').next() == Some(name));
    own.map(|(series, value)| (series, value.parse().unwrap())).collect()
}

#[tokio::test]
async fn demo_is_alive_ready_and_measured() {
    let archive = Archive::new(Vec::new()).unwrap();
    let served = archive.serve(&["--demo"]).unwrap();
    let client = client();
    served.until_idle(&client).await.unwrap();
    let get = async |path: &str| {
        let answer = client.get(served.url(path)).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    assert_eq!(get("/healthz").await, (StatusCode::OK, "alive\n".into()));
    assert_eq!(get("/readyz").await, (StatusCode::OK, "ready\n".into()));
    let address = served.address.to_string();
    assert_eq!(archive.done(&["health", &address]).unwrap(), "alive\n");
    assert_eq!(archive.done(&["health", "--ready", &address]).unwrap(), "ready\n");

    assert_eq!(get("/search?q=outage").await.0, StatusCode::OK);
    let (status, text) = get("/metrics").await;
    assert_eq!(status, StatusCode::OK);
    let sum = |name: &str, label: &str| -> f64 {
        series(&text, name).iter().filter(|(series, _)| series.contains(label)).map(|(_, n)| n).sum()
    };
    let shown = sum("backissue_archive_reads", "");
    assert!(shown > 20.0, "{text}");
    assert_eq!(sum("backissue_reads_total", "result=\"annotated\""), shown);
    assert_eq!(sum("backissue_polls_total", "result=\"answered\""), 6.0);
    assert!(sum("backissue_fetch_seconds_count", "result=\"ok\"") > shown);
    assert!(sum("backissue_step_seconds_count", "step=\"fetch\"") >= shown);
    assert!(sum("backissue_page_seconds_count", "route=\"/healthz\"") == 0.0, "probes are no pages");
    assert_eq!(sum("backissue_page_seconds_count", "route=\"/search\",status=\"200\""), 1.0, "{text}");
    assert!(sum("backissue_search_seconds_count", "") >= 1.0);
    assert_eq!(sum("backissue_queue_age_seconds", "step=\"fetch\""), 0.0);
    assert_eq!(series(&text, "backissue_queue_length").len(), 5, "{text}");
    assert_eq!(sum("backissue_database_up", ""), 1.0);
    assert!(text.contains("# TYPE backissue_page_seconds histogram"), "{text}");
}

#[test]
fn health_of_a_process_that_is_not_there_fails() {
    let archive = Archive::new(Vec::new()).unwrap();
    let said = archive.run(&["health", "127.0.0.1:1"]).unwrap();
    assert!(said.code == 1 && said.err.contains("127.0.0.1:7878"), "{}", said.err);
}

#[tokio::test]
async fn log_as_json_has_the_read_and_the_source() {
    let archive = Archive::new(vec!["--log-format".into(), "json".into()]).unwrap();
    let mut command = archive.command(&["serve", "--demo", "--listen", "127.0.0.1:0"]);
    command.env("RUST_LOG", "backissue_ingest=debug");
    let served = Served::start(command).unwrap();
    let line: Value = serde_json::from_str(&served.hears("\"read\"").unwrap()).unwrap();
    assert!(
        line["timestamp"].is_string() && line["level"].is_string() && line["message"].is_string(),
        "{line}"
    );
    let line_of = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| panic!("{text}"));
    let span = &line["span"];
    assert!(span["step"].is_string() && span["read"].is_string() && span["source"].is_number(), "{line}");
    let (status, rest) = served.stop().unwrap();
    assert!(status.success());
    let rest: Vec<Value> = rest.lines().map(line_of).collect();
    assert!(rest.iter().any(|line| line["message"].as_str().unwrap().starts_with("Stopped")), "{rest:?}");
}

/// The lines before the log is configured, and the reason why the program ends, are JSON too.
#[test]
fn log_as_json_has_no_other_lines() {
    let archive = Archive::new(vec!["--log-format".into(), "json".into()]).unwrap();
    let lines = |text: &str| -> Vec<Value> {
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    };
    let failed = archive.run(&["weeks"]).unwrap();
    let said = lines(&failed.err);
    assert_eq!((failed.code, said.len()), (3, 1), "{}", failed.err);
    assert_eq!(said[0]["level"], "ERROR");
    assert!(said[0]["message"].as_str().unwrap().contains("there is no archive"), "{}", said[0]);
    let served = archive.serve(&["--no-fetch"]).unwrap();
    let taken = archive.run(&["serve", "--no-fetch", "--listen", &served.address.to_string()]).unwrap();
    let said = lines(&taken.err);
    assert!(said.last().unwrap()["message"].as_str().unwrap().contains("cannot listen"), "{}", taken.err);
}

#[tokio::test]
async fn first_line_of_a_log_in_json_is_json() {
    let archive = Archive::new(vec!["--log-format".into(), "json".into()]).unwrap();
    let mut child = archive.command(&["serve", "--no-fetch", "--listen", "127.0.0.1:0"]);
    let mut child = child.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut first).unwrap();
    backissue_tests::program::terminate(&child).unwrap();
    backissue_tests::program::wait(&mut child).unwrap();
    let line: Value = serde_json::from_str(&first).unwrap_or_else(|_| panic!("{first}"));
    assert!(
        line["timestamp"].is_string() && line["level"] == "INFO" && line["message"].is_string(),
        "{line}"
    );
}

/// A proxy in front of an unchanged `serve` passes its own host name on. The response says how to
/// allow that.
#[tokio::test]
async fn proxy_before_a_server_without_login_gets_the_remedy() {
    let archive = Archive::new(Vec::new()).unwrap();
    let served = archive.serve(&["--no-fetch"]).unwrap();
    let ask = async |header: &'static str, value: &'static str, path: &str| {
        let asked = client().get(served.url(path)).header(header, value).send().await.unwrap();
        (asked.status().as_u16(), asked.text().await.unwrap())
    };
    for path in ["/", "/settings", "/api/v1/reads", "/metrics"] {
        let (status, said) = ask("x-forwarded-for", "203.0.113.9", path).await;
        assert!(
            status == 421 && said.contains("base_url") && said.contains("reader password"),
            "{path}: {said}"
        );
    }
    for (header, value) in
        [("x-forwarded-host", "reads.example.org"), ("x-forwarded-proto", "https"), ("via", "1.1 p")]
    {
        assert_eq!(ask(header, value, "/").await.0, 421, "{header}");
    }
    assert_eq!(ask("x-forwarded-for", "127.0.0.1", "/").await.0, 200, "a proxy for this machine");
    assert_eq!(ask("x-forwarded-for", "203.0.113.9", "/healthz").await.0, 200);
}

#[tokio::test]
async fn systemd_is_notified_of_start_watchdog_and_stop() {
    let archive = Archive::new(Vec::new()).unwrap();
    let socket = archive.folder().join("notify");
    let systemd = UnixDatagram::bind(&socket).unwrap();
    systemd.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let heard = |wanted: &str| {
        let mut message = [0; 1000];
        loop {
            let length = systemd.recv(&mut message).unwrap_or_else(|_| panic!("no {wanted}"));
            let text = String::from_utf8_lossy(&message[..length]).into_owned();
            if text.contains(wanted) {
                return text;
            }
        }
    };
    let mut command = archive.command(&["serve", "--no-fetch", "--listen", "127.0.0.1:0"]);
    command.env("NOTIFY_SOCKET", &socket).env("WATCHDOG_USEC", "90000").env_remove("WATCHDOG_PID");
    let served = Served::start(command).unwrap();
    let ready = heard("READY=1");
    assert!(ready.contains(&format!("http://{}", served.address)), "{ready}");
    heard("WATCHDOG=1");
    heard("WATCHDOG=1");
    let (status, _) = served.stop().unwrap();
    assert!(status.success());
    heard("STOPPING=1");
}

/// systemd accepts the unit. Skipped if systemd is not installed.
#[test]
fn unit_is_valid_for_systemd() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd/backissue.service");
    let text = std::fs::read_to_string(&unit).unwrap();
    assert!(text.contains("\nType=notify\n") && text.contains("\nWatchdogSec="));
    let folder = tempfile::tempdir().unwrap();
    // The check wants the program to exist.
    let own = std::env::current_exe().unwrap();
    let text = text.replace("/usr/local/bin/backissue", &own.display().to_string());
    let copy = folder.path().join("backissue.service");
    std::fs::write(&copy, text).unwrap();
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&copy).output() {
        Ok(checked) => {
            let said = String::from_utf8_lossy(&checked.stderr).into_owned();
            let own: Vec<&str> = said.lines().filter(|line| line.contains("backissue.service")).collect();
            assert!(checked.status.success() && own.is_empty(), "{said}");
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
    }
}
