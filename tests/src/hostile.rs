//! The hostile test web: blogs on loopback with all faults of servers, networks and pages, each
//! under a separate host name.
//!
//! A blog is correct except for one fault, its [`Trap`]: in the feed, a page or robots.txt. The
//! table says what the program should do. The servers use plain sockets, because no library would
//! send what they send.

mod documents;
mod trap;
mod traps;

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context;

pub use trap::{Ends, Trap};
pub use traps::TRAPS;

use trap::Asked;

/// The servers. They listen until the test's process ends, because a server that never answers
/// cannot be stopped.
pub struct HostileWeb {
    addr: SocketAddr,
    log: Log,
}

type Log = Arc<Mutex<Vec<(String, String)>>>;

impl HostileWeb {
    /// Starts the servers.
    ///
    /// # Errors
    /// If loopback ports are unavailable.
    pub fn start() -> anyhow::Result<Self> {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("loopback cannot be listened on")?;
        let addr = listener.local_addr()?;
        // Slow documents are made before the first request.
        traps::brotli_bomb();
        let log = Log::default();
        let requests = Arc::clone(&log);
        std::thread::Builder::new().name("hostile-web".to_owned()).spawn(move || {
            for stream in listener.incoming().flatten() {
                let log = Arc::clone(&requests);
                // If no thread can be started, the connection is dropped, which is hostile enough.
                let _ = std::thread::Builder::new().spawn(move || converse(stream, &log));
            }
        })?;
        Ok(Self { addr, log })
    }

    /// The flags with which the binary reaches the servers.
    pub fn arguments(&self) -> [String; 3] {
        ["--resolve".to_owned(), format!("*:80:{}", self.addr), "--allow-private-addresses".to_owned()]
    }

    /// The OPML outlines of all blogs.
    pub fn outlines(&self) -> String {
        let outline =
            |t: &Trap| format!("<outline type=\"rss\" text=\"{}\" xmlUrl=\"{}\"/>", t.name, t.feed());
        TRAPS.iter().map(outline).collect()
    }

    /// The host and path of each request so far.
    pub fn requests(&self) -> Vec<(String, String)> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Answers one connection. The client may close it at any time, so errors are ignored.
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

/// The host and path of a request. Returns `None` if the client closes the connection first.
fn read_head(stream: &mut TcpStream) -> io::Result<Option<(String, String)>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.push(byte[0]);
        // A server that closes with unread data sends a reset, so that trap leaves the last byte
        // unread.
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
