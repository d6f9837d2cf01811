//! How an article's images are shown: as links, or loaded from their own servers, or from our
//! cache.
//!
//! On a page that loads no images, the policy also forbids the browser to load any
//! ([`crate::headers`]). If a reader requests an image, the page is rendered again with this image
//! and a policy that allows it. The address says which images are requested (`?images=2,5`,
//! `?images=all`). This needs no script, and no script could do it under the first page's policy.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Query as Pairs};
use axum::http::request::Parts;
use backissue_model::ReadId;
use dom_query::{Document, NodeRef};
use maud::{Markup, html};
use url::Url;
use xxhash_rust::xxh3::xxh3_128;

/// How images in articles are shown, as configured.
#[derive(Clone, Debug, Default)]
pub enum Images {
    /// All load from their servers as soon as the article is opened.
    Load,
    /// Each loads from its server when its reader requests it.
    #[default]
    Click,
    /// All load from this program's cache.
    Cache(Arc<dyn ImageCache>),
}

impl Images {
    /// A word that identifies the mode in a page's ETag.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Click => "click",
            Self::Cache(_) => "cache",
        }
    }
}

/// An image cache. The pages themselves fetch nothing.
pub trait ImageCache: fmt::Debug + Send + Sync {
    /// The image at `url`, or why it is unavailable, for people. Only called for images of a stored
    /// article.
    fn image(&self, url: Url) -> Pin<Box<dyn Future<Output = Result<Image, String>> + Send + '_>>;
}

/// An image that a browser can show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Its media type; never a format with active content.
    pub media_type: &'static str,
    /// The image.
    pub bytes: Vec<u8>,
}

/// Maximum number of images in one address.
const MOST_ASKED: usize = 500;

/// Maximum width and height, in CSS pixels, of an image that is only an icon or an emoji.
const SMALL: u32 = 40;

/// Formats of images that an article may embed: raster formats without active content.
const CARRIED: &[&str] = &["avif", "gif", "jpeg", "png", "webp"];

/// `?images=`: the requested images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All images.
    All,
    /// The images with these numbers, counted from 1 in document order.
    These(BTreeSet<usize>),
}

impl Asked {
    fn of(query: &HashMap<String, String>) -> Self {
        match query.get("images").map(String::as_str) {
            Some("all") => Self::All,
            // What is no number requests nothing.
            Some(list) => {
                Self::These(list.split(',').filter_map(|n| n.trim().parse().ok()).take(MOST_ASKED).collect())
            }
            None => Self::These(BTreeSet::new()),
        }
    }

    /// The end of an address that requests these and the `nth` image.
    fn with(&self, nth: usize) -> String {
        let mut numbers = match self {
            Self::All => return format!("?images=all#image-{nth}"),
            Self::These(numbers) => numbers.clone(),
        };
        numbers.insert(nth);
        let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
        format!("?images={}#image-{nth}", numbers.join(","))
    }
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let pairs = Pairs::<HashMap<String, String>>::try_from_uri(&parts.uri);
        Ok(pairs.map_or(Self::These(BTreeSet::new()), |pairs| Self::of(&pairs.0)))
    }
}

/// Whether an address's query requests images. The policy depends on it.
pub(crate) fn asks(query: Option<&str>) -> bool {
    query.is_some_and(|query| query.split('&').any(|pair| pair.starts_with("images=")))
}

/// How the images of one page are shown.
#[derive(Clone, Debug)]
pub(crate) enum Showing {
    /// They load from their servers.
    Direct,
    /// The requested ones load from their servers; the others are links to the page at `path` with
    /// them.
    Asked { asked: Asked, path: String },
    /// They load from our cache, as images of this read.
    Kept(ReadId),
    /// All are links to their servers.
    AtSource,
}

