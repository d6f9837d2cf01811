//! Facts that pages of reads show beyond the summaries, for all reads at once. A program that
//! stores finished pages uses them to find out which pages changed.

use std::collections::HashMap;

use backissue_model::{Fingerprint, ReadId};
use jiff::Timestamp;

use crate::asking::{Refused, refused_of_row};
use crate::cards::Place;
use crate::database::{sql, sql_of};
use crate::pages::place_of_row;
use crate::sources::TITLE;
use crate::{Store, StoreError};

/// What a read's page shows beyond its summary. The article and the corrections are not included,
/// because `changed` changes with them.
#[derive(Clone, Debug, PartialEq)]
pub struct PageFacts {
    /// The number of the archive's change that changed the read last.
    pub changed: u64,
    /// The fingerprint of its article. `None` if the text is too short.
    pub fingerprint: Option<Fingerprint>,
    /// When its page was fetched.
    pub fetched_at: Timestamp,
    /// The sources that name it, with the dates of change that they gave, in order of their first
    /// naming.
    pub places: Vec<(Place, Option<Timestamp>)>,
    /// Fields that a language model wrote for it and the checks refused.
    pub refused: Vec<Refused>,
}

impl Store {
    /// The facts of all annotated reads.
    pub async fn page_facts(&self) -> Result<HashMap<ReadId, PageFacts>, StoreError> {
        self.run("looking up what pages of reads show", async {
            let mut all = HashMap::new();
            let reads =
                sql("SELECT r.id, r.changed, r.fingerprint, a.fetched_at FROM read r JOIN article a ON a.read_id = r.id
                 WHERE r.stage = 'annotated'");
            for row in self.database.rows(reads).await? {
                let facts = PageFacts {
                    changed: row.count("changed")?,
                    fingerprint: row.opt_parsed("fingerprint")?,
                    fetched_at: row.moment("fetched_at")?,
                    places: Vec::new(),
                    refused: Vec::new(),
                };
                all.insert(ReadId(row.int("id")?), facts);
            }
            let places = format!(
                "SELECT p.read_id, p.url, p.updated, s.slug AS source_slug, {TITLE} AS source_title
                 FROM place p JOIN source s ON s.id = p.source_id
                 ORDER BY p.read_id, p.seen_at, p.source_id"
            );
            for row in self.database.rows(sql_of(places)).await? {
                if let Some(facts) = all.get_mut(&ReadId(row.int("read_id")?)) {
                    facts.places.push((place_of_row(&row)?, row.opt_moment("updated")?));
                }
            }
            let refused = sql("SELECT read_id, field, said, reason FROM refused ORDER BY read_id, nth");
            for row in self.database.rows(refused).await? {
                if let Some(facts) = all.get_mut(&ReadId(row.int("read_id")?)) {
                    facts.refused.push(refused_of_row(&row)?);
                }
            }
            Ok(all)
        })
        .await
    }
}
