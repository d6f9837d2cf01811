//! Writes the files of a site into its folder, and removes old ones.
//!
//! The file [`MANIFEST`] lists the files that this program wrote, with their hashes. New files are
//! first written into the folder [`ASIDE`]. When all are written, each is renamed to its place. So
//! a full disk leaves the old site unchanged, and a visitor never gets half a file. Files are
//! renamed one by one, pages before the pages that link to them. This works in a folder that is a
//! repository, a mount or the target of links, where the whole folder cannot be swapped.

use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::PublishError;
use crate::keys::Key;

/// The name of the file that lists the site's files.
pub const MANIFEST: &str = ".backissue-publish.json";

/// The folder for new files that are not in their places yet.
const ASIDE: &str = ".backissue-publish.new";

/// The version of the list's format.
const FORMAT: u32 = 1;

/// When a file is moved to its place. Files that link to others are moved after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Stylesheets, fonts, pictures.
    Assets,
    /// Pages of single reads.
    Reads,
    /// Lists of reads.
    Lists,
    /// The front page, feeds, the sitemap, the search index.
    Entrances,
}

/// A file of the site in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// The hash of the file's contents.
    hash: String,
    /// The length of the contents in bytes.
    bytes: u64,
    /// The hash of the data from which the file was made, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    /// Hashes of the former contents, while files are being renamed: the file may still have these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    was: Vec<String>,
}

impl Entry {
    fn of(contents: &[u8]) -> Self {
        Self { hash: hash(contents), bytes: contents.len() as u64, of: None, was: Vec::new() }
    }
}

/// The list of the site's files, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    /// Whether all files are in their places. If not, only a file's contents show whether it is the
    /// new or the old one.
    finished: bool,
    files: BTreeMap<String, Entry>,
}

/// Counts of a publication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Number of files of the site.
    pub files: u64,
    /// Number of files that were made. The others were kept, because the data for them had not
    /// changed.
    pub made: u64,
    /// Number of files that are new or changed.
    pub written: u64,
    /// Number of files that were removed.
    pub removed: u64,
    /// Number of files that no longer belong to the site but stay, because somebody changed them.
    pub left: u64,
    /// Number of reads that are not published, because they may be private.
    pub left_out: u64,
}

/// The folder of a site while the site is published. Only one process at a time can have it.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// The files of the site as it was.
    old: BTreeMap<String, Entry>,
    /// When the old list was written, if that publication was finished. A file with a later time
    /// was changed by another program.
    listed_at: Option<SystemTime>,
    new: Mutex<BTreeMap<String, Entry>>,
    staged: Mutex<Vec<Staged>>,
    numbers: AtomicU64,
    made: AtomicU64,
    _lock: File,
}

/// A new file that is not in its place yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Staged {
    turn: Turn,
    path: String,
    number: u64,
}

impl Folder {
    /// Opens a folder: a new one, an empty one, or one with a site. Ignores names that begin with a
    /// dot, such as `.git`.
    ///
    /// # Errors
    /// [`PublishError::NotOurs`] if it has other files.
    pub fn take(root: &Path) -> Result<Self, PublishError> {
        fs::create_dir_all(root).map_err(prepare("made", root))?;
        let list = root.join(MANIFEST);
        let (old, listed_at) = match fs::read(&list) {
            Ok(bytes) => {
                let listed_at = fs::metadata(&list).and_then(|data| data.modified()).ok();
                let read = read_list(&bytes).ok_or(PublishError::Manifest { path: list })?;
                (read.files, listed_at.filter(|_| read.finished))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                refuse_others(root)?;
                (BTreeMap::new(), None)
            }
            Err(cause) => return Err(PublishError::Prepare { what: "read", path: list, cause }),
        };
        if let Some(path) = link_on_the_way(root, ASIDE) {
            return Err(PublishError::InTheWay { path });
        }
        let aside = root.join(ASIDE);
        fs::create_dir_all(&aside).map_err(prepare("made", &aside))?;
        let lock = lock(root, &aside)?;
        Ok(Self {
            root: root.to_owned(),
            old,
            listed_at,
            new: Mutex::default(),
            staged: Mutex::default(),
            numbers: AtomicU64::new(0),
            made: AtomicU64::new(0),
            _lock: lock,
        })
    }

    /// Adds a file to the new site.
    pub fn put(&self, turn: Turn, path: &str, contents: &[u8]) -> Result<(), PublishError> {
        self.add(turn, path, contents, Entry::of(contents))
    }

