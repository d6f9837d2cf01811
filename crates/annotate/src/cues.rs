//! The signs that the annotator looks for and what they weigh, read from `data/cues.toml`.
//!
//! This module must not look at articles; it only makes matchers of the file.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use backissue_model::Kind;
use serde::Deserialize;

use crate::phrases::Phrases;

/// The three parts of a précis that are sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Field {
    Problem,
    Approach,
    Outcome,
}

/// How much something speaks for each field.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct ByField {
    problem: f32,
    approach: f32,
    outcome: f32,
}

impl ByField {
    pub(crate) fn of(&self, field: Field) -> f32 {
        match field {
            Field::Problem => self.problem,
            Field::Approach => self.approach,
            Field::Outcome => self.outcome,
        }
    }
}

/// What a feature of a sentence is worth for one field.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Weights {
    pub threshold: f32,
    /// What all signs of a sentence together can add at most.
    pub sign_cap: f32,
    pub first_paragraph: f32,
    pub early: f32,
    pub late: f32,
    pub figure: f32,
    pub figures: f32,
    pub title_overlap: f32,
    pub description_overlap: f32,
    pub centrality: f32,
    pub question: f32,
    pub second_person: f32,
    pub first_singular: f32,
    pub generic_we: f32,
    pub joined: f32,
    pub quoted: f32,
    pub list_item: f32,
    pub short: f32,
    pub very_short: f32,
    pub long: f32,
    pub cut: f32,
    pub conjugated: f32,
    pub code_like: f32,
    pub imperative: f32,
    pub future: f32,
    pub no_sign: f32,
    pub unfinished: f32,
}

/// Where a sign of a kind may stand.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Place {
    /// The very beginning of the title.
    TitleStart,
    Title,
    Heading,
    Lead,
    Tag,
    Url,
}

/// A group of signs that speak for a kind.
#[derive(Clone, Debug)]
pub(crate) struct KindGroup {
    pub kind: Kind,
    pub places: Vec<Place>,
    pub weight: f32,
}

/// What a pattern adds to each kind.
pub(crate) type KindWeights = BTreeMap<Kind, f32>;

/// Patterns of an article that no phrase can say, and what they add.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct KindPatterns {
    pub version_in_title: KindWeights,
    pub gerund_title: KindWeights,
    pub question_title: KindWeights,
    pub code_share: KindWeights,
    pub very_short_text: KindWeights,
    pub clock_times: KindWeights,
    pub steps: KindWeights,
    pub problem_found: KindWeights,
    pub second_person_share: KindWeights,
    pub first_singular_share: KindWeights,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CuesFile {
    version: u32,
    sign: Vec<SignRow>,
    heading: Vec<HeadingRow>,
    weights: WeightsRow,
    problem_bar: BTreeMap<Kind, f32>,
    problem_lead: BTreeMap<Kind, f32>,
    statement: StatementRow,
    kind_base: KindWeights,
    kind_pattern: KindPatterns,
    kind_sign: Vec<KindRow>,
}

#[derive(Deserialize)]
struct SignRow {
    #[serde(flatten)]
    weight: ByField,
    phrases: Vec<String>,
}

