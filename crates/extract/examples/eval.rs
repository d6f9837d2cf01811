//! How much of articles is found, and how much that is none: precision, recall and F1 beside plain `dom_smoothie`.
//!
//! `cargo run --release -p backissue-extract --example eval -- FOLDER [--worst N]`, where FOLDER holds either
//!
//! - `ground-truth.json`, `{id: {"articleBody": text, "url": address}}`, and the pages as `html/ID.html` (the form of the public
//!   article extraction benchmark, its pages unpacked), or
//! - pairs `NAME.html` and `NAME.txt`.
//!
//! The measure is that benchmark's: words are runs of letters, digits and underscores; a text is the bag of its runs of four
//! words; precision and recall are taken of each page, then their means over the pages; F1 is of the two means. Pages a
//! second are of one core, over all pages, best of three rounds.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use backissue_extract::{Page, extract};
use url::Url;

struct Case {
    id: String,
    page: Vec<u8>,
    url: Option<Url>,
    gold: String,
}

struct Score {
    precision: Option<f64>,
    recall: Option<f64>,
    f1: f64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = arguments
        .first()
        .ok_or("which folder? give one with ground-truth.json and html/, or with pairs of .html and .txt")?;
    let worst: usize = match arguments.iter().position(|a| a == "--worst") {
        Some(at) => arguments.get(at + 1).ok_or("how many? --worst N")?.parse()?,
        None => 0,
    };
    let cases = cases(Path::new(folder))?;
    println!(
        "{} pages, {:.0} KiB each on average",
        cases.len(),
        cases.iter().map(|c| c.page.len()).sum::<usize>() as f64 / 1024.0 / cases.len().max(1) as f64
    );
    println!("| extractor | precision | recall | F1 | pages a second |");
    println!("| --- | --- | --- | --- | --- |");
    let ours = report("backissue-extract", &cases, |case| {
        extract(&Page { bytes: &case.page, media_type: None, url: case.url.as_ref() }, None)
            .map(|a| a.text)
            .unwrap_or_default()
    });
    let theirs = report("dom_smoothie, formatted", &cases, |case| {
        let config = dom_smoothie::Config {
            text_mode: dom_smoothie::TextMode::Formatted,
            ..dom_smoothie::Config::default()
        };
        let html = String::from_utf8_lossy(&case.page).into_owned();
        dom_smoothie::Readability::new(html, None, Some(config))
            .and_then(|mut page| page.parse())
            .map(|article| article.text_content.to_string())
            .unwrap_or_default()
    });
    let mut order: Vec<usize> = (0..cases.len()).collect();
    order.sort_by(|a, b| ours[*a].f1.total_cmp(&ours[*b].f1));
    for &at in order.iter().take(worst) {
        let show = |score: &Score| {
            format!("P {:.3} R {:.3}", score.precision.unwrap_or(1.0), score.recall.unwrap_or(1.0))
        };
        println!(
            "{:.3} {} | dom_smoothie {} | {}",
            ours[at].f1,
            show(&ours[at]),
            show(&theirs[at]),
            cases[at].id
        );
    }
    Ok(())
}

fn cases(folder: &Path) -> Result<Vec<Case>, Box<dyn std::error::Error>> {
    #[derive(serde::Deserialize)]
    struct Truth {
        #[serde(rename = "articleBody", default)]
        article_body: String,
        url: Option<String>,
    }
    let mut cases = Vec::new();
    let truth = folder.join("ground-truth.json");
    if truth.exists() {
        let truths: BTreeMap<String, Truth> = serde_json::from_slice(&fs::read(truth)?)?;
        for (id, truth) in truths {
            let page = fs::read(folder.join("html").join(format!("{id}.html")))?;
            cases.push(Case {
                id,
                page,
                url: truth.url.and_then(|u| u.parse().ok()),
                gold: truth.article_body,
            });
        }
        return Ok(cases);
    }
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let gold = path.with_extension("txt");
        if path.extension().is_some_and(|e| e == "html") && gold.exists() {
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            cases.push(Case { id, page: fs::read(&path)?, url: None, gold: fs::read_to_string(gold)? });
        }
    }
    cases.sort_by(|a, b| a.id.cmp(&b.id));
    Ok(cases)
}

fn report(name: &str, cases: &[Case], extractor: impl Fn(&Case) -> String) -> Vec<Score> {
    let scores: Vec<Score> = cases.iter().map(|case| score(&case.gold, &extractor(case))).collect();
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        for case in cases {
            std::hint::black_box(extractor(case));
        }
        best = best.min(start.elapsed());
    }
    let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let precision = mean(scores.iter().filter_map(|s| s.precision).collect());
    let recall = mean(scores.iter().filter_map(|s| s.recall).collect());
    let f1 = 2.0 * precision * recall / (precision + recall);
    println!(
        "| {name} | {precision:.4} | {recall:.4} | {f1:.4} | {:.0} |",
        cases.len() as f64 / best.as_secs_f64()
    );
    scores
}

fn score(gold: &str, found: &str) -> Score {
    let (gold, found) = (shingles(gold), shingles(found));
    let common: usize =
        gold.iter().map(|(shingle, count)| found.get(shingle).map_or(0, |f| *f.min(count))).sum();
    let total = |bag: &HashMap<Vec<&str>, usize>| bag.values().sum::<usize>();
    let (golden, taken) = (total(&gold), total(&found));
    let share = |whole: usize| (whole > 0).then(|| common as f64 / whole as f64);
    let (precision, recall) = (share(taken), share(golden));
    let (p, r) = (precision.unwrap_or(0.0), recall.unwrap_or(0.0));
    Score { precision, recall, f1: if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 } }
}

fn shingles(text: &str) -> HashMap<Vec<&str>, usize> {
    let words: Vec<&str> =
        text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect();
    let mut bag = HashMap::new();
    if words.is_empty() {
        return bag;
    }
    for shingle in words.windows(4.min(words.len())) {
        *bag.entry(shingle.to_vec()).or_default() += 1;
    }
    bag
}
