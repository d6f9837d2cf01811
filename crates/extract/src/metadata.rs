//! A page's metadata: address, title, author, date, site, description, language.
//!
//! Each field has an order of sources, most exact first: linked data (schema.org in JSON-LD), meta
//! elements (Open Graph, Dublin Core and others), marked elements (`itemprop`, `rel`, `<time>`),
//! visible text, and the address.

use backissue_model::{Entry, collapsed, dates, letters, same_site};
use jiff::Timestamp;
use url::Url;

use crate::boilerplate::words_of_name;
use crate::datelines::{is_day_or_month, is_only_a_date};
use crate::linked_data::LinkedData;
use crate::measure::Measure;
use crate::titles;
use crate::tree::{At, AttrName, Tag, Tree};

/// Maximum bytes of a title, name or description.
const LONGEST_FIELD: usize = 2000;

/// Number of nodes after the headline in which the date and the author are searched.
const MOST_ABOUT_HEADLINE: usize = 80;

/// Number of ancestors whose names can show that a node belongs to something else.
const MOST_AROUND: usize = 20;

/// Words in `class` and `id` of elements with another date and author than the article, such as
/// comments.
const ANOTHERS: &[&str] = &[
    "agenda", "calendar", "comment", "commentlist", "comments", "disqus", "event", "events", "latest",
    "popular", "recent", "recommended", "related", "relatedposts", "replies", "reply", "responses",
    "sidebar", "teaser", "trending", "upcoming", "widget",
];

/// A page's metadata.
#[derive(Debug, Default)]
pub(crate) struct Metadata {
    pub(crate) canonical_url: Option<Url>,
    pub(crate) title: Option<String>,
    pub(crate) author: Option<String>,
    pub(crate) published: Option<Timestamp>,
    pub(crate) site_name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) language: Option<String>,
}

impl Metadata {
    /// Reads a page's metadata.
    pub(crate) fn of(tree: &Tree, measures: &[Measure], json_ld: &[String], url: Option<&Url>) -> Self {
        let data = LinkedData::of(json_ld);
        let mut page = Witnesses { tree, measures, metas: metas(tree), data, url, headline: None };
        let site_name = page.site_name();
        let title = page.title(site_name.as_deref());
        page.headline = page.heading_with(title.as_deref());
        Self {
            canonical_url: page.canonical_url(),
            title,
            author: page.author(site_name.as_deref()),
            published: page.published(),
            description: page
                .meta(&[
                    "og:description", "description", "twitter:description", "dc.description",
                    "dcterms.description",
                ])
                .or_else(|| page.data.description.clone())
                .and_then(|d| field(&d)),
            language: page.language(),
            site_name,
        }
    }

    /// Fills missing fields from the feed's entry.
    pub(crate) fn or_entry(mut self, entry: &Entry) -> Self {
        self.title = self.title.or_else(|| entry.title.as_deref().and_then(field));
        self.author = self.author.or_else(|| entry.author.as_deref().and_then(name));
        self.published = self.published.or(entry.published);
        self.description = self.description.or_else(|| {
            let summary = crate::whole::plain_text(entry.summary.as_deref()?);
            field(&summary).filter(|s| s.len() <= 1000)
        });
        self
    }
}

struct Witnesses<'a> {
    tree: &'a Tree,
    measures: &'a [Measure],
    /// The meta elements: name or property in lower case, and content.
    metas: Vec<(String, &'a str)>,
    data: LinkedData,
    url: Option<&'a Url>,
    /// The heading that has the article's title.
    headline: Option<At>,
}

fn metas(tree: &Tree) -> Vec<(String, &str)> {
    tree.nodes
        .iter()
        .filter(|n| n.tag == Tag::Meta)
        .filter_map(|n| {
            let key = n
                .attr(AttrName::Property)
                .or(n.attr(AttrName::Name))
                .or(n.attr(AttrName::Itemprop))
                .or(n.attr(AttrName::HttpEquiv))?;
            Some((key.trim().to_ascii_lowercase(), n.attr(AttrName::Content)?.trim()))
        })
        .filter(|(_, content)| !content.is_empty())
        .collect()
}

