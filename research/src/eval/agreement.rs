//! How far the two readers of the labelled set agreed, before it was settled.
//!
//! The readers were of the same kind, so independent readers would agree at most as well.
//! eval/README.md says more.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, ensure};
use url::Url;

use super::statistics::{Overlap, kappa, mean, ratio};
use crate::labels::{self, Label, Reader};
use crate::table::table;
use backissue_annotate::Field;

/// The arguments of `cargo xtask eval agreement`.
#[derive(Debug, clap::Args)]
pub struct Agreement {}

/// Both readers' labels of one read.
type Both = (Label, Label);

impl Agreement {
    /// Compares the readers and prints the result.
    ///
    /// # Errors
    /// If the readings cannot be read, or a read does not have exactly one by each reader.
    pub fn run(self) -> anyhow::Result<()> {
        let both = paired(labels::readings()?)?;
        println!("# Agreement of two readers on {} reads\n", both.len());
        choices(&both);
        statements(&both);
        names(&both);
        settled(&labels::labels()?);
        Ok(())
    }
}

/// The readings of each read, the first reader's first.
fn paired(readings: Vec<labels::Reading>) -> anyhow::Result<Vec<Both>> {
    let mut first: BTreeMap<Url, Label> = BTreeMap::new();
    let mut second: HashMap<Url, Label> = HashMap::new();
    for reading in readings {
        let url = reading.label.url.clone();
        let former = match reading.reader {
            Reader::A => first.insert(url.clone(), reading.label),
            Reader::B => second.insert(url.clone(), reading.label),
        };
        ensure!(former.is_none(), "reader {:?} read {url} twice", reading.reader);
    }
    let pair = |(url, label)| {
        let other = second.remove(&url).with_context(|| format!("reader B has not read {url}"))?;
        Ok((label, other))
    };
    let both: Vec<Both> = first.into_iter().map(pair).collect::<anyhow::Result<_>>()?;
    ensure!(
        second.is_empty(),
        "reader A has not read {}",
        second.keys().map(Url::as_str).collect::<Vec<_>>().join(", ")
    );
    Ok(both)
}

/// Prints how often both chose the same.
fn choices(both: &[Both]) {
    let row = |name: String, same: usize, kappa: f64| {
        vec![name, format!("{:.1} %", 100.0 * ratio(same as f64, both.len() as f64)), format!("{kappa:.3}")]
    };
    let kinds: Vec<_> = both.iter().map(|(a, b)| (a.kind, b.kind)).collect();
    let mut rows = vec![row("kind".to_owned(), same(&kinds), kappa(&kinds))];
    for part in Field::ALL {
        let there: Vec<_> =
            both.iter().map(|(a, b)| (a.part(part).is_some(), b.part(part).is_some())).collect();
        rows.push(row(format!("{} there or not", part.as_str()), same(&there), kappa(&there)));
    }
    println!("{}", table(&["", "the same", "Cohen's kappa"], &rows));
}

fn same<T: PartialEq>(pairs: &[(T, T)]) -> usize {
    pairs.iter().filter(|(a, b)| a == b).count()
}

/// Prints how far both cited the same sentences, if both made a statement.
fn statements(both: &[Both]) {
    let mut rows = Vec::new();
    for part in Field::ALL {
        let pairs: Vec<_> = both.iter().filter_map(|(a, b)| Some((a.part(part)?, b.part(part)?))).collect();
        let mut row = vec![part.as_str().to_owned(), pairs.len().to_string()];
        let overlaps = || pairs.iter().map(|(a, b)| Overlap::of(&a.sentences, &b.sentences));
        let sharing = overlaps().filter(|overlap| overlap.shared > 0).count();
        row.push(format!("{:.1} %", 100.0 * ratio(sharing as f64, pairs.len() as f64)));
        row.push(format!("{:.3}", overlaps().sum::<Overlap>().f1()));
        rows.push(row);
    }
    println!("{}", table(&["where both made one", "reads", "share a sentence", "F1 of sentences"], &rows));
}

/// Prints how far both named the same concepts and technologies.
fn names(both: &[Both]) {
    let row = |name: &str, overlaps: Vec<Overlap>| {
        let all: Overlap = overlaps.iter().copied().sum();
        let each = mean(overlaps.into_iter().map(Overlap::f1));
        vec![name.to_owned(), format!("{:.3}", all.f1()), format!("{each:.3}")]
    };
    let rows = [
        row("concepts", both.iter().map(|(a, b)| Overlap::of(&a.concepts, &b.concepts)).collect()),
        row(
            "technologies",
            both.iter().map(|(a, b)| Overlap::of_names(&a.technologies, &b.technologies)).collect(),
        ),
    ];
    println!("{}", table(&["", "F1", "F1, mean of the reads"], &rows));
}

/// Prints the fields in which the readers differed so much that a third reading decided.
fn settled(labels: &[Label]) {
    let mut fields: BTreeMap<&str, usize> = BTreeMap::new();
    for field in labels.iter().flat_map(|label| &label.settled) {
        *fields.entry(field).or_default() += 1;
    }
    let reads = labels.iter().filter(|label| !label.settled.is_empty()).count();
    println!(
        "A third reading settled {} fields of {reads} reads, of {} in all:\n",
        fields.values().sum::<usize>(),
        labels.len()
    );
    let rows: Vec<Vec<String>> =
        fields.iter().map(|(field, count)| vec![(*field).to_owned(), count.to_string()]).collect();
    println!("{}", table(&["field", "settled"], &rows));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::Reading;

    fn reading(reader: &str, url: &str) -> Reading {
        let line = format!(
            r#"{{"url": "{url}", "reader": "{reader}", "company": "Acme", "kind": "event", "problem": null,
            "approach": null, "outcome": null, "concepts": [], "technologies": []}}"#
        );
        serde_json::from_str(&line).unwrap()
    }

    #[test]
    fn every_read_needs_both_readers_once() {
        let (one, two) = ("https://blog.example/1", "https://blog.example/2");
        let both =
            paired(vec![reading("B", one), reading("A", two), reading("A", one), reading("B", two)]).unwrap();
        assert!(both.iter().all(|(a, b)| a.url == b.url) && both.len() == 2);
        let failing = |readings: Vec<Reading>| paired(readings).unwrap_err().to_string();
        assert_eq!(failing(vec![reading("A", one)]), "reader B has not read https://blog.example/1");
        assert_eq!(failing(vec![reading("B", one)]), "reader A has not read https://blog.example/1");
        assert_eq!(
            failing(vec![reading("A", one), reading("A", one)]),
            "reader A read https://blog.example/1 twice"
        );
    }
}
