//! Sends mails by SMTP, or by the program `sendmail`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use backissue_fetch::{innermost_reason, is_on_this_machine};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;
use url::Url;

use crate::letter::Letter;
use crate::sendmail::Sendmail;
use crate::{Secret, SendError};

/// Time limit for connecting, encrypting and logging in.
const OPEN_WITHIN: Duration = Duration::from_secs(60);
/// Time limit for transmitting a mail. Some servers check it before they answer.
const TAKE_WITHIN: Duration = Duration::from_secs(180);
/// Time limit for ending a connection.
const QUIT_WITHIN: Duration = Duration::from_secs(2);
/// What to do if the server cannot be reached or lacks a feature.
const CHECK_SERVER: &str = "check `server` in [mail]";
/// The methods of logging in, best first.
const MECHANISMS: &[Mechanism] = &[Mechanism::Plain, Mechanism::Login];

/// The settings for sending mails.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// The server: `smtps://host` (TLS at once, port 465), `smtp://host` (STARTTLS, port 587), or
    /// this machine's `sendmail:/usr/sbin/sendmail`.
    pub server: Url,
    /// The user name, if the server needs one.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Secret>,
    /// The sender, as `Name <name@example.org>`.
    pub from: String,
    /// PEM files with certificate authorities to trust in addition to the system's.
    pub ca: Vec<PathBuf>,
}

/// The sender's address and the transport for mails.
#[derive(Clone, Debug)]
pub struct Mailer {
    from: Mailbox,
    transport: Transport,
}

/// The transport for mails.
#[derive(Clone, Debug)]
enum Transport {
    Smtp(Box<Smtp>),
    Program(Sendmail),
}

/// A mail server.
#[derive(Clone)]
struct Smtp {
    host: String,
    port: u16,
    security: Security,
    tls: TlsParameters,
    hello: ClientId,
    credentials: Option<Credentials>,
    /// Texts that must not appear in errors.
    secrets: Vec<Secret>,
}

impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Smtp({}:{})", self.host, self.port)
    }
}

/// When a connection becomes encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Security {
    /// From the first byte.
    AtOnce,
    /// After the command STARTTLS. A server without it is refused.
    StartTls,
    /// After STARTTLS, if the server supports it. Only for a server on this machine.
    IfSupported,
}

impl Mailer {
    /// Checks the settings without sending anything.
    ///
    /// # Errors
    /// [`SendError::Setup`] if the settings cannot be used.
    pub fn new(settings: &MailSettings) -> Result<Self, SendError> {
        let from: Mailbox = settings
            .from
            .parse()
            .map_err(|_| unfit(format!("`from` is `{}`; write Name <name@example.org>", settings.from)))?;
        let url = &settings.server;
        if url.scheme() != "sendmail" {
            let transport = Transport::Smtp(Box::new(Smtp::new(settings, &from)?));
            return Ok(Self { from, transport });
        }
        if url.has_host() || !url.path().starts_with('/') {
            return Err(unfit("`server` names no program; write sendmail:/usr/sbin/sendmail".to_owned()));
        }
        if settings.user.is_some() || settings.password.is_some() {
            return Err(unfit("sendmail needs no login; remove `user` and the password".to_owned()));
        }
        Ok(Self { from, transport: Transport::Program(Sendmail::from(Path::new(url.path()))) })
    }

    /// The mail as it is sent, with its headers.
    ///
    /// # Errors
    /// [`SendError::Setup`] if an address is not valid.
    pub(crate) fn formatted(&self, letter: &Letter) -> Result<String, SendError> {
        Ok(String::from_utf8_lossy(&self.message(letter)?.formatted()).into_owned())
    }

    /// Sends a mail.
    ///
    /// # Errors
    /// See [`SendError`].
    pub(crate) async fn send(&self, letter: &Letter) -> Result<(), SendError> {
        let message = self.message(letter)?;
        match &self.transport {
            Transport::Smtp(server) => server.send(&message, letter).await,
            Transport::Program(sendmail) => {
                let from: &str = self.from.email.as_ref();
                // The recipient may have a name too.
                let to = message.envelope().to().first().map_or(letter.to.as_str(), |to| to.as_ref());
                sendmail.send(from, to, &message.formatted(), letter).await
            }
        }
    }