impl Witnesses<'_> {
    /// The content of the first meta element with one of `keys`, in the order of the keys.
    fn meta(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| self.metas.iter().find(|(k, _)| k == key).map(|(_, c)| (*c).to_owned()))
    }

    fn canonical_url(&self) -> Option<Url> {
        let link = self.tree.nodes.iter().find(|n| {
            n.tag == Tag::Link
                && n.attr(AttrName::Rel)
                    .is_some_and(|r| r.split_ascii_whitespace().any(|r| r.eq_ignore_ascii_case("canonical")))
        });
        let link = link.and_then(|n| n.attr(AttrName::Href)).map(str::to_owned);
        link.into_iter().chain(self.meta(&["og:url"])).find_map(|address| {
            let address = crate::render::absolute(&address, self.url, &["http", "https"])?;
            self.url.is_none_or(|url| is_same_article_site(url, &address)).then_some(address)
        })
    }

    fn site_name(&self) -> Option<String> {
        self.meta(&["og:site_name", "application-name", "al:android:app_name"])
            .or_else(|| self.data.site_name.clone())
            .and_then(|n| field(&n))
            .filter(|n| n.len() <= 120)
    }

    fn title(&self, site_name: Option<&str>) -> Option<String> {
        let shown = self.tree.first(Tag::Title).map(|at| collapsed(&self.whole_text(at)));
        let declared = [
            self.meta(&["og:title"]),
            self.data.headline.clone(),
            self.meta(&["twitter:title", "dc.title", "dcterms.title", "parsely-title"]),
            shown,
        ];
        let declared: Vec<String> = declared.into_iter().flatten().filter_map(|t| field(&t)).collect();
        let headings: Vec<String> = self
            .tree
            .nodes
            .iter()
            .enumerate()
            .filter(|(at, n)| matches!(n.tag, Tag::H1 | Tag::H2) && self.measures[*at].chars > 1)
            .take(12)
            .map(|(at, _)| titles::without_anchor(&self.tree.text(at, 400)))
            .collect();
        let first_h1 = self.tree.first(Tag::H1).map(|at| titles::without_anchor(&self.tree.text(at, 400)));
        titles::choose(&declared, &headings, first_h1.as_deref(), site_name, self.url)
    }

    /// The first heading with this title. Otherwise the first `h1`, and otherwise the first `h2`.
    /// In many blogs the `h1` is the blog's name.
    fn heading_with(&self, title: Option<&str>) -> Option<At> {
        let tree = self.tree;
        let title = title.map(letters);
        let has_title = |at: &At| {
            matches!(tree.tag(*at), Tag::H1 | Tag::H2 | Tag::H3)
                && title.as_deref() == Some(&letters(&tree.text(*at, 400)))
        };
        (0..tree.nodes.len()).find(has_title).or_else(|| tree.first(Tag::H1)).or_else(|| tree.first(Tag::H2))
    }

    /// The text of an element that is never rendered, such as `<title>`.
    fn whole_text(&self, at: At) -> String {
        self.tree.below(at).map(|n| &*self.tree.node(n).text).collect()
    }

    fn author(&self, site_name: Option<&str>) -> Option<String> {
        // The site is not the author.
        let is_site = |name: &String| site_name.is_some_and(|site| site.eq_ignore_ascii_case(name));
        let declared = self.data.author.clone().into_iter().chain(
            self.metas
                .iter()
                .filter(|(k, _)| {
                    matches!(
                        k.as_str(),
                        "author"
                            | "article:author"
                            | "dc.creator"
                            | "dcterms.creator"
                            | "dc:creator"
                            | "parsely-author"
                            | "sailthru.author"
                            | "byl"
                            | "citation_author"
                    )
                })
                .map(|(_, c)| (*c).to_owned()),
        );
        declared
            .into_iter()
            .filter_map(|a| name(&a))
            .find(|name| !is_site(name))
            .or_else(|| self.shown_author().filter(|name| !is_site(name)))
            .or_else(|| self.author_beside_date().filter(|name| !is_site(name)))
            .or_else(|| self.said_author().filter(|name| !is_site(name)))
    }

    /// The author by the page's markup or text.
    fn shown_author(&self) -> Option<String> {
        let tree = self.tree;
        let near = |at: &At| {
            let short = self.measures[*at].chars > 2 && self.measures[*at].chars < 100;
            short && !self.is_anothers(*at)
        };
        let find = |test: &dyn Fn(&crate::tree::Node) -> bool| {
            (0..tree.nodes.len())
                .filter(near)
                .filter(|&at| test(tree.node(at)))
                .find_map(|at| name(&self.names_in(at)))
        };
        let has = |value: Option<&str>, word: &str| {
            value.is_some_and(|v| v.split_ascii_whitespace().any(|w| w == word))
        };
        find(&|n| has(n.attr(AttrName::Rel), "author"))
            .or_else(|| find(&|n| has(n.attr(AttrName::Itemprop), "author")))
            .or_else(|| {
                find(&|n| {
                    n.attr(AttrName::Class).is_some_and(|c| {
                        let c = c.to_ascii_lowercase();
                        [
                            "byline", "author-name", "author_name", "post-author", "entry-author",
                            "p-author", "article-author",
                        ]
                        .iter()
                        .any(|b| c.contains(b))
                            || c.split_ascii_whitespace().any(names_author)
                    })
                })
            })
    }

    /// The text of a byline, with ` | ` between lines. Names in elements without a space between
    /// them are separated by commas.
    fn names_in(&self, at: At) -> String {
        let tree = self.tree;
        let (mut names, mut mark) = (String::new(), None);
        for n in tree.below(at) {
            let tag = tree.tag(n);
            if tag.is_block() || tag == Tag::Br {
                mark = Some(if tag == Tag::Li { ", " } else { " | " });
            }
            let text = &*tree.node(n).text;
            if tag != Tag::Text || text.trim().is_empty() {
                names.push_str(if tag == Tag::Text { " " } else { "" });
                continue;
            }
            let is_glued = names.ends_with(|c: char| c.is_lowercase() || c == ')')
                && text.starts_with(char::is_uppercase);
            let mark = mark.take().or(is_glued.then_some(", ")).filter(|_| !names.trim().is_empty());
            names.push_str(mark.unwrap_or_default());
            names.push_str(text);
            if names.len() > 200 {
                break;
            }
        }
        // Text of buttons and the like is no name.
        let shown = tree.text(at, 200);
        if letters(&names) == letters(&shown) { collapsed(&names) } else { shown }
    }

    /// The author in a line near the title that begins like a byline: `By Ann Lee`.
    fn said_author(&self) -> Option<String> {
        const STARTS: &[&str] = &["by ", "posted by ", "written by ", "author: ", "authors: "];
        let tree = self.tree;
        let heading = self.headline?;
        let near = heading..(heading + MOST_ABOUT_HEADLINE).min(tree.nodes.len());
        let is_line = |&at: &At| {
            let short = (6..110).contains(&self.measures[at].chars);
            short && tree.tag(at).is_block() && !tree.below(at).any(|n| tree.tag(n).is_block())
        };
        let is_name = |word: &str| word.starts_with(|c: char| c.is_uppercase()) || word.len() <= 3;
        near.filter(is_line).map(|at| self.names_in(at)).find_map(|line| {
            let start = STARTS.iter().any(|start| without(start, &line).is_some());
            let names = name(&line).filter(|_| start && !line.ends_with('.'))?;
            names.split_whitespace().all(is_name).then_some(names)
        })
    }

    /// The author in a line with a date near the title: `August 15, 2023 - Ann Lee (@ann)`.
    fn author_beside_date(&self) -> Option<String> {
        let tree = self.tree;
        let heading = self.headline?;
        let near = heading..(heading + 60).min(tree.nodes.len());
        let lines = near.clone().filter(|&at| {
            let short = (8..110).contains(&self.measures[at].chars);
            short && tree.tag(at).is_block() && !tree.below(at).any(|n| tree.tag(n).is_block())
        });
        let runs =
            near.filter(|&at| tree.tag(at) == Tag::Text && dates::in_words(&tree.node(at).text).is_some());
        let lines = lines.map(|at| self.lines_of(at)).chain(runs.map(|at| self.run_from(at)));
        lines.filter(|line| line.len() < 200 && dates::in_words(line).is_some()).find_map(|line| {
            let line = [" by ", " - ", " – ", " — ", " · ", " • "]
                .iter()
                .fold(line, |l, mark| l.replace(mark, " | "));
            line.split(" | ")
                .filter(|piece| dates::in_words(piece).is_none())
                .filter_map(|piece| name(piece.split(" (").next().unwrap_or(piece)))
                .find(|n| n.split_whitespace().count() <= 8)
        })
    }

    /// The text of a block, with ` | ` for each line break.
    fn lines_of(&self, at: At) -> String {
        let tree = self.tree;
        let breaks = || tree.below(at).filter(|&n| tree.tag(n) == Tag::Br);
        if breaks().next().is_none() {
            return tree.text(at, 200);
        }
        let parts = tree.below(at).filter(|&n| matches!(tree.tag(n), Tag::Text | Tag::Br));
        let parts = parts.map(|n| if tree.tag(n) == Tag::Br { " | " } else { &*tree.node(n).text });
        collapsed(&parts.collect::<String>())
    }

    /// The text from a text node up to the next block.
    fn run_from(&self, at: At) -> String {
        let tree = self.tree;
        let run = (at..(at + 20).min(tree.nodes.len())).take_while(|&n| !tree.tag(n).is_block());
        collapsed(&run.map(|n| &*tree.node(n).text).collect::<Vec<_>>().join(" "))
    }

    fn published(&self) -> Option<Timestamp> {
        const KEYS: &[&str] = &[
            "article:published_time", "og:article:published_time", "og:published_time", "article:published",
            "datepublished", "dc.date.issued", "dcterms.issued", "dcterms.created", "dc.date",
            "dcterms.date", "dc.date.created", "dc:date", "date", "pubdate", "publishdate", "publish-date",
            "publish_date", "publication_date", "published_time", "pub_date", "parsely-pub-date",
            "sailthru.date", "citation_publication_date", "citation_date", "article.published",
            "originalpublicationdate", "timestamp", "cxenseparse:recs:publishtime", "created",
        ];
        let declared = self.data.published.iter().find_map(|d| dates::on_page(d));
        declared
            .or_else(|| {
                KEYS.iter().find_map(|key| {
                    self.metas.iter().filter(|(k, _)| k == key).find_map(|(_, c)| dates::on_page(c))
                })
            })
            .or_else(|| self.marked_date())
            // A day in the address is the day of publication; one in the text beside the title may
            // be that of a meeting.
            .or_else(|| dates::in_address(self.url?))
            .or_else(|| self.shown_date())
    }

    fn marked_date(&self) -> Option<Timestamp> {
        let tree = self.tree;
        let told = |at: At| {
            let node = tree.node(at);
            [node.attr(AttrName::DateTime), node.attr(AttrName::Content), node.attr(AttrName::Title)]
                .into_iter()
                .flatten()
                .find_map(dates::on_page)
                .or_else(|| dates::on_page(&tree.text(at, 100)))
        };
        let marked = |word: &str| {
            (0..tree.nodes.len())
                .filter(|&at| {
                    let is = |p: &str| p.split_whitespace().any(|p| p == word);
                    tree.node(at).attr(AttrName::Itemprop).is_some_and(is) && !self.is_anothers(at)
                })
                .find_map(told)
        };
        // `<time>`, and elements of scripts that show dates as they like.
        let is_time = |at: At| {
            let (tag, node) = (tree.tag(at), tree.node(at));
            tag == Tag::Time || tag == Tag::Other && node.attr(AttrName::DateTime).is_some()
        };
        let times = || (0..tree.nodes.len()).filter(|&at| is_time(at) && !self.is_anothers(at));
        // A time that says so is one of a change.
        let tells_change = |at: &At| is_of_change(&tree.text(*at, 100)) || self.follows_change(*at);
        let first_times = || times().filter(|at| !tells_change(at));
        let headline = self.headline();
        let published = |at: &At| {
            tree.node(*at).attr(AttrName::Class).is_some_and(|c| {
                c.contains("publish") || c.contains("dt-published") || c.contains("entry-date")
            })
        };
        let in_article =
            |at: &At| tree.around(*at).take(8).any(|n| matches!(tree.tag(n), Tag::Article | Tag::Main));
        marked("datePublished")
            .or_else(|| times().filter(published).find_map(told))
            .or_else(|| self.microformat().find_map(told))
            .or_else(|| first_times().filter(|at| headline.contains(at)).find_map(told))
            .or_else(|| self.shown_date().filter(|_| times().next().is_some()))
            .or_else(|| first_times().filter(in_article).find_map(told))
            .or_else(|| times().filter(|at| headline.contains(at)).find_map(told))
            .or_else(|| times().find_map(told))
            .or_else(|| marked("dateCreated"))
    }

    /// Elements with the class that microformats use for the day of publication.
    fn microformat(&self) -> impl Iterator<Item = At> + '_ {
        (0..self.tree.nodes.len()).filter(|&at| {
            let class = self.tree.node(at).attr(AttrName::Class).unwrap_or("");
            let is_one = class.split_ascii_whitespace().any(|c| matches!(c, "published" | "dt-published"));
            is_one && self.measures[at].chars < 60 && !self.is_anothers(at)
        })
    }

    /// Whether the text directly before a node says that the date in it is that of a change.
    fn follows_change(&self, at: At) -> bool {
        let before = (at.saturating_sub(3)..at)
            .rev()
            .find(|&n| self.tree.tag(n) == Tag::Text && !self.tree.node(n).is_blank());
        before.is_some_and(|n| {
            let text = self.tree.node(n).text.trim().to_lowercase();
            text.len() < 40 && is_of_change(&text) && dates::on_page(&text).is_none()
        })
    }

    /// The nodes around the headline: from shortly before it to the article's first paragraph.
    fn headline(&self) -> std::ops::Range<At> {
        let tree = self.tree;
        let heading = self.headline.unwrap_or(0);
        let end = (heading + MOST_ABOUT_HEADLINE).min(tree.nodes.len());
        let is_paragraph = |at: &At| tree.tag(*at) == Tag::P && self.measures[*at].prose >= 80;
        heading.saturating_sub(40)..(heading..end).find(is_paragraph).unwrap_or(end)
    }

    /// Whether a node belongs to a comment, another post or an event, by the name of an ancestor,
    /// or because its tag marks it as boilerplate.
    fn is_anothers(&self, at: At) -> bool {
        let tree = self.tree;
        std::iter::once(at).chain(tree.around(at).take(MOST_AROUND)).any(|n| {
            let node = tree.node(n);
            let named =
                [AttrName::Class, AttrName::Id].into_iter().filter_map(|a| node.attr(a)).any(|names| {
                    names.len() <= 400
                        && names
                            .split_ascii_whitespace()
                            .flat_map(words_of_name)
                            .any(|w| ANOTHERS.contains(&w.as_str()))
                });
            matches!(node.tag, Tag::Aside | Tag::Nav) || node.is_notice || named && !self.holds_headline(n)
        })
    }

    /// Whether an element contains the headline. Then it is the whole page, whatever its name.
    fn holds_headline(&self, at: At) -> bool {
        self.headline.is_some_and(|heading| (at..self.tree.node(at).end).contains(&heading))
    }

    /// The date in a short line near the title.
    fn shown_date(&self) -> Option<Timestamp> {
        let tree = self.tree;
        let heading = self.headline?;
        let around = heading.saturating_sub(30)..(heading + 60).min(tree.nodes.len());
        // A day of a change counts only if there is no other.
        let dated = |at: At, changed: bool| {
            let line = after_change(tree.node(at).text.trim());
            if line.len() >= 80 || (is_of_change(line) || self.follows_change(at)) != changed {
                return None;
            }
            dates::in_words(line).or_else(|| dates::on_page(line))
        };
        let texts = |range: std::ops::Range<At>| range.filter(|&at| tree.tag(at) == Tag::Text);
        [false, true].into_iter().find_map(|changed| {
            texts(heading..around.end)
                .find_map(|at| dated(at, changed))
                .or_else(|| texts(around.start..heading).rev().find_map(|at| dated(at, changed)))
        })
    }

    fn language(&self) -> Option<String> {
        let html = self.tree.nodes.first();
        html.and_then(|n| n.attr(AttrName::Lang).or(n.attr(AttrName::XmlLang)))
            .and_then(language_tag)
            .or_else(|| {
                language_tag(&self.meta(&["og:locale", "content-language", "dc.language", "language"])?)
            })
            .or_else(|| language_tag(self.data.language.as_deref()?))
    }
}

