//! `/settings/models`: the language models that could be used, a test of each configured one, and
//! what they cost.
//!
//! Nothing is sent to a model before an operator chooses or tests it. Testing takes as long as a
//! model needs to load, so the page tells how it went when it is opened again.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use backissue_store::{MonthUsage, Spent};
use maud::{Markup, html};

use crate::App;
use crate::fault::Fault;
use crate::forms::{Signed, sent_to};
use crate::frame::{Document, Frame};
use crate::operating::operator;
use crate::operator::{FoundModel, Operator, TriedModel};
use crate::pages::login::not_stored;
use crate::words;

/// The name of the annotator without a model.
const BUILT_IN: &str = "built-in";

/// Maximum months of models: ten years of two models.
const MONTHS: u32 = 240;

/// `GET /settings/models`
pub(crate) async fn models(frame: Frame, State(app): State<App>) -> Result<Response, Fault> {
    frame.required()?;
    let operator = operator(&app)?;
    let found = operator.models_found().await;
    let tried = operator.tried_model();
    let (totals, months) = tokio::try_join!(app.store.spent_by_model(), app.store.spent_by_month(MONTHS))?;
    let document = Document {
        title: "Language models".to_owned(),
        unlisted: true,
        main: html! {
            div.head {
                p.eyebrow { a href="/settings#models" { "Settings" } }
                h1 { "Language models" }
                p.standfirst {
                    "None is needed. One that is chosen is tested with a short invented article; if it passes, it is written into "
                    code { (operator.configuration_file()) } ". Until then nothing is sent to it."
                }
                @if let Some(tried) = &tried { (said(tried)) }
            }
            section.own {
                @if found.is_empty() { (nothing()) }
                @for model in &found { (offer(&frame, model)) }
                @if found.iter().any(|model| model.is_in_use) { (none(&frame)) }
            }
            (costs(operator, &totals, &months))
        },
        ..Document::default()
    };
    Ok(not_stored(frame.page(document)))
}

fn said(tried: &TriedModel) -> Markup {
    html! {
        @match &tried.result {
            None => p #done role="status" {
                "“" (tried.name) "” is being tested. That takes up to ten minutes if it has to be loaded first. "
                a href="/settings/models" { "See how it went" } "."
            },
            Some(Ok(lines)) => div #done role="status" { p { "“" (tried.name) "”:" } @for line in lines { p { (line) } } },
            Some(Err(why)) => p #said .lost role="alert" { "“" (tried.name) "”: " (why) "." },
        }
    }
}

fn nothing() -> Markup {
    html! {
        p.say {
            "No model was found. Start Ollama, LM Studio or llama.cpp on this machine, or start this program with a key in its environment, such as "
            code { "ANTHROPIC_API_KEY" } " or " code { "OPENAI_API_KEY" } "; then open this page again."
        }
    }
}

fn offer(frame: &Frame, model: &FoundModel) -> Markup {
    html! {
        article {
            h2 { (model.name) }
            p { (model.about) }
            p.quiet { (model.price) }
            @if model.is_in_use { p { "It annotates new reads." } }
            @if !model.is_in_use || model.is_configured {
                form.settle method="post" action="/settings/models/use" {
                    (frame.form_fields())
                    input type="hidden" name="model" value=(model.name);
                    div.row {
                        @if !model.is_in_use { button aria-label={ "Use " (model.name) } { "Use it" } }
                        @if model.is_configured {
                            button formaction="/settings/models/test" aria-label={ "Test " (model.name) } { "Test it" }
                        }
                    }
                }
            }
        }
    }
}

fn none(frame: &Frame) -> Markup {
    html! {
        form.settle method="post" action="/settings/models/use" {
            (frame.form_fields())
            input type="hidden" name="model" value=(BUILT_IN);
            div.row { button { "Annotate without a model" } }
        }
    }
}

/// What each model cost, in all and per month.
fn costs(operator: &Arc<dyn Operator>, totals: &[(String, Spent)], months: &[MonthUsage]) -> Markup {
    let dollars = |model: &str, spent: &Spent| operator.cost(model, spent);
    html! {
        section aria-labelledby="costs" {
            h2 #costs .section { "What they cost" }
            @if totals.is_empty() {
                p.say { "No language model has been used yet." }
            } @else {
                dl.facts.wide {
                    @for (model, total) in totals {
                        dt { (model) }
                        dd {
                            @match dollars(model, total) {
                                Some(cost) => { p { "In all " strong { (cost) } " for " (words::count(total.reads, "read")) "." } }
                                None => p {
                                    "Its price is not known. " code { "input_price" } " and " code { "output_price" }
                                    ", dollars per million tokens, in its " code { "[[model]]" } " table tell it."
                                }
                            }
                            @for month in months.iter().filter(|month| month.model == *model) {
                                @let Spent { reads, input_tokens, output_tokens, .. } = month.spent;
                                p {
                                    (month.month) ": "
                                    @if let Some(cost) = dollars(model, &month.spent) { (cost) ", " }
                                    (words::count(reads, "read")) ", " (words::number(input_tokens)) " tokens in and "
                                    (words::number(output_tokens)) " out"
                                }
                            }
                        }
                    }
                }
                p.quiet { "At today’s prices. Months are in UTC." }
            }
        }
    }
}

/// `POST /settings/models/test`
pub(crate) async fn test(State(app): State<App>, form: Signed) -> Result<Response, Fault> {
    let operator = operator(&app)?;
    let name = form.field("model")?;
    if !operator.models().iter().any(|model| model.name == name) {
        return Err(Fault::BadForm("It names a model that is not configured".to_owned()));
    }
    // If another one is being tested, the page says so.
    operator.test_model(name);
    Ok(sent_to("/settings/models"))
}

/// `POST /settings/models/use`
pub(crate) async fn choose(State(app): State<App>, form: Signed) -> Result<Response, Fault> {
    let operator = operator(&app)?;
    let name = form.field("model")?;
    // A name that was not offered could lead to any server.
    let is_offered = name == BUILT_IN || operator.models_found().await.iter().any(|model| model.name == name);
    if !is_offered {
        return Err(Fault::BadForm("It names a model that is not there any more".to_owned()));
    }
    // If another one is being tested, the page says so.
    operator.choose_model(name);
    Ok(sent_to("/settings/models"))
}
