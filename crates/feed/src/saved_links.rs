//! Parses lists of saved links that other programs export: Pocket, Instapaper, Readwise Reader,
//! Wallabag, Omnivore.
//!
//! The program is recognised by the names of columns or fields. A row that cannot be used is left
//! out and reported; the others stay.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::decoding;
use crate::markup_text::plain_text;
use crate::tags::{self, TagKind, tags};

/// A program that exports saved links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exporter {
    /// Pocket, as CSV or HTML.
    Pocket,
    /// Instapaper, as CSV.
    Instapaper,
    /// Readwise Reader, as CSV.
    Readwise,
    /// Wallabag, as JSON.
    Wallabag,
    /// Omnivore, as JSON.
    Omnivore,
}

impl fmt::Display for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pocket => "Pocket",
            Self::Instapaper => "Instapaper",
            Self::Readwise => "Readwise Reader",
            Self::Wallabag => "Wallabag",
            Self::Omnivore => "Omnivore",
        })
    }
}

/// A saved link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedLink {
    /// Its address.
    pub url: Url,
    /// Its title. May be empty.
    pub title: String,
    /// When it was saved.
    pub saved: Option<Timestamp>,
    /// Whether it is done with: archived, or read to its end.
    pub done: bool,
    /// When it was archived.
    pub done_at: Option<Timestamp>,
    /// Whether the reader finished it: archived it, or read it to the end.
    pub starred: bool,
    /// The labels, as the other program has them.
    pub labels: Vec<String>,
    /// A note. May be empty.
    pub note: String,
}

impl SavedLink {
    fn new(url: Url) -> Self {
        Self {
            url,
            title: String::new(),
            saved: None,
            done: false,
            done_at: None,
            starred: false,
            labels: Vec::new(),
            note: String::new(),
        }
    }
}

/// A list of saved links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedLinks {
    /// The program that wrote it.
    pub exporter: Exporter,
    /// The links, in the order of the document.
    pub links: Vec<SavedLink>,
    /// What was left out and why, one sentence each.
    pub skipped: Vec<String>,
}

/// The document is a list of a known program, and is malformed.
#[derive(Debug, thiserror::Error)]
#[error("it looks like an export of {exporter}, but it is malformed: {why}")]
pub struct SavedLinksError {
    exporter: Exporter,
    why: String,
}

/// Parses a list of saved links. Returns `None` if the document has none of the known forms.
///
/// # Errors
/// If the form is recognised and the document is malformed.
pub fn read(bytes: &[u8]) -> Option<Result<SavedLinks, SavedLinksError>> {
    let text = decoding::decode(bytes, None);
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    match text.as_bytes().first()? {
        b'[' => of_json(text),
        b'<' => of_pocket_html(text).map(Ok),
        _ => of_csv(text),
    }
}

/// Collects the links and reports what is left out.
struct Collected {
    exporter: Exporter,
    links: Vec<SavedLink>,
    skipped: Vec<String>,
}

impl Collected {
    fn new(exporter: Exporter) -> Self {
        Self { exporter, links: Vec::new(), skipped: Vec::new() }
    }

    /// Starts a link. Returns `None` if the address is not a web address.
    fn link(&mut self, address: &str) -> Option<SavedLink> {
        let url = Url::parse(address.trim()).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        if url.is_none() {
            let shown: String = address.trim().chars().take(200).filter(|c| !c.is_control()).collect();
            self.skipped.push(if shown.is_empty() {
                "an entry without an address".to_owned()
            } else {
                format!("“{shown}”, which is not an address on the web")
            });
        }
        url.map(SavedLink::new)
    }

    fn finish(self) -> SavedLinks {
        SavedLinks { exporter: self.exporter, links: self.links, skipped: self.skipped }
    }

    fn malformed(&self, why: impl fmt::Display) -> SavedLinksError {
        SavedLinksError { exporter: self.exporter, why: why.to_string() }
    }
}

