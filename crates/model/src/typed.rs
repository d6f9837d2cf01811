//! Interprets what people type: addresses without a scheme, and reads by number or address.

use url::Url;

use crate::ReadId;

/// The web address that a person typed. Adds `https://` if the scheme is missing, and removes
/// `feed:`. Returns `None` if the text is no web address.
pub fn typed_address(typed: &str) -> Option<Url> {
    let typed = typed.trim();
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
            assert_eq!(typed_address(typed).map(String::from).as_deref(), Some(url), "{typed}");
        }
        for typed in [
            "", "vitess", "mailto:a@b.example", "ftp://a.example/", "javascript:alert(1)",
            "file:///etc/passwd", "https://", "a b.example",
        ] {
            assert_eq!(typed_address(typed), None, "{typed}");
        }
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