impl Showing {
    pub(crate) fn of(images: &Images, asked: Asked, read: ReadId, path: String) -> Self {
        match (images, asked) {
            (Images::Load, _) | (Images::Click, Asked::All) => Self::Direct,
            (Images::Click, asked) => Self::Asked { asked, path },
            (Images::Cache(_), _) => Self::Kept(read),
        }
    }

    /// None of them.
    #[cfg(test)]
    pub(crate) fn none() -> Self {
        Self::Asked { asked: Asked::These(BTreeSet::new()), path: "/read/1/x".to_owned() }
    }
}

/// The images that a page did not load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) count: usize,
    /// Their hosts.
    pub(crate) hosts: BTreeSet<String>,
}

/// Replaces each image as `showing` says. `address` is the article's address.
pub(crate) fn show(document: &Document, address: &Url, showing: &Showing) -> Left {
    let mut left = Left::default();
    let mut nth = 0;
    for image in document.select("img").nodes() {
        let source = image.attr("src").unwrap_or_default();
        if is_carried(&source) {
            continue;
        }
        let Some(url) = address_of(image, address) else {
            replace_by_words(image);
            continue;
        };
        let small = is_small(image);
        nth += usize::from(!small);
        match showing {
            Showing::Direct => load(image, url.as_str(), None),
            // SVG can contain active content, so it is never served from here.
            Showing::Kept(_) if url.path().to_ascii_lowercase().ends_with(".svg") => {
                offer(image, &url, nth, None)
            }
            Showing::Kept(read) => load(image, &format!("/image/{read}/{}", name_of(&url)), None),
            Showing::Asked { .. } | Showing::AtSource if small => replace_by_words(image),
            Showing::AtSource => offer(image, &url, nth, None),
            Showing::Asked { asked: Asked::These(numbers), .. } if numbers.contains(&nth) => {
                load(image, url.as_str(), Some(nth));
            }
            Showing::Asked { asked, path } => {
                offer(image, &url, nth, Some(&format!("{path}{}", asked.with(nth))));
                left.count += 1;
                left.hosts.insert(host_of(&url).to_owned());
            }
        }
    }
    document.select("picture").rename("span");
    left
}

