//! Interprets what people type: addresses without a scheme, and reads by number or address.

use url::Url;

use crate::ReadId;

/// Maximum characters of an address that a person or a program gives.
pub const ADDRESS_MAX: usize = 2_048;

/// Why what was typed is no address on the web.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TypedAddressError {
    /// It has this many characters.
    #[error("an address has at most 2,048 characters, and this one has {0}; give a shorter one")]
    TooLong(usize),
    /// It is something else.
    #[error("“{0}” is not an address on the web; write for example https://vitess.io/blog")]
    NotOnTheWeb(String),
}

/// Checks the length of an address.
///
/// # Errors
/// If it has more than [`ADDRESS_MAX`] characters.
pub fn check_address_length(typed: &str) -> Result<(), TypedAddressError> {
    let characters = typed.chars().count();
    if characters > ADDRESS_MAX { Err(TypedAddressError::TooLong(characters)) } else { Ok(()) }
}

/// The web address that a person typed. Adds `https://` if the scheme is missing, and removes
/// `feed:`.
///
/// # Errors
/// If it is too long, or not on the web.
pub fn typed_address(typed: &str) -> Result<Url, TypedAddressError> {
    let typed = typed.trim();
    check_address_length(typed)?;
    on_the_web(typed).ok_or_else(|| TypedAddressError::NotOnTheWeb(typed.to_owned()))
}

fn on_the_web(typed: &str) -> Option<Url> {
    let bare = typed.strip_prefix("feed:").map_or(typed, |rest| rest.trim_start_matches('/'));
    let has_scheme =
        bare.contains("://") || ["mailto:", "javascript:", "data:"].iter().any(|s| bare.starts_with(s));
    let whole = if has_scheme { bare.to_owned() } else { format!("https://{bare}") };
    let url = Url::parse(&whole).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    // A word without a dot is rather a mistyped command.
    let is_host = |host: &str| host == "localhost" || host.contains('.') || host.starts_with('[');
    url.host_str().is_some_and(is_host).then_some(url)
}

/// The read that a person typed, as its number or as the address of its page. Returns `None` for
/// other texts.
pub fn typed_read(typed: &str) -> Option<ReadId> {
    let after_path = typed.trim().rsplit_once("/read/").map_or(typed.trim(), |(_, rest)| rest);
    let number = after_path.split(['/', '?', '#']).find(|part| !part.is_empty())?;
    number.parse().ok().filter(|id| *id > 0).map(ReadId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_without_scheme_is_https() {
        for (typed, url) in [
            ("vitess.io/blog", "https://vitess.io/blog"),
            (" vitess.io/blog ", "https://vitess.io/blog"),
            ("localhost:8080/feed", "https://localhost:8080/feed"),
            ("http://localhost:8080/", "http://localhost:8080/"),
            ("example.com:8443", "https://example.com:8443/"),
            ("http://vitess.io", "http://vitess.io/"),
            ("feed:https://vitess.io/feed", "https://vitess.io/feed"),
            ("feed://vitess.io/feed", "https://vitess.io/feed"),
            (" [::1]:80/x", "https://[::1]:80/x"),
        ] {
            assert_eq!(typed_address(typed).unwrap().as_str(), url, "{typed}");
        }
        for typed in [
            "", "vitess", "mailto:a@b.example", "ftp://a.example/", "javascript:alert(1)",
            "file:///etc/passwd", "https://", "a b.example",
        ] {
            let wrong = TypedAddressError::NotOnTheWeb(typed.to_owned());
            assert_eq!(typed_address(typed), Err(wrong), "{typed}");
        }
        let long = |characters: usize| format!("https://vitess.io/{}", "é".repeat(characters - 18));
        assert!(typed_address(&long(ADDRESS_MAX)).is_ok());
        let error = typed_address(&long(ADDRESS_MAX + 1)).unwrap_err();
        assert_eq!(error, TypedAddressError::TooLong(2_049));
        assert!(error.to_string().contains("at most 2,048 characters, and this one has 2049"), "{error}");
    }

    #[test]
    fn reads_are_named_by_number_or_address() {
        for typed in ["42", " 42 ", "#42", "/read/42", "http://127.0.0.1:7878/read/42/a-title?images=all#x"] {
            assert_eq!(typed_read(typed), Some(ReadId(42)), "{typed}");
        }
        for typed in ["abc", "", "0", "-1", "/read/", "https://blog.example/42x", "99999999999999999999"] {
            assert_eq!(typed_read(typed), None, "{typed}");
        }
    }
}
