//! A stand-in for an OpenID Connect provider, on loopback. It implements discovery, the
//! authorization code flow with PKCE, tokens and keys.
//!
//! It refuses what a real provider refuses: an unknown client, an address to return to that is not
//! registered, a code that was used, a wrong verifier. A test can make its ID tokens wrong in one
//! way ([`Twist`]).

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use ring::{digest, hmac};
use serde_json::{Value, json};

use crate::server_thread::ServerThread;

/// The identifier of this program at the provider.
pub const CLIENT: &str = "backissue";
/// The secret for this identifier. Some of its characters must be escaped in headers.
pub const SECRET: &str = "tide+pool/ledger%3A :";
/// An RSA key of 2,048 bits, made for this file.
const RSA_KEY: &str = include_str!("../assets/provider-key.b64");

/// A person at the provider.
#[derive(Clone, Debug)]
pub struct StandInPerson {
    /// The provider's identifier of the person.
    pub subject: String,
    /// The name that the person prefers.
    pub name: String,
    /// The mail address.
    pub email: String,
    /// Whether the provider has verified it.
    pub email_verified: bool,
}

impl StandInPerson {
    /// A person with a verified mail address at example.org.
    pub fn new(subject: &str, name: &str) -> Self {
        let email = format!("{name}@example.org");
        Self { subject: subject.to_owned(), name: name.to_owned(), email, email_verified: true }
    }
}

/// The fault of an ID token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twist {
    /// No fault.
    Nothing,
    /// It has the nonce of another login.
    Nonce,
    /// It has no nonce.
    NoNonce,
    /// It is for another client.
    Audience,
    /// It is for this client and for another.
    Audiences,
    /// It was issued to another client.
    Party,
    /// Another provider issued it.
    Issuer,
    /// It expired two minutes ago.
    Expired,
    /// It was issued two minutes ahead.
    Early,
    /// It has `alg: none` and no signature.
    Unsigned,
    /// It is signed with the client's secret.
    SignedWithSecret,
    /// It is signed with a key that is not the provider's.
    ForeignKey,
    /// Its claims were changed after it was signed.
    Changed,
    /// Its subject is empty.
    NoSubject,
}

impl Twist {
    /// All faults that must be refused.
    pub const WRONG: [Self; 13] = [
        Self::Nonce,
        Self::NoNonce,
        Self::Audience,
        Self::Audiences,
        Self::Party,
        Self::Issuer,
        Self::Expired,
        Self::Early,
        Self::Unsigned,
        Self::SignedWithSecret,
        Self::ForeignKey,
        Self::Changed,
        Self::NoSubject,
    ];
}

/// The fault of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No fault.
    None,
    /// It answers each request with 503.
    Down,
    /// It sends a document without an end.
    Endless,
    /// It names another issuer.
    OtherIssuer,
}

