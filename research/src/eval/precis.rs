//! Compares the précis of labelled reads with their labels.

use std::collections::BTreeMap;
use std::time::Instant;

use anyhow::ensure;
use backissue_annotate::asking::Refusal;
use backissue_annotate::training::Seen;
use backissue_annotate::{Field, Text, sentences};
use backissue_model::{ConceptSlug, Evidence, Kind, Precis, Span, Statement, Sureness};

use super::asker::{Asker, ModelFlags};
use super::statistics::{Estimate, Overlap, bootstrap, mean, percentile, ratio};
use crate::labels::{self, Label, Read};
use crate::table::table;

/// The arguments of `cargo xtask eval precis`.
#[derive(Debug, clap::Args)]
pub struct Evaluation {
    /// The reads to use: those of the reporting blogs, of the training blogs, or all
    #[arg(long, value_enum, default_value_t = Blogs::Reporting)]
    blogs: Blogs,
    /// Leave out reads that only one reader labelled
    #[arg(long)]
    two_readers: bool,
    /// Maximum number of reads, evenly distributed
    #[arg(long, value_name = "NUMBER")]
    reads: Option<usize>,
    /// Print so many reads first, evenly distributed, with label and précis side by side
    #[arg(long, value_name = "READS")]
    side_by_side: Option<usize>,
    #[command(flatten)]
    model: ModelFlags,
}

/// Which part of the labelled set.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Blogs {
    /// The blogs that are only for reporting
    Reporting,
    /// The blogs for all tuning
    Training,
    /// Both
    All,
}

impl Blogs {
    pub(super) fn hold(self, label: &Label) -> bool {
        match self {
            Self::Reporting => label.is_reported(),
            Self::Training => !label.is_reported(),
            Self::All => true,
        }
    }
}

/// A read with its label and précis.
struct Annotated<'a> {
    read: &'a Read,
    sentences: Vec<Span>,
    precis: Precis,
    refused: Vec<Refusal>,
    milliseconds: f64,
}

/// A function that makes a précis of a text, and returns the refusals.
type Annotate<'a> = dyn FnMut(&Text<'_>) -> anyhow::Result<(Precis, Vec<Refusal>)> + 'a;

fn stated(precis: &Precis, part: Field) -> Option<&Statement> {
    precis.statements().find(|(name, _)| *name == part.as_str()).map(|(_, statement)| statement)
}

impl Evaluation {
    /// Annotates, compares and prints the result.
    ///
    /// # Errors
    /// If the labelled set cannot be read, or a statement has no evidence in its text.
    pub fn run(self) -> anyhow::Result<()> {
        let all = labels::load()?;
        let holds =
            |read: &&Read| self.blogs.hold(&read.label) && (!self.two_readers || read.label.readers > 1);
        let of_blogs: Vec<&Read> = all.iter().filter(holds).collect();
        let reads = spread(&of_blogs, self.reads.unwrap_or(of_blogs.len()));
        let mut asker = self.model.asker()?;
        let annotated = match &mut asker {
            None => annotate(&reads, &mut |text| Ok((backissue_annotate::annotate(text), Vec::new())))?,
            Some(asker) => annotate(&reads, &mut |text| asker.precis(text))?,
        };
        side_by_side(&spread(&annotated.iter().collect::<Vec<_>>(), self.side_by_side.unwrap_or(0)));
        report(&annotated, asker.as_ref())
    }
}

/// At most `count` of `all`, evenly distributed.
fn spread<'a, T>(all: &[&'a T], count: usize) -> Vec<&'a T> {
    let count = count.min(all.len());
    (0..count).map(|number| all[number * all.len() / count]).collect()
}

fn annotate<'a>(reads: &[&'a Read], annotate: &mut Annotate<'_>) -> anyhow::Result<Vec<Annotated<'a>>> {
    // What is built once per process is not part of a read's time.
    if let Some(first) = reads.first() {
        backissue_annotate::annotate(&first.text());
    }
    let each = |read: &&'a Read| {
        let began = Instant::now();
        let (precis, refused) = annotate(&read.text())?;
        let milliseconds = began.elapsed().as_secs_f64() * 1000.0;
        Ok(Annotated { read, sentences: sentences(&read.article.text), precis, refused, milliseconds })
    };
    reads.iter().map(each).collect()
}

