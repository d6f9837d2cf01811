//! Checks the arguments of a tool against its schema. So the limits of the schema hold for all
//! tools, and errors are in plain words.

use serde_json::{Map, Value};

/// Maximum characters of an unknown name in an error.
const NAME_MAX: usize = 80;

/// Why these arguments do not fit the schema of a tool. Returns `None` if they do.
pub(crate) fn misfit(schema: &Map<String, Value>, arguments: &Map<String, Value>) -> Option<String> {
    let none = Map::new();
    let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
    let mut required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    if let Some(name) = required.find_map(|name| name.as_str().filter(|name| !arguments.contains_key(*name)))
    {
        return Some(format!("the argument `{name}` is missing"));
    }
    arguments.iter().find_map(|(name, value)| match known.get(name) {
        Some(property) if fits(property, value) => None,
        Some(property) => Some(format!("`{name}` has to be {}", wanted(property))),
        None if known.is_empty() => Some("this tool takes no arguments".to_owned()),
        None => {
            let names: Vec<&str> = known.keys().map(String::as_str).collect();
            Some(format!("there is no argument `{}`; the arguments are {}", short(name), names.join(", ")))
        }
    })
}

/// A name that an agent sent, cut to a length that an error can show.
pub(crate) fn short(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(NAME_MAX).collect()
}

/// Whether a value has a type of the property and is within its limits.
fn fits(property: &Value, value: &Value) -> bool {
    let is_within = |number: i64| {
        property["minimum"].as_i64().is_none_or(|minimum| number >= minimum)
            && property["maximum"].as_i64().is_none_or(|maximum| number <= maximum)
    };
    match value {
        Value::Null => has_type(property, "null"),
        Value::String(_) => has_type(property, "string"),
        Value::Number(number) => has_type(property, "integer") && number.as_i64().is_some_and(is_within),
        _ => false,
    }
}

/// What a property has to be, in words. Arguments are texts and whole numbers.
fn wanted(property: &Value) -> String {
    if !has_type(property, "integer") {
        return "a text".to_owned();
    }
    match (property["minimum"].as_i64(), property["maximum"].as_i64()) {
        (Some(minimum), Some(maximum)) => format!("a whole number from {minimum} to {maximum}"),
        (Some(minimum), None) => format!("a whole number, at least {minimum}"),
        (None, _) => "a whole number".to_owned(),
    }
}

fn has_type(property: &Value, name: &str) -> bool {
    match &property["type"] {
        Value::Array(types) => types.iter().any(|known| known.as_str() == Some(name)),
        known => known.as_str() == Some(name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn arguments_that_do_not_fit_are_named_in_plain_words() {
        let schema = json!({
            "properties": {
                "query": { "type": "string" },
                "week": { "type": ["string", "null"] },
                "id": { "type": "integer" },
                "limit": { "type": "integer", "minimum": 1, "maximum": 50 },
                "offset": { "type": "integer", "minimum": 0 },
            },
            "required": ["query"],
        });
        let said = |schema: &Value, arguments: Value| {
            misfit(schema.as_object().unwrap(), arguments.as_object().unwrap())
        };
        for (arguments, says) in [
            (json!({}), "the argument `query` is missing"),
            (json!({ "query": 5 }), "`query` has to be a text"),
            (json!({ "query": null }), "`query` has to be a text"),
            (json!({ "query": ["x"] }), "`query` has to be a text"),
            (json!({ "query": "x", "id": "many" }), "`id` has to be a whole number"),
            (json!({ "query": "x", "limit": 0 }), "`limit` has to be a whole number from 1 to 50"),
            (json!({ "query": "x", "limit": 51 }), "`limit` has to be a whole number from 1 to 50"),
            (json!({ "query": "x", "limit": 2.5 }), "`limit` has to be a whole number from 1 to 50"),
            (json!({ "query": "x", "offset": -1 }), "`offset` has to be a whole number, at least 0"),
        ] {
            assert_eq!(said(&schema, arguments).as_deref(), Some(says));
        }
        let unknown = said(&schema, json!({ "query": "x", "colour": "red" })).unwrap();
        assert!(unknown.starts_with("there is no argument `colour`; the arguments are "), "{unknown}");
        assert_eq!(said(&schema, json!({ "query": "x", "week": null, "limit": 50, "id": -1 })), None);
        assert_eq!(said(&json!({}), json!({ "x": 1 })).as_deref(), Some("this tool takes no arguments"));
        assert_eq!(said(&json!({}), json!({})), None);
    }
}
