//! The login, and all lists except those of reads.

use std::collections::HashSet;

use axum::extract::{FromRequest, Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use backissue_model::{ReaderName, without_credentials};
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use crate::App;
use crate::access::client;
use crate::fault::Fault;
use crate::greader::asked::{Asked, data, sources, text};
use crate::greader::ids::{self, READING_LIST, STARRED, tag};
use crate::programs::{Program, Secret};
use crate::vocabulary;

/// `POST accounts/ClientLogin`: checks whether the password is a token of this reader. With one
/// reader, the name does not matter. The app then sends the token with each request.
pub(super) async fn log_in(
    State(app): State<App>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Fault> {
    let client = client(&app, request.extensions(), &headers);
    // A token in an address would be in logs.
    if request.uri().query().is_some_and(|query| query.contains("Passwd")) {
        return Err(Fault::BadForm("The password belongs into the form, not into the address".to_owned()));
    }
    let asked = Asked::from_request(request, &app).await?;
    let (name, token) = (asked.required("Email")?, asked.required("Passwd")?);
    let secret = Secret::Token(token);
    let (visitor, _) = app.programs.visitor(&app.readers, &app.store, client, &headers, secret).await;
    let program = Program::of(visitor?).ok_or(Fault::WrongToken)?;
    if app.readers.have_accounts() {
        let reader = app.store.reader(program.reader, Timestamp::now()).await?;
        let is_own = |typed: ReaderName| reader.is_some_and(|reader| reader.name == typed);
        if !name.parse().is_ok_and(is_own) {
            return Err(Fault::WrongToken);
        }
    }
    Ok(text(format!("SID={token}\nLSID=null\nAuth={token}\n")))
}

/// `token`: the value that an app sends with changes as `T`. The token in the request's header is
/// checked, which no other site can send, so this value means nothing. Some apps expect 57
/// characters.
pub(super) async fn token() -> Response {
    text("-".repeat(57))
}

/// `user-info`
pub(super) async fn user_info(program: Program, State(app): State<App>) -> Result<Response, Fault> {
    let reader = app.store.reader(program.reader, Timestamp::now()).await?.ok_or(Fault::NoSuchReader)?;
    let id = reader.id.to_string();
    Ok(data(&json!({ "userId": id, "userName": reader.name, "userProfileId": id, "userEmail": "" })))
}

/// `subscription/list`
pub(super) async fn subscriptions(State(app): State<App>) -> Result<Response, Fault> {
    let sources = sources(&app).await?;
    let all: Vec<Value> = sources
        .iter()
        .map(|source| {
            let folders = source.group.iter().map(|group| json!({ "id": tag(group), "label": group }));
            let shown = |url: &Url| without_credentials(url).to_string();
            let address = source.feed_url.as_ref().or(source.site_url.as_ref()).map(shown);
            json!({
                "id": ids::feed(source.id),
                "title": source.title,
                "categories": folders.collect::<Vec<_>>(),
                "url": address.unwrap_or_default(),
                "htmlUrl": source.site_url.as_ref().map(shown).unwrap_or_default(),
                "iconUrl": "",
            })
        })
        .collect();
    Ok(data(&json!({ "subscriptions": all })))
}

/// `tag/list`: the groups of sources, the concepts that reads have, and the reader's labels.
pub(super) async fn tags(program: Program, State(app): State<App>) -> Result<Response, Fault> {
    let mut groups: Vec<String> =
        sources(&app).await?.into_iter().filter_map(|source| source.group).collect();
    groups.sort_unstable();
    groups.dedup();
    let labels = app.store.all_labels(program.reader).await?;
    let concepts = app.store.concepts().await?;
    let folders = groups.iter().map(|group| json!({ "id": tag(group), "type": "folder" }));
    let concepts = concepts
        .iter()
        .filter(|(_, reads)| *reads > 0)
        .map(|(slug, _)| json!({ "id": tag(&vocabulary::name(slug)), "type": "tag" }));
    let labels = labels.iter().map(|label| json!({ "id": tag(label.as_str()), "type": "tag" }));
    let mut seen = HashSet::new();
    let all = std::iter::once(json!({ "id": STARRED })).chain(folders).chain(labels).chain(concepts);
    let all: Vec<Value> = all.filter(|tag| seen.insert(tag["id"].to_string())).collect();
    Ok(data(&json!({ "tags": all })))
}

/// `unread-count`
pub(super) async fn unread(program: Program, State(app): State<App>) -> Result<Response, Fault> {
    let unread = app.store.unread_by_source(program.reader).await?;
    let all: u64 = unread.iter().map(|(_, count, _)| count).sum();
    let newest = unread.iter().map(|(.., newest)| *newest).max().unwrap_or(Timestamp::UNIX_EPOCH);
    let one = |id: String, count: u64, newest: Timestamp| json!({ "id": id, "count": count, "newestItemTimestampUsec": newest.as_microsecond().to_string() });
    let counts = unread.iter().map(|(source, count, newest)| one(ids::feed(*source), *count, *newest));
    let counts: Vec<Value> = counts.chain([one(READING_LIST.to_owned(), all, newest)]).collect();
    Ok(data(&json!({ "max": all, "unreadcounts": counts })))
}