fn report(reads: &[Annotated<'_>], asker: Option<&Asker>) -> anyhow::Result<()> {
    let mut blogs: BTreeMap<&str, usize> = BTreeMap::new();
    for one in reads {
        *blogs.entry(one.read.label.blog()).or_default() += 1;
    }
    let blogs: Vec<String> = blogs.iter().map(|(blog, count)| format!("{blog} ({count})")).collect();
    println!("# Précis of {} labelled reads: {}\n", reads.len(), blogs.join(", "));
    println!("Intervals hold 95 of 100 bootstrap draws of the reads.\n");
    passages(reads);
    levels(reads);
    presence(reads);
    kinds(reads);
    names(reads);
    evidence(reads);
    match asker {
        None => times(reads),
        Some(asker) => println!("{}", asker.account()),
    }
    let unbacked: Vec<&str> = reads
        .iter()
        .filter(|one| !one.precis.is_backed_by(&one.read.article.text))
        .map(|one| one.read.label.url.as_str())
        .collect();
    ensure!(unbacked.is_empty(), "statements without evidence in the text: {}", unbacked.join(", "));
    Ok(())
}

/// Prints how often the best passage, and one of the best three, has a labelled sentence.
fn passages(reads: &[Annotated<'_>]) {
    println!("## Passages\n");
    println!("Over reads whose label has the part and names a sentence of it, whatever is shown:\n");
    let hits = |one: &Annotated<'_>, part: Field| -> Option<[f64; 2]> {
        let wanted = one.read.label.part(part)?;
        let text = one.read.text();
        let seen = Seen::of(&text);
        let spans = seen.sentences();
        let named = wanted.named(text.text, &spans);
        let top = seen.top(part, 3);
        let hit = |passages: &[Vec<usize>]| {
            f64::from(u8::from(passages.iter().flatten().any(|at| named.contains(at))))
        };
        (!named.is_empty()).then(|| [hit(&top[..top.len().min(1)]), hit(&top)])
    };
    let row = |part: Field| {
        let found: Vec<[f64; 2]> = reads.iter().filter_map(|one| hits(one, part)).collect();
        let share =
            |k: usize| shown(bootstrap(found.len(), |drawn| mean(drawn.iter().map(|&at| found[at][k]))));
        vec![part.as_str().to_owned(), found.len().to_string(), share(0), share(1)]
    };
    println!("{}", table(&["", "reads", "hit@1", "hit@3"], &Field::ALL.map(row)));
    let mut blogs: BTreeMap<&str, Vec<[f64; 2]>> = BTreeMap::new();
    for one in reads {
        blogs.entry(one.read.label.blog()).or_default().extend(hits(one, Field::Problem));
    }
    let rows: Vec<Vec<String>> = blogs
        .iter()
        .filter(|(_, found)| !found.is_empty())
        .map(|(blog, found)| {
            let share = |k: usize| format!("{:.2}", mean(found.iter().map(|hits| hits[k])));
            vec![(*blog).to_owned(), found.len().to_string(), share(0), share(1)]
        })
        .collect();
    println!("{}", table(&["problem, by blog", "reads", "hit@1", "hit@3"], &rows));
}

/// Prints what is shown at each level of sureness, and how often it has a labelled sentence.
fn levels(reads: &[Annotated<'_>]) {
    println!("## Sureness\n");
    let mut rows = Vec::new();
    for part in Field::ALL {
        for level in [Sureness::Sure, Sureness::Likely] {
            let said: Vec<bool> = reads
                .iter()
                .filter_map(|one| {
                    let statement = stated(&one.precis, part).filter(|s| s.sureness() == level)?;
                    let touched = touched(&one.sentences, &statement.evidence);
                    let text = &one.read.article.text;
                    Some(one.read.label.part(part).is_some_and(|wanted| {
                        wanted.named(text, &one.sentences).iter().any(|at| touched.contains(at))
                    }))
                })
                .collect();
            let right = said.iter().filter(|right| **right).count();
            let with = reads.iter().filter(|one| one.read.label.part(part).is_some()).count();
            rows.push(vec![
                part.as_str().to_owned(),
                format!("{level:?}").to_lowercase(),
                share(said.len(), with),
                share(right, said.len()),
            ]);
        }
    }
    println!("{}", table(&["", "level", "shown, of reads that have it", "holds a named sentence"], &rows));
}

pub(super) fn shown(estimate: Estimate) -> String {
    format!("{:.3} [{:.3}, {:.3}]", estimate.value, estimate.low, estimate.high)
}

/// A share with its total.
fn share(hits: usize, of: usize) -> String {
    format!("{:.1} % ({hits} of {of})", 100.0 * ratio(hits as f64, of as f64))
}

/// Prints how often there is a problem, in the label and in the précis.
fn presence(reads: &[Annotated<'_>]) {
    let count = |labelled: bool, said: bool| {
        let is = |one: &&Annotated<'_>| {
            one.read.label.problem.is_some() == labelled && one.precis.problem.is_some() == said
        };
        reads.iter().filter(is).count()
    };
    println!("## Presence of a problem\n");
    let line = |name: &str, labelled| {
        vec![name.to_owned(), count(labelled, true).to_string(), count(labelled, false).to_string()]
    };
    let rows = [line("label has one", true), line("label has none", false)];
    println!("{}", table(&["", "ours says one", "ours says none"], &rows));
    let (hits, said, missed, silent) =
        (count(true, true), count(false, true), count(true, false), count(false, false));
    let rows = [
        vec!["precision".to_owned(), share(hits, hits + said)],
        vec!["recall".to_owned(), share(hits, hits + missed)],
        vec!["absent rightly absent".to_owned(), share(silent, silent + said)],
    ];
    println!("{}", table(&["", "share"], &rows));
}

/// Prints how often the kind is correct, and the confusions.
fn kinds(reads: &[Annotated<'_>]) {
    let right = reads.iter().filter(|one| one.read.label.kind == one.precis.kind).count();
    let interval = bootstrap(reads.len(), |drawn| {
        mean(drawn.iter().map(|&at| f64::from(u8::from(reads[at].read.label.kind == reads[at].precis.kind))))
    });
    println!("## Kind\n\nRight: {}, {}\n", share(right, reads.len()), shown(interval));
    let count = |labelled: Kind, said: Kind| {
        reads.iter().filter(|one| one.read.label.kind == labelled && one.precis.kind == said).count()
    };
    let occurs = |kind: &Kind| Kind::ALL.iter().any(|other| count(*kind, *other) + count(*other, *kind) > 0);
    let occurring: Vec<Kind> = Kind::ALL.into_iter().filter(occurs).collect();
    let head: Vec<&str> =
        ["label ↓ ours →"].into_iter().chain(occurring.iter().map(|k| k.as_str())).collect();
    let row = |labelled: &Kind| {
        let cells = occurring.iter().map(|said| match count(*labelled, *said) {
            0 => String::new(),
            n if labelled == said => format!("**{n}**"),
            n => n.to_string(),
        });
        [labelled.to_string()].into_iter().chain(cells).collect()
    };
    println!("{}", table(&head, &occurring.iter().map(row).collect::<Vec<_>>()));
}

/// Prints how well concepts and technologies match the labels.
fn names(reads: &[Annotated<'_>]) {
    let concepts = |one: &Annotated<'_>| Overlap::of(&one.precis.concepts, &one.read.label.concepts);
    let technologies =
        |one: &Annotated<'_>| Overlap::of_names(&one.precis.technologies, &one.read.label.technologies);
    let row = |name: &str, overlaps: Vec<Overlap>| {
        let all: Overlap = overlaps.iter().copied().sum();
        let micro =
            bootstrap(overlaps.len(), |drawn| drawn.iter().map(|&at| overlaps[at]).sum::<Overlap>().f1());
        let each = bootstrap(overlaps.len(), |drawn| mean(drawn.iter().map(|&at| overlaps[at].f1())));
        vec![
            name.to_owned(),
            format!("{:.3}", all.precision()),
            format!("{:.3}", all.recall()),
            shown(micro),
            shown(each),
        ]
    };
    println!("## Concepts and technologies\n");
    let rows = [
        row("concepts", reads.iter().map(concepts).collect()),
        row("technologies", reads.iter().map(technologies).collect()),
    ];
    println!("{}", table(&["", "precision", "recall", "F1", "F1, mean of the reads"], &rows));
}

/// Prints how many statements have evidence, and whether it is the labellers'.
fn evidence(reads: &[Annotated<'_>]) {
    println!("## Evidence\n");
    let row = |part: Field| {
        let stated: Vec<(&Annotated<'_>, &Statement)> =
            reads.iter().filter_map(|one| Some((one, stated(&one.precis, part)?))).collect();
        let holds = |text: &str, evidence: &[Evidence]| {
            !evidence.is_empty() && evidence.iter().all(|e| e.holds_in(text))
        };
        let found = stated.iter().filter(|(one, s)| holds(&one.read.article.text, &s.evidence)).count();
        let overlaps: Vec<Overlap> = stated
            .iter()
            .filter_map(|(one, statement)| {
                let wanted = one.read.label.part(part)?;
                let text = &one.read.article.text;
                let named = wanted.named(text, &one.sentences);
                Some(Overlap::of(&touched(&one.sentences, &statement.evidence), &named))
            })
            .collect();
        let all: Overlap = overlaps.iter().copied().sum();
        vec![
            part.as_str().to_owned(),
            share(found, stated.len()),
            share(overlaps.iter().filter(|o| o.shared > 0).count(), overlaps.len()),
            format!("{:.3}", all.precision()),
            format!("{:.3}", all.recall()),
        ]
    };
    let head = [
        "",
        "statements whose evidence is in the text",
        "share a sentence with the label, where both speak",
        "precision of sentences",
        "recall of sentences",
    ];
    println!("{}", table(&head, &Field::ALL.map(row)));
}

/// The numbers of the sentences that the evidence touches.
fn touched(sentences: &[Span], evidence: &[Evidence]) -> Vec<usize> {
    let in_evidence = |s: &Span| evidence.iter().any(|e| e.span.start < s.end && s.start < e.span.end);
    (0..sentences.len()).filter(|&at| in_evidence(&sentences[at])).collect()
}

/// Prints the time per read.
fn times(reads: &[Annotated<'_>]) {
    println!("## Time\n");
    if cfg!(debug_assertions) {
        println!("NOT MEASURED: this build is not optimised; leave out --unoptimised.\n");
        return;
    }
    let mut times: Vec<f64> = reads.iter().map(|one| one.milliseconds).collect();
    times.sort_by(f64::total_cmp);
    let average = mean(times.iter().copied());
    let row = [average, percentile(&times, 50.0), percentile(&times, 95.0), percentile(&times, 100.0)];
    let row = row.map(|time| format!("{time:.2}")).to_vec();
    println!("Milliseconds a read, on one core, from text to précis:\n");
    println!("{}", table(&["mean", "p50", "p95", "longest"], &[row]));
}

/// Prints reads with label and précis, for people to read.
fn side_by_side(reads: &[&Annotated<'_>]) {
    for (number, one) in reads.iter().enumerate() {
        let (label, precis) = (&one.read.label, &one.precis);
        let both = |label: String, ours: String| {
            if label == ours { format!("{label} (both)") } else { format!("{label} — ours: {ours}") }
        };
        println!("## {}. {}\n", number + 1, one.read.article.title.as_deref().unwrap_or("(no title)"));
        println!("<{}>\n", label.url);
        println!("kind: {}\n", both(label.kind.to_string(), precis.kind.to_string()));
        for part in Field::ALL {
            let wanted = label.part(part).map_or("(none)", |wanted| &wanted.text);
            println!("{}:\n- label: {wanted}", part.as_str());
            match stated(precis, part) {
                None => println!("- ours: (none)"),
                Some(said) => {
                    println!("- ours ({}, {:.2}): {}", said.sureness().as_str(), said.confidence, said.text)
                }
            }
            for quote in stated(precis, part).into_iter().flat_map(|said| &said.evidence) {
                println!("  - rests on: {}", quote.quote.split_whitespace().collect::<Vec<_>>().join(" "));
            }
            println!();
        }
        let slugs =
            |slugs: &[ConceptSlug]| slugs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        println!("concepts: {}\n", both(slugs(&label.concepts), slugs(&precis.concepts)));
        println!("technologies: {}\n", both(label.technologies.join(", "), precis.technologies.join(", ")));
        for Refusal { field, said, reason, .. } in &one.refused {
            println!("- refused: {field}, {reason}: {said}");
        }
        println!();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_touches_its_sentences() {
        let text = "One. Two. Three.";
        let spans = sentences(text);
        assert_eq!(spans.len(), 3);
        let evidence = |start, end| Evidence::at(text, start, end).unwrap();
        assert_eq!(touched(&spans, &[evidence(5, 9)]), [1]);
        assert_eq!(touched(&spans, &[evidence(0, 2), evidence(6, 12)]), [0, 1, 2]);
        assert_eq!(touched(&spans, &[evidence(4, 5)]), [0usize; 0], "between two");
    }
}
