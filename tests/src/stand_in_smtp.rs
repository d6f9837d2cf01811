//! A stand-in for a mail server on loopback, which stores the mails that it gets. The crate
//! `mailin` implements the protocol, and rustls STARTTLS and TLS.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use mailin::response::{AUTH_OK, INVALID_CREDENTIALS, NO_MAILBOX, OK, OUT_OF_SPACE};
use mailin::{Action, AuthMechanism, Handler, Response, Session, SessionBuilder};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// The maximum time that a connection may be idle, and that a test waits for a mail.
const PATIENCE: Duration = Duration::from_secs(60);

/// The user name that the server accepts.
pub const USER: &str = "weeks";
/// The password that the server accepts.
pub const PASSWORD: &str = "correct horse battery";

/// The encryption of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// No encryption.
    Plain,
    /// STARTTLS. The user must log in.
    StartTls,
    /// TLS from the first byte. The user must log in.
    Tls,
}

/// The server's behaviour for mails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// It accepts them.
    #[default]
    Takes,
    /// It has no space for them at present.
    Full,
    /// It says that the recipient does not exist.
    KnowsNobody,
    /// It refuses every recipient without a reason.
    RefusesAll,
    /// It accepts them without ever confirming it.
    Silent,
    /// It accepts them, and closes the connection without confirming it.
    HangsUp,
}

/// An accepted mail.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its recipients.
    pub to: Vec<String>,
    /// Headers and body, unchanged.
    pub text: String,
    /// Whether it came over TLS.
    pub over_tls: bool,
    /// The user who logged in.
    pub user: Option<String>,
}

/// A running stand-in.
#[derive(Debug)]
pub struct StandInSmtp {
    address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    mails: Receiver<Taken>,
    authority: PathBuf,
    _folder: tempfile::TempDir,
}

impl StandInSmtp {
    /// Starts a server on a free port of loopback.
    ///
    /// # Errors
    /// If it cannot listen, or no certificate can be made.
    pub fn start(security: Security) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let authority = folder.path().join("authority.pem");
        let tls = Arc::new(tls(&authority)?);
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let mood = Arc::new(Mutex::new(Mood::Takes));
        let (sender, mails) = channel();
        let moods = Arc::clone(&mood);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let connection = Connection {
                    security,
                    tls: Arc::clone(&tls),
                    mood: *moods.lock().unwrap_or_else(PoisonError::into_inner),
                    mails: sender.clone(),
                };
                std::thread::spawn(move || {
                    // A client that goes away in the middle is part of some tests.
                    let _ = connection.serve(stream);
                });
            }
        });
        Ok(Self { address, mood, mails, authority, _folder: folder })
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The file with the certificate authority to trust.
    pub fn authority(&self) -> &Path {
        &self.authority
    }

    /// Changes the behaviour for all further connections.
    pub fn set_mood(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    /// Waits for the next mail and returns it.
    ///
    /// # Errors
    /// If no mail comes in time.
    pub fn next(&self) -> anyhow::Result<Taken> {
        self.mails.recv_timeout(PATIENCE).context("no mail came")
    }

    /// Number of mails that no call has returned yet. Removes them.
    pub fn others(&self) -> usize {
        self.mails.try_iter().count()
    }
}

/// A certificate for `localhost` that is its own authority.
fn tls(authority: &Path) -> anyhow::Result<ServerConfig> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])?;
    std::fs::write(authority, made.cert.pem())?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)?;
    Ok(config)
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

struct Connection {
    security: Security,
    tls: Arc<ServerConfig>,
    mood: Mood,
    mails: Sender<Taken>,
}

