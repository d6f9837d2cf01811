//! Which requests the environment sends through a proxy.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

/// The proxies of the environment, read once.
///
/// It is the same matcher that the HTTP client reads, asked beforehand, so that a request which goes through a proxy and
/// one which does not are made by different clients: the one that resolves names by itself connects to checked addresses
/// alone, the other resolves nothing but the proxy's own name.
pub(crate) struct Proxies {
    matcher: Matcher,
}

impl Proxies {
    pub(crate) fn from_environment() -> Self {
        Self { matcher: Matcher::from_system() }
    }

    /// Whether a request for this URL goes through a proxy.
    pub(crate) fn cover(&self, url: &Url) -> bool {
        url.as_str().parse().is_ok_and(|uri| self.matcher.intercept(&uri).is_some())
    }
}

impl std::fmt::Debug for Proxies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proxies")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_covers_what_no_proxy_does_not_except() {
        let matcher = Matcher::builder().all("http://proxy.example:3128").no("inside.example").build();
        let proxies = Proxies { matcher };
        assert!(proxies.cover(&"https://blog.example.org/a?b=c".parse().unwrap()));
        assert!(!proxies.cover(&"https://wiki.inside.example/".parse().unwrap()));
    }
}
