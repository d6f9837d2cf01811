//! The labelled sets `eval/precis.jsonl` and `eval/passages.jsonl`: people's labels of real reads,
//! with these reads as the program extracts them. Also the readings in `eval/readings.jsonl`.
//! eval/README.md describes how they were made.
//!
//! Labels contain addresses and the labellers' own words; the articles stay in the shared test
//! data. A supporting sentence is identified by its first words, which survive changes of the
//! splitter and of the extraction.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use backissue_annotate::{Field, Text};
use backissue_extract::{Page, extract};
use backissue_model::{Article, ConceptSlug, Kind, Span};
use backissue_needs::shared_dir;
use backissue_tests::small_past;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::workspace::workspace;

/// Number of first words that identify a sentence.
pub const OPENING_WORDS: usize = 8;

/// The blogs whose labels are only for reporting. Training and tuning use the others.
pub const REPORTING: [&str; 11] = [
    "linkerd.io", "datafusion.apache.org", "eng.d2iq.com", "tech.finn.no", "engineering.cerner.com",
    "blog.vespa.ai", "letsencrypt.org", "tech.opentable.co.uk", "developers.mattermost.com",
    "stories.jenkins.io", "www.openstatus.dev",
];

/// A label for one part of a précis.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Labelled {
    /// The labeller's sentence.
    pub text: String,
    /// The first words of the supporting sentences, best first.
    pub sentences: Vec<String>,
}

impl Labelled {
    /// The numbers of its sentences in `text`, best first.
    pub fn named(&self, text: &str, sentences: &[Span]) -> Vec<usize> {
        self.sentences.iter().filter_map(|words| numbered(text, sentences, words)).collect()
    }
}

/// The label of one read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// The read's address. Its page is in the shared test data.
    pub url: Url,
    /// The company behind the blog.
    pub company: String,
    /// The kind of post.
    pub kind: Kind,
    /// The problem it is about. `None` if it has none.
    pub problem: Option<Labelled>,
    /// How the problem was solved.
    pub approach: Option<Labelled>,
    /// What the solution changed.
    pub outcome: Option<Labelled>,
    /// Concepts of the vocabulary, best first.
    pub concepts: Vec<ConceptSlug>,
    /// Named systems, best first.
    pub technologies: Vec<String>,
    /// Number of people who labelled the read independently before the label was settled. 1 only
    /// for training data.
    #[serde(default = "one")]
    pub readers: u8,
    /// The fields in which the readers differed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<String>,
}

fn one() -> u8 {
    1
}

/// One reader's label of one read, before it was settled.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Reading {
    /// The reader.
    pub reader: Reader,
    /// The label.
    #[serde(flatten)]
    pub label: Label,
}

/// The two readers, who worked independently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Reader {
    /// The first.
    A,
    /// The second.
    B,
}

impl Label {
    /// A label without any statement.
    fn empty(url: Url, company: String) -> Self {
        Self {
            url,
            company,
            kind: Kind::Other,
            problem: None,
            approach: None,
            outcome: None,
            concepts: Vec::new(),
            technologies: Vec::new(),
            readers: 0,
            settled: Vec::new(),
        }
    }

    /// Whether it belongs to a reporting blog.
    pub fn is_reported(&self) -> bool {
        self.url.host_str().is_some_and(|host| REPORTING.contains(&host))
    }

    /// The label for one part.
    pub fn part(&self, part: Field) -> Option<&Labelled> {
        match part {
            Field::Problem => self.problem.as_ref(),
            Field::Approach => self.approach.as_ref(),
            Field::Outcome => self.outcome.as_ref(),
        }
    }

    /// The host of its blog.
    pub fn blog(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

/// A person's judgement of how well a passage states a part of the précis, made by reading it
/// beside its article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// It states the problem or an important part of it, and can be understood alone.
    Right,
    /// It is about the problem, but states it indirectly, or states only its background.
    Near,
    /// It is about the article's subject, but states no problem.
    Harmless,
    /// It makes a reader believe in a problem that is not the article's.
    Misleading,
}

impl Grade {
    /// Whether a passage with this grade may be shown.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Right | Self::Near)
    }
}

/// A judged passage of a read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    /// The read's address.
    pub url: Url,
    /// The part for which it was judged.
    pub field: Field,
    /// The passage.
    pub text: String,
    /// The first words of its sentences, in order.
    pub sentences: Vec<String>,
    /// The judgement.
    pub grade: Grade,
    /// Whether the reader judged without knowing the label.
    #[serde(default)]
    pub blind: bool,
}

/// All judged passages, in file order.
///
/// # Errors
/// If the file is missing or malformed, with its line.
pub fn judged() -> anyhow::Result<Vec<Judged>> {
    lines(&workspace().join("eval/judged.jsonl"))
}

/// A label with its read.
#[derive(Clone, Debug)]
pub struct Read {
    /// The label.
    pub label: Label,
    /// The article, extracted from its page like `backissue inspect` does.
    pub article: Article,
}

impl Read {
    /// The annotator's input.
    pub fn text(&self) -> Text<'_> {
        Text::of(&self.article, &self.label.company, Some(&self.label.url))
    }
}

/// All labelled reads, in file order.
///
/// # Errors
/// If a file or a page is missing or malformed, with its line.
pub fn load() -> anyhow::Result<Vec<Read>> {
    let shared = shared_dir()?;
    let bodies = bodies(&shared.join("reads"))?;
    labels()?.into_iter().map(|label| read(&shared.join("web"), &bodies, label)).collect()
}

