//! robots.txt: which pages a publisher allows a program to request (RFC 9309).
//!
//! ```
//! use backissue_crawl::robots::Robots;
//!
//! let robots = Robots::parse(b"User-agent: *\nDisallow: /drafts/\nAllow: /drafts/final$", "Backissue");
//! assert!(robots.refuses(&"https://example.org/drafts/one".parse()?).is_some());
//! assert!(robots.refuses(&"https://example.org/drafts/final".parse()?).is_none());
//! # Ok::<(), url::ParseError>(())
//! ```

use std::time::Duration;

use backissue_feed::markup::is_on_the_web;
use url::Url;

/// Maximum bytes of a file that are parsed. RFC 9309 section 2.5 requires at least 500 KiB.
pub const MAX_BYTES: usize = 500 << 10;

/// Maximum bytes of a pattern; longer ones are ignored.
const LONGEST_PATTERN: usize = 2 << 10;

/// Maximum distinct rules for this program. The longest real files have a few thousand.
const MAX_RULES: usize = 10_000;

/// Maximum `Sitemap` lines, and maximum bytes of their addresses.
const MAX_SITEMAPS: usize = 100;
const LONGEST_SITEMAP: usize = 2 << 10;

/// The rules of a file for one program. `Default` is an empty file, which allows everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Robots {
    /// Sorted, each once.
    rules: Vec<Rule>,
    /// The pause between two requests (`Crawl-delay`; not in the RFC, but many publishers use it).
    pub crawl_delay: Option<Duration>,
    /// The site's sitemaps, for all programs.
    pub sitemaps: Vec<Url>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule {
    /// The path for comparison, with normalised percent-encoding.
    pattern: Box<str>,
    /// The path as written, if it differs.
    written: Option<Box<str>>,
    allow: bool,
}

impl Rule {
    fn line(&self) -> String {
        let path = self.written.as_ref().unwrap_or(&self.pattern);
        format!("{}: {path}", if self.allow { "Allow" } else { "Disallow" })
    }
}

/// The programs that the current group of lines addresses.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Spoken {
    to_us: bool,
    to_all: bool,
}

impl Robots {
    /// Parses a file for the program `product` (RFC 9309 section 2.2.1). All groups for it are
    /// merged. If there is none, the groups for all programs (`*`) apply. Unknown lines are
    /// skipped.
    pub fn parse(bytes: &[u8], product: &str) -> Self {
        let bytes = &bytes[..bytes.len().min(MAX_BYTES)];
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{feff}');
        let (mut ours, mut everybodys) = (Self::default(), Self::default());
        let mut named = false;
        let mut spoken = Spoken::default();
        let mut naming = false;
        let mut sitemaps = Vec::new();
        for line in text.split(['\n', '\r']) {
            let line = line.split('#').next().unwrap_or("");
            let Some((key, value)) = line.split_once(':') else { continue };
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            match key.as_str() {
                "user-agent" | "useragent" => {
                    if !naming {
                        spoken = Spoken::default();
                    }
                    naming = true;
                    spoken.to_all |= value.starts_with('*');
                    spoken.to_us |= product_token(value).eq_ignore_ascii_case(product);
                    named |= spoken.to_us;
                }
                "sitemap" if sitemaps.len() < MAX_SITEMAPS && value.len() <= LONGEST_SITEMAP => {
                    sitemaps.extend(Url::parse(value).ok().filter(is_on_the_web));
                }
                "allow" | "disallow" | "crawl-delay" => {
                    naming = false;
                    if spoken.to_us {
                        ours.heed(&key, value);
                    }
                    if spoken.to_all {
                        everybodys.heed(&key, value);
                    }
                }
                _ => {}
            }
        }
        let mut robots = Self { sitemaps, ..if named { ours } else { everybodys } };
        robots.without_repetitions();
        robots.rules.shrink_to_fit();
        robots
    }

    /// The size in memory, in bytes.
    pub fn size(&self) -> usize {
        let written = |rule: &Rule| rule.written.as_ref().map_or(0, |written| written.len());
        let rules = self.rules.iter().map(|r| size_of::<Rule>() + r.pattern.len() + written(r));
        let sitemaps = self.sitemaps.iter().map(|url| size_of::<Url>() + url.as_str().len());
        size_of::<Self>() + rules.sum::<usize>() + sitemaps.sum::<usize>()
    }

