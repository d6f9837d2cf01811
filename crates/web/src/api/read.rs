//! `/api/read/{id}`

use axum::extract::{Path, State};
use axum::response::Response;
use backissue_model::{Precis, Slug};
use backissue_store::{Corrected, Store};
use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use crate::api::answer::kept;
use crate::api::week::ApiCard;
use crate::fault::Fault;
use crate::read_address::read_id;

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    card: ApiCard,
    precis: Precis,
    corrections: Vec<Corrected>,
    places: Vec<ApiPlace>,
    article: ApiArticle,
    fetched_at: Timestamp,
    updated: Option<Timestamp>,
}

#[derive(Serialize)]
struct ApiPlace {
    source: Slug,
    source_title: String,
    url: Url,
}

#[derive(Serialize)]
struct ApiArticle {
    html: String,
    text: String,
    words: u32,
    language: Option<String>,
    site_name: Option<String>,
}

pub(super) async fn read(Path(id): Path<String>, State(store): State<Store>) -> Result<Response, Fault> {
    let id = read_id(&id)?;
    let page = store.read(id).await?.ok_or(Fault::NoSuchRead)?;
    let places = page.places.into_iter().map(|place| ApiPlace {
        source: place.source_slug,
        source_title: place.source_title,
        url: place.url,
    });
    let article = ApiArticle {
        html: page.article.html,
        text: page.article.text,
        words: page.article.words,
        language: page.article.language,
        site_name: page.article.site_name,
    };
    kept(&Answer {
        places: places.collect(),
        card: page.card.into(),
        precis: page.precis,
        corrections: page.corrected,
        article,
        fetched_at: page.fetched_at,
        updated: page.updated,
    })
}
