//! Computes the secret part of the address at which a recipient stops the mails.

use std::fmt;

use backissue_model::hex;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

/// The key from which these addresses are computed. It never changes, so that the addresses in old
/// mails stay valid.
#[derive(Clone)]
pub(crate) struct UnsubscribeKey(hmac::Key);

impl UnsubscribeKey {
    /// The key for a secret text.
    pub(crate) fn of(secret: &str) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()))
    }

    /// Makes a secret text that cannot be guessed, for [`UnsubscribeKey::of`].
    pub(crate) fn new_secret() -> String {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).expect("the system has random numbers");
        hex(&bytes)
    }

    /// The secret part of the address for one recipient.
    pub(crate) fn token(&self, recipient: &str) -> String {
        hex(hmac::sign(&self.0, format!("unsubscribe {recipient}").as_bytes()).as_ref())
    }
}

impl fmt::Debug for UnsubscribeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnsubscribeKey")
    }
}
