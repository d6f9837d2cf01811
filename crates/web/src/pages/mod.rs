//! One file per page.

mod account;
mod api;
mod api_reference;
mod companies;
mod concept;
mod concepts;
mod correct;
mod digest;
mod empty;
mod highlight;
mod image;
mod join;
mod login;
mod marks;
mod models;
mod note;
mod openid;
mod opml;
mod own_digest;
mod practise;
mod prior_art;
mod read;
mod readers;
mod save;
mod search;
mod searches;
mod settings;
mod shelf;
mod source;
mod sources;
mod subscribe;
mod tokens;
mod unsubscribe;
mod week;
mod weeks;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;

use crate::forms::{FORM_MAX, form};
use crate::{App, feeds};
pub(crate) use concept::STARTS;
pub(crate) use highlight::not_highlighted;
pub(crate) use note::{refused, too_many_labels};
pub(crate) use practise::deck_href;
pub(crate) use prior_art::look_up;
pub use read::OTHERS;
pub(crate) use save::{SavedPage, save_page};
pub(crate) use searches::saved_id;
pub(crate) use sources::{Condition, state};

/// Pages that answer a question. They depend on the index and maybe on a server, so they are
/// computed for each request.
pub(crate) fn search_routes() -> Router<App> {
    Router::new()
        .route("/search", get(search::search))
        .route("/prior-art", get(prior_art::prior_art))
        .route("/prior-art.md", get(prior_art::markdown))
        .route("/opensearch.xml", get(search::description))
}

/// Pages for the operator. They depend on more than the archive, such as what models cost.
pub(crate) fn operator_routes() -> Router<App> {
    Router::new()
        .route("/searches", get(searches::searches))
        .route("/settings", get(settings::settings))
        .route("/settings/feeds.opml", get(opml::opml))
        .route("/settings/models", get(models::models))
        .route("/settings/source/{id}", get(settings::source))
}

/// Images of articles. They depend only on the article, so they never change.
pub(crate) fn image_routes() -> Router<App> {
    Router::new().route("/image/{read}/{name}", get(image::image))
}

/// Pages with a secret in the address, which is the only permission that they need.
pub(crate) fn secret_routes() -> Router<App> {
    Router::new()
        .route("/unsubscribe/{token}", get(unsubscribe::ask).post(unsubscribe::stop))
        .route("/subscribe/{token}", get(subscribe::ask_again).post(subscribe::confirm))
        .route("/digest/{token}", get(own_digest::ask_again).post(own_digest::confirm))
        .route("/shelf/{feed}", get(feeds::shelf))
}

/// Accounts, login and sessions. They do not depend on the archive.
pub(crate) fn login_routes() -> Router<App> {
    Router::new()
        .route("/login", get(login::ask).post(login::log_in))
        .route("/login/openid", get(openid::begin))
        .route("/login/openid/done", get(openid::done))
        .route("/join/{token}/openid", get(openid::begin_joining))
        .route("/sessions", get(login::sessions))
        .route("/logout", form(login::log_out))
        .route("/sessions/end", form(login::end))
        .route("/join/{token}", get(join::ask).post(join::join))
        .route("/account", get(account::account))
        .route("/account/password", form(account::change_password))
        .route("/account/opening", form(account::change_opening))
        .route("/account/tokens", form(account::make_token))
        .route("/account/tokens/{id}/remove", form(account::remove_token))
        .route("/account/mine.json", get(account::mine))
        .route("/account/digest", get(own_digest::ask).post(own_digest::save))
        .route("/account/digest/stop", form(own_digest::stop))
        .route("/readers", get(readers::readers))
        .route("/offline.json", get(shelf::offline))
        .route("/readers/invite", form(readers::invite))
        .route("/readers/change", form(readers::change))
        .layer(DefaultBodyLimit::max(FORM_MAX))
}

/// Routes that accept forms.
pub(crate) fn form_routes() -> Router<App> {
    Router::new()
        .route("/marks", form(marks::mark))
        .route("/week/{week}/done", form(marks::week_done))
        .route("/week/{week}/issue", form(digest::change))
        .route("/undo", form(marks::undo))
        .route("/note/{id}", form(note::save))
        .route("/labels/{id}", form(note::label))
        .route("/highlights/{id}", form(highlight::add))
        .route("/highlight/{id}/remark", form(highlight::remark))
        .route("/highlight/{id}/remove", form(highlight::remove))
        .route("/correct/{id}/save", form(correct::save))
        .route("/correct/{id}/hide", form(correct::hide))
        .route("/correct/{id}/show", form(correct::show))
        .route("/correct/{id}/merge", form(correct::merge))
        .route("/save", get(save::ask).post(save::save))
        .route("/subscribe", get(subscribe::ask).post(subscribe::subscribe))
        .route("/shelf/address", form(shelf::change_address))
        .route("/searches/save", form(searches::save))
        .route("/searches/{id}/change", form(searches::change))
        .route("/searches/{id}/seen", form(searches::seen))
        .route("/searches/{id}/remove", form(searches::remove))
        .route("/settings/models/use", form(models::choose))
        .route("/settings/models/test", form(models::test))
        .route("/settings/follow", form(settings::follow))
        .route("/settings/group", form(settings::follow_group))
        .route("/settings/ask", form(settings::ask))
        .route("/settings/retry", form(settings::retry))
        .route("/settings/opml", form(opml::follow_list))
        .route("/settings/source/{id}/change", form(settings::change))
        .route("/settings/source/{id}/unfollow", form(settings::unfollow))
        .route("/practise/reveal/{id}", form(practise::reveal))
        .route("/practise/rate/{id}", form(practise::rate_answer))
        .route("/practise/remove/{id}", form(practise::remove))
        .layer(DefaultBodyLimit::max(FORM_MAX))
}

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(week::newest))
        .route("/weeks", get(weeks::weeks))
        .route("/week/{week}", get(week::week))
        .route("/week/{week}/digest", get(digest::digest))
        .route("/read/{id}", get(read::without_slug))
        .route("/read/{id}/{slug}", get(read::read))
        .route("/correct/{id}", get(correct::correct))
        .route("/correct/{id}/same", get(correct::same))
        .route("/sources", get(sources::sources))
        .route("/source/{slug}", get(source::source))
        .route("/companies", get(companies::companies))
        .route("/company/{slug}", get(companies::company))
        .route("/concepts", get(concepts::concepts))
        .route("/concept/{slug}", get(concept::concept))
        .route("/shelf", get(shelf::shelf))
        .route("/notes", get(shelf::notes))
        .route("/practise", get(practise::choose))
        .route("/practise/card", get(practise::card))
        .route("/practise/answer/{id}", get(practise::answer))
        .route("/practise/cards.csv", get(practise::cards))
        .route("/api", get(api::api))
        .route("/feed.atom", get(feeds::all))
        .route("/feed.json", get(feeds::all))
        .route("/weeks.atom", get(feeds::weeks))
        .route("/weeks.json", get(feeds::weeks))
        .route("/search.atom", get(feeds::search))
        .route("/search.json", get(feeds::search))
}
