//! Makes the built-in annotator's weights, `crates/annotate/data/weights.toml`, from the labelled
//! reads.
//!
//! Only reads of the training blogs are used. Groups of blogs are left out of training in turn. If
//! one model uses the output of another model for a read, that output comes from training without
//! the read's blog. The choice of regularisation is also made this way. The printed figures are for
//! the blogs that were left out. `cargo xtask eval precis` evaluates the reporting blogs.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use backissue_annotate::Field;
use backissue_annotate::training::{
    Bars, Named, RankFile, Seen, Trial, WeightsFile, expected_kinds, quality,
};
use backissue_model::{ConceptSlug, Kind, Sureness};
use clap::Args;
use serde_json::{Map, Value, json};
use url::Url;

use crate::fit::{Choice, Features, Numbers, fit, score};
use crate::labels::{self, Grade, Judged, Label, Read};
use crate::rouge::rouge;
use crate::workspace::workspace;

/// The file of the weights in the workspace.
const FILE: &str = "crates/annotate/data/weights.toml";

/// The strengths of regularisation to try. The best one for left-out blogs is used.
const HELD_BACK: [f32; 6] = [0.3, 1.0, 3.0, 10.0, 30.0, 100.0];

/// The difference in similarity to the label that reduces a sentence's weight by the factor e.
const TEMPERATURE: f64 = 0.08;

/// The bonus, in similarity, of a sentence that people named as evidence.
const NAMED: f64 = 0.45;

/// The regularisation of the quality of sentences, whose words are thousands of features. Of 3, 10,
/// 30 and 60, this is the best for left-out blogs.
const HELD_BACK_RANKS: f32 = 30.0;

/// Weights smaller than this are omitted from the file.
const LEAST: f32 = 0.015;

/// The regularisation of whether a passage misleads, which is rare. For left-out blogs 30 and 100
/// are equally likely. With 100, fewer of the surest passages mislead.
const HELD_BACK_MISLEADING: f32 = 100.0;

/// Minimum share, among judged reads with a sure problem, of those whose problem is right or near.
/// Only judgements by readers who did not know the label count; readers who know it call a fifth
/// more of the same passages good.
const GOOD_LEAST: f32 = 0.8;
/// Maximum share, among the same reads, of those whose problem misleads.
const MISLEADING_MOST: f32 = 0.03;

/// Minimum probability of a likely problem. On left-out blogs, it is reached by 84 % of the reads
/// whose label has a problem, and by 16 % of the others.
const LIKELY: f32 = 0.4;

/// Number of groups of blogs that are left out in turn.
const GROUPS: usize = 5;

/// Weights of words and pairs of words smaller than this are omitted from the file.
const LEAST_WORDS: f32 = 0.03;

/// A word or pair of words is a feature if it occurs in at least this many reads.
const READS_WITH_WORDS: usize = 25;
/// It must also occur in reads of at least this many blogs.
const BLOGS_WITH_WORDS: usize = 6;

/// The prefix of words and pairs of words in the names of features.
const WORDS: &str = "words: ";

/// Make the annotator's weights from the labelled reads
#[derive(Args, Debug)]
pub struct Train {
    /// Only print the result, without writing the file
    #[arg(long)]
    dry_run: bool,
    /// Write the three best passages of each read and part into this file, one line of JSON each,
    /// with the probabilities by weights trained without the blog; for people to judge, and for
    /// experiments
    #[arg(long, value_name = "FILE")]
    passages: Option<PathBuf>,
}

