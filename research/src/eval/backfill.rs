//! Measures a backfill of the small web: how many articles it finds, how many dates are correct,
//! and how many results are not articles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use backissue_model::CanonicalUrl;
use backissue_needs::shared_dir;
use backissue_tests::program::Archive;
use backissue_tests::small_past::{Article, articles};
use backissue_tests::web::{SmallWeb, SmallWebOptions};
use serde_json::Value;

use crate::table::table;
use crate::workspace::program;

/// The arguments of `cargo xtask eval backfill`.
#[derive(Debug, clap::Args)]
pub struct Backfill {
    /// Obey the Crawl-delay of the blogs' robots.txt: one request per second for four of the eight
    /// hosts
    #[arg(long)]
    polite: bool,
    /// Print which articles are missing, have another date, or are none
    #[arg(long)]
    list: bool,
    /// A binary that is already built
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// The result for one blog.
#[derive(Debug, Default)]
struct Row {
    articles: usize,
    from_feeds: usize,
    backfilled: usize,
    missing: usize,
    wrong_day: usize,
    no_articles: usize,
    no_articles_by_backfill: usize,
}

impl Backfill {
    /// Syncs, backfills, compares and prints the result.
    pub fn run(self) -> anyhow::Result<()> {
        let binary = match &self.binary {
            Some(binary) => binary.clone(),
            None => program("release")?,
        };
        let web = SmallWeb::start(&shared_dir()?, SmallWebOptions::default())?;
        let archive = self.archive(&binary, &web)?;
        archive.done(&["sync"])?;
        let before = reads(&archive)?;
        web.forget_requests();
        let began = Instant::now();
        archive.done(&["backfill"])?;
        let time = began.elapsed();
        let requests = web.requests();
        let after = reads(&archive)?;
        web.forget_requests();
        archive.done(&["backfill"])?;
        let again = web.requests();
        let conditional = again.iter().filter(|request| request.conditional).count();

        let rows = self.compare(&articles(&shared_dir()?)?, &before, &after);
        println!("{}", printed(&rows));
        let fetched: BTreeSet<_> = requests.iter().map(|r| (&r.host, &r.path)).collect();
        println!(
            "{} requests in {:.0} s, {} addresses asked twice. A second backfill: {} requests, {} of them conditional, {} new reads.",
            requests.len(),
            time.as_secs_f64(),
            requests.len() - fetched.len(),
            again.len(),
            conditional,
            reads(&archive)?.len() - after.len(),
        );
        Ok(())
    }

    fn archive(&self, binary: &Path, web: &SmallWeb) -> anyhow::Result<Archive> {
        let mut flags = web.arguments();
        if self.polite {
            flags.extend(["--host-pause".to_owned(), "0s".to_owned()]);
        } else {
            flags.extend(SmallWeb::without_pauses());
        }
        let archive = Archive::with_binary(binary, flags)?;
        archive.import_feeds(web)?;
        Ok(archive)
    }

    fn compare(
        &self,
        articles: &[Article],
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
    ) -> BTreeMap<String, Row> {
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        let say = |what: &str, key: &str, more: &str| {
            if self.list {
                println!("{what}: {key} {more}");
            }
        };
        for article in articles {
            let key = article.url.key();
            let row = rows.entry(article.host.clone()).or_default();
            row.articles += 1;
            match after.get(&key) {
                _ if before.contains_key(&key) => row.from_feeds += 1,
                Some(_) => row.backfilled += 1,
                None => {
                    row.missing += 1;
                    say("missing", &key, "");
                }
            }
            if let (Some(day), Some(truth), false) =
                (after.get(&key), &article.day, before.contains_key(&key))
                && day != truth
            {
                row.wrong_day += 1;
                say("another day", &key, &format!("{day}, not {truth}"));
            }
        }
        let known: BTreeSet<String> = articles.iter().map(|article| article.url.key()).collect();
        for key in after.keys().filter(|key| !known.contains(*key)) {
            let host = key.split('/').next().unwrap_or_default();
            let row = rows.entry(host.to_owned()).or_default();
            row.no_articles += 1;
            row.no_articles_by_backfill += usize::from(!before.contains_key(key));
            say("no article", key, if before.contains_key(key) { "from a feed" } else { "by backfill" });
        }
        rows
    }
}

/// The archive's reads by key of their address, with their day.
fn reads(archive: &Archive) -> anyhow::Result<BTreeMap<String, String>> {
    let text = |read: &Value, name: &str| read[name].as_str().unwrap_or_default().to_owned();
    archive
        .all_reads()?
        .iter()
        .map(|read| {
            let url: CanonicalUrl = text(read, "url").parse().context("a read has an address")?;
            Ok((url.key(), text(read, "published").chars().take(10).collect()))
        })
        .collect()
}

fn printed(rows: &BTreeMap<String, Row>) -> String {
    let mut all = Row::default();
    let mut lines = Vec::new();
    for (host, row) in rows {
        lines.push(line(host, row));
        all.articles += row.articles;
        all.from_feeds += row.from_feeds;
        all.backfilled += row.backfilled;
        all.missing += row.missing;
        all.wrong_day += row.wrong_day;
        all.no_articles += row.no_articles;
        all.no_articles_by_backfill += row.no_articles_by_backfill;
    }
    lines.push(line("all", &all));
    let head = [
        "blog",
        "articles",
        "from the feeds",
        "by backfill",
        "of the rest",
        "on another day",
        "no articles among the new reads",
        "no articles among all",
    ];
    table(&head, &lines)
}

fn line(name: &str, row: &Row) -> Vec<String> {
    let share = |part: usize, whole: usize| match whole {
        0 => "–".to_owned(),
        whole => format!("{:.1} %", 100.0 * part as f64 / whole as f64),
    };
    let rest = row.articles - row.from_feeds;
    let all = row.articles - row.missing + row.no_articles;
    vec![
        name.to_owned(),
        row.articles.to_string(),
        row.from_feeds.to_string(),
        row.backfilled.to_string(),
        share(row.backfilled, rest),
        row.wrong_day.to_string(),
        format!(
            "{} ({})",
            row.no_articles_by_backfill,
            share(row.no_articles_by_backfill, row.backfilled + row.no_articles_by_backfill)
        ),
        format!("{} ({})", row.no_articles, share(row.no_articles, all)),
    ]
}
