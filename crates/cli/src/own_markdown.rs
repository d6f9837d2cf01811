//! Writes and reads a reader's data as a folder of Markdown files, one per read, which Obsidian can
//! open.
//!
//! A file begins with front matter (YAML): the read's address, its marks and labels. Then comes the
//! note. Data that Markdown cannot express, such as the position of a highlight, are at the end in
//! a comment of Obsidian (`%%`). Saved searches are the front matter of one more file. A file that
//! was changed since it was written is not overwritten.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use backissue_model::{NoteText, collapsed};
use backissue_store::{OwnAnswer, OwnCorrection, OwnHighlight, OwnRead, OwnSearch};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::text;

/// The line after which each export writes its own part.
const MARK: &str =
    "%% backissue: the rest of this file is written by `export --mine`; write above this line %%";
/// The start of [`MARK`] in all versions.
const MARK_BEGINS: &str = "%% backissue:";
/// The file of saved searches, unless a person renamed it.
const SEARCHES: &str = "Backissue saved searches.md";
/// Maximum files of a folder.
const FILES_MAX: usize = 200_000;
/// Maximum depth of folders in a folder.
const DEPTH_MAX: usize = 16;
/// Maximum characters of a title in a file's name.
const NAME_MAX: usize = 80;

/// The data in the comment at the end.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Rest {
    highlights: Vec<OwnHighlight>,
    answers: Vec<OwnAnswer>,
    corrections: Vec<OwnCorrection>,
    /// The hash of the text before [`MARK`] as it was written.
    check: String,
}

/// The front matter, which a person may have changed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Front {
    url: String,
    title: Value,
    saved: Value,
    kept: Value,
    done: Value,
    hidden: Value,
    note_made: Value,
    note_changed: Value,
    labels: Value,
    tags: Value,
}

/// The front matter of the file of saved searches.
#[derive(Deserialize)]
struct SearchesFront {
    searches: Vec<OwnSearch>,
    /// The hash of the searches as they were written.
    #[serde(default)]
    check: String,
}

/// The result of writing a folder.
#[derive(Default)]
pub struct Written {
    /// Number of files written.
    pub files: u64,
    /// Files that were changed since they were written, and were not overwritten.
    pub changed: Vec<PathBuf>,
}

/// The result of reading a folder.
#[derive(Default)]
pub struct Found {
    /// The reads.
    pub reads: Vec<OwnRead>,
    /// The saved searches.
    pub searches: Vec<OwnSearch>,
    /// Files that cannot be parsed, with the reason.
    pub skipped: Vec<(PathBuf, String)>,
    /// Number of other files, which have no read's address.
    pub others: u64,
}

/// Writes one file per read, and one for saved searches. A read or search that has a file in the
/// folder, under any name, keeps this file.
pub fn write(folder: &Path, reads: &[OwnRead], searches: &[OwnSearch]) -> anyhow::Result<Written> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let mut there: HashMap<String, (PathBuf, bool)> = HashMap::new();
    let mut of_searches = None;
    for path in files(folder)? {
        let Ok(text) = text::of_file(&path) else { continue };
        if let Some(found) = searches_of(&text) {
            let is_as_written = found.is_ok_and(|front| front.check == check_of(&front.searches));
            of_searches = Some((path, is_as_written));
            continue;
        }
        if let Some(Parts { front: Ok(front), before, rest, .. }) = split(&text) {
            there.insert(front.url, (path, is_as_written(before, rest)));
        }
    }
    let mut written = Written::default();
    let new = folder.join(SEARCHES);
    match of_searches.unwrap_or_else(|| (new.clone(), !new.exists())) {
        (path, false) => written.changed.push(path),
        (path, true) if path.exists() || !searches.is_empty() => {
            text::write_private(&path, &document_of_searches(searches))
                .with_context(|| format!("{} cannot be written", path.display()))?;
            written.files += 1;
        }
        _ => {}
    }
    for read in reads {
        let path = match there.get(&read.url) {
            Some((path, true)) => path.clone(),
            Some((path, false)) => {
                written.changed.push(path.clone());
                continue;
            }
            None => folder.join(file_name(read)),
        };
        text::write_private(&path, &document(read))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        written.files += 1;
    }
    Ok(written)
}

