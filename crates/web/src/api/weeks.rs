//! `/api/weeks`

use axum::extract::State;
use axum::response::Response;
use backissue_model::Week;
use backissue_store::{Store, WeekCount};
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::answer::kept;
use crate::fault::Fault;

/// A week with its days and counts.
#[derive(Serialize, ToSchema)]
#[schema(as = Week)]
pub(super) struct ApiWeek {
    /// The ISO week.
    #[schema(value_type = String, example = "2026-W20")]
    week: Week,
    /// Its Monday.
    #[schema(value_type = String, format = Date)]
    from: Date,
    /// Its Sunday.
    #[schema(value_type = String, format = Date)]
    to: Date,
    /// Its reads.
    reads: u64,
    /// Its reads with a problem.
    problems: u64,
    /// The path of its page.
    path: String,
}

impl From<WeekCount> for ApiWeek {
    fn from(count: WeekCount) -> Self {
        let WeekCount { week, reads, problems } = count;
        Self { week, from: week.monday(), to: week.sunday(), reads, problems, path: format!("/week/{week}") }
    }
}

#[derive(Serialize)]
struct Answer {
    weeks: Vec<ApiWeek>,
}

pub(super) async fn weeks(State(store): State<Store>) -> Result<Response, Fault> {
    let weeks = store.weeks().await?.into_iter().map(ApiWeek::from).collect();
    kept(&Answer { weeks })
}
