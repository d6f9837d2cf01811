//! Addresses as documents give them, made absolute within bounds.
//!
//! A document may name one base and hang any number of links on it, so that resolving them multiplies its length. Bases
//! and addresses that are longer than any real one are refused, and what resolving adds to one document is limited.

use url::Url;

/// The longest address that links are resolved against, in bytes.
const MAX_BASE: usize = 2 << 10;

/// The longest address that comes of resolving, in bytes.
pub const MAX_ADDRESS: usize = 4 << 10;

/// What resolving may add to a document of `length` bytes: room for an address of usual length in every place that
/// could hold one.
pub struct Allowance {
    left: usize,
}

impl Allowance {
    /// What a document of `length` bytes is allowed.
    pub fn of(length: usize) -> Self {
        Self { left: (1 << 20) + 4 * length }
    }

    /// `link` resolved against `base`; none where it cannot be, would be too long, or the allowance is used up.
    pub fn join(&mut self, base: &Url, link: &str) -> Option<Url> {
        if self.left == 0 || link.len() > MAX_ADDRESS {
            return None;
        }
        let url = base.join(link).ok().filter(|url| url.as_str().len() <= MAX_ADDRESS)?;
        // Once something does not fit, nothing does: what is resolved then does not depend on how long each link is.
        self.left = self.left.saturating_sub(url.as_str().len().saturating_sub(link.len()));
        (self.left > 0).then_some(url)
    }

    /// `link` as an address, resolved where it is relative and there is something to hang it on; none for what is not on
    /// the web.
    pub fn web_address(&mut self, link: &str, base: Option<&Url>) -> Option<Url> {
        let link = link.trim();
        if link.is_empty() || link.len() > MAX_ADDRESS {
            return None;
        }
        let url = Url::parse(link).ok().or_else(|| self.join(base?, link))?;
        Some(url).filter(is_on_the_web)
    }

    /// The address of an entry: one on the web, or a name such as `urn:…` and `tag:…`, which some feeds give instead of
    /// links and which no program opens.
    pub fn entry_address(&mut self, link: &str, base: Option<&Url>) -> Option<Url> {
        match Url::parse(link.trim()) {
            Ok(name) if NAMES.contains(&name.scheme()) && name.as_str().len() <= MAX_ADDRESS => Some(name),
            _ => self.web_address(link, base),
        }
    }
}

/// Schemes that name a thing and lead nowhere.
const NAMES: [&str; 8] = ["doi", "guid", "info", "oai", "tag", "urn", "uuid", "yt"];

/// Whether links may be resolved against it.
pub fn can_be_base(url: &Url) -> bool {
    url.as_str().len() <= MAX_BASE && !matches!(url.scheme(), "javascript" | "data" | "vbscript" | "about")
}

/// Whether it is an http or https address with a host, of bearable length.
pub fn is_on_the_web(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https") && url.has_host() && url.as_str().len() <= MAX_ADDRESS
}
