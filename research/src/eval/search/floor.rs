//! Determines how close the closest read must be to a question, so that the question has an answer.
//!
//! A read's closeness is its similarity in meaning, plus a weight times the share of the question
//! in its words. For each weight, the floor is the highest one that keeps the relevant reads of the
//! tuning half. A weight is chosen with which most unanswerable questions of that half get no read,
//! and which is not at the edge of the range of such weights.

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use backissue_model::ReadId;
use backissue_search::{Blend, Ranked, Search};
use backissue_store::ReadText;

use super::queries::{Half, Judged, Kind, Urls};
use crate::table::table;
use crate::workspace::workspace;

/// The share of relevant reads to keep.
const KEPT: f64 = 0.99;
/// The share to keep of reads that have another read's problem.
const KEPT_OTHERS: f64 = 0.98;
/// Weights that are tried, in quarters.
const WEIGHTS: std::ops::RangeInclusive<u8> = 0..=8;

/// A question's reads, and which of them are relevant.
struct Asked {
    is_tuning: bool,
    reads: Vec<(Ranked, bool)>,
}

/// Prints a table of weights with their floors.
pub async fn learn(
    search: &Search,
    judged: &[Judged],
    urls: &Urls,
    reads: &[ReadText],
) -> anyhow::Result<()> {
    let mut answerable = Vec::new();
    for query in judged {
        let is_relevant = |read: &Ranked| {
            urls.get(&read.id).and_then(|url| query.grades.get(url)).is_some_and(|grade| *grade >= 2)
        };
        let reads = all(search, &query.query).await?.into_iter().map(|read| (read, is_relevant(&read)));
        answerable.push(Asked { is_tuning: Half::Tuning.holds(query), reads: reads.collect() });
    }
    let mut unanswerable = Vec::new();
    for (at, question) in unanswerable_questions()?.iter().enumerate() {
        let reads = all(search, question).await?.into_iter().map(|read| (read, false)).collect();
        unanswerable.push(Asked { is_tuning: at % 2 == 0, reads });
    }
    let rows = WEIGHTS.map(|step| row(f32::from(step) / 4.0, &answerable, &unanswerable));
    let head = [
        "weight",
        "floor",
        "relevant kept: tuning",
        "reporting",
        "unanswerable without answer: tuning",
        "reporting",
    ];
    println!("{}", table(&head, &rows.collect::<Vec<_>>()));
    others(search, judged, urls, reads).await
}

/// Number of others that a page lists, as `OTHERS` of the web crate.
const SHOWN: usize = 5;

/// A read that was judged for the query which another read answers best.
struct Pair {
    is_tuning: bool,
    is_relevant: bool,
    read: Ranked,
}

/// Prints how close reads that answer the same question are to each other's problem, compared with
/// reads that were judged not to answer it. A read whose problem is not shown cannot be shown as
/// having another's, so only reads with a shown problem are used.
async fn others(search: &Search, judged: &[Judged], urls: &Urls, reads: &[ReadText]) -> anyhow::Result<()> {
    let ids: HashMap<&str, ReadId> = urls.iter().map(|(id, url)| (url.as_str(), *id)).collect();
    let with_problem: HashSet<ReadId> =
        reads.iter().filter(|read| read.precis.problem.is_some()).map(|read| read.card.id).collect();
    let mut pairs = Vec::new();
    for query in judged.iter().filter(|query| query.kind != Kind::Topic) {
        let best = query.grades.iter().filter(|(_, grade)| **grade == 3);
        for id in best.filter_map(|(url, _)| ids.get(url.as_str())) {
            let alike = search.alike(*id).await?;
            for read in alike.into_iter().filter(|read| with_problem.contains(&read.id)) {
                let is_relevant = match urls.get(&read.id).and_then(|url| query.grades.get(url)) {
                    Some(2..) => true,
                    Some(0) => false,
                    _ => continue,
                };
                pairs.push(Pair { is_tuning: Half::Tuning.holds(query), is_relevant, read });
            }
        }
    }
    let rows = (0..=12_u8).map(|step| row_of_pairs(f32::from(step) / 4.0, &pairs));
    let head = ["weight", "floor", "answers kept: tuning", "reporting", "others kept: tuning", "reporting"];
    println!("{}", table(&head, &rows.collect::<Vec<_>>()));
    shown(search, judged, urls, &ids).await
}

/// The reads that are listed as others with a problem, by how they were judged for the query.
#[derive(Default)]
struct Shown {
    lists: usize,
    answers: usize,
    in_part: usize,
    wrong: usize,
    not_judged: usize,
}