impl Train {
    /// Trains and writes the file.
    pub fn run(self) -> anyhow::Result<()> {
        let reads: Vec<Read> = labels::load()?.into_iter().filter(|read| !read.label.is_reported()).collect();
        let texts: Vec<_> = reads.iter().map(Read::text).collect();
        let seen: Vec<Seen<'_>> = texts.iter().map(Seen::of).collect();
        let blogs: BTreeSet<&str> = reads.iter().map(|read| read.label.blog()).collect();
        let group_of = groups(&reads);
        let set: Vec<Example<'_>> = reads
            .iter()
            .zip(&seen)
            .map(|(read, seen)| Example {
                label: &read.label,
                group: group_of[read.label.blog()],
                seen,
                text: &read.article.text,
            })
            .collect();
        println!("{} reads of {}", set.len(), blogs.iter().copied().collect::<Vec<_>>().join(", "));
        let mut training = Training {
            set,
            groups: group_of.values().copied().collect::<BTreeSet<_>>().into_iter().collect(),
            apart: HashMap::new(),
            whole: WeightsFile::default(),
        };
        training.ranks();
        training.kinds();
        training.concepts();
        let passages = training.parts(&labels::judged()?);
        if let Some(file) = &self.passages {
            fs::write(file, passages).with_context(|| format!("{} cannot be written", file.display()))?;
        }
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

/// For each blog, the first blog of its group. A group is left out as a whole. The groups have
/// about as many reads.
fn groups(reads: &[Read]) -> BTreeMap<&str, &str> {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for read in reads {
        *sizes.entry(read.label.blog()).or_default() += 1;
    }
    let mut blogs: Vec<(&str, usize)> = sizes.into_iter().collect();
    blogs.sort_by_key(|(_, size)| usize::MAX - size);
    let mut groups: Vec<(usize, Vec<&str>)> = vec![(0, Vec::new()); GROUPS];
    for (blog, size) in blogs {
        let smallest = groups.iter_mut().min_by_key(|group| group.0).expect("there are groups");
        smallest.0 += size;
        smallest.1.push(blog);
    }
    let members = groups.into_iter().flat_map(|(_, blogs)| {
        let first = blogs.first().copied();
        blogs.into_iter().filter_map(move |blog| Some((blog, first?)))
    });
    members.collect()
}

/// A labelled read.
struct Example<'a> {
    label: &'a Label,
    /// The group of its blog.
    group: &'a str,
    seen: &'a Seen<'a>,
    text: &'a str,
}

/// The trained weights: those from all blogs, and for each group those from all other blogs.
struct Training<'a> {
    set: Vec<Example<'a>>,
    groups: Vec<&'a str>,
    apart: HashMap<&'a str, WeightsFile>,
    whole: WeightsFile,
}

/// A training case: the group of its blog, the choice, and the quality of each candidate.
struct Lesson<'a> {
    group: &'a str,
    choice: Choice,
    worth: Vec<f64>,
}

impl<'a> Example<'a> {
    /// The read's sentences as candidates for `field`. Returns `None` if the label does not have
    /// that part.
    fn sentences(&self, field: Field, words: &HashSet<String>, numbers: &mut Numbers) -> Option<Lesson<'a>> {
        let label = self.label.part(field)?;
        let spans = self.seen.sentences();
        let named = label.named(self.text, &spans);
        let mut lesson = Lesson {
            group: self.group,
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
            let known = self.seen.words(at).into_iter().filter(|found| words.contains(found));
            features.extend(known.map(|found| (numbers.of(&format!("{WORDS}{found}")), 1.0)));
            lesson.choice.candidates.push(features);
        }
        let all: f32 = lesson.choice.targets.iter().sum();
        lesson.choice.targets.iter_mut().for_each(|target| *target /= all);
        (!lesson.choice.candidates.is_empty()).then_some(lesson)
    }

    /// One of the read's best passages for `field`, with facts and judgements about it.
    fn judged(
        &self,
        field: Field,
        choice: backissue_annotate::training::Choice,
        judgements: &HashMap<(&Url, Field, &[String]), &Judged>,
        numbers: &mut Numbers,
    ) -> JudgedPassage<'a> {
        let spans = self.seen.sentences();
        let openings: Vec<String> =
            choice.sentences.iter().map(|at| labels::opening(spans[*at].of(self.text))).collect();
        let is_named = self.label.part(field).is_some_and(|label| {
            label.named(self.text, &spans).iter().any(|at| choice.sentences.contains(at))
        });
        let judged = judgements.get(&(&self.label.url, field, openings.as_slice()));
        JudgedPassage {
            label: self.label,
            group: self.group,
            features: choice.features.iter().map(|(name, value)| (numbers.of(name), *value)).collect(),
            is_named,
            grade: judged.map(|judged| judged.grade),
            is_blind: judged.is_some_and(|judged| judged.blind),
            probability: 0.0,
            not_misleading: 1.0,
            text: choice.statement.text,
            openings,
        }
    }
}