    fn without_repetitions(&mut self) {
        self.rules.sort_unstable();
        self.rules.dedup_by(|a, b| a.pattern == b.pattern && a.allow == b.allow);
        self.rules.truncate(MAX_RULES);
    }

    fn heed(&mut self, key: &str, value: &str) {
        if key == "crawl-delay" {
            let seconds = value.parse::<f64>().ok().filter(|s| s.is_finite() && *s >= 0.0);
            self.crawl_delay = seconds.map(|s| Duration::from_secs_f64(s.min(86_400.0))).or(self.crawl_delay);
            return;
        }
        // An empty pattern matches nothing: `Disallow:` allows everything.
        if value.is_empty() || value.len() > LONGEST_PATTERN {
            return;
        }
        // Duplicates are removed first, so that one repeated line does not displace the lines after
        // it.
        if self.rules.len() >= 2 * MAX_RULES {
            self.without_repetitions();
            if self.rules.len() >= MAX_RULES {
                return;
            }
        }
        let pattern = even(value);
        let written = (pattern != value).then(|| value.into());
        self.rules.push(Rule { pattern: pattern.into(), written, allow: key == "allow" });
    }

    /// The line that forbids `url`, as the file has it. Returns `None` if `url` is allowed.
    ///
    /// The longest matching pattern wins; if two are equally long, `Allow` wins (RFC 9309 section
    /// 2.2.2). robots.txt itself is always allowed.
    pub fn refuses(&self, url: &Url) -> Option<String> {
        if url.path() == "/robots.txt" {
            return None;
        }
        let path = even(
            match url.query() {
                Some(query) => format!("{}?{query}", url.path()),
                None => url.path().to_owned(),
            }
            .as_str(),
        );
        let fitting = self.rules.iter().filter(|rule| fits(&rule.pattern, &path));
        let deciding = fitting.max_by_key(|rule| (rule.pattern.len(), rule.allow))?;
        (!deciding.allow).then(|| deciding.line())
    }
}

/// The name of the program in a `User-agent` line, without its version.
fn product_token(value: &str) -> &str {
    let end = value.find(|c: char| !(c.is_ascii_alphabetic() || c == '-' || c == '_'));
    &value[..end.unwrap_or(value.len())]
}

/// Normalises a path's percent-encoding (RFC 9309 section 2.2.2): decodes what needs no encoding,
/// and encodes the rest in upper case.
fn even(path: &str) -> String {
    use std::fmt::Write;
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(path.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = |offset: usize| bytes.get(at + offset).and_then(|b| char::from(*b).to_digit(16));
        match (byte, hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                let decoded = char::from(u8::try_from(high * 16 + low).unwrap_or(b'%'));
                if decoded.is_ascii_alphanumeric() || "-._~".contains(decoded) {
                    out.push(decoded);
                } else {
                    // Writing to a `String` cannot fail.
                    let _ = write!(out, "%{high:X}{low:X}");
                }
                at += 3;
                continue;
            }
            (byte, ..) if byte.is_ascii() => out.push(char::from(byte)),
            (byte, ..) => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        at += 1;
    }
    out
}

