//! Decides which addresses of a site are articles, by the shapes of the addresses in its feed.
//!
//! The articles of a blog have addresses of a few shapes: `/blog/2019/05/a-title/`,
//! `/p/a-title-1f2e3d`. [`Shapes::learn`] finds the shapes, and [`Shapes::judge`] compares an
//! address with them. Both explain the result in plain words. A shape is only as general as its
//! examples: an address with another number of segments, another prefix or another extension is not
//! an article, unless it has a date where the blog's articles have theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use backissue_model::CanonicalUrl;
use backissue_model::dates::leading_day;
use url::Url;

/// Maximum examples that are used.
const MAX_EXAMPLES: usize = 2_000;

/// Maximum shapes per blog. Those with the most examples are kept.
const MAX_SHAPES: usize = 12;

/// The kind of a path segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Piece {
    Year,
    Month,
    Day,
    Number,
    /// A date and a title: `2015-03-20-a-title`.
    Dated,
    Words,
}

/// What all addresses of a shape share: kinds of segments, extension, parameters.
type Form = (Vec<Piece>, Option<&'static str>, Vec<String>);

/// Which path segments match at one position of a shape.
#[derive(Clone, Debug, PartialEq, Eq)]
enum SegmentPattern {
    /// Only these words. Many examples have each of them here.
    Fixed(BTreeSet<String>),
    /// Any segment of this kind.
    Any(Piece),
}

/// A shape of articles' addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlShape {
    parts: Vec<SegmentPattern>,
    extension: Option<&'static str>,
    /// Parameters that distinguish articles: `?p=123`.
    parameters: Vec<String>,
    /// Minimum words of a title in an address of this shape.
    least_words: usize,
    /// Whether each title ends in a hexadecimal number, as on Medium.
    has_id: bool,
    /// Number of examples with this shape.
    examples: usize,
}

/// The shapes of the addresses of a blog's articles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shapes {
    hosts: BTreeSet<String>,
    shapes: Vec<UrlShape>,
    known: BTreeSet<String>,
    examples: usize,
}

/// Whether an address is an article's, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is an article's address.
    Article(Why),
    /// It is not an article's address.
    Other(Why),
}

impl Verdict {
    /// Whether it is an article's address.
    pub fn is_article(&self) -> bool {
        matches!(self, Self::Article(_))
    }

    /// The reason, in plain words.
    pub fn why(&self) -> &Why {
        match self {
            Self::Article(why) | Self::Other(why) => why,
        }
    }
}

/// The reason of a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The feed lists the address.
    InFeed,
    /// The address is an example from which the shapes were learned.
    Known,
    /// The address, or the link to it, has a title.
    Titled,
    /// The address has this shape.
    Shaped(String),
    /// The address has a date at the same position as the feed's articles, although the rest
    /// differs.
    DatedAlike,
    /// No shapes are known, because the feed has no articles with addresses.
    NothingLearned,
    /// The address is on this other host.
    OtherHost(String),
    /// The address is an image, a document or a script, by this extension.
    Asset(String),
    /// The address is a list of articles or a page about the site, by this word.
    Page(String),
    /// The address is in this language, in which the feed has no articles.
    Language(String),
    /// The address is unlike those of all articles in the feed.
    Unlike,
    /// The title in the address is shorter than all titles in the feed.
    ShortTitle,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InFeed => f.write_str("the feed lists it"),
            Self::Known => f.write_str("the archive has it"),
            Self::Titled => f.write_str("its address or its link is a title"),
            Self::Shaped(shape) => write!(f, "like {shape}"),
            Self::DatedAlike => f.write_str("it has a date where the feed's articles have theirs"),
            Self::NothingLearned => {
                f.write_str("the feed lists no article whose address could be learned from")
            }
            Self::OtherHost(host) => write!(f, "it is on another host, {host}"),
            Self::Asset(extension) => write!(f, "it is a file ({extension}), no page"),
            Self::Page(word) => write!(f, "it is a list or a page about the site (`{word}`)"),
            Self::Language(code) => write!(f, "it is in another language (`{code}`)"),
            Self::Unlike => f.write_str("its address is unlike those of the feed's articles"),
            Self::ShortTitle => f.write_str("the title in its address is shorter than any in the feed"),
        }
    }
}

