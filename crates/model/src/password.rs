//! Passwords of readers.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

/// Minimum characters of a password.
pub const PASSWORD_MIN: usize = 12;
/// Maximum bytes of a password, so that hashing takes bounded time.
pub const PASSWORD_MAX: usize = 1_000;
/// Minimum number of different characters in a password.
const DIFFERENT: usize = 5;

/// Passwords that are refused: those of twelve or more characters in lists of stolen passwords, and
/// words that attackers try first at this program.
const COMMON: &[&str] = &[
    "123456789012", "1234567890123", "0123456789012", "1q2w3e4r5t6y", "1qaz2wsx3edc", "qwertyuiop123",
    "qwertyuiop[]", "qwerty123456", "q1w2e3r4t5y6", "zaq12wsxcde3", "password1234", "password12345",
    "passwordpassword", "password123456", "p@ssw0rd1234", "iloveyou1234", "administrator", "letmein12345",
    "welcome12345", "changeme1234", "correcthorsebatterystaple", "correct horse battery staple",
    "backissue1234", "backissuebackissue",
];

/// A password that passed the checks, composed (Unicode NFC), because keyboards differ in how they
/// write accents. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// Why a text cannot be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It is too short.
    #[error("a password has at least {PASSWORD_MIN} characters; this one has {0}. Take several words")]
    TooShort(usize),
    /// It is too long.
    #[error("a password has at most 1,000 bytes. Shorten it")]
    TooLong,
    /// The password is one of the most frequent ones, or repeats a few characters.
    #[error(
        "this password is among those that are guessed first. Take several words that do not belong together"
    )]
    Guessable,
    /// It has a control character.
    #[error("a password has no control characters, such as line breaks")]
    Control,
}

/// The forms of a typed password that may have been hashed: composed, and as typed, which older
/// versions of this program hashed. For most passwords both are equal.
pub fn password_forms(typed: &str) -> Vec<String> {
    let composed: String = typed.nfc().collect();
    if composed == typed { vec![composed] } else { vec![composed, typed.to_owned()] }
}

impl Password {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Password {
    type Err = PasswordError;

    fn from_str(text: &str) -> Result<Self, PasswordError> {
        if text.len() > PASSWORD_MAX {
            return Err(PasswordError::TooLong);
        }
        let text: String = text.nfc().collect();
        if text.chars().any(char::is_control) {
            return Err(PasswordError::Control);
        }
        let characters = text.chars().count();
        if characters < PASSWORD_MIN {
            return Err(PasswordError::TooShort(characters));
        }
        let lower = text.to_lowercase();
        let mut different: Vec<char> = lower.chars().collect();
        different.sort_unstable();
        different.dedup();
        if different.len() < DIFFERENT || COMMON.contains(&lower.as_str()) {
            return Err(PasswordError::Guessable);
        }
        Ok(Self(text))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_enough_and_not_the_most_frequent_ones() {
        let of = |text: &str| text.parse::<Password>();
        for fine in [
            "tide pool ledger",
            "größer als zwölf",
            " spaces count ",
            "lantern-9-gravel",
            "秘密の言葉は長いほど良いです",
        ] {
            assert_eq!(of(fine).unwrap().as_str(), fine);
        }
        assert_eq!(of("gro\u{308}ßer als zwo\u{308}lf").unwrap(), of("größer als zwölf").unwrap());
        assert_eq!(password_forms("zwo\u{308}lf"), ["zwölf", "zwo\u{308}lf"]);
        assert_eq!(password_forms("zwölf"), ["zwölf"]);
        assert_eq!(of("eleven char"), Err(PasswordError::TooShort(11)));
        assert_eq!(of(""), Err(PasswordError::TooShort(0)));
        assert_eq!(of(&"long ".repeat(201)), Err(PasswordError::TooLong));
        for guessable in
            ["aaaaaaaaaaaaaa", "abababababababab", "PassWord1234", "Correct horse battery staple"]
        {
            assert_eq!(of(guessable), Err(PasswordError::Guessable), "{guessable}");
        }
        assert_eq!(of("line\nbreaks in it"), Err(PasswordError::Control));
        assert_eq!(format!("{:?}", of("tide pool ledger").unwrap()), "Password");
    }
}
