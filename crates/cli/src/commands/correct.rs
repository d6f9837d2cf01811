//! `backissue correct`: corrects the values of a read. Also exports corrected reads as labels.

use std::path::Path;

use anyhow::Context;
use backissue_annotate::{Vocabulary, sentences};
use backissue_model::{ConceptSlug, Form, Kind, ReadField, ReadId, Statement};
use backissue_store::{Corrected, ReadPage, Store};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use url::Url;

use crate::args::CorrectArgs;
use crate::commands::reader::not_there;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, PLAIN, QUIET, STRONG, say};
use crate::settings::Settings;

/// Number of first words by which a label identifies a sentence.
const OPENING_WORDS: usize = 8;
/// Reads per query of the store.
const PAGE: u32 = 200;

/// Corrects a read, takes corrections back, or prints them.
pub async fn run(args: CorrectArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let read = args.read;
    let now = Timestamp::now();
    let today = now.to_zoned_datetime(store.zone().clone()).date();
    let mut corrections = Vec::new();
    for (field, typed) in args.typed() {
        corrections.push(Vocabulary::builtin().correction(field, typed, today)?);
    }
    let undo = args.fields_to_take_back();
    let Some(page) = store.read(read).await? else { return Ok(not_there(read)) };
    let read = page.card.id;
    let is_change = !corrections.is_empty() || !undo.is_empty();
    let corrected =
        if is_change { store.correct(read, &corrections, &undo, now).await? } else { page.corrected };
    if args.json {
        output::json(&json!({ "read": read, "corrections": corrected }))?;
    } else {
        tell(read, &corrected, &store)?;
    }
    Ok(Outcome::Fine)
}

fn tell(read: ReadId, corrected: &[Corrected], store: &Store) -> anyhow::Result<()> {
    if corrected.is_empty() {
        say!("Nothing about read {read} is corrected; all of it is what the program says.")?;
    }
    let or_none = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
    for Corrected { correction, at, said } in corrected {
        say!("{STRONG}{}{PLAIN}  {}", correction.field(), or_none(correction.text()))?;
        let day = output::day(Some(*at), store.zone());
        say!("  {QUIET}corrected by a person on {day}; the program said: {}{PLAIN}", or_none(said))?;
    }
    Ok(())
}

/// A corrected read in the form of a line of `eval/precis.jsonl`; eval/README.md describes it.
#[derive(Serialize)]
struct Label {
    url: Url,
    company: String,
    kind: Kind,
    problem: Option<Labelled>,
    approach: Option<Labelled>,
    outcome: Option<Labelled>,
    concepts: Vec<ConceptSlug>,
    technologies: Vec<String>,
    readers: u8,
    /// The corrected fields.
    settled: Vec<ReadField>,
}

/// A statement with the first words of the sentences that support it.
#[derive(Serialize)]
struct Labelled {
    text: String,
    sentences: Vec<String>,
}

/// Writes the reads with a corrected précis as labels, one per line.
pub async fn export(store: &Store, file: &Path) -> anyhow::Result<Outcome> {
    let (mut lines, mut count, mut after) = (String::new(), 0, ReadId(0));
    loop {
        let reads = store.corrected_reads(after, PAGE).await?;
        let Some(last) = reads.last() else { break };
        after = *last;
        for read in reads {
            // A read that was merged meanwhile comes under its other number.
            let Some(page) = store.read(read).await?.filter(|page| page.card.id == read) else { continue };
            lines.push_str(&serde_json::to_string(&label(page))?);
            lines.push('\n');
            count += 1;
        }
    }
    if file.as_os_str() == "-" {
        use std::io::Write;
        std::io::stdout().lock().write_all(lines.as_bytes())?;
        return Ok(Outcome::Fine);
    }
    std::fs::write(file, lines).with_context(|| format!("{} cannot be written", file.display()))?;
    anstream::eprintln!("{} written to {}", output::count(count, "corrected read"), file.display());
    Ok(Outcome::Fine)
}

fn label(page: ReadPage) -> Label {
    let ReadPage { card, article, precis, corrected, .. } = page;
    let text = &article.text;
    let labelled = |statement: &Option<Statement>| {
        statement.as_ref().map(|statement| Labelled {
            text: statement.text.clone(),
            sentences: supporting(text, statement),
        })
    };
    let fields = corrected.iter().map(|one| one.correction.field());
    Label {
        problem: labelled(&precis.problem),
        approach: labelled(&precis.approach),
        outcome: labelled(&precis.outcome),
        url: card.url,
        company: card.company,
        kind: precis.kind,
        concepts: precis.concepts,
        technologies: precis.technologies,
        readers: 1,
        settled: fields.filter(|field| field.is_in_precis()).collect(),
    }
}

/// The first words of the article's sentences that are the statement's evidence. A person's
/// statement has no evidence; for it, the sentences that it quotes.
fn supporting(text: &str, statement: &Statement) -> Vec<String> {
    let supports = |start: u32, end: u32, sentence: &str| match statement.form {
        Form::Corrected => statement.text.contains(sentence),
        Form::Quoted | Form::Written => {
            statement.evidence.iter().any(|evidence| evidence.span.start < end && start < evidence.span.end)
        }
    };
    let mut found = Vec::new();
    for span in sentences(text) {
        let sentence = output::in_one_line(span.of(text));
        if !sentence.is_empty() && supports(span.start, span.end, &sentence) {
            found.push(sentence.split(' ').take(OPENING_WORDS).collect::<Vec<_>>().join(" "));
        }
    }
    found
}

impl CorrectArgs {
    /// The fields to correct, each with the typed text.
    fn typed(&self) -> impl Iterator<Item = (ReadField, &str)> {
        let given = [
            (ReadField::Problem, &self.problem),
            (ReadField::Approach, &self.approach),
            (ReadField::Outcome, &self.outcome),
            (ReadField::Kind, &self.kind),
            (ReadField::Concepts, &self.concepts),
            (ReadField::Title, &self.title),
            (ReadField::Date, &self.date),
            (ReadField::Company, &self.company),
        ];
        given.into_iter().filter_map(|(field, typed)| Some((field, typed.as_deref()?)))
    }

    /// The fields of `--undo`; all of them if it names none.
    fn fields_to_take_back(&self) -> Vec<ReadField> {
        match &self.undo {
            None => Vec::new(),
            Some(fields) if fields.is_empty() => ReadField::ALL.to_vec(),
            Some(fields) => fields.clone(),
        }
    }
}
