//! Writes to the current generation.

use std::sync::Arc;

use backissue_model::ReadId;
use tantivy::directory::error::LockError;
use tantivy::indexer::LogMergePolicy;
use tantivy::{IndexWriter, TantivyDocument, TantivyError};

use super::generation::Generation;
use super::{Shared, read_current};
use crate::{Document, SearchError};

/// Bytes of memory for documents that are not on disk yet.
const MEMORY: usize = 60_000_000;
/// A segment is rewritten if at least this share of its documents is removed or replaced.
const STALE: f32 = 0.3;

/// The permission to write. Changes become visible with a commit, and are lost without one.
///
/// A writer is unusable after one of its methods returned an error. Drop it and request another
/// one, which starts at [`crate::Index::position`].
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

    /// Adds or replaces `read`.
    ///
    /// # Errors
    /// [`SearchError`] if earlier reads could not be written.
    pub fn put(&mut self, read: &Document) -> Result<(), SearchError> {
        self.remove(read.id);
        put(&self.writer, &self.generation, read)
    }

    /// Removes a read, if it is there.
    pub fn remove(&mut self, id: ReadId) {
        self.writer.delete_term(self.generation.fields.id_term(id));
    }

    /// Makes all changes durable and visible. `position` is the last change of the archive in them.
    ///
    /// # Errors
    /// [`SearchError`] if they could not be written. The last commit remains.
    pub fn commit(&mut self, position: u64) -> Result<(), SearchError> {
        commit(&mut self.writer, &self.generation, position)?;
        self.generation.refresh()?;
        Ok(())
    }

    /// Whether this generation is still the current one. If a rebuild has replaced it, drop this
    /// writer and request another one.
    ///
    /// # Errors
    /// [`SearchError`] if the folder cannot be read.
    pub fn is_current(&self) -> Result<bool, SearchError> {
        Ok(read_current(&self.shared.folder)?.as_deref() == Some(self.generation.name()))
    }
}

/// A writer for `generation`. Returns `None` if another process has one.
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
