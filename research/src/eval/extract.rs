//! `cargo xtask eval extract`: how much of an article is extracted from its page, and how much
//! other text, by generator.

mod article;
mod code;
mod pages;
mod score;
mod systems;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;
use url::Url;

use self::article::letters;
use self::pages::{Half, Page};
use self::score::{Kept, Score, over};
use self::systems::{Extracted, Input, Run, run_all};
use super::statistics::bootstrap;
use crate::table::table;

/// The arguments of `cargo xtask eval extract`.
#[derive(Debug, clap::Args)]
pub struct Evaluation {
    /// The half of the generators that is tuned on, or the one that is only reported on
    #[arg(long, value_enum, default_value_t = Half::Reporting)]
    half: Half,
    /// Print what is wrong on this generator's pages instead of figures
    #[arg(long, value_name = "GENERATOR")]
    show: Option<String>,
    /// Write the pages of the half and their articles' words into this folder instead
    #[arg(long, value_name = "FOLDER")]
    write: Option<PathBuf>,
    /// Take the pages of this folder instead: pairs of NAME.html and NAME.txt, or ground-truth.json
    /// and html/NAME.html
    #[arg(long, value_name = "FOLDER")]
    pages: Option<PathBuf>,
}

impl Evaluation {
    /// Extracts the articles, compares them with the right ones, and prints the result.
    ///
    /// # Errors
    /// If the pages are unavailable, or another system fails.
    pub fn run(self) -> anyhow::Result<()> {
        if let Some(folder) = &self.pages {
            return report_folder(folder);
        }
        let pages: Vec<Page> = pages::load()?.into_iter().filter(|page| page.half == self.half).collect();
        if let Some(folder) = &self.write {
            return write(folder, &pages);
        }
        match &self.show {
            Some(generator) => pages.iter().filter(|page| page.generator == *generator).for_each(show),
            None => report(&pages)?,
        }
        Ok(())
    }
}

fn input(page: &Page) -> Input<'_> {
    Input { html: page.html.as_bytes(), url: Some(&page.article.url) }
}

fn write(folder: &Path, pages: &[Page]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (number, page) in pages.iter().enumerate() {
        let file = folder.join(format!("{}-{number}.html", page.generator));
        std::fs::write(&file, &page.html)?;
        std::fs::write(file.with_extension("txt"), page.article.text())?;
    }
    Ok(())
}

/// Prints the blocks of the article that are missing, and the other text that was extracted.
fn show(page: &Page) {
    let found = systems::ours(&input(page));
    let (gold, taken) = (page.article.text(), letters(&found.text));
    let score = Score::of(&gold, &found.text);
    println!("{} {}: {score:?}", page.generator, page.article.url);
    println!("  {:?} by {:?} on {:?}", found.title, found.author, found.published);
    for block in page.article.blocks.iter().filter(|block| !taken.contains(&letters(&block.text))) {
        println!("  missing: {}", one_line(&block.text));
    }
    let gold = letters(&gold);
    for line in found.text.split("\n\n").filter(|line| !gold.contains(&letters(line))) {
        println!("  beside: {}", one_line(line));
    }
    println!(
        "  headings {:?}, code {:?}",
        score::headings(&page.article, &found),
        score::code(&page.article, &found)
    );
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(160).collect()
}

fn report(pages: &[Page]) -> anyhow::Result<()> {
    let inputs: Vec<Input<'_>> = pages.iter().map(input).collect();
    let runs = run_all(&inputs)?;
    let scores: Vec<Vec<Score>> = runs
        .iter()
        .map(|run| {
            let pairs = pages.iter().zip(&run.extracted);
            pairs.map(|(page, found)| Score::of(&page.article.text(), &found.text)).collect()
        })
        .collect();
    let mut generators: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, page) in pages.iter().enumerate() {
        generators.entry(&page.generator).or_default().push(at);
    }
    let generators: Vec<(&str, Vec<usize>)> = generators.into_iter().collect();
    println!("{} pages of {} generators\n", pages.len(), generators.len());
    println!("{}", systems_table(pages, &runs, &scores, &generators));
    println!("{}", generators_table(pages, &runs, &scores, &generators));
    Ok(())
}