impl Shapes {
    /// Learns shapes from the addresses of articles in a source's feed.
    pub fn learn<'a>(examples: impl IntoIterator<Item = &'a Url>) -> Self {
        let mut shapes = Self::default();
        let mut groups: BTreeMap<Form, Vec<Path>> = BTreeMap::new();
        for url in examples.into_iter().take(MAX_EXAMPLES) {
            let Ok(url) = CanonicalUrl::of(url) else { continue };
            if !shapes.known.insert(url.key()) {
                continue;
            }
            shapes.hosts.insert(bare_host(url.host()).to_owned());
            shapes.examples += 1;
            let path = Path::of(url.as_url());
            if path.segments.is_empty() && path.parameters.is_empty() {
                continue;
            }
            let pieces = path.pieces();
            groups.entry((pieces, path.extension, path.parameters.clone())).or_default().push(path);
        }
        let dated: usize =
            groups.iter().filter(|((pieces, ..), _)| has_date(pieces)).map(|(_, g)| g.len()).sum();
        // A feed with mostly dated addresses may also list other pages of its site. They are no
        // pattern.
        let only_dated = dated * 5 >= shapes.examples * 4;
        let mut groups: Vec<_> = groups
            .into_iter()
            .filter(|((pieces, ..), _)| !only_dated || has_date(pieces))
            .map(|((pieces, extension, parameters), paths)| {
                UrlShape::of(&pieces, extension, parameters, &paths)
            })
            .collect();
        groups.sort_by_key(|shape| std::cmp::Reverse(shape.examples));
        let most = groups.first().map_or(0, |shape| shape.examples);
        // A single address of its kind among many is an exception.
        groups.retain(|shape| shape.examples >= 2 && shape.examples * 20 >= most || most <= 3);
        groups.truncate(MAX_SHAPES);
        shapes.shapes = groups;
        shapes
    }

    /// Decides whether `url` is an article's address.
    pub fn judge(&self, url: &Url) -> Verdict {
        let Ok(url) = CanonicalUrl::of(url) else { return Verdict::Other(Why::Unlike) };
        if self.known.contains(&url.key()) {
            return Verdict::Article(Why::InFeed);
        }
        if self.shapes.is_empty() {
            return Verdict::Other(Why::NothingLearned);
        }
        let host = bare_host(url.host());
        if !self.hosts.contains(host) {
            return Verdict::Other(Why::OtherHost(host.to_owned()));
        }
        let path = Path::of(url.as_url());
        if let Some(extension) = path.asset() {
            return Verdict::Other(Why::Asset(extension));
        }
        let pieces = path.pieces();
        let mut other = Why::Unlike;
        for shape in &self.shapes {
            match shape.takes(&path, &pieces) {
                Ok(()) => return Verdict::Article(Why::Shaped(shape.to_string())),
                // A near miss is more informative than no match.
                Err(why) if why != Why::Unlike => other = why,
                Err(_) => {}
            }
        }
        if self.is_dated_alike(&path, &pieces) {
            return Verdict::Article(Why::DatedAlike);
        }
        Verdict::Other(other)
    }

    /// Whether the path has a date after the same words as the articles of the feed, or a date
    /// before its title as they have.
    fn is_dated_alike(&self, path: &Path, pieces: &[Piece]) -> bool {
        let Some(at) = pieces.iter().position(|piece| matches!(piece, Piece::Year | Piece::Dated)) else {
            return false;
        };
        let is_article = pieces[at] == Piece::Dated && at + 1 == pieces.len()
            || pieces[at + 1..].last().is_some_and(|piece| *piece == Piece::Words)
                && pieces.get(at + 1) == Some(&Piece::Month);
        let before = &path.segments[..at];
        is_article
            && path.parameters.is_empty()
            && self.shapes.iter().any(|shape| {
                let end = shape.parts.iter().position(|part| !matches!(part, SegmentPattern::Fixed(_)));
                let end = end.unwrap_or(shape.parts.len().saturating_sub(1));
                end == before.len() && shape.parts.iter().zip(before).all(|(part, word)| part.takes(word))
            })
    }

    /// The shapes, those with the most examples first.
    pub fn shapes(&self) -> &[UrlShape] {
        &self.shapes
    }

    /// Number of examples from which the shapes were learned.
    pub fn examples(&self) -> usize {
        self.examples
    }

    /// The hosts of the examples, without `www.`.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().map(String::as_str)
    }

    /// The path before the titles of most articles: `/blog/`, `/`. The page at this path probably
    /// lists the articles.
    pub fn folder(&self) -> String {
        let mut folder = String::from("/");
        let Some(shape) = self.shapes.first() else { return folder };
        let fixed = shape.parts.iter().take(shape.parts.len().saturating_sub(1));
        for part in fixed {
            match part {
                SegmentPattern::Fixed(words) if words.len() == 1 => {
                    folder.extend(words.iter().map(String::as_str).chain(["/"]));
                }
                _ => break,
            }
        }
        folder
    }
}

