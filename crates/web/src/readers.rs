//! Readers of the pages: how they are identified, how they log in, and the tokens of their forms.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{Extensions, HeaderMap};
use backissue_model::{ReaderId, ReaderName, Role, Scope, hex, unhex};
use backissue_openid::Provider;
use md5::{Digest, Md5};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::fault::Fault;
use crate::hosts;
use crate::throttle::Throttle;

/// Maximum passwords that are verified at the same time. Each takes 19 MiB.
const EXAMINED_AT_ONCE: usize = 2;

/// What visitors without a login see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Public {
    /// Nothing.
    Off,
    /// Statements about reads, with quotes as evidence and links to the publishers, but no
    /// articles.
    Statements,
    /// Articles too.
    Articles,
}

/// Which passwords are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accounts {
    /// The password of this reader. The login does not ask for a name.
    One(ReaderId),
    /// The passwords of all readers.
    Several {
        /// Whether readers who are not operators can save pages.
        save: bool,
    },
}

/// A provider at which readers can log in, too.
#[derive(Clone, Debug)]
pub struct OpenId {
    /// The provider.
    pub provider: Arc<Provider>,
    /// Whether a person who is not linked with a reader becomes a new reader. Otherwise the person
    /// is refused.
    pub make_readers: bool,
    /// The domains of verified mail addresses whose owners become readers. If empty, all domains.
    pub domains: Vec<String>,
}

/// How readers log in.
#[derive(Clone, Debug)]
pub struct LogIn {
    pub(crate) key: FormKey,
    pub(crate) accounts: Accounts,
    pub(crate) throttle: Arc<Throttle>,
    examining: Arc<Semaphore>,
    /// Whether browsers use HTTPS for the site.
    https: bool,
    /// Whether any reader has a password, as of the last request that checked it.
    pub(crate) has_password: Arc<AtomicBool>,
    /// Why the pages are read-only as long as no reader has a password, and the remedy.
    why_read_only: Arc<str>,
    /// Whether only this machine can reach the pages. Then nobody logs in as long as there is no
    /// password.
    only_here: bool,
    /// Where readers with accounts log in too.
    pub(crate) openid: Option<OpenId>,
}

impl LogIn {
    /// `https` says whether browsers use HTTPS for the site. Without it, only browsers on this
    /// machine can log in, because a password and a session's token would be sent unencrypted.
    /// Pages show `why_read_only` while there is no password. It is empty if a proxy or a provider
    /// identifies people, so that no password is needed.
    pub fn new(key: FormKey, accounts: Accounts, https: bool, why_read_only: &str) -> Self {
        Self {
            key,
            accounts,
            throttle: Arc::default(),
            examining: Arc::new(Semaphore::new(EXAMINED_AT_ONCE)),
            https,
            has_password: Arc::default(),
            why_read_only: why_read_only.into(),
            only_here: false,
            openid: None,
        }
    }

    /// The same settings with a provider at which readers can log in, too.
    #[must_use]
    pub fn with_openid(self, openid: Option<OpenId>) -> Self {
        Self { openid, ..self }
    }

    /// Whether everybody who can reach the pages is the reader, as of the last request that had to
    /// know it.
    pub(crate) fn is_open(&self) -> bool {
        self.only_here && !self.has_password.load(Ordering::Relaxed)
    }

    /// The reader whom everybody is, if there is no password.
    pub(crate) fn reader_without_password(&self) -> Option<ReaderId> {
        match self.accounts {
            Accounts::One(reader) if self.only_here => Some(reader),
            _ => None,
        }
    }

    /// Why nobody can log in.
    pub(crate) fn why_read_only(&self) -> Option<&str> {
        let can_log_in = self.why_read_only.is_empty() || self.has_password.load(Ordering::Relaxed);
        (!can_log_in).then_some(&self.why_read_only)
    }

    /// Waits until a password can be verified under the limit.
    pub(crate) async fn place(&self) -> Result<SemaphorePermit<'_>, Fault> {
        self.examining.acquire().await.map_err(|e| Fault::from_bug("nobody can log in", &e))
    }

    /// Whether the browser with these headers can log in.
    pub(crate) fn is_safe_for(&self, headers: &HeaderMap) -> bool {
        self.https || hosts::is_loopback(headers)
    }
}