impl<'a> Training<'a> {
    /// Trains the quality of sentences for each part.
    fn ranks(&mut self) {
        println!("\nshare of reads whose best passage holds a named sentence, blogs left out");
        println!("{:<10} {:>6} {:>8} {:>8} {:>8}", "part", "reads", "first", "chosen", "oracle");
        let words = common_words(&self.set);
        for field in Field::ALL {
            let mut numbers = Numbers::default();
            let lessons: Vec<Lesson<'_>> = self
                .set
                .iter()
                .filter_map(|example| example.sentences(field, &words, &mut numbers))
                .collect();
            let expected = vec![0.0; numbers.names().len()];
            let fitted = self.all_without(&lessons, &expected, HELD_BACK_RANKS);
            let chosen = mean(&left_out_with(&fitted, &lessons, worth_of_best));
            let first = lessons.iter().map(|lesson| lesson.worth[0]).collect::<Vec<_>>();
            let oracle = lessons
                .iter()
                .map(|lesson| lesson.worth.iter().copied().fold(0.0, f64::max))
                .collect::<Vec<_>>();
            println!(
                "{:<10} {:>6} {:>8.3} {:>8.3} {:>8.3}",
                field.as_str(),
                lessons.len(),
                mean(&first),
                chosen,
                mean(&oracle)
            );
            for (group, weights) in &fitted {
                put_sentence(rank_of(self.apart.entry(group).or_default(), field), &numbers, weights);
            }
            let weights = fit(&all_choices(&lessons), &expected, HELD_BACK_RANKS);
            put_sentence(rank_of(&mut self.whole, field), &numbers, &weights);
        }
    }

    /// Trains the kind of post.
    fn kinds(&mut self) {
        let trials = self.trials();
        let features: Vec<Vec<Named>> =
            self.set.iter().map(|example| example.seen.kind(&trials[example.group])).collect();
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
                    group: example.group,
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
        for group in self.groups.clone() {
            let weights = self.without(group, &lessons, &expected, l2);
            put(self.apart.entry(group).or_default(), &weights);
        }
        put(&mut self.whole, &fit(&all_choices(&lessons), &expected, l2));
    }