/// Whether a short text gives the day of a change: `Last updated on March 9`.
fn is_of_change(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words = || lower.split(|c: char| !c.is_alphabetic());
    words().any(|word| {
        matches!(word, "updated" | "modified" | "edited" | "revised" | "reviewed" | "aktualisiert")
    }) && !words().any(|word| matches!(word, "published" | "posted"))
}

/// The rest of a line after the day of a change, if it gives the day of publication there.
fn after_change(line: &str) -> &str {
    let lower = line.to_ascii_lowercase();
    let change = ["updated", "modified", "edited"].iter().find_map(|word| lower.find(word));
    let first = ["published", "posted"].iter().find_map(|word| lower.find(word));
    match (change, first) {
        (Some(change), Some(first)) if change < first => &line[first..],
        (Some(change), Some(_)) => &line[..change],
        _ => line,
    }
}

/// Whether a class marks an author: by its last word, or by the word before a bundler's suffix
/// (`authorName_yefp`).
fn names_author(class: &str) -> bool {
    let words = words_of_name(class);
    let is_pair =
        |pair: &[String]| pair[1] == "name" && matches!(pair[0].as_str(), "author" | "authors" | "avatar");
    words.last().is_some_and(|word| matches!(word.as_str(), "author" | "authors"))
        || words.windows(2).any(is_pair)
}

