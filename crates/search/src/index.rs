//! The index on disk: opened, begun anew, followed, written, made anew.
//!
//! `CURRENT` names the generation that is searched; each generation is a folder of its own. Whoever has a generation open holds
//! a shared lock on its file `held`, and only what nobody holds is removed. `CURRENT` changes, and generations are made and
//! removed, under the lock `changing`. The archive's change up to which a generation has come is part of each commit.
//!
//! This module must not know what is in a document or a query.

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

/// The form of what lies in the folder. Another number means that an older or newer program wrote it. It changes with what
/// the schema does not show: the rules by which texts become terms, or what `CURRENT` says.
const FORMAT: u32 = 2;
const CURRENT: &str = "CURRENT";
const CHANGING: &str = "changing";
const REBUILDING: &str = "rebuilding";

/// The index of an archive's reads. Cheap to clone; all clones are the same index.
#[derive(Clone)]
pub struct Index {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    folder: PathBuf,
    current: RwLock<Arc<Generation>>,
    /// One at a time looks whether something has changed.
    refreshing: Mutex<()>,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("folder", &self.shared.folder).finish_non_exhaustive()
    }
}

impl Index {
    /// Opens the index in `folder`, which is created where missing. An index that is missing, damaged or of another format is
    /// begun anew, empty and at position 0.
    ///
    /// # Errors
    /// [`SearchError`] where the folder cannot be read or written.
    pub fn open(folder: &Path) -> Result<Self, SearchError> {
        let generation = open_or_begin(folder)?;
        tidy(folder, generation.name());
        let current = RwLock::new(Arc::new(generation));
        Ok(Self {
            shared: Arc::new(Shared { folder: folder.to_owned(), current, refreshing: Mutex::new(()) }),
        })
    }

    /// The folder it is in.
    pub fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Up to which change of the archive it has come, as of the last [`Index::refresh`] or commit of this process.
    pub fn position(&self) -> u64 {
        self.shared.current().position()
    }

    /// How many reads are in it.
    pub fn len(&self) -> u64 {
        self.searcher().len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The index as it is now; what is searched with it does not change under the hand.
    pub fn searcher(&self) -> Searcher {
        Searcher::new(self.shared.current())
    }

    /// Takes up what other processes have committed, or a generation that was made anew. Cheap where nothing has changed.
    /// Returns whether something had. An index that went missing or was damaged meanwhile is begun anew.
    ///
    /// # Errors
    /// [`SearchError`] where the folder cannot be read or written.
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

    /// The right to write, or none where another holds it; then one reads what that one commits. Begins where the last
    /// commit ended, see [`Index::position`].
    ///
    /// # Errors
    /// [`SearchError`] where the folder cannot be read or written.
    pub fn writer(&self) -> Result<Option<Writer>, SearchError> {
        self.refresh()?;
        let Some(writer) = Writer::begin(Arc::clone(&self.shared), self.shared.current())? else {
            return Ok(None);
        };
        // Whoever wrote before may have committed between the look and the lock.
        self.refresh()?;
        Ok(writer.is_current()?.then_some(writer))
    }

    /// Begins a new generation beside the one that is searched; none where another process is at that already.
    ///
    /// # Errors
    /// [`SearchError`] where the folder cannot be read or written.
    pub fn rebuild(&self) -> Result<Option<Rebuild>, SearchError> {
        Rebuild::begin(Arc::clone(&self.shared))
    }

    /// Whether every file is what was written. Reads all of them: seconds for a great index.
    ///
    /// # Errors
    /// [`SearchError`] where a file cannot be read.
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

/// The generation that is current, or a new and empty one.
fn open_or_begin(folder: &Path) -> Result<Generation, SearchError> {
    // Between reading the name and holding the generation another process may have made it anew.
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

/// The lock under which generations come and go.
fn changing(folder: &Path) -> Result<File, SearchError> {
    let file = lock_file(folder, CHANGING)?;
    file.lock().map_err(|error| SearchError::io(folder, &error))?;
    Ok(file)
}

fn lock_file(folder: &Path, name: &str) -> Result<File, SearchError> {
    let open = File::options().create(true).truncate(false).write(true).open(folder.join(name));
    open.map_err(|error| SearchError::io(folder, &error))
}

/// A new, empty generation. To be called under the lock `changing`.
fn create_next(folder: &Path) -> Result<Generation, SearchError> {
    let last = generations(folder).map(|(number, _)| number).max().unwrap_or(0);
    Generation::create(folder, &format!("{:08}", last + 1))
}

/// The generations in the folder, whatever state they are in.
fn generations(folder: &Path) -> impl Iterator<Item = (u64, PathBuf)> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name();
        let number = name.to_str().filter(|name| name.len() == 8)?.parse().ok()?;
        Some((number, entry.path()))
    })
}

/// Removes old generations where that can be done now; where it cannot, another process or another time will.
fn tidy(folder: &Path, current: &str) {
    if generations(folder).count() > 1
        && let Ok(_changing) = changing(folder)
        && read_current(folder).is_ok_and(|name| name.as_deref() == Some(current))
    {
        remove_unheld(folder, current);
    }
}

/// Removes the generations that nobody holds, but for `current`. To be called under the lock `changing`. What cannot be
/// removed now is removed another time.
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

/// The name in `CURRENT`; none where there is no such file, or what it says is not of this format.
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

/// Makes `name` current: at every moment the file is the old one or the new one. To be called under the lock `changing`.
fn write_current(folder: &Path, name: &str) -> Result<(), SearchError> {
    let written = || -> io::Result<()> {
        let beside = folder.join("CURRENT.new");
        let mut file = File::create(&beside)?;
        writeln!(file, "backissue-search {FORMAT} {name}")?;
        file.sync_all()?;
        fs::rename(&beside, folder.join(CURRENT))?;
        // A folder can be synchronised only where it can be opened.
        #[cfg(unix)]
        File::open(folder)?.sync_all()?;
        Ok(())
    };
    written().map_err(|error| SearchError::io(folder, &error))
}
