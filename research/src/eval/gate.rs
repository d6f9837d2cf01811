//! `cargo xtask eval gate`: how many true statements the gate accepts, and how many invented ones,
//! by kind.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use backissue_annotate::annotate;
use backissue_annotate::asking::{Asking, PromptSettings, Question, Readings, Refusal};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;

use super::hostile::{self, Second};
use super::precis::shown;
use super::statistics::{bootstrap, mean};
use crate::labels::{self, Read};
use crate::table::table;
use crate::workspace::workspace;

/// The arguments of `cargo xtask eval gate`.
#[derive(Debug, clap::Args)]
pub struct Gate {
    /// Write the second questions here, a JSON object per line, for somebody or something to answer
    #[arg(long, value_name = "FILE")]
    questions: Option<PathBuf>,

    /// Print each true statement that the words part refuses, with the words that it misses
    #[arg(long)]
    refused: bool,
}

/// A statement about a labelled read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    url: Url,
    field: String,
    text: String,
    /// The opening words of the sentences that the statement cites.
    sentences: Vec<String>,
    is_true: bool,
    /// `true`, or the way in which the statement was invented.
    kind: String,
    /// The answer of a second reader who saw neither these two fields nor the article: yes, in
    /// part, or no.
    said: Option<String>,
}

/// A prompt for the second reading.
#[derive(Serialize)]
struct Asked<'a> {
    /// The file of the statement: `gate` or `hostile`; `honest` for the true statements of
    /// `hostile`.
    file: &'static str,
    line: usize,
    system: &'a str,
    user: &'a str,
}

/// The results for a statement.
struct Judged {
    row: Row,
    /// The refusal by the comparison of words, if any.
    refused: Option<Refusal>,
    /// The answer of the second reading, whether the sentences say the statement. `None` if it was
    /// not asked.
    is_said: Option<bool>,
}

impl Judged {
    fn words_pass(&self) -> bool {
        self.refused.is_none()
    }

    fn passes(&self) -> bool {
        self.words_pass() && self.is_said == Some(true)
    }
}

impl Gate {
    /// Judges all statements and prints Markdown tables.
    ///
    /// # Errors
    /// If a file is missing or malformed, or a statement is about no labelled read.
    pub fn run(self) -> anyhow::Result<()> {
        let path = workspace().join("eval/gate.jsonl");
        let file = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let reads = labels::load()?;
        let reads: HashMap<&Url, &Read> = reads.iter().map(|read| (&read.label.url, read)).collect();
        let (mut judged, mut questions) = (Vec::new(), String::new());
        for (line, text) in (1..).zip(file.lines()) {
            let row: Row =
                serde_json::from_str(text).with_context(|| format!("line {line} of gate.jsonl"))?;
            let read = reads.get(&row.url).with_context(|| format!("{} is not labelled", row.url))?;
            let (one, question) = judge(row, read).with_context(|| format!("line {line} of gate.jsonl"))?;
            if let Some(Question { system, user, .. }) = question.filter(|_| self.questions.is_some()) {
                questions +=
                    &serde_json::to_string(&Asked { file: "gate", line, system: &system, user: &user })?;
                questions.push('\n');
            }
            judged.push(one);
        }
        let (attacks, about_attacks) = hostile::judge()?;
        if self.questions.is_some() {
            for Second { file, line, question: Question { system, user, .. } } in &about_attacks {
                questions += &serde_json::to_string(&Asked { file, line: *line, system, user })?;
                questions.push('\n');
            }
        }
        if let Some(path) = &self.questions {
            fs::write(path, questions).with_context(|| format!("{} cannot be written", path.display()))?;
        }
        for one in judged.iter().filter(|one| self.refused && one.row.is_true) {
            if let Some(Refusal { reason, missing, .. }) = &one.refused {
                println!("- {}: {reason} {missing:?}\n  {}", one.row.url, one.row.text);
            }
        }
        println!("{}\n{}\n{}", totals(&judged), by_kind(&judged), reasons(&judged));
        println!("{attacks}");
        Ok(())
    }
}