/// A short text as the value of a field. Returns `None` if it is empty or too long.
pub(crate) fn field(text: &str) -> Option<String> {
    let text = undone_entities(&collapsed(text));
    (!text.is_empty() && text.len() <= LONGEST_FIELD).then_some(text)
}

/// Resolves character references that were escaped twice: `&amp;amp;`.
fn undone_entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut text = text.to_owned();
    for (reference, character) in [
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&rsquo;", "’"),
        ("&lsquo;", "‘"),
        ("&ldquo;", "“"),
        ("&rdquo;", "”"),
        ("&ndash;", "–"),
        ("&mdash;", "—"),
        ("&nbsp;", " "),
        ("&#8217;", "’"),
        ("&#8211;", "–"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ] {
        text = text.replace(reference, character);
    }
    text
}

/// The name of an author: `text` without "By", without a date before or after it, without role and
/// address. Several names are joined with commas.
pub(crate) fn name(text: &str) -> Option<String> {
    let text = without_address(&field(text).filter(|n| !is_only_a_date(&n.to_lowercase()))?);
    // An icon.
    let text = text.trim_start_matches(|c: char| !c.is_alphanumeric() && !"@([\"'“".contains(c));
    let mut name = without_date_before(text);
    const NO_NAMES: &[&str] = &[
        "tagged ", "filed ", "posted in ", "published in ", "categories", "category:", "tags:", "share ",
        "no comments", "leave a ", "read more",
    ];
    // "in Engineering", but not the person In Kyung.
    if name.starts_with("in ") || NO_NAMES.iter().any(|start| without(start, &name).is_some()) {
        return None;
    }
    for prefix in ["by ", "written by ", "posted by ", "authored by ", "author: ", "authors: ", "author "] {
        if let Some(rest) = without(prefix, &name) {
            name = rest.to_owned();
        }
    }
    // "Guest post by Ann Lee", "Words by Ann Lee".
    if let Some((before, after)) = name.split_once(" by ")
        && before.split_whitespace().all(|word| WRITTEN.contains(&word.to_lowercase().as_str()))
    {
        name = after.trim().to_owned();
    }
    // "By" in other languages. "von" can also start a family name.
    for prefix in ["von ", "par ", "por "] {
        if let Some(rest) = without(prefix, &name).filter(|rest| is_whole_name(rest)) {
            name = rest.to_owned();
        }
    }
    let end =
        [" on ", " | ", " · ", " • ", " — ", " (", " published ", ", posted", " edited by ", " Edited by "]
            .iter()
            .filter_map(|mark| name.find(mark))
            .min()
            .unwrap_or(name.len());
    name.truncate(end);
    name.truncate(before_a_date(&name));
    // What is left of "at 10:00", "am 5. März", ", le 5 mars".
    if let Some((start, "at" | "am" | "le" | "el" | "il" | "den" | "vom")) =
        name.trim_end().rsplit_once([' ', ','])
    {
        name.truncate(start.len());
    }
    let name = name.trim().trim_matches([',', '-', '–', '—', '|', '·', '•', ':', ';', '/']).trim();
    let no_name = name.contains("://")
        || name.starts_with("www.")
        || name.contains('@')
        || name.len() > 200
        // A reading time or a number of revisions.
        || name.starts_with(|c: char| c.is_ascii_digit())
        || name.chars().filter(|c| c.is_alphabetic()).count() < 2
        || is_day_or_month(&name.to_lowercase())
        || matches!(
            name.to_ascii_lowercase().as_str(),
            "admin"
                | "administrator"
                | "author"
                | "by"
                | "staff"
                | "unknown"
                | "anonymous"
                | "none"
                | "null"
                | "undefined"
                | "guest"
                | "editor"
                | "share"
                | "comments"
                | "follow"
        );
    let comma = |name: &str| name.replace(", and ", ", ").replace(" and ", ", ").replace(" & ", ", ");
    let names = (!no_name).then(|| comma(name).replace(" ,", ","))?;
    without_roles(&names)
}

