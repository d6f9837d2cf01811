//! Prior art for a design document: who had this problem, what each company did, and the outcome.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use backissue_model::{ConceptSlug, ReaderId, markdown};
use backissue_store::ReadText;
use jiff::tz::TimeZone;

use crate::{Answer, Asked, Coverage, Match, Query, Search, SearchFailure};

/// Maximum reads of an answer.
pub const PRIOR_ART_MAX: usize = 30;
/// Minimum score of a read, as a share of the best score.
const SHARE_OF_BEST: f32 = 0.35;
/// A concept of more than this share of the reads does not form a group, because it does not
/// distinguish approaches.
const SHARED_BY_ALL: f32 = 0.6;

/// The best reads on a problem, grouped by approach.
#[derive(Clone, Debug)]
pub struct PriorArt {
    /// The query as it was parsed.
    pub query: Query,
    /// The groups of reads. The group with the best read comes first.
    pub ways: Vec<Way>,
    /// The failure of the embedding server, if only words were searched because of it.
    pub words_only: Option<String>,
    /// How much of the archive is in the index. `None` if it is complete.
    pub missing: Option<Coverage>,
}

impl PriorArt {
    /// Whether the whole archive was searched, as [`Answer::is_whole`](crate::Answer::is_whole).
    pub fn is_whole(&self) -> bool {
        self.words_only.is_none() && self.missing.is_none()
    }
}

/// Reads with the same approach.
#[derive(Clone, Debug)]
pub struct Way {
    /// Their common concept. `None` for reads that share no concept.
    pub concept: Option<ConceptSlug>,
    /// The reads, best first.
    pub reads: Vec<Match>,
}

impl Search {
    /// Finds the best reads on a problem in a person's own words, grouped by approach. Returns at
    /// most `limit` and at most [`PRIOR_ART_MAX`] reads, all with a problem or an approach.
    /// `reader` is as in [`Asked`].
    ///
    /// # Errors
    /// As [`Search::find`].
    pub async fn prior_art(
        &self,
        text: &str,
        limit: usize,
        reader: Option<ReaderId>,
    ) -> Result<PriorArt, SearchFailure> {
        let limit = limit.clamp(1, PRIOR_ART_MAX);
        let asked = Asked { text: text.to_owned(), limit: limit * 3, reader, ..Asked::default() };
        let mut answer = self.find(&asked).await?;
        let best = answer.matches.first().map_or(0.0, |best| best.ranked.score);
        let mut reads = std::mem::take(&mut answer.matches);
        reads.retain(|found| tells(&found.read) && found.ranked.score >= best * SHARE_OF_BEST);
        reads.truncate(limit);
        let Answer { query, words_only, missing, .. } = answer;
        Ok(PriorArt { query, ways: grouped(reads), words_only, missing })
    }
}

fn tells(read: &ReadText) -> bool {
    read.precis.problem.is_some() || read.precis.approach.is_some()
}

/// Groups reads by concepts that some but not all of them share. Repeatedly takes the concept with
/// the most remaining reads, until none has two.
fn grouped(reads: Vec<Match>) -> Vec<Way> {
    let all = reads.len() as f32;
    let mut left: Vec<(usize, Match)> = reads.into_iter().enumerate().collect();
    let mut ways: Vec<(usize, Way)> = Vec::new();
    let mut used: HashSet<ConceptSlug> = HashSet::new();
    loop {
        let mut having: BTreeMap<&ConceptSlug, Vec<usize>> = BTreeMap::new();
        for (rank, found) in &left {
            for concept in found.read.precis.concepts.iter().filter(|concept| !used.contains(*concept)) {
                having.entry(concept).or_default().push(*rank);
            }
        }
        let parts =
            |ranks: &Vec<usize>| ranks.len() >= 2 && (ranks.len() as f32) <= (all * SHARED_BY_ALL).max(2.0);
        // Among concepts with equally many reads, prefers the one with the better best read.
        let next = having
            .into_iter()
            .filter(|(_, ranks)| parts(ranks))
            .max_by_key(|(_, ranks)| (ranks.len(), std::cmp::Reverse(ranks.first().copied())));
        let Some((concept, ranks)) = next else { break };
        let concept = concept.clone();
        used.insert(concept.clone());
        let (with, without) = left.into_iter().partition::<Vec<_>, _>(|(rank, _)| ranks.contains(rank));
        left = without;
        let best = with.first().map_or(usize::MAX, |(rank, _)| *rank);
        let reads = with.into_iter().map(|(_, found)| found).collect();
        ways.push((best, Way { concept: Some(concept), reads }));
    }
    ways.sort_by_key(|(best, _)| *best);
    let mut ways: Vec<Way> = ways.into_iter().map(|(_, way)| way).collect();
    if !left.is_empty() {
        let reads = left.into_iter().map(|(_, found)| found).collect();
        ways.push(Way { concept: None, reads });
    }
    ways
}

impl PriorArt {
    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.ways.is_empty()
    }

    /// The answer as Markdown: the question, and a table per approach with team, problem, approach,
    /// outcome, date and link. `name` gives a concept's name.
    pub fn markdown(&self, zone: &TimeZone, name: impl Fn(&ConceptSlug) -> String) -> String {
        let mut text = format!("## Prior art: {}\n", markdown::text(&self.query.words()));
        if self.is_empty() {
            text.push_str("\nNothing found.\n");
        }
        let alone = self.ways.len() == 1;
        for way in &self.ways {
            let heading = way.concept.as_ref().map_or_else(|| "Other ways".to_owned(), &name);
            // Writing to a `String` cannot fail.
            if !(alone && way.concept.is_none()) {
                let _ = write!(text, "\n### {}\n", markdown::text(&heading));
            }
            text.push_str("\n| Team | Problem | Approach | Outcome | Date | Read |\n| --- | --- | --- | --- | --- | --- |\n");
            for found in &way.reads {
                let _ = writeln!(text, "{}", row(&found.read, zone));
            }
        }
        text
    }
}

fn row(read: &ReadText, zone: &TimeZone) -> String {
    let of = |statement: &Option<backissue_model::Statement>| {
        let said = |statement: &backissue_model::Statement| {
            let said = markdown::text(&statement.form.said(&statement.text));
            format!("{said} ({})", statement.level())
        };
        statement.as_ref().map_or_else(|| "–".to_owned(), said)
    };
    let precis = &read.precis;
    let date = read.card.filed_at.to_zoned_datetime(zone.clone()).date();
    format!(
        "| {} | {} | {} | {} | {date} | {} |",
        markdown::text(&read.card.company),
        of(&precis.problem),
        of(&precis.approach),
        of(&precis.outcome),
        markdown::link(&read.card.title, &read.card.url),
    )
}
