//! Digests that a person edited: table `issue`.

use backissue_model::{Issue, ReadId, Week};
use jiff::Timestamp;

use crate::archive::touch;
use crate::database::{Row, Tried, sql};
use crate::error::Failure;
use crate::rows::to_json;
use crate::times::millis;
use crate::{ReadFilter, Store, StoreError};

/// A week's issue as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredIssue {
    /// The decisions.
    pub issue: Issue,
    /// A number that grows with every change and never repeats.
    pub version: u64,
    /// When it was changed last.
    pub changed_at: Timestamp,
    /// When it was published. `None` for a draft.
    pub published_at: Option<Timestamp>,
}

/// A change of a week's issue.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum IssueChange<'i> {
    /// Stores decisions.
    Save(&'i Issue),
    /// Publishes it.
    Publish,
    /// Makes it a draft again.
    Withdraw,
    /// Removes it.
    Remove,
}

/// The result of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueChanged {
    /// The change is stored as this version.
    Stored(u64),
    /// The issue was changed since it was seen; nothing was stored.
    Outdated,
}

impl Store {
    /// The published issue of the filter's week. Returns `None` if there is none, and for a part of
    /// a week.
    pub async fn published_issue(&self, filter: &ReadFilter) -> Result<Option<Issue>, StoreError> {
        let whole = ReadFilter { week: filter.week, ..ReadFilter::default() };
        let Some(week) = filter.week.filter(|_| *filter == whole) else { return Ok(None) };
        let stored = self.issue(week).await?;
        Ok(stored.filter(|stored| stored.published_at.is_some()).map(|stored| stored.issue))
    }

    /// The issue of a week. A merged read has the number of the read that replaced it.
    pub async fn issue(&self, week: Week) -> Result<Option<StoredIssue>, StoreError> {
        self.run("looking up a week's issue", async {
            let query = sql("SELECT body, version, changed_at, published_at FROM issue WHERE week = $1");
            let Some(row) = self.database.row(query.bind(week.to_string())).await? else { return Ok(None) };
            let mut stored = issue_of_row(&row)?;
            let issue = &mut stored.issue;
            let reads = issue.first.iter_mut().map(|chosen| &mut chosen.read).chain(&mut issue.dropped);
            let reads: Vec<&mut ReadId> = reads.collect();
            let merged = self.merged(&reads.iter().map(|read| **read).collect::<Vec<_>>()).await?;
            for read in reads {
                *read = merged.get(read).copied().unwrap_or(*read);
            }
            stored.issue = stored.issue.tidy();
            Ok(Some(stored))
        })
        .await
    }

    /// Changes the issue of a week if `seen` is its version; 0 means that there is none. Returns
    /// the new version.
    pub async fn change_issue(
        &self,
        week: Week,
        change: IssueChange<'_>,
        seen: u64,
        now: Timestamp,
    ) -> Result<IssueChanged, StoreError> {
        self.retry("changing a week's issue", || async {
            let mut tx = self.database.begin().await?;
            // First, as in every transaction: this locks the archive.
            touch(&mut tx).await?;
            let row = tx.row(sql("SELECT version FROM issue WHERE week = $1").bind(week.to_string())).await?;
            let version = row.as_ref().map_or(Ok(0), |row| row.count("version"))?;
            if version != seen {
                tx.abandon().await?;
                return Ok(IssueChanged::Outdated);
            }
            // The clock is in it, so that an issue which is made after another was removed has a
            // new version.
            let next = i64::try_from(seen.saturating_add(1))
                .map_err(|_| Failure::Unreadable("an issue's version".into()))?
                .max(millis(now));
            let query = match change {
                IssueChange::Save(issue) => {
                    sql("INSERT INTO issue (week, changed_at, body, version) VALUES ($1, $2, $3, $4)
                     ON CONFLICT (week) DO UPDATE SET
                        body = excluded.body, version = excluded.version, changed_at = excluded.changed_at")
                    .bind(week.to_string())
                    .bind(millis(now))
                    .bind(to_json(issue)?)
                    .bind(next)
                }
                IssueChange::Publish | IssueChange::Withdraw => {
                    let published = (change == IssueChange::Publish).then(|| millis(now));
                    sql("UPDATE issue SET published_at = $3, version = $4, changed_at = $2 WHERE week = $1")
                        .bind(week.to_string())
                        .bind(millis(now))
                        .bind(published)
                        .bind(next)
                }
                IssueChange::Remove => sql("DELETE FROM issue WHERE week = $1").bind(week.to_string()),
            };
            tx.run(query).await?;
            tx.commit().await?;
            Ok(IssueChanged::Stored(u64::try_from(next).unwrap_or_default()))
        })
        .await
    }
}

fn issue_of_row(row: &Row) -> Tried<StoredIssue> {
    Ok(StoredIssue {
        issue: row.json("body")?,
        version: row.count("version")?,
        changed_at: row.moment("changed_at")?,
        published_at: row.opt_moment("published_at")?,
    })
}
