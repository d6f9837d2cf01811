//! Writing into the generation that is searched.

use std::sync::Arc;

use backissue_model::ReadId;
use tantivy::directory::error::LockError;
use tantivy::indexer::LogMergePolicy;
use tantivy::{IndexWriter, TantivyDocument, TantivyError};

use super::generation::Generation;
use super::{Shared, read_current};
use crate::{Document, SearchError};

/// Memory for documents that are not yet on disk, in bytes.
const MEMORY: usize = 60_000_000;
/// The share of a segment's documents that are removed or replaced at which it is written anew.
const STALE: f32 = 0.3;

/// The right to write. What was put or removed is seen when it is committed, and lost where it never is.
///
/// After an error of its own a writer is of no more use: drop it and ask for another one, which begins at
/// [`crate::Index::position`].
pub struct Writer {
    shared: Arc<Shared>,
    generation: Arc<Generation>,
    writer: IndexWriter<TantivyDocument>,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}

impl Writer {
    pub(super) fn begin(
        shared: Arc<Shared>,
        generation: Arc<Generation>,
    ) -> Result<Option<Self>, SearchError> {
        let writer = open(&generation, 1, MEMORY)?;
        Ok(writer.map(|writer| Self { shared, generation, writer }))
    }

    /// Takes `read` in, in place of what was known of it.
    ///
    /// # Errors
    /// [`SearchError`] where what was put before could not be written.
    pub fn put(&mut self, read: &Document) -> Result<(), SearchError> {
        self.remove(read.id);
        put(&self.writer, &self.generation, read)
    }

    /// Takes a read out; one that is not there is no matter.
    pub fn remove(&mut self, id: ReadId) {
        self.writer.delete_term(self.generation.fields.id_term(id));
    }

    /// Makes all of it permanent and seen, with `position` as the change of the archive up to which the index has come.
    ///
    /// # Errors
    /// [`SearchError`] where it could not be written; the last commit stands.
    pub fn commit(&mut self, position: u64) -> Result<(), SearchError> {
        commit(&mut self.writer, &self.generation, position)?;
        self.generation.refresh()?;
        Ok(())
    }

    /// Whether what is committed is still what is searched. Where a rebuild has taken its place, drop this writer and ask for
    /// another one.
    ///
    /// # Errors
    /// [`SearchError`] where the folder cannot be read.
    pub fn is_current(&self) -> Result<bool, SearchError> {
        Ok(read_current(&self.shared.folder)?.as_deref() == Some(self.generation.name()))
    }
}

/// A writer of `generation`, or none where another has it.
pub(super) fn open(
    generation: &Generation,
    threads: usize,
    memory: usize,
) -> Result<Option<IndexWriter<TantivyDocument>>, SearchError> {
    match generation.index.writer_with_num_threads(threads, memory) {
        Ok(writer) => {
            let mut policy = LogMergePolicy::default();
            policy.set_del_docs_ratio_before_merge(STALE);
            writer.set_merge_policy(Box::new(policy));
            Ok(Some(writer))
        }
        Err(TantivyError::LockFailure(LockError::LockBusy, _)) => Ok(None),
        Err(error) => Err(SearchError::writing(generation.folder(), &error)),
    }
}

pub(super) fn put(
    writer: &IndexWriter<TantivyDocument>,
    generation: &Generation,
    read: &Document,
) -> Result<(), SearchError> {
    let added = writer.add_document(generation.fields.document(read));
    added.map(drop).map_err(|error| SearchError::writing(generation.folder(), &error))
}

pub(super) fn commit(
    writer: &mut IndexWriter<TantivyDocument>,
    generation: &Generation,
    position: u64,
) -> Result<(), SearchError> {
    let mut committed = || {
        let mut prepared = writer.prepare_commit()?;
        prepared.set_payload(&position.to_string());
        prepared.commit()
    };
    committed().map(drop).map_err(|error| SearchError::writing(generation.folder(), &error))
}