/// The results of all systems over all pages. Pages of one generator are alike, so intervals come
/// from resampling generators, not pages.
fn systems_table(
    pages: &[Page],
    runs: &[Run],
    scores: &[Vec<Score>],
    generators: &[(&str, Vec<usize>)],
) -> String {
    let mut rows = Vec::new();
    for (run, scores) in runs.iter().zip(scores) {
        let drawn =
            |drawn: &[usize]| over(drawn.iter().flat_map(|&g| &generators[g].1).map(|&at| &scores[at]))[2];
        let [precision, recall, _] = over(scores);
        let f1 = bootstrap(generators.len(), drawn);
        let all = |measure: fn(&article::Article, &Extracted) -> Kept| {
            share(pages.iter().zip(&run.extracted).map(|(page, found)| measure(&page.article, found)).sum())
        };
        rows.push(vec![
            run.name.to_owned(),
            format!("{precision:.3}"),
            format!("{recall:.3}"),
            format!("{:.3} [{:.3}, {:.3}]", f1.value, f1.low, f1.high),
            all(score::headings),
            all(score::code),
            format!("{:.0}", run.speed),
        ]);
    }
    let head = ["system", "precision", "recall", "F1", "headings kept", "code kept", "pages a second"];
    table(&head, &rows)
}

fn share(kept: Kept) -> String {
    if kept.all == 0 { "–".to_owned() } else { format!("{} of {}", kept.kept, kept.all) }
}

fn generators_table(
    pages: &[Page],
    runs: &[Run],
    scores: &[Vec<Score>],
    generators: &[(&str, Vec<usize>)],
) -> String {
    let ours = &runs[0].extracted;
    let mut rows = Vec::new();
    for (name, places) in generators {
        let [precision, recall, _] = over(places.iter().map(|&at| &scores[0][at]));
        let mut row = vec![(*name).to_owned(), format!("{precision:.3}"), format!("{recall:.3}")];
        for scores in scores {
            row.push(format!("{:.3}", over(places.iter().map(|&at| &scores[at]))[2]));
        }
        let kept = |measure: fn(&article::Article, &Extracted) -> Kept| {
            share(places.iter().map(|&at| measure(&pages[at].article, &ours[at])).sum())
        };
        row.extend([kept(score::headings), kept(score::code)]);
        let right = |is: fn(&article::Article, &Extracted) -> bool| {
            let right = places.iter().filter(|&&at| is(&pages[at].article, &ours[at])).count();
            format!("{right} of {}", places.len())
        };
        row.push(right(|article, found| same(&article.title, found.title.as_deref())));
        row.push(right(|article, found| found.published == Some(article.published)));
        // Some generators tell no author.
        let author = |at: &&usize| {
            let (page, found) = (&pages[**at], ours[**at].author.as_deref());
            let told = article::told(&page.html, &page.article.author);
            same(if told { &page.article.author } else { "" }, found)
        };
        row.push(format!("{} of {}", places.iter().filter(author).count(), places.len()));
        let clean = |at: &&usize| {
            let text = letters(&ours[**at].text);
            !pages[**at].beside.iter().any(|words| text.contains(&letters(words)))
        };
        row.push(format!("{} of {}", places.iter().filter(clean).count(), places.len()));
        rows.push(row);
    }
    let mut head = vec!["generator", "precision", "recall"];
    let systems: Vec<String> = runs.iter().map(|run| format!("F1, {}", run.name)).collect();
    head.extend(systems.iter().map(String::as_str));
    head.extend(["headings", "code", "title", "date", "author", "clean"]);
    table(&head, &rows)
}

fn same(wanted: &str, found: Option<&str>) -> bool {
    letters(wanted) == letters(found.unwrap_or_default())
}

