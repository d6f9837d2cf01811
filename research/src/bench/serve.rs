//! The pages under load: how their times follow the size of the archive, and what a finished page
//! takes beside nginx. And the JSON API with many clients.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use backissue_store::{Articles, Location, Order, ReadFilter, SourceFilter, Store};
use backissue_tests::database::Database;
use backissue_tests::postgres::Cluster;
use backissue_tests::program::{Archive, client};
use jiff::tz::TimeZone;
use reqwest::header::ACCEPT_ENCODING;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::table::{head, line, table};

/// Number of articles with a realistic length. The other articles of a large archive have two
/// paragraphs.
const LONG: u32 = 2_000;
/// Concurrent clients of the API, and for how many seconds they ask.
const API_CLIENTS: usize = 200;
const API_SECONDS: u64 = 20;
/// How the clients of the API ask: in words, the time from one request of a client to its next one
/// (none: as soon as it has a response), and whether finished answers are kept.
const API_LOADS: [(&str, Option<Duration>, bool); 3] = [
    ("without a pause, answers kept", None, true),
    ("one request a second, answers kept", Some(Duration::from_secs(1)), true),
    ("one request a second, each answer made", Some(Duration::from_secs(1)), false),
];
/// Time limit for nginx to start.
const READY_WITHIN: Duration = Duration::from_secs(10);

/// The arguments of `cargo xtask bench serve`.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Sizes of the archive, in reads
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000])]
    reads: Vec<u32>,
    /// Seconds per page
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Concurrent requests
    #[arg(long, default_value_t = 4)]
    at_once: usize,
    /// SQLite only
    #[arg(long)]
    sqlite: bool,
    /// PostgreSQL only
    #[arg(long, conflicts_with = "sqlite")]
    postgres: bool,
    /// A running PostgreSQL server, as superuser, instead of a temporary one
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// Keep the archives in this folder, and use those that are there. Databases on the server stay
    /// too
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
    /// Only make the archives
    #[arg(long, requires = "keep")]
    only_make: bool,
    /// The JSON API instead of the pages: 200 clients for 20 seconds, in the largest archive
    #[arg(long, conflicts_with_all = ["only_make", "pages", "seconds", "at_once"])]
    api: bool,
    /// Only these pages, by the names in the table
    #[arg(long, value_delimiter = ',')]
    pages: Vec<String>,
    /// The program to measure, instead of building one
    #[arg(long, value_name = "FILE")]
    pub program: Option<PathBuf>,
    /// Measure the program that tests use, which is not optimised: only ratios say something then
    #[arg(long)]
    pub as_tested: bool,
}

/// The sorted times of responses, by the number of the page and the size of the archive.
type Times = BTreeMap<(usize, u32), Vec<Duration>>;

