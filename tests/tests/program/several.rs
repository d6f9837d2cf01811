//! Several processes on one PostgreSQL: each host sees one polite client, and no kill loses or
//! duplicates a read.

use std::collections::HashMap;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::response::{IntoResponse, Response};
use backissue_needs::needs;
use backissue_tests::chance::Random;
use backissue_tests::contents::Contents;
use backissue_tests::database::Database;
use backissue_tests::program::{Archive, Served, client, kill_after, terminate, wait};
use backissue_tests::server_thread::ServerThread;

use crate::killing::seed;

/// Number of blogs. `BACKISSUE_TEST_HOSTS` sets another number, for a longer test.
const HOSTS: usize = 12;
/// Number of posts of each blog.
const POSTS: usize = 10;

/// Number of processes that work at the same time.
const PROCESSES: usize = 4;
/// Number of kills.
const KILLS: usize = 5;

/// The pause between two requests to a host.
const PAUSE: Duration = Duration::from_millis(60);
/// The time that a host takes to answer.
const ANSWER: Duration = Duration::from_millis(20);

/// The resolution of the database's clock, and so of waits.
const TICK: Duration = Duration::from_millis(2);

/// The maximum wait for the end, including the leases of killed processes.
const PATIENCE: Duration = Duration::from_secs(120);

fn number(name: &str, usual: usize) -> usize {
    std::env::var(name).map_or(usual, |number| number.parse().unwrap())
}

/// The requests that a host got.
#[derive(Clone, Debug, Default)]
struct Seen {
    running: usize,
    most_running: usize,
    last_end: Option<Instant>,
    shortest_pause: Option<Duration>,
    requests: HashMap<String, usize>,
}

type Hosts = Arc<Mutex<HashMap<String, Seen>>>;

/// A request in progress. It ends when this is dropped, even if the client goes away.
struct Running {
    hosts: Hosts,
    host: String,
}

