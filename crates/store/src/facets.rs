//! The values by which lists can be filtered: sources, concepts, kinds and forms of the problem,
//! with counts. They come from table `tally`; for two filters at once, from the rows.

use backissue_model::bounds::MAX_TITLE;
use backissue_model::{ConceptSlug, Form, Kind, Slug};

use crate::cards::{Facets, ReadFilter};
use crate::database::{Row, Sql, Tried, placeholders, sql, sql_of, sql_once};
use crate::error::Failure;
use crate::keys::{ALL, week_list};
use crate::pages::lists_of;
use crate::sources::TITLE;
use crate::{Store, StoreError};

/// The most values of a facet that a list tells; a page has no use for more.
const MOST: usize = 60;

impl Store {
    /// The most frequent sources, concepts, kinds and forms of the problem of a list's reads, at
    /// most 60 each, with counts. Ignores the filter's kind and form, so that another one can be
    /// chosen. Costs a few index look-ups. For a source and a concept at once, or one of them
    /// within a week, the cost grows with the number of reads that the filter lets through.
    pub async fn facets(&self, filter: &ReadFilter) -> Result<Facets, StoreError> {
        self.run("counting what a list has", async {
            let lists = lists_of(filter);
            let query = match (filter.week, lists.as_slice()) {
                (None, []) => tallied(ALL),
                (Some(week), []) => tallied(&week_list(week)),
                (None, [list]) => tallied(list),
                _ => counted(filter, &lists),
            };
            let rows = self.database.rows(query).await?;
            let counts: Vec<(String, u64)> =
                rows.iter().map(|row| Ok((row.text("facet")?, row.count("reads")?))).collect::<Tried<_>>()?;
            let mut facets = Facets {
                sources: Vec::new(),
                concepts: of_family(&counts, "concept/")?,
                kinds: of_family::<Kind>(&counts, "kind/")?,
                forms: of_family::<Form>(&counts, "form/")?,
            };
            let sources: Vec<(i64, u64)> = of_family(&counts, "source/")?;
            let most = sources.len().min(MOST);
            facets.sources = self.named(&sources[..most]).await?;
            facets.concepts.truncate(MOST);
            Ok(facets)
        })
        .await
    }

    /// Replaces the ids of sources by their names, in the same order.
    async fn named(&self, counts: &[(i64, u64)]) -> Tried<Vec<(Slug, String, u64)>> {
        if counts.is_empty() {
            return Ok(Vec::new());
        }
        let query = format!(
            "SELECT s.id, s.slug, {TITLE} AS title FROM source s WHERE s.id IN ({})",
            placeholders(1, counts.len())
        );
        let rows = self.database.rows(sql_once(query).bind_all(counts.iter().map(|(id, _)| *id))).await?;
        let mut named = Vec::with_capacity(rows.len());
        for row in &rows {
            let id = row.int("id")?;
            let place = counts.iter().position(|(other, _)| *other == id).unwrap_or(usize::MAX);
            named.push((place, row));
        }
        named.sort_by_key(|(place, _)| *place);
        let source = |(place, row): (usize, &Row)| {
            let count = counts.get(place).map_or(0, |(_, count)| *count);
            Ok((Slug::of(&row.text("slug")?), row.short("title", MAX_TITLE)?, count))
        };
        named.into_iter().map(source).collect()
    }

    /// All concepts with their number of reads, most frequent first.
    pub async fn concepts(&self) -> Result<Vec<(ConceptSlug, u64)>, StoreError> {
        let query = sql("SELECT facet, reads FROM tally
             WHERE list = 'all' AND facet > 'concept/' AND facet < 'concept0' AND reads > 0");
        self.run("listing concepts", async {
            let rows = self.database.rows(query).await?;
            let counts: Vec<(String, u64)> =
                rows.iter().map(|row| Ok((row.text("facet")?, row.count("reads")?))).collect::<Tried<_>>()?;
            of_family(&counts, "concept/")
        })
        .await
    }
}

/// The most frequent facets of each family.
fn tallied(list: &str) -> Sql {
    let family = |name: &str| {
        format!(
            "SELECT facet, reads FROM (
                SELECT facet, reads FROM tally
                WHERE list = $1 AND facet > '{name}/' AND facet < '{name}0' AND reads > 0
                ORDER BY reads DESC, facet LIMIT {MOST}) AS {name}s"
        )
    };
    sql_of(["source", "concept", "kind", "form"].map(family).join(" UNION ALL ")).bind(list)
}

/// Counts over reads: those of a week, or those on two lists.
fn counted(filter: &ReadFilter, lists: &[String]) -> Sql {
    let mut values: Vec<String> = Vec::new();
    let mut conditions = String::new();
    if let Some(week) = filter.week {
        values.push(week.to_string());
        conditions.push_str(" AND r.week = $1");
    }
    for list in lists {
        values.push(list.clone());
        conditions.push_str(&format!(
            " AND r.id IN (SELECT o.read_id FROM listing o WHERE o.list = ${})",
            values.len()
        ));
    }
    // SQLite would walk all reads with a problem if the last part asked for `has_problem`.
    let text = format!(
        "SELECT l.list AS facet, count(*) AS reads FROM read r JOIN listing l ON l.read_id = r.id
         WHERE r.stage = 'annotated' {conditions} GROUP BY l.list
         UNION ALL
         SELECT 'kind/' || r.kind, count(*) FROM read r WHERE r.stage = 'annotated' {conditions} GROUP BY r.kind
         UNION ALL
         SELECT 'form/' || r.problem_form, count(*) FROM read r
         WHERE r.stage = 'annotated' AND r.problem IS NOT NULL {conditions} GROUP BY r.problem_form"
    );
    sql_of(text).bind_all(values)
}

/// The facets of one family, most frequent first, ties by name.
fn of_family<T: std::str::FromStr>(counts: &[(String, u64)], family: &str) -> Tried<Vec<(T, u64)>> {
    let mut found: Vec<(&str, u64)> =
        counts.iter().filter_map(|(facet, n)| Some((facet.strip_prefix(family)?, *n))).collect();
    found.sort_unstable_by_key(|(name, count)| (std::cmp::Reverse(*count), *name));
    let parse = |(name, count): (&str, u64)| {
        let parsed =
            name.parse().map_err(|_| Failure::Unreadable(format!("a counter is for `{family}{name}`")))?;
        Ok((parsed, count))
    };
    found.into_iter().map(parse).collect()
}
