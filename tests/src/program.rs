//! Runs the binary as people do, with a temporary data folder.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::web::SmallWeb;

/// Time limit for a step of a test. After it, the program counts as hung.
const PATIENCE: Duration = Duration::from_secs(180);

/// The path of the binary: `BACKISSUE_BINARY`, or next to the running test's folder.
///
/// # Errors
/// If it has not been built, with the remedy.
pub fn binary() -> anyhow::Result<PathBuf> {
    if let Some(named) = std::env::var_os("BACKISSUE_BINARY") {
        return Ok(named.into());
    }
    let own = std::env::current_exe()?;
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join("backissue")).find(|p| p.is_file());
    beside.context(
        "the binary is not built; run `cargo build -p backissue`, or `cargo xtask test`, which does so",
    )
}

/// An HTTP client for the pages, without proxy and without decompression.
pub fn client() -> reqwest::Client {
    // Another test of this process may have installed the same provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client without certificates of its own can always be made")
}

/// An archive in a temporary folder, with the flags for its commands.
#[derive(Debug)]
pub struct Archive {
    binary: PathBuf,
    folder: PathBuf,
    /// The folder. Dropping it removes it.
    _temporary: Option<tempfile::TempDir>,
    flags: Vec<String>,
}

/// The output of a command.
#[derive(Debug)]
pub struct Said {
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
    /// The exit code; -1 if a signal ended it.
    pub code: i32,
}

impl Archive {
    /// An empty archive. All its commands get `flags`.
    ///
    /// # Errors
    /// If the binary is not built, or no temporary folder can be made.
    pub fn new(flags: Vec<String>) -> anyhow::Result<Self> {
        Self::with_binary(&binary()?, flags)
    }

    /// Makes an empty archive for this binary.
    ///
    /// # Errors
    /// If no temporary folder can be made.
    pub fn with_binary(binary: &Path, flags: Vec<String>) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().to_owned();
        Ok(Self { binary: binary.to_owned(), folder: path, _temporary: Some(folder), flags })
    }

    /// Makes an empty archive in a folder that stays.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn kept_in(binary: &Path, folder: &Path, flags: Vec<String>) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        Ok(Self { binary: binary.to_owned(), folder: folder.to_owned(), _temporary: None, flags })
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A command on this archive, isolated from the user's settings.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            let shown = name.to_string_lossy();
            if shown.starts_with("BACKISSUE_") || shown.ends_with("_API_KEY") {
                command.env_remove(name);
            }
        }
        command
            .args(words)
            .args(&self.flags)
            .env("XDG_CONFIG_HOME", self.folder.join("no-config"))
            // Tests do not depend on what runs on this machine.
            .env("BACKISSUE_MODEL_SERVERS", "none")
            .stdin(Stdio::null());
        // The demo has a separate archive.
        if !words.contains(&"--demo") {
            command.arg("--data").arg(&self.folder);
        }
        command
    }

    /// Runs a command to its end.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn run(&self, words: &[&str]) -> anyhow::Result<Said> {
        let Output { status, stdout, stderr } = self.command(words).output()?;
        Ok(Said {
            out: String::from_utf8(stdout)?,
            err: String::from_utf8(stderr)?,
            code: status.code().unwrap_or(-1),
        })
    }

    /// Runs a command that must succeed, and returns its output.
    ///
    /// # Errors
    /// If the exit code is not 0. The error has its whole output.
    pub fn done(&self, words: &[&str]) -> anyhow::Result<String> {
        let said = self.run(words)?;
        ensure!(said.code == 0, "{words:?} ended with {}:\n{}\n{}", said.code, said.out, said.err);
        Ok(said.out)
    }

    /// Follows all feeds of the small web, by an import.
    ///
    /// # Errors
    /// If the list cannot be written, or the import fails.
    pub fn import_feeds(&self, web: &SmallWeb) -> anyhow::Result<()> {
        let opml = self.folder().join("feeds.opml");
        let outline = |feed| format!("<outline type=\"rss\" text=\"\" xmlUrl=\"{feed}\"/>");
        let outlines: String = web.feeds().iter().map(outline).collect();
        std::fs::write(&opml, format!("<opml version=\"2.0\"><head/><body>{outlines}</body></opml>"))?;
        self.done(&["import", &opml.display().to_string()])?;
        Ok(())
    }

    /// The JSON output of a command that must succeed.
    ///
    /// # Errors
    /// If it fails, or does not print JSON.
    pub fn json(&self, words: &[&str]) -> anyhow::Result<serde_json::Value> {
        let mut words = words.to_vec();
        words.push("--json");
        let out = self.done(&words)?;
        serde_json::from_str(&out).with_context(|| format!("{words:?} did not print JSON: {out}"))
    }

    /// All reads of the archive, newest week first, from the JSON API.
    ///
    /// # Errors
    /// If the pages cannot be served.
    pub fn all_reads(&self) -> anyhow::Result<Vec<serde_json::Value>> {
        let served = self.serve(&["--no-fetch"])?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let client = client();
            let get = async |path: String| -> anyhow::Result<serde_json::Value> {
                let answer = client.get(served.url(&path)).send().await?.error_for_status()?;
                Ok(serde_json::from_slice(&answer.bytes().await?)?)
            };
            let mut reads = Vec::new();
            for week in get("/api/weeks".to_owned()).await?["weeks"].as_array().context("weeks are a list")? {
                let mut page =
                    Some(format!("/api/week/{}", week["week"].as_str().context("a week has a name")?));
                while let Some(path) = page {
                    let answer = get(path).await?;
                    reads.extend(answer["items"].as_array().context("a week has reads")?.iter().cloned());
                    page = answer["next"].as_str().map(str::to_owned);
                }
            }
            Ok(reads)
        })
    }

    /// Starts `serve` on a free port and waits until it prints its address.
    ///
    /// # Errors
    /// If it ends before that.
    pub fn serve(&self, words: &[&str]) -> anyhow::Result<Served> {
        Served::start(self.command(&[&["serve", "--listen", "127.0.0.1:0"], words].concat()))
    }
}

