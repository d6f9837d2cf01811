//! Finds new reads that answer saved searches.
//!
//! For each saved search, the archive stores the number of the last change up to which reads were
//! compared with it. This number and the result of comparing are stored together. So an interrupted
//! comparison starts there again, and of several processes only one stores its result.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use backissue_model::{ReadId, ReaderId};
use backissue_search::{Search, SearchFailure};
use backissue_store::{Compared, SavedSearch, Store};
use jiff::Timestamp;
use tracing::info;

use crate::outage::Outage;

/// Compares the reads that are new in the index with all saved searches, and stores the answers.
/// Returns the number of new answers. Cheap if the index has nothing new.
///
/// # Errors
/// If the archive or the index fails, or an embedding server does not answer. The next call
/// compares the same reads again.
pub async fn compare(store: &Store, search: &Search) -> Result<u64, SearchFailure> {
    // What changed after this is not in the index yet, or has another version then.
    let up_to = search.index().position();
    let behind = store.searches_behind(up_to).await?;
    let mut of_readers: BTreeMap<ReaderId, Vec<SavedSearch>> = BTreeMap::new();
    for saved in behind {
        of_readers.entry(saved.reader).or_default().push(saved);
    }
    let mut new = 0;
    for (reader, searches) in of_readers {
        let compared = compare_all(store, search, &searches, up_to).await?;
        new += store.store_compared(reader, &compared, up_to, Timestamp::now()).await?;
    }
    Ok(new)
}

async fn compare_all(
    store: &Store,
    search: &Search,
    searches: &[SavedSearch],
    up_to: u64,
) -> Result<Vec<Compared>, SearchFailure> {
    let after = searches.iter().map(|saved| saved.compared).min().unwrap_or(up_to);
    let since = searches.iter().map(|saved| saved.since).min().unwrap_or(Timestamp::MAX);
    let reads = store.new_reads(after, up_to, since).await?;
    let mut all = Vec::new();
    for saved in searches {
        let is_new = |read: &&backissue_store::NewRead| {
            read.changed > saved.compared && read.first_seen >= saved.since
        };
        let ids: Vec<ReadId> = reads.iter().filter(is_new).map(|read| read.id).collect();
        let answers = match ids.as_slice() {
            [] => Vec::new(),
            ids => search.answering(saved.question.as_str(), saved.reader, ids).await?,
        };
        let others = ids.into_iter().filter(|id| !answers.contains(id)).collect();
        all.push(Compared { search: saved.id, from: saved.compared, answers, others });
    }
    Ok(all)
}

/// Compares new reads with saved searches at an interval, until `stop` resolves. Logs a failure
/// once until the next success.
pub async fn keep_comparing(store: Store, search: Search, every: Duration, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    let mut outage = Outage::default();
    loop {
        let compared = compare(&store, &search).await;
        if let Some(new @ 1..) = outage.log(compared, "new reads were not compared with saved searches") {
            info!(new, "{new} new answers to saved searches");
        }
        tokio::select! {
            () = &mut stop => return,
            () = tokio::time::sleep(every) => {}
        }
    }
}