/// Whether `pattern` matches the start of `path`. `*` matches any text, and a final `$` the end.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, to_the_end) = match pattern.strip_suffix('$') {
        Some(rest) => (rest, true),
        None => (pattern, false),
    };
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| path.strip_prefix(first)) else { return false };
    let mut last = None;
    // Each piece matches as early as possible. Only the last one may have to match at the end.
    for piece in pieces {
        if let Some(before) = last.replace(piece) {
            match rest.find(before) {
                Some(at) => rest = &rest[at + before.len()..],
                None => return false,
            }
        }
    }
    match last {
        Some(piece) if to_the_end => rest.ends_with(piece),
        Some(piece) => rest.contains(piece),
        None => !to_the_end || rest.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(file: &str, path: &str) -> bool {
        let url = Url::parse(&format!("https://example.org{path}")).unwrap();
        Robots::parse(file.as_bytes(), "Backissue").refuses(&url).is_some()
    }

    #[test]
    fn longest_pattern_wins_and_allow_wins_a_tie() {
        for (rules, path, want) in [
            ("Disallow: /", "/a", true),
            ("Disallow:", "/a", false),
            ("Disallow: /\nAllow: /blog/", "/blog/a", false),
            ("Allow: /blog/\nDisallow: /blog/drafts", "/blog/drafts/1", true),
            ("Disallow: /page\nAllow: /page", "/page", false),
            ("Disallow: /example/page/disallowed.gif\nAllow: /example/page/", "/example/page/", false),
            ("Disallow: /*.gif$", "/a/b.gif", true),
            ("Disallow: /*.gif$", "/a/b.gif?x=1", false),
            ("Disallow: /*?*s=", "/a?q=1&s=2", true),
            ("Disallow: /a*b*c$", "/axbxcxc", true),
            ("Disallow: /a*b*c$", "/axbxcx", false),
            ("Disallow: /foo/bar/\u{30c4}", "/foo/bar/%E3%83%84", true),
            ("Disallow: /foo/bar/%62%61%7A", "/foo/bar/baz", true),
            ("Disallow: /foo%2fbar", "/foo/bar", false),
            ("Disallow: /foo%2fbar", "/foo%2Fbar", true),
            ("Disallow: /blog", "/Blog", false),
            ("Disallow: /robots.txt", "/robots.txt", false),
            ("Disallow: blog", "/blog", false),
        ] {
            assert_eq!(refused(&format!("User-agent: *\n{rules}"), path), want, "{rules} {path}");
        }
    }

    #[test]
    fn groups_for_us_are_merged_and_take_precedence() {
        let file = "User-Agent: *\nDisallow: /\n\nuser-agent: BACKISSUE/1.0\nuser-agent: other\nDisallow: /a # why\n\
            Sitemap: https://example.org/s.xml\nUser-agent: backissue\nDisallow: /b\nCrawl-delay: 2.5";
        assert!(refused(file, "/a") && refused(file, "/b") && !refused(file, "/c"));
        let robots = Robots::parse(file.as_bytes(), "Backissue");
        assert_eq!(robots.crawl_delay, Some(Duration::from_millis(2500)));
        assert_eq!(robots.sitemaps.len(), 1);
        assert_eq!(
            robots.refuses(&"https://example.org/a1".parse().unwrap()),
            Some("Disallow: /a".to_owned()),
            "the line is told as it is written"
        );
        let other = Robots::parse(file.as_bytes(), "Nobody");
        assert!(other.refuses(&"https://example.org/c".parse().unwrap()).is_some());
        assert_eq!(other.crawl_delay, None);
    }

    #[test]
    fn group_for_us_without_rules_allows_everything() {
        assert!(!refused("User-agent: *\nDisallow: /\nUser-agent: Backissue\nDisallow:", "/a"));
        assert!(!refused("<!doctype html><p>Not found: nothing", "/a"));
        assert!(!refused("Disallow: /", "/a"), "a rule before any group speaks to nobody");
    }

    #[test]
    fn only_500_kib_of_robots_txt_are_parsed() {
        let file = format!("User-agent: *\n{}\nDisallow: /", "#".repeat(MAX_BYTES));
        assert!(!refused(&file, "/a"));
    }
    #[test]
    fn robots_txt_takes_bounded_memory() {
        let repeated = format!("User-agent: *\n{}Disallow: /last", "Allow: /a\n".repeat(40_000));
        let robots = Robots::parse(repeated.as_bytes(), "Backissue");
        assert!(robots.size() < 1000, "{}", robots.size());
        assert!(refused(&repeated, "/last"), "five hundred kibibytes are read");
        let different: String = (0..50_000).map(|n| format!("Allow:/{n}\n")).collect();
        let sitemaps = format!("Sitemap: https://a.example/{}\n", "x".repeat(1900)).repeat(200);
        let file = format!("User-agent: *\n{sitemaps}{different}");
        let robots = Robots::parse(file.as_bytes(), "Backissue");
        assert!(robots.size() < 1 << 20, "{}", robots.size());
        let accents = format!("User-agent: *\n{}", "Allow: /\u{e9}\u{e9}\u{e9}\n".repeat(40_000));
        assert!(Robots::parse(accents.as_bytes(), "Backissue").size() < 1000);
    }
}
