//! The annotator's signs: phrases that indicate what a sentence or a post says, parsed from
//! `data/cues.toml`. Their weights are in [`crate::weights`].
//!
//! This module only builds matchers and does not read articles.

use std::sync::LazyLock;

use backissue_model::Kind;
use serde::Deserialize;

use crate::phrases::Phrases;

/// The three parts of a précis that are statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Field {
    /// The problem that the article is about.
    Problem,
    /// How it was solved.
    Approach,
    /// What changed.
    Outcome,
}

impl Field {
    /// All three, in the order of choosing.
    pub const ALL: [Self; 3] = [Self::Problem, Self::Approach, Self::Outcome];

    /// The part's identifier in data files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Approach => "approach",
            Self::Outcome => "outcome",
        }
    }
}

/// Where a sign of a kind may occur.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    /// The start of the title.
    TitleStart,
    Title,
    Heading,
    Lead,
    Tag,
    Url,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CuesFile {
    version: u32,
    sign: Vec<SignRow>,
    heading: Vec<HeadingRow>,
    leaning: LeaningRow,
    unfit: UnfitRow,
    agenda: AgendaRow,
    gain: GainRow,
    kind_sign: Vec<KindRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignRow {
    name: String,
    phrases: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadingRow {
    name: String,
    phrases: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindRow {
    name: String,
    kind: Kind,
    expected: f32,
    places: Vec<Place>,
    phrases: Vec<String>,
}

/// Word lists that show whether a sentence can be understood without the one before it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeaningRow {
    pub lead_ins: Vec<String>,
    pub joining: Vec<String>,
    pub words: Vec<String>,
    pub openers: Vec<String>,
    pub pronouns: Vec<String>,
    pub present_times: Vec<String>,
    pub pointed_at: Vec<String>,
    pub generic_we: Vec<String>,
    pub elsewhere: Vec<String>,
    pub imperatives: Vec<String>,
    pub without_heading: Vec<String>,
    pub supposing: Vec<String>,
    pub examples: Vec<String>,
    pub goals: Vec<String>,
}

/// Words of a sentence that says what the post will tell.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgendaRow {
    pub lead_ins: Vec<String>,
    pub authors: Vec<String>,
    pub texts: Vec<String>,
    pub between: Vec<String>,
    pub verbs: Vec<String>,
    pub promises: Vec<String>,
}

/// Words of a sentence that says how much better something became.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GainRow {
    pub better: Vec<String>,
    pub improved: Vec<String>,
    pub reduced: Vec<String>,
    pub fell: Vec<String>,
    pub good: Vec<String>,
    pub bad: Vec<String>,
    pub about: Vec<String>,
    pub turns: Vec<String>,
}

/// Phrases that make a sentence unsuitable as a passage, or lower its confidence.
/// [`crate::unfit::Unfit`] explains each list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UnfitRow {
    supposed: Vec<String>,
    places: Vec<String>,
    results: Vec<String>,
    plans: Vec<String>,
    attempts: Vec<String>,
    failures: Vec<String>,
    before: Vec<String>,
    advice: Vec<String>,
    remarks: Vec<String>,
    no_trouble: Vec<String>,
}

/// The list of [`UnfitRow`] to which a phrase belongs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum UnfitSign {
    Supposed,
    Place,
    Result,
    Plan,
    Attempt,
    Failure,
    Before,
    Advice,
    Remark,
    NoTrouble,
}

impl UnfitRow {
    /// One matcher for all phrases, so that a sentence is searched once.
    fn matcher(self) -> Result<Phrases<UnfitSign>, aho_corasick::BuildError> {
        let groups = [
            (self.supposed, UnfitSign::Supposed),
            (self.places, UnfitSign::Place),
            (self.results, UnfitSign::Result),
            (self.plans, UnfitSign::Plan),
            (self.attempts, UnfitSign::Attempt),
            (self.failures, UnfitSign::Failure),
            (self.before, UnfitSign::Before),
            (self.advice, UnfitSign::Advice),
            (self.remarks, UnfitSign::Remark),
            (self.no_trouble, UnfitSign::NoTrouble),
        ];
        Phrases::new(
            groups
                .into_iter()
                .flat_map(|(phrases, sign)| phrases.into_iter().map(move |phrase| (phrase, sign))),
        )
    }
}

/// A group of signs that may occur inside a sentence. All signs of a group share one weight.
#[derive(Debug)]
pub(crate) struct SignGroup {
    pub name: String,
}

/// A group of signs that indicate the kind of a post.
#[derive(Debug)]
pub(crate) struct KindGroup {
    pub name: String,
    /// The kind that the signs were collected for. Training decides their weights for all kinds.
    pub kind: Kind,
    /// The weight of these signs for this kind before training.
    pub expected: f32,
    pub places: Vec<Place>,
}