/// The hash of a session's token. Only the hash is stored.
pub(crate) fn hash(token: &str) -> String {
    hex(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
}

/// Bytes of each half of a token.
const HALF: usize = 32;

/// How readers are identified.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a program has one")]
pub enum Readers {
    /// There are no readers. Holds the reason and the remedy. Pages show no marks and notes.
    ReadOnly(String),
    /// Who logs in; and on pages that only this machine can reach, everybody until there is a
    /// password.
    LogIn(LogIn),
}

impl Readers {
    /// One reader, on pages that only this machine can reach.
    pub fn one(key: FormKey, reader: ReaderId) -> Self {
        Self::LogIn(LogIn { only_here: true, ..LogIn::new(key, Accounts::One(reader), false, "") })
    }

    /// Whether everybody who can reach the pages is the reader, without a login.
    pub(crate) fn are_open(&self) -> bool {
        matches!(self, Self::LogIn(log_in) if log_in.is_open())
    }

    /// Why nothing can be changed at present, and the remedy.
    pub(crate) fn why_read_only(&self) -> Option<&str> {
        match self {
            Self::ReadOnly(why) => Some(why),
            Self::LogIn(log_in) => log_in.why_read_only(),
        }
    }

    /// Whether readers log in, and can do so at present.
    pub(crate) fn have_login(&self) -> bool {
        matches!(self, Self::LogIn(log_in) if !log_in.is_open()) && self.why_read_only().is_none()
    }

    /// Whether each reader has an account.
    pub(crate) fn have_accounts(&self) -> bool {
        matches!(self, Self::LogIn(LogIn { accounts: Accounts::Several { .. }, .. }))
    }

    /// Why visitors without a login are refused.
    pub(crate) fn refusal(&self) -> Fault {
        self.why_read_only().map_or(Fault::NotLoggedIn, |why| Fault::ReadOnly(why.to_owned()))
    }

    pub(crate) fn key(&self) -> Result<&FormKey, Fault> {
        match self {
            Self::ReadOnly(why) => Err(Fault::ReadOnly(why.clone())),
            Self::LogIn(LogIn { key, .. }) => Ok(key),
        }
    }

    /// A new token for a form on a page of this visitor.
    pub(crate) fn token(&self, visitor: Visitor) -> Option<String> {
        self.key().ok().map(|key| key.token(visitor))
    }
}

/// The secret key of forms' tokens.
#[derive(Clone)]
pub struct FormKey(hmac::Key);

impl fmt::Debug for FormKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FormKey")
    }
}

impl FormKey {
    /// The key for a secret text.
    pub fn of(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// A random secret text for [`FormKey::of`].
    pub fn new_secret() -> String {
        random_text()
    }

    /// Makes a token for a form. A random mask makes it different on each page, so that it cannot
    /// be guessed from the sizes of compressed pages (BREACH).
    fn token(&self, visitor: Visitor) -> String {
        let mask = random();
        let tag = hmac::sign(&self.0, &signed(visitor));
        let masked: Vec<u8> = tag.as_ref().iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
        hex(&mask) + &hex(&masked)
    }

    pub(crate) fn accepts(&self, visitor: Visitor, token: &str) -> bool {
        let Some(bytes) = unhex(token).filter(|bytes| bytes.len() == 2 * HALF) else { return false };
        let (mask, masked) = bytes.split_at(HALF);
        let tag: Vec<u8> = masked.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
        hmac::verify(&self.0, &signed(visitor), &tag).is_ok()
    }
}

impl FormKey {
    /// A secret that is computed from a text, for one purpose.
    pub(crate) fn derived(&self, purpose: &str, text: &str) -> String {
        hex(hmac::sign(&self.0, &of_purpose(purpose, text)).as_ref())
    }

