//! The identity of a read.
//!
//! Two spellings of one address must lead to the same row. [`CanonicalUrl::of`] removes what was
//! added to an article's address: tracking parameters, AMP and redirect wrappers, credentials, and
//! fragments that only name a position on the page. The result still works as an address.
//! [`CanonicalUrl::key`] also removes what never distinguishes two articles: scheme, `www.`, a
//! trailing slash, `index.html`, the order of parameters. Only keys are compared.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use url::Url;

/// An article's address without tracking, wrappers and credentials.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CanonicalUrl(Url);

/// Why an address cannot identify a read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalUrlError {
    /// The text cannot be parsed as an address.
    #[error("`{0}` is not an absolute web address")]
    NotAnAddress(String),
    /// The address is neither http nor https, or has no host.
    #[error("`{0}` is not on the web; only http and https addresses with a host can be reads")]
    NotOnTheWeb(String),
}

/// Parameters that say where a visitor came from, and do not select an article.
const TRACKING: &[&str] = &[
    "_bhlid", "_ga", "_gl", "_hsenc", "_hsmi", "at_bbc_team", "at_campaign", "at_campaign_type",
    "at_creation", "at_custom1", "at_custom2", "at_custom3", "at_custom4", "at_emailtype", "at_format",
    "at_link_id", "at_link_origin", "at_link_type", "at_medium", "at_network", "at_ptr_name", "at_send_date",
    "at_variant", "ck_subscriber_id", "cmpid", "dclid", "fb_action_ids", "fb_action_types", "fb_source",
    "fbclid", "gad_campaignid", "gad_source", "gbraid", "gclid", "gclsrc", "gi", "guccounter",
    "hsctatracking", "igsh", "igshid", "mc_cid", "mc_eid", "mibextid", "mkt_tok", "msclkid", "oly_anon_id",
    "oly_enc_id", "ref_src", "ref_url", "s_cid", "sc_cid", "spm", "srsltid", "trk", "ttclid", "twclid",
    "vero_conv", "vero_id", "wbraid", "wickedid", "yclid",
];

/// Prefixes of families of tracking parameters.
const TRACKING_FAMILIES: &[&str] =
    &["utm_", "mtm_", "pk_", "piwik_", "matomo_", "hsa_", "__hs", "ss_source", "ss_campaign"];

/// Parameters that are for tracking only if they have one of these values, which feed readers set.
const TRACKING_VALUES: &[(&str, &[&str])] = &[
    ("source", &["rss", "feed", "atom"]),
    ("ref", &["rss", "feed", "atom"]),
    ("from", &["rss", "feed"]),
    ("amp", &["", "1", "true"]),
    ("outputtype", &["amp"]),
];

impl CanonicalUrl {
    /// The canonical form of `url`.
    ///
    /// # Errors
    /// [`CanonicalUrlError::NotOnTheWeb`] for anything but an http or https address with a host.
    pub fn of(url: &Url) -> Result<Self, CanonicalUrlError> {
        // Removing one layer can expose another. Few addresses need a second round.
        const MOST_ROUNDS: usize = 64;
        let mut url = url.clone();
        for _ in 0..MOST_ROUNDS {
            let before = url.clone();
            url = Self::round(url)?;
            if url == before {
                break;
            }
        }
        Ok(Self(url))
    }

    fn round(url: Url) -> Result<Url, CanonicalUrlError> {
        let mut url = unwrap(url);
        let on_the_web =
            matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|h| !h.is_empty());
        if !on_the_web {
            return Err(CanonicalUrlError::NotOnTheWeb(url.into()));
        }
        if !url.fragment().is_some_and(names_a_page) {
            url.set_fragment(None);
        }
        // Neither call can fail on an http address with a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        drop_final_dot(&mut url);
        drop_tracking(&mut url);
        let path = evenly_encoded(url.path());
        url.set_path(&path);
        leave_amp(&mut url);
        Ok(url)
    }

    /// The address.
    pub fn as_url(&self) -> &Url {
        &self.0
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The host. The minimum pause between requests applies per host.
    pub fn host(&self) -> &str {
        self.0.host_str().expect("a canonical address is only made with a host")
    }

    /// A key for comparison, equal for all spellings of one article's address.
    ///
    /// It has no scheme, no `www.`, no trailing slash and no `index.html`. Parameters are sorted. A
    /// fragment is part of it only if it names a page. The key is not a valid address.
    pub fn key(&self) -> String {
        let host = self.host();
        let mut key = host.strip_prefix("www.").filter(|rest| rest.contains('.')).unwrap_or(host).to_owned();
        if let Some(port) = self.0.port() {
            key.push_str(&format!(":{port}"));
        }
        let path = self.0.path();
        let path = ["index.html", "index.htm", "index.php"]
            .iter()
            .find_map(|index| path.strip_suffix(index).filter(|rest| rest.ends_with('/')))
            .unwrap_or(path);
        key.push_str(path.trim_end_matches('/'));
        let mut pairs: Vec<&str> =
            self.0.query().unwrap_or("").split('&').filter(|p| !p.is_empty()).collect();
        pairs.sort_unstable();
        if !pairs.is_empty() {
            key.push('?');
            key.push_str(&pairs.join("&"));
        }
        if let Some(fragment) = self.0.fragment() {
            key.push('#');
            key.push_str(fragment.trim_end_matches('/'));
        }
        key
    }
}