/// All signs as matchers. A matcher returns the index of the group to which a sign belongs.
pub(crate) struct Cues {
    pub version: u32,
    pub sign_groups: Vec<SignGroup>,
    pub signs: Phrases<usize>,
    pub heading_groups: Vec<String>,
    pub headings: Phrases<usize>,
    pub kind_groups: Vec<KindGroup>,
    pub kind_signs: Phrases<usize>,
    pub generic_we: Phrases<()>,
    pub elsewhere: Phrases<()>,
    pub leaning: LeaningRow,
    pub unfit: Phrases<UnfitSign>,
    pub agenda: AgendaRow,
    pub gain: GainRow,
    /// Indices of the groups whose signs say that something is wrong.
    pub trouble: Vec<usize>,
    /// Indices of the groups whose signs say that something changed.
    pub change: Vec<usize>,
    /// Indices of the groups whose signs state a duration or an amount.
    pub amounts: Vec<usize>,
}

/// Names of the groups whose signs say that something is wrong, slow, hard, missing or called a
/// problem.
const TROUBLE: [&str; 5] = [
    "something went wrong", "it is slow or costs too much", "it is hard or cannot be done",
    "it is called a problem", "something is missing",
];

/// Names of the groups whose signs say that something changed.
const CHANGE: [&str; 2] = ["something came of it", "it is now so"];

/// Name of the group whose signs state a duration or an amount.
const AMOUNTS: [&str; 1] = ["it takes time or room"];

static BUILTIN: LazyLock<Cues> = LazyLock::new(|| {
    let file = toml::from_str(include_str!("../data/cues.toml"))
        .expect("the cues in the program are those its tests have parsed");
    Cues::of(file).expect("some hundred phrases fit the automaton")
});

impl Cues {
    pub(crate) fn builtin() -> &'static Self {
        &BUILTIN
    }

    fn of(file: CuesFile) -> Result<Self, aho_corasick::BuildError> {
        let mut leaning = file.leaning;
        // Longest first, so that "but," is removed with its comma before "but" matches.
        leaning.lead_ins.sort_by_key(|text| usize::MAX - text.len());
        Ok(Self {
            version: file.version,
            signs: grouped(file.sign.iter().map(|row| &row.phrases))?,
            headings: grouped(file.heading.iter().map(|row| &row.phrases))?,
            kind_signs: grouped(file.kind_sign.iter().map(|row| &row.phrases))?,
            generic_we: plain(&leaning.generic_we)?,
            elsewhere: plain(&leaning.elsewhere)?,
            unfit: file.unfit.matcher()?,
            agenda: file.agenda,
            gain: file.gain,
            trouble: named(&file.sign, &TROUBLE),
            change: named(&file.sign, &CHANGE),
            amounts: named(&file.sign, &AMOUNTS),
            sign_groups: file.sign.into_iter().map(|row| SignGroup { name: row.name }).collect(),
            heading_groups: file.heading.into_iter().map(|row| row.name).collect(),
            kind_groups: file
                .kind_sign
                .into_iter()
                .map(|row| KindGroup {
                    name: row.name,
                    kind: row.kind,
                    expected: row.expected,
                    places: row.places,
                })
                .collect(),
            leaning,
        })
    }
}

/// The indices of the groups with these names.
fn named(groups: &[SignRow], names: &[&str]) -> Vec<usize> {
    (0..groups.len()).filter(|at| names.contains(&groups[*at].name.as_str())).collect()
}

/// A matcher for phrases that all have the same meaning.
fn plain(phrases: &[String]) -> Result<Phrases<()>, aho_corasick::BuildError> {
    Phrases::new(phrases.iter().map(|phrase| (phrase.clone(), ())))
}

/// A matcher that returns the index of the group to which a phrase belongs.
fn grouped<'f>(
    groups: impl Iterator<Item = &'f Vec<String>>,
) -> Result<Phrases<usize>, aho_corasick::BuildError> {
    Phrases::new(groups.enumerate().flat_map(|(at, phrases)| phrases.iter().map(move |p| (p.clone(), at))))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn builtin_cues_are_valid() {
        let cues = Cues::builtin();
        assert_eq!(
            (cues.trouble.len(), cues.change.len(), cues.amounts.len()),
            (TROUBLE.len(), CHANGE.len(), AMOUNTS.len())
        );
        assert!(cues.sign_groups.len() >= 8 && cues.kind_groups.len() >= 20);
        assert!(cues.leaning.lead_ins.iter().all(|text| text.chars().all(|c| !c.is_uppercase())));
        assert!(cues.leaning.joining.iter().all(|text| cues.leaning.lead_ins.contains(text)));
        let signs: HashSet<_> = cues.sign_groups.iter().map(|group| &group.name).collect();
        let kinds: HashSet<_> = cues.kind_groups.iter().map(|group| &group.name).collect();
        assert_eq!(
            (signs.len(), kinds.len()),
            (cues.sign_groups.len(), cues.kind_groups.len()),
            "a weight is found by its group's name"
        );
    }
}
