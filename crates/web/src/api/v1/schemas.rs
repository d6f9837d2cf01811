//! Schemas of the OpenAPI document: the names of their properties.

use serde_json::{Map, Value};
use utoipa::{PartialSchema, ToSchema};

/// The names that `fields` takes for items of this type.
pub(super) fn fields_of<T: ToSchema>() -> Vec<String> {
    let mut known = vec![(T::name().into_owned(), <T as PartialSchema>::schema())];
    T::schemas(&mut known);
    let value = |schema| serde_json::to_value(schema).unwrap_or_default();
    let schemas: Map<String, Value> = known.into_iter().map(|(name, schema)| (name, value(schema))).collect();
    properties(&Value::Object(schemas), &T::name())
}

/// The names of a schema's properties, with those of the schemas that it includes.
pub(super) fn properties(schemas: &Value, name: &str) -> Vec<String> {
    fn collect(schemas: &Value, schema: &Value, names: &mut Vec<String>) {
        if let Some(name) = reference(schema) {
            collect(schemas, &schemas[name], names);
        }
        names.extend(schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned());
        schema["allOf"].as_array().into_iter().flatten().for_each(|part| collect(schemas, part, names));
    }
    let mut names = Vec::new();
    collect(schemas, &schemas[name], &mut names);
    names
}

/// The name of the schema that this one refers to.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/components/schemas/")
}