/// Whether a fragment names a page (`#/post`, `#!/post`) and not a position on a page.
fn names_a_page(fragment: &str) -> bool {
    let path = fragment.strip_prefix('!').unwrap_or(fragment).strip_prefix('/');
    path.is_some_and(|path| !path.trim_start_matches('/').is_empty())
}

/// Returns the article's address from the address of an AMP cache or click counter.
fn unwrap(mut url: Url) -> Url {
    for _ in 0..3 {
        let Some(inner) = wrapped(&url) else { break };
        url = inner;
    }
    url
}

fn wrapped(url: &Url) -> Option<Url> {
    let host = url.host_str()?;
    let parameter = |names: &[&str]| {
        let (_, value) = url.query_pairs().find(|(name, _)| names.contains(&name.as_ref()))?;
        Url::parse(&value).ok().filter(|u| matches!(u.scheme(), "http" | "https"))
    };
    let from_path = |path: &str| {
        let (scheme, rest) = path.strip_prefix("s/").map_or(("http", path), |rest| ("https", rest));
        let mut inner = Url::parse(&format!("{scheme}://{rest}"))
            .ok()
            .filter(|u| u.host_str().is_some_and(|h| h.contains('.')))?;
        inner.set_query(url.query());
        inner.set_fragment(url.fragment());
        Some(inner)
    };
    if host.ends_with(".cdn.ampproject.org") {
        let path = url.path().trim_start_matches('/');
        return from_path(["c/", "v/", "wp/"].iter().find_map(|p| path.strip_prefix(p))?);
    }
    let google = host == "google.com" || host.starts_with("www.google.");
    match url.path() {
        "/url" if google => parameter(&["q", "url"]),
        "/l.php" if host.ends_with(".facebook.com") => parameter(&["u"]),
        // Medium's redirect, also on the custom domains of its blogs.
        "/m/global-identity" | "/m/global-identity-2" => parameter(&["redirectUrl"]),
        "/amp/" => None,
        path if google => from_path(path.strip_prefix("/amp/")?),
        _ => None,
    }
}

fn drop_final_dot(url: &mut Url) {
    if let Some(host) = url.host_str().and_then(|h| h.strip_suffix('.')).filter(|h| !h.is_empty()) {
        let host = host.to_owned();
        // A host that is valid with a final dot is valid without it.
        let _ = url.set_host(Some(&host));
    }
}

fn drop_tracking(url: &mut Url) {
    let Some(query) = url.query() else { return };
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !is_tracking(pair)).collect();
    let kept = kept.join("&");
    url.set_query((!kept.is_empty()).then_some(&kept));
}

fn is_tracking(pair: &str) -> bool {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    // `&amp;` that was escaped twice puts `amp;` before the name.
    let name = name.to_ascii_lowercase().replace("%3b", ";");
    let name = name.trim_start_matches("amp;").to_owned();
    let value = value.to_ascii_lowercase();
    TRACKING.contains(&name.as_str())
        || TRACKING_FAMILIES.iter().any(|family| name.starts_with(family))
        || TRACKING_VALUES.iter().any(|(n, values)| *n == name && values.contains(&value.as_str()))
        // Medium marks each link of a feed: ?source=rss----8bebf7a9da6f---4
        || (name == "source" && (value.starts_with("rss-") || value.starts_with("collection_")))
}

/// Replaces the address of an AMP page by that of its ordinary page.
fn leave_amp(url: &mut Url) {
    if let Some(host) = url.host_str().and_then(|h| h.strip_prefix("amp.")).filter(|rest| rest.contains('.'))
    {
        let host = host.to_owned();
        // Without `amp.`, a valid host is still valid, unless a bare IP address remains. Then the
        // host stays as it was.
        let _ = url.set_host(Some(&host));
    }
    let path = url.path();
    let slash = if path.ends_with('/') { "/" } else { "" };
    let mut page = path.trim_end_matches('/');
    while let Some(rest) = page.strip_suffix("/amp") {
        page = rest.trim_end_matches('/');
    }
    let is_amp = page.len() < path.trim_end_matches('/').len();
    if is_amp && names_an_article(page.rsplit('/').next().unwrap_or("")) {
        let page = format!("{page}{slash}");
        url.set_path(&page);
    }
}