/// A key with which ID tokens are signed.
enum SigningKey {
    Rsa(Box<RsaKeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

/// A login that waits for its code to be exchanged.
struct Grant {
    redirect: String,
    challenge: String,
    nonce: String,
    person: StandInPerson,
}

struct Stage {
    issuer: Mutex<String>,
    redirect: Mutex<String>,
    person: Mutex<StandInPerson>,
    twist: Mutex<Twist>,
    trouble: Mutex<Trouble>,
    key: Mutex<(String, SigningKey)>,
    grants: Mutex<HashMap<String, Grant>>,
    asked: Mutex<Vec<String>>,
}

/// A running stand-in. Dropping it stops it.
pub struct StandInProvider {
    /// The address at which it listens.
    pub address: SocketAddr,
    stage: Arc<Stage>,
    _server: ServerThread,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn ec_key() -> anyhow::Result<EcdsaKeyPair> {
    let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
    let key = EcdsaKeyPair::generate_pkcs8(algorithm, &random).ok().context("no key can be made")?;
    EcdsaKeyPair::from_pkcs8(algorithm, key.as_ref(), &random).ok().context("the key is not one")
}

fn rsa_key() -> anyhow::Result<RsaKeyPair> {
    let der = STANDARD.decode(RSA_KEY.split_whitespace().collect::<String>())?;
    RsaKeyPair::from_der(&der).map_err(|why| anyhow::anyhow!("the key in assets is not one: {why}"))
}

impl StandInProvider {
    /// Starts a provider that signs with RS256, and at which `anna` is logged in.
    ///
    /// # Errors
    /// If it cannot listen.
    pub fn start() -> anyhow::Result<Self> {
        let stage = Arc::new(Stage {
            issuer: Mutex::default(),
            redirect: Mutex::default(),
            person: Mutex::new(StandInPerson::new("a-1", "anna")),
            twist: Mutex::new(Twist::Nothing),
            trouble: Mutex::new(Trouble::None),
            key: Mutex::new(("rsa".to_owned(), SigningKey::Rsa(Box::new(rsa_key()?)))),
            grants: Mutex::default(),
            asked: Mutex::default(),
        });
        let router = Router::new()
            .route("/team/.well-known/openid-configuration", get(describe))
            .route("/team/keys", get(keys))
            .route("/team/authorize", get(authorize))
            .route("/team/token", post(token))
            .with_state(stage.clone());
        let server = ServerThread::start("stand-in-provider", router)?;
        *lock(&stage.issuer) = format!("http://{}/team", server.address);
        Ok(Self { address: server.address, stage, _server: server })
    }

    /// Its issuer.
    pub fn issuer(&self) -> String {
        lock(&self.stage.issuer).clone()
    }

    /// Registers the address to which the provider sends browsers back.
    pub fn register(&self, redirect: &str) {
        redirect.clone_into(&mut lock(&self.stage.redirect));
    }

    /// Logs another person in at the provider.
    pub fn log_in(&self, person: StandInPerson) {
        *lock(&self.stage.person) = person;
    }

    /// Gives all further ID tokens this fault.
    pub fn twist(&self, twist: Twist) {
        *lock(&self.stage.twist) = twist;
    }

    /// Gives the provider this fault, or removes the fault.
    pub fn trouble(&self, trouble: Trouble) {
        *lock(&self.stage.trouble) = trouble;
    }

    /// Signs further tokens with a new ES256 key. The former key is no longer listed.
    ///
    /// # Errors
    /// If no key can be made.
    pub fn rotate(&self) -> anyhow::Result<()> {
        let mut key = lock(&self.stage.key);
        *key = (format!("{}+", key.0), SigningKey::Ec(Box::new(ec_key()?)));
        Ok(())
    }

    /// The paths that were requested so far.
    pub fn asked(&self) -> Vec<String> {
        lock(&self.stage.asked).clone()
    }
}

impl Stage {
    /// The response of a provider with a fault.
    fn in_trouble(&self, path: &str) -> Option<Response> {
        lock(&self.asked).push(path.to_owned());
        match *lock(&self.trouble) {
            Trouble::None | Trouble::OtherIssuer => None,
            Trouble::Down => Some((StatusCode::SERVICE_UNAVAILABLE, "down").into_response()),
            Trouble::Endless => Some(json_of(&json!({ "issuer": "x".repeat(3 << 20) }))),
        }
    }

    fn claims(&self, grant: &Grant, twist: Twist) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let (issued, expires) = match twist {
            Twist::Expired => (now - 420, now - 120),
            Twist::Early => (now + 120, now + 420),
            // Within what clocks may differ.
            _ => (now + 20, now + 320),
        };
        let person = &grant.person;
        let mut claims = json!({
            "iss": *lock(&self.issuer), "sub": person.subject, "aud": CLIENT, "iat": issued, "exp": expires,
            "nonce": grant.nonce, "preferred_username": person.name, "email": person.email,
            "email_verified": person.email_verified,
        });
        match twist {
            Twist::Nonce => claims["nonce"] = json!("another"),
            Twist::NoNonce => claims["nonce"] = Value::Null,
            Twist::Audience => claims["aud"] = json!("another"),
            Twist::Audiences => claims["aud"] = json!([CLIENT, "another"]),
            Twist::Party => claims["azp"] = json!("another"),
            Twist::Issuer => claims["iss"] = json!("http://127.0.0.1:1/team"),
            Twist::NoSubject => claims["sub"] = json!(""),
            _ => {}
        }
        claims
    }

    /// A signed ID token.
    fn token(&self, grant: &Grant) -> anyhow::Result<String> {
        let twist = *lock(&self.twist);
        let (kid, key) = &*lock(&self.key);
        let algorithm = match (twist, key) {
            (Twist::Unsigned, _) => "none",
            (Twist::SignedWithSecret, _) => "HS256",
            (Twist::ForeignKey, _) | (_, SigningKey::Ec(_)) => "ES256",
            (_, SigningKey::Rsa(_)) => "RS256",
        };
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(&json!({ "alg": algorithm, "kid": kid, "typ": "JWT" }));
        let claims = self.claims(grant, twist);
        let message = format!("{head}.{}", part(&claims));
        let signature = match (twist, key) {
            (Twist::Unsigned, _) => Vec::new(),
            (Twist::SignedWithSecret, _) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
                hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
            }
            (Twist::ForeignKey, _) => by_ec(&ec_key()?, &message)?,
            (_, SigningKey::Ec(key)) => by_ec(key, &message)?,
            (_, SigningKey::Rsa(key)) => {
                let mut signature = vec![0; key.public().modulus_len()];
                let signed =
                    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature);
                signed.ok().context("it cannot be signed")?;
                signature
            }
        };
        let signature = URL_SAFE_NO_PAD.encode(signature);
        if twist == Twist::Changed {
            let mut claims = claims;
            claims["sub"] = json!("e-1");
            return Ok(format!("{head}.{}.{signature}", part(&claims)));
        }
        Ok(format!("{message}.{signature}"))
    }

