//! Changes of marks: `POST /marks`, `/week/{week}/done`, `/undo`.

use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use backissue_model::{Mark, ReadId, Week};
use backissue_store::{Action, Store};
use jiff::Timestamp;
use maud::html;

use crate::fault::Fault;
use crate::forms::Signed;
use crate::pages::highlight;
use crate::parts::{done, marks, newest};

/// Maximum reads whose buttons are sent to the script; more than any page shows.
const PARTS: usize = 200;

/// `POST /marks`: sets or removes a mark of a read.
pub(crate) async fn mark(State(store): State<Store>, form: Signed) -> Result<Response, Fault> {
    let (mark, set, read) = wanted(form.field("do")?)?;
    let action = store.mark(form.reader, read, mark, set, Timestamp::now()).await;
    let action = action.map_err(Fault::or(Fault::NoSuchRead))?;
    answer(&store, &form, &action, Told::Done, &[read], &format!("m{read}")).await
}

/// `POST /week/{week}/done`: marks a week's unread reads as done.
pub(crate) async fn week_done(
    State(store): State<Store>,
    Path(week): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let week: Week = week.parse()?;
    let action = store.mark_week_done(form.reader, week, Timestamp::now()).await?;
    answer(&store, &form, &action, Told::Done, &action.reads, "").await
}

/// `POST /undo`: restores the marks before an action, or a removed highlight, or removes an added
/// one.
pub(crate) async fn undo(State(store): State<Store>, form: Signed) -> Result<Response, Fault> {
    let named = done::prefix_and_number(form.field("undo")?);
    let (prefix, number) =
        named.ok_or_else(|| Fault::BadForm("It names nothing that was done".to_owned()))?;
    match prefix {
        Some(done::ADDED) => return highlight::take_back(&store, &form, number).await,
        Some(_) => return highlight::restore(&store, &form, number).await,
        None => {}
    }
    let Some(action) = store.undo(form.reader, number).await? else { return Err(Fault::NothingToUndo) };
    let at = if let [read] = action.reads[..] { format!("m{read}") } else { String::new() };
    answer(&store, &form, &action, Told::Undone, &action.reads, &at).await
}

/// Parses the field `do`: `keep 12`, `not-keep 12`.
fn wanted(text: &str) -> Result<(Mark, bool, ReadId), Fault> {
    let parse = || {
        let (what, read) = text.split_once(' ')?;
        let (mark, set) = what.strip_prefix("not-").map_or((what, true), |mark| (mark, false));
        Some((mark.parse().ok()?, set, ReadId(read.parse().ok()?)))
    };
    parse().ok_or_else(|| Fault::BadForm("It says neither what to do nor with which read".to_owned()))
}

/// Whether an action was performed or undone.
#[derive(Clone, Copy, PartialEq)]
enum Told {
    Done,
    Undone,
}

/// Redirects the browser to its page, or sends the script the changed parts.
async fn answer(
    store: &Store,
    form: &Signed,
    action: &Action,
    told: Told,
    reads: &[ReadId],
    at: &str,
) -> Result<Response, Fault> {
    if !form.wants_part {
        return Ok(form.back((told == Told::Done).then(|| action.id.to_string()), at));
    }
    let reads = &reads[..reads.len().min(PARTS)];
    let cards = store.cards(reads).await?;
    let ids: Vec<ReadId> = cards.iter().map(|card| card.id).collect();
    let (marks, newest) =
        tokio::try_join!(store.marks(form.reader, &ids), store.reader_newest_week(form.reader))?;
    let part = html! {
        div #notice {
            @match told {
                Told::Done => (done::notice(action)),
                Told::Undone => span { "Undone: " (done::undone(action)) },
            }
        }
        @for card in &cards {
            (marks::buttons(card, &marks.get(&card.id).copied().unwrap_or_default()))
        }
        @if let Some((week, counted)) = &newest { (newest::line(*week, counted)) }
    };
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "private, no-store")];
    Ok((headers, part.into_string()).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn button_names_action_and_read() {
        assert_eq!(wanted("keep 12").unwrap(), (Mark::Keep, true, ReadId(12)));
        assert_eq!(wanted("not-hide 3").unwrap(), (Mark::Hide, false, ReadId(3)));
        for wrong in
            ["", "keep", "keep 1 2", "eat 12", "not-not-keep 1", "keep 9223372036854775808", "keep 1\0"]
        {
            assert!(wanted(wrong).is_err(), "{wrong:?}");
        }
    }
}