/// Reads the files of a folder that have a read's address in their front matter.
pub fn read(folder: &Path, now: Timestamp) -> anyhow::Result<Found> {
    let mut found = Found::default();
    for path in files(folder)? {
        let text = match text::of_file(&path) {
            Ok(text) => text,
            Err(error) => {
                found.skipped.push((path, error.to_string()));
                continue;
            }
        };
        match searches_of(&text) {
            Some(Ok(front)) => found.searches.extend(front.searches),
            Some(Err(why)) => found.skipped.push((path.clone(), why)),
            None => {}
        }
        match own_read(&text, now) {
            None if searches_of(&text).is_some() => {}
            None => found.others += 1,
            Some(Ok(read)) => found.reads.push(read),
            Some(Err(why)) => found.skipped.push((path, why)),
        }
    }
    Ok(found)
}

/// The Markdown files of a folder and the folders in it, except hidden ones and links.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![(folder.to_owned(), 0)]);
    while let Some((folder, depth)) = folders.pop() {
        let unreadable = || format!("the folder {} cannot be read", folder.display());
        for entry in fs::read_dir(&folder).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let (path, kind) = (entry.path(), entry.file_type().with_context(unreadable)?);
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            if kind.is_dir() && depth < DEPTH_MAX {
                folders.push((path, depth + 1));
            } else if kind.is_file() && path.extension().is_some_and(|end| end.eq_ignore_ascii_case("md")) {
                files.push(path);
            }
            ensure!(
                files.len() <= FILES_MAX,
                "{} has more than {FILES_MAX} Markdown files; name a folder with fewer",
                folder.display()
            );
        }
    }
    files.sort();
    Ok(files)
}

/// A file name for a read: the title in characters that file systems and Obsidian allow, and a hash
/// of the address.
fn file_name(read: &OwnRead) -> String {
    let plain = |sign: char| if sign.is_alphanumeric() || "-_'().&".contains(sign) { sign } else { ' ' };
    let title: String = read.title.chars().map(plain).collect();
    let title = collapsed(&title);
    let title: String = title.trim_start_matches('.').chars().take(NAME_MAX).collect();
    let hash = format!("{:016x}", hash(&read.url));
    format!("{} {}.md", if title.is_empty() { "read" } else { title.trim() }, &hash[..8])
}

