//! How long each test program and the slowest tests take.

use std::cmp::Reverse;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};

/// Test programs that took less time than this share one line of the table.
const SHOWN: Duration = Duration::from_secs(1);

/// Number of tests in the table of the slowest.
const SLOWEST: usize = 20;

/// Runs `cargo test` and prints the time that each test program and the slowest tests took, longest
/// first.
///
/// Cargo prints the name of a program on standard error before it starts it. A program prints the
/// name of each test on standard output when the test has ended. Both streams are read line by line
/// and printed again.
///
/// # Errors
/// If a test fails. The tables are printed in this case, too.
pub fn run_tests(tests: &mut Command) -> anyhow::Result<()> {
    let threads = std::env::var("RUST_TEST_THREADS").ok().and_then(|number| number.parse().ok());
    let threads = threads.or_else(|| Some(std::thread::available_parallelism().ok()?.get()));
    let mut child = tests
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{tests:?} does not start"))?;
    let stdout = child.stdout.take().context("standard output is a pipe")?;
    let stderr = child.stderr.take().context("standard error is a pipe")?;
    let programs = Mutex::new(Programs { threads: threads.unwrap_or(1), ..Programs::default() });
    let follow = |stream: Box<dyn Read + Send>, print: fn(&str)| -> std::io::Result<()> {
        for line in BufReader::new(stream).split(b'\n') {
            let line = String::from_utf8_lossy(&line?).into_owned();
            programs.lock().unwrap_or_else(PoisonError::into_inner).line(&line, Instant::now());
            print(&line);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let errors = scope.spawn(|| follow(Box::new(stderr), |line| eprintln!("{line}")));
        follow(Box::new(stdout), |line| println!("{line}"))?;
        errors
            .join()
            .map_err(|_| anyhow!("the thread that reads standard error panicked"))?
            .context("reading it")
    })?;
    let status = child.wait()?;
    print!("{}", programs.into_inner().unwrap_or_else(PoisonError::into_inner).tables(Instant::now()));
    ensure!(status.success(), "{tests:?} ended with {status}");
    Ok(())
}

#[derive(Default)]
struct Programs {
    /// Number of tests that run at the same time in one program.
    threads: usize,
    ended: Vec<(String, Duration)>,
    tests: Vec<(String, Duration)>,
    running: Option<Program>,
}

struct Program {
    name: String,
    start: Instant,
    /// Its tests with their ends, in this order.
    ends: Vec<(String, Instant)>,
}

impl Programs {
    fn line(&mut self, line: &str, now: Instant) {
        if let Some(name) = started(line) {
            self.end(now);
            self.running = Some(Program { name, start: now, ends: Vec::new() });
        } else if let (Some(test), Some(program)) = (ended(line), &mut self.running) {
            program.ends.push((test.to_owned(), now));
        }
    }

    fn end(&mut self, now: Instant) {
        if let Some(program) = self.running.take() {
            self.tests.extend(program.times(self.threads));
            self.ended.push((program.name, now.duration_since(program.start)));
        }
    }

    fn tables(mut self, now: Instant) -> String {
        self.end(now);
        let (mut long, short): (Vec<_>, Vec<_>) =
            self.ended.into_iter().partition(|(_, time)| *time >= SHOWN);
        long.sort_by_key(|(_, time)| Reverse(*time));
        let rest = (format!("{} shorter ones", short.len()), short.iter().map(|(_, time)| *time).sum());
        long.extend((!short.is_empty()).then_some(rest));
        self.tests.sort_by_key(|(_, time)| Reverse(*time));
        self.tests.truncate(SLOWEST);
        let slowest = format!("Seconds of the {} slowest tests", self.tests.len());
        table("Seconds per test program", &long) + &table(&slowest, &self.tests)
    }
}

impl Program {
    /// The time of each test. A program starts its tests in the order of their names, and the next
    /// one whenever one has ended.
    fn times(&self, threads: usize) -> impl Iterator<Item = (String, Duration)> {
        let mut by_name: Vec<_> = self.ends.iter().collect();
        by_name.sort();
        by_name.into_iter().enumerate().map(move |(nth, (name, end))| {
            let before = nth.checked_sub(threads).and_then(|earlier| self.ends.get(earlier));
            let start = before.map_or(self.start, |(_, end)| *end);
            (format!("{name} in {}", self.name), end.saturating_duration_since(start))
        })
    }
}

fn table(head: &str, rows: &[(String, Duration)]) -> String {
    let rows: String =
        rows.iter().map(|(name, time)| format!("{:8.1}  {name}\n", time.as_secs_f64())).collect();
    format!("{head}:\n{rows}")
}

/// The name of the test that has ended, if the line reports that.
fn ended(line: &str) -> Option<&str> {
    let (name, result) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    matches!(result, "ok" | "FAILED").then_some(name)
}

/// The name of the program that cargo starts, if the line reports that: the crate or test, and its
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
    fn tables_have_programs_and_tests_longest_first() {
        let start = Instant::now();
        let mut programs = Programs { threads: 2, ..Programs::default() };
        let lines = [
            (0, "    Finished `test` profile [optimized] target(s) in 1.2s"),
            (2, "     Running unittests src/lib.rs (target/debug/deps/backissue_feed-0123456789abcdef)"),
            (5, "SKIPPED: a line of a test"),
            (7, "     Running tests/program/main.rs (target/debug/deps/program-fedcba9876543210)"),
            (17, "test b ... ok"),
            (37, "test a ... FAILED"),
            (77, "test c ... ok"),
            (97, "   Doc-tests backissue_feed"),
        ];
        for (at, line) in lines {
            programs.line(line, start + Duration::from_secs(at));
        }
        let tables = programs.tables(start + Duration::from_millis(97_500));
        // `c` started when `b` ended.
        let expected = "Seconds per test program:\n    90.0  program (tests/program/main.rs)\n     \
                        5.0  backissue_feed (src/lib.rs)\n     0.5  1 shorter ones\n\
                        Seconds of the 3 slowest tests:\n    60.0  c in program (tests/program/main.rs)\n    \
                        30.0  a in program (tests/program/main.rs)\n    10.0  b in program (tests/program/main.rs)\n";
        assert_eq!(tables, expected);
    }
}
