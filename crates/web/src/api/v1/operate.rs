//! What operators do: follow and unfollow, and see what models cost.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use backissue_model::{typed_address, without_credentials};
use backissue_store::{Follow, Spent, Store, Unfollow, Unfollowed};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::App;
use crate::api::answer::live;
use crate::api::v1::request::{Body, Nothing, Params};
use crate::api::v1::sources::ApiSource;
use crate::fault::Fault;
use crate::operating::{find_to_follow, operator};
use crate::operator::FoundToFollow;

/// Most days of usage in an answer, counted per model.
const DAYS: u32 = 400;

/// A blog to follow.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewFollow {
    /// The address of the blog, its feed, its sitemap or its list of articles.
    #[schema(example = "https://vitess.io/blog", max_length = 2_048)]
    url: String,
}

/// Follows a blog. Its page is fetched to find the feed, which takes a while.
#[utoipa::path(post, path = "/api/v1/sources", operation_id = "follow_source", tag = "Sources", security(("token" = ["operate"])),
    request_body = NewFollow, responses((status = 200, description = "It was followed already.", body = ApiSource), (status = 201, description = "It is followed.", body = ApiSource, headers(("Location" = String, description = "Its address.")))))]
pub(super) async fn follow(
    Params(Nothing {}): Params<Nothing>,
    State(app): State<App>,
    Body(new): Body<NewFollow>,
) -> Result<Response, Fault> {
    let invalid = Fault::BadForm;
    let url = typed_address(&new.url).map_err(|why| invalid(why.to_string()))?;
    let found = match find_to_follow(&app, &url).await?.map_err(invalid)? {
        FoundToFollow::One(found) => found,
        FoundToFollow::Several(feeds) => {
            let feeds: Vec<String> = feeds.iter().map(|(_, feed)| without_credentials(feed).into()).collect();
            return Err(invalid(format!("It has several feeds; send one of {}", feeds.join(", "))));
        }
    };
    let Follow { source, is_new } = app.store.follow(&found, Timestamp::now()).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let location = is_new.then(|| [(LOCATION, format!("/api/v1/sources/{}", source.slug))]);
    Ok((status, location, live(&ApiSource::from(source))?).into_response())
}

/// What happens to the reads of a source.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Fate {
    #[default]
    Keep,
    Delete,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Unfollowing {
    /// Whether its reads stay (`keep`, if left out), or leave the archive (`delete`) unless a
    /// reader did something with them or another source names them.
    #[param(inline)]
    reads: Option<Fate>,
}

/// What became of the reads of a source.
#[derive(Serialize, ToSchema)]
struct Parted {
    reads_kept: u64,
    reads_deleted: u64,
}

/// Stops following a blog.
#[utoipa::path(delete, path = "/api/v1/sources/{slug}", operation_id = "unfollow_source", tag = "Sources", security(("token" = ["operate"])),
    params(("slug" = String, Path, description = "The source's slug.", min_length = 1), Unfollowing), responses((status = 200, body = Parted)))]
pub(super) async fn unfollow(
    Path(slug): Path<String>,
    Params(given): Params<Unfollowing>,
    State(store): State<Store>,
) -> Result<Response, Fault> {
    let source = store.source_by_slug(&slug).await?.filter(|source| source.unfollowed_at.is_none());
    let Some(source) = source else { return Err(Fault::no_such_source(&store, &slug).await) };
    let what = match given.reads.unwrap_or_default() {
        Fate::Keep => Unfollow::KeepReads,
        Fate::Delete => Unfollow::DropReads,
    };
    let Unfollowed { reads_kept, reads_dropped } = store.unfollow(source.id, what, Timestamp::now()).await?;
    live(&Parted { reads_kept, reads_deleted: reads_dropped })
}

/// The language models and what they were asked.
#[derive(Serialize, ToSchema)]
struct Models {
    /// The configured models.
    models: Vec<Model>,
    /// What each model was asked per day, newest day first.
    days: Vec<Day>,
}

/// A configured language model.
#[derive(Serialize, ToSchema)]
struct Model {
    name: String,
    /// Its protocol, server and limits, in words.
    about: String,
    /// What it is used for. Empty if it is used only on request.
    roles: Vec<&'static str>,
}

/// What a model was asked on one day.
#[derive(Serialize, ToSchema)]
struct Day {
    /// The day in UTC.
    #[schema(format = Date)]
    day: String,
    model: String,
    /// Reads for which it was used.
    reads: u64,
    /// Prompts with a reply.
    questions: u64,
    input_tokens: u64,
    output_tokens: u64,
    cached_tokens: u64,
    cache_writes: u64,
    batch_input_tokens: u64,
    batch_output_tokens: u64,
    /// Prompts without a reply.
    failures: u64,
}

impl Day {
    fn of(day: String, model: String, spent: Spent) -> Self {
        Self {
            day,
            model,
            reads: spent.reads,
            questions: spent.questions,
            input_tokens: spent.input_tokens,
            output_tokens: spent.output_tokens,
            cached_tokens: spent.cached_tokens,
            cache_writes: spent.cache_writes,
            batch_input_tokens: spent.batch_input_tokens,
            batch_output_tokens: spent.batch_output_tokens,
            failures: spent.failures,
        }
    }
}

/// The language models and what they were asked.
#[utoipa::path(get, path = "/api/v1/models", operation_id = "list_models", tag = "Models", security((), ("token" = ["operate"])),
    responses((status = 200, body = Models)))]
pub(super) async fn models(
    Params(Nothing {}): Params<Nothing>,
    State(app): State<App>,
) -> Result<Response, Fault> {
    let models = operator(&app)?.models().into_iter();
    let days = app.store.model_usage(DAYS).await?.into_iter();
    live(&Models {
        models: models
            .map(|model| Model { name: model.name, about: model.about, roles: model.roles })
            .collect(),
        days: days.map(|day| Day::of(day.day, day.model, day.spent)).collect(),
    })
}