/// Whether a path segment is the name of an article, so that `/amp` after it means the article's
/// AMP page.
///
/// After the name of a section, `/amp` may be an article about AMP. An article's name has several
/// words, letters with digits, a long number, or an extension. A single plain word counts as a
/// section: if that is wrong, one article gets two rows, which does less harm than two articles
/// with one row.
fn names_an_article(segment: &str) -> bool {
    const SECTIONS: &[&str] =
        &["articles", "blog", "blogs", "news", "notes", "posts", "stories", "studies", "tags", "topics"];
    let words: Vec<&str> = segment.split(['-', '_']).filter(|word| !word.is_empty()).collect();
    let is_section = words.len() <= 2 && words.last().is_some_and(|last| SECTIONS.contains(last));
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let has_letters = segment.bytes().any(|b| b.is_ascii_alphabetic());
    !is_section
        && (words.len() > 1 || segment.contains(['.', '%']) || digits > 4 || digits > 0 && has_letters)
}

/// Normalises percent-encoding: upper-case escapes, and no escape for characters that need none
/// (RFC 3986, section 6.2.2).
fn evenly_encoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut even = String::with_capacity(path.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| path.get(at + 1..at + 3)).flatten();
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok().filter(|_| !hex.starts_with('+'))) {
            Some(byte) => {
                if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
                    even.push(char::from(byte));
                } else {
                    even.push_str(&format!("%{byte:02X}"));
                }
                at += 3;
            }
            None => {
                // The path of a parsed URL is ASCII.
                even.push(char::from(bytes[at]));
                at += 1;
            }
        }
    }
    even
}

impl fmt::Display for CanonicalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for CanonicalUrl {
    type Err = CanonicalUrlError;

    fn from_str(text: &str) -> Result<Self, CanonicalUrlError> {
        Self::of(&Url::parse(text).map_err(|_| CanonicalUrlError::NotAnAddress(text.to_owned()))?)
    }
}

impl TryFrom<String> for CanonicalUrl {
    type Error = CanonicalUrlError;

    fn try_from(text: String) -> Result<Self, CanonicalUrlError> {
        text.parse()
    }
}

