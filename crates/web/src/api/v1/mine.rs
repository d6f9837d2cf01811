//! What a reader did with reads: marks, notes, labels, highlights, answers.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use backissue_model::{
    CardAnswer, Deck, Highlight, Label, Mark, Note, NoteText, Quote, Rating, ReadId, ReaderId,
    number_in_address, remark_of,
};
use backissue_practise::next_showing;
use backissue_store::{Highlighted, Labelled, NoteSaved, RemarkSaved, Store};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Number;
use utoipa::ToSchema;

use crate::api::answer::live;
use crate::api::names::one_of;
use crate::api::v1::problem::Problem;
use crate::api::v1::request::{Body, Named, Nothing, Params};
use crate::fault::Fault;
use crate::pages::{not_highlighted, refused, too_many_labels};
use crate::programs::Program;
use crate::read_address::read_id;
use crate::readers::Visitor;

/// What a reader did with a read.
#[derive(Serialize, ToSchema)]
#[schema(as = Mine)]
struct Own {
    /// The read's number.
    id: i64,
    /// When it was kept. Null if it is not.
    #[schema(value_type = Option<String>, format = DateTime)]
    kept: Option<Timestamp>,
    /// When it was marked as done.
    #[schema(value_type = Option<String>, format = DateTime)]
    done: Option<Timestamp>,
    /// When it was hidden.
    #[schema(value_type = Option<String>, format = DateTime)]
    hidden: Option<Timestamp>,
    note: OwnNote,
    labels: Vec<String>,
    highlights: Vec<OwnHighlight>,
    answers: Vec<OwnAnswer>,
}

/// A note in Markdown.
#[derive(Serialize, ToSchema)]
#[schema(as = Note)]
struct OwnNote {
    /// Empty if there is none.
    text: String,
    /// Grows with each change.
    version: i64,
    #[schema(value_type = Option<String>, format = DateTime)]
    changed_at: Option<Timestamp>,
}

/// A passage that a reader marked.
#[derive(Serialize, ToSchema)]
#[schema(as = Highlight)]
struct OwnHighlight {
    id: i64,
    quote: String,
    /// What stands before it in the article.
    prefix: String,
    /// What stands after it in the article.
    suffix: String,
    /// The remark in Markdown; may be empty.
    remark: String,
    /// Grows with each change of the remark.
    version: i64,
    #[schema(value_type = String, format = DateTime)]
    made_at: Timestamp,
}

/// What a reader would have done about a read's problem.
#[derive(Serialize, ToSchema)]
#[schema(as = Answer)]
struct OwnAnswer {
    id: i64,
    text: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// How well the reader knew it. Null if it was not rated.
    rating: Option<String>,
}

impl From<Note> for OwnNote {
    fn from(note: Note) -> Self {
        Self { text: note.text.as_str().to_owned(), version: note.version, changed_at: note.changed_at }
    }
}

impl From<Highlight> for OwnHighlight {
    fn from(highlight: Highlight) -> Self {
        let Quote { exact, prefix, suffix } = highlight.quote;
        Self {
            id: highlight.id,
            quote: exact,
            prefix,
            suffix,
            remark: highlight.remark.as_str().to_owned(),
            version: highlight.version,
            made_at: highlight.made_at,
        }
    }
}

impl From<CardAnswer> for OwnAnswer {
    fn from(answer: CardAnswer) -> Self {
        Self {
            id: answer.id,
            text: answer.text.as_str().to_owned(),
            at: answer.at,
            rating: answer.rating.map(|rating| rating.to_string()),
        }
    }
}

/// What the reader did with a read that exists.
async fn own(store: &Store, reader: ReaderId, read: ReadId) -> Result<Response, Fault> {
    let card = store.card(read).await?.ok_or(Fault::NoSuchRead)?;
    let these = [card.id];
    let (marks, note, labels, highlights, answers) = tokio::try_join!(
        store.marks(reader, &these),
        store.note(reader, card.id),
        store.labels(reader, card.id),
        store.highlights(reader, card.id),
        store.card_answers(reader, card.id),
    )?;
    let marks = marks.get(&card.id).copied().unwrap_or_default();
    live(&Own {
        id: card.id.0,
        kept: marks.kept,
        done: marks.done,
        hidden: marks.hidden,
        note: note.into(),
        labels: labels.iter().map(|label| label.as_str().to_owned()).collect(),
        highlights: highlights.into_iter().map(OwnHighlight::from).collect(),
        answers: answers.into_iter().map(OwnAnswer::from).collect(),
    })
}

