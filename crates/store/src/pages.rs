//! Lists of reads and single reads, for pages.
//!
//! A list consists of two ranges of one index: the reads with a problem and those without, each
//! newest first. One after the other, they are the list with problems first. Merged, they are the
//! list with the newest first. A page loads the rows that it shows, and one more row of each range.
//! If the index does not cover the whole filter (source and concept, a form and anything, or
//! anything within a week), it also loads the skipped rows in between.

use std::borrow::Cow;
use std::collections::HashMap;

use backissue_model::bounds::{MAX_NAME, MAX_TITLE, cut};
use backissue_model::{ConceptSlug, Precis, ReadId, Slug, SourceId};

use crate::cards::{Cursor, Order, Page, Place, ReadCard, ReadFilter, ReadPage, ReadSummary};
use crate::counters::tally_of;
use crate::database::{Row, Sql, Tried, Value, placeholders, sql_listing, sql_of};
use crate::keys::{ALL, concept_list, source_list};
use crate::rows::{ARTICLE, article_of};
use crate::sources::{TITLE, company_of};
use crate::times::millis;
use crate::{Store, StoreError};

/// Maximum reads of a page.
const PAGE_MAX: u32 = 1000;

impl Store {
    /// A page of the annotated reads that match the filter: at most `limit` (at most 1,000) after
    /// the cursor.
    pub async fn reads(
        &self,
        filter: &ReadFilter,
        order: Order,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<ReadCard>, StoreError> {
        let limit = limit.clamp(1, PAGE_MAX);
        self.run("listing reads", self.try_reads(filter, order, after, limit)).await
    }

    /// The annotated reads that the filter lets through, each with its précis: at most `limit` (at
    /// most 1,000).
    pub async fn summaries(
        &self,
        filter: &ReadFilter,
        order: Order,
        limit: u32,
    ) -> Result<Vec<ReadSummary>, StoreError> {
        let cards = self.reads(filter, order, None, limit).await?.items;
        self.summaries_of(cards).await
    }

    /// A page of the annotated reads that match the filter, each with its précis: at most `limit`
    /// (at most 1,000) after the cursor.
    pub async fn summary_page(
        &self,
        filter: &ReadFilter,
        order: Order,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Result<Page<ReadSummary>, StoreError> {
        let page = self.reads(filter, order, after, limit).await?;
        Ok(Page { items: self.summaries_of(page.items).await?, next: page.next })
    }

    /// These reads with their précis, in this order. Skips reads that are not in the archive or not
    /// annotated.
    pub async fn summaries_of_reads(&self, reads: &[ReadId]) -> Result<Vec<ReadSummary>, StoreError> {
        let cards = self.cards(reads).await?;
        self.summaries_of(cards).await
    }

    /// The reads of these cards with their précis, in the same order.
    pub(crate) async fn summaries_of(&self, cards: Vec<ReadCard>) -> Result<Vec<ReadSummary>, StoreError> {
        self.run("looking up what is said of reads", self.with_precis(cards)).await
    }

    async fn with_precis(&self, cards: Vec<ReadCard>) -> Tried<Vec<ReadSummary>> {
        if cards.is_empty() {
            return Ok(Vec::new());
        }
        let these = placeholders(1, cards.len());
        let query = format!("SELECT read_id, body FROM precis WHERE read_id IN ({these})");
        let query = sql_listing(query, cards.len()).bind_all(cards.iter().map(|card| card.id.0));
        let mut found: HashMap<i64, Precis> = HashMap::new();
        for row in self.database.rows(query).await? {
            found.insert(row.int("read_id")?, row.json("body")?);
        }
        // A read that was annotated again meanwhile has its précis all the same; one that left the
        // archive has none.
        let with_precis =
            |card: ReadCard| found.remove(&card.id.0).map(|precis| ReadSummary { card, precis });
        Ok(cards.into_iter().filter_map(with_precis).collect())
    }

    async fn try_reads(
        &self,
        filter: &ReadFilter,
        order: Order,
        after: Option<&Cursor>,
        limit: u32,
    ) -> Tried<Page<ReadCard>> {
        let run = Run::of(self, filter).await?;
        // Only a problem has a form, so such a list ends with the reads that have a problem.
        let only_problems = filter.form.is_some();
        let order = if only_problems { Order::ProblemsFirst } else { order };
        // One more row than shown, to know whether there is a next page.
        let wanted = limit + 1;
        let mut rows = match order {
            Order::ProblemsFirst => {
                let mut rows = match after {
                    Some(cursor) if !cursor.has_problem => Vec::new(),
                    _ => self.database.rows(run.query(true, after, wanted)).await?,
                };
                let left = wanted.saturating_sub(u32::try_from(rows.len()).unwrap_or(u32::MAX));
                if left > 0 && !only_problems {
                    let after = after.filter(|cursor| !cursor.has_problem);
                    rows.extend(self.database.rows(run.query(false, after, left)).await?);
                }
                rows
            }
            Order::Newest => {
                let with = self.database.rows(run.query(true, after, wanted)).await?;
                let without = self.database.rows(run.query(false, after, wanted)).await?;
                newest_of_both(with, without)?
            }
        };
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = match rows.last() {
            Some(row) if more => Some(cursor_of_row(row)?),
            _ => None,
        };
        Ok(Page { items: rows.iter().map(card_of_row).collect::<Tried<_>>()?, next })
    }

    /// An annotated read with its article, précis and places. The id of a merged read gives the
    /// read it was merged into, whose card has another id.
    pub async fn read(&self, id: ReadId) -> Result<Option<ReadPage>, StoreError> {
        self.run("looking up a read", async {
            let query = format!(
                "SELECT {CARD}, r.fingerprint, r.html_gone_at, {ARTICLE}, p.body,
                    CAST((SELECT count(*) FROM refused x WHERE x.read_id = r.id) AS BIGINT) AS refusals,
                    CAST((SELECT count(*) FROM correction x WHERE x.read_id = r.id) AS BIGINT) AS corrections
                 FROM read r JOIN source s ON s.id = r.source_id
                 JOIN article a ON a.read_id = r.id JOIN precis p ON p.read_id = r.id
                 WHERE r.id = coalesce((SELECT into_id FROM merged WHERE id = $1), $1)
                    AND r.stage = 'annotated'"
            );
            let Some(row) = self.database.row(sql_of(query).bind(id.0)).await? else { return Ok(None) };
            let card = card_of_row(&row)?;
            let query = format!(
                "SELECT p.url, p.updated, s.slug AS source_slug, {TITLE} AS source_title
                 FROM place p JOIN source s ON s.id = p.source_id WHERE p.read_id = $1
                 ORDER BY CASE WHEN p.source_id = $2 THEN 0 ELSE 1 END, p.seen_at, p.source_id"
            );
            let rows = self.database.rows(sql_of(query).bind(card.id.0).bind(card.source.0)).await?;
            let mut updated = None;
            for row in &rows {
                updated = updated.max(row.opt_moment("updated")?);
            }
            Ok(Some(ReadPage {
                article: article_of(&row)?,
                precis: row.json("body")?,
                refused: if row.yes("refusals")? { self.refused_of(card.id).await? } else { Vec::new() },
                corrected: if row.yes("corrections")? {
                    self.try_corrections(card.id).await?
                } else {
                    Vec::new()
                },
                places: rows.iter().map(place_of_row).collect::<Tried<_>>()?,
                fetched_at: row.moment("a_fetched_at")?,
                html_gone_at: row.opt_moment("html_gone_at")?,
                updated,
                card,
            }))
        })
        .await
    }

    /// The card of a read. The id of a merged read gives the read it was merged into.
    pub async fn card(&self, id: ReadId) -> Result<Option<ReadCard>, StoreError> {
        let query = format!(
            "SELECT {CARD} FROM read r JOIN source s ON s.id = r.source_id
             WHERE r.id = coalesce((SELECT into_id FROM merged WHERE id = $1), $1) AND r.stage = 'annotated'"
        );
        self.one("looking up a read", sql_of(query).bind(id.0), card_of_row).await
    }

    /// The cards of these reads, in this order. Skips reads that are not in the archive or not
    /// annotated.
    pub async fn cards(&self, reads: &[ReadId]) -> Result<Vec<ReadCard>, StoreError> {
        self.run("looking up reads", self.try_cards(reads)).await
    }

    pub(crate) async fn try_cards(&self, reads: &[ReadId]) -> Tried<Vec<ReadCard>> {
        if reads.is_empty() {
            return Ok(Vec::new());
        }
        let query = format!(
            "SELECT {CARD} FROM read r JOIN source s ON s.id = r.source_id
             WHERE r.id IN ({}) AND r.stage = 'annotated'",
            placeholders(1, reads.len())
        );
        let query = sql_listing(query, reads.len()).bind_all(reads.iter().map(|id| id.0));
        let rows = self.database.rows(query).await?;
        let card = |row: &Row| card_of_row(row).map(|card| (card.id, card));
        let mut found = rows.iter().map(card).collect::<Tried<HashMap<_, _>>>()?;
        Ok(reads.iter().filter_map(|id| found.remove(id)).collect())
    }

    /// The reads to start with on a concept, at most `limit`: those with the most certain problem
    /// and outcome.
    pub async fn start_with(&self, concept: &ConceptSlug, limit: u32) -> Result<Vec<ReadCard>, StoreError> {
        self.list("looking up where to start", starts(concept, limit), card_of_row).await
    }

    /// The reads before and after this one on the page of its week.
    pub async fn beside(&self, card: &ReadCard) -> Result<(Option<ReadCard>, Option<ReadCard>), StoreError> {
        self.run("looking up the reads beside one", async {
            let filter = ReadFilter { week: Some(card.week), ..ReadFilter::default() };
            let has_problem = card.problem.is_some();
            let at = Cursor { has_problem, filed_at: millis(card.filed_at), id: card.id.0 };
            let next = self.try_reads(&filter, Order::ProblemsFirst, Some(&at), 1).await?.items.pop();
            let run = Run::of(self, &filter).await?;
            let mut previous = self.database.row(run.before(has_problem, Some(&at))).await?;
            if previous.is_none() && !has_problem {
                previous = self.database.row(run.before(true, None)).await?;
            }
            Ok((previous.as_ref().map(card_of_row).transpose()?, next))
        })
        .await
    }
}

/// The columns of a card, from read `r` and its first source `s`.
pub(crate) const CARD: &str = "r.id, coalesce(r.corrected_title, r.title) AS title, r.url, r.source_id, r.author,
     coalesce(r.corrected_published, r.published) AS published, r.first_seen, r.filed_at, r.revised_at, r.week, r.kind,
     r.problem, r.has_problem, r.problem_leads, r.problem_form, r.description, r.minutes, r.concepts, s.slug AS source_slug,
     CASE WHEN s.title = '' THEN s.host ELSE s.title END AS source_title,
     coalesce(r.corrected_company, s.company) AS company";

/// One range of an index: a condition, without the position.
pub(crate) struct Run {
    from: Cow<'static, str>,
    filed_at: &'static str,
    id: &'static str,
    has_problem: &'static str,
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Run {
    /// The best index: a week's, else the reader's marks or notes, else the form's if it is the
    /// rarest, else the smaller list of source and concept, else the kind's, else that of all
    /// reads.
    pub(crate) async fn of(store: &Store, filter: &ReadFilter) -> Tried<Self> {
        let mut lists = lists_of(filter);
        if filter.week.is_none() && lists.len() == 2 {
            let size = [reads_with(store, &lists[0]).await?, reads_with(store, &lists[1]).await?];
            if size[1] < size[0] {
                lists.swap(0, 1);
            }
        }
        let told_by = filter.mine.and_then(|(_, mine)| mine.told_by()).filter(|_| filter.week.is_none());
        let is_open = filter.week.is_none() && told_by.is_none();
        let along_the_form = is_open && is_form_rarest(store, filter, &lists).await?;
        let along_a_list = is_open && !along_the_form && !lists.is_empty();
        let mut run = match told_by {
            Some((table, condition)) => Self::along_own(table, condition),
            None if along_a_list => Self::along_list(lists.remove(0)),
            None => Self::along_reads(),
        };
        if let Some(week) = filter.week {
            run.equal("r.week", week.to_string());
        }
        match filter.kind {
            Some(kind) if along_the_form => run.checked("kind", kind.to_string()),
            Some(kind) => run.equal(if along_a_list { "l.kind" } else { "r.kind" }, kind.to_string()),
            None => {}
        }
        match filter.form {
            Some(form) if along_the_form => run.equal("r.problem_form", form.to_string()),
            Some(form) => run.checked("problem_form", form.to_string()),
            None => {}
        }
        if let Some((reader, mine)) = filter.mine {
            run.values.push(reader.0.into());
            let parameter = run.values.len();
            run.conditions.push(match told_by {
                Some(_) => format!("x.reader_id = ${parameter}"),
                None => mine.condition("r.id", parameter),
            });
        }
        for list in lists {
            run.values.push(list.into());
            run.conditions.push(format!(
                "EXISTS (SELECT 1 FROM listing o WHERE o.read_id = r.id AND o.list = ${})",
                run.values.len()
            ));
        }
        Ok(run)
    }

    fn along_list(list: String) -> Self {
        let mut run = Self {
            from: "listing l JOIN read r ON r.id = l.read_id".into(),
            filed_at: "l.filed_at",
            id: "l.read_id",
            has_problem: "l.has_problem",
            conditions: Vec::new(),
            values: Vec::new(),
        };
        run.equal("l.list", list);
        run
    }

    fn along_reads() -> Self {
        Self {
            from: "read r".into(),
            filed_at: "r.filed_at",
            id: "r.id",
            has_problem: "r.has_problem",
            conditions: vec!["r.stage = 'annotated'".into()],
            values: Vec::new(),
        }
    }

    /// The reads with a row in a table of what readers do and write. The order of the join is kept.
    fn along_own(table: &str, condition: &str) -> Self {
        let mut run = Self::along_reads();
        run.from = format!("{table} x CROSS JOIN read r").into();
        run.conditions.extend(["r.id = x.read_id".to_owned(), condition.to_owned()]);
        run
    }

    fn equal(&mut self, column: &str, value: String) {
        self.values.push(value.into());
        self.conditions.push(format!("{column} = ${}", self.values.len()));
    }

    /// The same for a column that the index does not have: each row is looked up. In a plain
    /// condition, databases would look for the value in another index, or in the whole table.
    fn checked(&mut self, column: &str, value: String) {
        self.values.push(value.into());
        let (parameter, id) = (self.values.len(), self.id);
        self.conditions.push(format!("(SELECT f.{column} = ${parameter} FROM read f WHERE f.id = {id})"));
    }

    /// The read directly before the cursor in this run, or the last one.
    fn before(&self, has_problem: bool, cursor: Option<&Cursor>) -> Sql {
        let Self { from, filed_at, id, has_problem: flag, conditions, values } = self;
        let next = values.len() + 1;
        let text = format!(
            "SELECT {CARD} FROM {from} JOIN source s ON s.id = r.source_id
             WHERE {} AND {flag} = {} AND ({filed_at}, {id}) > (${next}, ${})
             ORDER BY {filed_at}, {id} LIMIT 1",
            conditions.join(" AND "),
            i32::from(has_problem),
            next + 1,
        );
        let (at, after) = cursor.map_or((i64::MIN, i64::MIN), |cursor| (cursor.filed_at, cursor.id));
        sql_of(text).bind_all(values.iter().cloned()).bind(at).bind(after)
    }

    /// The reads of this run after the cursor, newest first.
    pub(crate) fn query(&self, has_problem: bool, after: Option<&Cursor>, limit: u32) -> Sql {
        let Self { from, filed_at, id, has_problem: flag, conditions, values } = self;
        let next = values.len() + 1;
        let text = format!(
            "SELECT {CARD} FROM {from} JOIN source s ON s.id = r.source_id
             WHERE {} AND {flag} = {} AND ({filed_at}, {id}) < (${next}, ${})
             ORDER BY {filed_at} DESC, {id} DESC LIMIT ${}",
            conditions.join(" AND "),
            i32::from(has_problem),
            next + 1,
            next + 2
        );
        let (at, before) = after.map_or((i64::MAX, i64::MAX), |cursor| (cursor.filed_at, cursor.id));
        sql_of(text).bind_all(values.iter().cloned()).bind(at).bind(before).bind(limit)
    }
}

/// The reads of a concept with the most certain problem and outcome first.
pub(crate) fn starts(concept: &ConceptSlug, limit: u32) -> Sql {
    let text = format!(
        "SELECT {CARD} FROM listing l CROSS JOIN read r JOIN source s ON s.id = r.source_id
         WHERE r.id = l.read_id AND l.list = $1 AND l.start > 0
         ORDER BY l.start DESC, l.filed_at DESC, l.read_id DESC LIMIT $2"
    );
    sql_of(text).bind(concept_list(concept)).bind(limit)
}

/// The lists that contain all reads of the filter.
pub(crate) fn lists_of(filter: &ReadFilter) -> Vec<String> {
    filter.source.map(source_list).into_iter().chain(filter.concept.as_ref().map(concept_list)).collect()
}

/// Whether fewer reads have the filter's form than are on the first of these lists or, without
/// lists, of the filter's kind.
async fn is_form_rarest(store: &Store, filter: &ReadFilter, lists: &[String]) -> Tried<bool> {
    let Some(form) = filter.form else { return Ok(false) };
    let kind = filter.kind.map(|kind| format!("kind/{kind}"));
    let Some(other) = lists.first().or(kind.as_ref()) else { return Ok(true) };
    Ok(reads_with(store, &format!("form/{form}")).await? < reads_with(store, other).await?)
}

/// The number of reads with a facet, such as those of a source or a kind.
async fn reads_with(store: &Store, facet: &str) -> Tried<i64> {
    store.database.row(tally_of(ALL, facet)).await?.map_or(Ok(0), |row| row.int("reads"))
}

/// Merges two runs, each newest first.
fn newest_of_both(with: Vec<Row>, without: Vec<Row>) -> Tried<Vec<Row>> {
    let key = |row: Row| Ok(((row.int("filed_at")?, row.int("id")?), row));
    let mut both = with.into_iter().chain(without).map(key).collect::<Tried<Vec<_>>>()?;
    both.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    Ok(both.into_iter().map(|(_, row)| row).collect())
}

fn cursor_of_row(row: &Row) -> Tried<Cursor> {
    Ok(Cursor { has_problem: row.yes("has_problem")?, filed_at: row.int("filed_at")?, id: row.int("id")? })
}

pub(crate) fn card_of_row(row: &Row) -> Tried<ReadCard> {
    let title = row.short("title", MAX_TITLE)?;
    let concepts = row.text("concepts")?;
    Ok(ReadCard {
        id: ReadId(row.int("id")?),
        slug: Slug::of(&title),
        title,
        url: row.parsed("url")?,
        source: SourceId(row.int("source_id")?),
        source_slug: Slug::of(&row.text("source_slug")?),
        source_title: row.short("source_title", MAX_TITLE)?,
        company: company_of(row.short("company", MAX_NAME)?, &row.short("source_title", MAX_TITLE)?),
        author: row.opt_text("author")?.map(|author| cut(&author, MAX_NAME).into_owned()),
        published: row.opt_moment("published")?,
        first_seen: row.moment("first_seen")?,
        filed_at: row.moment("filed_at")?,
        revised_at: row.opt_moment("revised_at")?,
        week: row.parsed("week")?,
        kind: row.parsed("kind")?,
        problem: row.opt_text("problem")?,
        problem_leads: row.yes("problem_leads")?,
        problem_form: row.parsed("problem_form")?,
        description: row.opt_text("description")?,
        minutes: row.small("minutes")?,
        concepts: concepts.split(' ').filter_map(|slug| slug.parse().ok()).collect(),
    })
}

pub(crate) fn place_of_row(row: &Row) -> Tried<Place> {
    Ok(Place {
        source_slug: Slug::of(&row.text("source_slug")?),
        source_title: row.short("source_title", MAX_TITLE)?,
        url: row.parsed("url")?,
    })
}