/// A running `serve`. Dropping it kills it.
#[derive(Debug)]
pub struct Served {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    /// The lines of its standard error.
    lines: Receiver<String>,
}

impl Served {
    /// Starts `serve` by this command and waits until it prints its address.
    ///
    /// # Errors
    /// If it ends before that.
    pub fn start(mut command: Command) -> anyhow::Result<Self> {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let log = BufReader::new(child.stderr.take().context("standard error is piped")?);
        let (heard, lines) = channel();
        std::thread::spawn(move || {
            // A pipe that breaks has said all it had to say, and so has one to which nobody
            // listens.
            log.lines().map_while(Result::ok).try_for_each(|line| heard.send(line).ok())
        });
        let mut served = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), lines };
        let line = served.hears("http://")?;
        let address = line.split("http://").nth(1).and_then(|rest| rest.split_whitespace().next());
        served.address = address.context("serve told no address")?.parse()?;
        Ok(served)
    }

    /// Waits for the next line on standard error that contains `words`, and returns it.
    ///
    /// # Errors
    /// If the program ends before that, or prints nothing for too long.
    pub fn hears(&self, words: &str) -> anyhow::Result<String> {
        let mut said = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.with_context(|| format!("serve never said {words:?} but:\n{said}"))?;
            if line.contains(words) {
                return Ok(line);
            }
            said.push_str(&line);
            said.push('\n');
        }
    }

    /// Waits until the program ends by itself.
    ///
    /// # Errors
    /// If it does not end in time.
    pub fn ended(mut self) -> anyhow::Result<(ExitStatus, String)> {
        let status = wait(&mut self.child)?;
        Ok((status, self.lines.iter().collect::<Vec<_>>().join("\n")))
    }

    /// The address of a page.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The process's id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the background sync has nothing left to do.
    ///
    /// # Errors
    /// If that takes too long, or the server cannot be reached.
    pub async fn until_idle(&self, client: &reqwest::Client) -> anyhow::Result<serde_json::Value> {
        let started = Instant::now();
        loop {
            let progress: serde_json::Value =
                serde_json::from_slice(&client.get(self.url("/api/progress")).send().await?.bytes().await?)?;
            if progress["phase"] == "idle" {
                return Ok(progress);
            }
            ensure!(started.elapsed() < PATIENCE, "the sync does not come to an end: {progress}");
            // Polling is the only way to know. The pause only reduces its load.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Waits until the search finds at least so many reads.
    ///
    /// # Errors
    /// If that takes too long, or the server cannot be reached.
    pub async fn until_searchable(&self, client: &reqwest::Client, reads: u64) -> anyhow::Result<()> {
        let started = Instant::now();
        let all = self.url("/api/search?q=before%3A2100&limit=1");
        loop {
            let found: serde_json::Value =
                serde_json::from_slice(&client.get(&all).send().await?.bytes().await?)?;
            if found["total"] == reads {
                return Ok(());
            }
            ensure!(started.elapsed() < PATIENCE, "the index has not {reads} reads: {}", found["total"]);
            // Polling is the only way to know. The pause only reduces its load.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Sends SIGTERM and waits for the end.
    ///
    /// # Errors
    /// If the program does not end in time.
    pub fn stop(self) -> anyhow::Result<(ExitStatus, String)> {
        terminate(&self.child)?;
        self.ended()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for the end of a process and returns its peak memory in bytes, as Linux reports it
/// (`VmHWM`).
///
/// # Errors
/// If it does not end in time (then it is killed), or if this system does not report memory.
pub fn wait_and_weigh(child: &mut Child) -> anyhow::Result<(ExitStatus, u64)> {
    let path = format!("/proc/{}/status", child.id());
    let started = Instant::now();
    let mut most = None;
    while started.elapsed() < PATIENCE {
        let status = std::fs::read_to_string(&path).unwrap_or_default();
        let held = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        // An ended process has no memory any more, and its peak never decreases.
        most = held.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok()).or(most);
        if let Some(status) = child.try_wait()? {
            return Ok((status, most.context("this system does not tell a process's peak memory")? * 1024));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    bail!("the process did not end within {} s", PATIENCE.as_secs())
}

/// Kills a process (SIGKILL) after the time `moment`. Returns false if it had ended before.
///
/// # Errors
/// If it cannot be killed.
pub fn kill_after(child: &mut Child, moment: Duration) -> anyhow::Result<bool> {
    let started = Instant::now();
    while let Some(left) = moment.checked_sub(started.elapsed()) {
        if child.try_wait()?.is_some() {
            return Ok(false);
        }
        std::thread::sleep(left.min(Duration::from_millis(5)));
    }
    child.kill()?;
    // It may have ended just before.
    Ok(child.wait()?.code().is_none())
}

/// Sends SIGTERM.
///
/// # Errors
/// If there is no such process any more.
pub fn terminate(child: &Child) -> anyhow::Result<()> {
    let status = Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
    ensure!(status.success(), "the process could not be told to stop");
    Ok(())
}

/// Waits for the end of a process, up to the time limit.
///
/// # Errors
/// If it does not end in time; then it is killed.
pub fn wait(child: &mut Child) -> anyhow::Result<ExitStatus> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    bail!("the process did not end within {} s of being told to", PATIENCE.as_secs())
}
