//! Saving a page by its address: `POST /save`.

use axum::extract::State;
use axum::response::Response;
use backissue_model::{CanonicalUrl, ReadId, typed_address};
use backissue_store::{PageSaved, Store};
use jiff::Timestamp;

use crate::App;
use crate::fault::Fault;
use crate::forms::{Signed, sent_to};

/// `POST /save`: admits a page and keeps it. Redirects to its read if that can be shown already.
pub(crate) async fn save(State(app): State<App>, form: Signed) -> Result<Response, Fault> {
    let (url, store) = (address(form.field("url")?)?, &app.store);
    let why = app.operator.as_ref().and_then(|operator| operator.why_not_fetched(url.as_url()));
    if let Some(why) = why {
        return Err(Fault::BadForm(format!("“{url}” is not public, so it cannot be saved: {why}")));
    }
    match store.save_page(form.reader, &url, Timestamp::now()).await? {
        PageSaved::New(read) | PageSaved::Known(read) => Ok(sent_to(shown_at(store, read).await?)),
        PageSaved::TooManyWaiting => Err(Fault::BadForm(
            "Saved pages of 200 sites wait to be fetched. Save this one once they are".to_owned(),
        )),
    }
}

async fn shown_at(store: &Store, read: ReadId) -> Result<String, Fault> {
    let is_shown = !store.cards(&[read]).await?.is_empty();
    Ok(if is_shown { format!("/read/{read}") } else { "/sources?saved=1#save".to_owned() })
}

/// The address that a person typed, perhaps without its scheme.
fn address(typed: &str) -> Result<CanonicalUrl, Fault> {
    let url = typed_address(typed).and_then(|url| CanonicalUrl::of(&url).ok());
    let url = url.filter(|url| url.host().contains('.'));
    url.ok_or_else(|| Fault::BadForm(format!("“{}” is not the address of a page", typed.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_completed_and_cleaned() {
        for (typed, url) in [
            (" https://blog.example/one?utm_source=x#top ", Some("https://blog.example/one")),
            ("blog.example/one", Some("https://blog.example/one")),
            ("blog", None),
            ("", None),
            ("javascript:alert(1)", None),
            ("ftp://blog.example/one", None),
            ("https://", None),
        ] {
            let parsed = address(typed).ok();
            assert_eq!(parsed.as_ref().map(CanonicalUrl::as_str), url, "{typed}");
        }
    }
}
