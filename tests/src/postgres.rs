//! A PostgreSQL server for tests, in a temporary folder and on a free port. Dropping the value
//! removes it.
//!
//! Its data is not durable (`fsync` is off), and anybody on this machine may connect, so use it
//! only for tests. PostgreSQL refuses to run as root. In this case it runs as the user `postgres`,
//! or else `nobody`.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use backissue_needs::postgres_programs;
use tempfile::TempDir;

/// Time limit for the server to start.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Attempts with other ports, in case a free port was taken in the meantime.
const STARTS: usize = 5;

/// A running server. Dropping it stops it and removes its data.
#[derive(Debug)]
pub struct Cluster {
    server: Child,
    port: u16,
    url: String,
    folder: TempDir,
}

impl Cluster {
    /// Creates and starts a server and waits until it is ready.
    ///
    /// # Errors
    /// If PostgreSQL is not installed, or does not start. The message has its log.
    pub fn start() -> anyhow::Result<Self> {
        let programs = postgres_programs()?;
        let user = server_user()?;
        let folder = tempfile::Builder::new().prefix("backissue-postgres-").tempdir()?;
        user.owns(folder.path())?;
        let data = folder.path().join("data");
        let made = user
            .command(&programs.join("initdb"))
            .args([
                "--auth=trust", "--username=backissue", "--encoding=UTF8", "--no-locale", "--no-sync", "-D",
            ])
            .arg(&data)
            .current_dir(folder.path())
            .output()
            .context("cannot run PostgreSQL's initdb")?;
        ensure!(
            made.status.success(),
            "PostgreSQL's initdb failed: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let mut last = None;
        for _ in 0..STARTS {
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            match serve(&programs, &user, folder.path(), port) {
                Ok(server) => {
                    let url = format!("postgres://backissue@127.0.0.1:{port}/postgres");
                    return Ok(Self { server, port, url, folder });
                }
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| anyhow::anyhow!("PostgreSQL was never started")))
    }

    /// Its address as superuser, for `BACKISSUE_TEST_POSTGRES`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Runs a statement in the database `postgres`.
    ///
    /// # Errors
    /// If the server refuses it.
    pub fn run(&self, sql: &str) -> anyhow::Result<()> {
        crate::database::statement(&self.url, sql.to_owned())
    }

    /// Stops it immediately, like a crash, and starts it again at the same address.
    ///
    /// # Errors
    /// If it does not start.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        self.stop();
        self.server = serve(&postgres_programs()?, &server_user()?, self.folder.path(), self.port)?;
        Ok(())
    }

    /// Stops it immediately with its child processes, so that nothing is written any more.
    fn stop(&mut self) {
        // SIGQUIT is PostgreSQL's immediate shutdown, which also ends the child processes.
        let told = Command::new("kill").args(["-QUIT", &self.server.id().to_string()]).status();
        if !told.is_ok_and(|status| status.success()) {
            // If this fails too, removing the folder or the next start reports it.
            let _ = self.server.kill();
        }
        let _ = self.server.wait();
    }

    /// The folder of its data and log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Cluster {
    /// Stops the server immediately, because its data is not needed any more.
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts the server with the data in the folder, on a port that should be free.
fn serve(programs: &Path, user: &ServerUser, folder: &Path, port: u16) -> anyhow::Result<Child> {
    let log_path = folder.join("log");
    let log = File::create(&log_path)?;
    let mut server = user
        .command(&programs.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .args(["-p", &port.to_string()])
        .args(["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"])
        .args(["-c", "full_page_writes=off", "-c", "max_connections=200"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .context("cannot run PostgreSQL's server")?;
    match wait_until_ready(programs, &mut server, port) {
        Ok(()) => Ok(server),
        Err(error) => {
            // It may have stopped already.
            let _ = server.kill();
            let _ = server.wait();
            let said = std::fs::read_to_string(&log_path).unwrap_or_default();
            Err(error.context(format!("PostgreSQL did not start; it logged:\n{said}")))
        }
    }
}

fn wait_until_ready(programs: &Path, server: &mut Child, port: u16) -> anyhow::Result<()> {
    let began = Instant::now();
    while began.elapsed() < READY_WITHIN {
        if let Some(status) = server.try_wait()? {
            bail!("it stopped with {status}");
        }
        // With `-t 1`, pg_isready itself waits up to a second.
        let ready = Command::new(programs.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-t", "1", "-p", &port.to_string()])
            .status()
            .context("cannot run PostgreSQL's pg_isready")?;
        if ready.success() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    bail!("it did not answer within {} seconds", READY_WITHIN.as_secs())
}

/// The user that runs the server.
struct ServerUser {
    name: Option<&'static str>,
}

/// The current user, or another one if that is root.
fn server_user() -> anyhow::Result<ServerUser> {
    if number_of(None)? != 0 {
        return Ok(ServerUser { name: None });
    }
    let name = ["postgres", "nobody"].into_iter().find(|name| number_of(Some(name)).is_ok());
    ensure!(
        name.is_some(),
        "PostgreSQL refuses to run as root, and there is neither a user postgres nor nobody"
    );
    Ok(ServerUser { name })
}

/// A user's number, by `id -u`. Without a name, the number of this process's user.
fn number_of(name: Option<&str>) -> anyhow::Result<u32> {
    let output = Command::new("id").arg("-u").args(name).output().context("cannot run `id -u`")?;
    ensure!(output.status.success(), "`id -u` knows no user {}", name.unwrap_or_default());
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse()?)
}

impl ServerUser {
    fn command(&self, program: &Path) -> Command {
        match self.name {
            None => Command::new(program),
            Some(name) => {
                // setpriv replaces itself by the program, so that the child's process id is the
                // server's. runuser would stay as its parent.
                let mut command = Command::new("setpriv");
                command.args(["--reuid", name, "--regid", group_of(name), "--clear-groups"]).arg(program);
                command
            }
        }
    }

    fn owns(&self, folder: &Path) -> anyhow::Result<()> {
        let Some(name) = self.name else { return Ok(()) };
        let given = Command::new("chown").arg(name).arg(folder).status().context("cannot run `chown`")?;
        ensure!(given.success(), "cannot give {} to the user {name}", folder.display());
        Ok(())
    }
}

/// The group of the user. On Debian, the group of `nobody` has another name.
fn group_of(name: &'static str) -> &'static str {
    let has_own = std::fs::read_to_string("/etc/group")
        .unwrap_or_default()
        .lines()
        .any(|l| l.starts_with(&format!("{name}:")));
    if has_own { name } else { "nogroup" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backissue_needs::needs;
    use std::net::TcpStream;

    #[test]
    fn cluster_starts_and_is_removed() {
        needs!(PostgresPrograms);
        let cluster = Cluster::start().unwrap();
        let (_, rest) = cluster.url().split_once('@').unwrap();
        let address: std::net::SocketAddr = rest.split_once('/').unwrap().0.parse().unwrap();
        TcpStream::connect(address).unwrap();
        let folder = cluster.folder().to_owned();
        assert!(folder.join("data/PG_VERSION").is_file());
        drop(cluster);
        assert!(TcpStream::connect(address).is_err(), "the server must be gone");
        assert!(!folder.exists(), "its data must be gone");
    }
}
