//! Decides which reads of a week come first, and how the others are grouped.
//!
//! docs/DIGESTS.md explains the rules to people. Change it together with this file.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use backissue_model::{
    ConceptSlug, Issue, IssueRead, Kind, Marks, Precis, ReadId, Statement, Week, misleads,
};
use backissue_store::{ReadCard, ReadSummary};

use crate::concept_name;

/// Default for the maximum number of reads that come first.
pub const MOST: usize = 7;

/// Score for a sure problem.
const PROBLEM: f32 = 2.0;
/// Score for an approach, and for an outcome.
const STATEMENT: f32 = 0.5;
/// Score per quote in the evidence.
const QUOTE: f32 = 0.1;
/// Maximum score for all quotes together.
const QUOTES_MOST: f32 = 0.5;
/// Score for a team that writes about its own systems.
const OWN: f32 = 0.3;
/// Score for a read that the reader keeps or labelled.
const CHOSEN: f32 = 0.5;
/// Score for a read with a concept that occurs in the reader's kept reads.
const INTEREST: f32 = 0.3;
/// Factor of a read's score for each better read of the same company.
const SAME_COMPANY: f32 = 0.5;

/// A read of the week with one reader's marks. A digest that is for no particular reader has
/// default marks.
#[derive(Clone, Debug, PartialEq)]
pub struct WeekRead {
    /// The read.
    pub read: ReadSummary,
    /// The reader's marks.
    pub marks: Marks,
    /// Whether the reader gave the read a label.
    pub is_labelled: bool,
    /// Whether the read has one of the concepts that interest the reader.
    pub is_of_interest: bool,
}

impl From<ReadSummary> for WeekRead {
    fn from(read: ReadSummary) -> Self {
        Self { read, marks: Marks::default(), is_labelled: false, is_of_interest: false }
    }
}

/// Which reads of a week a digest has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// If not empty, only reads with one of these concepts.
    pub concepts: Vec<ConceptSlug>,
    /// Only these reads, which answer a search. `None` means all reads.
    pub reads: Option<HashSet<ReadId>>,
    /// Maximum number of reads that come first.
    pub most: usize,
}

impl Default for Choice {
    fn default() -> Self {
        Self { concepts: Vec::new(), reads: None, most: MOST }
    }
}

/// The kind of a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The reads of a week.
    Week,
    /// New reads that answer saved searches.
    Answers,
}

/// A composed digest: a week, or new answers to saved searches.
#[derive(Clone, Debug, PartialEq)]
pub struct Digest {
    /// The kind of the digest.
    pub about: About,
    /// The week. For answers, the week of the newest one.
    pub week: Week,
    /// The sender's remark at the top. May be empty.
    pub remark: String,
    /// The reads that come first, best first.
    pub picks: Vec<Pick>,
    /// The other reads by concept, the largest group first. The group without a concept is last.
    pub groups: Vec<Group>,
    /// Announcements, events and profiles.
    pub announcements: Vec<ReadCard>,
    /// Counts over the whole digest, including reads that [`Digest::shortened`] left out.
    pub totals: Totals,
}

/// Counts over a whole digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Number of reads.
    pub reads: usize,
    /// Number of reads with a problem.
    pub problems: usize,
    /// Number of companies that published the reads.
    pub companies: usize,
    /// Minutes to read all of them.
    pub minutes: u64,
    /// Number of reads that come first.
    pub first: usize,
    /// Minutes to read those that come first.
    pub minutes_first: u64,
}

/// A read that comes first.
#[derive(Clone, Debug, PartialEq)]
pub struct Pick {
    /// The read.
    pub read: ReadSummary,
    /// The sender's remark on the read. May be empty.
    pub remark: String,
}

impl Pick {
    /// The problem, if it replaces the title.
    pub(crate) fn leading(&self) -> Option<&Statement> {
        shown(&self.read.precis.problem).filter(|_| self.read.card.problem_leads)
    }

    /// The problem, if it is shown below the title.
    pub(crate) fn following(&self) -> Option<&Statement> {
        shown(&self.read.precis.problem).filter(|_| !self.read.card.problem_leads)
    }

    /// The statements after the problem that are shown, each with its heading.
    pub(crate) fn more(&self) -> impl Iterator<Item = (String, &Statement)> {
        let precis = &self.read.precis;
        statements(precis).skip(usize::from(shown(&precis.problem).is_some()))
    }
}

/// A group of reads with the same concept.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The common concept. `None` for reads that share no concept with another read.
    pub concept: Option<ConceptSlug>,
    /// The reads, best first.
    pub reads: Vec<ReadCard>,
}

impl Group {
    /// The heading of the group in its digest.
    pub fn heading(&self, digest: &Digest) -> String {
        match &self.concept {
            Some(concept) => concept_name(concept),
            None if digest.groups.len() == 1 && digest.picks.is_empty() => "Reads".to_owned(),
            None => "Other reads".to_owned(),
        }
    }
}

