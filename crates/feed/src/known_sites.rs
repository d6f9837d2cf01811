//! Sites whose pages seldom link to their feeds, and feeds whose entries only link to articles:
//! accounts on Mastodon and Bluesky, and searches on Hacker News.

use backissue_model::{Entry, Feed, FeedFormat};
use serde_json::{Map, Value};
use url::Url;

use crate::MAX_ENTRIES;
use crate::addresses::is_on_the_web;
use crate::dates;
use crate::markup_text::one_line;
use crate::tags::{self, TagKind};

/// A kind of site and its rules.
struct Site {
    /// Returns the path of the feed for the address of a page.
    feed_of: fn(&Url) -> Option<String>,
    /// Whether an address is a feed of this site whose entries only link to articles.
    is_feed_of_links: fn(&Url) -> bool,
}

const SITES: [Site; 4] = [
    // The releases of a repository on GitHub.
    Site {
        feed_of: |page| match (page.host_str()?, segments(page).as_slice()) {
            ("github.com" | "www.github.com", [owner, repo] | [owner, repo, "releases"])
                if !GITHUBS_OWN.contains(owner) =>
            {
                Some(format!("/{owner}/{}/releases.atom", repo.trim_end_matches(".git")))
            }
            _ => None,
        },
        is_feed_of_links: |_| false,
    },
    // An account on any Mastodon server.
    Site {
        feed_of: |page| match segments(page).as_slice() {
            [account] if is_account(account) => Some(format!("/{account}.rss")),
            _ => None,
        },
        is_feed_of_links: |feed| match segments(feed).as_slice() {
            [file] => file.strip_suffix(".rss").is_some_and(is_account),
            _ => false,
        },
    },
    // A profile on Bluesky.
    Site {
        feed_of: |page| match (page.host_str()?, segments(page).as_slice()) {
            ("bsky.app", ["profile", name]) => Some(format!("/profile/{name}/rss")),
            _ => None,
        },
        is_feed_of_links: |feed| {
            feed.host_str() == Some("bsky.app") && matches!(segments(feed).as_slice(), ["profile", _, "rss"])
        },
    },
    // A search of Hacker News.
    Site {
        feed_of: |page| {
            let (_, words) = page.query_pairs().find(|(name, _)| matches!(&**name, "q" | "query"))?;
            let is_search = page.host_str() == Some("hn.algolia.com") && segments(page).is_empty();
            let words: String = url::form_urlencoded::byte_serialize(words.as_bytes()).collect();
            is_search.then(|| format!("/api/v1/search_by_date?query={words}&tags=story"))
        },
        is_feed_of_links: |feed| {
            feed.host_str() == Some("hn.algolia.com") && feed.path().starts_with("/api/v1/search")
        },
    },
];

/// First path segments on github.com that are not the name of an owner of repositories.
const GITHUBS_OWN: [&str; 12] = [
    "apps", "collections", "enterprise", "explore", "features", "login", "marketplace", "orgs", "search",
    "settings", "sponsors", "topics",
];

/// The address of the feed for a page on a known site. It is derived from the page's address alone,
/// so the feed may not exist.
pub fn known_feed(page: &Url) -> Option<Url> {
    let path = SITES.iter().find_map(|site| (site.feed_of)(page))?;
    page.join(&path).ok()
}

/// Whether the feed at this address is a feed of links: its entries are not articles but link to
/// them.
pub fn is_feed_of_links(feed: &Url) -> bool {
    SITES.iter().any(|site| (site.is_feed_of_links)(feed))
}

/// Converts the entries of a feed of links to entries for the linked articles. Each post gives its
/// first link to another host; posts without one are dropped. The post's text is not part of the
/// article, and the post's date is only a guess at the article's. Posts of accounts have no title,
/// so an entry with a title on the same host is an ordinary article and stays.
pub fn linked_entries(feed: Feed, at: &Url) -> Feed {
    let own = at.host_str().unwrap_or_default();
    let entries = feed.entries.into_iter().filter_map(|entry| {
        let is_own = entry.url.as_ref().is_none_or(|url| url.host_str() == Some(own));
        if is_own && entry.url.is_some() && entry.title.is_some() {
            return Some(entry);
        }
        let seen = entry.published.or(entry.updated);
        let url = if is_own { link_away(&entry, own)? } else { entry.url? };
        Some(Entry { id: entry.id, url: Some(url), title: entry.title, updated: seen, ..Entry::default() })
    });
    Feed { entries: entries.collect(), ..feed }
}

