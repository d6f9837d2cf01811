//! The hostile test web: blogs on loopback that do everything a server, a network or a page can do wrong, each under a host
//! name of its own.
//!
//! A blog is good in everything but one thing, its [`Trap`]: the feed, a page or its robots.txt. The table says what the
//! program should make of it. The servers speak through plain sockets, because no library would say what they say.

mod documents;
mod traps;

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;

pub use traps::TRAPS;

/// One blog's bad habit.
pub struct Trap {
    /// The first part of its host's name, which is also its title.
    pub name: &'static str,
    /// Where the paths begin at which it misbehaves.
    path: &'static str,
    /// What should come of it.
    pub ends: Ends,
    /// What it does there.
    act: fn(&Asked, &mut TcpStream) -> io::Result<()>,
}

/// What should come of a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// The source is in trouble, and says so with these words.
    Source(&'static str),
    /// The source is well; its one read is not, and says so with these words.
    Read(&'static str),
    /// All is well: so many reads are there.
    Kept(u64),
}

/// The path of every blog's feed.
const FEED: &str = "/feed.xml";
/// The path of the article that every feed lists.
const ARTICLE: &str = "/1";
/// The path of what a blog lets programs ask for.
const ROBOTS: &str = "/robots.txt";

/// What a hostile server knows of a request.
struct Asked {
    host: String,
    name: String,
    path: String,
    /// How many requests for this path of this host came before.
    before: usize,
}

impl Trap {
    /// Its host.
    pub fn host(&self) -> String {
        format!("{}.{DOMAIN}", self.name)
    }

    /// Its feed's address.
    pub fn feed(&self) -> String {
        format!("http://{}{FEED}", self.host())
    }
}

/// The domain of all of them; RFC 6761 keeps it from ever existing.
const DOMAIN: &str = "hostile.example";

/// The servers. They listen until the test's process ends: a server that never answers cannot be asked to stop.
pub struct HostileWeb {
    addr: SocketAddr,
    log: Log,
}

type Log = Arc<Mutex<Vec<(String, String)>>>;

impl HostileWeb {
    /// Starts listening.
    ///
    /// # Errors
    /// When loopback cannot be listened on.
    pub fn start() -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("loopback cannot be listened on")?;
        let addr = listener.local_addr()?;
        // What takes long to make is made before anybody waits for it.
        traps::brotli_bomb();
        let log = Log::default();
        let requests = Arc::clone(&log);
        std::thread::Builder::new().name("hostile-web".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                let log = Arc::clone(&requests);
                // Where no thread can be had, the connection is dropped, which is hostile enough.
                let _ = std::thread::Builder::new().spawn(move || converse(stream, &log));
            }
        })?;
        Ok(Self { addr, log })
    }

    /// The flags with which the binary reaches it.
    pub fn arguments(&self) -> [String; 3] {
        ["--resolve".to_owned(), format!("*:80:{}", self.addr), "--allow-private-addresses".to_owned()]
    }

    /// The OPML outlines of all its blogs.
    pub fn outlines(&self) -> String {
        let outline =
            |t: &Trap| format!("<outline type=\"rss\" text=\"{}\" xmlUrl=\"{}\"/>", t.name, t.feed());
        TRAPS.iter().map(outline).collect()
    }

    /// Host and path of every request so far.
    pub fn requests(&self) -> Vec<(String, String)> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Answers one connection. Whoever has seen enough hangs up, so errors are part of the conversation.
fn converse(mut stream: TcpStream, log: &Log) {
    let Ok(Some((host, path))) = read_head(&mut stream) else { return };
    let name = host.split('.').next().unwrap_or_default().to_owned();
    let before = {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let before = log.iter().filter(|(h, p)| *h == host && *p == path).count();
        log.push((host.clone(), path.clone()));
        before
    };
    let asked = Asked { host, name, path, before };
    let trap = TRAPS.iter().find(|trap| trap.name == asked.name);
    let _ = match trap {
        Some(trap) if asked.path.starts_with(trap.path) => (trap.act)(&asked, &mut stream),
        Some(_) => documents::good(&asked, &mut stream),
        None => documents::not_found(&mut stream),
    };
}

/// Host and path; nothing where the client hangs up before.
fn read_head(stream: &mut TcpStream) -> io::Result<Option<(String, String)>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
        // A reset is what a server sends that closes with something unread, so that one leaves the last byte.
        if head.ends_with(b"\r\n\r") && is_reset(&head) {
            break;
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let path = head.split(' ').nth(1).map(str::to_owned);
    let host = head.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.map(|host| host.trim().to_ascii_lowercase()).zip(path))
}

/// Whether the request is for a blog that resets connections.
fn is_reset(head: &[u8]) -> bool {
    String::from_utf8_lossy(head).contains("reset")
}

/// Waits on the connection for a moment, as a server at work does; true once the client has hung up.
fn linger(stream: &mut TcpStream) -> io::Result<bool> {
    stream.set_read_timeout(Some(Duration::from_millis(20)))?;
    Ok(matches!(stream.read(&mut [0]), Ok(0)))
}

/// Says nothing until the client hangs up.
fn say_nothing(stream: &mut TcpStream) -> io::Result<()> {
    while !linger(stream)? {}
    Ok(())
}

/// Says the same for ever.
fn repeat(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    loop {
        stream.write_all(bytes)?;
    }
}

/// Says the same for ever, a little at a time.
fn drip(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    while !linger(stream)? {
        stream.write_all(bytes)?;
    }
    Ok(())
}
