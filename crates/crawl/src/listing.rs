//! Pages that list articles: a blog's front page, its archive, and the pages that follow them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use backissue_feed::Hints;
use backissue_feed::markup::{
    Allowance, Attribute, TagKind, can_be_base, decode, one_line, plain_text, tags, value,
};
use backissue_model::dates::UrlDate;
use serde_json::Value;
use url::Url;

/// Maximum links of a page.
pub const MAX_LINKS: usize = 10_000;

/// Maximum archive pages of a page.
const MAX_ARCHIVES: usize = 60;

/// A link that may lead to an article.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its target, without fragment.
    pub url: Url,
    /// The link's text on one line, the longest if there are several links. Empty for an image.
    pub text: String,
}

/// The links of a page that lists articles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The links in document order, each address once.
    pub links: Vec<Link>,
    /// The next page of the list.
    pub next: Option<Url>,
    /// Pages of an archive: for a year or month, or with "archive" as name.
    pub archives: Vec<Url>,
    /// The site's WordPress interface, as the page declares it (`rel="https://api.w.org/"`).
    pub wordpress: Option<Url>,
}

/// What shows that a link leads to the next page. Smaller is more certain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    /// The link has `rel="next"`.
    Relation,
    /// The link's text or class says so.
    Words,
    /// The link's page number follows this page's number.
    Number,
}

/// Parses a page. `hints.url` is the page's address. Only links to its host count.
pub fn read(html: &[u8], hints: &Hints) -> Listing {
    let text = decode(html, hints.media_type.as_deref());
    let Some(here) = hints.url.as_ref().filter(|url| can_be_base(url)) else { return Listing::default() };
    let mut base = here.clone();
    let mut has_base = false;
    let mut allowance = Allowance::of(text.len());
    let mut known: HashMap<Url, usize> = HashMap::new();
    let mut listing = Listing::default();
    let mut next: Option<(Sign, Url)> = None;
    let (mut data, mut scripts): (Vec<(Url, String)>, _) = (Vec::new(), 0);
    for tag in tags(&text) {
        if tag.kind == TagKind::End || !matches!(tag.name.as_str(), "base" | "link" | "a" | "script") {
            continue;
        }
        let attributes = tag.attributes();
        if tag.name == "script" {
            if value(&attributes, "type").is_some_and(|kind| kind.contains("json")) && scripts < MAX_SCRIPTS {
                scripts += 1;
                data.extend(in_json(&text[tag.end..], &base, &mut allowance));
            }
            continue;
        }
        let Some(mut url) =
            value(&attributes, "href").and_then(|href| allowance.web_address(href, Some(&base)))
        else {
            continue;
        };
        url.set_fragment(None);
        let relations = value(&attributes, "rel").unwrap_or("").to_ascii_lowercase();
        if tag.name == "base" {
            if !has_base && can_be_base(&url) {
                base = url;
                has_base = true;
            }
            continue;
        }
        if relations.contains("api.w.org") {
            listing.wordpress.get_or_insert(url);
            continue;
        }
        if bare_host(&url) != bare_host(here) || &url == here {
            continue;
        }
        let words = if tag.name == "a" { link_text(&text[tag.end..]) } else { String::new() };
        if let Some(sign) = sign_of_next(here, &url, &relations, &attributes, &words)
            && next.as_ref().is_none_or(|(best, _)| sign < *best)
        {
            next = Some((sign, url.clone()));
        }
        if tag.name != "a" {
            continue;
        }
        match known.entry(url) {
            // A card links its image, its title and "Read more". The title is the longest.
            Entry::Occupied(place) => {
                let text = &mut listing.links[*place.get()].text;
                if text.len() < words.len() {
                    *text = words;
                }
            }
            Entry::Vacant(place) => {
                let url = place.key().clone();
                if is_archive(&url, here) && listing.archives.len() < MAX_ARCHIVES {
                    listing.archives.push(url.clone());
                }
                place.insert(listing.links.len());
                listing.links.push(Link { url, text: words });
            }
        }
        if listing.links.len() == MAX_LINKS {
            break;
        }
    }
    // What scripts show counts if the page itself lists little.
    if likely_articles(&listing.links, here).len() < FEWEST_SHOWN {
        for (url, text) in data {
            if bare_host(&url) == bare_host(here) && &url != here && !known.contains_key(&url) {
                known.insert(url.clone(), listing.links.len());
                listing.links.push(Link { url, text });
            }
        }
    }
    listing.next = next.map(|(_, url)| url);
    listing
}

