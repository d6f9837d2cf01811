//! The folder of cached images: one file per image, with a limit on the total size. The least
//! recently shown images are removed first.
//!
//! A file has the address of its image, a line break, and the image. Its name is a hash of the
//! address. An attacker could construct two addresses with the same hash, so the address in the
//! file is compared. The file's modification time is the time when it was last shown, so that no
//! other data are needed. All functions block; callers run them on blocking threads.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use url::Url;
use xxhash_rust::xxh3::xxh3_128;

/// A file's modification time is updated if it is older than this.
const TOUCH_EVERY: Duration = Duration::from_secs(3600);

/// The prefix of the name while a file is being written.
const UNFINISHED: &str = "unfinished-";

/// The folder.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    /// Maximum bytes of all files together.
    limit: u64,
    /// Its contents, listed on first use.
    known: Mutex<Option<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    files: HashMap<String, Kept>,
    bytes: u64,
    written: u64,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    bytes: u64,
    shown: SystemTime,
}

impl Files {
    /// A cache in a folder, which need not exist yet.
    pub(crate) fn in_folder(folder: &Path, limit: u64) -> Self {
        Self { folder: folder.to_owned(), limit, known: Mutex::default() }
    }

    /// The cached image of `url`. It counts as shown at `now`.
    ///
    /// # Errors
    /// If the folder or the file cannot be read.
    pub(crate) fn get(&self, url: &Url, now: SystemTime) -> io::Result<Option<Vec<u8>>> {
        let name = name_of(url);
        self.with_known(|known, folder| {
            let Some(kept) = known.files.get_mut(&name) else { return Ok(None) };
            let path = folder.join(&name);
            let mut bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(gone) if gone.kind() == io::ErrorKind::NotFound => {
                    known.forget(&name);
                    return Ok(None);
                }
                Err(error) => return Err(error),
            };
            let head = head_of(url);
            if !bytes.starts_with(head.as_bytes()) {
                return Ok(None);
            }
            if now.duration_since(kept.shown).is_ok_and(|age| age > TOUCH_EVERY) {
                File::options().write(true).open(&path)?.set_modified(now)?;
            }
            kept.shown = kept.shown.max(now);
            bytes.drain(..head.len());
            Ok(Some(bytes))
        })
    }

    /// Caches the image of `url`, shown `now`, and removes others if necessary. An image above the
    /// limit is not cached.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub(crate) fn put(&self, url: &Url, image: &[u8], now: SystemTime) -> io::Result<()> {
        let file = [head_of(url).as_bytes(), image].concat();
        let bytes = file.len() as u64;
        if bytes > self.limit {
            return Ok(());
        }
        let name = name_of(url);
        self.with_known(|known, folder| {
            fs::create_dir_all(folder)?;
            known.written += 1;
            let unfinished = folder.join(format!("{UNFINISHED}{}-{}", std::process::id(), known.written));
            let whole = fs::write(&unfinished, &file)
                .and_then(|()| File::options().write(true).open(&unfinished)?.set_modified(now))
                .and_then(|()| fs::rename(&unfinished, folder.join(&name)));
            if let Err(error) = whole {
                // The unfinished file is useless, even if it cannot be removed.
                let _ = fs::remove_file(&unfinished);
                return Err(error);
            }
            known.forget(&name);
            known.files.insert(name.clone(), Kept { bytes, shown: now });
            known.bytes += bytes;
            known.make_room(folder, self.limit, &name)
        })
    }

    fn with_known<T>(&self, work: impl FnOnce(&mut Known, &Path) -> io::Result<T>) -> io::Result<T> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            *known = Some(Known::of(&self.folder, self.limit)?);
        }
        work(known.get_or_insert_default(), &self.folder)
    }
}

impl Known {
    /// Lists the folder. Removes unfinished files of earlier processes, and images beyond the
    /// limit.
    fn of(folder: &Path, limit: u64) -> io::Result<Self> {
        let mut known = Self::default();
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(none) if none.kind() == io::ErrorKind::NotFound => return Ok(known),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(UNFINISHED) {
                fs::remove_file(entry.path())?;
            } else if is_name(&name) {
                let told = entry.metadata()?;
                known.bytes += told.len();
                known.files.insert(name, Kept { bytes: told.len(), shown: told.modified()? });
            }
        }
        known.make_room(folder, limit, "")?;
        Ok(known)
    }

    fn forget(&mut self, name: &str) {
        if let Some(kept) = self.files.remove(name) {
            self.bytes -= kept.bytes;
        }
    }

    /// Removes the least recently shown images until the rest is within the limit. Keeps `newest`.
    fn make_room(&mut self, folder: &Path, limit: u64, newest: &str) -> io::Result<()> {
        if self.bytes <= limit {
            return Ok(());
        }
        let others = self.files.iter().filter(|(name, _)| *name != newest);
        let mut oldest: Vec<(SystemTime, String)> =
            others.map(|(name, kept)| (kept.shown, name.clone())).collect();
        oldest.sort_unstable();
        for (_, name) in oldest {
            if self.bytes <= limit {
                break;
            }
            match fs::remove_file(folder.join(&name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => self.forget(&name),
            }
        }
        Ok(())
    }
}

