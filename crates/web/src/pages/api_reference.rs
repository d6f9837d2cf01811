//! The reference of `/api/v1` on the page `/api`, made from the OpenAPI document.

use maud::{Markup, html};
use serde_json::{Map, Value};

use crate::api::v1::{REMEDIES, document};

/// A table of contents, then all operations by tag, the shapes of answers, and the problems.
pub(crate) fn reference() -> Markup {
    let document = document();
    let operations: Vec<Operation<'_>> = pairs(&document["paths"])
        .flat_map(|(path, item)| pairs(item).map(move |(method, about)| Operation { path, method, about }))
        .collect();
    let mut tags: Vec<&str> = operations.iter().map(Operation::tag).collect();
    // Operations of one tag need not follow each other.
    let mut seen = std::collections::HashSet::new();
    tags.retain(|tag| seen.insert(*tag));
    html! {
        nav.families aria-label="On this page" {
            @for tag in &tags { a href={ "#" (tag_id(tag)) } { (tag) } }
            a href="#shapes" { "What answers consist of" }
            a href="#problems" { "Problems" }
        }
        @for tag in tags {
            h2 id=(tag_id(tag)) { (tag) }
            @for operation in operations.iter().filter(|operation| operation.tag() == tag) { (operation.markup()) }
        }
        h2 #shapes { "What answers consist of" }
        @for (name, schema) in pairs(&document["components"]["schemas"]) { (shape(name, schema)) }
        h2 #problems { "Problems" }
        p { "An error has the media type " code { "application/problem+json" } " (RFC 9457). Its " code { "type" } " leads here." }
        dl { @for (code, remedy) in REMEDIES { dt id=(code) { code { (code) } } dd { (prose(remedy)) } } }
    }
}

/// A method of a path.
struct Operation<'d> {
    path: &'d str,
    method: &'d str,
    about: &'d Value,
}

impl<'d> Operation<'d> {
    fn tag(&self) -> &'d str {
        text(&self.about["tags"][0])
    }

    /// The scope that a token needs. `None` if no token is needed.
    fn scope(&self) -> Option<&'d str> {
        self.security().find_map(|way| way["token"][0].as_str())
    }

    /// Whether a login is enough.
    fn takes_a_login(&self) -> bool {
        self.security().any(|way| way.as_object().is_some_and(Map::is_empty))
    }

    fn security(&self) -> impl Iterator<Item = &'d Value> + use<'d> {
        self.about["security"].as_array().into_iter().flatten()
    }

    fn markup(&self) -> Markup {
        let parameters: Vec<&Value> = self.about["parameters"].as_array().into_iter().flatten().collect();
        let body = &self.about["requestBody"]["content"]["application/json"]["schema"];
        html! {
            h3 id=(text(&self.about["operationId"])) { code { (self.method.to_uppercase()) " " (self.path) } }
            p { (prose(text(&self.about["summary"]))) " " (prose(text(&self.about["description"]))) }
            @if let Some(scope) = self.scope() {
                p {
                    "Needs a token with the scope " code { (scope) }
                    @if self.takes_a_login() { ", or a login" } "."
                }
            }
            @if !parameters.is_empty() {
                dl {
                    @for parameter in parameters {
                        dt { code { (text(&parameter["name"])) } @if parameter["required"] == true { " (required)" } }
                        dd { (prose(text(&parameter["description"]))) " " (kind(&parameter["schema"])) }
                    }
                }
            }
            @if !body.is_null() { p { "Takes " (kind(body)) "." } }
            p {
                "Answers with "
                @for (nth, (status, answer)) in answers(self.about).enumerate() {
                    @if nth > 0 { ", or " }
                    (status)
                    @for (media_type, content) in pairs(&answer["content"]) {
                        " "
                        @if media_type == "application/json" { (kind(&content["schema"])) } @else { code { (media_type) } }
                    }
                }
                "."
            }
        }
    }
}

/// The answers that are no errors.
fn answers(about: &Value) -> impl Iterator<Item = (&str, &Value)> {
    pairs(&about["responses"]).filter(|(status, _)| status.starts_with('2'))
}

fn shape(name: &str, schema: &Value) -> Markup {
    let parts = schema["allOf"].as_array().into_iter().flatten();
    let included: Vec<&Value> = parts.clone().filter(|part| part.get("$ref").is_some()).collect();
    let own = parts.filter(|part| part.get("$ref").is_none()).chain([schema]);
    html! {
        h3 id=(format!("shape-{name}")) { code { (name) } }
        p {
            (prose(text(&schema["description"])))
            @for part in included { " It has all fields of " (kind(part)) "." }
            @if schema.get("enum").is_some() { (kind(schema)) }
        }
        dl {
            @for part in own {
                @for (name, property) in pairs(&part["properties"]) {
                    dt { code { (name) } }
                    dd { (prose(text(&property["description"]))) " " (kind(property)) }
                }
            }
        }
    }
}

/// The type of a value, with links to shapes.
fn kind(schema: &Value) -> Markup {
    if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
        return html! { a href={ "#shape-" (name) } { code { (name) } } };
    }
    if let Some(values) = schema["enum"].as_array() {
        return html! {
            @for (nth, value) in values.iter().enumerate() {
                @if nth > 0 { ", " }
                code { (value.as_str().unwrap_or("null")) }
            }
        };
    }
    for alternatives in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema[alternatives].as_array() {
            return html! { @for (nth, part) in parts.iter().enumerate() { @if nth > 0 { " or " } (kind(part)) } };
        }
    }
    let types = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" or "),
        one => text(one).to_owned(),
    };
    html! {
        span.quiet {
            (types)
            @if let Some(format) = schema["format"].as_str() { " (" (format) ")" }
            @if schema.get("minimum").is_some() || schema.get("maximum").is_some() {
                " from " (schema["minimum"]) @if schema.get("maximum").is_some() { " to " (schema["maximum"]) }
            }
        }
        @if schema.get("items").is_some() { " of " (kind(&schema["items"])) }
    }
}

fn pairs(object: &Value) -> impl Iterator<Item = (&str, &Value)> {
    object.as_object().into_iter().flat_map(Map::iter).map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The id of the heading of a tag.
fn tag_id(tag: &str) -> String {
    format!("about-{}", tag.to_lowercase().replace(' ', "-"))
}

/// A text of the document, with what stands between backquotes as code.
fn prose(text: &str) -> Markup {
    html! {
        @for (nth, part) in text.split('`').enumerate() {
            @if nth % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