    fn message(&self, letter: &Letter) -> Result<Message, SendError> {
        let unfit =
            |why: String| SendError::Setup { what: format!("the mail to {}", letter.shown_to()), why };
        let to: Mailbox = letter
            .to
            .parse()
            .map_err(|_| unfit("this is no mail address; write name@example.org".to_owned()))?;
        let domain = self.from.email.domain();
        let mut builder = Message::builder()
            .from(self.from.clone())
            .to(to)
            .date(system_time(letter.date))
            .message_id(Some(format!("<{}@{domain}>", letter.message_id)))
            .subject(&letter.mail.subject)
            .raw_header(header("List-Id", format!("<{}.{domain}>", letter.list)))
            // Programs should not answer it (RFC 3834).
            .raw_header(header("Auto-Submitted", "auto-generated".to_owned()));
        if let Some(address) = &letter.unsubscribe {
            builder = builder
                .raw_header(header("List-Unsubscribe", format!("<{address}>")))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()));
        }
        let parts = MultiPart::alternative()
            // The same for every attempt.
            .boundary(format!("=_{}", letter.message_id))
            .singlepart(part(ContentType::TEXT_PLAIN, &letter.mail.text))
            .singlepart(part(ContentType::TEXT_HTML, &letter.mail.html));
        builder.multipart(parts).map_err(|error| unfit(error.to_string()))
    }
}

/// The error for settings of the mail server that cannot be used.
fn unfit(why: String) -> SendError {
    SendError::Setup { what: "[mail] in the configuration file".to_owned(), why }
}

impl Smtp {
    fn new(settings: &MailSettings, from: &Mailbox) -> Result<Self, SendError> {
        let url = &settings.server;
        let host = url
            .host_str()
            .filter(|host| !host.is_empty())
            .ok_or_else(|| unfit("`server` names no host; write smtps://mail.example.org".to_owned()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(unfit(
                "`server` holds a password; give it with `user` and `password_env`".to_owned(),
            ));
        }
        let (security, port) = match url.scheme() {
            "smtps" => (Security::AtOnce, 465),
            "smtp" if is_on_this_machine(url) => (Security::IfSupported, 587),
            "smtp" => (Security::StartTls, 587),
            other => {
                return Err(unfit(format!(
                    "`server` begins with {other}:; write smtps://, smtp:// or sendmail:"
                )));
            }
        };
        let (credentials, secrets) = match (&settings.user, &settings.password) {
            (Some(user), Some(password)) => {
                (Some(Credentials::new(user.clone(), password.reveal().to_owned())), secrets(user, password))
            }
            (None, None) => (None, Vec::new()),
            (Some(_), None) => {
                return Err(unfit("it has `user` but no `password`; give `password_env`".to_owned()));
            }
            (None, Some(_)) => return Err(unfit("it has a password but no `user`".to_owned())),
        };
        Ok(Self {
            host: host.to_owned(),
            port: url.port().unwrap_or(port),
            security,
            tls: tls(host, &settings.ca).map_err(unfit)?,
            // The domain that the mails come from. This machine's own name stays private.
            hello: ClientId::Domain(from.email.domain().to_owned()),
            credentials,
            secrets,
        })
    }

    async fn send(&self, message: &Message, letter: &Letter) -> Result<(), SendError> {
        let opened = within(OPEN_WITHIN, self.open()).await;
        let mut connection = opened.map_err(|trouble| self.failed(trouble, letter, false))?;
        let (envelope, bytes) = (message.envelope(), message.formatted());
        let sent = within(TAKE_WITHIN, connection.send(envelope, &bytes)).await;
        // It is sent or not, whatever the server says to QUIT.
        let _ = timeout(QUIT_WITHIN, connection.abort()).await;
        // Without an answer the server may have taken the mail.
        sent.map(|_| ()).map_err(|trouble| self.failed(trouble, letter, true))
    }

    /// A connection that is encrypted and logged in as the settings say.
    async fn open(&self) -> Result<AsyncSmtpConnection, Trouble> {
        let tls = (self.security == Security::AtOnce).then(|| self.tls.clone());
        let address = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(address, Some(OPEN_WITHIN), &self.hello, tls, None).await?;
        let is_upgraded = match self.security {
            Security::AtOnce => false,
            Security::StartTls => true,
            Security::IfSupported => connection.can_starttls(),
        };
        if is_upgraded {
            connection.starttls(self.tls.clone(), &self.hello).await?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(MECHANISMS, credentials).await.map_err(Trouble::Login)?;
        }
        Ok(connection)
    }

    /// Why a mail was not sent. Before `is_handed_over` the server was not told the recipient, so
    /// that no refusal is about it.
    fn failed(&self, trouble: Trouble, letter: &Letter, is_handed_over: bool) -> SendError {
        let (server, to) = (format!("the mail server {}", self.host), letter.shown_to());
        let may_have_arrived = is_handed_over;
        let is_login = matches!(trouble, Trouble::Login(_));
        let error = match trouble {
            Trouble::Smtp(error) | Trouble::Login(error) => error,
            Trouble::NoAnswer(waited) => {
                let why = format!("no answer within {} seconds", waited.as_secs());
                let why = if is_handed_over { why } else { format!("{why}; {CHECK_SERVER}") };
                return SendError::ForNow { server, to, why, retry_after: None, may_have_arrived };
            }
        };
        let said = std::error::Error::source(&error).map_or_else(|| error.to_string(), innermost_reason);
        let said = letter.said(&self.secrets.iter().fold(said, |said, secret| secret.scrub(&said)));
        match error.status().map(u16::from) {
            Some(530 | 534 | 535 | 538) => SendError::Login { server, said },
            Some(_) if error.is_permanent() && is_login => SendError::Login { server, said },
            Some(_) if error.is_permanent() && !is_handed_over => {
                let why = format!("{said}; {CHECK_SERVER}");
                SendError::ForNow { server, to, why, retry_after: None, may_have_arrived: false }
            }
            Some(_) if error.is_permanent() && is_no_mailbox(&said) => letter.no_mailbox(server, said),
            // A client error is a feature that the server lacks, such as STARTTLS.
            _ if error.is_permanent() || error.is_client() => {
                let remedy = match (error.is_client(), letter.is_private) {
                    (true, _) => CHECK_SERVER,
                    (false, true) => "check `server` and `from` in [mail]",
                    (false, false) => {
                        "check the recipient in the configuration, and `server` and `from` in [mail]"
                    }
                };
                SendError::Refused { server, to, said, remedy: remedy.to_owned(), gone: false }
            }
            Some(_) => {
                SendError::ForNow { server, to, why: said, retry_after: None, may_have_arrived: false }
            }
            None => {
                let remedy = match is_handed_over {
                    true => String::new(),
                    false if self.security == Security::AtOnce && said.contains("InvalidContentType") => {
                        "; this port begins without TLS: write smtp:// in `server` in [mail], or another port"
                            .to_owned()
                    }
                    false => format!("; {CHECK_SERVER}"),
                };
                let why = said + &remedy;
                SendError::ForNow { server, to, why, retry_after: None, may_have_arrived }
            }
        }
    }
}

/// Whether a server's message says that the address or its mailbox does not exist (RFC 3463).
/// Without an enhanced status code, a refusal may have another reason, such as the sender or the
/// contents.
fn is_no_mailbox(said: &str) -> bool {
    const CODES: [&str; 6] = ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"];
    said.split_whitespace().any(|word| CODES.contains(&word))
}

/// Why an exchange with a server failed.
enum Trouble {
    Smtp(Error),
    /// At the login.
    Login(Error),
    NoAnswer(Duration),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Smtp(error)
    }
}