/// Prints what the pages of the reads that answer a query best list as others with their problem.
async fn shown(
    search: &Search,
    judged: &[Judged],
    urls: &Urls,
    ids: &HashMap<&str, ReadId>,
) -> anyhow::Result<()> {
    let mut halves = [Shown::default(), Shown::default()];
    for query in judged.iter().filter(|query| query.kind != Kind::Topic) {
        let of = &mut halves[usize::from(!Half::Tuning.holds(query))];
        let best = query.grades.iter().filter(|(_, grade)| **grade == 3);
        for id in best.filter_map(|(url, _)| ids.get(url.as_str())) {
            of.lists += 1;
            for other in search.others_with(*id, SHOWN).await? {
                match urls.get(&other.read.card.id).and_then(|url| query.grades.get(url)) {
                    Some(2..) => of.answers += 1,
                    Some(1) => of.in_part += 1,
                    Some(0) => of.wrong += 1,
                    None => of.not_judged += 1,
                }
            }
        }
    }
    let rows = ["tuning", "reporting"].into_iter().zip(halves).map(|(name, of)| {
        let counts = [of.lists, of.answers, of.in_part, of.wrong, of.not_judged];
        std::iter::once(name.to_owned()).chain(counts.map(|count| count.to_string())).collect()
    });
    let head = ["half", "lists", "answer the query", "in part", "do not", "not judged"];
    println!("{}", table(&head, &rows.collect::<Vec<_>>()));
    Ok(())
}

fn row_of_pairs(weight: f32, pairs: &[Pair]) -> Vec<String> {
    let closeness = |pair: &Pair| f64::from(pair.read.closeness_to_problem(weight));
    let of = |tuning: bool, relevant: bool| {
        pairs.iter().filter(move |pair| pair.is_tuning == tuning && pair.is_relevant == relevant)
    };
    let mut learnt: Vec<f64> = of(true, true).map(closeness).collect();
    learnt.sort_by(f64::total_cmp);
    let may_lose = (learnt.len() as f64 * (1.0 - KEPT_OTHERS)) as usize;
    let floor = learnt.get(may_lose).map_or(0.0, |closest| (closest * 100.0).floor() / 100.0);
    let share = |tuning: bool, relevant: bool| {
        let all = of(tuning, relevant).count();
        let kept = of(tuning, relevant).filter(|pair| closeness(pair) >= floor).count();
        format!("{kept} of {all} ({:.1} %)", 100.0 * kept as f64 / all.max(1) as f64)
    };
    let shares = [(true, true), (false, true), (true, false), (false, false)];
    let shares = shares.map(|(tuning, relevant)| share(tuning, relevant));
    [format!("{weight:.2}"), format!("{floor:.2}")].into_iter().chain(shares).collect()
}

async fn all(search: &Search, question: &str) -> anyhow::Result<Vec<Ranked>> {
    let blend = Blend { least_closeness: f32::MIN, ..Blend::default() };
    Ok(search.ranking(question, &blend).await?.reads)
}

fn unanswerable_questions() -> anyhow::Result<Vec<String>> {
    let path = workspace().join("eval/unanswerable.txt");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect())
}

fn row(weight: f32, answerable: &[Asked], unanswerable: &[Asked]) -> Vec<String> {
    let blend = Blend { coverage: weight, least_closeness: 0.0, ..Blend::default() };
    let closest = |asked: &Asked| {
        asked.reads.iter().map(|(read, _)| f64::from(read.closeness(&blend))).fold(0.0, f64::max)
    };
    let relevant = |asked: &Asked| asked.reads.iter().filter(|(_, relevant)| *relevant).count();
    let of = |tuning: bool| answerable.iter().filter(move |asked| asked.is_tuning == tuning);
    let all = |tuning: bool| of(tuning).map(relevant).sum::<usize>();
    let mut learnt: Vec<(f64, usize)> = of(true)
        .map(|asked| (closest(asked), relevant(asked)))
        .filter(|(_, relevant)| *relevant > 0)
        .collect();
    learnt.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let mut may_lose = (all(true) as f64 * (1.0 - KEPT)) as usize;
    let first_kept = learnt.iter().find(|(_, relevant)| match may_lose.checked_sub(*relevant) {
        Some(left) => {
            may_lose = left;
            false
        }
        None => true,
    });
    let floor = first_kept.map_or(0.0, |(closest, _)| (closest * 100.0).floor() / 100.0);
    let share = |tuning: bool| {
        let kept: usize = of(tuning).filter(|asked| closest(asked) >= floor).map(relevant).sum();
        let all = all(tuning);
        format!("{kept} of {all} ({:.1} %)", 100.0 * kept as f64 / all.max(1) as f64)
    };
    let refused = |tuning: bool| {
        let all: Vec<&Asked> = unanswerable.iter().filter(|asked| asked.is_tuning == tuning).collect();
        format!("{} of {}", all.iter().filter(|asked| closest(asked) < floor).count(), all.len())
    };
    vec![
        format!("{weight:.2}"),
        format!("{floor:.2}"),
        share(true),
        share(false),
        refused(true),
        refused(false),
    ]
}
