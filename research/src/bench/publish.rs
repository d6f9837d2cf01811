//! Publishing the archive as a static site: the time, the size, and how much a search loads.

use std::path::Path;
use std::time::{Duration, Instant};

use backissue_store::{Location, Order, ReadFilter, Store};
use backissue_tests::program::Archive;
use jiff::tz::TimeZone;

use crate::table::table;

/// The arguments of `cargo xtask bench publish`.
#[derive(Debug, clap::Args)]
pub struct Publish {
    /// Sizes of the archive, in reads
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000])]
    reads: Vec<u32>,
    /// Draw a share picture for each read too
    #[arg(long)]
    pictures: bool,
    /// Measure the program that tests use, which is not optimised: only ratios say something then
    #[arg(long)]
    pub as_tested: bool,
}

impl Publish {
    /// Measures and prints the result.
    pub async fn run(self, binary: &Path) -> anyhow::Result<()> {
        let mut rows = Vec::new();
        for reads in &self.reads {
            let archive = Archive::with_binary(binary, Vec::new())?;
            let newest = fill(archive.folder(), *reads, 1).await?;
            // The search index is built once, by whatever searches first.
            archive.run(&["find", "--limit", "1", "queue"])?;
            let site = archive.folder().join("site");
            let first = self.publish(&archive, &site)?;
            let again = self.publish(&archive, &site)?;
            fill(archive.folder(), 1, 2).await?;
            let more = self.publish(&archive, &site)?;
            archive.done(&["withdraw", &newest])?;
            let less = self.publish(&archive, &site)?;
            let (files, bytes) = size_of(&site)?;
            rows.push(vec![
                reads.to_string(),
                seconds(first.0),
                format!("{:.0}", f64::from(*reads) / first.0.as_secs_f64()),
                files.to_string(),
                megabytes(bytes),
                told(&again),
                told(&more),
                told(&less),
                format!("{:.0}", largest_question(&site)? as f64 / 1000.0),
            ]);
        }
        let heads = [
            "reads", "seconds", "reads a second", "files", "MB", "again, nothing changed",
            "after a new read", "after one was withdrawn", "the largest question, kB",
        ];
        println!("{}", table(&heads, &rows));
        Ok(())
    }

    fn publish(&self, archive: &Archive, site: &Path) -> anyhow::Result<(Duration, serde_json::Value)> {
        let folder = site.display().to_string();
        let mut words = vec!["publish", folder.as_str(), "--base-url", "https://reads.example/archive/"];
        words.extend(self.pictures.then_some("--pictures"));
        let began = Instant::now();
        let written = archive.json(&words)?;
        Ok((began.elapsed(), written))
    }
}

/// The seconds of a publication, with its counts, as text.
fn told((time, done): &(Duration, serde_json::Value)) -> String {
    format!("{} s, {} made, {} written", seconds(*time), done["made"], done["written"])
}

/// Fills an archive. Returns the number of its newest read.
async fn fill(folder: &Path, reads: u32, seed: u64) -> anyhow::Result<String> {
    let store = Store::open(&Location::Sqlite(folder.join("archive.sqlite")), &TimeZone::UTC).await?;
    backissue_store::generate(&store, reads, seed).await?;
    let newest = store.reads(&ReadFilter::default(), Order::Newest, None, 1).await?;
    store.close().await;
    Ok(newest.items.first().map(|card| card.id.to_string()).unwrap_or_default())
}

fn seconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64())
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0}", bytes as f64 / 1e6)
}

/// Number and size of all files in a folder.
fn size_of(folder: &Path) -> anyhow::Result<(u64, u64)> {
    let mut sum = (0, 0);
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let data = entry.metadata()?;
        let (files, bytes) = if data.is_dir() { size_of(&entry.path())? } else { (1, data.len()) };
        sum = (sum.0 + files, sum.1 + bytes);
    }
    Ok(sum)
}

/// The most bytes of the index that one question can load: the file that names the others, the
/// largest files of words for twelve words, and the largest files of reads for twenty results.
fn largest_question(site: &Path) -> anyhow::Result<u64> {
    let largest = |folder: &str, most: usize| -> anyhow::Result<u64> {
        let entries = std::fs::read_dir(site.join("search").join(folder))?;
        let mut sizes =
            entries.map(|entry| Ok(entry?.metadata()?.len())).collect::<std::io::Result<Vec<u64>>>()?;
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        Ok(sizes.into_iter().take(most).sum())
    };
    let entrance = std::fs::metadata(site.join("search/index.json"))?.len();
    Ok(entrance + largest("words", 12)? + largest("reads", 20)?)
}