impl Connection {
    fn serve(&self, stream: TcpStream) -> anyhow::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let ip = stream.peer_addr()?.ip();
        let mut builder = SessionBuilder::new("localhost");
        if self.security != Security::Plain {
            builder.enable_auth(AuthMechanism::Plain);
        }
        if self.security == Security::StartTls {
            builder.enable_start_tls();
        }
        let handler = Mailbox {
            mood: self.mood,
            needs_login: self.security != Security::Plain,
            over_tls: self.security == Security::Tls,
            user: None,
            to: Vec::new(),
            data: Vec::new(),
            mails: self.mails.clone(),
        };
        let shared = Arc::new(Mutex::new(handler));
        let mut session = builder.build(ip, Shared(Arc::clone(&shared)));
        if self.security == Security::Tls {
            let mut stream = self.upgraded(stream)?;
            session.tls_active();
            stream.get_mut().write_all(&session.greeting().buffer()?)?;
            return conversation(&mut session, &mut stream, self.mood).map(|_| ());
        }
        let mut lines = BufReader::new(stream.try_clone()?);
        lines.get_mut().write_all(&session.greeting().buffer()?)?;
        if conversation(&mut session, &mut lines, self.mood)? == Action::UpgradeTls {
            let mut stream = self.upgraded(stream)?;
            shared.lock().unwrap_or_else(PoisonError::into_inner).over_tls = true;
            session.tls_active();
            conversation(&mut session, &mut stream, self.mood)?;
        }
        Ok(())
    }

    fn upgraded(
        &self,
        stream: TcpStream,
    ) -> anyhow::Result<BufReader<StreamOwned<ServerConnection, TcpStream>>> {
        let connection = ServerConnection::new(Arc::clone(&self.tls))?;
        Ok(BufReader::new(StreamOwned::new(connection, stream)))
    }
}

/// Answers commands until the client closes the connection or starts TLS.
fn conversation<S: Stream>(
    session: &mut Session<Shared>,
    lines: &mut BufReader<S>,
    mood: Mood,
) -> anyhow::Result<Action> {
    loop {
        let mut line = Vec::new();
        if lines.read_until(b'\n', &mut line)? == 0 {
            return Ok(Action::Close);
        }
        let response = session.process(&line);
        if mood == Mood::HangsUp && line == b".\r\n" {
            return Ok(Action::Close);
        }
        if mood == Mood::Silent && line == b".\r\n" {
            // Keeps the connection, so that the client waits.
            let mut rest = Vec::new();
            let _ = lines.read_to_end(&mut rest);
            return Ok(Action::Close);
        }
        if response.action != Action::NoReply {
            lines.get_mut().write_all(&response.buffer()?)?;
            lines.get_mut().flush()?;
        }
        if matches!(response.action, Action::Close | Action::UpgradeTls) {
            return Ok(response.action);
        }
    }
}

struct Mailbox {
    mood: Mood,
    needs_login: bool,
    over_tls: bool,
    user: Option<String>,
    to: Vec<String>,
    data: Vec<u8>,
    mails: Sender<Taken>,
}

/// The handler of the session, which stays the same while the connection changes to TLS.
#[derive(Clone)]
struct Shared(Arc<Mutex<Mailbox>>);

impl Shared {
    fn with<T>(&self, look: impl FnOnce(&mut Mailbox) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Handler for Shared {
    fn mail(&mut self, _ip: IpAddr, _domain: &str, _from: &str) -> Response {
        self.with(|mailbox| match mailbox.needs_login && mailbox.user.is_none() {
            true => mailin::response::AUTHENTICATION_REQUIRED,
            false => OK,
        })
    }

    fn rcpt(&mut self, to: &str) -> Response {
        self.with(|mailbox| match mailbox.mood {
            Mood::KnowsNobody => Response::custom(550, format!("5.1.1 <{to}>: No such user here")),
            Mood::RefusesAll => NO_MAILBOX,
            Mood::Full => OUT_OF_SPACE,
            Mood::Takes | Mood::Silent | Mood::HangsUp => {
                mailbox.to.push(to.to_owned());
                OK
            }
        })
    }

    fn data(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.with(|mailbox| mailbox.data.extend_from_slice(bytes));
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        self.with(|mailbox| {
            let taken = Taken {
                to: std::mem::take(&mut mailbox.to),
                text: String::from_utf8_lossy(&std::mem::take(&mut mailbox.data)).into_owned(),
                over_tls: mailbox.over_tls,
                user: mailbox.user.clone(),
            };
            // A test that has ended wants no more mails.
            let _ = mailbox.mails.send(taken);
            OK
        })
    }

    fn auth_plain(&mut self, _authorization: &str, user: &str, password: &str) -> Response {
        if (user, password) != (USER, PASSWORD) {
            return INVALID_CREDENTIALS;
        }
        self.with(|mailbox| mailbox.user = Some(user.to_owned()));
        AUTH_OK
    }
}
