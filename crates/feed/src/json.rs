//! Parses JSON, and keeps only as many values as a feed needs.
//!
//! A value takes much more memory than its text: eight bytes of `{"a":0},` take seven hundred. So
//! the number of values is limited. After [`MAX_VALUES`], the rest of the document is checked to be
//! JSON and dropped.

use std::cell::Cell;
use std::fmt;

use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Maximum values per document: twenty for each of [`MAX_ENTRIES`](crate::MAX_ENTRIES) entries.
const MAX_VALUES: usize = 20 * crate::MAX_ENTRIES;

/// Parses a document.
///
/// # Errors
/// If the document is not JSON.
pub fn read(text: &str) -> serde_json::Result<Value> {
    let left = Cell::new(MAX_VALUES);
    let mut json = serde_json::Deserializer::from_str(text);
    let value = Keep { left: &left }.deserialize(&mut json)?;
    json.end()?;
    Ok(value)
}

/// Keeps values until the limit is reached, and drops the rest.
#[derive(Clone, Copy)]
struct Keep<'l> {
    left: &'l Cell<usize>,
}

impl Keep<'_> {
    fn takes_another(self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left > 0
    }
}

impl<'de> DeserializeSeed<'de> for Keep<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keep<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        while self.takes_another() {
            match items.next_element_seed(self)? {
                Some(item) => kept.push(item),
                None => return Ok(kept.into()),
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(kept.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while self.takes_another() {
            match members.next_key::<String>()? {
                Some(name) => {
                    let value = members.next_value_seed(self)?;
                    kept.insert(name, value);
                }
                None => return Ok(kept.into()),
            }
        }
        while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(kept.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_equals_that_of_serde_json() {
        for text in [
            r#"{"a": [1, -2, 3.5, true, false, null, "x\u00e9\ud83d\ude00"], "b": {"c": {}}, "d": []}"#,
            r#"{"a": 1, "a": 2}"#,
            "[18446744073709551615, 1e400]",
            "[1, 2",
            "[1] 2",
            r#"{"a"}"#,
            "",
            &format!("{}{}", "[".repeat(200), "]".repeat(200)),
        ] {
            let (ours, usual) = (read(text), serde_json::from_str::<Value>(text));
            match (ours, usual) {
                (Ok(ours), Ok(usual)) => assert_eq!(ours, usual, "{text}"),
                (Err(ours), Err(usual)) => assert_eq!(ours.to_string(), usual.to_string(), "{text}"),
                (ours, usual) => panic!("{text}: {ours:?} and not {usual:?}"),
            }
        }
    }

    #[test]
    fn kept_values_are_bounded_and_the_rest_is_checked() {
        let many = format!("[{}0]", "{\"a\":0},".repeat(MAX_VALUES));
        let kept = read(&many).unwrap();
        assert_eq!(kept.as_array().unwrap().len(), MAX_VALUES / 3 + 1);
        assert!(read(&format!("{many}]")).is_err());
        let deep = format!("{{\"tags\": [{}0], \"late\": 1}}", "0,".repeat(MAX_VALUES));
        assert!(read(&deep).unwrap().get("late").is_none());
    }
}