/// Words that may precede "by" in a byline.
const WRITTEN: &[&str] = &[
    "a", "article", "blog", "contributed", "guest", "post", "posted", "published", "story", "words",
    "written",
];

/// A name without the mail address beside it: `Ann Lee <ann@acme.example>`, `ann@acme.example (Ann
/// Lee)`.
fn without_address(text: &str) -> String {
    let is_address = |part: &str| part.contains('@') && !part.trim().contains(' ');
    if let Some((before, after)) = text.split_once('<')
        && is_address(after)
    {
        return before.trim().to_owned();
    }
    match text.split_once('(') {
        Some((before, after)) if is_address(before) => after.trim_end_matches(')').trim().to_owned(),
        _ => text.to_owned(),
    }
}

/// A byline without the date before it: `Monday August 27, 2018 10:05 am PDT by Ann Lee`, `Aug 5,
/// 2020 · Ann Lee`.
fn without_date_before(text: &str) -> String {
    let is_date = |start: &str| {
        let lower = start.trim().to_lowercase();
        is_only_a_date(&lower) || lower.len() < 60 && dates::in_words(&lower).is_some()
    };
    for mark in [" by ", " By ", " | ", " · ", " • ", " — ", " – ", " - ", ", by ", "\t"] {
        if let Some((before, after)) = text.split_once(mark)
            && is_date(before)
            && !after.trim().is_empty()
        {
            return after.trim().to_owned();
        }
    }
    text.to_owned()
}

