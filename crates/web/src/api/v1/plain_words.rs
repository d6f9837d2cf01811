//! Describes errors in a body or a parameter in plain words, because the messages of serde are for
//! Rust programmers.

/// Converts a message of serde, which has the path to the value before it. `noun` is the word for
/// the value.
pub(super) fn in_plain_words(noun: &str, said: &str) -> String {
    let said = said.split_once("target type: ").or_else(|| said.split_once("query string: "));
    let said = said.map_or("", |(_, said)| said);
    let said = said.rsplit_once(" at line ").map_or(said, |(said, _)| said);
    let kinds = [
        "missing field ", "unknown field ", "duplicate field ", "unknown variant ", "invalid ",
        "cannot parse integer ", "number too ",
    ];
    let at = kinds.iter().filter_map(|kind| Some((said.find(kind)?, *kind))).min();
    let Some((at, kind)) = at else {
        return match said.split_once(": ") {
            Some((name, why)) => format!("“{name}”: {why}"),
            None => format!("A {noun}: {said}"),
        };
    };
    let path = said[..at].trim_end_matches(": ");
    let name = if path.is_empty() { "The whole".to_owned() } else { format!("“{path}”") };
    let rest = &said[at + kind.len()..];
    let rest = rest.strip_suffix(", there are no fields").unwrap_or(rest);
    let (given, expected) = rest.split_once(", expected ").unwrap_or((rest, ""));
    let given_name = given.trim_matches('`');
    match kind {
        "missing field " => format!("The {noun} “{given_name}” is missing"),
        "duplicate field " => format!("The {noun} “{given_name}” is there twice"),
        "unknown field " if expected.is_empty() => format!("There is no {noun} “{given_name}” here"),
        "unknown field " => {
            format!("There is no {noun} “{given_name}”; the {noun}s are {}", listed(expected))
        }
        "unknown variant " if path.is_empty() => {
            format!("“{given_name}” is none of {}", listed(expected))
        }
        "unknown variant " => format!("{name} is “{given_name}”, but has to be one of {}", listed(expected)),
        "number too " => format!("{name} is too {}", given.split(' ').next().unwrap_or_default()),
        _ if expected.is_empty() => format!("{name} has to be a whole number"),
        _ => {
            let given = given.split_once(": ").map_or(given, |(_, given)| given);
            format!("{name} is {}, but has to be {}", value(given), wanted(expected))
        }
    }
}

/// The names between backquotes.
fn listed(names: &str) -> String {
    let names: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// A value that serde describes.
fn value(given: &str) -> String {
    let (kind, text) = given.split_once(' ').unwrap_or((given, ""));
    match kind {
        "sequence" => "a list".to_owned(),
        "map" => "an object".to_owned(),
        "unit" | "null" | "Option" => "null".to_owned(),
        "string" => format!("the text {text}"),
        "boolean" => text.trim_matches('`').to_owned(),
        "integer" => format!("the number {}", text.trim_matches('`')),
        "floating" => format!("the number {}", text.trim_start_matches("point ").trim_matches('`')),
        _ => given.to_owned(),
    }
}

/// A kind of value that serde expects.
fn wanted(expected: &str) -> &str {
    match expected {
        "a string" => "a text",
        "a boolean" => "true or false",
        "a sequence" => "a list",
        "a JSON number" | "u32" | "i64" | "u64" => "a number",
        expected if expected.starts_with("struct ") || expected == "a map" => "an object",
        expected => expected,
    }
}

#[cfg(test)]
mod tests {
    use super::in_plain_words;

    #[test]
    fn messages_of_serde_are_said_in_plain_words() {
        let body = "Failed to deserialize the JSON body into the target type: ";
        for (said, plain) in [
            ("missing field `text` at line 1 column 2", "The field “text” is missing"),
            ("text: duplicate field `text` at line 1 column 2", "The field “text” is there twice"),
            (
                "colour: unknown field `colour`, expected `text` or `version` at line 1 column 9",
                "There is no field “colour”; the fields are text, version",
            ),
            (
                "text: invalid type: integer `5`, expected a string at line 1 column 10",
                "“text” is the number 5, but has to be a text",
            ),
            (
                "invalid type: sequence, expected an object at line 1 column 0",
                "The whole is a list, but has to be an object",
            ),
            (
                "rating: unknown variant `superb`, expected one of `again`, `hard` at line 1 column 19",
                "“rating” is “superb”, but has to be one of again, hard",
            ),
            ("version: 3.5 is not a version at line 1 column 2", "“version”: 3.5 is not a version"),
        ] {
            assert_eq!(in_plain_words("field", &format!("{body}{said}")), plain);
        }
        let query = "Failed to deserialize query string: ";
        for (said, plain) in [
            ("limit: invalid digit found in string", "“limit” has to be a whole number"),
            ("limit: cannot parse integer from empty string", "“limit” has to be a whole number"),
            ("limit: number too large to fit in target type", "“limit” is too large"),
            ("x: unknown field `x`, there are no fields", "There is no parameter “x” here"),
            ("unknown field `x`, expected `q`", "There is no parameter “x”; the parameters are q"),
        ] {
            assert_eq!(in_plain_words("parameter", &format!("{query}{said}")), plain);
        }
    }
}