impl Running {
    fn begin(hosts: &Hosts, host: &str, path: &str) -> Self {
        let mut all = hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.entry(host.to_owned()).or_default();
        seen.running += 1;
        seen.most_running = seen.most_running.max(seen.running);
        if let Some(last) = seen.last_end {
            let pause = last.elapsed();
            seen.shortest_pause = Some(seen.shortest_pause.map_or(pause, |least| least.min(pause)));
        }
        *seen.requests.entry(path.to_owned()).or_default() += 1;
        Self { hosts: Arc::clone(hosts), host: host.to_owned() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut all = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = all.get_mut(&self.host).unwrap();
        seen.running -= 1;
        seen.last_end = Some(Instant::now());
    }
}

/// Blogs on loopback that record how requests arrive.
struct Watchers {
    hosts: Hosts,
    server: ServerThread,
}

impl Watchers {
    fn start() -> Self {
        let hosts = Hosts::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&hosts));
        let server = ServerThread::start("watchers", router).unwrap();
        Self { hosts, server }
    }

    fn flags(&self, pause: Duration) -> Vec<String> {
        let mut flags = vec!["--resolve".to_owned(), format!("*:80:{}", self.server.address)];
        flags.extend(["--allow-private-addresses".to_owned(), "--host-pause".to_owned()]);
        flags.push(format!("{}ms", pause.as_millis()));
        flags.extend(["--total-timeout", "3s", "--lease", "5s", "--workers", "4"].map(str::to_owned));
        flags
    }

    fn seen(&self) -> HashMap<String, Seen> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn answer(State(hosts): State<Hosts>, request: Request) -> Response {
    let host = request.headers().get(HOST).and_then(|name| name.to_str().ok()).unwrap_or_default().to_owned();
    let path = request.uri().path().to_owned();
    let _running = Running::begin(&hosts, &host, &path);
    tokio::time::sleep(ANSWER).await;
    let of = |media_type: &'static str, text: String| ([(CONTENT_TYPE, media_type)], text).into_response();
    match path.as_str() {
        "/robots.txt" => of("text/plain", "User-agent: *\nDisallow: /private\n".to_owned()),
        "/feed" => {
            let item = |n: usize| {
                format!(
                    "<item><title>Post {n} of {host}</title><link>http://{host}/{n}</link>\
                     <pubDate>Wed, 13 May 2026 0{}:00:00 GMT</pubDate></item>",
                    n % 10
                )
            };
            let items: String = (0..POSTS).map(item).collect();
            of(
                "application/rss+xml",
                format!("<rss version=\"2.0\"><channel><title>{host}</title>{items}</channel></rss>"),
            )
        }
        _ if path[1..].parse::<usize>().is_ok() => {
            let prose = format!("Post {path} of {host} tells how its queue was too slow. ").repeat(20);
            of(
                "text/html; charset=utf-8",
                format!("<!doctype html><title>Post</title><article><h1>Post</h1><p>{prose}</p></article>"),
            )
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// An archive on its own PostgreSQL database that follows all blogs.
fn archive(watchers: &Watchers, database: &Database, hosts: usize) -> Archive {
    let mut flags = watchers.flags(PAUSE);
    flags.extend(["--database".to_owned(), database.url()]);
    let archive = Archive::new(flags).unwrap();
    let opml = archive.folder().join("feeds.opml");
    let outline =
        |n| format!("<outline type=\"rss\" text=\"Blog {n}\" xmlUrl=\"http://blog{n}.example/feed\"/>");
    let outlines: String = (0..hosts).map(outline).collect();
    std::fs::write(&opml, format!("<opml version=\"2.0\"><head/><body>{outlines}</body></opml>")).unwrap();
    archive.done(&["import", &opml.display().to_string()]).unwrap();
    archive
}

fn worker(archive: &Archive) -> Child {
    let mut command = archive.command(&["work", "--log", "off"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Number of reads that are shown.
fn shown(archive: &Archive) -> u64 {
    let weeks = archive.json(&["weeks"]).unwrap();
    let weeks = weeks.as_array().or_else(|| weeks["weeks"].as_array()).unwrap().clone();
    weeks.iter().map(|week| week["reads"].as_u64().unwrap()).sum()
}

#[test]
fn killed_workers_lose_nothing_and_hosts_see_one_polite_client() {
    needs!(Postgres);
    let hosts = number("BACKISSUE_TEST_HOSTS", HOSTS);
    let kills = number("BACKISSUE_TEST_KILLS", KILLS);
    let seed = seed();
    println!("BACKISSUE_TEST_SEED={seed}");
    let mut random = Random(seed);

    let watchers = Watchers::start();
    let database = Database::create().unwrap();
    let several = archive(&watchers, &database, hosts);
    let mut workers: Vec<Child> = (0..PROCESSES).map(|_| worker(&several)).collect();
    for _ in 0..kills {
        let victim = random.below(PROCESSES);
        let moment = Duration::from_millis(400 + random.below(600) as u64);
        assert!(kill_after(&mut workers[victim], moment).unwrap(), "a worker ended by itself");
        workers[victim] = worker(&several);
    }
    let began = Instant::now();
    let wanted = (hosts * POSTS) as u64;
    while shown(&several) < wanted {
        assert!(began.elapsed() < PATIENCE, "{} of {wanted} reads", shown(&several));
        // Looking is the only way to know. The pause only reduces its load.
        std::thread::sleep(Duration::from_millis(200));
    }
    for child in &mut workers {
        terminate(child).unwrap();
        assert!(wait(child).unwrap().success());
    }
    // A killed process may have asked for what another one asks for again: per kill at most a page
    // and a robots.txt of each of its four workers.
    let seen = watchers.seen();
    assert_eq!(seen.len(), hosts);
    let mut repeated = 0;
    for (host, seen) in &seen {
        assert_eq!(seen.most_running, 1, "{host} was asked twice at the same time");
        let least = seen.shortest_pause.unwrap();
        assert!(least + TICK >= PAUSE, "{host} had only {least:?} between two requests");
        repeated += seen.requests.values().map(|times| times - 1).sum::<usize>();
    }
    assert!(repeated <= kills * 8, "{repeated} requests were repeated");

    let found = several.json(&["doctor"]).unwrap();
    for check in found["checks"].as_array().unwrap().iter().filter(|check| check["name"] != "network") {
        assert_eq!(check["ok"], true, "{check}");
    }

    let quiet = Watchers::start();
    let other = Database::create().unwrap();
    let undisturbed = archive(&quiet, &other, hosts);
    undisturbed.done(&["sync"]).unwrap();
    let (ours, theirs) =
        (Contents::of_postgres(&database.url()).unwrap(), Contents::of_postgres(&other.url()).unwrap());
    let differences = ours.differences(&theirs);
    assert!(differences.is_empty(), "BACKISSUE_TEST_SEED={seed}:\n{}", differences.join("\n"));
}

#[tokio::test]
async fn worker_is_monitored_and_hears_of_work_from_pages() {
    needs!(Postgres);
    let watchers = Watchers::start();
    let database = Database::create().unwrap();
    let archive = archive(&watchers, &database, 1);
    let words = ["work", "--monitor", "127.0.0.1:0", "--log", "off"];
    let working = Served::start(archive.command(&words)).unwrap();
    let served = archive.serve(&["--no-fetch"]).unwrap();
    let client = client();
    let began = Instant::now();
    while shown(&archive) < POSTS as u64 {
        assert!(began.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(100));
    }
    // The process without workers shows what the other one has fetched.
    let page = async |path: &str| client.get(served.url(path)).send().await.unwrap().text().await.unwrap();
    let week = page("/week/2026-W20").await;
    assert!(week.contains("10 reads"), "{week}");
    // What a page makes due is done at once, not when workers look for work the next time.
    let settings = page("/settings").await;
    let token = settings.split("name=\"token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let before = watchers.seen()["blog0.example"].requests["/feed"];
    let posted = client.post(served.url("/settings/ask"));
    let posted = posted.header("content-type", "application/x-www-form-urlencoded");
    let posted = posted.body(format!("token={}", token.unwrap_or_default())).send().await.unwrap();
    assert!(posted.status().is_success(), "{}", posted.status());
    let asked = Instant::now();
    while watchers.seen()["blog0.example"].requests["/feed"] == before {
        assert!(asked.elapsed() < Duration::from_secs(5), "the worker was not woken");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let get = async |path: &str| client.get(working.url(path)).send().await.unwrap().text().await.unwrap();
    assert_eq!((get("/healthz").await, get("/readyz").await), ("alive\n".to_owned(), "ready\n".to_owned()));
    let figures = get("/metrics").await;
    assert!(figures.contains("backissue_polls_total{result=\"answered\"}"), "{figures}");
    // A site can point its own name at this machine, and must not read the figures there.
    let foreign = async |path: &str| {
        let asked = client.get(working.url(path)).header("host", "evil.example").send().await.unwrap();
        (asked.status().as_u16(), asked.text().await.unwrap())
    };
    let (status, said) = foreign("/metrics").await;
    assert!(status == 421 && !said.contains("backissue_polls"), "{status}: {said}");
    assert_eq!(foreign("/healthz").await.0, 200, "supervisors use any name");
    let (status, said) = working.stop().unwrap();
    assert!(status.success(), "{said}");
}