/// If a page has fewer links to articles than this, its scripts are searched for a list.
const FEWEST_SHOWN: usize = 3;

/// Maximum scripts that are searched. The end of a script may be missing, so that the search for it
/// is expensive.
const MAX_SCRIPTS: usize = 16;

/// Maximum bytes of the data in a script.
const LARGEST_DATA: usize = 4 << 20;

/// Maximum posts in the data of a script.
const MAX_POSTS: usize = 1000;

/// The addresses and titles in a script with JSON: the state of a page that scripts render, or
/// linked data. A post is an object with a title and an address, or with a title and a slug. A slug
/// is resolved below the page.
fn in_json(after: &str, base: &Url, allowance: &mut Allowance) -> Vec<(Url, String)> {
    const TITLES: [&str; 3] = ["title", "headline", "name"];
    const ADDRESSES: [&str; 6] = ["url", "href", "link", "permalink", "path", "uri"];
    let end = after.find("</script").unwrap_or(after.len());
    let Ok(data) = serde_json::from_str::<Value>(after.get(..end.min(LARGEST_DATA)).unwrap_or_default())
    else {
        return Vec::new();
    };
    let mut folder = base.clone();
    if !folder.path().ends_with('/') {
        folder.set_path(&format!("{}/", base.path()));
    }
    let mut posts = Vec::new();
    let mut open = vec![&data];
    while let Some(value) = open.pop().filter(|_| posts.len() < MAX_POSTS) {
        match value {
            Value::Array(items) => open.extend(items.iter().rev()),
            Value::Object(object) => {
                let text = |names: &[&str]| names.iter().find_map(|name| object.get(*name)?.as_str());
                let slug = || text(&["slug"]).filter(|slug| !slug.contains(['/', ':']));
                if let Some(title) = text(&TITLES).map(one_line).filter(|title| !title.is_empty()) {
                    let own = text(&ADDRESSES).and_then(|address| allowance.web_address(address, Some(base)));
                    let url = own.or_else(|| allowance.web_address(slug()?, Some(&folder)));
                    posts.extend(url.map(|url| (url, title.chars().take(300).collect())));
                }
                open.extend(object.values().rev());
            }
            _ => {}
        }
    }
    posts
}

/// Path segments of lists of articles, and of pages about the site.
const NO_ARTICLES: &[&str] = &[
    "about", "archive", "archives", "author", "authors", "careers", "categories", "category", "contact",
    "events", "feed", "jobs", "legal", "login", "newsletter", "page", "people", "press", "pricing",
    "privacy", "products", "search", "signup", "solutions", "tag", "tags", "team", "terms", "topic",
    "topics",
];
/// Minimum words in the last segment of an address, or in a link's text, that probably are an
/// article's title.
const TITLE_PARTS: usize = 3;
const TITLE_WORDS: usize = 4;

/// The links of a page that most likely lead to articles, for a blog of which no articles are
/// known: their addresses end in a title or have a day. If at least three of them are below the
/// page's own folder, returns only these.
pub fn likely_articles<'l>(links: impl IntoIterator<Item = &'l Link>, here: &Url) -> Vec<&'l Link> {
    let likely: Vec<&Link> = links.into_iter().filter(|link| is_likely(link)).collect();
    let folder = format!("{}/", here.path().trim_end_matches('/'));
    let below: Vec<&Link> =
        likely.iter().copied().filter(|link| link.url.path().starts_with(&folder)).collect();
    if below.len() >= 3 { below } else { likely }
}