impl SegmentPattern {
    fn takes(&self, word: &str) -> bool {
        match self {
            Self::Fixed(words) => words.contains(word),
            Self::Any(_) => true,
        }
    }
}

impl UrlShape {
    fn of(
        pieces: &[Piece],
        extension: Option<&'static str>,
        parameters: Vec<String>,
        paths: &[Path],
    ) -> Self {
        let last = pieces.len().saturating_sub(1);
        let part = |(at, piece): (usize, &Piece)| {
            let words: BTreeSet<String> = paths.iter().map(|path| path.segments[at].clone()).collect();
            let repeats = words.len() == 1 && (paths.len() > 1 || at < last);
            let few = at < last && words.len() * 3 <= paths.len();
            if *piece == Piece::Words && (repeats || few) {
                SegmentPattern::Fixed(words)
            } else {
                SegmentPattern::Any(*piece)
            }
        };
        let parts: Vec<SegmentPattern> = pieces.iter().enumerate().map(part).collect();
        let titles = || paths.iter().filter_map(|path| path.segments.last());
        Self {
            parts,
            extension,
            parameters,
            least_words: titles().map(|title| words_of(title)).min().unwrap_or(0),
            has_id: paths.len() >= 3 && titles().all(|title| ends_in_id(title)),
            examples: paths.len(),
        }
    }

    /// Number of examples with this shape.
    pub fn examples(&self) -> usize {
        self.examples
    }

    /// Whether `path` has this shape.
    fn takes(&self, path: &Path, pieces: &[Piece]) -> Result<(), Why> {
        let alike = pieces.len() == self.parts.len()
            && path.extension == self.extension
            && path.parameters == self.parameters;
        if !alike {
            return Err(Why::Unlike);
        }
        let mut has_date = false;
        let mut has_word = false;
        for ((part, piece), word) in self.parts.iter().zip(pieces).zip(&path.segments) {
            match part {
                SegmentPattern::Fixed(words) if words.contains(word) => has_word = true,
                SegmentPattern::Fixed(_) if is_language(word) => return Err(Why::Language(word.clone())),
                SegmentPattern::Fixed(_) => return Err(Why::Unlike),
                SegmentPattern::Any(Piece::Words) if *piece == Piece::Words => {
                    if is_page_word(word) {
                        return Err(Why::Page(word.clone()));
                    }
                    if is_language(word) {
                        return Err(Why::Language(word.clone()));
                    }
                }
                SegmentPattern::Any(sort) => {
                    // A title may start with a number or be one: `/blog/1984`.
                    let fits = sort == piece || *sort == Piece::Words && *piece == Piece::Dated;
                    if !fits {
                        return Err(Why::Unlike);
                    }
                    has_date |= matches!(sort, Piece::Year | Piece::Dated);
                }
            }
        }
        let title = path.segments.last().map_or("", String::as_str);
        if self.has_id && !ends_in_id(title) {
            return Err(Why::Unlike);
        }
        // If only the title identifies an article, it must look like a title.
        let bare = !has_date && !has_word && !self.has_id && self.parameters.is_empty();
        if bare && words_of(title) < self.least_words.min(3) {
            return Err(Why::ShortTitle);
        }
        Ok(())
    }
}