/// What the reader did with a read.
#[utoipa::path(get, path = "/api/v1/reads/{id}/mine", operation_id = "get_mine", tag = "Mine", security((), ("token" = ["read"])),
    params(("id" = i64, Path, description = "The read's number.", minimum = 1)), responses((status = 200, body = Own)))]
pub(super) async fn mine(
    Path(id): Path<String>,
    Params(Nothing {}): Params<Nothing>,
    visitor: Visitor,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    own(&store, visitor.known()?, read_id(&id)?).await
}

/// A mark of a reader on a read.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used")]
enum MarkName {
    Keep,
    Done,
    Hide,
}

async fn marked(store: &Store, program: Program, id: &str, mark: &str, set: bool) -> Result<Response, Fault> {
    let read = read_id(id)?;
    let mark: Mark = mark.parse().map_err(|_| {
        let marks = Mark::ALL.map(Mark::as_str).join(", ");
        Fault::BadAddress(format!("There is no mark “{mark}”; the marks are {marks}"))
    })?;
    let done = store.mark(program.reader, read, mark, set, Timestamp::now()).await;
    done.map_err(Fault::or(Fault::NoSuchRead))?;
    own(store, program.reader, read).await
}

/// Keeps a read, marks it as done, or hides it.
#[utoipa::path(put, path = "/api/v1/reads/{id}/marks/{mark}", operation_id = "set_mark", tag = "Mine", security(("token" = ["write"])),
    params(("id" = i64, Path, description = "The read's number.", minimum = 1), ("mark" = inline(MarkName), Path, description = "The mark.")),
    responses((status = 200, body = Own)))]
pub(super) async fn set_mark(
    Path((id, mark)): Path<(String, String)>,
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    marked(&store, program, &id, &mark, true).await
}

/// Takes a mark back.
#[utoipa::path(delete, path = "/api/v1/reads/{id}/marks/{mark}", operation_id = "remove_mark", tag = "Mine", security(("token" = ["write"])),
    params(("id" = i64, Path, description = "The read's number.", minimum = 1), ("mark" = inline(MarkName), Path, description = "The mark.")),
    responses((status = 200, body = Own)))]
pub(super) async fn remove_mark(
    Path((id, mark)): Path<(String, String)>,
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    marked(&store, program, &id, &mark, false).await
}

/// The version of something that a reader wrote. JSON Schema counts `3.0` as an integer too.
#[derive(Clone, Copy, Deserialize)]
#[serde(try_from = "Number")]
struct Version(i64);

impl TryFrom<Number> for Version {
    type Error = String;

    fn try_from(number: Number) -> Result<Self, String> {
        let text = number.to_string();
        let whole = text.strip_suffix(".0").unwrap_or(&text);
        whole
            .parse()
            .map(Self)
            .map_err(|_| format!("{text} is not a version; send the one that was answered"))
    }
}

/// A note to save.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewNote {
    /// Markdown. Empty removes the note.
    #[schema(max_length = 100_000)]
    text: String,
    /// The version that the program knows. If the note has another one, nothing is saved and the
    /// response is a 409. Left out: the text replaces whatever is there.
    #[schema(value_type = Option<i64>)]
    version: Option<Version>,
}

async fn noted(store: &Store, program: Program, id: &str, new: NewNote) -> Result<Response, Fault> {
    let read = read_id(id)?;
    let text: NoteText = new.text.parse().map_err(refused)?;
    let mut seen = match new.version {
        Some(Version(version)) => version,
        None => store.note(program.reader, read).await?.version,
    };
    loop {
        let saved = store.save_note(program.reader, read, &text, seen, Timestamp::now()).await;
        match saved.map_err(Fault::or(Fault::NoSuchRead))? {
            NoteSaved::Saved(_) => return own(store, program.reader, read).await,
            NoteSaved::Conflict(_) if new.version.is_some() => return Err(Fault::Changed),
            NoteSaved::Conflict(now) => seen = now.version,
        }
    }
}

/// Saves the note on a read.
#[utoipa::path(put, path = "/api/v1/reads/{id}/note", operation_id = "save_note", tag = "Mine", security(("token" = ["write"])),
    params(("id" = i64, Path, description = "The read's number.", minimum = 1)), request_body = NewNote, responses((status = 200, body = Own)))]
pub(super) async fn save_note(
    Path(id): Path<String>,
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(store): State<Store>,
    Body(new): Body<NewNote>,
) -> Result<Response, Fault> {
    noted(&store, program, &id, new).await
}

