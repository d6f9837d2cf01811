//! Vectors of all-MiniLM-L6-v2 for many texts, computed by several processes of `eval/minilm`.
//!
//! They are stored below the target folder, so that an interrupted run continues, and a second one
//! takes seconds.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread::{available_parallelism, scope};

use anyhow::{Context, ensure};
use xxhash_rust::xxh3::xxh3_128;

use crate::distill::algebra::Matrix;
use crate::eval::minilm;
use crate::workspace::target_folder;

/// The dimensions of its vectors.
pub const DIMENSIONS: usize = 384;

/// The hash of the weights, as `sha256sum` prints it. pip checks the hash of the package with them.
pub const WEIGHTS_SHA256: &str = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db";

/// Texts per request. The program groups texts of the same length, so more texts are better.
const BATCH: usize = 512;

/// Bytes of a stored vector: the hash of its text, and its numbers.
const RECORD: usize = 16 + 4 * DIMENSIONS;

/// The model.
pub struct Teacher {
    program: PathBuf,
    weights: PathBuf,
    file: PathBuf,
    known: HashMap<u128, Vec<f32>>,
}

impl Teacher {
    /// Builds the program and fetches the weights if necessary.
    ///
    /// # Errors
    /// If pip, the package of the weights or a crate is unavailable; with the remedy.
    pub fn start() -> anyhow::Result<Self> {
        let target = target_folder()?;
        let weights = minilm::weights(&target.join("minilm-model"))?;
        let program = minilm::built(&target.join("minilm"))?;
        let file = target.join("distill-vectors.bin");
        let bytes = if file.exists() { fs::read(&file)? } else { vec![] };
        let records = bytes.as_chunks::<RECORD>().0;
        // Removes the incomplete last record of an interrupted run.
        if bytes.len() != records.len() * RECORD {
            fs::write(&file, records.as_flattened())?;
        }
        let known = records.iter().map(|record| {
            let (hash, numbers) = record.split_first_chunk::<16>().expect("a record is longer");
            let numbers = numbers.as_chunks::<4>().0.iter().map(|number| f32::from_le_bytes(*number));
            (u128::from_le_bytes(*hash), numbers.collect())
        });
        Ok(Self { program, weights, known: known.collect(), file })
    }

    /// Its vocabulary, one piece per line.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn vocabulary(&self) -> anyhow::Result<String> {
        let file = self.weights.join("vocab.txt");
        fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))
    }

    /// The vectors of texts, one row each. `what` names them in progress messages.
    ///
    /// # Errors
    /// If a process ends early.
    pub fn vectors(&mut self, what: &str, texts: &[String]) -> anyhow::Result<Matrix> {
        let mut seen = HashSet::new();
        let wanting: Vec<&String> = texts
            .iter()
            .filter(|text| !self.known.contains_key(&hash(text)) && seen.insert(text.as_str()))
            .collect();
        let kept = OpenOptions::new().create(true).append(true).open(&self.file)?;
        let made = Mutex::new((kept, vec![]));
        let open = Mutex::new(wanting.chunks(BATCH));
        scope(|threads| {
            let work = || -> anyhow::Result<()> {
                let mut program = Program::start(&self.program, &self.weights)?;
                loop {
                    let batch = open.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some(batch) = batch else { return program.end() };
                    let vectors = program.ask(batch)?;
                    let mut made = made.lock().unwrap_or_else(PoisonError::into_inner);
                    keep(&mut made.0, batch, &vectors)?;
                    made.1.extend(batch.iter().map(|text| hash(text)).zip(vectors));
                    if made.1.len() % (BATCH * 8) < BATCH {
                        println!("{} of {} {what} through the model", made.1.len(), wanting.len());
                    }
                }
            };
            let several = available_parallelism().map_or(1, usize::from).min(wanting.len().div_ceil(BATCH));
            let threads: Vec<_> = (0..several).map(|_| threads.spawn(work)).collect();
            threads.into_iter().try_for_each(|thread| thread.join().expect("it does not panic"))
        })?;
        self.known.extend(made.into_inner().unwrap_or_else(PoisonError::into_inner).1);
        Ok(Matrix::of(DIMENSIONS, texts.iter().flat_map(|text| self.known[&hash(text)].clone()).collect()))
    }
}

fn hash(text: &str) -> u128 {
    xxh3_128(text.as_bytes())
}

/// Writes each batch immediately, so that an interruption loses little.
fn keep(kept: &mut File, texts: &[&String], vectors: &[Vec<f32>]) -> anyhow::Result<()> {
    let mut records = Vec::with_capacity(texts.len() * RECORD);
    for (text, vector) in texts.iter().zip(vectors) {
        records.extend(hash(text).to_le_bytes());
        records.extend(vector.iter().flat_map(|number| number.to_le_bytes()));
    }
    Ok(kept.write_all(&records)?)
}

/// A process with its thread.
struct Program {
    child: Child,
    answers: BufReader<std::process::ChildStdout>,
}

impl Program {
    fn start(program: &Path, weights: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(program)
            .arg(weights)
            .env("RAYON_NUM_THREADS", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the program of eval/minilm does not start")?;
        let answers = BufReader::new(child.stdout.take().context("its output was asked for")?);
        Ok(Self { child, answers })
    }

    fn ask(&mut self, texts: &[&String]) -> anyhow::Result<Vec<Vec<f32>>> {
        let ended = "the program of eval/minilm has ended";
        let mut answer = String::new();
        let mut asked = self.child.stdin.as_ref().context(ended)?;
        writeln!(asked, "{}", serde_json::to_string(texts)?)
            .and_then(|()| self.answers.read_line(&mut answer))
            .context(ended)?;
        let vectors: Vec<Vec<f32>> = serde_json::from_str(&answer).context(ended)?;
        ensure!(
            vectors.len() == texts.len() && vectors.iter().all(|vector| vector.len() == DIMENSIONS),
            "the program of eval/minilm answers with other vectors than were asked for"
        );
        Ok(vectors)
    }

    fn end(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        self.child.wait()?;
        Ok(())
    }
}