/// Roles that follow people's names.
const ROLES: &[&str] = &[
    "analyst", "architect", "ceo", "cofounder", "co-founder", "contributor", "correspondent", "cto",
    "designer", "developer", "director", "editor", "engineer", "engineering", "founder", "intern", "lead",
    "manager", "president", "reporter", "researcher", "scientist", "sre", "vp", "writer",
];

/// Whether a short line is a role: `Senior Software Engineer`.
pub(crate) fn is_role(line: &str) -> bool {
    let last = line.split_whitespace().last().unwrap_or("").to_lowercase();
    line.len() < 60 && ROLES.contains(&last.as_str())
}

/// Removes roles after names: `Ann Lee, Senior Engineer at Acme` and `Ann Lee Games Editor` become
/// `Ann Lee`. Also removes the team or company after the last role.
fn without_roles(names: &str) -> Option<String> {
    let is_role = |word: &str| ROLES.contains(&word.to_lowercase().as_str());
    let pieces: Vec<Vec<&str>> = names
        .split(", ")
        .map(|piece| piece.split_whitespace().collect())
        .filter(|p: &Vec<_>| !p.is_empty())
        .collect();
    let tells_role = |piece: &[&str]| {
        let own = piece.split(|word| matches!(*word, "at" | "@" | "of")).next().unwrap_or(piece);
        own.last().is_some_and(|word| is_role(word)) || piece.len() > 1 && is_role(piece[0])
    };
    let roles: Vec<bool> =
        pieces.iter().enumerate().map(|(place, piece)| place > 0 && tells_role(piece)).collect();
    let last_role = roles.iter().rposition(|is_role| *is_role).unwrap_or(pieces.len());
    let mut kept: Vec<String> = Vec::new();
    for (_, piece) in pieces.iter().enumerate().filter(|(place, _)| *place <= last_role && !roles[*place]) {
        let last_is_role = piece.last().is_some_and(|word| is_role(word));
        let own = if last_is_role && piece.len() >= 4 { &piece[..piece.len() - 2] } else { &piece[..] };
        kept.push(own.join(" "));
    }
    (!kept.is_empty()).then(|| kept.join(", "))
}