/// Removes the note on a read, whatever its version. An empty text with a `version` removes it only
/// if nobody changed it.
#[utoipa::path(delete, path = "/api/v1/reads/{id}/note", operation_id = "remove_note", tag = "Mine", security(("token" = ["write"])),
    params(("id" = i64, Path, description = "The read's number.", minimum = 1)), responses((status = 200, body = Own)))]
pub(super) async fn remove_note(
    Path(id): Path<String>,
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    noted(&store, program, &id, NewNote { text: String::new(), version: None }).await
}

/// Gives a read a label, and keeps it.
#[utoipa::path(put, path = "/api/v1/reads/{id}/labels/{label}", operation_id = "add_label", tag = "Mine", security(("token" = ["write"])),
    params(("id" = i64, Path, description = "The read's number.", minimum = 1), ("label" = String, Path, description = "The label.", min_length = 1, max_length = 60)),
    responses((status = 200, body = Own)))]
pub(super) async fn add_label(
    Path((id, label)): Path<(String, String)>,
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let read = read_id(&id)?;
    let label: Label = label.parse().map_err(refused)?;
    let added = store.add_label(program.reader, read, &label, Timestamp::now()).await;
    match added.map_err(Fault::or(Fault::NoSuchRead))? {
        Labelled::TooMany => Err(too_many_labels()),
        Labelled::Added => own(&store, program.reader, read).await,
    }
}

/// Takes a label from a read.
#[utoipa::path(delete, path = "/api/v1/reads/{id}/labels/{label}", operation_id = "remove_label", tag = "Mine", security(("token" = ["write"])),
    params(("id" = i64, Path, description = "The read's number.", minimum = 1), ("label" = String, Path, description = "The label.", min_length = 1, max_length = 60)),
    responses((status = 200, body = Own)))]
pub(super) async fn remove_label(
    Path((id, label)): Path<(String, String)>,
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let read = read_id(&id)?;
    let label: Label = label.parse().map_err(refused)?;
    let removed = store.remove_label(program.reader, read, &label).await;
    removed.map_err(Fault::or(Fault::NoSuchRead))?;
    own(&store, program.reader, read).await
}

/// A passage of an article to highlight.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewHighlight {
    /// The words of the article's text.
    #[schema(min_length = 1, max_length = 2_000)]
    quote: String,
    /// What stands before them, if the article has them several times.
    #[serde(default)]
    prefix: String,
    /// What stands after them.
    #[serde(default)]
    suffix: String,
    /// A remark in Markdown.
    #[serde(default)]
    #[schema(max_length = 10_000)]
    remark: String,
}

/// Highlights a passage of a read's article.
#[utoipa::path(post, path = "/api/v1/reads/{id}/highlights", operation_id = "add_highlight", tag = "Mine", security(("token" = ["write"])),
    params(("id" = i64, Path, description = "The read's number.", minimum = 1)), request_body = NewHighlight,
    responses((status = 201, description = "It is highlighted.", body = OwnHighlight), (status = 422, description = "The article does not have these words, or has them several times.", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn add_highlight(
    Path(id): Path<String>,
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(store): State<Store>,
    Body(new): Body<NewHighlight>,
) -> Result<Response, Fault> {
    let read = read_id(&id)?;
    let quote = Quote::new(&new.quote, &new.prefix, &new.suffix).map_err(refused)?;
    let remark = remark_of(&new.remark).map_err(refused)?;
    let added = store.add_highlight(program.reader, read, &quote, &remark, Timestamp::now()).await;
    match added.map_err(Fault::or(Fault::NoSuchRead))? {
        Highlighted::Added(highlight) => {
            Ok((StatusCode::CREATED, live(&OwnHighlight::from(highlight))?).into_response())
        }
        other => Err(not_highlighted(&other)),
    }
}

/// A remark to save.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRemark {
    /// Markdown; may be empty.
    #[schema(max_length = 10_000)]
    remark: String,
    /// The version of the highlight that the program knows. With another one nothing is saved and
    /// the response is a 409.
    #[schema(value_type = i64)]
    version: Version,
}

/// Changes the remark on a highlight.
#[utoipa::path(put, path = "/api/v1/highlights/{id}", operation_id = "save_remark", tag = "Mine", security(("token" = ["write"])),
    params(("id" = i64, Path, description = "The highlight's number.", minimum = 1)), request_body = NewRemark, responses((status = 200, body = OwnHighlight)))]
