//! Resolves the addresses in a document, within limits.
//!
//! A document can have a long base address and any number of relative links, so that resolving them
//! could multiply its size. Bases and addresses that are longer than real ones are refused, and the
//! total growth per document is limited.

use url::Url;

/// Maximum bytes of a base address.
const MAX_BASE: usize = 2 << 10;

/// Maximum bytes of a resolved address.
pub const MAX_ADDRESS: usize = 4 << 10;

/// The number of bytes that resolving addresses may still add to a document.
pub struct Allowance {
    left: usize,
}

impl Allowance {
    /// The allowance of a document of `length` bytes.
    pub fn of(length: usize) -> Self {
        Self { left: (1 << 20) + 4 * length }
    }

    /// Resolves `link` against `base`. Returns `None` if that fails, if the address would be too
    /// long, or if the allowance is used up.
    pub fn join(&mut self, base: &Url, link: &str) -> Option<Url> {
        if self.left == 0 || link.len() > MAX_ADDRESS {
            return None;
        }
        let url = base.join(link).ok().filter(|url| url.as_str().len() <= MAX_ADDRESS)?;
        // After the first link that does not fit, no further link is resolved. So the result does
        // not depend on the order of lengths.
        self.left = self.left.saturating_sub(url.as_str().len().saturating_sub(link.len()));
        (self.left > 0).then_some(url)
    }

    /// Parses `link`, or resolves it if it is relative and there is a base. Returns `None` if the
    /// address is not on the web.
    pub fn web_address(&mut self, link: &str, base: Option<&Url>) -> Option<Url> {
        let link = link.trim();
        if link.is_empty() || link.len() > MAX_ADDRESS {
            return None;
        }
        let url = Url::parse(link).ok().or_else(|| self.join(base?, link))?;
        Some(url).filter(is_on_the_web)
    }

    /// The address of an entry: a web address, or a name such as `urn:…` or `tag:…`, which some
    /// feeds use as a link.
    pub fn entry_address(&mut self, link: &str, base: Option<&Url>) -> Option<Url> {
        match Url::parse(link.trim()) {
            Ok(name) if NAMES.contains(&name.scheme()) && name.as_str().len() <= MAX_ADDRESS => Some(name),
            _ => self.web_address(link, base),
        }
    }
}

/// Schemes of addresses that only name something and cannot be requested.
const NAMES: [&str; 8] = ["doi", "guid", "info", "oai", "tag", "urn", "uuid", "yt"];

/// Whether links may be resolved against `url`.
pub fn can_be_base(url: &Url) -> bool {
    url.as_str().len() <= MAX_BASE && !matches!(url.scheme(), "javascript" | "data" | "vbscript" | "about")
}

/// Whether `url` is an http or https address with a host, and not too long.
pub fn is_on_the_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host() && url.as_str().len() <= MAX_ADDRESS
}
