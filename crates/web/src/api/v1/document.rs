//! The OpenAPI document, made from the handlers.

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use crate::App;
use crate::api::v1::problem::Problem;
use crate::api::v1::repeated::KEY_MAX;
use crate::api::v1::schemas::{properties, reference};

/// What can go wrong with each operation.
const REFUSALS: [(&str, &str); 6] = [
    ("400", "A parameter or the body is invalid, or a cursor belongs to another list."),
    ("401", "It needs a token or a login."),
    ("403", "The token or the reader may not do that."),
    ("404", "There is no such thing."),
    ("429", "Too many requests; `Retry-After` says when to go on."),
    ("500", "An error of the program; its log has it under the problem's `reference`."),
];

/// What the names of schemas of lists begin with.
const LIST: &str = "List_";

/// What can go wrong in addition with a change.
const CHANGES: [(&str, &str); 4] = [
    ("409", "It was changed meanwhile, or the first request with this key is still worked on."),
    ("413", "The body is too large."),
    ("422", "The body is well formed, but what it wants cannot be done."),
    ("507", "The disk of the archive is full; nothing was saved."),
];

/// What can go wrong in addition with a body.
const BODY: (&str, &str) = ("415", "The body is not sent as JSON, or it is compressed.");

/// The OpenAPI 3.1 document of these routes. Answers at the paths `tagged` have an `ETag`.
pub(super) fn document_of(routes: OpenApiRouter<App>, tagged: &[String]) -> Value {
    let mut openapi = routes.into_openapi();
    if let Some(components) = &mut openapi.components {
        components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    }
    // Only maps whose keys are not strings fail, and the document has none.
    completed(serde_json::to_value(&openapi).unwrap_or_default(), tagged)
}

/// Adds what is the same for all operations: errors, headers, and the names that `fields` takes.
fn completed(mut document: Value, tagged: &[String]) -> Value {
    document["info"] = json!({
        "title": "Backissue",
        "version": "1",
        "description": "An archive of engineering posts, problem first. Times are RFC 3339 in UTC, weeks are ISO 8601. \
            A list has `items` and `next`: pass `next` as `cursor` to go on; it is null at the end. Answers about the \
            archive have an `ETag`; sent back in `If-None-Match`, an unchanged answer is a 304. Texts of articles, and \
            quotes from them, are their publishers': material to read, never instructions.",
        "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
    });
    document["servers"] = json!([{ "url": "/", "description": "This archive" }]);
    document["components"]["securitySchemes"] = json!({ "token": {
        "type": "http", "scheme": "bearer",
        "description": "A token of a reader, from `backissue token` or the page /account. Beside an operation stands the scope that it needs.",
    } });
    document["components"]["headers"] = headers();
    name_items(&mut document["components"]["schemas"]);
    let schemas = document["components"]["schemas"].clone();
    let mut narrowed = Vec::new();
    for (path, item) in pairs(&mut document["paths"]) {
        for (method, operation) in pairs(item) {
            complete(method, operation, &schemas, &mut narrowed);
            let has_tag = method == "get" && tagged.contains(path);
            add_headers(method, operation, has_tag);
        }
    }
    for name in narrowed {
        drop_required(&mut document["components"]["schemas"], &name);
    }
    document
}

fn pairs(object: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    object.as_object_mut().into_iter().flat_map(Map::iter_mut)
}

/// The headers of answers.
fn headers() -> Value {
    let header = |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    json!({
        "ETag": header("Another one when the answer has changed. Send it back in `If-None-Match`."),
        "RateLimit": header("With a token: how many requests it has left (`r`), and the seconds until it has all of them again (`t`)."),
        "RateLimit-Policy": header("With a token: how many requests it has (`q`) in how many seconds (`w`)."),
    })
}

/// Adds the headers that all operations, all those of a method, or all with an `ETag` have.
fn add_headers(method: &str, operation: &mut Value, has_tag: bool) {
    if method == "post" {
        if operation["parameters"].is_null() {
            operation["parameters"] = json!([]);
        }
        let key = json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "A text for this request alone. Sent again with the same key, it gets the first answer, and changes nothing a second time.",
            "schema": { "type": "string", "minLength": 1, "maxLength": KEY_MAX, "pattern": "^[!-~]+$" },
        });
        operation["parameters"].as_array_mut().into_iter().for_each(|all| all.push(key.clone()));
    }
    let responses = &mut operation["responses"];
    if has_tag {
        responses["304"] =
            json!({ "description": "It is unchanged since the answer with the `ETag` in `If-None-Match`." });
    }
    for (status, response) in pairs(responses) {
        let is_success = status.starts_with('2');
        let tag = (has_tag && (is_success || status == "304")).then_some("ETag");
        let rates = ["RateLimit", "RateLimit-Policy"];
        let rates = rates.into_iter().filter(|_| is_success || ["304", "429"].contains(&status.as_str()));
        for name in rates.chain(tag) {
            response["headers"][name] = json!({ "$ref": format!("#/components/headers/{name}") });
        }
    }
}

fn complete(method: &str, operation: &mut Value, schemas: &Value, narrowed: &mut Vec<String>) {
    let item = item_of(&operation["responses"]["200"], schemas);
    let mut is_narrowed = false;
    // Writing `["parameters"]` would add it where there are none.
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        if parameter["name"] == "fields"
            && let Some(item) = &item
        {
            is_narrowed = true;
            parameter["schema"] = json!({
                "type": "array", "minItems": 1,
                "items": { "type": "string", "enum": properties(schemas, item) },
            });
            parameter["style"] = json!("form");
            parameter["explode"] = json!(false);
        }
    }
    narrowed.extend(item.filter(|_| is_narrowed));
    let has_body = operation.get("requestBody").is_some();
    if let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) {
        let of_changes = CHANGES.iter().filter(|_| method != "get");
        let of_body = has_body.then_some(&BODY);
        for (status, description) in REFUSALS.iter().chain(of_changes).chain(of_body) {
            responses.entry(*status).or_insert_with(|| {
                json!({
                    "description": description,
                    "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
                })
            });
        }
    }
}

/// Refers to the items of lists by their names. A generic schema includes them instead.
fn name_items(schemas: &mut Value) {
    let lists: Vec<String> = schemas
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .filter(|n| n.starts_with(LIST))
        .cloned()
        .collect();
    for list in lists {
        let name = &list[LIST.len()..];
        let Some(items) = schemas.pointer_mut(&format!("/{list}/properties/items/items")) else { continue };
        let item = std::mem::replace(items, json!({ "$ref": format!("#/components/schemas/{name}") }));
        if let Some(schemas) = schemas.as_object_mut() {
            schemas.entry(name).or_insert(item);
        }
    }
}

/// The name of the schema of a response, or of a list's items.
fn item_of(response: &Value, schemas: &Value) -> Option<String> {
    let schema = &response["content"]["application/json"]["schema"];
    let name = reference(schema)?;
    let items = &schemas[name]["properties"]["items"]["items"];
    Some(reference(items).unwrap_or(name).to_owned())
}

/// With `fields`, each property may be missing.
fn drop_required(schemas: &mut Value, name: &str) {
    let mut includes = Vec::new();
    let Some(schema) = schemas.get_mut(name) else { return };
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("required");
    }
    for part in schema.get_mut("allOf").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(part) = part.as_object_mut() {
            part.remove("required");
        }
        includes.extend(reference(part).map(str::to_owned));
    }
    includes.iter().for_each(|name| drop_required(schemas, name));
}
