//! Builds a second index while the current one is in use.

use std::fs::File;
use std::sync::Arc;

use backissue_model::ReadId;
use tantivy::{IndexWriter, TantivyDocument};

use super::generation::Generation;
use super::{
    REBUILDING, Shared, changing, create_next, lock_file, read_current, remove_unheld, write_current, writer,
};
use crate::{Document, SearchError};

/// Bytes of memory for documents that are not on disk yet, for both threads together.
const MEMORY: usize = 100_000_000;
const THREADS: usize = 2;

/// A new generation in progress. If it is dropped before [`Rebuild::finish`], the current one stays
/// in use.
pub struct Rebuild {
    shared: Arc<Shared>,
    generation: Generation,
    writer: IndexWriter<TantivyDocument>,
    _only: File,
}

impl std::fmt::Debug for Rebuild {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rebuild").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}

impl Rebuild {
    pub(super) fn begin(shared: Arc<Shared>) -> Result<Option<Self>, SearchError> {
        let folder = &shared.folder;
        let only = lock_file(folder, REBUILDING)?;
        match only.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
            Err(std::fs::TryLockError::Error(error)) => return Err(SearchError::io(folder, &error)),
        }
        let generation = {
            let _changing = changing(folder)?;
            // Removes the rest of an unfinished rebuild first, to free space.
            if let Some(current) = read_current(folder)? {
                remove_unheld(folder, &current);
            }
            create_next(folder)?
        };
        let writer = writer::open(&generation, THREADS, MEMORY)?;
        Ok(writer.map(|writer| Self { shared, generation, writer, _only: only }))
    }

    /// Adds or replaces `read`.
    ///
    /// # Errors
    /// [`SearchError`] if earlier reads could not be written.
    pub fn put(&mut self, read: &Document) -> Result<(), SearchError> {
        self.remove(read.id);
        writer::put(&self.writer, &self.generation, read)
    }

    /// Removes a read that the archive lost during the rebuild.
    pub fn remove(&mut self, id: ReadId) {
        self.writer.delete_term(self.generation.fields.id_term(id));
    }

    /// Switches to the new generation, which is up to date with change `position`, and removes
    /// unused ones. Other processes follow at their next refresh.
    ///
    /// # Errors
    /// [`SearchError`] if it could not be written. The current generation stays in use.
    pub fn finish(mut self, position: u64) -> Result<(), SearchError> {
        writer::commit(&mut self.writer, &self.generation, position)?;
        let merged = self.writer.wait_merging_threads();
        merged.map_err(|error| SearchError::writing(&self.shared.folder, &error))?;
        self.generation.refresh()?;
        let name = self.generation.name().to_owned();
        let _changing = changing(&self.shared.folder)?;
        write_current(&self.shared.folder, &name)?;
        self.shared.replace(self.generation);
        remove_unheld(&self.shared.folder, &name);
        Ok(())
    }
}
