//! The JSON API conforms to its OpenAPI document, for requests that schemathesis makes.

use std::process::Command;

use backissue_needs::{needs, schemathesis};
use backissue_tests::database::Database;
use backissue_tests::program::Archive;
use backissue_tests::web::{SmallWeb, SmallWebOptions};

use crate::{archive_of, small_web};

/// The configuration of schemathesis. A cursor is opaque, so a made-up one is refused although its
/// schema is a text. The body of a change may be well formed and still ask for something impossible
/// (422). Any other parameter that fits its schema must not be refused.
const CONFIGURATION: &str = r#"
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "403", "404", "409", "422"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "413", "415", "422"]

[[operations]]
include-path-regex = "^/api/v1/(weeks|reads|labels|search|concepts|sources|companies|digests)$"
[operations.checks.positive_data_acceptance]
expected-statuses = ["2xx", "400", "403", "404", "422"]
"#;

/// Runs all checks of schemathesis on `serve`.
fn conforms(archive: &Archive) {
    archive.json(&["sync"]).unwrap();
    // A token may send more requests here than a person's programs would.
    let served = archive.serve(&["--no-fetch", "--requests-per-minute", "1000000"]).unwrap();
    let token = archive.json(&["token", "add", "conforming", "--scope", "write"]).unwrap();
    let token = token["token"].as_str().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("schemathesis.toml");
    std::fs::write(&configuration, CONFIGURATION).unwrap();
    let mut command = Command::new(schemathesis().unwrap());
    command.arg("--config-file").arg(&configuration).args(["run", &served.url("/api/openapi.json")]);
    command.arg("--header").arg(format!("Authorization: Bearer {token}"));
    command.args(["--checks", "all", "--seed", "1", "--max-examples", "8", "--generation-database", "none"]);
    // After some made-up tokens the next one has to wait (429), which these would take for a fault.
    // Tests of the access table ask each address without a token.
    command.args(["--exclude-checks", "ignored_auth", "--generation-with-security-parameters", "false"]);
    let output =
        command.args(["--no-color", "--warnings", "off"]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("No issues found"), "{said}");
    let (status, log) = served.stop().unwrap();
    assert!(status.success() && !log.contains("reference"), "{log}");
}

#[test]
fn api_conforms_to_its_document_on_sqlite() {
    needs!(SharedData, Schemathesis);
    let (_web, archive) = small_web();
    conforms(&archive);
}

#[test]
fn api_conforms_to_its_document_on_postgres() {
    needs!(SharedData, Postgres, Schemathesis);
    let database = Database::create().unwrap();
    let web = SmallWeb::start(&backissue_needs::shared_dir().unwrap(), SmallWebOptions::default()).unwrap();
    conforms(&archive_of(&web, vec!["--database".to_owned(), database.url()]));
}
