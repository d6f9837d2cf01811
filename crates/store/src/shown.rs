//! What lists show of a précis: columns of table `read`, and the lists of its concepts.

use std::collections::HashSet;

use backissue_model::{ConceptSlug, Form, Precis, ReadId, Statement, Sureness};

use crate::database::{Tried, Tx, sql};
use crate::keys::concept_list;

/// Stores in the read's row what lists show of its précis.
pub(crate) async fn show_precis(tx: &mut Tx, read: ReadId, precis: &Precis) -> Tried<()> {
    let update = sql("UPDATE read SET kind = $2, problem = $3, has_problem = $4, concepts = $5,
            problem_leads = $6, problem_form = $7, practisable = $8
         WHERE id = $1");
    let update = update
        .bind(read.0)
        .bind(precis.kind.as_str())
        .bind(precis.problem.as_ref().map(|problem| problem.text.as_str()))
        .bind(precis.problem.is_some())
        .bind(distinct(&precis.concepts).iter().map(|c| c.as_str()).collect::<Vec<_>>().join(" "))
        .bind(precis.problem.as_ref().is_some_and(|problem| problem.sureness() == Sureness::Sure))
        .bind(precis.problem.as_ref().map_or(Form::default(), |problem| problem.form).as_str())
        .bind(is_shown(precis.problem.as_ref()) && is_shown(precis.approach.as_ref()));
    tx.run(update).await?;
    Ok(())
}

/// The certainty of problem and outcome, in thousandths. 0 if one of them is not shown.
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
    for concept in distinct(&precis.concepts) {
        let insert =
            sql("INSERT INTO listing (list, read_id, kind, has_problem, filed_at, start, practisable)
             SELECT $2, id, kind, has_problem, filed_at, $3, practisable FROM read WHERE id = $1");
        tx.run(insert.bind(read.0).bind(concept_list(concept)).bind(start_of(precis))).await?;
    }
    Ok(())
}

/// Each concept once, in order.
fn distinct(concepts: &[ConceptSlug]) -> Vec<&ConceptSlug> {
    let mut seen = HashSet::new();
    concepts.iter().filter(|concept| seen.insert(*concept)).collect()
}
