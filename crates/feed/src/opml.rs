//! Lists of feeds: reads OPML 1.0 and 2.0, writes OPML 2.0.
//!
//! Lists come from many programs and are as broken as feeds, so parsing is as lenient. Outlines may
//! be nested. An outline without a feed is the group of the outlines inside it. An outline that
//! names no feed and no group is skipped and reported.

use std::fmt::Write;

use backissue_model::{misleads, without_credentials};
use url::Url;

use crate::markup_text::one_line;
use crate::{decoding, prolog, tags};

/// Maximum outlines of a list.
pub const MAX_OUTLINES: usize = 50_000;

/// Maximum nesting of groups; deeper groups are ignored.
const MAX_DEPTH: usize = 64;

/// Maximum characters of a group's name.
const MAX_GROUP_NAME: usize = 200;

/// Maximum characters of a group's full name. Each feed in the group has a copy of it.
const MAX_GROUP: usize = 1000;

/// A feed in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The feed's title, or its host if it has none.
    pub title: String,
    /// The feed's address.
    pub feed_url: Url,
    /// The site's address.
    pub site_url: Option<Url>,
    /// The names of the feed's groups, outermost first, joined with ` / `.
    pub group: Option<String>,
}

/// A parsed list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// The feeds in document order, each address once.
    pub outlines: Vec<Outline>,
    /// The skipped outlines and the reasons, one sentence each.
    pub skipped: Vec<String>,
}

/// Why a document is not a list of feeds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpmlError {
    /// The document is empty.
    #[error("the file is empty; export the list of feeds again")]
    Empty,
    /// The document is a single feed.
    #[error("this is a feed, not a list of feeds; follow its address instead of importing it")]
    Feed,
    /// The document is something else.
    #[error(
        "this is no OPML: there is no <outline> in it; export the list of feeds as OPML and import that file"
    )]
    NoOutlines,
}

/// Parses a list, and reports what it skipped.
///
/// # Errors
/// [`OpmlError`] if the bytes have no outline.
pub fn read(bytes: &[u8]) -> Result<List, OpmlError> {
    let text = decoding::decode(bytes, None);
    if text.trim().is_empty() {
        return Err(OpmlError::Empty);
    }
    let prolog = prolog::read(&text);
    let mut reader = Reader::default();
    for tag in tags::tags(&prolog.rest) {
        reader.tag(&tag);
    }
    match (reader.outlines_seen, reader.is_opml) {
        (0, false) if crate::parse(bytes, &crate::Hints::default()).is_ok() => Err(OpmlError::Feed),
        (0, false) => Err(OpmlError::NoOutlines),
        _ => Ok(reader.list),
    }
}

/// Parses a list and skips outlines that name no feed, without a report.
///
/// # Errors
/// [`OpmlError`] if the bytes have no outline.
pub fn parse(bytes: &[u8]) -> Result<Vec<Outline>, OpmlError> {
    read(bytes).map(|list| list.outlines)
}

#[derive(Default)]
struct Reader {
    list: List,
    known: std::collections::HashSet<Url>,
    /// For each open outline the group names that it adds, mostly none or one.
    open: Vec<Vec<String>>,
    /// Number of open outlines deeper than [`MAX_DEPTH`].
    too_deep: usize,
    outlines_seen: usize,
    is_opml: bool,
}

impl Reader {
    fn tag(&mut self, tag: &tags::Tag<'_>) {
        self.is_opml |= tag.name == "opml";
        if tag.name != "outline" {
            return;
        }
        if tag.kind == tags::TagKind::End {
            if self.too_deep > 0 {
                self.too_deep -= 1;
            } else {
                self.open.pop();
            }
            return;
        }
        self.outlines_seen += 1;
        let group = self.outline(tag);
        if tag.kind == tags::TagKind::Empty {
            return;
        }
        if self.open.len() < MAX_DEPTH {
            self.open.push(group);
        } else {
            self.too_deep += 1;
        }
    }

    /// Handles an outline. Returns the names of the groups it adds; none for a feed.
    fn outline(&mut self, tag: &tags::Tag<'_>) -> Vec<String> {
        let attributes = tag.attributes();
        let value = |names: &[&str]| {
            let found = names.iter().find_map(|name| {
                let attribute = attributes.iter().find(|a| a.name == *name && !a.value.trim().is_empty());
                attribute.map(|attribute| one_line(&attribute.value))
            });
            found.unwrap_or_default()
        };
        let name = value(&["title", "text"]);
        let address = value(&["xmlurl", "feedurl"]);
        if address.is_empty() {
            let is_feed = value(&["type"]).to_lowercase().contains("rss") || tag.kind == tags::TagKind::Empty;
            if is_feed {
                self.skip(format!("«{name}» has no feed address (xmlUrl)"));
            }
            return group_names(&name);
        }
        let Some(feed_url) = web_address(&address) else {
            self.skip(format!("«{name}» has a feed address that is none on the web: {address}"));
            return Vec::new();
        };
        if self.known.contains(&feed_url) {
            self.skip(format!("«{name}» is listed already: {}", without_credentials(&feed_url)));
            return Vec::new();
        }
        if self.list.outlines.len() >= MAX_OUTLINES {
            self.skip(format!(
                "«{name}» comes after the first {MAX_OUTLINES} feeds; import it with a list of its own: {}",
                without_credentials(&feed_url)
            ));
            return Vec::new();
        }
        self.known.insert(feed_url.clone());
        self.list.outlines.push(Outline {
            title: if name.is_empty() { feed_url.host_str().unwrap_or("").to_owned() } else { name },
            feed_url,
            site_url: web_address(&value(&["htmlurl", "url"])),
            group: joined(self.open.iter().flatten()),
        });
        Vec::new()
    }