    /// Exchanges a code (RFC 6749, section 4.1.3, and RFC 7636, section 4.6).
    fn exchange(&self, headers: &HeaderMap, form: &HashMap<String, String>) -> Result<String, &'static str> {
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let escaped: String = url::form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{escaped}")));
        if headers.get(AUTHORIZATION).is_none_or(|sent| sent.as_bytes() != basic.as_bytes()) {
            return Err("invalid_client");
        }
        if field("grant_type") != "authorization_code" {
            return Err("unsupported_grant_type");
        }
        let grant = lock(&self.grants).remove(field("code")).ok_or("invalid_grant")?;
        let verifier = field("code_verifier");
        let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
        let is_long = (43..=128).contains(&verifier.len());
        if grant.redirect != field("redirect_uri") || grant.challenge != challenge || !is_long {
            return Err("invalid_grant");
        }
        self.token(&grant).map_err(|_| "server_error")
    }
}

fn by_ec(key: &EcdsaKeyPair, message: &str) -> anyhow::Result<Vec<u8>> {
    let signature = key.sign(&SystemRandom::new(), message.as_bytes()).ok().context("it cannot be signed")?;
    Ok(signature.as_ref().to_vec())
}

fn json_of(value: &Value) -> Response {
    ([(CONTENT_TYPE, "application/json")], value.to_string()).into_response()
}

async fn describe(State(stage): State<Arc<Stage>>) -> Response {
    if let Some(trouble) = stage.in_trouble("/.well-known/openid-configuration") {
        return trouble;
    }
    let issuer = lock(&stage.issuer).clone();
    let other = *lock(&stage.trouble) == Trouble::OtherIssuer;
    json_of(&json!({
        "issuer": if other { format!("{issuer}/") } else { issuer.clone() },
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

async fn keys(State(stage): State<Arc<Stage>>) -> Response {
    if let Some(trouble) = stage.in_trouble("/keys") {
        return trouble;
    }
    let (kid, key) = &*lock(&stage.key);
    let coded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let key = match key {
        SigningKey::Rsa(key) => {
            let public = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(key.public());
            json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": coded(&public.n), "e": coded(&public.e) })
        }
        SigningKey::Ec(key) => {
            // 4, then two numbers of 32 bytes (SEC 1, section 2.3.3).
            let (x, y) = key.public_key().as_ref()[1..].split_at(32);
            json!({ "kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": kid, "x": coded(x), "y": coded(y) })
        }
    };
    json_of(&json!({ "keys": [key] }))
}

/// A page on which the person allows or denies the login.
async fn authorize(
    State(stage): State<Arc<Stage>>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    if let Some(trouble) = stage.in_trouble("/authorize") {
        return trouble;
    }
    let asked = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let is_openid = asked("scope").split(' ').any(|scope| scope == "openid");
    let is_code = (asked("response_type"), asked("code_challenge_method")) == ("code", "S256");
    if asked("client_id") != CLIENT || asked("redirect_uri") != *lock(&stage.redirect) {
        return (StatusCode::BAD_REQUEST, "an unknown client, or an address that is not registered")
            .into_response();
    }
    if !is_openid || !is_code || asked("state").is_empty() || asked("nonce").is_empty() {
        return (StatusCode::BAD_REQUEST, "not a login with a code and PKCE").into_response();
    }
    let person = lock(&stage.person).clone();
    let name = person.name.clone();
    let mut grants = lock(&stage.grants);
    let code = format!("code-{}-{}", person.subject, lock(&stage.asked).len());
    let grant = Grant {
        redirect: asked("redirect_uri").to_owned(),
        challenge: asked("code_challenge").to_owned(),
        nonce: asked("nonce").to_owned(),
        person,
    };
    grants.insert(code.clone(), grant);
    let back = |key: &str, value: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair(key, value)
            .append_pair("state", asked("state"))
            .finish();
        format!("{}?{}", asked("redirect_uri"), query.replace('&', "&amp;"))
    };
    let page = format!(
        "<!doctype html><title>Log in</title><link rel=icon href=\"data:,\"><p>You are {name}.</p><a id=allow href=\"{}\">Allow</a> <a id=deny href=\"{}\">Deny</a>",
        back("code", &code),
        back("error", "access_denied")
    );
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

async fn token(
    State(stage): State<Arc<Stage>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    if let Some(trouble) = stage.in_trouble("/token") {
        return trouble;
    }
    match stage.exchange(&headers, &form) {
        Ok(token) => json_of(&json!({
            "access_token": "of no use here", "token_type": "Bearer", "expires_in": 300, "id_token": token,
        })),
        Err(error) => {
            // A real provider may quote what it was sent.
            let said =
                json!({ "error": error, "error_description": format!("the secret {SECRET} was sent") });
            (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, "application/json")], said.to_string()).into_response()
        }
    }
}
