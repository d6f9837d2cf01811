//! The pages under load, with two sizes of the archive.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use backissue_store::{Location, Order, ReadFilter, Store};
use backissue_tests::program::{Archive, client};
use jiff::tz::TimeZone;

use crate::table::table;

/// The arguments of `cargo xtask bench serve`.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Sizes of the archive, in reads
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 100_000])]
    reads: Vec<u32>,
    /// Seconds per page
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Concurrent requests
    #[arg(long, default_value_t = 4)]
    at_once: usize,
}

impl Serve {
    /// Measures and prints the result.
    pub async fn run(self, binary: &Path) -> anyhow::Result<()> {
        println!(
            "{} requests under way at once for {} s a page, client and server on the same machine, answers not compressed:\n",
            self.at_once, self.seconds
        );
        let mut rows = Vec::new();
        for reads in &self.reads {
            let archive = Archive::with_binary(binary, Vec::new())?;
            let pages = fill(archive.folder(), *reads).await?;
            let served = archive.serve(&["--no-fetch"])?;
            for (name, path) in pages {
                let load = self.load(&served.url(&path)).await?;
                rows.push(vec![
                    reads.to_string(),
                    name.to_owned(),
                    format!("{:.0}", load.len() as f64 / self.seconds as f64),
                    milliseconds(&load, 0.50),
                    milliseconds(&load, 0.99),
                ]);
            }
        }
        println!("{}", table(&["reads", "page", "requests a second", "p50, ms", "p99, ms"], &rows));
        Ok(())
    }

    /// The times of all responses, sorted.
    async fn load(&self, url: &str) -> anyhow::Result<Vec<Duration>> {
        let client = client();
        let warm = client.get(url).send().await?;
        ensure!(warm.status().is_success(), "{url} answers {}", warm.status());
        let end = Instant::now() + Duration::from_secs(self.seconds);
        let askers: Vec<_> =
            (0..self.at_once).map(|_| tokio::spawn(ask(client.clone(), url.to_owned(), end))).collect();
        let mut times = Vec::new();
        for asker in askers {
            times.extend(asker.await??);
        }
        times.sort();
        Ok(times)
    }
}

async fn ask(client: reqwest::Client, url: String, end: Instant) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    while Instant::now() < end {
        let began = Instant::now();
        let answer = client.get(&url).send().await?;
        ensure!(answer.status().is_success(), "{url} answers {}", answer.status());
        answer.bytes().await?;
        times.push(began.elapsed());
    }
    Ok(times)
}

fn milliseconds(sorted: &[Duration], share: f64) -> String {
    let at = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(at).map_or_else(|| "-".to_owned(), |t| format!("{:.2}", t.as_secs_f64() * 1000.0))
}

/// Fills an archive. Returns the pages to request.
async fn fill(folder: &Path, reads: u32) -> anyhow::Result<Vec<(&'static str, String)>> {
    let store = Store::open(&Location::Sqlite(folder.join("archive.sqlite")), &TimeZone::UTC).await?;
    backissue_store::generate(&store, reads, 1).await?;
    let weeks = store.weeks().await?;
    let busiest = weeks.iter().max_by_key(|w| w.reads).context("the archive has weeks")?.week;
    let filter = ReadFilter { week: Some(busiest), ..ReadFilter::default() };
    let page = store.reads(&filter, Order::ProblemsFirst, None, 1).await?;
    let read = page.items.first().context("the week has reads")?;
    let read_path = format!("/read/{}/{}", read.id, read.slug);
    store.close().await;
    Ok(vec![
        ("/", "/".into()),
        ("a week", format!("/week/{busiest}")),
        ("a read", read_path),
        ("/weeks", "/weeks".into()),
    ])
}
