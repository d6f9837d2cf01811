//! TLS: trusted authorities, HTTP/2, and no downgrade to plain HTTP.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::header::LOCATION;
use axum::http::{StatusCode, Version};
use axum::response::IntoResponse;
use axum_server::tls_rustls::RustlsConfig;
use backissue_fetch::{FetchError, FetchSettings, Fetcher};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::loopback::get;

/// A server with a certificate for `blog.example`, and the authority to trust.
struct Secure {
    addr: SocketAddr,
    ca: PathBuf,
    _folder: tempfile::TempDir,
}

impl Secure {
    /// Starts it on the test's runtime. `adjust` can invalidate the certificate; `alpn` lists the
    /// offered protocols.
    fn start(adjust: impl FnOnce(&mut CertificateParams), alpn: &[&str]) -> Self {
        Self::with_server(adjust, alpn, |listener, tls| {
            listener.set_nonblocking(true).unwrap();
            let server = axum_server::from_tcp_rustls(listener, RustlsConfig::from_config(tls)).unwrap();
            tokio::spawn(server.serve(Router::new().fallback(version_or_redirect).into_make_service()));
        })
    }

    /// Starts a server with a hand-written HTTP/2 response. The closure writes after the request
    /// has arrived.
    fn saying(say: impl Fn(&mut TlsStream) -> io::Result<()> + Send + 'static) -> Self {
        Self::with_server(
            |_| (),
            &["h2"],
            |listener, tls| {
                std::thread::spawn(move || {
                    for stream in listener.incoming() {
                        let connection = rustls::ServerConnection::new(Arc::clone(&tls)).unwrap();
                        let mut stream = TlsStream::new(connection, stream.unwrap());
                        // The client may close the connection, which ends the exchange.
                        let _ = until_asked(&mut stream).and_then(|()| say(&mut stream));
                    }
                });
            },
        )
    }

    fn with_server(
        adjust: impl FnOnce(&mut CertificateParams),
        alpn: &[&str],
        serve: impl FnOnce(TcpListener, Arc<ServerConfig>),
    ) -> Self {
        let ca_key = KeyPair::generate().unwrap();
        let mut ca = CertificateParams::new(Vec::<String>::new()).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["blog.example".to_owned()]).unwrap();
        adjust(&mut params);
        let certificate = params.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let mut tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        tls.alpn_protocols = alpn.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();

        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = listener.local_addr().unwrap();
        serve(listener, Arc::new(tls));
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, ca_pem).unwrap();
        Self { addr, ca, _folder: folder }
    }

    fn settings(&self) -> FetchSettings {
        FetchSettings {
            resolve: vec![format!("*:443:{}", self.addr).parse().unwrap()],
            ca: vec![self.ca.clone()],
            allow_private_addresses: true,
            host_pause: Duration::ZERO,
            ..FetchSettings::default()
        }
    }

    async fn get(&self, url: &str) -> Result<String, FetchError> {
        let response = get(&Fetcher::new(self.settings()).unwrap(), url).await?;
        Ok(String::from_utf8(response.body.bytes().unwrap().to_vec()).unwrap())
    }
}

type TlsStream = rustls::StreamOwned<rustls::ServerConnection, TcpStream>;

/// An HTTP/2 frame (RFC 9113, 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const CONTINUATION: u8 = 9;
/// The flag END_HEADERS.
const END_HEADERS: u8 = 4;
/// `:status: 200` (RFC 7541, appendix A).
const STATUS_200: &[u8] = &[0x88];

/// Answers the client's preface and reads until its request has arrived.
fn until_asked(stream: &mut TlsStream) -> io::Result<()> {
    stream.read_exact(&mut [0; 24])?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[]))?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        io::copy(&mut Read::take(&mut *stream, length.into()), &mut io::sink())?;
        if head[3] == HEADERS {
            return Ok(());
        }
    }
}

async fn version_or_redirect(request: Request) -> impl IntoResponse {
    let version = match request.version() {
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_11 => "HTTP/1.1",
        _ => "another version",
    };
    match request.uri().path() {
        "/down" => (StatusCode::MOVED_PERMANENTLY, [(LOCATION, "http://blog.example/down")], version),
        _ => (StatusCode::OK, [(LOCATION, "")], version),
    }
}

#[tokio::test]
async fn http_2_is_used_if_offered() {
    let both = Secure::start(|_| (), &["h2", "http/1.1"]);
    assert_eq!(both.get("https://blog.example/").await.unwrap(), "HTTP/2");
    let old = Secure::start(|_| (), &["http/1.1"]);
    assert_eq!(old.get("https://blog.example/").await.unwrap(), "HTTP/1.1");
    let silent = Secure::start(|_| (), &[]);
    assert_eq!(silent.get("https://blog.example/").await.unwrap(), "HTTP/1.1");
}

