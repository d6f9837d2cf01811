//! How long each test program takes.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

/// Programs that took less are one line of the table.
const SHOWN: Duration = Duration::from_secs(1);

/// Runs `cargo test` and prints the time that each test program took, longest first.
///
/// Cargo names a program on its standard error before it starts it, so that stream is read line by
/// line and printed again.
///
/// # Errors
/// If a test fails. The table is printed then too.
pub fn run_tests(tests: &mut Command) -> anyhow::Result<()> {
    let mut child =
        tests.stderr(Stdio::piped()).spawn().with_context(|| format!("{tests:?} does not start"))?;
    let stderr = child.stderr.take().context("standard error is a pipe")?;
    let mut programs = Programs::default();
    for line in BufReader::new(stderr).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        programs.line(&line, Instant::now());
        eprintln!("{line}");
    }
    let status = child.wait()?;
    print!("{}", programs.table(Instant::now()));
    ensure!(status.success(), "{tests:?} ended with {status}");
    Ok(())
}

#[derive(Default)]
struct Programs {
    ended: Vec<(String, Duration)>,
    running: Option<(String, Instant)>,
}

impl Programs {
    fn line(&mut self, line: &str, now: Instant) {
        let Some(name) = started(line) else { return };
        self.end(now);
        self.running = Some((name, now));
    }

    fn end(&mut self, now: Instant) {
        if let Some((name, start)) = self.running.take() {
            self.ended.push((name, now.duration_since(start)));
        }
    }

    fn table(mut self, now: Instant) -> String {
        self.end(now);
        let (mut long, short): (Vec<_>, Vec<_>) =
            self.ended.into_iter().partition(|(_, time)| *time >= SHOWN);
        long.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
        let rest = (format!("{} shorter ones", short.len()), short.iter().map(|(_, time)| *time).sum());
        let mut table = String::from("Seconds per test program:\n");
        for (name, time) in long.into_iter().chain((!short.is_empty()).then_some(rest)) {
            table.push_str(&format!("{:8.1}  {name}\n", time.as_secs_f64()));
        }
        table
    }
}

/// The name of the program that cargo starts now, if the line says so: the crate or test, and its
/// main file.
fn started(line: &str) -> Option<String> {
    let line = line.trim();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(format!("{name} (documentation)"));
    }
    let (what, path) = line.strip_prefix("Running ")?.strip_suffix(')')?.rsplit_once(" (")?;
    let file = path.rsplit(['/', '\\']).next()?;
    let name = file.rsplit_once('-').map_or(file, |(name, _hash)| name);
    Some(format!("{name} ({})", what.trim_start_matches("unittests ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_has_each_program_with_its_time_longest_first() {
        let start = Instant::now();
        let mut programs = Programs::default();
        let lines = [
            (0, "    Finished `test` profile [optimized] target(s) in 1.2s"),
            (2, "     Running unittests src/lib.rs (target/debug/deps/backissue_feed-0123456789abcdef)"),
            (5, "SKIPPED: a line of a test"),
            (7, "     Running tests/program/main.rs (target/debug/deps/program-fedcba9876543210)"),
            (97, "   Doc-tests backissue_feed"),
        ];
        for (at, line) in lines {
            programs.line(line, start + Duration::from_secs(at));
        }
        let table = programs.table(start + Duration::from_millis(97_500));
        let expected = "Seconds per test program:\n    90.0  program (tests/program/main.rs)\n     \
                        5.0  backissue_feed (src/lib.rs)\n     0.5  1 shorter ones\n";
        assert_eq!(table, expected);
    }
}