    fn skip(&mut self, reason: String) {
        if self.list.skipped.len() < 1000 {
            self.list.skipped.push(reason);
        }
    }
}

/// The groups in a name. "Work / Databases" is two groups, because full names are joined this way.
/// Long names are cut.
fn group_names(name: &str) -> Vec<String> {
    let name: String = name.chars().take(MAX_GROUP_NAME).collect();
    let words: Vec<&str> = name.split_whitespace().collect();
    words.split(|word| *word == "/").filter(|words| !words.is_empty()).map(|words| words.join(" ")).collect()
}

/// The full name of nested groups, outermost first. Drops groups that exceed the maximum.
fn joined<'a>(names: impl Iterator<Item = &'a String>) -> Option<String> {
    let mut group = String::new();
    let mut length = 0;
    for name in names.take(MAX_DEPTH) {
        length += name.chars().count() + " / ".len();
        if length > MAX_GROUP {
            break;
        }
        if !group.is_empty() {
            group.push_str(" / ");
        }
        group.push_str(name);
    }
    (!group.is_empty()).then_some(group)
}

/// The http or https address in `text`. Accepts `feed:` addresses and those without a scheme.
fn web_address(text: &str) -> Option<Url> {
    let text = text.trim();
    let text = text.strip_prefix("feed:").map_or(text, |rest| rest.trim_start_matches('/'));
    let with_scheme = || Url::parse(&format!("https://{text}")).ok();
    let url = match Url::parse(text) {
        // This "scheme" is a host with a port.
        Ok(url) if url.scheme().contains('.') => with_scheme(),
        Ok(url) => Some(url),
        Err(_) => with_scheme(),
    };
    url.filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some_and(|host| host.contains('.') || host == "localhost")
    })
}

/// Writes a list as OPML 2.0, with one outline per group around the feeds of the group.
pub fn write(outlines: &[Outline]) -> String {
    let mut out = String::from(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<opml version=\"2.0\">\n  <head>\n    <title>Backissue</title>\n  \
         </head>\n  <body>\n",
    );
    let mut groups: Vec<Option<&str>> = Vec::new();
    let mut known = std::collections::HashSet::new();
    for outline in outlines {
        let group = outline.group.as_deref();
        if known.insert(group) {
            groups.push(group);
        }
    }
    let mut by_group: std::collections::HashMap<Option<&str>, Vec<&Outline>> =
        std::collections::HashMap::new();
    for outline in outlines {
        by_group.entry(outline.group.as_deref()).or_default().push(outline);
    }
    for group in groups {
        let names: Vec<&str> = group.map(|group| group.split(" / ").collect()).unwrap_or_default();
        for (depth, name) in names.iter().enumerate() {
            let name = attribute(name);
            line(&mut out, depth, &format!("<outline text=\"{name}\" title=\"{name}\">"));
        }
        for outline in &by_group[&group] {
            line(&mut out, names.len(), &feed_line(outline));
        }
        for depth in (0..names.len()).rev() {
            line(&mut out, depth, "</outline>");
        }
    }
    out.push_str("  </body>\n</opml>\n");
    out
}

fn line(out: &mut String, depth: usize, text: &str) {
    let _ = writeln!(out, "{:indent$}{text}", "", indent = 4 + 2 * depth);
}

fn feed_line(outline: &Outline) -> String {
    let title = attribute(&outline.title);
    let mut line = format!(
        "<outline type=\"rss\" text=\"{title}\" title=\"{title}\" xmlUrl=\"{}\"",
        attribute(outline.feed_url.as_str())
    );
    if let Some(site) = &outline.site_url {
        let _ = write!(line, " htmlUrl=\"{}\"", attribute(site.as_str()));
    }
    line.push_str("/>");
    line
}