fn is_likely(link: &Link) -> bool {
    let parts: Vec<String> = link
        .url
        .path_segments()
        .into_iter()
        .flatten()
        .filter(|p| !p.is_empty())
        .map(str::to_lowercase)
        .collect();
    let Some((last, folders)) = parts.split_last() else { return false };
    let is_other = |part: &String| NO_ARTICLES.contains(&part.as_str());
    if is_other(last) || folders.iter().any(is_other) || link.url.query().is_some() {
        return false;
    }
    let name = last.trim_end_matches(".html").trim_end_matches(".htm");
    let words = name.split(['-', '_']).filter(|word| word.chars().any(char::is_alphabetic)).count();
    let is_number = |name: &str| name.len() >= 2 && name.bytes().all(|b| b.is_ascii_digit());
    words >= TITLE_PARTS
        || UrlDate::of(&link.url).is_some_and(|date| matches!(date, UrlDate::Day(_)))
        || (words >= 1 || is_number(name))
            && !folders.is_empty()
            && link.text.split_whitespace().count() >= TITLE_WORDS
}

fn bare_host(url: &Url) -> Option<&str> {
    url.host_str().map(|host| host.strip_prefix("www.").unwrap_or(host))
}

/// The start of a link's text.
fn link_text(after: &str) -> String {
    let end = after.char_indices().take(600).find(|(at, _)| after[*at..].starts_with("</a"));
    end.map(|(at, _)| plain_text(&after[..at])).unwrap_or_default().chars().take(300).collect()
}

fn sign_of_next(
    here: &Url,
    url: &Url,
    relations: &str,
    attributes: &[Attribute],
    words: &str,
) -> Option<Sign> {
    if relations.split_ascii_whitespace().any(|relation| relation == "next") {
        return Some(Sign::Relation);
    }
    let words = one_line(words).to_lowercase();
    let label = value(attributes, "aria-label").unwrap_or("").to_lowercase();
    let words = words.trim_matches(|c: char| !c.is_alphanumeric());
    let numbered = page_number(url);
    let says_so = |text: &str| {
        matches!(
            text,
            "next"
                | "next page"
                | "older"
                | "older posts"
                | "older entries"
                | "older articles"
                | "previous posts"
                | "previous entries"
                | "more posts"
                | "load more"
                | "show more"
                | "older stories"
        )
    };
    let class = value(attributes, "class").unwrap_or("").to_ascii_lowercase();
    let classed = class.split_ascii_whitespace().any(|c| {
        matches!(
            c,
            "next"
                | "older-posts"
                | "pagination-next"
                | "next-page"
                | "older"
                | "pagination__next"
                | "nextpostslink"
        )
    });
    if says_so(words) || says_so(label.trim()) || (classed && numbered.is_some()) {
        return Some(Sign::Words);
    }
    let follows = numbered? == page_number(here).unwrap_or(1) + 1;
    (follows && stem(url) == stem(here)).then_some(Sign::Number)
}

/// The page number in an address: `/page/2/`, `?paged=2`, `?page=2`, `/page2/`.
fn page_number(url: &Url) -> Option<u32> {
    let queried = url
        .query_pairs()
        .find(|(name, _)| matches!(&**name, "paged" | "page" | "p" | "pg"))
        .and_then(|(_, value)| value.parse().ok());
    let mut segments = url.path().trim_end_matches('/').rsplit('/');
    let last = segments.next().unwrap_or("");
    let in_path = match segments.next() {
        Some("page" | "pages" | "p") => last.parse().ok(),
        _ => last.strip_prefix("page").and_then(|number| number.trim_start_matches('-').parse().ok()),
    };
    in_path.or(queried).filter(|number| (1..100_000).contains(number))
}

/// The address of a list without the page number.
fn stem(url: &Url) -> String {
    let path = url.path().trim_end_matches('/');
    let path = match path.rsplit_once('/') {
        Some((before, last)) if last.parse::<u32>().is_ok() => {
            ["/pages", "/page", "/p"].iter().find_map(|end| before.strip_suffix(end)).unwrap_or(path)
        }
        Some((before, last)) if last.starts_with("page") && page_number(url).is_some() => before,
        _ => path,
    };
    path.trim_end_matches("/index.html").trim_end_matches('/').to_owned()
}