    /// Trains which of the mentioned concepts an article is about.
    fn concepts(&mut self) {
        struct Found<'a> {
            label: &'a Label,
            group: &'a str,
            candidates: Vec<(ConceptSlug, Features)>,
        }
        let trials = self.trials();
        let mut numbers = Numbers::default();
        let found: Vec<Found<'_>> = self
            .set
            .iter()
            .map(|example| {
                let problem = first_choice(example.seen, Field::Problem, &[], &trials[example.group]);
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
                Found { label: example.label, group: example.group, candidates }
            })
            .collect();
        let lessons = |group: Option<&str>| -> Vec<Choice> {
            found
                .iter()
                .filter(|found| Some(found.group) != group)
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
            for group in &self.groups {
                let weights = fit(&refs(&lessons(Some(group))), &expected, l2);
                for found in found.iter().filter(|found| found.group == *group) {
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
        for group in self.groups.clone() {
            let weights = fit(&refs(&lessons(Some(group))), &expected, l2);
            put(self.apart.entry(group).or_default(), &weights);
        }
        put(&mut self.whole, &fit(&refs(&lessons(None)), &expected, l2));
    }

    /// Trains the probability that an article has a part, and the confidence in each of its best
    /// passages. Returns these passages as lines of JSON.
    fn parts(&mut self, judged: &[Judged]) -> String {
        let judgements: HashMap<(&Url, Field, &[String]), &Judged> =
            judged.iter().map(|one| ((&one.url, one.field, one.sentences.as_slice()), one)).collect();
        let trials = self.trials();
        let mut lines = String::new();
        println!("\nconfidence, blogs left out");
        for field in Field::ALL {
            let mut numbers = Numbers::default();
            let mut passages = Vec::new();
            for example in &self.set {
                let trial = &trials[example.group];
                let used = match field {
                    Field::Problem => Vec::new(),
                    _ => first_choice(example.seen, Field::Problem, &[], trial)
                        .map_or(Vec::new(), |choice| choice.sentences),
                };
                for choice in example.seen.choices(field, &used, trial) {
                    passages.push(example.judged(field, choice, &judgements, &mut numbers));
                }
            }
            let spread = Spread::of(&passages, numbers.names().len());
            let mut expected = vec![0.0; numbers.names().len()];
            let good: Vec<Lesson<'_>> =
                passages.iter().map(|passage| passage.lesson(passage.is_good(), &spread)).collect();
            let (l2, _) =
                best_of(HELD_BACK.into_iter(), |l2| mean(&self.left_out(&good, &expected, l2, likelihood)));
            println!("{}: {} passages   held back by {l2}", field.as_str(), passages.len());
            self.reliability(&good, &expected, l2);
            let good = self.confidence(&good, &expected, l2, &spread);
            let not_misleading = (field == Field::Problem).then(|| {
                let lessons: Vec<Lesson<'_>> = passages
                    .iter()
                    .filter_map(|passage| Some(passage.lesson(passage.grade? != Grade::Misleading, &spread)))
                    .collect();
                expected[numbers.of("bias") as usize] =
                    log_odds(mean(&lessons.iter().map(|lesson| lesson.worth[1]).collect::<Vec<_>>()));
                self.confidence(&lessons, &expected, HELD_BACK_MISLEADING, &spread)
            });
            for passage in &mut passages {
                passage.probability = good.probability(passage);
                passage.not_misleading =
                    not_misleading.as_ref().map_or(1.0, |fitted| fitted.probability(passage));
                lines.push_str(&format!("{}\n", passage.line(field, numbers.names())));
            }
            let rank = rank_of(&mut self.whole, field);
            rank.sure = named_weights(&numbers, &good.whole);
            if let Some(fitted) = not_misleading {
                rank.bars = bars(&passages);
                rank.not_misleading = named_weights(&numbers, &fitted.whole);
            }
        }
        lines
    }

    /// Fits a yes-or-no model of passages, from all blogs and without each group.
    fn confidence(
        &self,
        lessons: &[Lesson<'_>],
        expected: &[f32],
        l2: f32,
        spread: &Spread,
    ) -> Confidence<'a> {
        let apart = self.all_without(lessons, expected, l2).into_iter();
        Confidence {
            apart: apart.map(|(group, weights)| (group, spread.unscaled(weights))).collect(),
            whole: spread.unscaled(fit(&all_choices(lessons), expected, l2)),
        }
    }

    /// Prints, for each tenth of confidence, how often the passage is good, for left-out blogs.
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
                "  0.{tenth}: {:>4} passages, told {:.2}, good {:.2}",
                inside.len(),
                of(&told),
                of(&right)
            );
        }
    }

    /// For each group of blogs, the weights trained without it.
    fn trials(&self) -> HashMap<&'a str, Trial> {
        self.apart.iter().map(|(group, file)| (*group, Trial::of(file))).collect()
    }

    /// The weights trained on all blogs but those of a group.
    fn without(&self, group: &str, lessons: &[Lesson<'_>], expected: &[f32], l2: f32) -> Vec<f32> {
        let choices: Vec<&Choice> = lessons.iter().filter(|l| l.group != group).map(|l| &l.choice).collect();
        fit(&choices, expected, l2)
    }

    /// For each group, the weights trained without it.
    fn all_without(&self, lessons: &[Lesson<'_>], expected: &[f32], l2: f32) -> Vec<(&'a str, Vec<f32>)> {
        let fit_one = |group: &&'a str| (*group, self.without(group, lessons, expected, l2));
        self.groups.iter().map(fit_one).collect()
    }

    /// The result of `measure` for each case, with weights that were trained on the other groups.
    fn left_out(
        &self,
        lessons: &[Lesson<'_>],
        expected: &[f32],
        l2: f32,
        measure: fn(&Lesson<'_>, &[f32]) -> f64,
    ) -> Vec<f64> {
        left_out_with(&self.all_without(lessons, expected, l2), lessons, measure)
    }
}

/// The result of `measure` for each case, with the given weights of training without its group.
fn left_out_with(
    fitted: &[(&str, Vec<f32>)],
    lessons: &[Lesson<'_>],
    measure: fn(&Lesson<'_>, &[f32]) -> f64,
) -> Vec<f64> {
    let of_group = |(group, weights): &(&str, Vec<f32>)| {
        let own = lessons.iter().filter(|lesson| lesson.group == *group);
        own.map(|lesson| measure(lesson, weights)).collect::<Vec<f64>>()
    };
    fitted.iter().flat_map(of_group).collect()
}

/// One of the best passages of a read.
struct JudgedPassage<'a> {
    label: &'a Label,
    group: &'a str,
    text: String,
    /// The first words of its sentences.
    openings: Vec<String>,
    features: Features,
    /// Whether it has a sentence that the label names.
    is_named: bool,
    grade: Option<Grade>,
    /// Whether the reader who judged it did not know the label.
    is_blind: bool,
    /// The probability that it is good, by weights that were trained without its blog.
    probability: f32,
    /// The probability that it does not mislead, by weights that were trained without its blog.
    not_misleading: f32,
}

impl<'a> JudgedPassage<'a> {
    /// Whether people accept the passage. Without a judgement, it is good if it has a sentence that
    /// the label names.
    fn is_good(&self) -> bool {
        self.grade.map_or(self.is_named, Grade::is_good)
    }

    fn quality(&self) -> f32 {
        quality(self.probability, self.not_misleading)
    }

    /// A training case for the passage, with the target `is`.
    fn lesson(&self, is: bool, spread: &Spread) -> Lesson<'a> {
        Lesson {
            group: self.group,
            choice: Choice::binary(spread.scaled(&self.features), is),
            worth: if is { vec![0.0, 1.0] } else { vec![1.0, 0.0] },
        }
    }

    /// The passage as JSON, in the form of a judged passage with further facts. `names` has the
    /// names of its features.
    fn line(&self, field: Field, names: &[String]) -> Value {
        let features: Map<String, Value> = self
            .features
            .iter()
            .map(|(number, value)| (names[*number as usize].clone(), json!(value)))
            .collect();
        json!({
            "url": self.label.url,
            "field": field.as_str(),
            "text": self.text,
            "sentences": self.openings,
            "grade": self.grade,
            "probability": self.probability,
            "not_misleading": self.not_misleading,
            "is_named": self.is_named,
            "group": self.group,
            "features": features,
        })
    }
}

/// The standard deviation of each feature. Features are divided by it, so that regularisation
/// affects all of them alike, although their values differ in size.
struct Spread(Vec<f32>);

impl Spread {
    fn of(passages: &[JudgedPassage<'_>], features: usize) -> Self {
        let (mut sum, mut square) = (vec![0.0f32; features], vec![0.0f32; features]);
        for (number, value) in passages.iter().flat_map(|passage| &passage.features) {
            sum[*number as usize] += value;
            square[*number as usize] += value * value;
        }
        let count = passages.len().max(1) as f32;
        let deviation = |(sum, square): (f32, f32)| (square / count - (sum / count).powi(2)).max(0.0).sqrt();
        // A feature that is always the same has none.
        let spread = sum.into_iter().zip(square).map(deviation);
        Self(spread.map(|spread| if spread < 1e-3 { 1.0 } else { spread }).collect())
    }

    fn scaled(&self, features: &[(u32, f32)]) -> Features {
        features.iter().map(|(number, value)| (*number, value / self.0[*number as usize])).collect()
    }

    /// Converts weights of scaled features to weights of the features.
    fn unscaled(&self, weights: Vec<f32>) -> Vec<f32> {
        weights.iter().zip(&self.0).map(|(weight, spread)| weight / spread).collect()
    }
}

/// The weights of a yes-or-no model: those from all blogs, and for each group those from all other
/// blogs.
struct Confidence<'a> {
    whole: Vec<f32>,
    apart: HashMap<&'a str, Vec<f32>>,
}

impl Confidence<'_> {
    /// The probability for a passage, by weights that were trained without its blog.
    fn probability(&self, passage: &JudgedPassage<'_>) -> f32 {
        1.0 / (1.0 + (-score(&passage.features, &self.apart[passage.group])).exp())
    }
}

/// The minimum probabilities of a *likely* and a *sure* problem. They are chosen so that, among
/// judged reads of left-out blogs with a sure problem, enough are good and few mislead.
fn bars(passages: &[JudgedPassage<'_>]) -> Bars {
    let mut best: BTreeMap<&Url, &JudgedPassage<'_>> = BTreeMap::new();
    for passage in passages.iter().filter(|passage| passage.grade.is_some()) {
        let entry = best.entry(&passage.label.url).or_insert(passage);
        if passage.quality() > entry.quality() {
            *entry = passage;
        }
    }
    let mut order: Vec<&JudgedPassage<'_>> = best.into_values().collect();
    order.sort_by(|a, b| b.quality().total_cmp(&a.quality()));
    // How many were judged, of all or of the blind judgements alone, and which share is so.
    let share = |above: &[&JudgedPassage<'_>], blind: bool, is: fn(Grade) -> bool| {
        let grades = above.iter().filter(|passage| passage.is_blind || !blind).filter_map(|one| one.grade);
        let (count, are) =
            grades.fold((0, 0), |(count, are), grade| (count + 1, are + usize::from(is(grade))));
        (count, are as f32 / count.max(1) as f32)
    };
    let is_misleading = |grade: Grade| grade == Grade::Misleading;
    let is_enough = |count: &usize| {
        let above = &order[..*count];
        share(above, true, Grade::is_good).1 >= GOOD_LEAST
            && share(above, false, is_misleading).1 <= MISLEADING_MOST
    };
    let count = (1..=order.len()).rev().find(is_enough).unwrap_or(1);
    for shown in (order.len() / 10..=order.len()).step_by((order.len() / 10).max(1)) {
        let above = &order[..shown];
        let (blind, good) = share(above, true, Grade::is_good);
        println!(
            "  of {} judged reads the {shown} above {:.2}: good {:.3}, misleading {:.3}; of the {blind} judged blind: good {good:.3}, misleading {:.3}",
            order.len(),
            above.last().map_or(1.0, |passage| passage.quality()),
            share(above, false, Grade::is_good).1,
            share(above, false, is_misleading).1,
            share(above, true, is_misleading).1,
        );
    }
    println!("  sure: {count}");
    let sure = order.get(count - 1).map_or(1.0, |passage| passage.quality());
    Bars { likely: LIKELY, sure: sure.max(Sureness::SURE) }
}

fn log_odds(share: f64) -> f32 {
    (share / (1.0 - share)).ln() as f32
}

/// The best passage for `field`.
fn first_choice(
    seen: &Seen<'_>,
    field: Field,
    used: &[usize],
    trial: &Trial,
) -> Option<backissue_annotate::training::Choice> {
    seen.choices(field, used, trial).into_iter().next()
}

/// The quality of the candidate that has the highest score.
fn worth_of_best(lesson: &Lesson<'_>, weights: &[f32]) -> f64 {
    let scores = lesson.choice.candidates.iter().map(|features| score(features, weights));
    let best = scores
        .zip(&lesson.worth)
        .fold((f32::MIN, 0.0), |best, (score, worth)| if score > best.0 { (score, *worth) } else { best });
    best.1
}

/// The logarithm of the share that correct candidates get from the weights.
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

/// The element with the greatest `good`, the first of several, and that value.
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

/// Words and pairs of words that are common enough to be features.
fn common_words(set: &[Example<'_>]) -> HashSet<String> {
    let mut reads_with: HashMap<String, (usize, BTreeSet<&str>)> = HashMap::new();
    for example in set {
        let words: HashSet<String> =
            (0..example.seen.sentences().len()).flat_map(|at| example.seen.words(at)).collect();
        for found in words {
            let (reads, blogs) = reads_with.entry(found).or_default();
            *reads += 1;
            blogs.insert(example.label.blog());
        }
    }
    let common = reads_with
        .into_iter()
        .filter(|(_, (reads, blogs))| *reads >= READS_WITH_WORDS && blogs.len() >= BLOGS_WITH_WORDS);
    common.map(|(found, _)| found).collect()
}

/// Stores the weights of a sentence's features.
fn put_sentence(rank: &mut RankFile, numbers: &Numbers, weights: &[f32]) {
    rank.sentence.clear();
    rank.words.clear();
    for (name, weight) in numbers.names().iter().zip(weights) {
        match name.strip_prefix(WORDS) {
            Some(words) if weight.abs() >= LEAST_WORDS => rank.words.insert(words.to_owned(), *weight),
            None if weight.abs() >= LEAST => rank.sentence.insert(name.clone(), *weight),
            _ => None,
        };
    }
}

/// Rounds weights to three digits, which is more than their accuracy.
fn rounded(mut file: WeightsFile) -> WeightsFile {
    let round = |weight: &mut f32| *weight = (*weight * 1000.0).round() / 1000.0;
    for rank in [&mut file.problem, &mut file.approach, &mut file.outcome] {
        round(&mut rank.bars.sure);
        rank.sure
            .values_mut()
            .chain(rank.not_misleading.values_mut())
            .chain(rank.sentence.values_mut())
            .chain(rank.words.values_mut())
            .for_each(round);
    }
    file.kind.values_mut().flatten().chain(file.concept.values_mut()).for_each(round);
    file
}