impl fmt::Display for UrlShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            f.write_str("/")?;
            match part {
                SegmentPattern::Fixed(words) => {
                    let words: Vec<&str> = words.iter().take(5).map(String::as_str).collect();
                    f.write_str(&words.join("|"))?;
                }
                SegmentPattern::Any(Piece::Year) => f.write_str("{year}")?,
                SegmentPattern::Any(Piece::Month) => f.write_str("{month}")?,
                SegmentPattern::Any(Piece::Day) => f.write_str("{day}")?,
                SegmentPattern::Any(Piece::Number) => f.write_str("{number}")?,
                SegmentPattern::Any(Piece::Dated) => f.write_str("{date}-{title}")?,
                SegmentPattern::Any(Piece::Words) => f.write_str("{title}")?,
            }
        }
        if let Some(extension) = self.extension {
            write!(f, ".{extension}")?;
        }
        for (at, name) in self.parameters.iter().enumerate() {
            write!(f, "{}{name}=…", if at == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

/// The segments, extension and parameters of an address.
#[derive(Clone, Debug)]
struct Path {
    segments: Vec<String>,
    extension: Option<&'static str>,
    parameters: Vec<String>,
}

impl Path {
    fn of(url: &Url) -> Self {
        let mut segments: Vec<String> =
            url.path().split('/').filter(|s| !s.is_empty()).take(20).map(str::to_lowercase).collect();
        let mut extension = None;
        if let Some(last) = segments.last_mut()
            && let Some(found) = PAGES.iter().find(|end| last.len() > end.len() + 1 && ends_with(last, end))
        {
            last.truncate(last.len() - found.len() - 1);
            extension = Some(*found);
        }
        if segments.last().is_some_and(|last| last == "index") && extension.is_some() {
            segments.pop();
            extension = None;
        }
        let mut parameters: Vec<String> =
            url.query_pairs().take(20).map(|(name, _)| name.into_owned()).collect();
        parameters.sort_unstable();
        parameters.dedup();
        Self { segments, extension, parameters }
    }

    fn pieces(&self) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::with_capacity(self.segments.len());
        for segment in &self.segments {
            let number =
                segment.bytes().all(|b| b.is_ascii_digit()).then(|| segment.parse::<u32>().ok()).flatten();
            pieces.push(match (number, pieces.last()) {
                (Some(1..=12), Some(Piece::Year)) if segment.len() <= 2 => Piece::Month,
                (Some(1..=31), Some(Piece::Month)) if segment.len() <= 2 => Piece::Day,
                (Some(1990..=2099), _) if segment.len() == 4 => Piece::Year,
                (Some(_), _) => Piece::Number,
                (None, _) if leading_day(segment).is_some() => Piece::Dated,
                (None, _) => Piece::Words,
            });
        }
        pieces
    }

    /// The extension, if it is that of a file that is not a page.
    fn asset(&self) -> Option<String> {
        let last = self.segments.last().filter(|_| self.extension.is_none())?;
        let extension = last.rsplit_once('.')?.1;
        ASSETS.contains(&extension).then(|| extension.to_owned())
    }
}

/// Extensions of pages.
const PAGES: &[&str] = &["html", "htm", "xhtml", "php", "aspx", "asp", "jsp", "md"];

/// Extensions of files that are not pages.
const ASSETS: &[&str] = &[
    "png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "pdf", "zip", "gz", "tgz", "xml", "rss",
    "atom", "json", "css", "js", "mjs", "map", "txt", "mp3", "mp4", "webm", "mov", "ogg", "wav", "woff",
    "woff2", "ttf", "csv", "doc", "docx", "ppt", "pptx", "xls", "xlsx", "dmg", "exe", "ics", "epub",
];

/// Segments of lists of articles and of pages about a site.
const PAGE_WORDS: &[&str] = &[
    "about", "about-us", "all", "amp", "archive", "archives", "author", "authors", "blog", "careers",
    "categories", "category", "comments", "contact", "contact-us", "cookie-policy", "cookies", "docs",
    "documentation", "download", "downloads", "events", "faq", "feed", "feeds", "help", "home", "imprint",
    "index", "jobs", "legal", "login", "news", "newsletter", "page", "pages", "people", "posts", "press",
    "pricing", "privacy", "privacy-policy", "products", "projects", "register", "rss", "search", "series",
    "signup", "sitemap", "subscribe", "tag", "tagged", "tags", "team", "terms", "terms-of-service", "topic",
    "topics", "user", "users", "wp-content", "wp-json", "year",
];

fn is_page_word(word: &str) -> bool {
    PAGE_WORDS.binary_search(&word).is_ok()
}

/// Languages as written in addresses.
const LANGUAGES: &[&str] = &[
    "ar", "cn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hu", "id", "it", "ja",
    "jp", "ko", "kr", "nl", "no", "pl", "pt", "ro", "ru", "sv", "th", "tr", "tw", "uk", "vi", "zh",
];

/// Whether a path segment is a language: `de`, `pt-br`, `zh_tw`.
fn is_language(word: &str) -> bool {
    let (language, region) = word.split_once(['-', '_']).unwrap_or((word, "xx"));
    let is_region = matches!(region.len(), 2 | 4) && region.bytes().all(|b| b.is_ascii_alphabetic());
    is_region && LANGUAGES.binary_search(&language).is_ok()
}

fn ends_with(segment: &str, extension: &str) -> bool {
    segment.strip_suffix(extension).is_some_and(|rest| rest.ends_with('.'))
}

fn bare_host(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}

fn has_date(pieces: &[Piece]) -> bool {
    pieces.iter().any(|piece| matches!(piece, Piece::Year | Piece::Dated))
}

fn words_of(title: &str) -> usize {
    title.split(['-', '_', '.', '+']).filter(|word| !word.is_empty()).count()
}

/// Whether a title ends in at least eight hexadecimal digits, one of them a decimal digit.
fn ends_in_id(title: &str) -> bool {
    let last = title.rsplit('-').next().unwrap_or("");
    last.len() >= 8 && last.bytes().all(|b| b.is_ascii_hexdigit()) && last.bytes().any(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(paths: &[&str]) -> Vec<Url> {
        paths.iter().map(|path| Url::parse(&format!("https://blog.example{path}")).unwrap()).collect()
    }

    fn learned(paths: &[&str]) -> Shapes {
        Shapes::learn(&urls(paths))
    }

    fn said(shapes: &Shapes, path: &str) -> (bool, String) {
        let verdict = shapes.judge(&urls(&[path])[0]);
        (verdict.is_article(), verdict.why().to_string())
    }

    fn check(shapes: &Shapes, cases: &[(&str, bool)]) {
        for (path, want) in cases {
            let (is, why) = said(shapes, path);
            assert_eq!(is, *want, "{path}: {why}");
        }
    }

    #[test]
    fn dated_folders() {
        let shapes = learned(&[
            "/blog/2024/03/07/one-two/",
            "/blog/2023/11/30/three/?utm_source=feed",
            "/blog/2023/01/02/four/",
        ]);
        assert_eq!(shapes.shapes()[0].to_string(), "/blog/{year}/{month}/{day}/{title}");
        assert_eq!(shapes.folder(), "/blog/");
        check(
            &shapes,
            &[
                ("/blog/2012/01/05/hello-world/", true),
                ("/blog/2012/01/05/hello-world/index.html", true),
                ("/blog/2012/01/hello-world/", true),
                ("/blog/2012-01-05-hello/", true),
                ("/blog/2012/", false),
                ("/blog/2012/01/05/", false),
                ("/blog/", false),
                ("/blog/page/2/", false),
                ("/de/blog/2012/01/05/hello/", false),
                ("/2012/01/05/hello/", false),
                ("/blog/2012/01/05/hello.png", false),
                ("/careers/engineer/", false),
            ],
        );
    }

    #[test]
    fn dated_titles_and_extensions() {
        let shapes =
            learned(&["/blog/2015-03-20-scaling/", "/blog/2016-05-01-more/", "/blog/2017-07-07-yet/"]);
        assert_eq!(shapes.shapes()[0].to_string(), "/blog/{date}-{title}");
        check(&shapes, &[("/blog/2019-01-01-a/", true), ("/blog/index", false), ("/blog/tags/", false)]);
        let shapes =
            learned(&["/2024/03/07/One.html", "/2023/11/30/Two-x.html", "/2023/01/02/Rust-1.2.html"]);
        assert_eq!(shapes.shapes()[0].to_string(), "/{year}/{month}/{day}/{title}.html");
        check(
            &shapes,
            &[
                ("/2014/09/15/Rust-1.0.html", true),
                ("/inside-rust/2019/09/25/Welcome.html", false),
                ("/2014/", false),
            ],
        );
    }

    #[test]
    fn titles_without_dates_must_look_like_titles() {
        let shapes =
            learned(&["/why-queues-grow/", "/one-tenant-starves-the-rest/", "/a-cache-that-melts-down/"]);
        check(
            &shapes,
            &[
                ("/how-we-moved-it-all/", true),
                ("/pricing/", false),
                ("/about/", false),
                ("/products/", false),
                ("/tag/caching/", false),
                ("/legal/", false),
                ("/acme/", false),
            ],
        );
        assert_eq!(said(&shapes, "/about/").1, "it is a list or a page about the site (`about`)");
    }

    #[test]
    fn prefix_of_the_examples_is_required() {
        let shapes = learned(&["/blog/k8s-1.24-tokens/", "/blog/f5/", "/blog/capi/", "/blog/azure-worker/"]);
        assert_eq!(shapes.shapes()[0].to_string(), "/blog/{title}");
        check(
            &shapes,
            &[
                ("/blog/anything/", true),
                ("/blog/tags/", false),
                ("/blog/pt-br/", false),
                ("/docs/anything/", false),
                ("/blog/author/jane/", false),
                ("/blog/logo.svg", false),
                ("/blog/2019/05/old-post/", true),
            ],
        );
    }

    #[test]
    fn many_categories_generalise() {
        let many: Vec<String> = (0..10).map(|n| format!("/c{n}/some-long-title-{n}/")).collect();
        let shapes = learned(&many.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(shapes.shapes()[0].to_string(), "/{title}/{title}");
        check(
            &shapes,
            &[
                ("/new-one/another-long-title/", true),
                ("/tag/another-long-title/", false),
                ("/de/another-long-title/", false),
            ],
        );
        let few: Vec<String> = (0..12).map(|n| format!("/{}/title-{n}/", ["eng", "ml"][n % 2])).collect();
        let shapes = learned(&few.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(shapes.shapes()[0].to_string(), "/eng|ml/{title}");
        check(&shapes, &[("/ml/x/", true), ("/press/x/", false)]);
    }

    #[test]
    fn identifiers_of_medium_and_parameters_count() {
        let shapes = learned(&["/a-title-1a2b3c4d5e6f", "/b-0f9e8d7c6b5a", "/c-d-e-123456789abc"]);
        check(
            &shapes,
            &[("/new-title-aa11bb22cc33", true), ("/about", false), ("/some-long-page-name", false)],
        );
        let shapes = learned(&["/?p=12", "/?p=13"]);
        check(&shapes, &[("/?p=7", true), ("/?cat=7", false), ("/", false)]);
    }

    #[test]
    fn only_dated_addresses_of_a_mixed_feed_are_learned() {
        let mut paths: Vec<String> = (1..=20).map(|n| format!("/2024/01/{n:02}/post-{n}/")).collect();
        paths.extend([
            "/documentation/a/".to_owned(),
            "/documentation/b/".to_owned(),
            "/community/".to_owned(),
        ]);
        let shapes = learned(&paths.iter().map(String::as_str).collect::<Vec<_>>());
        check(
            &shapes,
            &[("/2014/05/05/old/", true), ("/documentation/c/", false), ("/documentation/a/", true)],
        );
    }

    #[test]
    fn nothing_is_learned_without_examples() {
        let shapes = Shapes::learn(&[]);
        assert_eq!(said(&shapes, "/2014/05/05/old/"), (false, Why::NothingLearned.to_string()));
        assert_eq!(shapes.folder(), "/");
    }

    #[test]
    fn lists_of_words_are_sorted() {
        assert!(PAGE_WORDS.is_sorted() && LANGUAGES.is_sorted());
    }
}
