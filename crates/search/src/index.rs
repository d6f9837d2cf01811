//! The index on disk: opening, creating, writing and rebuilding.
//!
//! `CURRENT` names the generation in use. Each generation is a folder. A process that has a
//! generation open holds a shared lock on its file `held`; only generations without a lock are
//! removed. Changing `CURRENT` and creating or removing generations requires the lock `changing`.
//!
//! This module does not know what a document or a query contains.

mod directory;
mod generation;
mod rebuild;
mod writer;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

pub use rebuild::Rebuild;
pub use writer::Writer;

use crate::{SearchError, Searcher};
pub(crate) use generation::Generation;

/// The version of the folder's format. An index with another number is replaced. Increase the
/// number after a change that the schema does not show: in the rules from texts to terms, or in
/// `CURRENT`.
const FORMAT: u32 = 2;
const CURRENT: &str = "CURRENT";
const CHANGING: &str = "changing";
const REBUILDING: &str = "rebuilding";

/// The index of an archive's reads. Clones are cheap and share the index.
#[derive(Clone)]
pub struct Index {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    folder: PathBuf,
    current: RwLock<Arc<Generation>>,
    /// Ensures that only one thread checks for changes.
    refreshing: Mutex<()>,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}

impl Index {
    /// Opens the index in `folder`, and creates the folder if necessary. An index that is missing,
    /// damaged or of another format is replaced by an empty one at position 0.
    ///
    /// # Errors
    /// [`SearchError`] if the folder cannot be read or written.
    pub fn open(folder: &Path) -> Result<Self, SearchError> {
        let generation = open_or_begin(folder)?;
        tidy(folder, generation.name());
        let current = RwLock::new(Arc::new(generation));
        Ok(Self {
            shared: Arc::new(Shared { folder: folder.to_owned(), current, refreshing: Mutex::new(()) }),
        })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// The number of the archive's last change in the index, as of the last [`Index::refresh`] or
    /// commit of this process.
    pub fn position(&self) -> u64 {
        self.shared.current().position()
    }

    /// Number of reads in it.
    pub fn len(&self) -> u64 {
        self.searcher().len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A snapshot of the index for searching.
    pub fn searcher(&self) -> Searcher {
        Searcher::new(self.shared.current())
    }

    /// Loads commits of other processes, or a rebuilt generation. Cheap if nothing has changed.
    /// Returns whether something has. An index that is missing or damaged is replaced by an empty
    /// one.
    ///
    /// # Errors
    /// [`SearchError`] if the folder cannot be read or written.
    pub fn refresh(&self) -> Result<bool, SearchError> {
        let _one = lock(&self.shared.refreshing);
        let current = self.shared.current();
        if read_current(&self.shared.folder)?.as_deref() == Some(current.name()) {
            match current.refresh() {
                Err(error) if error.is_damage() => {}
                done => return done,
            }
        }
        let generation = open_or_begin(&self.shared.folder)?;
        let name = generation.name().to_owned();
        drop(current);
        self.shared.replace(generation);
        tidy(&self.shared.folder, &name);
        Ok(true)
    }

    /// A writer, which starts after the last commit (see [`Index::position`]). Returns `None` if
    /// another process has one; then this process reads its commits.
    ///
    /// # Errors
    /// [`SearchError`] if the folder cannot be read or written.
    pub fn writer(&self) -> Result<Option<Writer>, SearchError> {
        self.refresh()?;
        let Some(writer) = Writer::begin(Arc::clone(&self.shared), self.shared.current())? else {
            return Ok(None);
        };
        // Another process may have committed before this one got the lock.
        self.refresh()?;
        Ok(writer.is_current()?.then_some(writer))
    }

    /// Starts a new generation next to the current one. Returns `None` if another process is
    /// rebuilding already.
    ///
    /// # Errors
    /// [`SearchError`] if the folder cannot be read or written.
    pub fn rebuild(&self) -> Result<Option<Rebuild>, SearchError> {
        Rebuild::begin(Arc::clone(&self.shared))
    }

    /// Verifies the checksums of all files, which takes seconds for a large index.
    ///
    /// # Errors
    /// [`SearchError`] if a file cannot be read.
    pub fn is_intact(&self) -> Result<bool, SearchError> {
        self.shared.current().is_intact()
    }
}

impl Shared {
    fn current(&self) -> Arc<Generation> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, generation: Generation) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(generation);
    }
}