impl Digest {
    /// All reads of the digest, in order.
    pub fn cards(&self) -> impl Iterator<Item = &ReadCard> {
        let picks = self.picks.iter().map(|pick| &pick.read.card);
        picks.chain(self.groups.iter().flat_map(|group| &group.reads)).chain(&self.announcements)
    }

    /// The lists of reads that do not come first, each with its heading.
    pub(crate) fn lists(&self) -> impl Iterator<Item = (String, &[ReadCard])> {
        let groups = self.groups.iter().map(|group| (group.heading(self), group.reads.as_slice()));
        let last = Some(("Announcements".to_owned(), self.announcements.as_slice()));
        groups.chain(last.filter(|(_, reads)| !reads.is_empty()))
    }

    /// The output of `write` for the digest, shortened until `fits` accepts it.
    pub(crate) fn fitting<T>(&self, write: impl Fn(&Self) -> T, fits: impl Fn(&T) -> bool) -> T {
        let (mut written, mut most) = (write(self), self.cards().count());
        while !fits(&written) && most > 0 {
            most = most * 3 / 4;
            written = write(&self.shortened(most));
        }
        written
    }

    /// The digest with at most `most` reads. Reads at the end are left out.
    pub fn shortened(&self, most: usize) -> Self {
        let mut short = self.clone();
        let mut left = most;
        let mut keep = |length: usize| {
            let kept = length.min(left);
            left -= kept;
            kept
        };
        short.picks.truncate(keep(self.picks.len()));
        for group in &mut short.groups {
            group.reads.truncate(keep(group.reads.len()));
        }
        short.groups.retain(|group| !group.reads.is_empty());
        short.announcements.truncate(keep(self.announcements.len()));
        short
    }

    /// Number of reads that were left out.
    pub fn left_out(&self) -> usize {
        self.totals.reads - self.cards().count()
    }

    pub(crate) fn add_up(&self) -> Totals {
        let minutes = |card: &ReadCard| u64::from(card.minutes);
        let companies: HashSet<&str> = self.cards().map(|card| card.company.as_str()).collect();
        Totals {
            reads: self.cards().count(),
            problems: self.cards().filter(|card| card.problem.is_some()).count(),
            companies: companies.len(),
            minutes: self.cards().map(minutes).sum(),
            first: self.picks.len(),
            minutes_first: self.picks.iter().map(|pick| minutes(&pick.read.card)).sum(),
        }
    }
}

/// Removes characters that change how the text around them is displayed, such as U+202E.
pub(crate) fn drop_misleading(read: &mut ReadSummary) {
    let ReadSummary { card, precis } = read;
    for text in [&mut card.title, &mut card.source_title, &mut card.company] {
        text.retain(|c| !misleads(c));
    }
    for statement in [&mut precis.problem, &mut precis.approach, &mut precis.outcome].into_iter().flatten() {
        statement.text.retain(|c| !misleads(c));
    }
}

/// Composes a week. Drops hidden reads. A read that the reader is done with does not come first.
///
/// An issue decides which reads come first and which are left out. Rules decide the rest.
pub fn compose(week: Week, reads: Vec<WeekRead>, choice: &Choice, issue: Option<&Issue>) -> Digest {
    let dropped = issue.map(|issue| issue.dropped.as_slice()).unwrap_or_default();
    let is_chosen = |read: &WeekRead| {
        let card = &read.read.card;
        let has_concept = choice.concepts.is_empty()
            || card.concepts.iter().any(|concept| choice.concepts.contains(concept));
        has_concept && choice.reads.as_ref().is_none_or(|reads| reads.contains(&card.id))
    };
    let mut reads: Vec<WeekRead> = reads
        .into_iter()
        .filter(|read| {
            read.marks.hidden.is_none() && is_chosen(read) && !dropped.contains(&read.read.card.id)
        })
        .collect();
    reads.iter_mut().for_each(|read| drop_misleading(&mut read.read));
    reads.sort_by(|a, b| score(b).total_cmp(&score(a)).then_with(|| order(a).cmp(&order(b))));
    let (picks, rest) = match issue {
        Some(issue) => chosen(reads, &issue.first),
        None => pick(reads, choice.most),
    };
    let (announcements, rest): (Vec<_>, Vec<_>) =
        rest.into_iter().map(|read| read.read.card).partition(is_announcement);
    let mut digest = Digest {
        about: About::Week,
        week,
        remark: issue.map(|issue| issue.remark.clone()).unwrap_or_default(),
        picks,
        groups: grouped(rest),
        announcements,
        totals: Totals::default(),
    };
    digest.totals = digest.add_up();
    digest
}