/// Parses the results of a search on Hacker News, as its API returns them. Returns `None` for other
/// JSON.
pub(crate) fn hacker_news(answer: &Map<String, Value>) -> Option<Feed> {
    let hits = answer.get("hits")?.as_array()?;
    let text = |hit: &Value, name: &str| Some(one_line(hit.get(name)?.as_str()?)).filter(|t| !t.is_empty());
    let entry = |hit: &Value| {
        let id = text(hit, "objectID")?;
        let url = text(hit, "url").and_then(|url| Url::parse(&url).ok()).filter(is_on_the_web);
        let updated = text(hit, "created_at").and_then(|date| dates::parse(&date));
        Some(Entry { id: Some(id), url, title: text(hit, "title"), updated, ..Entry::default() })
    };
    let entries: Vec<Entry> = hits.iter().take(MAX_ENTRIES).filter_map(entry).collect();
    if entries.is_empty() && !hits.is_empty() {
        return None;
    }
    let words = answer.get("query").and_then(Value::as_str).map(one_line).unwrap_or_default();
    let title = Some(format!("Hacker News: {words}"));
    Some(Feed { format: FeedFormat::JsonFeed, title, site_url: None, language: None, entries })
}

fn segments(url: &Url) -> Vec<&str> {
    url.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect()
}

/// Whether `name` is an account as Mastodon writes it: `@user`.
fn is_account(name: &str) -> bool {
    name.strip_prefix('@').is_some_and(|name| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    })
}

/// The first link of a post to another host. Searches the markup, except mentions of people and
/// tags, and then the text.
fn link_away(post: &Entry, own: &str) -> Option<Url> {
    let html = post.content.as_deref().or(post.summary.as_deref())?;
    let leads_away = |url: &Url| is_on_the_web(url) && url.host_str().is_some_and(|host| host != own);
    let linked = tags::tags(html).filter(|tag| tag.name == "a" && tag.kind != TagKind::End);
    let linked = linked.filter_map(|tag| {
        let attributes = tag.attributes();
        let value = |name: &str| tags::value(&attributes, name).unwrap_or_default();
        let names_people =
            value("class").split_ascii_whitespace().any(|c| matches!(c, "mention" | "hashtag"));
        let is_tag = value("rel").split_ascii_whitespace().any(|r| r == "tag");
        Url::parse(value("href")).ok().filter(|_| !names_people && !is_tag)
    });
    linked.into_iter().find(leads_away).or_else(|| in_text(html).find(leads_away))
}

