//! Lists and counters of annotated reads: tables `listing`, `tally`, `week_count`, `first_count`.
//!
//! Before a change of anything counted, call [`count`] with [`Sign::Less`], and after it with
//! [`Sign::More`]. Do so in the same transaction, after `touch`.

use backissue_model::ReadId;

use crate::database::{Sql, Tried, Tx, placeholders, sql, sql_listing, sql_of};

/// A set of reads. Only annotated ones are counted.
#[derive(Clone, Debug)]
pub(crate) enum Which {
    These(Vec<ReadId>),
    OfSource(i64),
}

impl Which {
    /// A condition on `column`, with its values at `$1`, `$2`, ….
    pub(crate) fn condition(&self, column: &str) -> String {
        match self {
            Self::These(ids) => format!("{column} IN ({})", placeholders(1, ids.len())),
            Self::OfSource(_) => format!("{column} IN (SELECT read_id FROM place WHERE source_id = $1)"),
        }
    }

    pub(crate) fn statement(&self, text: String) -> Sql {
        match self {
            Self::These(ids) => sql_listing(text, ids.len()).bind_all(ids.iter().map(|id| id.0)),
            Self::OfSource(source) => sql_of(text).bind(*source),
        }
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Sign {
    More,
    Less,
}

/// Adds these reads to the counters or removes them, according to their current lists. Marks added
/// reads as changed.
pub(crate) async fn count(tx: &mut Tx, which: &Which, sign: Sign) -> Tried<()> {
    tx.together(counting(which, sign)).await
}

/// The statements of [`count`].
pub(crate) fn counting(which: &Which, sign: Sign) -> Vec<Sql> {
    let minus = match sign {
        Sign::More => "",
        Sign::Less => "-",
    };
    let pairs =
        pairs(&format!("AND {}", which.condition("read_id")), &format!("AND {}", which.condition("id")));
    let tally = format!(
        "INSERT INTO tally (list, facet, reads)
         SELECT list, facet, {minus}count(*) FROM ({pairs}) AS pair WHERE list <> facet GROUP BY list, facet
         ON CONFLICT (list, facet) DO UPDATE SET reads = tally.reads + excluded.reads"
    );
    let weeks = format!(
        "INSERT INTO week_count (week, reads, problems)
         SELECT week, {minus}count(*), {minus}CAST(sum(has_problem) AS BIGINT) FROM read
         WHERE stage = 'annotated' AND {} GROUP BY week
         ON CONFLICT (week) DO UPDATE SET
            reads = week_count.reads + excluded.reads, problems = week_count.problems + excluded.problems",
        which.condition("id")
    );
    let firsts = first_counts(minus, &format!("AND {}", which.condition("id")));
    let mut statements: Vec<Sql> = [tally, weeks, firsts].map(|text| which.statement(text)).into();
    match sign {
        Sign::More => statements.push(marking_changed(which)),
        Sign::Less => {}
    }
    statements
}

/// Counts the chosen reads for the sources that named them first.
fn first_counts(minus: &str, chosen_read: &str) -> String {
    format!(
        "INSERT INTO first_count (source_id, reads, newest)
         SELECT source_id, {minus}count(*), max(first_seen) FROM read
         WHERE stage = 'annotated' {chosen_read} GROUP BY source_id
         ON CONFLICT (source_id) DO UPDATE SET reads = first_count.reads + excluded.reads,
            newest = CASE WHEN excluded.newest > first_count.newest THEN excluded.newest ELSE first_count.newest END"
    )
}

/// For each list of the chosen reads, a pair with each facet of the same read. Lists are those of
/// table `listing`, all reads, and the reads of a week.
pub(crate) fn pairs(chosen_listing: &str, chosen_read: &str) -> String {
    format!(
        "SELECT a.list AS list, b.facet AS facet FROM
           (SELECT read_id, list FROM listing WHERE 1 = 1 {chosen_listing}
            UNION ALL SELECT id, 'all' FROM read WHERE stage = 'annotated' {chosen_read}
            UNION ALL SELECT id, 'week/' || week FROM read WHERE stage = 'annotated' {chosen_read}) AS a
         JOIN
           (SELECT read_id, list AS facet FROM listing WHERE 1 = 1 {chosen_listing}
            UNION ALL SELECT id, 'kind/' || kind FROM read WHERE stage = 'annotated' {chosen_read}
            UNION ALL SELECT id, 'form/' || problem_form FROM read
              WHERE stage = 'annotated' AND has_problem = 1 {chosen_read}) AS b
         ON a.read_id = b.read_id"
    )
}

/// Adds annotated reads to the lists of their sources.
pub(crate) async fn list_on_sources(tx: &mut Tx, reads: &[ReadId]) -> Tried<()> {
    tx.run(listing_on_sources(reads)).await?;
    Ok(())
}

/// The statement of [`list_on_sources`].
pub(crate) fn listing_on_sources(reads: &[ReadId]) -> Sql {
    let insert = format!(
        "INSERT INTO listing (list, read_id, kind, has_problem, filed_at)
         SELECT 'source/' || p.source_id, r.id, r.kind, r.has_problem, r.filed_at
         FROM place p JOIN read r ON r.id = p.read_id
         WHERE r.stage = 'annotated' AND p.read_id IN ({})
         ON CONFLICT (read_id, list) DO NOTHING",
        placeholders(1, reads.len())
    );
    sql_listing(insert, reads.len()).bind_all(reads.iter().map(|id| id.0))
}

/// Recounts all counters from the lists.
#[cfg(feature = "generate")]
pub(crate) async fn count_anew(tx: &mut Tx) -> Tried<()> {
    tx.run(sql("DELETE FROM tally")).await?;
    let insert = format!(
        "INSERT INTO tally (list, facet, reads)
         SELECT list, facet, count(*) FROM ({}) AS pair WHERE list <> facet GROUP BY list, facet",
        pairs("", "")
    );
    tx.run(sql_of(insert)).await?;
    tx.run(sql("DELETE FROM first_count")).await?;
    tx.run(sql_of(first_counts("", ""))).await?;
    crate::filing::count_anew(tx).await
}

/// The count of one pair, zero if there is none.
pub(crate) fn tally_of(list: &str, facet: &str) -> Sql {
    sql("SELECT reads FROM tally WHERE list = $1 AND facet = $2").bind(list).bind(facet)
}

/// Marks these reads as changed. The caller has called `touch`.
pub(crate) async fn mark_changed(tx: &mut Tx, which: &Which) -> Tried<()> {
    tx.run(marking_changed(which)).await?;
    Ok(())
}

fn marking_changed(which: &Which) -> Sql {
    let update = format!(
        "UPDATE read SET changed = (SELECT version FROM archive WHERE id = 1) WHERE stage = 'annotated' AND {}",
        which.condition("id")
    );
    which.statement(update)
}

/// Marks the reads that `chosen` selects by id (with `value` as `$1`) as gone.
pub(crate) async fn mark_gone(tx: &mut Tx, chosen: &str, value: i64) -> Tried<()> {
    let insert = format!(
        "INSERT INTO gone (read_id, changed)
         SELECT id, (SELECT version FROM archive WHERE id = 1) FROM read WHERE stage = 'annotated' AND id IN ({chosen})"
    );
    tx.run(sql_of(insert).bind(value)).await?;
    Ok(())
}