/// The key by which equally good reads are sorted: the newest first.
fn order(read: &WeekRead) -> (Reverse<jiff::Timestamp>, i64) {
    (Reverse(read.read.card.filed_at), read.read.card.id.0)
}

fn is_announcement(card: &ReadCard) -> bool {
    matches!(card.kind, Kind::Announcement | Kind::Event | Kind::Profile)
}

/// The score of a read, without the effect of other reads of its company.
pub fn score(read: &WeekRead) -> f32 {
    let Precis { problem, approach, outcome, .. } = &read.read.precis;
    let confidence = |statement: &Option<Statement>| shown(statement).map_or(0.0, |said| said.confidence);
    let quotes: usize =
        [problem, approach, outcome].into_iter().filter_map(shown).map(|said| said.evidence.len()).sum();
    let is_own = matches!(read.read.card.kind, Kind::CaseStudy | Kind::Incident);
    let is_wanted = read.marks.kept.is_some() || read.is_labelled;
    PROBLEM * confidence(problem)
        + STATEMENT * (confidence(approach) + confidence(outcome))
        + (QUOTE * quotes as f32).min(QUOTES_MOST)
        + if is_own { OWN } else { 0.0 }
        + if is_wanted { CHOSEN } else { 0.0 }
        + if read.is_of_interest { INTEREST } else { 0.0 }
}

/// The statement, if it is sure enough to be shown.
pub(crate) fn shown(statement: &Option<Statement>) -> Option<&Statement> {
    statement.as_ref().filter(|statement| statement.sureness().is_shown())
}

/// The statements of a précis that are shown. Each has a heading for people, with its level: "What
/// changed (likely)".
pub(crate) fn statements(precis: &Precis) -> impl Iterator<Item = (String, &Statement)> {
    let parts = [
        ("Problem", &precis.problem),
        ("What they did", &precis.approach),
        ("What changed", &precis.outcome),
    ];
    parts.into_iter().filter_map(|(heading, statement)| {
        let statement = shown(statement)?;
        Some((format!("{heading} ({})", statement.level()), statement))
    })
}

/// Removes the best reads with a problem from `reads`, which are sorted best first. Each chosen
/// read lowers the scores of the other reads of its company.
fn pick(mut reads: Vec<WeekRead>, most: usize) -> (Vec<Pick>, Vec<WeekRead>) {
    let mut taken: Vec<Pick> = Vec::new();
    let mut of_company: HashMap<String, i32> = HashMap::new();
    while taken.len() < most {
        let points = |read: &WeekRead| {
            let before = of_company.get(&read.read.card.company).copied().unwrap_or(0);
            score(read) * SAME_COMPANY.powi(before)
        };
        let can_be_first = |read: &WeekRead| read.read.card.problem.is_some() && read.marks.done.is_none();
        let best = reads
            .iter()
            .enumerate()
            .filter(|(_, read)| can_be_first(read))
            // Of equals the first one in the list wins.
            .max_by(|(i, a), (j, b)| points(a).total_cmp(&points(b)).then_with(|| j.cmp(i)))
            .map(|(at, _)| at);
        let Some(best) = best else { break };
        let read = reads.remove(best);
        *of_company.entry(read.read.card.company.clone()).or_default() += 1;
        taken.push(Pick { read: read.read, remark: String::new() });
    }
    (taken, reads)
}

/// Removes the reads that an issue puts first from `reads`. Ignores those that the week no longer
/// has.
fn chosen(mut reads: Vec<WeekRead>, first: &[IssueRead]) -> (Vec<Pick>, Vec<WeekRead>) {
    let take = |chosen: &IssueRead| {
        let at = reads.iter().position(|read| read.read.card.id == chosen.read)?;
        Some(Pick { read: reads.remove(at).read, remark: chosen.remark.clone() })
    };
    let picks = first.iter().filter_map(take).collect();
    (picks, reads)
}

/// Groups reads by the first of their concepts. A concept of only one read does not form a group.
fn grouped(reads: Vec<ReadCard>) -> Vec<Group> {
    let mut groups: BTreeMap<ConceptSlug, Vec<ReadCard>> = BTreeMap::new();
    let mut alone = Vec::new();
    for card in reads {
        match card.concepts.first().cloned() {
            Some(concept) => groups.entry(concept).or_default().push(card),
            None => alone.push(card),
        }
    }
    let (shared, single): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(_, reads)| reads.len() > 1);
    alone.extend(single.into_iter().flat_map(|(_, reads)| reads));
    let mut groups: Vec<Group> =
        shared.into_iter().map(|(concept, reads)| Group { concept: Some(concept), reads }).collect();
    // Stable: equally large groups keep the order of their names.
    groups.sort_by_key(|group| Reverse(group.reads.len()));
    if !alone.is_empty() {
        alone.sort_by_key(|card| (Reverse(card.filed_at), card.id));
        groups.push(Group { concept: None, reads: alone });
    }
    groups
}