impl From<CanonicalUrl> for String {
    fn from(url: CanonicalUrl) -> Self {
        url.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tracking_and_wrappers_are_removed() {
        for (given, canonical) in [
            ("https://Example.com:443/a/?utm_source=rss&id=7#top", "https://example.com/a/?id=7"),
            ("http://example.com:80/a?utm_campaign=x", "http://example.com/a"),
            ("https://medium.com/p/x-1a2b?source=rss----8bebf7a9da6f---4", "https://medium.com/p/x-1a2b"),
            ("https://example.com/a?source=database", "https://example.com/a?source=database"),
            ("https://example.com/a-post/amp/", "https://example.com/a-post/"),
            ("https://example.com/a-post/amp", "https://example.com/a-post"),
            ("https://example.com/a-post/amp/amp", "https://example.com/a-post"),
            ("https://example.com/a-post/%61mp", "https://example.com/a-post"),
            ("https://example.com/p/123456/amp", "https://example.com/p/123456"),
            ("https://example.com/post.html/amp", "https://example.com/post.html"),
            ("https://example.com/blog/amp", "https://example.com/blog/amp"),
            ("https://example.com/blog/amp/", "https://example.com/blog/amp/"),
            ("https://example.com/engineering-blog/amp", "https://example.com/engineering-blog/amp"),
            ("https://example.com/2019/05/amp", "https://example.com/2019/05/amp"),
            ("https://example.com/a/amp/amp", "https://example.com/a/amp/amp"),
            ("https://amp.amp.example.com/a", "https://example.com/a"),
            (
                "https://example.com/a?gi=1&gad_source=2&ck_subscriber_id=3&_bhlid=4&srsltid=5",
                "https://example.com/a",
            ),
            ("https://example.com/a?ttclid=1&mibextid=2&igsh=3&__hstc=4&__hssc=5", "https://example.com/a"),
            (
                "https://example.com/a?at_medium=rss&at_campaign=x&at_home=1",
                "https://example.com/a?at_home=1",
            ),
            ("https://example.com/a?b=1&amp;utm_source=x&amp%3Butm_medium=y", "https://example.com/a?b=1"),
            ("https://example.com/a?sk=5", "https://example.com/a?sk=5"),
            (
                "https://medium.com/m/global-identity-2?redirectUrl=https%3A%2F%2Fblog.example.com%2Fpost-1a2b%3Fgi%3D5",
                "https://blog.example.com/post-1a2b",
            ),
            ("https://example.com/#!/post/7", "https://example.com/#!/post/7"),
            ("https://example.com/app#/post/7", "https://example.com/app#/post/7"),
            ("https://example.com/#/", "https://example.com/"),
            ("https://example.com/a#:~:text=x", "https://example.com/a"),
            ("https://amp.example.com/post?amp=1", "https://example.com/post"),
            ("https://example-com.cdn.ampproject.org/c/s/example.com/post", "https://example.com/post"),
            ("https://www.google.com/amp/s/example.com/post", "https://example.com/post"),
            (
                "https://www.google.com/url?q=https%3A%2F%2Fexample.com%2Fpost&sa=D",
                "https://example.com/post",
            ),
            ("https://me:secret@example.com./a", "https://example.com/a"),
            ("https://example.com/%7Euser/%c3%a9%2f", "https://example.com/~user/%C3%A9%2F"),
            ("https://example.com/a?FBCLID=1&&b=2", "https://example.com/a?b=2"),
        ] {
            assert_eq!(given.parse::<CanonicalUrl>().unwrap().as_str(), canonical, "{given}");
        }
    }

    #[test]
    fn spellings_of_one_article_share_a_key() {
        let key = |text: &str| text.parse::<CanonicalUrl>().unwrap().key();
        for other in [
            "http://example.com/blog/post",
            "https://www.example.com/blog/post/",
            "https://example.com/blog/post/index.html",
            "https://example.com/blog/post?utm_medium=feed#comments",
            "https://EXAMPLE.com:443/blog/post#more",
        ] {
            assert_eq!(key(other), key("https://example.com/blog/post"), "{other}");
        }
        assert_eq!(key("https://example.com/?b=2&a=1"), key("https://example.com/?a=1&b=2"));
    }

    #[test]
    fn different_articles_keep_different_keys() {
        let key = |text: &str| text.parse::<CanonicalUrl>().unwrap().key();
        for (one, other) in [
            ("https://example.com/?p=1", "https://example.com/?p=2"),
            ("https://example.com/Post", "https://example.com/post"),
            ("https://a.example.com/post", "https://b.example.com/post"),
            ("https://example.com:8443/post", "https://example.com/post"),
            ("https://example.com/amp", "https://example.com/"),
            ("https://example.com/blog/amp", "https://example.com/blog"),
            ("https://example.com/#/one", "https://example.com/#/two"),
            ("https://example.com/#!/one", "https://example.com/"),
        ] {
            assert_ne!(key(one), key(other));
        }
    }

    #[test]
    fn addresses_outside_the_web_are_refused() {
        for text in [
            "mailto:a@example.com", "javascript:alert(1)", "file:///etc/passwd", "ftp://example.com/",
            "/relative", "",
        ] {
            assert!(text.parse::<CanonicalUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn nested_wrappers_are_all_removed() {
        let mut url = Url::parse("https://example.com/a-post").unwrap();
        for _ in 0..6 {
            let inner = url.clone();
            url = Url::parse("https://amp.google.com/url?sa=D").unwrap();
            url.query_pairs_mut().append_pair("q", inner.as_str());
        }
        assert_eq!(CanonicalUrl::of(&url).unwrap().as_str(), "https://example.com/a-post");
    }

    #[test]
    fn tracking_names_are_sorted_and_in_lower_case() {
        assert!(TRACKING.is_sorted());
        assert!(TRACKING.iter().all(|name| *name == name.to_lowercase()));
    }

    proptest! {
        #[test]
        fn canonical_form_is_idempotent(path in "(/[a-zA-Z0-9%.~_-]{0,9}){0,4}(/(amp|%61mp)){0,3}/{0,2}", query in "((amp;)?[a-z_]{1,9}=[a-z0-9%]{0,5}&?){0,4}", host in "(www\\.|amp\\.){0,2}([a-z]{1,8}|google)\\.(com|org)", fragment in "(!?/?[a-z/]{0,5})?") {
            let given = format!("https://{host}{path}?{query}#{fragment}");
            let once: CanonicalUrl = given.parse().unwrap();
            let twice = CanonicalUrl::of(once.as_url()).unwrap();
            prop_assert_eq!(once.key(), twice.key());
            prop_assert_eq!(once, twice);
        }
    }
}