    /// Adds a file, with the key of the data from which it was made. With the key, the next
    /// publication can keep the file.
    pub fn put_made(
        &self,
        turn: Turn,
        path: &str,
        contents: &[u8],
        key: Option<Key>,
    ) -> Result<(), PublishError> {
        self.add(turn, path, contents, Entry { of: key.map(text_of), ..Entry::of(contents) })
    }

    /// Keeps files of the old site that were made from data with this key. Keeps those before the
    /// first path in `files` that the old site does not have with this key; `files` may be endless.
    /// Returns false if no file was kept, so that the files must be made.
    pub fn keep(&self, files: impl Iterator<Item = String>, key: Key) -> bool {
        let of = Some(text_of(key));
        let mut kept = Vec::new();
        for path in files {
            let Some(entry) = self.old.get(&path).filter(|entry| entry.of == of) else { break };
            if !self.is_there(&path, entry) || link_on_the_way(&self.root, &path).is_some() {
                return false;
            }
            kept.push((path, Entry { was: Vec::new(), ..entry.clone() }));
        }
        let is_kept = !kept.is_empty();
        lock_of(&self.new).extend(kept);
        is_kept
    }

    /// Removes the keys of files, up to the first path that the new site does not have. The next
    /// publication makes these files again.
    pub fn forget_keys(&self, files: impl Iterator<Item = String>) {
        let mut new = lock_of(&self.new);
        for path in files {
            match new.get_mut(&path) {
                Some(entry) => entry.of = None,
                None => break,
            }
        }
    }

    fn add(&self, turn: Turn, path: &str, contents: &[u8], entry: Entry) -> Result<(), PublishError> {
        debug_assert!(is_inside(path), "{path} is inside the folder");
        self.made.fetch_add(1, Ordering::Relaxed);
        if let Some(path) = link_on_the_way(&self.root, path) {
            return Err(PublishError::InTheWay { path });
        }
        let place = self.root.join(path);
        let is_same = match self.old.get(path) {
            Some(old) if old.hash == entry.hash => self.is_there(path, old),
            Some(_) => false,
            // Nobody else's file is replaced, unless nothing would change.
            None => match fs::read(&place) {
                Ok(there) if hash(&there) == entry.hash => true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                // Something of another program stands where a folder has to.
                Err(error) if error.kind() == io::ErrorKind::NotADirectory => false,
                _ => return Err(PublishError::InTheWay { path: place }),
            },
        };
        if !is_same {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            let aside = self.aside(number);
            fs::write(&aside, contents).map_err(prepare("written", &aside))?;
            lock_of(&self.staged).push(Staged { turn, path: path.to_owned(), number });
        }
        lock_of(&self.new).insert(path.to_owned(), entry);
        Ok(())
    }

    /// Whether the file has the contents that this program wrote.
    fn is_there(&self, path: &str, entry: &Entry) -> bool {
        let place = self.root.join(path);
        let Ok(data) = fs::metadata(&place) else { return false };
        if !data.is_file() || data.len() != entry.bytes {
            return false;
        }
        let is_older = data.modified().ok().zip(self.listed_at).is_some_and(|(at, listed)| at < listed);
        is_older || fs::read(&place).is_ok_and(|there| hash(&there) == entry.hash)
    }

    /// Forgets all added files, so that the publication can start again.
    pub fn start_again(&mut self) {
        for staged in lock_of(&self.staged).drain(..) {
            // Written over or removed in the end.
            let _ = fs::remove_file(self.root.join(ASIDE).join(staged.number.to_string()));
        }
        lock_of(&self.new).clear();
        self.made.store(0, Ordering::Relaxed);
    }

