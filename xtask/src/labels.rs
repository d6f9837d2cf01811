//! The labelled set `eval/precis.jsonl`: what people said of real reads, and those reads as the program has them.
//!
//! Labels hold addresses and the labellers' own words; the articles stay in the shared test data. A supporting sentence is
//! named by its opening words, which outlive changes of the splitter and of the extraction.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use backissue_annotate::Text;
use backissue_extract::{Page, extract};
use backissue_model::{Article, ConceptSlug, Kind, Span};
use backissue_tests::shared::shared_dir;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::test::workspace;

/// Words of a sentence by which a label names it.
pub const OPENING_WORDS: usize = 8;

/// The blogs whose labels are only reported on. Weights are trained, and everything is tuned, on the others.
pub const REPORTING: [&str; 3] = ["linkerd.io", "datafusion.apache.org", "eng.d2iq.com"];

/// What a label says for one part of a précis.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Labelled {
    /// The labeller's sentence.
    pub text: String,
    /// The opening words of the sentences of the article that support it, best first.
    pub sentences: Vec<String>,
}

/// What was said of one read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Where the read was published; its page is in the shared test data.
    pub url: Url,
    /// Whose blog it is.
    pub company: String,
    /// What sort of post it is.
    pub kind: Kind,
    /// Which problem it is about; none where it has none.
    pub problem: Option<Labelled>,
    /// How the problem was solved.
    pub approach: Option<Labelled>,
    /// What changed.
    pub outcome: Option<Labelled>,
    /// Concepts of the vocabulary, best first.
    pub concepts: Vec<ConceptSlug>,
    /// Named systems, best first.
    pub technologies: Vec<String>,
    /// How many people labelled it independently before it was settled; 1 only in what is trained on.
    pub readers: u8,
    /// In which fields the readers differed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<String>,
}

impl Label {
    /// Whether it belongs to the blogs that are reported on.
    pub fn is_reported(&self) -> bool {
        self.url.host_str().is_some_and(|host| REPORTING.contains(&host))
    }

    /// The host of its blog.
    pub fn blog(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }
}

/// A label with its read.
#[derive(Clone, Debug)]
pub struct Read {
    /// What was said of it.
    pub label: Label,
    /// The article, taken from its page as `backissue inspect` does.
    pub article: Article,
}

impl Read {
    /// What the annotator is given.
    pub fn text(&self) -> Text<'_> {
        Text {
            title: self.article.title.as_deref().unwrap_or_default(),
            text: &self.article.text,
            html: Some(&self.article.html),
            description: self.article.description.as_deref(),
            company: &self.label.company,
            url: Some(&self.label.url),
            language: self.article.language.as_deref(),
            tags: &[],
        }
    }
}

/// All labelled reads, in the file's order.
///
/// # Errors
/// Where the file or a page is missing or says something that cannot be, with its line.
pub fn load() -> anyhow::Result<Vec<Read>> {
    let path = workspace().join("eval/precis.jsonl");
    let lines =
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let web = shared_dir()?.join("web");
    let read = |line: &str| -> anyhow::Result<Read> {
        let label: Label = serde_json::from_str(line)?;
        let page = page_file(&web, &label.url);
        let bytes = std::fs::read(&page).with_context(|| format!("{} cannot be read", page.display()))?;
        let page =
            Page { bytes: &bytes, media_type: Some("text/html; charset=utf-8"), url: Some(&label.url) };
        let article = extract(&page, None).with_context(|| format!("{} has no article", label.url))?;
        Ok(Read { label, article })
    };
    let reads: Vec<Read> = lines
        .lines()
        .enumerate()
        .map(|(at, line)| read(line).with_context(|| format!("{}, line {}", path.display(), at + 1)))
        .collect::<anyhow::Result<_>>()?;
    ensure!(!reads.is_empty(), "{} is empty", path.display());
    Ok(reads)
}

/// Where the shared test data keeps the page at `url`.
fn page_file(web: &std::path::Path, url: &Url) -> PathBuf {
    let path = url.path().trim_start_matches('/');
    let index = if path.is_empty() || path.ends_with('/') { "index.html" } else { "" };
    web.join(url.host_str().unwrap_or_default()).join(format!("{path}{index}"))
}

/// The words by which a label names this sentence.
pub fn opening(sentence: &str) -> String {
    sentence.split_whitespace().take(OPENING_WORDS).collect::<Vec<_>>().join(" ")
}

/// The number of the sentence of `text` that begins with these opening words.
pub fn numbered(text: &str, sentences: &[Span], words: &str) -> Option<usize> {
    let of = |span: &Span| &text[span.start as usize..span.end as usize];
    sentences.iter().position(|span| opening(of(span)) == words)
}