/// Removes `prefix`, in any case, from the start of `text`. Returns `None` if it is not there.
fn without<'t>(prefix: &str, text: &'t str) -> Option<&'t str> {
    let begins = text.get(..prefix.len())?.eq_ignore_ascii_case(prefix);
    begins.then(|| text[prefix.len()..].trim())
}

/// Whether a text starts like a person's full name in the usual order: `Ann Lee`, but neither
/// `Neumann` nor `der Leyen, Ursula`.
fn is_whole_name(text: &str) -> bool {
    let mut words = text.split_whitespace();
    words.next().is_some_and(|first| first.starts_with(char::is_uppercase) && !first.ends_with(','))
        && words.next().is_some()
}

/// The position where a name ends and a date or number follows without separator: `Ann Lee22 Dec
/// 2016`, `Ann Lee March 11, 2015`.
fn before_a_date(name: &str) -> usize {
    let Some(digit) = name.find(|c: char| c.is_ascii_digit()).filter(|&d| d > 3) else { return name.len() };
    let before = name[..digit].trim_end();
    let word = before.rfind(' ').map_or(0, |s| s + 1);
    if word > 3 && is_only_a_date(&format!("{} 1", before[word..].to_lowercase())) { word } else { digit }
}

/// The text as a language tag in its usual form (`en-US`). Returns `None` if it is not a tag (BCP
/// 47).
fn language_tag(text: &str) -> Option<String> {
    let text = text.trim().split([',', ';']).next()?.trim();
    let text = text.split('.').next()?;
    let mut tag = String::new();
    for (i, part) in text.split(['-', '_']).enumerate() {
        let sound = part.bytes().all(|b| b.is_ascii_alphanumeric());
        match (i, part.len()) {
            (0, 2 | 3) if part.bytes().all(|b| b.is_ascii_alphabetic()) => {
                tag.push_str(&part.to_ascii_lowercase())
            }
            (0, _) => return None,
            (_, 2) if sound => tag.push_str(&format!("-{}", part.to_ascii_uppercase())),
            (_, 4) if sound => tag.push_str(&format!(
                "-{}{}",
                part[..1].to_ascii_uppercase(),
                part[1..].to_ascii_lowercase()
            )),
            (_, 1..=8) if sound => tag.push_str(&format!("-{}", part.to_ascii_lowercase())),
            _ => break,
        }
    }
    (!matches!(tag.as_str(), "" | "und" | "zxx" | "mul")).then_some(tag)
}

/// The language of a text. Returns `None` if it cannot be detected.
pub(crate) fn recognised_language(text: &str) -> Option<String> {
    let found =
        whatlang::detect(&text[..text.floor_char_boundary(4000)]).filter(|found| found.is_reliable())?;
    const TWO_LETTERS: &[(&str, &str)] = &[
        ("eng", "en"),
        ("deu", "de"),
        ("fra", "fr"),
        ("spa", "es"),
        ("por", "pt"),
        ("ita", "it"),
        ("nld", "nl"),
        ("rus", "ru"),
        ("ukr", "uk"),
        ("pol", "pl"),
        ("ces", "cs"),
        ("slk", "sk"),
        ("swe", "sv"),
        ("dan", "da"),
        ("nob", "no"),
        ("fin", "fi"),
        ("tur", "tr"),
        ("cmn", "zh"),
        ("jpn", "ja"),
        ("kor", "ko"),
        ("ara", "ar"),
        ("heb", "he"),
        ("hin", "hi"),
        ("vie", "vi"),
        ("ind", "id"),
        ("tha", "th"),
        ("hun", "hu"),
        ("ron", "ro"),
        ("bul", "bg"),
        ("ell", "el"),
        ("cat", "ca"),
        ("pes", "fa"),
    ];
    let code = found.lang().code();
    Some(TWO_LETTERS.iter().find(|(three, _)| *three == code).map_or(code, |(_, two)| two).to_owned())
}

