//! Prints what the built-in annotator shows of each article in the shared test data, for people to
//! judge.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use backissue_annotate::{Text, annotate};
use backissue_model::Statement;
use serde_json::{Value, json};

use super::precis::Blogs;
use crate::labels;

/// The arguments of `cargo xtask eval passages`.
#[derive(Debug, clap::Args)]
pub struct Passages {
    /// The articles to use: those of the reporting blogs, of the training blogs, or all
    #[arg(long, value_enum, default_value_t = Blogs::Training)]
    blogs: Blogs,
    /// Write the text of each article into this folder, as `NUMBER.txt`
    #[arg(long, value_name = "FOLDER")]
    texts: Option<PathBuf>,
}

impl Passages {
    /// Prints one line of JSON per article.
    ///
    /// # Errors
    /// If the shared test data cannot be read, or a text cannot be written.
    pub fn run(self) -> anyhow::Result<()> {
        let articles = labels::articles()?.into_iter().enumerate();
        for (number, (read, labelled)) in articles.filter(|(_, (read, _))| self.blogs.hold(&read.label)) {
            if let Some(folder) = &self.texts {
                let file = folder.join(format!("{number}.txt"));
                fs::write(&file, &read.article.text)
                    .with_context(|| format!("{} cannot be written", file.display()))?;
            }
            println!("{}", line(number, &read.text(), labelled.then_some(&read.label)));
        }
        Ok(())
    }
}

/// A line for an article with its précis, and with its label if it has one.
fn line(number: usize, text: &Text<'_>, label: Option<&labels::Label>) -> Value {
    let precis = annotate(text);
    let shown = |statement: Option<&Statement>| {
        statement.map(|said| {
            json!({
                "level": said.sureness().as_str(),
                "confidence": said.confidence,
                "text": said.text,
                "at": said.evidence.first().map(|evidence| evidence.span.start),
            })
        })
    };
    json!({
        "number": number,
        "url": text.url,
        "title": text.title,
        "kind": precis.kind,
        "problem": shown(precis.problem.as_ref()),
        "approach": shown(precis.approach.as_ref()),
        "outcome": shown(precis.outcome.as_ref()),
        "concepts": precis.concepts,
        "characters": text.text.len(),
        "label": label,
    })
}