/// Servers that flood a client with HTTP/2 frames that cost them nothing.
#[tokio::test]
async fn floods_of_frames_end_the_connection() {
    // The client's table does not keep literal fields with a new name each (RFC 7541, 6.2.2).
    let fields = [b"\x00\x01x\x7f\x9e\x01".as_slice(), &[b'y'; 285]].concat().repeat(50);
    let floods: [(&str, Vec<u8>, Vec<u8>); 6] = [
        (
            "CONTINUATION (CVE-2024-27316)",
            frame(HEADERS, 0, 1, STATUS_200),
            frame(CONTINUATION, 0, 1, &fields),
        ),
        ("empty CONTINUATION", frame(HEADERS, 0, 1, STATUS_200), frame(CONTINUATION, 0, 1, &[])),
        ("PING (CVE-2019-9512)", Vec::new(), frame(PING, 0, 0, &[7; 8])),
        ("SETTINGS (CVE-2019-9515)", Vec::new(), frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])),
        ("empty DATA (CVE-2019-9518)", frame(HEADERS, END_HEADERS, 1, STATUS_200), frame(DATA, 0, 1, &[])),
        // Last stream 0, and ENHANCE_YOUR_CALM.
        ("GOAWAY", Vec::new(), frame(GO_AWAY, 0, 0, &[0, 0, 0, 0, 0, 0, 0, 11])),
    ];
    for (name, first, flood) in floods {
        let server = Secure::saying(move |stream| {
            stream.write_all(&first)?;
            let flood = flood.repeat(64 * 1024 / flood.len() + 1);
            loop {
                stream.write_all(&flood)?;
            }
        });
        let settings = FetchSettings {
            first_byte_timeout: Duration::from_secs(1),
            total_timeout: Duration::from_secs(2),
            ..server.settings()
        };
        let began = Instant::now();
        let error = get(&Fetcher::new(settings).unwrap(), "https://blog.example/").await.unwrap_err();
        assert!(error.is_transient(), "{name}: {error}");
        assert!(began.elapsed() < Duration::from_secs(30), "{name} took {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn invalid_certificates_are_explained() {
    let server = Secure::start(|_| (), &["h2"]);
    let error = server.get("https://other.example/").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no secure connection to other.example: its certificate is for another name"
    );
    assert!(!error.is_transient());
    let expired = Secure::start(|params| params.not_after = rcgen::date_time_ymd(2001, 1, 1), &["h2"]);
    let error = expired.get("https://blog.example/").await.unwrap_err();
    assert!(error.to_string().ends_with("its certificate has expired"), "{error}");
    let early = Secure::start(|params| params.not_before = rcgen::date_time_ymd(3001, 1, 1), &["h2"]);
    let error = early.get("https://blog.example/").await.unwrap_err();
    assert!(error.to_string().contains("not valid yet; check this machine's clock"), "{error}");
    let strange = Fetcher::new(FetchSettings { ca: Vec::new(), ..server.settings() }).unwrap();
    let error = get(&strange, "https://blog.example/").await.unwrap_err();
    assert!(
        matches!(error, FetchError::Tls { .. }) && error.to_string().contains("not signed by an authority"),
        "{error}"
    );
}

#[tokio::test]
async fn server_without_tls_is_a_tls_error() {
    let plain = crate::loopback::Loopback::handling(|_, _| ());
    let resolve = vec![format!("*:443:{}", plain.addr).parse().unwrap()];
    // Its answer to a handshake is not even HTTP.
    let talker = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = talker.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in talker.incoming() {
            let _ = stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let settings = FetchSettings { resolve, ..plain.settings() };
    let settings = FetchSettings { resolve: vec![format!("*:443:{addr}").parse().unwrap()], ..settings };
    let error = get(&Fetcher::new(settings).unwrap(), "https://blog.example/").await.unwrap_err();
    assert!(matches!(error, FetchError::Tls { .. }), "{error}");
}

#[tokio::test]
async fn https_is_never_downgraded_to_http() {
    let server = Secure::start(|_| (), &["h2"]);
    let error = server.get("https://blog.example/down").await.unwrap_err();
    assert!(matches!(error, FetchError::BadRedirect { .. }), "{error}");
    assert!(error.to_string().contains("from https down to http://blog.example/down"), "{error}");
}

#[tokio::test]
async fn unusable_ca_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for path in [
        folder.path().join("missing.pem"),
        write("empty.pem", ""),
        write("text.pem", "not a certificate\n"),
        write("broken.pem", broken),
        write("half.pem", "-----BEGIN CERTIFICATE-----\n"),
        Path::new("/").to_owned(),
    ] {
        let settings = FetchSettings { ca: vec![path.clone()], ..FetchSettings::default() };
        let error = Fetcher::new(settings).unwrap_err();
        assert!(matches!(error, FetchError::Ca { .. }), "{error}");
        assert!(error.to_string().contains(&format!("{} cannot be used", path.display())), "{error}");
    }
}

#[test]
fn invalid_user_agent_is_a_setup_error() {
    let settings = FetchSettings { user_agent: "Back\nissue".to_owned(), ..FetchSettings::default() };
    let error = Fetcher::new(settings).unwrap_err();
    assert!(matches!(error, FetchError::Setup { .. }), "{error}");
}
