//! The correct documents of a blog, and forms of responses.

use std::io::{self, Write};
use std::net::TcpStream;

use super::trap::{ARTICLE, Asked, FEED};

/// Sends the blog's correct response.
pub(super) fn good(asked: &Asked, stream: &mut TcpStream) -> io::Result<()> {
    match asked.path.as_str() {
        FEED => answer(stream, "200 OK", "Content-Type: application/rss+xml\r\n", feed(asked, "").as_bytes()),
        ARTICLE => html(stream, &page(asked, "", "")),
        _ => not_found(stream),
    }
}

pub(super) fn not_found(stream: &mut TcpStream) -> io::Result<()> {
    answer(stream, "404 Not Found", "", b"there is nothing here\n")
}

pub(super) fn html(stream: &mut TcpStream, page: &str) -> io::Result<()> {
    answer(stream, "200 OK", "Content-Type: text/html; charset=utf-8\r\n", page.as_bytes())
}

pub(super) fn rss(stream: &mut TcpStream, feed: &str) -> io::Result<()> {
    answer(stream, "200 OK", "Content-Type: application/rss+xml\r\n", feed.as_bytes())
}

/// Sends a response with its length.
pub(super) fn answer(stream: &mut TcpStream, status: &str, fields: &str, body: &[u8]) -> io::Result<()> {
    let head =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{fields}\r\n", body.len());
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}

/// Sends the head of a response with a chunked body.
pub(super) fn chunked(stream: &mut TcpStream, fields: &str) -> io::Result<()> {
    stream.write_all(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{fields}\r\n").as_bytes())
}

/// A feed with one article; `more` are further items.
pub(super) fn feed(asked: &Asked, more: &str) -> String {
    let item = item(asked, "<title>What we learned</title>");
    channel(asked, &format!("{item}{more}"))
}

pub(super) fn channel(asked: &Asked, items: &str) -> String {
    format!(
        "<rss version=\"2.0\"><channel><title>{}</title><link>http://{}/</link>{items}</channel></rss>",
        asked.name, asked.host
    )
}

/// An entry for the blog's article.
pub(super) fn item(asked: &Asked, inside: &str) -> String {
    format!("<item><link>http://{}{ARTICLE}</link>{inside}</item>", asked.host)
}

/// An article, with extra contents in its head and in its middle.
pub(super) fn page(asked: &Asked, head: &str, middle: &str) -> String {
    let words = prose(asked);
    format!(
        "<html><head><title>What we learned</title>{head}</head><body><article><h1>What we learned</h1><p>{words}</p>\
         <p>{words}</p>{middle}<p>{words}</p></article></body></html>"
    )
}

/// Words that differ between blogs, so that their articles are not merged.
pub(super) fn prose(asked: &Asked) -> String {
    let name = &asked.name;
    format!(
        "At {name} the queue was full, and every worker waited for the one that held the lock, which waited for the queue. \
         We found the reason after a week: a retry at {name} took the lock again before it had given it back. Since then \
         each retry gives the lock back first, and the queue of {name} has never been longer than a dozen jobs."
    )
}
