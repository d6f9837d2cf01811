//! The keys of pages: a hash of all data from which a page is made. A page with the same key as in
//! the last publication is not made again.
//!
//! A read is represented by its own key: the hash ([`key_of`]) of its summary and its
//! [`backissue_store::PageFacts`], which have the number of the archive's change that changed it
//! last. A list is represented by the keys of its reads in order. Pages whose data are not known
//! have no key: the front page, lists of lists, the feed of weeks.

use std::collections::HashMap;
use std::fmt::{Debug, Write};

use backissue_model::{Source, Week};
use backissue_store::WeekCount;
use backissue_web::{FEED_READS, STRIP, STRIP_AHEAD};
use xxhash_rust::xxh3::Xxh3Default;

/// A hash of the data from which a page is made.
pub type Key = u128;

/// The hash of a value's debug output. Texts are quoted in it, so different values have different
/// outputs.
pub fn key_of(value: &(impl Debug + ?Sized)) -> Key {
    struct Hashed(Xxh3Default);
    impl Write for Hashed {
        fn write_str(&mut self, text: &str) -> std::fmt::Result {
            self.0.update(text.as_bytes());
            Ok(())
        }
    }
    let mut hashed = Hashed(Xxh3Default::new());
    // Writing to a hash cannot fail.
    let _ = write!(hashed, "{value:?}");
    hashed.0.digest128()
}

/// Hashes over the reads of a list, newest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct OfList {
    reads: usize,
    /// The hash over all reads.
    all: Key,
    /// The hash over the reads that are in the list's feed.
    newest: Key,
}

/// The keys of lists, by the path of a list's first page.
#[derive(Debug, Default)]
pub struct Lists {
    reads: HashMap<String, OfList>,
    /// For each list the hash of what its page shows besides the reads.
    facts: HashMap<String, Key>,
}

impl Lists {
    /// Adds a read to a list. Reads must be added newest first.
    pub fn add(&mut self, path: String, read: Key) {
        let list = self.reads.entry(path).or_default();
        list.all = key_of(&(list.all, read));
        if list.reads < FEED_READS as usize {
            list.newest = list.all;
        }
        list.reads += 1;
    }

    /// Sets what a list's page shows besides the reads.
    pub fn say(&mut self, path: String, facts: &impl Debug) {
        self.facts.insert(path, key_of(facts));
    }

    /// Sets what the page of each week shows of the weeks around it. `weeks` are newest first.
    pub fn say_weeks(&mut self, weeks: &[WeekCount], this_week: Week) {
        for (at, count) in weeks.iter().enumerate() {
            // Itself, those of the strip, and the next older one.
            let around = &weeks[at.saturating_sub(STRIP_AHEAD)..weeks.len().min(at + STRIP + 1)];
            self.say(format!("/week/{}", count.week), &(around, count.week == this_week));
        }
    }

    /// Sets what the page of each source shows of the source. Values that change with every poll
    /// are not shown there.
    pub fn say_sources(&mut self, sources: &[Source]) {
        for source in sources {
            let Source { slug, title, company, site_url, feed_url, sitemap_url, listing_url, reads, .. } =
                source;
            let facts = (title, company, site_url, feed_url, sitemap_url, listing_url, reads);
            self.say(format!("/source/{slug}"), &facts);
        }
    }

    /// The key for a list's reads.
    pub fn reads(&self, path: &str) -> Key {
        self.reads.get(path).copied().unwrap_or_default().all
    }

    /// The key for a list's pages. Returns `None` if it is not known what they show.
    pub fn page(&self, path: &str) -> Option<Key> {
        let facts = self.facts.get(path)?;
        Some(key_of(&(facts, self.reads(path))))
    }

    /// The key for a list's feed. Returns `None` if it is not known what the list shows.
    pub fn feed(&self, path: &str) -> Option<Key> {
        let facts = self.facts.get(path)?;
        Some(key_of(&(facts, self.reads.get(path)?.newest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_tells_different_values_apart() {
        assert_eq!(key_of(&("a", 1)), key_of(&("a", 1)));
        assert_ne!(key_of(&("a", "b")), key_of(&("a\", \"b", "")));
        assert_ne!(key_of(&Some(0)), key_of(&None::<i32>));
    }

    #[test]
    fn feed_depends_on_its_newest_reads_and_pages_on_all() {
        let of = |keys: &[Key]| {
            let mut lists = Lists::default();
            lists.say("/company/acme".to_owned(), &"Acme");
            keys.iter().for_each(|key| lists.add("/company/acme".to_owned(), *key));
            (lists.page("/company/acme").unwrap(), lists.feed("/company/acme"))
        };
        let many: Vec<Key> = (0..60).collect();
        let mut older = many.clone();
        older[55] = 1_000;
        assert_eq!(of(&many).1, of(&older).1);
        assert_ne!(of(&many).0, of(&older).0);
        older[2] = 1_000;
        assert_ne!(of(&many).1, of(&older).1);
        assert_ne!(of(&[1, 2]).0, of(&[2, 1]).0);
        assert_eq!(of(&[]).1, None);
        assert_eq!(Lists::default().page("/weeks"), None);
    }
}