/// The address of an image.
fn address_of(image: &NodeRef, address: &Url) -> Option<Url> {
    address.join(&image.attr("src")?).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

fn host_of(url: &Url) -> &str {
    url.host_str().unwrap_or("another site")
}

/// The name of the image at `url` in our addresses.
fn name_of(url: &Url) -> String {
    format!("{:032x}", xxh3_128(url.as_str().as_bytes()))
}

/// The address of the image with this name in the stored article. Returns `None` for all others.
pub(crate) fn named_in(stored: &str, address: &Url, name: &str) -> Option<Url> {
    let document = Document::fragment(stored);
    let images = document.select("img");
    images.nodes().iter().filter_map(|image| address_of(image, address)).find(|url| name_of(url) == name)
}

/// Whether a source is an image embedded in the article.
fn is_carried(source: &str) -> bool {
    let format = source.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
    format.is_some_and(|(format, _)| CARRIED.contains(&format))
}

/// Loads an image from `source`, lazily and without a referrer.
fn load(image: &NodeRef, source: &str, nth: Option<usize>) {
    image.set_attr("src", source);
    image.set_attr("loading", "lazy");
    image.set_attr("decoding", "async");
    image.set_attr("referrerpolicy", "no-referrer");
    if !image.has_attr("alt") {
        image.set_attr("alt", "");
    }
    if let Some(nth) = nth {
        image.set_attr("id", &format!("image-{nth}"));
    }
}

/// Replaces an image by its description and links: `here` loads it on this page, `url` is its own
/// address. Search engines are told not to follow the former, because an article with many images
/// has a page for each selection.
fn offer(image: &NodeRef, url: &Url, nth: usize, here: Option<&str>) {
    let host = host_of(url);
    let alt = image.attr("alt").unwrap_or_default();
    let words = match alt.trim() {
        "" => format!("Image on {host}"),
        alt => format!("Image on {host}: {alt}"),
    };
    let id = format!("image-{nth}");
    let number = html! { span.unseen { " " (nth) } };
    let around = image.ancestors_it(None).find(|node| node.has_name("a"));
    match around {
        // Links cannot be nested: the description goes into the existing link, the link to the
        // image after it.
        Some(link) => {
            if let Some(here) = here {
                link.after_html(
                    html! { " " a.image href=(here) rel="nofollow" { "Load image" (number) } }.into_string(),
                );
            }
            image.replace_with_html(html! { span.elsewhere #(id) { (words) } }.into_string());
        }
        None => {
            let offered = html! {
                span.elsewhere #(id) {
                    span { (words) " — " @if let Some(here) = here { span.load { a href=(here) rel="nofollow" { "Load image" (number) } " or " } }
                        a href=(url) rel="noopener noreferrer" { "open it at its source" } }
                }
            };
            image.replace_with_html(offered.into_string());
        }
    }
}

/// Replaces an image by its alternative text, or removes it.
fn replace_by_words(image: &NodeRef) {
    let alt = image.attr("alt").unwrap_or_default();
    match alt.trim() {
        "" => image.remove_from_parent(),
        alt => image.replace_with_html(html! { (alt) }.into_string()),
    }
}

fn is_small(image: &NodeRef) -> bool {
    let size =
        |name: &str| image.attr(name).and_then(|v| v.trim().trim_end_matches("px").parse::<u32>().ok());
    let sizes = [size("width"), size("height")];
    sizes.iter().any(Option::is_some) && sizes.iter().flatten().all(|size| *size <= SMALL)
}

/// The note about several images that were not loaded: why, and a link to load all.
pub(crate) fn note(left: &Left, path: &str) -> Markup {
    html! {
        @if left.count > 1 {
            p.images-left {
                (left.count) " images " span.quiet { "on " (named(&left.hosts)) " are not loaded, so that nobody there learns what you read. " }
                a href={ (path) "?images=all" } rel="nofollow" { "Load all images" }
            }
        }
    }
}

/// Up to three hosts by name.
fn named(hosts: &BTreeSet<String>) -> String {
    const NAMED: usize = 3;
    let mut words: Vec<String> = hosts.iter().take(NAMED).cloned().collect();
    if hosts.len() > NAMED {
        words.push(format!("{} more", hosts.len() - NAMED));
    }
    let last = words.pop().unwrap_or_default();
    if words.is_empty() { last } else { format!("{} and {last}", words.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARTICLE: &str = r#"<p><img src="https://cdn.example/a.png" alt="A <b>graph</b>" srcset="x 2x"></p>
        <figure><picture><source srcset="https://cdn.example/a.webp"><img src="/b.png"></picture><figcaption>B</figcaption></figure>
        <p><img src="https://cdn.example/smile.gif" width="20" height="20" alt=":-)"><img src="data:image/svg+xml,x" alt="no">
        <img src="data:image/png;base64,iVBORw0KGgo=" alt="carried"><img src="javascript:x" alt="words"></p>
        <a href="https://blog.example/next"><img src="https://other.example/c.png" alt="Next"></a>"#;

    fn shown(showing: &Showing) -> (Document, Left) {
        let document = Document::fragment(ARTICLE);
        let left = show(&document, &"https://blog.example/posts/one".parse().unwrap(), showing);
        (document, left)
    }

    fn asked(query: &str) -> Showing {
        let pairs = HashMap::from([("images".to_owned(), query.to_owned())]);
        Showing::of(&Images::Click, Asked::of(&pairs), ReadId(1), "/read/1/x".to_owned())
    }

    fn attributes(document: &Document, selector: &str, name: &str) -> Vec<String> {
        let nodes = document.select(selector);
        nodes.nodes().iter().filter_map(|node| Some(node.attr(name)?.to_string())).collect()
    }

    const CARRIED: &str = "data:image/png;base64,iVBORw0KGgo=";

    #[test]
    fn images_are_links_until_requested() {
        let (document, left) = shown(&asked(""));
        assert_eq!(attributes(&document, "img", "src"), [CARRIED]);
        assert_eq!(
            attributes(&document, "a", "href"),
            [
                "/read/1/x?images=1#image-1", "https://cdn.example/a.png", "/read/1/x?images=2#image-2",
                "https://blog.example/b.png", "https://blog.example/next", "/read/1/x?images=3#image-3",
            ]
        );
        assert_eq!(attributes(&document, ".elsewhere", "id"), ["image-1", "image-2", "image-3"]);
        let words = document.text();
        for said in ["Image on cdn.example: A <b>graph</b>", ":-)", "words", "no"] {
            assert!(words.contains(said), "{said} in {words}");
        }
        assert!(!document.select("a a, a .elsewhere a").exists());
        assert_eq!(left.count, 3);
        assert_eq!(named(&left.hosts), "blog.example, cdn.example and other.example");
    }

    #[test]
    fn requested_images_load_and_others_are_links() {
        let (document, left) = shown(&asked("3,x,1"));
        let loaded = ["https://cdn.example/a.png", CARRIED, "https://other.example/c.png"];
        assert_eq!(attributes(&document, "img", "src"), loaded);
        assert_eq!(attributes(&document, "img", "id"), ["image-1", "image-3"]);
        assert_eq!(attributes(&document, "a[href^='/']", "href"), ["/read/1/x?images=1,2,3#image-2"]);
        assert_eq!(left.count, 1);
        assert!(note(&left, "/x").into_string().is_empty(), "one image is asked for where it stands");
    }

    #[test]
    fn images_load_lazily_and_without_referrer() {
        for showing in [asked("all"), Showing::of(&Images::Load, Asked::All, ReadId(1), String::new())] {
            let (document, left) = shown(&showing);
            assert_eq!(left, Left::default());
            assert_eq!(document.select("img").length(), 5);
            assert_eq!(document.select("img[loading=lazy][referrerpolicy=no-referrer][alt]").length(), 4);
            assert!(!document.select("picture, .elsewhere").exists());
        }
    }

    #[test]
    fn cached_images_have_names_known_to_their_article() {
        let (document, left) = shown(&Showing::Kept(ReadId(7)));
        assert_eq!(left, Left::default());
        let address = "https://blog.example/posts/one".parse().unwrap();
        let sources = attributes(&document, "img", "src");
        let names: Vec<&str> = sources.iter().filter_map(|source| source.strip_prefix("/image/7/")).collect();
        let found: Vec<String> =
            names.iter().filter_map(|name| Some(named_in(ARTICLE, &address, name)?.to_string())).collect();
        assert_eq!(
            found,
            [
                "https://cdn.example/a.png",
                "https://blog.example/b.png",
                "https://cdn.example/smile.gif",
                "https://other.example/c.png"
            ]
        );
        let elsewhere = name_of(&"https://cdn.example/other.png".parse().unwrap());
        for name in [elsewhere.as_str(), "", "0", "https://cdn.example/a.png"] {
            assert_eq!(named_in(ARTICLE, &address, name), None, "{name}");
        }
        let drawing = Document::fragment("<p><img src=https://cdn.example/a.SVG?x alt=D></p>");
        show(&drawing, &address, &Showing::Kept(ReadId(7)));
        assert_eq!(attributes(&drawing, "a", "href"), ["https://cdn.example/a.SVG?x"]);
        assert!(!drawing.select("img").exists());
    }

    #[test]
    fn policy_and_page_agree_on_requested_images() {
        for (query, is) in [("images=all", true), ("a=1&images=2", true), ("ximages=1", false), ("", false)] {
            assert_eq!(asks(Some(query)), is, "{query}");
        }
        assert!(!asks(None));
    }
}