async fn within<T, E: Into<Trouble>>(
    limit: Duration,
    exchange: impl Future<Output = Result<T, E>>,
) -> Result<T, Trouble> {
    timeout(limit, exchange).await.map_err(|_| Trouble::NoAnswer(limit))?.map_err(Into::into)
}

/// The texts that must not be shown: the password, and the forms in which it is transmitted.
fn secrets(user: &str, password: &Secret) -> Vec<Secret> {
    let plain = STANDARD.encode(format!("\0{user}\0{}", password.reveal()));
    vec![password.clone(), Secret::new(&STANDARD.encode(password.reveal())), Secret::new(&plain)]
}

fn part(content_type: ContentType, text: &str) -> SinglePart {
    SinglePart::builder().header(content_type).body(text.to_owned())
}

/// A time in whole seconds, as mails have it.
fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(at.as_second()).unwrap_or(0))
}

fn header(name: &'static str, value: String) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value)
}

fn tls(host: &str, ca: &[PathBuf]) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::Default);
    for path in ca {
        let cannot = |why: String| format!("the certificates in {} cannot be read: {why}", path.display());
        let pem = std::fs::read(path).map_err(|error| cannot(error.to_string()))?;
        let authority = Certificate::from_pem(&pem).map_err(|error| cannot(error.to_string()))?;
        builder = builder.add_root_certificate(authority);
    }
    builder.build_rustls().map_err(|error| innermost_reason(&error))
}