pub(super) async fn save_remark(
    Path(id): Path<String>,
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(store): State<Store>,
    Body(new): Body<NewRemark>,
) -> Result<Response, Fault> {
    let id = number_in_address(&id).ok_or(Fault::NoSuchHighlight)?;
    let remark = remark_of(&new.remark).map_err(refused)?;
    let saved = store.save_remark(program.reader, id, &remark, new.version.0, Timestamp::now()).await;
    match saved.map_err(Fault::or(Fault::NoSuchHighlight))? {
        RemarkSaved::Saved(highlight) => live(&OwnHighlight::from(highlight)),
        RemarkSaved::Conflict(_) => Err(Fault::Changed),
    }
}

/// Removes a highlight.
#[utoipa::path(delete, path = "/api/v1/highlights/{id}", operation_id = "remove_highlight", tag = "Mine", security(("token" = ["write"])),
    params(("id" = i64, Path, description = "The highlight's number.", minimum = 1)), responses((status = 204, description = "It is removed.")))]
pub(super) async fn remove_highlight(
    Path(id): Path<String>,
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(store): State<Store>,
) -> Result<StatusCode, Fault> {
    let id = number_in_address(&id).ok_or(Fault::NoSuchHighlight)?;
    let removed = store.remove_highlight(program.reader, id, Timestamp::now()).await;
    removed.map_err(Fault::or(Fault::NoSuchHighlight))?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a reader would do about a read's problem.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAnswer {
    /// Markdown; may be empty.
    #[schema(max_length = 100_000)]
    text: String,
}

/// Answers the card of a read, before seeing what the team did.
#[utoipa::path(post, path = "/api/v1/reads/{id}/answers", operation_id = "answer_card", tag = "Mine", security(("token" = ["write"])),
    params(("id" = i64, Path, description = "The read's number.", minimum = 1)), request_body = NewAnswer,
    responses((status = 201, description = "It is kept.", body = OwnAnswer)))]
pub(super) async fn answer(
    Path(id): Path<String>,
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(store): State<Store>,
    Body(new): Body<NewAnswer>,
) -> Result<Response, Fault> {
    let text: NoteText = new.text.parse().map_err(refused)?;
    let kept = store.answer_card(program.reader, read_id(&id)?, &text, Timestamp::now()).await;
    let kept = kept.map_err(Fault::or(Fault::NoSuchRead))?;
    Ok((StatusCode::CREATED, live(&OwnAnswer::from(kept))?).into_response())
}

/// How well the reader knew what the team did.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRating {
    #[schema(schema_with = ratings)]
    rating: Named<Rating>,
}

fn ratings() -> utoipa::openapi::schema::Object {
    one_of(Rating::ALL.map(Rating::as_str))
}

/// Rates an answer, which decides when its card comes up again.
#[utoipa::path(put, path = "/api/v1/answers/{id}/rating", operation_id = "rate_answer", tag = "Mine", security(("token" = ["write"])),
    params(("id" = i64, Path, description = "The answer's number.", minimum = 1)), request_body = NewRating, responses((status = 200, body = OwnAnswer)))]
pub(super) async fn rate(
    Path(id): Path<String>,
    Params(Nothing {}): Params<Nothing>,
    program: Program,
    State(store): State<Store>,
    Body(new): Body<NewRating>,
) -> Result<Response, Fault> {
    let id = number_in_address(&id).ok_or(Fault::NoSuchAnswer)?;
    let rated = store.rate_card(program.reader, id, new.rating.0, next_showing).await;
    live(&OwnAnswer::from(rated.map_err(Fault::or(Fault::NoSuchAnswer))?))
}

/// The card that is due next.
#[derive(Serialize, ToSchema)]
struct NextCard {
    /// Cards that are due, at most 1,000.
    due: u64,
    /// The number of the read to practise with. Null if there is none.
    read: Option<i64>,
    /// Its problem.
    problem: Option<String>,
}

/// The card that is due since longest, else a read that was not practised with yet.
#[utoipa::path(get, path = "/api/v1/cards/next", operation_id = "next_card", tag = "Mine", security((), ("token" = ["read"])),
    responses((status = 200, body = NextCard)))]
pub(super) async fn next_card(
    Params(Nothing {}): Params<Nothing>,
    visitor: Visitor,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let (reader, now, deck) = (visitor.known()?, Timestamp::now(), Deck::Everything);
    let (due, drawn) = tokio::try_join!(store.due_cards(reader, now), store.draw(reader, &deck, &[], now))?;
    let card = match drawn {
        Some(read) => store.card(read).await?,
        None => None,
    };
    live(&NextCard {
        due,
        read: card.as_ref().map(|card| card.id.0),
        problem: card.and_then(|card| card.problem),
    })
}