/// Pocket's HTML: `<h1>Unread</h1>` and `<h1>Read Archive</h1>`, each followed by a list of
/// `<a href time_added tags>`.
fn of_pocket_html(text: &str) -> Option<SavedLinks> {
    let head = text.get(..text.floor_char_boundary(2_000))?;
    let is_pocket = head.contains("Pocket Export") || (head.contains("time_added=") && head.contains("<h1"));
    if !is_pocket {
        return None;
    }
    let mut collected = Collected::new(Exporter::Pocket);
    let (mut is_archive, mut heading, mut open) = (false, None, None::<(SavedLink, usize)>);
    for tag in tags(text) {
        let start = text[..tag.end].rfind('<').unwrap_or(tag.end);
        match (tag.kind, tag.name.as_str()) {
            (TagKind::Start, "h1") => heading = Some(tag.end),
            (TagKind::End, "h1") => {
                let said = heading.take().map(|from| text[from..start].to_lowercase());
                is_archive = said.is_some_and(|said| said.contains("archive") || said.trim() == "read");
            }
            (TagKind::Start, "a") => {
                let attributes = tag.attributes();
                let value = |name: &str| tags::value(&attributes, name).unwrap_or_default();
                if let Some(mut link) = collected.link(value("href")) {
                    link.saved = moment(value("time_added"));
                    link.done = is_archive;
                    link.labels = split(value("tags"), &[',', '|']);
                    open = Some((link, tag.end));
                }
            }
            (TagKind::End, "a") => {
                if let Some((mut link, from)) = open.take() {
                    link.title = plain_text(text.get(from..start).unwrap_or_default());
                    collected.links.push(link);
                }
            }
            _ => {}
        }
    }
    collected.links.extend(open.map(|(link, _)| link));
    Some(collected.finish())
}

/// The names of the columns of a CSV document, in lower case.
struct Columns(Vec<String>);

impl Columns {
    fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.0.iter().any(|column| column == name))
    }

    fn of<'r>(&self, row: &'r csv::StringRecord, name: &str) -> &'r str {
        let at = self.0.iter().position(|column| column == name);
        at.and_then(|at| row.get(at)).unwrap_or_default()
    }
}

fn of_csv(text: &str) -> Option<Result<SavedLinks, SavedLinksError>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(true).from_reader(text.as_bytes());
    let columns = reader.headers().ok()?;
    let columns = Columns(columns.iter().map(|name| name.trim().to_lowercase()).collect());
    let exporter = if columns.has(&["url", "time_added", "status"]) {
        Exporter::Pocket
    } else if columns.has(&["url", "folder", "timestamp"]) {
        Exporter::Instapaper
    } else if columns.has(&["url", "document tags", "saved date"]) {
        Exporter::Readwise
    } else {
        return None;
    };
    let mut collected = Collected::new(exporter);
    for row in reader.records() {
        let row = match row {
            Ok(row) => row,
            Err(error) => return Some(Err(collected.malformed(error))),
        };
        let of = |name: &str| columns.of(&row, name);
        let Some(mut link) = collected.link(of("url")) else { continue };
        link.title = of("title").to_owned();
        match exporter {
            Exporter::Pocket => {
                link.saved = moment(of("time_added"));
                link.done = of("status").eq_ignore_ascii_case("archive");
                link.labels = split(of("tags"), &['|', ',']);
            }
            Exporter::Instapaper => {
                link.saved = moment(of("timestamp"));
                of("selection").clone_into(&mut link.note);
                link.labels = listed(of("tags"));
                match of("folder").trim() {
                    "" | "Unread" | "Home" => {}
                    "Archive" => link.done = true,
                    "Starred" | "Liked" => link.starred = true,
                    folder => link.labels.insert(0, folder.to_owned()),
                }
            }
            // An entry of a feed that Reader follows: nobody saved it.
            _ if of("location").eq_ignore_ascii_case("feed") => {
                collected.skipped.push(format!("“{}”, which Readwise only lists from a feed", link.url));
                continue;
            }
            _ => {
                link.saved = moment(of("saved date"));
                link.done = of("location").eq_ignore_ascii_case("archive");
                link.labels = listed(of("document tags"));
                of("document note").clone_into(&mut link.note);
            }
        }
        collected.links.push(link);
    }
    Some(Ok(collected.finish()))
}