fn hash(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

/// The tag of Obsidian for a label. Tags have no spaces.
fn tag(label: &str) -> String {
    let plain = |sign: char| if sign.is_alphanumeric() || "-_/".contains(sign) { sign } else { '-' };
    label.chars().map(plain).collect()
}

fn document(read: &OwnRead) -> String {
    let mut text = String::from("---\n");
    let mut line = |name: &str, value: Value| text.push_str(&format!("{name}: {value}\n"));
    // JSON is YAML.
    line("url", json!(read.url));
    line("title", json!(read.title));
    if read.saved {
        line("saved", json!(true));
    }
    for (name, at) in [
        ("kept", read.kept),
        ("done", read.done),
        ("hidden", read.hidden),
        ("note_made", read.note_made),
        ("note_changed", read.note_changed),
    ] {
        if let Some(at) = at {
            line(name, json!(at));
        }
    }
    if !read.labels.is_empty() {
        line("labels", json!(read.labels));
        line("tags", json!(read.labels.iter().map(|label| tag(label)).collect::<Vec<_>>()));
    }
    text.push_str("---\n");
    text.push_str(read.note.as_str());
    text.push_str("\n\n");
    let rest = Rest {
        highlights: read.highlights.clone(),
        answers: read.answers.clone(),
        corrections: read.corrections.clone(),
        check: format!("{:016x}", hash(&text)),
    };
    text.push_str(&format!("{MARK}\n"));
    for OwnHighlight { quote, remark, .. } in &read.highlights {
        text.push('\n');
        for line in quote.exact.lines() {
            text.push_str(&format!("> {line}\n"));
        }
        if !remark.is_empty() {
            text.push_str(&format!("\n{remark}\n"));
        }
    }
    let rest = serde_json::to_string(&rest).expect("it is plain data");
    // A comment ends with two of these.
    text.push_str(&format!("\n%%\n{}\n%%\n", rest.replace('%', "\\u0025")));
    text
}

/// The file of saved searches. Its front matter is for programs, the text below for people.
fn document_of_searches(searches: &[OwnSearch]) -> String {
    let mut text = String::from("---\nsearches:");
    if searches.is_empty() {
        text.push_str(" []");
    }
    for search in searches {
        // JSON is YAML.
        text.push_str(&format!("\n- {}", json!(search)));
    }
    text.push_str(&format!("\ncheck: \"{}\"\n---\n# Saved searches\n\n", check_of(searches)));
    for OwnSearch { name, question, .. } in searches {
        text.push_str(&format!("- {}: {}\n", name.as_str(), question.as_str()));
    }
    text
}

fn check_of(searches: &[OwnSearch]) -> String {
    format!("{:016x}", hash(&json!(searches).to_string()))
}

/// The saved searches in a file, or why they cannot be parsed. Returns `None` for other files.
fn searches_of(text: &str) -> Option<Result<SearchesFront, String>> {
    let text = text.replace("\r\n", "\n");
    let (front, _) = front_matter(&text)?;
    let has = |name: &str| front.lines().any(|line| line.starts_with(name));
    (has("searches:") && !has("url:")).then(|| serde_saphyr::from_str(front).map_err(malformed))
}

fn malformed(error: impl std::fmt::Display) -> String {
    format!("its front matter is malformed: {}", error.to_string().lines().next().unwrap_or_default())
}

/// The front matter of a file, and the text after it.
fn front_matter(text: &str) -> Option<(&str, &str)> {
    let after = text.strip_prefix("---")?.trim_start_matches([' ', '\t', '\r']).strip_prefix('\n')?;
    let mut lines = after.split('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len() + 1;
        Some((start, line))
    });
    let (end, line) = lines.find(|(_, line)| line.trim_end() == "---")?;
    Some((&after[..end], after.get(end + line.len() + 1..).unwrap_or_default()))
}

/// The parts of a file.
struct Parts<'t> {
    /// The front matter, or why it cannot be parsed.
    front: Result<Front, String>,
    /// The part that a person may change: front matter and note.
    before: &'t str,
    note: &'t str,
    /// The part from [`MARK`] on.
    rest: &'t str,
}

/// The parts of a file. Returns `None` if it has no front matter with an address.
fn split(text: &str) -> Option<Parts<'_>> {
    let (front, body) = front_matter(text)?;
    if !front.lines().any(|line| line.starts_with("url:")) {
        return None;
    }
    let front = serde_saphyr::from_str::<Front>(front).map_err(malformed);
    // The note may have such a line too; the last one counts.
    let begins_line = |at: &usize| *at == 0 || body.as_bytes()[at - 1] == b'\n';
    let last = |words: &str| body.rmatch_indices(words).map(|(at, _)| at).find(begins_line);
    let mark = last(MARK).or_else(|| last(MARK_BEGINS));
    let (note, rest) = mark.map_or((body, ""), |at| body.split_at(at));
    let before = &text[..text.len() - rest.len()];
    Some(Parts { front, before, note, rest })
}

/// Whether the part that a person may change is still as it was written.
fn is_as_written(before: &str, rest: &str) -> bool {
    rest_of(rest).check == format!("{:016x}", hash(before))
}

/// The data in the comment at the end. Empty if a person has damaged the comment.
fn rest_of(text: &str) -> Rest {
    let json = text.rsplit("%%").nth(1).unwrap_or_default();
    serde_json::from_str(json.trim()).unwrap_or_default()
}

