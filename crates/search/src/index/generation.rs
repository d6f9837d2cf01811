//! One generation of the index: a folder that tantivy reads and writes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use tantivy::{IndexReader, IndexSettings, ReloadPolicy, TantivyError};

use super::directory::Files;
use crate::SearchError;
use crate::words::fields::Fields;

/// A file in the generation's folder. Each process that has the generation open holds a shared lock
/// on it.
pub(super) const HELD: &str = "held";

/// An open generation.
pub(crate) struct Generation {
    name: String,
    folder: PathBuf,
    pub index: tantivy::Index,
    pub reader: IndexReader,
    pub fields: Fields,
    position: AtomicU64,
    opstamp: AtomicU64,
    _held: File,
}

impl Generation {
    /// Opens the generation `name` of the index in `folder`.
    pub(super) fn open(folder: &Path, name: &str) -> Result<Self, SearchError> {
        let path = folder.join(name);
        let damaged =
            |reason: &str| SearchError::Damaged { folder: folder.to_owned(), reason: reason.to_owned() };
        let held = match File::open(path.join(HELD)) {
            Ok(file) => file,
            Err(error) if is_absence(&error) => return Err(damaged("it is gone")),
            Err(error) => return Err(SearchError::io(folder, &error)),
        };
        held.lock_shared().map_err(|error| SearchError::io(folder, &error))?;
        let reading = |error: TantivyError| SearchError::reading(folder, &error);
        let index = Files::open(&path).and_then(tantivy::Index::open).map_err(reading)?;
        let (schema, fields) = Fields::make();
        if index.schema() != schema {
            return Err(damaged("it was made by another version of backissue"));
        }
        Self::ready(folder, name, index, fields, held)
    }

    /// Creates the empty generation `name`.
    pub(super) fn create(folder: &Path, name: &str) -> Result<Self, SearchError> {
        let path = folder.join(name);
        let io = |error: std::io::Error| SearchError::io(folder, &error);
        fs::create_dir(&path).map_err(io)?;
        let held = File::create(path.join(HELD)).map_err(io)?;
        held.lock_shared().map_err(io)?;
        let (schema, fields) = Fields::make();
        let made = Files::open(&path)
            .and_then(|files| tantivy::Index::create(files, schema, IndexSettings::default()));
        let index = made.map_err(|error| SearchError::writing(folder, &error))?;
        Self::ready(folder, name, index, fields, held)
    }

    fn ready(
        folder: &Path,
        name: &str,
        mut index: tantivy::Index,
        fields: Fields,
        held: File,
    ) -> Result<Self, SearchError> {
        Fields::register(&index);
        let reading = |error: TantivyError| SearchError::reading(folder, &error);
        // Segments are searched in parallel.
        index.set_default_multithread_executor().map_err(reading)?;
        let reader =
            index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(reading)?;
        let generation = Self {
            name: name.to_owned(),
            folder: folder.to_owned(),
            index,
            reader,
            fields,
            position: AtomicU64::new(0),
            // No commit has this number, so the first check loads the last commit.
            opstamp: AtomicU64::new(u64::MAX),
            _held: held,
        };
        generation.refresh()?;
        Ok(generation)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    /// Loads the last commit. Returns whether there was a new one.
    pub(super) fn refresh(&self) -> Result<bool, SearchError> {
        let reading = |error: TantivyError| SearchError::reading(&self.folder, &error);
        let metas = self.index.load_metas().map_err(reading)?;
        if self.opstamp.load(Ordering::Acquire) == metas.opstamp {
            return Ok(false);
        }
        let position = match &metas.payload {
            None => 0,
            Some(text) => text.parse().map_err(|_| SearchError::Damaged {
                folder: self.folder.clone(),
                reason: format!("its position is `{text}`"),
            })?,
        };
        self.reader.reload().map_err(reading)?;
        // The position was read before the reader was reloaded. So a change may be indexed twice,
        // but is never missed.
        self.position.store(position, Ordering::Release);
        self.opstamp.store(metas.opstamp, Ordering::Release);
        Ok(true)
    }

    pub(super) fn is_intact(&self) -> Result<bool, SearchError> {
        let wrong = self.index.validate_checksum();
        Ok(wrong.map_err(|error| SearchError::reading(&self.folder, &error))?.is_empty())
    }
}

fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}
