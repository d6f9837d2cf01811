//! Documents for tests.

use backissue_model::{Fingerprint, Kind, ReadId, Slug, Week};
use backissue_search::{Document, Index};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A minimal read, which tests adjust.
pub fn read(id: i64, title: &str, text: &str) -> Document {
    let filed_at: Timestamp = "2024-05-17T12:00:00Z".parse().unwrap();
    Document {
        id: ReadId(id),
        title: title.to_owned(),
        company: "Acme".to_owned(),
        sources: vec![Slug::of("acme-blog")],
        kind: Kind::CaseStudy,
        week: Week::of(filed_at, &TimeZone::UTC),
        filed_at,
        problem: None,
        form: None,
        approach: None,
        outcome: None,
        description: None,
        concepts: Vec::new(),
        technologies: Vec::new(),
        text: text.to_owned(),
        fingerprint: Some(Fingerprint(u128::from(id.unsigned_abs()) << 64)),
        confidence: 0.0,
        vectors: vec![vec![(id % 100) as i8; 8]],
    }
}

/// An index of these reads, in a folder that lives as long as the first value.
pub fn index_of(reads: &[Document]) -> (tempfile::TempDir, Index) {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let mut writer = index.writer().unwrap().unwrap();
    for read in reads {
        writer.put(read).unwrap();
    }
    writer.commit(reads.len() as u64).unwrap();
    drop(writer);
    (folder, index)
}