/// Whether an address is an archive below the page or beside it: a year, a month or a named
/// archive.
fn is_archive(url: &Url, here: &Url) -> bool {
    if url.query().is_some() {
        return false;
    }
    let path = url.path().trim_end_matches("index.html").trim_end_matches('/');
    let mut segments = path.rsplit('/');
    let last = segments.next().unwrap_or("").to_ascii_lowercase();
    let last = last.trim_end_matches(".html");
    if matches!(last, "archive" | "archives" | "all" | "all-posts" | "posts" | "blog" | "articles") {
        return page_number(here).is_none();
    }
    let is_year =
        |text: &str| text.len() == 4 && text.parse().is_ok_and(|year: u32| (1990..2100).contains(&year));
    let is_month =
        |text: &str| text.len() <= 2 && text.parse().is_ok_and(|month: u32| (1..=12).contains(&month));
    is_year(last) || (is_month(last) && segments.next().is_some_and(is_year))
}

#[cfg(test)]
mod tests {
    #[test]
    fn likely_articles_end_in_a_title_or_have_a_day() {
        let page = br#"<a href="/blog/">Blog</a><a href="/blog/how-we-moved-to-kafka">How we moved to Kafka</a>
            <a href="/blog/tag/kafka-and-friends-of-it">Kafka</a><a href="/blog/2024/05/17/outage">Outage</a>
            <a href="/blog/vectors">Vectors in practice: what we learnt</a><a href="/about/our-great-team">Team</a>
            <a href="/blog/author/ann-of-green-gables">Ann</a><a href="/blog/page/2">Older</a>
            <a href="/terms-of-our-service">Terms</a><a href="/blog/x-y-z-w?share=1">Share</a>"#;
        let here: Url = "https://acme.example/blog".parse().unwrap();
        let listing = read(page, &Hints { url: Some(here.clone()), media_type: None });
        let found: Vec<&str> = likely_articles(&listing.links, &here).iter().map(|l| l.url.path()).collect();
        assert_eq!(found, ["/blog/how-we-moved-to-kafka", "/blog/2024/05/17/outage", "/blog/vectors"]);
    }

