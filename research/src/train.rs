//! Makes the built-in annotator's weights, `crates/annotate/data/weights.toml`, from the labelled
//! reads.
//!
//! Only reads of the training blogs are used. The output of one model that another model uses
//! always comes from training without the read's blog, and regularisation is chosen by the same
//! leave-one-blog-out. The printed figures are for the blogs that were left out. `cargo xtask eval
//! precis` evaluates the reporting blogs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;

use anyhow::Context;
use backissue_annotate::Field;
use backissue_annotate::training::{Named, RankFile, Seen, Trial, WeightsFile, expected_kinds};
use backissue_model::{ConceptSlug, Kind};
use clap::Args;

use crate::fit::{Choice, Features, Numbers, fit, score};
use crate::labels::{self, Label, Read};
use crate::rouge::rouge;
use crate::workspace::workspace;

/// The file of the weights in the workspace.
const FILE: &str = "crates/annotate/data/weights.toml";

/// The regularisation strengths to try; the best for left-out blogs is used.
const HELD_BACK: [f32; 6] = [0.3, 1.0, 3.0, 10.0, 30.0, 100.0];

/// The difference in similarity to the label that reduces a sentence's weight by the factor e.
const TEMPERATURE: f64 = 0.08;

/// The bonus, in similarity, of a sentence that people named as evidence.
const NAMED: f64 = 0.45;

/// Smaller weights are omitted from the file.
const LEAST: f32 = 0.015;

/// Make the annotator's weights from the labelled reads
#[derive(Args, Debug)]
pub struct Train {
    /// Only print the result, without writing the file
    #[arg(long)]
    dry_run: bool,
}

impl Train {
    /// Trains and writes the file.
    pub fn run(self) -> anyhow::Result<()> {
        let reads: Vec<Read> = labels::load()?.into_iter().filter(|read| !read.label.is_reported()).collect();
        let texts: Vec<_> = reads.iter().map(Read::text).collect();
        let seen: Vec<Seen<'_>> = texts.iter().map(Seen::of).collect();
        let blogs: BTreeSet<&str> = reads.iter().map(|read| read.label.blog()).collect();
        let set: Vec<Example<'_>> = reads
            .iter()
            .zip(&seen)
            .map(|(read, seen)| Example { label: &read.label, seen, text: &read.article.text })
            .collect();
        println!("{} reads of {}", set.len(), blogs.iter().copied().collect::<Vec<_>>().join(", "));
        let mut training = Training {
            set,
            blogs: blogs.into_iter().collect(),
            apart: HashMap::new(),
            whole: WeightsFile::default(),
        };
        training.ranks();
        training.kinds();
        training.concepts();
        training.parts();
        let text = format!(
            "# What the signs of an article weigh. Made by `cargo xtask train` of {} labelled reads; not written by hand.\n\n{}",
            training.set.len(),
            toml::to_string(&rounded(training.whole))?
        );
        if self.dry_run {
            return Ok(());
        }
        let path = workspace().join(FILE);
        fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
        println!("{} written", path.display());
        Ok(())
    }
}

/// A labelled read.
struct Example<'a> {
    label: &'a Label,
    seen: &'a Seen<'a>,
    text: &'a str,
}

/// The trained weights: of all blogs, and of all but one, for each blog.
struct Training<'a> {
    set: Vec<Example<'a>>,
    blogs: Vec<&'a str>,
    apart: HashMap<&'a str, WeightsFile>,
    whole: WeightsFile,
}

/// A training case: its blog, the choice, and the quality of each candidate.
struct Lesson<'a> {
    blog: &'a str,
    choice: Choice,
    worth: Vec<f64>,
}