/// An entry of Wallabag.
#[derive(Deserialize)]
struct WallabagEntry {
    url: Option<String>,
    title: Option<String>,
    #[serde(default)]
    is_archived: Value,
    #[serde(default)]
    is_starred: Value,
    #[serde(default)]
    tags: Vec<Value>,
    created_at: Option<String>,
    archived_at: Option<String>,
}

/// An entry of Omnivore.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OmnivoreEntry {
    url: Option<String>,
    title: Option<String>,
    state: Option<String>,
    #[serde(default)]
    labels: Vec<Value>,
    saved_at: Option<String>,
}

fn of_json(text: &str) -> Option<Result<SavedLinks, SavedLinksError>> {
    let entries: Vec<Value> = serde_json::from_str(text).ok()?;
    let first = entries.first()?;
    let exporter = if first.get("is_archived").is_some() && first.get("url").is_some() {
        Exporter::Wallabag
    } else if first.get("savedAt").is_some() && first.get("url").is_some() {
        Exporter::Omnivore
    } else {
        return None;
    };
    let mut collected = Collected::new(exporter);
    for (nth, entry) in entries.into_iter().enumerate() {
        let read = match exporter {
            Exporter::Wallabag => {
                serde_json::from_value(entry).map(|entry| of_wallabag(&mut collected, entry))
            }
            _ => serde_json::from_value(entry).map(|entry| of_omnivore(&mut collected, entry)),
        };
        match read {
            Ok(link) => collected.links.extend(link),
            Err(error) => collected.skipped.push(format!("entry {}, which is malformed: {error}", nth + 1)),
        }
    }
    Some(Ok(collected.finish()))
}

fn of_wallabag(collected: &mut Collected, entry: WallabagEntry) -> Option<SavedLink> {
    let mut link = collected.link(&entry.url.unwrap_or_default())?;
    link.title = entry.title.unwrap_or_default();
    link.saved = entry.created_at.as_deref().and_then(moment);
    link.done = is_yes(&entry.is_archived);
    link.done_at = entry.archived_at.as_deref().and_then(moment);
    link.starred = is_yes(&entry.is_starred);
    link.labels = names(&entry.tags);
    Some(link)
}

fn of_omnivore(collected: &mut Collected, entry: OmnivoreEntry) -> Option<SavedLink> {
    let mut link = collected.link(&entry.url.unwrap_or_default())?;
    link.title = entry.title.unwrap_or_default();
    link.saved = entry.saved_at.as_deref().and_then(moment);
    link.done = entry.state.is_some_and(|state| state.eq_ignore_ascii_case("archived"));
    link.labels = names(&entry.labels);
    Some(link)
}

/// Whether the value is true, or 1, as old versions write it.
fn is_yes(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_i64().is_some_and(|number| number != 0))
}

/// The names in a list of texts, or of objects with a name.
fn names(values: &[Value]) -> Vec<String> {
    let name = |value: &Value| {
        let text =
            value.as_str().or_else(|| value.get("label")?.as_str()).or_else(|| value.get("name")?.as_str());
        text.map(str::to_owned)
    };
    values.iter().filter_map(name).collect()
}

/// Parses a time: seconds since 1970, or a date and time with an offset.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return Timestamp::from_second(seconds).ok().filter(|_| seconds > 0);
    }
    let parsed = text.parse::<Timestamp>();
    // PHP writes +0200.
    parsed.or_else(|_| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%z", text)).ok()
}

