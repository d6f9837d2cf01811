//! Tunes the weights, one after another: each gets the value with the best answers on the tuning
//! half.

use backissue_search::{Blend, By, Search};

use super::super::statistics::mean;
use super::queries::{DEPTH, Judged, Urls};

/// A number of the blend, and its possible values.
struct Dial {
    name: &'static str,
    number: fn(&mut Blend) -> &mut f32,
    values: &'static [f32],
}

const WORDS: [Dial; 8] = [
    Dial { name: "title", number: |b| &mut b.weights.title, values: &[0.5, 1.0, 1.5, 2.0, 3.0, 4.0] },
    Dial { name: "problem", number: |b| &mut b.weights.problem, values: &[0.25, 0.5, 1.0, 1.5, 2.0, 3.0] },
    Dial { name: "concepts", number: |b| &mut b.weights.concepts, values: &[0.0, 0.5, 1.0, 1.5, 2.0] },
    Dial { name: "technologies", number: |b| &mut b.weights.technologies, values: &[0.0, 0.5, 1.0, 1.5] },
    Dial { name: "company", number: |b| &mut b.weights.company, values: &[0.0, 0.5, 1.0, 1.5] },
    Dial { name: "anywhere", number: |b| &mut b.weights.anywhere, values: &[0.5, 1.0, 1.5, 2.0, 3.0, 4.0] },
    Dial { name: "exact", number: |b| &mut b.weights.exact, values: &[0.0, 0.15, 0.35, 0.6, 1.0] },
    Dial { name: "nearness", number: |b| &mut b.weights.nearness, values: &[0.0, 0.25, 0.5, 1.0, 1.5] },
];

const BLEND: [Dial; 6] = [
    Dial { name: "words", number: |b| &mut b.words, values: &[0.5, 1.0, 1.5, 2.0, 3.0] },
    Dial { name: "constant", number: |b| &mut b.constant, values: &[1.0, 3.0, 5.0, 10.0, 20.0, 60.0] },
    Dial {
        name: "least similarity",
        number: |b| &mut b.least_similarity,
        values: &[0.0, 0.1, 0.2, 0.25, 0.3],
    },
    Dial { name: "problem", number: |b| &mut b.problem, values: &[0.0, 0.01, 0.02, 0.04, 0.08] },
    Dial { name: "confidence", number: |b| &mut b.confidence, values: &[0.0, 0.005, 0.02, 0.05] },
    Dial { name: "recency", number: |b| &mut b.recency, values: &[0.0, 0.005, 0.02, 0.06] },
];

/// Number of rounds over all weights. Further rounds change little.
const ROUNDS: usize = 2;
/// The minimum improvement for a change, so that chance changes nothing.
const WORTH_MOVING: f64 = 0.001;

/// Tunes and prints the final values.
pub async fn tune(search: &Search, judged: &[Judged], urls: &Urls) -> anyhow::Result<()> {
    let mut blend = Blend::default();
    for (title, by, dials) in [("words", By::Words, &WORDS[..]), ("both", By::Both, &BLEND[..])] {
        let mut best = quality(search, judged, urls, &Blend { by, ..blend.clone() }).await?;
        println!("{title}: nDCG@10 {best:.4} before");
        for _ in 0..ROUNDS {
            for dial in dials {
                let stood = *(dial.number)(&mut blend);
                let mut chosen = stood;
                for value in dial.values {
                    *(dial.number)(&mut blend) = *value;
                    let now = quality(search, judged, urls, &Blend { by, ..blend.clone() }).await?;
                    if now > best + WORTH_MOVING {
                        (best, chosen) = (now, *value);
                    }
                }
                *(dial.number)(&mut blend) = chosen;
                if chosen != stood {
                    println!("  {} from {stood} to {chosen}: {best:.4}", dial.name);
                }
            }
        }
    }
    println!("{blend:#?}");
    Ok(())
}

async fn quality(search: &Search, judged: &[Judged], urls: &Urls, blend: &Blend) -> anyhow::Result<f64> {
    let mut figures = Vec::with_capacity(judged.len());
    for query in judged {
        let ranking = search.ranking(&query.query, blend).await?;
        let best = ranking.reads.iter().take(DEPTH);
        let list: Vec<String> = best.filter_map(|read| urls.get(&read.id).cloned()).collect();
        figures.push(query.ndcg(&list));
    }
    Ok(mean(figures))
}