impl Serve {
    /// Measures, and prints each row as soon as it is known.
    pub async fn run(self, binary: &Path) -> anyhow::Result<()> {
        let (clients, seconds, what) = match self.api {
            true => (API_CLIENTS, API_SECONDS, ""),
            false => (self.at_once, self.seconds, " per page"),
        };
        println!(
            "{clients} concurrent requests for {seconds} s{what}, client and server on the same machine.\n"
        );
        let own = match (&self.server, self.sqlite) {
            (None, false) => Some(Cluster::start()?),
            _ => None,
        };
        let server = self.server.clone().or_else(|| own.as_ref().map(|cluster| cluster.url().to_owned()));
        let mut api = Vec::new();
        let sizes: Vec<u32> = match self.reads.iter().max() {
            Some(largest) if self.api => vec![*largest],
            _ => self.reads.clone(),
        };
        let all = [("SQLite", !self.postgres), ("PostgreSQL", !self.sqlite)];
        for (name, _) in all.into_iter().filter(|(_, is_wanted)| *is_wanted) {
            let server = server.as_deref().filter(|_| name == "PostgreSQL");
            let (mut names, mut times) = (Vec::new(), Times::new());
            for reads in &sizes {
                let made = self.make(binary, server, *reads).await?;
                if self.only_make {
                    continue;
                }
                if self.api {
                    let paths = api_paths(&made.pages)?;
                    for (load, pause, keeps) in API_LOADS {
                        let no_cache = ["--page-cache", "0 MB"];
                        let flags = no_cache.iter().filter(|_| !keeps).copied();
                        let flags: Vec<&str> = std::iter::once("--no-fetch").chain(flags).collect();
                        let served = made.archive.serve(&flags)?;
                        let asked = ask_api(served.address, &paths, pause).await?;
                        api.push(asked.row(name, *reads, load));
                    }
                    continue;
                }
                let started = start(&made.archive).await?;
                println!("{name}, {reads} reads: {started}.\n");
                let pages: Vec<_> = (made.pages.into_iter())
                    .filter(|(name, _)| self.pages.is_empty() || self.pages.iter().any(|one| one == name))
                    .collect();
                println!("Each page made for each request:\n");
                println!("{}", head(&["page", "a second", "p50, ms", "p99, ms"]));
                let served = made.archive.serve(&["--no-fetch", "--page-cache", "0 MB"])?;
                for (nth, (page, path)) in pages.iter().enumerate() {
                    let measured = self.load(served.address, path, "").await?;
                    let speed = format!("{:.0}", measured.len() as f64 / self.seconds as f64);
                    let [p50, p99] =
                        [0.50, 0.99].map(|share| format!("{:.2}", milliseconds(&measured, share)));
                    println!("{}", line(&[(*page).to_owned(), speed, p50, p99]));
                    times.insert((nth, *reads), measured);
                }
                drop(served);
                println!();
                if Some(reads) == self.reads.last() {
                    self.beside_nginx(&made.archive, &pages).await?;
                }
                names = pages.into_iter().map(|(name, _)| name).collect();
            }
            if !self.only_make && !self.api {
                self.print_growth(name, &names, &times);
            }
        }
        if !api.is_empty() {
            let head =
                ["database", "reads", "clients", "requests", "a second", "errors", "p50, ms", "p99, ms"];
            println!("{}", table(&head, &api));
        }
        Ok(())
    }

    /// An archive of this many reads with its index: a kept one, or a new one.
    async fn make(&self, binary: &Path, server: Option<&str>, reads: u32) -> anyhow::Result<MadeArchive> {
        let database = match (server, &self.keep) {
            (None, _) => None,
            (Some(server), None) => Some(Database::create_on(server)?),
            (Some(server), Some(_)) => Some(Database::kept_on(server, &format!("backissue_bench_{reads}"))?),
        };
        let flags = database.iter().flat_map(|database| ["--database".to_owned(), database.url()]).collect();
        let archive = match &self.keep {
            None => Archive::with_binary(binary, flags)?,
            Some(folder) => {
                let kind = if database.is_some() { "postgres" } else { "sqlite" };
                Archive::kept_in(binary, &folder.join(format!("{kind}-{reads}")), flags)?
            }
        };
        let location = match &database {
            None => Location::Sqlite(archive.folder().join("archive.sqlite")),
            Some(database) => database.url().parse()?,
        };
        let is_there = archive.folder().join("made").exists();
        let pages = fill(&location, reads, !is_there).await?;
        if !is_there {
            // Otherwise the server would build the index while it is measured.
            archive.done(&["reindex"])?;
            fs::write(archive.folder().join("made"), "")?;
        }
        Ok(MadeArchive { archive, pages, _database: database })
    }

    /// How the times follow the size of the archive.
    fn print_growth(&self, database: &str, names: &[&str], times: &Times) {
        println!("{database}, each page made for each request, by the reads of the archive:\n");
        let mut columns = vec!["page".to_owned()];
        for reads in &self.reads {
            columns.extend(["p50, ms", "p99, ms"].map(|what| format!("{reads}: {what}")));
        }
        columns.extend(["p50", "p99"].map(|what| format!("{what}, last to first")));
        let row = |(nth, name): (usize, &&str)| {
            let of = |reads: &u32| times.get(&(nth, *reads)).map_or(&[][..], Vec::as_slice);
            let mut row = vec![(*name).to_owned()];
            for reads in &self.reads {
                row.extend([0.50, 0.99].map(|share| format!("{:.2}", milliseconds(of(reads), share))));
            }
            let of_all =
                |reads: Option<&u32>, share| reads.map_or(0.0, |reads| milliseconds(of(reads), share));
            row.extend([0.50, 0.99].map(|share| {
                format!("{:.2}", of_all(self.reads.last(), share) / of_all(self.reads.first(), share))
            }));
            row
        };
        let rows: Vec<_> = names.iter().enumerate().map(row).collect();
        println!("{}", table(&columns.iter().map(String::as_str).collect::<Vec<_>>(), &rows));
    }