/// The read of a file. Returns `None` if it has no address.
fn own_read(text: &str, now: Timestamp) -> Option<Result<OwnRead, String>> {
    let text = text.replace("\r\n", "\n");
    let Parts { front, note, rest, .. } = split(&text)?;
    let front = match front {
        Ok(front) => front,
        Err(why) => return Some(Err(why)),
    };
    let Rest { highlights, answers, corrections, .. } = rest_of(rest);
    let mut labels = texts(&front.labels);
    let known: Vec<String> = labels.iter().map(|label| tag(label)).collect();
    // A tag is the same with and without its sign; in a label, the sign is a letter like any other.
    let tags = texts(&front.tags).into_iter().map(|tag| tag.trim_start_matches('#').to_owned());
    labels.extend(tags.filter(|tag| !tag.is_empty() && !known.contains(tag)));
    Some(Ok(OwnRead {
        url: front.url,
        title: front.title.as_str().unwrap_or_default().to_owned(),
        saved: front.saved.as_bool().unwrap_or_default(),
        kept: moment(&front.kept, now),
        done: moment(&front.done, now),
        hidden: moment(&front.hidden, now),
        note: NoteText::from(note.to_owned()),
        note_made: moment(&front.note_made, now),
        note_changed: moment(&front.note_changed, now),
        labels,
        answers,
        highlights,
        corrections,
    }))
}

