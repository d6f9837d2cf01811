//! Decides which requests go through a proxy of the environment.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

/// The proxies of the environment, read once.
///
/// It is the HTTP client's own matcher, called before the request to select the client. The direct
/// client resolves names and connects only to checked addresses. The proxied client resolves only
/// the proxy's name.
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
    fn no_proxy_excludes_hosts_from_the_proxy() {
        let matcher = Matcher::builder().all("http://proxy.example:3128").no("inside.example").build();
        let proxies = Proxies { matcher };
        assert!(proxies.cover(&"https://blog.example.org/a?b=c".parse().unwrap()));
        assert!(!proxies.cover(&"https://wiki.inside.example/".parse().unwrap()));
    }
}
