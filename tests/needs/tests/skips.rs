//! A test whose need is missing is skipped with a message. In the full gate it fails.

#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

use std::process::{Command, Output};

use backissue_needs::{ALL, needs};

#[test]
fn sample_needs_shared_data() {
    needs!(SharedData);
}

/// Runs the sample test again, without the shared data.
fn sample(set: impl Fn(&mut Command) -> &mut Command) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "sample_needs_shared_data"]).env("BACKISSUE_SHARED", "/nowhere");
    set(&mut command).output().unwrap()
}

#[test]
fn skipped_test_passes_and_says_so() {
    let run = sample(|command| command.env_remove(ALL));
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(run.status.success(), "{said}");
    assert!(said.contains("SKIPPED sample_needs_shared_data: needs SharedData; put the shared"), "{said}");
}

#[test]
fn skipped_test_fails_in_the_full_gate() {
    let run = sample(|command| command.env(ALL, "1"));
    let said = String::from_utf8(run.stdout).unwrap();
    assert!(!run.status.success(), "{said}");
    assert!(said.contains("this test needs SharedData: put the shared test data into"), "{said}");
}
