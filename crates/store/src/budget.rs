//! How much the archive holds, and how much each source has put into it (`source.taken_bytes`).

use backissue_model::Slug;

use crate::database::{Database, Tried, sql, sql_of};
use crate::sources::TITLE;
use crate::{Store, StoreError};

/// A source that has reached the limit of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverLimit {
    /// Its name in addresses.
    pub slug: Slug,
    /// Its title.
    pub title: String,
    /// The bytes of its entries and articles.
    pub bytes: u64,
}

impl Store {
    /// The size of the database in bytes, without free pages in its file.
    pub async fn bytes(&self) -> Result<u64, StoreError> {
        self.run("measuring it", self.try_bytes()).await
    }

    pub(crate) async fn try_bytes(&self) -> Tried<u64> {
        let query = match self.database {
            Database::Sqlite { .. } => sql("SELECT (c.page_count - f.freelist_count) * s.page_size AS bytes
                 FROM pragma_page_count() AS c, pragma_freelist_count() AS f, pragma_page_size() AS s"),
            Database::Postgres(_) => sql("SELECT pg_database_size(current_database()) AS bytes"),
        };
        self.database.row(query).await?.map_or(Ok(0), |row| row.count("bytes"))
    }

    /// The sources that have reached the limit, those with most bytes first.
    pub async fn over_limit(&self) -> Result<Vec<OverLimit>, StoreError> {
        let query = format!(
            "SELECT s.slug, {TITLE} AS title, s.taken_bytes FROM source s
             WHERE s.taken_bytes >= $1 AND s.unfollowed_at IS NULL ORDER BY s.taken_bytes DESC, s.id"
        );
        let query = sql_of(query).bind(self.source_limit);
        self.list("looking how much sources have put into it", query, |row| {
            Ok(OverLimit {
                slug: Slug::of(&row.text("slug")?),
                title: row.text("title")?,
                bytes: row.count("taken_bytes")?,
            })
        })
        .await
    }

    /// A condition that a source has not reached the limit. Empty if there is no limit.
    pub(crate) fn within_limit(&self, column: &str) -> String {
        match self.source_limit {
            i64::MAX => String::new(),
            limit => format!("AND {column} NOT IN (SELECT id FROM source WHERE taken_bytes >= {limit})"),
        }
    }
}

/// A number of bytes in the form in which the tables store it.
pub(crate) fn size(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
