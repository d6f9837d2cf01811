//! Saving a page by its address: `/save`.

use std::collections::HashMap;

use axum::extract::{Query, State};
use axum::response::Response;
use backissue_model::{CanonicalUrl, ReadId, ReaderId, typed_address};
use backissue_store::PageSaved;
use jiff::Timestamp;
use maud::html;

use crate::App;
use crate::fault::Fault;
use crate::forms::{Signed, sent_to};
use crate::frame::{Document, Frame, Page};

/// `GET /save`: asks whether to save the address that a bookmarklet or another app passes. Other
/// sites can link here too, so nothing is saved before the form is sent.
pub(crate) async fn ask(frame: Frame, Query(query): Query<HashMap<String, String>>) -> Page {
    let named = address_in(&query);
    frame.page(Document {
        title: "Save a page".to_owned(),
        unlisted: true,
        main: html! {
            div.head { h1 { "Save a page" } }
            @if let Some(title) = query.get("title").map(|title| title.trim()).filter(|title| !title.is_empty()) {
                p.standfirst { (title) }
            }
            section.own {
                form #save .settle method="post" action="/save" {
                    (frame.form_fields_to("/sources"))
                    div.field {
                        label for="save-url" { "Its address" }
                        input #save-url name="url" value=(named) inputmode="url" autocomplete="off" required;
                        p.quiet { "It becomes a read of the source “Saved”, on your shelf." }
                    }
                    div.row { button { "Save" } }
                }
            }
        },
        ..Document::default()
    })
}

/// The address that another app shares. Some apps put it into the text.
fn address_in(query: &HashMap<String, String>) -> &str {
    let texts = ["url", "text", "title"].into_iter().filter_map(|name| query.get(name));
    let mut words = texts.flat_map(|text| text.split_whitespace());
    words.find(|word| word.starts_with("https://") || word.starts_with("http://")).unwrap_or_default()
}

/// `POST /save`: admits a page and keeps it. Redirects to its read if that can be shown already.
pub(crate) async fn save(State(app): State<App>, form: Signed) -> Result<Response, Fault> {
    let page = save_page(&app, form.reader, form.field("url")?).await?;
    Ok(sent_to(if page.is_shown {
        format!("/read/{}", page.read)
    } else {
        "/sources?saved=1#save".to_owned()
    }))
}

/// A page that was saved.
pub(crate) struct SavedPage {
    pub(crate) read: ReadId,
    pub(crate) url: CanonicalUrl,
    /// Whether the archive did not have it before.
    pub(crate) is_new: bool,
    /// Whether its read is shown already.
    pub(crate) is_shown: bool,
}

/// Saves the page at an address that a person or a program typed.
///
/// # Errors
/// If it is no address of a page, is not public, or too many pages wait.
pub(crate) async fn save_page(app: &App, reader: ReaderId, typed: &str) -> Result<SavedPage, Fault> {
    let url = address(typed)?;
    let why = app.operator.as_ref().and_then(|operator| operator.why_not_fetched(url.as_url()));
    if let Some(why) = why {
        return Err(Fault::BadForm(format!("“{url}” is not public, so it cannot be saved: {why}")));
    }
    let (read, is_new) = match app.store.save_page(reader, &url, Timestamp::now()).await? {
        PageSaved::New(read) => (read, true),
        PageSaved::Known(read) => (read, false),
        PageSaved::TooManyWaiting => {
            return Err(Fault::BadForm(
                "Saved pages of 200 sites wait to be fetched. Save this one once they are".to_owned(),
            ));
        }
    };
    let is_shown = !app.store.cards(&[read]).await?.is_empty();
    Ok(SavedPage { read, url, is_new, is_shown })
}

/// The address that a person typed, perhaps without its scheme.
fn address(typed: &str) -> Result<CanonicalUrl, Fault> {
    let url = typed_address(typed).map_err(|why| Fault::BadForm(why.to_string()))?;
    CanonicalUrl::of(&url).map_err(|why| Fault::BadForm(why.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_found_in_what_is_shared() {
        for (name, value, address) in [
            ("url", " https://blog.example/a?b=c ", "https://blog.example/a?b=c"),
            ("text", "Look: https://blog.example/a and more", "https://blog.example/a"),
            ("title", "http://blog.example/a", "http://blog.example/a"),
            ("url", "javascript:alert(1)", ""),
            ("other", "https://blog.example/a", ""),
        ] {
            let query = HashMap::from([(name.to_owned(), value.to_owned())]);
            assert_eq!(address_in(&query), address, "{name} {value}");
        }
    }

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