/// The addresses in plain text.
fn in_text(text: &str) -> impl Iterator<Item = Url> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '(' | ')'));
    words.filter(|word| word.starts_with("https://") || word.starts_with("http://")).filter_map(|word| {
        let word = word.trim_end_matches(['.', ',', ';', ':', '!', '?', '…', '\'']);
        Url::parse(&word.replace("&amp;", "&")).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hints, parse};

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn known_page_has_a_known_feed() {
        for (page, feed) in [
            ("https://github.com/vitessio/vitess", "https://github.com/vitessio/vitess/releases.atom"),
            (
                "https://github.com/vitessio/vitess/releases/",
                "https://github.com/vitessio/vitess/releases.atom",
            ),
            ("https://github.com/a/b.git", "https://github.com/a/b/releases.atom"),
            ("https://hachyderm.io/@jane", "https://hachyderm.io/@jane.rss"),
            ("https://bsky.app/profile/jane.example", "https://bsky.app/profile/jane.example/rss"),
            (
                "https://hn.algolia.com/?dateRange=all&q=cache+stampede&type=story",
                "https://hn.algolia.com/api/v1/search_by_date?query=cache+stampede&tags=story",
            ),
        ] {
            assert_eq!(known_feed(&url(page)), Some(url(feed)), "{page}");
        }
        for page in [
            "https://github.com/vitessio",
            "https://github.com/topics/databases",
            "https://github.com/vitessio/vitess/issues",
            "https://acme.example/a/b",
            "https://medium.com/@jane/a-post-1234",
            "https://hachyderm.io/@jane@other.example",
            "https://bsky.app/profile/jane.example/post/3k",
            "https://hn.algolia.com/about?q=a",
            "https://hn.algolia.com/",
        ] {
            assert_eq!(known_feed(&url(page)), None, "{page}");
        }
    }

    fn links(at: &str, document: &str) -> Vec<(String, Option<String>, bool)> {
        let hints = Hints { url: Some(url(at)), media_type: None };
        assert!(is_feed_of_links(&url(at)), "{at}");
        let feed = linked_entries(parse(document.as_bytes(), &hints).unwrap(), &url(at));
        let shown = |entry: Entry| {
            assert!(entry.content.is_none() && entry.summary.is_none() && entry.published.is_none());
            (entry.url.unwrap().to_string(), entry.title, entry.updated.is_some())
        };
        feed.entries.into_iter().map(shown).collect()
    }

    #[test]
    fn posts_of_an_account_become_their_links() {
        let mastodon = r##"<?xml version="1.0" encoding="UTF-8"?>
            <rss version="2.0" xmlns:webfeeds="http://webfeeds.org/rss/1.0" xmlns:media="http://search.yahoo.com/mrss/">
            <channel><title>Jane</title><description>Public posts from @jane@hachyderm.io</description>
            <link>https://hachyderm.io/@jane</link><generator>Mastodon v4.3.1</generator>
            <item><guid isPermaLink="true">https://hachyderm.io/@jane/113</guid><link>https://hachyderm.io/@jane/113</link>
            <pubDate>Tue, 12 May 2026 08:00:00 +0000</pubDate>
            <description>&lt;p&gt;&lt;span class="h-card"&gt;&lt;a href="https://mastodon.social/@bob" class="u-url mention"&gt;@&lt;span&gt;bob&lt;/span&gt;&lt;/a&gt;&lt;/span&gt;
            on &lt;a href="https://hachyderm.io/tags/kafka" class="mention hashtag" rel="tag"&gt;#&lt;span&gt;kafka&lt;/span&gt;&lt;/a&gt;:
            &lt;a href="https://acme.example/blog/queues?a=1&amp;amp;b=2" target="_blank" rel="nofollow noopener noreferrer" translate="no"&gt;&lt;span class="invisible"&gt;https://&lt;/span&gt;acme.example&lt;/a&gt;&lt;/p&gt;</description></item>
            <item><guid isPermaLink="true">https://hachyderm.io/@jane/112</guid><link>https://hachyderm.io/@jane/112</link>
            <pubDate>Mon, 11 May 2026 08:00:00 +0000</pubDate><description>&lt;p&gt;Good morning.&lt;/p&gt;</description></item>
            </channel></rss>"##;
        let found = links("https://hachyderm.io/@jane.rss", mastodon);
        assert_eq!(found, [("https://acme.example/blog/queues?a=1&b=2".to_owned(), None, true)]);
        let bluesky = "<rss version=\"2.0\"><channel><description>Jane's posts</description>
            <link>https://bsky.app/profile/jane.example</link><title>@jane.example - Jane</title>
            <item><link>https://bsky.app/profile/jane.example/post/3lb</link>
            <description>We moved our queues (https://acme.example/blog/moved-queues), and it hurt.\n\nThread: https://bsky.app/profile/jane.example/post/3la</description>
            <pubDate>11 May 2026 19:49 +0000</pubDate>
            <guid isPermaLink=\"false\">at://did:plc:abc/app.bsky.feed.post/3lb</guid></item>
            <item><link>https://bsky.app/profile/jane.example/post/3la</link><description>Hello</description>
            <pubDate>10 May 2026 19:49 +0000</pubDate></item></channel></rss>";
        let found = links("https://bsky.app/profile/jane.example/rss", bluesky);
        assert_eq!(found, [("https://acme.example/blog/moved-queues".to_owned(), None, true)]);
    }

    #[test]
    fn articles_in_a_feed_of_this_name_stay() {
        let text = r#"<rss version="2.0"><channel><item><title>Locks</title><link>https://acme.example/locks</link>
            <description>See https://bolt.example/.</description></item></channel></rss>"#;
        let at = url("https://acme.example/@notes.rss");
        let feed = parse(text.as_bytes(), &Hints::default()).unwrap();
        assert_eq!(linked_entries(feed.clone(), &at), feed);
    }

    #[test]
    fn results_of_a_search_are_entries() {
        let answer = r#"{"exhaustive":{"nbHits":true},"hits":[
            {"_highlightResult":{"title":{"value":"x"}},"_tags":["story","author_a","story_1"],"author":"a",
             "created_at":"2026-05-12T08:00:00Z","created_at_i":1778572800,"num_comments":3,"objectID":"1","points":9,
             "story_id":1,"title":"Cache stampedes (2019)","updated_at":"2026-05-13T08:00:00Z","url":"https://acme.example/stampede"},
            {"author":"b","created_at":"2026-05-11T08:00:00Z","objectID":"2","story_text":"Which cache?","title":"Ask HN: Caches?"}],
            "hitsPerPage":20,"nbHits":2,"nbPages":1,"page":0,"params":"query=cache","query":"cache stampede"}"#;
        let at = "https://hn.algolia.com/api/v1/search_by_date?query=cache+stampede&tags=story";
        let found = links(at, answer);
        let title = Some("Cache stampedes (2019)".to_owned());
        assert_eq!(found, [("https://acme.example/stampede".to_owned(), title, true)]);
        let feed = parse(answer.as_bytes(), &Hints::default()).unwrap();
        assert_eq!(feed.title.as_deref(), Some("Hacker News: cache stampede"));
        assert!(parse(br#"{"hits":[{"a":1}]}"#, &Hints::default()).is_err());
    }
}
