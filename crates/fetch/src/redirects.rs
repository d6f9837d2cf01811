//! Follows redirects: computes the next address, and whether the document has moved permanently.
//! The functions do no input or output.

use url::Url;

use crate::error::FetchError;

/// The chain of redirects from the requested address to the current one.
pub(crate) struct Way {
    asked: Url,
    /// The address of the next request.
    pub(crate) here: Url,
    visited: Vec<Url>,
    /// The last address that was reached by permanent redirects only. It has the caller's
    /// credentials if they may be sent there.
    pub(crate) moved_to: Option<Url>,
    all_permanent: bool,
}

impl Way {
    pub(crate) fn from(url: &Url) -> Self {
        let mut here = url.clone();
        here.set_fragment(None);
        Self { asked: here.clone(), here, visited: Vec::new(), moved_to: None, all_permanent: true }
    }

    /// Follows one redirect.
    ///
    /// # Errors
    /// - [`FetchError::BadRedirect`] if it leads nowhere, from https to http, or to an earlier
    ///   address.
    /// - [`FetchError::TooManyRedirects`] beyond the limit.
    pub(crate) fn follow(
        &mut self,
        host: &str,
        location: &str,
        permanent: bool,
        limit: usize,
    ) -> Result<(), FetchError> {
        let bad = |why: String| FetchError::BadRedirect { host: host.to_owned(), why };
        let mut next =
            self.here.join(location).map_err(|error| bad(format!("its address is wrong: {error}")))?;
        next.set_fragment(None);
        if self.here.scheme() == "https" && next.scheme() == "http" {
            let next = bare(&next);
            return Err(bad(format!(
                "it leads from https down to {next}; use that address if plain http is meant"
            )));
        }
        self.set_credentials(&mut next);
        if next == self.here || self.visited.contains(&next) {
            return Err(bad("it leads back to where it came from".to_owned()));
        }
        if self.visited.len() >= limit {
            return Err(FetchError::TooManyRedirects { host: host.to_owned(), limit });
        }
        self.all_permanent &= permanent;
        if self.all_permanent {
            self.moved_to = Some(next.clone());
        }
        self.visited.push(std::mem::replace(&mut self.here, next));
        Ok(())
    }

    /// Sets the caller's credentials for the caller's origin and for the same host under https.
    /// Removes all others, also a redirect's own.
    fn set_credentials(&self, next: &mut Url) {
        let (name, password) = if next.origin() == self.asked.origin() || is_same_but_safer(&self.asked, next)
        {
            (self.asked.username(), self.asked.password())
        } else {
            ("", None)
        };
        // Only a URL without a host refuses credentials, and such a URL is refused before the
        // request.
        let _ = next.set_username(name);
        let _ = next.set_password(password);
    }
}

/// Whether `to` is the same host as `from`, with https instead of http, both on the default port.
/// On another port, the server may be somebody's who must not get credentials.
fn is_same_but_safer(from: &Url, to: &Url) -> bool {
    (from.scheme(), to.scheme()) == ("http", "https")
        && from.host() == to.host()
        && from.port().is_none()
        && to.port().is_none()
}

/// The URL for display: without credentials.
pub(crate) fn bare(url: &Url) -> Url {
    let mut bare = url.clone();
    // Fails only for URLs without a host, which have no credentials.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    /// Follows at most ten redirects. Each is a `Location` and whether it is permanent.
    fn followed(from: &str, hops: &[(&str, bool)]) -> Result<Way, FetchError> {
        let mut way = Way::from(&url(from));
        for (location, permanent) in hops {
            way.follow("a.example", location, *permanent, 10)?;
        }
        Ok(way)
    }

    #[test]
    fn address_moves_along_leading_permanent_redirects() {
        for (hops, moved_to) in [
            (&[("/b", true), ("https://b.example/c", true)][..], Some("https://b.example/c")),
            (&[("/b", true), ("/c", false), ("/d", true)][..], Some("https://a.example/b")),
            (&[("/b", false), ("/c", true)][..], None),
            (&[][..], None),
        ] {
            let way = followed("https://a.example/", hops).unwrap();
            assert_eq!(way.moved_to.as_ref().map(Url::as_str), moved_to, "{hops:?}");
        }
    }

    #[test]
    fn credentials_stay_with_their_host_and_off_plain_http() {
        for (asked, location, here) in [
            ("https", "/b#part", "https://me:secret@a.example/b"),
            ("https", "https://a.example/b", "https://me:secret@a.example/b"),
            ("https", "https://you:word@a.example/b", "https://me:secret@a.example/b"),
            ("https", "https://b.example/", "https://b.example/"),
            ("https", "https://you:word@b.example/", "https://b.example/"),
            ("https", "https://a.example:8443/", "https://a.example:8443/"),
            ("http", "https://a.example/b", "https://me:secret@a.example/b"),
            ("http", "https://you:word@a.example/b", "https://me:secret@a.example/b"),
            ("http", "https://a.example:8443/", "https://a.example:8443/"),
            ("http", "https://b.example/", "https://b.example/"),
        ] {
            let way = followed(&format!("{asked}://me:secret@a.example/a#top"), &[(location, true)]).unwrap();
            assert_eq!(way.here.as_str(), here);
            assert_eq!(way.moved_to.unwrap().as_str(), here, "what is asked next time");
        }
        let back = [("https://b.example/", true), ("https://a.example/c", true)];
        assert_eq!(followed("https://me:secret@a.example/a", &back).unwrap().here.password(), Some("secret"));
        let odd = followed("http://me:secret@a.example:8080/a", &[("https://a.example/a", true)]).unwrap();
        assert_eq!(odd.here.as_str(), "https://a.example/a", "another port is another server");
    }

    #[test]
    fn redirects_that_lead_nowhere_say_why() {
        for (hops, why) in [
            (&[("http://a.example/", true)][..], "down to http://a.example/"),
            (&[("http://you:word@a.example/", true)][..], "down to http://a.example/"),
            (&[("https://", true)][..], "its address is wrong"),
            (&[("https://a.example:99999/", true)][..], "its address is wrong"),
            (&[("/a", true)][..], "back to where it came from"),
            (&[("/b", true), ("/a#other", true)][..], "back to where it came from"),
        ] {
            let error = followed("https://a.example/a", hops).map(|way| way.here).unwrap_err();
            assert!(
                matches!(error, FetchError::BadRedirect { .. }) && error.to_string().contains(why),
                "{error}"
            );
        }
        let eleven: Vec<String> = (0..11).map(|number| format!("/{number}")).collect();
        let hops: Vec<_> = eleven.iter().map(|path| (path.as_str(), true)).collect();
        assert!(followed("https://a.example/a", &hops[..10]).is_ok());
        let error = followed("https://a.example/a", &hops).map(|way| way.here).unwrap_err();
        assert!(matches!(error, FetchError::TooManyRedirects { limit: 10, .. }), "{error}");
    }
}
