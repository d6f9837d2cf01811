//! The systems that extract articles from pages: ours, the library that it uses alone, and two
//! programs in Python.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use backissue_extract::Page;
use dom_query::Document;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use url::Url;

use super::article::words_of;
use crate::workspace::{run, target_folder, workspace};

/// The extraction of a page by a system.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Extracted {
    /// The article's text.
    #[serde(default)]
    pub text: String,
    /// The article's HTML.
    pub html: String,
    /// Its title.
    #[serde(skip)]
    pub title: Option<String>,
    /// The author.
    #[serde(skip)]
    pub author: Option<String>,
    /// The day of publication.
    #[serde(skip)]
    pub published: Option<Date>,
}

/// A page to extract from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// Its source.
    pub html: &'a [u8],
    /// Its address.
    pub url: Option<&'a Url>,
}

/// The extractions of all pages by one system, and its speed.
pub struct Run {
    /// The system's name.
    pub name: &'static str,
    /// The extraction of each page.
    pub extracted: Vec<Extracted>,
    /// Pages per second on one core.
    pub speed: f64,
}

/// Runs every available system on all pages, ours first.
///
/// # Errors
/// If an available system fails.
pub fn run_all(pages: &[Input<'_>]) -> anyhow::Result<Vec<Run>> {
    let mut runs = vec![timed("backissue", pages, ours), timed("dom_smoothie", pages, library)];
    match python() {
        Ok(interpreter) => {
            for name in ["trafilatura", "readability-lxml"] {
                runs.push(peer(&interpreter, name, pages)?);
            }
        }
        Err(error) => println!("left out trafilatura and readability-lxml: {error:#}\n"),
    }
    Ok(runs)
}

/// Extracts all pages three times, and returns the result with the best time.
fn timed(name: &'static str, pages: &[Input<'_>], extract: fn(&Input<'_>) -> Extracted) -> Run {
    let rounds = (0..3).map(|_| {
        let began = Instant::now();
        let extracted: Vec<Extracted> = pages.iter().map(extract).collect();
        (extracted, pages.len() as f64 / began.elapsed().as_secs_f64())
    });
    let best = rounds.max_by(|a, b| a.1.total_cmp(&b.1));
    let (extracted, speed) = best.unwrap_or_default();
    Run { name, extracted, speed }
}

/// Our extraction.
pub fn ours(page: &Input<'_>) -> Extracted {
    let page = Page { bytes: page.html, media_type: None, url: page.url };
    backissue_extract::extract(&page, None).map_or_else(
        |_| Extracted::default(),
        |article| Extracted {
            text: article.text,
            html: article.html,
            title: article.title,
            author: article.author,
            published: article.published.map(|moment| TimeZone::UTC.to_datetime(moment).date()),
        },
    )
}

/// The extraction by the library that ours uses.
fn library(page: &Input<'_>) -> Extracted {
    let config = dom_smoothie::Config {
        text_mode: dom_smoothie::TextMode::Formatted,
        ..dom_smoothie::Config::default()
    };
    let source = String::from_utf8_lossy(page.html).into_owned();
    dom_smoothie::Readability::new(source, None, Some(config))
        .and_then(|mut page| page.parse())
        .map(|article| Extracted {
            text: article.text_content.to_string(),
            html: article.content.to_string(),
            ..Extracted::default()
        })
        .unwrap_or_default()
}

/// The Python with the packages of `eval/peers/requirements.txt`, in an environment below the
/// target folder.
fn python() -> anyhow::Result<PathBuf> {
    let folder = target_folder()?.join("peers");
    let wanted = workspace().join("eval/peers/requirements.txt");
    let (mark, interpreter) = (folder.join("requirements.txt"), folder.join("bin/python"));
    if std::fs::read(&mark).ok() == Some(std::fs::read(&wanted)?) {
        return Ok(interpreter);
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder))
        .context("python3 cannot make an environment (on Debian: apt-get install python3-venv)")?;
    let mut pip = Command::new(&interpreter);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary", ":all:", "--requirement"])
        .arg(&wanted);
    run(&mut pip).context("pip cannot fetch the packages; see that a package index is reached")?;
    std::fs::copy(&wanted, &mark)?;
    Ok(interpreter)
}

/// Runs a program in Python: `eval/peers/extract.py` reads the pages from files and prints a line
/// for each.
fn peer(interpreter: &Path, name: &'static str, pages: &[Input<'_>]) -> anyhow::Result<Run> {
    #[derive(Deserialize)]
    struct Took {
        seconds: f64,
    }
    let folder = tempfile::tempdir()?;
    for (number, page) in pages.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number:05}.html")), page.html)?;
    }
    let mut program = Command::new(interpreter)
        .arg(workspace().join("eval/peers/extract.py"))
        .arg(name)
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()?;
    let output = BufReader::new(program.stdout.take().context("its output was asked for")?);
    let lines: Vec<String> = output.lines().collect::<Result<_, _>>()?;
    ensure!(program.wait()?.success(), "eval/peers/extract.py failed with {name}");
    let (last, lines) = lines.split_last().context("eval/peers/extract.py printed nothing")?;
    let mut extracted: Vec<Extracted> =
        lines.iter().map(|line| serde_json::from_str(line)).collect::<Result<_, _>>()?;
    ensure!(extracted.len() == pages.len(), "{name} answered {} times", extracted.len());
    for one in &mut extracted {
        if one.text.is_empty() {
            one.text = words_of(&Document::from(one.html.as_str()).root());
        }
    }
    let took: Took = serde_json::from_str(last)?;
    Ok(Run { name, extracted, speed: pages.len() as f64 / took.seconds })
}
