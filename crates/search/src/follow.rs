//! Keeps the index up to date with the archive.
//!
//! The archive numbers its changes. Each commit of the index records the number of the last change
//! in it. So an interrupted process continues after the last commit, and indexing a read twice has
//! no effect.

use backissue_store::{ChangeMark, Changes};

use crate::document::{document, meanings};
use crate::{Document, Search, SearchError, SearchFailure, Writer};

/// Maximum changes that are read from the archive at once.
const STRETCH: u32 = 500;
/// Maximum reads between two commits. A commit makes reads searchable, and takes a tenth of a
/// second. The first commits come sooner, so that a new index is useful soon: each after as many
/// reads as all commits before it.
const COMMIT_EVERY: u64 = 10_000;

/// The progress of catching up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Reads added or removed so far.
    pub done: u64,
    /// Number of reads in the archive, which is the maximum that is added.
    pub reads: u64,
}

/// The result of catching up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caught {
    /// The index is up to date with this version of the archive.
    Up {
        /// Reads added or removed.
        changes: u64,
    },
    /// Another process writes this index. This process sees its commits.
    ByAnother,
    /// The index lacks changes and cannot be written. It is searched as it is.
    ReadOnly,
}

impl Search {
    /// Brings the index up to date with the archive. Cheap if nothing has changed.
    ///
    /// # Errors
    /// If the archive, the index or an embedding server fails. Earlier commits stay, and the next
    /// call continues after them.
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
            // The archive is older than the index, for example because a backup was restored.
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
                // Nothing changed between the last change and the version that was read before.
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

    /// Builds a second index next to the current one, and switches to it. Returns its number of
    /// reads, or `None` if another process is rebuilding already.
    ///
    /// # Errors
    /// If the archive, the index or an embedding server fails. The current index stays in use.
    pub async fn rebuild(&self, mut tell: impl FnMut(Progress)) -> Result<Option<u64>, SearchFailure> {
        let Some(mut rebuild) = self.index().rebuild()? else { return Ok(None) };
        // As in a catch-up, nothing changes between the last change and this version.
        let version = self.store.archive_version().await?;
        let mut progress = Progress { done: 0, reads: self.store.reads_annotated().await? };
        let (mut after, mut come_to) = (ChangeMark::default(), version);
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

    /// The documents of these reads.
    async fn documents(&self, changes: &Changes) -> Result<Vec<Document>, SearchFailure> {
        let texts: Vec<[Option<String>; 2]> = changes.reads.iter().map(meanings).collect();
        let mut vectors = self.embedder.embed(texts.as_flattened()).await?.into_iter();
        let mut next = || vectors.next().flatten();
        Ok(changes.reads.iter().map(|read| document(read, [next(), next()])).collect())
    }
}

/// Commits on a blocking thread.
async fn commit(mut writer: Writer, position: u64) -> Result<Writer, SearchFailure> {
    let done = tokio::task::spawn_blocking(move || writer.commit(position).map(|()| writer));
    Ok(done.await??)
}

/// Follows the archive until `stop` resolves, by checking for changes at an interval. Loads the
/// index into memory first.
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