impl<'a> Example<'a> {
    /// Its sentences as candidates for `field`. Returns `None` if the label does not have it.
    fn sentences(&self, field: Field, numbers: &mut Numbers) -> Option<Lesson<'a>> {
        let label = self.label.part(field)?;
        let spans = self.seen.sentences();
        let named = label.named(self.text, &spans);
        let mut lesson = Lesson {
            blog: self.label.blog(),
            choice: Choice { candidates: vec![], targets: vec![] },
            worth: vec![],
        };
        for at in 0..spans.len() {
            let Some(passage) = self.seen.passage(field, at) else { continue };
            let similar = rouge(&passage.text, &label.text);
            let similar = (similar.one + similar.l) / 2.0;
            let is_named = passage.sentences.iter().any(|at| named.contains(at));
            lesson
                .choice
                .targets
                .push(((similar + if is_named { NAMED } else { 0.0 }) / TEMPERATURE).exp() as f32);
            lesson.worth.push(if is_named { 1.0 } else { 0.0 });
            let mut features: Features = Vec::new();
            for (name, value) in self.seen.sentence(at).iter().chain(&passage.features) {
                features.push((numbers.of(name), *value));
            }
            lesson.choice.candidates.push(features);
        }
        let all: f32 = lesson.choice.targets.iter().sum();
        lesson.choice.targets.iter_mut().for_each(|target| *target /= all);
        (!lesson.choice.candidates.is_empty()).then_some(lesson)
    }
}

impl<'a> Training<'a> {
    /// Trains the quality of sentences for each part.
    fn ranks(&mut self) {
        println!("\nshare of reads whose best passage holds a named sentence, blogs left out");
        println!("{:<10} {:>6} {:>8} {:>8} {:>8}", "part", "reads", "first", "chosen", "oracle");
        for field in Field::ALL {
            let mut numbers = Numbers::default();
            let lessons: Vec<Lesson<'_>> =
                self.set.iter().filter_map(|example| example.sentences(field, &mut numbers)).collect();
            let expected = vec![0.0; numbers.names().len()];
            let tried = |l2: f32| mean(&self.left_out(&lessons, &expected, l2, worth_of_best));
            let (l2, chosen) = best_of(HELD_BACK.into_iter(), tried);
            let first = lessons.iter().map(|lesson| lesson.worth[0]).collect::<Vec<_>>();
            let oracle = lessons
                .iter()
                .map(|lesson| lesson.worth.iter().copied().fold(0.0, f64::max))
                .collect::<Vec<_>>();
            println!(
                "{:<10} {:>6} {:>8.3} {:>8.3} {:>8.3}   held back by {l2}",
                field.as_str(),
                lessons.len(),
                mean(&first),
                chosen,
                mean(&oracle)
            );
            for blog in self.blogs.clone() {
                let weights = self.without(blog, &lessons, &expected, l2);
                rank_of(self.apart.entry(blog).or_default(), field).sentence =
                    named_weights(&numbers, &weights);
            }
            let weights = fit(&all_choices(&lessons), &expected, l2);
            rank_of(&mut self.whole, field).sentence = named_weights(&numbers, &weights);
        }
    }

