//! A server on loopback whose responses the test writes byte for byte.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use backissue_fetch::{FetchError, FetchSettings, Fetcher, Response, Validators, Want};

/// One request as the server received it.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub began: Instant,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The server. Its thread lives as long as the test's process.
pub struct Loopback {
    pub addr: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Loopback {
    /// Answers each request with the closure's bytes, then closes the connection.
    pub fn answering(answer: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::handling(move |request, stream| {
            // The client may have closed the connection.
            let _ = stream.write_all(&answer(request));
        })
    }

    /// Gives the closure the connection after the request's head is read. Closes it afterwards.
    pub fn handling(handle: impl Fn(&Request, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (log, handle) = (Arc::clone(&requests), Arc::new(handle));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, log, handle) = (stream.unwrap(), Arc::clone(&log), Arc::clone(&handle));
                std::thread::spawn(move || {
                    let Some(request) = read_request(&mut stream) else { return };
                    log.lock().unwrap().push(request.clone());
                    handle(&request, &mut stream);
                });
            }
        });
        Self { addr, requests }
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    pub fn paths(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.path).collect()
    }

    /// Settings that lead all `http` hosts here, without pauses and with limits that end a hanging
    /// test.
    pub fn settings(&self) -> FetchSettings {
        FetchSettings {
            resolve: vec![format!("*:80:{}", self.addr).parse().unwrap()],
            allow_private_addresses: true,
            host_pause: Duration::ZERO,
            total_timeout: Duration::from_secs(20),
            ..FetchSettings::default()
        }
    }

    pub fn fetcher(&self) -> Fetcher {
        Fetcher::new(self.settings()).unwrap()
    }
}

fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Some(Request { path, headers, began: Instant::now() })
}

/// A response with a body and its length.
pub fn answer(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len());
    for header in headers {
        bytes.push_str(header);
        bytes.push_str("\r\n");
    }
    bytes.push_str("\r\n");
    [bytes.as_bytes(), body].concat()
}

pub fn redirect(status: u16, location: &str) -> Vec<u8> {
    answer(&format!("{status} Elsewhere"), &[&format!("Location: {location}")], b"")
}

/// Fetches a page without validators.
pub async fn get(fetcher: &Fetcher, url: &str) -> Result<Response, FetchError> {
    fetcher.get(&url.parse().unwrap(), Want::Page, &Validators::default()).await
}

/// Fetches a page from a server with the same response to all requests.
pub async fn get_from(bytes: Vec<u8>) -> Result<Response, FetchError> {
    let server = Loopback::answering(move |_| bytes.clone());
    get(&server.fetcher(), "http://blog.example/").await
}

/// Blocks until the client closes the connection, longer than any test waits.
pub fn until_hung_up(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
}

/// Waits on the connection for a short time, like a busy server. Returns true once the client has
/// closed it.
pub fn linger(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(Duration::from_millis(2))).unwrap();
    matches!(stream.read(&mut [0]), Ok(0))
}