    /// Moves the new files to their places, and removes those that no longer belong to the site.
    ///
    /// # Errors
    /// [`PublishError::Prepare`] if nothing was changed, [`PublishError::Swap`] if something was.
    pub fn commit(self) -> Result<Written, PublishError> {
        let mut staged = std::mem::take(&mut *lock_of(&self.staged));
        let new = std::mem::take(&mut *lock_of(&self.new));
        staged.sort();
        for one in &staged {
            let folder = self.root.join(&one.path);
            let folder = folder.parent().unwrap_or(&self.root);
            fs::create_dir_all(folder).map_err(prepare("made", folder))?;
        }
        let gone: Vec<(&String, &Entry)> =
            self.old.iter().filter(|(path, _)| !new.contains_key(*path)).collect();
        let mut written = Written {
            files: new.len() as u64,
            made: self.made.load(Ordering::Relaxed),
            written: staged.len() as u64,
            ..Written::default()
        };
        let is_same = staged.is_empty() && new == self.old && self.listed_at.is_some();
        if is_same {
            return Ok(written);
        }
        if !staged.is_empty() || !gone.is_empty() {
            // Until the end both sites' files are ours, so that an interrupted publication can go
            // on.
            self.write_list(&self.both(&new), false)
                .map_err(prepare("written", &self.root.join(MANIFEST)))?;
        }
        for one in &staged {
            let place = self.root.join(&one.path);
            fs::rename(self.aside(one.number), &place)
                .map_err(|cause| PublishError::Swap { path: place.clone(), cause })?;
        }
        for (path, entry) in gone {
            match self.remove(path, entry) {
                Ok(true) => written.removed += 1,
                Ok(false) => written.left += 1,
                Err(cause) => return Err(PublishError::Swap { path: self.root.join(path), cause }),
            }
        }
        let path = self.root.join(MANIFEST);
        self.write_list(&new, true).map_err(|cause| PublishError::Swap { path, cause })?;
        Ok(written)
    }

    /// The files of the old and the new site, for the list while files are being renamed. A file
    /// that changes may have either contents.
    fn both(&self, new: &BTreeMap<String, Entry>) -> BTreeMap<String, Entry> {
        let mut both = self.old.clone();
        for (path, entry) in new {
            let mut entry = entry.clone();
            if let Some(old) = self.old.get(path) {
                entry.was = old.was.clone();
                entry.was.push(old.hash.clone());
                entry.was.retain(|was| *was != entry.hash);
            }
            both.insert(path.clone(), entry);
        }
        both
    }

    /// Removes a file, and folders that become empty. Returns false if somebody changed the file.
    fn remove(&self, path: &str, entry: &Entry) -> io::Result<bool> {
        if link_on_the_way(&self.root, path).is_some() {
            return Ok(false);
        }
        let place = self.root.join(path);
        let is_ours = |hash: String| hash == entry.hash || entry.was.contains(&hash);
        match fs::read(&place) {
            Ok(there) if !is_ours(hash(&there)) => return Ok(false),
            Ok(_) => fs::remove_file(&place)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        for folder in Path::new(path).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty()) {
            if fs::remove_dir(self.root.join(folder)).is_err() {
                // Something else is in it.
                break;
            }
        }
        Ok(true)
    }

    fn write_list(&self, files: &BTreeMap<String, Entry>, finished: bool) -> io::Result<()> {
        let list = Manifest { format: FORMAT, finished, files: files.clone() };
        let aside = self.root.join(ASIDE).join("list");
        fs::write(&aside, serde_json::to_vec(&list)?)?;
        fs::rename(aside, self.root.join(MANIFEST))
    }

    fn aside(&self, number: u64) -> PathBuf {
        self.root.join(ASIDE).join(number.to_string())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays is written over by the next publication.
        let _ = fs::remove_dir_all(self.root.join(ASIDE));
    }
}

