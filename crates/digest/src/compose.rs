//! Which reads of a week come first, and how the rest is grouped.
//!
//! docs/DIGESTS.md tells the rule to people; a change here changes it there.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use backissue_model::{
    ConceptSlug, Issue, IssueRead, Kind, Marks, Precis, ReadId, Statement, Week, misleads,
};
use backissue_store::{ReadCard, ReadSummary};

use crate::concept_name;

/// Reads that come first, unless somebody wants fewer or more.
pub const MOST: usize = 7;

/// Points for a sure problem.
const PROBLEM: f32 = 2.0;
/// Points for an approach, and for an outcome.
const STATEMENT: f32 = 0.5;
/// Points per quotation as evidence, and the most for all of them.
const QUOTE: f32 = 0.1;
const QUOTES_MOST: f32 = 0.5;
/// Points for a team that writes about its systems.
const OWN: f32 = 0.3;
/// Points for a read that the reader keeps or labels.
const CHOSEN: f32 = 0.5;
/// Points for a read with a concept that the reader keeps reads on.
const INTEREST: f32 = 0.3;
/// What remains of a score for each better read of the same company.
const SAME_COMPANY: f32 = 0.5;

/// A read of the week, with what one reader did with it; for a digest of nobody in particular, the
/// default marks.
#[derive(Clone, Debug, PartialEq)]
pub struct WeekRead {
    /// The read.
    pub read: ReadSummary,
    /// The reader's marks.
    pub marks: Marks,
    /// Whether the reader gave it a label.
    pub is_labelled: bool,
    /// Whether it has one of the reader's concepts.
    pub is_of_interest: bool,
}

impl From<ReadSummary> for WeekRead {
    fn from(read: ReadSummary) -> Self {
        Self { read, marks: Marks::default(), is_labelled: false, is_of_interest: false }
    }
}

/// What of a week a digest holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Only reads with one of these concepts; all reads if there are none.
    pub concepts: Vec<ConceptSlug>,
    /// Only these reads, which answer a search. `None`: all reads.
    pub reads: Option<HashSet<ReadId>>,
    /// How many reads come first at most.
    pub most: usize,
}

impl Default for Choice {
    fn default() -> Self {
        Self { concepts: Vec::new(), reads: None, most: MOST }
    }
}

/// What a digest is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// A week.
    Week,
    /// New reads that answer saved searches.
    Answers,
}

/// A week, composed; or new answers to saved searches, in the same form.
#[derive(Clone, Debug, PartialEq)]
pub struct Digest {
    /// What it is about.
    pub about: About,
    /// The week; of answers, that of the newest one.
    pub week: Week,
    /// What the sender says at the top; empty if nothing.
    pub remark: String,
    /// The reads that come first, the best first.
    pub picks: Vec<Pick>,
    /// The rest by concept, the largest group first, reads without a group last.
    pub groups: Vec<Group>,
    /// Announcements, events and profiles.
    pub announcements: Vec<ReadCard>,
    /// How many reads there are in all, with those that [`Digest::shortened`] left out.
    pub totals: Totals,
}

/// What a whole digest adds up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Reads.
    pub reads: usize,
    /// Reads with a problem.
    pub problems: usize,
    /// Companies that published them.
    pub companies: usize,
    /// Minutes that all of them take.
    pub minutes: u64,
    /// Reads that come first.
    pub first: usize,
    /// Minutes that these take.
    pub minutes_first: u64,
}

/// A read that comes first.
#[derive(Clone, Debug, PartialEq)]
pub struct Pick {
    /// The read.
    pub read: ReadSummary,
    /// What the sender says of it; empty if nothing.
    pub remark: String,
}

impl Pick {
    /// The problem, if it stands in place of the title.
    pub(crate) fn leading(&self) -> Option<&Statement> {
        shown(&self.read.precis.problem).filter(|_| self.read.card.problem_leads)
    }

    /// The problem, if it stands below the title.
    pub(crate) fn following(&self) -> Option<&Statement> {
        shown(&self.read.precis.problem).filter(|_| !self.read.card.problem_leads)
    }

    /// The shown statements after the problem, each with its heading.
    pub(crate) fn more(&self) -> impl Iterator<Item = (String, &Statement)> {
        let precis = &self.read.precis;
        statements(precis).skip(usize::from(shown(&precis.problem).is_some()))
    }
}

/// Reads with a concept in common.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The concept; `None` for reads that share none with another read.
    pub concept: Option<ConceptSlug>,
    /// The reads, the best first.
    pub reads: Vec<ReadCard>,
}

impl Group {
    /// What it is called within its digest.
    pub fn heading(&self, digest: &Digest) -> String {
        match &self.concept {
            Some(concept) => concept_name(concept),
            None if digest.groups.len() == 1 && digest.picks.is_empty() => "Reads".to_owned(),
            None => "Other reads".to_owned(),
        }
    }
}

impl Digest {
    /// All of its reads, in order.
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

    /// What is written of as many reads as fit.
    pub(crate) fn fitting<T>(&self, write: impl Fn(&Self) -> T, fits: impl Fn(&T) -> bool) -> T {
        let (mut written, mut most) = (write(self), self.cards().count());
        while !fits(&written) && most > 0 {
            most = most * 3 / 4;
            written = write(&self.shortened(most));
        }
        written
    }

    /// The same with at most `most` reads; those at the end are left out.
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

    /// How many of all reads it does not have.
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

/// Drops characters that change how the text around them is displayed, such as U+202E.
pub(crate) fn drop_misleading(read: &mut ReadSummary) {
    let ReadSummary { card, precis } = read;
    for text in [&mut card.title, &mut card.source_title, &mut card.company] {
        text.retain(|c| !misleads(c));
    }
    for statement in [&mut precis.problem, &mut precis.approach, &mut precis.outcome].into_iter().flatten() {
        statement.text.retain(|c| !misleads(c));
    }
}

/// Composes a week. Hidden reads are dropped; a read that the reader is done with does not come
/// first.
///
/// An issue decides which reads come first and which are left out; the rest is composed by rule.
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

/// The newest first among equals.
fn order(read: &WeekRead) -> (Reverse<jiff::Timestamp>, i64) {
    (Reverse(read.read.card.filed_at), read.read.card.id.0)
}

fn is_announcement(card: &ReadCard) -> bool {
    matches!(card.kind, Kind::Announcement | Kind::Event | Kind::Profile)
}

/// How much a read deserves to come first, before other reads of its company are looked at.
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

/// A statement, if it is likely enough to be shown.
pub(crate) fn shown(statement: &Option<Statement>) -> Option<&Statement> {
    statement.as_ref().filter(|statement| statement.sureness().is_shown())
}

/// The statements of a précis that are shown, under the headings that people know them by, with
/// their levels: "What changed (likely)".
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

/// Takes the best reads with a problem out of `reads`, which has the best first. Each read of a
/// company that is taken lowers the score of the company's others.
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

/// Takes what an issue puts first out of `reads`. What the week no longer has is passed over.
fn chosen(mut reads: Vec<WeekRead>, first: &[IssueRead]) -> (Vec<Pick>, Vec<WeekRead>) {
    let take = |chosen: &IssueRead| {
        let at = reads.iter().position(|read| read.read.card.id == chosen.read)?;
        Some(Pick { read: reads.remove(at).read, remark: chosen.remark.clone() })
    };
    let picks = first.iter().filter_map(take).collect();
    (picks, reads)
}

/// Groups reads by the first of their concepts; a concept that only one read has makes no group.
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