fn name_of(url: &Url) -> String {
    format!("{:032x}", xxh3_128(url.as_str().as_bytes()))
}

/// Whether a file may be an image of this cache. Other files are never changed.
fn is_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

fn head_of(url: &Url) -> String {
    format!("{url}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(path: &str) -> Url {
        format!("https://cdn.example/{path}").parse().unwrap()
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds)
    }

    #[test]
    fn cached_image_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("images");
        let files = Files::in_folder(&folder, 1000);
        assert_eq!(files.get(&url("a"), at(0)).unwrap(), None);
        files.put(&url("a"), b"one", at(0)).unwrap();
        files.put(&url("a"), b"another", at(1)).unwrap();
        assert_eq!(files.get(&url("a"), at(2)).unwrap().as_deref(), Some(&b"another"[..]));
        assert_eq!(files.get(&url("b"), at(2)).unwrap(), None);
        let again = Files::in_folder(&folder, 1000);
        assert_eq!(again.get(&url("a"), at(3)).unwrap().as_deref(), Some(&b"another"[..]));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn least_recently_shown_image_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let image = [7; 100];
        let each = (head_of(&url("a")).len() + image.len()) as u64;
        let files = Files::in_folder(folder.path(), 3 * each);
        for (nth, path) in ["a", "b", "c"].into_iter().enumerate() {
            files.put(&url(path), &image, at(nth as u64)).unwrap();
        }
        files.get(&url("a"), at(10)).unwrap().unwrap();
        files.put(&url("d"), &image, at(11)).unwrap();
        let kept = |files: &Files| {
            let is_kept = |path: &&str| files.get(&url(path), at(12)).unwrap().is_some();
            ["a", "b", "c", "d"].into_iter().filter(is_kept).collect::<String>()
        };
        assert_eq!(kept(&files), "acd");
        files.put(&url("e"), &[7; 1000], at(13)).unwrap();
        assert_eq!(kept(&files), "acd", "what would leave no room for anything is not kept");
        let smaller = Files::in_folder(folder.path(), each);
        assert_eq!(kept(&smaller).len(), 1, "a smaller limit holds from the next start");
    }

    #[test]
    fn last_use_is_stored_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::in_folder(folder.path(), 1000);
        files.put(&url("a"), b"a", at(0)).unwrap();
        files.put(&url("b"), b"b", at(1)).unwrap();
        files.get(&url("a"), at(9999)).unwrap().unwrap();
        let each = (head_of(&url("a")).len() + 1) as u64;
        let again = Files::in_folder(folder.path(), each);
        assert!(again.get(&url("a"), at(9999)).unwrap().is_some());
        assert!(again.get(&url("b"), at(9999)).unwrap().is_none());
    }

    #[test]
    fn unfinished_files_are_removed_and_foreign_ones_stay() {
        let folder = tempfile::tempdir().unwrap();
        let unfinished = folder.path().join(format!("{UNFINISHED}1-1"));
        fs::write(&unfinished, b"half").unwrap();
        fs::write(folder.path().join("notes.txt"), [0; 5000]).unwrap();
        let files = Files::in_folder(folder.path(), 100);
        files.put(&url("a"), b"a", at(0)).unwrap();
        assert!(!unfinished.exists());
        assert!(folder.path().join("notes.txt").exists());
        assert!(files.get(&url("a"), at(1)).unwrap().is_some());
    }

    #[test]
    fn file_of_another_address_is_not_returned() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::in_folder(folder.path(), 1000);
        fs::write(folder.path().join(name_of(&url("a"))), b"https://evil.example/\nbytes").unwrap();
        assert_eq!(files.get(&url("a"), at(0)).unwrap(), None);
        files.put(&url("a"), b"own", at(0)).unwrap();
        fs::remove_file(folder.path().join(name_of(&url("a")))).unwrap();
        assert_eq!(files.get(&url("a"), at(0)).unwrap(), None, "somebody emptied the folder");
    }
}
