//! How close the closest read has to be to a question for it to have an answer.
//!
//! A read's closeness is its similarity in meaning plus a weight times the share of the question in its words. For each weight
//! the floor is the highest at which the relevant reads of the tuning half stay. The weight is one at which most unanswerable
//! questions of that half get no read, and which is not at the edge of those.

use std::collections::HashMap;

use anyhow::Context;
use backissue_model::ReadId;
use backissue_search::{Blend, Ranked, Search};

use super::Urls;
use super::queries::{Half, Judged, Kind};
use crate::table::table;
use crate::test::workspace;

/// The share of relevant reads that have to stay.
const KEPT: f64 = 0.99;
/// Weights that are tried, in quarters.
const WEIGHTS: std::ops::RangeInclusive<u8> = 0..=8;

/// A question's reads, and which of them are relevant.
struct Asked {
    is_tuning: bool,
    reads: Vec<(Ranked, bool)>,
}

/// Prints a table of weights with their floors.
pub async fn learn(search: &Search, judged: &[Judged], urls: &Urls) -> anyhow::Result<()> {
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
    others(search, judged, urls).await
}

/// Prints, for several floors, how many of the reads that answer one question have each other's problem.
async fn others(search: &Search, judged: &[Judged], urls: &Urls) -> anyhow::Result<()> {
    let ids: HashMap<&str, ReadId> = urls.iter().map(|(id, url)| (url.as_str(), *id)).collect();
    let (mut alike, mut unlike) = (Vec::new(), Vec::new());
    for query in judged.iter().filter(|query| query.kind != Kind::Topic) {
        let best = query.grades.iter().filter(|(_, grade)| **grade == 3);
        for id in best.filter_map(|(url, _)| ids.get(url.as_str())) {
            for (other, similarity) in search.alike(*id).await? {
                match urls.get(&other).and_then(|url| query.grades.get(url)) {
                    Some(2..) => alike.push(similarity),
                    Some(0) => unlike.push(similarity),
                    _ => {}
                }
            }
        }
    }
    let above = |list: &[f32], floor: f32| {
        let kept = list.iter().filter(|similarity| **similarity >= floor).count();
        format!("{kept} of {} ({:.1} %)", list.len(), 100.0 * kept as f64 / list.len().max(1) as f64)
    };
    let rows = (6..=13).map(|step| {
        let floor = f32::from(step as u8) / 20.0;
        vec![format!("{floor:.2}"), above(&alike, floor), above(&unlike, floor)]
    });
    println!(
        "{}",
        table(&["floor", "answers to one question kept", "others kept"], &rows.collect::<Vec<_>>())
    );
    Ok(())
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
