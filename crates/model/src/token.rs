//! Tokens, with which programs act for a reader.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::names::names;
use crate::signs::{in_one_line, misleads};

/// What a program may do with a token. Each scope includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// See what the token's reader sees.
    Read,
    /// Do what any reader may do: mark, note, label, highlight, save.
    Write,
    /// Do what an operator may do, as long as the token's reader is an operator.
    Operate,
}

names! { Scope, UnknownScope: Read = "read", Write = "write", Operate = "operate" }

/// The text is not the name of a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope; scopes are read, write and operate")]
pub struct UnknownScope(String);

/// Maximum characters of a token's name.
pub const TOKEN_NAME_MAX: usize = 60;

/// A reader's name for a token: one line, such as the name of the program that has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct TokenName(String);

/// Why a text cannot be a token's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenNameError {
    /// It has no letter or digit.
    #[error("a token needs a name with at least one letter or digit")]
    Empty,
    /// It is too long.
    #[error("the name of a token has at most {TOKEN_NAME_MAX} characters. Shorten it")]
    TooLong,
}

impl TokenName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenName {
    type Err = TokenNameError;

    fn from_str(text: &str) -> Result<Self, TokenNameError> {
        if text.len() > 100 * TOKEN_NAME_MAX {
            return Err(TokenNameError::TooLong);
        }
        let name = in_one_line(&text.replace(misleads, " "));
        if name.chars().count() > TOKEN_NAME_MAX {
            return Err(TokenNameError::TooLong);
        }
        if name.contains(char::is_alphanumeric) { Ok(Self(name)) } else { Err(TokenNameError::Empty) }
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_include_the_ones_before() {
        assert!(Scope::Read < Scope::Write && Scope::Write < Scope::Operate);
        assert!("admin".parse::<Scope>().unwrap_err().to_string().contains("read, write and operate"));
    }

    #[test]
    fn name_is_one_line_and_not_too_long() {
        let name = |text: &str| text.parse::<TokenName>().map(|name| name.0);
        assert_eq!(name(" Read\tYou \u{202e}\n phone"), Ok("Read You phone".to_owned()));
        assert_eq!(name(" -\0 "), Err(TokenNameError::Empty));
        assert_eq!(name(&"a".repeat(61)), Err(TokenNameError::TooLong));
        assert_eq!(name(&"a".repeat(1 << 20)), Err(TokenNameError::TooLong));
    }
}