/// All articles of the shared test data, and whether each is labelled. Those without a label have
/// an empty one.
///
/// # Errors
/// If a file or a page is missing or malformed.
pub fn articles() -> anyhow::Result<Vec<(Read, bool)>> {
    let shared = shared_dir()?;
    let bodies = bodies(&shared.join("reads"))?;
    let labels = labels()?;
    let companies: HashMap<String, String> =
        labels.iter().map(|label| (label.blog().to_owned(), label.company.clone())).collect();
    let known: HashSet<Url> = labels.iter().map(|label| label.url.clone()).collect();
    let pages = small_past::articles(&shared)?.into_iter().map(|page| page.url.as_url().clone());
    let mut others: Vec<Url> =
        bodies.keys().cloned().chain(pages).filter(|url| !known.contains(url)).collect();
    others.sort();
    let web = shared.join("web");
    let mut found = Vec::new();
    for label in labels {
        found.push((read(&web, &bodies, label)?, true));
    }
    for url in others {
        let company = companies.get(url.host_str().unwrap_or_default()).cloned().unwrap_or_default();
        // A page without an article is no article.
        found.extend(read(&web, &bodies, Label::empty(url, company)).ok().map(|read| (read, false)));
    }
    Ok(found)
}

/// An article of the set `reads` in the shared test data.
#[derive(Deserialize)]
struct Body {
    url: Url,
    title: String,
    html: String,
}

impl Body {
    /// The article as a page, in the form that the data's README describes.
    fn page(&self) -> String {
        let title = self.title.replace('&', "&amp;").replace('<', "&lt;");
        format!(
            "<html><head><title>{title}</title></head><body><article><h1>{title}</h1>{}</article></body></html>",
            self.html
        )
    }
}

/// The articles in the files of `folder`, by address.
fn bodies(folder: &Path) -> anyhow::Result<HashMap<Url, Body>> {
    let mut found = HashMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            found.extend(lines::<Body>(&path)?.into_iter().map(|body| (body.url.clone(), body)));
        }
    }
    Ok(found)
}

/// All labels, in file order, without their reads.
///
/// # Errors
/// If the file is missing or malformed, with its line.
pub fn labels() -> anyhow::Result<Vec<Label>> {
    let mut all: Vec<Label> = lines(&workspace().join("eval/precis.jsonl"))?;
    all.extend(lines::<Label>(&workspace().join("eval/passages.jsonl"))?);
    Ok(all)
}

/// Both readers' labels before they were settled, in file order.
///
/// # Errors
/// If the file is missing or malformed, with its line.
pub fn readings() -> anyhow::Result<Vec<Reading>> {
    lines(&workspace().join("eval/readings.jsonl"))
}

fn lines<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let parse = |(at, line)| {
        serde_json::from_str(line).with_context(|| format!("{}, line {}", path.display(), at + 1))
    };
    let all: Vec<T> = text.lines().enumerate().map(parse).collect::<anyhow::Result<_>>()?;
    ensure!(!all.is_empty(), "{} is empty", path.display());
    Ok(all)
}

fn read(web: &Path, bodies: &HashMap<Url, Body>, label: Label) -> anyhow::Result<Read> {
    let bytes = match bodies.get(&label.url) {
        Some(body) => body.page().into_bytes(),
        None => {
            let file = page_file(web, &label.url);
            std::fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?
        }
    };
    let page = Page { bytes: &bytes, media_type: Some("text/html; charset=utf-8"), url: Some(&label.url) };
    let article = extract(&page, None).with_context(|| format!("{} has no article", label.url))?;
    Ok(Read { label, article })
}

/// The file of the page at `url` in the shared test data.
pub fn page_file(web: &Path, url: &Url) -> PathBuf {
    let path = url.path().trim_start_matches('/');
    let index = if path.is_empty() || path.ends_with('/') { "index.html" } else { "" };
    web.join(url.host_str().unwrap_or_default()).join(format!("{path}{index}"))
}

/// The first words of a sentence, by which labels identify it.
pub fn opening(sentence: &str) -> String {
    sentence.split_whitespace().take(OPENING_WORDS).collect::<Vec<_>>().join(" ")
}

/// The number of the sentence of `text` with these first words.
pub fn numbered(text: &str, sentences: &[Span], words: &str) -> Option<usize> {
    let of = |span: &Span| &text[span.start as usize..span.end as usize];
    sentences.iter().position(|span| opening(of(span)) == words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use backissue_needs::needs;

    #[test]
    fn labels_have_their_reads_and_sentences() {
        needs!(SharedData);
        let mut missing = Vec::new();
        for read in load().unwrap() {
            let text = &read.article.text;
            let sentences = backissue_annotate::sentences(text);
            let label = &read.label;
            for part in Field::ALL.into_iter().filter_map(|part| label.part(part)) {
                assert!(part.text.chars().count() <= 240, "{}: {}", label.url, part.text);
                for words in &part.sentences {
                    if numbered(text, &sentences, words).is_none() {
                        missing.push(format!("{}: {words}", label.url));
                    }
                }
            }
        }
        assert!(missing.is_empty(), "{} sentences are not there:\n{}", missing.len(), missing.join("\n"));
    }

    #[test]
    fn reading_is_a_label_with_its_reader() {
        let line = r#"{"url": "https://blog.example/1", "reader": "B", "company": "Acme", "kind": "event",
            "problem": null, "approach": null, "outcome": null, "concepts": [], "technologies": []}"#;
        let reading: Reading = serde_json::from_str(line).unwrap();
        assert_eq!((reading.reader, reading.label.kind, reading.label.readers), (Reader::B, Kind::Event, 1));
    }
}