    #[test]
    fn list_in_the_data_of_scripts_is_read() {
        let here = "https://acme.example/blog";
        let found = |page: &str| {
            let listing = listing(here, page);
            let here: Url = here.parse().unwrap();
            let links = likely_articles(&listing.links, &here);
            links.iter().map(|link| link.url.path().to_owned()).collect::<Vec<_>>()
        };
        let state = r#"<script type="application/ld+json">{"@type":"Organization","name":"Acme","url":"https://acme.example/"}</script>
            <div id=__next></div><script id="__NEXT_DATA__" type="application/json">{"props":{"posts":[
            {"slug":"queues-that-wait","title":"Queues that wait"},{"slug":"caches","title":"What we learnt about caches"},
            {"url":"/blog/locks-and-keys","title":"Locks"},{"slug":"a/b","title":"No"},{"title":"No address"}]}}</script>"#;
        assert_eq!(found(state), ["/blog/queues-that-wait", "/blog/caches", "/blog/locks-and-keys"]);
        let linked = r#"<script type="application/ld+json">{"@type":"Blog","blogPost":[
            {"@type":"BlogPosting","headline":"Queues","url":"https://acme.example/blog/queues-that-wait"},
            {"@type":"BlogPosting","headline":"Else","url":"https://other.example/blog/queues-that-wait"}]}</script>"#;
        assert_eq!(found(linked), ["/blog/queues-that-wait"]);
        assert!(found("<script type=application/json>{broken</script>").is_empty());
    }

    #[test]
    fn number_is_an_article_if_its_link_has_a_title() {
        let here: Url = "https://acme.example/".parse().unwrap();
        let page = "<a href=/posts/101>What we learnt about queues</a><a href=/posts/102>Next</a><a href=/page/2>2</a>";
        let found = listing(here.as_str(), page);
        let found: Vec<&str> = likely_articles(&found.links, &here).iter().map(|l| l.url.path()).collect();
        assert_eq!(found, ["/posts/101"]);
    }

    #[test]
    fn card_with_several_links_is_known_by_its_title() {
        let card = |slug: &str| {
            format!(
                "<div class=card><a href=/blog/{slug}><img src=/{slug}.png></a><h3><a href=/blog/{slug}>What we learnt about                  {slug}</a></h3><p>Words.</p><a href=/blog/{slug}>Read more</a></div>"
            )
        };
        let page: String = ["queues", "caches", "locks"].iter().map(|slug| card(slug)).collect();
        let here: Url = "https://acme.example/blog".parse().unwrap();
        let found = listing(here.as_str(), &page);
        assert_eq!(likely_articles(&found.links, &here).len(), 3, "{found:?}");
    }

    use super::*;

    fn listing(at: &str, html: &str) -> Listing {
        read(html.as_bytes(), &Hints { url: at.parse().ok(), media_type: None })
    }

    fn next(at: &str, html: &str) -> Option<String> {
        listing(at, html).next.map(String::from)
    }

    #[test]
    fn next_page_is_found_by_all_its_signs() {
        let at = "https://a.example/blog/";
        for (html, want) in [
            ("<link rel='next' href='/blog/page/2/'>", Some("https://a.example/blog/page/2/")),
            ("<a href='page/2'><span>Older posts</span> &rarr;</a>", Some("https://a.example/blog/page/2")),
            ("<a href='?paged=2'>&laquo; Older Entries</a>", Some("https://a.example/blog/?paged=2")),
            (
                "<a href='/blog/page/3'>3</a><a href='/blog/page/2'>2</a>",
                Some("https://a.example/blog/page/2"),
            ),
            ("<a href='/news/page/2'>2</a>", None),
            ("<a class='next' href='/blog/page/2/'><svg></svg></a>", Some("https://a.example/blog/page/2/")),
            ("<a aria-label='Next page' href='/blog/2'></a>", Some("https://a.example/blog/2")),
            ("<a href='https://b.example/blog/page/2' rel=next>Next</a>", None),
            ("<a href='/blog/next-steps'>Next steps for us</a>", None),
        ] {
            assert_eq!(next(at, html).as_deref(), want, "{html}");
        }
        let second = "<a href='/blog/'>1</a><a href='/blog/page/3/'>3</a><a href='/blog/page/1'>Newer</a>";
        assert_eq!(
            next("https://a.example/blog/page/2/", second).as_deref(),
            Some("https://a.example/blog/page/3/")
        );
    }

    #[test]
    fn links_are_unique_and_on_the_same_host() {
        let found = listing(
            "https://a.example/",
            "<base href='/blog/'><a href='one#top'><img></a><a href='one'>One</a><a href='/two'> Two &amp; <b>more</b></a>\
             <a href='https://b.example/x'>x</a><a href='mailto:a@b.c'>m</a>",
        );
        let links: Vec<_> = found.links.iter().map(|l| (l.url.path(), l.text.as_str())).collect();
        assert_eq!(links, [("/blog/one", "One"), ("/two", "Two & more")]);
    }

    #[test]
    fn years_months_and_named_archives_are_found() {
        let found = listing(
            "https://a.example/blog/",
            "<a href='/blog/2019/'>2019</a><a href='/blog/2019/05/'>May</a><a href='/archive.html'>All</a>\
             <a href='/blog/2019/05/a-post/'>A post</a><a href='/blog/x?y=1'>x</a>\
             <link rel='https://api.w.org/' href='https://a.example/wp-json/'>",
        );
        let archives: Vec<_> = found.archives.iter().map(Url::path).collect();
        assert_eq!(archives, ["/blog/2019/", "/blog/2019/05/", "/archive.html"]);
        assert_eq!(found.wordpress.map(String::from).as_deref(), Some("https://a.example/wp-json/"));
    }
}
