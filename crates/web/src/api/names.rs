//! The names of values in schemas: one list, that of the type.

use backissue_model::{Form, Kind, Sureness};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// The kinds of posts.
pub(super) fn kinds() -> Object {
    one_of(Kind::ALL.map(Kind::as_str))
}

/// Whose words a statement uses; null if there is none.
pub(super) fn forms() -> Object {
    let mut forms = one_of(Form::ALL.map(Form::as_str));
    forms.schema_type = SchemaType::from_iter([Type::String, Type::Null]);
    forms.enum_values.get_or_insert_default().push(serde_json::Value::Null);
    forms
}

/// Whose words a statement uses.
pub(super) fn form() -> Object {
    one_of(Form::ALL.map(Form::as_str))
}

/// How sure a statement is.
pub(super) fn sureness() -> Object {
    one_of([Sureness::Unsure, Sureness::Likely, Sureness::Sure].map(Sureness::as_str))
}

/// One of these texts.
pub(super) fn one_of<const N: usize>(names: [&'static str; N]) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names)).build()
}