/// Checks a statement with the gate, as the only field of a model's answer.
fn judge(row: Row, read: &Read) -> anyhow::Result<(Judged, Option<Question>)> {
    let article = read.text();
    let whole = PromptSettings { characters: usize::MAX, ..PromptSettings::default() };
    let asking = Asking::about(article, annotate(&article), whole).context("the read has no sentences")?;
    let question = asking.question();
    let numbers = row.sentences.iter().map(|opening| number(&question.user, opening));
    let numbers: Vec<usize> = numbers.collect::<anyhow::Result<_>>()?;
    let mut answer = json!({
        "kind": "case-study", "problem": null, "approach": null, "outcome": null, "concepts": [], "technologies": [],
    });
    answer[&row.field] = json!({ "text": row.text, "sentences": numbers });
    let mut readings = Readings::default();
    asking.read(&mut readings, &answer.to_string());
    let refused = readings.refusals().find(|refusal| refusal.field == row.field).cloned();
    let second = asking.next_question(&readings).filter(|_| refused.is_none());
    let is_said = row.said.as_ref().map(|said| said == "yes");
    Ok((Judged { row, refused, is_said }, second))
}

/// The number of the sentence in the prompt that begins with these words.
fn number(question: &str, opening: &str) -> anyhow::Result<usize> {
    let found = question.lines().find_map(|line| {
        let (number, sentence) = line.strip_prefix('[')?.split_once("] ")?;
        sentence.starts_with(opening).then(|| number.parse().ok())?
    });
    found.with_context(|| format!("no sentence of the article begins “{opening}”"))
}

fn totals(judged: &[Judged]) -> String {
    let row = |name: &str, wanted: bool| {
        let of: Vec<&Judged> = judged.iter().filter(|one| one.row.is_true == wanted).collect();
        let asked: Vec<&Judged> = of.iter().copied().filter(|one| one.is_said.is_some()).collect();
        let known: Vec<&Judged> =
            of.iter().copied().filter(|one| !one.words_pass() || one.is_said.is_some()).collect();
        let count = |of: &[&Judged], passes: fn(&Judged) -> bool| {
            let right: Vec<f64> = of.iter().map(|one| f64::from(u8::from(passes(one) == wanted))).collect();
            shown(bootstrap(right.len(), |drawn| mean(drawn.iter().map(|at| right[*at]))))
        };
        vec![
            name.to_owned(),
            of.len().to_string(),
            count(&of, Judged::words_pass),
            count(&asked, |one| one.is_said == Some(true)),
            count(&known, Judged::passes),
        ]
    };
    table(
        &["", "statements", "by words alone", "of those asked about, by sense", "by both"],
        &[row("true, passed", true), row("invented, refused", false)],
    )
}

fn by_kind(judged: &[Judged]) -> String {
    let mut kinds: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    for one in judged.iter().filter(|one| !one.row.is_true) {
        kinds.entry(&one.row.kind).or_default().push(one);
    }
    let row = |(kind, of): (&&str, &Vec<&Judged>)| {
        let refused = |passes: fn(&Judged) -> bool| of.iter().filter(|one| !passes(one)).count().to_string();
        vec![(*kind).to_owned(), of.len().to_string(), refused(Judged::words_pass), refused(Judged::passes)]
    };
    let rows: Vec<Vec<String>> = kinds.iter().map(row).collect();
    table(&["kind of invention", "statements", "refused by words", "refused by both"], &rows)
}

/// The reasons why true statements were refused, most frequent first.
fn reasons(judged: &[Judged]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for one in judged.iter().filter(|one| one.row.is_true) {
        if let Some(refusal) = &one.refused {
            *counts.entry(&refusal.reason).or_default() += 1;
        }
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let rows: Vec<Vec<String>> =
        counts.into_iter().map(|(reason, count)| vec![reason.to_owned(), count.to_string()]).collect();
    table(&["why true statements are refused by words", "statements"], &rows)
}