fn lock(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens the current generation, or creates an empty one.
fn open_or_begin(folder: &Path) -> Result<Generation, SearchError> {
    // Another process may replace the generation after its name is read and before it is locked.
    for _ in 0..3 {
        let Some(name) = read_current(folder)? else { break };
        match Generation::open(folder, &name) {
            Ok(generation) => return Ok(generation),
            Err(error) if error.is_damage() => {}
            Err(error) => return Err(error),
        }
    }
    fs::create_dir_all(folder).map_err(|error| SearchError::io(folder, &error))?;
    let _changing = changing(folder)?;
    if let Some(name) = read_current(folder)? {
        match Generation::open(folder, &name) {
            Ok(generation) => return Ok(generation),
            Err(error) if error.is_damage() => {}
            Err(error) => return Err(error),
        }
    }
    let generation = create_next(folder)?;
    write_current(folder, generation.name())?;
    remove_unheld(folder, generation.name());
    Ok(generation)
}

/// Takes the lock for creating, switching and removing generations.
fn changing(folder: &Path) -> Result<File, SearchError> {
    let file = lock_file(folder, CHANGING)?;
    file.lock().map_err(|error| SearchError::io(folder, &error))?;
    Ok(file)
}

fn lock_file(folder: &Path, name: &str) -> Result<File, SearchError> {
    let open = File::options().create(true).truncate(false).write(true).open(folder.join(name));
    open.map_err(|error| SearchError::io(folder, &error))
}

/// Creates an empty generation. Requires the lock `changing`.
fn create_next(folder: &Path) -> Result<Generation, SearchError> {
    let last = generations(folder).map(|(number, _)| number).max().unwrap_or(0);
    Generation::create(folder, &format!("{:08}", last + 1))
}

/// All generations in the folder, in any state.
fn generations(folder: &Path) -> impl Iterator<Item = (u64, PathBuf)> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name();
        let number = name.to_str().filter(|name| name.len() == 8)?.parse().ok()?;
        Some((number, entry.path()))
    })
}

/// Removes old generations if the lock is free. Otherwise a later call removes them.
fn tidy(folder: &Path, current: &str) {
    if generations(folder).count() > 1
        && let Ok(_changing) = changing(folder)
        && read_current(folder).is_ok_and(|name| name.as_deref() == Some(current))
    {
        remove_unheld(folder, current);
    }
}

/// Removes all generations that no process has open, except `current`. Requires the lock
/// `changing`. If removing one fails, a later call tries again.
fn remove_unheld(folder: &Path, current: &str) {
    for (_, path) in generations(folder).filter(|(_, path)| !path.ends_with(current)) {
        let is_held = match File::open(path.join(generation::HELD)) {
            Ok(file) => file.try_lock().is_err(),
            Err(error) => error.kind() != io::ErrorKind::NotFound,
        };
        if !is_held {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// The name in `CURRENT`. Returns `None` if there is no such file, or if it has another format.
fn read_current(folder: &Path) -> Result<Option<String>, SearchError> {
    let text = match fs::read(folder.join(CURRENT)) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(SearchError::io(folder, &error)),
    };
    let mut words = text.split_whitespace();
    let is_ours = words.next() == Some("backissue-search") && words.next() == Some(&FORMAT.to_string());
    let name = words.next().filter(|name| name.bytes().all(|b| b.is_ascii_digit()));
    Ok(name.filter(|_| is_ours).map(str::to_owned))
}

/// Makes `name` the current generation, atomically. Requires the lock `changing`.
fn write_current(folder: &Path, name: &str) -> Result<(), SearchError> {
    let written = || -> io::Result<()> {
        let beside = folder.join("CURRENT.new");
        let mut file = File::create(&beside)?;
        writeln!(file, "backissue-search {FORMAT} {name}")?;
        file.sync_all()?;
        fs::rename(&beside, folder.join(CURRENT))?;
        // Not all systems can open a folder in order to synchronise it.
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        Ok(())
    };
    written().map_err(|error| SearchError::io(folder, &error))
}
