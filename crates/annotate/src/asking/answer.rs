//! Parses the fields of a model's reply.
//!
//! A malformed field does not affect the others. This module must not judge what a field says.

use serde_json::{Map, Value};

use crate::asking::near_json::object_in;

/// The content of one field in a model's reply.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Said<T> {
    /// The field has no usable value. Holds the text that the reply has instead.
    Nothing(String),
    /// The field is `null`.
    Null,
    Value(T),
}

/// A statement and the numbers of the sentences that it cites.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Claim {
    pub text: String,
    pub sentences: Vec<usize>,
}

/// A model's reply to the prompt for a précis: parsed, but not checked.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub kind: Said<String>,
    pub problem: Said<Claim>,
    pub approach: Said<Claim>,
    pub outcome: Said<Claim>,
    pub concepts: Said<Vec<String>>,
    pub technologies: Said<Vec<String>>,
}

/// The names of a reply's fields.
pub const FIELDS: [&str; 6] = ["kind", "problem", "approach", "outcome", "concepts", "technologies"];

impl Answer {
    /// Parses a reply. Returns `None` if no JSON object in it has any of the fields.
    pub(super) fn read(reply: &str) -> Option<Self> {
        let object = object_in(reply, |object| FIELDS.iter().any(|field| object.contains_key(*field)))?;
        Some(Self {
            kind: text(&object, "kind"),
            problem: claim(&object, "problem"),
            approach: claim(&object, "approach"),
            outcome: claim(&object, "outcome"),
            concepts: list(&object, "concepts"),
            technologies: list(&object, "technologies"),
        })
    }

    /// The texts of all statements, joined.
    pub(super) fn statements(&self) -> String {
        let texts =
            [&self.problem, &self.approach, &self.outcome].into_iter().filter_map(|said| match said {
                Said::Value(claim) => Some(claim.text.as_str()),
                _ => None,
            });
        texts.collect::<Vec<_>>().join(" ")
    }
}

fn text(object: &Map<String, Value>, field: &str) -> Said<String> {
    of(object, field, |value| value.as_str().map(str::to_owned))
}

fn list(object: &Map<String, Value>, field: &str) -> Said<Vec<String>> {
    of(object, field, |value| {
        Some(value.as_array()?.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
    })
}

fn claim(object: &Map<String, Value>, field: &str) -> Said<Claim> {
    of(object, field, |value| {
        Some(Claim {
            text: value.get("text")?.as_str()?.to_owned(),
            sentences: value.get("sentences")?.as_array()?.iter().map(number).collect::<Option<_>>()?,
        })
    })
}

/// The number of a sentence, which may also be written as `"[12]"`.
fn number(value: &Value) -> Option<usize> {
    match value {
        Value::Number(number) => usize::try_from(number.as_u64()?).ok(),
        Value::String(text) => text.trim_matches(['[', ']', ' ']).parse().ok(),
        _ => None,
    }
}

fn of<T>(object: &Map<String, Value>, field: &str, read: impl Fn(&Value) -> Option<T>) -> Said<T> {
    match object.get(field) {
        None => Said::Nothing(String::new()),
        Some(Value::Null) => Said::Null,
        Some(value) => read(value).map_or_else(|| Said::Nothing(value.to_string()), Said::Value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_the_wrong_form_spoils_no_other() {
        let answer = Answer::read(
            r#"{"kind": 7, "problem": {"text": "It broke.", "sentences": [1, "[2]", "3"]},
                "approach": {"text": "It was mended."}, "outcome": null, "concepts": ["caching", 3]}"#,
        )
        .unwrap();
        assert_eq!(answer.kind, Said::Nothing("7".into()));
        assert_eq!(answer.problem, Said::Value(Claim { text: "It broke.".into(), sentences: vec![1, 2, 3] }));
        assert!(matches!(answer.approach, Said::Nothing(_)));
        assert_eq!(answer.outcome, Said::Null);
        assert_eq!(answer.concepts, Said::Value(vec!["caching".into()]));
        assert_eq!(answer.technologies, Said::Nothing(String::new()));
    }

    #[test]
    fn a_reply_without_an_answer_is_none() {
        for reply in ["", "I cannot help with that.", "{\"answer\": 42}", "{}"] {
            assert!(Answer::read(reply).is_none(), "{reply}");
        }
    }
}
