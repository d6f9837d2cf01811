//! The index on disk: durability, crashes, and visibility of commits.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::made::{index_of, read};
use backissue_model::ReadId;
use backissue_search::{Index, Query, SearchError, Searcher, Typing, Weights};

/// The reads that a query finds, best first.
fn found(searcher: &Searcher, query: &str) -> Vec<i64> {
    let found = searcher.words(&Query::parse(query), &Weights::default(), Typing::Done, 100).unwrap();
    found.hits.iter().map(|hit| hit.id.0).collect()
}

fn generations(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

fn vectors(searcher: &Searcher) -> BTreeMap<i64, Vec<Vec<u8>>> {
    let mut all = BTreeMap::new();
    for segment in searcher.segments() {
        let ids = segment.ids().unwrap();
        segment
            .each_vector(|row, vector| {
                if segment.is_alive(row) {
                    all.entry(ids[row as usize].0).or_insert_with(Vec::new).push(vector.to_owned());
                }
            })
            .unwrap();
    }
    all
}

#[test]
fn only_committed_changes_survive() {
    let (folder, index) = index_of(&[read(1, "Queues", "Queues."), read(2, "Caches", "Caches.")]);
    let mut writer = index.writer().unwrap().unwrap();
    writer.put(&read(3, "Locks", "Locks.")).unwrap();
    writer.remove(ReadId(1));
    drop(writer);
    drop(index);

    let index = Index::open(folder.path()).unwrap();
    assert_eq!(index.position(), 2);
    assert_eq!(index.len(), 2);
    assert_eq!(found(&index.searcher(), "queues locks"), [1]);

    let mut writer = index.writer().unwrap().unwrap();
    writer.put(&read(3, "Locks", "Locks.")).unwrap();
    writer.remove(ReadId(1));
    writer.commit(4).unwrap();
    assert_eq!(index.position(), 4);
    assert_eq!(found(&index.searcher(), "queues locks"), [3]);
}

#[test]
fn read_that_is_put_again_is_replaced() {
    let (_folder, index) = index_of(&[read(1, "Queues", "Queues."), read(1, "Caches", "Caches.")]);
    assert_eq!(index.len(), 1);
    assert_eq!(found(&index.searcher(), "caches"), [1]);
    assert_eq!(found(&index.searcher(), "queues"), Vec::<i64>::new());
}

#[test]
fn vectors_are_added_and_removed_with_reads() {
    let mut two = read(2, "Two", "Two.");
    two.vectors = vec![vec![-1, 2, 3], vec![4, -128, 127]];
    let mut none = read(3, "Three", "Three.");
    none.vectors = Vec::new();
    let mut same = read(4, "Four", "Four.");
    same.vectors = two.vectors.clone();
    let (_folder, index) = index_of(&[read(1, "One", "One."), two, none, same]);
    let pair = vec![vec![255, 2, 3], vec![4, 128, 127]];
    let expected = BTreeMap::from([(1, vec![vec![1; 8]]), (2, pair.clone()), (4, pair.clone())]);
    assert_eq!(vectors(&index.searcher()), expected);

    let before: Vec<_> = index.searcher().segments().map(|segment| segment.key()).collect();
    let mut writer = index.writer().unwrap().unwrap();
    writer.remove(ReadId(1));
    writer.commit(5).unwrap();
    assert_eq!(vectors(&index.searcher()).into_keys().collect::<Vec<_>>(), [2, 4]);
    let after: Vec<_> = index.searcher().segments().map(|segment| segment.key()).collect();
    assert_ne!(before, after, "who keeps something made of a segment learns that a read has gone");
}

#[test]
fn readers_see_commits_of_another_writer() {
    let (folder, writing) = index_of(&[read(1, "Queues", "Queues.")]);
    let reading = Index::open(folder.path()).unwrap();
    let mut writer = writing.writer().unwrap().unwrap();
    assert!(reading.writer().unwrap().is_none(), "only one may write");

    writer.put(&read(2, "Caches", "Caches.")).unwrap();
    assert!(!reading.refresh().unwrap());
    writer.commit(7).unwrap();
    let old = reading.searcher();
    assert!(reading.refresh().unwrap());
    assert!(!reading.refresh().unwrap());
    assert_eq!(reading.position(), 7);
    assert_eq!(found(&reading.searcher(), "caches"), [2]);
    assert!(found(&old, "caches").is_empty(), "a searcher does not change under the hand");

    drop(writer);
    assert!(reading.writer().unwrap().is_some(), "the right to write goes with the writer");
}

#[test]
fn rebuild_is_visible_only_when_finished() {
    let (folder, index) = index_of(&[read(1, "Queues", "Queues.")]);
    let other = Index::open(folder.path()).unwrap();
    let mut writer = other.writer().unwrap().unwrap();
    let mut rebuild = index.rebuild().unwrap().unwrap();
    assert!(other.rebuild().unwrap().is_none(), "one rebuild at a time");
    rebuild.put(&read(1, "Queues", "Queues.")).unwrap();
    rebuild.put(&read(2, "Queues again", "Queues.")).unwrap();
    rebuild.put(&read(3, "Queues once more", "Queues.")).unwrap();
    rebuild.remove(ReadId(3));

    // The old generation is still searched and written.
    assert_eq!(found(&index.searcher(), "queues"), [1]);
    writer.put(&read(4, "Queues of others", "Queues.")).unwrap();
    writer.commit(5).unwrap();
    assert!(writer.is_current().unwrap());
    let old = other.searcher();

    rebuild.finish(40).unwrap();
    assert_eq!((index.position(), index.len()), (40, 2));
    assert_eq!((other.position(), other.len()), (5, 2), "others go on in the old one until they look");
    assert!(!writer.is_current().unwrap());
    assert_eq!(generations(folder.path()).len(), 2, "what is held stays");

    assert!(other.refresh().unwrap());
    assert_eq!((other.position(), other.len()), (40, 2));
    assert_eq!(old.len(), 2);
    drop((writer, old));
    assert!(other.writer().unwrap().is_some());
    drop(Index::open(folder.path()).unwrap());
    assert_eq!(generations(folder.path()).len(), 1, "what nobody holds goes");
}

#[test]
fn unfinished_rebuild_is_removed() {
    let (folder, index) = index_of(&[read(1, "Queues", "Queues.")]);
    let mut rebuild = index.rebuild().unwrap().unwrap();
    rebuild.put(&read(2, "Caches", "Caches.")).unwrap();
    drop(rebuild);
    let again = Index::open(folder.path()).unwrap();
    assert_eq!((again.position(), again.len()), (1, 1));
    assert_eq!(generations(folder.path()).len(), 1);
}

#[test]
fn searches_continue_while_generations_change() {
    let (folder, index) = index_of(&[read(1, "Queues", "Queues.")]);
    let reader = Index::open(folder.path()).unwrap();
    std::thread::scope(|scope| {
        let changing = scope.spawn(|| {
            for round in 0..5 {
                let mut rebuild = index.rebuild().unwrap().unwrap();
                rebuild.put(&read(1, "Queues", "Queues.")).unwrap();
                rebuild.finish(100 + round).unwrap();
            }
        });
        while !changing.is_finished() {
            reader.refresh().unwrap();
            assert_eq!(found(&reader.searcher(), "queues"), [1]);
        }
    });
    reader.refresh().unwrap();
    assert_eq!(reader.position(), 104);
}

#[test]
fn damaged_index_is_replaced() {
    type Damage = fn(&Path, &Path);
    let damages: [(&str, Damage); 8] = [
        ("no CURRENT", |folder, _| fs::remove_file(folder.join("CURRENT")).unwrap()),
        ("an empty CURRENT", |folder, _| fs::write(folder.join("CURRENT"), "").unwrap()),
        ("an older format", |folder, _| {
            fs::write(folder.join("CURRENT"), "backissue-search 0 00000001\n").unwrap();
        }),
        ("a name that leads elsewhere", |folder, _| {
            fs::write(folder.join("CURRENT"), "backissue-search 1 ../elsewhere\n").unwrap();
        }),
        ("no generation", |_, generation| fs::remove_dir_all(generation).unwrap()),
        ("a list of segments that is none", |_, generation| {
            fs::write(generation.join("meta.json"), [0xff, 0x00, b'{']).unwrap();
        }),
        ("files without their ends", |_, generation| {
            for entry in fs::read_dir(generation).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|end| end == "idx" || end == "fast") {
                    let bytes = fs::read(&path).unwrap();
                    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
                }
            }
        }),
        ("files that are gone", |_, generation| {
            for entry in fs::read_dir(generation).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|end| end == "term") {
                    fs::remove_file(path).unwrap();
                }
            }
        }),
    ];
    for (what, damage) in damages {
        let (folder, index) = index_of(&[read(1, "Queues", "Queues.")]);
        drop(index);
        damage(folder.path(), &generations(folder.path())[0]);
        let index = Index::open(folder.path()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!((index.position(), index.len()), (0, 0), "{what}");
        let mut writer = index.writer().unwrap().unwrap();
        writer.put(&read(2, "Caches", "Caches.")).unwrap();
        writer.commit(1).unwrap();
        assert_eq!(found(&index.searcher(), "caches"), [2], "{what}");
        drop((writer, index));
        let again = Index::open(folder.path()).unwrap();
        assert_eq!((again.position(), again.len()), (1, 1), "{what}");
        assert_eq!(generations(folder.path()).len(), 1, "{what}: the damaged one is removed");
    }
}

