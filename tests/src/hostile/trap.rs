//! A blog with one fault, and how its server misbehaves.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A blog with one fault.
pub struct Trap {
    /// The first part of its host's name, which is also its title.
    pub name: &'static str,
    /// The prefix of the faulty paths.
    pub(super) path: &'static str,
    /// The expected result.
    pub ends: Ends,
    /// The faulty behaviour.
    pub(super) act: fn(&Asked, &mut TcpStream) -> io::Result<()>,
}

/// How the program must handle a trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// The source's poll fails with an error that contains these words.
    Source(&'static str),
    /// The source's poll succeeds; its only read fails with an error that contains these words.
    Read(&'static str),
    /// Everything succeeds, with so many reads.
    Kept(u64),
}

/// The path of all feeds.
pub(super) const FEED: &str = "/feed.xml";

/// The path of the article in all feeds.
pub(super) const ARTICLE: &str = "/1";

/// The path of robots.txt.
pub(super) const ROBOTS: &str = "/robots.txt";

/// A request to a hostile server.
pub(super) struct Asked {
    pub(super) host: String,
    pub(super) name: String,
    pub(super) path: String,
    /// Number of earlier requests for this path of this host.
    pub(super) before: usize,
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

/// The common domain. RFC 6761 reserves it, so it never exists.
const DOMAIN: &str = "hostile.example";

/// Waits on the connection for a short time, like a busy server. Returns true once the client has
/// closed it.
fn linger(stream: &mut TcpStream) -> io::Result<bool> {
    stream.set_read_timeout(Some(Duration::from_millis(20)))?;
    Ok(matches!(stream.read(&mut [0]), Ok(0)))
}

/// Sends nothing until the client closes the connection.
pub(super) fn say_nothing(stream: &mut TcpStream) -> io::Result<()> {
    while !linger(stream)? {}
    Ok(())
}

/// Sends the same bytes for ever.
pub(super) fn repeat(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    loop {
        stream.write_all(bytes)?;
    }
}

/// Sends the same bytes for ever, slowly.
pub(super) fn drip(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    while !linger(stream)? {
        stream.write_all(bytes)?;
    }
    Ok(())
}
