//! Changes of highlights: `POST /highlights/{id}`, `/highlight/{id}/remark`,
//! `/highlight/{id}/remove`.

use axum::extract::{Path, State};
use axum::response::Response;
use backissue_model::{Quote, remark_of};
use backissue_store::{HIGHLIGHTS_MAX, Highlighted, RemarkSaved, Store};
use jiff::Timestamp;

use crate::evidence;
use crate::fault::Fault;
use crate::forms::Signed;
use crate::pages::note::refused;
use crate::parts::done::{ADDED, HIGHLIGHT};
use crate::read_address::read_id;
use crate::words;

/// `POST /highlights/{id}`: highlights a passage of the read's article.
pub(crate) async fn add(
    State(store): State<Store>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let read = read_id(&id)?;
    let context = |name: &str| form.field(name).unwrap_or_default();
    let quote = Quote::new(form.field("quote")?, context("prefix"), context("suffix")).map_err(refused)?;
    let remark = remark_of(form.field("remark")?).map_err(refused)?;
    let now = Timestamp::now();
    let added = store.add_highlight(form.reader, read, &quote, &remark, now).await;
    match added.map_err(Fault::or(Fault::NoSuchRead))? {
        Highlighted::Added(highlight) => {
            // One that was there before only has a new remark; undoing must not remove it.
            let is_new = highlight.made_at.as_millisecond() == now.as_millisecond();
            let did = is_new.then(|| format!("{ADDED}{}", highlight.id));
            Ok(form.back(did, &evidence::id_of_highlight(highlight.id)))
        }
        other => Err(not_highlighted(&other)),
    }
}

/// Why nothing was highlighted.
pub(crate) fn not_highlighted(why: &Highlighted) -> Fault {
    let bad = |why: &str| Fault::BadForm(why.to_owned());
    match why {
        Highlighted::TooMany => {
            let most = words::number(HIGHLIGHTS_MAX as u64);
            bad(&format!("A read has at most {most} highlights. Remove one first"))
        }
        Highlighted::RemarkTooLong(characters) => {
            refused(backissue_model::WritingError::RemarkTooLong(*characters))
        }
        Highlighted::SeveralTimes => {
            bad("The article has this passage several times. Go back and add words from before or after it")
        }
        Highlighted::NotInText | Highlighted::Added(_) => {
            bad("The article does not have this passage. Go back and copy it from the article")
        }
    }
}

/// `POST /highlight/{id}/remark`: changes the remark, unless it was changed in the meantime.
pub(crate) async fn remark(
    State(store): State<Store>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let highlight = id_of(&id)?;
    let seen = form.version()?;
    let remark = remark_of(form.field("remark")?).map_err(refused)?;
    let saved = store.save_remark(form.reader, highlight, &remark, seen, Timestamp::now()).await;
    match saved.map_err(Fault::or(Fault::NoSuchHighlight))? {
        RemarkSaved::Saved(_) => Ok(form.back(None, &format!("h{highlight}"))),
        RemarkSaved::Conflict(_) => Err(Fault::RemarkChanged),
    }
}

/// `POST /highlight/{id}/remove`: removes a highlight, which can be undone.
pub(crate) async fn remove(
    State(store): State<Store>,
    Path(id): Path<String>,
    form: Signed,
) -> Result<Response, Fault> {
    let highlight = id_of(&id)?;
    let removed = store.remove_highlight(form.reader, highlight, Timestamp::now()).await;
    removed.map_err(Fault::or(Fault::NoSuchHighlight))?;
    Ok(form.back(Some(format!("{HIGHLIGHT}{highlight}")), ""))
}

/// Removes a highlight that was just added.
pub(super) async fn take_back(store: &Store, form: &Signed, id: i64) -> Result<Response, Fault> {
    let removed = store.remove_highlight(form.reader, id, Timestamp::now()).await;
    removed.map_err(Fault::or(Fault::NothingToUndo))?;
    Ok(form.back(Some(format!("{HIGHLIGHT}{id}")), ""))
}

/// Restores a removed highlight.
pub(super) async fn restore(store: &Store, form: &Signed, id: i64) -> Result<Response, Fault> {
    match store.restore_highlight(form.reader, id).await? {
        Some(_) => Ok(form.back(None, &format!("h{id}"))),
        None => Err(Fault::NothingToUndo),
    }
}

fn id_of(id: &str) -> Result<i64, Fault> {
    id.parse().map_err(|_| Fault::NoSuchHighlight)
}