#[derive(Deserialize)]
struct HeadingRow {
    #[serde(flatten)]
    weight: ByField,
    phrases: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WeightsRow {
    problem: Weights,
    approach: Weights,
    outcome: Weights,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StatementRow {
    lead_ins: Vec<String>,
    clause_breaks: Vec<String>,
    leaning: Vec<String>,
    leaning_openers: Vec<String>,
    leaning_pronouns: Vec<String>,
    present_times: Vec<String>,
    pointed_at: Vec<String>,
    before_that: Vec<String>,
    subordinate_openers: Vec<String>,
    interruptions: Vec<String>,
    generic_we: Vec<String>,
    imperatives: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KindRow {
    kind: Kind,
    places: Vec<Place>,
    weight: f32,
    phrases: Vec<String>,
}

/// All signs, ready for matching.
pub(crate) struct Cues {
    pub version: u32,
    /// Groups of signs inside a sentence, by number; [`Self::signs`] finds a group's number.
    pub sign_weights: Vec<ByField>,
    pub signs: Phrases<usize>,
    pub headings: Phrases<ByField>,
    pub generic_we: Phrases<()>,
    pub lead_ins: Vec<String>,
    pub clause_breaks: Vec<String>,
    pub leaning: Vec<String>,
    pub leaning_openers: Vec<String>,
    pub leaning_pronouns: Vec<String>,
    pub present_times: Vec<String>,
    pub pointed_at: Vec<String>,
    pub before_that: Vec<String>,
    pub subordinate_openers: Vec<String>,
    pub interruptions: Vec<String>,
    pub imperatives: Vec<String>,
    /// How much more than the threshold a problem must reach; kinds that are not there have no problem.
    pub problem_bar: BTreeMap<Kind, f32>,
    /// What standing among the first paragraphs adds for a problem.
    pub problem_lead: BTreeMap<Kind, f32>,
    pub kind_base: KindWeights,
    pub kind_patterns: KindPatterns,
    pub kind_groups: Vec<KindGroup>,
    /// Finds the number of a group of [`Self::kind_groups`].
    pub kind_signs: Phrases<usize>,
    weights: WeightsRow,
}

static BUILTIN: LazyLock<Cues> = LazyLock::new(|| {
    let file = toml::from_str(include_str!("../data/cues.toml"))
        .expect("the cues in the program are those its tests have parsed");
    Cues::of(file).expect("some hundred phrases fit the automaton")
});

impl Cues {
    pub(crate) fn builtin() -> &'static Self {
        &BUILTIN
    }

    pub(crate) fn weights(&self, field: Field) -> &Weights {
        match field {
            Field::Problem => &self.weights.problem,
            Field::Approach => &self.weights.approach,
            Field::Outcome => &self.weights.outcome,
        }
    }

    fn of(file: CuesFile) -> Result<Self, aho_corasick::BuildError> {
        let signs = file.sign.iter().enumerate();
        let signs = signs.flat_map(|(at, row)| row.phrases.iter().map(move |phrase| (phrase.clone(), at)));
        let headings = file.heading.iter();
        let headings = headings.flat_map(|row| row.phrases.iter().map(|phrase| (phrase.clone(), row.weight)));
        let kind_signs = file.kind_sign.iter().enumerate();
        let kind_signs =
            kind_signs.flat_map(|(at, row)| row.phrases.iter().map(move |phrase| (phrase.clone(), at)));
        // The longest first, so that "but," goes before "but" leaves its comma behind.
        let mut lead_ins = file.statement.lead_ins;
        lead_ins.sort_by_key(|text| usize::MAX - text.len());
        Ok(Self {
            version: file.version,
            signs: Phrases::new(signs)?,
            headings: Phrases::new(headings)?,
            generic_we: Phrases::new(file.statement.generic_we.into_iter().map(|phrase| (phrase, ())))?,
            kind_signs: Phrases::new(kind_signs)?,
            sign_weights: file.sign.iter().map(|row| row.weight).collect(),
            lead_ins,
            clause_breaks: file.statement.clause_breaks,
            leaning: file.statement.leaning,
            leaning_openers: file.statement.leaning_openers,
            leaning_pronouns: file.statement.leaning_pronouns,
            present_times: file.statement.present_times,
            pointed_at: file.statement.pointed_at,
            before_that: file.statement.before_that,
            subordinate_openers: file.statement.subordinate_openers,
            interruptions: file.statement.interruptions,
            imperatives: file.statement.imperatives,
            problem_bar: file.problem_bar,
            problem_lead: file.problem_lead,
            kind_base: file.kind_base,
            kind_patterns: file.kind_pattern,
            kind_groups: file
                .kind_sign
                .into_iter()
                .map(|row| KindGroup { kind: row.kind, places: row.places, weight: row.weight })
                .collect(),
            weights: file.weights,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cues_of_the_program_are_sound() {
        let cues = Cues::builtin();
        assert!(cues.sign_weights.len() >= 8 && cues.kind_groups.len() >= 20);
        for kind in [Kind::Announcement, Kind::Event, Kind::Profile, Kind::Other] {
            assert!(!cues.problem_bar.contains_key(&kind), "{kind} has no problem");
        }
        assert!(cues.lead_ins.iter().all(|text| text.chars().all(|c| !c.is_uppercase())));
    }
}
