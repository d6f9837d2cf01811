//! Making the index anew while the old one is searched.

use std::fs::File;
use std::sync::Arc;

use backissue_model::ReadId;
use tantivy::{IndexWriter, TantivyDocument};

use super::generation::Generation;
use super::{
    REBUILDING, Shared, changing, create_next, lock_file, read_current, remove_unheld, write_current, writer,
};
use crate::{Document, SearchError};

/// Memory for documents that are not yet on disk, in bytes, for both threads together.
const MEMORY: usize = 100_000_000;
const THREADS: usize = 2;

/// A new generation in the making. Dropped before it is finished, it leaves the old one as it was.
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
            // What an unfinished rebuild left behind goes first, so that there is room.
            if let Some(current) = read_current(folder)? {
                remove_unheld(folder, &current);
            }
            create_next(folder)?
        };
        let writer = writer::open(&generation, THREADS, MEMORY)?;
        Ok(writer.map(|writer| Self { shared, generation, writer, _only: only }))
    }

    /// Takes `read` in, in place of what was put before.
    ///
    /// # Errors
    /// [`SearchError`] where what was put before could not be written.
    pub fn put(&mut self, read: &Document) -> Result<(), SearchError> {
        self.remove(read.id);
        writer::put(&self.writer, &self.generation, read)
    }

    /// Takes a read out again, for one that went while the rebuild was under way.
    pub fn remove(&mut self, id: ReadId) {
        self.writer.delete_term(self.generation.fields.id_term(id));
    }

    /// Puts the new generation in the old one's place, as come up to `position`, and removes the generations that nobody
    /// holds any more. Other processes follow at their next refresh.
    ///
    /// # Errors
    /// [`SearchError`] where it could not be written; the old generation stands.
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
