//! Keeps the index at the archive's last change.
//!
//! The archive numbers its changes; the index remembers up to which it has come, in the same commit as the reads of those
//! changes. So whoever stops in the middle goes on where the last commit was, and putting a read twice changes nothing.

use backissue_model::ReadId;
use backissue_store::{ChangeMark, Changes, ReadText};

use crate::meaning::Embedding;
use crate::{Document, Search, SearchError, SearchFailure, Writer};

/// Changes taken from the archive at once.
const STRETCH: u32 = 500;
/// Most reads between two commits: each makes what was taken in so far searchable, and costs a tenth of a second. The first
/// commits come sooner, each after as many reads as all before it had, so that a new index soon finds something.
const COMMIT_EVERY: u64 = 10_000;

/// How far catching up has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Reads taken in or taken out so far.
    pub done: u64,
    /// Reads of the whole archive, the most there can be to take in.
    pub reads: u64,
}

/// What came of catching up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caught {
    /// The index has everything up to this version of the archive, and so many reads were taken in or out for that.
    Up {
        /// Reads taken in or out.
        changes: u64,
    },
    /// Another process writes this index; what it has committed is searched.
    ByAnother,
    /// The index lacks changes and may not be written; what is in it is searched.
    ReadOnly,
}

impl Search {
    /// Brings the index up to the archive's last change. Cheap where nothing has changed.
    ///
    /// # Errors
    /// Where the archive, the index or an embedding server fails. What was committed until then stays, and the next call
    /// goes on from there.
    pub async fn catch_up(&self, mut tell: impl FnMut(Progress)) -> Result<Caught, SearchFailure> {
        let version = self.store.archive_version().await?;
        self.index().refresh()?;
        if self.has_come_to(version) {
            return Ok(Caught::Up { changes: 0 });
        }
        if version > 0 && self.index().position() == version {
            self.come_to(version);
            return Ok(Caught::Up { changes: 0 });
        }
        let mut writer = match self.writer().await {
            Ok(Some(writer)) => writer,
            Ok(None) => return Ok(Caught::ByAnother),
            Err(SearchFailure::Index(SearchError::Forbidden { .. })) => return Ok(Caught::ReadOnly),
            Err(failure) => return Err(failure),
        };
        if self.index().position() > version {
            // The archive went back, as when an older copy was put in its place.
            drop(writer);
            self.rebuild(tell).await?;
            return Ok(Caught::Up { changes: self.index().len() });
        }
        let mut progress = Progress { done: 0, reads: self.store.reads_annotated().await? };
        let mut after = ChangeMark::after_version(self.index().position());
        let (mut come_to, mut waiting) = (self.index().position(), 0);
        loop {
            let changes = self.store.changes(after, STRETCH).await?;
            come_to = come_to.max(changes.version);
            let next = changes.next;
            let documents = self.documents(&changes).await?;
            for document in &documents {
                writer.put(document)?;
            }
            for id in &changes.gone {
                writer.remove(*id);
            }
            let count = documents.len() + changes.gone.len();
            waiting += count as u64;
            progress.done += count as u64;
            tell(progress);
            if next.is_none() || waiting >= (progress.done - waiting).clamp(u64::from(STRETCH), COMMIT_EVERY)
            {
                // Nothing changed between the last change told and the version looked up before.
                let position = if next.is_none() { come_to.max(version) } else { come_to };
                writer = commit(writer, position).await?;
                waiting = 0;
                self.warm().await?;
            }
            match next {
                Some(next) => after = next,
                None => break,
            }
        }
        self.come_to(version);
        Ok(Caught::Up { changes: progress.done })
    }

