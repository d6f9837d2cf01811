//! What zstd would save of the stored HTML of articles, and what it would take.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use zstd::bulk::{Compressor, Decompressor};

use super::ingest::{articles, blogs};
use crate::table::{head, line};

const LEVELS: [i32; 4] = [1, 3, 9, 19];
/// Bytes of a dictionary, as zstd's own tool makes it.
const DICTIONARY: usize = 110 * 1024;

/// The arguments of `cargo xtask bench compress`.
#[derive(Debug, clap::Args)]
pub struct Compress {
    /// Rounds per level; the fastest counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

impl Compress {
    /// Measures, and prints each row as soon as it is known.
    pub fn run(self) -> anyhow::Result<()> {
        let blogs = blogs()?;
        let articles = articles(&blogs);
        let html = |nth: usize| articles.iter().skip(nth).step_by(2).map(|one| one.2.html.as_bytes());
        let (measured, samples): (Vec<_>, Vec<_>) = (html(0).collect(), html(1).collect());
        let bytes: usize = measured.iter().map(|html| html.len()).sum();
        let text: usize = articles.iter().step_by(2).map(|one| one.2.text.len()).sum();
        ensure!(bytes > 0, "the small web has no articles");
        let dictionary = zstd::dict::from_samples(&samples, DICTIONARY).context("training the dictionary")?;
        println!(
            "The HTML of {} articles of the small web, {:.2} MB, each compressed alone; their text has {:.2} MB. A \
             dictionary of {} KB from {} others.\n",
            measured.len(),
            megabytes(bytes),
            megabytes(text),
            dictionary.len() / 1024,
            samples.len()
        );
        let columns =
            ["level", "dictionary", "ratio", "compress, MB/s", "decompress, MB/s", "bytes an article"];
        println!("{}", head(&columns));
        for level in LEVELS {
            for dictionary in [None, Some(&dictionary[..])] {
                let Measured { stored, packing, unpacking } = self.level(level, dictionary, &measured)?;
                let speed = |time: Duration| format!("{:.0}", megabytes(bytes) / time.as_secs_f64());
                let row = [
                    level.to_string(),
                    if dictionary.is_some() { "with" } else { "without" }.to_owned(),
                    format!("{:.2}", bytes as f64 / stored as f64),
                    speed(packing),
                    speed(unpacking),
                    format!("{} of {}", stored / measured.len(), bytes / measured.len()),
                ];
                println!("{}", line(&row));
            }
        }
        Ok(())
    }

    fn level(&self, level: i32, dictionary: Option<&[u8]>, html: &[&[u8]]) -> anyhow::Result<Measured> {
        let mut compressor = match dictionary {
            Some(dictionary) => Compressor::with_dictionary(level, dictionary)?,
            None => Compressor::new(level)?,
        };
        let mut decompressor = match dictionary {
            Some(dictionary) => Decompressor::with_dictionary(dictionary)?,
            None => Decompressor::new()?,
        };
        let mut best = Measured { stored: 0, packing: Duration::MAX, unpacking: Duration::MAX };
        for _ in 0..self.rounds.max(1) {
            let began = Instant::now();
            let packed = html.iter().map(|html| compressor.compress(html)).collect::<Result<Vec<_>, _>>()?;
            best.packing = best.packing.min(began.elapsed());
            best.stored = packed.iter().map(Vec::len).sum();
            let began = Instant::now();
            for (packed, html) in packed.iter().zip(html) {
                let unpacked = decompressor.decompress(packed, html.len())?;
                ensure!(unpacked == **html, "an article came back different");
            }
            best.unpacking = best.unpacking.min(began.elapsed());
        }
        Ok(best)
    }
}

struct Measured {
    /// Bytes after compression.
    stored: usize,
    packing: Duration,
    unpacking: Duration,
}

fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}