    /// Whether `secret` equals [`FormKey::derived`]. Takes the same time for every wrong secret.
    pub(crate) fn is_derived(&self, purpose: &str, text: &str, secret: &str) -> bool {
        unhex(secret).is_some_and(|tag| hmac::verify(&self.0, &of_purpose(purpose, text), &tag).is_ok())
    }
}

fn of_purpose(purpose: &str, text: &str) -> Vec<u8> {
    format!("{purpose} of {text}").into_bytes()
}

fn signed(visitor: Visitor) -> Vec<u8> {
    let number = |number: Option<i64>| number.map_or_else(|| "none".to_owned(), |number| number.to_string());
    let reader = number(visitor.reader.map(|reader| reader.0));
    format!("form of reader {reader} in session {}", number(visitor.session)).into_bytes()
}

/// Random bytes as text, for a token that cannot be guessed.
pub(crate) fn random_text() -> String {
    hex(&random())
}

fn random() -> [u8; HALF] {
    let mut bytes = [0; HALF];
    SystemRandom::new().fill(&mut bytes).expect("the system has random numbers");
    bytes
}

backissue_model::names! {
    Public, String,
    |text| format!("`{text}` is nothing that strangers see; write off, statements or articles"),
    Off = "off", Statements = "statements", Articles = "articles",
}

/// The sender of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// The reader. `None` for a stranger.
    pub(crate) reader: Option<ReaderId>,
    /// What the reader may do.
    pub(crate) role: Role,
    /// The session that identifies the reader. `None` if no login was needed.
    pub(crate) session: Option<i64>,
    /// The scope of the token that identifies a program's reader.
    pub(crate) scope: Option<Scope>,
    /// Whether a trusted proxy names a user who has no account.
    pub(crate) is_unknown_user: bool,
}

impl Visitor {
    /// A user of a trusted proxy who has no account.
    pub(crate) const UNKNOWN_USER: Self =
        Self { reader: None, role: Role::Reader, session: None, scope: None, is_unknown_user: true };

    /// An operator, with or without a session.
    pub(crate) fn operator(reader: ReaderId, session: Option<i64>) -> Self {
        Self { reader: Some(reader), role: Role::Operator, session, ..Self::default() }
    }

    /// Whether the visitor is an operator.
    pub(crate) fn is_operator(self) -> bool {
        self.reader.is_some() && self.role == Role::Operator
    }

    /// The reader for whom a request acts.
    ///
    /// # Errors
    /// If the visitor is not logged in.
    pub(crate) fn known(self) -> Result<ReaderId, Fault> {
        self.reader.ok_or(Fault::NoReader)
    }

    /// The sender of the request with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get().copied().unwrap_or_default()
    }
}

/// The token of a new invitation, for the address `/join/TOKEN`.
pub fn new_invitation() -> String {
    random_text()
}

/// The hash of an invitation's token. Only the hash is stored.
pub fn invitation_hash(token: &str) -> String {
    hash(token)
}

/// A new token for a program.
pub fn new_token() -> String {
    format!("backissue_{}", random_text())
}

/// The hash of a program's token. Only the hash is stored.
pub fn token_hash(token: &str) -> String {
    hash(token)
}

/// The hash of the key that an app with the Fever API makes of the reader's name and a token. Only
/// the hash is stored.
pub fn fever_key_hash(name: &ReaderName, token: &str) -> String {
    hash(&hex(&Md5::digest(format!("{name}:{token}"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_only_ours_are_accepted() {
        let key = FormKey::of("a secret");
        let visitor =
            |reader, session| Visitor { reader: Some(ReaderId(reader)), session, ..Visitor::default() };
        let reader = visitor(1, None);
        let (one, two) = (key.token(reader), key.token(reader));
        assert_ne!(one, two);
        assert!(key.accepts(reader, &one) && key.accepts(reader, &two));
        for other in [visitor(2, None), visitor(1, Some(1)), Visitor::default()] {
            assert!(!key.accepts(other, &one), "another visitor's form");
        }
        assert!(!FormKey::of("another secret").accepts(reader, &one));
        let changed = format!("{}{}", if one.starts_with('0') { '1' } else { '0' }, &one[1..]);
        for wrong in ["", "00", &one[2..], &format!("{one}00"), &changed, "é", &"g".repeat(128)] {
            assert!(!key.accepts(reader, wrong), "{wrong}");
        }
    }
}
