//! Stores the parts of a précis that lists show: columns of table `read`, and the lists of its
//! concepts.

use std::collections::HashSet;

use backissue_model::{ConceptSlug, Form, Precis, ReadId, Statement, Sureness};
use jiff::Timestamp;

use crate::database::{Sql, Tried, Tx, sql, sql_listing};
use crate::keys::concept_list;
use crate::times::millis;

/// Stores the shown parts of a précis in the read's row.
pub(crate) async fn show_precis(tx: &mut Tx, read: ReadId, precis: &Precis) -> Tried<()> {
    tx.run(showing_precis(read, precis, None)).await?;
    Ok(())
}

/// The statement of [`show_precis`]. With `revised`, the body that is stored next and the time, it
/// also sets `revised_at` if another body is stored now.
pub(crate) fn showing_precis(read: ReadId, precis: &Precis, revised: Option<(&str, Timestamp)>) -> Sql {
    let update = sql("UPDATE read SET kind = $2, problem = $3, has_problem = $4, concepts = $5,
            problem_leads = $6, problem_form = $7, practisable = $8,
            revised_at = CASE WHEN EXISTS (SELECT 1 FROM precis p WHERE p.read_id = $1 AND p.body <> $9)
                THEN $10 ELSE revised_at END
         WHERE id = $1");
    update
        .bind(read.0)
        .bind(precis.kind.as_str())
        .bind(precis.problem.as_ref().map(|problem| problem.text.as_str()))
        .bind(precis.problem.is_some())
        .bind(distinct(&precis.concepts).iter().map(|c| c.as_str()).collect::<Vec<_>>().join(" "))
        .bind(precis.problem.as_ref().is_some_and(|problem| problem.sureness() == Sureness::Sure))
        .bind(precis.problem.as_ref().map_or(Form::default(), |problem| problem.form).as_str())
        .bind(is_shown(precis.problem.as_ref()) && is_shown(precis.approach.as_ref()))
        .bind(revised.map(|(body, _)| body))
        .bind(revised.map(|(_, now)| millis(now)))
}

/// The confidence in problem and outcome together, in thousandths. 0 if one of them is not shown.
fn start_of(precis: &Precis) -> i64 {
    match (&precis.problem, &precis.outcome) {
        (Some(problem), Some(outcome)) if is_shown(Some(problem)) && is_shown(Some(outcome)) => {
            // At most 1,000.
            (1000.0 * problem.confidence * outcome.confidence).round() as i64
        }
        _ => 0,
    }
}

fn is_shown(statement: Option<&Statement>) -> bool {
    statement.is_some_and(|statement| statement.sureness().is_shown())
}

/// Adds a read to the lists of its concepts, after [`show_precis`].
pub(crate) async fn list_precis(tx: &mut Tx, read: ReadId, precis: &Precis) -> Tried<()> {
    if let Some(insert) = listing_precis(read, precis) {
        tx.run(insert).await?;
    }
    Ok(())
}

/// The statement of [`list_precis`]. `None` if the précis has no concepts.
pub(crate) fn listing_precis(read: ReadId, precis: &Precis) -> Option<Sql> {
    let concepts = distinct(&precis.concepts);
    if concepts.is_empty() {
        return None;
    }
    let lists: Vec<String> =
        (3..3 + concepts.len()).map(|n| format!("SELECT CAST(${n} AS TEXT) AS list")).collect();
    let insert = format!(
        "INSERT INTO listing (list, read_id, kind, has_problem, filed_at, start, practisable)
         SELECT c.list, r.id, r.kind, r.has_problem, r.filed_at, $2, r.practisable
         FROM read r CROSS JOIN ({}) AS c WHERE r.id = $1",
        lists.join(" UNION ALL ")
    );
    let insert = sql_listing(insert, concepts.len()).bind(read.0).bind(start_of(precis));
    Some(insert.bind_all(concepts.into_iter().map(concept_list)))
}

/// Each concept once, in order.
fn distinct(concepts: &[ConceptSlug]) -> Vec<&ConceptSlug> {
    let mut seen = HashSet::new();
    concepts.iter().filter(|concept| seen.insert(*concept)).collect()
}