#[test]
fn flipped_bit_is_found_by_the_integrity_check() {
    let (folder, index) = index_of(&[read(1, "Queues", "Queues.")]);
    assert!(index.is_intact().unwrap());
    drop(index);
    let generation = generations(folder.path()).remove(0);
    let mut files = fs::read_dir(generation).unwrap().map(|entry| entry.unwrap().path());
    let idx = files.find(|path| path.extension().is_some_and(|end| end == "idx")).unwrap();
    let mut bytes = fs::read(&idx).unwrap();
    bytes[0] ^= 1;
    fs::write(&idx, bytes).unwrap();
    assert!(!Index::open(folder.path()).unwrap().is_intact().unwrap());
}

#[test]
fn index_deleted_while_open_is_replaced() {
    let (folder, index) = index_of(&[read(1, "Queues", "Queues.")]);
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
    }
    assert!(index.refresh().unwrap());
    assert_eq!((index.position(), index.len()), (0, 0));
    assert!(index.writer().unwrap().is_some());
}

#[test]
fn concurrent_opens_create_one_index() {
    let folder = tempfile::tempdir().unwrap();
    let opened: Vec<Index> = std::thread::scope(|scope| {
        let openers: Vec<_> = (0..4).map(|_| scope.spawn(|| Index::open(folder.path()).unwrap())).collect();
        openers.into_iter().map(|opener| opener.join().unwrap()).collect()
    });
    assert_eq!(generations(folder.path()).len(), 1);
    let mut writer = opened[0].writer().unwrap().unwrap();
    writer.put(&read(1, "Queues", "Queues.")).unwrap();
    writer.commit(1).unwrap();
    for index in &opened {
        index.refresh().unwrap();
        assert_eq!(index.len(), 1);
    }
}

#[test]
fn impossible_folder_is_reported_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    let error = Index::open(&file.join("search")).unwrap_err();
    assert!(matches!(error, SearchError::System { .. }), "{error:?}");
    assert!(error.to_string().contains("file/search"), "{error}");
}