/// Whether a page at `url` may declare `address` as its own: both are on the same site, and
/// `address` can be an article's.
fn is_same_article_site(url: &Url, address: &Url) -> bool {
    let front = |u: &Url| u.path().len() <= 1 && u.query().is_none();
    if front(address) && !front(url) {
        return false;
    }
    let (Some(ours), Some(theirs)) = (url.host_str(), address.host_str()) else { return false };
    same_site(ours, theirs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_bylines_dates_and_roles() {
        for (text, told) in [
            ("By Ann Lee", Some("Ann Lee")),
            ("By  Ann Lee and Bo Chen on May 3, 2021", Some("Ann Lee, Bo Chen")),
            ("https://example.com/ann", None),
            ("@ann", None),
            ("May 3, 2021", None),
            ("admin", None),
            ("陈波", Some("陈波")),
            ("von Neumann", Some("von Neumann")),
            ("von Neumann, John", Some("von Neumann, John")),
            ("By John von Neumann", Some("John von Neumann")),
            ("von der Leyen", Some("von der Leyen")),
            ("Von Ann Lee", Some("Ann Lee")),
            ("por Ana Lima", Some("Ana Lima")),
            ("Monday August 27, 2018 10:05 am PDT by Ann Lee", Some("Ann Lee")),
            ("Aug 5, 2020 · Ann Lee", Some("Ann Lee")),
            ("5 August 2020 - Ann Lee", Some("Ann Lee")),
            ("Monday", None),
            ("4 min read", None),
            ("Aug", None),
            ("Tagged with queues", None),
            ("Ann Lee –", Some("Ann Lee")),
            ("Ann Lee Games Editor", Some("Ann Lee")),
            ("Ann Lee, Senior Software Engineer", Some("Ann Lee")),
            ("Ann Lee, Bo Chen, Engineering Manager", Some("Ann Lee, Bo Chen")),
            ("Ann Lee, Principal Engineer at Acme", Some("Ann Lee")),
            ("Posted by Ann Lee, Software Engineer, Acme Search", Some("Ann Lee")),
            ("✍️ Ann Lee", Some("Ann Lee")),
            ("Ann Lee & Bo Chen", Some("Ann Lee, Bo Chen")),
            ("Guest post by Ann Lee", Some("Ann Lee")),
            ("Ann Lee (Acme)", Some("Ann Lee")),
            ("Ann Lee <ann@acme.example>", Some("Ann Lee")),
            ("ann@acme.example (Ann Lee)", Some("Ann Lee")),
            ("posted by Ann Lee at 10:00", Some("Ann Lee")),
            ("Von Ann Lee am 5. März 2024", Some("Ann Lee")),
            ("Par Ann Lee, le 5 mars 2024", Some("Ann Lee")),
            ("No Comments", None),
            ("Share", None),
            ("in Engineering", None),
            ("In Kyung Park", Some("In Kyung Park")),
            ("Ann Le", Some("Ann Le")),
            ("Abby Kaplan", Some("Abby Kaplan")),
            ("April Lee", Some("April Lee")),
            ("May Chen", Some("May Chen")),
            ("Engineering", Some("Engineering")),
        ] {
            assert_eq!(name(text).as_deref(), told, "{text}");
        }
    }

    #[test]
    fn language_tags_are_normalised() {
        for (text, tag) in [
            ("en_us", Some("en-US")),
            ("zh-hans-cn", Some("zh-Hans-CN")),
            ("de_DE.UTF-8", Some("de-DE")),
            ("english", None),
            ("", None),
        ] {
            assert_eq!(language_tag(text).as_deref(), tag, "{text}");
        }
    }

    #[test]
    fn foreign_or_front_page_canonical_address_is_ignored() {
        let page: Url = "https://blog.example.co.uk/post".parse().unwrap();
        for (address, same) in [
            ("https://www.example.co.uk/post", true),
            ("http://blog.example.co.uk/post/", true),
            ("https://other.co.uk/post", false),
            ("https://blog.example.co.uk/", false),
        ] {
            assert_eq!(is_same_article_site(&page, &address.parse().unwrap()), same, "{address}");
        }
    }
}