fn attribute(value: &str) -> String {
    let value: String = value.chars().filter(|c| !misleads(*c)).collect();
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn outline(title: &str, feed: &str, site: Option<&str>, group: Option<&str>) -> Outline {
        Outline {
            title: title.to_owned(),
            feed_url: Url::parse(feed).unwrap(),
            site_url: site.map(|site| Url::parse(site).unwrap()),
            group: group.map(str::to_owned),
        }
    }

    #[test]
    fn nested_outlines_become_groups() {
        let list = read(
            br#"<opml version="1.0"><body>
              <outline text="Tech"><outline title="Deep">
                <outline text="A &amp; B" xmlUrl="http://a.example/feed" htmlUrl="http://a.example/"/>
              </outline><outline text="C" xmlURL="feed://c.example/rss"></outline></outline>
              <outline text="D" xmlUrl="d.example/atom"/>
            </body></opml>"#,
        )
        .unwrap();
        assert_eq!(
            list.outlines,
            [
                outline("A & B", "http://a.example/feed", Some("http://a.example/"), Some("Tech / Deep")),
                outline("C", "https://c.example/rss", None, Some("Tech")),
                outline("D", "https://d.example/atom", None, None),
            ]
        );
        assert!(list.skipped.is_empty());
    }

    #[test]
    fn outlines_without_feed_are_skipped_and_reported() {
        let list = read(
            br#"<opml><body><outline text="No feed"/><outline text="Odd" xmlUrl="mailto:x@y.example"/>
               <outline text="One" xmlUrl="https://one.example/feed"/>
               <outline text="Again" xmlUrl="https://one.example/feed"/></body></opml>"#,
        )
        .unwrap();
        assert_eq!(list.outlines.len(), 1);
        assert_eq!(list.skipped.len(), 3, "{:?}", list.skipped);
        assert!(list.skipped[0].contains("No feed"));
    }

    #[test]
    fn broken_and_oddly_encoded_lists_are_parsed() {
        let latin = b"<?xml version='1.0' encoding='iso-8859-1'?><opml><body><outline text='Caf\xe9 & Co' \
            xmlUrl='https://cafe.example/f?a=1&b=2'>";
        let list = parse(latin).unwrap();
        assert_eq!(list, [outline("Café & Co", "https://cafe.example/f?a=1&b=2", None, None)]);
        let wide: Vec<u8> = "\u{feff}<opml><outline xmlUrl='https://w.example/feed'/></opml>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(parse(&wide).unwrap()[0].title, "w.example");
    }

    #[test]
    fn excess_and_duplicate_feeds_are_distinguished() {
        let mut text = String::from("<opml><body><outline xmlUrl='https://0.example/feed'/>");
        for number in 0..=MAX_OUTLINES {
            let _ = write!(text, "<outline text='{number}' xmlUrl='https://{number}.example/feed'/>");
        }
        let list = read(text.as_bytes()).unwrap();
        assert_eq!(list.outlines.len(), MAX_OUTLINES);
        assert_eq!(list.skipped.len(), 2);
        assert!(list.skipped[0].contains("«0» is listed already"), "{}", list.skipped[0]);
        assert!(list.skipped[1].contains("after the first 50000 feeds"), "{}", list.skipped[1]);
    }

    #[test]
    fn long_group_names_are_cut() {
        let groups = format!("<outline text='{}'>", "x".repeat(50_000)).repeat(60);
        let list = read(format!("<opml>{groups}<outline xmlUrl='https://a.example/f'/>").as_bytes()).unwrap();
        let four = ["x".repeat(MAX_GROUP_NAME).as_str(); 4].join(" / ");
        assert_eq!(list.outlines[0].group, Some(four));
    }

    #[test]
    fn group_with_a_slash_in_its_name_round_trips() {
        let list = parse(
            br#"<opml><outline text="Work / Databases"><outline text="Storage /"><outline text="/ Logs /">
              <outline text="TCP/IP"><outline xmlUrl="https://a.example/f"/>"#,
        )
        .unwrap();
        assert_eq!(list[0].group.as_deref(), Some("Work / Databases / Storage / Logs / TCP/IP"));
        assert_eq!(parse(write(&list).as_bytes()).unwrap(), list);
    }

    #[test]
    fn feed_and_empty_file_are_no_lists() {
        assert_eq!(parse(b" \n"), Err(OpmlError::Empty));
        assert_eq!(parse(b"<rss><channel><item/></channel></rss>"), Err(OpmlError::Feed));
        assert_eq!(parse(b"<html><body>hello</body></html>"), Err(OpmlError::NoOutlines));
    }

    proptest! {
        #[test]
        fn written_list_round_trips(
            titles in proptest::collection::vec("[a-zA-Z<>&\"'é][a-zA-Z <>&\"'é]{0,20}", 0..10),
            groups in proptest::collection::vec(proptest::option::of("[a-z&<\"]{1,8}"), 10),
        ) {
            let outlines: Vec<Outline> = titles.iter().enumerate().map(|(i, title)| outline(
                &one_line(title), &format!("https://{i}.example/feed?a=1&b=2"), None, groups[i].as_deref(),
            )).collect();
            let mut read = parse(write(&outlines).as_bytes()).unwrap();
            let mut outlines = outlines;
            read.sort_by(|a, b| a.feed_url.cmp(&b.feed_url));
            outlines.sort_by(|a, b| a.feed_url.cmp(&b.feed_url));
            prop_assert_eq!(read, outlines);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
        }
    }
}
