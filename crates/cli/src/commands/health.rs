//! `backissue health`: asks a running process of this machine whether it is alive, for containers
//! without an HTTP client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::args::HealthArgs;
use crate::exit::Outcome;
use crate::output::say;
use crate::settings::Settings;

/// Time limit for the answer of the process.
const WITHIN: Duration = Duration::from_secs(5);

/// Number of bytes of a response that are enough for its status.
const STATUS_LINE: u64 = 64;

/// Asks, and prints the answer.
pub async fn run(args: HealthArgs, settings: &Settings) -> anyhow::Result<Outcome> {
    let address = reachable(args.address.unwrap_or(settings.listen.value));
    let path = if args.ready { "/readyz" } else { "/healthz" };
    let answer = tokio::time::timeout(WITHIN, status_line(address, path)).await;
    let answer = answer
        .with_context(|| format!("the process at {address} does not answer within {} s", WITHIN.as_secs()))?;
    let status = answer.with_context(|| {
        format!("no process answers at {address}; name its address, for example 127.0.0.1:7878")
    })?;
    let code = status.split_whitespace().nth(1).unwrap_or_default();
    ensure!(code == "200", "the process at {address} answers {path} with {}", crate::output::safe(&status));
    say!("{}", if args.ready { "ready" } else { "alive" })?;
    Ok(Outcome::Fine)
}

/// The first line of the response.
async fn status_line(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut start = Vec::new();
    stream.take(STATUS_LINE).read_to_end(&mut start).await?;
    let start = String::from_utf8_lossy(&start).into_owned();
    Ok(start.lines().next().unwrap_or_default().to_owned())
}

/// The address at which this machine reaches a process that listens on `listen`.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
