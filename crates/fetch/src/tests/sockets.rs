//! A canary that counts connections, and a server with scripted responses.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Listens at a forbidden address and answers all connections. Its thread lives as long as the
/// test's process.
pub(super) struct Canary {
    pub(super) addr: SocketAddr,
    seen: Arc<AtomicUsize>,
}

impl Canary {
    pub(super) fn at(ip: Ipv4Addr) -> Self {
        let seen = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&seen);
        let addr = serve(ip, move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nin".to_vec()
        });
        Self { addr, seen }
    }

    /// Connections since the last call. Connects once itself: that connection is the last in the
    /// queue, so all earlier ones are counted.
    pub(super) fn connections(&self) -> usize {
        let mut own = TcpStream::connect(self.addr).unwrap();
        own.shutdown(std::net::Shutdown::Write).unwrap();
        own.read_to_end(&mut Vec::new()).unwrap();
        self.seen.swap(0, Ordering::SeqCst) - 1
    }
}

/// Answers requests one at a time and closes each connection. The closure gets the request's head.
pub(super) fn serve(ip: Ipv4Addr, answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((ip, 0)).unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut piece = [0; 4096];
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut piece) {
                    Ok(read) if read > 0 => head.extend_from_slice(&piece[..read]),
                    _ => break,
                }
            }
            // The client may have closed the connection.
            let _ = stream.write_all(&answer(&String::from_utf8_lossy(&head)));
        }
    });
    addr
}

/// A response without a body.
pub(super) fn head(status: &str, fields: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{fields}Content-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
}
