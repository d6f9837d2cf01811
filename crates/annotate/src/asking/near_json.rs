//! Reads JSON as models write it: in a code fence, inside prose, with extra commas, cut off at the
//! end.
//!
//! This module repairs only the syntax. If a reply is cut off, the unfinished value is dropped, not
//! guessed.

use serde_json::{Map, Value};

/// Maximum bytes of a reply. A usual one has about two thousand.
const LONGEST: usize = 200_000;
/// Maximum number of opening braces at which an object is tried.
const TRIES: usize = 50;

/// The first JSON object in `reply` that `wanted` accepts.
pub(super) fn object_in(
    reply: &str,
    wanted: impl Fn(&Map<String, Value>) -> bool,
) -> Option<Map<String, Value>> {
    // The reasoning before the reply is not part of it.
    let reply = reply.rsplit_once("</think>").map_or(reply, |(_, after)| after);
    if reply.len() > LONGEST {
        return None;
    }
    let starts = reply.match_indices('{').take(TRIES);
    starts
        .filter_map(|(at, _)| serde_json::from_str::<Map<String, Value>>(&repaired(&reply[at..])).ok())
        .find(wanted)
}

/// `text` from its first brace to the matching one, with repaired syntax.
fn repaired(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Vec<char> = Vec::new();
    let mut in_string = false;
    let mut escaped = false;
    // Where the text can be cut so that no value is incomplete, and the braces open there.
    let mut whole = (0, Vec::new());
    for c in text.chars() {
        if in_string {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_string = false,
                _ => {}
            }
            match c {
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                c if c.is_control() => {}
                c => out.push(c),
            }
            continue;
        }
        match c {
            '"' => in_string = true,
            '{' | '[' => open.push(if c == '{' { '}' } else { ']' }),
            '}' | ']' => {
                let end = out.trim_end().trim_end_matches(',').len();
                out.truncate(end);
                if open.pop() != Some(c) {
                    return out;
                }
            }
            ',' => whole = (out.len(), open.clone()),
            _ => {}
        }
        out.push(c);
        if matches!(c, '{' | '[' | '}' | ']') {
            whole = (out.len(), open.clone());
        }
        if open.is_empty() {
            return out;
        }
    }
    let (end, mut open) = whole;
    out.truncate(end);
    while let Some(closing) = open.pop() {
        out.push(closing);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(reply: &str) -> Option<String> {
        object_in(reply, |_| true).map(|object| Value::Object(object).to_string())
    }

    #[test]
    fn the_faults_that_models_make_are_mended() {
        for (reply, object) in [
            (r#"{"a":1}"#, r#"{"a":1}"#),
            ("Sure! Here it is:\n```json\n{\"a\": 1}\n```\nAnything else?", r#"{"a":1}"#),
            (r#"{"a":[1,2,],"b":{"c":"x, }",},}"#, r#"{"a":[1,2],"b":{"c":"x, }"}}"#),
            ("{\"a\":\"two\nlines\"}", r#"{"a":"two\nlines"}"#),
            ("<think>{\"a\":0} perhaps?</think>{\"a\":1}", r#"{"a":1}"#),
            ("The set {x} is: {\"a\":1} {\"a\":2}", r#"{"a":1}"#),
            (r#"{"a":"\"}"}"#, r#"{"a":"\"}"}"#),
        ] {
            assert_eq!(read(reply).as_deref(), Some(object), "{reply}");
        }
    }

    #[test]
    fn what_was_cut_off_is_dropped_and_not_guessed() {
        for (reply, object) in [
            (r#"{"a":1,"b":"half a sen"#, r#"{"a":1}"#),
            (
                r#"{"a":1,"b":{"text":"whole","sentences":[1,12"#,
                r#"{"a":1,"b":{"text":"whole","sentences":[1]}}"#,
            ),
            (r#"{"a":1,"b":{"text":"#, r#"{"a":1,"b":{}}"#),
            (r#"{"a":1,"b":tru"#, r#"{"a":1}"#),
            (r#"{"a":1},"#, r#"{"a":1}"#),
            (r#"{"a":{"b":1}"#, r#"{"a":{"b":1}}"#),
            (r#"{"a":"x\"#, "{}"),
        ] {
            assert_eq!(read(reply).as_deref(), Some(object), "{reply}");
        }
    }

    #[test]
    fn what_is_no_object_is_none() {
        for reply in ["", "No.", "[1, 2]", "{a: 1}", "{'a': 1}", "}{", &"{".repeat(300_000)] {
            assert!(read(reply).is_none_or(|o| o == "{}"), "{}", &reply[..reply.len().min(20)]);
        }
    }

    proptest! {
        #[test]
        fn anything_may_come(reply in r#"[{}\[\],:"\\ a1\n]{0,80}"#) {
            let _ = read(&reply);
        }

        #[test]
        fn any_object_survives_being_wrapped_and_cut(text in "\\PC{0,40}", cut in 0usize..200) {
            let object = serde_json::json!({ "a": text, "b": [1, 2, 3], "c": { "d": null } }).to_string();
            prop_assert_eq!(read(&format!("So:\n```\n{object}\n```")), Some(object.clone()));
            let end = object.floor_char_boundary(cut);
            if end > 0 {
                prop_assert!(read(&object[..end]).is_some(), "{}", &object[..end]);
            }
        }
    }
}