/// A list of texts, or one with commas.
fn texts(value: &Value) -> Vec<String> {
    let list = match value {
        Value::Array(list) => list.iter().map(plain).collect(),
        Value::String(text) => text.split(',').map(|part| part.trim().to_owned()).collect(),
        other => vec![plain(other)],
    };
    list.into_iter().filter(|text: &String| !text.is_empty()).collect()
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Parses a time, a date, or a ticked box. A ticked box gives `now`.
fn moment(value: &Value, now: Timestamp) -> Option<Timestamp> {
    match value {
        Value::Bool(true) => Some(now),
        Value::String(text) => {
            let text = text.trim();
            let civil = || TimeZone::UTC.to_timestamp(text.parse::<DateTime>().ok()?).ok();
            text.parse().ok().or_else(civil)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use backissue_model::Label;

    use super::*;

    fn example() -> OwnRead {
        serde_json::from_value(json!({
            "url": "https://acme.example/1", "title": "Caches: \"warm\" [1/2] #%%", "saved": true, "kept": "2026-05-20T10:00:00Z",
            "note": "Ours **too**.\n\n---\n%% backissue: mine\n\nEnd", "note_made": "2026-05-20T10:00:00Z",
            "labels": ["interview", "to read"],
            "highlights": [{ "exact": "Tail latency\nrose 10 %% more", "prefix": "a", "suffix": "b", "remark": "Remember" }],
            "answers": [{ "at": "2026-05-21T10:00:00Z", "text": "I would 100 %", "rating": "good" }],
        }))
        .unwrap()
    }

    fn now() -> Timestamp {
        "2026-06-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn read_survives_its_markdown() {
        let read = example();
        let text = document(&read);
        assert!(
            text.contains("\ntags: [\"interview\",\"to-read\"]\n") && text.contains("\n> rose 10 %% more\n"),
            "{text}"
        );
        assert_eq!(own_read(&text, now()).unwrap().unwrap(), read);
        assert_eq!(own_read(&text.replace('\n', "\r\n"), now()).unwrap().unwrap(), read);
        let bare = OwnRead { url: "https://acme.example/2".into(), done: Some(now()), ..OwnRead::default() };
        assert_eq!(own_read(&document(&bare), now()).unwrap().unwrap(), bare);
    }

    #[test]
    fn labels_survive_their_markdown_exactly() {
        let labels =
            ["#tag", "tag", "c#", "# a", "-x", "- y", "a: b", "\"q\" 'r'", "2026", "true", "*s &t !u %v"];
        for labels in [&labels[..1], &labels[..]] {
            let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
            assert!(labels.iter().all(|label| label.parse::<Label>().is_ok_and(|it| it.as_str() == label)));
            let read = OwnRead { labels, ..example() };
            assert_eq!(own_read(&document(&read), now()).unwrap().unwrap().labels, read.labels);
        }
    }

    #[test]
    fn what_obsidian_and_people_write_is_read() {
        let text = "---\nurl: https://acme.example/1\ntags:\n  - interview\n  - \"#to-read\"\nlabels:\n  - to read\nkept: true\n\
                    done: 2026-05-20T10:00:00\nhidden:\ncssclasses: wide\n---\nA thought\n";
        let read = own_read(text, now()).unwrap().unwrap();
        assert_eq!(read.labels, ["to read", "interview"]);
        assert_eq!(
            (read.kept, read.done, read.hidden),
            (Some(now()), "2026-05-20T10:00:00Z".parse().ok(), None)
        );
        assert_eq!(read.note.as_str(), "A thought");
        for other in ["", "A note", "---\ntitle: x\n---\nA note", "---\nurl: x", "--- x\nurl: a\n---\n"] {
            assert!(own_read(other, now()).is_none(), "{other}");
        }
        let why = own_read("---\nurl: [a\n---\n", now()).unwrap().unwrap_err();
        assert!(why.contains("front matter is malformed"), "{why}");
    }

    #[test]
    fn saved_searches_are_a_file_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let searches: Vec<OwnSearch> = serde_json::from_value(json!([
            { "name": "storms: \"retry\"", "question": "who had retry storms -kind:tutorial # %", "recipient": "ops" },
            { "name": "paper", "question": "\"connection pool\"" },
        ]))
        .unwrap();
        assert_eq!(write(folder.path(), &[example()], &searches).unwrap().files, 2);
        let found = read(folder.path(), now()).unwrap();
        assert_eq!((found.searches, found.reads.len(), found.others), (searches.clone(), 1, 0));
        assert!(found.skipped.is_empty());

        let path = folder.path().join(SEARCHES);
        assert_eq!(write(folder.path(), &[], &searches[1..]).unwrap().files, 1, "it follows the archive");
        assert_eq!(read(folder.path(), now()).unwrap().searches, searches[1..]);
        let edited = fs::read_to_string(&path).unwrap().replace("connection pool", "thread pool");
        fs::write(&path, edited.replace('\n', "\r\n")).unwrap();
        assert_eq!(write(folder.path(), &[], &searches).unwrap().changed, std::slice::from_ref(&path));
        let own = read(folder.path(), now()).unwrap().searches;
        assert_eq!((own.len(), own[0].question.as_str()), (1, "\"thread pool\""));
        fs::write(&path, "---\nsearches: [{name: 1}]\n---\n").unwrap();
        assert_eq!(read(folder.path(), now()).unwrap().skipped.len(), 1);
        fs::write(&path, "A person's own file").unwrap();
        assert_eq!(write(folder.path(), &[], &searches).unwrap().changed, [path], "it is not overwritten");
    }

    #[test]
    fn files_that_were_changed_or_moved_are_respected() {
        let folder = tempfile::tempdir().unwrap();
        let (path, mut reads) = (folder.path().join("vault"), vec![example()]);
        assert_eq!(write(&path, &reads, &[]).unwrap().files, 1);
        let name = file_name(&reads[0]);
        assert!(name.starts_with("Caches warm 1 2 ") && name.ends_with(".md"), "{name}");
        fs::create_dir(path.join("moved")).unwrap();
        let moved = path.join("moved/My name.md");
        fs::rename(path.join(&name), &moved).unwrap();
        reads[0].note = "Another".to_owned().into();
        let again = write(&path, &reads, &[]).unwrap();
        assert!(again.files == 1 && again.changed.is_empty() && !path.join(&name).exists());
        assert_eq!(read(&path, now()).unwrap().reads, reads);
        let edited = fs::read_to_string(&moved).unwrap().replace("Another", "Edited in Obsidian");
        fs::write(&moved, edited).unwrap();
        assert_eq!(write(&path, &reads, &[]).unwrap().changed, std::slice::from_ref(&moved));
        fs::write(path.join("other.md"), "No read").unwrap();
        fs::write(path.join("bad.md"), "---\nurl: [a\n---\n").unwrap();
        let found = read(&path, now()).unwrap();
        assert_eq!(
            (found.reads[0].note.as_str(), found.others, found.skipped.len()),
            ("Edited in Obsidian", 1, 1)
        );
    }
}