fn prepare(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PublishError {
    move |cause| PublishError::Prepare { what, path: path.to_owned(), cause }
}

/// Takes the lock on the folder of new files. The system releases it if the process is killed.
fn lock(root: &Path, aside: &Path) -> Result<File, PublishError> {
    let path = aside.join("lock");
    let file = File::options().create(true).write(true).truncate(false).open(&path);
    let file = file.map_err(prepare("written", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(PublishError::Busy { folder: root.to_owned() }),
        Err(TryLockError::Error(cause)) => Err(PublishError::Prepare { what: "locked", path, cause }),
    }
}

fn lock_of<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Returns an error if the folder has visible files.
fn refuse_others(root: &Path) -> Result<(), PublishError> {
    for entry in fs::read_dir(root).map_err(prepare("read", root))? {
        let name = entry.map_err(prepare("read", root))?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            return Err(PublishError::NotOurs { folder: root.to_owned(), name });
        }
    }
    Ok(())
}

/// Parses a list of files. Returns `None` if it is damaged, of another version, or names files
/// outside the folder.
fn read_list(bytes: &[u8]) -> Option<Manifest> {
    let list: Manifest = serde_json::from_slice(bytes).ok()?;
    let is_usable = list.format == FORMAT && list.files.keys().all(|path| is_inside(path));
    is_usable.then_some(list)
}

/// The first symbolic link on the path to a file in the folder. This program does not write beyond
/// a link.
fn link_on_the_way(root: &Path, path: &str) -> Option<PathBuf> {
    let mut place = root.to_owned();
    Path::new(path).components().find_map(|part| {
        place.push(part);
        let is_link = fs::symlink_metadata(&place).is_ok_and(|data| data.is_symlink());
        is_link.then(|| place.clone())
    })
}

/// Whether a path stays inside the folder.
fn is_inside(path: &str) -> bool {
    !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

fn hash(contents: &[u8]) -> String {
    text_of(xxh3_128(contents))
}

fn text_of(key: Key) -> String {
    format!("{key:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publish(root: &Path, files: &[(&str, &str)]) -> Result<Written, PublishError> {
        let folder = Folder::take(root)?;
        for (path, contents) in files {
            folder.put(Turn::Reads, path, contents.as_bytes())?;
        }
        folder.commit()
    }

    fn said(root: &Path, path: &str) -> Option<String> {
        fs::read_to_string(root.join(path)).ok()
    }

    #[test]
    fn only_changes_are_written_and_what_is_gone_is_removed() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path().join("site");
        let first =
            publish(&root, &[("index.html", "a"), ("read/1.html", "b"), ("old/x/y.html", "c")]).unwrap();
        assert_eq!((first.files, first.written, first.removed), (3, 3, 0));
        let again = [("index.html", "a"), ("read/1.html", "b"), ("old/x/y.html", "c")];
        assert_eq!(publish(&root, &again).unwrap().written, 0);
        let third = publish(&root, &[("index.html", "new"), ("read/1.html", "b")]).unwrap();
        assert_eq!((third.files, third.written, third.removed), (2, 1, 1));
        assert_eq!(said(&root, "index.html").as_deref(), Some("new"));
        assert!(!root.join("old").exists() && !root.join(ASIDE).exists());
        // A file that somebody removed or changed comes back.
        fs::remove_file(root.join("index.html")).unwrap();
        fs::write(root.join("read/1.html"), "x").unwrap();
        assert_eq!(publish(&root, &[("index.html", "new"), ("read/1.html", "b")]).unwrap().written, 2);
        assert_eq!(said(&root, "read/1.html").as_deref(), Some("b"));
    }

    #[test]
    fn list_is_kept_only_if_all_its_pages_are_there_and_of_the_same() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        let pages = || (1..).map(|number| format!("week/{number}.html"));
        let publish = |key: Key, number: usize| {
            let folder = Folder::take(root).unwrap();
            let is_kept = folder.keep(pages(), key);
            if !is_kept {
                for path in pages().take(number) {
                    folder.put_made(Turn::Lists, &path, path.as_bytes(), Some(key)).unwrap();
                }
            }
            folder.commit().unwrap();
            is_kept
        };
        assert!(!publish(1, 3) && publish(1, 3));
        assert!(!publish(2, 2), "of something else");
        assert!(!root.join("week/3.html").exists());
        assert!(publish(2, 2));
        fs::remove_file(root.join("week/2.html")).unwrap();
        assert!(!publish(2, 2) && publish(2, 2), "a page was removed");
        let folder = Folder::take(root).unwrap();
        assert!(folder.keep(pages(), 2));
        folder.forget_keys(pages());
        folder.commit().unwrap();
        assert!(!publish(2, 2) && publish(2, 2), "what it was made of is not sure");
    }

    #[test]
    fn files_of_others_are_neither_replaced_nor_removed() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        fs::write(root.join("photo.jpg"), "mine").unwrap();
        assert!(matches!(publish(root, &[]), Err(PublishError::NotOurs { .. })));
        fs::remove_file(root.join("photo.jpg")).unwrap();
        fs::create_dir(root.join(".git")).unwrap();
        publish(root, &[("index.html", "a"), ("weeks.html", "b")]).unwrap();
        fs::write(root.join("CNAME"), "archive.example").unwrap();
        fs::write(root.join("weeks.html"), "changed by hand").unwrap();
        let second = publish(root, &[("index.html", "a2")]).unwrap();
        assert_eq!((second.removed, second.left), (0, 1));
        assert_eq!(said(root, "CNAME").as_deref(), Some("archive.example"));
        assert_eq!(said(root, "weeks.html").as_deref(), Some("changed by hand"));
        let refused = publish(root, &[("index.html", "a3"), ("CNAME", "b")]);
        assert!(matches!(refused, Err(PublishError::InTheWay { .. })), "{refused:?}");
        assert_eq!(said(root, "index.html").as_deref(), Some("a2"), "nothing was changed");
    }

    #[test]
    fn interrupted_publication_is_continued() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        publish(root, &[("index.html", "a"), ("gone.html", "b")]).unwrap();
        // Killed after one of two renames: the list has both sites.
        let folder = Folder::take(root).unwrap();
        let mut both = folder.old.clone();
        both.insert("read/1.html".to_owned(), Entry::of(b"new"));
        folder.write_list(&both, false).unwrap();
        drop(folder);
        fs::create_dir(root.join("read")).unwrap();
        fs::write(root.join("read/1.html"), "new").unwrap();
        let went_on = publish(root, &[("index.html", "a2"), ("read/1.html", "new")]).unwrap();
        assert_eq!((went_on.written, went_on.removed), (1, 1));
        assert_eq!(said(root, "index.html").as_deref(), Some("a2"));
        assert!(!root.join("gone.html").exists());
    }

    #[test]
    fn stale_file_of_an_interrupted_publication_is_not_trusted() {
        let temporary = tempfile::tempdir().unwrap();
        let root = temporary.path();
        // Killed before the first rename: the list has the new hashes, the files are the old ones,
        // of equal size and older than the list.
        let interrupt = |files: &[(&str, &str)]| {
            let folder = Folder::take(root).unwrap();
            for (path, contents) in files {
                folder.put(Turn::Reads, path, contents.as_bytes()).unwrap();
            }
            let new = lock_of(&folder.new).clone();
            folder.write_list(&folder.both(&new), false).unwrap();
        };
        publish(root, &[("feed.atom", "aa"), ("read/1.html", "aa")]).unwrap();
        interrupt(&[("feed.atom", "bb"), ("read/1.html", "bb")]);
        interrupt(&[("feed.atom", "cc"), ("read/1.html", "cc")]);
        let went_on = publish(root, &[("feed.atom", "cc")]).unwrap();
        assert_eq!((went_on.written, went_on.removed, went_on.left), (1, 1, 0));
        assert_eq!(said(root, "feed.atom").as_deref(), Some("cc"));
        assert!(!root.join("read").exists(), "it still had what was written first");
        assert_eq!(publish(root, &[("feed.atom", "cc")]).unwrap().written, 0);
    }

    #[cfg(unix)]
    #[test]
    fn symbolic_links_are_not_followed() {
        let temporary = tempfile::tempdir().unwrap();
        let (root, elsewhere) = (temporary.path().join("site"), temporary.path().join("elsewhere"));
        fs::create_dir(&elsewhere).unwrap();
        publish(&root, &[("index.html", "a"), ("read/1.html", "b")]).unwrap();
        fs::rename(root.join("read/1.html"), elsewhere.join("1.html")).unwrap();
        fs::remove_dir(root.join("read")).unwrap();
        std::os::unix::fs::symlink(&elsewhere, root.join("read")).unwrap();
        let refused = publish(&root, &[("index.html", "a"), ("read/1.html", "c")]);
        assert!(matches!(refused, Err(PublishError::InTheWay { .. })), "{refused:?}");
        assert_eq!(publish(&root, &[("index.html", "a")]).unwrap().left, 1);
        assert_eq!(said(&elsewhere, "1.html").as_deref(), Some("b"));
    }

    #[test]
    fn list_that_names_files_elsewhere_is_refused() {
        let temporary = tempfile::tempdir().unwrap();
        let (root, victim) = (temporary.path().join("site"), temporary.path().join("victim"));
        fs::create_dir(&root).unwrap();
        fs::write(&victim, "b").unwrap();
        for path in ["../victim", "/etc/passwd", "a/../../victim", ""] {
            let files = BTreeMap::from([(path.to_owned(), Entry::of(b"b"))]);
            fs::write(
                root.join(MANIFEST),
                serde_json::to_vec(&Manifest { format: FORMAT, finished: true, files }).unwrap(),
            )
            .unwrap();
            assert!(matches!(publish(&root, &[]), Err(PublishError::Manifest { .. })), "{path}");
        }
        assert!(victim.exists());
    }

    #[test]
    fn two_publications_into_one_folder_are_kept_apart() {
        let temporary = tempfile::tempdir().unwrap();
        let _first = Folder::take(temporary.path()).unwrap();
        assert!(matches!(Folder::take(temporary.path()), Err(PublishError::Busy { .. })));
    }
}