    /// Makes the index anew beside the one that is searched, and searches the new one from then on. None where another
    /// process is at that already; else how many reads are in the new one.
    ///
    /// # Errors
    /// Where the archive, the index or an embedding server fails; the former index then stays.
    pub async fn rebuild(&self, mut tell: impl FnMut(Progress)) -> Result<Option<u64>, SearchFailure> {
        let Some(mut rebuild) = self.index().rebuild()? else { return Ok(None) };
        let mut progress = Progress { done: 0, reads: self.store.reads_annotated().await? };
        let (mut after, mut come_to) = (ChangeMark::default(), 0);
        loop {
            let changes = self.store.changes(after, STRETCH).await?;
            come_to = come_to.max(changes.version);
            for document in self.documents(&changes).await? {
                rebuild.put(&document)?;
                progress.done += 1;
            }
            changes.gone.iter().for_each(|id| rebuild.remove(*id));
            tell(progress);
            match changes.next {
                Some(next) => after = next,
                None => break,
            }
        }
        tokio::task::spawn_blocking(move || rebuild.finish(come_to)).await??;
        self.index().refresh()?;
        self.warm().await?;
        Ok(Some(self.index().len()))
    }

    async fn writer(&self) -> Result<Option<Writer>, SearchFailure> {
        let index = self.index().clone();
        Ok(tokio::task::spawn_blocking(move || index.writer()).await??)
    }

    /// What the index is told of these reads.
    async fn documents(&self, changes: &Changes) -> Result<Vec<Document>, SearchFailure> {
        let texts: Vec<[Option<String>; 2]> = changes.reads.iter().map(meanings).collect();
        let mut vectors = self.embedder.embed(texts.as_flattened()).await?.into_iter();
        let mut next = || vectors.next().flatten();
        Ok(changes.reads.iter().map(|read| document(read, [next(), next()])).collect())
    }
}

/// Commits where nobody waits for it.
async fn commit(mut writer: Writer, position: u64) -> Result<Writer, SearchFailure> {
    let done = tokio::task::spawn_blocking(move || writer.commit(position).map(|()| writer));
    Ok(done.await??)
}

/// Words of an article's beginning that stand for it.
const BEGINNING: usize = 60;

/// The two texts that stand for what a read means: its title with its problem, and its title with how the article begins. Of what
/// was tried (problem, approach, description, beginning, with and without the title) these two are found best, by the built-in
/// embedder and by the model that it was distilled from (docs/BENCHMARKS.md).
pub fn meanings(read: &ReadText) -> [Option<String>; 2] {
    let title = read.card.title.trim_end_matches('.');
    let problem = read.precis.problem.as_ref().map(|problem| format!("{title}. {}", problem.text));
    let beginning: Vec<&str> = read.text.split_whitespace().take(BEGINNING).collect();
    [problem, Some(format!("{title}. {}", beginning.join(" ")))]
}

fn document(read: &ReadText, vectors: [Option<Embedding>; 2]) -> Document {
    let ReadText { card, precis, text, fingerprint, sources } = read;
    let statement =
        |statement: &Option<backissue_model::Statement>| statement.as_ref().map(|s| s.text.clone());
    Document {
        id: ReadId(card.id.0),
        title: card.title.clone(),
        company: card.company.clone(),
        sources: sources.clone(),
        kind: card.kind,
        week: card.week,
        filed_at: card.filed_at,
        problem: statement(&precis.problem),
        approach: statement(&precis.approach),
        outcome: statement(&precis.outcome),
        description: card.description.clone(),
        concepts: precis.concepts.clone(),
        technologies: precis.technologies.clone(),
        text: text.clone(),
        fingerprint: *fingerprint,
        confidence: precis.problem.as_ref().map_or(0.0, |problem| problem.confidence),
        vectors: vectors.into_iter().flatten().map(Embedding::into_bytes).collect(),
    }
}

/// Follows the archive until `stop` is done: looks every so often whether anything has changed. Begins by reading what the
/// index already has into memory, so that no search has to.
pub async fn follow(
    search: Search,
    every: std::time::Duration,
    stop: impl Future<Output = ()>,
    mut tell: impl FnMut(Result<Caught, SearchFailure>),
) {
    let mut stop = std::pin::pin!(stop);
    let mut warmed = search.warm().await;
    loop {
        let caught = tokio::select! {
            () = &mut stop => return,
            caught = search.catch_up(|_| ()) => std::mem::replace(&mut warmed, Ok(())).and(caught),
        };
        tell(caught);
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}