fn split(text: &str, at: &[char]) -> Vec<String> {
    let parts = text.split(at).map(str::trim).filter(|part| !part.is_empty());
    parts.map(str::to_owned).collect()
}

/// The names in a cell: a JSON list (`["a", "b"]`), a Python list (`['a', "it's"]`), or separated
/// by commas.
fn listed(cell: &str) -> Vec<String> {
    let cell = cell.trim();
    let Some(inside) = cell.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return split(cell, &[',']);
    };
    if let Ok(names) = serde_json::from_str::<Vec<String>>(cell) {
        return names;
    }
    let (mut names, mut signs) = (Vec::new(), inside.chars());
    while let Some(quote) = signs.find(|c| *c == '\'' || *c == '"') {
        let mut name = String::new();
        while let Some(sign) = signs.next() {
            match sign {
                '\\' => name.extend(signs.next()),
                sign if sign == quote => break,
                sign => name.push(sign),
            }
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> SavedLinks {
        read(text.as_bytes()).expect("the form is known").unwrap()
    }

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn pocket_is_read_as_csv_and_html() {
        let csv = links(
            "\u{feff}title,url,time_added,tags,status\r\n\
             \"Caches, warmed\",https://blog.example/caches?a=1&b=2,1700000000,databases|to read,unread\r\n\
             https://blog.example/two,https://blog.example/two,1700000001,,archive\r\n\
             No address,,1,,unread\r\nScript,javascript:alert(1),1,,unread\r\n",
        );
        assert_eq!((csv.exporter, csv.links.len()), (Exporter::Pocket, 2));
        assert_eq!(csv.skipped.len(), 2);
        assert!(csv.skipped[1].contains("javascript:alert(1)"), "{:?}", csv.skipped);
        let one = &csv.links[0];
        assert_eq!(one.url.as_str(), "https://blog.example/caches?a=1&b=2");
        assert_eq!((one.title.as_str(), one.done), ("Caches, warmed", false));
        assert_eq!(
            (one.saved, &one.labels[..]),
            (at("2023-11-14T22:13:20Z"), &["databases", "to read"].map(String::from)[..])
        );
        assert!(csv.links[1].done);
        let html = links(
            "<!DOCTYPE html>\n<html><head><title>Pocket Export</title></head><body>\n<h1>Unread</h1>\n<ul>\n\
             <li><a href=\"https://blog.example/caches?a=1&amp;b=2\" time_added=\"1700000000\" tags=\"databases,to read\">Caches, \
             warmed</a></li>\n</ul>\n<h1>Read Archive</h1>\n<ul>\n<li><a href=\"https://blog.example/two\" time_added=\"1700000001\" \
             tags=\"\">https://blog.example/two</a></li><li><a href=\"mailto:a@b\">x</a></li>\n</ul></body></html>",
        );
        assert_eq!(html.links, csv.links);
        assert_eq!(html.skipped.len(), 1);
    }

    #[test]
    fn instapaper_folders_and_tags_are_read() {
        let csv = links(
            "URL,Title,Selection,Folder,Timestamp,Tags\n\
             https://blog.example/a,A,\"Said, twice\",Unread,1700000000,\"[\"\"coding\"\",\"\"to read\"\"]\"\n\
             https://blog.example/b,B,,Archive,1700000000,[]\nhttps://blog.example/c,C,,Starred,1700000000,\n\
             https://blog.example/d,D,,Databases,1700000000\n",
        );
        assert_eq!(csv.exporter, Exporter::Instapaper);
        let [a, b, c, d] = &csv.links[..] else { panic!("{csv:?}") };
        assert_eq!(
            (&a.labels[..], a.note.as_str()),
            (&["coding", "to read"].map(String::from)[..], "Said, twice")
        );
        assert!(b.done && b.labels.is_empty() && c.starred && !c.done);
        assert_eq!(d.labels, ["Databases"]);
    }

    #[test]
    fn readwise_dates_tags_and_locations_are_read() {
        let csv = links(
            "Title,URL,ID,Document tags,Saved date,Reading progress,Location,Seen\n\
             One,https://blog.example/a,01abc,\"['to read', \"\"it's\"\"]\",2023-06-14 18:41:09.229000+00:00,0,new,True\n\
             Two,https://blog.example/b,01abd,[],2023-06-14T18:41:09Z,1,archive,True\n\
             Three,https://blog.example/c,01abe,['one'],2022-11-06 04:33:50+00:00,0.4,later,False\n\
             Four,https://blog.example/d,01abf,[],2022-11-06 04:33:50+00:00,0,feed,False\n",
        );
        assert_eq!((csv.exporter, csv.links.len()), (Exporter::Readwise, 3));
        assert_eq!(csv.links[2].labels, ["one"]);
        assert_eq!(csv.links[2].saved, at("2022-11-06T04:33:50Z"));
        assert!(csv.skipped[0].contains("https://blog.example/d"), "nobody saved it: {:?}", csv.skipped);
        assert_eq!(csv.links[0].labels, ["to read", "it's"]);
        assert_eq!(csv.links[0].saved, at("2023-06-14T18:41:09.229Z"));
        assert!(!csv.links[0].done && csv.links[1].done);
    }

    #[test]
    fn wallabag_and_omnivore_are_read() {
        let json = links(
            r#"[{"is_archived":1,"is_starred":0,"tags":["databases"],"is_public":false,"id":1,"title":"One","url":"https://blog.example/a",
                "created_at":"2016-09-08T11:55:58+0200","updated_at":"2016-09-08T11:57:16+0200","archived_at":"2016-09-09T11:57:16+02:00",
                "content":"<p>Text</p>","reading_time":1},
               {"is_archived":false,"is_starred":true,"tags":[{"label":"x"}],"url":"https://blog.example/b","title":null,"created_at":null},
               {"is_archived":0,"url":null},{"is_archived":0,"tags":7,"url":"https://blog.example/c"}]"#,
        );
        assert_eq!((json.exporter, json.links.len(), json.skipped.len()), (Exporter::Wallabag, 2, 2));
        let one = &json.links[0];
        assert_eq!((one.saved, one.done_at), (at("2016-09-08T09:55:58Z"), at("2016-09-09T09:57:16Z")));
        assert!(one.done && !one.starred && json.links[1].starred && !json.links[1].done);
        assert_eq!(json.links[1].labels, ["x"]);
        let json = links(
            r#"[{"id":"1","slug":"one","title":"One","description":"d","author":null,"url":"https://blog.example/a","state":"Archived",
                "readingProgress":100,"thumbnail":"","labels":["databases","to read"],"savedAt":"2023-10-01T08:00:00.000Z",
                "updatedAt":"2023-10-02T08:00:00.000Z","publishedAt":null},
               {"id":"2","title":"Two","url":"https://blog.example/b","state":"Active","labels":[],"savedAt":"2023-10-01T08:00:00.000Z"}]"#,
        );
        assert_eq!(json.exporter, Exporter::Omnivore);
        assert_eq!(json.links[0].labels, ["databases", "to read"]);
        assert!(json.links[0].done && !json.links[1].done);
        assert_eq!(json.links[0].saved, at("2023-10-01T08:00:00Z"));
    }

    #[test]
    fn other_documents_are_none_of_these() {
        for other in [
            "",
            "a,b\n1,2\n",
            "[]",
            "[1,2]",
            "[{\"url\":\"https://blog.example/\"}]",
            "[{",
            "<opml version=\"2.0\"><body/></opml>",
            "<html><body><h1>A page</h1></body></html>",
            "url\nhttps://blog.example/\n",
        ] {
            assert!(read(other.as_bytes()).is_none(), "{other}");
        }
    }
}