    /// Trains the kind of post.
    fn kinds(&mut self) {
        let trials = self.trials();
        let features: Vec<Vec<Named>> =
            self.set.iter().map(|example| example.seen.kind(&trials[example.label.blog()])).collect();
        let mut numbers = Numbers::default();
        let kinds = Kind::ALL.len() as u32;
        let lessons: Vec<Lesson<'_>> = self
            .set
            .iter()
            .zip(&features)
            .map(|(example, features)| {
                let common: Features =
                    features.iter().map(|(name, value)| (numbers.of(name), *value)).collect();
                let of_kind = |kind: u32| {
                    common.iter().map(|(number, value)| (number * kinds + kind, *value)).collect()
                };
                let is = |kind: &Kind| if *kind == example.label.kind { 1.0 } else { 0.0 };
                Lesson {
                    blog: example.label.blog(),
                    choice: Choice {
                        candidates: (0..kinds).map(of_kind).collect(),
                        targets: Kind::ALL.iter().map(|kind| is(kind) as f32).collect(),
                    },
                    worth: Kind::ALL.iter().map(is).collect(),
                }
            })
            .collect();
        // A sign that no read has keeps its expected weight.
        let signs: Vec<(u32, Kind, f32)> =
            expected_kinds().map(|(name, kind, weight)| (numbers.of(name), kind, weight)).collect();
        let mut expected = vec![0.0; numbers.names().len() * kinds as usize];
        for (number, kind, weight) in signs {
            expected[(number * kinds) as usize + kind as usize] = weight;
        }
        let (l2, _) =
            best_of(HELD_BACK.into_iter(), |l2| mean(&self.left_out(&lessons, &expected, l2, likelihood)));
        let right = mean(&self.left_out(&lessons, &expected, l2, worth_of_best));
        println!("\nkinds right, blogs left out: {right:.3}   held back by {l2}");
        let put = |file: &mut WeightsFile, weights: &[f32]| {
            file.kind = numbers
                .names()
                .iter()
                .zip(weights.chunks(kinds as usize))
                .filter(|(_, of_kinds)| of_kinds.iter().any(|weight| weight.abs() >= LEAST))
                .map(|(name, of_kinds)| {
                    (name.clone(), of_kinds.try_into().expect("a chunk has a weight for each kind"))
                })
                .collect();
        };
        for blog in self.blogs.clone() {
            let weights = self.without(blog, &lessons, &expected, l2);
            put(self.apart.entry(blog).or_default(), &weights);
        }
        put(&mut self.whole, &fit(&all_choices(&lessons), &expected, l2));
    }