/// Prints the results of the same systems for the pages of a public benchmark.
fn report_folder(folder: &Path) -> anyhow::Result<()> {
    let cases = cases(folder)?;
    let inputs: Vec<Input<'_>> =
        cases.iter().map(|case| Input { html: &case.page, url: case.url.as_ref() }).collect();
    let mut rows = Vec::new();
    for run in run_all(&inputs)? {
        let pairs = cases.iter().zip(&run.extracted);
        let scores: Vec<Score> = pairs.map(|(case, found)| Score::of(&case.gold, &found.text)).collect();
        let [precision, recall, _] = over(&scores);
        let f1 = bootstrap(cases.len(), |drawn| over(drawn.iter().map(|&at| &scores[at]))[2]);
        rows.push(vec![
            run.name.to_owned(),
            format!("{precision:.3}"),
            format!("{recall:.3}"),
            format!("{:.3} [{:.3}, {:.3}]", f1.value, f1.low, f1.high),
            format!("{:.0}", run.speed),
        ]);
    }
    println!("{} pages\n", cases.len());
    println!("{}", table(&["system", "precision", "recall", "F1", "pages a second"], &rows));
    Ok(())
}

struct Case {
    page: Vec<u8>,
    url: Option<Url>,
    gold: String,
}

fn cases(folder: &Path) -> anyhow::Result<Vec<Case>> {
    #[derive(Deserialize)]
    struct Truth {
        #[serde(rename = "articleBody", default)]
        article_body: String,
        url: Option<String>,
    }
    let truth = folder.join("ground-truth.json");
    if truth.exists() {
        let truths: BTreeMap<String, Truth> = serde_json::from_slice(&std::fs::read(truth)?)?;
        let case = |(id, truth): (String, Truth)| {
            let page = std::fs::read(folder.join("html").join(format!("{id}.html")))?;
            Ok(Case { page, url: truth.url.and_then(|url| url.parse().ok()), gold: truth.article_body })
        };
        return truths.into_iter().map(case).collect();
    }
    let mut cases = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        let gold = path.with_extension("txt");
        if path.extension().is_some_and(|e| e == "html") && gold.exists() {
            cases.push(Case { page: std::fs::read(&path)?, url: None, gold: std::fs::read_to_string(gold)? });
        }
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use backissue_needs::needs;

    use super::article::Part;
    use super::*;

    /// Whether a text contains these words, ignoring spaces and punctuation.
    fn has(text: &str, words: &str) -> bool {
        letters(text).contains(&letters(words))
    }

    fn faults(page: &Page) -> Vec<&'static str> {
        let found = systems::ours(&input(page));
        let article = &page.article;
        let paragraphs = article.texts(|part| matches!(part, Part::Paragraph { .. }));
        let headings = score::headings(article, &found);
        let code = score::code(article, &found);
        let checks = [
            ("first paragraph", paragraphs.first().is_none_or(|words| has(&found.text, words))),
            ("last paragraph", paragraphs.last().is_none_or(|words| has(&found.text, words))),
            ("headings", headings.kept == headings.all),
            ("code", code.kept == code.all),
            ("beside", !page.beside.iter().any(|words| has(&found.text, words))),
        ];
        checks.into_iter().filter(|(_, holds)| !holds).map(|(name, _)| name).collect()
    }

    #[test]
    fn article_is_complete_on_a_page_of_each_tuned_generator() {
        needs!(SharedData);
        let mut pages = pages::load().unwrap();
        pages.retain(|page| page.half == Half::Tuning);
        assert!(pages.len() >= 84, "only {} pages", pages.len());
        pages.dedup_by(|a, b| a.generator == b.generator);
        assert!(pages.len() >= 28, "only {} generators", pages.len());
        let faults: Vec<(&str, &str)> = pages
            .iter()
            .flat_map(|page| faults(page).into_iter().map(|fault| (page.generator.as_str(), fault)))
            .collect();
        assert!(faults.is_empty(), "{faults:?}");
    }
}