    /// Finished pages, and the same bytes from nginx.
    async fn beside_nginx(&self, archive: &Archive, pages: &[(&'static str, String)]) -> anyhow::Result<()> {
        let served = archive.serve(&["--no-fetch"])?;
        let nginx = Nginx::start()?;
        println!("Finished pages, and the same bytes as files of nginx:\n");
        let columns = ["page", "compression", "bytes", "finished, a second", "nginx, a second", "share"];
        println!("{}", head(&columns));
        for (number, (name, path)) in pages.iter().take(4).enumerate() {
            for compression in ["", "br"] {
                let page = client().get(served.url(path)).header(ACCEPT_ENCODING, compression).send().await?;
                let page = page.error_for_status()?.bytes().await?;
                // nginx keeps the size of a file that it has open, so each page has another name.
                let file = format!("/{number}{compression}");
                fs::write(format!("{}{file}", nginx.folder.path().display()), &page)?;
                let ours = self.load(served.address, path, compression).await?.len();
                let theirs = self.load(nginx.address(), &file, "").await?.len();
                let a_second = |count: usize| format!("{:.0}", count as f64 / self.seconds as f64);
                let row = [
                    (*name).to_owned(),
                    if compression.is_empty() { "none" } else { "brotli" }.to_owned(),
                    page.len().to_string(),
                    a_second(ours),
                    a_second(theirs),
                    format!("{:.2}", ours as f64 / theirs as f64),
                ];
                println!("{}", line(&row));
            }
        }
        println!();
        Ok(())
    }

    /// The times of all responses, sorted.
    async fn load(
        &self,
        server: SocketAddr,
        path: &str,
        compression: &'static str,
    ) -> anyhow::Result<Vec<Duration>> {
        let encoding = if compression.is_empty() {
            String::new()
        } else {
            format!("Accept-Encoding: {compression}\r\n")
        };
        let request = format!("GET {path} HTTP/1.1\r\nHost: {server}\r\n{encoding}\r\n");
        let mut first = Asker::connect(server).await?;
        first.ask(request.as_bytes()).await.with_context(|| path.to_owned())?;
        let end = Instant::now() + Duration::from_secs(self.seconds);
        let askers: Vec<_> = (0..self.at_once)
            .map(|_| {
                let request = request.clone();
                tokio::spawn(async move {
                    let (mut asker, mut times) = (Asker::connect(server).await?, Vec::new());
                    while Instant::now() < end {
                        let began = Instant::now();
                        asker.ask(request.as_bytes()).await?;
                        times.push(began.elapsed());
                    }
                    anyhow::Ok(times)
                })
            })
            .collect();
        let mut times = Vec::new();
        for asker in askers {
            times.extend(asker.await??);
        }
        times.sort();
        Ok(times)
    }
}

/// What clients of the API got.
#[derive(Default)]
struct ApiAnswers {
    /// The sorted times of responses that are a 200.
    times: Vec<Duration>,
    /// Other responses, and connections that failed.
    errors: u64,
}

impl ApiAnswers {
    fn row(&self, database: &str, reads: u32, load: &str) -> Vec<String> {
        let mut row = [database, &reads.to_string(), load].map(str::to_owned).to_vec();
        row.push(self.times.len().to_string());
        row.push(format!("{:.0}", self.times.len() as f64 / API_SECONDS as f64));
        row.push(self.errors.to_string());
        row.extend([0.50, 0.99].map(|share| format!("{:.2}", milliseconds(&self.times, share))));
        row
    }
}

/// The addresses of the API with what these pages show.
fn api_paths(pages: &[(&'static str, String)]) -> anyhow::Result<Vec<String>> {
    let of = |name: &str| {
        let page = pages.iter().find(|(known, _)| *known == name);
        page.and_then(|(_, path)| path.split('/').nth(2)).with_context(|| format!("no page is {name}"))
    };
    let (week, read, concept, source) = (of("a week")?, of("a read")?, of("a concept")?, of("a source")?);
    Ok(vec![
        "/api/v1/weeks".to_owned(),
        format!("/api/v1/weeks/{week}"),
        "/api/v1/reads?limit=50".to_owned(),
        format!("/api/v1/reads/{read}"),
        format!("/api/v1/reads?source={source}&limit=50"),
        format!("/api/v1/concepts/{concept}"),
        "/api/v1/sources?limit=50".to_owned(),
        "/api/v1/search?q=slow+queue+after+a+deploy&limit=10".to_owned(),
    ])
}

/// Lets all clients ask for these addresses in turn. Each begins with another one. With a `pause`,
/// a request is due at a fixed time whether or not the one before has a response, and its time
/// counts from then.
async fn ask_api(
    server: SocketAddr,
    paths: &[String],
    pause: Option<Duration>,
) -> anyhow::Result<ApiAnswers> {
    let request = |path: &String| format!("GET {path} HTTP/1.1\r\nHost: {server}\r\n\r\n");
    let requests: Vec<String> = paths.iter().map(request).collect();
    let mut first = Asker::connect(server).await?;
    for (request, path) in requests.iter().zip(paths) {
        first.ask(request.as_bytes()).await.with_context(|| path.clone())?;
    }
    let start = Instant::now();
    let end = start + Duration::from_secs(API_SECONDS);
    let client = |nth: usize| {
        let requests = requests.clone();
        async move {
            let (mut open, mut answers) = (None, ApiAnswers::default());
            // The first requests are spread over a pause.
            let mut due = pause.map(|pause| start + pause.mul_f64(nth as f64 / API_CLIENTS as f64));
            for request in requests.iter().cycle().skip(nth % requests.len()) {
                if let Some(due) = due {
                    tokio::time::sleep_until(due.into()).await;
                }
                let began = due.unwrap_or_else(Instant::now);
                if began >= end {
                    break;
                }
                due = due.zip(pause).map(|(due, pause)| due + pause);
                match answer(server, open.take(), request).await {
                    Ok(asker) => {
                        answers.times.push(began.elapsed());
                        open = Some(asker);
                    }
                    Err(_) => answers.errors += 1,
                }
            }
            answers
        }
    };
    let clients: Vec<_> = (0..API_CLIENTS).map(|nth| tokio::spawn(client(nth))).collect();
    let mut all = ApiAnswers::default();
    for client in clients {
        let ApiAnswers { times, errors } = client.await?;
        all.times.extend(times);
        all.errors += errors;
    }
    all.times.sort();
    Ok(all)
}

/// Sends a request over this connection, or over a new one. Returns the connection.
async fn answer(server: SocketAddr, open: Option<Asker>, request: &str) -> anyhow::Result<Asker> {
    let mut asker = match open {
        Some(asker) => asker,
        None => Asker::connect(server).await?,
    };
    asker.ask(request.as_bytes()).await?;
    Ok(asker)
}

/// An archive to measure, and the paths of its pages.
struct MadeArchive {
    archive: Archive,
    pages: Vec<(&'static str, String)>,
    _database: Option<Database>,
}

/// A client with one connection, which sends one request after the other. It takes much less time
/// than a real client, so that the times are those of the server.
struct Asker {
    stream: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl Asker {
    async fn connect(server: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(1 << 16, stream), line: String::new(), body: Vec::new() })
    }

    /// Sends a request and reads its whole response, which must be a 200.
    async fn ask(&mut self, request: &[u8]) -> anyhow::Result<()> {
        self.stream.get_mut().write_all(request).await?;
        self.next_line().await?;
        ensure!(self.line.starts_with("HTTP/1.1 200"), "the server answers {}", self.line.trim());
        let (mut length, mut is_chunked) = (None, false);
        loop {
            self.next_line().await?;
            let line = self.line.trim().to_ascii_lowercase();
            match line.split_once(':') {
                None => break,
                Some(("content-length", value)) => length = Some(value.trim().parse()?),
                Some(("transfer-encoding", value)) => is_chunked = value.contains("chunked"),
                Some(_) => {}
            }
        }
        while is_chunked {
            self.next_line().await?;
            let size = usize::from_str_radix(self.line.trim(), 16)?;
            self.read(size + 2).await?;
            is_chunked = size > 0;
        }
        self.read(length.unwrap_or(0)).await
    }

    async fn next_line(&mut self) -> anyhow::Result<()> {
        self.line.clear();
        ensure!(self.stream.read_line(&mut self.line).await? > 0, "the server closed the connection");
        Ok(())
    }

    async fn read(&mut self, bytes: usize) -> anyhow::Result<()> {
        self.body.resize(bytes, 0);
        self.stream.read_exact(&mut self.body).await?;
        Ok(())
    }
}

/// The time from the start of the program to the front page, and its memory then and after some
/// more pages, in words.
async fn start(archive: &Archive) -> anyhow::Result<String> {
    let client = client();
    let (mut times, mut weights) = (Vec::new(), (0.0, 0.0));
    for _ in 0..5 {
        let began = Instant::now();
        let served = archive.serve(&["--no-fetch"])?;
        client.get(served.url("/")).send().await?.error_for_status()?;
        times.push(began.elapsed());
        let then = resident(served.pid())?;
        for path in ["/weeks", "/sources", "/concepts", "/search?q=slow+queue", "/prior-art?q=slow+queue"] {
            client.get(served.url(path)).send().await?.error_for_status()?;
        }
        weights = (then, resident(served.pid())?);
    }
    times.sort();
    Ok(format!(
        "the first page comes {:.0} ms after the start; {:.0} MB are resident then, {:.0} MB after all pages",
        milliseconds(&times, 0.50),
        weights.0,
        weights.1
    ))
}

/// The memory of a process in megabytes, as Linux counts it.
fn resident(pid: u32) -> anyhow::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes / 1000.0)
}

fn milliseconds(sorted: &[Duration], share: f64) -> f64 {
    let at = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

/// Fills an archive. Returns the pages to request. The first four are those that most requests are
/// for.
async fn fill(location: &Location, reads: u32, is_new: bool) -> anyhow::Result<Vec<(&'static str, String)>> {
    let store = Store::open(location, &TimeZone::UTC).await?;
    if is_new {
        backissue_store::generate_with(&store, reads, 1, Articles::LongUpTo(LONG)).await?;
    }
    let weeks = store.weeks().await?;
    let week = weeks.get(1).context("the archive has weeks")?.week;
    let filter = ReadFilter { week: Some(week), ..ReadFilter::default() };
    let page = store.reads(&filter, Order::ProblemsFirst, None, 100).await?;
    // The first reads have long articles.
    let read = page.items.iter().min_by_key(|card| card.id).context("the week has reads")?;
    let read = format!("/read/{}/{}", read.id, read.slug);
    let concept = store.concepts().await?.into_iter().next().context("the archive has concepts")?.0;
    let sources = store.sources(&SourceFilter::default()).await?;
    let source = &sources.iter().max_by_key(|source| source.reads).context("the archive has sources")?.slug;
    store.close().await;
    Ok(vec![
        ("/", "/".into()),
        ("a week", format!("/week/{week}")),
        ("a read", read),
        ("/weeks", "/weeks".into()),
        ("a concept", format!("/concept/{concept}")),
        ("a source", format!("/source/{source}")),
        ("/sources", "/sources".into()),
        ("/concepts", "/concepts".into()),
        ("/feed.atom", "/feed.atom".into()),
        ("a concept's feed", format!("/concept/{concept}.atom")),
        ("search", "/search?q=slow+queue+after+a+deploy".into()),
        ("prior art", "/prior-art?q=slow+queue+after+a+deploy".into()),
    ])
}

/// A running nginx that serves the files of a folder. Dropping it stops it.
struct Nginx {
    server: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Nginx {
    fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let root = folder.path().display();
        let settings = format!(
            "daemon off; worker_processes auto; pid {root}/pid; error_log {root}/errors;
             events {{ worker_connections 512; }}
             http {{
                access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
                default_type text/html; open_file_cache max=16;
                client_body_temp_path {root}/body; proxy_temp_path {root}/proxy; fastcgi_temp_path {root}/fastcgi;
                uwsgi_temp_path {root}/uwsgi; scgi_temp_path {root}/scgi;
                server {{ listen 127.0.0.1:{port}; root {root}; }}
             }}"
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, settings)?;
        if cfg!(unix) {
            // Its workers are another user.
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        }
        let mut command = Command::new("nginx");
        command.arg("-c").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = command.spawn().context("nginx does not start; `apt-get install nginx-light`")?;
        let mut nginx = Self { server, port, folder };
        let began = Instant::now();
        while std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if nginx.server.try_wait()?.is_some() || began.elapsed() > READY_WITHIN {
                bail!("nginx does not start: {}", fs::read_to_string(nginx.folder.path().join("errors"))?);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(nginx)
    }

    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its master stops its workers only on a signal that it can catch.
        let _ = Command::new("kill").arg(self.server.id().to_string()).status();
        let _ = self.server.wait();
    }
}
