//! `/settings/models`: the language models that could be used, and a button for each.
//!
//! Nothing is sent to a model before an operator chooses it. Testing takes as long as a model needs
//! to load, so the page tells how it went when it is opened again.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use crate::App;
use crate::fault::Fault;
use crate::forms::{Signed, sent_to};
use crate::frame::{Document, Frame};
use crate::operator::{ChosenModel, FoundModel, Operator};
use crate::pages::login::not_stored;

/// The name of the annotator without a model.
const BUILT_IN: &str = "built-in";

fn operator(app: &App) -> Result<&Arc<dyn Operator>, Fault> {
    app.operator.as_ref().ok_or(Fault::NoSuchPage)
}

/// `GET /settings/models`
pub(crate) async fn models(frame: Frame, State(app): State<App>) -> Result<Response, Fault> {
    frame.required()?;
    let operator = operator(&app)?;
    let found = operator.models_found().await;
    let chosen = operator.chosen_model();
    let document = Document {
        title: "Choose a language model".to_owned(),
        unlisted: true,
        main: html! {
            div.head {
                p.eyebrow { a href="/settings#models" { "Settings" } }
                h1 { "Choose a language model" }
                p.standfirst {
                    "None is needed. One that is chosen is tested with a short invented article; if it passes, it is written into "
                    code { (operator.configuration_file()) } ". Until then nothing is sent to it."
                }
                @if let Some(chosen) = &chosen { (said(chosen)) }
            }
            section.own {
                @if found.is_empty() { (nothing()) }
                @for model in &found { (offer(&frame, model)) }
                @if found.iter().any(|model| model.is_in_use) { (none(&frame)) }
            }
        },
        ..Document::default()
    };
    Ok(not_stored(frame.page(document)))
}

fn said(chosen: &ChosenModel) -> Markup {
    html! {
        @match &chosen.result {
            None => p #done role="status" {
                "“" (chosen.name) "” is being tested. That takes up to ten minutes if it has to be loaded first. "
                a href="/settings/models" { "See how it went" } "."
            },
            Some(Ok(lines)) => div #done role="status" { @for line in lines { p { (line) } } },
            Some(Err(why)) => p #said .lost role="alert" { "“" (chosen.name) "”: " (why) "." },
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
            @if model.is_in_use {
                p { "It annotates new reads." }
            } @else {
                form.settle method="post" action="/settings/models/use" {
                    (frame.form_fields())
                    input type="hidden" name="model" value=(model.name);
                    div.row { button aria-label={ "Use " (model.name) } { "Use it" } }
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