    /// Trains which of the mentioned concepts an article is about.
    fn concepts(&mut self) {
        struct Found<'a> {
            label: &'a Label,
            candidates: Vec<(ConceptSlug, Features)>,
        }
        let trials = self.trials();
        let mut numbers = Numbers::default();
        let found: Vec<Found<'_>> = self
            .set
            .iter()
            .map(|example| {
                let problem = example.seen.choice(Field::Problem, &[], &trials[example.label.blog()]);
                let problem =
                    problem.filter(|_| example.label.problem.is_some()).map(|choice| choice.statement);
                let concepts = example.seen.concepts(problem.as_ref());
                let numbered = |features: Vec<Named>, numbers: &mut Numbers| {
                    features.iter().map(|(name, value)| (numbers.of(name), *value)).collect()
                };
                let candidates = concepts
                    .into_iter()
                    .map(|(slug, features)| (slug, numbered(features, &mut numbers)))
                    .collect();
                Found { label: example.label, candidates }
            })
            .collect();
        let lessons = |blog: Option<&str>| -> Vec<Choice> {
            found
                .iter()
                .filter(|found| Some(found.label.blog()) != blog)
                .flat_map(|found| {
                    let is_it = |slug: &ConceptSlug| found.label.concepts.contains(slug);
                    found
                        .candidates
                        .iter()
                        .map(move |(slug, features)| Choice::binary(features.clone(), is_it(slug)))
                })
                .collect()
        };
        let expected = vec![0.0; numbers.names().len()];
        // Precision and recall above a threshold, for the first four of each read.
        let tried = |l2: f32| -> (f64, f32, f64, f64) {
            let mut scored: Vec<(f32, bool)> = Vec::new();
            for blog in &self.blogs {
                let weights = fit(&refs(&lessons(Some(blog))), &expected, l2);
                for found in found.iter().filter(|found| found.label.blog() == *blog) {
                    let mut of_read: Vec<(f32, bool)> = found
                        .candidates
                        .iter()
                        .map(|(slug, features)| {
                            (score(features, &weights), found.label.concepts.contains(slug))
                        })
                        .collect();
                    of_read.sort_by(|a, b| b.0.total_cmp(&a.0));
                    scored.extend(of_read.into_iter().take(4));
                }
            }
            let wanted: usize = found.iter().map(|found| found.label.concepts.len()).sum();
            let at_bar = |bar: f32| {
                let said = scored.iter().filter(|(odds, _)| *odds >= bar).count().max(1) as f64;
                let right = scored.iter().filter(|(odds, right)| *odds >= bar && *right).count() as f64;
                (2.0 * right / (said + wanted as f64), bar, right / said, right / wanted as f64)
            };
            let bars = (-30..=20).map(|tenth| tenth as f32 / 10.0);
            bars.map(at_bar).max_by(|a, b| a.0.total_cmp(&b.0)).expect("there are bars")
        };
        let (l2, _) = best_of(HELD_BACK.into_iter(), |l2| tried(l2).0);
        let (f1, bar, precision, recall) = tried(l2);
        let reach: usize = found
            .iter()
            .map(|f| {
                f.label
                    .concepts
                    .iter()
                    .filter(|slug| f.candidates.iter().any(|(named, _)| named == *slug))
                    .count()
            })
            .sum();
        let wanted: usize = found.iter().map(|found| found.label.concepts.len()).sum();
        println!(
            "concepts, blogs left out: precision {precision:.3}, recall {recall:.3}, F1 {f1:.3}; named at all {:.3}   held back by {l2}, bar {bar}",
            reach as f64 / wanted as f64
        );
        let put = |file: &mut WeightsFile, weights: &[f32]| {
            file.concept = named_weights(&numbers, weights);
            file.concept_bar = bar;
        };
        for blog in self.blogs.clone() {
            let weights = fit(&refs(&lessons(Some(blog))), &expected, l2);
            put(self.apart.entry(blog).or_default(), &weights);
        }
        put(&mut self.whole, &fit(&refs(&lessons(None)), &expected, l2));
    }

    /// Trains whether an article has a part, and the confidence in the choice.
    fn parts(&mut self) {
        let trials = self.trials();
        println!("\nconfidence, blogs left out");
        for field in Field::ALL {
            let mut numbers = Numbers::default();
            let mut sure = Vec::new();
            for example in &self.set {
                let trial = &trials[example.label.blog()];
                let used = match field {
                    Field::Problem => Vec::new(),
                    _ => example
                        .seen
                        .choice(Field::Problem, &[], trial)
                        .map_or(Vec::new(), |choice| choice.sentences),
                };
                let Some(choice) = example.seen.choice(field, &used, trial) else { continue };
                let features: Features =
                    choice.features.iter().map(|(name, value)| (numbers.of(name), *value)).collect();
                let spans = example.seen.sentences();
                let is_named = example.label.part(field).is_some_and(|label| {
                    label.named(example.text, &spans).iter().any(|at| choice.sentences.contains(at))
                });
                sure.push(Lesson {
                    blog: example.label.blog(),
                    choice: Choice::binary(features, is_named),
                    worth: if is_named { vec![0.0, 1.0] } else { vec![1.0, 0.0] },
                });
            }
            let expected = vec![0.0; numbers.names().len()];
            let (l2, _) =
                best_of(HELD_BACK.into_iter(), |l2| mean(&self.left_out(&sure, &expected, l2, likelihood)));
            let named = sure.iter().filter(|lesson| lesson.worth[1] > 0.5).count();
            println!("{}: {} reads, {named} named   held back by {l2}", field.as_str(), sure.len());
            self.reliability(&sure, &expected, l2);
            rank_of(&mut self.whole, field).sure =
                named_weights(&numbers, &fit(&all_choices(&sure), &expected, l2));
        }
    }

    /// Prints, for each tenth of confidence, how often the passage has a labelled sentence, for
    /// left-out blogs.
    fn reliability(&self, lessons: &[Lesson<'_>], expected: &[f32], l2: f32) {
        let told = self.left_out(lessons, expected, l2, |lesson, weights| {
            f64::from(crate::fit::shares(&lesson.choice, weights)[1])
        });
        let right = self.left_out(lessons, expected, l2, |lesson, _| lesson.worth[1]);
        for tenth in 0..10 {
            let inside: Vec<usize> =
                (0..told.len()).filter(|&at| ((told[at] * 10.0) as usize).min(9) == tenth).collect();
            if inside.is_empty() {
                continue;
            }
            let of = |values: &[f64]| mean(&inside.iter().map(|&at| values[at]).collect::<Vec<_>>());
            println!(
                "  0.{tenth}: {:>4} reads, told {:.2}, named {:.2}",
                inside.len(),
                of(&told),
                of(&right)
            );
        }
    }

    /// For each blog, the weights trained without it.
    fn trials(&self) -> HashMap<&'a str, Trial> {
        self.apart.iter().map(|(blog, file)| (*blog, Trial::of(file))).collect()
    }

    /// The weights trained on all blogs but one.
    fn without(&self, blog: &str, lessons: &[Lesson<'_>], expected: &[f32], l2: f32) -> Vec<f32> {
        let choices: Vec<&Choice> = lessons.iter().filter(|l| l.blog != blog).map(|l| &l.choice).collect();
        fit(&choices, expected, l2)
    }

    /// The result of `measure` for each case, with weights trained on the other blogs.
    fn left_out(
        &self,
        lessons: &[Lesson<'_>],
        expected: &[f32],
        l2: f32,
        measure: fn(&Lesson<'_>, &[f32]) -> f64,
    ) -> Vec<f64> {
        let mut found = Vec::with_capacity(lessons.len());
        for blog in &self.blogs {
            let weights = self.without(blog, lessons, expected, l2);
            found.extend(lessons.iter().filter(|l| l.blog == *blog).map(|lesson| measure(lesson, &weights)));
        }
        found
    }
}

/// The quality of the candidate with the highest score.
fn worth_of_best(lesson: &Lesson<'_>, weights: &[f32]) -> f64 {
    let scores = lesson.choice.candidates.iter().map(|features| score(features, weights));
    let best = scores
        .zip(&lesson.worth)
        .fold((f32::MIN, 0.0), |best, (score, worth)| if score > best.0 { (score, *worth) } else { best });
    best.1
}

/// The logarithm of the share that the weights give to correct candidates.
fn likelihood(lesson: &Lesson<'_>, weights: &[f32]) -> f64 {
    let shares = crate::fit::shares(&lesson.choice, weights);
    shares
        .iter()
        .zip(&lesson.choice.targets)
        .map(|(share, target)| f64::from(target * share.max(1e-6).ln()))
        .sum()
}

fn refs(choices: &[Choice]) -> Vec<&Choice> {
    choices.iter().collect()
}

fn all_choices<'l>(lessons: &'l [Lesson<'_>]) -> Vec<&'l Choice> {
    lessons.iter().map(|lesson| &lesson.choice).collect()
}

/// The first of those with the greatest `good`, and that value.
fn best_of<T: Copy>(all: impl Iterator<Item = T>, good: impl Fn(T) -> f64) -> (T, f64) {
    let mut best: Option<(T, f64)> = None;
    for one in all {
        let worth = good(one);
        if best.is_none_or(|(_, most)| worth > most) {
            best = Some((one, worth));
        }
    }
    best.expect("there is at least one")
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn rank_of(file: &mut WeightsFile, field: Field) -> &mut RankFile {
    match field {
        Field::Problem => &mut file.problem,
        Field::Approach => &mut file.approach,
        Field::Outcome => &mut file.outcome,
    }
}

/// Weights by name, without negligible ones.
fn named_weights(numbers: &Numbers, weights: &[f32]) -> BTreeMap<String, f32> {
    let named = numbers.names().iter().cloned().zip(weights.iter().copied());
    named.filter(|(_, weight)| weight.abs() >= LEAST).collect()
}

/// Rounds weights to three digits, which is more than their accuracy.
fn rounded(mut file: WeightsFile) -> WeightsFile {
    let round = |weight: &mut f32| *weight = (*weight * 1000.0).round() / 1000.0;
    for rank in [&mut file.problem, &mut file.approach, &mut file.outcome] {
        rank.sure.values_mut().chain(rank.sentence.values_mut()).for_each(round);
    }
    file.kind.values_mut().flatten().chain(file.concept.values_mut()).for_each(round);
    file
}
